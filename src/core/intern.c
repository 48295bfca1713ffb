#include "core/nsf_common.h"

#include "core/intern.h"

#include "core/hash.h"
#include "core/mem.h"

#define INTERN_FIRST_SLOTS 64u

void nsf_intern_init(struct nsf_intern *table, uint64_t seed)
{
    *table = (struct nsf_intern){.seed = seed};
    nsf_arena_init(&table->arena);
}

void nsf_intern_release(struct nsf_intern *table)
{
    nsf_arena_release(&table->arena);
    nsf_free(table->strings);
    nsf_free(table->slots);
    nsf_intern_init(table, table->seed);
}

/* The slot that holds s, or the free one where it belongs. */
static uint32_t slot_of(const struct nsf_intern *table, struct nsf_slice s)
{
    uint32_t mask = table->n_slots - 1;
    uint32_t slot = (uint32_t)nsf_hash_bytes(s.ptr, s.len, table->seed) & mask;
    while (table->slots[slot] != 0 && !nsf_slice_eq(table->strings[table->slots[slot] - 1], s))
        slot = (slot + 1) & mask;
    return slot;
}

static void grow_slots(struct nsf_intern *table)
{
    table->n_slots = table->n_slots == 0 ? INTERN_FIRST_SLOTS : table->n_slots * 2;
    nsf_free(table->slots);
    table->slots = nsf_calloc(table->n_slots, sizeof(*table->slots));
    for (uint32_t id = 0; id < table->n; id++)
        table->slots[slot_of(table, table->strings[id])] = id + 1;
}

uint32_t nsf_intern_add(struct nsf_intern *table, struct nsf_slice s)
{
    if (table->n + 1 > table->n_slots / 2)
        grow_slots(table);
    uint32_t slot = slot_of(table, s);
    if (table->slots[slot] != 0)
        return table->slots[slot] - 1;
    NSF_GROW(table->strings, table->strings_capacity, (size_t)table->n + 1);
    table->strings[table->n] = nsf_arena_copy(&table->arena, s);
    table->slots[slot] = ++table->n;
    return table->n - 1;
}

uint32_t nsf_intern_find(const struct nsf_intern *table, struct nsf_slice s)
{
    if (table->n_slots == 0)
        return NSF_INTERN_NONE;
    uint32_t slot = slot_of(table, s);
    return table->slots[slot] == 0 ? NSF_INTERN_NONE : table->slots[slot] - 1;
}

#include "core/nsf_common.h"

#include "evidence/contacts_state.h"

#include "core/nth_rank.h"

void nsf_contacts_release_sources(struct nsf_contacts_table *table)
{
    nsf_free(table->slots);
    nsf_free(table->v6);
    nsf_index_release(&table->by_v6);
    nsf_free(table->rows);
    nsf_free(table->more);
    nsf_pairset_release(&table->distinct);
}

static void forget_port(struct nsf_contacts_table *table, uint32_t item)
{
    if (item >> NSF_ITEM_KIND_SHIFT == NSF_ITEM_TARGET_PORT)
        table->ports[item & NSF_ITEM_VALUE_MAX].sources--;
}

static void forget_items(struct nsf_contacts_table *table, const uint32_t *items, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        forget_port(table, items[i]);
}

static void forget_row(struct nsf_contacts_table *table, const struct nsf_contact_row *row)
{
    table->n_not_kept += (uint64_t)row->denied_tuples + row->other_contacts;
    forget_items(table, row->items, NSF_ROW_ITEMS);
    if (row->more != 0)
        forget_items(table, table->more[row->more - 1].items, NSF_MORE_ITEMS);
}

static void forget_fact(struct nsf_contacts_table *table, const struct nsf_contact_slot *slot)
{
    table->n_not_kept += slot->state;
    if ((slot->fact & (NSF_FACT_DENIED | NSF_FACT_TARGET)) == NSF_FACT_TARGET)
        table->ports[slot->fact & NSF_FACT_VALUE_MAX].sources--;
}

static void each_rank(const void *ctx, nsf_rank_fn *fn, void *fn_ctx)
{
    const struct nsf_contacts_table *table = ctx;
    for (uint32_t i = 0; i < table->n_slots; i++)
        if (table->slots[i].state != 0)
            fn(fn_ctx, nsf_contacts_rank(nsf_ip_from_v4(table->slots[i].v4)));
    for (uint32_t i = 0; i < table->n_v6; i++)
        fn(fn_ctx, nsf_contacts_rank(table->v6[i].ip));
}

/* Moves a row with its further items to the new table, or forgets it: then NSF_INDEX_NONE. */
static uint32_t move_row(struct nsf_contacts_table *fresh, struct nsf_contacts_table *table, uint32_t row_idx,
                         bool is_kept)
{
    const struct nsf_contact_row *old = &table->rows[row_idx];
    if (!is_kept) {
        forget_row(table, old);
        return NSF_INDEX_NONE;
    }
    uint32_t idx = nsf_contacts_add_row(fresh);
    struct nsf_contact_row *row = &fresh->rows[idx];
    *row = *old;
    if (old->more != 0) {
        NSF_GROW(fresh->more, fresh->more_capacity, (size_t)fresh->n_more + 1);
        fresh->more[fresh->n_more] = table->more[old->more - 1];
        row->more = ++fresh->n_more;
    }
    return idx;
}

static void move_slots(struct nsf_contacts_table *fresh, struct nsf_contacts_table *table, uint32_t *moved)
{
    for (uint32_t i = 0; i < table->n_slots; i++) {
        struct nsf_contact_slot slot = table->slots[i];
        bool is_kept = nsf_contacts_rank(nsf_ip_from_v4(slot.v4)) <= table->rank_max;
        if (slot.state == 0)
            continue;
        if ((slot.state & NSF_SLOT_HAS_ROW) != 0) {
            uint32_t row = slot.state & ~NSF_SLOT_HAS_ROW;
            moved[row] = move_row(fresh, table, row, is_kept);
            slot.state = NSF_SLOT_HAS_ROW | moved[row];
        } else if (!is_kept) {
            forget_fact(table, &slot);
        }
        if (is_kept) {
            *nsf_contacts_slot(fresh, slot.v4) = slot;
            fresh->n_slots_used++;
        }
    }
}

void nsf_contacts_keep_smallest(struct nsf_contacts_table *table, uint32_t n)
{
    struct nsf_contacts_table fresh;
    table->rank_max = nsf_nth_rank(table, each_rank, table->rank_max, n);
    nsf_contacts_init(&fresh, table->seed);
    nsf_contacts_set_slots(&fresh, nsf_contacts_slots_for(n + n / 8));
    uint32_t *moved = nsf_calloc((size_t)table->n_rows + 1, sizeof(*moved));
    move_slots(&fresh, table, moved);
    for (uint32_t i = 0; i < table->n_v6; i++) {
        uint32_t row = table->v6[i].row;
        moved[row] = move_row(&fresh, table, row, nsf_contacts_rank(table->v6[i].ip) <= table->rank_max);
        if (moved[row] != NSF_INDEX_NONE)
            nsf_contacts_add_v6(&fresh, table->v6[i].ip, moved[row]);
    }
    for (uint32_t s = 0; table->distinct.slots != NULL && s <= table->distinct.mask; s++) {
        if (table->distinct.slots[s] == 0)
            continue;
        uint64_t key = table->distinct.slots[s] - 1;
        uint32_t row = moved[key >> 32];
        if (row == NSF_INDEX_NONE)
            forget_port(table, (uint32_t)key);
        else
            nsf_pairset_add(&fresh.distinct, nsf_pair(row, (uint32_t)key));
    }
    nsf_free(moved);
    nsf_contacts_release_sources(table);
    table->slots = fresh.slots;
    table->n_slots = fresh.n_slots;
    table->n_slots_used = fresh.n_slots_used;
    table->v6 = fresh.v6;
    table->v6_capacity = fresh.v6_capacity;
    table->n_v6 = fresh.n_v6;
    table->by_v6 = fresh.by_v6;
    table->rows = fresh.rows;
    table->rows_capacity = fresh.rows_capacity;
    table->n_rows = fresh.n_rows;
    table->more = fresh.more;
    table->more_capacity = fresh.more_capacity;
    table->n_more = fresh.n_more;
    table->distinct = fresh.distinct;
}

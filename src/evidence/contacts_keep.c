#include "core/nsf_common.h"

#include "evidence/contacts_state.h"

#include "core/nth_rank.h"

void nsf_contacts_release_sources(struct nsf_contacts_table *table)
{
    nsf_contact_slots_release(&table->slots);
    nsf_lines_release(&table->row_lines);
    nsf_lines_release(&table->more_lines);
    nsf_pairset_release(&table->distinct);
    nsf_free(table->carries);
    table->carries = NULL;
    table->carries_capacity = table->n_carries = 0;
}

static void forget_item(struct nsf_contacts_table *table, uint32_t item)
{
    if (item >> NSF_ITEM_KIND_SHIFT == NSF_ITEM_TARGET_PORT)
        table->ports[item & NSF_ITEM_VALUE_MAX].sources--;
}

static void forget_row(struct nsf_contacts_table *table, const struct nsf_contact_slot *slot)
{
    uint32_t row_idx = nsf_slot_row(slot->state);
    const struct nsf_contact_row *row = &table->rows[row_idx];
    table->n_not_kept += nsf_contact_rows_tuples(table, row_idx, true) + nsf_contact_rows_tuples(table, row_idx, false);
    for (unsigned i = 0; i < NSF_ROW_LANES; i++)
        forget_item(table, nsf_contact_codes_item(&table->codes, row->codes[i]));
    for (unsigned i = 0; row->more != 0 && i < NSF_MORE_ITEMS; i++)
        forget_item(table, table->more[row->more - 1].items[i]);
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
    struct nsf_ip src;
    uint64_t at = 0;
    while (nsf_contact_slots_next(&table->slots, &at, &src) != NULL)
        fn(fn_ctx, nsf_contacts_rank(src));
}

/* Copies a row with its further items to the new table. */
static uint32_t move_row(struct nsf_contacts_table *fresh, const struct nsf_contacts_table *table, uint32_t row_idx)
{
    const struct nsf_contact_row *old = &table->rows[row_idx];
    uint32_t idx = nsf_contact_rows_add(fresh);
    struct nsf_contact_row *row = &fresh->rows[idx];
    *row = *old;
    if (old->more != 0)
        *nsf_contact_rows_add_more(fresh, row) = table->more[old->more - 1];
    return idx;
}

/* Moves who is kept and forgets the others. moved[row] is the row's new number, or NSF_INDEX_NONE. */
static void move_slots(struct nsf_contacts_table *fresh, struct nsf_contacts_table *table, uint32_t *moved)
{
    const struct nsf_contact_slot *old;
    struct nsf_ip src;
    uint64_t at = 0;
    while ((old = nsf_contact_slots_next(&table->slots, &at, &src)) != NULL) {
        struct nsf_contact_slot slot = *old;
        bool is_kept = nsf_contacts_rank(src) <= table->rank_max;
        uint32_t row = nsf_slot_row(slot.state);
        if ((slot.state & NSF_SLOT_HAS_ROW) == 0) {
            if (!is_kept)
                forget_fact(table, &slot);
        } else if (is_kept) {
            moved[row] = move_row(fresh, table, row);
            slot.state = (slot.state & ~NSF_SLOT_ROW_MAX) | moved[row];
        } else {
            forget_row(table, &slot);
            moved[row] = NSF_INDEX_NONE;
        }
        if (is_kept)
            *nsf_contact_slots_add(&fresh->slots, src) = slot;
    }
}

static void move_distinct(struct nsf_contacts_table *fresh, struct nsf_contacts_table *table, const uint32_t *moved)
{
    for (uint32_t s = 0; table->distinct.slots != NULL && s <= table->distinct.mask; s++) {
        if (table->distinct.slots[s] == 0)
            continue;
        uint64_t key = table->distinct.slots[s] - 1;
        uint32_t row = moved[key >> 32];
        if (row == NSF_INDEX_NONE)
            forget_item(table, (uint32_t)key);
        else
            nsf_pairset_add(&fresh->distinct, nsf_pair(row, (uint32_t)key));
    }
}

static void move_carries(struct nsf_contacts_table *fresh, const struct nsf_contacts_table *table,
                         const uint32_t *moved)
{
    for (uint32_t i = 0; i < table->n_carries; i++)
        if (moved[table->carries[i].row_idx] != NSF_INDEX_NONE)
            nsf_contact_rows_carry(fresh, moved[table->carries[i].row_idx], table->carries[i].is_denied);
}

void nsf_contacts_keep_smallest(struct nsf_contacts_table *table, uint32_t n)
{
    struct nsf_contacts_table fresh = {0};
    table->rank_max = nsf_nth_rank(table, each_rank, table->rank_max, n);
    nsf_contact_slots_init_like(&fresh.slots, &table->slots);
    uint32_t *moved = nsf_calloc((size_t)table->n_rows + 1, sizeof(*moved));
    move_slots(&fresh, table, moved);
    move_distinct(&fresh, table, moved);
    move_carries(&fresh, table, moved);
    nsf_free(moved);
    nsf_contacts_release_sources(table);
    table->slots = fresh.slots;
    table->rows = fresh.rows;
    table->row_lines = fresh.row_lines;
    table->n_rows = fresh.n_rows;
    table->more = fresh.more;
    table->more_lines = fresh.more_lines;
    table->n_more = fresh.n_more;
    table->distinct = fresh.distinct;
    table->carries = fresh.carries;
    table->carries_capacity = fresh.carries_capacity;
    table->n_carries = fresh.n_carries;
}

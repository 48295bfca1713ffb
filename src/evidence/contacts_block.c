#include "core/nsf_common.h"

#include "evidence/contacts_state.h"

/* ---- what a contact says of its source ---- */

static inline unsigned place_of(uint64_t key)
{
    return (unsigned)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) % NSF_CONTACT_RECALLS;
}

static NSF_COLD void learn_own(struct nsf_contacts_table *table, uint32_t v4, struct nsf_recalled_own *recalled)
{
    uint32_t id = nsf_addresses_id(&table->addresses, nsf_ip_from_v4(v4));
    *recalled = (struct nsf_recalled_own){v4, nsf_contact_code(NSF_CODES_ADDRESSES, id)};
}

/* The code of our address. */
static inline uint16_t code_of_own(struct nsf_contacts_table *table, uint32_t v4)
{
    struct nsf_recalled_own *recalled = &table->recalled_own[place_of(v4)];
    if (NSF_UNLIKELY(recalled->v4 != v4 || recalled->code == 0))
        learn_own(table, v4, recalled);
    return recalled->code;
}

static NSF_COLD void learn_port(struct nsf_contacts_table *table, const struct nsf_contact *contact, uint32_t target,
                                uint64_t key, struct nsf_recalled_port *recalled)
{
    struct nsf_deed deed = {.id = NSF_INDEX_NONE, .port = contact->dst_port, .protocol = contact->protocol};
    if (target != NSF_INDEX_NONE)
        deed.id = nsf_contacts_port_row(table, target, contact->protocol, contact->dst_port);
    *recalled = (struct nsf_recalled_port){key, deed.id, nsf_contacts_code(table, &deed)};
}

/* The port under its target; counts the tuple there. */
static inline const struct nsf_recalled_port *port_of_allowed(struct nsf_contacts_table *table,
                                                              const struct nsf_contact *contact, uint32_t target)
{
    uint64_t key = (uint64_t)target << 32 | UINT64_C(1) << 24 | (uint64_t)contact->protocol << 16 | contact->dst_port;
    struct nsf_recalled_port *recalled = &table->recalled_ports[place_of(key)];
    if (NSF_UNLIKELY(recalled->key != key))
        learn_port(table, contact, target, key, recalled);
    if (recalled->id != NSF_INDEX_NONE)
        table->ports[recalled->id].tuples++;
    return recalled;
}

/* Deeds are written where they are read from, field by field: a processor waits when it reads at once what was written
 * in parts, as it would to hand one over by value. */
static inline void fill_deed(const struct nsf_contact *contact, uint32_t id, uint16_t code, struct nsf_deed *deed)
{
    deed->id = id;
    deed->code = code;
    deed->port = contact->dst_port;
    deed->protocol = contact->protocol;
    deed->is_denied = contact->is_denied;
}

static inline void fill_denied(struct nsf_contacts_table *table, const struct nsf_contact *contact, uint16_t code,
                               struct nsf_deed *deed)
{
    uint32_t id = code != NSF_CODE_NONE ? code - NSF_CODES_ADDRESSES
                                        : nsf_addresses_id(&table->addresses, nsf_ip_from_v4(contact->dst));
    fill_deed(contact, id, code, deed);
}

/* ---- sources that have a row ---- */

/* No port that it is denied on tells more of a source that has all flags of ports, and whose ports are counted no
 * further. */
#define PORT_IS_DONE (NSF_ROW_STOPPED(NSF_ROW_DENIED_PORTS) | (uint32_t)NSF_FLAGS_BESIDE_MAIL << NSF_ROW_FLAGS)
/* And whatever address of ours it was. */
#define ALL_IS_DONE (PORT_IS_DONE | NSF_ROW_STOPPED(NSF_ROW_DENIED_ADDRESSES))

/* From now on its tuples are only counted. */
static NSF_COLD void mark_done(struct nsf_contacts_table *table, uint32_t v4)
{
    nsf_contact_slots_find(&table->slots, nsf_ip_from_v4(v4))->state |= NSF_SLOT_IS_DONE;
}

static inline void note_denied(struct nsf_contacts_table *table, const struct nsf_contact *contact, uint32_t row_idx)
{
    struct nsf_contact_row *row = &table->rows[row_idx];
    uint16_t code = code_of_own(table, contact->dst);
    if (NSF_LIKELY(nsf_row_note_denied(row, code, contact->protocol, contact->dst_port))) {
        row->bits |= (uint32_t)nsf_port_flags(contact->protocol, contact->dst_port) << NSF_ROW_FLAGS;
        nsf_contact_rows_count(table, row_idx, true, 1);
    } else {
        struct nsf_deed deed;
        fill_denied(table, contact, code, &deed);
        nsf_contact_rows_note(table, row_idx, &deed, 1);
    }
    if (NSF_UNLIKELY((row->bits & ALL_IS_DONE) == ALL_IS_DONE))
        mark_done(table, contact->src);
}

static inline void note_allowed(struct nsf_contacts_table *table, const struct nsf_contact *contact, uint32_t target,
                                uint32_t row_idx)
{
    const struct nsf_recalled_port *port = port_of_allowed(table, contact, target);
    struct nsf_deed deed;
    if (NSF_LIKELY(nsf_has_lane(table->rows[row_idx].codes, port->code) != 0)) {
        nsf_contact_rows_count(table, row_idx, false, 1);
        return;
    }
    fill_deed(contact, port->id, port->code, &deed);
    nsf_contact_rows_note(table, row_idx, &deed, 1);
}

/* An address without a row. */
static void add_contact(struct nsf_contacts_table *table, const struct nsf_contact *contact, uint32_t target)
{
    struct nsf_deed deed;
    if (contact->is_denied) {
        fill_denied(table, contact, code_of_own(table, contact->dst), &deed);
    } else {
        const struct nsf_recalled_port *port = port_of_allowed(table, contact, target);
        fill_deed(contact, port->id, port->code, &deed);
    }
    nsf_contacts_add_deed(table, nsf_ip_from_v4(contact->src), &deed);
}

/* ---- blocks ---- */

/* The entries of a block, by what is to be done with them, which cannot be guessed one by one: a bit each, that of the
 * last entry is the lowest. */
struct sorted {
    uint64_t has_row;
    uint64_t is_denied;
    uint64_t is_done;
};
_Static_assert(NSF_CONTACT_BLOCK == 64, "a bit for each entry");

/* Wherever it is; a place outside of the rows does no harm. */
static inline void expect_row(const struct nsf_contacts_table *table, uint32_t row_idx)
{
    __builtin_prefetch((const void *)((uintptr_t)table->rows + (uintptr_t)row_idx * sizeof(*table->rows)), 1);
}

/* The further items of a row; what lies before the first does no harm. */
static inline void expect_more(const struct nsf_contacts_table *table, uint32_t row_idx)
{
    uintptr_t number = table->rows[row_idx].more;
    __builtin_prefetch((const void *)((uintptr_t)table->more + number * sizeof(*table->more) - NSF_LINE_BYTES), 1);
}

/* Finds the slots, and sends for the rows. */
static inline struct sorted find_rows(const struct nsf_contacts_table *table, struct nsf_contact_block *block)
{
    struct sorted sorted = {0, 0, 0};
    for (struct nsf_contact_entry *entry = block->entries, *end = entry + block->n; entry < end; entry++) {
        uint32_t state = nsf_contact_slots_state(&table->slots, entry->contact->src, entry->at);
        entry->at = nsf_slot_row(state);
        expect_row(table, entry->at);
        sorted.has_row = sorted.has_row * 2 + state / NSF_SLOT_HAS_ROW;
        sorted.is_denied = sorted.is_denied * 2 + entry->contact->is_denied;
        sorted.is_done = sorted.is_done * 2 + (state / NSF_SLOT_IS_DONE & 1);
    }
    return sorted;
}

static inline const struct nsf_contact_entry *entry_of(const struct nsf_contact_block *block, uint64_t entries)
{
    return &block->entries[block->n - 1 - (unsigned)__builtin_ctzll(entries)];
}

static void empty_block(struct nsf_contacts_table *table, struct nsf_contact_block *block)
{
    struct sorted sorted = find_rows(table, block);
    uint64_t denied = sorted.has_row & sorted.is_denied, allowed = sorted.has_row & ~sorted.is_denied;
    uint64_t others = ~sorted.has_row & ~UINT64_C(0) >> (NSF_CONTACT_BLOCK - block->n);
    const struct nsf_contact_entry *entry;
    for (uint64_t left = denied & sorted.is_done; left != 0; left &= left - 1)
        nsf_contact_rows_count(table, entry_of(block, left)->at, true, 1);
    for (uint64_t left = denied & ~sorted.is_done; left != 0; left &= left - 1)
        expect_more(table, entry_of(block, left)->at);
    for (uint64_t left = denied & ~sorted.is_done; left != 0; left &= left - 1) {
        entry = entry_of(block, left);
        note_denied(table, entry->contact, entry->at);
    }
    for (uint64_t left = allowed; left != 0; left &= left - 1) {
        entry = entry_of(block, left);
        note_allowed(table, entry->contact, entry->target, entry->at);
    }
    for (uint64_t left = others; left != 0; left &= left - 1) {
        entry = entry_of(block, left);
        add_contact(table, entry->contact, entry->target);
    }
}

void nsf_contacts_empty_block(struct nsf_contacts_table *table, struct nsf_contact_block *block)
{
    if (block->n > 0 && table->slots.n_buckets > 0)
        empty_block(table, block);
    else
        for (uint32_t i = 0; i < block->n; i++)
            add_contact(table, block->entries[i].contact, block->entries[i].target);
    block->n = 0;
}

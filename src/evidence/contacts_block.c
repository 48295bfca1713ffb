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

static NSF_COLD void learn_port(struct nsf_contacts_table *table, const struct nsf_contact_entry *entry, uint64_t key,
                                struct nsf_recalled_port *recalled)
{
    const struct nsf_contact *contact = entry->contact;
    struct nsf_deed deed = {.id = NSF_INDEX_NONE, .port = contact->dst_port, .protocol = contact->protocol};
    if (entry->target != NSF_INDEX_NONE)
        deed.id = nsf_contacts_port_row(table, entry->target, contact->protocol, contact->dst_port);
    *recalled = (struct nsf_recalled_port){key, deed.id, nsf_contacts_code(table, &deed)};
}

/* The port under its target; counts the tuple there. */
static inline const struct nsf_recalled_port *port_of_allowed(struct nsf_contacts_table *table,
                                                              const struct nsf_contact_entry *entry)
{
    const struct nsf_contact *contact = entry->contact;
    uint64_t key =
        (uint64_t)entry->target << 32 | UINT64_C(1) << 24 | (uint64_t)contact->protocol << 16 | contact->dst_port;
    struct nsf_recalled_port *recalled = &table->recalled_ports[place_of(key)];
    if (NSF_UNLIKELY(recalled->key != key))
        learn_port(table, entry, key, recalled);
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

/* ---- rows that learn nothing new: most of them ---- */

/* No port that it is denied on tells more of a source that has all flags of ports, and whose ports are counted no
 * further. */
#define PORT_IS_DONE (NSF_ROW_STOPPED(NSF_ROW_DENIED_PORTS) | (uint32_t)NSF_FLAGS_BESIDE_MAIL << NSF_ROW_FLAGS)

/* A port that is among those of the row has left its flags. Without a branch, since nobody can guess what it is. One of
 * UDP is looked for where it would be added. */
static inline bool is_denied_known(const struct nsf_contact_row *row, const struct nsf_contact *contact, uint16_t code)
{
    uint32_t bits = row->bits;
    unsigned is_own_known = nsf_has_lane(row->codes, code) | ((bits & NSF_ROW_STOPPED(NSF_ROW_DENIED_ADDRESSES)) != 0);
    unsigned has_tcp_port = nsf_has_tcp_port(contact->protocol, contact->dst_port);
    unsigned is_port_known =
        ((bits & PORT_IS_DONE) == PORT_IS_DONE) | (has_tcp_port & nsf_has_lane(row->tcp_ports, contact->dst_port));
    return (is_own_known & is_port_known) != 0;
}

static inline void note_denied(struct nsf_contacts_table *table, const struct nsf_contact_entry *entry)
{
    struct nsf_contact_row *row = &table->rows[entry->at];
    uint16_t code = code_of_own(table, entry->contact->dst);
    struct nsf_deed deed;
    if (NSF_LIKELY(is_denied_known(row, entry->contact, code))) {
        row->tuples[true]++;
        return;
    }
    fill_denied(table, entry->contact, code, &deed);
    nsf_contact_rows_note(table, entry->at, &deed, 1);
}

static inline void note_allowed(struct nsf_contacts_table *table, const struct nsf_contact_entry *entry)
{
    const struct nsf_recalled_port *port = port_of_allowed(table, entry);
    struct nsf_contact_row *row = &table->rows[entry->at];
    struct nsf_deed deed;
    if (NSF_LIKELY(nsf_has_lane(row->codes, port->code) != 0)) {
        row->tuples[false]++;
        return;
    }
    fill_deed(entry->contact, port->id, port->code, &deed);
    nsf_contact_rows_note(table, entry->at, &deed, 1);
}

/* An address without a row. */
static void add_entry(struct nsf_contacts_table *table, const struct nsf_contact_entry *entry)
{
    struct nsf_deed deed;
    if (entry->contact->is_denied) {
        fill_denied(table, entry->contact, code_of_own(table, entry->contact->dst), &deed);
    } else {
        const struct nsf_recalled_port *port = port_of_allowed(table, entry);
        fill_deed(entry->contact, port->id, port->code, &deed);
    }
    nsf_contacts_add_deed(table, nsf_ip_from_v4(entry->contact->src), &deed);
}

/* ---- blocks ---- */

/* Numbers of entries, by what is to be done with them: what it is cannot be guessed one by one. */
struct lists {
    uint32_t n_denied; /* of sources that have a row */
    uint32_t n_allowed;
    uint32_t n_others;
    uint8_t denied[NSF_CONTACT_BLOCK];
    uint8_t allowed[NSF_CONTACT_BLOCK];
    uint8_t others[NSF_CONTACT_BLOCK];
};

/* Wherever it is; a place outside of the rows does no harm. */
static inline void expect_row(const struct nsf_contacts_table *table, uint32_t row_idx)
{
    __builtin_prefetch((const void *)((uintptr_t)table->rows + (uintptr_t)row_idx * sizeof(*table->rows)), 1);
}

/* Finds the slots, and sends for the rows. */
static void find_rows(const struct nsf_contacts_table *table, struct nsf_contact_block *block, struct lists *lists)
{
    uint32_t n_denied = 0, n_allowed = 0, n_others = 0;
    for (uint32_t i = 0, n = block->n; i < n; i++) {
        struct nsf_contact_entry *entry = &block->entries[i];
        uint32_t state = nsf_contact_slots_state(&table->slots, entry->contact->src, entry->at);
        uint32_t has_row = state / NSF_SLOT_HAS_ROW, is_denied = has_row & entry->contact->is_denied;
        entry->at = state & ~NSF_SLOT_HAS_ROW;
        expect_row(table, entry->at);
        lists->denied[n_denied] = lists->allowed[n_allowed] = lists->others[n_others] = (uint8_t)i;
        n_denied += is_denied;
        n_allowed += has_row - is_denied;
        n_others += 1 - has_row;
    }
    lists->n_denied = n_denied;
    lists->n_allowed = n_allowed;
    lists->n_others = n_others;
}

static void empty_block(struct nsf_contacts_table *table, struct nsf_contact_block *block)
{
    struct lists lists;
    find_rows(table, block, &lists);
    for (uint32_t i = 0; i < lists.n_denied; i++)
        note_denied(table, &block->entries[lists.denied[i]]);
    for (uint32_t i = 0; i < lists.n_allowed; i++)
        note_allowed(table, &block->entries[lists.allowed[i]]);
    for (uint32_t i = 0; i < lists.n_others; i++)
        add_entry(table, &block->entries[lists.others[i]]);
}

void nsf_contacts_empty_block(struct nsf_contacts_table *table, struct nsf_contact_block *block)
{
    if (table->slots.n_buckets > 0)
        empty_block(table, block);
    else
        for (uint32_t i = 0; i < block->n; i++)
            add_entry(table, &block->entries[i]);
    block->n = 0;
}

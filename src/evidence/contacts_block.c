#include "core/nsf_common.h"

#include "evidence/contacts_state.h"

/* ---- what a contact says of its source ---- */

#define RECALL_DENIED (UINT64_C(1) << 63)
#define RECALL_ALLOWED (UINT64_C(1) << 62)

static inline uint64_t key_of_denied(const struct nsf_contact *contact)
{
    return RECALL_DENIED | contact->dst;
}

static inline uint64_t key_of_allowed(const struct nsf_contact *contact, uint32_t target)
{
    return RECALL_ALLOWED | (uint64_t)target << 24 | nsf_port_item_value(contact->protocol, contact->dst_port);
}

static NSF_COLD void learn(struct nsf_contacts_table *table, const struct nsf_contact_entry *entry, uint64_t key,
                           struct nsf_contact_recall *recall)
{
    const struct nsf_contact *contact = entry->contact;
    struct nsf_deed deed = {
        .id = NSF_INDEX_NONE,
        .port = contact->dst_port,
        .protocol = contact->protocol,
        .is_denied = contact->is_denied,
    };
    if (contact->is_denied)
        deed.id = nsf_addresses_id(&table->addresses, nsf_ip_from_v4(contact->dst));
    else if (entry->target != NSF_INDEX_NONE)
        deed.id = nsf_contacts_port_row(table, entry->target, contact->protocol, contact->dst_port);
    *recall = (struct nsf_contact_recall){key, deed.id, nsf_contacts_code(table, &deed)};
}

/* What the tuples of a minute have in common nearly always finds a place for itself. */
static inline const struct nsf_contact_recall *recall(struct nsf_contacts_table *table,
                                                      const struct nsf_contact_entry *entry, uint64_t key)
{
    struct nsf_contact_recall *found =
        &table->recalls[(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) % NSF_CONTACT_RECALLS];
    if (NSF_UNLIKELY(found->key != key))
        learn(table, entry, key, found);
    return found;
}

static inline const struct nsf_contact_recall *recall_denied(struct nsf_contacts_table *table,
                                                             const struct nsf_contact_entry *entry)
{
    return recall(table, entry, key_of_denied(entry->contact));
}

/* Counts the tuple of the port. */
static inline const struct nsf_contact_recall *recall_allowed(struct nsf_contacts_table *table,
                                                              const struct nsf_contact_entry *entry)
{
    const struct nsf_contact_recall *found = recall(table, entry, key_of_allowed(entry->contact, entry->target));
    if (found->id != NSF_INDEX_NONE)
        table->ports[found->id].tuples++;
    return found;
}

static struct nsf_deed deed_of(const struct nsf_contact *contact, const struct nsf_contact_recall *found)
{
    return (struct nsf_deed){
        .id = found->id,
        .code = found->code,
        .port = contact->dst_port,
        .protocol = contact->protocol,
        .is_denied = contact->is_denied,
    };
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
    bool is_own_known = nsf_has_lane(row->codes, code) | ((bits & NSF_ROW_STOPPED(NSF_ROW_DENIED_ADDRESSES)) != 0);
    bool is_tcp_port = (contact->protocol == NSF_PROTOCOL_TCP) & (contact->dst_port != 0);
    return is_own_known &
           (((bits & PORT_IS_DONE) == PORT_IS_DONE) | (is_tcp_port & nsf_has_lane(row->tcp_ports, contact->dst_port)));
}

static NSF_COLD void note_new(struct nsf_contacts_table *table, const struct nsf_contact_entry *entry,
                              const struct nsf_contact_recall *found)
{
    struct nsf_deed deed = deed_of(entry->contact, found);
    nsf_contact_rows_note(table, entry->at, &deed, 1);
}

static inline void note(struct nsf_contacts_table *table, const struct nsf_contact_entry *entry)
{
    struct nsf_contact_row *row = &table->rows[entry->at];
    const struct nsf_contact_recall *found;
    if (entry->contact->is_denied) {
        found = recall_denied(table, entry);
        if (is_denied_known(row, entry->contact, found->code)) {
            row->tuples[true]++;
            return;
        }
    } else {
        found = recall_allowed(table, entry);
        if (nsf_has_lane(row->codes, found->code)) {
            row->tuples[false]++;
            return;
        }
    }
    note_new(table, entry, found);
}

/* An address without a row. */
static void add_entry(struct nsf_contacts_table *table, const struct nsf_contact_entry *entry)
{
    const struct nsf_contact *contact = entry->contact;
    struct nsf_deed deed =
        deed_of(contact, contact->is_denied ? recall_denied(table, entry) : recall_allowed(table, entry));
    nsf_contacts_add_deed(table, nsf_ip_from_v4(contact->src), &deed);
}

/* ---- blocks ---- */

/* Wherever it is; a place outside of the rows does no harm. */
static inline void expect_row(const struct nsf_contacts_table *table, uint32_t row_idx)
{
    __builtin_prefetch((const void *)((uintptr_t)table->rows + (uintptr_t)row_idx * sizeof(*table->rows)), 1);
}

/* Finds the slots, and sends for the rows. Entries whose source has a row go to the front of `order`, others, that are
 * added one by one, behind it: which it is cannot be guessed. Gives how many have one. */
static uint32_t find_rows(const struct nsf_contacts_table *table, struct nsf_contact_block *block,
                          uint8_t order[2 * NSF_CONTACT_BLOCK])
{
    uint32_t n_rows = 0, n_others = 0;
    for (uint32_t i = 0, n = block->n; i < n; i++) {
        struct nsf_contact_entry *entry = &block->entries[i];
        const struct nsf_contact_slot *slot = nsf_contact_slots_find_v4(&table->slots, entry->contact->src, entry->at);
        uint32_t state = slot == NULL ? 0 : slot->state, has_row = state / NSF_SLOT_HAS_ROW;
        entry->at = state & ~NSF_SLOT_HAS_ROW;
        expect_row(table, entry->at);
        order[n_rows] = (uint8_t)i;
        order[NSF_CONTACT_BLOCK + n_others] = (uint8_t)i;
        n_rows += has_row;
        n_others += 1 - has_row;
    }
    return n_rows;
}

void nsf_contacts_empty_block(struct nsf_contacts_table *table, struct nsf_contact_block *block)
{
    uint8_t order[2 * NSF_CONTACT_BLOCK];
    uint32_t n_rows = find_rows(table, block, order);
    for (uint32_t i = 0; i < n_rows; i++)
        note(table, &block->entries[order[i]]);
    for (uint32_t i = 0; i < block->n - n_rows; i++)
        add_entry(table, &block->entries[order[NSF_CONTACT_BLOCK + i]]);
    block->n = 0;
}

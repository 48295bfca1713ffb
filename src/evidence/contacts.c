#include "core/nsf_common.h"

#include "evidence/contacts.h"

/* The upper bits of an item; the lower ones are an address id, a protocol and port, or a row of `ports`. */
enum contact_kind {
    CONTACT_DENIED_ADDRESS = 1,
    CONTACT_DENIED_PORT,
    CONTACT_DENIED_MAIL_ADDRESS,
    CONTACT_OTHER_PORT,
    CONTACT_TARGET_PORT,
};

#define ITEM_KIND_SHIFT 29
#define ITEM_VALUE_MAX  ((UINT32_C(1) << ITEM_KIND_SHIFT) - 1)

_Static_assert(sizeof(struct nsf_contact_row) == 64, "a contact row is one cache line");

void nsf_contacts_init(struct nsf_contacts_table *table, uint64_t seed)
{
    *table = (struct nsf_contacts_table){
        .seed = seed,
        .last_port = NSF_INDEX_NONE,
    };
    nsf_addresses_init(&table->addresses, seed);
}

void nsf_contacts_release(struct nsf_contacts_table *table)
{
    nsf_free(table->rows);
    nsf_index_release(&table->by_src);
    nsf_addresses_release(&table->addresses);
    nsf_pairset_release(&table->distinct);
    nsf_free(table->ports);
    nsf_index_release(&table->by_port);
    nsf_contacts_init(table, table->seed);
}

static uint32_t find_row(const struct nsf_contacts_table *table, struct nsf_ip src, uint32_t hash)
{
    uint32_t probe = hash, idx;
    while ((idx = nsf_index_next(&table->by_src, hash, &probe)) != NSF_INDEX_NONE)
        if (nsf_ip_eq(table->rows[idx].src, src))
            return idx;
    return NSF_INDEX_NONE;
}

const struct nsf_contact_row *nsf_contacts_find(const struct nsf_contacts_table *table, struct nsf_ip src)
{
    uint32_t idx = find_row(table, src, nsf_ip_hash(src, table->seed));
    return idx == NSF_INDEX_NONE ? NULL : &table->rows[idx];
}

/* NSF_INDEX_NONE: the table is full and the address is new. */
static uint32_t row_of(struct nsf_contacts_table *table, struct nsf_ip src)
{
    uint32_t hash = nsf_ip_hash(src, table->seed);
    uint32_t idx = find_row(table, src, hash);
    if (idx != NSF_INDEX_NONE)
        return idx;
    if (table->max_rows != 0 && table->n_rows >= table->max_rows) {
        table->n_not_kept++;
        return NSF_INDEX_NONE;
    }
    NSF_GROW(table->rows, table->rows_capacity, (size_t)table->n_rows + 1);
    idx = table->n_rows++;
    table->rows[idx] = (struct nsf_contact_row){.src = src};
    nsf_index_add(&table->by_src, hash, idx);
    return idx;
}

/* True when the source of the row does this for the first time. */
static bool note_item(struct nsf_contacts_table *table, uint32_t row_idx, enum contact_kind kind, uint32_t value)
{
    struct nsf_contact_row *row = &table->rows[row_idx];
    uint32_t item = (uint32_t)kind << ITEM_KIND_SHIFT | (value & ITEM_VALUE_MAX);
    for (unsigned i = 0; i < row->n_items; i++)
        if (row->items[i] == item)
            return false;
    if (row->n_items == NSF_CONTACT_ITEMS)
        return nsf_pairset_add(&table->distinct, nsf_pair(row_idx, item));
    row->items[row->n_items++] = item;
    return true;
}

static void count_distinct(struct nsf_contacts_table *table, enum contact_kind kind, uint32_t row_idx, uint32_t value,
                           uint8_t *count)
{
    if (*count < NSF_DISTINCT_EXACT_MAX)
        *count = (uint8_t)(*count + note_item(table, row_idx, kind, value));
}

void nsf_contacts_add_denied_mail(struct nsf_contacts_table *table, const struct nsf_mail_event *event)
{
    uint32_t idx = row_of(table, event->src), own = nsf_addresses_id(&table->addresses, event->dst);
    if (idx == NSF_INDEX_NONE)
        return;
    struct nsf_contact_row *row = &table->rows[idx];
    row->denied_tuples++;
    row->flags |= NSF_CONTACT_DENIED_MAIL;
    count_distinct(table, CONTACT_DENIED_ADDRESS, idx, own, &row->denied_addresses);
    count_distinct(table, CONTACT_DENIED_MAIL_ADDRESS, idx, own, &row->denied_mail_addresses);
    count_distinct(table, CONTACT_DENIED_PORT, idx, (uint32_t)6 << 16 | event->dst_port, &row->denied_ports);
}

/* Mail, its submission ports, ident, DNS and the web: what a mail server or its owner's browser touches. */
static bool is_strange_port(uint8_t protocol, uint16_t port)
{
    static const uint16_t usual[] = {25, 53, 80, 113, 443, 465, 587};
    if (protocol != 6 && protocol != 17)
        return false;
    for (size_t i = 0; i < NSF_ARRAY_LEN(usual); i++)
        if (usual[i] == port)
            return false;
    return true;
}

static bool is_mail_port(uint8_t protocol, uint16_t port)
{
    return protocol == 6 && (port == 25 || port == 465 || port == 587);
}

static bool is_port_row(const struct nsf_contacts_table *table, uint32_t idx, const struct nsf_contact *contact,
                        uint32_t target)
{
    const struct nsf_target_port *port = &table->ports[idx];
    return port->target == target && port->port == contact->dst_port && port->protocol == contact->protocol;
}

static uint32_t port_row(struct nsf_contacts_table *table, const struct nsf_contact *contact, uint32_t target)
{
    if (table->last_port != NSF_INDEX_NONE && is_port_row(table, table->last_port, contact, target))
        return table->last_port;
    uint32_t key = (uint32_t)contact->protocol << 16 | contact->dst_port;
    uint32_t hash = (uint32_t)nsf_hash_mix(nsf_pair(target, key), table->seed), probe = hash, idx;
    while ((idx = nsf_index_next(&table->by_port, hash, &probe)) != NSF_INDEX_NONE)
        if (is_port_row(table, idx, contact, target))
            return table->last_port = idx;
    NSF_GROW(table->ports, table->ports_capacity, (size_t)table->n_ports + 1);
    idx = table->n_ports++;
    table->ports[idx] = (struct nsf_target_port){
        .target = target,
        .port = contact->dst_port,
        .protocol = contact->protocol,
    };
    nsf_index_add(&table->by_port, hash, idx);
    return table->last_port = idx;
}

static void count_target_port(struct nsf_contacts_table *table, const struct nsf_contact *contact, uint32_t target,
                              uint32_t row_idx)
{
    uint32_t idx = port_row(table, contact, target);
    table->ports[idx].tuples++;
    table->ports[idx].sources += note_item(table, row_idx, CONTACT_TARGET_PORT, idx);
}

void nsf_contacts_expect(const struct nsf_contacts_table *table, struct nsf_ip src)
{
    if (table->by_src.slots != NULL)
        __builtin_prefetch(&table->by_src.slots[nsf_ip_hash(src, table->seed) & table->by_src.mask]);
}

void nsf_contacts_expect_soon(const struct nsf_contacts_table *table, struct nsf_ip src)
{
    if (table->by_src.slots == NULL)
        return;
    uint64_t slot = table->by_src.slots[nsf_ip_hash(src, table->seed) & table->by_src.mask];
    if (slot != 0)
        __builtin_prefetch(&table->rows[(uint32_t)slot - 1], 1);
}

static void use_of_item(uint32_t row_idx, uint32_t item, void (*fn)(void *ctx, uint32_t port, uint32_t row), void *ctx)
{
    if (item >> ITEM_KIND_SHIFT == CONTACT_TARGET_PORT)
        fn(ctx, item & ITEM_VALUE_MAX, row_idx);
}

void nsf_contacts_each_use(const struct nsf_contacts_table *table, void (*fn)(void *ctx, uint32_t port, uint32_t row),
                           void *ctx)
{
    for (uint32_t row = 0; row < table->n_rows; row++)
        for (unsigned i = 0; i < table->rows[row].n_items; i++)
            use_of_item(row, table->rows[row].items[i], fn, ctx);
    for (uint32_t s = 0; table->distinct.slots != NULL && s <= table->distinct.mask; s++)
        if (table->distinct.slots[s] != 0) {
            uint64_t key = table->distinct.slots[s] - 1;
            use_of_item((uint32_t)(key >> 32), (uint32_t)key, fn, ctx);
        }
}

void nsf_contacts_add_other(struct nsf_contacts_table *table, const struct nsf_contact *contact, uint32_t target)
{
    uint32_t idx = row_of(table, contact->src);
    if (idx == NSF_INDEX_NONE)
        return;
    uint32_t port = (uint32_t)contact->protocol << 16 | contact->dst_port;
    struct nsf_contact_row *row = &table->rows[idx];
    if (is_strange_port(contact->protocol, contact->dst_port))
        row->flags |= NSF_CONTACT_STRANGE_PORT;
    if (!is_mail_port(contact->protocol, contact->dst_port))
        row->flags |= NSF_CONTACT_NOT_MAIL_PORT;
    if (contact->is_denied) {
        row->denied_tuples++;
        count_distinct(table, CONTACT_DENIED_ADDRESS, idx, nsf_addresses_id(&table->addresses, contact->dst), &row->denied_addresses);
        count_distinct(table, CONTACT_DENIED_PORT, idx, port, &row->denied_ports);
        return;
    }
    row->other_contacts++;
    count_distinct(table, CONTACT_OTHER_PORT, idx, port, &row->other_ports);
    if (target != NSF_INDEX_NONE)
        count_target_port(table, contact, target, idx);
}

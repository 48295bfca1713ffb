#include "core/nsf_common.h"

#include "evidence/contacts.h"

#include "evidence/contacts_state.h"

/* So many more addresses than are kept come together before some are forgotten, and an eighth. */
#define BEYOND_MAX 64u

void nsf_contacts_init(struct nsf_contacts_table *table, uint64_t seed)
{
    *table = (struct nsf_contacts_table){
        .seed = seed,
        .rank_max = UINT64_MAX,
        .slots.seed = seed,
    };
    nsf_addresses_init(&table->addresses, seed);
    nsf_contact_codes_init(&table->codes, seed);
}

void nsf_contacts_release(struct nsf_contacts_table *table)
{
    nsf_contacts_release_sources(table);
    nsf_addresses_release(&table->addresses);
    nsf_contact_codes_release(&table->codes);
    nsf_free(table->ports);
    nsf_index_release(&table->by_port);
    nsf_contacts_init(table, table->seed);
}

uint32_t nsf_contacts_port_row(struct nsf_contacts_table *table, uint32_t target, uint8_t protocol, uint16_t port)
{
    uint32_t key = nsf_port_item_value(protocol, port);
    uint32_t hash = (uint32_t)nsf_hash_mix(nsf_pair(target, key), table->seed), probe = hash, idx;
    while ((idx = nsf_index_next(&table->by_port, hash, &probe)) != NSF_INDEX_NONE) {
        const struct nsf_target_port *row = &table->ports[idx];
        if (row->target == target && row->port == port && row->protocol == protocol)
            return idx;
    }
    NSF_GROW(table->ports, table->ports_capacity, (size_t)table->n_ports + 1);
    idx = table->n_ports++;
    table->ports[idx] = (struct nsf_target_port){
        .target = target,
        .port = port,
        .protocol = protocol,
        .port_code = nsf_contact_codes_port(&table->codes, nsf_contact_item(NSF_ITEM_OTHER_PORT, key)),
    };
    nsf_index_add(&table->by_port, hash, idx);
    return idx;
}

uint16_t nsf_contacts_code(struct nsf_contacts_table *table, const struct nsf_deed *deed)
{
    if (deed->is_denied)
        return nsf_contact_code(NSF_CODES_ADDRESSES, deed->id);
    if (deed->id != NSF_INDEX_NONE)
        return nsf_contact_code(NSF_CODES_TARGET_PORTS, deed->id);
    return nsf_contact_codes_port(
        &table->codes, nsf_contact_item(NSF_ITEM_OTHER_PORT, nsf_port_item_value(deed->protocol, deed->port)));
}

/* ---- facts ------------------------------------------------------------------------------------------ */

static uint32_t fact_of(const struct nsf_deed *deed)
{
    if (!deed->is_denied)
        return deed->id == NSF_INDEX_NONE       ? nsf_port_item_value(deed->protocol, deed->port)
               : deed->id <= NSF_FACT_VALUE_MAX ? NSF_FACT_TARGET | deed->id
                                                : NSF_FACT_NONE;
    if ((deed->protocol != NSF_PROTOCOL_TCP && deed->protocol != NSF_PROTOCOL_UDP) ||
        deed->id >= NSF_FACT_DENIED_OWN_MAX)
        return NSF_FACT_NONE;
    return NSF_FACT_DENIED | deed->id << NSF_FACT_DENIED_OWN_BIT |
           (deed->protocol == NSF_PROTOCOL_UDP ? NSF_FACT_DENIED_UDP : 0u) | deed->port;
}

/* All but its code. */
static void read_fact(const struct nsf_contacts_table *table, uint32_t fact, struct nsf_deed *deed)
{
    deed->code = NSF_CODE_NONE;
    deed->port = (uint16_t)fact;
    deed->is_denied = (fact & NSF_FACT_DENIED) != 0;
    if (deed->is_denied) {
        deed->id = (fact & ~NSF_FACT_DENIED) >> NSF_FACT_DENIED_OWN_BIT;
        deed->protocol = (fact & NSF_FACT_DENIED_UDP) != 0 ? NSF_PROTOCOL_UDP : NSF_PROTOCOL_TCP;
    } else if ((fact & NSF_FACT_TARGET) != 0) {
        deed->id = fact & NSF_FACT_VALUE_MAX;
        deed->port = table->ports[deed->id].port;
        deed->protocol = table->ports[deed->id].protocol;
    } else {
        deed->id = NSF_INDEX_NONE;
        deed->protocol = (uint8_t)(fact >> 16);
    }
}

static bool is_fact_of_target(uint32_t fact)
{
    return (fact & (NSF_FACT_DENIED | NSF_FACT_TARGET)) == NSF_FACT_TARGET;
}

/* ---- adding ----------------------------------------------------------------------------------------- */

/* A new address; false: it is not kept. */
static bool may_add(struct nsf_contacts_table *table, struct nsf_ip src)
{
    uint32_t max = table->max_addresses;
    if (max != 0 && nsf_contact_slots_n(&table->slots) >= (uint64_t)max + max / 8 + BEYOND_MAX)
        nsf_contacts_keep_smallest(table, max);
    if (table->rank_max == UINT64_MAX || nsf_contacts_rank(src) <= table->rank_max)
        return true;
    table->n_not_kept++;
    return false;
}

void nsf_contacts_finish(struct nsf_contacts_table *table)
{
    if (table->max_addresses != 0 && nsf_contact_slots_n(&table->slots) > table->max_addresses)
        nsf_contacts_keep_smallest(table, table->max_addresses);
}

static void add_new(struct nsf_contacts_table *table, struct nsf_ip src, const struct nsf_deed *deed)
{
    if (!may_add(table, src))
        return;
    struct nsf_contact_slot *slot = nsf_contact_slots_add(&table->slots, src);
    *slot = (struct nsf_contact_slot){.state = 1, .fact = fact_of(deed)};
    if (slot->fact == NSF_FACT_NONE) {
        *slot = (struct nsf_contact_slot){.state = NSF_SLOT_HAS_ROW | nsf_contact_rows_add(table)};
        nsf_contact_rows_note(table, nsf_slot_row(slot->state), deed, 1);
    } else if (is_fact_of_target(slot->fact)) {
        table->ports[deed->id].sources++;
    }
}

/* The address does a second thing. */
static uint32_t give_row(struct nsf_contacts_table *table, struct nsf_contact_slot *slot)
{
    struct nsf_deed first;
    uint32_t row = nsf_contact_rows_add(table);
    read_fact(table, slot->fact, &first);
    if (is_fact_of_target(slot->fact))
        table->ports[first.id].sources--; /* counted again by the row */
    first.code = nsf_contacts_code(table, &first);
    nsf_contact_rows_note(table, row, &first, slot->state);
    *slot = (struct nsf_contact_slot){.state = NSF_SLOT_HAS_ROW | row};
    return row;
}

void nsf_contacts_add_deed(struct nsf_contacts_table *table, struct nsf_ip src, const struct nsf_deed *deed)
{
    struct nsf_contact_slot *slot = nsf_contact_slots_find(&table->slots, src);
    if (slot == NULL)
        add_new(table, src, deed);
    else if ((slot->state & NSF_SLOT_HAS_ROW) != 0)
        nsf_contact_rows_note(table, nsf_slot_row(slot->state), deed, 1);
    else if (slot->fact == fact_of(deed) && slot->state < NSF_SLOT_HAS_ROW - 1)
        slot->state++;
    else
        nsf_contact_rows_note(table, give_row(table, slot), deed, 1);
}

void nsf_contacts_add_denied_mail(struct nsf_contacts_table *table, const struct nsf_mail_event *event)
{
    struct nsf_deed deed = {
        .id = nsf_addresses_id(&table->addresses, event->dst),
        .port = event->dst_port,
        .protocol = NSF_PROTOCOL_TCP,
        .is_denied = true,
    };
    deed.code = nsf_contacts_code(table, &deed);
    nsf_contacts_add_deed(table, event->src, &deed);
}

void nsf_contacts_add_wide(struct nsf_contacts_table *table, const struct nsf_wide_contact *contact, uint32_t target)
{
    struct nsf_deed deed = {
        .id = NSF_INDEX_NONE,
        .port = contact->dst_port,
        .protocol = contact->protocol,
        .is_denied = contact->is_denied,
    };
    if (contact->is_denied) {
        deed.id = nsf_addresses_id(&table->addresses, contact->dst);
    } else if (target != NSF_INDEX_NONE) {
        deed.id = nsf_contacts_port_row(table, target, contact->protocol, contact->dst_port);
        table->ports[deed.id].tuples++;
    }
    deed.code = nsf_contacts_code(table, &deed);
    nsf_contacts_add_deed(table, contact->src, &deed);
}

/* ---- asking ----------------------------------------------------------------------------------------- */

static void tell_row(const struct nsf_contacts_table *table, const struct nsf_contact_slot *slot, struct nsf_ip src,
                     struct nsf_contact_summary *summary)
{
    uint32_t row_idx = nsf_slot_row(slot->state);
    const struct nsf_contact_row *row = &table->rows[row_idx];
    *summary = (struct nsf_contact_summary){
        .src = src,
        .denied_tuples = nsf_contact_rows_tuples(table, row_idx, true),
        .other_contacts = nsf_contact_rows_tuples(table, row_idx, false),
        .denied_addresses = (uint8_t)nsf_row_count(row, NSF_ROW_DENIED_ADDRESSES),
        .denied_ports = (uint8_t)nsf_row_count(row, NSF_ROW_DENIED_PORTS),
        .denied_mail_addresses = (uint8_t)nsf_row_count(row, NSF_ROW_DENIED_MAIL_ADDRESSES),
        .other_ports = (uint8_t)nsf_row_count(row, NSF_ROW_OTHER_PORTS),
        .flags = (uint8_t)nsf_row_flags(row),
    };
}

static void tell_slot(const struct nsf_contacts_table *table, const struct nsf_contact_slot *slot, struct nsf_ip src,
                      struct nsf_contact_summary *summary)
{
    if ((slot->state & NSF_SLOT_HAS_ROW) != 0) {
        tell_row(table, slot, src, summary);
        return;
    }
    struct nsf_deed deed;
    read_fact(table, slot->fact, &deed);
    *summary = (struct nsf_contact_summary){.src = src, .flags = (uint8_t)nsf_deed_flags(&deed)};
    if (deed.is_denied) {
        summary->denied_tuples = slot->state;
        summary->denied_addresses = summary->denied_ports = 1;
        summary->denied_mail_addresses = nsf_deed_is_denied_mail(&deed);
    } else {
        summary->other_contacts = slot->state;
        summary->other_ports = 1;
    }
}

void nsf_contacts_expect(const struct nsf_contacts_table *table, struct nsf_ip src)
{
    if (nsf_ip_is_v4(src))
        nsf_contact_slots_expect(&table->slots, nsf_contact_slots_first(&table->slots, nsf_ip_to_v4(src)));
}

bool nsf_contacts_find(const struct nsf_contacts_table *table, struct nsf_ip src, struct nsf_contact_summary *summary)
{
    const struct nsf_contact_slot *slot = nsf_contact_slots_find(&table->slots, src);
    if (slot != NULL)
        tell_slot(table, slot, src, summary);
    return slot != NULL;
}

/* Slots are gone through in order, but their rows lie anywhere. Inlined by force, since a compiler may leave out a call
 * that only fetches ahead. */
#define EACH_AHEAD 16
static inline __attribute__((always_inline)) void expect_next(const struct nsf_contacts_table *table, uint64_t *at)
{
    struct nsf_ip src;
    const struct nsf_contact_slot *slot = nsf_contact_slots_next(&table->slots, at, &src);
    if (slot != NULL && (slot->state & NSF_SLOT_HAS_ROW) != 0)
        __builtin_prefetch(&table->rows[nsf_slot_row(slot->state)]);
}

void nsf_contacts_each(const struct nsf_contacts_table *table, nsf_contacts_fn *fn, void *ctx)
{
    struct nsf_contact_summary summary;
    const struct nsf_contact_slot *slot;
    struct nsf_ip src;
    uint64_t at = 0, ahead = 0;
    for (unsigned i = 0; i < EACH_AHEAD; i++)
        expect_next(table, &ahead);
    while ((slot = nsf_contact_slots_next(&table->slots, &at, &src)) != NULL) {
        expect_next(table, &ahead);
        tell_slot(table, slot, src, &summary);
        fn(ctx, &summary);
    }
}

/* ---- users of ports ---- */

/* The groups whose ports a source used, each once. */
struct groups {
    uint32_t items[NSF_ROW_LANES + NSF_MORE_ITEMS];
    unsigned n;
};

static uint32_t group_of_use(uint32_t item, const uint32_t *group_of)
{
    return item >> NSF_ITEM_KIND_SHIFT == NSF_ITEM_TARGET_PORT ? group_of[item & NSF_ITEM_VALUE_MAX] : NSF_INDEX_NONE;
}

static void add_group(struct groups *groups, uint32_t group)
{
    for (unsigned i = 0; i < groups->n; i++)
        if (groups->items[i] == group)
            return;
    if (group != NSF_INDEX_NONE)
        groups->items[groups->n++] = group;
}

static void read_groups(const struct nsf_contacts_table *table, const struct nsf_contact_row *row,
                        const uint32_t *group_of, struct groups *groups)
{
    groups->n = 0;
    for (unsigned i = 0; i < NSF_ROW_LANES; i++)
        add_group(groups, group_of_use(nsf_contact_codes_item(&table->codes, row->codes[i]), group_of));
    for (unsigned i = 0; row->more != 0 && i < NSF_MORE_ITEMS; i++)
        add_group(groups, group_of_use(table->more[row->more - 1].items[i], group_of));
}

/* Rows, and what their further items add. */
static void count_users_of_rows(const struct nsf_contacts_table *table, const uint32_t *group_of, uint64_t *n_users)
{
    struct nsf_pairset counted = {0}; /* (row, group), of rows that may have items beside them */
    struct groups groups;
    for (uint32_t i = 0; i < table->n_rows; i++) {
        read_groups(table, &table->rows[i], group_of, &groups);
        for (unsigned g = 0; g < groups.n; g++) {
            n_users[groups.items[g]]++;
            if (table->rows[i].more != 0)
                nsf_pairset_add(&counted, nsf_pair(i, groups.items[g]));
        }
    }
    for (uint32_t s = 0; table->distinct.slots != NULL && s <= table->distinct.mask; s++) {
        uint64_t key = table->distinct.slots[s] - 1;
        uint32_t group = table->distinct.slots[s] == 0 ? NSF_INDEX_NONE : group_of_use((uint32_t)key, group_of);
        if (group != NSF_INDEX_NONE)
            n_users[group] += nsf_pairset_add(&counted, nsf_pair((uint32_t)(key >> 32), group));
    }
    nsf_pairset_release(&counted);
}

void nsf_contacts_count_users(const struct nsf_contacts_table *table, const uint32_t *group_of, uint64_t *n_users)
{
    uint64_t at = 0;
    const struct nsf_contact_slot *slot;
    struct nsf_ip src;
    while ((slot = nsf_contact_slots_next(&table->slots, &at, &src)) != NULL) {
        uint32_t group = NSF_INDEX_NONE;
        if ((slot->state & NSF_SLOT_HAS_ROW) == 0 && is_fact_of_target(slot->fact))
            group = group_of[slot->fact & NSF_FACT_VALUE_MAX];
        if (group != NSF_INDEX_NONE)
            n_users[group]++;
    }
    count_users_of_rows(table, group_of, n_users);
}

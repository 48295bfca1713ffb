#include "core/nsf_common.h"

#include "evidence/contacts.h"

#include "evidence/contacts_state.h"

/* One tuple. */
struct contact {
    uint32_t own;      /* denied: id of our address */
    uint32_t port_row; /* allowed: of `ports`, or NSF_INDEX_NONE */
    uint16_t port;
    uint8_t protocol;
    bool is_denied;
};

void nsf_contacts_init(struct nsf_contacts_table *table, uint64_t seed)
{
    *table = (struct nsf_contacts_table){
        .seed = seed,
        .rank_max = UINT64_MAX,
        .last_port = NSF_INDEX_NONE,
    };
    nsf_addresses_init(&table->addresses, seed);
}

void nsf_contacts_release(struct nsf_contacts_table *table)
{
    nsf_contacts_release_sources(table);
    nsf_addresses_release(&table->addresses);
    nsf_free(table->ports);
    nsf_index_release(&table->by_port);
    nsf_contacts_init(table, table->seed);
}

/* ---- ports ------------------------------------------------------------------------------------------ */

/* Mail, its submission ports, ident, DNS and the web: what a mail server or its owner's browser touches. */
static bool is_strange_port(uint8_t protocol, uint16_t port)
{
    if (protocol != 6 && protocol != 17)
        return false;
    switch (port) {
    case 25:
    case 53:
    case 80:
    case 113:
    case 443:
    case 465:
    case 587:
        return false;
    default:
        return true;
    }
}

static bool is_mail_port(uint8_t protocol, uint16_t port)
{
    return protocol == 6 && (port == 25 || port == 465 || port == 587);
}

static bool is_denied_mail(const struct contact *contact)
{
    return contact->is_denied && contact->protocol == 6 && contact->port == 25;
}

#define FLAGS_BESIDE_MAIL ((unsigned)NSF_CONTACT_STRANGE_PORT | NSF_CONTACT_NOT_MAIL_PORT)
#define FLAGS_ALL (FLAGS_BESIDE_MAIL | NSF_CONTACT_DENIED_MAIL)

static unsigned flags_of(const struct contact *contact)
{
    return (is_denied_mail(contact) ? NSF_CONTACT_DENIED_MAIL : 0u) |
           (is_strange_port(contact->protocol, contact->port) ? NSF_CONTACT_STRANGE_PORT : 0u) |
           (is_mail_port(contact->protocol, contact->port) ? 0u : NSF_CONTACT_NOT_MAIL_PORT);
}

static uint32_t protocol_and_port(const struct contact *contact)
{
    return (uint32_t)contact->protocol << 16 | contact->port;
}

static bool is_port_row(const struct nsf_contacts_table *table, uint32_t idx, const struct nsf_wide_contact *contact,
                        uint32_t target)
{
    const struct nsf_target_port *port = &table->ports[idx];
    return port->target == target && port->port == contact->dst_port && port->protocol == contact->protocol;
}

static uint32_t port_row(struct nsf_contacts_table *table, const struct nsf_wide_contact *contact, uint32_t target)
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

/* ---- facts ------------------------------------------------------------------------------------------ */

static uint32_t fact_of(const struct contact *contact)
{
    if (!contact->is_denied)
        return contact->port_row == NSF_INDEX_NONE       ? protocol_and_port(contact)
               : contact->port_row <= NSF_FACT_VALUE_MAX ? NSF_FACT_TARGET | contact->port_row
                                                         : NSF_FACT_NONE;
    if ((contact->protocol != 6 && contact->protocol != 17) || contact->own >= NSF_FACT_DENIED_OWN_MAX)
        return NSF_FACT_NONE;
    return NSF_FACT_DENIED | contact->own << NSF_FACT_DENIED_OWN_BIT |
           (contact->protocol == 17 ? NSF_FACT_DENIED_UDP : 0u) | contact->port;
}

static struct contact contact_of(const struct nsf_contacts_table *table, uint32_t fact)
{
    struct contact contact = {.is_denied = (fact & NSF_FACT_DENIED) != 0, .port_row = NSF_INDEX_NONE};
    contact.port = (uint16_t)fact;
    if (contact.is_denied) {
        contact.own = (fact & ~NSF_FACT_DENIED) >> NSF_FACT_DENIED_OWN_BIT;
        contact.protocol = (fact & NSF_FACT_DENIED_UDP) != 0 ? 17 : 6;
    } else if ((fact & NSF_FACT_TARGET) != 0) {
        contact.port_row = fact & NSF_FACT_VALUE_MAX;
        contact.port = table->ports[contact.port_row].port;
        contact.protocol = table->ports[contact.port_row].protocol;
    } else {
        contact.protocol = (uint8_t)(fact >> 16);
    }
    return contact;
}

/* ---- rows ------------------------------------------------------------------------------------------- */

/* All are looked at, whatever the answer: that takes no guess of a branch, and few instructions. */
static inline bool holds(const uint32_t *items, unsigned n, uint32_t item)
{
    uint32_t found = 0;
    for (unsigned i = 0; i < n; i++)
        found |= (uint32_t)(items[i] == item);
    return found != 0;
}

static inline bool holds_port(const uint16_t *ports, uint16_t port)
{
    uint16_t found = 0;
    for (unsigned i = 0; i < NSF_ROW_TCP_PORTS; i++)
        found = (uint16_t)(found | (ports[i] == port));
    return found != 0;
}

/* True when the source of the row does this for the first time. */
static bool note_item(struct nsf_contacts_table *table, uint32_t row_idx, enum nsf_contact_kind kind, uint32_t value)
{
    struct nsf_contact_row *row = &table->rows[row_idx];
    uint32_t item = (uint32_t)kind << NSF_ITEM_KIND_SHIFT | (value & NSF_ITEM_VALUE_MAX);
    if (holds(row->items, NSF_ROW_ITEMS, item))
        return false;
    if (row->n_items < NSF_ROW_ITEMS) {
        row->items[row->n_items] = item;
        row->n_items = (row->n_items + 1u) & NSF_COUNT_MASK;
        return true;
    }
    if (row->more == 0) {
        NSF_GROW(table->more, table->more_capacity, (size_t)table->n_more + 1);
        table->more[table->n_more] = (struct nsf_contact_more){{0}};
        row->more = ++table->n_more;
    }
    struct nsf_contact_more *more = &table->more[row->more - 1];
    if (holds(more->items, NSF_MORE_ITEMS, item))
        return false;
    if (row->n_items < NSF_ROW_ITEMS + NSF_MORE_ITEMS) {
        more->items[row->n_items - NSF_ROW_ITEMS] = item;
        row->n_items = (row->n_items + 1u) & NSF_COUNT_MASK;
        return true;
    }
    return nsf_pairset_add(&table->distinct, nsf_pair(row_idx, item));
}

/* A distinct count that stops at NSF_DISTINCT_EXACT_MAX. */
static uint32_t counted(struct nsf_contacts_table *table, uint32_t row_idx, enum nsf_contact_kind kind, uint32_t value,
                        uint32_t count)
{
    if (count >= NSF_DISTINCT_EXACT_MAX)
        return count;
    return (count + note_item(table, row_idx, kind, value)) & NSF_COUNT_MASK;
}

static void count_denied_port(struct nsf_contacts_table *table, uint32_t row_idx, const struct contact *contact)
{
    struct nsf_contact_row *row = &table->rows[row_idx];
    if (row->denied_ports >= NSF_DISTINCT_EXACT_MAX)
        return;
    bool is_short = contact->protocol == 6 && contact->port != 0;
    if (is_short && holds_port(row->tcp_ports, contact->port))
        return;
    if (is_short && row->n_tcp_ports < NSF_ROW_TCP_PORTS) {
        row->tcp_ports[row->n_tcp_ports] = contact->port;
        row->n_tcp_ports = (row->n_tcp_ports + 1u) & 15u;
        row->denied_ports = (row->denied_ports + 1u) & NSF_COUNT_MASK;
        return;
    }
    row->denied_ports =
        counted(table, row_idx, NSF_ITEM_DENIED_PORT, protocol_and_port(contact), row->denied_ports) & NSF_COUNT_MASK;
}

static void count_other_port(struct nsf_contacts_table *table, uint32_t row_idx, const struct contact *contact)
{
    struct nsf_contact_row *row = &table->rows[row_idx];
    row->other_ports =
        counted(table, row_idx, NSF_ITEM_OTHER_PORT, protocol_and_port(contact), row->other_ports) & NSF_COUNT_MASK;
}

static void add_to_row(struct nsf_contacts_table *table, uint32_t row_idx, const struct contact *contact, uint32_t n)
{
    struct nsf_contact_row *row = &table->rows[row_idx];
    if (row->flags != FLAGS_ALL && (row->flags != FLAGS_BESIDE_MAIL || is_denied_mail(contact)))
        row->flags = (row->flags | flags_of(contact)) & FLAGS_ALL;
    if (!contact->is_denied) {
        row->other_contacts += n;
        /* Who used the port under this target used the port. */
        if (contact->port_row == NSF_INDEX_NONE) {
            count_other_port(table, row_idx, contact);
        } else if (note_item(table, row_idx, NSF_ITEM_TARGET_PORT, contact->port_row)) {
            table->ports[contact->port_row].sources++;
            count_other_port(table, row_idx, contact);
        }
        return;
    }
    row->denied_tuples += n;
    row->denied_addresses =
        counted(table, row_idx, NSF_ITEM_DENIED_ADDRESS, contact->own, row->denied_addresses) & NSF_COUNT_MASK;
    count_denied_port(table, row_idx, contact);
    if (is_denied_mail(contact))
        row->denied_mail_addresses =
            counted(table, row_idx, NSF_ITEM_DENIED_MAIL_ADDRESS, contact->own, row->denied_mail_addresses) &
            NSF_COUNT_MASK;
}

uint32_t nsf_contacts_add_row(struct nsf_contacts_table *table)
{
    NSF_GROW(table->rows, table->rows_capacity, (size_t)table->n_rows + 1);
    table->rows[table->n_rows] = (struct nsf_contact_row){.more = 0};
    return table->n_rows++;
}

void nsf_contacts_add_v6(struct nsf_contacts_table *table, struct nsf_ip ip, uint32_t row)
{
    NSF_GROW(table->v6, table->v6_capacity, (size_t)table->n_v6 + 1);
    table->v6[table->n_v6] = (struct nsf_contact_v6){ip, row};
    nsf_index_add(&table->by_v6, nsf_ip_hash(ip, table->seed), table->n_v6++);
}

/* ---- slots ------------------------------------------------------------------------------------------ */

void nsf_contacts_set_slots(struct nsf_contacts_table *table, uint32_t n_slots)
{
    const struct nsf_contact_slot *old = table->slots;
    uint32_t n_old = table->n_slots;
    table->slots = nsf_calloc(n_slots, sizeof(*table->slots));
    table->n_slots = n_slots;
    for (uint32_t i = 0; i < n_old; i++)
        if (old[i].state != 0)
            *nsf_contacts_slot(table, old[i].v4) = old[i];
    nsf_free((void *)(uintptr_t)old);
}

uint32_t nsf_contacts_slots_for(uint64_t n)
{
    uint64_t n_slots = n * 10 / NSF_SLOTS_SMALL_FULL_TENTHS + NSF_SLOTS_FIRST;
    if (n_slots > NSF_SLOTS_SMALL)
        n_slots = n * 10 / NSF_SLOTS_FULL_TENTHS + NSF_SLOTS_FIRST;
    if (n_slots < NSF_SLOTS_SMALL && n * 10 > NSF_SLOTS_SMALL * (uint64_t)NSF_SLOTS_SMALL_FULL_TENTHS)
        n_slots = NSF_SLOTS_SMALL;
    return n_slots > UINT32_MAX ? UINT32_MAX : (uint32_t)n_slots;
}

static bool has_room(const struct nsf_contacts_table *table)
{
    unsigned tenths = table->n_slots < NSF_SLOTS_SMALL ? NSF_SLOTS_SMALL_FULL_TENTHS : NSF_SLOTS_FULL_TENTHS;
    return (uint64_t)(table->n_slots_used + 1) * 10 <= (uint64_t)table->n_slots * tenths;
}

static void grow_slots(struct nsf_contacts_table *table)
{
    if (!has_room(table))
        nsf_contacts_set_slots(table,
                               nsf_contacts_slots_for((uint64_t)table->n_slots_used + table->n_slots_used / 5 + 1));
}

static uint32_t n_addresses(const struct nsf_contacts_table *table)
{
    return table->n_slots_used + table->n_v6;
}

/* A new address; false: it is not kept. */
static bool may_add(struct nsf_contacts_table *table, struct nsf_ip src)
{
    uint32_t max = table->max_addresses;
    if (max != 0 && n_addresses(table) >= max + max / 8 + NSF_SLOTS_FIRST)
        nsf_contacts_keep_smallest(table, max);
    if (table->rank_max == UINT64_MAX || nsf_contacts_rank(src) <= table->rank_max)
        return true;
    table->n_not_kept++;
    return false;
}

void nsf_contacts_finish(struct nsf_contacts_table *table)
{
    if (table->max_addresses != 0 && n_addresses(table) > table->max_addresses)
        nsf_contacts_keep_smallest(table, table->max_addresses);
}

/* ---- adding ----------------------------------------------------------------------------------------- */

static void add_new_v4(struct nsf_contacts_table *table, struct nsf_ip src, const struct contact *contact)
{
    if (!may_add(table, src))
        return;
    grow_slots(table);
    struct nsf_contact_slot *slot = nsf_contacts_slot(table, nsf_ip_to_v4(src));
    *slot = (struct nsf_contact_slot){.v4 = nsf_ip_to_v4(src), .state = 1, .fact = fact_of(contact)};
    table->n_slots_used++;
    if (slot->fact != NSF_FACT_NONE) {
        if (contact->port_row != NSF_INDEX_NONE)
            table->ports[contact->port_row].sources++;
        return;
    }
    uint32_t row = nsf_contacts_add_row(table);
    slot->state = NSF_SLOT_HAS_ROW | row;
    add_to_row(table, row, contact, 1);
}

/* The address does a second thing. */
static uint32_t give_row(struct nsf_contacts_table *table, struct nsf_contact_slot *slot)
{
    struct contact first = contact_of(table, slot->fact);
    uint32_t row = nsf_contacts_add_row(table);
    if (first.port_row != NSF_INDEX_NONE)
        table->ports[first.port_row].sources--; /* counted again by the row */
    add_to_row(table, row, &first, slot->state);
    slot->state = NSF_SLOT_HAS_ROW | row;
    return row;
}

static void add_v4(struct nsf_contacts_table *table, struct nsf_ip src, const struct contact *contact)
{
    struct nsf_contact_slot *slot = table->n_slots == 0 ? NULL : nsf_contacts_slot(table, nsf_ip_to_v4(src));
    if (slot == NULL || slot->state == 0) {
        add_new_v4(table, src, contact);
        return;
    }
    if ((slot->state & NSF_SLOT_HAS_ROW) != 0) {
        add_to_row(table, slot->state & ~NSF_SLOT_HAS_ROW, contact, 1);
        return;
    }
    if (slot->fact == fact_of(contact) && slot->state < NSF_SLOT_HAS_ROW - 1)
        slot->state++;
    else
        add_to_row(table, give_row(table, slot), contact, 1);
}

static uint32_t find_v6(const struct nsf_contacts_table *table, struct nsf_ip src)
{
    uint32_t hash = nsf_ip_hash(src, table->seed), probe = hash, idx;
    while ((idx = nsf_index_next(&table->by_v6, hash, &probe)) != NSF_INDEX_NONE)
        if (nsf_ip_eq(table->v6[idx].ip, src))
            return table->v6[idx].row;
    return NSF_INDEX_NONE;
}

static void add(struct nsf_contacts_table *table, struct nsf_ip src, const struct contact *contact)
{
    if (nsf_ip_is_v4(src)) {
        add_v4(table, src, contact);
        return;
    }
    uint32_t row = find_v6(table, src);
    if (row == NSF_INDEX_NONE) {
        if (!may_add(table, src))
            return;
        row = nsf_contacts_add_row(table);
        nsf_contacts_add_v6(table, src, row);
    }
    add_to_row(table, row, contact, 1);
}

void nsf_contacts_add_denied_mail(struct nsf_contacts_table *table, const struct nsf_mail_event *event)
{
    struct contact contact = {
        .own = nsf_addresses_id(&table->addresses, event->dst),
        .port_row = NSF_INDEX_NONE,
        .port = event->dst_port,
        .protocol = 6,
        .is_denied = true,
    };
    add(table, event->src, &contact);
}

void nsf_contacts_add_other(struct nsf_contacts_table *table, const struct nsf_wide_contact *other, uint32_t target)
{
    struct contact contact = {
        .port_row = NSF_INDEX_NONE,
        .port = other->dst_port,
        .protocol = other->protocol,
        .is_denied = other->is_denied,
    };
    if (other->is_denied) {
        contact.own = nsf_addresses_id(&table->addresses, other->dst);
    } else if (target != NSF_INDEX_NONE) {
        contact.port_row = port_row(table, other, target);
        table->ports[contact.port_row].tuples++;
    }
    add(table, other->src, &contact);
}

/* ---- ahead ------------------------------------------------------------------------------------------ */

void nsf_contacts_expect(const struct nsf_contacts_table *table, struct nsf_ip src)
{
    if (table->n_slots > 0)
        __builtin_prefetch(&table->slots[nsf_contacts_first_slot(table, nsf_ip_to_v4(src))], 1);
}

void nsf_contacts_expect_soon(const struct nsf_contacts_table *table, struct nsf_ip src)
{
    if (table->n_slots < NSF_SLOTS_AHEAD)
        return;
    uint32_t v4 = nsf_ip_to_v4(src), at = nsf_contacts_first_slot(table, v4), last = table->n_slots - NSF_SLOTS_AHEAD;
    const struct nsf_contact_slot *slot = &table->slots[at < last ? at : last];
    for (unsigned i = 0; i < NSF_SLOTS_AHEAD; i++)
        if (slot[i].v4 == v4 && (slot[i].state & NSF_SLOT_HAS_ROW) != 0)
            __builtin_prefetch(&table->rows[slot[i].state & ~NSF_SLOT_HAS_ROW], 1);
}

/* ---- asking ----------------------------------------------------------------------------------------- */

static void tell_row(const struct nsf_contacts_table *table, struct nsf_ip src, uint32_t row_idx,
                     struct nsf_contact_summary *summary)
{
    const struct nsf_contact_row *row = &table->rows[row_idx];
    *summary = (struct nsf_contact_summary){
        .src = src,
        .denied_tuples = row->denied_tuples,
        .other_contacts = row->other_contacts,
        .denied_addresses = (uint8_t)row->denied_addresses,
        .denied_ports = (uint8_t)row->denied_ports,
        .denied_mail_addresses = (uint8_t)row->denied_mail_addresses,
        .other_ports = (uint8_t)row->other_ports,
        .flags = (uint8_t)row->flags,
    };
}

static void tell_slot(const struct nsf_contacts_table *table, const struct nsf_contact_slot *slot,
                      struct nsf_contact_summary *summary)
{
    struct nsf_ip src = nsf_ip_from_v4(slot->v4);
    if ((slot->state & NSF_SLOT_HAS_ROW) != 0) {
        tell_row(table, src, slot->state & ~NSF_SLOT_HAS_ROW, summary);
        return;
    }
    struct contact contact = contact_of(table, slot->fact);
    *summary = (struct nsf_contact_summary){.src = src, .flags = (uint8_t)flags_of(&contact)};
    if (contact.is_denied) {
        summary->denied_tuples = slot->state;
        summary->denied_addresses = summary->denied_ports = 1;
        summary->denied_mail_addresses = is_denied_mail(&contact);
    } else {
        summary->other_contacts = slot->state;
        summary->other_ports = 1;
    }
}

bool nsf_contacts_find(const struct nsf_contacts_table *table, struct nsf_ip src, struct nsf_contact_summary *summary)
{
    if (!nsf_ip_is_v4(src)) {
        uint32_t row = find_v6(table, src);
        if (row != NSF_INDEX_NONE)
            tell_row(table, src, row, summary);
        return row != NSF_INDEX_NONE;
    }
    const struct nsf_contact_slot *slot = table->n_slots == 0 ? NULL : nsf_contacts_slot(table, nsf_ip_to_v4(src));
    if (slot == NULL || slot->state == 0)
        return false;
    tell_slot(table, slot, summary);
    return true;
}

void nsf_contacts_each(const struct nsf_contacts_table *table, nsf_contacts_fn *fn, void *ctx)
{
    struct nsf_contact_summary summary;
    for (uint32_t i = 0; i < table->n_slots; i++)
        if (table->slots[i].state != 0) {
            tell_slot(table, &table->slots[i], &summary);
            fn(ctx, &summary);
        }
    for (uint32_t i = 0; i < table->n_v6; i++) {
        tell_row(table, table->v6[i].ip, table->v6[i].row, &summary);
        fn(ctx, &summary);
    }
}

static bool is_wanted_use(uint32_t item, const bool *is_wanted)
{
    return item >> NSF_ITEM_KIND_SHIFT == NSF_ITEM_TARGET_PORT && is_wanted[item & NSF_ITEM_VALUE_MAX];
}

static bool is_user(const struct nsf_contacts_table *table, const struct nsf_contact_row *row, const bool *is_wanted)
{
    for (unsigned i = 0; i < NSF_ROW_ITEMS; i++)
        if (is_wanted_use(row->items[i], is_wanted))
            return true;
    for (unsigned i = 0; row->more != 0 && i < NSF_MORE_ITEMS; i++)
        if (is_wanted_use(table->more[row->more - 1].items[i], is_wanted))
            return true;
    return false;
}

uint64_t nsf_contacts_count_users(const struct nsf_contacts_table *table, const bool *is_wanted)
{
    uint64_t n_users = 0;
    bool *is_counted = nsf_calloc((size_t)table->n_rows + 1, sizeof(*is_counted));
    for (uint32_t i = 0; i < table->n_slots; i++) {
        const struct nsf_contact_slot *slot = &table->slots[i];
        if (slot->state != 0 && (slot->state & NSF_SLOT_HAS_ROW) == 0)
            n_users += (slot->fact & (NSF_FACT_DENIED | NSF_FACT_TARGET)) == NSF_FACT_TARGET &&
                       is_wanted[slot->fact & NSF_FACT_VALUE_MAX];
    }
    for (uint32_t i = 0; i < table->n_rows; i++)
        n_users += is_counted[i] = is_user(table, &table->rows[i], is_wanted);
    for (uint32_t s = 0; table->distinct.slots != NULL && s <= table->distinct.mask; s++) {
        if (table->distinct.slots[s] == 0)
            continue;
        uint64_t key = table->distinct.slots[s] - 1;
        if (is_counted[key >> 32] || !is_wanted_use((uint32_t)key, is_wanted))
            continue;
        is_counted[key >> 32] = true;
        n_users++;
    }
    nsf_free(is_counted);
    return n_users;
}

#include "core/nsf_common.h"

#include "evidence/contacts.h"

#include "core/hash.h"

/* The upper bits of an item; the lower ones are an address id, a protocol and port, or a row of `ports`. */
enum contact_kind {
    CONTACT_DENIED_ADDRESS = 1,
    CONTACT_DENIED_PORT,
    CONTACT_DENIED_MAIL_ADDRESS,
    CONTACT_OTHER_PORT,
    CONTACT_TARGET_PORT,
};

#define ITEM_KIND_SHIFT 29
#define ITEM_VALUE_MAX ((UINT32_C(1) << ITEM_KIND_SHIFT) - 1)
#define ROW_TCP_PORTS 12u
#define ROW_ITEMS 6u
#define MORE_ITEMS 16u
#define COUNT_MASK 31u

/* What is distinct about what a source did; 0 where there is none yet. TCP ports that it was denied on are most of what
 * scanners leave: the first of them stand for themselves. */
struct nsf_contact_row {
    uint16_t tcp_ports[ROW_TCP_PORTS];
    uint32_t items[ROW_ITEMS];
    uint32_t denied_tuples;
    uint32_t other_contacts;
    uint32_t more; /* 1 + index of further items, 0: none */
    uint32_t denied_addresses : 5;
    uint32_t denied_ports : 5;
    uint32_t denied_mail_addresses : 5;
    uint32_t other_ports : 5;
    uint32_t flags : 3;
    uint32_t n_items : 5; /* here and in `more` */
    uint32_t n_tcp_ports : 4;
};

struct nsf_contact_more {
    uint32_t items[MORE_ITEMS];
};

_Static_assert(sizeof(struct nsf_contact_row) == 64, "a contact row is one cache line");
_Static_assert(ROW_ITEMS + MORE_ITEMS <= COUNT_MASK && NSF_DISTINCT_EXACT_MAX <= COUNT_MASK, "counts have five bits");

/* An IPv4 address. `state` is 0 in a free slot, SLOT_HAS_ROW and the number of its row, or how often the one fact was
 * seen that is all there is of it. */
struct nsf_contact_slot {
    uint32_t v4;
    uint32_t state;
    uint32_t fact;
};
#define SLOT_HAS_ROW (UINT32_C(1) << 31)
/* Slots in tenths that are used before there are a fifth more of them. Where memory counts it is 16 bytes an address at
 * most; a small table is rather fast. */
#define SLOTS_FULL_TENTHS 9u
#define SLOTS_SMALL_FULL_TENTHS 6u
#define SLOTS_SMALL (UINT32_C(1) << 14)
#define SLOTS_FIRST 64u
/* Slots that are looked at in advance: where a row nearly always is. */
#define SLOTS_AHEAD 3u

/* A fact: denied, with the address's id, UDP or TCP and the port; or allowed, with a row of `ports`, or with protocol
 * and port under no finding. What does not fit gets a row. */
#define FACT_DENIED (UINT32_C(1) << 31)
#define FACT_TARGET (UINT32_C(1) << 30)
#define FACT_VALUE_MAX (FACT_TARGET - 1)
#define FACT_DENIED_UDP (UINT32_C(1) << 16)
#define FACT_DENIED_OWN_BIT 17
#define FACT_DENIED_OWN_MAX ((UINT32_C(1) << (31 - FACT_DENIED_OWN_BIT)) - 1)
#define FACT_NONE UINT32_MAX

struct nsf_contact_v6 {
    struct nsf_ip ip;
    uint32_t row;
};

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

static void release_sources(struct nsf_contacts_table *table)
{
    nsf_free(table->slots);
    nsf_free(table->v6);
    nsf_index_release(&table->by_v6);
    nsf_free(table->rows);
    nsf_free(table->more);
    nsf_pairset_release(&table->distinct);
}

void nsf_contacts_release(struct nsf_contacts_table *table)
{
    release_sources(table);
    nsf_addresses_release(&table->addresses);
    nsf_free(table->ports);
    nsf_index_release(&table->by_port);
    nsf_contacts_init(table, table->seed);
}

/* Unseeded, since it chooses who is kept. */
static uint64_t rank_of(struct nsf_ip src)
{
    return nsf_hash_mix(src.lo, nsf_hash_mix(src.hi, UINT64_C(0xbb67ae8584caa73b)));
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

/* ---- facts ------------------------------------------------------------------------------------------ */

static uint32_t fact_of(const struct contact *contact)
{
    if (!contact->is_denied)
        return contact->port_row == NSF_INDEX_NONE   ? protocol_and_port(contact)
               : contact->port_row <= FACT_VALUE_MAX ? FACT_TARGET | contact->port_row
                                                     : FACT_NONE;
    if ((contact->protocol != 6 && contact->protocol != 17) || contact->own >= FACT_DENIED_OWN_MAX)
        return FACT_NONE;
    return FACT_DENIED | contact->own << FACT_DENIED_OWN_BIT | (contact->protocol == 17 ? FACT_DENIED_UDP : 0u) |
           contact->port;
}

static struct contact contact_of(const struct nsf_contacts_table *table, uint32_t fact)
{
    struct contact contact = {.is_denied = (fact & FACT_DENIED) != 0, .port_row = NSF_INDEX_NONE};
    contact.port = (uint16_t)fact;
    if (contact.is_denied) {
        contact.own = (fact & ~FACT_DENIED) >> FACT_DENIED_OWN_BIT;
        contact.protocol = (fact & FACT_DENIED_UDP) != 0 ? 17 : 6;
    } else if ((fact & FACT_TARGET) != 0) {
        contact.port_row = fact & FACT_VALUE_MAX;
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
    for (unsigned i = 0; i < ROW_TCP_PORTS; i++)
        found = (uint16_t)(found | (ports[i] == port));
    return found != 0;
}

/* True when the source of the row does this for the first time. */
static bool note_item(struct nsf_contacts_table *table, uint32_t row_idx, enum contact_kind kind, uint32_t value)
{
    struct nsf_contact_row *row = &table->rows[row_idx];
    uint32_t item = (uint32_t)kind << ITEM_KIND_SHIFT | (value & ITEM_VALUE_MAX);
    if (holds(row->items, ROW_ITEMS, item))
        return false;
    if (row->n_items < ROW_ITEMS) {
        row->items[row->n_items] = item;
        row->n_items = (row->n_items + 1u) & COUNT_MASK;
        return true;
    }
    if (row->more == 0) {
        NSF_GROW(table->more, table->more_capacity, (size_t)table->n_more + 1);
        table->more[table->n_more] = (struct nsf_contact_more){{0}};
        row->more = ++table->n_more;
    }
    struct nsf_contact_more *more = &table->more[row->more - 1];
    if (holds(more->items, MORE_ITEMS, item))
        return false;
    if (row->n_items < ROW_ITEMS + MORE_ITEMS) {
        more->items[row->n_items - ROW_ITEMS] = item;
        row->n_items = (row->n_items + 1u) & COUNT_MASK;
        return true;
    }
    return nsf_pairset_add(&table->distinct, nsf_pair(row_idx, item));
}

/* A distinct count that stops at NSF_DISTINCT_EXACT_MAX. */
static uint32_t counted(struct nsf_contacts_table *table, uint32_t row_idx, enum contact_kind kind, uint32_t value,
                        uint32_t count)
{
    if (count >= NSF_DISTINCT_EXACT_MAX)
        return count;
    return (count + note_item(table, row_idx, kind, value)) & COUNT_MASK;
}

static void count_denied_port(struct nsf_contacts_table *table, uint32_t row_idx, const struct contact *contact)
{
    struct nsf_contact_row *row = &table->rows[row_idx];
    if (row->denied_ports >= NSF_DISTINCT_EXACT_MAX)
        return;
    bool is_short = contact->protocol == 6 && contact->port != 0;
    if (is_short && holds_port(row->tcp_ports, contact->port))
        return;
    if (is_short && row->n_tcp_ports < ROW_TCP_PORTS) {
        row->tcp_ports[row->n_tcp_ports] = contact->port;
        row->n_tcp_ports = (row->n_tcp_ports + 1u) & 15u;
        row->denied_ports = (row->denied_ports + 1u) & COUNT_MASK;
        return;
    }
    row->denied_ports =
        counted(table, row_idx, CONTACT_DENIED_PORT, protocol_and_port(contact), row->denied_ports) & COUNT_MASK;
}

static void count_other_port(struct nsf_contacts_table *table, uint32_t row_idx, const struct contact *contact)
{
    struct nsf_contact_row *row = &table->rows[row_idx];
    row->other_ports =
        counted(table, row_idx, CONTACT_OTHER_PORT, protocol_and_port(contact), row->other_ports) & COUNT_MASK;
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
        } else if (note_item(table, row_idx, CONTACT_TARGET_PORT, contact->port_row)) {
            table->ports[contact->port_row].sources++;
            count_other_port(table, row_idx, contact);
        }
        return;
    }
    row->denied_tuples += n;
    row->denied_addresses =
        counted(table, row_idx, CONTACT_DENIED_ADDRESS, contact->own, row->denied_addresses) & COUNT_MASK;
    count_denied_port(table, row_idx, contact);
    if (is_denied_mail(contact))
        row->denied_mail_addresses =
            counted(table, row_idx, CONTACT_DENIED_MAIL_ADDRESS, contact->own, row->denied_mail_addresses) & COUNT_MASK;
}

static uint32_t add_row(struct nsf_contacts_table *table)
{
    NSF_GROW(table->rows, table->rows_capacity, (size_t)table->n_rows + 1);
    table->rows[table->n_rows] = (struct nsf_contact_row){.more = 0};
    return table->n_rows++;
}

/* ---- slots ------------------------------------------------------------------------------------------ */

/* Where the search for an address begins. Slots ascend with the hash, so that growing copies them nearly in order. */
static uint32_t first_slot(const struct nsf_contacts_table *table, uint32_t v4)
{
    return (uint32_t)((nsf_hash_mix(v4, table->seed) >> 32) * table->n_slots >> 32);
}

/* The slot of the address, or the free one where it belongs. */
static struct nsf_contact_slot *slot_of(const struct nsf_contacts_table *table, uint32_t v4)
{
    uint32_t at = first_slot(table, v4);
    while (table->slots[at].state != 0 && table->slots[at].v4 != v4)
        at = at + 1 == table->n_slots ? 0 : at + 1;
    return &table->slots[at];
}

static void set_slots(struct nsf_contacts_table *table, uint32_t n_slots)
{
    const struct nsf_contact_slot *old = table->slots;
    uint32_t n_old = table->n_slots;
    table->slots = nsf_calloc(n_slots, sizeof(*table->slots));
    table->n_slots = n_slots;
    for (uint32_t i = 0; i < n_old; i++)
        if (old[i].state != 0)
            *slot_of(table, old[i].v4) = old[i];
    nsf_free((void *)(uintptr_t)old);
}

/* Slots with room for n addresses and not yet full. */
static uint32_t slots_for(uint64_t n)
{
    uint64_t n_slots = n * 10 / SLOTS_SMALL_FULL_TENTHS + SLOTS_FIRST;
    if (n_slots > SLOTS_SMALL)
        n_slots = n * 10 / SLOTS_FULL_TENTHS + SLOTS_FIRST;
    if (n_slots < SLOTS_SMALL && n * 10 > SLOTS_SMALL * (uint64_t)SLOTS_SMALL_FULL_TENTHS)
        n_slots = SLOTS_SMALL;
    return n_slots > UINT32_MAX ? UINT32_MAX : (uint32_t)n_slots;
}

static bool has_room(const struct nsf_contacts_table *table)
{
    unsigned tenths = table->n_slots < SLOTS_SMALL ? SLOTS_SMALL_FULL_TENTHS : SLOTS_FULL_TENTHS;
    return (uint64_t)(table->n_slots_used + 1) * 10 <= (uint64_t)table->n_slots * tenths;
}

static void grow_slots(struct nsf_contacts_table *table)
{
    if (!has_room(table))
        set_slots(table, slots_for((uint64_t)table->n_slots_used + table->n_slots_used / 5 + 1));
}

/* ---- who is kept ------------------------------------------------------------------------------------ */

static void forget_port(struct nsf_contacts_table *table, uint32_t item)
{
    if (item >> ITEM_KIND_SHIFT == CONTACT_TARGET_PORT)
        table->ports[item & ITEM_VALUE_MAX].sources--;
}

static void forget_items(struct nsf_contacts_table *table, const uint32_t *items, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        forget_port(table, items[i]);
}

static void forget_row(struct nsf_contacts_table *table, const struct nsf_contact_row *row)
{
    table->n_not_kept += (uint64_t)row->denied_tuples + row->other_contacts;
    forget_items(table, row->items, ROW_ITEMS);
    if (row->more != 0)
        forget_items(table, table->more[row->more - 1].items, MORE_ITEMS);
}

static void forget_fact(struct nsf_contacts_table *table, const struct nsf_contact_slot *slot)
{
    struct contact contact = contact_of(table, slot->fact);
    table->n_not_kept += slot->state;
    if (contact.port_row != NSF_INDEX_NONE)
        table->ports[contact.port_row].sources--;
}

typedef void each_rank_fn(void *ctx, uint64_t rank);

static void each_rank(const struct nsf_contacts_table *table, each_rank_fn *fn, void *ctx)
{
    for (uint32_t i = 0; i < table->n_slots; i++)
        if (table->slots[i].state != 0)
            fn(ctx, rank_of(nsf_ip_from_v4(table->slots[i].v4)));
    for (uint32_t i = 0; i < table->n_v6; i++)
        fn(ctx, rank_of(table->v6[i].ip));
}

#define RANK_BINS_BITS 12

struct rank_bins {
    unsigned shift; /* zeros that all ranks begin with */
    uint32_t counts[1 << RANK_BINS_BITS];
    uint32_t bin; /* whose ranks are listed */
    uint64_t *ranks;
    size_t n;
    size_t capacity;
};

static uint32_t bin_of(const struct rank_bins *bins, uint64_t rank)
{
    return (uint32_t)(rank << bins->shift >> (64 - RANK_BINS_BITS));
}

static void count_rank(void *ctx, uint64_t rank)
{
    struct rank_bins *bins = ctx;
    bins->counts[bin_of(bins, rank)]++;
}

static void list_rank(void *ctx, uint64_t rank)
{
    struct rank_bins *bins = ctx;
    if (bin_of(bins, rank) != bins->bin)
        return;
    NSF_GROW(bins->ranks, bins->capacity, bins->n + 1);
    bins->ranks[bins->n++] = rank;
}

static int cmp_u64(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The n-th smallest rank; there are so many. */
static uint64_t nth_rank(const struct nsf_contacts_table *table, uint32_t n)
{
    struct rank_bins *bins = nsf_calloc(1, sizeof(*bins));
    bins->shift = (unsigned)__builtin_clzll(table->rank_max | 1);
    each_rank(table, count_rank, bins);
    uint32_t left = n;
    while (bins->counts[bins->bin] < left)
        left -= bins->counts[bins->bin++];
    each_rank(table, list_rank, bins);
    qsort(bins->ranks, bins->n, sizeof(*bins->ranks), cmp_u64);
    uint64_t rank = bins->ranks[left - 1];
    nsf_free(bins->ranks);
    nsf_free(bins);
    return rank;
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
    uint32_t idx = add_row(fresh);
    struct nsf_contact_row *row = &fresh->rows[idx];
    *row = *old;
    if (old->more != 0) {
        NSF_GROW(fresh->more, fresh->more_capacity, (size_t)fresh->n_more + 1);
        fresh->more[fresh->n_more] = table->more[old->more - 1];
        row->more = ++fresh->n_more;
    }
    return idx;
}

static void add_v6(struct nsf_contacts_table *table, struct nsf_ip ip, uint32_t row)
{
    NSF_GROW(table->v6, table->v6_capacity, (size_t)table->n_v6 + 1);
    table->v6[table->n_v6] = (struct nsf_contact_v6){ip, row};
    nsf_index_add(&table->by_v6, nsf_ip_hash(ip, table->seed), table->n_v6++);
}

static void move_slots(struct nsf_contacts_table *fresh, struct nsf_contacts_table *table, uint32_t *moved)
{
    for (uint32_t i = 0; i < table->n_slots; i++) {
        struct nsf_contact_slot slot = table->slots[i];
        bool is_kept = rank_of(nsf_ip_from_v4(slot.v4)) <= table->rank_max;
        if (slot.state == 0)
            continue;
        if ((slot.state & SLOT_HAS_ROW) != 0) {
            uint32_t row = slot.state & ~SLOT_HAS_ROW;
            moved[row] = move_row(fresh, table, row, is_kept);
            slot.state = SLOT_HAS_ROW | moved[row];
        } else if (!is_kept) {
            forget_fact(table, &slot);
        }
        if (is_kept) {
            *slot_of(fresh, slot.v4) = slot;
            fresh->n_slots_used++;
        }
    }
}

/* Forgets those whose rank is past the n-th smallest. */
static void keep_smallest(struct nsf_contacts_table *table, uint32_t n)
{
    struct nsf_contacts_table fresh;
    table->rank_max = nth_rank(table, n);
    nsf_contacts_init(&fresh, table->seed);
    set_slots(&fresh, slots_for(n + n / 8));
    uint32_t *moved = nsf_calloc((size_t)table->n_rows + 1, sizeof(*moved));
    move_slots(&fresh, table, moved);
    for (uint32_t i = 0; i < table->n_v6; i++) {
        uint32_t row = table->v6[i].row;
        moved[row] = move_row(&fresh, table, row, rank_of(table->v6[i].ip) <= table->rank_max);
        if (moved[row] != NSF_INDEX_NONE)
            add_v6(&fresh, table->v6[i].ip, moved[row]);
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
    release_sources(table);
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

static uint32_t n_addresses(const struct nsf_contacts_table *table)
{
    return table->n_slots_used + table->n_v6;
}

/* A new address; false: it is not kept. */
static bool may_add(struct nsf_contacts_table *table, struct nsf_ip src)
{
    uint32_t max = table->max_addresses;
    if (max != 0 && n_addresses(table) >= max + max / 8 + SLOTS_FIRST)
        keep_smallest(table, max);
    if (table->rank_max == UINT64_MAX || rank_of(src) <= table->rank_max)
        return true;
    table->n_not_kept++;
    return false;
}

void nsf_contacts_finish(struct nsf_contacts_table *table)
{
    if (table->max_addresses != 0 && n_addresses(table) > table->max_addresses)
        keep_smallest(table, table->max_addresses);
}

/* ---- adding ----------------------------------------------------------------------------------------- */

static void add_new_v4(struct nsf_contacts_table *table, struct nsf_ip src, const struct contact *contact)
{
    if (!may_add(table, src))
        return;
    grow_slots(table);
    struct nsf_contact_slot *slot = slot_of(table, nsf_ip_to_v4(src));
    *slot = (struct nsf_contact_slot){.v4 = nsf_ip_to_v4(src), .state = 1, .fact = fact_of(contact)};
    table->n_slots_used++;
    if (slot->fact != FACT_NONE) {
        if (contact->port_row != NSF_INDEX_NONE)
            table->ports[contact->port_row].sources++;
        return;
    }
    uint32_t row = add_row(table);
    slot->state = SLOT_HAS_ROW | row;
    add_to_row(table, row, contact, 1);
}

/* The address does a second thing. */
static uint32_t give_row(struct nsf_contacts_table *table, struct nsf_contact_slot *slot)
{
    struct contact first = contact_of(table, slot->fact);
    uint32_t row = add_row(table);
    if (first.port_row != NSF_INDEX_NONE)
        table->ports[first.port_row].sources--; /* counted again by the row */
    add_to_row(table, row, &first, slot->state);
    slot->state = SLOT_HAS_ROW | row;
    return row;
}

static void add_v4(struct nsf_contacts_table *table, struct nsf_ip src, const struct contact *contact)
{
    struct nsf_contact_slot *slot = table->n_slots == 0 ? NULL : slot_of(table, nsf_ip_to_v4(src));
    if (slot == NULL || slot->state == 0) {
        add_new_v4(table, src, contact);
        return;
    }
    if ((slot->state & SLOT_HAS_ROW) != 0) {
        add_to_row(table, slot->state & ~SLOT_HAS_ROW, contact, 1);
        return;
    }
    if (slot->fact == fact_of(contact) && slot->state < SLOT_HAS_ROW - 1)
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
        row = add_row(table);
        add_v6(table, src, row);
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

void nsf_contacts_add_other(struct nsf_contacts_table *table, const struct nsf_contact *other, uint32_t target)
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
        __builtin_prefetch(&table->slots[first_slot(table, nsf_ip_to_v4(src))], 1);
}

void nsf_contacts_expect_soon(const struct nsf_contacts_table *table, struct nsf_ip src)
{
    if (table->n_slots < SLOTS_AHEAD)
        return;
    uint32_t v4 = nsf_ip_to_v4(src), at = first_slot(table, v4), last = table->n_slots - SLOTS_AHEAD;
    const struct nsf_contact_slot *slot = &table->slots[at < last ? at : last];
    for (unsigned i = 0; i < SLOTS_AHEAD; i++)
        if (slot[i].v4 == v4 && (slot[i].state & SLOT_HAS_ROW) != 0)
            __builtin_prefetch(&table->rows[slot[i].state & ~SLOT_HAS_ROW], 1);
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
    if ((slot->state & SLOT_HAS_ROW) != 0) {
        tell_row(table, src, slot->state & ~SLOT_HAS_ROW, summary);
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
    const struct nsf_contact_slot *slot = table->n_slots == 0 ? NULL : slot_of(table, nsf_ip_to_v4(src));
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
    return item >> ITEM_KIND_SHIFT == CONTACT_TARGET_PORT && is_wanted[item & ITEM_VALUE_MAX];
}

static bool is_user(const struct nsf_contacts_table *table, const struct nsf_contact_row *row, const bool *is_wanted)
{
    for (unsigned i = 0; i < ROW_ITEMS; i++)
        if (is_wanted_use(row->items[i], is_wanted))
            return true;
    for (unsigned i = 0; row->more != 0 && i < MORE_ITEMS; i++)
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
        if (slot->state != 0 && (slot->state & SLOT_HAS_ROW) == 0)
            n_users +=
                (slot->fact & (FACT_DENIED | FACT_TARGET)) == FACT_TARGET && is_wanted[slot->fact & FACT_VALUE_MAX];
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

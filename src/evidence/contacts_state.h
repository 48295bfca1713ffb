/*
 * contacts_state.h - the inside of a table of contacts, shared by the parts that add and tell (contacts.c), that add
 * many at once (contacts_block.c), that write rows (contact_rows.c) and that choose who is kept (contacts_keep.c).
 * Nobody else includes it but their test.
 */
#ifndef NSF_CONTACTS_STATE_H
#define NSF_CONTACTS_STATE_H

#include "core/hash.h"
#include "evidence/contacts.h"

#define NSF_ROW_LANES 12u
#define NSF_MORE_ITEMS 16u

/* Where the numbers of a row begin in its `bits`: distinct counts have five bits, flags three, numbers of lanes that
 * are used four. They are read and written together, since a processor waits when it reads more than was written last.
 */
enum nsf_row_bits {
    NSF_ROW_DENIED_ADDRESSES = 0,
    NSF_ROW_DENIED_PORTS = 5,
    NSF_ROW_DENIED_MAIL_ADDRESSES = 10,
    NSF_ROW_OTHER_PORTS = 15,
    NSF_ROW_FLAGS = 20,
    NSF_ROW_TCP_PORTS_USED = 23,
    NSF_ROW_CODES_USED = 27,
};

/* What is distinct about what a source did; 0 where there is none yet. TCP ports that it was denied on are most of what
 * scanners leave: the first of them stand for themselves, beside the codes of all else. */
struct nsf_contact_row {
    uint16_t tcp_ports[NSF_ROW_LANES];
    uint16_t codes[NSF_ROW_LANES];
    uint32_t tuples[2]; /* allowed on other ports, denied */
    uint32_t more;      /* 1 + index of further items, 0: none */
    uint32_t bits;      /* enum nsf_row_bits */
};

/* Items that found no place in the row, whatever kind; 0 behind the last one. */
struct nsf_contact_more {
    uint32_t items[NSF_MORE_ITEMS];
};

_Static_assert(sizeof(struct nsf_contact_row) == NSF_LINE_BYTES && sizeof(struct nsf_contact_more) == NSF_LINE_BYTES,
               "a contact row is one cache line");
_Static_assert(NSF_ROW_LANES <= 15, "the number of lanes that are used has four bits");

/* `state` of a slot is NSF_SLOT_HAS_ROW and the number of its row, or how often the one fact was seen that is all there
 * is of the address. With NSF_SLOT_IS_DONE there is nothing more to learn from tuples that were denied on ports other
 * than mail's, but their number. */
#define NSF_SLOT_HAS_ROW (UINT32_C(1) << 31)
#define NSF_SLOT_IS_DONE (UINT32_C(1) << 30)
#define NSF_SLOT_ROW_MAX (NSF_SLOT_IS_DONE - 1)

static inline uint32_t nsf_slot_row(uint32_t state)
{
    return state & NSF_SLOT_ROW_MAX;
}

/* A fact: denied, with the address's id, UDP or TCP and the port; or allowed, with a row of `ports`, or with protocol
 * and port under no finding. What does not fit gets a row. */
#define NSF_FACT_DENIED (UINT32_C(1) << 31)
#define NSF_FACT_TARGET (UINT32_C(1) << 30)
#define NSF_FACT_VALUE_MAX (NSF_FACT_TARGET - 1)
#define NSF_FACT_DENIED_UDP (UINT32_C(1) << 16)
#define NSF_FACT_DENIED_OWN_BIT 17
#define NSF_FACT_DENIED_OWN_MAX ((UINT32_C(1) << (31 - NSF_FACT_DENIED_OWN_BIT)) - 1)
#define NSF_FACT_NONE UINT32_MAX

#define NSF_FLAGS_BESIDE_MAIL ((unsigned)NSF_CONTACT_STRANGE_PORT | NSF_CONTACT_NOT_MAIL_PORT)
#define NSF_FLAGS_ALL (NSF_FLAGS_BESIDE_MAIL | NSF_CONTACT_DENIED_MAIL)

/* Unseeded, since it chooses who is kept. */
static inline uint64_t nsf_contacts_rank(struct nsf_ip src)
{
    return nsf_hash_mix(src.lo, nsf_hash_mix(src.hi, UINT64_C(0xbb67ae8584caa73b)));
}

static inline uint32_t nsf_port_item_value(uint8_t protocol, uint16_t port)
{
    return (uint32_t)protocol << 16 | port;
}

static inline bool nsf_deed_is_denied_mail(const struct nsf_deed *deed)
{
    return deed->is_denied & (deed->protocol == NSF_PROTOCOL_TCP) & (deed->port == 25);
}

/* A port that stands for itself in a row, when it was denied: 1 or 0. */
static inline unsigned nsf_has_tcp_port(uint8_t protocol, uint16_t port)
{
    return (protocol == NSF_PROTOCOL_TCP) & (port != 0);
}

static inline bool nsf_deed_has_tcp_port(const struct nsf_deed *deed)
{
    return nsf_has_tcp_port(deed->protocol, deed->port) != 0;
}

enum nsf_port_use {
    NSF_PORT_PLAIN = 1, /* what a mail server or its owner's browser touches: mail, ident, DNS, the web */
    NSF_PORT_MAIL = 2,
};
#define NSF_PORT_USES 588u
extern const uint8_t nsf_port_uses[NSF_PORT_USES];

/* The flags that a port leaves, whoever touched it; those of a mail port may be none. */
static inline unsigned nsf_port_flags(uint8_t protocol, uint16_t port)
{
    bool is_tcp = protocol == NSF_PROTOCOL_TCP, has_ports = is_tcp | (protocol == NSF_PROTOCOL_UDP);
    unsigned use = nsf_port_uses[port < NSF_PORT_USES ? port : 0];
    bool is_strange = has_ports & !(use & NSF_PORT_PLAIN), is_mail = is_tcp & ((use & NSF_PORT_MAIL) != 0);
    return (is_strange ? NSF_CONTACT_STRANGE_PORT : 0u) | (is_mail ? 0u : NSF_CONTACT_NOT_MAIL_PORT);
}

/* Eight lanes at a time. */
typedef uint16_t nsf_lanes __attribute__((vector_size(16)));
typedef uint64_t nsf_lane_words __attribute__((vector_size(16)));
_Static_assert(NSF_ROW_LANES > 8 && NSF_ROW_LANES <= 16, "two vectors hold all lanes");

/* 1 when a lane holds the value, which is not 0; else 0: a number, to be combined with others without a branch. All
 * lanes are looked at, some of them twice: that takes no guess, and few instructions. */
static inline unsigned nsf_has_lane(const uint16_t lanes[NSF_ROW_LANES], uint16_t value)
{
    nsf_lanes first, last, wanted = (nsf_lanes){0} + value;
    memcpy(&first, lanes, sizeof(first));
    memcpy(&last, lanes + NSF_ROW_LANES - 8, sizeof(last));
    nsf_lane_words found = (nsf_lane_words)((first == wanted) | (last == wanted));
    return (found[0] | found[1]) != 0;
}

/* ---- the bits of a row ---- */

_Static_assert(NSF_DISTINCT_EXACT_MAX == 16, "a count stops when it needs its fifth bit");
#define NSF_ROW_STOPPED(count) (UINT32_C(16) << (count))

static inline unsigned nsf_row_count(const struct nsf_contact_row *row, enum nsf_row_bits count)
{
    return row->bits >> count & 31;
}

static inline unsigned nsf_row_used(const struct nsf_contact_row *row, enum nsf_row_bits lanes)
{
    return row->bits >> lanes & 15;
}

static inline unsigned nsf_row_flags(const struct nsf_contact_row *row)
{
    return row->bits >> NSF_ROW_FLAGS & NSF_FLAGS_ALL;
}

/* ---- rows ---- */

/* One that is new comes behind the others; else the lane there stays as it is. */
static inline void nsf_put_in_lane(uint16_t lanes[NSF_ROW_LANES], unsigned n_used, uint16_t value, bool is_new)
{
    unsigned at = n_used < NSF_ROW_LANES ? n_used : NSF_ROW_LANES - 1;
    lanes[at] = is_new ? value : lanes[at];
}

/* Denied on a port of TCP (or on one that is counted no further), with lanes left for what is new: what most have to
 * learn, and without a branch on which of them it is. False: it is something else, and nothing was noted. `code` is
 * that of our address. */
static inline bool nsf_row_note_denied(struct nsf_contact_row *row, uint16_t code, uint8_t protocol, uint16_t port)
{
    uint32_t bits = row->bits;
    unsigned n_ports = nsf_row_used(row, NSF_ROW_TCP_PORTS_USED), n_codes = nsf_row_used(row, NSF_ROW_CODES_USED);
    unsigned has_lane = nsf_has_tcp_port(protocol, port);
    unsigned is_own_old = (bits & NSF_ROW_STOPPED(NSF_ROW_DENIED_ADDRESSES)) != 0;
    unsigned is_port_old = (bits & NSF_ROW_STOPPED(NSF_ROW_DENIED_PORTS)) != 0;
    is_own_old |= nsf_has_lane(row->codes, code);
    is_port_old |= has_lane & nsf_has_lane(row->tcp_ports, port);
    bool is_own_new = is_own_old == 0, is_port_new = is_port_old == 0;
    if ((is_own_new & ((n_codes == NSF_ROW_LANES) | (code == NSF_CODE_NONE))) |
        (is_port_new & ((n_ports == NSF_ROW_LANES) | (has_lane == 0))))
        return false;
    nsf_put_in_lane(row->codes, n_codes, code, is_own_new);
    nsf_put_in_lane(row->tcp_ports, n_ports, port, is_port_new);
    row->bits = bits + is_own_new * (UINT32_C(1) << NSF_ROW_DENIED_ADDRESSES | UINT32_C(1) << NSF_ROW_CODES_USED) +
                is_port_new * (UINT32_C(1) << NSF_ROW_DENIED_PORTS | UINT32_C(1) << NSF_ROW_TCP_PORTS_USED);
    return true;
}

/* ---- contacts.c ---- */

/* The code that belongs to the rest of the deed. */
uint16_t nsf_contacts_code(struct nsf_contacts_table *table, const struct nsf_deed *deed);
/* A deed of one address that is no row yet, or a new one. */
void nsf_contacts_add_deed(struct nsf_contacts_table *table, struct nsf_ip src, const struct nsf_deed *deed);
/* The row of a port under a target. */
uint32_t nsf_contacts_port_row(struct nsf_contacts_table *table, uint32_t target, uint8_t protocol, uint16_t port);

/* ---- contact_rows.c ---- */

unsigned nsf_deed_flags(const struct nsf_deed *deed);
/* Gives the number of an empty row. */
uint32_t nsf_contact_rows_add(struct nsf_contacts_table *table);
/* Gives the row room for further items. */
struct nsf_contact_more *nsf_contact_rows_add_more(struct nsf_contacts_table *table, struct nsf_contact_row *row);
/* A number of the row's tuples began anew: remembers that. */
void nsf_contact_rows_carry(struct nsf_contacts_table *table, uint32_t row_idx, bool is_denied);
static inline void nsf_contact_rows_count(struct nsf_contacts_table *table, uint32_t row_idx, bool is_denied,
                                          uint32_t n)
{
    uint32_t *tuples = &table->rows[row_idx].tuples[is_denied];
    if (NSF_UNLIKELY(__builtin_add_overflow(*tuples, n, tuples)))
        nsf_contact_rows_carry(table, row_idx, is_denied);
}
/* All tuples that were counted in the row. */
uint64_t nsf_contact_rows_tuples(const struct nsf_contacts_table *table, uint32_t row_idx, bool is_denied);
/* The source of the row did it n times. */
void nsf_contact_rows_note(struct nsf_contacts_table *table, uint32_t row_idx, const struct nsf_deed *deed, uint32_t n);

/* ---- contacts_keep.c ---- */

/* All that is known of sources; ports, codes and own addresses stay. */
void nsf_contacts_release_sources(struct nsf_contacts_table *table);
/* Forgets those whose rank is past the n-th smallest; there are so many. */
void nsf_contacts_keep_smallest(struct nsf_contacts_table *table, uint32_t n);

#endif

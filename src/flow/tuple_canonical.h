/*
 * tuple_canonical.h - a tuple written as Azure writes nearly all of them, read without a branch per byte.
 *
 * Takes IPv4 addresses without leading zeros, numbers of at most eight digits and one-letter words, given where the
 * separators stand; says no to everything else, also to what is merely rare. So it never judges a tuple bad: that is
 * left to nsf_tuple_take. Every load lies inside the tuple. Known to the vector variants only.
 */
#ifndef NSF_TUPLE_CANONICAL_H
#define NSF_TUPLE_CANONICAL_H

#include "flow/tuple.h"

/* Bit i of word i / 64: the byte at index i is one. */
struct nsf_separators {
    uint64_t commas[2];
    uint64_t dots[2];
};

#define NSF_DOTS 6u /* of two IPv4 addresses */
/* More than there are: they are read in words. */
#define NSF_SEPARATORS_ROOM 32u
/* Of the separators: behind the stamp, inside and behind the addresses, behind ports and so on. */
enum {
    NSF_SEP_TIME = 0,
    NSF_SEP_SRC = 4,
    NSF_SEP_DST = 8,
    NSF_SEP_SRC_PORT = 9,
    NSF_SEP_DST_PORT = 10,
    NSF_SEP_PROTOCOL = 11,
    NSF_SEP_DIRECTION = 12,
    NSF_SEP_DECISION = 13,
    NSF_SEP_STATE = 14,
    NSF_SEP_END = 18, /* the end of the tuple */
};

#define NSF_ZEROS UINT64_C(0x3030303030303030)

static inline uint64_t nsf_load64(const char *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof(x));
    return x;
}

/* Eight digit values, the first in the lowest byte. */
static inline uint64_t nsf_sum_digits(uint64_t x)
{
    x = (x * 10 + (x >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x * 100 + (x >> 16)) & UINT64_C(0x0000ffff0000ffff);
    return (x * 10000 + (x >> 32)) & UINT64_C(0xffffffff);
}

/* Not 0 when a byte is above 9. */
static inline uint64_t nsf_non_digits(uint64_t x)
{
    return (x | (x + UINT64_C(0x7676767676767676))) & UINT64_C(0x8080808080808080);
}

/* The addresses, of which separators 0 to 8 are the ends of their parts; false: at least one is not as it should be. */
typedef bool nsf_addresses_at(const char *text, const uint8_t *sep, struct nsf_tuple *tuple);

/* Ports of one to five digits, and four counters of one to eight or none at all; separator NSF_SEP_END ends the last.
 * Gives the values as they are; false: they are not so. */
typedef bool nsf_numbers_at(const char *text, const uint8_t *sep, uint64_t ports[2], struct nsf_tuple *tuple);

static inline int64_t nsf_stamp_at(const char *text, size_t len, uint64_t *bad)
{
    *bad |= len < 10 || len > 13;
    size_t n_high = (len - 8) & 7;
    uint64_t high = (nsf_load64(text) ^ NSF_ZEROS) << ((64 - 8 * n_high) & 63);
    uint64_t low = nsf_load64(text + ((len - 8) & 7)) ^ NSF_ZEROS;
    *bad |= nsf_non_digits(high) | nsf_non_digits(low);
    uint64_t stamp = nsf_sum_digits(high) * 100000000 + nsf_sum_digits(low);
    return (int64_t)(stamp < NSF_TUPLE_MS_FROM ? stamp * 1000 : stamp);
}

/* Decision and state at their separators; `from` is behind the direction. */
static inline uint8_t nsf_event_at(const char *text, const uint8_t *sep, size_t len, enum nsf_layout layout,
                                   uint64_t *bad)
{
    size_t from = sep[NSF_SEP_DIRECTION] + 1u;
    size_t to = layout == NSF_LAYOUT_NSG1 ? len : sep[NSF_SEP_DECISION];
    char decision = text[from], state = decision;
    *bad |= to - from != 1;
    bool is_denied = decision == 'D';
    if (layout != NSF_LAYOUT_VNET4)
        *bad |= !is_denied && decision != 'A';
    if (layout == NSF_LAYOUT_NSG1)
        return is_denied ? NSF_FLOW_DENIED : NSF_FLOW_LINE;
    if (layout == NSF_LAYOUT_NSG2) {
        state = text[to + 1];
        *bad |= sep[NSF_SEP_STATE] - to != 2;
    }
    uint8_t event = state == 'B' ? NSF_FLOW_BEGIN : state == 'C' ? NSF_FLOW_CONTINUE : NSF_FLOW_END;
    *bad |= event == NSF_FLOW_END && state != 'E' && !(is_denied && layout == NSF_LAYOUT_VNET4);
    return is_denied ? NSF_FLOW_DENIED : event;
}

/* A number of one to three digits. */
static inline uint8_t nsf_small_number_at(const char *text, size_t from, size_t to, uint64_t *bad)
{
    size_t n = to - from;
    uint32_t x;
    *bad |= n - 1 > 2;
    memcpy(&x, text + to - 4, sizeof(x));
    x = (x ^ (uint32_t)NSF_ZEROS) & (~UINT32_C(0) << ((32 - 8 * n) & 31));
    *bad |= nsf_non_digits(x);
    uint32_t value = (x >> 8 & 255) * 100 + (x >> 16 & 255) * 10 + (x >> 24);
    *bad |= value > UINT8_MAX;
    return (uint8_t)value;
}

static inline uint8_t nsf_protocol_at(const char *text, const uint8_t *sep, enum nsf_layout layout, uint64_t *bad)
{
    size_t from = sep[NSF_SEP_DST_PORT] + 1u, to = sep[NSF_SEP_PROTOCOL];
    if (layout == NSF_LAYOUT_VNET4)
        return nsf_small_number_at(text, from, to, bad);
    char letter = text[from];
    *bad |= to - from != 1 || (letter != 'T' && letter != 'U');
    return letter == 'T' ? NSF_PROTOCOL_TCP : NSF_PROTOCOL_UDP;
}

/* The indexes of the n lowest bits, n 4 or 5: written out, since the compiler leaves such a loop a loop. */
static inline __attribute__((always_inline)) uint8_t *nsf_take_indexes(uint64_t *bits, unsigned n, unsigned base,
                                                                       uint8_t *sep)
{
    uint64_t a = *bits, b = a & (a - 1), c = b & (b - 1), d = c & (c - 1), e = d & (d - 1);
    sep[0] = (uint8_t)(base + (unsigned)__builtin_ctzll(a));
    sep[1] = (uint8_t)(base + (unsigned)__builtin_ctzll(b));
    sep[2] = (uint8_t)(base + (unsigned)__builtin_ctzll(c));
    sep[3] = (uint8_t)(base + (unsigned)__builtin_ctzll(d));
    if (n > 4)
        sep[4] = (uint8_t)(base + (unsigned)__builtin_ctzll(e));
    *bits = n > 4 ? e & (e - 1) : e;
    return sep + n;
}

/* Lists the indexes of the separators. False: they do not stand as they do in two IPv4 addresses and what follows. The
 * counts are fixed, so that no branch has to be guessed. */
static inline bool nsf_list_separators(const struct nsf_separators *separators, size_t n_fields, size_t len,
                                       uint8_t *sep)
{
    uint64_t bits = separators->commas[0] | separators->dots[0];
    if (__builtin_popcountll(separators->dots[0]) != NSF_DOTS || __builtin_popcountll(bits) <= NSF_SEP_DST)
        return false;
    sep = nsf_take_indexes(&bits, 4, 0, sep);
    sep = nsf_take_indexes(&bits, 5, 0, sep);
    sep -= 9;
    /* Commas end the stamp and both addresses; then all six dots stand where they belong. */
    uint64_t second = separators->commas[0] & (separators->commas[0] - 1), third = second & (second - 1);
    if (third == 0 || (unsigned)__builtin_ctzll(separators->commas[0]) != sep[NSF_SEP_TIME] ||
        (unsigned)__builtin_ctzll(second) != sep[NSF_SEP_SRC] || (unsigned)__builtin_ctzll(third) != sep[NSF_SEP_DST])
        return false;
    /* The rest, counted from behind the addresses, fits one word. */
    unsigned base = sep[NSF_SEP_DST] + 1u;
    if (base > 63)
        return false;
    bits = separators->commas[0] >> base | separators->commas[1] << (64 - base);
    size_t n_rest = n_fields - 4;
    if ((size_t)__builtin_popcountll(bits) != n_rest || separators->dots[1] != 0)
        return false;
    nsf_take_indexes(&bits, 4, base, sep + NSF_SEP_SRC_PORT);
    if (n_rest > 4) {
        nsf_take_indexes(&bits, 5, base, sep + NSF_SEP_DECISION);
        sep[NSF_SEP_END] = (uint8_t)len;
    } else {
        /* Without counters: four empty ones. */
        for (unsigned i = NSF_SEP_DECISION; i <= NSF_SEP_END; i++)
            sep[i] = (uint8_t)(NSF_SEP_END + i);
    }
    return true;
}

/* As nsf_tuple_emit; both addresses are IPv4. */
static inline void nsf_tuple_emit_v4(struct nsf_tuple_target *target, const struct nsf_tuple *tuple)
{
    bool is_mail = tuple->dst_port == 25 && tuple->protocol == NSF_PROTOCOL_TCP;
    if (!tuple->is_inbound || is_mail || target->is_smtp_only || target->batch == NULL) {
        nsf_tuple_emit(target, tuple);
        return;
    }
    /* What most of them are. */
    struct nsf_wide_contact contact = nsf_tuple_contact(target, tuple);
    nsf_batch_add_v4_contact(target->batch, &contact);
}

/* False: nothing was done. The number of commas is right. */
static inline __attribute__((always_inline)) bool
nsf_tuple_take_canonical(struct nsf_tuple_target *target, const char *text, size_t len, size_t n_fields,
                         const struct nsf_separators *separators, nsf_addresses_at *addresses, nsf_numbers_at *numbers)
{
    uint8_t sep[NSF_SEPARATORS_ROOM];
    struct nsf_tuple tuple;
    uint64_t ports[2], bad = 0;
    if (!nsf_list_separators(separators, n_fields, len, sep))
        return false;
    tuple.ts_ms = nsf_stamp_at(text, sep[NSF_SEP_TIME], &bad);
    tuple.protocol = nsf_protocol_at(text, sep, target->layout, &bad);
    char direction = text[sep[NSF_SEP_PROTOCOL] + 1];
    tuple.is_inbound = direction == 'I';
    bad |= sep[NSF_SEP_DIRECTION] - sep[NSF_SEP_PROTOCOL] != 2;
    tuple.event = nsf_event_at(text, sep, len, target->layout, &bad);
    if (bad != 0 || !addresses(text, sep, &tuple) || !numbers(text, sep, ports, &tuple))
        return false;
    /* Others are only looked at lightly, which is not done here; a port that begins with a zero is no `25`. */
    bool matters = tuple.is_inbound || (direction == 'O' && (ports[1] == 25 || target->is_strict));
    if (!matters || ports[0] > UINT16_MAX || ports[1] > UINT16_MAX || text[sep[NSF_SEP_SRC_PORT] + 1] == '0')
        return false;
    tuple.src_port = (uint16_t)ports[0];
    tuple.dst_port = (uint16_t)ports[1];
    target->n_tuples++;
    nsf_tuple_emit_v4(target, &tuple);
    return true;
}

#endif

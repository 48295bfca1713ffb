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
#define NSF_SEPARATORS_MAX 18u
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
};

#define NSF_ZEROS UINT64_C(0x3030303030303030)

static inline uint64_t nsf_load64(const char *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof(x));
    return x;
}

static inline uint32_t nsf_load32(const char *p)
{
    uint32_t x;
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

/* The number at [from, to), 1 to 8 digits, to >= 8; *bad is set to something but 0 if it is none. */
static inline uint64_t nsf_number_at(const char *text, size_t from, size_t to, uint64_t *bad)
{
    size_t n = to - from;
    *bad |= n - 1 > 7;
    uint64_t x = (nsf_load64(text + to - 8) ^ NSF_ZEROS) & (~UINT64_C(0) << ((64 - 8 * n) & 63));
    *bad |= nsf_non_digits(x);
    return nsf_sum_digits(x);
}

/* The same for 0 to 255 without leading zeros. */
static inline uint32_t nsf_octet_at(const char *text, size_t from, size_t to, uint64_t *bad)
{
    static const uint32_t least[4] = {256, 0, 10, 100};
    size_t n = to - from;
    uint32_t x = (nsf_load32(text + to - 4) ^ (uint32_t)NSF_ZEROS) & (~UINT32_C(0) << ((32 - 8 * n) & 31));
    uint32_t value = (x >> 8 & 255) * 100 + (x >> 16 & 255) * 10 + (x >> 24);
    *bad |= n > 3;
    *bad |= nsf_non_digits(x);
    *bad |= value < least[n & 3] || value > 255;
    return value & 255;
}

/* Separator `first` and the three behind it end the octets. */
static inline struct nsf_ip nsf_address_at(const char *text, const uint8_t *sep, unsigned first, uint64_t *bad)
{
    uint32_t v4 = 0;
    for (unsigned i = 0; i < 4; i++)
        v4 = v4 << 8 | nsf_octet_at(text, sep[first + i - 1] + 1u, sep[first + i], bad);
    return nsf_ip_from_v4(v4);
}

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

/* A port as nobody writes it with a zero in front. */
static inline uint16_t nsf_port_at(const char *text, size_t from, size_t to, uint64_t *bad)
{
    uint64_t port = nsf_number_at(text, from, to, bad);
    *bad |= port > UINT16_MAX || (to - from > 1 && text[from] == '0');
    return (uint16_t)port;
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

/* The four numbers at the end, or four empty fields. */
static inline void nsf_counters_at(const char *text, const uint8_t *sep, size_t len, struct nsf_tuple *tuple,
                                   uint64_t *bad)
{
    size_t from = sep[NSF_SEP_STATE] + 1u;
    tuple->has_counters = len - from > 3;
    if (!tuple->has_counters) {
        memset(tuple->counters, 0, sizeof(tuple->counters));
        *bad |= len - from != 3;
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        size_t to = i < 3 ? sep[NSF_SEP_STATE + 1 + i] : len;
        tuple->counters[i] = nsf_number_at(text, from, to, bad);
        from = to + 1;
    }
}

static inline uint8_t nsf_protocol_at(const char *text, const uint8_t *sep, enum nsf_layout layout, uint64_t *bad)
{
    size_t from = sep[NSF_SEP_DST_PORT] + 1u, to = sep[NSF_SEP_PROTOCOL];
    if (layout == NSF_LAYOUT_VNET4) {
        uint64_t number = nsf_number_at(text, from, to, bad);
        *bad |= number > UINT8_MAX;
        return (uint8_t)number;
    }
    char letter = text[from];
    *bad |= to - from != 1 || (letter != 'T' && letter != 'U');
    return letter == 'T' ? 6 : 17;
}

/* Writes the indexes of the set bits; returns those of the dots that are not inside an address. */
static inline uint64_t nsf_list_separators(const struct nsf_separators *separators, uint8_t *sep)
{
    unsigned n = 0;
    uint64_t bits = separators->commas[0] | separators->dots[0], dots = separators->dots[0];
    for (; bits != 0; bits &= bits - 1) {
        sep[n++] = (uint8_t)__builtin_ctzll(bits);
    }
    for (bits = separators->commas[1]; bits != 0; bits &= bits - 1)
        sep[n++] = (uint8_t)(64 + __builtin_ctzll(bits));
    for (unsigned i = 1; i < 4; i++)
        dots ^= UINT64_C(1) << (sep[i] & 63) | UINT64_C(1) << (sep[i + 4] & 63);
    return dots | separators->dots[1];
}

/* False: nothing was done. The number of commas is right. */
static inline __attribute__((always_inline)) bool nsf_tuple_take_canonical(struct nsf_tuple_target *target,
                                                                           const char *text, size_t len,
                                                                           const struct nsf_separators *separators)
{
    uint8_t sep[NSF_SEPARATORS_MAX + 2];
    struct nsf_tuple tuple;
    uint64_t bad = 0;
    if (__builtin_popcountll(separators->dots[0]) != NSF_DOTS || nsf_list_separators(separators, sep) != 0)
        return false;
    tuple.ts_ms = nsf_stamp_at(text, sep[NSF_SEP_TIME], &bad);
    tuple.src = nsf_address_at(text, sep, NSF_SEP_TIME + 1, &bad);
    tuple.dst = nsf_address_at(text, sep, NSF_SEP_SRC + 1, &bad);
    tuple.src_port = nsf_port_at(text, sep[NSF_SEP_DST] + 1u, sep[NSF_SEP_SRC_PORT], &bad);
    tuple.dst_port = nsf_port_at(text, sep[NSF_SEP_SRC_PORT] + 1u, sep[NSF_SEP_DST_PORT], &bad);
    tuple.protocol = nsf_protocol_at(text, sep, target->layout, &bad);
    char direction = text[sep[NSF_SEP_PROTOCOL] + 1];
    tuple.is_inbound = direction == 'I';
    bad |= sep[NSF_SEP_DIRECTION] - sep[NSF_SEP_PROTOCOL] != 2;
    /* Others are only looked at lightly, which is not done here. */
    bad |= !(tuple.is_inbound || (direction == 'O' && (tuple.dst_port == 25 || target->is_strict)));
    tuple.event = nsf_event_at(text, sep, len, target->layout, &bad);
    tuple.has_counters = false;
    if (target->layout != NSF_LAYOUT_NSG1)
        nsf_counters_at(text, sep, len, &tuple, &bad);
    else
        memset(tuple.counters, 0, sizeof(tuple.counters));
    if (bad != 0)
        return false;
    target->n_tuples++;
    nsf_tuple_emit(target, &tuple);
    return true;
}

#endif

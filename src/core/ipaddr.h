/*
 * ipaddr.h - IPv4 and IPv6 addresses as one 128-bit number; prefixes; their text forms.
 *
 * IPv4 is kept as the IPv4-mapped block ::ffff:0:0/96, so that a mapped address and the plain one are the same. Pure
 * functions, any thread.
 */
#ifndef NSF_IPADDR_H
#define NSF_IPADDR_H

#include "core/slice.h"

struct nsf_ip {
    uint64_t hi;
    uint64_t lo;
};

/* `bits` counts in 128: an IPv4 /24 has 120. Host bits are zero. */
struct nsf_prefix {
    struct nsf_ip ip;
    uint8_t bits;
};

/* 39 characters and a NUL, or with "/128" */
#define NSF_IP_TEXT_BYTES 48

#define NSF_IP_V4_PREFIX UINT64_C(0x0000ffff00000000)

static inline bool nsf_ip_is_v4(struct nsf_ip ip)
{
    return ip.hi == 0 && ip.lo >> 32 == 0xffff;
}

static inline struct nsf_ip nsf_ip_from_v4(uint32_t v4)
{
    return (struct nsf_ip){0, NSF_IP_V4_PREFIX | v4};
}

/* Of an IPv4 address only. */
static inline uint32_t nsf_ip_to_v4(struct nsf_ip ip)
{
    return (uint32_t)ip.lo;
}

static inline bool nsf_ip_eq(struct nsf_ip a, struct nsf_ip b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

/* The one behind it; of the last address the first. */
static inline struct nsf_ip nsf_ip_next(struct nsf_ip ip)
{
    return (struct nsf_ip){ip.hi + (ip.lo == UINT64_MAX), ip.lo + 1};
}

/* As a number; IPv4 sorts before all of IPv6. <0, 0, >0. */
static inline int nsf_ip_cmp(struct nsf_ip a, struct nsf_ip b)
{
    bool a4 = nsf_ip_is_v4(a), b4 = nsf_ip_is_v4(b);
    if (a4 != b4)
        return a4 ? -1 : 1;
    if (a.hi != b.hi)
        return a.hi < b.hi ? -1 : 1;
    return (a.lo > b.lo) - (a.lo < b.lo);
}

/* RFC 1918, 6598, 3927, 4193 and 4291 (local), and Azure's own 168.63.129.16: inside, whoever owns the network. Asked
 * of every tuple, so that the first byte decides nearly always. */
static inline bool nsf_ip_is_private(struct nsf_ip ip)
{
    if (!nsf_ip_is_v4(ip))
        return ip.hi >> 57 == 0x7e || ip.hi >> 54 == 0x3fa; /* fc00::/7, fe80::/10 */
    uint32_t v4 = nsf_ip_to_v4(ip);
    switch (v4 >> 24) {
    case 10:
    case 127:
        return true;
    case 100:
        return v4 >> 22 == 0x64400000 >> 22;
    case 168:
        return v4 == 0xa83f8110;
    case 169:
        return v4 >> 16 == 0xa9fe;
    case 172:
        return v4 >> 20 == 0xac1;
    case 192:
        return v4 >> 16 == 0xc0a8;
    default:
        return false;
    }
}

/* Dotted quad without leading zeros, or RFC 4291 text without brackets, zone or prefix length; nothing around it. */
bool nsf_ip_parse(struct nsf_slice text, struct nsf_ip *ip) NSF_CHECKED;
/* RFC 5952, an IPv4-mapped one as IPv4; returns buf. */
const char *nsf_ip_format(struct nsf_ip ip, char buf[NSF_IP_TEXT_BYTES]);

/* `address/len` or a single address; host bits are cleared. */
bool nsf_prefix_parse(struct nsf_slice text, struct nsf_prefix *prefix) NSF_CHECKED;
/* `203.0.113.0/24`, `2001:db8::/48`; always with the length. */
const char *nsf_prefix_format(struct nsf_prefix prefix, char buf[NSF_IP_TEXT_BYTES]);
/* The same texts without a NUL, at a place with room for NSF_IP_TEXT_BYTES; return their end. */
char *nsf_put_ip(char *at, struct nsf_ip ip);
char *nsf_put_prefix(char *at, struct nsf_prefix prefix);
bool nsf_prefix_contains(struct nsf_prefix prefix, struct nsf_ip ip);
struct nsf_ip nsf_prefix_first(struct nsf_prefix prefix);
struct nsf_ip nsf_prefix_last(struct nsf_prefix prefix);
/* The block of `bits` (of 128) around ip. */
struct nsf_prefix nsf_prefix_around(struct nsf_ip ip, uint8_t bits);
/* The widest block that begins at `first` and ends at or before `last`; both of one family, last >= first. */
struct nsf_prefix nsf_prefix_widest(struct nsf_ip first, struct nsf_ip last);
/* By address, then the shorter first. */
int nsf_prefix_cmp(struct nsf_prefix a, struct nsf_prefix b);

#endif

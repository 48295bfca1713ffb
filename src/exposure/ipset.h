/*
 * ipset.h - sets of addresses as sorted disjoint ranges, IPv4 and IPv6 apart, with exact counts.
 *
 * Everything is a range over 128-bit numbers; IPv4 uses the lower 32 bits. A set is built by adding ranges in any order
 * and normalizing once; all other functions want normalized sets (sorted, disjoint, never touching) and give such.
 * Cost: n log n to build, linear in both sides for union, difference and intersection, logarithmic to ask for one
 * address. Storage of the structs is the caller's, the ranges are on the heap: init (all zero) and release. Pure
 * functions; a set belongs to one thread, or to any while nobody changes it.
 */
#ifndef NSF_IPSET_H
#define NSF_IPSET_H

#include "core/ipaddr.h"

__extension__ typedef unsigned __int128 nsf_u128;

/* Both ends belong to it. */
struct nsf_range {
    nsf_u128 first;
    nsf_u128 last;
};

struct nsf_ranges {
    struct nsf_range *items;
    size_t n;
    size_t capacity;
};

enum nsf_family {
    NSF_FAMILY_V4,
    NSF_FAMILY_V6,
    NSF_FAMILY_N,
};

struct nsf_ipset {
    struct nsf_ranges of[NSF_FAMILY_N];
};

/* The largest address of a family: 2^32 - 1, 2^128 - 1. */
nsf_u128 nsf_family_last(enum nsf_family family);
/* An IPv4-mapped address is IPv4. */
enum nsf_family nsf_ip_family(struct nsf_ip ip);
nsf_u128 nsf_ip_number(struct nsf_ip ip);
struct nsf_ip nsf_ip_from_number(enum nsf_family family, nsf_u128 number);

void nsf_ranges_release(struct nsf_ranges *ranges);
static inline void nsf_ranges_reset(struct nsf_ranges *ranges)
{
    ranges->n = 0;
}
/* Appends; the ranges are not normalized any more. */
void nsf_ranges_add(struct nsf_ranges *ranges, nsf_u128 first, nsf_u128 last);
void nsf_ranges_normalize(struct nsf_ranges *ranges);
void nsf_ranges_copy(struct nsf_ranges *to, const struct nsf_ranges *from);
/* *to is another object than a and b; what it held is forgotten. */
void nsf_ranges_union(struct nsf_ranges *to, const struct nsf_ranges *a, const struct nsf_ranges *b);
void nsf_ranges_intersect(struct nsf_ranges *to, const struct nsf_ranges *a, const struct nsf_ranges *b);
/* a without b */
void nsf_ranges_subtract(struct nsf_ranges *to, const struct nsf_ranges *a, const struct nsf_ranges *b);
bool nsf_ranges_overlap(const struct nsf_ranges *a, const struct nsf_ranges *b);
/* Whether every address of b is in a. */
bool nsf_ranges_contain(const struct nsf_ranges *a, const struct nsf_ranges *b);
bool nsf_ranges_has(const struct nsf_ranges *ranges, nsf_u128 address);
/* The index of the first range that ends at or behind `address`; ranges->n when none does. */
size_t nsf_ranges_seek(const struct nsf_ranges *ranges, nsf_u128 address);
/* Addresses in the set. All of IPv6 has 2^128, one more than fits: 0 is given then, as for the empty set. */
nsf_u128 nsf_ranges_count(const struct nsf_ranges *ranges);
bool nsf_ranges_eq(const struct nsf_ranges *a, const struct nsf_ranges *b);

void nsf_ipset_release(struct nsf_ipset *set);
void nsf_ipset_reset(struct nsf_ipset *set);
void nsf_ipset_add_prefix(struct nsf_ipset *set, struct nsf_prefix prefix);
/* All addresses of the family. */
void nsf_ipset_add_all(struct nsf_ipset *set, enum nsf_family family);
void nsf_ipset_normalize(struct nsf_ipset *set);
void nsf_ipset_copy(struct nsf_ipset *to, const struct nsf_ipset *from);
void nsf_ipset_union(struct nsf_ipset *to, const struct nsf_ipset *a, const struct nsf_ipset *b);
void nsf_ipset_intersect(struct nsf_ipset *to, const struct nsf_ipset *a, const struct nsf_ipset *b);
void nsf_ipset_subtract(struct nsf_ipset *to, const struct nsf_ipset *a, const struct nsf_ipset *b);
bool nsf_ipset_overlap(const struct nsf_ipset *a, const struct nsf_ipset *b);
bool nsf_ipset_contain(const struct nsf_ipset *a, const struct nsf_ipset *b);
bool nsf_ipset_has(const struct nsf_ipset *set, struct nsf_ip ip);
bool nsf_ipset_is_empty(const struct nsf_ipset *set);
/* Whether it holds all of the family. */
bool nsf_ipset_is_all(const struct nsf_ipset *set, enum nsf_family family);

/* Adds what a public address is: IPv4 less the special-purpose blocks (3,702,258,431 addresses), IPv6 2000::/3. Not
 * normalized. */
void nsf_ipset_add_public(struct nsf_ipset *set);
#define NSF_PUBLIC_IPV4 UINT64_C(3702258431)
#define NSF_PUBLIC_IPV6_BITS 125

#endif

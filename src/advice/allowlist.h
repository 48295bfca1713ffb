/*
 * allowlist.h - the networks that may go on reaching TCP 25: few prefixes, never wider than what was asked for. Pure
 * functions, any thread.
 */
#ifndef NSF_ALLOWLIST_H
#define NSF_ALLOWLIST_H

#include "lists/networks.h"

struct nsf_allowlist {
    struct nsf_prefix *items;
    size_t n;
    size_t capacity;
};

void nsf_allowlist_release(struct nsf_allowlist *list);
void nsf_allowlist_add(struct nsf_allowlist *list, struct nsf_prefix prefix);
/* All of first..last, as the fewest prefixes; both of one family, last >= first. */
void nsf_allowlist_add_range(struct nsf_allowlist *list, struct nsf_ip first, struct nsf_ip last);
/* Sorts by address and drops what lies inside another entry. */
void nsf_allowlist_sort(struct nsf_allowlist *list);
/* Sorts by address, drops what lies inside another entry, and joins two halves of a block where both are entries and no
 * known scanner lies in it. `scanners` may be NULL. The addresses covered stay the same. */
void nsf_allowlist_finish(struct nsf_allowlist *list, const struct nsf_networks *scanners);
/* Of a finished list. */
bool nsf_allowlist_has(const struct nsf_allowlist *list, struct nsf_ip ip);
uint64_t nsf_allowlist_ipv4_addresses(const struct nsf_allowlist *list);

#endif

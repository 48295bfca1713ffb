/*
 * ip_sort.h - rows in the order of their addresses. Any thread.
 */
#ifndef NSF_IP_SORT_H
#define NSF_IP_SORT_H

#include "core/ipaddr.h"

/* Sorts n items of so many bytes, each of which begins with a struct nsf_ip, as nsf_ip_cmp would. Stable. */
void nsf_ip_sort(void *items, size_t n, size_t item_bytes);

#endif

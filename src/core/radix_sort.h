/*
 * radix_sort.h - numbers in ascending order by their digits: no comparison is called, and only digits in which the
 * numbers differ are looked at. Ten times as fast as qsort where those are few.
 *
 * `scratch` is room for n items that overlaps none of them, or NULL: then it is allocated for the call. Any thread.
 */
#ifndef NSF_RADIX_SORT_H
#define NSF_RADIX_SORT_H

#include "core/nsf_common.h"

/* A row known by its number, and what it is sorted by. */
struct nsf_keyed {
    uint64_t key;
    uint64_t ref;
};

void nsf_radix_sort_u32(uint32_t *items, size_t n, uint32_t *scratch);
void nsf_radix_sort_u64(uint64_t *items, size_t n, uint64_t *scratch);
/* Stable: rows with one key keep their order. So rows with a key of several words are sorted by one word after the
 * other, the least significant first. */
void nsf_radix_sort_keyed(struct nsf_keyed *items, size_t n, struct nsf_keyed *scratch);
/* For items that fill the memory: takes 4 MiB of its own at most. Rows with one key come in any order, the same in
 * every run. */
void nsf_radix_sort_keyed_tight(struct nsf_keyed *items, size_t n);

#endif

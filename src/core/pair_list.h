/*
 * pair_list.h - pairs of small numbers, sorted: which second ones belong to a first one. Read-only once finished: any
 * thread may ask.
 */
#ifndef NSF_PAIR_LIST_H
#define NSF_PAIR_LIST_H

#include "core/pairset.h"

struct nsf_pair_list {
    uint64_t *items; /* nsf_pair; once finished ascending, each once */
    size_t n;
    size_t capacity;
};

/* Borrowed. */
struct nsf_pair_range {
    const uint64_t *items;
    size_t n;
};

void nsf_pair_list_release(struct nsf_pair_list *list);
void nsf_pair_list_add(struct nsf_pair_list *list, uint32_t first, uint32_t second);
/* All of a set of pairs. */
void nsf_pair_list_add_set(struct nsf_pair_list *list, const struct nsf_pairset *set);
/* Sorts; pairs may be added behind it, and then it is called again. */
void nsf_pair_list_finish(struct nsf_pair_list *list);
/* The pairs with one first number, of a finished list. */
struct nsf_pair_range nsf_pair_list_of(const struct nsf_pair_list *list, uint32_t first);
/* The second number of the i-th of them. */
static inline uint32_t nsf_pair_second(struct nsf_pair_range range, size_t i)
{
    return (uint32_t)range.items[i];
}

#endif

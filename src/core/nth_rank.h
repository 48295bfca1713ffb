/*
 * nth_rank.h - the n-th smallest of many ranks without sorting or holding them: what decides who is kept when a table is
 * bounded.
 */
#ifndef NSF_NTH_RANK_H
#define NSF_NTH_RANK_H

#include "core/nsf_common.h"

typedef void nsf_rank_fn(void *ctx, uint64_t rank);
/* Calls fn once for each rank, in any order; the same ranks each time it is called. */
typedef void nsf_each_rank_fn(const void *ranks, nsf_rank_fn *fn, void *ctx);

/* `n` counts from 1, and there are so many; none is larger than `max`. Ranks are gone through twice. Any thread. */
uint64_t nsf_nth_rank(const void *ranks, nsf_each_rank_fn *each, uint64_t max, uint32_t n);

#endif

/*
 * parallel.h - one function over many items, by several threads. What it computes must not depend on which thread
 * takes which item, or when.
 */
#ifndef NSF_PARALLEL_H
#define NSF_PARALLEL_H

#include "core/nsf_common.h"

/* fn(ctx, i) once for each i below n, by the caller and up to jobs - 1 threads beside it; returns when all are done.
 * Items are taken in ascending order. */
void nsf_parallel(unsigned jobs, size_t n, void (*fn)(void *ctx, size_t i), void *ctx);

#endif

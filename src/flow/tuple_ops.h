/*
 * tuple_ops.h - the work on `flowTuples` arrays as this processor does it best.
 *
 * Each variant gives what the portable one gives, on every input; only the time differs. Pure tables, any thread.
 */
#ifndef NSF_TUPLE_OPS_H
#define NSF_TUPLE_OPS_H

#include "flow/tuple.h"

struct nsf_tuple_ops {
    const char *name;
    /* As nsf_skim and nsf_tuple_take_array. */
    enum nsf_skim (*skim)(struct nsf_slice bytes, size_t *at);
    void (*take_array)(struct nsf_tuple_target *target, struct nsf_slice inside, uint64_t offset);
};

/* "portable", "avx2", "avx512", "avx512vbmi", "neon"; NULL when this processor cannot, or there is no such variant. */
const struct nsf_tuple_ops *nsf_tuple_ops_named(const char *name);
/* The best of them. The environment variable NSGFLOW_VARIANT names a lesser one, for tests. */
const struct nsf_tuple_ops *nsf_tuple_ops_best(void);

#endif

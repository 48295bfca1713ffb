/*
 * tuple_ops.h - the work on `flowTuples` arrays as this processor does it best.
 *
 * Each variant gives what the portable one gives, on every input; only the time differs. Pure tables, any thread.
 */
#ifndef NSF_TUPLE_OPS_H
#define NSF_TUPLE_OPS_H

#include "flow/tuple.h"

/* At most so much of an array is looked at. */
#define NSF_AHEAD_MAX_BYTES ((size_t)64 << 10)

/* What was seen of arrays while their ends were looked for: as the variant needs it to take them. All zero is empty. */
struct nsf_tuple_marks {
    uint8_t *at;
    uint8_t *are;
    size_t n; /* 0: forgotten */
    size_t at_capacity;
    size_t are_capacity;
};

/* One of them. */
struct nsf_tuple_rows {
    size_t mark;
    size_t n;       /* tuples, at least one */
    size_t n_bytes; /* inside the array */
    enum nsf_layout layout;
};

struct nsf_tuple_ops {
    const char *name;
    /* As nsf_skim and nsf_tuple_take_array. */
    enum nsf_skim (*skim)(struct nsf_slice bytes, size_t *at);
    void (*take_array)(struct nsf_tuple_target *target, struct nsf_slice inside, uint64_t offset);
    /* Both or none. Bytes begin behind the `[`. True: the array ends among them, it is plain, and all that is in it
     * looks like the tuples of the layout; rows say what is needed to take it, as long as the marks are not forgotten.
     */
    bool (*look_ahead)(struct nsf_slice bytes, enum nsf_layout layout, struct nsf_tuple_marks *marks,
                       struct nsf_tuple_rows *rows);
    /* As take_array, of the array that look_ahead saw; the target is of the same layout and has a batch. */
    void (*take_rows)(struct nsf_tuple_target *target, struct nsf_slice inside, uint64_t offset,
                      const struct nsf_tuple_marks *marks, const struct nsf_tuple_rows *rows);
};

void nsf_tuple_marks_release(struct nsf_tuple_marks *marks);

/* "portable", "avx2", "avx512", "avx512vbmi", "neon"; NULL when this processor cannot, or there is no such variant. */
const struct nsf_tuple_ops *nsf_tuple_ops_named(const char *name);
/* The best of them. The environment variable NSGFLOW_VARIANT names a lesser one, for tests. */
const struct nsf_tuple_ops *nsf_tuple_ops_best(void);

#endif

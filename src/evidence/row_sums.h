/*
 * row_sums.h - the connections of addresses that came under many rules, summed once: a report names such an address
 * under each of them, with what it did under all.
 *
 * Read-only once made, any thread.
 */
#ifndef NSF_ROW_SUMS_H
#define NSF_ROW_SUMS_H

#include "core/index.h"
#include "evidence/row_finder.h"

/* The rows of a few rules are summed as often as somebody asks. */
#define NSF_ROW_SUMS_MIN 5

struct nsf_row_sum {
    uint32_t first; /* the smallest number of a row of the address */
    uint64_t connections;
    uint64_t classes[NSF_CLASSES];
};

/* Of one partition. */
struct nsf_row_sums {
    struct nsf_row_sum *items;
    size_t capacity;
    uint32_t n;
    struct nsf_index by_first;
};

/* Nothing under a few targets, where no address has many rows. */
void nsf_row_sums_init(struct nsf_row_sums *sums, const struct nsf_row_finder *finder, unsigned partition);
void nsf_row_sums_release(struct nsf_row_sums *sums);
/* Of the address whose first row that is; NULL: it has few rows. */
const struct nsf_row_sum *nsf_row_sums_find(const struct nsf_row_sums *sums, uint32_t first);
/* Adds the connections of one row. */
void nsf_row_sum_add(struct nsf_row_sum *sum, const struct nsf_source_rows *rows, uint32_t row_idx);

#endif

/*
 * row_finder.h - which rows of the finished evidence belong to one address, and which to one finding.
 *
 * A source has a row for each rule it came under, all in the partition of its address. Read-only once made, any thread.
 */
#ifndef NSF_ROW_FINDER_H
#define NSF_ROW_FINDER_H

#include "evidence/evidence.h"
#include "evidence/sources.h"

#define NSF_ROW_FINDER_FEW 8

struct nsf_row_finder {
    const struct nsf_evidence *evidence; /* borrowed */
    /* Under a few targets each is asked for an address, else a list by address is. */
    uint32_t targets[NSF_ROW_FINDER_FEW + 1];
    uint32_t n_targets;               /* NSF_ROW_FINDER_FEW + 1: many */
    uint32_t *by_src[NSF_PARTITIONS]; /* row numbers, by address, then number; NULL under a few targets */
    uint32_t *places[NSF_PARTITIONS]; /* by row: where the rows of its address begin among them */
    struct nsf_row_ref *by_finding;   /* by partition, then row; NULL with one target, whose rows are all there are */
    size_t *finding_from;             /* in by_finding */
};

void nsf_row_finder_init(struct nsf_row_finder *finder, const struct nsf_evidence *evidence);
void nsf_row_finder_release(struct nsf_row_finder *finder);

uint32_t nsf_row_finder_count(const struct nsf_row_finder *finder, unsigned partition);
struct nsf_ip nsf_row_finder_address(const struct nsf_row_finder *finder, unsigned partition, uint32_t row_idx);

/* The rows of one address, one after the other, in an order that must not show. */
struct nsf_row_cursor {
    struct nsf_ip src;
    unsigned partition;
    uint32_t at;
};
struct nsf_row_cursor nsf_row_finder_of(const struct nsf_row_finder *finder, struct nsf_ip src);
/* The same of the address of a row, which takes no search. */
struct nsf_row_cursor nsf_row_finder_beside(const struct nsf_row_finder *finder, struct nsf_row_ref row);
/* NSF_INDEX_NONE behind the last. */
uint32_t nsf_row_finder_next(const struct nsf_row_finder *finder, struct nsf_row_cursor *cursor);
/* The smallest number of a row of the address of a row. */
uint32_t nsf_row_finder_first_beside(const struct nsf_row_finder *finder, unsigned partition, uint32_t row_idx);

/* Partitions from the one to before the other. */
struct nsf_partition_range {
    unsigned from;
    unsigned to;
};
/* Calls fn for each row under the finding in these partitions, by partition, then row. */
void nsf_row_finder_each(const struct nsf_row_finder *finder, uint32_t finding_idx, struct nsf_partition_range range,
                         void (*fn)(void *ctx, unsigned partition, uint32_t row_idx), void *ctx);

#endif

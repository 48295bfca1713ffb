/*
 * source_rows.h - the sources of a reviewed rule as the documents list them: all of them, or the first `top` and one
 * summed row for the others.
 *
 * Rows are made one at a time, so that ten million of them need no memory. One thread at a time per review.
 */
#ifndef NSF_REPORT_SOURCE_ROWS_H
#define NSF_REPORT_SOURCE_ROWS_H

#include "evidence/review.h"

/* Rows of the rule; top 0 is all. */
uint64_t nsf_source_rows(const struct nsf_review *review, size_t rule_idx, uint64_t top);
/* Fills *source with row `row_idx` below that count. The summed row has no days, destinations and verdict. */
void nsf_source_row(const struct nsf_review *review, size_t rule_idx, uint64_t top, uint64_t row_idx,
                    struct nsf_mail_source *source);

/* The same without the source's name, network and evidence. */
void nsf_source_row_brief(const struct nsf_review *review, size_t rule_idx, uint64_t top, uint64_t row_idx,
                          struct nsf_mail_source *source);

#endif

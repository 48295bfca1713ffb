/*
 * review_json.h - the document nsgflow.review/1. The one format that can be read back, and therefore holds all that the
 * others show.
 */
#ifndef NSF_REPORT_REVIEW_JSON_H
#define NSF_REPORT_REVIEW_JSON_H

#include "report/report.h"

#define NSF_REVIEW_SCHEMA "nsgflow.review/1"
/* Keys of the rows that sum what a bound left out. */
#define NSF_FOREIGN_REST "(further categories)"

void nsf_review_write_json(const struct nsf_review *review, const struct nsf_report_options *options,
                           struct nsf_out *out);

#endif

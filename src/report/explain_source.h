/*
 * explain_source.h - everything a review knows of one address, as text for people.
 */
#ifndef NSF_REPORT_EXPLAIN_SOURCE_H
#define NSF_REPORT_EXPLAIN_SOURCE_H

#include "report/report.h"

/* Walks over all sources of all rules. Says so when the address is in none of them. */
void nsf_report_explain_source(const struct nsf_review *review, struct nsf_ip address,
                               const struct nsf_report_options *options, struct nsf_out *out);

#endif

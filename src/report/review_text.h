/*
 * review_text.h - the review as plain text: the default, for people at a terminal.
 *
 * First what was read, then the queue of rules, then a block of a screen for each of them, then what joined no rule,
 * what was refused, and what logs cannot show. Names may lose their middle in the queue; the blocks print them whole.
 */
#ifndef NSF_REPORT_REVIEW_TEXT_H
#define NSF_REPORT_REVIEW_TEXT_H

#include "report/report.h"

void nsf_review_write_text(const struct nsf_review *review, const struct nsf_report_options *options,
                           struct nsf_out *out);

#endif

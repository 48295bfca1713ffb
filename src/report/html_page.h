/*
 * html_page.h - the frame and the pieces of an HTML report: one file that loads nothing and runs nothing.
 *
 * All texts given here may be hostile, but those named `html`. One thread at a time.
 */
#ifndef NSF_REPORT_HTML_PAGE_H
#define NSF_REPORT_HTML_PAGE_H

#include "core/out.h"
#include "core/problem.h"
#include "evidence/review.h"
#include "report/review_facts.h"

/* Up to and with <main> and the heading. */
void nsf_html_begin(struct nsf_out *out, const char *title);
void nsf_html_end(struct nsf_out *out);

void nsf_html_text(struct nsf_out *out, struct nsf_slice text);
void nsf_html_code(struct nsf_out *out, struct nsf_slice text);
/* Cells of a table row. */
void nsf_html_cell(struct nsf_out *out, struct nsf_slice text);
void nsf_html_cell_str(struct nsf_out *out, const char *text);
void nsf_html_cell_number(struct nsf_out *out, uint64_t number);
void nsf_html_cell_day(struct nsf_out *out, int64_t ts_ms);
/* <table> with its head; a name that begins with # is a column of numbers. */
void nsf_html_table(struct nsf_out *out, const char *const *names, size_t n);
void nsf_html_table_end(struct nsf_out *out);

/* A list of terms; empties *facts. */
void nsf_html_facts(struct nsf_out *out, struct nsf_facts *facts);
void nsf_html_problems(struct nsf_out *out, const struct nsf_problems *problems);
/* Colour class of an exposure and of a verdict. */
const char *nsf_html_exposure_class(enum nsf_exposure exposure);
const char *nsf_html_verdict_class(enum nsf_rule_verdict verdict);
/* Connections and messages a day as bars; nothing for less than two days or more than two years. */
void nsf_html_days(struct nsf_out *out, const struct nsf_traffic *traffic);

#endif

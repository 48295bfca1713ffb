/*
 * formats.h - the documents in the formats that other programs and people's tools open. report.h says what holds for
 * all of them.
 *
 * csv       RFC 4180. A review has a row for each source of each rule, and one row for a rule without sources; a scan
 * has a row a finding. Cells that a spreadsheet could take for a formula begin with an apostrophe. markdown  tables and
 * lists as GitHub draws them; names are code spans. html      one file: no script, no network (its own
 * Content-Security-Policy forbids both), light and dark. sarif     2.1.0: a result a finding, at the line that defines
 * the rule. junit     a test case a finding, and a passed one for every NSG that is closed or restricted.
 * ocsf      1.8.0, an array of events: Compliance Finding for a scan, Detection Finding for a review.
 */
#ifndef NSF_REPORT_FORMATS_H
#define NSF_REPORT_FORMATS_H

#include "report/report.h"

void nsf_review_write_csv(const struct nsf_review *review, const struct nsf_report_options *options,
                          struct nsf_out *out);
void nsf_review_write_markdown(const struct nsf_review *review, const struct nsf_report_options *options,
                               struct nsf_out *out);
void nsf_review_write_html(const struct nsf_review *review, const struct nsf_report_options *options,
                           struct nsf_out *out);
void nsf_review_write_sarif(const struct nsf_review *review, struct nsf_out *out);
void nsf_review_write_junit(const struct nsf_review *review, struct nsf_out *out);
void nsf_review_write_ocsf(const struct nsf_review *review, const struct nsf_report_options *options,
                           struct nsf_out *out);

void nsf_scan_write_csv(const struct nsf_scan *scan, struct nsf_out *out);
void nsf_scan_write_markdown(const struct nsf_scan *scan, const struct nsf_problems *problems, struct nsf_out *out);
void nsf_scan_write_html(const struct nsf_scan *scan, const struct nsf_problems *problems, struct nsf_out *out);
void nsf_scan_write_sarif(const struct nsf_scan *scan, const struct nsf_problems *problems, struct nsf_out *out);
void nsf_scan_write_junit(const struct nsf_scan *scan, struct nsf_out *out);
void nsf_scan_write_ocsf(const struct nsf_scan *scan, int64_t generated_ms, struct nsf_out *out);

#endif

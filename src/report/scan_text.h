/*
 * scan_text.h - the scan as text for people: verdicts, then findings with their reasons. Everything is borrowed.
 */
#ifndef NSF_REPORT_SCAN_TEXT_H
#define NSF_REPORT_SCAN_TEXT_H

#include "report/report.h"

void nsf_scan_write_text(const struct nsf_scan *scan, const struct nsf_problems *problems,
                         const struct nsf_report_options *options, struct nsf_out *out);

#endif

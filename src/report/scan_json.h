/*
 * scan_json.h - the document nsgflow.scan/1. Everything is borrowed; one thread.
 */
#ifndef NSF_REPORT_SCAN_JSON_H
#define NSF_REPORT_SCAN_JSON_H

#include "report/report.h"

void nsf_scan_write_json(const struct nsf_scan *scan, const struct nsf_problems *problems, struct nsf_out *out);

#endif

/*
 * scan_kpi.h - the key figures of a scan: NSGs open per port, rules with an owner and a justification. As text and as
 * the document nsgflow.kpi/1.
 */
#ifndef NSF_REPORT_SCAN_KPI_H
#define NSF_REPORT_SCAN_KPI_H

#include "core/out.h"
#include "core/problem.h"
#include "exposure/scan.h"

/* One scan a port, all of the same NSGs. */
void nsf_kpi_write_text(const struct nsf_scan *const *scans, size_t n, struct nsf_out *out);
void nsf_kpi_write_json(const struct nsf_scan *const *scans, size_t n, const struct nsf_problems *problems,
                        struct nsf_out *out);

#endif

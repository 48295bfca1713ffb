/*
 * trend.h - key figures over time: exposed NSGs, how long exposures stay open, owners, what is new each week.
 */
#ifndef NSF_REPORT_TREND_H
#define NSF_REPORT_TREND_H

#include "report/report.h"
#include "store/trend.h"

/* Text, JSON or CSV (a row a finding); another format is written as text. */
void nsf_report_trend(const struct nsf_trend *trend, enum nsf_report_format format,
                      const struct nsf_report_options *options, struct nsf_out *out);

#endif

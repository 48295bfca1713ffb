/*
 * explain_report.h - the answer of `nsgflow explain`, as text and as the document nsgflow.explain/1.
 */
#ifndef NSF_REPORT_EXPLAIN_REPORT_H
#define NSF_REPORT_EXPLAIN_REPORT_H

#include "core/out.h"
#include "exposure/explained.h"

void nsf_explained_write_text(const struct nsf_explained *explained, unsigned width, bool is_colour,
                              struct nsf_out *out);
void nsf_explained_write_json(const struct nsf_explained *explained, size_t n, struct nsf_out *out);

#endif

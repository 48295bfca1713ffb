/*
 * source_json.h - one source of a rule as JSON, compact, written in one go: the fastest part of a report, since a
 * review can have ten million of them. Any thread.
 */
#ifndef NSF_REPORT_SOURCE_JSON_H
#define NSF_REPORT_SOURCE_JSON_H

#include "core/out.h"
#include "evidence/review.h"

struct nsf_source_json {
    const char *before; /* what stands before every row but its comma: a line and its blanks */
    size_t before_len;
    bool has_cross; /* denials and other ports were read */
};

/* Row 0 has no comma before it. */
void nsf_source_json_write(const struct nsf_source_json *json, struct nsf_out *out, uint64_t row_idx,
                           const struct nsf_mail_source *source);

#endif

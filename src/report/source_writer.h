/*
 * source_writer.h - the sources of a rule written one after the other, made by several threads where their reader
 * allows it. The bytes do not depend on how many.
 */
#ifndef NSF_REPORT_SOURCE_WRITER_H
#define NSF_REPORT_SOURCE_WRITER_H

#include "core/out.h"
#include "evidence/review.h"

/* Writes one row; any thread, in any order: *ctx is only read. */
typedef void nsf_source_writer_fn(const void *ctx, struct nsf_out *out, uint64_t row_idx,
                                  const struct nsf_mail_source *source);

/* All rows that nsf_source_rows counts, by `jobs` threads (0 is one); what they write reaches `out` in the order of the
 * rows. Memory does not grow with their number. */
void nsf_source_rows_write(const struct nsf_review *review, size_t rule_idx, uint64_t top, unsigned jobs,
                           struct nsf_out *out, nsf_source_writer_fn *fn, const void *ctx);

#endif

/*
 * batch_text.h - everything that is in a batch as text, so that two batches can be compared, and a difference read.
 */
#ifndef NSF_TEST_BATCH_TEXT_H
#define NSF_TEST_BATCH_TEXT_H

#include "core/buf.h"
#include "envelope/envelope.h"

/* Appends to *text. Scope ids are written as the texts of the scope. */
void batch_text(const struct nsf_batch *batch, struct nsf_scopes *scopes, struct nsf_buf *text);

/* Reads `bytes` in pieces of the sizes that `piece` gives (called with how much was read; 0 is all the rest) and
 * appends the batch as text. Each piece lies at the end of what the envelope holds. */
struct read_options {
    struct nsf_envelope_options envelope;
    size_t piece;  /* 0: as large as there is room */
    size_t cut_at; /* one cut here; only with piece 0 */
};
void read_as_text(const struct read_options *options, struct nsf_slice bytes, struct nsf_buf *text);
/* The same into a batch. */
void read_into(const struct read_options *options, struct nsf_slice bytes, struct nsf_batch *batch);

#endif

/*
 * batch_text.h - everything that is in a batch as text, so that two batches can be compared and a difference read.
 */
#ifndef NSF_TEST_BATCH_TEXT_H
#define NSF_TEST_BATCH_TEXT_H

#include "core/buf.h"
#include "envelope/envelope.h"

/* Appends to *text. Scope ids are written as the texts of the scope. */
void batch_text(const struct nsf_batch *batch, struct nsf_scopes *scopes, struct nsf_buf *text);

/* How the bytes are cut into pieces. */
struct cutting {
    size_t piece;  /* each of this size; 0: as large as there is room */
    size_t cut_at; /* one cut here; only with piece 0 */
};

/* Reads bytes from their start to their end into *batch, which is not reset. */
void read_bytes(struct nsf_envelope *env, struct cutting cutting, struct nsf_slice bytes, struct nsf_batch *batch);

#endif

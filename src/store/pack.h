/*
 * pack.h - what was read of a blob, a batch at a time, as bytes that the store keeps: mail about 15 bytes a tuple,
 * other contacts about 10.
 *
 * The bytes stand alone: the texts that scopes refer to are among them. Unpacking gives a batch that the evidence
 * takes as it took the first one: records and their fingerprints, events in the same order within each partition, bad
 * tuples, foreign records, problems (without their path). The bytes are trusted no more than a log: whatever they
 * hold, unpacking stays within bounds and gives a batch whose indices are good. Any thread.
 */
#ifndef NSF_PACK_H
#define NSF_PACK_H

#include "core/buf.h"
#include "flow/batch.h"
#include "flow/scope.h"

/* The first byte of what is packed; another one is refused. */
#define NSF_PACK_VERSION 1
/* Far more than a batch can hold: those past a few hundred KB are handed on. */
#define NSF_PACK_MAX_BYTES ((size_t)1 << 30)

/* Appends to *buf, whose max is at least NSF_PACK_MAX_BYTES. */
void nsf_pack_batch(const struct nsf_batch *batch, struct nsf_scopes *scopes, struct nsf_buf *buf);

/* Fills *batch, which is empty. Scopes that are new go to the table. On failure (NSF_E_STORE) the batch is to be reset;
 * scopes may have been added. */
nsf_result nsf_unpack_batch(struct nsf_slice packed, struct nsf_scopes *scopes, struct nsf_batch *batch,
                            struct nsf_err *err) NSF_CHECKED;

#endif

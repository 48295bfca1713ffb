/*
 * blob_reading.h - one blob at a time from its source into the store: as little of it as will do.
 *
 * One thread at a time; reused from blob to blob.
 */
#ifndef NSF_BLOB_READING_H
#define NSF_BLOB_READING_H

#include "envelope/envelope.h"
#include "source/source.h"
#include "store/store.h"

#include <signal.h>

struct nsf_blob_reading_options {
    struct nsf_store *store;
    struct nsf_scopes *scopes; /* of the envelope */
    struct nsf_envelope_options envelope;
    uint32_t mode; /* what was stored with another one is read anew */
    const volatile sig_atomic_t *is_stopped;
};

enum nsf_blob_outcome {
    NSF_BLOB_UNCHANGED,
    NSF_BLOB_NEW,
    NSF_BLOB_GROWN,
    NSF_BLOB_REPLACED,
    NSF_BLOB_FAILED, /* could not be opened or read to its end; stored evidence of earlier runs stays */
};

struct nsf_blob_read {
    enum nsf_blob_outcome outcome;
    uint64_t bytes;         /* read from the source */
    struct nsf_err failure; /* with NSF_BLOB_FAILED */
};

struct nsf_blob_reading;

struct nsf_blob_reading *nsf_blob_reading_new(const struct nsf_blob_reading_options *options);
void nsf_blob_reading_free(struct nsf_blob_reading *reading);
/* Whether it is not the version that is stored; nothing is opened. */
nsf_result nsf_blob_reading_is_due(struct nsf_blob_reading *reading, const struct nsf_blob *blob, bool *answer,
                                   struct nsf_err *err) NSF_CHECKED;
/* If it is small, remote and not stored at all, it is asked for now, and comes while others are read. At most once a
 * blob, which somebody then reads. */
void nsf_blob_reading_expect(struct nsf_blob_reading *reading, const struct nsf_blob *blob);
/* Fails when the store does, or the run was stopped within the blob (NSF_E_INTERRUPTED); nothing of it is kept then. */
nsf_result nsf_blob_reading_run(struct nsf_blob_reading *reading, const struct nsf_blob *blob,
                                struct nsf_blob_read *read, struct nsf_err *err) NSF_CHECKED;

#endif

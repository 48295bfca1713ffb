/*
 * pipeline.h - blobs in, evidence filled: the only place that starts threads and decides order and shutdown.
 *
 * Workers read and parse blobs (or pieces of a large file) ahead of each other; what they read is admitted to the
 * evidence in the order of the listing, and each takes partitions of its own, or those of one who is late. So many
 * batches are on their way at most, each coming home to the worker who fills it. One job runs the same steps on the
 * caller's thread. The result does not depend on the number of jobs.
 */
#ifndef NSF_PIPELINE_H
#define NSF_PIPELINE_H

#include "evidence/evidence.h"
#include "source/source.h"

#include <signal.h>

struct nsf_pipeline_progress {
    uint64_t blobs;
    uint64_t bytes;
};

struct nsf_pipeline_options {
    unsigned jobs; /* at least 1 */
    bool is_plain; /* the JSON parser reads every tuple */
    bool is_strict;
    bool is_smtp_only;
    const volatile sig_atomic_t *is_stopped; /* NULL: never; not 0: end soon, *was_stopped says so */
    /* Called now and then by any thread, one at a time; may be NULL. */
    void (*on_progress)(void *ctx, const struct nsf_pipeline_progress *progress);
    void *progress_ctx;
};

struct nsf_pipeline_result {
    uint64_t blobs; /* that could be opened */
    uint64_t bytes; /* as read */
    uint64_t n_failed; /* blobs that could not be opened or read to their end */
    uint64_t n_replaced; /* blobs made anew while they were read, of which old evidence counts as well as the new */
    bool was_stopped;
    struct nsf_err first_failure; /* of those, in the order of the listing */
};

/* Fills in the hours that paths do not tell, from each blob's first record, and sorts by hour, then name. Blobs that
 * cannot be looked at keep NSF_HOUR_NONE and come first; standard input comes last, since it cannot be read twice. */
void nsf_pipeline_order(struct nsf_listing *listing, const struct nsf_pipeline_options *options,
                        struct nsf_scopes *scopes);

/* Reads every blob of the ordered listing into the evidence. What is wrong with a blob is a problem of the evidence. */
void nsf_pipeline_run(const struct nsf_listing *listing, struct nsf_evidence *evidence, struct nsf_scopes *scopes,
                      const struct nsf_pipeline_options *options, struct nsf_pipeline_result *result);

#endif

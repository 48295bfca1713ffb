/*
 * collect.h - what is new among the blobs of a listing, read into the store.
 *
 * A blob whose ETag is the stored one is not opened; one that grew is read from where the last reading stopped; one
 * that was made anew is read anew, and its evidence replaced. Workers read blobs side by side, in any order: the store
 * keeps what they read, and a report takes it in the order of the run (run/replay.h).
 */
#ifndef NSF_COLLECT_H
#define NSF_COLLECT_H

#include "run/pipeline.h"
#include "source/source.h"
#include "store/store.h"

struct nsf_collect_result {
    struct nsf_run_counts counts;
    struct nsf_err first_failure; /* of a blob that could not be read, by name; NSF_E_NONE: none */
    bool was_stopped;
};

/* How a blob was read (nsf_stored_blob.mode): one read in another way is read anew. */
uint32_t nsf_collect_mode(const struct nsf_pipeline_options *options);
bool nsf_collect_is_smtp_only(uint32_t mode);

/* Leaves in the listing what a run would open: what is new, or of another version than the one stored. */
nsf_result nsf_collect_drop_known(struct nsf_store *store, struct nsf_listing *listing,
                                  const struct nsf_pipeline_options *options, struct nsf_err *err) NSF_CHECKED;

/* Fails when the store does (NSF_E_STORE); what is wrong with a blob is stored with it. */
nsf_result nsf_collect_run(struct nsf_store *store, const struct nsf_listing *listing,
                           const struct nsf_pipeline_options *options, struct nsf_collect_result *result,
                           struct nsf_err *err) NSF_CHECKED;

#endif

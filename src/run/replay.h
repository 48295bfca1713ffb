/*
 * replay.h - stored evidence in the order of the run into the evidence of a report, as if all of it was read just now.
 */
#ifndef NSF_REPLAY_H
#define NSF_REPLAY_H

#include "evidence/evidence.h"
#include "source/source.h"
#include "store/store.h"

#include <signal.h>

struct nsf_replay_options {
    struct nsf_list_filter filter; /* blobs that a listing with it would leave out are left out */
    const volatile sig_atomic_t *is_stopped;
};

struct nsf_replay_result {
    uint64_t blobs; /* that could be opened when they were read */
    uint64_t bytes;
    uint64_t n_stored;
    uint64_t n_pruned; /* by the NSG in their path */
    bool is_smtp_only; /* some were read so */
};

/* The evidence is new: nothing was expected of it or admitted to it. Fails with NSF_E_STORE or NSF_E_INTERRUPTED. */
nsf_result nsf_replay_run(struct nsf_store *store, const struct nsf_replay_options *options,
                          struct nsf_evidence *evidence, struct nsf_scopes *scopes, struct nsf_replay_result *result,
                          struct nsf_err *err) NSF_CHECKED;

#endif

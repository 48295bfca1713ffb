/*
 * review.h - the main job: logs on disk or in storage, under the rules of a scan, to a finished review.
 */
#ifndef NSF_RUN_REVIEW_H
#define NSF_RUN_REVIEW_H

#include "evidence/review.h"
#include "lists/lists.h"
#include "run/locations.h"
#include "run/pipeline.h"
#include "store/store.h"

struct nsf_review_request {
    const struct nsf_scan *scan;     /* borrowed as long as the run */
    struct nsf_locations *locations; /* borrowed as long as the run; NULL where there are no logs */
    const char *const *logs;         /* files, folders, "-", storage addresses */
    size_t n_logs;                   /* 0 only with a store: the report is on what is stored */
    struct nsf_store *store;         /* NULL: none. What is new is read into it, and the report is on all it holds */
    int64_t since_ms;                /* NSF_TS_NONE: no bound */
    int64_t until_ms;
    int64_t idle_ms;      /* 0: the default */
    uint64_t max_sources; /* told apart in the report, 0: all */
    uint64_t max_other;   /* addresses kept that were denied or on other ports, 0: all */
    /* Only these rules are reported: name or id of the NSG, name of the rule, without case; 0: all. */
    const char *const *nsgs;
    size_t n_nsgs;
    const char *const *rules;
    size_t n_rules;
    const struct nsf_lists
        *lists; /* finished; borrowed until the run is freed; NULL: no source and no rule is judged */
    const struct nsf_problems *lists_problems; /* of loading the lists; or NULL */
    const struct nsf_problems *rules_problems; /* of loading the rules: told among those of the logs; or NULL */
    bool tells_addresses;                      /* the review will be asked for an address, whether it is in it or not */
    bool is_only_exposed;                      /* NSG logs of NSGs without a finding are left out, by their path */
    struct nsf_pipeline_options pipeline;
};

struct nsf_review_run;

/* Lists the logs and puts them in order (with a store: in none). Fails when no location could be listed, or nothing is
 * there to read (NSF_E_EMPTY). */
nsf_result nsf_review_run_new(const struct nsf_review_request *request, struct nsf_review_run **run,
                              struct nsf_err *err) NSF_CHECKED;
void nsf_review_run_free(struct nsf_review_run *run);
/* In the order of the run; lends until free. */
const struct nsf_listing *nsf_review_run_listing(const struct nsf_review_run *run);

/* With a store: leaves in the listing only what would be read. */
nsf_result nsf_review_run_drop_known(struct nsf_review_run *run, struct nsf_err *err) NSF_CHECKED;

/* Reads everything. Fails when no log at all could be opened, the store fails, or the run was stopped
 * (NSF_E_INTERRUPTED). */
nsf_result nsf_review_run_read(struct nsf_review_run *run, struct nsf_err *err) NSF_CHECKED;
/* Once after reading. Lends until free. */
const struct nsf_review *nsf_review_run_finish(struct nsf_review_run *run);

#endif

/*
 * evidence.h - from batches of flow events to the counts of a review.
 *
 * Batches are admitted one after the other in the order of the run (hour of the blob, path, position): that is where
 * repeated records are found. Their events may then be taken by several threads, one a partition at a time, each
 * partition seeing the batches in their order. The result depends on the order of the run and on nothing else.
 *
 *   admit(batch)                     one thread at a time, batches in order
 *   take(partition, batch)           after admit of that batch; one thread a partition, batches in order
 *   finish(review)                   when all are taken
 */
#ifndef NSF_EVIDENCE_H
#define NSF_EVIDENCE_H

#include "evidence/review.h"
#include "flow/batch.h"
#include "flow/scope.h"

struct nsf_evidence_options {
    int64_t since_ms; /* NSF_TS_NONE: no bound; tuples before it only continue connections */
    int64_t until_ms; /* NSF_TS_NONE: no bound; tuples from it on are not counted */
    int64_t idle_ms;  /* 0: NSF_IDLE_MS_DEFAULT */
    enum nsf_connection_class (*classify)(const struct nsf_counters *counters, bool has_counters);
    uint64_t max_sources; /* rows of sources that are told apart, 0: all; the rest is one summed row a rule */
    uint64_t max_other; /* addresses kept that were denied or on other ports, 0: all; a problem says what is missing */
    unsigned jobs;      /* threads that finish it, 0 is one */
};

struct nsf_evidence;

/* Borrows scan and scopes until free. */
struct nsf_evidence *nsf_evidence_new(const struct nsf_scan *scan, struct nsf_scopes *scopes,
                                      const struct nsf_evidence_options *options);
void nsf_evidence_free(struct nsf_evidence *evidence);
/* Contacts of the batches must have their stamps: the window has bounds. */
bool nsf_evidence_needs_stamps(const struct nsf_evidence *evidence);

/* The path of a blob says which flow log covers which NIC, long before its records are read: `flow_log` is whatever
 * names the flow log in the path. Before the first batch. */
void nsf_evidence_expect(struct nsf_evidence *evidence, struct nsf_slice flow_log, struct nsf_slice mac);

/* Marks duplicate records in the batch and counts its records. `path` names the blob in problems. */
void nsf_evidence_admit(struct nsf_evidence *evidence, struct nsf_batch *batch, struct nsf_slice path);
/* What a partition has to do with admitted batches: the next ones in their order, as many at once as there are. */
void nsf_evidence_take(struct nsf_evidence *evidence, const struct nsf_batch *const *batches, size_t n,
                       unsigned partition);

/* Problems that were met outside the batches: while listing, say. */
void nsf_evidence_add_problems(struct nsf_evidence *evidence, const struct nsf_problems *problems);

/* Fills what counts can fill of *review (zeroed by the caller); its row source lends from the evidence, which must
 * outlive it. Rules come in the order of the findings. */
void nsf_evidence_finish(struct nsf_evidence *evidence, struct nsf_review *review);
/* Some flow log that was read covers this NSG (of the scan). */
bool nsf_evidence_is_logged(const struct nsf_evidence *evidence, uint32_t nsg_idx);
/* Where row `source_idx` of a rule of the finished review stands: in a partition's sources. False: it is a sum. */
struct nsf_row_ref {
    uint32_t partition;
    uint32_t row_idx;
};
bool nsf_evidence_row_at(const struct nsf_review *review, size_t rule_idx, uint64_t source_idx,
                         struct nsf_row_ref *row);
/* Some NIC of this NSG (of the scan) let mail in under a rule of another one. */
bool nsf_evidence_has_mail_elsewhere(const struct nsf_evidence *evidence, uint32_t nsg_idx);
/* What an address did besides its allowed mail. Any address: all zero where nothing is known of it. */
struct nsf_source_cross nsf_evidence_cross(const struct nsf_evidence *evidence, struct nsf_ip src);

#endif

/*
 * evidence_state.h - the inside of the evidence, shared by the part that takes batches (evidence.c) and the part that
 * makes the review of them (review.c). Nobody else includes it.
 */
#ifndef NSF_EVIDENCE_STATE_H
#define NSF_EVIDENCE_STATE_H

#include "core/intern.h"
#include "core/stable.h"
#include "evidence/coverage.h"
#include "evidence/evidence.h"
#include "evidence/join.h"
#include "evidence/outbound.h"
#include "evidence/partition.h"
#include "evidence/paths.h"

/* Where allowed mail goes that joins no finding. */
struct nsf_unmatched_target {
    enum nsf_join_reason reason;
    uint32_t nsg_idx;             /* or NSF_JOIN_NONE */
    uint32_t rule_idx;            /* in that NSG's rules, or NSF_JOIN_NONE */
    struct nsf_slice nsg_lower;   /* as logged, with NSF_JOIN_NONE; absent where none is named */
    struct nsf_slice rule;        /* as logged with allowed mail; of several spellings the smallest; set at the end */
    struct nsf_slice logged_rule; /* the same whatever it was logged with */
};

struct nsf_nic {
    struct nsf_slice mac;                /* upper case, without separators */
    _Atomic uint64_t covered_twice_from; /* place of a record in the order of the run; UINT64_MAX: never */
    uint32_t n_expected;                 /* flow logs that cover it, by paths */
    uint32_t n_logged;                   /* and by records */
    bool has_vnet4; /* one of these is a virtual network flow log: it names whichever NSG decided */
};

struct nsf_fingerprint_row {
    struct nsf_fingerprint fingerprint;
    int64_t time_ms;
    uint32_t nic_id;
};

/* Bad tuples of the blob being admitted, by reason. */
struct nsf_bad_of_blob {
    uint64_t count;
    uint64_t first_offset;
    char *sample;
    size_t sample_len;
};

struct nsf_evidence {
    struct nsf_shared shared; /* first: partitions know the evidence by it */
    const struct nsf_scan *scan;
    struct nsf_scopes *scopes;
    struct nsf_evidence_options options;
    struct nsf_join *join;
    struct nsf_arena arena;
    uint64_t seed;

    struct nsf_stable places; /* struct nsf_place_of_scope by scope id */
    struct nsf_intern keys;   /* connection keys, groups, NICs, flow logs, targets: texts to ids */
    struct nsf_intern groups;
    struct nsf_intern macs;
    struct nsf_intern flow_logs;
    struct nsf_intern expected_flow_logs;
    struct nsf_intern target_keys;
    struct nsf_unmatched_target *unmatched;
    size_t unmatched_capacity;
    struct nsf_stable nics;           /* struct nsf_nic by nic id */
    struct nsf_pairset nic_flow_logs; /* (NIC, flow log) of records */
    struct nsf_pairset expected;      /* (NIC, flow log as in paths) */
    struct nsf_pairset nsg_nics;      /* (NSG of the definitions, NIC) */
    struct nsf_pairset nsg_logs;      /* (NSG of the definitions, flow log) */
    struct nsf_pairset nsg_vnet4;     /* NSGs that virtual network flow logs name */

    struct nsf_fingerprint_row *fingerprints;
    size_t fingerprints_capacity;
    uint32_t n_fingerprints;
    uint32_t fingerprints_sweep_at;
    struct nsf_index by_fingerprint;
    int64_t *nic_record_ms; /* newest record time per NIC */
    size_t nic_record_capacity;
    uint32_t n_nic_records;

    struct nsf_hours hours;
    struct nsf_partition partitions[NSF_PARTITIONS];
    struct nsf_outbound outbound; /* taken with partition 0 */
    struct nsf_marks outbound_marks;
    uint64_t *log_tuples; /* good ones, by flow log */
    bool *is_nsg_log;     /* by flow log: of version 1 or 2, which cannot be filtered */
    size_t log_tuples_capacity;
    size_t is_nsg_log_capacity;
    uint32_t n_logs;

    uint64_t n_records;    /* of the batches admitted so far, duplicates and parts of long ones included */
    struct nsf_slice path; /* of the blob being admitted */
    struct nsf_bad_of_blob bad[NSF_TUPLE_FAULTS];
    struct nsf_foreign_row foreign[NSF_FOREIGN_MAX]; /* the smallest names, ascending */
    size_t n_foreign;
    uint64_t n_foreign_rest;
    struct nsf_review_inputs inputs; /* counts so far */
    struct nsf_paths paths;          /* made at the end, like the next one */
    struct nsf_elsewhere *elsewhere;
    bool is_finished;
};

/* Reports the bad tuples of the blob admitted last. */
void nsf_evidence_flush_bad(struct nsf_evidence *evidence);

#endif

/*
 * partition.h - the connections of one sixteenth of all sources, in the order of their log lines.
 *
 * Events must come in the order of the run (hour, path, position); then the result depends on nothing else. Finished
 * connections become rows of sources. Memory follows the connections that are alive in the logs' own time and the
 * number of sources, not the size of the input.
 *
 * One thread at a time.
 */
#ifndef NSF_PARTITION_H
#define NSF_PARTITION_H

#include "evidence/contacts.h"
#include "evidence/marks.h"
#include "evidence/live.h"
#include "evidence/retries.h"
#include "evidence/sources.h"
#include "evidence/spans.h"
#include "flow/batch.h"

/* Finished connections whose sources are looked up side by side: the cache misses of one overlap those of the others.
 */
#define NSF_PARTITION_KEPT 32u

/* What the evidence knows of a scope once it is joined. */
struct nsf_place_of_scope {
    uint32_t key_id;   /* (flow log, NIC, NSG, rule), case and spelling aside: part of the connection's key */
    uint32_t group_id; /* the same without the flow log */
    uint32_t target;   /* finding, or n_findings + row of what joined nothing */
    uint32_t nic_id;   /* the MAC */
    uint32_t nsg_idx;  /* of the definitions, or NSF_JOIN_NONE */
    uint32_t flow_log_id;
    bool is_vnet4;
    bool is_finding;
};

/* What all partitions share; written only while a batch is admitted. */
struct nsf_shared {
    int64_t since_ms; /* NSF_TS_NONE: no bound */
    int64_t until_ms;
    int64_t idle_ms;
    enum nsf_connection_class (*classify)(const struct nsf_counters *counters, bool has_counters);
    const struct nsf_place_of_scope *(*place)(const struct nsf_shared *shared, uint32_t scope_id);
    /* More than one flow log was seen to cover the NIC up to this record: its connections may be logged twice. Answers
     * do not change when later batches are admitted meanwhile, nor with how records are cut into batches. */
    bool (*is_covered_twice)(const struct nsf_shared *shared, uint32_t nic_id, uint64_t record);
    /* Order of flow logs by their id without case, of groups by what they are: <0, 0, >0, the same in every run, which
     * ids are not. */
    int (*cmp_flow_logs)(const struct nsf_shared *shared, uint32_t a, uint32_t b);
    int (*cmp_groups)(const struct nsf_shared *shared, uint32_t a, uint32_t b);
};

/* Times by a small number; what was never set is 0. */
struct nsf_clocks {
    int64_t *now_ms;
    size_t capacity;
    uint32_t n;
};

struct nsf_partition {
    const struct nsf_shared *shared; /* borrowed */
    uint64_t seed;
    struct nsf_lives lives;
    uint32_t hand;                                /* row that is looked at next for connections that are over */
    struct nsf_finished kept[NSF_PARTITION_KEPT]; /* finished, on their way to their sources together */
    struct nsf_connection kept_connections[NSF_PARTITION_KEPT];
    uint32_t n_kept;
    struct nsf_live *held; /* finished, waiting for the same connection from another flow log */
    size_t held_capacity;
    size_t n_held;
    size_t settle_at;
    bool is_under_pressure; /* held connections were too many once: only those that may meet a copy are held now */
    uint64_t record;        /* whose mail is being taken: its place in the order of the run */
    struct nsf_clocks nic_clocks; /* newest stamp per NIC */
    struct nsf_clocks key_clocks; /* and per key_id: one flow log of a NIC is read behind another */
    struct nsf_sources sources;
    struct nsf_contacts_table contacts;
    struct nsf_retries retries; /* of denied and unanswered attempts */
    uint64_t n_allowed;         /* mail tuples inside the window */
    uint64_t n_denied;
    uint64_t n_late;
    uint64_t n_duplicate_tuples;
    uint64_t n_kept_tuples;         /* of finished connections */
    struct nsf_pairset mail_scopes; /* scopes of allowed mail that joins no finding: how its rules were spelt */
    uint32_t last_mail_scope;
    struct nsf_pairset nic_targets; /* (NIC, target) of allowed mail inside the window */
    struct nsf_spans allowed_spans; /* connections of public IPv4 addresses */
    struct nsf_spans denied_spans;
    struct nsf_marks marks; /* of virtual network flow logs */
    uint64_t last_nic_target;
};

void nsf_partition_init(struct nsf_partition *partition, const struct nsf_shared *shared, uint64_t seed);
void nsf_partition_release(struct nsf_partition *partition);
/* Takes the events of partition `idx` of admitted batches, one after the other. */
void nsf_partition_take(struct nsf_partition *partition, const struct nsf_batch *const *batches, size_t n,
                        unsigned idx);
/* Everything still open is closed as it stands. */
void nsf_partition_finish(struct nsf_partition *partition);

#endif

/*
 * batch.h - what one worker read from one run of records, handed as a whole to the evidence.
 *
 * A batch holds whole records only (or the parts of one that is past NSF_RECORD_MAX_BYTES), in their order in the blob.
 * Mail events and contacts are laid out by partition of their source address, so that the evidence can take the
 * partitions in parallel; inside a partition they stand in the order of the blob. Batches are reused: reset keeps the
 * capacity. One thread at a time; the batch is handed from worker to worker.
 */
#ifndef NSF_BATCH_H
#define NSF_BATCH_H

#include "core/clock.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/pairset.h"
#include "core/problem.h"
#include "flow/flow.h"

/* A fixed number, so that the result cannot depend on the number of workers. */
#define NSF_PARTITIONS 16

struct nsf_record {
    uint64_t offset;                    /* of its `{`, in the inflated stream */
    int64_t time_ms;                    /* NSF_TS_NONE: missing or unreadable */
    struct nsf_fingerprint fingerprint; /* of its bytes from `{` to `}` */
    uint32_t scope_id;                  /* the record's own scope: flow log and NIC, no rule */
    uint32_t n_tuples;                  /* strings in its flowTuples, bad ones included */
    uint32_t n_bad;
    enum nsf_layout layout;
    bool has_fingerprint; /* false past NSF_RECORD_MAX_BYTES */
    bool is_part;         /* goes on from a record of an earlier batch: its tuples count, it does not */
    bool is_duplicate;    /* set by the evidence when it admits the batch: nothing of the record counts */
};

struct nsf_mail_events {
    struct nsf_mail_event *items;
    size_t n;
    size_t capacity;
};

/* Tuples that stand together: those of one array, of one scope in one record. */
struct nsf_tuple_group {
    uint32_t scope_id;
    uint32_t record_idx;
};

struct nsf_tuple_groups {
    struct nsf_tuple_group *items;
    size_t n;
    size_t capacity;
    /* Set by the evidence when it admits the batch. */
    uint32_t *targets; /* of each group: its finding, NSF_GROUP_WITHOUT_TARGET, or NSF_GROUP_DUPLICATE */
    size_t targets_capacity;
    bool has_vnet4; /* some group is of a virtual network flow log, and no duplicate */
};
#define NSF_GROUP_WITHOUT_TARGET UINT32_MAX
#define NSF_GROUP_DUPLICATE (UINT32_MAX - 1) /* of a duplicate record: nothing of it counts */

struct nsf_contacts {
    struct nsf_contact *items;
    size_t n;
    size_t capacity;
    int64_t *stamps_ms; /* one each in a batch that has stamps */
    size_t stamps_capacity;
};

struct nsf_wide_contacts {
    struct nsf_wide_contact *items;
    size_t n;
    size_t capacity;
};

/* Bad tuples of one record, by reason: the first one and how many. */
struct nsf_bad_tuple {
    uint32_t record_idx;
    uint8_t fault; /* enum nsf_tuple_fault */
    uint32_t count;
    uint64_t offset;         /* of the first one's first character */
    struct nsf_slice sample; /* in the batch's arena, cut to 120 bytes */
};

struct nsf_foreign {
    struct nsf_slice category; /* "AuditEvent", "NetworkSecurityGroupFlowEvent/3", "" when there is none */
    uint64_t count;
};

/* Scopes of the groups in the batch's records, each once: also those without an event that is kept. */
struct nsf_group_scopes {
    uint32_t *ids;
    size_t n;
    size_t capacity;
    struct nsf_pairset known;
};

struct nsf_batch {
    uint32_t blob_idx; /* of all its records */
    /* Place of its first record in the order of the run; set by the evidence when it admits the batch. */
    uint64_t first_record;
    struct nsf_record *records;
    size_t n_records;
    size_t records_capacity;
    struct nsf_mail_events mail[NSF_PARTITIONS];            /* inbound, destination port 25 */
    struct nsf_tuple_groups tuple_groups;                   /* which contacts refer to */
    struct nsf_contacts contacts[NSF_PARTITIONS];           /* between two IPv4 addresses */
    struct nsf_wide_contacts wide_contacts[NSF_PARTITIONS]; /* the others */
    bool has_stamps; /* contacts have theirs: only a store and the bounds of a window ask for them. Set before the first
                        contact is added; a reset leaves it */
    struct nsf_mail_events outbound; /* destination port 25 or 587, partition-free */
    struct nsf_group_scopes groups;
    struct nsf_bad_tuple *bad;
    size_t n_bad;
    size_t bad_capacity;
    struct nsf_foreign *foreign;
    size_t n_foreign;
    size_t foreign_capacity;
    struct nsf_problems problems; /* damage; paths filled in by whoever reads the blob */
    struct nsf_arena arena;       /* texts of the above, reset with the batch */
};

struct nsf_batch *nsf_batch_new(void);
void nsf_batch_free(struct nsf_batch *batch);
void nsf_batch_reset(struct nsf_batch *batch);

struct nsf_record *nsf_batch_add_record(struct nsf_batch *batch);
/* The index of the group, which is a new one unless it is that of the call before. */
uint32_t nsf_batch_enter_group(struct nsf_batch *batch, struct nsf_tuple_group group);
/* To where it belongs, in the form that it has there. */
void nsf_batch_add_contact(struct nsf_batch *batch, const struct nsf_wide_contact *contact);
void nsf_batch_note_group(struct nsf_batch *batch, uint32_t scope_id);
void nsf_batch_add_foreign(struct nsf_batch *batch, struct nsf_slice category, uint64_t count);
/* Memory held by events, to bound a batch. */
size_t nsf_batch_bytes(const struct nsf_batch *batch);
/* Memory that stays with the batch over a reset. */
size_t nsf_batch_capacity_bytes(const struct nsf_batch *batch);

/* Which partition a source belongs to: the same in every run and on every processor. */
static inline unsigned nsf_partition_of(struct nsf_ip src)
{
    return (unsigned)(nsf_hash_mix(src.lo ^ (src.hi * UINT64_C(0x9e3779b97f4a7c15)), 0) >> 60);
}

static inline struct nsf_mail_event *nsf_mail_events_add(struct nsf_mail_events *events)
{
    NSF_GROW(events->items, events->capacity, events->n + 1);
    return &events->items[events->n++];
}

/* A compact contact, for the caller to fill in; where the batch has stamps that of the contact comes next. */
static inline struct nsf_contact *nsf_contacts_add(struct nsf_contacts *contacts)
{
    NSF_GROW(contacts->items, contacts->capacity, contacts->n + 1);
    return &contacts->items[contacts->n++];
}

static inline void nsf_contacts_add_stamp(struct nsf_contacts *contacts, int64_t ts_ms)
{
    NSF_GROW(contacts->stamps_ms, contacts->stamps_capacity, contacts->n);
    contacts->stamps_ms[contacts->n - 1] = ts_ms;
}

/* As nsf_batch_add_contact, where both addresses are known to be IPv4. */
static inline void nsf_batch_add_v4_contact(struct nsf_batch *batch, const struct nsf_wide_contact *contact)
{
    struct nsf_contacts *contacts = &batch->contacts[nsf_partition_of(contact->src)];
    *nsf_contacts_add(contacts) = (struct nsf_contact){
        .src = nsf_ip_to_v4(contact->src),
        .dst = nsf_ip_to_v4(contact->dst),
        .group_idx = contact->group_idx,
        .dst_port = contact->dst_port,
        .protocol = contact->protocol,
        .is_denied = contact->is_denied,
    };
    if (batch->has_stamps)
        nsf_contacts_add_stamp(contacts, contact->ts_ms);
}

/* A compact contact in full. */
static inline struct nsf_wide_contact nsf_batch_contact(const struct nsf_batch *batch, unsigned partition, size_t idx)
{
    const struct nsf_contacts *contacts = &batch->contacts[partition];
    const struct nsf_contact *contact = &contacts->items[idx];
    return (struct nsf_wide_contact){
        .ts_ms = batch->has_stamps ? contacts->stamps_ms[idx] : NSF_TS_NONE,
        .src = nsf_ip_from_v4(contact->src),
        .dst = nsf_ip_from_v4(contact->dst),
        .group_idx = contact->group_idx,
        .dst_port = contact->dst_port,
        .protocol = contact->protocol,
        .is_denied = contact->is_denied,
    };
}

#endif

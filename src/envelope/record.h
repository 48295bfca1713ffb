/*
 * record.h - what is held of a record until its closing brace: its members, its groups of tuples, and where they lie.
 *
 * Nothing is parsed into tuples before the record is whole: then layout, flow log, NIC, NSG and rule of all groups are
 * known, whatever the order of the keys. Records may stand inside a record: they form a stack, and the groups of the
 * inner one lie on top of those of the outer. One thread at a time.
 */
#ifndef NSF_ENVELOPE_RECORD_H
#define NSF_ENVELOPE_RECORD_H

#include "core/buf.h"
#include "envelope/envelope.h"
#include "envelope/keys.h"
#include "envelope/scope_cache.h"
#include "envelope/window.h"
#include "flow/tuple_ops.h"

/* A text that is kept: a part of nsf_records.texts. */
struct nsf_text {
    uint32_t at; /* NSF_TEXT_ABSENT: no text */
    uint32_t len;
};
#define NSF_TEXT_ABSENT UINT32_MAX
#define NSF_TEXT_INIT                                                                                                  \
    {                                                                                                                  \
        .at = NSF_TEXT_ABSENT                                                                                          \
    }

/* What an object inside a record says of the tuples in it. */
struct nsf_group_names {
    struct nsf_text rule;
    struct nsf_text mac;
    struct nsf_text acl;
};

/* One flowTuples array. */
struct nsf_group {
    uint64_t from; /* stream offsets of the inside of a skimmed array; equal: the parser read it, see held */
    uint64_t to;
    size_t held_from; /* part of nsf_records.held */
    size_t held_to;
    struct nsf_tuple_rows rows; /* of an array that was looked at ahead; else none */
    struct nsf_group_names names;
};

struct nsf_open_record {
    uint64_t start; /* of its `{` */
    struct nsf_text category;
    struct nsf_text nsg_version;  /* properties.Version */
    struct nsf_text vnet_version; /* flowLogVersion */
    struct nsf_text resource_id;
    struct nsf_text flow_log_id;
    struct nsf_text mac;
    int64_t time_ms;
    size_t first_group;
    bool is_marked;        /* has a member that records have */
    bool has_flow_records; /* the member of virtual network flow logs */
    bool has_inner;        /* records or wrappers were found inside */
    bool has_members;
    bool has_odd_tuples;            /* where arrays of tuples are looked for stands something else, which is not read */
    bool is_layout_known;           /* the next two hold */
    bool has_layout;                /* as far as it was read: it is no foreign one */
    enum nsf_layout layout;         /* then */
    bool is_streamed;               /* past NSF_RECORD_MAX_BYTES: handed on in parts */
    struct nsf_tuple_target target; /* of a streamed one */
};

struct nsf_records {
    struct nsf_envelope_options options;
    struct nsf_open_record *open; /* a stack, the innermost last */
    size_t n_open;
    size_t open_capacity;
    struct nsf_group *groups;
    size_t n_groups;
    size_t groups_capacity;
    struct nsf_buf texts;
    struct nsf_buf held; /* tuples as the parser gave them: see record.c */
    uint64_t held_base;  /* stream offset that the next held tuple counts from */
    int64_t first_time_ms;
    struct nsf_tuple_marks marks; /* of groups that have rows */
    struct nsf_scope_cache scopes;
};

void nsf_records_init(struct nsf_records *records, const struct nsf_envelope_options *options);
void nsf_records_release(struct nsf_records *records);
/* Forgets the records that are open. */
void nsf_records_drop(struct nsf_records *records);

static inline struct nsf_open_record *nsf_records_top(struct nsf_records *records)
{
    return &records->open[records->n_open - 1];
}

void nsf_records_push(struct nsf_records *records, uint64_t start);
struct nsf_text nsf_records_keep_text(struct nsf_records *records, struct nsf_slice text);
/* A string or number member of the record itself; absent: the member is neither. */
void nsf_records_set_member(struct nsf_records *records, enum nsf_key key, struct nsf_slice value);

/* A flowTuples array begins at stream offset `from`, behind its `[`. */
void nsf_records_open_group(struct nsf_records *records, uint64_t from);
/* Looks for the end of the array that was opened last, as nsf_skim does; bytes begin behind its `[`. */
enum nsf_skim nsf_records_skim(struct nsf_records *records, struct nsf_slice bytes, size_t *at);
/* The array was skimmed: its inside ends at `to`. */
void nsf_records_skimmed(struct nsf_records *records, uint64_t to);
/* The parser gave one element of the array; `offset` is that of its first character. */
void nsf_records_hold(struct nsf_records *records, struct nsf_slice text, bool is_tuple, uint64_t offset);
/* An object inside the record ends: it names the groups from first_group on unless an object further inside did. */
void nsf_records_name_groups(struct nsf_records *records, size_t first_group, const struct nsf_group_names *names);

/* The innermost record ends before stream offset `end`: it goes to the batch, and off the stack. False: it was none.
 * is_guess: it was found behind damage, so that it may as well be an object inside a record of another service; those
 * have no time. */
bool nsf_records_close(struct nsf_records *records, const struct nsf_window *window, uint64_t end, bool is_guess,
                       struct nsf_batch *batch);
/* The record at `idx` of the stack is past its bound: its tuples so far go to the batch, as those behind them will.
 * has_open_array: the last group goes on. */
void nsf_records_stream(struct nsf_records *records, size_t idx, bool has_open_array, const struct nsf_window *window,
                        struct nsf_batch *batch);
/* Texts pile up in an endless record: begin moves those in use to a fresh buffer and gives the old one, then each of
 * the caller's own names is moved, then the caller releases the old one. */
void nsf_records_begin_compact(struct nsf_records *records, struct nsf_buf *old);
void nsf_records_compact_names(struct nsf_records *records, const struct nsf_buf *old, struct nsf_group_names *names);
/* Good tuples in everything that is open. */
uint64_t nsf_records_count_lost(struct nsf_records *records, const struct nsf_window *window);

#endif

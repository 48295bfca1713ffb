/*
 * tuple.h - the text of a flow tuple to numbers, and whole `flowTuples` arrays into a batch.
 *
 * Strict per layout: a tuple that breaks a rule is bad, counted by reason with one sample a record, and never guessed.
 * A tuple that is neither inbound nor to destination port 25 cannot matter; unless is_strict it is only held against
 * its number of fields and the bytes a tuple may have. Nothing is allocated for a tuple. Any thread; a target belongs
 * to one.
 */
#ifndef NSF_TUPLE_H
#define NSF_TUPLE_H

#include "flow/batch.h"

/* Stamps below it are seconds, from it on milliseconds, in every layout. */
#define NSF_TUPLE_MS_FROM UINT64_C(100000000000)

enum nsf_counter {
    NSF_PACKETS_IN,
    NSF_BYTES_IN,
    NSF_PACKETS_OUT,
    NSF_BYTES_OUT,
};

struct nsf_tuple {
    int64_t ts_ms;
    struct nsf_ip src;
    struct nsf_ip dst;
    uint64_t counters[4]; /* enum nsf_counter; zero unless has_counters */
    uint16_t src_port;    /* 0 where the protocol has none */
    uint16_t dst_port;
    uint8_t protocol; /* IANA number */
    uint8_t event;    /* enum nsf_flow_event */
    bool is_inbound;
    bool has_counters;
};

/* Everything of one tuple; text is without its quotes. *tuple is undefined when the tuple is bad. */
enum nsf_tuple_fault nsf_tuple_parse(struct nsf_slice text, enum nsf_layout layout, struct nsf_tuple *tuple);
/* What people read. */
const char *nsf_tuple_fault_text(enum nsf_tuple_fault fault);

/* Where the tuples of a record go. The caller fills in the first part; one record is one target, and enters group
 * after group. */
struct nsf_tuple_target {
    struct nsf_batch *batch; /* NULL: tuples are only counted */
    uint32_t record_idx;
    enum nsf_layout layout;
    bool is_strict;
    bool is_smtp_only; /* no contacts and no denied events */
    /* of the group entered last */
    uint32_t scope_id;
    uint32_t group_idx;
    /* counted */
    uint32_t n_tuples;
    uint32_t n_bad;
    uint32_t bad_idx[NSF_TUPLE_FAULTS]; /* 1 + index in batch->bad, 0: none of this kind yet */
};

void nsf_tuple_target_init(struct nsf_tuple_target *target, struct nsf_batch *batch, enum nsf_layout layout);
/* The tuples that follow are of this scope. Before the first one, unless they are only counted. */
void nsf_tuple_target_enter(struct nsf_tuple_target *target, uint32_t scope_id);
/* One tuple, unescaped; offset is that of its first character in the stream. */
void nsf_tuple_take(struct nsf_tuple_target *target, struct nsf_slice text, uint64_t offset);
/* The bytes between `[` and `]` of an array that nsf_skim found to be plain; offset is that of the first one. */
void nsf_tuple_take_array(struct nsf_tuple_target *target, struct nsf_slice inside, uint64_t offset);
/* An array element that is no string: bad, but not a tuple. */
void nsf_tuple_take_other(struct nsf_tuple_target *target, struct nsf_slice text, uint64_t offset);

/* How many fields a tuple has. */
unsigned nsf_tuple_fields(enum nsf_layout layout);
/* Hands a good tuple to where it belongs: for those who parsed it themselves. */
void nsf_tuple_emit(struct nsf_tuple_target *target, const struct nsf_tuple *tuple);

/* What the batch keeps of a tuple that is no mail. */
static inline struct nsf_wide_contact nsf_tuple_contact(const struct nsf_tuple_target *target,
                                                        const struct nsf_tuple *tuple)
{
    return (struct nsf_wide_contact){
        .ts_ms = target->batch->has_stamps ? tuple->ts_ms : NSF_TS_NONE,
        .src = tuple->src,
        .dst = tuple->dst,
        .group_idx = target->group_idx,
        .dst_port = tuple->dst_port,
        .protocol = tuple->protocol,
        .is_denied = tuple->event == NSF_FLOW_DENIED,
    };
}

/* Looks for the `]` that closes an array of strings. */
enum nsf_skim {
    NSF_SKIM_MORE,  /* plain so far, the `]` is not among these bytes */
    NSF_SKIM_FOUND, /* plain, and *at is the index of the `]` */
    NSF_SKIM_ODD,   /* something else than strings, commas and blanks, an escape, a control byte or one from 0x80 up:
                       for the JSON parser to judge */
};

/* Bytes begin behind the `[`. After MORE call again with the same bytes and more of them behind; *at keeps the place
 * and starts as 0. */
enum nsf_skim nsf_skim(struct nsf_slice bytes, size_t *at);

#endif

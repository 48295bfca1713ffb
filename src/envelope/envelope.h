/*
 * envelope.h - flow-log text, in pieces of any size, to records in a batch.
 *
 * Reads what Azure writes and what people keep of it: `{"records":[...]}`, bare records, one record a line, blocks of
 * a growing blob, any key order, white space, a byte order mark, records inside records. What is no JSON is a problem
 * of the batch (offset, reason, `skipped_bytes`, `tuples_lost`), and reading goes on at the next record; behind the
 * start of a damaged one that is, so that a whole record that was taken for its inside is not lost.
 *
 * The text is read in place: the caller puts bytes into the room that the envelope gives. They stay there until the
 * record they belong to ends, at most NSF_RECORD_MAX_BYTES; a longer record is handed on in parts without fingerprint.
 * What comes out does not depend on how the text was cut into pieces, nor on is_plain.
 *
 *     nsf_envelope_begin(env, 0, NSF_PLACE_START);
 *     while ((p = nsf_envelope_room(env, &capacity)), (n = read(fd, p, capacity)) > 0)
 *         nsf_envelope_commit(env, n, batch);
 *     nsf_envelope_finish(env, batch);
 *
 * One thread at a time; reused from blob to blob.
 */
#ifndef NSF_ENVELOPE_H
#define NSF_ENVELOPE_H

#include "core/slice.h"
#include "flow/batch.h"
#include "flow/scope.h"

struct nsf_tuple_ops;

struct nsf_envelope_options {
    struct nsf_scopes *scopes; /* borrowed for the envelope's life */
    uint64_t seed;             /* of fingerprints: equal for everything that is compared */
    bool is_plain;             /* the JSON parser reads every tuple: slow, and the measure for the fast way */
    bool is_strict;            /* every tuple is checked in full */
    bool is_smtp_only;         /* no contacts and no denied events */
    bool has_stamps;           /* contacts keep their stamps: for a store, or where they may lie outside a window */
    const struct nsf_tuple_ops *ops; /* NULL: what is best here */
};

/* Where in a blob reading starts or stands. */
enum nsf_envelope_place {
    NSF_PLACE_START,      /* at the first byte of a blob */
    NSF_PLACE_IN_RECORDS, /* inside `{"records":[`, between two records */
    NSF_PLACE_IN_LINES,   /* between two records that nothing is wrapped around */
    NSF_PLACE_ELSEWHERE,  /* inside a record, in damage, deeper in wrappers */
};

struct nsf_envelope;

struct nsf_envelope *nsf_envelope_new(const struct nsf_envelope_options *options);
void nsf_envelope_free(struct nsf_envelope *env);

/* Forgets the blob before. The next byte has stream offset `offset`. `place` is START (offset 0), or, to begin inside
 * a blob at a `{`, IN_RECORDS or IN_LINES. */
void nsf_envelope_begin(struct nsf_envelope *env, uint64_t offset, enum nsf_envelope_place place);
/* Room for at least NSF_CHUNK_BYTES; lends until the next call. */
char *nsf_envelope_room(struct nsf_envelope *env, size_t *capacity);
/* n_bytes were put into the room: every record that ends in them goes to the batch, which may be another one at each
 * call. */
void nsf_envelope_commit(struct nsf_envelope *env, size_t n_bytes, struct nsf_batch *batch);
/* The blob ends here: what is open now is a problem. */
void nsf_envelope_finish(struct nsf_envelope *env, struct nsf_batch *batch);

/* Behind the last byte committed. A piece that ends IN_RECORDS or IN_LINES needs no finish: an envelope that began
 * at this offset with this place goes on as this one would. */
enum nsf_envelope_place nsf_envelope_place(const struct nsf_envelope *env);
/* Index of the first `{` that looks like the start of a record, or bytes.len. */
size_t nsf_envelope_find_border(struct nsf_slice bytes);
/* `time` of the first record that has one, of whatever category; NSF_TS_NONE until then. */
int64_t nsf_envelope_first_time(const struct nsf_envelope *env);

#endif

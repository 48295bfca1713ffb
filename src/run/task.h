/*
 * task.h - what one worker reads at a time: a few small blobs, one blob, or a piece of a large file.
 *
 * A large file that is neither compressed nor remote (storage fetches ahead by itself) is cut into pieces of
 * NSF_TASK_SEGMENT_BYTES, each read from the first plausible start of a record in it. That is a guess. The worker of
 * the piece before stops at the same byte and knows whether the guess was right; if not, it reads on, and the pieces it
 * read through are void.
 *
 * Tasks have numbers in the order of the run: blob in the upper half, piece in the lower. A task and its parcels belong
 * to the pipeline's lock, but for the fields that its worker fills.
 */
#ifndef NSF_TASK_H
#define NSF_TASK_H

#include "codec/codec.h"
#include "envelope/envelope.h"
#include "flow/batch.h"
#include "source/source.h"

#define NSF_TASK_SEGMENT_BYTES (UINT64_C(1) << 20)

/* A batch on its way to the evidence. */
struct nsf_parcel {
    struct nsf_batch *batch;
    struct nsf_parcel *next;
    struct nsf_parcel_pool *home; /* where it goes when all partitions have taken it */
    size_t n_bytes;               /* of its events, once it is handed on */
    uint32_t blob_idx;
    uint64_t bytes; /* read from the blob for it, compressed ones where they are */
    bool is_first;  /* of its blob */
    bool is_last;
    bool is_unopened;
    bool is_replaced;       /* the blob was made anew, and parcels of what it was are out of reach */
    struct nsf_err failure; /* why the blob could not be opened, or read to its end */
};

/* Parcels of one worker that are not in use, the one used last on top: it is filled by the processor that filled it
 * before, and few go round. The caller locks. */
struct nsf_parcel_pool {
    struct nsf_parcel *free;
    size_t free_bytes; /* room for events in these */
    unsigned n_out;
    size_t out_bytes; /* of events in those that were handed on */
};

struct nsf_parcel *nsf_parcel_take(struct nsf_parcel_pool *pool);
void nsf_parcel_hand_on(struct nsf_parcel *parcel);
void nsf_parcel_give_back(struct nsf_parcel *parcel);
/* So many are on their way that some are to come home before another one is taken: what bounds the memory of a run. */
bool nsf_parcel_pool_is_exhausted(const struct nsf_parcel_pool *pool);
void nsf_parcel_pool_release(struct nsf_parcel_pool *pool);

enum nsf_task_state {
    NSF_TASK_RUNNING,
    NSF_TASK_DONE,
};

/* Where a piece begins. */
struct nsf_border {
    uint64_t offset;
    enum nsf_envelope_place place; /* what stands around it */
    bool is_found;                 /* false: no record start can be seen in the piece */
};

struct nsf_task {
    struct nsf_task *next;
    uint64_t number;
    uint64_t next_number; /* of the task that goes on where this one ended; right once it is done */
    uint32_t blob_from;   /* blobs [from, to) */
    uint32_t blob_to;
    uint32_t segment;
    bool is_segmented;
    bool is_void;
    bool is_border_known;
    struct nsf_border border;
    enum nsf_task_state state;
    struct nsf_parcel *first;
    struct nsf_parcel *last;
};

void nsf_task_free(struct nsf_task *task);
void nsf_task_push(struct nsf_task *task, struct nsf_parcel *parcel);
struct nsf_parcel *nsf_task_pop(struct nsf_task *task); /* NULL: none is waiting */

/* The tasks of a listing, in order. The caller locks. */
struct nsf_task_plan;
struct nsf_task_plan *nsf_task_plan_new(const struct nsf_listing *listing, bool is_parallel);
void nsf_task_plan_free(struct nsf_task_plan *plan);
struct nsf_task *nsf_task_plan_next(struct nsf_task_plan *plan); /* NULL: no more */
/* Tasks before `number` need not be begun any more. */
void nsf_task_plan_pass(struct nsf_task_plan *plan, uint64_t number);

/* What a worker reads with: a decoder, a parser and their buffers. One thread. */
struct nsf_reader;

struct nsf_reader_options {
    const struct nsf_listing *listing;
    struct nsf_envelope_options envelope;
    /* Takes the parcel; false: reading the task further is of no use. */
    bool (*push)(void *ctx, struct nsf_task *task, struct nsf_parcel *parcel);
    struct nsf_parcel *(*new_parcel)(void *ctx);
    /* Where the task's piece begins: told once, for the worker of the piece before it to ask for. False: not told yet.
     */
    void (*tell_border)(void *ctx, struct nsf_task *task, const struct nsf_border *border);
    bool (*ask_border)(void *ctx, uint64_t number, struct nsf_border *border);
    void *ctx;
};

struct nsf_reader *nsf_reader_new(const struct nsf_reader_options *options);
void nsf_reader_free(struct nsf_reader *reader);
void nsf_task_run(struct nsf_task *task, struct nsf_reader *reader);

/* The hour of the blob's first record with a time, or NSF_HOUR_NONE. */
int64_t nsf_reader_peek_hour(struct nsf_reader *reader, const struct nsf_blob *blob);

#endif

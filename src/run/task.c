#include "core/nsf_common.h"

#include "run/task.h"

#include "core/clock.h"
#include "core/limits.h"
#include "core/mem.h"
#include "source/layout.h"
#include "source/near.h"

/* A task's blobs together; one larger blob is a task of its own. */
#define TASK_GROUP_BYTES (UINT64_C(1) << 20)
#define TASK_GROUP_BLOBS 64u
/* Blobs of a group that are asked for ahead of the one being read. */
#define BLOBS_AHEAD 4u
/* Events in a parcel: they should still be in a cache when the evidence takes them. */
#define PARCEL_BYTES ((size_t)128 << 10)
/* Parcels of a worker that are on their way, and events in them: what a piece of an ordinary log holds. */
#define PARCELS_OUT_MAX 64u
#define PARCELS_OUT_BYTES ((size_t)768 << 10)
/* Room for events that a worker keeps. */
#define PARCELS_FREE_BYTES ((size_t)4 << 20)
/* Where the first record start of a piece is looked for; records are rarely longer. */
#define BORDER_WINDOW_BYTES ((size_t)1 << 20)
#define BORDER_STEP_BYTES ((size_t)64 << 10)
_Static_assert(BORDER_WINDOW_BYTES <= NSF_TASK_SEGMENT_BYTES, "what was read to find a piece belongs to it");
/* The first record's time stands in its first few hundred bytes, or behind its tuples. */
#define PEEK_BYTES_MAX (UINT64_C(4) << 20)

struct nsf_parcel *nsf_parcel_take(struct nsf_parcel_pool *pool)
{
    struct nsf_parcel *parcel = pool->free;
    if (parcel != NULL) {
        pool->free = parcel->next;
        pool->free_bytes -= nsf_batch_capacity_bytes(parcel->batch);
    } else {
        parcel = nsf_malloc(sizeof(*parcel));
        parcel->batch = nsf_batch_new();
    }
    struct nsf_batch *batch = parcel->batch;
    pool->n_out++;
    *parcel = (struct nsf_parcel){.batch = batch, .home = pool, .failure = NSF_ERR_INIT};
    return parcel;
}

static void parcel_free(struct nsf_parcel *parcel)
{
    nsf_batch_free(parcel->batch);
    nsf_free(parcel);
}

void nsf_parcel_hand_on(struct nsf_parcel *parcel)
{
    parcel->n_bytes = nsf_batch_bytes(parcel->batch);
    parcel->home->out_bytes += parcel->n_bytes;
}

bool nsf_parcel_pool_is_exhausted(const struct nsf_parcel_pool *pool)
{
    return pool->n_out >= PARCELS_OUT_MAX || pool->out_bytes >= PARCELS_OUT_BYTES;
}

void nsf_parcel_give_back(struct nsf_parcel *parcel)
{
    struct nsf_parcel_pool *pool = parcel->home;
    size_t room = nsf_batch_capacity_bytes(parcel->batch);
    pool->n_out--;
    pool->out_bytes -= parcel->n_bytes;
    if (pool->free_bytes + room > PARCELS_FREE_BYTES) {
        parcel_free(parcel);
        return;
    }
    pool->free_bytes += room;
    nsf_batch_reset(parcel->batch);
    parcel->next = pool->free;
    pool->free = parcel;
}

void nsf_parcel_pool_release(struct nsf_parcel_pool *pool)
{
    for (struct nsf_parcel *parcel = pool->free, *next; parcel != NULL; parcel = next) {
        next = parcel->next;
        parcel_free(parcel);
    }
    *pool = (struct nsf_parcel_pool){0};
}

void nsf_task_free(struct nsf_task *task)
{
    nsf_free(task);
}

void nsf_task_push(struct nsf_task *task, struct nsf_parcel *parcel)
{
    parcel->next = NULL;
    if (task->last == NULL)
        task->first = parcel;
    else
        task->last->next = parcel;
    task->last = parcel;
}

struct nsf_parcel *nsf_task_pop(struct nsf_task *task)
{
    struct nsf_parcel *parcel = task->first;
    if (parcel == NULL)
        return NULL;
    task->first = parcel->next;
    if (task->first == NULL)
        task->last = NULL;
    return parcel;
}

struct nsf_task_plan {
    const struct nsf_listing *listing;
    bool is_parallel;
    uint64_t cursor; /* number of the next task */
};

static uint64_t number_of(uint32_t blob_idx, uint32_t segment)
{
    return (uint64_t)blob_idx << 32 | segment;
}

struct nsf_task_plan *nsf_task_plan_new(const struct nsf_listing *listing, bool is_parallel)
{
    struct nsf_task_plan *plan = nsf_calloc(1, sizeof(*plan));
    plan->listing = listing;
    plan->is_parallel = is_parallel;
    return plan;
}

void nsf_task_plan_free(struct nsf_task_plan *plan)
{
    nsf_free(plan);
}

void nsf_task_plan_pass(struct nsf_task_plan *plan, uint64_t number)
{
    if (plan->cursor < number)
        plan->cursor = number;
}

static bool is_segmented(const struct nsf_task_plan *plan, const struct nsf_blob *blob)
{
    return plan->is_parallel && !blob->is_remote && !blob->is_gzip && blob->size_bytes != NSF_SIZE_UNKNOWN &&
           blob->size_bytes > 2 * NSF_TASK_SEGMENT_BYTES;
}

/* Blobs from `from` on that are small enough to be read as one task; at least one. */
static uint32_t group_end(const struct nsf_task_plan *plan, uint32_t from)
{
    uint32_t to = from;
    uint64_t n_bytes = 0;
    while (to < plan->listing->n && to - from < TASK_GROUP_BLOBS) {
        uint64_t size = plan->listing->items[to].size_bytes;
        if (to > from && (size == NSF_SIZE_UNKNOWN || n_bytes + size > TASK_GROUP_BYTES))
            break;
        n_bytes += size == NSF_SIZE_UNKNOWN ? TASK_GROUP_BYTES : size;
        to++;
    }
    return to;
}

struct nsf_task *nsf_task_plan_next(struct nsf_task_plan *plan)
{
    uint32_t blob_idx = (uint32_t)(plan->cursor >> 32), segment = (uint32_t)plan->cursor;
    if (blob_idx >= plan->listing->n)
        return NULL;
    struct nsf_task *task = nsf_calloc(1, sizeof(*task));
    const struct nsf_blob *blob = &plan->listing->items[blob_idx];
    task->number = plan->cursor;
    task->blob_from = blob_idx;
    task->is_segmented = is_segmented(plan, blob);
    if (task->is_segmented) {
        task->segment = segment;
        task->blob_to = blob_idx + 1;
        uint64_t n_segments = (blob->size_bytes + NSF_TASK_SEGMENT_BYTES - 1) / NSF_TASK_SEGMENT_BYTES;
        plan->cursor = segment + 1 < n_segments ? plan->cursor + 1 : number_of(blob_idx + 1, 0);
    } else {
        task->blob_to = group_end(plan, blob_idx);
        plan->cursor = number_of(task->blob_to, 0);
    }
    task->next_number = plan->cursor;
    return task;
}

struct nsf_reader {
    struct nsf_reader_options options;
    struct nsf_codec *codec;
    struct nsf_envelope *envelope;
    struct nsf_near near;
    char *border_window;
    /* the blob being read */
    struct nsf_task *task;
    uint32_t blob_idx;
    struct nsf_stream *stream;
    struct nsf_parcel *parcel;
    uint64_t bytes_before; /* read to find where the piece begins, and part of it */
    uint64_t bytes_told;   /* of these and those the codec has read */
    bool is_first_parcel;
};

struct nsf_reader *nsf_reader_new(const struct nsf_reader_options *options)
{
    struct nsf_reader *reader = nsf_calloc(1, sizeof(*reader));
    reader->options = *options;
    reader->codec = nsf_codec_new(NSF_CODEC_FASTEST);
    reader->envelope = nsf_envelope_new(&options->envelope);
    nsf_near_init(&reader->near);
    return reader;
}

void nsf_reader_free(struct nsf_reader *reader)
{
    if (reader == NULL)
        return;
    nsf_envelope_free(reader->envelope);
    nsf_codec_free(reader->codec);
    nsf_near_release(&reader->near);
    nsf_free(reader->border_window);
    nsf_free(reader);
}

static const struct nsf_blob *blob_of(const struct nsf_reader *reader)
{
    return &reader->options.listing->items[reader->blob_idx];
}

static void new_parcel(struct nsf_reader *reader)
{
    reader->parcel = reader->options.new_parcel(reader->options.ctx);
    reader->parcel->blob_idx = reader->blob_idx;
    reader->parcel->batch->blob_idx = reader->blob_idx;
}

/* Hands on what was read so far and begins the next parcel unless the blob ends. */
static bool push_parcel(struct nsf_reader *reader, bool is_last)
{
    struct nsf_parcel *parcel = reader->parcel;
    uint64_t n_read = reader->bytes_before + nsf_codec_bytes_read(reader->codec);
    parcel->bytes = n_read - reader->bytes_told;
    reader->bytes_told = n_read;
    parcel->is_first = reader->is_first_parcel;
    parcel->is_last = is_last;
    reader->is_first_parcel = false;
    struct nsf_problems *problems = &parcel->batch->problems;
    for (size_t i = 0; i < problems->n; i++)
        problems->items[i].path = blob_of(reader)->name;
    reader->parcel = NULL;
    if (!reader->options.push(reader->options.ctx, reader->task, parcel))
        return false;
    if (!is_last)
        new_parcel(reader);
    return true;
}

static void note_failure(struct nsf_reader *reader, struct nsf_err *err)
{
    nsf_problems_add_err(&reader->parcel->batch->problems, blob_of(reader)->name, err);
    reader->parcel->failure = *err;
}

/* Whether what was read of the blob can be taken back here: nothing of it was handed on, and its place in the order of
 * the run does not hang on its first record. */
static bool can_take_back(const struct nsf_reader *reader)
{
    return reader->is_first_parcel &&
           (reader->options.listing->n == 1 || nsf_layout_parse(blob_of(reader)->order).hour != NSF_HOUR_NONE);
}

static void begin_anew(struct nsf_reader *reader)
{
    nsf_envelope_begin(reader->envelope, 0, NSF_PLACE_START);
    if (can_take_back(reader)) {
        nsf_batch_reset(reader->parcel->batch);
        return;
    }
    reader->parcel->is_replaced = true;
    struct nsf_problem problem = {.offset = NSF_OFFSET_NONE, .code = NSF_E_CHANGED};
    problem.detail = NSF_SLICE_LIT("the blob was made anew while it was read; what had been read of it still counts");
    nsf_problems_add(&reader->parcel->batch->problems, &problem);
}

/* Reads up to n_max bytes into the envelope. False: the blob is over (or failed), and the envelope was told. */
static bool read_some(struct nsf_reader *reader, uint64_t n_max, uint64_t *position)
{
    struct nsf_err err = NSF_ERR_INIT;
    size_t capacity, n = 0;
    char *room = nsf_envelope_room(reader->envelope, &capacity);
    if (capacity > n_max)
        capacity = (size_t)n_max;
    switch (nsf_codec_read(reader->codec, room, capacity, &n, &err)) {
    case NSF_READ_BYTES:
        nsf_envelope_commit(reader->envelope, n, reader->parcel->batch);
        *position += n;
        return true;
    case NSF_READ_REPLACED:
        begin_anew(reader);
        *position = 0;
        return true;
    case NSF_READ_ERROR:
        note_failure(reader, &err);
        /* Storage is asked only when its first bytes are: what gives none at all was never open. */
        reader->parcel->is_unopened = reader->is_first_parcel && nsf_codec_bytes_read(reader->codec) == 0;
        break;
    case NSF_READ_END:
    case NSF_READ_UNCHANGED:
        break;
    }
    nsf_envelope_finish(reader->envelope, reader->parcel->batch);
    return false;
}

/* Opens the blob from its start and begins a parcel. False: it cannot be opened, and the parcel that says so is gone.
 */
static bool open_blob(struct nsf_reader *reader)
{
    struct nsf_open how = NSF_OPEN_INIT;
    struct nsf_err err = NSF_ERR_INIT;
    how.needs_no_version = true;
    how.near = &reader->near;
    reader->bytes_before = 0;
    reader->bytes_told = 0;
    reader->is_first_parcel = true;
    new_parcel(reader);
    if (nsf_failed(nsf_source_open(blob_of(reader), &how, &reader->stream, &err))) {
        note_failure(reader, &err);
        reader->parcel->is_unopened = true;
        reader->parcel->is_first = true;
        reader->parcel->is_last = true;
        struct nsf_parcel *parcel = reader->parcel;
        reader->parcel = NULL;
        reader->options.push(reader->options.ctx, reader->task, parcel);
        return false;
    }
    nsf_codec_open(reader->codec, reader->stream, 0);
    nsf_envelope_begin(reader->envelope, 0, NSF_PLACE_START);
    return true;
}

static void close_blob(struct nsf_reader *reader)
{
    nsf_codec_close(reader->codec);
    nsf_stream_close(reader->stream);
    reader->stream = NULL;
}

/* ---- pieces ---- */

/* Where piece `segment` of the blob nominally begins, as a stream. NULL: it cannot be opened. */
static struct nsf_stream *open_piece(struct nsf_reader *reader, uint32_t segment)
{
    struct nsf_open how = NSF_OPEN_INIT;
    struct nsf_stream *stream;
    how.from_offset = segment * NSF_TASK_SEGMENT_BYTES;
    how.needs_no_version = true;
    how.near = &reader->near;
    return nsf_failed(nsf_source_open(blob_of(reader), &how, &stream, NULL)) ? NULL : stream;
}

/* Reads on from the nominal beginning of the piece to the first start of a record. What was read behind that stands in
 * *rest, which lends until the next call. */
static struct nsf_border find_border(struct nsf_reader *reader, uint32_t segment, struct nsf_stream *stream,
                                     struct nsf_slice *rest)
{
    if (reader->border_window == NULL)
        reader->border_window = nsf_malloc(BORDER_WINDOW_BYTES);
    size_t n = 0, at = 0;
    for (size_t n_read; n < BORDER_WINDOW_BYTES && at == n; n += n_read) {
        size_t step = BORDER_WINDOW_BYTES - n < BORDER_STEP_BYTES ? BORDER_WINDOW_BYTES - n : BORDER_STEP_BYTES;
        if (nsf_stream_read(stream, reader->border_window + n, step, &n_read, NULL) != NSF_READ_BYTES)
            break;
        at = nsf_envelope_find_border(nsf_slice(reader->border_window, n + n_read));
    }
    struct nsf_slice before = nsf_slice_trim(nsf_slice(reader->border_window, at));
    if (at >= n || before.len == 0)
        return (struct nsf_border){.is_found = false};
    *rest = nsf_slice(reader->border_window + at, n - at);
    return (struct nsf_border){
        .offset = segment * NSF_TASK_SEGMENT_BYTES + at,
        .place = before.ptr[before.len - 1] == ',' ? NSF_PLACE_IN_RECORDS : NSF_PLACE_IN_LINES,
        .is_found = true,
    };
}

/* As the worker of that piece found it, or will find it. */
static struct nsf_border border_of(struct nsf_reader *reader, uint32_t segment)
{
    struct nsf_border border = {.is_found = false};
    struct nsf_slice rest;
    if (reader->options.ask_border(reader->options.ctx, number_of(reader->blob_idx, segment), &border))
        return border;
    struct nsf_stream *stream = open_piece(reader, segment);
    if (stream != NULL)
        border = find_border(reader, segment, stream, &rest);
    nsf_stream_close(stream);
    return border;
}

/* What was read to find the piece, as far as it belongs to it, goes to the envelope. */
static void commit_rest(struct nsf_reader *reader, struct nsf_slice rest)
{
    reader->bytes_before = rest.len;
    while (rest.len > 0) {
        size_t capacity;
        char *room = nsf_envelope_room(reader->envelope, &capacity);
        size_t n = capacity < rest.len ? capacity : rest.len;
        memcpy(room, rest.ptr, n);
        nsf_envelope_commit(reader->envelope, n, reader->parcel->batch);
        rest = nsf_slice_from(rest, n);
    }
}

/* Opens a piece that is not the first one where it begins. *position is behind what went to the envelope already.
 * False: no record begins in it, or it cannot be opened, and the worker of the piece before reads through it. */
static bool open_segment(struct nsf_reader *reader, struct nsf_task *task, uint64_t *position)
{
    struct nsf_slice rest = {NULL, 0};
    struct nsf_border border = {.is_found = false};
    reader->stream = open_piece(reader, task->segment);
    if (reader->stream != NULL)
        border = find_border(reader, task->segment, reader->stream, &rest);
    reader->options.tell_border(reader->options.ctx, task, &border);
    if (!border.is_found) {
        nsf_stream_close(reader->stream);
        reader->stream = NULL;
        return false;
    }
    reader->bytes_told = 0;
    reader->is_first_parcel = false;
    new_parcel(reader);
    nsf_codec_open(reader->codec, reader->stream, border.offset + rest.len);
    nsf_envelope_begin(reader->envelope, border.offset, border.place);
    commit_rest(reader, rest);
    *position = border.offset + rest.len;
    return true;
}

static bool is_batch_full(const struct nsf_reader *reader)
{
    return nsf_batch_bytes(reader->parcel->batch) >= PARCEL_BYTES;
}

/* One blob from its start to its end. False: the task is not wanted any more. */
static bool read_blob(struct nsf_reader *reader, uint32_t blob_idx)
{
    reader->blob_idx = blob_idx;
    if (!open_blob(reader))
        return true;
    bool goes_on = true;
    for (uint64_t position = 0; goes_on && read_some(reader, UINT64_MAX, &position);)
        if (is_batch_full(reader))
            goes_on = push_parcel(reader, false);
    if (goes_on)
        goes_on = push_parcel(reader, true);
    close_blob(reader);
    return goes_on;
}

/* Stops at the start of a later piece when that piece was begun rightly; else reads on through it. Gives the number of
 * the piece that goes on, or 0 when the blob was read to its end. */
static uint32_t read_pieces(struct nsf_reader *reader, uint32_t segment, uint64_t position)
{
    uint64_t nominal_end = (segment + 1) * NSF_TASK_SEGMENT_BYTES, stop_at = UINT64_MAX;
    struct nsf_border border = {.place = NSF_PLACE_ELSEWHERE};
    for (;;) {
        if (position == nominal_end && stop_at == UINT64_MAX && !nsf_codec_is_gzip(reader->codec)) {
            segment++;
            nominal_end += NSF_TASK_SEGMENT_BYTES;
            border = border_of(reader, segment);
            stop_at = border.is_found ? border.offset : UINT64_MAX;
        }
        if (position == stop_at) {
            if (nsf_envelope_place(reader->envelope) == border.place) {
                push_parcel(reader, false);
                return segment;
            }
            stop_at = UINT64_MAX;
        }
        uint64_t limit = stop_at < nominal_end ? stop_at : nominal_end;
        bool is_bounded = !nsf_codec_is_gzip(reader->codec) && position < limit;
        if (!read_some(reader, is_bounded ? limit - position : UINT64_MAX, &position))
            break;
        if (is_batch_full(reader) && !push_parcel(reader, false))
            return 0;
    }
    push_parcel(reader, true);
    return 0;
}

static void run_segment(struct nsf_task *task, struct nsf_reader *reader)
{
    uint64_t position = 0;
    reader->blob_idx = task->blob_from;
    if (task->segment == 0 ? !open_blob(reader) : !open_segment(reader, task, &position))
        return;
    uint32_t next = read_pieces(reader, task->segment, position);
    task->next_number = next == 0 ? number_of(task->blob_to, 0) : number_of(task->blob_from, next);
    close_blob(reader);
}

/* The next few blobs are on their way while one is read. */
static void run_group(struct nsf_task *task, struct nsf_reader *reader)
{
    uint32_t expected_to = task->blob_from + 1;
    bool goes_on = true;
    for (uint32_t i = task->blob_from; i < task->blob_to && goes_on; i++) {
        for (; expected_to < task->blob_to && expected_to <= i + BLOBS_AHEAD; expected_to++)
            nsf_source_expect(&reader->options.listing->items[expected_to]);
        goes_on = read_blob(reader, i);
    }
}

/* What is left of a parcel that was begun when the task was given up. */
static void abandon_parcel(struct nsf_reader *reader)
{
    if (reader->parcel == NULL)
        return;
    reader->options.push(reader->options.ctx, reader->task, reader->parcel);
    reader->parcel = NULL;
}

void nsf_task_run(struct nsf_task *task, struct nsf_reader *reader)
{
    reader->task = task;
    if (task->is_segmented)
        run_segment(task, reader);
    else
        run_group(task, reader);
    abandon_parcel(reader);
}

int64_t nsf_reader_peek_hour(struct nsf_reader *reader, const struct nsf_blob *blob)
{
    struct nsf_open how = NSF_OPEN_INIT;
    how.is_glance = true;
    how.needs_no_version = true;
    how.near = &reader->near;
    struct nsf_stream *stream;
    if (nsf_failed(nsf_source_open(blob, &how, &stream, NULL)))
        return NSF_HOUR_NONE;
    struct nsf_batch *scratch = nsf_batch_new();
    nsf_codec_open(reader->codec, stream, 0);
    nsf_envelope_begin(reader->envelope, 0, NSF_PLACE_START);
    uint64_t n_read = 0;
    while (n_read < PEEK_BYTES_MAX && nsf_envelope_first_time(reader->envelope) == NSF_TS_NONE) {
        size_t capacity, n = 0;
        char *room = nsf_envelope_room(reader->envelope, &capacity);
        if (nsf_codec_read(reader->codec, room, capacity, &n, NULL) != NSF_READ_BYTES)
            break;
        n_read += n;
        nsf_envelope_commit(reader->envelope, n, scratch);
        nsf_batch_reset(scratch);
    }
    int64_t first_ms = nsf_envelope_first_time(reader->envelope);
    nsf_codec_close(reader->codec);
    nsf_stream_close(stream);
    nsf_batch_free(scratch);
    return first_ms == NSF_TS_NONE ? NSF_HOUR_NONE : nsf_time_hour(first_ms);
}

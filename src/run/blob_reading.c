#include "core/nsf_common.h"

#include "run/blob_reading.h"

#include "codec/codec.h"
#include "core/clock.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/real_path.h"
#include "run/prefix.h"
#include "source/near.h"
#include "store/pack.h"
#include "store/wire.h"

/* Evidence of one part: what a report unpacks at a time. */
#define READING_PART_BYTES ((size_t)384 << 10)
/* A blob grows before its last two bytes, which close the array and the object around it. */
#define READING_TAIL_BYTES 2
#define READING_HEAD_BYTES 16
/* What a blob that is asked for ahead of its turn may cost in memory. */
#define READING_EXPECTED_BYTES (UINT64_C(1) << 20)

struct nsf_blob_reading {
    struct nsf_blob_reading_options options;
    struct nsf_codec *codec;
    struct nsf_envelope *envelope;
    struct nsf_batch *batch;
    struct nsf_buf packed;
    struct nsf_buf tail;
    struct nsf_arena arena; /* of the blob */
    struct nsf_near near;
    struct nsf_prefix_hash prefix;
    /* the blob being read */
    const struct nsf_blob *blob;
    struct nsf_slice key;
    bool is_local;
    struct nsf_stored_blob known; /* id 0: not stored yet */
    bool is_append;               /* reading goes on behind what is stored */
    struct nsf_stream *stream;
    struct nsf_store_put *put;
    uint64_t begin;                 /* where reading began */
    uint64_t position;              /* behind what was committed to the envelope */
    char carry[READING_TAIL_BYTES]; /* read, but not committed yet: perhaps the end */
    size_t n_carry;
    char head[READING_HEAD_BYTES];
    bool has_head;
};

struct nsf_blob_reading *nsf_blob_reading_new(const struct nsf_blob_reading_options *options)
{
    struct nsf_blob_reading *reading = nsf_calloc(1, sizeof(*reading));
    reading->options = *options;
    reading->codec = nsf_codec_new(NSF_CODEC_FASTEST);
    reading->envelope = nsf_envelope_new(&options->envelope);
    reading->batch = nsf_batch_new();
    nsf_buf_init(&reading->packed, NSF_PACK_MAX_BYTES);
    nsf_buf_init(&reading->tail, NSF_PACK_MAX_BYTES);
    nsf_arena_init(&reading->arena);
    nsf_near_init(&reading->near);
    return reading;
}

void nsf_blob_reading_free(struct nsf_blob_reading *reading)
{
    if (reading == NULL)
        return;
    nsf_near_release(&reading->near);
    nsf_arena_release(&reading->arena);
    nsf_buf_release(&reading->packed);
    nsf_buf_release(&reading->tail);
    nsf_batch_free(reading->batch);
    nsf_envelope_free(reading->envelope);
    nsf_codec_free(reading->codec);
    nsf_free(reading);
}

/* ---- which blob it is ---- */

static bool is_standard_input(const struct nsf_blob *blob)
{
    return nsf_slice_eq(blob->name, NSF_SLICE_LIT("-"));
}

static bool is_url(struct nsf_slice name)
{
    for (size_t i = 0; i + 3 <= name.len; i++)
        if (memcmp(name.ptr + i, "://", 3) == 0)
            return true;
        else if (name.ptr[i] == '/')
            return false;
    return false;
}

/* A file is the same from whatever folder the program was started. */
static struct nsf_slice key_of(struct nsf_blob_reading *reading, const struct nsf_blob *blob)
{
    if (is_standard_input(blob) || is_url(blob->name))
        return blob->name;
    char *path = nsf_strdup_n(blob->name.ptr, blob->name.len);
    char whole[PATH_MAX];
    bool is_there = nsf_real_path(path, whole);
    nsf_free(path);
    return is_there ? nsf_arena_copy(&reading->arena, nsf_slice_str(whole)) : blob->name;
}

static nsf_result look_up(struct nsf_blob_reading *reading, const struct nsf_blob *blob, struct nsf_err *err)
{
    reading->blob = blob;
    reading->is_local = !is_url(blob->name);
    reading->key = key_of(reading, blob);
    reading->known = (struct nsf_stored_blob){0};
    if (is_standard_input(blob))
        return nsf_ok();
    return nsf_store_find(reading->options.store, reading->key, blob->etag, &reading->arena, &reading->known, err);
}

static bool is_same_version(const struct nsf_blob_reading *reading)
{
    const struct nsf_stored_blob *known = &reading->known;
    return known->id != 0 && known->failure.ptr == NULL && known->mode == reading->options.mode &&
           known->etag.ptr != NULL && reading->blob->etag.ptr != NULL && nsf_slice_eq(known->etag, reading->blob->etag);
}

static nsf_result keep(struct nsf_blob_reading *reading, struct nsf_err *err)
{
    const struct nsf_stored_blob *known = &reading->known;
    if (nsf_slice_eq(known->name, reading->blob->name) && nsf_slice_eq(known->order, reading->blob->order))
        return nsf_ok();
    return nsf_store_rename(reading->options.store, known, reading->blob->name, reading->blob->order, err);
}

/* ---- opening ---- */

static void begin_reading(struct nsf_blob_reading *reading, uint64_t offset)
{
    enum nsf_envelope_place place = NSF_PLACE_START;
    if (offset > 0)
        place = reading->known.resume == NSF_RESUME_IN_RECORDS ? NSF_PLACE_IN_RECORDS : NSF_PLACE_IN_LINES;
    reading->is_append = offset > 0;
    reading->begin = offset;
    reading->position = offset;
    reading->n_carry = 0;
    reading->has_head = reading->is_append && reading->known.head.len == READING_HEAD_BYTES;
    if (reading->has_head)
        memcpy(reading->head, reading->known.head.ptr, READING_HEAD_BYTES);
    nsf_batch_reset(reading->batch);
    nsf_codec_open(reading->codec, reading->stream, offset);
    nsf_envelope_begin(reading->envelope, offset, place);
    reading->put = nsf_store_put_begin(reading->options.store, &reading->known, reading->is_append);
}

/* Reads what is stored of a local file once more: only that tells a file that grew from another one in its place. */
static bool has_known_prefix(struct nsf_blob_reading *reading)
{
    char bytes[NSF_PREFIX_BLOCK_BYTES];
    for (uint64_t at = 0; at < reading->known.resume_offset;) {
        uint64_t left = reading->known.resume_offset - at;
        size_t n = 0;
        if (nsf_stream_read(reading->stream, bytes, left < sizeof(bytes) ? (size_t)left : sizeof(bytes), &n, NULL) !=
            NSF_READ_BYTES)
            return false;
        nsf_prefix_hash_add(&reading->prefix, nsf_slice(bytes, n));
        at += n;
    }
    return nsf_prefix_hash_value(&reading->prefix) == reading->known.prefix_hash;
}

static bool can_resume(const struct nsf_blob_reading *reading)
{
    return reading->known.id != 0 && reading->known.resume != NSF_RESUME_NONE && reading->known.resume_offset > 0 &&
           reading->known.mode == reading->options.mode;
}

static nsf_result open_local(struct nsf_blob_reading *reading, struct nsf_err *err)
{
    struct nsf_open how = NSF_OPEN_INIT;
    how.near = &reading->near;
    nsf_prefix_hash_begin(&reading->prefix);
    nsf_result r = nsf_source_open(reading->blob, &how, &reading->stream, err);
    if (nsf_failed(r))
        return r;
    if (!can_resume(reading)) {
        begin_reading(reading, 0);
        return r;
    }
    if (has_known_prefix(reading)) {
        begin_reading(reading, reading->known.resume_offset);
        return r;
    }
    nsf_stream_close(reading->stream);
    reading->stream = NULL;
    nsf_prefix_hash_begin(&reading->prefix);
    r = nsf_source_open(reading->blob, &how, &reading->stream, err);
    if (!nsf_failed(r))
        begin_reading(reading, 0);
    return r;
}

static nsf_result open_remote(struct nsf_blob_reading *reading, struct nsf_err *err)
{
    struct nsf_open how = NSF_OPEN_INIT;
    const struct nsf_stored_blob *known = &reading->known;
    if (known->id != 0 && known->etag.ptr != NULL && known->mode == reading->options.mode &&
        known->failure.ptr == NULL) {
        how.known_etag = known->etag;
        how.known_created_ms = known->created_ms;
        how.from_offset = can_resume(reading) ? known->resume_offset : 0;
    }
    nsf_result r = nsf_source_open(reading->blob, &how, &reading->stream, err);
    if (!nsf_failed(r))
        begin_reading(reading, how.from_offset);
    return r;
}

/* ---- reading ---- */

static void note_head(struct nsf_blob_reading *reading)
{
    if (reading->has_head || reading->batch->n_records == 0)
        return;
    const struct nsf_record *first = &reading->batch->records[0];
    struct nsf_buf head;
    nsf_buf_init(&head, READING_HEAD_BYTES);
    nsf_wire_put_fixed(&head, first->has_fingerprint ? first->fingerprint.hi : first->offset, 8);
    nsf_wire_put_fixed(&head, first->has_fingerprint ? first->fingerprint.lo : (uint64_t)first->time_ms, 8);
    memcpy(reading->head, head.ptr, READING_HEAD_BYTES);
    reading->has_head = true;
    nsf_buf_release(&head);
}

static bool is_empty(const struct nsf_batch *batch)
{
    return batch->n_records == 0 && batch->n_foreign == 0 && batch->problems.n == 0 && batch->problems.n_dropped == 0;
}

static void pack(struct nsf_blob_reading *reading, struct nsf_buf *buf)
{
    nsf_buf_reset(buf);
    if (!is_empty(reading->batch))
        nsf_pack_batch(reading->batch, reading->options.scopes, buf);
    nsf_batch_reset(reading->batch);
}

static nsf_result store_part(struct nsf_blob_reading *reading, struct nsf_err *err)
{
    note_head(reading);
    pack(reading, &reading->packed);
    return reading->packed.len == 0 ? nsf_ok() : nsf_store_put_part(reading->put, nsf_buf_slice(&reading->packed), err);
}

static void commit(struct nsf_blob_reading *reading, struct nsf_slice bytes)
{
    if (bytes.len == 0)
        return;
    if (reading->is_local)
        nsf_prefix_hash_add(&reading->prefix, bytes);
    nsf_envelope_commit(reading->envelope, bytes.len, reading->batch);
    reading->position += bytes.len;
}

/* All but the last bytes go to the envelope: they are the end, or they come first the next time. */
static enum nsf_read read_some(struct nsf_blob_reading *reading, struct nsf_err *err)
{
    size_t capacity, n = 0;
    char *room = nsf_envelope_room(reading->envelope, &capacity);
    memcpy(room, reading->carry, reading->n_carry);
    enum nsf_read answer =
        nsf_codec_read(reading->codec, room + reading->n_carry, capacity - reading->n_carry, &n, err);
    if (answer != NSF_READ_BYTES)
        return answer;
    n += reading->n_carry;
    reading->n_carry = n < READING_TAIL_BYTES ? n : READING_TAIL_BYTES;
    memcpy(reading->carry, room + n - reading->n_carry, reading->n_carry);
    commit(reading, nsf_slice(room, n - reading->n_carry));
    return answer;
}

static void commit_carry(struct nsf_blob_reading *reading)
{
    size_t capacity;
    char *room = nsf_envelope_room(reading->envelope, &capacity);
    memcpy(room, reading->carry, reading->n_carry);
    commit(reading, nsf_slice(room, reading->n_carry));
    reading->n_carry = 0;
}

/* Where the next reading can begin if the blob grows: before the bytes that close it, or behind its end while it is
 * open. */
static void find_resume(struct nsf_blob_reading *reading, struct nsf_stored_blob *row)
{
    bool is_closed = reading->n_carry == READING_TAIL_BYTES && memcmp(reading->carry, "]}", READING_TAIL_BYTES) == 0;
    enum nsf_envelope_place place = nsf_envelope_place(reading->envelope);
    if (!is_closed || place != NSF_PLACE_IN_RECORDS) {
        commit_carry(reading);
        place = nsf_envelope_place(reading->envelope);
    }
    if (nsf_codec_is_gzip(reading->codec) || reading->position == 0)
        return;
    if (place == NSF_PLACE_IN_RECORDS)
        row->resume = NSF_RESUME_IN_RECORDS;
    /* Behind whole documents only a file's own bytes tell that nothing was put in before. */
    else if (place == NSF_PLACE_IN_LINES && reading->is_local)
        row->resume = NSF_RESUME_IN_LINES;
    else
        return;
    row->resume_offset = reading->position;
    row->prefix_hash = reading->is_local ? nsf_prefix_hash_value(&reading->prefix) : 0;
}

static struct nsf_stored_blob new_row(const struct nsf_blob_reading *reading)
{
    return (struct nsf_stored_blob){
        .key = reading->key,
        .name = reading->blob->name,
        .order = reading->blob->order,
        .hour = reading->blob->hour,
        .created_ms = reading->blob->created_ms,
        .is_gzip = reading->blob->is_gzip,
        .is_local = reading->is_local,
        .mode = reading->options.mode,
    };
}

static void fill_row(struct nsf_blob_reading *reading, struct nsf_stored_blob *row)
{
    struct nsf_version version = nsf_stream_version(reading->stream);
    row->etag = version.etag.ptr == NULL ? version.etag : nsf_arena_copy(&reading->arena, version.etag);
    row->created_ms = version.created_ms;
    row->is_gzip = nsf_codec_is_gzip(reading->codec);
    row->bytes = reading->begin + nsf_codec_bytes_read(reading->codec);
    row->head = reading->has_head ? nsf_slice(reading->head, READING_HEAD_BYTES) : NSF_SLICE_LIT("");
    if (row->hour == NSF_HOUR_NONE && reading->is_append)
        row->hour = reading->known.hour;
    if (row->hour == NSF_HOUR_NONE && !is_standard_input(reading->blob) &&
        nsf_envelope_first_time(reading->envelope) != NSF_TS_NONE)
        row->hour = nsf_time_hour(nsf_envelope_first_time(reading->envelope));
}

/* The blob was read to its end: what belongs to this end alone is kept apart, for the next reading to replace. */
static nsf_result finish(struct nsf_blob_reading *reading, struct nsf_err *err)
{
    struct nsf_stored_blob row = new_row(reading);
    find_resume(reading, &row);
    nsf_result r = store_part(reading, err);
    commit_carry(reading);
    nsf_envelope_finish(reading->envelope, reading->batch);
    if (row.resume == NSF_RESUME_NONE && !nsf_failed(r))
        r = store_part(reading, err);
    note_head(reading);
    fill_row(reading, &row);
    pack(reading, &reading->tail);
    row.tail = reading->tail.len == 0 ? (struct nsf_slice){NULL, 0} : nsf_buf_slice(&reading->tail);
    if (nsf_failed(r))
        return r;
    struct nsf_store_put *put = reading->put;
    reading->put = NULL;
    return nsf_store_put_finish(put, &row, err);
}

/* ---- failing ---- */

static void pack_failure(struct nsf_blob_reading *reading, const struct nsf_err *failure)
{
    nsf_batch_reset(reading->batch);
    nsf_problems_add_err(&reading->batch->problems, reading->blob->name, failure);
    pack(reading, &reading->packed);
}

/* What earlier runs read stays, with a note that it could not be read on. */
static nsf_result keep_despite_failure(struct nsf_blob_reading *reading, const struct nsf_err *failure,
                                       struct nsf_err *err)
{
    nsf_store_put_abandon(reading->put);
    reading->put = NULL;
    pack_failure(reading, failure);
    struct nsf_stored_blob row = reading->known;
    row.name = reading->blob->name;
    row.order = reading->blob->order;
    row.failure = nsf_buf_slice(&reading->packed);
    struct nsf_store_put *put = nsf_store_put_begin(reading->options.store, &reading->known, true);
    return nsf_store_put_finish(put, &row, err);
}

/* What was read before the failure counts; the next run reads it anew. */
static nsf_result keep_part_read(struct nsf_blob_reading *reading, const struct nsf_err *failure, struct nsf_err *err)
{
    struct nsf_stored_blob row = new_row(reading);
    nsf_result r = nsf_ok();
    if (reading->put != NULL) {
        commit_carry(reading);
        nsf_envelope_finish(reading->envelope, reading->batch);
        r = store_part(reading, err);
        fill_row(reading, &row);
        row.etag = (struct nsf_slice){NULL, 0};
    } else {
        reading->put = nsf_store_put_begin(reading->options.store, &reading->known, false);
    }
    if (nsf_failed(r))
        return r;
    pack_failure(reading, failure);
    row.failure = nsf_buf_slice(&reading->packed);
    struct nsf_store_put *put = reading->put;
    reading->put = NULL;
    return nsf_store_put_finish(put, &row, err);
}

static nsf_result fail_blob(struct nsf_blob_reading *reading, const struct nsf_err *failure, struct nsf_blob_read *read,
                            struct nsf_err *err)
{
    read->outcome = NSF_BLOB_FAILED;
    read->failure = *failure;
    char name[sizeof(failure->subject)];
    snprintf(name, sizeof(name), "%.*s", NSF_SLICE_ARG(reading->blob->name));
    nsf_err_set_subject(&read->failure, name);
    bool has_evidence = reading->known.id != 0 && reading->known.bytes > 0;
    return has_evidence ? keep_despite_failure(reading, failure, err) : keep_part_read(reading, failure, err);
}

/* ---- all of it ---- */

static bool is_stopped(const struct nsf_blob_reading *reading)
{
    return reading->options.is_stopped != NULL && *reading->options.is_stopped != 0;
}

static void begin_anew(struct nsf_blob_reading *reading)
{
    nsf_store_put_abandon(reading->put);
    nsf_prefix_hash_begin(&reading->prefix);
    reading->begin = 0;
    reading->position = 0;
    reading->n_carry = 0;
    reading->has_head = false;
    reading->is_append = false;
    nsf_batch_reset(reading->batch);
    nsf_envelope_begin(reading->envelope, 0, NSF_PLACE_START);
    reading->put = nsf_store_put_begin(reading->options.store, &reading->known, false);
}

static enum nsf_blob_outcome outcome_of(const struct nsf_blob_reading *reading)
{
    if (reading->known.id == 0)
        return NSF_BLOB_NEW;
    return reading->is_append ? NSF_BLOB_GROWN : NSF_BLOB_REPLACED;
}

static nsf_result read_all(struct nsf_blob_reading *reading, struct nsf_blob_read *read, struct nsf_err *err)
{
    struct nsf_err failure = NSF_ERR_INIT;
    for (;;) {
        if (is_stopped(reading))
            return NSF_FAIL(err, NSF_E_INTERRUPTED, NSF_OFFSET_NONE, "interrupted");
        switch (read_some(reading, &failure)) {
        case NSF_READ_BYTES:
            break;
        case NSF_READ_REPLACED:
            begin_anew(reading);
            continue;
        case NSF_READ_UNCHANGED:
            read->outcome = NSF_BLOB_UNCHANGED;
            return keep(reading, err);
        case NSF_READ_ERROR:
            return fail_blob(reading, &failure, read, err);
        case NSF_READ_END:
            read->outcome = outcome_of(reading);
            return finish(reading, err);
        }
        if (nsf_batch_bytes(reading->batch) >= READING_PART_BYTES) {
            nsf_result r = store_part(reading, err);
            if (nsf_failed(r))
                return r;
        }
    }
}

static nsf_result read_blob(struct nsf_blob_reading *reading, struct nsf_blob_read *read, struct nsf_err *err)
{
    struct nsf_err failure = NSF_ERR_INIT;
    nsf_result r = reading->is_local ? open_local(reading, &failure) : open_remote(reading, &failure);
    if (nsf_failed(r))
        return fail_blob(reading, &failure, read, err);
    r = read_all(reading, read, err);
    read->bytes = nsf_codec_bytes_read(reading->codec);
    nsf_store_put_abandon(reading->put);
    reading->put = NULL;
    nsf_codec_close(reading->codec);
    nsf_stream_close(reading->stream);
    reading->stream = NULL;
    return r;
}

nsf_result nsf_blob_reading_is_due(struct nsf_blob_reading *reading, const struct nsf_blob *blob, bool *answer,
                                   struct nsf_err *err)
{
    nsf_arena_reset(&reading->arena);
    nsf_result r = look_up(reading, blob, err);
    *answer = nsf_failed(r) || !is_same_version(reading);
    return r;
}

void nsf_blob_reading_expect(struct nsf_blob_reading *reading, const struct nsf_blob *blob)
{
    if (!blob->is_remote || blob->size_bytes > READING_EXPECTED_BYTES)
        return;
    nsf_arena_reset(&reading->arena);
    if (!nsf_failed(look_up(reading, blob, NULL)) && reading->known.id == 0)
        nsf_source_expect(blob);
}

nsf_result nsf_blob_reading_run(struct nsf_blob_reading *reading, const struct nsf_blob *blob,
                                struct nsf_blob_read *read, struct nsf_err *err)
{
    *read = (struct nsf_blob_read){.failure = NSF_ERR_INIT};
    nsf_arena_reset(&reading->arena);
    nsf_result r = look_up(reading, blob, err);
    if (nsf_failed(r))
        return r;
    if (is_same_version(reading)) {
        read->outcome = NSF_BLOB_UNCHANGED;
        return keep(reading, err);
    }
    return read_blob(reading, read, err);
}

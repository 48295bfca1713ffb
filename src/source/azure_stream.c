#include "core/nsf_common.h"

#include "source/azure_stream.h"

#include "core/mem.h"
#include "core/thread.h"
#include "source/azure_fetch.h"

/* Streams that were expected and not yet opened: each holds a connection and one range. */
#define EXPECTED_MAX 64
/* One range is read while the next one comes. */
#define SLOTS 2

struct azure_stream {
    struct nsf_stream base;
    struct nsf_azure_streams *owner;
    struct azure_stream *next; /* in the list of idle or of expected ones */
    const char *expected_name; /* text of the listing that says which blob it is */
    struct nsf_thread *thread; /* NULL: the system has none left, and the reader fetches for itself */
    struct nsf_mutex *lock;
    struct nsf_cond *changed;
    atomic_bool is_cancelled;
    /* Of whoever fetches, while is_fetching; else under the lock. */
    struct nsf_azure_fetch fetch;
    /* Under the lock; a full slot belongs to the reader, an empty one to the fetcher. */
    bool is_open;
    bool is_fetching;
    bool is_ending;
    bool was_read; /* before the first read one slot is filled, no more */
    bool is_glance;
    bool is_waited_for; /* by the reader */
    struct nsf_azure_slot slots[SLOTS];
    unsigned first_full;
    unsigned n_full;
    enum nsf_read last; /* NSF_READ_BYTES, or what comes behind the full slots */
    struct nsf_err err; /* of NSF_READ_ERROR */
    struct nsf_azure_version fetched;
    /* Of the reader. */
    size_t n_taken; /* of the first full slot */
    struct nsf_azure_version version;
};

struct nsf_azure_streams {
    struct nsf_azure_account *account;
    struct nsf_mutex *lock;
    struct azure_stream *idle;
    struct azure_stream *expected;
    unsigned n_expected;
};

static bool wants_fetch(const struct azure_stream *stream)
{
    const bool has_room = stream->is_glance ? stream->is_waited_for && stream->n_full == 0
                                            : stream->n_full < (stream->was_read ? SLOTS : 1u);
    return stream->is_open && stream->last == NSF_READ_BYTES && has_room && !atomic_load(&stream->is_cancelled);
}

/* Called with the lock held; gives it up while it waits for the network. */
static void fetch_one(struct azure_stream *stream)
{
    struct nsf_azure_slot *slot = &stream->slots[(stream->first_full + stream->n_full) % SLOTS];
    struct nsf_err err = NSF_ERR_INIT;
    stream->is_fetching = true;
    nsf_mutex_unlock(stream->lock);
    const enum nsf_read got = nsf_azure_fetch_next(&stream->fetch, slot, &err);
    nsf_mutex_lock(stream->lock);
    stream->is_fetching = false;
    stream->fetched = stream->fetch.version;
    if (got == NSF_READ_BYTES) {
        stream->n_full++;
    } else {
        stream->last = got;
        stream->err = err;
    }
    nsf_cond_broadcast(stream->changed);
}

static void run(void *arg)
{
    struct azure_stream *stream = arg;
    nsf_mutex_lock(stream->lock);
    while (!stream->is_ending) {
        if (wants_fetch(stream))
            fetch_one(stream);
        else
            nsf_cond_wait(stream->changed, stream->lock);
    }
    nsf_mutex_unlock(stream->lock);
}

/* Under the lock: waits for a full slot or for what ends them. */
static void wait_for_news(struct azure_stream *stream)
{
    stream->was_read = true;
    stream->is_waited_for = true;
    nsf_cond_broadcast(stream->changed);
    while (stream->n_full == 0 && stream->last == NSF_READ_BYTES) {
        if (stream->thread == NULL)
            fetch_one(stream);
        else
            nsf_cond_wait(stream->changed, stream->lock);
    }
    stream->is_waited_for = false;
    stream->version = stream->fetched;
}

static size_t take_bytes(struct azure_stream *stream, void *buf, size_t capacity)
{
    const struct nsf_azure_slot *slot = &stream->slots[stream->first_full];
    const size_t left = slot->len - stream->n_taken;
    const size_t n = capacity < left ? capacity : left;
    memcpy(buf, slot->ptr + stream->n_taken, n);
    stream->n_taken += n;
    return n;
}

static enum nsf_read stream_read(struct nsf_stream *base, void *buf, size_t capacity, size_t *n, struct nsf_err *err)
{
    struct azure_stream *stream = (struct azure_stream *)base;
    *n = 0;
    nsf_mutex_lock(stream->lock);
    wait_for_news(stream);
    const bool has_bytes = stream->n_full > 0;
    const enum nsf_read last = stream->last;
    if (!has_bytes && last == NSF_READ_REPLACED)
        stream->last = NSF_READ_BYTES; /* taken note of: the new version may come */
    nsf_mutex_unlock(stream->lock);
    if (!has_bytes) {
        if (last == NSF_READ_ERROR)
            (void)NSF_FAIL(err, stream->err.code, stream->err.offset, "%s", stream->err.text);
        return last;
    }
    *n = take_bytes(stream, buf, capacity);
    if (stream->n_taken == stream->slots[stream->first_full].len) {
        nsf_mutex_lock(stream->lock);
        stream->n_taken = 0;
        stream->first_full = (stream->first_full + 1) % SLOTS;
        stream->n_full--;
        nsf_cond_broadcast(stream->changed);
        nsf_mutex_unlock(stream->lock);
    }
    return NSF_READ_BYTES;
}

static struct nsf_version stream_version(const struct nsf_stream *base)
{
    const struct azure_stream *stream = (const struct azure_stream *)base;
    const char *etag = stream->version.etag;
    return (struct nsf_version){
        .size_bytes = stream->version.size_bytes,
        .etag = etag[0] == '\0' ? nsf_slice(NULL, 0) : nsf_slice_str(etag),
        .created_ms = stream->version.created_ms,
        .is_gzip = stream->version.is_gzip,
    };
}

static void stream_close(struct nsf_stream *base)
{
    struct azure_stream *stream = (struct azure_stream *)base;
    struct nsf_azure_streams *owner = stream->owner;
    nsf_mutex_lock(stream->lock);
    stream->is_open = false;
    atomic_store(&stream->is_cancelled, true);
    while (stream->is_fetching)
        nsf_cond_wait(stream->changed, stream->lock);
    nsf_mutex_unlock(stream->lock);
    nsf_mutex_lock(owner->lock);
    stream->next = owner->idle;
    owner->idle = stream;
    nsf_mutex_unlock(owner->lock);
}

static const struct nsf_stream_ops stream_ops = {.read = stream_read, .version = stream_version, .close = stream_close};

static struct azure_stream *make(struct nsf_azure_streams *streams)
{
    struct azure_stream *stream = nsf_calloc(1, sizeof(*stream));
    stream->base.ops = &stream_ops;
    stream->owner = streams;
    stream->lock = nsf_mutex_new();
    stream->changed = nsf_cond_new();
    nsf_azure_fetch_init(&stream->fetch, streams->account, &stream->is_cancelled);
    stream->thread = nsf_thread_start(run, stream);
    return stream;
}

static void destroy(struct azure_stream *stream)
{
    nsf_mutex_lock(stream->lock);
    stream->is_ending = true;
    nsf_cond_broadcast(stream->changed);
    nsf_mutex_unlock(stream->lock);
    if (stream->thread != NULL)
        nsf_thread_join(stream->thread);
    nsf_azure_fetch_release(&stream->fetch);
    for (unsigned i = 0; i < SLOTS; i++)
        nsf_free(stream->slots[i].ptr);
    nsf_cond_free(stream->changed);
    nsf_mutex_free(stream->lock);
    nsf_free(stream);
}

struct nsf_azure_streams *nsf_azure_streams_new(struct nsf_azure_account *account)
{
    struct nsf_azure_streams *streams = nsf_calloc(1, sizeof(*streams));
    streams->account = account;
    streams->lock = nsf_mutex_new();
    return streams;
}

void nsf_azure_streams_free(struct nsf_azure_streams *streams)
{
    if (streams == NULL)
        return;
    while (streams->expected != NULL) {
        struct azure_stream *stream = streams->expected;
        streams->expected = stream->next;
        stream_close(&stream->base);
    }
    while (streams->idle != NULL) {
        struct azure_stream *stream = streams->idle;
        streams->idle = stream->next;
        destroy(stream);
    }
    nsf_mutex_free(streams->lock);
    nsf_free(streams);
}

static struct azure_stream *begin(struct nsf_azure_streams *streams, struct nsf_slice name, const struct nsf_blob *blob,
                                  const struct nsf_open *how)
{
    nsf_mutex_lock(streams->lock);
    struct azure_stream *stream = streams->idle;
    if (stream != NULL)
        streams->idle = stream->next;
    nsf_mutex_unlock(streams->lock);
    if (stream == NULL)
        stream = make(streams);
    nsf_mutex_lock(stream->lock);
    atomic_store(&stream->is_cancelled, false);
    nsf_azure_fetch_begin(&stream->fetch, name, blob, how);
    stream->fetched = stream->version = stream->fetch.version;
    stream->first_full = stream->n_full = 0;
    stream->n_taken = 0;
    stream->last = NSF_READ_BYTES;
    nsf_err_reset(&stream->err);
    stream->was_read = stream->is_waited_for = false;
    stream->is_glance = how != NULL && how->is_glance;
    stream->is_open = true;
    nsf_cond_broadcast(stream->changed);
    nsf_mutex_unlock(stream->lock);
    return stream;
}

void nsf_azure_stream_expect(struct nsf_azure_streams *streams, struct nsf_slice name, const struct nsf_blob *blob)
{
    nsf_mutex_lock(streams->lock);
    const bool has_room = streams->n_expected < EXPECTED_MAX;
    streams->n_expected += has_room;
    nsf_mutex_unlock(streams->lock);
    if (!has_room)
        return;
    struct azure_stream *stream = begin(streams, name, blob, NULL);
    stream->expected_name = blob->name.ptr;
    nsf_mutex_lock(streams->lock);
    stream->next = streams->expected;
    streams->expected = stream;
    nsf_mutex_unlock(streams->lock);
}

static struct azure_stream *take_expected(struct nsf_azure_streams *streams, const struct nsf_blob *blob)
{
    nsf_mutex_lock(streams->lock);
    struct azure_stream **place = &streams->expected;
    while (*place != NULL && (*place)->expected_name != blob->name.ptr)
        place = &(*place)->next;
    struct azure_stream *stream = *place;
    if (stream != NULL) {
        *place = stream->next;
        streams->n_expected--;
    }
    nsf_mutex_unlock(streams->lock);
    return stream;
}

static bool is_from_start(const struct nsf_open *how)
{
    return how == NULL || (how->from_offset == 0 && how->known_etag.len == 0 && !how->is_glance);
}

nsf_result nsf_azure_stream_open(struct nsf_azure_streams *streams, struct nsf_slice name, const struct nsf_blob *blob,
                                 const struct nsf_open *how, struct nsf_stream **result, struct nsf_err *err)
{
    (void)err; /* what goes wrong comes with the first read */
    struct azure_stream *stream = is_from_start(how) ? take_expected(streams, blob) : NULL;
    if (stream == NULL)
        stream = begin(streams, name, blob, how);
    *result = &stream->base;
    return nsf_ok();
}

/*
 * source.h - where bytes come from: local files and Azure storage behind one small interface.
 *
 * A source is one location as the user gave it (a file, a folder, "-", a storage URL). `list` says which blobs it
 * holds, `open` gives the bytes of one of them as a stream that is read from front to back. What the bytes mean
 * (gzip, JSON) is no business of this layer. Implementations embed `struct nsf_source` and `struct nsf_stream` as
 * their first member.
 *
 * Threads: `list` is called once, by one thread, before any `open`. Then any thread may open streams of one source at
 * the same time; each stream belongs to one thread at a time. All streams are closed before the source is freed.
 */
#ifndef NSF_SOURCE_H
#define NSF_SOURCE_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/problem.h"

struct nsf_near;
struct nsf_source;
struct nsf_stream;

#define NSF_SIZE_UNKNOWN UINT64_MAX
#define NSF_HOUR_NONE INT64_MIN

/* One file or blob of a listing. Texts live as long as the listing; the source is borrowed. */
struct nsf_blob {
    struct nsf_slice name;  /* what reports, problems and the store call it: path, or URL without query or secret */
    struct nsf_slice order; /* name before escaping: within one hour blobs are taken in bytewise order of it */
    uint64_t size_bytes;    /* as listed, or NSF_SIZE_UNKNOWN */
    int64_t hour;           /* hours since 1970 from y=/m=/d=/h= in the path, or NSF_HOUR_NONE */
    struct nsf_slice etag;  /* version as listed, without quotes; a file's is made of size and times; or absent */
    int64_t
        created_ms; /* equal for two versions of a blob that grew, different after it was replaced; or NSF_TS_NONE */
    bool is_gzip;   /* by its name or its listed Content-Encoding; a stream may know better */
    bool is_remote; /* every open costs requests: better read from front to back, once, and expected (below) */
    struct nsf_source *source;
    size_t index; /* for the source's own use */
};

/* Fill-in of one or more sources. init/release; one thread at a time. */
struct nsf_listing {
    struct nsf_arena arena; /* holds all texts */
    struct nsf_blob *items;
    size_t n;
    size_t capacity;
    uint64_t n_pruned;            /* logs within the window left out since nobody wants their NSG */
    uint64_t n_outside;           /* logs seen and left out since their hour is outside the window; storage asks for no
                                     such logs where it can, so that this is no total */
    struct nsf_problems problems; /* what could not be listed though the rest could: a folder without permission */
};

void nsf_listing_init(struct nsf_listing *listing);
void nsf_listing_release(struct nsf_listing *listing);
/* Appends a copy of *blob; its texts are copied into the arena. */
void nsf_listing_add(struct nsf_listing *listing, const struct nsf_blob *blob);
/* As qsort would; what is in order, as most listings are, is only looked at. */
void nsf_listing_sort(struct nsf_listing *listing, int (*cmp)(const void *left, const void *right));
/* Says that an error is about the blob at idx, unless it names something already. */
void nsf_listing_set_subject(const struct nsf_listing *listing, size_t idx, struct nsf_err *err);

/* What a listing leaves out. All zero but the times (NSF_TS_NONE) leaves out nothing. A location that names one file or
 * blob is never filtered. */
struct nsf_list_filter {
    int64_t since_ms; /* NSF_TS_NONE: no bound; only blobs with an hour in their path are held against it */
    int64_t until_ms;
    /* False: logs of this NSG are not wanted. The id is as in the path ("/SUBSCRIPTIONS/..."), any case. NULL: all are.
     */
    bool (*wants_nsg)(void *ctx, struct nsf_slice nsg_id); /* any thread */
    void *ctx;
    unsigned jobs; /* threads that may list side by side, 0 is one: what is listed stays the same */
};

#define NSF_LIST_FILTER_INIT                                                                                           \
    {                                                                                                                  \
        .since_ms = NSF_TS_NONE, .until_ms = NSF_TS_NONE                                                               \
    }

/* What an earlier run knows of a blob. All zero but created_ms reads the blob as listed, from its start. */
struct nsf_open {
    uint64_t from_offset;        /* the first byte wanted */
    struct nsf_slice known_etag; /* the version from_offset belongs to; absent: none is known */
    int64_t known_created_ms;    /* its created_ms, or NSF_TS_NONE */
    bool is_glance;              /* a few KiB will do: what is remote comes in small pieces, none ahead of its time */
    bool needs_no_version;       /* nobody asks nsf_stream_version: a listed file is not looked at once more */
    struct nsf_near *near;       /* of the thread that opens one after the other; or NULL */
};

#define NSF_OPEN_INIT                                                                                                  \
    {                                                                                                                  \
        .known_created_ms = NSF_TS_NONE                                                                                \
    }

enum nsf_read {
    NSF_READ_BYTES,     /* at least one byte was given */
    NSF_READ_END,       /* all bytes of one version were given; said again at every further call */
    NSF_READ_UNCHANGED, /* only with known_etag, only at the first call: it is still that version; nothing to read */
    NSF_READ_REPLACED,  /* the blob was made anew: what was read of it (also in earlier runs) is void, and the next call
                           gives the new version from byte 0 */
    NSF_READ_ERROR,     /* *err says what; said again at every further call */
};

/* What is known of the version being read; complete once a read gave BYTES or END. */
struct nsf_version {
    uint64_t size_bytes;   /* NSF_SIZE_UNKNOWN while it is (a pipe) */
    struct nsf_slice etag; /* lends until the next read of the stream or its close */
    int64_t created_ms;
    bool is_gzip; /* name or Content-Encoding says so */
};

/* Requests and bytes over the network; all zero for files. */
struct nsf_transfer {
    uint64_t requests; /* retries included */
    uint64_t retries;
    uint64_t bytes; /* of bodies */
};

struct nsf_source_ops {
    nsf_result (*list)(struct nsf_source *source, const struct nsf_list_filter *filter, struct nsf_listing *listing,
                       struct nsf_err *err);
    nsf_result (*open)(struct nsf_source *source, const struct nsf_blob *blob, const struct nsf_open *how,
                       struct nsf_stream **stream, struct nsf_err *err);
    void (*expect)(struct nsf_source *source, const struct nsf_blob *blob); /* NULL: does nothing */
    struct nsf_transfer (*transfer)(const struct nsf_source *source);       /* NULL: all zero */
    void (*free)(struct nsf_source *source);
};

struct nsf_stream_ops {
    enum nsf_read (*read)(struct nsf_stream *stream, void *buf, size_t capacity, size_t *n, struct nsf_err *err);
    struct nsf_version (*version)(const struct nsf_stream *stream);
    void (*close)(struct nsf_stream *stream);
};

struct nsf_source {
    const struct nsf_source_ops *ops;
};

struct nsf_stream {
    const struct nsf_stream_ops *ops;
};

/* Appends what the source holds. Fails when nothing of it could be listed (NSF_E_IO, NSF_E_HTTP, NSF_E_AUTH, ...), and
 * with NSF_E_INTERRUPTED; an empty folder or container is no failure. */
NSF_CHECKED static inline nsf_result nsf_source_list(struct nsf_source *source, const struct nsf_list_filter *filter,
                                                     struct nsf_listing *listing, struct nsf_err *err)
{
    return source->ops->list(source, filter, listing, err);
}

/* Starts reading *blob, which is borrowed until close. `how` may be NULL. Storage returns at once and transfers in the
 * background: a thread that opens its next blob before it has read the present one waits for less. Its errors come with
 * the first read. */
NSF_CHECKED static inline nsf_result nsf_source_open(const struct nsf_blob *blob, const struct nsf_open *how,
                                                     struct nsf_stream **stream, struct nsf_err *err)
{
    return blob->source->ops->open(blob->source, blob, how, stream, err);
}

/* This blob will soon be opened from its start, by this thread or another: what is remote begins to come, so that many
 * small blobs do not cost a round trip each. At most once a blob. One that is then not opened costs memory (4 MiB at
 * most) and borrows *blob and its texts until the source is freed: so the listing outlives the source. */
static inline void nsf_source_expect(const struct nsf_blob *blob)
{
    if (blob->source->ops->expect != NULL)
        blob->source->ops->expect(blob->source, blob);
}

/* Blocks until there is at least one byte; capacity > 0. *n is the number of bytes given, 0 unless NSF_READ_BYTES. The
 * stream of a blob that grew meanwhile goes on to its new end. The error has no subject: the caller knows the blob. */
NSF_CHECKED static inline enum nsf_read nsf_stream_read(struct nsf_stream *stream, void *buf, size_t capacity,
                                                        size_t *n, struct nsf_err *err)
{
    return stream->ops->read(stream, buf, capacity, n, err);
}

static inline struct nsf_version nsf_stream_version(const struct nsf_stream *stream)
{
    return stream->ops->version(stream);
}

/* At any moment, also before the end. NULL is fine. */
static inline void nsf_stream_close(struct nsf_stream *stream)
{
    if (stream != NULL)
        stream->ops->close(stream);
}

/* Any thread, any time. */
static inline struct nsf_transfer nsf_source_transfer(const struct nsf_source *source)
{
    return source->ops->transfer == NULL ? (struct nsf_transfer){0} : source->ops->transfer(source);
}

/* NULL is fine. */
static inline void nsf_source_free(struct nsf_source *source)
{
    if (source != NULL)
        source->ops->free(source);
}

/* Appends the whole blob to *buf, whose max bounds it (NSF_E_LIMIT). What was replaced meanwhile is read anew. */
nsf_result nsf_source_read_all(const struct nsf_blob *blob, struct nsf_buf *buf, struct nsf_err *err) NSF_CHECKED;

#endif

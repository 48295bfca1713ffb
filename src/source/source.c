#include "core/nsf_common.h"

#include "source/source.h"

#include "core/limits.h"
#include "core/mem.h"

void nsf_listing_init(struct nsf_listing *listing)
{
    *listing = (struct nsf_listing){0};
    nsf_arena_init(&listing->arena);
    nsf_problems_init(&listing->problems);
}

void nsf_listing_release(struct nsf_listing *listing)
{
    nsf_arena_release(&listing->arena);
    nsf_problems_release(&listing->problems);
    nsf_free(listing->items);
    listing->items = NULL;
    listing->n = listing->capacity = 0;
}

static struct nsf_slice copy_text(struct nsf_listing *listing, struct nsf_slice text)
{
    return text.ptr == NULL ? text : nsf_arena_copy(&listing->arena, text);
}

void nsf_listing_add(struct nsf_listing *listing, const struct nsf_blob *blob)
{
    NSF_GROW(listing->items, listing->capacity, listing->n + 1);
    struct nsf_blob *item = &listing->items[listing->n++];
    *item = *blob;
    item->name = copy_text(listing, blob->name);
    /* Nearly every name needs no escape: one copy then serves both. */
    item->order = nsf_slice_eq(blob->order, blob->name) ? item->name : copy_text(listing, blob->order);
    item->etag = copy_text(listing, blob->etag);
}

void nsf_listing_sort(struct nsf_listing *listing, int (*cmp)(const void *left, const void *right))
{
    size_t n = 1;
    while (n < listing->n && cmp(&listing->items[n - 1], &listing->items[n]) <= 0)
        n++;
    if (n < listing->n)
        qsort(listing->items, listing->n, sizeof(*listing->items), cmp);
}

void nsf_listing_set_subject(const struct nsf_listing *listing, size_t idx, struct nsf_err *err)
{
    char *name = nsf_strdup_n(listing->items[idx].name.ptr, listing->items[idx].name.len);
    nsf_err_set_subject(err, name);
    nsf_free(name);
}

static nsf_result too_long(const struct nsf_buf *buf, struct nsf_err *err)
{
    return NSF_FAIL(err, NSF_E_LIMIT, buf->max, "longer than %zu bytes, the most that is read of such a file",
                    buf->max);
}

static nsf_result read_all(struct nsf_stream *stream, struct nsf_buf *buf, struct nsf_err *err)
{
    const size_t start = buf->len;
    for (;;) {
        const size_t left = buf->max - buf->len;
        /* One byte past the bound tells "just fits" from "too long". */
        char probe;
        const size_t want = left < NSF_CHUNK_BYTES ? left : NSF_CHUNK_BYTES;
        char *into = left == 0 ? &probe : nsf_buf_reserve(buf, want);
        size_t n = 0;
        switch (nsf_stream_read(stream, into, left == 0 ? 1 : want, &n, err)) {
        case NSF_READ_BYTES:
            if (left == 0)
                return too_long(buf, err);
            buf->len += n;
            break;
        case NSF_READ_REPLACED:
            buf->len = start;
            break;
        case NSF_READ_END:
        case NSF_READ_UNCHANGED:
            return nsf_ok();
        case NSF_READ_ERROR:
            return (nsf_result){.failed = true};
        }
    }
}

nsf_result nsf_source_read_all(const struct nsf_blob *blob, struct nsf_buf *buf, struct nsf_err *err)
{
    if (blob->size_bytes != NSF_SIZE_UNKNOWN && blob->size_bytes > buf->max - buf->len)
        return too_long(buf, err);
    struct nsf_stream *stream;
    nsf_result r = nsf_source_open(blob, NULL, &stream, err);
    if (nsf_failed(r))
        return r;
    r = read_all(stream, buf, err);
    nsf_stream_close(stream);
    return r;
}

#include "core/nsf_common.h"

#include "codec/inflater.h"

#include "core/err.h"
#include "core/mem.h"

#include <limits.h>
#include <zlib.h>

/* gzip only, the largest window. */
#define WINDOW_BITS (15 + 16)

struct zlib_inflater {
    struct nsf_inflater base;
    z_stream stream;
};

static void *alloc_for_zlib(void *ctx NSF_UNUSED, unsigned n, unsigned size_bytes)
{
    return nsf_calloc(n, size_bytes);
}

static void free_for_zlib(void *ctx NSF_UNUSED, void *ptr)
{
    nsf_free(ptr);
}

static struct nsf_inflater *zlib_new(void)
{
    struct zlib_inflater *inflater = nsf_calloc(1, sizeof(*inflater));
    inflater->base.ops = &nsf_inflater_zlib;
    inflater->stream.zalloc = alloc_for_zlib;
    inflater->stream.zfree = free_for_zlib;
    if (inflateInit2(&inflater->stream, WINDOW_BITS) != Z_OK)
        NSF_BUG("zlib refuses to start");
    return &inflater->base;
}

static void zlib_reset(struct nsf_inflater *base)
{
    struct zlib_inflater *inflater = (struct zlib_inflater *)base;
    if (inflateReset(&inflater->stream) != Z_OK)
        NSF_BUG("zlib refuses to start again");
}

static unsigned at_most_uint(size_t n)
{
    return n > UINT_MAX ? UINT_MAX : (unsigned)n;
}

static enum nsf_inflated zlib_run(struct nsf_inflater *base, struct nsf_inflate_io *io, const char **why)
{
    z_stream *stream = &((struct zlib_inflater *)base)->stream;
    const unsigned n_in = at_most_uint(io->n_in), n_out = at_most_uint(io->n_out);
    memcpy(&stream->next_in, &io->in, sizeof(io->in)); /* zlib's pointer is not const, though it only reads */
    stream->avail_in = n_in;
    stream->next_out = io->out;
    stream->avail_out = n_out;
    const int status = inflate(stream, Z_NO_FLUSH);
    io->in += n_in - stream->avail_in;
    io->n_in -= n_in - stream->avail_in;
    io->out += n_out - stream->avail_out;
    io->n_out -= n_out - stream->avail_out;
    if (status == Z_STREAM_END)
        return NSF_INFLATED_END;
    if (status == Z_OK || status == Z_BUF_ERROR)
        return NSF_INFLATED_MORE;
    *why = status == Z_NEED_DICT ? "it needs a dictionary" : stream->msg != NULL ? stream->msg : "unknown reason";
    return NSF_INFLATED_BAD;
}

static void zlib_free(struct nsf_inflater *base)
{
    struct zlib_inflater *inflater = (struct zlib_inflater *)base;
    (void)inflateEnd(&inflater->stream);
    nsf_free(inflater);
}

const struct nsf_inflater_ops nsf_inflater_zlib = {
    .new_inflater = zlib_new,
    .reset = zlib_reset,
    .run = zlib_run,
    .free = zlib_free,
};

/*
 * Compressed bytes through both inflaters. First byte: the size of pieces and of the buffer.
 *
 * Asked: what zlib calls whole ISA-L calls whole, with the same content; where both fail, one gave a beginning of what
 * the other gave.
 */
#include "core/nsf_common.h"

#include "codec/codec.h"
#include "core/mem.h"

#define OUTPUT_MAX ((size_t)1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory_stream {
    struct nsf_stream base;
    struct nsf_slice left;
    size_t piece;
};

static enum nsf_read memory_read(struct nsf_stream *base, void *buf, size_t capacity, size_t *n,
                                 struct nsf_err *err NSF_UNUSED)
{
    struct memory_stream *stream = (struct memory_stream *)base;
    *n = stream->left.len < capacity ? stream->left.len : capacity;
    *n = *n < stream->piece ? *n : stream->piece;
    if (*n == 0)
        return NSF_READ_END;
    memcpy(buf, stream->left.ptr, *n);
    stream->left = nsf_slice_from(stream->left, *n);
    return NSF_READ_BYTES;
}

static enum nsf_read inflate_all(struct nsf_codec *codec, struct nsf_slice bytes, size_t piece, size_t capacity,
                                 struct nsf_buf *out)
{
    static const struct nsf_stream_ops ops = {.read = memory_read};
    struct memory_stream stream = {.base.ops = &ops, .left = bytes, .piece = piece};
    char *buf = nsf_malloc(capacity);
    enum nsf_read read = NSF_READ_BYTES;
    nsf_buf_reset(out);
    nsf_codec_open(codec, &stream.base, 0);
    while (read == NSF_READ_BYTES && out->len + capacity < OUTPUT_MAX) {
        size_t n;
        read = nsf_codec_read(codec, buf, capacity, &n, NULL);
        nsf_buf_add(out, nsf_slice(buf, n));
    }
    nsf_free(buf);
    return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct nsf_codec *zlib, *fastest;
    static struct nsf_buf one, other;
    if (zlib == NULL) {
        zlib = nsf_codec_new(NSF_CODEC_ZLIB);
        fastest = nsf_codec_new(NSF_CODEC_FASTEST);
        nsf_buf_init(&one, OUTPUT_MAX);
        nsf_buf_init(&other, OUTPUT_MAX);
    }
    if (size < 1)
        return 0;
    struct nsf_slice bytes = nsf_slice((const char *)data + 1, size - 1);
    size_t piece = (size_t)1 << (data[0] & 15), capacity = (size_t)1 << (data[0] >> 4);
    enum nsf_read first = inflate_all(zlib, bytes, piece, capacity, &one);
    enum nsf_read second = inflate_all(fastest, bytes, 65536, 65536, &other);
    size_t common = one.len < other.len ? one.len : other.len;
    if (common > 0 && memcmp(one.ptr, other.ptr, common) != 0)
        nsf_bug("fuzz_gzip", "two inflaters give different bytes");
    bool is_bounded = first == NSF_READ_BYTES || second == NSF_READ_BYTES;
    if (!is_bounded && (first != second || (first == NSF_READ_END && one.len != other.len)))
        nsf_bug("fuzz_gzip", "two inflaters do not agree");
    return 0;
}

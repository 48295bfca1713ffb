/* gzip through both inflaters: several members, empty ones, padding, junk, cuts and flipped bits. */
#include "core/nsf_common.h"

#include "codec/codec.h"

#include "core/limits.h"
#include "core/mem.h"

#include "support/nsf_test.h"

#include <zlib.h>

/* A stream over memory that gives at most `piece` bytes a read, and fails at `fail_at`. */
struct memory_stream {
    struct nsf_stream base;
    struct nsf_slice bytes;
    size_t piece;
    size_t fail_at;
    size_t at;
    bool is_replaced_once; /* at the middle it is said that the blob was made anew */
};

static enum nsf_read memory_read(struct nsf_stream *base, void *buf, size_t capacity, size_t *n, struct nsf_err *err)
{
    struct memory_stream *stream = (struct memory_stream *)base;
    size_t left = stream->bytes.len - stream->at;
    *n = 0;
    if (stream->at >= stream->fail_at) {
        nsf_result r = NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "as asked");
        (void)r;
        return NSF_READ_ERROR;
    }
    if (stream->is_replaced_once && stream->at >= stream->bytes.len / 2) {
        stream->is_replaced_once = false;
        stream->at = 0;
        return NSF_READ_REPLACED;
    }
    if (left == 0)
        return NSF_READ_END;
    *n = left < capacity ? left : capacity;
    *n = *n < stream->piece ? *n : stream->piece;
    memcpy(buf, stream->bytes.ptr + stream->at, *n);
    stream->at += *n;
    return NSF_READ_BYTES;
}

static void memory_close(struct nsf_stream *base)
{
    (void)base;
}

static const struct nsf_stream_ops memory_ops = {.read = memory_read, .close = memory_close};

struct outcome {
    struct nsf_buf bytes;
    enum nsf_read last;
    struct nsf_err err;
    bool is_gzip;
    uint64_t bytes_read;
};

static void run_codec(enum nsf_codec_engine engine, struct memory_stream *stream, size_t capacity, struct outcome *out)
{
    struct nsf_codec *codec = nsf_codec_new(engine);
    stream->base.ops = &memory_ops;
    nsf_buf_init(&out->bytes, (size_t)1 << 28);
    out->err = (struct nsf_err)NSF_ERR_INIT;
    nsf_codec_open(codec, &stream->base, 0);
    do {
        size_t n = 0;
        char *buf = nsf_malloc(capacity); /* exactly so large, for the sanitizer to see a byte too far */
        out->last = nsf_codec_read(codec, buf, capacity, &n, &out->err);
        assert_true((out->last == NSF_READ_BYTES) == (n > 0));
        nsf_buf_add(&out->bytes, nsf_slice(buf, n));
        if (out->last == NSF_READ_REPLACED)
            nsf_buf_reset(&out->bytes);
        nsf_free(buf);
    } while (out->last == NSF_READ_BYTES || out->last == NSF_READ_REPLACED);
    /* The end is said again. */
    size_t n = 0;
    char byte;
    assert_int_equal(nsf_codec_read(codec, &byte, 1, &n, NULL), out->last);
    assert_int_equal(n, 0);
    out->is_gzip = nsf_codec_is_gzip(codec);
    out->bytes_read = nsf_codec_bytes_read(codec);
    nsf_codec_free(codec);
}

static void inflate_all(enum nsf_codec_engine engine, struct nsf_slice bytes, size_t piece, size_t capacity,
                        struct outcome *out)
{
    struct memory_stream stream = {.bytes = bytes, .piece = piece, .fail_at = SIZE_MAX};
    run_codec(engine, &stream, capacity, out);
}

static void add_member(struct nsf_buf *to, struct nsf_slice text, int level, const char *name)
{
    z_stream z = {0};
    gz_header header = {0};
    unsigned char *room = nsf_malloc(text.len + 1024);
    assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    if (name != NULL) {
        char *own = nsf_strdup_n(name, strlen(name));
        header.name = (Bytef *)own;
        header.hcrc = 1;
        assert_int_equal(deflateSetHeader(&z, &header), Z_OK);
    }
    memcpy(&z.next_in, &text.ptr, sizeof(text.ptr));
    z.avail_in = (uInt)text.len;
    z.next_out = room;
    z.avail_out = (uInt)(text.len + 1024);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    nsf_buf_add(to, nsf_slice((char *)room, z.total_out));
    deflateEnd(&z);
    nsf_free(header.name);
    nsf_free(room);
}

/* Text that deflates like logs do. */
static struct nsf_buf make_text(size_t n_bytes)
{
    struct nsf_buf text;
    uint64_t random = 5;
    nsf_buf_init(&text, n_bytes + 256);
    while (text.len < n_bytes)
        nsf_buf_printf(&text, "\"%u,10.0.%u.%u,203.0.113.%u,%u,25,T,I,A,B,,,,\",",
                       1542110377u + (unsigned)(nsf_test_random(&random) % 60),
                       (unsigned)(nsf_test_random(&random) % 256), (unsigned)(nsf_test_random(&random) % 256),
                       (unsigned)(nsf_test_random(&random) % 256), (unsigned)(nsf_test_random(&random) % 65536));
    return text;
}

static const enum nsf_codec_engine engines[] = {NSF_CODEC_ZLIB, NSF_CODEC_FASTEST};

static void assert_bytes(const struct outcome *out, struct nsf_slice expected)
{
    assert_int_equal(out->bytes.len, expected.len);
    if (expected.len > 0)
        assert_memory_equal(out->bytes.ptr, expected.ptr, expected.len);
}

static void test_plain_bytes(void **state)
{
    static const char *const texts[] = {"", "x", "\x1f", "\x1fx", "hello, this is not compressed"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(texts); i++)
        for (size_t piece = 1; piece < 40; piece++)
            for (size_t capacity = 1; capacity < 40; capacity += 2) {
                struct outcome out;
                inflate_all(NSF_CODEC_FASTEST, S(texts[i]), piece, capacity, &out);
                assert_int_equal(out.last, NSF_READ_END);
                assert_bytes(&out, S(texts[i]));
                assert_false(out.is_gzip);
                assert_int_equal(out.bytes_read, strlen(texts[i]));
                nsf_buf_release(&out.bytes);
            }
}

/* Behind the first byte of a blob nothing is gzip. */
static void test_from_an_offset(void **state)
{
    struct memory_stream stream = {.bytes = nsf_slice("\x1f\x8bxyz", 5), .piece = 9, .fail_at = SIZE_MAX};
    struct nsf_codec *codec = nsf_codec_new(NSF_CODEC_FASTEST);
    char buf[16];
    size_t n;
    stream.base.ops = &memory_ops;
    nsf_codec_open(codec, &stream.base, 100);
    assert_int_equal(nsf_codec_read(codec, buf, sizeof(buf), &n, NULL), NSF_READ_BYTES);
    assert_int_equal(n, 5);
    nsf_codec_free(codec);
}

/* Members of all kinds, in pieces of all sizes, through both inflaters. */
static void test_members(void **state)
{
    struct nsf_buf text = make_text(3000), packed, expected;
    nsf_buf_init(&packed, (size_t)1 << 20);
    nsf_buf_init(&expected, (size_t)1 << 20);
    for (int level = 0; level <= 9; level += 3) {
        add_member(&packed, nsf_buf_slice(&text), level, level == 3 ? "PT1H.json" : NULL);
        nsf_buf_add(&expected, nsf_buf_slice(&text));
        add_member(&packed, nsf_slice("", 0), level, NULL);
        add_member(&packed, S("x"), level, NULL);
        nsf_buf_add_char(&expected, 'x');
    }
    for (size_t e = 0; e < NSF_ARRAY_LEN(engines); e++)
        for (size_t piece = 1; piece < 12000; piece = piece * 3 / 2 + 1)
            for (size_t capacity = 1; capacity < 50000; capacity = capacity * 5 + 1) {
                struct outcome out;
                inflate_all(engines[e], nsf_buf_slice(&packed), piece, capacity, &out);
                if (out.last != NSF_READ_END)
                    print_error("engine %zu piece %zu capacity %zu: %s\n", e, piece, capacity, out.err.text);
                assert_int_equal(out.last, NSF_READ_END);
                assert_bytes(&out, nsf_buf_slice(&expected));
                assert_true(out.is_gzip);
                assert_int_equal(out.bytes_read, packed.len);
                nsf_buf_release(&out.bytes);
            }
    nsf_buf_release(&text);
    nsf_buf_release(&packed);
    nsf_buf_release(&expected);
}

static void assert_outcome(struct nsf_slice packed, enum nsf_read last, uint64_t offset, struct nsf_slice expected)
{
    for (size_t e = 0; e < NSF_ARRAY_LEN(engines); e++)
        for (size_t piece = 1; piece <= packed.len + 1; piece = piece * 2 + 1) {
            struct outcome out;
            inflate_all(engines[e], packed, piece, 1000, &out);
            assert_int_equal(out.last, last);
            assert_bytes(&out, expected);
            if (last == NSF_READ_ERROR) {
                assert_int_equal(out.err.code, NSF_E_GZIP);
                assert_int_equal(out.err.offset, offset);
                assert_true(out.err.text[0] != '\0');
            }
            nsf_buf_release(&out.bytes);
        }
}

static void test_what_follows(void **state)
{
    struct nsf_buf packed;
    nsf_buf_init(&packed, (size_t)1 << 16);
    add_member(&packed, S("hello"), 6, NULL);
    size_t end = packed.len;
    nsf_buf_add(&packed, nsf_slice("\0\0\0\0", 4));
    assert_outcome(nsf_buf_slice(&packed), NSF_READ_END, 0, S("hello"));
    nsf_buf_add_char(&packed, 'x');
    assert_outcome(nsf_buf_slice(&packed), NSF_READ_ERROR, end + 4, S("hello"));
    packed.len = end;
    nsf_buf_add_str(&packed, "junk");
    assert_outcome(nsf_buf_slice(&packed), NSF_READ_ERROR, end, S("hello"));
    packed.len = end;
    nsf_buf_add_str(&packed, "\x1f");
    assert_outcome(nsf_buf_slice(&packed), NSF_READ_ERROR, end, S("hello"));
    packed.len = end;
    nsf_buf_add_str(&packed, "\x1f\x8b");
    assert_outcome(nsf_buf_slice(&packed), NSF_READ_ERROR, end, S("hello"));
    nsf_buf_release(&packed);
}

/* Cut anywhere inside the second member: its offset is named, and what came before is there. */
static void test_every_cut(void **state)
{
    struct nsf_buf packed, text = make_text(2000);
    nsf_buf_init(&packed, (size_t)1 << 16);
    add_member(&packed, S("first"), 6, NULL);
    size_t second = packed.len;
    add_member(&packed, nsf_buf_slice(&text), 6, NULL);
    for (size_t e = 0; e < NSF_ARRAY_LEN(engines); e++)
        for (size_t len = second + 2; len < packed.len; len++) {
            struct outcome out;
            inflate_all(engines[e], nsf_slice(packed.ptr, len), 300, 700, &out);
            assert_int_equal(out.last, NSF_READ_ERROR);
            assert_int_equal(out.err.code, NSF_E_GZIP);
            assert_int_equal(out.err.offset, second);
            assert_true(out.bytes.len >= 5 && out.bytes.len <= 5 + text.len);
            assert_memory_equal(out.bytes.ptr, "first", 5);
            assert_memory_equal(out.bytes.ptr + 5, text.ptr, out.bytes.len - 5);
            nsf_buf_release(&out.bytes);
        }
    nsf_buf_release(&packed);
    nsf_buf_release(&text);
}

/* A bit turned anywhere: said, or (in the header, where some bits mean nothing) without effect. */
static void test_every_flip(void **state)
{
    struct nsf_buf packed, text = make_text(600);
    nsf_buf_init(&packed, (size_t)1 << 16);
    add_member(&packed, nsf_buf_slice(&text), 6, NULL);
    unsigned n_silent = 0;
    for (size_t e = 0; e < NSF_ARRAY_LEN(engines); e++)
        for (size_t at = 2; at < packed.len; at++)
            for (unsigned bit = 0; bit < 8; bit++) {
                struct outcome out;
                packed.ptr[at] = (char)(packed.ptr[at] ^ (char)(1u << bit));
                inflate_all(engines[e], nsf_buf_slice(&packed), 64, 256, &out);
                packed.ptr[at] = (char)(packed.ptr[at] ^ (char)(1u << bit));
                if (out.last == NSF_READ_END)
                    assert_bytes(&out, nsf_buf_slice(&text));
                else
                    assert_int_equal(out.err.code, NSF_E_GZIP);
                n_silent += at >= 10 && out.last == NSF_READ_END;
                nsf_buf_release(&out.bytes);
            }
    /* The unused bits behind the end of the deflated data, up to seven for each engine. */
    assert_true(n_silent <= 14);
    nsf_buf_release(&packed);
    nsf_buf_release(&text);
}

/* How much was read of a damaged stream, and what it gave, does not hang on the pieces it came in. */
static void test_damage_in_pieces(void **state)
{
    struct nsf_buf packed, text = make_text((size_t)3 << 20);
    nsf_buf_init(&packed, (size_t)1 << 22);
    add_member(&packed, nsf_buf_slice(&text), 1, NULL);
    memset(packed.ptr + packed.len / 2, 0xff, 4096);
    for (size_t e = 0; e < NSF_ARRAY_LEN(engines); e++) {
        static const size_t pieces[] = {SIZE_MAX, 1, 777, 4096, 65535, 65537};
        struct outcome whole = {0};
        for (size_t i = 0; i < NSF_ARRAY_LEN(pieces); i++) {
            struct outcome out;
            inflate_all(engines[e], nsf_buf_slice(&packed), pieces[i], NSF_CHUNK_BYTES, &out);
            assert_int_equal(out.last, NSF_READ_ERROR);
            if (i == 0) {
                whole = out;
                assert_true(out.bytes_read < packed.len);
                continue;
            }
            assert_int_equal(out.bytes_read, whole.bytes_read);
            assert_bytes(&out, nsf_buf_slice(&whole.bytes));
            nsf_buf_release(&out.bytes);
        }
        nsf_buf_release(&whole.bytes);
    }
    nsf_buf_release(&packed);
    nsf_buf_release(&text);
}

static void test_stream_errors_pass(void **state)
{
    struct nsf_buf packed, text = make_text(5000);
    nsf_buf_init(&packed, (size_t)1 << 16);
    add_member(&packed, nsf_buf_slice(&text), 6, NULL);
    for (size_t e = 0; e < NSF_ARRAY_LEN(engines); e++) {
        struct outcome out;
        struct memory_stream stream = {.bytes = nsf_buf_slice(&packed), .piece = 10, .fail_at = packed.len / 2};
        run_codec(engines[e], &stream, 100, &out);
        assert_int_equal(out.last, NSF_READ_ERROR);
        assert_int_equal(out.err.code, NSF_E_IO);
        assert_true(out.bytes.len > 0);
        nsf_buf_release(&out.bytes);

        stream = (struct memory_stream){
            .bytes = nsf_buf_slice(&packed), .piece = 10, .fail_at = SIZE_MAX, .is_replaced_once = true};
        run_codec(engines[e], &stream, 100, &out);
        assert_int_equal(out.last, NSF_READ_END);
        assert_bytes(&out, nsf_buf_slice(&text));
        nsf_buf_release(&out.bytes);
    }
    nsf_buf_release(&packed);
    nsf_buf_release(&text);
}

/* Larger than all buffers, and one codec for many streams. */
static void test_large_and_again(void **state)
{
    struct nsf_buf packed, text = make_text((size_t)3 << 20);
    nsf_buf_init(&packed, (size_t)1 << 23);
    add_member(&packed, nsf_buf_slice(&text), 1, NULL);
    for (size_t e = 0; e < NSF_ARRAY_LEN(engines); e++) {
        struct nsf_codec *codec = nsf_codec_new(engines[e]);
        char *buf = nsf_malloc(NSF_CHUNK_BYTES);
        for (int again = 0; again < 3; again++) {
            struct memory_stream stream = {.bytes = nsf_buf_slice(&packed), .piece = SIZE_MAX, .fail_at = SIZE_MAX};
            size_t at = 0, n;
            stream.base.ops = &memory_ops;
            nsf_codec_open(codec, &stream.base, 0);
            while (nsf_codec_read(codec, buf, NSF_CHUNK_BYTES, &n, NULL) == NSF_READ_BYTES) {
                assert_memory_equal(buf, text.ptr + at, n);
                at += n;
            }
            assert_int_equal(at, text.len);
        }
        nsf_free(buf);
        nsf_codec_free(codec);
    }
    nsf_buf_release(&packed);
    nsf_buf_release(&text);
}

/* ---- long enough for a thread of its own ---- */

#define LONG_BYTES ((size_t)4 << 20)

/* What the engines say, with reads of different sizes, must be the same to the byte. */
static void assert_same_long(struct nsf_slice packed, struct nsf_slice expected, enum nsf_read last, uint64_t offset)
{
    static const size_t capacities[] = {60000, NSF_CHUNK_BYTES, (size_t)1 << 20};
    for (size_t e = 0; e < NSF_ARRAY_LEN(engines); e++)
        for (size_t c = 0; c < NSF_ARRAY_LEN(capacities); c++) {
            struct outcome out;
            inflate_all(engines[e], packed, 50000, capacities[c], &out);
            assert_int_equal(out.last, last);
            assert_true(out.is_gzip);
            if (last == NSF_READ_ERROR) {
                assert_int_equal(out.err.code, NSF_E_GZIP);
                assert_int_equal(out.err.offset, offset);
                assert_true(out.bytes.len > (size_t)1 << 20 && out.bytes.len <= expected.len);
                assert_memory_equal(out.bytes.ptr, expected.ptr, out.bytes.len);
            } else {
                assert_bytes(&out, expected);
                assert_int_equal(out.bytes_read, packed.len);
            }
            nsf_buf_release(&out.bytes);
        }
}

static void test_long_members(void **state)
{
    struct nsf_buf packed, twice, text = make_text(LONG_BYTES);
    nsf_buf_init(&packed, (size_t)1 << 24);
    nsf_buf_init(&twice, 2 * LONG_BYTES + 1024);
    nsf_buf_add(&twice, nsf_buf_slice(&text));
    nsf_buf_add(&twice, nsf_buf_slice(&text));
    add_member(&packed, nsf_buf_slice(&text), 1, NULL);
    const uint64_t second = packed.len;
    assert_same_long(nsf_buf_slice(&packed), nsf_buf_slice(&text), NSF_READ_END, 0);
    add_member(&packed, nsf_buf_slice(&text), 6, "a name");
    assert_same_long(nsf_buf_slice(&packed), nsf_buf_slice(&twice), NSF_READ_END, 0);

    /* a cut, then a bit turned, far inside the second member; then something else behind it */
    assert_same_long(nsf_slice(packed.ptr, packed.len - 5000), nsf_buf_slice(&twice), NSF_READ_ERROR, second);
    packed.ptr[packed.len - 7] = (char)(packed.ptr[packed.len - 7] ^ 1);
    assert_same_long(nsf_buf_slice(&packed), nsf_buf_slice(&twice), NSF_READ_ERROR, second);
    packed.ptr[packed.len - 7] = (char)(packed.ptr[packed.len - 7] ^ 1);
    const uint64_t end = packed.len;
    nsf_buf_add(&packed, S("junk"));
    assert_same_long(nsf_buf_slice(&packed), nsf_buf_slice(&twice), NSF_READ_ERROR, end);
    nsf_buf_release(&twice);
    nsf_buf_release(&packed);
    nsf_buf_release(&text);
}

static void test_long_stream_fails_or_is_replaced(void **state)
{
    struct nsf_buf packed, text = make_text(LONG_BYTES);
    nsf_buf_init(&packed, (size_t)1 << 23);
    add_member(&packed, nsf_buf_slice(&text), 1, NULL);
    for (size_t e = 0; e < NSF_ARRAY_LEN(engines); e++) {
        struct outcome out;
        struct memory_stream stream = {.bytes = nsf_buf_slice(&packed), .piece = 70000, .fail_at = packed.len / 2};
        run_codec(engines[e], &stream, NSF_CHUNK_BYTES, &out);
        assert_int_equal(out.last, NSF_READ_ERROR);
        assert_int_equal(out.err.code, NSF_E_IO);
        assert_true(out.bytes.len > LONG_BYTES / 3);
        assert_memory_equal(out.bytes.ptr, text.ptr, out.bytes.len);
        nsf_buf_release(&out.bytes);

        stream = (struct memory_stream){
            .bytes = nsf_buf_slice(&packed), .piece = 70000, .fail_at = SIZE_MAX, .is_replaced_once = true};
        run_codec(engines[e], &stream, NSF_CHUNK_BYTES, &out);
        assert_int_equal(out.last, NSF_READ_END);
        assert_bytes(&out, nsf_buf_slice(&text));
        nsf_buf_release(&out.bytes);
    }
    nsf_buf_release(&packed);
    nsf_buf_release(&text);
}

/* A stream that is given up in the middle is let go of, and the next one begins at its start. */
static void test_long_stream_is_given_up(void **state)
{
    struct nsf_buf packed, text = make_text(LONG_BYTES);
    struct nsf_codec *codec = nsf_codec_new(NSF_CODEC_FASTEST);
    char *buf = nsf_malloc(NSF_CHUNK_BYTES);
    nsf_buf_init(&packed, (size_t)1 << 23);
    add_member(&packed, nsf_buf_slice(&text), 1, NULL);
    for (size_t n_wanted = 0; n_wanted < LONG_BYTES; n_wanted += LONG_BYTES / 5) {
        struct memory_stream *stream = nsf_malloc(sizeof(*stream));
        *stream = (struct memory_stream){.bytes = nsf_buf_slice(&packed), .piece = 70000, .fail_at = SIZE_MAX};
        stream->base.ops = &memory_ops;
        size_t at = 0, n;
        nsf_codec_open(codec, &stream->base, 0);
        while (at < n_wanted) {
            assert_int_equal(nsf_codec_read(codec, buf, NSF_CHUNK_BYTES, &n, NULL), NSF_READ_BYTES);
            assert_memory_equal(buf, text.ptr + at, n);
            at += n;
        }
        nsf_codec_close(codec);
        nsf_free(stream); /* a sanitizer sees who reads it still */
    }
    struct memory_stream plain = {.base.ops = &memory_ops, .bytes = S("plain"), .piece = 100, .fail_at = SIZE_MAX};
    size_t n;
    nsf_codec_open(codec, &plain.base, 0);
    assert_int_equal(nsf_codec_read(codec, buf, NSF_CHUNK_BYTES, &n, NULL), NSF_READ_BYTES);
    assert_int_equal(n, 5);
    assert_false(nsf_codec_is_gzip(codec));
    nsf_codec_free(codec);
    nsf_free(buf);
    nsf_buf_release(&packed);
    nsf_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_bytes),
        cmocka_unit_test(test_from_an_offset),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_what_follows),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_every_flip),
        cmocka_unit_test(test_damage_in_pieces),
        cmocka_unit_test(test_stream_errors_pass),
        cmocka_unit_test(test_large_and_again),
        cmocka_unit_test(test_long_members),
        cmocka_unit_test(test_long_stream_fails_or_is_replaced),
        cmocka_unit_test(test_long_stream_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

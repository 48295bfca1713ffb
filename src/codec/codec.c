#include "core/nsf_common.h"

#include "codec/codec.h"

#include "codec/inflater.h"
#include "core/limits.h"
#include "core/mem.h"

/* Compressed bytes are read in pieces of this size: what they inflate to still fits the processor's cache. */
#define INPUT_BYTES ((size_t)64 << 10)
#define MAGIC_0 0x1f
#define MAGIC_1 0x8b

enum mode {
    MODE_UNKNOWN, /* the first bytes are still to be seen */
    MODE_PLAIN,
    MODE_MEMBER, /* inside one */
    MODE_BEHIND, /* a member: another one, zeros or junk */
    MODE_PADDING,
};

struct nsf_codec {
    struct nsf_stream *stream;
    enum nsf_codec_engine engine;
    struct nsf_inflater *inflater; /* made for the first stream that needs one */
    enum mode mode;
    bool may_be_gzip;
    bool is_gzip;
    bool is_stream_end;
    unsigned char *input; /* INPUT_BYTES, made with the inflater or for the smallest of reads */
    size_t input_at;
    size_t input_len;
    uint64_t bytes_read;
    uint64_t member_from; /* offset in the compressed stream */
    uint64_t member_out;
    bool is_over; /* last says how */
    enum nsf_read last;
    struct nsf_err failure;
};

struct nsf_codec *nsf_codec_new(enum nsf_codec_engine engine)
{
    struct nsf_codec *codec = nsf_calloc(1, sizeof(*codec));
    codec->engine = engine;
    return codec;
}

void nsf_codec_free(struct nsf_codec *codec)
{
    if (codec == NULL)
        return;
    if (codec->inflater != NULL)
        codec->inflater->ops->free(codec->inflater);
    nsf_free(codec->input);
    nsf_free(codec);
}

static void start_over(struct nsf_codec *codec)
{
    codec->mode = codec->may_be_gzip ? MODE_UNKNOWN : MODE_PLAIN;
    codec->is_gzip = false;
    codec->is_stream_end = false;
    codec->input_at = 0;
    codec->input_len = 0;
    codec->bytes_read = 0;
    codec->is_over = false;
}

void nsf_codec_open(struct nsf_codec *codec, struct nsf_stream *stream, uint64_t offset)
{
    codec->stream = stream;
    codec->may_be_gzip = offset == 0;
    start_over(codec);
}

uint64_t nsf_codec_bytes_read(const struct nsf_codec *codec)
{
    return codec->bytes_read;
}

bool nsf_codec_is_gzip(const struct nsf_codec *codec)
{
    return codec->is_gzip;
}

static const struct nsf_inflater_ops *ops_of(enum nsf_codec_engine engine)
{
#if defined(HAVE_ISAL) && HAVE_ISAL
    if (engine == NSF_CODEC_FASTEST)
        return &nsf_inflater_isal;
#endif
    (void)engine;
    return &nsf_inflater_zlib;
}

static void need_input(struct nsf_codec *codec)
{
    if (codec->input == NULL)
        codec->input = nsf_malloc(INPUT_BYTES);
}

/* Remembers how it ended, and says so. */
static enum nsf_read over(struct nsf_codec *codec, enum nsf_read how)
{
    codec->is_over = true;
    codec->last = how;
    return how;
}

static enum nsf_read say_again(const struct nsf_codec *codec, struct nsf_err *err)
{
    if (codec->last == NSF_READ_ERROR && err != NULL && err->code == NSF_E_NONE)
        *err = codec->failure;
    return codec->last;
}

static enum nsf_read fail(struct nsf_codec *codec, enum nsf_code code, uint64_t offset, const char *what,
                          const char *why, struct nsf_err *err)
{
    codec->failure = (struct nsf_err)NSF_ERR_INIT;
    nsf_result r = NSF_FAIL(&codec->failure, code, offset, "%s%s", what, why);
    (void)r;
    over(codec, NSF_READ_ERROR);
    return say_again(codec, err);
}

/* From the stream; the end and errors stick, a replaced blob starts over. */
static enum nsf_read read_stream(struct nsf_codec *codec, void *buf, size_t capacity, size_t *n, struct nsf_err *err)
{
    codec->failure = (struct nsf_err)NSF_ERR_INIT;
    enum nsf_read read = nsf_stream_read(codec->stream, buf, capacity, n, &codec->failure);
    switch (read) {
    case NSF_READ_BYTES:
        codec->bytes_read += *n;
        return read;
    case NSF_READ_REPLACED:
        codec->may_be_gzip = true;
        start_over(codec);
        return read;
    case NSF_READ_END:
        codec->is_stream_end = true;
        return read;
    case NSF_READ_UNCHANGED:
        return over(codec, read);
    case NSF_READ_ERROR:
        over(codec, read);
        return say_again(codec, err);
    }
    NSF_BUG("a stream gave an unknown answer");
}

/* More compressed bytes; BYTES, END or what else happened. */
static enum nsf_read fill_input(struct nsf_codec *codec, struct nsf_err *err)
{
    size_t n = 0;
    if (codec->is_stream_end)
        return NSF_READ_END;
    enum nsf_read read = read_stream(codec, codec->input, INPUT_BYTES, &n, err);
    if (read == NSF_READ_BYTES) {
        codec->input_at = 0;
        codec->input_len = n;
    }
    return read;
}

static void begin_member(struct nsf_codec *codec)
{
    if (codec->inflater == NULL)
        codec->inflater = ops_of(codec->engine)->new_inflater();
    codec->inflater->ops->reset(codec->inflater);
    codec->member_from = codec->bytes_read - (codec->input_len - codec->input_at);
    codec->member_out = 0;
    codec->mode = MODE_MEMBER;
}

static bool is_too_much(const struct nsf_codec *codec)
{
    uint64_t taken = codec->bytes_read - (codec->input_len - codec->input_at) - codec->member_from;
    return codec->member_out / NSF_GZIP_RATIO_MAX > taken;
}

/* Into buf until it is full, the member ends or the input does. */
static enum nsf_read inflate_member(struct nsf_codec *codec, void *buf, size_t capacity, size_t *n, struct nsf_err *err)
{
    struct nsf_inflate_io io = {.out = buf, .n_out = capacity};
    const char *why = "";
    io.in = codec->input + codec->input_at;
    io.n_in = codec->input_len - codec->input_at;
    enum nsf_inflated inflated = codec->inflater->ops->run(codec->inflater, &io, &why);
    size_t n_out = capacity - io.n_out;
    codec->input_at = codec->input_len - io.n_in;
    codec->member_out += n_out;
    *n = n_out;
    if (inflated == NSF_INFLATED_END)
        codec->mode = MODE_BEHIND;
    if (inflated == NSF_INFLATED_BAD)
        fail(codec, NSF_E_GZIP, codec->member_from, "damaged gzip member: ", why, n_out > 0 ? NULL : err);
    else if (is_too_much(codec))
        fail(codec, NSF_E_LIMIT, codec->member_from, "gzip member inflates beyond all measure", "",
             n_out > 0 ? NULL : err);
    /* What could be inflated comes first, what is wrong at the next call. */
    if (n_out > 0)
        return NSF_READ_BYTES;
    if (codec->is_over)
        return NSF_READ_ERROR;
    if (inflated == NSF_INFLATED_END || io.n_in > 0)
        return NSF_READ_BYTES; /* nothing yet: the caller goes on */
    enum nsf_read read = fill_input(codec, err);
    if (read == NSF_READ_END)
        return fail(codec, NSF_E_GZIP, codec->member_from, "the gzip member is cut off", "", err);
    return read;
}

/* Two bytes tell whether another member begins; one may be the last of the input so far. */
static enum nsf_read look_behind(struct nsf_codec *codec, struct nsf_err *err)
{
    if (codec->input_at == codec->input_len) {
        enum nsf_read read = fill_input(codec, err);
        return read == NSF_READ_END ? over(codec, read) : read;
    }
    uint64_t here = codec->bytes_read - (codec->input_len - codec->input_at);
    unsigned char first = codec->input[codec->input_at];
    if (first == 0) {
        codec->mode = MODE_PADDING;
        return NSF_READ_BYTES;
    }
    if (first == MAGIC_0 && codec->input_len - codec->input_at == 1 && !codec->is_stream_end) {
        size_t n = 0;
        enum nsf_read read = read_stream(codec, codec->input + 1, INPUT_BYTES - 1, &n, err);
        if (read != NSF_READ_BYTES && read != NSF_READ_END)
            return read;
        codec->input[0] = first;
        codec->input_at = 0;
        codec->input_len = 1 + n;
    }
    bool is_member =
        codec->input_len - codec->input_at > 1 && first == MAGIC_0 && codec->input[codec->input_at + 1] == MAGIC_1;
    if (!is_member)
        return fail(codec, NSF_E_GZIP, here, "something else follows a gzip member", "", err);
    begin_member(codec);
    return NSF_READ_BYTES;
}

/* Tapes and some tools fill up with zeros. */
static enum nsf_read pass_padding(struct nsf_codec *codec, struct nsf_err *err)
{
    while (codec->input_at < codec->input_len && codec->input[codec->input_at] == 0)
        codec->input_at++;
    uint64_t here = codec->bytes_read - (codec->input_len - codec->input_at);
    if (codec->input_at < codec->input_len)
        return fail(codec, NSF_E_GZIP, here, "something else follows the zeros behind a gzip member", "", err);
    enum nsf_read read = fill_input(codec, err);
    return read == NSF_READ_END ? over(codec, read) : read;
}

static enum nsf_read read_gzip(struct nsf_codec *codec, void *buf, size_t capacity, size_t *n, struct nsf_err *err)
{
    enum nsf_read read = NSF_READ_BYTES;
    while (read == NSF_READ_BYTES && *n == 0) {
        if (codec->mode == MODE_MEMBER)
            read = inflate_member(codec, buf, capacity, n, err);
        else if (codec->mode == MODE_BEHIND)
            read = look_behind(codec, err);
        else
            read = pass_padding(codec, err);
    }
    return read;
}

/* As many bytes as needed to tell. They are read into buf, which is where they belong if they are not compressed. */
static enum nsf_read detect(struct nsf_codec *codec, unsigned char *buf, size_t capacity, size_t *n,
                            struct nsf_err *err)
{
    need_input(codec);
    bool is_tiny = capacity < 2;
    unsigned char *into = is_tiny ? codec->input : buf;
    size_t room = is_tiny || capacity > INPUT_BYTES ? INPUT_BYTES : capacity, len = 0;
    enum nsf_read read = NSF_READ_BYTES;
    while (len < 2 && read == NSF_READ_BYTES) {
        size_t got = 0;
        read = read_stream(codec, into + len, room - len, &got, err);
        len += got;
    }
    if (read != NSF_READ_BYTES && read != NSF_READ_END && len == 0)
        return read;
    if (read == NSF_READ_REPLACED)
        return read;
    codec->is_gzip = len >= 2 && into[0] == MAGIC_0 && into[1] == MAGIC_1;
    if (codec->is_gzip || is_tiny) {
        if (!is_tiny)
            memcpy(codec->input, into, len);
        codec->input_at = 0;
        codec->input_len = len;
    } else {
        *n = len;
    }
    codec->mode = MODE_PLAIN;
    if (codec->is_gzip)
        begin_member(codec);
    return len == 0 ? over(codec, NSF_READ_END) : NSF_READ_BYTES;
}

static enum nsf_read read_plain(struct nsf_codec *codec, void *buf, size_t capacity, size_t *n, struct nsf_err *err)
{
    size_t left = codec->input_len - codec->input_at;
    if (left > 0) {
        *n = left < capacity ? left : capacity;
        memcpy(buf, codec->input + codec->input_at, *n);
        codec->input_at += *n;
        return NSF_READ_BYTES;
    }
    enum nsf_read read = read_stream(codec, buf, capacity, n, err);
    return read == NSF_READ_END ? over(codec, read) : read;
}

enum nsf_read nsf_codec_read(struct nsf_codec *codec, void *buf, size_t capacity, size_t *n, struct nsf_err *err)
{
    *n = 0;
    if (!codec->is_over && codec->mode == MODE_UNKNOWN) {
        enum nsf_read read = detect(codec, buf, capacity, n, err);
        if (read != NSF_READ_BYTES || *n > 0)
            return read;
    }
    if (codec->is_over)
        return say_again(codec, err);
    return codec->mode == MODE_PLAIN ? read_plain(codec, buf, capacity, n, err)
                                     : read_gzip(codec, buf, capacity, n, err);
}

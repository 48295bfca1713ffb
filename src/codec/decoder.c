#include "core/nsf_common.h"

#include "codec/decoder.h"

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

struct nsf_decoder {
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

struct nsf_decoder *nsf_decoder_new(enum nsf_codec_engine engine)
{
    struct nsf_decoder *decoder = nsf_calloc(1, sizeof(*decoder));
    decoder->engine = engine;
    return decoder;
}

void nsf_decoder_free(struct nsf_decoder *decoder)
{
    if (decoder == NULL)
        return;
    if (decoder->inflater != NULL)
        decoder->inflater->ops->free(decoder->inflater);
    nsf_free(decoder->input);
    nsf_free(decoder);
}

static void start_over(struct nsf_decoder *decoder)
{
    decoder->mode = decoder->may_be_gzip ? MODE_UNKNOWN : MODE_PLAIN;
    decoder->is_gzip = false;
    decoder->is_stream_end = false;
    decoder->input_at = 0;
    decoder->input_len = 0;
    decoder->bytes_read = 0;
    decoder->is_over = false;
}

void nsf_decoder_open(struct nsf_decoder *decoder, struct nsf_stream *stream, uint64_t offset)
{
    decoder->stream = stream;
    decoder->may_be_gzip = offset == 0;
    start_over(decoder);
}

uint64_t nsf_decoder_bytes_read(const struct nsf_decoder *decoder)
{
    return decoder->bytes_read;
}

bool nsf_decoder_is_gzip(const struct nsf_decoder *decoder)
{
    return decoder->is_gzip;
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

static void need_input(struct nsf_decoder *decoder)
{
    if (decoder->input == NULL)
        decoder->input = nsf_malloc(INPUT_BYTES);
}

/* Remembers how it ended, and says so. */
static enum nsf_read over(struct nsf_decoder *decoder, enum nsf_read how)
{
    decoder->is_over = true;
    decoder->last = how;
    return how;
}

static enum nsf_read say_again(const struct nsf_decoder *decoder, struct nsf_err *err)
{
    if (decoder->last == NSF_READ_ERROR && err != NULL && err->code == NSF_E_NONE)
        *err = decoder->failure;
    return decoder->last;
}

static enum nsf_read fail(struct nsf_decoder *decoder, enum nsf_code code, uint64_t offset, const char *what,
                          const char *why, struct nsf_err *err)
{
    decoder->failure = (struct nsf_err)NSF_ERR_INIT;
    nsf_result r = NSF_FAIL(&decoder->failure, code, offset, "%s%s", what, why);
    (void)r;
    over(decoder, NSF_READ_ERROR);
    return say_again(decoder, err);
}

/* From the stream; the end and errors stick, a replaced blob starts over. */
static enum nsf_read read_stream(struct nsf_decoder *decoder, void *buf, size_t capacity, size_t *n,
                                 struct nsf_err *err)
{
    decoder->failure = (struct nsf_err)NSF_ERR_INIT;
    enum nsf_read read = nsf_stream_read(decoder->stream, buf, capacity, n, &decoder->failure);
    switch (read) {
    case NSF_READ_BYTES:
        decoder->bytes_read += *n;
        return read;
    case NSF_READ_REPLACED:
        decoder->may_be_gzip = true;
        start_over(decoder);
        return read;
    case NSF_READ_END:
        decoder->is_stream_end = true;
        return read;
    case NSF_READ_UNCHANGED:
        return over(decoder, read);
    case NSF_READ_ERROR:
        over(decoder, read);
        return say_again(decoder, err);
    }
    NSF_BUG("a stream gave an unknown answer");
}

/* The input is filled whatever pieces the stream comes in: how much was read of a damaged one must not depend on them.
 * BYTES or REPLACED; an error is said again by the next read. */
static enum nsf_read top_up(struct nsf_decoder *decoder)
{
    enum nsf_read read = NSF_READ_BYTES;
    while (read == NSF_READ_BYTES && decoder->input_len < INPUT_BYTES) {
        size_t n = 0;
        read = nsf_stream_read(decoder->stream, decoder->input + decoder->input_len, INPUT_BYTES - decoder->input_len,
                               &n, NULL);
        decoder->input_len += n;
        decoder->bytes_read += n;
    }
    decoder->is_stream_end = read == NSF_READ_END;
    if (read != NSF_READ_REPLACED)
        return NSF_READ_BYTES;
    decoder->may_be_gzip = true;
    start_over(decoder);
    return read;
}

/* More compressed bytes, behind those of the input that are held; BYTES, END or what else happened. */
static enum nsf_read fill_input(struct nsf_decoder *decoder, size_t n_held, struct nsf_err *err)
{
    size_t n = 0;
    if (decoder->is_stream_end)
        return NSF_READ_END;
    enum nsf_read read = read_stream(decoder, decoder->input + n_held, INPUT_BYTES - n_held, &n, err);
    if (read != NSF_READ_BYTES)
        return read;
    decoder->input_at = 0;
    decoder->input_len = n_held + n;
    return top_up(decoder);
}

static void begin_member(struct nsf_decoder *decoder)
{
    if (decoder->inflater == NULL)
        decoder->inflater = ops_of(decoder->engine)->new_inflater();
    decoder->inflater->ops->reset(decoder->inflater);
    decoder->member_from = decoder->bytes_read - (decoder->input_len - decoder->input_at);
    decoder->member_out = 0;
    decoder->mode = MODE_MEMBER;
}

static bool is_too_much(const struct nsf_decoder *decoder)
{
    uint64_t taken = decoder->bytes_read - (decoder->input_len - decoder->input_at) - decoder->member_from;
    return decoder->member_out / NSF_GZIP_RATIO_MAX > taken;
}

/* Into buf until it is full, the member ends or the input does. */
static enum nsf_read inflate_member(struct nsf_decoder *decoder, void *buf, size_t capacity, size_t *n,
                                    struct nsf_err *err)
{
    struct nsf_inflate_io io = {.out = buf, .n_out = capacity};
    const char *why = "";
    io.in = decoder->input + decoder->input_at;
    io.n_in = decoder->input_len - decoder->input_at;
    enum nsf_inflated inflated = decoder->inflater->ops->run(decoder->inflater, &io, &why);
    size_t n_out = capacity - io.n_out;
    decoder->input_at = decoder->input_len - io.n_in;
    decoder->member_out += n_out;
    *n = n_out;
    if (inflated == NSF_INFLATED_END)
        decoder->mode = MODE_BEHIND;
    if (inflated == NSF_INFLATED_BAD)
        fail(decoder, NSF_E_GZIP, decoder->member_from, "damaged gzip member: ", why, n_out > 0 ? NULL : err);
    else if (is_too_much(decoder))
        fail(decoder, NSF_E_LIMIT, decoder->member_from, "gzip member inflates beyond all measure", "",
             n_out > 0 ? NULL : err);
    /* What could be inflated comes first, what is wrong at the next call. */
    if (n_out > 0)
        return NSF_READ_BYTES;
    if (decoder->is_over)
        return NSF_READ_ERROR;
    if (inflated == NSF_INFLATED_END || io.n_in > 0)
        return NSF_READ_BYTES; /* nothing yet: the caller goes on */
    enum nsf_read read = fill_input(decoder, 0, err);
    if (read == NSF_READ_END)
        return fail(decoder, NSF_E_GZIP, decoder->member_from, "the gzip member is cut off", "", err);
    return read;
}

/* Two bytes tell whether another member begins; one may be the last of the input so far. */
static enum nsf_read look_behind(struct nsf_decoder *decoder, struct nsf_err *err)
{
    if (decoder->input_at == decoder->input_len) {
        enum nsf_read read = fill_input(decoder, 0, err);
        return read == NSF_READ_END ? over(decoder, read) : read;
    }
    uint64_t here = decoder->bytes_read - (decoder->input_len - decoder->input_at);
    unsigned char first = decoder->input[decoder->input_at];
    if (first == 0) {
        decoder->mode = MODE_PADDING;
        return NSF_READ_BYTES;
    }
    if (first == MAGIC_0 && decoder->input_len - decoder->input_at == 1 && !decoder->is_stream_end) {
        decoder->input[0] = first;
        decoder->input_at = 0;
        decoder->input_len = 1;
        enum nsf_read read = fill_input(decoder, 1, err);
        if (read != NSF_READ_BYTES && read != NSF_READ_END)
            return read;
    }
    bool is_member = decoder->input_len - decoder->input_at > 1 && first == MAGIC_0 &&
                     decoder->input[decoder->input_at + 1] == MAGIC_1;
    if (!is_member)
        return fail(decoder, NSF_E_GZIP, here, "something else follows a gzip member", "", err);
    begin_member(decoder);
    return NSF_READ_BYTES;
}

/* Tapes and some tools fill up with zeros. */
static enum nsf_read pass_padding(struct nsf_decoder *decoder, struct nsf_err *err)
{
    while (decoder->input_at < decoder->input_len && decoder->input[decoder->input_at] == 0)
        decoder->input_at++;
    uint64_t here = decoder->bytes_read - (decoder->input_len - decoder->input_at);
    if (decoder->input_at < decoder->input_len)
        return fail(decoder, NSF_E_GZIP, here, "something else follows the zeros behind a gzip member", "", err);
    enum nsf_read read = fill_input(decoder, 0, err);
    return read == NSF_READ_END ? over(decoder, read) : read;
}

static enum nsf_read read_gzip(struct nsf_decoder *decoder, void *buf, size_t capacity, size_t *n, struct nsf_err *err)
{
    enum nsf_read read = NSF_READ_BYTES;
    while (read == NSF_READ_BYTES && *n == 0) {
        if (decoder->mode == MODE_MEMBER)
            read = inflate_member(decoder, buf, capacity, n, err);
        else if (decoder->mode == MODE_BEHIND)
            read = look_behind(decoder, err);
        else
            read = pass_padding(decoder, err);
    }
    return read;
}

/* As many bytes as needed to tell. They are read into buf, which is where they belong if they are not compressed. */
static enum nsf_read detect(struct nsf_decoder *decoder, unsigned char *buf, size_t capacity, size_t *n,
                            struct nsf_err *err)
{
    need_input(decoder);
    bool is_tiny = capacity < 2;
    unsigned char *into = is_tiny ? decoder->input : buf;
    size_t room = is_tiny || capacity > INPUT_BYTES ? INPUT_BYTES : capacity, len = 0;
    enum nsf_read read = NSF_READ_BYTES;
    while (len < 2 && read == NSF_READ_BYTES) {
        size_t got = 0;
        read = read_stream(decoder, into + len, room - len, &got, err);
        len += got;
    }
    if (read != NSF_READ_BYTES && read != NSF_READ_END && len == 0)
        return read;
    if (read == NSF_READ_REPLACED)
        return read;
    decoder->is_gzip = len >= 2 && into[0] == MAGIC_0 && into[1] == MAGIC_1;
    if (decoder->is_gzip || is_tiny) {
        if (!is_tiny)
            memcpy(decoder->input, into, len);
        decoder->input_at = 0;
        decoder->input_len = len;
    } else {
        *n = len;
    }
    decoder->mode = MODE_PLAIN;
    if (!decoder->is_gzip)
        return len == 0 ? over(decoder, NSF_READ_END) : NSF_READ_BYTES;
    begin_member(decoder);
    return top_up(decoder);
}

static enum nsf_read read_plain(struct nsf_decoder *decoder, void *buf, size_t capacity, size_t *n, struct nsf_err *err)
{
    size_t left = decoder->input_len - decoder->input_at;
    if (left > 0) {
        *n = left < capacity ? left : capacity;
        memcpy(buf, decoder->input + decoder->input_at, *n);
        decoder->input_at += *n;
        return NSF_READ_BYTES;
    }
    enum nsf_read read = read_stream(decoder, buf, capacity, n, err);
    return read == NSF_READ_END ? over(decoder, read) : read;
}

enum nsf_read nsf_decoder_read(struct nsf_decoder *decoder, void *buf, size_t capacity, size_t *n, struct nsf_err *err)
{
    *n = 0;
    if (!decoder->is_over && decoder->mode == MODE_UNKNOWN) {
        enum nsf_read read = detect(decoder, buf, capacity, n, err);
        if (read != NSF_READ_BYTES || *n > 0)
            return read;
    }
    if (decoder->is_over)
        return say_again(decoder, err);
    return decoder->mode == MODE_PLAIN ? read_plain(decoder, buf, capacity, n, err)
                                       : read_gzip(decoder, buf, capacity, n, err);
}

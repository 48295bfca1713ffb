#include "core/nsf_common.h"

#include "codec/codec.h"

#include "codec/ahead.h"
#include "codec/decoder.h"
#include "core/mem.h"
#include "core/thread.h"

/* A stream that has given so much is worth the start of a thread. Small ones, of which there may be many, are over by
 * then. */
#define AHEAD_FROM_BYTES (UINT64_C(256) << 10)

struct nsf_codec {
    struct nsf_decoder *decoder;
    struct nsf_ahead *ahead; /* made for the first long stream */
    bool has_no_helper;      /* none can be had, or there is no processor for one */
    bool is_ahead;           /* decoder and stream are the helper's */
    uint64_t n_given;
    uint64_t bytes_read;
};

struct nsf_codec *nsf_codec_new(enum nsf_codec_engine engine)
{
    struct nsf_codec *codec = nsf_calloc(1, sizeof(*codec));
    codec->decoder = nsf_decoder_new(engine);
    return codec;
}

void nsf_codec_free(struct nsf_codec *codec)
{
    if (codec == NULL)
        return;
    nsf_codec_close(codec);
    nsf_ahead_free(codec->ahead);
    nsf_decoder_free(codec->decoder);
    nsf_free(codec);
}

void nsf_codec_open(struct nsf_codec *codec, struct nsf_stream *stream, uint64_t offset)
{
    nsf_codec_close(codec);
    codec->n_given = 0;
    codec->bytes_read = 0;
    nsf_decoder_open(codec->decoder, stream, offset);
}

void nsf_codec_close(struct nsf_codec *codec)
{
    if (codec->is_ahead)
        nsf_ahead_end(codec->ahead);
    codec->is_ahead = false;
}

uint64_t nsf_codec_bytes_read(const struct nsf_codec *codec)
{
    return codec->bytes_read;
}

bool nsf_codec_is_gzip(const struct nsf_codec *codec)
{
    return codec->is_ahead || nsf_decoder_is_gzip(codec->decoder);
}

/* From here on, if that is of use, the bytes are inflated beside whoever reads them. */
static void try_ahead(struct nsf_codec *codec)
{
    if (codec->ahead == NULL && nsf_thread_processors() > 1)
        codec->ahead = nsf_ahead_new();
    codec->has_no_helper = codec->ahead == NULL;
    codec->is_ahead = codec->ahead != NULL;
    if (codec->is_ahead)
        nsf_ahead_begin(codec->ahead, codec->decoder);
}

enum nsf_read nsf_codec_read(struct nsf_codec *codec, void *buf, size_t capacity, size_t *n, struct nsf_err *err)
{
    enum nsf_read read;
    if (codec->n_given >= AHEAD_FROM_BYTES && !codec->is_ahead && !codec->has_no_helper &&
        nsf_decoder_is_gzip(codec->decoder))
        try_ahead(codec);
    if (codec->is_ahead) {
        read = nsf_ahead_read(codec->ahead, buf, capacity, n, &codec->bytes_read, err);
        codec->is_ahead = read == NSF_READ_BYTES;
    } else {
        read = nsf_decoder_read(codec->decoder, buf, capacity, n, err);
        codec->bytes_read = nsf_decoder_bytes_read(codec->decoder);
    }
    codec->n_given = read == NSF_READ_BYTES ? codec->n_given + *n : 0;
    return read;
}

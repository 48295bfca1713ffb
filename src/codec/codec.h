/*
 * codec.h - the bytes of a stream in the clear: as they are, or inflated.
 *
 * gzip is known by its first bytes, not by its name. Several members, empty members and zero padding behind the last
 * one are read; anything else behind it, a cut or a corrupt member is an error NSF_E_GZIP whose offset is that of the
 * member in the compressed stream, after everything that could be inflated was given. What is long and compressed is
 * inflated by a thread of the codec's own, beside the reading of what it gave before. A codec is reused from stream to
 * stream; one thread at a time.
 */
#ifndef NSF_CODEC_H
#define NSF_CODEC_H

#include "source/source.h"

enum nsf_codec_engine {
    NSF_CODEC_FASTEST, /* ISA-L where the program was built with it, else zlib */
    NSF_CODEC_ZLIB,
};

struct nsf_codec;

struct nsf_codec *nsf_codec_new(enum nsf_codec_engine engine);
void nsf_codec_free(struct nsf_codec *codec);

/* Starts on a stream, which is borrowed until codec close. `offset` is that of its first byte in the blob:
 * only a stream from 0 on can be gzip. */
void nsf_codec_open(struct nsf_codec *codec, struct nsf_stream *stream, uint64_t offset);
/* Lets go of the stream, which nobody reads any more once this returned: before the stream is closed, unless it was read
 * to its END or ERROR. May be called again. */
void nsf_codec_close(struct nsf_codec *codec);
/* As nsf_stream_read: blocks until there is a byte, straight into buf (no copy of what is not compressed), END and
 * ERROR are said again at every further call. After NSF_READ_REPLACED the next call gives the new version from its
 * start. */
enum nsf_read nsf_codec_read(struct nsf_codec *codec, void *buf, size_t capacity, size_t *n,
                             struct nsf_err *err) NSF_CHECKED;

/* Bytes taken from the stream so far, for what was given. */
uint64_t nsf_codec_bytes_read(const struct nsf_codec *codec);
/* Known once the first read returned. */
bool nsf_codec_is_gzip(const struct nsf_codec *codec);

#endif

/*
 * decoder.h - a stream in the clear, by the thread that asks for it: what codec.h promises, without its helper. Known to
 * the files of this folder only.
 *
 * One thread at a time.
 */
#ifndef NSF_DECODER_H
#define NSF_DECODER_H

#include "codec/codec.h"

struct nsf_decoder;

struct nsf_decoder *nsf_decoder_new(enum nsf_codec_engine engine);
void nsf_decoder_free(struct nsf_decoder *decoder);

/* As the functions of the codec that are called so. */
void nsf_decoder_open(struct nsf_decoder *decoder, struct nsf_stream *stream, uint64_t offset);
enum nsf_read nsf_decoder_read(struct nsf_decoder *decoder, void *buf, size_t capacity, size_t *n,
                               struct nsf_err *err) NSF_CHECKED;
uint64_t nsf_decoder_bytes_read(const struct nsf_decoder *decoder);
bool nsf_decoder_is_gzip(const struct nsf_decoder *decoder);

#endif

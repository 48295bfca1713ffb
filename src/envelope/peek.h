/*
 * peek.h - when a blob begins, without reading more of it than its first record.
 */
#ifndef NSF_PEEK_H
#define NSF_PEEK_H

#include "codec/codec.h"
#include "envelope/envelope.h"

/* `time` of the first record of the stream that has one, whatever its category; NSF_TS_NONE when there is none among
 * the first NSF_RECORD_MAX_BYTES or the stream cannot be read (reading it will say why). The stream is left somewhere
 * behind its start. Envelope and codec are begun anew. */
int64_t nsf_peek_time(struct nsf_envelope *env, struct nsf_codec *codec, struct nsf_stream *stream);

#endif

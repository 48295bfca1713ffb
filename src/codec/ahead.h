/*
 * ahead.h - a thread that runs a decoder ahead of whoever takes its bytes, a few pieces at most. Known to codec.c only.
 *
 * The thread is started once and waits between streams. Between begin and the end of the stream (or nsf_ahead_end) the
 * decoder and its stream belong to it; everything else is called by one thread at a time.
 */
#ifndef NSF_AHEAD_H
#define NSF_AHEAD_H

#include "codec/decoder.h"

struct nsf_ahead;

/* NULL when no thread can be had. */
struct nsf_ahead *nsf_ahead_new(void);
/* Ended before. NULL is fine. */
void nsf_ahead_free(struct nsf_ahead *ahead);

/* Borrows the decoder until it is ended. */
void nsf_ahead_begin(struct nsf_ahead *ahead, struct nsf_decoder *decoder);
/* As nsf_decoder_read; *bytes_read is what the decoder had taken from the stream for the bytes given so far. Any answer
 * but BYTES is the last one: it ended by itself. */
enum nsf_read nsf_ahead_read(struct nsf_ahead *ahead, void *buf, size_t capacity, size_t *n, uint64_t *bytes_read,
                             struct nsf_err *err) NSF_CHECKED;
/* Throws away what was not taken, and returns once the thread has let go of the decoder. */
void nsf_ahead_end(struct nsf_ahead *ahead);

#endif

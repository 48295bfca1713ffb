/*
 * out.h - bytes out: to a file that appears whole or not at all, to a descriptor, or to memory.
 *
 * Errors stick: the first failed write is remembered and reported by nsf_out_close; until then writing goes on into
 * nothing. One thread at a time an out.
 */
#ifndef NSF_OUT_H
#define NSF_OUT_H

#include "core/buf.h"
#include "core/err.h"

/* The room that short writes go into without a call; the rest of an out is behind it, inside out.c. */
struct nsf_out {
    char *at;  /* the next byte */
    char *end; /* of the room; NULL like `at` where each write is a call */
};

/* Standard output. */
struct nsf_out *nsf_out_new_stdout(void);
/* A regular file is written beside its place and renamed by nsf_out_close, so that it is never seen half written;
 * what exists and is no regular file (/dev/null, a FIFO) is written directly; of a symbolic link the target is
 * replaced, or made. */
struct nsf_out *nsf_out_new_file(const char *path, struct nsf_err *err) NSF_CHECKED;
/* Appends to *buf, which is borrowed until close. */
struct nsf_out *nsf_out_new_buf(struct nsf_buf *buf);
/* Collects, however much it is, until nsf_out_move takes it on: a piece of a document that several threads write. */
struct nsf_out *nsf_out_new_piece(void);
/* Writes what the piece holds to `out` and empties it. */
void nsf_out_move(struct nsf_out *piece, struct nsf_out *out);

void nsf_out_write_long(struct nsf_out *out, const void *ptr, size_t len);
static inline void nsf_out_write(struct nsf_out *out, const void *ptr, size_t len)
{
    if (len > (size_t)(out->end - out->at)) {
        nsf_out_write_long(out, ptr, len);
    } else if (len > 0) {
        memcpy(out->at, ptr, len);
        out->at += len;
    }
}

/* A place for up to n bytes that are written without counting them first; `spare` has room for n, and is the place
 * where the out has none. nsf_out_put takes what was written from there to `end`; no other write comes between. */
char *nsf_out_make_room(struct nsf_out *out, size_t n, char *spare);
static inline char *nsf_out_room(struct nsf_out *out, size_t n, char *spare)
{
    return n <= (size_t)(out->end - out->at) ? out->at : nsf_out_make_room(out, n, spare);
}
static inline void nsf_out_put(struct nsf_out *out, const char *place, char *end)
{
    if (place == out->at)
        out->at = end;
    else
        nsf_out_write_long(out, place, (size_t)(end - place));
}

static inline void nsf_out_char(struct nsf_out *out, char c)
{
    nsf_out_write(out, &c, 1);
}

void nsf_out_str(struct nsf_out *out, const char *str);
void nsf_out_printf(struct nsf_out *out, const char *fmt, ...) NSF_PRINTF(2, 3);
static inline void nsf_out_slice(struct nsf_out *out, struct nsf_slice s)
{
    nsf_out_write(out, s.ptr, s.len);
}
/* Text of foreign origin for a terminal or a log: control characters, bidirectional overrides and bytes that are not
 * UTF-8 are shown as \xNN or \u{...}. */
void nsf_out_visible(struct nsf_out *out, struct nsf_slice text);

/* Finishes and frees: a file takes its place. Fails with NSF_E_OUTPUT when any write failed; nothing is left then. */
nsf_result nsf_out_close(struct nsf_out *out, struct nsf_err *err) NSF_CHECKED;
/* Frees; an unfinished file is removed. NULL is fine. */
void nsf_out_abandon(struct nsf_out *out);
/* Removes all unfinished files of the process: for exhausted memory and signals. Async-signal-safe. */
void nsf_out_remove_unfinished(void);

#endif

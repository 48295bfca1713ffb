/*
 * out.h - bytes out: to a file that appears whole or not at all, to a descriptor, or to memory.
 *
 * Errors stick: the first failed write is remembered and reported by nsf_out_close; until then writing goes on into
 * nothing. One thread at a time.
 */
#ifndef NSF_OUT_H
#define NSF_OUT_H

#include "core/buf.h"
#include "core/err.h"

struct nsf_out;

/* Standard output. */
struct nsf_out *nsf_out_new_stdout(void);
/* A regular file is written beside its place and renamed by nsf_out_close, so that it is never seen half written;
 * what exists and is no regular file (/dev/null, a FIFO) is written directly; of a symbolic link the target is
 * replaced. */
struct nsf_out *nsf_out_new_file(const char *path, struct nsf_err *err) NSF_CHECKED;
/* Appends to *buf, which is borrowed until close. */
struct nsf_out *nsf_out_new_buf(struct nsf_buf *buf);

void nsf_out_write(struct nsf_out *out, const void *ptr, size_t len);
void nsf_out_str(struct nsf_out *out, const char *str);
void nsf_out_char(struct nsf_out *out, char c);
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

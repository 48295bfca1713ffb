/*
 * buf.h - a growable run of bytes with a largest size it is born with.
 *
 * init/release, storage of the struct is the caller's. One thread at a time.
 */
#ifndef NSF_BUF_H
#define NSF_BUF_H

#include "core/slice.h"

struct nsf_buf {
    char *ptr;
    size_t len;
    size_t capacity;
    size_t max; /* appending past it fails and leaves the buffer as it was */
};

void nsf_buf_init(struct nsf_buf *buf, size_t max_bytes);
void nsf_buf_release(struct nsf_buf *buf);
static inline void nsf_buf_reset(struct nsf_buf *buf)
{
    buf->len = 0;
}

/* What append does where there is no room yet. */
bool nsf_buf_append_slowly(struct nsf_buf *buf, const void *ptr, size_t len) NSF_CHECKED;
/* False: the bytes do not fit below max. */
NSF_CHECKED static inline bool nsf_buf_append(struct nsf_buf *buf, const void *ptr, size_t len)
{
    if (len == 0)
        return true;
    if (len > buf->capacity - buf->len || len > buf->max - buf->len)
        return nsf_buf_append_slowly(buf, ptr, len);
    memcpy(buf->ptr + buf->len, ptr, len);
    buf->len += len;
    return true;
}
/* Room for len more bytes behind buf->len, or NULL past max. */
char *nsf_buf_reserve(struct nsf_buf *buf, size_t len) NSF_CHECKED;
bool nsf_buf_printf(struct nsf_buf *buf, const char *fmt, ...) NSF_PRINTF(2, 3);

/* For text that is bounded by its makers: a bug when it does not fit. */
void nsf_buf_add(struct nsf_buf *buf, struct nsf_slice s);
void nsf_buf_add_str(struct nsf_buf *buf, const char *str);
void nsf_buf_add_char(struct nsf_buf *buf, char c);
/* The text with a NUL behind it (not counted in len). Lends until the next change. */
const char *nsf_buf_str(struct nsf_buf *buf);

static inline struct nsf_slice nsf_buf_slice(const struct nsf_buf *buf)
{
    return nsf_slice(buf->ptr, buf->len);
}

#endif

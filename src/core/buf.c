#include "core/nsf_common.h"

#include "core/buf.h"

#include "core/err.h"
#include "core/mem.h"

#include <stdarg.h>

void nsf_buf_init(struct nsf_buf *buf, size_t max_bytes)
{
    *buf = (struct nsf_buf){.max = max_bytes};
}

void nsf_buf_release(struct nsf_buf *buf)
{
    nsf_free(buf->ptr);
    *buf = (struct nsf_buf){.max = buf->max};
}

char *nsf_buf_reserve(struct nsf_buf *buf, size_t len)
{
    if (len > buf->max || buf->len > buf->max - len)
        return NULL;
    NSF_GROW(buf->ptr, buf->capacity, buf->len + len);
    return buf->ptr + buf->len;
}

bool nsf_buf_append_slowly(struct nsf_buf *buf, const void *ptr, size_t len)
{
    char *room = nsf_buf_reserve(buf, len);
    if (room == NULL)
        return false;
    memcpy(room, ptr, len);
    buf->len += len;
    return true;
}

bool nsf_buf_printf(struct nsf_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *room = n < 0 ? NULL : nsf_buf_reserve(buf, (size_t)n + 1);
    if (room != NULL) {
        vsnprintf(room, (size_t)n + 1, fmt, again);
        buf->len += (size_t)n;
    }
    va_end(again);
    return room != NULL;
}

void nsf_buf_add(struct nsf_buf *buf, struct nsf_slice s)
{
    if (!nsf_buf_append(buf, s.ptr, s.len))
        NSF_BUG("text longer than its buffer allows");
}

void nsf_buf_add_str(struct nsf_buf *buf, const char *str)
{
    nsf_buf_add(buf, nsf_slice_str(str));
}

void nsf_buf_add_char(struct nsf_buf *buf, char c)
{
    nsf_buf_add(buf, nsf_slice(&c, 1));
}

const char *nsf_buf_str(struct nsf_buf *buf)
{
    NSF_GROW(buf->ptr, buf->capacity, buf->len + 1);
    buf->ptr[buf->len] = '\0';
    return buf->ptr;
}

/*
 * lines.h - memory in whole cache lines, for tables whose rows are a line each: what lies in two lines is fetched
 * twice.
 *
 * A zeroed struct holds none. One thread at a time.
 */
#ifndef NSF_LINES_H
#define NSF_LINES_H

#include "core/mem.h"

#define NSF_LINE_BYTES 64u

struct nsf_lines {
    void *block; /* what is freed: the first line begins in its first 64 bytes */
    void *first; /* NULL while there are none */
    size_t n;
};

static inline void nsf_lines_take(struct nsf_lines *lines, void *block, size_t n)
{
    lines->block = block;
    lines->first = (char *)block + (NSF_LINE_BYTES - (uintptr_t)block % NSF_LINE_BYTES) % NSF_LINE_BYTES;
    lines->n = n;
}

/* n lines of zeros, in place of nothing. */
static inline void nsf_lines_init(struct nsf_lines *lines, size_t n)
{
    nsf_lines_take(lines, nsf_calloc(nsf_add_size(n, 1), NSF_LINE_BYTES), n);
}

static inline void nsf_lines_release(struct nsf_lines *lines)
{
    nsf_free(lines->block);
    *lines = (struct nsf_lines){0};
}

/* Makes room for `needed` lines. Those that are there may move; what is in others is not said. Grows by half. */
static inline void nsf_lines_reserve(struct nsf_lines *lines, size_t needed)
{
    if (NSF_LIKELY(needed <= lines->n))
        return;
    struct nsf_lines grown;
    size_t n = lines->n + lines->n / 2 + 16;
    n = n < needed ? needed : n;
    nsf_lines_take(&grown, nsf_malloc(nsf_mul_size(nsf_add_size(n, 1), NSF_LINE_BYTES)), n);
    if (lines->n > 0)
        memcpy(grown.first, lines->first, lines->n * NSF_LINE_BYTES);
    nsf_lines_release(lines);
    *lines = grown;
}

#endif

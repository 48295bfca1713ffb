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

static inline size_t nsf_lines_offset(const void *block)
{
    return (NSF_LINE_BYTES - (uintptr_t)block % NSF_LINE_BYTES) % NSF_LINE_BYTES;
}

static inline void nsf_lines_take(struct nsf_lines *lines, void *block, size_t n)
{
    lines->block = block;
    lines->first = (char *)block + nsf_lines_offset(block);
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
    size_t n_old = lines->n, n = n_old + n_old / 2 + 16, old_offset = nsf_lines_offset(lines->block);
    n = n < needed ? needed : n;
    char *block = nsf_realloc_array(lines->block, nsf_add_size(n, 1), NSF_LINE_BYTES);
    nsf_lines_take(lines, block, n);
    if (n_old > 0 && nsf_lines_offset(block) != old_offset)
        memmove(lines->first, block + old_offset, n_old * NSF_LINE_BYTES);
}

#endif

/*
 * window.h - a run of the stream held in one piece: what was put in and is still needed, and room behind it.
 *
 * Offsets are those of the stream. init/release; one thread at a time.
 */
#ifndef NSF_WINDOW_H
#define NSF_WINDOW_H

#include "core/slice.h"

struct nsf_window {
    char *ptr;
    size_t capacity;
    size_t from;   /* index of the first byte held */
    size_t to;     /* index behind the last */
    uint64_t base; /* stream offset of the first byte held */
};

void nsf_window_init(struct nsf_window *window);
void nsf_window_release(struct nsf_window *window);
/* Empty; the next byte put in has stream offset `offset`. */
void nsf_window_reset(struct nsf_window *window, uint64_t offset);
/* Forgets what stands before stream offset `keep` and gives room for at least n_bytes behind the rest. */
char *nsf_window_room(struct nsf_window *window, uint64_t keep, size_t n_bytes, size_t *capacity);

static inline uint64_t nsf_window_end(const struct nsf_window *window)
{
    return window->base + (window->to - window->from);
}

/* The bytes of [from, to) of the stream, which are held. */
static inline struct nsf_slice nsf_window_slice(const struct nsf_window *window, uint64_t from, uint64_t to)
{
    return nsf_slice(window->ptr + window->from + (size_t)(from - window->base), (size_t)(to - from));
}

#endif

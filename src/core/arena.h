/*
 * arena.h - memory that lives and dies together: one blob's, one document's, one run's.
 *
 * Allocations are 16-byte aligned and never freed one by one. One thread at a time. Freed memory is filled with a
 * pattern in builds without NDEBUG.
 */
#ifndef NSF_ARENA_H
#define NSF_ARENA_H

#include "core/slice.h"

struct nsf_arena_block;

struct nsf_arena {
    struct nsf_arena_block *head;
    char *next;
    size_t left;
    size_t total_bytes; /* handed out since the last reset */
};

void nsf_arena_init(struct nsf_arena *arena);
void nsf_arena_release(struct nsf_arena *arena);
/* All that stands in `from` belongs to `arena` from now on; `from` is empty. */
void nsf_arena_adopt(struct nsf_arena *arena, struct nsf_arena *from);
/* Forgets everything, keeps the newest block for reuse. */
void nsf_arena_reset(struct nsf_arena *arena);

void *nsf_arena_alloc(struct nsf_arena *arena, size_t n_bytes) __attribute__((returns_nonnull));
void *nsf_arena_zalloc(struct nsf_arena *arena, size_t n, size_t size_bytes) __attribute__((returns_nonnull));
/* A copy with a NUL behind it (not counted in len). */
struct nsf_slice nsf_arena_copy(struct nsf_arena *arena, struct nsf_slice s);
char *nsf_arena_printf(struct nsf_arena *arena, const char *fmt, ...) NSF_PRINTF(2, 3) __attribute__((returns_nonnull));

#endif

#include "core/nsf_common.h"

#include "core/arena.h"

#include "core/mem.h"

#include <stdarg.h>

#define ARENA_ALIGN 16
#define ARENA_FIRST_BLOCK_BYTES ((size_t)4 << 10)
#define ARENA_BLOCK_MAX_BYTES ((size_t)1 << 20)

struct nsf_arena_block {
    struct nsf_arena_block *older;
    size_t size_bytes; /* of the data behind this header */
    _Alignas(ARENA_ALIGN) char data[];
};

void nsf_arena_init(struct nsf_arena *arena)
{
    *arena = (struct nsf_arena){0};
}

static void block_free(struct nsf_arena_block *block)
{
#ifndef NDEBUG
    memset(block->data, 0xA5, block->size_bytes);
#endif
    nsf_free(block);
}

void nsf_arena_release(struct nsf_arena *arena)
{
    for (struct nsf_arena_block *block = arena->head, *older; block != NULL; block = older) {
        older = block->older;
        block_free(block);
    }
    nsf_arena_init(arena);
}

void nsf_arena_adopt(struct nsf_arena *arena, struct nsf_arena *from)
{
    struct nsf_arena_block *last = from->head;
    if (arena->head == NULL) {
        *arena = *from;
    } else if (last != NULL) {
        while (last->older != NULL)
            last = last->older;
        last->older = arena->head->older; /* behind the block that has room left */
        arena->head->older = from->head;
        arena->total_bytes += from->total_bytes;
    }
    nsf_arena_init(from);
}

void nsf_arena_reset(struct nsf_arena *arena)
{
    struct nsf_arena_block *kept = arena->head;
    if (kept == NULL)
        return;
    for (struct nsf_arena_block *block = kept->older, *older; block != NULL; block = older) {
        older = block->older;
        block_free(block);
    }
    kept->older = NULL;
#ifndef NDEBUG
    memset(kept->data, 0xA5, kept->size_bytes);
#endif
    arena->next = kept->data;
    arena->left = kept->size_bytes;
    arena->total_bytes = 0;
}

NSF_COLD static void add_block(struct nsf_arena *arena, size_t n_bytes)
{
    size_t size = arena->head == NULL ? ARENA_FIRST_BLOCK_BYTES : arena->head->size_bytes * 2;
    if (size > ARENA_BLOCK_MAX_BYTES)
        size = ARENA_BLOCK_MAX_BYTES;
    if (size < n_bytes)
        size = n_bytes;
    struct nsf_arena_block *block = nsf_malloc(nsf_add_size(sizeof(*block), size));
    block->older = arena->head;
    block->size_bytes = size;
    arena->head = block;
    arena->next = block->data;
    arena->left = size;
}

void *nsf_arena_alloc(struct nsf_arena *arena, size_t n_bytes)
{
    size_t rounded = nsf_add_size(n_bytes, ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (NSF_UNLIKELY(rounded > arena->left || arena->next == NULL))
        add_block(arena, rounded);
    void *ptr = arena->next;
    arena->next += rounded;
    arena->left -= rounded;
    arena->total_bytes += rounded;
    return ptr;
}

void *nsf_arena_zalloc(struct nsf_arena *arena, size_t n, size_t size_bytes)
{
    size_t total = nsf_mul_size(n, size_bytes);
    return memset(nsf_arena_alloc(arena, total), 0, total);
}

struct nsf_slice nsf_arena_copy(struct nsf_arena *arena, struct nsf_slice s)
{
    char *copy = nsf_arena_alloc(arena, nsf_add_size(s.len, 1));
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return nsf_slice(copy, s.len);
}

char *nsf_arena_printf(struct nsf_arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n;
    char *text = nsf_arena_alloc(arena, len + 1);
    vsnprintf(text, len + 1, fmt, again);
    va_end(again);
    return text;
}

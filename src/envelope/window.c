#include "core/nsf_common.h"

#include "envelope/window.h"

#include "core/mem.h"

void nsf_window_init(struct nsf_window *window)
{
    *window = (struct nsf_window){0};
}

void nsf_window_release(struct nsf_window *window)
{
    nsf_free(window->ptr);
    nsf_window_init(window);
}

void nsf_window_reset(struct nsf_window *window, uint64_t offset)
{
    window->from = 0;
    window->to = 0;
    window->base = offset;
}

static void forget(struct nsf_window *window, uint64_t keep)
{
    window->from += (size_t)(keep - window->base);
    window->base = keep;
    if (window->from == window->to) {
        window->from = 0;
        window->to = 0;
    }
}

char *nsf_window_room(struct nsf_window *window, uint64_t keep, size_t n_bytes, size_t *capacity)
{
    forget(window, keep);
    size_t held = window->to - window->from;
    if (window->capacity - window->to < n_bytes && window->from > 0) {
        memmove(window->ptr, window->ptr + window->from, held);
        window->from = 0;
        window->to = held;
    }
    if (window->capacity - window->to < n_bytes) {
        /* Doubled, so that a record that grows and grows is moved a constant number of times per byte. */
        size_t wanted = nsf_add_size(window->to, n_bytes);
        if (wanted < nsf_mul_size(window->capacity, 2))
            wanted = window->capacity * 2;
        window->ptr = nsf_realloc(window->ptr, wanted);
        window->capacity = wanted;
    }
    *capacity = window->capacity - window->to;
    return window->ptr + window->to;
}

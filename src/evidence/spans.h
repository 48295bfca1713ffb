/*
 * spans.h - when mail of public IPv4 addresses was let in or refused under each rule: the first and the last of it, and
 * how often. What the definitions say now can be held against that. Everything added commutes.
 */
#ifndef NSF_SPANS_H
#define NSF_SPANS_H

#include "core/mem.h"

struct nsf_span {
    uint64_t count; /* connections, or denied tuples; 0: the times are void */
    int64_t first_ms;
    int64_t last_ms;
};

struct nsf_spans {
    struct nsf_span *items; /* by target: a finding or a row of what joined nothing */
    size_t capacity;
    uint32_t n;
};

static inline void nsf_spans_release(struct nsf_spans *spans)
{
    nsf_free(spans->items);
    *spans = (struct nsf_spans){0};
}

static inline void nsf_span_join(struct nsf_span *span, const struct nsf_span *more)
{
    if (more->count == 0)
        return;
    if (span->count == 0 || more->first_ms < span->first_ms)
        span->first_ms = more->first_ms;
    if (span->count == 0 || more->last_ms > span->last_ms)
        span->last_ms = more->last_ms;
    span->count += more->count;
}

static inline void nsf_spans_add(struct nsf_spans *spans, uint32_t target, int64_t first_ms, int64_t last_ms)
{
    NSF_GROW(spans->items, spans->capacity, (size_t)target + 1);
    while (spans->n <= target)
        spans->items[spans->n++] = (struct nsf_span){0};
    nsf_span_join(&spans->items[target], &(struct nsf_span){1, first_ms, last_ms});
}

#endif

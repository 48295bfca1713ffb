#include "core/nsf_common.h"

#include "exposure/segments.h"

#include "core/mem.h"

/* A rule begins or ends to hold at this number. */
struct nsf_edge {
    nsf_u128 at;
    uint32_t rank;
    bool is_begin;
};

void nsf_segments_release(struct nsf_segments *segments)
{
    nsf_free(segments->items);
    nsf_free(segments->edges);
    nsf_free(segments->active);
    *segments = (struct nsf_segments){0};
}

static size_t words_of(uint32_t n_ranks)
{
    return ((size_t)n_ranks + 63) / 64;
}

/* `active` is a bit for each rank, and behind them a bit for each of those words that is not zero. */
void nsf_segments_begin(struct nsf_segments *segments, uint32_t n_ranks)
{
    size_t n_words = words_of(n_ranks) + words_of((uint32_t)words_of(n_ranks));
    NSF_GROW(segments->active, segments->active_capacity, n_words);
    if (n_words > 0)
        memset(segments->active, 0, n_words * sizeof(*segments->active));
    segments->n_edges = 0;
    segments->n = 0;
}

static void add_edge(struct nsf_segments *segments, nsf_u128 at, uint32_t rank, bool is_begin)
{
    NSF_GROW(segments->edges, segments->edges_capacity, segments->n_edges + 1);
    segments->edges[segments->n_edges++] = (struct nsf_edge){at, rank, is_begin};
}

void nsf_segments_add(struct nsf_segments *segments, uint32_t rank, const struct nsf_ranges *sources)
{
    for (size_t i = 0; i < sources->n; i++) {
        add_edge(segments, sources->items[i].first, rank, true);
        /* A range up to the largest number of all has no end. */
        if (sources->items[i].last != ~(nsf_u128)0)
            add_edge(segments, sources->items[i].last + 1, rank, false);
    }
}

static int cmp_edge(const void *left, const void *right)
{
    const struct nsf_edge *a = left, *b = right;
    return (a->at > b->at) - (a->at < b->at);
}

static void set_active(struct nsf_segments *segments, size_t n_words, uint32_t rank, bool is_active)
{
    uint64_t *word = &segments->active[rank / 64];
    uint64_t *summary = &segments->active[n_words + rank / 64 / 64];
    uint64_t bit = UINT64_C(1) << rank % 64, summary_bit = UINT64_C(1) << rank / 64 % 64;
    *word = is_active ? *word | bit : *word & ~bit;
    *summary = *word != 0 ? *summary | summary_bit : *summary & ~summary_bit;
}

/* The smallest active rank that is at least `from`. */
static uint32_t next_active(const struct nsf_segments *segments, size_t n_words, uint32_t from)
{
    size_t word = from / 64;
    if (word >= n_words)
        return NSF_RANK_NONE;
    uint64_t bits = segments->active[word] & (UINT64_MAX << from % 64);
    if (bits != 0)
        return (uint32_t)(word * 64 + (unsigned)__builtin_ctzll(bits));
    word++;
    size_t n_summaries = words_of((uint32_t)n_words);
    for (size_t s = word / 64; s < n_summaries; s++) {
        uint64_t summary = segments->active[n_words + s];
        if (s == word / 64)
            summary &= UINT64_MAX << word % 64;
        if (summary == 0)
            continue;
        size_t found = s * 64 + (unsigned)__builtin_ctzll(summary);
        return (uint32_t)(found * 64 + (unsigned)__builtin_ctzll(segments->active[found]));
    }
    return NSF_RANK_NONE;
}

/* Appends [first, last] with who is active now; grows the segment before it where nothing changed. */
static void emit(struct nsf_segments *segments, size_t n_words, nsf_u128 first, nsf_u128 last)
{
    uint32_t rank = next_active(segments, n_words, 0);
    if (rank == NSF_RANK_NONE)
        return;
    uint32_t second = next_active(segments, n_words, rank + 1);
    struct nsf_segment *end = segments->n == 0 ? NULL : &segments->items[segments->n - 1];
    if (end != NULL && end->range.last + 1 == first && end->first == rank && end->second == second) {
        end->range.last = last;
        return;
    }
    NSF_GROW(segments->items, segments->capacity, segments->n + 1);
    segments->items[segments->n++] = (struct nsf_segment){{first, last}, rank, second};
}

void nsf_segments_finish(struct nsf_segments *segments, uint32_t n_ranks)
{
    size_t n_words = words_of(n_ranks);
    if (segments->n_edges > 1)
        qsort(segments->edges, segments->n_edges, sizeof(*segments->edges), cmp_edge);
    for (size_t i = 0; i < segments->n_edges;) {
        nsf_u128 at = segments->edges[i].at;
        for (; i < segments->n_edges && segments->edges[i].at == at; i++)
            set_active(segments, n_words, segments->edges[i].rank, segments->edges[i].is_begin);
        emit(segments, n_words, at, i < segments->n_edges ? segments->edges[i].at - 1 : ~(nsf_u128)0);
    }
}

size_t nsf_segments_seek(const struct nsf_segments *segments, nsf_u128 address)
{
    size_t low = 0, high = segments->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (segments->items[mid].range.last < address)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

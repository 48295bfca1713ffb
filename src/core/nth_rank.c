#include "core/nsf_common.h"

#include "core/nth_rank.h"

#include "core/mem.h"
#include "core/radix_sort.h"

#define BINS_BITS 12

struct rank_bins {
    unsigned shift; /* zeros that all ranks begin with */
    uint32_t counts[1 << BINS_BITS];
    uint32_t bin; /* whose ranks are listed */
    uint64_t *ranks;
    size_t n;
    size_t capacity;
};

static uint32_t bin_of(const struct rank_bins *bins, uint64_t rank)
{
    return (uint32_t)(rank << bins->shift >> (64 - BINS_BITS));
}

static void count_rank(void *ctx, uint64_t rank)
{
    struct rank_bins *bins = ctx;
    bins->counts[bin_of(bins, rank)]++;
}

static void list_rank(void *ctx, uint64_t rank)
{
    struct rank_bins *bins = ctx;
    if (bin_of(bins, rank) != bins->bin)
        return;
    NSF_GROW(bins->ranks, bins->capacity, bins->n + 1);
    bins->ranks[bins->n++] = rank;
}

/* By bins of the leading bits, then within the one that holds it. */
uint64_t nsf_nth_rank(const void *ranks, nsf_each_rank_fn *each, uint64_t max, uint32_t n)
{
    struct rank_bins *bins = nsf_calloc(1, sizeof(*bins));
    bins->shift = (unsigned)__builtin_clzll(max | 1);
    each(ranks, count_rank, bins);
    uint32_t left = n;
    while (bins->counts[bins->bin] < left)
        left -= bins->counts[bins->bin++];
    each(ranks, list_rank, bins);
    nsf_radix_sort_u64(bins->ranks, bins->n, NULL);
    uint64_t rank = bins->ranks[left - 1];
    nsf_free(bins->ranks);
    nsf_free(bins);
    return rank;
}

#include "lib/seeded.h"

#include <stdio.h>
#include <stdlib.h>

void seeded_init(struct seeded *seeded, uint64_t seed)
{
    /* Neighbouring seeds must not begin alike; the state must not be 0. */
    seeded->state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (int i = 0; i < 8; i++)
        (void)seeded_next(seeded);
}

/* xorshift64* */
uint64_t seeded_next(struct seeded *seeded)
{
    uint64_t x = seeded->state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    seeded->state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

uint32_t seeded_below(struct seeded *seeded, uint32_t n)
{
    return (uint32_t)((seeded_next(seeded) >> 32) * n >> 32);
}

int seeded_per_mille(struct seeded *seeded, uint32_t n)
{
    return seeded_below(seeded, 1000) < n;
}

void seeded_ranks_init(struct seeded_ranks *ranks, uint32_t n)
{
    uint64_t end = 0;
    ranks->n = n;
    ranks->ends = malloc(n * sizeof(*ranks->ends));
    if (ranks->ends == NULL) {
        fprintf(stderr, "gen_logs: out of memory\n");
        exit(1);
    }
    for (uint32_t k = 0; k < n; k++) {
        end += (UINT64_C(1) << 40) / (k + 1);
        ranks->ends[k] = end;
    }
}

void seeded_ranks_release(struct seeded_ranks *ranks)
{
    free(ranks->ends);
    ranks->ends = NULL;
}

uint32_t seeded_rank(struct seeded *seeded, const struct seeded_ranks *ranks)
{
    uint64_t at = seeded_next(seeded) % ranks->ends[ranks->n - 1];
    uint32_t low = 0, high = ranks->n - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (ranks->ends[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

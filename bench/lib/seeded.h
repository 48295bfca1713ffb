/*
 * seeded.h - numbers that look random and are the same on every machine.
 *
 * Integers only: a power or a logarithm may differ in its last bit from one C library to the next.
 */
#ifndef BENCH_SEEDED_H
#define BENCH_SEEDED_H

#include <stdint.h>

struct seeded {
    uint64_t state;
};

void seeded_init(struct seeded *seeded, uint64_t seed);
uint64_t seeded_next(struct seeded *seeded);
/* 0 to n - 1; n > 0. */
uint32_t seeded_below(struct seeded *seeded, uint32_t n);
/* True so many times in a thousand. */
int seeded_per_mille(struct seeded *seeded, uint32_t n);

/*
 * Ranks 0 to n - 1, rank k about 1 / (k + 1) times as often as rank 0: a few that come all the time and a long tail of
 * those seen once. seeded_ranks_init allocates; a process that cannot ends.
 */
struct seeded_ranks {
    uint32_t n;
    uint64_t *ends; /* ends[k]: where rank k ends on a line of ends[n - 1] */
};

void seeded_ranks_init(struct seeded_ranks *ranks, uint32_t n);
void seeded_ranks_release(struct seeded_ranks *ranks);
uint32_t seeded_rank(struct seeded *seeded, const struct seeded_ranks *ranks);

#endif

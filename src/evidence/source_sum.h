/*
 * source_sum.h - the traffic of many sources as one, and which sources are told apart when there are too many.
 *
 * Pure functions on the caller's storage.
 */
#ifndef NSF_SOURCE_SUM_H
#define NSF_SOURCE_SUM_H

#include "core/hash.h"
#include "evidence/review.h"

/* NSF_SOURCE_SUM_INIT is the sum of nothing. */
struct nsf_source_sum {
    uint64_t sources;
    uint64_t late_senders; /* whose first message came after they had been summed: they have a row from then on */
    uint64_t connections;
    uint64_t attempts;
    uint64_t tuples;
    uint64_t classes[NSF_CLASSES];
    uint64_t with_counters; /* connections */
    struct nsf_counters counters;
    int64_t first_ms; /* INT64_MAX without tuples */
    int64_t last_ms;  /* INT64_MIN */
};

#define NSF_SOURCE_SUM_INIT ((struct nsf_source_sum){.first_ms = INT64_MAX, .last_ms = INT64_MIN})

void nsf_source_sum_join(struct nsf_source_sum *sum, const struct nsf_source_sum *more);
/* As the summed row of a rule. */
void nsf_source_sum_row(const struct nsf_source_sum *sum, struct nsf_mail_source *source);
void nsf_source_sum_traffic(const struct nsf_source_sum *sum, struct nsf_traffic *traffic);

/* Smaller ones are told apart first: who sent a message, then by a hash that is the same in every run. */
static inline uint64_t nsf_source_rank(struct nsf_ip src, bool has_message)
{
    uint64_t hash = nsf_hash_mix(src.lo, nsf_hash_mix(src.hi, UINT64_C(0x6e7367666c6f7725)));
    return hash >> 1 | (uint64_t)!has_message << 63;
}

#endif

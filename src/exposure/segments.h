/*
 * segments.h - who decides about which address: the first match by priority, for all addresses at once.
 *
 * Given the rules of one NSG in order of priority, each with its sources, it cuts a family's numbers into segments and
 * says of each which rule comes first there and which second (who would decide if the first were gone). Cost: n log n
 * for n ranges, however many rules there are. Storage of the struct is the caller's. One thread.
 */
#ifndef NSF_SEGMENTS_H
#define NSF_SEGMENTS_H

#include "exposure/ipset.h"

#define NSF_RANK_NONE UINT32_MAX

struct nsf_segment {
    struct nsf_range range;
    uint32_t first;  /* rank of the first rule that names these addresses */
    uint32_t second; /* of the next one, or NSF_RANK_NONE */
};

struct nsf_edge;

struct nsf_segments {
    struct nsf_segment *items; /* ascending, disjoint; where no rule names an address there is none */
    size_t n;
    size_t capacity;
    struct nsf_edge *edges; /* scratch, kept for the next NSG */
    size_t n_edges;
    size_t edges_capacity;
    uint64_t *active;
    size_t active_capacity;
};

void nsf_segments_release(struct nsf_segments *segments);
/* begin, add all rules (any order), finish. Ranks are below n_ranks; a rank is added once. */
void nsf_segments_begin(struct nsf_segments *segments, uint32_t n_ranks);
void nsf_segments_add(struct nsf_segments *segments, uint32_t rank, const struct nsf_ranges *sources);
void nsf_segments_finish(struct nsf_segments *segments, uint32_t n_ranks);
/* The first segment that ends at or behind `address`; segments->n when none does. */
size_t nsf_segments_seek(const struct nsf_segments *segments, nsf_u128 address);

#endif

/*
 * simulate.h - what if: the connections that were seen, played against drafted rules as Azure would ask them. First
 * match decides; rules that cover some destinations or source ports decide for those alone.
 *
 * A draft remembers which rules may match the source that was played last: one thread at a time, and sources cost least
 * in the order of their addresses.
 */
#ifndef NSF_SIMULATE_H
#define NSF_SIMULATE_H

#include "advice/draft.h"

enum nsf_fate {
    NSF_FATE_KEPT,
    NSF_FATE_REFUSED,
    NSF_FATE_UNSURE, /* it depends on the source port or the destination, or on what nobody can read */
};

enum nsf_origin {
    NSF_ORIGIN_PUBLIC,
    NSF_ORIGIN_PRIVATE,  /* inside: VirtualNetwork holds it */
    NSF_ORIGIN_BALANCER, /* 168.63.129.16: AzureLoadBalancer holds it */
};

/* All connections of one address under the changed rule. */
struct nsf_played {
    struct nsf_ip address;
    uint8_t origin; /* enum nsf_origin */
    bool has_more_destinations;
    uint32_t n_destinations;
    const struct nsf_ip *destinations;
    uint64_t messages;
};

/* One source: refused or unsure where some of its destinations are. */
enum nsf_fate nsf_simulate_source(struct nsf_draft *draft, const struct nsf_played *played);

struct nsf_what_if {
    uint64_t messages_kept;
    uint64_t messages_refused; /* the unsure ones too: a change that may refuse mail is no safe one */
    uint64_t messages_unsure;  /* of those */
};

/* Adds one source to the sums. */
enum nsf_fate nsf_what_if_add(struct nsf_what_if *what_if, struct nsf_draft *draft, const struct nsf_played *played);

#endif

/*
 * advise.h - what to do about one rule, in words and prefixes: who may go on, who would be refused, whom to ask.
 *
 * The change is drafted as rules and everything that was seen is played against the draft: what the advice says of kept
 * and refused mail is what came out.
 */
#ifndef NSF_ADVISE_H
#define NSF_ADVISE_H

#include "lists/lists.h"
#include "run/destination_lists.h"
#include "run/rule_mail.h"

/* A source under the rule that the change would touch, or that somebody has to be asked about. */
struct nsf_touched {
    struct nsf_ip address;
    uint32_t messages;
    uint32_t verdict : 4;       /* enum nsf_source_verdict */
    uint32_t destinations : 28; /* its list in nsf_advise_ask.destinations */
};

_Static_assert(sizeof(struct nsf_touched) == 24, "there are as many as sources");

struct nsf_advise_ask {
    const struct nsf_lists *lists;
    const struct nsf_finding *finding;
    const struct nsf_scan_nsg *nsg;
    const struct nsf_touched *touched; /* every source that is private or no hostile one, or that sent a message */
    size_t n_touched;
    const struct nsf_destination_lists *destinations;
    bool has_counters;
    uint64_t mail_beside_mx; /* messages to addresses that are no published MX; 0 where none are known */
};

/* Fills rule->recommendation, whose verdict stands; all texts are in `arena`. */
void nsf_advise(const struct nsf_advise_ask *ask, struct nsf_arena *arena, struct nsf_review_rule *rule);

#endif

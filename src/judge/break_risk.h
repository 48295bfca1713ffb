/*
 * break_risk.h - which share of mail a change would refuse, as an upper estimate from what was seen. Pure functions,
 * any thread.
 */
#ifndef NSF_BREAK_RISK_H
#define NSF_BREAK_RISK_H

#include "core/nsf_common.h"

/* Below this many messages no share can be told. */
#define NSF_BREAK_RISK_MESSAGES_MIN 30

struct nsf_break_risk_facts {
    uint64_t messages;        /* in the window */
    uint64_t held_out;        /* on the days behind the first 70 % */
    uint64_t held_out_lost;   /* of those, from networks that the first 70 % of days did not show */
    uint64_t single_networks; /* networks that sent exactly one message */
    bool has_counters;
};

/* In thousandths, rounded half up; -1: cannot be told. The larger of the held-out loss (upper end of the 95 % Wilson
 * interval) and the chance that the next message comes from a network never seen (Good and Turing). */
int32_t nsf_break_risk_permille(const struct nsf_break_risk_facts *facts);
/* N1 / N is over 5 %. */
bool nsf_has_new_senders(const struct nsf_break_risk_facts *facts);
/* Upper end of the 95 % Wilson score interval of k in n. */
double nsf_wilson_upper(uint64_t k, uint64_t n);

#endif

#include "core/nsf_common.h"

#include "judge/break_risk.h"

#include <math.h>

#define WILSON_Z 1.959963984540054 /* 97.5 % of the normal distribution lie below */
#define NEW_SENDERS_PERCENT 5

double nsf_wilson_upper(uint64_t k, uint64_t n)
{
    if (n == 0)
        return 0.0;
    double total = (double)n, share = (double)k / total, zz = WILSON_Z * WILSON_Z;
    double middle = share + zz / (2.0 * total);
    double half = WILSON_Z * sqrt(share * (1.0 - share) / total + zz / (4.0 * total * total));
    double upper = (middle + half) / (1.0 + zz / total);
    return upper < 1.0 ? upper : 1.0;
}

bool nsf_has_new_senders(const struct nsf_break_risk_facts *facts)
{
    return facts->messages > 0 && facts->single_networks * 100 > facts->messages * NEW_SENDERS_PERCENT;
}

int32_t nsf_break_risk_permille(const struct nsf_break_risk_facts *facts)
{
    if (facts->messages < NSF_BREAK_RISK_MESSAGES_MIN || !facts->has_counters)
        return -1;
    double held_out = nsf_wilson_upper(facts->held_out_lost, facts->held_out);
    double unseen = (double)facts->single_networks / (double)facts->messages;
    double share = held_out > unseen ? held_out : unseen;
    return (int32_t)floor(share * 1000.0 + 0.5);
}

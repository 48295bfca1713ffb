#include "core/nsf_common.h"

#include "judge/relay_state.h"

enum {
    RELAY_TIMES_SHIFTED = 3,
    RELAY_FIXED_MAX = 5,
    RELAY_TIMES_BASELINE = 3,
};

bool nsf_relay_is_pushed(const struct nsf_relay_facts *facts)
{
    if (facts->pushed_networks < NSF_RELAY_NETWORKS_MIN ||
        facts->pushed_networks < RELAY_TIMES_SHIFTED * facts->shifted_networks)
        return false;
    return !facts->has_days_without || facts->networks_without_tenths * 2 < facts->networks_with_tenths;
}

enum nsf_relay_state nsf_relay_state_of(const struct nsf_relay_facts *facts)
{
    if (!facts->is_examined)
        return NSF_RELAY_NOT_EXAMINED;
    if (facts->connections == 0)
        return NSF_RELAY_NO_OUTBOUND;
    if (nsf_relay_is_pushed(facts))
        return NSF_RELAY_OPEN_RELAY_LIKELY;
    if (facts->blocked_networks >= NSF_RELAY_NETWORKS_MIN)
        return NSF_RELAY_SPAM_BLOCKED;
    return facts->destinations <= RELAY_FIXED_MAX ? NSF_RELAY_TO_FIXED : NSF_RELAY_SENDS_AND_RECEIVES;
}

bool nsf_relay_has_fan_out(const struct nsf_relay_facts *facts)
{
    return facts->busiest_day_networks >= NSF_RELAY_NETWORKS_MIN &&
           facts->busiest_day_networks >= RELAY_TIMES_BASELINE * facts->median_day_networks;
}

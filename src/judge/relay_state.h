/*
 * relay_state.h - what the outbound mail of a NIC says: an ordinary server, an open relay, spam that Azure
 * holds back. Pure functions, any thread.
 *
 * Only public networks count. The days without a source's messages are all days of the window but those with some, and
 * what goes out on them is taken in the mean. A fan-out is 20 networks on a day and three times the median other day.
 * Of a source with very many messages the earliest NSF_TRAIT_TIMES_MAX are asked.
 */
#ifndef NSF_RELAY_STATE_H
#define NSF_RELAY_STATE_H

#include "evidence/review.h"

/* Fewer networks are no relaying and no spam. */
#define NSF_RELAY_NETWORKS_MIN 20

struct nsf_relay_facts {
    bool is_examined;              /* false: the logs hold no outbound flows to ask */
    uint64_t connections;          /* outbound to TCP 25 */
    uint32_t destinations;         /* distinct addresses */
    uint32_t busiest_day_networks; /* distinct public /24s on the fullest day */
    uint32_t median_day_networks;  /* of the other days */
    uint32_t blocked_networks;     /* distinct /24s on the fullest day on which four in five had no reply */
    /* of one source that is no known or likely sender: */
    uint32_t pushed_networks;         /* distinct public /24s that got mail within 300 s of its messages */
    uint32_t shifted_networks;        /* the same for moments an hour beside them */
    bool has_days_without;            /* some day of the window without its messages */
    uint32_t networks_with_tenths;    /* /24s a day on days with its messages */
    uint32_t networks_without_tenths; /* and on days without */
};

/* Mail goes out to many networks behind the messages of the source, and hardly at other times. */
bool nsf_relay_is_pushed(const struct nsf_relay_facts *facts);
enum nsf_relay_state nsf_relay_state_of(const struct nsf_relay_facts *facts);
/* Many more destinations on one day than on the others. */
bool nsf_relay_has_fan_out(const struct nsf_relay_facts *facts);

#endif

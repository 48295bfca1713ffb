/*
 * confidence.h - how far a verdict can be trusted: A to D, from the window, the hours of log in it and the counters.
 * Pure functions, any thread.
 *
 * The window counts as it was asked for, to the millisecond. C over a week wants counters in one connection of ten
 * (fewer are absent); over two weeks it wants none; half of the hours in both cases.
 */
#ifndef NSF_CONFIDENCE_H
#define NSF_CONFIDENCE_H

#include "core/nsf_common.h"

struct nsf_confidence_facts {
    int64_t window_ms;
    uint64_t hours_expected; /* window times NICs */
    uint64_t hours_seen;
    uint64_t connections;
    uint64_t with_counters;
    bool has_vnet4;    /* where there is no connection, the layout says whether there would be counters */
    bool is_smtp_only; /* denied and other-port evidence was left out: C at most */
};

char nsf_confidence_of(const struct nsf_confidence_facts *facts);

#endif

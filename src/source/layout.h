/*
 * layout.h - what the path of a flow log says: its hour and, for NSG flow logs, its NSG.
 *
 * Azure writes `.../y=2026/m=11/d=21/h=09/m=00/macAddress=.../PT1H.json` (the key m= is the month, then the minute),
 * and before it `resourceId=/SUBSCRIPTIONS/.../NETWORKSECURITYGROUPS/<name>` or `flowLogResourceID=...`. The path
 * serves to prune, never as identity. Pure functions, any thread; slices are parts of the path given.
 */
#ifndef NSF_LAYOUT_H
#define NSF_LAYOUT_H

#include "source/source.h"

struct nsf_path_layout {
    int64_t hour;            /* since 1970, NSF_HOUR_NONE when the path does not say */
    struct nsf_slice nsg_id; /* "/SUBSCRIPTIONS/.../NETWORKSECURITYGROUPS/<name>", absent when the path does not say */
    struct nsf_slice flow_log; /* what stands before the hour: the same for all logs of one flow log; absent likewise */
    struct nsf_slice mac;      /* behind macAddress=, absent when the path does not say */
};

/* The last y=/m=/d=/h= run of the path counts, whatever stands before and behind it. */
struct nsf_path_layout nsf_layout_parse(struct nsf_slice path);

/* Whether a log of that hour can hold flows of [since, until): an hour more on both sides, since the first record of an
 * hour holds flows of the hour before. NSF_TS_NONE is no bound, NSF_HOUR_NONE is always inside. */
bool nsf_layout_is_in_window(int64_t hour, int64_t since_ms, int64_t until_ms);

enum nsf_wanted {
    NSF_WANTED,
    NSF_WANTED_OUTSIDE, /* of the window */
    NSF_WANTED_PRUNED,  /* within the window, but nobody wants its NSG */
};

enum nsf_wanted nsf_layout_is_wanted(struct nsf_slice path, const struct nsf_list_filter *filter, int64_t *hour);

#endif

/*
 * trend.h - what the runs of a store found over time: when each exposure was first seen, last seen and closed.
 *
 * A finding is an NSG and a rule, without case. It is closed by the first run that examined its NSG, or at least others
 * of its subscription, and did not find it; found again it is a new one. A run over other subscriptions says nothing of
 * it. Plain data, owned by the arena; read-only once made.
 */
#ifndef NSF_TREND_H
#define NSF_TREND_H

#include "core/arena.h"
#include "core/clock.h"

/* The state at one moment. */
struct nsf_trend_point {
    int64_t ts_ms; /* start of the run */
    uint64_t nsgs; /* examined */
    uint64_t exposed;
    uint64_t partial;
    uint64_t unknown;
    uint64_t findings;
    uint64_t with_owner;  /* findings whose NSG has an owner tag */
    uint64_t with_reason; /* findings whose rule has a description */
    uint64_t with_both;
};

struct nsf_trend_finding {
    struct nsf_slice nsg; /* as the run spelt it that saw it first */
    struct nsf_slice rule;
    int64_t first_ms;
    int64_t last_ms;
    int64_t closed_ms; /* NSF_TS_NONE: open */
    bool is_baseline;  /* there when the first run looked: since when nobody knows */
};

struct nsf_trend_week {
    int64_t from_ms;             /* its Monday */
    struct nsf_trend_point last; /* of its last run */
    uint64_t n_new;              /* without the baseline */
    uint64_t n_closed;
};

struct nsf_trend {
    struct nsf_arena arena;
    uint64_t n_runs; /* with rules */
    struct nsf_trend_point
        *points; /* ascending: the first run, those that found something else than the one before, the last */
    size_t n_points;
    struct nsf_trend_finding *findings; /* by NSG without case, rule, first seen */
    size_t n_findings;
    struct nsf_trend_week *weeks; /* ISO weeks with a run, ascending */
    size_t n_weeks;
    uint64_t n_open;
    uint64_t n_closed;
    int64_t median_ms; /* from first seen to closed; -1: nothing was closed */
};

void nsf_trend_release(struct nsf_trend *trend);

#endif

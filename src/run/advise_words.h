/*
 * advise_words.h - a decided change of one rule as sentences: what to do, and what to mind.
 */
#ifndef NSF_ADVISE_WORDS_H
#define NSF_ADVISE_WORDS_H

#include "advice/simulate.h"
#include "run/advise.h"

/* Lists that nobody reads help nobody; the rest is counted in a note. */
#define NSF_ADVISED_LINES_MAX 1000
#define NSF_ADVISED_PROVIDERS_MAX 8

struct nsf_advised_provider {
    struct nsf_slice name;
    struct nsf_list_origin origin;
};

struct nsf_advised {
    const struct nsf_advise_ask *ask;
    const struct nsf_review_rule *rule;
    bool is_restricting;
    struct nsf_allowlist allow;                                       /* finished */
    struct nsf_allowlist questions;                                   /* networks in question, sorted */
    struct nsf_advised_provider providers[NSF_ADVISED_PROVIDERS_MAX]; /* whose ranges the list holds */
    size_t n_providers;
    bool has_private; /* private sources, or the load balancer's probe */
    struct nsf_draft draft;
    struct nsf_room room;
    bool has_no_place_above; /* no priority is free for a Deny, so the rule is split */
    struct nsf_what_if what_if;
    uint64_t messages_by_answers; /* kept with a yes to every question, beyond those kept without */
    uint64_t messages_refused_today;
};

/* Fills the action and the notes; addresses_open_after stands. The texts are in `arena`. */
void nsf_advise_in_words(const struct nsf_advised *advised, struct nsf_arena *arena, struct nsf_recommendation *advice);

#endif

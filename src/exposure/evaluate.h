/*
 * evaluate.h - the inside of the evaluator, shared by the files that decide and the files that describe.
 *
 * Rules that matter are kept by rank: their place in the order of priority. Rules that are equally narrow form a class;
 * each class has its own segments, made of all rules wide enough to take from it and of its own.
 */
#ifndef NSF_EVALUATE_H
#define NSF_EVALUATE_H

#include "exposure/defaults.h"
#include "exposure/exposure.h"
#include "exposure/reading.h"
#include "exposure/segments.h"

/* A rule for inbound traffic to the port, or one of which that is not known. */
struct nsf_candidate {
    struct nsf_reading *reading;
    uint32_t class_idx; /* of an Allow */
    bool is_admin;      /* AlwaysAllow of a network manager: before all rules of the NSG */
    bool may_take;
    bool is_allow; /* matches and allows */
    bool is_dark;  /* an Allow of which nobody can say whether it matches */
    bool is_shadowed;
    bool has_cloud;   /* AzureCloud is left */
    bool has_unknown; /* something that cannot be read or expanded is left */
    bool opens_limit;
    bool is_finding;
    struct nsf_ipset open; /* what is left of the sources */
    struct nsf_ipset open_public;
    uint64_t n_ipv4; /* public */
    nsf_u128 n_ipv6;
};

/* A Deny of a network manager, and what earlier admin rules leave of its sources. */
struct nsf_admin_deny {
    const struct nsf_reading *reading;
    struct nsf_ipset takes;
};

struct nsf_class_token {
    struct nsf_token token;
    uint32_t rank;
};

struct nsf_class {
    const struct nsf_narrowing *narrowing; /* of its first rule */
    uint32_t only_rank;                    /* of an Allow that shares its class with nobody; else NSF_RANK_NONE */
    uint32_t *takers;                      /* ranks of all rules that take from this class, ascending */
    size_t n_takers;
    size_t takers_capacity;
    uint32_t first_all;             /* the first taker whose sources are everything */
    uint32_t first_internet;        /* ... name the Internet */
    struct nsf_class_token *tokens; /* of takers, by token, rank */
    size_t n_tokens;
    size_t tokens_capacity;
    struct nsf_segments segments[NSF_FAMILY_N];
};

struct nsf_evaluator {
    struct nsf_exposure_settings settings;
    struct nsf_tags tags;
    struct nsf_ipset public_space;
    struct nsf_reading *readings; /* as many as there ever were, reused */
    size_t n_readings;
    size_t readings_capacity;
    size_t n_read; /* of this NSG, the default rules included */
    struct nsf_defaults defaults;
    struct nsf_admin_deny *admin_denies; /* that reach this NSG */
    size_t n_admin_denies;
    size_t n_admin_denies_made;
    size_t admin_denies_capacity;
    struct nsf_candidate *candidates; /* by rank; the reused memory lies behind n_candidates too */
    size_t n_candidates;
    size_t n_candidates_made;
    size_t candidates_capacity;
    struct nsf_class *classes;
    size_t n_classes;
    size_t n_classes_made;
    size_t classes_capacity;
    struct nsf_ipset scratch[3];
    struct nsf_slice *names; /* scratch for lists of texts */
    size_t n_names;
    size_t names_capacity;
};

/* The verdict of some Allows of an NSG, as if there were no others. */
struct nsf_extent {
    enum nsf_exposure verdict;
    uint64_t n_ipv4;
    nsf_u128 n_ipv6;
};

enum nsf_v6_extent nsf_v6_extent_of(nsf_u128 n_public);
/* A Deny took IPv4 addresses from this Allow. */
bool nsf_candidate_lost_ipv4(const struct nsf_evaluator *evaluator, uint32_t rank);
/* Whether taker `by` comes first for this source token of the rule `rank`, and is not the rule itself. `gone` is left
 * out, NSF_RANK_NONE leaves out nobody. Returns the taker or NSF_RANK_NONE. */
uint32_t nsf_token_taker(const struct nsf_evaluator *evaluator, uint32_t rank, struct nsf_token token, uint32_t gone);
/* Whether the Allow's own wider entries hold the token. */
bool nsf_token_is_covered(const struct nsf_reading *reading, struct nsf_token token);

/* admin.c: reads the admin rules behind the readings of the NSG's own (from idx on) and applies them to each other.
 * Returns how many readings were used. After it readings[idx + i] with match YES or UNREADABLE and is_allow are the
 * AlwaysAllow rules to put before all others. */
size_t nsf_admin_read(struct nsf_evaluator *evaluator, const struct nsf_admin_rule *const *rules, size_t n, size_t idx);
/* What admin rules stop of a finding, as a gate; false: nothing. */
bool nsf_admin_gate(struct nsf_evaluator *evaluator, uint32_t rank, struct nsf_arena *keep, struct nsf_gate *gate);
/* inbound.c: the candidates as plain data, and what room the NSG has for more. */
const struct nsf_inbound *nsf_inbound_keep(const struct nsf_evaluator *evaluator, const struct nsf_nsg *nsg,
                                           struct nsf_arena *keep);
/* A copy whose ranges are in `keep`. */
struct nsf_ipset nsf_ipset_keep(const struct nsf_ipset *set, struct nsf_arena *keep);

/* exposure.c */
void nsf_evaluator_add_reading(struct nsf_evaluator *evaluator, const struct nsf_rule *rule, size_t idx);
void nsf_admin_release(struct nsf_evaluator *evaluator);

/* describe.c: rows of the result. */
void nsf_describe_finding(struct nsf_evaluator *evaluator, uint32_t rank, enum nsf_exposure nsg_verdict,
                          bool is_together, struct nsf_arena *keep, struct nsf_finding *finding);
void nsf_describe_shadowed(struct nsf_evaluator *evaluator, uint32_t rank, struct nsf_arena *keep,
                           struct nsf_shadowed *shadowed);
/* Adds sentences about rules that cannot be read and tags that nobody expands to evaluator->names (in `keep`). */
void nsf_describe_notes(struct nsf_evaluator *evaluator, const struct nsf_nsg *nsg, struct nsf_arena *keep);

/* Scratch list of texts: reset, add, then take a sorted copy without duplicates. */
void nsf_names_add(struct nsf_evaluator *evaluator, struct nsf_slice name);
struct nsf_slices nsf_names_take(struct nsf_evaluator *evaluator, struct nsf_arena *keep);

#endif

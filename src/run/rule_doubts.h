/*
 * rule_doubts.h - what the counts of a rule do not say: sources that something in front hides, destinations that are
 * not the interfaces' own, connections without a way in, and what the logs lack. Each becomes a sentence of the review.
 */
#ifndef NSF_RULE_DOUBTS_H
#define NSF_RULE_DOUBTS_H

#include "evidence/evidence.h"

#define NSF_SIGHTED_ADDRESSES 3

/* The smallest few of many addresses. */
struct nsf_sighted {
    struct nsf_ip items[NSF_SIGHTED_ADDRESSES];
    uint32_t n;
    bool has_more;
};

/* What is met while the sources of one rule are read. */
struct nsf_rule_sightings {
    uint64_t sources;
    uint64_t sources_outside;    /* from public addresses */
    uint64_t inside_connections; /* from private and VNet addresses, without health probes */
    uint64_t probe_connections;
    uint64_t sources_to_others; /* that reached an address which no interface has by itself */
    struct nsf_sighted inside;
    struct nsf_sighted other_destinations;
    struct nsf_ip *own; /* addresses of the interfaces, ascending; none where the input does not show them all */
    size_t n_own;
};

void nsf_rule_sightings_init(struct nsf_rule_sightings *sightings, const struct nsf_scan_nsg *nsg);
void nsf_rule_sightings_release(struct nsf_rule_sightings *sightings);

#define NSF_PATH_NSGS 3

/* The other NSGs on the path to a rule: an allowed connection is logged by the last one that let it in. */
struct nsf_rule_path {
    const struct nsf_scan_nsg *open[NSF_PATH_NSGS]; /* that let mail in at its interfaces */
    size_t n_open;
    const struct nsf_scan_nsg *dark; /* that the definitions show there and no log covers, or NULL */
};

/* Finds them. */
void nsf_rule_path_read(const struct nsf_evidence *evidence, const struct nsf_scan *scan,
                        const struct nsf_finding *finding, const struct nsf_coverage *coverage,
                        struct nsf_rule_path *path);

void nsf_rule_sight(struct nsf_rule_sightings *sightings, const struct nsf_mail_source *source);

/* 95 in 100 connections that are no health probes come from inside. */
bool nsf_rule_is_masked(const struct nsf_rule_sightings *sightings, uint64_t connections);

/* Fills rule->doubts; texts in the arena. */
void nsf_rule_doubts(const struct nsf_rule_sightings *sightings, const struct nsf_rule_path *path,
                     const struct nsf_scan_nsg *nsg, struct nsf_arena *arena, struct nsf_review_rule *rule);

#endif

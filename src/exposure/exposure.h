/*
 * exposure.h - which rules of one NSG let the internet reach a TCP port: set arithmetic, nothing else.
 *
 * Inbound rules are taken in order of priority and the first match decides. What an Allow opens is its sources, less
 * what earlier rules took, cut to public space. An earlier rule takes its sources from a later Allow only if its source
 * ports and its destinations each contain the Allow's. See exposure/words.h for what the words of a rule mean.
 *
 * The evaluator holds memory that is used again for every NSG and the expanded service tags; one thread at a time. What
 * it says depends on the NSG, the settings and the tag table alone, not on the order of rules or members.
 */
#ifndef NSF_EXPOSURE_H
#define NSF_EXPOSURE_H

#include "exposure/ipset.h"
#include "exposure/scan.h"
#include "exposure/tags.h"
#include "rules/attachment.h"

/* Exceptions of somebody else's list: NULL where there is none for the rule. */
struct nsf_exception_lookup {
    void *ctx;
    const struct nsf_exception *(*find)(void *ctx, struct nsf_slice nsg_id, struct nsf_slice nsg_name,
                                        struct nsf_slice rule); /* NULL: no list */
};

struct nsf_exposure_settings {
    uint16_t port;
    uint64_t partial_ipv4;         /* public addresses from which on an NSG is partial */
    unsigned partial_ipv6_bits;    /* the same for IPv6, as a power of two */
    uint64_t exposed_missing_ipv4; /* of all public IPv4 at most this many may be closed in an exposed NSG */
    bool has_rule_table;           /* fill nsf_scan_nsg.rules and .inbound (a review needs them, a scan does not) */
    bool has_opens;                /* fill nsf_exposure_result.opens (pairs of NSGs need them) */
    struct nsf_tag_lookup tags;
    struct nsf_exception_lookup exceptions;
};

/* What one Allow lets in. The ranges are in the arena of the result: not to be released. */
struct nsf_opening {
    struct nsf_slice rule;
    struct nsf_ipset set; /* public addresses */
    bool has_cloud;       /* AzureCloud, whose addresses are not known */
    bool has_unknown;     /* something that cannot be read or expanded */
};

#define NSF_EXPOSURE_SETTINGS_INIT                                                                                     \
    {                                                                                                                  \
        .port = 25, .partial_ipv4 = 1u << 24, .partial_ipv6_bits = 112, .exposed_missing_ipv4 = 1u << 24               \
    }

/* What one NSG gave. `nsg_idx` of the rows is 0. finding_idx in nsg.rules counts from 0 in this result. */
struct nsf_exposure_result {
    struct nsf_scan_nsg nsg;
    struct nsf_finding *findings; /* by priority, rule */
    size_t n_findings;
    struct nsf_shadowed *shadowed; /* by priority, rule */
    size_t n_shadowed;
    struct nsf_opening *opens; /* of each Allow that opens something public, or may; by priority */
    size_t n_opens;
    struct nsf_slice closed_by; /* the Deny that stops most public addresses; absent: none does */
    uint64_t n_rules;           /* custom inbound and outbound rules, for key figures */
    uint64_t n_rules_described;
};

struct nsf_evaluator;

struct nsf_evaluator *nsf_evaluator_new(const struct nsf_exposure_settings *settings);
void nsf_evaluator_free(struct nsf_evaluator *evaluator);
/* Borrows nsg; all that *result points to is in `keep`. `admin` are the rules of network managers that reach the NSG,
 * by priority: Deny stops what NSG rules open (a gate of the finding), AlwaysAllow comes first and is a finding of its
 * own, Allow leaves it to the NSG. */
void nsf_evaluate(struct nsf_evaluator *evaluator, const struct nsf_nsg *nsg, const struct nsf_admin_rule *const *admin,
                  size_t n_admin, struct nsf_arena *keep, struct nsf_exposure_result *result);

#endif

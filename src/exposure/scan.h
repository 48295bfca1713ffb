/*
 * scan.h - the result of the scanning core: which NSG lets the internet reach TCP 25, by which rules.
 *
 * Plain data of one run, owned by its arena and read-only once nsf_scan_finish has run (any thread may read then).
 * Written by exposure/, read by evidence/ (the join), judge/, advice/ and report/.
 *
 * Order: `nsgs` by id without case; `findings` and `shadowed` by NSG, priority, rule.
 */
#ifndef NSF_SCAN_H
#define NSF_SCAN_H

#include "core/arena.h"
#include "core/err.h"
#include "exposure/inbound.h"
#include "rules/nsg.h"

enum nsf_exposure {
    NSF_EXPOSURE_CLOSED,
    NSF_EXPOSURE_RESTRICTED,
    NSF_EXPOSURE_UNKNOWN,
    NSF_EXPOSURE_PARTIAL,
    NSF_EXPOSURE_EXPOSED,
};

enum nsf_v6_extent {
    NSF_V6_NONE,
    NSF_V6_PART,
    NSF_V6_FULL,
};

/* What the join needs of every rule of every NSG, findings or not. */
enum nsf_rule_role {
    NSF_RULE_ROLE_OTHER,    /* opens no public address to TCP 25, or is a Deny, or outbound */
    NSF_RULE_ROLE_FINDING,  /* `finding_idx` */
    NSF_RULE_ROLE_SHADOWED, /* an Allow for TCP 25 whose sources earlier rules took */
};

struct nsf_scan_rule {
    struct nsf_slice name; /* as defined */
    enum nsf_rule_role role;
    bool is_default;
    bool is_allow;        /* an Allow that matches TCP 25, or may */
    uint32_t priority;    /* 0: unreadable */
    uint32_t finding_idx; /* with NSF_RULE_ROLE_FINDING */
};

struct nsf_scan_nsg {
    struct nsf_slice id;
    struct nsf_slice name;
    struct nsf_slice guid;  /* absent: not known */
    struct nsf_slice owner; /* absent: not known */
    enum nsf_exposure verdict;
    bool is_latent;
    bool has_attachment; /* subnets or networkInterfaces stood in the input */
    uint64_t public_ipv4;
    enum nsf_v6_extent public_ipv6;
    struct nsf_slices attached_to; /* subnet and NIC ids, ascending */
    struct nsf_slices nic_macs;    /* of attached NICs, where known */
    struct nsf_slices nic_addresses; /* their own addresses, where all are known */
    bool is_public_path_known;     /* the input shows the interfaces behind it and their public addresses */
    bool has_public_path;          /* one of them has a public address or stands behind a load balancer */
    struct nsf_slices notes;
    struct nsf_scan_rule *rules; /* inbound rules only, by name without case, default rules included */
    size_t n_rules;
    const struct nsf_inbound *inbound; /* NULL: it has no finding, or nobody asked for it */
    struct nsf_place place;
};

struct nsf_reduced_by {
    struct nsf_slice rule;
    bool is_part; /* it matches only some source ports or destinations and therefore takes nothing */
};

/* What else stands on the path to the finding's NSG: the NSG on the other side (subnet or interface), or admin rules of
 * a network manager. Traffic has to pass both. */
enum nsf_gate_kind {
    NSF_GATE_SUBNET_NSG,
    NSF_GATE_NIC_NSG,
    NSF_GATE_ADMIN_RULES,
};

struct nsf_gate {
    enum nsf_gate_kind kind;
    struct nsf_slice nsg;    /* id; absent for admin rules */
    struct nsf_slices rules; /* those that decide there: that let the same sources in, or that stop them */
    bool is_open;            /* it lets some of the finding's sources in, or may */
    uint64_t public_ipv4;    /* what passes both */
    enum nsf_v6_extent public_ipv6;
    uint64_t n_nics; /* interfaces on which the two stand together; 0 for admin rules */
};

/* Somebody has accepted the rule as it is. */
struct nsf_exception {
    struct nsf_slice owner;  /* absent: not said */
    struct nsf_slice reason; /* absent: not said */
    int64_t expires_ms;      /* NSF_TS_NONE: never */
    int64_t deadline_ms;     /* by when the rule had to be closed; NSF_TS_NONE: not said */
    bool is_expired;         /* it counts again */
    bool is_past_deadline;
};

struct nsf_finding {
    uint32_t nsg_idx;
    struct nsf_slice rule;
    uint32_t priority;
    enum nsf_exposure verdict;
    bool is_latent;
    struct nsf_slices sources;     /* the prefixes responsible, as spelt */
    struct nsf_slices ports;       /* the destination port entries that cover the port, as spelt */
    struct nsf_slices all_ports;   /* every destination port entry of the rule */
    struct nsf_slices all_sources; /* every source entry of the rule */
    struct nsf_slices destinations;
    struct nsf_slice protocol;
    struct nsf_slice description;
    bool opens_other_ports;
    uint64_t public_ipv4;
    enum nsf_v6_extent public_ipv6;
    struct nsf_reduced_by *reduced_by;
    size_t n_reduced_by;
    struct nsf_slices still_open_via; /* rule names, ascending */
    struct nsf_gate *gates;           /* by kind, NSG without case */
    size_t n_gates;
    bool is_blocked;                       /* on every known path another gate stops all of its sources: latent then */
    bool decides_all; /* it lets in every public IPv4 address wherever it goes, and nothing before it takes any */
    bool is_admin_rule;                    /* AlwaysAllow of a network manager: it comes before the NSG */
    const struct nsf_exception *exception; /* NULL: none; lives as long as the list it came from */
    struct nsf_slice note;                 /* one sentence */
    struct nsf_place place;
};

struct nsf_shadowed {
    uint32_t nsg_idx;
    struct nsf_slice rule;
    uint32_t priority;
    struct nsf_slices by;
};

/* A finding of another tool (or of an earlier scan) about the port, beside ours. */
struct nsf_peer_row {
    struct nsf_slice tool;
    struct nsf_slice check;
    struct nsf_slice nsg;    /* as the other tool spells it */
    struct nsf_slice rule;   /* absent: it judges the whole NSG */
    struct nsf_slice theirs; /* its verdict, as it spells it */
    bool is_theirs_open;
    bool is_theirs_known;
    bool has_ours;          /* the input has rules of this NSG */
    enum nsf_exposure ours; /* with has_ours: of the NSG */
    bool is_agreed;
    struct nsf_slice reason; /* one sentence where they do not agree; else absent */
    struct nsf_place place;
};

struct nsf_problem; /* core/problem.h */

struct nsf_scan {
    struct nsf_arena arena;
    struct nsf_scan_nsg *nsgs;
    size_t n_nsgs;
    struct nsf_finding *findings;
    size_t n_findings;
    struct nsf_shadowed *shadowed;
    size_t n_shadowed;
    struct nsf_peer_row *peers; /* by NSG without case, tool, check, rule */
    size_t n_peers;
    uint64_t n_files;
    uint16_t port;              /* 25 unless --port says otherwise */
    uint64_t n_rules;           /* custom rules of all NSGs, for key figures */
    uint64_t n_rules_described; /* those with a description */
    uint64_t n_rules_owned;     /* those of an NSG with an owner */
};

/* It has an exception that still holds. */
static inline bool nsf_finding_is_accepted(const struct nsf_finding *finding)
{
    return finding->exception != NULL && !finding->exception->is_expired;
}

const char *nsf_gate_kind_name(enum nsf_gate_kind kind);   /* "subnet_nsg", "nic_nsg", "admin_rules" */
const char *nsf_exposure_name(enum nsf_exposure exposure); /* "exposed", ... */
const char *nsf_v6_extent_name(enum nsf_v6_extent extent); /* "full", "part", "none" */

#endif

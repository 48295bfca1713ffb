/*
 * inbound.h - the rules of one NSG that may decide about the port, in the order in which Azure asks them: what a draft
 * of other rules is made from and held against.
 *
 * Plain data in the arena of the scan, read-only once it is there; the sets must not be released.
 */
#ifndef NSF_INBOUND_H
#define NSF_INBOUND_H

#include "core/slice.h"
#include "exposure/ipset.h"

struct nsf_inbound_rule {
    struct nsf_slice name;
    uint32_t priority;
    bool is_admin; /* AlwaysAllow of a network manager: before all rules of the NSG */
    bool is_allow;
    bool is_unsure; /* nobody can say whether it matches */
    /* who: the addresses, and words that have none or more than these */
    struct nsf_ipset sources;
    bool has_internet;
    bool has_vnet;     /* VirtualNetwork */
    bool has_balancer; /* AzureLoadBalancer */
    bool has_unknown;  /* a tag that nobody expands, an application security group, text that cannot be read */
    /* what of it: a rule may speak of some source ports or destinations only */
    bool is_any_source_port;
    bool is_any_target;
    bool has_named_target; /* an application security group or a tag among them */
    struct nsf_ipset targets;
};

struct nsf_inbound {
    struct nsf_inbound_rule *rules; /* that match the port, or may; first match decides */
    size_t n_rules;
    uint16_t *priorities; /* of all inbound rules but the default ones, ascending, each once */
    size_t n_priorities;
    uint64_t n_custom_rules;    /* both directions, without the default ones */
    uint64_t n_source_prefixes; /* of those */
};

#endif

/*
 * estate.h - what the input shows of interfaces, subnets and network managers: which NSG stands where, and with which
 * other.
 *
 * Filled before the first NSG comes, then asked. Texts are copied. One thread.
 */
#ifndef NSF_ESTATE_H
#define NSF_ESTATE_H

#include "core/arena.h"
#include "rules/attachment.h"

struct nsf_estate_nic {
    struct nsf_slice id;
    struct nsf_slice mac;
    struct nsf_slice nsg; /* absent: none, or not shown */
    struct nsf_slices subnets;
    struct nsf_slices addresses; /* its own, private ones */
    bool has_nsg;
    bool has_public_ips;
    bool is_public; /* has a public address or stands behind a load balancer */
};

/* An interface under the id of its NSG or of a subnet. */
struct nsf_estate_key {
    struct nsf_slice id;
    uint32_t nic_idx;
};

struct nsf_estate_index {
    struct nsf_estate_key *items; /* by id without case, then interface */
    size_t n;
    size_t capacity;
};

struct nsf_estate {
    struct nsf_arena arena;
    struct nsf_estate_nic *nics; /* by id without case once finished, each once */
    size_t n_nics;
    size_t nics_capacity;
    struct nsf_subnet *subnets; /* the same */
    size_t n_subnets;
    size_t subnets_capacity;
    struct nsf_admin_rule *admin_rules; /* inbound ones, by priority, name */
    size_t n_admin_rules;
    size_t admin_capacity;
    struct nsf_estate_index by_nsg;
    struct nsf_estate_index by_subnet;
    bool is_finished;
};

void nsf_estate_init(struct nsf_estate *estate);
void nsf_estate_release(struct nsf_estate *estate);
void nsf_estate_add(struct nsf_estate *estate, const struct nsf_attachment *attachment);
/* Sorts and joins rows of one id. Nothing is added after it. Again does nothing. */
void nsf_estate_finish(struct nsf_estate *estate);

/* NULL: the input does not show it. */
const struct nsf_estate_nic *nsf_estate_nic(const struct nsf_estate *estate, struct nsf_slice id);

/* Whether an interface of this subnet is shown. */
bool nsf_estate_has_subnet(const struct nsf_estate *estate, struct nsf_slice subnet);

/* Adds to *nsg what the estate knows of its places; new lists are in `scratch`, the rules are as they were.
 * *has_public_path and *is_known are about the interfaces behind it. */
void nsf_estate_attach(const struct nsf_estate *estate, struct nsf_nsg *nsg, struct nsf_arena *scratch, bool *is_known,
                       bool *has_public_path);

/* Whether the admin rule speaks of (some of) the networks that the NSG stands in. Where neither the rule nor the NSG
 * says where it stands, it does. *is_whole: of all of them. */
bool nsf_estate_rule_reaches(const struct nsf_estate *estate, const struct nsf_admin_rule *rule,
                             const struct nsf_nsg *nsg, bool *is_whole);

#endif

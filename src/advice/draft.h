/*
 * draft.h - the rules of an NSG as they would be after a change of one of them: what a what-if is asked of. Azure's
 * limits for such a change.
 *
 * A draft is a list of rules in the order in which Azure asks them; it borrows the sets of the rules it was made from.
 * One thread at a time.
 */
#ifndef NSF_DRAFT_H
#define NSF_DRAFT_H

#include "advice/allowlist.h"
#include "exposure/scan.h"

/* Rules of one NSG and source prefixes over all of them that Azure accepts; where priorities begin and end. */
#define NSF_NSG_RULES_MAX 1000
#define NSF_NSG_PREFIXES_MAX 4000
#define NSF_PRIORITY_MIN 100
#define NSF_PRIORITY_MAX 4096

enum nsf_draft_kind {
    NSF_DRAFT_NONE,
    NSF_DRAFT_DELETE,     /* the rule goes */
    NSF_DRAFT_NARROW,     /* its sources become the allow-list */
    NSF_DRAFT_SPLIT,      /* it keeps its other ports; an Allow of the list for the port takes its place */
    NSF_DRAFT_DENY_ABOVE, /* it stays; above it a Deny of the port from Internet, above that an Allow of the list */
};

/* How to close the port (is_closing), or open it to a list alone. A rule that opens other ports keeps them. The Deny is
 * for rules with nothing behind them: it would cut what later rules let in on purpose. */
enum nsf_draft_kind nsf_draft_kind_for(const struct nsf_finding *finding, bool is_closing);

/* The rules that may match an address, and all addresses beside it for which these are the same: sources that are
 * played in order mostly share them. */
struct nsf_draft_near {
    bool is_known;
    uint8_t origin; /* enum nsf_origin */
    enum nsf_family family;
    struct nsf_range range;
    uint32_t *rules;
    size_t capacity;
    size_t n;
};

struct nsf_draft {
    struct nsf_inbound_rule *rules; /* first match decides */
    size_t n_rules;
    struct nsf_ipset allow; /* the sources of the Allow */
    const struct nsf_inbound *inbound;
    const struct nsf_finding *finding;
    size_t finding_at; /* its index in inbound->rules; inbound->n_rules: it is none of them */
    size_t added_at;   /* where the draft's own rules begin in `rules` */
    enum nsf_draft_kind change;
    bool has_vnet_allow;
    bool has_balancer_allow;
    struct nsf_draft_near near; /* void until something is played */
};

/* Borrows all but the list. `inbound` NULL is an NSG without rules. The list is finished and may be empty. */
void nsf_draft_init(struct nsf_draft *draft, const struct nsf_inbound *inbound, const struct nsf_finding *finding,
                    enum nsf_draft_kind change, const struct nsf_allowlist *allow);
void nsf_draft_release(struct nsf_draft *draft);
/* Adds an Allow where the changed rule stands: for VirtualNetwork, for AzureLoadBalancer. Again does nothing. */
void nsf_draft_allow_vnet(struct nsf_draft *draft);
void nsf_draft_allow_balancer(struct nsf_draft *draft);

/* Public IPv4 addresses that get in by the list, or that the changed rule lets in today and another rule would. */
uint64_t nsf_draft_open_ipv4(const struct nsf_draft *draft);

/* Takes from the list what the finding's rule does not let in today: a change narrows, it never widens. A rule whose
 * sources are words that nobody can count (Internet, a tag) keeps all of it. */
void nsf_draft_clip(const struct nsf_inbound *inbound, const struct nsf_finding *finding, struct nsf_allowlist *list);

/* Whether Azure would take it. IPv4 and IPv6 cannot stand in one rule. */
struct nsf_room {
    uint64_t n_rules;    /* of the NSG after the change */
    uint64_t n_prefixes; /* source prefixes over all rules */
    uint32_t n_slots;    /* priorities that new rules need ... */
    uint32_t n_free;     /* ... and that are free where they have to stand */
    uint32_t after;      /* between these two, both without */
    uint32_t before;
    uint32_t highest_free; /* 0: none */
};
struct nsf_room nsf_draft_room(const struct nsf_draft *draft, const struct nsf_allowlist *allow);
bool nsf_room_has_rules(const struct nsf_room *room);
bool nsf_room_has_prefixes(const struct nsf_room *room);
bool nsf_room_has_priorities(const struct nsf_room *room);

#endif

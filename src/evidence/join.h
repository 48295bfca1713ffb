/*
 * join.h - from what the log names (NSG, rule) to what the definitions know: a finding, or the reason why not.
 *
 * NSGs join by resource id without case, or by resourceGuid where the log carries a GUID; never by name alone, which is
 * unique only within a resource group. Rules join by name without case once their one prefix (UserRule_, DefaultRule_)
 * is off; NSG flow logs cut names, so a name of 65 characters or more also joins by prefix when exactly one rule fits.
 *
 * Read-only after nsf_join_new: any thread.
 */
#ifndef NSF_JOIN_H
#define NSF_JOIN_H

#include "exposure/scan.h"
#include "flow/scope.h"

/* In the order in which they are tried; the first that fits names the tuple's place. */
enum nsf_join_reason {
    NSF_JOIN_FINDING,
    NSF_JOIN_PLATFORM,
    NSF_JOIN_UNSPECIFIED,
    NSF_JOIN_BARE_RULE,
    NSF_JOIN_ADMIN_RULE,
    NSF_JOIN_UNKNOWN_NSG,
    NSF_JOIN_UNKNOWN_RULE,
    NSF_JOIN_SHADOWED,
    NSF_JOIN_NOT_EXPOSING,
};

const char *nsf_join_reason_name(enum nsf_join_reason reason);

#define NSF_JOIN_NONE UINT32_MAX

struct nsf_joined {
    enum nsf_join_reason reason;
    uint32_t nsg_idx;     /* in scan->nsgs, or NSF_JOIN_NONE */
    uint32_t rule_idx;    /* in that NSG's rules, or NSF_JOIN_NONE */
    uint32_t finding_idx; /* with NSF_JOIN_FINDING */
};

struct nsf_join;

struct nsf_join *nsf_join_new(const struct nsf_scan *scan); /* borrows scan until free */
void nsf_join_free(struct nsf_join *join);
struct nsf_joined nsf_join_resolve(const struct nsf_join *join, const struct nsf_scope *scope);
/* The NSG of the definitions that a record names, whatever its rules are; NSF_JOIN_NONE if none. */
uint32_t nsf_join_nsg(const struct nsf_join *join, struct nsf_slice nsg);

#endif

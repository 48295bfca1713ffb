/*
 * scope.h - what a tuple inherits from the envelope around it: flow log, NIC, NSG and rule, interned as one id.
 *
 * Texts are kept as logged; folding case and joining to definitions is the evidence's business. The table is shared by
 * all workers: adding takes a lock, so callers keep the id of the scope they met last (a record's groups repeat).
 * Ids count from 0 in order of arrival, which differs from run to run: nothing that is printed may depend on them.
 */
#ifndef NSF_SCOPE_H
#define NSF_SCOPE_H

#include "core/slice.h"
#include "flow/flow.h"

struct nsf_scope {
    struct nsf_slice flow_log; /* flowLogResourceID; resourceId for NSG flow logs */
    struct nsf_slice mac;      /* of the record, else of the group; as logged */
    struct nsf_slice nsg;      /* resourceId; aclID for virtual network flow logs */
    struct nsf_slice rule;     /* with its prefix, as logged; {NULL, 0} for a record's own scope */
    enum nsf_layout layout;
};

struct nsf_scopes;

struct nsf_scopes *nsf_scopes_new(void);
void nsf_scopes_free(struct nsf_scopes *scopes);
/* Borrows the texts and copies what is new. Any thread. */
uint32_t nsf_scopes_add(struct nsf_scopes *scopes, const struct nsf_scope *scope);
/* Any thread; the texts live as long as the table. */
struct nsf_scope nsf_scopes_get(struct nsf_scopes *scopes, uint32_t scope_id);
/* Ids below this exist. */
uint32_t nsf_scopes_count(struct nsf_scopes *scopes);

#endif

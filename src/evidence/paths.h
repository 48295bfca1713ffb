/*
 * paths.h - who belongs to whom once all is read: NICs, flow logs and targets by NSG, targets by NIC. What is asked for
 * each of thousands of rules is looked up instead of searched for. Read-only once made, any thread.
 */
#ifndef NSF_PATHS_H
#define NSF_PATHS_H

#include "core/pair_list.h"
#include "evidence/evidence.h"

struct nsf_paths {
    struct nsf_pair_list logged_nics;  /* (NSG of the definitions, NIC) that a record shows together */
    struct nsf_pair_list defined_nics; /* the same as the definitions show it */
    struct nsf_pair_list nics;         /* either of them */
    struct nsf_pair_list flow_logs;    /* (NSG, flow log) that a record shows together */
    struct nsf_pair_list nic_logs;     /* (NIC, flow log) */
    struct nsf_pair_list nic_targets;  /* (NIC, target) with allowed mail inside the window */
    struct nsf_pair_list targets;      /* (NSG, target) */
};

/* Of evidence whose partitions are finished. */
void nsf_paths_make(struct nsf_paths *paths, const struct nsf_evidence *evidence);
void nsf_paths_release(struct nsf_paths *paths);

#endif

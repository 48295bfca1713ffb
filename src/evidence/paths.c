#include "core/nsf_common.h"

#include "evidence/paths.h"

#include "evidence/evidence_state.h"

static struct nsf_pair_list list_of(const struct nsf_pairset *set)
{
    struct nsf_pair_list list = {.items = NULL};
    nsf_pair_list_add_set(&list, set);
    nsf_pair_list_finish(&list);
    return list;
}

static void list_defined_nics(const struct nsf_evidence *evidence, struct nsf_pair_list *list)
{
    for (uint32_t i = 0; i < evidence->scan->n_nsgs; i++) {
        struct nsf_slices macs = evidence->scan->nsgs[i].nic_macs;
        for (size_t m = 0; m < macs.n; m++) {
            uint32_t nic_id = nsf_intern_find(&evidence->macs, macs.items[m]);
            if (nic_id < evidence->nics.n)
                nsf_pair_list_add(list, i, nic_id);
        }
    }
    nsf_pair_list_finish(list);
}

static void list_targets(const struct nsf_evidence *evidence, struct nsf_pair_list *list)
{
    uint32_t n_findings = (uint32_t)evidence->scan->n_findings;
    for (uint32_t t = 0; t < n_findings; t++)
        nsf_pair_list_add(list, evidence->scan->findings[t].nsg_idx, t);
    for (uint32_t t = 0; t < evidence->target_keys.n; t++)
        if (evidence->unmatched[t].nsg_idx != NSF_JOIN_NONE)
            nsf_pair_list_add(list, evidence->unmatched[t].nsg_idx, n_findings + t);
    nsf_pair_list_finish(list);
}

void nsf_paths_make(struct nsf_paths *paths, const struct nsf_evidence *evidence)
{
    *paths = (struct nsf_paths){
        .logged_nics = list_of(&evidence->nsg_nics),
        .flow_logs = list_of(&evidence->nsg_logs),
        .nic_logs = list_of(&evidence->nic_flow_logs),
    };
    list_defined_nics(evidence, &paths->defined_nics);
    list_targets(evidence, &paths->targets);
    for (size_t i = 0; i < paths->defined_nics.n; i++)
        nsf_pair_list_add(&paths->nics, (uint32_t)(paths->defined_nics.items[i] >> 32),
                          (uint32_t)paths->defined_nics.items[i]);
    nsf_pair_list_add_set(&paths->nics, &evidence->nsg_nics);
    nsf_pair_list_finish(&paths->nics);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        nsf_pair_list_add_set(&paths->nic_targets, &evidence->partitions[p].nic_targets);
    nsf_pair_list_finish(&paths->nic_targets);
}

void nsf_paths_release(struct nsf_paths *paths)
{
    nsf_pair_list_release(&paths->logged_nics);
    nsf_pair_list_release(&paths->defined_nics);
    nsf_pair_list_release(&paths->nics);
    nsf_pair_list_release(&paths->flow_logs);
    nsf_pair_list_release(&paths->nic_logs);
    nsf_pair_list_release(&paths->nic_targets);
    nsf_pair_list_release(&paths->targets);
}

#include "core/nsf_common.h"

#include "evidence/elsewhere.h"

#include "evidence/history.h"

static uint32_t nsg_of_target(const struct nsf_evidence *evidence, uint32_t target)
{
    size_t n_findings = evidence->scan->n_findings;
    return target < n_findings ? evidence->scan->findings[target].nsg_idx
                               : evidence->unmatched[target - n_findings].nsg_idx;
}

/* The platform's own decisions are no NSG's. */
static bool is_by_an_nsg(const struct nsf_evidence *evidence, uint32_t target)
{
    size_t n_findings = evidence->scan->n_findings;
    if (target < n_findings)
        return true;
    enum nsf_join_reason reason = evidence->unmatched[target - n_findings].reason;
    return reason != NSF_JOIN_PLATFORM && reason != NSF_JOIN_UNSPECIFIED;
}

static bool is_nic_of(const struct nsf_evidence *evidence, uint32_t nsg_idx, uint32_t nic_id)
{
    uint64_t pair = nsf_pair(nsg_idx, nic_id);
    return nsf_pairset_has(&evidence->nsg_nics, pair) || nsf_pairset_has(&evidence->defined_nics, pair);
}

/* Calls fn for every target of another NSG that let mail in at a NIC of this one, until it says stop; a target comes
 * once for every such NIC and partition. */
static void each_target_on_path(const struct nsf_evidence *evidence, uint32_t nsg_idx,
                                bool (*fn)(void *ctx, uint32_t target), void *ctx)
{
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        const struct nsf_pairset *set = &evidence->partitions[p].nic_targets;
        for (uint32_t s = 0; set->slots != NULL && s <= set->mask; s++) {
            if (set->slots[s] == 0)
                continue;
            uint32_t nic_id = (uint32_t)((set->slots[s] - 1) >> 32), target = (uint32_t)(set->slots[s] - 1);
            if (nsg_of_target(evidence, target) != nsg_idx && is_by_an_nsg(evidence, target) &&
                is_nic_of(evidence, nsg_idx, nic_id) && !fn(ctx, target))
                return;
        }
    }
}

static bool stop_at_any(void *ctx, uint32_t target NSF_UNUSED)
{
    *(bool *)ctx = true;
    return false;
}

bool nsf_evidence_has_mail_elsewhere(const struct nsf_evidence *evidence, uint32_t nsg_idx)
{
    bool is_there = false;
    each_target_on_path(evidence, nsg_idx, stop_at_any, &is_there);
    return is_there;
}

static bool mark(void *ctx, uint32_t target)
{
    ((bool *)ctx)[target] = true;
    return true;
}

void nsf_elsewhere_each(const struct nsf_evidence *evidence, uint32_t finding_idx, nsf_elsewhere_fn *fn, void *ctx)
{
    uint32_t n_targets = (uint32_t)evidence->scan->n_findings + evidence->target_keys.n;
    bool *is_wanted = nsf_calloc(n_targets, sizeof(*is_wanted));
    bool has_any = false;
    each_target_on_path(evidence, evidence->scan->findings[finding_idx].nsg_idx, mark, is_wanted);
    for (uint32_t t = 0; t < n_targets; t++) {
        is_wanted[t] |= nsf_history_succession(evidence, finding_idx, t) != NSF_SUCCESSION_NONE;
        has_any |= is_wanted[t];
    }
    for (unsigned p = 0; has_any && p < NSF_PARTITIONS; p++) {
        const struct nsf_sources *sources = &evidence->partitions[p].sources;
        for (uint32_t i = 0; i < sources->rows.n; i++) {
            const struct nsf_source_row *row = nsf_sources_row(sources, i);
            if (is_wanted[nsf_source_row_target(row)])
                fn(ctx, nsf_source_row_src(&sources->rows, row));
        }
    }
    nsf_free(is_wanted);
}

struct nsg_list {
    const struct nsf_evidence *evidence;
    uint32_t *items;
    size_t n;
    size_t max;
};

/* Keeps the smallest. */
static bool list_nsg(void *ctx, uint32_t target)
{
    struct nsg_list *list = ctx;
    uint32_t nsg_idx = nsg_of_target(list->evidence, target);
    size_t at = 0;
    while (at < list->n && list->items[at] < nsg_idx)
        at++;
    if (nsg_idx == NSF_JOIN_NONE || at == list->max || (at < list->n && list->items[at] == nsg_idx))
        return true;
    list->n += list->n < list->max;
    for (size_t i = list->n - 1; i > at; i--)
        list->items[i] = list->items[i - 1];
    list->items[at] = nsg_idx;
    return true;
}

size_t nsf_elsewhere_nsgs(const struct nsf_evidence *evidence, uint32_t nsg_idx, uint32_t *nsgs, size_t max)
{
    struct nsg_list list = {.evidence = evidence, .items = nsgs, .max = max};
    each_target_on_path(evidence, nsg_idx, list_nsg, &list);
    return list.n;
}

bool nsf_elsewhere_is_own(const struct nsf_evidence *evidence, uint32_t finding_idx, struct nsf_ip src)
{
    return nsf_sources_find(&evidence->partitions[nsf_partition_of(src)].sources, finding_idx, src) != NSF_INDEX_NONE;
}

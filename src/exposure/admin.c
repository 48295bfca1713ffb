#include "core/nsf_common.h"

#include "core/mem.h"
#include "exposure/evaluate.h"

/*
 * Security admin rules of Azure Virtual Network Manager are asked before any NSG, by priorities of their own: Deny ends
 * it, AlwaysAllow lets in past the NSG, Allow goes on to the NSG.
 */

void nsf_admin_release(struct nsf_evaluator *evaluator)
{
    for (size_t i = 0; i < evaluator->n_admin_denies_made; i++)
        nsf_ipset_release(&evaluator->admin_denies[i].takes);
    nsf_free(evaluator->admin_denies);
}

static void subtract(struct nsf_evaluator *evaluator, struct nsf_ipset *set, const struct nsf_ipset *less)
{
    struct nsf_ipset *rest = &evaluator->scratch[1];
    nsf_ipset_subtract(rest, set, less);
    nsf_ipset_copy(set, rest);
}

static void add_deny(struct nsf_evaluator *evaluator, const struct nsf_admin_rule *const *rules, size_t n, size_t first)
{
    const struct nsf_reading *reading = &evaluator->readings[first + n];
    NSF_GROW(evaluator->admin_denies, evaluator->admin_denies_capacity, evaluator->n_admin_denies + 1);
    struct nsf_admin_deny *deny = &evaluator->admin_denies[evaluator->n_admin_denies];
    if (evaluator->n_admin_denies == evaluator->n_admin_denies_made) {
        *deny = (struct nsf_admin_deny){0};
        evaluator->n_admin_denies_made++;
    }
    evaluator->n_admin_denies++;
    deny->reading = reading;
    nsf_ipset_copy(&deny->takes, &reading->sources);
    /* What an earlier rule lets pass anywhere is not taken for stopped. */
    for (size_t i = 0; i < n; i++)
        if (rules[i]->access != NSF_ADMIN_ACCESS_DENY && evaluator->readings[first + i].match != NSF_MATCH_NO)
            subtract(evaluator, &deny->takes, &evaluator->readings[first + i].sources);
}

/* An AlwaysAllow loses what earlier admin rules take that are as wide as it. */
static void reduce_always_allow(struct nsf_evaluator *evaluator, size_t n, size_t first)
{
    struct nsf_reading *reading = &evaluator->readings[first + n];
    for (size_t i = 0; i < n; i++) {
        const struct nsf_reading *before = &evaluator->readings[first + i];
        if (!nsf_reading_may_take(before) || !nsf_narrowing_contains(&before->narrowing, &reading->narrowing) ||
            !nsf_ipset_overlap(&before->sources, &reading->sources))
            continue;
        subtract(evaluator, &reading->sources, &before->sources);
        reading->is_all = false;
        reading->has_internet = false;
    }
}

size_t nsf_admin_read(struct nsf_evaluator *evaluator, const struct nsf_admin_rule *const *rules, size_t n, size_t idx)
{
    evaluator->n_admin_denies = 0;
    for (size_t i = 0; i < n; i++)
        nsf_evaluator_add_reading(evaluator, &rules[i]->rule, idx + i);
    for (size_t i = 0; i < n; i++) {
        struct nsf_reading *reading = &evaluator->readings[idx + i];
        if (reading->match == NSF_MATCH_YES && rules[i]->access == NSF_ADMIN_ACCESS_DENY && !reading->has_bad_source)
            add_deny(evaluator, rules, i, idx);
    }
    for (size_t i = n; i-- > 0;)
        if (rules[i]->access == NSF_ADMIN_ACCESS_ALWAYS_ALLOW)
            reduce_always_allow(evaluator, i, idx);
    return n;
}

bool nsf_admin_gate(struct nsf_evaluator *evaluator, uint32_t rank, struct nsf_arena *keep, struct nsf_gate *gate)
{
    const struct nsf_candidate *candidate = &evaluator->candidates[rank];
    struct nsf_ipset *left = &evaluator->scratch[0];
    bool takes_tags = false;
    size_t n = 0;
    nsf_ipset_copy(left, &candidate->open_public);
    for (size_t i = 0; i < evaluator->n_admin_denies; i++) {
        const struct nsf_admin_deny *deny = &evaluator->admin_denies[i];
        bool is_wide = nsf_narrowing_contains(&deny->reading->narrowing, &candidate->reading->narrowing);
        bool takes_tag = deny->reading->is_all || deny->reading->has_internet;
        if (!is_wide || (!nsf_ipset_overlap(left, &deny->takes) && !takes_tag))
            continue;
        subtract(evaluator, left, &deny->takes);
        takes_tags |= takes_tag;
        nsf_names_add(evaluator, deny->reading->rule->name);
        n++;
    }
    if (n == 0)
        return false;
    bool has_names = !takes_tags && (candidate->has_cloud || candidate->has_unknown);
    *gate = (struct nsf_gate){.kind = NSF_GATE_ADMIN_RULES, .rules = nsf_names_take(evaluator, keep)};
    gate->public_ipv4 = (uint64_t)nsf_ranges_count(&left->of[NSF_FAMILY_V4]);
    gate->public_ipv6 = nsf_v6_extent_of(nsf_ranges_count(&left->of[NSF_FAMILY_V6]));
    gate->is_open = !nsf_ipset_is_empty(left) || has_names;
    return true;
}

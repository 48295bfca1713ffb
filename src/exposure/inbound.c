#include "core/nsf_common.h"

#include "exposure/inbound.h"

#include "core/mem.h"
#include "exposure/evaluate.h"
#include "exposure/words.h"

struct nsf_ipset nsf_ipset_keep(const struct nsf_ipset *set, struct nsf_arena *keep)
{
    struct nsf_ipset own = {0};
    for (int family = 0; family < NSF_FAMILY_N; family++) {
        size_t n = set->of[family].n;
        own.of[family].items = nsf_arena_zalloc(keep, n, sizeof(struct nsf_range));
        own.of[family].n = n;
        if (n > 0)
            memcpy(own.of[family].items, set->of[family].items, n * sizeof(struct nsf_range));
    }
    return own;
}

static bool is_balancer(struct nsf_slice tag)
{
    return nsf_slice_has_prefix_nocase(tag, NSF_SLICE_LIT("AzureLoadBalancer")) ||
           nsf_slice_has_prefix_nocase(tag, NSF_SLICE_LIT("AZURE_LOADBALANCER"));
}

static void keep_words(const struct nsf_reading *reading, struct nsf_inbound_rule *rule)
{
    rule->has_internet = reading->has_internet;
    rule->has_vnet = reading->has_vnet || reading->is_all;
    rule->has_balancer = reading->is_all;
    for (size_t i = 0; i < reading->tokens.n; i++) {
        const struct nsf_token *token = &reading->tokens.items[i];
        bool is_inner = token->kind == NSF_TOKEN_INNER;
        rule->has_balancer |= is_inner && is_balancer(token->text);
        rule->has_unknown |= !is_inner;
    }
}

static void keep_rule(const struct nsf_candidate *candidate, struct nsf_arena *keep, struct nsf_inbound_rule *rule)
{
    const struct nsf_reading *reading = candidate->reading;
    const struct nsf_narrowing *narrowing = &reading->narrowing;
    rule->name = nsf_arena_copy(keep, reading->rule->name);
    rule->priority = reading->rule->priority;
    rule->is_admin = candidate->is_admin;
    rule->is_allow = reading->is_allow;
    rule->is_unsure = reading->match != NSF_MATCH_YES || (!reading->is_allow && reading->has_bad_source);
    rule->sources = nsf_ipset_keep(&reading->sources, keep);
    keep_words(reading, rule);
    rule->is_any_source_port = narrowing->is_all_ports;
    rule->is_any_target = narrowing->is_all_targets;
    rule->has_named_target = narrowing->is_bad || narrowing->target_names.n > 0;
    rule->targets = nsf_ipset_keep(&narrowing->targets, keep);
}

static int cmp_u16(const void *left, const void *right)
{
    return *(const uint16_t *)left - *(const uint16_t *)right;
}

static uint64_t count_words(const struct nsf_slices *entries)
{
    uint64_t n = 0;
    struct nsf_slice rest, item;
    for (size_t i = 0; i < entries->n; i++)
        for (rest = entries->items[i]; nsf_word_next(&rest, &item);)
            n += item.len > 0;
    return n;
}

/* What the limits of an NSG are counted over. */
static void keep_room(const struct nsf_nsg *nsg, struct nsf_arena *keep, struct nsf_inbound *inbound)
{
    size_t n = 0;
    inbound->priorities = nsf_arena_zalloc(keep, nsg->n_rules, sizeof(*inbound->priorities));
    for (size_t i = 0; i < nsg->n_rules; i++) {
        const struct nsf_rule *rule = &nsg->rules[i];
        if (nsf_is_default_rule(rule))
            continue;
        inbound->n_custom_rules++;
        inbound->n_source_prefixes += count_words(&rule->sources);
        if (rule->direction != NSF_DIRECTION_OUTBOUND)
            inbound->priorities[n++] = (uint16_t)rule->priority;
    }
    if (n > 1)
        qsort(inbound->priorities, n, sizeof(*inbound->priorities), cmp_u16);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || inbound->priorities[i] != inbound->priorities[i - 1])
            inbound->priorities[inbound->n_priorities++] = inbound->priorities[i];
}

const struct nsf_inbound *nsf_inbound_keep(const struct nsf_evaluator *evaluator, const struct nsf_nsg *nsg,
                                           struct nsf_arena *keep)
{
    struct nsf_inbound *inbound = nsf_arena_zalloc(keep, 1, sizeof(*inbound));
    inbound->rules = nsf_arena_zalloc(keep, evaluator->n_candidates, sizeof(*inbound->rules));
    for (size_t i = 0; i < evaluator->n_candidates; i++)
        keep_rule(&evaluator->candidates[i], keep, &inbound->rules[inbound->n_rules++]);
    keep_room(nsg, keep, inbound);
    return inbound;
}

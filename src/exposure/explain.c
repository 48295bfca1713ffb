#include "core/nsf_common.h"

#include "exposure/explain.h"

#include "core/mem.h"
#include "exposure/defaults.h"
#include "exposure/reading.h"
#include "exposure/words.h"

#define LOAD_BALANCER_ADDRESS 0xa83f8110u /* 168.63.129.16, from which Azure probes */

const char *nsf_say_name(enum nsf_say say)
{
    static const char *const names[] = {
#define NSF_SAY_NAME(say, name) name,
        NSF_SAY_TABLE(NSF_SAY_NAME)
#undef NSF_SAY_NAME
    };
    return names[say];
}

const char *nsf_answer_name(enum nsf_answer answer)
{
    static const char *const names[] = {"denied", "allowed", "depends", "unknown"};
    return names[answer];
}

struct asker {
    const struct nsf_exposure_settings *settings;
    struct nsf_tags tags;
    struct nsf_ipset public_space;
    struct nsf_ipset scratch;
    struct nsf_ip source;
    struct nsf_arena *keep;
    bool is_public;
};

/* As the exposure takes them: of one priority, what may be open first. */
static int cmp_rule(const void *left, const void *right)
{
    const struct nsf_rule *a = *(const struct nsf_rule *const *)left, *b = *(const struct nsf_rule *const *)right;
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    if (a->access != b->access && (a->access == NSF_ACCESS_DENY || b->access == NSF_ACCESS_DENY))
        return a->access == NSF_ACCESS_DENY ? 1 : -1;
    int order = nsf_slice_cmp_nocase(a->name, b->name);
    return order != 0 ? order : nsf_slice_cmp(a->name, b->name);
}

/* The first source entry that holds the address; absent when none does. */
static struct nsf_slice holding_entry(struct asker *asker, const struct nsf_reading *reading)
{
    const struct nsf_slices *sources = &reading->rule->sources;
    struct nsf_slice rest, item;
    bool is_cloud;
    for (size_t i = 0; i < sources->n; i++)
        for (rest = sources->items[i]; nsf_word_next(&rest, &item);)
            if (item.len > 0 && nsf_reading_entry(reading, item, &asker->tags, &asker->scratch, &is_cloud) &&
                nsf_ipset_has(&asker->scratch, asker->source))
                return item;
    return nsf_slice(NULL, 0);
}

/* A named source that may hold the address though nobody knows its addresses. *is_sure: it does. */
static bool may_hold(const struct asker *asker, struct nsf_token token, bool *is_sure)
{
    bool is_balancer = nsf_ip_eq(asker->source, nsf_ip_from_v4(LOAD_BALANCER_ADDRESS));
    bool is_balancer_tag = nsf_slice_has_prefix_nocase(token.text, NSF_SLICE_LIT("AzureLoadBalancer")) ||
                           nsf_slice_has_prefix_nocase(token.text, NSF_SLICE_LIT("AZURE_LOADBALANCER"));
    *is_sure = false;
    switch (token.kind) {
    case NSF_TOKEN_BAD:
        return true;
    case NSF_TOKEN_CLOUD:
    case NSF_TOKEN_TAG:
        return asker->is_public;
    case NSF_TOKEN_ASG:
        return !asker->is_public && !is_balancer;
    case NSF_TOKEN_INNER:
        *is_sure = is_balancer && is_balancer_tag;
        return *is_sure || (!asker->is_public && !is_balancer && !is_balancer_tag);
    }
    return true;
}

static enum nsf_say ask_tokens(const struct asker *asker, const struct nsf_reading *reading, struct nsf_slice *because)
{
    enum nsf_say say = NSF_SAY_OTHER_SOURCE;
    for (size_t i = 0; i < reading->tokens.n && say != NSF_SAY_DECIDES; i++) {
        bool is_sure;
        if (!may_hold(asker, reading->tokens.items[i], &is_sure))
            continue;
        say = is_sure ? NSF_SAY_DECIDES : NSF_SAY_UNKNOWN;
        *because = reading->tokens.items[i].text;
    }
    return say;
}

/* What the rule says, as if nothing stood before it. */
static enum nsf_say ask_rule(struct asker *asker, const struct nsf_reading *reading, struct nsf_slice *because)
{
    if (reading->match == NSF_MATCH_NO)
        return NSF_SAY_OTHER_TRAFFIC;
    enum nsf_say say = NSF_SAY_DECIDES;
    if (nsf_ipset_has(&reading->sources, asker->source))
        *because = holding_entry(asker, reading);
    else
        say = ask_tokens(asker, reading, because);
    if (say == NSF_SAY_OTHER_SOURCE)
        return say;
    bool is_broken = reading->match == NSF_MATCH_UNREADABLE || (!reading->is_allow && reading->has_bad_source);
    if (is_broken) {
        *because = reading->reason.ptr != NULL ? reading->reason : reading->rule->unreadable;
        return NSF_SAY_UNKNOWN;
    }
    if (say == NSF_SAY_DECIDES && !nsf_narrowing_is_universal(&reading->narrowing))
        return NSF_SAY_NARROW;
    return say;
}

static const struct nsf_rule **collect_rules(const struct nsf_nsg *nsg, const struct nsf_defaults *defaults, size_t *n)
{
    const struct nsf_rule **rules = nsf_calloc(nsg->n_rules + NSF_DEFAULT_RULES, sizeof(*rules));
    *n = 0;
    for (size_t i = 0; i < nsg->n_rules; i++)
        if (nsg->rules[i].direction != NSF_DIRECTION_OUTBOUND)
            rules[(*n)++] = &nsg->rules[i];
    for (size_t i = 0; i < NSF_DEFAULT_RULES; i++)
        if (!nsf_has_default_rule(nsg, &defaults->rules[i]))
            rules[(*n)++] = &defaults->rules[i];
    qsort(rules, *n, sizeof(const struct nsf_rule *), cmp_rule);
    return rules;
}

static void answer(struct nsf_explained *explained)
{
    bool has_unknown = false, has_other_narrow = false;
    const struct nsf_explained_rule *decides = &explained->rules[explained->decides_idx];
    for (size_t i = 0; i < explained->decides_idx; i++) {
        const struct nsf_explained_rule *rule = &explained->rules[i];
        /* What another rule would say in the same words changes nothing. */
        has_unknown |= rule->say == NSF_SAY_UNKNOWN && rule->access != decides->access;
        has_other_narrow |= rule->say == NSF_SAY_NARROW && rule->access != decides->access;
    }
    explained->answer = decides->access == NSF_ACCESS_ALLOW ? NSF_ANSWER_ALLOWED : NSF_ANSWER_DENIED;
    if (has_other_narrow)
        explained->answer = NSF_ANSWER_DEPENDS;
    if (has_unknown)
        explained->answer = NSF_ANSWER_UNKNOWN;
}

static void explain_rules(struct asker *asker, const struct nsf_rule **rules, size_t n, struct nsf_explained *explained)
{
    struct nsf_reading reading = {0};
    bool is_decided = false;
    explained->rules = nsf_arena_zalloc(asker->keep, n, sizeof(*explained->rules));
    explained->n_rules = n;
    for (size_t i = 0; i < n; i++) {
        struct nsf_explained_rule *row = &explained->rules[i];
        struct nsf_slice because = {NULL, 0};
        nsf_reading_read(&reading, rules[i], asker->settings->port, &asker->tags);
        row->name = nsf_arena_copy(asker->keep, rules[i]->name);
        row->priority = rules[i]->priority;
        row->access = rules[i]->access;
        row->say = ask_rule(asker, &reading, &because);
        bool holds = row->say == NSF_SAY_DECIDES || row->say == NSF_SAY_NARROW || row->say == NSF_SAY_UNKNOWN;
        if (because.ptr != NULL)
            row->because = nsf_arena_copy(asker->keep, because);
        if (is_decided && holds) {
            row->say = NSF_SAY_BEHIND;
        } else if (row->say == NSF_SAY_DECIDES) {
            is_decided = true;
            explained->decides_idx = i;
        }
    }
    nsf_reading_release(&reading);
}

void nsf_explain(const struct nsf_exposure_settings *settings, const struct nsf_nsg *nsg, struct nsf_ip source,
                 struct nsf_arena *keep, struct nsf_explained *explained)
{
    struct asker asker = {.settings = settings, .source = source, .keep = keep};
    struct nsf_defaults defaults;
    size_t n;
    nsf_defaults_fill(&defaults);
    nsf_tags_init(&asker.tags, settings->tags);
    nsf_ipset_add_public(&asker.public_space);
    nsf_ipset_normalize(&asker.public_space);
    asker.is_public = nsf_ipset_has(&asker.public_space, source);
    *explained = (struct nsf_explained){.source = source, .is_public = asker.is_public, .port = settings->port};
    explained->nsg_id = nsf_arena_copy(keep, nsg->id);
    explained->nsg_name = nsf_arena_copy(keep, nsg->name);
    const struct nsf_rule **rules = collect_rules(nsg, &defaults, &n);
    explain_rules(&asker, rules, n, explained);
    answer(explained);
    nsf_free(rules);
    nsf_ipset_release(&asker.scratch);
    nsf_ipset_release(&asker.public_space);
    nsf_tags_release(&asker.tags);
}

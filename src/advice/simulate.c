#include "core/nsf_common.h"

#include "advice/simulate.h"

#include "core/mem.h"

enum answer {
    ANSWER_NO,
    ANSWER_YES,
    ANSWER_MAYBE,
};

static bool has_word(const struct nsf_inbound_rule *rule, enum nsf_origin origin)
{
    switch (origin) {
    case NSF_ORIGIN_PUBLIC:
        return rule->has_internet;
    case NSF_ORIGIN_PRIVATE:
        return rule->has_vnet;
    case NSF_ORIGIN_BALANCER:
        return rule->has_balancer;
    }
    return false;
}

static enum answer names_source(const struct nsf_inbound_rule *rule, const struct nsf_played *played)
{
    if (has_word(rule, (enum nsf_origin)played->origin) || nsf_ipset_has(&rule->sources, played->address))
        return ANSWER_YES;
    return rule->has_unknown ? ANSWER_MAYBE : ANSWER_NO;
}

static enum answer names_target(const struct nsf_inbound_rule *rule, const struct nsf_ip *destination)
{
    if (rule->is_any_target)
        return ANSWER_YES;
    if (destination == NULL)
        return ANSWER_MAYBE;
    if (nsf_ipset_has(&rule->targets, *destination))
        return ANSWER_YES;
    return rule->has_named_target ? ANSWER_MAYBE : ANSWER_NO;
}

static enum answer matches(const struct nsf_inbound_rule *rule, const struct nsf_played *played,
                           const struct nsf_ip *destination)
{
    enum answer source = names_source(rule, played);
    enum answer target = source == ANSWER_NO ? ANSWER_NO : names_target(rule, destination);
    if (source == ANSWER_NO || target == ANSWER_NO)
        return ANSWER_NO;
    if (rule->is_unsure) /* a Deny that cannot be read closes nothing */
        return rule->is_allow ? ANSWER_MAYBE : ANSWER_NO;
    return source == ANSWER_YES && target == ANSWER_YES && rule->is_any_source_port ? ANSWER_YES : ANSWER_MAYBE;
}

/* ---- which rules may match ---- */

/* Whether the ranges hold the number; *around shrinks to where the answer is the same. */
static bool holds(const struct nsf_ranges *ranges, nsf_u128 number, struct nsf_range *around)
{
    size_t at = nsf_ranges_seek(ranges, number);
    bool is_held = at < ranges->n && ranges->items[at].first <= number;
    nsf_u128 first = 0, last = around->last;
    if (is_held)
        first = ranges->items[at].first;
    else if (at > 0)
        first = ranges->items[at - 1].last + 1;
    if (at < ranges->n)
        last = is_held ? ranges->items[at].last : ranges->items[at].first - 1;
    around->first = first > around->first ? first : around->first;
    around->last = last < around->last ? last : around->last;
    return is_held;
}

/* The allow-list is asked each time: it tells sources apart of which all other rules say the same. */
static bool is_allow_list(const struct nsf_draft *draft, const struct nsf_inbound_rule *rule, enum nsf_family family)
{
    return rule->sources.of[family].n > 0 && rule->sources.of[family].items == draft->allow.of[family].items;
}

static void find_near(struct nsf_draft *draft, const struct nsf_played *played)
{
    struct nsf_draft_near *near = &draft->near;
    nsf_u128 number = nsf_ip_number(played->address);
    near->is_known = true;
    near->origin = played->origin;
    near->family = nsf_ip_family(played->address);
    near->range = (struct nsf_range){0, nsf_family_last(near->family)};
    near->n = 0;
    NSF_GROW(near->rules, near->capacity, draft->n_rules);
    for (size_t i = 0; i < draft->n_rules; i++) {
        const struct nsf_inbound_rule *rule = &draft->rules[i];
        if (rule->has_unknown || has_word(rule, (enum nsf_origin)played->origin) ||
            is_allow_list(draft, rule, near->family) || holds(&rule->sources.of[near->family], number, &near->range))
            near->rules[near->n++] = (uint32_t)i;
    }
}

static void come_near(struct nsf_draft *draft, const struct nsf_played *played)
{
    const struct nsf_draft_near *near = &draft->near;
    nsf_u128 number = nsf_ip_number(played->address);
    if (!near->is_known || near->origin != played->origin || near->family != nsf_ip_family(played->address) ||
        number < near->range.first || number > near->range.last)
        find_near(draft, played);
}

/* ---- what becomes of a source ---- */

static enum nsf_fate fate_at(const struct nsf_draft *draft, const struct nsf_played *played,
                             const struct nsf_ip *destination)
{
    bool may_be_kept = false, may_be_refused = false;
    for (size_t i = 0; i < draft->near.n; i++) {
        const struct nsf_inbound_rule *rule = &draft->rules[draft->near.rules[i]];
        enum answer answer = matches(rule, played, destination);
        if (answer == ANSWER_YES && rule->is_allow)
            return may_be_refused ? NSF_FATE_UNSURE : NSF_FATE_KEPT;
        if (answer == ANSWER_YES)
            return may_be_kept ? NSF_FATE_UNSURE : NSF_FATE_REFUSED;
        if (answer == ANSWER_MAYBE)
            *(rule->is_allow ? &may_be_kept : &may_be_refused) = true;
    }
    return may_be_kept ? NSF_FATE_UNSURE : NSF_FATE_REFUSED;
}

enum nsf_fate nsf_simulate_source(struct nsf_draft *draft, const struct nsf_played *played)
{
    come_near(draft, played);
    if (played->n_destinations == 0 || played->has_more_destinations)
        return fate_at(draft, played, NULL);
    enum nsf_fate fate = fate_at(draft, played, &played->destinations[0]);
    for (uint32_t i = 1; i < played->n_destinations; i++)
        if (fate_at(draft, played, &played->destinations[i]) != fate)
            return NSF_FATE_UNSURE;
    return fate;
}

enum nsf_fate nsf_what_if_add(struct nsf_what_if *what_if, struct nsf_draft *draft, const struct nsf_played *played)
{
    enum nsf_fate fate = nsf_simulate_source(draft, played);
    if (fate == NSF_FATE_KEPT) {
        what_if->messages_kept += played->messages;
        return fate;
    }
    what_if->messages_refused += played->messages;
    what_if->messages_unsure += fate == NSF_FATE_UNSURE ? played->messages : 0;
    return fate;
}

#include "core/nsf_common.h"

#include "advice/simulate.h"

enum answer {
    ANSWER_NO,
    ANSWER_YES,
    ANSWER_MAYBE,
};

static enum answer names_source(const struct nsf_inbound_rule *rule, const struct nsf_played *played)
{
    bool is_word = false;
    switch ((enum nsf_origin)played->origin) {
    case NSF_ORIGIN_PUBLIC:
        is_word = rule->has_internet;
        break;
    case NSF_ORIGIN_PRIVATE:
        is_word = rule->has_vnet;
        break;
    case NSF_ORIGIN_BALANCER:
        is_word = rule->has_balancer;
        break;
    }
    if (is_word || nsf_ipset_has(&rule->sources, played->address))
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

static enum nsf_fate fate_at(const struct nsf_draft *draft, const struct nsf_played *played,
                             const struct nsf_ip *destination)
{
    bool may_be_kept = false, may_be_refused = false;
    for (size_t i = 0; i < draft->n_rules; i++) {
        const struct nsf_inbound_rule *rule = &draft->rules[i];
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

enum nsf_fate nsf_simulate_source(const struct nsf_draft *draft, const struct nsf_played *played)
{
    if (played->n_destinations == 0 || played->has_more_destinations)
        return fate_at(draft, played, NULL);
    enum nsf_fate fate = fate_at(draft, played, &played->destinations[0]);
    for (uint32_t i = 1; i < played->n_destinations; i++)
        if (fate_at(draft, played, &played->destinations[i]) != fate)
            return NSF_FATE_UNSURE;
    return fate;
}

enum nsf_fate nsf_what_if_add(struct nsf_what_if *what_if, const struct nsf_draft *draft,
                              const struct nsf_played *played)
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

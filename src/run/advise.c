#include "core/nsf_common.h"

#include "run/advise.h"

#include "advice/simulate.h"
#include "core/mem.h"
#include "judge/sender_score.h"
#include "run/advise_words.h"

static bool is_closing(enum nsf_rule_verdict verdict)
{
    return verdict == NSF_VERDICT_CLOSE_UNUSED || verdict == NSF_VERDICT_CLOSE_PROBES_ONLY;
}

/* Abuse is dealt with first; then the rule is narrowed all the same. */
static bool is_restricting(enum nsf_rule_verdict verdict)
{
    return verdict == NSF_VERDICT_INVESTIGATE_ABUSE || verdict == NSF_VERDICT_RESTRICT_TO_RELAYS ||
           verdict == NSF_VERDICT_RESTRICT_WITH_REVIEW;
}

static struct nsf_slices texts_of_list(struct nsf_arena *arena, const struct nsf_allowlist *list, size_t n_max)
{
    size_t n = list->n < n_max ? list->n : n_max;
    struct nsf_slice *items = nsf_arena_zalloc(arena, n + 1, sizeof(*items));
    for (size_t i = 0; i < n; i++) {
        char text[NSF_IP_TEXT_BYTES];
        items[i] = nsf_arena_copy(arena, nsf_slice_str(nsf_prefix_format(list->items[i], text)));
    }
    return (struct nsf_slices){items, n};
}

/* ---- who may go on ---- */

static void remember_provider(struct nsf_advised *advised, const struct nsf_networks *table,
                              const struct nsf_listed *listed)
{
    for (size_t i = 0; i < advised->n_providers; i++)
        if (nsf_slice_eq_nocase(advised->providers[i].name, listed->name))
            return;
    if (advised->n_providers < NSF_ADVISED_PROVIDERS_MAX)
        advised->providers[advised->n_providers++] =
            (struct nsf_advised_provider){listed->name, nsf_networks_origin(table, listed->origin_idx)};
}

/* All prefixes of the listed provider: its pool rotates. */
static bool allow_provider(const struct nsf_lists *lists, struct nsf_ip address, struct nsf_advised *advised)
{
    const struct nsf_networks *table;
    const struct nsf_listed *listed = nsf_lists_sender(lists, address, &table);
    if (listed == NULL)
        return false;
    const struct nsf_prefix *prefixes;
    size_t n = nsf_networks_of_name_id(table, listed->name_id, &prefixes);
    if (n == 0)
        nsf_allowlist_add(&advised->allow, listed->prefix);
    for (size_t i = 0; i < n; i++)
        nsf_allowlist_add(&advised->allow, prefixes[i]);
    if (listed->name.len > 0)
        remember_provider(advised, table, listed);
    return true;
}

/* Its own network, or the address alone where a known scanner lives beside it. */
static struct nsf_prefix own_network(const struct nsf_lists *lists, struct nsf_ip address)
{
    struct nsf_prefix home = nsf_home_network(address);
    return nsf_networks_touches(lists->of[NSF_LIST_SCANNERS], home) ? nsf_prefix_around(address, 128) : home;
}

/* The owner's own prefix as it stands, or of a wider one the part around the sender. */
static bool allow_partner(const struct nsf_lists *lists, struct nsf_ip address, struct nsf_advised *advised)
{
    const struct nsf_listed *listed = nsf_networks_find(lists->of[NSF_LIST_PARTNERS], address);
    if (listed == NULL)
        return false;
    bool is_narrow = listed->prefix.bits >= nsf_home_network(address).bits;
    nsf_allowlist_add(&advised->allow, is_narrow ? listed->prefix : own_network(lists, address));
    return true;
}

/* Sources come by address, and there may be millions: those of one network ask once. */
static void ask_for(struct nsf_allowlist *questions, struct nsf_prefix network)
{
    if (questions->n == 0 || nsf_prefix_cmp(questions->items[questions->n - 1], network) != 0)
        nsf_allowlist_add(questions, network);
}

static void sort_out(const struct nsf_advise_ask *ask, struct nsf_advised *advised)
{
    for (size_t i = 0; i < ask->n_touched; i++) {
        const struct nsf_touched *touched = &ask->touched[i];
        enum nsf_source_verdict verdict = (enum nsf_source_verdict)touched->verdict;
        bool is_inside = verdict == NSF_SOURCE_HEALTH_PROBE || nsf_ip_is_private(touched->address);
        advised->has_private |= is_inside;
        if (nsf_source_is_hostile(verdict) || is_inside)
            continue;
        bool is_listed = verdict != NSF_SOURCE_SPAM_SOURCE && verdict != NSF_SOURCE_CONFLICT &&
                         (allow_partner(ask->lists, touched->address, advised) ||
                          allow_provider(ask->lists, touched->address, advised));
        if (!is_listed)
            ask_for(&advised->questions, own_network(ask->lists, touched->address));
    }
    nsf_allowlist_sort(&advised->questions); /* people are asked about one network at a time */
}

/* ---- what if ---- */

static struct nsf_played played_of(const struct nsf_advise_ask *ask, const struct nsf_touched *touched)
{
    enum nsf_origin origin = nsf_ip_is_health_probe(touched->address) ? NSF_ORIGIN_BALANCER
                             : nsf_ip_is_private(touched->address)    ? NSF_ORIGIN_PRIVATE
                                                                      : NSF_ORIGIN_PUBLIC;
    const struct nsf_ip *destinations;
    struct nsf_destination_list list =
        nsf_destination_lists_get(ask->destinations, touched->destinations, &destinations);
    return (struct nsf_played){.address = touched->address,
                               .origin = (uint8_t)origin,
                               .has_more_destinations = list.has_more,
                               .n_destinations = list.n,
                               .destinations = destinations,
                               .messages = touched->messages};
}

/* What is inside goes on: where no rule of the draft lets it in, the change gets one that does. */
static void keep_inside(const struct nsf_advise_ask *ask, struct nsf_draft *draft)
{
    for (size_t i = 0; i < ask->n_touched; i++) {
        struct nsf_played played = played_of(ask, &ask->touched[i]);
        if (played.origin == NSF_ORIGIN_PUBLIC || nsf_simulate_source(draft, &played) == NSF_FATE_KEPT)
            continue;
        if (played.origin == NSF_ORIGIN_PRIVATE)
            nsf_draft_allow_vnet(draft);
        else
            nsf_draft_allow_balancer(draft);
    }
}

static void make_draft(const struct nsf_advise_ask *ask, enum nsf_draft_kind change, const struct nsf_allowlist *allow,
                       struct nsf_draft *draft)
{
    nsf_draft_init(draft, ask->nsg->inbound, ask->finding, change, allow);
    if (change != NSF_DRAFT_NONE)
        keep_inside(ask, draft);
}

/* Where no priority is free for rules above, the port is taken out of the rule instead. */
static void draft_change(const struct nsf_advise_ask *ask, enum nsf_draft_kind change, struct nsf_advised *advised)
{
    make_draft(ask, change, &advised->allow, &advised->draft);
    advised->room = nsf_draft_room(&advised->draft, &advised->allow);
    if (change != NSF_DRAFT_DENY_ABOVE || nsf_room_has_priorities(&advised->room))
        return;
    advised->has_no_place_above = true;
    nsf_draft_release(&advised->draft);
    make_draft(ask, NSF_DRAFT_SPLIT, &advised->allow, &advised->draft);
    advised->room = nsf_draft_room(&advised->draft, &advised->allow);
}

/* Plays all sources; the refused ones with mail are added to `refused`, which may be NULL. */
static struct nsf_what_if play(const struct nsf_advise_ask *ask, struct nsf_draft *draft, struct nsf_allowlist *refused)
{
    struct nsf_what_if what_if = {0};
    for (size_t i = 0; i < ask->n_touched; i++) {
        struct nsf_played played = played_of(ask, &ask->touched[i]);
        if (played.messages == 0)
            continue;
        if (draft->change == NSF_DRAFT_NONE)
            what_if.messages_kept += played.messages;
        else if (nsf_what_if_add(&what_if, draft, &played) != NSF_FATE_KEPT && refused != NULL)
            nsf_allowlist_add(refused, nsf_prefix_around(played.address, 128));
    }
    return what_if;
}

static struct nsf_slices name_senders(struct nsf_arena *arena, struct nsf_allowlist *refused)
{
    nsf_allowlist_sort(refused);
    size_t n = refused->n < NSF_ADVISED_LINES_MAX ? refused->n : NSF_ADVISED_LINES_MAX;
    struct nsf_slice *items = nsf_arena_zalloc(arena, n + 1, sizeof(*items));
    for (size_t i = 0; i < n; i++) {
        char text[NSF_IP_TEXT_BYTES];
        items[i] = nsf_arena_copy(arena, nsf_slice_str(nsf_ip_format(refused->items[i].ip, text)));
    }
    return (struct nsf_slices){items, n};
}

/* How many more messages a yes to every question would keep. */
static uint64_t kept_by_answers(const struct nsf_advise_ask *ask, const struct nsf_advised *advised, uint64_t n_kept)
{
    struct nsf_allowlist all = {0};
    struct nsf_draft draft;
    for (size_t i = 0; i < advised->allow.n; i++)
        nsf_allowlist_add(&all, advised->allow.items[i]);
    for (size_t i = 0; i < advised->questions.n; i++)
        nsf_allowlist_add(&all, advised->questions.items[i]);
    nsf_draft_clip(ask->nsg->inbound, ask->finding, &all);
    nsf_allowlist_finish(&all, ask->lists->of[NSF_LIST_SCANNERS]);
    make_draft(ask, advised->draft.change, &all, &draft);
    uint64_t kept = play(ask, &draft, NULL).messages_kept;
    nsf_draft_release(&draft);
    nsf_allowlist_release(&all);
    return kept > n_kept ? kept - n_kept : 0;
}

/* Of the refused messages those that the rules refuse as they stand: they came in before something was changed. */
static uint64_t refused_today(const struct nsf_advise_ask *ask, struct nsf_draft *draft)
{
    struct nsf_allowlist nobody = {0};
    struct nsf_draft today;
    uint64_t n = 0;
    nsf_draft_init(&today, ask->nsg->inbound, ask->finding, NSF_DRAFT_NONE, &nobody);
    for (size_t i = 0; i < ask->n_touched; i++) {
        struct nsf_played played = played_of(ask, &ask->touched[i]);
        if (played.messages > 0 && nsf_simulate_source(&today, &played) == NSF_FATE_REFUSED &&
            nsf_simulate_source(draft, &played) == NSF_FATE_REFUSED)
            n += played.messages;
    }
    nsf_draft_release(&today);
    return n;
}

static enum nsf_draft_kind change_for(const struct nsf_finding *finding, enum nsf_rule_verdict verdict)
{
    if (is_closing(verdict))
        return nsf_draft_kind_for(finding, true);
    return is_restricting(verdict) ? nsf_draft_kind_for(finding, false) : NSF_DRAFT_NONE;
}

void nsf_advise(const struct nsf_advise_ask *ask, struct nsf_arena *arena, struct nsf_review_rule *rule)
{
    struct nsf_recommendation *advice = &rule->recommendation;
    struct nsf_advised advised = {.ask = ask, .rule = rule, .is_restricting = is_restricting(rule->verdict)};
    struct nsf_allowlist refused = {0};
    sort_out(ask, &advised);
    if (!advised.is_restricting)
        advised.allow.n = 0;
    nsf_draft_clip(ask->nsg->inbound, ask->finding, &advised.allow);
    nsf_allowlist_finish(&advised.allow, ask->lists->of[NSF_LIST_SCANNERS]);
    draft_change(ask, change_for(ask->finding, rule->verdict), &advised);
    advised.what_if = play(ask, &advised.draft, &refused);
    if (advised.draft.change != NSF_DRAFT_NONE) {
        advised.messages_by_answers = kept_by_answers(ask, &advised, advised.what_if.messages_kept);
        advised.messages_refused_today = refused_today(ask, &advised.draft);
    }
    advice->allow = texts_of_list(arena, &advised.allow, advised.allow.n);
    advice->ask_owner = texts_of_list(arena, &advised.questions, NSF_ADVISED_LINES_MAX);
    advice->addresses_open_before = ask->finding->public_ipv4;
    advice->addresses_open_after = nsf_draft_open_ipv4(&advised.draft);
    advice->messages_kept = advised.what_if.messages_kept;
    advice->messages_refused = advised.what_if.messages_refused;
    advice->senders_refused = name_senders(arena, &refused);
    advice->senders_refused_total = refused.n;
    nsf_advise_in_words(&advised, arena, advice);
    nsf_draft_release(&advised.draft);
    nsf_allowlist_release(&refused);
    nsf_allowlist_release(&advised.allow);
    nsf_allowlist_release(&advised.questions);
}

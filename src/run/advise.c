#include "core/nsf_common.h"

#include "run/advise.h"

#include "advice/allowlist.h"
#include "core/mem.h"
#include "judge/sender_score.h"

/* A question list that nobody reads helps nobody; the rest is counted in a note. */
#define ASK_MAX 1000
#define NOTES_MAX 12

struct texts {
    struct nsf_arena *arena;
    struct nsf_slice *items;
    size_t n;
};

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

/* All prefixes of the listed provider: its pool rotates. */
static bool allow_provider(const struct nsf_lists *lists, struct nsf_ip address, struct nsf_allowlist *allow)
{
    const struct nsf_networks *table;
    const struct nsf_listed *listed = nsf_lists_sender(lists, address, &table);
    if (listed == NULL)
        return false;
    const struct nsf_prefix *prefixes;
    size_t n = nsf_networks_of_name_id(table, listed->name_id, &prefixes);
    if (n == 0)
        nsf_allowlist_add(allow, listed->prefix);
    for (size_t i = 0; i < n; i++)
        nsf_allowlist_add(allow, prefixes[i]);
    return true;
}

static bool allow_partner(const struct nsf_lists *lists, struct nsf_ip address, struct nsf_allowlist *allow)
{
    const struct nsf_listed *listed = nsf_networks_find(lists->of[NSF_LIST_PARTNERS], address);
    if (listed == NULL)
        return false;
    struct nsf_prefix home = nsf_home_network(address);
    nsf_allowlist_add(allow, listed->prefix.bits > home.bits ? listed->prefix : home);
    return true;
}

/* Its own network, or the address alone where a known scanner lives beside it. */
static struct nsf_prefix network_to_ask(const struct nsf_lists *lists, struct nsf_ip address)
{
    struct nsf_prefix home = nsf_home_network(address);
    return nsf_networks_touches(lists->of[NSF_LIST_SCANNERS], home) ? nsf_prefix_around(address, 128) : home;
}

static void sort_out(const struct nsf_advise_ask *ask, struct nsf_allowlist *allow, struct nsf_allowlist *questions)
{
    for (size_t i = 0; i < ask->n_touched; i++) {
        const struct nsf_touched *touched = &ask->touched[i];
        enum nsf_source_verdict verdict = (enum nsf_source_verdict)touched->verdict;
        if (nsf_source_is_hostile(verdict) || verdict == NSF_SOURCE_HEALTH_PROBE || nsf_ip_is_private(touched->address))
            continue;
        bool is_listed =
            verdict != NSF_SOURCE_SPAM_SOURCE && verdict != NSF_SOURCE_CONFLICT &&
            (allow_partner(ask->lists, touched->address, allow) || allow_provider(ask->lists, touched->address, allow));
        if (!is_listed)
            nsf_allowlist_add(questions, network_to_ask(ask->lists, touched->address));
    }
    nsf_allowlist_finish(allow, ask->lists->of[NSF_LIST_SCANNERS]);
    nsf_allowlist_sort(questions); /* people are asked about one network at a time */
}

/* ---- what if ---- */

/* Private sources go on by the Allow for VirtualNetwork, probes by the one for the load balancer. */
static bool goes_on(const struct nsf_allowlist *allow, struct nsf_ip address)
{
    return nsf_ip_is_private(address) || nsf_allowlist_has(allow, address);
}

static void play(const struct nsf_advise_ask *ask, bool changes_nothing, const struct nsf_allowlist *allow,
                 struct nsf_arena *arena, struct nsf_recommendation *advice)
{
    struct nsf_allowlist refused = {0};
    for (size_t i = 0; i < ask->n_touched; i++) {
        const struct nsf_touched *touched = &ask->touched[i];
        if (touched->messages == 0)
            continue;
        if (changes_nothing || goes_on(allow, touched->address)) {
            advice->messages_kept += touched->messages;
            continue;
        }
        advice->messages_refused += touched->messages;
        nsf_allowlist_add(&refused, nsf_prefix_around(touched->address, 128));
    }
    nsf_allowlist_sort(&refused);
    struct nsf_slice *items = nsf_arena_zalloc(arena, refused.n + 1, sizeof(*items));
    for (size_t i = 0; i < refused.n && i < ASK_MAX; i++) {
        char text[NSF_IP_TEXT_BYTES];
        items[i] = nsf_arena_copy(arena, nsf_slice_str(nsf_ip_format(refused.items[i].ip, text)));
    }
    advice->senders_refused = (struct nsf_slices){items, refused.n < ASK_MAX ? refused.n : ASK_MAX};
    nsf_allowlist_release(&refused);
}

/* ---- words ---- */

static void note(struct texts *notes, struct nsf_slice text)
{
    if (notes->n < NOTES_MAX)
        notes->items[notes->n++] = text;
}

static struct nsf_slice joined_names(struct nsf_arena *arena, struct nsf_slices names)
{
    struct nsf_slice text = names.items[0];
    for (size_t i = 1; i < names.n && i < 4; i++)
        text = nsf_slice_str(nsf_arena_printf(arena, "%.*s, %.*s", NSF_SLICE_ARG(text), NSF_SLICE_ARG(names.items[i])));
    return names.n > 4 ? nsf_slice_str(nsf_arena_printf(arena, "%.*s and others", NSF_SLICE_ARG(text))) : text;
}

static struct nsf_slice action_of(const struct nsf_finding *finding, enum nsf_rule_verdict verdict, size_t n_questions)
{
    switch (verdict) {
    case NSF_VERDICT_NOT_EFFECTIVE:
        return NSF_SLICE_LIT("Delete the rule when it suits: it lets nothing in today.");
    case NSF_VERDICT_INVESTIGATE_ABUSE:
        return NSF_SLICE_LIT("Look at the server behind this rule first, then narrow the rule to its senders.");
    case NSF_VERDICT_SOURCE_MASKED:
        return NSF_SLICE_LIT("Leave the rule and judge by the logs of the firewall or gateway in front of it.");
    case NSF_VERDICT_INSUFFICIENT_EVIDENCE:
        return NSF_SLICE_LIT("Leave the rule for now, get the missing evidence and run the review again.");
    case NSF_VERDICT_CLOSE_UNUSED:
    case NSF_VERDICT_CLOSE_PROBES_ONLY:
        if (finding->opens_other_ports)
            return NSF_SLICE_LIT(
                "Put a Deny for TCP 25 from Internet above the rule, since the rule also opens other ports.");
        return NSF_SLICE_LIT("Delete the rule.");
    case NSF_VERDICT_PUBLIC_MX:
        return NSF_SLICE_LIT("Keep the port open and put a mail relay in front; no list of addresses is safe.");
    case NSF_VERDICT_RESTRICT_TO_RELAYS:
    case NSF_VERDICT_RESTRICT_WITH_REVIEW:
        if (n_questions > 0)
            return NSF_SLICE_LIT(
                "Ask about the networks in question, then narrow the rule's source to the allowed networks.");
        return NSF_SLICE_LIT("Narrow the rule's source to the allowed networks.");
    }
    return NSF_SLICE_LIT("");
}

static uint64_t messages_in_question(const struct nsf_advise_ask *ask, const struct nsf_allowlist *questions)
{
    uint64_t messages = 0;
    for (size_t i = 0; i < ask->n_touched; i++)
        if (nsf_allowlist_has(questions, ask->touched[i].address))
            messages += ask->touched[i].messages;
    return messages;
}

static bool has_private_sources(const struct nsf_advise_ask *ask)
{
    for (size_t i = 0; i < ask->n_touched; i++)
        if (nsf_ip_is_private(ask->touched[i].address))
            return true;
    return false;
}

static const char *s_of(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void note_questions(const struct nsf_advise_ask *ask, const struct nsf_allowlist *questions, struct texts *notes)
{
    uint64_t messages = messages_in_question(ask, questions);
    if (messages > 0)
        note(notes,
             nsf_slice_str(nsf_arena_printf(notes->arena,
                                            "With a yes to every network in question, %llu more message%s would be "
                                            "kept.",
                                            (unsigned long long)messages, s_of(messages))));
    if (questions->n > ASK_MAX)
        note(notes, nsf_slice_str(
                        nsf_arena_printf(notes->arena, "%zu more networks are in question.", questions->n - ASK_MAX)));
}

static void note_change(const struct nsf_advise_ask *ask, const struct nsf_review_rule *rule, struct texts *notes)
{
    const struct nsf_finding *finding = ask->finding;
    if (finding->still_open_via.n > 0)
        note(notes, nsf_slice_str(nsf_arena_printf(
                        notes->arena, "Changing this rule alone changes nothing: %.*s would still let the internet in.",
                        NSF_SLICE_ARG(joined_names(notes->arena, finding->still_open_via)))));
    if (finding->opens_other_ports && rule->n_other_ports > 0)
        note(notes,
             NSF_SLICE_LIT("Other ports of the rule have traffic and must survive: split the rule or put a Deny for 25 "
                           "above it."));
    if (finding->public_ipv6 != NSF_V6_NONE)
        note(notes, NSF_SLICE_LIT("The rule opens IPv6 as well: closing it needs a rule of its own for IPv6."));
    if (has_private_sources(ask))
        note(notes,
             NSF_SLICE_LIT("Private sources use the rule: the change needs an Allow for VirtualNetwork, and one for "
                           "AzureLoadBalancer where probes come."));
}

static void write_notes(const struct nsf_advise_ask *ask, const struct nsf_review_rule *rule,
                        const struct nsf_allowlist *allow, const struct nsf_allowlist *questions, struct texts *notes)
{
    bool changes = is_closing(rule->verdict) || is_restricting(rule->verdict);
    if (changes)
        note_change(ask, rule, notes);
    if (is_restricting(rule->verdict))
        note_questions(ask, questions, notes);
    if (allow->n > NSF_NSG_PREFIXES_MAX)
        note(notes, NSF_SLICE_LIT("The list is longer than the 4,000 source prefixes that an NSG may have."));
    if (ask->mail_beside_mx > 0)
        note(notes,
             nsf_slice_str(nsf_arena_printf(notes->arena, "%llu message%s went to an address that is no published MX.",
                                            (unsigned long long)ask->mail_beside_mx, s_of(ask->mail_beside_mx))));
    if (!ask->has_counters && rule->traffic.connections > 0)
        note(notes, NSF_SLICE_LIT(
                        "Without counters the verdicts are proposals. Set FlowTimeoutInMinutes on the virtual network, "
                        "or use virtual network flow logs, to get them."));
    if (changes && rule->traffic.classes[NSF_CLASS_MESSAGE] > 0)
        note(notes, NSF_SLICE_LIT(
                        "A message means that bytes were carried: spam, or mail refused after DATA, looks the same."));
}

void nsf_advise(const struct nsf_advise_ask *ask, struct nsf_arena *arena, struct nsf_review_rule *rule)
{
    struct nsf_recommendation *advice = &rule->recommendation;
    struct nsf_allowlist allow = {0}, questions = {0};
    struct texts notes = {.arena = arena, .items = nsf_arena_zalloc(arena, NOTES_MAX, sizeof(struct nsf_slice))};
    bool is_change = is_closing(rule->verdict) || is_restricting(rule->verdict);
    /* A second Allow behind this one goes on letting everybody in. */
    bool changes_nothing = !is_change || ask->finding->still_open_via.n > 0;
    sort_out(ask, &allow, &questions);
    if (!is_restricting(rule->verdict))
        allow.n = 0;
    advice->action = action_of(ask->finding, rule->verdict, questions.n);
    advice->allow = texts_of_list(arena, &allow, allow.n);
    advice->ask_owner = texts_of_list(arena, &questions, ASK_MAX);
    advice->addresses_open_before = ask->finding->public_ipv4;
    advice->addresses_open_after = changes_nothing ? ask->finding->public_ipv4 : nsf_allowlist_ipv4_addresses(&allow);
    play(ask, changes_nothing, &allow, arena, advice);
    write_notes(ask, rule, &allow, &questions, &notes);
    advice->notes = (struct nsf_slices){notes.items, notes.n};
    nsf_allowlist_release(&allow);
    nsf_allowlist_release(&questions);
}

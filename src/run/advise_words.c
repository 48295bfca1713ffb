#include "core/nsf_common.h"

#include "run/advise_words.h"

#define NOTES_MAX 16
#define NAMES_SHOWN 4
#define PORTS_SHOWN 6

struct notes {
    struct nsf_arena *arena;
    struct nsf_slice items[NOTES_MAX];
    size_t n;
};

static void add_note(struct notes *notes, const char *text)
{
    if (notes->n < NOTES_MAX)
        notes->items[notes->n++] = nsf_slice_str(text);
}

#define NOTE(notes, ...) add_note(notes, nsf_arena_printf((notes)->arena, __VA_ARGS__))

static unsigned long long ull(uint64_t n)
{
    return n;
}

static const char *s_of(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* ---- what to do ---- */

static const char *closing_words(enum nsf_draft_kind change)
{
    switch (change) {
    case NSF_DRAFT_DENY_ABOVE:
        return "Put a Deny for TCP 25 from Internet above the rule, since the rule also opens other ports.";
    case NSF_DRAFT_SPLIT:
        return "Take port 25 out of the rule's ports; the rule also opens others, which stay.";
    case NSF_DRAFT_NONE:
    case NSF_DRAFT_DELETE:
    case NSF_DRAFT_NARROW:
        break;
    }
    return "Delete the rule.";
}

/* With an empty list the answers decide whether anything is let in at all. */
static const char *restricting_words(enum nsf_draft_kind change, bool has_questions, bool has_list)
{
    switch (change) {
    case NSF_DRAFT_DENY_ABOVE:
        if (!has_list)
            return "Ask about the networks in question, then put an Allow for TCP 25 from those that may go on above "
                   "the "
                   "rule, and between the two a Deny for TCP 25 from Internet: the rule also opens other ports.";
        return has_questions ? "Ask about the networks in question, then put an Allow for TCP 25 from the allowed "
                               "networks above the rule, and between the two a Deny for TCP 25 from Internet: the rule "
                               "also opens other ports."
                             : "Put an Allow for TCP 25 from the allowed networks above the rule, and between the two "
                               "a Deny for TCP 25 from Internet: the rule also opens other ports.";
    case NSF_DRAFT_SPLIT:
        return has_questions ? "Ask about the networks in question, then take port 25 out of the rule's ports and give "
                               "it a rule of its own for the allowed networks."
                             : "Take port 25 out of the rule's ports and give it a rule of its own for the allowed "
                               "networks.";
    case NSF_DRAFT_NONE:
    case NSF_DRAFT_DELETE:
    case NSF_DRAFT_NARROW:
        break;
    }
    if (!has_list)
        return "Ask about the networks in question, then narrow the rule's source to those that may go on.";
    return has_questions ? "Ask about the networks in question, then narrow the rule's source to the allowed networks."
                         : "Narrow the rule's source to the allowed networks.";
}

static const char *action_of(const struct nsf_advised *advised)
{
    switch (advised->rule->verdict) {
    case NSF_VERDICT_NOT_EFFECTIVE:
        return "Delete the rule when it suits: it lets nothing in today.";
    case NSF_VERDICT_INVESTIGATE_ABUSE:
        return "Look at the server behind this rule first, then narrow the rule to its senders.";
    case NSF_VERDICT_SOURCE_MASKED:
        return "Leave the rule and judge by the logs of the firewall or gateway in front of it.";
    case NSF_VERDICT_INSUFFICIENT_EVIDENCE:
        return "Leave the rule for now, get the missing evidence and run the review again.";
    case NSF_VERDICT_CLOSE_UNUSED:
    case NSF_VERDICT_CLOSE_PROBES_ONLY:
        return closing_words(advised->draft.change);
    case NSF_VERDICT_PUBLIC_MX:
        return "Keep the port open and put a mail relay in front; no list of addresses is safe.";
    case NSF_VERDICT_RESTRICT_TO_RELAYS:
    case NSF_VERDICT_RESTRICT_WITH_REVIEW:
        return restricting_words(advised->draft.change, advised->questions.n > 0, advised->allow.n > 0);
    }
    return "";
}

/* ---- what to mind ---- */

static const char *joined_names(struct nsf_arena *arena, struct nsf_slices names)
{
    const char *text = nsf_arena_printf(arena, "%.*s", NSF_SLICE_ARG(names.items[0]));
    for (size_t i = 1; i < names.n && i < NAMES_SHOWN; i++)
        text = nsf_arena_printf(arena, "%s, %.*s", text, NSF_SLICE_ARG(names.items[i]));
    return names.n > NAMES_SHOWN ? nsf_arena_printf(arena, "%s and others", text) : text;
}

static void note_behind(const struct nsf_advised *advised, const struct nsf_recommendation *advice, struct notes *notes)
{
    const struct nsf_finding *finding = advised->ask->finding;
    if (finding->still_open_via.n == 0)
        return;
    const char *names = joined_names(notes->arena, finding->still_open_via);
    uint64_t listed = nsf_allowlist_ipv4_addresses(&advised->allow);
    uint64_t behind = advice->addresses_open_after > listed ? advice->addresses_open_after - listed : 0;
    if (behind + listed >= finding->public_ipv4)
        NOTE(notes,
             "Changing this rule alone changes nothing: %s would still let the internet in, and has to be closed too.",
             names);
    else
        NOTE(notes, "After the change %s still lets in %llu of the addresses that this rule opens.", names,
             ull(behind));
}

static const char *protocol_words(uint8_t protocol, char buf[16])
{
    if (protocol == 6 || protocol == 17)
        return protocol == 6 ? "tcp" : "udp";
    snprintf(buf, 16, "protocol %u", protocol);
    return buf;
}

static void note_other_ports(const struct nsf_advised *advised, struct notes *notes)
{
    const struct nsf_review_rule *rule = advised->rule;
    const char *text = "";
    char protocol[16];
    size_t n = 0;
    if (!advised->ask->finding->opens_other_ports || rule->n_other_ports == 0)
        return;
    for (size_t i = 0; i < rule->n_other_ports && n < PORTS_SHOWN; i++) {
        const struct nsf_other_port *port = &rule->other_ports[i];
        if (!port->is_rest)
            text = nsf_arena_printf(notes->arena, "%s%s%s %u", text, n++ > 0 ? ", " : "",
                                    protocol_words(port->protocol, protocol), port->port);
    }
    NOTE(notes, "Other ports of the rule have traffic and must survive: %s%s. Do not delete the rule.", text,
         n < rule->n_other_ports ? " and more" : "");
}

static bool has_both_families(const struct nsf_allowlist *list)
{
    bool has_v4 = false, has_v6 = false;
    for (size_t i = 0; i < list->n; i++)
        *(nsf_ip_is_v4(list->items[i].ip) ? &has_v4 : &has_v6) = true;
    return has_v4 && has_v6;
}

static void note_shape(const struct nsf_advised *advised, struct notes *notes)
{
    bool has_v6 = advised->ask->finding->public_ipv6 != NSF_V6_NONE;
    if (advised->draft.change == NSF_DRAFT_DENY_ABOVE)
        NOTE(notes,
             "The Deny's source is Internet, never *: that would cut mail inside the network and the load balancer's "
             "probes.%s",
             has_v6 ? " The rule opens IPv6 as well: closing it needs a rule of its own for IPv6." : "");
    else if (has_v6 && advised->draft.change == NSF_DRAFT_NARROW && !has_both_families(&advised->allow))
        NOTE(notes, "The rule opens IPv6 as well; the change closes it.");
    if (has_both_families(&advised->allow))
        NOTE(notes, "IPv4 and IPv6 cannot stand in one rule: the list takes two, each with a priority of its own.");
}

static void note_inside(const struct nsf_advised *advised, struct notes *notes)
{
    const struct nsf_draft *draft = &advised->draft;
    if (!advised->has_private)
        return;
    if (draft->has_vnet_allow || draft->has_balancer_allow)
        NOTE(notes,
             "Private sources use the rule and no later rule lets them in: the change needs an Allow for %s%s%s.",
             draft->has_vnet_allow ? "VirtualNetwork" : "",
             draft->has_vnet_allow && draft->has_balancer_allow ? " and one for " : "",
             draft->has_balancer_allow ? "AzureLoadBalancer" : "");
    else if (draft->change == NSF_DRAFT_DENY_ABOVE)
        NOTE(notes, "Private sources use the rule: they go on by it.");
    else
        NOTE(notes, "Private sources use the rule: they go on by a later one.");
}

static bool is_any_port(const struct nsf_finding *finding)
{
    for (size_t i = 0; i < finding->all_ports.n; i++)
        if (nsf_slice_eq(finding->all_ports.items[i], NSF_SLICE_LIT("*")))
            return true;
    return false;
}

static void note_room(const struct nsf_advised *advised, struct notes *notes)
{
    const struct nsf_room *room = &advised->room;
    if (!nsf_room_has_prefixes(room))
        NOTE(notes,
             "The NSG would have %llu source prefixes over all its rules, and Azure takes %d: the list does not fit.",
             ull(room->n_prefixes), NSF_NSG_PREFIXES_MAX);
    if (!nsf_room_has_rules(room))
        NOTE(notes, "The NSG would have %llu rules, and Azure takes %d.", ull(room->n_rules), NSF_NSG_RULES_MAX);
    if (!nsf_room_has_priorities(room))
        NOTE(notes,
             "New rules have to stand between priority %u and %u: %u free priorit%s there, %u needed. Renumber first.",
             room->after, room->before, room->n_free, room->n_free == 1 ? "y" : "ies", room->n_slots);
    else if (advised->has_no_place_above)
        NOTE(notes, "No priority above the rule is free, so a Deny for port 25 has no place there: %s.",
             is_any_port(advised->ask->finding) ? "its ports become 0-24 and 26-65535" : "its ports are listed anew");
    else if (advised->draft.change == NSF_DRAFT_DENY_ABOVE)
        NOTE(notes, "Priority %u is free for the Deny%s.", room->highest_free,
             room->n_slots > 1 ? ", and lower ones for what goes above it" : "");
}

static void note_providers(const struct nsf_advised *advised, struct notes *notes)
{
    for (size_t i = 0; i < advised->n_providers && advised->allow.n > 0; i++) {
        const struct nsf_advised_provider *provider = &advised->providers[i];
        bool has_date = provider->origin.date.len > 0;
        NOTE(notes, "The allowed ranges of %.*s are as of %.*s%s%.*s%s: look whether newer ones are published.",
             NSF_SLICE_ARG(provider->name), NSF_SLICE_ARG(has_date ? provider->origin.date : provider->origin.path),
             has_date ? " (" : "", has_date ? (int)provider->origin.path.len : 0, provider->origin.path.ptr,
             has_date ? ")" : "");
    }
}

static void note_mail(const struct nsf_advised *advised, struct notes *notes)
{
    uint64_t n = advised->messages_by_answers, n_unsure = advised->what_if.messages_unsure;
    if (advised->is_restricting && n > 0)
        NOTE(notes, "With a yes to every network in question, %llu more message%s would be kept.", ull(n), s_of(n));
    if (n_unsure > 0)
        NOTE(notes,
             "Of %llu refused message%s nobody can say for sure: rules for some source ports or destinations only, or "
             "ones that cannot be read, decide about them.",
             ull(n_unsure), s_of(n_unsure));
    if (advised->messages_refused_today > 0)
        NOTE(notes,
             "%llu of the refused messages came in before the rules were changed: today's rules refuse them "
             "already.",
             ull(advised->messages_refused_today));
    if (advised->questions.n > NSF_ADVISED_LINES_MAX)
        NOTE(notes, "%zu more networks are in question.", advised->questions.n - NSF_ADVISED_LINES_MAX);
}

static void note_evidence(const struct nsf_advised *advised, struct notes *notes)
{
    const struct nsf_advise_ask *ask = advised->ask;
    const struct nsf_traffic *traffic = &advised->rule->traffic;
    if (ask->mail_beside_mx > 0)
        NOTE(notes, "%llu message%s went to an address that is no published MX.", ull(ask->mail_beside_mx),
             s_of(ask->mail_beside_mx));
    if (!ask->has_counters && traffic->connections > 0)
        NOTE(notes, "Without counters the verdicts are proposals. Set FlowTimeoutInMinutes on the virtual network, or "
                    "use virtual network flow logs, to get them.");
    if (advised->draft.change != NSF_DRAFT_NONE && traffic->classes[NSF_CLASS_MESSAGE] > 0)
        NOTE(notes, "A message means that bytes were carried: spam, or mail refused after DATA, looks the same.");
}

void nsf_advise_in_words(const struct nsf_advised *advised, struct nsf_arena *arena, struct nsf_recommendation *advice)
{
    struct notes notes = {.arena = arena};
    advice->action = nsf_slice_str(action_of(advised));
    if (advised->draft.change != NSF_DRAFT_NONE) {
        note_behind(advised, advice, &notes);
        note_other_ports(advised, &notes);
        note_shape(advised, &notes);
        note_inside(advised, &notes);
        note_room(advised, &notes);
        note_providers(advised, &notes);
        note_mail(advised, &notes);
    }
    note_evidence(advised, &notes);
    advice->notes.items = nsf_arena_zalloc(arena, notes.n + 1, sizeof(struct nsf_slice));
    advice->notes.n = notes.n;
    memcpy(advice->notes.items, notes.items, notes.n * sizeof(struct nsf_slice));
}

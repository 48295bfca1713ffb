#include "core/nsf_common.h"

#include "advice/draft.h"

#include "core/mem.h"

/* At most: Deny, Allow, and one each for the virtual network and the load balancer. */
#define ADDED_MAX 4

enum nsf_draft_kind nsf_draft_kind_for(const struct nsf_finding *finding, bool is_closing)
{
    if (!finding->opens_other_ports)
        return is_closing ? NSF_DRAFT_DELETE : NSF_DRAFT_NARROW;
    return finding->still_open_via.n > 0 || finding->is_admin_rule ? NSF_DRAFT_SPLIT : NSF_DRAFT_DENY_ABOVE;
}

static const struct nsf_inbound no_rules;

static size_t find_rule(const struct nsf_inbound *inbound, const struct nsf_finding *finding)
{
    size_t at = 0;
    while (at < inbound->n_rules &&
           (inbound->rules[at].is_admin != finding->is_admin_rule || inbound->rules[at].priority != finding->priority ||
            !nsf_slice_eq(inbound->rules[at].name, finding->rule)))
        at++;
    return at;
}

static void insert(struct nsf_draft *draft, size_t at, const struct nsf_inbound_rule *rule)
{
    memmove(draft->rules + at + 1, draft->rules + at, (draft->n_rules - at) * sizeof(*draft->rules));
    draft->rules[at] = *rule;
    draft->rules[at].is_any_source_port = draft->rules[at].is_any_target = true;
    draft->n_rules++;
    draft->near.is_known = false;
}

static void fill_allow(struct nsf_draft *draft, const struct nsf_allowlist *allow)
{
    for (size_t i = 0; i < allow->n; i++)
        nsf_ipset_add_prefix(&draft->allow, allow->items[i]);
    nsf_ipset_normalize(&draft->allow);
}

static void add_allow(struct nsf_draft *draft)
{
    struct nsf_inbound_rule rule = {.name = NSF_SLICE_LIT("allow-list"), .is_allow = true, .sources = draft->allow};
    insert(draft, draft->added_at, &rule);
}

/* Its word is enough for an address that was seen: what is not private came from the Internet. */
static void add_deny(struct nsf_draft *draft)
{
    struct nsf_inbound_rule rule = {.name = NSF_SLICE_LIT("deny-internet"), .has_internet = true};
    insert(draft, draft->added_at, &rule);
}

void nsf_draft_init(struct nsf_draft *draft, const struct nsf_inbound *inbound, const struct nsf_finding *finding,
                    enum nsf_draft_kind change, const struct nsf_allowlist *allow)
{
    inbound = inbound == NULL ? &no_rules : inbound;
    *draft = (struct nsf_draft){.inbound = inbound, .finding = finding, .change = change};
    draft->finding_at = find_rule(inbound, finding);
    draft->rules = nsf_calloc(inbound->n_rules + ADDED_MAX, sizeof(*draft->rules));
    for (size_t i = 0; i < inbound->n_rules; i++) {
        struct nsf_inbound_rule *rule = &draft->rules[draft->n_rules];
        if (i == draft->finding_at && change != NSF_DRAFT_NONE && change != NSF_DRAFT_DENY_ABOVE)
            continue;
        *rule = inbound->rules[i];
        if (i == draft->finding_at) /* all that was seen under it met its source ports and destinations */
            rule->is_any_source_port = rule->is_any_target = true;
        draft->n_rules++;
    }
    draft->added_at = draft->finding_at < draft->n_rules ? draft->finding_at : draft->n_rules;
    fill_allow(draft, allow);
    if (change == NSF_DRAFT_DENY_ABOVE)
        add_deny(draft);
    if (change != NSF_DRAFT_NONE && allow->n > 0)
        add_allow(draft);
}

void nsf_draft_release(struct nsf_draft *draft)
{
    nsf_free(draft->rules);
    nsf_free(draft->near.rules);
    nsf_ipset_release(&draft->allow);
}

void nsf_draft_allow_vnet(struct nsf_draft *draft)
{
    struct nsf_inbound_rule rule = {.name = NSF_SLICE_LIT("VirtualNetwork"), .is_allow = true, .has_vnet = true};
    if (!draft->has_vnet_allow)
        insert(draft, draft->added_at, &rule);
    draft->has_vnet_allow = true;
}

void nsf_draft_allow_balancer(struct nsf_draft *draft)
{
    struct nsf_inbound_rule rule = {.name = NSF_SLICE_LIT("AzureLoadBalancer"), .is_allow = true, .has_balancer = true};
    if (!draft->has_balancer_allow)
        insert(draft, draft->added_at, &rule);
    draft->has_balancer_allow = true;
}

/* ---- what is open ---- */

static bool is_wide(const struct nsf_inbound_rule *rule)
{
    return !rule->is_unsure && rule->is_any_source_port && rule->is_any_target;
}

static void subtract(struct nsf_ipset *from, const struct nsf_ipset *set)
{
    struct nsf_ipset left = {0};
    nsf_ipset_subtract(&left, from, set);
    nsf_ipset_release(from);
    *from = left;
}

static void fill_public(struct nsf_ipset *set, bool is_word)
{
    if (is_word)
        nsf_ipset_add_public(set);
    nsf_ipset_normalize(set);
}

/* The public addresses that the finding's rule lets in today. */
static void reach_of(const struct nsf_draft *draft, struct nsf_ipset *reach)
{
    struct nsf_ipset public_space = {0};
    fill_public(&public_space, true);
    if (draft->finding_at < draft->inbound->n_rules)
        nsf_ipset_intersect(reach, &public_space, &draft->inbound->rules[draft->finding_at].sources);
    for (size_t i = 0; i < draft->finding_at && i < draft->inbound->n_rules; i++)
        if (is_wide(&draft->inbound->rules[i]))
            subtract(reach, &draft->inbound->rules[i].sources);
    nsf_ipset_release(&public_space);
}

/* First match decides; an Allow that is narrow, or that nobody can read, may let in what a later rule decides. */
uint64_t nsf_draft_open_ipv4(const struct nsf_draft *draft)
{
    struct nsf_ipset left = {0}, open = {0}, hit = {0}, word = {0};
    if (draft->change == NSF_DRAFT_NONE)
        return draft->finding->public_ipv4;
    reach_of(draft, &left);
    subtract(&left, &draft->allow);
    for (size_t i = 0; i < draft->n_rules; i++) {
        const struct nsf_inbound_rule *rule = &draft->rules[i];
        nsf_ipset_release(&word);
        word = (struct nsf_ipset){0};
        fill_public(&word, rule->has_internet);
        const struct nsf_ipset *sources = rule->has_internet ? &word : &rule->sources;
        nsf_ipset_intersect(&hit, &left, sources);
        for (size_t k = 0; rule->is_allow && !rule->is_unsure && k < hit.of[NSF_FAMILY_V4].n; k++)
            nsf_ranges_add(&open.of[NSF_FAMILY_V4], hit.of[NSF_FAMILY_V4].items[k].first,
                           hit.of[NSF_FAMILY_V4].items[k].last);
        if (is_wide(rule))
            subtract(&left, &hit);
    }
    nsf_ipset_normalize(&open);
    uint64_t n = (uint64_t)nsf_ranges_count(&open.of[NSF_FAMILY_V4]);
    n += (uint64_t)nsf_ranges_count(&draft->allow.of[NSF_FAMILY_V4]);
    nsf_ipset_release(&left);
    nsf_ipset_release(&open);
    nsf_ipset_release(&hit);
    nsf_ipset_release(&word);
    return n;
}

void nsf_draft_clip(const struct nsf_inbound *inbound, const struct nsf_finding *finding, struct nsf_allowlist *list)
{
    size_t at = inbound == NULL ? 0 : find_rule(inbound, finding);
    if (inbound == NULL || at == inbound->n_rules || inbound->rules[at].has_internet || inbound->rules[at].has_unknown)
        return;
    const struct nsf_ipset *sources = &inbound->rules[at].sources;
    struct nsf_allowlist clipped = {0};
    for (size_t i = 0; i < list->n; i++) {
        enum nsf_family family = nsf_ip_family(list->items[i].ip);
        const struct nsf_ranges *ranges = &sources->of[family];
        struct nsf_range own = {nsf_ip_number(list->items[i].ip), nsf_ip_number(nsf_prefix_last(list->items[i]))};
        for (size_t k = nsf_ranges_seek(ranges, own.first); k < ranges->n && ranges->items[k].first <= own.last; k++) {
            nsf_u128 first = ranges->items[k].first > own.first ? ranges->items[k].first : own.first;
            nsf_u128 last = ranges->items[k].last < own.last ? ranges->items[k].last : own.last;
            nsf_allowlist_add_range(&clipped, nsf_ip_from_number(family, first), nsf_ip_from_number(family, last));
        }
    }
    nsf_allowlist_release(list);
    *list = clipped;
}

/* ---- Azure's limits ---- */

static void count_families(const struct nsf_allowlist *allow, uint64_t *n_families)
{
    bool has[2] = {false, false};
    for (size_t i = 0; i < allow->n; i++)
        has[nsf_ip_is_v4(allow->items[i].ip)] = true;
    *n_families = (uint64_t)has[0] + has[1];
}

static bool is_used(const struct nsf_inbound *inbound, uint32_t priority)
{
    size_t from = 0, to = inbound->n_priorities;
    while (from < to) {
        size_t half = from + (to - from) / 2;
        if (inbound->priorities[half] < priority)
            from = half + 1;
        else
            to = half;
    }
    return from < inbound->n_priorities && inbound->priorities[from] == priority;
}

/* The priorities of the rules before and behind that decide about the port. */
static void find_bounds(const struct nsf_draft *draft, struct nsf_room *room)
{
    const struct nsf_inbound *inbound = draft->inbound;
    uint32_t own = draft->finding->priority;
    room->after = NSF_PRIORITY_MIN - 1;
    room->before = NSF_PRIORITY_MAX + 1;
    for (size_t i = 0; i < inbound->n_rules; i++) {
        uint32_t priority = inbound->rules[i].priority;
        if (inbound->rules[i].is_admin || i == draft->finding_at || priority > NSF_PRIORITY_MAX)
            continue;
        if (priority <= own && priority > room->after)
            room->after = priority;
        if (priority > own && priority < room->before)
            room->before = priority;
    }
    if (draft->change == NSF_DRAFT_DENY_ABOVE && own < room->before)
        room->before = own;
}

static void find_free(const struct nsf_draft *draft, bool is_own_free, struct nsf_room *room)
{
    for (uint32_t priority = room->after + 1; priority < room->before; priority++) {
        if (is_used(draft->inbound, priority) && !(is_own_free && priority == draft->finding->priority))
            continue;
        room->n_free++;
        room->highest_free = priority;
    }
}

struct nsf_room nsf_draft_room(const struct nsf_draft *draft, const struct nsf_allowlist *allow)
{
    struct nsf_room room = {.n_rules = draft->inbound->n_custom_rules, .n_prefixes = draft->inbound->n_source_prefixes};
    const struct nsf_finding *finding = draft->finding;
    bool is_own_free = draft->change == NSF_DRAFT_DELETE || draft->change == NSF_DRAFT_NARROW;
    uint64_t n_families, n_denies = 0;
    count_families(allow, &n_families);
    if (draft->change == NSF_DRAFT_DENY_ABOVE)
        n_denies = finding->public_ipv6 != NSF_V6_NONE ? 2 : 1;
    uint64_t n_words = (uint64_t)draft->has_vnet_allow + draft->has_balancer_allow;
    uint64_t n_added = draft->change == NSF_DRAFT_NONE ? 0 : n_families + n_denies + n_words;
    if (is_own_free && room.n_rules > 0)
        room.n_rules--;
    if (is_own_free)
        room.n_prefixes -= finding->all_sources.n < room.n_prefixes ? finding->all_sources.n : room.n_prefixes;
    room.n_rules += n_added;
    room.n_prefixes += draft->change == NSF_DRAFT_NONE ? 0 : allow->n + n_denies + n_words;
    room.n_slots = (uint32_t)n_added;
    find_bounds(draft, &room);
    find_free(draft, is_own_free, &room);
    return room;
}

bool nsf_room_has_rules(const struct nsf_room *room)
{
    return room->n_rules <= NSF_NSG_RULES_MAX;
}

bool nsf_room_has_prefixes(const struct nsf_room *room)
{
    return room->n_prefixes <= NSF_NSG_PREFIXES_MAX;
}

bool nsf_room_has_priorities(const struct nsf_room *room)
{
    return room->n_free >= room->n_slots;
}

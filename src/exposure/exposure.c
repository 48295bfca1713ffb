#include "core/nsf_common.h"

#include "exposure/exposure.h"

#include "core/mem.h"
#include "exposure/evaluate.h"

struct nsf_evaluator *nsf_evaluator_new(const struct nsf_exposure_settings *settings)
{
    struct nsf_evaluator *evaluator = nsf_calloc(1, sizeof(*evaluator));
    evaluator->settings = *settings;
    nsf_defaults_fill(&evaluator->defaults);
    nsf_tags_init(&evaluator->tags, settings->tags);
    nsf_ipset_add_public(&evaluator->public_space);
    nsf_ipset_normalize(&evaluator->public_space);
    return evaluator;
}

static void release_class(struct nsf_class *class)
{
    nsf_free(class->takers);
    nsf_free(class->tokens);
    for (int family = 0; family < NSF_FAMILY_N; family++)
        nsf_segments_release(&class->segments[family]);
}

void nsf_evaluator_free(struct nsf_evaluator *evaluator)
{
    if (evaluator == NULL)
        return;
    for (size_t i = 0; i < evaluator->n_readings; i++)
        nsf_reading_release(&evaluator->readings[i]);
    for (size_t i = 0; i < evaluator->n_candidates_made; i++) {
        nsf_ipset_release(&evaluator->candidates[i].open);
        nsf_ipset_release(&evaluator->candidates[i].open_public);
    }
    for (size_t i = 0; i < evaluator->n_classes_made; i++)
        release_class(&evaluator->classes[i]);
    for (size_t i = 0; i < NSF_ARRAY_LEN(evaluator->scratch); i++)
        nsf_ipset_release(&evaluator->scratch[i]);
    nsf_admin_release(evaluator);
    nsf_ipset_release(&evaluator->public_space);
    nsf_tags_release(&evaluator->tags);
    nsf_free(evaluator->readings);
    nsf_free(evaluator->candidates);
    nsf_free(evaluator->classes);
    nsf_free(evaluator->names);
    nsf_free(evaluator);
}

/* ---- candidates: the rules that matter, by rank ------------------------------------------------- */

void nsf_evaluator_add_reading(struct nsf_evaluator *evaluator, const struct nsf_rule *rule, size_t idx)
{
    NSF_GROW(evaluator->readings, evaluator->readings_capacity, idx + 1);
    if (idx == evaluator->n_readings)
        evaluator->readings[evaluator->n_readings++] = (struct nsf_reading){0};
    nsf_reading_read(&evaluator->readings[idx], rule, evaluator->settings.port, &evaluator->tags);
}

/* Azure allows no two rules of one priority in a direction; where an input has them all the same, what may be open
 * counts as open. */
static int cmp_candidate(const void *left, const void *right)
{
    const struct nsf_candidate *x = left, *y = right;
    const struct nsf_rule *a = x->reading->rule, *b = y->reading->rule;
    if (x->is_admin != y->is_admin)
        return x->is_admin ? -1 : 1;
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    if (a->access != b->access && (a->access == NSF_ACCESS_DENY || b->access == NSF_ACCESS_DENY))
        return a->access == NSF_ACCESS_DENY ? 1 : -1;
    int order = nsf_slice_cmp_nocase(a->name, b->name);
    return order != 0 ? order : nsf_slice_cmp(a->name, b->name);
}

static void add_candidate(struct nsf_evaluator *evaluator, struct nsf_reading *reading, bool is_admin)
{
    NSF_GROW(evaluator->candidates, evaluator->candidates_capacity, evaluator->n_candidates + 1);
    struct nsf_candidate *candidate = &evaluator->candidates[evaluator->n_candidates];
    if (evaluator->n_candidates == evaluator->n_candidates_made) {
        *candidate = (struct nsf_candidate){0};
        evaluator->n_candidates_made++;
    }
    evaluator->n_candidates++;
    struct nsf_candidate fresh = {.reading = reading, .open = candidate->open, .open_public = candidate->open_public};
    nsf_ipset_reset(&fresh.open);
    nsf_ipset_reset(&fresh.open_public);
    fresh.is_admin = is_admin;
    fresh.may_take = nsf_reading_may_take(reading);
    fresh.is_dark = reading->match == NSF_MATCH_UNREADABLE && reading->is_allow;
    fresh.is_allow = reading->match == NSF_MATCH_YES && reading->is_allow;
    *candidate = fresh;
}

/* Reads all rules; the default rules too, where the export does not have them. */
static void read_rules(struct nsf_evaluator *evaluator, const struct nsf_nsg *nsg,
                       const struct nsf_admin_rule *const *admin, size_t n_admin)
{
    size_t n = 0;
    for (size_t i = 0; i < nsg->n_rules; i++)
        nsf_evaluator_add_reading(evaluator, &nsg->rules[i], n++);
    for (size_t i = 0; i < NSF_DEFAULT_RULES; i++)
        if (!nsf_has_default_rule(nsg, &evaluator->defaults.rules[i]))
            nsf_evaluator_add_reading(evaluator, &evaluator->defaults.rules[i], n++);
    evaluator->n_read = n;
    size_t n_all = n + nsf_admin_read(evaluator, admin, n_admin, n);
    evaluator->n_candidates = 0;
    for (size_t i = 0; i < n_all; i++) {
        struct nsf_reading *reading = &evaluator->readings[i];
        bool is_admin = i >= n;
        bool is_dark = reading->match == NSF_MATCH_UNREADABLE && reading->is_allow;
        if (is_admin && admin[i - n]->access != NSF_ADMIN_ACCESS_ALWAYS_ALLOW)
            continue;
        if (reading->match == NSF_MATCH_YES || is_dark)
            add_candidate(evaluator, reading, is_admin);
    }
    if (evaluator->n_candidates > 1)
        qsort(evaluator->candidates, evaluator->n_candidates, sizeof(*evaluator->candidates), cmp_candidate);
}

/* ---- classes: equally narrow rules ---------------------------------------------------------------- */

static struct nsf_class *add_class(struct nsf_evaluator *evaluator, uint32_t rank, bool is_alone)
{
    NSF_GROW(evaluator->classes, evaluator->classes_capacity, evaluator->n_classes + 1);
    struct nsf_class *class = &evaluator->classes[evaluator->n_classes];
    if (evaluator->n_classes == evaluator->n_classes_made) {
        *class = (struct nsf_class){0};
        evaluator->n_classes_made++;
    }
    evaluator->n_classes++;
    class->narrowing = &evaluator->candidates[rank].reading->narrowing;
    class->only_rank = is_alone ? rank : NSF_RANK_NONE;
    return class;
}

static void classify(struct nsf_evaluator *evaluator)
{
    evaluator->n_classes = 0;
    for (uint32_t rank = 0; rank < evaluator->n_candidates; rank++) {
        struct nsf_candidate *candidate = &evaluator->candidates[rank];
        if (!candidate->is_allow && !candidate->is_dark)
            continue;
        bool is_alone = candidate->is_dark || candidate->reading->narrowing.is_bad;
        size_t idx = 0;
        while (!is_alone && idx < evaluator->n_classes &&
               (evaluator->classes[idx].only_rank != NSF_RANK_NONE ||
                !nsf_narrowing_eq(evaluator->classes[idx].narrowing, &candidate->reading->narrowing)))
            idx++;
        if (is_alone || idx == evaluator->n_classes) {
            add_class(evaluator, rank, is_alone);
            idx = evaluator->n_classes - 1;
        }
        candidate->class_idx = (uint32_t)idx;
    }
}

static int cmp_class_token(const void *left, const void *right)
{
    const struct nsf_class_token *a = left, *b = right;
    int order = nsf_token_cmp(a->token, b->token);
    return order != 0 ? order : (a->rank > b->rank) - (a->rank < b->rank);
}

static void add_taker(struct nsf_class *class, const struct nsf_candidate *candidate, uint32_t rank)
{
    const struct nsf_reading *reading = candidate->reading;
    NSF_GROW(class->takers, class->takers_capacity, class->n_takers + 1);
    class->takers[class->n_takers++] = rank;
    if (reading->is_all && class->first_all == NSF_RANK_NONE)
        class->first_all = rank;
    if (reading->has_internet && class->first_internet == NSF_RANK_NONE)
        class->first_internet = rank;
    for (size_t i = 0; i < reading->tokens.n; i++) {
        NSF_GROW(class->tokens, class->tokens_capacity, class->n_tokens + 1);
        class->tokens[class->n_tokens++] = (struct nsf_class_token){reading->tokens.items[i], rank};
    }
}

static void fill_class(struct nsf_evaluator *evaluator, struct nsf_class *class)
{
    uint32_t n = (uint32_t)evaluator->n_candidates;
    class->n_takers = class->n_tokens = 0;
    class->first_all = class->first_internet = NSF_RANK_NONE;
    for (int family = 0; family < NSF_FAMILY_N; family++)
        nsf_segments_begin(&class->segments[family], n);
    for (uint32_t rank = 0; rank < n; rank++) {
        const struct nsf_candidate *candidate = &evaluator->candidates[rank];
        bool takes = candidate->may_take && nsf_narrowing_contains(&candidate->reading->narrowing, class->narrowing);
        if (takes)
            add_taker(class, candidate, rank);
        if (takes || class->only_rank == rank)
            for (int family = 0; family < NSF_FAMILY_N; family++)
                nsf_segments_add(&class->segments[family], rank, &candidate->reading->sources.of[family]);
    }
    for (int family = 0; family < NSF_FAMILY_N; family++)
        nsf_segments_finish(&class->segments[family], n);
    if (class->n_tokens > 1)
        qsort(class->tokens, class->n_tokens, sizeof(*class->tokens), cmp_class_token);
}

/* ---- what is left of each Allow ------------------------------------------------------------------- */

static void collect_open(struct nsf_evaluator *evaluator, uint32_t class_idx)
{
    const struct nsf_class *class = &evaluator->classes[class_idx];
    for (int family = 0; family < NSF_FAMILY_N; family++)
        for (size_t i = 0; i < class->segments[family].n; i++) {
            const struct nsf_segment *segment = &class->segments[family].items[i];
            struct nsf_candidate *owner = &evaluator->candidates[segment->first];
            bool is_own = (owner->is_allow || owner->is_dark) && owner->class_idx == class_idx;
            if (is_own)
                nsf_ranges_add(&owner->open.of[family], segment->range.first, segment->range.last);
        }
}

bool nsf_token_is_covered(const struct nsf_reading *reading, struct nsf_token token)
{
    bool is_public = token.kind == NSF_TOKEN_TAG || token.kind == NSF_TOKEN_CLOUD;
    return reading->is_all || (is_public && reading->has_internet);
}

/* The rank of the first taker of the class that names the token itself. */
static uint32_t first_with_token(const struct nsf_class *class, struct nsf_token token)
{
    size_t low = 0, high = class->n_tokens;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (nsf_token_cmp(class->tokens[mid].token, token) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    bool is_there = low < class->n_tokens && nsf_token_cmp(class->tokens[low].token, token) == 0;
    return is_there ? class->tokens[low].rank : NSF_RANK_NONE;
}

static uint32_t min_rank(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool holds_token(const struct nsf_reading *reading, struct nsf_token token)
{
    return nsf_token_is_covered(reading, token) || nsf_tokens_have(&reading->tokens, token);
}

uint32_t nsf_token_taker(const struct nsf_evaluator *evaluator, uint32_t rank, struct nsf_token token, uint32_t gone)
{
    const struct nsf_class *class = &evaluator->classes[evaluator->candidates[rank].class_idx];
    if (gone != NSF_RANK_NONE) {
        for (size_t i = 0; i < class->n_takers && class->takers[i] < rank; i++)
            if (class->takers[i] != gone && holds_token(evaluator->candidates[class->takers[i]].reading, token))
                return class->takers[i];
        return NSF_RANK_NONE;
    }
    bool is_public = token.kind == NSF_TOKEN_TAG || token.kind == NSF_TOKEN_CLOUD;
    uint32_t taker = min_rank(class->first_all, first_with_token(class, token));
    if (is_public)
        taker = min_rank(taker, class->first_internet);
    return taker < rank ? taker : NSF_RANK_NONE;
}

static void judge_tokens(const struct nsf_evaluator *evaluator, uint32_t rank, struct nsf_candidate *candidate,
                         bool *has_left)
{
    const struct nsf_reading *reading = candidate->reading;
    for (size_t i = 0; i < reading->tokens.n; i++) {
        struct nsf_token token = reading->tokens.items[i];
        if (nsf_token_taker(evaluator, rank, token, NSF_RANK_NONE) != NSF_RANK_NONE)
            continue;
        *has_left = true;
        if (nsf_token_is_covered(reading, token))
            continue;
        candidate->has_cloud |= token.kind == NSF_TOKEN_CLOUD;
        candidate->has_unknown |= token.kind == NSF_TOKEN_TAG || token.kind == NSF_TOKEN_BAD;
    }
}

static void judge_candidate(struct nsf_evaluator *evaluator, uint32_t rank)
{
    struct nsf_candidate *candidate = &evaluator->candidates[rank];
    const struct nsf_reading *reading = candidate->reading;
    bool has_left = false;
    nsf_ipset_normalize(&candidate->open);
    nsf_ipset_intersect(&candidate->open_public, &candidate->open, &evaluator->public_space);
    candidate->n_ipv4 = (uint64_t)nsf_ranges_count(&candidate->open_public.of[NSF_FAMILY_V4]);
    candidate->n_ipv6 = nsf_ranges_count(&candidate->open_public.of[NSF_FAMILY_V6]);
    judge_tokens(evaluator, rank, candidate, &has_left);
    if (!reading->is_all && !reading->has_internet)
        candidate->has_cloud |= nsf_ipset_overlap(&reading->clouds, &candidate->open);
    candidate->is_shadowed = !has_left && nsf_ipset_is_empty(&candidate->open);
    candidate->opens_limit = candidate->n_ipv4 >= evaluator->settings.partial_ipv4 ||
                             candidate->n_ipv6 >= (nsf_u128)1 << evaluator->settings.partial_ipv6_bits ||
                             candidate->has_cloud;
    if (!candidate->is_dark)
        return;
    /* Whether it matches is not known; if it cannot open anything public even so, it does not matter. */
    bool may_open = candidate->n_ipv4 > 0 || candidate->n_ipv6 > 0 || candidate->has_cloud || candidate->has_unknown;
    candidate->has_unknown = may_open;
    candidate->opens_limit = false;
}

bool nsf_candidate_lost_ipv4(const struct nsf_evaluator *evaluator, uint32_t rank)
{
    const struct nsf_candidate *candidate = &evaluator->candidates[rank];
    const struct nsf_segments *segments = &evaluator->classes[candidate->class_idx].segments[NSF_FAMILY_V4];
    const struct nsf_ranges *sources = &candidate->reading->sources.of[NSF_FAMILY_V4];
    for (size_t i = 0; i < sources->n; i++)
        for (size_t s = nsf_segments_seek(segments, sources->items[i].first);
             s < segments->n && segments->items[s].range.first <= sources->items[i].last; s++) {
            uint32_t first = segments->items[s].first;
            if (first < rank && !evaluator->candidates[first].is_allow)
                return true;
        }
    return false;
}

/* ---- the verdict ------------------------------------------------------------------------------------ */

enum nsf_v6_extent nsf_v6_extent_of(nsf_u128 n_public)
{
    if (n_public == 0)
        return NSF_V6_NONE;
    return n_public >> NSF_PUBLIC_IPV6_BITS != 0 ? NSF_V6_FULL : NSF_V6_PART;
}

static struct nsf_extent extent_of(struct nsf_evaluator *evaluator, bool is_limit_only)
{
    const struct nsf_exposure_settings *settings = &evaluator->settings;
    struct nsf_ipset *all = &evaluator->scratch[0];
    bool has_cloud = false, lost_ipv4 = false;
    nsf_ipset_reset(all);
    for (uint32_t rank = 0; rank < evaluator->n_candidates; rank++) {
        const struct nsf_candidate *candidate = &evaluator->candidates[rank];
        if (!candidate->is_allow || (is_limit_only && !candidate->opens_limit))
            continue;
        has_cloud |= candidate->has_cloud;
        for (int family = 0; family < NSF_FAMILY_N; family++)
            for (size_t i = 0; i < candidate->open_public.of[family].n; i++)
                nsf_ranges_add(&all->of[family], candidate->open_public.of[family].items[i].first,
                               candidate->open_public.of[family].items[i].last);
        if (candidate->n_ipv6 > 0)
            lost_ipv4 |= nsf_candidate_lost_ipv4(evaluator, rank);
    }
    nsf_ipset_normalize(all);
    struct nsf_extent extent = {.verdict = NSF_EXPOSURE_CLOSED};
    extent.n_ipv4 = (uint64_t)nsf_ranges_count(&all->of[NSF_FAMILY_V4]);
    extent.n_ipv6 = nsf_ranges_count(&all->of[NSF_FAMILY_V6]);
    bool is_v6_alone = extent.n_ipv4 == 0 && nsf_v6_extent_of(extent.n_ipv6) == NSF_V6_FULL && !lost_ipv4;
    if (extent.n_ipv4 + settings->exposed_missing_ipv4 >= NSF_PUBLIC_IPV4 || is_v6_alone)
        extent.verdict = NSF_EXPOSURE_EXPOSED;
    else if (extent.n_ipv4 >= settings->partial_ipv4 || extent.n_ipv6 >= (nsf_u128)1 << settings->partial_ipv6_bits ||
             has_cloud)
        extent.verdict = NSF_EXPOSURE_PARTIAL;
    else if (extent.n_ipv4 > 0 || extent.n_ipv6 > 0)
        extent.verdict = NSF_EXPOSURE_RESTRICTED;
    return extent;
}

static bool has_unknown(const struct nsf_evaluator *evaluator)
{
    for (size_t i = 0; i < evaluator->n_candidates; i++)
        if (evaluator->candidates[i].has_unknown)
            return true;
    return false;
}

/* Marks the findings: each Allow that opens the limit by itself; every Allow that opens public addresses where those do
 * not make the verdict; each Allow of which something is unknown. */
static bool choose_findings(struct nsf_evaluator *evaluator, enum nsf_exposure verdict)
{
    bool is_open = verdict == NSF_EXPOSURE_EXPOSED || verdict == NSF_EXPOSURE_PARTIAL;
    bool is_together = is_open && extent_of(evaluator, true).verdict != verdict;
    for (size_t i = 0; i < evaluator->n_candidates; i++) {
        struct nsf_candidate *candidate = &evaluator->candidates[i];
        bool opens = candidate->n_ipv4 > 0 || candidate->n_ipv6 > 0 || candidate->has_cloud;
        if (candidate->is_allow && is_open)
            candidate->is_finding = is_together ? opens : candidate->opens_limit;
        candidate->is_finding |= candidate->has_unknown;
    }
    return is_together;
}

/* ---- the result -------------------------------------------------------------------------------------- */

static void make_rows(struct nsf_evaluator *evaluator, bool is_together, struct nsf_arena *keep,
                      struct nsf_exposure_result *result)
{
    size_t n_findings = 0, n_shadowed = 0;
    for (size_t i = 0; i < evaluator->n_candidates; i++) {
        n_findings += evaluator->candidates[i].is_finding;
        n_shadowed += evaluator->candidates[i].is_allow && evaluator->candidates[i].is_shadowed;
    }
    result->findings = nsf_arena_zalloc(keep, n_findings, sizeof(*result->findings));
    result->shadowed = nsf_arena_zalloc(keep, n_shadowed, sizeof(*result->shadowed));
    for (uint32_t rank = 0; rank < evaluator->n_candidates; rank++) {
        const struct nsf_candidate *candidate = &evaluator->candidates[rank];
        if (candidate->is_finding)
            nsf_describe_finding(evaluator, rank, result->nsg.verdict, is_together, keep,
                                 &result->findings[result->n_findings++]);
        else if (candidate->is_allow && candidate->is_shadowed && !nsf_is_default_rule(candidate->reading->rule))
            nsf_describe_shadowed(evaluator, rank, keep, &result->shadowed[result->n_shadowed++]);
    }
}

/* AlwaysAllow rules come first and have priorities of their own: the report goes by priority all the same. */
static int cmp_finding(const void *left, const void *right)
{
    const struct nsf_finding *a = left, *b = right;
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    int order = nsf_slice_cmp_nocase(a->rule, b->rule);
    if (order == 0)
        order = nsf_slice_cmp(a->rule, b->rule);
    return order != 0 ? order : (int)b->is_admin_rule - (int)a->is_admin_rule;
}

static int cmp_scan_rule(const void *left, const void *right)
{
    const struct nsf_scan_rule *a = left, *b = right;
    int order = nsf_slice_cmp_nocase(a->name, b->name);
    return order != 0 ? order : nsf_slice_cmp(a->name, b->name);
}

/* The role of every inbound rule, by name. Names of findings and shadowed rules are already in `keep`. */
static uint32_t find_finding(const struct nsf_exposure_result *result, const struct nsf_rule *rule)
{
    uint32_t idx = 0;
    while (idx < result->n_findings &&
           (result->findings[idx].is_admin_rule || result->findings[idx].priority != rule->priority ||
            !nsf_slice_eq(result->findings[idx].rule, rule->name)))
        idx++;
    return idx;
}

static void make_rule_table(const struct nsf_evaluator *evaluator, struct nsf_arena *keep,
                            struct nsf_exposure_result *result)
{
    struct nsf_scan_nsg *row = &result->nsg;
    size_t n_readings = evaluator->n_read;
    row->rules = nsf_arena_zalloc(keep, n_readings, sizeof(*row->rules));
    for (size_t i = 0; i < evaluator->n_candidates; i++) {
        const struct nsf_candidate *candidate = &evaluator->candidates[i];
        if (candidate->is_admin) /* logged under a name of its own, not as a rule of the NSG */
            continue;
        struct nsf_scan_rule *rule = &row->rules[row->n_rules++];
        rule->name = nsf_arena_copy(keep, candidate->reading->rule->name);
        rule->is_default = candidate->reading->rule->is_default;
        rule->is_allow = candidate->is_allow || candidate->is_dark;
        rule->priority = candidate->reading->rule->priority;
        if (candidate->is_finding) {
            rule->role = NSF_RULE_ROLE_FINDING;
            rule->finding_idx = find_finding(result, candidate->reading->rule);
        } else if (candidate->is_allow && candidate->is_shadowed)
            rule->role = NSF_RULE_ROLE_SHADOWED;
    }
    for (size_t i = 0; i < n_readings; i++) {
        const struct nsf_reading *reading = &evaluator->readings[i];
        bool is_candidate =
            reading->match == NSF_MATCH_YES || (reading->match == NSF_MATCH_UNREADABLE && reading->is_allow);
        if (is_candidate || reading->rule->direction == NSF_DIRECTION_OUTBOUND)
            continue;
        struct nsf_scan_rule *rule = &row->rules[row->n_rules++];
        rule->name = nsf_arena_copy(keep, reading->rule->name);
        rule->is_default = reading->rule->is_default;
        rule->priority = reading->rule->priority;
    }
    if (row->n_rules > 1)
        qsort(row->rules, row->n_rules, sizeof(*row->rules), cmp_scan_rule);
}

static struct nsf_slice keep_text(struct nsf_arena *keep, struct nsf_slice text)
{
    return text.ptr == NULL ? text : nsf_arena_copy(keep, text);
}

static void copy_identity(struct nsf_evaluator *evaluator, const struct nsf_nsg *nsg, struct nsf_arena *keep,
                          struct nsf_scan_nsg *row)
{
    row->id = keep_text(keep, nsg->id);
    row->name = keep_text(keep, nsg->name);
    row->guid = keep_text(keep, nsg->guid);
    row->owner = keep_text(keep, nsg->owner);
    row->has_attachment = nsg->has_subnets || nsg->has_nics;
    row->is_latent = row->has_attachment && nsg->subnets.n == 0 && nsg->nics.n == 0;
    row->place = nsg->place;
    for (size_t i = 0; i < nsg->subnets.n; i++)
        nsf_names_add(evaluator, nsg->subnets.items[i]);
    for (size_t i = 0; i < nsg->nics.n; i++)
        nsf_names_add(evaluator, nsg->nics.items[i]);
    row->attached_to = nsf_names_take(evaluator, keep);
    for (size_t i = 0; i < nsg->nic_macs.n; i++)
        nsf_names_add(evaluator, nsg->nic_macs.items[i]);
    row->nic_macs = nsf_names_take(evaluator, keep);
    for (size_t i = 0; i < nsg->nic_addresses.n; i++)
        nsf_names_add(evaluator, nsg->nic_addresses.items[i]);
    row->nic_addresses = nsf_names_take(evaluator, keep);
}

/* The Deny that decides about most public addresses, IPv4 first. */
static uint32_t find_closer(struct nsf_evaluator *evaluator)
{
    nsf_u128 most[NSF_FAMILY_N] = {0};
    uint32_t closer = NSF_RANK_NONE;
    for (uint32_t rank = 0; rank < evaluator->n_candidates; rank++) {
        const struct nsf_candidate *candidate = &evaluator->candidates[rank];
        nsf_u128 count[NSF_FAMILY_N];
        if (candidate->is_allow || candidate->is_dark || !candidate->may_take ||
            !nsf_narrowing_is_universal(&candidate->reading->narrowing))
            continue;
        nsf_ipset_intersect(&evaluator->scratch[0], &candidate->reading->sources, &evaluator->public_space);
        for (int family = 0; family < NSF_FAMILY_N; family++)
            count[family] = nsf_ranges_count(&evaluator->scratch[0].of[family]);
        bool is_more = count[NSF_FAMILY_V4] > most[NSF_FAMILY_V4] ||
                       (count[NSF_FAMILY_V4] == most[NSF_FAMILY_V4] && count[NSF_FAMILY_V6] > most[NSF_FAMILY_V6]);
        if (!is_more)
            continue;
        memcpy(most, count, sizeof(most));
        closer = rank;
    }
    return closer;
}

static void keep_opens(struct nsf_evaluator *evaluator, struct nsf_arena *keep, struct nsf_exposure_result *result)
{
    uint32_t closer = find_closer(evaluator);
    if (closer != NSF_RANK_NONE)
        result->closed_by = nsf_arena_copy(keep, evaluator->candidates[closer].reading->rule->name);
    result->opens = nsf_arena_zalloc(keep, evaluator->n_candidates, sizeof(*result->opens));
    for (uint32_t rank = 0; rank < evaluator->n_candidates; rank++) {
        const struct nsf_candidate *candidate = &evaluator->candidates[rank];
        bool opens = candidate->n_ipv4 > 0 || candidate->n_ipv6 > 0 || candidate->has_cloud || candidate->has_unknown;
        if (!opens)
            continue;
        struct nsf_opening *open = &result->opens[result->n_opens++];
        open->rule = nsf_arena_copy(keep, candidate->reading->rule->name);
        open->set = nsf_ipset_keep(&candidate->open_public, keep);
        open->has_cloud = candidate->has_cloud;
        open->has_unknown = candidate->has_unknown;
    }
}

static void count_rules(const struct nsf_nsg *nsg, struct nsf_exposure_result *result)
{
    for (size_t i = 0; i < nsg->n_rules; i++) {
        if (nsf_is_default_rule(&nsg->rules[i]))
            continue;
        result->n_rules++;
        result->n_rules_described += nsf_slice_trim(nsg->rules[i].description).len > 0;
    }
}

void nsf_evaluate(struct nsf_evaluator *evaluator, const struct nsf_nsg *nsg, const struct nsf_admin_rule *const *admin,
                  size_t n_admin, struct nsf_arena *keep, struct nsf_exposure_result *result)
{
    *result = (struct nsf_exposure_result){0};
    read_rules(evaluator, nsg, admin, n_admin);
    classify(evaluator);
    for (uint32_t i = 0; i < evaluator->n_classes; i++) {
        fill_class(evaluator, &evaluator->classes[i]);
        collect_open(evaluator, i);
    }
    for (uint32_t rank = 0; rank < evaluator->n_candidates; rank++)
        if (evaluator->candidates[rank].is_allow || evaluator->candidates[rank].is_dark)
            judge_candidate(evaluator, rank);
    struct nsf_extent extent = extent_of(evaluator, false);
    bool is_settled = extent.verdict == NSF_EXPOSURE_EXPOSED || extent.verdict == NSF_EXPOSURE_PARTIAL;
    if (!is_settled && (has_unknown(evaluator) || nsg->may_have_more_rules))
        extent.verdict = NSF_EXPOSURE_UNKNOWN;
    copy_identity(evaluator, nsg, keep, &result->nsg);
    result->nsg.verdict = extent.verdict;
    result->nsg.public_ipv4 = extent.n_ipv4;
    result->nsg.public_ipv6 = nsf_v6_extent_of(extent.n_ipv6);
    make_rows(evaluator, choose_findings(evaluator, extent.verdict), keep, result);
    if (n_admin > 0 && result->n_findings > 1)
        qsort(result->findings, result->n_findings, sizeof(*result->findings), cmp_finding);
    for (size_t i = 0; i < result->n_findings; i++)
        result->findings[i].is_latent = result->nsg.is_latent || result->findings[i].is_blocked;
    if (evaluator->settings.has_opens)
        keep_opens(evaluator, keep, result);
    nsf_describe_notes(evaluator, nsg, keep);
    result->nsg.notes = nsf_names_take(evaluator, keep);
    if (evaluator->settings.has_rule_table) {
        make_rule_table(evaluator, keep, result);
        if (result->n_findings > 0)
            result->nsg.inbound = nsf_inbound_keep(evaluator, nsg, keep);
    }
    count_rules(nsg, result);
}

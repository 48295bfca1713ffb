#include "core/nsf_common.h"

#include "evidence/history.h"

#include "core/clock.h"
#include "evidence/rule_coverage.h"

#include <stdarg.h>

enum {
    DENIED_MIN = 10,      /* refused tuples that are no accident */
    CONNECTIONS_MIN = 10, /* and connections by another rule */
    NEW_AFTER_DAYS = 7,   /* a rule is new when the logs show that long before it without a hit, ... */
    NEW_SOURCES_MIN = 10,
    NEW_DAYS_PERCENT = 80, /* and hits on most days since */
    NEW_HOURS_PERCENT = 90,
    CHANGES_MAX = 16,
};

/* Everything about port 25 under one NSG. */
struct history {
    const struct nsf_evidence *evidence;
    const struct nsf_span *allowed; /* by target */
    const struct nsf_span *denied;
    const uint32_t *targets; /* of the NSG, ascending */
    size_t n_targets;
    uint32_t finding_idx;
    struct nsf_review *review;
    struct nsf_review_rule *rule;
    struct nsf_change *changes; /* all there are, in no order yet */
    size_t n_changes;
    size_t changes_capacity;
};

/* ---- what a rule is to another ---------------------------------------------------------------------------------- */

/* "UserRule_MicrosoftDefenderForCloud-JITRule_<digits>_<hex>": opened for hours, on request. */
static bool is_just_in_time(struct nsf_slice logged)
{
    static const char part[] = "-JITRule_";
    for (size_t i = 0; i + sizeof(part) - 1 <= logged.len; i++)
        if (nsf_slice_has_prefix_nocase(nsf_slice_from(logged, i), NSF_SLICE_LIT(part)))
            return true;
    return false;
}

static enum nsf_succession succession_of_row(const struct nsf_evidence *evidence, const struct nsf_finding *finding,
                                             const struct nsf_unmatched_target *row)
{
    if (row->nsg_idx != finding->nsg_idx)
        return NSF_SUCCESSION_NONE;
    if (row->reason == NSF_JOIN_UNKNOWN_RULE)
        return is_just_in_time(row->logged_rule) ? NSF_SUCCESSION_PASSING : NSF_SUCCESSION_GONE;
    if ((row->reason != NSF_JOIN_SHADOWED && row->reason != NSF_JOIN_NOT_EXPOSING) || row->rule_idx == NSF_JOIN_NONE)
        return NSF_SUCCESSION_NONE;
    const struct nsf_scan_rule *rule = &evidence->scan->nsgs[row->nsg_idx].rules[row->rule_idx];
    if (rule->is_default)
        return NSF_SUCCESSION_NONE; /* VirtualNetwork may hold public ranges */
    if (!rule->is_allow)
        return NSF_SUCCESSION_NO_ALLOW;
    return finding->decides_all && rule->priority > finding->priority ? NSF_SUCCESSION_BEHIND : NSF_SUCCESSION_NONE;
}

enum nsf_succession nsf_history_succession(const struct nsf_evidence *evidence, uint32_t finding_idx, uint32_t target)
{
    const struct nsf_scan *scan = evidence->scan;
    const struct nsf_finding *finding = &scan->findings[finding_idx];
    if (finding->is_admin_rule)
        return NSF_SUCCESSION_NONE;
    if (target >= scan->n_findings)
        return succession_of_row(evidence, finding, &evidence->unmatched[target - scan->n_findings]);
    const struct nsf_finding *other = &scan->findings[target];
    bool is_behind = other->nsg_idx == finding->nsg_idx && other->priority > finding->priority && !other->is_admin_rule;
    return is_behind && finding->decides_all ? NSF_SUCCESSION_BEHIND : NSF_SUCCESSION_NONE;
}

/* The name without the prefix that logs put in front. */
static struct nsf_slice name_of(const struct nsf_evidence *evidence, uint32_t target)
{
    static const struct nsf_slice prefixes[] = {{"UserRule_", 9}, {"DefaultRule_", 12}};
    if (target < evidence->scan->n_findings)
        return evidence->scan->findings[target].rule;
    const struct nsf_unmatched_target *row = &evidence->unmatched[target - evidence->scan->n_findings];
    if (row->rule_idx != NSF_JOIN_NONE)
        return evidence->scan->nsgs[row->nsg_idx].rules[row->rule_idx].name;
    for (size_t i = 0; i < NSF_ARRAY_LEN(prefixes); i++)
        if (nsf_slice_has_prefix_nocase(row->logged_rule, prefixes[i]))
            return nsf_slice_from(row->logged_rule, prefixes[i].len);
    return row->logged_rule;
}

/* ---- changes ------------------------------------------------------------------------------------------------------
 */

static const struct nsf_span *own_hits(const struct history *history)
{
    return &history->allowed[history->finding_idx];
}

static struct nsf_change *add(struct history *history, enum nsf_change_code code, struct nsf_slice rule,
                              const struct nsf_span *span)
{
    NSF_GROW(history->changes, history->changes_capacity, history->n_changes + 1);
    struct nsf_change *change = &history->changes[history->n_changes++];
    *change = (struct nsf_change){code, rule, span->first_ms, span->last_ms, span->count, NSF_SLICE_LIT("")};
    return change;
}

static void say(struct history *history, struct nsf_change *change, const char *fmt, ...) NSF_PRINTF(3, 4);

static void say(struct history *history, struct nsf_change *change, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    size_t len = (size_t)vsnprintf(NULL, 0, fmt, args);
    char *text = nsf_arena_alloc(&history->review->arena, len + 1);
    vsnprintf(text, len + 1, fmt, again);
    va_end(again);
    va_end(args);
    change->text = nsf_slice(text, len);
}

static unsigned long long ull(uint64_t n)
{
    return n;
}

static const char *s_of(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* The logs up to here contradict the definition. */
static void cut(struct history *history, int64_t last_ms)
{
    struct nsf_coverage *coverage = &history->rule->coverage;
    int64_t from_ms = (nsf_time_hour(last_ms) + 1) * NSF_MS_PER_HOUR;
    if (from_ms > history->review->window_to_ms)
        from_ms = history->review->window_to_ms;
    if (from_ms > coverage->evidence_from_ms)
        coverage->evidence_from_ms = from_ms;
}

static bool is_before_own_hits(const struct history *history, const struct nsf_span *span)
{
    return own_hits(history)->count == 0 || span->last_ms < own_hits(history)->first_ms;
}

static void see_denied_by_rule(struct history *history)
{
    const struct nsf_span *span = &history->denied[history->finding_idx];
    char day[NSF_TIME_TEXT_BYTES];
    if (span->count == 0)
        return;
    say(history,
        add(history, NSF_CHANGE_DENIED_BY_RULE, history->evidence->scan->findings[history->finding_idx].rule, span),
        "This rule refused port 25 itself, last on %s (%llu time%s): it was a Deny then.",
        nsf_time_format_day(nsf_time_day(span->last_ms), day), ull(span->count), s_of(span->count));
    if (span->count >= DENIED_MIN)
        cut(history, span->last_ms);
}

/* Rules of the NSG itself: those of a network manager come before it, and no change of the finding undoes them. */
static bool is_rule_of_nsg(const struct nsf_evidence *evidence, uint32_t target)
{
    if (target < evidence->scan->n_findings)
        return true;
    enum nsf_join_reason reason = evidence->unmatched[target - evidence->scan->n_findings].reason;
    return reason == NSF_JOIN_UNKNOWN_RULE || reason == NSF_JOIN_SHADOWED || reason == NSF_JOIN_NOT_EXPOSING;
}

static bool refused_more(const struct history *history, uint32_t a, uint32_t b)
{
    if (history->denied[a].count != history->denied[b].count)
        return history->denied[a].count > history->denied[b].count;
    return nsf_slice_cmp(name_of(history->evidence, a), name_of(history->evidence, b)) < 0;
}

/* A rule that decides everything leaves nothing to refuse: while others refused, it was not there, or narrower. */
static void see_denied_before(struct history *history)
{
    struct nsf_span all = {0};
    uint32_t most = history->finding_idx;
    char day[NSF_TIME_TEXT_BYTES];
    if (!history->evidence->scan->findings[history->finding_idx].decides_all)
        return;
    for (size_t i = 0; i < history->n_targets; i++) {
        uint32_t target = history->targets[i];
        if (target == history->finding_idx || !is_rule_of_nsg(history->evidence, target))
            continue;
        nsf_span_join(&all, &history->denied[target]);
        if (most == history->finding_idx || refused_more(history, target, most))
            most = target;
    }
    if (all.count < DENIED_MIN || !is_before_own_hits(history, &all))
        return;
    struct nsf_slice name = name_of(history->evidence, most);
    say(history, add(history, NSF_CHANGE_DENIED_BEFORE, name, &all),
        "%.*s refused public addresses on port 25 until %s (%llu time%s): this rule was not there then, or narrower.",
        NSF_SLICE_ARG(name), nsf_time_format_day(nsf_time_day(all.last_ms), day), ull(all.count), s_of(all.count));
    cut(history, all.last_ms);
}

static void see_other_rule(struct history *history, uint32_t target)
{
    const struct nsf_span *span = &history->allowed[target];
    enum nsf_succession succession = nsf_history_succession(history->evidence, history->finding_idx, target);
    char day[NSF_TIME_TEXT_BYTES];
    if (span->count == 0 || succession == NSF_SUCCESSION_NONE || succession == NSF_SUCCESSION_PASSING)
        return;
    bool is_gone = succession == NSF_SUCCESSION_GONE;
    struct nsf_slice name = name_of(history->evidence, target);
    say(history, add(history, is_gone ? NSF_CHANGE_GONE_RULE : NSF_CHANGE_OTHER_RULE, name, span),
        "%.*s let port 25 in until %s (%llu connection%s)%s.", NSF_SLICE_ARG(name),
        nsf_time_format_day(nsf_time_day(span->last_ms), day), ull(span->count), s_of(span->count),
        is_gone                                 ? " and is not in the definitions any more"
        : succession == NSF_SUCCESSION_NO_ALLOW ? ", which it does not do by its definition"
                                                : ", though this rule comes before it now");
    if (span->count >= CONNECTIONS_MIN && span->last_ms - span->first_ms >= NSF_MS_PER_DAY &&
        is_before_own_hits(history, span))
        cut(history, span->last_ms);
}

/* No hit for a week of logs, then hits on nearly every day from many sides. Said, and no more: silence contradicts no
 * definition, and the hours of it are hours of log like any other. */
static void see_new(struct history *history)
{
    const struct nsf_traffic *traffic = &history->rule->traffic;
    const struct nsf_review *review = history->review;
    uint64_t expected, seen;
    char day[NSF_TIME_TEXT_BYTES];
    if (history->rule->coverage.evidence_from_ms != NSF_TS_NONE || traffic->sources < NEW_SOURCES_MIN ||
        traffic->first_ms - review->window_from_ms < NEW_AFTER_DAYS * NSF_MS_PER_DAY)
        return;
    int64_t days = nsf_time_day(review->window_to_ms - 1) - nsf_time_day(traffic->first_ms) + 1;
    if (traffic->days * INT64_C(100) < days * NEW_DAYS_PERCENT)
        return;
    nsf_rule_hours(history->evidence, &history->rule->coverage, review->window_from_ms, traffic->first_ms, &expected,
                   &seen);
    if (seen * 100 < expected * NEW_HOURS_PERCENT)
        return;
    struct nsf_span span = {traffic->connections, traffic->first_ms, traffic->last_ms};
    say(history, add(history, NSF_CHANGE_NEW, history->evidence->scan->findings[history->finding_idx].rule, &span),
        "Nothing came in by this rule before %s, though the logs cover it, and on nearly every day since: the rule is "
        "new, or what leads to it.",
        nsf_time_format_day(nsf_time_day(traffic->first_ms), day));
}

static int cmp_changes(const void *left, const void *right)
{
    const struct nsf_change *a = left, *b = right;
    if (a->code != b->code)
        return a->code < b->code ? -1 : 1;
    if (a->last_ms != b->last_ms)
        return a->last_ms < b->last_ms ? -1 : 1;
    int order = nsf_slice_cmp_nocase(a->rule, b->rule);
    return order != 0 ? order : nsf_slice_cmp(a->rule, b->rule);
}

static void give(struct history *history)
{
    struct nsf_review_rule *rule = history->rule;
    if (history->n_changes == 0)
        return;
    qsort(history->changes, history->n_changes, sizeof(*history->changes), cmp_changes);
    rule->n_changes = history->n_changes < CHANGES_MAX ? history->n_changes : CHANGES_MAX;
    rule->changes = nsf_arena_alloc(&history->review->arena, rule->n_changes * sizeof(*rule->changes));
    memcpy(rule->changes, history->changes, rule->n_changes * sizeof(*rule->changes));
    nsf_free(history->changes);
}

static void see(struct history *history)
{
    struct nsf_review_rule *rule = history->rule;
    see_denied_by_rule(history);
    see_denied_before(history);
    for (size_t i = 0; i < history->n_targets; i++)
        if (history->targets[i] != history->finding_idx)
            see_other_rule(history, history->targets[i]);
    see_new(history);
    give(history);
    if (rule->coverage.evidence_from_ms != NSF_TS_NONE)
        nsf_rule_hours(history->evidence, &rule->coverage, rule->coverage.evidence_from_ms,
                       history->review->window_to_ms, &rule->coverage.expected_since, &rule->coverage.seen_since);
}

/* ---- all rules ----------------------------------------------------------------------------------------------------
 */

struct nsg_target {
    uint32_t nsg_idx;
    uint32_t target;
};

static int cmp_nsg_targets(const void *left, const void *right)
{
    const struct nsg_target *a = left, *b = right;
    if (a->nsg_idx != b->nsg_idx)
        return a->nsg_idx < b->nsg_idx ? -1 : 1;
    return (a->target > b->target) - (a->target < b->target);
}

static struct nsf_span *join_spans(const struct nsf_evidence *evidence, uint32_t n_targets, bool is_denied)
{
    struct nsf_span *joined = nsf_calloc((size_t)n_targets + 1, sizeof(*joined));
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        const struct nsf_spans *spans =
            is_denied ? &evidence->partitions[p].denied_spans : &evidence->partitions[p].allowed_spans;
        for (uint32_t t = 0; t < spans->n; t++)
            nsf_span_join(&joined[t], &spans->items[t]);
    }
    return joined;
}

/* Targets with mail by their NSG. */
static struct nsg_target *sort_targets(const struct nsf_evidence *evidence, uint32_t n_targets,
                                       const struct nsf_span *allowed, const struct nsf_span *denied, size_t *n)
{
    struct nsg_target *rows = nsf_calloc((size_t)n_targets + 1, sizeof(*rows));
    size_t n_findings = evidence->scan->n_findings;
    *n = 0;
    for (uint32_t t = 0; t < n_targets; t++) {
        uint32_t nsg_idx =
            t < n_findings ? evidence->scan->findings[t].nsg_idx : evidence->unmatched[t - n_findings].nsg_idx;
        if (nsg_idx != NSF_JOIN_NONE && allowed[t].count + denied[t].count > 0)
            rows[(*n)++] = (struct nsg_target){nsg_idx, t};
    }
    if (*n > 1)
        qsort(rows, *n, sizeof(*rows), cmp_nsg_targets);
    return rows;
}

static size_t first_of_nsg(const struct nsg_target *rows, size_t n, uint32_t nsg_idx)
{
    size_t from = 0, to = n;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (rows[mid].nsg_idx < nsg_idx)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

void nsf_history_fill(const struct nsf_evidence *evidence, struct nsf_review *review)
{
    uint32_t n_targets = (uint32_t)evidence->scan->n_findings + evidence->target_keys.n;
    if (review->window_from_ms == NSF_TS_NONE)
        return;
    struct nsf_span *allowed = join_spans(evidence, n_targets, false), *denied = join_spans(evidence, n_targets, true);
    size_t n_rows;
    struct nsg_target *rows = sort_targets(evidence, n_targets, allowed, denied, &n_rows);
    uint32_t *targets = nsf_calloc(n_rows + 1, sizeof(*targets));
    for (size_t r = 0; r < review->n_rules; r++) {
        struct history history = {.evidence = evidence,
                                  .allowed = allowed,
                                  .denied = denied,
                                  .targets = targets,
                                  .finding_idx = review->rules[r].finding_idx,
                                  .review = review,
                                  .rule = &review->rules[r]};
        uint32_t nsg_idx = evidence->scan->findings[history.finding_idx].nsg_idx;
        for (size_t i = first_of_nsg(rows, n_rows, nsg_idx); i < n_rows && rows[i].nsg_idx == nsg_idx; i++)
            targets[history.n_targets++] = rows[i].target;
        see(&history);
    }
    nsf_free(targets);
    nsf_free(rows);
    nsf_free(allowed);
    nsf_free(denied);
}

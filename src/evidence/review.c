#include "core/nsf_common.h"

#include "evidence/review.h"

#include "core/clock.h"
#include "core/parallel.h"
#include "evidence/elsewhere.h"
#include "evidence/evidence_state.h"
#include "evidence/history.h"
#include "evidence/other_ports.h"
#include "evidence/row_order.h"
#include "evidence/rule_coverage.h"

/* A source row by partition and number, in one word: ten million of them are 40 MB. */
#define ROW_PARTITION_SHIFT 28
#define ROW_MASK ((UINT32_C(1) << ROW_PARTITION_SHIFT) - 1)

/* Rows are fetched that much ahead, and half way what stands beside them. */
#define ROWS_AHEAD 16u

struct rule_rows {
    uint32_t *rows;
    size_t n;
    struct nsf_source_sum rest; /* of the sources past --max-sources */
};

struct review_rows {
    struct nsf_evidence *evidence;
    struct rule_rows *by_target; /* findings first, then what joined nothing */
};

static const struct nsf_sources *sources_of(const struct nsf_evidence *evidence, uint32_t ref)
{
    return &evidence->partitions[ref >> ROW_PARTITION_SHIFT].sources;
}

static const struct nsf_source_row *row_of(const struct nsf_evidence *evidence, uint32_t ref)
{
    return nsf_sources_row(sources_of(evidence, ref), ref & ROW_MASK);
}

struct nsf_source_cross nsf_evidence_cross(const struct nsf_evidence *evidence, struct nsf_ip src)
{
    struct nsf_contact_summary contacts;
    if (!nsf_contacts_find(&evidence->partitions[nsf_partition_of(src)].contacts, src, &contacts))
        return (struct nsf_source_cross){0};
    return (struct nsf_source_cross){
        .denied_tuples = contacts.denied_tuples,
        .denied_addresses = contacts.denied_addresses,
        .denied_ports = contacts.denied_ports,
        .denied_mail_addresses = contacts.denied_mail_addresses,
        .other_contacts = contacts.other_contacts,
        .other_ports = contacts.other_ports,
    };
}

#define NETWORK_BITS_V4 120 /* a /24, counted in 128 bits */
#define NETWORK_BITS_V6 48

/* Inlined by force: a compiler that sees a function which only fetches ahead takes it for one without effect,
 * and leaves the call out. */
static inline __attribute__((always_inline)) void expect(const void *ptr, size_t n_bytes)
{
    for (size_t at = 0; at < n_bytes; at += 64)
        __builtin_prefetch((const char *)ptr + at);
}

/* Sources are mostly read one after the other, and their rows lie anywhere, as do the contacts of their addresses. */
static inline __attribute__((always_inline)) void expect_next(const struct nsf_evidence *evidence,
                                                              const struct rule_rows *own, uint64_t source_idx)
{
    uint64_t half = source_idx + ROWS_AHEAD / 2;
    if (source_idx + ROWS_AHEAD < own->n)
        expect(row_of(evidence, own->rows[source_idx + ROWS_AHEAD]), sizeof(struct nsf_source_row));
    if (half >= own->n)
        return;
    struct nsf_ip src =
        nsf_source_row_src(&sources_of(evidence, own->rows[half])->rows, row_of(evidence, own->rows[half]));
    nsf_contacts_expect(&evidence->partitions[own->rows[half] >> ROW_PARTITION_SHIFT].contacts, src);
}

static void read_source(const struct nsf_review *review, size_t rule_idx, uint64_t source_idx,
                        struct nsf_mail_source *source)
{
    const struct review_rows *rows = review->rows;
    const struct rule_rows *own = &rows->by_target[review->rules[rule_idx].finding_idx];
    if (source_idx == own->n) {
        nsf_source_sum_row(&own->rest, source);
        return;
    }
    uint32_t ref = own->rows[source_idx];
    const struct nsf_sources *sources = sources_of(rows->evidence, ref);
    const struct nsf_source_row *row = row_of(rows->evidence, ref);
    struct nsf_ip src = nsf_source_row_src(&sources->rows, row);
    struct nsf_source_counts counts;
    expect_next(rows->evidence, own, source_idx);
    nsf_source_row_counts(&sources->rows, row, &counts);
    *source = (struct nsf_mail_source){
        .address = src,
        .n_merged = 1,
        .connections = counts.connections,
        .attempts = counts.attempts,
        .tuples = counts.tuples,
        .has_counters = counts.classes[NSF_CLASS_UNKNOWN] < counts.connections,
        .counters = counts.counters,
        .first_ms = counts.first_ms,
        .last_ms = counts.last_ms,
        .days = counts.days,
        .cross = nsf_evidence_cross(rows->evidence, src),
        .network = nsf_prefix_around(src, nsf_ip_is_v4(src) ? NETWORK_BITS_V4 : NETWORK_BITS_V6),
        .verdict = NSF_SOURCE_UNDECIDED,
    };
    for (size_t i = 0; i < NSF_CLASSES; i++)
        source->classes[i] = counts.classes[i];
    nsf_sources_destinations(sources, ref & ROW_MASK, source);
}

bool nsf_evidence_row_at(const struct nsf_review *review, size_t rule_idx, uint64_t source_idx, struct nsf_row_ref *row)
{
    const struct review_rows *rows = review->rows;
    const struct rule_rows *own = &rows->by_target[review->rules[rule_idx].finding_idx];
    if (source_idx >= own->n)
        return false;
    *row = (struct nsf_row_ref){own->rows[source_idx] >> ROW_PARTITION_SHIFT, own->rows[source_idx] & ROW_MASK};
    return true;
}

static struct nsf_row_place place_of_row(const void *evidence, uint32_t ref)
{
    const struct nsf_source_rows *rows = &sources_of(evidence, ref)->rows;
    const struct nsf_source_row *row = row_of(evidence, ref);
    return (struct nsf_row_place){
        .src = nsf_source_row_src(rows, row),
        .messages = nsf_source_row_class(rows, row, NSF_CLASS_MESSAGE),
        .connections = nsf_source_row_connections(rows, row),
    };
}

static void expect_row(const void *evidence, uint32_t ref)
{
    __builtin_prefetch(row_of(evidence, ref));
}

/* What was summed while reading. */
static struct nsf_source_sum folded_of(const struct nsf_evidence *evidence, uint32_t target)
{
    struct nsf_source_sum sum = NSF_SOURCE_SUM_INIT;
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        const struct nsf_source_sum *folded = nsf_sources_folded(&evidence->partitions[p].sources, target);
        if (folded != NULL)
            nsf_source_sum_join(&sum, folded);
    }
    return sum;
}

static struct review_rows *collect_rows(struct nsf_evidence *evidence, struct nsf_arena *arena)
{
    size_t n_targets = evidence->scan->n_findings + evidence->target_keys.n;
    struct review_rows *rows = nsf_arena_zalloc(arena, 1, sizeof(*rows));
    rows->evidence = evidence;
    rows->by_target = nsf_arena_zalloc(arena, n_targets + 1, sizeof(*rows->by_target));
    for (uint32_t p = 0; p < NSF_PARTITIONS; p++) {
        const struct nsf_sources *sources = &evidence->partitions[p].sources;
        for (uint32_t i = 0; i < sources->rows.n; i++)
            rows->by_target[nsf_source_row_target(nsf_sources_row(sources, i))].n++;
    }
    for (uint32_t t = 0; t < n_targets; t++) {
        rows->by_target[t].rest = folded_of(evidence, t);
        rows->by_target[t].rows = nsf_arena_alloc(arena, nsf_mul_size(rows->by_target[t].n, sizeof(uint32_t)));
        rows->by_target[t].n = 0;
    }
    for (uint32_t p = 0; p < NSF_PARTITIONS; p++) {
        const struct nsf_sources *sources = &evidence->partitions[p].sources;
        for (uint32_t i = 0; i < sources->rows.n; i++) {
            struct rule_rows *own = &rows->by_target[nsf_source_row_target(nsf_sources_row(sources, i))];
            own->rows[own->n++] = p << ROW_PARTITION_SHIFT | i;
        }
    }
    return rows;
}

/* Which sources keep a row of their own when there are too many: those with mail first, then by a hash that is the
 * same in every run. */
struct source_rank {
    uint64_t rank;
    uint32_t target;
    uint32_t ref;
};

static int cmp_ranks(const void *left, const void *right)
{
    const struct source_rank *a = left, *b = right;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return (a->target > b->target) - (a->target < b->target);
}

static uint64_t rank_of(const struct nsf_evidence *evidence, uint32_t ref)
{
    return nsf_sources_rank(sources_of(evidence, ref), row_of(evidence, ref));
}

/* Totals of the rules are taken before, so that they stay exact. */
static void limit_rows(const struct nsf_evidence *evidence, struct review_rows *rows)
{
    size_t n = 0, n_findings = evidence->scan->n_findings;
    for (size_t t = 0; t < n_findings; t++)
        n += rows->by_target[t].n;
    uint64_t max = evidence->options.max_sources;
    if (max == 0 || n <= max)
        return;
    struct source_rank *ranks = nsf_malloc(nsf_mul_size(n, sizeof(*ranks)));
    n = 0;
    for (uint32_t t = 0; t < n_findings; t++) {
        for (size_t i = 0; i < rows->by_target[t].n; i++, n++)
            ranks[n] =
                (struct source_rank){rank_of(evidence, rows->by_target[t].rows[i]), t, rows->by_target[t].rows[i]};
        rows->by_target[t].n = 0;
    }
    qsort(ranks, n, sizeof(*ranks), cmp_ranks);
    for (size_t i = 0; i < n; i++) {
        struct rule_rows *own = &rows->by_target[ranks[i].target];
        if (i < max)
            own->rows[own->n++] = ranks[i].ref;
        else
            nsf_sources_sum_row(sources_of(evidence, ranks[i].ref), row_of(evidence, ranks[i].ref), &own->rest);
    }
    nsf_free(ranks);
}

static void sort_rows(struct nsf_evidence *evidence, struct review_rows *rows, struct nsf_review *review)
{
    for (size_t t = 0; t < evidence->scan->n_findings; t++) {
        struct rule_rows *own = &rows->by_target[t];
        nsf_row_order_sort(own->rows, own->n, place_of_row, expect_row, evidence, evidence->options.jobs);
        struct nsf_review_rule *rule = &review->rules[t];
        rule->n_sources = own->n + (own->rest.connections > 0);
        rule->n_summed = own->rest.sources;
        rule->n_late_senders = own->rest.late_senders;
        for (unsigned p = 0; p < NSF_PARTITIONS && own->rest.connections > 0; p++)
            rule->is_summed_at_least |= evidence->partitions[p].sources.limit.is_at_least;
    }
}

static int cmp_day(const void *left, const void *right)
{
    int64_t a = ((const struct nsf_day_row *)left)->day, b = ((const struct nsf_day_row *)right)->day;
    return (a > b) - (a < b);
}

/* A row of some partition, in one number. */
#define REF_OF(partition, idx) ((partition) << ROW_PARTITION_SHIFT | (idx))

/* (target, row of its days in some partition) */
static struct nsf_pair_list list_days(const struct nsf_evidence *evidence)
{
    struct nsf_pair_list list = {.items = NULL};
    for (uint32_t p = 0; p < NSF_PARTITIONS; p++)
        for (uint32_t i = 0; i < evidence->partitions[p].sources.n_target_days; i++)
            nsf_pair_list_add(&list, evidence->partitions[p].sources.target_days[i].target, REF_OF(p, i));
    nsf_pair_list_finish(&list);
    return list;
}

/* Days of one target over all partitions: those with connections become rows, those with a tuple are counted. */
static void fill_days(const struct nsf_evidence *evidence, struct nsf_pair_range rows, struct nsf_arena *arena,
                      struct nsf_traffic *traffic)
{
    struct nsf_day_row *days = nsf_malloc(nsf_mul_size(rows.n + 1, sizeof(*days)));
    size_t n = rows.n;
    for (size_t i = 0; i < n; i++) {
        uint32_t ref = nsf_pair_second(rows, i);
        const struct nsf_target_day *day = &sources_of(evidence, ref)->target_days[ref & ROW_MASK];
        days[i] = (struct nsf_day_row){day->day, day->connections, day->messages};
    }
    if (n > 1)
        qsort(days, n, sizeof(*days), cmp_day);
    size_t n_days = 0;
    for (size_t i = 0; i < n; i++) {
        if (n_days > 0 && days[n_days - 1].day == days[i].day) {
            days[n_days - 1].connections += days[i].connections;
            days[n_days - 1].messages += days[i].messages;
        } else {
            days[n_days++] = days[i];
        }
    }
    traffic->days = (uint32_t)n_days;
    traffic->by_day = nsf_arena_alloc(arena, n_days * sizeof(*days));
    for (size_t i = 0; i < n_days; i++)
        if (days[i].connections > 0)
            traffic->by_day[traffic->n_by_day++] = days[i];
    nsf_free(days);
}

static struct nsf_source_sum sum_of(const struct nsf_evidence *evidence, const struct rule_rows *rows)
{
    struct nsf_source_sum sum = rows->rest;
    for (size_t i = 0; i < rows->n; i++)
        nsf_sources_sum_row(sources_of(evidence, rows->rows[i]), row_of(evidence, rows->rows[i]), &sum);
    return sum;
}

static void fill_traffic(const struct nsf_evidence *evidence, const struct rule_rows *rows, struct nsf_pair_range days,
                         struct nsf_arena *arena, struct nsf_traffic *traffic)
{
    struct nsf_source_sum sum = sum_of(evidence, rows);
    nsf_source_sum_traffic(&sum, traffic);
    fill_days(evidence, days, arena, traffic);
}

/* What the counts alone prove: only that nothing came in. */
static void fill_verdict(const struct nsf_evidence *evidence, uint32_t nsg_idx, struct nsf_review_rule *rule)
{
    const struct nsf_coverage *coverage = &rule->coverage;
    rule->confidence = 'D';
    rule->break_risk_permille = -1;
    rule->verdict = NSF_VERDICT_INSUFFICIENT_EVIDENCE;
    if (!coverage->is_logged)
        rule->reason = NSF_SLICE_LIT("No flow log that was read covers this NSG, so nothing is known of its traffic.");
    else if (rule->traffic.connections > 0)
        rule->reason = NSF_SLICE_LIT("Connections were allowed; who made them has not been judged.");
    else if (nsf_evidence_has_mail_elsewhere(evidence, nsg_idx))
        rule->reason = NSF_SLICE_LIT("No connection was logged under this rule, but another NSG on the same NICs let "
                                     "mail in, and only the last NSG on the path logs it.");
    else if (coverage->hours_seen < coverage->hours_expected)
        rule->reason = NSF_SLICE_LIT("No connection was logged, but hours of log are missing.");
    else {
        rule->verdict = NSF_VERDICT_CLOSE_UNUSED;
        rule->reason = NSF_SLICE_LIT("The logs cover every hour of every NIC and show no allowed connection.");
    }
}

static void fill_rules(struct nsf_evidence *evidence, const struct review_rows *rows, struct nsf_review *review)
{
    review->n_rules = evidence->scan->n_findings;
    review->rules = nsf_arena_zalloc(&review->arena, review->n_rules, sizeof(*review->rules));
    const struct nsf_review_rule **of_nsg = nsf_calloc(evidence->scan->n_nsgs + 1, sizeof(*of_nsg)); /* the first */
    struct nsf_pair_list days = list_days(evidence);
    for (uint32_t i = 0; i < review->n_rules; i++) {
        struct nsf_review_rule *rule = &review->rules[i];
        uint32_t nsg_idx = evidence->scan->findings[i].nsg_idx;
        rule->finding_idx = i;
        fill_traffic(evidence, &rows->by_target[i], nsf_pair_list_of(&days, i), &review->arena, &rule->traffic);
        nsf_rule_coverage_fill(evidence, nsg_idx, of_nsg[nsg_idx], review, rule);
        if (of_nsg[nsg_idx] == NULL)
            of_nsg[nsg_idx] = rule;
        fill_verdict(evidence, nsg_idx, rule);
    }
    nsf_other_ports_fill(evidence, review);
    nsf_pair_list_release(&days);
    nsf_free(of_nsg);
}

static int cmp_unmatched(const void *left, const void *right)
{
    const struct nsf_unmatched *a = left, *b = right;
    int order = nsf_slice_cmp_nocase(a->nsg, b->nsg);
    if (order == 0)
        order = nsf_slice_cmp_nocase(a->rule, b->rule);
    return order != 0 ? order : strcmp(a->reason, b->reason);
}

static void sum_unmatched(struct nsf_unmatched *sum, const struct nsf_unmatched *one)
{
    sum->connections += one->connections;
    sum->tuples += one->tuples;
    sum->sources += one->sources;
}

/* Of the spellings that allowed mail was logged under the bytewise smallest. */
static void spell_unmatched(struct nsf_evidence *evidence)
{
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        const struct nsf_pairset *set = &evidence->partitions[p].mail_scopes;
        for (uint32_t s = 0; set->slots != NULL && s <= set->mask; s++) {
            if (set->slots[s] == 0)
                continue;
            uint32_t scope_id = (uint32_t)(set->slots[s] - 1);
            const struct nsf_place_of_scope *place = nsf_stable_get(&evidence->places, scope_id);
            struct nsf_unmatched_target *target = &evidence->unmatched[place->target - evidence->scan->n_findings];
            struct nsf_slice rule = nsf_scopes_get(evidence->scopes, scope_id).rule;
            if (target->rule.ptr == NULL || nsf_slice_cmp(rule, target->rule) < 0)
                target->rule = rule;
        }
    }
}

static void fill_unmatched(struct nsf_evidence *evidence, const struct review_rows *rows, struct nsf_review *review)
{
    size_t n_findings = evidence->scan->n_findings, n = evidence->target_keys.n;
    spell_unmatched(evidence);
    review->unmatched = nsf_arena_zalloc(&review->arena, n + 1, sizeof(*review->unmatched));
    for (size_t i = 0; i < n; i++) {
        const struct rule_rows *own = &rows->by_target[n_findings + i];
        const struct nsf_unmatched_target *target = &evidence->unmatched[i];
        if (own->n == 0 && own->rest.connections == 0)
            continue;
        struct nsf_unmatched *row = &review->unmatched[review->n_unmatched++];
        row->nsg = target->nsg_idx == NSF_JOIN_NONE ? target->nsg_lower : evidence->scan->nsgs[target->nsg_idx].id;
        row->rule = target->rule;
        row->reason = nsf_join_reason_name(target->reason);
        struct nsf_source_sum sum = sum_of(evidence, own);
        row->sources = sum.sources;
        row->connections = sum.connections;
        row->tuples = sum.tuples;
    }
    if (review->n_unmatched > 1)
        qsort(review->unmatched, review->n_unmatched, sizeof(*review->unmatched), cmp_unmatched);
    if (review->n_unmatched <= NSF_UNMATCHED_MAX)
        return;
    struct nsf_unmatched rest = {.is_rest = true, .reason = "rest"};
    for (size_t i = NSF_UNMATCHED_MAX; i < review->n_unmatched; i++)
        sum_unmatched(&rest, &review->unmatched[i]);
    review->unmatched[NSF_UNMATCHED_MAX] = rest;
    review->n_unmatched = NSF_UNMATCHED_MAX + 1;
}

static void tell_of_full_contacts(struct nsf_evidence *evidence)
{
    uint64_t n = 0;
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        n += evidence->partitions[p].contacts.n_not_kept;
    if (n == 0)
        return;
    char detail[160];
    snprintf(detail, sizeof(detail),
             "denied and other-port evidence of %llu tuples was not kept: too many addresses (--max-other)",
             (unsigned long long)n);
    nsf_problems_add(&evidence->inputs.problems, &(struct nsf_problem){
                                                     .offset = NSF_OFFSET_NONE,
                                                     .code = NSF_E_LIMIT,
                                                     .path = NSF_SLICE_LIT(""),
                                                     .detail = nsf_slice_str(detail),
                                                 });
}

static void fill_inputs(struct nsf_evidence *evidence, struct nsf_review *review)
{
    struct nsf_review_inputs *inputs = &evidence->inputs;
    tell_of_full_contacts(evidence);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        const struct nsf_partition *partition = &evidence->partitions[p];
        inputs->smtp_allowed += partition->n_allowed;
        inputs->smtp_denied += partition->n_denied;
        inputs->tuples_late += partition->n_late;
        inputs->tuples_duplicate += partition->n_duplicate_tuples;
    }
    review->denied.tuples = inputs->smtp_denied;
    size_t n_foreign = evidence->n_foreign + (evidence->n_foreign_rest > 0);
    inputs->foreign = nsf_arena_zalloc(&review->arena, n_foreign, sizeof(*inputs->foreign));
    memcpy(inputs->foreign, evidence->foreign, evidence->n_foreign * sizeof(*inputs->foreign));
    if (n_foreign > evidence->n_foreign)
        inputs->foreign[evidence->n_foreign] =
            (struct nsf_foreign_row){.count = evidence->n_foreign_rest, .is_rest = true};
    inputs->n_foreign = n_foreign;
    /* What the caller counted of blobs and transfers stays. */
    struct nsf_review_inputs filled = *inputs;
    filled.blobs = review->inputs.blobs;
    filled.bytes = review->inputs.bytes;
    filled.pruned = review->inputs.pruned;
    filled.transfer = review->inputs.transfer;
    review->inputs = filled;
    nsf_problems_init(&inputs->problems);
    nsf_problems_finish(&review->inputs.problems);
}

static void fill_window(const struct nsf_evidence *evidence, struct nsf_review *review)
{
    const struct nsf_hours *hours = &evidence->hours;
    review->window_from_ms = evidence->options.since_ms;
    review->window_to_ms = evidence->options.until_ms;
    if (hours->first_ms != NSF_TS_NONE) {
        if (review->window_from_ms == NSF_TS_NONE)
            review->window_from_ms = nsf_time_hour(hours->first_ms) * NSF_MS_PER_HOUR;
        if (review->window_to_ms == NSF_TS_NONE)
            review->window_to_ms = (nsf_time_hour(hours->last_ms) + 1) * NSF_MS_PER_HOUR;
    }
    if (review->window_from_ms == NSF_TS_NONE || review->window_to_ms == NSF_TS_NONE ||
        review->window_to_ms <= review->window_from_ms) {
        review->window_from_ms = NSF_TS_NONE;
        review->window_to_ms = NSF_TS_NONE;
    }
}

/* Every allowed mail tuple has one place: a finding, a row of what joined nothing, or a copy of one that has. */
static void check_sums(const struct nsf_review *review)
{
    uint64_t placed = review->inputs.tuples_duplicate;
    for (size_t i = 0; i < review->n_rules; i++)
        placed += review->rules[i].traffic.tuples;
    for (size_t i = 0; i < review->n_unmatched; i++)
        placed += review->unmatched[i].tuples;
    if (placed != review->inputs.smtp_allowed)
        NSF_BUG("allowed mail tuples do not add up to those of the rules and of what joined nothing");
}

/* All that waits for the end of the reading, each part by whichever thread is free. */
struct ending {
    struct nsf_evidence *evidence;
    uint64_t denied_sources[NSF_PARTITIONS];
};

static void count_denied_source(void *ctx, const struct nsf_contact_summary *contacts)
{
    *(uint64_t *)ctx += (contacts->flags & NSF_CONTACT_DENIED_MAIL) != 0;
}

/* The outbound mail takes longer than a partition: begun last it would keep the others waiting. */
static void end_part(void *ctx, size_t i)
{
    struct ending *ending = ctx;
    if (i == 0) {
        nsf_outbound_finish(&ending->evidence->outbound);
        return;
    }
    size_t p = i - 1;
    struct nsf_partition *partition = &ending->evidence->partitions[p];
    uint64_t n_denied = 0;
    nsf_partition_finish(partition);
    nsf_contacts_each(&partition->contacts, count_denied_source, &n_denied);
    ending->denied_sources[p] = n_denied;
}

static void end_reading(struct nsf_evidence *evidence, struct nsf_review *review)
{
    struct ending ending = {.evidence = evidence};
    nsf_parallel(evidence->options.jobs, 1 + NSF_PARTITIONS, end_part, &ending);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        review->denied.sources += ending.denied_sources[p];
}

/* An NSG that lets something in is attached somewhere, whatever the definitions show: its rules are no longer latent,
 * but for those that something else on the path denies and nobody was seen to pass. */
static void tell_hits(const struct nsf_evidence *evidence, struct nsf_review *review)
{
    const struct nsf_scan *scan = evidence->scan;
    struct nsf_scan *seen = nsf_arena_zalloc(&review->arena, 1, sizeof(*seen));
    *seen = *scan;
    seen->findings = nsf_arena_zalloc(&review->arena, scan->n_findings + 1, sizeof(*seen->findings));
    seen->nsgs = nsf_arena_zalloc(&review->arena, scan->n_nsgs + 1, sizeof(*seen->nsgs));
    for (size_t i = 0; i < scan->n_nsgs; i++)
        seen->nsgs[i] = scan->nsgs[i];
    for (size_t i = 0; i < scan->n_findings; i++)
        seen->findings[i] = scan->findings[i];
    for (size_t i = 0; i < review->n_rules; i++) {
        struct nsf_finding *finding = &seen->findings[review->rules[i].finding_idx];
        if (review->rules[i].traffic.connections == 0)
            continue;
        finding->is_latent = false;
        seen->nsgs[finding->nsg_idx].is_latent = false;
    }
    for (size_t i = 0; i < scan->n_findings; i++)
        if (!seen->findings[i].is_blocked && !seen->nsgs[seen->findings[i].nsg_idx].is_latent)
            seen->findings[i].is_latent = false;
    review->scan = seen;
}

/* No record comes any more that could be a repeated one. */
static void forget_records(struct nsf_evidence *evidence)
{
    nsf_index_release(&evidence->by_fingerprint);
    nsf_free(evidence->fingerprints);
    evidence->fingerprints = NULL;
    evidence->fingerprints_capacity = 0;
    evidence->n_fingerprints = 0;
}

void nsf_evidence_finish(struct nsf_evidence *evidence, struct nsf_review *review)
{
    nsf_evidence_flush_bad(evidence);
    forget_records(evidence);
    nsf_hours_finish(&evidence->hours);
    end_reading(evidence, review);
    nsf_arena_init(&review->arena);
    review->scan = evidence->scan;
    fill_window(evidence, review);
    fill_inputs(evidence, review);
    nsf_paths_make(&evidence->paths, evidence);
    nsf_elsewhere_make(evidence);
    struct review_rows *rows = collect_rows(evidence, &review->arena);
    review->rows = rows;
    review->read_source = read_source;
    fill_rules(evidence, rows, review);
    fill_unmatched(evidence, rows, review);
    nsf_history_fill(evidence, review);
    tell_hits(evidence, review);
    limit_rows(evidence, rows);
    sort_rows(evidence, rows, review);
    check_sums(review);
    evidence->is_finished = true;
}

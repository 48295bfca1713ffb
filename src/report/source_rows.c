#include "core/nsf_common.h"

#include "report/source_rows.h"

#include "core/clock.h"

static bool has_rest(const struct nsf_review *review, size_t rule_idx, uint64_t top)
{
    return top != 0 && review->rules[rule_idx].n_sources > top;
}

uint64_t nsf_source_rows(const struct nsf_review *review, size_t rule_idx, uint64_t top)
{
    return has_rest(review, rule_idx, top) ? top + 1 : review->rules[rule_idx].n_sources;
}

static void add_counters(struct nsf_mail_source *sum, const struct nsf_mail_source *one)
{
    if (!one->has_counters)
        return;
    sum->has_counters = true;
    sum->counters.packets_in += one->counters.packets_in;
    sum->counters.bytes_in += one->counters.bytes_in;
    sum->counters.packets_out += one->counters.packets_out;
    sum->counters.bytes_out += one->counters.bytes_out;
}

static void add_source(struct nsf_mail_source *sum, const struct nsf_mail_source *one)
{
    sum->n_merged += one->n_merged;
    sum->connections += one->connections;
    sum->attempts += one->attempts;
    sum->tuples += one->tuples;
    for (size_t i = 0; i < NSF_CLASSES; i++)
        sum->classes[i] += one->classes[i];
    add_counters(sum, one);
    if (sum->first_ms == NSF_TS_NONE || one->first_ms < sum->first_ms)
        sum->first_ms = one->first_ms;
    if (sum->last_ms == NSF_TS_NONE || one->last_ms > sum->last_ms)
        sum->last_ms = one->last_ms;
}

static void sum_rest(const struct nsf_review *review, size_t rule_idx, uint64_t top, struct nsf_mail_source *source)
{
    struct nsf_mail_source one;
    *source = (struct nsf_mail_source){.is_rest = true, .first_ms = NSF_TS_NONE, .last_ms = NSF_TS_NONE};
    for (uint64_t i = top; i < review->rules[rule_idx].n_sources; i++) {
        nsf_review_source_brief(review, rule_idx, i, &one);
        add_source(source, &one);
    }
}

void nsf_source_row(const struct nsf_review *review, size_t rule_idx, uint64_t top, uint64_t row_idx,
                    struct nsf_mail_source *source)
{
    if (has_rest(review, rule_idx, top) && row_idx >= top)
        sum_rest(review, rule_idx, top, source);
    else
        nsf_review_source(review, rule_idx, row_idx, source);
}

void nsf_source_row_brief(const struct nsf_review *review, size_t rule_idx, uint64_t top, uint64_t row_idx,
                          struct nsf_mail_source *source)
{
    if (has_rest(review, rule_idx, top) && row_idx >= top)
        sum_rest(review, rule_idx, top, source);
    else
        nsf_review_source_brief(review, rule_idx, row_idx, source);
}

#include "core/nsf_common.h"

#include "report/trend.h"

#include "core/json_out.h"
#include "core/mem.h"
#include "core/version.h"
#include "report/escape.h"

/* Weeks a person reads; JSON has all. */
#define TREND_WEEKS_SHOWN 26
#define TREND_OPEN_SHOWN 20
#define TREND_LINE_DEPTH 2

static const struct nsf_trend_point *last_point(const struct nsf_trend *trend)
{
    static const struct nsf_trend_point none = {0};
    return trend->n_points == 0 ? &none : &trend->points[trend->n_points - 1];
}

/* ---- JSON ---- */

static void key_share(struct nsf_json_out *json, const char *key, uint64_t part, uint64_t whole)
{
    nsf_json_out_key(json, key);
    if (whole == 0)
        nsf_json_out_null(json);
    else
        nsf_json_out_decimal(json, (int64_t)((part * 1000 + whole / 2) / whole), 3);
}

static void write_point(struct nsf_json_out *json, const struct nsf_trend_point *point)
{
    nsf_json_out_key_u64(json, "nsgs", point->nsgs);
    nsf_json_out_key_u64(json, "exposed", point->exposed);
    nsf_json_out_key_u64(json, "partial", point->partial);
    nsf_json_out_key_u64(json, "unknown", point->unknown);
    nsf_json_out_key_u64(json, "findings", point->findings);
    nsf_json_out_key_u64(json, "with_owner", point->with_owner);
    nsf_json_out_key_u64(json, "with_justification", point->with_reason);
    nsf_json_out_key_u64(json, "with_both", point->with_both);
}

static void write_now(struct nsf_json_out *json, const struct nsf_trend *trend)
{
    const struct nsf_trend_point *now = last_point(trend);
    nsf_json_out_key(json, "now");
    nsf_json_out_begin_map(json);
    write_point(json, now);
    key_share(json, "owner_share", now->with_owner, now->findings);
    key_share(json, "justification_share", now->with_reason, now->findings);
    key_share(json, "owner_and_justification_share", now->with_both, now->findings);
    nsf_json_out_end_map(json);
    nsf_json_out_key(json, "remediation");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_u64(json, "open", trend->n_open);
    nsf_json_out_key_u64(json, "closed", trend->n_closed);
    nsf_json_out_key(json, "median_seconds");
    if (trend->median_ms < 0)
        nsf_json_out_null(json);
    else
        nsf_json_out_i64(json, trend->median_ms / NSF_MS_PER_SECOND);
    nsf_json_out_end_map(json);
}

static void write_history(struct nsf_json_out *json, const struct nsf_trend *trend)
{
    char day[NSF_TIME_TEXT_BYTES];
    nsf_json_out_key(json, "points");
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < trend->n_points; i++) {
        nsf_json_out_begin_map(json);
        nsf_json_out_key_time(json, "at", trend->points[i].ts_ms);
        write_point(json, &trend->points[i]);
        nsf_json_out_end_map(json);
    }
    nsf_json_out_end_array(json);
    nsf_json_out_key(json, "weeks");
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < trend->n_weeks; i++) {
        const struct nsf_trend_week *week = &trend->weeks[i];
        nsf_json_out_begin_map(json);
        nsf_json_out_key_str(json, "week", nsf_time_format_day(nsf_time_day(week->from_ms), day));
        nsf_json_out_key_u64(json, "new", week->n_new);
        nsf_json_out_key_u64(json, "closed", week->n_closed);
        write_point(json, &week->last);
        nsf_json_out_end_map(json);
    }
    nsf_json_out_end_array(json);
}

static void write_json(const struct nsf_trend *trend, const struct nsf_report_options *options, struct nsf_out *out)
{
    struct nsf_json_out json;
    nsf_json_out_init(&json, out, TREND_LINE_DEPTH);
    nsf_json_out_begin_map(&json);
    nsf_json_out_key_str(&json, "schema", "nsgflow.trend/1");
    nsf_json_out_key(&json, "tool");
    nsf_json_out_begin_map(&json);
    nsf_json_out_key_str(&json, "name", "nsgflow");
    nsf_json_out_key_str(&json, "version", NSF_VERSION);
    nsf_json_out_end_map(&json);
    nsf_json_out_key_time(&json, "generated", options->generated_ms);
    nsf_json_out_key_u64(&json, "runs", trend->n_runs);
    write_now(&json, trend);
    write_history(&json, trend);
    nsf_json_out_key(&json, "findings");
    nsf_json_out_begin_array(&json);
    for (size_t i = 0; i < trend->n_findings; i++) {
        const struct nsf_trend_finding *finding = &trend->findings[i];
        nsf_json_out_begin_map(&json);
        nsf_json_out_key_slice(&json, "nsg", finding->nsg);
        nsf_json_out_key_slice(&json, "rule", finding->rule);
        nsf_json_out_key_time(&json, "first_seen", finding->first_ms);
        nsf_json_out_key_time(&json, "last_seen", finding->last_ms);
        nsf_json_out_key_time(&json, "closed", finding->closed_ms);
        nsf_json_out_key_bool(&json, "baseline", finding->is_baseline);
        nsf_json_out_end_map(&json);
    }
    nsf_json_out_end_array(&json);
    nsf_json_out_end_map(&json);
    nsf_out_char(out, '\n');
}

/* ---- CSV: a row a finding ---- */

static void write_csv_time(struct nsf_out *out, int64_t ts_ms)
{
    char text[NSF_TIME_TEXT_BYTES];
    if (ts_ms != NSF_TS_NONE)
        nsf_out_str(out, nsf_time_format(ts_ms, text));
}

static void write_csv(const struct nsf_trend *trend, struct nsf_out *out)
{
    nsf_out_str(out, "nsg,rule,first_seen,last_seen,closed,baseline\r\n");
    for (size_t i = 0; i < trend->n_findings; i++) {
        const struct nsf_trend_finding *finding = &trend->findings[i];
        nsf_escape_csv(out, finding->nsg);
        nsf_out_char(out, ',');
        nsf_escape_csv(out, finding->rule);
        nsf_out_char(out, ',');
        write_csv_time(out, finding->first_ms);
        nsf_out_char(out, ',');
        write_csv_time(out, finding->last_ms);
        nsf_out_char(out, ',');
        write_csv_time(out, finding->closed_ms);
        nsf_out_str(out, finding->is_baseline ? ",true\r\n" : ",false\r\n");
    }
}

/* ---- text ---- */

static void write_share(struct nsf_out *out, const char *what, uint64_t part, uint64_t whole)
{
    nsf_out_printf(out, "  %-34s", what);
    if (whole == 0)
        nsf_out_str(out, "-\n");
    else
        nsf_out_printf(out, "%llu of %llu (%llu %%)\n", (unsigned long long)part, (unsigned long long)whole,
                       (unsigned long long)((part * 100 + whole / 2) / whole));
}

/* "3 d 4 h", "5 h", "20 min" */
static void write_span(struct nsf_out *out, int64_t span_ms)
{
    int64_t minutes = span_ms / (60 * NSF_MS_PER_SECOND), hours = minutes / 60, days = hours / 24;
    if (days > 0)
        nsf_out_printf(out, "%lld d %lld h", (long long)days, (long long)(hours % 24));
    else if (hours > 0)
        nsf_out_printf(out, "%lld h", (long long)hours);
    else
        nsf_out_printf(out, "%lld min", (long long)minutes);
}

static void write_figures(const struct nsf_trend *trend, struct nsf_out *out)
{
    const struct nsf_trend_point *now = last_point(trend);
    char from[NSF_TIME_TEXT_BYTES], to[NSF_TIME_TEXT_BYTES];
    nsf_out_printf(out, "Key figures of %llu run%s", (unsigned long long)trend->n_runs, trend->n_runs == 1 ? "" : "s");
    if (trend->n_points > 0)
        nsf_out_printf(out, ", %s to %s UTC", nsf_time_format_minute(trend->points[0].ts_ms, from),
                       nsf_time_format_minute(now->ts_ms, to));
    nsf_out_str(out, "\n\n");
    write_share(out, "NSGs exposed now", now->exposed, now->nsgs);
    write_share(out, "NSGs partly exposed now", now->partial, now->nsgs);
    write_share(out, "findings with an owner", now->with_owner, now->findings);
    write_share(out, "findings with a justification", now->with_reason, now->findings);
    write_share(out, "findings with both", now->with_both, now->findings);
    nsf_out_printf(out, "  %-34s%llu open, %llu closed\n", "findings over time", (unsigned long long)trend->n_open,
                   (unsigned long long)trend->n_closed);
    nsf_out_printf(out, "  %-34s", "median time to remediate");
    if (trend->median_ms < 0)
        nsf_out_str(out, "- (nothing was closed yet)");
    else
        write_span(out, trend->median_ms);
    nsf_out_char(out, '\n');
}

static void write_weeks(const struct nsf_trend *trend, struct nsf_out *out)
{
    char day[NSF_TIME_TEXT_BYTES];
    size_t from = trend->n_weeks > TREND_WEEKS_SHOWN ? trend->n_weeks - TREND_WEEKS_SHOWN : 0;
    nsf_out_printf(out, "\n  %-12s%9s%9s%10s%7s%8s\n", "week of", "exposed", "partial", "findings", "new", "closed");
    for (size_t i = from; i < trend->n_weeks; i++) {
        const struct nsf_trend_week *week = &trend->weeks[i];
        nsf_out_printf(out, "  %-12s%9llu%9llu%10llu%7llu%8llu\n",
                       nsf_time_format_day(nsf_time_day(week->from_ms), day), (unsigned long long)week->last.exposed,
                       (unsigned long long)week->last.partial, (unsigned long long)week->last.findings,
                       (unsigned long long)week->n_new, (unsigned long long)week->n_closed);
    }
    if (from > 0)
        nsf_out_printf(out, "  and %zu weeks before; --format json has all\n", from);
}

static int cmp_first(const void *left, const void *right)
{
    const struct nsf_trend_finding *a = *(const struct nsf_trend_finding *const *)left;
    const struct nsf_trend_finding *b = *(const struct nsf_trend_finding *const *)right;
    if (a->first_ms != b->first_ms)
        return a->first_ms < b->first_ms ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* Oldest first: they are the ones to ask about. */
static void write_open(const struct nsf_trend *trend, struct nsf_out *out)
{
    char day[NSF_TIME_TEXT_BYTES];
    size_t n = 0;
    const struct nsf_trend_finding **open = nsf_calloc(trend->n_findings + 1, sizeof(*open));
    for (size_t i = 0; i < trend->n_findings; i++)
        if (trend->findings[i].closed_ms == NSF_TS_NONE)
            open[n++] = &trend->findings[i];
    if (n > 1)
        qsort(open, n, sizeof(*open), cmp_first);
    if (n > 0)
        nsf_out_str(out, "\nOpen, oldest first (* since before the first run)\n");
    for (size_t i = 0; i < n && i < TREND_OPEN_SHOWN; i++) {
        nsf_out_printf(out, "  %s%c ", nsf_time_format_day(nsf_time_day(open[i]->first_ms), day),
                       open[i]->is_baseline ? '*' : ' ');
        nsf_out_visible(out, open[i]->rule);
        nsf_out_str(out, "  ");
        nsf_out_visible(out, open[i]->nsg);
        nsf_out_char(out, '\n');
    }
    if (n > TREND_OPEN_SHOWN)
        nsf_out_printf(out, "  and %zu more; --format csv has all\n", n - TREND_OPEN_SHOWN);
    nsf_free(open);
}

void nsf_report_trend(const struct nsf_trend *trend, enum nsf_report_format format,
                      const struct nsf_report_options *options, struct nsf_out *out)
{
    if (format == NSF_REPORT_JSON) {
        write_json(trend, options, out);
        return;
    }
    if (format == NSF_REPORT_CSV) {
        write_csv(trend, out);
        return;
    }
    write_figures(trend, out);
    write_weeks(trend, out);
    write_open(trend, out);
}

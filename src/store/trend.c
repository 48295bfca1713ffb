#include "core/nsf_common.h"

#include "store/trend.h"

#include "core/buf.h"
#include "core/compare.h"
#include "core/index.h"
#include "core/intern.h"
#include "core/mem.h"
#include "core/pairset.h"
#include "store/store.h"
#include "store/store_state.h"

/* A finding on its way; `seen_in` is the number of the scan that has it. */
struct open_finding {
    struct nsf_trend_finding row;
    uint64_t seen_in;
    bool is_open;
    bool is_fresh; /* seen for the first time by the present run */
};

struct trending {
    struct nsf_store *store;
    struct nsf_trend *trend;
    struct nsf_intern names;       /* folded: NSG, subscription, NSG and rule */
    struct open_finding *findings; /* all there ever were */
    size_t n_findings;
    size_t findings_capacity;
    uint32_t *open_of_key; /* index in findings + 1 by the id of its name, 0: none is open */
    size_t keys_capacity;
    size_t n_keys;
    struct nsf_pairset examined; /* names of NSGs and subscriptions of the present scan */
    uint64_t scan_number;
    int64_t scan_id;
    struct nsf_trend_point point;
    size_t points_capacity;
    size_t weeks_capacity;
};

static uint32_t folded_id(struct trending *trending, struct nsf_slice a, struct nsf_slice b)
{
    struct nsf_buf text;
    nsf_buf_init(&text, SIZE_MAX / 2);
    for (size_t i = 0; i < a.len; i++)
        nsf_buf_add_char(&text, nsf_ascii_lower(a.ptr[i]));
    if (b.ptr != NULL)
        nsf_buf_add_char(&text, '\n');
    for (size_t i = 0; i < b.len; i++)
        nsf_buf_add_char(&text, nsf_ascii_lower(b.ptr[i]));
    uint32_t id = nsf_intern_add(&trending->names, nsf_buf_slice(&text));
    nsf_buf_release(&text);
    return id;
}

/* "/subscriptions/<id>", or the whole text when it begins otherwise. */
static struct nsf_slice subscription_of(struct nsf_slice nsg)
{
    static const struct nsf_slice prefix = {"/subscriptions/", 15};
    if (!nsf_slice_has_prefix_nocase(nsg, prefix))
        return nsg;
    size_t end = prefix.len + nsf_slice_find(nsf_slice_from(nsg, prefix.len), '/');
    return nsf_slice(nsg.ptr, end);
}

static uint32_t *open_slot(struct trending *trending, uint32_t key)
{
    NSF_GROW(trending->open_of_key, trending->keys_capacity, (size_t)key + 1);
    while (trending->n_keys <= key)
        trending->open_of_key[trending->n_keys++] = 0;
    return &trending->open_of_key[key];
}

static void see_finding(struct trending *trending, struct nsf_slice nsg, struct nsf_slice rule, int64_t ts_ms)
{
    uint32_t *slot = open_slot(trending, folded_id(trending, nsg, rule));
    if (*slot == 0) {
        NSF_GROW(trending->findings, trending->findings_capacity, trending->n_findings + 1);
        trending->findings[trending->n_findings] = (struct open_finding){
            .row = {.nsg = nsf_arena_copy(&trending->trend->arena, nsg),
                    .rule = nsf_arena_copy(&trending->trend->arena, rule),
                    .first_ms = ts_ms,
                    .closed_ms = NSF_TS_NONE,
                    .is_baseline = trending->scan_number == 1},
            .is_open = true,
            .is_fresh = true,
        };
        *slot = (uint32_t)++trending->n_findings;
    }
    trending->findings[*slot - 1].seen_in = trending->scan_number;
}

typedef void row_fn(struct trending *trending, sqlite3_stmt *row, int64_t ts_ms);

static nsf_result for_rows(struct trending *trending, const char *text, int64_t ts_ms, row_fn *fn, struct nsf_err *err)
{
    const struct nsf_sql *sql = &trending->store->sql;
    sqlite3_stmt *rows;
    nsf_result r = nsf_sql_prepare(sql, text, &rows, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_number(rows, 1, trending->scan_id);
    while (!nsf_failed(r)) {
        bool has_row;
        r = nsf_sql_step(sql, rows, &has_row, err);
        if (nsf_failed(r) || !has_row)
            break;
        fn(trending, rows, ts_ms);
    }
    sqlite3_finalize(rows);
    return r;
}

static void take_nsg(struct trending *trending, sqlite3_stmt *row, int64_t ts_ms)
{
    (void)ts_ms;
    struct nsf_slice nsg = nsf_sql_bytes(row, 0), none = {NULL, 0};
    int64_t verdict = sqlite3_column_int64(row, 1);
    nsf_pairset_add(&trending->examined, folded_id(trending, nsg, none));
    nsf_pairset_add(&trending->examined, folded_id(trending, subscription_of(nsg), none));
    trending->point.nsgs++;
    trending->point.exposed += verdict == NSF_EXPOSURE_EXPOSED;
    trending->point.partial += verdict == NSF_EXPOSURE_PARTIAL;
    trending->point.unknown += verdict == NSF_EXPOSURE_UNKNOWN;
}

static void take_finding(struct trending *trending, sqlite3_stmt *row, int64_t ts_ms)
{
    bool has_owner = sqlite3_column_int64(row, 2) != 0, has_reason = sqlite3_column_int64(row, 3) != 0;
    see_finding(trending, nsf_sql_bytes(row, 0), nsf_sql_bytes(row, 1), ts_ms);
    trending->point.findings++;
    trending->point.with_owner += has_owner;
    trending->point.with_reason += has_reason;
    trending->point.with_both += has_owner && has_reason;
}

static bool was_examined(struct trending *trending, struct nsf_slice nsg)
{
    struct nsf_slice none = {NULL, 0};
    return nsf_pairset_has(&trending->examined, folded_id(trending, nsg, none)) ||
           nsf_pairset_has(&trending->examined, folded_id(trending, subscription_of(nsg), none));
}

static struct nsf_trend_week *week_of(struct trending *trending, int64_t ts_ms)
{
    struct nsf_trend *trend = trending->trend;
    int64_t day = nsf_time_day(ts_ms), monday = day - ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    if (trend->n_weeks == 0 || trend->weeks[trend->n_weeks - 1].from_ms != monday * NSF_MS_PER_DAY) {
        NSF_GROW(trend->weeks, trending->weeks_capacity, trend->n_weeks + 1);
        trend->weeks[trend->n_weeks++] = (struct nsf_trend_week){.from_ms = monday * NSF_MS_PER_DAY};
    }
    return &trend->weeks[trend->n_weeks - 1];
}

static void settle_findings(struct trending *trending, int64_t ts_ms, struct nsf_trend_week *week)
{
    for (size_t i = 0; i < trending->n_findings; i++) {
        struct open_finding *finding = &trending->findings[i];
        if (!finding->is_open)
            continue;
        if (finding->seen_in == trending->scan_number) {
            week->n_new += finding->is_fresh && !finding->row.is_baseline;
            finding->is_fresh = false;
            finding->row.last_ms = ts_ms;
        } else if (was_examined(trending, finding->row.nsg)) {
            finding->is_open = false;
            finding->row.closed_ms = ts_ms;
            *open_slot(trending, folded_id(trending, finding->row.nsg, finding->row.rule)) = 0;
            week->n_closed++;
        }
    }
}

/* A run with the rules of the one before only moves the last day on. */
static nsf_result take_run(struct trending *trending, int64_t scan_id, int64_t ts_ms, struct nsf_err *err)
{
    struct nsf_trend *trend = trending->trend;
    struct nsf_trend_week *week = week_of(trending, ts_ms);
    trend->n_runs++;
    bool is_other = scan_id != trending->scan_id;
    if (is_other) {
        trending->scan_id = scan_id;
        trending->scan_number++;
        trending->point = (struct nsf_trend_point){0};
        nsf_pairset_reset(&trending->examined);
        nsf_result r = for_rows(trending,
                                "SELECT t.text, n.verdict FROM scan_nsgs n JOIN texts t ON t.id = n.nsg"
                                " WHERE n.scan = ?1",
                                ts_ms, take_nsg, err);
        if (!nsf_failed(r))
            r = for_rows(trending,
                         "SELECT n.text, r.text, f.has_owner, f.has_reason FROM scan_findings f"
                         " JOIN texts n ON n.id = f.nsg JOIN texts r ON r.id = f.rule WHERE f.scan = ?1",
                         ts_ms, take_finding, err);
        if (nsf_failed(r))
            return r;
    }
    settle_findings(trending, ts_ms, week);
    trending->point.ts_ms = ts_ms;
    week->last = trending->point;
    /* The last run of a stretch stands for it until the next one comes. */
    bool replaces = !is_other && trend->n_points >= 2 &&
                    memcmp(&trend->points[trend->n_points - 1].nsgs, &trend->points[trend->n_points - 2].nsgs,
                           sizeof(struct nsf_trend_point) - offsetof(struct nsf_trend_point, nsgs)) == 0;
    if (!replaces) {
        NSF_GROW(trend->points, trending->points_capacity, trend->n_points + 1);
        trend->n_points++;
    }
    trend->points[trend->n_points - 1] = trending->point;
    return nsf_ok();
}

static int cmp_findings(const void *left, const void *right)
{
    const struct nsf_trend_finding *a = left, *b = right;
    int order = nsf_slice_cmp_nocase(a->nsg, b->nsg);
    if (order == 0)
        order = nsf_slice_cmp_nocase(a->rule, b->rule);
    return order != 0 ? order : (a->first_ms > b->first_ms) - (a->first_ms < b->first_ms);
}

static void finish(struct trending *trending)
{
    struct nsf_trend *trend = trending->trend;
    int64_t *times = nsf_calloc(trending->n_findings + 1, sizeof(*times));
    size_t n = 0;
    trend->n_findings = trending->n_findings;
    trend->findings = nsf_calloc(trending->n_findings + 1, sizeof(*trend->findings));
    for (size_t i = 0; i < trending->n_findings; i++) {
        trend->findings[i] = trending->findings[i].row;
        if (trend->findings[i].closed_ms != NSF_TS_NONE)
            times[n++] = trend->findings[i].closed_ms - trend->findings[i].first_ms;
    }
    if (trend->n_findings > 1)
        qsort(trend->findings, trend->n_findings, sizeof(*trend->findings), cmp_findings);
    if (n > 1)
        qsort(times, n, sizeof(*times), nsf_cmp_i64);
    trend->n_closed = n;
    trend->n_open = trend->n_findings - n;
    /* Of an even number the lower one of the two in the middle: a time that was seen. */
    trend->median_ms = n == 0 ? -1 : times[(n - 1) / 2];
    nsf_free(times);
}

static nsf_result take_runs(struct trending *trending, struct nsf_err *err)
{
    const struct nsf_sql *sql = &trending->store->sql;
    sqlite3_stmt *rows;
    nsf_result r = nsf_sql_prepare(
        sql, "SELECT scan, started_ms FROM runs WHERE scan IS NOT NULL ORDER BY started_ms, hi, lo", &rows, err);
    if (nsf_failed(r))
        return r;
    while (!nsf_failed(r)) {
        bool has_row;
        r = nsf_sql_step(sql, rows, &has_row, err);
        if (nsf_failed(r) || !has_row)
            break;
        r = take_run(trending, sqlite3_column_int64(rows, 0), sqlite3_column_int64(rows, 1), err);
    }
    sqlite3_finalize(rows);
    return r;
}

nsf_result nsf_store_trend(struct nsf_store *store, struct nsf_trend *trend, struct nsf_err *err)
{
    *trend = (struct nsf_trend){.median_ms = -1};
    nsf_arena_init(&trend->arena);
    struct trending trending = {.store = store, .trend = trend};
    nsf_intern_init(&trending.names, nsf_hash_random_seed());
    nsf_mutex_lock(store->mutex);
    nsf_result r = take_runs(&trending, err);
    nsf_mutex_unlock(store->mutex);
    if (!nsf_failed(r))
        finish(&trending);
    nsf_intern_release(&trending.names);
    nsf_pairset_release(&trending.examined);
    nsf_free(trending.findings);
    nsf_free(trending.open_of_key);
    return r;
}

void nsf_trend_release(struct nsf_trend *trend)
{
    nsf_free(trend->points);
    nsf_free(trend->findings);
    nsf_free(trend->weeks);
    nsf_arena_release(&trend->arena);
}

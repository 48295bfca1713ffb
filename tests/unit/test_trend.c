#include "core/nsf_common.h"

#include "report/trend.h"

#include "core/mem.h"
#include "store/store.h"
#include "support/nsf_test.h"

#define HOUR NSF_MS_PER_HOUR
#define DAY NSF_MS_PER_DAY
/* Monday 2026-01-05 */
#define MONDAY INT64_C(1767571200000)
#define A "/subscriptions/One/resourceGroups/g/providers/x/a"
#define B "/subscriptions/one/resourceGroups/g/providers/x/b"
#define C "/subscriptions/two/resourceGroups/g/providers/x/c"

/* One run: what of the NSGs a, b, c it looked at (letters), and which rules it found in them ("a1 b2"). */
static void add_run(struct nsf_store *store, int64_t ts_ms, const char *nsgs, const char *found)
{
    struct nsf_scan_nsg rows[3];
    struct nsf_finding findings[8];
    struct nsf_scan scan = {.nsgs = rows, .findings = findings};
    for (const char *p = nsgs; *p != '\0'; p++)
        rows[scan.n_nsgs++] = (struct nsf_scan_nsg){.id = S(*p == 'a'   ? A
                                                            : *p == 'b' ? B
                                                                        : C),
                                                    .name = S("n"),
                                                    .owner = *p == 'a' ? S("me") : S("")};
    for (const char *p = found; *p != '\0'; p += p[2] == '\0' ? 2 : 3) {
        const char *at = strchr(nsgs, p[0]);
        assert_non_null(at);
        uint32_t idx = (uint32_t)(at - nsgs);
        rows[idx].verdict = NSF_EXPOSURE_EXPOSED;
        findings[scan.n_findings++] = (struct nsf_finding){.nsg_idx = idx,
                                                           .rule = nsf_slice(p + 1, 1),
                                                           .verdict = NSF_EXPOSURE_EXPOSED,
                                                           .description = p[1] == '1' ? S("why") : S("")};
    }
    struct nsf_run_counts counts = {0};
    struct nsf_err err = NSF_ERR_INIT;
    if (nsf_failed(nsf_store_add_run(store, ts_ms, ts_ms + 1, &counts, &scan, NULL, &err)))
        fail_msg("%s", err.text);
}

struct box {
    char *folder;
    struct nsf_store *store;
    struct nsf_trend trend;
};

static int set_up(void **state)
{
    struct box *box = nsf_calloc(1, sizeof(*box));
    box->folder = nsf_test_folder_new();
    *state = box;
    return nsf_failed(nsf_store_open(nsf_test_path(box->folder, "s.db"), NSF_STORE_WRITE, &box->store, NULL)) ? -1 : 0;
}

static int tear_down(void **state)
{
    struct box *box = *state;
    nsf_trend_release(&box->trend);
    nsf_store_close(box->store);
    nsf_test_folder_free(box->folder);
    nsf_free(box);
    return 0;
}

static void make_trend(struct box *box)
{
    nsf_trend_release(&box->trend);
    struct nsf_err err = NSF_ERR_INIT;
    if (nsf_failed(nsf_store_trend(box->store, &box->trend, &err)))
        fail_msg("%s", err.text);
}

/* "a1 0-48 closed 72; ..." in hours from MONDAY */
static const char *findings_of(const struct nsf_trend *trend)
{
    static char text[1024];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < trend->n_findings; i++) {
        const struct nsf_trend_finding *row = &trend->findings[i];
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c%.*s%s %d-%d", i == 0 ? "" : "; ",
                              row->nsg.ptr[row->nsg.len - 1], NSF_SLICE_ARG(row->rule), row->is_baseline ? "*" : "",
                              (int)((row->first_ms - MONDAY) / HOUR), (int)((row->last_ms - MONDAY) / HOUR));
        if (row->closed_ms != NSF_TS_NONE)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " closed %d", (int)((row->closed_ms - MONDAY) / HOUR));
    }
    return text;
}

static void test_findings_open_and_close(void **state)
{
    struct box *box = *state;
    make_trend(box);
    assert_true(box->trend.n_runs == 0 && box->trend.n_findings == 0 && box->trend.median_ms == -1);
    add_run(box->store, MONDAY, "ab", "a1 b2");
    add_run(box->store, MONDAY + HOUR, "ab", "a1 b2");
    add_run(box->store, MONDAY + 2 * HOUR, "ab", "a1 b2");
    add_run(box->store, MONDAY + 3 * HOUR, "ab", "b2 b3");
    add_run(box->store, MONDAY + 5 * HOUR, "ab", "a1 b3");
    make_trend(box);
    assert_string_equal(findings_of(&box->trend), "a1* 0-2 closed 3; a1 5-5; b2* 0-3 closed 5; b3 3-5");
    assert_int_equal(box->trend.n_runs, 5);
    assert_int_equal(box->trend.n_open, 2);
    assert_int_equal(box->trend.n_closed, 2);
    assert_int_equal(box->trend.median_ms, 3 * HOUR);
    assert_int_equal(box->trend.n_points, 4);
    assert_int_equal(box->trend.points[1].ts_ms, MONDAY + 2 * HOUR);
    const struct nsf_trend_point *now = &box->trend.points[3];
    assert_true(now->nsgs == 2 && now->exposed == 2 && now->findings == 2);
    assert_true(now->with_owner == 1 && now->with_reason == 1 && now->with_both == 1);
}

static void test_a_run_over_others_says_nothing(void **state)
{
    struct box *box = *state;
    add_run(box->store, MONDAY, "abc", "a1 c1");
    add_run(box->store, MONDAY + HOUR, "c", "c1"); /* another subscription: a stays as it was */
    make_trend(box);
    assert_string_equal(findings_of(&box->trend), "a1* 0-0; c1* 0-1");
    add_run(box->store, MONDAY + 2 * HOUR, "b", ""); /* of the same subscription, and a is gone from it */
    make_trend(box);
    assert_string_equal(findings_of(&box->trend), "a1* 0-0 closed 2; c1* 0-1");
}

static void test_weeks_count_what_is_new(void **state)
{
    struct box *box = *state;
    add_run(box->store, MONDAY + 6 * DAY + 23 * HOUR, "ab", "a1");
    add_run(box->store, MONDAY + 7 * DAY, "ab", "a1 a2");
    add_run(box->store, MONDAY + 8 * DAY, "ab", "a2 b1");
    add_run(box->store, MONDAY + 21 * DAY, "ab", "");
    make_trend(box);
    assert_int_equal(box->trend.n_weeks, 3);
    static const struct {
        int64_t day;
        uint64_t n_new, n_closed, findings;
    } weeks[] = {{0, 0, 0, 1}, {7, 2, 1, 2}, {21, 0, 2, 0}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(box->trend.weeks[i].from_ms, MONDAY + weeks[i].day * DAY);
        assert_int_equal(box->trend.weeks[i].n_new, weeks[i].n_new);
        assert_int_equal(box->trend.weeks[i].n_closed, weeks[i].n_closed);
        assert_int_equal(box->trend.weeks[i].last.findings, weeks[i].findings);
    }
}

static const char *report(const struct nsf_trend *trend, enum nsf_report_format format, struct nsf_buf *buf)
{
    struct nsf_report_options options = {.width = 80, .generated_ms = MONDAY};
    struct nsf_out *out = nsf_out_new_buf(buf);
    nsf_report_trend(trend, format, &options, out);
    assert_false(nsf_failed(nsf_out_close(out, NULL)));
    return nsf_buf_str(buf);
}

static void test_reports_hold_the_figures(void **state)
{
    struct box *box = *state;
    struct nsf_buf text, csv;
    nsf_buf_init(&text, 1 << 20);
    nsf_buf_init(&csv, 1 << 20);
    add_run(box->store, MONDAY, "ab", "a1 b=");
    add_run(box->store, MONDAY + 26 * HOUR, "ab", "a1");
    make_trend(box);
    const char *said = report(&box->trend, NSF_REPORT_TEXT, &text);
    assert_non_null(strstr(said, "Key figures of 2 runs, 2026-01-05 00:00 to 2026-01-06 02:00 UTC"));
    assert_non_null(strstr(said, "NSGs exposed now                  1 of 2 (50 %)"));
    assert_non_null(strstr(said, "median time to remediate          1 d 2 h"));
    assert_non_null(strstr(said, "2026-01-05* 1  " A));
    assert_string_equal(report(&box->trend, NSF_REPORT_CSV, &csv),
                        "nsg,rule,first_seen,last_seen,closed,baseline\r\n" A
                        ",1,2026-01-05T00:00:00.000Z,2026-01-06T02:00:00.000Z,,true\r\n" B
                        ",\"'=\",2026-01-05T00:00:00.000Z,2026-01-05T00:00:00.000Z,2026-01-06T02:00:00.000Z,true\r\n");
    nsf_buf_release(&text);
    nsf_buf_release(&csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_findings_open_and_close, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_over_others_says_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_weeks_count_what_is_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reports_hold_the_figures, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

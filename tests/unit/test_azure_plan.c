/* The prefixes asked for cover the window exactly once, with as few requests as make sense. */
#include "core/nsf_common.h"

#include "source/azure_plan.h"

#include "core/limits.h"
#include "source/azure_fetch.h"
#include "source/layout.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int64_t ms(const char *text)
{
    int64_t ts_ms;
    assert_true(nsf_time_parse(nsf_slice_str(text), &ts_ms));
    return ts_ms;
}

static void check(const char *since, const char *until, int year, const char *wanted)
{
    struct nsf_azure_hours hours;
    char got[4096] = "", period[NSF_AZURE_PERIOD_BYTES];
    if (nsf_azure_hours_of_year(year, since == NULL ? NSF_TS_NONE : ms(since), until == NULL ? NSF_TS_NONE : ms(until),
                                &hours))
        while (nsf_azure_next_period(&hours, period)) {
            const size_t n = strlen(got);
            snprintf(got + n, sizeof(got) - n, "%s ", period);
        }
    assert_string_equal(got, wanted);
}

static void test_periods(void **state)
{
    check("2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z", 2026,
          "y=2026/m=11/d=21/h=09/ y=2026/m=11/d=21/h=10/ y=2026/m=11/d=21/h=11/ ");
    check("2026-11-21", "2026-11-22", 2026, "y=2026/m=11/d=20/h=23/ y=2026/m=11/d=21/ y=2026/m=11/d=22/h=00/ ");
    check("2026-11-21T10:30:00Z", "2026-11-21T20:00:00Z", 2026, "y=2026/m=11/d=21/ ");
    check("2026-01-31T12:00:00Z", "2026-03-01T02:00:00Z", 2026,
          "y=2026/m=01/d=31/ y=2026/m=02/ y=2026/m=03/d=01/h=00/ y=2026/m=03/d=01/h=01/ y=2026/m=03/d=01/h=02/ ");
    check("2024-02-28T23:00:00Z", "2024-02-29T23:00:00Z", 2024,
          "y=2024/m=02/d=28/h=22/ y=2024/m=02/d=28/h=23/ y=2024/m=02/d=29/ ");
    check("2025-12-31", NULL, 2026, "y=2026/ ");
    check(NULL, "2026-01-01", 2025, "y=2025/ ");
    check(NULL, "2026-01-01", 2026, "y=2026/m=01/d=01/h=00/ ");
    check("2026-01-01T00:30:00Z", NULL, 2025, "y=2025/m=12/d=31/h=23/ ");
    check("2026-02-01", NULL, 2025, "");
    check(NULL, "2025-01-01", 2026, "");
    check(NULL, NULL, 9999, "");
}

/* Every hour is under exactly one prefix when it is in the window; prefixes that hold hours outside are whole days. */
static void test_cover(void **state)
{
    uint64_t random = 1;
    for (int i = 0; i < 2000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        const int64_t since = ms("2024-01-01") + (int64_t)(random >> 33) % (700 * 24) * NSF_MS_PER_HOUR;
        const int64_t until = since + (int64_t)(random >> 20) % (90 * 24 + 1) * NSF_MS_PER_HOUR + 1;
        for (int year = 2023; year < 2027; year++) {
            struct nsf_azure_hours hours;
            if (!nsf_azure_hours_of_year(year, since, until, &hours))
                continue;
            int64_t next = hours.first;
            const int64_t last = hours.last;
            char period[NSF_AZURE_PERIOD_BYTES];
            while (nsf_azure_next_period(&hours, period)) {
                char path[128];
                const size_t n = strlen(period);
                static const char rest[] = "y=0000/m=01/d=01/h=00/";
                snprintf(path, sizeof(path), "%s%s", period, rest + n);
                const int64_t first = nsf_layout_parse(nsf_slice_str(path)).hour;
                assert_true(first <= next && next <= last);
                assert_true(first == next || n == strlen("y=2026/m=11/d=21/"));
                next = hours.first;
            }
            assert_true(next > last);
        }
    }
}

static void test_steps(void **state)
{
    static const struct {
        const char *prefix;
        enum nsf_azure_step step;
        int year;
    } cases[] = {
        {"resourceId=/", NSF_AZURE_STEP_DESCEND, 0},
        {"resourceId=/SUBSCRIPTIONS/X/", NSF_AZURE_STEP_DESCEND, 0},
        {"a/flowLogResourceID=/X_RG/W_FL/", NSF_AZURE_STEP_DESCEND, 0},
        {"flowLogResourceID=/X_RG/W_FL/y=2026/", NSF_AZURE_STEP_YEAR, 2026},
        {"flowLogResourceID=/X_RG/W_FL/y=26/", NSF_AZURE_STEP_DESCEND, 0},
        {"resourceId=/1/2/3/4/5/6/7/8/9/10/11/12/", NSF_AZURE_STEP_FLAT, 0},
        {"y=2026/", NSF_AZURE_STEP_FLAT, 0},
        {"other/", NSF_AZURE_STEP_FLAT, 0},
        {"resourceId=", NSF_AZURE_STEP_FLAT, 0},
        {"", NSF_AZURE_STEP_FLAT, 0},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        int year = 0;
        if (nsf_azure_step_of(nsf_slice_str(cases[i].prefix), &year) != cases[i].step || year != cases[i].year)
            fail_msg("%s", cases[i].prefix);
    }
}

static void test_content_range(void **state)
{
    static const struct {
        const char *text;
        bool is_ok;
    } cases[] = {
        {"bytes 0-4/5", true},
        {"Bytes 10-19/4294967296", true},
        {"bytes 0-5/5", false},
        {"bytes 3-2/5", false},
        {"bytes */5", false},
        {"bytes 0-4/*", false},
        {"0-4/5", false},
        {"bytes 0-4", false},
        {"bytes -4/5", false},
        {"bytes 0-/5", false},
        {"bytes 0/4-5", false},
        {"", false},
        {"bytes 0-18446744073709551615/18446744073709551616", false},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        uint64_t first, last, total;
        if (nsf_azure_parse_content_range(nsf_slice_str(cases[i].text), &first, &last, &total) != cases[i].is_ok)
            fail_msg("%s", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_periods),
        cmocka_unit_test(test_cover),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_content_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

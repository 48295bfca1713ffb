#include "core/nsf_common.h"

#include "core/clock.h"

#include "support/nsf_test.h"

#define DAY NSF_MS_PER_DAY

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        int64_t ts_ms;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01", 0},
        {"2026-11-21", INT64_C(1795219200000)},
        {"2026-11-21T10:00:00Z", INT64_C(1795255200000)},
        {"2026-11-21t10:00:00z", INT64_C(1795255200000)},
        {"2026-11-21 10:00:00Z", INT64_C(1795255200000)},
        {"2026-11-21T10:00:00.1234567Z", INT64_C(1795255200123)},
        {"2026-11-21T10:00:00.5Z", INT64_C(1795255200500)},
        {"2026-11-21T10:00:00.999999999Z", INT64_C(1795255200999)},
        {"2026-11-21T10:00:00+00:00", INT64_C(1795255200000)},
        {"2026-11-21T12:30:00+02:30", INT64_C(1795255200000)},
        {"2026-11-21T09:00:00-01:00", INT64_C(1795255200000)},
        {"2024-02-29T23:59:59.999Z", INT64_C(1709251199999)},
        {"2000-02-29", INT64_C(951782400000)},
        {"1969-12-31T23:59:59.999Z", -1},
        {"0001-01-01", INT64_C(-62135596800000)},
        {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(good); i++) {
        int64_t ts_ms = 77;
        if (!nsf_time_parse(S(good[i].text), &ts_ms) || ts_ms != good[i].ts_ms)
            fail_msg("%s: %lld", good[i].text, (long long)ts_ms);
    }
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11",
        "2026-1-21",
        "2026-13-01",
        "2026-00-01",
        "2026-01-00",
        "2026-04-31",
        "2023-02-29",
        "1900-02-29",
        "0000-01-01",
        "2026-11-21T",
        "2026-11-21T10:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T10:60:00Z",
        "2026-11-21T10:00:61Z",
        "2026-11-21T10:00:00",
        "2026-11-21T10:00:00.Z",
        "2026-11-21T10:00:00.1234567890Z",
        "2026-11-21T10:00:00+24:00",
        "2026-11-21T10:00:00+0000",
        "2026-11-21T10:00:00+00:60",
        "2026-11-21T10:00:00Z ",
        " 2026-11-21",
        "2026-11-21x",
        "+026-11-21",
        "2026/11/21",
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(bad); i++) {
        int64_t ts_ms;
        if (nsf_time_parse(S(bad[i]), &ts_ms))
            fail_msg("'%s' was read", bad[i]);
    }
}

static void test_every_truncation_of_a_time_is_bad_but_the_date(void **state)
{
    static const char text[] = "2026-11-21T10:00:00.123Z";
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        char *exact = malloc(len + (len == 0));
        assert_non_null(exact);
        memcpy(exact, text, len);
        int64_t ts_ms;
        assert_int_equal(nsf_time_parse(nsf_slice(exact, len), &ts_ms), len == 10);
        free(exact);
    }
}

static void test_format(void **state)
{
    char buf[NSF_TIME_TEXT_BYTES];
    assert_string_equal(nsf_time_format(0, buf), "1970-01-01T00:00:00.000Z");
    assert_string_equal(nsf_time_format(-1, buf), "1969-12-31T23:59:59.999Z");
    assert_string_equal(nsf_time_format(INT64_C(1795255205007), buf), "2026-11-21T10:00:05.007Z");
    assert_string_equal(nsf_time_format_minute(INT64_C(1795255205007), buf), "2026-11-21 10:00");
    assert_string_equal(nsf_time_format_day(20778, buf), "2026-11-21");
    /* What the form cannot show is clamped, never garbled. */
    assert_string_equal(nsf_time_format(INT64_MAX, buf), "9999-12-31T23:59:59.999Z");
    assert_string_equal(nsf_time_format(INT64_MIN, buf), "0001-01-01T00:00:00.000Z");
    assert_string_equal(nsf_time_format_day(INT64_MAX, buf), "9999-12-31");
    assert_string_equal(nsf_time_format_day(INT64_MIN, buf), "0001-01-01");
}

static void test_agrees_with_the_c_library(void **state)
{
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        int64_t ts_ms = (int64_t)(nsf_test_random(&seed) % UINT64_C(315537897600000)) - INT64_C(62135596800000);
        time_t seconds = (time_t)(nsf_time_day(ts_ms) * 86400 + (ts_ms - nsf_time_day(ts_ms) * DAY) / 1000);
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        char theirs[64], ours[NSF_TIME_TEXT_BYTES];
        snprintf(theirs, sizeof(theirs), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ts_ms - (int64_t)seconds * 1000));
        assert_string_equal(nsf_time_format(ts_ms, ours), theirs);
        int64_t again;
        assert_true(nsf_time_parse(S(ours), &again));
        assert_int_equal(again, ts_ms);
        assert_int_equal(nsf_time_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday), nsf_time_day(ts_ms) * DAY);
    }
}

static void test_days_hours_weeks(void **state)
{
    assert_int_equal(nsf_time_day(-1), -1);
    assert_int_equal(nsf_time_day(DAY - 1), 0);
    assert_int_equal(nsf_time_hour(-1), -1);
    assert_int_equal(nsf_time_hour(NSF_MS_PER_HOUR), 1);
    /* 2026-11-16 is a Monday. */
    int64_t monday = nsf_time_from_civil(2026, 11, 16);
    assert_int_not_equal(nsf_time_iso_week(monday - 1), nsf_time_iso_week(monday));
    assert_int_equal(nsf_time_iso_week(monday), nsf_time_iso_week(monday + 7 * DAY - 1));
    assert_int_equal(nsf_time_iso_week(monday + 7 * DAY), nsf_time_iso_week(monday) + 1);
    assert_int_equal(nsf_time_iso_week(-3 * DAY), nsf_time_iso_week(0));
    assert_int_not_equal(nsf_time_iso_week(-3 * DAY - 1), nsf_time_iso_week(0));
}

static void test_fixed_clock(void **state)
{
    /* cmocka runs one thread, so the environment may change here. */
    assert_int_equal(setenv("SOURCE_DATE_EPOCH", "1767225600", 1), 0);
    assert_int_equal(nsf_clock_now_ms(), INT64_C(1767225600000));
    static const char *const bad[] = {"", "-1", "x", "99999999999999999999"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(bad); i++) {
        assert_int_equal(setenv("SOURCE_DATE_EPOCH", bad[i], 1), 0);
        assert_true(nsf_clock_now_ms() > INT64_C(1767225600000) - 1);
    }
    assert_int_equal(unsetenv("SOURCE_DATE_EPOCH"), 0);
    int64_t before = nsf_clock_monotonic_ms();
    assert_true(nsf_clock_monotonic_ms() >= before);
}

/* Every day that has a text form: the text is that of the day after the one before. */
static void test_all_days(void **state)
{
    static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    char ours[NSF_TIME_TEXT_BYTES], theirs[NSF_TIME_TEXT_BYTES] = "0001-01-01";
    int64_t day = nsf_time_day(nsf_time_from_civil(1, 1, 1));
    for (unsigned y = 1; y <= 9999; y++)
        for (unsigned m = 1; m <= 12; m++) {
            bool is_leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
            snprintf(theirs, sizeof(theirs), "%04u-%02u-00", y, m);
            for (unsigned d = 1; d <= lengths[m - 1] + (m == 2 && is_leap); d++, day++) {
                theirs[8] = (char)('0' + d / 10);
                theirs[9] = (char)('0' + d % 10);
                if (strcmp(nsf_time_format_day(day, ours), theirs) != 0)
                    fail_msg("%s is not %s", ours, theirs);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_days),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_every_truncation_of_a_time_is_bad_but_the_date),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_agrees_with_the_c_library),
        cmocka_unit_test(test_days_hours_weeks),
        cmocka_unit_test(test_fixed_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

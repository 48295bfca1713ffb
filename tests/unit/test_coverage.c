#include "core/nsf_common.h"

#include "evidence/coverage.h"

#include "core/clock.h"
#include "support/nsf_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* A NIC of a flow log and the hours with a record, as "0-5 9 30-31". */
struct logged {
    uint32_t flow_log_id;
    uint32_t nic_id;
    const char *hours;
};

#define LOGGED_MAX 4
#define NIC_ASKED 7u

static const struct {
    const char *what;
    int64_t from;
    int64_t to;
    struct logged logged[LOGGED_MAX];
    const char *gaps; /* of NIC 7, as half-open ranges of hours */
    uint64_t seen;
} cases[] = {
    {"never logged", 0, 48, {{1, 1, "0-47"}}, "0-48", 0},
    {"every hour", 0, 48, {{1, NIC_ASKED, "0-47"}}, "", 48},
    {"a hole, nobody else", 0, 48, {{1, NIC_ASKED, "0-9 20-47"}}, "10-20", 38},
    {"a hole in which another NIC of the log has records",
     0,
     48,
     {{1, NIC_ASKED, "0-9 20-47"}, {1, 2, "10-19"}},
     "",
     48},
    {"in some of it", 0, 48, {{1, NIC_ASKED, "0-9 20-47"}, {1, 2, "12-14"}}, "10-12 15-20", 41},
    {"a NIC of another log does not count", 0, 48, {{1, NIC_ASKED, "0-9 20-47"}, {2, 2, "10-19"}}, "10-20", 38},
    {"one of the second log of the NIC does",
     0,
     48,
     {{1, NIC_ASKED, "0-9 20-47"}, {2, NIC_ASKED, "0"}, {2, 2, "10-19"}},
     "",
     48},
    {"the two logs of a NIC add up", 0, 48, {{1, NIC_ASKED, "0-23"}, {2, NIC_ASKED, "24-47"}}, "", 48},
    /* records at 0 and 30: an hour has both within a day when it is 6 to 24 */
    {"more than a day from a record", 0, 31, {{1, NIC_ASKED, "0 30"}, {1, 2, "0-30"}}, "1-6 25-30", 21},
    {"exactly a day on both sides", 0, 49, {{1, NIC_ASKED, "0 48"}, {1, 2, "0-48"}}, "1-24 25-48", 3},
    {"no record behind it", 0, 48, {{1, NIC_ASKED, "0-9"}, {1, 2, "0-47"}}, "10-48", 10},
    {"no record before it", 0, 48, {{1, NIC_ASKED, "40-47"}, {1, 2, "0-47"}}, "0-40", 8},
    {"records outside the window are sides too", 10, 20, {{1, NIC_ASKED, "5 25"}, {1, 2, "0-47"}}, "", 10},
    {"the window cuts the gaps", 12, 18, {{1, NIC_ASKED, "0-9 20-47"}}, "12-18", 0},
    {"an empty window", 12, 12, {{1, NIC_ASKED, "0-47"}}, "", 0},
    {"two gaps", 0, 10, {{1, NIC_ASKED, "2-3 7"}}, "0-2 4-7 8-10", 3},
};

static void add_hours(struct nsf_hours *hours, const struct logged *logged)
{
    for (const char *p = logged->hours; *p != '\0';) {
        char *end;
        long from = strtol(p, &end, 10), to = from;
        if (*end == '-')
            to = strtol(end + 1, &end, 10);
        for (long hour = to; hour >= from; hour--) /* the order does not matter */
            for (int minute = 0; minute < 60; minute += 29)
                nsf_hours_add(hours, logged->flow_log_id, logged->nic_id,
                              hour * NSF_MS_PER_HOUR + minute * INT64_C(60000));
        p = *end == ' ' ? end + 1 : end;
    }
}

static void gaps_text(const struct nsf_gap *gaps, size_t n, char *text, size_t size)
{
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < n && len < size; i++)
        len += (size_t)snprintf(text + len, size - len, "%s%lld-%lld", i > 0 ? " " : "",
                                (long long)(gaps[i].from_ms / NSF_MS_PER_HOUR),
                                (long long)(gaps[i].to_ms / NSF_MS_PER_HOUR));
}

static void test_hours_and_gaps(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_hours hours;
        struct nsf_gap *gaps = NULL;
        size_t n_gaps = 0, capacity = 0;
        char text[256];
        nsf_hours_init(&hours);
        for (size_t k = 0; k < LOGGED_MAX && cases[i].logged[k].hours != NULL; k++)
            add_hours(&hours, &cases[i].logged[k]);
        nsf_hours_finish(&hours);
        struct nsf_nic_coverage got = nsf_hours_of_nic(&hours, NIC_ASKED, NSF_SLICE_LIT("m"), cases[i].from,
                                                       cases[i].to, &gaps, &n_gaps, &capacity);
        gaps_text(gaps, n_gaps, text, sizeof(text));
        if (got.hours_seen != cases[i].seen || strcmp(text, cases[i].gaps) != 0)
            fail_msg("%s: %llu hours, gaps %s", cases[i].what, (unsigned long long)got.hours_seen, text);
        assert_int_equal(got.is_logged, cases[i].logged[0].nic_id == NIC_ASKED);
        nsf_free(gaps);
        nsf_hours_release(&hours);
    }
}

/* One stamp in the year 9999 makes a window that nobody walks hour by hour; its gaps are told all the same. */
static void test_a_window_of_millennia(void **state)
{
    struct nsf_hours hours;
    struct nsf_gap *gaps = NULL;
    size_t n_gaps = 0, capacity = 0;
    nsf_hours_init(&hours);
    nsf_hours_add(&hours, 1, NIC_ASKED, NSF_TS_NONE);
    nsf_hours_add(&hours, 1, NIC_ASKED, 5 * NSF_MS_PER_HOUR);
    nsf_hours_finish(&hours);
    struct nsf_nic_coverage got =
        nsf_hours_of_nic(&hours, NIC_ASKED, NSF_SLICE_LIT("m"), 0, INT64_C(70000000), &gaps, &n_gaps, &capacity);
    assert_int_equal(got.hours_seen, 1);
    char text[64];
    gaps_text(gaps, n_gaps, text, sizeof(text));
    assert_string_equal(text, "0-5 6-70000000");
    assert_true(hours.first_ms == hours.last_ms && hours.first_ms == 5 * NSF_MS_PER_HOUR);
    nsf_free(gaps);
    nsf_hours_release(&hours);
}

#define RANDOM_HOURS 150

/* What two NICs of one flow log have, hour by hour. */
struct days {
    bool own[RANDOM_HOURS];
    bool peer[RANDOM_HOURS];
};

static bool has_own_within(const struct days *days, int hour, int step)
{
    for (int i = 1; i <= 24; i++) {
        int other = hour + i * step;
        if (other >= 0 && other < RANDOM_HOURS && days->own[other])
            return true;
    }
    return false;
}

static bool counts_as_seen(const struct days *days, int hour)
{
    return days->own[hour] || (days->peer[hour] && has_own_within(days, hour, -1) && has_own_within(days, hour, 1));
}

static void check_days(const struct days *days, int from, int to)
{
    struct nsf_hours hours;
    struct nsf_gap *gaps = NULL;
    size_t n_gaps = 0, capacity = 0, at = 0;
    uint64_t n_seen = 0;
    nsf_hours_init(&hours);
    for (int hour = 0; hour < RANDOM_HOURS; hour++) {
        if (days->own[hour])
            nsf_hours_add(&hours, 1, NIC_ASKED, hour * NSF_MS_PER_HOUR);
        if (days->peer[hour])
            nsf_hours_add(&hours, 1, 2, hour * NSF_MS_PER_HOUR);
    }
    nsf_hours_finish(&hours);
    struct nsf_nic_coverage got =
        nsf_hours_of_nic(&hours, NIC_ASKED, NSF_SLICE_LIT("m"), from, to, &gaps, &n_gaps, &capacity);
    for (int hour = from; hour < to; hour++) {
        bool is_seen = counts_as_seen(days, hour);
        n_seen += is_seen;
        while (at < n_gaps && gaps[at].to_ms <= hour * NSF_MS_PER_HOUR)
            at++;
        bool is_in_gap = at < n_gaps && gaps[at].from_ms <= hour * NSF_MS_PER_HOUR;
        assert_int_equal(is_in_gap, !is_seen);
    }
    assert_int_equal(got.hours_seen, n_seen);
    for (size_t i = 1; i < n_gaps; i++)
        assert_true(gaps[i - 1].to_ms < gaps[i].from_ms);
    nsf_free(gaps);
    nsf_hours_release(&hours);
}

static void test_random_hours(void **state)
{
    uint64_t seed = 11;
    for (int round = 0; round < 500; round++) {
        struct days days = {0};
        uint64_t rare = 1 + nsf_test_random(&seed) % 40;
        for (int hour = 0; hour < RANDOM_HOURS; hour++) {
            days.own[hour] = nsf_test_random(&seed) % rare == 0;
            days.peer[hour] = nsf_test_random(&seed) % 3 > 0;
        }
        int from = (int)(nsf_test_random(&seed) % RANDOM_HOURS);
        check_days(&days, from, from + (int)(nsf_test_random(&seed) % (uint64_t)(RANDOM_HOURS - from + 1)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hours_and_gaps),
        cmocka_unit_test(test_a_window_of_millennia),
        cmocka_unit_test(test_random_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Waits between tries, and what a server may say about them. */
#include "core/nsf_common.h"

#include "source/retry.h"

#include "core/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_waits_double_up_to_the_cap(void **state)
{
    const struct nsf_retry policy = NSF_RETRY_INIT;
    int64_t base_ms = 800;
    for (unsigned n = 1; n < 20; n++) {
        const int64_t low = nsf_retry_wait_ms(&policy, n, NSF_RETRY_NO_HINT, 0);
        const int64_t high = nsf_retry_wait_ms(&policy, n, NSF_RETRY_NO_HINT, 500);
        assert_int_equal(low, base_ms * 8 / 10 < 60000 ? base_ms * 8 / 10 : 60000);
        assert_int_equal(high, base_ms * 13 / 10 < 60000 ? base_ms * 13 / 10 : 60000);
        base_ms = base_ms < 60000 ? base_ms * 2 : base_ms;
    }
    for (uint64_t random = 0; random < 5000; random += 7) {
        const int64_t wait_ms = nsf_retry_wait_ms(&policy, 1, NSF_RETRY_NO_HINT, random * UINT64_C(0x9e3779b97f4a7c15));
        assert_in_range(wait_ms, 640, 1040);
    }
}

static void test_a_hint_wins(void **state)
{
    const struct nsf_retry policy = NSF_RETRY_INIT;
    assert_int_equal(nsf_retry_wait_ms(&policy, 1, 0, 1), 0);
    assert_int_equal(nsf_retry_wait_ms(&policy, 7, 10, 1), 10);
    assert_int_equal(nsf_retry_wait_ms(&policy, 1, 90000, 1), 90000);
    assert_int_equal(nsf_retry_wait_ms(&policy, 1, INT64_MAX, 1), NSF_RETRY_HINT_MAX_MS);
}

static void test_hints(void **state)
{
    static const struct {
        const char *headers;
        int64_t hint_ms;
    } cases[] = {
        {"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\n", 3000},
        {"retry-after:  0  \r\n", 0},
        {"Retry-After: 3\r\nx-ms-retry-after-ms: 250\r\n", 250},
        {"Retry-After: 3\r\nretry-after-ms: 20\r\n", 20},
        {"Retry-After: Sat, 21 Nov 2026 10:00:30 GMT\r\n", 30000},
        {"Retry-After: Sat, 21 Nov 2026 09:00:00 GMT\r\n", 0},
        {"Retry-After: soon\r\n", NSF_RETRY_NO_HINT},
        {"Retry-After: -1\r\n", NSF_RETRY_NO_HINT},
        {"Retry-After: 99999999999999999999\r\n", NSF_RETRY_NO_HINT},
        {"X-Retry-After: 3\r\n", NSF_RETRY_NO_HINT},
        {"", NSF_RETRY_NO_HINT},
    };
    int64_t now_ms;
    assert_true(nsf_time_parse(NSF_SLICE_LIT("2026-11-21T10:00:00Z"), &now_ms));
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_http_response response;
        nsf_http_response_init(&response);
        nsf_buf_add_str(&response.headers, cases[i].headers);
        const int64_t hint_ms = nsf_retry_hint_ms(&response, now_ms);
        nsf_http_response_release(&response);
        if (hint_ms != cases[i].hint_ms)
            fail_msg("%s: %lld", cases[i].headers, (long long)hint_ms);
    }
}

static void test_statuses(void **state)
{
    static const long again[] = {408, 429, 500, 502, 503, 504},
                      never[] = {200, 206, 301, 400, 401, 403, 404, 409, 412, 416, 501};
    for (size_t i = 0; i < NSF_ARRAY_LEN(again); i++)
        assert_true(nsf_retry_is_status(again[i]));
    for (size_t i = 0; i < NSF_ARRAY_LEN(never); i++)
        assert_false(nsf_retry_is_status(never[i]));
}

static void test_sleep_ends_when_told(void **state)
{
    atomic_bool is_stopped = true;
    const int64_t began = nsf_clock_monotonic_ms();
    assert_false(nsf_retry_sleep(60000, NULL, &is_stopped));
    assert_false(nsf_retry_sleep(60000, &is_stopped, NULL));
    assert_true(nsf_clock_monotonic_ms() - began < 30000);
    is_stopped = false;
    assert_true(nsf_retry_sleep(1, &is_stopped, &is_stopped));
    assert_true(nsf_retry_sleep(0, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_double_up_to_the_cap),
        cmocka_unit_test(test_a_hint_wins),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_sleep_ends_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/nsf_common.h"

#include "evidence/retries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define START INT64_C(1767225600)
#define MINUTE 60
#define HOUR 3600

static struct nsf_ip v4(uint32_t a)
{
    return nsf_ip_from_v4(a);
}

struct pattern_case {
    const char *what;
    bool expected;
    uint32_t attempts;
    int64_t seconds[16]; /* ends with -1 */
};

/* clang-format off */
static const struct pattern_case cases[] = {
    {"once", false, 1, {0, -1}},
    {"Postfix: 5, 10, 20, 40, 66 minutes", true, 7,
     {0, 5 * MINUTE, 15 * MINUTE, 35 * MINUTE, 75 * MINUTE, 141 * MINUTE, 207 * MINUTE, -1}},
    {"lines of 130 s are one attempt", false, 2, {0, 130, 3 * HOUR, -1}},
    {"lines of 131 s are two", true, 3, {0, 131, 3 * HOUR, -1}},
    {"five days", true, 4, {0, HOUR, 2 * HOUR, 120 * HOUR, -1}},
    {"just over five days", false, 3, {0, 119 * HOUR, 120 * HOUR + 1, -1}},
    {"a last try a day later", true, 5, {0, 600, 1200, 1800, 27 * HOUR, -1}},
    {"each attempt with its SYN retries", true, 3,
     {0, 1, 3, 7, 15, 31, 63, 1 * HOUR, 1 * HOUR + 1, 1 * HOUR + 3, 2 * HOUR, 2 * HOUR + 1, -1}},
    {"three in two hours", true, 3, {0, 1 * HOUR, 2 * HOUR, -1}},
    {"just under two hours", false, 3, {0, 1 * HOUR, 2 * HOUR - 1, -1}},
    {"two attempts", false, 2, {0, 3 * HOUR, -1}},
    {"every four hours and a half", true, 4, {0, 16200, 32400, 48600, -1}},
    {"every five hours", false, 4, {0, 18000, 36000, 54000, -1}},
    {"every four minutes", false, 15, {0, 240, 480, 720, 960, 1200, 1440, 1680, 1920, 2160, 2400, 2640, 2880, 3120, 9000, -1}},
    {"a scanner each week", false, 3, {0, 7 * 24 * HOUR, 14 * 24 * HOUR, -1}},
    {"a second mail after a lone try", true, 4, {0, 60 * HOUR, 61 * HOUR, 62 * HOUR, -1}},
    {"a second mail a week later", true, 3, {0, 150 * HOUR, 151 * HOUR, 152 * HOUR, -1}},
};
/* clang-format on */

static void add_line(struct nsf_attempts *attempts, int64_t ts_ms)
{
    nsf_attempts_add(attempts, (struct nsf_attempt){ts_ms, ts_ms});
}

static void patterns(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_attempts attempts = {.items = NULL};
        for (size_t k = 0; cases[i].seconds[k] >= 0; k++)
            add_line(&attempts, (START + cases[i].seconds[k]) * 1000);
        struct nsf_retry_pattern got = nsf_retry_pattern_of(&attempts);
        if (got.is_retrying != cases[i].expected || got.attempts != cases[i].attempts)
            fail_msg("%s: %d with %u attempts", cases[i].what, got.is_retrying, got.attempts);
        nsf_attempts_release(&attempts);
    }
}

/* A try every quarter of an hour with all the SYNs of Linux, in any order. */
static void syn_retries_take_no_room(void **state)
{
    static const int syns[] = {0, 1, 3, 7, 15, 31, 63};
    int64_t lines[40 * 7];
    size_t n = 0;
    for (int i = 0; i < 40; i++)
        for (size_t k = 0; k < NSF_ARRAY_LEN(syns); k++)
            lines[n++] = (START + i * 900 + syns[k]) * 1000 + 17;
    srand(3);
    for (int round = 0; round < 20; round++) {
        struct nsf_attempts attempts = {.items = NULL};
        for (size_t i = 0; i < n; i++) {
            size_t other = i + (size_t)rand() % (n - i);
            int64_t swapped = lines[i];
            lines[i] = lines[other];
            lines[other] = swapped;
            add_line(&attempts, lines[i]);
        }
        struct nsf_retry_pattern got = nsf_retry_pattern_of(&attempts);
        assert_true(got.is_retrying);
        assert_int_equal(got.attempts, 40);
        assert_int_equal(got.first_ms, START * 1000 + 17);
        assert_int_equal(got.last_ms, (START + 39 * 900) * 1000 + 17);
        assert_int_equal(got.median_gap_ms, 900000);
        nsf_attempts_release(&attempts);
    }
}

static void of_many_attempts_the_earliest_stay(void **state)
{
    struct nsf_attempts attempts = {.items = NULL};
    for (int i = 3 * NSF_RETRY_ATTEMPTS_MAX; i > 0; i--)
        add_line(&attempts, (START + i * 600) * 1000);
    add_line(&attempts, (START + 900 * 600) * 1000);
    assert_int_equal(attempts.n, NSF_RETRY_ATTEMPTS_MAX);
    assert_int_equal(attempts.items[0].from_ms, (START + 600) * 1000);
    assert_int_equal(attempts.items[attempts.n - 1].to_ms, (START + attempts.n * 600) * 1000);
    nsf_attempts_release(&attempts);
}

static void a_network_is_one_row_an_address(void **state)
{
    struct nsf_retries retries;
    nsf_retries_init(&retries);
    nsf_retries_add(&retries, v4(0x0a000009), v4(1), START * 1000);
    nsf_retries_add(&retries, v4(0x0a000003), v4(1), START * 1000 + 5000);
    nsf_retries_add(&retries, v4(0x0a000004), v4(1), START * 1000 + 5000);
    nsf_retries_add(&retries, v4(0x0a000109), v4(1), START * 1000);
    nsf_retries_add(&retries, v4(0x0a000009), v4(2), START * 1000);
    assert_int_equal(retries.n_rows, 3);
    assert_true(nsf_ip_eq(retries.rows[0].src, v4(0x0a000003)));
    assert_int_equal(retries.rows[0].attempts.n, 1);
    assert_int_equal(retries.rows[0].attempts.items[0].to_ms, START * 1000 + 5000);
    nsf_retries_release(&retries);
}

static void the_same_rows_are_kept_in_any_order(void **state)
{
    struct nsf_retries forward, backward;
    nsf_retries_init(&forward);
    nsf_retries_init(&backward);
    const uint32_t n = NSF_RETRY_ROWS_MAX * 3;
    for (uint32_t i = 0; i < n; i++) {
        nsf_retries_add(&forward, v4(i << 8), v4(1), (START + i) * 1000);
        nsf_retries_add(&backward, v4((n - 1 - i) << 8), v4(1), (START + n - 1 - i) * 1000);
    }
    assert_true(forward.n_rows <= NSF_RETRY_ROWS_MAX && forward.n_rows > NSF_RETRY_ROWS_MAX / 4);
    assert_int_equal(forward.n_rows, backward.n_rows);
    uint64_t a = 0, b = 0;
    for (uint32_t i = 0; i < forward.n_rows; i++) {
        a += forward.rows[i].src.lo * (uint64_t)(1 + forward.rows[i].attempts.items[0].from_ms);
        b += backward.rows[i].src.lo * (uint64_t)(1 + backward.rows[i].attempts.items[0].from_ms);
    }
    assert_true(a == b);
    nsf_retries_release(&forward);
    nsf_retries_release(&backward);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),
        cmocka_unit_test(syn_retries_take_no_room),
        cmocka_unit_test(of_many_attempts_the_earliest_stay),
        cmocka_unit_test(a_network_is_one_row_an_address),
        cmocka_unit_test(the_same_rows_are_kept_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

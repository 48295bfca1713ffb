#include "core/nsf_common.h"

#include "evidence/relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define START UINT32_C(1767225600)
#define DAY 86400u

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static int cmp_rows(const void *left, const void *right)
{
    const struct nsf_outbound_row *a = left, *b = right;
    return (a->second > b->second) - (a->second < b->second);
}

static int cmp_u32(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static size_t make_rows(struct nsf_outbound_row *rows, size_t n, uint32_t span, uint32_t *seed)
{
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct nsf_outbound_row){
            .second = START + next_random(seed) % span,
            .network = next_random(seed) % 40,
            .destination = next_random(seed) % 90,
            .is_message = next_random(seed) % 4 != 0,
            .is_unanswered = next_random(seed) % 2 != 0,
            .is_public = next_random(seed) % 5 != 0,
            .is_port_25 = next_random(seed) % 6 != 0,
        };
    qsort(rows, n, sizeof(*rows), cmp_rows);
    return n;
}

/* The slow way: each network, each row, each moment. */
static uint32_t networks_after(const struct nsf_outbound_row *rows, size_t n, struct nsf_u32_view times, uint32_t shift)
{
    uint32_t n_networks = 0;
    for (uint32_t network = 0; network < 40; network++) {
        bool is_hit = false;
        for (size_t i = 0; i < n; i++)
            for (uint32_t t = 0; t < times.n; t++)
                is_hit = is_hit ||
                         (rows[i].network == network && rows[i].is_message && rows[i].is_public && rows[i].is_port_25 &&
                          rows[i].second >= times.items[t] + shift && rows[i].second <= times.items[t] + shift + 300);
        n_networks += is_hit;
    }
    return n_networks;
}

static void test_pushes(void **state)
{
    (void)state;
    uint32_t seed = 1, n_pushed = 0;
    for (unsigned round = 0; round < 200; round++) {
        struct nsf_outbound_row rows[120];
        size_t n = make_rows(rows, round % 120, round % 3 == 0 ? 900 : 2 * 7200, &seed);
        struct nsf_relay *relay = nsf_relay_new(rows, n);
        struct nsf_relay_facts facts = {0};
        uint32_t most = 0, shifted = 0;
        for (unsigned s = 0; s < 12; s++) {
            uint32_t items[6], n_times = 1 + next_random(&seed) % 6;
            for (uint32_t t = 0; t < n_times; t++)
                items[t] = START - 400 + next_random(&seed) % (round % 2 == 0 ? 1500 : 15000);
            qsort(items, n_times, sizeof(*items), cmp_u32);
            struct nsf_relay_suspect suspect = {.times = {items, n_times}};
            bool is_more = nsf_relay_suspect(relay, &suspect, 1, most + 1, &facts);
            uint32_t pushed = networks_after(rows, n, suspect.times, 0);
            assert_int_equal(is_more, pushed > most);
            if (pushed > most) {
                most = pushed;
                shifted = networks_after(rows, n, suspect.times, 3600);
            }
            assert_int_equal(facts.pushed_networks, most);
            assert_int_equal(facts.shifted_networks, shifted);
        }
        n_pushed += most > 0;
        nsf_relay_free(relay);
    }
    assert_true(n_pushed > 100);
}

static void test_edges_of_a_push(void **state)
{
    (void)state;
    static const struct {
        uint32_t message_at;
        uint32_t pushed;
    } cases[] = {{START - 301, 0}, {START - 300, 1}, {START, 1}, {START + 1, 0}};
    struct nsf_outbound_row row = {.second = START, .is_message = true, .is_public = true, .is_port_25 = true};
    struct nsf_relay *relay = nsf_relay_new(&row, 1);
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_relay_facts facts = {0};
        struct nsf_relay_suspect suspect = {.times = {&cases[i].message_at, 1}};
        assert_int_equal(nsf_relay_suspect(relay, &suspect, 1, 1, &facts), cases[i].pushed);
        assert_int_equal(facts.pushed_networks, cases[i].pushed);
    }
    nsf_relay_free(relay);
}

/* Three days: 2 networks, one of them twice; 3 networks of which nobody answers; none. */
static void test_days(void **state)
{
    (void)state;
    struct nsf_outbound_row rows[7];
    for (uint32_t i = 0; i < 7; i++) {
        static const uint32_t networks[] = {1, 2, 1, 1, 2, 3, 9};
        rows[i] = (struct nsf_outbound_row){
            .second = START +
                      (i < 3   ? 0
                       : i < 6 ? DAY
                               : 2 * DAY) +
                      i,
            .network = networks[i],
            .destination = networks[i],
            .is_unanswered = i >= 3,
            .is_public = i < 6,
            .is_port_25 = true,
        };
    }
    struct nsf_relay *relay = nsf_relay_new(rows, 7);
    struct nsf_relay_facts facts = {0};
    nsf_relay_read(relay, &facts);
    assert_int_equal(facts.connections, 7);
    assert_int_equal(facts.destinations, 4);
    assert_int_equal(facts.busiest_day_networks, 3);
    assert_int_equal(facts.median_day_networks, 2);
    assert_int_equal(facts.blocked_networks, 3);
    nsf_relay_free(relay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pushes),
        cmocka_unit_test(test_edges_of_a_push),
        cmocka_unit_test(test_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

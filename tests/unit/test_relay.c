#include "core/nsf_common.h"

#include "run/relay_suspect.h"

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
    uint32_t seed = 1, n_pushed = 0, n_exact = 0;
    struct nsf_relay_scratch scratch = {.parts = NULL};
    for (unsigned round = 0; round < 200; round++) {
        struct nsf_outbound_row rows[120];
        size_t n = make_rows(rows, round % 120, round % 3 == 0 ? 900 : 2 * 7200, &seed);
        struct nsf_relay *relay = nsf_relay_new(rows, n);
        for (unsigned s = 0; s < 12; s++) {
            uint32_t items[6], n_times = 1 + next_random(&seed) % 6;
            for (uint32_t t = 0; t < n_times; t++)
                items[t] = START - 400 + next_random(&seed) % (round % 2 == 0 ? 1500 : 15000);
            qsort(items, n_times, sizeof(*items), cmp_u32);
            struct nsf_u32_view times = {items, n_times};
            uint32_t pushed = networks_after(rows, n, times, 0);
            assert_int_equal(nsf_relay_pushed(relay, times, 0, &scratch), pushed);
            assert_int_equal(nsf_relay_pushed(relay, times, 3600, &scratch), networks_after(rows, n, times, 3600));
            assert_true(nsf_relay_at_most(relay, times, &scratch) >= pushed);
            assert_true(nsf_relay_at_most(relay, times, &scratch) <= nsf_relay_networks(relay));
            n_exact += nsf_relay_at_most(relay, times, &scratch) == pushed;
            n_pushed += pushed > 0;
        }
        nsf_relay_free(relay);
    }
    nsf_relay_scratch_release(&scratch);
    assert_true(n_pushed > 1000);
    assert_true(n_exact > 500);
}

#define MANY_NETWORKS 1500u
#define MANY_ROWS 4000u

/* The same where networks are many: each moment marks those that it sees. */
static uint32_t many_networks_after(const struct nsf_outbound_row *rows, size_t n, struct nsf_u32_view times,
                                    uint32_t shift)
{
    bool is_hit[MANY_NETWORKS] = {false};
    uint32_t n_networks = 0;
    for (uint32_t t = 0; t < times.n; t++)
        for (size_t i = 0; i < n; i++)
            if (rows[i].second >= times.items[t] + shift && rows[i].second <= times.items[t] + shift + 300)
                is_hit[rows[i].network] = true;
    for (uint32_t i = 0; i < MANY_NETWORKS; i++)
        n_networks += is_hit[i];
    return n_networks;
}

/* Few pushes a network or many, in a burst or all the time, and long gaps. */
static void test_many_networks(void **state)
{
    (void)state;
    static struct nsf_outbound_row rows[MANY_ROWS];
    static const uint32_t spans[] = {200, 1000, 20000, 2000000};
    uint32_t seed = 4, n_large = 0;
    struct nsf_relay_scratch scratch = {.parts = NULL};
    for (unsigned round = 0; round < 60; round++) {
        uint32_t span = spans[round % NSF_ARRAY_LEN(spans)], n_networks = round % 3 == 0 ? 90 : MANY_NETWORKS;
        size_t n = round % 5 == 0 ? 100 : MANY_ROWS;
        for (size_t i = 0; i < n; i++)
            rows[i] = (struct nsf_outbound_row){
                .second = START + next_random(&seed) % span,
                .network = next_random(&seed) % n_networks,
                .is_message = true,
                .is_public = true,
                .is_port_25 = true,
            };
        qsort(rows, n, sizeof(*rows), cmp_rows);
        struct nsf_relay *relay = nsf_relay_new(rows, n);
        for (unsigned s = 0; s < 20; s++) {
            uint32_t items[40], n_times = 1 + next_random(&seed) % (s % 2 == 0 ? 40 : 3);
            for (uint32_t t = 0; t < n_times; t++)
                items[t] =
                    s % 3 == 0 ? rows[next_random(&seed) % n].second : START - 400 + next_random(&seed) % (span + 800);
            qsort(items, n_times, sizeof(*items), cmp_u32);
            struct nsf_u32_view times = {items, n_times};
            uint32_t pushed = many_networks_after(rows, n, times, 0);
            assert_int_equal(nsf_relay_pushed(relay, times, 0, &scratch), pushed);
            assert_int_equal(nsf_relay_pushed(relay, times, 3600, &scratch), many_networks_after(rows, n, times, 3600));
            assert_in_range(nsf_relay_at_most(relay, times, &scratch), pushed, nsf_relay_networks(relay));
            n_large += pushed > 64;
        }
        nsf_relay_free(relay);
    }
    nsf_relay_scratch_release(&scratch);
    assert_true(n_large > 100);
}

static void test_edges_of_a_push(void **state)
{
    (void)state;
    static const struct {
        uint32_t sent_at;
        uint32_t message_at;
        uint32_t pushed;
    } cases[] = {
        {START, START - 301, 0},
        {START, START - 300, 1},
        {START, START, 1},
        {START, START + 1, 0},
        {10, 0, 1},
        {10, 11, 0},
        {UINT32_MAX, UINT32_MAX, 1},
        {UINT32_MAX, UINT32_MAX - 300, 1},
        {UINT32_MAX, UINT32_MAX - 301, 0},
    };
    struct nsf_relay_scratch scratch = {.parts = NULL};
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_outbound_row row = {
            .second = cases[i].sent_at, .is_message = true, .is_public = true, .is_port_25 = true};
        struct nsf_relay *relay = nsf_relay_new(&row, 1);
        struct nsf_u32_view times = {&cases[i].message_at, 1};
        assert_int_equal(nsf_relay_pushed(relay, times, 0, &scratch), cases[i].pushed);
        assert_true(nsf_relay_at_most(relay, times, &scratch) >= cases[i].pushed);
        nsf_relay_free(relay);
    }
    nsf_relay_scratch_release(&scratch);
}

/* One far from the others: stretches are as wide as that needs. */
static void test_far_apart(void **state)
{
    (void)state;
    struct nsf_outbound_row rows[200];
    uint32_t seed = 9;
    struct nsf_relay_scratch scratch = {.parts = NULL};
    size_t n = make_rows(rows, NSF_ARRAY_LEN(rows) - 1, 2000, &seed);
    rows[n++] = (struct nsf_outbound_row){
        .second = UINT32_MAX, .network = 3, .is_message = true, .is_public = true, .is_port_25 = true};
    struct nsf_relay *relay = nsf_relay_new(rows, n);
    for (uint32_t second = START - 400; second < START + 2100; second += 37) {
        struct nsf_u32_view times = {&second, 1};
        assert_int_equal(nsf_relay_pushed(relay, times, 0, &scratch), networks_after(rows, n, times, 0));
    }
    nsf_relay_scratch_release(&scratch);
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

/* ---- machines: what they send, and what they are ---- */

/* On day 1 mail goes to `n_pushed` networks, `n_late` of them only behind the 300 s that follow the message of a source
 * that nobody knows; `n_shifted` get mail an hour later; on each of `n_quiet_days` other days `n_quiet` networks do.
 * `n_silent` more networks on day 9, of which `silent_percent` never answer. */
struct machine {
    const char *what;
    enum nsf_relay_state expected;
    uint32_t n_pushed, n_late, n_shifted;
    uint32_t n_quiet_days, n_quiet;
    uint32_t n_silent, silent_percent;
    uint32_t n_fixed;        /* connections each to so many destinations, all through */
    bool is_submission_only; /* all of it to port 587 */
    bool is_inside;          /* all of it inside the network */
    bool is_no_mail;         /* connections without a message */
};

/* clang-format off */
static const struct machine machines[] = {
    {"sends nothing", NSF_RELAY_NO_OUTBOUND, 0, 0, 0, 0, 0, 0, 0, 0, false, false, false},
    {"submits its mail to a provider", NSF_RELAY_NO_OUTBOUND, 0, 0, 0, 0, 0, 0, 0, 5, true, false, false},
    {"one smart host", NSF_RELAY_TO_FIXED, 0, 0, 0, 0, 0, 0, 0, 1, false, false, false},
    {"five smart hosts", NSF_RELAY_TO_FIXED, 0, 0, 0, 0, 0, 0, 0, 5, false, false, false},
    {"six destinations", NSF_RELAY_SENDS_AND_RECEIVES, 0, 0, 0, 0, 0, 0, 0, 6, false, false, false},
    {"an honest server that is as busy every day", NSF_RELAY_SENDS_AND_RECEIVES, 25, 0, 25, 9, 25, 0, 0, 0, false, false, false},
    {"an open relay", NSF_RELAY_OPEN_RELAY_LIKELY, 60, 0, 0, 0, 0, 0, 0, 0, false, false, false},
    {"an open relay on an honest server", NSF_RELAY_OPEN_RELAY_LIKELY, 60, 0, 3, 9, 5, 0, 0, 0, false, false, false},
    {"twenty networks", NSF_RELAY_OPEN_RELAY_LIKELY, 20, 0, 0, 0, 0, 0, 0, 0, false, false, false},
    {"nineteen", NSF_RELAY_SENDS_AND_RECEIVES, 19, 0, 0, 0, 0, 0, 0, 0, false, false, false},
    {"twenty, one of them too late", NSF_RELAY_SENDS_AND_RECEIVES, 20, 1, 0, 0, 0, 0, 0, 0, false, false, false},
    {"twenty without a message", NSF_RELAY_SENDS_AND_RECEIVES, 20, 0, 0, 0, 0, 0, 0, 0, false, false, true},
    {"sixty inside the network", NSF_RELAY_SENDS_AND_RECEIVES, 60, 0, 0, 0, 0, 0, 0, 0, false, true, false},
    {"three times an hour later", NSF_RELAY_OPEN_RELAY_LIKELY, 21, 0, 7, 0, 0, 0, 0, 0, false, false, false},
    {"less than three times", NSF_RELAY_SENDS_AND_RECEIVES, 20, 0, 7, 0, 0, 0, 0, 0, false, false, false},
    {"other days with less than half", NSF_RELAY_OPEN_RELAY_LIKELY, 20, 0, 0, 9, 9, 0, 0, 0, false, false, false},
    {"other days with half", NSF_RELAY_SENDS_AND_RECEIVES, 20, 0, 0, 9, 10, 0, 0, 0, false, false, false},
    {"spam that is held back", NSF_RELAY_SPAM_BLOCKED, 0, 0, 0, 0, 0, 100, 100, 0, false, false, false},
    {"twenty networks and four in five silent", NSF_RELAY_SPAM_BLOCKED, 0, 0, 0, 0, 0, 20, 80, 0, false, false, false},
    {"nineteen networks", NSF_RELAY_SENDS_AND_RECEIVES, 0, 0, 0, 0, 0, 19, 100, 0, false, false, false},
    {"less than four in five", NSF_RELAY_SENDS_AND_RECEIVES, 0, 0, 0, 0, 0, 100, 79, 0, false, false, false},
    {"silent inside the network", NSF_RELAY_SENDS_AND_RECEIVES, 0, 0, 0, 0, 0, 100, 100, 0, false, true, false},
    {"both: the relay is named", NSF_RELAY_OPEN_RELAY_LIKELY, 20, 0, 0, 0, 0, 100, 100, 0, false, false, false},
};
/* clang-format on */

static void send_to(struct nsf_outbound_row *rows, size_t *n, const struct machine *machine, uint32_t second,
                    uint32_t network, bool is_silent)
{
    rows[(*n)++] = (struct nsf_outbound_row){
        .second = second,
        .network = network,
        .destination = network << 8,
        .is_message = !machine->is_no_mail && !is_silent,
        .is_unanswered = is_silent,
        .is_public = !machine->is_inside,
        .is_port_25 = !machine->is_submission_only,
    };
}

static size_t make_machine(const struct machine *machine, uint32_t message_at, struct nsf_outbound_row *rows)
{
    size_t n = 0;
    for (uint32_t i = 0; i < machine->n_pushed; i++)
        send_to(rows, &n, machine, message_at + (i < machine->n_late ? 301 : i % 301), i, false);
    for (uint32_t i = 0; i < machine->n_shifted; i++)
        send_to(rows, &n, machine, message_at + 3600 + i, i, false);
    for (uint32_t day = 0; day < machine->n_quiet_days; day++)
        for (uint32_t i = 0; i < machine->n_quiet; i++)
            send_to(rows, &n, machine, message_at + (day + 1) * DAY + i, i, false);
    for (uint32_t i = 0; i < machine->n_silent; i++)
        send_to(rows, &n, machine, message_at + 9 * DAY + i, 1000 + i,
                i * 100 < machine->silent_percent * machine->n_silent);
    for (uint32_t i = 0; i < 10 * machine->n_fixed; i++)
        send_to(rows, &n, machine, message_at + i * 4000, i % machine->n_fixed, false);
    qsort(rows, n, sizeof(*rows), cmp_rows);
    return n;
}

static void test_machines(void **state)
{
    (void)state;
    for (size_t i = 0; i < NSF_ARRAY_LEN(machines); i++) {
        struct nsf_outbound_row rows[600];
        uint32_t message_at = START + 5000, day = (START / DAY) << 16 | 1;
        struct nsf_relay_suspect suspect = {.days = {&day, 1}, .times = {&message_at, 1}};
        struct nsf_relay *relay = nsf_relay_new(rows, make_machine(&machines[i], message_at, rows));
        struct nsf_relay_weighed weighed;
        struct nsf_relay_scratch scratch = {.parts = NULL};
        nsf_relay_weigh_begin(&weighed, relay, true);
        nsf_relay_weigh(&weighed, &suspect, machines[i].n_quiet_days + 1, &scratch);
        nsf_relay_scratch_release(&scratch);
        enum nsf_relay_state got = nsf_relay_state_of(&weighed.facts);
        if (got != machines[i].expected)
            fail_msg("%s: %s", machines[i].what, nsf_relay_state_name(got));
        nsf_relay_free(relay);
    }
}

/* ---- several sources ---- */

struct told {
    uint32_t pushed;
    uint32_t shifted;
    uint32_t source; /* 0: nobody */
    bool is_relaying;
};

/* The slow way: all of each source, then the first of the worst. */
static void tell_slowly(const struct nsf_outbound_row *rows, size_t n, struct nsf_u32_view times, uint32_t source,
                        struct told *worst)
{
    struct told told = {networks_after(rows, n, times, 0), networks_after(rows, n, times, 3600), source, false};
    told.is_relaying = told.pushed >= 20 && told.pushed >= 3 * told.shifted;
    if (told.is_relaying > worst->is_relaying ||
        (told.is_relaying == worst->is_relaying && told.pushed > worst->pushed))
        *worst = told;
}

static void test_worst_of_many(void **state)
{
    (void)state;
    uint32_t seed = 5, n_relaying = 0, n_other = 0;
    struct nsf_relay_scratch scratch = {.parts = NULL};
    for (unsigned round = 0; round < 150; round++) {
        struct nsf_outbound_row rows[160];
        size_t n = make_rows(rows, NSF_ARRAY_LEN(rows), round % 3 == 0 ? 1500 : 9000, &seed);
        struct nsf_relay *relay = nsf_relay_new(rows, n);
        struct nsf_relay_weighed weighed, parts[2]; /* those of the first sources, and of the others */
        uint32_t n_first = next_random(&seed) % 31;
        struct told worst = {0};
        bool is_open_end = true;
        nsf_relay_weigh_begin(&weighed, relay, true);
        parts[0] = parts[1] = weighed;
        for (uint32_t s = 1; s <= 30; s++) {
            uint32_t items[20], n_times = 1 + next_random(&seed) % NSF_ARRAY_LEN(items);
            for (uint32_t t = 0; t < n_times; t++)
                items[t] = START - 400 + next_random(&seed) % 9000;
            qsort(items, n_times, sizeof(*items), cmp_u32);
            struct nsf_relay_suspect suspect = {.address = nsf_ip_from_v4(s), .times = {items, n_times}};
            tell_slowly(rows, n, suspect.times, s, &worst);
            nsf_relay_weigh(&weighed, &suspect, 0, &scratch);
            nsf_relay_weigh(&parts[s > n_first], &suspect, 0, &scratch);
            assert_int_equal(weighed.facts.pushed_networks, worst.pushed);
            assert_int_equal(weighed.facts.shifted_networks, worst.shifted);
            assert_true(worst.source == 0 || nsf_ip_eq(weighed.pusher, nsf_ip_from_v4(worst.source)));
            /* Behind a closed end nothing changes any more. */
            assert_true(is_open_end || worst.source != s);
            is_open_end = nsf_relay_is_open_end(&weighed);
        }
        nsf_relay_weigh_join(&parts[0], &parts[1]);
        assert_int_equal(parts[0].facts.pushed_networks, worst.pushed);
        assert_true(nsf_ip_eq(parts[0].pusher, weighed.pusher));
        n_relaying += worst.is_relaying;
        n_other += !worst.is_relaying;
        nsf_relay_free(relay);
    }
    nsf_relay_scratch_release(&scratch);
    assert_true(n_relaying > 20);
    assert_true(n_other > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pushes),          cmocka_unit_test(test_many_networks),
        cmocka_unit_test(test_edges_of_a_push), cmocka_unit_test(test_days),
        cmocka_unit_test(test_far_apart),       cmocka_unit_test(test_machines),
        cmocka_unit_test(test_worst_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/nsf_common.h"

#include "evidence/traits.h"

#include "core/clock.h"
#include "core/mem.h"
#include "support/nsf_test.h"
#include "support/traits_same.h"

#define START_MS INT64_C(1767225600000) /* 2026-01-01 */
#define MANY 600

struct seen {
    enum nsf_connection_class class_;
    int64_t ts_ms;
    uint16_t port;
    uint16_t nic;
};

static void add(struct nsf_traits **row, const struct seen *seen)
{
    nsf_traits_add(row, &(struct nsf_trait_note){nsf_trait_seconds(seen->ts_ms), seen->port, seen->nic, seen->class_});
}

static void add_one(struct nsf_traits **row, enum nsf_connection_class class_, int64_t ts_ms, uint16_t port)
{
    add(row, &(struct seen){class_, ts_ms, port, 0});
}

static void shuffle(struct seen *seen, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t at = (size_t)rand() % i;
        struct seen swapped = seen[i - 1];
        seen[i - 1] = seen[at];
        seen[at] = swapped;
    }
}

static size_t random_connections(struct seen *seen)
{
    size_t n = 1 + (size_t)(rand() % MANY);
    int64_t span = rand() % 2 == 0 ? 40 * NSF_MS_PER_DAY : 3 * NSF_MS_PER_DAY;
    unsigned classes = 1 + (unsigned)rand() % NSF_CLASSES;
    int nics = 1 + rand() % 5, rate = rand() % 3 == 0 ? 7200 : 1; /* many in one second, on several NICs, or few */
    for (size_t i = 0; i < n; i++)
        seen[i] = (struct seen){
            .class_ = (enum nsf_connection_class)((unsigned)rand() % classes),
            .ts_ms = START_MS + (int64_t)rand() % span / (rate * NSF_MS_PER_SECOND) * (rate * NSF_MS_PER_SECOND),
            .port = (uint16_t)(rand() % (rand() % 2 == 0 ? 3 : 60000)),
            .nic = (uint16_t)(nics > 4 ? rand() % (int)NSF_TRAIT_NICS : rand() % nics),
        };
    return n;
}

static void neither_order_nor_partition_matters(void **state)
{
    srand(5);
    for (int round = 0; round < 400; round++) {
        struct seen seen[MANY];
        size_t n = random_connections(seen), cut = (size_t)rand() % (n + 1);
        struct nsf_traits *forward = NULL, *shuffled = NULL, *halves = NULL, *half = NULL;
        for (size_t i = 0; i < n; i++)
            add(&forward, &seen[i]);
        shuffle(seen, n);
        for (size_t i = 0; i < n; i++) {
            add(&shuffled, &seen[i]);
            add(i < cut ? &halves : &half, &seen[i]);
        }
        nsf_traits_merge(&halves, half);
        assert_same_traits(forward, shuffled);
        assert_same_traits(forward, halves);
        struct nsf_traits *rows[] = {forward, shuffled, halves, half};
        for (size_t i = 0; i < NSF_ARRAY_LEN(rows); i++)
            nsf_free(rows[i]);
    }
}

/* ---- mail by NIC, told one by one ---- */

static uint64_t second_and_mark(const struct seen *seen)
{
    return (uint64_t)nsf_trait_seconds(seen->ts_ms) << 32 |
           NSF_TRAIT_MARK(seen->nic, seen->class_ == NSF_CLASS_MESSAGE);
}

static bool is_timed(const struct seen *seen)
{
    return seen->class_ == NSF_CLASS_MESSAGE || seen->class_ == NSF_CLASS_UNKNOWN;
}

/* How many different seconds, or seconds and marks, come before those of a connection. */
static uint32_t count_before(const struct seen *seen, size_t n, const struct seen *of, unsigned shift)
{
    uint32_t n_before = 0;
    for (size_t i = 0; i < n; i++) {
        bool is_new = is_timed(&seen[i]) && second_and_mark(&seen[i]) >> shift < second_and_mark(of) >> shift;
        for (size_t k = 0; k < i && is_new; k++)
            is_new = !is_timed(&seen[k]) || second_and_mark(&seen[k]) >> shift != second_and_mark(&seen[i]) >> shift;
        n_before += is_new;
    }
    return n_before;
}

/* What is kept of the times of mail stands at its place, and on the right day of the right NIC. */
static void assert_mail_by_nic(const struct nsf_traits *row, const struct seen *seen, size_t n)
{
    struct nsf_u32_view times = nsf_traits_list(row, NSF_TRAIT_TIMES), marks = nsf_traits_list(row, NSF_TRAIT_MARKS);
    struct nsf_u32_view nic_days = nsf_traits_list(row, NSF_TRAIT_NIC_DAYS);
    uint32_t n_kept = 0;
    bool is_many = false;
    for (size_t i = 0; i < n; i++) {
        uint32_t at = count_before(seen, n, &seen[i], 0), day = nsf_trait_seconds(seen[i].ts_ms) / 86400, k = 0;
        bool is_kept =
            is_timed(&seen[i]) && at < NSF_TRAIT_MARKS_MAX && count_before(seen, n, &seen[i], 32) < NSF_TRAIT_TIMES_MAX;
        assert_true(!is_kept || ((uint64_t)times.items[at] << 32 | marks.items[at]) == second_and_mark(&seen[i]));
        n_kept = is_kept && at >= n_kept ? at + 1 : n_kept;
        if (seen[i].class_ != NSF_CLASS_MESSAGE)
            continue;
        is_many |= row->mail_nic == NSF_TRAIT_NIC_MANY;
        assert_true(is_many || row->mail_nic == seen[i].nic + 1);
        while (k < nic_days.n && nic_days.items[k] != (day << 16 | seen[i].nic))
            k++;
        assert_true(!is_many || k < nic_days.n);
    }
    assert_int_equal(times.n, n_kept);
    assert_int_equal(marks.n, n_kept);
    assert_true(is_many || nic_days.n == 0);
}

static void mail_is_known_by_nic(void **state)
{
    uint32_t n_many = 0, n_full = 0;
    srand(7);
    for (int round = 0; round < 60; round++) {
        struct seen seen[MANY];
        size_t n = random_connections(seen);
        struct nsf_traits *row = NULL;
        for (size_t i = 0; i < n; i++)
            add(&row, &seen[i]);
        assert_mail_by_nic(row, seen, n);
        n_many += row->mail_nic == NSF_TRAIT_NIC_MANY;
        n_full += nsf_traits_lack_times(row);
        nsf_free(row);
    }
    assert_true(n_many > 20);
    assert_true(n_full > 20);
    (void)state;
}

/* How many connections without mail have no message within six hours, told one by one; at most what counts. */
static uint32_t lonely_one_by_one(const struct seen *seen, size_t n, int64_t slack_ms)
{
    uint32_t lonely = 0;
    for (size_t i = 0; i < n; i++) {
        enum nsf_connection_class c = seen[i].class_;
        bool is_near = c != NSF_CLASS_NO_REPLY && c != NSF_CLASS_TOUCH && c != NSF_CLASS_DIALOG;
        for (size_t j = 0; j < n && !is_near; j++) {
            int64_t gap = seen[j].ts_ms - seen[i].ts_ms;
            is_near = seen[j].class_ == NSF_CLASS_MESSAGE && (gap < 0 ? -gap : gap) <= 6 * NSF_MS_PER_HOUR + slack_ms;
        }
        lonely += !is_near;
    }
    return lonely < NSF_TRAIT_LONELY_MAX ? lonely : NSF_TRAIT_LONELY_MAX;
}

static void lonely_connections_are_those_far_from_mail(void **state)
{
    srand(6);
    int n_excused = 0;
    for (int round = 0; round < 600; round++) {
        struct seen seen[NSF_TRAIT_NEGATIVES_MAX];
        size_t n = 1 + (size_t)rand() % (round % 2 == 0 ? 24 : NSF_TRAIT_NEGATIVES_MAX);
        for (size_t i = 0; i < n; i++)
            seen[i] = (struct seen){(enum nsf_connection_class)(1 + rand() % 6),
                                    START_MS + (int64_t)rand() % (9 * NSF_MS_PER_DAY), 0, 0};
        struct nsf_traits *row = NULL;
        for (size_t i = 0; i < n; i++)
            add(&row, &seen[i]);
        bool has_excused = false;
        uint32_t lonely = nsf_traits_lonely(row, nsf_traits_list(row, NSF_TRAIT_RUNS), &has_excused);
        n_excused += has_excused;
        assert_true(lonely <= lonely_one_by_one(seen, n, -1000)); /* exact to the second */
        assert_true(lonely >= lonely_one_by_one(seen, n, 999));
        nsf_free(row);
    }
    assert_true(n_excused > 50);
}

static void six_hours_are_six_hours(void **state)
{
    static const struct {
        int64_t beside_ms;
        uint32_t lonely;
    } cases[] = {{0, 0}, {6 * NSF_MS_PER_HOUR, 0}, {6 * NSF_MS_PER_HOUR + 1000, 1}, {6 * NSF_MS_PER_HOUR - 1000, 0}};
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++)
        for (int sign = -1; sign <= 1; sign += 2) {
            struct nsf_traits *row = NULL;
            bool has_excused = false;
            add_one(&row, NSF_CLASS_MESSAGE, START_MS, 1);
            add_one(&row, NSF_CLASS_TOUCH, START_MS + sign * cases[i].beside_ms, 2);
            assert_int_equal(nsf_traits_lonely(row, nsf_traits_list(row, NSF_TRAIT_RUNS), &has_excused),
                             cases[i].lonely);
            assert_int_equal(has_excused, cases[i].lonely == 0);
            nsf_free(row);
        }
}

static void a_fixed_port_is_found_among_fifteen_others(void **state)
{
    for (uint32_t fixed = 1; fixed < 65536; fixed += 997) {
        struct nsf_traits *row = NULL;
        for (uint32_t i = 1; i < NSF_TRAIT_PORTS_MAX; i++)
            add_one(&row, NSF_CLASS_TOUCH, START_MS, (uint16_t)(fixed + i * 4001));
        for (int day = 0; day < 3; day++)
            add_one(&row, NSF_CLASS_TOUCH, START_MS + day * NSF_MS_PER_DAY, (uint16_t)fixed);
        assert_true(nsf_traits_has_fixed_port(row));
        nsf_free(row);
    }
}

static void many_lonely_connections_stay_lonely(void **state)
{
    struct nsf_traits *row = NULL;
    for (int i = 0; i < 5000; i++)
        add_one(&row, NSF_CLASS_TOUCH, START_MS + i * NSF_MS_PER_HOUR, (uint16_t)i);
    assert_true(row->n[NSF_TRAIT_NEGATIVES] <= NSF_TRAIT_NEGATIVES_MAX);
    bool has_excused = false;
    uint32_t second = nsf_trait_seconds(START_MS + 100 * NSF_MS_PER_DAY);
    uint32_t items[] = {second, second};
    struct nsf_u32_view runs = {items, 2};
    assert_int_equal(nsf_traits_lonely(row, runs, &has_excused), NSF_TRAIT_LONELY_MAX);
    assert_true(has_excused);
    assert_false(nsf_traits_has_fixed_port(row));
    nsf_free(row);
}

static void a_fixed_port_is_one_port_on_three_days(void **state)
{
    static const struct {
        int n;
        int64_t days[5];
        uint16_t ports[5];
        bool expected;
    } cases[] = {
        {3, {0, 1, 2}, {40000, 40000, 40000}, true},  {3, {0, 0, 1}, {40000, 40000, 40000}, false},
        {3, {0, 1, 2}, {40000, 40000, 40001}, false}, {5, {0, 1, 1, 2, 5}, {7, 40000, 40000, 40000, 40000}, true},
        {2, {0, 1}, {40000, 40000}, false},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_traits *row = NULL;
        for (int k = 0; k < cases[i].n; k++)
            add_one(&row, NSF_CLASS_TOUCH, START_MS + cases[i].days[k] * NSF_MS_PER_DAY, cases[i].ports[k]);
        if (nsf_traits_has_fixed_port(row) != cases[i].expected)
            fail_msg("case %zu", i);
        nsf_free(row);
    }
}

static void days_and_times(void **state)
{
    struct nsf_traits *row = NULL;
    for (int i = 0; i < 5; i++)
        add_one(&row, NSF_CLASS_GUESSING, START_MS + i, 1);
    add_one(&row, NSF_CLASS_GUESSING, START_MS + NSF_MS_PER_DAY, 1);
    add_one(&row, NSF_CLASS_MESSAGE, START_MS + NSF_MS_PER_DAY, 1);
    add_one(&row, NSF_CLASS_MESSAGE, START_MS + NSF_MS_PER_DAY + 13 * NSF_MS_PER_HOUR, 1);
    assert_int_equal(nsf_traits_worst_guessing(row), 5);
    assert_int_equal(nsf_traits_busiest_day(row), 0); /* those had counters */
    for (int i = 0; i < 5; i++)
        add_one(&row, NSF_CLASS_UNKNOWN, START_MS + NSF_MS_PER_DAY + i, 1);
    add_one(&row, NSF_CLASS_UNKNOWN, START_MS, 1);
    assert_int_equal(nsf_traits_busiest_day(row), 5);
    assert_int_equal(row->n[NSF_TRAIT_MESSAGE_DAYS], 1);
    struct nsf_u32_view days = nsf_traits_list(row, NSF_TRAIT_MESSAGE_DAYS);
    assert_int_equal(days.items == NULL ? 0 : days.items[0] & 0xffff, 2);
    assert_int_equal(row->n[NSF_TRAIT_RUNS], 4); /* thirteen hours apart: two runs */
    add_one(&row, NSF_CLASS_MESSAGE, START_MS + NSF_MS_PER_DAY + 12 * NSF_MS_PER_HOUR, 1);
    assert_int_equal(row->n[NSF_TRAIT_RUNS], 2);
    for (int i = 0; i < 4; i++)
        add_one(&row, NSF_CLASS_UNKNOWN, START_MS + i * NSF_MS_PER_DAY, 1);
    assert_int_equal(nsf_traits_busiest_day(row), 0);
    nsf_free(row);
}

static void stamps_outside_of_time_are_taken_for_its_ends(void **state)
{
    assert_int_equal(nsf_trait_seconds(-5), 0);
    assert_int_equal(nsf_trait_seconds(INT64_MAX), UINT32_MAX);
    struct nsf_traits *row = NULL;
    static const int64_t stamps[] = {INT64_MAX, -9, 0, START_MS, INT64_MAX - 1};
    for (size_t i = 0; i < NSF_ARRAY_LEN(stamps); i++)
        for (int c = 0; c < NSF_CLASSES; c++)
            add_one(&row, (enum nsf_connection_class)c, stamps[i], 1);
    bool has_excused = false;
    assert_int_equal(nsf_traits_lonely(row, nsf_traits_list(row, NSF_TRAIT_RUNS), &has_excused), 0);
    nsf_free(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neither_order_nor_partition_matters),
        cmocka_unit_test(mail_is_known_by_nic),
        cmocka_unit_test(lonely_connections_are_those_far_from_mail),
        cmocka_unit_test(six_hours_are_six_hours),
        cmocka_unit_test(a_fixed_port_is_found_among_fifteen_others),
        cmocka_unit_test(many_lonely_connections_stay_lonely),
        cmocka_unit_test(a_fixed_port_is_one_port_on_three_days),
        cmocka_unit_test(days_and_times),
        cmocka_unit_test(stamps_outside_of_time_are_taken_for_its_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

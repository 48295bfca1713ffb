#include "core/nsf_common.h"

#include "evidence/traits.h"

#include "core/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define START_MS INT64_C(1767225600000) /* 2026-01-01 */
#define MANY 200

struct seen {
    enum nsf_connection_class class_;
    int64_t ts_ms;
    uint16_t port;
};

static void add(struct nsf_trait_row *row, const struct seen *seen)
{
    nsf_trait_row_add(row, seen->class_, seen->ts_ms, seen->port);
}

static void assert_same_list(const struct nsf_u32s *a, const struct nsf_u32s *b)
{
    assert_int_equal(a->n, b->n);
    if (a->n > 0)
        assert_memory_equal(a->items, b->items, a->n * sizeof(*a->items));
}

static void assert_same(const struct nsf_trait_row *a, const struct nsf_trait_row *b)
{
    assert_int_equal(a->shift, b->shift);
    assert_same_list(&a->negatives, &b->negatives);
    assert_int_equal(a->n_ambiguous_days, b->n_ambiguous_days);
    assert_memory_equal(a->ambiguous_days, b->ambiguous_days, a->n_ambiguous_days * sizeof(uint16_t));
    assert_int_equal(a->n_dialog_days, b->n_dialog_days);
    assert_memory_equal(a->dialog_days, b->dialog_days, a->n_dialog_days * sizeof(uint16_t));
    assert_int_equal(nsf_trait_has_fixed_port(a), nsf_trait_has_fixed_port(b));
    assert_int_equal(nsf_trait_worst_guessing(a), nsf_trait_worst_guessing(b));
    assert_int_equal(nsf_trait_busiest_day(a), nsf_trait_busiest_day(b));
    assert_int_equal(a->mail == NULL, b->mail == NULL);
    if (a->mail == NULL)
        return;
    assert_same_list(&a->mail->runs, &b->mail->runs);
    assert_same_list(&a->mail->message_days, &b->mail->message_days);
    assert_same_list(&a->mail->guess_days, &b->mail->guess_days);
    assert_same_list(&a->mail->times, &b->mail->times);
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
    for (size_t i = 0; i < n; i++)
        seen[i] = (struct seen){
            .class_ = (enum nsf_connection_class)((unsigned)rand() % classes),
            .ts_ms = START_MS + (int64_t)rand() % span,
            .port = (uint16_t)(rand() % (rand() % 2 == 0 ? 3 : 60000)),
        };
    return n;
}

static void neither_order_nor_partition_matters(void **state)
{
    srand(5);
    for (int round = 0; round < 400; round++) {
        struct seen seen[MANY];
        size_t n = random_connections(seen), cut = (size_t)rand() % (n + 1);
        struct nsf_trait_row forward, shuffled, halves, half;
        nsf_trait_row_init(&forward);
        nsf_trait_row_init(&shuffled);
        nsf_trait_row_init(&halves);
        nsf_trait_row_init(&half);
        for (size_t i = 0; i < n; i++)
            add(&forward, &seen[i]);
        shuffle(seen, n);
        for (size_t i = 0; i < n; i++) {
            add(&shuffled, &seen[i]);
            add(i < cut ? &halves : &half, &seen[i]);
        }
        nsf_trait_row_merge(&halves, &half);
        assert_same(&forward, &shuffled);
        assert_same(&forward, &halves);
        struct nsf_trait_row *rows[] = {&forward, &shuffled, &halves, &half};
        for (size_t i = 0; i < NSF_ARRAY_LEN(rows); i++)
            nsf_trait_row_release(rows[i]);
    }
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
        struct seen seen[24];
        size_t n = 1 + (size_t)(rand() % 24);
        for (size_t i = 0; i < n; i++)
            seen[i] = (struct seen){(enum nsf_connection_class)(1 + rand() % 6),
                                    START_MS + (int64_t)rand() % (9 * NSF_MS_PER_DAY), 0};
        struct nsf_trait_row row;
        nsf_trait_row_init(&row);
        for (size_t i = 0; i < n; i++)
            add(&row, &seen[i]);
        struct nsf_u32s none = {0};
        bool has_excused = false;
        uint32_t lonely = nsf_trait_lonely(&row, row.mail == NULL ? &none : &row.mail->runs, &has_excused);
        n_excused += has_excused;
        /* a few times fit at eight seconds each, so the answer is exact but for that */
        assert_true(lonely <= lonely_one_by_one(seen, n, -9000));
        assert_true(lonely >= lonely_one_by_one(seen, n, 9000));
        nsf_trait_row_release(&row);
    }
    assert_true(n_excused > 50);
}

static void many_lonely_connections_stay_lonely(void **state)
{
    struct nsf_trait_row row;
    nsf_trait_row_init(&row);
    for (int i = 0; i < 5000; i++)
        nsf_trait_row_add(&row, NSF_CLASS_TOUCH, START_MS + i * NSF_MS_PER_HOUR, (uint16_t)i);
    assert_true(row.negatives.n <= NSF_TRAIT_NEGATIVES_MAX);
    bool has_excused = false;
    uint32_t second = nsf_trait_seconds(START_MS + 100 * NSF_MS_PER_DAY);
    uint32_t items[] = {second, second};
    struct nsf_u32s runs = {items, 2, 2};
    assert_int_equal(nsf_trait_lonely(&row, &runs, &has_excused), NSF_TRAIT_LONELY_MAX);
    assert_true(has_excused);
    assert_false(nsf_trait_has_fixed_port(&row));
    nsf_trait_row_release(&row);
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
        struct nsf_trait_row row;
        nsf_trait_row_init(&row);
        for (int k = 0; k < cases[i].n; k++)
            nsf_trait_row_add(&row, NSF_CLASS_TOUCH, START_MS + cases[i].days[k] * NSF_MS_PER_DAY, cases[i].ports[k]);
        if (nsf_trait_has_fixed_port(&row) != cases[i].expected)
            fail_msg("case %zu", i);
        nsf_trait_row_release(&row);
    }
}

static void days_and_times(void **state)
{
    struct nsf_trait_row row;
    nsf_trait_row_init(&row);
    for (int i = 0; i < 5; i++)
        nsf_trait_row_add(&row, NSF_CLASS_GUESSING, START_MS + i, 1);
    nsf_trait_row_add(&row, NSF_CLASS_GUESSING, START_MS + NSF_MS_PER_DAY, 1);
    nsf_trait_row_add(&row, NSF_CLASS_MESSAGE, START_MS + NSF_MS_PER_DAY, 1);
    nsf_trait_row_add(&row, NSF_CLASS_MESSAGE, START_MS + NSF_MS_PER_DAY + 13 * NSF_MS_PER_HOUR, 1);
    assert_int_equal(nsf_trait_worst_guessing(&row), 5);
    assert_int_equal(nsf_trait_busiest_day(&row), 5);
    assert_int_equal(row.mail->message_days.n, 1);
    assert_int_equal(row.mail->message_days.items[0] & 0xffff, 2);
    assert_int_equal(row.mail->runs.n, 4); /* thirteen hours apart: two runs */
    nsf_trait_row_add(&row, NSF_CLASS_MESSAGE, START_MS + NSF_MS_PER_DAY + 12 * NSF_MS_PER_HOUR, 1);
    assert_int_equal(row.mail->runs.n, 2);
    for (int i = 0; i < 4; i++)
        nsf_trait_row_add(&row, NSF_CLASS_TOUCH, START_MS + i * NSF_MS_PER_DAY, 1);
    assert_int_equal(nsf_trait_busiest_day(&row), 0);
    nsf_trait_row_release(&row);
}

static void stamps_outside_of_time_are_taken_for_its_ends(void **state)
{
    assert_int_equal(nsf_trait_seconds(-5), 0);
    assert_int_equal(nsf_trait_seconds(INT64_MAX), UINT32_MAX);
    assert_int_equal(nsf_trait_day(-1), 0);
    assert_int_equal(nsf_trait_day(INT64_MAX), UINT16_MAX);
    struct nsf_trait_row row;
    nsf_trait_row_init(&row);
    static const int64_t stamps[] = {INT64_MAX, -9, 0, START_MS, INT64_MAX - 1};
    for (size_t i = 0; i < NSF_ARRAY_LEN(stamps); i++)
        for (int c = 0; c < NSF_CLASSES; c++)
            nsf_trait_row_add(&row, (enum nsf_connection_class)c, stamps[i], 1);
    bool has_excused = false;
    assert_int_equal(nsf_trait_lonely(&row, &row.mail->runs, &has_excused), 0);
    nsf_trait_row_release(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neither_order_nor_partition_matters),
        cmocka_unit_test(lonely_connections_are_those_far_from_mail),
        cmocka_unit_test(many_lonely_connections_stay_lonely),
        cmocka_unit_test(a_fixed_port_is_one_port_on_three_days),
        cmocka_unit_test(days_and_times),
        cmocka_unit_test(stamps_outside_of_time_are_taken_for_its_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

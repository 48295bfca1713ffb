#include "core/nsf_common.h"

#include "run/destination_lists.h"

#include "support/nsf_test.h"

#define N_LISTS 4000u

/* Lists of all lengths, some of which begin alike. */
static uint8_t make_list(uint32_t number, struct nsf_ip *items)
{
    uint8_t n = (uint8_t)(number % 17);
    for (uint8_t i = 0; i < n; i++)
        items[i] = number % 5 == 0 ? (struct nsf_ip){number, i} : nsf_ip_from_v4(i + number / 100);
    return n;
}

static void test_each_list_is_told_as_it_was_added(void **state)
{
    (void)state;
    struct nsf_destination_lists lists = {.items = NULL};
    uint32_t numbers[2 * N_LISTS];
    struct nsf_ip items[17];
    const struct nsf_ip *told;
    for (uint32_t i = 0; i < N_LISTS; i++) {
        uint8_t n = make_list(i, items);
        numbers[2 * i] = nsf_destination_lists_add(&lists, items, n, false);
        numbers[2 * i + 1] = nsf_destination_lists_add(&lists, items, n, true);
        assert_int_equal(nsf_destination_lists_add(&lists, items, n, true), numbers[2 * i + 1]);
    }
    for (uint32_t i = 0; i < NSF_ARRAY_LEN(numbers); i++) {
        uint8_t n = make_list(i / 2, items);
        struct nsf_destination_list list = nsf_destination_lists_get(&lists, numbers[i], &told);
        assert_int_equal(list.n, n);
        assert_int_equal(list.has_more, n > 0 && i % 2 == 1);
        for (uint8_t k = 0; k < n; k++)
            assert_true(nsf_ip_eq(told[k], items[k]));
    }
    nsf_destination_lists_release(&lists);
}

static void test_what_came_before_is_not_kept_again(void **state)
{
    (void)state;
    struct nsf_destination_lists lists = {.items = NULL};
    struct nsf_ip items[] = {nsf_ip_from_v4(1), nsf_ip_from_v4(2)};
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(nsf_destination_lists_add(&lists, items, 0, false), 0);
        nsf_destination_lists_add(&lists, &items[i % 2], 1, false);
        nsf_destination_lists_add(&lists, items, 2, i % 3 == 0);
    }
    assert_true(lists.n_lists < 1000);
    nsf_destination_lists_release(&lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_list_is_told_as_it_was_added),
        cmocka_unit_test(test_what_came_before_is_not_kept_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

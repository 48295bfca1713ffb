#include "core/nsf_common.h"

#include "core/pair_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define FIRSTS 40
#define SECONDS 60

static void test_against_a_table(void **state)
{
    (void)state;
    srand(2);
    for (int round = 0; round < 60; round++) {
        bool is_in[FIRSTS][SECONDS] = {{false}};
        struct nsf_pair_list list = {.items = NULL};
        struct nsf_pairset set = {.slots = NULL};
        for (int i = rand() % 900; i > 0; i--) {
            uint32_t first = (uint32_t)rand() % FIRSTS, second = (uint32_t)rand() % SECONDS;
            is_in[first][second] = true;
            if (rand() % 2 == 0)
                nsf_pair_list_add(&list, first, second);
            else
                nsf_pairset_add(&set, nsf_pair(first, second));
        }
        nsf_pair_list_add_set(&list, &set);
        nsf_pair_list_finish(&list);
        for (uint32_t first = 0; first < FIRSTS; first++) {
            struct nsf_pair_range range = nsf_pair_list_of(&list, first);
            size_t n = 0;
            for (uint32_t second = 0; second < SECONDS; second++)
                if (is_in[first][second])
                    assert_int_equal(nsf_pair_second(range, n++), second);
            assert_int_equal(range.n, n);
        }
        nsf_pairset_release(&set);
        nsf_pair_list_release(&list);
    }
}

static void test_the_ends(void **state)
{
    (void)state;
    struct nsf_pair_list list = {.items = NULL};
    nsf_pair_list_finish(&list);
    assert_int_equal(nsf_pair_list_of(&list, 0).n, 0);
    nsf_pair_list_add(&list, UINT32_MAX, UINT32_MAX);
    nsf_pair_list_add(&list, 0, 0);
    nsf_pair_list_finish(&list);
    assert_int_equal(nsf_pair_list_of(&list, 0).n, 1);
    assert_int_equal(nsf_pair_list_of(&list, 1).n, 0);
    assert_int_equal(nsf_pair_second(nsf_pair_list_of(&list, UINT32_MAX), 0), UINT32_MAX);
    nsf_pair_list_release(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_a_table),
        cmocka_unit_test(test_the_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/nsf_common.h"

#include "core/ip_sort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct item {
    struct nsf_ip ip;
    uint32_t number; /* in the order they came in */
};

static int cmp_items(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    int order = nsf_ip_cmp(a->ip, b->ip);
    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

static struct nsf_ip any_ip(unsigned round)
{
    uint64_t low = (uint64_t)rand() << 31 | (uint64_t)rand();
    if (round % 3 == 0 || rand() % 2 == 0)
        return nsf_ip_from_v4((uint32_t)low % (round % 2 == 0 ? 40 : UINT32_MAX));
    return rand() % 4 == 0 ? (struct nsf_ip){0, low % 50} : (struct nsf_ip){low << 40 | low % 3, low};
}

static void test_as_by_comparing(void **state)
{
    (void)state;
    srand(3);
    for (unsigned round = 0; round < 200; round++) {
        struct item items[400], expected[NSF_ARRAY_LEN(items)];
        size_t n = (size_t)rand() % NSF_ARRAY_LEN(items);
        for (size_t i = 0; i < n; i++)
            items[i] = (struct item){any_ip(round), (uint32_t)i};
        memcpy(expected, items, n * sizeof(*items));
        qsort(expected, n, sizeof(*expected), cmp_items);
        nsf_ip_sort(items, n, sizeof(*items));
        for (size_t i = 0; i < n; i++) {
            assert_true(nsf_ip_eq(items[i].ip, expected[i].ip));
            assert_int_equal(items[i].number, expected[i].number);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_by_comparing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/nsf_common.h"

#include "core/radix_sort.h"

#include "core/compare.h"
#include "core/mem.h"
#include "support/nsf_test.h"

static uint64_t chance = 1;

static uint64_t any(void)
{
    return nsf_test_random(&chance);
}

/* Bits that differ: all, few, those of one digit, across two digits, the outermost ones, none. */
static const uint64_t masks[] = {UINT64_MAX,
                                 0xffff,
                                 0xff00,
                                 UINT64_C(0x0ff0000000000000),
                                 0x3c,
                                 UINT64_C(0x8000000000000001),
                                 UINT64_C(0xff000000000000ff),
                                 0};
/* Around what is inserted one by one, and many. */
static const size_t sizes[] = {0, 1, 2, 31, 32, 33, 34, 1000, 70000};

static void check_u64(size_t n, uint64_t mask, bool has_scratch)
{
    uint64_t *items = nsf_malloc((n + 1) * sizeof(*items)), *expected = nsf_malloc((n + 1) * sizeof(*items));
    uint64_t *scratch = has_scratch ? nsf_malloc((n + 1) * sizeof(*items)) : NULL;
    for (size_t i = 0; i < n; i++)
        expected[i] = items[i] = any() & mask;
    items[n] = 7; /* behind the end: stays */
    qsort(expected, n, sizeof(*expected), nsf_cmp_u64);
    nsf_radix_sort_u64(items, n, scratch);
    assert_true(n == 0 || memcmp(items, expected, n * sizeof(*items)) == 0);
    assert_true(items[n] == 7);
    nsf_free(items);
    nsf_free(expected);
    nsf_free(scratch);
}

static void check_u32(size_t n, uint32_t mask)
{
    uint32_t *items = nsf_malloc((n + 1) * sizeof(*items)), *expected = nsf_malloc((n + 1) * sizeof(*items));
    for (size_t i = 0; i < n; i++)
        expected[i] = items[i] = (uint32_t)any() & mask;
    qsort(expected, n, sizeof(*expected), nsf_cmp_u32);
    nsf_radix_sort_u32(items, n, NULL);
    assert_true(n == 0 || memcmp(items, expected, n * sizeof(*items)) == 0);
    nsf_free(items);
    nsf_free(expected);
}

/* Refs count upwards, so equal keys show whether their order was kept. */
static void check_keyed(size_t n, uint64_t mask)
{
    struct nsf_keyed *items = nsf_malloc((n + 1) * sizeof(*items));
    uint64_t *keys = nsf_malloc((n + 1) * sizeof(*keys));
    for (size_t i = 0; i < n; i++) {
        keys[i] = any() & mask;
        items[i] = (struct nsf_keyed){keys[i], i};
    }
    nsf_radix_sort_keyed(items, n, NULL);
    for (size_t i = 0; i < n; i++) {
        assert_true(items[i].key == keys[items[i].ref]);
        assert_true(i == 0 || items[i - 1].key < items[i].key ||
                    (items[i - 1].key == items[i].key && items[i - 1].ref < items[i].ref));
    }
    nsf_free(items);
    nsf_free(keys);
}

/* Keys in order, each with the rows it came with. */
static void check_tight(size_t n, uint64_t mask)
{
    struct nsf_keyed *items = nsf_malloc((n + 1) * sizeof(*items));
    uint64_t *keys = nsf_malloc((n + 1) * sizeof(*keys));
    bool *is_seen = nsf_calloc(n + 1, sizeof(*is_seen));
    for (size_t i = 0; i < n; i++) {
        keys[i] = any() & mask;
        items[i] = (struct nsf_keyed){keys[i], i};
    }
    nsf_radix_sort_keyed_tight(items, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(items[i].key == keys[items[i].ref]);
        assert_true(i == 0 || items[i - 1].key <= items[i].key);
        assert_false(is_seen[items[i].ref]);
        is_seen[items[i].ref] = true;
    }
    nsf_free(items);
    nsf_free(keys);
    nsf_free(is_seen);
}

static void test_without_room(void **state)
{
    static const size_t many[] = {0, 1, 40, 262143, 262144, 700000};
    (void)state;
    for (size_t s = 0; s < NSF_ARRAY_LEN(many); s++)
        for (size_t m = 0; m < NSF_ARRAY_LEN(masks); m++)
            check_tight(many[s], masks[m]);
}

static void test_any_numbers(void **state)
{
    for (size_t s = 0; s < NSF_ARRAY_LEN(sizes); s++)
        for (size_t m = 0; m < NSF_ARRAY_LEN(masks); m++) {
            check_u64(sizes[s], masks[m], false);
            check_u64(sizes[s], masks[m], true);
            check_u32(sizes[s], (uint32_t)masks[m]);
            check_keyed(sizes[s], masks[m]);
        }
}

static void test_sorted_before(void **state)
{
    uint64_t up[100], down[100];
    for (uint64_t i = 0; i < 100; i++) {
        up[i] = i * i;
        down[i] = (99 - i) * (99 - i);
    }
    nsf_radix_sort_u64(down, 100, NULL);
    assert_memory_equal(down, up, sizeof(up));
    nsf_radix_sort_u64(up, 100, NULL);
    assert_memory_equal(down, up, sizeof(up));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_numbers),
        cmocka_unit_test(test_sorted_before),
        cmocka_unit_test(test_without_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

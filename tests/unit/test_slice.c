#include "core/nsf_common.h"

#include "core/slice.h"

#include "support/nsf_test.h"

static void test_equality_and_case(void **state)
{
    assert_true(nsf_slice_eq(S("abc"), S("abc")));
    assert_false(nsf_slice_eq(S("abc"), S("abd")));
    assert_false(nsf_slice_eq(S("abc"), S("ab")));
    assert_true(nsf_slice_eq(nsf_slice(NULL, 0), S("")));
    assert_true(nsf_slice_eq_nocase(S("MiXeD-1"), S("mIxEd-1")));
    assert_false(nsf_slice_eq_nocase(S("a"), S("ab")));
    /* Only ASCII folds: '[' is not '{', and bytes of UTF-8 stay as they are. */
    assert_false(nsf_slice_eq_nocase(S("["), S("{")));
    assert_false(nsf_slice_eq_nocase(S("\xC3\x84"), S("\xC3\xA4")));
}

static void test_prefix_and_suffix(void **state)
{
    assert_true(nsf_slice_has_prefix(S("DefaultRule_x"), S("DefaultRule_")));
    assert_false(nsf_slice_has_prefix(S("Def"), S("DefaultRule_")));
    assert_false(nsf_slice_has_prefix(S("defaultRule_x"), S("DefaultRule_")));
    assert_true(nsf_slice_has_prefix_nocase(S("DEFAULTRULE_x"), S("DefaultRule_")));
    assert_true(nsf_slice_has_prefix(S("x"), S("")));
    assert_true(nsf_slice_has_suffix_nocase(S("PT1H.JSON"), S(".json")));
    assert_false(nsf_slice_has_suffix_nocase(S("json"), S(".json")));
}

static void test_order(void **state)
{
    /* Ascending, so that every pair can be checked both ways. */
    static const char *const sorted[] = {"", "A", "B", "a", "aa", "ab", "b", "\x7F", "\xC3\xA4"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(sorted); i++)
        for (size_t j = 0; j < NSF_ARRAY_LEN(sorted); j++) {
            int order = nsf_slice_cmp(S(sorted[i]), S(sorted[j]));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    assert_int_equal(nsf_slice_cmp_nocase(S("ABC"), S("abc")), 0);
    assert_true(nsf_slice_cmp_nocase(S("ab"), S("ABC")) < 0);
    assert_true(nsf_slice_cmp_nocase(S("b"), S("ABC")) > 0);
    assert_true(nsf_slice_cmp_nocase(S("\xC3"), S("z")) > 0);
}

static void test_trim_and_find(void **state)
{
    assert_slice_equal(nsf_slice_trim(S(" \t a b\r\n")), "a b");
    assert_int_equal(nsf_slice_trim(S(" \r\n\t ")).len, 0);
    assert_int_equal(nsf_slice_trim(nsf_slice(NULL, 0)).len, 0);
    assert_int_equal(nsf_slice_find(S("a,b,c"), ','), 1);
    assert_int_equal(nsf_slice_find(S("abc"), ','), 3);
    assert_int_equal(nsf_slice_find(nsf_slice(NULL, 0), ','), 0);
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool is_good;
        uint64_t value;
    } cases[] = {
        {"0", 0, true, 0},
        {"25", 65535, true, 25},
        {"65535", 65535, true, 65535},
        {"65536", 65535, false, 0},
        {"00025", 65535, true, 25},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999", UINT64_MAX, false, 0},
        {"184467440737095516150", UINT64_MAX, false, 0},
        {"", UINT64_MAX, false, 0},
        {"-1", UINT64_MAX, false, 0},
        {"+1", UINT64_MAX, false, 0},
        {" 1", UINT64_MAX, false, 0},
        {"1 ", UINT64_MAX, false, 0},
        {"1e3", UINT64_MAX, false, 0},
        {"0x10", UINT64_MAX, false, 0},
        {"1.0", UINT64_MAX, false, 0},
        {"\xB2", UINT64_MAX, false, 0},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        uint64_t value = 7;
        bool is_good = nsf_slice_to_u64(S(cases[i].text), cases[i].max, &value);
        if (is_good != cases[i].is_good || value != (is_good ? cases[i].value : 7))
            fail_msg("'%s': %d, %llu", cases[i].text, is_good, (unsigned long long)value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equality_and_case),
        cmocka_unit_test(test_prefix_and_suffix),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_trim_and_find),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

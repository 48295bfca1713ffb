#include "core/nsf_common.h"

#include "core/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void check_first(const struct nsf_lines *lines)
{
    assert_int_equal((uintptr_t)lines->first % NSF_LINE_BYTES, 0);
    assert_in_range((uintptr_t)lines->first - (uintptr_t)lines->block, 0, NSF_LINE_BYTES - 1);
}

static void test_zeros(void **state)
{
    (void)state;
    struct nsf_lines lines = {0};
    nsf_lines_init(&lines, 7);
    check_first(&lines);
    for (size_t i = 0; i < 7 * (size_t)NSF_LINE_BYTES; i++)
        assert_int_equal(((const char *)lines.first)[i], 0);
    nsf_lines_release(&lines);
    assert_null(lines.first);
    nsf_lines_release(&lines);
}

/* Among allocations that make it move, by what is no whole line. */
static void test_lines_keep_what_they_hold(void **state)
{
    (void)state;
    enum {
        N = 5000
    };
    struct nsf_lines lines = {0};
    static void *between[N];
    for (uint32_t i = 0; i < N; i++) {
        nsf_lines_reserve(&lines, (size_t)i + 1);
        check_first(&lines);
        assert_true(lines.n > i);
        memset((char *)lines.first + (size_t)i * NSF_LINE_BYTES, (int)(i % 251), NSF_LINE_BYTES);
        between[i] = nsf_malloc(i % 100 + 1);
    }
    for (uint32_t i = 0; i < N; i++) {
        const unsigned char *line = (const unsigned char *)lines.first + (size_t)i * NSF_LINE_BYTES;
        assert_int_equal(line[0], i % 251);
        assert_int_equal(line[NSF_LINE_BYTES - 1], i % 251);
        nsf_free(between[i]);
    }
    assert_true(lines.n < 2 * N);
    nsf_lines_release(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeros),
        cmocka_unit_test(test_lines_keep_what_they_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

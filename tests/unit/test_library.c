#include "core/nsf_common.h"

#include "core/library.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define THREADS 4

typedef double of_number(double);
typedef double of_two_numbers(double, double);

static struct {
    of_number *cbrt;
    of_two_numbers *fmod;
    of_number *no_such_function;
} table;

static const struct nsf_library_function good_functions[] = {
    NSF_LIBRARY_FUNCTION(table.cbrt, "cbrt"),
    NSF_LIBRARY_FUNCTION(table.fmod, "fmod"),
};

static const struct nsf_library_function bad_functions[] = {
    NSF_LIBRARY_FUNCTION(table.no_such_function, "no_such_function"),
};

static void test_functions_can_be_called(void **state)
{
    struct nsf_library library = {.file = "libm.so.6", .functions = good_functions, .n_functions = 2};
    struct nsf_err err = NSF_ERR_INIT;
    assert_false(nsf_failed(nsf_library_load(&library, &err)));
    assert_false(nsf_failed(nsf_library_load(&library, &err)));
    assert_float_equal(table.cbrt(27), 3, 1e-9);
    assert_float_equal(table.fmod(7, 4), 3, 1e-9);
}

static void test_a_missing_library_is_named(void **state)
{
    struct nsf_library library = {.file = "libnsfnowhere.so.1", .needed_for = "a test"};
    for (int i = 0; i < 2; i++) {
        struct nsf_err err = NSF_ERR_INIT;
        assert_true(nsf_failed(nsf_library_load(&library, &err)));
        assert_int_equal(err.code, NSF_E_IO);
        assert_non_null(strstr(err.text, "libnsfnowhere.so.1"));
        assert_non_null(strstr(err.text, "a test needs it"));
    }
}

static void test_a_library_without_the_function_is_not_there(void **state)
{
    struct nsf_library library = {
        .file = "libm.so.6", .needed_for = "a test", .functions = bad_functions, .n_functions = 1};
    assert_true(nsf_failed(nsf_library_load(&library, NULL)));
    assert_null(table.no_such_function);
}

struct counted {
    struct nsf_once once;
    int n; /* without a lock: the sanitizer for threads sees whether once is one */
};

static void count(void *arg)
{
    ((struct counted *)arg)->n++;
}

static void count_once(void *arg)
{
    struct counted *counted = arg;
    nsf_once(&counted->once, count, counted);
    assert_int_equal(counted->n, 1);
}

static void test_once_is_once_for_all_threads(void **state)
{
    struct counted counted = {.n = 0};
    struct nsf_thread *threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = nsf_thread_start(count_once, &counted);
        assert_non_null(threads[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        nsf_thread_join(threads[i]);
    assert_int_equal(counted.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_can_be_called),
        cmocka_unit_test(test_a_missing_library_is_named),
        cmocka_unit_test(test_a_library_without_the_function_is_not_there),
        cmocka_unit_test(test_once_is_once_for_all_threads),
    };
    return cmocka_run_group_tests_name("library", tests, NULL, NULL);
}

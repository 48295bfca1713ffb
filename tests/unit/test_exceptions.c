#include "core/nsf_common.h"

#include "core/clock.h"
#include "lists/exceptions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct nsf_exception *find(const struct nsf_exceptions *exceptions, const char *nsg, const char *rule)
{
    return nsf_exceptions_find(exceptions, nsf_slice_str("/some/id"), nsf_slice_str(nsg), nsf_slice_str(rule));
}

static void test_what_holds_and_what_does_not(void **state)
{
    static const char text[] =
        "{\"exceptions\":[{\"nsg\":\"NSG-MX\",\"rule\":\"allow-smtp\",\"owner\":\"mail\",\"reason\":\"MX\","
        "\"expires\":\"2026-03-01\"},{\"rule\":\"anywhere\",\"owner\":\"x\"},{\"nsg\":\"/SOME/id\",\"rule\":\"old\","
        "\"expires\":\"2026-02-27\"},{\"rule\":\"old\",\"nsg\":\"elsewhere\"},{\"owner\":\"nobody\"},"
        "{\"rule\":\"odd\",\"expires\":\"soon\"},{\"rule\":\"twice\",\"expires\":\"2027-01-01\",\"owner\":\"b\"},"
        "{\"rule\":\"twice\",\"expires\":\"2028-01-01\",\"owner\":\"a\"},"
        "{\"rule\":\"late\",\"deadline\":\"2026-02-28\"},{\"rule\":\"today\",\"deadline\":\"2026-03-01\"},"
        "{\"rule\":\"vague\",\"deadline\":\"spring\",\"reason\":\"r\"}]}";
    int64_t now_ms;
    struct nsf_problems problems;
    struct nsf_err err = NSF_ERR_INIT;
    assert_true(nsf_time_parse(NSF_SLICE_LIT("2026-03-01T23:00:00Z"), &now_ms));
    struct nsf_exceptions *exceptions = nsf_exceptions_new(now_ms);
    nsf_problems_init(&problems);
    assert_false(
        nsf_failed(nsf_exceptions_read(exceptions, nsf_slice_str(text), NSF_SLICE_LIT("e.json"), &problems, &err)));
    assert_int_equal(problems.n, 3);
    assert_int_equal(problems.items[0].code, NSF_E_LIST);
    assert_true(find(exceptions, "n", "late")->is_past_deadline);
    assert_false(find(exceptions, "n", "late")->is_expired);
    assert_false(find(exceptions, "n", "today")->is_past_deadline);
    assert_false(find(exceptions, "n", "vague")->is_past_deadline);
    assert_string_equal(find(exceptions, "n", "vague")->reason.ptr, "r");
    const struct nsf_exception *exception = find(exceptions, "nsg-mx", "ALLOW-SMTP");
    assert_non_null(exception);
    assert_false(exception->is_expired); /* the day itself still counts */
    assert_string_equal(exception->reason.ptr, "MX");
    assert_null(find(exceptions, "nsg-other", "allow-smtp"));
    assert_false(find(exceptions, "nsg-other", "anywhere")->is_expired);
    assert_true(find(exceptions, "nsg-other", "old")->is_expired);
    assert_null(find(exceptions, "nsg-other", "odd"));
    assert_string_equal(find(exceptions, "n", "twice")->owner.ptr, "a");
    nsf_problems_release(&problems);
    nsf_exceptions_free(exceptions);
}

static void test_what_is_no_list_is_refused(void **state)
{
    static const char *const texts[] = {"", "{", "3", "{\"nsgs\":[]}", "[{\"rule\":"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(texts); i++) {
        struct nsf_exceptions *exceptions = nsf_exceptions_new(0);
        struct nsf_problems problems;
        struct nsf_err err = NSF_ERR_INIT;
        nsf_problems_init(&problems);
        assert_true(nsf_failed(
            nsf_exceptions_read(exceptions, nsf_slice_str(texts[i]), NSF_SLICE_LIT("e.json"), &problems, &err)));
        assert_true(err.text[0] != '\0');
        nsf_problems_release(&problems);
        nsf_exceptions_free(exceptions);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_holds_and_what_does_not),
        cmocka_unit_test(test_what_is_no_list_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

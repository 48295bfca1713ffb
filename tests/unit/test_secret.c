/* What must not be seen by others is not seen: neither in messages nor in the list of processes. */
#include "core/nsf_common.h"

#include "source/secret.h"

#include "core/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_cut(void **state)
{
    static const struct {
        const char *location;
        const char *shown;
    } cases[] = {
        {"https://a.blob.core.windows.net/c/p?sig=x", "https://a.blob.core.windows.net/c/p"},
        {"az://c?sig=x?y", "az://c"},
        {"logs/what?.json", "logs/what?.json"},
        {"-", "-"},
        {"", ""},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++)
        assert_true(nsf_slice_eq(nsf_secret_cut(cases[i].location), nsf_slice_str(cases[i].shown)));
}

static void test_arguments(void **state)
{
    static const struct {
        const char *given;
        const char *left;
    } cases[] = {
        {"nsgflow", "nsgflow"},
        {"https://a.blob.core.windows.net/c?sv=1&sig=abc", "https://a.blob.core.windows.net/c?************"},
        {"--rules=https://a/c?x", "--rules=https://a/c?*"},
        {"sv=1&SIG=abc", "sv=1&SIG=***"},
        {"AccountName=a;AccountKey=abc=", "AccountName=a;AccountKey=****"},
        {"what?.json", "what?.json"},
        {"https://a/c?", "https://a/c?"},
        {"", ""},
    };
    char texts[NSF_ARRAY_LEN(cases)][80], *argv[NSF_ARRAY_LEN(cases) + 1] = {NULL};
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        snprintf(texts[i], sizeof(texts[i]), "%s", cases[i].given);
        argv[i] = texts[i];
    }
    char **copy = nsf_secret_take_args((int)NSF_ARRAY_LEN(cases), argv);
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        assert_string_equal(copy[i], cases[i].given);
        assert_string_equal(argv[i], cases[i].left);
    }
    assert_null(copy[NSF_ARRAY_LEN(cases)]);
    nsf_free(copy);
    copy = nsf_secret_take_args(0, argv + NSF_ARRAY_LEN(cases));
    assert_null(copy[0]);
    nsf_free(copy);
}

static void test_sentences_show_no_secret(void **state)
{
    static const struct {
        const char *said, *shown;
    } cases[] = {
        {"unknown command https://x/c?sp=r&sig=HUSH; see --help", "unknown command https://x/c?***; see --help"},
        {"unknown word sig=HUSH", "unknown word sig=***"},
        {"--a=AccountName=x;AccountKey=HUSH;E=1", "--a=AccountName=x;AccountKey=***;E=1"},
        {"a/b?c.json: no such file", "a/b?c.json: no such file"},
        {"https://x/c is fine? yes", "https://x/c is fine? yes"},
        {"az://c?x and az://d?y", "az://c?* and az://d?*"},
        {"SIG=", "SIG="},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[128];
        const int len = snprintf(text, sizeof(text), "%s", cases[i].said);
        text[nsf_secret_mask(text, (size_t)len)] = '\0';
        assert_string_equal(text, cases[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentences_show_no_secret),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

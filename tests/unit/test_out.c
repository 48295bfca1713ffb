#include "core/nsf_common.h"

#include "core/out.h"

#include "core/clock.h"
#include "core/json_out.h"
#include "core/mem.h"
#include "core/utf8.h"

#include "support/nsf_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_utf8(void **state)
{
    static const struct {
        const char *bytes;
        size_t n; /* 0: no UTF-8 */
        uint32_t code;
    } cases[] = {
        {"a", 1, 'a'},
        {"\x7F", 1, 0x7F},
        {"\xC2\x80", 2, 0x80},
        {"\xDF\xBF", 2, 0x7FF},
        {"\xE0\xA0\x80", 3, 0x800},
        {"\xED\x9F\xBF", 3, 0xD7FF},
        {"\xEE\x80\x80", 3, 0xE000},
        {"\xEF\xBF\xBF", 3, 0xFFFF},
        {"\xF0\x90\x80\x80", 4, 0x10000},
        {"\xF4\x8F\xBF\xBF", 4, 0x10FFFF},
        {"\x80", 0, 0},             /* a continuation alone */
        {"\xC0\xAF", 0, 0},         /* overlong */
        {"\xC1\xBF", 0, 0},         /* overlong */
        {"\xE0\x9F\xBF", 0, 0},     /* overlong */
        {"\xF0\x8F\xBF\xBF", 0, 0}, /* overlong */
        {"\xED\xA0\x80", 0, 0},     /* a surrogate */
        {"\xED\xBF\xBF", 0, 0},     /* a surrogate */
        {"\xF4\x90\x80\x80", 0, 0}, /* past the last character */
        {"\xF5\x80\x80\x80", 0, 0},
        {"\xFF", 0, 0},
        {"\xC2", 0, 0},
        {"\xE2\x82", 0, 0},
        {"\xF0\x9F\x98", 0, 0},
        {"\xC2\x41", 0, 0},
        {"\xE2\x82\x41", 0, 0},
        {"", 0, 0},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        uint32_t code = 0;
        size_t len = strlen(cases[i].bytes);
        char *exact = malloc(len + (len == 0));
        assert_non_null(exact);
        memcpy(exact, cases[i].bytes, len);
        size_t n = nsf_utf8_decode(nsf_slice(exact, len), &code);
        if (n != cases[i].n || code != cases[i].code)
            fail_msg("case %zu: %zu bytes, U+%04X", i, n, (unsigned)code);
        assert_int_equal(nsf_utf8_is_valid(nsf_slice(exact, len)), len == 0 || n > 0);
        free(exact);
    }
    assert_false(nsf_utf8_is_valid(S("good\xFF")));
}

static void test_visible_text(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"plain \xC3\xA4 text", "plain \xC3\xA4 text"},
        {"a\x1B[31mred", "a\\x1B[31mred"},
        {"line\nline\r\t\x7F", "line\\x0Aline\\x0D\\x09\\x7F"},
        {"\xC2\x9B", "\\x9B"}, /* the one-byte CSI of terminals that speak C1 */
        {"\xE2\x80\xAE"
         "abc",
         "\\u{202E}abc"},              /* right-to-left override */
        {"\xE2\x80\x8B", "\\u{200B}"}, /* zero width */
        {"\xEF\xBB\xBF", "\\u{FEFF}"},
        {"\xFF\xC3", "\\xFF\\xC3"},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_buf buf;
        nsf_buf_init(&buf, 1000);
        struct nsf_out *out = nsf_out_new_buf(&buf);
        nsf_out_visible(out, S(cases[i].text));
        assert_false(nsf_failed(nsf_out_close(out, NULL)));
        assert_string_equal(nsf_buf_str(&buf), cases[i].shown);
        nsf_buf_release(&buf);
    }
}

static void test_memory_that_is_full(void **state)
{
    struct nsf_buf buf;
    struct nsf_err err = NSF_ERR_INIT;
    nsf_buf_init(&buf, 3);
    struct nsf_out *out = nsf_out_new_buf(&buf);
    nsf_out_str(out, "four");
    nsf_out_str(out, "");
    assert_true(nsf_failed(nsf_out_close(out, &err)));
    assert_int_equal(err.code, NSF_E_OUTPUT);
    nsf_buf_release(&buf);
}

static void test_file_appears_whole(void **state)
{
    char *folder = nsf_test_folder_new();
    char path[600];
    snprintf(path, sizeof(path), "%s/out.json", folder);
    nsf_test_write_file(path, "old", 3);
    assert_int_equal(chmod(path, 0640), 0);

    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_out *out = nsf_out_new_file(path, &err);
    assert_non_null(out);
    /* More than its buffer holds, in small and in large pieces. */
    char *large = malloc(200000);
    assert_non_null(large);
    memset(large, 'x', 200000);
    for (int i = 0; i < 50000; i++)
        nsf_out_printf(out, "%d\n", i % 10);
    nsf_out_write(out, large, 200000);
    nsf_out_printf(out, "%.*s", 1000, large);
    char *text = nsf_test_read_file(path, NULL);
    assert_string_equal(text, "old");
    free(text);
    assert_false(nsf_failed(nsf_out_close(out, &err)));
    size_t len;
    text = nsf_test_read_file(path, &len);
    assert_int_equal(len, 100000 + 200000 + 1000);
    assert_memory_equal(text, "0\n1\n2\n", 6);
    assert_memory_equal(text + 99998, "9\nxx", 4);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(nsf_test_count_files(folder), 1);
    free(text);
    free(large);
    nsf_test_folder_free(folder);
}

static void test_abandoned_file_leaves_nothing(void **state)
{
    char *folder = nsf_test_folder_new();
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_out *out = nsf_out_new_file(nsf_test_path(folder, "a"), &err);
    assert_non_null(out);
    nsf_out_str(out, "half");
    assert_int_equal(nsf_test_count_files(folder), 1);
    nsf_out_abandon(out);
    nsf_out_abandon(NULL);
    assert_int_equal(nsf_test_count_files(folder), 0);
    nsf_test_folder_free(folder);
}

static void run_out_of_memory_while_writing(void *arg)
{
    struct nsf_err err = NSF_ERR_INIT;
    nsf_mem_on_exhaustion(nsf_out_remove_unfinished);
    struct nsf_out *out = nsf_out_new_file(nsf_test_path(arg, "b"), &err);
    if (out == NULL)
        _exit(99);
    nsf_out_str(out, "half");
    nsf_mem_fail_after(1);
    nsf_free(nsf_malloc(1));
}

static void test_end_of_memory_leaves_no_file(void **state)
{
    char *folder = nsf_test_folder_new();
    assert_int_equal(nsf_test_status_of(run_out_of_memory_while_writing, folder), 4);
    assert_int_equal(nsf_test_count_files(folder), 0);
    nsf_test_folder_free(folder);
}

static void test_places_that_cannot_be_written(void **state)
{
    char *folder = nsf_test_folder_new();
    struct nsf_err err = NSF_ERR_INIT;
    assert_null(nsf_out_new_file(folder, &err));
    assert_int_equal(err.code, NSF_E_OUTPUT);
    assert_string_equal(err.subject, folder);
    nsf_err_reset(&err);
    assert_null(nsf_out_new_file(nsf_test_path(folder, "none/out"), &err));
    assert_int_equal(err.code, NSF_E_OUTPUT);
    nsf_test_folder_free(folder);
}

static void test_full_disk_is_an_error(void **state)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_out *out = nsf_out_new_file("/dev/full", &err);
    if (out == NULL)
        skip();
    for (int i = 0; i < 100000; i++)
        nsf_out_str(out, "0123456789");
    assert_true(nsf_failed(nsf_out_close(out, &err)));
    assert_int_equal(err.code, NSF_E_OUTPUT);
    assert_string_equal(err.subject, "/dev/full");
    struct stat st;
    assert_int_equal(stat("/dev/full", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

static void test_symbolic_link_stays(void **state)
{
    char *folder = nsf_test_folder_new();
    char target[600], link[600];
    snprintf(target, sizeof(target), "%s/target", folder);
    snprintf(link, sizeof(link), "%s/link", folder);
    nsf_test_write_file(target, "old", 3);
    assert_int_equal(symlink("target", link), 0);
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_out *out = nsf_out_new_file(link, &err);
    assert_non_null(out);
    nsf_out_str(out, "new");
    assert_false(nsf_failed(nsf_out_close(out, &err)));
    struct stat st;
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    char *text = nsf_test_read_file(target, NULL);
    assert_string_equal(text, "new");
    free(text);
    nsf_test_folder_free(folder);
}

static void test_target_of_a_link_is_made(void **state)
{
    char *folder = nsf_test_folder_new();
    char inner[600], link[600], second[600], target[700];
    snprintf(inner, sizeof(inner), "%s/inner", folder);
    snprintf(link, sizeof(link), "%s/link", folder);
    snprintf(second, sizeof(second), "%s/second", folder);
    snprintf(target, sizeof(target), "%s/target", inner);
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_int_equal(symlink("inner/target", link), 0);
    assert_int_equal(symlink(link, second), 0);
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_out *out = nsf_out_new_file(second, &err);
    assert_non_null(out);
    nsf_out_str(out, "new");
    assert_false(nsf_failed(nsf_out_close(out, &err)));
    struct stat st;
    assert_int_equal(lstat(second, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    char *text = nsf_test_read_file(target, NULL);
    assert_string_equal(text, "new");
    free(text);
    nsf_test_folder_free(folder);
}

static void test_links_in_a_circle_fail(void **state)
{
    char *folder = nsf_test_folder_new();
    const char *path = nsf_test_path(folder, "link");
    assert_int_equal(symlink("link", path), 0);
    struct nsf_err err = NSF_ERR_INIT;
    assert_null(nsf_out_new_file(path, &err));
    assert_int_equal(err.code, NSF_E_OUTPUT);
    nsf_test_folder_free(folder);
}

static void test_pipe_is_written_directly(void **state)
{
    char *folder = nsf_test_folder_new();
    const char *path = nsf_test_path(folder, "fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_out *out = nsf_out_new_file(path, &err);
    assert_non_null(out);
    nsf_out_str(out, "through");
    assert_false(nsf_failed(nsf_out_close(out, &err)));
    char text[16] = {0};
    assert_int_equal(read(reader, text, sizeof(text) - 1), 7);
    assert_string_equal(text, "through");
    close(reader);
    nsf_test_folder_free(folder);
}

static void test_json(void **state)
{
    struct nsf_buf buf;
    nsf_buf_init(&buf, 1 << 16);
    struct nsf_out *out = nsf_out_new_buf(&buf);
    struct nsf_json_out json;
    nsf_json_out_init(&json, out, 0);
    nsf_json_out_begin_map(&json);
    nsf_json_out_key_u64(&json, "max", UINT64_MAX);
    nsf_json_out_key(&json, "min");
    nsf_json_out_i64(&json, INT64_MIN);
    nsf_json_out_key(&json, "list");
    nsf_json_out_begin_array(&json);
    nsf_json_out_begin_array(&json);
    nsf_json_out_end_array(&json);
    nsf_json_out_begin_map(&json);
    nsf_json_out_end_map(&json);
    nsf_json_out_null(&json);
    nsf_json_out_bool(&json, true);
    nsf_json_out_end_array(&json);
    nsf_json_out_key_bool(&json, "b", false);
    nsf_json_out_key_str(&json, "s", NULL);
    nsf_json_out_key_time(&json, "t", NSF_TS_NONE);
    nsf_json_out_key_time(&json, "u", 0);
    nsf_json_out_key_slice(&json, "x",
                           S("a\"\\\n\t\r\x01</script>&\xC3\xA4\xFF\xE2\x80\xA8\xF0\x9F\x98\x80\xF3\xA0\x81\x81"));
    nsf_json_out_end_map(&json);
    assert_false(nsf_failed(nsf_out_close(out, NULL)));
    assert_string_equal(
        nsf_buf_str(&buf),
        "{\"max\":18446744073709551615,\"min\":-9223372036854775808,\"list\":[[],{},null,true],\"b\":false,"
        "\"s\":null,\"t\":null,\"u\":\"1970-01-01T00:00:00.000Z\",\"x\":\"a\\\"\\\\\\n\\t\\u000d\\u0001"
        "\\u003c/script\\u003e\\u0026\xC3\xA4\\ufffd\\u2028\xF0\x9F\x98\x80\\udb40\\udc41\"}\n");
    nsf_buf_release(&buf);
}

static void test_json_decimals_are_exact(void **state)
{
    static const struct {
        int64_t value;
        unsigned n_digits;
        const char *shown;
    } cases[] = {
        {82, 1, "8.2"},     {80, 1, "8"},
        {0, 3, "0"},        {12, 3, "0.012"},
        {-82, 1, "-8.2"},   {-5, 1, "-0.5"},
        {1000, 3, "1"},     {7, 0, "7"},
        {1001, 3, "1.001"}, {INT64_MAX, 2, "92233720368547758.07"},
        {120, 2, "1.2"},    {100000, 2, "1000"},
        {1, 4, "0.0001"},   {INT64_MIN, 0, "-9223372036854775808"},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_buf buf;
        nsf_buf_init(&buf, 100);
        struct nsf_out *out = nsf_out_new_buf(&buf);
        struct nsf_json_out json;
        nsf_json_out_init(&json, out, 0);
        nsf_json_out_decimal(&json, cases[i].value, cases[i].n_digits);
        assert_false(nsf_failed(nsf_out_close(out, NULL)));
        assert_string_equal(nsf_buf_str(&buf), cases[i].shown);
        nsf_buf_release(&buf);
    }
}

static void test_json_lines(void **state)
{
    struct nsf_buf buf;
    nsf_buf_init(&buf, 1000);
    struct nsf_out *out = nsf_out_new_buf(&buf);
    struct nsf_json_out json;
    nsf_json_out_init(&json, out, 2);
    nsf_json_out_begin_map(&json);
    nsf_json_out_key(&json, "a");
    nsf_json_out_begin_array(&json);
    for (uint64_t i = 0; i < 2; i++) {
        nsf_json_out_begin_map(&json);
        nsf_json_out_key_u64(&json, "n", i);
        nsf_json_out_end_map(&json);
    }
    nsf_json_out_end_array(&json);
    nsf_json_out_key(&json, "e");
    nsf_json_out_begin_array(&json);
    nsf_json_out_end_array(&json);
    nsf_json_out_end_map(&json);
    assert_false(nsf_failed(nsf_out_close(out, NULL)));
    assert_string_equal(nsf_buf_str(&buf), "{\n \"a\":[\n  {\"n\":0},\n  {\"n\":1}\n ],\n \"e\":[]\n}\n");
    nsf_buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_visible_text),
        cmocka_unit_test(test_memory_that_is_full),
        cmocka_unit_test(test_file_appears_whole),
        cmocka_unit_test(test_abandoned_file_leaves_nothing),
        cmocka_unit_test(test_end_of_memory_leaves_no_file),
        cmocka_unit_test(test_places_that_cannot_be_written),
        cmocka_unit_test(test_full_disk_is_an_error),
        cmocka_unit_test(test_symbolic_link_stays),
        cmocka_unit_test(test_target_of_a_link_is_made),
        cmocka_unit_test(test_links_in_a_circle_fail),
        cmocka_unit_test(test_pipe_is_written_directly),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_decimals_are_exact),
        cmocka_unit_test(test_json_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

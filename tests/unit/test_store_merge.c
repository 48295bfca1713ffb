#include "core/nsf_common.h"

#include "store/store.h"

#include "core/mem.h"
#include "support/nsf_test.h"

#include <unistd.h>

/* Readings of blobs, as a table: which store saw what. */
struct reading {
    const char *key;
    const char *head;
    int64_t created_ms;
    uint64_t bytes;
    bool is_failed;
    const char *part;
};

static const struct reading first[] = {
    {"https://a/grown", "", 5, 100, false, "short"},          {"https://a/remade", "", 5, 900, false, "old"},
    {"https://a/only-first", "", 5, 10, false, "1"},          {"/logs/same", "head-of-one-file", 5, 70, false, "same"},
    {"/logs/path", "one-machine-here", 5, 30, false, "m1"},   {"/logs/begun", "", 5, 14, false, "empty"},
    {"/logs/failed", "head-of-a-failed", 5, 50, true, "bad"}, {"-", "stdin-of-the-one", 5, 7, false, "in1"},
};
static const struct reading second[] = {
    {"https://a/grown", "", 5, 200, false, "long"},
    {"https://a/remade", "", 6, 20, false, "new"},
    {"https://a/only-second", "", 5, 10, false, "2"},
    {"/logs/same", "head-of-one-file", 9, 70, false, "same"},
    {"/logs/path", "another-machine!", 5, 31, false, "m2"},
    {"/logs/begun", "head-when-it-was", 5, 99, false, "full"},
    {"/logs/failed", "head-of-a-failed", 5, 50, false, "good"},
    {"-", "stdin-of-another", 5, 7, false, "in2"},
};
static const struct reading third[] = {
    {"https://a/grown", "", 4, 999, false, "before"},
    {"/logs/begun", "", 5, 15, false, "empty"},
    {"/logs/same", "head-of-one-file", 5, 71, false, "more"},
};
static const char all_of_them[] =
    "/logs/begun:full /logs/failed:good /logs/path:m2 /logs/path:m1 /logs/same:more https://a/grown:long"
    " https://a/only-first:1 https://a/only-second:2 https://a/remade:new -:in2 -:in1";

static void must(nsf_result r, const struct nsf_err *err)
{
    if (nsf_failed(r))
        fail_msg("%s", err->text);
}

static struct nsf_store *open_store(const char *folder, const char *name, enum nsf_store_mode mode)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_store *store;
    must(nsf_store_open(nsf_test_path(folder, name), mode, &store, &err), &err);
    return store;
}

static void fill(const char *folder, const char *name, const struct reading *readings, size_t n, int64_t started_ms)
{
    struct nsf_store *store = open_store(folder, name, NSF_STORE_WRITE);
    struct nsf_err err = NSF_ERR_INIT;
    for (size_t i = 0; i < n; i++) {
        struct nsf_stored_blob none = {0}, blob = {
                                               .key = S(readings[i].key),
                                               .name = S(readings[i].key),
                                               .order = S(readings[i].key),
                                               .hour = 1,
                                               .created_ms = readings[i].created_ms,
                                               .bytes = readings[i].bytes,
                                               .head = S(readings[i].head),
                                               .is_local = readings[i].key[0] != 'h',
                                               .failure = readings[i].is_failed ? S("!") : (struct nsf_slice){NULL, 0},
                                           };
        struct nsf_store_put *put = nsf_store_put_begin(store, &none, false);
        must(nsf_store_put_part(put, S(readings[i].part), &err), &err);
        must(nsf_store_put_finish(put, &blob, &err), &err);
    }
    struct nsf_scan_nsg nsg = {.id = S("/subscriptions/s/nsg"), .name = S(name), .verdict = NSF_EXPOSURE_EXPOSED};
    struct nsf_finding finding = {.rule = S(name), .priority = 100, .verdict = NSF_EXPOSURE_EXPOSED};
    struct nsf_scan scan = {.nsgs = &nsg, .n_nsgs = 1, .findings = &finding, .n_findings = 1};
    struct nsf_run_counts counts = {.n_new = n};
    must(nsf_store_add_run(store, started_ms, started_ms + 1, &counts, &scan, NULL, &err), &err);
    nsf_store_close(store);
}

static void merge(const char *folder, const char *into, const char *names)
{
    struct nsf_store *target = open_store(folder, into, NSF_STORE_WRITE);
    struct nsf_err err = NSF_ERR_INIT;
    for (const char *name = names; *name != '\0'; name++) {
        char one[2] = {*name, '\0'};
        struct nsf_store *from = open_store(folder, one, NSF_STORE_READ);
        must(nsf_store_merge(target, from, NULL, &err), &err);
        nsf_store_close(from);
    }
    nsf_store_close(target);
}

static const char *contents(const char *folder, const char *name)
{
    static char text[4096];
    size_t n = 0;
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_store *store = open_store(folder, name, NSF_STORE_READ);
    struct nsf_store_cursor *cursor;
    must(nsf_store_blobs(store, &cursor, &err), &err);
    text[0] = '\0';
    for (;;) {
        struct nsf_stored_blob blob;
        struct nsf_slice part;
        bool is_over;
        must(nsf_store_next(cursor, &blob, &is_over, &err), &err);
        if (is_over)
            break;
        assert_int_equal(blob.n_parts, 1);
        must(nsf_store_part(store, &blob, 0, &part, &err), &err);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s:%.*s", n == 0 ? "" : " ", NSF_SLICE_ARG(blob.key),
                              NSF_SLICE_ARG(part));
    }
    nsf_store_cursor_close(cursor);
    nsf_store_close(store);
    return text;
}

static void assert_last_rule(const char *folder, const char *name, const char *rule)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_store *store = open_store(folder, name, NSF_STORE_READ);
    struct nsf_scan scan;
    struct nsf_problems problems;
    bool has_scan;
    nsf_problems_init(&problems);
    must(nsf_store_last_scan(store, &scan, &problems, &has_scan, &err), &err);
    assert_true(has_scan);
    assert_int_equal(scan.n_findings, 1);
    assert_slice_equal(scan.findings[0].rule, rule);
    nsf_arena_release(&scan.arena);
    nsf_problems_release(&problems);
    nsf_store_close(store);
}

static void test_order_grouping_and_repetition_do_not_matter(void **state)
{
    char *folder = nsf_test_folder_new();
    fill(folder, "a", first, NSF_ARRAY_LEN(first), 100);
    fill(folder, "b", second, NSF_ARRAY_LEN(second), 300);
    fill(folder, "c", third, NSF_ARRAY_LEN(third), 200);
    static const char *const orders[] = {"abc", "acb", "bac", "bca", "cab", "cba", "aabbccab"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(orders); i++) {
        char name[8];
        snprintf(name, sizeof(name), "m%zu", i);
        merge(folder, name, orders[i]);
        assert_string_equal(contents(folder, name), all_of_them);
        assert_last_rule(folder, name, "b");
    }
    merge(folder, "x", "ab");
    merge(folder, "y", "bc");
    merge(folder, "z", "xc");
    assert_string_equal(contents(folder, "z"), all_of_them);
    merge(folder, "w", "ay");
    assert_string_equal(contents(folder, "w"), all_of_them);
    assert_last_rule(folder, "w", "b");
    nsf_test_folder_free(folder);
}

static void test_a_merge_that_is_stopped_says_so(void **state)
{
    char *folder = nsf_test_folder_new();
    fill(folder, "a", first, NSF_ARRAY_LEN(first), 100);
    struct nsf_store *into = open_store(folder, "m", NSF_STORE_WRITE), *from = open_store(folder, "a", NSF_STORE_READ);
    struct nsf_err err = NSF_ERR_INIT;
    volatile sig_atomic_t is_stopped = 1;
    assert_true(nsf_failed(nsf_store_merge(into, from, &is_stopped, &err)));
    assert_int_equal(err.code, NSF_E_INTERRUPTED);
    nsf_store_close(into);
    nsf_store_close(from);
    nsf_test_folder_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_grouping_and_repetition_do_not_matter),
        cmocka_unit_test(test_a_merge_that_is_stopped_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

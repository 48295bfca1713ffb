#include "core/nsf_common.h"

#include "core/problem.h"

#include "core/err.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/thread.h"

#include "support/nsf_test.h"

static void test_first_report_wins(void **state)
{
    struct nsf_err err = NSF_ERR_INIT;
    nsf_result r = NSF_FAIL(&err, NSF_E_JSON, 12, "bad %s", "thing");
    assert_true(nsf_failed(r));
    r = NSF_FAIL(&err, NSF_E_IO, 13, "later");
    assert_true(nsf_failed(r));
    assert_int_equal(err.code, NSF_E_JSON);
    assert_int_equal(err.offset, 12);
    assert_string_equal(err.text, "bad thing");
    assert_non_null(strstr(err.where, "test_problem.c:"));
    nsf_err_set_subject(&err, "a.json");
    nsf_err_set_subject(&err, "b.json");
    assert_string_equal(err.subject, "a.json");
    nsf_err_reset(&err);
    assert_int_equal(err.code, NSF_E_NONE);
    assert_int_equal(err.offset, NSF_OFFSET_NONE);
    assert_string_equal(err.subject, "");
    r = NSF_FAIL(NULL, NSF_E_IO, 0, "nobody listens");
    assert_true(nsf_failed(r));
    assert_false(nsf_failed(nsf_ok()));
}

static void test_long_texts_are_cut(void **state)
{
    char text[2000];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct nsf_err err = NSF_ERR_INIT;
    nsf_result r = NSF_FAIL(&err, NSF_E_JSON, 0, "%s", text);
    assert_true(nsf_failed(r));
    nsf_err_set_subject(&err, text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_int_equal(strlen(err.subject), sizeof(err.subject) - 1);
}

static void test_codes_have_names_and_statuses(void **state)
{
    for (int code = NSF_E_NONE; code <= NSF_E_INTERRUPTED; code++) {
        int status = nsf_code_status((enum nsf_code)code);
        assert_true(status == 0 || status == 2 || status == 3 || status == 4 || status == 130);
        assert_true(nsf_code_text((enum nsf_code)code)[0] != '\0');
        for (int other = NSF_E_NONE; other < code; other++)
            assert_string_not_equal(nsf_code_name((enum nsf_code)code), nsf_code_name((enum nsf_code)other));
    }
    assert_string_equal(nsf_code_name(NSF_E_TRUNCATED), "truncated");
    assert_int_equal(nsf_code_status(NSF_E_INTERRUPTED), 130);
}

static void add(struct nsf_problems *list, const char *path, uint64_t offset)
{
    nsf_problems_add(list,
                     &(struct nsf_problem){.path = S(path), .offset = offset, .code = NSF_E_JSON, .detail = S("d")});
}

static void test_sorted_by_path_and_offset(void **state)
{
    struct nsf_problems list;
    nsf_problems_init(&list);
    add(&list, "b", 1);
    add(&list, "a", NSF_OFFSET_NONE);
    add(&list, "a", 9);
    add(&list, "B", 3);
    add(&list, "a", 2);
    nsf_problems_finish(&list);
    static const struct {
        const char *path;
        uint64_t offset;
    } expected[] = {{"B", 3}, {"a", 2}, {"a", 9}, {"a", NSF_OFFSET_NONE}, {"b", 1}};
    assert_int_equal(list.n, NSF_ARRAY_LEN(expected));
    for (size_t i = 0; i < list.n; i++) {
        assert_slice_equal(list.items[i].path, expected[i].path);
        assert_int_equal(list.items[i].offset, expected[i].offset);
        assert_int_equal(list.items[i].count, 1);
    }
    nsf_problems_release(&list);
}

/* Which problems are shown must not depend on who reported first, nor on how the lists were divided. */
static void test_bound_keeps_the_smallest_whatever_the_order(void **state)
{
    enum {
        N = 20000
    };
    for (int way = 0; way < 3; way++) {
        struct nsf_problems list, part;
        nsf_problems_init(&list);
        nsf_problems_init(&part);
        for (uint64_t i = 0; i < N; i++) {
            /* up, down, and a walk in steps that are prime to N, divided between two lists */
            uint64_t offset = way == 0 ? i : way == 1 ? N - 1 - i : i * 7919 % N;
            add(way == 2 && i % 3 == 0 ? &part : &list, "p", offset);
        }
        nsf_problems_merge(&list, &part);
        nsf_problems_release(&part);
        assert_int_equal(nsf_problems_total(&list), N);
        nsf_problems_finish(&list);
        assert_int_equal(list.n, NSF_PROBLEMS_MAX);
        for (size_t i = 0; i < list.n; i++)
            assert_int_equal(list.items[i].offset, i);
        assert_int_equal(list.n_dropped, N - NSF_PROBLEMS_MAX);
        assert_int_equal(nsf_problems_total(&list), N);
        nsf_problems_release(&list);
    }
}

static void test_problem_of_an_error(void **state)
{
    struct nsf_problems list;
    nsf_problems_init(&list);
    struct nsf_err err = NSF_ERR_INIT;
    nsf_result r = NSF_FAIL(&err, NSF_E_GZIP, 77, "a check sum is wrong");
    assert_true(nsf_failed(r));
    nsf_problems_add_err(&list, S("x.gz"), &err);
    nsf_err_reset(&err);
    nsf_problems_finish(&list);
    assert_slice_equal(list.items[0].path, "x.gz");
    assert_slice_equal(list.items[0].detail, "a check sum is wrong");
    assert_int_equal(list.items[0].code, NSF_E_GZIP);
    assert_int_equal(list.items[0].offset, 77);
    nsf_problems_release(&list);
}

static void test_hashes(void **state)
{
    /* Seeds and bytes matter, and the empty input has a hash. */
    assert_int_equal(nsf_hash_bytes("abc", 3, 1), nsf_hash_bytes("abc", 3, 1));
    assert_int_not_equal(nsf_hash_bytes("abc", 3, 1), nsf_hash_bytes("abc", 3, 2));
    assert_int_not_equal(nsf_hash_bytes("abc", 3, 1), nsf_hash_bytes("abd", 3, 1));
    assert_int_equal(nsf_hash_bytes(NULL, 0, 5), nsf_hash_bytes("", 0, 5));
    struct nsf_fingerprint a = nsf_hash_fingerprint("abc", 3, 1), b = nsf_hash_fingerprint("abc", 3, 2);
    assert_true(a.hi != b.hi && a.lo != b.lo);
    assert_int_not_equal(nsf_hash_random_seed(), nsf_hash_random_seed());
    /* Consecutive integers, as addresses are, spread over the low bits. */
    unsigned used = 0;
    bool seen[256] = {false};
    for (uint64_t i = 0; i < 256; i++) {
        bool *slot = &seen[nsf_hash_mix(i, 99) & 255];
        used += !*slot;
        *slot = true;
    }
    assert_in_range(used, 130, 256);
}

struct turn {
    struct nsf_mutex *mutex;
    struct nsf_cond *cond;
    unsigned n_waiting;
    bool is_open;
    unsigned n_done;
};

static void wait_for_the_gate(void *arg)
{
    struct turn *turn = arg;
    nsf_mutex_lock(turn->mutex);
    turn->n_waiting++;
    nsf_cond_broadcast(turn->cond);
    while (!turn->is_open)
        nsf_cond_wait(turn->cond, turn->mutex);
    turn->n_done++;
    nsf_mutex_unlock(turn->mutex);
}

static void test_threads(void **state)
{
    struct turn turn = {.mutex = nsf_mutex_new(), .cond = nsf_cond_new()};
    struct nsf_thread *threads[8];
    for (size_t i = 0; i < NSF_ARRAY_LEN(threads); i++) {
        threads[i] = nsf_thread_start(wait_for_the_gate, &turn);
        assert_non_null(threads[i]);
    }
    nsf_mutex_lock(turn.mutex);
    while (turn.n_waiting < NSF_ARRAY_LEN(threads))
        nsf_cond_wait(turn.cond, turn.mutex);
    assert_int_equal(turn.n_done, 0);
    assert_false(nsf_cond_wait_ms(turn.cond, turn.mutex, 20));
    turn.is_open = true;
    nsf_cond_broadcast(turn.cond);
    nsf_mutex_unlock(turn.mutex);
    for (size_t i = 0; i < NSF_ARRAY_LEN(threads); i++)
        nsf_thread_join(threads[i]);
    assert_int_equal(turn.n_done, NSF_ARRAY_LEN(threads));
    nsf_cond_free(turn.cond);
    nsf_mutex_free(turn.mutex);
    nsf_cond_free(NULL);
    nsf_mutex_free(NULL);
    assert_true(nsf_thread_processors() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_report_wins),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_codes_have_names_and_statuses),
        cmocka_unit_test(test_sorted_by_path_and_offset),
        cmocka_unit_test(test_bound_keeps_the_smallest_whatever_the_order),
        cmocka_unit_test(test_problem_of_an_error),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

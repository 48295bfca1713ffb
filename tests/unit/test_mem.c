#include "core/nsf_common.h"

#include "core/mem.h"

#include "core/arena.h"
#include "core/buf.h"
#include "core/intern.h"

#include "support/nsf_test.h"

#include <unistd.h>

static void exhaust_by_count(void *arg)
{
    nsf_mem_fail_after(*(const uint64_t *)arg);
    nsf_free(nsf_malloc(1));
    nsf_free(nsf_calloc(1, 1));
    nsf_free(nsf_realloc(NULL, 1));
}

static void leave_with_9(void)
{
    _exit(9);
}

static void exhaust_with_handler(void *arg)
{
    nsf_mem_on_exhaustion(leave_with_9);
    exhaust_by_count(arg);
}

static void multiply_too_far(void *arg)
{
    /* volatile: the compiler would refuse the constant */
    volatile size_t n = SIZE_MAX / 2;
    nsf_free(nsf_realloc_array(NULL, n, 3));
}

static void add_too_far(void *arg)
{
    volatile size_t n = SIZE_MAX;
    nsf_free(nsf_malloc(nsf_add_size(n, 1)));
}

static void test_exhaustion_ends_with_status_4(void **state)
{
    for (uint64_t nth = 1; nth <= 3; nth++)
        assert_int_equal(nsf_test_status_of(exhaust_by_count, &nth), 4);
    uint64_t nth = 4;
    assert_int_equal(nsf_test_status_of(exhaust_by_count, &nth), 0);
    nth = 0;
    assert_int_equal(nsf_test_status_of(exhaust_by_count, &nth), 0);
    nth = 1;
    assert_int_equal(nsf_test_status_of(exhaust_with_handler, &nth), 9);
    assert_int_equal(nsf_test_status_of(multiply_too_far, NULL), 4);
    assert_int_equal(nsf_test_status_of(add_too_far, NULL), 4);
}

static void test_sizes_of_nothing(void **state)
{
    nsf_free(nsf_malloc(0));
    nsf_free(nsf_calloc(0, 8));
    nsf_free(nsf_calloc(8, 0));
    nsf_free(nsf_realloc(nsf_malloc(1), 0));
    nsf_free(NULL);
    char *copy = nsf_strdup_n(NULL, 0);
    assert_string_equal(copy, "");
    nsf_free(copy);
    copy = nsf_strdup_n("abcdef", 3);
    assert_string_equal(copy, "abc");
    nsf_free(copy);
}

static void test_grow_keeps_what_is_there(void **state)
{
    uint32_t *items = NULL;
    size_t capacity = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        NSF_GROW(items, capacity, (size_t)i + 1);
        items[i] = i;
    }
    assert_in_range(capacity, 1000, 2048);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    NSF_GROW(items, capacity, 5000);
    assert_true(capacity >= 5000);
    assert_int_equal(items[999], 999);
    nsf_free(items);
}

static void test_arena_adopts(void **state)
{
    struct nsf_arena arena, other;
    const char *texts[300];
    nsf_arena_init(&arena);
    nsf_arena_init(&other);
    nsf_arena_adopt(&arena, &other); /* nothing by nothing */
    for (size_t i = 0; i < NSF_ARRAY_LEN(texts); i++) {
        texts[i] = nsf_arena_printf(i % 3 == 0 ? &arena : &other, "%0*zu", (int)(i * 7 % 900), i);
        if (i % 50 == 49)
            nsf_arena_adopt(&arena, &other);
        if (i % 100 == 99)
            nsf_arena_adopt(&arena, &other); /* an empty one */
    }
    assert_null(other.head);
    nsf_arena_release(&other);
    for (size_t i = 0; i < NSF_ARRAY_LEN(texts); i++)
        assert_int_equal(strtoul(texts[i], NULL, 10), i);
    nsf_arena_release(&arena);
}

static void test_arena(void **state)
{
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    nsf_arena_reset(&arena);
    for (int round = 0; round < 3; round++) {
        char *pieces[400];
        /* Small ones, some at the size of a block and one larger than any. */
        for (size_t i = 0; i < NSF_ARRAY_LEN(pieces); i++) {
            size_t size = i == 200 ? (size_t)3 << 20 : i * 37 % 5000;
            pieces[i] = nsf_arena_alloc(&arena, size);
            assert_int_equal((uintptr_t)pieces[i] % 16, 0);
            memset(pieces[i], (int)(i & 0x7F), size);
        }
        for (size_t i = 0; i < NSF_ARRAY_LEN(pieces); i++) {
            size_t size = i == 200 ? (size_t)3 << 20 : i * 37 % 5000;
            for (size_t at = 0; at < size; at += 61)
                assert_int_equal(pieces[i][at], i & 0x7F);
        }
        assert_true(arena.total_bytes >= (size_t)3 << 20);
        nsf_arena_reset(&arena);
        assert_int_equal(arena.total_bytes, 0);
    }
    const unsigned char *zeroed = nsf_arena_zalloc(&arena, 100, 7);
    for (size_t i = 0; i < 700; i++)
        assert_int_equal(zeroed[i], 0);
    struct nsf_slice copy = nsf_arena_copy(&arena, S("text"));
    assert_slice_equal(copy, "text");
    assert_int_equal(copy.ptr[4], '\0');
    assert_string_equal(nsf_arena_copy(&arena, nsf_slice(NULL, 0)).ptr, "");
    assert_string_equal(nsf_arena_printf(&arena, "%s-%d", "a", 5), "a-5");
    nsf_arena_release(&arena);
    nsf_arena_release(&arena);
}

static void test_buf_holds_its_bound(void **state)
{
    struct nsf_buf buf;
    nsf_buf_init(&buf, 10);
    assert_true(nsf_buf_append(&buf, "12345", 5));
    assert_true(nsf_buf_append(&buf, NULL, 0));
    assert_false(nsf_buf_append(&buf, "123456", 6));
    assert_slice_equal(nsf_buf_slice(&buf), "12345");
    assert_null(nsf_buf_reserve(&buf, SIZE_MAX));
    assert_true(nsf_buf_append(&buf, "67890", 5));
    assert_false(nsf_buf_append(&buf, "x", 1));
    assert_string_equal(nsf_buf_str(&buf), "1234567890");
    nsf_buf_reset(&buf);
    assert_false(nsf_buf_printf(&buf, "%s", "12345678901"));
    assert_int_equal(buf.len, 0);
    assert_true(nsf_buf_printf(&buf, "%d%s", 12, "ab"));
    nsf_buf_add_char(&buf, '!');
    nsf_buf_add_str(&buf, "z");
    assert_string_equal(nsf_buf_str(&buf), "12ab!z");
    nsf_buf_release(&buf);
    assert_int_equal(buf.max, 10);
}

static void overfill(void *arg)
{
    struct nsf_buf buf;
    nsf_buf_init(&buf, 3);
    nsf_buf_add_str(&buf, "four");
}

static void test_buf_that_must_fit_is_a_bug_when_it_does_not(void **state)
{
    assert_int_equal(nsf_test_status_of(overfill, NULL), 128 + 6);
}

static void test_intern(void **state)
{
    struct nsf_intern table;
    nsf_intern_init(&table, 42);
    assert_int_equal(nsf_intern_find(&table, S("none")), NSF_INTERN_NONE);
    char text[32];
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 3000; i++) {
            snprintf(text, sizeof(text), "name-%u", i);
            assert_int_equal(nsf_intern_add(&table, S(text)), i);
        }
    assert_int_equal(nsf_intern_add(&table, S("")), 3000);
    assert_int_equal(nsf_intern_add(&table, nsf_slice(NULL, 0)), 3000);
    assert_int_equal(nsf_intern_add(&table, nsf_slice("a\0b", 3)), 3001);
    assert_int_equal(nsf_intern_find(&table, nsf_slice("a\0c", 3)), NSF_INTERN_NONE);
    assert_int_equal(nsf_intern_find(&table, S("name-2999")), 2999);
    assert_slice_equal(nsf_intern_get(&table, 17), "name-17");
    assert_int_equal(table.n, 3002);
    nsf_intern_release(&table);
    assert_int_equal(nsf_intern_add(&table, S("again")), 0);
    nsf_intern_release(&table);
}

/* However the heap is laid out, blocks of all sizes hold what was put into them, also when they grow. */
static void test_expecting_much_changes_no_block(void **state)
{
    enum { BLOCKS = 40 };
    unsigned char *blocks[BLOCKS];
    nsf_mem_expect_much();
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            blocks[i] = nsf_malloc((size_t)1 << (i / 2));
            memset(blocks[i], (int)i, (size_t)1 << (i / 2));
        }
        for (size_t i = 0; i < BLOCKS; i++) {
            const size_t n_bytes = (size_t)1 << (i / 2);
            blocks[i] = nsf_realloc(blocks[i], 2 * n_bytes);
            assert_int_equal(blocks[i][0], i);
            assert_int_equal(blocks[i][n_bytes - 1], i);
        }
        for (size_t i = 0; i < BLOCKS; i++)
            nsf_free(blocks[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exhaustion_ends_with_status_4),
        cmocka_unit_test(test_sizes_of_nothing),
        cmocka_unit_test(test_grow_keeps_what_is_there),
        cmocka_unit_test(test_arena_adopts),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_buf_holds_its_bound),
        cmocka_unit_test(test_buf_that_must_fit_is_a_bug_when_it_does_not),
        cmocka_unit_test(test_intern),
        cmocka_unit_test(test_expecting_much_changes_no_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

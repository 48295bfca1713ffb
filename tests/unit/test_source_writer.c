#include "core/nsf_common.h"

#include "report/source_writer.h"

#include "core/mem.h"
#include "support/nsf_test.h"

#include <sched.h>
#include <stdatomic.h>

/* A review whose rows are their own numbers. */
static void read_row(const struct nsf_review *review, size_t rule_idx, uint64_t source_idx,
                     struct nsf_mail_source *source)
{
    (void)review;
    *source = (struct nsf_mail_source){.n_merged = 1, .connections = source_idx * 3 + rule_idx};
}

struct nsf_review_desk {
    atomic_int n_readers; /* at this desk now */
};

static atomic_int n_open;
static atomic_bool is_shared; /* a desk was, which no thread may: asserts are for the main one */

static struct nsf_review_desk *open_desk(const struct nsf_review *review)
{
    (void)review;
    atomic_fetch_add(&n_open, 1);
    return nsf_calloc(1, sizeof(struct nsf_review_desk));
}

static void close_desk(struct nsf_review_desk *desk)
{
    atomic_fetch_sub(&n_open, 1);
    nsf_free(desk);
}

static void read_at_desk(const struct nsf_review *review, struct nsf_review_desk *desk, size_t rule_idx,
                         uint64_t source_idx, struct nsf_mail_source *source)
{
    if (atomic_fetch_add(&desk->n_readers, 1) != 0)
        atomic_store(&is_shared, true);
    read_row(review, rule_idx, source_idx, source);
    /* Some rows take longer than all of the others together: chunks are done out of order. */
    for (int i = 0; source_idx % 1009 == 5 && i < 200; i++)
        sched_yield();
    atomic_fetch_sub(&desk->n_readers, 1);
}

static const struct nsf_review_desks desks = {open_desk, close_desk, read_at_desk};

static void write_number(const void *ctx, struct nsf_out *out, uint64_t row_idx, const struct nsf_mail_source *source)
{
    nsf_out_printf(out, "%s%llu:%llu%s\n", (const char *)ctx, (unsigned long long)row_idx,
                   (unsigned long long)source->connections, source->is_rest ? " in all" : "");
}

static void write_rows(uint64_t n_sources, uint64_t top, unsigned jobs, struct nsf_buf *buf)
{
    struct nsf_review_rule rules[2] = {{.n_sources = 3}, {.n_sources = n_sources}};
    struct nsf_review review = {.rules = rules, .n_rules = 2, .read_source = read_row, .desks = &desks};
    struct nsf_out *out = nsf_out_new_buf(buf);
    nsf_out_str(out, "before\n");
    nsf_source_rows_write(&review, 1, top, jobs, out, write_number, "row ");
    nsf_out_str(out, "behind\n");
    assert_false(nsf_failed(nsf_out_close(out, NULL)));
    assert_int_equal(atomic_load(&n_open), 0);
    assert_false(atomic_load(&is_shared));
}

static void check(uint64_t n_sources, uint64_t top, unsigned jobs)
{
    struct nsf_buf ours, expected;
    nsf_buf_init(&ours, 16 << 20);
    nsf_buf_init(&expected, 16 << 20);
    write_rows(n_sources, top, jobs, &ours);
    uint64_t n_listed = top != 0 && top < n_sources ? top : n_sources, rest = 0;
    nsf_buf_add_str(&expected, "before\n");
    for (uint64_t i = 0; i < n_listed; i++)
        assert_true(nsf_buf_printf(&expected, "row %llu:%llu\n", (unsigned long long)i, (unsigned long long)i * 3 + 1));
    for (uint64_t i = n_listed; i < n_sources; i++)
        rest += i * 3 + 1;
    if (n_listed < n_sources)
        assert_true(nsf_buf_printf(&expected, "row %llu:%llu in all\n", (unsigned long long)n_listed,
                                   (unsigned long long)rest));
    nsf_buf_add_str(&expected, "behind\n");
    assert_string_equal(nsf_buf_str(&ours), nsf_buf_str(&expected));
    nsf_buf_release(&ours);
    nsf_buf_release(&expected);
}

/* None, one, around a chunk, around all that may be under way, and many. */
static void test_any_number_by_any_jobs(void **state)
{
    static const uint64_t sizes[] = {0, 1, 95, 96, 97, 192, 193, 767, 768, 769, 1000, 20000};
    for (size_t i = 0; i < NSF_ARRAY_LEN(sizes); i++)
        for (unsigned jobs = 0; jobs <= 5; jobs++) {
            check(sizes[i], 0, jobs);
            check(sizes[i], 700, jobs);
        }
}

static void test_often(void **state)
{
    for (int i = 0; i < 60; i++)
        check(4000, 0, 2 + (unsigned)i % 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_number_by_any_jobs),
        cmocka_unit_test(test_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

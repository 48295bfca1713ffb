#include "core/nsf_common.h"

#include "evidence/row_order.h"

#include "core/mem.h"
#include "support/nsf_test.h"

static uint64_t chance = 1;

static uint32_t below(uint32_t n)
{
    return (uint32_t)(nsf_test_random(&chance) % n);
}

static struct nsf_row_place place_of(const void *rows, uint32_t ref)
{
    return ((const struct nsf_row_place *)rows)[ref];
}

/* By the book, from the rows themselves. */
static bool is_in_order(const struct nsf_row_place *a, const struct nsf_row_place *b)
{
    if (a->messages != b->messages)
        return a->messages > b->messages;
    if (a->connections != b->connections)
        return a->connections > b->connections;
    return nsf_ip_cmp(a->src, b->src) < 0;
}

static struct nsf_row_place any_row(uint32_t number)
{
    static const uint64_t his[] = {0, UINT64_C(0x20010db800000000), UINT64_C(0x20010db800000001)};
    struct nsf_row_place row = {.connections = 1 + below(below(10) == 0 ? 1000 : 3)};
    row.messages = below(4) == 0 ? below(row.connections + 1) : 0;
    /* One number, spread so that the order of the addresses is another one; some IPv6 ones are below every IPv4 one. */
    uint64_t low = number * UINT32_C(2654435761);
    row.src = below(3) == 0 ? (struct nsf_ip){his[below(3)], low & 0xffffffff} : nsf_ip_from_v4((uint32_t)low);
    return row;
}

static void expect_row(const void *rows, uint32_t ref)
{
    __builtin_prefetch((const struct nsf_row_place *)rows + ref);
}

static void check(uint32_t n, unsigned jobs)
{
    struct nsf_row_place *rows = nsf_malloc((n + 1) * sizeof(*rows));
    uint32_t *refs = nsf_malloc((n + 1) * sizeof(*refs));
    bool *is_seen = nsf_calloc(n + 1, sizeof(*is_seen));
    for (uint32_t i = 0; i < n; i++) {
        rows[i] = any_row(i);
        refs[i] = i;
    }
    nsf_row_order_sort(refs, n, place_of, expect_row, rows, jobs);
    for (uint32_t i = 0; i < n; i++) {
        assert_false(is_seen[refs[i]]);
        is_seen[refs[i]] = true;
        assert_true(i == 0 || is_in_order(&rows[refs[i - 1]], &rows[refs[i]]));
    }
    nsf_free(rows);
    nsf_free(refs);
    nsf_free(is_seen);
}

static void test_orders(void **state)
{
    /* None, one, around one chunk, and several of them with a short last one. */
    static const uint32_t sizes[] = {0, 1, 2, 1000, 32767, 32768, 32769, 65536, 100000, 200001};
    for (size_t i = 0; i < NSF_ARRAY_LEN(sizes); i++)
        for (unsigned jobs = 0; jobs <= 3; jobs += 3)
            check(sizes[i], jobs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_orders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

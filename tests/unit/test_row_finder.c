#include "core/nsf_common.h"

#include "evidence/row_finder.h"

#include "core/mem.h"
#include "evidence/evidence_state.h"
#include "evidence/row_sums.h"
#include "support/nsf_test.h"

/* Which rows belong to one address, and what they add up to: told row by row, and by looking at all rows there are. */

#define T0 INT64_C(1767225600000)

struct world {
    uint32_t n_targets;
    uint32_t n_findings;
    uint32_t n_sources;
    uint32_t n_connections;
};

static struct nsf_ip source_of(uint32_t number)
{
    if (number % 5 == 0)
        return (struct nsf_ip){.hi = UINT64_C(0x20010db800000000) + number / 10, .lo = number % 10};
    return nsf_ip_from_v4(0x2d000000 + number * 7);
}

static void fill(struct nsf_evidence *evidence, const struct world *world)
{
    for (uint32_t i = 0; i < world->n_connections; i++) {
        struct nsf_ip src = source_of((uint32_t)rand() % world->n_sources);
        struct nsf_sources *sources = &evidence->partitions[nsf_partition_of(src)].sources;
        bool has_counters = rand() % 3 != 0;
        struct nsf_connection connection = {
            .counted_from_ms = T0, .counted_to_ms = T0, .attempts = 1, .tuples = 1, .has_counters = has_counters};
        struct nsf_finished finished = {
            .src = src,
            .target = (uint32_t)rand() % world->n_targets,
            .class_ = has_counters ? (enum nsf_connection_class)(1 + rand() % (NSF_CLASSES - 1)) : NSF_CLASS_UNKNOWN,
            .connection = &connection,
        };
        finished.hash = nsf_sources_hash(sources, finished.target, src);
        nsf_sources_add(sources, &finished);
    }
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        nsf_sources_finish(&evidence->partitions[p].sources);
}

/* The rows of one address are told once each, and no others; their smallest number and their sum. */
static void check_row(const struct nsf_row_finder *finder, struct nsf_row_ref row, uint32_t *first,
                      struct nsf_row_sum *sum)
{
    const struct nsf_source_rows *rows = &finder->evidence->partitions[row.partition].sources.rows;
    struct nsf_ip src = nsf_row_finder_address(finder, row.partition, row.row_idx);
    struct nsf_row_cursor beside = nsf_row_finder_beside(finder, row), of = nsf_row_finder_of(finder, src);
    uint32_t n = 0, n_told = 0, told;
    *first = NSF_INDEX_NONE;
    *sum = (struct nsf_row_sum){0};
    for (uint32_t i = 0; i < rows->n; i++) {
        if (!nsf_ip_eq(nsf_row_finder_address(finder, row.partition, i), src))
            continue;
        *first = *first == NSF_INDEX_NONE ? i : *first;
        nsf_row_sum_add(sum, rows, i);
        n++;
    }
    for (uint64_t seen = 0; (told = nsf_row_finder_next(finder, &beside)) != NSF_INDEX_NONE;
         seen = told + UINT64_C(1)) {
        assert_true(nsf_ip_eq(nsf_row_finder_address(finder, row.partition, told), src));
        assert_true(finder->n_targets <= NSF_ROW_FINDER_FEW || told >= seen); /* ascending, so none comes twice */
        assert_int_equal(nsf_row_finder_next(finder, &of), told);
        n_told++;
    }
    assert_int_equal(nsf_row_finder_next(finder, &of), NSF_INDEX_NONE);
    assert_int_equal(n_told, n);
    assert_int_equal(nsf_row_finder_first_beside(finder, row.partition, row.row_idx), *first);
}

static uint32_t check_partition(const struct nsf_row_finder *finder, unsigned partition)
{
    struct nsf_row_sums sums;
    uint32_t n_known = 0;
    nsf_row_sums_init(&sums, finder, partition);
    for (uint32_t i = 0; i < nsf_row_finder_count(finder, partition); i++) {
        struct nsf_row_sum expected;
        uint32_t first;
        check_row(finder, (struct nsf_row_ref){partition, i}, &first, &expected);
        const struct nsf_row_sum *sum = nsf_row_sums_find(&sums, first);
        if (sum == NULL)
            continue;
        n_known++;
        assert_int_equal(sum->connections, expected.connections);
        assert_memory_equal(sum->classes, expected.classes, sizeof(sum->classes));
    }
    nsf_row_sums_release(&sums);
    return n_known;
}

static void test_rows_of_an_address(void **state)
{
    (void)state;
    static const struct world worlds[] = {
        {1, 1, 90, 400}, {3, 2, 90, 900}, {8, 8, 60, 900}, {9, 4, 60, 900}, {200, 150, 60, 6000}, {2, 1, 0x7fff, 4000},
    };
    srand(3);
    for (size_t w = 0; w < NSF_ARRAY_LEN(worlds); w++) {
        struct nsf_scan scan = {.n_findings = worlds[w].n_findings};
        struct nsf_evidence *evidence = nsf_calloc(1, sizeof(*evidence));
        struct nsf_row_finder finder;
        uint32_t n_known = 0;
        evidence->scan = &scan;
        for (unsigned p = 0; p < NSF_PARTITIONS; p++)
            nsf_sources_init(&evidence->partitions[p].sources, 11);
        fill(evidence, &worlds[w]);
        nsf_row_finder_init(&finder, evidence);
        for (unsigned p = 0; p < NSF_PARTITIONS; p++)
            n_known += check_partition(&finder, p);
        assert_true(worlds[w].n_targets > NSF_ROW_FINDER_FEW ? n_known > 100 : n_known == 0);
        nsf_row_finder_release(&finder);
        for (unsigned p = 0; p < NSF_PARTITIONS; p++)
            nsf_sources_release(&evidence->partitions[p].sources);
        nsf_free(evidence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

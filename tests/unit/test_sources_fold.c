#include "core/nsf_common.h"

#include "evidence/sources.h"

#include "core/clock.h"
#include "flow/batch.h"
#include "support/nsf_test.h"

/* The table of one partition with a bound, beside one without. */

#define T0 INT64_C(1767225600000)
#define N_FINDINGS 2u
#define N_TARGETS 3u
#define N_SOURCES 40000u

static uint64_t random_state;

static uint32_t below(uint32_t n)
{
    return (uint32_t)(nsf_test_random(&random_state) % n);
}

struct seen {
    struct nsf_finished finished;
    struct nsf_connection connection;
};

static struct nsf_ip source_of(uint32_t n)
{
    return n % 4 == 0 ? (struct nsf_ip){UINT64_C(0x20010db8) << 32, n} : nsf_ip_from_v4(n * 7919);
}

static void make(struct seen *seen)
{
    uint32_t n = below(N_SOURCES), class_ = below(40) == 0 ? NSF_CLASS_MESSAGE : below(NSF_CLASS_MESSAGE);
    int64_t ts_ms = T0 + (int64_t)below(20) * NSF_MS_PER_DAY + below(1000);
    *seen = (struct seen){
        .finished = {.src = source_of(n),
                     .dst_id = below(5),
                     .target = n % N_TARGETS,
                     .src_port = (uint16_t)below(60000),
                     .class_ = (enum nsf_connection_class)class_},
        .connection = {.first_ms = ts_ms,
                       .last_ms = ts_ms + below(100000),
                       .counted_from_ms = ts_ms,
                       .attempts = 1 + below(3),
                       .tuples = 1 + below(4),
                       .has_counters = class_ != NSF_CLASS_UNKNOWN},
    };
    seen->connection.counted_to_ms = seen->connection.last_ms;
    if (seen->connection.has_counters)
        seen->connection.total =
            (struct nsf_counters){below(100), below(1000), below(50) == 0 ? UINT64_C(1) << 40 : 1, 7};
}

static void add(struct nsf_sources *sources, const struct seen *seen)
{
    struct nsf_finished finished = seen->finished;
    finished.hash = nsf_sources_hash(sources, finished.target, finished.src);
    finished.connection = &seen->connection;
    nsf_sources_add(sources, &finished);
}

static struct nsf_sources *table_of(const struct seen *seen, size_t n, uint64_t max_sources)
{
    struct nsf_sources *sources = nsf_malloc(sizeof(*sources));
    nsf_sources_init(sources, 3);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(nsf_addresses_id(&sources->addresses, nsf_ip_from_v4(0x0a000000 + i)), i);
    nsf_sources_set_limit(sources, N_FINDINGS, max_sources);
    for (size_t i = 0; i < n; i++)
        add(sources, &seen[i]);
    nsf_sources_finish(sources);
    return sources;
}

static void table_free(struct nsf_sources *sources)
{
    nsf_sources_release(sources);
    nsf_free(sources);
}

static struct nsf_source_sum total_of(const struct nsf_sources *sources, uint32_t target)
{
    struct nsf_source_sum sum = NSF_SOURCE_SUM_INIT;
    const struct nsf_source_sum *folded = nsf_sources_folded(sources, target);
    if (folded != NULL)
        nsf_source_sum_join(&sum, folded);
    sum.late_senders = 0;
    for (uint32_t i = 0; i < sources->rows.n; i++)
        if (nsf_source_row_target(nsf_sources_row(sources, i)) == target)
            nsf_sources_sum_row(sources, nsf_sources_row(sources, i), &sum);
    return sum;
}

static void assert_same_row(const struct nsf_sources *a, uint32_t row_a, const struct nsf_sources *b, uint32_t row_b)
{
    const struct nsf_source_row *x = nsf_sources_row(a, row_a), *y = nsf_sources_row(b, row_b);
    struct nsf_source_counts counts_x, counts_y;
    struct nsf_mail_source to_x, to_y;
    struct nsf_traits *scratch_x = NULL, *scratch_y = NULL;
    nsf_source_row_counts(&a->rows, x, &counts_x);
    nsf_source_row_counts(&b->rows, y, &counts_y);
    assert_memory_equal(&counts_x, &counts_y, sizeof(counts_x));
    nsf_sources_destinations(a, row_a, &to_x);
    nsf_sources_destinations(b, row_b, &to_y);
    assert_int_equal(to_x.n_destinations, to_y.n_destinations);
    assert_memory_equal(to_x.destinations, to_y.destinations, to_x.n_destinations * sizeof(to_x.destinations[0]));
    const struct nsf_traits *traits_x = nsf_sources_traits(a, row_a, NSF_TRAITS_ALL, &scratch_x);
    const struct nsf_traits *traits_y = nsf_sources_traits(b, row_b, NSF_TRAITS_ALL, &scratch_y);
    for (unsigned i = 0; i < NSF_TRAIT_LISTS; i++) {
        struct nsf_u32_view left = nsf_traits_list(traits_x, (enum nsf_trait_list)i);
        struct nsf_u32_view right = nsf_traits_list(traits_y, (enum nsf_trait_list)i);
        assert_int_equal(left.n, right.n);
        if (left.n > 0)
            assert_memory_equal(left.items, right.items, left.n * sizeof(*left.items));
    }
    nsf_free(scratch_x);
    nsf_free(scratch_y);
}

static int cmp_ranks(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The rank of the last row that has to be there: the findings' share, by all that was seen. */
static uint64_t last_rank(const struct nsf_sources *whole, uint32_t share)
{
    uint64_t *ranks = nsf_calloc(whole->rows.n, sizeof(*ranks));
    uint32_t n = 0;
    for (uint32_t i = 0; i < whole->rows.n; i++)
        if (nsf_source_row_target(nsf_sources_row(whole, i)) < N_FINDINGS)
            ranks[n++] = nsf_sources_rank(whole, nsf_sources_row(whole, i));
    assert_true(share < n);
    qsort(ranks, n, sizeof(*ranks), cmp_ranks);
    uint64_t rank = ranks[share - 1];
    nsf_free(ranks);
    return rank;
}

/* Totals are those of the whole; those who rank first are there, and all there is to know of the silent ones. */
static void assert_folded_well(const struct nsf_sources *sources, const struct nsf_sources *whole, uint32_t share)
{
    for (uint32_t target = 0; target < N_TARGETS; target++) {
        struct nsf_source_sum a = total_of(sources, target), b = total_of(whole, target);
        assert_memory_equal(&a, &b, sizeof(a));
    }
    assert_int_equal(sources->n_target_days, whole->n_target_days);
    for (uint32_t id = 0; id < 5; id++)
        assert_int_equal(nsf_sources_is_speaking(sources, id), nsf_sources_is_speaking(whole, id));
    uint64_t last = last_rank(whole, share);
    for (uint32_t i = 0; i < whole->rows.n; i++) {
        const struct nsf_source_row *row = nsf_sources_row(whole, i);
        uint32_t target = nsf_source_row_target(row);
        struct nsf_ip src = nsf_source_row_src(&whole->rows, row);
        uint32_t found = nsf_sources_find(sources, target, src);
        bool is_first = target < N_FINDINGS && nsf_sources_rank(whole, row) <= last;
        assert_true(found != NSF_INDEX_NONE || !is_first);
        if (found == NSF_INDEX_NONE)
            continue;
        if (nsf_source_rank(src, false) <= sources->limit.rank_max[target >= N_FINDINGS])
            assert_same_row(sources, found, whole, i);
        assert_int_equal(nsf_source_row_class(&sources->rows, nsf_sources_row(sources, found), NSF_CLASS_MESSAGE),
                         nsf_source_row_class(&whole->rows, row, NSF_CLASS_MESSAGE));
    }
}

static void shuffle(struct seen *seen, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t at = below((uint32_t)i);
        struct seen swapped = seen[i - 1];
        seen[i - 1] = seen[at];
        seen[at] = swapped;
    }
}

static void test_a_bound_folds_the_last_ranks(void **state)
{
    (void)state;
    enum {
        CONNECTIONS = 120000
    };
    struct seen *seen = nsf_malloc(CONNECTIONS * sizeof(*seen));
    random_state = 11;
    for (size_t i = 0; i < CONNECTIONS; i++)
        make(&seen[i]);
    struct nsf_sources *whole = table_of(seen, CONNECTIONS, 0);
    for (int round = 0; round < 4; round++) {
        /* Shares of a partition: some senders of mail have to go, all of them may stay, hardly anyone has to go. */
        static const uint32_t shares[] = {1, 500, 3000, 15000};
        uint32_t share = shares[round];
        shuffle(seen, CONNECTIONS);
        struct nsf_sources *sources = table_of(seen, CONNECTIONS, (uint64_t)(share - 1) * NSF_PARTITIONS);
        const struct nsf_sources_limit *limit = &sources->limit;
        if (round == 0) { /* no bound after all */
            assert_int_equal(limit->max_rows, 0);
            assert_int_equal(sources->rows.n, whole->rows.n);
        } else {
            assert_true(limit->n_rows[0] <= limit->max_rows && limit->n_rows[1] <= limit->max_rows);
            assert_int_equal(limit->n_rows[0] + limit->n_rows[1], sources->rows.n);
            assert_true(sources->rows.n < whole->rows.n);
        }
        assert_folded_well(sources, whole, share);
        assert_false(limit->is_at_least);
        table_free(sources);
    }
    table_free(whole);
    nsf_free(seen);
}

/* More sources in the sums than are remembered: all but their number stays exact, and it is not too high. */
static void test_sources_past_all_bounds(void **state)
{
    (void)state;
    enum {
        CONNECTIONS = 60000
    };
    struct seen *seen = nsf_malloc(CONNECTIONS * sizeof(*seen));
    struct nsf_sources *whole, bounded;
    random_state = 12;
    for (size_t i = 0; i < CONNECTIONS; i++)
        make(&seen[i]);
    whole = table_of(seen, CONNECTIONS, 0);
    nsf_sources_init(&bounded, 3);
    nsf_sources_set_limit(&bounded, N_FINDINGS, 1000);
    bounded.limit.max_known = 200;
    for (size_t i = 0; i < CONNECTIONS; i++)
        add(&bounded, &seen[i]);
    assert_true(bounded.limit.is_at_least);
    for (uint32_t target = 0; target < N_TARGETS; target++) {
        struct nsf_source_sum a = total_of(&bounded, target), b = total_of(whole, target);
        assert_true(a.sources < b.sources);
        a.sources = b.sources;
        assert_memory_equal(&a, &b, sizeof(a));
    }
    nsf_sources_release(&bounded);
    table_free(whole);
    nsf_free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bound_folds_the_last_ranks),
        cmocka_unit_test(test_sources_past_all_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

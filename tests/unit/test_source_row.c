#include "core/nsf_common.h"

#include "evidence/source_row.h"

#include "core/clock.h"
#include "core/index.h"
#include "support/nsf_test.h"

/* Rows against plain sums, also where numbers no longer fit into a row. */

#define T0 INT64_C(1767225600000)
#define N_ROWS 40u

static uint64_t random_state;

static uint32_t below(uint32_t n)
{
    return (uint32_t)(nsf_test_random(&random_state) % n);
}

struct plain {
    struct nsf_ip src;
    uint32_t target;
    struct nsf_source_counts counts;
    int64_t days[4096];
};

static void count_plain(struct plain *plain, const struct nsf_connection *connection, enum nsf_connection_class class_)
{
    struct nsf_source_counts *counts = &plain->counts;
    int64_t from_ms = connection->counted_from_ms, to_ms = connection->counted_to_ms;
    for (int64_t day = nsf_time_day(from_ms); day <= nsf_time_day(to_ms); day++) {
        uint32_t i = 0;
        while (i < counts->days && plain->days[i] != day)
            i++;
        if (i == counts->days)
            plain->days[counts->days++] = day;
    }
    if (counts->connections == 0 || from_ms < counts->first_ms)
        counts->first_ms = from_ms;
    if (counts->connections == 0 || to_ms > counts->last_ms)
        counts->last_ms = to_ms;
    if (connection->has_counters)
        nsf_counters_add(&counts->counters, &connection->total);
    counts->connections++;
    counts->attempts += connection->attempts;
    counts->tuples += connection->tuples;
    counts->classes[class_]++;
}

/* Mostly small; each row has its own way of growing past what fits. */
static void make(uint32_t row, struct nsf_connection *connection, enum nsf_connection_class *class_)
{
    *class_ = (enum nsf_connection_class)below(NSF_CLASSES);
    int64_t ts_ms = T0 + (int64_t)below(row % 8 == 1 ? 60 : 5) * NSF_MS_PER_DAY - below(NSF_MS_PER_DAY);
    if (row % 8 == 2)
        ts_ms = below(3) == 0 ? below(100000) : T0 * 2;
    *connection = (struct nsf_connection){
        .counted_from_ms = ts_ms,
        .counted_to_ms = ts_ms + (below(4) == 0 ? 3 * NSF_MS_PER_DAY : below(100000)),
        .attempts = row % 8 == 3 ? below(50000) : 1,
        .tuples = row % 8 == 4 ? below(50000) : 2,
        .has_counters = *class_ != NSF_CLASS_UNKNOWN,
    };
    uint64_t scale = row % 8 == 5 ? UINT64_C(1) << below(64) : row % 8 == 6 ? UINT32_MAX / 8 : 1;
    if (connection->has_counters)
        connection->total = (struct nsf_counters){below(100), below(4) * scale, below(100), below(3) * scale};
}

static void assert_row(const struct nsf_source_rows *rows, uint32_t row_idx, const struct plain *plain)
{
    const struct nsf_source_row *row = nsf_source_rows_get(rows, row_idx);
    struct nsf_source_counts counts;
    nsf_source_row_counts(rows, row, &counts);
    assert_memory_equal(&counts, &plain->counts, sizeof(counts));
    assert_int_equal(nsf_source_row_connections(rows, row), counts.connections);
    assert_int_equal(nsf_source_row_first_ms(rows, row), counts.first_ms);
    assert_int_equal(nsf_source_row_target(row), plain->target);
    assert_true(nsf_ip_eq(nsf_source_row_src(rows, row), plain->src));
    assert_true(nsf_source_row_is_of(rows, row, plain->target, plain->src));
    assert_false(nsf_source_row_is_of(rows, row, plain->target + 1, plain->src));
    assert_false(nsf_source_row_is_of(rows, row, plain->target, nsf_ip_next(plain->src)));
    for (int c = 0; c < NSF_CLASSES; c++)
        assert_int_equal(nsf_source_row_class(rows, row, (enum nsf_connection_class)c), counts.classes[c]);
    for (uint32_t i = 0; i < counts.days; i++) {
        uint32_t n_beside = 0;
        for (uint32_t k = 0; k < counts.days; k++)
            n_beside += plain->days[k] == plain->days[i] + 1;
        assert_true(nsf_source_row_has_day(rows, row_idx, plain->days[i]));
        assert_int_equal(nsf_source_row_has_day(rows, row_idx, plain->days[i] + 1), n_beside);
    }
}

static struct plain *fill(struct nsf_source_rows *rows, uint32_t connections)
{
    struct plain *plain = nsf_calloc(N_ROWS, sizeof(*plain));
    for (uint32_t i = 0; i < N_ROWS; i++) {
        plain[i].src = i % 3 == 0 ? (struct nsf_ip){UINT64_C(0x20010db8) << 32, i} : nsf_ip_from_v4(i * 77);
        plain[i].target = i % 5;
        assert_int_equal(nsf_source_rows_add(rows, plain[i].target, plain[i].src), i);
    }
    for (uint32_t i = 0; i < connections; i++) {
        uint32_t row = below(10) == 0 ? 7 : below(N_ROWS); /* row 7 comes to more connections than fit */
        struct nsf_connection connection;
        enum nsf_connection_class class_;
        make(row, &connection, &class_);
        nsf_source_rows_count(rows, row, &connection, class_);
        count_plain(&plain[row], &connection, class_);
    }
    return plain;
}

static void test_rows_are_the_sums_of_their_connections(void **state)
{
    (void)state;
    for (uint32_t connections = 0; connections < 1000000; connections = connections * 10 + 40) {
        struct nsf_source_rows rows = {0};
        random_state = connections + 1; /* never 0, which gives nothing else */
        struct plain *plain = fill(&rows, connections);
        bool has_wide = false, has_small = false;
        for (uint32_t i = 0; i < N_ROWS; i++) {
            if (plain[i].counts.connections == 0)
                continue;
            assert_row(&rows, i, &plain[i]);
            has_wide |= nsf_source_row_is_wide(nsf_source_rows_get(&rows, i));
            has_small |= !nsf_source_row_is_wide(nsf_source_rows_get(&rows, i));
        }
        assert_true(connections < 4000 || (has_wide && has_small));
        nsf_source_rows_release(&rows);
        nsf_free(plain);
    }
}

static void test_rows_that_stay_are_the_same(void **state)
{
    (void)state;
    struct nsf_source_rows rows = {0};
    random_state = 5;
    struct plain *plain = fill(&rows, 100000);
    uint32_t moved[N_ROWS], n = 0;
    for (uint32_t i = 0; i < N_ROWS; i++)
        moved[i] = i % 4 == 0 ? NSF_INDEX_NONE : n++;
    nsf_source_rows_keep(&rows, moved);
    assert_int_equal(rows.n, n);
    for (uint32_t i = 0; i < N_ROWS; i++)
        if (moved[i] != NSF_INDEX_NONE)
            assert_row(&rows, moved[i], &plain[i]);
    nsf_source_rows_release(&rows);
    nsf_free(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_the_sums_of_their_connections),
        cmocka_unit_test(test_rows_that_stay_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/nsf_common.h"

#include "evidence/source_row.h"

#include "core/clock.h"
#include "core/err.h"
#include "core/index.h"

/* Where the 40 bits of a row's first stamp begin: November 2004. */
#define ROW_FIRST_MS (INT64_C(1) << 40)
#define ROW_DAYS 32

void nsf_source_rows_release(struct nsf_source_rows *rows)
{
    for (uint32_t i = 0; i < rows->n; i += NSF_SOURCE_ROWS_PER_BLOCK)
        nsf_free(rows->blocks[i / NSF_SOURCE_ROWS_PER_BLOCK]);
    nsf_free(rows->blocks);
    nsf_free(rows->v6);
    nsf_free(rows->wide);
    nsf_pairset_release(&rows->wide_days);
    *rows = (struct nsf_source_rows){0};
}

static int64_t small_first_ms(const struct nsf_source_row *row)
{
    return ROW_FIRST_MS + (int64_t)((uint64_t)row->first_high << 32 | row->first_low);
}

/* ---- read ---- */

/* Connections with counters are those of the known classes. */
static uint32_t small_unknown(const struct nsf_source_row *row)
{
    uint32_t n = row->small_connections;
    for (size_t i = 0; i < NSF_ARRAY_LEN(row->small_classes); i++)
        n -= row->small_classes[i];
    return n;
}

uint32_t nsf_source_row_class(const struct nsf_source_rows *rows, const struct nsf_source_row *row,
                              enum nsf_connection_class class_)
{
    if (nsf_source_row_is_wide(row))
        return rows->wide[row->small_counters[0]].classes[class_];
    return class_ == NSF_CLASS_UNKNOWN ? small_unknown(row) : row->small_classes[class_ - 1];
}

int64_t nsf_source_row_first_ms(const struct nsf_source_rows *rows, const struct nsf_source_row *row)
{
    return nsf_source_row_is_wide(row) ? rows->wide[row->small_counters[0]].first_ms : small_first_ms(row);
}

void nsf_source_row_counts(const struct nsf_source_rows *rows, const struct nsf_source_row *row,
                           struct nsf_source_counts *counts)
{
    if (nsf_source_row_is_wide(row)) {
        *counts = rows->wide[row->small_counters[0]];
        return;
    }
    int64_t first_ms = small_first_ms(row);
    *counts = (struct nsf_source_counts){
        .first_ms = first_ms,
        .last_ms = first_ms + row->lasted_ms,
        .counters = {row->small_counters[0], row->small_counters[1], row->small_counters[2], row->small_counters[3]},
        .connections = row->small_connections,
        .attempts = row->small_attempts,
        .tuples = row->small_tuples,
        .days = (uint32_t)__builtin_popcount(row->small_days),
    };
    counts->classes[NSF_CLASS_UNKNOWN] = small_unknown(row);
    for (size_t i = 1; i < NSF_CLASSES; i++)
        counts->classes[i] = row->small_classes[i - 1];
}

bool nsf_source_row_has_day(const struct nsf_source_rows *rows, uint32_t row_idx, int64_t day)
{
    const struct nsf_source_row *row = nsf_source_rows_get(rows, row_idx);
    if (nsf_source_row_is_wide(row))
        return nsf_pairset_has(&rows->wide_days, nsf_pair(row_idx, (uint32_t)day));
    int64_t behind = day - nsf_time_day(small_first_ms(row));
    return behind >= 0 && behind < ROW_DAYS && (row->small_days >> behind & 1) != 0;
}

/* ---- small rows ---- */

static uint32_t word_of(uint32_t target, struct nsf_ip src)
{
    if (target >= NSF_SOURCE_ROW_V6)
        NSF_BUG("more than two billion rules");
    return nsf_ip_is_v4(src) ? target : target | NSF_SOURCE_ROW_V6;
}

static uint32_t add_v6(struct nsf_source_rows *rows, struct nsf_ip src)
{
    NSF_GROW(rows->v6, rows->v6_capacity, (size_t)rows->n_v6 + 1);
    rows->v6[rows->n_v6] = src;
    return rows->n_v6++;
}

uint32_t nsf_source_rows_add(struct nsf_source_rows *rows, uint32_t target, struct nsf_ip src)
{
    uint32_t idx = rows->n;
    size_t block = idx / NSF_SOURCE_ROWS_PER_BLOCK;
    if (idx % NSF_SOURCE_ROWS_PER_BLOCK == 0) {
        NSF_GROW(rows->blocks, rows->blocks_capacity, block + 1);
        rows->blocks[block] = nsf_malloc(NSF_SOURCE_ROWS_PER_BLOCK * sizeof(struct nsf_source_row) + 63);
    }
    rows->n++;
    *nsf_source_rows_get(rows, idx) = (struct nsf_source_row){
        .address = nsf_ip_is_v4(src) ? nsf_ip_to_v4(src) : add_v6(rows, src),
        .target_word = word_of(target, src),
    };
    return idx;
}

static bool is_small(const struct nsf_counters *counters)
{
    return (counters->packets_in | counters->bytes_in | counters->packets_out | counters->bytes_out) <= UINT32_MAX;
}

/* The days of a connection are all those between its first and last stamp, since no gap in it is as long as a day.
 * False: they do not fit. */
static bool add_small_days(struct nsf_source_row *row, int64_t first_day, int64_t from, int64_t to, uint32_t *days)
{
    int64_t origin = row->small_connections == 0 ? from : first_day, begin = origin < from ? origin : from;
    if (to - begin >= ROW_DAYS || origin - begin >= ROW_DAYS)
        return false;
    uint64_t all = (uint64_t)row->small_days << (origin - begin);
    all |= ((UINT64_C(2) << (to - from)) - 1) << (from - begin);
    *days = (uint32_t)all;
    return all <= UINT32_MAX;
}

static bool add_small_stamps(struct nsf_source_row *row, int64_t from_ms, int64_t to_ms)
{
    int64_t first_ms = small_first_ms(row), last_ms = first_ms + row->lasted_ms;
    int64_t first_day = nsf_time_day(first_ms), begin_ms = first_day * NSF_MS_PER_DAY;
    bool is_first_day = row->small_connections > 0 && from_ms >= begin_ms && to_ms < begin_ms + NSF_MS_PER_DAY;
    uint32_t days = row->small_days;
    if (from_ms < ROW_FIRST_MS || to_ms >= ROW_FIRST_MS * 2 || to_ms < from_ms)
        return false;
    if (!is_first_day && !add_small_days(row, first_day, nsf_time_day(from_ms), nsf_time_day(to_ms), &days))
        return false;
    if (row->small_connections == 0 || from_ms < first_ms)
        first_ms = from_ms;
    if (row->small_connections == 0 || to_ms > last_ms)
        last_ms = to_ms;
    row->small_days = days;
    row->first_low = (uint32_t)(first_ms - ROW_FIRST_MS);
    row->first_high = (uint8_t)((uint64_t)(first_ms - ROW_FIRST_MS) >> 32);
    row->lasted_ms = (uint32_t)(last_ms - first_ms); /* 32 days are less than 2^32 ms */
    return true;
}

/* False: the row is as it was, since it cannot hold the connection. */
static bool count_small(struct nsf_source_row *row, const struct nsf_connection *connection,
                        enum nsf_connection_class class_)
{
    uint64_t attempts = (uint64_t)row->small_attempts + connection->attempts;
    uint64_t tuples = (uint64_t)row->small_tuples + connection->tuples;
    struct nsf_counters sum = {row->small_counters[0], row->small_counters[1], row->small_counters[2],
                               row->small_counters[3]};
    if (connection->has_counters)
        nsf_counters_add(&sum, &connection->total);
    if ((attempts | tuples) > UINT16_MAX || row->small_connections + 1 == NSF_SOURCE_ROW_WIDE || !is_small(&sum) ||
        !add_small_stamps(row, connection->counted_from_ms, connection->counted_to_ms))
        return false;
    row->small_counters[0] = (uint32_t)sum.packets_in;
    row->small_counters[1] = (uint32_t)sum.bytes_in;
    row->small_counters[2] = (uint32_t)sum.packets_out;
    row->small_counters[3] = (uint32_t)sum.bytes_out;
    row->small_attempts = (uint16_t)attempts;
    row->small_tuples = (uint16_t)tuples;
    row->small_connections++;
    if (class_ != NSF_CLASS_UNKNOWN)
        row->small_classes[class_ - 1]++;
    return true;
}

/* ---- wide rows ---- */

static void widen(struct nsf_source_rows *rows, uint32_t row_idx, struct nsf_source_row *row)
{
    struct nsf_source_counts counts;
    int64_t first_day = nsf_time_day(small_first_ms(row));
    nsf_source_row_counts(rows, row, &counts);
    for (int64_t i = 0; i < ROW_DAYS; i++)
        if ((row->small_days >> i & 1) != 0)
            nsf_pairset_add(&rows->wide_days, nsf_pair(row_idx, (uint32_t)(first_day + i)));
    NSF_GROW(rows->wide, rows->wide_capacity, (size_t)rows->n_wide + 1);
    rows->wide[rows->n_wide] = counts;
    row->small_counters[0] = rows->n_wide++;
    row->small_connections = NSF_SOURCE_ROW_WIDE;
}

static void count_wide(struct nsf_source_rows *rows, uint32_t row_idx, struct nsf_source_counts *counts,
                       const struct nsf_connection *connection, enum nsf_connection_class class_)
{
    int64_t from_ms = connection->counted_from_ms, to_ms = connection->counted_to_ms;
    for (int64_t day = nsf_time_day(from_ms); day <= nsf_time_day(to_ms); day++)
        counts->days += nsf_pairset_add(&rows->wide_days, nsf_pair(row_idx, (uint32_t)day));
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

void nsf_source_rows_count(struct nsf_source_rows *rows, uint32_t row_idx, const struct nsf_connection *connection,
                           enum nsf_connection_class class_)
{
    struct nsf_source_row *row = nsf_source_rows_get(rows, row_idx);
    if (!nsf_source_row_is_wide(row)) {
        if (count_small(row, connection, class_))
            return;
        widen(rows, row_idx, row);
    }
    count_wide(rows, row_idx, &rows->wide[row->small_counters[0]], connection, class_);
}

/* ---- fewer rows ---- */

void nsf_source_rows_renumber(struct nsf_pairset *set, const uint32_t *moved)
{
    struct nsf_pairset old = *set;
    *set = (struct nsf_pairset){0};
    for (uint32_t s = 0; old.slots != NULL && s <= old.mask; s++) {
        if (old.slots[s] == 0)
            continue;
        uint64_t key = old.slots[s] - 1;
        uint32_t row = moved[key >> 32];
        if (row != NSF_INDEX_NONE)
            nsf_pairset_add(set, nsf_pair(row, (uint32_t)key));
    }
    nsf_pairset_release(&old);
}

/* What the row has beside the table, under a new number. */
static void move_beside(struct nsf_source_rows *rows, struct nsf_source_row *row, struct nsf_ip *v6,
                        struct nsf_source_counts *wide)
{
    if ((row->target_word & NSF_SOURCE_ROW_V6) != 0) {
        v6[rows->n_v6] = rows->v6[row->address];
        row->address = rows->n_v6++;
    }
    if (nsf_source_row_is_wide(row)) {
        wide[rows->n_wide] = rows->wide[row->small_counters[0]];
        row->small_counters[0] = rows->n_wide++;
    }
}

void nsf_source_rows_keep(struct nsf_source_rows *rows, const uint32_t *moved)
{
    struct nsf_ip *v6 = nsf_malloc(nsf_mul_size((size_t)rows->n_v6 + 1, sizeof(*v6)));
    struct nsf_source_counts *wide = nsf_malloc(nsf_mul_size((size_t)rows->n_wide + 1, sizeof(*wide)));
    uint32_t n = 0, n_before = rows->n;
    rows->v6_capacity = (size_t)rows->n_v6 + 1;
    rows->wide_capacity = (size_t)rows->n_wide + 1;
    rows->n_v6 = rows->n_wide = 0;
    for (uint32_t i = 0; i < n_before; i++) {
        if (moved[i] == NSF_INDEX_NONE)
            continue;
        struct nsf_source_row *row = nsf_source_rows_get(rows, n++);
        *row = *nsf_source_rows_get(rows, i);
        move_beside(rows, row, v6, wide);
    }
    nsf_free(rows->v6);
    nsf_free(rows->wide);
    rows->v6 = v6;
    rows->wide = wide;
    nsf_source_rows_renumber(&rows->wide_days, moved);
    rows->n = n;
    for (size_t i = (n + NSF_SOURCE_ROWS_PER_BLOCK - 1) / NSF_SOURCE_ROWS_PER_BLOCK;
         i < (n_before + NSF_SOURCE_ROWS_PER_BLOCK - 1) / NSF_SOURCE_ROWS_PER_BLOCK; i++)
        nsf_free(rows->blocks[i]);
}

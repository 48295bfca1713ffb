/*
 * source_row.h - what one source did under one target, in one cache line, and the table of such rows.
 *
 * Ten million rows have to fit, so a row holds small numbers: an IPv4 address, counts below 65,535, counters below
 * 2^32, stamps of the years 2004 to 2039 within seven weeks of each other, days within 32. What does not fit stands
 * beside the table, and the row holds its number there: read rows through the functions below.
 *
 * Everything added commutes. One thread at a time; any thread once nothing is added any more.
 */
#ifndef NSF_SOURCE_ROW_H
#define NSF_SOURCE_ROW_H

#include "core/pairset.h"
#include "evidence/connection.h"

#define NSF_SOURCE_ROWS_PER_BLOCK 4096u

struct nsf_source_row {
    uint32_t address;     /* IPv4; of IPv6 its number beside the table */
    uint32_t target_word; /* the target, and above it whether the address is IPv6 */
    uint32_t past;        /* evidence/journal.h; port and NIC of the only connection */
    union {
        uint16_t ids[2]; /* of up to two destinations */
        uint32_t more;   /* of more: how many; once finished, where their list begins */
    } destinations;
    uint32_t
        small_counters[4]; /* in the order of struct nsf_counters; of a wide row [0] is its number beside the table */
    uint32_t small_days;   /* bit i: the i-th day behind that of the first stamp */
    uint32_t first_low;
    uint32_t lasted_ms;
    uint16_t small_connections; /* connections; NSF_SOURCE_ROW_WIDE: a wide row */
    uint16_t small_attempts;
    uint16_t small_tuples;
    uint16_t small_classes[NSF_CLASSES - 1]; /* without `unknown`, which is every connection that has no counters */
    uint8_t first_high;
    uint8_t n_destinations; /* NSF_SOURCE_ROW_MANY: more than two, or ids that are too large */
};

#define NSF_SOURCE_ROW_WIDE UINT16_MAX
#define NSF_SOURCE_ROW_MANY UINT8_MAX
#define NSF_SOURCE_ROW_V6 UINT32_C(0x80000000)

_Static_assert(sizeof(struct nsf_source_row) == 64, "a source row is one cache line");

/* A row's numbers, whole. */
struct nsf_source_counts {
    int64_t first_ms;
    int64_t last_ms;
    struct nsf_counters counters;
    uint32_t connections;
    uint32_t attempts;
    uint32_t tuples;
    uint32_t days;
    uint32_t classes[NSF_CLASSES];
};

struct nsf_source_rows {
    void **blocks; /* as allocated; rows start at the next cache line */
    size_t blocks_capacity;
    uint32_t n;
    struct nsf_ip *v6;
    size_t v6_capacity;
    uint32_t n_v6;
    struct nsf_source_counts *wide;
    size_t wide_capacity;
    uint32_t n_wide;
    struct nsf_pairset wide_days; /* (row, day) of wide rows */
};

void nsf_source_rows_release(struct nsf_source_rows *rows);

static inline struct nsf_source_row *nsf_source_rows_get(const struct nsf_source_rows *rows, uint32_t row_idx)
{
    uintptr_t block = ((uintptr_t)rows->blocks[row_idx / NSF_SOURCE_ROWS_PER_BLOCK] + 63) & ~(uintptr_t)63;
    return (struct nsf_source_row *)block + row_idx % NSF_SOURCE_ROWS_PER_BLOCK;
}

static inline uint32_t nsf_source_row_target(const struct nsf_source_row *row)
{
    return row->target_word & ~NSF_SOURCE_ROW_V6;
}

static inline bool nsf_source_row_is_wide(const struct nsf_source_row *row)
{
    return row->small_connections == NSF_SOURCE_ROW_WIDE;
}

static inline struct nsf_ip nsf_source_row_src(const struct nsf_source_rows *rows, const struct nsf_source_row *row)
{
    return (row->target_word & NSF_SOURCE_ROW_V6) != 0 ? rows->v6[row->address] : nsf_ip_from_v4(row->address);
}

static inline bool nsf_source_row_is_of(const struct nsf_source_rows *rows, const struct nsf_source_row *row,
                                        uint32_t target, struct nsf_ip src)
{
    if (nsf_ip_is_v4(src))
        return row->address == nsf_ip_to_v4(src) && row->target_word == target;
    return row->target_word == (target | NSF_SOURCE_ROW_V6) && nsf_ip_eq(rows->v6[row->address], src);
}

static inline uint32_t nsf_source_row_connections(const struct nsf_source_rows *rows, const struct nsf_source_row *row)
{
    return nsf_source_row_is_wide(row) ? rows->wide[row->small_counters[0]].connections : row->small_connections;
}

/* Connections of one class. */
uint32_t nsf_source_row_class(const struct nsf_source_rows *rows, const struct nsf_source_row *row,
                              enum nsf_connection_class class_);
int64_t nsf_source_row_first_ms(const struct nsf_source_rows *rows, const struct nsf_source_row *row);
void nsf_source_row_counts(const struct nsf_source_rows *rows, const struct nsf_source_row *row,
                           struct nsf_source_counts *counts);
bool nsf_source_row_has_day(const struct nsf_source_rows *rows, uint32_t row_idx, int64_t day);

/* A row of its own for a pair that has none; its number is that of the rows so far. `target` is below 2^31. */
uint32_t nsf_source_rows_add(struct nsf_source_rows *rows, uint32_t target, struct nsf_ip src);
/* Counts one connection, with at least one counted tuple. Its class is `unknown` if and only if it has no counters. */
void nsf_source_rows_count(struct nsf_source_rows *rows, uint32_t row_idx, const struct nsf_connection *connection,
                           enum nsf_connection_class class_);
/* Only the rows that are not NSF_INDEX_NONE in `moved` stay; moved[i] <= i is the new number of row i, ascending. */
void nsf_source_rows_keep(struct nsf_source_rows *rows, const uint32_t *moved);
/* Sets of (row, item) under the new numbers, without those that are gone. */
void nsf_source_rows_renumber(struct nsf_pairset *set, const uint32_t *moved);

#endif

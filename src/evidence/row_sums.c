#include "core/nsf_common.h"

#include "evidence/row_sums.h"

#include "core/mem.h"
#include "evidence/evidence_state.h"

static uint32_t hash_of(uint32_t first)
{
    return (uint32_t)nsf_hash_mix(first, UINT64_C(0x510e527fade682d1));
}

void nsf_row_sum_add(struct nsf_row_sum *sum, const struct nsf_source_rows *rows, uint32_t row_idx)
{
    struct nsf_source_counts counts;
    nsf_source_row_counts(rows, nsf_source_rows_get(rows, row_idx), &counts);
    sum->connections += counts.connections;
    for (size_t c = 0; c < NSF_CLASSES; c++)
        sum->classes[c] += counts.classes[c];
}

static uint32_t count_beside(const struct nsf_row_finder *finder, struct nsf_row_ref row)
{
    struct nsf_row_cursor cursor = nsf_row_finder_beside(finder, row);
    uint32_t n = 0;
    while (nsf_row_finder_next(finder, &cursor) != NSF_INDEX_NONE)
        n++;
    return n;
}

static void add_sum(struct nsf_row_sums *sums, const struct nsf_row_finder *finder, struct nsf_row_ref row)
{
    struct nsf_row_cursor cursor = nsf_row_finder_beside(finder, row);
    uint32_t row_idx;
    NSF_GROW(sums->items, sums->capacity, (size_t)sums->n + 1);
    struct nsf_row_sum *sum = &sums->items[sums->n];
    *sum = (struct nsf_row_sum){.first = row.row_idx};
    while ((row_idx = nsf_row_finder_next(finder, &cursor)) != NSF_INDEX_NONE)
        nsf_row_sum_add(sum, &finder->evidence->partitions[row.partition].sources.rows, row_idx);
    nsf_index_add(&sums->by_first, hash_of(row.row_idx), sums->n++);
}

void nsf_row_sums_init(struct nsf_row_sums *sums, const struct nsf_row_finder *finder, unsigned partition)
{
    *sums = (struct nsf_row_sums){.items = NULL};
    uint32_t n = finder->n_targets > NSF_ROW_FINDER_FEW ? nsf_row_finder_count(finder, partition) : 0;
    for (uint32_t i = 0; i < n; i++) {
        struct nsf_row_ref row = {partition, i};
        if (nsf_row_finder_first_beside(finder, partition, i) == i && count_beside(finder, row) >= NSF_ROW_SUMS_MIN)
            add_sum(sums, finder, row);
    }
}

void nsf_row_sums_release(struct nsf_row_sums *sums)
{
    nsf_free(sums->items);
    nsf_index_release(&sums->by_first);
}

const struct nsf_row_sum *nsf_row_sums_find(const struct nsf_row_sums *sums, uint32_t first)
{
    uint32_t hash = hash_of(first), probe = hash, idx;
    while ((idx = nsf_index_next(&sums->by_first, hash, &probe)) != NSF_INDEX_NONE)
        if (sums->items[idx].first == first)
            return &sums->items[idx];
    return NULL;
}

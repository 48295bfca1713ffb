#include "core/nsf_common.h"

#include "evidence/row_finder.h"

#include "core/radix_sort.h"
#include "evidence/evidence_state.h"

static const struct nsf_sources *sources_of(const struct nsf_row_finder *finder, unsigned partition)
{
    return &finder->evidence->partitions[partition].sources;
}

static uint32_t target_of(const struct nsf_row_finder *finder, unsigned partition, uint32_t row_idx)
{
    return nsf_source_row_target(nsf_sources_row(sources_of(finder, partition), row_idx));
}

/* ---- made ---- */

static void note_target(struct nsf_row_finder *finder, uint32_t target)
{
    for (uint32_t i = 0; i < finder->n_targets; i++)
        if (finder->targets[i] == target)
            return;
    finder->targets[finder->n_targets++] = target;
}

static void note_targets(struct nsf_row_finder *finder)
{
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        for (uint32_t i = 0; i < sources_of(finder, p)->rows.n; i++) {
            if (finder->n_targets > NSF_ROW_FINDER_FEW)
                return;
            note_target(finder, target_of(finder, p, i));
        }
}

/* Row numbers by address, of one address as they are; the caller frees. */
static struct nsf_keyed *order_by_address(const struct nsf_sources *sources)
{
    uint32_t n = sources->rows.n;
    struct nsf_keyed *order = nsf_malloc(nsf_mul_size((size_t)n + 1, sizeof(*order)));
    for (uint32_t i = 0; i < n; i++)
        order[i] = (struct nsf_keyed){nsf_source_row_src(&sources->rows, nsf_sources_row(sources, i)).lo, i};
    nsf_radix_sort_keyed(order, n, NULL);
    for (uint32_t i = 0; i < n; i++)
        order[i].key = nsf_source_row_src(&sources->rows, nsf_sources_row(sources, (uint32_t)order[i].ref)).hi;
    nsf_radix_sort_keyed(order, n, NULL);
    return order;
}

static void sort_rows(struct nsf_row_finder *finder, unsigned partition)
{
    const struct nsf_sources *sources = sources_of(finder, partition);
    uint32_t n = sources->rows.n, first = 0;
    struct nsf_keyed *order = order_by_address(sources);
    uint32_t *by_src = nsf_malloc(nsf_mul_size((size_t)n + 1, sizeof(*by_src)));
    uint32_t *places = nsf_malloc(nsf_mul_size((size_t)n + 1, sizeof(*places)));
    for (uint32_t i = 0; i < n; i++) {
        by_src[i] = (uint32_t)order[i].ref;
        if (!nsf_ip_eq(nsf_row_finder_address(finder, partition, by_src[i]),
                       nsf_row_finder_address(finder, partition, by_src[first])))
            first = i;
        places[by_src[i]] = first;
    }
    nsf_free(order);
    finder->by_src[partition] = by_src;
    finder->places[partition] = places;
}

static void group_rows(struct nsf_row_finder *finder)
{
    size_t n_findings = finder->evidence->scan->n_findings;
    finder->finding_from = nsf_calloc(n_findings + 2, sizeof(*finder->finding_from));
    size_t *next = finder->finding_from + 1; /* shifted by one while filling */
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        for (uint32_t i = 0; i < sources_of(finder, p)->rows.n; i++)
            if (target_of(finder, p, i) < n_findings)
                next[target_of(finder, p, i) + 1]++;
    for (size_t f = 1; f <= n_findings; f++)
        next[f] += next[f - 1];
    finder->by_finding = nsf_malloc(nsf_mul_size(next[n_findings] + 1, sizeof(*finder->by_finding)));
    for (uint32_t p = 0; p < NSF_PARTITIONS; p++)
        for (uint32_t i = 0; i < sources_of(finder, p)->rows.n; i++)
            if (target_of(finder, p, i) < n_findings)
                finder->by_finding[next[target_of(finder, p, i)]++] = (struct nsf_row_ref){p, i};
}

void nsf_row_finder_init(struct nsf_row_finder *finder, const struct nsf_evidence *evidence)
{
    *finder = (struct nsf_row_finder){.evidence = evidence};
    note_targets(finder);
    for (unsigned p = 0; p < NSF_PARTITIONS && finder->n_targets > NSF_ROW_FINDER_FEW; p++)
        sort_rows(finder, p);
    if (finder->n_targets > 1)
        group_rows(finder);
}

void nsf_row_finder_release(struct nsf_row_finder *finder)
{
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        nsf_free(finder->by_src[p]);
        nsf_free(finder->places[p]);
    }
    nsf_free(finder->by_finding);
    nsf_free(finder->finding_from);
    *finder = (struct nsf_row_finder){.evidence = NULL};
}

uint32_t nsf_row_finder_count(const struct nsf_row_finder *finder, unsigned partition)
{
    return sources_of(finder, partition)->rows.n;
}

struct nsf_ip nsf_row_finder_address(const struct nsf_row_finder *finder, unsigned partition, uint32_t row_idx)
{
    const struct nsf_sources *sources = sources_of(finder, partition);
    return nsf_source_row_src(&sources->rows, nsf_sources_row(sources, row_idx));
}

/* ---- by address ---- */

/* Index in by_src of the first row of the address, or of where it would stand. */
static uint32_t first_row(const struct nsf_row_finder *finder, unsigned partition, struct nsf_ip src)
{
    const struct nsf_sources *sources = sources_of(finder, partition);
    uint32_t from = 0, to = sources->rows.n;
    while (from < to) {
        uint32_t half = from + (to - from) / 2;
        if (nsf_ip_cmp(nsf_row_finder_address(finder, partition, finder->by_src[partition][half]), src) < 0)
            from = half + 1;
        else
            to = half;
    }
    return from;
}

struct nsf_row_cursor nsf_row_finder_of(const struct nsf_row_finder *finder, struct nsf_ip src)
{
    struct nsf_row_cursor cursor = {.src = src, .partition = nsf_partition_of(src)};
    if (finder->n_targets > NSF_ROW_FINDER_FEW)
        cursor.at = first_row(finder, cursor.partition, src);
    return cursor;
}

struct nsf_row_cursor nsf_row_finder_beside(const struct nsf_row_finder *finder, struct nsf_row_ref row)
{
    struct nsf_row_cursor cursor = {.src = nsf_row_finder_address(finder, row.partition, row.row_idx),
                                    .partition = row.partition};
    if (finder->n_targets > NSF_ROW_FINDER_FEW)
        cursor.at = finder->places[row.partition][row.row_idx];
    return cursor;
}

uint32_t nsf_row_finder_next(const struct nsf_row_finder *finder, struct nsf_row_cursor *cursor)
{
    const struct nsf_sources *sources = sources_of(finder, cursor->partition);
    if (finder->n_targets > NSF_ROW_FINDER_FEW) {
        if (cursor->at >= sources->rows.n)
            return NSF_INDEX_NONE;
        uint32_t row_idx = finder->by_src[cursor->partition][cursor->at++];
        return nsf_ip_eq(nsf_row_finder_address(finder, cursor->partition, row_idx), cursor->src) ? row_idx
                                                                                                  : NSF_INDEX_NONE;
    }
    while (cursor->at < finder->n_targets) {
        uint32_t row_idx = nsf_sources_find(sources, finder->targets[cursor->at++], cursor->src);
        if (row_idx != NSF_INDEX_NONE)
            return row_idx;
    }
    return NSF_INDEX_NONE;
}

uint32_t nsf_row_finder_first_beside(const struct nsf_row_finder *finder, unsigned partition, uint32_t row_idx)
{
    if (finder->n_targets == 1)
        return row_idx;
    if (finder->n_targets > NSF_ROW_FINDER_FEW)
        return finder->by_src[partition][finder->places[partition][row_idx]];
    struct nsf_row_cursor cursor = nsf_row_finder_beside(finder, (struct nsf_row_ref){partition, row_idx});
    uint32_t next, first = row_idx;
    while ((next = nsf_row_finder_next(finder, &cursor)) != NSF_INDEX_NONE)
        first = next < first ? next : first;
    return first;
}

/* ---- by finding ---- */

void nsf_row_finder_each(const struct nsf_row_finder *finder, uint32_t finding_idx, struct nsf_partition_range range,
                         void (*fn)(void *ctx, unsigned partition, uint32_t row_idx), void *ctx)
{
    if (finder->by_finding != NULL) {
        for (size_t i = finder->finding_from[finding_idx]; i < finder->finding_from[finding_idx + 1]; i++)
            if (finder->by_finding[i].partition >= range.from && finder->by_finding[i].partition < range.to)
                fn(ctx, finder->by_finding[i].partition, finder->by_finding[i].row_idx);
        return;
    }
    if (finder->n_targets != 1 || finder->targets[0] != finding_idx)
        return;
    for (unsigned p = range.from; p < range.to; p++)
        for (uint32_t i = 0; i < sources_of(finder, p)->rows.n; i++)
            fn(ctx, p, i);
}

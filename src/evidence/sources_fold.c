#include "core/nsf_common.h"

#include "evidence/sources.h"

#include "core/nth_rank.h"
#include "flow/batch.h"

/* Rows are kept for one partition's share and a little more, since shares differ; and so many more may come before the
 * next fold that folds stay rare. */
#define FOLD_SHARE_SLACK(share) ((share) / 32 + 512)
#define FOLD_MARGIN(keep) ((keep) / 8 + 1024)
/* Sources in the sums that are remembered at least: a megabyte. */
#define FOLD_KNOWN_MIN 87000u
#define FOLD_SHARES_MAX UINT64_C(0x4000000)

void nsf_sources_set_limit(struct nsf_sources *sources, uint32_t n_findings, uint64_t max_sources)
{
    struct nsf_sources_limit *limit = &sources->limit;
    uint64_t share = max_sources / NSF_PARTITIONS + 1;
    limit->n_findings = n_findings;
    if (max_sources == 0 || share > FOLD_SHARES_MAX)
        return;
    limit->keep_rows = (uint32_t)(share + FOLD_SHARE_SLACK(share));
    limit->max_known = limit->keep_rows > FOLD_KNOWN_MIN ? limit->keep_rows : FOLD_KNOWN_MIN;
    limit->max_rows = limit->keep_rows + (uint32_t)FOLD_MARGIN(limit->keep_rows);
}

void nsf_sources_limit_release(struct nsf_sources_limit *limit)
{
    nsf_free(limit->sums);
    nsf_pairset_release(&limit->known);
    *limit = (struct nsf_sources_limit){.rank_max = {UINT64_MAX, UINT64_MAX}};
}

static bool is_other(const struct nsf_sources_limit *limit, uint32_t target)
{
    return target >= limit->n_findings;
}

static struct nsf_source_sum *sum_of(struct nsf_sources_limit *limit, uint32_t target)
{
    NSF_GROW(limit->sums, limit->sums_capacity, (size_t)target + 1);
    while (limit->n_sums <= target)
        limit->sums[limit->n_sums++] = NSF_SOURCE_SUM_INIT;
    return &limit->sums[target];
}

const struct nsf_source_sum *nsf_sources_folded(const struct nsf_sources *sources, uint32_t target)
{
    const struct nsf_sources_limit *limit = &sources->limit;
    return target < limit->n_sums && limit->sums[target].connections > 0 ? &limit->sums[target] : NULL;
}

/* Unseeded, so that what is counted twice, once in 2^64, is the same in every run. */
static uint64_t known_key(uint32_t target, struct nsf_ip src)
{
    uint64_t key = nsf_hash_mix(src.lo, nsf_hash_mix(src.hi, UINT64_C(0x2b992ddfa23249d6) + target));
    return key == UINT64_MAX ? 0 : key;
}

/* True when the source was not in the sums yet. */
static bool note_known(struct nsf_sources_limit *limit, uint32_t target, struct nsf_ip src)
{
    uint64_t key = known_key(target, src);
    if (limit->known.n < limit->max_known)
        return nsf_pairset_add(&limit->known, key);
    limit->is_at_least |= !nsf_pairset_has(&limit->known, key);
    return false;
}

/* ---- to the sums ---- */

void nsf_sources_sum_row(const struct nsf_sources *sources, const struct nsf_source_row *row,
                         struct nsf_source_sum *sum)
{
    struct nsf_source_counts counts;
    nsf_source_row_counts(&sources->rows, row, &counts);
    struct nsf_source_sum more = {
        .sources = 1,
        .connections = counts.connections,
        .attempts = counts.attempts,
        .tuples = counts.tuples,
        .with_counters = counts.connections - counts.classes[NSF_CLASS_UNKNOWN],
        .counters = counts.counters,
        .first_ms = counts.first_ms,
        .last_ms = counts.last_ms,
    };
    for (size_t i = 0; i < NSF_CLASSES; i++)
        more.classes[i] = counts.classes[i];
    nsf_source_sum_join(sum, &more);
}

static void sum_connection(struct nsf_sources_limit *limit, const struct nsf_finished *finished)
{
    const struct nsf_connection *connection = finished->connection;
    struct nsf_source_sum more = {
        .sources = note_known(limit, finished->target, finished->src),
        .connections = 1,
        .attempts = connection->attempts,
        .tuples = connection->tuples,
        .with_counters = connection->has_counters,
        .first_ms = connection->counted_from_ms,
        .last_ms = connection->counted_to_ms,
    };
    more.classes[finished->class_] = 1;
    if (connection->has_counters)
        more.counters = connection->total;
    nsf_source_sum_join(sum_of(limit, finished->target), &more);
}

/* ---- which rows stay ---- */

uint64_t nsf_sources_rank(const struct nsf_sources *sources, const struct nsf_source_row *row)
{
    return nsf_source_rank(nsf_source_row_src(&sources->rows, row),
                           nsf_source_row_class(&sources->rows, row, NSF_CLASS_MESSAGE) > 0);
}

struct ranks_of {
    const struct nsf_sources *sources;
    bool is_of_others;
};

static void each_rank(const void *ctx, nsf_rank_fn *fn, void *fn_ctx)
{
    const struct ranks_of *of = ctx;
    for (uint32_t i = 0; i < of->sources->rows.n; i++) {
        const struct nsf_source_row *row = nsf_sources_row(of->sources, i);
        if (is_other(&of->sources->limit, nsf_source_row_target(row)) == of->is_of_others)
            fn(fn_ctx, nsf_sources_rank(of->sources, row));
    }
}

static uint64_t cut_of(const struct nsf_sources *sources, bool is_of_others)
{
    struct ranks_of of = {sources, is_of_others};
    return nsf_nth_rank(&of, each_rank, UINT64_MAX, sources->limit.keep_rows);
}

/* ---- the table without those that go ---- */

static void drop_row(struct nsf_sources *sources, const struct nsf_source_row *row)
{
    struct nsf_sources_limit *limit = &sources->limit;
    uint32_t target = nsf_source_row_target(row);
    struct nsf_ip src = nsf_source_row_src(&sources->rows, row);
    struct nsf_source_sum *sum = sum_of(limit, target);
    nsf_sources_sum_row(sources, row, sum);
    bool was_known = nsf_pairset_has(&limit->known, known_key(target, src));
    sum->late_senders -= was_known;
    if (!was_known && !note_known(limit, target, src))
        sum->sources--; /* it could not be told from a new one if it came again */
    nsf_journal_drop(&sources->journal, row->past, nsf_source_row_connections(&sources->rows, row));
}

static void fold_table(struct nsf_sources *sources, bool is_of_others)
{
    uint64_t cut = cut_of(sources, is_of_others);
    uint32_t n = 0, n_before = sources->rows.n;
    uint32_t *moved = nsf_malloc(nsf_mul_size(n_before, sizeof(*moved))); /* new number by old one */
    sources->limit.rank_max[is_of_others] = cut;
    for (uint32_t i = 0; i < n_before; i++) {
        const struct nsf_source_row *row = nsf_sources_row(sources, i);
        bool is_kept = is_other(&sources->limit, nsf_source_row_target(row)) != is_of_others ||
                       nsf_sources_rank(sources, row) <= cut;
        moved[i] = is_kept ? n++ : NSF_INDEX_NONE;
        if (!is_kept)
            drop_row(sources, row);
    }
    sources->limit.n_rows[is_of_others] -= n_before - n;
    nsf_source_rows_keep(&sources->rows, moved);
    nsf_source_rows_renumber(&sources->row_destinations, moved);
    nsf_sources_rebuild_index(sources);
    nsf_free(moved);
}

bool nsf_sources_admit(struct nsf_sources *sources, const struct nsf_finished *finished)
{
    struct nsf_sources_limit *limit = &sources->limit;
    bool is_of_others = is_other(limit, finished->target);
    uint64_t rank = nsf_source_rank(finished->src, finished->class_ == NSF_CLASS_MESSAGE);
    if (limit->max_rows == 0)
        return true;
    if (limit->n_rows[is_of_others] >= limit->max_rows)
        fold_table(sources, is_of_others);
    if (rank > limit->rank_max[is_of_others]) {
        sum_connection(limit, finished);
        return false;
    }
    limit->n_rows[is_of_others]++;
    if (nsf_pairset_has(&limit->known, known_key(finished->target, finished->src))) {
        struct nsf_source_sum *sum = sum_of(limit, finished->target);
        sum->sources--; /* those with a row are counted by it */
        sum->late_senders++;
    }
    return true;
}

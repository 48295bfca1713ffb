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
    struct nsf_source_sum more = {
        .sources = 1,
        .connections = row->connections,
        .attempts = row->attempts,
        .tuples = row->tuples,
        .with_counters = row->with_counters,
        .counters = nsf_sources_counters(sources, row),
        .first_ms = nsf_source_row_first_ms(row),
        .last_ms = nsf_source_row_last_ms(row),
    };
    for (size_t i = 0; i < NSF_CLASSES; i++)
        more.classes[i] = nsf_source_row_class(row, (enum nsf_connection_class)i);
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

static uint64_t rank_of(const struct nsf_source_row *row)
{
    return nsf_source_rank(row->src, nsf_source_row_class(row, NSF_CLASS_MESSAGE) > 0);
}

struct ranks_of {
    const struct nsf_sources *sources;
    bool is_of_others;
};

static void each_rank(const void *ctx, nsf_rank_fn *fn, void *fn_ctx)
{
    const struct ranks_of *of = ctx;
    for (uint32_t i = 0; i < of->sources->n_rows; i++) {
        const struct nsf_source_row *row = nsf_sources_row(of->sources, i);
        if (is_other(&of->sources->limit, row->target) == of->is_of_others)
            fn(fn_ctx, rank_of(row));
    }
}

static uint64_t cut_of(const struct nsf_sources *sources, bool is_of_others)
{
    struct ranks_of of = {sources, is_of_others};
    return nsf_nth_rank(&of, each_rank, UINT64_MAX, sources->limit.keep_rows);
}

/* ---- the table without those that go ---- */

/* Sets of (row, item) under the new row numbers. */
static void renumber(struct nsf_pairset *set, const uint32_t *moved)
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

/* What a row has outside the table goes with it, or is numbered anew. */
struct fold {
    struct nsf_sources *sources;
    bool is_of_others;
    uint64_t cut;
    uint32_t *moved; /* new number by old one; NSF_INDEX_NONE: gone */
    struct nsf_traits **traits;
    uint32_t n_traits;
    struct nsf_counters *large;
    uint32_t n_large;
};

static void drop_row(struct fold *fold, struct nsf_source_row *row)
{
    struct nsf_sources_limit *limit = &fold->sources->limit;
    struct nsf_source_sum *sum = sum_of(limit, row->target);
    nsf_sources_sum_row(fold->sources, row, sum);
    bool was_known = nsf_pairset_has(&limit->known, known_key(row->target, row->src));
    sum->late_senders -= was_known;
    if (!was_known && !note_known(limit, row->target, row->src))
        sum->sources--; /* it could not be told from a new one if it came again */
    if (nsf_source_row_has_traits(row))
        nsf_free(fold->sources->traits[row->port_or_traits]);
    else if (row->connections > 1)
        nsf_journal_drop(&fold->sources->journal, row->port_or_traits, row->connections);
}

static void move_row(struct fold *fold, uint32_t from, uint32_t to)
{
    struct nsf_source_row *row = nsf_sources_row(fold->sources, to);
    *row = *nsf_sources_row(fold->sources, from);
    if (nsf_source_row_has_traits(row)) {
        fold->traits[fold->n_traits] = fold->sources->traits[row->port_or_traits];
        row->port_or_traits = fold->n_traits++;
    }
    if (row->counters[0] == NSF_SOURCE_COUNTERS_LARGE) {
        fold->large[fold->n_large] = fold->sources->large_counters[row->counters[1]];
        row->counters[1] = fold->n_large++;
    }
}

static void fold_rows(struct fold *fold)
{
    struct nsf_sources *sources = fold->sources;
    uint32_t n = 0;
    for (uint32_t i = 0; i < sources->n_rows; i++) {
        struct nsf_source_row *row = nsf_sources_row(sources, i);
        bool is_kept = is_other(&sources->limit, row->target) != fold->is_of_others || rank_of(row) <= fold->cut;
        fold->moved[i] = is_kept ? n : NSF_INDEX_NONE;
        if (is_kept)
            move_row(fold, i, n++);
        else
            drop_row(fold, row);
    }
    sources->limit.n_rows[fold->is_of_others] -= sources->n_rows - n;
    nsf_sources_shrink(sources, n);
}

static void fold_table(struct nsf_sources *sources, bool is_of_others)
{
    struct fold fold = {
        .sources = sources,
        .is_of_others = is_of_others,
        .cut = cut_of(sources, is_of_others),
        .moved = nsf_malloc(nsf_mul_size(sources->n_rows, sizeof(uint32_t))),
        .traits = nsf_malloc(nsf_mul_size(sources->n_traits, sizeof(struct nsf_traits *))),
        .large = nsf_malloc(nsf_mul_size(sources->n_large_counters, sizeof(struct nsf_counters))),
    };
    sources->limit.rank_max[is_of_others] = fold.cut;
    fold_rows(&fold);
    renumber(&sources->row_days, fold.moved);
    renumber(&sources->row_destinations, fold.moved);
    nsf_free(fold.moved);
    nsf_free(sources->traits);
    sources->traits = fold.traits;
    sources->traits_capacity = sources->n_traits;
    sources->n_traits = fold.n_traits;
    nsf_free(sources->large_counters);
    sources->large_counters = fold.large;
    sources->large_counters_capacity = sources->n_large_counters;
    sources->n_large_counters = fold.n_large;
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

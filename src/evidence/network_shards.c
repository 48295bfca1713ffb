#include "core/nsf_common.h"

#include "evidence/network_shards.h"

#include "core/parallel.h"
#include "evidence/evidence_state.h"

/* Rows of one partition that sent messages, by the shard of their network. */
struct nsf_network_rows {
    struct {
        uint32_t *items;
        size_t n;
        size_t capacity;
    } of[NSF_NETWORK_SHARDS_MAX];
};

static unsigned shard_of(const struct nsf_network_shards *networks, uint64_t id)
{
    return networks->n == 1 ? 0 : (unsigned)(nsf_hash_mix(id, UINT64_C(0xa54ff53a5f1d36f1)) >> 32) % networks->n;
}

static const struct nsf_sources *sources_of(const struct nsf_network_shards *networks, unsigned partition)
{
    return &networks->evidence->partitions[partition].sources;
}

static uint64_t network_of_row(const struct nsf_network_shards *networks, unsigned partition, uint32_t row_idx)
{
    const struct nsf_sources *sources = sources_of(networks, partition);
    struct nsf_ip src = nsf_source_row_src(&sources->rows, nsf_sources_row(sources, row_idx));
    return networks->ask.network_of(networks->ask.ctx, src).id;
}

static bool has_messages(const struct nsf_sources *sources, uint32_t row_idx)
{
    return nsf_source_row_class(&sources->rows, nsf_sources_row(sources, row_idx), NSF_CLASS_MESSAGE) > 0;
}

static void list_rows(void *ctx, size_t partition)
{
    struct nsf_network_shards *networks = ctx;
    const struct nsf_sources *sources = sources_of(networks, (unsigned)partition);
    struct nsf_network_rows *rows = &networks->rows[partition];
    for (uint32_t i = 0; i < sources->rows.n; i++) {
        if (!has_messages(sources, i))
            continue;
        unsigned shard = shard_of(networks, network_of_row(networks, (unsigned)partition, i));
        NSF_GROW(rows->of[shard].items, rows->of[shard].capacity, rows->of[shard].n + 1);
        rows->of[shard].items[rows->of[shard].n++] = i;
    }
}

void nsf_network_shards_begin(struct nsf_network_shards *networks, const struct nsf_evidence *evidence,
                              const struct nsf_dossier_ask *ask, unsigned jobs)
{
    *networks = (struct nsf_network_shards){
        .evidence = evidence,
        .ask = *ask,
        .n = jobs <= 1                       ? 1
             : jobs < NSF_NETWORK_SHARDS_MAX ? jobs
                                             : NSF_NETWORK_SHARDS_MAX,
    };
    if (networks->n == 1)
        return;
    networks->rows = nsf_calloc(NSF_PARTITIONS, sizeof(*networks->rows));
    nsf_parallel(jobs, NSF_PARTITIONS, list_rows, networks);
}

/* Networks lie anywhere, and there can be millions: rows wait a while, until what is known of theirs is in the cache.
 */
#define ROWS_WAITING 16u
struct collecting {
    struct nsf_network_shards *networks;
    struct nsf_network_mails *shard;
    struct nsf_traits *one;
    struct {
        unsigned partition;
        uint32_t row_idx;
        uint64_t id;
    } waiting[ROWS_WAITING]; /* in a ring */
    uint64_t n_come;
    uint64_t n_gone;
};

static void add_oldest(struct collecting *collecting)
{
    uint64_t oldest = collecting->n_gone++, half = oldest + ROWS_WAITING / 2, last = oldest + ROWS_WAITING / 4;
    const struct nsf_sources *sources =
        sources_of(collecting->networks, collecting->waiting[oldest % ROWS_WAITING].partition);
    if (half < collecting->n_come)
        nsf_network_mails_expect_entry(collecting->shard, collecting->waiting[half % ROWS_WAITING].id);
    if (last < collecting->n_come)
        nsf_network_mails_expect_lists(collecting->shard, collecting->waiting[last % ROWS_WAITING].id);
    const struct nsf_traits *traits = nsf_sources_traits(sources, collecting->waiting[oldest % ROWS_WAITING].row_idx,
                                                         NSF_TRAITS_OF_NETWORKS, &collecting->one);
    nsf_network_mails_add(collecting->shard, collecting->waiting[oldest % ROWS_WAITING].id,
                          nsf_traits_list(traits, NSF_TRAIT_RUNS), nsf_traits_list(traits, NSF_TRAIT_MESSAGE_DAYS));
}

static void add_row(struct collecting *collecting, unsigned partition, uint32_t row_idx)
{
    if (collecting->n_come - collecting->n_gone == ROWS_WAITING)
        add_oldest(collecting);
    uint64_t place = collecting->n_come++ % ROWS_WAITING;
    collecting->waiting[place].partition = partition;
    collecting->waiting[place].row_idx = row_idx;
    collecting->waiting[place].id = network_of_row(collecting->networks, partition, row_idx);
    nsf_network_mails_expect(collecting->shard, collecting->waiting[place].id);
}

void nsf_network_shards_collect(struct nsf_network_shards *networks, unsigned i)
{
    struct collecting collecting = {.networks = networks, .shard = &networks->shards[i]};
    for (unsigned p = 0; p < NSF_PARTITIONS && networks->rows != NULL; p++)
        for (size_t r = 0; r < networks->rows[p].of[i].n; r++)
            add_row(&collecting, p, networks->rows[p].of[i].items[r]);
    for (unsigned p = 0; p < NSF_PARTITIONS && networks->rows == NULL; p++)
        for (uint32_t r = 0; r < sources_of(networks, p)->rows.n; r++)
            if (has_messages(sources_of(networks, p), r))
                add_row(&collecting, p, r);
    while (collecting.n_gone < collecting.n_come)
        add_oldest(&collecting);
    nsf_free(collecting.one);
}

void nsf_network_shards_finish(struct nsf_network_shards *networks)
{
    for (unsigned p = 0; p < NSF_PARTITIONS && networks->rows != NULL; p++)
        for (unsigned i = 0; i < networks->n; i++)
            nsf_free(networks->rows[p].of[i].items);
    nsf_free(networks->rows);
    networks->rows = NULL;
}

void nsf_network_shards_release(struct nsf_network_shards *networks)
{
    nsf_network_shards_finish(networks);
    for (unsigned i = 0; i < networks->n; i++)
        nsf_network_mails_release(&networks->shards[i]);
}

void nsf_network_shards_expect(const struct nsf_network_shards *networks, uint64_t id)
{
    nsf_network_mails_expect(&networks->shards[shard_of(networks, id)], id);
}

void nsf_network_shards_expect_entry(const struct nsf_network_shards *networks, uint64_t id)
{
    nsf_network_mails_expect_entry(&networks->shards[shard_of(networks, id)], id);
}

void nsf_network_shards_expect_lists(const struct nsf_network_shards *networks, uint64_t id)
{
    nsf_network_mails_expect_lists(&networks->shards[shard_of(networks, id)], id);
}

void nsf_network_shards_find(const struct nsf_network_shards *networks, uint64_t id, struct nsf_u32_view *runs,
                             struct nsf_u32_view *days)
{
    nsf_network_mails_find(&networks->shards[shard_of(networks, id)], id, runs, days);
}

#include "core/nsf_common.h"

#include "evidence/elsewhere.h"

#include "evidence/history.h"

static uint32_t nsg_of_target(const struct nsf_evidence *evidence, uint32_t target)
{
    size_t n_findings = evidence->scan->n_findings;
    return target < n_findings ? evidence->scan->findings[target].nsg_idx
                               : evidence->unmatched[target - n_findings].nsg_idx;
}

/* The platform's own decisions are no NSG's. */
static bool is_by_an_nsg(const struct nsf_evidence *evidence, uint32_t target)
{
    size_t n_findings = evidence->scan->n_findings;
    if (target < n_findings)
        return true;
    enum nsf_join_reason reason = evidence->unmatched[target - n_findings].reason;
    return reason != NSF_JOIN_PLATFORM && reason != NSF_JOIN_UNSPECIFIED;
}

struct nsf_elsewhere {
    struct nsf_pair_list on_path; /* (NSG, target of another one that let mail in at a NIC of this one) */
    size_t *from;                 /* by target: where its sources begin; one more behind the last; NULL: no finding
                                     wants any */
    struct nsf_elsewhere_source *sources; /* of the targets that some finding wants */
};

/* ---- targets on a path ------------------------------------------------------------------------------------------ */

static struct nsf_pair_range targets_on_path(const struct nsf_evidence *evidence, uint32_t nsg_idx)
{
    return nsf_pair_list_of(&evidence->elsewhere->on_path, nsg_idx);
}

/* Each NIC has the same few targets, so repeats are dropped NSG by NSG. */
static void add_path(const struct nsf_evidence *evidence, uint32_t nsg_idx, struct nsf_pair_list *on_path)
{
    struct nsf_pair_range nics = nsf_pair_list_of(&evidence->paths.nics, nsg_idx);
    struct nsf_pair_list found = {.items = NULL};
    for (size_t n = 0; n < nics.n; n++) {
        struct nsf_pair_range targets = nsf_pair_list_of(&evidence->paths.nic_targets, nsf_pair_second(nics, n));
        for (size_t t = 0; t < targets.n; t++) {
            uint32_t target = nsf_pair_second(targets, t);
            if (nsg_of_target(evidence, target) != nsg_idx && is_by_an_nsg(evidence, target))
                nsf_pair_list_add(&found, nsg_idx, target);
        }
    }
    nsf_pair_list_finish(&found);
    for (size_t i = 0; i < found.n; i++)
        nsf_pair_list_add(on_path, nsg_idx, (uint32_t)found.items[i]);
    nsf_pair_list_release(&found);
}

static void collect_paths(const struct nsf_evidence *evidence, struct nsf_pair_list *on_path)
{
    const struct nsf_scan *scan = evidence->scan;
    bool *is_done = nsf_calloc(scan->n_nsgs + 1, sizeof(*is_done));
    for (size_t f = 0; f < scan->n_findings; f++) {
        uint32_t nsg_idx = scan->findings[f].nsg_idx;
        if (!is_done[nsg_idx])
            add_path(evidence, nsg_idx, on_path);
        is_done[nsg_idx] = true;
    }
    nsf_free(is_done);
    nsf_pair_list_finish(on_path);
}

bool nsf_evidence_has_mail_elsewhere(const struct nsf_evidence *evidence, uint32_t nsg_idx)
{
    return targets_on_path(evidence, nsg_idx).n > 0;
}

/* ---- sources ---------------------------------------------------------------------------------------------------- */

/* Calls fn for each target whose mail concerns the finding. */
static void each_wanted(const struct nsf_evidence *evidence, const struct nsf_elsewhere *elsewhere,
                        uint32_t finding_idx, void (*fn)(void *ctx, uint32_t target), void *ctx)
{
    uint32_t nsg_idx = evidence->scan->findings[finding_idx].nsg_idx;
    struct nsf_pair_range others = nsf_pair_list_of(&elsewhere->on_path, nsg_idx);
    struct nsf_pair_range own = nsf_pair_list_of(&evidence->paths.targets, nsg_idx);
    for (size_t t = 0; t < others.n; t++)
        fn(ctx, nsf_pair_second(others, t));
    for (size_t t = 0; t < own.n; t++)
        if (nsf_history_succession(evidence, finding_idx, nsf_pair_second(own, t)) != NSF_SUCCESSION_NONE)
            fn(ctx, nsf_pair_second(own, t));
}

static void want(void *ctx, uint32_t target)
{
    ((bool *)ctx)[target] = true;
}

/* Calls fn for every row of a target that some finding wants. */
static void each_wanted_row(const struct nsf_evidence *evidence, const bool *is_wanted,
                            void (*fn)(struct nsf_elsewhere *elsewhere, uint32_t target,
                                       const struct nsf_elsewhere_source *source),
                            struct nsf_elsewhere *elsewhere)
{
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        const struct nsf_sources *sources = &evidence->partitions[p].sources;
        for (uint32_t i = 0; i < sources->rows.n; i++) {
            const struct nsf_source_row *row = nsf_sources_row(sources, i);
            uint32_t target = nsf_source_row_target(row);
            if (is_wanted[target])
                fn(elsewhere, target, &(struct nsf_elsewhere_source){nsf_source_row_src(&sources->rows, row), {p, i}});
        }
    }
}

static void count_row(struct nsf_elsewhere *elsewhere, uint32_t target,
                      const struct nsf_elsewhere_source *source NSF_UNUSED)
{
    elsewhere->from[target + 1]++;
}

/* Where a target begins moves to where it ends, which is where the next one begins. */
static void put_row(struct nsf_elsewhere *elsewhere, uint32_t target, const struct nsf_elsewhere_source *source)
{
    elsewhere->sources[elsewhere->from[target]++] = *source;
}

static void collect_sources(const struct nsf_evidence *evidence, const bool *is_wanted, struct nsf_elsewhere *elsewhere)
{
    size_t n_targets = evidence->scan->n_findings + evidence->target_keys.n;
    elsewhere->from = nsf_calloc(n_targets + 2, sizeof(*elsewhere->from));
    each_wanted_row(evidence, is_wanted, count_row, elsewhere);
    for (size_t t = 0; t < n_targets; t++)
        elsewhere->from[t + 1] += elsewhere->from[t];
    elsewhere->sources = nsf_malloc(nsf_mul_size(elsewhere->from[n_targets] + 1, sizeof(*elsewhere->sources)));
    each_wanted_row(evidence, is_wanted, put_row, elsewhere);
    memmove(elsewhere->from + 1, elsewhere->from, n_targets * sizeof(*elsewhere->from));
    elsewhere->from[0] = 0;
}

void nsf_elsewhere_make(struct nsf_evidence *evidence)
{
    size_t n_targets = evidence->scan->n_findings + evidence->target_keys.n;
    bool *is_wanted = nsf_calloc(n_targets + 1, sizeof(*is_wanted));
    struct nsf_elsewhere *elsewhere = nsf_calloc(1, sizeof(*elsewhere));
    collect_paths(evidence, &elsewhere->on_path);
    for (uint32_t f = 0; f < evidence->scan->n_findings; f++)
        each_wanted(evidence, elsewhere, f, want, is_wanted);
    if (memchr(is_wanted, true, n_targets) != NULL)
        collect_sources(evidence, is_wanted, elsewhere);
    nsf_free(is_wanted);
    evidence->elsewhere = elsewhere;
}

void nsf_elsewhere_free(struct nsf_elsewhere *elsewhere)
{
    if (elsewhere == NULL)
        return;
    nsf_pair_list_release(&elsewhere->on_path);
    nsf_free(elsewhere->from);
    nsf_free(elsewhere->sources);
    nsf_free(elsewhere);
}

struct telling {
    const struct nsf_elsewhere *elsewhere;
    nsf_elsewhere_fn *fn;
    void *ctx;
};

static void tell_sources(void *ctx, uint32_t target)
{
    const struct telling *telling = ctx;
    const struct nsf_elsewhere *elsewhere = telling->elsewhere;
    for (size_t i = elsewhere->from[target]; i < elsewhere->from[target + 1]; i++)
        telling->fn(telling->ctx, &elsewhere->sources[i]);
}

void nsf_elsewhere_each(const struct nsf_evidence *evidence, uint32_t finding_idx, nsf_elsewhere_fn *fn, void *ctx)
{
    struct telling telling = {.elsewhere = evidence->elsewhere, .fn = fn, .ctx = ctx};
    each_wanted(evidence, evidence->elsewhere, finding_idx, tell_sources, &telling);
}

/* ---- NSGs ------------------------------------------------------------------------------------------------------- */

/* Keeps the smallest. */
static size_t insert_nsg(uint32_t *nsgs, size_t n, size_t max, uint32_t nsg_idx)
{
    size_t at = 0;
    while (at < n && nsgs[at] < nsg_idx)
        at++;
    if (at == max || (at < n && nsgs[at] == nsg_idx))
        return n;
    n += n < max;
    for (size_t i = n - 1; i > at; i--)
        nsgs[i] = nsgs[i - 1];
    nsgs[at] = nsg_idx;
    return n;
}

size_t nsf_elsewhere_nsgs(const struct nsf_evidence *evidence, uint32_t nsg_idx, uint32_t *nsgs, size_t max)
{
    struct nsf_pair_range targets = targets_on_path(evidence, nsg_idx);
    size_t n = 0;
    for (size_t t = 0; t < targets.n; t++) {
        uint32_t other = nsg_of_target(evidence, nsf_pair_second(targets, t));
        if (other != NSF_JOIN_NONE)
            n = insert_nsg(nsgs, n, max, other);
    }
    return n;
}

bool nsf_elsewhere_is_own(const struct nsf_evidence *evidence, uint32_t finding_idx, struct nsf_ip src)
{
    return nsf_sources_find(&evidence->partitions[nsf_partition_of(src)].sources, finding_idx, src) != NSF_INDEX_NONE;
}

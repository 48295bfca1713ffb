#include "core/nsf_common.h"

#include "evidence/sent_on.h"

#include "core/radix_sort.h"
#include "evidence/evidence_state.h"

/* Moments from the one to before the other. */
struct stretch {
    uint32_t from;
    uint32_t to;
};

/* Some of the stretches. */
struct share {
    size_t from;
    size_t to;
};

struct nsf_sent_on {
    struct stretch *stretches;
    size_t capacity;
    size_t n;
    struct share *of_target; /* ascending, none touches the next */
};

/* What is needed while it is made. */
struct making {
    const struct nsf_evidence *evidence;
    struct nsf_sent_on *sent_on;
    struct nsf_pair_list target_nics;
    uint32_t *nic_from; /* in the outbound rows, by NIC; one more behind the last */
    uint32_t *seconds;
    size_t seconds_capacity;
};

static void find_nics(struct making *making)
{
    const struct nsf_outbound *outbound = &making->evidence->outbound;
    uint32_t n_nics = making->evidence->nics.n, at = 0;
    making->nic_from = nsf_calloc((size_t)n_nics + 2, sizeof(*making->nic_from));
    for (uint32_t id = 0; id <= n_nics; id++) {
        while (at < outbound->n_rows && outbound->rows[at].nic_id < id)
            at++;
        making->nic_from[id] = at;
    }
    making->nic_from[n_nics + 1] = outbound->n_rows;
    const struct nsf_pair_list *nic_targets = &making->evidence->paths.nic_targets;
    for (size_t i = 0; i < nic_targets->n; i++) {
        uint32_t id = (uint32_t)(nic_targets->items[i] >> 32);
        if (making->nic_from[id] < making->nic_from[id + 1])
            nsf_pair_list_add(&making->target_nics, (uint32_t)nic_targets->items[i], id);
    }
    nsf_pair_list_finish(&making->target_nics);
}

/* When messages begin at these NICs; how many there are. */
static size_t collect_seconds(struct making *making, struct nsf_pair_range nics)
{
    size_t n = 0;
    for (size_t i = 0; i < nics.n; i++) {
        uint32_t id = nsf_pair_second(nics, i), from = making->nic_from[id], to = making->nic_from[id + 1];
        NSF_GROW(making->seconds, making->seconds_capacity, n + (to - from));
        for (uint32_t row = from; row < to; row++)
            if (making->evidence->outbound.rows[row].is_message)
                making->seconds[n++] = making->evidence->outbound.rows[row].second;
    }
    nsf_radix_sort_u32(making->seconds, n, NULL);
    return n;
}

static struct share add_stretches(struct nsf_sent_on *sent_on, const uint32_t *seconds, size_t n)
{
    struct share share = {sent_on->n, sent_on->n};
    for (size_t i = 0; i < n; i++) {
        uint32_t from = seconds[i] < NSF_SENT_ON_SECONDS ? 0 : seconds[i] - NSF_SENT_ON_SECONDS;
        if (share.to > share.from && sent_on->stretches[share.to - 1].to >= from) {
            sent_on->stretches[share.to - 1].to = seconds[i];
            continue;
        }
        NSF_GROW(sent_on->stretches, sent_on->capacity, share.to + 1);
        sent_on->stretches[share.to++] = (struct stretch){from, seconds[i]};
    }
    sent_on->n = share.to;
    return share;
}

static bool are_same_nics(struct nsf_pair_range a, struct nsf_pair_range b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (nsf_pair_second(a, i) != nsf_pair_second(b, i))
            return false;
    return true;
}

/* Rules of one NSG mostly have the same NICs, and then one share. */
static void make_targets(struct making *making, const bool *is_asked, uint32_t n_targets)
{
    struct nsf_pair_range before = {.items = NULL};
    struct share share = {0, 0};
    for (uint32_t t = 0; t < n_targets; t++) {
        struct nsf_pair_range nics = nsf_pair_list_of(&making->target_nics, t);
        if (!is_asked[t] || nics.n == 0)
            continue;
        if (!are_same_nics(nics, before))
            share = add_stretches(making->sent_on, making->seconds, collect_seconds(making, nics));
        making->sent_on->of_target[t] = share;
        before = nics;
    }
}

static void mark_asked(const struct nsf_evidence *evidence, bool *is_asked)
{
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        const struct nsf_source_rows *rows = &evidence->partitions[p].sources.rows;
        for (uint32_t i = 0; i < rows->n; i++) {
            const struct nsf_source_row *row = nsf_sources_row(&evidence->partitions[p].sources, i);
            is_asked[nsf_source_row_target(row)] |= nsf_source_row_class(rows, row, NSF_CLASS_UNKNOWN) > 0;
        }
    }
}

struct nsf_sent_on *nsf_sent_on_new(const struct nsf_evidence *evidence)
{
    uint32_t n_targets = (uint32_t)evidence->scan->n_findings + evidence->target_keys.n;
    struct making making = {.evidence = evidence, .sent_on = nsf_calloc(1, sizeof(*making.sent_on))};
    making.sent_on->of_target = nsf_calloc((size_t)n_targets + 1, sizeof(*making.sent_on->of_target));
    if (evidence->outbound.n_rows == 0)
        return making.sent_on;
    bool *is_asked = nsf_calloc((size_t)n_targets + 1, sizeof(*is_asked));
    mark_asked(evidence, is_asked);
    find_nics(&making);
    make_targets(&making, is_asked, n_targets);
    nsf_free(is_asked);
    nsf_free(making.seconds);
    nsf_free(making.nic_from);
    nsf_pair_list_release(&making.target_nics);
    return making.sent_on;
}

void nsf_sent_on_free(struct nsf_sent_on *sent_on)
{
    if (sent_on == NULL)
        return;
    nsf_free(sent_on->stretches);
    nsf_free(sent_on->of_target);
    nsf_free(sent_on);
}

bool nsf_sent_on_after(const struct nsf_sent_on *sent_on, uint32_t target, uint64_t second)
{
    size_t from = sent_on->of_target[target].from, to = sent_on->of_target[target].to;
    while (from < to) {
        size_t half = from + (to - from) / 2;
        if (sent_on->stretches[half].to <= second)
            from = half + 1;
        else
            to = half;
    }
    return from < sent_on->of_target[target].to && sent_on->stretches[from].from <= second;
}

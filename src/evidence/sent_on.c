#include "core/nsf_common.h"

#include "evidence/sent_on.h"

#include "core/radix_sort.h"
#include "evidence/evidence_state.h"

/* Moments from the one to before the other, of one NIC: its number stands above the second. */
struct stretch {
    uint64_t from;
    uint64_t to;
};

/* Ascending, none touches the next. */
struct nsf_sent_on {
    struct stretch *stretches;
    size_t capacity;
    size_t n;
};

static uint64_t moment_of(uint16_t nic, uint64_t second)
{
    return (uint64_t)nic << 32 | second;
}

static bool is_asked(const struct nsf_evidence *evidence)
{
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        const struct nsf_source_rows *rows = &evidence->partitions[p].sources.rows;
        for (uint32_t i = 0; i < rows->n; i++)
            if (nsf_source_row_class(rows, nsf_source_rows_get(rows, i), NSF_CLASS_UNKNOWN) > 0)
                return true;
    }
    return false;
}

/* When messages begin, by NIC; the caller frees. */
static uint64_t *collect_moments(const struct nsf_outbound *outbound, size_t *n)
{
    uint64_t *moments = nsf_malloc(nsf_mul_size((size_t)outbound->n_rows + 1, sizeof(*moments)));
    *n = 0;
    for (uint32_t i = 0; i < outbound->n_rows; i++)
        if (outbound->rows[i].is_message)
            moments[(*n)++] = moment_of(NSF_TRAIT_NIC(outbound->rows[i].nic_id), outbound->rows[i].second);
    nsf_radix_sort_u64(moments, *n, NULL);
    return moments;
}

static void add_stretch(struct nsf_sent_on *sent_on, uint64_t sent_at)
{
    uint64_t second = sent_at & UINT32_MAX;
    uint64_t from = sent_at - (second < NSF_SENT_ON_SECONDS ? second : NSF_SENT_ON_SECONDS);
    struct stretch *last = sent_on->n > 0 ? &sent_on->stretches[sent_on->n - 1] : NULL;
    if (last != NULL && last->to >= from) {
        last->to = sent_at;
        return;
    }
    NSF_GROW(sent_on->stretches, sent_on->capacity, sent_on->n + 1);
    sent_on->stretches[sent_on->n++] = (struct stretch){from, sent_at};
}

struct nsf_sent_on *nsf_sent_on_new(const struct nsf_evidence *evidence)
{
    struct nsf_sent_on *sent_on = nsf_calloc(1, sizeof(*sent_on));
    size_t n = 0;
    if (evidence->outbound.n_rows == 0 || !is_asked(evidence))
        return sent_on;
    uint64_t *moments = collect_moments(&evidence->outbound, &n);
    for (size_t i = 0; i < n; i++)
        add_stretch(sent_on, moments[i]);
    nsf_free(moments);
    return sent_on;
}

void nsf_sent_on_free(struct nsf_sent_on *sent_on)
{
    if (sent_on == NULL)
        return;
    nsf_free(sent_on->stretches);
    nsf_free(sent_on);
}

bool nsf_sent_on_after(const struct nsf_sent_on *sent_on, uint16_t nic, uint64_t second)
{
    uint64_t moment = moment_of(nic, second);
    size_t from = 0, to = sent_on->n;
    while (from < to) {
        size_t half = from + (to - from) / 2;
        if (sent_on->stretches[half].to <= moment)
            from = half + 1;
        else
            to = half;
    }
    return second <= UINT32_MAX && from < sent_on->n && sent_on->stretches[from].from <= moment;
}

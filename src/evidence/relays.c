#include "core/nsf_common.h"

#include "evidence/relays.h"

#include "core/mem.h"
#include "core/parallel.h"
#include "evidence/evidence_state.h"

struct nic {
    struct nsf_slice name;
    uint32_t id;
    const struct nsf_outbound_row *rows;
    size_t n_rows;
    struct nsf_relay *mail;
};

struct nsf_relays {
    const struct nsf_evidence *evidence;
    struct nic *nics; /* by name */
    size_t capacity;
    uint32_t n;
    struct nsf_pair_list of_nsg; /* (NSG, number of a NIC) */
};

static int cmp_nics(const void *left, const void *right)
{
    return nsf_slice_cmp(((const struct nic *)left)->name, ((const struct nic *)right)->name);
}

static void add_nics(struct nsf_relays *relays)
{
    const struct nsf_outbound *outbound = &relays->evidence->outbound;
    for (uint32_t from = 0, to; from < outbound->n_rows; from = to) {
        uint32_t id = outbound->rows[from].nic_id;
        for (to = from + 1; to < outbound->n_rows && outbound->rows[to].nic_id == id;)
            to++;
        NSF_GROW(relays->nics, relays->capacity, (size_t)relays->n + 1);
        relays->nics[relays->n++] = (struct nic){
            .name = nsf_intern_get(&relays->evidence->macs, id),
            .id = id,
            .rows = &outbound->rows[from],
            .n_rows = to - from,
        };
    }
    if (relays->n > 1)
        qsort(relays->nics, relays->n, sizeof(*relays->nics), cmp_nics);
}

static void list_by_nsg(struct nsf_relays *relays)
{
    const struct nsf_pair_list *logged = &relays->evidence->paths.logged_nics;
    struct nsf_pair_list by_id = {.items = NULL};
    for (uint32_t i = 0; i < relays->n; i++)
        nsf_pair_list_add(&by_id, relays->nics[i].id, i);
    nsf_pair_list_finish(&by_id);
    for (size_t i = 0; i < logged->n; i++) {
        struct nsf_pair_range nic = nsf_pair_list_of(&by_id, (uint32_t)logged->items[i]);
        if (nic.n > 0)
            nsf_pair_list_add(&relays->of_nsg, (uint32_t)(logged->items[i] >> 32), nsf_pair_second(nic, 0));
    }
    nsf_pair_list_finish(&relays->of_nsg);
    nsf_pair_list_release(&by_id);
}

static void make_one(void *ctx, size_t i)
{
    struct nsf_relays *relays = ctx;
    relays->nics[i].mail = nsf_relay_new(relays->nics[i].rows, relays->nics[i].n_rows);
}

struct nsf_relays *nsf_relays_new(const struct nsf_evidence *evidence, unsigned jobs)
{
    struct nsf_relays *relays = nsf_calloc(1, sizeof(*relays));
    relays->evidence = evidence;
    add_nics(relays);
    list_by_nsg(relays);
    nsf_parallel(jobs, relays->n, make_one, relays);
    return relays;
}

void nsf_relays_free(struct nsf_relays *relays)
{
    if (relays == NULL)
        return;
    for (uint32_t i = 0; i < relays->n; i++)
        nsf_relay_free(relays->nics[i].mail);
    nsf_pair_list_release(&relays->of_nsg);
    nsf_free(relays->nics);
    nsf_free(relays);
}

struct nsf_pair_range nsf_relays_of(const struct nsf_relays *relays, uint32_t finding_idx)
{
    return nsf_pair_list_of(&relays->of_nsg, relays->evidence->scan->findings[finding_idx].nsg_idx);
}

struct nsf_relays_nic nsf_relays_get(const struct nsf_relays *relays, uint32_t number)
{
    const struct nic *nic = &relays->nics[number];
    return (struct nsf_relays_nic){.name = nic->name, .nic = NSF_TRAIT_NIC(nic->id), .mail = nic->mail};
}

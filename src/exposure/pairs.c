#include "core/nsf_common.h"

#include "exposure/pairs.h"

#include "core/buf.h"
#include "core/mem.h"

#define NOTE_MAX_BYTES ((size_t)64 << 10)
#define NO_PARTNER UINT32_MAX

/* An NSG stands at this subnet or interface. */
struct standing {
    struct nsf_slice id;
    uint32_t row;
};

/* One path to an NSG, through one interface; the other NSG on it, if there is one that the input defines. */
struct path {
    uint32_t row;
    uint32_t partner; /* NO_PARTNER: none, or not defined in the input */
    enum nsf_gate_kind kind;
    bool is_free; /* nothing that the input shows stands in its way */
};

struct pairing {
    const struct nsf_estate *estate;
    struct nsf_exposure_result *results;
    size_t n_results;
    struct nsf_arena *keep;
    struct standing *standings;
    size_t n_standings;
    size_t standings_capacity;
    struct path *paths;
    size_t n_paths;
    size_t paths_capacity;
    struct nsf_ipset scratch;
    struct nsf_ipset both;
};

/* ---- who stands where --------------------------------------------------------------------------------------- */

static int cmp_standing(const void *left, const void *right)
{
    const struct standing *a = left, *b = right;
    int order = nsf_slice_cmp_nocase(a->id, b->id);
    return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

static void list_standings(struct pairing *pairing)
{
    for (size_t row = 0; row < pairing->n_results; row++)
        for (size_t i = 0; i < pairing->results[row].nsg.attached_to.n; i++) {
            NSF_GROW(pairing->standings, pairing->standings_capacity, pairing->n_standings + 1);
            pairing->standings[pairing->n_standings++] =
                (struct standing){pairing->results[row].nsg.attached_to.items[i], (uint32_t)row};
        }
    if (pairing->n_standings > 1)
        qsort(pairing->standings, pairing->n_standings, sizeof(*pairing->standings), cmp_standing);
}

static uint32_t row_at(const struct pairing *pairing, struct nsf_slice id)
{
    size_t low = 0, high = pairing->n_standings;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (nsf_slice_cmp_nocase(pairing->standings[mid].id, id) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    bool is_there = low < pairing->n_standings && nsf_slice_eq_nocase(pairing->standings[low].id, id);
    return is_there ? pairing->standings[low].row : NO_PARTNER;
}

static void add_path(struct pairing *pairing, uint32_t row, uint32_t partner, enum nsf_gate_kind kind)
{
    NSF_GROW(pairing->paths, pairing->paths_capacity, pairing->n_paths + 1);
    bool is_free = partner == NO_PARTNER || partner == row;
    pairing->paths[pairing->n_paths++] = (struct path){row, is_free ? NO_PARTNER : partner, kind, is_free};
}

static void list_nic_paths(struct pairing *pairing, const struct nsf_estate_nic *nic)
{
    uint32_t nic_row = row_at(pairing, nic->id);
    for (size_t i = 0; i < nic->subnets.n; i++) {
        uint32_t subnet_row = row_at(pairing, nic->subnets.items[i]);
        if (subnet_row != NO_PARTNER)
            add_path(pairing, subnet_row, nic_row, NSF_GATE_NIC_NSG);
        if (nic_row != NO_PARTNER)
            add_path(pairing, nic_row, subnet_row, NSF_GATE_SUBNET_NSG);
    }
    if (nic->subnets.n == 0 && nic_row != NO_PARTNER)
        add_path(pairing, nic_row, NO_PARTNER, NSF_GATE_SUBNET_NSG);
}

/* A place of which the input does not show what stands behind it is a free path. */
static void list_unseen_paths(struct pairing *pairing)
{
    for (uint32_t row = 0; row < pairing->n_results; row++) {
        const struct nsf_scan_nsg *nsg = &pairing->results[row].nsg;
        if (pairing->results[row].n_findings == 0)
            continue;
        for (size_t i = 0; i < nsg->attached_to.n; i++) {
            struct nsf_slice id = nsg->attached_to.items[i];
            if (nsf_estate_nic(pairing->estate, id) == NULL && !nsf_estate_has_subnet(pairing->estate, id))
                add_path(pairing, row, NO_PARTNER, NSF_GATE_NIC_NSG);
        }
    }
}

static int cmp_path(const void *left, const void *right)
{
    const struct path *a = left, *b = right;
    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    if (a->is_free != b->is_free)
        return a->is_free ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return (a->partner > b->partner) - (a->partner < b->partner);
}

/* ---- what passes both ------------------------------------------------------------------------------------------ */

static const struct nsf_opening *open_of(const struct nsf_exposure_result *result, const struct nsf_finding *finding)
{
    for (size_t i = 0; i < result->n_opens; i++)
        if (nsf_slice_eq(result->opens[i].rule, finding->rule))
            return &result->opens[i];
    return NULL;
}

static int cmp_text(const void *left, const void *right)
{
    return nsf_slice_cmp(*(const struct nsf_slice *)left, *(const struct nsf_slice *)right);
}

static struct nsf_gate make_gate(struct pairing *pairing, const struct nsf_opening *open, const struct path *path,
                                 uint64_t n_nics)
{
    const struct nsf_exposure_result *partner = &pairing->results[path->partner];
    struct nsf_gate gate = {.kind = path->kind, .nsg = partner->nsg.id, .n_nics = n_nics};
    gate.rules.items = nsf_arena_zalloc(pairing->keep, partner->n_opens + 1, sizeof(*gate.rules.items));
    nsf_ipset_reset(&pairing->both);
    for (size_t i = 0; i < partner->n_opens; i++) {
        const struct nsf_opening *other = &partner->opens[i];
        bool may_meet = other->has_unknown || other->has_cloud || open->has_cloud || open->has_unknown;
        nsf_ipset_intersect(&pairing->scratch, &open->set, &other->set);
        if (nsf_ipset_is_empty(&pairing->scratch) && !may_meet)
            continue;
        for (int family = 0; family < NSF_FAMILY_N; family++)
            for (size_t r = 0; r < pairing->scratch.of[family].n; r++)
                nsf_ranges_add(&pairing->both.of[family], pairing->scratch.of[family].items[r].first,
                               pairing->scratch.of[family].items[r].last);
        gate.rules.items[gate.rules.n++] = other->rule;
    }
    nsf_ipset_normalize(&pairing->both);
    gate.is_open = gate.rules.n > 0;
    gate.public_ipv4 = (uint64_t)nsf_ranges_count(&pairing->both.of[NSF_FAMILY_V4]);
    nsf_u128 n_ipv6 = nsf_ranges_count(&pairing->both.of[NSF_FAMILY_V6]);
    gate.public_ipv6 = n_ipv6 == 0 ? NSF_V6_NONE : n_ipv6 >> NSF_PUBLIC_IPV6_BITS != 0 ? NSF_V6_FULL : NSF_V6_PART;
    if (!gate.is_open && partner->closed_by.ptr != NULL)
        gate.rules.items[gate.rules.n++] = partner->closed_by;
    if (gate.rules.n > 1)
        qsort(gate.rules.items, gate.rules.n, sizeof(*gate.rules.items), cmp_text);
    return gate;
}

static bool is_same_pair(const struct path *a, const struct path *b)
{
    return a->row == b->row && a->is_free == b->is_free && a->kind == b->kind && a->partner == b->partner;
}

/* One finding against the paths [first, last) of its NSG. */
static void decide_finding(struct pairing *pairing, const struct nsf_exposure_result *result,
                           struct nsf_finding *finding, size_t first, size_t last)
{
    const struct nsf_opening *open = open_of(result, finding);
    if (open == NULL || finding->is_admin_rule || first == last)
        return;
    struct nsf_gate *gates = nsf_arena_zalloc(pairing->keep, finding->n_gates + last - first, sizeof(*gates));
    size_t n = 0;
    bool is_blocked = true;
    for (size_t i = first; i < last;) {
        size_t next = i;
        while (next < last && is_same_pair(&pairing->paths[i], &pairing->paths[next]))
            next++;
        if (pairing->paths[i].is_free)
            is_blocked = false;
        else
            gates[n++] = make_gate(pairing, open, &pairing->paths[i], next - i);
        i = next;
    }
    for (size_t i = 0; i < n; i++)
        is_blocked &= !gates[i].is_open;
    for (size_t i = 0; i < finding->n_gates; i++) /* admin rules come last by kind */
        gates[n++] = finding->gates[i];
    finding->gates = gates;
    finding->n_gates = n;
    finding->is_blocked |= is_blocked;
    finding->is_latent |= finding->is_blocked;
}

/* ---- notes
 * ------------------------------------------------------------------------------------------------------------ */

static void say_texts(struct nsf_buf *note, const struct nsf_slices *list)
{
    for (size_t i = 0; i < list->n && i < 4; i++) {
        nsf_buf_add_str(note, i > 0 ? ", " : "");
        nsf_buf_add(note, nsf_slice(list->items[i].ptr, list->items[i].len > 160 ? 160 : list->items[i].len));
    }
    nsf_buf_add_str(note, list->n > 4 ? ", ..." : "");
}

static struct nsf_slice last_segment(struct nsf_slice id)
{
    size_t at = id.len;
    while (at > 0 && id.ptr[at - 1] != '/')
        at--;
    struct nsf_slice name = nsf_slice_from(id, at);
    return nsf_slice(name.ptr, name.len > 160 ? 160 : name.len);
}

static void say_gate(struct nsf_buf *note, const struct nsf_gate *gate)
{
    if (gate->kind == NSF_GATE_ADMIN_RULES) {
        nsf_buf_add_str(note, gate->is_open ? "; security admin rules stop a part of it ("
                                            : "; security admin rules stop all of it (");
        say_texts(note, &gate->rules);
        nsf_buf_add_str(note, ")");
        return;
    }
    nsf_buf_add_str(note,
                    gate->kind == NSF_GATE_SUBNET_NSG ? "; the NSG of the subnet, " : "; the NSG of the interface, ");
    nsf_buf_add(note, last_segment(gate->nsg));
    nsf_buf_add_str(note, gate->is_open ? ", lets it in by " : ", stops it by ");
    say_texts(note, &gate->rules);
}

static void say_gates(struct nsf_finding *finding, struct nsf_arena *keep)
{
    struct nsf_buf note;
    if (finding->n_gates == 0)
        return;
    nsf_buf_init(&note, NOTE_MAX_BYTES);
    nsf_buf_add(&note, nsf_slice(finding->note.ptr, finding->note.len - 1)); /* without its full stop */
    for (size_t i = 0; i < finding->n_gates && i < 3; i++)
        say_gate(&note, &finding->gates[i]);
    nsf_buf_add_str(&note, finding->n_gates > 3 ? "; and more" : "");
    nsf_buf_add_str(&note, finding->is_blocked ? ": nothing gets through." : ".");
    finding->note = nsf_arena_copy(keep, nsf_buf_slice(&note));
    nsf_buf_release(&note);
}

void nsf_pairs_decide(const struct nsf_estate *estate, struct nsf_exposure_result *results, size_t n,
                      struct nsf_arena *keep)
{
    struct pairing pairing = {.estate = estate, .results = results, .n_results = n, .keep = keep};
    size_t first = 0;
    if (estate->n_nics > 0) {
        list_standings(&pairing);
        for (size_t i = 0; i < estate->n_nics; i++)
            list_nic_paths(&pairing, &estate->nics[i]);
        list_unseen_paths(&pairing);
    }
    if (pairing.n_paths > 1)
        qsort(pairing.paths, pairing.n_paths, sizeof(*pairing.paths), cmp_path);
    for (uint32_t row = 0; row < n; row++) {
        size_t last = first;
        while (last < pairing.n_paths && pairing.paths[last].row == row)
            last++;
        for (size_t i = 0; i < results[row].n_findings; i++) {
            decide_finding(&pairing, &results[row], &results[row].findings[i], first, last);
            say_gates(&results[row].findings[i], keep);
        }
        first = last;
    }
    nsf_ipset_release(&pairing.scratch);
    nsf_ipset_release(&pairing.both);
    nsf_free(pairing.standings);
    nsf_free(pairing.paths);
}

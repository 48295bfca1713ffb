#include "core/nsf_common.h"

#include "evidence/evidence.h"

#include "core/clock.h"
#include "evidence/elsewhere.h"
#include "evidence/evidence_state.h"

#include <stdatomic.h>

/* Fingerprints of records older than this, in the NIC's own record time, can be forgotten: blobs come hour by hour. */
#define EVIDENCE_FINGERPRINT_MS (2 * NSF_MS_PER_HOUR)
#define EVIDENCE_FIRST_FINGERPRINT_SWEEP (UINT32_C(1) << 15)

static const struct nsf_evidence *of_shared(const struct nsf_shared *shared)
{
    return (const struct nsf_evidence *)(const void *)shared;
}

static const struct nsf_place_of_scope *place_of(const struct nsf_shared *shared, uint32_t scope_id)
{
    return nsf_stable_get(&of_shared(shared)->places, scope_id);
}

static struct nsf_nic *nic_of(const struct nsf_evidence *evidence, uint32_t nic_id)
{
    return nsf_stable_get(&evidence->nics, nic_id);
}

static bool is_covered_twice(const struct nsf_shared *shared, uint32_t nic_id, uint64_t record)
{
    struct nsf_nic *nic = nic_of(of_shared(shared), nic_id);
    return atomic_load_explicit(&nic->covered_twice_from, memory_order_relaxed) <= record;
}

static int cmp_flow_logs(const struct nsf_shared *shared, uint32_t a, uint32_t b)
{
    const struct nsf_intern *flow_logs = &of_shared(shared)->flow_logs;
    return a == b ? 0 : nsf_slice_cmp(nsf_intern_get(flow_logs, a), nsf_intern_get(flow_logs, b));
}

static int cmp_groups(const struct nsf_shared *shared, uint32_t a, uint32_t b)
{
    const struct nsf_intern *groups = &of_shared(shared)->groups;
    return a == b ? 0 : nsf_slice_cmp(nsf_intern_get(groups, a), nsf_intern_get(groups, b));
}

/* A partition's share; addresses spread evenly over them. */
static uint32_t max_contacts(uint64_t max_other)
{
    uint64_t share = max_other / NSF_PARTITIONS + (max_other > 0);
    return share > UINT32_MAX ? UINT32_MAX : (uint32_t)share;
}

struct nsf_evidence *nsf_evidence_new(const struct nsf_scan *scan, struct nsf_scopes *scopes,
                                      const struct nsf_evidence_options *options)
{
    struct nsf_evidence *evidence = nsf_calloc(1, sizeof(*evidence));
    evidence->scan = scan;
    evidence->scopes = scopes;
    evidence->options = *options;
    evidence->seed = nsf_hash_random_seed();
    evidence->shared = (struct nsf_shared){
        .since_ms = options->since_ms,
        .until_ms = options->until_ms,
        .idle_ms = options->idle_ms == 0 ? NSF_IDLE_MS_DEFAULT : options->idle_ms,
        .classify = options->classify,
        .place = place_of,
        .is_covered_twice = is_covered_twice,
        .cmp_flow_logs = cmp_flow_logs,
        .cmp_groups = cmp_groups,
    };
    evidence->join = nsf_join_new(scan);
    nsf_arena_init(&evidence->arena);
    nsf_stable_init(&evidence->places, sizeof(struct nsf_place_of_scope));
    nsf_stable_init(&evidence->nics, sizeof(struct nsf_nic));
    struct nsf_intern *tables[] = {
        &evidence->keys,       &evidence->groups, &evidence->macs, &evidence->flow_logs, &evidence->expected_flow_logs,
        &evidence->target_keys};
    for (size_t i = 0; i < NSF_ARRAY_LEN(tables); i++)
        nsf_intern_init(tables[i], evidence->seed);
    evidence->fingerprints_sweep_at = EVIDENCE_FIRST_FINGERPRINT_SWEEP;
    nsf_hours_init(&evidence->hours);
    nsf_problems_init(&evidence->inputs.problems);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        nsf_partition_init(&evidence->partitions[p], &evidence->shared, evidence->seed + p);
        nsf_sources_set_limit(&evidence->partitions[p].sources, (uint32_t)scan->n_findings, options->max_sources);
        evidence->partitions[p].contacts.max_addresses = max_contacts(options->max_other);
    }
    nsf_outbound_init(&evidence->outbound, &evidence->shared, evidence->seed);
    return evidence;
}

void nsf_evidence_free(struct nsf_evidence *evidence)
{
    if (evidence == NULL)
        return;
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        nsf_partition_release(&evidence->partitions[p]);
    nsf_outbound_release(&evidence->outbound);
    struct nsf_intern *tables[] = {
        &evidence->keys,       &evidence->groups, &evidence->macs, &evidence->flow_logs, &evidence->expected_flow_logs,
        &evidence->target_keys};
    for (size_t i = 0; i < NSF_ARRAY_LEN(tables); i++)
        nsf_intern_release(tables[i]);
    struct nsf_pairset *sets[] = {&evidence->nic_flow_logs, &evidence->expected, &evidence->nsg_nics,
                                  &evidence->nsg_logs, &evidence->nsg_vnet4};
    for (size_t i = 0; i < NSF_ARRAY_LEN(sets); i++)
        nsf_pairset_release(sets[i]);
    nsf_paths_release(&evidence->paths);
    nsf_elsewhere_free(evidence->elsewhere);
    nsf_free(evidence->unmatched);
    nsf_free(evidence->log_tuples);
    nsf_free(evidence->is_nsg_log);
    nsf_marks_release(&evidence->outbound_marks);
    nsf_stable_release(&evidence->places);
    nsf_stable_release(&evidence->nics);
    nsf_free(evidence->fingerprints);
    nsf_index_release(&evidence->by_fingerprint);
    nsf_free(evidence->nic_record_ms);
    nsf_hours_release(&evidence->hours);
    nsf_problems_release(&evidence->inputs.problems);
    nsf_join_free(evidence->join);
    nsf_arena_release(&evidence->arena);
    nsf_free(evidence);
}

static struct nsf_slice folded(struct nsf_arena *arena, struct nsf_slice s)
{
    char *copy = nsf_arena_alloc(arena, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = nsf_ascii_lower(s.ptr[i]);
    copy[s.len] = '\0';
    return nsf_slice(copy, s.len);
}

/* MACs come with and without separators; 12 hex digits in upper case are the common form. */
static struct nsf_slice folded_mac(struct nsf_arena *arena, struct nsf_slice mac)
{
    char *copy = nsf_arena_alloc(arena, mac.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < mac.len; i++) {
        char c = mac.ptr[i];
        if (c != '-' && c != ':')
            copy[n++] = c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
    }
    return nsf_slice(copy, n);
}

static uint32_t nic_id_of(struct nsf_evidence *evidence, struct nsf_slice mac)
{
    uint32_t id = nsf_intern_add(&evidence->macs, mac);
    if (id == evidence->nics.n) {
        struct nsf_nic *nic = nsf_stable_add(&evidence->nics);
        nic->mac = nsf_intern_get(&evidence->macs, id);
        atomic_init(&nic->covered_twice_from, UINT64_MAX);
    }
    return id;
}

void nsf_evidence_expect(struct nsf_evidence *evidence, struct nsf_slice flow_log, struct nsf_slice mac)
{
    struct nsf_arena scratch;
    nsf_arena_init(&scratch);
    uint32_t flow_log_id = nsf_intern_add(&evidence->expected_flow_logs, folded(&scratch, flow_log));
    uint32_t nic_id = nic_id_of(evidence, folded_mac(&scratch, mac));
    bool is_new = nsf_pairset_add(&evidence->expected, nsf_pair(nic_id, flow_log_id));
    struct nsf_nic *nic = nic_of(evidence, nic_id);
    if (is_new && ++nic->n_expected == 2)
        atomic_store_explicit(&nic->covered_twice_from, 0, memory_order_relaxed);
    nsf_arena_release(&scratch);
}

/* One text of several parts, each with its length in front. */
static struct nsf_slice joined_text(struct nsf_arena *arena, const struct nsf_slice *parts, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += parts[i].len + sizeof(size_t);
    char *text = nsf_arena_alloc(arena, total);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(text + at, &parts[i].len, sizeof(size_t));
        at += sizeof(size_t);
        if (parts[i].len > 0)
            memcpy(text + at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    return nsf_slice(text, total);
}

static bool has_no_nsg(const struct nsf_joined *joined, struct nsf_slice nsg)
{
    return joined->reason == NSF_JOIN_PLATFORM || joined->reason == NSF_JOIN_UNSPECIFIED || nsg.len == 0;
}

/* The row of what joins no finding: one for each NSG, rule and reason, however they are spelt. */
static uint32_t unmatched_target(struct nsf_evidence *evidence, const struct nsf_joined *joined,
                                 const struct nsf_scope *scope, struct nsf_slice nsg_key, struct nsf_slice rule_key,
                                 struct nsf_arena *scratch)
{
    bool is_nameless = has_no_nsg(joined, scope->nsg);
    struct nsf_slice reason = nsf_slice_str(nsf_join_reason_name(joined->reason));
    struct nsf_slice parts[] = {is_nameless ? NSF_SLICE_LIT("") : nsg_key, rule_key, reason};
    uint32_t n_before = evidence->target_keys.n;
    uint32_t idx = nsf_intern_add(&evidence->target_keys, joined_text(scratch, parts, NSF_ARRAY_LEN(parts)));
    if (idx == n_before) {
        NSF_GROW(evidence->unmatched, evidence->unmatched_capacity, (size_t)idx + 1);
        evidence->unmatched[idx] = (struct nsf_unmatched_target){
            .reason = joined->reason,
            .nsg_idx = is_nameless ? NSF_JOIN_NONE : joined->nsg_idx,
            .rule_idx = joined->rule_idx,
        };
        if (!is_nameless && joined->nsg_idx == NSF_JOIN_NONE)
            evidence->unmatched[idx].nsg_lower = folded(&evidence->arena, scope->nsg);
    }
    struct nsf_unmatched_target *target = &evidence->unmatched[idx];
    if (target->logged_rule.ptr == NULL || nsf_slice_cmp(scope->rule, target->logged_rule) < 0)
        target->logged_rule = scope->rule;
    return idx;
}

static void place_scope(struct nsf_evidence *evidence, const struct nsf_scope *scope, struct nsf_place_of_scope *place)
{
    struct nsf_arena scratch;
    nsf_arena_init(&scratch);
    struct nsf_slice flow_log = folded(&scratch, scope->flow_log);
    struct nsf_slice mac = folded_mac(&scratch, scope->mac);
    place->flow_log_id = nsf_intern_add(&evidence->flow_logs, flow_log);
    place->nic_id = nic_id_of(evidence, mac);
    place->is_vnet4 = scope->layout == NSF_LAYOUT_VNET4;
    place->nsg_idx = nsf_join_nsg(evidence->join, scope->nsg);
    if (scope->rule.ptr != NULL) {
        struct nsf_joined joined = nsf_join_resolve(evidence->join, scope);
        /* What joins is one key however it is spelt; what does not is known by its folded text. */
        struct nsf_slice nsg_key = folded(&scratch, scope->nsg), rule_key = folded(&scratch, scope->rule);
        if (joined.nsg_idx != NSF_JOIN_NONE)
            nsg_key = nsf_slice_str(nsf_arena_printf(&scratch, "#%u", joined.nsg_idx));
        if (joined.rule_idx != NSF_JOIN_NONE)
            rule_key = nsf_slice_str(nsf_arena_printf(&scratch, "#%u", joined.rule_idx));
        struct nsf_slice parts[] = {mac, nsg_key, rule_key, flow_log};
        place->group_id = nsf_intern_add(&evidence->groups, joined_text(&scratch, parts, 3));
        place->key_id = nsf_intern_add(&evidence->keys, joined_text(&scratch, parts, 4));
        place->nsg_idx = joined.nsg_idx;
        place->is_finding = joined.reason == NSF_JOIN_FINDING;
        place->target = place->is_finding ? joined.finding_idx
                                          : (uint32_t)evidence->scan->n_findings +
                                                unmatched_target(evidence, &joined, scope, nsg_key, rule_key, &scratch);
    }
    nsf_arena_release(&scratch);
}

/* Places every scope there is: the batch's own are among them. */
static void place_new_scopes(struct nsf_evidence *evidence)
{
    uint32_t n = nsf_scopes_count(evidence->scopes);
    while (evidence->places.n < n) {
        struct nsf_scope scope = nsf_scopes_get(evidence->scopes, evidence->places.n);
        place_scope(evidence, &scope, nsf_stable_add(&evidence->places));
    }
}

static void forget_old_fingerprints(struct nsf_evidence *evidence)
{
    uint32_t n_left = 0;
    for (uint32_t i = 0; i < evidence->n_fingerprints; i++) {
        struct nsf_fingerprint_row row = evidence->fingerprints[i];
        if (row.time_ms >= evidence->nic_record_ms[row.nic_id] - EVIDENCE_FINGERPRINT_MS)
            evidence->fingerprints[n_left++] = row;
    }
    evidence->n_fingerprints = n_left;
    nsf_index_rebuild(&evidence->by_fingerprint, n_left);
    for (uint32_t i = 0; i < n_left; i++)
        nsf_index_add(&evidence->by_fingerprint, (uint32_t)evidence->fingerprints[i].fingerprint.lo, i);
    uint32_t next = n_left * 2;
    evidence->fingerprints_sweep_at = next < EVIDENCE_FIRST_FINGERPRINT_SWEEP ? EVIDENCE_FIRST_FINGERPRINT_SWEEP : next;
}

static int64_t advance_nic(struct nsf_evidence *evidence, uint32_t nic_id, int64_t time_ms)
{
    NSF_GROW(evidence->nic_record_ms, evidence->nic_record_capacity, (size_t)nic_id + 1);
    while (evidence->n_nic_records <= nic_id)
        evidence->nic_record_ms[evidence->n_nic_records++] = 0;
    if (time_ms > evidence->nic_record_ms[nic_id])
        evidence->nic_record_ms[nic_id] = time_ms;
    return evidence->nic_record_ms[nic_id];
}

/* Remembers the record; true when an equal one was read before. */
static bool is_repeated(struct nsf_evidence *evidence, const struct nsf_record *record, uint32_t nic_id)
{
    if (!record->has_fingerprint)
        return false;
    uint32_t hash = (uint32_t)record->fingerprint.lo, probe = hash, idx;
    while ((idx = nsf_index_next(&evidence->by_fingerprint, hash, &probe)) != NSF_INDEX_NONE) {
        const struct nsf_fingerprint_row *row = &evidence->fingerprints[idx];
        if (row->fingerprint.lo == record->fingerprint.lo && row->fingerprint.hi == record->fingerprint.hi &&
            row->nic_id == nic_id && row->time_ms == record->time_ms)
            return true;
    }
    advance_nic(evidence, nic_id, record->time_ms);
    if (evidence->n_fingerprints >= evidence->fingerprints_sweep_at)
        forget_old_fingerprints(evidence);
    NSF_GROW(evidence->fingerprints, evidence->fingerprints_capacity, (size_t)evidence->n_fingerprints + 1);
    evidence->fingerprints[evidence->n_fingerprints] = (struct nsf_fingerprint_row){
        .fingerprint = record->fingerprint,
        .time_ms = record->time_ms,
        .nic_id = nic_id,
    };
    nsf_index_add(&evidence->by_fingerprint, hash, evidence->n_fingerprints++);
    return false;
}

/* A NIC is one of an NSG when a record shows them together, whatever its tuples are. */
static void note_nic_of_nsg(struct nsf_evidence *evidence, const struct nsf_place_of_scope *place)
{
    if (place->nsg_idx == NSF_JOIN_NONE)
        return;
    nsf_pairset_add(&evidence->nsg_nics, nsf_pair(place->nsg_idx, place->nic_id));
    nsf_pairset_add(&evidence->nsg_logs, nsf_pair(place->nsg_idx, place->flow_log_id));
    if (place->is_vnet4)
        nsf_pairset_add(&evidence->nsg_vnet4, place->nsg_idx);
}

/* The record names its flow log, which for NSG logs is the NSG. A NIC's second flow log: from here on its connections
 * may be copies. */
static void note_flow_log(struct nsf_evidence *evidence, const struct nsf_place_of_scope *place, uint64_t at)
{
    if (!nsf_pairset_add(&evidence->nic_flow_logs, nsf_pair(place->nic_id, place->flow_log_id)))
        return;
    note_nic_of_nsg(evidence, place);
    struct nsf_nic *nic = nic_of(evidence, place->nic_id);
    nic->has_vnet4 |= place->is_vnet4;
    if (++nic->n_logged == 2 && atomic_load_explicit(&nic->covered_twice_from, memory_order_relaxed) > at)
        atomic_store_explicit(&nic->covered_twice_from, at, memory_order_relaxed);
}

static void count_log_tuples(struct nsf_evidence *evidence, const struct nsf_place_of_scope *place, uint64_t n)
{
    if (place->flow_log_id >= evidence->n_logs) {
        NSF_GROW(evidence->log_tuples, evidence->log_tuples_capacity, (size_t)place->flow_log_id + 1);
        NSF_GROW(evidence->is_nsg_log, evidence->is_nsg_log_capacity, (size_t)place->flow_log_id + 1);
        for (; evidence->n_logs <= place->flow_log_id; evidence->n_logs++) {
            evidence->log_tuples[evidence->n_logs] = 0;
            evidence->is_nsg_log[evidence->n_logs] = false;
        }
    }
    evidence->log_tuples[place->flow_log_id] += n;
    evidence->is_nsg_log[place->flow_log_id] |= !place->is_vnet4;
}

static void admit_record(struct nsf_evidence *evidence, struct nsf_record *record, uint64_t at)
{
    const struct nsf_place_of_scope *place = nsf_stable_get(&evidence->places, record->scope_id);
    record->is_duplicate = is_repeated(evidence, record, place->nic_id);
    if (record->is_duplicate) {
        evidence->inputs.records_duplicate++;
        return;
    }
    /* A record too long to be held comes in parts: it is one record, with the tuples of them all. */
    evidence->inputs.records += !record->is_part;
    evidence->inputs.by_layout[record->layout] += !record->is_part;
    evidence->inputs.tuples += record->n_tuples;
    evidence->inputs.tuples_bad += record->n_bad;
    count_log_tuples(evidence, place, record->n_tuples - record->n_bad);
    note_flow_log(evidence, place, at);
    nsf_hours_add(&evidence->hours, place->flow_log_id, place->nic_id, record->time_ms);
}

void nsf_evidence_flush_bad(struct nsf_evidence *evidence)
{
    static const char *const reasons[] = {
#define NSF_TUPLE_FAULT_TEXT(name, text) text,
        NSF_TUPLE_FAULT_TABLE(NSF_TUPLE_FAULT_TEXT)
#undef NSF_TUPLE_FAULT_TEXT
    };
    for (size_t fault = 0; fault < NSF_TUPLE_FAULTS; fault++) {
        struct nsf_bad_of_blob *bad = &evidence->bad[fault];
        if (bad->count == 0)
            continue;
        char detail[320];
        snprintf(detail, sizeof(detail), "%s: \"%.*s\"", reasons[fault], (int)bad->sample_len, bad->sample);
        nsf_problems_add(&evidence->inputs.problems, &(struct nsf_problem){
                                                         .path = evidence->path,
                                                         .offset = bad->first_offset,
                                                         .code = NSF_E_TUPLE,
                                                         .detail = nsf_slice_str(detail),
                                                         .count = bad->count,
                                                     });
        nsf_free(bad->sample);
        *bad = (struct nsf_bad_of_blob){0};
    }
}

static void admit_groups(struct nsf_evidence *evidence, const struct nsf_batch *batch)
{
    for (size_t i = 0; i < batch->groups.n; i++)
        note_nic_of_nsg(evidence, nsf_stable_get(&evidence->places, batch->groups.ids[i]));
}

static void admit_bad(struct nsf_evidence *evidence, const struct nsf_batch *batch)
{
    for (size_t i = 0; i < batch->n_bad; i++) {
        const struct nsf_bad_tuple *tuple = &batch->bad[i];
        if (batch->records[tuple->record_idx].is_duplicate)
            continue;
        evidence->inputs.bad_by_fault[tuple->fault] += tuple->count;
        struct nsf_bad_of_blob *bad = &evidence->bad[tuple->fault];
        if (bad->count == 0) {
            bad->first_offset = tuple->offset;
            bad->sample = nsf_strdup_n(tuple->sample.ptr, tuple->sample.len);
            bad->sample_len = tuple->sample.len;
        }
        bad->count += tuple->count;
    }
}

/* Keeps the NSF_FOREIGN_MAX smallest names whatever the order they come in; the rest is one sum. */
static void admit_foreign(struct nsf_evidence *evidence, const struct nsf_foreign *foreign)
{
    size_t at = 0;
    while (at < evidence->n_foreign && nsf_slice_cmp(evidence->foreign[at].category, foreign->category) < 0)
        at++;
    if (at < evidence->n_foreign && nsf_slice_eq(evidence->foreign[at].category, foreign->category)) {
        evidence->foreign[at].count += foreign->count;
        return;
    }
    if (at == NSF_FOREIGN_MAX) {
        evidence->n_foreign_rest += foreign->count;
        return;
    }
    if (evidence->n_foreign == NSF_FOREIGN_MAX)
        evidence->n_foreign_rest += evidence->foreign[--evidence->n_foreign].count;
    memmove(&evidence->foreign[at + 1], &evidence->foreign[at],
            (evidence->n_foreign - at) * sizeof(*evidence->foreign));
    evidence->foreign[at] = (struct nsf_foreign_row){
        .category = nsf_arena_copy(&evidence->arena, foreign->category),
        .count = foreign->count,
    };
    evidence->n_foreign++;
}

/* What all partitions ask of the groups of contacts. */
static void place_tuple_groups(const struct nsf_evidence *evidence, struct nsf_batch *batch)
{
    struct nsf_tuple_groups *groups = &batch->tuple_groups;
    groups->has_vnet4 = false;
    NSF_GROW(groups->targets, groups->targets_capacity, groups->n);
    for (size_t i = 0; i < groups->n; i++) {
        const struct nsf_place_of_scope *place = nsf_stable_get(&evidence->places, groups->items[i].scope_id);
        bool is_duplicate = batch->records[groups->items[i].record_idx].is_duplicate;
        groups->targets[i] = is_duplicate        ? NSF_GROUP_DUPLICATE
                             : place->is_finding ? place->target
                                                 : NSF_GROUP_WITHOUT_TARGET;
        groups->has_vnet4 |= place->is_vnet4 && !is_duplicate;
    }
}

void nsf_evidence_admit(struct nsf_evidence *evidence, struct nsf_batch *batch, struct nsf_slice path)
{
    if (!nsf_slice_eq(path, evidence->path)) {
        nsf_evidence_flush_bad(evidence);
        evidence->path = path;
    }
    place_new_scopes(evidence);
    batch->first_record = evidence->n_records;
    evidence->n_records += batch->n_records;
    for (size_t i = 0; i < batch->n_records; i++)
        admit_record(evidence, &batch->records[i], batch->first_record + i);
    place_tuple_groups(evidence, batch);
    admit_groups(evidence, batch);
    admit_bad(evidence, batch);
    for (size_t i = 0; i < batch->n_foreign; i++)
        admit_foreign(evidence, &batch->foreign[i]);
    nsf_problems_merge(&evidence->inputs.problems, &batch->problems);
}

static void take_outbound(struct nsf_evidence *evidence, const struct nsf_batch *batch)
{
    nsf_outbound_take(&evidence->outbound, batch);
    for (size_t i = 0; i < batch->outbound.n; i++) {
        const struct nsf_mail_event *event = &batch->outbound.items[i];
        const struct nsf_place_of_scope *place = nsf_stable_get(&evidence->places, event->scope_id);
        if (place->is_vnet4 && !batch->records[event->record_idx].is_duplicate)
            nsf_marks_mail(&evidence->outbound_marks, place->flow_log_id, event);
    }
}

void nsf_evidence_take(struct nsf_evidence *evidence, const struct nsf_batch *const *batches, size_t n,
                       unsigned partition)
{
    nsf_partition_take(&evidence->partitions[partition], batches, n, partition);
    for (size_t i = 0; i < n && partition == 0; i++)
        take_outbound(evidence, batches[i]);
}

bool nsf_evidence_needs_stamps(const struct nsf_evidence *evidence)
{
    return evidence->shared.since_ms != NSF_TS_NONE || evidence->shared.until_ms != NSF_TS_NONE;
}

void nsf_evidence_add_problems(struct nsf_evidence *evidence, const struct nsf_problems *problems)
{
    nsf_problems_merge(&evidence->inputs.problems, problems);
}

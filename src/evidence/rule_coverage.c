#include "core/nsf_common.h"

#include "evidence/rule_coverage.h"

#include "core/clock.h"

#define COUNTERS_PRESENT_PERCENT 90
#define COUNTERS_ABSENT_PERCENT 10

static int cmp_slices(const void *left, const void *right)
{
    return nsf_slice_cmp(*(const struct nsf_slice *)left, *(const struct nsf_slice *)right);
}

void nsf_rule_coverage_begin(struct nsf_evidence *evidence)
{
    for (uint32_t i = 0; i < evidence->scan->n_nsgs; i++) {
        struct nsf_slices macs = evidence->scan->nsgs[i].nic_macs;
        for (size_t m = 0; m < macs.n; m++) {
            uint32_t nic_id = nsf_intern_find(&evidence->macs, macs.items[m]);
            if (nic_id < evidence->nics.n)
                nsf_pairset_add(&evidence->defined_nics, nsf_pair(i, nic_id));
        }
    }
}

bool nsf_evidence_is_logged(const struct nsf_evidence *evidence, uint32_t nsg_idx)
{
    for (uint32_t id = 0; id < evidence->nics.n; id++) {
        /* An interface that a virtual network flow log shows is covered, also where another NSG decided everything. */
        const struct nsf_nic *nic = nsf_stable_get(&evidence->nics, id);
        if (nsf_pairset_has(&evidence->nsg_nics, nsf_pair(nsg_idx, id)) ||
            (nic->has_vnet4 && nsf_pairset_has(&evidence->defined_nics, nsf_pair(nsg_idx, id))))
            return true;
    }
    return false;
}

/* NICs that the logs or the definitions put under the NSG, ascending and distinct. */
static void fill_nics(struct nsf_evidence *evidence, uint32_t nsg_idx, struct nsf_arena *arena,
                      struct nsf_coverage *coverage)
{
    const struct nsf_scan_nsg *nsg = &evidence->scan->nsgs[nsg_idx];
    struct nsf_slice *nics = nsf_arena_alloc(arena, (evidence->nics.n + nsg->nic_macs.n + 1) * sizeof(*nics));
    size_t n = 0;
    for (uint32_t id = 0; id < evidence->nics.n; id++) {
        const struct nsf_nic *nic = nsf_stable_get(&evidence->nics, id);
        if (nsf_pairset_has(&evidence->nsg_nics, nsf_pair(nsg_idx, id)))
            nics[n++] = nic->mac;
    }
    coverage->is_logged = nsf_evidence_is_logged(evidence, nsg_idx);
    coverage->has_vnet4 = nsf_pairset_has(&evidence->nsg_vnet4, nsg_idx);
    for (uint32_t id = 0; id < evidence->nics.n && !coverage->has_vnet4; id++) {
        const struct nsf_nic *nic = nsf_stable_get(&evidence->nics, id);
        coverage->has_vnet4 =
            nic->has_vnet4 && nsf_pairset_has(&evidence->defined_nics, nsf_pair(nsg_idx, id));
    }
    for (size_t i = 0; i < nsg->nic_macs.n; i++)
        nics[n++] = nsg->nic_macs.items[i];
    if (n > 1)
        qsort(nics, n, sizeof(*nics), cmp_slices);
    size_t n_distinct = 0;
    for (size_t i = 0; i < n; i++)
        if (n_distinct == 0 || !nsf_slice_eq(nics[n_distinct - 1], nics[i]))
            nics[n_distinct++] = nics[i];
    coverage->nics = (struct nsf_slices){nics, n_distinct};
}

/* ---- what the flow logs lack --------------------------------------------------------------------------------------
 */

static bool is_log_of(const struct nsf_evidence *evidence, uint32_t nsg_idx, uint32_t flow_log_id)
{
    if (nsf_pairset_has(&evidence->nsg_logs, nsf_pair(nsg_idx, flow_log_id)))
        return true;
    for (uint32_t id = 0; id < evidence->nics.n && evidence->scan->nsgs[nsg_idx].nic_macs.n > 0; id++)
        if (nsf_pairset_has(&evidence->defined_nics, nsf_pair(nsg_idx, id)) &&
            nsf_pairset_has(&evidence->nic_flow_logs, nsf_pair(id, flow_log_id)))
            return true;
    return false;
}

static void judge_log(const struct nsf_evidence *evidence, uint32_t flow_log_id, bool lacks[NSF_LACKS])
{
    struct nsf_log_marks marks = {0};
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        nsf_marks_join(&evidence->partitions[p].marks, flow_log_id, &marks);
    nsf_marks_join(&evidence->outbound_marks, flow_log_id, &marks);
    nsf_marks_judge(&marks, evidence->log_tuples[flow_log_id], lacks);
}

/* The rule lacks what every flow log that covers it lacks. */
static void fill_lacks(const struct nsf_evidence *evidence, uint32_t nsg_idx, struct nsf_coverage *coverage)
{
    uint32_t n = 0, n_lacking[NSF_LACKS] = {0};
    for (uint32_t id = 0; id < evidence->n_logs; id++) {
        bool lacks[NSF_LACKS] = {false};
        if (!is_log_of(evidence, nsg_idx, id))
            continue;
        n++;
        if (!evidence->is_nsg_log[id])
            judge_log(evidence, id, lacks);
        for (unsigned lack = 0; lack < NSF_LACKS; lack++)
            n_lacking[lack] += lacks[lack];
    }
    for (unsigned lack = 0; lack < NSF_LACKS; lack++)
        coverage->lacks[lack] = n > 0 && n_lacking[lack] == n;
}

/* ---- hours and counters -------------------------------------------------------------------------------------------
 */

static void fill_hours(const struct nsf_evidence *evidence, const struct nsf_review *review, struct nsf_arena *arena,
                       struct nsf_coverage *coverage)
{
    struct nsf_gap *gaps = NULL;
    size_t n_gaps = 0, capacity = 0;
    int64_t from = nsf_time_hour(review->window_from_ms), to = nsf_time_hour(review->window_to_ms - 1) + 1;
    for (size_t i = 0; i < coverage->nics.n; i++) {
        struct nsf_slice mac = coverage->nics.items[i];
        uint32_t nic_id = nsf_intern_find(&evidence->macs, mac);
        struct nsf_nic_coverage nic =
            nsf_hours_of_nic(&evidence->hours, nic_id, mac, from, to, &gaps, &n_gaps, &capacity);
        coverage->hours_expected += (uint64_t)(to - from);
        coverage->hours_seen += nic.hours_seen;
        coverage->dark_nics += !nic.is_logged;
    }
    coverage->gaps = nsf_arena_alloc(arena, n_gaps * sizeof(*gaps));
    if (n_gaps > 0)
        memcpy(coverage->gaps, gaps, n_gaps * sizeof(*gaps));
    coverage->n_gaps = n_gaps;
    nsf_free(gaps);
}

/* Where there is no connection to ask, the layout of the logs says whether there would be counters. */
static enum nsf_counters_seen counters_of(const struct nsf_coverage *coverage, const struct nsf_traffic *traffic)
{
    if (traffic->connections == 0)
        return coverage->has_vnet4 && !coverage->lacks[NSF_LACK_COUNTERS] ? NSF_COUNTERS_PRESENT : NSF_COUNTERS_ABSENT;
    if (traffic->with_counters * 100 > traffic->connections * COUNTERS_PRESENT_PERCENT)
        return NSF_COUNTERS_PRESENT;
    if (traffic->with_counters * 100 < traffic->connections * COUNTERS_ABSENT_PERCENT)
        return NSF_COUNTERS_ABSENT;
    return NSF_COUNTERS_MIXED;
}

void nsf_rule_coverage_fill(struct nsf_evidence *evidence, uint32_t nsg_idx, struct nsf_review *review,
                            struct nsf_review_rule *rule)
{
    struct nsf_coverage *coverage = &rule->coverage;
    struct nsf_arena *arena = &review->arena;
    coverage->evidence_from_ms = NSF_TS_NONE;
    fill_nics(evidence, nsg_idx, arena, coverage);
    if (review->window_from_ms != NSF_TS_NONE)
        fill_hours(evidence, review, arena, coverage);
    fill_lacks(evidence, nsg_idx, coverage);
    coverage->counters = counters_of(coverage, &rule->traffic);
}

void nsf_rule_hours(const struct nsf_evidence *evidence, const struct nsf_coverage *coverage, int64_t from_ms,
                    int64_t to_ms, uint64_t *expected, uint64_t *seen)
{
    int64_t from = nsf_time_hour(from_ms), to = nsf_time_hour(to_ms - 1) + 1;
    struct nsf_gap *gaps = NULL;
    size_t n_gaps = 0, capacity = 0;
    *expected = *seen = 0;
    for (size_t i = 0; i < coverage->nics.n && from < to; i++) {
        struct nsf_slice mac = coverage->nics.items[i];
        uint32_t nic_id = nsf_intern_find(&evidence->macs, mac);
        *expected += (uint64_t)(to - from);
        *seen += nsf_hours_of_nic(&evidence->hours, nic_id, mac, from, to, &gaps, &n_gaps, &capacity).hours_seen;
    }
    nsf_free(gaps);
}

#include "core/nsf_common.h"

#include "evidence/rule_coverage.h"

#include "core/clock.h"

#define COUNTERS_PRESENT_PERCENT 90
#define COUNTERS_ABSENT_PERCENT 10

static int cmp_slices(const void *left, const void *right)
{
    return nsf_slice_cmp(*(const struct nsf_slice *)left, *(const struct nsf_slice *)right);
}

static const struct nsf_nic *nic_of(const struct nsf_evidence *evidence, struct nsf_pair_range nics, size_t i)
{
    return nsf_stable_get(&evidence->nics, nsf_pair_second(nics, i));
}

/* An interface that a virtual network flow log shows is covered, also where another NSG decided everything. */
static bool is_in_vnet4_log(const struct nsf_evidence *evidence, uint32_t nsg_idx)
{
    struct nsf_pair_range nics = nsf_pair_list_of(&evidence->paths.defined_nics, nsg_idx);
    for (size_t i = 0; i < nics.n; i++)
        if (nic_of(evidence, nics, i)->has_vnet4)
            return true;
    return false;
}

bool nsf_evidence_is_logged(const struct nsf_evidence *evidence, uint32_t nsg_idx)
{
    return nsf_pair_list_of(&evidence->paths.logged_nics, nsg_idx).n > 0 || is_in_vnet4_log(evidence, nsg_idx);
}

/* NICs that the logs or the definitions put under the NSG, ascending and distinct. */
static void fill_nics(struct nsf_evidence *evidence, uint32_t nsg_idx, struct nsf_arena *arena,
                      struct nsf_coverage *coverage)
{
    const struct nsf_scan_nsg *nsg = &evidence->scan->nsgs[nsg_idx];
    struct nsf_pair_range logged = nsf_pair_list_of(&evidence->paths.logged_nics, nsg_idx);
    struct nsf_slice *nics = nsf_arena_alloc(arena, (logged.n + nsg->nic_macs.n + 1) * sizeof(*nics));
    size_t n = 0;
    for (; n < logged.n; n++)
        nics[n] = nic_of(evidence, logged, n)->mac;
    coverage->is_logged = nsf_evidence_is_logged(evidence, nsg_idx);
    coverage->has_vnet4 = nsf_pairset_has(&evidence->nsg_vnet4, nsg_idx) || is_in_vnet4_log(evidence, nsg_idx);
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

/* The flow logs of the NSG, and of the interfaces that the definitions show; the caller frees. */
static uint32_t *logs_of(const struct nsf_evidence *evidence, uint32_t nsg_idx, uint32_t *n)
{
    struct nsf_pair_list logs = {.items = NULL};
    struct nsf_pair_range named = nsf_pair_list_of(&evidence->paths.flow_logs, nsg_idx);
    struct nsf_pair_range nics = nsf_pair_list_of(&evidence->paths.defined_nics, nsg_idx);
    for (size_t i = 0; i < named.n; i++)
        nsf_pair_list_add(&logs, nsg_idx, nsf_pair_second(named, i));
    for (size_t i = 0; i < nics.n; i++) {
        struct nsf_pair_range own = nsf_pair_list_of(&evidence->paths.nic_logs, nsf_pair_second(nics, i));
        for (size_t k = 0; k < own.n; k++)
            nsf_pair_list_add(&logs, nsg_idx, nsf_pair_second(own, k));
    }
    nsf_pair_list_finish(&logs);
    struct nsf_pair_range all = nsf_pair_list_of(&logs, nsg_idx);
    uint32_t *ids = nsf_malloc(nsf_mul_size(all.n + 1, sizeof(*ids)));
    for (*n = 0; *n < all.n; (*n)++)
        ids[*n] = nsf_pair_second(all, *n);
    nsf_pair_list_release(&logs);
    return ids;
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
    uint32_t n, n_lacking[NSF_LACKS] = {0}, *logs = logs_of(evidence, nsg_idx, &n);
    for (uint32_t i = 0; i < n; i++) {
        bool lacks[NSF_LACKS] = {false};
        if (!evidence->is_nsg_log[logs[i]])
            judge_log(evidence, logs[i], lacks);
        for (unsigned lack = 0; lack < NSF_LACKS; lack++)
            n_lacking[lack] += lacks[lack];
    }
    nsf_free(logs);
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

void nsf_rule_coverage_fill(struct nsf_evidence *evidence, uint32_t nsg_idx, const struct nsf_review_rule *sibling,
                            struct nsf_review *review, struct nsf_review_rule *rule)
{
    struct nsf_coverage *coverage = &rule->coverage;
    struct nsf_arena *arena = &review->arena;
    if (sibling != NULL) {
        *coverage = sibling->coverage;
    } else {
        coverage->evidence_from_ms = NSF_TS_NONE;
        fill_nics(evidence, nsg_idx, arena, coverage);
        if (review->window_from_ms != NSF_TS_NONE)
            fill_hours(evidence, review, arena, coverage);
        fill_lacks(evidence, nsg_idx, coverage);
    }
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

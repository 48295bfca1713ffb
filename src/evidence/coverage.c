#include "core/nsf_common.h"

#include "evidence/coverage.h"

#include "core/clock.h"
#include "core/compare.h"

#define COVERAGE_NEAR_HOURS 24

void nsf_hours_init(struct nsf_hours *hours)
{
    *hours = (struct nsf_hours){.first_ms = NSF_TS_NONE, .last_ms = NSF_TS_NONE};
}

void nsf_hours_release(struct nsf_hours *hours)
{
    for (uint32_t i = 0; i < hours->n_seen; i++)
        nsf_free(hours->seen[i].hours);
    for (uint32_t i = 0; i < hours->n_logs; i++)
        nsf_free(hours->logs[i].hours);
    nsf_free(hours->logs);
    nsf_free(hours->seen);
    nsf_index_release(&hours->by_key);
    nsf_hours_init(hours);
}

static uint32_t hash_key(uint32_t flow_log_id, uint32_t nic_id)
{
    return (uint32_t)nsf_hash_mix(nsf_pair(flow_log_id, nic_id), 0);
}

static struct nsf_seen *seen_of(struct nsf_hours *hours, uint32_t flow_log_id, uint32_t nic_id)
{
    uint32_t hash = hash_key(flow_log_id, nic_id), probe = hash, idx;
    while ((idx = nsf_index_next(&hours->by_key, hash, &probe)) != NSF_INDEX_NONE)
        if (hours->seen[idx].flow_log_id == flow_log_id && hours->seen[idx].nic_id == nic_id)
            return &hours->seen[idx];
    NSF_GROW(hours->seen, hours->seen_capacity, (size_t)hours->n_seen + 1);
    idx = hours->n_seen++;
    hours->seen[idx] = (struct nsf_seen){.flow_log_id = flow_log_id, .nic_id = nic_id, .last_hour = INT64_MIN};
    nsf_index_add(&hours->by_key, hash, idx);
    return &hours->seen[idx];
}

static size_t sort_distinct(int64_t *hours, size_t n)
{
    if (n == 0)
        return 0;
    qsort(hours, n, sizeof(*hours), nsf_cmp_i64);
    size_t kept = 1;
    for (size_t i = 1; i < n; i++)
        if (hours[i] != hours[kept - 1])
            hours[kept++] = hours[i];
    return kept;
}

void nsf_hours_add(struct nsf_hours *hours, uint32_t flow_log_id, uint32_t nic_id, int64_t time_ms)
{
    if (time_ms == NSF_TS_NONE)
        return;
    if (hours->first_ms == NSF_TS_NONE || time_ms < hours->first_ms)
        hours->first_ms = time_ms;
    if (hours->last_ms == NSF_TS_NONE || time_ms > hours->last_ms)
        hours->last_ms = time_ms;
    struct nsf_seen *seen = seen_of(hours, flow_log_id, nic_id);
    int64_t hour = nsf_time_hour(time_ms);
    if (hour == seen->last_hour)
        return;
    /* Blobs come hour by hour, so an hour that was left is hardly ever met again; finish removes the repeats. */
    seen->last_hour = hour;
    if (seen->n_hours == seen->capacity)
        seen->n_hours = sort_distinct(seen->hours, seen->n_hours);
    NSF_GROW(seen->hours, seen->capacity, seen->n_hours + 1);
    seen->hours[seen->n_hours++] = hour;
}

static int cmp_by_log(const void *left, const void *right)
{
    const struct nsf_seen *a = left, *b = right;
    return (a->flow_log_id > b->flow_log_id) - (a->flow_log_id < b->flow_log_id);
}

static int cmp_by_nic(const void *left, const void *right)
{
    const struct nsf_seen *a = left, *b = right;
    return (a->nic_id > b->nic_id) - (a->nic_id < b->nic_id);
}

/* The hours of n rows together, sorted and distinct; the caller frees. */
static int64_t *join_hours(const struct nsf_seen *seen, size_t n_seen, size_t *n)
{
    int64_t *all = NULL;
    size_t capacity = 0;
    *n = 0;
    for (size_t i = 0; i < n_seen; i++) {
        if (seen[i].n_hours == 0)
            continue;
        NSF_GROW(all, capacity, *n + seen[i].n_hours);
        memcpy(all + *n, seen[i].hours, seen[i].n_hours * sizeof(*all));
        *n += seen[i].n_hours;
    }
    *n = sort_distinct(all, *n);
    return all;
}

static void join_logs(struct nsf_hours *hours)
{
    size_t capacity = 0;
    for (uint32_t from = 0, to; from < hours->n_seen; from = to) {
        for (to = from + 1; to < hours->n_seen && cmp_by_log(&hours->seen[from], &hours->seen[to]) == 0;)
            to++;
        NSF_GROW(hours->logs, capacity, (size_t)hours->n_logs + 1);
        struct nsf_log_hours *log = &hours->logs[hours->n_logs++];
        log->flow_log_id = hours->seen[from].flow_log_id;
        log->hours = join_hours(&hours->seen[from], to - from, &log->n_hours);
    }
}

void nsf_hours_finish(struct nsf_hours *hours)
{
    for (uint32_t i = 0; i < hours->n_seen; i++)
        hours->seen[i].n_hours = sort_distinct(hours->seen[i].hours, hours->seen[i].n_hours);
    nsf_index_release(&hours->by_key);
    if (hours->n_seen > 1)
        qsort(hours->seen, hours->n_seen, sizeof(*hours->seen), cmp_by_log);
    join_logs(hours);
    if (hours->n_seen > 1)
        qsort(hours->seen, hours->n_seen, sizeof(*hours->seen), cmp_by_nic);
}

/* First index with hours[i] >= hour. */
static size_t lower_bound(const int64_t *hours, size_t n, int64_t hour)
{
    size_t from = 0, to = n;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (hours[mid] < hour)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static bool has_hour(const int64_t *hours, size_t n, int64_t hour)
{
    size_t at = lower_bound(hours, n, hour);
    return at < n && hours[at] == hour;
}

static const struct nsf_log_hours *find_log(const struct nsf_hours *hours, uint32_t flow_log_id)
{
    uint32_t from = 0, to = hours->n_logs;
    while (from < to) {
        uint32_t mid = from + (to - from) / 2;
        if (hours->logs[mid].flow_log_id < flow_log_id)
            from = mid + 1;
        else
            to = mid;
    }
    return &hours->logs[from];
}

/* Of an hour in which the NIC itself has no record: what the flow log has then is another NIC's. */
static bool has_peer_in(const struct nsf_hours *hours, const struct nsf_seen *seen, size_t n_seen, int64_t hour)
{
    for (size_t i = 0; i < n_seen; i++) {
        const struct nsf_log_hours *log = find_log(hours, seen[i].flow_log_id);
        if (has_hour(log->hours, log->n_hours, hour))
            return true;
    }
    return false;
}

/* The rows of the NIC. */
static const struct nsf_seen *rows_of(const struct nsf_hours *hours, uint32_t nic_id, size_t *n)
{
    uint32_t from = 0, to = hours->n_seen;
    while (from < to) {
        uint32_t mid = from + (to - from) / 2;
        if (hours->seen[mid].nic_id < nic_id)
            from = mid + 1;
        else
            to = mid;
    }
    for (*n = 0; from + *n < hours->n_seen && hours->seen[from + *n].nic_id == nic_id;)
        (*n)++;
    return hours->seen == NULL ? NULL : &hours->seen[from];
}

/* Where the gaps of one NIC go. */
struct gap_list {
    struct nsf_slice nic;
    struct nsf_gap **gaps;
    size_t *n;
    size_t *capacity;
    size_t first; /* of this NIC */
};

/* Hours [from, to); what goes on where the last gap ended is that gap. */
static void add_gap(struct gap_list *list, int64_t from, int64_t to)
{
    if (from >= to)
        return;
    struct nsf_gap *last = *list->n > list->first ? &(*list->gaps)[*list->n - 1] : NULL;
    if (last == NULL || last->to_ms != from * NSF_MS_PER_HOUR) {
        NSF_GROW(*list->gaps, *list->capacity, *list->n + 1);
        last = &(*list->gaps)[(*list->n)++];
        *last = (struct nsf_gap){.nic = list->nic, .from_ms = from * NSF_MS_PER_HOUR};
    }
    last->to_ms = to * NSF_MS_PER_HOUR;
}

/* Hours [from, to) without a record of the NIC, which has the next ones in `before` and `behind`: how many count as
 * seen. Only an hour within a day of both can, so a long silence, or a hostile time stamp centuries away, is not
 * walked. */
static uint64_t tell_silence(const struct nsf_hours *hours, const struct nsf_seen *seen, size_t n_seen, int64_t from,
                             int64_t to, int64_t before, int64_t behind, struct gap_list *list)
{
    int64_t near_from = behind - COVERAGE_NEAR_HOURS, near_to = before + COVERAGE_NEAR_HOURS + 1;
    uint64_t n = 0;
    near_from = near_from < from ? from : near_from > to ? to : near_from;
    near_to = near_to > to ? to : near_to < near_from ? near_from : near_to;
    add_gap(list, from, near_from);
    for (int64_t hour = near_from; hour < near_to; hour++) {
        bool is_seen = has_peer_in(hours, seen, n_seen, hour);
        n += is_seen;
        if (!is_seen)
            add_gap(list, hour, hour + 1);
    }
    add_gap(list, near_to, to);
    return n;
}

/* Hours beyond all others, and no sum with a day overflows. */
#define COVERAGE_NEVER_BEFORE (INT64_MIN / 2)
#define COVERAGE_NEVER_BEHIND (INT64_MAX / 2)

struct nsf_nic_coverage nsf_hours_of_nic(const struct nsf_hours *hours, uint32_t nic_id, struct nsf_slice nic,
                                         int64_t from, int64_t to, struct nsf_gap **gaps, size_t *n_gaps,
                                         size_t *capacity)
{
    struct nsf_nic_coverage coverage = {0};
    struct gap_list list = {nic, gaps, n_gaps, capacity, *n_gaps};
    size_t n, n_seen;
    const struct nsf_seen *seen = rows_of(hours, nic_id, &n_seen);
    int64_t *own = join_hours(seen, n_seen, &n);
    coverage.is_logged = n > 0;
    for (size_t at = lower_bound(own, n, from); from < to; at++) {
        int64_t before = at > 0 ? own[at - 1] : COVERAGE_NEVER_BEFORE;
        int64_t behind = at < n ? own[at] : COVERAGE_NEVER_BEHIND;
        int64_t silent_to = behind < to ? behind : to;
        coverage.hours_seen += tell_silence(hours, seen, n_seen, from, silent_to, before, behind, &list);
        coverage.hours_seen += behind < to;
        from = silent_to + 1;
    }
    nsf_free(own);
    return coverage;
}

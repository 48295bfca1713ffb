#include "core/nsf_common.h"

#include "evidence/partition.h"

#include "core/clock.h"
#include "core/err.h"

/* Sweeps and settling start here, so that small inputs are never cut short and large ones stay small: 16 partitions
 * times 2,048 times some 240 bytes are 8 MB. */
#define PARTITION_FIRST_SWEEP 2048u
#define PARTITION_FIRST_SETTLE ((size_t)2048)
/* A NIC with several flow logs has the same connection in each of them, at most this far apart in the order of the run:
 * blobs are taken hour by hour. */
#define PARTITION_HOLD_MS (2 * NSF_MS_PER_HOUR)
/* How late a tuple may come and still meet its connection, once there are so many that memory counts. */
#define PARTITION_LATE_MS INT64_C(180000)
/* Contacts whose rows are fetched while earlier ones are taken. */
#define CONTACTS_AHEAD 16
/* Stamps of two flow logs for one event differ by less. */
#define PARTITION_OVERLAP_MS INT64_C(2000)

void nsf_partition_init(struct nsf_partition *partition, const struct nsf_shared *shared, uint64_t seed)
{
    *partition = (struct nsf_partition){.shared = shared, .seed = seed};
    partition->sweep_at = PARTITION_FIRST_SWEEP;
    partition->last_mail_scope = NSF_INDEX_NONE;
    partition->settle_at = PARTITION_FIRST_SETTLE;
    nsf_sources_init(&partition->sources, seed);
    nsf_contacts_init(&partition->contacts, seed);
    nsf_retries_init(&partition->retries);
}

void nsf_partition_release(struct nsf_partition *partition)
{
    nsf_free(partition->live);
    nsf_index_release(&partition->by_key);
    nsf_free(partition->held);
    nsf_free(partition->nic_clocks.now_ms);
    nsf_free(partition->key_clocks.now_ms);
    nsf_pairset_release(&partition->nic_targets);
    nsf_pairset_release(&partition->mail_scopes);
    nsf_sources_release(&partition->sources);
    nsf_contacts_release(&partition->contacts);
    nsf_retries_release(&partition->retries);
}

static void keep(struct nsf_partition *partition, const struct nsf_live *live)
{
    const struct nsf_connection *connection = &live->connection;
    if (connection->tuples == 0)
        return;
    struct nsf_finished finished = {
        .src = live->src,
        .dst = live->dst,
        .target = live->target,
        .src_port = live->src_port,
        .class_ = partition->shared->classify(&connection->total, connection->has_counters),
        .connection = connection,
    };
    partition->n_kept_tuples += connection->tuples;
    nsf_pairset_add(&partition->nic_targets, nsf_pair(live->nic_id, live->target));
    nsf_sources_add(&partition->sources, &finished);
    if (finished.class_ == NSF_CLASS_NO_REPLY)
        nsf_retries_add(&partition->retries, live->src, live->dst, connection->counted_from_ms);
}

/* By what makes two connections of different flow logs the same one, then by first stamp. */
static int cmp_held(const void *left, const void *right)
{
    const struct nsf_live *a = left, *b = right;
    if (a->group_id != b->group_id)
        return a->group_id < b->group_id ? -1 : 1;
    int order = nsf_ip_cmp(a->src, b->src);
    if (order == 0)
        order = nsf_ip_cmp(a->dst, b->dst);
    if (order == 0)
        order = (int)a->src_port - (int)b->src_port;
    if (order == 0)
        order = (a->connection.first_ms > b->connection.first_ms) - (a->connection.first_ms < b->connection.first_ms);
    return order;
}

static bool are_same_key(const struct nsf_live *a, const struct nsf_live *b)
{
    return a->group_id == b->group_id && nsf_ip_eq(a->src, b->src) && nsf_ip_eq(a->dst, b->dst) && a->src_port == b->src_port;
}

/* Which of two copies is kept: <0 when a is. */
static int cmp_preference(const struct nsf_shared *shared, const struct nsf_live *a, const struct nsf_live *b)
{
    if (a->connection.has_counters != b->connection.has_counters)
        return a->connection.has_counters ? -1 : 1;
    if (a->connection.is_vnet4 != b->connection.is_vnet4)
        return a->connection.is_vnet4 ? -1 : 1;
    int order = shared->cmp_flow_logs(shared, a->flow_log_id, b->flow_log_id);
    if (order == 0)
        order = (a->connection.first_ms > b->connection.first_ms) - (a->connection.first_ms < b->connection.first_ms);
    return order;
}

static bool do_overlap(const struct nsf_connection *a, const struct nsf_connection *b)
{
    return a->first_ms - PARTITION_OVERLAP_MS <= b->last_ms + PARTITION_OVERLAP_MS &&
           b->first_ms - PARTITION_OVERLAP_MS <= a->last_ms + PARTITION_OVERLAP_MS;
}

static bool is_copy_of_kept(const struct nsf_live *live, const struct nsf_live *kept, size_t n_kept)
{
    for (size_t i = 0; i < n_kept; i++)
        if (kept[i].flow_log_id != live->flow_log_id && do_overlap(&kept[i].connection, &live->connection))
            return true;
    return false;
}

/* The copies of one 5-tuple, in order of preference: each is kept unless it overlaps a kept one of another flow log.
 * Insertion sort: a 5-tuple has a handful of connections within the hours that are held. */
static void settle_key(struct nsf_partition *partition, struct nsf_live *copies, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && cmp_preference(partition->shared, &copies[j], &copies[j - 1]) < 0; j--) {
            struct nsf_live swapped = copies[j];
            copies[j] = copies[j - 1];
            copies[j - 1] = swapped;
        }
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_copy_of_kept(&copies[i], copies, n_kept)) {
            partition->n_duplicate_tuples += copies[i].connection.tuples;
            continue;
        }
        keep(partition, &copies[i]);
        copies[n_kept++] = copies[i];
    }
}

static bool may_meet_a_copy(const struct nsf_partition *partition, const struct nsf_live *copies, size_t n)
{
    if (!partition->shared->is_covered_twice(partition->shared, copies[0].nic_id, partition->seq))
        return false;
    for (size_t i = 0; i < n; i++)
        if (copies[i].connection.last_ms > partition->nic_clocks.now_ms[copies[i].nic_id] - PARTITION_HOLD_MS)
            return true;
    return false;
}

static void settle(struct nsf_partition *partition, bool is_end)
{
    if (partition->n_held > 1)
        qsort(partition->held, partition->n_held, sizeof(*partition->held), cmp_held);
    size_t n_left = 0;
    for (size_t from = 0, to; from < partition->n_held; from = to) {
        struct nsf_live *copies = &partition->held[from];
        for (to = from + 1; to < partition->n_held && are_same_key(copies, &partition->held[to]);)
            to++;
        if (is_end || !may_meet_a_copy(partition, copies, to - from)) {
            settle_key(partition, copies, to - from);
            continue;
        }
        memmove(&partition->held[n_left], copies, (to - from) * sizeof(*copies));
        n_left += to - from;
    }
    partition->n_held = n_left;
    if (n_left == 0) {
        nsf_free(partition->held);
        partition->held = NULL;
        partition->held_capacity = 0;
    }
    partition->settle_at = n_left * 2 < PARTITION_FIRST_SETTLE ? PARTITION_FIRST_SETTLE : n_left * 2;
}

/* A finished connection waits a while: another flow log of its NIC may turn up with the same one. */
static void finish_connection(struct nsf_partition *partition, const struct nsf_live *live)
{
    if (live->connection.tuples == 0)
        return;
    if (partition->n_held >= partition->settle_at) {
        settle(partition, false);
        partition->is_under_pressure = true;
    }
    if (partition->is_under_pressure &&
        !partition->shared->is_covered_twice(partition->shared, live->nic_id, partition->seq)) {
        keep(partition, live);
        return;
    }
    NSF_GROW(partition->held, partition->held_capacity, partition->n_held + 1);
    partition->held[partition->n_held++] = *live;
}

static uint32_t hash_key(const struct nsf_partition *partition, uint32_t key_id, const struct nsf_mail_event *event)
{
    uint64_t h = nsf_hash_mix(nsf_pair(key_id, event->src_port), partition->seed);
    h = nsf_hash_mix(event->src.lo ^ (event->src.hi << 1), h);
    return (uint32_t)nsf_hash_mix(event->dst.lo ^ (event->dst.hi << 1), h);
}

static uint32_t hash_live(const struct nsf_partition *partition, const struct nsf_live *live)
{
    struct nsf_mail_event key = {.src = live->src, .dst = live->dst, .src_port = live->src_port};
    return hash_key(partition, live->key_id, &key);
}

/* Whether nothing can continue the connection any more: its rule has newer stamps in the same flow log than its state
 * waits for. (Another flow log of the NIC is up to a blob ahead.) Tuples are logged within a minute of their stamp,
 * which the slack covers. An answered and ended connection waits for a begin with the stamp of its end, a silent one
 * for a retry, an open one for the idle time. */
static bool is_over(const struct nsf_partition *partition, const struct nsf_live *live)
{
    const struct nsf_connection *connection = &live->connection;
    int64_t waits_ms = partition->shared->idle_ms;
    if (connection->is_ended)
        waits_ms = connection->has_counters && connection->total.packets_out > 0 ? 0 : NSF_RETRY_GAP_MS;
    return connection->last_ms < partition->key_clocks.now_ms[live->key_id] - waits_ms - PARTITION_LATE_MS;
}

static void sweep(struct nsf_partition *partition)
{
    uint32_t n_left = 0;
    for (uint32_t i = 0; i < partition->n_live; i++) {
        if (is_over(partition, &partition->live[i])) {
            finish_connection(partition, &partition->live[i]);
            continue;
        }
        if (n_left != i)
            partition->live[n_left] = partition->live[i];
        n_left++;
    }
    if (n_left != partition->n_live) {
        partition->n_live = n_left;
        nsf_index_rebuild(&partition->by_key, n_left);
        for (uint32_t i = 0; i < n_left; i++)
            nsf_index_add(&partition->by_key, hash_live(partition, &partition->live[i]), i);
    }
    partition->sweep_at = n_left * 2 < PARTITION_FIRST_SWEEP ? PARTITION_FIRST_SWEEP : n_left * 2;
}

static struct nsf_live *find_live(const struct nsf_partition *partition, uint32_t hash, uint32_t key_id,
                                  const struct nsf_mail_event *event)
{
    uint32_t probe = hash, idx;
    while ((idx = nsf_index_next(&partition->by_key, hash, &probe)) != NSF_INDEX_NONE) {
        struct nsf_live *live = &partition->live[idx];
        if (live->key_id == key_id && live->src_port == event->src_port && nsf_ip_eq(live->src, event->src) &&
            nsf_ip_eq(live->dst, event->dst))
            return live;
    }
    return NULL;
}

static struct nsf_live *add_live(struct nsf_partition *partition, const struct nsf_place_of_scope *place,
                                 const struct nsf_mail_event *event)
{
    if (partition->n_live >= partition->sweep_at)
        sweep(partition);
    NSF_GROW(partition->live, partition->live_capacity, (size_t)partition->n_live + 1);
    struct nsf_live *live = &partition->live[partition->n_live++];
    *live = (struct nsf_live){
        .src = event->src,
        .dst = event->dst,
        .key_id = place->key_id,
        .group_id = place->group_id,
        .target = place->target,
        .nic_id = place->nic_id,
        .flow_log_id = place->flow_log_id,
        .src_port = event->src_port,
    };
    return live;
}

static bool is_before_window(const struct nsf_shared *shared, int64_t ts_ms)
{
    return shared->since_ms != NSF_TS_NONE && ts_ms < shared->since_ms;
}

static bool is_behind_window(const struct nsf_shared *shared, int64_t ts_ms)
{
    return shared->until_ms != NSF_TS_NONE && ts_ms >= shared->until_ms;
}

static void advance_clock(struct nsf_clocks *clocks, uint32_t id, int64_t now_ms)
{
    NSF_GROW(clocks->now_ms, clocks->capacity, (size_t)id + 1);
    while (clocks->n <= id)
        clocks->now_ms[clocks->n++] = 0;
    if (clocks->now_ms[id] < now_ms)
        clocks->now_ms[id] = now_ms;
}

/* Clocks follow the stamps, but no further than the records go: one stamp far in the future must not end every
 * connection there is. */
static void advance_clocks(struct nsf_partition *partition, const struct nsf_place_of_scope *place, int64_t ts_ms,
                           int64_t record_ms)
{
    int64_t now_ms = record_ms != NSF_TS_NONE && ts_ms > record_ms ? record_ms : ts_ms;
    advance_clock(&partition->nic_clocks, place->nic_id, now_ms);
    advance_clock(&partition->key_clocks, place->key_id, now_ms);
}

static void note_spelling(struct nsf_partition *partition, uint32_t scope_id)
{
    if (partition->last_mail_scope == scope_id)
        return;
    partition->last_mail_scope = scope_id;
    nsf_pairset_add(&partition->mail_scopes, scope_id);
}

static void take_allowed(struct nsf_partition *partition, const struct nsf_mail_event *event, int64_t record_ms)
{
    const struct nsf_place_of_scope *place = partition->shared->place(partition->shared, event->scope_id);
    int64_t ts_ms = event->ts_ms;
    bool is_late = false;
    advance_clocks(partition, place, ts_ms, record_ms);
    uint32_t hash = hash_key(partition, place->key_id, event);
    struct nsf_live *live = find_live(partition, hash, place->key_id, event);
    if (live == NULL) {
        live = add_live(partition, place, event);
        nsf_index_add(&partition->by_key, hash, partition->n_live - 1);
        nsf_connection_begin(&live->connection, event, ts_ms);
    } else {
        is_late = ts_ms < live->connection.last_ms;
        ts_ms = is_late ? live->connection.last_ms : ts_ms;
        if (nsf_connection_take(&live->connection, event, ts_ms, partition->shared->idle_ms) == NSF_STEP_NEW) {
            finish_connection(partition, live);
            nsf_connection_begin(&live->connection, event, ts_ms);
        }
    }
    live->connection.is_vnet4 = place->is_vnet4;
    if (!place->is_finding)
        note_spelling(partition, event->scope_id);
    if (is_before_window(partition->shared, ts_ms))
        return;
    partition->n_late += is_late;
    nsf_connection_count(&live->connection, ts_ms);
    partition->n_allowed++;
}

static void take_mail(struct nsf_partition *partition, const struct nsf_mail_event *event, int64_t record_ms)
{
    if (is_behind_window(partition->shared, event->ts_ms))
        return;
    if (event->event != NSF_FLOW_DENIED) {
        take_allowed(partition, event, record_ms);
    } else if (!is_before_window(partition->shared, event->ts_ms)) {
        partition->n_denied++;
        nsf_contacts_add_denied_mail(&partition->contacts, event);
        nsf_retries_add(&partition->retries, event->src, event->dst, event->ts_ms);
    }
}

static void take_contact(struct nsf_partition *partition, const struct nsf_contact *contact)
{
    if (is_before_window(partition->shared, contact->ts_ms) || is_behind_window(partition->shared, contact->ts_ms))
        return;
    const struct nsf_place_of_scope *place = partition->shared->place(partition->shared, contact->scope_id);
    nsf_contacts_add_other(&partition->contacts, contact, place->is_finding ? place->target : NSF_INDEX_NONE);
}

void nsf_partition_take(struct nsf_partition *partition, const struct nsf_batch *batch, unsigned idx)
{
    partition->seq = batch->seq;
    const struct nsf_mail_events *mail = &batch->mail[idx];
    for (size_t i = 0; i < mail->n; i++) {
        const struct nsf_record *record = &batch->records[mail->items[i].record_idx];
        if (!record->is_duplicate)
            take_mail(partition, &mail->items[i], record->time_ms);
    }
    const struct nsf_contacts *contacts = &batch->contacts[idx];
    for (size_t i = 0; i < contacts->n; i++) {
        if (i + CONTACTS_AHEAD < contacts->n)
            nsf_contacts_expect(&partition->contacts, contacts->items[i + CONTACTS_AHEAD].src);
        if (i + CONTACTS_AHEAD / 2 < contacts->n)
            nsf_contacts_expect_soon(&partition->contacts, contacts->items[i + CONTACTS_AHEAD / 2].src);
        if (!batch->records[contacts->items[i].record_idx].is_duplicate)
            take_contact(partition, &contacts->items[i]);
    }
}

void nsf_partition_finish(struct nsf_partition *partition)
{
    for (uint32_t i = 0; i < partition->n_live; i++)
        finish_connection(partition, &partition->live[i]);
    partition->n_live = 0;
    nsf_index_release(&partition->by_key);
    settle(partition, true);
    /* The judges need room now. */
    nsf_free(partition->live);
    nsf_free(partition->held);
    partition->live = partition->held = NULL;
    partition->live_capacity = partition->held_capacity = 0;
    if (partition->n_kept_tuples + partition->n_duplicate_tuples != partition->n_allowed)
        NSF_BUG("allowed mail tuples do not add up to those of the connections");
}

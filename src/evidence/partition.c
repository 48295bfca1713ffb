#include "core/nsf_common.h"

#include "evidence/partition.h"

#include "core/clock.h"
#include "core/err.h"
#include "core/radix_sort.h"

/* Sweeps and settling start here, so that small inputs are never cut short and large ones stay small: 16 partitions
 * times 2,048 times 64 bytes are 2 MB. */
#define PARTITION_FIRST_SWEEP 2048u
#define PARTITION_SWEEP_ROWS 3u
#define PARTITION_FIRST_SETTLE ((size_t)2048)
/* A NIC with several flow logs has the same connection in each of them, at most this far apart in the order of the run:
 * blobs are taken hour by hour. */
#define PARTITION_HOLD_MS (2 * NSF_MS_PER_HOUR)
/* How late a tuple may come and still meet its connection, once there are so many that memory counts. */
#define PARTITION_LATE_MS INT64_C(180000)
/* Mail events that are looked up together. */
#define PARTITION_MAIL_AHEAD ((size_t)32)
/* Stamps of two flow logs for one event differ by less. */
#define PARTITION_OVERLAP_MS INT64_C(2000)

void nsf_partition_init(struct nsf_partition *partition, const struct nsf_shared *shared, uint64_t seed)
{
    *partition = (struct nsf_partition){.shared = shared, .seed = seed};
    partition->last_mail_scope = NSF_INDEX_NONE;
    partition->last_nic_target = UINT64_MAX;
    partition->settle_at = PARTITION_FIRST_SETTLE;
    nsf_lives_init(&partition->lives, seed);
    nsf_sources_init(&partition->sources, seed);
    nsf_contacts_init(&partition->contacts, seed);
    nsf_retries_init(&partition->retries);
}

void nsf_partition_release(struct nsf_partition *partition)
{
    nsf_lives_release(&partition->lives);
    nsf_free(partition->held);
    nsf_free(partition->nic_clocks.now_ms);
    nsf_free(partition->key_clocks.now_ms);
    nsf_pairset_release(&partition->nic_targets);
    nsf_pairset_release(&partition->mail_scopes);
    nsf_spans_release(&partition->allowed_spans);
    nsf_spans_release(&partition->denied_spans);
    nsf_marks_release(&partition->marks);
    nsf_sources_release(&partition->sources);
    nsf_contacts_release(&partition->contacts);
    nsf_retries_release(&partition->retries);
}

static const struct nsf_place_of_scope *place_of(const struct nsf_partition *partition, const struct nsf_live *live)
{
    return partition->shared->place(partition->shared, live->scope_id);
}

static struct nsf_ip own_address(const struct nsf_partition *partition, uint32_t id)
{
    return partition->sources.addresses.items[id];
}

/* ---- to the sources ---- */

/* In steps, so that the caches are filled for all of them at once. */
static void flush_kept(struct nsf_partition *partition)
{
    struct nsf_sources *sources = &partition->sources;
    for (uint32_t i = 0; i < partition->n_kept; i++)
        nsf_sources_expect_row(sources, &partition->kept[i]);
    for (uint32_t i = 0; i < partition->n_kept; i++)
        nsf_sources_expect_traits(sources, &partition->kept[i]);
    for (uint32_t i = 0; i < partition->n_kept; i++) {
        const struct nsf_finished *finished = &partition->kept[i];
        nsf_sources_add(sources, finished);
        if (finished->class_ == NSF_CLASS_NO_REPLY)
            nsf_retries_add(&partition->retries, finished->src, own_address(partition, finished->dst_id),
                            finished->connection->counted_from_ms);
    }
    partition->n_kept = 0;
}

static bool is_public_v4(struct nsf_ip ip)
{
    return nsf_ip_is_v4(ip) && !nsf_ip_is_private(ip);
}

static void keep(struct nsf_partition *partition, const struct nsf_live *live)
{
    const struct nsf_place_of_scope *place = place_of(partition, live);
    struct nsf_connection *connection = &partition->kept_connections[partition->n_kept];
    nsf_live_connection(&partition->lives, live, connection);
    nsf_lives_drop_large(&partition->lives, live);
    struct nsf_finished *finished = &partition->kept[partition->n_kept++];
    *finished = (struct nsf_finished){
        .src = live->src,
        .dst_id = live->dst_id,
        .target = place->target,
        .hash = nsf_sources_hash(&partition->sources, place->target, live->src),
        .src_port = live->src_port,
        .nic = NSF_TRAIT_NIC(place->nic_id),
        .class_ = partition->shared->classify(&connection->total, connection->has_counters),
        .connection = connection,
    };
    nsf_sources_expect(&partition->sources, finished->hash);
    partition->n_kept_tuples += connection->tuples;
    uint64_t nic_target = nsf_pair(place->nic_id, place->target);
    if (nic_target != partition->last_nic_target)
        nsf_pairset_add(&partition->nic_targets, nic_target);
    partition->last_nic_target = nic_target;
    if (is_public_v4(live->src))
        nsf_spans_add(&partition->allowed_spans, place->target, connection->counted_from_ms, connection->counted_to_ms);
    if (partition->n_kept == NSF_PARTITION_KEPT)
        flush_kept(partition);
}

/* ---- copies of other flow logs ---- */

/* A held connection in full. */
struct copy {
    struct nsf_live live;
    struct nsf_connection connection;
    const struct nsf_place_of_scope *place;
    int64_t reach_ms; /* the last stamp of this one and of all before it */
    bool is_kept;
};

/* The copies of one 5-tuple, by first stamp, and their numbers in order of preference. */
struct copies {
    const struct nsf_shared *shared;
    struct copy *items;
    size_t n;
    uint32_t *order;
};

static int cmp_keys(const struct nsf_partition *partition, const struct nsf_live *a, const struct nsf_live *b)
{
    uint32_t group_a = place_of(partition, a)->group_id, group_b = place_of(partition, b)->group_id;
    int order = nsf_ip_cmp(a->src, b->src);
    if (order == 0)
        order = (int)a->src_port - (int)b->src_port;
    if (order == 0)
        order = (a->dst_id > b->dst_id) - (a->dst_id < b->dst_id);
    return order != 0 ? order : partition->shared->cmp_groups(partition->shared, group_a, group_b);
}

/* By what makes two connections of different flow logs the same one, then by first stamp. */
static int cmp_held(const void *left, const void *right, void *ctx)
{
    const struct nsf_live *a = left, *b = right;
    const struct nsf_partition *partition = ctx;
    int order = cmp_keys(partition, a, b);
    if (order != 0)
        return order;
    int64_t first_a = nsf_live_first_ms(&partition->lives, a), first_b = nsf_live_first_ms(&partition->lives, b);
    return (first_a > first_b) - (first_a < first_b);
}

/* Nearly all connections differ by where they come from. */
static uint64_t origin_of(const struct nsf_live *live)
{
    return (uint64_t)nsf_ip_to_v4(live->src) << 16 | live->src_port;
}

static void sort_held_v4(struct nsf_partition *partition)
{
    size_t n = partition->n_held;
    struct nsf_live *held = partition->held, *sorted = nsf_malloc(nsf_mul_size(n, sizeof(*sorted)));
    struct nsf_keyed *order = nsf_malloc(nsf_mul_size(n, sizeof(*order)));
    for (size_t i = 0; i < n; i++)
        order[i] = (struct nsf_keyed){origin_of(&held[i]), i};
    nsf_radix_sort_keyed(order, n, NULL);
    for (size_t i = 0; i < n; i++)
        sorted[i] = held[order[i].ref];
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && order[to].key == order[from].key;)
            to++;
        if (to - from > 1)
            qsort_r(&sorted[from], to - from, sizeof(*sorted), cmp_held, partition);
    }
    nsf_free(order);
    nsf_free(held);
    partition->held = sorted;
    partition->held_capacity = n;
}

static void sort_held(struct nsf_partition *partition)
{
    if (partition->n_held < 2)
        return;
    for (size_t i = 0; i < partition->n_held; i++)
        if (!nsf_ip_is_v4(partition->held[i].src)) {
            qsort_r(partition->held, partition->n_held, sizeof(*partition->held), cmp_held, partition);
            return;
        }
    sort_held_v4(partition);
}

/* Which of two copies is kept: <0 when a is. */
static int cmp_preference(const struct nsf_shared *shared, const struct copy *a, const struct copy *b)
{
    if (a->connection.has_counters != b->connection.has_counters)
        return a->connection.has_counters ? -1 : 1;
    if (a->connection.is_vnet4 != b->connection.is_vnet4)
        return a->connection.is_vnet4 ? -1 : 1;
    int order = shared->cmp_flow_logs(shared, a->place->flow_log_id, b->place->flow_log_id);
    if (order == 0)
        order = (a->connection.first_ms > b->connection.first_ms) - (a->connection.first_ms < b->connection.first_ms);
    return order;
}

static bool do_overlap(const struct nsf_connection *a, const struct nsf_connection *b)
{
    return a->first_ms - PARTITION_OVERLAP_MS <= b->last_ms + PARTITION_OVERLAP_MS &&
           b->first_ms - PARTITION_OVERLAP_MS <= a->last_ms + PARTITION_OVERLAP_MS;
}

static int cmp_order(const void *left, const void *right, void *ctx)
{
    const struct copies *copies = ctx;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int order = cmp_preference(copies->shared, &copies->items[a], &copies->items[b]);
    return order != 0 ? order : (a > b) - (a < b);
}

static bool is_same_as(const struct copy *a, const struct copy *b)
{
    return b->is_kept && a->place->flow_log_id != b->place->flow_log_id && do_overlap(&a->connection, &b->connection);
}

/* Only those beside it in time can be the same one. */
static bool is_copy_of_kept(const struct copies *copies, size_t at)
{
    const struct copy *copy = &copies->items[at];
    int64_t from_ms = copy->connection.first_ms - 2 * PARTITION_OVERLAP_MS;
    int64_t to_ms = copy->connection.last_ms + 2 * PARTITION_OVERLAP_MS;
    for (size_t i = at; i-- > 0 && copies->items[i].reach_ms >= from_ms;)
        if (is_same_as(copy, &copies->items[i]))
            return true;
    for (size_t i = at + 1; i < copies->n && copies->items[i].connection.first_ms <= to_ms; i++)
        if (is_same_as(copy, &copies->items[i]))
            return true;
    return false;
}

/* In order of preference each is kept unless it overlaps a kept one of another flow log. */
static void settle_copies(struct nsf_partition *partition, const struct copies *copies)
{
    qsort_r(copies->order, copies->n, sizeof(*copies->order), cmp_order, (void *)(uintptr_t)copies);
    for (size_t i = 0; i < copies->n; i++) {
        struct copy *copy = &copies->items[copies->order[i]];
        copy->is_kept = !is_copy_of_kept(copies, copies->order[i]);
        if (copy->is_kept) {
            keep(partition, &copy->live);
            continue;
        }
        partition->n_duplicate_tuples += copy->connection.tuples;
        nsf_lives_drop_large(&partition->lives, &copy->live);
    }
}

static void settle_key(struct nsf_partition *partition, const struct nsf_live *held, size_t n)
{
    struct copies copies = {.shared = partition->shared, .n = n};
    int64_t reach_ms = INT64_MIN;
    if (n == 1) {
        keep(partition, held);
        return;
    }
    copies.items = nsf_malloc(nsf_mul_size(n, sizeof(*copies.items)));
    copies.order = nsf_malloc(nsf_mul_size(n, sizeof(*copies.order)));
    for (uint32_t i = 0; i < n; i++) {
        struct copy *copy = &copies.items[i];
        *copy = (struct copy){.live = held[i], .place = place_of(partition, &held[i])};
        nsf_live_connection(&partition->lives, &held[i], &copy->connection);
        reach_ms = copy->connection.last_ms > reach_ms ? copy->connection.last_ms : reach_ms;
        copy->reach_ms = reach_ms;
        copies.order[i] = i;
    }
    settle_copies(partition, &copies);
    nsf_free(copies.items);
    nsf_free(copies.order);
}

static bool may_meet_a_copy(const struct nsf_partition *partition, const struct nsf_live *held, size_t n)
{
    uint32_t nic_id = place_of(partition, held)->nic_id;
    if (!partition->shared->is_covered_twice(partition->shared, nic_id, partition->record))
        return false;
    for (size_t i = 0; i < n; i++)
        if (nsf_live_last_ms(&partition->lives, &held[i]) > partition->nic_clocks.now_ms[nic_id] - PARTITION_HOLD_MS)
            return true;
    return false;
}

static void settle(struct nsf_partition *partition, bool is_end)
{
    sort_held(partition);
    size_t n_left = 0;
    for (size_t from = 0, to; from < partition->n_held; from = to) {
        const struct nsf_live *held = &partition->held[from];
        for (to = from + 1; to < partition->n_held && cmp_keys(partition, held, &partition->held[to]) == 0;)
            to++;
        if (is_end || !may_meet_a_copy(partition, held, to - from)) {
            settle_key(partition, held, to - from);
            continue;
        }
        memmove(&partition->held[n_left], held, (to - from) * sizeof(*held));
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
    if (nsf_live_tuples(&partition->lives, live) == 0) {
        nsf_lives_drop_large(&partition->lives, live);
        return;
    }
    if (partition->n_held >= partition->settle_at) {
        settle(partition, false);
        partition->is_under_pressure = true;
    }
    if (partition->is_under_pressure &&
        !partition->shared->is_covered_twice(partition->shared, place_of(partition, live)->nic_id, partition->record)) {
        keep(partition, live);
        return;
    }
    NSF_GROW(partition->held, partition->held_capacity, partition->n_held + 1);
    partition->held[partition->n_held++] = *live;
}

/* ---- live connections ---- */

/* Whether nothing can continue the connection any more: its rule has newer stamps in the same flow log than its state
 * waits for. (Another flow log of the NIC is up to a blob ahead.) Tuples are logged within a minute of their stamp,
 * which the slack covers. An answered and ended connection waits for a begin with the stamp of its end, a silent one
 * for a retry, an open one for the idle time. */
static bool is_over(const struct nsf_partition *partition, const struct nsf_live *live)
{
    int64_t waits_ms = partition->shared->idle_ms;
    bool is_answered;
    if (nsf_live_is_ended(&partition->lives, live, &is_answered))
        waits_ms = is_answered ? 0 : NSF_RETRY_GAP_MS;
    return nsf_live_last_ms(&partition->lives, live) <
           partition->key_clocks.now_ms[live->key_id] - waits_ms - PARTITION_LATE_MS;
}

/* Looks at a few rows for each that is added, round and round: the dead among them stay fewer than the living. */
static void sweep_some(struct nsf_partition *partition)
{
    struct nsf_lives *lives = &partition->lives;
    for (unsigned i = 0; i < PARTITION_SWEEP_ROWS; i++) {
        if (partition->hand >= lives->n_rows)
            partition->hand = 0;
        struct nsf_live *live = nsf_lives_row(lives, partition->hand);
        if (!nsf_live_is_free(live) && is_over(partition, live)) {
            finish_connection(partition, live);
            nsf_lives_remove(lives, partition->hand);
        }
        partition->hand++;
    }
}

static struct nsf_live *add_live(struct nsf_partition *partition, const struct nsf_live_key *key, uint32_t hash,
                                 uint32_t scope_id)
{
    if (partition->lives.n_live >= PARTITION_FIRST_SWEEP)
        sweep_some(partition);
    struct nsf_live *live = nsf_lives_add(&partition->lives, hash, key);
    live->scope_id = scope_id;
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

static void add_clocks(struct nsf_clocks *clocks, uint32_t id)
{
    NSF_GROW(clocks->now_ms, clocks->capacity, (size_t)id + 1);
    while (clocks->n <= id)
        clocks->now_ms[clocks->n++] = 0;
}

static inline void advance_clock(struct nsf_clocks *clocks, uint32_t id, int64_t now_ms)
{
    if (NSF_UNLIKELY(id >= clocks->n))
        add_clocks(clocks, id);
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

/* What events of one group have in common nearly always. */
struct common {
    uint32_t scope_id; /* NSF_INDEX_NONE: nothing yet */
    uint32_t dst_id;
    struct nsf_ip dst;
    const struct nsf_place_of_scope *place;
    uint64_t hash;
};

/* An event and where it will be looked for. */
struct ahead {
    const struct nsf_place_of_scope *place;
    struct nsf_live_key key;
    uint32_t hash;
    uint32_t row; /* where it is nearly always */
};

/* The step of any connection; `live` is NULL for one that begins. */
static void take_step(struct nsf_partition *partition, const struct nsf_mail_event *event, const struct ahead *ahead,
                      struct nsf_live *live)
{
    struct nsf_lives *lives = &partition->lives;
    struct nsf_connection connection;
    int64_t ts_ms = event->ts_ms;
    bool is_late = false;
    if (live == NULL) {
        live = add_live(partition, &ahead->key, ahead->hash, event->scope_id);
        nsf_connection_begin(&connection, event, ts_ms);
    } else {
        nsf_live_connection(lives, live, &connection);
        is_late = ts_ms < connection.last_ms;
        ts_ms = is_late ? connection.last_ms : ts_ms;
        if (nsf_connection_take(&connection, event, ts_ms, partition->shared->idle_ms) == NSF_STEP_NEW) {
            finish_connection(partition, live);
            nsf_live_forget(live);
            nsf_connection_begin(&connection, event, ts_ms);
        }
    }
    connection.is_vnet4 = ahead->place->is_vnet4;
    if (!is_before_window(partition->shared, ts_ms)) {
        partition->n_late += is_late;
        nsf_connection_count(&connection, ts_ms);
        partition->n_allowed++;
    }
    nsf_live_put(lives, live, &connection);
}

/* Nearly all connections take their steps on the packed row. */
static bool take_simple_step(struct nsf_partition *partition, const struct nsf_mail_event *event,
                             const struct ahead *ahead, struct nsf_live *live)
{
    bool is_vnet4 = ahead->place->is_vnet4;
    if (is_before_window(partition->shared, event->ts_ms))
        return false;
    if (live != NULL)
        return nsf_live_go_on(live, event, partition->shared->idle_ms, is_vnet4);
    if (event->event != NSF_FLOW_BEGIN && event->event != NSF_FLOW_LINE)
        return false;
    live = add_live(partition, &ahead->key, ahead->hash, event->scope_id);
    nsf_live_begin(live, event->ts_ms, is_vnet4);
    return true;
}

static void take_allowed(struct nsf_partition *partition, const struct nsf_mail_event *event, const struct ahead *ahead,
                         int64_t record_ms)
{
    if (ahead->place->is_vnet4)
        nsf_marks_mail(&partition->marks, ahead->place->flow_log_id, event);
    advance_clocks(partition, ahead->place, event->ts_ms, record_ms);
    struct nsf_live *live = nsf_lives_find_at(&partition->lives, ahead->row, ahead->hash, &ahead->key);
    if (!ahead->place->is_finding)
        note_spelling(partition, event->scope_id);
    if (take_simple_step(partition, event, ahead, live))
        partition->n_allowed++;
    else
        take_step(partition, event, ahead, live);
}

static void take_denied(struct nsf_partition *partition, const struct nsf_mail_event *event)
{
    const struct nsf_place_of_scope *place = partition->shared->place(partition->shared, event->scope_id);
    if (place->is_vnet4)
        nsf_marks_mail(&partition->marks, place->flow_log_id, event);
    if (is_before_window(partition->shared, event->ts_ms))
        return;
    partition->n_denied++;
    nsf_contacts_add_denied_mail(&partition->contacts, event);
    nsf_retries_add(&partition->retries, event->src, event->dst, event->ts_ms);
    if (is_public_v4(event->src))
        nsf_spans_add(&partition->denied_spans, place->target, event->ts_ms, event->ts_ms);
}

static void learn_common(struct nsf_partition *partition, const struct nsf_mail_event *event, struct common *common)
{
    common->scope_id = event->scope_id;
    common->dst = event->dst;
    common->dst_id = nsf_addresses_id(&partition->sources.addresses, event->dst);
    common->place = partition->shared->place(partition->shared, event->scope_id);
    common->hash = nsf_lives_hash_place(&partition->lives, common->place->key_id, common->dst_id);
}

static inline void look_ahead(struct nsf_partition *partition, const struct nsf_mail_event *event,
                              struct common *common, struct ahead *ahead)
{
    if (event->scope_id != common->scope_id || !nsf_ip_eq(event->dst, common->dst))
        learn_common(partition, event, common);
    ahead->place = common->place;
    ahead->key = (struct nsf_live_key){
        .src = event->src,
        .dst_id = common->dst_id,
        .key_id = common->place->key_id,
        .src_port = event->src_port,
    };
    ahead->hash = nsf_lives_hash_origin(common->hash, event->src, event->src_port);
    nsf_lives_expect(&partition->lives, ahead->hash);
}

static bool is_taken(const struct nsf_partition *partition, const struct nsf_batch *batch,
                     const struct nsf_mail_event *event)
{
    return !batch->records[event->record_idx].is_duplicate && !is_behind_window(partition->shared, event->ts_ms);
}

/* Up to PARTITION_MAIL_AHEAD events, in steps that let their cache misses overlap. */
static void take_mail(struct nsf_partition *partition, const struct nsf_batch *batch, const struct nsf_mail_event *mail,
                      size_t n, struct common *common)
{
    struct ahead ahead[PARTITION_MAIL_AHEAD];
    for (size_t i = 0; i < n; i++)
        if (mail[i].event != NSF_FLOW_DENIED && is_taken(partition, batch, &mail[i]))
            look_ahead(partition, &mail[i], common, &ahead[i]);
        else
            ahead[i].place = NULL;
    for (size_t i = 0; i < n; i++)
        if (ahead[i].place != NULL)
            ahead[i].row = nsf_lives_expect_row(&partition->lives, ahead[i].hash);
    for (size_t i = 0; i < n; i++) {
        partition->record = batch->first_record + mail[i].record_idx;
        if (ahead[i].place != NULL)
            take_allowed(partition, &mail[i], &ahead[i], batch->records[mail[i].record_idx].time_ms);
        else if (is_taken(partition, batch, &mail[i]))
            take_denied(partition, &mail[i]);
    }
}

static bool is_in_window(const struct nsf_shared *shared, int64_t ts_ms)
{
    return !is_before_window(shared, ts_ms) && !is_behind_window(shared, ts_ms);
}

static const struct nsf_place_of_scope *place_of_group(const struct nsf_partition *partition,
                                                       const struct nsf_batch *batch, uint32_t group_idx)
{
    return partition->shared->place(partition->shared, batch->tuple_groups.items[group_idx].scope_id);
}

/* Group by group. */
static void note_marks(struct nsf_partition *partition, const struct nsf_batch *batch, unsigned idx)
{
    const struct nsf_contacts *contacts = &batch->contacts[idx];
    for (size_t from = 0, to; from < contacts->n; from = to) {
        uint32_t group_idx = contacts->items[from].group_idx;
        for (to = from + 1; to < contacts->n && contacts->items[to].group_idx == group_idx;)
            to++;
        const struct nsf_place_of_scope *place = place_of_group(partition, batch, group_idx);
        if (place->is_vnet4 && batch->tuple_groups.targets[group_idx] != NSF_GROUP_DUPLICATE)
            nsf_marks_contacts(&partition->marks, place->flow_log_id, &contacts->items[from], to - from);
    }
}

static void take_contacts(struct nsf_partition *partition, const struct nsf_batch *batch, unsigned idx,
                          struct nsf_contact_block *block)
{
    const struct nsf_contacts *contacts = &batch->contacts[idx];
    const uint32_t *targets = batch->tuple_groups.targets;
    if (batch->tuple_groups.has_vnet4)
        note_marks(partition, batch, idx);
    for (size_t i = 0; i < contacts->n; i++) {
        const struct nsf_contact *contact = &contacts->items[i];
        uint32_t target = targets[contact->group_idx];
        if (target != NSF_GROUP_DUPLICATE &&
            (!batch->has_stamps || is_in_window(partition->shared, contacts->stamps_ms[i])))
            nsf_contacts_put(&partition->contacts, block, contact, target);
    }
}

static void take_wide_contacts(struct nsf_partition *partition, const struct nsf_batch *batch, unsigned idx)
{
    for (size_t i = 0; i < batch->wide_contacts[idx].n; i++) {
        const struct nsf_wide_contact *contact = &batch->wide_contacts[idx].items[i];
        const struct nsf_place_of_scope *place = place_of_group(partition, batch, contact->group_idx);
        uint32_t target = batch->tuple_groups.targets[contact->group_idx];
        if (target == NSF_GROUP_DUPLICATE)
            continue;
        if (place->is_vnet4)
            nsf_marks_wide_contact(&partition->marks, place->flow_log_id, contact);
        if (is_in_window(partition->shared, contact->ts_ms))
            nsf_contacts_add_wide(&partition->contacts, contact, target);
    }
}

static void take_all_mail(struct nsf_partition *partition, const struct nsf_batch *batch, unsigned idx)
{
    const struct nsf_mail_events *mail = &batch->mail[idx];
    struct common common = {.scope_id = NSF_INDEX_NONE};
    for (size_t i = 0; i < mail->n; i += PARTITION_MAIL_AHEAD)
        take_mail(partition, batch, &mail->items[i],
                  mail->n - i < PARTITION_MAIL_AHEAD ? mail->n - i : PARTITION_MAIL_AHEAD, &common);
}

/* Mail has its order, contacts have none. Batches of small blobs are short: their contacts make blocks together. */
void nsf_partition_take(struct nsf_partition *partition, const struct nsf_batch *const *batches, size_t n, unsigned idx)
{
    struct nsf_contact_block block;
    block.n = 0;
    for (size_t i = 0; i < n; i++)
        take_all_mail(partition, batches[i], idx);
    for (size_t i = 0; i < n; i++)
        take_contacts(partition, batches[i], idx, &block);
    nsf_contacts_empty_block(&partition->contacts, &block);
    for (size_t i = 0; i < n; i++)
        take_wide_contacts(partition, batches[i], idx);
}

void nsf_partition_finish(struct nsf_partition *partition)
{
    for (uint32_t row = 0; row < partition->lives.n_rows; row++)
        if (!nsf_live_is_free(nsf_lives_row(&partition->lives, row)))
            finish_connection(partition, nsf_lives_row(&partition->lives, row));
    settle(partition, true);
    flush_kept(partition);
    nsf_contacts_finish(&partition->contacts);
    nsf_sources_finish(&partition->sources);
    /* The judges need room now. */
    nsf_lives_release(&partition->lives);
    nsf_free(partition->held);
    partition->held = NULL;
    partition->held_capacity = 0;
    if (partition->n_kept_tuples + partition->n_duplicate_tuples != partition->n_allowed)
        NSF_BUG("allowed mail tuples do not add up to those of the connections");
}

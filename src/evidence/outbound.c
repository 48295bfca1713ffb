#include "core/nsf_common.h"

#include "evidence/outbound.h"

#include "core/clock.h"
#include "core/hash.h"
#include "core/radix_sort.h"

#define FIRST_SWEEP 2048u
/* Events that are looked up together. */
#define EVENTS_AHEAD ((size_t)32)

struct live_key {
    struct nsf_ip src;
    struct nsf_ip dst;
    uint32_t nic_id;
    uint16_t src_port;
    uint16_t dst_port;
};

struct nsf_outbound_live {
    struct live_key key;
    struct nsf_connection connection;
};

void nsf_outbound_init(struct nsf_outbound *outbound, const struct nsf_shared *shared)
{
    *outbound = (struct nsf_outbound){.shared = shared, .sweep_at = FIRST_SWEEP, .clock_ms = NSF_TS_NONE};
}

void nsf_outbound_release(struct nsf_outbound *outbound)
{
    nsf_free(outbound->live);
    nsf_index_release(&outbound->by_key);
    nsf_free(outbound->rows);
    nsf_outbound_init(outbound, outbound->shared);
}

/* Unseeded, since it chooses what is kept. */
static uint64_t rank_of(const struct nsf_outbound_row *row)
{
    return nsf_hash_mix((uint64_t)row->second << 32 | row->destination, UINT64_C(0x6a09e667f3bcc909));
}

static bool is_kept(const struct nsf_outbound *outbound, const struct nsf_outbound_row *row)
{
    return outbound->level == 0 || rank_of(row) >> (64 - outbound->level) == 0;
}

static void add_row(struct nsf_outbound *outbound, const struct nsf_outbound_row *row)
{
    if (!is_kept(outbound, row))
        return;
    NSF_GROW(outbound->rows, outbound->rows_capacity, (size_t)outbound->n_rows + 1);
    outbound->rows[outbound->n_rows++] = *row;
    while (outbound->n_rows > NSF_OUTBOUND_ROWS_MAX) {
        uint32_t n_left = 0;
        outbound->level++;
        for (uint32_t i = 0; i < outbound->n_rows; i++)
            if (is_kept(outbound, &outbound->rows[i]))
                outbound->rows[n_left++] = outbound->rows[i];
        outbound->n_rows = n_left;
    }
}

static uint32_t number_of(struct nsf_ip ip, unsigned v4_shift)
{
    return nsf_ip_is_v4(ip) ? nsf_ip_to_v4(ip) >> v4_shift : (uint32_t)nsf_hash_mix(ip.lo, nsf_hash_mix(ip.hi, 1));
}

static void keep(struct nsf_outbound *outbound, const struct live_key *key, const struct nsf_connection *connection,
                 bool is_denied)
{
    enum nsf_connection_class class_ = outbound->shared->classify(&connection->total, connection->has_counters);
    struct nsf_ip network = nsf_ip_is_v4(key->dst) ? key->dst : nsf_prefix_around(key->dst, 48).ip;
    add_row(outbound, &(struct nsf_outbound_row){
                          .second = nsf_trait_seconds(connection->first_ms),
                          .nic_id = key->nic_id,
                          .network = number_of(network, 8),
                          .destination = number_of(key->dst, 0),
                          .is_message = class_ == NSF_CLASS_MESSAGE,
                          .is_unanswered = is_denied || class_ == NSF_CLASS_NO_REPLY,
                          .is_public = !nsf_ip_is_private(key->dst),
                          .is_port_25 = key->dst_port == 25,
                      });
}

static uint32_t hash_key(const struct live_key *key)
{
    uint64_t hash = nsf_hash_mix(nsf_pair(key->nic_id, (uint32_t)key->src_port << 16 | key->dst_port), 3);
    hash = nsf_hash_mix(key->src.lo ^ (key->src.hi << 1), hash);
    return (uint32_t)nsf_hash_mix(key->dst.lo ^ (key->dst.hi << 1), hash);
}

static bool are_equal(const struct live_key *a, const struct live_key *b)
{
    return a->nic_id == b->nic_id && a->src_port == b->src_port && a->dst_port == b->dst_port &&
           nsf_ip_eq(a->src, b->src) && nsf_ip_eq(a->dst, b->dst);
}

static struct nsf_outbound_live *find_live(const struct nsf_outbound *outbound, const struct live_key *key,
                                           uint32_t hash)
{
    uint32_t probe = hash, idx;
    while ((idx = nsf_index_next(&outbound->by_key, hash, &probe)) != NSF_INDEX_NONE)
        if (are_equal(&outbound->live[idx].key, key))
            return &outbound->live[idx];
    return NULL;
}

static void sweep(struct nsf_outbound *outbound)
{
    uint32_t n_left = 0;
    int64_t horizon = outbound->clock_ms - outbound->shared->idle_ms - 2 * NSF_MS_PER_HOUR;
    for (uint32_t i = 0; i < outbound->n_live; i++) {
        if (outbound->live[i].connection.last_ms < horizon)
            keep(outbound, &outbound->live[i].key, &outbound->live[i].connection, false);
        else
            outbound->live[n_left++] = outbound->live[i];
    }
    outbound->n_live = n_left;
    nsf_index_rebuild(&outbound->by_key, n_left);
    for (uint32_t i = 0; i < n_left; i++)
        nsf_index_add(&outbound->by_key, hash_key(&outbound->live[i].key), i);
    outbound->sweep_at = n_left * 2 < FIRST_SWEEP ? FIRST_SWEEP : n_left * 2;
}

/* An event and where it will be looked for. */
struct ahead {
    bool is_taken;
    struct live_key key;
    uint32_t hash;
};

static bool is_taken(const struct nsf_outbound *outbound, const struct nsf_batch *batch,
                     const struct nsf_mail_event *event)
{
    const struct nsf_shared *shared = outbound->shared;
    bool is_outside = (shared->since_ms != NSF_TS_NONE && event->ts_ms < shared->since_ms) ||
                      (shared->until_ms != NSF_TS_NONE && event->ts_ms >= shared->until_ms);
    return !is_outside && !batch->records[event->record_idx].is_duplicate;
}

static void look_ahead(const struct nsf_outbound *outbound, const struct nsf_mail_event *event, struct ahead *ahead)
{
    ahead->key = (struct live_key){
        .src = event->src,
        .dst = event->dst,
        .nic_id = outbound->shared->place(outbound->shared, event->scope_id)->nic_id,
        .src_port = event->src_port,
        .dst_port = event->dst_port,
    };
    ahead->hash = hash_key(&ahead->key);
    nsf_index_expect(&outbound->by_key, ahead->hash);
}

/* What stands at the slot is nearly always the row that is looked for. */
static inline __attribute__((always_inline)) void expect_live(const struct nsf_outbound *outbound, uint32_t hash)
{
    uint32_t probe = hash, idx = nsf_index_next(&outbound->by_key, hash, &probe);
    if (idx == NSF_INDEX_NONE)
        return;
    const char *live = (const char *)&outbound->live[idx];
    for (size_t at = 0; at < sizeof(*outbound->live); at += 64)
        __builtin_prefetch(live + at, 1);
}

static void begin_live(struct nsf_outbound *outbound, const struct ahead *ahead, const struct nsf_mail_event *event)
{
    if (outbound->n_live >= outbound->sweep_at)
        sweep(outbound);
    NSF_GROW(outbound->live, outbound->live_capacity, (size_t)outbound->n_live + 1);
    struct nsf_outbound_live *live = &outbound->live[outbound->n_live];
    live->key = ahead->key;
    nsf_connection_begin(&live->connection, event, event->ts_ms);
    nsf_index_add(&outbound->by_key, ahead->hash, outbound->n_live++);
}

static void take_event(struct nsf_outbound *outbound, const struct ahead *ahead, const struct nsf_mail_event *event)
{
    int64_t ts_ms = event->ts_ms;
    if (event->event == NSF_FLOW_DENIED) {
        struct nsf_connection denied;
        nsf_connection_begin(&denied, event, ts_ms);
        keep(outbound, &ahead->key, &denied, true);
        return;
    }
    if (outbound->clock_ms < ts_ms)
        outbound->clock_ms = ts_ms;
    struct nsf_outbound_live *live = find_live(outbound, &ahead->key, ahead->hash);
    if (live == NULL) {
        begin_live(outbound, ahead, event);
        return;
    }
    if (ts_ms < live->connection.last_ms)
        ts_ms = live->connection.last_ms;
    if (nsf_connection_take(&live->connection, event, ts_ms, outbound->shared->idle_ms) == NSF_STEP_NEW) {
        keep(outbound, &live->key, &live->connection, false);
        nsf_connection_begin(&live->connection, event, ts_ms);
    }
}

/* Up to EVENTS_AHEAD of them, in steps that let their cache misses overlap. */
static void take_some(struct nsf_outbound *outbound, const struct nsf_batch *batch, const struct nsf_mail_event *events,
                      size_t n)
{
    struct ahead ahead[EVENTS_AHEAD];
    for (size_t i = 0; i < n; i++) {
        ahead[i].is_taken = is_taken(outbound, batch, &events[i]);
        if (ahead[i].is_taken)
            look_ahead(outbound, &events[i], &ahead[i]);
    }
    for (size_t i = 0; i < n; i++)
        if (ahead[i].is_taken)
            expect_live(outbound, ahead[i].hash);
    for (size_t i = 0; i < n; i++)
        if (ahead[i].is_taken)
            take_event(outbound, &ahead[i], &events[i]);
}

void nsf_outbound_take(struct nsf_outbound *outbound, const struct nsf_batch *batch)
{
    const struct nsf_mail_events *events = &batch->outbound;
    for (size_t i = 0; i < events->n; i += EVENTS_AHEAD)
        take_some(outbound, batch, &events->items[i], events->n - i < EVENTS_AHEAD ? events->n - i : EVENTS_AHEAD);
}

/* By NIC, then time, then destination. */
static void sort_rows(struct nsf_outbound *outbound)
{
    uint32_t n = outbound->n_rows;
    struct nsf_outbound_row *rows = outbound->rows, *sorted = nsf_malloc(nsf_mul_size(n, sizeof(*sorted)));
    struct nsf_keyed *order = nsf_malloc(nsf_mul_size(n, sizeof(*order)));
    for (uint32_t i = 0; i < n; i++)
        order[i] = (struct nsf_keyed){rows[i].destination, i};
    nsf_radix_sort_keyed(order, n, NULL);
    for (uint32_t i = 0; i < n; i++)
        order[i].key = (uint64_t)rows[order[i].ref].nic_id << 32 | rows[order[i].ref].second;
    nsf_radix_sort_keyed(order, n, NULL);
    for (uint32_t i = 0; i < n; i++)
        sorted[i] = rows[order[i].ref];
    nsf_free(order);
    nsf_free(rows);
    outbound->rows = sorted;
    outbound->rows_capacity = n;
}

void nsf_outbound_finish(struct nsf_outbound *outbound)
{
    for (uint32_t i = 0; i < outbound->n_live; i++)
        keep(outbound, &outbound->live[i].key, &outbound->live[i].connection, false);
    outbound->n_live = 0;
    nsf_index_release(&outbound->by_key);
    if (outbound->n_rows > 1)
        sort_rows(outbound);
}

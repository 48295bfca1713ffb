#include "core/nsf_common.h"

#include "evidence/outbound.h"

#include "core/clock.h"
#include "core/hash.h"
#include "core/radix_sort.h"

#define FIRST_SWEEP 2048u
/* Events that are looked up together. */
#define EVENTS_AHEAD ((size_t)32)

/* A live connection turned round: what many of them have in common is our own address. */
#define KEY_ID_OF(nic_id, dst_port) ((nic_id) << 1 | ((dst_port) == 25))
#define KEY_NIC(key_id) ((key_id) >> 1)
#define KEY_IS_PORT_25(key_id) (((key_id)&1) != 0)

void nsf_outbound_init(struct nsf_outbound *outbound, const struct nsf_shared *shared, uint64_t seed)
{
    *outbound = (struct nsf_outbound){.shared = shared, .sweep_at = FIRST_SWEEP, .clock_ms = NSF_TS_NONE};
    nsf_lives_init(&outbound->lives, seed);
    nsf_addresses_init(&outbound->own, seed);
}

void nsf_outbound_release(struct nsf_outbound *outbound)
{
    nsf_lives_release(&outbound->lives);
    nsf_addresses_release(&outbound->own);
    nsf_free(outbound->rows);
    outbound->rows = NULL;
    outbound->rows_capacity = 0;
    outbound->n_rows = 0;
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

/* Half as large a share as before. */
static void keep_fewer(struct nsf_outbound *outbound)
{
    uint32_t n_left = 0;
    outbound->level++;
    for (uint32_t i = 0; i < outbound->n_rows; i++)
        if (is_kept(outbound, &outbound->rows[i]))
            outbound->rows[n_left++] = outbound->rows[i];
    outbound->n_rows = n_left;
}

static void add_row(struct nsf_outbound *outbound, const struct nsf_outbound_row *row)
{
    while (outbound->n_rows == NSF_OUTBOUND_ROWS_MAX && is_kept(outbound, row))
        keep_fewer(outbound);
    if (!is_kept(outbound, row))
        return;
    NSF_GROW(outbound->rows, outbound->rows_capacity, (size_t)outbound->n_rows + 1);
    outbound->rows[outbound->n_rows++] = *row;
}

static uint32_t number_of(struct nsf_ip ip, unsigned v4_shift)
{
    return nsf_ip_is_v4(ip) ? nsf_ip_to_v4(ip) >> v4_shift : (uint32_t)nsf_hash_mix(ip.lo, nsf_hash_mix(ip.hi, 1));
}

static void keep(struct nsf_outbound *outbound, struct nsf_ip to, uint32_t key_id,
                 const struct nsf_connection *connection, bool is_denied)
{
    enum nsf_connection_class class_ = outbound->shared->classify(&connection->total, connection->has_counters);
    struct nsf_ip network = nsf_ip_is_v4(to) ? to : nsf_prefix_around(to, 48).ip;
    add_row(outbound, &(struct nsf_outbound_row){
                          .second = nsf_trait_seconds(connection->first_ms),
                          .nic_id = KEY_NIC(key_id),
                          .network = number_of(network, 8),
                          .destination = number_of(to, 0),
                          .is_message = class_ == NSF_CLASS_MESSAGE,
                          .is_unanswered = is_denied || class_ == NSF_CLASS_NO_REPLY,
                          .is_public = !nsf_ip_is_private(to),
                          .is_port_25 = KEY_IS_PORT_25(key_id),
                      });
}

static void keep_live(struct nsf_outbound *outbound, const struct nsf_live *live)
{
    struct nsf_connection connection;
    nsf_live_connection(&outbound->lives, live, &connection);
    keep(outbound, live->src, live->key_id, &connection, false);
    nsf_lives_drop_large(&outbound->lives, live);
}

static void sweep(struct nsf_outbound *outbound)
{
    struct nsf_lives *lives = &outbound->lives;
    int64_t horizon = outbound->clock_ms - outbound->shared->idle_ms - 2 * NSF_MS_PER_HOUR;
    for (uint32_t row = 0; row < lives->n_rows; row++) {
        const struct nsf_live *live = nsf_lives_row(lives, row);
        if (nsf_live_is_free(live) || nsf_live_last_ms(lives, live) >= horizon)
            continue;
        keep_live(outbound, live);
        nsf_lives_remove(lives, row);
    }
    outbound->sweep_at = lives->n_live * 2 < FIRST_SWEEP ? FIRST_SWEEP : lives->n_live * 2;
}

/* An event and where it will be looked for. */
struct ahead {
    bool is_taken;
    struct nsf_live_key key;
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

static void look_ahead(struct nsf_outbound *outbound, const struct nsf_mail_event *event, struct ahead *ahead)
{
    uint32_t nic_id = outbound->shared->place(outbound->shared, event->scope_id)->nic_id;
    ahead->key = (struct nsf_live_key){
        .src = event->dst,
        .dst_id = nsf_addresses_id(&outbound->own, event->src),
        .key_id = KEY_ID_OF(nic_id, event->dst_port),
        .src_port = event->src_port,
    };
    ahead->hash = nsf_lives_hash(&outbound->lives, &ahead->key);
    nsf_lives_expect(&outbound->lives, ahead->hash);
}

static struct nsf_live *add_live(struct nsf_outbound *outbound, const struct ahead *ahead)
{
    if (outbound->lives.n_live >= outbound->sweep_at)
        sweep(outbound);
    return nsf_lives_add(&outbound->lives, ahead->hash, &ahead->key);
}

/* As partitions do it: nearly all connections take their steps on the packed row. */
static bool take_simple_step(struct nsf_outbound *outbound, const struct ahead *ahead,
                             const struct nsf_mail_event *event, struct nsf_live *live)
{
    if (live != NULL)
        return nsf_live_go_on(live, event, outbound->shared->idle_ms, false);
    if (event->event != NSF_FLOW_BEGIN && event->event != NSF_FLOW_LINE)
        return false;
    nsf_live_begin(add_live(outbound, ahead), event->ts_ms, false);
    return true;
}

static void take_step(struct nsf_outbound *outbound, const struct ahead *ahead, const struct nsf_mail_event *event,
                      struct nsf_live *live)
{
    struct nsf_connection connection;
    int64_t ts_ms = event->ts_ms;
    if (live == NULL) {
        live = add_live(outbound, ahead);
        nsf_connection_begin(&connection, event, ts_ms);
    } else {
        nsf_live_connection(&outbound->lives, live, &connection);
        ts_ms = ts_ms < connection.last_ms ? connection.last_ms : ts_ms;
        if (nsf_connection_take(&connection, event, ts_ms, outbound->shared->idle_ms) == NSF_STEP_NEW) {
            keep_live(outbound, live);
            nsf_live_forget(live);
            nsf_connection_begin(&connection, event, ts_ms);
        }
    }
    connection.is_vnet4 = false;
    nsf_connection_count(&connection, ts_ms);
    nsf_live_put(&outbound->lives, live, &connection);
}

static void take_event(struct nsf_outbound *outbound, const struct ahead *ahead, const struct nsf_mail_event *event)
{
    if (event->event == NSF_FLOW_DENIED) {
        struct nsf_connection denied;
        nsf_connection_begin(&denied, event, event->ts_ms);
        keep(outbound, ahead->key.src, ahead->key.key_id, &denied, true);
        return;
    }
    if (outbound->clock_ms < event->ts_ms)
        outbound->clock_ms = event->ts_ms;
    struct nsf_live *live = nsf_lives_find(&outbound->lives, ahead->hash, &ahead->key);
    if (!take_simple_step(outbound, ahead, event, live))
        take_step(outbound, ahead, event, live);
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
            nsf_lives_expect_row(&outbound->lives, ahead[i].hash);
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
    for (uint32_t row = 0; row < outbound->lives.n_rows; row++)
        if (!nsf_live_is_free(nsf_lives_row(&outbound->lives, row)))
            keep_live(outbound, nsf_lives_row(&outbound->lives, row));
    nsf_lives_release(&outbound->lives);
    nsf_addresses_release(&outbound->own);
    if (outbound->n_rows > 1)
        sort_rows(outbound);
}

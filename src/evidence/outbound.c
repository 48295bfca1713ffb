#include "core/nsf_common.h"

#include "evidence/outbound.h"

#include "core/clock.h"
#include "core/hash.h"

#define FIRST_SWEEP 2048u

struct nsf_outbound_live {
    struct nsf_ip src;
    struct nsf_ip dst;
    uint32_t nic_id;
    uint16_t src_port;
    uint16_t dst_port;
    struct nsf_connection connection;
};

static const struct {
    uint32_t first;
    unsigned bits;
} private_v4[] = {
    {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
    {0xac100000, 12}, {0xc0a80000, 16}, {0xa83f8110, 32},
};

bool nsf_ip_is_private(struct nsf_ip ip)
{
    if (!nsf_ip_is_v4(ip))
        return ip.hi >> 57 == 0x7e || ip.hi >> 54 == 0x3fa; /* fc00::/7, fe80::/10 */
    uint32_t v4 = nsf_ip_to_v4(ip);
    for (size_t i = 0; i < NSF_ARRAY_LEN(private_v4); i++)
        if ((v4 ^ private_v4[i].first) >> (32 - private_v4[i].bits) == 0)
            return true;
    return false;
}

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

static void keep(struct nsf_outbound *outbound, const struct nsf_outbound_live *live, bool is_denied)
{
    const struct nsf_connection *connection = &live->connection;
    enum nsf_connection_class class_ = outbound->shared->classify(&connection->total, connection->has_counters);
    struct nsf_ip network = nsf_ip_is_v4(live->dst) ? live->dst : nsf_prefix_around(live->dst, 48).ip;
    add_row(outbound, &(struct nsf_outbound_row){
                          .second = nsf_trait_seconds(connection->first_ms),
                          .nic_id = live->nic_id,
                          .network = number_of(network, 8),
                          .destination = number_of(live->dst, 0),
                          .is_message = class_ == NSF_CLASS_MESSAGE,
                          .is_unanswered = is_denied || class_ == NSF_CLASS_NO_REPLY,
                          .is_public = !nsf_ip_is_private(live->dst),
                          .is_port_25 = live->dst_port == 25,
                      });
}

static uint32_t hash_live(const struct nsf_outbound_live *live)
{
    uint64_t hash = nsf_hash_mix(nsf_pair(live->nic_id, (uint32_t)live->src_port << 16 | live->dst_port), 3);
    hash = nsf_hash_mix(live->src.lo ^ (live->src.hi << 1), hash);
    return (uint32_t)nsf_hash_mix(live->dst.lo ^ (live->dst.hi << 1), hash);
}

static struct nsf_outbound_live *find_live(const struct nsf_outbound *outbound, const struct nsf_outbound_live *key,
                                           uint32_t hash)
{
    uint32_t probe = hash, idx;
    while ((idx = nsf_index_next(&outbound->by_key, hash, &probe)) != NSF_INDEX_NONE) {
        struct nsf_outbound_live *live = &outbound->live[idx];
        if (live->nic_id == key->nic_id && live->src_port == key->src_port && live->dst_port == key->dst_port &&
            nsf_ip_eq(live->src, key->src) && nsf_ip_eq(live->dst, key->dst))
            return live;
    }
    return NULL;
}

static void sweep(struct nsf_outbound *outbound)
{
    uint32_t n_left = 0;
    int64_t horizon = outbound->clock_ms - outbound->shared->idle_ms - 2 * NSF_MS_PER_HOUR;
    for (uint32_t i = 0; i < outbound->n_live; i++) {
        if (outbound->live[i].connection.last_ms < horizon)
            keep(outbound, &outbound->live[i], false);
        else
            outbound->live[n_left++] = outbound->live[i];
    }
    outbound->n_live = n_left;
    nsf_index_rebuild(&outbound->by_key, n_left);
    for (uint32_t i = 0; i < n_left; i++)
        nsf_index_add(&outbound->by_key, hash_live(&outbound->live[i]), i);
    outbound->sweep_at = n_left * 2 < FIRST_SWEEP ? FIRST_SWEEP : n_left * 2;
}

static void take_event(struct nsf_outbound *outbound, const struct nsf_mail_event *event)
{
    struct nsf_outbound_live key = {
        .src = event->src,
        .dst = event->dst,
        .nic_id = outbound->shared->place(outbound->shared, event->scope_id)->nic_id,
        .src_port = event->src_port,
        .dst_port = event->dst_port,
    };
    int64_t ts_ms = event->ts_ms;
    if (event->event == NSF_FLOW_DENIED) {
        nsf_connection_begin(&key.connection, event, ts_ms);
        keep(outbound, &key, true);
        return;
    }
    if (outbound->clock_ms < ts_ms)
        outbound->clock_ms = ts_ms;
    uint32_t hash = hash_live(&key);
    struct nsf_outbound_live *live = find_live(outbound, &key, hash);
    if (live == NULL) {
        if (outbound->n_live >= outbound->sweep_at)
            sweep(outbound);
        NSF_GROW(outbound->live, outbound->live_capacity, (size_t)outbound->n_live + 1);
        live = &outbound->live[outbound->n_live];
        *live = key;
        nsf_connection_begin(&live->connection, event, ts_ms);
        nsf_index_add(&outbound->by_key, hash, outbound->n_live++);
        return;
    }
    if (ts_ms < live->connection.last_ms)
        ts_ms = live->connection.last_ms;
    if (nsf_connection_take(&live->connection, event, ts_ms, outbound->shared->idle_ms) == NSF_STEP_NEW) {
        keep(outbound, live, false);
        nsf_connection_begin(&live->connection, event, ts_ms);
    }
}

void nsf_outbound_take(struct nsf_outbound *outbound, const struct nsf_batch *batch)
{
    const struct nsf_shared *shared = outbound->shared;
    for (size_t i = 0; i < batch->outbound.n; i++) {
        const struct nsf_mail_event *event = &batch->outbound.items[i];
        bool is_outside = (shared->since_ms != NSF_TS_NONE && event->ts_ms < shared->since_ms) ||
                          (shared->until_ms != NSF_TS_NONE && event->ts_ms >= shared->until_ms);
        if (!is_outside && !batch->records[event->record_idx].is_duplicate)
            take_event(outbound, event);
    }
}

static int cmp_rows(const void *left, const void *right)
{
    const struct nsf_outbound_row *a = left, *b = right;
    if (a->nic_id != b->nic_id)
        return a->nic_id < b->nic_id ? -1 : 1;
    if (a->second != b->second)
        return a->second < b->second ? -1 : 1;
    return (a->destination > b->destination) - (a->destination < b->destination);
}

void nsf_outbound_finish(struct nsf_outbound *outbound)
{
    for (uint32_t i = 0; i < outbound->n_live; i++)
        keep(outbound, &outbound->live[i], false);
    outbound->n_live = 0;
    nsf_index_release(&outbound->by_key);
    if (outbound->n_rows > 1)
        qsort(outbound->rows, outbound->n_rows, sizeof(*outbound->rows), cmp_rows);
}

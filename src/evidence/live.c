#include "core/nsf_common.h"

#include "evidence/live.h"

#include "core/clock.h"

enum live_flags {
    LIVE_FREE = 1,
    LIVE_LARGE = 2, /* total[0] is the number of its state in `large` */
    LIVE_ENDED = 4,
    LIVE_COUNTERS = 8,
    LIVE_END_COUNTERS = 16,
    LIVE_CARRY = 32,
    LIVE_VNET4 = 64,
};

void nsf_lives_init(struct nsf_lives *lives, uint64_t seed)
{
    *lives = (struct nsf_lives){.seed = seed, .free_row = NSF_INDEX_NONE, .free_large = NSF_INDEX_NONE};
}

void nsf_lives_release(struct nsf_lives *lives)
{
    for (uint32_t i = 0; i < lives->n_rows; i += NSF_LIVES_PER_BLOCK)
        nsf_free(lives->blocks[i / NSF_LIVES_PER_BLOCK]);
    nsf_free(lives->blocks);
    nsf_free(lives->large);
    nsf_slim_index_release(&lives->by_key);
    nsf_lives_init(lives, lives->seed);
}

static uint32_t hash_of_row(const struct nsf_lives *lives, const struct nsf_live *live)
{
    struct nsf_live_key key = {live->src, live->dst_id, live->key_id, live->src_port};
    return nsf_lives_hash(lives, &key);
}

bool nsf_live_is_free(const struct nsf_live *live)
{
    return (live->flags & LIVE_FREE) != 0;
}

struct nsf_live *nsf_lives_find(const struct nsf_lives *lives, uint32_t hash, const struct nsf_live_key *key)
{
    uint32_t probe = hash, row;
    while ((row = nsf_slim_index_next(&lives->by_key, hash, &probe)) != NSF_INDEX_NONE) {
        struct nsf_live *live = nsf_lives_row(lives, row);
        if (nsf_live_is_of(live, key))
            return live;
    }
    return NULL;
}

static void rebuild_index(struct nsf_lives *lives)
{
    /* Twice the room that the rows need: slots of those that are gone stay in it until the next time. */
    nsf_slim_index_rebuild(&lives->by_key, lives->n_live * 2 + 2, lives->n_rows);
    for (uint32_t row = 0; row < lives->n_rows; row++)
        if (!nsf_live_is_free(nsf_lives_row(lives, row)))
            nsf_slim_index_add(&lives->by_key, hash_of_row(lives, nsf_lives_row(lives, row)), row);
}

static uint32_t take_free_row(struct nsf_lives *lives)
{
    uint32_t row = lives->free_row;
    if (row != NSF_INDEX_NONE) {
        lives->free_row = nsf_lives_row(lives, row)->lasted_ms;
        return row;
    }
    row = lives->n_rows;
    if (row % NSF_LIVES_PER_BLOCK == 0) {
        size_t block = row / NSF_LIVES_PER_BLOCK;
        NSF_GROW(lives->blocks, lives->blocks_capacity, block + 1);
        lives->blocks[block] = nsf_malloc(NSF_LIVES_PER_BLOCK * sizeof(struct nsf_live) + 63);
    }
    lives->n_rows++;
    nsf_lives_row(lives, row)->flags = LIVE_FREE;
    return row;
}

struct nsf_live *nsf_lives_add(struct nsf_lives *lives, uint32_t hash, const struct nsf_live_key *key)
{
    uint32_t row = take_free_row(lives);
    struct nsf_live *live = nsf_lives_row(lives, row);
    if (!nsf_slim_index_has_room(&lives->by_key, row))
        rebuild_index(lives); /* the row is still a free one */
    nsf_slim_index_add(&lives->by_key, hash, row);
    lives->n_live++;
    *live = (struct nsf_live){.src = key->src, .dst_id = key->dst_id, .key_id = key->key_id, .src_port = key->src_port};
    return live;
}

void nsf_lives_remove(struct nsf_lives *lives, uint32_t row)
{
    struct nsf_live *live = nsf_lives_row(lives, row);
    live->flags = LIVE_FREE; /* its slot stays until the index is rebuilt */
    live->key_id = UINT32_MAX;
    live->lasted_ms = lives->free_row;
    lives->free_row = row;
    lives->n_live--;
}

/* ---- packed and whole ---- */

static bool is_small(const struct nsf_counters *counters)
{
    return (counters->packets_in | counters->bytes_in | counters->packets_out | counters->bytes_out) <= UINT32_MAX;
}

static bool are_equal(const struct nsf_counters *a, const struct nsf_counters *b)
{
    return a->packets_in == b->packets_in && a->bytes_in == b->bytes_in && a->packets_out == b->packets_out &&
           a->bytes_out == b->bytes_out;
}

/* Whether the row says it all. The last end matters only until the connection goes on. */
static bool does_fit(const struct nsf_connection *connection)
{
    if (connection->last_ms - connection->first_ms > (int64_t)UINT32_MAX || connection->attempts > UINT16_MAX ||
        connection->tuples > UINT16_MAX || !is_small(&connection->total))
        return false;
    if (connection->tuples > 0 &&
        (connection->counted_from_ms != connection->first_ms || connection->counted_to_ms != connection->last_ms))
        return false;
    if (!connection->is_ended && !connection->has_carry)
        return true;
    return connection->last_end_ms == connection->last_ms && are_equal(&connection->last_end, &connection->total);
}

static uint16_t flags_of(const struct nsf_connection *connection)
{
    return (uint16_t)((connection->is_ended ? LIVE_ENDED : 0) | (connection->has_counters ? LIVE_COUNTERS : 0) |
                      (connection->last_end_has_counters ? LIVE_END_COUNTERS : 0) |
                      (connection->has_carry ? LIVE_CARRY : 0) | (connection->is_vnet4 ? LIVE_VNET4 : 0));
}

static uint32_t take_free_large(struct nsf_lives *lives)
{
    uint32_t idx = lives->free_large;
    if (idx != NSF_INDEX_NONE) {
        lives->free_large = lives->large[idx].attempts;
        return idx;
    }
    NSF_GROW(lives->large, lives->large_capacity, (size_t)lives->n_large + 1);
    return lives->n_large++;
}

void nsf_lives_drop_large(struct nsf_lives *lives, const struct nsf_live *live)
{
    if ((live->flags & LIVE_LARGE) == 0)
        return;
    lives->large[live->total[0]].attempts = lives->free_large;
    lives->free_large = live->total[0];
}

void nsf_live_put(struct nsf_lives *lives, struct nsf_live *live, const struct nsf_connection *connection)
{
    bool was_large = (live->flags & LIVE_LARGE) != 0;
    if (!does_fit(connection)) {
        if (!was_large)
            live->total[0] = take_free_large(lives);
        live->flags = LIVE_LARGE;
        lives->large[live->total[0]] = *connection;
        return;
    }
    if (was_large)
        nsf_lives_drop_large(lives, live);
    live->flags = flags_of(connection);
    live->first_ms = connection->first_ms;
    live->lasted_ms = (uint32_t)(connection->last_ms - connection->first_ms);
    live->attempts = (uint16_t)connection->attempts;
    live->tuples = (uint16_t)connection->tuples;
    live->total[0] = (uint32_t)connection->total.packets_in;
    live->total[1] = (uint32_t)connection->total.bytes_in;
    live->total[2] = (uint32_t)connection->total.packets_out;
    live->total[3] = (uint32_t)connection->total.bytes_out;
}

/* ---- steps on the packed row ---- */

/* The counters of a C or E that fit, if it has all four or none. */
static bool take_small(const struct nsf_mail_event *event, uint32_t total[4])
{
    uint64_t all = event->packets_in | event->bytes_in | event->packets_out | event->bytes_out;
    if (all > UINT32_MAX || (all > 0 && !event->has_counters))
        return false;
    total[0] = (uint32_t)event->packets_in;
    total[1] = (uint32_t)event->bytes_in;
    total[2] = (uint32_t)event->packets_out;
    total[3] = (uint32_t)event->bytes_out;
    return true;
}

static uint16_t flags_after(const struct nsf_mail_event *event, bool is_vnet4)
{
    unsigned flags = is_vnet4 ? LIVE_VNET4 : 0;
    if (event->event == NSF_FLOW_END)
        flags |= LIVE_ENDED | (event->has_counters ? LIVE_COUNTERS | LIVE_END_COUNTERS : 0);
    else if (event->event == NSF_FLOW_CONTINUE && event->has_counters)
        flags |= LIVE_COUNTERS;
    return (uint16_t)flags;
}

void nsf_live_begin(struct nsf_live *live, int64_t ts_ms, bool is_vnet4)
{
    live->first_ms = ts_ms;
    live->attempts = 1;
    live->tuples = 1;
    live->flags = is_vnet4 ? LIVE_VNET4 : 0;
}

bool nsf_live_go_on(struct nsf_live *live, const struct nsf_mail_event *event, int64_t idle_ms, bool is_vnet4)
{
    int64_t lasted_ms = event->ts_ms - live->first_ms;
    uint32_t total[4];
    bool is_open = (live->flags & (LIVE_LARGE | LIVE_ENDED | LIVE_COUNTERS | LIVE_CARRY)) == 0;
    bool is_next = event->event == NSF_FLOW_END || event->event == NSF_FLOW_CONTINUE;
    if (!is_open || !is_next || live->tuples == 0 || live->tuples == UINT16_MAX || lasted_ms < live->lasted_ms ||
        lasted_ms > (int64_t)UINT32_MAX || lasted_ms - live->lasted_ms > idle_ms || !take_small(event, total))
        return false;
    memcpy(live->total, total, sizeof(total));
    live->lasted_ms = (uint32_t)lasted_ms;
    live->tuples++;
    live->flags = flags_after(event, is_vnet4);
    return true;
}

void nsf_live_connection(const struct nsf_lives *lives, const struct nsf_live *live, struct nsf_connection *connection)
{
    if ((live->flags & LIVE_LARGE) != 0) {
        *connection = lives->large[live->total[0]];
        return;
    }
    int64_t last_ms = live->first_ms + live->lasted_ms;
    *connection = (struct nsf_connection){
        .first_ms = live->first_ms,
        .last_ms = last_ms,
        .counted_from_ms = live->tuples > 0 ? live->first_ms : NSF_TS_NONE,
        .counted_to_ms = live->tuples > 0 ? last_ms : NSF_TS_NONE,
        .total = {live->total[0], live->total[1], live->total[2], live->total[3]},
        .last_end = {live->total[0], live->total[1], live->total[2], live->total[3]},
        .last_end_ms = last_ms,
        .attempts = live->attempts,
        .tuples = live->tuples,
        .is_ended = (live->flags & LIVE_ENDED) != 0,
        .has_counters = (live->flags & LIVE_COUNTERS) != 0,
        .last_end_has_counters = (live->flags & LIVE_END_COUNTERS) != 0,
        .has_carry = (live->flags & LIVE_CARRY) != 0,
        .is_vnet4 = (live->flags & LIVE_VNET4) != 0,
    };
}

void nsf_live_forget(struct nsf_live *live)
{
    live->flags = 0;
}

int64_t nsf_live_first_ms(const struct nsf_lives *lives, const struct nsf_live *live)
{
    return (live->flags & LIVE_LARGE) != 0 ? lives->large[live->total[0]].first_ms : live->first_ms;
}

int64_t nsf_live_last_ms(const struct nsf_lives *lives, const struct nsf_live *live)
{
    if ((live->flags & LIVE_LARGE) != 0)
        return lives->large[live->total[0]].last_ms;
    return live->first_ms + live->lasted_ms;
}

uint32_t nsf_live_tuples(const struct nsf_lives *lives, const struct nsf_live *live)
{
    return (live->flags & LIVE_LARGE) != 0 ? lives->large[live->total[0]].tuples : live->tuples;
}

bool nsf_live_is_ended(const struct nsf_lives *lives, const struct nsf_live *live, bool *is_answered)
{
    if ((live->flags & LIVE_LARGE) != 0) {
        const struct nsf_connection *connection = &lives->large[live->total[0]];
        *is_answered = connection->has_counters && connection->total.packets_out > 0;
        return connection->is_ended;
    }
    *is_answered = (live->flags & LIVE_COUNTERS) != 0 && live->total[2] > 0;
    return (live->flags & LIVE_ENDED) != 0;
}

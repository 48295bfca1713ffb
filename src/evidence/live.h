/*
 * live.h - the connections that may still go on, in one cache line each.
 *
 * Most connections are short and small: stamps within weeks of each other, counters below 2^32, one end. They are kept
 * packed; the few others have their state beside the table. nsf_live_connection and nsf_live_put convert, without loss.
 * Rows do not move while they live; removed ones are used again.
 *
 * One table belongs to one partition: one thread at a time.
 */
#ifndef NSF_LIVE_H
#define NSF_LIVE_H

#include "core/hash.h"
#include "core/slim_index.h"
#include "evidence/connection.h"

#define NSF_LIVES_PER_BLOCK 256u

struct nsf_live {
    struct nsf_ip src;
    uint32_t dst_id;
    uint32_t key_id;
    uint32_t scope_id; /* of the line that began it: tells target, NIC and flow log */
    uint16_t src_port;
    uint16_t flags;
    int64_t first_ms;
    uint32_t lasted_ms; /* from first_ms to the newest stamp; of a free row the next free one */
    uint16_t attempts;
    uint16_t tuples;
    uint32_t total[4]; /* in the order of struct nsf_counters */
};

_Static_assert(sizeof(struct nsf_live) == 64, "a live connection is one cache line");

/* What makes lines belong together. */
struct nsf_live_key {
    struct nsf_ip src;
    uint32_t dst_id;
    uint32_t key_id;
    uint16_t src_port;
};

struct nsf_lives {
    uint64_t seed;
    void **blocks; /* as allocated; rows start at the next cache line */
    size_t blocks_capacity;
    uint32_t n_rows; /* numbers in use, free ones included */
    uint32_t n_live;
    uint32_t free_row; /* NSF_INDEX_NONE: none */
    struct nsf_slim_index by_key;
    struct nsf_connection *large; /* states that do not fit into a row */
    size_t large_capacity;
    uint32_t n_large;
    uint32_t free_large; /* by attempts of the free state; NSF_INDEX_NONE: none */
};

void nsf_lives_init(struct nsf_lives *lives, uint64_t seed);
void nsf_lives_release(struct nsf_lives *lives);

static inline struct nsf_live *nsf_lives_row(const struct nsf_lives *lives, uint32_t row)
{
    uintptr_t block = ((uintptr_t)lives->blocks[row / NSF_LIVES_PER_BLOCK] + 63) & ~(uintptr_t)63;
    return (struct nsf_live *)block + row % NSF_LIVES_PER_BLOCK;
}

/* Of a key, in two steps: what many lines that come together have in common, and where each comes from. */
static inline uint64_t nsf_lives_hash_place(const struct nsf_lives *lives, uint32_t key_id, uint32_t dst_id)
{
    return nsf_hash_mix((uint64_t)key_id << 32 | dst_id, lives->seed);
}

static inline uint32_t nsf_lives_hash_origin(uint64_t place, struct nsf_ip src, uint16_t src_port)
{
    if (NSF_LIKELY(nsf_ip_is_v4(src))) /* leaves the upper 16 bits to the port: no two origins are the same number */
        return (uint32_t)nsf_hash_mix(src.lo | (uint64_t)src_port << 48, place);
    return (uint32_t)nsf_hash_mix(src.lo, nsf_hash_mix(src.hi, place + src_port));
}

static inline uint32_t nsf_lives_hash(const struct nsf_lives *lives, const struct nsf_live_key *key)
{
    return nsf_lives_hash_origin(nsf_lives_hash_place(lives, key->key_id, key->dst_id), key->src, key->src_port);
}

static inline bool nsf_live_is_of(const struct nsf_live *live, const struct nsf_live_key *key)
{
    return live->key_id == key->key_id && live->src_port == key->src_port && live->dst_id == key->dst_id &&
           nsf_ip_eq(live->src, key->src);
}

/* NULL: no connection is live under the key. */
struct nsf_live *nsf_lives_find(const struct nsf_lives *lives, uint32_t hash, const struct nsf_live_key *key);
/* The same where it is known which row it is nearly always: see nsf_lives_expect_row. */
static inline struct nsf_live *nsf_lives_find_at(const struct nsf_lives *lives, uint32_t row, uint32_t hash,
                                                 const struct nsf_live_key *key)
{
    if (NSF_LIKELY(row != NSF_INDEX_NONE && nsf_live_is_of(nsf_lives_row(lives, row), key)))
        return nsf_lives_row(lives, row);
    return nsf_lives_find(lives, hash, key);
}

/* A row under a key that has none; its connection is void until it is put. */
struct nsf_live *nsf_lives_add(struct nsf_lives *lives, uint32_t hash, const struct nsf_live_key *key);
/* The row is free afterwards; a state beside the table stays until nsf_lives_drop_large. */
void nsf_lives_remove(struct nsf_lives *lives, uint32_t row);
bool nsf_live_is_free(const struct nsf_live *live);

/* The two steps that bring what nsf_lives_find will touch into the cache. The second one tells the row that it is, or
 * NSF_INDEX_NONE; but rows may come and go until then. */
static inline void nsf_lives_expect(const struct nsf_lives *lives, uint32_t hash)
{
    nsf_slim_index_expect(&lives->by_key, hash);
}

static inline uint32_t nsf_lives_expect_row(const struct nsf_lives *lives, uint32_t hash)
{
    uint32_t row = nsf_slim_index_guess(&lives->by_key, hash);
    if (row != NSF_INDEX_NONE)
        __builtin_prefetch(nsf_lives_row(lives, row), 1);
    return row;
}

void nsf_live_connection(const struct nsf_lives *lives, const struct nsf_live *live, struct nsf_connection *connection);
void nsf_live_put(struct nsf_lives *lives, struct nsf_live *live, const struct nsf_connection *connection);
/* The steps of nearly all connections, on the packed row. A counted B or v1 line begins one, on a row just added. */
void nsf_live_begin(struct nsf_live *live, int64_t ts_ms, bool is_vnet4);
/* A counted C or E goes on with one that is open and has no counters so far. False: it is another step, the row is as
 * it was, and the event has to be taken by nsf_live_connection, nsf_connection_take and nsf_live_put. */
bool nsf_live_go_on(struct nsf_live *live, const struct nsf_mail_event *event, int64_t idle_ms, bool is_vnet4);
/* Of a row or a copy of it that is not needed any more. */
void nsf_lives_drop_large(struct nsf_lives *lives, const struct nsf_live *live);

/* The row's state was handed on with a copy of it; the row waits for another one to be put. */
void nsf_live_forget(struct nsf_live *live);

/* What can be told without unpacking. */
int64_t nsf_live_first_ms(const struct nsf_lives *lives, const struct nsf_live *live);
int64_t nsf_live_last_ms(const struct nsf_lives *lives, const struct nsf_live *live);
bool nsf_live_is_ended(const struct nsf_lives *lives, const struct nsf_live *live, bool *is_answered);
uint32_t nsf_live_tuples(const struct nsf_lives *lives, const struct nsf_live *live);

#endif

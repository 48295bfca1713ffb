/*
 * contact_slots.h - a slot of eight bytes for each address, found by the address.
 *
 * IPv4 addresses lie five to a cache line with their slots, 16 bytes each at most once there are many; IPv6 addresses
 * cost as much beside their own 16 bytes. Slots move when one is added. A zeroed struct with a seed holds none; release
 * makes it one again. One thread at a time.
 */
#ifndef NSF_CONTACT_SLOTS_H
#define NSF_CONTACT_SLOTS_H

#include "core/hash.h"
#include "core/ipaddr.h"
#include "core/lines.h"

/* Whatever the table of contacts writes into it; `state` is not 0. */
struct nsf_contact_slot {
    uint32_t state;
    uint32_t fact;
};

#define NSF_BUCKET_SLOTS 5u

/* Where a bucket is full, the search goes on in the next one. */
struct nsf_contact_bucket {
    uint32_t v4[NSF_BUCKET_SLOTS];
    uint32_t n;
    struct nsf_contact_slot slots[NSF_BUCKET_SLOTS];
};

_Static_assert(sizeof(struct nsf_contact_bucket) == NSF_LINE_BYTES, "a bucket is one cache line");

struct nsf_contact_v6 {
    struct nsf_ip ip;
    struct nsf_contact_slot slot; /* state 0: free */
};

struct nsf_contact_slots {
    uint64_t seed;
    struct nsf_lines lines;
    struct nsf_contact_bucket *buckets; /* in `lines` */
    uint32_t n_buckets;
    uint32_t n_v4;
    struct nsf_contact_v6 *v6;
    uint32_t n_v6_places;
    uint32_t n_v6;
};

void nsf_contact_slots_release(struct nsf_contact_slots *slots);
/* An empty one with the seed of the other and room for as many. */
void nsf_contact_slots_init_like(struct nsf_contact_slots *slots, const struct nsf_contact_slots *other);
/* The address has none yet. Whoever adds writes a state that is not 0 before anything else is asked. */
struct nsf_contact_slot *nsf_contact_slots_add(struct nsf_contact_slots *slots, struct nsf_ip ip);
/* NULL: none. */
struct nsf_contact_slot *nsf_contact_slots_find(const struct nsf_contact_slots *slots, struct nsf_ip ip);
/* Slot after slot: start with *at = 0, until NULL. */
struct nsf_contact_slot *nsf_contact_slots_next(const struct nsf_contact_slots *slots, uint64_t *at, struct nsf_ip *ip);

static inline uint32_t nsf_contact_slots_n(const struct nsf_contact_slots *slots)
{
    return slots->n_v4 + slots->n_v6;
}

/* The bucket where the search for the address begins. They ascend with its hash, so that growing copies them in order;
 * for 32 bits two multiplications do. 0 while there are no buckets. */
static inline uint32_t nsf_contact_slots_first(const struct nsf_contact_slots *slots, uint32_t v4)
{
    uint64_t x = (v4 ^ slots->seed) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 32) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((x >> 32) * slots->n_buckets >> 32);
}

/* Brings a bucket into the cache, if it is there. */
static inline void nsf_contact_slots_expect(const struct nsf_contact_slots *slots, uint32_t bucket)
{
    __builtin_prefetch((const void *)((uintptr_t)slots->buckets + bucket * sizeof(*slots->buckets)), 1);
}

static inline uint32_t nsf_contact_slots_behind(const struct nsf_contact_slots *slots, uint32_t bucket)
{
    return bucket + 1 == slots->n_buckets ? 0 : bucket + 1;
}

/* The state of the address's slot, 0: it has none. All places are looked at, since which one it is cannot be guessed.
 * Those without an address are 0 and come last, so that an address that is 0 itself is not taken for one of them. */
static inline uint32_t nsf_contact_bucket_state(const struct nsf_contact_bucket *bucket, uint32_t v4)
{
    const struct nsf_contact_slot *slots = bucket->slots;
    uint32_t state0 = slots[0].state, state1 = slots[1].state, state2 = slots[2].state, state3 = slots[3].state;
    uint32_t state = bucket->v4[4] == v4 ? slots[4].state : 0;
    state = bucket->v4[3] == v4 ? state3 : state;
    state = bucket->v4[2] == v4 ? state2 : state;
    state = bucket->v4[1] == v4 ? state1 : state;
    return bucket->v4[0] == v4 ? state0 : state;
}

/* The same wherever the slot is: the search begins in the bucket `first`. There are buckets. */
static inline uint32_t nsf_contact_slots_state(const struct nsf_contact_slots *slots, uint32_t v4, uint32_t first)
{
    for (;;) {
        const struct nsf_contact_bucket *bucket = &slots->buckets[first];
        uint32_t state = nsf_contact_bucket_state(bucket, v4);
        if (NSF_LIKELY(state != 0) || bucket->n < NSF_BUCKET_SLOTS)
            return state;
        first = nsf_contact_slots_behind(slots, first);
    }
}

#endif

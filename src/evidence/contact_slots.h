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

/* For 32 bits two multiplications do, of which the seed chooses one. */
static inline uint32_t nsf_contact_slots_hash(const struct nsf_contact_slots *slots, uint32_t v4)
{
    uint64_t x = (v4 ^ slots->seed >> 32) * (slots->seed | 1);
    return (uint32_t)((x ^ x >> 32) * UINT64_C(0x94d049bb133111eb) >> 32);
}

/* Where the search begins. Buckets ascend with the hash, so that growing copies them in order. */
static inline uint32_t nsf_contact_slots_first(const struct nsf_contact_slots *slots, uint32_t hash)
{
    return (uint32_t)((uint64_t)hash * slots->n_buckets >> 32);
}

static inline void nsf_contact_slots_expect(const struct nsf_contact_slots *slots, uint32_t hash)
{
    if (slots->n_buckets > 0)
        __builtin_prefetch(&slots->buckets[nsf_contact_slots_first(slots, hash)], 1);
}

/* Place in the bucket, NSF_BUCKET_SLOTS: none. The places without an address, which are 0, come last: an address that
 * is 0 itself is found before them. All are looked at, since which one it is cannot be guessed. */
static inline unsigned nsf_contact_bucket_find(const struct nsf_contact_bucket *bucket, uint32_t v4)
{
    unsigned at = NSF_BUCKET_SLOTS;
    at = bucket->v4[4] == v4 ? 4 : at;
    at = bucket->v4[3] == v4 ? 3 : at;
    at = bucket->v4[2] == v4 ? 2 : at;
    at = bucket->v4[1] == v4 ? 1 : at;
    at = bucket->v4[0] == v4 ? 0 : at;
    return at;
}

/* NULL: none. */
static inline struct nsf_contact_slot *nsf_contact_slots_find_v4(const struct nsf_contact_slots *slots, uint32_t v4,
                                                                 uint32_t hash)
{
    if (slots->n_buckets == 0)
        return NULL;
    uint32_t first = nsf_contact_slots_first(slots, hash);
    for (;;) {
        struct nsf_contact_bucket *bucket = &slots->buckets[first];
        unsigned at = nsf_contact_bucket_find(bucket, v4);
        if (NSF_LIKELY(at < bucket->n))
            return &bucket->slots[at];
        if (bucket->n < NSF_BUCKET_SLOTS)
            return NULL;
        first = first + 1 == slots->n_buckets ? 0 : first + 1;
    }
}

#endif

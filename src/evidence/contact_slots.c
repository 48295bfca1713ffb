#include "core/nsf_common.h"

#include "evidence/contact_slots.h"

/* A table that is small is rather fast than full: half of its slots are used, or a little more, so that the bucket an
 * address belongs in is seldom full. Where memory counts it grows by 3/20 once 23 slots of 25 are used, so that it
 * never has less than four fifths of them in use: the 12.8 bytes of a fifth of a bucket are 16 an address then. */
#define SMALL_BUCKETS 4096u
#define FIRST_BUCKETS 64u
#define SMALL_FULL_PERCENT 62u
#define SMALL_GROWTH_PERCENT 25u
#define FULL_PERCENT 92u
#define GROWTH_PERCENT 15u
/* Of 24 bytes each: 32 an address with three quarters of them used. */
#define V6_FIRST_PLACES 16u
#define V6_FULL_PERCENT 90u
#define V6_GROWTH_PERCENT 20u

void nsf_contact_slots_release(struct nsf_contact_slots *slots)
{
    nsf_lines_release(&slots->lines);
    nsf_free(slots->v6);
    *slots = (struct nsf_contact_slots){.seed = slots->seed};
}

static void set_buckets(struct nsf_contact_slots *slots, uint32_t n)
{
    nsf_lines_init(&slots->lines, n);
    slots->buckets = slots->lines.first;
    slots->n_buckets = n;
}

static void set_places_v6(struct nsf_contact_slots *slots, uint32_t n)
{
    slots->v6 = nsf_calloc(n, sizeof(*slots->v6));
    slots->n_v6_places = n;
}

void nsf_contact_slots_init_like(struct nsf_contact_slots *slots, const struct nsf_contact_slots *other)
{
    *slots = (struct nsf_contact_slots){.seed = other->seed};
    if (other->n_buckets > 0)
        set_buckets(slots, other->n_buckets);
    if (other->n_v6_places > 0)
        set_places_v6(slots, other->n_v6_places);
}

/* ---- IPv4 ---- */

static struct nsf_contact_slot *put_v4(const struct nsf_contact_slots *slots, uint32_t v4)
{
    uint32_t at = nsf_contact_slots_first(slots, v4);
    while (slots->buckets[at].n == NSF_BUCKET_SLOTS)
        at = nsf_contact_slots_behind(slots, at);
    struct nsf_contact_bucket *bucket = &slots->buckets[at];
    bucket->v4[bucket->n] = v4;
    return &bucket->slots[bucket->n++];
}

/* Like nsf_contact_bucket_state, but where it is. */
static uint32_t place_in_bucket(const struct nsf_contact_bucket *bucket, uint32_t v4)
{
    uint32_t at = NSF_BUCKET_SLOTS;
    for (uint32_t i = NSF_BUCKET_SLOTS; i-- > 0;)
        at = bucket->v4[i] == v4 ? i : at;
    return at;
}

static struct nsf_contact_slot *find_v4(const struct nsf_contact_slots *slots, uint32_t v4)
{
    if (slots->n_v4 == 0)
        return NULL;
    for (uint32_t at = nsf_contact_slots_first(slots, v4);; at = nsf_contact_slots_behind(slots, at)) {
        struct nsf_contact_bucket *bucket = &slots->buckets[at];
        uint32_t i = place_in_bucket(bucket, v4);
        if (NSF_LIKELY(i < bucket->n))
            return &bucket->slots[i];
        if (bucket->n < NSF_BUCKET_SLOTS)
            return NULL;
    }
}

static uint32_t grown_buckets(uint32_t n_buckets)
{
    bool is_small = n_buckets < SMALL_BUCKETS;
    uint64_t n = (uint64_t)n_buckets + (uint64_t)n_buckets * (is_small ? SMALL_GROWTH_PERCENT : GROWTH_PERCENT) / 100 +
                 (is_small ? FIRST_BUCKETS : 0);
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static void grow_v4(struct nsf_contact_slots *slots)
{
    struct nsf_contact_slots old = *slots;
    set_buckets(slots, grown_buckets(old.n_buckets));
    for (uint32_t b = 0; b < old.n_buckets; b++)
        for (uint32_t i = 0; i < old.buckets[b].n; i++)
            *put_v4(slots, old.buckets[b].v4[i]) = old.buckets[b].slots[i];
    nsf_lines_release(&old.lines);
}

static bool has_room_v4(const struct nsf_contact_slots *slots)
{
    unsigned percent = slots->n_buckets < SMALL_BUCKETS ? SMALL_FULL_PERCENT : FULL_PERCENT;
    return (uint64_t)(slots->n_v4 + 1) * 100 <= (uint64_t)slots->n_buckets * NSF_BUCKET_SLOTS * percent;
}

static struct nsf_contact_slot *add_v4(struct nsf_contact_slots *slots, uint32_t v4)
{
    if (!has_room_v4(slots))
        grow_v4(slots);
    slots->n_v4++;
    return put_v4(slots, v4);
}

/* ---- IPv6 ---- */

/* The place of the address, or the free one where it belongs. */
static struct nsf_contact_v6 *place_v6(const struct nsf_contact_slots *slots, struct nsf_ip ip)
{
    uint64_t hash = nsf_hash_mix(ip.lo, nsf_hash_mix(ip.hi, slots->seed)) >> 32;
    uint32_t at = (uint32_t)(hash * slots->n_v6_places >> 32);
    while (slots->v6[at].slot.state != 0 && !nsf_ip_eq(slots->v6[at].ip, ip))
        at = at + 1 == slots->n_v6_places ? 0 : at + 1;
    return &slots->v6[at];
}

static void grow_v6(struct nsf_contact_slots *slots)
{
    struct nsf_contact_v6 *old = slots->v6;
    uint32_t n_old = slots->n_v6_places;
    uint64_t n = (uint64_t)n_old + (uint64_t)n_old * V6_GROWTH_PERCENT / 100 + V6_FIRST_PLACES;
    set_places_v6(slots, n > UINT32_MAX ? UINT32_MAX : (uint32_t)n);
    for (uint32_t i = 0; i < n_old; i++)
        if (old[i].slot.state != 0)
            *place_v6(slots, old[i].ip) = old[i];
    nsf_free(old);
}

static struct nsf_contact_slot *add_v6(struct nsf_contact_slots *slots, struct nsf_ip ip)
{
    if ((uint64_t)(slots->n_v6 + 1) * 100 > (uint64_t)slots->n_v6_places * V6_FULL_PERCENT)
        grow_v6(slots);
    struct nsf_contact_v6 *place = place_v6(slots, ip);
    place->ip = ip;
    slots->n_v6++;
    return &place->slot;
}

/* ---- either ---- */

struct nsf_contact_slot *nsf_contact_slots_add(struct nsf_contact_slots *slots, struct nsf_ip ip)
{
    return nsf_ip_is_v4(ip) ? add_v4(slots, nsf_ip_to_v4(ip)) : add_v6(slots, ip);
}

struct nsf_contact_slot *nsf_contact_slots_find(const struct nsf_contact_slots *slots, struct nsf_ip ip)
{
    if (nsf_ip_is_v4(ip))
        return find_v4(slots, nsf_ip_to_v4(ip));
    if (slots->n_v6 == 0)
        return NULL;
    struct nsf_contact_v6 *place = place_v6(slots, ip);
    return place->slot.state == 0 ? NULL : &place->slot;
}

struct nsf_contact_slot *nsf_contact_slots_next(const struct nsf_contact_slots *slots, uint64_t *at, struct nsf_ip *ip)
{
    uint64_t n_v4_places = (uint64_t)slots->n_buckets * NSF_BUCKET_SLOTS;
    for (; *at < n_v4_places; ++*at) {
        struct nsf_contact_bucket *bucket = &slots->buckets[*at / NSF_BUCKET_SLOTS];
        uint32_t i = (uint32_t)(*at % NSF_BUCKET_SLOTS);
        if (i >= bucket->n)
            continue;
        ++*at;
        *ip = nsf_ip_from_v4(bucket->v4[i]);
        return &bucket->slots[i];
    }
    for (; *at < n_v4_places + slots->n_v6_places; ++*at) {
        struct nsf_contact_v6 *place = &slots->v6[*at - n_v4_places];
        if (place->slot.state == 0)
            continue;
        ++*at;
        *ip = place->ip;
        return &place->slot;
    }
    return NULL;
}

/*
 * pairset.h - a set of 64-bit keys, usually two small ids side by side: distinct counts cost 8 to 24 bytes an item.
 *
 * Keys may be any value but UINT64_MAX. One thread at a time.
 */
#ifndef NSF_PAIRSET_H
#define NSF_PAIRSET_H

#include "core/hash.h"
#include "core/mem.h"

struct nsf_pairset {
    uint64_t *slots; /* key + 1, 0 is free */
    uint32_t mask;
    uint32_t n;
};

static inline void nsf_pairset_release(struct nsf_pairset *set)
{
    nsf_free(set->slots);
    *set = (struct nsf_pairset){0};
}

/* Empties it and keeps the memory. */
static inline void nsf_pairset_reset(struct nsf_pairset *set)
{
    if (set->n > 0)
        memset(set->slots, 0, ((size_t)set->mask + 1) * sizeof(*set->slots));
    set->n = 0;
}

static inline uint64_t nsf_pair(uint32_t hi, uint32_t lo)
{
    return (uint64_t)hi << 32 | lo;
}

/* The slot that holds the key or where it belongs. */
static inline uint64_t *nsf_pairset_slot(const struct nsf_pairset *set, uint64_t key)
{
    uint32_t at = (uint32_t)nsf_hash_mix(key, UINT64_C(0x5851f42d4c957f2d));
    while (set->slots[at & set->mask] != 0 && set->slots[at & set->mask] != key + 1)
        at++;
    return &set->slots[at & set->mask];
}

/* True when the key is new. */
static inline bool nsf_pairset_add(struct nsf_pairset *set, uint64_t key)
{
    if (set->slots == NULL || set->n >= (set->mask + 1) / 3 * 2) {
        struct nsf_pairset old = *set;
        uint32_t n_slots = old.slots == NULL ? 64 : (old.mask + 1) * 2;
        set->slots = nsf_calloc(n_slots, sizeof(*set->slots));
        set->mask = n_slots - 1;
        for (uint32_t i = 0; old.slots != NULL && i <= old.mask; i++)
            if (old.slots[i] != 0)
                *nsf_pairset_slot(set, old.slots[i] - 1) = old.slots[i];
        nsf_free(old.slots);
    }
    uint64_t *slot = nsf_pairset_slot(set, key);
    if (*slot != 0)
        return false;
    *slot = key + 1;
    set->n++;
    return true;
}

static inline bool nsf_pairset_has(const struct nsf_pairset *set, uint64_t key)
{
    return set->slots != NULL && *nsf_pairset_slot(set, key) != 0;
}

#endif

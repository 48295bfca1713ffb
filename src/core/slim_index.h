/*
 * slim_index.h - index.h in half the memory: a slot of 32 bits holds a row number and as much of its hash as fits
 * above.
 *
 * The caller hashes and compares. A slim index cannot tell the hashes of its rows, so it does not grow by itself: when
 * it is full the caller rebuilds it and adds every row again. Slots of rows that are gone or used again stay until then
 * and give rows that do not compare equal. One thread at a time.
 */
#ifndef NSF_SLIM_INDEX_H
#define NSF_SLIM_INDEX_H

#include "core/index.h"

struct nsf_slim_index {
    uint32_t *slots; /* row + 1 in the bits of row_mask, hash above; 0 is free */
    uint32_t mask;
    uint32_t row_mask;
    uint32_t n_used; /* slots that are not free */
};

static inline void nsf_slim_index_release(struct nsf_slim_index *index)
{
    nsf_free(index->slots);
    *index = (struct nsf_slim_index){0};
}

/* Empties it and makes room for n_rows and half as many more, numbered below 2 * n_numbers. */
static inline void nsf_slim_index_rebuild(struct nsf_slim_index *index, uint32_t n_rows, uint32_t n_numbers)
{
    uint64_t n_slots = 64, row_mask = 127;
    while (n_slots < (uint64_t)n_rows * 2)
        n_slots *= 2;
    while (row_mask < (uint64_t)n_numbers * 2 + 2)
        row_mask = row_mask * 2 + 1;
    if (n_slots > UINT64_C(1) << 31 || row_mask > UINT32_MAX)
        nsf_mul_size(SIZE_MAX, 2); /* as when memory ends */
    nsf_free(index->slots);
    *index = (struct nsf_slim_index){
        .slots = nsf_calloc(n_slots, sizeof(*index->slots)),
        .mask = (uint32_t)(n_slots - 1),
        .row_mask = (uint32_t)row_mask,
    };
}

/* Whether a row of this number can be added without a rebuild. */
static inline bool nsf_slim_index_has_room(const struct nsf_slim_index *index, uint32_t row)
{
    return index->slots != NULL && index->n_used < index->mask / 4 * 3 && row < index->row_mask;
}

/* Iterates over the rows whose hash may be equal: start with *probe = hash, until NSF_INDEX_NONE. */
static inline uint32_t nsf_slim_index_next(const struct nsf_slim_index *index, uint32_t hash, uint32_t *probe)
{
    if (index->slots == NULL)
        return NSF_INDEX_NONE;
    for (;;) {
        uint32_t slot = index->slots[*probe & index->mask];
        if (slot == 0)
            return NSF_INDEX_NONE;
        (*probe)++;
        if (((slot ^ hash) & ~index->row_mask) == 0)
            return (slot & index->row_mask) - 1;
    }
}

/* Adds a row that is not there yet and that there is room for. */
static inline void nsf_slim_index_add(struct nsf_slim_index *index, uint32_t hash, uint32_t row)
{
    uint32_t at = hash;
    while (index->slots[at & index->mask] != 0)
        at++;
    index->slots[at & index->mask] = (hash & ~index->row_mask) | (row + 1);
    index->n_used++;
}

/* Brings the slot of a hash that will be asked for soon into the cache. */
static inline void nsf_slim_index_expect(const struct nsf_slim_index *index, uint32_t hash)
{
    if (index->slots != NULL)
        __builtin_prefetch(&index->slots[hash & index->mask]);
}

/* The first row that nsf_slim_index_next would give: nearly always the one, if there is one. NSF_INDEX_NONE: none. */
static inline uint32_t nsf_slim_index_guess(const struct nsf_slim_index *index, uint32_t hash)
{
    uint32_t probe = hash;
    return nsf_slim_index_next(index, hash, &probe);
}

#endif

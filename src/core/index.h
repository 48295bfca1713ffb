/*
 * index.h - the slots of an open-addressing hash table whose rows live elsewhere and are known by their index.
 *
 * The caller hashes and compares; the index maps 32 bits of hash to candidate row numbers. Rows keep their number when
 * the index grows. One thread at a time.
 */
#ifndef NSF_INDEX_H
#define NSF_INDEX_H

#include "core/mem.h"

#define NSF_INDEX_NONE UINT32_MAX

struct nsf_index {
    uint64_t *slots; /* hash in the upper half, row + 1 in the lower, 0 is free */
    uint32_t mask;
    uint32_t n;
};

static inline void nsf_index_init(struct nsf_index *index)
{
    *index = (struct nsf_index){0};
}

static inline void nsf_index_release(struct nsf_index *index)
{
    nsf_free(index->slots);
    nsf_index_init(index);
}

/* Iterates over the rows whose hash is equal: start with *probe = hash, until NSF_INDEX_NONE. */
static inline uint32_t nsf_index_next(const struct nsf_index *index, uint32_t hash, uint32_t *probe)
{
    if (index->slots == NULL)
        return NSF_INDEX_NONE;
    for (;;) {
        uint64_t slot = index->slots[*probe & index->mask];
        if (slot == 0)
            return NSF_INDEX_NONE;
        (*probe)++;
        if ((uint32_t)(slot >> 32) == hash)
            return (uint32_t)slot - 1;
    }
}

static inline void nsf_index_put(struct nsf_index *index, uint32_t hash, uint32_t row)
{
    uint32_t at = hash;
    while (index->slots[at & index->mask] != 0)
        at++;
    index->slots[at & index->mask] = (uint64_t)hash << 32 | (row + 1);
}

/* Empties it and makes room for n_rows without growing. */
static inline void nsf_index_rebuild(struct nsf_index *index, uint32_t n_rows)
{
    uint32_t n_slots = 64;
    while (n_slots / 3 * 2 < n_rows)
        n_slots *= 2;
    nsf_free(index->slots);
    index->slots = nsf_calloc(n_slots, sizeof(*index->slots));
    index->mask = n_slots - 1;
    index->n = 0;
}

static inline void nsf_index_grow(struct nsf_index *index)
{
    uint64_t *old = index->slots;
    uint32_t n_old = old == NULL ? 0 : index->mask + 1;
    uint32_t n_slots = n_old == 0 ? 64 : n_old * 2;
    index->slots = nsf_calloc(n_slots, sizeof(*index->slots));
    index->mask = n_slots - 1;
    for (uint32_t i = 0; i < n_old; i++)
        if (old[i] != 0)
            nsf_index_put(index, (uint32_t)(old[i] >> 32), (uint32_t)old[i] - 1);
    nsf_free(old);
}

/* Adds a row that is not there yet. */
static inline void nsf_index_add(struct nsf_index *index, uint32_t hash, uint32_t row)
{
    if (index->slots == NULL || index->n >= (index->mask + 1) / 3 * 2)
        nsf_index_grow(index);
    nsf_index_put(index, hash, row);
    index->n++;
}

#endif

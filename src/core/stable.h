/*
 * stable.h - an array whose elements never move, so that one thread may append while others read what is there.
 *
 * The reader must have learned of an element through a lock or the like that the writer held after writing it.
 */
#ifndef NSF_STABLE_H
#define NSF_STABLE_H

#include "core/err.h"
#include "core/mem.h"

#define NSF_STABLE_PER_BLOCK 4096u
#define NSF_STABLE_BLOCKS 16384u

struct nsf_stable {
    char **blocks; /* NSF_STABLE_BLOCKS of them, filled from the front */
    size_t size_bytes;
    uint32_t n;
};

static inline void nsf_stable_init(struct nsf_stable *array, size_t size_bytes)
{
    array->blocks = nsf_calloc(NSF_STABLE_BLOCKS, sizeof(*array->blocks));
    array->size_bytes = size_bytes;
    array->n = 0;
}

static inline void nsf_stable_release(struct nsf_stable *array)
{
    for (uint32_t i = 0; i < array->n; i += NSF_STABLE_PER_BLOCK)
        nsf_free(array->blocks[i / NSF_STABLE_PER_BLOCK]);
    nsf_free(array->blocks);
    *array = (struct nsf_stable){0};
}

static inline void *nsf_stable_get(const struct nsf_stable *array, uint32_t idx)
{
    return array->blocks[idx / NSF_STABLE_PER_BLOCK] + (idx % NSF_STABLE_PER_BLOCK) * array->size_bytes;
}

/* A zeroed new element at index n, which becomes n + 1. */
static inline void *nsf_stable_add(struct nsf_stable *array)
{
    uint32_t block = array->n / NSF_STABLE_PER_BLOCK;
    if (block >= NSF_STABLE_BLOCKS)
        NSF_BUG("more than 67 million names");
    if (array->n % NSF_STABLE_PER_BLOCK == 0)
        array->blocks[block] = nsf_calloc(NSF_STABLE_PER_BLOCK, array->size_bytes);
    return nsf_stable_get(array, array->n++);
}

#endif

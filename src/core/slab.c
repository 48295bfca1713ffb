#include "core/nsf_common.h"

#include "core/slab.h"

#define SLAB_CHUNK_BYTES ((size_t)32 << 10)
#define SLAB_LINE 64u

void nsf_slab_init(struct nsf_slab *slab)
{
    *slab = (struct nsf_slab){0};
}

void nsf_slab_release(struct nsf_slab *slab)
{
    for (size_t i = 0; i < slab->n_chunks; i++)
        nsf_free(slab->chunks[i]);
    nsf_free(slab->chunks);
    nsf_slab_init(slab);
}

static size_t size_of(size_t n_bytes)
{
    return (n_bytes + NSF_SLAB_STEP - 1) / NSF_SLAB_STEP;
}

static void add_chunk(struct nsf_slab *slab)
{
    NSF_GROW(slab->chunks, slab->chunks_capacity, slab->n_chunks + 1);
    char *chunk = nsf_malloc(SLAB_CHUNK_BYTES);
    size_t skip = (SLAB_LINE - (uintptr_t)chunk % SLAB_LINE) % SLAB_LINE;
    slab->chunks[slab->n_chunks++] = chunk;
    slab->rest = chunk + skip;
    slab->n_rest = SLAB_CHUNK_BYTES - skip;
}

void *nsf_slab_take(struct nsf_slab *slab, size_t n_bytes)
{
    size_t size = size_of(n_bytes);
    void *block = slab->free_blocks[size];
    if (block != NULL) {
        memcpy(&slab->free_blocks[size], block, sizeof(void *));
        return block;
    }
    if (slab->n_rest < size * NSF_SLAB_STEP)
        add_chunk(slab);
    block = slab->rest;
    slab->rest += size * NSF_SLAB_STEP;
    slab->n_rest -= size * NSF_SLAB_STEP;
    return block;
}

void nsf_slab_give_back(struct nsf_slab *slab, void *block, size_t n_bytes)
{
    size_t size = size_of(n_bytes);
    memcpy(block, &slab->free_blocks[size], sizeof(void *));
    slab->free_blocks[size] = block;
}

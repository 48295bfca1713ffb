/*
 * slab.h - many small blocks that come, grow and go: cut from large ones, without a word of bookkeeping each.
 *
 * Sizes are rounded up to NSF_SLAB_STEP bytes. A freed block is used again for the next one of its size. All memory is
 * given back by release. One thread at a time.
 */
#ifndef NSF_SLAB_H
#define NSF_SLAB_H

#include "core/mem.h"

#define NSF_SLAB_STEP 32u
#define NSF_SLAB_BYTES_MAX ((size_t)2048)
#define NSF_SLAB_SIZES (NSF_SLAB_BYTES_MAX / NSF_SLAB_STEP + 1)

struct nsf_slab {
    char **chunks;
    size_t chunks_capacity;
    size_t n_chunks;
    char *rest; /* of the newest chunk */
    size_t n_rest;
    void *free_blocks[NSF_SLAB_SIZES]; /* each begins with a pointer to the next of its size */
};

void nsf_slab_init(struct nsf_slab *slab);
void nsf_slab_release(struct nsf_slab *slab);
/* At most NSF_SLAB_BYTES_MAX, not zeroed; aligned to NSF_SLAB_STEP. */
void *nsf_slab_take(struct nsf_slab *slab, size_t n_bytes);
/* `n_bytes` as it was taken. */
void nsf_slab_give_back(struct nsf_slab *slab, void *block, size_t n_bytes);

#endif

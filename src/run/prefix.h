/*
 * prefix.h - a hash over the front of a file, fed in pieces of any size: tells whether a file that grew is still the
 * same one.
 */
#ifndef NSF_PREFIX_H
#define NSF_PREFIX_H

#include "core/hash.h"

#define NSF_PREFIX_BLOCK_BYTES ((size_t)16 << 10)

struct nsf_prefix_hash {
    uint64_t hash; /* of the whole blocks so far, each seeding the next */
    size_t n;
    char block[NSF_PREFIX_BLOCK_BYTES];
};

static inline void nsf_prefix_hash_begin(struct nsf_prefix_hash *prefix)
{
    prefix->hash = 0;
    prefix->n = 0;
}

static inline void nsf_prefix_hash_add(struct nsf_prefix_hash *prefix, struct nsf_slice bytes)
{
    while (bytes.len > 0) {
        size_t n = NSF_PREFIX_BLOCK_BYTES - prefix->n < bytes.len ? NSF_PREFIX_BLOCK_BYTES - prefix->n : bytes.len;
        memcpy(prefix->block + prefix->n, bytes.ptr, n);
        prefix->n += n;
        bytes = nsf_slice_from(bytes, n);
        if (prefix->n == NSF_PREFIX_BLOCK_BYTES) {
            prefix->hash = nsf_hash_bytes(prefix->block, prefix->n, prefix->hash);
            prefix->n = 0;
        }
    }
}

/* Of what was added so far; more may be added behind it. */
static inline uint64_t nsf_prefix_hash_value(const struct nsf_prefix_hash *prefix)
{
    return nsf_hash_bytes(prefix->block, prefix->n, prefix->hash);
}

#endif

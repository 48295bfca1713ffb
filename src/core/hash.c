#include "core/nsf_common.h"

#include "core/hash.h"

#include <sys/random.h>
#include <xxhash.h>

uint64_t nsf_hash_random_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed))
        return seed;
    /* Kernels without getrandom: the address space layout and the clock are the next best. */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return nsf_hash_mix((uint64_t)now.tv_nsec ^ (uint64_t)(uintptr_t)&seed, (uint64_t)now.tv_sec);
}

uint64_t nsf_hash_bytes(const void *ptr, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(ptr, len, seed);
}

struct nsf_fingerprint nsf_hash_fingerprint(const void *ptr, size_t len, uint64_t seed)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(ptr, len, seed);
    return (struct nsf_fingerprint){.hi = h.high64, .lo = h.low64};
}

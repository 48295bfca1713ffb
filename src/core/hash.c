#include "core/nsf_common.h"

#include "core/hash.h"

#include <sys/random.h>

/* The plain functions of the library are built for the oldest processor; where it offers others that ask the present
 * one, they give the same values, for whole records ten times as fast. */
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#define XXH_DISPATCH_DISABLE_REPLACE
#include <xxh_x86dispatch.h>
#define HASH_LONG XXH3_128bits_withSeed_dispatch
#else
#include <xxhash.h>
#define HASH_LONG XXH3_128bits_withSeed
#endif

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
    XXH128_hash_t h = HASH_LONG(ptr, len, seed);
    return (struct nsf_fingerprint){.hi = h.high64, .lo = h.low64};
}

/*
 * hash.h - seeded hashes, since peers of the logged network choose what is hashed.
 *
 * The seed comes from the kernel once per process, or from a store that must recognise its own fingerprints; no hash
 * ever shows in output. Pure functions, any thread.
 */
#ifndef NSF_HASH_H
#define NSF_HASH_H

#include "core/slice.h"

/* 128 bits: two different records of one run share it with a chance below 2^-64 up to 2^32 records. */
struct nsf_fingerprint {
    uint64_t hi;
    uint64_t lo;
};

/* From getrandom(2). */
uint64_t nsf_hash_random_seed(void);
uint64_t nsf_hash_bytes(const void *ptr, size_t len, uint64_t seed);
struct nsf_fingerprint nsf_hash_fingerprint(const void *ptr, size_t len, uint64_t seed);

/* Mixes one or two words; for keys that are small integers. */
static inline uint64_t nsf_hash_mix(uint64_t a, uint64_t seed)
{
    uint64_t x = a ^ seed;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

#endif

/*
 * addresses.h - own addresses to small ids and back: few of them, asked for with every connection and contact.
 *
 * The addresses asked for last are remembered, since the tuples of one NIC come together. Ids count from 0 and never
 * change. init/release; one thread at a time.
 */
#ifndef NSF_ADDRESSES_H
#define NSF_ADDRESSES_H

#include "core/hash.h"
#include "core/index.h"
#include "core/ipaddr.h"

#define NSF_ADDRESSES_RECENT 64u

struct nsf_addresses {
    uint64_t seed;
    struct nsf_ip *items;
    size_t capacity;
    uint32_t n;
    uint32_t recent[NSF_ADDRESSES_RECENT]; /* ids, by the last bits of the address; void while n is 0 */
    struct nsf_index by_ip;
};

/* 32 bits for an index; `seed` may carry what else belongs to the key. */
static inline uint32_t nsf_ip_hash(struct nsf_ip ip, uint64_t seed)
{
    return (uint32_t)nsf_hash_mix(ip.lo, nsf_hash_mix(ip.hi, seed));
}

void nsf_addresses_init(struct nsf_addresses *addresses, uint64_t seed);
void nsf_addresses_release(struct nsf_addresses *addresses);
/* Adds the address when it is new. */
uint32_t nsf_addresses_id(struct nsf_addresses *addresses, struct nsf_ip address);

#endif

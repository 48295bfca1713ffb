#include "core/nsf_common.h"

#include "evidence/addresses.h"

void nsf_addresses_init(struct nsf_addresses *addresses, uint64_t seed)
{
    *addresses = (struct nsf_addresses){.seed = seed};
}

void nsf_addresses_release(struct nsf_addresses *addresses)
{
    nsf_free(addresses->items);
    nsf_index_release(&addresses->by_ip);
    nsf_addresses_init(addresses, addresses->seed);
}

static uint32_t find_or_add(struct nsf_addresses *addresses, struct nsf_ip address)
{
    uint32_t hash = nsf_ip_hash(address, addresses->seed), probe = hash, id;
    while ((id = nsf_index_next(&addresses->by_ip, hash, &probe)) != NSF_INDEX_NONE)
        if (nsf_ip_eq(addresses->items[id], address))
            return id;
    NSF_GROW(addresses->items, addresses->capacity, (size_t)addresses->n + 1);
    id = addresses->n++;
    addresses->items[id] = address;
    nsf_index_add(&addresses->by_ip, hash, id);
    return id;
}

uint32_t nsf_addresses_id(struct nsf_addresses *addresses, struct nsf_ip address)
{
    uint32_t *recent = &addresses->recent[address.lo % NSF_ADDRESSES_RECENT];
    if (addresses->n == 0 || !nsf_ip_eq(addresses->items[*recent], address))
        *recent = find_or_add(addresses, address);
    return *recent;
}

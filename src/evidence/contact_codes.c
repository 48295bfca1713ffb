#include "core/nsf_common.h"

#include "evidence/contact_codes.h"

#include "core/hash.h"

/* With all of them taken, and each of the sixteen partitions has its own, they hold 3 MB. */
#define CODED_PORTS_MAX 8192u

_Static_assert(CODED_PORTS_MAX < NSF_CODES_PER_RANGE, "NSF_CODE_NONE is no code");

void nsf_contact_codes_init(struct nsf_contact_codes *codes, uint64_t seed)
{
    *codes = (struct nsf_contact_codes){.seed = seed};
}

void nsf_contact_codes_release(struct nsf_contact_codes *codes)
{
    nsf_free(codes->items);
    nsf_index_release(&codes->by_item);
    nsf_contact_codes_init(codes, codes->seed);
}

uint16_t nsf_contact_codes_port(struct nsf_contact_codes *codes, uint32_t item)
{
    uint32_t hash = (uint32_t)nsf_hash_mix(item, codes->seed), probe = hash, idx;
    while ((idx = nsf_index_next(&codes->by_item, hash, &probe)) != NSF_INDEX_NONE)
        if (codes->items[idx] == item)
            return nsf_contact_code(NSF_CODES_PORTS, idx);
    if (codes->n == CODED_PORTS_MAX)
        return NSF_CODE_NONE;
    NSF_GROW(codes->items, codes->capacity, (size_t)codes->n + 1);
    codes->items[codes->n] = item;
    nsf_index_add(&codes->by_item, hash, codes->n);
    return nsf_contact_code(NSF_CODES_PORTS, codes->n++);
}

uint32_t nsf_contact_codes_item(const struct nsf_contact_codes *codes, uint16_t code)
{
    if (code == 0)
        return 0;
    if (code >= NSF_CODES_PORTS)
        return codes->items[code - NSF_CODES_PORTS];
    if (code >= NSF_CODES_TARGET_PORTS)
        return nsf_contact_item(NSF_ITEM_TARGET_PORT, code - NSF_CODES_TARGET_PORTS);
    if (code >= NSF_CODES_MAIL_ADDRESSES)
        return nsf_contact_item(NSF_ITEM_DENIED_MAIL_ADDRESS, code - NSF_CODES_MAIL_ADDRESSES);
    return nsf_contact_item(NSF_ITEM_DENIED_ADDRESS, code - NSF_CODES_ADDRESSES);
}

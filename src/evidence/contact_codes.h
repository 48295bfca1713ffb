/*
 * contact_codes.h - what sources do as numbers of 16 bits, so that a cache line tells twice as much of a source.
 *
 * An item is a kind with an address, a port or a row in 32 bits. A fourth of all codes is for each kind of number; what
 * lies beyond has none. Numbers of addresses and rows are their own code, ports get one when they are first asked for
 * and keep it. init/release; one thread at a time.
 */
#ifndef NSF_CONTACT_CODES_H
#define NSF_CONTACT_CODES_H

#include "core/index.h"

enum nsf_contact_kind {
    NSF_ITEM_DENIED_ADDRESS = 1, /* id of an own address */
    NSF_ITEM_DENIED_PORT,        /* protocol and port */
    NSF_ITEM_DENIED_MAIL_ADDRESS,
    NSF_ITEM_OTHER_PORT,
    NSF_ITEM_TARGET_PORT, /* row of the table's ports */
};

#define NSF_ITEM_KIND_SHIFT 29
#define NSF_ITEM_VALUE_MAX ((UINT32_C(1) << NSF_ITEM_KIND_SHIFT) - 1)

/* 0 is a place without a code. */
#define NSF_CODE_NONE UINT16_MAX
#define NSF_CODES_PER_RANGE 16384u
#define NSF_CODES_ADDRESSES 1u
#define NSF_CODES_MAIL_ADDRESSES (1u * NSF_CODES_PER_RANGE)
#define NSF_CODES_TARGET_PORTS (2u * NSF_CODES_PER_RANGE)
#define NSF_CODES_PORTS (3u * NSF_CODES_PER_RANGE)

/* Ports with a code, of both kinds. */
struct nsf_contact_codes {
    uint64_t seed;
    uint32_t *items; /* by code - NSF_CODES_PORTS */
    size_t capacity;
    uint32_t n;
    struct nsf_index by_item;
};

static inline uint32_t nsf_contact_item(enum nsf_contact_kind kind, uint32_t value)
{
    return (uint32_t)kind << NSF_ITEM_KIND_SHIFT | (value & NSF_ITEM_VALUE_MAX);
}

/* Of a number in the range that begins with the code `first`. One is left out, so that none begins the next range. */
static inline uint16_t nsf_contact_code(unsigned first, uint32_t number)
{
    return number < NSF_CODES_PER_RANGE - 1 ? (uint16_t)(first + number) : NSF_CODE_NONE;
}

void nsf_contact_codes_init(struct nsf_contact_codes *codes, uint64_t seed);
void nsf_contact_codes_release(struct nsf_contact_codes *codes);
/* Of an item that is a port; NSF_CODE_NONE: it has none. */
uint16_t nsf_contact_codes_port(struct nsf_contact_codes *codes, uint32_t item);
/* Of a code that was given; 0 of 0. */
uint32_t nsf_contact_codes_item(const struct nsf_contact_codes *codes, uint16_t code);

#endif

/*
 * contacts_state.h - the inside of a table of contacts, shared by the part that adds and tells (contacts.c) and the
 * part that chooses who is kept (contacts_keep.c). Nobody else includes it.
 */
#ifndef NSF_CONTACTS_STATE_H
#define NSF_CONTACTS_STATE_H

#include "core/hash.h"
#include "evidence/contacts.h"

/* The upper bits of an item; the lower ones are an address id, a protocol and port, or a row of `ports`. */
enum nsf_contact_kind {
    NSF_ITEM_DENIED_ADDRESS = 1,
    NSF_ITEM_DENIED_PORT,
    NSF_ITEM_DENIED_MAIL_ADDRESS,
    NSF_ITEM_OTHER_PORT,
    NSF_ITEM_TARGET_PORT,
};

#define NSF_ITEM_KIND_SHIFT 29
#define NSF_ITEM_VALUE_MAX ((UINT32_C(1) << NSF_ITEM_KIND_SHIFT) - 1)
#define NSF_ROW_TCP_PORTS 12u
#define NSF_ROW_ITEMS 6u
#define NSF_MORE_ITEMS 16u
#define NSF_COUNT_MASK 31u

/* What is distinct about what a source did; 0 where there is none yet. TCP ports that it was denied on are most of what
 * scanners leave: the first of them stand for themselves. */
struct nsf_contact_row {
    uint16_t tcp_ports[NSF_ROW_TCP_PORTS];
    uint32_t items[NSF_ROW_ITEMS];
    uint32_t denied_tuples;
    uint32_t other_contacts;
    uint32_t more; /* 1 + index of further items, 0: none */
    uint32_t denied_addresses : 5;
    uint32_t denied_ports : 5;
    uint32_t denied_mail_addresses : 5;
    uint32_t other_ports : 5;
    uint32_t flags : 3;
    uint32_t n_items : 5; /* here and in `more` */
    uint32_t n_tcp_ports : 4;
};

struct nsf_contact_more {
    uint32_t items[NSF_MORE_ITEMS];
};

_Static_assert(sizeof(struct nsf_contact_row) == 64, "a contact row is one cache line");
_Static_assert(NSF_ROW_ITEMS + NSF_MORE_ITEMS <= NSF_COUNT_MASK && NSF_DISTINCT_EXACT_MAX <= NSF_COUNT_MASK,
               "counts have five bits");

/* An IPv4 address. `state` is 0 in a free slot, NSF_SLOT_HAS_ROW and the number of its row, or how often the one fact
 * was seen that is all there is of it. */
struct nsf_contact_slot {
    uint32_t v4;
    uint32_t state;
    uint32_t fact;
};
#define NSF_SLOT_HAS_ROW (UINT32_C(1) << 31)
/* Slots in tenths that are used before there are a fifth more of them. Where memory counts it is 16 bytes an address at
 * most; a small table is rather fast. */
#define NSF_SLOTS_FULL_TENTHS 9u
#define NSF_SLOTS_SMALL_FULL_TENTHS 6u
#define NSF_SLOTS_SMALL (UINT32_C(1) << 14)
#define NSF_SLOTS_FIRST 64u
/* Slots that are looked at in advance: where a row nearly always is. */
#define NSF_SLOTS_AHEAD 3u

/* A fact: denied, with the address's id, UDP or TCP and the port; or allowed, with a row of `ports`, or with protocol
 * and port under no finding. What does not fit gets a row. */
#define NSF_FACT_DENIED (UINT32_C(1) << 31)
#define NSF_FACT_TARGET (UINT32_C(1) << 30)
#define NSF_FACT_VALUE_MAX (NSF_FACT_TARGET - 1)
#define NSF_FACT_DENIED_UDP (UINT32_C(1) << 16)
#define NSF_FACT_DENIED_OWN_BIT 17
#define NSF_FACT_DENIED_OWN_MAX ((UINT32_C(1) << (31 - NSF_FACT_DENIED_OWN_BIT)) - 1)
#define NSF_FACT_NONE UINT32_MAX

struct nsf_contact_v6 {
    struct nsf_ip ip;
    uint32_t row;
};

/* Unseeded, since it chooses who is kept. */
static inline uint64_t nsf_contacts_rank(struct nsf_ip src)
{
    return nsf_hash_mix(src.lo, nsf_hash_mix(src.hi, UINT64_C(0xbb67ae8584caa73b)));
}

/* Where the search for an address begins. Slots ascend with the hash, so that growing copies them nearly in order. */
static inline uint32_t nsf_contacts_first_slot(const struct nsf_contacts_table *table, uint32_t v4)
{
    return (uint32_t)((nsf_hash_mix(v4, table->seed) >> 32) * table->n_slots >> 32);
}

/* The slot of the address, or the free one where it belongs. */
static inline struct nsf_contact_slot *nsf_contacts_slot(const struct nsf_contacts_table *table, uint32_t v4)
{
    uint32_t at = nsf_contacts_first_slot(table, v4);
    while (table->slots[at].state != 0 && table->slots[at].v4 != v4)
        at = at + 1 == table->n_slots ? 0 : at + 1;
    return &table->slots[at];
}

/* Slots with room for n addresses and not yet full. */
uint32_t nsf_contacts_slots_for(uint64_t n);
void nsf_contacts_set_slots(struct nsf_contacts_table *table, uint32_t n_slots);
/* Gives the number of an empty row. */
uint32_t nsf_contacts_add_row(struct nsf_contacts_table *table);
void nsf_contacts_add_v6(struct nsf_contacts_table *table, struct nsf_ip ip, uint32_t row);

/* All that is known of sources; ports and own addresses stay. */
void nsf_contacts_release_sources(struct nsf_contacts_table *table);
/* Forgets those whose rank is past the n-th smallest; there are so many. */
void nsf_contacts_keep_smallest(struct nsf_contacts_table *table, uint32_t n);

#endif

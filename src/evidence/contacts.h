/*
 * contacts.h - what sources do besides allowed mail: denied attempts, and other ports, allowed or denied.
 *
 * Every address counts, whether it ever sends mail or not, since mail can come after the probe. Distinct counts are
 * exact up to NSF_DISTINCT_EXACT_MAX and stop there. Everything added commutes. One thread at a time a table.
 *
 * Most addresses do one thing: an address that did, however often, is a slot of eight bytes beside the address. What
 * does more gets a row, a cache line that tells all of most scanners. Past max_addresses the addresses whose fixed hash
 * is largest are forgotten while reading goes on, so that it depends neither on the order of the input nor on the seed
 * who is kept.
 */
#ifndef NSF_CONTACTS_H
#define NSF_CONTACTS_H

#include "core/index.h"
#include "core/lines.h"
#include "core/pairset.h"
#include "evidence/addresses.h"
#include "evidence/contact_codes.h"
#include "evidence/contact_slots.h"
#include "evidence/review.h"
#include "flow/flow.h"

enum nsf_contact_flags {
    NSF_CONTACT_DENIED_MAIL = 1,   /* was denied on TCP 25 */
    NSF_CONTACT_STRANGE_PORT = 2,  /* touched a port that a mail server has no reason to touch */
    NSF_CONTACT_NOT_MAIL_PORT = 4, /* touched a port other than 25, 465 and 587 */
};

/* All that is known of one address. */
struct nsf_contact_summary {
    struct nsf_ip src;
    uint64_t denied_tuples;
    uint64_t other_contacts; /* allowed tuples on other ports */
    uint8_t denied_addresses;
    uint8_t denied_ports;
    uint8_t denied_mail_addresses;
    uint8_t other_ports;
    uint8_t flags;
};

/* One protocol and port used under one target. */
struct nsf_target_port {
    uint32_t target;
    uint16_t port;
    uint8_t protocol;
    uint16_t port_code; /* of protocol and port, under whatever target */
    uint64_t tuples;
    uint32_t sources; /* distinct ones, of those that are kept */
};

/* What one tuple says of its source, whoever it is. */
struct nsf_deed {
    uint32_t id;   /* denied: of our address; allowed: row of `ports`, NSF_INDEX_NONE under no finding */
    uint16_t code; /* of that; under no finding, of the port */
    uint16_t port;
    uint8_t protocol;
    bool is_denied;
};

/* What was looked up lately: what the tuples of a minute have in common nearly always finds a place for itself. */
#define NSF_CONTACT_RECALLS 128u
struct nsf_recalled_own {
    uint32_t v4;
    uint16_t code; /* of the address; 0: none */
};
struct nsf_recalled_port {
    uint64_t key;  /* target, protocol, port; 0: none */
    uint32_t id;   /* like a deed's */
    uint16_t code; /* of that; under no finding, of the port */
};

/* Contacts whose sources are looked up side by side: the cache misses of one overlap those of the others. */
#define NSF_CONTACT_BLOCK 64u
struct nsf_contact_block {
    struct nsf_contact_entry {
        const struct nsf_contact *contact; /* borrowed */
        uint32_t target;
        uint32_t at; /* bucket of the source, then its row */
    } entries[NSF_CONTACT_BLOCK];
    uint32_t n;
};

/* So many tuples of a row were counted that its number began anew. */
struct nsf_contact_carry {
    uint32_t row_idx;
    bool is_denied;
};

struct nsf_contact_row;
struct nsf_contact_more;

struct nsf_contacts_table {
    uint64_t seed;
    uint32_t max_addresses; /* 0: no bound */
    uint64_t rank_max;      /* addresses with a larger rank are not kept */
    uint64_t n_not_kept;    /* tuples of addresses that are not */
    struct nsf_contact_slots slots;
    struct nsf_contact_row *rows; /* in row_lines */
    struct nsf_lines row_lines;
    uint32_t n_rows;
    struct nsf_contact_more *more; /* in more_lines */
    struct nsf_lines more_lines;
    uint32_t n_more;
    struct nsf_pairset distinct;       /* (row, item) that found no room in either */
    struct nsf_contact_carry *carries; /* each stands for 2^32 tuples */
    size_t carries_capacity;
    uint32_t n_carries;
    struct nsf_addresses addresses; /* own ones */
    struct nsf_contact_codes codes;
    struct nsf_target_port *ports;
    size_t ports_capacity;
    uint32_t n_ports;
    struct nsf_index by_port;
    struct nsf_recalled_own recalled_own[NSF_CONTACT_RECALLS];
    struct nsf_recalled_port recalled_ports[NSF_CONTACT_RECALLS];
};

void nsf_contacts_init(struct nsf_contacts_table *table, uint64_t seed);
void nsf_contacts_release(struct nsf_contacts_table *table);
/* A denied attempt on TCP 25. */
void nsf_contacts_add_denied_mail(struct nsf_contacts_table *table, const struct nsf_mail_event *event);
/* Any other inbound tuple. `target` is its rule's finding, or NSF_INDEX_NONE. */
void nsf_contacts_add_wide(struct nsf_contacts_table *table, const struct nsf_wide_contact *contact, uint32_t target);
/* The same of many. They wait in the block, whose n begins as 0, until it is full or emptied; that is to be before
 * anything else is done with the table or the contacts. */
static inline void nsf_contacts_put(struct nsf_contacts_table *table, struct nsf_contact_block *block,
                                    const struct nsf_contact *contact, uint32_t target);
void nsf_contacts_empty_block(struct nsf_contacts_table *table, struct nsf_contact_block *block);
/* Nothing is added any more: brings the number of addresses down to max_addresses. */
void nsf_contacts_finish(struct nsf_contacts_table *table);

/* Brings what nsf_contacts_find looks at first into the cache. */
void nsf_contacts_expect(const struct nsf_contacts_table *table, struct nsf_ip src);
/* False: the address never came up, or is not kept. */
bool nsf_contacts_find(const struct nsf_contacts_table *table, struct nsf_ip src, struct nsf_contact_summary *summary);
typedef void nsf_contacts_fn(void *ctx, const struct nsf_contact_summary *summary);
/* Every address that is kept, in no order that may show; *summary lives for the call. */
void nsf_contacts_each(const struct nsf_contacts_table *table, nsf_contacts_fn *fn, void *ctx);
/* Port rows belong to groups, or to none (NSF_INDEX_NONE): adds to each group the distinct sources that used one of its
 * port rows or more. */
void nsf_contacts_count_users(const struct nsf_contacts_table *table, const uint32_t *group_of, uint64_t *n_users);

static inline void nsf_contacts_put(struct nsf_contacts_table *table, struct nsf_contact_block *block,
                                    const struct nsf_contact *contact, uint32_t target)
{
    uint32_t bucket = nsf_contact_slots_first(&table->slots, contact->src);
    nsf_contact_slots_expect(&table->slots, bucket);
    block->entries[block->n++] = (struct nsf_contact_entry){contact, target, bucket};
    if (NSF_UNLIKELY(block->n == NSF_CONTACT_BLOCK))
        nsf_contacts_empty_block(table, block);
}

#endif

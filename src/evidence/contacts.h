/*
 * contacts.h - what sources do besides allowed mail: denied attempts, and other ports, allowed or denied.
 *
 * Every address counts, whether it ever sends mail or not, since mail can come after the probe. Distinct counts are
 * exact up to NSF_DISTINCT_EXACT_MAX and stop there. Everything added commutes. One thread at a time a table.
 *
 * Most addresses do one thing: an IPv4 address that did, however often, is a slot of 12 bytes in a table that is three
 * quarters full or more. What does more gets a row, a cache line that tells all of most scanners. Past max_addresses
 * the addresses whose fixed hash is largest are forgotten while reading goes on, so that it depends neither on the
 * order of the input nor on the seed who is kept.
 */
#ifndef NSF_CONTACTS_H
#define NSF_CONTACTS_H

#include "core/index.h"
#include "core/pairset.h"
#include "evidence/addresses.h"
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
    uint32_t denied_tuples;
    uint32_t other_contacts; /* allowed tuples on other ports */
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
    uint64_t tuples;
    uint32_t sources; /* distinct ones, of those that are kept */
};

struct nsf_contact_slot;
struct nsf_contact_v6;
struct nsf_contact_row;
struct nsf_contact_more;

struct nsf_contacts_table {
    uint64_t seed;
    uint32_t max_addresses;         /* 0: no bound */
    uint64_t rank_max;              /* addresses with a larger rank are not kept */
    uint64_t n_not_kept;            /* tuples of addresses that are not */
    struct nsf_contact_slot *slots; /* of IPv4 addresses */
    uint32_t n_slots;
    uint32_t n_slots_used;
    struct nsf_contact_v6 *v6; /* IPv6 addresses: each has a row */
    size_t v6_capacity;
    uint32_t n_v6;
    struct nsf_index by_v6;
    struct nsf_contact_row *rows;
    size_t rows_capacity;
    uint32_t n_rows;
    struct nsf_contact_more *more;
    size_t more_capacity;
    uint32_t n_more;
    struct nsf_pairset distinct;    /* (row, item) that found no room in either */
    struct nsf_addresses addresses; /* own ones */
    struct nsf_target_port *ports;
    size_t ports_capacity;
    uint32_t n_ports;
    struct nsf_index by_port;
    uint32_t last_port; /* row asked for last */
};

void nsf_contacts_init(struct nsf_contacts_table *table, uint64_t seed);
void nsf_contacts_release(struct nsf_contacts_table *table);
/* A denied attempt on TCP 25. */
void nsf_contacts_add_denied_mail(struct nsf_contacts_table *table, const struct nsf_mail_event *event);
/* Any other inbound tuple. `target` is its rule's finding, or NSF_INDEX_NONE. */
void nsf_contacts_add_other(struct nsf_contacts_table *table, const struct nsf_wide_contact *contact, uint32_t target);
/* Nothing is added any more: brings the number of addresses down to max_addresses. */
void nsf_contacts_finish(struct nsf_contacts_table *table);

/* Brings what is known of a source that will come soon into the cache: first its slot, later its row. */
void nsf_contacts_expect(const struct nsf_contacts_table *table, struct nsf_ip src);
void nsf_contacts_expect_soon(const struct nsf_contacts_table *table, struct nsf_ip src);

/* False: the address never came up, or is not kept. */
bool nsf_contacts_find(const struct nsf_contacts_table *table, struct nsf_ip src, struct nsf_contact_summary *summary);
typedef void nsf_contacts_fn(void *ctx, const struct nsf_contact_summary *summary);
/* Every address that is kept, in no order that may show; *summary lives for the call. */
void nsf_contacts_each(const struct nsf_contacts_table *table, nsf_contacts_fn *fn, void *ctx);
/* Distinct sources that used one of the wanted port rows or more. */
uint64_t nsf_contacts_count_users(const struct nsf_contacts_table *table, const bool *is_wanted);

#endif

/*
 * contacts.h - what sources do besides allowed mail: denied attempts, and other ports, allowed or denied.
 *
 * One row an address, whether it ever sends mail or not, since mail can come after the probe. Distinct counts are exact
 * up to NSF_DISTINCT_EXACT_MAX and stop there. Everything added commutes. One thread at a time a table.
 */
#ifndef NSF_CONTACTS_H
#define NSF_CONTACTS_H

#include "core/index.h"
#include "core/pairset.h"
#include "evidence/addresses.h"
#include "evidence/review.h"
#include "flow/flow.h"

enum nsf_contact_flags {
    NSF_CONTACT_DENIED_MAIL = 1,  /* was denied on TCP 25 */
    NSF_CONTACT_STRANGE_PORT = 2, /* touched a port that a mail server has no reason to touch */
    NSF_CONTACT_NOT_MAIL_PORT = 4, /* touched a port other than 25, 465 and 587 */
};

/* What was distinct about the first few things a source did stands in its row, so that most tuples touch one cache line;
 * the rest of it is in the table's set. */
#define NSF_CONTACT_ITEMS 8

struct nsf_contact_row {
    struct nsf_ip src;
    uint32_t denied_tuples;
    uint32_t other_contacts; /* allowed tuples on other ports */
    uint8_t denied_addresses;
    uint8_t denied_ports;
    uint8_t denied_mail_addresses;
    uint8_t other_ports;
    uint8_t flags;
    uint8_t n_items;
    uint32_t items[NSF_CONTACT_ITEMS];
};

/* One protocol and port used under one target. */
struct nsf_target_port {
    uint32_t target;
    uint16_t port;
    uint8_t protocol;
    uint64_t tuples;
    uint32_t sources;
};

struct nsf_contacts_table {
    uint64_t seed;
    uint32_t max_rows;     /* 0: no bound */
    uint64_t n_not_kept;   /* tuples of addresses that came when the table was full */
    struct nsf_contact_row *rows;
    size_t rows_capacity;
    uint32_t n_rows;
    struct nsf_index by_src;
    struct nsf_addresses addresses; /* own ones */
    struct nsf_pairset distinct; /* (row, item) that found no room in their row */
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
void nsf_contacts_add_other(struct nsf_contacts_table *table, const struct nsf_contact *contact, uint32_t target);
/* NULL when the address never came up. */
const struct nsf_contact_row *nsf_contacts_find(const struct nsf_contacts_table *table, struct nsf_ip src);
/* Brings the row of a source that will come soon into the cache: first its slot, later the row itself. */
void nsf_contacts_expect(const struct nsf_contacts_table *table, struct nsf_ip src);
void nsf_contacts_expect_soon(const struct nsf_contacts_table *table, struct nsf_ip src);
/* Calls fn for every (port row, contact row) pair there is: who used what under the findings. */
void nsf_contacts_each_use(const struct nsf_contacts_table *table, void (*fn)(void *ctx, uint32_t port, uint32_t row),
                           void *ctx);

#endif

/*
 * lists.h - all lists of one run: what the owner and publishers say of addresses.
 *
 * Filled before the logs are judged, then read-only: any thread may ask. Every table may be empty.
 */
#ifndef NSF_LISTS_H
#define NSF_LISTS_H

#include "lists/mmdb.h"
#include "lists/networks.h"

enum nsf_list_kind {
    NSF_LIST_SENDERS,  /* mail providers: their prefixes are one network */
    NSF_LIST_PARTNERS, /* networks the owner knows */
    NSF_LIST_SCANNERS,
    NSF_LIST_DROP,
    NSF_LIST_MX,      /* own addresses that are a published MX */
    NSF_LIST_NAMES,   /* address and its PTR name */
    NSF_LIST_STARTER, /* providers that the program carries; asked where NSF_LIST_SENDERS knows nothing */
};
#define NSF_LIST_KINDS (NSF_LIST_STARTER + 1)

/* A country and a network database, and room for two more. */
#define NSF_LISTS_MMDB_MAX 4

struct nsf_lists {
    struct nsf_networks *of[NSF_LIST_KINDS];
    struct nsf_mmdb *mmdb[NSF_LISTS_MMDB_MAX];
    size_t n_mmdb;
};

/* With the starter list of providers, or without. */
void nsf_lists_init(struct nsf_lists *lists, bool has_starter);
void nsf_lists_release(struct nsf_lists *lists);
/* Reads one file; see nsf_networks_load. */
nsf_result nsf_lists_load(struct nsf_lists *lists, enum nsf_list_kind kind, const char *path,
                          struct nsf_problems *problems, struct nsf_err *err) NSF_CHECKED;
/* Opens a MaxMind database; all of them are asked for a name. */
nsf_result nsf_lists_open_mmdb(struct nsf_lists *lists, const char *path, struct nsf_err *err) NSF_CHECKED;
/* "AS64500 Example Networks, DE", as far as the databases know; NULL: nothing. Returns buf. */
#define NSF_LISTS_OWNER_BYTES 112
const char *nsf_lists_owner(const struct nsf_lists *lists, struct nsf_ip ip, char buf[NSF_LISTS_OWNER_BYTES]);
void nsf_lists_finish(struct nsf_lists *lists);

/* The listed provider of an address and the table it stands in; NULL: none. */
const struct nsf_listed *nsf_lists_sender(const struct nsf_lists *lists, struct nsf_ip ip,
                                          const struct nsf_networks **table);
/* The network of an address: the listed provider it belongs to, else its /24 or /48. *prefix is the part of it that
 * holds the address; the number is equal for addresses of one network. */
uint64_t nsf_lists_network(const struct nsf_lists *lists, struct nsf_ip ip, struct nsf_prefix *prefix);

/* What both of them answer. */
struct nsf_lists_place {
    const struct nsf_listed *sender; /* NULL: no listed provider */
    const struct nsf_networks *table;
    struct nsf_prefix network;
    uint64_t network_id;
};
struct nsf_lists_place nsf_lists_place_of(const struct nsf_lists *lists, struct nsf_ip ip);

#endif

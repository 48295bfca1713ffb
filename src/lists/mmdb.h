/*
 * mmdb.h - country and network owner of an address from MaxMind databases: annotation for people, no evidence. The only
 * place that sees libmaxminddb.
 *
 * Read-only once open: any thread may ask.
 */
#ifndef NSF_MMDB_H
#define NSF_MMDB_H

#include "core/err.h"
#include "core/ipaddr.h"

struct nsf_mmdb;

struct nsf_mmdb *nsf_mmdb_open(const char *path, struct nsf_err *err) NSF_CHECKED;
/* NULL is fine. */
void nsf_mmdb_close(struct nsf_mmdb *mmdb);

#define NSF_MMDB_COUNTRY_BYTES 3
#define NSF_MMDB_OWNER_BYTES 80

/* What the databases say; "" and 0 where they say nothing. Texts are of foreign origin: escape before showing. */
struct nsf_mmdb_entry {
    char country[NSF_MMDB_COUNTRY_BYTES]; /* ISO 3166, two letters */
    char owner[NSF_MMDB_OWNER_BYTES];
    uint32_t as_number;
};

/* Fills what this database knows and leaves the rest of *entry alone. */
void nsf_mmdb_find(const struct nsf_mmdb *mmdb, struct nsf_ip ip, struct nsf_mmdb_entry *entry);

#endif

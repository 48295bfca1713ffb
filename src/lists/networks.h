/*
 * networks.h - named networks from lists that people keep or providers publish: senders, partners, scanners, drop
 * lists, service tags, published MX addresses.
 *
 * A table is filled from any number of lists, finished, and read-only from then on (any thread may ask). What it
 * answers does not depend on the order in which lists or lines came. Where one prefix has several names, the bytewise
 * smallest counts. Names compare without ASCII case; all prefixes of one name belong together.
 */
#ifndef NSF_NETWORKS_H
#define NSF_NETWORKS_H

#include "core/err.h"
#include "core/ipaddr.h"
#include "core/problem.h"

/* Where an entry came from, for the report. */
struct nsf_list_origin {
    struct nsf_slice path; /* as given, or what names a list that the program carries */
    struct nsf_slice date; /* what the list says of its own age or version; absent: nothing */
};

struct nsf_listed {
    struct nsf_prefix prefix;
    struct nsf_slice name; /* absent: the entry has none */
    uint32_t name_id;      /* equal for entries of one name; of its own for an entry without one */
    uint32_t origin_idx;
};

struct nsf_networks;

struct nsf_networks *nsf_networks_new(void);
/* NULL is fine. */
void nsf_networks_free(struct nsf_networks *networks);

/* Copies the texts. The index serves nsf_networks_add. */
uint32_t nsf_networks_add_origin(struct nsf_networks *networks, struct nsf_slice path, struct nsf_slice date);
/* Copies the name; {NULL, 0} for none. */
void nsf_networks_add(struct nsf_networks *networks, struct nsf_prefix prefix, struct nsf_slice name,
                      uint32_t origin_idx);
/* All of first..last, as the fewest prefixes; last >= first and both of one family. */
void nsf_networks_add_range(struct nsf_networks *networks, struct nsf_ip first, struct nsf_ip last,
                            struct nsf_slice name, uint32_t origin_idx);

/*
 * Reads one list; its form is told from its bytes:
 *   text     one CIDR, address or a-b range a line, then a blank, `;` or `,` and a name; `#` comments, lines that begin
 * with `;`, a heading such as `ip,ptr` JSON     arrays of such texts or of objects with one; Azure service tags; Office
 * 365 endpoints (those with TCP 25 alone where the file has any); MISP warning lists; address lists of Google and
 * Amazon NDJSON   one object a line, as Spamhaus DROP What cannot be read is a problem with path and offset (and the
 * line in its text), and reading goes on. Fails only where nothing at all could be read.
 */
nsf_result nsf_networks_read(struct nsf_networks *networks, struct nsf_slice bytes, struct nsf_slice path,
                             struct nsf_problems *problems, struct nsf_err *err) NSF_CHECKED;
/* The same for a file. */
nsf_result nsf_networks_load(struct nsf_networks *networks, const char *path, struct nsf_problems *problems,
                             struct nsf_err *err) NSF_CHECKED;

/* Makes the table ready to be asked; nothing can be added from here on. */
void nsf_networks_finish(struct nsf_networks *networks);

size_t nsf_networks_count(const struct nsf_networks *networks);
/* The narrowest entry around ip; NULL: none. Lends until free. NULL networks hold nothing. */
const struct nsf_listed *nsf_networks_find(const struct nsf_networks *networks, struct nsf_ip ip);
/* Whether any entry has an address in common with the prefix. */
bool nsf_networks_touches(const struct nsf_networks *networks, struct nsf_prefix prefix);
/* All prefixes of a name, ascending; returns how many, 0: no such name. Lends until free. */
size_t nsf_networks_named(const struct nsf_networks *networks, struct nsf_slice name,
                          const struct nsf_prefix **prefixes);
size_t nsf_networks_of_name_id(const struct nsf_networks *networks, uint32_t name_id,
                               const struct nsf_prefix **prefixes);
struct nsf_list_origin nsf_networks_origin(const struct nsf_networks *networks, uint32_t origin_idx);

#endif

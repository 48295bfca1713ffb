/*
 * tags.h - service tags: a table of somebody else's behind one function, and a cache of what it said.
 *
 * The cache keeps each tag's prefixes as ranges, so that a tag used in thousands of NSGs is sorted once. One thread.
 */
#ifndef NSF_TAGS_H
#define NSF_TAGS_H

#include "core/intern.h"
#include "exposure/ipset.h"

/* Looks a tag up without case. False: it is not in the table. *prefixes lives as long as the table. Names like
 * "Storage.WestEurope" are looked up as they are. */
struct nsf_tag_lookup {
    void *ctx;
    bool (*find)(void *ctx, struct nsf_slice tag, const struct nsf_prefix **prefixes, size_t *n); /* NULL: no table */
};

struct nsf_tags {
    struct nsf_tag_lookup lookup;
    struct nsf_intern names; /* lower case */
    struct nsf_ipset *sets;  /* by id of `names` */
    bool *is_known;
    size_t capacity;
    size_t known_capacity;
};

void nsf_tags_init(struct nsf_tags *tags, struct nsf_tag_lookup lookup);
void nsf_tags_release(struct nsf_tags *tags);
/* NULL: no table, or not in it. Lends until the next call. */
const struct nsf_ipset *nsf_tags_find(struct nsf_tags *tags, struct nsf_slice tag);

#endif

/*
 * scope_cache.h - the ids of the scopes that the records at hand have: the table of all of them is behind a lock.
 *
 * A log repeats itself: each NIC has its records, each record the rules that the one before had. So a record's own
 * scope is looked up among those of the last NICs, and a group's by its record's and by what the group adds to that.
 * What is not found comes from the table. One thread at a time; nothing to release.
 */
#ifndef NSF_ENVELOPE_SCOPE_CACHE_H
#define NSF_ENVELOPE_SCOPE_CACHE_H

#include "flow/scope.h"

/* A place is shared by so many, which are looked at in turn. */
#define NSF_SCOPE_CACHE_WAYS 4u
#define NSF_SCOPE_CACHE_RECORDS 32u
#define NSF_SCOPE_CACHE_GROUPS 128u
/* In the place of a record's scope id: it is not known, and the table is asked each time. */
#define NSF_SCOPE_CACHE_NO_RECORD UINT32_MAX

struct nsf_cached_scope {
    uint64_t hash;
    uint32_t id;
    uint32_t record_id;     /* of a group's record, which has the same flow log and layout */
    struct nsf_scope scope; /* texts of the table */
    bool is_used;
};

/* Those whose hashes end alike; the one that was new last stands first. */
struct nsf_scope_cache_place {
    struct nsf_cached_scope ways[NSF_SCOPE_CACHE_WAYS];
};

struct nsf_scope_cache {
    struct nsf_scopes *scopes;
    uint64_t seed;
    struct nsf_scope_cache_place records[NSF_SCOPE_CACHE_RECORDS];
    struct nsf_scope_cache_place groups[NSF_SCOPE_CACHE_GROUPS];
};

/* The cache is all zero before. Borrows the table. */
void nsf_scope_cache_init(struct nsf_scope_cache *cache, struct nsf_scopes *scopes, uint64_t seed);
/* Of a record's own scope. */
uint32_t nsf_scope_cache_record(struct nsf_scope_cache *cache, const struct nsf_scope *scope);
/* Of a group's; record_id is the id of its record's own, whose layout and flow log it has, or ..._NO_RECORD. */
uint32_t nsf_scope_cache_group(struct nsf_scope_cache *cache, uint32_t record_id, const struct nsf_scope *scope);

#endif

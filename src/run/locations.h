/*
 * locations.h - what the user named, a local path or a storage address, to a source; and single files out of storage.
 *
 * One for a run: it holds what all storage addresses share. Make it before any thread starts, free it after all
 * sources.
 */
#ifndef NSF_RUN_LOCATIONS_H
#define NSF_RUN_LOCATIONS_H

#include "source/source.h"

#include <stdatomic.h>

struct nsf_locations_options {
    const char *endpoint; /* --endpoint, --ca-file; or NULL */
    const char *ca_file;
    unsigned max_requests_per_second; /* 0: no limit */
    const atomic_bool *is_stopped;    /* NULL: never */
    void (*say)(const char *line);    /* --verbose; NULL: nobody listens. Any thread */
};

struct nsf_locations;

struct nsf_locations *nsf_locations_new(const struct nsf_locations_options *options) __attribute__((returns_nonnull));
/* Closes what was fetched. NULL is fine. */
void nsf_locations_free(struct nsf_locations *locations);

bool nsf_locations_is_remote(const char *location);
/* The location as it may be shown, in *err and elsewhere: without the secrets of an URL. */
struct nsf_slice nsf_locations_shown(const char *location);

/* The caller frees the source. *err has its subject. */
nsf_result nsf_locations_source(struct nsf_locations *locations, const char *location, struct nsf_source **source,
                                struct nsf_err *err) NSF_CHECKED;

/* A file that was fetched: its name for people and a descriptor that can seek. Both live until nsf_locations_free. */
struct nsf_fetched {
    const char *name;
    int fd;
};

/* Fetches every blob of a remote location, the largest of them bounded by max_bytes. *files lends until the next fetch
 * of these locations. Fails with NSF_E_EMPTY when there is none. */
nsf_result nsf_locations_fetch(struct nsf_locations *locations, const char *location, uint64_t max_bytes,
                               const struct nsf_fetched **files, size_t *n_files, struct nsf_err *err) NSF_CHECKED;

#endif

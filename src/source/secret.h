/*
 * secret.h - keeps what a storage address hides out of messages and process listings.
 */
#ifndef NSF_SECRET_H
#define NSF_SECRET_H

#include "core/slice.h"

/* A location as it may be shown: an URL without its query, a path as it is. Part of `location`. */
struct nsf_slice nsf_secret_cut(const char *location);

/* A copy of argv (NULL-ended; one block, free with nsf_free) to be read instead of it; in argv itself the queries of
 * URLs, and values behind sig= and AccountKey=, are then overwritten with '*', so that ps shows none. Once, before
 * anything else reads argv. */
char **nsf_secret_take_args(int argc, char **argv) __attribute__((returns_nonnull));

/* In a sentence for people, what may be a secret becomes "***": the queries of URLs, and what stands behind sig= and
 * AccountKey=. In place; gives the new length. */
size_t nsf_secret_mask(char *text, size_t len);

#endif

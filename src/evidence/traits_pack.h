/*
 * traits_pack.h - traits in a third of their memory: gaps instead of times, seven bits a byte.
 *
 * The bytes are read by nobody but nsf_traits_unpack in the same process. Pure functions on the caller's storage.
 */
#ifndef NSF_TRAITS_PACK_H
#define NSF_TRAITS_PACK_H

#include "evidence/traits.h"

/* Bytes that nsf_traits_pack may write. */
size_t nsf_traits_pack_max(const struct nsf_traits *traits);
/* Returns how many bytes it wrote; *traits is not NULL. */
size_t nsf_traits_pack(const struct nsf_traits *traits, unsigned char *bytes);
/* Replaces what *traits holds; it moves when it grows. */
void nsf_traits_unpack(const unsigned char *bytes, struct nsf_traits **traits);

#endif

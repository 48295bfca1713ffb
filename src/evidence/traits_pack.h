/*
 * traits_pack.h - traits in a third of their memory: gaps of 16 bits instead of times, where they fit.
 *
 * The words are read by nobody but nsf_traits_unpack in the same process. Pure functions on the caller's storage.
 */
#ifndef NSF_TRAITS_PACK_H
#define NSF_TRAITS_PACK_H

#include "evidence/traits.h"

/* Words that nsf_traits_pack may write. */
size_t nsf_traits_pack_max(const struct nsf_traits *traits);
/* Returns how many words it wrote; *traits is not NULL. */
size_t nsf_traits_pack(const struct nsf_traits *traits, uint16_t *words);
/* Replaces what *traits holds; it moves when it grows. Lists from `end` on, NSF_TRAIT_LISTS for none, are left empty.
 */
void nsf_traits_unpack(const uint16_t *words, unsigned end, struct nsf_traits **traits);

#endif

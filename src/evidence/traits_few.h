/*
 * traits_few.h - the traits of a source that connected a few times, made in one go: what comes in order of time is
 * appended to the lists, where adding one by one has to look for the place of each.
 */
#ifndef NSF_TRAITS_FEW_H
#define NSF_TRAITS_FEW_H

#include "evidence/traits.h"

#define NSF_TRAITS_FEW 16u

/* What nsf_traits_add_part would make of up to NSF_TRAITS_FEW connections, ascending by time, NIC and class, in a block
 * that is empty or NULL. */
void nsf_traits_of_few(struct nsf_traits **traits, enum nsf_traits_part part, const struct nsf_trait_note *notes,
                       uint32_t n);

#endif

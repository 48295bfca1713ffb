/*
 * traits_same.h - whether two blocks of traits say the same of a source.
 */
#ifndef NSF_TRAITS_SAME_H
#define NSF_TRAITS_SAME_H

#include "evidence/traits.h"

/* Fails the test unless all lists and all else are equal; neither is NULL. */
void assert_same_traits(const struct nsf_traits *a, const struct nsf_traits *b);

#endif

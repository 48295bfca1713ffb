/*
 * pairs.h - a subnet's NSG and an interface's NSG on one path: both have to let traffic in.
 *
 * Works on evaluated NSGs and on what the estate shows of interfaces, when all of both are there.
 */
#ifndef NSF_PAIRS_H
#define NSF_PAIRS_H

#include "exposure/estate.h"
#include "exposure/exposure.h"

/* Adds gates to the findings of all results, marks those that are stopped on every path, and says so in their notes
 * (security admin rules included). What is made is in `keep`. */
void nsf_pairs_decide(const struct nsf_estate *estate, struct nsf_exposure_result *results, size_t n,
                      struct nsf_arena *keep);

#endif

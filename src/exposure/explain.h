/*
 * explain.h - for one address: which rule of an NSG decides, and what every rule says of it.
 *
 * The answer is found rule by rule, not by the arithmetic of exposure.h, so that the two can be held against each
 * other.
 */
#ifndef NSF_EXPLAIN_H
#define NSF_EXPLAIN_H

#include "exposure/explained.h"
#include "exposure/exposure.h"

/* Borrows nsg; what *explained points to is in `keep`. Of the settings the port and the tags count. */
void nsf_explain(const struct nsf_exposure_settings *settings, const struct nsf_nsg *nsg, struct nsf_ip source,
                 struct nsf_arena *keep, struct nsf_explained *explained);

#endif

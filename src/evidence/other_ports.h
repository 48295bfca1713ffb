/*
 * other_ports.h - what else came in under each rule than mail: its ports with the most tuples, and the sum of the rest.
 */
#ifndef NSF_OTHER_PORTS_H
#define NSF_OTHER_PORTS_H

#include "evidence/evidence.h"

/* Fills the other ports of all rules, which are numbered as the findings. */
void nsf_other_ports_fill(const struct nsf_evidence *evidence, struct nsf_review *review);

#endif

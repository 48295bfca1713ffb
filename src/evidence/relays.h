/*
 * relays.h - the outbound mail of all NICs that send any, each made ready once for all the rules it stands under.
 *
 * Read-only once made, any thread.
 */
#ifndef NSF_RELAYS_H
#define NSF_RELAYS_H

#include "evidence/evidence.h"
#include "evidence/relay.h"

struct nsf_relays;

/* Borrows the finished evidence until free. */
struct nsf_relays *nsf_relays_new(const struct nsf_evidence *evidence, unsigned jobs);
/* NULL is fine. */
void nsf_relays_free(struct nsf_relays *relays);

/* NICs are numbered by name. */
uint32_t nsf_relays_count(const struct nsf_relays *relays);
/* Number of the first one, at or behind `nic`, that was logged under the NSG of the finding; the count behind the last
 * one. */
uint32_t nsf_relays_next(const struct nsf_relays *relays, uint32_t finding_idx, uint32_t nic);
/* Lends. */
const struct nsf_relay *nsf_relays_get(const struct nsf_relays *relays, uint32_t nic, struct nsf_slice *name);

#endif

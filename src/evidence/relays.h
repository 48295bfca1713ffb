/*
 * relays.h - the outbound mail of all NICs that send any, each made ready once for all the rules it stands under.
 *
 * Read-only once made, any thread.
 */
#ifndef NSF_RELAYS_H
#define NSF_RELAYS_H

#include "core/pair_list.h"
#include "evidence/evidence.h"
#include "evidence/relay.h"

struct nsf_relays;

/* Borrows the finished evidence until free. */
struct nsf_relays *nsf_relays_new(const struct nsf_evidence *evidence, unsigned jobs);
/* NULL is fine. */
void nsf_relays_free(struct nsf_relays *relays);

/* The numbers (second ones) of the NICs that were logged under the NSG of the finding; NICs are numbered by name.
 * Lends.
 */
struct nsf_pair_range nsf_relays_of(const struct nsf_relays *relays, uint32_t finding_idx);
struct nsf_relays_nic {
    struct nsf_slice name;
    uint16_t nic; /* NSF_TRAIT_NIC */
    const struct nsf_relay *mail;
};
/* Lends. */
struct nsf_relays_nic nsf_relays_get(const struct nsf_relays *relays, uint32_t number);

#endif

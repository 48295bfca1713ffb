/*
 * peers.h - NSGs out of the findings of other tools, where nobody gave their definitions.
 *
 * Less is known then, and the notes say what: a rule is what the tool says of it. Internal to rules/.
 */
#ifndef NSF_PEERS_H
#define NSF_PEERS_H

#include "rules/findings.h"

/* For each NSG that the finished list says something of about TCP 25, that has a full id (our own findings may have
 * another) and is not known: one NSG, by id. What is
 * given lives until `give` returns. */
void nsf_peers_give_nsgs(const struct nsf_peer_findings *list, bool (*is_known)(void *ctx, struct nsf_slice id),
                         void (*give)(void *ctx, const struct nsf_nsg *nsg), void *ctx);

#endif

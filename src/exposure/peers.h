/*
 * peers.h - findings of other tools beside ours: joined by NSG and rule, and where the two disagree, why.
 */
#ifndef NSF_PEERS_H
#define NSF_PEERS_H

#include "exposure/scan.h"
#include "rules/findings.h"

/* Copies what is kept into `keep`; findings that do not speak of the port are left out (false). */
bool nsf_peer_row_make(const struct nsf_peer_finding *finding, struct nsf_arena *keep, struct nsf_peer_row *row);
/* Joins the rows to the finished scan and sorts them: by NSG, tool, check, rule. */
void nsf_peer_rows_judge(struct nsf_scan *scan);

#endif

/*
 * sent_on.h - after which moments a NIC sends mail on. Read-only once made, any thread.
 */
#ifndef NSF_SENT_ON_H
#define NSF_SENT_ON_H

#include "evidence/evidence.h"

#define NSF_SENT_ON_SECONDS 120u

struct nsf_sent_on;

/* Of finished evidence; borrows nothing. Empty where no connection is without counters: of nobody else it is asked. */
struct nsf_sent_on *nsf_sent_on_new(const struct nsf_evidence *evidence);
/* NULL is fine. */
void nsf_sent_on_free(struct nsf_sent_on *sent_on);
/* Does an outbound message of the NIC (NSF_TRAIT_NIC) begin within (second, second + NSF_SENT_ON_SECONDS]? */
bool nsf_sent_on_after(const struct nsf_sent_on *sent_on, uint16_t nic, uint64_t second);

#endif

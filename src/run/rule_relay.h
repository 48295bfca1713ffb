/*
 * rule_relay.h - what the outbound mail of a rule's NICs says, NIC by NIC: a rule is as bad as the worst of them. An
 * honest server beside a relay neither hides it nor is it, and many machines with little mail each are no spammer.
 */
#ifndef NSF_RULE_RELAY_H
#define NSF_RULE_RELAY_H

#include "core/arena.h"
#include "evidence/dossier.h"
#include "evidence/relays.h"
#include "judge/relay_state.h"

struct nsf_rule_relay;

/* Borrows the relays. `n_days` of the window; is_examined: some flow log covers the rule. */
struct nsf_rule_relay *nsf_rule_relay_new(const struct nsf_relays *relays, uint32_t finding_idx, uint32_t n_days,
                                          bool is_examined);
/* NULL is fine. */
void nsf_rule_relay_free(struct nsf_rule_relay *relay);
/* A source under the rule that is no known or likely sender: of what each NIC sends it is asked with the mail that came
 * to that one. */
void nsf_rule_relay_suspect(struct nsf_rule_relay *relay, const struct nsf_sent *sent);
/* Joins what was made for the same rule and met the sources behind those met here. */
void nsf_rule_relay_join(struct nsf_rule_relay *relay, const struct nsf_rule_relay *other);
/* Fills in the rule's state and its sentences, which stand in the arena. Returns whether some NIC fans out far above
 * its own baseline. */
bool nsf_rule_relay_finish(const struct nsf_rule_relay *relay, struct nsf_arena *arena, struct nsf_review_rule *rule);

#endif

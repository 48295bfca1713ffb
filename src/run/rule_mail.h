/*
 * rule_mail.h - who mails through one rule, by network: what its verdict, its break-risk and its allow-list are made
 * of.
 *
 * A sender network is one with a message of somebody who is not hostile, no spam source and no probe; without counters
 * one of a likely or possible sender, and its connections stand for messages (of each source the earliest
 * NSF_TRAIT_TIMES_MAX). Seven days are seven UTC days in a row; the first 70 % of the days are rounded down.
 */
#ifndef NSF_RULE_MAIL_H
#define NSF_RULE_MAIL_H

#include "evidence/dossier.h"
#include "judge/break_risk.h"

/* A network of sources that send, or may send, mail: hostile and spam sources are left out. */
struct nsf_mail_network {
    uint64_t id;
    uint32_t messages;         /* stops at the largest */
    bool is_sender;            /* some source of it is known or likely */
    struct nsf_traits *traits; /* NSF_TRAIT_MESSAGE_DAYS only; without counters connections stand for messages */
};

struct nsf_rule_mail {
    struct nsf_mail_network *networks; /* by id */
    size_t n_networks;
    size_t capacity;
    uint64_t sender_messages; /* of known and likely senders */
    uint64_t spam_messages;   /* of spam sources */
    uint64_t other_messages;  /* of possible senders and those nobody decided */
};

void nsf_rule_mail_release(struct nsf_rule_mail *mail);
/* One source under the rule and what it was judged to be. */
void nsf_rule_mail_add(struct nsf_rule_mail *mail, const struct nsf_sent *sent, enum nsf_source_verdict verdict);
/* Sorts and joins. */
void nsf_rule_mail_finish(struct nsf_rule_mail *mail);

/* The most sender networks in any seven days in a row. */
uint64_t nsf_rule_mail_networks_in_7_days(const struct nsf_rule_mail *mail);
/* Learns the networks on the first 70 % of the days from `from_day` to before `to_day`, and counts what that list would
 * have refused on the rest. */
void nsf_rule_mail_break_risk(const struct nsf_rule_mail *mail, int64_t from_day, int64_t to_day,
                              struct nsf_break_risk_facts *facts);

#endif

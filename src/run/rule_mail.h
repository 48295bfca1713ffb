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

#include "core/radix_sort.h"
#include "evidence/dossier.h"
#include "judge/break_risk.h"

/* Who is hostile and who sends spam are left out. */
struct nsf_rule_mail {
    /* By network, then day, each pair once; the first item of a network holds all its messages. While sources are
     * added, one item a source and day. */
    struct nsf_keyed *items; /* id of the network, NSF_MAIL_ITEM */
    size_t n_items;
    size_t capacity;
    size_t n_networks;
    uint64_t sender_messages; /* of known and likely senders */
    uint64_t spam_messages;   /* of spam sources */
    uint64_t other_messages;  /* of possible senders and those nobody decided */
};

/* Messages of a network, up to the largest, in the lower half; in the upper half a day << 16 and the messages on it, up
 * to 65535. Without counters connections stand for messages there. None on the day: there is no day. */
#define NSF_MAIL_ITEM(on_day, messages) ((uint64_t)(on_day) << 32 | (messages))
#define NSF_MAIL_ITEM_MESSAGES(item) ((uint32_t)(item))
#define NSF_MAIL_ITEM_ON_DAY(item) ((uint32_t)((item) >> 32))

void nsf_rule_mail_release(struct nsf_rule_mail *mail);
/* One source under the rule and what it was judged to be. */
void nsf_rule_mail_add(struct nsf_rule_mail *mail, const struct nsf_sent *sent, enum nsf_source_verdict verdict);
/* Takes what was added to another one, which is empty then. */
void nsf_rule_mail_join(struct nsf_rule_mail *mail, struct nsf_rule_mail *other);
/* Sorts and joins. */
void nsf_rule_mail_finish(struct nsf_rule_mail *mail);

/* The most sender networks in any seven days in a row. */
uint64_t nsf_rule_mail_networks_in_7_days(const struct nsf_rule_mail *mail);
/* Learns the networks on the first 70 % of the days from `from_day` to before `to_day`, and counts what that list would
 * have refused on the rest. */
void nsf_rule_mail_break_risk(const struct nsf_rule_mail *mail, int64_t from_day, int64_t to_day,
                              struct nsf_break_risk_facts *facts);

#endif

/*
 * facts_pack.h - the facts of one source in eight bytes, so that a judgement can be put into words again when a report
 * asks for it, long after all that the facts were made of.
 *
 * Kept is what changes a judgement or stands in its words, no more: a judge gives the same answer on what comes back.
 * Pure functions, any thread.
 */
#ifndef NSF_FACTS_PACK_H
#define NSF_FACTS_PACK_H

#include "judge/facts.h"

struct nsf_packed_facts {
    uint32_t days : 5;
    uint32_t has_two_weeks : 1;
    uint32_t busiest_day : 3;
    uint32_t message_days : 5;
    uint32_t network_message_days : 5;
    uint32_t has_two_message_weeks : 1;
    uint32_t lonely : 3;
    uint32_t has_excused : 1;
    uint32_t ambiguous_days : 2;
    uint32_t dialog_days : 2;
    uint32_t guessing_a_day : 2;
    uint32_t is_retrying : 1;
    uint32_t has_fixed_port : 1;
    uint32_t silent_addresses : 5;
    uint32_t denied_mail_addresses : 5;
    uint32_t has_strange_ports : 1;
    uint32_t has_only_mail_ports : 1;
    uint32_t relayed_pairs : 7;
    uint32_t relayed_by_chance_tenths : 8;
    uint32_t verdict : 4; /* the caller's */
};

struct nsf_packed_facts nsf_facts_pack(const struct nsf_sender_facts *facts, enum nsf_source_verdict verdict);
/* Leaves the address, the counts of connections and the mentions of lists as they are. */
void nsf_facts_unpack(struct nsf_packed_facts packed, struct nsf_sender_facts *facts);

#endif

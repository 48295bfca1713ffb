#include "core/nsf_common.h"

#include "judge/facts_pack.h"

_Static_assert(sizeof(struct nsf_packed_facts) == 8, "ten million sources keep their facts");
_Static_assert(NSF_DISTINCT_EXACT_MAX < 32, "distinct counts fit into five bits");

/* Where counts stop: as far as each member of the facts is exact. */
enum {
    BUSIEST_DAY_MAX = 5,
    LONELY_MAX = 4,
    DAYS_OF_DOUBT_MAX = 3,
    PAIRS_MAX = 127,
    CHANCE_MAX = 255, /* three times as much is more than any number of pairs */
};

static uint32_t up_to(uint64_t n, uint32_t most)
{
    return n < most ? (uint32_t)n : most;
}

struct nsf_packed_facts nsf_facts_pack(const struct nsf_sender_facts *facts, enum nsf_source_verdict verdict)
{
    return (struct nsf_packed_facts){
        .days = up_to(facts->days, NSF_DISTINCT_EXACT_MAX) & 31,
        .has_two_weeks = facts->weeks >= 2,
        .busiest_day = up_to(facts->busiest_day, BUSIEST_DAY_MAX) & 7,
        .message_days = up_to(facts->message_days, NSF_DISTINCT_EXACT_MAX) & 31,
        .network_message_days = up_to(facts->network_message_days, NSF_DISTINCT_EXACT_MAX) & 31,
        .has_two_message_weeks = facts->network_message_weeks >= 2,
        .lonely = up_to(facts->lonely, LONELY_MAX) & 7,
        .has_excused = facts->has_excused,
        .ambiguous_days = up_to(facts->ambiguous_days, DAYS_OF_DOUBT_MAX) & 3,
        .dialog_days = up_to(facts->dialog_days, DAYS_OF_DOUBT_MAX) & 3,
        .guessing_a_day = up_to(facts->guessing_a_day, DAYS_OF_DOUBT_MAX) & 3,
        .is_retrying = facts->is_retrying,
        .has_fixed_port = facts->has_fixed_port,
        .silent_addresses = up_to(facts->silent_addresses, NSF_DISTINCT_EXACT_MAX) & 31,
        .denied_mail_addresses = up_to(facts->denied_mail_addresses, NSF_DISTINCT_EXACT_MAX) & 31,
        .has_strange_ports = facts->has_strange_ports,
        .has_only_mail_ports = facts->has_only_mail_ports,
        .relayed_pairs = up_to(facts->relayed_pairs, PAIRS_MAX) & 127,
        .relayed_by_chance_tenths = up_to(facts->relayed_by_chance_tenths, CHANCE_MAX) & 255,
        .verdict = (uint32_t)verdict & 15,
    };
}

void nsf_facts_unpack(struct nsf_packed_facts packed, struct nsf_sender_facts *facts)
{
    facts->days = packed.days;
    facts->weeks = packed.has_two_weeks ? 2 : 1;
    facts->busiest_day = packed.busiest_day;
    facts->message_days = packed.message_days;
    facts->network_message_days = packed.network_message_days;
    facts->network_message_weeks = packed.has_two_message_weeks ? 2 : 0;
    facts->lonely = packed.lonely;
    facts->has_excused = packed.has_excused;
    facts->ambiguous_days = packed.ambiguous_days;
    facts->dialog_days = packed.dialog_days;
    facts->guessing_a_day = packed.guessing_a_day;
    facts->is_retrying = packed.is_retrying;
    facts->has_fixed_port = packed.has_fixed_port;
    facts->silent_addresses = packed.silent_addresses;
    facts->denied_mail_addresses = packed.denied_mail_addresses;
    facts->has_strange_ports = packed.has_strange_ports;
    facts->has_only_mail_ports = packed.has_only_mail_ports;
    facts->relayed_pairs = packed.relayed_pairs;
    facts->relayed_by_chance_tenths = packed.relayed_by_chance_tenths;
}

/*
 * rule_verdict.h - what to do about an exposing rule: the verdict with its one sentence, the risk of leaving it, the
 * order of the queue. Pure functions over plain counts, any thread.
 *
 * What the words of the rules are taken to mean: without counters is where no connection has any; of probing addresses
 * all that are called hostile count; an opening of IPv6 alone counts like all of IPv4; what is known of no break-risk
 * stands behind every known one; and where nothing came in, but another NSG on the path let mail in, there is not
 * enough evidence.
 */
#ifndef NSF_RULE_VERDICT_H
#define NSF_RULE_VERDICT_H

#include "evidence/review.h"

#define NSF_REASON_BYTES 400

struct nsf_rule_facts {
    /* exposure */
    bool is_latent;         /* attached to nothing, or denied by the other NSG or an admin rule */
    bool is_attached;       /* the input shows a subnet or NIC */
    bool has_public_path;   /* the input shows a public address in front */
    bool is_masked;         /* the source is `*`, Any or 0.0.0.0/0, and nearly all connections come from inside */
    bool opens_other_ports; /* more than the ports of mail */
    uint64_t public_ipv4;
    bool has_public_ipv6;
    /* traffic */
    bool is_logged;     /* some flow log covers the NSG */
    bool lacks_port_25; /* the flow logs look filtered: no port 25 at all, or nothing that was let in */
    bool lacks_allowed;
    bool has_mail_elsewhere;    /* another NSG on its NICs let mail in */
    bool has_dark_path;         /* another NSG stands on its path and no log covers it */
    uint64_t dark_nics;         /* attached interfaces that no log shows */
    uint64_t senders_elsewhere; /* that may send mail and were logged under other rules only: of the same path, or of
                                   rules whose place this one has taken */
    const char *changed_on;     /* the day from which on the logs speak of the rule as it is; NULL: all along */
    bool has_counters;          /* some connection had them, or would have */
    char confidence;
    uint64_t connections;
    uint64_t hostile_connections; /* of sources that are called hostile */
    uint64_t guessing_connections;
    uint64_t messages;
    uint64_t sender_messages;                      /* of known and likely senders */
    uint64_t spam_messages;                        /* of spam sources */
    uint64_t by_verdict[NSF_SOURCE_UNDECIDED + 1]; /* sources */
    uint64_t sources;
    uint64_t drop_listed_sources;
    /* networks of sources that send or may send mail */
    uint64_t sender_networks;
    uint64_t sender_networks_in_7_days; /* the most in any seven days */
    bool has_new_senders;               /* the chance that the next message is from a network never seen is over 5 % */
    enum nsf_relay_state relay;
    bool has_fan_out;
    int64_t window_ms;
    /* governance */
    bool has_owner;
    bool has_justification; /* a description, or an exception that has not expired */
    bool is_past_deadline;
};

struct nsf_rule_judgement {
    enum nsf_rule_verdict verdict;
    char reason[NSF_REASON_BYTES]; /* one sentence */
    uint32_t risk;                 /* 0..100 */
};

void nsf_judge_rule(const struct nsf_rule_facts *facts, struct nsf_rule_judgement *judgement);

/* Hostile sources, in doubt, senders. */
uint64_t nsf_rule_hostile_sources(const struct nsf_rule_facts *facts);
uint64_t nsf_rule_sources_in_doubt(const struct nsf_rule_facts *facts);

/* What the queue is sorted by; <0: a before b. Ties beyond it are the caller's (NSG, rule). */
struct nsf_queue_key {
    enum nsf_rule_verdict verdict;
    uint32_t risk;
    char confidence;
    int32_t break_risk_permille; /* -1: not known, behind every known one */
};
int nsf_queue_cmp(const struct nsf_queue_key *a, const struct nsf_queue_key *b);

#endif

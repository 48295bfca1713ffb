/*
 * facts.h - what the evidence tells the judge of one source: plain numbers, over all rules and all logs.
 *
 * Distinct counts may stop at NSF_DISTINCT_EXACT_MAX, and any count may stop once more of it changes nothing: each
 * member says where.
 */
#ifndef NSF_FACTS_H
#define NSF_FACTS_H

#include "evidence/review.h"

/* Where a list names the source. */
struct nsf_mention {
    bool is_listed;
    struct nsf_slice name; /* absent: the list gives none */
    struct nsf_slice list; /* its path, or the name of a list that the program carries */
    struct nsf_slice date; /* absent: the list does not tell its age */
};

struct nsf_sender_facts {
    struct nsf_ip address;
    struct nsf_mention partner;
    struct nsf_mention sender;
    struct nsf_mention scanner;
    struct nsf_mention drop;

    uint64_t connections; /* allowed ones */
    uint64_t classes[NSF_CLASSES];
    bool has_counters;    /* some connection had */
    uint32_t days;        /* distinct UTC days; exact up to 16 */
    uint32_t weeks;       /* distinct ISO weeks; exact up to 2 */
    uint32_t busiest_day; /* connections on the fullest day; exact up to 5, and only while days < 4 */

    /* mail */
    uint32_t message_days;          /* of the address; exact up to 16 */
    uint32_t network_message_days;  /* of its whole network; exact up to 16 */
    uint32_t network_message_weeks; /* exact up to 2 */
    uint64_t
        lonely; /* no_reply, touch and dialog connections with no message of the network within 6 h; exact up to 4 */
    bool has_excused;        /* some had a message near */
    uint32_t ambiguous_days; /* exact up to 3 */
    uint32_t dialog_days;    /* exact up to 3 */
    uint32_t guessing_a_day; /* guessing connections on the worst day; exact up to 3 */

    /* what else it did */
    bool has_strange_ports;    /* contact, allowed or denied, with ports that no mail server needs */
    bool has_only_mail_ports;  /* contact with 25, 465 and 587 and nothing else */
    uint32_t silent_addresses; /* own addresses it tried 25 on that carry no SMTP for anybody */
    uint32_t denied_mail_addresses;
    bool has_fixed_port;    /* one source port in three or more connections on different days */
    bool is_retrying;       /* its network retries one of our addresses as mail servers do */
    uint64_t relayed_pairs; /* after its connection the same server sent mail on within 120 s; 0 where not examined */
    uint64_t relayed_by_chance_tenths; /* what shifted windows gave, in tenths of a pair */
};

/* Everything known of one address, over all rules, also of one that was only denied or that never came. */
struct nsf_address_profile {
    struct nsf_sender_facts facts; /* with what lists say */
    struct nsf_mention mx;
    struct nsf_mention names;
    struct nsf_mail_source source; /* the judge's part and `cross`; the counts are void */
};

#endif

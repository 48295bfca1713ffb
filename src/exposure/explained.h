/*
 * explained.h - the answer to "which rule decides about this address": plain data, written by exposure/, read by
 * report/. Owned by the arena it was made in.
 */
#ifndef NSF_EXPLAINED_H
#define NSF_EXPLAINED_H

#include "core/ipaddr.h"
#include "rules/nsg.h"

/* What a rule says of the address. The names are those of the JSON. */
#define NSF_SAY_TABLE(X)                                                                                               \
    X(OTHER_TRAFFIC, "other_traffic") /* another protocol or port */                                                   \
    X(OTHER_SOURCE, "other_source")   /* the address is in none of its sources */                                      \
    X(UNKNOWN, "unknown")             /* it cannot be read, or a tag that nobody expands may hold the address */       \
    X(NARROW, "narrow")               /* it decides for some source ports or destinations, not for all */              \
    X(DECIDES, "decides")                                                                                              \
    X(BEHIND, "behind") /* it holds the address, but an earlier rule decides */

enum nsf_say {
#define NSF_SAY_ENUM(say, name) NSF_SAY_##say,
    NSF_SAY_TABLE(NSF_SAY_ENUM)
#undef NSF_SAY_ENUM
};

const char *nsf_say_name(enum nsf_say say);

struct nsf_explained_rule {
    struct nsf_slice name;
    uint32_t priority;
    enum nsf_access access;
    enum nsf_say say;
    struct nsf_slice because; /* the source that holds the address, or what is not known; else absent */
};

enum nsf_answer {
    NSF_ANSWER_DENIED,
    NSF_ANSWER_ALLOWED,
    NSF_ANSWER_DEPENDS, /* on the source port or the destination */
    NSF_ANSWER_UNKNOWN,
};

const char *nsf_answer_name(enum nsf_answer answer);

struct nsf_explained {
    struct nsf_slice nsg_id;
    struct nsf_slice nsg_name;
    struct nsf_ip source;
    bool is_public;
    uint16_t port;
    enum nsf_answer answer;
    size_t decides_idx;               /* of the rule that decides for all the rest; the default rules always hold one */
    struct nsf_explained_rule *rules; /* inbound, by priority, the default rules included */
    size_t n_rules;
};

#endif

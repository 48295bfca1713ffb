/*
 * reading.h - one rule, read for one TCP port: does it match, which sources does it name, how narrow is it.
 *
 * Texts are borrowed from the rule. A reading is storage that is used again for the next rule: reset and read, release
 * at the end. One thread.
 */
#ifndef NSF_READING_H
#define NSF_READING_H

#include "core/err.h"
#include "exposure/ipset.h"
#include "exposure/tags.h"
#include "rules/nsg.h"

/* A source that is a name, not addresses. Two tokens with the same kind and text (without case) are the same set. */
enum nsf_token_kind {
    NSF_TOKEN_INNER, /* a tag that is not public: VirtualNetwork, AzureLoadBalancer, ... */
    NSF_TOKEN_CLOUD, /* AzureCloud[.region], not expanded */
    NSF_TOKEN_TAG,   /* another service tag, not expanded */
    NSF_TOKEN_ASG,   /* an application security group */
    NSF_TOKEN_BAD,   /* text that cannot be read; "" where no source stands at all */
};

struct nsf_token {
    enum nsf_token_kind kind;
    struct nsf_slice text;
};

struct nsf_tokens {
    struct nsf_token *items;
    size_t n;
    size_t capacity;
};

/* Source ports and destinations: what makes a rule narrow. */
struct nsf_narrowing {
    bool is_all_ports;
    bool is_all_targets;
    bool is_bad; /* a part cannot be read: it contains nothing, and only what contains everything contains it */
    struct nsf_ranges ports;
    struct nsf_ipset targets;
    struct nsf_tokens target_names; /* application security groups and tags */
};

enum nsf_match {
    NSF_MATCH_NO,
    NSF_MATCH_YES,
    NSF_MATCH_UNREADABLE, /* nobody can say */
};

struct nsf_reading {
    const struct nsf_rule *rule;
    enum nsf_match match; /* the inbound TCP port */
    bool is_allow;        /* also where the access cannot be read */
    bool is_all;          /* the sources are all addresses there are */
    bool has_internet;    /* the word Internet stands there */
    bool has_bad_source;
    bool has_vnet;         /* VirtualNetwork */
    bool is_vnet_expanded; /* addresses of `expanded_sources` are part of `sources` */
    struct nsf_ipset sources;
    struct nsf_ipset clouds; /* the addresses among them that stand for AzureCloud */
    struct nsf_tokens tokens;
    struct nsf_narrowing narrowing;
    struct nsf_slice reason; /* one that cannot be read, as the export spells it; absent: all can */
    const char *reason_part; /* "source", "destination port", ... */
};

void nsf_reading_release(struct nsf_reading *reading);
/* Borrows rule (and its texts) until the next read. */
void nsf_reading_read(struct nsf_reading *reading, const struct nsf_rule *rule, uint16_t port, struct nsf_tags *tags);
/* Whether the rule takes its sources from later rules, where it is wide enough: a Deny that cannot be read takes
 * nothing. */
bool nsf_reading_may_take(const struct nsf_reading *reading);

bool nsf_token_eq(struct nsf_token a, struct nsf_token b);
/* Kind, then text without case. */
int nsf_token_cmp(struct nsf_token a, struct nsf_token b);
bool nsf_tokens_have(const struct nsf_tokens *tokens, struct nsf_token token);

bool nsf_narrowing_is_universal(const struct nsf_narrowing *narrowing);
bool nsf_narrowing_eq(const struct nsf_narrowing *a, const struct nsf_narrowing *b);
/* Whether a's source ports and destinations each contain b's. */
bool nsf_narrowing_contains(const struct nsf_narrowing *a, const struct nsf_narrowing *b);

/* The addresses of one source entry of the rule (a comma list counts as one), normalized. False: it names no addresses.
 * *is_cloud: it holds AzureCloud. */
bool nsf_reading_entry(const struct nsf_reading *reading, struct nsf_slice entry, struct nsf_tags *tags,
                       struct nsf_ipset *set, bool *is_cloud);

/* For the report: which destination port entries cover the port, and whether others stand there too. */
bool nsf_port_entry_covers(struct nsf_slice entry, uint16_t port);
bool nsf_reading_opens_other_ports(const struct nsf_rule *rule, uint16_t port);

#endif

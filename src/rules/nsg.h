/*
 * nsg.h - network security groups as the loaders give them: the words of the export, in one shape.
 *
 * Plain data, shared by the loaders (which fill it) and the exposure (which reads it). Texts are borrowed from the
 * arena the loader was given and are as the export spells them; {NULL, 0} means that the export does not say.
 * An unset field (null, "", [] and absent are the same) is an empty list.
 */
#ifndef NSF_NSG_H
#define NSF_NSG_H

#include "core/slice.h"

enum nsf_direction {
    NSF_DIRECTION_UNREADABLE,
    NSF_DIRECTION_INBOUND,
    NSF_DIRECTION_OUTBOUND,
};

enum nsf_access {
    NSF_ACCESS_UNREADABLE,
    NSF_ACCESS_ALLOW,
    NSF_ACCESS_DENY,
};

struct nsf_slices {
    struct nsf_slice *items;
    size_t n;
};

/* Parts of a rule that a loader could not read (nsf_rule.unreadable_parts). */
enum nsf_rule_part {
    NSF_RULE_PART_DIRECTION = 1 << 0,
    NSF_RULE_PART_ACCESS = 1 << 1,
    NSF_RULE_PART_PROTOCOL = 1 << 2,
    NSF_RULE_PART_PRIORITY = 1 << 3,
    NSF_RULE_PART_SOURCES = 1 << 4,
    NSF_RULE_PART_SOURCE_PORTS = 1 << 5,
    NSF_RULE_PART_DESTINATIONS = 1 << 6,
    NSF_RULE_PART_DESTINATION_PORTS = 1 << 7,
    NSF_RULE_PART_ALL = 0xff, /* nothing of the rule can be relied on: its definitions contradict each other, say */
};

/* Where something stands in the input, for people and for SARIF. */
struct nsf_place {
    struct nsf_slice file; /* as given on the command line or found below it */
    uint64_t offset;       /* of its first byte */
    uint32_t line;         /* from 1; 0 is not known */
};

struct nsf_rule {
    struct nsf_slice name;
    struct nsf_slice id; /* ".../securityRules/<name>" or absent */
    struct nsf_slice description;
    uint32_t priority; /* 100..4096, the default rules 65000.. ; 0 is unreadable */
    enum nsf_direction direction;
    enum nsf_access access;
    struct nsf_slice protocol; /* "Tcp", "*", "6", ... */
    /* Singular and plural members of the export in one list, singular first. */
    struct nsf_slices sources;
    struct nsf_slices source_ports;
    struct nsf_slices destinations;
    struct nsf_slices destination_ports;
    struct nsf_slices source_asgs; /* ids of application security groups */
    struct nsf_slices destination_asgs;
    /* Effective rules only: what the platform made of tags in `sources`. */
    struct nsf_slices expanded_sources;
    /* Why the loader could not read a part of the rule (an unresolved expression, say), one sentence; else absent. */
    struct nsf_slice unreadable;
    /* With `unreadable`: the parts it speaks of, enum nsf_rule_part. Their lists still hold the text as it stands,
     * expressions in brackets too; the other parts can be relied on (a rule for port 443 stays one). */
    unsigned unreadable_parts;
    bool is_default; /* one of the platform's default rules */
    struct nsf_place place;
};

struct nsf_nsg {
    struct nsf_slice id; /* full resource id where the export has one, else what names it best */
    struct nsf_slice name;
    struct nsf_slice guid; /* resourceGuid */
    struct nsf_slice location;
    struct nsf_slice owner; /* value of an owner tag (owner, Owner, contact, ...) */
    struct nsf_rule *rules; /* custom and, where the export has them, default rules, in any order */
    size_t n_rules;
    /* Attachment: known only where the members stand in the export. */
    struct nsf_slices subnets;
    struct nsf_slices nics;
    struct nsf_slices nic_macs; /* upper case hex, where the input shows them */
    struct nsf_slices nic_addresses; /* of all interfaces behind it; empty where one shows none. Set by the exposure */
    bool has_subnets;
    bool has_nics;
    bool is_id_guessed;    /* `id` holds "{subscription}" or another placeholder: it names, it cannot be joined by */
    bool is_from_findings; /* no definition was given: rules are what findings of other tools say of them */
    bool is_effective;     /* effective rules: what applies to one network interface */
    bool has_flush_connection; /* flushConnection stands in the export ... */
    bool flush_connection;     /* ... and says this */
    bool is_partial;           /* only some rules are known (a rule list): merged with others of the same id */
    bool may_have_more_rules;  /* e.g. a plan whose rules are known after apply: what is unknown is never closed */
    struct nsf_slices notes;   /* sentences for the report */
    struct nsf_place place;
};

#endif

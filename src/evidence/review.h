/*
 * review.h - the result of a review: what the logs say of each exposing rule, and of what joined nothing.
 *
 * Plain data, filled by evidence/ (counts) and judge/ and advice/ (verdicts, scores, advice), read by report/. Owned by
 * its arena and the evidence it came from; read-only once finished, any thread may read then.
 *
 * Sources can be ten million, so they are not held as `struct nsf_mail_source`: nsf_review_source makes one from its
 * packed row when asked, through the function that whoever filled the review left in it. Order of sources: by messages,
 * then connections, both descending, then address, IPv4 first.
 */
#ifndef NSF_REVIEW_H
#define NSF_REVIEW_H

#include "core/arena.h"
#include "core/ipaddr.h"
#include "core/limits.h"
#include "core/problem.h"
#include "exposure/scan.h"
#include "flow/flow.h"

/* What one connection was, by the shape of its counters. Names as printed, in the order of `classes`. */
#define NSF_CLASS_TABLE(X)                                                                                             \
    X(UNKNOWN, "unknown")                                                                                              \
    X(NO_REPLY, "no_reply")                                                                                            \
    X(TOUCH, "touch")                                                                                                  \
    X(MESSAGE, "message")                                                                                              \
    X(GUESSING, "guessing")                                                                                            \
    X(DIALOG, "dialog")                                                                                                \
    X(AMBIGUOUS, "ambiguous")

enum nsf_connection_class {
#define NSF_CLASS_ENUM(name, text) NSF_CLASS_##name,
    NSF_CLASS_TABLE(NSF_CLASS_ENUM)
#undef NSF_CLASS_ENUM
};
#define NSF_CLASSES (NSF_CLASS_AMBIGUOUS + 1)

#define NSF_SOURCE_VERDICT_TABLE(X)                                                                                    \
    X(KNOWN_SENDER)                                                                                                    \
    X(HEALTH_PROBE)                                                                                                    \
    X(SPAM_SOURCE)                                                                                                     \
    X(CONFLICT)                                                                                                        \
    X(PUBLIC_SCANNER)                                                                                                  \
    X(GUESSER)                                                                                                         \
    X(PROBE)                                                                                                           \
    X(LIKELY_SENDER)                                                                                                   \
    X(RETRYING_SENDER)                                                                                                 \
    X(POSSIBLE_SENDER)                                                                                                 \
    X(UNDECIDED)

enum nsf_source_verdict {
#define NSF_SOURCE_VERDICT_ENUM(name) NSF_SOURCE_##name,
    NSF_SOURCE_VERDICT_TABLE(NSF_SOURCE_VERDICT_ENUM)
#undef NSF_SOURCE_VERDICT_ENUM
};

#define NSF_RULE_VERDICT_TABLE(X)                                                                                      \
    X(NOT_EFFECTIVE)                                                                                                   \
    X(INVESTIGATE_ABUSE)                                                                                               \
    X(SOURCE_MASKED)                                                                                                   \
    X(INSUFFICIENT_EVIDENCE)                                                                                           \
    X(CLOSE_UNUSED)                                                                                                    \
    X(CLOSE_PROBES_ONLY)                                                                                               \
    X(PUBLIC_MX)                                                                                                       \
    X(RESTRICT_TO_RELAYS)                                                                                              \
    X(RESTRICT_WITH_REVIEW)

enum nsf_rule_verdict {
#define NSF_RULE_VERDICT_ENUM(name) NSF_VERDICT_##name,
    NSF_RULE_VERDICT_TABLE(NSF_RULE_VERDICT_ENUM)
#undef NSF_RULE_VERDICT_ENUM
};

const char *nsf_connection_class_name(enum nsf_connection_class class_);
const char *nsf_source_verdict_name(enum nsf_source_verdict verdict);
const char *nsf_rule_verdict_name(enum nsf_rule_verdict verdict);

struct nsf_counters {
    uint64_t packets_in; /* client to server */
    uint64_t bytes_in;
    uint64_t packets_out;
    uint64_t bytes_out;
};

/* One reason behind a score. */
struct nsf_evidence_line {
    const char *code;
    int32_t points_tenths;
    struct nsf_slice text;
};

/* What one source did, over all logs, besides its allowed mail connections under one rule. Distinct counts are exact
 * up to NSF_DISTINCT_EXACT_MAX, which then means "or more". */
struct nsf_source_cross {
    uint64_t denied_tuples;
    uint32_t denied_addresses; /* own addresses it was denied on, any port */
    uint32_t denied_ports;
    uint32_t denied_mail_addresses; /* own addresses it was denied on port 25 */
    uint64_t other_contacts;        /* allowed tuples on other ports */
    uint32_t other_ports;
};

struct nsf_mail_source {
    struct nsf_ip address;
    bool is_rest;      /* the summed row of all others (--top, --max-sources): address is void */
    uint64_t n_merged; /* sources in a summed row, else 1 */
    uint64_t connections;
    uint64_t attempts;
    uint64_t tuples;
    uint64_t classes[NSF_CLASSES];
    bool has_counters;
    struct nsf_counters counters;
    int64_t first_ms;
    int64_t last_ms;
    uint32_t days;
    struct nsf_ip destinations[NSF_DESTINATIONS_MAX]; /* the smallest, ascending */
    uint32_t n_destinations;
    uint64_t destinations_more;
    struct nsf_source_cross cross;
    /* the judge's part */
    struct nsf_prefix network;
    struct nsf_slice name; /* absent: not on any list */
    enum nsf_source_verdict verdict;
    int32_t score_tenths;
    const struct nsf_evidence_line *evidence; /* lends until the next nsf_review_source of the same cursor */
    size_t n_evidence;
};

struct nsf_gap {
    struct nsf_slice nic;
    int64_t from_ms;
    int64_t to_ms;
};

enum nsf_counters_seen {
    NSF_COUNTERS_ABSENT,
    NSF_COUNTERS_MIXED,
    NSF_COUNTERS_PRESENT,
};

/* What a flow log can lack where it was filtered when it was made. Names as printed. */
#define NSF_LACK_TABLE(X)                                                                                              \
    X(ALLOWED, "allowed")                                                                                              \
    X(BEGIN, "begin")                                                                                                  \
    X(COUNTERS, "counters")                                                                                            \
    X(DENIED, "denied")                                                                                                \
    X(PORT_25, "port_25")

enum nsf_lack {
#define NSF_LACK_ENUM(name, text) NSF_LACK_##name,
    NSF_LACK_TABLE(NSF_LACK_ENUM)
#undef NSF_LACK_ENUM
};
#define NSF_LACKS (NSF_LACK_PORT_25 + 1)

/* Something in the logs that the rule, as it is defined, would not have done. */
#define NSF_CHANGE_TABLE(X)                                                                                            \
    X(DENIED_BY_RULE, "denied_by_rule")                                                                                \
    X(DENIED_BEFORE, "denied_before")                                                                                  \
    X(OTHER_RULE, "other_rule")                                                                                        \
    X(GONE_RULE, "gone_rule")                                                                                          \
    X(WIDER, "wider")                                                                                                  \
    X(NEW, "new")

enum nsf_change_code {
#define NSF_CHANGE_ENUM(name, text) NSF_CHANGE_##name,
    NSF_CHANGE_TABLE(NSF_CHANGE_ENUM)
#undef NSF_CHANGE_ENUM
};

struct nsf_change {
    enum nsf_change_code code;
    struct nsf_slice rule; /* that did it */
    int64_t first_ms;      /* of what contradicts the definition */
    int64_t last_ms;
    uint64_t count; /* connections; denied tuples where they were refused */
    struct nsf_slice text;
};

struct nsf_coverage {
    struct nsf_slices nics; /* MACs, ascending */
    uint64_t hours_expected;
    uint64_t hours_seen;
    enum nsf_counters_seen counters;
    struct nsf_gap *gaps; /* by NIC, then time */
    size_t n_gaps;
    bool is_logged;           /* some flow log covers its NSG */
    bool has_vnet4;           /* virtual network flow logs are among them */
    bool lacks[NSF_LACKS];    /* every flow log that covers the NSG is without it, and should not be */
    int64_t evidence_from_ms; /* the logs before contradict the rule as it is now; NSF_TS_NONE: nowhere */
    uint64_t dark_nics;       /* attached ones that no log shows; not printed, as are the next two */
    uint64_t expected_since;  /* hours from then on */
    uint64_t seen_since;
};

struct nsf_day_row {
    int64_t day;
    uint64_t connections;
    uint64_t messages;
};

struct nsf_other_port {
    uint8_t protocol;
    bool is_rest; /* port is void: the sum of the ports past NSF_OTHER_PORTS_MAX */
    uint16_t port;
    uint64_t tuples;
    uint64_t sources;
};

struct nsf_traffic {
    uint64_t connections;
    uint64_t attempts;
    uint64_t tuples;
    uint64_t sources;
    uint64_t classes[NSF_CLASSES];
    uint64_t with_counters; /* connections */
    bool has_counters;
    struct nsf_counters counters;
    int64_t first_ms; /* NSF_TS_NONE without tuples */
    int64_t last_ms;
    uint32_t days;
    struct nsf_day_row *by_day;
    size_t n_by_day;
};

enum nsf_relay_state {
    NSF_RELAY_NOT_EXAMINED,
    NSF_RELAY_NO_OUTBOUND,
    NSF_RELAY_TO_FIXED,
    NSF_RELAY_SENDS_AND_RECEIVES,
    NSF_RELAY_SPAM_BLOCKED,
    NSF_RELAY_OPEN_RELAY_LIKELY,
};
const char *nsf_relay_state_name(enum nsf_relay_state state);
const char *nsf_lack_name(enum nsf_lack lack);
const char *nsf_change_name(enum nsf_change_code code);

/* Nothing was seen, in logs that could not have shown it. */
static inline bool nsf_coverage_is_blind(const struct nsf_coverage *coverage, const struct nsf_traffic *traffic)
{
    return traffic->connections == 0 && (coverage->lacks[NSF_LACK_PORT_25] || coverage->lacks[NSF_LACK_ALLOWED]);
}

struct nsf_recommendation {
    struct nsf_slice action; /* one sentence */
    struct nsf_slices allow; /* prefixes, ascending by number */
    uint64_t addresses_open_before;
    uint64_t addresses_open_after;
    uint64_t messages_kept;
    uint64_t messages_refused;
    struct nsf_slices senders_refused; /* the smallest addresses */
    uint64_t senders_refused_total;    /* all of them */
    struct nsf_slices ask_owner;
    struct nsf_slices notes;
};

struct nsf_review_rule {
    uint32_t finding_idx;
    enum nsf_rule_verdict verdict;
    struct nsf_slice reason;     /* one sentence */
    char confidence;             /* 'A'..'D' */
    uint32_t risk;               /* 0..100 */
    int32_t break_risk_permille; /* -1: cannot be told */
    struct nsf_coverage coverage;
    struct nsf_traffic traffic;
    uint64_t n_sources;                 /* rows nsf_review_source gives */
    uint64_t n_summed;                  /* sources without a row of their own (--max-sources) */
    bool is_summed_at_least;            /* there were more than could be told apart */
    uint64_t n_late_senders;            /* summed before their first message, which gave them a row */
    struct nsf_other_port *other_ports; /* those with most tuples, by protocol's name, port */
    size_t n_other_ports;
    enum nsf_relay_state relay;
    struct nsf_slices relay_evidence;
    struct nsf_change *changes; /* by code, last stamp, rule */
    size_t n_changes;
    struct nsf_slices doubts; /* sentences: what the logs do not show of this rule */
    struct nsf_recommendation recommendation;
};

struct nsf_unmatched {
    struct nsf_slice nsg; /* absent: none to name */
    struct nsf_slice rule;
    const char *reason; /* "platform", ... */
    bool is_rest;       /* the summed row past NSF_UNMATCHED_MAX: nsg and rule are void */
    uint64_t connections;
    uint64_t tuples;
    uint64_t sources;
};

struct nsf_foreign_row {
    struct nsf_slice category;
    uint64_t count;
    bool is_rest;
};

struct nsf_review_transfer {
    uint64_t requests;
    uint64_t retries;
};

struct nsf_review_inputs {
    uint64_t blobs;
    uint64_t bytes;
    uint64_t records;
    uint64_t records_duplicate;
    struct nsf_foreign_row *foreign; /* by category */
    size_t n_foreign;
    uint64_t tuples;
    uint64_t tuples_bad;
    uint64_t bad_by_fault[NSF_TUPLE_FAULTS];
    uint64_t tuples_duplicate;
    uint64_t tuples_late;
    uint64_t pruned;
    struct nsf_review_transfer transfer;
    uint64_t by_layout[NSF_LAYOUTS];
    uint64_t smtp_allowed;
    uint64_t smtp_denied;
    struct nsf_problems problems; /* finished */
};

struct nsf_retrying_sender {
    struct nsf_ip address;
    struct nsf_prefix network;
    struct nsf_ip destination;
    uint64_t attempts;
    int64_t first_ms;
    int64_t last_ms;
    int64_t median_gap_ms;
};

struct nsf_denied {
    uint64_t sources;
    uint64_t tuples;
    struct nsf_retrying_sender *retrying;
    size_t n_retrying;
};

struct nsf_review;
typedef void nsf_review_source_fn(const struct nsf_review *review, size_t rule_idx, uint64_t source_idx,
                                  struct nsf_mail_source *source);

/* How several threads read sources at a time: each at a desk of its own. */
struct nsf_review_desk;
struct nsf_review_desks {
    struct nsf_review_desk *(*open)(const struct nsf_review *review);
    void (*close)(struct nsf_review_desk *desk);
    void (*read)(const struct nsf_review *review, struct nsf_review_desk *desk, size_t rule_idx, uint64_t source_idx,
                 struct nsf_mail_source *source);
};

struct nsf_address_profile; /* judge/facts.h */
/* Any address, whether it has a row or not; texts lend until the next call or row. */
typedef void nsf_review_address_fn(const struct nsf_review *review, struct nsf_ip address,
                                   struct nsf_address_profile *profile);

struct nsf_review {
    struct nsf_arena arena;
    const struct nsf_scan *scan; /* borrowed, or in the arena: what the logs show hits of is not latent */
    int64_t generated_ms;
    int64_t window_from_ms; /* NSF_TS_NONE: no record had a time */
    int64_t window_to_ms;
    struct nsf_review_inputs inputs;
    struct nsf_review_rule *rules; /* one a finding, in the order of the queue */
    size_t n_rules;
    struct nsf_unmatched *unmatched; /* by NSG, rule, reason */
    size_t n_unmatched;
    struct nsf_denied denied;
    bool is_smtp_only; /* --smtp-only: no denied and other-port evidence was read */
    uint32_t top;      /* --top, 0: all sources */
    void *rows;        /* the maker's packed source rows: the evidence's, or those of a document that was read back */
    void *judge;       /* who judges a row when it is read; NULL: nobody */
    nsf_review_source_fn *read_source;    /* how the maker of `rows` reads one */
    nsf_review_source_fn *read_brief;     /* without name and evidence; NULL: by read_source */
    const struct nsf_review_desks *desks; /* NULL: one thread at a time */
    nsf_review_address_fn *read_address;  /* NULL: nothing is known of addresses but their rows */
};

/* Fills *source with row `source_idx` of rule `rule_idx` (both in report order). One thread at a time per review. */
void nsf_review_source(const struct nsf_review *review, size_t rule_idx, uint64_t source_idx,
                       struct nsf_mail_source *source);

/* The same without the source's name, network, score and evidence, which cost most. */
void nsf_review_source_brief(const struct nsf_review *review, size_t rule_idx, uint64_t source_idx,
                             struct nsf_mail_source *source);

#endif

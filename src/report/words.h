/*
 * words.h - the words and orders that every format uses. Pure functions, any thread.
 */
#ifndef NSF_REPORT_WORDS_H
#define NSF_REPORT_WORDS_H

#include "evidence/review.h"

/* "tcp", "udp", ..., or the IANA number in digits. */
#define NSF_PROTOCOL_TEXT_BYTES 16
const char *nsf_protocol_name(uint8_t protocol, char buf[NSF_PROTOCOL_TEXT_BYTES]);
/* False: neither such a name nor such a number. */
bool nsf_protocol_parse(struct nsf_slice name, uint8_t *protocol) NSF_CHECKED;

/* "nsg1", "nsg2", "vnet4" */
const char *nsf_layout_name(enum nsf_layout layout);
/* "present", "mixed", "absent" */
const char *nsf_counters_name(enum nsf_counters_seen counters);
/* "fields", "time", ...; the sentence for people is in flow/flow.h. */
const char *nsf_tuple_fault_key(enum nsf_tuple_fault fault);

/* Why evidence joined no finding: "platform", ...; NULL for any other word. The name lives as long as the program. */
const char *nsf_unmatched_reason(struct nsf_slice word);
/* The same for people. */
const char *nsf_unmatched_reason_text(const char *reason);

/* What a verdict asks for, in one sentence, where no advice was worked out. */
const char *nsf_rule_verdict_meaning(enum nsf_rule_verdict verdict);
/* What the same machine sends, in words. */
const char *nsf_relay_words(enum nsf_relay_state state);
/* "carried mail", ...: what happened in connections of the class. */
const char *nsf_class_words(enum nsf_connection_class class_);
/* Where every score starts: no news of this source. */
bool nsf_evidence_is_start(const struct nsf_evidence_line *line);
/* The classes from mail to silence: the idx-th of NSF_CLASSES. */
enum nsf_connection_class nsf_class_order(size_t idx);

/* What of the public internet gets in, in at most 16 columns: "all v4+v6", "2 M v4", ... */
const char *nsf_open_to_words(const struct nsf_finding *finding, char buf[32]);

/* Orders for qsort over struct nsf_other_port: by protocol name and port, or by tuples, most first. The summed row is
 * last in both. */
int nsf_other_port_cmp_port(const void *left, const void *right);
int nsf_other_port_cmp_tuples(const void *left, const void *right);
/* A sorted copy of the rule's rows; the caller frees it with nsf_free. */
struct nsf_other_port *nsf_other_ports_sorted(const struct nsf_review_rule *rule,
                                              int (*compare)(const void *left, const void *right));

#endif

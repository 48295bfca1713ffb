#include "core/nsf_common.h"

#include "report/words.h"

#include "core/mem.h"

static const struct {
    uint8_t number;
    const char *name;
} protocols[] = {{6, "tcp"}, {17, "udp"}};

const char *nsf_protocol_name(uint8_t protocol, char buf[NSF_PROTOCOL_TEXT_BYTES])
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(protocols); i++)
        if (protocols[i].number == protocol)
            return protocols[i].name;
    snprintf(buf, NSF_PROTOCOL_TEXT_BYTES, "%u", (unsigned)protocol);
    return buf;
}

bool nsf_protocol_parse(struct nsf_slice name, uint8_t *protocol)
{
    uint64_t number;
    for (size_t i = 0; i < NSF_ARRAY_LEN(protocols); i++)
        if (nsf_slice_eq(name, nsf_slice_str(protocols[i].name))) {
            *protocol = protocols[i].number;
            return true;
        }
    if (!nsf_slice_to_u64(name, 255, &number))
        return false;
    *protocol = (uint8_t)number;
    return true;
}

const char *nsf_layout_name(enum nsf_layout layout)
{
    static const char *const names[NSF_LAYOUTS] = {"nsg1", "nsg2", "vnet4"};
    return names[layout];
}

const char *nsf_counters_name(enum nsf_counters_seen counters)
{
    static const char *const names[] = {"absent", "mixed", "present"};
    return names[counters];
}

const char *nsf_tuple_fault_key(enum nsf_tuple_fault fault)
{
    static const char *const keys[NSF_TUPLE_FAULTS] = {
        "none",     "fields", "time",    "address",  "port",  "protocol", "direction",
        "decision", "state",  "counter", "counters", "bytes", "type",
    };
    return keys[fault];
}

static const struct {
    const char *word;
    const char *text;
} reasons[] = {
    {"platform", "handled by the platform, not decided by an NSG"},
    {"unspecified", "refused or passed without naming a rule"},
    {"bare_rule", "the log names no rule (preview data)"},
    {"admin_rule", "allowed by a virtual network manager admin rule"},
    {"unknown_nsg", "the NSG is not in the rules that were read"},
    {"unknown_rule", "the rule is not in the rules that were read"},
    {"shadowed", "allowed then, but an earlier rule covers it today: the rules changed"},
    {"not_exposing", "allowed by a rule that does not open port 25 to the internet"},
};

const char *nsf_unmatched_reason(struct nsf_slice word)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(reasons); i++)
        if (nsf_slice_eq(word, nsf_slice_str(reasons[i].word)))
            return reasons[i].word;
    return NULL;
}

const char *nsf_unmatched_reason_text(const char *reason)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(reasons); i++)
        if (strcmp(reason, reasons[i].word) == 0)
            return reasons[i].text;
    return reason;
}

const char *nsf_rule_verdict_meaning(enum nsf_rule_verdict verdict)
{
    switch (verdict) {
    case NSF_VERDICT_NOT_EFFECTIVE:
        return "Remove it without hurry: nothing reaches port 25 through it today.";
    case NSF_VERDICT_INVESTIGATE_ABUSE:
        return "Look at the machine first, it seems to be abused; closing the rule is not enough.";
    case NSF_VERDICT_SOURCE_MASKED:
        return "Judge it where the real sources are visible, at the firewall in front of it.";
    case NSF_VERDICT_INSUFFICIENT_EVIDENCE:
        return "Do not decide yet: get the logs that are missing and run again.";
    case NSF_VERDICT_CLOSE_UNUSED:
        return "Close it: nobody used it in the window.";
    case NSF_VERDICT_CLOSE_PROBES_ONLY:
        return "Close it: only scanners and guessers came, no mail would be lost.";
    case NSF_VERDICT_PUBLIC_MX:
        return "Put a relay in front of it: mail comes from too many networks for a list of addresses.";
    case NSF_VERDICT_RESTRICT_TO_RELAYS:
        return "Narrow its source to the networks of its senders.";
    case NSF_VERDICT_RESTRICT_WITH_REVIEW:
        return "Ask the owner about the senders in doubt, then narrow its source.";
    }
    return "";
}

const char *nsf_relay_words(enum nsf_relay_state state)
{
    switch (state) {
    case NSF_RELAY_NOT_EXAMINED:
        return "not examined";
    case NSF_RELAY_NO_OUTBOUND:
        return "the machine sends no mail";
    case NSF_RELAY_TO_FIXED:
        return "the machine sends mail to a few fixed servers";
    case NSF_RELAY_SENDS_AND_RECEIVES:
        return "the machine sends and receives like an ordinary mail server";
    case NSF_RELAY_SPAM_BLOCKED:
        return "the machine tries to send to many networks and is blocked, as spam is";
    case NSF_RELAY_OPEN_RELAY_LIKELY:
        return "the machine seems to pass on mail for strangers: an open relay";
    }
    return "";
}

const char *nsf_class_words(enum nsf_connection_class class_)
{
    switch (class_) {
    case NSF_CLASS_UNKNOWN:
        return "of unknown content";
    case NSF_CLASS_NO_REPLY:
        return "without an answer";
    case NSF_CLASS_TOUCH:
        return "connected and said nothing";
    case NSF_CLASS_MESSAGE:
        return "carried mail";
    case NSF_CLASS_GUESSING:
        return "guessed passwords or recipients";
    case NSF_CLASS_DIALOG:
        return "talked without mail";
    case NSF_CLASS_AMBIGUOUS:
        return "ambiguous";
    }
    return "";
}

bool nsf_evidence_is_start(const struct nsf_evidence_line *line)
{
    return strcmp(line->code, "start") == 0;
}

enum nsf_connection_class nsf_class_order(size_t idx)
{
    static const enum nsf_connection_class order[NSF_CLASSES] = {
        NSF_CLASS_MESSAGE, NSF_CLASS_AMBIGUOUS, NSF_CLASS_UNKNOWN,  NSF_CLASS_GUESSING,
        NSF_CLASS_DIALOG,  NSF_CLASS_TOUCH,     NSF_CLASS_NO_REPLY,
    };
    return order[idx];
}

/* All public IPv4 addresses are 3,702,258,431; up to 2^24 fewer is still the whole internet. */
#define ALL_IPV4 (UINT64_C(3702258431) - ((uint64_t)1 << 24))

const char *nsf_open_to_words(const struct nsf_finding *finding, char buf[32])
{
    static const char *const alone[] = {"not counted", "some IPv6", "all IPv6"};
    static const char *const also[] = {"", "+some v6", "+v6"};
    uint64_t n = finding->public_ipv4;
    if (finding->verdict == NSF_EXPOSURE_UNKNOWN && n == 0)
        return "unknown";
    if (n == 0)
        return alone[finding->public_ipv6];
    if (n >= ALL_IPV4)
        snprintf(buf, 32, "all v4%s", also[finding->public_ipv6]);
    else if (n >= 1000000)
        snprintf(buf, 32, "%llu M v4%s", (unsigned long long)(n / 1000000), also[finding->public_ipv6]);
    else if (n >= 1000)
        snprintf(buf, 32, "%llu k v4%s", (unsigned long long)(n / 1000), also[finding->public_ipv6]);
    else
        snprintf(buf, 32, "%llu v4%s", (unsigned long long)n, also[finding->public_ipv6]);
    return buf;
}

int nsf_other_port_cmp_port(const void *left, const void *right)
{
    const struct nsf_other_port *a = left, *b = right;
    char a_text[NSF_PROTOCOL_TEXT_BYTES], b_text[NSF_PROTOCOL_TEXT_BYTES];
    if (a->is_rest != b->is_rest)
        return a->is_rest ? 1 : -1;
    int order = strcmp(nsf_protocol_name(a->protocol, a_text), nsf_protocol_name(b->protocol, b_text));
    return order != 0 ? order : (a->port > b->port) - (a->port < b->port);
}

int nsf_other_port_cmp_tuples(const void *left, const void *right)
{
    const struct nsf_other_port *a = left, *b = right;
    if (a->is_rest == b->is_rest && a->tuples != b->tuples)
        return a->tuples > b->tuples ? -1 : 1;
    return nsf_other_port_cmp_port(left, right);
}

struct nsf_other_port *nsf_other_ports_sorted(const struct nsf_review_rule *rule,
                                              int (*compare)(const void *left, const void *right))
{
    struct nsf_other_port *rows = nsf_realloc_array(NULL, rule->n_other_ports + 1, sizeof(*rows));
    if (rule->n_other_ports > 0) {
        memcpy(rows, rule->other_ports, rule->n_other_ports * sizeof(*rows));
        qsort(rows, rule->n_other_ports, sizeof(*rows), compare);
    }
    return rows;
}

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

#include "core/nsf_common.h"

#include "report/review_facts.h"

#include "core/clock.h"
#include "core/mem.h"
#include "report/text_out.h"
#include "report/words.h"

#include <stdarg.h>

/* A fact lists a handful of names. */
#define FACT_MAX_BYTES ((size_t)16 << 20)
#define LIST_MAX 8
#define GAPS_MAX 3
#define PORTS_MAX 6

void nsf_facts_init(struct nsf_facts *facts)
{
    *facts = (struct nsf_facts){.n = 0};
    nsf_arena_init(&facts->arena);
    nsf_buf_init(&facts->text, FACT_MAX_BYTES);
}

void nsf_facts_release(struct nsf_facts *facts)
{
    nsf_arena_release(&facts->arena);
    nsf_buf_release(&facts->text);
    nsf_free(facts->items);
}

void nsf_facts_reset(struct nsf_facts *facts)
{
    nsf_arena_reset(&facts->arena);
    facts->n = 0;
}

void nsf_facts_begin(struct nsf_facts *facts)
{
    nsf_buf_reset(&facts->text);
}

void nsf_facts_add(struct nsf_facts *facts, struct nsf_slice text)
{
    nsf_buf_add(&facts->text, text);
}

void nsf_facts_addf(struct nsf_facts *facts, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    nsf_buf_add_str(&facts->text, text);
}

struct nsf_fact *nsf_facts_end(struct nsf_facts *facts, const char *label)
{
    NSF_GROW(facts->items, facts->capacity, facts->n + 1);
    struct nsf_fact *fact = &facts->items[facts->n++];
    *fact = (struct nsf_fact){.label = label, .text = nsf_arena_copy(&facts->arena, nsf_buf_slice(&facts->text))};
    return fact;
}

static void end_detail(struct nsf_facts *facts, const char *label)
{
    nsf_facts_end(facts, label)->is_detail = true;
}

static void detail(struct nsf_facts *facts, const char *label, struct nsf_slice text)
{
    nsf_facts_begin(facts);
    nsf_facts_add(facts, text);
    end_detail(facts, label);
}

void nsf_facts_sentence(struct nsf_facts *facts, const char *label, const char *text)
{
    nsf_facts_begin(facts);
    nsf_facts_add(facts, nsf_slice_str(text));
    nsf_facts_end(facts, label);
}

void nsf_facts_add_part(struct nsf_facts *facts, struct nsf_slices texts, size_t max, uint64_t total)
{
    /* "and 1 more" is no shorter than the one */
    size_t n = texts.n <= max + 1 ? texts.n : max;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            nsf_facts_addf(facts, ", ");
        nsf_facts_add(facts, texts.items[i]);
    }
    if (n < total)
        nsf_facts_addf(facts, " and %llu more", (unsigned long long)(total - n));
}

void nsf_facts_text(struct nsf_facts *facts, struct nsf_slice text)
{
    nsf_facts_begin(facts);
    nsf_facts_add(facts, text);
    nsf_facts_end(facts, "");
}

void nsf_facts_add_list(struct nsf_facts *facts, struct nsf_slices texts, size_t max)
{
    nsf_facts_add_part(facts, texts, max, texts.n);
}

void nsf_facts_add_number(struct nsf_facts *facts, uint64_t number, const char *word)
{
    char text[64];
    nsf_facts_addf(facts, "%s", nsf_count_text(number, word, text));
}

static void add_separator(struct nsf_facts *facts, size_t *n)
{
    if ((*n)++ > 0)
        nsf_facts_addf(facts, ", ");
}

/* ---- what was read ---------------------------------------------------------------------------------------------- */

static void window_fact(struct nsf_facts *facts, const struct nsf_review *review)
{
    char from[NSF_TIME_TEXT_BYTES], to[NSF_TIME_TEXT_BYTES];
    nsf_facts_begin(facts);
    if (review->window_from_ms == NSF_TS_NONE || review->window_to_ms == NSF_TS_NONE) {
        nsf_facts_addf(facts, "none: no record of a flow log was read");
        nsf_facts_end(facts, "Window")->is_grave = true;
        return;
    }
    nsf_facts_addf(facts, "%s to %s UTC, ", nsf_time_format_minute(review->window_from_ms, from),
                   nsf_time_format_minute(review->window_to_ms, to));
    uint64_t hours = (uint64_t)((review->window_to_ms - review->window_from_ms) / NSF_MS_PER_HOUR);
    if (hours >= 48)
        nsf_facts_add_number(facts, hours / 24, "day");
    else
        nsf_facts_add_number(facts, hours, "hour");
    nsf_facts_end(facts, "Window");
}

static void rules_fact(struct nsf_facts *facts, const struct nsf_scan *scan)
{
    static const enum nsf_exposure order[] = {NSF_EXPOSURE_EXPOSED, NSF_EXPOSURE_PARTIAL, NSF_EXPOSURE_UNKNOWN,
                                              NSF_EXPOSURE_RESTRICTED, NSF_EXPOSURE_CLOSED};
    uint64_t counts[NSF_EXPOSURE_EXPOSED + 1] = {0};
    char text[NSF_NUMBER_TEXT_BYTES];
    size_t n = 0;
    for (size_t i = 0; i < scan->n_nsgs; i++)
        counts[scan->nsgs[i].verdict]++;
    nsf_facts_begin(facts);
    nsf_facts_add_number(facts, scan->n_nsgs, "NSG");
    nsf_facts_addf(facts, scan->n_nsgs > 0 ? ": " : "");
    for (size_t i = 0; i < NSF_ARRAY_LEN(order); i++)
        if (counts[order[i]] > 0) {
            add_separator(facts, &n);
            nsf_facts_addf(facts, "%s %s", nsf_number_text(counts[order[i]], text), nsf_exposure_name(order[i]));
        }
    nsf_facts_end(facts, "Rules");
}

static void logs_fact(struct nsf_facts *facts, const struct nsf_review_inputs *inputs)
{
    static const char *const layouts[NSF_LAYOUTS] = {"NSG version 1", "NSG version 2", "virtual network"};
    char text[NSF_NUMBER_TEXT_BYTES];
    size_t n = 0;
    nsf_facts_begin(facts);
    nsf_facts_add_number(facts, inputs->blobs, "blob");
    nsf_facts_addf(facts, ", %s: ", nsf_bytes_text(inputs->bytes, text));
    nsf_facts_add_number(facts, inputs->records, "record");
    for (size_t i = 0; i < NSF_LAYOUTS; i++)
        if (inputs->by_layout[i] > 0)
            nsf_facts_addf(facts, "%s%s %s", n++ == 0 ? " (" : ", ", nsf_number_text(inputs->by_layout[i], text),
                           layouts[i]);
    nsf_facts_addf(facts, n > 0 ? "), " : ", ");
    nsf_facts_add_number(facts, inputs->tuples, "flow tuple");
    nsf_facts_end(facts, "Logs");
}

static void mail_fact(struct nsf_facts *facts, const struct nsf_review *review)
{
    char text[NSF_NUMBER_TEXT_BYTES];
    nsf_facts_begin(facts);
    nsf_facts_add_number(facts, review->inputs.smtp_allowed, "tuple");
    nsf_facts_addf(facts, " allowed in on TCP 25, %s denied (from ", nsf_number_text(review->inputs.smtp_denied, text));
    nsf_facts_add_number(facts, review->denied.sources, "source");
    nsf_facts_addf(facts, ")");
    nsf_facts_end(facts, "Mail port");
}

static void add_passed_over(struct nsf_facts *facts, uint64_t number, const char *word, const char *why, size_t *n)
{
    if (number == 0)
        return;
    add_separator(facts, n);
    nsf_facts_add_number(facts, number, word);
    nsf_facts_addf(facts, " %s", why);
}

static void passed_over_fact(struct nsf_facts *facts, const struct nsf_review_inputs *inputs)
{
    char text[NSF_NUMBER_TEXT_BYTES];
    uint64_t foreign = 0;
    size_t n = 0;
    for (size_t i = 0; i < inputs->n_foreign; i++)
        foreign += inputs->foreign[i].count;
    nsf_facts_begin(facts);
    add_passed_over(facts, inputs->records_duplicate, "record", "seen before", &n);
    add_passed_over(facts, inputs->tuples_duplicate, "tuple", "repeated by a second flow log", &n);
    add_passed_over(facts, inputs->tuples_bad, "tuple", "that cannot be read", &n);
    add_passed_over(facts, inputs->pruned, "blob", "left out on request", &n);
    add_passed_over(facts, foreign, "record", "of other kinds", &n);
    for (size_t i = 0; i < inputs->n_foreign && i < LIST_MAX; i++) {
        nsf_facts_addf(facts, i == 0 ? " (" : ", ");
        nsf_facts_add(facts, inputs->foreign[i].category);
        nsf_facts_addf(facts, " %s", nsf_number_text(inputs->foreign[i].count, text));
    }
    if (inputs->n_foreign > 0)
        nsf_facts_addf(facts, inputs->n_foreign > LIST_MAX ? ", ...)" : ")");
    if (n > 0)
        nsf_facts_end(facts, "Not counted");
}

static void bad_tuples_fact(struct nsf_facts *facts, const struct nsf_review_inputs *inputs)
{
    static const char *const texts[NSF_TUPLE_FAULTS] = {
#define FAULT_TEXT(name, text) text,
        NSF_TUPLE_FAULT_TABLE(FAULT_TEXT)
#undef FAULT_TEXT
    };
    char number[NSF_NUMBER_TEXT_BYTES];
    size_t n = 0;
    nsf_facts_begin(facts);
    for (size_t i = NSF_TUPLE_NONE + 1; i < NSF_TUPLE_FAULTS; i++)
        if (inputs->bad_by_fault[i] > 0)
            nsf_facts_addf(facts, "%s%s %s", n++ > 0 ? "; " : "", nsf_number_text(inputs->bad_by_fault[i], number),
                           texts[i]);
    if (n > 0)
        end_detail(facts, "bad tuples");
}

static void problems_fact(struct nsf_facts *facts, const struct nsf_problems *problems)
{
    char number[NSF_NUMBER_TEXT_BYTES];
    size_t n = 0;
    uint64_t total = nsf_problems_total(problems);
    nsf_facts_begin(facts);
    if (total == 0) {
        nsf_facts_addf(facts, "none: everything was read");
        nsf_facts_end(facts, "Problems");
        return;
    }
    nsf_facts_addf(facts, "%s: ", nsf_number_text(total, number));
    for (unsigned code = 0; code <= NSF_E_INTERRUPTED; code++) {
        uint64_t count = 0;
        for (size_t i = 0; i < problems->n; i++)
            count += (unsigned)problems->items[i].code == code ? problems->items[i].count : 0;
        if (count == 0)
            continue;
        add_separator(facts, &n);
        nsf_facts_addf(facts, "%s %s", nsf_number_text(count, number), nsf_code_name((enum nsf_code)code));
    }
    if (problems->n_dropped > 0)
        nsf_facts_addf(facts, ", %s not listed", nsf_number_text(problems->n_dropped, number));
    nsf_facts_addf(facts, ". The numbers below lack what could not be read");
    nsf_facts_end(facts, "Problems")->is_grave = true;
}

void nsf_facts_of_inputs(struct nsf_facts *facts, const struct nsf_review *review)
{
    window_fact(facts, review);
    rules_fact(facts, review->scan);
    logs_fact(facts, &review->inputs);
    mail_fact(facts, review);
    passed_over_fact(facts, &review->inputs);
    bad_tuples_fact(facts, &review->inputs);
    problems_fact(facts, &review->inputs.problems);
}

/* ---- what the rule is ------------------------------------------------------------------------------------------- */

static void definition_fact(struct nsf_facts *facts, const struct nsf_finding *finding)
{
    nsf_facts_begin(facts);
    nsf_facts_addf(facts, "priority %u: allow from ", (unsigned)finding->priority);
    nsf_facts_add_list(facts, finding->sources, LIST_MAX);
    nsf_facts_addf(facts, " to port ");
    nsf_facts_add_list(facts, finding->ports, LIST_MAX);
    if (finding->opens_other_ports) {
        nsf_facts_addf(facts, "; it opens other ports as well");
        if (finding->all_ports.n > finding->ports.n) {
            nsf_facts_addf(facts, ": ");
            nsf_facts_add_list(facts, finding->all_ports, LIST_MAX);
        }
    }
    nsf_facts_end(facts, "Rule");
    if (finding->description.len > 0)
        detail(facts, "described", finding->description);
}

static void opens_fact(struct nsf_facts *facts, const struct nsf_finding *finding)
{
    char text[NSF_NUMBER_TEXT_BYTES];
    nsf_facts_begin(facts);
    if (finding->verdict == NSF_EXPOSURE_UNKNOWN)
        nsf_facts_addf(facts, "unknown: ");
    else {
        nsf_facts_addf(facts, "%s: %s public IPv4 addresses, ", nsf_exposure_name(finding->verdict),
                       nsf_number_text(finding->public_ipv4, text));
        nsf_facts_addf(facts, finding->public_ipv6 == NSF_V6_FULL   ? "all of IPv6. "
                              : finding->public_ipv6 == NSF_V6_PART ? "a part of IPv6. "
                                                                    : "no IPv6. ");
    }
    nsf_facts_add(facts, finding->note);
    if (finding->is_latent)
        nsf_facts_addf(facts, " Attached to nothing: latent");
    nsf_facts_end(facts, "Exposure")->is_grave = finding->verdict == NSF_EXPOSURE_EXPOSED;
}

static void neighbours_facts(struct nsf_facts *facts, const struct nsf_finding *finding)
{
    if (finding->n_reduced_by > 0) {
        nsf_facts_begin(facts);
        for (size_t i = 0; i < finding->n_reduced_by; i++) {
            nsf_facts_addf(facts, i > 0 ? ", " : "");
            nsf_facts_add(facts, finding->reduced_by[i].rule);
            nsf_facts_addf(facts, finding->reduced_by[i].is_part ? " (matches in part, takes nothing)"
                                                                 : " (takes some of its sources)");
        }
        end_detail(facts, "before it");
    }
    if (finding->still_open_via.n > 0) {
        nsf_facts_begin(facts);
        nsf_facts_add_list(facts, finding->still_open_via, LIST_MAX);
        nsf_facts_addf(facts, " would still let the internet in: closing this rule alone changes nothing");
        nsf_facts_end(facts, "behind it");
        facts->items[facts->n - 1].is_detail = true;
        facts->items[facts->n - 1].is_grave = true;
    }
}

/* ".../virtualNetworks/v/subnets/s" without the subscription and group that the NSG has as well */
static struct nsf_slice short_id(struct nsf_slice id)
{
    static const char provider[] = "/microsoft.network/";
    for (size_t i = 0; i + sizeof(provider) - 1 <= id.len; i++)
        if (nsf_slice_has_prefix_nocase(nsf_slice_from(id, i), NSF_SLICE_LIT(provider)))
            return nsf_slice_from(id, i + sizeof(provider) - 1);
    return id;
}

static void attachment_fact(struct nsf_facts *facts, const struct nsf_scan_nsg *nsg)
{
    if (nsg->attached_to.n == 0 && !nsg->has_attachment)
        return;
    nsf_facts_begin(facts);
    for (size_t i = 0; i < nsg->attached_to.n && i < LIST_MAX; i++) {
        nsf_facts_addf(facts, i > 0 ? ", " : "");
        nsf_facts_add(facts, short_id(nsg->attached_to.items[i]));
    }
    if (nsg->attached_to.n > LIST_MAX)
        nsf_facts_addf(facts, " and %zu more", nsg->attached_to.n - LIST_MAX);
    if (nsg->attached_to.n == 0)
        nsf_facts_addf(facts, "nothing");
    end_detail(facts, "attached to");
}

static void exception_fact(struct nsf_facts *facts, const struct nsf_exception *exception)
{
    char day[NSF_TIME_TEXT_BYTES];
    if (exception == NULL)
        return;
    nsf_facts_begin(facts);
    nsf_facts_addf(facts, exception->is_expired ? "no more, by " : "by ");
    nsf_facts_add(facts, exception->owner.len > 0 ? exception->owner : NSF_SLICE_LIT("nobody named"));
    if (exception->expires_ms != NSF_TS_NONE)
        nsf_facts_addf(facts, " until %s", nsf_time_format_day(nsf_time_day(exception->expires_ms - 1), day));
    if (exception->deadline_ms != NSF_TS_NONE)
        nsf_facts_addf(facts, ", to be closed by %s%s",
                       nsf_time_format_day(nsf_time_day(exception->deadline_ms - 1), day),
                       exception->is_past_deadline ? " (overdue)" : "");
    nsf_facts_addf(facts, ": ");
    nsf_facts_add(facts, exception->reason.len > 0 ? exception->reason : NSF_SLICE_LIT("no reason given"));
    end_detail(facts, "accepted");
    facts->items[facts->n - 1].is_grave = exception->is_expired || exception->is_past_deadline;
}

void nsf_facts_of_rule(struct nsf_facts *facts, const struct nsf_review *review, size_t rule_idx)
{
    const struct nsf_finding *finding = &review->scan->findings[review->rules[rule_idx].finding_idx];
    const struct nsf_scan_nsg *nsg = &review->scan->nsgs[finding->nsg_idx];
    definition_fact(facts, finding);
    if (finding->place.file.ptr != NULL) {
        nsf_facts_begin(facts);
        nsf_facts_add(facts, finding->place.file);
        if (finding->place.line > 0)
            nsf_facts_addf(facts, ", line %u", (unsigned)finding->place.line);
        end_detail(facts, "defined in");
    }
    opens_fact(facts, finding);
    neighbours_facts(facts, finding);
    nsf_facts_begin(facts);
    nsf_facts_add(facts, nsg->id);
    nsf_facts_end(facts, "NSG");
    attachment_fact(facts, nsg);
    detail(facts, "owner", nsg->owner.ptr == NULL ? NSF_SLICE_LIT("no owner tag") : nsg->owner);
    exception_fact(facts, finding->exception);
    for (size_t i = 0; i < nsg->notes.n && i < LIST_MAX; i++)
        detail(facts, i == 0 ? "note" : "", nsg->notes.items[i]);
}

/* ---- what it did ------------------------------------------------------------------------------------------------ */

static void classes_fact(struct nsf_facts *facts, const struct nsf_traffic *traffic)
{
    char text[NSF_NUMBER_TEXT_BYTES];
    size_t n = 0;
    nsf_facts_begin(facts);
    for (size_t i = 0; i < NSF_CLASSES; i++) {
        enum nsf_connection_class class_ = nsf_class_order(i);
        if (traffic->classes[class_] == 0)
            continue;
        add_separator(facts, &n);
        nsf_facts_addf(facts, "%s %s", nsf_number_text(traffic->classes[class_], text), nsf_class_words(class_));
    }
    end_detail(facts, "of them");
}

static void traffic_fact(struct nsf_facts *facts, const struct nsf_traffic *traffic)
{
    char text[NSF_TIME_TEXT_BYTES];
    nsf_facts_begin(facts);
    if (traffic->tuples == 0) {
        nsf_facts_addf(facts, "no connection to port 25 was allowed by this rule");
        nsf_facts_end(facts, "Traffic");
        return;
    }
    nsf_facts_add_number(facts, traffic->connections, "connection");
    nsf_facts_addf(facts, " (");
    nsf_facts_add_number(facts, traffic->attempts, "attempt");
    nsf_facts_addf(facts, ") from ");
    nsf_facts_add_number(facts, traffic->sources, "source");
    nsf_facts_addf(facts, " on ");
    nsf_facts_add_number(facts, traffic->days, "day");
    nsf_facts_addf(facts, ", first %s", nsf_time_format_minute(traffic->first_ms, text));
    nsf_facts_addf(facts, ", last %s", nsf_time_format_minute(traffic->last_ms, text));
    nsf_facts_end(facts, "Traffic");
    classes_fact(facts, traffic);
    if (traffic->has_counters) {
        nsf_facts_begin(facts);
        nsf_facts_addf(facts, "%s from the clients, ", nsf_bytes_text(traffic->counters.bytes_in, text));
        nsf_facts_addf(facts, "%s back", nsf_bytes_text(traffic->counters.bytes_out, text));
        end_detail(facts, "volume");
    }
}

static void other_ports_fact(struct nsf_facts *facts, const struct nsf_review_rule *rule)
{
    char protocol[NSF_PROTOCOL_TEXT_BYTES];
    if (rule->n_other_ports == 0)
        return;
    struct nsf_other_port *rows = nsf_other_ports_sorted(rule, nsf_other_port_cmp_tuples);
    nsf_facts_begin(facts);
    for (size_t i = 0; i < rule->n_other_ports && i < PORTS_MAX; i++) {
        nsf_facts_addf(facts, i > 0 ? ", " : "");
        if (rows[i].is_rest)
            nsf_facts_addf(facts, "others (");
        else
            nsf_facts_addf(facts, "%s %u (", nsf_protocol_name(rows[i].protocol, protocol), (unsigned)rows[i].port);
        nsf_facts_add_number(facts, rows[i].sources, "source");
        nsf_facts_addf(facts, ")");
    }
    if (rule->n_other_ports > PORTS_MAX)
        nsf_facts_addf(facts, " and %zu more", rule->n_other_ports - PORTS_MAX);
    nsf_facts_addf(facts, ": used as well, look at it before the rule is deleted");
    end_detail(facts, "other ports");
    nsf_free(rows);
}

static void gaps_facts(struct nsf_facts *facts, const struct nsf_coverage *coverage)
{
    char text[NSF_TIME_TEXT_BYTES];
    for (size_t i = 0; i < coverage->n_gaps && i < GAPS_MAX; i++) {
        const struct nsf_gap *gap = &coverage->gaps[i];
        nsf_facts_begin(facts);
        nsf_facts_add(facts, gap->nic);
        nsf_facts_addf(facts, " from %s", nsf_time_format_minute(gap->from_ms, text));
        nsf_facts_addf(facts, " to %s", nsf_time_format_minute(gap->to_ms, text));
        if (i + 1 == GAPS_MAX && coverage->n_gaps > GAPS_MAX)
            nsf_facts_addf(facts, " and %zu more", coverage->n_gaps - GAPS_MAX);
        end_detail(facts, i == 0 ? "gaps" : "");
    }
}

static void coverage_fact(struct nsf_facts *facts, const struct nsf_review_rule *rule)
{
    const struct nsf_coverage *coverage = &rule->coverage;
    char seen[NSF_TIME_TEXT_BYTES + NSF_NUMBER_TEXT_BYTES], expected[NSF_NUMBER_TEXT_BYTES],
        share[NSF_NUMBER_TEXT_BYTES];
    nsf_facts_begin(facts);
    if (!coverage->is_logged)
        nsf_facts_addf(facts, "no flow log covers this NSG: that nothing was seen proves nothing");
    else
        nsf_facts_addf(facts, "%s of %s hours (%s) on ", nsf_number_text(coverage->hours_seen, seen),
                       nsf_number_text(coverage->hours_expected, expected),
                       nsf_share_text(coverage->hours_seen, coverage->hours_expected, share));
    if (coverage->is_logged)
        nsf_facts_add_number(facts, coverage->nics.n, "network interface");
    if (coverage->is_logged)
        nsf_facts_addf(facts, ", counters %s", nsf_counters_name(coverage->counters));
    nsf_facts_end(facts, "Coverage")->is_grave = !coverage->is_logged;
    if (coverage->evidence_from_ms != NSF_TS_NONE) {
        nsf_facts_begin(facts);
        nsf_facts_addf(facts,
                       "of the rule as it is now the logs speak only since %s: what was logged before does not "
                       "raise the confidence",
                       nsf_time_format_minute(coverage->evidence_from_ms, seen));
        end_detail(facts, "since");
    }
    if (coverage->is_logged)
        gaps_facts(facts, coverage);
}

static void changes_facts(struct nsf_facts *facts, const struct nsf_review_rule *rule)
{
    size_t n_before = facts->n;
    for (size_t i = 0; i < rule->n_changes; i++)
        nsf_facts_text(facts, rule->changes[i].text);
    if (facts->n > n_before)
        facts->items[n_before].label = "Changed";
}

static void outbound_fact(struct nsf_facts *facts, const struct nsf_review_rule *rule)
{
    nsf_facts_begin(facts);
    nsf_facts_addf(facts, "%s", nsf_relay_words(rule->relay));
    for (size_t i = 0; i < rule->relay_evidence.n && i < LIST_MAX; i++) {
        nsf_facts_addf(facts, i == 0 ? ": " : "; ");
        nsf_facts_add(facts, rule->relay_evidence.items[i]);
    }
    nsf_facts_end(facts, "Outbound")->is_grave =
        rule->relay == NSF_RELAY_OPEN_RELAY_LIKELY || rule->relay == NSF_RELAY_SPAM_BLOCKED;
}

void nsf_facts_of_traffic(struct nsf_facts *facts, const struct nsf_review *review, size_t rule_idx)
{
    const struct nsf_review_rule *rule = &review->rules[rule_idx];
    traffic_fact(facts, &rule->traffic);
    other_ports_fact(facts, rule);
    coverage_fact(facts, rule);
    changes_facts(facts, rule);
    outbound_fact(facts, rule);
}

bool nsf_facts_is_judged(const struct nsf_review_rule *rule)
{
    return rule->recommendation.action.ptr != NULL || rule->relay != NSF_RELAY_NOT_EXAMINED;
}

#include "core/nsf_common.h"

#include "report/explain_source.h"

#include "core/clock.h"
#include "judge/facts.h"
#include "report/review_facts.h"
#include "report/text_out.h"
#include "report/words.h"

#define LABEL_COLUMNS 14

static bool find_source(const struct nsf_review *review, size_t rule_idx, struct nsf_ip address,
                        struct nsf_mail_source *source)
{
    for (uint64_t i = 0; i < review->rules[rule_idx].n_sources; i++) {
        nsf_review_source_brief(review, rule_idx, i, source);
        if (source->is_rest || !nsf_ip_eq(source->address, address))
            continue;
        nsf_review_source(review, rule_idx, i, source);
        return true;
    }
    return false;
}

static void write_evidence(struct nsf_text *text, const struct nsf_mail_source *source)
{
    for (size_t i = 0; i < source->n_evidence; i++) {
        int32_t points = source->evidence[i].points_tenths;
        nsf_text_para_begin(text);
        nsf_text_para_addf(text, "%s%d.%d  ", points < 0 ? "-" : "+", abs(points) / 10, abs(points) % 10);
        nsf_text_para_add(text, source->evidence[i].text);
        nsf_text_para_addf(text, " (%s)", source->evidence[i].code);
        nsf_text_para_end(text, i == 0 ? "  evidence" : "", LABEL_COLUMNS, NSF_STYLE_PLAIN);
    }
}

static const char *bounded_text(uint32_t number, char buf[32])
{
    snprintf(buf, 32, "%u%s", (unsigned)number, number >= NSF_DISTINCT_EXACT_MAX ? " or more" : "");
    return buf;
}

static void write_elsewhere(struct nsf_text *text, const struct nsf_review *review,
                            const struct nsf_source_cross *cross)
{
    char tuples[64], addresses[32], ports[32], mail[32];
    if (review->is_smtp_only) {
        nsf_text_paraf(text, "Elsewhere", LABEL_COLUMNS, "not examined (--smtp-only)");
        return;
    }
    if (cross->denied_tuples == 0 && cross->other_contacts == 0) {
        nsf_text_paraf(text, "Elsewhere", LABEL_COLUMNS, "nothing else of it is in the logs");
        return;
    }
    if (cross->denied_tuples > 0)
        nsf_text_paraf(text, "Elsewhere", LABEL_COLUMNS,
                       "%s denied, on %s of our addresses and %s port%s; on port 25 at %s",
                       nsf_count_text(cross->denied_tuples, "tuple", tuples),
                       bounded_text(cross->denied_addresses, addresses), bounded_text(cross->denied_ports, ports),
                       cross->denied_ports == 1 ? "" : "s", bounded_text(cross->denied_mail_addresses, mail));
    if (cross->other_contacts > 0)
        nsf_text_paraf(text, cross->denied_tuples > 0 ? "" : "Elsewhere", LABEL_COLUMNS,
                       "%s allowed on %s other port%s", nsf_count_text(cross->other_contacts, "tuple", tuples),
                       bounded_text(cross->other_ports, ports), cross->other_ports == 1 ? "" : "s");
}

/* ---- what lists say ---- */

static size_t write_mention(struct nsf_text *text, const struct nsf_mention *mention, const char *what, size_t n)
{
    if (!mention->is_listed)
        return n;
    nsf_text_para_begin(text);
    nsf_text_para_addf(text, "%s", what);
    if (mention->name.len > 0) {
        nsf_text_para_addf(text, ": ");
        nsf_text_para_add(text, mention->name);
    }
    nsf_text_para_addf(text, " (");
    nsf_text_para_add(text, mention->list);
    if (mention->date.len > 0) {
        nsf_text_para_addf(text, ", ");
        nsf_text_para_add(text, mention->date);
    }
    nsf_text_para_addf(text, ")");
    nsf_text_para_end(text, n == 0 ? "Lists" : "", LABEL_COLUMNS, NSF_STYLE_PLAIN);
    return n + 1;
}

static size_t write_mentions(struct nsf_text *text, const struct nsf_address_profile *profile)
{
    const struct nsf_sender_facts *facts = &profile->facts;
    size_t n = write_mention(text, &facts->partner, "a partner", 0);
    n = write_mention(text, &facts->sender, "a mail provider", n);
    n = write_mention(text, &facts->scanner, "a known scanner", n);
    n = write_mention(text, &facts->drop, "a drop list", n);
    n = write_mention(text, &profile->mx, "one of your published MX", n);
    return write_mention(text, &profile->names, "its name", n);
}

/* ---- the source, whatever the rule ---- */

static void write_network(struct nsf_text *text, const struct nsf_mail_source *source)
{
    char network[NSF_IP_TEXT_BYTES];
    nsf_text_para_begin(text);
    nsf_text_para_addf(text, "%s", nsf_prefix_format(source->network, network));
    if (source->name.len > 0) {
        nsf_text_para_addf(text, ", ");
        nsf_text_para_add(text, source->name);
    }
    nsf_text_para_end(text, "Network", LABEL_COLUMNS, NSF_STYLE_HEADING);
}

static void write_verdict(struct nsf_text *text, bool is_judged, const struct nsf_mail_source *source)
{
    if (!is_judged) {
        nsf_text_paraf(text, "Verdict", LABEL_COLUMNS, "not judged");
        return;
    }
    nsf_text_paraf(text, "Verdict", LABEL_COLUMNS, "%s, score %s%d.%d", nsf_source_verdict_name(source->verdict),
                   source->score_tenths < 0 ? "-" : "", abs(source->score_tenths) / 10, abs(source->score_tenths) % 10);
    write_evidence(text, source);
}

/* Of an address without a row under a finding: it came through other rules, was refused, or was seen on other ports.
 * False: nothing of it is in the logs. */
static bool write_stranger(struct nsf_text *text, const struct nsf_review *review,
                           const struct nsf_address_profile *profile)
{
    const struct nsf_mail_source *source = &profile->source;
    bool came_for_mail = profile->facts.connections > 0 || source->cross.denied_mail_addresses > 0;
    bool has_come = came_for_mail || source->cross.denied_tuples > 0 || source->cross.other_contacts > 0;
    write_network(text, source);
    write_mentions(text, profile);
    if (came_for_mail)
        write_verdict(text, true, source);
    else if (has_come)
        nsf_text_paraf(text, "Verdict", LABEL_COLUMNS, "none: it did not come for mail");
    if (has_come)
        write_elsewhere(text, review, &source->cross);
    return has_come;
}

static void write_other_rules(struct nsf_text *text, uint64_t n_connections)
{
    char connections[64];
    if (n_connections > 0)
        nsf_text_paraf(text, "Otherwise", LABEL_COLUMNS,
                       "%s to port 25 by rules that do not open it to the internet, or that no definition explains",
                       nsf_count_text(n_connections, "connection", connections));
}

static void write_classes(struct nsf_text *text, const struct nsf_mail_source *source)
{
    char number[NSF_NUMBER_TEXT_BYTES];
    size_t n = 0;
    nsf_text_para_begin(text);
    for (size_t i = 0; i < NSF_CLASSES; i++) {
        enum nsf_connection_class class_ = nsf_class_order(i);
        if (source->classes[class_] > 0)
            nsf_text_para_addf(text, "%s%s %s", n++ > 0 ? ", " : "", nsf_number_text(source->classes[class_], number),
                               nsf_class_words(class_));
    }
    if (n > 0)
        nsf_text_para_end(text, "  of them", LABEL_COLUMNS, NSF_STYLE_PLAIN);
}

static void write_destinations(struct nsf_text *text, const struct nsf_mail_source *source)
{
    char address[NSF_IP_TEXT_BYTES], number[NSF_NUMBER_TEXT_BYTES];
    nsf_text_para_begin(text);
    for (uint32_t i = 0; i < source->n_destinations; i++)
        nsf_text_para_addf(text, "%s%s", i > 0 ? ", " : "", nsf_ip_format(source->destinations[i], address));
    if (source->destinations_more > 0)
        nsf_text_para_addf(text, " and %s more", nsf_number_text(source->destinations_more, number));
    nsf_text_para_end(text, "  to", LABEL_COLUMNS, NSF_STYLE_PLAIN);
}

static void write_under_rule(struct nsf_text *text, const struct nsf_review *review, size_t rule_idx,
                             const struct nsf_mail_source *source)
{
    const struct nsf_finding *finding = &review->scan->findings[review->rules[rule_idx].finding_idx];
    char connections[64], attempts[64], tuples[64], days[64], when[NSF_TIME_TEXT_BYTES], until[NSF_TIME_TEXT_BYTES];
    nsf_text_newline(text);
    nsf_text_para_begin(text);
    nsf_text_para_add(text, review->scan->nsgs[finding->nsg_idx].name);
    nsf_text_para_addf(text, " / ");
    nsf_text_para_add(text, finding->rule);
    nsf_text_para_end(text, "Through", LABEL_COLUMNS, NSF_STYLE_HEADING);
    nsf_text_paraf(text, "  traffic", LABEL_COLUMNS, "%s (%s, %s) on %s",
                   nsf_count_text(source->connections, "connection", connections),
                   nsf_count_text(source->attempts, "attempt", attempts),
                   nsf_count_text(source->tuples, "tuple", tuples), nsf_count_text(source->days, "day", days));
    if (source->first_ms != NSF_TS_NONE)
        nsf_text_paraf(text, "  seen", LABEL_COLUMNS, "first %s, last %s", nsf_time_format(source->first_ms, when),
                       nsf_time_format(source->last_ms, until));
    write_classes(text, source);
    if (source->has_counters)
        nsf_text_paraf(text, "  volume", LABEL_COLUMNS, "%s sent to us, %s back",
                       nsf_bytes_text(source->counters.bytes_in, connections),
                       nsf_bytes_text(source->counters.bytes_out, attempts));
    else
        nsf_text_paraf(text, "  volume", LABEL_COLUMNS, "not logged: no connection had counters");
    write_destinations(text, source);
}

/* One network retries as one: the row names its smallest address. */
static size_t write_retrying(struct nsf_text *text, const struct nsf_denied *denied, struct nsf_ip address)
{
    char to[NSF_IP_TEXT_BYTES], first[NSF_TIME_TEXT_BYTES], last[NSF_TIME_TEXT_BYTES], from[NSF_IP_TEXT_BYTES];
    size_t n = 0;
    for (size_t i = 0; i < denied->n_retrying; i++) {
        const struct nsf_retrying_sender *sender = &denied->retrying[i];
        bool is_own = nsf_ip_eq(sender->address, address);
        if (!is_own && !nsf_prefix_contains(sender->network, address))
            continue;
        nsf_text_paraf(text, "Refused", LABEL_COLUMNS,
                       "%s%s%sretries at %s like a mail server: %llu attempts, %s to %s",
                       is_own ? "" : "its network, as ", is_own ? "" : nsf_ip_format(sender->address, from),
                       is_own ? "" : ", ", nsf_ip_format(sender->destination, to), (unsigned long long)sender->attempts,
                       nsf_time_format_minute(sender->first_ms, first), nsf_time_format_minute(sender->last_ms, last));
        n++;
    }
    return n;
}

static uint64_t write_rows(struct nsf_text *text, const struct nsf_review *review, struct nsf_ip address,
                           const struct nsf_address_profile *profile)
{
    struct nsf_mail_source source;
    uint64_t connections = 0, n = 0;
    for (size_t i = 0; i < review->n_rules; i++) {
        if (!find_source(review, i, address, &source))
            continue;
        if (n++ == 0) {
            write_network(text, &source);
            if (profile != NULL)
                write_mentions(text, profile);
            write_verdict(text, nsf_facts_is_judged(&review->rules[i]), &source);
            write_elsewhere(text, review, &source.cross);
        }
        write_under_rule(text, review, i, &source);
        connections += source.connections;
    }
    if (n > 0 && profile != NULL && profile->facts.connections > connections) {
        nsf_text_newline(text);
        write_other_rules(text, profile->facts.connections - connections);
    }
    return n;
}

static void write_no_rows(struct nsf_text *text, const struct nsf_review *review, struct nsf_ip address,
                          const struct nsf_address_profile *profile)
{
    bool has_come = profile != NULL && write_stranger(text, review, profile);
    bool is_retrying = write_retrying(text, &review->denied, address) > 0;
    if (has_come)
        write_other_rules(text, profile->facts.connections);
    if (profile != NULL)
        nsf_text_newline(text);
    if (has_come || is_retrying || profile == NULL)
        nsf_text_paraf(text, "", 0, "No exposing rule let a connection of this address through to port 25.");
    else
        nsf_text_paraf(text, "", 0,
                       review->is_smtp_only ? "This address never came to port 25 in the logs that were read."
                                            : "This address is not in the logs that were read: it was "
                                              "neither let in nor refused, on any port.");
    if (profile == NULL && !is_retrying)
        nsf_text_paraf(text, "", 0,
                       "A saved review holds the sources of its rules only; a review of the logs, or a report from a "
                       "store, knows also who was refused or came to other ports.");
}

void nsf_report_explain_source(const struct nsf_review *review, struct nsf_ip address,
                               const struct nsf_report_options *options, struct nsf_out *out)
{
    struct nsf_text text;
    struct nsf_address_profile profile = {0};
    struct nsf_address_profile *known = review->read_address == NULL ? NULL : &profile;
    char name[NSF_IP_TEXT_BYTES];
    nsf_text_init(&text, out, options->width < NSF_REPORT_WIDTH_MIN ? NSF_REPORT_WIDTH_MIN : options->width,
                  options->is_colour);
    nsf_text_heading(&text, NSF_STYLE_HEADING, "%s", nsf_ip_format(address, name));
    nsf_text_newline(&text);
    if (known != NULL)
        review->read_address(review, address, known);
    if (write_rows(&text, review, address, known) == 0) {
        if (known != NULL) /* what it lends may have moved */
            review->read_address(review, address, known);
        write_no_rows(&text, review, address, known);
    } else {
        write_retrying(&text, &review->denied, address);
    }
    nsf_text_release(&text);
}

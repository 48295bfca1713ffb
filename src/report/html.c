#include "core/nsf_common.h"

#include "report/formats.h"

#include "core/clock.h"
#include "core/version.h"
#include "report/html_page.h"
#include "report/source_groups.h"
#include "report/text_out.h"
#include "report/words.h"

#define SOURCES_SHOWN 20 /* of each group */
#define UNMATCHED_SHOWN 500
#define RETRYING_SHOWN 100

/* ---- the review ------------------------------------------------------------------------------------------------- */

static void write_badge(struct nsf_out *out, const char *class_, const char *text)
{
    nsf_out_printf(out, "<span class=\"badge %s\">%s</span>", class_, text);
}

static void write_queue_row(const struct nsf_review *review, size_t rule_idx, struct nsf_out *out)
{
    const struct nsf_review_rule *rule = &review->rules[rule_idx];
    const struct nsf_finding *finding = &review->scan->findings[rule->finding_idx];
    char share[NSF_NUMBER_TEXT_BYTES], open_to[32], risk[16];
    char step[NSF_NEXT_STEP_BYTES];
    nsf_out_printf(out, "<tr><td class=\"n\">%zu</td><td class=\"w\"><a href=\"#rule-%zu\">", rule_idx + 1,
                   rule_idx + 1);
    nsf_html_text(out, review->scan->nsgs[finding->nsg_idx].name);
    nsf_out_str(out, " / ");
    nsf_html_text(out, finding->rule);
    nsf_out_str(out, "</a></td><td>");
    write_badge(out, nsf_html_verdict_class(rule->verdict), nsf_rule_verdict_name(rule->verdict));
    nsf_out_printf(out, "<br><span class=\"soft\">%s</span></td>", nsf_facts_next_step(review, rule_idx, step));
    nsf_html_cell_number(out, rule->traffic.connections);
    if (rule->coverage.counters == NSF_COUNTERS_ABSENT && rule->traffic.connections > 0)
        nsf_out_str(out, "<td class=\"n\">unknown</td>");
    else
        nsf_html_cell_number(out, rule->traffic.classes[NSF_CLASS_MESSAGE]);
    nsf_html_cell_number(out, rule->traffic.sources);
    nsf_html_cell_day(out, rule->traffic.last_ms);
    snprintf(risk, sizeof(risk), "%u", (unsigned)rule->risk);
    nsf_out_printf(out, "<td class=\"n\">%s</td><td>%c</td><td class=\"n\">%s</td><td class=\"nw\">%s</td></tr>\n",
                   rule->coverage.is_logged
                       ? nsf_share_text(rule->coverage.hours_seen, rule->coverage.hours_expected, share)
                       : "no log",
                   rule->confidence, nsf_facts_is_judged(rule) ? risk : "-", nsf_open_to_words(finding, open_to));
}

static void write_queue(const struct nsf_review *review, struct nsf_out *out)
{
    static const char *const names[] = {"##",        "NSG / rule", "Verdict", "#Connections", "#Messages", "#Sources",
                                        "Last seen", "#Logged",    "Conf.",   "#Risk",        "Open to"};
    if (review->n_rules == 0)
        return;
    nsf_out_str(out, "<section>\n<h2>The rules, in the order to deal with them</h2>\n");
    nsf_html_table(out, names, NSF_ARRAY_LEN(names));
    for (size_t i = 0; i < review->n_rules; i++)
        write_queue_row(review, i, out);
    nsf_html_table_end(out);
    nsf_out_str(out, "<p class=\"soft\">Messages: connections that carried mail. Logged: share of the hours with logs. "
                     "Conf.: how far the logs can be trusted, A (best) to D. Risk: 0 to 100, of leaving the rule as it "
                     "is.</p>\n</section>\n");
}

static void write_source_evidence(const struct nsf_mail_source *source, struct nsf_out *out)
{
    nsf_out_str(out, "<td class=\"w\"><ul class=\"plain\">");
    for (size_t i = 0; i < source->n_evidence; i++) {
        int32_t points = source->evidence[i].points_tenths;
        if (nsf_evidence_is_start(&source->evidence[i]))
            continue;
        nsf_out_str(out, "<li>");
        nsf_html_text(out, source->evidence[i].text);
        nsf_out_printf(out, " <span class=\"soft nw\">%s%d.%d</span></li>", points < 0 ? "-" : "+", abs(points) / 10,
                       abs(points) % 10);
    }
    nsf_out_str(out, "</ul></td>");
}

static void write_source(const struct nsf_mail_source *source, const char *group, bool is_judged, struct nsf_out *out)
{
    char text[NSF_IP_TEXT_BYTES];
    nsf_out_str(out, "<tr><td class=\"a\">");
    nsf_html_code(out, nsf_slice_str(nsf_ip_format(source->address, text)));
    if (source->name.len > 0) {
        nsf_out_str(out, "<br>");
        nsf_html_text(out, source->name);
    }
    nsf_out_str(out, "</td>");
    nsf_out_printf(out, "<td class=\"nw\">%s</td>", nsf_source_verdict_name(source->verdict));
    if (is_judged)
        nsf_out_printf(out, "<td class=\"n\">%s%d.%d</td>", source->score_tenths < 0 ? "-" : "",
                       abs(source->score_tenths) / 10, abs(source->score_tenths) % 10);
    else
        nsf_html_cell_str(out, "");
    nsf_html_cell_str(out, group);
    nsf_html_cell_number(out, source->connections);
    if (source->has_counters)
        nsf_html_cell_number(out, source->classes[NSF_CLASS_MESSAGE]);
    else
        nsf_out_str(out, "<td class=\"n\">?</td>");
    nsf_html_cell_number(out, source->days);
    nsf_html_cell_day(out, source->last_ms);
    write_source_evidence(source, out);
    nsf_out_str(out, "</tr>\n");
}

static void write_sources(const struct nsf_review *review, size_t rule_idx, uint64_t top, struct nsf_out *out)
{
    static const char *const names[] = {"Source",    "Verdict", "#Score",    "Group",   "#Connections",
                                        "#Messages", "#Days",   "Last seen", "Evidence"};
    const struct nsf_review_rule *rule = &review->rules[rule_idx];
    struct nsf_arena arena;
    struct nsf_source_groups groups;
    struct nsf_mail_source source;
    uint64_t n_shown = 0;
    if (rule->n_sources == 0)
        return;
    nsf_arena_init(&arena);
    nsf_source_groups_fill(&groups, review, rule_idx, top, SOURCES_SHOWN, &arena);
    nsf_out_str(out, "<h3>Sources</h3>\n");
    nsf_html_table(out, names, NSF_ARRAY_LEN(names));
    for (size_t i = 0; i < groups.n_groups; i++)
        for (size_t j = 0; j < groups.groups[i].n_rows; j++) {
            nsf_review_source(review, rule_idx, groups.groups[i].rows[j], &source);
            write_source(&source, groups.groups[i].title, nsf_facts_is_judged(rule), out);
            n_shown++;
        }
    nsf_html_table_end(out);
    if (rule->traffic.sources > n_shown)
        nsf_out_printf(out, "<p class=\"soft\">and %llu more</p>\n",
                       (unsigned long long)(rule->traffic.sources - n_shown));
    nsf_arena_release(&arena);
}

static void write_rule(const struct nsf_review *review, size_t rule_idx, uint64_t top, struct nsf_facts *facts,
                       struct nsf_out *out)
{
    const struct nsf_review_rule *rule = &review->rules[rule_idx];
    const struct nsf_finding *finding = &review->scan->findings[rule->finding_idx];
    nsf_out_printf(out, "<section id=\"rule-%zu\">\n<h2>%zu. ", rule_idx + 1, rule_idx + 1);
    nsf_html_text(out, review->scan->nsgs[finding->nsg_idx].name);
    nsf_out_str(out, " / ");
    nsf_html_text(out, finding->rule);
    nsf_out_str(out, "</h2>\n<p>");
    write_badge(out, nsf_html_verdict_class(rule->verdict), nsf_rule_verdict_name(rule->verdict));
    nsf_out_printf(out, " <span class=\"soft\">confidence %c, ", rule->confidence);
    if (nsf_facts_is_judged(rule))
        nsf_out_printf(out, "risk %u of 100</span></p>\n<p>", (unsigned)rule->risk);
    else
        nsf_out_str(out, "risk not judged</span></p>\n<p>");
    nsf_html_text(out, rule->reason);
    nsf_out_str(out, "</p>\n<div class=\"card\">\n");
    nsf_facts_of_advice(facts, review, rule_idx, top);
    nsf_html_facts(out, facts);
    nsf_out_str(out, "</div>\n");
    nsf_facts_of_traffic(facts, review, rule_idx);
    nsf_html_facts(out, facts);
    nsf_html_days(out, &rule->traffic);
    write_sources(review, rule_idx, top, out);
    nsf_out_str(out, "<h3>The rule</h3>\n");
    nsf_facts_of_rule(facts, review, rule_idx);
    nsf_facts_of_doubts(facts, review, rule_idx);
    nsf_html_facts(out, facts);
    nsf_out_str(out, "</section>\n");
}

static void write_unmatched(const struct nsf_review *review, struct nsf_out *out)
{
    static const char *const names[] = {"#Tuples", "#Connections", "#Sources", "Why", "Rule as logged", "NSG"};
    if (review->n_unmatched == 0)
        return;
    nsf_out_str(out, "<section>\n<h2>Allowed on port 25, but by none of these rules</h2>\n");
    nsf_html_table(out, names, NSF_ARRAY_LEN(names));
    for (size_t i = 0; i < review->n_unmatched && i < UNMATCHED_SHOWN; i++) {
        const struct nsf_unmatched *row = &review->unmatched[i];
        nsf_out_str(out, "<tr>");
        nsf_html_cell_number(out, row->tuples);
        nsf_html_cell_number(out, row->connections);
        nsf_html_cell_number(out, row->sources);
        nsf_html_cell_str(out, row->is_rest ? "all further rows" : nsf_unmatched_reason_text(row->reason));
        nsf_html_cell(out, row->is_rest ? NSF_SLICE_LIT("") : row->rule);
        nsf_html_cell(out, row->is_rest ? NSF_SLICE_LIT("") : row->nsg);
        nsf_out_str(out, "</tr>\n");
    }
    nsf_html_table_end(out);
    if (review->n_unmatched > UNMATCHED_SHOWN)
        nsf_out_printf(out, "<p class=\"soft\">and %zu more</p>\n", review->n_unmatched - UNMATCHED_SHOWN);
    nsf_out_str(out, "</section>\n");
}

static void write_retrying(const struct nsf_denied *denied, struct nsf_out *out)
{
    static const char *const names[] = {"Sender", "To", "#Attempts", "First", "Last"};
    char text[NSF_TIME_TEXT_BYTES];
    nsf_out_str(out, "<p>These retry like mail servers: mail that is refused already today.</p>\n");
    nsf_html_table(out, names, NSF_ARRAY_LEN(names));
    for (size_t i = 0; i < denied->n_retrying && i < RETRYING_SHOWN; i++) {
        const struct nsf_retrying_sender *sender = &denied->retrying[i];
        nsf_out_str(out, "<tr>");
        nsf_html_cell_str(out, nsf_ip_format(sender->address, text));
        nsf_html_cell_str(out, nsf_ip_format(sender->destination, text));
        nsf_html_cell_number(out, sender->attempts);
        nsf_html_cell_str(out, nsf_time_format_minute(sender->first_ms, text));
        nsf_html_cell_str(out, nsf_time_format_minute(sender->last_ms, text));
        nsf_out_str(out, "</tr>\n");
    }
    nsf_html_table_end(out);
}

static void write_denied(const struct nsf_review *review, struct nsf_out *out)
{
    const struct nsf_denied *denied = &review->denied;
    char tuples[64], sources[64];
    nsf_out_str(out, "<section>\n<h2>Refused on port 25</h2>\n");
    if (review->is_smtp_only)
        nsf_out_str(out, "<p>Not examined.</p>\n");
    else
        nsf_out_printf(out, "<p>%s from %s.</p>\n", nsf_count_text(denied->tuples, "tuple", tuples),
                       nsf_count_text(denied->sources, "source", sources));
    if (denied->n_retrying > 0)
        write_retrying(denied, out);
    nsf_out_str(out, "</section>\n");
}

static void write_limits(const struct nsf_review *review, struct nsf_facts *facts, struct nsf_out *out)
{
    nsf_facts_of_limits(facts, review);
    if (facts->n == 0)
        return;
    nsf_out_str(out, "<section>\n<h2>What these logs cannot show</h2>\n");
    nsf_html_facts(out, facts);
    nsf_out_str(out, "</section>\n");
}

void nsf_review_write_html(const struct nsf_review *review, const struct nsf_report_options *options,
                           struct nsf_out *out)
{
    char title[96], generated[NSF_TIME_TEXT_BYTES];
    struct nsf_facts facts;
    nsf_facts_init(&facts);
    if (review->n_rules == 0)
        snprintf(title, sizeof(title), "No rule lets the internet reach TCP port 25");
    else
        snprintf(title, sizeof(title), "%zu rule%s the internet reach TCP port 25", review->n_rules,
                 review->n_rules == 1 ? " lets" : "s let");
    nsf_html_begin(out, title);
    nsf_out_printf(out, "<p class=\"soft\">nsgflow " NSF_VERSION " review of %s UTC</p>\n",
                   nsf_time_format_minute(review->generated_ms, generated));
    nsf_facts_of_inputs(&facts, review);
    nsf_html_facts(out, &facts);
    write_queue(review, out);
    for (size_t i = 0; i < review->n_rules; i++)
        write_rule(review, i, options->top, &facts, out);
    write_unmatched(review, out);
    write_denied(review, out);
    nsf_html_problems(out, &review->inputs.problems);
    write_limits(review, &facts, out);
    nsf_html_end(out);
    nsf_facts_release(&facts);
}

/* ---- the scan --------------------------------------------------------------------------------------------------- */

static void write_findings(const struct nsf_scan *scan, struct nsf_out *out)
{
    static const char *const names[] = {"NSG", "Rule", "#Priority", "Verdict", "Open to", "Note", "Defined in"};
    char open_to[32];
    if (scan->n_findings == 0)
        return;
    nsf_html_table(out, names, NSF_ARRAY_LEN(names));
    for (size_t i = 0; i < scan->n_findings; i++) {
        const struct nsf_finding *finding = &scan->findings[i];
        nsf_out_str(out, "<tr>");
        nsf_html_cell(out, scan->nsgs[finding->nsg_idx].name);
        nsf_html_cell(out, finding->rule);
        nsf_html_cell_number(out, finding->priority);
        nsf_out_str(out, "<td>");
        write_badge(out, nsf_html_exposure_class(finding->verdict), nsf_exposure_name(finding->verdict));
        nsf_out_printf(out, "%s</td><td class=\"nw\">%s</td>", finding->is_latent ? " latent" : "",
                       nsf_open_to_words(finding, open_to));
        nsf_html_cell(out, finding->note);
        nsf_out_str(out, "<td>");
        nsf_html_text(out, finding->place.file);
        if (finding->place.line > 0)
            nsf_out_printf(out, " line %u", (unsigned)finding->place.line);
        nsf_out_str(out, "</td></tr>\n");
    }
    nsf_html_table_end(out);
}

static void write_nsgs(const struct nsf_scan *scan, struct nsf_out *out)
{
    static const char *const names[] = {"NSG", "Verdict", "#Public IPv4", "IPv6", "Owner", "Id"};
    nsf_out_str(out, "<section>\n<h2>All NSGs</h2>\n");
    nsf_html_table(out, names, NSF_ARRAY_LEN(names));
    for (size_t i = 0; i < scan->n_nsgs; i++) {
        const struct nsf_scan_nsg *nsg = &scan->nsgs[i];
        nsf_out_str(out, "<tr>");
        nsf_html_cell(out, nsg->name);
        nsf_out_str(out, "<td>");
        write_badge(out, nsf_html_exposure_class(nsg->verdict), nsf_exposure_name(nsg->verdict));
        nsf_out_printf(out, "%s</td>", nsg->is_latent ? " latent" : "");
        nsf_html_cell_number(out, nsg->public_ipv4);
        nsf_html_cell_str(out, nsf_v6_extent_name(nsg->public_ipv6));
        nsf_html_cell(out, nsg->owner);
        nsf_html_cell(out, nsg->id);
        nsf_out_str(out, "</tr>\n");
    }
    nsf_html_table_end(out);
    nsf_out_str(out, "</section>\n");
}

void nsf_scan_write_html(const struct nsf_scan *scan, const struct nsf_problems *problems, struct nsf_out *out)
{
    char title[96];
    if (scan->n_findings == 0)
        snprintf(title, sizeof(title), "No rule lets the internet reach TCP port %u", (unsigned)scan->port);
    else
        snprintf(title, sizeof(title), "%zu rule%s the internet reach TCP port %u", scan->n_findings,
                 scan->n_findings == 1 ? " lets" : "s let", (unsigned)scan->port);
    nsf_html_begin(out, title);
    write_findings(scan, out);
    write_nsgs(scan, out);
    nsf_html_problems(out, problems);
    nsf_html_end(out);
}

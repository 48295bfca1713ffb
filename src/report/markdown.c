#include "core/nsf_common.h"

#include "report/formats.h"

#include "core/clock.h"
#include "report/escape.h"
#include "report/review_facts.h"
#include "report/source_groups.h"
#include "report/text_out.h"
#include "report/words.h"

#define SOURCES_SHOWN 5 /* of each group */
#define PROBLEMS_SHOWN 20
#define UNMATCHED_SHOWN 100
#define RETRYING_SHOWN 20

/* ---- pieces ----------------------------------------------------------------------------------------------------- */

static void code(struct nsf_out *out, struct nsf_slice text)
{
    nsf_escape_markdown_code(out, text, true);
}

static void number(struct nsf_out *out, uint64_t value)
{
    char text[NSF_NUMBER_TEXT_BYTES];
    nsf_out_str(out, nsf_number_text(value, text));
}

static void cell_number(struct nsf_out *out, uint64_t value)
{
    nsf_out_str(out, " | ");
    number(out, value);
}

static void cell_str(struct nsf_out *out, const char *text)
{
    nsf_out_str(out, " | ");
    nsf_out_str(out, text);
}

static void cell_day(struct nsf_out *out, int64_t ts_ms)
{
    char text[NSF_TIME_TEXT_BYTES];
    cell_str(out, ts_ms == NSF_TS_NONE ? "never" : nsf_time_format_day(nsf_time_day(ts_ms), text));
}

/* A bullet a fact; details are indented below theirs. */
static void write_facts(struct nsf_out *out, struct nsf_facts *facts)
{
    for (size_t i = 0; i < facts->n; i++) {
        const struct nsf_fact *fact = &facts->items[i];
        nsf_out_str(out, fact->is_detail ? "  - " : "- ");
        if (fact->label[0] != '\0')
            nsf_out_printf(out, fact->is_detail ? "%s: " : "**%s**: ", fact->label);
        nsf_escape_markdown(out, fact->text);
        nsf_out_char(out, '\n');
    }
    nsf_out_char(out, '\n');
    nsf_facts_reset(facts);
}

static void write_problems(struct nsf_out *out, const struct nsf_problems *problems)
{
    if (problems->n == 0)
        return;
    nsf_out_str(out, "| Input | Byte | Problem | Detail |\n| --- | ---: | --- | --- |\n");
    for (size_t i = 0; i < problems->n && i < PROBLEMS_SHOWN; i++) {
        const struct nsf_problem *problem = &problems->items[i];
        nsf_out_str(out, "| ");
        code(out, problem->path);
        if (problem->offset == NSF_OFFSET_NONE)
            cell_str(out, "");
        else
            cell_number(out, problem->offset);
        cell_str(out, nsf_code_name(problem->code));
        nsf_out_str(out, " | ");
        nsf_escape_markdown(out, problem->detail);
        nsf_out_str(out, " |\n");
    }
    if (problems->n > PROBLEMS_SHOWN)
        nsf_out_printf(out, "\nand %zu more.\n", problems->n - PROBLEMS_SHOWN);
    nsf_out_char(out, '\n');
}

/* ---- the review ------------------------------------------------------------------------------------------------- */

static void write_queue(const struct nsf_review *review, struct nsf_out *out)
{
    char share[NSF_NUMBER_TEXT_BYTES], open_to[32], step[NSF_NEXT_STEP_BYTES];
    if (review->n_rules == 0)
        return;
    nsf_out_str(out,
                "## The rules, in the order to deal with them\n\n"
                "| # | NSG | Rule | Verdict | Connections | Messages | Sources | Last seen | Coverage | Confidence "
                "| Risk | Open to | What to do |\n"
                "| ---: | --- | --- | --- | ---: | ---: | ---: | --- | ---: | --- | ---: | --- | --- |\n");
    for (size_t i = 0; i < review->n_rules; i++) {
        const struct nsf_review_rule *rule = &review->rules[i];
        const struct nsf_finding *finding = &review->scan->findings[rule->finding_idx];
        nsf_out_printf(out, "| %zu | ", i + 1);
        code(out, review->scan->nsgs[finding->nsg_idx].name);
        nsf_out_str(out, " | ");
        code(out, finding->rule);
        nsf_out_printf(out, " | `%s`", nsf_rule_verdict_name(rule->verdict));
        cell_number(out, rule->traffic.connections);
        if (rule->coverage.counters == NSF_COUNTERS_ABSENT && rule->traffic.connections > 0)
            cell_str(out, "unknown");
        else
            cell_number(out, rule->traffic.classes[NSF_CLASS_MESSAGE]);
        cell_number(out, rule->traffic.sources);
        cell_day(out, rule->traffic.last_ms);
        cell_str(out, rule->coverage.is_logged
                          ? nsf_share_text(rule->coverage.hours_seen, rule->coverage.hours_expected, share)
                          : "no log");
        nsf_out_printf(out, " | %c | ", rule->confidence);
        if (nsf_facts_is_judged(rule))
            number(out, rule->risk);
        else
            nsf_out_char(out, '-');
        cell_str(out, nsf_open_to_words(finding, open_to));
        cell_str(out, nsf_facts_next_step(review, i, step));
        nsf_out_str(out, " |\n");
    }
    nsf_out_char(out, '\n');
}

static void write_source(const struct nsf_mail_source *source, const char *group, bool is_judged, struct nsf_out *out)
{
    char text[NSF_IP_TEXT_BYTES];
    nsf_out_printf(out, "| `%s` | ", nsf_ip_format(source->address, text));
    code(out, source->name);
    nsf_out_printf(out, " | `%s`", nsf_source_verdict_name(source->verdict));
    if (is_judged)
        nsf_out_printf(out, " | %s%d.%d", source->score_tenths < 0 ? "-" : "", abs(source->score_tenths) / 10,
                       abs(source->score_tenths) % 10);
    else
        cell_str(out, "-");
    cell_str(out, group);
    cell_number(out, source->connections);
    if (source->has_counters)
        cell_number(out, source->classes[NSF_CLASS_MESSAGE]);
    else
        cell_str(out, "?");
    cell_number(out, source->days);
    cell_day(out, source->last_ms);
    nsf_out_str(out, " | ");
    const char *separator = "";
    for (size_t i = 0; i < source->n_evidence; i++) {
        if (nsf_evidence_is_start(&source->evidence[i]))
            continue;
        nsf_out_str(out, separator);
        nsf_escape_markdown(out, source->evidence[i].text);
        separator = "; ";
    }
    nsf_out_str(out, " |\n");
}

static void write_sources(const struct nsf_review *review, size_t rule_idx, uint64_t top, struct nsf_out *out)
{
    struct nsf_arena arena;
    struct nsf_source_groups groups;
    struct nsf_mail_source source;
    uint64_t n_shown = 0;
    if (review->rules[rule_idx].n_sources == 0)
        return;
    nsf_arena_init(&arena);
    nsf_source_groups_fill(&groups, review, rule_idx, top, SOURCES_SHOWN, &arena);
    nsf_out_str(out, "| Source | Name | Verdict | Score | Group | Connections | Messages | Days | Last seen | "
                     "Evidence |\n| --- | --- | --- | ---: | --- | ---: | ---: | ---: | --- | --- |\n");
    for (size_t i = 0; i < groups.n_groups; i++)
        for (size_t j = 0; j < groups.groups[i].n_rows; j++) {
            nsf_review_source(review, rule_idx, groups.groups[i].rows[j], &source);
            write_source(&source, groups.groups[i].title, nsf_facts_is_judged(&review->rules[rule_idx]), out);
            n_shown++;
        }
    uint64_t n = review->rules[rule_idx].traffic.sources;
    if (n > n_shown) {
        nsf_out_str(out, "\nand ");
        number(out, n - n_shown);
        nsf_out_str(out, " more.\n");
    }
    nsf_out_char(out, '\n');
    nsf_arena_release(&arena);
}

static void write_rule(const struct nsf_review *review, size_t rule_idx, uint64_t top, struct nsf_facts *facts,
                       struct nsf_out *out)
{
    const struct nsf_review_rule *rule = &review->rules[rule_idx];
    const struct nsf_finding *finding = &review->scan->findings[rule->finding_idx];
    nsf_out_printf(out, "## %zu. ", rule_idx + 1);
    nsf_escape_markdown_code(out, review->scan->nsgs[finding->nsg_idx].name, false);
    nsf_out_str(out, " / ");
    nsf_escape_markdown_code(out, finding->rule, false);
    nsf_out_printf(out, "\n\n`%s`, confidence %c, ", nsf_rule_verdict_name(rule->verdict), rule->confidence);
    if (nsf_facts_is_judged(rule))
        nsf_out_printf(out, "risk %u of 100. ", (unsigned)rule->risk);
    else
        nsf_out_str(out, "risk not judged. ");
    nsf_escape_markdown(out, rule->reason);
    nsf_out_str(out, "\n\n");
    nsf_facts_of_advice(facts, review, rule_idx, top);
    nsf_facts_of_traffic(facts, review, rule_idx);
    nsf_facts_of_rule(facts, review, rule_idx);
    nsf_facts_of_doubts(facts, review, rule_idx);
    write_facts(out, facts);
    write_sources(review, rule_idx, top, out);
}

static void write_unmatched(const struct nsf_review *review, struct nsf_out *out)
{
    if (review->n_unmatched == 0)
        return;
    nsf_out_str(out, "## Allowed on port 25, but by none of these rules\n\n"
                     "| Tuples | Connections | Sources | Why | Rule as logged | NSG |\n"
                     "| ---: | ---: | ---: | --- | --- | --- |\n");
    for (size_t i = 0; i < review->n_unmatched && i < UNMATCHED_SHOWN; i++) {
        const struct nsf_unmatched *row = &review->unmatched[i];
        nsf_out_str(out, "| ");
        number(out, row->tuples);
        cell_number(out, row->connections);
        cell_number(out, row->sources);
        cell_str(out, row->is_rest ? "all further rows" : nsf_unmatched_reason_text(row->reason));
        nsf_out_str(out, " | ");
        code(out, row->is_rest ? (struct nsf_slice){NULL, 0} : row->rule);
        nsf_out_str(out, " | ");
        code(out, row->is_rest ? (struct nsf_slice){NULL, 0} : row->nsg);
        nsf_out_str(out, " |\n");
    }
    if (review->n_unmatched > UNMATCHED_SHOWN)
        nsf_out_printf(out, "\nand %zu more rows.\n", review->n_unmatched - UNMATCHED_SHOWN);
    nsf_out_char(out, '\n');
}

static void write_denied(const struct nsf_review *review, struct nsf_out *out)
{
    const struct nsf_denied *denied = &review->denied;
    char text[64], other[64];
    nsf_out_str(out, "## Refused on port 25\n\n");
    if (review->is_smtp_only)
        nsf_out_str(out, "Not examined.\n");
    else
        nsf_out_printf(out, "%s from %s.\n", nsf_count_text(denied->tuples, "tuple", text),
                       nsf_count_text(denied->sources, "source", other));
    nsf_out_char(out, '\n');
    if (denied->n_retrying == 0)
        return;
    nsf_out_str(out, "These retry like mail servers: mail that is refused already today.\n\n"
                     "| Sender | To | Attempts | First | Last |\n| --- | --- | ---: | --- | --- |\n");
    for (size_t i = 0; i < denied->n_retrying && i < RETRYING_SHOWN; i++) {
        const struct nsf_retrying_sender *sender = &denied->retrying[i];
        nsf_out_printf(out, "| `%s`", nsf_ip_format(sender->address, text));
        nsf_out_printf(out, " | `%s`", nsf_ip_format(sender->destination, text));
        cell_number(out, sender->attempts);
        cell_str(out, nsf_time_format_minute(sender->first_ms, text));
        cell_str(out, nsf_time_format_minute(sender->last_ms, text));
        nsf_out_str(out, " |\n");
    }
    nsf_out_char(out, '\n');
}

void nsf_review_write_markdown(const struct nsf_review *review, const struct nsf_report_options *options,
                               struct nsf_out *out)
{
    struct nsf_facts facts;
    nsf_facts_init(&facts);
    if (review->n_rules == 0)
        nsf_out_str(out, "# No rule lets the internet reach TCP port 25\n\n");
    else
        nsf_out_printf(out, "# %zu rule%s the internet reach TCP port 25\n\n", review->n_rules,
                       review->n_rules == 1 ? " lets" : "s let");
    nsf_facts_of_inputs(&facts, review);
    write_facts(out, &facts);
    write_problems(out, &review->inputs.problems);
    write_queue(review, out);
    for (size_t i = 0; i < review->n_rules; i++)
        write_rule(review, i, options->top, &facts, out);
    write_unmatched(review, out);
    write_denied(review, out);
    nsf_facts_of_limits(&facts, review);
    if (facts.n > 0) {
        nsf_out_str(out, "## What these logs cannot show\n\n");
        write_facts(out, &facts);
    }
    nsf_facts_release(&facts);
}

/* ---- the scan --------------------------------------------------------------------------------------------------- */

static void write_finding(const struct nsf_scan *scan, const struct nsf_finding *finding, struct nsf_out *out)
{
    char open_to[32];
    nsf_out_str(out, "| ");
    code(out, scan->nsgs[finding->nsg_idx].name);
    nsf_out_str(out, " | ");
    code(out, finding->rule);
    nsf_out_printf(out, " | %u | %s%s", (unsigned)finding->priority, nsf_exposure_name(finding->verdict),
                   finding->is_latent ? ", latent" : "");
    cell_str(out, nsf_open_to_words(finding, open_to));
    nsf_out_str(out, " | ");
    for (size_t i = 0; i < finding->sources.n; i++) {
        nsf_out_str(out, i > 0 ? " " : "");
        code(out, finding->sources.items[i]);
    }
    nsf_out_str(out, " | ");
    nsf_escape_markdown(out, finding->note);
    nsf_out_str(out, " | ");
    if (finding->place.file.ptr != NULL)
        code(out, finding->place.file);
    if (finding->place.line > 0)
        nsf_out_printf(out, " line %u", (unsigned)finding->place.line);
    nsf_out_str(out, " |\n");
}

static void write_nsgs(const struct nsf_scan *scan, struct nsf_out *out)
{
    nsf_out_str(out, "## All NSGs\n\n| NSG | Verdict | Public IPv4 | IPv6 | Owner | Id |\n"
                     "| --- | --- | ---: | --- | --- | --- |\n");
    for (size_t i = 0; i < scan->n_nsgs; i++) {
        const struct nsf_scan_nsg *nsg = &scan->nsgs[i];
        nsf_out_str(out, "| ");
        code(out, nsg->name);
        nsf_out_printf(out, " | %s%s", nsf_exposure_name(nsg->verdict), nsg->is_latent ? ", latent" : "");
        cell_number(out, nsg->public_ipv4);
        cell_str(out, nsf_v6_extent_name(nsg->public_ipv6));
        nsf_out_str(out, " | ");
        nsf_escape_markdown(out, nsg->owner);
        nsf_out_str(out, " | ");
        code(out, nsg->id);
        nsf_out_str(out, " |\n");
    }
    nsf_out_char(out, '\n');
}

void nsf_scan_write_markdown(const struct nsf_scan *scan, const struct nsf_problems *problems, struct nsf_out *out)
{
    if (scan->n_findings == 0)
        nsf_out_printf(out, "# No rule lets the internet reach TCP port %u\n\n", (unsigned)scan->port);
    else
        nsf_out_printf(out, "# %zu rule%s the internet reach TCP port %u\n\n", scan->n_findings,
                       scan->n_findings == 1 ? " lets" : "s let", (unsigned)scan->port);
    write_problems(out, problems);
    if (scan->n_findings > 0)
        nsf_out_str(out, "| NSG | Rule | Priority | Verdict | Open to | From | Note | Defined in |\n"
                         "| --- | --- | ---: | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < scan->n_findings; i++)
        write_finding(scan, &scan->findings[i], out);
    if (scan->n_findings > 0)
        nsf_out_char(out, '\n');
    write_nsgs(scan, out);
}

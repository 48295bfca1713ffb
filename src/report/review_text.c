#include "core/nsf_common.h"

#include "report/review_text.h"

#include "core/clock.h"
#include "report/review_facts.h"
#include "report/source_groups.h"
#include "report/text_out.h"
#include "report/words.h"

#define LABEL_COLUMNS 14
#define PROBLEMS_SHOWN 8
#define UNMATCHED_SHOWN 20
#define RETRYING_SHOWN 10
#define SOURCES_SHOWN 3 /* of each group */
#define EVIDENCE_SHOWN 2
#define EVIDENCE_SHOWN_OF 64
#define WHY_MAX_BYTES ((size_t)64 << 20)
#define ADDRESS_COLUMNS 26

/* What every part of the report needs. */
struct page {
    struct nsf_text text;
    struct nsf_facts facts;
    const struct nsf_review *review;
    const struct nsf_report_options *options;
    struct nsf_buf why; /* what was said of the source above */
};

/* ---- pieces ----------------------------------------------------------------------------------------------------- */

static void write_facts(struct page *page)
{
    for (size_t i = 0; i < page->facts.n; i++) {
        const struct nsf_fact *fact = &page->facts.items[i];
        char label[64];
        snprintf(label, sizeof(label), "%s%s", fact->is_detail ? "  " : "", fact->label);
        nsf_text_para_begin(&page->text);
        nsf_text_para_add(&page->text, fact->text);
        nsf_text_para_end(&page->text, label, LABEL_COLUMNS,
                          fact->is_grave    ? NSF_STYLE_WARN
                          : fact->is_detail ? NSF_STYLE_PLAIN
                                            : NSF_STYLE_HEADING);
    }
    nsf_facts_reset(&page->facts);
}

static void section(struct page *page, const char *title)
{
    nsf_text_newline(&page->text);
    nsf_text_heading(&page->text, NSF_STYLE_HEADING, "%s", title);
    nsf_text_newline(&page->text);
}

static enum nsf_style verdict_style(enum nsf_rule_verdict verdict)
{
    switch (verdict) {
    case NSF_VERDICT_INVESTIGATE_ABUSE:
        return NSF_STYLE_BAD;
    case NSF_VERDICT_CLOSE_UNUSED:
    case NSF_VERDICT_CLOSE_PROBES_ONLY:
    case NSF_VERDICT_RESTRICT_TO_RELAYS:
        return NSF_STYLE_GOOD;
    case NSF_VERDICT_NOT_EFFECTIVE:
    case NSF_VERDICT_SOURCE_MASKED:
    case NSF_VERDICT_INSUFFICIENT_EVIDENCE:
    case NSF_VERDICT_PUBLIC_MX:
    case NSF_VERDICT_RESTRICT_WITH_REVIEW:
        return NSF_STYLE_WARN;
    }
    return NSF_STYLE_PLAIN;
}

static void number_cell(struct page *page, uint64_t number, int columns)
{
    char text[NSF_NUMBER_TEXT_BYTES];
    nsf_text_cell(&page->text, nsf_slice_str(nsf_number_text(number, text)), -columns, NSF_STYLE_PLAIN);
}

static void text_cell(struct page *page, const char *text, int columns)
{
    nsf_text_cell(&page->text, nsf_slice_str(text), columns, NSF_STYLE_PLAIN);
}

static const char *day_text(int64_t ts_ms, char buf[NSF_TIME_TEXT_BYTES])
{
    return ts_ms == NSF_TS_NONE ? "never" : nsf_time_format_day(nsf_time_day(ts_ms), buf);
}

static const struct nsf_finding *finding_of(const struct page *page, size_t rule_idx)
{
    return &page->review->scan->findings[page->review->rules[rule_idx].finding_idx];
}

static const struct nsf_scan_nsg *nsg_of(const struct page *page, size_t rule_idx)
{
    return &page->review->scan->nsgs[finding_of(page, rule_idx)->nsg_idx];
}

/* ---- what was read ---------------------------------------------------------------------------------------------- */

static void write_title(struct page *page)
{
    size_t n = page->review->n_rules;
    if (n == 0)
        nsf_text_heading(&page->text, NSF_STYLE_HEADING, "nsgflow review: no rule lets the internet reach TCP port 25");
    else
        nsf_text_heading(&page->text, NSF_STYLE_HEADING, "nsgflow review: %zu rule%s the internet reach TCP port 25", n,
                         n == 1 ? " lets" : "s let");
    nsf_text_newline(&page->text);
}

static void write_problem(struct page *page, const struct nsf_problem *problem)
{
    char number[NSF_NUMBER_TEXT_BYTES];
    nsf_text_para_begin(&page->text);
    nsf_text_para_add(&page->text, problem->path);
    if (problem->offset != NSF_OFFSET_NONE)
        nsf_text_para_addf(&page->text, " at byte %s", nsf_number_text(problem->offset, number));
    nsf_text_para_addf(&page->text, ": %s, ", nsf_code_name(problem->code));
    nsf_text_para_add(&page->text, problem->detail);
    if (problem->count > 1)
        nsf_text_para_addf(&page->text, " (%s of the kind)", nsf_number_text(problem->count, number));
    if (problem->skipped_bytes > 0)
        nsf_text_para_addf(&page->text, "; %s bytes passed over", nsf_number_text(problem->skipped_bytes, number));
    if (problem->tuples_lost > 0)
        nsf_text_para_addf(&page->text, "; %s good tuples lost", nsf_number_text(problem->tuples_lost, number));
    nsf_text_para_end(&page->text, "", LABEL_COLUMNS, NSF_STYLE_PLAIN);
}

static void write_inputs(struct page *page)
{
    const struct nsf_problems *problems = &page->review->inputs.problems;
    char number[64];
    nsf_facts_of_inputs(&page->facts, page->review);
    write_facts(page);
    for (size_t i = 0; i < problems->n && i < PROBLEMS_SHOWN; i++)
        write_problem(page, &problems->items[i]);
    if (problems->n > PROBLEMS_SHOWN)
        nsf_text_paraf(&page->text, "", LABEL_COLUMNS, "and %s, listed by --format json",
                       nsf_count_text(problems->n - PROBLEMS_SHOWN, "more place", number));
}

/* ---- the queue -------------------------------------------------------------------------------------------------- */

static void write_name(struct page *page, size_t rule_idx, size_t columns)
{
    struct nsf_slice nsg = nsg_of(page, rule_idx)->name;
    struct nsf_slice rule = finding_of(page, rule_idx)->rule;
    size_t nsg_columns = nsf_text_columns(nsg), rule_columns = nsf_text_columns(rule);
    size_t room = columns - 3;
    if (nsg_columns + rule_columns > room) {
        size_t half = room / 2;
        if (nsg_columns <= half)
            rule_columns = room - nsg_columns;
        else if (rule_columns <= room - half)
            nsg_columns = room - rule_columns;
        else {
            nsg_columns = half;
            rule_columns = room - half;
        }
    }
    nsf_text_cell_cut(&page->text, nsg, nsg_columns, false, NSF_STYLE_PLAIN);
    nsf_out_str(page->text.out, " / ");
    nsf_text_cell_cut(&page->text, rule, rule_columns, false, NSF_STYLE_HEADING);
}

static const char *coverage_cell(const struct nsf_review_rule *rule, char share[NSF_NUMBER_TEXT_BYTES])
{
    if (!rule->coverage.is_logged)
        return "no log";
    if (nsf_coverage_is_blind(&rule->coverage, &rule->traffic))
        return "filtered";
    return nsf_share_text(rule->coverage.hours_seen, rule->coverage.hours_expected, share);
}

static void write_queue_row(struct page *page, size_t rule_idx)
{
    const struct nsf_review_rule *rule = &page->review->rules[rule_idx];
    char number[32], day[NSF_TIME_TEXT_BYTES], share[NSF_NUMBER_TEXT_BYTES], open_to[32], risk[32];
    char step[NSF_NEXT_STEP_BYTES];
    const char *verdict = nsf_rule_verdict_name(rule->verdict);
    snprintf(number, sizeof(number), "%zu", rule_idx + 1);
    text_cell(page, number, -3);
    nsf_out_str(page->text.out, "  ");
    nsf_text_cell(&page->text, nsf_slice_str(verdict), 23, verdict_style(rule->verdict));
    write_name(page, rule_idx, page->text.width - 28);
    nsf_text_newline(&page->text);
    nsf_out_str(page->text.out, "   ");
    number_cell(page, rule->traffic.connections, 12);
    if (rule->coverage.counters == NSF_COUNTERS_ABSENT && rule->traffic.connections > 0)
        text_cell(page, "unknown", -9);
    else
        number_cell(page, rule->traffic.classes[NSF_CLASS_MESSAGE], 9);
    number_cell(page, rule->traffic.sources, 8);
    text_cell(page, day_text(rule->traffic.last_ms, day), -11);
    text_cell(page, coverage_cell(rule, share), -9);
    snprintf(risk, sizeof(risk), "%c", rule->confidence);
    text_cell(page, risk, -5);
    snprintf(risk, sizeof(risk), "%u", (unsigned)rule->risk);
    text_cell(page, nsf_facts_is_judged(rule) ? risk : "-", -5);
    nsf_out_str(page->text.out, "  ");
    text_cell(page, nsf_open_to_words(finding_of(page, rule_idx), open_to), 0);
    nsf_text_newline(&page->text);
    nsf_text_paraf(&page->text, "", 5, "%s", nsf_facts_next_step(page->review, rule_idx, step));
}

static void write_queue(struct page *page)
{
    if (page->review->n_rules == 0)
        return;
    section(page, page->review->n_rules == 1 ? "THE RULE" : "THE RULES, IN THE ORDER TO DEAL WITH THEM");
    nsf_text_heading(&page->text, NSF_STYLE_FAINT, "     VERDICT                NSG / RULE");
    nsf_text_heading(&page->text, NSF_STYLE_FAINT,
                     "    CONNECTIONS MESSAGES SOURCES  LAST SEEN COVERAGE CONF RISK  OPEN TO");
    for (size_t i = 0; i < page->review->n_rules; i++)
        write_queue_row(page, i);
    nsf_text_newline(&page->text);
    nsf_text_paraf(
        &page->text, "", 0,
        "Messages: connections that carried mail. Conf: how far the logs can be trusted, A (best) to D. "
        "Risk: 0 to 100, of leaving the rule as it is. Abuse comes first, then risk weighted by confidence.");
}

/* ---- one rule --------------------------------------------------------------------------------------------------- */

/* What moved the score most, in the order of the document; where every score starts is no news. */
static size_t strongest_evidence(const struct nsf_mail_source *source, bool shown[EVIDENCE_SHOWN_OF])
{
    size_t n = source->n_evidence < EVIDENCE_SHOWN_OF ? source->n_evidence : EVIDENCE_SHOWN_OF;
    size_t n_shown = 0;
    while (n_shown < EVIDENCE_SHOWN) {
        size_t best = n;
        for (size_t i = 0; i < n; i++) {
            bool is_start = nsf_evidence_is_start(&source->evidence[i]);
            bool is_more =
                best == n || abs(source->evidence[i].points_tenths) > abs(source->evidence[best].points_tenths);
            if (!shown[i] && !is_start && is_more)
                best = i;
        }
        if (best == n)
            break;
        shown[best] = true;
        n_shown++;
    }
    return n_shown;
}

static void add_evidence(struct page *page, const struct nsf_mail_source *source, size_t *n)
{
    bool shown[EVIDENCE_SHOWN_OF] = {false};
    size_t n_shown = strongest_evidence(source, shown), n_start = 0;
    for (size_t i = 0; i < source->n_evidence; i++) {
        int32_t points = source->evidence[i].points_tenths;
        n_start += nsf_evidence_is_start(&source->evidence[i]);
        if (i >= EVIDENCE_SHOWN_OF || !shown[i])
            continue;
        nsf_text_para_addf(&page->text, (*n)++ > 0 ? "; " : "");
        nsf_text_para_add(&page->text, source->evidence[i].text);
        if (points != 0)
            nsf_text_para_addf(&page->text, " (%s%d.%d)", points < 0 ? "-" : "+", abs(points) / 10, abs(points) % 10);
    }
    if (source->n_evidence > n_shown + n_start)
        nsf_text_para_addf(&page->text, "%s%zu more", (*n)++ > 0 ? "; " : "", source->n_evidence - n_shown - n_start);
}

/* One paragraph of why; where it is that of the source above, three words. */
static void write_evidence(struct page *page, const struct nsf_mail_source *source)
{
    char number[NSF_NUMBER_TEXT_BYTES];
    size_t n = 0;
    nsf_text_para_begin(&page->text);
    if (source->name.len > 0) {
        nsf_text_para_add(&page->text, source->name);
        n++;
    }
    add_evidence(page, source, &n);
    if (source->cross.denied_tuples > 0)
        nsf_text_para_addf(&page->text, "%sdenied %s time%s elsewhere", n++ > 0 ? "; " : "",
                           nsf_number_text(source->cross.denied_tuples, number),
                           source->cross.denied_tuples == 1 ? "" : "s");
    if (nsf_slice_eq(nsf_buf_slice(&page->text.line), nsf_buf_slice(&page->why)) && n > 0) {
        nsf_text_para_begin(&page->text);
        nsf_text_para_addf(&page->text, "as above");
    } else {
        nsf_buf_reset(&page->why);
        nsf_buf_add(&page->why, nsf_buf_slice(&page->text.line));
    }
    if (n > 0)
        nsf_text_para_end(&page->text, "", 6, NSF_STYLE_PLAIN);
}

static void write_source(struct page *page, const struct nsf_mail_source *source, bool is_judged)
{
    char address[NSF_IP_TEXT_BYTES], day[NSF_TIME_TEXT_BYTES], score[32];
    nsf_ip_format(source->address, address);
    nsf_out_str(page->text.out, "    ");
    text_cell(page, address, ADDRESS_COLUMNS - 4);
    if (strlen(address) > ADDRESS_COLUMNS - 5) {
        nsf_text_newline(&page->text);
        text_cell(page, "", ADDRESS_COLUMNS);
    }
    text_cell(page, nsf_source_verdict_name(source->verdict), 16);
    snprintf(score, sizeof(score), "%s%d.%d", source->score_tenths < 0 ? "-" : "", abs(source->score_tenths) / 10,
             abs(source->score_tenths) % 10);
    text_cell(page, is_judged ? score : "-", -5);
    number_cell(page, source->connections, 9);
    if (source->has_counters)
        number_cell(page, source->classes[NSF_CLASS_MESSAGE], 6);
    else
        text_cell(page, "?", -6);
    number_cell(page, source->days, 6);
    text_cell(page, day_text(source->last_ms, day), -12);
    nsf_text_newline(&page->text);
    write_evidence(page, source);
}

static void write_group(struct page *page, size_t rule_idx, const struct nsf_source_group *group)
{
    char number[64];
    struct nsf_mail_source source;
    nsf_text_heading(&page->text, NSF_STYLE_PLAIN, "  %s: %s", group->title,
                     nsf_count_text(group->n, "source", number));
    nsf_buf_reset(&page->why);
    for (size_t i = 0; i < group->n_rows; i++) {
        nsf_review_source(page->review, rule_idx, group->rows[i], &source);
        write_source(page, &source, nsf_facts_is_judged(&page->review->rules[rule_idx]));
    }
    if (group->n > group->n_rows)
        nsf_text_heading(&page->text, NSF_STYLE_FAINT, "    and %s more",
                         nsf_number_text(group->n - group->n_rows, number));
}

static void write_sources(struct page *page, size_t rule_idx)
{
    struct nsf_source_groups groups;
    char number[64];
    if (page->review->rules[rule_idx].n_sources == 0)
        return;
    nsf_source_groups_fill(&groups, page->review, rule_idx, page->options->top, SOURCES_SHOWN, &page->facts.arena);
    nsf_text_newline(&page->text);
    nsf_text_cell(&page->text, NSF_SLICE_LIT("Sources"), ADDRESS_COLUMNS, NSF_STYLE_HEADING);
    nsf_text_cell(&page->text, NSF_SLICE_LIT("VERDICT         SCORE    CONNS  MAIL  DAYS   LAST SEEN"), 0,
                  NSF_STYLE_FAINT);
    nsf_text_newline(&page->text);
    for (size_t i = 0; i < groups.n_groups; i++)
        write_group(page, rule_idx, &groups.groups[i]);
    if (groups.n_summed > 0)
        nsf_text_heading(&page->text, NSF_STYLE_FAINT, "  %s in a sum only",
                         nsf_count_text(groups.n_summed, "source", number));
    nsf_facts_reset(&page->facts);
}

static void write_rule_head(struct page *page, size_t rule_idx)
{
    const struct nsf_review_rule *rule = &page->review->rules[rule_idx];
    nsf_text_newline(&page->text);
    nsf_text_rule(&page->text);
    nsf_text_para_begin(&page->text);
    nsf_text_para_addf(&page->text, "%zu. ", rule_idx + 1);
    nsf_text_para_add(&page->text, nsg_of(page, rule_idx)->name);
    nsf_text_para_addf(&page->text, " / ");
    nsf_text_para_add(&page->text, finding_of(page, rule_idx)->rule);
    nsf_text_para_end(&page->text, "", 0, NSF_STYLE_HEADING);
    nsf_text_cell(&page->text, nsf_slice_str(nsf_rule_verdict_name(rule->verdict)), 0, verdict_style(rule->verdict));
    nsf_text_cell(&page->text, NSF_SLICE_LIT(" "), 0, NSF_STYLE_PLAIN);
    nsf_out_printf(page->text.out, "(confidence %c, ", rule->confidence);
    if (nsf_facts_is_judged(rule))
        nsf_out_printf(page->text.out, "risk %u of 100)\n", (unsigned)rule->risk);
    else
        nsf_out_str(page->text.out, "risk not judged)\n");
    nsf_text_rule(&page->text);
}

static void write_rule(struct page *page, size_t rule_idx)
{
    write_rule_head(page, rule_idx);
    nsf_text_para(&page->text, "", 0, page->review->rules[rule_idx].reason);
    nsf_text_newline(&page->text);
    nsf_facts_of_advice(&page->facts, page->review, rule_idx, page->options->top);
    write_facts(page);
    nsf_text_newline(&page->text);
    nsf_facts_of_traffic(&page->facts, page->review, rule_idx);
    write_facts(page);
    write_sources(page, rule_idx);
    nsf_text_newline(&page->text);
    nsf_facts_of_rule(&page->facts, page->review, rule_idx);
    nsf_facts_of_doubts(&page->facts, page->review, rule_idx);
    write_facts(page);
}

/* ---- the rest --------------------------------------------------------------------------------------------------- */

static void write_unmatched_row(struct page *page, const struct nsf_unmatched *row)
{
    char tuples[NSF_NUMBER_TEXT_BYTES], connections[NSF_NUMBER_TEXT_BYTES], sources[NSF_NUMBER_TEXT_BYTES];
    char numbers[3 * NSF_NUMBER_TEXT_BYTES];
    snprintf(numbers, sizeof(numbers), "%10s%13s%9s", nsf_number_text(row->tuples, tuples),
             nsf_number_text(row->connections, connections), nsf_number_text(row->sources, sources));
    if (row->is_rest) {
        nsf_text_para(&page->text, numbers, 34, NSF_SLICE_LIT("all further rows"));
        return;
    }
    nsf_text_para_begin(&page->text);
    nsf_text_para_addf(&page->text, "%s: ", nsf_unmatched_reason_text(row->reason));
    nsf_text_para_add(&page->text, row->rule);
    nsf_text_para_end(&page->text, numbers, 34, NSF_STYLE_PLAIN);
    if (row->nsg.len > 0)
        nsf_text_para(&page->text, "", 10, row->nsg);
}

static void write_unmatched(struct page *page)
{
    char number[64];
    size_t n = page->review->n_unmatched;
    if (n == 0)
        return;
    section(page, "ALLOWED ON PORT 25, BUT BY NONE OF THESE RULES");
    nsf_text_heading(&page->text, NSF_STYLE_FAINT, "    TUPLES  CONNECTIONS  SOURCES  WHY");
    for (size_t i = 0; i < n && i < UNMATCHED_SHOWN; i++)
        write_unmatched_row(page, &page->review->unmatched[i]);
    if (n > UNMATCHED_SHOWN)
        nsf_text_heading(&page->text, NSF_STYLE_FAINT, "  and %s, listed by --format json",
                         nsf_count_text(n - UNMATCHED_SHOWN, "more row", number));
}

static void write_retrying(struct page *page, const struct nsf_retrying_sender *sender)
{
    char from[NSF_IP_TEXT_BYTES], to[NSF_IP_TEXT_BYTES], first[NSF_TIME_TEXT_BYTES], last[NSF_TIME_TEXT_BYTES];
    nsf_text_paraf(&page->text, "", 2, "%s to %s: %llu attempts from %s to %s, one every %llu min",
                   nsf_ip_format(sender->address, from), nsf_ip_format(sender->destination, to),
                   (unsigned long long)sender->attempts, nsf_time_format_minute(sender->first_ms, first),
                   nsf_time_format_minute(sender->last_ms, last),
                   (unsigned long long)(sender->median_gap_ms / (60 * NSF_MS_PER_SECOND)));
}

static void write_denied(struct page *page)
{
    const struct nsf_denied *denied = &page->review->denied;
    char tuples[64], sources[64];
    section(page, "REFUSED ON PORT 25");
    if (page->review->is_smtp_only)
        nsf_text_paraf(&page->text, "", 0, "Not examined (--smtp-only).");
    else if (denied->tuples == 0)
        nsf_text_paraf(&page->text, "", 0, "None logged.");
    else
        nsf_text_paraf(&page->text, "", 0, "%s from %s.", nsf_count_text(denied->tuples, "tuple", tuples),
                       nsf_count_text(denied->sources, "source", sources));
    if (denied->n_retrying > 0)
        nsf_text_paraf(&page->text, "", 0, "These retry like mail servers: mail that is refused already today.");
    for (size_t i = 0; i < denied->n_retrying && i < RETRYING_SHOWN; i++)
        write_retrying(page, &denied->retrying[i]);
    if (denied->n_retrying > RETRYING_SHOWN)
        nsf_text_heading(&page->text, NSF_STYLE_FAINT, "  and %zu more", denied->n_retrying - RETRYING_SHOWN);
}

static void write_limits(struct page *page)
{
    nsf_facts_of_limits(&page->facts, page->review);
    if (page->facts.n == 0)
        return;
    section(page, "WHAT THESE LOGS CANNOT SHOW");
    for (size_t i = 0; i < page->facts.n; i++) {
        nsf_text_para_begin(&page->text);
        nsf_text_para_addf(&page->text, "%s: ", page->facts.items[i].label);
        nsf_text_para_add(&page->text, page->facts.items[i].text);
        nsf_text_para_end(&page->text, "-", 2, NSF_STYLE_PLAIN);
    }
    nsf_facts_reset(&page->facts);
}

void nsf_review_write_text(const struct nsf_review *review, const struct nsf_report_options *options,
                           struct nsf_out *out)
{
    struct page page = {.review = review, .options = options};
    unsigned width = options->width < NSF_REPORT_WIDTH_MIN ? NSF_REPORT_WIDTH_MIN : options->width;
    nsf_text_init(&page.text, out, width, options->is_colour);
    nsf_facts_init(&page.facts);
    nsf_buf_init(&page.why, WHY_MAX_BYTES);
    write_title(&page);
    write_inputs(&page);
    write_queue(&page);
    for (size_t i = 0; i < review->n_rules; i++)
        write_rule(&page, i);
    write_unmatched(&page);
    write_denied(&page);
    write_limits(&page);
    nsf_buf_release(&page.why);
    nsf_facts_release(&page.facts);
    nsf_text_release(&page.text);
}

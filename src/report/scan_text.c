#include "core/nsf_common.h"

#include "report/scan_text.h"

#include "core/clock.h"
#include "report/text_out.h"
#include "report/words.h"

/* More NSGs than this, and those that are closed are only counted. */
#define CLOSED_SHOWN_MAX 40
#define PROBLEMS_SHOWN 8
#define LIST_SHOWN 8
#define LABEL_COLUMNS 14

static enum nsf_style exposure_style(enum nsf_exposure exposure)
{
    switch (exposure) {
    case NSF_EXPOSURE_EXPOSED:
        return NSF_STYLE_BAD;
    case NSF_EXPOSURE_PARTIAL:
    case NSF_EXPOSURE_UNKNOWN:
        return NSF_STYLE_WARN;
    case NSF_EXPOSURE_RESTRICTED:
    case NSF_EXPOSURE_CLOSED:
        return NSF_STYLE_GOOD;
    }
    return NSF_STYLE_PLAIN;
}

static size_t count_verdict(const struct nsf_scan *scan, enum nsf_exposure verdict)
{
    size_t n = 0;
    for (size_t i = 0; i < scan->n_nsgs; i++)
        n += scan->nsgs[i].verdict == verdict;
    return n;
}

/* The worst first. */
static const enum nsf_exposure exposure_order[] = {NSF_EXPOSURE_EXPOSED, NSF_EXPOSURE_PARTIAL, NSF_EXPOSURE_UNKNOWN,
                                                   NSF_EXPOSURE_RESTRICTED, NSF_EXPOSURE_CLOSED};

static void write_title(struct nsf_text *text, const struct nsf_scan *scan, const struct nsf_problems *problems)
{
    char number[64];
    bool is_first = true;
    nsf_text_para_begin(text);
    nsf_text_para_addf(text, "nsgflow scan: %s", nsf_count_text(scan->n_nsgs, "network security group", number));
    nsf_text_para_addf(text, " in %s, TCP port %u", nsf_count_text(scan->n_files, "file", number),
                       (unsigned)scan->port);
    for (size_t i = 0; i < NSF_ARRAY_LEN(exposure_order); i++) {
        size_t n = count_verdict(scan, exposure_order[i]);
        if (n == 0)
            continue;
        nsf_text_para_addf(text, "%s%s %s", is_first ? ": " : ", ", nsf_number_text(n, number),
                           nsf_exposure_name(exposure_order[i]));
        is_first = false;
    }
    nsf_text_para_addf(text, ".");
    nsf_text_para_end(text, "", 0, NSF_STYLE_PLAIN);
    if (problems->n > 0)
        nsf_text_paraf(text, "", 0, "%s with the input, listed at the end.",
                       nsf_count_text(nsf_problems_total(problems), "problem", number));
}

static void section(struct nsf_text *text, const char *title)
{
    nsf_text_newline(text);
    nsf_text_heading(text, NSF_STYLE_HEADING, "%s", title);
}

static const char *nsg_open_to(const struct nsf_scan_nsg *nsg, char buf[32])
{
    struct nsf_finding open = {
        .verdict = nsg->verdict, .public_ipv4 = nsg->public_ipv4, .public_ipv6 = nsg->public_ipv6};
    if (nsg->public_ipv4 == 0 && nsg->public_ipv6 == NSF_V6_NONE && nsg->verdict != NSF_EXPOSURE_PARTIAL)
        return nsg->verdict == NSF_EXPOSURE_UNKNOWN ? "unknown" : "-";
    return nsf_open_to_words(&open, buf);
}

static void write_nsg_row(struct nsf_text *text, const struct nsf_scan_nsg *nsg)
{
    char buf[32];
    nsf_text_cell(text, nsf_slice_str(nsf_exposure_name(nsg->verdict)), 12, exposure_style(nsg->verdict));
    nsf_text_cell(text, nsf_slice_str(nsg_open_to(nsg, buf)), 18, NSF_STYLE_PLAIN);
    if (nsg->is_latent)
        nsf_text_cell(text, NSF_SLICE_LIT("nothing"), 10, NSF_STYLE_PLAIN);
    else if (nsg->attached_to.n == 0)
        nsf_text_cell(text, NSF_SLICE_LIT("not known"), 10, NSF_STYLE_FAINT);
    else
        nsf_text_cell(text, nsf_slice_str(nsf_number_text(nsg->attached_to.n, buf)), 10, NSF_STYLE_PLAIN);
    nsf_text_cell_cut(text, nsg->name.len > 0 ? nsg->name : nsg->id, text->width - 40, false, NSF_STYLE_PLAIN);
    nsf_text_newline(text);
}

static void write_nsgs(struct nsf_text *text, const struct nsf_scan *scan)
{
    size_t n_closed = count_verdict(scan, NSF_EXPOSURE_CLOSED);
    bool is_closed_shown = scan->n_nsgs <= CLOSED_SHOWN_MAX;
    char number[64];
    if (scan->n_nsgs == 0)
        return;
    nsf_text_newline(text);
    nsf_text_heading(text, NSF_STYLE_FAINT, "VERDICT     OPEN TO           ATTACHED  NSG");
    for (size_t o = 0; o < NSF_ARRAY_LEN(exposure_order); o++)
        for (size_t i = 0; i < scan->n_nsgs; i++)
            if (scan->nsgs[i].verdict == exposure_order[o] &&
                (is_closed_shown || exposure_order[o] != NSF_EXPOSURE_CLOSED))
                write_nsg_row(text, &scan->nsgs[i]);
    if (!is_closed_shown && n_closed > 0)
        nsf_text_heading(text, NSF_STYLE_FAINT, "and %s that %s closed", nsf_count_text(n_closed, "group", number),
                         n_closed == 1 ? "is" : "are");
}

static void add_list(struct nsf_text *text, const struct nsf_slices *list)
{
    for (size_t i = 0; i < list->n && i < LIST_SHOWN; i++) {
        nsf_text_para_addf(text, i > 0 ? ", " : "");
        nsf_text_para_add(text, list->items[i]);
    }
    if (list->n > LIST_SHOWN)
        nsf_text_para_addf(text, " and %zu more", list->n - LIST_SHOWN);
}

static void write_list(struct nsf_text *text, const char *label, const struct nsf_slices *list)
{
    if (list->n == 0)
        return;
    nsf_text_para_begin(text);
    add_list(text, list);
    nsf_text_para_end(text, label, LABEL_COLUMNS, NSF_STYLE_PLAIN);
}

static void write_reduced_by(struct nsf_text *text, const struct nsf_finding *finding, bool is_part, const char *label)
{
    size_t n = 0;
    nsf_text_para_begin(text);
    for (size_t i = 0; i < finding->n_reduced_by; i++) {
        if (finding->reduced_by[i].is_part != is_part || n++ >= LIST_SHOWN)
            continue;
        nsf_text_para_addf(text, n > 1 ? ", " : "");
        nsf_text_para_add(text, finding->reduced_by[i].rule);
    }
    if (n > LIST_SHOWN)
        nsf_text_para_addf(text, " and %zu more", n - LIST_SHOWN);
    if (is_part)
        nsf_text_para_addf(text, " (only some source ports or destinations: takes nothing)");
    if (n > 0)
        nsf_text_para_end(text, label, LABEL_COLUMNS, NSF_STYLE_PLAIN);
}

static void write_exception(struct nsf_text *text, const struct nsf_exception *exception)
{
    char day[NSF_TIME_TEXT_BYTES];
    if (exception == NULL)
        return;
    nsf_text_para_begin(text);
    nsf_text_para_addf(text, exception->is_expired ? "no more, " : "");
    nsf_text_para_addf(text, "by ");
    nsf_text_para_add(text, exception->owner.len > 0 ? exception->owner : NSF_SLICE_LIT("nobody named"));
    if (exception->expires_ms != NSF_TS_NONE)
        nsf_text_para_addf(text, " until %s", nsf_time_format_day(nsf_time_day(exception->expires_ms - 1), day));
    if (exception->deadline_ms != NSF_TS_NONE)
        nsf_text_para_addf(text, ", to be closed by %s%s",
                           nsf_time_format_day(nsf_time_day(exception->deadline_ms - 1), day),
                           exception->is_past_deadline ? " (overdue)" : "");
    nsf_text_para_addf(text, ": ");
    nsf_text_para_add(text, exception->reason.len > 0 ? exception->reason : NSF_SLICE_LIT("no reason given"));
    nsf_text_para_end(text, "  accepted", LABEL_COLUMNS, exception->is_expired ? NSF_STYLE_WARN : NSF_STYLE_PLAIN);
}

static void write_finding(struct nsf_text *text, const struct nsf_scan *scan, size_t idx)
{
    const struct nsf_finding *finding = &scan->findings[idx];
    const struct nsf_scan_nsg *nsg = &scan->nsgs[finding->nsg_idx];
    nsf_text_newline(text);
    nsf_text_cell(text, nsf_slice_str(nsf_exposure_name(finding->verdict)), 9, exposure_style(finding->verdict));
    nsf_text_cell_cut(text, nsg->name.len > 0 ? nsg->name : nsg->id, text->width / 2 - 12, false, NSF_STYLE_PLAIN);
    nsf_out_str(text->out, " / ");
    nsf_text_cell_cut(text, finding->rule, text->width / 2 - 20, false, NSF_STYLE_HEADING);
    nsf_out_printf(text->out, ", priority %u%s", (unsigned)finding->priority, finding->is_latent ? ", latent" : "");
    nsf_text_newline(text);
    nsf_text_para(text, "", 2, finding->note);
    write_list(text, "  sources", &finding->sources);
    nsf_text_para_begin(text);
    add_list(text, &finding->ports);
    nsf_text_para_addf(text, finding->opens_other_ports ? " (opens other ports too)" : "");
    if (finding->ports.n > 0)
        nsf_text_para_end(text, "  ports", LABEL_COLUMNS, NSF_STYLE_PLAIN);
    write_reduced_by(text, finding, false, "  reduced by");
    write_reduced_by(text, finding, true, "  not reduced");
    write_list(text, "  behind it", &finding->still_open_via);
    write_list(text, "  attached to", &nsg->attached_to);
    write_exception(text, finding->exception);
    if (finding->place.file.len > 0 && finding->place.line > 0) {
        nsf_text_para_begin(text);
        nsf_text_para_add(text, finding->place.file);
        nsf_text_para_addf(text, ":%u", (unsigned)finding->place.line);
        nsf_text_para_end(text, "  defined in", LABEL_COLUMNS, NSF_STYLE_FAINT);
    }
}

static void write_findings(struct nsf_text *text, const struct nsf_scan *scan)
{
    if (scan->n_findings == 0)
        return;
    section(text, scan->n_findings == 1 ? "THE RULE THAT LETS THEM IN" : "THE RULES THAT LET THEM IN");
    for (size_t o = 0; o < NSF_ARRAY_LEN(exposure_order); o++)
        for (size_t i = 0; i < scan->n_findings; i++)
            if (scan->findings[i].verdict == exposure_order[o])
                write_finding(text, scan, i);
}

static void write_shadowed(struct nsf_text *text, const struct nsf_scan *scan)
{
    if (scan->n_shadowed == 0)
        return;
    section(text, "RULES THAT NEVER DECIDE: EARLIER ONES TAKE ALL THEIR SOURCES");
    nsf_text_newline(text);
    for (size_t i = 0; i < scan->n_shadowed; i++) {
        const struct nsf_shadowed *shadowed = &scan->shadowed[i];
        nsf_text_para_begin(text);
        nsf_text_para_add(text, scan->nsgs[shadowed->nsg_idx].name);
        nsf_text_para_addf(text, " / ");
        nsf_text_para_add(text, shadowed->rule);
        nsf_text_para_addf(text, ", priority %u, behind ", (unsigned)shadowed->priority);
        add_list(text, &shadowed->by);
        nsf_text_para_end(text, "", 2, NSF_STYLE_PLAIN);
    }
}

static void write_peers(struct nsf_text *text, const struct nsf_scan *scan)
{
    if (scan->n_peers == 0)
        return;
    section(text, "WHAT OTHER TOOLS SAY");
    nsf_text_newline(text);
    for (size_t i = 0; i < scan->n_peers; i++) {
        const struct nsf_peer_row *peer = &scan->peers[i];
        nsf_text_para_begin(text);
        nsf_text_para_add(text, peer->tool);
        nsf_text_para_addf(text, " ");
        nsf_text_para_add(text, peer->check);
        nsf_text_para_addf(text, ": ");
        nsf_text_para_add(text, peer->theirs);
        nsf_text_para_addf(text, "; here %s: ", peer->has_ours ? nsf_exposure_name(peer->ours) : "no rules");
        nsf_text_para_add(text, peer->nsg);
        nsf_text_para_addf(text, peer->rule.len > 0 ? " / " : "");
        nsf_text_para_add(text, peer->rule);
        nsf_text_para_addf(text, peer->reason.len > 0 ? ". " : "");
        nsf_text_para_add(text, peer->reason);
        nsf_text_para_end(text, peer->is_agreed ? "" : "  !", 4, peer->is_agreed ? NSF_STYLE_PLAIN : NSF_STYLE_WARN);
    }
}

static void write_notes(struct nsf_text *text, const struct nsf_scan *scan)
{
    bool is_first = true;
    for (size_t i = 0; i < scan->n_nsgs; i++)
        for (size_t n = 0; n < scan->nsgs[i].notes.n; n++) {
            if (is_first) {
                section(text, "NOTES");
                nsf_text_newline(text);
            }
            is_first = false;
            nsf_text_para_begin(text);
            nsf_text_para_add(text, scan->nsgs[i].name.len > 0 ? scan->nsgs[i].name : scan->nsgs[i].id);
            nsf_text_para_addf(text, ": ");
            nsf_text_para_add(text, scan->nsgs[i].notes.items[n]);
            nsf_text_para_end(text, "", 2, NSF_STYLE_PLAIN);
        }
}

static void write_problems(struct nsf_text *text, const struct nsf_problems *problems)
{
    char number[64];
    if (problems->n == 0)
        return;
    section(text, "PROBLEMS WITH THE INPUT");
    nsf_text_newline(text);
    for (size_t i = 0; i < problems->n && i < PROBLEMS_SHOWN; i++) {
        const struct nsf_problem *problem = &problems->items[i];
        nsf_text_para_begin(text);
        nsf_text_para_add(text, problem->path);
        if (problem->offset != NSF_OFFSET_NONE)
            nsf_text_para_addf(text, " at byte %s", nsf_number_text(problem->offset, number));
        nsf_text_para_addf(text, ": ");
        nsf_text_para_add(text, problem->detail);
        nsf_text_para_end(text, "", 2, NSF_STYLE_PLAIN);
    }
    uint64_t n_more = nsf_problems_total(problems) - (problems->n < PROBLEMS_SHOWN ? problems->n : PROBLEMS_SHOWN);
    if (problems->n > PROBLEMS_SHOWN)
        nsf_text_paraf(text, "", 2, "and %s more, listed by --format json", nsf_number_text(n_more, number));
}

void nsf_scan_write_text(const struct nsf_scan *scan, const struct nsf_problems *problems,
                         const struct nsf_report_options *options, struct nsf_out *out)
{
    struct nsf_text text;
    unsigned width = options->width < NSF_REPORT_WIDTH_MIN ? NSF_REPORT_WIDTH_MIN : options->width;
    nsf_text_init(&text, out, width, options->is_colour);
    write_title(&text, scan, problems);
    write_nsgs(&text, scan);
    write_findings(&text, scan);
    write_shadowed(&text, scan);
    write_peers(&text, scan);
    write_notes(&text, scan);
    write_problems(&text, problems);
    nsf_text_release(&text);
}

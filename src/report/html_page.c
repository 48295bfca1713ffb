#include "core/nsf_common.h"

#include "report/html_page.h"

#include "core/clock.h"
#include "report/escape.h"
#include "report/html_style.h"
#include "report/text_out.h"

#define PROBLEMS_SHOWN 100

void nsf_html_begin(struct nsf_out *out, const char *title)
{
    nsf_out_str(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                     "style-src 'sha256-" NSF_HTML_STYLE_HASH "'; base-uri 'none'; form-action 'none'\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n"
                     "<meta name=\"referrer\" content=\"no-referrer\">\n<title>nsgflow: ");
    nsf_out_str(out, title);
    nsf_out_str(out, "</title>\n<style>" NSF_HTML_STYLE "</style>\n</head>\n<body>\n<main>\n<h1>");
    nsf_out_str(out, title);
    nsf_out_str(out, "</h1>\n");
}

void nsf_html_end(struct nsf_out *out)
{
    nsf_out_str(out, "</main>\n</body>\n</html>\n");
}

void nsf_html_text(struct nsf_out *out, struct nsf_slice text)
{
    nsf_escape_xml(out, text);
}

void nsf_html_code(struct nsf_out *out, struct nsf_slice text)
{
    nsf_out_str(out, "<code>");
    nsf_escape_xml(out, text);
    nsf_out_str(out, "</code>");
}

void nsf_html_cell(struct nsf_out *out, struct nsf_slice text)
{
    nsf_out_str(out, "<td>");
    nsf_escape_xml(out, text);
    nsf_out_str(out, "</td>");
}

void nsf_html_cell_str(struct nsf_out *out, const char *text)
{
    nsf_html_cell(out, nsf_slice_str(text));
}

void nsf_html_cell_number(struct nsf_out *out, uint64_t number)
{
    char text[NSF_NUMBER_TEXT_BYTES];
    nsf_out_printf(out, "<td class=\"n\">%s</td>", nsf_number_text(number, text));
}

void nsf_html_cell_day(struct nsf_out *out, int64_t ts_ms)
{
    char text[NSF_TIME_TEXT_BYTES];
    nsf_out_printf(out, "<td class=\"nw\">%s</td>",
                   ts_ms == NSF_TS_NONE ? "never" : nsf_time_format_day(nsf_time_day(ts_ms), text));
}

void nsf_html_table(struct nsf_out *out, const char *const *names, size_t n)
{
    nsf_out_str(out, "<div class=\"scroll\"><table>\n<thead><tr>");
    for (size_t i = 0; i < n; i++) {
        bool is_number = names[i][0] == '#';
        nsf_out_printf(out, "<th scope=\"col\"%s>%s</th>", is_number ? " class=\"n\"" : "",
                       is_number ? names[i] + 1 : names[i]);
    }
    nsf_out_str(out, "</tr></thead>\n<tbody>\n");
}

void nsf_html_table_end(struct nsf_out *out)
{
    nsf_out_str(out, "</tbody></table></div>\n");
}

void nsf_html_facts(struct nsf_out *out, struct nsf_facts *facts)
{
    nsf_out_str(out, "<dl>\n");
    for (size_t i = 0; i < facts->n; i++) {
        const struct nsf_fact *fact = &facts->items[i];
        nsf_out_printf(out, "<dt%s>%s</dt><dd%s>", fact->is_detail ? " class=\"detail\"" : "", fact->label,
                       fact->is_grave ? " class=\"grave\"" : "");
        nsf_escape_xml(out, fact->text);
        nsf_out_str(out, "</dd>\n");
    }
    nsf_out_str(out, "</dl>\n");
    nsf_facts_reset(facts);
}

void nsf_html_problems(struct nsf_out *out, const struct nsf_problems *problems)
{
    static const char *const names[] = {"Input", "#Byte", "Problem", "Detail", "#Times"};
    if (problems->n == 0)
        return;
    nsf_out_str(out, "<section>\n<h2>What could not be read</h2>\n");
    nsf_html_table(out, names, NSF_ARRAY_LEN(names));
    for (size_t i = 0; i < problems->n && i < PROBLEMS_SHOWN; i++) {
        const struct nsf_problem *problem = &problems->items[i];
        nsf_out_str(out, "<tr>");
        nsf_html_cell(out, problem->path);
        if (problem->offset == NSF_OFFSET_NONE)
            nsf_html_cell_str(out, "");
        else
            nsf_html_cell_number(out, problem->offset);
        nsf_html_cell_str(out, nsf_code_name(problem->code));
        nsf_html_cell(out, problem->detail);
        nsf_html_cell_number(out, problem->count);
        nsf_out_str(out, "</tr>\n");
    }
    nsf_html_table_end(out);
    if (problems->n > PROBLEMS_SHOWN)
        nsf_out_printf(out, "<p class=\"soft\">and %zu more</p>\n", problems->n - PROBLEMS_SHOWN);
    nsf_out_str(out, "</section>\n");
}

const char *nsf_html_exposure_class(enum nsf_exposure exposure)
{
    switch (exposure) {
    case NSF_EXPOSURE_EXPOSED:
        return "bad";
    case NSF_EXPOSURE_PARTIAL:
    case NSF_EXPOSURE_UNKNOWN:
        return "warn";
    case NSF_EXPOSURE_RESTRICTED:
    case NSF_EXPOSURE_CLOSED:
        return "good";
    }
    return "";
}

const char *nsf_html_verdict_class(enum nsf_rule_verdict verdict)
{
    switch (verdict) {
    case NSF_VERDICT_INVESTIGATE_ABUSE:
        return "bad";
    case NSF_VERDICT_CLOSE_UNUSED:
    case NSF_VERDICT_CLOSE_PROBES_ONLY:
    case NSF_VERDICT_RESTRICT_TO_RELAYS:
        return "good";
    case NSF_VERDICT_NOT_EFFECTIVE:
    case NSF_VERDICT_SOURCE_MASKED:
    case NSF_VERDICT_INSUFFICIENT_EVIDENCE:
    case NSF_VERDICT_PUBLIC_MX:
    case NSF_VERDICT_RESTRICT_WITH_REVIEW:
        return "warn";
    }
    return "";
}

/* ---- days ------------------------------------------------------------------------------------------------------- */

#define CHART_WIDTH 720
#define CHART_HEIGHT 80
#define CHART_DAYS_MAX 732

static void bar(struct nsf_out *out, const char *class_, int64_t x_tenths, int64_t width_tenths, uint64_t value,
                uint64_t max)
{
    unsigned height = (unsigned)((double)value / (double)max * CHART_HEIGHT * 10);
    if (value == 0)
        return;
    height = height == 0 ? 1 : height;
    unsigned y = CHART_HEIGHT * 10 - height;
    nsf_out_printf(out, "<rect class=\"%s\" x=\"%lld.%lld\" y=\"%u.%u\" width=\"%lld.%lld\" height=\"%u.%u\"/>", class_,
                   (long long)(x_tenths / 10), (long long)(x_tenths % 10), y / 10, y % 10,
                   (long long)(width_tenths / 10), (long long)(width_tenths % 10), height / 10, height % 10);
}

void nsf_html_days(struct nsf_out *out, const struct nsf_traffic *traffic)
{
    char first[NSF_TIME_TEXT_BYTES], last[NSF_TIME_TEXT_BYTES];
    uint64_t max = 1;
    size_t n_rows = traffic->n_by_day;
    if (n_rows < 2)
        return;
    int64_t from = traffic->by_day[0].day, n_days = traffic->by_day[n_rows - 1].day - from + 1;
    if (n_days < 2 || n_days > CHART_DAYS_MAX)
        return;
    for (size_t i = 0; i < n_rows; i++)
        max = traffic->by_day[i].connections > max ? traffic->by_day[i].connections : max;
    int64_t width = (int64_t)CHART_WIDTH * 10 / n_days;
    nsf_time_format_day(from, first);
    nsf_time_format_day(from + n_days - 1, last);
    nsf_out_printf(out,
                   "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Connections a day from %s to %s, at most "
                   "%llu\">\n",
                   CHART_WIDTH, CHART_HEIGHT + 16, first, last, (unsigned long long)max);
    for (size_t i = 0; i < n_rows; i++) {
        int64_t place = traffic->by_day[i].day - from;
        if (place < 0 || place >= n_days)
            continue;
        bar(out, "bar", place * width, width > 20 ? width - 10 : width, traffic->by_day[i].connections, max);
        bar(out, "mail", place * width, width > 20 ? width - 10 : width, traffic->by_day[i].messages, max);
    }
    nsf_out_printf(out,
                   "\n<text class=\"axis\" x=\"0\" y=\"%d\">%s</text><text class=\"axis\" x=\"%d\" y=\"%d\" "
                   "text-anchor=\"end\">%s</text>\n</svg>\n",
                   CHART_HEIGHT + 13, first, CHART_WIDTH, CHART_HEIGHT + 13, last);
    nsf_out_str(out, "<p class=\"soft\"><span class=\"key all\"></span> connections a day, <span class=\"key of\">"
                     "</span> of them carried mail</p>\n");
}

#include "core/nsf_common.h"

#include "report/formats.h"

#include "core/clock.h"
#include "core/digits.h"
#include "core/mem.h"
#include "report/escape.h"
#include "report/source_rows.h"
#include "report/source_writer.h"
#include "report/words.h"

/* A list of a rule: 4,000 prefixes, or names a thousand times as long. */
#define CELL_MAX_BYTES ((size_t)64 << 20)

struct csv {
    struct nsf_out *out;
    bool is_first;
};

static void cell(struct csv *csv, struct nsf_slice text)
{
    if (!csv->is_first)
        nsf_out_char(csv->out, ',');
    csv->is_first = false;
    nsf_escape_csv(csv->out, text);
}

static void cell_str(struct csv *csv, const char *text)
{
    cell(csv, nsf_slice_str(text));
}

/* ---- cells that need no escape: numbers and words of the program's own, written in place ---- */

#define SHORT_CELL_BYTES 64

static char *put_separator(struct csv *csv, char *at)
{
    if (!csv->is_first)
        *at++ = ',';
    csv->is_first = false;
    return at;
}

static void cell_u64(struct csv *csv, uint64_t number)
{
    char spare[SHORT_CELL_BYTES], *place = nsf_out_room(csv->out, sizeof(spare), spare);
    nsf_out_put(csv->out, place, nsf_put_u64(put_separator(csv, place), number));
}

static void cell_time(struct csv *csv, int64_t ts_ms)
{
    char spare[1 + NSF_TIME_TEXT_BYTES], *place = nsf_out_room(csv->out, sizeof(spare), spare);
    char *at = put_separator(csv, place);
    nsf_out_put(csv->out, place, ts_ms == NSF_TS_NONE ? at : nsf_put_time(at, ts_ms));
}

static void cell_ip(struct csv *csv, struct nsf_ip ip)
{
    char spare[1 + NSF_IP_TEXT_BYTES], *place = nsf_out_room(csv->out, sizeof(spare), spare);
    nsf_out_put(csv->out, place, nsf_put_ip(put_separator(csv, place), ip));
}

static void cell_prefix(struct csv *csv, struct nsf_prefix prefix)
{
    char spare[1 + NSF_IP_TEXT_BYTES], *place = nsf_out_room(csv->out, sizeof(spare), spare);
    nsf_out_put(csv->out, place, nsf_put_prefix(put_separator(csv, place), prefix));
}

static void cell_word(struct csv *csv, const char *word)
{
    char spare[SHORT_CELL_BYTES], *place = nsf_out_room(csv->out, sizeof(spare), spare);
    nsf_out_put(csv->out, place, put_separator(csv, place));
    nsf_out_str(csv->out, word);
}

static void empty_cells(struct csv *csv, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cell_str(csv, "");
}

static void end_row(struct csv *csv)
{
    nsf_out_str(csv->out, "\r\n");
    csv->is_first = true;
}

static void header(struct csv *csv, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cell_str(csv, names[i]);
}

/* A list in one cell, as people paste it into a portal. */
static void cell_list(struct csv *csv, struct nsf_slices texts)
{
    struct nsf_buf buf;
    nsf_buf_init(&buf, CELL_MAX_BYTES);
    for (size_t i = 0; i < texts.n; i++) {
        if (i > 0)
            nsf_buf_add_str(&buf, "; ");
        nsf_buf_add(&buf, texts.items[i]);
    }
    cell(csv, nsf_buf_slice(&buf));
    nsf_buf_release(&buf);
}

/* ---- findings --------------------------------------------------------------------------------------------------- */

static const char *const finding_columns[] = {
    "nsg",         "nsg_name",  "rule",  "priority",          "exposure",   "latent",         "public_ipv4",
    "public_ipv6", "open_from", "ports", "opens_other_ports", "reduced_by", "still_open_via", "owner",
    "note",        "file",      "line",
};

static void cell_reduced_by(struct csv *csv, const struct nsf_finding *finding)
{
    struct nsf_buf buf;
    nsf_buf_init(&buf, CELL_MAX_BYTES);
    for (size_t i = 0; i < finding->n_reduced_by; i++) {
        if (i > 0)
            nsf_buf_add_str(&buf, "; ");
        nsf_buf_add(&buf, finding->reduced_by[i].rule);
    }
    cell(csv, nsf_buf_slice(&buf));
    nsf_buf_release(&buf);
}

static void finding_cells(struct csv *csv, const struct nsf_scan *scan, const struct nsf_finding *finding)
{
    const struct nsf_scan_nsg *nsg = &scan->nsgs[finding->nsg_idx];
    cell(csv, nsg->id);
    cell(csv, nsg->name);
    cell(csv, finding->rule);
    cell_u64(csv, finding->priority);
    cell_str(csv, nsf_exposure_name(finding->verdict));
    cell_str(csv, finding->is_latent ? "yes" : "no");
    cell_u64(csv, finding->public_ipv4);
    cell_str(csv, nsf_v6_extent_name(finding->public_ipv6));
    cell_list(csv, finding->sources);
    cell_list(csv, finding->ports);
    cell_str(csv, finding->opens_other_ports ? "yes" : "no");
    cell_reduced_by(csv, finding);
    cell_list(csv, finding->still_open_via);
    cell(csv, nsg->owner);
    cell(csv, finding->note);
    cell(csv, finding->place.file);
    if (finding->place.line > 0)
        cell_u64(csv, finding->place.line);
    else
        empty_cells(csv, 1);
}

void nsf_scan_write_csv(const struct nsf_scan *scan, struct nsf_out *out)
{
    struct csv csv = {.out = out, .is_first = true};
    header(&csv, finding_columns, NSF_ARRAY_LEN(finding_columns));
    end_row(&csv);
    for (size_t i = 0; i < scan->n_findings; i++) {
        finding_cells(&csv, scan, &scan->findings[i]);
        end_row(&csv);
    }
}

/* ---- reviews ---------------------------------------------------------------------------------------------------- */

static const char *const rule_columns[] = {
    "verdict",  "reason", "confidence", "risk",    "break_risk",  "hours_expected",   "hours_seen",
    "counters", "first",  "last",       "sources", "connections", "connections_mail", "action",
};

static const char *const source_columns[] = {
    "source",          "network",     "source_name", "source_verdict", "source_evidence", "source_connections",
    "source_attempts", "mail",        "ambiguous",   "unknown",        "guessing",        "dialog",
    "touch",           "no_reply",    "packets_in",  "bytes_in",       "packets_out",     "bytes_out",
    "source_first",    "source_last", "source_days",
};

static void rule_cells(struct csv *csv, const struct nsf_review_rule *rule)
{
    char text[32];
    cell_str(csv, nsf_rule_verdict_name(rule->verdict));
    cell(csv, rule->reason);
    snprintf(text, sizeof(text), "%c", rule->confidence);
    cell_str(csv, text);
    cell_u64(csv, rule->risk);
    snprintf(text, sizeof(text), "%d.%03d", rule->break_risk_permille / 1000, rule->break_risk_permille % 1000);
    cell_str(csv, rule->break_risk_permille < 0 ? "" : text);
    cell_u64(csv, rule->coverage.hours_expected);
    cell_u64(csv, rule->coverage.hours_seen);
    cell_str(csv, nsf_counters_name(rule->coverage.counters));
    cell_time(csv, rule->traffic.first_ms);
    cell_time(csv, rule->traffic.last_ms);
    cell_u64(csv, rule->traffic.sources);
    cell_u64(csv, rule->traffic.connections);
    cell_u64(csv, rule->traffic.classes[NSF_CLASS_MESSAGE]);
    cell(csv, rule->recommendation.action);
}

static char *put_tenths(char *at, const char *plus, int32_t tenths)
{
    const char *sign = tenths < 0 ? "-" : plus;
    uint64_t size = tenths < 0 ? (uint64_t) - (int64_t)tenths : (uint64_t)tenths;
    for (; *sign != '\0'; sign++)
        *at++ = *sign;
    at = nsf_put_u64(at, size / 10);
    *at++ = '.';
    *at++ = (char)('0' + size % 10);
    return at;
}

/* Sign, digits, point and what stands around them. */
#define TENTHS_BYTES (NSF_DIGITS_MAX + 8)
#define EVIDENCE_LINE_BYTES 512

/* "score 8.2; message +7.4; ...": the sign stands behind a word, so that no sheet takes it for a formula. */
static void cell_evidence(struct csv *csv, const struct nsf_mail_source *source)
{
    char few[EVIDENCE_LINE_BYTES];
    size_t n_bytes = sizeof("score ") + TENTHS_BYTES;
    for (size_t i = 0; i < source->n_evidence; i++)
        n_bytes = nsf_add_size(n_bytes, nsf_add_size(strlen(source->evidence[i].code), TENTHS_BYTES));
    char *many = n_bytes > sizeof(few) ? nsf_malloc(n_bytes) : NULL, *text = many != NULL ? many : few;
    memcpy(text, "score ", sizeof("score ") - 1);
    char *at = put_tenths(text + sizeof("score ") - 1, "", source->score_tenths);
    for (size_t i = 0; i < source->n_evidence; i++) {
        size_t len = strlen(source->evidence[i].code);
        *at++ = ';';
        *at++ = ' ';
        memcpy(at, source->evidence[i].code, len);
        at += len;
        *at++ = ' ';
        at = put_tenths(at, "+", source->evidence[i].points_tenths);
    }
    cell(csv, nsf_slice(text, (size_t)(at - text)));
    nsf_free(many);
}

static void source_head_cells(struct csv *csv, const struct nsf_mail_source *source)
{
    if (source->is_rest) {
        char text[SHORT_CELL_BYTES];
        snprintf(text, sizeof(text), "%llu others", (unsigned long long)source->n_merged);
        cell_str(csv, text);
        empty_cells(csv, 4);
        return;
    }
    cell_ip(csv, source->address);
    cell_prefix(csv, source->network);
    cell(csv, source->name);
    cell_word(csv, nsf_source_verdict_name(source->verdict));
    cell_evidence(csv, source);
}

static void source_cells(struct csv *csv, const struct nsf_mail_source *source)
{
    source_head_cells(csv, source);
    cell_u64(csv, source->connections);
    cell_u64(csv, source->attempts);
    for (size_t i = 0; i < NSF_CLASSES; i++)
        cell_u64(csv, source->classes[nsf_class_order(i)]);
    if (source->has_counters) {
        cell_u64(csv, source->counters.packets_in);
        cell_u64(csv, source->counters.bytes_in);
        cell_u64(csv, source->counters.packets_out);
        cell_u64(csv, source->counters.bytes_out);
    } else {
        empty_cells(csv, 4);
    }
    cell_time(csv, source->first_ms);
    cell_time(csv, source->last_ms);
    if (source->is_rest)
        empty_cells(csv, 1);
    else
        cell_u64(csv, source->days);
}

/* What every row of the rule begins with, made once. */
static void rule_row_start(struct nsf_buf *start, const struct nsf_review *review, size_t rule_idx)
{
    const struct nsf_review_rule *rule = &review->rules[rule_idx];
    struct csv csv = {.out = nsf_out_new_buf(start), .is_first = true};
    cell_u64(&csv, rule_idx + 1);
    finding_cells(&csv, review->scan, &review->scan->findings[rule->finding_idx]);
    rule_cells(&csv, rule);
    nsf_out_abandon(csv.out);
}

static void begin_row(struct csv *csv, const struct nsf_buf *start)
{
    nsf_out_slice(csv->out, nsf_buf_slice(start));
    csv->is_first = false;
}

static void write_source_row(const void *ctx, struct nsf_out *out, uint64_t row_idx NSF_UNUSED,
                             const struct nsf_mail_source *source)
{
    struct csv csv = {.out = out};
    begin_row(&csv, ctx);
    source_cells(&csv, source);
    end_row(&csv);
}

static void write_rule_rows(struct csv *csv, const struct nsf_review *review, size_t rule_idx,
                            const struct nsf_report_options *options)
{
    struct nsf_buf start;
    nsf_buf_init(&start, CELL_MAX_BYTES);
    rule_row_start(&start, review, rule_idx);
    nsf_source_rows_write(review, rule_idx, options->top, options->jobs, csv->out, write_source_row, &start);
    if (nsf_source_rows(review, rule_idx, options->top) == 0) {
        begin_row(csv, &start);
        empty_cells(csv, NSF_ARRAY_LEN(source_columns));
        end_row(csv);
    }
    nsf_buf_release(&start);
}

void nsf_review_write_csv(const struct nsf_review *review, const struct nsf_report_options *options,
                          struct nsf_out *out)
{
    struct csv csv = {.out = out, .is_first = true};
    cell_str(&csv, "place");
    header(&csv, finding_columns, NSF_ARRAY_LEN(finding_columns));
    header(&csv, rule_columns, NSF_ARRAY_LEN(rule_columns));
    header(&csv, source_columns, NSF_ARRAY_LEN(source_columns));
    end_row(&csv);
    for (size_t i = 0; i < review->n_rules; i++)
        write_rule_rows(&csv, review, i, options);
}

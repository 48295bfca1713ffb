#include "core/nsf_common.h"

#include "report/review_json.h"

#include "core/clock.h"
#include "core/mem.h"
#include "report/finding_json.h"
#include "report/source_json.h"
#include "report/source_rows.h"
#include "report/source_writer.h"
#include "report/words.h"

/* Each rule and each of its sources is a line of its own. */
#define LINE_DEPTH 4

static inline void key_ip(struct nsf_json_out *json, const char *key, struct nsf_ip ip)
{
    nsf_json_out_key(json, key);
    nsf_json_out_ip(json, ip);
}

static inline void key_prefix(struct nsf_json_out *json, const char *key, struct nsf_prefix prefix)
{
    nsf_json_out_key(json, key);
    nsf_json_out_prefix(json, prefix);
}

static void key_null(struct nsf_json_out *json, const char *key)
{
    nsf_json_out_key_str(json, key, NULL);
}

/* To the second, as the clock of SOURCE_DATE_EPOCH counts. */
static void write_generated(struct nsf_json_out *json, int64_t ts_ms)
{
    char text[NSF_TIME_TEXT_BYTES];
    const size_t up_to_seconds = sizeof("2026-11-21T10:00:00") - 1;
    nsf_time_format(ts_ms, text);
    text[up_to_seconds] = 'Z';
    text[up_to_seconds + 1] = '\0';
    nsf_json_out_key_str(json, "generated", text);
}

static void write_window(struct nsf_json_out *json, const struct nsf_review *review)
{
    nsf_json_out_key(json, "window");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_time(json, "from", review->window_from_ms);
    nsf_json_out_key_time(json, "to", review->window_to_ms);
    nsf_json_out_end_map(json);
}

/* A category is input and may be spelt like the row of the rest: then both are one number, since a key occurs once. */
static void write_foreign(struct nsf_json_out *json, const struct nsf_review_inputs *inputs)
{
    uint64_t rest = 0;
    nsf_json_out_key(json, "records_foreign");
    nsf_json_out_begin_map(json);
    for (size_t i = 0; i < inputs->n_foreign; i++) {
        const struct nsf_foreign_row *row = &inputs->foreign[i];
        if (row->is_rest || nsf_slice_eq(row->category, NSF_SLICE_LIT(NSF_FOREIGN_REST))) {
            rest += row->count;
            continue;
        }
        nsf_json_out_foreign_key(json, row->category);
        nsf_json_out_u64(json, row->count);
    }
    if (rest > 0)
        nsf_json_out_key_u64(json, NSF_FOREIGN_REST, rest);
    nsf_json_out_end_map(json);
}

static void write_bad_by(struct nsf_json_out *json, const struct nsf_review_inputs *inputs)
{
    nsf_json_out_key(json, "tuples_bad_by");
    nsf_json_out_begin_map(json);
    for (size_t i = NSF_TUPLE_NONE + 1; i < NSF_TUPLE_FAULTS; i++)
        if (inputs->bad_by_fault[i] > 0)
            nsf_json_out_key_u64(json, nsf_tuple_fault_key((enum nsf_tuple_fault)i), inputs->bad_by_fault[i]);
    nsf_json_out_end_map(json);
}

static void write_inputs(struct nsf_json_out *json, const struct nsf_review *review)
{
    const struct nsf_review_inputs *inputs = &review->inputs;
    nsf_json_out_key(json, "inputs");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_u64(json, "blobs", inputs->blobs);
    nsf_json_out_key_u64(json, "bytes", inputs->bytes);
    nsf_json_out_key_u64(json, "records", inputs->records);
    nsf_json_out_key_u64(json, "records_duplicate", inputs->records_duplicate);
    write_foreign(json, inputs);
    nsf_json_out_key_u64(json, "tuples", inputs->tuples);
    nsf_json_out_key_u64(json, "tuples_bad", inputs->tuples_bad);
    write_bad_by(json, inputs);
    nsf_json_out_key_u64(json, "tuples_duplicate", inputs->tuples_duplicate);
    nsf_json_out_key_u64(json, "tuples_late", inputs->tuples_late);
    nsf_json_out_key_u64(json, "pruned", inputs->pruned);
    nsf_json_out_key(json, "transfer");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_u64(json, "requests", inputs->transfer.requests);
    nsf_json_out_key_u64(json, "retries", inputs->transfer.retries);
    nsf_json_out_end_map(json);
    nsf_json_out_key(json, "by_layout");
    nsf_json_out_begin_map(json);
    for (size_t i = 0; i < NSF_LAYOUTS; i++)
        nsf_json_out_key_u64(json, nsf_layout_name((enum nsf_layout)i), inputs->by_layout[i]);
    nsf_json_out_end_map(json);
    nsf_json_out_key(json, "smtp_inbound");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_u64(json, "allowed", inputs->smtp_allowed);
    nsf_json_out_key_u64(json, "denied", inputs->smtp_denied);
    nsf_json_out_end_map(json);
    nsf_json_out_key_bool(json, "smtp_only", review->is_smtp_only);
    nsf_json_problems(json, &inputs->problems);
    nsf_json_out_end_map(json);
}

static void write_nsgs(struct nsf_json_out *json, const struct nsf_scan *scan)
{
    nsf_json_out_key(json, "nsgs");
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < scan->n_nsgs; i++)
        nsf_json_nsg(json, &scan->nsgs[i]);
    nsf_json_out_end_array(json);
}

static void write_coverage(struct nsf_json_out *json, const struct nsf_coverage *coverage)
{
    nsf_json_out_key(json, "coverage");
    nsf_json_out_begin_map(json);
    nsf_json_key_slices(json, "nics", coverage->nics);
    nsf_json_out_key_u64(json, "hours_expected", coverage->hours_expected);
    nsf_json_out_key_u64(json, "hours_seen", coverage->hours_seen);
    nsf_json_out_key_str(json, "counters", nsf_counters_name(coverage->counters));
    nsf_json_out_key(json, "gaps");
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < coverage->n_gaps; i++) {
        nsf_json_out_begin_map(json);
        nsf_json_out_key_slice(json, "nic", coverage->gaps[i].nic);
        nsf_json_out_key_time(json, "from", coverage->gaps[i].from_ms);
        nsf_json_out_key_time(json, "to", coverage->gaps[i].to_ms);
        nsf_json_out_end_map(json);
    }
    nsf_json_out_end_array(json);
    nsf_json_out_key_bool(json, "logged", coverage->is_logged);
    nsf_json_out_key_bool(json, "vnet4", coverage->has_vnet4);
    nsf_json_out_key(json, "lacks");
    nsf_json_out_begin_array(json);
    for (unsigned i = 0; i < NSF_LACKS; i++)
        if (coverage->lacks[i])
            nsf_json_out_str(json, nsf_lack_name((enum nsf_lack)i));
    nsf_json_out_end_array(json);
    nsf_json_out_key_time(json, "evidence_from", coverage->evidence_from_ms);
    nsf_json_out_end_map(json);
}

static void write_classes(struct nsf_json_out *json, const uint64_t classes[NSF_CLASSES])
{
    nsf_json_out_key(json, "classes");
    nsf_json_out_begin_map(json);
    for (size_t i = 0; i < NSF_CLASSES; i++)
        nsf_json_out_key_u64(json, nsf_connection_class_name((enum nsf_connection_class)i), classes[i]);
    nsf_json_out_end_map(json);
}

static void write_counters(struct nsf_json_out *json, bool is_known, const struct nsf_counters *counters)
{
    if (!is_known) {
        key_null(json, "packets_in");
        key_null(json, "bytes_in");
        key_null(json, "packets_out");
        key_null(json, "bytes_out");
        return;
    }
    nsf_json_out_key_u64(json, "packets_in", counters->packets_in);
    nsf_json_out_key_u64(json, "bytes_in", counters->bytes_in);
    nsf_json_out_key_u64(json, "packets_out", counters->packets_out);
    nsf_json_out_key_u64(json, "bytes_out", counters->bytes_out);
}

static void write_traffic(struct nsf_json_out *json, const struct nsf_traffic *traffic)
{
    char day[NSF_TIME_TEXT_BYTES];
    nsf_json_out_key(json, "traffic");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_u64(json, "connections", traffic->connections);
    nsf_json_out_key_u64(json, "attempts", traffic->attempts);
    nsf_json_out_key_u64(json, "tuples", traffic->tuples);
    nsf_json_out_key_u64(json, "sources", traffic->sources);
    write_classes(json, traffic->classes);
    nsf_json_out_key_u64(json, "with_counters", traffic->with_counters);
    write_counters(json, traffic->has_counters, &traffic->counters);
    nsf_json_out_key_time(json, "first", traffic->first_ms);
    nsf_json_out_key_time(json, "last", traffic->last_ms);
    nsf_json_out_key_u64(json, "days", traffic->days);
    nsf_json_out_key(json, "by_day");
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < traffic->n_by_day; i++) {
        nsf_json_out_begin_map(json);
        nsf_json_out_key_str(json, "day", nsf_time_format_day(traffic->by_day[i].day, day));
        nsf_json_out_key_u64(json, "connections", traffic->by_day[i].connections);
        nsf_json_out_key_u64(json, "messages", traffic->by_day[i].messages);
        nsf_json_out_end_map(json);
    }
    nsf_json_out_end_array(json);
    nsf_json_out_end_map(json);
}

static void write_source_row(const void *ctx, struct nsf_out *out, uint64_t row_idx,
                             const struct nsf_mail_source *source)
{
    nsf_source_json_write(ctx, out, row_idx, source);
}

static void write_sources(struct nsf_json_out *json, const struct nsf_review *review, size_t rule_idx,
                          const struct nsf_report_options *options)
{
    char line[NSF_JSON_LINE_BYTES];
    nsf_json_out_key(json, "sources");
    nsf_json_out_begin_array(json);
    struct nsf_source_json rows = {
        .before = line, .before_len = nsf_json_out_line(json, line), .has_cross = !review->is_smtp_only};
    nsf_source_rows_write(review, rule_idx, options->top, options->jobs, json->out, write_source_row, &rows);
    json->needs_comma = nsf_source_rows(review, rule_idx, options->top) > 0;
    nsf_json_out_end_array(json);
}

static void write_other_ports(struct nsf_json_out *json, const struct nsf_review_rule *rule)
{
    char protocol[NSF_PROTOCOL_TEXT_BYTES];
    struct nsf_other_port *rows = nsf_other_ports_sorted(rule, nsf_other_port_cmp_port);
    nsf_json_out_key(json, "other_ports");
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < rule->n_other_ports; i++) {
        nsf_json_out_begin_map(json);
        nsf_json_out_key_str(json, "protocol", rows[i].is_rest ? NULL : nsf_protocol_name(rows[i].protocol, protocol));
        if (rows[i].is_rest)
            key_null(json, "port");
        else
            nsf_json_out_key_u64(json, "port", rows[i].port);
        nsf_json_out_key_u64(json, "tuples", rows[i].tuples);
        nsf_json_out_key_u64(json, "sources", rows[i].sources);
        nsf_json_out_end_map(json);
    }
    nsf_json_out_end_array(json);
    nsf_free(rows);
}

static void write_changes(struct nsf_json_out *json, const struct nsf_review_rule *rule)
{
    nsf_json_out_key(json, "changes");
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < rule->n_changes; i++) {
        const struct nsf_change *change = &rule->changes[i];
        nsf_json_out_begin_map(json);
        nsf_json_out_key_str(json, "code", nsf_change_name(change->code));
        nsf_json_out_key_slice(json, "rule", change->rule);
        nsf_json_out_key_time(json, "first", change->first_ms);
        nsf_json_out_key_time(json, "last", change->last_ms);
        nsf_json_out_key_u64(json, "count", change->count);
        nsf_json_out_key_slice(json, "text", change->text);
        nsf_json_out_end_map(json);
    }
    nsf_json_out_end_array(json);
}

static void write_recommendation(struct nsf_json_out *json, const struct nsf_recommendation *advice)
{
    nsf_json_out_key(json, "recommendation");
    nsf_json_out_begin_map(json);
    nsf_json_key_text(json, "action", advice->action);
    nsf_json_key_slices(json, "allow", advice->allow);
    nsf_json_out_key_u64(json, "addresses_open_before", advice->addresses_open_before);
    nsf_json_out_key_u64(json, "addresses_open_after", advice->addresses_open_after);
    nsf_json_out_key_u64(json, "messages_kept", advice->messages_kept);
    nsf_json_out_key_u64(json, "messages_refused", advice->messages_refused);
    nsf_json_key_slices(json, "senders_refused", advice->senders_refused);
    nsf_json_out_key_u64(json, "senders_refused_total", advice->senders_refused_total);
    nsf_json_key_slices(json, "ask_owner", advice->ask_owner);
    nsf_json_key_slices(json, "notes", advice->notes);
    nsf_json_out_end_map(json);
}

static void write_judgement(struct nsf_json_out *json, const struct nsf_review_rule *rule)
{
    char confidence[2] = {rule->confidence, '\0'};
    nsf_json_out_key_str(json, "verdict", nsf_rule_verdict_name(rule->verdict));
    nsf_json_out_key_slice(json, "reason", rule->reason);
    nsf_json_out_key_str(json, "confidence", confidence);
    nsf_json_out_key_u64(json, "risk", rule->risk);
    nsf_json_out_key(json, "break_risk");
    if (rule->break_risk_permille < 0)
        nsf_json_out_null(json);
    else
        nsf_json_out_decimal(json, rule->break_risk_permille, 3);
}

static void write_rule(struct nsf_json_out *json, const struct nsf_review *review, size_t rule_idx,
                       const struct nsf_report_options *options)
{
    const struct nsf_review_rule *rule = &review->rules[rule_idx];
    const struct nsf_finding *finding = &review->scan->findings[rule->finding_idx];
    nsf_json_out_begin_map(json);
    nsf_json_out_key_slice(json, "nsg", review->scan->nsgs[finding->nsg_idx].id);
    nsf_json_out_key_slice(json, "rule", finding->rule);
    nsf_json_out_key_u64(json, "priority", finding->priority);
    nsf_json_out_key(json, "finding");
    nsf_json_finding(json, review->scan, finding);
    write_judgement(json, rule);
    write_coverage(json, &rule->coverage);
    write_traffic(json, &rule->traffic);
    write_sources(json, review, rule_idx, options);
    write_other_ports(json, rule);
    nsf_json_out_key(json, "relay");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "state", nsf_relay_state_name(rule->relay));
    nsf_json_key_slices(json, "evidence", rule->relay_evidence);
    nsf_json_out_end_map(json);
    write_changes(json, rule);
    nsf_json_key_slices(json, "doubts", rule->doubts);
    write_recommendation(json, &rule->recommendation);
    nsf_json_out_end_map(json);
}

static void write_unmatched(struct nsf_json_out *json, const struct nsf_review *review)
{
    nsf_json_out_key(json, "unmatched");
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < review->n_unmatched; i++) {
        const struct nsf_unmatched *row = &review->unmatched[i];
        struct nsf_slice none = {NULL, 0};
        nsf_json_out_begin_map(json);
        nsf_json_key_text(json, "nsg", row->is_rest ? none : row->nsg);
        nsf_json_key_text(json, "rule", row->is_rest ? none : row->rule);
        nsf_json_out_key_str(json, "reason", row->is_rest ? NULL : row->reason);
        nsf_json_out_key_u64(json, "connections", row->connections);
        nsf_json_out_key_u64(json, "tuples", row->tuples);
        nsf_json_out_key_u64(json, "sources", row->sources);
        nsf_json_out_end_map(json);
    }
    nsf_json_out_end_array(json);
}

static void write_denied(struct nsf_json_out *json, const struct nsf_denied *denied)
{
    nsf_json_out_key(json, "denied");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_u64(json, "sources", denied->sources);
    nsf_json_out_key_u64(json, "tuples", denied->tuples);
    nsf_json_out_key(json, "retrying_senders");
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < denied->n_retrying; i++) {
        const struct nsf_retrying_sender *sender = &denied->retrying[i];
        nsf_json_out_begin_map(json);
        key_ip(json, "address", sender->address);
        key_prefix(json, "network", sender->network);
        key_ip(json, "destination", sender->destination);
        nsf_json_out_key_u64(json, "attempts", sender->attempts);
        nsf_json_out_key_time(json, "first", sender->first_ms);
        nsf_json_out_key_time(json, "last", sender->last_ms);
        nsf_json_out_key(json, "median_gap_ms");
        nsf_json_out_i64(json, sender->median_gap_ms);
        nsf_json_out_end_map(json);
    }
    nsf_json_out_end_array(json);
    nsf_json_out_end_map(json);
}

void nsf_review_write_json(const struct nsf_review *review, const struct nsf_report_options *options,
                           struct nsf_out *out)
{
    struct nsf_json_out json;
    nsf_json_out_init(&json, out, LINE_DEPTH);
    nsf_json_out_begin_map(&json);
    nsf_json_out_key_str(&json, "schema", NSF_REVIEW_SCHEMA);
    nsf_json_tool(&json);
    write_generated(&json, review->generated_ms);
    write_window(&json, review);
    write_inputs(&json, review);
    write_nsgs(&json, review->scan);
    nsf_json_out_key(&json, "rules");
    nsf_json_out_begin_array(&json);
    for (size_t i = 0; i < review->n_rules; i++)
        write_rule(&json, review, i, options);
    nsf_json_out_end_array(&json);
    write_unmatched(&json, review);
    write_denied(&json, &review->denied);
    nsf_json_out_end_map(&json);
}

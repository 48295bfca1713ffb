#include "core/nsf_common.h"

#include "report/formats.h"

#include "core/clock.h"
#include "core/json_out.h"
#include "core/version.h"
#include "report/finding_json.h"
#include "report/fingerprint.h"
#include "report/source_rows.h"
#include "report/words.h"

/* The release of the schema that these events follow: https://schema.ocsf.io/1.8.0/ */
#define OCSF_VERSION "1.8.0"
#define LINE_DEPTH 2
#define SOURCES_MAX 10

enum ocsf_class {
    OCSF_COMPLIANCE_FINDING = 2003,
    OCSF_DETECTION_FINDING = 2004,
};

enum ocsf_severity {
    OCSF_INFORMATIONAL = 1,
    OCSF_LOW,
    OCSF_MEDIUM,
    OCSF_HIGH,
    OCSF_CRITICAL,
};

enum ocsf_compliance {
    OCSF_PASS = 1,
    OCSF_WARNING,
    OCSF_FAIL,
};

/* An enumerated value and the caption that belongs to it. */
static void key_enum(struct nsf_json_out *json, const char *id_key, unsigned id, const char *key, const char *caption)
{
    nsf_json_out_key_u64(json, id_key, id);
    nsf_json_out_key_str(json, key, caption);
}

static enum ocsf_severity severity_of(const struct nsf_finding *finding)
{
    if (finding->is_latent)
        return OCSF_LOW;
    switch (finding->verdict) {
    case NSF_EXPOSURE_EXPOSED:
        return OCSF_HIGH;
    case NSF_EXPOSURE_PARTIAL:
        return OCSF_MEDIUM;
    case NSF_EXPOSURE_UNKNOWN:
        return OCSF_LOW;
    case NSF_EXPOSURE_RESTRICTED:
    case NSF_EXPOSURE_CLOSED:
        return OCSF_INFORMATIONAL;
    }
    return OCSF_INFORMATIONAL;
}

static const char *severity_caption(enum ocsf_severity severity)
{
    static const char *const captions[] = {"Unknown", "Informational", "Low", "Medium", "High", "Critical"};
    return captions[severity];
}

static void write_metadata(struct nsf_json_out *json)
{
    nsf_json_out_key(json, "metadata");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "version", OCSF_VERSION);
    nsf_json_out_key(json, "product");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "name", "nsgflow");
    nsf_json_out_key_str(json, "vendor_name", "nsgflow");
    nsf_json_out_key_str(json, "version", NSF_VERSION);
    nsf_json_out_end_map(json);
    nsf_json_out_key(json, "profiles");
    nsf_json_out_begin_array(json);
    nsf_json_out_str(json, "cloud");
    nsf_json_out_end_array(json);
    nsf_json_out_end_map(json);
}

/* The subscription in "/subscriptions/<id>/...", or nothing. */
static struct nsf_slice subscription_of(struct nsf_slice id)
{
    static const char head[] = "/subscriptions/";
    if (!nsf_slice_has_prefix_nocase(id, NSF_SLICE_LIT(head)))
        return (struct nsf_slice){NULL, 0};
    struct nsf_slice rest = nsf_slice_from(id, sizeof(head) - 1);
    return nsf_slice(rest.ptr, nsf_slice_find(rest, '/'));
}

static void write_cloud(struct nsf_json_out *json, const struct nsf_scan_nsg *nsg)
{
    struct nsf_slice subscription = subscription_of(nsg->id);
    nsf_json_out_key(json, "cloud");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "provider", "Azure");
    if (subscription.len > 0) {
        nsf_json_out_key(json, "account");
        nsf_json_out_begin_map(json);
        nsf_json_out_key_slice(json, "uid", subscription);
        nsf_json_out_end_map(json);
    }
    nsf_json_out_end_map(json);
}

static void begin_event(struct nsf_json_out *json, enum ocsf_class class_uid, enum ocsf_severity severity,
                        int64_t ts_ms, const struct nsf_scan_nsg *nsg)
{
    bool is_compliance = class_uid == OCSF_COMPLIANCE_FINDING;
    nsf_json_out_begin_map(json);
    key_enum(json, "category_uid", 2, "category_name", "Findings");
    key_enum(json, "class_uid", class_uid, "class_name", is_compliance ? "Compliance Finding" : "Detection Finding");
    key_enum(json, "activity_id", 1, "activity_name", "Create");
    key_enum(json, "type_uid", (unsigned)class_uid * 100 + 1, "type_name",
             is_compliance ? "Compliance Finding: Create" : "Detection Finding: Create");
    key_enum(json, "severity_id", severity, "severity", severity_caption(severity));
    key_enum(json, "status_id", 1, "status", "New");
    nsf_json_out_key(json, "time");
    nsf_json_out_i64(json, ts_ms);
    write_metadata(json);
    write_cloud(json, nsg);
}

static void write_resource(struct nsf_json_out *json, const struct nsf_scan_nsg *nsg)
{
    nsf_json_out_key(json, "resources");
    nsf_json_out_begin_array(json);
    nsf_json_out_begin_map(json);
    nsf_json_out_key_slice(json, "uid", nsg->id);
    nsf_json_out_key_slice(json, "name", nsg->name);
    nsf_json_out_key_str(json, "type", "Microsoft.Network/networkSecurityGroups");
    if (nsg->owner.len > 0) {
        nsf_json_out_key(json, "owner");
        nsf_json_out_begin_map(json);
        nsf_json_out_key_slice(json, "name", nsg->owner);
        nsf_json_out_end_map(json);
    }
    nsf_json_out_end_map(json);
    nsf_json_out_end_array(json);
}

static void begin_finding_info(struct nsf_json_out *json, const struct nsf_scan *scan, const struct nsf_scan_nsg *nsg,
                               struct nsf_slice rule)
{
    char uid[NSF_FINDING_FINGERPRINT_BYTES], title[96];
    snprintf(title, sizeof(title), "TCP port %u of the network security group is open to the internet",
             (unsigned)scan->port);
    nsf_json_out_key(json, "finding_info");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "uid", nsf_finding_fingerprint(nsg->id, rule, scan->port, uid));
    nsf_json_out_key_str(json, "title", title);
}

static void write_unmapped_finding(struct nsf_json_out *json, const struct nsf_finding *finding)
{
    nsf_json_out_key_slice(json, "rule", finding->rule);
    nsf_json_out_key_u64(json, "priority", finding->priority);
    nsf_json_out_key_str(json, "exposure", nsf_exposure_name(finding->verdict));
    nsf_json_out_key_bool(json, "latent", finding->is_latent);
    nsf_json_out_key_u64(json, "public_ipv4", finding->public_ipv4);
    nsf_json_out_key_str(json, "public_ipv6", nsf_v6_extent_name(finding->public_ipv6));
    nsf_json_key_slices(json, "open_from", finding->sources);
    nsf_json_key_slices(json, "still_open_via", finding->still_open_via);
}

/* ---- scan: one check an NSG ------------------------------------------------------------------------------------- */

static void write_compliance(struct nsf_json_out *json, const struct nsf_scan *scan, enum ocsf_compliance status,
                             const char *exposure)
{
    static const char *const captions[] = {"Unknown", "Pass", "Warning", "Fail"};
    char control[64];
    snprintf(control, sizeof(control), "TCP port %u is closed to the internet", (unsigned)scan->port);
    nsf_json_out_key(json, "compliance");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "control", control);
    key_enum(json, "status_id", status, "status", captions[status]);
    nsf_json_out_key_str(json, "status_code", exposure);
    nsf_json_out_end_map(json);
}

static void write_failed_check(struct nsf_json_out *json, const struct nsf_scan *scan,
                               const struct nsf_finding *finding, int64_t ts_ms)
{
    const struct nsf_scan_nsg *nsg = &scan->nsgs[finding->nsg_idx];
    begin_event(json, OCSF_COMPLIANCE_FINDING, severity_of(finding), ts_ms, nsg);
    nsf_json_out_key_slice(json, "message", finding->note);
    begin_finding_info(json, scan, nsg, finding->rule);
    nsf_json_out_key_slice(json, "desc", finding->note);
    nsf_json_out_end_map(json);
    write_compliance(json, scan, finding->verdict == NSF_EXPOSURE_UNKNOWN ? OCSF_WARNING : OCSF_FAIL,
                     nsf_exposure_name(finding->verdict));
    write_resource(json, nsg);
    nsf_json_out_key(json, "unmapped");
    nsf_json_out_begin_map(json);
    write_unmapped_finding(json, finding);
    nsf_json_out_end_map(json);
    nsf_json_out_end_map(json);
}

static void write_passed_check(struct nsf_json_out *json, const struct nsf_scan *scan, const struct nsf_scan_nsg *nsg,
                               int64_t ts_ms)
{
    begin_event(json, OCSF_COMPLIANCE_FINDING, OCSF_INFORMATIONAL, ts_ms, nsg);
    begin_finding_info(json, scan, nsg, NSF_SLICE_LIT(""));
    nsf_json_out_end_map(json);
    write_compliance(json, scan, OCSF_PASS, nsf_exposure_name(nsg->verdict));
    write_resource(json, nsg);
    nsf_json_out_end_map(json);
}

void nsf_scan_write_ocsf(const struct nsf_scan *scan, int64_t generated_ms, struct nsf_out *out)
{
    struct nsf_json_out json;
    nsf_json_out_init(&json, out, LINE_DEPTH);
    nsf_json_out_begin_array(&json);
    for (size_t i = 0; i < scan->n_findings; i++)
        write_failed_check(&json, scan, &scan->findings[i], generated_ms);

    for (size_t i = 0; i < scan->n_nsgs; i++)
        if (scan->nsgs[i].verdict == NSF_EXPOSURE_CLOSED || scan->nsgs[i].verdict == NSF_EXPOSURE_RESTRICTED)
            write_passed_check(&json, scan, &scan->nsgs[i], generated_ms);
    nsf_json_out_end_array(&json);
}

/* ---- review: one detection a rule ------------------------------------------------------------------------------- */

static void write_confidence(struct nsf_json_out *json, char confidence)
{
    if (confidence == 'A' || confidence == 'B')
        key_enum(json, "confidence_id", 3, "confidence", "High");
    else if (confidence == 'C')
        key_enum(json, "confidence_id", 2, "confidence", "Medium");
    else
        key_enum(json, "confidence_id", 1, "confidence", "Low");
}

static void key_ms(struct nsf_json_out *json, const char *key, int64_t ts_ms)
{
    if (ts_ms == NSF_TS_NONE)
        return;
    nsf_json_out_key(json, key);
    nsf_json_out_i64(json, ts_ms);
}

static void write_evidence(struct nsf_json_out *json, const struct nsf_mail_source *source)
{
    char text[NSF_IP_TEXT_BYTES];
    nsf_json_out_begin_map(json);
    nsf_json_out_key(json, "src_endpoint");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "ip", nsf_ip_format(source->address, text));
    if (source->name.len > 0)
        nsf_json_out_key_slice(json, "name", source->name);
    nsf_json_out_end_map(json);
    nsf_json_out_key(json, "data");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "verdict", nsf_source_verdict_name(source->verdict));
    nsf_json_out_key_u64(json, "connections", source->connections);
    nsf_json_out_key_u64(json, "messages", source->classes[NSF_CLASS_MESSAGE]);
    nsf_json_out_key_time(json, "last", source->last_ms);
    nsf_json_out_end_map(json);
    nsf_json_out_end_map(json);
}

static void write_evidences(struct nsf_json_out *json, const struct nsf_review *review, size_t rule_idx, uint64_t top)
{
    struct nsf_mail_source source;
    uint64_t n = nsf_source_rows(review, rule_idx, top);
    if (n == 0)
        return;
    nsf_json_out_key(json, "evidences");
    nsf_json_out_begin_array(json);
    for (uint64_t i = 0; i < n && i < SOURCES_MAX; i++) {
        nsf_source_row(review, rule_idx, top, i, &source);
        if (!source.is_rest)
            write_evidence(json, &source);
    }
    nsf_json_out_end_array(json);
}

static void write_unmapped_rule(struct nsf_json_out *json, const struct nsf_review *review,
                                const struct nsf_review_rule *rule)
{
    nsf_json_out_key(json, "unmapped");
    nsf_json_out_begin_map(json);
    write_unmapped_finding(json, &review->scan->findings[rule->finding_idx]);
    nsf_json_out_key_str(json, "verdict", nsf_rule_verdict_name(rule->verdict));
    nsf_json_out_key_u64(json, "connections", rule->traffic.connections);
    nsf_json_out_key_u64(json, "messages", rule->traffic.classes[NSF_CLASS_MESSAGE]);
    nsf_json_out_key_u64(json, "sources", rule->traffic.sources);
    nsf_json_out_key_u64(json, "hours_expected", rule->coverage.hours_expected);
    nsf_json_out_key_u64(json, "hours_seen", rule->coverage.hours_seen);
    nsf_json_out_end_map(json);
}

/* As the JSON document keeps it, so that both ways give the same bytes. */
static int64_t whole_seconds(int64_t ts_ms)
{
    return ts_ms / NSF_MS_PER_SECOND * NSF_MS_PER_SECOND;
}

static void write_detection(struct nsf_json_out *json, const struct nsf_review *review, size_t rule_idx, uint64_t top)
{
    const struct nsf_review_rule *rule = &review->rules[rule_idx];
    const struct nsf_finding *finding = &review->scan->findings[rule->finding_idx];
    const struct nsf_scan_nsg *nsg = &review->scan->nsgs[finding->nsg_idx];
    struct nsf_slice action = rule->recommendation.action;
    bool is_abuse = rule->verdict == NSF_VERDICT_INVESTIGATE_ABUSE;
    begin_event(json, OCSF_DETECTION_FINDING, is_abuse ? OCSF_CRITICAL : severity_of(finding),
                whole_seconds(review->generated_ms), nsg);
    nsf_json_out_key_slice(json, "message", rule->reason);
    nsf_json_out_key_bool(json, "is_alert", is_abuse);
    write_confidence(json, rule->confidence);
    nsf_json_out_key_u64(json, "risk_score", rule->risk);
    key_ms(json, "start_time", rule->traffic.first_ms);
    key_ms(json, "end_time", rule->traffic.last_ms);
    begin_finding_info(json, review->scan, nsg, finding->rule);
    nsf_json_out_key_slice(json, "desc", finding->note);
    key_ms(json, "first_seen_time", rule->traffic.first_ms);
    key_ms(json, "last_seen_time", rule->traffic.last_ms);
    nsf_json_out_end_map(json);
    nsf_json_out_key(json, "remediation");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_slice(json, "desc",
                           action.ptr != NULL ? action : nsf_slice_str(nsf_rule_verdict_meaning(rule->verdict)));
    nsf_json_out_end_map(json);
    write_resource(json, nsg);
    write_evidences(json, review, rule_idx, top);
    write_unmapped_rule(json, review, rule);
    nsf_json_out_end_map(json);
}

void nsf_review_write_ocsf(const struct nsf_review *review, const struct nsf_report_options *options,
                           struct nsf_out *out)
{
    struct nsf_json_out json;
    nsf_json_out_init(&json, out, LINE_DEPTH);
    nsf_json_out_begin_array(&json);
    for (size_t i = 0; i < review->n_rules; i++)
        write_detection(&json, review, i, options->top);
    nsf_json_out_end_array(&json);
}

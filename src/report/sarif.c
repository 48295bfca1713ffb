#include "core/nsf_common.h"

#include "report/formats.h"

#include "core/json_out.h"
#include "core/version.h"
#include "report/escape.h"
#include "report/fingerprint.h"
#include "report/words.h"

#define LINE_DEPTH 5
#define TEXT_MAX_BYTES ((size_t)64 << 20)

/* One of SARIF's rules for each gravity of a finding. `severity` is what code scanning sorts by. */
static const struct sarif_rule {
    enum nsf_exposure exposure;
    const char *id;
    const char *name;
    const char *title;
    const char *text;
    const char *level;
    const char *severity;
} sarif_rules[] = {
    {NSF_EXPOSURE_EXPOSED, "nsg-port-open-to-internet", "NsgPortOpenToInternet",
     "The rule lets the whole internet reach the port",
     "Every public address, or all but a few, gets through this network security group to the port. Narrow the source "
     "to the networks that need it, or delete the rule.",
     "error", "8.6"},
    {NSF_EXPOSURE_PARTIAL, "nsg-port-open-to-many", "NsgPortOpenToMany",
     "The rule lets a large part of the internet reach the port",
     "Millions of public addresses get through this network security group to the port. Narrow the source to the "
     "networks that need it.",
     "warning", "6.5"},
    {NSF_EXPOSURE_UNKNOWN, "nsg-port-exposure-unknown", "NsgPortExposureUnknown",
     "It cannot be told whom the rule lets reach the port",
     "A part of the rule cannot be read, an expression or a service tag, and the rest does not settle who gets in.",
     "note", "4.0"},
};

static size_t rule_index(enum nsf_exposure exposure)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(sarif_rules); i++)
        if (sarif_rules[i].exposure == exposure)
            return i;
    return NSF_ARRAY_LEN(sarif_rules) - 1;
}

static void key_message(struct nsf_json_out *json, const char *key, const char *text)
{
    nsf_json_out_key(json, key);
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "text", text);
    nsf_json_out_end_map(json);
}

static void write_rule(struct nsf_json_out *json, const struct sarif_rule *rule)
{
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "id", rule->id);
    nsf_json_out_key_str(json, "name", rule->name);
    key_message(json, "shortDescription", rule->title);
    key_message(json, "fullDescription", rule->text);
    key_message(json, "help", rule->text);
    nsf_json_out_key(json, "defaultConfiguration");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "level", rule->level);
    nsf_json_out_end_map(json);
    nsf_json_out_key(json, "properties");
    nsf_json_out_begin_map(json);
    nsf_json_out_key(json, "tags");
    nsf_json_out_begin_array(json);
    nsf_json_out_str(json, "security");
    nsf_json_out_str(json, "network");
    nsf_json_out_end_array(json);
    nsf_json_out_key_str(json, "precision", "very-high");
    nsf_json_out_key_str(json, "security-severity", rule->severity);
    nsf_json_out_end_map(json);
    nsf_json_out_end_map(json);
}

static void write_tool(struct nsf_json_out *json)
{
    nsf_json_out_key(json, "tool");
    nsf_json_out_begin_map(json);
    nsf_json_out_key(json, "driver");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "name", "nsgflow");
    nsf_json_out_key_str(json, "version", NSF_VERSION);
    nsf_json_out_key_str(json, "semanticVersion", NSF_VERSION);
    nsf_json_out_key(json, "rules");
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < NSF_ARRAY_LEN(sarif_rules); i++)
        write_rule(json, &sarif_rules[i]);
    nsf_json_out_end_array(json);
    nsf_json_out_end_map(json);
    nsf_json_out_end_map(json);
}

static void write_artifact(struct nsf_json_out *json, struct nsf_slice path)
{
    struct nsf_buf uri;
    nsf_buf_init(&uri, TEXT_MAX_BYTES);
    struct nsf_out *out = nsf_out_new_buf(&uri);
    nsf_escape_uri(out, path);
    nsf_out_abandon(out);
    nsf_json_out_key(json, "artifactLocation");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_slice(json, "uri", nsf_buf_slice(&uri));
    if (nsf_escape_uri_is_relative(path))
        nsf_json_out_key_str(json, "uriBaseId", "%SRCROOT%");
    nsf_json_out_end_map(json);
    nsf_buf_release(&uri);
}

static void write_physical(struct nsf_json_out *json, const struct nsf_place *place)
{
    nsf_json_out_key(json, "physicalLocation");
    nsf_json_out_begin_map(json);
    write_artifact(json, place->file);
    nsf_json_out_key(json, "region");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_u64(json, "startLine", place->line == 0 ? 1 : place->line);
    nsf_json_out_end_map(json);
    nsf_json_out_end_map(json);
}

static bool is_file(struct nsf_slice path)
{
    return path.len > 0 && !nsf_slice_eq(path, NSF_SLICE_LIT("-"));
}

static void write_locations(struct nsf_json_out *json, const struct nsf_scan_nsg *nsg,
                            const struct nsf_finding *finding)
{
    struct nsf_buf name;
    nsf_buf_init(&name, TEXT_MAX_BYTES);
    nsf_buf_add(&name, nsg->id);
    nsf_buf_add_str(&name, "/securityRules/");
    nsf_buf_add(&name, finding->rule);
    nsf_json_out_key(json, "locations");
    nsf_json_out_begin_array(json);
    nsf_json_out_begin_map(json);
    if (is_file(finding->place.file))
        write_physical(json, &finding->place);
    nsf_json_out_key(json, "logicalLocations");
    nsf_json_out_begin_array(json);
    nsf_json_out_begin_map(json);
    nsf_json_out_key_slice(json, "name", finding->rule);
    nsf_json_out_key_slice(json, "fullyQualifiedName", nsf_buf_slice(&name));
    nsf_json_out_key_str(json, "kind", "resource");
    nsf_json_out_end_map(json);
    nsf_json_out_end_array(json);
    nsf_json_out_end_map(json);
    nsf_json_out_end_array(json);
    nsf_buf_release(&name);
}

static void write_fingerprints(struct nsf_json_out *json, const struct nsf_scan *scan,
                               const struct nsf_finding *finding)
{
    char text[NSF_FINDING_FINGERPRINT_BYTES];
    nsf_finding_fingerprint(scan->nsgs[finding->nsg_idx].id, finding->rule, scan->port, text);
    nsf_json_out_key(json, "partialFingerprints");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "nsgRule/v1", text);
    /* the one that GitHub looks at */
    nsf_json_out_key_str(json, "primaryLocationLineHash", text);
    nsf_json_out_end_map(json);
}

static void begin_message(struct nsf_buf *text, const struct nsf_scan *scan, const struct nsf_finding *finding)
{
    nsf_buf_init(text, TEXT_MAX_BYTES);
    nsf_buf_add(text, finding->rule);
    nsf_buf_add_str(text, " of ");
    nsf_buf_add(text, scan->nsgs[finding->nsg_idx].name);
    nsf_buf_add_str(text, ": ");
    nsf_buf_add(text, finding->note);
}

static void end_message(struct nsf_json_out *json, struct nsf_buf *text)
{
    nsf_json_out_key(json, "message");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_slice(json, "text", nsf_buf_slice(text));
    nsf_json_out_end_map(json);
    nsf_buf_release(text);
}

/* All of a result but its message and properties. */
static void begin_result(struct nsf_json_out *json, const struct nsf_scan *scan, const struct nsf_finding *finding)
{
    size_t index = rule_index(finding->verdict);
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "ruleId", sarif_rules[index].id);
    nsf_json_out_key_u64(json, "ruleIndex", index);
    nsf_json_out_key_str(json, "level", finding->is_latent ? "note" : sarif_rules[index].level);
    write_locations(json, &scan->nsgs[finding->nsg_idx], finding);
    write_fingerprints(json, scan, finding);
}

static void write_finding_properties(struct nsf_json_out *json, const struct nsf_scan *scan,
                                     const struct nsf_finding *finding)
{
    nsf_json_out_key_slice(json, "nsg", scan->nsgs[finding->nsg_idx].id);
    nsf_json_out_key_u64(json, "priority", finding->priority);
    nsf_json_out_key_str(json, "exposure", nsf_exposure_name(finding->verdict));
    nsf_json_out_key_bool(json, "latent", finding->is_latent);
    nsf_json_out_key_u64(json, "publicIpv4", finding->public_ipv4);
    nsf_json_out_key_str(json, "publicIpv6", nsf_v6_extent_name(finding->public_ipv6));
}

static void write_notifications(struct nsf_json_out *json, const struct nsf_problems *problems)
{
    nsf_json_out_key(json, "invocations");
    nsf_json_out_begin_array(json);
    nsf_json_out_begin_map(json);
    nsf_json_out_key_bool(json, "executionSuccessful", true);
    nsf_json_out_key(json, "toolExecutionNotifications");
    nsf_json_out_begin_array(json);
    for (size_t i = 0; i < problems->n; i++) {
        const struct nsf_problem *problem = &problems->items[i];
        nsf_json_out_begin_map(json);
        nsf_json_out_key_str(json, "level", "warning");
        nsf_json_out_key(json, "descriptor");
        nsf_json_out_begin_map(json);
        nsf_json_out_key_str(json, "id", nsf_code_name(problem->code));
        nsf_json_out_end_map(json);
        nsf_json_out_key(json, "message");
        nsf_json_out_begin_map(json);
        nsf_json_out_key_slice(json, "text", problem->detail);
        nsf_json_out_end_map(json);
        if (is_file(problem->path)) {
            nsf_json_out_key(json, "locations");
            nsf_json_out_begin_array(json);
            nsf_json_out_begin_map(json);
            nsf_json_out_key(json, "physicalLocation");
            nsf_json_out_begin_map(json);
            write_artifact(json, problem->path);
            nsf_json_out_end_map(json);
            nsf_json_out_end_map(json);
            nsf_json_out_end_array(json);
        }
        nsf_json_out_end_map(json);
    }
    nsf_json_out_end_array(json);
    nsf_json_out_end_map(json);
    nsf_json_out_end_array(json);
}

static void begin_run(struct nsf_json_out *json, struct nsf_out *out, const char *category,
                      const struct nsf_problems *problems)
{
    nsf_json_out_init(json, out, LINE_DEPTH);
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "$schema",
                         "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json");
    nsf_json_out_key_str(json, "version", "2.1.0");
    nsf_json_out_key(json, "runs");
    nsf_json_out_begin_array(json);
    nsf_json_out_begin_map(json);
    write_tool(json);
    nsf_json_out_key(json, "automationDetails");
    nsf_json_out_begin_map(json);
    nsf_json_out_key_str(json, "id", category);
    nsf_json_out_end_map(json);
    write_notifications(json, problems);
    nsf_json_out_key(json, "results");
    nsf_json_out_begin_array(json);
}

static void end_run(struct nsf_json_out *json)
{
    nsf_json_out_end_array(json);
    nsf_json_out_end_map(json);
    nsf_json_out_end_array(json);
    nsf_json_out_end_map(json);
}

void nsf_scan_write_sarif(const struct nsf_scan *scan, const struct nsf_problems *problems, struct nsf_out *out)
{
    struct nsf_json_out json;
    struct nsf_buf message;
    begin_run(&json, out, "nsgflow/scan/", problems);
    for (size_t i = 0; i < scan->n_findings; i++) {
        begin_result(&json, scan, &scan->findings[i]);
        begin_message(&message, scan, &scan->findings[i]);
        end_message(&json, &message);
        nsf_json_out_key(&json, "properties");
        nsf_json_out_begin_map(&json);
        write_finding_properties(&json, scan, &scan->findings[i]);
        nsf_json_out_end_map(&json);
        nsf_json_out_end_map(&json);
    }
    end_run(&json);
}

static void write_review_properties(struct nsf_json_out *json, const struct nsf_review *review,
                                    const struct nsf_review_rule *rule)
{
    char confidence[2] = {rule->confidence, '\0'};
    nsf_json_out_key(json, "properties");
    nsf_json_out_begin_map(json);
    write_finding_properties(json, review->scan, &review->scan->findings[rule->finding_idx]);
    nsf_json_out_key_str(json, "verdict", nsf_rule_verdict_name(rule->verdict));
    nsf_json_out_key_str(json, "confidence", confidence);
    nsf_json_out_key_u64(json, "risk", rule->risk);
    nsf_json_out_key_u64(json, "connections", rule->traffic.connections);
    nsf_json_out_key_u64(json, "messages", rule->traffic.classes[NSF_CLASS_MESSAGE]);
    nsf_json_out_key_u64(json, "sources", rule->traffic.sources);
    nsf_json_out_key_time(json, "lastSeen", rule->traffic.last_ms);
    nsf_json_out_end_map(json);
}

void nsf_review_write_sarif(const struct nsf_review *review, struct nsf_out *out)
{
    struct nsf_json_out json;
    struct nsf_buf message;
    begin_run(&json, out, "nsgflow/review/", &review->inputs.problems);
    for (size_t i = 0; i < review->n_rules; i++) {
        const struct nsf_review_rule *rule = &review->rules[i];
        const struct nsf_finding *finding = &review->scan->findings[rule->finding_idx];
        struct nsf_slice action = rule->recommendation.action;
        begin_result(&json, review->scan, finding);
        nsf_json_out_key_u64(&json, "rank", rule->risk);
        begin_message(&message, review->scan, finding);
        nsf_buf_add_str(&message, " ");
        nsf_buf_add_str(&message, nsf_rule_verdict_name(rule->verdict));
        nsf_buf_add_str(&message, ": ");
        nsf_buf_add(&message, rule->reason);
        nsf_buf_add_str(&message, " ");
        nsf_buf_add(&message, action.ptr != NULL ? action : nsf_slice_str(nsf_rule_verdict_meaning(rule->verdict)));
        end_message(&json, &message);
        write_review_properties(&json, review, rule);
        nsf_json_out_end_map(&json);
    }
    end_run(&json);
}

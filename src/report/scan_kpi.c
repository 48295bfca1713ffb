#include "core/nsf_common.h"

#include "report/scan_kpi.h"

#include "report/finding_json.h"
#include "report/text_out.h"

#define LINE_DEPTH 2
#define LABEL_COLUMNS 34

static const enum nsf_exposure verdicts[] = {NSF_EXPOSURE_EXPOSED, NSF_EXPOSURE_PARTIAL, NSF_EXPOSURE_UNKNOWN,
                                             NSF_EXPOSURE_RESTRICTED, NSF_EXPOSURE_CLOSED};

static uint64_t count_verdict(const struct nsf_scan *scan, enum nsf_exposure verdict)
{
    uint64_t n = 0;
    for (size_t i = 0; i < scan->n_nsgs; i++)
        n += scan->nsgs[i].verdict == verdict;
    return n;
}

static uint64_t count_accepted(const struct nsf_scan *scan)
{
    uint64_t n = 0;
    for (size_t i = 0; i < scan->n_findings; i++)
        n += nsf_finding_is_accepted(&scan->findings[i]);
    return n;
}

static void write_share(struct nsf_out *out, const char *label, uint64_t part, uint64_t whole)
{
    char number[NSF_NUMBER_TEXT_BYTES], of[NSF_NUMBER_TEXT_BYTES], share[NSF_NUMBER_TEXT_BYTES];
    nsf_out_printf(out, "%-*s %8s of %s (%s)\n", LABEL_COLUMNS, label, nsf_number_text(part, number),
                   nsf_number_text(whole, of), nsf_share_text(part, whole, share));
}

void nsf_kpi_write_text(const struct nsf_scan *const *scans, size_t n, struct nsf_out *out)
{
    char label[64];
    for (size_t i = 0; i < n; i++) {
        snprintf(label, sizeof(label), "groups exposed on TCP %u", (unsigned)scans[i]->port);
        write_share(out, label, count_verdict(scans[i], NSF_EXPOSURE_EXPOSED), scans[i]->n_nsgs);
        write_share(out, "  partly", count_verdict(scans[i], NSF_EXPOSURE_PARTIAL), scans[i]->n_nsgs);
        write_share(out, "  not known", count_verdict(scans[i], NSF_EXPOSURE_UNKNOWN), scans[i]->n_nsgs);
        write_share(out, "  findings that are accepted", count_accepted(scans[i]), scans[i]->n_findings);
    }
    write_share(out, "rules with an owner (tag)", scans[0]->n_rules_owned, scans[0]->n_rules);
    write_share(out, "rules with a justification", scans[0]->n_rules_described, scans[0]->n_rules);
}

static void write_port(struct nsf_json_out *json, const struct nsf_scan *scan)
{
    nsf_json_out_begin_map(json);
    nsf_json_out_key_u64(json, "port", scan->port);
    for (size_t i = 0; i < NSF_ARRAY_LEN(verdicts); i++)
        nsf_json_out_key_u64(json, nsf_exposure_name(verdicts[i]), count_verdict(scan, verdicts[i]));
    nsf_json_out_key_u64(json, "findings", scan->n_findings);
    nsf_json_out_key_u64(json, "accepted", count_accepted(scan));
    nsf_json_out_end_map(json);
}

void nsf_kpi_write_json(const struct nsf_scan *const *scans, size_t n, const struct nsf_problems *problems,
                        struct nsf_out *out)
{
    struct nsf_json_out json;
    nsf_json_out_init(&json, out, LINE_DEPTH);
    nsf_json_out_begin_map(&json);
    nsf_json_out_key_str(&json, "schema", "nsgflow.kpi/1");
    nsf_json_tool(&json);
    nsf_json_out_key_u64(&json, "nsgs", scans[0]->n_nsgs);
    nsf_json_out_key_u64(&json, "rules", scans[0]->n_rules);
    nsf_json_out_key_u64(&json, "rules_with_owner", scans[0]->n_rules_owned);
    nsf_json_out_key_u64(&json, "rules_with_justification", scans[0]->n_rules_described);
    nsf_json_out_key(&json, "ports");
    nsf_json_out_begin_array(&json);
    for (size_t i = 0; i < n; i++)
        write_port(&json, scans[i]);
    nsf_json_out_end_array(&json);
    nsf_json_out_key(&json, "inputs");
    nsf_json_out_begin_map(&json);
    nsf_json_out_key_u64(&json, "files", scans[0]->n_files);
    nsf_json_problems(&json, problems);
    nsf_json_out_end_map(&json);
    nsf_json_out_end_map(&json);
}

#include "core/nsf_common.h"

#include "cli/cli.h"

#include "cli/rules_input.h"
#include "report/explain_report.h"

static nsf_result check_usage(const struct nsf_options *options, struct nsf_ip *source, struct nsf_err *err)
{
    if (options->rules.n == 0)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "explain needs --rules: the NSG definitions");
    if (options->source == NULL)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "explain needs --source: the address to ask for");
    if (!nsf_ip_parse(nsf_slice_str(options->source), source))
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "--source: %s is no address", options->source);
    if (options->operands.n + options->nsg.n == 0)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "explain needs the NSG: its name or resource id");
    return nsf_ok();
}

static nsf_result write_answers(const struct nsf_options *options, const struct nsf_explained *answers, size_t n,
                                struct nsf_err *err)
{
    struct nsf_out *out = nsf_cli_open_output(options, err);
    if (out == NULL)
        return (nsf_result){.failed = true};
    if (options->format == NSF_FORMAT_JSON)
        nsf_explained_write_json(answers, n, out);
    for (size_t i = 0; i < n && options->format == NSF_FORMAT_TEXT; i++) {
        nsf_out_str(out, i > 0 ? "\n" : "");
        nsf_explained_write_text(&answers[i], nsf_cli_columns(options), nsf_cli_has_color(options), out);
    }
    return nsf_out_close(out, err);
}

static int answer(const struct nsf_options *options, const struct nsf_rules_scan *scan)
{
    struct nsf_err err = NSF_ERR_INIT;
    size_t n;
    const struct nsf_explained *answers = nsf_rules_scan_explained(scan, &n);
    if (n == 0) {
        nsf_cli_say("no NSG of that name or id in the definitions: %s",
                    options->operands.n > 0 ? options->operands.items[0] : options->nsg.items[0]);
        return NSF_STATUS_FAILED;
    }
    if (nsf_failed(write_answers(options, answers, n, &err)))
        return nsf_cli_fail(&err);
    return nsf_cli_say_problems(options, nsf_rules_scan_problems(scan));
}

int nsf_cli_explain(const struct nsf_options *options)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_rules_scan_request request = {0};
    struct nsf_rules_scan *scan = NULL;
    struct nsf_locations *locations = nsf_cli_locations(options, NULL);
    struct nsf_ip source;
    int status;
    nsf_result r = check_usage(options, &source, &err);
    if (!nsf_failed(r))
        r = nsf_cli_rules_request(options, locations, &request, &err);
    request.explain_source = &source;
    if (!nsf_failed(r))
        r = nsf_rules_scan_run(&request, &scan, &err);
    status = nsf_failed(r) ? nsf_cli_fail_start(&err) : answer(options, scan);
    nsf_rules_scan_free(scan);
    nsf_cli_rules_request_release(&request);
    nsf_locations_free(locations);
    return status;
}

#include "core/nsf_common.h"

#include "cli/cli.h"

#include "cli/rules_input.h"
#include "core/clock.h"
#include "report/report.h"
#include "report/scan_kpi.h"

static void write_key_figures(const struct nsf_options *options, const struct nsf_rules_scan *scan, struct nsf_out *out)
{
    const struct nsf_scan *scans[NSF_OPTIONS_PORTS_MAX] = {nsf_rules_scan_result(scan)};
    for (size_t i = 1; i < options->n_ports; i++)
        scans[i] = nsf_rules_scan_of_port(scan, i - 1);
    if (options->format == NSF_FORMAT_JSON)
        nsf_kpi_write_json(scans, options->n_ports, nsf_rules_scan_problems(scan), out);
    else
        nsf_kpi_write_text(scans, options->n_ports, out);
}

static nsf_result write_report(const struct nsf_options *options, const struct nsf_rules_scan *scan,
                               struct nsf_err *err)
{
    struct nsf_report_options how = {
        .width = nsf_cli_columns(options), .is_colour = nsf_cli_has_color(options), .generated_ms = nsf_clock_now_ms()};
    struct nsf_out *out = nsf_cli_open_output(options, err);
    if (out == NULL)
        return (nsf_result){.failed = true};
    if (options->is_kpi)
        write_key_figures(options, scan, out);
    else
        nsf_report_scan(nsf_rules_scan_result(scan), nsf_rules_scan_problems(scan),
                        (enum nsf_report_format)options->format, &how, out);
    return nsf_out_close(out, err);
}

static int status_of(const struct nsf_options *options, const struct nsf_rules_scan *rules_scan)
{
    const struct nsf_scan *scan = nsf_rules_scan_result(rules_scan);
    int status = nsf_cli_say_problems(options, nsf_rules_scan_problems(rules_scan));
    for (size_t i = 0; i < scan->n_findings && status == NSF_STATUS_DONE; i++)
        if (!nsf_finding_is_accepted(&scan->findings[i]) &&
            nsf_cli_fails_on(scan->findings[i].verdict, options->fail_on))
            status = NSF_STATUS_FINDINGS;
    return status;
}

static nsf_result check_usage(const struct nsf_options *options, struct nsf_err *err)
{
    if (options->operands.n + options->rules.n == 0)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "scan: no RULES given; see nsgflow scan --help");
    if (options->is_kpi && options->format != NSF_FORMAT_TEXT && options->format != NSF_FORMAT_JSON)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "scan: --kpi comes as text or json");
    if (options->n_ports > 1 && !options->is_kpi)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "scan: --port takes several ports only with --kpi");
    return nsf_ok();
}

int nsf_cli_scan(const struct nsf_options *options)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_rules_scan_request request = {0};
    struct nsf_rules_scan *scan = NULL;
    struct nsf_locations *locations = nsf_cli_locations(options, NULL);
    int status = NSF_STATUS_DONE;
    nsf_result r = check_usage(options, &err);
    if (!nsf_failed(r))
        r = nsf_cli_rules_request(options, locations, &request, &err);
    if (!nsf_failed(r))
        r = nsf_rules_scan_run(&request, &scan, &err);
    if (!nsf_failed(r))
        nsf_cli_say_unknown_nsgs(options, nsf_rules_scan_result(scan));
    if (nsf_failed(r))
        status = nsf_cli_fail_start(&err);
    else if (nsf_failed(write_report(options, scan, &err)))
        status = nsf_cli_fail(&err);
    else
        status = status_of(options, scan);
    nsf_rules_scan_free(scan);
    nsf_cli_rules_request_release(&request);
    nsf_locations_free(locations);
    return status;
}

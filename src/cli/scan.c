#include "core/nsf_common.h"

#include "cli/cli.h"

#include "cli/rules_input.h"
#include "core/clock.h"
#include "core/mem.h"
#include "exposure/scanner.h"
#include "report/report.h"

/* One run of the command. */
struct run {
    const struct nsf_options *options;
    struct nsf_rules_run rules;
    struct nsf_scanner *scanner;
};

static void take_nsg(void *ctx, const struct nsf_nsg *nsg)
{
    struct run *run = ctx;
    if (nsf_options_wants_nsg(run->options, nsg->id, nsg->name))
        nsf_scanner_add(run->scanner, nsg);
}

static nsf_result write_report(const struct nsf_options *options, const struct nsf_scan *scan,
                               const struct nsf_problems *problems, struct nsf_err *err)
{
    struct nsf_report_options how = {
        .width = nsf_cli_columns(options), .is_colour = nsf_cli_has_color(options), .generated_ms = nsf_clock_now_ms()};
    struct nsf_out *out = nsf_cli_open_output(options, err);
    if (out == NULL)
        return (nsf_result){.failed = true};
    nsf_report_scan(scan, problems, (enum nsf_report_format)options->format, &how, out);
    return nsf_out_close(out, err);
}

static int status_of(const struct nsf_options *options, const struct nsf_scan *scan,
                     const struct nsf_problems *problems)
{
    uint64_t n_problems = nsf_problems_total(problems);
    if (n_problems > 0) {
        if (!options->is_quiet)
            nsf_cli_say("%llu problem%s with the input: the report is whole for the rest and lists them",
                        (unsigned long long)n_problems, n_problems == 1 ? "" : "s");
        return NSF_STATUS_INCOMPLETE;
    }
    for (size_t i = 0; i < scan->n_findings; i++)
        if (nsf_cli_fails_on(scan->findings[i].verdict, options->fail_on))
            return NSF_STATUS_FINDINGS;
    return NSF_STATUS_DONE;
}

static int scan_and_report(struct run *run, struct nsf_err *err)
{
    struct nsf_rules_sinks sinks = {.ctx = run, .nsg = take_nsg};
    if (nsf_failed(nsf_rules_run_load(&run->rules, run->options, &sinks, err))) {
        int status = nsf_cli_fail(err);
        return status == NSF_STATUS_USAGE ? status : NSF_STATUS_FAILED;
    }
    struct nsf_slices rules = nsf_options_slices(&run->options->rule);
    const struct nsf_scan *scan = nsf_scanner_finish(run->scanner, run->rules.summary.n_files, &rules);
    nsf_result r = write_report(run->options, scan, &run->rules.problems, err);
    nsf_free(rules.items);
    return nsf_failed(r) ? nsf_cli_fail(err) : status_of(run->options, scan, &run->rules.problems);
}

int nsf_cli_scan(const struct nsf_options *options)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_exposure_settings settings = NSF_EXPOSURE_SETTINGS_INIT;
    struct run run = {.options = options};
    int status;
    if (options->operands.n + options->rules.n == 0) {
        nsf_cli_say("scan: no RULES given; see nsgflow scan --help");
        return NSF_STATUS_USAGE;
    }
    nsf_rules_run_init(&run.rules);
    if (nsf_failed(nsf_rules_run_settings(&run.rules, options, &settings, &err))) {
        status = nsf_cli_fail(&err);
    } else {
        settings.port = options->ports[0];
        run.scanner = nsf_scanner_new(&settings);
        status = scan_and_report(&run, &err);
    }
    nsf_scanner_free(run.scanner);
    nsf_rules_run_release(&run.rules);
    return status;
}

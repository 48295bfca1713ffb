#include "core/nsf_common.h"

#include "cli/cli.h"

#include "cli/lists.h"
#include "cli/progress.h"
#include "cli/rules_input.h"
#include "core/mem.h"
#include "core/thread.h"
#include "run/review.h"
#include "run/rules_scan.h"

#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t is_stopped;
static atomic_bool is_transfer_stopped; /* the same for the threads that wait for storage */

static void on_signal(int number)
{
    (void)number;
    if (is_stopped != 0) { /* asked twice: at once */
        nsf_out_remove_unfinished();
        _Exit(NSF_STATUS_INTERRUPTED);
    }
    is_stopped = 1;
    atomic_store(&is_transfer_stopped, true);
}

void nsf_cli_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal}, hangup;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* Under nohup a terminal that goes away stops nothing. */
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
}

const volatile sig_atomic_t *nsf_cli_stop_flag(void)
{
    return &is_stopped;
}

static nsf_result check_usage(const struct nsf_options *options, struct nsf_err *err)
{
    if (options->rules.n == 0)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE,
                        "review needs --rules: the NSG definitions to hold the logs "
                        "against");
    if (options->operands.n == 0 && options->store == NULL)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE,
                        "review needs LOGS: files, folders or - for standard input; "
                        "or a --store that holds what they said");
    if (options->since_ms != NSF_TS_NONE && options->until_ms != NSF_TS_NONE && options->since_ms >= options->until_ms)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "--since is not before --until");
    return nsf_cli_check_explain(options, err);
}

static nsf_result load_rules(const struct nsf_options *options, struct nsf_locations *locations,
                             struct nsf_rules_scan **scan, struct nsf_err *err)
{
    struct nsf_rules_scan_request request;
    nsf_result r = nsf_cli_rules_request(options, locations, &request, err);
    request.exposure.has_rule_table = true;
    if (!nsf_failed(r))
        r = nsf_rules_scan_run(&request, scan, err);
    nsf_cli_rules_request_release(&request);
    return r;
}

static int print_listing(const struct nsf_options *options, const struct nsf_listing *listing)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_out *out = nsf_cli_open_output(options, &err);
    if (out == NULL)
        return nsf_cli_fail(&err);
    uint64_t n_bytes = 0;
    for (size_t i = 0; i < listing->n; i++) {
        const struct nsf_blob *blob = &listing->items[i];
        if (blob->size_bytes == NSF_SIZE_UNKNOWN)
            nsf_out_printf(out, "%14s  ", "?");
        else
            nsf_out_printf(out, "%14llu  ", (unsigned long long)blob->size_bytes);
        n_bytes += blob->size_bytes == NSF_SIZE_UNKNOWN ? 0 : blob->size_bytes;
        nsf_out_visible(out, blob->name);
        nsf_out_char(out, '\n');
    }
    nsf_out_printf(out, "%14llu  bytes in %zu blobs, %llu left out\n", (unsigned long long)n_bytes, listing->n,
                   (unsigned long long)(listing->n_pruned + listing->n_outside));
    return nsf_failed(nsf_out_close(out, &err)) ? nsf_cli_fail(&err) : NSF_STATUS_DONE;
}

static int write_review(const struct nsf_options *options, const struct nsf_review *review)
{
    struct nsf_err err = NSF_ERR_INIT;
    if (nsf_failed(nsf_cli_write_review(options, review, &err)))
        return nsf_cli_fail(&err);
    uint64_t n_problems = nsf_problems_total(&review->inputs.problems);
    if (n_problems == 0)
        return nsf_cli_review_status(review, options->fail_on);
    if (!options->is_quiet)
        nsf_cli_say("%llu problem%s in the input; the report names %s", (unsigned long long)n_problems,
                    n_problems == 1 ? "" : "s", n_problems == 1 ? "it" : "them");
    return NSF_STATUS_INCOMPLETE;
}

/* What is known of addresses. */
struct review_lists {
    struct nsf_lists lists;
    struct nsf_problems problems;
};

static int list_or_read(const struct nsf_options *options, struct nsf_review_run *run, struct nsf_progress *progress)
{
    struct nsf_err err = NSF_ERR_INIT;
    nsf_progress_expect(progress, nsf_review_run_listing(run));
    nsf_result r = nsf_ok();
    if (options->is_list) {
        r = nsf_review_run_drop_known(run, &err);
        return nsf_failed(r) ? nsf_cli_fail(&err) : print_listing(options, nsf_review_run_listing(run));
    }
    r = nsf_review_run_read(run, &err);
    nsf_progress_end(progress);
    return nsf_failed(r) ? nsf_cli_fail(&err) : write_review(options, nsf_review_run_finish(run));
}

static int read_and_report(const struct nsf_options *options, const struct nsf_scan *scan,
                           const struct nsf_problems *rules_problems, const struct review_lists *lists,
                           struct nsf_store *store)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_progress progress;
    bool has_logs = options->command == NSF_COMMAND_REVIEW;
    struct nsf_locations *locations = nsf_cli_locations(options, &is_transfer_stopped);
    nsf_progress_init(&progress, options);
    struct nsf_review_request request = {
        .scan = scan,
        .rules_problems = rules_problems,
        .lists = &lists->lists,
        .lists_problems = &lists->problems,
        .locations = locations,
        .logs = options->operands.items,
        .n_logs = has_logs ? options->operands.n : 0,
        .store = store,
        .nsgs = options->nsg.items,
        .n_nsgs = options->nsg.n,
        .rules = options->rule.items,
        .n_rules = options->rule.n,
        .since_ms = options->since_ms,
        .until_ms = options->until_ms,
        .idle_ms = (int64_t)options->idle_ms,
        .max_sources = options->max_sources,
        .max_other = options->max_other,
        .tells_addresses = options->explain_source != NULL,
        .is_only_exposed = options->is_only_exposed,
        .pipeline = {.jobs = options->jobs == 0 ? nsf_thread_processors() : (unsigned)options->jobs,
                     .is_plain = options->parser == NSF_PARSER_YAJL,
                     .is_strict = options->is_strict,
                     .is_smtp_only = options->is_smtp_only,
                     .is_stopped = &is_stopped,
                     .on_progress = nsf_progress_show,
                     .progress_ctx = &progress},
    };
    struct nsf_review_run *run = NULL;
    int status;
    if (nsf_failed(nsf_review_run_new(&request, &run, &err)))
        status = nsf_cli_fail(&err);
    else
        status = list_or_read(options, run, &progress);
    nsf_review_run_free(run);
    nsf_locations_free(locations);
    return status;
}

int nsf_cli_review_scan(const struct nsf_options *options, const struct nsf_scan *scan,
                        const struct nsf_problems *rules_problems, struct nsf_store *store)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct review_lists lists;
    int status;
    nsf_lists_init(&lists.lists, !options->has_no_builtin_senders);
    nsf_problems_init(&lists.problems);
    if (nsf_failed(nsf_cli_load_lists(options, &lists.lists, &lists.problems, &err)))
        status = nsf_cli_fail_start(&err);
    else
        status = read_and_report(options, scan, rules_problems, &lists, store);
    nsf_problems_release(&lists.problems);
    nsf_lists_release(&lists.lists);
    return status;
}

/* A listing makes no store. */
static nsf_result open_store(const struct nsf_options *options, struct nsf_store **store, struct nsf_err *err)
{
    *store = NULL;
    if (options->store == NULL || (options->is_list && access(options->store, F_OK) != 0))
        return nsf_ok();
    return nsf_store_open(options->store, options->is_list ? NSF_STORE_READ : NSF_STORE_WRITE, store, err);
}

int nsf_cli_review(const struct nsf_options *options)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_rules_scan *scan;
    if (nsf_failed(check_usage(options, &err)))
        return nsf_cli_fail(&err);
    nsf_mem_expect_much();
    nsf_cli_catch_signals();
    struct nsf_locations *locations = nsf_cli_locations(options, &is_transfer_stopped);
    nsf_result r = load_rules(options, locations, &scan, &err);
    nsf_locations_free(locations);
    if (nsf_failed(r))
        return nsf_cli_fail_start(&err);
    nsf_cli_say_unknown_nsgs(options, nsf_rules_scan_result(scan));
    struct nsf_store *store = NULL;
    int status;
    if (nsf_failed(open_store(options, &store, &err)))
        status = nsf_cli_fail(&err);
    else
        status = nsf_cli_review_scan(options, nsf_rules_scan_result(scan), nsf_rules_scan_problems(scan), store);
    nsf_store_close(store);
    nsf_rules_scan_free(scan);
    return status;
}

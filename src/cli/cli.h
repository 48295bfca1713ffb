/*
 * cli.h - the commands: each takes the options and returns the exit status of the process.
 *
 * Exit statuses: 0 done, 1 findings at or above --fail-on, 2 wrong usage (nothing was read), 3 done
 * but some input was unreadable or bad (also where 1 would hold), 4 rules not readable, no input
 * opened or memory ended, 130 interrupted.
 */
#ifndef NSF_CLI_H
#define NSF_CLI_H

#include "cli/options.h"
#include "core/out.h"
#include "evidence/review.h"
#include "run/locations.h"

#include <signal.h>

enum nsf_status {
    NSF_STATUS_DONE = 0,
    NSF_STATUS_FINDINGS = 1,
    NSF_STATUS_USAGE = 2,
    NSF_STATUS_INCOMPLETE = 3,
    NSF_STATUS_FAILED = 4,
    NSF_STATUS_INTERRUPTED = 130,
};

/* The whole program: reads argv, runs the command. */
int nsf_cli_main(int argc, char **argv);

int nsf_cli_scan(const struct nsf_options *options);
int nsf_cli_explain(const struct nsf_options *options);
int nsf_cli_report(const struct nsf_options *options);
int nsf_cli_review(const struct nsf_options *options);
int nsf_cli_merge(const struct nsf_options *options);

/* Whether there is a SQLite file at the path. */
bool nsf_cli_is_store(const char *path);
/* The report of a store: the evidence it holds, under the rules of the last run that fed it. */
int nsf_cli_report_store(const struct nsf_options *options, const char *path);

/* Reviews the logs of the command (`report` has none), or what the store holds, under a scan; writes the report and
 * returns the exit status. The store may be NULL, the problems are those of the rules. */
struct nsf_store;
int nsf_cli_review_scan(const struct nsf_options *options, const struct nsf_scan *scan,
                        const struct nsf_problems *rules_problems, struct nsf_store *store);
/* SIGINT and SIGTERM end a review soon and cleanly, twice at once. */
void nsf_cli_catch_signals(void);
/* Not 0 once one of them came. */
const volatile sig_atomic_t *nsf_cli_stop_flag(void);

/* One line "nsgflow: ..." on standard error; text of foreign origin in it is escaped. */
void nsf_cli_say(const char *fmt, ...) NSF_PRINTF(1, 2);
/* Says the error and returns the exit status that it stands for. */
int nsf_cli_fail(const struct nsf_err *err);
/* The same for an error before there was anything to report: 2 for wrong usage, else 4. */
int nsf_cli_fail_start(const struct nsf_err *err);
/* Says how many problems the definitions had; NSF_STATUS_INCOMPLETE when there were any, else NSF_STATUS_DONE. */
int nsf_cli_say_problems(const struct nsf_options *options, const struct nsf_problems *problems);
/* Where paths and storage addresses become bytes, as --endpoint, --ca-file and so on ask. is_stopped may be NULL. The
 * caller frees it. */
struct nsf_locations *nsf_cli_locations(const struct nsf_options *options, const atomic_bool *is_stopped)
    __attribute__((returns_nonnull));
/* Standard output, or --output; NULL and *err when it cannot be opened. */
struct nsf_out *nsf_cli_open_output(const struct nsf_options *options, struct nsf_err *err) NSF_CHECKED;
/* Whether the report goes to a terminal that shows colours, or --color says so. */
bool nsf_cli_has_color(const struct nsf_options *options);
/* Columns of the terminal that the report goes to, else those of COLUMNS, else 80; never fewer. */
unsigned nsf_cli_columns(const struct nsf_options *options);

/* --explain-source holds an address and fits the other options, or is not given. */
nsf_result nsf_cli_check_explain(const struct nsf_options *options, struct nsf_err *err) NSF_CHECKED;
/* Writes the review as --format, --output, --top and --color ask. */
nsf_result nsf_cli_write_review(const struct nsf_options *options, const struct nsf_review *review,
                                struct nsf_err *err) NSF_CHECKED;
/* Whether a finding of this verdict makes the exit status 1. */
bool nsf_cli_fails_on(enum nsf_exposure verdict, enum nsf_fail_on fail_on);
/* NSF_STATUS_FINDINGS when a finding is at or above --fail-on, else NSF_STATUS_DONE. */
int nsf_cli_review_status(const struct nsf_review *review, enum nsf_fail_on fail_on);

#endif

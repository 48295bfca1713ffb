#include "core/nsf_common.h"

#include "cli/cli.h"

#include "cli/help.h"
#include "core/mem.h"
#include "core/version.h"
#include "source/secret.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SAY_MAX_BYTES ((size_t)16 << 10)
#define COLUMNS_DEFAULT 80
#define COLUMNS_MAX 400

typedef int command_fn(const struct nsf_options *options);

static command_fn *const commands[NSF_COMMAND_N] = {
    [NSF_COMMAND_REVIEW] = nsf_cli_review, [NSF_COMMAND_SCAN] = nsf_cli_scan,   [NSF_COMMAND_EXPLAIN] = nsf_cli_explain,
    [NSF_COMMAND_REPORT] = nsf_cli_report, [NSF_COMMAND_MERGE] = nsf_cli_merge,
};

static bool is_there(enum nsf_command command)
{
    return commands[command] != NULL;
}

void nsf_cli_say(const char *fmt, ...)
{
    char text[2048];
    struct nsf_buf line;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (n < 0)
        return;
    size_t len = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    /* An address with a SAS in the wrong place comes back in the sentence that says so. */
    len = nsf_secret_mask(text, len);
    nsf_buf_init(&line, SAY_MAX_BYTES);
    struct nsf_out *out = nsf_out_new_buf(&line);
    nsf_out_str(out, "nsgflow: ");
    nsf_out_visible(out, nsf_slice(text, len));
    nsf_out_char(out, '\n');
    nsf_out_abandon(out);
    fwrite(line.ptr, 1, line.len, stderr);
    nsf_buf_release(&line);
}

int nsf_cli_fail(const struct nsf_err *err)
{
    if (err->subject[0] != '\0')
        nsf_cli_say("%s: %s", err->subject, err->text);
    else
        nsf_cli_say("%s", err->text);
    return nsf_code_status(err->code);
}

int nsf_cli_fail_start(const struct nsf_err *err)
{
    return nsf_cli_fail(err) == NSF_STATUS_USAGE ? NSF_STATUS_USAGE : NSF_STATUS_FAILED;
}

int nsf_cli_say_problems(const struct nsf_options *options, const struct nsf_problems *problems)
{
    uint64_t n = nsf_problems_total(problems);
    if (n == 0)
        return NSF_STATUS_DONE;
    if (!options->is_quiet)
        nsf_cli_say("%llu problem%s with the input: the report is whole for the rest and lists %s",
                    (unsigned long long)n, n == 1 ? "" : "s", n == 1 ? "it" : "them");
    return NSF_STATUS_INCOMPLETE;
}

static void say_verbose(const char *line)
{
    nsf_cli_say("%s", line);
}

struct nsf_locations *nsf_cli_locations(const struct nsf_options *options, const atomic_bool *is_stopped)
{
    const struct nsf_locations_options wanted = {
        .endpoint = options->endpoint,
        .ca_file = options->ca_file,
        .max_requests_per_second = (unsigned)options->max_requests_per_second,
        .is_stopped = is_stopped,
        .say = options->is_verbose ? say_verbose : NULL,
    };
    return nsf_locations_new(&wanted);
}

struct nsf_out *nsf_cli_open_output(const struct nsf_options *options, struct nsf_err *err)
{
    bool is_stdout = options->output == NULL || strcmp(options->output, "-") == 0;
    return is_stdout ? nsf_out_new_stdout() : nsf_out_new_file(options->output, err);
}

static bool is_on_terminal(const struct nsf_options *options)
{
    return options->output == NULL && isatty(STDOUT_FILENO) == 1;
}

bool nsf_cli_has_color(const struct nsf_options *options)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (options->color != NSF_WHEN_AUTO)
        return options->color == NSF_WHEN_ALWAYS;
    if (no_color != NULL && no_color[0] != '\0')
        return false;
    return is_on_terminal(options) && term != NULL && strcmp(term, "dumb") != 0;
}

static unsigned columns_of_environment(void)
{
    uint64_t columns;
    const char *text = getenv("COLUMNS");
    if (text == NULL || !nsf_slice_to_u64(nsf_slice_str(text), COLUMNS_MAX, &columns))
        return COLUMNS_DEFAULT;
    return columns < COLUMNS_DEFAULT ? COLUMNS_DEFAULT : (unsigned)columns;
}

unsigned nsf_cli_columns(const struct nsf_options *options)
{
    struct winsize size;
    if (!is_on_terminal(options) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < COLUMNS_DEFAULT)
        return columns_of_environment();
    return size.ws_col > COLUMNS_MAX ? COLUMNS_MAX : size.ws_col;
}

static int print_text(enum nsf_options_answer answer, const struct nsf_options *options, bool has_command)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_out *out = nsf_out_new_stdout();
    if (answer == NSF_OPTIONS_VERSION)
        nsf_out_str(out, "nsgflow " NSF_VERSION "\n");
    else if (has_command)
        nsf_help_command(out, options->command);
    else
        nsf_help_program(out, is_there);
    return nsf_failed(nsf_out_close(out, &err)) ? nsf_cli_fail(&err) : NSF_STATUS_DONE;
}

int nsf_cli_main(int argc, char **argv)
{
    struct nsf_options options;
    struct nsf_err err = NSF_ERR_INIT;
    enum nsf_options_answer answer;
    bool has_command;
    int status;
    char **args = nsf_secret_take_args(argc, argv);
    nsf_mem_on_exhaustion(nsf_out_remove_unfinished);
    /* A closed pipe and a file that may not grow any more are failed writes, with their message and status. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (nsf_failed(nsf_options_parse(&options, argc, args, &answer, &has_command, &err)))
        status = nsf_cli_fail(&err);
    else if (answer != NSF_OPTIONS_RUN)
        status = print_text(answer, &options, has_command);
    else if (!is_there(options.command)) {
        nsf_cli_say("%s is not in this build", nsf_command_name(options.command));
        status = NSF_STATUS_USAGE;
    } else
        status = commands[options.command](&options);
    nsf_options_release(&options);
    nsf_free(args);
    return status;
}

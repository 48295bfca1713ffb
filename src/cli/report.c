#include "core/nsf_common.h"

#include "cli/cli.h"

#include "core/clock.h"
#include "core/limits.h"
#include "core/thread.h"
#include "report/explain_source.h"
#include "report/report.h"
#include "report/review_read.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static nsf_result read_all(int fd, struct nsf_buf *text, struct nsf_err *err)
{
    for (;;) {
        char *room = nsf_buf_reserve(text, NSF_CHUNK_BYTES);
        if (room == NULL)
            return NSF_FAIL(err, NSF_E_LIMIT, text->len, "larger than %llu bytes",
                            (unsigned long long)NSF_RULES_DOCUMENT_MAX_BYTES);
        ssize_t n = read(fd, room, NSF_CHUNK_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return NSF_FAIL(err, NSF_E_IO, text->len, "cannot read: %s", strerror(errno));
        if (n == 0)
            return nsf_ok();
        text->len += (size_t)n;
    }
}

static nsf_result read_file(const char *path, struct nsf_buf *text, struct nsf_err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : (int)TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC));
    nsf_result r =
        fd < 0 ? NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot open: %s", strerror(errno)) : read_all(fd, text, err);
    if (fd >= 0 && !is_stdin)
        close(fd);
    return r;
}

bool nsf_cli_fails_on(enum nsf_exposure verdict, enum nsf_fail_on fail_on)
{
    switch (fail_on) {
    case NSF_FAIL_ON_NEVER:
        return false;
    case NSF_FAIL_ON_EXPOSED:
        return verdict == NSF_EXPOSURE_EXPOSED;
    case NSF_FAIL_ON_PARTIAL:
        return verdict == NSF_EXPOSURE_EXPOSED || verdict == NSF_EXPOSURE_PARTIAL;
    case NSF_FAIL_ON_UNKNOWN:
        return true;
    }
    return false;
}

int nsf_cli_review_status(const struct nsf_review *review, enum nsf_fail_on fail_on)
{
    for (size_t i = 0; i < review->n_rules; i++)
        if (!nsf_finding_is_accepted(&review->scan->findings[review->rules[i].finding_idx]) &&
            nsf_cli_fails_on(review->scan->findings[review->rules[i].finding_idx].verdict, fail_on))
            return NSF_STATUS_FINDINGS;
    return NSF_STATUS_DONE;
}

nsf_result nsf_cli_check_explain(const struct nsf_options *options, struct nsf_err *err)
{
    struct nsf_ip address;
    if (options->explain_source == NULL)
        return nsf_ok();
    if (!nsf_ip_parse(nsf_slice_str(options->explain_source), &address))
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "--explain-source takes an address, not \"%s\"",
                        options->explain_source);
    if (options->format != NSF_FORMAT_TEXT)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "--explain-source writes text; leave --format away");
    return nsf_ok();
}

nsf_result nsf_cli_write_review(const struct nsf_options *options, const struct nsf_review *review, struct nsf_err *err)
{
    struct nsf_report_options how = {
        .width = nsf_cli_columns(options),
        .is_colour = nsf_cli_has_color(options),
        .top = options->top,
        .jobs = options->jobs == 0 ? nsf_thread_processors() : (unsigned)options->jobs,
    };
    struct nsf_ip address;
    struct nsf_out *out = nsf_cli_open_output(options, err);
    if (out == NULL)
        return (nsf_result){.failed = true};
    if (options->explain_source != NULL && nsf_ip_parse(nsf_slice_str(options->explain_source), &address))
        nsf_report_explain_source(review, address, &how, out);
    else
        nsf_report_review(review, (enum nsf_report_format)options->format, &how, out);
    return nsf_out_close(out, err);
}

static bool is_named(struct nsf_slice name, const struct nsf_text_list *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (nsf_slice_eq_nocase(name, nsf_slice_str(names->items[i])))
            return true;
    return false;
}

static bool is_wanted(const void *ctx, const struct nsf_scan_nsg *nsg, const struct nsf_finding *finding)
{
    const struct nsf_options *options = ctx;
    bool is_nsg = options->nsg.n == 0 || is_named(nsg->name, &options->nsg) || is_named(nsg->id, &options->nsg);
    return is_nsg && (options->rule.n == 0 || is_named(finding->rule, &options->rule));
}

static nsf_result check_usage(const struct nsf_options *options, struct nsf_err *err)
{
    if (options->operands.n != 1)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "report takes one REVIEW.json or STORE");
    if (nsf_cli_is_store(options->operands.items[0]))
        return nsf_cli_check_explain(options, err);
    if (options->is_kpi)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "--kpi takes a STORE: a review knows of one moment only");
    if (options->since_ms != NSF_TS_NONE || options->until_ms != NSF_TS_NONE)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE,
                        "a saved review keeps its window: --since and --until go with review");
    return nsf_cli_check_explain(options, err);
}

int nsf_cli_report(const struct nsf_options *options)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_review_document document;
    struct nsf_buf text;
    int status;
    if (nsf_failed(check_usage(options, &err)))
        return nsf_cli_fail(&err);
    if (nsf_cli_is_store(options->operands.items[0]))
        return nsf_cli_report_store(options, options->operands.items[0]);
    nsf_buf_init(&text, NSF_RULES_DOCUMENT_MAX_BYTES);
    nsf_review_document_init(&document);
    nsf_result r = read_file(options->operands.items[0], &text, &err);
    if (!nsf_failed(r))
        r = nsf_review_document_read(&document, nsf_buf_slice(&text), &err);
    if (nsf_failed(r)) {
        nsf_err_set_subject(&err, options->operands.items[0]);
        status = nsf_cli_fail(&err);
        status = status == NSF_STATUS_INCOMPLETE ? NSF_STATUS_FAILED : status;
    } else {
        nsf_buf_release(&text);
        nsf_review_document_narrow(&document, is_wanted, options);
        r = nsf_cli_write_review(options, &document.review, &err);
        status = nsf_failed(r) ? nsf_cli_fail(&err) : nsf_cli_review_status(&document.review, options->fail_on);
    }
    nsf_review_document_release(&document);
    nsf_buf_release(&text);
    return status;
}

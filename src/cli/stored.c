#include "core/nsf_common.h"

#include "cli/cli.h"

#include "report/trend.h"
#include "store/store.h"

#include <fcntl.h>
#include <unistd.h>

bool nsf_cli_is_store(const char *path)
{
    static const char magic[] = "SQLite format 3"; /* its NUL counts */
    char bytes[sizeof(magic)];
    int fd = strcmp(path, "-") == 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_it =
        fd >= 0 && read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes) && memcmp(bytes, magic, sizeof(magic)) == 0;
    if (fd >= 0)
        close(fd);
    return is_it;
}

static nsf_result write_trend(const struct nsf_options *options, struct nsf_store *store, struct nsf_err *err)
{
    struct nsf_report_options how = {.width = nsf_cli_columns(options), .generated_ms = nsf_clock_now_ms()};
    struct nsf_trend trend;
    nsf_result r = nsf_store_trend(store, &trend, err);
    if (!nsf_failed(r)) {
        struct nsf_out *out = nsf_cli_open_output(options, err);
        if (out == NULL) {
            r = (nsf_result){.failed = true};
        } else {
            nsf_report_trend(&trend, (enum nsf_report_format)options->format, &how, out);
            r = nsf_out_close(out, err);
        }
    }
    nsf_trend_release(&trend);
    return r;
}

static int report_trend(const struct nsf_options *options, const char *path)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_store *store;
    bool is_known_format =
        options->format == NSF_FORMAT_TEXT || options->format == NSF_FORMAT_JSON || options->format == NSF_FORMAT_CSV;
    nsf_result r = is_known_format ? nsf_store_open(path, NSF_STORE_READ, &store, &err)
                                   : NSF_FAIL(&err, NSF_E_USAGE, NSF_OFFSET_NONE, "--kpi writes text, json or csv");
    if (nsf_failed(r))
        return nsf_cli_fail(&err);
    r = write_trend(options, store, &err);
    nsf_store_close(store);
    return nsf_failed(r) ? nsf_cli_fail(&err) : NSF_STATUS_DONE;
}

int nsf_cli_report_store(const struct nsf_options *options, const char *path)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_store *store;
    struct nsf_scan scan;
    struct nsf_problems problems;
    bool has_scan;
    int status;
    if (options->is_kpi)
        return report_trend(options, path);
    if (nsf_failed(nsf_store_open(path, NSF_STORE_READ, &store, &err)))
        return nsf_cli_fail(&err);
    nsf_cli_catch_signals();
    nsf_problems_init(&problems);
    nsf_result r = nsf_store_last_scan(store, &scan, &problems, &has_scan, &err);
    if (!nsf_failed(r) && !has_scan) {
        r = NSF_FAIL(&err, NSF_E_STORE, NSF_OFFSET_NONE,
                     "no run has left its rules in it; `nsgflow review --rules RULES "
                     "--store STORE` reports on it under any rules");
        nsf_err_set_subject(&err, path);
    }
    status = nsf_failed(r) ? nsf_cli_fail(&err) : nsf_cli_review_scan(options, &scan, &problems, store);
    nsf_problems_release(&problems);
    nsf_arena_release(&scan.arena);
    nsf_store_close(store);
    return status;
}

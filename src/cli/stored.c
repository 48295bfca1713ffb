#include "core/nsf_common.h"

#include "cli/cli.h"

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

int nsf_cli_report_store(const struct nsf_options *options, const char *path)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_store *store;
    struct nsf_scan scan;
    struct nsf_problems problems;
    bool has_scan;
    int status;
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

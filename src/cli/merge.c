#include "core/nsf_common.h"

#include "cli/cli.h"

#include "core/mem.h"
#include "store/store.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static nsf_result check_usage(const struct nsf_options *options, struct nsf_err *err)
{
    if (options->output == NULL || strcmp(options->output, "-") == 0)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "merge needs -o STORE: the file to write");
    if (options->operands.n == 0)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "merge needs STORE...: the stores to bring together");
    return nsf_ok();
}

/* Of a symbolic link the target is replaced. A store that is there is opened and closed: that fails when a run is
 * using it, and takes in what a killed one left beside it, which must not meet the new file. */
static nsf_result find_target(const char *output, char **path, struct nsf_err *err)
{
    struct stat found;
    struct nsf_store *old;
    char *target = realpath(output, NULL);
    *path = target == NULL ? nsf_strdup_n(output, strlen(output)) : nsf_strdup_n(target, strlen(target));
    free(target); /* of the C library */
    if (stat(*path, &found) != 0)
        return nsf_ok();
    if (!S_ISREG(found.st_mode))
        return NSF_FAIL(err, NSF_E_OUTPUT, NSF_OFFSET_NONE, "a store can only be written to a regular file");
    nsf_result r = nsf_store_open(*path, NSF_STORE_WRITE, &old, err);
    if (!nsf_failed(r))
        nsf_store_close(old);
    return r;
}

/* The unfinished store and what SQLite has beside it. */
static void remove_all(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char *name = nsf_malloc(strlen(path) + 16);
    for (size_t i = 0; i < NSF_ARRAY_LEN(suffixes); i++) {
        snprintf(name, strlen(path) + 16, "%s%s", path, suffixes[i]);
        unlink(name);
    }
    nsf_free(name);
}

static nsf_result merge_one(struct nsf_store *into, const char *path, struct nsf_err *err)
{
    struct nsf_store *from;
    nsf_result r = nsf_store_open(path, NSF_STORE_READ, &from, err);
    if (!nsf_failed(r))
        r = nsf_store_merge(into, from, nsf_cli_stop_flag(), err);
    nsf_store_close(from);
    return r;
}

static nsf_result merge_all(const struct nsf_options *options, const char *path, struct nsf_err *err)
{
    struct nsf_store *into;
    nsf_result r = nsf_store_open(path, NSF_STORE_WRITE, &into, err);
    for (size_t i = 0; i < options->operands.n && !nsf_failed(r); i++)
        r = merge_one(into, options->operands.items[i], err);
    if (!nsf_failed(r))
        r = nsf_store_flush(into, err);
    nsf_store_close(into);
    return r;
}

int nsf_cli_merge(const struct nsf_options *options)
{
    struct nsf_err err = NSF_ERR_INIT;
    if (nsf_failed(check_usage(options, &err)))
        return nsf_cli_fail(&err);
    nsf_cli_catch_signals();
    char *target;
    nsf_result r = find_target(options->output, &target, &err);
    char *path = nsf_malloc(strlen(target) + 32);
    snprintf(path, strlen(target) + 32, "%s.%ld.tmp", target, (long)getpid());
    if (!nsf_failed(r)) {
        r = merge_all(options, path, &err);
        if (!nsf_failed(r) && rename(path, target) != 0)
            r = NSF_FAIL(&err, NSF_E_OUTPUT, NSF_OFFSET_NONE, "cannot write: %s", strerror(errno));
        if (nsf_failed(r))
            remove_all(path);
    }
    nsf_err_set_subject(&err, options->output);
    nsf_free(path);
    nsf_free(target);
    return nsf_failed(r) ? nsf_cli_fail(&err) : NSF_STATUS_DONE;
}

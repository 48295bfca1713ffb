#include "core/nsf_common.h"

#include "run/rules_scan.h"

#include "core/mem.h"
#include "exposure/scanner.h"

struct nsf_rules_scan {
    struct nsf_arena files;
    struct nsf_problems problems;
    struct nsf_rules_summary summary;
    struct nsf_scanner *scanner;
    const struct nsf_scan *result;
};

static void take_nsg(void *ctx, const struct nsf_nsg *nsg)
{
    struct nsf_rules_scan *scan = ctx;
    nsf_scanner_add(scan->scanner, nsg);
}

void nsf_rules_scan_free(struct nsf_rules_scan *scan)
{
    if (scan == NULL)
        return;
    nsf_scanner_free(scan->scanner);
    nsf_problems_release(&scan->problems);
    nsf_arena_release(&scan->files);
    nsf_free(scan);
}

nsf_result nsf_rules_scan_run(const struct nsf_rules_options *options, const struct nsf_exposure_settings *settings,
                              struct nsf_rules_scan **scan, struct nsf_err *err)
{
    struct nsf_rules_scan *own = nsf_calloc(1, sizeof(*own));
    nsf_arena_init(&own->files);
    nsf_problems_init(&own->problems);
    own->scanner = nsf_scanner_new(settings);
    struct nsf_rules_sinks sinks = {.ctx = own, .nsg = take_nsg};
    *scan = NULL;
    if (nsf_failed(nsf_rules_load(options, &sinks, &own->files, &own->problems, &own->summary, err))) {
        nsf_rules_scan_free(own);
        return (nsf_result){.failed = true};
    }
    nsf_problems_finish(&own->problems);
    own->result = nsf_scanner_finish(own->scanner, own->summary.n_files, NULL);
    *scan = own;
    return nsf_ok();
}

const struct nsf_scan *nsf_rules_scan_result(const struct nsf_rules_scan *scan)
{
    return scan->result;
}

const struct nsf_problems *nsf_rules_scan_problems(const struct nsf_rules_scan *scan)
{
    return &scan->problems;
}

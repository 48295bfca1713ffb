#include "core/nsf_common.h"

#include "run/rules_scan.h"

#include "core/clock.h"
#include "core/mem.h"
#include "exposure/scanner.h"
#include "lists/exceptions.h"
#include "lists/networks.h"

struct nsf_rules_scan {
    const struct nsf_rules_scan_request *request; /* while it runs */
    struct nsf_exposure_settings settings;
    struct nsf_arena files;
    struct nsf_problems problems;
    struct nsf_rules_summary summary;
    struct nsf_networks *service_tags;
    struct nsf_exceptions *exceptions;
    struct nsf_scanner **scanners; /* one a port */
    const struct nsf_scan **results;
    size_t n_ports;
    struct nsf_arena explained_texts;
    struct nsf_explained *explained;
    size_t n_explained;
    size_t explained_capacity;
};

static uint16_t port_of(const struct nsf_rules_scan *scan, size_t idx)
{
    return idx == 0 ? scan->settings.port : scan->request->more_ports[idx - 1];
}

static bool is_wanted(const struct nsf_slices *only, const struct nsf_nsg *nsg)
{
    for (size_t i = 0; i < only->n; i++)
        if (nsf_slice_eq_nocase(only->items[i], nsg->id) || nsf_slice_eq_nocase(only->items[i], nsg->name))
            return true;
    return only->n == 0;
}

static void explain(struct nsf_rules_scan *scan, const struct nsf_nsg *nsg)
{
    struct nsf_exposure_settings settings = scan->settings;
    for (size_t i = 0; i < scan->n_ports; i++) {
        settings.port = port_of(scan, i);
        NSF_GROW(scan->explained, scan->explained_capacity, scan->n_explained + 1);
        nsf_explain(&settings, nsg, *scan->request->explain_source, &scan->explained_texts,
                    &scan->explained[scan->n_explained++]);
    }
}

static void take_nsg(void *ctx, const struct nsf_nsg *nsg)
{
    struct nsf_rules_scan *scan = ctx;
    if (!is_wanted(&scan->request->only_nsgs, nsg))
        return;
    for (size_t i = 0; i < scan->n_ports; i++)
        nsf_scanner_add(scan->scanners[i], nsg);
    if (scan->request->explain_source != NULL)
        explain(scan, nsg);
}

static void take_attachment(void *ctx, const struct nsf_attachment *attachment)
{
    struct nsf_rules_scan *scan = ctx;
    for (size_t i = 0; i < scan->n_ports; i++)
        nsf_scanner_attach(scan->scanners[i], attachment);
}

static void take_finding(void *ctx, const struct nsf_peer_finding *finding)
{
    struct nsf_rules_scan *scan = ctx;
    if (scan->settings.port == 25)
        nsf_scanner_add_peer(scan->scanners[0], finding);
}

static bool find_tag(void *ctx, struct nsf_slice tag, const struct nsf_prefix **prefixes, size_t *n)
{
    *n = nsf_networks_named(ctx, tag, prefixes);
    return *n > 0;
}

static nsf_result load_service_tags(struct nsf_rules_scan *scan, struct nsf_err *err)
{
    const struct nsf_rules_scan_request *request = scan->request;
    if (request->n_service_tags == 0)
        return nsf_ok();
    scan->service_tags = nsf_networks_new();
    for (size_t i = 0; i < request->n_service_tags; i++) {
        nsf_result r = nsf_networks_load(scan->service_tags, request->service_tags[i], &scan->problems, err);
        if (nsf_failed(r)) {
            nsf_err_set_subject(err, request->service_tags[i]);
            return r;
        }
    }
    nsf_networks_finish(scan->service_tags);
    scan->settings.tags = (struct nsf_tag_lookup){scan->service_tags, find_tag};
    return nsf_ok();
}

static const struct nsf_exception *find_exception(void *ctx, struct nsf_slice nsg_id, struct nsf_slice nsg_name,
                                                  struct nsf_slice rule)
{
    return nsf_exceptions_find(ctx, nsg_id, nsg_name, rule);
}

static nsf_result load_exceptions(struct nsf_rules_scan *scan, struct nsf_err *err)
{
    const struct nsf_rules_scan_request *request = scan->request;
    if (request->n_exceptions == 0)
        return nsf_ok();
    scan->exceptions = nsf_exceptions_new(nsf_clock_now_ms());
    for (size_t i = 0; i < request->n_exceptions; i++) {
        nsf_result r = nsf_exceptions_load(scan->exceptions, request->exceptions[i], &scan->problems, err);
        if (nsf_failed(r)) {
            nsf_err_set_subject(err, request->exceptions[i]);
            return r;
        }
    }
    scan->settings.exceptions = (struct nsf_exception_lookup){scan->exceptions, find_exception};
    return nsf_ok();
}

static void start_scanners(struct nsf_rules_scan *scan)
{
    scan->n_ports = scan->request->n_more_ports + 1;
    scan->scanners = nsf_calloc(scan->n_ports, sizeof(struct nsf_scanner *));
    scan->results = nsf_calloc(scan->n_ports, sizeof(const struct nsf_scan *));
    for (size_t i = 0; i < scan->n_ports; i++) {
        struct nsf_exposure_settings settings = scan->settings;
        settings.port = port_of(scan, i);
        scan->scanners[i] = nsf_scanner_new(&settings);
    }
}

static int cmp_explained(const void *left, const void *right)
{
    const struct nsf_explained *a = left, *b = right;
    int order = nsf_slice_cmp_nocase(a->nsg_id, b->nsg_id);
    if (order == 0)
        order = nsf_slice_cmp(a->nsg_id, b->nsg_id);
    return order != 0 ? order : (a->port > b->port) - (a->port < b->port);
}

static void finish(struct nsf_rules_scan *scan)
{
    nsf_problems_finish(&scan->problems);
    for (size_t i = 0; i < scan->n_ports; i++)
        scan->results[i] = nsf_scanner_finish(scan->scanners[i], scan->summary.n_files, &scan->request->only_rules);
    if (scan->n_explained > 1)
        qsort(scan->explained, scan->n_explained, sizeof(*scan->explained), cmp_explained);
    scan->request = NULL;
}

nsf_result nsf_rules_scan_run(const struct nsf_rules_scan_request *request, struct nsf_rules_scan **scan,
                              struct nsf_err *err)
{
    struct nsf_rules_scan *own = nsf_calloc(1, sizeof(*own));
    struct nsf_rules_sinks sinks = {
        .ctx = own, .nsg = take_nsg, .attachment = take_attachment, .finding = take_finding};
    own->request = request;
    own->settings = request->exposure;
    nsf_arena_init(&own->files);
    nsf_arena_init(&own->explained_texts);
    nsf_problems_init(&own->problems);
    *scan = NULL;
    nsf_result r = load_service_tags(own, err);
    if (!nsf_failed(r))
        r = load_exceptions(own, err);
    if (!nsf_failed(r)) {
        start_scanners(own);
        r = nsf_rules_load(&request->rules, &sinks, &own->files, &own->problems, &own->summary, err);
    }
    if (nsf_failed(r)) {
        nsf_rules_scan_free(own);
        return r;
    }
    finish(own);
    *scan = own;
    return r;
}

void nsf_rules_scan_free(struct nsf_rules_scan *scan)
{
    if (scan == NULL)
        return;
    for (size_t i = 0; i < scan->n_ports; i++)
        nsf_scanner_free(scan->scanners[i]);
    nsf_free(scan->scanners);
    nsf_free(scan->results);
    nsf_free(scan->explained);
    nsf_networks_free(scan->service_tags);
    nsf_exceptions_free(scan->exceptions);
    nsf_problems_release(&scan->problems);
    nsf_arena_release(&scan->explained_texts);
    nsf_arena_release(&scan->files);
    nsf_free(scan);
}

const struct nsf_scan *nsf_rules_scan_result(const struct nsf_rules_scan *scan)
{
    return scan->results[0];
}

const struct nsf_scan *nsf_rules_scan_of_port(const struct nsf_rules_scan *scan, size_t idx)
{
    return scan->results[idx + 1];
}

const struct nsf_problems *nsf_rules_scan_problems(const struct nsf_rules_scan *scan)
{
    return &scan->problems;
}

const struct nsf_explained *nsf_rules_scan_explained(const struct nsf_rules_scan *scan, size_t *n)
{
    *n = scan->n_explained;
    return scan->explained;
}

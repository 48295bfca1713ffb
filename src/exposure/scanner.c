#include "core/nsf_common.h"

#include "exposure/scanner.h"

#include "core/mem.h"

struct nsf_scanner {
    struct nsf_scan scan;
    struct nsf_evaluator *evaluator;
    struct nsf_exposure_result *results;
    size_t n_results;
    size_t results_capacity;
};

struct nsf_scanner *nsf_scanner_new(const struct nsf_exposure_settings *settings)
{
    struct nsf_scanner *scanner = nsf_calloc(1, sizeof(*scanner));
    nsf_arena_init(&scanner->scan.arena);
    scanner->scan.port = settings->port;
    scanner->evaluator = nsf_evaluator_new(settings);
    return scanner;
}

void nsf_scanner_free(struct nsf_scanner *scanner)
{
    if (scanner == NULL)
        return;
    nsf_arena_release(&scanner->scan.arena);
    nsf_evaluator_free(scanner->evaluator);
    nsf_free(scanner->results);
    nsf_free(scanner);
}

void nsf_scanner_add(struct nsf_scanner *scanner, const struct nsf_nsg *nsg)
{
    NSF_GROW(scanner->results, scanner->results_capacity, scanner->n_results + 1);
    struct nsf_exposure_result *result = &scanner->results[scanner->n_results++];
    nsf_evaluate(scanner->evaluator, nsg, &scanner->scan.arena, result);
    scanner->scan.n_rules += result->n_rules;
    scanner->scan.n_rules_described += result->n_rules_described;
}

static int cmp_result(const void *left, const void *right)
{
    const struct nsf_exposure_result *a = left, *b = right;
    int order = nsf_slice_cmp_nocase(a->nsg.id, b->nsg.id);
    return order != 0 ? order : nsf_slice_cmp(a->nsg.id, b->nsg.id);
}

static bool is_wanted(const struct nsf_slices *only, struct nsf_slice rule)
{
    if (only == NULL || only->n == 0)
        return true;
    for (size_t i = 0; i < only->n; i++)
        if (nsf_slice_eq_nocase(only->items[i], rule))
            return true;
    return false;
}

static void join_rows(struct nsf_scan *scan, const struct nsf_exposure_result *result, const struct nsf_slices *only)
{
    uint32_t nsg_idx = (uint32_t)scan->n_nsgs;
    struct nsf_scan_nsg *nsg = &scan->nsgs[scan->n_nsgs++];
    *nsg = result->nsg;
    for (size_t i = 0; i < nsg->n_rules; i++)
        if (nsg->rules[i].role == NSF_RULE_ROLE_FINDING)
            nsg->rules[i].finding_idx += (uint32_t)scan->n_findings;
    for (size_t i = 0; i < result->n_findings; i++) {
        if (!is_wanted(only, result->findings[i].rule))
            continue;
        scan->findings[scan->n_findings] = result->findings[i];
        scan->findings[scan->n_findings++].nsg_idx = nsg_idx;
    }
    for (size_t i = 0; i < result->n_shadowed; i++) {
        if (!is_wanted(only, result->shadowed[i].rule))
            continue;
        scan->shadowed[scan->n_shadowed] = result->shadowed[i];
        scan->shadowed[scan->n_shadowed++].nsg_idx = nsg_idx;
    }
}

const struct nsf_scan *nsf_scanner_finish(struct nsf_scanner *scanner, uint64_t n_files, const struct nsf_slices *only)
{
    struct nsf_scan *scan = &scanner->scan;
    size_t n_findings = 0, n_shadowed = 0;
    scan->n_files = n_files;
    if (scanner->n_results > 1)
        qsort(scanner->results, scanner->n_results, sizeof(*scanner->results), cmp_result);
    for (size_t i = 0; i < scanner->n_results; i++) {
        n_findings += scanner->results[i].n_findings;
        n_shadowed += scanner->results[i].n_shadowed;
    }
    scan->nsgs = nsf_arena_zalloc(&scan->arena, scanner->n_results, sizeof(*scan->nsgs));
    scan->findings = nsf_arena_zalloc(&scan->arena, n_findings, sizeof(*scan->findings));
    scan->shadowed = nsf_arena_zalloc(&scan->arena, n_shadowed, sizeof(*scan->shadowed));
    for (size_t i = 0; i < scanner->n_results; i++)
        join_rows(scan, &scanner->results[i], only);
    return scan;
}

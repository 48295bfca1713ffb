#include "core/nsf_common.h"

#include "exposure/scanner.h"

#include "core/clock.h"
#include "core/mem.h"
#include "exposure/estate.h"
#include "exposure/pairs.h"
#include "exposure/peers.h"

struct nsf_scanner {
    struct nsf_scan scan;
    struct nsf_exposure_settings settings;
    struct nsf_evaluator *evaluator; /* made with the first NSG, when it is known whether pairs can be decided */
    struct nsf_estate estate;
    struct nsf_arena scratch;                  /* of one NSG */
    const struct nsf_admin_rule **admin_rules; /* that reach this NSG */
    struct nsf_exposure_result *results;
    size_t n_results;
    size_t results_capacity;
    struct nsf_peer_row *peers;
    size_t n_peers;
    size_t peers_capacity;
};

struct nsf_scanner *nsf_scanner_new(const struct nsf_exposure_settings *settings)
{
    struct nsf_scanner *scanner = nsf_calloc(1, sizeof(*scanner));
    nsf_arena_init(&scanner->scan.arena);
    scanner->scan.port = settings->port;
    scanner->settings = *settings;
    nsf_estate_init(&scanner->estate);
    nsf_arena_init(&scanner->scratch);
    return scanner;
}

void nsf_scanner_free(struct nsf_scanner *scanner)
{
    if (scanner == NULL)
        return;
    nsf_arena_release(&scanner->scan.arena);
    nsf_arena_release(&scanner->scratch);
    nsf_estate_release(&scanner->estate);
    nsf_free(scanner->admin_rules);
    nsf_evaluator_free(scanner->evaluator);
    nsf_free(scanner->results);
    nsf_free(scanner->peers);
    nsf_free(scanner);
}

void nsf_scanner_attach(struct nsf_scanner *scanner, const struct nsf_attachment *attachment)
{
    nsf_estate_add(&scanner->estate, attachment);
}

void nsf_scanner_add_peer(struct nsf_scanner *scanner, const struct nsf_peer_finding *finding)
{
    NSF_GROW(scanner->peers, scanner->peers_capacity, scanner->n_peers + 1);
    scanner->n_peers += nsf_peer_row_make(finding, &scanner->scan.arena, &scanner->peers[scanner->n_peers]);
}

static void start(struct nsf_scanner *scanner)
{
    if (scanner->evaluator != NULL)
        return;
    nsf_estate_finish(&scanner->estate);
    scanner->settings.has_opens = scanner->estate.n_nics > 0;
    scanner->evaluator = nsf_evaluator_new(&scanner->settings);
    scanner->admin_rules = nsf_calloc(scanner->estate.n_admin_rules, sizeof(const struct nsf_admin_rule *));
}

/* A Deny that reaches only some of the NSG's places leaves the others open. */
static size_t choose_admin_rules(struct nsf_scanner *scanner, const struct nsf_nsg *nsg)
{
    size_t n = 0;
    for (size_t i = 0; i < scanner->estate.n_admin_rules; i++) {
        const struct nsf_admin_rule *rule = &scanner->estate.admin_rules[i];
        bool is_whole;
        if (nsf_estate_rule_reaches(&scanner->estate, rule, nsg, &is_whole) &&
            (is_whole || rule->access != NSF_ADMIN_ACCESS_DENY))
            scanner->admin_rules[n++] = rule;
    }
    return n;
}

void nsf_scanner_add(struct nsf_scanner *scanner, const struct nsf_nsg *nsg)
{
    struct nsf_nsg attached = *nsg;
    bool is_path_known, has_path;
    start(scanner);
    nsf_arena_reset(&scanner->scratch);
    nsf_estate_attach(&scanner->estate, &attached, &scanner->scratch, &is_path_known, &has_path);
    size_t n_admin = choose_admin_rules(scanner, &attached);
    NSF_GROW(scanner->results, scanner->results_capacity, scanner->n_results + 1);
    struct nsf_exposure_result *result = &scanner->results[scanner->n_results++];
    nsf_evaluate(scanner->evaluator, &attached, scanner->admin_rules, n_admin, &scanner->scan.arena, result);
    result->nsg.is_public_path_known = is_path_known;
    result->nsg.has_public_path = has_path;
    scanner->scan.n_rules += result->n_rules;
    scanner->scan.n_rules_described += result->n_rules_described;
    scanner->scan.n_rules_owned += result->nsg.owner.len > 0 ? result->n_rules : 0;
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

/* Finds the exception of the rule, and says in the note when it is over. */
static void find_exception(struct nsf_scanner *scanner, const struct nsf_scan_nsg *nsg, struct nsf_finding *finding)
{
    const struct nsf_exception_lookup *lookup = &scanner->settings.exceptions;
    char day[NSF_TIME_TEXT_BYTES];
    if (lookup->find == NULL)
        return;
    finding->exception = lookup->find(lookup->ctx, nsg->id, nsg->name, finding->rule);
    if (finding->exception == NULL || !finding->exception->is_expired)
        return;
    nsf_time_format_day(nsf_time_day(finding->exception->expires_ms - 1), day);
    const char *note = nsf_arena_printf(&scanner->scan.arena, "%.*s; the exception for it ended on %s.",
                                        (int)(finding->note.len - 1), finding->note.ptr, day);
    finding->note = nsf_slice_str(note);
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
    nsf_estate_finish(&scanner->estate);
    nsf_pairs_decide(&scanner->estate, scanner->results, scanner->n_results, &scan->arena);
    for (size_t i = 0; i < scanner->n_results; i++) {
        for (size_t f = 0; f < scanner->results[i].n_findings; f++)
            find_exception(scanner, &scanner->results[i].nsg, &scanner->results[i].findings[f]);
        n_findings += scanner->results[i].n_findings;
        n_shadowed += scanner->results[i].n_shadowed;
    }
    scan->nsgs = nsf_arena_zalloc(&scan->arena, scanner->n_results, sizeof(*scan->nsgs));
    scan->findings = nsf_arena_zalloc(&scan->arena, n_findings, sizeof(*scan->findings));
    scan->shadowed = nsf_arena_zalloc(&scan->arena, n_shadowed, sizeof(*scan->shadowed));
    for (size_t i = 0; i < scanner->n_results; i++)
        join_rows(scan, &scanner->results[i], only);
    scan->peers = scanner->peers;
    scan->n_peers = scanner->n_peers;
    nsf_peer_rows_judge(scan);
    return scan;
}

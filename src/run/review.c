#include "core/nsf_common.h"

#include "run/review.h"

#include "core/mem.h"
#include "judge/connection_class.h"
#include "run/collect.h"
#include "run/replay.h"
#include "run/verdicts.h"
#include "source/layout.h"

/* A blob that is made anew each time it is read is named as a problem in the end. */
#define READ_AGAIN_MAX 3u

struct nsf_review_run {
    struct nsf_review_request request;
    struct nsf_source **sources;
    size_t n_sources;
    struct nsf_listing listing;
    struct nsf_scopes *scopes;
    struct nsf_evidence *evidence;
    struct nsf_verdicts *verdicts;
    struct nsf_pipeline_result result;
    struct nsf_replay_result replayed;
    struct nsf_review review;
};

/* An NSG that is not in the definitions may be exposed for all we know: its logs are wanted. */
static bool wants_nsg(void *ctx, struct nsf_slice nsg_id)
{
    const struct nsf_scan *scan = ctx;
    for (size_t i = 0; i < scan->n_nsgs; i++) {
        if (!nsf_slice_eq_nocase(scan->nsgs[i].id, nsg_id))
            continue;
        for (size_t f = 0; f < scan->n_findings; f++)
            if (scan->findings[f].nsg_idx == i)
                return true;
        return false;
    }
    return true;
}

static void set_subject(const char *location, struct nsf_err *err)
{
    char shown[sizeof(err->subject)];
    snprintf(shown, sizeof(shown), "%.*s", NSF_SLICE_ARG(nsf_locations_shown(location)));
    nsf_err_set_subject(err, shown);
}

static nsf_result list_one(struct nsf_review_run *run, const char *location, const struct nsf_list_filter *filter,
                           struct nsf_err *err)
{
    struct nsf_source *source;
    nsf_result r = nsf_locations_source(run->request.locations, location, &source, err);
    if (!nsf_failed(r)) {
        run->sources[run->n_sources++] = source;
        r = nsf_source_list(source, filter, &run->listing, err);
    }
    if (nsf_failed(r))
        set_subject(location, err);
    return r;
}

static struct nsf_list_filter filter_of(const struct nsf_review_request *request)
{
    struct nsf_list_filter filter = NSF_LIST_FILTER_INIT;
    filter.since_ms = request->since_ms;
    filter.until_ms = request->until_ms;
    filter.jobs = request->pipeline.jobs;
    if (request->is_only_exposed) {
        filter.wants_nsg = wants_nsg;
        filter.ctx = (void *)(uintptr_t)request->scan;
    }
    return filter;
}

static nsf_result list_all(struct nsf_review_run *run, struct nsf_err *err)
{
    const struct nsf_review_request *request = &run->request;
    struct nsf_list_filter filter = filter_of(request);
    size_t n_failed = 0;
    run->sources = nsf_calloc(request->n_logs, sizeof(*run->sources));
    for (size_t i = 0; i < request->n_logs; i++) {
        struct nsf_err one = NSF_ERR_INIT;
        if (!nsf_failed(list_one(run, request->logs[i], &filter, &one)))
            continue;
        /* What cannot be understood is no location that cannot be read: nothing was read then. */
        if (one.code == NSF_E_USAGE || one.code == NSF_E_INTERRUPTED) {
            if (err != NULL)
                *err = one;
            return (nsf_result){.failed = true};
        }
        if (n_failed++ == 0 && err != NULL)
            *err = one;
        nsf_problems_add_err(&run->listing.problems, nsf_locations_shown(request->logs[i]), &one);
    }
    if (n_failed == request->n_logs)
        return (nsf_result){.failed = true};
    nsf_err_reset(err);
    if (run->listing.n == 0 && n_failed == 0 && request->store == NULL) {
        const char *why = run->listing.n_pruned + run->listing.n_outside > 0
                              ? "every log found lies outside the window or under an NSG that is not exposed"
                              : "there is no log to read";
        set_subject(request->logs[0], err);
        return NSF_FAIL(err, NSF_E_EMPTY, NSF_OFFSET_NONE, "%s", why);
    }
    return nsf_ok();
}

static int cmp_names(const void *left, const void *right)
{
    const struct nsf_blob *a = left, *b = right;
    return nsf_slice_cmp(a->name, b->name);
}

/* One blob that is reached in two ways (a file and its folder) is read once. */
static void drop_repeated(struct nsf_listing *listing)
{
    if (listing->n < 2)
        return;
    nsf_listing_sort(listing, cmp_names);
    size_t n = 1;
    for (size_t i = 1; i < listing->n; i++)
        if (!nsf_slice_eq(listing->items[i].name, listing->items[n - 1].name))
            listing->items[n++] = listing->items[i];
    listing->n = n;
}

/* Paths tell early which NICs several flow logs cover. */
static void expect_nics(struct nsf_review_run *run)
{
    for (size_t i = 0; i < run->listing.n; i++) {
        struct nsf_path_layout layout = nsf_layout_parse(run->listing.items[i].order);
        if (layout.mac.len > 0)
            nsf_evidence_expect(run->evidence, layout.flow_log, layout.mac);
    }
}

/* A store in the folder of the logs is none of them. */
static void drop_store(struct nsf_review_run *run)
{
    if (run->request.store == NULL)
        return;
    size_t n = 0;
    for (size_t i = 0; i < run->listing.n; i++)
        if (!nsf_store_is_own_file(run->request.store, run->listing.items[i].name))
            run->listing.items[n++] = run->listing.items[i];
    run->listing.n = n;
}

nsf_result nsf_review_run_new(const struct nsf_review_request *request, struct nsf_review_run **run,
                              struct nsf_err *err)
{
    struct nsf_review_run *own = nsf_calloc(1, sizeof(*own));
    own->request = *request;
    nsf_listing_init(&own->listing);
    own->scopes = nsf_scopes_new();
    *run = NULL;
    if (request->n_logs > 0 && nsf_failed(list_all(own, err))) {
        nsf_review_run_free(own);
        return (nsf_result){.failed = true};
    }
    drop_repeated(&own->listing);
    drop_store(own);
    if (request->store == NULL)
        nsf_pipeline_order(&own->listing, &request->pipeline, own->scopes);
    *run = own;
    return nsf_ok();
}

void nsf_review_run_free(struct nsf_review_run *run)
{
    if (run == NULL)
        return;
    nsf_verdicts_free(run->verdicts);
    nsf_arena_release(&run->review.arena);
    nsf_problems_release(&run->review.inputs.problems);
    nsf_evidence_free(run->evidence);
    nsf_scopes_free(run->scopes);
    /* Blobs that are expected and were never opened are still on their way: their names are the listing's. */
    for (size_t i = 0; i < run->n_sources; i++)
        nsf_source_free(run->sources[i]);
    nsf_free(run->sources);
    nsf_listing_release(&run->listing);
    nsf_free(run);
}

const struct nsf_listing *nsf_review_run_listing(const struct nsf_review_run *run)
{
    return &run->listing;
}

nsf_result nsf_review_run_drop_known(struct nsf_review_run *run, struct nsf_err *err)
{
    if (run->request.store == NULL)
        return nsf_ok();
    return nsf_collect_drop_known(run->request.store, &run->listing, &run->request.pipeline, err);
}

/* What is new goes into the store, then all of it into the evidence. */
static nsf_result read_stored(struct nsf_review_run *run, struct nsf_err *err)
{
    const struct nsf_review_request *request = &run->request;
    struct nsf_collect_result collected = {.first_failure = NSF_ERR_INIT};
    int64_t started_ms = nsf_clock_now_ms();
    nsf_result r = nsf_ok();
    if (request->n_logs > 0)
        r = nsf_collect_run(request->store, &run->listing, &request->pipeline, &collected, err);
    if (request->n_logs > 0 && !nsf_failed(r))
        r = nsf_store_add_run(request->store, started_ms, nsf_clock_now_ms(), &collected.counts, request->scan,
                              request->rules_problems, err);
    struct nsf_replay_options options = {.filter = filter_of(request), .is_stopped = request->pipeline.is_stopped};
    if (!nsf_failed(r))
        r = nsf_replay_run(request->store, &options, run->evidence, run->scopes, &run->replayed, err);
    run->result.blobs = run->replayed.blobs;
    run->result.bytes = run->replayed.bytes;
    run->result.first_failure = collected.first_failure;
    if (!nsf_failed(r) && run->replayed.n_stored == 0)
        r = NSF_FAIL(err, NSF_E_EMPTY, NSF_OFFSET_NONE, "the evidence store holds no log%s",
                     request->since_ms != NSF_TS_NONE || request->until_ms != NSF_TS_NONE ? " of this window" : "");
    return r;
}

static struct nsf_evidence *new_evidence(struct nsf_review_run *run)
{
    struct nsf_evidence_options options = {
        .since_ms = run->request.since_ms,
        .until_ms = run->request.until_ms,
        .idle_ms = run->request.idle_ms,
        .max_sources = run->request.max_sources,
        .max_other = run->request.max_other,
        .jobs = run->request.pipeline.jobs,
        .classify = nsf_connection_class_of,
    };
    return nsf_evidence_new(run->request.scan, run->scopes, &options);
}

/* A pipe is read once. */
static bool can_read_again(const struct nsf_listing *listing)
{
    for (size_t i = 0; i < listing->n; i++)
        if (!listing->items[i].is_remote && listing->items[i].size_bytes == NSF_SIZE_UNKNOWN)
            return false;
    return true;
}

/* A blob that is made anew while it is read takes its old evidence with it. Evidence cannot be taken back, so where any
 * of it was handed on already, everything is read once more: that is rare, and exact. */
static void read_listing(struct nsf_review_run *run)
{
    for (unsigned n = 0;; n++) {
        expect_nics(run);
        nsf_pipeline_run(&run->listing, run->evidence, run->scopes, &run->request.pipeline, &run->result);
        if (run->result.n_replaced == 0 || run->result.was_stopped || n == READ_AGAIN_MAX ||
            !can_read_again(&run->listing))
            return;
        nsf_evidence_free(run->evidence);
        run->evidence = new_evidence(run);
        for (size_t i = 0; i < run->listing.n; i++)
            run->listing.items[i].hour = nsf_layout_parse(run->listing.items[i].order).hour;
        nsf_pipeline_order(&run->listing, &run->request.pipeline, run->scopes);
    }
}

nsf_result nsf_review_run_read(struct nsf_review_run *run, struct nsf_err *err)
{
    run->evidence = new_evidence(run);
    if (run->request.store != NULL) {
        nsf_result r = read_stored(run, err);
        if (nsf_failed(r))
            return r;
    } else {
        read_listing(run);
    }
    if (run->result.was_stopped)
        return NSF_FAIL(err, NSF_E_INTERRUPTED, NSF_OFFSET_NONE, "interrupted");
    if (run->result.blobs == 0) {
        if (err != NULL)
            *err = run->result.first_failure;
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "no log could be opened");
    }
    return nsf_ok();
}

static bool is_one_of(struct nsf_slice name, const char *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (nsf_slice_eq_nocase(name, nsf_slice_str(items[i])))
            return true;
    return false;
}

/* What was not asked for is left out of the report; the counts of the whole input stay. */
static void narrow(const struct nsf_review_request *request, struct nsf_review *review)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < review->n_rules; i++) {
        const struct nsf_finding *finding = &review->scan->findings[review->rules[i].finding_idx];
        const struct nsf_scan_nsg *nsg = &review->scan->nsgs[finding->nsg_idx];
        bool is_nsg = request->n_nsgs == 0 || is_one_of(nsg->name, request->nsgs, request->n_nsgs) ||
                      is_one_of(nsg->id, request->nsgs, request->n_nsgs);
        if (is_nsg && (request->n_rules == 0 || is_one_of(finding->rule, request->rules, request->n_rules)))
            review->rules[n_kept++] = review->rules[i];
    }
    review->n_rules = n_kept;
}

const struct nsf_review *nsf_review_run_finish(struct nsf_review_run *run)
{
    struct nsf_review *review = &run->review;
    review->generated_ms = nsf_clock_now_ms();
    review->is_smtp_only = run->request.pipeline.is_smtp_only || run->replayed.is_smtp_only;
    review->inputs.blobs = run->result.blobs;
    review->inputs.bytes = run->result.bytes;
    review->inputs.pruned = run->request.n_logs > 0 ? run->listing.n_pruned : run->replayed.n_pruned;
    for (size_t i = 0; i < run->n_sources; i++) {
        struct nsf_transfer transfer = nsf_source_transfer(run->sources[i]);
        review->inputs.transfer.requests += transfer.requests;
        review->inputs.transfer.retries += transfer.retries;
    }
    nsf_evidence_add_problems(run->evidence, &run->listing.problems);
    if (run->request.rules_problems != NULL)
        nsf_evidence_add_problems(run->evidence, run->request.rules_problems);
    if (run->request.lists_problems != NULL)
        nsf_evidence_add_problems(run->evidence, run->request.lists_problems);
    nsf_evidence_finish(run->evidence, review);
    if (run->request.lists != NULL)
        run->verdicts = nsf_verdicts_new(run->evidence, run->request.lists, review, run->request.pipeline.jobs,
                                         run->request.tells_addresses);
    narrow(&run->request, review);
    return review;
}

#include "core/nsf_common.h"

#include "run/collect.h"

#include "core/mem.h"
#include "core/thread.h"
#include "run/blob_reading.h"

/* Blobs a worker asks for ahead of the one it reads: small ones cost a round trip each. */
#define BLOBS_AHEAD 4u

struct collector {
    struct nsf_store *store;
    const struct nsf_listing *listing;
    const struct nsf_pipeline_options *options;
    struct nsf_collect_result *result;
    struct nsf_scopes *scopes;
    struct nsf_mutex *mutex;
    size_t next;
    size_t expected_to;  /* blobs before it were asked for ahead, or are being read */
    size_t first_failed; /* index of the blob that first_failure speaks of */
    struct nsf_err store_error;
    struct nsf_pipeline_progress progress;
};

struct collecting_worker {
    struct collector *collector;
    struct nsf_thread *thread;
};

enum collect_mode {
    COLLECT_STRICT = 1,
    COLLECT_SMTP_ONLY = 2,
};

uint32_t nsf_collect_mode(const struct nsf_pipeline_options *options)
{
    return (options->is_strict ? (uint32_t)COLLECT_STRICT : 0u) |
           (options->is_smtp_only ? (uint32_t)COLLECT_SMTP_ONLY : 0u);
}

bool nsf_collect_is_smtp_only(uint32_t mode)
{
    return (mode & COLLECT_SMTP_ONLY) != 0;
}

static bool is_stopped(const struct collector *collector)
{
    return collector->options->is_stopped != NULL && *collector->options->is_stopped != 0;
}

static void count(struct collector *collector, size_t idx, const struct nsf_blob_read *read)
{
    struct nsf_run_counts *counts = &collector->result->counts;
    counts->bytes += read->bytes;
    switch (read->outcome) {
    case NSF_BLOB_UNCHANGED:
        counts->n_unchanged++;
        break;
    case NSF_BLOB_NEW:
        counts->n_new++;
        break;
    case NSF_BLOB_GROWN:
        counts->n_grown++;
        break;
    case NSF_BLOB_REPLACED:
        counts->n_replaced++;
        break;
    case NSF_BLOB_FAILED:
        counts->n_failed++;
        if (idx < collector->first_failed) {
            collector->first_failed = idx;
            collector->result->first_failure = read->failure;
            nsf_listing_set_subject(collector->listing, idx, &collector->result->first_failure);
        }
        break;
    }
}

static void show_progress(struct collector *collector, size_t idx)
{
    const struct nsf_blob *blob = &collector->listing->items[idx];
    collector->progress.blobs++;
    if (blob->size_bytes != NSF_SIZE_UNKNOWN)
        collector->progress.bytes += blob->size_bytes;
    if (collector->options->on_progress != NULL)
        collector->options->on_progress(collector->options->progress_ctx, &collector->progress);
}

static struct nsf_blob_reading *new_reading(struct nsf_store *store, struct nsf_scopes *scopes,
                                            const struct nsf_pipeline_options *options)
{
    struct nsf_blob_reading_options how = {
        .store = store,
        .scopes = scopes,
        .envelope = {.scopes = scopes,
                     .seed = NSF_STORE_SEED,
                     .is_plain = options->is_plain,
                     .is_strict = options->is_strict,
                     .is_smtp_only = options->is_smtp_only,
                     .has_stamps = true},
        .mode = nsf_collect_mode(options),
        .is_stopped = options->is_stopped,
    };
    return nsf_blob_reading_new(&how);
}

nsf_result nsf_collect_drop_known(struct nsf_store *store, struct nsf_listing *listing,
                                  const struct nsf_pipeline_options *options, struct nsf_err *err)
{
    struct nsf_scopes *scopes = nsf_scopes_new();
    struct nsf_blob_reading *reading = new_reading(store, scopes, options);
    nsf_result r = nsf_ok();
    size_t n = 0;
    for (size_t i = 0; i < listing->n && !nsf_failed(r); i++) {
        bool is_due;
        r = nsf_blob_reading_is_due(reading, &listing->items[i], &is_due, err);
        if (is_due)
            listing->items[n++] = listing->items[i];
    }
    listing->n = n;
    nsf_blob_reading_free(reading);
    nsf_scopes_free(scopes);
    return r;
}

/* With the mutex held: a blob is asked for before anybody can open it, or not at all. Nothing here waits. */
static void expect_some(struct collector *collector, struct nsf_blob_reading *reading)
{
    size_t to = collector->next + BLOBS_AHEAD * (size_t)collector->options->jobs;
    if (collector->expected_to < collector->next)
        collector->expected_to = collector->next;
    while (collector->expected_to < collector->listing->n && collector->expected_to < to && !is_stopped(collector))
        nsf_blob_reading_expect(reading, &collector->listing->items[collector->expected_to++]);
}

static void work(void *arg)
{
    struct collector *collector = ((struct collecting_worker *)arg)->collector;
    struct nsf_blob_reading *reading = new_reading(collector->store, collector->scopes, collector->options);
    nsf_mutex_lock(collector->mutex);
    while (collector->next < collector->listing->n && collector->store_error.code == NSF_E_NONE &&
           !is_stopped(collector)) {
        size_t idx = collector->next++;
        expect_some(collector, reading);
        nsf_mutex_unlock(collector->mutex);
        struct nsf_err err = NSF_ERR_INIT;
        struct nsf_blob_read read;
        nsf_result r = nsf_blob_reading_run(reading, &collector->listing->items[idx], &read, &err);
        nsf_mutex_lock(collector->mutex);
        if (!nsf_failed(r)) {
            count(collector, idx, &read);
            show_progress(collector, idx);
        } else if (collector->store_error.code == NSF_E_NONE) {
            collector->store_error = err;
        }
    }
    nsf_mutex_unlock(collector->mutex);
    nsf_blob_reading_free(reading);
}

nsf_result nsf_collect_run(struct nsf_store *store, const struct nsf_listing *listing,
                           const struct nsf_pipeline_options *options, struct nsf_collect_result *result,
                           struct nsf_err *err)
{
    *result = (struct nsf_collect_result){.first_failure = NSF_ERR_INIT};
    struct collector collector = {
        .store = store,
        .listing = listing,
        .options = options,
        .result = result,
        .scopes = nsf_scopes_new(),
        .mutex = nsf_mutex_new(),
        .first_failed = SIZE_MAX,
        .store_error = NSF_ERR_INIT,
    };
    size_t n_workers = options->jobs < listing->n ? options->jobs : listing->n;
    struct collecting_worker *workers = nsf_calloc(n_workers + 1, sizeof(*workers));
    for (size_t i = 0; i < n_workers || i == 0; i++)
        workers[i].collector = &collector;
    for (size_t i = 1; i < n_workers; i++)
        workers[i].thread = nsf_thread_start(work, &workers[i]);
    work(&workers[0]);
    for (size_t i = 1; i < n_workers; i++)
        if (workers[i].thread != NULL)
            nsf_thread_join(workers[i].thread);
    nsf_free(workers);
    result->was_stopped = is_stopped(&collector);
    nsf_scopes_free(collector.scopes);
    nsf_mutex_free(collector.mutex);
    if (collector.store_error.code != NSF_E_NONE) {
        if (err != NULL)
            *err = collector.store_error;
        return (nsf_result){.failed = true};
    }
    return nsf_store_flush(store, err);
}

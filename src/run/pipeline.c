#include "core/nsf_common.h"

#include "run/pipeline.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/thread.h"
#include "run/task.h"

/* Admitted parcels that partitions have not all taken yet. */
#define PIPELINE_RING 128u
/* So many admitted parcels, or bytes in them, are taken before more is read: many at a time, since the tables of one
 * partition fit a cache and those of all do not. */
#define PIPELINE_TAKE_PARCELS 32u
#define PIPELINE_TAKE_BYTES ((size_t)256 << 10)
/* Each partition is taken by the same worker, in whose cache it is, unless that one is so many times this far behind.
 */
#define PIPELINE_HELP_TIMES 2u
/* Tasks begun and not yet retired, per worker: one that is read, one that waits for its turn. */
#define PIPELINE_TASKS_PER_WORKER 2u

struct admitted {
    struct nsf_parcel *parcel;
    unsigned n_taken; /* partitions that are done with it */
};

struct pipeline {
    const struct nsf_listing *listing;
    struct nsf_evidence *evidence;
    const struct nsf_pipeline_options *options;
    struct nsf_pipeline_result *result;
    struct nsf_task_plan *plan;
    unsigned n_workers;
    struct nsf_mutex *mutex;
    struct nsf_cond *changed;
    unsigned n_waiting;

    /* tasks, in the order of the run */
    struct nsf_task *head; /* the oldest one not retired */
    struct nsf_task *tail;
    unsigned n_tasks;
    bool is_planned_out; /* no task is left to begin */

    /* admitted parcels by sequence number */
    struct admitted ring[PIPELINE_RING];
    uint64_t n_admitted;
    uint64_t n_released;
    uint64_t n_bytes; /* admitted so far */
    bool is_admitting;
    struct taken {
        uint64_t to;      /* sequence number of the next parcel */
        uint64_t n_bytes; /* of those before it */
        bool is_busy;     /* a worker takes it just now */
    } taken[NSF_PARTITIONS];

    struct nsf_pipeline_progress progress;
};

struct worker {
    struct pipeline *pipeline;
    struct nsf_reader *reader;
    struct nsf_thread *thread;
    struct nsf_parcel_pool pool; /* under the pipeline's mutex */
    unsigned first_partition;    /* own ones: [first, behind_last) */
    unsigned behind_last_partition;
};

static void wake(struct pipeline *pipeline)
{
    if (pipeline->n_waiting > 0)
        nsf_cond_broadcast(pipeline->changed);
}

static void wait_for_change(struct pipeline *pipeline)
{
    pipeline->n_waiting++;
    nsf_cond_wait(pipeline->changed, pipeline->mutex);
    pipeline->n_waiting--;
}

static void release_taken(struct pipeline *pipeline)
{
    while (pipeline->n_released < pipeline->n_admitted &&
           pipeline->ring[pipeline->n_released % PIPELINE_RING].n_taken == NSF_PARTITIONS) {
        struct admitted *slot = &pipeline->ring[pipeline->n_released++ % PIPELINE_RING];
        nsf_parcel_give_back(slot->parcel);
        *slot = (struct admitted){0};
    }
}

/* What waits for the partition is `times` as much as is taken at once. */
static bool is_due(const struct pipeline *pipeline, unsigned partition, unsigned times)
{
    const struct taken *taken = &pipeline->taken[partition];
    return !taken->is_busy && (pipeline->n_admitted - taken->to >= times * PIPELINE_TAKE_PARCELS ||
                               pipeline->n_bytes - taken->n_bytes >= times * PIPELINE_TAKE_BYTES);
}

static bool is_waited_for(const struct pipeline *pipeline, unsigned partition)
{
    const struct taken *taken = &pipeline->taken[partition];
    return !taken->is_busy && taken->to < pipeline->n_admitted;
}

/* Takes what one partition has not seen yet. Called and left with the mutex held. */
static void take(struct pipeline *pipeline, unsigned partition)
{
    struct taken *taken = &pipeline->taken[partition];
    uint64_t from = taken->to, to = pipeline->n_admitted, n_bytes = pipeline->n_bytes;
    taken->is_busy = true;
    nsf_mutex_unlock(pipeline->mutex);
    const struct nsf_batch *batches[PIPELINE_RING];
    for (uint64_t seq = from; seq < to; seq++)
        batches[seq - from] = pipeline->ring[seq % PIPELINE_RING].parcel->batch;
    nsf_evidence_take(pipeline->evidence, batches, to - from, partition);
    nsf_mutex_lock(pipeline->mutex);
    *taken = (struct taken){.to = to, .n_bytes = n_bytes};
    for (uint64_t seq = from; seq < to; seq++)
        pipeline->ring[seq % PIPELINE_RING].n_taken++;
    release_taken(pipeline);
    wake(pipeline);
}

/* Takes one partition that much is waiting for: an own one, or that of a worker who is late. False: there is none. */
static bool take_due(const struct worker *worker)
{
    struct pipeline *pipeline = worker->pipeline;
    for (unsigned i = 0; i < NSF_PARTITIONS; i++) {
        unsigned p = (worker->first_partition + i) % NSF_PARTITIONS;
        bool is_own = p >= worker->first_partition && p < worker->behind_last_partition;
        if (is_due(pipeline, p, is_own ? 1 : PIPELINE_HELP_TIMES)) {
            take(pipeline, p);
            return true;
        }
    }
    return false;
}

/* Takes any partition that something is waiting for. False: there is none. */
static bool take_some(const struct worker *worker)
{
    struct pipeline *pipeline = worker->pipeline;
    for (unsigned i = 0; i < NSF_PARTITIONS; i++) {
        unsigned p = (worker->first_partition + i) % NSF_PARTITIONS;
        if (is_waited_for(pipeline, p)) {
            take(pipeline, p);
            return true;
        }
    }
    return false;
}

/* The parcels of tasks that turned out to begin at no record border are thrown away. */
static void drop_task(struct nsf_task *task)
{
    for (struct nsf_parcel *parcel; (parcel = nsf_task_pop(task)) != NULL;)
        nsf_parcel_give_back(parcel);
}

static void remove_head(struct pipeline *pipeline)
{
    struct nsf_task *task = pipeline->head;
    pipeline->head = task->next;
    if (pipeline->head == NULL)
        pipeline->tail = NULL;
    pipeline->n_tasks--;
    nsf_task_free(task);
}

/* Retires tasks at the head that are read and admitted, and those that the one before them read through. */
static void retire_heads(struct pipeline *pipeline)
{
    for (struct nsf_task *head; (head = pipeline->head) != NULL;) {
        if (head->is_void)
            drop_task(head);
        if (head->state != NSF_TASK_DONE || head->first != NULL || pipeline->is_admitting)
            break;
        if (!head->is_void) {
            nsf_task_plan_pass(pipeline->plan, head->next_number);
            for (struct nsf_task *task = head->next; task != NULL; task = task->next)
                task->is_void |= task->number < head->next_number;
        }
        remove_head(pipeline);
        wake(pipeline);
    }
}

static void note_failure(struct pipeline *pipeline, const struct nsf_parcel *parcel)
{
    struct nsf_pipeline_result *result = pipeline->result;
    result->n_failed++;
    if (result->first_failure.code == NSF_E_NONE) {
        result->first_failure = parcel->failure;
        nsf_listing_set_subject(pipeline->listing, parcel->blob_idx, &result->first_failure);
    }
}

/* Admits the next parcel of the head task. False: there is none, or another worker is at it. */
static bool admit_one(struct pipeline *pipeline)
{
    if (pipeline->is_admitting || pipeline->n_admitted - pipeline->n_released == PIPELINE_RING)
        return false;
    struct nsf_task *head = pipeline->head;
    if (head == NULL || head->is_void || head->first == NULL)
        return false;
    struct nsf_parcel *parcel = nsf_task_pop(head);
    pipeline->is_admitting = true;
    nsf_mutex_unlock(pipeline->mutex);
    nsf_evidence_admit(pipeline->evidence, parcel->batch, pipeline->listing->items[parcel->blob_idx].name);
    nsf_mutex_lock(pipeline->mutex);
    pipeline->is_admitting = false;
    pipeline->result->bytes += parcel->bytes;
    pipeline->result->blobs += parcel->is_first && !parcel->is_unopened;
    pipeline->progress.bytes = pipeline->result->bytes;
    pipeline->progress.blobs += parcel->is_last;
    pipeline->result->n_replaced += parcel->is_replaced;
    if (parcel->failure.code != NSF_E_NONE)
        note_failure(pipeline, parcel);
    pipeline->ring[pipeline->n_admitted % PIPELINE_RING] = (struct admitted){.parcel = parcel};
    pipeline->n_bytes += parcel->n_bytes;
    pipeline->n_admitted++;
    retire_heads(pipeline);
    if (pipeline->options->on_progress != NULL)
        pipeline->options->on_progress(pipeline->options->progress_ctx, &pipeline->progress);
    wake(pipeline);
    return true;
}

static bool is_stopped(const struct pipeline *pipeline)
{
    return pipeline->options->is_stopped != NULL && *pipeline->options->is_stopped != 0;
}

/* What comes next in the order of the run is admitted and taken while it is still in a cache. */
static void hand_on(const struct worker *worker, struct nsf_task *task, struct nsf_parcel *parcel)
{
    struct pipeline *pipeline = worker->pipeline;
    nsf_parcel_hand_on(parcel);
    nsf_task_push(task, parcel);
    while (task == pipeline->head && admit_one(pipeline)) {
    }
    while (take_due(worker)) {
    }
}

static bool is_wanted(const struct pipeline *pipeline, const struct nsf_task *task)
{
    return !task->is_void && !is_stopped(pipeline);
}

/* Hands a parcel of a task on; works on what is waiting until there may be another one. That comes, since the worker of
 * the head task gets all of its parcels home by itself. False: the task is void or the run is stopped, and reading it
 * further is of no use. */
static bool push(void *ctx, struct nsf_task *task, struct nsf_parcel *parcel)
{
    const struct worker *worker = ctx;
    struct pipeline *pipeline = worker->pipeline;
    nsf_mutex_lock(pipeline->mutex);
    if (is_wanted(pipeline, task))
        hand_on(worker, task, parcel);
    else
        nsf_parcel_give_back(parcel);
    wake(pipeline);
    while (nsf_parcel_pool_is_exhausted(&worker->pool) && is_wanted(pipeline, task))
        if (!take_due(worker) && !admit_one(pipeline) && !take_some(worker))
            wait_for_change(pipeline);
    bool goes_on = is_wanted(pipeline, task);
    nsf_mutex_unlock(pipeline->mutex);
    return goes_on;
}

static void tell_border(void *ctx, struct nsf_task *task, const struct nsf_border *border)
{
    struct pipeline *pipeline = ((const struct worker *)ctx)->pipeline;
    nsf_mutex_lock(pipeline->mutex);
    task->border = *border;
    task->is_border_known = true;
    nsf_mutex_unlock(pipeline->mutex);
}

static bool ask_border(void *ctx, uint64_t number, struct nsf_border *border)
{
    struct pipeline *pipeline = ((const struct worker *)ctx)->pipeline;
    nsf_mutex_lock(pipeline->mutex);
    const struct nsf_task *task = pipeline->head;
    while (task != NULL && task->number != number)
        task = task->next;
    bool is_known = task != NULL && task->is_border_known;
    if (is_known)
        *border = task->border;
    nsf_mutex_unlock(pipeline->mutex);
    return is_known;
}

static struct nsf_parcel *new_parcel(void *ctx)
{
    struct worker *worker = ctx;
    nsf_mutex_lock(worker->pipeline->mutex);
    struct nsf_parcel *parcel = nsf_parcel_take(&worker->pool);
    nsf_mutex_unlock(worker->pipeline->mutex);
    return parcel;
}

/* Begins the next task of the plan, if there may be one more. */
static struct nsf_task *begin_task(struct pipeline *pipeline)
{
    if (pipeline->is_planned_out || pipeline->n_tasks >= PIPELINE_TASKS_PER_WORKER * pipeline->n_workers)
        return NULL;
    struct nsf_task *task = is_stopped(pipeline) ? NULL : nsf_task_plan_next(pipeline->plan);
    if (task == NULL) {
        pipeline->is_planned_out = true;
        wake(pipeline);
        return NULL;
    }
    if (pipeline->tail == NULL)
        pipeline->head = task;
    else
        pipeline->tail->next = task;
    pipeline->tail = task;
    pipeline->n_tasks++;
    return task;
}

static void run_task(struct worker *worker, struct nsf_task *task)
{
    struct pipeline *pipeline = worker->pipeline;
    nsf_mutex_unlock(pipeline->mutex);
    nsf_task_run(task, worker->reader);
    nsf_mutex_lock(pipeline->mutex);
    task->state = NSF_TASK_DONE;
    retire_heads(pipeline);
    wake(pipeline);
}

/* When the run is stopped, tasks that cannot be admitted any more are dropped. */
static void drop_all(struct pipeline *pipeline)
{
    while (pipeline->head != NULL && pipeline->head->state == NSF_TASK_DONE) {
        drop_task(pipeline->head);
        remove_head(pipeline);
    }
}

static void work(void *arg)
{
    struct worker *worker = arg;
    struct pipeline *pipeline = worker->pipeline;
    nsf_mutex_lock(pipeline->mutex);
    for (;;) {
        struct nsf_task *task;
        if (is_stopped(pipeline))
            drop_all(pipeline);
        if (take_due(worker) || admit_one(pipeline))
            continue;
        if ((task = begin_task(pipeline)) != NULL) {
            run_task(worker, task);
            continue;
        }
        if (take_some(worker))
            continue;
        bool is_over = pipeline->is_planned_out && pipeline->head == NULL && !pipeline->is_admitting &&
                       pipeline->n_released == pipeline->n_admitted;
        if (is_over)
            break;
        wait_for_change(pipeline);
    }
    wake(pipeline);
    nsf_mutex_unlock(pipeline->mutex);
}

/* What is compressed is inflated by a thread of its own: where nothing else is read, that is one of the jobs. */
static unsigned workers_for(const struct nsf_listing *listing, unsigned jobs)
{
    bool is_one_gzip = listing->n == 1 && listing->items[0].is_gzip;
    return is_one_gzip && jobs > 1 ? jobs - 1 : jobs;
}

void nsf_pipeline_run(const struct nsf_listing *listing, struct nsf_evidence *evidence, struct nsf_scopes *scopes,
                      const struct nsf_pipeline_options *options, struct nsf_pipeline_result *result)
{
    *result = (struct nsf_pipeline_result){.first_failure = NSF_ERR_INIT};
    struct pipeline *pipeline = nsf_calloc(1, sizeof(*pipeline));
    pipeline->listing = listing;
    pipeline->evidence = evidence;
    pipeline->options = options;
    pipeline->result = result;
    unsigned n_workers = workers_for(listing, options->jobs);
    pipeline->n_workers = n_workers;
    pipeline->plan = nsf_task_plan_new(listing, n_workers > 1);
    pipeline->mutex = nsf_mutex_new();
    pipeline->changed = nsf_cond_new();
    struct nsf_reader_options reader_options = {
        .listing = listing,
        .envelope = {.scopes = scopes,
                     .seed = nsf_hash_random_seed(),
                     .is_plain = options->is_plain,
                     .is_strict = options->is_strict,
                     .is_smtp_only = options->is_smtp_only,
                     .has_stamps = nsf_evidence_needs_stamps(evidence)},
        .push = push,
        .new_parcel = new_parcel,
        .tell_border = tell_border,
        .ask_border = ask_border,
    };
    struct worker *workers = nsf_calloc(n_workers, sizeof(*workers));
    for (unsigned i = 0; i < n_workers; i++) {
        reader_options.ctx = &workers[i];
        workers[i] = (struct worker){
            .pipeline = pipeline,
            .reader = nsf_reader_new(&reader_options),
            .first_partition = i * NSF_PARTITIONS / n_workers,
            .behind_last_partition = (i + 1) * NSF_PARTITIONS / n_workers,
        };
    }
    for (unsigned i = 1; i < n_workers; i++)
        workers[i].thread = nsf_thread_start(work, &workers[i]);
    work(&workers[0]);
    for (unsigned i = 0; i < n_workers; i++) {
        if (workers[i].thread != NULL)
            nsf_thread_join(workers[i].thread);
    }
    for (unsigned i = 0; i < n_workers; i++) {
        nsf_reader_free(workers[i].reader);
        nsf_parcel_pool_release(&workers[i].pool);
    }
    result->was_stopped = is_stopped(pipeline);
    nsf_free(workers);
    nsf_task_plan_free(pipeline->plan);
    nsf_cond_free(pipeline->changed);
    nsf_mutex_free(pipeline->mutex);
    nsf_free(pipeline);
}

static struct nsf_parcel *no_parcel(void *ctx)
{
    (void)ctx;
    NSF_BUG("peeking makes no parcels");
}

static bool no_push(void *ctx, struct nsf_task *task, struct nsf_parcel *parcel)
{
    (void)ctx;
    (void)task;
    (void)parcel;
    NSF_BUG("peeking hands on no parcels");
}

static bool is_standard_input(const struct nsf_blob *blob)
{
    return nsf_slice_eq(blob->name, NSF_SLICE_LIT("-"));
}

static int cmp_blobs(const void *left, const void *right)
{
    const struct nsf_blob *a = left, *b = right;
    if (is_standard_input(a) != is_standard_input(b))
        return is_standard_input(a) ? 1 : -1;
    if (a->hour != b->hour)
        return a->hour < b->hour ? -1 : 1;
    int order = nsf_slice_cmp(a->order, b->order);
    return order != 0 ? order : nsf_slice_cmp(a->name, b->name);
}

void nsf_pipeline_order(struct nsf_listing *listing, const struct nsf_pipeline_options *options,
                        struct nsf_scopes *scopes)
{
    struct nsf_reader_options reader_options = {
        .listing = listing,
        .envelope = {.scopes = scopes, .is_plain = options->is_plain},
        .push = no_push,
        .new_parcel = no_parcel,
    };
    struct nsf_reader *reader = NULL;
    /* One blob needs no order. */
    for (size_t i = 0; i < listing->n && listing->n > 1; i++) {
        struct nsf_blob *blob = &listing->items[i];
        if (blob->hour != NSF_HOUR_NONE || is_standard_input(blob))
            continue;
        if (reader == NULL)
            reader = nsf_reader_new(&reader_options);
        blob->hour = nsf_reader_peek_hour(reader, blob);
    }
    nsf_reader_free(reader);
    nsf_listing_sort(listing, cmp_blobs);
}

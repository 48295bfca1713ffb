#include "core/nsf_common.h"

#include "run/replay.h"

#include "core/mem.h"
#include "run/collect.h"
#include "source/layout.h"
#include "store/pack.h"

struct replay {
    struct nsf_store *store;
    const struct nsf_replay_options *options;
    struct nsf_evidence *evidence;
    struct nsf_scopes *scopes;
    struct nsf_replay_result *result;
    struct nsf_batch *batch;
    uint64_t n_taken; /* batches */
    uint32_t blob_idx;
    /* The evidence borrows the path it was given last: names take turns, and the one it has is left alone. */
    struct nsf_buf names[2];
    unsigned lent; /* which of them */
    struct nsf_slice name;
};

static bool is_wanted(const struct replay *replay, const struct nsf_stored_blob *blob, uint64_t *n_pruned)
{
    int64_t hour;
    switch (nsf_layout_is_wanted(blob->order, &replay->options->filter, &hour)) {
    case NSF_WANTED:
        return true;
    case NSF_WANTED_OUTSIDE:
        return false;
    case NSF_WANTED_PRUNED:
        ++*n_pruned;
        return false;
    }
    NSF_BUG("unknown answer of the layout");
}

/* Calls fn for every blob that is wanted, in the order of the run. */
static nsf_result for_each(struct replay *replay,
                           nsf_result (*fn)(struct replay *, const struct nsf_stored_blob *, struct nsf_err *),
                           uint64_t *n_pruned, struct nsf_err *err)
{
    struct nsf_store_cursor *cursor;
    nsf_result r = nsf_store_blobs(replay->store, &cursor, err);
    while (!nsf_failed(r)) {
        struct nsf_stored_blob blob;
        bool is_over;
        r = nsf_store_next(cursor, &blob, &is_over, err);
        if (nsf_failed(r) || is_over)
            break;
        if (is_wanted(replay, &blob, n_pruned))
            r = fn(replay, &blob, err);
    }
    nsf_store_cursor_close(cursor);
    return r;
}

/* Paths tell early which NICs several flow logs cover. */
static nsf_result expect_nic(struct replay *replay, const struct nsf_stored_blob *blob, struct nsf_err *err)
{
    (void)err;
    struct nsf_path_layout layout = nsf_layout_parse(blob->order);
    if (layout.mac.len > 0)
        nsf_evidence_expect(replay->evidence, layout.flow_log, layout.mac);
    return nsf_ok();
}

static nsf_result take(struct replay *replay, struct nsf_slice packed, struct nsf_err *err)
{
    struct nsf_batch *batch = replay->batch;
    nsf_batch_reset(batch);
    nsf_result r = nsf_unpack_batch(packed, replay->scopes, batch, err);
    if (nsf_failed(r))
        return r;
    batch->blob_idx = replay->blob_idx;
    replay->n_taken++;
    for (size_t i = 0; i < batch->problems.n; i++)
        batch->problems.items[i].path = replay->name;
    nsf_evidence_admit(replay->evidence, batch, replay->name);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        nsf_evidence_take(replay->evidence, &(const struct nsf_batch *){batch}, 1, p);
    return r;
}

static nsf_result take_blob(struct replay *replay, const struct nsf_stored_blob *blob, struct nsf_err *err)
{
    const struct nsf_replay_options *options = replay->options;
    if (options->is_stopped != NULL && *options->is_stopped != 0)
        return NSF_FAIL(err, NSF_E_INTERRUPTED, NSF_OFFSET_NONE, "interrupted");
    nsf_result r = nsf_ok();
    struct nsf_buf *name = &replay->names[1 - replay->lent];
    nsf_buf_reset(name);
    nsf_buf_add(name, blob->name);
    replay->name = nsf_slice(nsf_buf_str(name), name->len);
    uint64_t n_before = replay->n_taken;
    for (uint32_t n = 0; n < blob->n_parts && !nsf_failed(r); n++) {
        struct nsf_slice packed;
        r = nsf_store_part(replay->store, blob, n, &packed, err);
        if (!nsf_failed(r))
            r = take(replay, packed, err);
    }
    if (blob->tail.ptr != NULL && !nsf_failed(r))
        r = take(replay, blob->tail, err);
    if (blob->failure.ptr != NULL && !nsf_failed(r))
        r = take(replay, blob->failure, err);
    if (replay->n_taken > n_before)
        replay->lent = 1 - replay->lent;
    replay->blob_idx++;
    replay->result->blobs += blob->failure.ptr == NULL || blob->bytes > 0;
    replay->result->bytes += blob->bytes;
    replay->result->n_stored++;
    replay->result->is_smtp_only |= nsf_collect_is_smtp_only(blob->mode);
    return r;
}

nsf_result nsf_replay_run(struct nsf_store *store, const struct nsf_replay_options *options,
                          struct nsf_evidence *evidence, struct nsf_scopes *scopes, struct nsf_replay_result *result,
                          struct nsf_err *err)
{
    *result = (struct nsf_replay_result){0};
    struct replay replay = {
        .store = store,
        .options = options,
        .evidence = evidence,
        .scopes = scopes,
        .result = result,
        .batch = nsf_batch_new(),
    };
    nsf_buf_init(&replay.names[0], SIZE_MAX / 2);
    nsf_buf_init(&replay.names[1], SIZE_MAX / 2);
    uint64_t n_pruned = 0;
    nsf_result r = for_each(&replay, expect_nic, &n_pruned, err);
    if (!nsf_failed(r))
        r = for_each(&replay, take_blob, &result->n_pruned, err);
    nsf_batch_reset(replay.batch);
    nsf_evidence_admit(evidence, replay.batch, NSF_SLICE_LIT("")); /* gives the last name back */
    nsf_batch_free(replay.batch);
    nsf_buf_release(&replay.names[0]);
    nsf_buf_release(&replay.names[1]);
    return r;
}

#include "core/nsf_common.h"

#include "report/source_writer.h"

#include "core/mem.h"
#include "core/thread.h"
#include "report/source_rows.h"

/* Rows that one thread writes at a stretch: enough to hide what handing them over costs, few enough to be small. */
#define CHUNK_ROWS 128u
#define CHUNKS_A_JOB 4u

struct chunk {
    struct nsf_out *piece;
    bool is_done;
};

/* Chunks are taken in order and stay in a ring until the caller has written them. */
struct ring {
    const struct nsf_review *review;
    size_t rule_idx;
    uint64_t n_rows; /* that are no sum */
    nsf_source_writer_fn *fn;
    const void *ctx;
    struct nsf_mutex *mutex; /* of all that follows */
    struct nsf_cond *changed;
    struct chunk *chunks;
    uint64_t n_chunks_max;
    uint64_t n_chunks;
    uint64_t n_taken;
    uint64_t n_written;
};

static void write_chunk(const struct ring *ring, struct nsf_review_desk *desk, uint64_t chunk_idx, struct nsf_out *out)
{
    struct nsf_mail_source source;
    uint64_t from = chunk_idx * CHUNK_ROWS;
    uint64_t to = ring->n_rows - from < CHUNK_ROWS ? ring->n_rows : from + CHUNK_ROWS;
    for (uint64_t i = from; i < to; i++) {
        ring->review->desks->read(ring->review, desk, ring->rule_idx, i, &source);
        ring->fn(ring->ctx, out, i, &source);
    }
}

/* False: there is none left. */
static bool take_chunk(struct ring *ring, uint64_t *chunk_idx)
{
    nsf_mutex_lock(ring->mutex);
    while (ring->n_taken < ring->n_chunks && ring->n_taken - ring->n_written >= ring->n_chunks_max)
        nsf_cond_wait(ring->changed, ring->mutex);
    bool is_taken = ring->n_taken < ring->n_chunks;
    *chunk_idx = ring->n_taken;
    ring->n_taken += is_taken;
    nsf_mutex_unlock(ring->mutex);
    return is_taken;
}

static void work(void *arg)
{
    struct ring *ring = arg;
    struct nsf_review_desk *desk = ring->review->desks->open(ring->review);
    uint64_t chunk_idx;
    while (take_chunk(ring, &chunk_idx)) {
        struct chunk *chunk = &ring->chunks[chunk_idx % ring->n_chunks_max];
        write_chunk(ring, desk, chunk_idx, chunk->piece);
        nsf_mutex_lock(ring->mutex);
        chunk->is_done = true;
        nsf_cond_broadcast(ring->changed);
        nsf_mutex_unlock(ring->mutex);
    }
    ring->review->desks->close(desk);
}

static void write_in_order(struct ring *ring, struct nsf_out *out)
{
    for (uint64_t i = 0; i < ring->n_chunks; i++) {
        struct chunk *chunk = &ring->chunks[i % ring->n_chunks_max];
        nsf_mutex_lock(ring->mutex);
        while (!chunk->is_done)
            nsf_cond_wait(ring->changed, ring->mutex);
        nsf_mutex_unlock(ring->mutex);
        nsf_out_move(chunk->piece, out);
        nsf_mutex_lock(ring->mutex);
        chunk->is_done = false;
        ring->n_written++;
        nsf_cond_broadcast(ring->changed);
        nsf_mutex_unlock(ring->mutex);
    }
}

/* False: no thread could be started, and nothing was written. */
static bool write_by_threads(struct ring *ring, unsigned jobs, struct nsf_out *out)
{
    struct nsf_thread **threads = nsf_malloc(nsf_mul_size(jobs, sizeof(struct nsf_thread *)));
    unsigned n = 0;
    ring->n_chunks_max = (uint64_t)jobs * CHUNKS_A_JOB;
    ring->chunks = nsf_calloc(ring->n_chunks_max, sizeof(*ring->chunks));
    ring->mutex = nsf_mutex_new();
    ring->changed = nsf_cond_new();
    for (uint64_t i = 0; i < ring->n_chunks_max; i++)
        ring->chunks[i].piece = nsf_out_new_piece();
    while (n < jobs && (threads[n] = nsf_thread_start(work, ring)) != NULL)
        n++;
    bool is_started = n > 0;
    if (is_started)
        write_in_order(ring, out);
    while (n > 0)
        nsf_thread_join(threads[--n]);
    for (uint64_t i = 0; i < ring->n_chunks_max; i++)
        nsf_out_abandon(ring->chunks[i].piece);
    nsf_mutex_free(ring->mutex);
    nsf_cond_free(ring->changed);
    nsf_free(ring->chunks);
    nsf_free(threads);
    return is_started;
}

void nsf_source_rows_write(const struct nsf_review *review, size_t rule_idx, uint64_t top, unsigned jobs,
                           struct nsf_out *out, nsf_source_writer_fn *fn, const void *ctx)
{
    struct nsf_mail_source source;
    uint64_t n = nsf_source_rows(review, rule_idx, top), done = 0;
    struct ring ring = {.review = review, .rule_idx = rule_idx, .fn = fn, .ctx = ctx};
    ring.n_rows = top != 0 && n > top ? top : n;
    ring.n_chunks = (ring.n_rows + CHUNK_ROWS - 1) / CHUNK_ROWS;
    if (jobs > 1 && ring.n_chunks > jobs && review->desks != NULL && write_by_threads(&ring, jobs, out))
        done = ring.n_rows;
    for (; done < n; done++) {
        nsf_source_row(review, rule_idx, top, done, &source);
        fn(ctx, out, done, &source);
    }
}

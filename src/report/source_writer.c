#include "core/nsf_common.h"

#include "report/source_writer.h"

#include "core/mem.h"
#include "core/parallel.h"
#include "core/thread.h"
#include "report/source_rows.h"

/* Rows that one thread writes at a stretch, of JSON what fits into a piece as it is born: enough to hide what handing
 * them over costs, few enough to be small. */
#define CHUNK_ROWS 96u
#define CHUNKS_A_JOB 4u

struct chunk {
    struct nsf_out *piece;
    bool is_done;
};

/* Chunks are taken in order and stay in a ring until they are written out. Whoever completes the one that comes next
 * writes it and those behind it that are done, so that nobody is woken for it. */
struct ring {
    const struct nsf_review *review;
    size_t rule_idx;
    uint64_t n_rows; /* that are no sum */
    nsf_source_writer_fn *fn;
    const void *ctx;
    struct nsf_out *out;     /* of whoever is writing */
    struct nsf_mutex *mutex; /* of all that follows */
    struct nsf_cond *has_room;
    struct chunk *chunks;
    uint64_t n_chunks_max;
    uint64_t n_chunks;
    uint64_t n_taken;
    uint64_t n_written;
    bool is_writing;
};

static void make_chunk(const struct ring *ring, struct nsf_review_desk *desk, uint64_t chunk_idx, struct nsf_out *out)
{
    struct nsf_mail_source source;
    uint64_t from = chunk_idx * CHUNK_ROWS;
    uint64_t to = ring->n_rows - from < CHUNK_ROWS ? ring->n_rows : from + CHUNK_ROWS;
    for (uint64_t i = from; i < to; i++) {
        ring->review->desks->read(ring->review, desk, ring->rule_idx, i, &source);
        ring->fn(ring->ctx, out, i, &source);
    }
}

static struct chunk *chunk_at(const struct ring *ring, uint64_t chunk_idx)
{
    return &ring->chunks[chunk_idx % ring->n_chunks_max];
}

/* False: there is none left. The one that is written next has been taken before any that waits here. */
static bool take_chunk(struct ring *ring, uint64_t *chunk_idx)
{
    while (ring->n_taken < ring->n_chunks && ring->n_taken - ring->n_written >= ring->n_chunks_max)
        nsf_cond_wait(ring->has_room, ring->mutex);
    *chunk_idx = ring->n_taken;
    if (ring->n_taken == ring->n_chunks)
        return false;
    ring->n_taken++;
    return true;
}

/* All that can be written now, by one thread at a time; without the lock while it writes. */
static void write_in_order(struct ring *ring)
{
    struct chunk *chunk;
    if (ring->is_writing)
        return;
    ring->is_writing = true;
    while ((chunk = chunk_at(ring, ring->n_written))->is_done) {
        nsf_mutex_unlock(ring->mutex);
        nsf_out_move(chunk->piece, ring->out);
        nsf_mutex_lock(ring->mutex);
        chunk->is_done = false;
        ring->n_written++;
        if (ring->n_taken - ring->n_written == ring->n_chunks_max - 1)
            nsf_cond_broadcast(ring->has_room);
    }
    ring->is_writing = false;
}

static void work(void *ctx, size_t worker)
{
    struct ring *ring = ctx;
    uint64_t chunk_idx;
    (void)worker;
    struct nsf_review_desk *desk = ring->review->desks->open(ring->review);
    nsf_mutex_lock(ring->mutex);
    while (take_chunk(ring, &chunk_idx)) {
        struct chunk *chunk = chunk_at(ring, chunk_idx);
        nsf_mutex_unlock(ring->mutex);
        make_chunk(ring, desk, chunk_idx, chunk->piece);
        nsf_mutex_lock(ring->mutex);
        chunk->is_done = true;
        write_in_order(ring);
    }
    nsf_mutex_unlock(ring->mutex);
    ring->review->desks->close(desk);
}

static void write_together(struct ring *ring, unsigned jobs)
{
    ring->n_chunks_max = (uint64_t)jobs * CHUNKS_A_JOB;
    ring->chunks = nsf_calloc(ring->n_chunks_max, sizeof(*ring->chunks));
    ring->mutex = nsf_mutex_new();
    ring->has_room = nsf_cond_new();
    for (uint64_t i = 0; i < ring->n_chunks_max; i++)
        ring->chunks[i].piece = nsf_out_new_piece();
    nsf_parallel(jobs, jobs, work, ring);
    for (uint64_t i = 0; i < ring->n_chunks_max; i++)
        nsf_out_abandon(ring->chunks[i].piece);
    nsf_mutex_free(ring->mutex);
    nsf_cond_free(ring->has_room);
    nsf_free(ring->chunks);
}

void nsf_source_rows_write(const struct nsf_review *review, size_t rule_idx, uint64_t top, unsigned jobs,
                           struct nsf_out *out, nsf_source_writer_fn *fn, const void *ctx)
{
    struct nsf_mail_source source;
    uint64_t n = nsf_source_rows(review, rule_idx, top), done = 0;
    struct ring ring = {.review = review, .rule_idx = rule_idx, .fn = fn, .ctx = ctx, .out = out};
    ring.n_rows = top != 0 && n > top ? top : n;
    ring.n_chunks = (ring.n_rows + CHUNK_ROWS - 1) / CHUNK_ROWS;
    if (jobs > 1 && ring.n_chunks > jobs && review->desks != NULL) {
        write_together(&ring, jobs);
        done = ring.n_rows;
    }
    for (; done < n; done++) {
        nsf_source_row(review, rule_idx, top, done, &source);
        fn(ctx, out, done, &source);
    }
}

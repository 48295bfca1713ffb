#include "core/nsf_common.h"

#include "codec/ahead.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/thread.h"

/* So many that neither side waits for the other: a thread that sleeps wakes late, and both take turns in being slow. */
#define PIECES 12u

struct piece {
    char *bytes; /* NSF_CHUNK_BYTES */
    size_t n;
    size_t n_taken;
    enum nsf_read then; /* what follows the bytes: more BYTES, or how it went on */
    struct nsf_err err;
    uint64_t bytes_read;
};

struct nsf_ahead {
    struct nsf_thread *thread;
    struct nsf_mutex *mutex;
    struct nsf_cond *changed;
    /* Under the mutex. A full piece belongs to whoever takes, an empty one to the thread. */
    struct piece pieces[PIECES];
    unsigned first; /* the full one that is taken next */
    unsigned n_full;
    struct nsf_decoder *decoder; /* NULL: there is nothing to do */
    bool is_filling;
    bool is_quitting;
};

/* As much as fits, or as comes before something else than bytes does. */
static void fill(struct piece *piece, struct nsf_decoder *decoder)
{
    piece->n = 0;
    piece->n_taken = 0;
    piece->err = (struct nsf_err)NSF_ERR_INIT;
    piece->then = NSF_READ_BYTES;
    while (piece->n < NSF_CHUNK_BYTES && piece->then == NSF_READ_BYTES) {
        size_t n = 0;
        piece->then = nsf_decoder_read(decoder, piece->bytes + piece->n, NSF_CHUNK_BYTES - piece->n, &n, &piece->err);
        piece->n += n;
    }
    piece->bytes_read = nsf_decoder_bytes_read(decoder);
}

/* Called and left with the mutex held. */
static void fill_next(struct nsf_ahead *ahead)
{
    struct piece *piece = &ahead->pieces[(ahead->first + ahead->n_full) % PIECES];
    struct nsf_decoder *decoder = ahead->decoder;
    ahead->is_filling = true;
    nsf_mutex_unlock(ahead->mutex);
    fill(piece, decoder);
    nsf_mutex_lock(ahead->mutex);
    ahead->is_filling = false;
    ahead->n_full++;
    if (piece->then != NSF_READ_BYTES)
        ahead->decoder = NULL;
    nsf_cond_broadcast(ahead->changed);
}

static void run(void *arg)
{
    struct nsf_ahead *ahead = arg;
    nsf_mutex_lock(ahead->mutex);
    while (!ahead->is_quitting) {
        if (ahead->decoder != NULL && ahead->n_full < PIECES)
            fill_next(ahead);
        else
            nsf_cond_wait(ahead->changed, ahead->mutex);
    }
    nsf_mutex_unlock(ahead->mutex);
}

struct nsf_ahead *nsf_ahead_new(void)
{
    struct nsf_ahead *ahead = nsf_calloc(1, sizeof(*ahead));
    ahead->mutex = nsf_mutex_new();
    ahead->changed = nsf_cond_new();
    for (unsigned i = 0; i < PIECES; i++)
        ahead->pieces[i].bytes = nsf_malloc(NSF_CHUNK_BYTES);
    ahead->thread = nsf_thread_start(run, ahead);
    if (ahead->thread != NULL)
        return ahead;
    nsf_ahead_free(ahead);
    return NULL;
}

void nsf_ahead_free(struct nsf_ahead *ahead)
{
    if (ahead == NULL)
        return;
    if (ahead->thread != NULL) {
        nsf_mutex_lock(ahead->mutex);
        ahead->is_quitting = true;
        nsf_cond_broadcast(ahead->changed);
        nsf_mutex_unlock(ahead->mutex);
        nsf_thread_join(ahead->thread);
    }
    for (unsigned i = 0; i < PIECES; i++)
        nsf_free(ahead->pieces[i].bytes);
    nsf_cond_free(ahead->changed);
    nsf_mutex_free(ahead->mutex);
    nsf_free(ahead);
}

void nsf_ahead_begin(struct nsf_ahead *ahead, struct nsf_decoder *decoder)
{
    nsf_mutex_lock(ahead->mutex);
    ahead->decoder = decoder;
    ahead->first = 0;
    ahead->n_full = 0;
    nsf_cond_broadcast(ahead->changed);
    nsf_mutex_unlock(ahead->mutex);
}

void nsf_ahead_end(struct nsf_ahead *ahead)
{
    nsf_mutex_lock(ahead->mutex);
    ahead->decoder = NULL;
    while (ahead->is_filling)
        nsf_cond_wait(ahead->changed, ahead->mutex);
    ahead->n_full = 0;
    nsf_mutex_unlock(ahead->mutex);
}

/* The piece to take from; it stays full until it is given back. */
static struct piece *wait_for_piece(struct nsf_ahead *ahead)
{
    nsf_mutex_lock(ahead->mutex);
    while (ahead->n_full == 0)
        nsf_cond_wait(ahead->changed, ahead->mutex);
    struct piece *piece = &ahead->pieces[ahead->first];
    nsf_mutex_unlock(ahead->mutex);
    return piece;
}

static void give_back(struct nsf_ahead *ahead)
{
    nsf_mutex_lock(ahead->mutex);
    ahead->first = (ahead->first + 1) % PIECES;
    ahead->n_full--;
    nsf_cond_broadcast(ahead->changed);
    nsf_mutex_unlock(ahead->mutex);
}

enum nsf_read nsf_ahead_read(struct nsf_ahead *ahead, void *buf, size_t capacity, size_t *n, uint64_t *bytes_read,
                             struct nsf_err *err)
{
    struct piece *piece = wait_for_piece(ahead);
    const size_t left = piece->n - piece->n_taken;
    *n = left < capacity ? left : capacity;
    *bytes_read = piece->bytes_read;
    if (*n > 0) {
        memcpy(buf, piece->bytes + piece->n_taken, *n);
        piece->n_taken += *n;
        if (piece->n_taken == piece->n && piece->then == NSF_READ_BYTES)
            give_back(ahead);
        return NSF_READ_BYTES;
    }
    if (err != NULL && err->code == NSF_E_NONE)
        *err = piece->err;
    return piece->then;
}

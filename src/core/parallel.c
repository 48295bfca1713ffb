#include "core/nsf_common.h"

#include "core/parallel.h"

#include "core/mem.h"
#include "core/thread.h"

#include <stdatomic.h>

struct work {
    atomic_size_t next;
    size_t n;
    void (*fn)(void *ctx, size_t i);
    void *ctx;
};

static void take_items(void *arg)
{
    struct work *work = arg;
    for (size_t i; (i = atomic_fetch_add(&work->next, 1)) < work->n;)
        work->fn(work->ctx, i);
}

void nsf_parallel(unsigned jobs, size_t n, void (*fn)(void *ctx, size_t i), void *ctx)
{
    struct work work = {.n = n, .fn = fn, .ctx = ctx};
    size_t n_threads = 0, most = jobs <= 1 || n <= 1 ? 0 : jobs - 1 < n - 1 ? jobs - 1 : n - 1;
    struct nsf_thread **threads = nsf_malloc(nsf_mul_size(most + 1, sizeof(struct nsf_thread *)));
    atomic_init(&work.next, 0);
    /* Where the system has no thread left, fewer do it all. */
    while (n_threads < most && (threads[n_threads] = nsf_thread_start(take_items, &work)) != NULL)
        n_threads++;
    take_items(&work);
    while (n_threads > 0)
        nsf_thread_join(threads[--n_threads]);
    nsf_free(threads);
}

#include "core/nsf_common.h"

#include "core/thread.h"

#include "core/err.h"
#include "core/mem.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

struct nsf_thread {
    pthread_t id;
    void (*fn)(void *arg);
    void *arg;
};

struct nsf_mutex {
    pthread_mutex_t m;
};

struct nsf_cond {
    pthread_cond_t c;
};

static void *thread_main(void *arg)
{
    struct nsf_thread *thread = arg;
    thread->fn(thread->arg);
    return NULL;
}

struct nsf_thread *nsf_thread_start(void (*fn)(void *arg), void *arg)
{
    struct nsf_thread *thread = nsf_malloc(sizeof(*thread));
    *thread = (struct nsf_thread){.fn = fn, .arg = arg};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&thread->id, NULL, thread_main, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        return thread;
    nsf_free(thread);
    return NULL;
}

void nsf_thread_join(struct nsf_thread *thread)
{
    if (pthread_join(thread->id, NULL) != 0)
        NSF_BUG("cannot join a thread");
    nsf_free(thread);
}

struct nsf_mutex *nsf_mutex_new(void)
{
    struct nsf_mutex *mutex = nsf_malloc(sizeof(*mutex));
    pthread_mutex_init(&mutex->m, NULL);
    return mutex;
}

void nsf_mutex_free(struct nsf_mutex *mutex)
{
    if (mutex == NULL)
        return;
    pthread_mutex_destroy(&mutex->m);
    nsf_free(mutex);
}

void nsf_mutex_lock(struct nsf_mutex *mutex)
{
    pthread_mutex_lock(&mutex->m);
}

void nsf_mutex_unlock(struct nsf_mutex *mutex)
{
    pthread_mutex_unlock(&mutex->m);
}

struct nsf_cond *nsf_cond_new(void)
{
    struct nsf_cond *cond = nsf_malloc(sizeof(*cond));
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&cond->c, &attr);
    pthread_condattr_destroy(&attr);
    return cond;
}

void nsf_cond_free(struct nsf_cond *cond)
{
    if (cond == NULL)
        return;
    pthread_cond_destroy(&cond->c);
    nsf_free(cond);
}

void nsf_cond_wait(struct nsf_cond *cond, struct nsf_mutex *mutex)
{
    pthread_cond_wait(&cond->c, &mutex->m);
}

bool nsf_cond_wait_ms(struct nsf_cond *cond, struct nsf_mutex *mutex, int64_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return pthread_cond_timedwait(&cond->c, &mutex->m, &until) == 0;
}

void nsf_cond_broadcast(struct nsf_cond *cond)
{
    pthread_cond_broadcast(&cond->c);
}

void nsf_once(struct nsf_once *once, void (*fn)(void *arg), void *arg)
{
    /* One lock for all of them: what is done once is rare, and needs no lock of its own to be freed. */
    static pthread_mutex_t once_lock = PTHREAD_MUTEX_INITIALIZER;
    if (atomic_load_explicit(&once->is_done, memory_order_acquire))
        return;
    pthread_mutex_lock(&once_lock);
    if (!atomic_load_explicit(&once->is_done, memory_order_relaxed)) {
        fn(arg);
        atomic_store_explicit(&once->is_done, true, memory_order_release);
    }
    pthread_mutex_unlock(&once_lock);
}

unsigned nsf_thread_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n < 1 ? 1 : (unsigned)n;
}

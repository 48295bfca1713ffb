/*
 * thread.h - the few thread operations that the program uses; only thread.c sees <pthread.h>.
 *
 * Signals are blocked in threads started here: the main thread handles them.
 */
#ifndef NSF_THREAD_H
#define NSF_THREAD_H

#include "core/nsf_common.h"

#include <stdatomic.h>

struct nsf_thread;
struct nsf_mutex;
struct nsf_cond;

/* Starts fn(arg) in a new thread. NULL when the system has no thread left. */
struct nsf_thread *nsf_thread_start(void (*fn)(void *arg), void *arg) NSF_CHECKED;
/* Waits for the thread to end and frees it. */
void nsf_thread_join(struct nsf_thread *thread);

struct nsf_mutex *nsf_mutex_new(void);
void nsf_mutex_free(struct nsf_mutex *mutex);
void nsf_mutex_lock(struct nsf_mutex *mutex);
void nsf_mutex_unlock(struct nsf_mutex *mutex);

struct nsf_cond *nsf_cond_new(void);
void nsf_cond_free(struct nsf_cond *cond);
/* Gives up the locked mutex, sleeps until signalled (or for no reason), takes the mutex again. */
void nsf_cond_wait(struct nsf_cond *cond, struct nsf_mutex *mutex);
/* The same, at most wait_ms long; false when the time ran out. */
bool nsf_cond_wait_ms(struct nsf_cond *cond, struct nsf_mutex *mutex, int64_t wait_ms);
void nsf_cond_broadcast(struct nsf_cond *cond);

/* Zeroed where it is defined. */
struct nsf_once {
    atomic_bool is_done;
};

/* Whichever thread comes first runs fn(arg); the others wait until it has returned. fn calls no nsf_once itself. */
void nsf_once(struct nsf_once *once, void (*fn)(void *arg), void *arg);

/* Processors this process may run on, at least 1. */
unsigned nsf_thread_processors(void);

#endif

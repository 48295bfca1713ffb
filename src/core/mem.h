/*
 * mem.h - all heap memory of the program.
 *
 * None of these functions returns NULL: when memory ends, the exhaustion handler runs (it removes unfinished output
 * files), one line goes to stderr and the process ends with exit status 4. A command-line tool has nothing better to
 * do then, libraries that cannot survive a failed allocation (yajl) stay safe, and the store's transactions make an
 * end at any moment harmless.
 *
 * Thread-safe. nsf_mem_fail_after and nsf_mem_on_exhaustion are called before threads start.
 */
#ifndef NSF_MEM_H
#define NSF_MEM_H

#include "core/nsf_common.h"

void *nsf_malloc(size_t n_bytes) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *nsf_calloc(size_t n, size_t size_bytes) __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *nsf_realloc(void *ptr, size_t n_bytes) __attribute__((alloc_size(2), returns_nonnull));
/* n * size_bytes is checked for overflow. */
void *nsf_realloc_array(void *ptr, size_t n, size_t size_bytes) __attribute__((alloc_size(2, 3), returns_nonnull));
/* A NUL-ended copy of len bytes; the caller frees it. */
char *nsf_strdup_n(const char *ptr, size_t len) __attribute__((malloc, returns_nonnull));
/* free(NULL) is fine. */
void nsf_free(void *ptr);

/* What was freed between things that are still there goes back to the system, where the C library can do that: before a
 * stage that allocates in other sizes. It takes a while. */
void nsf_mem_give_back(void);

/* Grows *ptr, an array with room for *capacity elements, so that it has room for `needed`. Doubles. */
void nsf_grow(void **ptr, size_t *capacity, size_t needed, size_t size_bytes);
#define NSF_GROW(ptr, capacity, needed)                                                                                \
    do {                                                                                                               \
        if (NSF_UNLIKELY((needed) > (capacity))) {                                                                     \
            void *nsf_grow_tmp = (ptr);                                                                                \
            nsf_grow(&nsf_grow_tmp, &(capacity), (needed), sizeof(*(ptr)));                                            \
            (ptr) = nsf_grow_tmp;                                                                                      \
        }                                                                                                              \
    } while (0)

/* a * b and a + b; overflow is treated like exhausted memory, since the result is always a size to allocate. */
size_t nsf_mul_size(size_t a, size_t b);
size_t nsf_add_size(size_t a, size_t b);

/* For commands that will ask for megabytes, once, before threads start: the heap of the main thread comes in huge pages,
 * where the system has them. A page that is touched for the first time costs more than reading its 4 KiB of log. */
void nsf_mem_expect_much(void);

typedef void nsf_exhaustion_fn(void);
void nsf_mem_on_exhaustion(nsf_exhaustion_fn *fn);
/* For tests: the n-th allocation from now on (1 = the next) fails; 0 switches that off. */
void nsf_mem_fail_after(uint64_t n);

#endif

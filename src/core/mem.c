#include "core/nsf_common.h"

#include "core/mem.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE_BYTES ((uintptr_t)2 << 20)
/* Address space that the heap gets at a time; what of it is not used costs nothing. */
#define HEAP_STEP_BYTES ((int)12 << 20)
/* Larger blocks are mapped each on its own: growing one moves no byte, and freeing it gives it back. */
#define MAPPED_FROM_BYTES ((int)256 << 10)

static nsf_exhaustion_fn *exhaustion_handler;
static atomic_uint_fast64_t fail_countdown;

NSF_NORETURN NSF_COLD static void exhausted(size_t n_bytes)
{
    char line[128];
    int n = snprintf(line, sizeof(line), "nsgflow: out of memory (asked for %zu bytes)\n", n_bytes);
    if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0) {
        /* nothing is left to tell anyone */
    }
    if (exhaustion_handler != NULL)
        exhaustion_handler();
    _exit(4);
}

static bool is_failing_now(void)
{
    if (NSF_LIKELY(atomic_load_explicit(&fail_countdown, memory_order_relaxed) == 0))
        return false;
    return atomic_fetch_sub_explicit(&fail_countdown, 1, memory_order_relaxed) == 1;
}

void *nsf_malloc(size_t n_bytes)
{
    void *ptr = is_failing_now() ? NULL : malloc(n_bytes == 0 ? 1 : n_bytes);
    if (NSF_UNLIKELY(ptr == NULL))
        exhausted(n_bytes);
    return ptr;
}

void *nsf_calloc(size_t n, size_t size_bytes)
{
    void *ptr = is_failing_now() ? NULL : calloc(n == 0 ? 1 : n, size_bytes == 0 ? 1 : size_bytes);
    if (NSF_UNLIKELY(ptr == NULL))
        exhausted(n);
    return ptr;
}

void *nsf_realloc(void *old, size_t n_bytes)
{
    void *ptr = is_failing_now() ? NULL : realloc(old, n_bytes == 0 ? 1 : n_bytes);
    if (NSF_UNLIKELY(ptr == NULL))
        exhausted(n_bytes);
    return ptr;
}

size_t nsf_mul_size(size_t a, size_t b)
{
    size_t product;
    if (NSF_UNLIKELY(__builtin_mul_overflow(a, b, &product)))
        exhausted(SIZE_MAX);
    return product;
}

size_t nsf_add_size(size_t a, size_t b)
{
    size_t sum;
    if (NSF_UNLIKELY(__builtin_add_overflow(a, b, &sum)))
        exhausted(SIZE_MAX);
    return sum;
}

void *nsf_realloc_array(void *ptr, size_t n, size_t size_bytes)
{
    return nsf_realloc(ptr, nsf_mul_size(n, size_bytes));
}

char *nsf_strdup_n(const char *ptr, size_t len)
{
    char *copy = nsf_malloc(nsf_add_size(len, 1));
    if (len > 0)
        memcpy(copy, ptr, len);
    copy[len] = '\0';
    return copy;
}

void nsf_free(void *ptr)
{
    free(ptr);
}

void nsf_mem_give_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void nsf_grow(void **ptr, size_t *capacity, size_t needed, size_t size_bytes)
{
    size_t wanted = *capacity < 8 ? 8 : nsf_mul_size(*capacity, 2);
    if (wanted < needed)
        wanted = needed;
    *ptr = nsf_realloc_array(*ptr, wanted, size_bytes);
    *capacity = wanted;
}

void nsf_mem_expect_much(void)
{
#ifdef __GLIBC__
    if (mallopt(M_MMAP_THRESHOLD, MAPPED_FROM_BYTES) != 1 || mallopt(M_TOP_PAD, HEAP_STEP_BYTES) != 1)
        return;
    char *from = sbrk(0);
    /* Together more than is left of the first heap, so that it grows by a step. */
    void *first = nsf_malloc(MAPPED_FROM_BYTES - 64), *second = nsf_malloc(MAPPED_FROM_BYTES - 64);
    nsf_free(first);
    nsf_free(second);
    const char *to = sbrk(0);
    from += -(uintptr_t)from % HUGE_PAGE_BYTES;
    if (from < to)
        (void)madvise(from, (size_t)(to - from) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES, MADV_HUGEPAGE);
#endif
}

void nsf_mem_on_exhaustion(nsf_exhaustion_fn *fn)
{
    exhaustion_handler = fn;
}

void nsf_mem_fail_after(uint64_t n)
{
    atomic_store(&fail_countdown, n);
}

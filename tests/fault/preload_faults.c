/*
 * preload_faults.c - makes calls of the C library fail on purpose, in any program that loads it first (LD_PRELOAD).
 *
 *   NSF_FAULT_ALLOC=n    the n-th malloc, calloc or realloc returns NULL (1 is the first)
 *   NSF_FAULT_READ=n     read and pread return at most n bytes
 *   NSF_FAULT_EINTR=n    every n-th read, pread, write and open is interrupted before it does anything
 *   NSF_FAULT_IO=n       the n-th read or pread fails with EIO
 *   NSF_FAULT_SPACE=n    the disk is full after n bytes written to regular files
 *   NSF_FAULT_KILL=n     the n-th change of a file (write, pwrite, ftruncate, fdatasync, unlink, rename) is done by
 *                        half, and then the process is killed
 *   NSF_FAULT_TICK=ms    the monotonic clock is so much later at each look: what waits for time to pass does not wait
 *   NSF_FAULT_COUNT=path at the end, the number of allocations, reads and changes of files is written there
 *
 * What is asked for is read once, by the constructor. Counts are of the whole process.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

void *__libc_malloc(size_t n_bytes);
void *__libc_calloc(size_t n, size_t size_bytes);
void *__libc_realloc(void *ptr, size_t n_bytes);

static unsigned long fail_alloc, read_max, interrupt_every, fail_read, space_left, kill_at, tick_ms;
static int has_space_limit;
static const char *count_path;
static atomic_ulong n_allocs, n_reads, n_calls, n_changes, n_looks;

static unsigned long number_of(const char *name)
{
    const char *text = getenv(name);
    return text == NULL ? 0 : strtoul(text, NULL, 10);
}

__attribute__((constructor)) static void begin(void)
{
    read_max = number_of("NSF_FAULT_READ");
    interrupt_every = number_of("NSF_FAULT_EINTR");
    fail_read = number_of("NSF_FAULT_IO");
    has_space_limit = getenv("NSF_FAULT_SPACE") != NULL;
    space_left = number_of("NSF_FAULT_SPACE");
    kill_at = number_of("NSF_FAULT_KILL");
    tick_ms = number_of("NSF_FAULT_TICK");
    count_path = getenv("NSF_FAULT_COUNT");
    fail_alloc = number_of("NSF_FAULT_ALLOC");
    atomic_store(&n_allocs, 0);
}

__attribute__((destructor)) static void end(void)
{
    if (count_path == NULL)
        return;
    char text[64];
    int n = snprintf(text, sizeof(text), "%lu %lu %lu\n", atomic_load(&n_allocs), atomic_load(&n_reads),
                     atomic_load(&n_changes));
    int fd = (int)syscall(SYS_openat, AT_FDCWD, count_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || n < 0 || syscall(SYS_write, fd, text, (size_t)n) != n)
        _exit(98);
    close(fd);
}

static int alloc_fails(void)
{
    if (atomic_fetch_add(&n_allocs, 1) + 1 != fail_alloc)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n_bytes)
{
    return alloc_fails() ? NULL : __libc_malloc(n_bytes);
}

void *calloc(size_t n, size_t size_bytes)
{
    return alloc_fails() ? NULL : __libc_calloc(n, size_bytes);
}

void *realloc(void *ptr, size_t n_bytes)
{
    return alloc_fails() ? NULL : __libc_realloc(ptr, n_bytes);
}

static int is_interrupted(void)
{
    if (interrupt_every == 0 || (atomic_fetch_add(&n_calls, 1) + 1) % interrupt_every != 0)
        return 0;
    errno = EINTR;
    return 1;
}

/* How many bytes may be read, or -1 with errno. */
static ssize_t read_allows(size_t n_bytes)
{
    if (is_interrupted())
        return -1;
    if (atomic_fetch_add(&n_reads, 1) + 1 == fail_read) {
        errno = EIO;
        return -1;
    }
    return (ssize_t)(read_max != 0 && n_bytes > read_max ? read_max : n_bytes);
}

ssize_t read(int fd, void *ptr, size_t n_bytes)
{
    ssize_t allowed = read_allows(n_bytes);
    return allowed < 0 ? -1 : syscall(SYS_read, fd, ptr, (size_t)allowed);
}

ssize_t pread(int fd, void *ptr, size_t n_bytes, off_t offset)
{
    ssize_t allowed = read_allows(n_bytes);
    return allowed < 0 ? -1 : syscall(SYS_pread64, fd, ptr, (size_t)allowed, offset);
}

ssize_t pread64(int fd, void *ptr, size_t n_bytes, off64_t offset)
{
    ssize_t allowed = read_allows(n_bytes);
    return allowed < 0 ? -1 : syscall(SYS_pread64, fd, ptr, (size_t)allowed, offset);
}

static int is_last_change(void)
{
    return atomic_fetch_add(&n_changes, 1) + 1 == kill_at;
}

static void die(void)
{
    kill(getpid(), SIGKILL);
}

/* How many bytes may be written, or -1 with errno. */
static ssize_t write_allows(int fd, size_t n_bytes)
{
    struct stat st;
    if (is_interrupted())
        return -1;
    if (fd <= STDERR_FILENO || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return (ssize_t)n_bytes;
    if (has_space_limit) {
        if (space_left == 0) {
            errno = ENOSPC;
            return -1;
        }
        if (n_bytes > space_left)
            n_bytes = space_left;
        space_left -= n_bytes;
    }
    return (ssize_t)n_bytes;
}

ssize_t write(int fd, const void *ptr, size_t n_bytes)
{
    ssize_t allowed = write_allows(fd, n_bytes);
    if (allowed < 0)
        return -1;
    if (fd > STDERR_FILENO && is_last_change()) {
        syscall(SYS_write, fd, ptr, (size_t)allowed / 2);
        die();
    }
    return syscall(SYS_write, fd, ptr, (size_t)allowed);
}

ssize_t pwrite64(int fd, const void *ptr, size_t n_bytes, off64_t offset)
{
    ssize_t allowed = write_allows(fd, n_bytes);
    if (allowed < 0)
        return -1;
    if (is_last_change()) {
        syscall(SYS_pwrite64, fd, ptr, (size_t)allowed / 2, offset);
        die();
    }
    return syscall(SYS_pwrite64, fd, ptr, (size_t)allowed, offset);
}

ssize_t pwrite(int fd, const void *ptr, size_t n_bytes, off_t offset)
{
    return pwrite64(fd, ptr, n_bytes, offset);
}

int ftruncate64(int fd, off64_t size)
{
    if (is_last_change())
        die();
    return (int)syscall(SYS_ftruncate, fd, size);
}

int fdatasync(int fd)
{
    if (is_last_change())
        die();
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    if (is_last_change())
        die();
    return (int)syscall(SYS_fsync, fd);
}

int unlink(const char *path)
{
    if (is_last_change())
        die();
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int rename(const char *from, const char *to)
{
    if (is_last_change())
        die();
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int open_any(int folder, const char *path, int flags, mode_t mode)
{
    if (is_interrupted())
        return -1;
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

#define MODE_OF_LAST_ARGUMENT(flags, mode)                                                                             \
    do {                                                                                                               \
        if (((flags)&O_CREAT) != 0) {                                                                                  \
            va_list args;                                                                                              \
            va_start(args, flags);                                                                                     \
            (mode) = va_arg(args, mode_t);                                                                             \
            va_end(args);                                                                                              \
        }                                                                                                              \
    } while (0)

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    MODE_OF_LAST_ARGUMENT(flags, mode);
    return open_any(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    MODE_OF_LAST_ARGUMENT(flags, mode);
    return open_any(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    mode_t mode = 0;
    MODE_OF_LAST_ARGUMENT(flags, mode);
    return open_any(folder, path, flags, mode);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (syscall(SYS_clock_gettime, clock, now) != 0)
        return -1;
    if (clock == CLOCK_MONOTONIC && tick_ms != 0) {
        const unsigned long ahead_ms = (atomic_fetch_add(&n_looks, 1) + 1) * tick_ms;
        now->tv_sec += (time_t)(ahead_ms / 1000);
        now->tv_nsec += (long)(ahead_ms % 1000) * 1000000;
        if (now->tv_nsec >= 1000000000) {
            now->tv_sec++;
            now->tv_nsec -= 1000000000;
        }
    }
    return 0;
}

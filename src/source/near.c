#include "core/nsf_common.h"

#include "source/near.h"

#include "core/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#define FILE_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY)
#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)
/* Files in a row that have a folder in common before it is opened for the next ones: few would not be worth it. */
#define RUN_MIN 3u

void nsf_near_init(struct nsf_near *near)
{
    *near = (struct nsf_near){.folder = -1};
    nsf_buf_init(&near->prefix, NSF_PATH_MAX_BYTES);
    nsf_buf_init(&near->last, NSF_PATH_MAX_BYTES);
}

void nsf_near_release(struct nsf_near *near)
{
    if (near->folder >= 0)
        close(near->folder);
    nsf_buf_release(&near->prefix);
    nsf_buf_release(&near->last);
    nsf_near_init(near);
}

/* Opens what stands behind `from` in steps that the system takes, each a folder. `text` is written to. */
static int open_in_steps(int from, char *text, size_t len, int flags)
{
    int at = from;
    while (len >= PATH_MAX) {
        char *slash = memrchr(text + 1, '/', PATH_MAX - 2);
        if (slash == NULL) {
            errno = ENAMETOOLONG;
            break;
        }
        *slash = '\0';
        const int next = (int)TEMP_FAILURE_RETRY(openat(at, text, FOLDER_FLAGS));
        const int errnum = errno;
        if (at != from)
            close(at);
        at = next;
        errno = errnum;
        if (at < 0)
            return -1;
        for (slash++; *slash == '/'; slash++) {
        }
        len -= (size_t)(slash - text);
        text = slash;
    }
    const int fd = len < PATH_MAX ? (int)TEMP_FAILURE_RETRY(openat(at, text, flags)) : -1;
    const int errnum = errno;
    if (at != from)
        close(at);
    errno = errnum;
    return fd;
}

static int open_from(int from, struct nsf_slice path, int flags)
{
    char text[NSF_PATH_MAX_BYTES + 1];
    if (path.len >= sizeof(text)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(text, path.ptr, path.len);
    text[path.len] = '\0';
    return open_in_steps(from, text, path.len, flags);
}

/* Of the text that both paths begin with, what ends with a slash. */
static size_t common_folder(struct nsf_slice a, struct nsf_slice b)
{
    const size_t most = a.len < b.len ? a.len : b.len;
    size_t n = 0;
    while (n < most && a.ptr[n] == b.ptr[n])
        n++;
    const char *slash = n == 0 ? NULL : memrchr(a.ptr, '/', n);
    return slash == NULL ? 0 : (size_t)(slash - a.ptr) + 1;
}

/* Behind the slashes that a prefix ends with; never empty for a file. */
static struct nsf_slice behind(struct nsf_slice path, size_t n)
{
    while (n < path.len && path.ptr[n] == '/')
        n++;
    return nsf_slice_from(path, n);
}

/* The folder that is open is around what the path names. */
static bool is_around(const struct nsf_near *near, struct nsf_slice path)
{
    return near->folder >= 0 && path.len > near->prefix.len &&
           memcmp(path.ptr, near->prefix.ptr, near->prefix.len) == 0;
}

/* From where one is, if that leads there. */
static void go_to(struct nsf_near *near, struct nsf_slice folder)
{
    const int next = is_around(near, folder) ? open_from(near->folder, behind(folder, near->prefix.len), FOLDER_FLAGS)
                                             : open_from(AT_FDCWD, folder, FOLDER_FLAGS);
    if (next < 0)
        return;
    if (near->folder >= 0)
        close(near->folder);
    near->folder = next;
    nsf_buf_reset(&near->prefix);
    nsf_buf_add(&near->prefix, folder);
}

/* Looks at what the path has in common with the one before, and goes there once that is worth it. */
static void learn(struct nsf_near *near, struct nsf_slice path)
{
    const size_t n = common_folder(path, nsf_buf_slice(&near->last));
    const bool is_there = n == near->prefix.len && is_around(near, path);
    near->n_elsewhere = n == 0 || is_there ? 0 : near->n_elsewhere + 1;
    if (near->n_elsewhere == RUN_MIN) {
        near->n_elsewhere = 0;
        go_to(near, nsf_slice(path.ptr, n));
    }
    nsf_buf_reset(&near->last);
    nsf_buf_add(&near->last, path);
}

int nsf_near_open(struct nsf_near *near, struct nsf_slice path)
{
    if (near == NULL || path.len > near->last.max)
        return open_from(AT_FDCWD, path, FILE_FLAGS);
    learn(near, path);
    if (is_around(near, path))
        return open_from(near->folder, behind(path, near->prefix.len), FILE_FLAGS);
    return open_from(AT_FDCWD, path, FILE_FLAGS);
}

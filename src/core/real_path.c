#include "core/nsf_common.h"

#include "core/real_path.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* What the kernel calls an open file; false where it has no name for it that fits: /proc is not there, the path is cut
 * off, or the file was removed just now (the name then ends so; a file may also be called so). */
static bool read_name(int fd, char whole[PATH_MAX])
{
    static const char removed[] = " (deleted)";
    const size_t tail = sizeof(removed) - 1;
    char link[32];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, whole, PATH_MAX);
    if (n <= 0 || n >= PATH_MAX || whole[0] != '/')
        return false;
    whole[n] = '\0';
    return (size_t)n < tail || memcmp(whole + (size_t)n - tail, removed, tail) != 0;
}

bool nsf_real_path(const char *path, char whole[PATH_MAX])
{
    int fd = (int)TEMP_FAILURE_RETRY(open(path, O_PATH | O_CLOEXEC));
    bool is_named = fd >= 0 && read_name(fd, whole);
    if (fd >= 0)
        close(fd);
    return is_named || realpath(path, whole) != NULL;
}

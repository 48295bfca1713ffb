#include "core/nsf_common.h"

#include "core/out.h"

#include "core/mem.h"
#include "core/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUT_BUFFER_BYTES ((size_t)64 << 10)
#define OUT_UNFINISHED_MAX 8

struct nsf_out {
    int fd; /* -1: memory */
    bool owns_fd;
    int saved_errno; /* of the first failed write, 0 is none */
    struct nsf_buf *memory;
    char *path;      /* where the file goes, NULL when nothing is renamed */
    char *temp_path; /* also in `unfinished` */
    size_t n_buffered;
    char buffered[OUT_BUFFER_BYTES];
};

/* Paths that a signal handler may have to remove: pointers are set before the file is created. */
static char *volatile unfinished[OUT_UNFINISHED_MAX];

static void remember_unfinished(char *path)
{
    for (size_t i = 0; i < OUT_UNFINISHED_MAX; i++)
        if (unfinished[i] == NULL) {
            unfinished[i] = path;
            return;
        }
}

static void forget_unfinished(const char *path)
{
    for (size_t i = 0; i < OUT_UNFINISHED_MAX; i++)
        if (unfinished[i] == path)
            unfinished[i] = NULL;
}

void nsf_out_remove_unfinished(void)
{
    for (size_t i = 0; i < OUT_UNFINISHED_MAX; i++)
        if (unfinished[i] != NULL)
            unlink(unfinished[i]);
}

static struct nsf_out *out_new(int fd, bool owns_fd)
{
    struct nsf_out *out = nsf_malloc(sizeof(*out));
    out->fd = fd;
    out->owns_fd = owns_fd;
    out->saved_errno = 0;
    out->memory = NULL;
    out->path = NULL;
    out->temp_path = NULL;
    out->n_buffered = 0;
    return out;
}

struct nsf_out *nsf_out_new_stdout(void)
{
    return out_new(STDOUT_FILENO, false);
}

struct nsf_out *nsf_out_new_buf(struct nsf_buf *buf)
{
    struct nsf_out *out = out_new(-1, false);
    out->memory = buf;
    return out;
}

static struct nsf_out *fail_open(const char *path, struct nsf_err *err)
{
    nsf_result r = NSF_FAIL(err, NSF_E_OUTPUT, NSF_OFFSET_NONE, "cannot write: %s", strerror(errno));
    (void)r;
    nsf_err_set_subject(err, path);
    return NULL;
}

static struct nsf_out *open_directly(const char *path, struct nsf_err *err)
{
    int fd = (int)TEMP_FAILURE_RETRY(open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY));
    return fd < 0 ? fail_open(path, err) : out_new(fd, true);
}

struct nsf_out *nsf_out_new_file(const char *path, struct nsf_err *err)
{
    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (exists && !S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? (errno = EISDIR, fail_open(path, err)) : open_directly(path, err);
    char *real = exists ? realpath(path, NULL) : NULL;
    char *target = nsf_strdup_n(real != NULL ? real : path, strlen(real != NULL ? real : path));
    free(real);
    size_t temp_size = strlen(target) + 16;
    char *temp_path = nsf_malloc(temp_size);
    snprintf(temp_path, temp_size, "%s.XXXXXX", target);
    remember_unfinished(temp_path);
    int fd = mkostemp(temp_path, O_CLOEXEC);
    if (fd < 0) {
        forget_unfinished(temp_path);
        nsf_free(temp_path);
        nsf_free(target);
        return fail_open(path, err);
    }
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, exists ? st.st_mode & 07777 : 0666 & ~mask) != 0) {
        /* the file stays readable by its owner alone */
    }
    struct nsf_out *out = out_new(fd, true);
    out->path = target;
    out->temp_path = temp_path;
    return out;
}

static void write_all(struct nsf_out *out, const char *ptr, size_t len)
{
    while (len > 0 && out->saved_errno == 0) {
        ssize_t n = write(out->fd, ptr, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            out->saved_errno = n == 0 ? EIO : errno;
            return;
        }
        ptr += n;
        len -= (size_t)n;
    }
}

static void flush(struct nsf_out *out)
{
    write_all(out, out->buffered, out->n_buffered);
    out->n_buffered = 0;
}

void nsf_out_write(struct nsf_out *out, const void *ptr, size_t len)
{
    if (len == 0)
        return;
    if (out->memory != NULL) {
        if (!nsf_buf_append(out->memory, ptr, len) && out->saved_errno == 0)
            out->saved_errno = EFBIG;
        return;
    }
    if (len > OUT_BUFFER_BYTES - out->n_buffered)
        flush(out);
    if (len >= OUT_BUFFER_BYTES) {
        write_all(out, ptr, len);
        return;
    }
    memcpy(out->buffered + out->n_buffered, ptr, len);
    out->n_buffered += len;
}

void nsf_out_str(struct nsf_out *out, const char *str)
{
    nsf_out_write(out, str, strlen(str));
}

void nsf_out_char(struct nsf_out *out, char c)
{
    nsf_out_write(out, &c, 1);
}

void nsf_out_printf(struct nsf_out *out, const char *fmt, ...)
{
    char small[512];
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof(small), fmt, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof(small)) {
        nsf_out_write(out, small, (size_t)n);
    } else if (n >= 0) {
        char *large = nsf_malloc((size_t)n + 1);
        vsnprintf(large, (size_t)n + 1, fmt, again);
        nsf_out_write(out, large, (size_t)n);
        nsf_free(large);
    }
    va_end(again);
}

void nsf_out_visible(struct nsf_out *out, struct nsf_slice text)
{
    while (text.len > 0) {
        uint32_t c;
        size_t n = nsf_utf8_decode(text, &c);
        if (n == 0) {
            nsf_out_printf(out, "\\x%02X", (unsigned)(unsigned char)text.ptr[0]);
            n = 1;
        } else if (nsf_utf8_is_unsafe(c)) {
            nsf_out_printf(out, c < 0x100 ? "\\x%02X" : "\\u{%04X}", (unsigned)c);
        } else {
            nsf_out_write(out, text.ptr, n);
        }
        text = nsf_slice_from(text, n);
    }
}

static void out_free(struct nsf_out *out)
{
    if (out->temp_path != NULL)
        forget_unfinished(out->temp_path);
    nsf_free(out->temp_path);
    nsf_free(out->path);
    nsf_free(out);
}

nsf_result nsf_out_close(struct nsf_out *out, struct nsf_err *err)
{
    flush(out);
    if (out->owns_fd) {
        if (out->temp_path != NULL && out->saved_errno == 0 && fsync(out->fd) != 0 && errno != EINVAL && errno != EROFS)
            out->saved_errno = errno;
        if (close(out->fd) != 0 && out->saved_errno == 0)
            out->saved_errno = errno;
        out->owns_fd = false;
    }
    if (out->temp_path != NULL && out->saved_errno == 0 && rename(out->temp_path, out->path) != 0)
        out->saved_errno = errno;
    nsf_result r = nsf_ok();
    if (out->saved_errno != 0) {
        r = NSF_FAIL(err, NSF_E_OUTPUT, NSF_OFFSET_NONE, "cannot write: %s", strerror(out->saved_errno));
        nsf_err_set_subject(err, out->path == NULL ? "standard output" : out->path);
        if (out->temp_path != NULL)
            unlink(out->temp_path);
    }
    out_free(out);
    return r;
}

void nsf_out_abandon(struct nsf_out *out)
{
    if (out == NULL)
        return;
    if (out->owns_fd)
        close(out->fd);
    if (out->temp_path != NULL)
        unlink(out->temp_path);
    out_free(out);
}

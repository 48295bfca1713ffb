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

#define OUT_FIRST_PIECE_BYTES ((size_t)64 << 10)

/* As many as the kernel follows. */
#define OUT_LINKS_MAX 40

struct out {
    struct nsf_out room; /* first: the outside knows an out by it */
    char *base;          /* where the room begins; NULL for memory */
    bool is_piece;       /* the room grows and is never written out */
    int fd;              /* of a file or standard output */
    bool owns_fd;
    int saved_errno; /* of the first failed write, 0 is none */
    struct nsf_buf *memory;
    char *path;      /* where the file goes; NULL is standard output */
    char *temp_path; /* also in `unfinished`; NULL when nothing is renamed */
};

static struct out *out_of(struct nsf_out *room)
{
    return (struct out *)room;
}

static size_t n_held(const struct out *out)
{
    return (size_t)(out->room.at - out->base);
}

static void set_room(struct out *out, size_t n_bytes, size_t n_used)
{
    out->base = nsf_realloc(out->base, n_bytes);
    out->room.at = out->base + n_used;
    out->room.end = out->base + n_bytes;
}

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

static struct out *out_new(int fd, bool owns_fd)
{
    struct out *out = nsf_calloc(1, sizeof(*out));
    out->fd = fd;
    out->owns_fd = owns_fd;
    return out;
}

static struct out *out_new_fd(int fd, bool owns_fd)
{
    struct out *out = out_new(fd, owns_fd);
    set_room(out, OUT_BUFFER_BYTES, 0);
    return out;
}

struct nsf_out *nsf_out_new_stdout(void)
{
    return &out_new_fd(STDOUT_FILENO, false)->room;
}

struct nsf_out *nsf_out_new_buf(struct nsf_buf *buf)
{
    struct out *out = out_new(-1, false);
    out->memory = buf;
    return &out->room;
}

struct nsf_out *nsf_out_new_piece(void)
{
    struct out *out = out_new(-1, false);
    out->is_piece = true;
    set_room(out, OUT_FIRST_PIECE_BYTES, 0);
    return &out->room;
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
    if (fd < 0)
        return fail_open(path, err);
    struct out *out = out_new_fd(fd, true);
    out->path = nsf_strdup_n(path, strlen(path));
    return &out->room;
}

/* Where a link points to that has nothing behind it yet: links are followed to the last one. */
static char *name_behind_links(const char *path)
{
    char *name = nsf_strdup_n(path, strlen(path)), link[PATH_MAX];
    for (int n = 0; n < OUT_LINKS_MAX; n++) {
        ssize_t len = readlink(name, link, sizeof(link));
        if (len <= 0 || (size_t)len == sizeof(link))
            break;
        const char *slash = link[0] == '/' ? NULL : strrchr(name, '/');
        size_t folder_len = slash == NULL ? 0 : (size_t)(slash + 1 - name);
        char *next = nsf_malloc(folder_len + (size_t)len + 1);
        memcpy(next, name, folder_len);
        memcpy(next + folder_len, link, (size_t)len);
        next[folder_len + (size_t)len] = '\0';
        nsf_free(name);
        name = next;
    }
    return name;
}

/* The regular file that `path` means, which need not be there yet. */
static char *target_of(const char *path, bool exists)
{
    char *real = exists ? realpath(path, NULL) : NULL;
    if (real == NULL)
        return name_behind_links(path);
    char *target = nsf_strdup_n(real, strlen(real));
    free(real); /* of the C library */
    return target;
}

struct nsf_out *nsf_out_new_file(const char *path, struct nsf_err *err)
{
    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (exists && !S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? (errno = EISDIR, fail_open(path, err)) : open_directly(path, err);
    if (!exists && errno == ELOOP)
        return fail_open(path, err);
    char *target = target_of(path, exists);
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
    struct out *out = out_new_fd(fd, true);
    out->path = target;
    out->temp_path = temp_path;
    return &out->room;
}

static void write_all(struct out *out, const char *ptr, size_t len)
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

static void flush(struct out *out)
{
    if (out->base == NULL || out->is_piece)
        return;
    write_all(out, out->base, n_held(out));
    out->room.at = out->base;
}

static void append_to_memory(struct out *out, const void *ptr, size_t len)
{
    if (!nsf_buf_append(out->memory, ptr, len) && out->saved_errno == 0)
        out->saved_errno = EFBIG;
}

static void grow_piece(struct out *out, size_t len)
{
    size_t held = n_held(out), n_bytes = (size_t)(out->room.end - out->base), needed = nsf_add_size(held, len);
    while (n_bytes < needed)
        n_bytes = nsf_mul_size(n_bytes, 2);
    set_room(out, n_bytes, held);
}

void nsf_out_write_long(struct nsf_out *room, const void *ptr, size_t len)
{
    struct out *out = out_of(room);
    if (out->memory != NULL) {
        append_to_memory(out, ptr, len);
        return;
    }
    if (out->is_piece) {
        grow_piece(out, len);
    } else {
        flush(out);
        if (len >= OUT_BUFFER_BYTES) {
            write_all(out, ptr, len);
            return;
        }
    }
    memcpy(room->at, ptr, len);
    room->at += len;
}

char *nsf_out_make_room(struct nsf_out *room, size_t n, char *spare)
{
    struct out *out = out_of(room);
    if (out->memory != NULL || n > OUT_BUFFER_BYTES)
        return spare;
    if (out->is_piece)
        grow_piece(out, n);
    else
        flush(out);
    return room->at;
}

void nsf_out_move(struct nsf_out *piece, struct nsf_out *out)
{
    struct out *from = out_of(piece);
    nsf_out_write(out, from->base, n_held(from));
    piece->at = from->base;
}

void nsf_out_str(struct nsf_out *out, const char *str)
{
    nsf_out_write(out, str, strlen(str));
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

static void out_free(struct out *out)
{
    if (out->temp_path != NULL)
        forget_unfinished(out->temp_path);
    nsf_free(out->temp_path);
    nsf_free(out->path);
    nsf_free(out->base);
    nsf_free(out);
}

nsf_result nsf_out_close(struct nsf_out *room, struct nsf_err *err)
{
    struct out *out = out_of(room);
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

void nsf_out_abandon(struct nsf_out *room)
{
    if (room == NULL)
        return;
    struct out *out = out_of(room);
    if (out->owns_fd)
        close(out->fd);
    if (out->temp_path != NULL)
        unlink(out->temp_path);
    out_free(out);
}

#include "core/nsf_common.h"

#include "source/file.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/pairset.h"
#include "source/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ETAG_TEXT_BYTES 80

struct file_source {
    struct nsf_source base;
    struct nsf_arena arena;
    const char *location;
    struct nsf_slice *paths; /* as they are opened, NUL-ended, by blob.index */
    size_t n;
    size_t capacity;
};

struct file_stream {
    struct nsf_stream base;
    int fd;
    bool is_stdin;
    bool is_gzip;
    bool is_unchanged; /* to be said at the first read */
    bool is_replaced;
    uint64_t size_bytes;
    int64_t created_ms;
    char etag[ETAG_TEXT_BYTES];
    struct nsf_err failure; /* said again and again */
    bool is_at_end;
};

/* ---- listing --------------------------------------------------------------------------------------- */

struct walk {
    struct file_source *source;
    const struct nsf_list_filter *filter;
    struct nsf_listing *listing;
    struct nsf_pairset devices[1]; /* folders walked: device and inode mixed to one key */
    struct nsf_buf path;
};

static nsf_result fail_path(struct nsf_err *err, const char *verb, int errnum)
{
    char reason[128];
    return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot %s: %s", verb, strerror_r(errnum, reason, sizeof(reason)));
}

/* Without `//`, `/./`, a slash at the end, and folders that a `..` leaves again. */
static struct nsf_slice normalise(struct nsf_slice path, struct nsf_buf *out)
{
    bool is_absolute = path.len > 0 && path.ptr[0] == '/';
    size_t floor = is_absolute ? 1 : 0; /* what `..` cannot take back */
    nsf_buf_reset(out);
    if (is_absolute)
        nsf_buf_add_char(out, '/');
    while (path.len > 0) {
        size_t len = nsf_slice_find(path, '/');
        struct nsf_slice part = nsf_slice(path.ptr, len);
        path = nsf_slice_from(path, len < path.len ? len + 1 : len);
        if (part.len == 0 || nsf_slice_eq(part, NSF_SLICE_LIT(".")))
            continue;
        bool is_up = nsf_slice_eq(part, NSF_SLICE_LIT(".."));
        if (is_up && is_absolute && out->len == floor)
            continue;
        if (is_up && out->len > floor) {
            while (out->len > floor && out->ptr[out->len - 1] != '/')
                out->len--;
            if (out->len > floor)
                out->len--;
            continue;
        }
        if (out->len > floor)
            nsf_buf_add_char(out, '/');
        nsf_buf_add(out, part);
        if (is_up)
            floor = out->len;
    }
    return out->len == 0 ? NSF_SLICE_LIT(".") : nsf_buf_slice(out);
}

static int64_t created_ms_of(int fd, const char *path)
{
    struct statx found;
    int flags = path == NULL ? AT_EMPTY_PATH : 0;
    if (statx(path == NULL ? fd : AT_FDCWD, path == NULL ? "" : path, flags, STATX_BTIME, &found) != 0 ||
        (found.stx_mask & STATX_BTIME) == 0)
        return NSF_TS_NONE;
    return found.stx_btime.tv_sec * NSF_MS_PER_SECOND + found.stx_btime.tv_nsec / 1000000;
}

static const char *etag_of(const struct stat *found, char buf[ETAG_TEXT_BYTES])
{
    snprintf(buf, ETAG_TEXT_BYTES, "%llx-%llx-%llx.%09ld", (unsigned long long)found->st_ino,
             (unsigned long long)found->st_size, (unsigned long long)found->st_mtim.tv_sec, found->st_mtim.tv_nsec);
    return buf;
}

static bool is_gzip_name(struct nsf_slice path)
{
    return nsf_slice_has_suffix_nocase(path, NSF_SLICE_LIT(".gz"));
}

static void add_file(struct walk *walk, struct nsf_slice path, const struct stat *found, int64_t hour)
{
    struct file_source *source = walk->source;
    char etag[ETAG_TEXT_BYTES];
    struct nsf_buf name;
    nsf_buf_init(&name, path.len + 1);
    struct nsf_blob blob = {
        .size_bytes = NSF_SIZE_UNKNOWN,
        .hour = hour,
        .created_ms = NSF_TS_NONE,
        .is_gzip = is_gzip_name(path),
        .source = &source->base,
        .index = source->n,
    };
    blob.name = normalise(path, &name);
    blob.order = blob.name;
    if (found != NULL && S_ISREG(found->st_mode)) {
        blob.size_bytes = (uint64_t)found->st_size;
        blob.etag = nsf_slice_str(etag_of(found, etag));
        blob.created_ms = created_ms_of(-1, path.ptr);
    }
    nsf_listing_add(walk->listing, &blob);
    NSF_GROW(source->paths, source->capacity, source->n + 1);
    source->paths[source->n++] = nsf_arena_copy(&source->arena, path);
    nsf_buf_release(&name);
}

static void note_unreadable(struct walk *walk, struct nsf_slice path, const char *verb, int errnum)
{
    struct nsf_err err = NSF_ERR_INIT;
    nsf_result r = fail_path(&err, verb, errnum);
    (void)r;
    nsf_problems_add_err(&walk->listing->problems, path, &err);
}

static bool is_new_folder(struct walk *walk, const struct stat *found)
{
    return nsf_pairset_add(walk->devices,
                           nsf_hash_mix((uint64_t)found->st_ino, nsf_hash_mix((uint64_t)found->st_dev, 1)) >> 1);
}

static int cmp_name(const void *left, const void *right)
{
    const struct nsf_slice *a = left, *b = right;
    return nsf_slice_cmp(*a, *b);
}

/* The names in a folder, sorted; texts in the arena. False: *errnum says why. */
static bool read_names(const char *path, struct nsf_arena *arena, struct nsf_slice **names, size_t *n, int *errnum)
{
    size_t capacity = 0;
    DIR *dir = opendir(path);
    *names = NULL;
    *n = 0;
    if (dir == NULL) {
        *errnum = errno;
        return false;
    }
    errno = 0;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] != '.') {
            NSF_GROW(*names, capacity, *n + 1);
            (*names)[(*n)++] = nsf_arena_copy(arena, nsf_slice_str(entry->d_name));
        }
        errno = 0;
    }
    *errnum = errno;
    closedir(dir);
    if (*n > 1)
        qsort(*names, *n, sizeof(**names), cmp_name);
    return *errnum == 0;
}

static void walk_folder(struct walk *walk);

/* walk->path is the entry. */
static void walk_entry(struct walk *walk)
{
    struct stat found;
    const char *path = nsf_buf_str(&walk->path);
    int64_t hour;
    if (stat(path, &found) != 0) {
        note_unreadable(walk, nsf_buf_slice(&walk->path), "read", errno);
        return;
    }
    if (S_ISDIR(found.st_mode)) {
        if (is_new_folder(walk, &found))
            walk_folder(walk);
        return;
    }
    if (!S_ISREG(found.st_mode))
        return;
    switch (nsf_layout_is_wanted(nsf_buf_slice(&walk->path), walk->filter, &hour)) {
    case NSF_WANTED:
        add_file(walk, nsf_buf_slice(&walk->path), &found, hour);
        return;
    case NSF_WANTED_OUTSIDE:
        walk->listing->n_outside++;
        return;
    case NSF_WANTED_PRUNED:
        walk->listing->n_pruned++;
        return;
    }
}

/* Paths are bounded by NSF_PATH_MAX_BYTES, and so is the recursion. */
static void walk_folder(struct walk *walk)
{
    struct nsf_arena arena;
    struct nsf_slice *names;
    size_t n, len = walk->path.len;
    int errnum;
    nsf_arena_init(&arena);
    if (!read_names(nsf_buf_str(&walk->path), &arena, &names, &n, &errnum))
        note_unreadable(walk, nsf_buf_slice(&walk->path), "read the folder", errnum);
    for (size_t i = 0; i < n; i++) {
        bool has_slash = len > 0 && walk->path.ptr[len - 1] == '/';
        bool fits = (has_slash || nsf_buf_append(&walk->path, "/", 1)) &&
                    nsf_buf_append(&walk->path, names[i].ptr, names[i].len) &&
                    walk->path.len < walk->path.max; /* the NUL */
        if (fits)
            walk_entry(walk);
        walk->path.len = len;
        if (!fits)
            note_unreadable(walk, nsf_buf_slice(&walk->path), "read an entry of the folder", ENAMETOOLONG);
    }
    nsf_free(names);
    nsf_arena_release(&arena);
}

static nsf_result file_list(struct nsf_source *base, const struct nsf_list_filter *filter, struct nsf_listing *listing,
                            struct nsf_err *err)
{
    struct file_source *source = (struct file_source *)base;
    struct walk walk = {.source = source, .filter = filter, .listing = listing};
    struct nsf_slice location = nsf_slice_str(source->location);
    struct stat found;
    if (nsf_slice_eq(location, NSF_SLICE_LIT("-"))) {
        add_file(&walk, location, NULL, NSF_HOUR_NONE);
        return nsf_ok();
    }
    if (stat(source->location, &found) != 0)
        return fail_path(err, "read", errno);
    if (!S_ISDIR(found.st_mode)) {
        add_file(&walk, location, &found, nsf_layout_parse(location).hour);
        return nsf_ok();
    }
    nsf_buf_init(&walk.path, NSF_PATH_MAX_BYTES);
    nsf_result r = nsf_ok();
    size_t n_problems = listing->problems.n, n_items = listing->n;
    if (!nsf_buf_append(&walk.path, location.ptr, location.len) || walk.path.len == walk.path.max) {
        r = fail_path(err, "read", ENAMETOOLONG);
    } else {
        (void)is_new_folder(&walk, &found);
        walk_folder(&walk);
        /* The folder itself could not be read. */
        if (listing->n == n_items && listing->problems.n == n_problems + 1 &&
            nsf_slice_eq(listing->problems.items[n_problems].path, location)) {
            listing->problems.n--;
            r = NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "%.*s",
                         NSF_SLICE_ARG(listing->problems.items[n_problems].detail));
        }
    }
    nsf_pairset_release(walk.devices);
    nsf_buf_release(&walk.path);
    return r;
}

/* ---- reading --------------------------------------------------------------------------------------- */

static enum nsf_read fail_stream(struct file_stream *stream, struct nsf_err *err)
{
    if (err != NULL && err->code == NSF_E_NONE)
        *err = stream->failure;
    return NSF_READ_ERROR;
}

static enum nsf_read file_read(struct nsf_stream *base, void *buf, size_t capacity, size_t *n, struct nsf_err *err)
{
    struct file_stream *stream = (struct file_stream *)base;
    *n = 0;
    if (stream->failure.code != NSF_E_NONE)
        return fail_stream(stream, err);
    if (stream->is_unchanged)
        return NSF_READ_UNCHANGED;
    if (stream->is_replaced) {
        stream->is_replaced = false;
        return NSF_READ_REPLACED;
    }
    ssize_t got = 0;
    do {
        got = stream->is_at_end ? 0 : read(stream->fd, buf, capacity);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        nsf_result r = fail_path(&stream->failure, "read", errno);
        (void)r;
        return fail_stream(stream, err);
    }
    stream->is_at_end = got == 0;
    *n = (size_t)got;
    return got == 0 ? NSF_READ_END : NSF_READ_BYTES;
}

static struct nsf_version file_version(const struct nsf_stream *base)
{
    const struct file_stream *stream = (const struct file_stream *)base;
    return (struct nsf_version){
        .size_bytes = stream->size_bytes,
        .etag = stream->etag[0] == '\0' ? (struct nsf_slice){NULL, 0} : nsf_slice_str(stream->etag),
        .created_ms = stream->created_ms,
        .is_gzip = stream->is_gzip,
    };
}

static void file_close(struct nsf_stream *base)
{
    struct file_stream *stream = (struct file_stream *)base;
    if (stream->fd >= 0 && !stream->is_stdin)
        close(stream->fd);
    nsf_free(stream);
}

static const struct nsf_stream_ops stream_ops = {
    .read = file_read,
    .version = file_version,
    .close = file_close,
};

/* Goes on where an earlier run stopped, if this is the same file and it did not shrink. */
static void resume(struct file_stream *stream, const struct nsf_open *how)
{
    bool is_known = how->known_etag.ptr != NULL;
    if (is_known && nsf_slice_eq(how->known_etag, nsf_slice_str(stream->etag))) {
        stream->is_unchanged = true;
        return;
    }
    bool is_other = is_known && how->known_created_ms != stream->created_ms;
    bool is_shorter = stream->size_bytes != NSF_SIZE_UNKNOWN && stream->size_bytes < how->from_offset;
    if (is_other || is_shorter)
        stream->is_replaced = true;
    else if (how->from_offset > 0 && lseek(stream->fd, (off_t)how->from_offset, SEEK_SET) < 0) {
        nsf_result r = fail_path(&stream->failure, "seek", errno);
        (void)r;
    }
}

static void look_at(struct file_stream *stream)
{
    struct stat found;
    if (fstat(stream->fd, &found) != 0 || !S_ISREG(found.st_mode))
        return;
    stream->size_bytes = (uint64_t)found.st_size;
    stream->created_ms = created_ms_of(stream->fd, NULL);
    etag_of(&found, stream->etag);
    if (stream->size_bytes > NSF_CHUNK_BYTES)
        (void)posix_fadvise(stream->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

static nsf_result file_open(struct nsf_source *base, const struct nsf_blob *blob, const struct nsf_open *how,
                            struct nsf_stream **opened, struct nsf_err *err)
{
    struct file_source *source = (struct file_source *)base;
    const char *path = source->paths[blob->index].ptr;
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : (int)TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (fd < 0)
        return fail_path(err, "open", errno);
    struct file_stream *stream = nsf_calloc(1, sizeof(*stream));
    stream->base.ops = &stream_ops;
    stream->fd = fd;
    stream->is_stdin = is_stdin;
    stream->is_gzip = blob->is_gzip;
    stream->size_bytes = NSF_SIZE_UNKNOWN;
    stream->created_ms = NSF_TS_NONE;
    stream->failure = (struct nsf_err)NSF_ERR_INIT;
    look_at(stream);
    if (how != NULL)
        resume(stream, how);
    *opened = &stream->base;
    return nsf_ok();
}

static void file_free(struct nsf_source *base)
{
    struct file_source *source = (struct file_source *)base;
    nsf_arena_release(&source->arena);
    nsf_free(source->paths);
    nsf_free(source);
}

static const struct nsf_source_ops source_ops = {
    .list = file_list,
    .open = file_open,
    .free = file_free,
};

struct nsf_source *nsf_file_source_new(const char *path)
{
    struct file_source *source = nsf_calloc(1, sizeof(*source));
    source->base.ops = &source_ops;
    nsf_arena_init(&source->arena);
    source->location = nsf_arena_copy(&source->arena, nsf_slice_str(path)).ptr;
    return &source->base;
}

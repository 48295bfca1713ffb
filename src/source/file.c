#include "core/nsf_common.h"

#include "source/file.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/pairset.h"
#include "core/parallel.h"
#include "source/layout.h"
#include "source/near.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define ETAG_TEXT_BYTES 80
/* What the system gives of a folder at a time. */
#define ENTRIES_BYTES ((size_t)32 << 10)
/* So many folders are held open, one in the other; entries further down are found by their whole path. */
#define FOLDERS_OPEN_MAX 64u
/* A folder with so much in it is walked by several threads, each of which takes a few parts of it. */
#define SHARED_ENTRIES_MIN 16u
#define SHARED_PARTS_PER_JOB 8u
#define SHARED_JOBS_MAX 8u
/* So often a pipe that gives nothing is asked whether the run is to end. */
#define STOP_LOOK_MS 100

/* How files are opened, by blob.index; absent: as the blob is called. */
struct paths {
    struct nsf_arena arena;
    struct nsf_slice *items;
    size_t n;
    size_t capacity;
};

struct file_source {
    struct nsf_source base;
    struct nsf_arena arena;
    const char *location;
    struct paths paths;
    const atomic_bool *is_stopped;
};

struct file_stream {
    struct nsf_stream base;
    int fd;
    bool is_stdin;
    const atomic_bool *is_stopped; /* looked at while a pipe gives nothing; or NULL */
    bool is_gzip;
    bool is_unchanged; /* to be said at the first read */
    bool is_replaced;
    uint64_t size_bytes;
    uint64_t position; /* in the file */
    int64_t created_ms;
    char etag[ETAG_TEXT_BYTES];
    struct nsf_err failure; /* said again and again */
    bool is_at_end;
};

/* ---- listing --------------------------------------------------------------------------------------- */

struct walk {
    struct nsf_source *source;
    struct paths *paths;
    const struct nsf_list_filter *filter;
    struct nsf_listing *listing;
    struct nsf_pairset devices[1]; /* folders walked: device and inode mixed to one key */
    struct nsf_buf path;           /* of the entry at hand, as it is opened */
    struct nsf_buf name;           /* of the same, as it is called */
    char *entries;                 /* ENTRIES_BYTES of what the system says is in a folder */
    unsigned n_open;               /* folders held open around the entry */
    unsigned n_open_max;
    unsigned jobs;     /* threads that may share it */
    bool is_part;      /* of one that is shared: it holds a share of the folders open, and knows only its own */
    bool has_given_up; /* a part that would need more */
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

/* All that is asked of a file, at once: looking it up costs more than answering. False: errno says why. */
static bool look_at(int fd, const char *path, struct statx *found)
{
    const int flags = path[0] == '\0' ? AT_EMPTY_PATH : 0;
    return statx(fd, path, flags, STATX_BASIC_STATS | STATX_BTIME, found) == 0;
}

static int64_t created_ms_of(const struct statx *found)
{
    if ((found->stx_mask & STATX_BTIME) == 0)
        return NSF_TS_NONE;
    return found->stx_btime.tv_sec * NSF_MS_PER_SECOND + found->stx_btime.tv_nsec / 1000000;
}

static char *put_hex(char *at, uint64_t value)
{
    static const char hex[] = "0123456789abcdef";
    int shift = 0;
    while (shift < 60 && value >> shift >= 16)
        shift += 4;
    for (; shift >= 0; shift -= 4)
        *at++ = hex[value >> shift & 15];
    return at;
}

static struct nsf_slice etag_of(const struct statx *found, char buf[ETAG_TEXT_BYTES])
{
    char *at = put_hex(buf, found->stx_ino);
    *at++ = '-';
    at = put_hex(at, found->stx_size);
    *at++ = '-';
    at = put_hex(at, (uint64_t)found->stx_mtime.tv_sec);
    *at++ = '.';
    for (uint32_t unit = 100000000; unit > 0; unit /= 10)
        *at++ = (char)('0' + found->stx_mtime.tv_nsec / unit % 10);
    *at = '\0';
    return nsf_slice(buf, (size_t)(at - buf));
}

static bool is_gzip_name(struct nsf_slice path)
{
    return nsf_slice_has_suffix_nocase(path, NSF_SLICE_LIT(".gz"));
}

/* `name` is the path as it is called; *found is NULL for what cannot be looked at before it is read. */
static void add_file(struct walk *walk, struct nsf_slice path, struct nsf_slice name, const struct statx *found,
                     int64_t hour)
{
    struct paths *paths = walk->paths;
    char etag[ETAG_TEXT_BYTES];
    struct nsf_blob blob = {
        .name = name,
        .order = name,
        .size_bytes = NSF_SIZE_UNKNOWN,
        .hour = hour,
        .created_ms = NSF_TS_NONE,
        .is_gzip = is_gzip_name(path),
        .source = walk->source,
        .index = paths->n,
    };
    if (found != NULL && S_ISREG(found->stx_mode)) {
        blob.size_bytes = found->stx_size;
        blob.etag = etag_of(found, etag);
        blob.created_ms = created_ms_of(found);
    }
    nsf_listing_add(walk->listing, &blob);
    NSF_GROW(paths->items, paths->capacity, paths->n + 1);
    paths->items[paths->n++] =
        nsf_slice_eq(path, name) ? (struct nsf_slice){NULL, 0} : nsf_arena_copy(&paths->arena, path);
}

static void note_unreadable(struct walk *walk, const char *verb, int errnum)
{
    struct nsf_err err = NSF_ERR_INIT;
    nsf_result r = fail_path(&err, verb, errnum);
    (void)r;
    nsf_problems_add_err(&walk->listing->problems, nsf_buf_slice(&walk->path), &err);
}

static bool is_new_folder(struct walk *walk, const struct statx *found)
{
    const uint64_t device = (uint64_t)found->stx_dev_major << 32 | found->stx_dev_minor;
    return nsf_pairset_add(walk->devices, nsf_hash_mix(found->stx_ino, nsf_hash_mix(device, 1)) >> 1);
}

struct entry {
    struct nsf_slice name;
    unsigned char type; /* DT_..., as far as the folder knows */
};

static int cmp_entry(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    return nsf_slice_cmp(a->name, b->name);
}

struct entries {
    struct entry *items;
    size_t n;
    size_t capacity;
    struct nsf_arena arena; /* of the names */
};

/* Adds those of one answer of the system. */
static void take_entries(struct entries *entries, const char *bytes, size_t n_bytes)
{
    for (size_t at = 0; at < n_bytes;) {
        struct dirent64 head;
        memcpy(&head, bytes + at, offsetof(struct dirent64, d_name));
        const char *name = bytes + at + offsetof(struct dirent64, d_name);
        at += head.d_reclen;
        if (name[0] == '.')
            continue;
        NSF_GROW(entries->items, entries->capacity, entries->n + 1);
        entries->items[entries->n++] =
            (struct entry){.name = nsf_arena_copy(&entries->arena, nsf_slice_str(name)), .type = head.d_type};
    }
}

/* What is in a folder, sorted by name. False: errno says why that is not all. */
static bool read_entries(struct walk *walk, int fd, struct entries *entries)
{
    ssize_t n;
    while ((n = getdents64(fd, walk->entries, ENTRIES_BYTES)) > 0)
        take_entries(entries, walk->entries, (size_t)n);
    const int errnum = errno;
    if (entries->n > 1)
        qsort(entries->items, entries->n, sizeof(*entries->items), cmp_entry);
    errno = errnum;
    return n == 0;
}

static void walk_folder(struct walk *walk, int fd);

/* `place` names the entry for the system, from the folder that is open as `at`. */
static void enter_folder(struct walk *walk, int at, const char *place)
{
    struct statx found;
    const int fd = (int)TEMP_FAILURE_RETRY(openat(at, place, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const int errnum = errno;
    if (fd >= 0 && look_at(fd, "", &found)) {
        if (is_new_folder(walk, &found))
            walk_folder(walk, fd);
        else
            close(fd);
        return;
    }
    if (fd >= 0)
        close(fd);
    if (!look_at(at, place, &found))
        note_unreadable(walk, "read", errno);
    else if (is_new_folder(walk, &found))
        note_unreadable(walk, "read the folder", errnum);
}

static void found_file(struct walk *walk, const struct statx *found)
{
    int64_t hour;
    const struct nsf_slice path = nsf_buf_slice(&walk->path);
    switch (nsf_layout_is_wanted(path, walk->filter, &hour)) {
    case NSF_WANTED:
        add_file(walk, path, nsf_buf_slice(&walk->name), found, hour);
        return;
    case NSF_WANTED_OUTSIDE:
        walk->listing->n_outside++;
        return;
    case NSF_WANTED_PRUNED:
        walk->listing->n_pruned++;
        return;
    }
}

static void walk_entry(struct walk *walk, int at, const char *place, unsigned char type)
{
    struct statx found;
    if (type == DT_DIR) {
        enter_folder(walk, at, place);
        return;
    }
    if (type != DT_REG && type != DT_LNK && type != DT_UNKNOWN)
        return;
    if (!look_at(at, place, &found))
        note_unreadable(walk, "read", errno);
    else if (S_ISDIR(found.stx_mode))
        enter_folder(walk, at, place);
    else if (S_ISREG(found.stx_mode))
        found_file(walk, &found);
}

/* To path and name. False: the path would be too long. */
static bool append_name(struct walk *walk, struct nsf_slice name)
{
    const struct nsf_slice folder = nsf_buf_slice(&walk->name);
    const bool has_slash = walk->path.len > 0 && walk->path.ptr[walk->path.len - 1] == '/';
    const bool fits = (has_slash || nsf_buf_append(&walk->path, "/", 1)) &&
                      nsf_buf_append(&walk->path, name.ptr, name.len) && walk->path.len < walk->path.max; /* the NUL */
    if (!fits)
        return false;
    /* The name of the folder is never longer than its path, and ends with a slash only where it is the root. */
    if (nsf_slice_eq(folder, NSF_SLICE_LIT(".")))
        nsf_buf_reset(&walk->name);
    else if (!nsf_slice_eq(folder, NSF_SLICE_LIT("/")))
        nsf_buf_add_char(&walk->name, '/');
    nsf_buf_add(&walk->name, name);
    return true;
}

/* Entries [from, to) of the folder; fd is -1 where it is not held open. */
static void walk_entries(struct walk *walk, int fd, const struct entries *entries, size_t from, size_t to)
{
    const size_t path_len = walk->path.len, name_len = walk->name.len;
    const char first = walk->name.ptr[0]; /* "." is written over */
    for (size_t i = from; i < to && !walk->has_given_up; i++) {
        const struct entry *entry = &entries->items[i];
        const bool fits = append_name(walk, entry->name);
        if (fits && fd >= 0)
            walk_entry(walk, fd, nsf_buf_str(&walk->path) + walk->path.len - entry->name.len, entry->type);
        else if (fits)
            walk_entry(walk, AT_FDCWD, nsf_buf_str(&walk->path), entry->type);
        walk->path.len = path_len;
        walk->name.len = name_len;
        walk->name.ptr[0] = first;
        if (!fits)
            note_unreadable(walk, "read an entry of the folder", ENAMETOOLONG);
    }
}

/* ---- a folder that several threads walk ---- */

struct part {
    struct walk walk;
    struct nsf_listing listing;
    struct paths paths;
    size_t from; /* entries [from, to) */
    size_t to;
};

struct shared {
    const struct entries *entries;
    int fd;
    struct part *parts;
    size_t n_parts;
};

static void part_init(struct part *part, const struct walk *whole, size_t from, size_t to)
{
    *part = (struct part){.from = from, .to = to};
    nsf_listing_init(&part->listing);
    nsf_arena_init(&part->paths.arena);
    part->walk = (struct walk){
        .source = whole->source,
        .paths = &part->paths,
        .filter = whole->filter,
        .listing = &part->listing,
        .n_open = whole->n_open,
        .n_open_max = whole->n_open + (whole->n_open_max - whole->n_open) / whole->jobs,
        .jobs = 1,
        .is_part = true,
    };
    nsf_buf_init(&part->walk.path, whole->path.max);
    nsf_buf_init(&part->walk.name, whole->name.max);
    nsf_buf_add(&part->walk.path, nsf_buf_slice(&whole->path));
    nsf_buf_add(&part->walk.name, nsf_buf_slice(&whole->name));
}

static void part_release(struct part *part)
{
    nsf_listing_release(&part->listing);
    nsf_arena_release(&part->paths.arena);
    nsf_free(part->paths.items);
    nsf_pairset_release(part->walk.devices);
    nsf_buf_release(&part->walk.path);
    nsf_buf_release(&part->walk.name);
}

static void walk_part(void *ctx, size_t i)
{
    const struct shared *shared = ctx;
    struct part *part = &shared->parts[i];
    part->walk.entries = nsf_malloc(ENTRIES_BYTES);
    walk_entries(&part->walk, shared->fd, shared->entries, part->from, part->to);
    nsf_free(part->walk.entries);
}

/* Adds the folders of a part to those of the parts before. False: one of them was walked already, or it gave up. */
static bool add_folders(const struct walk *walk, const struct walk *part, struct nsf_pairset *fresh)
{
    const struct nsf_pairset *own = part->devices;
    bool are_new = !part->has_given_up;
    for (uint32_t i = 0; own->slots != NULL && i <= own->mask && are_new; i++)
        if (own->slots[i] != 0)
            are_new = !nsf_pairset_has(walk->devices, own->slots[i] - 1) && nsf_pairset_add(fresh, own->slots[i] - 1);
    return are_new;
}

/* Whether the parts walked what one walk would have: no folder twice. It knows their folders then. */
static bool are_separate(struct walk *walk, const struct shared *shared)
{
    struct nsf_pairset fresh = {0};
    bool are_new = true;
    for (size_t i = 0; i < shared->n_parts && are_new; i++)
        are_new = add_folders(walk, &shared->parts[i].walk, &fresh);
    for (uint32_t i = 0; fresh.slots != NULL && i <= fresh.mask && are_new; i++)
        if (fresh.slots[i] != 0)
            nsf_pairset_add(walk->devices, fresh.slots[i] - 1);
    nsf_pairset_release(&fresh);
    return are_new;
}

/* What the part found comes behind what was found before. */
static void join_part(struct walk *walk, struct part *part)
{
    struct nsf_listing *listing = walk->listing;
    struct paths *paths = walk->paths;
    NSF_GROW(listing->items, listing->capacity, listing->n + part->listing.n);
    NSF_GROW(paths->items, paths->capacity, paths->n + part->paths.n);
    for (size_t i = 0; i < part->listing.n; i++) {
        struct nsf_blob *blob = &listing->items[listing->n++];
        *blob = part->listing.items[i];
        blob->index += paths->n;
    }
    for (size_t i = 0; i < part->paths.n; i++)
        paths->items[paths->n++] = part->paths.items[i];
    nsf_arena_adopt(&listing->arena, &part->listing.arena);
    nsf_arena_adopt(&paths->arena, &part->paths.arena);
    listing->n_pruned += part->listing.n_pruned;
    listing->n_outside += part->listing.n_outside;
    nsf_problems_merge(&listing->problems, &part->listing.problems);
}

/* False: it has to be walked in order, since what is found first counts. */
static bool walk_shared(struct walk *walk, int fd, const struct entries *entries)
{
    const size_t most = (size_t)walk->jobs * SHARED_PARTS_PER_JOB, n_parts = entries->n < most ? entries->n : most;
    struct shared shared = {.entries = entries, .fd = fd, .n_parts = n_parts};
    shared.parts = nsf_calloc(n_parts, sizeof(*shared.parts));
    for (size_t i = 0; i < n_parts; i++)
        part_init(&shared.parts[i], walk, i * entries->n / n_parts, (i + 1) * entries->n / n_parts);
    nsf_parallel(walk->jobs, n_parts, walk_part, &shared);
    const bool is_done = are_separate(walk, &shared);
    for (size_t i = 0; i < n_parts; i++) {
        if (is_done)
            join_part(walk, &shared.parts[i]);
        part_release(&shared.parts[i]);
    }
    nsf_free(shared.parts);
    return is_done;
}

static bool is_worth_sharing(const struct walk *walk, const struct entries *entries)
{
    size_t n_folders = 0;
    for (size_t i = 0; i < entries->n && walk->jobs > 1; i++)
        n_folders += entries->items[i].type == DT_DIR;
    return n_folders >= SHARED_ENTRIES_MIN;
}

/* Paths are bounded by NSF_PATH_MAX_BYTES, and so is the recursion. Takes fd. */
static void walk_folder(struct walk *walk, int fd)
{
    struct entries entries = {.n = 0};
    nsf_arena_init(&entries.arena);
    if (!read_entries(walk, fd, &entries))
        note_unreadable(walk, "read the folder", errno);
    const bool is_held = walk->n_open < walk->n_open_max;
    if (!is_held)
        close(fd);
    walk->n_open++;
    walk->has_given_up |= walk->is_part && !is_held;
    bool is_walked = false;
    if (is_held && is_worth_sharing(walk, &entries)) {
        is_walked = walk_shared(walk, fd, &entries);
        walk->jobs = is_walked ? walk->jobs : 1;
    }
    if (!is_walked)
        walk_entries(walk, is_held ? fd : -1, &entries, 0, entries.n);
    walk->n_open--;
    if (is_held)
        close(fd);
    nsf_free(entries.items);
    nsf_arena_release(&entries.arena);
}

/* The folder itself must be readable; what is wrong further down is a problem of the listing. */
static nsf_result list_folder(struct walk *walk, struct nsf_slice location, struct nsf_err *err)
{
    if (!nsf_buf_append(&walk->path, location.ptr, location.len) || walk->path.len == walk->path.max)
        return fail_path(err, "read", ENAMETOOLONG);
    (void)normalise(location, &walk->name);
    if (walk->name.len == 0)
        nsf_buf_add_char(&walk->name, '.');
    walk->entries = nsf_malloc(ENTRIES_BYTES);
    struct nsf_listing *listing = walk->listing;
    const size_t n_problems = listing->problems.n, n_items = listing->n;
    enter_folder(walk, AT_FDCWD, nsf_buf_str(&walk->path));
    nsf_free(walk->entries);
    const bool is_unreadable = listing->n == n_items && listing->problems.n == n_problems + 1 &&
                               nsf_slice_eq(listing->problems.items[n_problems].path, location);
    if (!is_unreadable)
        return nsf_ok();
    listing->problems.n--;
    return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "%.*s", NSF_SLICE_ARG(listing->problems.items[n_problems].detail));
}

static nsf_result file_list(struct nsf_source *base, const struct nsf_list_filter *filter, struct nsf_listing *listing,
                            struct nsf_err *err)
{
    struct file_source *source = (struct file_source *)base;
    struct walk walk = {
        .source = base,
        .paths = &source->paths,
        .filter = filter,
        .listing = listing,
        .n_open_max = FOLDERS_OPEN_MAX,
        .jobs = filter->jobs < SHARED_JOBS_MAX ? filter->jobs : SHARED_JOBS_MAX,
    };
    const struct nsf_slice location = nsf_slice_str(source->location);
    const bool is_stdin = nsf_slice_eq(location, NSF_SLICE_LIT("-"));
    struct statx found;
    nsf_result r = nsf_ok();
    nsf_buf_init(&walk.path, NSF_PATH_MAX_BYTES);
    nsf_buf_init(&walk.name, NSF_PATH_MAX_BYTES > location.len ? NSF_PATH_MAX_BYTES : location.len + 1);
    if (is_stdin)
        add_file(&walk, location, location, NULL, NSF_HOUR_NONE);
    else if (!look_at(AT_FDCWD, source->location, &found))
        r = fail_path(err, "read", errno);
    else if (S_ISDIR(found.stx_mode))
        r = list_folder(&walk, location, err);
    else
        add_file(&walk, location, normalise(location, &walk.name), &found, nsf_layout_parse(location).hour);
    nsf_pairset_release(walk.devices);
    nsf_buf_release(&walk.name);
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

/* A pipe nobody writes to would hold a run that is to end. The thread that gets the signal may be another one, so it is
 * looked for in between. */
static bool wait_for_bytes(const struct file_stream *stream)
{
    struct pollfd pipe = {.fd = stream->fd, .events = POLLIN};
    while (!atomic_load(stream->is_stopped)) {
        const int n_ready = poll(&pipe, 1, STOP_LOOK_MS);
        if (n_ready > 0 || (n_ready < 0 && errno != EINTR))
            return true;
    }
    return false;
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
    if (stream->is_at_end)
        return NSF_READ_END;
    if (stream->is_stopped != NULL && stream->size_bytes == NSF_SIZE_UNKNOWN && !wait_for_bytes(stream)) {
        nsf_result r = NSF_FAIL(&stream->failure, NSF_E_INTERRUPTED, NSF_OFFSET_NONE, "interrupted");
        (void)r;
        return fail_stream(stream, err);
    }
    const ssize_t got = TEMP_FAILURE_RETRY(read(stream->fd, buf, capacity));
    if (got < 0) {
        nsf_result r = fail_path(&stream->failure, "read", errno);
        (void)r;
        return fail_stream(stream, err);
    }
    *n = (size_t)got;
    stream->position += *n;
    /* Less than asked for and all that there was when it was last looked at: one call less for each small file. */
    stream->is_at_end = got == 0 || (*n < capacity && stream->position == stream->size_bytes);
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
    if (is_other || is_shorter) {
        stream->is_replaced = true;
    } else if (how->from_offset > 0 && lseek(stream->fd, (off_t)how->from_offset, SEEK_SET) < 0) {
        nsf_result r = fail_path(&stream->failure, "seek", errno);
        (void)r;
    } else {
        stream->position = how->from_offset;
    }
}

static void note_version(struct file_stream *stream)
{
    struct statx found;
    if (!look_at(stream->fd, "", &found) || !S_ISREG(found.stx_mode))
        return;
    stream->size_bytes = found.stx_size;
    stream->created_ms = created_ms_of(&found);
    (void)etag_of(&found, stream->etag);
}

static nsf_result file_open(struct nsf_source *base, const struct nsf_blob *blob, const struct nsf_open *how,
                            struct nsf_stream **opened, struct nsf_err *err)
{
    struct file_source *source = (struct file_source *)base;
    const struct nsf_slice listed = source->paths.items[blob->index];
    const struct nsf_slice path = listed.ptr == NULL ? blob->name : listed;
    const bool is_stdin = nsf_slice_eq(path, NSF_SLICE_LIT("-"));
    const int fd = is_stdin ? STDIN_FILENO : nsf_near_open(how == NULL ? NULL : how->near, path);
    if (fd < 0)
        return fail_path(err, "open", errno);
    struct file_stream *stream = nsf_calloc(1, sizeof(*stream));
    stream->base.ops = &stream_ops;
    stream->fd = fd;
    stream->is_stdin = is_stdin;
    stream->is_stopped = source->is_stopped;
    stream->is_gzip = blob->is_gzip;
    stream->size_bytes = NSF_SIZE_UNKNOWN;
    stream->created_ms = NSF_TS_NONE;
    stream->failure = (struct nsf_err)NSF_ERR_INIT;
    if (how == NULL || !how->needs_no_version || how->known_etag.ptr != NULL)
        note_version(stream);
    else
        stream->size_bytes = blob->size_bytes;
    if (stream->size_bytes != NSF_SIZE_UNKNOWN && stream->size_bytes > NSF_CHUNK_BYTES)
        (void)posix_fadvise(stream->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (how != NULL)
        resume(stream, how);
    *opened = &stream->base;
    return nsf_ok();
}

static void file_free(struct nsf_source *base)
{
    struct file_source *source = (struct file_source *)base;
    nsf_arena_release(&source->arena);
    nsf_arena_release(&source->paths.arena);
    nsf_free(source->paths.items);
    nsf_free(source);
}

static const struct nsf_source_ops source_ops = {
    .list = file_list,
    .open = file_open,
    .free = file_free,
};

struct nsf_source *nsf_file_source_new(const char *path, const atomic_bool *is_stopped)
{
    struct file_source *source = nsf_calloc(1, sizeof(*source));
    source->base.ops = &source_ops;
    source->is_stopped = is_stopped;
    nsf_arena_init(&source->arena);
    nsf_arena_init(&source->paths.arena);
    source->location = nsf_arena_copy(&source->arena, nsf_slice_str(path)).ptr;
    return &source->base;
}

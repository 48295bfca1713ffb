#include "core/nsf_common.h"

#include "run/locations.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/version.h"
#include "source/azure.h"
#include "source/file.h"
#include "source/secret.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

struct nsf_locations {
    struct nsf_azure_options options;
    void (*say)(const char *line);
    struct nsf_azure *azure; /* once a storage address was named */
    struct nsf_arena names;
    struct nsf_fetched *files;
    size_t n_files;
    size_t files_capacity;
};

static void say(void *ctx, const char *line)
{
    ((const struct nsf_locations *)ctx)->say(line);
}

struct nsf_locations *nsf_locations_new(const struct nsf_locations_options *options)
{
    struct nsf_locations *locations = nsf_calloc(1, sizeof(*locations));
    locations->options = nsf_azure_options_default();
    locations->options.user_agent = "nsgflow/" NSF_VERSION;
    locations->options.endpoint = options->endpoint;
    locations->options.ca_file = options->ca_file;
    locations->options.max_requests_per_second = options->max_requests_per_second;
    locations->options.is_stopped = options->is_stopped;
    locations->say = options->say;
    if (options->say != NULL) {
        locations->options.say = say;
        locations->options.say_ctx = locations;
    }
    nsf_arena_init(&locations->names);
    return locations;
}

void nsf_locations_free(struct nsf_locations *locations)
{
    if (locations == NULL)
        return;
    for (size_t i = 0; i < locations->n_files; i++)
        close(locations->files[i].fd);
    nsf_free(locations->files);
    nsf_arena_release(&locations->names);
    nsf_azure_free(locations->azure);
    nsf_free(locations);
}

bool nsf_locations_is_remote(const char *location)
{
    return nsf_azure_is_location(nsf_slice_str(location));
}

struct nsf_slice nsf_locations_shown(const char *location)
{
    return nsf_secret_cut(location);
}

static void set_subject(struct nsf_locations *locations, const char *location, struct nsf_err *err)
{
    nsf_err_set_subject(err, nsf_arena_copy(&locations->names, nsf_locations_shown(location)).ptr);
}

nsf_result nsf_locations_source(struct nsf_locations *locations, const char *location, struct nsf_source **source,
                                struct nsf_err *err)
{
    if (!nsf_locations_is_remote(location)) {
        *source = nsf_file_source_new(location, locations->options.is_stopped);
        return nsf_ok();
    }
    nsf_result r = nsf_ok();
    if (locations->azure == NULL)
        r = nsf_azure_new(&locations->options, &locations->azure, err);
    if (!nsf_failed(r))
        r = nsf_azure_source_new(locations->azure, nsf_slice_str(location), source, err);
    if (nsf_failed(r))
        set_subject(locations, location, err);
    return r;
}

/* ---- whole files ---- */

static bool write_all(int fd, const char *ptr, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, ptr, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        ptr += n;
        len -= (size_t)n;
    }
    return true;
}

static nsf_result copy_stream(struct nsf_stream *stream, int fd, uint64_t max_bytes, struct nsf_err *err)
{
    char *piece = nsf_malloc(NSF_CHUNK_BYTES);
    uint64_t n_total = 0;
    nsf_result r = nsf_ok();
    for (bool goes_on = true; goes_on && !nsf_failed(r);) {
        size_t n = 0;
        switch (nsf_stream_read(stream, piece, NSF_CHUNK_BYTES, &n, err)) {
        case NSF_READ_BYTES:
            n_total += n;
            if (n_total > max_bytes)
                r = NSF_FAIL(err, NSF_E_LIMIT, max_bytes,
                             "longer than %llu bytes, the most that is read of such a file",
                             (unsigned long long)max_bytes);
            else if (!write_all(fd, piece, n))
                r = NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot be kept: %s", strerror(errno));
            break;
        case NSF_READ_REPLACED:
            n_total = 0;
            if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0)
                r = NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot be kept: %s", strerror(errno));
            break;
        case NSF_READ_ERROR:
            r.failed = true;
            break;
        case NSF_READ_END:
        case NSF_READ_UNCHANGED:
            goes_on = false;
            break;
        }
    }
    nsf_free(piece);
    return r;
}

static nsf_result fetch_blob(struct nsf_locations *locations, const struct nsf_blob *blob, uint64_t max_bytes,
                             struct nsf_err *err)
{
    struct nsf_stream *stream;
    nsf_result r = nsf_source_open(blob, NULL, &stream, err);
    if (nsf_failed(r))
        return r;
    const int fd = memfd_create("nsgflow-fetched", MFD_CLOEXEC);
    if (fd < 0)
        r = NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot be kept: %s", strerror(errno));
    else
        r = copy_stream(stream, fd, max_bytes, err);
    nsf_stream_close(stream);
    const char *name = nsf_arena_copy(&locations->names, blob->name).ptr;
    if (nsf_failed(r)) {
        if (fd >= 0)
            close(fd);
        nsf_err_set_subject(err, name);
        return r;
    }
    (void)lseek(fd, 0, SEEK_SET);
    NSF_GROW(locations->files, locations->files_capacity, locations->n_files + 1);
    locations->files[locations->n_files++] = (struct nsf_fetched){.name = name, .fd = fd};
    return r;
}

nsf_result nsf_locations_fetch(struct nsf_locations *locations, const char *location, uint64_t max_bytes,
                               const struct nsf_fetched **files, size_t *n_files, struct nsf_err *err)
{
    struct nsf_source *source;
    const struct nsf_list_filter everything = NSF_LIST_FILTER_INIT;
    const size_t n_before = locations->n_files;
    nsf_result r = nsf_locations_source(locations, location, &source, err);
    if (nsf_failed(r))
        return r;
    struct nsf_listing listing;
    nsf_listing_init(&listing);
    r = nsf_source_list(source, &everything, &listing, err);
    for (size_t i = 0; i < listing.n && !nsf_failed(r); i++)
        r = fetch_blob(locations, &listing.items[i], max_bytes, err);
    if (!nsf_failed(r) && listing.n == 0)
        r = NSF_FAIL(err, NSF_E_EMPTY, NSF_OFFSET_NONE, "there is no blob to read");
    if (nsf_failed(r))
        set_subject(locations, location, err);
    nsf_listing_release(&listing);
    nsf_source_free(source);
    *files = locations->files + n_before;
    *n_files = locations->n_files - n_before;
    return r;
}

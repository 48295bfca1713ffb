/*
 * storage_cat - lists a storage address and reads every blob through the storage source alone.
 *
 * usage: storage_cat [options] ADDRESS...
 *   --list              only the listing
 *   --cat               bytes of the blobs to standard output, in order of their names
 *   --null              bytes of the blobs are counted and dropped
 *   --since, --until T  as the program has them
 *   --chunk N           bytes a read
 *   --range N           bytes a request
 *   --threads N         streams read at a time
 *   --ahead N           expects each blob N blobs before it is opened
 *   --from N --etag E --created MS   continue a blob known from before (with one blob)
 *   --retry-ms N  --stall-s N  --rps N  --endpoint E  --ca-file F  --verbose  --wait-ms N (between reads)
 *
 * SIGINT ends it as it ends the program.
 * One line a blob, in the order of their names: name, hour, size, MD5, what happened. Then totals.
 */
#include "core/nsf_common.h"

#include "core/clock.h"
#include "core/mem.h"
#include "core/out.h"
#include "core/thread.h"
#include "source/azure.h"
#include "source/sign.h"

#include <getopt.h>
#include <signal.h>

struct settings {
    bool is_list;
    bool is_cat;
    bool is_null;
    size_t chunk;
    unsigned n_threads;
    size_t ahead; /* so many blobs before one is opened it is expected */
    int64_t wait_ms;
    struct nsf_open how;
    struct nsf_list_filter filter;
    struct nsf_azure_options options;
};

struct result {
    struct nsf_buf bytes;
    char text[640];
    bool has_failed;
};

struct work {
    const struct settings *settings;
    struct nsf_listing *listing;
    struct result *results;
    atomic_size_t next;
};

static atomic_bool is_stopped;

static void say(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "%s\n", line);
}

static const char *read_blob(const struct settings *settings, struct nsf_stream *stream, struct result *result,
                             struct nsf_err *err)
{
    const char *story = "whole";
    for (;;) {
        char *into = nsf_buf_reserve(&result->bytes, settings->chunk);
        size_t n = 0;
        if (into == NULL)
            return "too long";
        switch (nsf_stream_read(stream, into, settings->chunk, &n, err)) {
        case NSF_READ_BYTES:
            result->bytes.len = settings->is_null ? 0 : result->bytes.len + n;
            break;
        case NSF_READ_END:
            return story;
        case NSF_READ_UNCHANGED:
            return "unchanged";
        case NSF_READ_REPLACED:
            nsf_buf_reset(&result->bytes);
            story = "replaced";
            break;
        case NSF_READ_ERROR:
            result->has_failed = true;
            return "failed";
        }
        if (settings->wait_ms > 0 && !nsf_retry_sleep(settings->wait_ms, NULL, NULL))
            return "stopped";
    }
}

static void take_blob(const struct settings *settings, const struct nsf_blob *blob, struct result *result)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_stream *stream;
    nsf_buf_init(&result->bytes, (size_t)2 << 30);
    if (nsf_failed(nsf_source_open(blob, &settings->how, &stream, &err))) {
        result->has_failed = true;
        return;
    }
    const char *story = read_blob(settings, stream, result, &err);
    const struct nsf_version version = nsf_stream_version(stream);
    char md5[NSF_SIGN_MD5_TEXT_BYTES];
    nsf_sign_md5(nsf_buf_slice(&result->bytes), md5);
    snprintf(result->text, sizeof(result->text), "%zu %s %s%s etag=%.*s created=%lld%s %s", result->bytes.len, md5,
             story, version.is_gzip ? " gzip" : "", NSF_SLICE_ARG(version.etag), (long long)version.created_ms,
             err.code == NSF_E_NONE ? "" : " error:", err.text);
    nsf_stream_close(stream);
}

static void run_worker(void *arg)
{
    struct work *work = arg;
    for (;;) {
        const size_t i = atomic_fetch_add(&work->next, 1);
        if (i >= work->listing->n)
            return;
        if (work->settings->ahead > 0 && i + work->settings->ahead < work->listing->n)
            nsf_source_expect(&work->listing->items[i + work->settings->ahead]);
        take_blob(work->settings, &work->listing->items[i], &work->results[i]);
    }
}

static void on_interrupt(int number)
{
    (void)number;
    atomic_store(&is_stopped, true);
}

static int by_name(const void *a, const void *b)
{
    return nsf_slice_cmp(((const struct nsf_blob *)a)->order, ((const struct nsf_blob *)b)->order);
}

static bool read_all(const struct settings *settings, struct nsf_listing *listing)
{
    struct work work = {.settings = settings, .listing = listing};
    work.results = nsf_calloc(listing->n, sizeof(*work.results));
    struct nsf_thread *threads[64] = {NULL};
    for (unsigned i = 1; i < settings->n_threads && i < 64; i++)
        threads[i] = nsf_thread_start(run_worker, &work);
    run_worker(&work);
    for (unsigned i = 1; i < 64; i++)
        if (threads[i] != NULL)
            nsf_thread_join(threads[i]);
    bool is_ok = true;
    for (size_t i = 0; i < listing->n; i++) {
        const struct nsf_blob *blob = &listing->items[i];
        if (settings->is_cat)
            fwrite(work.results[i].bytes.ptr, 1, work.results[i].bytes.len, stdout);
        else
            printf("blob %.*s hour=%lld %s\n", NSF_SLICE_ARG(blob->name),
                   (long long)(blob->hour == NSF_HOUR_NONE ? -1 : blob->hour), work.results[i].text);
        is_ok = is_ok && !work.results[i].has_failed;
        nsf_buf_release(&work.results[i].bytes);
    }
    nsf_free(work.results);
    return is_ok;
}

static int take_address(const struct settings *settings, struct nsf_azure *azure, const char *address)
{
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_source *source;
    if (nsf_failed(nsf_azure_source_new(azure, nsf_slice_str(address), &source, &err))) {
        printf("error %s: %s\n", nsf_code_name(err.code), err.text);
        return nsf_code_status(err.code);
    }
    struct nsf_listing listing;
    nsf_listing_init(&listing);
    int status = 0;
    if (nsf_failed(nsf_source_list(source, &settings->filter, &listing, &err))) {
        printf("error %s: %s\n", nsf_code_name(err.code), err.text);
        status = nsf_code_status(err.code);
    } else {
        if (listing.n > 0)
            qsort(listing.items, listing.n, sizeof(*listing.items), by_name);
        for (size_t i = 0; settings->is_list && i < listing.n; i++)
            printf("item %.*s %lld etag=%.*s created=%lld%s\n", NSF_SLICE_ARG(listing.items[i].name),
                   (long long)listing.items[i].size_bytes, NSF_SLICE_ARG(listing.items[i].etag),
                   (long long)listing.items[i].created_ms, listing.items[i].is_gzip ? " gzip" : "");
        if (!settings->is_list && !read_all(settings, &listing))
            status = 3;
        if (!settings->is_cat)
            printf("listed %zu outside %llu pruned %llu\n", listing.n, (unsigned long long)listing.n_outside,
                   (unsigned long long)listing.n_pruned);
    }
    const struct nsf_transfer transfer = nsf_source_transfer(source);
    if (!settings->is_cat)
        printf("requests %llu retries %llu bytes %llu\n", (unsigned long long)transfer.requests,
               (unsigned long long)transfer.retries, (unsigned long long)transfer.bytes);
    nsf_source_free(source);
    nsf_listing_release(&listing);
    return status;
}

static int64_t number(const char *text)
{
    return strtoll(text, NULL, 10);
}

static bool read_options(int argc, char **argv, struct settings *settings)
{
    static const struct option options[] = {
        {"list", no_argument, NULL, 'l'},           {"cat", no_argument, NULL, 'c'},
        {"null", no_argument, NULL, 'o'},           {"since", required_argument, NULL, 's'},
        {"until", required_argument, NULL, 'u'},    {"chunk", required_argument, NULL, 'k'},
        {"range", required_argument, NULL, 'r'},    {"threads", required_argument, NULL, 't'},
        {"from", required_argument, NULL, 'f'},     {"etag", required_argument, NULL, 'e'},
        {"created", required_argument, NULL, 'd'},  {"retry-ms", required_argument, NULL, 'y'},
        {"stall-s", required_argument, NULL, 'z'},  {"rps", required_argument, NULL, 'p'},
        {"endpoint", required_argument, NULL, 'n'}, {"ca-file", required_argument, NULL, 'a'},
        {"verbose", no_argument, NULL, 'v'},        {"wait-ms", required_argument, NULL, 'w'},
        {"ahead", required_argument, NULL, 'h'},    {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        switch (option) {
        case 'l':
            settings->is_list = true;
            break;
        case 'c':
            settings->is_cat = true;
            break;
        case 'o':
            settings->is_null = true;
            break;
        case 's':
            if (!nsf_time_parse(nsf_slice_str(optarg), &settings->filter.since_ms))
                return false;
            break;
        case 'u':
            if (!nsf_time_parse(nsf_slice_str(optarg), &settings->filter.until_ms))
                return false;
            break;
        case 'k':
            settings->chunk = (size_t)number(optarg);
            break;
        case 'r':
            settings->options.range_bytes = (size_t)number(optarg);
            break;
        case 't':
            settings->n_threads = (unsigned)number(optarg);
            break;
        case 'f':
            settings->how.from_offset = (uint64_t)number(optarg);
            break;
        case 'e':
            settings->how.known_etag = nsf_slice_str(optarg);
            break;
        case 'd':
            settings->how.known_created_ms = number(optarg);
            break;
        case 'y':
            settings->options.retry.base_ms = number(optarg);
            break;
        case 'z':
            settings->options.stall_wait_s = number(optarg);
            break;
        case 'p':
            settings->options.max_requests_per_second = (unsigned)number(optarg);
            break;
        case 'n':
            settings->options.endpoint = optarg;
            break;
        case 'a':
            settings->options.ca_file = optarg;
            break;
        case 'v':
            settings->options.say = say;
            break;
        case 'h':
            settings->ahead = (size_t)number(optarg);
            break;
        case 'w':
            settings->wait_ms = number(optarg);
            break;
        default:
            return false;
        }
    return optind < argc;
}

int main(int argc, char **argv)
{
    struct settings settings = {.chunk = 65536,
                                .n_threads = 1,
                                .how = NSF_OPEN_INIT,
                                .filter = NSF_LIST_FILTER_INIT,
                                .options = nsf_azure_options_default()};
    settings.options.is_stopped = &is_stopped;
    settings.options.user_agent = "storage_cat/1";
    if (!read_options(argc, argv, &settings))
        return 2;
    struct nsf_err err = NSF_ERR_INIT;
    struct nsf_azure *azure;
    if (nsf_failed(nsf_azure_new(&settings.options, &azure, &err)))
        return 4;
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_interrupt, .sa_flags = SA_RESTART}, NULL);
    int status = 0;
    for (int i = optind; i < argc; i++) {
        const int one = take_address(&settings, azure, argv[i]);
        status = one > status ? one : status;
    }
    nsf_azure_free(azure);
    return status;
}

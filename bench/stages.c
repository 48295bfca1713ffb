/*
 * How fast each stage of reading is on one file: MB/s of the text, and ns a tuple.
 *
 *   stages FILE [ROUNDS]
 *   stages --count VARIANT FILE
 *
 * The file is held in memory and read ROUNDS times (default 7) through each stage in turn; the best and the median are
 * printed. What a stage counted is checked against the plain way, so that nothing is left out. With --count the
 * envelope is read once with one variant of the tuple reader, inside bench_counted: what callgrind counts.
 */
#include "core/nsf_common.h"

#include "codec/codec.h"
#include "core/mem.h"
#include "envelope/envelope.h"
#include "flow/tuple_ops.h"
#include "source/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#define CHUNK ((size_t)256 << 10)
#define ROUNDS_MAX 99

struct counts {
    uint64_t n_bytes; /* of text */
    uint64_t n_records, n_tuples, n_bad, n_mail, n_contacts;
};

struct bench {
    const char *path;
    struct nsf_blob *blob;
    struct nsf_scopes *scopes;
    struct nsf_envelope *env;
    struct nsf_codec *codec;
    struct nsf_batch *batch;
};

typedef void stage_fn(struct bench *bench, struct counts *counts);

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "stages: %s\n", what);
    exit(1);
}

static void run_read(struct bench *bench, struct counts *counts)
{
    static char buf[CHUNK];
    int fd = open(bench->path, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    if (fd < 0)
        die("cannot open the file");
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        counts->n_bytes += (uint64_t)n;
    close(fd);
}

static struct nsf_stream *open_blob(struct bench *bench)
{
    struct nsf_stream *stream;
    if (nsf_failed(nsf_source_open(bench->blob, NULL, &stream, NULL)))
        die("cannot open the file");
    nsf_codec_open(bench->codec, stream, 0);
    return stream;
}

static void run_codec(struct bench *bench, struct counts *counts)
{
    static char buf[CHUNK];
    struct nsf_stream *stream = open_blob(bench);
    size_t n;
    while (nsf_codec_read(bench->codec, buf, sizeof(buf), &n, NULL) == NSF_READ_BYTES)
        counts->n_bytes += n;
    nsf_stream_close(stream);
}

static void add_counts(struct counts *counts, const struct nsf_batch *batch)
{
    counts->n_records += batch->n_records;
    for (size_t i = 0; i < batch->n_records; i++) {
        counts->n_tuples += batch->records[i].n_tuples;
        counts->n_bad += batch->records[i].n_bad;
    }
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        counts->n_mail += batch->mail[p].n;
        counts->n_contacts += batch->contacts[p].n + batch->wide_contacts[p].n;
    }
}

static void run_envelope(struct bench *bench, struct counts *counts)
{
    struct nsf_stream *stream = open_blob(bench);
    enum nsf_read read;
    nsf_envelope_begin(bench->env, 0, NSF_PLACE_START);
    do {
        size_t capacity, n;
        char *room = nsf_envelope_room(bench->env, &capacity);
        read = nsf_codec_read(bench->codec, room, capacity, &n, NULL);
        if (read == NSF_READ_BYTES)
            nsf_envelope_commit(bench->env, n, bench->batch);
        else
            nsf_envelope_finish(bench->env, bench->batch);
        counts->n_bytes += n;
        add_counts(counts, bench->batch);
        nsf_batch_reset(bench->batch);
    } while (read == NSF_READ_BYTES);
    nsf_stream_close(stream);
}

/* A function of its own, so that a tool can count what runs in it. */
void bench_counted(struct bench *bench, struct counts *counts);

__attribute__((noinline)) void bench_counted(struct bench *bench, struct counts *counts)
{
    run_envelope(bench, counts);
}

/* Reads the file once; tells what was counted, so that the same work is compared. */
static int count_once(struct bench *bench, const char *variant)
{
    struct nsf_envelope_options options = {.scopes = bench->scopes, .seed = 1, .ops = nsf_tuple_ops_named(variant)};
    struct counts counts = {0};
    if (options.ops == NULL)
        die("no such variant here");
    bench->env = nsf_envelope_new(&options);
    bench_counted(bench, &counts);
    nsf_envelope_free(bench->env);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", counts.n_records, counts.n_tuples, counts.n_mail,
           counts.n_contacts);
    return 0;
}

static int cmp_double(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static struct counts measure(struct bench *bench, const char *name, stage_fn *fn, unsigned n_rounds)
{
    double times[ROUNDS_MAX];
    struct counts counts = {0};
    for (unsigned i = 0; i < n_rounds; i++) {
        counts = (struct counts){0};
        double start = now_s();
        fn(bench, &counts);
        times[i] = now_s() - start;
    }
    qsort(times, n_rounds, sizeof(*times), cmp_double);
    double mb = (double)counts.n_bytes / 1e6;
    printf("%-28s %8.0f MB/s best %8.0f median", name, mb / times[0], mb / times[n_rounds / 2]);
    if (counts.n_tuples > 0)
        printf("  %6.1f ns a tuple", times[n_rounds / 2] * 1e9 / (double)counts.n_tuples);
    printf("\n");
    return counts;
}

static struct counts measure_envelope(struct bench *bench, const char *name, const char *variant, bool is_plain,
                                      bool is_smtp_only, unsigned n_rounds)
{
    struct nsf_envelope_options options = {.scopes = bench->scopes, .seed = 1};
    options.is_plain = is_plain;
    options.is_smtp_only = is_smtp_only;
    options.ops = variant == NULL ? NULL : nsf_tuple_ops_named(variant);
    if (variant != NULL && options.ops == NULL)
        return (struct counts){0};
    bench->env = nsf_envelope_new(&options);
    struct counts counts = measure(bench, name, run_envelope, n_rounds);
    nsf_envelope_free(bench->env);
    return counts;
}

static void check(const struct counts *plain, const struct counts *other, bool is_smtp_only)
{
    if (other->n_records == 0)
        return;
    bool is_same =
        plain->n_records == other->n_records && plain->n_tuples == other->n_tuples && plain->n_bad == other->n_bad;
    if (!is_smtp_only)
        is_same = is_same && plain->n_mail == other->n_mail && plain->n_contacts == other->n_contacts;
    if (!is_same)
        die("a stage counted something else than the plain way");
}

static void measure_all(struct bench *bench, unsigned n_rounds)
{
    measure(bench, "read(2), 256 KiB", run_read, n_rounds);
    measure(bench, "codec", run_codec, n_rounds);
    nsf_codec_free(bench->codec);
    bench->codec = nsf_codec_new(NSF_CODEC_ZLIB);
    measure(bench, "codec, zlib", run_codec, n_rounds);
    nsf_codec_free(bench->codec);
    bench->codec = nsf_codec_new(NSF_CODEC_FASTEST);
    struct counts plain = measure_envelope(bench, "envelope, plain way", NULL, true, false, n_rounds), counts;
    static const char *const variants[] = {"portable", "avx2", "avx512", "avx512vbmi"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(variants); i++) {
        char name[64];
        snprintf(name, sizeof(name), "envelope, %s", variants[i]);
        counts = measure_envelope(bench, name, variants[i], false, false, n_rounds);
        check(&plain, &counts, false);
        snprintf(name, sizeof(name), "envelope, %s, smtp only", variants[i]);
        counts = measure_envelope(bench, name, variants[i], false, true, n_rounds);
        check(&plain, &counts, true);
    }
    printf("%" PRIu64 " records, %" PRIu64 " tuples, %" PRIu64 " mail, %" PRIu64 " contacts\n", plain.n_records,
           plain.n_tuples, plain.n_mail, plain.n_contacts);
}

int main(int argc, char **argv)
{
    bool is_count = argc == 4 && strcmp(argv[1], "--count") == 0;
    if (argc < 2 || (argc > 3 && !is_count))
        die("usage: stages FILE [ROUNDS] | stages --count VARIANT FILE");
    const char *path = is_count ? argv[3] : argv[1];
    unsigned n_rounds = !is_count && argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 7;
    if (n_rounds < 1 || n_rounds > ROUNDS_MAX)
        die("1 to 99 rounds");
    struct bench bench = {.path = path, .scopes = nsf_scopes_new(), .batch = nsf_batch_new()};
    struct nsf_list_filter filter = NSF_LIST_FILTER_INIT;
    struct nsf_source *source = nsf_file_source_new(path, NULL);
    struct nsf_listing listing;
    nsf_listing_init(&listing);
    if (nsf_failed(nsf_source_list(source, &filter, &listing, NULL)) || listing.n != 1)
        die("cannot find the file");
    bench.blob = &listing.items[0];
    bench.codec = nsf_codec_new(NSF_CODEC_FASTEST);
    int status = 0;
    if (is_count)
        status = count_once(&bench, argv[2]);
    else
        measure_all(&bench, n_rounds);
    nsf_codec_free(bench.codec);
    nsf_listing_release(&listing);
    nsf_source_free(source);
    nsf_batch_free(bench.batch);
    nsf_scopes_free(bench.scopes);
    return status;
}

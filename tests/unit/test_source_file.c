/* Files, folders and standard input: what is listed, in which order, and what is read. */
#include "core/nsf_common.h"

#include "source/file.h"

#include "core/mem.h"

#include "support/nsf_test.h"

#include <sys/stat.h>
#include <unistd.h>

static void write_at(const char *folder, const char *path, const char *text)
{
    char *full = nsf_strdup_n(nsf_test_path(folder, path), strlen(nsf_test_path(folder, path)));
    for (char *p = full + strlen(folder) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        (void)mkdir(full, 0755);
        *p = '/';
    }
    nsf_test_write_file(full, text, strlen(text));
    nsf_free(full);
}

struct listed {
    struct nsf_source *source;
    struct nsf_listing listing;
    struct nsf_err err;
    bool is_ok;
};

static struct listed list(const char *path, const struct nsf_list_filter *filter)
{
    static const struct nsf_list_filter all = NSF_LIST_FILTER_INIT;
    struct listed listed = {.source = nsf_file_source_new(path, NULL), .err = NSF_ERR_INIT};
    nsf_listing_init(&listed.listing);
    listed.is_ok =
        !nsf_failed(nsf_source_list(listed.source, filter == NULL ? &all : filter, &listed.listing, &listed.err));
    return listed;
}

static void release(struct listed *listed)
{
    nsf_listing_release(&listed->listing);
    nsf_source_free(listed->source);
}

static void assert_names(const struct listed *listed, const char *folder, const char *const *names, size_t n)
{
    assert_true(listed->is_ok);
    assert_int_equal(listed->listing.n, n);
    for (size_t i = 0; i < n; i++)
        assert_slice_equal(listed->listing.items[i].name, nsf_test_path(folder, names[i]));
}

static void test_folder(void **state)
{
    static const char *const names[] = {"B/1.json", "a.json", "a/x.json.gz", "b/c/2.json", "b/d"};
    char *folder = nsf_test_folder_new();
    for (size_t i = NSF_ARRAY_LEN(names); i-- > 0;)
        write_at(folder, names[i], "text");
    write_at(folder, ".hidden/x.json", "text");
    write_at(folder, "b/.x", "text");
    assert_int_equal(mkfifo(nsf_test_path(folder, "fifo"), 0600), 0);
    struct listed listed = list(folder, NULL);
    static const char *const sorted[] = {"B/1.json", "a/x.json.gz", "a.json", "b/c/2.json", "b/d"};
    assert_names(&listed, folder, sorted, NSF_ARRAY_LEN(sorted));
    assert_true(listed.listing.items[1].is_gzip);
    assert_false(listed.listing.items[0].is_gzip);
    assert_int_equal(listed.listing.items[0].size_bytes, 4);
    assert_true(listed.listing.items[0].hour == NSF_HOUR_NONE);
    assert_int_equal(listed.listing.problems.n, 0);
    release(&listed);
    nsf_test_folder_free(folder);
}

static void test_one_name_for_one_file(void **state)
{
    char *folder = nsf_test_folder_new();
    write_at(folder, "a/b/1.json", "text");
    char odd[512];
    static const char *const ways[] = {"a/b/1.json", "./a//b/./1.json", "a/../a/b/../b/1.json", "/a/b/1.json"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(ways); i++) {
        snprintf(odd, sizeof(odd), "%s/%s", folder, ways[i]);
        struct listed listed = list(odd, NULL);
        static const char *const names[] = {"a/b/1.json"};
        assert_names(&listed, folder, names, 1);
        release(&listed);
    }
    snprintf(odd, sizeof(odd), "%s//a/b/..//", folder);
    struct listed listed = list(odd, NULL);
    static const char *const names[] = {"a/b/1.json"};
    assert_names(&listed, folder, names, 1);
    release(&listed);
    nsf_test_folder_free(folder);
}

static void test_links(void **state)
{
    char *folder = nsf_test_folder_new();
    write_at(folder, "a/1.json", "text");
    write_at(folder, "b/2.json", "text");
    assert_int_equal(symlink("..", nsf_test_path(folder, "a/up")), 0);
    assert_int_equal(symlink("../b", nsf_test_path(folder, "a/b")), 0);
    assert_int_equal(symlink(".", nsf_test_path(folder, "self")), 0);
    assert_int_equal(symlink("nowhere", nsf_test_path(folder, "dead")), 0);
    struct listed listed = list(folder, NULL);
    static const char *const names[] = {"a/1.json", "a/b/2.json"};
    assert_names(&listed, folder, names, 2);
    assert_int_equal(listed.listing.problems.n, 1);
    assert_slice_equal(listed.listing.problems.items[0].path, nsf_test_path(folder, "dead"));
    release(&listed);
    nsf_test_folder_free(folder);
}

#define AZURE "resourceId=/SUBSCRIPTIONS/S/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/N/"

static bool wants_other(void *ctx, struct nsf_slice nsg_id)
{
    (*(int *)ctx)++;
    return !nsf_slice_has_suffix_nocase(nsg_id, NSF_SLICE_LIT("/n"));
}

static void test_window(void **state)
{
    char *folder = nsf_test_folder_new();
    static const char *const names[] = {AZURE "y=2026/m=11/d=21/h=08/m=00/macAddress=000D3A/PT1H.json",
                                        AZURE "y=2026/m=11/d=21/h=09/m=00/macAddress=000D3A/PT1H.json",
                                        AZURE "y=2026/m=11/d=21/h=10/m=00/macAddress=000D3A/PT1H.json",
                                        AZURE "y=2026/m=11/d=21/h=11/m=00/macAddress=000D3A/PT1H.json", "other.json"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(names); i++)
        write_at(folder, names[i], "text");
    struct nsf_list_filter filter = NSF_LIST_FILTER_INIT;
    assert_true(nsf_time_parse(S("2026-11-21T10:00:00Z"), &filter.since_ms));
    struct listed listed = list(folder, &filter);
    static const char *const kept[] = {AZURE "y=2026/m=11/d=21/h=09/m=00/macAddress=000D3A/PT1H.json",
                                       AZURE "y=2026/m=11/d=21/h=10/m=00/macAddress=000D3A/PT1H.json",
                                       AZURE "y=2026/m=11/d=21/h=11/m=00/macAddress=000D3A/PT1H.json", "other.json"};
    /* resourceId=... sorts behind other.json: bytewise */
    assert_true(listed.is_ok);
    assert_int_equal(listed.listing.n, 4);
    assert_slice_equal(listed.listing.items[0].name, nsf_test_path(folder, kept[3]));
    for (size_t i = 0; i < 3; i++)
        assert_slice_equal(listed.listing.items[i + 1].name, nsf_test_path(folder, kept[i]));
    assert_int_equal(listed.listing.items[1].hour, nsf_time_hour(filter.since_ms) - 1);
    assert_int_equal(listed.listing.n_outside, 1);
    release(&listed);

    int n_asked = 0;
    filter = (struct nsf_list_filter)NSF_LIST_FILTER_INIT;
    filter.wants_nsg = wants_other;
    filter.ctx = &n_asked;
    listed = list(folder, &filter);
    assert_int_equal(listed.listing.n, 1);
    assert_int_equal(listed.listing.n_pruned, 4);
    assert_int_equal(n_asked, 4);
    release(&listed);

    /* A file named on its own is never left out. */
    filter.since_ms = INT64_MAX / 2;
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, names[0]);
    listed = list(path, &filter);
    assert_int_equal(listed.listing.n, 1);
    assert_true(listed.listing.items[0].hour != NSF_HOUR_NONE);
    release(&listed);
    nsf_test_folder_free(folder);
}

static void test_missing(void **state)
{
    char *folder = nsf_test_folder_new();
    struct listed listed = list(nsf_test_path(folder, "no"), NULL);
    assert_false(listed.is_ok);
    assert_int_equal(listed.err.code, NSF_E_IO);
    release(&listed);
    listed = list(folder, NULL);
    assert_true(listed.is_ok);
    assert_int_equal(listed.listing.n, 0);
    release(&listed);
    nsf_test_folder_free(folder);
}

static struct nsf_stream *open_first(struct listed *listed, const struct nsf_open *how)
{
    struct nsf_stream *stream = NULL;
    assert_int_equal(listed->listing.n, 1);
    assert_false(nsf_failed(nsf_source_open(&listed->listing.items[0], how, &stream, &listed->err)));
    return stream;
}

static void assert_reads(struct nsf_stream *stream, const char *text)
{
    char buf[4];
    size_t at = 0, n;
    struct nsf_err err = NSF_ERR_INIT;
    enum nsf_read read;
    while ((read = nsf_stream_read(stream, buf, sizeof(buf), &n, &err)) == NSF_READ_BYTES) {
        assert_true(at + n <= strlen(text));
        assert_memory_equal(buf, text + at, n);
        at += n;
    }
    assert_int_equal(read, NSF_READ_END);
    assert_int_equal(at, strlen(text));
    assert_int_equal(nsf_stream_read(stream, buf, sizeof(buf), &n, &err), NSF_READ_END);
}

static void test_reading(void **state)
{
    char *folder = nsf_test_folder_new();
    write_at(folder, "x.json", "0123456789");
    char *path = nsf_strdup_n(nsf_test_path(folder, "x.json"), strlen(nsf_test_path(folder, "x.json")));
    struct listed listed = list(path, NULL);
    struct nsf_stream *stream = open_first(&listed, NULL);
    assert_int_equal(nsf_stream_version(stream).size_bytes, 10);
    assert_true(nsf_slice_eq(nsf_stream_version(stream).etag, listed.listing.items[0].etag));
    assert_reads(stream, "0123456789");
    nsf_stream_close(stream);

    struct nsf_open how = NSF_OPEN_INIT;
    how.from_offset = 7;
    stream = open_first(&listed, &how);
    assert_reads(stream, "789");
    nsf_stream_close(stream);

    /* the version that is known already */
    how.known_etag = listed.listing.items[0].etag;
    how.known_created_ms = listed.listing.items[0].created_ms;
    how.from_offset = 10;
    stream = open_first(&listed, &how);
    size_t n;
    char buf[4];
    assert_int_equal(nsf_stream_read(stream, buf, sizeof(buf), &n, NULL), NSF_READ_UNCHANGED);
    nsf_stream_close(stream);

    /* it grew: the file is the same, its content longer */
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fputs("abc", file);
    fclose(file);
    stream = open_first(&listed, &how);
    assert_reads(stream, "abc");
    nsf_stream_close(stream);

    /* it shrank: it is another one */
    nsf_test_write_file(path, "xy", 2);
    stream = open_first(&listed, &how);
    assert_int_equal(nsf_stream_read(stream, buf, sizeof(buf), &n, NULL), NSF_READ_REPLACED);
    assert_reads(stream, "xy");
    nsf_stream_close(stream);

    assert_int_equal(unlink(path), 0);
    assert_true(nsf_failed(nsf_source_open(&listed.listing.items[0], NULL, &stream, &listed.err)));
    assert_int_equal(listed.err.code, NSF_E_IO);
    release(&listed);
    nsf_free(path);
    nsf_test_folder_free(folder);
}

/* Nobody asks for its version: it is not looked at, and still read to wherever it ends by now. */
static void test_reading_without_its_version(void **state)
{
    char *folder = nsf_test_folder_new();
    write_at(folder, "x.json", "0123456789");
    char *path = nsf_strdup_n(nsf_test_path(folder, "x.json"), strlen(nsf_test_path(folder, "x.json")));
    struct listed listed = list(path, NULL);
    struct nsf_open how = NSF_OPEN_INIT;
    how.needs_no_version = true;
    struct nsf_stream *stream = open_first(&listed, &how);
    assert_reads(stream, "0123456789");
    nsf_stream_close(stream);
    nsf_test_write_file(path, "0123456789abc", 13);
    stream = open_first(&listed, &how);
    assert_reads(stream, "0123456789abc");
    nsf_stream_close(stream);
    nsf_test_write_file(path, "012", 3);
    stream = open_first(&listed, &how);
    assert_reads(stream, "012");
    nsf_stream_close(stream);
    release(&listed);
    nsf_free(path);
    nsf_test_folder_free(folder);
}

/* More folders in one another than are held open. */
static void test_deep_folders(void **state)
{
    enum {
        DEPTH = 100
    };
    char path[2 * DEPTH + 16];
    char *folder = nsf_test_folder_new();
    for (size_t i = 0; i < DEPTH; i++)
        memcpy(path + 2 * i, "d/", 2);
    memcpy(path + 2 * DEPTH, "x.json", 7);
    write_at(folder, path, "text");
    write_at(folder, "d/d/y.json", "text");
    struct listed listed = list(folder, NULL);
    const char *const names[] = {path, "d/d/y.json"};
    assert_names(&listed, folder, names, 2);
    struct nsf_stream *stream;
    assert_false(nsf_failed(nsf_source_open(&listed.listing.items[0], NULL, &stream, &listed.err)));
    assert_reads(stream, "text");
    nsf_stream_close(stream);
    release(&listed);
    nsf_test_folder_free(folder);
}

/* Names, places and what is read through them: as one thread lists it. */
static void assert_same_by_threads(const char *path, size_t n_files)
{
    struct listed alone = list(path, NULL);
    assert_true(alone.is_ok);
    assert_int_equal(alone.listing.n, n_files);
    for (unsigned jobs = 2; jobs <= 16; jobs *= 2) {
        struct nsf_list_filter filter = NSF_LIST_FILTER_INIT;
        filter.jobs = jobs;
        struct listed together = list(path, &filter);
        assert_true(together.is_ok);
        assert_int_equal(together.listing.n, n_files);
        assert_int_equal(together.listing.problems.n, alone.listing.problems.n);
        for (size_t i = 0; i < n_files; i++) {
            const struct nsf_blob *blob = &together.listing.items[i];
            assert_slice_equal(blob->name, alone.listing.items[i].name.ptr);
            assert_slice_equal(blob->etag, alone.listing.items[i].etag.ptr);
            struct nsf_stream *stream;
            assert_false(nsf_failed(nsf_source_open(blob, NULL, &stream, &together.err)));
            assert_reads(stream, strrchr(blob->name.ptr, '/') + 1);
            nsf_stream_close(stream);
        }
        release(&together);
    }
    release(&alone);
}

static void test_threads(void **state)
{
    enum {
        FOLDERS = 40,
        DEPTH = 70
    };
    char *folder = nsf_test_folder_new(), path[64 + 2 * DEPTH];
    size_t n_files = 0;
    for (unsigned i = 0; i < FOLDERS; i++)
        for (unsigned k = 0; k <= i % 4; k++, n_files++) {
            snprintf(path, sizeof(path), k % 2 == 0 ? "%02u/%c/%u.json" : "%02u%c.%u.json", i, 'a' + (int)k, i);
            write_at(folder, path, strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1);
        }
    assert_same_by_threads(folder, n_files);
    /* called otherwise than it is opened */
    char *dotted = nsf_strdup_n(nsf_test_path(folder, "./00/.."), strlen(nsf_test_path(folder, "./00/..")));
    assert_same_by_threads(dotted, n_files);
    nsf_free(dotted);

    /* links into what another part walks, and around all of it: each folder counts where it comes first */
    assert_int_equal(symlink("../30", nsf_test_path(folder, "05/there")), 0);
    assert_same_by_threads(folder, n_files);
    assert_int_equal(symlink("..", nsf_test_path(folder, "31/around")), 0);
    assert_same_by_threads(folder, n_files);

    /* too deep for a part of the walk */
    size_t len = (size_t)snprintf(path, sizeof(path), "07/");
    for (unsigned i = 0; i < DEPTH; i++)
        len += (size_t)snprintf(path + len, sizeof(path) - len, "d/");
    snprintf(path + len, sizeof(path) - len, "x.json");
    write_at(folder, path, "x.json");
    assert_same_by_threads(folder, ++n_files);
    nsf_test_folder_free(folder);
}

/* Names are the same whatever the folder was called. */
static void test_folder_named_from_inside(void **state)
{
    char *folder = nsf_test_folder_new();
    char before[4096];
    assert_non_null(getcwd(before, sizeof(before)));
    write_at(folder, "a/1.json", "text");
    static const char *const ways[] = {".", "./", "a/..", "././/"};
    assert_int_equal(chdir(folder), 0);
    for (size_t i = 0; i < NSF_ARRAY_LEN(ways); i++) {
        struct listed listed = list(ways[i], NULL);
        assert_true(listed.is_ok);
        assert_int_equal(listed.listing.n, 1);
        assert_slice_equal(listed.listing.items[0].name, "a/1.json");
        struct nsf_stream *stream = open_first(&listed, NULL);
        assert_reads(stream, "text");
        nsf_stream_close(stream);
        release(&listed);
    }
    assert_int_equal(chdir(nsf_test_path(folder, "a")), 0);
    struct listed listed = list("..", NULL);
    assert_true(listed.is_ok);
    assert_slice_equal(listed.listing.items[0].name, "../a/1.json");
    release(&listed);
    assert_int_equal(chdir(before), 0);
    nsf_test_folder_free(folder);
}

static void test_folder_that_cannot_be_read(void **state)
{
    if (geteuid() == 0)
        skip(); /* root reads everything */
    char *folder = nsf_test_folder_new();
    write_at(folder, "a/1.json", "text");
    write_at(folder, "b/2.json", "text");
    assert_int_equal(chmod(nsf_test_path(folder, "a"), 0), 0);
    struct listed listed = list(folder, NULL);
    assert_true(listed.is_ok);
    assert_int_equal(listed.listing.n, 1);
    assert_int_equal(listed.listing.problems.n, 1);
    release(&listed);
    listed = list(nsf_test_path(folder, "a"), NULL);
    assert_false(listed.is_ok);
    release(&listed);
    assert_int_equal(chmod(nsf_test_path(folder, "a"), 0755), 0);
    nsf_test_folder_free(folder);
}

static void test_standard_input(void **state)
{
    struct listed listed = list("-", NULL);
    assert_true(listed.is_ok);
    assert_int_equal(listed.listing.n, 1);
    assert_slice_equal(listed.listing.items[0].name, "-");
    assert_true(listed.listing.items[0].size_bytes == NSF_SIZE_UNKNOWN);
    int ends[2], old = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "from a pipe", 11), 11);
    close(ends[1]);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    struct nsf_stream *stream = open_first(&listed, NULL);
    assert_reads(stream, "from a pipe");
    nsf_stream_close(stream);
    assert_int_equal(dup2(old, STDIN_FILENO), STDIN_FILENO);
    close(old);
    close(ends[0]);
    release(&listed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_one_name_for_one_file),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_reading_without_its_version),
        cmocka_unit_test(test_deep_folders),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_folder_named_from_inside),
        cmocka_unit_test(test_folder_that_cannot_be_read),
        cmocka_unit_test(test_standard_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

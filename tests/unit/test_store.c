#include "core/nsf_common.h"

#include "store/store.h"

#include "core/mem.h"
#include "store/scan_pack.h"
#include "support/nsf_test.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- short forms ---- */

struct box {
    char *folder;
    char *path;
};

static int set_up(void **state)
{
    struct box *box = nsf_calloc(1, sizeof(*box));
    box->folder = nsf_test_folder_new();
    const char *path = nsf_test_path(box->folder, "evidence.db");
    box->path = nsf_strdup_n(path, strlen(path));
    *state = box;
    return 0;
}

static int tear_down(void **state)
{
    struct box *box = *state;
    nsf_test_folder_free(box->folder);
    nsf_free(box->path);
    nsf_free(box);
    return 0;
}

#define must(call)                                                                                                     \
    do {                                                                                                               \
        struct nsf_err must_err = NSF_ERR_INIT, *err = &must_err;                                                      \
        if (nsf_failed(call))                                                                                          \
            fail_msg("%s: %s", #call, must_err.text);                                                                  \
    } while (0)

static struct nsf_store *open_store(const char *path, enum nsf_store_mode mode)
{
    struct nsf_store *store = NULL;
    must(nsf_store_open(path, mode, &store, err));
    return store;
}

static void assert_refused(const char *path, enum nsf_store_mode mode, const char *text)
{
    struct nsf_store *store;
    struct nsf_err err = NSF_ERR_INIT;
    assert_true(nsf_failed(nsf_store_open(path, mode, &store, &err)));
    assert_null(store);
    assert_int_equal(err.code, NSF_E_STORE);
    assert_string_equal(err.subject, path);
    if (strstr(err.text, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

static struct nsf_stored_blob blob_of(const char *key, int64_t hour, uint64_t bytes, const char *head)
{
    return (struct nsf_stored_blob){
        .key = S(key),
        .name = S(key),
        .order = S(key),
        .hour = hour,
        .etag = S("v1"),
        .created_ms = 5,
        .bytes = bytes,
        .is_local = true,
        .head = S(head),
    };
}

static struct nsf_stored_blob find(struct nsf_store *store, const char *key, const char *etag, struct nsf_arena *arena)
{
    struct nsf_stored_blob blob;
    must(nsf_store_find(store, S(key), S(etag), arena, &blob, err));
    return blob;
}

/* Stores the texts as the parts of the blob. */
static void put(struct nsf_store *store, const struct nsf_stored_blob *blob, bool is_append, const char *parts)
{
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    struct nsf_stored_blob known = find(store, blob->key.ptr, "v1", &arena);
    struct nsf_store_put *reading = nsf_store_put_begin(store, &known, is_append);
    for (const char *p = parts; *p != '\0'; p++)
        must(nsf_store_put_part(reading, nsf_slice(p, 1), err));
    must(nsf_store_put_finish(reading, blob, err));
    nsf_arena_release(&arena);
}

/* Everything in the store as one line: key@hour:parts+tail!failure ... */
static const char *contents(struct nsf_store *store)
{
    static char text[4096];
    size_t n = 0;
    struct nsf_store_cursor *cursor;
    must(nsf_store_blobs(store, &cursor, err));
    text[0] = '\0';
    for (;;) {
        struct nsf_stored_blob blob;
        bool is_over;
        must(nsf_store_next(cursor, &blob, &is_over, err));
        if (is_over)
            break;
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s:", n == 0 ? "" : " ", NSF_SLICE_ARG(blob.key));
        for (uint32_t i = 0; i < blob.n_parts; i++) {
            struct nsf_slice part;
            must(nsf_store_part(store, &blob, i, &part, err));
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s", NSF_SLICE_ARG(part));
        }
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s%s%.*s", blob.tail.ptr == NULL ? "" : "+",
                              NSF_SLICE_ARG(blob.tail), blob.failure.ptr == NULL ? "" : "!",
                              NSF_SLICE_ARG(blob.failure));
    }
    nsf_store_cursor_close(cursor);
    return text;
}

static int64_t number(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    int64_t value = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* ---- blobs ---- */

static void test_a_blob_comes_back(void **state)
{
    const struct box *box = *state;
    struct nsf_store *store = open_store(box->path, NSF_STORE_WRITE);
    struct nsf_stored_blob blob = {
        .key = S("/logs/a.json"),
        .name = S("a.json"),
        .order = S("a\xff.json"),
        .hour = -7,
        .etag = S("tag"),
        .created_ms = NSF_TS_NONE,
        .bytes = 1000,
        .resume_offset = 998,
        .resume = NSF_RESUME_IN_RECORDS,
        .prefix_hash = UINT64_MAX,
        .mode = 3,
        .is_gzip = true,
        .is_local = true,
        .head = S("0123456789abcdef"),
        .tail = S("t"),
    };
    put(store, &blob, false, "xyz");
    nsf_store_close(store);
    store = open_store(box->path, NSF_STORE_READ);
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    struct nsf_stored_blob back = find(store, "/logs/a.json", "tag", &arena);
    assert_true(back.id != 0 && back.hour == -7 && back.created_ms == NSF_TS_NONE && back.bytes == 1000);
    assert_true(back.resume_offset == 998 && back.resume == NSF_RESUME_IN_RECORDS && back.prefix_hash == UINT64_MAX);
    assert_true(back.is_gzip && back.is_local && back.n_parts == 3 && back.mode == 3);
    assert_slice_equal(back.name, "a.json");
    assert_slice_equal(back.order, "a\xff.json");
    assert_slice_equal(back.etag, "tag");
    assert_slice_equal(back.head, "0123456789abcdef");
    assert_slice_equal(back.tail, "t");
    assert_null(back.failure.ptr);
    assert_int_equal(find(store, "/logs/b.json", "tag", &arena).id, 0);
    assert_string_equal(contents(store), "/logs/a.json:xyz+t");
    nsf_arena_release(&arena);
    nsf_store_close(store);
}

static void test_readings_append_or_replace(void **state)
{
    const struct box *box = *state;
    struct nsf_store *store = open_store(box->path, NSF_STORE_WRITE);
    struct nsf_stored_blob a = blob_of("a", 1, 10, "h"), b = blob_of("b", 1, 10, "h");
    put(store, &a, false, "12");
    put(store, &b, false, "xy");
    assert_string_equal(contents(store), "a:12 b:xy");
    put(store, &a, true, "34");
    assert_string_equal(contents(store), "a:1234 b:xy");
    put(store, &a, true, "");
    assert_string_equal(contents(store), "a:1234 b:xy");
    a.head = S("other");
    put(store, &a, false, "5");
    assert_string_equal(contents(store), "a:5 b:xy");
    nsf_store_close(store);
    assert_int_equal(number(box->path, "SELECT count(*) FROM parts"), 3);
}

static void test_what_is_not_finished_is_not_there(void **state)
{
    const struct box *box = *state;
    struct nsf_store *store = open_store(box->path, NSF_STORE_WRITE);
    struct nsf_stored_blob a = blob_of("a", 1, 10, "h");
    put(store, &a, false, "12");
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    struct nsf_stored_blob known = find(store, "a", "v1", &arena), none = {0};
    struct nsf_store_put *append = nsf_store_put_begin(store, &known, true);
    struct nsf_store_put *fresh = nsf_store_put_begin(store, &none, false);
    must(nsf_store_put_part(append, S("3"), err));
    must(nsf_store_put_part(fresh, S("4"), err));
    assert_string_equal(contents(store), "a:12");
    nsf_store_put_abandon(append);
    nsf_store_put_abandon(fresh);
    nsf_store_put_abandon(NULL);
    put(store, &a, true, "5");
    assert_string_equal(contents(store), "a:125");
    nsf_arena_release(&arena);
    nsf_store_close(store);
}

static void test_blobs_come_in_the_order_of_the_run(void **state)
{
    const struct box *box = *state;
    struct nsf_store *store = open_store(box->path, NSF_STORE_WRITE);
    struct nsf_stored_blob blobs[] = {
        blob_of("-", 0, 1, "x"), blob_of("b", 3, 1, ""),         blob_of("B", 3, 1, ""),
        blob_of("z", 2, 1, ""),  blob_of("y", INT64_MIN, 1, ""), blob_of("\xc3\xa4", 3, 1, ""),
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(blobs); i++)
        put(store, &blobs[i], false, "");
    assert_string_equal(contents(store), "y: z: B: b: \xc3\xa4: -:");
    nsf_store_close(store);
}

static void test_standard_input_is_known_by_its_text(void **state)
{
    const struct box *box = *state;
    struct nsf_store *store = open_store(box->path, NSF_STORE_WRITE);
    struct nsf_stored_blob none = {0};
    struct {
        uint64_t bytes;
        const char *head, *part, *then;
    } inputs[] = {
        {10, "h1", "a", "-:a"},     {10, "h1", "a", "-:a"},    {20, "h2", "b", "-:a -:b"},
        {30, "h1", "c", "-:c -:b"}, {5, "h1", "d", "-:c -:b"},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(inputs); i++) {
        struct nsf_stored_blob blob = blob_of("-", INT64_MIN, inputs[i].bytes, inputs[i].head);
        struct nsf_store_put *reading = nsf_store_put_begin(store, &none, false);
        must(nsf_store_put_part(reading, S(inputs[i].part), err));
        must(nsf_store_put_finish(reading, &blob, err));
        assert_string_equal(contents(store), inputs[i].then);
    }
    nsf_store_close(store);
    assert_int_equal(number(box->path, "SELECT count(*) FROM parts"), 2);
}

static void test_a_blob_can_go_by_another_name(void **state)
{
    const struct box *box = *state;
    struct nsf_store *store = open_store(box->path, NSF_STORE_WRITE);
    struct nsf_stored_blob a = blob_of("/x/a", 1, 10, "h");
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    put(store, &a, false, "1");
    a = find(store, "/x/a", "v1", &arena);
    must(nsf_store_rename(store, &a, S("../a"), S("order"), err));
    a = find(store, "/x/a", "v1", &arena);
    assert_slice_equal(a.name, "../a");
    assert_slice_equal(a.order, "order");
    nsf_arena_release(&arena);
    nsf_store_close(store);
}

/* ---- what can go wrong ---- */

static void test_other_files_are_refused_and_left_alone(void **state)
{
    const struct box *box = *state;
    static const char text[] =
        "{\"records\":[]} this is a log, and long enough to have the size of a header of SQLite, "
        "which is a hundred bytes";
    nsf_test_write_file(box->path, text, strlen(text));
    assert_refused(box->path, NSF_STORE_WRITE, "no evidence store");
    assert_refused(box->path, NSF_STORE_READ, "no evidence store");
    char *after = nsf_test_read_file(box->path, NULL);
    assert_string_equal(after, text);
    free(after);
    assert_int_equal(nsf_test_count_files(box->folder), 1);
    unlink(box->path);
    run_sql(box->path, "CREATE TABLE notes(text)");
    assert_refused(box->path, NSF_STORE_WRITE, "another program");
    assert_refused(box->path, NSF_STORE_READ, "another program");
    assert_int_equal(number(box->path, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 0);
}

static void test_what_is_not_there_is_said(void **state)
{
    const struct box *box = *state;
    assert_refused(box->path, NSF_STORE_READ, "no such evidence store");
    assert_int_equal(nsf_test_count_files(box->folder), 0);
    assert_refused(nsf_test_path(box->folder, "no/such/store.db"), NSF_STORE_WRITE, "no such file or folder");
    assert_refused(box->folder, NSF_STORE_WRITE, "it is a folder");
    nsf_test_write_file(box->path, "", 0);
    assert_refused(box->path, NSF_STORE_READ, "it is empty");
    nsf_store_close(open_store(box->path, NSF_STORE_WRITE));
    nsf_store_close(open_store(box->path, NSF_STORE_READ));
}

static void test_a_newer_store_is_refused(void **state)
{
    const struct box *box = *state;
    nsf_store_close(open_store(box->path, NSF_STORE_WRITE));
    run_sql(box->path, "PRAGMA user_version = 99");
    assert_refused(box->path, NSF_STORE_WRITE, "newer nsgflow");
    assert_refused(box->path, NSF_STORE_READ, "newer nsgflow");
}

static void test_an_older_store_is_brought_up_to_date(void **state)
{
    const struct box *box = *state;
    struct nsf_store *store = open_store(box->path, NSF_STORE_WRITE);
    struct nsf_stored_blob a = blob_of("a", 1, 10, "h");
    put(store, &a, false, "12");
    nsf_store_close(store);
    run_sql(box->path, "DROP TABLE runs; DROP TABLE scans; DROP TABLE texts; DROP TABLE scan_nsgs;"
                       "DROP TABLE scan_findings; PRAGMA user_version = 1");
    assert_refused(box->path, NSF_STORE_READ, "older nsgflow");
    store = open_store(box->path, NSF_STORE_WRITE);
    assert_string_equal(contents(store), "a:12");
    struct nsf_run_counts counts = {0};
    must(nsf_store_add_run(store, 1, 2, &counts, NULL, NULL, err));
    nsf_store_close(store);
}

static void test_two_writers_exclude_each_other(void **state)
{
    const struct box *box = *state;
    struct nsf_store *store = open_store(box->path, NSF_STORE_WRITE);
    assert_refused(box->path, NSF_STORE_WRITE, "another run is using it");
    assert_refused(box->path, NSF_STORE_READ, "another run is using it");
    nsf_store_close(store);
    nsf_store_close(open_store(box->path, NSF_STORE_WRITE));
}

static void test_those_that_open_a_store_at_once_take_turns(void **state)
{
    const struct box *box = *state;
    pid_t children[6];
    for (size_t i = 0; i < NSF_ARRAY_LEN(children); i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            struct nsf_store *store;
            const bool is_open = !nsf_failed(nsf_store_open(box->path, NSF_STORE_WRITE, &store, NULL));
            nsf_store_close(is_open ? store : NULL);
            _exit(is_open ? 0 : 1);
        }
    }
    for (size_t i = 0; i < NSF_ARRAY_LEN(children); i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static void test_damaged_parts_are_noticed(void **state)
{
    const struct box *box = *state;
    struct nsf_store *store = open_store(box->path, NSF_STORE_WRITE);
    struct nsf_stored_blob a = blob_of("a", 1, 10, "h"), blob;
    put(store, &a, false, "12");
    nsf_store_close(store);
    run_sql(box->path, "UPDATE parts SET data = X'33' WHERE n = 1");
    store = open_store(box->path, NSF_STORE_READ);
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    blob = find(store, "a", "v1", &arena);
    struct nsf_slice part;
    struct nsf_err told = NSF_ERR_INIT;
    must(nsf_store_part(store, &blob, 0, &part, err));
    assert_true(nsf_failed(nsf_store_part(store, &blob, 1, &part, &told)));
    assert_non_null(strstr(told.text, "damaged at a"));
    nsf_err_reset(&told);
    assert_true(nsf_failed(nsf_store_part(store, &blob, 2, &part, &told)));
    nsf_arena_release(&arena);
    nsf_store_close(store);
}

static void as_nobody(void *arg)
{
    const struct box *box = arg;
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        _exit(77);
    struct nsf_store *store;
    struct nsf_err err = NSF_ERR_INIT;
    if (!nsf_failed(nsf_store_open(box->path, NSF_STORE_WRITE, &store, &err)) || strstr(err.text, "no right") == NULL)
        _exit(1);
    if (nsf_failed(nsf_store_open(box->path, NSF_STORE_READ, &store, NULL)))
        _exit(2);
    if (strcmp(contents(store), "a:12") != 0)
        _exit(3);
    nsf_store_close(store);
    char other[4096];
    snprintf(other, sizeof(other), "%s/new.db", box->folder);
    nsf_err_reset(&err);
    if (!nsf_failed(nsf_store_open(other, NSF_STORE_WRITE, &store, &err)) || strstr(err.text, "no right") == NULL)
        _exit(4);
    _exit(0);
}

static void test_a_store_in_a_closed_folder_can_be_read(void **state)
{
    struct box *box = *state;
    struct nsf_store *store = open_store(box->path, NSF_STORE_WRITE);
    struct nsf_stored_blob a = blob_of("a", 1, 10, "h");
    put(store, &a, false, "12");
    nsf_store_close(store);
    chmod(box->path, 0444);
    chmod(box->folder, 0555);
    int status = nsf_test_status_of(as_nobody, box);
    chmod(box->folder, 0755);
    assert_int_equal(status, 0);
}

/* ---- killed ---- */

static void write_until_killed(const char *path)
{
    struct nsf_store *store;
    if (nsf_failed(nsf_store_open(path, NSF_STORE_WRITE, &store, NULL)))
        _exit(1);
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    char part[20000];
    memset(part, 'p', sizeof(part));
    for (unsigned i = 0;; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%u", i % 7);
        struct nsf_stored_blob known, blob = blob_of(key, 1, i, i % 3 == 0 ? "h" : "g");
        if (nsf_failed(nsf_store_find(store, S(key), S("v1"), &arena, &known, NULL)))
            _exit(2);
        struct nsf_store_put *reading = nsf_store_put_begin(store, &known, i % 2 == 0);
        uint32_t n = (i % 2 == 0 ? known.n_parts : 0) + 3;
        blob.resume_offset = n; /* what the row should count */
        for (int part_idx = 0; part_idx < 3; part_idx++)
            if (nsf_failed(nsf_store_put_part(reading, nsf_slice(part, sizeof(part)), NULL)))
                _exit(3);
        if (nsf_failed(nsf_store_put_finish(reading, &blob, NULL)) || nsf_failed(nsf_store_flush(store, NULL)))
            _exit(4);
    }
}

static void assert_whole(const char *path)
{
    struct nsf_store *store = open_store(path, NSF_STORE_WRITE);
    struct nsf_store_cursor *cursor;
    must(nsf_store_blobs(store, &cursor, err));
    for (;;) {
        struct nsf_stored_blob blob;
        struct nsf_slice part;
        bool is_over;
        must(nsf_store_next(cursor, &blob, &is_over, err));
        if (is_over)
            break;
        assert_int_equal(blob.n_parts, blob.resume_offset);
        for (uint32_t n = 0; n < blob.n_parts; n++)
            must(nsf_store_part(store, &blob, n, &part, err));
    }
    nsf_store_cursor_close(cursor);
    nsf_store_close(store);
    assert_int_equal(number(path, "SELECT (SELECT count(*) FROM parts) - (SELECT sum(n_parts) FROM blobs)"), 0);
    assert_int_equal(number(path, "SELECT count(*) FROM blobs GROUP BY key HAVING count(*) > 1"), -1);
}

static void test_a_kill_at_any_moment_leaves_whole_blobs(void **state)
{
    const struct box *box = *state;
    uint64_t seed = 9;
    for (int round = 0; round < 25; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            write_until_killed(box->path);
        usleep((useconds_t)(500 + nsf_test_random(&seed) % 30000));
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_whole(box->path);
    }
    assert_true(number(box->path, "SELECT count(*) FROM blobs") > 0);
}

/* ---- runs ---- */

static struct nsf_slices texts_of(struct nsf_arena *arena, const char *a, const char *b)
{
    struct nsf_slices texts = {.items = nsf_arena_zalloc(arena, 2, sizeof(struct nsf_slice)), .n = 2};
    texts.items[0] = S(a);
    texts.items[1] = S(b);
    return texts;
}

/* Sets at both ends of their families, and a rule without any. */
static struct nsf_range v4_ranges[] = {{0, 0}, {2, 9}, {0xffffff00u, 0xffffffffu}};
static struct nsf_range v6_ranges[] = {{0, 0}, {(nsf_u128)0x20010db8 << 96, ~(nsf_u128)0}};
static struct nsf_inbound_rule inbound_rules[] = {
    {.name = {"open", 4},
     .priority = 100,
     .is_allow = true,
     .sources = {{{v4_ranges, 3, 0}, {v6_ranges, 2, 0}}},
     .has_vnet = true,
     .is_any_source_port = true,
     .targets = {{{v4_ranges, 2, 0}, {NULL, 0, 0}}}},
    {.name = {"open", 4}, .priority = 65500, .is_unsure = true, .is_any_target = true},
};
static uint16_t inbound_priorities[] = {100, 4096};
static const struct nsf_inbound inbound = {inbound_rules, 2, inbound_priorities, 2, 7, 8};

static void make_scan(struct nsf_scan *scan)
{
    *scan = (struct nsf_scan){.n_files = 3, .port = 25, .n_rules = 9, .n_rules_described = 4};
    nsf_arena_init(&scan->arena);
    scan->n_nsgs = 2;
    scan->nsgs = nsf_arena_zalloc(&scan->arena, 2, sizeof(*scan->nsgs));
    scan->nsgs[0] = (struct nsf_scan_nsg){.id = S("/subscriptions/s/a"),
                                          .name = S("a"),
                                          .owner = S("me"),
                                          .verdict = NSF_EXPOSURE_EXPOSED,
                                          .is_latent = true,
                                          .public_ipv4 = 77,
                                          .public_ipv6 = NSF_V6_FULL,
                                          .attached_to = texts_of(&scan->arena, "x", "y"),
                                          .place = {.file = S("f.json"), .offset = 12, .line = 3}};
    scan->nsgs[0].n_rules = 1;
    scan->nsgs[0].rules = nsf_arena_zalloc(&scan->arena, 1, sizeof(struct nsf_scan_rule));
    scan->nsgs[0].rules[0] =
        (struct nsf_scan_rule){.name = S("open"), .role = NSF_RULE_ROLE_FINDING, .is_allow = true, .priority = 100};
    scan->nsgs[1] =
        (struct nsf_scan_nsg){.id = S("/subscriptions/s/b"), .name = S("b"), .guid = S("g"), .has_attachment = true};
    scan->n_findings = 1;
    scan->findings = nsf_arena_zalloc(&scan->arena, 1, sizeof(*scan->findings));
    scan->findings[0] = (struct nsf_finding){.rule = S("open"),
                                             .priority = 100,
                                             .verdict = NSF_EXPOSURE_EXPOSED,
                                             .sources = texts_of(&scan->arena, "*", "Internet"),
                                             .description = S("why"),
                                             .opens_other_ports = true,
                                             .note = S("n")};
    scan->findings[0].n_reduced_by = 1;
    scan->findings[0].reduced_by = nsf_arena_zalloc(&scan->arena, 1, sizeof(struct nsf_reduced_by));
    scan->findings[0].reduced_by[0] = (struct nsf_reduced_by){.rule = S("deny"), .is_part = true};
    scan->findings[0].n_gates = 1;
    scan->findings[0].gates = nsf_arena_zalloc(&scan->arena, 1, sizeof(struct nsf_gate));
    scan->findings[0].gates[0] = (struct nsf_gate){.kind = NSF_GATE_NIC_NSG,
                                                   .nsg = S("/subscriptions/s/b"),
                                                   .rules = texts_of(&scan->arena, "r", "s"),
                                                   .is_open = true,
                                                   .public_ipv4 = 5,
                                                   .n_nics = 2};
    scan->findings[0].is_blocked = true;
    scan->findings[0].decides_all = true;
    static const struct nsf_exception exception = {
        .expires_ms = NSF_TS_NONE, .deadline_ms = 86400000, .is_expired = true, .is_past_deadline = true};
    scan->findings[0].exception = &exception;
    scan->nsgs[0].has_public_path = true;
    scan->nsgs[0].nic_addresses = texts_of(&scan->arena, "10.0.0.4", "10.0.0.5");
    scan->nsgs[0].inbound = &inbound;
    scan->n_rules_owned = 9;
    scan->n_peers = 1;
    scan->peers = nsf_arena_zalloc(&scan->arena, 1, sizeof(*scan->peers));
    scan->peers[0] =
        (struct nsf_peer_row){.tool = S("t"), .theirs = S("FAIL"), .has_ours = true, .ours = NSF_EXPOSURE_PARTIAL};
    scan->n_shadowed = 1;
    scan->shadowed = nsf_arena_zalloc(&scan->arena, 1, sizeof(*scan->shadowed));
    scan->shadowed[0] =
        (struct nsf_shadowed){.nsg_idx = 1, .rule = S("late"), .priority = 200, .by = texts_of(&scan->arena, "p", "q")};
}

static void assert_inbound_equal(const struct nsf_inbound *back, const struct nsf_inbound *expected)
{
    assert_int_equal(back->n_rules, expected->n_rules);
    for (size_t i = 0; i < expected->n_rules; i++) {
        for (int family = 0; family < NSF_FAMILY_N; family++)
            assert_true(nsf_ranges_eq(&back->rules[i].sources.of[family], &expected->rules[i].sources.of[family]));
        assert_true(
            nsf_ranges_eq(&back->rules[i].targets.of[NSF_FAMILY_V4], &expected->rules[i].targets.of[NSF_FAMILY_V4]));
        assert_slice_equal(back->rules[i].name, "open");
        assert_int_equal(back->rules[i].has_vnet, expected->rules[i].has_vnet);
        assert_int_equal(back->rules[i].is_any_target, expected->rules[i].is_any_target);
    }
    assert_int_equal(back->n_priorities, 2);
    assert_int_equal(back->priorities[1], 4096);
    assert_int_equal(back->n_custom_rules, 7);
    assert_int_equal(back->n_source_prefixes, 8);
}

static void test_the_rules_of_the_last_run_are_kept(void **state)
{
    const struct box *box = *state;
    struct nsf_store *store = open_store(box->path, NSF_STORE_WRITE);
    struct nsf_scan scan, back;
    struct nsf_problems problems, told;
    struct nsf_run_counts counts = {.n_new = 1};
    bool has_scan;
    nsf_problems_init(&problems);
    nsf_problems_init(&told);
    must(nsf_store_last_scan(store, &back, &told, &has_scan, err));
    assert_false(has_scan);
    nsf_arena_release(&back.arena);
    make_scan(&scan);
    nsf_problems_add(&problems, &(struct nsf_problem){.path = S("f.json"), .code = NSF_E_RULE, .detail = S("odd")});
    must(nsf_store_add_run(store, 20, 21, &counts, &scan, &problems, err));
    must(nsf_store_add_run(store, 10, 11, &counts, NULL, NULL, err));
    nsf_store_close(store);
    store = open_store(box->path, NSF_STORE_READ);
    must(nsf_store_last_scan(store, &back, &told, &has_scan, err));
    assert_true(has_scan);
    struct nsf_buf first, second;
    nsf_buf_init(&first, NSF_SCAN_PACK_MAX_BYTES);
    nsf_buf_init(&second, NSF_SCAN_PACK_MAX_BYTES);
    nsf_scan_pack(&scan, &problems, &first);
    nsf_scan_pack(&back, &told, &second);
    assert_true(nsf_slice_eq(nsf_buf_slice(&first), nsf_buf_slice(&second)));
    assert_slice_equal(back.findings[0].sources.items[1], "Internet");
    assert_slice_equal(back.nsgs[0].place.file, "f.json");
    assert_int_equal(back.nsgs[0].public_ipv6, NSF_V6_FULL);
    assert_slice_equal(back.shadowed[0].by.items[1], "q");
    assert_slice_equal(back.findings[0].gates[0].rules.items[1], "s");
    assert_slice_equal(back.nsgs[0].nic_addresses.items[1], "10.0.0.5");
    assert_true(back.nsgs[0].rules[0].is_allow && back.nsgs[0].rules[0].priority == 100);
    assert_true(back.findings[0].decides_all && back.findings[0].is_blocked && back.nsgs[0].has_public_path);
    assert_true(back.findings[0].exception->expires_ms == NSF_TS_NONE && back.findings[0].exception->is_expired);
    assert_true(back.findings[0].exception->deadline_ms == 86400000 && back.findings[0].exception->is_past_deadline);
    assert_int_equal(back.peers[0].ours, NSF_EXPOSURE_PARTIAL);
    assert_int_equal(back.n_rules_owned, 9);
    assert_inbound_equal(back.nsgs[0].inbound, &inbound);
    assert_null(back.nsgs[1].inbound);
    assert_int_equal(told.n, 1);
    for (size_t len = 0; len < first.len; len++) {
        struct nsf_scan cut;
        assert_true(nsf_failed(nsf_scan_unpack(nsf_slice(first.ptr, len), &cut, &told, NULL)));
        nsf_arena_release(&cut.arena);
    }
    nsf_buf_release(&first);
    nsf_buf_release(&second);
    nsf_arena_release(&scan.arena);
    nsf_arena_release(&back.arena);
    nsf_problems_release(&problems);
    nsf_problems_release(&told);
    nsf_store_close(store);
}

/* As under SOURCE_DATE_EPOCH. */
static void test_where_the_clock_stands_still_the_run_added_last_counts(void **state)
{
    const struct box *box = *state;
    struct nsf_store *store = open_store(box->path, NSF_STORE_WRITE);
    struct nsf_scan scan;
    struct nsf_problems problems, told;
    struct nsf_run_counts counts = {.n_new = 1};
    nsf_problems_init(&problems);
    nsf_problems_init(&told);
    make_scan(&scan);
    for (int n = 0; n < 10; n++) {
        struct nsf_scan back;
        bool has_scan;
        scan.nsgs[0].verdict = n % 2 == 0 ? NSF_EXPOSURE_EXPOSED : NSF_EXPOSURE_CLOSED;
        must(nsf_store_add_run(store, 20, 21, &counts, &scan, &problems, err));
        must(nsf_store_last_scan(store, &back, &told, &has_scan, err));
        assert_true(has_scan);
        assert_int_equal(back.nsgs[0].verdict, scan.nsgs[0].verdict);
        nsf_arena_release(&back.arena);
    }
    nsf_arena_release(&scan.arena);
    nsf_problems_release(&problems);
    nsf_problems_release(&told);
    nsf_store_close(store);
    /* In the order of trends, too, they alternate. */
    assert_int_equal(number(box->path, "SELECT count(*) FROM (SELECT scan, lag(scan) OVER (ORDER BY started_ms, hi, lo)"
                                       " AS before FROM runs) WHERE scan = before"),
                     0);
}

/* Readings that share a transaction with one that fails do not go on as if their parts were there. */
static void test_a_failure_ends_all_readings_of_its_transaction(void **state)
{
    struct box *box = *state;
    struct nsf_store *store = open_store(box->path, NSF_STORE_WRITE);
    struct nsf_stored_blob blob = blob_of("a", 1, 10, "");
    const struct nsf_stored_blob unknown = {0};
    struct nsf_store_put *a = nsf_store_put_begin(store, &unknown, false);
    must(nsf_store_put_part(a, S("x"), err));

    struct rlimit before, none;
    getrlimit(RLIMIT_FSIZE, &before);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &none);
    struct nsf_err first = NSF_ERR_INIT, second = NSF_ERR_INIT;
    const nsf_result r = nsf_store_flush(store, &first);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    assert_true(nsf_failed(r));
    assert_int_equal(first.code, NSF_E_STORE);

    assert_true(nsf_failed(nsf_store_put_finish(a, &blob, &second)));
    assert_string_equal(second.text, first.text);
    nsf_store_close(store);
    store = open_store(box->path, NSF_STORE_WRITE);
    assert_string_equal(contents(store), "");
    put(store, &blob, false, "xy");
    assert_true(strlen(contents(store)) > 0);
    nsf_store_close(store);
}

int main(void)
{
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_blob_comes_back),
        STORE_TEST(test_readings_append_or_replace),
        STORE_TEST(test_what_is_not_finished_is_not_there),
        STORE_TEST(test_blobs_come_in_the_order_of_the_run),
        STORE_TEST(test_standard_input_is_known_by_its_text),
        STORE_TEST(test_a_blob_can_go_by_another_name),
        STORE_TEST(test_other_files_are_refused_and_left_alone),
        STORE_TEST(test_what_is_not_there_is_said),
        STORE_TEST(test_a_newer_store_is_refused),
        STORE_TEST(test_an_older_store_is_brought_up_to_date),
        STORE_TEST(test_two_writers_exclude_each_other),
        STORE_TEST(test_those_that_open_a_store_at_once_take_turns),
        STORE_TEST(test_damaged_parts_are_noticed),
        STORE_TEST(test_a_store_in_a_closed_folder_can_be_read),
        STORE_TEST(test_a_kill_at_any_moment_leaves_whole_blobs),
        STORE_TEST(test_a_failure_ends_all_readings_of_its_transaction),
        STORE_TEST(test_the_rules_of_the_last_run_are_kept),
        STORE_TEST(test_where_the_clock_stands_still_the_run_added_last_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

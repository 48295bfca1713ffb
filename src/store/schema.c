#include "core/nsf_common.h"

#include "store/store_state.h"

#include "core/clock.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/real_path.h"

#include <sys/stat.h>
#include <time.h>

/* "NSGF": tells our files from other SQLite files. */
#define STORE_APPLICATION_ID 0x4e534746
/* How long another process may hold the file before that is an error: a short run beside this one is waited for. */
#define STORE_BUSY_MS 2000
/* How long one attempt to open it waits. Two that open a store at once may each hold what the other one needs, and
 * wait for each other in vain: so it is let go of soon, and asked for again. */
#define STORE_ATTEMPT_MS 40
/* Work that a kill may undo, against the cost of a commit. */
#define STORE_COMMIT_BYTES ((uint64_t)4 << 20)
#define STORE_COMMIT_MS 500

/* From each version of the schema to the next. What was released is never changed here, only added to. */
static const char *const migrations[] = {
    /* 1: evidence */
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE blobs("
    " id INTEGER PRIMARY KEY, key BLOB NOT NULL, name BLOB NOT NULL, sort BLOB NOT NULL, hour INTEGER, etag BLOB,"
    " created_ms INTEGER, bytes INTEGER NOT NULL, resume_offset INTEGER NOT NULL, resume INTEGER NOT NULL,"
    " prefix_hash INTEGER NOT NULL, is_gzip INTEGER NOT NULL, is_local INTEGER NOT NULL, head BLOB NOT NULL,"
    " tail BLOB, failure BLOB, evidence INTEGER NOT NULL UNIQUE, n_parts INTEGER NOT NULL, mode INTEGER NOT NULL,"
    " UNIQUE(key, head));"
    "CREATE INDEX blobs_in_order ON blobs(key = X'2d', hour, sort, key, head);"
    "CREATE TABLE parts("
    " evidence INTEGER NOT NULL, n INTEGER NOT NULL, sum INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE(evidence, n));",
    /* 2: runs and what they found */
    "CREATE TABLE texts(id INTEGER PRIMARY KEY, text BLOB NOT NULL UNIQUE);"
    "CREATE TABLE scans("
    " id INTEGER PRIMARY KEY, hash_hi INTEGER NOT NULL, hash_lo INTEGER NOT NULL, data BLOB, UNIQUE(hash_hi, hash_lo));"
    "CREATE TABLE runs("
    " hi INTEGER NOT NULL, lo INTEGER NOT NULL, started_ms INTEGER NOT NULL, finished_ms INTEGER NOT NULL,"
    " scan INTEGER, n_new INTEGER NOT NULL, n_grown INTEGER NOT NULL, n_replaced INTEGER NOT NULL,"
    " n_unchanged INTEGER NOT NULL, n_failed INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY(hi, lo));"
    "CREATE INDEX runs_in_order ON runs(started_ms, hi, lo);"
    "CREATE TABLE scan_nsgs(scan INTEGER NOT NULL, nsg INTEGER NOT NULL, verdict INTEGER NOT NULL);"
    "CREATE INDEX nsgs_of_scan ON scan_nsgs(scan);"
    "CREATE TABLE scan_findings("
    " scan INTEGER NOT NULL, nsg INTEGER NOT NULL, rule INTEGER NOT NULL, priority INTEGER NOT NULL,"
    " verdict INTEGER NOT NULL, is_latent INTEGER NOT NULL, has_owner INTEGER NOT NULL, has_reason INTEGER NOT NULL);"
    "CREATE INDEX findings_of_scan ON scan_findings(scan);",
};

int nsf_store_schema_version(void)
{
    return (int)NSF_ARRAY_LEN(migrations);
}

static nsf_result refuse(const struct nsf_store *store, struct nsf_err *err, const char *text)
{
    nsf_result r = NSF_FAIL(err, NSF_E_STORE, NSF_OFFSET_NONE, "%s", text);
    nsf_err_set_subject(err, store->sql.path);
    return r;
}

/* *version 0: an empty file. */
static nsf_result check_kind(struct nsf_store *store, int64_t *version, struct nsf_err *err)
{
    int64_t application_id, n_tables;
    /* Seen at one moment: another run may be making the store just now. */
    nsf_result r = nsf_sql_run(&store->sql, "BEGIN", err);
    if (!nsf_failed(r))
        r = nsf_sql_number(&store->sql, "PRAGMA application_id", &application_id, err);
    if (!nsf_failed(r))
        r = nsf_sql_number(&store->sql, "PRAGMA user_version", version, err);
    if (!nsf_failed(r))
        r = nsf_sql_number(&store->sql, "SELECT count(*) FROM sqlite_schema", &n_tables, err);
    if (!nsf_failed(r))
        r = nsf_sql_run(&store->sql, "COMMIT", err);
    if (nsf_failed(r))
        return r;
    bool is_empty = application_id == 0 && *version == 0 && n_tables == 0;
    if (!is_empty && application_id != STORE_APPLICATION_ID)
        return refuse(store, err, "cannot open the evidence store: it is a database of another program");
    if (*version > nsf_store_schema_version())
        return refuse(store, err, "cannot open the evidence store: a newer nsgflow wrote it; use that one");
    if (is_empty && !store->is_writer)
        return refuse(store, err, "cannot open the evidence store: it is empty; `nsgflow review --store` fills it");
    return nsf_ok();
}

nsf_result nsf_store_migrate(struct nsf_store *store, struct nsf_err *err)
{
    int64_t version;
    nsf_result r = check_kind(store, &version, err);
    if (nsf_failed(r))
        return r;
    if (!store->is_writer) {
        if (version < nsf_store_schema_version())
            return refuse(store, err,
                          "the evidence store is of an older nsgflow; a `review --store` brings it up to date");
        return nsf_ok();
    }
    for (; version < nsf_store_schema_version(); version++) {
        char stamp[128];
        snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                 STORE_APPLICATION_ID, (int)version + 1);
        r = nsf_sql_run(&store->sql, "BEGIN IMMEDIATE", err);
        if (!nsf_failed(r))
            r = nsf_sql_run(&store->sql, migrations[version], err);
        if (!nsf_failed(r))
            r = nsf_sql_run(&store->sql, stamp, err);
        if (nsf_failed(r))
            return r;
    }
    return nsf_ok();
}

/* A killed writer leaves readings that nothing refers to. */
static nsf_result sweep(struct nsf_store *store, struct nsf_err *err)
{
    int64_t is_dirty;
    nsf_result r = nsf_sql_number(&store->sql, "SELECT value FROM meta WHERE key = 'dirty'", &is_dirty, err);
    if (!nsf_failed(r) && is_dirty != 0)
        r = nsf_sql_run(&store->sql,
                        "DELETE FROM parts WHERE rowid IN (SELECT p.rowid FROM parts p LEFT JOIN blobs b"
                        " ON b.evidence = p.evidence WHERE b.id IS NULL OR p.n >= b.n_parts)",
                        err);
    if (!nsf_failed(r))
        r = nsf_sql_run(&store->sql, "INSERT OR REPLACE INTO meta(key, value) VALUES('dirty', 1)", err);
    if (!nsf_failed(r))
        r = nsf_sql_number(&store->sql, "SELECT max(evidence) FROM blobs", &store->next_evidence, err);
    store->next_evidence++;
    return r;
}

/* In a folder where nothing may be written a closed store can still be read: nobody else writes it there. */
static bool may_be_immutable(const char *path)
{
    char wal[4096];
    struct stat found;
    int n = snprintf(wal, sizeof(wal), "%s-wal", path);
    return n > 0 && (size_t)n < sizeof(wal) && stat(path, &found) == 0 &&
           (stat(wal, &found) != 0 || found.st_size == 0);
}

/* `file:` and the path with what a URI would take apart escaped. */
static char *uri_of(const char *path, const char *query)
{
    size_t len = strlen(path);
    char *uri = nsf_malloc(len * 3 + strlen(query) + 8);
    size_t n = (size_t)snprintf(uri, 8, "file:%s", path[0] == '/' ? "" : "./");
    for (size_t i = 0; i < len; i++) {
        if (strchr("%?#", path[i]) != NULL)
            n += (size_t)snprintf(uri + n, 4, "%%%02X", (unsigned char)path[i]);
        else
            uri[n++] = path[i];
    }
    memcpy(uri + n, query, strlen(query) + 1);
    return uri;
}

static nsf_result connect(struct nsf_store *store, const char *query, struct nsf_err *err)
{
    char *uri = uri_of(store->sql.path, query);
    /* Readers open it for writing too, where they may: only then are the files beside it removed at the close. */
    int flags =
        SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | (store->is_writer ? SQLITE_OPEN_CREATE : 0);
    int code = sqlite3_open_v2(uri, &store->sql.db, flags, NULL);
    nsf_free(uri);
    if (code != SQLITE_OK)
        return nsf_sql_fail(&store->sql, code, "open the evidence store", err);
    sqlite3_extended_result_codes(store->sql.db, 1);
    sqlite3_busy_timeout(store->sql.db, STORE_ATTEMPT_MS);
    return nsf_ok();
}

static void disconnect(struct nsf_store *store)
{
    for (size_t i = 0; i < STORE_STATEMENTS; i++) {
        sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
    sqlite3_close(store->sql.db);
    store->sql.db = NULL;
}

static nsf_result open_writer(struct nsf_store *store, struct nsf_err *err)
{
    int64_t version;
    nsf_result r = connect(store, "", err);
    if (!nsf_failed(r)) /* before anything is written: it may be somebody else's */
        r = check_kind(store, &version, err);
    /* A write-ahead log survives a kill at any moment, also with NORMAL: what that can lose at a power cut is the
     * last commits, as a whole. The exclusive mode keeps other writers out from here to the close. */
    if (!nsf_failed(r))
        r = nsf_sql_run(&store->sql,
                        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                        " BEGIN IMMEDIATE; COMMIT",
                        err);
    if (!nsf_failed(r))
        r = nsf_store_migrate(store, err);
    if (!nsf_failed(r))
        r = sweep(store, err);
    return r;
}

static nsf_result open_reader(struct nsf_store *store, struct nsf_err *err)
{
    struct nsf_err first = NSF_ERR_INIT;
    struct stat found;
    if (stat(store->sql.path, &found) != 0)
        return refuse(store, err, "there is no such evidence store; `nsgflow review --store` makes it");
    nsf_result r = connect(store, "", &first);
    if (!nsf_failed(r))
        r = nsf_sql_run(&store->sql, "PRAGMA query_only = ON", &first);
    if (!nsf_failed(r))
        r = nsf_store_migrate(store, &first);
    if (!nsf_failed(r))
        return r;
    int code = store->sql.db == NULL ? SQLITE_OK : sqlite3_errcode(store->sql.db) & 0xff;
    bool is_folder_closed = code == SQLITE_CANTOPEN || code == SQLITE_READONLY || code == SQLITE_PERM;
    if (!is_folder_closed || !may_be_immutable(store->sql.path)) {
        if (err != NULL)
            *err = first;
        return r;
    }
    disconnect(store);
    r = connect(store, "?mode=ro&immutable=1", err);
    return nsf_failed(r) ? r : nsf_store_migrate(store, err);
}

static void remember_real_path(struct nsf_store *store)
{
    char whole[PATH_MAX];
    if (nsf_real_path(store->sql.path, whole))
        store->real_path = nsf_strdup_n(whole, strlen(whole));
}

static bool is_busy(const struct nsf_store *store)
{
    const int code = store->sql.db == NULL ? SQLITE_OK : sqlite3_errcode(store->sql.db) & 0xff;
    return code == SQLITE_BUSY || code == SQLITE_LOCKED;
}

static nsf_result open_in_turn(struct nsf_store *store, struct nsf_err *err)
{
    const int64_t began_ms = nsf_clock_monotonic_ms();
    for (;;) {
        struct nsf_err one = NSF_ERR_INIT;
        nsf_result r = store->is_writer ? open_writer(store, &one) : open_reader(store, &one);
        if (!nsf_failed(r)) {
            sqlite3_busy_timeout(store->sql.db, STORE_BUSY_MS);
            return r;
        }
        if (!is_busy(store) || nsf_clock_monotonic_ms() - began_ms >= STORE_BUSY_MS) {
            if (err != NULL && err->code == NSF_E_NONE)
                *err = one;
            return r;
        }
        disconnect(store);
        /* Not all at the same moment again. */
        const struct timespec wait = {.tv_nsec = (long)(5 + nsf_hash_random_seed() % 20) * 1000000L};
        nanosleep(&wait, NULL);
    }
}

nsf_result nsf_store_open(const char *path, enum nsf_store_mode mode, struct nsf_store **store, struct nsf_err *err)
{
    struct nsf_store *own = nsf_calloc(1, sizeof(*own));
    own->sql.path = nsf_strdup_n(path, strlen(path));
    own->mutex = nsf_mutex_new();
    own->is_writer = mode == NSF_STORE_WRITE;
    nsf_result r = open_in_turn(own, err);
    if (nsf_failed(r)) {
        own->is_writer = false;
        nsf_store_close(own);
        own = NULL;
    } else {
        remember_real_path(own);
    }
    *store = own;
    return r;
}

void nsf_store_close(struct nsf_store *store)
{
    if (store == NULL)
        return;
    /* After a failure it stays marked, and whoever opens it next sweeps. */
    if (store->is_writer && !store->is_lost) {
        struct nsf_err err = NSF_ERR_INIT;
        if (nsf_failed(nsf_store_flush(store, &err)) ||
            nsf_failed(nsf_sql_run(&store->sql, "DELETE FROM meta WHERE key = 'dirty'", &err)))
            nsf_store_rollback(store, &err);
    }
    disconnect(store);
    nsf_mutex_free(store->mutex);
    nsf_free(store->real_path);
    nsf_free(store->sql.path);
    nsf_free(store);
}

bool nsf_store_is_own_file(const struct nsf_store *store, struct nsf_slice path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char other[PATH_MAX];
    char *text = nsf_strdup_n(path.ptr, path.len);
    bool is_it = false;
    if (store->real_path != NULL && nsf_real_path(text, other)) {
        struct nsf_slice whole = nsf_slice_str(other), front = nsf_slice_str(store->real_path);
        for (size_t i = 0; i < NSF_ARRAY_LEN(suffixes); i++)
            is_it |= nsf_slice_has_prefix(whole, front) &&
                     nsf_slice_eq(nsf_slice_from(whole, front.len), nsf_slice_str(suffixes[i]));
    }
    nsf_free(text);
    return is_it;
}

/* ---- transactions ---- */

nsf_result nsf_store_statement(struct nsf_store *store, enum nsf_store_statement which, sqlite3_stmt **statement,
                               struct nsf_err *err)
{
    static const char *const texts[] = {
#define STORE_STATEMENT_TEXT(name, text) text,
        STORE_STATEMENT_TABLE(STORE_STATEMENT_TEXT)
#undef STORE_STATEMENT_TEXT
    };
    *statement = store->statements[which];
    if (*statement != NULL)
        return nsf_ok();
    nsf_result r = nsf_sql_prepare(&store->sql, texts[which], statement, err);
    store->statements[which] = *statement;
    return r;
}

/* Readings of several workers share a transaction: when one of them fails, the parts that the others have put are gone
 * with it, and a row that counts them must not be written any more. */
static nsf_result refuse_lost(const struct nsf_store *store, struct nsf_err *err)
{
    if (store->lost.code == NSF_E_NONE)
        return refuse(store, err, "a change of the evidence store failed; nothing more is written");
    if (err != NULL && err->code == NSF_E_NONE)
        *err = store->lost;
    return (nsf_result){.failed = true};
}

nsf_result nsf_store_begin(struct nsf_store *store, struct nsf_err *err)
{
    /* SQLite rolls back by itself when the disk is full, memory ends or a read fails. */
    if (store->is_in_transaction && sqlite3_get_autocommit(store->sql.db) != 0)
        nsf_store_rollback(store, NULL);
    if (store->is_lost)
        return refuse_lost(store, err);
    if (store->is_in_transaction)
        return nsf_ok();
    nsf_result r = nsf_sql_run(&store->sql, "BEGIN IMMEDIATE", err);
    store->is_in_transaction = !nsf_failed(r);
    store->pending_bytes = 0;
    store->began_ms = nsf_clock_monotonic_ms();
    return r;
}

nsf_result nsf_store_commit(struct nsf_store *store, struct nsf_err *err)
{
    if (!store->is_in_transaction)
        return nsf_ok();
    nsf_result r = nsf_sql_run(&store->sql, "COMMIT", err);
    if (nsf_failed(r))
        nsf_store_rollback(store, err);
    store->is_in_transaction = false;
    return r;
}

nsf_result nsf_store_commit_if_due(struct nsf_store *store, struct nsf_err *err)
{
    if (store->pending_bytes < STORE_COMMIT_BYTES && nsf_clock_monotonic_ms() - store->began_ms < STORE_COMMIT_MS)
        return nsf_ok();
    return nsf_store_commit(store, err);
}

void nsf_store_rollback(struct nsf_store *store, const struct nsf_err *why)
{
    if (!store->is_lost && why != NULL)
        store->lost = *why;
    store->is_lost = true;
    if (sqlite3_get_autocommit(store->sql.db) == 0)
        sqlite3_exec(store->sql.db, "ROLLBACK", NULL, NULL, NULL);
    store->is_in_transaction = false;
}

nsf_result nsf_store_flush(struct nsf_store *store, struct nsf_err *err)
{
    nsf_mutex_lock(store->mutex);
    nsf_result r = nsf_store_commit(store, err);
    nsf_mutex_unlock(store->mutex);
    return r;
}

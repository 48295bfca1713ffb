#include "core/nsf_common.h"

#include "store/store.h"

#include "core/mem.h"
#include "store/store_state.h"

struct merge {
    struct nsf_store *into;
    struct nsf_store *from;
    const volatile sig_atomic_t *is_stopped;
    /* scans of `from` by their ids there, and what they are in `into` */
    int64_t *scan_ids;
    size_t scan_ids_capacity;
    size_t n_scan_ids; /* pairs: id in from, id in into */
};

/* ---- blobs ---- */

/* Whether the reading is better than what `into` has of the blob. */
static nsf_result is_wanted(struct merge *merge, const struct nsf_stored_blob *blob, bool *answer, struct nsf_err *err)
{
    struct nsf_stored_blob other;
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    nsf_mutex_lock(merge->into->mutex);
    nsf_result r = nsf_store_find_head(merge->into, blob->key, blob->is_local ? blob->head : NSF_SLICE_LIT(""), &arena,
                                       &other, err);
    nsf_mutex_unlock(merge->into->mutex);
    *answer = !nsf_failed(r) && (other.id == 0 || nsf_store_cmp_readings(&other, blob) < 0);
    nsf_arena_release(&arena);
    return r;
}

static nsf_result copy_blob(struct merge *merge, const struct nsf_stored_blob *blob, struct nsf_err *err)
{
    static const struct nsf_stored_blob none = {0};
    struct nsf_store_put *put = nsf_store_put_begin(merge->into, &none, false);
    nsf_result r = nsf_ok();
    for (uint32_t n = 0; n < blob->n_parts && !nsf_failed(r); n++) {
        struct nsf_slice packed;
        r = nsf_store_part(merge->from, blob, n, &packed, err);
        if (!nsf_failed(r))
            r = nsf_store_put_part(put, packed, err);
    }
    if (!nsf_failed(r))
        return nsf_store_put_finish(put, blob, err);
    nsf_store_put_abandon(put);
    return r;
}

static nsf_result merge_blobs(struct merge *merge, struct nsf_err *err)
{
    struct nsf_store_cursor *cursor;
    nsf_result r = nsf_store_blobs(merge->from, &cursor, err);
    while (!nsf_failed(r)) {
        struct nsf_stored_blob blob;
        bool is_over, is_better = false;
        if (merge->is_stopped != NULL && *merge->is_stopped != 0)
            r = NSF_FAIL(err, NSF_E_INTERRUPTED, NSF_OFFSET_NONE, "interrupted");
        else
            r = nsf_store_next(cursor, &blob, &is_over, err);
        if (nsf_failed(r) || is_over)
            break;
        r = is_wanted(merge, &blob, &is_better, err);
        if (!nsf_failed(r) && is_better)
            r = copy_blob(merge, &blob, err);
    }
    nsf_store_cursor_close(cursor);
    return r;
}

/* A file without a record yet is the beginning of the one that has some. */
static nsf_result drop_beginnings(struct merge *merge, struct nsf_err *err)
{
    return nsf_sql_run(
        &merge->into->sql,
        "DELETE FROM blobs WHERE is_local AND head = X'' AND key IN (SELECT key FROM blobs WHERE head <> X'');"
        "DELETE FROM parts WHERE evidence NOT IN (SELECT evidence FROM blobs)",
        err);
}

/* ---- runs ---- */

/* Calls fn for each row that the text gives for ?1 = id, in `from`. */
static nsf_result for_rows(struct merge *merge, const char *text, int64_t id,
                           nsf_result (*fn)(struct merge *, sqlite3_stmt *, int64_t, struct nsf_err *), int64_t own_id,
                           struct nsf_err *err)
{
    sqlite3_stmt *rows;
    nsf_result r = nsf_sql_prepare(&merge->from->sql, text, &rows, err);
    if (nsf_failed(r))
        return r;
    if (sqlite3_bind_parameter_count(rows) > 0)
        nsf_sql_bind_number(rows, 1, id);
    while (!nsf_failed(r)) {
        bool has_row;
        r = nsf_sql_step(&merge->from->sql, rows, &has_row, err);
        if (nsf_failed(r) || !has_row)
            break;
        r = fn(merge, rows, own_id, err);
    }
    sqlite3_finalize(rows);
    return r;
}

static nsf_result copy_nsg(struct merge *merge, sqlite3_stmt *row, int64_t scan_id, struct nsf_err *err)
{
    sqlite3_stmt *add;
    int64_t nsg = 0;
    nsf_result r = nsf_store_text_id(merge->into, nsf_sql_bytes(row, 0), &nsg, err);
    if (!nsf_failed(r))
        r = nsf_store_statement(merge->into, STORE_ADD_NSG, &add, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_number(add, 1, scan_id);
    nsf_sql_bind_number(add, 2, nsg);
    nsf_sql_bind_number(add, 3, sqlite3_column_int64(row, 1));
    return nsf_sql_done(&merge->into->sql, add, err);
}

static nsf_result copy_finding(struct merge *merge, sqlite3_stmt *row, int64_t scan_id, struct nsf_err *err)
{
    sqlite3_stmt *add;
    int64_t nsg = 0, rule = 0;
    nsf_result r = nsf_store_text_id(merge->into, nsf_sql_bytes(row, 0), &nsg, err);
    if (!nsf_failed(r))
        r = nsf_store_text_id(merge->into, nsf_sql_bytes(row, 1), &rule, err);
    if (!nsf_failed(r))
        r = nsf_store_statement(merge->into, STORE_ADD_FINDING, &add, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_number(add, 1, scan_id);
    nsf_sql_bind_number(add, 2, nsg);
    nsf_sql_bind_number(add, 3, rule);
    for (int i = 2; i < 7; i++)
        nsf_sql_bind_number(add, i + 2, sqlite3_column_int64(row, i));
    return nsf_sql_done(&merge->into->sql, add, err);
}

static nsf_result add_scan(struct merge *merge, int64_t from_id, int64_t hi, int64_t lo, int64_t *id,
                           struct nsf_err *err)
{
    struct nsf_store *into = merge->into;
    sqlite3_stmt *add;
    nsf_result r = nsf_store_statement(into, STORE_ADD_SCAN, &add, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_number(add, 1, hi);
    nsf_sql_bind_number(add, 2, lo);
    nsf_sql_bind_or_null(add, 3, 0, 0);
    r = nsf_sql_done(&into->sql, add, err);
    *id = sqlite3_last_insert_rowid(into->sql.db);
    if (!nsf_failed(r))
        r = for_rows(
            merge,
            "SELECT t.text, n.verdict FROM scan_nsgs n JOIN texts t ON t.id = n.nsg WHERE n.scan = ?1 ORDER BY n.rowid",
            from_id, copy_nsg, *id, err);
    if (!nsf_failed(r))
        r = for_rows(merge,
                     "SELECT n.text, r.text, f.priority, f.verdict, f.is_latent, f.has_owner, f.has_reason"
                     " FROM scan_findings f JOIN texts n ON n.id = f.nsg JOIN texts r ON r.id = f.rule"
                     " WHERE f.scan = ?1 ORDER BY f.rowid",
                     from_id, copy_finding, *id, err);
    return r;
}

/* A scan that both have is known by its hash. */
static nsf_result copy_scan(struct merge *merge, sqlite3_stmt *row, int64_t unused, struct nsf_err *err)
{
    (void)unused;
    struct nsf_store *into = merge->into;
    sqlite3_stmt *find;
    bool has_row = false;
    int64_t from_id = sqlite3_column_int64(row, 0), hi = sqlite3_column_int64(row, 1),
            lo = sqlite3_column_int64(row, 2);
    int64_t id = 0;
    nsf_result r = nsf_store_statement(into, STORE_SCAN_ID, &find, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_number(find, 1, hi);
    nsf_sql_bind_number(find, 2, lo);
    r = nsf_sql_step(&into->sql, find, &has_row, err);
    if (has_row) {
        id = sqlite3_column_int64(find, 0);
        sqlite3_reset(find);
    } else if (!nsf_failed(r)) {
        r = add_scan(merge, from_id, hi, lo, &id, err);
    }
    NSF_GROW(merge->scan_ids, merge->scan_ids_capacity, merge->n_scan_ids + 2);
    merge->scan_ids[merge->n_scan_ids++] = from_id;
    merge->scan_ids[merge->n_scan_ids++] = id;
    return r;
}

static int64_t own_scan_id(const struct merge *merge, int64_t from_id)
{
    for (size_t i = 0; i < merge->n_scan_ids; i += 2)
        if (merge->scan_ids[i] == from_id)
            return merge->scan_ids[i + 1];
    return 0;
}

static nsf_result copy_run(struct merge *merge, sqlite3_stmt *row, int64_t unused, struct nsf_err *err)
{
    (void)unused;
    sqlite3_stmt *add;
    nsf_result r = nsf_store_statement(merge->into, STORE_ADD_RUN, &add, err);
    if (nsf_failed(r))
        return r;
    for (int i = 0; i < 11; i++)
        nsf_sql_bind_number(add, i + 1, sqlite3_column_int64(row, i));
    nsf_sql_bind_or_null(add, 5, own_scan_id(merge, sqlite3_column_int64(row, 4)), 0);
    return nsf_sql_done(&merge->into->sql, add, err);
}

/* The last run with rules; of two at one time the scan's own hash decides, so that the order of stores does not. */
struct last_run {
    bool is_there;
    int64_t scan_id;
    int64_t started_ms;
    int64_t hash_hi;
    int64_t hash_lo;
};

static nsf_result last_run_of(struct nsf_store *store, struct last_run *last, struct nsf_slice *rules,
                              sqlite3_stmt **row, struct nsf_err *err)
{
    nsf_result r = nsf_store_statement(store, STORE_LAST_SCAN, row, err);
    if (!nsf_failed(r))
        r = nsf_sql_step(&store->sql, *row, &last->is_there, err);
    if (nsf_failed(r) || !last->is_there)
        return r;
    last->scan_id = nsf_sql_or(*row, 0, 0);
    *rules = nsf_sql_bytes(*row, 1);
    last->started_ms = nsf_sql_or(*row, 2, 0);
    last->hash_hi = nsf_sql_or(*row, 3, 0);
    last->hash_lo = nsf_sql_or(*row, 4, 0);
    return r;
}

static bool is_later(const struct last_run *a, const struct last_run *b)
{
    if (a->started_ms != b->started_ms)
        return a->started_ms > b->started_ms;
    return a->hash_hi != b->hash_hi ? a->hash_hi > b->hash_hi : a->hash_lo > b->hash_lo;
}

/* The rules kept whole are those of the last run of both. */
static nsf_result merge_rules(struct merge *merge, const struct last_run *own, struct nsf_err *err)
{
    struct last_run other = {0};
    struct nsf_slice rules;
    sqlite3_stmt *row, *set;
    nsf_result r = last_run_of(merge->from, &other, &rules, &row, err);
    if (!nsf_failed(r) && other.is_there && (!own->is_there || is_later(&other, own))) {
        r = nsf_sql_run(&merge->into->sql, "UPDATE scans SET data = NULL WHERE data IS NOT NULL", err);
        if (!nsf_failed(r))
            r = nsf_store_statement(merge->into, STORE_SET_SCAN, &set, err);
        if (!nsf_failed(r)) {
            nsf_sql_bind_number(set, 1, own_scan_id(merge, other.scan_id));
            nsf_sql_bind_bytes(set, 2, rules);
            r = nsf_sql_done(&merge->into->sql, set, err);
        }
    }
    if (row != NULL)
        sqlite3_reset(row);
    return r;
}

static nsf_result merge_runs(struct merge *merge, struct nsf_err *err)
{
    struct last_run own = {0};
    struct nsf_slice rules;
    sqlite3_stmt *row;
    nsf_result r = last_run_of(merge->into, &own, &rules, &row, err);
    if (row != NULL)
        sqlite3_reset(row);
    if (!nsf_failed(r))
        r = for_rows(merge, "SELECT id, hash_hi, hash_lo FROM scans ORDER BY id", 0, copy_scan, 0, err);
    if (!nsf_failed(r))
        r = for_rows(merge,
                     "SELECT hi, lo, started_ms, finished_ms, scan, n_new, n_grown, n_replaced, n_unchanged, n_failed,"
                     " bytes FROM runs ORDER BY started_ms, hi, lo",
                     0, copy_run, 0, err);
    if (!nsf_failed(r))
        r = merge_rules(merge, &own, err);
    return r;
}

nsf_result nsf_store_merge(struct nsf_store *into, struct nsf_store *from, const volatile sig_atomic_t *is_stopped,
                           struct nsf_err *err)
{
    struct merge merge = {.into = into, .from = from, .is_stopped = is_stopped};
    nsf_result r = merge_blobs(&merge, err);
    nsf_mutex_lock(into->mutex);
    if (!nsf_failed(r))
        r = nsf_store_begin(into, err);
    if (!nsf_failed(r))
        r = drop_beginnings(&merge, err);
    if (!nsf_failed(r))
        r = merge_runs(&merge, err);
    if (!nsf_failed(r))
        r = nsf_store_commit(into, err);
    if (nsf_failed(r))
        nsf_store_rollback(into, err);
    nsf_mutex_unlock(into->mutex);
    nsf_free(merge.scan_ids);
    return r;
}

#include "core/nsf_common.h"

#include "store/store.h"

#include "core/mem.h"
#include "store/store_state.h"

struct nsf_store_put {
    struct nsf_store *store;
    int64_t known_id;
    int64_t known_evidence;
    int64_t evidence;
    uint32_t n_parts;
    bool is_append;
};

struct nsf_store_cursor {
    struct nsf_store *store;
    sqlite3_stmt *statement;
};

/* ---- rows ---- */

void nsf_store_blob_of_row(sqlite3_stmt *statement, struct nsf_stored_blob *blob)
{
    int i = 0;
    blob->id = nsf_sql_or(statement, i++, 0);
    blob->key = nsf_sql_bytes(statement, i++);
    blob->name = nsf_sql_bytes(statement, i++);
    blob->order = nsf_sql_bytes(statement, i++);
    blob->hour = nsf_sql_or(statement, i++, INT64_MIN);
    blob->etag = nsf_sql_bytes(statement, i++);
    blob->created_ms = nsf_sql_or(statement, i++, NSF_TS_NONE);
    blob->bytes = (uint64_t)nsf_sql_or(statement, i++, 0);
    blob->resume_offset = (uint64_t)nsf_sql_or(statement, i++, 0);
    int64_t resume = nsf_sql_or(statement, i++, 0);
    blob->resume =
        resume == NSF_RESUME_IN_RECORDS || resume == NSF_RESUME_IN_LINES ? (enum nsf_resume)resume : NSF_RESUME_NONE;
    blob->prefix_hash = (uint64_t)nsf_sql_or(statement, i++, 0);
    blob->is_gzip = nsf_sql_or(statement, i++, 0) != 0;
    blob->is_local = nsf_sql_or(statement, i++, 0) != 0;
    blob->head = nsf_sql_bytes(statement, i++);
    blob->tail = nsf_sql_bytes(statement, i++);
    blob->failure = nsf_sql_bytes(statement, i++);
    blob->evidence = nsf_sql_or(statement, i++, 0);
    int64_t n_parts = nsf_sql_or(statement, i++, 0);
    blob->n_parts = n_parts < 0 || n_parts > UINT32_MAX ? 0 : (uint32_t)n_parts;
    blob->mode = (uint32_t)nsf_sql_or(statement, i++, 0);
}

static void bind_blob(sqlite3_stmt *statement, const struct nsf_stored_blob *blob)
{
    int i = 1;
    nsf_sql_bind_or_null(statement, i++, 0, 0); /* id */
    nsf_sql_bind_bytes(statement, i++, blob->key);
    nsf_sql_bind_bytes(statement, i++, blob->name);
    nsf_sql_bind_bytes(statement, i++, blob->order);
    nsf_sql_bind_or_null(statement, i++, blob->hour, INT64_MIN);
    nsf_sql_bind_bytes(statement, i++, blob->etag);
    nsf_sql_bind_or_null(statement, i++, blob->created_ms, NSF_TS_NONE);
    nsf_sql_bind_number(statement, i++, (int64_t)blob->bytes);
    nsf_sql_bind_number(statement, i++, (int64_t)blob->resume_offset);
    nsf_sql_bind_number(statement, i++, (int64_t)blob->resume);
    nsf_sql_bind_number(statement, i++, (int64_t)blob->prefix_hash);
    nsf_sql_bind_number(statement, i++, blob->is_gzip);
    nsf_sql_bind_number(statement, i++, blob->is_local);
    /* What storage calls by one URL is one blob, however it begins. */
    nsf_sql_bind_bytes(statement, i++, blob->is_local && blob->head.ptr != NULL ? blob->head : NSF_SLICE_LIT(""));
    nsf_sql_bind_bytes(statement, i++, blob->tail);
    nsf_sql_bind_bytes(statement, i++, blob->failure);
    nsf_sql_bind_number(statement, i++, blob->evidence);
    nsf_sql_bind_number(statement, i++, blob->n_parts);
    nsf_sql_bind_number(statement, i++, blob->mode);
}

nsf_result nsf_store_insert_blob(struct nsf_store *store, const struct nsf_stored_blob *blob, struct nsf_err *err)
{
    sqlite3_stmt *statement;
    nsf_result r = nsf_store_statement(store, STORE_INSERT_BLOB, &statement, err);
    if (nsf_failed(r))
        return r;
    bind_blob(statement, blob);
    return nsf_sql_done(&store->sql, statement, err);
}

static nsf_result run_with_number(struct nsf_store *store, enum nsf_store_statement which, int64_t number,
                                  struct nsf_err *err)
{
    sqlite3_stmt *statement;
    nsf_result r = nsf_store_statement(store, which, &statement, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_number(statement, 1, number);
    return nsf_sql_done(&store->sql, statement, err);
}

nsf_result nsf_store_delete_blob(struct nsf_store *store, int64_t id, struct nsf_err *err)
{
    return run_with_number(store, STORE_DELETE_BLOB, id, err);
}

nsf_result nsf_store_delete_parts(struct nsf_store *store, int64_t evidence, struct nsf_err *err)
{
    return run_with_number(store, STORE_DELETE_PARTS, evidence, err);
}

static uint64_t sum_of(struct nsf_slice packed)
{
    return nsf_hash_bytes(packed.ptr, packed.len, NSF_STORE_SEED);
}

nsf_result nsf_store_insert_part(struct nsf_store *store, int64_t evidence, uint32_t n, struct nsf_slice packed,
                                 struct nsf_err *err)
{
    sqlite3_stmt *statement;
    nsf_result r = nsf_store_statement(store, STORE_INSERT_PART, &statement, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_number(statement, 1, evidence);
    nsf_sql_bind_number(statement, 2, n);
    nsf_sql_bind_number(statement, 3, (int64_t)sum_of(packed));
    nsf_sql_bind_bytes(statement, 4, packed);
    store->pending_bytes += packed.len;
    return nsf_sql_done(&store->sql, statement, err);
}

static void copy_texts(struct nsf_arena *arena, struct nsf_stored_blob *blob)
{
    struct nsf_slice *texts[] = {&blob->key,  &blob->name, &blob->order,  &blob->etag,
                                 &blob->head, &blob->tail, &blob->failure};
    for (size_t i = 0; i < NSF_ARRAY_LEN(texts); i++)
        if (texts[i]->ptr != NULL)
            *texts[i] = nsf_arena_copy(arena, *texts[i]);
}

/* The one row that a statement of two texts gives; id 0 without one. */
static nsf_result find(struct nsf_store *store, enum nsf_store_statement which, struct nsf_slice first,
                       struct nsf_slice second, struct nsf_arena *arena, struct nsf_stored_blob *blob,
                       struct nsf_err *err)
{
    *blob = (struct nsf_stored_blob){.hour = INT64_MIN, .created_ms = NSF_TS_NONE};
    sqlite3_stmt *statement;
    nsf_result r = nsf_store_statement(store, which, &statement, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_bytes(statement, 1, first);
    nsf_sql_bind_bytes(statement, 2, second);
    bool has_row = false;
    r = nsf_sql_step(&store->sql, statement, &has_row, err);
    if (has_row) {
        nsf_store_blob_of_row(statement, blob);
        copy_texts(arena, blob);
        sqlite3_reset(statement);
    }
    return r;
}

nsf_result nsf_store_find(struct nsf_store *store, struct nsf_slice key, struct nsf_slice etag, struct nsf_arena *arena,
                          struct nsf_stored_blob *blob, struct nsf_err *err)
{
    nsf_mutex_lock(store->mutex);
    nsf_result r = find(store, STORE_FIND, key, etag, arena, blob, err);
    if (nsf_failed(r))
        nsf_store_rollback(store, err);
    nsf_mutex_unlock(store->mutex);
    return r;
}

nsf_result nsf_store_find_head(struct nsf_store *store, struct nsf_slice key, struct nsf_slice head,
                               struct nsf_arena *arena, struct nsf_stored_blob *blob, struct nsf_err *err)
{
    return find(store, STORE_FIND_HEAD, key, head.ptr == NULL ? NSF_SLICE_LIT("") : head, arena, blob, err);
}

static nsf_result rename_locked(struct nsf_store *store, const struct nsf_stored_blob *blob, struct nsf_slice name,
                                struct nsf_slice order, struct nsf_err *err)
{
    sqlite3_stmt *statement;
    nsf_result r = nsf_store_begin(store, err);
    if (!nsf_failed(r))
        r = nsf_store_statement(store, STORE_UPDATE_NAME, &statement, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_number(statement, 1, blob->id);
    nsf_sql_bind_bytes(statement, 2, name);
    nsf_sql_bind_bytes(statement, 3, order);
    r = nsf_sql_done(&store->sql, statement, err);
    return nsf_failed(r) ? r : nsf_store_commit_if_due(store, err);
}

nsf_result nsf_store_rename(struct nsf_store *store, const struct nsf_stored_blob *blob, struct nsf_slice name,
                            struct nsf_slice order, struct nsf_err *err)
{
    nsf_mutex_lock(store->mutex);
    nsf_result r = rename_locked(store, blob, name, order, err);
    if (nsf_failed(r))
        nsf_store_rollback(store, err);
    nsf_mutex_unlock(store->mutex);
    return r;
}

/* ---- readings ---- */

int nsf_store_cmp_readings(const struct nsf_stored_blob *a, const struct nsf_stored_blob *b)
{
    if (!a->is_local && a->created_ms != b->created_ms)
        return a->created_ms < b->created_ms ? -1 : 1;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? -1 : 1;
    if ((a->failure.ptr == NULL) != (b->failure.ptr == NULL))
        return a->failure.ptr != NULL ? -1 : 1;
    if (a->resume_offset != b->resume_offset)
        return a->resume_offset < b->resume_offset ? -1 : 1;
    if (a->mode != b->mode)
        return a->mode < b->mode ? -1 : 1;
    int order = nsf_slice_cmp(a->etag, b->etag);
    if (order == 0)
        order = nsf_slice_cmp(a->order, b->order);
    return order != 0 ? order : nsf_slice_cmp(a->name, b->name);
}

struct nsf_store_put *nsf_store_put_begin(struct nsf_store *store, const struct nsf_stored_blob *known, bool is_append)
{
    struct nsf_store_put *put = nsf_calloc(1, sizeof(*put));
    put->store = store;
    put->known_id = known->id;
    put->known_evidence = known->evidence;
    put->is_append = is_append && known->id != 0;
    nsf_mutex_lock(store->mutex);
    put->evidence = put->is_append ? known->evidence : store->next_evidence++;
    nsf_mutex_unlock(store->mutex);
    put->n_parts = put->is_append ? known->n_parts : 0;
    return put;
}

/* Parts are written before the blob's row knows of them: until then nobody sees them. */
static nsf_result put_part(struct nsf_store_put *put, struct nsf_slice packed, struct nsf_err *err)
{
    struct nsf_store *store = put->store;
    nsf_result r = nsf_store_begin(store, err);
    if (!nsf_failed(r))
        r = nsf_store_insert_part(store, put->evidence, put->n_parts, packed, err);
    if (nsf_failed(r))
        return r;
    put->n_parts++;
    return nsf_store_commit_if_due(store, err);
}

nsf_result nsf_store_put_part(struct nsf_store_put *put, struct nsf_slice packed, struct nsf_err *err)
{
    nsf_mutex_lock(put->store->mutex);
    nsf_result r = put_part(put, packed, err);
    if (nsf_failed(r))
        nsf_store_rollback(put->store, err);
    nsf_mutex_unlock(put->store->mutex);
    return r;
}

/* Removes what the reading replaces. *is_known: an equal or longer reading is there already. */
static nsf_result make_room(struct nsf_store_put *put, const struct nsf_stored_blob *blob, struct nsf_arena *arena,
                            bool *is_known, struct nsf_err *err)
{
    struct nsf_store *store = put->store;
    nsf_result r = nsf_ok();
    if (put->known_id != 0)
        r = nsf_store_delete_blob(store, put->known_id, err);
    if (put->known_id != 0 && !put->is_append && !nsf_failed(r))
        r = nsf_store_delete_parts(store, put->known_evidence, err);
    struct nsf_stored_blob other;
    if (!nsf_failed(r))
        r = nsf_store_find_head(store, blob->key, blob->is_local ? blob->head : NSF_SLICE_LIT(""), arena, &other, err);
    if (nsf_failed(r) || other.id == 0)
        return r;
    /* Standard input has no name to be known by: the same text again is the same input. */
    *is_known =
        put->known_id == 0 && nsf_slice_eq(blob->key, NSF_SLICE_LIT("-")) && nsf_store_cmp_readings(&other, blob) >= 0;
    if (*is_known)
        return nsf_store_delete_parts(store, put->evidence, err);
    r = nsf_store_delete_blob(store, other.id, err);
    return nsf_failed(r) ? r : nsf_store_delete_parts(store, other.evidence, err);
}

static nsf_result put_finish(struct nsf_store_put *put, const struct nsf_stored_blob *blob, struct nsf_err *err)
{
    struct nsf_store *store = put->store;
    struct nsf_stored_blob row = *blob;
    row.evidence = put->evidence;
    row.n_parts = put->n_parts;
    bool is_known = false;
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    nsf_result r = nsf_store_begin(store, err);
    if (!nsf_failed(r))
        r = make_room(put, blob, &arena, &is_known, err);
    if (!nsf_failed(r) && !is_known)
        r = nsf_store_insert_blob(store, &row, err);
    if (!nsf_failed(r))
        r = nsf_store_commit_if_due(store, err);
    nsf_arena_release(&arena);
    return r;
}

nsf_result nsf_store_put_finish(struct nsf_store_put *put, const struct nsf_stored_blob *blob, struct nsf_err *err)
{
    nsf_mutex_lock(put->store->mutex);
    nsf_result r = put_finish(put, blob, err);
    if (nsf_failed(r))
        nsf_store_rollback(put->store, err);
    nsf_mutex_unlock(put->store->mutex);
    nsf_free(put);
    return r;
}

/* Parts that were appended stay behind the last one that counts; the next reading or the next sweep takes their place.
 */
void nsf_store_put_abandon(struct nsf_store_put *put)
{
    if (put == NULL)
        return;
    nsf_mutex_lock(put->store->mutex);
    if (!put->is_append && put->n_parts > 0)
        if (nsf_failed(nsf_store_begin(put->store, NULL)) ||
            nsf_failed(nsf_store_delete_parts(put->store, put->evidence, NULL)))
            nsf_store_rollback(put->store, NULL);
    nsf_mutex_unlock(put->store->mutex);
    nsf_free(put);
}

/* ---- and back ---- */

nsf_result nsf_store_blobs(struct nsf_store *store, struct nsf_store_cursor **cursor, struct nsf_err *err)
{
    *cursor = nsf_calloc(1, sizeof(**cursor));
    (*cursor)->store = store;
    nsf_mutex_lock(store->mutex);
    nsf_result r = nsf_store_commit(store, err);
    if (!nsf_failed(r))
        r = nsf_sql_prepare(&store->sql,
                            "SELECT " STORE_BLOB_COLUMNS " FROM blobs ORDER BY key = X'2d', hour, sort, key, head",
                            &(*cursor)->statement, err);
    nsf_mutex_unlock(store->mutex);
    if (nsf_failed(r)) {
        nsf_store_cursor_close(*cursor);
        *cursor = NULL;
    }
    return r;
}

nsf_result nsf_store_next(struct nsf_store_cursor *cursor, struct nsf_stored_blob *blob, bool *is_over,
                          struct nsf_err *err)
{
    bool has_row = false;
    nsf_mutex_lock(cursor->store->mutex);
    nsf_result r = nsf_sql_step(&cursor->store->sql, cursor->statement, &has_row, err);
    if (has_row)
        nsf_store_blob_of_row(cursor->statement, blob);
    nsf_mutex_unlock(cursor->store->mutex);
    *is_over = !has_row;
    return r;
}

void nsf_store_cursor_close(struct nsf_store_cursor *cursor)
{
    if (cursor == NULL)
        return;
    sqlite3_finalize(cursor->statement);
    nsf_free(cursor);
}

static nsf_result read_part(struct nsf_store *store, const struct nsf_stored_blob *blob, uint32_t n,
                            struct nsf_slice *packed, struct nsf_err *err)
{
    sqlite3_stmt *statement;
    nsf_result r = nsf_store_statement(store, STORE_PART, &statement, err);
    if (nsf_failed(r))
        return r;
    sqlite3_reset(statement);
    nsf_sql_bind_number(statement, 1, blob->evidence);
    nsf_sql_bind_number(statement, 2, n);
    bool has_row = false;
    r = nsf_sql_step(&store->sql, statement, &has_row, err);
    if (nsf_failed(r))
        return r;
    if (has_row) {
        *packed = nsf_sql_bytes(statement, 1);
        if ((uint64_t)sqlite3_column_int64(statement, 0) == sum_of(*packed))
            return nsf_ok();
    }
    r = NSF_FAIL(err, NSF_E_STORE, NSF_OFFSET_NONE,
                 "the evidence store is damaged at %.*s: restore it from a copy, or "
                 "make it anew from the logs",
                 NSF_SLICE_ARG(blob->name));
    nsf_err_set_subject(err, store->sql.path);
    return r;
}

nsf_result nsf_store_part(struct nsf_store *store, const struct nsf_stored_blob *blob, uint32_t n,
                          struct nsf_slice *packed, struct nsf_err *err)
{
    *packed = (struct nsf_slice){NULL, 0};
    nsf_mutex_lock(store->mutex);
    nsf_result r = read_part(store, blob, n, packed, err);
    nsf_mutex_unlock(store->mutex);
    return r;
}

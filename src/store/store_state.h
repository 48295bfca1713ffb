/*
 * store_state.h - the inside of the store, shared by its parts: schema, blobs, runs, merge. Nobody else includes it.
 */
#ifndef NSF_STORE_STATE_H
#define NSF_STORE_STATE_H

#include "core/thread.h"
#include "store/sql.h"
#include "store/store.h"

/* Statements, prepared when first used. */
#define STORE_BLOB_COLUMNS                                                                                             \
    "id, key, name, sort, hour, etag, created_ms, bytes, resume_offset, resume, prefix_hash, is_gzip, is_local, "      \
    "head, tail, failure, evidence, n_parts, mode"

#define STORE_STATEMENT_TABLE(X)                                                                                       \
    X(FIND, "SELECT " STORE_BLOB_COLUMNS " FROM blobs WHERE key = ?1"                                                  \
            " ORDER BY etag IS ?2 DESC, bytes DESC, head LIMIT 1")                                                     \
    X(FIND_HEAD, "SELECT " STORE_BLOB_COLUMNS " FROM blobs WHERE key = ?1 AND head = ?2")                              \
    X(INSERT_BLOB, "INSERT INTO blobs(" STORE_BLOB_COLUMNS ")"                                                         \
                   " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)")                      \
    X(UPDATE_NAME, "UPDATE blobs SET name = ?2, sort = ?3 WHERE id = ?1")                                              \
    X(DELETE_BLOB, "DELETE FROM blobs WHERE id = ?1")                                                                  \
    X(INSERT_PART, "INSERT OR REPLACE INTO parts(evidence, n, sum, data) VALUES(?1, ?2, ?3, ?4)")                      \
    X(PART, "SELECT sum, data FROM parts WHERE evidence = ?1 AND n = ?2")                                              \
    X(DELETE_PARTS, "DELETE FROM parts WHERE evidence = ?1")                                                           \
    X(ADD_TEXT, "INSERT OR IGNORE INTO texts(text) VALUES(?1)")                                                        \
    X(TEXT_ID, "SELECT id FROM texts WHERE text = ?1")                                                                 \
    X(ADD_RUN, "INSERT OR IGNORE INTO runs(hi, lo, started_ms, finished_ms, scan, n_new, n_grown, n_replaced,"         \
               " n_unchanged, n_failed, bytes) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)")                            \
    X(SCAN_ID, "SELECT id FROM scans WHERE hash_hi = ?1 AND hash_lo = ?2")                                             \
    X(ADD_SCAN, "INSERT INTO scans(hash_hi, hash_lo, data) VALUES(?1, ?2, ?3)")                                        \
    X(SET_SCAN, "UPDATE scans SET data = ?2 WHERE id = ?1")                                                            \
    X(ADD_NSG, "INSERT INTO scan_nsgs(scan, nsg, verdict) VALUES(?1, ?2, ?3)")                                         \
    X(ADD_FINDING, "INSERT INTO scan_findings(scan, nsg, rule, priority, verdict, is_latent, has_owner, has_reason)"   \
                   " VALUES(?1,?2,?3,?4,?5,?6,?7,?8)")                                                                 \
    X(RUNS_AT, "SELECT count(*) FROM runs WHERE started_ms = ?1")                                                      \
    X(LAST_SCAN, "SELECT s.id, s.data, r.started_ms, s.hash_hi, s.hash_lo FROM runs r JOIN scans s ON s.id = r.scan"   \
                 " WHERE s.data IS NOT NULL ORDER BY r.started_ms DESC LIMIT 1")

enum nsf_store_statement {
#define STORE_STATEMENT_ENUM(name, text) STORE_##name,
    STORE_STATEMENT_TABLE(STORE_STATEMENT_ENUM)
#undef STORE_STATEMENT_ENUM
    STORE_STATEMENTS,
};

struct nsf_store {
    struct nsf_sql sql;
    char *real_path; /* once it is open; NULL: it cannot be told */
    struct nsf_mutex *mutex;
    sqlite3_stmt *statements[STORE_STATEMENTS];
    bool is_writer;
    bool is_in_transaction;
    uint64_t pending_bytes; /* put since the transaction began */
    int64_t began_ms;
    int64_t next_evidence;
    bool is_lost;        /* a transaction was rolled back: nothing more is written */
    struct nsf_err lost; /* why, where that is known */
};

/* The caller holds the mutex in all that follows. */
nsf_result nsf_store_statement(struct nsf_store *store, enum nsf_store_statement which, sqlite3_stmt **statement,
                               struct nsf_err *err) NSF_CHECKED;
/* Begins a transaction unless one is open. Fails for good once one was rolled back. */
nsf_result nsf_store_begin(struct nsf_store *store, struct nsf_err *err) NSF_CHECKED;
nsf_result nsf_store_commit(struct nsf_store *store, struct nsf_err *err) NSF_CHECKED;
/* Commits when enough has gathered. */
nsf_result nsf_store_commit_if_due(struct nsf_store *store, struct nsf_err *err) NSF_CHECKED;
/* Undoes the open transaction, of all who wrote in it. `why` is copied; NULL: not known. */
void nsf_store_rollback(struct nsf_store *store, const struct nsf_err *why);

/* Makes tables and brings older ones up to date. */
nsf_result nsf_store_migrate(struct nsf_store *store, struct nsf_err *err) NSF_CHECKED;
/* The version this program writes. */
int nsf_store_schema_version(void);

void nsf_store_blob_of_row(sqlite3_stmt *statement, struct nsf_stored_blob *blob);
/* Writes the row; evidence and n_parts are those of *blob. */
nsf_result nsf_store_insert_blob(struct nsf_store *store, const struct nsf_stored_blob *blob,
                                 struct nsf_err *err) NSF_CHECKED;
nsf_result nsf_store_delete_blob(struct nsf_store *store, int64_t id, struct nsf_err *err) NSF_CHECKED;
nsf_result nsf_store_delete_parts(struct nsf_store *store, int64_t evidence, struct nsf_err *err) NSF_CHECKED;
nsf_result nsf_store_insert_part(struct nsf_store *store, int64_t evidence, uint32_t n, struct nsf_slice packed,
                                 struct nsf_err *err) NSF_CHECKED;
nsf_result nsf_store_find_head(struct nsf_store *store, struct nsf_slice key, struct nsf_slice head,
                               struct nsf_arena *arena, struct nsf_stored_blob *blob, struct nsf_err *err) NSF_CHECKED;
nsf_result nsf_store_text_id(struct nsf_store *store, struct nsf_slice text, int64_t *id,
                             struct nsf_err *err) NSF_CHECKED;

/* -1, 0, 1: whether reading a is to give way to reading b of the same blob. A total order over what matters. */
int nsf_store_cmp_readings(const struct nsf_stored_blob *a, const struct nsf_stored_blob *b);

#endif

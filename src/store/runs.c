#include "core/nsf_common.h"

#include "store/store.h"

#include "store/scan_pack.h"
#include "store/store_state.h"
#include "store/wire.h"

#define RUN_RANDOM_BITS 48

nsf_result nsf_store_text_id(struct nsf_store *store, struct nsf_slice text, int64_t *id, struct nsf_err *err)
{
    sqlite3_stmt *add, *find;
    bool has_row = false;
    if (text.ptr == NULL)
        text = NSF_SLICE_LIT("");
    nsf_result r = nsf_store_statement(store, STORE_ADD_TEXT, &add, err);
    if (!nsf_failed(r))
        r = nsf_store_statement(store, STORE_TEXT_ID, &find, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_bytes(add, 1, text);
    r = nsf_sql_done(&store->sql, add, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_bytes(find, 1, text);
    r = nsf_sql_step(&store->sql, find, &has_row, err);
    if (has_row) {
        *id = sqlite3_column_int64(find, 0);
        sqlite3_reset(find);
    }
    return r;
}

/* What trends are made of; two scans that agree on it are one. */
static struct nsf_fingerprint trend_hash(const struct nsf_scan *scan)
{
    struct nsf_buf buf;
    nsf_buf_init(&buf, NSF_SCAN_PACK_MAX_BYTES);
    for (size_t i = 0; i < scan->n_nsgs; i++) {
        nsf_wire_put_text(&buf, scan->nsgs[i].id);
        nsf_wire_put_u8(&buf, (uint8_t)scan->nsgs[i].verdict);
        nsf_wire_put_u8(&buf, scan->nsgs[i].owner.len > 0);
    }
    for (size_t i = 0; i < scan->n_findings; i++) {
        const struct nsf_finding *finding = &scan->findings[i];
        nsf_wire_put_u64(&buf, finding->nsg_idx);
        nsf_wire_put_text(&buf, finding->rule);
        nsf_wire_put_u64(&buf, finding->priority);
        nsf_wire_put_u8(&buf, (uint8_t)finding->verdict);
        nsf_wire_put_u8(&buf, finding->is_latent);
        nsf_wire_put_u8(&buf, finding->description.len > 0);
    }
    struct nsf_fingerprint hash = nsf_hash_fingerprint(buf.ptr == NULL ? "" : buf.ptr, buf.len, NSF_STORE_SEED);
    nsf_buf_release(&buf);
    return hash;
}

static nsf_result add_nsgs(struct nsf_store *store, int64_t scan_id, const struct nsf_scan *scan, struct nsf_err *err)
{
    sqlite3_stmt *add;
    nsf_result r = nsf_store_statement(store, STORE_ADD_NSG, &add, err);
    for (size_t i = 0; i < scan->n_nsgs && !nsf_failed(r); i++) {
        int64_t nsg = 0;
        r = nsf_store_text_id(store, scan->nsgs[i].id, &nsg, err);
        if (nsf_failed(r))
            break;
        nsf_sql_bind_number(add, 1, scan_id);
        nsf_sql_bind_number(add, 2, nsg);
        nsf_sql_bind_number(add, 3, (int64_t)scan->nsgs[i].verdict);
        r = nsf_sql_done(&store->sql, add, err);
    }
    return r;
}

static nsf_result add_finding(struct nsf_store *store, int64_t scan_id, const struct nsf_scan_nsg *nsg,
                              const struct nsf_finding *finding, struct nsf_err *err)
{
    sqlite3_stmt *add;
    int64_t nsg_id = 0, rule_id = 0;
    nsf_result r = nsf_store_statement(store, STORE_ADD_FINDING, &add, err);
    if (!nsf_failed(r))
        r = nsf_store_text_id(store, nsg->id, &nsg_id, err);
    if (!nsf_failed(r))
        r = nsf_store_text_id(store, finding->rule, &rule_id, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_number(add, 1, scan_id);
    nsf_sql_bind_number(add, 2, nsg_id);
    nsf_sql_bind_number(add, 3, rule_id);
    nsf_sql_bind_number(add, 4, finding->priority);
    nsf_sql_bind_number(add, 5, (int64_t)finding->verdict);
    nsf_sql_bind_number(add, 6, finding->is_latent);
    nsf_sql_bind_number(add, 7, nsg->owner.len > 0);
    nsf_sql_bind_number(add, 8, finding->description.len > 0);
    return nsf_sql_done(&store->sql, add, err);
}

/* The scan's row, made with its NSGs and findings when it is new. */
static nsf_result scan_id_of(struct nsf_store *store, const struct nsf_scan *scan, int64_t *scan_id,
                             struct nsf_err *err)
{
    struct nsf_fingerprint hash = trend_hash(scan);
    sqlite3_stmt *find, *add;
    bool has_row = false;
    nsf_result r = nsf_store_statement(store, STORE_SCAN_ID, &find, err);
    if (!nsf_failed(r))
        r = nsf_store_statement(store, STORE_ADD_SCAN, &add, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_number(find, 1, (int64_t)hash.hi);
    nsf_sql_bind_number(find, 2, (int64_t)hash.lo);
    r = nsf_sql_step(&store->sql, find, &has_row, err);
    if (has_row) {
        *scan_id = sqlite3_column_int64(find, 0);
        sqlite3_reset(find);
    }
    if (has_row || nsf_failed(r))
        return r;
    nsf_sql_bind_number(add, 1, (int64_t)hash.hi);
    nsf_sql_bind_number(add, 2, (int64_t)hash.lo);
    nsf_sql_bind_or_null(add, 3, 0, 0);
    r = nsf_sql_done(&store->sql, add, err);
    *scan_id = sqlite3_last_insert_rowid(store->sql.db);
    if (!nsf_failed(r))
        r = add_nsgs(store, *scan_id, scan, err);
    for (size_t i = 0; i < scan->n_findings && !nsf_failed(r); i++)
        r = add_finding(store, *scan_id, &scan->nsgs[scan->findings[i].nsg_idx], &scan->findings[i], err);
    return r;
}

/* Only the rules of the last run are kept whole. */
static nsf_result keep_rules(struct nsf_store *store, int64_t scan_id, const struct nsf_scan *scan,
                             const struct nsf_problems *problems, struct nsf_err *err)
{
    sqlite3_stmt *set;
    nsf_result r = nsf_sql_run(&store->sql, "UPDATE scans SET data = NULL WHERE data IS NOT NULL", err);
    if (!nsf_failed(r))
        r = nsf_store_statement(store, STORE_SET_SCAN, &set, err);
    if (nsf_failed(r))
        return r;
    struct nsf_buf buf;
    nsf_buf_init(&buf, NSF_SCAN_PACK_MAX_BYTES);
    nsf_scan_pack(scan, problems, &buf);
    nsf_sql_bind_number(set, 1, scan_id);
    nsf_sql_bind_bytes(set, 2, nsf_buf_slice(&buf));
    r = nsf_sql_done(&store->sql, set, err);
    nsf_buf_release(&buf);
    return r;
}

/* A number no other run has, and above those of the runs that this store knows of the same moment: where the clock
 * stands still, runs keep their order. */
static nsf_result run_number(struct nsf_store *store, int64_t started_ms, int64_t *number, struct nsf_err *err)
{
    sqlite3_stmt *count;
    bool has_row = false;
    nsf_result r = nsf_store_statement(store, STORE_RUNS_AT, &count, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_number(count, 1, started_ms);
    r = nsf_sql_step(&store->sql, count, &has_row, err);
    if (has_row) {
        const uint64_t n = (uint64_t)sqlite3_column_int64(count, 0);
        *number = (int64_t)((n << RUN_RANDOM_BITS) | (nsf_hash_random_seed() & (((uint64_t)1 << RUN_RANDOM_BITS) - 1)));
        sqlite3_reset(count);
    }
    return r;
}

static nsf_result add_run(struct nsf_store *store, int64_t started_ms, int64_t finished_ms,
                          const struct nsf_run_counts *counts, int64_t scan_id, struct nsf_err *err)
{
    sqlite3_stmt *add;
    int64_t number = 0;
    nsf_result r = run_number(store, started_ms, &number, err);
    if (!nsf_failed(r))
        r = nsf_store_statement(store, STORE_ADD_RUN, &add, err);
    if (nsf_failed(r))
        return r;
    nsf_sql_bind_number(add, 1, number);
    nsf_sql_bind_number(add, 2, (int64_t)nsf_hash_random_seed());
    nsf_sql_bind_number(add, 3, started_ms);
    nsf_sql_bind_number(add, 4, finished_ms);
    nsf_sql_bind_or_null(add, 5, scan_id, 0);
    nsf_sql_bind_number(add, 6, (int64_t)counts->n_new);
    nsf_sql_bind_number(add, 7, (int64_t)counts->n_grown);
    nsf_sql_bind_number(add, 8, (int64_t)counts->n_replaced);
    nsf_sql_bind_number(add, 9, (int64_t)counts->n_unchanged);
    nsf_sql_bind_number(add, 10, (int64_t)counts->n_failed);
    nsf_sql_bind_number(add, 11, (int64_t)counts->bytes);
    return nsf_sql_done(&store->sql, add, err);
}

nsf_result nsf_store_add_run(struct nsf_store *store, int64_t started_ms, int64_t finished_ms,
                             const struct nsf_run_counts *counts, const struct nsf_scan *scan,
                             const struct nsf_problems *problems, struct nsf_err *err)
{
    int64_t scan_id = 0;
    nsf_mutex_lock(store->mutex);
    nsf_result r = nsf_store_begin(store, err);
    if (scan != NULL && !nsf_failed(r))
        r = scan_id_of(store, scan, &scan_id, err);
    if (scan != NULL && !nsf_failed(r))
        r = keep_rules(store, scan_id, scan, problems, err);
    if (!nsf_failed(r))
        r = add_run(store, started_ms, finished_ms, counts, scan_id, err);
    if (!nsf_failed(r))
        r = nsf_store_commit(store, err);
    if (nsf_failed(r))
        nsf_store_rollback(store, err);
    nsf_mutex_unlock(store->mutex);
    return r;
}

nsf_result nsf_store_last_scan(struct nsf_store *store, struct nsf_scan *scan, struct nsf_problems *problems,
                               bool *has_scan, struct nsf_err *err)
{
    sqlite3_stmt *statement;
    bool has_row = false;
    *has_scan = false;
    *scan = (struct nsf_scan){0};
    nsf_arena_init(&scan->arena);
    nsf_mutex_lock(store->mutex);
    nsf_result r = nsf_store_statement(store, STORE_LAST_SCAN, &statement, err);
    if (!nsf_failed(r))
        r = nsf_sql_step(&store->sql, statement, &has_row, err);
    if (has_row) {
        struct nsf_slice packed = nsf_sql_bytes(statement, 1);
        *has_scan = packed.ptr != NULL;
        if (*has_scan)
            r = nsf_scan_unpack(packed, scan, problems, err);
        sqlite3_reset(statement);
    }
    nsf_mutex_unlock(store->mutex);
    return r;
}

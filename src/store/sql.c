#include "core/nsf_common.h"

#include "store/sql.h"

#include "core/mem.h"

#include <errno.h>
#include <sys/stat.h>

/* SQLite tries in several ways and keeps the error of the last one only. */
static const char *reason_of_open(const char *path)
{
    const char *name = strrchr(path, '/');
    char *folder = name == NULL ? nsf_strdup_n(".", 1) : nsf_strdup_n(path, (size_t)(name - path) + 1);
    struct stat found;
    const char *reason = "there is no right to open it, or to write to its folder";
    if (stat(folder, &found) != 0 && (errno == ENOENT || errno == ENOTDIR))
        reason = "there is no such file or folder";
    else if (stat(path, &found) == 0 && S_ISDIR(found.st_mode))
        reason = "it is a folder";
    nsf_free(folder);
    return reason;
}

static const char *reason_of(int code, int system_errno, const char *path)
{
    if (system_errno == ENOSPC || system_errno == EDQUOT)
        return "no space is left on the disk";
    switch (code & 0xff) {
    case SQLITE_FULL:
        return "no space is left on the disk";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "another run is using it; wait for it to end, or give each run a store of its own and merge them";
    case SQLITE_NOTADB:
        return "it is no evidence store, or it is damaged";
    case SQLITE_CORRUPT:
        return "it is damaged; restore it from a copy, or make it anew from the logs";
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return "there is no right to write to it or to its folder";
    case SQLITE_CANTOPEN:
        return reason_of_open(path);
    case SQLITE_NOMEM:
        return "memory ended";
    default:
        return NULL;
    }
}

nsf_result nsf_sql_fail(const struct nsf_sql *sql, int code, const char *doing, struct nsf_err *err)
{
    int system_errno = sql->db == NULL ? 0 : sqlite3_system_errno(sql->db);
    const char *reason = reason_of(code, system_errno, sql->path);
    nsf_result r;
    if (reason != NULL)
        r = NSF_FAIL(err, NSF_E_STORE, NSF_OFFSET_NONE, "cannot %s: %s", doing, reason);
    else
        r = NSF_FAIL(err, NSF_E_STORE, NSF_OFFSET_NONE, "cannot %s: %s", doing,
                     sql->db == NULL ? sqlite3_errstr(code) : sqlite3_errmsg(sql->db));
    nsf_err_set_subject(err, sql->path);
    return r;
}

nsf_result nsf_sql_run(const struct nsf_sql *sql, const char *text, struct nsf_err *err)
{
    int code = sqlite3_exec(sql->db, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? nsf_ok() : nsf_sql_fail(sql, code, "use the evidence store", err);
}

nsf_result nsf_sql_prepare(const struct nsf_sql *sql, const char *text, sqlite3_stmt **statement, struct nsf_err *err)
{
    int code = sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    return code == SQLITE_OK ? nsf_ok() : nsf_sql_fail(sql, code, "use the evidence store", err);
}

nsf_result nsf_sql_number(const struct nsf_sql *sql, const char *text, int64_t *value, struct nsf_err *err)
{
    *value = 0;
    sqlite3_stmt *statement;
    nsf_result r = nsf_sql_prepare(sql, text, &statement, err);
    if (nsf_failed(r))
        return r;
    bool has_row = false;
    r = nsf_sql_step(sql, statement, &has_row, err);
    if (has_row)
        *value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return r;
}

void nsf_sql_bind_bytes(sqlite3_stmt *statement, int idx, struct nsf_slice bytes)
{
    if (bytes.ptr == NULL)
        sqlite3_bind_null(statement, idx);
    else if (bytes.len == 0)
        sqlite3_bind_zeroblob(statement, idx, 0);
    else
        sqlite3_bind_blob64(statement, idx, bytes.ptr, bytes.len, SQLITE_STATIC);
}

void nsf_sql_bind_number(sqlite3_stmt *statement, int idx, int64_t value)
{
    sqlite3_bind_int64(statement, idx, value);
}

void nsf_sql_bind_or_null(sqlite3_stmt *statement, int idx, int64_t value, int64_t none)
{
    if (value == none)
        sqlite3_bind_null(statement, idx);
    else
        sqlite3_bind_int64(statement, idx, value);
}

nsf_result nsf_sql_step(const struct nsf_sql *sql, sqlite3_stmt *statement, bool *has_row, struct nsf_err *err)
{
    int code = sqlite3_step(statement);
    *has_row = code == SQLITE_ROW;
    if (*has_row)
        return nsf_ok();
    nsf_result r = code == SQLITE_DONE ? nsf_ok() : nsf_sql_fail(sql, code, "use the evidence store", err);
    sqlite3_reset(statement);
    return r;
}

nsf_result nsf_sql_done(const struct nsf_sql *sql, sqlite3_stmt *statement, struct nsf_err *err)
{
    int code = sqlite3_step(statement);
    nsf_result r =
        code == SQLITE_DONE || code == SQLITE_ROW ? nsf_ok() : nsf_sql_fail(sql, code, "use the evidence store", err);
    sqlite3_reset(statement);
    return r;
}

struct nsf_slice nsf_sql_bytes(sqlite3_stmt *statement, int idx)
{
    if (sqlite3_column_type(statement, idx) == SQLITE_NULL)
        return (struct nsf_slice){NULL, 0};
    const char *ptr = sqlite3_column_blob(statement, idx);
    int len = sqlite3_column_bytes(statement, idx);
    return nsf_slice(ptr == NULL ? "" : ptr, len < 0 ? 0 : (size_t)len);
}

int64_t nsf_sql_or(sqlite3_stmt *statement, int idx, int64_t none)
{
    return sqlite3_column_type(statement, idx) == SQLITE_NULL ? none : sqlite3_column_int64(statement, idx);
}

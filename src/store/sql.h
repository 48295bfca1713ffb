/*
 * sql.h - SQLite as the store uses it: prepared statements by number, slices in and out, errors in our words.
 */
#ifndef NSF_SQL_H
#define NSF_SQL_H

#include "core/err.h"
#include "core/slice.h"

#include <sqlite3.h>

struct nsf_sql {
    sqlite3 *db;
    char *path;
};

/* Describes the failure that the connection met last; `doing` is what was tried: "read the store". */
NSF_COLD nsf_result nsf_sql_fail(const struct nsf_sql *sql, int code, const char *doing, struct nsf_err *err);

/* One or more statements without results. */
nsf_result nsf_sql_run(const struct nsf_sql *sql, const char *text, struct nsf_err *err) NSF_CHECKED;
nsf_result nsf_sql_prepare(const struct nsf_sql *sql, const char *text, sqlite3_stmt **statement,
                           struct nsf_err *err) NSF_CHECKED;
/* The first column of the first row as a number; 0 without a row. */
nsf_result nsf_sql_number(const struct nsf_sql *sql, const char *text, int64_t *value, struct nsf_err *err) NSF_CHECKED;

/* Parameters count from 1. Bound bytes must live until the statement is reset. */
void nsf_sql_bind_bytes(sqlite3_stmt *statement, int idx, struct nsf_slice bytes);
void nsf_sql_bind_number(sqlite3_stmt *statement, int idx, int64_t value);
/* `none` is bound as NULL. */
void nsf_sql_bind_or_null(sqlite3_stmt *statement, int idx, int64_t value, int64_t none);

/* *has_row: a row is there, the statement stays open; else it was reset. */
nsf_result nsf_sql_step(const struct nsf_sql *sql, sqlite3_stmt *statement, bool *has_row,
                        struct nsf_err *err) NSF_CHECKED;
/* For statements without results; resets. */
nsf_result nsf_sql_done(const struct nsf_sql *sql, sqlite3_stmt *statement, struct nsf_err *err) NSF_CHECKED;

/* Columns count from 0. Lends until the statement's next step. NULL is absent. */
struct nsf_slice nsf_sql_bytes(sqlite3_stmt *statement, int idx);
int64_t nsf_sql_or(sqlite3_stmt *statement, int idx, int64_t none);

#endif

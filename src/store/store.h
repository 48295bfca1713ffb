/*
 * store.h - the evidence of many runs in one SQLite file: what was read of each blob, packed (store/pack.h), and what
 * each run found.
 *
 * Kept are the batches that a worker read, not what follows from them: connections, classes and verdicts are made at
 * report time from all blobs in the order of the run, so that neither the order of arrival nor a merge can matter.
 *
 * The evidence of a blob changes as a whole: a reading becomes visible with nsf_store_put_finish, in one transaction
 * with the removal of what it replaces. What a killed process left behind is invisible and swept by the next writer.
 * Transactions may hold several blobs: a kill loses at most the last half second of work, which is read again.
 *
 * One process writes at a time and locks the file as long; a second one fails. Functions that take a `struct nsf_store`
 * or a put may be called by any thread (they take the store's lock), but slices that are lent live until the next call
 * of the kind named, so that reading belongs to one thread.
 */
#ifndef NSF_STORE_H
#define NSF_STORE_H

#include "core/arena.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/hash.h"
#include "core/problem.h"
#include "exposure/scan.h"
#include "store/trend.h"

#include <signal.h>

struct nsf_store;

enum nsf_store_mode {
    NSF_STORE_READ, /* it must be there; only what a killed run left beside it is taken in, where that may be written */
    NSF_STORE_WRITE, /* made when it is not there or empty; locked until close */
};

/* Fails with NSF_E_STORE: not there, not a store, of a newer program, locked by another run, no right to write, disk
 * full. The text names the remedy; the subject is the path. */
nsf_result nsf_store_open(const char *path, enum nsf_store_mode mode, struct nsf_store **store,
                          struct nsf_err *err) NSF_CHECKED;
/* Commits what is finished. NULL is fine. To learn of failures call nsf_store_flush before. */
void nsf_store_close(struct nsf_store *store);
nsf_result nsf_store_flush(struct nsf_store *store, struct nsf_err *err) NSF_CHECKED;

/* Whether the path is that of the store or of what SQLite keeps beside it: no log. */
bool nsf_store_is_own_file(const struct nsf_store *store, struct nsf_slice path);

/* Of the fingerprints of records: one for all stores, so that records are known again across runs and merged stores. */
#define NSF_STORE_SEED UINT64_C(0x6e7367666c6f7731)

/* ---- blobs ---- */

/* Where a reading of a blob can go on when it has grown. */
enum nsf_resume {
    NSF_RESUME_NONE, /* it is read anew */
    NSF_RESUME_IN_RECORDS,
    NSF_RESUME_IN_LINES,
};

struct nsf_stored_blob {
    int64_t id;             /* 0: not stored yet */
    struct nsf_slice key;   /* which blob it is: absolute path, URL without query, "-" for standard input */
    struct nsf_slice name;  /* what reports call it */
    struct nsf_slice order; /* within one hour blobs are taken in bytewise order of it */
    int64_t hour;           /* since 1970; INT64_MIN: not known */
    struct nsf_slice etag;  /* absent: not known, or not read to its end */
    int64_t created_ms;     /* NSF_TS_NONE: not known */
    uint64_t bytes;         /* that one reading of the whole reads */
    uint64_t resume_offset;
    enum nsf_resume resume;
    uint64_t prefix_hash; /* of the bytes before resume_offset, local files only */
    uint32_t mode;        /* how it was read; the caller's own: what was read in another way is read anew */
    bool is_gzip;
    bool is_local; /* file or standard input: the key alone does not tell it from another machine's */
    /* Of its first record, to tell a file that grew from another of the same path: 16 bytes, or empty without. */
    struct nsf_slice head;
    /* Packed batches of problems that stand behind the parts: of its present end, and of the last try to read on. */
    struct nsf_slice tail;
    struct nsf_slice failure;
    /* the store's own */
    int64_t evidence;
    uint32_t n_parts;
};

/* The blob of that key; of several (after a merge) the one with the ETag, else the longest. *blob->id is 0 when there
 * is none. Texts are copied into the arena. */
nsf_result nsf_store_find(struct nsf_store *store, struct nsf_slice key, struct nsf_slice etag, struct nsf_arena *arena,
                          struct nsf_stored_blob *blob, struct nsf_err *err) NSF_CHECKED;

/* A blob that did not change, but goes by another name now. */
nsf_result nsf_store_rename(struct nsf_store *store, const struct nsf_stored_blob *blob, struct nsf_slice name,
                            struct nsf_slice order, struct nsf_err *err) NSF_CHECKED;

/* A reading that is under way. */
struct nsf_store_put;

/* `known` as found, with id 0 for a new blob. is_append: its parts stay, those that are put come behind them; else they
 * are replaced. */
struct nsf_store_put *nsf_store_put_begin(struct nsf_store *store, const struct nsf_stored_blob *known, bool is_append);
nsf_result nsf_store_put_part(struct nsf_store_put *put, struct nsf_slice packed, struct nsf_err *err) NSF_CHECKED;
/* Makes it visible and takes the put, also on failure. `id`, `evidence` and `n_parts` of *blob are not read. */
nsf_result nsf_store_put_finish(struct nsf_store_put *put, const struct nsf_stored_blob *blob,
                                struct nsf_err *err) NSF_CHECKED;
/* Throws the reading away. NULL is fine. */
void nsf_store_put_abandon(struct nsf_store_put *put);

/* All blobs in the order of the run: hour, order; standard input last. */
struct nsf_store_cursor;
nsf_result nsf_store_blobs(struct nsf_store *store, struct nsf_store_cursor **cursor, struct nsf_err *err) NSF_CHECKED;
/* Lends the texts until the next call or the cursor's end. *is_over is set behind the last. */
nsf_result nsf_store_next(struct nsf_store_cursor *cursor, struct nsf_stored_blob *blob, bool *is_over,
                          struct nsf_err *err) NSF_CHECKED;
void nsf_store_cursor_close(struct nsf_store_cursor *cursor);
/* Part n of the blob, from 0; then its tail and its failure follow. Lends until the next call. */
nsf_result nsf_store_part(struct nsf_store *store, const struct nsf_stored_blob *blob, uint32_t n,
                          struct nsf_slice *packed, struct nsf_err *err) NSF_CHECKED;

/* ---- runs ---- */

struct nsf_run_id {
    uint64_t hi;
    uint64_t lo;
};

struct nsf_run_counts {
    uint64_t n_new;
    uint64_t n_grown;
    uint64_t n_replaced;
    uint64_t n_unchanged;
    uint64_t n_failed;
    uint64_t bytes; /* read in this run */
};

/* Notes a run that read, judged by `scan` (NULL: none), with the problems of its rules (or NULL). The rules of the last
 * run are kept for reports without any. */
nsf_result nsf_store_add_run(struct nsf_store *store, int64_t started_ms, int64_t finished_ms,
                             const struct nsf_run_counts *counts, const struct nsf_scan *scan,
                             const struct nsf_problems *problems, struct nsf_err *err) NSF_CHECKED;
/* The rules of the last run that had some; *has_scan false: none had. The caller releases scan->arena in any case;
 * problems are added to. */
nsf_result nsf_store_last_scan(struct nsf_store *store, struct nsf_scan *scan, struct nsf_problems *problems,
                               bool *has_scan, struct nsf_err *err) NSF_CHECKED;

/* What the runs found over time. The caller releases *trend, also on failure. */
nsf_result nsf_store_trend(struct nsf_store *store, struct nsf_trend *trend, struct nsf_err *err) NSF_CHECKED;

/* ---- merge ---- */

/* Adds all evidence and all runs of `from` to `into`. Of one blob in both, the newer creation wins, then the longer
 * reading; files of one path that begin with different records are different files. Associative, commutative and
 * idempotent in what a report shows: neither order nor repetition matters. *is_stopped ends it with
 * NSF_E_INTERRUPTED; it may be NULL. */
nsf_result nsf_store_merge(struct nsf_store *into, struct nsf_store *from, const volatile sig_atomic_t *is_stopped,
                           struct nsf_err *err) NSF_CHECKED;
#endif

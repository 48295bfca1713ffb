/*
 * err.h - how a function says that it failed, and what a person is told.
 *
 * A fallible function returns nsf_result, a struct, so that a result cannot be counted with or taken for a bool, and
 * is marked NSF_CHECKED. It takes a `struct nsf_err *` as last parameter, which the failing place fills: code, byte
 * offset, text. The first report wins. The subject (file or blob) is added once by whoever knows it.
 *
 * `struct nsf_err` is plain storage of the caller: no allocation, may be copied, one thread at a time.
 */
#ifndef NSF_ERR_H
#define NSF_ERR_H

#include "core/slice.h"

/* code, name in JSON (`inputs.problems[].code`), exit status if it ends the run, text */
#define NSF_ERR_TABLE(X)                                                                                               \
    X(NONE, "none", 0, "no error")                                                                                     \
    X(USAGE, "usage", 2, "wrong usage")                                                                                \
    X(IO, "io", 4, "cannot read")                                                                                      \
    X(OUTPUT, "output", 4, "cannot write")                                                                             \
    X(JSON, "json", 3, "not valid JSON")                                                                               \
    X(TRUNCATED, "truncated", 3, "input ends too early")                                                               \
    X(GZIP, "gzip", 3, "damaged gzip data")                                                                            \
    X(TUPLE, "tuple", 3, "tuple that cannot be read")                                                                  \
    X(RECORD, "record", 3, "record that cannot be read")                                                               \
    X(LIMIT, "limit", 3, "a limit of the program was reached")                                                         \
    X(SHAPE, "shape", 4, "not the kind of file that was expected")                                                     \
    X(RULE, "rule", 3, "rule that cannot be read")                                                                     \
    X(LIST, "list", 4, "list that cannot be read")                                                                     \
    X(HTTP, "http", 4, "storage answered with an error")                                                               \
    X(AUTH, "auth", 4, "storage refused the credential")                                                               \
    X(CHANGED, "changed", 3, "input changed while it was read")                                                        \
    X(STORE, "store", 4, "evidence store cannot be used")                                                              \
    X(EMPTY, "empty", 4, "nothing to read")                                                                            \
    X(NOMEM, "memory", 4, "out of memory")                                                                             \
    X(INTERRUPTED, "interrupted", 130, "interrupted")

enum nsf_code {
#define NSF_ERR_ENUM(code, name, status, text) NSF_E_##code,
    NSF_ERR_TABLE(NSF_ERR_ENUM)
#undef NSF_ERR_ENUM
};

#define NSF_OFFSET_NONE UINT64_MAX

struct nsf_err {
    enum nsf_code code;
    const char *where; /* file:line of the first report, for developers */
    uint64_t offset;   /* byte offset in the input, or NSF_OFFSET_NONE */
    char text[480];    /* one sentence, NUL-ended, may hold bytes of the input: escape before showing */
    char subject[512]; /* path or URL without its query, or "" */
};

#define NSF_ERR_INIT                                                                                                   \
    {                                                                                                                  \
        .code = NSF_E_NONE, .offset = NSF_OFFSET_NONE                                                                  \
    }

typedef struct {
    bool failed;
} nsf_result;

static inline nsf_result nsf_ok(void)
{
    return (nsf_result){.failed = false};
}

static inline bool nsf_failed(nsf_result r)
{
    return r.failed;
}

/* Fills *err unless it already holds a report, and returns the failed result. err may be NULL. */
NSF_COLD nsf_result nsf_err_report(struct nsf_err *err, enum nsf_code code, const char *where, uint64_t offset,
                                   const char *fmt, ...) NSF_PRINTF(5, 6);

#define NSF_STR2(x) #x
#define NSF_STR(x) NSF_STR2(x)
#define NSF_FAIL(err, code, offset, ...) nsf_err_report((err), (code), __FILE__ ":" NSF_STR(__LINE__), (offset), __VA_ARGS__)

/* Copies `subject` into the error unless it has one. */
void nsf_err_set_subject(struct nsf_err *err, const char *subject);
void nsf_err_reset(struct nsf_err *err);

const char *nsf_code_name(enum nsf_code code);
/* The code of that name; false when no code is called so. */
bool nsf_code_find(struct nsf_slice name, enum nsf_code *code) NSF_CHECKED;
int nsf_code_status(enum nsf_code code);
const char *nsf_code_text(enum nsf_code code);

/* For impossible states only, never for bad input: prints the place and aborts. */
NSF_NORETURN NSF_COLD void nsf_bug(const char *where, const char *what);
#define NSF_BUG(what) nsf_bug(__FILE__ ":" NSF_STR(__LINE__), (what))

#endif

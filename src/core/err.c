#include "core/nsf_common.h"

#include "core/err.h"

#include <stdarg.h>

nsf_result nsf_err_report(struct nsf_err *err, enum nsf_code code, const char *where, uint64_t offset, const char *fmt, ...)
{
    if (err == NULL || err->code != NSF_E_NONE)
        return (nsf_result){.failed = true};
    err->code = code;
    err->where = where;
    err->offset = offset;
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    return (nsf_result){.failed = true};
}

void nsf_err_set_subject(struct nsf_err *err, const char *subject)
{
    if (err != NULL && err->subject[0] == '\0')
        snprintf(err->subject, sizeof(err->subject), "%s", subject);
}

void nsf_err_reset(struct nsf_err *err)
{
    *err = (struct nsf_err)NSF_ERR_INIT;
}

static const struct {
    const char *name;
    int status;
    const char *text;
} codes[] = {
#define NSF_ERR_ROW(code, name, status, text) {name, status, text},
    NSF_ERR_TABLE(NSF_ERR_ROW)
#undef NSF_ERR_ROW
};

const char *nsf_code_name(enum nsf_code code)
{
    return codes[code].name;
}

bool nsf_code_find(struct nsf_slice name, enum nsf_code *code)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(codes); i++)
        if (nsf_slice_eq(name, nsf_slice_str(codes[i].name))) {
            *code = (enum nsf_code)i;
            return true;
        }
    return false;
}

int nsf_code_status(enum nsf_code code)
{
    return codes[code].status;
}

const char *nsf_code_text(enum nsf_code code)
{
    return codes[code].text;
}

void nsf_bug(const char *where, const char *what)
{
    fprintf(stderr, "nsgflow: bug at %s: %s\n", where, what);
    abort();
}

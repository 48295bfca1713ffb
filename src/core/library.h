/*
 * library.h - a shared library that is loaded when it is first needed, for those that few runs need and that cost every
 * start of the program a measurable time.
 *
 * Who needs it holds a table of its functions, typed as the library's own header declares them, and names where each
 * belongs. Nothing is ever unloaded. Thread-safe.
 */
#ifndef NSF_LIBRARY_H
#define NSF_LIBRARY_H

#include "core/err.h"
#include "core/thread.h"

struct nsf_library_function {
    const char *name;
    void *where; /* the address of a pointer to such a function */
};

struct nsf_library {
    const char *file;       /* as the dynamic loader looks for it: "libname.so.N" */
    const char *needed_for; /* "reading from storage": said when it is missing */
    const struct nsf_library_function *functions;
    size_t n_functions;
    struct nsf_once once;
    bool is_loaded;
};

/* One element of `functions`: where the function of that name belongs. */
#define NSF_LIBRARY_FUNCTION(member, name)                                                                             \
    {                                                                                                                  \
        (name), &(member)                                                                                              \
    }

/* The first call loads it, every call says whether it is there with all functions (NSF_E_IO names it). */
nsf_result nsf_library_load(struct nsf_library *library, struct nsf_err *err) NSF_CHECKED;

#endif

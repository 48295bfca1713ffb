#include "core/nsf_common.h"

#include "core/library.h"

#include <dlfcn.h>

static void load(void *ctx)
{
    struct nsf_library *library = ctx;
    void *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return;
    for (size_t i = 0; i < library->n_functions; i++) {
        void *found = dlsym(handle, library->functions[i].name);
        if (found == NULL)
            return;
        /* No cast turns a pointer to data into one to a function; POSIX says that they look alike. */
        memcpy(library->functions[i].where, &found, sizeof(found));
    }
    library->is_loaded = true;
}

nsf_result nsf_library_load(struct nsf_library *library, struct nsf_err *err)
{
    nsf_once(&library->once, load, library);
    if (!library->is_loaded)
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "%s cannot be loaded, and %s needs it", library->file,
                        library->needed_for);
    return nsf_ok();
}

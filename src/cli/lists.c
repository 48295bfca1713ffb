#include "core/nsf_common.h"

#include "cli/lists.h"

nsf_result nsf_cli_load_lists(const struct nsf_options *options, struct nsf_lists *lists, struct nsf_problems *problems,
                              struct nsf_err *err)
{
    const struct {
        enum nsf_list_kind kind;
        const struct nsf_text_list *paths;
    } given[] = {
        {NSF_LIST_SENDERS, &options->senders},
        {NSF_LIST_PARTNERS, &options->partners},
        {NSF_LIST_SCANNERS, &options->scanners},
        {NSF_LIST_DROP, &options->drop},
        {NSF_LIST_MX, &options->mx},
        {NSF_LIST_NAMES, &options->names},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(given); i++)
        for (size_t k = 0; k < given[i].paths->n; k++) {
            nsf_result r = nsf_lists_load(lists, given[i].kind, given[i].paths->items[k], problems, err);
            if (nsf_failed(r))
                return r;
        }
    for (size_t i = 0; i < options->mmdb.n; i++) {
        nsf_result r = nsf_lists_open_mmdb(lists, options->mmdb.items[i], err);
        if (nsf_failed(r))
            return r;
    }
    nsf_lists_finish(lists);
    return nsf_ok();
}

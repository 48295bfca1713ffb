/*
 * walk.h - the files behind the paths that were given: folders walked, in one order, whatever the order of the paths.
 *
 * Names that begin with a dot are passed over inside folders; links to folders are not followed there. Internal to
 * rules/; one thread.
 */
#ifndef NSF_WALK_H
#define NSF_WALK_H

#include "core/arena.h"
#include "core/err.h"
#include "rules/document.h"

struct nsf_file {
    struct nsf_slice path; /* NUL-ended, in the caller's arena */
    int fd;                /* borrowed, or -1 */
    struct nsf_document doc;
    bool is_needed_again;
    size_t n_held; /* NSGs of it that need no second reading, the first ones */
};

struct nsf_file_list {
    struct nsf_file *items;
    size_t n;
    size_t capacity;
};

/* Fails for a path that is not there (NSF_E_IO) and a folder without files (NSF_E_EMPTY). */
nsf_result nsf_file_list_add(struct nsf_file_list *list, struct nsf_arena *arena, const char *path, int fd,
                             struct nsf_err *err) NSF_CHECKED;
/* Sorts by path; one given twice stands once. */
void nsf_file_list_finish(struct nsf_file_list *list);
void nsf_file_list_release(struct nsf_file_list *list);

#endif

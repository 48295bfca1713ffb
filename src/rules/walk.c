#include "core/nsf_common.h"

#include "rules/walk.h"

#include "core/limits.h"
#include "core/mem.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

/* Folders in folders. */
#define WALK_DEPTH_MAX 64

static void add_file(struct nsf_file_list *list, struct nsf_arena *arena, const char *path, int fd)
{
    NSF_GROW(list->items, list->capacity, list->n + 1);
    struct nsf_file *file = &list->items[list->n++];
    *file = (struct nsf_file){.path = nsf_arena_copy(arena, nsf_slice_str(path)), .fd = fd};
    file->doc.fd = -1;
}

static nsf_result walk(struct nsf_file_list *list, struct nsf_arena *arena, const char *folder, unsigned depth,
                       struct nsf_err *err)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot open the folder %s: %s", folder, strerror(errno));
    nsf_result r = nsf_ok();
    struct dirent *entry;
    while (!nsf_failed(r) && (entry = readdir(dir)) != NULL) {
        struct stat status;
        char path[NSF_PATH_MAX_BYTES];
        if (entry->d_name[0] == '.')
            continue;
        size_t len = strlen(folder);
        const char *slash = len > 0 && folder[len - 1] == '/' ? "" : "/";
        int n = snprintf(path, sizeof(path), "%s%s%s", folder, slash, entry->d_name);
        if (n < 0 || (size_t)n >= sizeof(path) || lstat(path, &status) != 0)
            continue;
        if (S_ISDIR(status.st_mode) && depth < WALK_DEPTH_MAX)
            r = walk(list, arena, path, depth + 1, err);
        else if (S_ISREG(status.st_mode) ||
                 (S_ISLNK(status.st_mode) && stat(path, &status) == 0 && S_ISREG(status.st_mode)))
            add_file(list, arena, path, -1);
    }
    closedir(dir);
    return r;
}

nsf_result nsf_file_list_add(struct nsf_file_list *list, struct nsf_arena *arena, const char *path, int fd,
                             struct nsf_err *err)
{
    struct stat status;
    if (fd >= 0 || strcmp(path, "-") == 0) {
        add_file(list, arena, path, fd);
        return nsf_ok();
    }
    if (stat(path, &status) != 0)
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "cannot open: %s", strerror(errno));
    if (!S_ISDIR(status.st_mode)) {
        add_file(list, arena, path, -1);
        return nsf_ok();
    }
    size_t n_before = list->n;
    nsf_result r = walk(list, arena, path, 0, err);
    if (!nsf_failed(r) && list->n == n_before)
        return NSF_FAIL(err, NSF_E_EMPTY, NSF_OFFSET_NONE, "the folder holds no files");
    return r;
}

static int cmp_file(const void *a, const void *b)
{
    return nsf_slice_cmp(((const struct nsf_file *)a)->path, ((const struct nsf_file *)b)->path);
}

void nsf_file_list_finish(struct nsf_file_list *list)
{
    if (list->n > 1)
        qsort(list->items, list->n, sizeof(*list->items), cmp_file);
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        bool is_double = n > 0 && list->items[i].fd < 0 && list->items[n - 1].fd < 0 &&
                         nsf_slice_eq(list->items[n - 1].path, list->items[i].path);
        if (!is_double)
            list->items[n++] = list->items[i];
    }
    list->n = n;
}

void nsf_file_list_release(struct nsf_file_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i].doc.fd >= 0)
            nsf_document_close(&list->items[i].doc);
    nsf_free(list->items);
    *list = (struct nsf_file_list){0};
}

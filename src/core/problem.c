#include "core/nsf_common.h"

#include "core/problem.h"

#include "core/limits.h"
#include "core/mem.h"

/* Before the list is sorted nobody knows which problems come first: keep enough that the smallest NSF_PROBLEMS_MAX are
 * always among them, and drop the rest now and then. */
#define PROBLEMS_HELD_MAX ((size_t)4 * NSF_PROBLEMS_MAX)

void nsf_problems_init(struct nsf_problems *list)
{
    *list = (struct nsf_problems){0};
    nsf_arena_init(&list->arena);
}

void nsf_problems_release(struct nsf_problems *list)
{
    nsf_arena_release(&list->arena);
    nsf_free(list->items);
    nsf_problems_init(list);
}

static int cmp_problem(const void *left, const void *right)
{
    const struct nsf_problem *a = left, *b = right;
    int order = nsf_slice_cmp(a->path, b->path);
    if (order == 0)
        order = (a->offset > b->offset) - (a->offset < b->offset);
    if (order == 0)
        order = (a->code > b->code) - (a->code < b->code);
    return order != 0 ? order : nsf_slice_cmp(a->detail, b->detail);
}

static void sort_and_cut(struct nsf_problems *list)
{
    if (list->n > 1)
        qsort(list->items, list->n, sizeof(*list->items), cmp_problem);
    if (list->n <= NSF_PROBLEMS_MAX)
        return;
    for (size_t i = NSF_PROBLEMS_MAX; i < list->n; i++)
        list->n_dropped += list->items[i].count;
    list->n = NSF_PROBLEMS_MAX;
}

/* The texts of dropped problems stay in the arena: start a new one when the dead outweigh the living. */
static void compact(struct nsf_problems *list)
{
    sort_and_cut(list);
    struct nsf_arena fresh;
    nsf_arena_init(&fresh);
    for (size_t i = 0; i < list->n; i++) {
        list->items[i].path = nsf_arena_copy(&fresh, list->items[i].path);
        list->items[i].detail = nsf_arena_copy(&fresh, list->items[i].detail);
    }
    nsf_arena_release(&list->arena);
    list->arena = fresh;
}

void nsf_problems_add(struct nsf_problems *list, const struct nsf_problem *problem)
{
    if (list->n == PROBLEMS_HELD_MAX)
        compact(list);
    NSF_GROW(list->items, list->capacity, list->n + 1);
    struct nsf_problem *own = &list->items[list->n++];
    *own = *problem;
    own->path = nsf_arena_copy(&list->arena, problem->path);
    own->detail = nsf_arena_copy(&list->arena, problem->detail);
    if (own->count == 0)
        own->count = 1;
}

void nsf_problems_add_err(struct nsf_problems *list, struct nsf_slice path, const struct nsf_err *err)
{
    struct nsf_problem problem = {.path = path, .offset = err->offset, .code = err->code};
    problem.detail = nsf_slice_str(err->text);
    nsf_problems_add(list, &problem);
}

void nsf_problems_merge(struct nsf_problems *list, const struct nsf_problems *from)
{
    for (size_t i = 0; i < from->n; i++)
        nsf_problems_add(list, &from->items[i]);
    list->n_dropped += from->n_dropped;
}

void nsf_problems_finish(struct nsf_problems *list)
{
    sort_and_cut(list);
}

uint64_t nsf_problems_total(const struct nsf_problems *list)
{
    uint64_t total = list->n_dropped;
    for (size_t i = 0; i < list->n; i++)
        total += list->items[i].count;
    return total;
}

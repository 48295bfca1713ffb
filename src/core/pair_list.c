#include "core/nsf_common.h"

#include "core/pair_list.h"

#include "core/radix_sort.h"

void nsf_pair_list_release(struct nsf_pair_list *list)
{
    nsf_free(list->items);
    *list = (struct nsf_pair_list){.items = NULL};
}

void nsf_pair_list_add(struct nsf_pair_list *list, uint32_t first, uint32_t second)
{
    NSF_GROW(list->items, list->capacity, list->n + 1);
    list->items[list->n++] = nsf_pair(first, second);
}

void nsf_pair_list_add_set(struct nsf_pair_list *list, const struct nsf_pairset *set)
{
    NSF_GROW(list->items, list->capacity, list->n + set->n);
    for (uint32_t s = 0; set->slots != NULL && s <= set->mask; s++)
        if (set->slots[s] != 0)
            list->items[list->n++] = set->slots[s] - 1;
}

void nsf_pair_list_finish(struct nsf_pair_list *list)
{
    size_t n = 0;
    nsf_radix_sort_u64(list->items, list->n, NULL);
    for (size_t i = 0; i < list->n; i++)
        if (n == 0 || list->items[n - 1] != list->items[i])
            list->items[n++] = list->items[i];
    list->n = n;
}

/* Index of the first pair that is not before this one. */
static size_t lower_bound(const struct nsf_pair_list *list, uint64_t pair)
{
    size_t from = 0, to = list->n;
    while (from < to) {
        size_t half = from + (to - from) / 2;
        if (list->items[half] < pair)
            from = half + 1;
        else
            to = half;
    }
    return from;
}

struct nsf_pair_range nsf_pair_list_of(const struct nsf_pair_list *list, uint32_t first)
{
    size_t from = lower_bound(list, nsf_pair(first, 0));
    size_t to = first == UINT32_MAX ? list->n : lower_bound(list, nsf_pair(first + 1, 0));
    return (struct nsf_pair_range){from == to ? NULL : list->items + from, to - from};
}

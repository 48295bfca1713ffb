#include "core/nsf_common.h"

#include "run/destination_lists.h"

#include "core/hash.h"
#include "core/mem.h"

void nsf_destination_lists_release(struct nsf_destination_lists *lists)
{
    nsf_free(lists->items);
    nsf_free(lists->lists);
    *lists = (struct nsf_destination_lists){.items = NULL};
}

static uint32_t add_list(struct nsf_destination_lists *lists, const struct nsf_ip *items, uint8_t n, bool has_more)
{
    NSF_GROW(lists->items, lists->items_capacity, lists->n_items + n);
    NSF_GROW(lists->lists, lists->lists_capacity, lists->n_lists + 1);
    lists->lists[lists->n_lists++] = (struct nsf_destination_list){lists->n_items, n, has_more};
    memcpy(lists->items + lists->n_items, items, n * sizeof(*items));
    lists->n_items += n;
    return (uint32_t)lists->n_lists;
}

static bool is_list(const struct nsf_destination_lists *lists, uint32_t number, const struct nsf_ip *items, uint8_t n,
                    bool has_more)
{
    const struct nsf_ip *others;
    struct nsf_destination_list list = nsf_destination_lists_get(lists, number, &others);
    if (list.n != n || list.has_more != has_more)
        return false;
    for (uint8_t i = 0; i < n; i++)
        if (!nsf_ip_eq(items[i], others[i]))
            return false;
    return true;
}

uint32_t nsf_destination_lists_add(struct nsf_destination_lists *lists, const struct nsf_ip *items, uint8_t n,
                                   bool has_more)
{
    uint64_t hash = has_more;
    if (n == 0)
        return 0;
    for (uint8_t i = 0; i < n; i++)
        hash = nsf_hash_mix(items[i].lo, nsf_hash_mix(items[i].hi, hash));
    uint32_t *recent = &lists->recent[hash % NSF_DESTINATION_LISTS_RECENT];
    if (!is_list(lists, *recent, items, n, has_more))
        *recent = add_list(lists, items, n, has_more);
    return *recent;
}

struct nsf_destination_list nsf_destination_lists_get(const struct nsf_destination_lists *lists, uint32_t number,
                                                      const struct nsf_ip **items)
{
    *items = NULL;
    if (number == 0)
        return (struct nsf_destination_list){.n = 0};
    *items = lists->items + lists->lists[number - 1].at;
    return lists->lists[number - 1];
}

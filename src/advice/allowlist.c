#include "core/nsf_common.h"

#include "advice/allowlist.h"

#include "core/mem.h"

void nsf_allowlist_release(struct nsf_allowlist *list)
{
    nsf_free(list->items);
    *list = (struct nsf_allowlist){0};
}

void nsf_allowlist_add(struct nsf_allowlist *list, struct nsf_prefix prefix)
{
    NSF_GROW(list->items, list->capacity, list->n + 1);
    list->items[list->n++] = prefix;
}

void nsf_allowlist_add_range(struct nsf_allowlist *list, struct nsf_ip first, struct nsf_ip last)
{
    for (;;) {
        struct nsf_prefix block = nsf_prefix_widest(first, last);
        nsf_allowlist_add(list, block);
        if (nsf_ip_eq(nsf_prefix_last(block), last))
            break;
        first = nsf_ip_next(nsf_prefix_last(block));
    }
}

static int cmp_prefixes(const void *left, const void *right)
{
    return nsf_prefix_cmp(*(const struct nsf_prefix *)left, *(const struct nsf_prefix *)right);
}

static bool are_halves(struct nsf_prefix a, struct nsf_prefix b, struct nsf_prefix *whole)
{
    /* IPv4 must not grow past its own 32 bits */
    if (a.bits != b.bits || a.bits == 0 || (nsf_ip_is_v4(a.ip) && a.bits == 96))
        return false;
    *whole = nsf_prefix_around(a.ip, (uint8_t)(a.bits - 1));
    return !nsf_ip_eq(a.ip, b.ip) && nsf_ip_eq(whole->ip, a.ip) && nsf_prefix_contains(*whole, b.ip);
}

void nsf_allowlist_sort(struct nsf_allowlist *list)
{
    size_t n = 0, n_sorted = 1;
    while (n_sorted < list->n && cmp_prefixes(&list->items[n_sorted - 1], &list->items[n_sorted]) <= 0)
        n_sorted++;
    if (n_sorted < list->n) /* sources mostly come by address, and then a sort only takes memory */
        qsort(list->items, list->n, sizeof(*list->items), cmp_prefixes);
    for (size_t i = 0; i < list->n; i++)
        if (n == 0 || !nsf_prefix_contains(list->items[n - 1], list->items[i].ip))
            list->items[n++] = list->items[i];
    list->n = n;
}

/* A list in order is a stack: only its last two can be halves of one block. */
void nsf_allowlist_finish(struct nsf_allowlist *list, const struct nsf_networks *scanners)
{
    size_t n = 0;
    nsf_allowlist_sort(list);
    for (size_t i = 0; i < list->n; i++) {
        struct nsf_prefix next = list->items[i], whole;
        while (n > 0 && are_halves(list->items[n - 1], next, &whole) && !nsf_networks_touches(scanners, whole)) {
            next = whole;
            n--;
        }
        list->items[n++] = next;
    }
    list->n = n;
}

bool nsf_allowlist_has(const struct nsf_allowlist *list, struct nsf_ip ip)
{
    size_t from = 0, to = list->n;
    while (from < to) { /* the last entry that begins at or before ip */
        size_t half = from + (to - from) / 2;
        if (nsf_ip_cmp(list->items[half].ip, ip) <= 0)
            from = half + 1;
        else
            to = half;
    }
    return from > 0 && nsf_prefix_contains(list->items[from - 1], ip);
}

uint64_t nsf_allowlist_ipv4_addresses(const struct nsf_allowlist *list)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < list->n; i++)
        if (nsf_ip_is_v4(list->items[i].ip))
            sum += UINT64_C(1) << (128 - list->items[i].bits);
    return sum;
}

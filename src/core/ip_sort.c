#include "core/nsf_common.h"

#include "core/ip_sort.h"

#include "core/mem.h"
#include "core/radix_sort.h"

/* The words of an address, the least significant first. */
enum word {
    WORD_LOW,
    WORD_HIGH,
    WORD_FAMILY,
    WORDS,
};

static uint64_t word_of(const char *item, enum word word)
{
    struct nsf_ip ip;
    memcpy(&ip, item, sizeof(ip));
    bool is_v4 = nsf_ip_is_v4(ip);
    switch (word) {
    case WORD_LOW:
        return is_v4 ? nsf_ip_to_v4(ip) : ip.lo;
    case WORD_HIGH:
        return ip.hi;
    case WORD_FAMILY:
    case WORDS:
        break;
    }
    return !is_v4;
}

static bool has_v6(const char *items, size_t n, size_t item_bytes)
{
    for (size_t i = 0; i < n; i++)
        if (word_of(items + i * item_bytes, WORD_FAMILY) != 0)
            return true;
    return false;
}

/* Item refs[i * stride] belongs to place i. In place, along the cycles of that: there may be as many as sources. */
static void put_in_order(char *items, size_t n, size_t item_bytes, uint64_t *refs, size_t stride)
{
    char *aside = nsf_malloc(item_bytes);
    for (size_t from = 0; from < n; from++) {
        size_t to = from, next;
        if (refs[from * stride] == from)
            continue;
        memcpy(aside, items + from * item_bytes, item_bytes);
        for (; (next = refs[to * stride]) != from; to = next) {
            memcpy(items + to * item_bytes, items + next * item_bytes, item_bytes);
            refs[to * stride] = to;
        }
        memcpy(items + to * item_bytes, aside, item_bytes);
        refs[to * stride] = to;
    }
    nsf_free(aside);
}

/* IPv4 alone: an address and a number are one word. */
static void sort_v4(char *items, size_t n, size_t item_bytes)
{
    uint64_t *order = nsf_malloc(nsf_mul_size(n, sizeof(*order)));
    for (size_t i = 0; i < n; i++)
        order[i] = word_of(items + i * item_bytes, WORD_LOW) << 32 | i;
    nsf_radix_sort_u64(order, n, NULL);
    for (size_t i = 0; i < n; i++)
        order[i] &= UINT32_MAX;
    put_in_order(items, n, item_bytes, order, 1);
    nsf_free(order);
}

static void sort_all(char *items, size_t n, size_t item_bytes)
{
    struct nsf_keyed *order = nsf_malloc(nsf_mul_size(n, sizeof(*order)));
    for (size_t i = 0; i < n; i++)
        order[i].ref = i;
    for (enum word word = WORD_LOW; word < WORDS; word++) {
        for (size_t i = 0; i < n; i++)
            order[i].key = word_of(items + order[i].ref * item_bytes, word);
        nsf_radix_sort_keyed(order, n, NULL);
    }
    put_in_order(items, n, item_bytes, &order->ref, sizeof(*order) / sizeof(order->ref));
    nsf_free(order);
}

void nsf_ip_sort(void *items, size_t n, size_t item_bytes)
{
    if (n < 2)
        return;
    if (n <= UINT32_MAX && !has_v6(items, n, item_bytes))
        sort_v4(items, n, item_bytes);
    else
        sort_all(items, n, item_bytes);
}

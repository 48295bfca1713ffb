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

static void put_in_order(char *items, size_t n, size_t item_bytes, const struct nsf_keyed *order)
{
    char *sorted = nsf_malloc(nsf_mul_size(n, item_bytes));
    for (size_t i = 0; i < n; i++)
        memcpy(sorted + i * item_bytes, items + order[i].ref * item_bytes, item_bytes);
    memcpy(items, sorted, n * item_bytes);
    nsf_free(sorted);
}

void nsf_ip_sort(void *items, size_t n, size_t item_bytes)
{
    if (n < 2)
        return;
    struct nsf_keyed *order = nsf_malloc(nsf_mul_size(n, sizeof(*order)));
    enum word n_words = has_v6(items, n, item_bytes) ? WORDS : WORD_HIGH;
    for (size_t i = 0; i < n; i++)
        order[i].ref = i;
    for (enum word word = WORD_LOW; word < n_words; word++) {
        for (size_t i = 0; i < n; i++)
            order[i].key = word_of((const char *)items + order[i].ref * item_bytes, word);
        nsf_radix_sort_keyed(order, n, NULL);
    }
    put_in_order(items, n, item_bytes, order);
    nsf_free(order);
}

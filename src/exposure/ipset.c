#include "core/nsf_common.h"

#include "exposure/ipset.h"

#include "core/mem.h"

nsf_u128 nsf_family_last(enum nsf_family family)
{
    return family == NSF_FAMILY_V4 ? (nsf_u128)UINT32_MAX : ~(nsf_u128)0;
}

enum nsf_family nsf_ip_family(struct nsf_ip ip)
{
    return nsf_ip_is_v4(ip) ? NSF_FAMILY_V4 : NSF_FAMILY_V6;
}

nsf_u128 nsf_ip_number(struct nsf_ip ip)
{
    return nsf_ip_is_v4(ip) ? (nsf_u128)nsf_ip_to_v4(ip) : (nsf_u128)ip.hi << 64 | ip.lo;
}

struct nsf_ip nsf_ip_from_number(enum nsf_family family, nsf_u128 number)
{
    if (family == NSF_FAMILY_V4)
        return nsf_ip_from_v4((uint32_t)number);
    return (struct nsf_ip){(uint64_t)(number >> 64), (uint64_t)number};
}

void nsf_ranges_release(struct nsf_ranges *ranges)
{
    nsf_free(ranges->items);
    *ranges = (struct nsf_ranges){0};
}

void nsf_ranges_add(struct nsf_ranges *ranges, nsf_u128 first, nsf_u128 last)
{
    NSF_GROW(ranges->items, ranges->capacity, ranges->n + 1);
    ranges->items[ranges->n++] = (struct nsf_range){first, last};
}

static int cmp_range(const void *left, const void *right)
{
    const struct nsf_range *a = left, *b = right;
    return (a->first > b->first) - (a->first < b->first);
}

/* Appends to sorted ranges, growing the last one where they meet. */
static void append_sorted(struct nsf_ranges *ranges, struct nsf_range range)
{
    struct nsf_range *end = ranges->n == 0 ? NULL : &ranges->items[ranges->n - 1];
    bool meets = end != NULL && (range.first <= end->last || range.first - end->last == 1);
    if (!meets)
        nsf_ranges_add(ranges, range.first, range.last);
    else if (range.last > end->last)
        end->last = range.last;
}

void nsf_ranges_normalize(struct nsf_ranges *ranges)
{
    size_t n = ranges->n;
    bool is_sorted = true;
    for (size_t i = 1; i < n && is_sorted; i++)
        is_sorted = ranges->items[i - 1].first <= ranges->items[i].first;
    if (!is_sorted)
        qsort(ranges->items, n, sizeof(*ranges->items), cmp_range);
    ranges->n = 0; /* what is written back never overtakes what is read */
    for (size_t i = 0; i < n; i++)
        append_sorted(ranges, ranges->items[i]);
}

void nsf_ranges_copy(struct nsf_ranges *to, const struct nsf_ranges *from)
{
    NSF_GROW(to->items, to->capacity, from->n);
    if (from->n > 0)
        memcpy(to->items, from->items, from->n * sizeof(*from->items));
    to->n = from->n;
}

void nsf_ranges_union(struct nsf_ranges *to, const struct nsf_ranges *a, const struct nsf_ranges *b)
{
    size_t i = 0, j = 0;
    to->n = 0;
    while (i < a->n || j < b->n) {
        bool is_a = j == b->n || (i < a->n && a->items[i].first <= b->items[j].first);
        append_sorted(to, is_a ? a->items[i++] : b->items[j++]);
    }
}

void nsf_ranges_intersect(struct nsf_ranges *to, const struct nsf_ranges *a, const struct nsf_ranges *b)
{
    to->n = 0;
    for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
        const struct nsf_range *x = &a->items[i], *y = &b->items[j];
        nsf_u128 first = x->first > y->first ? x->first : y->first;
        nsf_u128 last = x->last < y->last ? x->last : y->last;
        if (first <= last)
            nsf_ranges_add(to, first, last);
        if (x->last < y->last)
            i++;
        else
            j++;
    }
}

void nsf_ranges_subtract(struct nsf_ranges *to, const struct nsf_ranges *a, const struct nsf_ranges *b)
{
    size_t j = 0;
    to->n = 0;
    for (size_t i = 0; i < a->n; i++) {
        nsf_u128 first = a->items[i].first, last = a->items[i].last;
        bool is_over = false;
        while (j < b->n && b->items[j].last < first)
            j++;
        for (size_t k = j; k < b->n && b->items[k].first <= last && !is_over; k++) {
            if (b->items[k].first > first)
                nsf_ranges_add(to, first, b->items[k].first - 1);
            is_over = b->items[k].last >= last;
            first = is_over ? first : b->items[k].last + 1;
        }
        if (!is_over)
            nsf_ranges_add(to, first, last);
    }
}

size_t nsf_ranges_seek(const struct nsf_ranges *ranges, nsf_u128 address)
{
    size_t low = 0, high = ranges->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (ranges->items[mid].last < address)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool nsf_ranges_has(const struct nsf_ranges *ranges, nsf_u128 address)
{
    size_t idx = nsf_ranges_seek(ranges, address);
    return idx < ranges->n && ranges->items[idx].first <= address;
}

/* Asks the longer side for each range of the shorter one. */
bool nsf_ranges_overlap(const struct nsf_ranges *a, const struct nsf_ranges *b)
{
    const struct nsf_ranges *few = a->n < b->n ? a : b, *many = a->n < b->n ? b : a;
    for (size_t i = 0; i < few->n; i++) {
        size_t idx = nsf_ranges_seek(many, few->items[i].first);
        if (idx < many->n && many->items[idx].first <= few->items[i].last)
            return true;
    }
    return false;
}

bool nsf_ranges_contain(const struct nsf_ranges *a, const struct nsf_ranges *b)
{
    for (size_t i = 0; i < b->n; i++) {
        size_t idx = nsf_ranges_seek(a, b->items[i].first);
        if (idx == a->n || a->items[idx].first > b->items[i].first || a->items[idx].last < b->items[i].last)
            return false;
    }
    return true;
}

nsf_u128 nsf_ranges_count(const struct nsf_ranges *ranges)
{
    nsf_u128 count = 0;
    for (size_t i = 0; i < ranges->n; i++)
        count += ranges->items[i].last - ranges->items[i].first + 1;
    return count;
}

bool nsf_ranges_eq(const struct nsf_ranges *a, const struct nsf_ranges *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->items, b->items, a->n * sizeof(*a->items)) == 0);
}

void nsf_ipset_release(struct nsf_ipset *set)
{
    for (int family = 0; family < NSF_FAMILY_N; family++)
        nsf_ranges_release(&set->of[family]);
}

void nsf_ipset_reset(struct nsf_ipset *set)
{
    for (int family = 0; family < NSF_FAMILY_N; family++)
        nsf_ranges_reset(&set->of[family]);
}

void nsf_ipset_add_prefix(struct nsf_ipset *set, struct nsf_prefix prefix)
{
    /* ::/0 holds the IPv4-mapped block as plain IPv6 numbers: a prefix is IPv4 when all of it is. */
    bool is_v4 = prefix.bits >= 96 && nsf_ip_is_v4(prefix.ip);
    struct nsf_ip last = nsf_prefix_last(prefix);
    struct nsf_ranges *ranges = &set->of[is_v4 ? NSF_FAMILY_V4 : NSF_FAMILY_V6];
    if (is_v4)
        nsf_ranges_add(ranges, nsf_ip_to_v4(prefix.ip), nsf_ip_to_v4(last));
    else
        nsf_ranges_add(ranges, (nsf_u128)prefix.ip.hi << 64 | prefix.ip.lo, (nsf_u128)last.hi << 64 | last.lo);
}

void nsf_ipset_add_all(struct nsf_ipset *set, enum nsf_family family)
{
    nsf_ranges_add(&set->of[family], 0, nsf_family_last(family));
}

void nsf_ipset_normalize(struct nsf_ipset *set)
{
    for (int family = 0; family < NSF_FAMILY_N; family++)
        nsf_ranges_normalize(&set->of[family]);
}

void nsf_ipset_copy(struct nsf_ipset *to, const struct nsf_ipset *from)
{
    for (int family = 0; family < NSF_FAMILY_N; family++)
        nsf_ranges_copy(&to->of[family], &from->of[family]);
}

void nsf_ipset_union(struct nsf_ipset *to, const struct nsf_ipset *a, const struct nsf_ipset *b)
{
    for (int family = 0; family < NSF_FAMILY_N; family++)
        nsf_ranges_union(&to->of[family], &a->of[family], &b->of[family]);
}

void nsf_ipset_intersect(struct nsf_ipset *to, const struct nsf_ipset *a, const struct nsf_ipset *b)
{
    for (int family = 0; family < NSF_FAMILY_N; family++)
        nsf_ranges_intersect(&to->of[family], &a->of[family], &b->of[family]);
}

void nsf_ipset_subtract(struct nsf_ipset *to, const struct nsf_ipset *a, const struct nsf_ipset *b)
{
    for (int family = 0; family < NSF_FAMILY_N; family++)
        nsf_ranges_subtract(&to->of[family], &a->of[family], &b->of[family]);
}

bool nsf_ipset_overlap(const struct nsf_ipset *a, const struct nsf_ipset *b)
{
    for (int family = 0; family < NSF_FAMILY_N; family++)
        if (nsf_ranges_overlap(&a->of[family], &b->of[family]))
            return true;
    return false;
}

bool nsf_ipset_contain(const struct nsf_ipset *a, const struct nsf_ipset *b)
{
    for (int family = 0; family < NSF_FAMILY_N; family++)
        if (!nsf_ranges_contain(&a->of[family], &b->of[family]))
            return false;
    return true;
}

bool nsf_ipset_has(const struct nsf_ipset *set, struct nsf_ip ip)
{
    return nsf_ranges_has(&set->of[nsf_ip_family(ip)], nsf_ip_number(ip));
}

bool nsf_ipset_is_empty(const struct nsf_ipset *set)
{
    return set->of[NSF_FAMILY_V4].n == 0 && set->of[NSF_FAMILY_V6].n == 0;
}

bool nsf_ipset_is_all(const struct nsf_ipset *set, enum nsf_family family)
{
    const struct nsf_ranges *ranges = &set->of[family];
    return ranges->n == 1 && ranges->items[0].first == 0 && ranges->items[0].last == nsf_family_last(family);
}

/* IPv4 blocks that are not on the internet, ascending: IANA's special-purpose registry (RFC 6890 and followers), class
 * D and E, and the address of Azure's own services in every network. */
static const struct {
    uint32_t first;
    uint32_t last;
} special_v4[] = {
    {0x00000000, 0x00ffffff}, /* 0.0.0.0/8 */
    {0x0a000000, 0x0affffff}, /* 10.0.0.0/8 */
    {0x64400000, 0x647fffff}, /* 100.64.0.0/10 */
    {0x7f000000, 0x7fffffff}, /* 127.0.0.0/8 */
    {0xa83f8110, 0xa83f8110}, /* 168.63.129.16 */
    {0xa9fe0000, 0xa9feffff}, /* 169.254.0.0/16 */
    {0xac100000, 0xac1fffff}, /* 172.16.0.0/12 */
    {0xc0000000, 0xc00000ff}, /* 192.0.0.0/24 */
    {0xc0000200, 0xc00002ff}, /* 192.0.2.0/24 */
    {0xc0586300, 0xc05863ff}, /* 192.88.99.0/24 */
    {0xc0a80000, 0xc0a8ffff}, /* 192.168.0.0/16 */
    {0xc6120000, 0xc613ffff}, /* 198.18.0.0/15 */
    {0xc6336400, 0xc63364ff}, /* 198.51.100.0/24 */
    {0xcb007100, 0xcb0071ff}, /* 203.0.113.0/24 */
    {0xe0000000, 0xffffffff}, /* 224.0.0.0/4 and 240.0.0.0/4 */
};

void nsf_ipset_add_public(struct nsf_ipset *set)
{
    for (size_t i = 1; i < NSF_ARRAY_LEN(special_v4); i++)
        nsf_ranges_add(&set->of[NSF_FAMILY_V4], (nsf_u128)special_v4[i - 1].last + 1, special_v4[i].first - 1);
    nsf_ranges_add(&set->of[NSF_FAMILY_V6], (nsf_u128)1 << NSF_PUBLIC_IPV6_BITS,
                   ((nsf_u128)2 << NSF_PUBLIC_IPV6_BITS) - 1);
}

#include "core/nsf_common.h"

#include "core/radix_sort.h"

#include "core/mem.h"

#define DIGIT_BITS 8
#define DIGIT_VALUES (1u << DIGIT_BITS)
/* Fewer are inserted one by one sooner than digits are counted. */
#define INSERTED_MAX 32u
/* Fewer are sorted with scratch beside them: 4 MiB. */
#define TIGHT_MIN ((size_t)1 << 18)
#define ITEM_BYTES_MAX sizeof(struct nsf_keyed)

/* One algorithm, compiled for each size of an item, which is a constant in every call. */
#define EACH_SIZE static inline __attribute__((always_inline))

/* An item begins with its key; one of four bytes is nothing else. */
EACH_SIZE uint64_t key_at(const unsigned char *items, size_t idx, size_t item_bytes)
{
    uint32_t small;
    uint64_t key;
    if (item_bytes == sizeof(small)) {
        memcpy(&small, items + idx * item_bytes, sizeof(small));
        return small;
    }
    memcpy(&key, items + idx * item_bytes, sizeof(key));
    return key;
}

EACH_SIZE void insert_all(unsigned char *items, size_t n, size_t item_bytes)
{
    unsigned char item[ITEM_BYTES_MAX];
    for (size_t i = 1; i < n; i++) {
        uint64_t key = key_at(items, i, item_bytes);
        size_t to = i;
        memcpy(item, items + i * item_bytes, item_bytes);
        for (; to > 0 && key_at(items, to - 1, item_bytes) > key; to--)
            memcpy(items + to * item_bytes, items + (to - 1) * item_bytes, item_bytes);
        memcpy(items + to * item_bytes, item, item_bytes);
    }
}

/* The bits in which keys differ; 0 too when they stand in order already. */
EACH_SIZE uint64_t unsorted_bits(const unsigned char *items, size_t n, size_t item_bytes)
{
    uint64_t first = key_at(items, 0, item_bytes), before = first, bits = 0;
    bool is_sorted = true;
    for (size_t i = 1; i < n; i++) {
        uint64_t key = key_at(items, i, item_bytes);
        bits |= key ^ first;
        is_sorted &= key >= before;
        before = key;
    }
    return is_sorted ? 0 : bits;
}

/* In the order of one digit, and among equal digits in the order they came in. */
EACH_SIZE void distribute(const unsigned char *from, unsigned char *to, size_t n, unsigned shift, size_t item_bytes)
{
    size_t places[DIGIT_VALUES] = {0}, place = 0;
    for (size_t i = 0; i < n; i++)
        places[key_at(from, i, item_bytes) >> shift & (DIGIT_VALUES - 1)]++;
    for (unsigned digit = 0; digit < DIGIT_VALUES; digit++) {
        size_t n_of_digit = places[digit];
        places[digit] = place;
        place += n_of_digit;
    }
    for (size_t i = 0; i < n; i++) {
        size_t *next = &places[key_at(from, i, item_bytes) >> shift & (DIGIT_VALUES - 1)];
        memcpy(to + (*next)++ * item_bytes, from + i * item_bytes, item_bytes);
    }
}

EACH_SIZE void sort_by_digits(unsigned char *items, unsigned char *scratch, size_t n, uint64_t bits, size_t item_bytes)
{
    unsigned char *from = items, *to = scratch;
    for (unsigned shift = 0; bits != 0; shift += DIGIT_BITS) {
        unsigned n_equal = (unsigned)__builtin_ctzll(bits);
        shift += n_equal;
        bits = bits >> n_equal >> DIGIT_BITS;
        distribute(from, to, n, shift, item_bytes);
        unsigned char *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != items)
        memcpy(items, from, n * item_bytes);
}

EACH_SIZE void sort(void *items, size_t n, void *scratch, size_t item_bytes)
{
    if (n <= INSERTED_MAX) {
        insert_all(items, n, item_bytes);
        return;
    }
    uint64_t bits = unsorted_bits(items, n, item_bytes);
    if (bits == 0)
        return;
    void *own = scratch == NULL ? nsf_malloc(nsf_mul_size(n, item_bytes)) : NULL;
    sort_by_digits(items, scratch == NULL ? own : scratch, n, bits, item_bytes);
    nsf_free(own);
}

void nsf_radix_sort_u32(uint32_t *items, size_t n, uint32_t *scratch)
{
    sort(items, n, scratch, sizeof(*items));
}

void nsf_radix_sort_u64(uint64_t *items, size_t n, uint64_t *scratch)
{
    sort(items, n, scratch, sizeof(*items));
}

void nsf_radix_sort_keyed(struct nsf_keyed *items, size_t n, struct nsf_keyed *scratch)
{
    sort(items, n, scratch, sizeof(*items));
}

/* ---- without room beside the items ---- */

/* The place of the highest digit in which keys differ; -1: they are all equal. */
static int highest_digit(const struct nsf_keyed *items, size_t n)
{
    uint64_t differing = 0;
    for (size_t i = 1; i < n; i++)
        differing |= items[i].key ^ items[0].key;
    return differing == 0 ? -1 : (63 - __builtin_clzll(differing)) / DIGIT_BITS * DIGIT_BITS;
}

static unsigned digit_of(const struct nsf_keyed *item, int shift)
{
    return (unsigned)(item->key >> shift) & (DIGIT_VALUES - 1);
}

/* Each item goes to where its digit belongs, in exchange for the one that stands there. ends[d] is behind those of d.
 */
static void exchange(struct nsf_keyed *items, size_t n, int shift, size_t ends[DIGIT_VALUES])
{
    size_t next[DIGIT_VALUES], count[DIGIT_VALUES] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++)
        count[digit_of(&items[i], shift)]++;
    for (unsigned d = 0; d < DIGIT_VALUES; d++) {
        next[d] = sum;
        sum += count[d];
        ends[d] = sum;
    }
    for (unsigned d = 0; d < DIGIT_VALUES; d++)
        while (next[d] < ends[d]) {
            struct nsf_keyed item = items[next[d]];
            unsigned digit = digit_of(&item, shift);
            items[next[d]] = items[next[digit]];
            items[next[digit]++] = item;
        }
}

void nsf_radix_sort_keyed_tight(struct nsf_keyed *items, size_t n)
{
    size_t ends[DIGIT_VALUES], from = 0;
    if (n < TIGHT_MIN) {
        nsf_radix_sort_keyed(items, n, NULL);
        return;
    }
    int shift = highest_digit(items, n);
    if (shift < 0)
        return;
    exchange(items, n, shift, ends);
    for (unsigned d = 0; d < DIGIT_VALUES; from = ends[d++])
        nsf_radix_sort_keyed_tight(items + from, ends[d] - from);
}

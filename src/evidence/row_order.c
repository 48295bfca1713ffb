#include "core/nsf_common.h"

#include "evidence/row_order.h"

#include "core/mem.h"
#include "core/parallel.h"
#include "core/radix_sort.h"

/* Rows lie anywhere and there can be ten million: a comparison that looks at them waits for memory each time. So each
 * row is looked at twice: chunks that fit into the cache are sorted by keys of their own, then all chunks are merged.
 */
#define CHUNK_ROWS ((size_t)32768)

/* Of each chunk that is merged so many rows are fetched before they are the first. */
#define ROWS_AHEAD 4

struct row_key {
    uint64_t counts; /* messages and connections, both as what they lack */
    uint64_t hi;
    uint64_t lo;
    uint32_t is_v6;
    uint32_t ref;
};
#define ROW_KEY_WORDS 4

struct order {
    uint32_t *refs;
    size_t n;
    nsf_row_place_fn *place_of;
    nsf_row_expect_fn *expect;
    const void *ctx;
};

static struct row_key key_of(const struct order *order, uint32_t ref)
{
    struct nsf_row_place place = order->place_of(order->ctx, ref);
    return (struct row_key){
        .counts = (uint64_t)(UINT32_MAX - place.messages) << 32 | (UINT32_MAX - place.connections),
        .hi = place.src.hi,
        .lo = place.src.lo,
        .is_v6 = !nsf_ip_is_v4(place.src),
        .ref = ref,
    };
}

static bool is_before(const struct row_key *a, const struct row_key *b)
{
    if (a->counts != b->counts)
        return a->counts < b->counts;
    if (a->is_v6 != b->is_v6)
        return a->is_v6 < b->is_v6;
    return a->hi != b->hi ? a->hi < b->hi : a->lo < b->lo;
}

static size_t chunk_end(const struct order *order, size_t chunk)
{
    return order->n - chunk * CHUNK_ROWS < CHUNK_ROWS ? order->n : (chunk + 1) * CHUNK_ROWS;
}

/* The words of a key, the least significant first. */
static uint64_t word_of(const struct row_key *key, unsigned word)
{
    const uint64_t words[ROW_KEY_WORDS] = {key->lo, key->hi, key->is_v6, key->counts};
    return words[word];
}

static void sort_keys(const struct row_key *keys, size_t n, uint32_t *refs)
{
    struct nsf_keyed *order = nsf_malloc(nsf_mul_size(n, sizeof(*order)));
    for (size_t i = 0; i < n; i++)
        order[i].ref = i;
    for (unsigned word = 0; word < ROW_KEY_WORDS; word++) {
        for (size_t i = 0; i < n; i++)
            order[i].key = word_of(&keys[order[i].ref], word);
        nsf_radix_sort_keyed(order, n, NULL);
    }
    for (size_t i = 0; i < n; i++)
        refs[i] = keys[order[i].ref].ref;
    nsf_free(order);
}

static void sort_chunk(void *ctx, size_t chunk)
{
    struct order *order = ctx;
    uint32_t *refs = order->refs + chunk * CHUNK_ROWS;
    size_t n = chunk_end(order, chunk) - chunk * CHUNK_ROWS;
    struct row_key *keys = nsf_malloc(n * sizeof(*keys));
    for (size_t i = 0; i < n; i++)
        keys[i] = key_of(order, refs[i]);
    sort_keys(keys, n, refs);
    nsf_free(keys);
}

/* The first row of a chunk that is not merged yet. */
struct head {
    struct row_key key;
    size_t at;
    size_t end;
};

/* heads[0] is before all others once each is before its children 2 i + 1 and 2 i + 2. */
static void sink(struct head *heads, size_t n, size_t i)
{
    struct head sinking = heads[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_before(&heads[child + 1].key, &heads[child].key))
            child++;
        if (!is_before(&heads[child].key, &sinking.key))
            break;
        heads[i] = heads[child];
    }
    heads[i] = sinking;
}

static void merge_chunks(struct order *order, size_t n_chunks)
{
    struct head *heads = nsf_malloc(nsf_mul_size(n_chunks, sizeof(*heads)));
    uint32_t *merged = nsf_malloc(nsf_mul_size(order->n, sizeof(*merged)));
    size_t n_heads = n_chunks;
    for (size_t i = 0; i < n_chunks; i++) {
        heads[i] = (struct head){.at = i * CHUNK_ROWS, .end = chunk_end(order, i)};
        heads[i].key = key_of(order, order->refs[heads[i].at]);
    }
    for (size_t i = n_heads; i-- > 0;)
        sink(heads, n_heads, i);
    for (size_t n = 0; n < order->n; n++) {
        struct head *first = &heads[0];
        merged[n] = first->key.ref;
        if (first->at + ROWS_AHEAD < first->end)
            order->expect(order->ctx, order->refs[first->at + ROWS_AHEAD]);
        if (++first->at < first->end)
            first->key = key_of(order, order->refs[first->at]);
        else
            *first = heads[--n_heads];
        sink(heads, n_heads, 0);
    }
    memcpy(order->refs, merged, order->n * sizeof(*merged));
    nsf_free(merged);
    nsf_free(heads);
}

void nsf_row_order_sort(uint32_t *refs, size_t n, nsf_row_place_fn *place_of, nsf_row_expect_fn *expect,
                        const void *ctx, unsigned jobs)
{
    struct order order = {.refs = refs, .n = n, .place_of = place_of, .expect = expect, .ctx = ctx};
    size_t n_chunks = (n + CHUNK_ROWS - 1) / CHUNK_ROWS;
    nsf_parallel(jobs, n_chunks, sort_chunk, &order);
    if (n_chunks > 1)
        merge_chunks(&order, n_chunks);
}

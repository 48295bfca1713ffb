#include "core/nsf_common.h"

#include "evidence/relay.h"

#include "core/index.h"
#include "core/pairset.h"
#include "core/radix_sort.h"

#define PUSH_SECONDS 300u
/* As long as a window, which so begins in one chunk and ends in the next one at the latest. */
#define CHUNK_SECONDS (PUSH_SECONDS + 1)
/* Sets are joined so many words at a time. */
#define WORDS_AT_ONCE ((size_t)8)
#define SECONDS_PER_DAY 86400u
#define BLOCKED_PERCENT 80u

struct nsf_push {
    uint32_t second;
    uint32_t network; /* a small number */
};

/* The time is cut into chunks, of which those with pushes are kept. What a window sees of a chunk is all of it from
 * some moment on, or all up to some moment: the networks by when each got its last push there, or its first. Both lists
 * are as long as there are networks in the chunk. */
struct chunk {
    uint32_t number; /* of seconds / CHUNK_SECONDS */
    uint32_t from;   /* in both lists */
    uint32_t n;
    uint32_t set_from; /* in the sets of both lists */
};

/* One push of each network, chunk by chunk, and sets of the networks at the front: of the first `words` pushes of a
 * chunk, of twice as many, and so on. So a set costs no more than the pushes behind the one before it, and of any
 * number of pushes at the front no more than `words` stand in no set. */
struct front {
    struct nsf_push *pushes;
    uint64_t *sets; /* `words` each */
};

struct nsf_relay {
    uint32_t *days; /* two words a day: day, networks */
    size_t n_days;
    uint64_t connections;
    uint32_t destinations;
    uint32_t blocked_networks;
    uint32_t n_networks;
    size_t words;         /* of a set of networks */
    struct chunk *chunks; /* ascending */
    size_t n_chunks;
    struct front early; /* first pushes, ascending */
    struct front late;  /* last pushes, descending */
};

static uint32_t count_destinations(const struct nsf_outbound_row *rows, size_t n, uint64_t *n_connections)
{
    struct nsf_pairset destinations = {0};
    *n_connections = 0;
    for (size_t i = 0; i < n; i++)
        if (rows[i].is_port_25) {
            (*n_connections)++;
            nsf_pairset_add(&destinations, rows[i].destination);
        }
    uint32_t n_distinct = destinations.n;
    nsf_pairset_release(&destinations);
    return n_distinct;
}

/* Distinct public networks of each day that has some, ascending; the caller frees. Two words a day: day, networks. */
static uint32_t *networks_by_day(const struct nsf_outbound_row *rows, size_t n, size_t *n_days)
{
    uint64_t *keys = nsf_malloc(nsf_mul_size(n + 1, sizeof(*keys)));
    size_t n_keys = 0;
    for (size_t i = 0; i < n; i++)
        if (rows[i].is_public && rows[i].is_port_25)
            keys[n_keys++] = (uint64_t)(rows[i].second / SECONDS_PER_DAY) << 32 | rows[i].network;
    nsf_radix_sort_u64(keys, n_keys, NULL);
    uint32_t *days = nsf_malloc(nsf_mul_size(n_keys + 1, 2 * sizeof(*days)));
    *n_days = 0;
    for (size_t i = 0; i < n_keys; i++) {
        uint32_t day = (uint32_t)(keys[i] >> 32);
        if (i > 0 && keys[i] == keys[i - 1])
            continue;
        if (*n_days == 0 || days[2 * (*n_days - 1)] != day) {
            days[2 * *n_days] = day;
            days[2 * (*n_days)++ + 1] = 0;
        }
        days[2 * *n_days - 1]++;
    }
    nsf_free(keys);
    return days;
}

static void read_days(const uint32_t *days, size_t n_days, struct nsf_relay_facts *facts)
{
    uint32_t *counts = nsf_malloc(nsf_mul_size(n_days + 1, sizeof(*counts)));
    for (size_t i = 0; i < n_days; i++)
        counts[i] = days[2 * i + 1];
    nsf_radix_sort_u32(counts, n_days, NULL);
    if (n_days > 0)
        facts->busiest_day_networks = counts[n_days - 1];
    if (n_days > 1)
        facts->median_day_networks = counts[(n_days - 1) / 2]; /* of the days but the fullest */
    nsf_free(counts);
}

/* Of the days on which four in five got no reply, the one with most networks. Rows and days ascend. */
static uint32_t blocked_networks(const struct nsf_outbound_row *rows, size_t n, const uint32_t *days, size_t n_days)
{
    uint32_t most = 0;
    size_t i = 0;
    for (size_t d = 0; d < n_days; d++) {
        uint64_t total = 0, unanswered = 0;
        for (; i < n && rows[i].second / SECONDS_PER_DAY <= days[2 * d]; i++) {
            if (rows[i].second / SECONDS_PER_DAY != days[2 * d] || !rows[i].is_port_25 || !rows[i].is_public)
                continue;
            total++;
            unanswered += rows[i].is_unanswered;
        }
        if (unanswered * 100 >= total * BLOCKED_PERCENT && days[2 * d + 1] > most)
            most = days[2 * d + 1];
    }
    return most;
}

/* ---- pushes: messages to public networks ---- */

/* Networks by small numbers, so that a set of them is an array of marks. */
static uint32_t number_of(struct nsf_relay *relay, struct nsf_index *by_network, uint32_t *networks, uint32_t network)
{
    uint32_t hash = (uint32_t)nsf_hash_mix(network, UINT64_C(0x3c6ef372fe94f82b)), probe = hash, idx;
    while ((idx = nsf_index_next(by_network, hash, &probe)) != NSF_INDEX_NONE)
        if (networks[idx] == network)
            return idx;
    networks[relay->n_networks] = network;
    nsf_index_add(by_network, hash, relay->n_networks);
    return relay->n_networks++;
}

/* By time; the caller frees. */
static struct nsf_push *collect_pushes(struct nsf_relay *relay, const struct nsf_outbound_row *rows, size_t n,
                                       size_t *n_pushes)
{
    struct nsf_index by_network = {0};
    uint32_t *networks = nsf_malloc(nsf_mul_size(n + 1, sizeof(*networks)));
    struct nsf_push *pushes = nsf_malloc(nsf_mul_size(n + 1, sizeof(*pushes)));
    *n_pushes = 0;
    for (size_t i = 0; i < n; i++)
        if (rows[i].is_message && rows[i].is_public && rows[i].is_port_25)
            pushes[(*n_pushes)++] =
                (struct nsf_push){rows[i].second, number_of(relay, &by_network, networks, rows[i].network)};
    nsf_free(networks);
    nsf_index_release(&by_network);
    return pushes;
}

/* The pushes of one chunk: into both lists goes what no mark shows to be there. */
static void add_chunk(struct nsf_relay *relay, const struct nsf_push *pushes, size_t n, uint32_t *marks)
{
    uint32_t idx = (uint32_t)relay->n_chunks++, mark = 2 * idx + 1;
    struct chunk *chunk = &relay->chunks[idx];
    const struct chunk *before = idx > 0 ? chunk - 1 : NULL;
    *chunk = (struct chunk){.number = pushes[0].second / CHUNK_SECONDS,
                            .from = before == NULL ? 0 : before->from + before->n};
    chunk->set_from = before == NULL ? 0 : before->set_from + (uint32_t)(before->n / relay->words);
    for (size_t i = 0; i < n; i++)
        if (marks[pushes[i].network] != mark) {
            marks[pushes[i].network] = mark;
            relay->early.pushes[chunk->from + chunk->n++] = pushes[i];
        }
    uint32_t n_late = 0;
    for (size_t i = n; i-- > 0;)
        if (marks[pushes[i].network] != mark + 1) {
            marks[pushes[i].network] = mark + 1;
            relay->late.pushes[chunk->from + n_late++] = pushes[i];
        }
}

static void add_chunks(struct nsf_relay *relay, const struct nsf_push *pushes, size_t n)
{
    uint32_t *marks = nsf_calloc((size_t)relay->n_networks + 1, sizeof(*marks));
    relay->chunks = nsf_malloc(nsf_mul_size(n + 1, sizeof(*relay->chunks)));
    relay->early.pushes = nsf_malloc(nsf_mul_size(n + 1, sizeof(*pushes)));
    relay->late.pushes = nsf_malloc(nsf_mul_size(n + 1, sizeof(*pushes)));
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && pushes[to].second / CHUNK_SECONDS == pushes[from].second / CHUNK_SECONDS;)
            to++;
        add_chunk(relay, &pushes[from], to - from, marks);
    }
    nsf_free(marks);
}

static void add_to_set(uint64_t *set, uint32_t network)
{
    set[network / 64] |= UINT64_C(1) << (network % 64);
}

static void add_sets(struct nsf_relay *relay, struct front *front)
{
    const struct chunk *last = relay->n_chunks == 0 ? NULL : &relay->chunks[relay->n_chunks - 1];
    size_t n_sets = last == NULL ? 0 : last->set_from + last->n / relay->words;
    front->sets = nsf_calloc(nsf_mul_size(n_sets + 1, relay->words), sizeof(*front->sets));
    for (size_t c = 0; c < relay->n_chunks; c++) {
        const struct chunk *chunk = &relay->chunks[c];
        uint64_t *set = &front->sets[chunk->set_from * relay->words];
        for (size_t i = 0; i < chunk->n / relay->words * relay->words; i++) {
            if (i > 0 && i % relay->words == 0) {
                memcpy(set + relay->words, set, relay->words * sizeof(*set));
                set += relay->words;
            }
            add_to_set(set, front->pushes[chunk->from + i].network);
        }
    }
}

static void read_pushes(struct nsf_relay *relay, const struct nsf_outbound_row *rows, size_t n)
{
    size_t n_pushes;
    struct nsf_push *pushes = collect_pushes(relay, rows, n, &n_pushes);
    relay->words = (relay->n_networks / 64 / WORDS_AT_ONCE + 1) * WORDS_AT_ONCE;
    add_chunks(relay, pushes, n_pushes);
    add_sets(relay, &relay->early);
    add_sets(relay, &relay->late);
    nsf_free(pushes);
}

struct nsf_relay *nsf_relay_new(const struct nsf_outbound_row *rows, size_t n)
{
    struct nsf_relay *relay = nsf_calloc(1, sizeof(*relay));
    relay->days = networks_by_day(rows, n, &relay->n_days);
    relay->destinations = count_destinations(rows, n, &relay->connections);
    relay->blocked_networks = blocked_networks(rows, n, relay->days, relay->n_days);
    read_pushes(relay, rows, n);
    return relay;
}

void nsf_relay_free(struct nsf_relay *relay)
{
    if (relay == NULL)
        return;
    nsf_free(relay->days);
    nsf_free(relay->chunks);
    nsf_free(relay->early.pushes);
    nsf_free(relay->early.sets);
    nsf_free(relay->late.pushes);
    nsf_free(relay->late.sets);
    nsf_free(relay);
}

void nsf_relay_read(const struct nsf_relay *relay, struct nsf_relay_facts *facts)
{
    facts->connections = relay->connections;
    facts->destinations = relay->destinations;
    read_days(relay->days, relay->n_days, facts);
    facts->blocked_networks = relay->blocked_networks;
}

/* ---- one source ---- */

uint32_t nsf_relay_networks(const struct nsf_relay *relay)
{
    return relay->n_networks;
}

/* What windows see of one chunk: the front of one of its lists. */
struct nsf_relay_part {
    const struct front *front;
    const struct chunk *chunk;
    uint32_t n;
};

/* The first chunk, of those from `from` on, whose number is not below the one given. Where a NIC sends all the time no
 * number is left out, and it stands where it is looked for first. */
static size_t find_chunk(const struct nsf_relay *relay, size_t from, uint64_t number)
{
    const struct chunk *chunks = relay->chunks;
    if (from == relay->n_chunks || chunks[from].number >= number)
        return from;
    uint64_t most = number - chunks[from].number;
    size_t to = most < relay->n_chunks - from ? from + (size_t)most : relay->n_chunks;
    if (to < relay->n_chunks && chunks[to].number == number)
        return to;
    while (from < to) {
        size_t half = from + (to - from) / 2;
        if (chunks[half].number < number)
            from = half + 1;
        else
            to = half;
    }
    return from;
}

/* Pushes at the front of a chunk's list: the early ones ascend to a moment, the late ones descend to it. */
static uint32_t count_front(const struct nsf_push *pushes, uint32_t n, uint64_t moment, bool is_late)
{
    uint32_t from = 0, to = n;
    while (from < to) {
        uint32_t half = from + (to - from) / 2;
        if (is_late ? pushes[half].second >= moment : pushes[half].second <= moment)
            from = half + 1;
        else
            to = half;
    }
    return from;
}

static uint64_t add_part(struct nsf_relay_scratch *scratch, const struct front *front, const struct chunk *chunk,
                         uint64_t moment, bool is_late)
{
    uint32_t n = count_front(&front->pushes[chunk->from], chunk->n, moment, is_late);
    scratch->parts[scratch->n_parts++] = (struct nsf_relay_part){front, chunk, n};
    return n;
}

/* Of the windows that begin in one chunk the first one sees most of it, and the last one most of the next chunk.
 * Returns how many networks the parts hold together, each as often as it is in one. */
static uint64_t find_parts(const struct nsf_relay *relay, struct nsf_u32_view times, uint32_t shift,
                           struct nsf_relay_scratch *scratch)
{
    uint64_t n_networks = 0;
    size_t at = 0;
    scratch->n_parts = 0;
    NSF_GROW(scratch->parts, scratch->parts_capacity, 2 * (size_t)times.n);
    for (uint32_t t = 0, next; t < times.n && at < relay->n_chunks; t = next) {
        uint64_t from = (uint64_t)times.items[t] + shift, number = from / CHUNK_SECONDS;
        for (next = t + 1; next < times.n && ((uint64_t)times.items[next] + shift) / CHUNK_SECONDS == number;)
            next++;
        at = find_chunk(relay, at, number);
        size_t behind = at;
        if (at < relay->n_chunks && relay->chunks[at].number == number) {
            n_networks += add_part(scratch, &relay->late, &relay->chunks[at], from, true);
            behind++;
        }
        if (behind < relay->n_chunks && relay->chunks[behind].number == number + 1) {
            uint64_t until = (uint64_t)times.items[next - 1] + shift + PUSH_SECONDS;
            n_networks += add_part(scratch, &relay->early, &relay->chunks[behind], until, false);
        }
    }
    return n_networks;
}

uint32_t nsf_relay_at_most(const struct nsf_relay *relay, struct nsf_u32_view times, struct nsf_relay_scratch *scratch)
{
    uint64_t n = find_parts(relay, times, 0, scratch);
    return n < relay->n_networks ? (uint32_t)n : relay->n_networks;
}

static void join_part(const struct nsf_relay *relay, const struct nsf_relay_part *part, uint64_t *set)
{
    const struct nsf_push *pushes = &part->front->pushes[part->chunk->from];
    size_t n_sets = part->n / relay->words;
    if (n_sets > 0) {
        const uint64_t *front = &part->front->sets[(part->chunk->set_from + n_sets - 1) * relay->words];
        for (size_t i = 0; i < relay->words; i += WORDS_AT_ONCE)
            for (size_t k = 0; k < WORDS_AT_ONCE; k++)
                set[i + k] |= front[i + k];
    }
    for (size_t i = n_sets * relay->words; i < part->n; i++)
        add_to_set(set, pushes[i].network);
}

/* Bits side by side, then pairs, then fours; not every processor counts them by itself. */
static uint32_t count_bits(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(word * UINT64_C(0x0101010101010101) >> 56);
}

static uint32_t count_set(const uint64_t *set, size_t n_words)
{
    uint32_t n = 0;
    for (size_t i = 0; i < n_words; i++)
        n += count_bits(set[i]);
    return n;
}

uint32_t nsf_relay_pushed(const struct nsf_relay *relay, struct nsf_u32_view times, uint32_t shift,
                          struct nsf_relay_scratch *scratch)
{
    if (find_parts(relay, times, shift, scratch) == 0)
        return 0;
    NSF_GROW(scratch->set, scratch->set_capacity, relay->words);
    memset(scratch->set, 0, relay->words * sizeof(*scratch->set));
    for (size_t i = 0; i < scratch->n_parts; i++)
        join_part(relay, &scratch->parts[i], scratch->set);
    return count_set(scratch->set, relay->words);
}

void nsf_relay_scratch_release(struct nsf_relay_scratch *scratch)
{
    nsf_free(scratch->parts);
    nsf_free(scratch->set);
    *scratch = (struct nsf_relay_scratch){.parts = NULL};
}

void nsf_relay_compare_days(const struct nsf_relay *relay, struct nsf_u32_view days, uint32_t n_days_of_window,
                            struct nsf_relay_facts *facts)
{
    uint64_t with = 0, without = 0;
    uint32_t at = 0;
    for (size_t i = 0; i < relay->n_days; i++) {
        while (at < days.n && days.items[at] >> 16 < relay->days[2 * i])
            at++;
        bool is_with = at < days.n && days.items[at] >> 16 == relay->days[2 * i];
        *(is_with ? &with : &without) += relay->days[2 * i + 1];
    }
    uint32_t n_with = days.n, n_without = n_days_of_window > n_with ? n_days_of_window - n_with : 0;
    facts->has_days_without = n_without > 0;
    facts->networks_with_tenths = n_with == 0 ? 0 : (uint32_t)(with * 10 / n_with);
    facts->networks_without_tenths = n_without == 0 ? 0 : (uint32_t)(without * 10 / n_without);
}

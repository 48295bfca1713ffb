#include "core/nsf_common.h"

#include "evidence/relay.h"

#include "core/index.h"
#include "core/pairset.h"
#include "core/radix_sort.h"

#define PUSH_SECONDS 300u
/* Stretches are no shorter, and not many more than twice as many as pushes. */
#define STRETCH_BITS_MIN 6u
#define STRETCHES_MIN 16u
#define SECONDS_PER_DAY 86400u
#define BLOCKED_PERCENT 80u

struct nsf_push {
    uint32_t second;
    uint32_t network; /* a small number */
};

/* Some moments in a row. */
struct nsf_relay_stretch {
    uint32_t first_push; /* at or after the first of them */
    uint32_t n_networks; /* at most, in the window that begins at one of them */
};

struct nsf_relay {
    uint32_t *days; /* two words a day: day, networks */
    size_t n_days;
    uint64_t connections;
    uint32_t destinations;
    uint32_t blocked_networks;
    struct nsf_push *pushes; /* by time */
    size_t n_pushes;
    uint32_t n_networks;
    struct nsf_relay_stretch *stretches; /* of 2^shift seconds each, and one behind them */
    size_t n_stretches;
    uint32_t from; /* where the first begins: no window of an earlier moment holds a push */
    unsigned shift;
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

static void collect_pushes(struct nsf_relay *relay, const struct nsf_outbound_row *rows, size_t n)
{
    struct nsf_index by_network = {0};
    uint32_t *networks = nsf_malloc(nsf_mul_size(n + 1, sizeof(*networks)));
    relay->pushes = nsf_malloc(nsf_mul_size(n + 1, sizeof(*relay->pushes)));
    for (size_t i = 0; i < n; i++)
        if (rows[i].is_message && rows[i].is_public && rows[i].is_port_25)
            relay->pushes[relay->n_pushes++] =
                (struct nsf_push){rows[i].second, number_of(relay, &by_network, networks, rows[i].network)};
    nsf_free(networks);
    nsf_index_release(&by_network);
}

static uint32_t last_moment(const struct nsf_relay *relay)
{
    return relay->pushes[relay->n_pushes - 1].second;
}

static size_t stretch_of(const struct nsf_relay *relay, uint32_t second)
{
    return (second - relay->from) >> relay->shift;
}

/* Some window of the stretches from the one moment to before the other holds so many networks. */
static void note_networks(struct nsf_relay *relay, int64_t from, int64_t to, uint32_t n_networks)
{
    from = from < (int64_t)relay->from ? (int64_t)relay->from : from;
    for (size_t i = stretch_of(relay, (uint32_t)from); from < to && i <= stretch_of(relay, (uint32_t)(to - 1)); i++)
        if (relay->stretches[i].n_networks < n_networks)
            relay->stretches[i].n_networks = n_networks;
}

/* A window moves over the pushes, and gains and loses some. */
static void count_networks(struct nsf_relay *relay)
{
    const struct nsf_push *pushes = relay->pushes;
    size_t n = relay->n_pushes, gained = 0, lost = 0;
    uint32_t *held = nsf_calloc((size_t)relay->n_networks + 1, sizeof(*held)), n_held = 0;
    int64_t from = (int64_t)pushes[0].second - PUSH_SECONDS;
    while (lost < n) {
        for (; gained < n && (int64_t)pushes[gained].second - PUSH_SECONDS == from; gained++)
            n_held += held[pushes[gained].network]++ == 0;
        for (; lost < n && (int64_t)pushes[lost].second + 1 == from; lost++)
            n_held -= --held[pushes[lost].network] == 0;
        int64_t next_gain = gained < n ? (int64_t)pushes[gained].second - PUSH_SECONDS : INT64_MAX;
        int64_t next_loss = lost < n ? (int64_t)pushes[lost].second + 1 : INT64_MAX;
        int64_t next = next_gain < next_loss ? next_gain : next_loss;
        if (n_held > 0)
            note_networks(relay, from, next, n_held);
        from = next;
    }
    nsf_free(held);
}

static void make_stretches(struct nsf_relay *relay)
{
    size_t n_max = 2 * relay->n_pushes + STRETCHES_MIN;
    if (relay->n_pushes == 0)
        return;
    relay->from = relay->pushes[0].second < PUSH_SECONDS ? 0 : relay->pushes[0].second - PUSH_SECONDS;
    relay->shift = STRETCH_BITS_MIN;
    while (stretch_of(relay, last_moment(relay)) >= n_max)
        relay->shift++;
    relay->n_stretches = stretch_of(relay, last_moment(relay)) + 1;
    relay->stretches = nsf_calloc(relay->n_stretches + 1, sizeof(*relay->stretches));
    for (size_t i = 0; i < relay->n_pushes; i++)
        relay->stretches[stretch_of(relay, relay->pushes[i].second) + 1].first_push = (uint32_t)i + 1;
    for (size_t i = 1; i <= relay->n_stretches; i++)
        if (relay->stretches[i].first_push < relay->stretches[i - 1].first_push)
            relay->stretches[i].first_push = relay->stretches[i - 1].first_push;
    count_networks(relay);
}

struct nsf_relay *nsf_relay_new(const struct nsf_outbound_row *rows, size_t n)
{
    struct nsf_relay *relay = nsf_calloc(1, sizeof(*relay));
    relay->days = networks_by_day(rows, n, &relay->n_days);
    relay->destinations = count_destinations(rows, n, &relay->connections);
    relay->blocked_networks = blocked_networks(rows, n, relay->days, relay->n_days);
    collect_pushes(relay, rows, n);
    make_stretches(relay);
    return relay;
}

void nsf_relay_free(struct nsf_relay *relay)
{
    if (relay == NULL)
        return;
    nsf_free(relay->days);
    nsf_free(relay->pushes);
    nsf_free(relay->stretches);
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

/* Whether a window that begins at the moment may hold a push. */
static bool is_near(const struct nsf_relay *relay, uint64_t second)
{
    return relay->n_pushes > 0 && second >= relay->from && second <= last_moment(relay);
}

uint32_t nsf_relay_at_most(const struct nsf_relay *relay, struct nsf_u32_view times)
{
    uint64_t sum = 0;
    for (uint32_t t = 0; t < times.n; t++)
        if (is_near(relay, times.items[t]))
            sum += relay->stretches[stretch_of(relay, times.items[t])].n_networks;
    return sum < relay->n_networks ? (uint32_t)sum : relay->n_networks;
}

/* Index of the first push at or after a moment that is near. */
static size_t first_from(const struct nsf_relay *relay, uint32_t second)
{
    const struct nsf_relay_stretch *stretch = &relay->stretches[stretch_of(relay, second)];
    size_t from = stretch[0].first_push, to = stretch[1].first_push;
    while (from < to) {
        size_t half = from + (to - from) / 2;
        if (relay->pushes[half].second < second)
            from = half + 1;
        else
            to = half;
    }
    return from;
}

uint32_t nsf_relay_pushed(const struct nsf_relay *relay, struct nsf_u32_view times, uint32_t shift,
                          struct nsf_relay_scratch *scratch)
{
    uint32_t n_distinct = 0;
    size_t done = 0;
    NSF_GROW(scratch->marks, scratch->capacity, relay->n_networks);
    while (scratch->n_marks < relay->n_networks)
        scratch->marks[scratch->n_marks++] = 0;
    uint64_t mark = ++scratch->mark;
    for (uint32_t t = 0; t < times.n && n_distinct < relay->n_networks; t++) {
        uint64_t from = (uint64_t)times.items[t] + shift;
        if (!is_near(relay, from))
            continue;
        size_t at = first_from(relay, (uint32_t)from);
        at = at > done ? at : done;
        for (; at < relay->n_pushes && relay->pushes[at].second <= from + PUSH_SECONDS; at++) {
            uint64_t *network = &scratch->marks[relay->pushes[at].network];
            n_distinct += *network != mark;
            *network = mark;
        }
        done = at;
    }
    return n_distinct;
}

void nsf_relay_scratch_release(struct nsf_relay_scratch *scratch)
{
    nsf_free(scratch->marks);
    *scratch = (struct nsf_relay_scratch){.marks = NULL};
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

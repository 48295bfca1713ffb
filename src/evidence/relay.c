#include "core/nsf_common.h"

#include "evidence/relay.h"

#include "core/compare.h"
#include "core/index.h"
#include "core/pairset.h"

#define PUSH_SECONDS 300
#define SHIFT_SECONDS 3600u
#define SECONDS_PER_DAY 86400u
#define BLOCKED_PERCENT 80u

struct nsf_push {
    uint32_t second;
    uint32_t network; /* a small number */
};

/* From this second on, until that of the next span, so many networks are in the window that begins there. */
struct nsf_push_span {
    int64_t from;
    uint32_t n_networks;
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
    struct nsf_push_span *spans;
    size_t n_spans;
    uint64_t *marks; /* by network: the question that counted it last */
    uint64_t mark;
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
    if (n_keys > 1)
        qsort(keys, n_keys, sizeof(*keys), nsf_cmp_u64);
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
    if (n_days > 1)
        qsort(counts, n_days, sizeof(*counts), nsf_cmp_u32);
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
    relay->marks = nsf_calloc((size_t)relay->n_networks + 1, sizeof(*relay->marks));
    nsf_free(networks);
    nsf_index_release(&by_network);
}

/* A window moves over the pushes: whenever it gains or loses some, how many networks are in it is written down. */
static void count_spans(struct nsf_relay *relay)
{
    size_t n = relay->n_pushes, gained = 0, lost = 0;
    uint32_t *held = nsf_calloc((size_t)relay->n_networks + 1, sizeof(*held)), n_held = 0;
    relay->spans = nsf_malloc(nsf_mul_size(2 * n + 1, sizeof(*relay->spans)));
    while (lost < n) {
        int64_t next_gain = gained < n ? (int64_t)relay->pushes[gained].second - PUSH_SECONDS : INT64_MAX;
        int64_t next_loss = (int64_t)relay->pushes[lost].second + 1;
        int64_t from = next_gain < next_loss ? next_gain : next_loss;
        for (; gained < n && (int64_t)relay->pushes[gained].second - PUSH_SECONDS == from; gained++)
            n_held += held[relay->pushes[gained].network]++ == 0;
        for (; lost < n && (int64_t)relay->pushes[lost].second + 1 == from; lost++)
            n_held -= --held[relay->pushes[lost].network] == 0;
        relay->spans[relay->n_spans++] = (struct nsf_push_span){from, n_held};
    }
    nsf_free(held);
}

struct nsf_relay *nsf_relay_new(const struct nsf_outbound_row *rows, size_t n)
{
    struct nsf_relay *relay = nsf_calloc(1, sizeof(*relay));
    relay->days = networks_by_day(rows, n, &relay->n_days);
    relay->destinations = count_destinations(rows, n, &relay->connections);
    relay->blocked_networks = blocked_networks(rows, n, relay->days, relay->n_days);
    collect_pushes(relay, rows, n);
    count_spans(relay);
    return relay;
}

void nsf_relay_free(struct nsf_relay *relay)
{
    if (relay == NULL)
        return;
    nsf_free(relay->days);
    nsf_free(relay->pushes);
    nsf_free(relay->spans);
    nsf_free(relay->marks);
    nsf_free(relay);
}

void nsf_relay_read(const struct nsf_relay *relay, struct nsf_relay_facts *facts)
{
    facts->connections = relay->connections;
    facts->destinations = relay->destinations;
    read_days(relay->days, relay->n_days, facts);
    facts->blocked_networks = relay->blocked_networks;
}

/* Index of the first push at or after a moment. */
static size_t first_from(const struct nsf_relay *relay, uint64_t second)
{
    size_t from = 0, to = relay->n_pushes;
    while (from < to) {
        size_t half = from + (to - from) / 2;
        if (relay->pushes[half].second < second)
            from = half + 1;
        else
            to = half;
    }
    return from;
}

/* Distinct networks that got mail within PUSH_SECONDS of one moment. */
static uint32_t networks_of_span(const struct nsf_relay *relay, int64_t second)
{
    size_t from = 0, to = relay->n_spans;
    while (from < to) {
        size_t half = from + (to - from) / 2;
        if (relay->spans[half].from <= second)
            from = half + 1;
        else
            to = half;
    }
    return from == 0 ? 0 : relay->spans[from - 1].n_networks;
}

/* Not less than networks_after. */
static uint64_t most_networks_after(const struct nsf_relay *relay, struct nsf_u32_view times)
{
    uint64_t sum = 0;
    for (uint32_t t = 0; t < times.n; t++)
        sum += networks_of_span(relay, times.items[t]);
    return sum;
}

/* Distinct networks that got mail within PUSH_SECONDS after one of the moments, which are moved by `shift`. */
static uint32_t networks_after(struct nsf_relay *relay, struct nsf_u32_view times, uint32_t shift)
{
    uint32_t n_distinct = 0;
    size_t done = 0;
    relay->mark++;
    for (uint32_t t = 0; t < times.n; t++) {
        uint64_t from = (uint64_t)times.items[t] + shift;
        size_t at = first_from(relay, from);
        for (at = at > done ? at : done; at < relay->n_pushes && relay->pushes[at].second <= from + PUSH_SECONDS;
             at++) {
            uint64_t *mark = &relay->marks[relay->pushes[at].network];
            n_distinct += *mark != relay->mark;
            *mark = relay->mark;
        }
        done = at > done ? at : done;
    }
    return n_distinct;
}

static bool has_day(struct nsf_u32_view days, uint32_t day)
{
    for (uint32_t i = 0; i < days.n; i++)
        if (days.items[i] >> 16 == day)
            return true;
    return false;
}

static void compare_days(const struct nsf_relay *relay, const struct nsf_relay_suspect *suspect,
                         uint32_t n_days_of_window, struct nsf_relay_facts *facts)
{
    uint64_t with = 0, without = 0;
    for (size_t i = 0; i < relay->n_days; i++)
        *(has_day(suspect->days, relay->days[2 * i]) ? &with : &without) += relay->days[2 * i + 1];
    uint32_t n_with = suspect->days.n, n_without = n_days_of_window > n_with ? n_days_of_window - n_with : 0;
    facts->has_days_without = n_without > 0;
    facts->networks_with_tenths = n_with == 0 ? 0 : (uint32_t)(with * 10 / n_with);
    facts->networks_without_tenths = n_without == 0 ? 0 : (uint32_t)(without * 10 / n_without);
}

bool nsf_relay_suspect(struct nsf_relay *relay, const struct nsf_relay_suspect *suspect, uint32_t n_days,
                       uint32_t at_least, struct nsf_relay_facts *facts)
{
    /* Suspects can be many, and few push more than the one before them. */
    if (most_networks_after(relay, suspect->times) < at_least)
        return false;
    uint32_t pushed = networks_after(relay, suspect->times, 0);
    if (pushed < at_least)
        return false;
    facts->pushed_networks = pushed;
    facts->shifted_networks = networks_after(relay, suspect->times, SHIFT_SECONDS);
    compare_days(relay, suspect, n_days, facts);
    return true;
}

#include "core/nsf_common.h"

#include "evidence/relay.h"

#include "core/mem.h"

#define PUSH_SECONDS 300u
#define SHIFT_SECONDS 3600u
#define SECONDS_PER_DAY 86400u
#define BLOCKED_PERCENT 80u

static int cmp_u32(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static int cmp_u64(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static uint32_t count_distinct(uint32_t *values, size_t n)
{
    uint32_t n_distinct = 0;
    if (n > 1)
        qsort(values, n, sizeof(*values), cmp_u32);
    for (size_t i = 0; i < n; i++)
        n_distinct += i == 0 || values[i] != values[i - 1];
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
        qsort(keys, n_keys, sizeof(*keys), cmp_u64);
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
        qsort(counts, n_days, sizeof(*counts), cmp_u32);
    if (n_days > 0)
        facts->busiest_day_networks = counts[n_days - 1];
    if (n_days > 1)
        facts->median_day_networks = counts[(n_days - 1) / 2]; /* of the days but the fullest */
    nsf_free(counts);
}

/* Of the days on which four in five got no reply, the one with most networks. */
static uint32_t blocked_networks(const struct nsf_outbound_row *rows, size_t n, const uint32_t *days, size_t n_days)
{
    uint32_t most = 0;
    for (size_t d = 0; d < n_days; d++) {
        uint64_t total = 0, unanswered = 0;
        for (size_t i = 0; i < n; i++) {
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

void nsf_relay_read(const struct nsf_outbound_row *rows, size_t n, struct nsf_relay_facts *facts)
{
    size_t n_days;
    uint32_t *days = networks_by_day(rows, n, &n_days);
    uint32_t *destinations = nsf_malloc(nsf_mul_size(n + 1, sizeof(*destinations)));
    size_t n_destinations = 0;
    for (size_t i = 0; i < n; i++)
        if (rows[i].is_port_25)
            destinations[n_destinations++] = rows[i].destination;
    facts->connections = n_destinations;
    facts->destinations = count_distinct(destinations, n_destinations);
    read_days(days, n_days, facts);
    facts->blocked_networks = blocked_networks(rows, n, days, n_days);
    nsf_free(destinations);
    nsf_free(days);
}

/* Index of the first row at or after a moment. */
static size_t first_from(const struct nsf_outbound_row *rows, size_t n, uint64_t second)
{
    size_t from = 0, to = n;
    while (from < to) {
        size_t half = from + (to - from) / 2;
        if (rows[half].second < second)
            from = half + 1;
        else
            to = half;
    }
    return from;
}

/* Distinct public networks that got mail within PUSH_SECONDS after one of the moments, which are moved by `shift`. Only
 * the rows in those spans are looked at: suspects can be many. */
static uint32_t networks_after(const struct nsf_outbound_row *rows, size_t n, struct nsf_u32_view times, uint32_t shift)
{
    uint32_t *networks = NULL;
    size_t n_networks = 0, capacity = 0, done = 0;
    for (uint32_t t = 0; t < times.n; t++) {
        uint64_t from = (uint64_t)times.items[t] + shift;
        size_t at = first_from(rows, n, from);
        for (at = at > done ? at : done; at < n && rows[at].second <= from + PUSH_SECONDS; at++) {
            if (!rows[at].is_message || !rows[at].is_public || !rows[at].is_port_25)
                continue;
            NSF_GROW(networks, capacity, n_networks + 1);
            networks[n_networks++] = rows[at].network;
        }
        done = at > done ? at : done;
    }
    uint32_t n_distinct = count_distinct(networks, n_networks);
    nsf_free(networks);
    return n_distinct;
}

static bool has_day(struct nsf_u32_view days, uint32_t day)
{
    for (uint32_t i = 0; i < days.n; i++)
        if (days.items[i] >> 16 == day)
            return true;
    return false;
}

static void compare_days(const struct nsf_outbound_row *rows, size_t n, const struct nsf_relay_suspect *suspect,
                         uint32_t n_days_of_window, struct nsf_relay_facts *facts)
{
    size_t n_days;
    uint32_t *days = networks_by_day(rows, n, &n_days);
    uint64_t with = 0, without = 0;
    for (size_t i = 0; i < n_days; i++)
        *(has_day(suspect->days, days[2 * i]) ? &with : &without) += days[2 * i + 1];
    nsf_free(days);
    uint32_t n_with = suspect->days.n, n_without = n_days_of_window > n_with ? n_days_of_window - n_with : 0;
    facts->has_days_without = n_without > 0;
    facts->networks_with_tenths = n_with == 0 ? 0 : (uint32_t)(with * 10 / n_with);
    facts->networks_without_tenths = n_without == 0 ? 0 : (uint32_t)(without * 10 / n_without);
}

void nsf_relay_suspect(const struct nsf_outbound_row *rows, size_t n, const struct nsf_relay_suspect *suspect,
                       uint32_t n_days, struct nsf_relay_facts *facts)
{
    uint32_t pushed = networks_after(rows, n, suspect->times, 0);
    if (pushed <= facts->pushed_networks)
        return;
    facts->pushed_networks = pushed;
    facts->shifted_networks = networks_after(rows, n, suspect->times, SHIFT_SECONDS);
    compare_days(rows, n, suspect, n_days, facts);
}

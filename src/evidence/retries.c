#include "core/nsf_common.h"

#include "evidence/retries.h"

#include "core/clock.h"
#include "core/hash.h"
#include "evidence/connection.h"

#define HOME_BITS_V4 120 /* a /24, counted in 128 bits */
#define HOME_BITS_V6 48

enum {
    RETRY_ATTEMPTS_MIN = 3,
    RETRY_SPAN_MIN = 2 * 3600,
    RETRY_SPAN_MAX = 5 * 24 * 3600, /* Postfix and Exim give up after four to five days */
    RETRY_GAP_MIN = 5 * 60,
    RETRY_GAP_MAX = 4 * 3600 + 1800,
    RETRY_NEW_MAIL = 24 * 3600,
    RETRY_SAME_ATTEMPT = (int)(NSF_RETRY_GAP_MS / NSF_MS_PER_SECOND),
};

struct nsf_prefix nsf_home_network(struct nsf_ip ip)
{
    return nsf_prefix_around(ip, nsf_ip_is_v4(ip) ? HOME_BITS_V4 : HOME_BITS_V6);
}

void nsf_retries_init(struct nsf_retries *retries)
{
    *retries = (struct nsf_retries){.level = 0};
}

void nsf_retries_release(struct nsf_retries *retries)
{
    for (uint32_t i = 0; i < retries->n_rows; i++)
        nsf_u32s_release(&retries->rows[i].times);
    nsf_free(retries->rows);
    nsf_index_release(&retries->by_key);
    nsf_retries_init(retries);
}

/* Unseeded, since it chooses what is kept. */
static uint64_t rank_of(struct nsf_ip src, struct nsf_ip dst)
{
    struct nsf_ip home = nsf_home_network(src).ip;
    uint64_t hash = nsf_hash_mix(home.lo, nsf_hash_mix(home.hi, UINT64_C(0x2545f4914f6cdd1d)));
    return nsf_hash_mix(dst.lo, nsf_hash_mix(dst.hi, hash));
}

static bool is_kept(const struct nsf_retries *retries, uint64_t rank)
{
    return retries->level == 0 || rank >> (64 - retries->level) == 0;
}

static void rebuild_index(struct nsf_retries *retries)
{
    nsf_index_rebuild(&retries->by_key, retries->n_rows);
    for (uint32_t i = 0; i < retries->n_rows; i++)
        nsf_index_add(&retries->by_key, (uint32_t)rank_of(retries->rows[i].src, retries->rows[i].dst), i);
}

static void keep_half(struct nsf_retries *retries)
{
    uint32_t n_left = 0;
    retries->level++;
    for (uint32_t i = 0; i < retries->n_rows; i++) {
        if (is_kept(retries, rank_of(retries->rows[i].src, retries->rows[i].dst)))
            retries->rows[n_left++] = retries->rows[i];
        else
            nsf_u32s_release(&retries->rows[i].times);
    }
    retries->n_rows = n_left;
    rebuild_index(retries);
}

static struct nsf_retry_row *find_row(const struct nsf_retries *retries, uint64_t rank, struct nsf_ip src,
                                      struct nsf_ip dst)
{
    uint32_t probe = (uint32_t)rank, idx;
    struct nsf_ip home = nsf_home_network(src).ip;
    while ((idx = nsf_index_next(&retries->by_key, (uint32_t)rank, &probe)) != NSF_INDEX_NONE) {
        struct nsf_retry_row *row = &retries->rows[idx];
        if (nsf_ip_eq(row->dst, dst) && nsf_ip_eq(nsf_home_network(row->src).ip, home))
            return row;
    }
    return NULL;
}

void nsf_retries_add(struct nsf_retries *retries, struct nsf_ip src, struct nsf_ip dst, int64_t ts_ms)
{
    uint64_t rank = rank_of(src, dst);
    if (!is_kept(retries, rank))
        return;
    struct nsf_retry_row *row = find_row(retries, rank, src, dst);
    if (row == NULL) {
        NSF_GROW(retries->rows, retries->capacity, (size_t)retries->n_rows + 1);
        row = &retries->rows[retries->n_rows];
        *row = (struct nsf_retry_row){.src = src, .dst = dst};
        nsf_index_add(&retries->by_key, (uint32_t)rank, retries->n_rows++);
    }
    if (nsf_ip_cmp(src, row->src) < 0)
        row->src = src;
    nsf_u32s_add_smallest(&row->times, nsf_trait_seconds(ts_ms), NSF_RETRY_TIMES_MAX);
    while (retries->n_rows > NSF_RETRY_ROWS_MAX)
        keep_half(retries);
}

static int cmp_u32(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static uint32_t median_of(uint32_t *values, uint32_t n)
{
    qsort(values, n, sizeof(*values), cmp_u32);
    return n % 2 == 1 ? values[n / 2] : (uint32_t)(((uint64_t)values[n / 2 - 1] + values[n / 2]) / 2);
}

/* Attempts `from` to `to` are those of one mail. */
static struct nsf_retry_pattern pattern_of_mail(const uint32_t *attempts, uint32_t from, uint32_t to)
{
    struct nsf_retry_pattern pattern = {.attempts = to - from, .first = attempts[from], .last = attempts[to - 1]};
    uint32_t gaps[NSF_RETRY_TIMES_MAX], span = pattern.last - pattern.first;
    if (pattern.attempts < RETRY_ATTEMPTS_MIN)
        return pattern;
    for (uint32_t i = from + 1; i < to; i++)
        gaps[i - from - 1] = attempts[i] - attempts[i - 1];
    pattern.median_gap = median_of(gaps, pattern.attempts - 1);
    pattern.is_retrying = span >= RETRY_SPAN_MIN && span <= RETRY_SPAN_MAX && pattern.median_gap >= RETRY_GAP_MIN &&
                          pattern.median_gap <= RETRY_GAP_MAX;
    return pattern;
}

struct nsf_retry_pattern nsf_retry_pattern_of(const struct nsf_u32s *times)
{
    uint32_t attempts[NSF_RETRY_TIMES_MAX], n = 0;
    for (uint32_t i = 0; i < times->n && n < NSF_RETRY_TIMES_MAX; i++)
        if (i == 0 || times->items[i] - times->items[i - 1] > RETRY_SAME_ATTEMPT)
            attempts[n++] = times->items[i];
    struct nsf_retry_pattern pattern = {.attempts = n};
    for (uint32_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && attempts[to] - attempts[to - 1] <= RETRY_NEW_MAIL;)
            to++;
        pattern = pattern_of_mail(attempts, from, to);
        if (pattern.is_retrying)
            break;
    }
    return pattern;
}

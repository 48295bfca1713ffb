#include "core/nsf_common.h"

#include "evidence/retries.h"

#include "core/clock.h"
#include "core/compare.h"
#include "core/hash.h"
#include "core/mem.h"
#include "evidence/connection.h"

#define HOME_BITS_V4 120 /* a /24, counted in 128 bits */
#define HOME_BITS_V6 48

#define RETRY_ATTEMPTS_MIN 3
#define RETRY_SPAN_MIN_MS (2 * NSF_MS_PER_HOUR)
#define RETRY_SPAN_MAX_MS (5 * NSF_MS_PER_DAY) /* Postfix and Exim give up after four to five days */
#define RETRY_GAP_MIN_MS (NSF_MS_PER_HOUR / 12)
#define RETRY_GAP_MAX_MS (9 * NSF_MS_PER_HOUR / 2)
#define RETRY_NEW_MAIL_MS NSF_MS_PER_DAY

struct nsf_prefix nsf_home_network(struct nsf_ip ip)
{
    return nsf_prefix_around(ip, nsf_ip_is_v4(ip) ? HOME_BITS_V4 : HOME_BITS_V6);
}

/* ---- attempts ---- */

void nsf_attempts_release(struct nsf_attempts *attempts)
{
    nsf_free(attempts->items);
    *attempts = (struct nsf_attempts){.items = NULL};
}

static void insert_attempt(struct nsf_attempts *attempts, uint32_t at, struct nsf_attempt attempt)
{
    if (attempts->n == attempts->capacity) {
        attempts->capacity = attempts->capacity == 0 ? 1 : attempts->capacity * 2;
        attempts->items = nsf_realloc_array(attempts->items, attempts->capacity, sizeof(*attempts->items));
    }
    memmove(&attempts->items[at + 1], &attempts->items[at], (attempts->n - at) * sizeof(*attempts->items));
    attempts->items[at] = attempt;
    attempts->n++;
}

void nsf_attempts_add(struct nsf_attempts *attempts, struct nsf_attempt attempt)
{
    uint32_t at = attempts->n, end;
    while (at > 0 && attempts->items[at - 1].to_ms >= attempt.from_ms - NSF_RETRY_GAP_MS)
        at--;
    for (end = at; end < attempts->n && attempts->items[end].from_ms <= attempt.to_ms + NSF_RETRY_GAP_MS;)
        end++;
    if (at == end) {
        if (at == NSF_RETRY_ATTEMPTS_MAX)
            return;
        attempts->n -= attempts->n == NSF_RETRY_ATTEMPTS_MAX; /* the latest goes */
        insert_attempt(attempts, at, attempt);
        return;
    }
    struct nsf_attempt *joined = &attempts->items[at];
    int64_t to_ms = attempts->items[end - 1].to_ms;
    joined->from_ms = joined->from_ms < attempt.from_ms ? joined->from_ms : attempt.from_ms;
    joined->to_ms = to_ms > attempt.to_ms ? to_ms : attempt.to_ms;
    memmove(joined + 1, &attempts->items[end], (attempts->n - end) * sizeof(*joined));
    attempts->n -= end - at - 1;
}

/* ---- pairs ---- */

void nsf_retries_init(struct nsf_retries *retries)
{
    *retries = (struct nsf_retries){.level = 0};
}

void nsf_retries_release(struct nsf_retries *retries)
{
    for (uint32_t i = 0; i < retries->n_rows; i++)
        nsf_attempts_release(&retries->rows[i].attempts);
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
            nsf_attempts_release(&retries->rows[i].attempts);
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
    nsf_attempts_add(&row->attempts, (struct nsf_attempt){ts_ms, ts_ms});
    while (retries->n_rows > NSF_RETRY_ROWS_MAX)
        keep_half(retries);
}

/* ---- patterns ---- */

static int64_t median_of(int64_t *values, uint32_t n)
{
    qsort(values, n, sizeof(*values), nsf_cmp_i64);
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static struct nsf_retry_pattern pattern_of(const struct nsf_attempt *attempts, uint32_t n)
{
    struct nsf_retry_pattern pattern = {
        .attempts = n,
        .first_ms = attempts[0].from_ms,
        .last_ms = attempts[n - 1].from_ms,
    };
    int64_t gaps[NSF_RETRY_ATTEMPTS_MAX], span_ms = pattern.last_ms - pattern.first_ms;
    if (n < RETRY_ATTEMPTS_MIN)
        return pattern;
    for (uint32_t i = 1; i < n; i++)
        gaps[i - 1] = attempts[i].from_ms - attempts[i - 1].from_ms;
    pattern.median_gap_ms = median_of(gaps, n - 1);
    pattern.is_retrying = span_ms >= RETRY_SPAN_MIN_MS && span_ms <= RETRY_SPAN_MAX_MS &&
                          pattern.median_gap_ms >= RETRY_GAP_MIN_MS && pattern.median_gap_ms <= RETRY_GAP_MAX_MS;
    return pattern;
}

struct nsf_retry_pattern nsf_retry_pattern_of(const struct nsf_attempts *attempts)
{
    const struct nsf_attempt *items = attempts->items;
    struct nsf_retry_pattern all = {.attempts = 0}, mail;
    if (attempts->n > 0)
        all = pattern_of(items, attempts->n);
    for (uint32_t from = 0, to; from < attempts->n && !all.is_retrying; from = to) {
        for (to = from + 1; to < attempts->n && items[to].from_ms - items[to - 1].from_ms <= RETRY_NEW_MAIL_MS;)
            to++;
        mail = pattern_of(&items[from], to - from);
        if (mail.is_retrying)
            return mail;
    }
    return all;
}

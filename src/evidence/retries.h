/*
 * retries.h - refused mail that is tried again: denied or unanswered attempts of one network on one of our addresses,
 * by time. A mail server that is refused comes back for hours or days, a scanner does not.
 *
 * An attempt is one try with the SYN retries of its own: lines no more than NSF_RETRY_GAP_MS apart. Rows are few and
 * small: of very many pairs a fixed share is kept, chosen by a hash, and of many attempts the earliest. Lines may come
 * in any order. One thread at a time a table.
 */
#ifndef NSF_RETRIES_H
#define NSF_RETRIES_H

#include "core/index.h"
#include "core/ipaddr.h"

/* Pairs kept in one partition. */
#define NSF_RETRY_ROWS_MAX 4096u
/* Attempts kept of one pair: five hours of tries every five minutes. */
#define NSF_RETRY_ATTEMPTS_MAX 64

/* From its first line to its last one. */
struct nsf_attempt {
    int64_t from_ms;
    int64_t to_ms;
};

struct nsf_attempts {
    struct nsf_attempt *items; /* ascending, more than NSF_RETRY_GAP_MS apart */
    uint32_t n;
    uint32_t capacity;
};

/* Joins a line, or a whole attempt, with those it is near to. */
void nsf_attempts_add(struct nsf_attempts *attempts, struct nsf_attempt attempt);
void nsf_attempts_release(struct nsf_attempts *attempts);

struct nsf_retry_row {
    struct nsf_ip src; /* the smallest address of the network that was seen */
    struct nsf_ip dst;
    struct nsf_attempts attempts;
};

struct nsf_retries {
    struct nsf_retry_row *rows;
    size_t capacity;
    uint32_t n_rows;
    struct nsf_index by_key;
    unsigned level; /* pairs whose hash has this many leading zeros are kept */
};

void nsf_retries_init(struct nsf_retries *retries);
void nsf_retries_release(struct nsf_retries *retries);
void nsf_retries_add(struct nsf_retries *retries, struct nsf_ip src, struct nsf_ip dst, int64_t ts_ms);

/* What the times of one pair look like. */
struct nsf_retry_pattern {
    bool is_retrying; /* as mail servers retry: >= 3 attempts over 2 h to 5 days, the median gap 5 min to 4.5 h */
    uint32_t attempts;
    int64_t first_ms; /* where the attempts begin */
    int64_t last_ms;
    int64_t median_gap_ms;
};

/* Pure. Tells of all attempts together where they look so; else those more than a day apart belong to different mails,
 * and the first mail that was retried is told. */
struct nsf_retry_pattern nsf_retry_pattern_of(const struct nsf_attempts *attempts);

/* The /24 or /48 around an address. */
struct nsf_prefix nsf_home_network(struct nsf_ip ip);

#endif

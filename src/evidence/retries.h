/*
 * retries.h - refused mail that is tried again: denied or unanswered attempts of one network on one of our addresses,
 * by time. A mail server that is refused comes back for hours or days, a scanner does not.
 *
 * Rows are few and small: of very many pairs a fixed share is kept, chosen by a hash, and of many times the earliest.
 * So nothing depends on the order in which attempts are added. One thread at a time a table.
 */
#ifndef NSF_RETRIES_H
#define NSF_RETRIES_H

#include "core/index.h"
#include "core/ipaddr.h"
#include "evidence/traits.h"

/* Pairs kept in one partition. */
#define NSF_RETRY_ROWS_MAX 4096u
/* Log lines kept of one pair; an attempt writes up to seven, one a SYN. */
#define NSF_RETRY_TIMES_MAX 48

struct nsf_retry_row {
    struct nsf_ip src; /* the smallest address of the network that was seen */
    struct nsf_ip dst;
    struct nsf_u32s times; /* in seconds, ascending, each once */
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
    uint32_t first;
    uint32_t last;
    uint32_t median_gap;
};

/* Pure. Attempts more than a day apart belong to different mails; the first mail that was retried is told. */
struct nsf_retry_pattern nsf_retry_pattern_of(const struct nsf_u32s *times);

/* The /24 or /48 around an address. */
struct nsf_prefix nsf_home_network(struct nsf_ip ip);

#endif

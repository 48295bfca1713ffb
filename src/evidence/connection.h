/*
 * connection.h - from log lines to what a mail administrator would call one connection.
 *
 * One connection is one TCP connection attempt with its retries, or one session. Log lines are not connections: SYN
 * retries, splits at birth, five-minute continuations and repeated lines would multiply them. On eight real public
 * blobs of all layouts (5,262 keys, all ports) these steps give exactly one connection per 5-tuple.
 *
 * Pure functions on the caller's storage.
 */
#ifndef NSF_CONNECTION_H
#define NSF_CONNECTION_H

#include "evidence/review.h"
#include "flow/flow.h"

/* SYN retries come after 1, 2, 4, 8, 16, 32 and 64 s: a begin within this after a silent end is one more of them. */
#define NSF_RETRY_GAP_MS INT64_C(130000)
/* An open connection without a line for longer is over. Azure logs a continuation every five minutes. */
#define NSF_IDLE_MS_DEFAULT INT64_C(1800000)
/* Above a day a connection's days would no longer be those between its first and last stamp. */
#define NSF_IDLE_MS_MAX INT64_C(86400000)

struct nsf_connection {
    int64_t first_ms;
    int64_t last_ms;         /* the newest stamp of the key */
    int64_t counted_from_ms; /* of its tuples inside the window; NSF_TS_NONE: none */
    int64_t counted_to_ms;
    struct nsf_counters total;
    struct nsf_counters last_end; /* of the last E; also the carry of a split at birth */
    int64_t last_end_ms;
    uint32_t attempts;
    uint32_t tuples; /* inside the window */
    bool is_ended;
    bool has_counters;
    bool last_end_has_counters;
    bool has_carry;
    bool is_vnet4; /* its newest line came from a virtual network flow log */
};

enum nsf_connection_step {
    NSF_STEP_SAME, /* the event belongs to *connection, which was changed */
    NSF_STEP_NEW,  /* the event begins another one: *connection is untouched; nsf_connection_begin makes the new one */
};

/* `ts_ms` is the event's stamp, or the newest of its key when it came late. The event must not be a denied one. */
enum nsf_connection_step nsf_connection_take(struct nsf_connection *connection, const struct nsf_mail_event *event,
                                             int64_t ts_ms, int64_t idle_ms);
void nsf_connection_begin(struct nsf_connection *connection, const struct nsf_mail_event *event, int64_t ts_ms);
/* Counts one tuple inside the window. */
void nsf_connection_count(struct nsf_connection *connection, int64_t ts_ms);

uint64_t nsf_add_saturated(uint64_t a, uint64_t b);
void nsf_counters_add(struct nsf_counters *sum, const struct nsf_counters *more);

#endif

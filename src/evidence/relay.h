/*
 * relay.h - from the outbound mail of one NIC to the facts that a judge of relays asks for.
 *
 * Read-only once made: any thread may ask, each with a scratch of its own.
 */
#ifndef NSF_RELAY_H
#define NSF_RELAY_H

#include "evidence/outbound.h"
#include "judge/relay_state.h"

/* The moments that are compared with those of a source's messages. */
#define NSF_RELAY_SHIFT_SECONDS 3600u

struct nsf_relay;

/* Reads the rows, which are sorted by time, and borrows nothing. */
struct nsf_relay *nsf_relay_new(const struct nsf_outbound_row *rows, size_t n);
/* NULL is fine. */
void nsf_relay_free(struct nsf_relay *relay);
/* What does not depend on a source: counts, destinations, the fullest and the blocked day. */
void nsf_relay_read(const struct nsf_relay *relay, struct nsf_relay_facts *facts);

/* Distinct public networks that got a message: no source pushed mail to more. */
uint32_t nsf_relay_networks(const struct nsf_relay *relay);

/* Memory of one thread; zeroes are an empty one. */
struct nsf_relay_part;
struct nsf_relay_scratch {
    struct nsf_relay_part *parts;
    size_t parts_capacity;
    size_t n_parts;
    uint64_t *set;
    size_t set_capacity;
};
void nsf_relay_scratch_release(struct nsf_relay_scratch *scratch);
/* Quickly, no less than nsf_relay_pushed would count without a shift. */
uint32_t nsf_relay_at_most(const struct nsf_relay *relay, struct nsf_u32_view times, struct nsf_relay_scratch *scratch);
/* Distinct public networks that got a message within 300 s after one of the moments, which ascend, in seconds, and are
 * moved by `shift`. For each moment it costs the logarithm of the messages that were sent, and the networks that got
 * one within the 300 s, or a few 64ths of all networks where these are fewer. */
uint32_t nsf_relay_pushed(const struct nsf_relay *relay, struct nsf_u32_view times, uint32_t shift,
                          struct nsf_relay_scratch *scratch);

/* Networks a day on the days of a source's messages (day << 16 | messages, ascending) and on the others of a window of
 * so many days. */
void nsf_relay_compare_days(const struct nsf_relay *relay, struct nsf_u32_view days, uint32_t n_days_of_window,
                            struct nsf_relay_facts *facts);

#endif

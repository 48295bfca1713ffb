/*
 * relay.h - from the outbound mail of one NIC to the facts that a judge of relays asks for. One thread at a time.
 */
#ifndef NSF_RELAY_H
#define NSF_RELAY_H

#include "evidence/outbound.h"
#include "judge/relay_state.h"

/* A source that sent messages and is no known or likely sender. */
struct nsf_relay_suspect {
    struct nsf_u32_view days;  /* day << 16 | messages */
    struct nsf_u32_view times; /* of its messages, in seconds, ascending */
};

struct nsf_relay;

/* Reads the rows, which are sorted by time, and borrows nothing. */
struct nsf_relay *nsf_relay_new(const struct nsf_outbound_row *rows, size_t n);
/* NULL is fine. */
void nsf_relay_free(struct nsf_relay *relay);
/* What does not depend on a source: counts, destinations, the fullest and the blocked day. */
void nsf_relay_read(const struct nsf_relay *relay, struct nsf_relay_facts *facts);
/* Fills in what *facts says of a source and returns true where this one pushed mail to `at_least` (> 0) networks.
 * `n_days` of the window, for the days without its messages. */
bool nsf_relay_suspect(struct nsf_relay *relay, const struct nsf_relay_suspect *suspect, uint32_t n_days,
                       uint32_t at_least, struct nsf_relay_facts *facts);

#endif

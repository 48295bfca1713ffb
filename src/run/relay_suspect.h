/*
 * relay_suspect.h - which of the strangers who mail to a NIC looks most as if it passed mail on for him.
 */
#ifndef NSF_RELAY_SUSPECT_H
#define NSF_RELAY_SUSPECT_H

#include "evidence/relay.h"

/* A source that sent messages and is no known or likely sender. */
struct nsf_relay_suspect {
    struct nsf_ip address;
    struct nsf_u32_view days;  /* day << 16 | messages, ascending */
    struct nsf_u32_view times; /* of its messages, in seconds, ascending */
};

/* One NIC with outbound mail, and the first of the sources that look worst. */
struct nsf_relay_weighed {
    const struct nsf_relay *mail; /* borrowed */
    struct nsf_relay_facts facts;
    struct nsf_ip pusher; /* the source that the facts speak of */
};

void nsf_relay_weigh_begin(struct nsf_relay_weighed *weighed, const struct nsf_relay *mail, bool is_examined);
/* Whether some source could look worse than the one that was met: where none could, no other need be weighed. */
bool nsf_relay_is_open_end(const struct nsf_relay_weighed *weighed);
/* Puts the source into the place of the one met before where it looks worse: one that looks like relaying counts before
 * one that only pushed more. `n_days` of the window. */
void nsf_relay_weigh(struct nsf_relay_weighed *weighed, const struct nsf_relay_suspect *suspect, uint32_t n_days,
                     struct nsf_relay_scratch *scratch);

/* Puts what was weighed of the same NIC with other sources, behind those weighed here, into its place where it looks
 * worse. */
void nsf_relay_weigh_join(struct nsf_relay_weighed *weighed, const struct nsf_relay_weighed *other);

#endif

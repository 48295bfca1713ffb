/*
 * traits.h - what a score needs of a source besides its counts: when it came, with mail or without, from which ports.
 *
 * Everything here is bounded and does not depend on the order in which connections are added: sets keep their smallest
 * members, times become coarser when there are many of them, days grow with the window only. Times are seconds since
 * 1970 in 32 bits; what lies outside is taken for the nearest end.
 *
 * Most sources connect once. Those need no traits: nsf_traits_add makes them when the second connection comes.
 */
#ifndef NSF_TRAITS_H
#define NSF_TRAITS_H

#include "evidence/review.h"

/* Mail within this before or after a connection without mail explains it: a greylisted try, a pool that moved on. */
#define NSF_MAIL_NEAR_SECONDS (6 * 3600)
#define NSF_TRAIT_PORTS_MAX 4
#define NSF_TRAIT_NEGATIVES_MAX 32
#define NSF_TRAIT_TIMES_MAX 64
/* Past this more of them change no score. */
#define NSF_TRAIT_LONELY_MAX 4
#define NSF_TRAIT_BUSY_DAYS 3

struct nsf_u32s {
    uint32_t *items;
    uint32_t n;
    uint32_t capacity;
};

/* A source port and the days it was used on; of many ports those with the smallest hash are kept. */
struct nsf_port_days {
    uint16_t port;
    uint16_t n_days; /* stops at 3 */
    uint16_t day[2];
};

struct nsf_busy_day {
    uint16_t day;
    uint16_t connections;
};

/* Only for sources with mail, guessing, or connections without counters. */
struct nsf_mail_traits {
    struct nsf_u32s runs; /* from, to, from, to, ... of message times no more than twice NSF_MAIL_NEAR_SECONDS apart */
    struct nsf_u32s message_days; /* day << 16 | messages, ascending; messages stop at 65535 */
    struct nsf_u32s guess_days;   /* day << 16 | guessing connections */
    struct nsf_u32s times;        /* of messages and of connections without counters: the earliest, ascending */
};

struct nsf_trait_row {
    struct nsf_port_days ports[NSF_TRAIT_PORTS_MAX];
    struct nsf_busy_day busy[NSF_TRAIT_BUSY_DAYS]; /* void when there are more days */
    uint16_t ambiguous_days[3];                    /* the smallest */
    uint16_t dialog_days[3];
    uint8_t n_ports;
    uint8_t n_busy; /* NSF_TRAIT_BUSY_DAYS + 1: more */
    uint8_t n_ambiguous_days;
    uint8_t n_dialog_days;
    uint8_t shift;                /* of the times in `negatives`: 2^shift seconds */
    struct nsf_u32s negatives;    /* time >> shift << 3 | count up to NSF_TRAIT_LONELY_MAX, ascending */
    struct nsf_mail_traits *mail; /* NULL: none */
};

void nsf_trait_row_init(struct nsf_trait_row *row);
void nsf_trait_row_release(struct nsf_trait_row *row);
/* One connection by its first counted stamp. */
void nsf_trait_row_add(struct nsf_trait_row *row, enum nsf_connection_class class_, int64_t ts_ms, uint16_t src_port);
/* Joins what another row knows of the same source. */
void nsf_trait_row_merge(struct nsf_trait_row *row, const struct nsf_trait_row *from);

bool nsf_trait_has_fixed_port(const struct nsf_trait_row *row);
/* Guessing connections of the worst day. */
uint32_t nsf_trait_worst_guessing(const struct nsf_trait_row *row);
/* Connections of the fullest day; 0 when there are more than NSF_TRAIT_BUSY_DAYS. */
uint32_t nsf_trait_busiest_day(const struct nsf_trait_row *row);
/* Connections without mail, up to NSF_TRAIT_LONELY_MAX, that no run of messages is near; *has_excused: some were near.
 */
uint32_t nsf_trait_lonely(const struct nsf_trait_row *row, const struct nsf_u32s *runs, bool *has_excused);

uint32_t nsf_trait_seconds(int64_t ts_ms);
uint16_t nsf_trait_day(int64_t ts_ms);

/* Lists of runs and of days as above; `to` grows. */
void nsf_runs_merge(struct nsf_u32s *to, const struct nsf_u32s *from);
void nsf_days_merge(struct nsf_u32s *to, const struct nsf_u32s *from);
/* Keeps the n_max smallest, each once. */
void nsf_u32s_add_smallest(struct nsf_u32s *list, uint32_t value, uint32_t n_max);
void nsf_u32s_release(struct nsf_u32s *list);

#endif

/*
 * traits.h - what a score needs of a source besides its counts: when it came, with mail or without, from which ports.
 *
 * Everything here is bounded and does not depend on the order in which connections are added: sets keep their smallest
 * members, times become coarser when there are many of them, days grow with the window only. (One thing does: how
 * coarse the times of connections without mail are, since mail that explains some of them may come before they were too
 * many, or after. Connections are added in the order of the run, which nothing changes.) Times are seconds since
 * 1970 in 32 bits; what lies outside is taken for the nearest end.
 *
 * Sources are many and what is known of one is little: it is kept otherwise (evidence/journal.h), and a block of traits
 * is made where somebody works with it.
 */
#ifndef NSF_TRAITS_H
#define NSF_TRAITS_H

#include "evidence/review.h"

/* Mail within this before or after a connection without mail explains it: a greylisted try, a pool that moved on. */
#define NSF_MAIL_NEAR_SECONDS (6 * 3600)
/* Ports that a source used are told apart exactly up to here. */
#define NSF_TRAIT_PORTS_MAX 16
/* Connections without mail, up to which their times are exact to the second. */
#define NSF_TRAIT_NEGATIVES_MAX 256
/* Seconds that are told apart of those that came first, and times on all NICs. */
#define NSF_TRAIT_TIMES_MAX 64
#define NSF_TRAIT_MARKS_MAX 256
/* NICs get by with 13 bits: of more than these some share a number, and mail to one of them is taken for mail to both.
 */
#define NSF_TRAIT_NICS 8192u
#define NSF_TRAIT_NIC(nic_id) ((uint16_t)((nic_id) % NSF_TRAIT_NICS))
#define NSF_TRAIT_MARK(nic, is_message) ((uint32_t)(nic) << 1 | (is_message))
#define NSF_TRAIT_MARK_NIC(mark) ((uint16_t)((mark) >> 1))
#define NSF_TRAIT_MARK_IS_MESSAGE(mark) (((mark)&1) != 0)
/* Past this more of them change no score. */
#define NSF_TRAIT_LONELY_MAX 4
#define NSF_TRAIT_BUSY_DAYS 3
#define NSF_TRAIT_FIRST_DAYS_MAX 3

/* What is asked for most comes first: see nsf_traits_unpack. */
enum nsf_trait_list {
    NSF_TRAIT_RUNS,         /* from, to, from, to, ... of messages no more than twice NSF_MAIL_NEAR_SECONDS apart */
    NSF_TRAIT_MESSAGE_DAYS, /* day << 16 | messages, which stop at 65535 */
    NSF_TRAIT_TIMES,        /* the earliest messages and connections without counters; some are of one second */
    NSF_TRAIT_MARKS,        /* NSF_TRAIT_MARK of each of these; ascending only within a second */
    NSF_TRAIT_NIC_DAYS,     /* day << 16 | NIC, where messages went to more than one */
    NSF_TRAIT_PORTS,      /* rank << 16 | day, the two smallest days of a port; of many ports those of smallest rank */
    NSF_TRAIT_NEGATIVES,  /* times of connections without mail that no own run is near; one time up to
                             NSF_TRAIT_LONELY_MAX times */
    NSF_TRAIT_GUESS_DAYS, /* day << 16 | guessing connections */
    NSF_TRAIT_BUSY, /* day << 16 | connections without counters; one more than NSF_TRAIT_BUSY_DAYS says "many days" */
    NSF_TRAIT_AMBIGUOUS_DAYS, /* the NSF_TRAIT_FIRST_DAYS_MAX smallest */
    NSF_TRAIT_DIALOG_DAYS,    /* these, too */
};
#define NSF_TRAIT_LISTS (NSF_TRAIT_DIALOG_DAYS + 1)

/* So many lists, from the first on. */
enum nsf_traits_part {
    NSF_TRAITS_OF_NETWORKS = NSF_TRAIT_MESSAGE_DAYS + 1,
    NSF_TRAITS_OF_MAIL = NSF_TRAIT_NIC_DAYS + 1,
    NSF_TRAITS_ALL = NSF_TRAIT_LISTS,
};

/* Nearly all lists are ascending. Each has room of its own, so that what comes in order is appended. */
struct nsf_traits {
    uint16_t n[NSF_TRAIT_LISTS];
    uint16_t fixed_ports; /* bit i: the i-th kept port was seen on a third day */
    uint16_t mail_nic;    /* where all messages went, plus 1; 0: there is none; NSF_TRAIT_NIC_MANY */
    uint8_t shift;        /* NSF_TRAIT_NEGATIVES are exact to 2^shift seconds */
    bool has_excused;     /* connections without mail came near a run of their own: these are not listed */
    uint32_t
        from[NSF_TRAIT_LISTS + 1]; /* where the room of each list begins in `items`, and that of the last one ends */
    uint32_t items[];
};

#define NSF_TRAIT_NIC_MANY UINT16_MAX

/* A borrowed list. */
struct nsf_u32_view {
    const uint32_t *items;
    uint32_t n;
};

/* One connection. */
struct nsf_trait_note {
    uint32_t seconds;
    uint16_t src_port;
    uint16_t nic; /* NSF_TRAIT_NIC */
    enum nsf_connection_class class_;
};
#define NSF_TRAIT_SECONDS_PER_DAY 86400u
static inline uint32_t nsf_trait_note_day(const struct nsf_trait_note *note)
{
    return note->seconds / NSF_TRAIT_SECONDS_PER_DAY;
}

/* NULL is the empty block for all of these; *traits moves when it grows, and is the caller's to free with nsf_free. */
void nsf_traits_add(struct nsf_traits **traits, const struct nsf_trait_note *note);
/* Of that only what goes to the lists of a part. */
void nsf_traits_add_part(struct nsf_traits **traits, enum nsf_traits_part part, const struct nsf_trait_note *note);
/* Of that only which NIC got a message; before the message itself is added. */
void nsf_traits_add_nic(struct nsf_traits **traits, uint32_t day, uint16_t nic);
/* Empties the block and keeps its memory. */
void nsf_traits_reset(struct nsf_traits *traits);
/* Room for n_items in a list; those there are stay. */
void nsf_traits_make_room(struct nsf_traits **traits, enum nsf_trait_list list, uint32_t n_items);
/* Joins what another block knows of the same source. */
void nsf_traits_merge(struct nsf_traits **traits, const struct nsf_traits *from);
/* Joins one list only: of NSF_TRAIT_RUNS or NSF_TRAIT_MESSAGE_DAYS. */
void nsf_traits_merge_list(struct nsf_traits **traits, enum nsf_trait_list list, struct nsf_u32_view from);
/* Lends until the block changes. */
static inline struct nsf_u32_view nsf_traits_list(const struct nsf_traits *traits, enum nsf_trait_list list)
{
    if (traits == NULL)
        return (struct nsf_u32_view){NULL, 0};
    return (struct nsf_u32_view){&traits->items[traits->from[list]], traits->n[list]};
}

/* One source port in connections on three or more days. */
bool nsf_traits_has_fixed_port(const struct nsf_traits *traits);
/* Guessing connections of the worst day. */
uint32_t nsf_traits_worst_guessing(const struct nsf_traits *traits);
/* Connections without counters on the fullest day; 0 when there are more than NSF_TRAIT_BUSY_DAYS days. */
uint32_t nsf_traits_busiest_day(const struct nsf_traits *traits);
/* Connections without mail, up to NSF_TRAIT_LONELY_MAX, that no run of messages is near; *has_excused: some were near.
 */
uint32_t nsf_traits_lonely(const struct nsf_traits *traits, struct nsf_u32_view runs, bool *has_excused);

/* Whether NSF_TRAIT_TIMES lacks some, since there are too many. */
bool nsf_traits_lack_times(const struct nsf_traits *traits);

uint32_t nsf_trait_seconds(int64_t ts_ms);

/* The first run that ends at or behind a moment, as its place in the list of runs; most that is asked for is late. */
static inline uint32_t nsf_traits_run_from(struct nsf_u32_view runs, uint64_t moment)
{
    uint32_t from = 0, to = runs.n / 2;
    if (to > 0 && runs.items[2 * to - 1] < moment)
        return 2 * to;
    while (from < to) {
        uint32_t half = from + (to - from) / 2;
        if (runs.items[2 * half + 1] < moment)
            from = half + 1;
        else
            to = half;
    }
    return 2 * from;
}

/* Whether mail within NSF_MAIL_NEAR_SECONDS explains some moment of [from, to]. */
static inline bool nsf_traits_is_near_a_run(struct nsf_u32_view runs, uint64_t from, uint64_t to)
{
    uint32_t run = nsf_traits_run_from(runs, from < NSF_MAIL_NEAR_SECONDS ? 0 : from - NSF_MAIL_NEAR_SECONDS);
    return run < runs.n && runs.items[run] <= to + NSF_MAIL_NEAR_SECONDS;
}

/* Connections that were mail, or may have been: NSF_TRAITS_OF_MAIL tells of no others. */
static inline bool nsf_traits_is_mail(enum nsf_connection_class class_)
{
    return class_ == NSF_CLASS_MESSAGE || class_ == NSF_CLASS_UNKNOWN;
}

/* One to one, and random enough to choose ports by. */
static inline uint32_t nsf_trait_port_rank(uint16_t port)
{
    return port * UINT32_C(40503) & 0xffffu;
}

/* A list that keeps its smallest members, each once. */
struct nsf_u32s {
    uint32_t *items;
    uint32_t n;
    uint32_t capacity;
};
void nsf_u32s_add_smallest(struct nsf_u32s *list, uint32_t value, uint32_t n_max);
void nsf_u32s_release(struct nsf_u32s *list);

#endif

#include "core/nsf_common.h"

#include "evidence/traits_few.h"

_Static_assert(NSF_TRAITS_FEW <= NSF_TRAIT_PORTS_MAX, "all ports are kept");
_Static_assert(NSF_TRAITS_FEW <= NSF_TRAIT_TIMES_MAX && NSF_TRAITS_FEW <= NSF_TRAIT_NEGATIVES_MAX, "and all times");

/* A run has two items. */
#define ROOM (2 * NSF_TRAITS_FEW)

static void make_room(struct nsf_traits **traits, enum nsf_traits_part part)
{
    for (unsigned i = 0; i < (unsigned)part; i++)
        if (*traits == NULL || (*traits)->from[i + 1] - (*traits)->from[i] < ROOM)
            nsf_traits_make_room(traits, (enum nsf_trait_list)i, ROOM);
}

static inline uint32_t *items_of(struct nsf_traits *traits, enum nsf_trait_list list)
{
    return &traits->items[traits->from[list]];
}

static inline void append(struct nsf_traits *traits, enum nsf_trait_list list, uint32_t value)
{
    items_of(traits, list)[traits->n[list]++] = value;
}

/* Once, and no more than n_max. */
static inline void append_new(struct nsf_traits *traits, enum nsf_trait_list list, uint32_t value, uint32_t n_max)
{
    uint32_t n = traits->n[list];
    if (n < n_max && (n == 0 || items_of(traits, list)[n - 1] != value))
        append(traits, list, value);
}

static inline void count_day(struct nsf_traits *traits, enum nsf_trait_list list, uint32_t day)
{
    uint32_t n = traits->n[list], *items = items_of(traits, list);
    if (n > 0 && items[n - 1] >> 16 == day)
        items[n - 1]++;
    else
        append(traits, list, day << 16 | 1);
}

static void count_busy(struct nsf_traits *traits, uint32_t day)
{
    if (traits->n[NSF_TRAIT_BUSY] > NSF_TRAIT_BUSY_DAYS)
        return;
    count_day(traits, NSF_TRAIT_BUSY, day);
    if (traits->n[NSF_TRAIT_BUSY] > NSF_TRAIT_BUSY_DAYS)
        memset(items_of(traits, NSF_TRAIT_BUSY), 0, (NSF_TRAIT_BUSY_DAYS + 1) * sizeof(uint32_t));
}

static inline void add_message(struct nsf_traits *traits, const struct nsf_trait_note *note)
{
    uint32_t n = traits->n[NSF_TRAIT_RUNS], *runs = items_of(traits, NSF_TRAIT_RUNS);
    count_day(traits, NSF_TRAIT_MESSAGE_DAYS, nsf_trait_note_day(note));
    if (n > 0 && note->seconds - runs[n - 1] <= 2 * NSF_MAIL_NEAR_SECONDS) {
        runs[n - 1] = note->seconds;
        return;
    }
    append(traits, NSF_TRAIT_RUNS, note->seconds);
    append(traits, NSF_TRAIT_RUNS, note->seconds);
}

static inline void add_time(struct nsf_traits *traits, const struct nsf_trait_note *note)
{
    uint32_t n = traits->n[NSF_TRAIT_TIMES], mark = NSF_TRAIT_MARK(note->nic, note->class_ == NSF_CLASS_MESSAGE);
    if (n > 0 && items_of(traits, NSF_TRAIT_TIMES)[n - 1] == note->seconds &&
        items_of(traits, NSF_TRAIT_MARKS)[n - 1] == mark)
        return;
    append(traits, NSF_TRAIT_TIMES, note->seconds);
    append(traits, NSF_TRAIT_MARKS, mark);
}

static void add_messages(struct nsf_traits *traits, const struct nsf_trait_note *notes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (notes[i].class_ == NSF_CLASS_MESSAGE)
            add_message(traits, &notes[i]);
}

static void add_mail(struct nsf_traits **traits, const struct nsf_trait_note *notes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        bool is_message = notes[i].class_ == NSF_CLASS_MESSAGE;
        if (is_message && (*traits)->mail_nic != notes[i].nic + 1)
            nsf_traits_add_nic(traits, nsf_trait_note_day(&notes[i]), notes[i].nic);
        if (is_message)
            add_message(*traits, &notes[i]);
        if (is_message || notes[i].class_ == NSF_CLASS_UNKNOWN)
            add_time(*traits, &notes[i]);
    }
}

/* All messages are there. */
static void add_negative(struct nsf_traits *traits, uint32_t seconds)
{
    uint32_t n = traits->n[NSF_TRAIT_NEGATIVES], *items = items_of(traits, NSF_TRAIT_NEGATIVES);
    if (nsf_traits_is_near_a_run(nsf_traits_list(traits, NSF_TRAIT_RUNS), seconds, seconds))
        traits->has_excused = true;
    else if (n < NSF_TRAIT_LONELY_MAX || items[n - NSF_TRAIT_LONELY_MAX] != seconds)
        append(traits, NSF_TRAIT_NEGATIVES, seconds);
}

static void add_others(struct nsf_traits *traits, const struct nsf_trait_note *notes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        switch (notes[i].class_) {
        case NSF_CLASS_UNKNOWN:
            count_busy(traits, nsf_trait_note_day(&notes[i]));
            break;
        case NSF_CLASS_MESSAGE:
            break;
        case NSF_CLASS_GUESSING:
            count_day(traits, NSF_TRAIT_GUESS_DAYS, nsf_trait_note_day(&notes[i]));
            break;
        case NSF_CLASS_AMBIGUOUS:
            append_new(traits, NSF_TRAIT_AMBIGUOUS_DAYS, nsf_trait_note_day(&notes[i]), NSF_TRAIT_FIRST_DAYS_MAX);
            break;
        case NSF_CLASS_DIALOG:
            append_new(traits, NSF_TRAIT_DIALOG_DAYS, nsf_trait_note_day(&notes[i]), NSF_TRAIT_FIRST_DAYS_MAX);
            add_negative(traits, notes[i].seconds);
            break;
        case NSF_CLASS_NO_REPLY:
        case NSF_CLASS_TOUCH:
            add_negative(traits, notes[i].seconds);
            break;
        }
}

/* rank << 16 | day of each connection, ascending. */
static void sort_ports(const struct nsf_trait_note *notes, uint32_t n, uint32_t sorted[NSF_TRAITS_FEW])
{
    for (uint32_t i = 0, at; i < n; i++) {
        uint32_t port = nsf_trait_port_rank(notes[i].src_port) << 16 | nsf_trait_note_day(&notes[i]);
        for (at = i; at > 0 && sorted[at - 1] > port; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = port;
    }
}

/* Of each port two days stay; a third one is all that there is to know. */
static void add_ports(struct nsf_traits *traits, const struct nsf_trait_note *notes, uint32_t n)
{
    uint32_t sorted[NSF_TRAITS_FEW], n_days = 0;
    unsigned port = 0;
    sort_ports(notes, n, sorted);
    for (uint32_t i = 0; i < n; i++) {
        bool is_same = i > 0 && sorted[i] >> 16 == sorted[i - 1] >> 16;
        if (is_same && sorted[i] == sorted[i - 1])
            continue;
        port += i > 0 && !is_same;
        n_days = is_same ? n_days + 1 : 1;
        if (n_days <= 2)
            append(traits, NSF_TRAIT_PORTS, sorted[i]);
        else
            traits->fixed_ports |= (uint16_t)(1u << port);
    }
}

void nsf_traits_of_few(struct nsf_traits **traits, enum nsf_traits_part part, const struct nsf_trait_note *notes,
                       uint32_t n)
{
    make_room(traits, part);
    if (part == NSF_TRAITS_OF_NETWORKS)
        add_messages(*traits, notes, n);
    else
        add_mail(traits, notes, n);
    if (part != NSF_TRAITS_ALL)
        return;
    add_ports(*traits, notes, n);
    add_others(*traits, notes, n);
}

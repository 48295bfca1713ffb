#include "core/nsf_common.h"

#include "evidence/traits.h"

#include "core/clock.h"
#include "core/hash.h"
#include "core/mem.h"

#define COUNT_BITS 3 /* of a negative's count */
#define COUNT_MASK ((UINT32_C(1) << COUNT_BITS) - 1)
/* Times begin at 8 s, so that they fit beside the count. */
#define FIRST_SHIFT COUNT_BITS
#define DAY_COUNT_MAX 0xffffu

uint32_t nsf_trait_seconds(int64_t ts_ms)
{
    int64_t seconds = ts_ms < 0 ? 0 : ts_ms / NSF_MS_PER_SECOND;
    return seconds > (int64_t)UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

uint16_t nsf_trait_day(int64_t ts_ms)
{
    int64_t day = nsf_time_day(ts_ms);
    return day < 0 ? 0 : day > UINT16_MAX ? UINT16_MAX : (uint16_t)day;
}

/* ---- short sorted lists ---- */

void nsf_u32s_release(struct nsf_u32s *list)
{
    nsf_free(list->items);
    *list = (struct nsf_u32s){0};
}

/* Index of the first item that is not below `value`; new values are nearly always the largest. */
static uint32_t lower_bound(const struct nsf_u32s *list, uint32_t value)
{
    uint32_t at = list->n;
    while (at > 0 && list->items[at - 1] >= value)
        at--;
    return at;
}

static void insert_at(struct nsf_u32s *list, uint32_t at, uint32_t value)
{
    if (list->n == list->capacity) {
        list->capacity = list->capacity == 0 ? 2 : list->capacity * 2;
        list->items = nsf_realloc_array(list->items, list->capacity, sizeof(*list->items));
    }
    memmove(&list->items[at + 1], &list->items[at], (list->n - at) * sizeof(*list->items));
    list->items[at] = value;
    list->n++;
}

static void remove_at(struct nsf_u32s *list, uint32_t at, uint32_t n)
{
    memmove(&list->items[at], &list->items[at + n], (list->n - at - n) * sizeof(*list->items));
    list->n -= n;
}

void nsf_u32s_add_smallest(struct nsf_u32s *list, uint32_t value, uint32_t n_max)
{
    if (list->n >= n_max && value >= list->items[list->n - 1])
        return;
    uint32_t at = lower_bound(list, value);
    if (at < list->n && list->items[at] == value)
        return;
    insert_at(list, at, value);
    if (list->n > n_max)
        list->n = n_max;
}

/* ---- runs of messages ---- */

static bool are_near(uint32_t early, uint32_t late)
{
    return late <= early || late - early <= 2 * NSF_MAIL_NEAR_SECONDS;
}

static void add_run(struct nsf_u32s *runs, uint32_t from, uint32_t to)
{
    uint32_t at = runs->n, end;
    while (at > 0 && are_near(runs->items[at - 1], from))
        at -= 2;
    for (end = at; end < runs->n && are_near(to, runs->items[end]);)
        end += 2;
    if (at == end) {
        insert_at(runs, at, to);
        insert_at(runs, at, from);
        return;
    }
    uint32_t last = runs->items[end - 1];
    if (runs->items[at] > from)
        runs->items[at] = from;
    runs->items[at + 1] = last > to ? last : to;
    remove_at(runs, at + 2, end - at - 2);
}

void nsf_runs_merge(struct nsf_u32s *to, const struct nsf_u32s *from)
{
    for (uint32_t i = 0; i < from->n; i += 2)
        add_run(to, from->items[i], from->items[i + 1]);
}

/* ---- days with a count ---- */

static void add_day(struct nsf_u32s *days, uint32_t day, uint32_t count)
{
    uint32_t at = lower_bound(days, day << 16);
    if (at < days->n && days->items[at] >> 16 == day) {
        uint32_t sum = (days->items[at] & DAY_COUNT_MAX) + count;
        days->items[at] = day << 16 | (sum > DAY_COUNT_MAX ? DAY_COUNT_MAX : sum);
        return;
    }
    insert_at(days, at, day << 16 | count);
}

void nsf_days_merge(struct nsf_u32s *to, const struct nsf_u32s *from)
{
    for (uint32_t i = 0; i < from->n; i++)
        add_day(to, from->items[i] >> 16, from->items[i] & DAY_COUNT_MAX);
}

/* ---- connections without mail ---- */

static void add_negative_slot(struct nsf_u32s *list, uint32_t slot, uint32_t count)
{
    uint32_t at = lower_bound(list, slot << COUNT_BITS);
    if (at < list->n && list->items[at] >> COUNT_BITS == slot) {
        uint32_t sum = (list->items[at] & COUNT_MASK) + count;
        list->items[at] = slot << COUNT_BITS | (sum > NSF_TRAIT_LONELY_MAX ? NSF_TRAIT_LONELY_MAX : sum);
        return;
    }
    insert_at(list, at, slot << COUNT_BITS | count);
}

static void coarsen(struct nsf_trait_row *row, uint8_t shift)
{
    struct nsf_u32s finer = row->negatives;
    unsigned by = (unsigned)(shift - row->shift);
    row->negatives = (struct nsf_u32s){0};
    row->shift = shift;
    for (uint32_t i = 0; i < finer.n; i++)
        add_negative_slot(&row->negatives, finer.items[i] >> COUNT_BITS >> by, finer.items[i] & COUNT_MASK);
    nsf_u32s_release(&finer);
}

/* The times become as coarse as the number of them asks for; that number only grows, so the order does not matter. */
static void add_negative(struct nsf_trait_row *row, uint32_t slot, uint32_t count)
{
    add_negative_slot(&row->negatives, slot, count);
    while (row->negatives.n > NSF_TRAIT_NEGATIVES_MAX)
        coarsen(row, (uint8_t)(row->shift + 1));
}

uint32_t nsf_trait_lonely(const struct nsf_trait_row *row, const struct nsf_u32s *runs, bool *has_excused)
{
    uint32_t lonely = 0;
    for (uint32_t i = 0; i < row->negatives.n; i++) {
        uint64_t from = (uint64_t)(row->negatives.items[i] >> COUNT_BITS) << row->shift;
        uint64_t to = from + (UINT64_C(1) << row->shift) - 1;
        bool is_near = false;
        for (uint32_t r = 0; r < runs->n && !is_near; r += 2)
            is_near = from <= (uint64_t)runs->items[r + 1] + NSF_MAIL_NEAR_SECONDS &&
                      to + NSF_MAIL_NEAR_SECONDS >= runs->items[r];
        if (is_near)
            *has_excused = true;
        else
            lonely += row->negatives.items[i] & COUNT_MASK;
    }
    return lonely < NSF_TRAIT_LONELY_MAX ? lonely : NSF_TRAIT_LONELY_MAX;
}

/* ---- source ports ---- */

static uint64_t port_rank(uint16_t port)
{
    return nsf_hash_mix(port, UINT64_C(0x9e3779b97f4a7c15));
}

static void add_port_day(struct nsf_port_days *entry, uint16_t day)
{
    for (unsigned i = 0; i < 2 && i < entry->n_days; i++)
        if (entry->day[i] == day)
            return;
    if (entry->n_days < 2)
        entry->day[entry->n_days] = day;
    if (entry->n_days < 3)
        entry->n_days++;
}

/* The entry of the port, made if it ranks among those that are kept; NULL: it does not. */
static struct nsf_port_days *port_entry(struct nsf_trait_row *row, uint16_t port)
{
    struct nsf_port_days *worst = NULL;
    for (unsigned i = 0; i < row->n_ports; i++) {
        if (row->ports[i].port == port)
            return &row->ports[i];
        if (worst == NULL || port_rank(row->ports[i].port) > port_rank(worst->port))
            worst = &row->ports[i];
    }
    if (row->n_ports < NSF_TRAIT_PORTS_MAX)
        worst = &row->ports[row->n_ports++];
    else if (port_rank(port) > port_rank(worst->port))
        return NULL;
    *worst = (struct nsf_port_days){.port = port};
    return worst;
}

static void merge_port(struct nsf_trait_row *row, const struct nsf_port_days *from)
{
    struct nsf_port_days *entry = port_entry(row, from->port);
    if (entry == NULL)
        return;
    for (unsigned i = 0; i < 2 && i < from->n_days; i++)
        add_port_day(entry, from->day[i]);
    if (from->n_days > 2)
        entry->n_days = 3;
}

bool nsf_trait_has_fixed_port(const struct nsf_trait_row *row)
{
    for (unsigned i = 0; i < row->n_ports; i++)
        if (row->ports[i].n_days >= 3)
            return true;
    return false;
}

/* ---- days ---- */

static void add_smallest_day(uint16_t days[3], uint8_t *n, uint16_t day)
{
    unsigned at = 0;
    while (at < *n && days[at] < day)
        at++;
    if (at == 3 || (at < *n && days[at] == day))
        return;
    unsigned last = *n < 3 ? *n : 2;
    for (unsigned i = last; i > at; i--)
        days[i] = days[i - 1];
    days[at] = day;
    *n = (uint8_t)(last + 1);
}

static void add_busy_day(struct nsf_trait_row *row, uint16_t day, uint32_t connections)
{
    if (row->n_busy > NSF_TRAIT_BUSY_DAYS)
        return;
    for (unsigned i = 0; i < row->n_busy; i++) {
        struct nsf_busy_day *busy = &row->busy[i];
        if (busy->day == day) {
            uint32_t sum = busy->connections + connections;
            busy->connections = (uint16_t)(sum > UINT16_MAX ? UINT16_MAX : sum);
            return;
        }
    }
    if (row->n_busy < NSF_TRAIT_BUSY_DAYS)
        row->busy[row->n_busy] = (struct nsf_busy_day){day, (uint16_t)connections};
    row->n_busy++;
}

uint32_t nsf_trait_busiest_day(const struct nsf_trait_row *row)
{
    uint32_t most = 0;
    for (unsigned i = 0; i < row->n_busy && row->n_busy <= NSF_TRAIT_BUSY_DAYS; i++)
        most = row->busy[i].connections > most ? row->busy[i].connections : most;
    return most;
}

uint32_t nsf_trait_worst_guessing(const struct nsf_trait_row *row)
{
    uint32_t most = 0;
    for (uint32_t i = 0; row->mail != NULL && i < row->mail->guess_days.n; i++) {
        uint32_t count = row->mail->guess_days.items[i] & DAY_COUNT_MAX;
        most = count > most ? count : most;
    }
    return most;
}

/* ---- rows ---- */

void nsf_trait_row_init(struct nsf_trait_row *row)
{
    *row = (struct nsf_trait_row){.shift = FIRST_SHIFT};
}

void nsf_trait_row_release(struct nsf_trait_row *row)
{
    nsf_u32s_release(&row->negatives);
    if (row->mail != NULL) {
        nsf_u32s_release(&row->mail->runs);
        nsf_u32s_release(&row->mail->message_days);
        nsf_u32s_release(&row->mail->guess_days);
        nsf_u32s_release(&row->mail->times);
        nsf_free(row->mail);
    }
    nsf_trait_row_init(row);
}

static struct nsf_mail_traits *mail_of(struct nsf_trait_row *row)
{
    if (row->mail == NULL)
        row->mail = nsf_calloc(1, sizeof(*row->mail));
    return row->mail;
}

void nsf_trait_row_add(struct nsf_trait_row *row, enum nsf_connection_class class_, int64_t ts_ms, uint16_t src_port)
{
    uint16_t day = nsf_trait_day(ts_ms);
    uint32_t seconds = nsf_trait_seconds(ts_ms);
    struct nsf_port_days *entry = port_entry(row, src_port);
    if (entry != NULL)
        add_port_day(entry, day);
    add_busy_day(row, day, 1);
    switch (class_) {
    case NSF_CLASS_UNKNOWN:
        nsf_u32s_add_smallest(&mail_of(row)->times, seconds, NSF_TRAIT_TIMES_MAX);
        break;
    case NSF_CLASS_MESSAGE:
        add_run(&mail_of(row)->runs, seconds, seconds);
        add_day(&mail_of(row)->message_days, day, 1);
        nsf_u32s_add_smallest(&mail_of(row)->times, seconds, NSF_TRAIT_TIMES_MAX);
        break;
    case NSF_CLASS_GUESSING:
        add_day(&mail_of(row)->guess_days, day, 1);
        break;
    case NSF_CLASS_AMBIGUOUS:
        add_smallest_day(row->ambiguous_days, &row->n_ambiguous_days, day);
        break;
    case NSF_CLASS_DIALOG:
        add_smallest_day(row->dialog_days, &row->n_dialog_days, day);
        add_negative(row, seconds >> row->shift, 1);
        break;
    case NSF_CLASS_NO_REPLY:
    case NSF_CLASS_TOUCH:
        add_negative(row, seconds >> row->shift, 1);
        break;
    }
}

static void merge_mail(struct nsf_trait_row *row, const struct nsf_mail_traits *from)
{
    struct nsf_mail_traits *mail = mail_of(row);
    nsf_runs_merge(&mail->runs, &from->runs);
    nsf_days_merge(&mail->message_days, &from->message_days);
    nsf_days_merge(&mail->guess_days, &from->guess_days);
    for (uint32_t i = 0; i < from->times.n; i++)
        nsf_u32s_add_smallest(&mail->times, from->times.items[i], NSF_TRAIT_TIMES_MAX);
}

void nsf_trait_row_merge(struct nsf_trait_row *row, const struct nsf_trait_row *from)
{
    for (unsigned i = 0; i < from->n_ports; i++)
        merge_port(row, &from->ports[i]);
    if (from->n_busy > NSF_TRAIT_BUSY_DAYS)
        row->n_busy = NSF_TRAIT_BUSY_DAYS + 1;
    for (unsigned i = 0; i < from->n_busy && i < NSF_TRAIT_BUSY_DAYS; i++)
        add_busy_day(row, from->busy[i].day, from->busy[i].connections);
    for (unsigned i = 0; i < from->n_ambiguous_days; i++)
        add_smallest_day(row->ambiguous_days, &row->n_ambiguous_days, from->ambiguous_days[i]);
    for (unsigned i = 0; i < from->n_dialog_days; i++)
        add_smallest_day(row->dialog_days, &row->n_dialog_days, from->dialog_days[i]);
    if (from->shift > row->shift)
        coarsen(row, from->shift);
    for (uint32_t i = 0; i < from->negatives.n; i++) {
        uint32_t item = from->negatives.items[i];
        /* row->shift can grow on the way */
        add_negative(row, item >> COUNT_BITS >> (row->shift - from->shift), item & COUNT_MASK);
    }
    if (from->mail != NULL)
        merge_mail(row, from->mail);
}

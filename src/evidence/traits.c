#include "core/nsf_common.h"

#include "evidence/traits.h"

#include "core/clock.h"
#include "core/mem.h"

#define DAY_COUNT_MAX 0xffffu
/* Only stamps over centuries make lists this long. */
#define LIST_MAX 60000u

uint32_t nsf_trait_seconds(int64_t ts_ms)
{
    int64_t seconds = ts_ms < 0 ? 0 : ts_ms / NSF_MS_PER_SECOND;
    return seconds > (int64_t)UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

/* ---- the block ---- */

static size_t block_bytes(uint32_t n_items)
{
    return offsetof(struct nsf_traits, items) + n_items * sizeof(uint32_t);
}

static void make_block(struct nsf_traits **traits)
{
    if (*traits == NULL)
        *traits = nsf_calloc(1, block_bytes(0));
}

static struct nsf_traits *copy_of(const struct nsf_traits *from)
{
    size_t n_bytes = block_bytes(from->from[NSF_TRAIT_LISTS]);
    struct nsf_traits *block = nsf_malloc(n_bytes);
    memcpy(block, from, n_bytes);
    return block;
}

void nsf_traits_make_room(struct nsf_traits **traits, enum nsf_trait_list list, uint32_t n_items)
{
    make_block(traits);
    struct nsf_traits *block = *traits;
    uint32_t room = block->from[list + 1] - block->from[list], all = block->from[NSF_TRAIT_LISTS];
    if (room >= n_items)
        return;
    uint32_t more = n_items - room > room ? n_items - room : room;
    *traits = block = nsf_realloc(block, block_bytes(all + more));
    uint32_t *behind = &block->items[block->from[list + 1]];
    memmove(behind + more, behind, (all - block->from[list + 1]) * sizeof(*behind));
    for (unsigned i = (unsigned)list + 1; i <= NSF_TRAIT_LISTS; i++)
        block->from[i] += more;
}

void nsf_traits_reset(struct nsf_traits *traits)
{
    if (traits == NULL)
        return;
    memset(traits->n, 0, sizeof(traits->n));
    traits->fixed_ports = 0;
    traits->mail_nic = 0;
    traits->shift = 0;
    traits->has_excused = false;
}

static uint32_t *items_of(struct nsf_traits *traits, enum nsf_trait_list list)
{
    return &traits->items[traits->from[list]];
}

static void insert_among(struct nsf_traits **traits, enum nsf_trait_list list, uint32_t at, uint32_t value)
{
    uint32_t n = *traits == NULL ? 0 : (*traits)->n[list];
    if (n >= LIST_MAX)
        return;
    if (*traits == NULL || (*traits)->from[list + 1] - (*traits)->from[list] == n)
        nsf_traits_make_room(traits, list, n + 1);
    uint32_t *items = items_of(*traits, list);
    for (uint32_t i = n; i > at; i--)
        items[i] = items[i - 1];
    items[at] = value;
    (*traits)->n[list]++;
}

/* Nearly all comes in order, and a block is used for one source after the other: there is room at the end. */
static inline void insert_at(struct nsf_traits **traits, enum nsf_trait_list list, uint32_t at, uint32_t value)
{
    struct nsf_traits *block = *traits;
    if (block == NULL || at != block->n[list] || at >= block->from[list + 1] - block->from[list] || at >= LIST_MAX) {
        insert_among(traits, list, at, value);
        return;
    }
    block->items[block->from[list] + at] = value;
    block->n[list]++;
}

static void remove_at(struct nsf_traits *traits, enum nsf_trait_list list, uint32_t at, uint32_t n)
{
    uint32_t *items = items_of(traits, list), n_left = traits->n[list] - n;
    memmove(&items[at], &items[at + n], (n_left - at) * sizeof(*items));
    traits->n[list] = (uint16_t)n_left;
}

/* Index of the first item that is not below `value`; new values are nearly always the largest. */
static uint32_t lower_bound(struct nsf_u32_view list, uint32_t value)
{
    uint32_t from = 0, to = list.n;
    if (to == 0 || list.items[to - 1] < value)
        return to;
    while (from < to) {
        uint32_t half = from + (to - from) / 2;
        if (list.items[half] < value)
            from = half + 1;
        else
            to = half;
    }
    return from;
}

static void add_smallest(struct nsf_traits **traits, enum nsf_trait_list list, uint32_t value, uint32_t n_max)
{
    struct nsf_u32_view view = nsf_traits_list(*traits, list);
    uint32_t at = lower_bound(view, value);
    if (at >= n_max || (at < view.n && view.items[at] == value))
        return;
    insert_at(traits, list, at, value);
    if ((*traits)->n[list] > n_max)
        remove_at(*traits, list, n_max, 1);
}

/* ---- runs of messages ---- */

static bool are_near(uint32_t early, uint32_t late)
{
    return late <= early || late - early <= 2 * NSF_MAIL_NEAR_SECONDS;
}

/* Returns the place of the run that has grown or is new; those that it has reached are joined with it. */
static uint32_t add_run(struct nsf_traits **traits, uint32_t from, uint32_t to)
{
    struct nsf_u32_view runs = nsf_traits_list(*traits, NSF_TRAIT_RUNS);
    uint32_t near = 2 * NSF_MAIL_NEAR_SECONDS, at = nsf_traits_run_from(runs, from < near ? 0 : from - near), end;
    for (end = at; end < runs.n && are_near(to, runs.items[end]);)
        end += 2;
    if (at == end) {
        if (runs.n + 2 > LIST_MAX)
            return runs.n;
        insert_at(traits, NSF_TRAIT_RUNS, at, to);
        insert_at(traits, NSF_TRAIT_RUNS, at, from);
        return at;
    }
    uint32_t *items = items_of(*traits, NSF_TRAIT_RUNS), last = items[end - 1];
    if (items[at] > from)
        items[at] = from;
    items[at + 1] = last > to ? last : to;
    if (end > at + 2)
        remove_at(*traits, NSF_TRAIT_RUNS, at + 2, end - at - 2);
    return at;
}

static uint64_t slot_end(const struct nsf_traits *traits, uint32_t slot)
{
    return slot + (UINT64_C(1) << traits->shift) - 1;
}

/* What a run of the source's own explains stays explained, since runs only grow: that there was any is all to know.
 * What the other runs explain is not listed. */
static void excuse_negatives(struct nsf_traits *traits, uint32_t run)
{
    struct nsf_u32_view runs = nsf_traits_list(traits, NSF_TRAIT_RUNS);
    struct nsf_u32_view list = nsf_traits_list(traits, NSF_TRAIT_NEGATIVES);
    if (run >= runs.n)
        return;
    uint64_t before = slot_end(traits, 0) + NSF_MAIL_NEAR_SECONDS;
    uint64_t until = (uint64_t)runs.items[run + 1] + NSF_MAIL_NEAR_SECONDS;
    uint32_t from = lower_bound(list, runs.items[run] < before ? 0 : (uint32_t)(runs.items[run] - before)), to = from;
    while (to < list.n && list.items[to] <= until)
        to++;
    if (from == to)
        return;
    remove_at(traits, NSF_TRAIT_NEGATIVES, from, to - from);
    traits->has_excused = true;
}

static void add_messages(struct nsf_traits **traits, uint32_t from, uint32_t to)
{
    uint32_t run = add_run(traits, from, to);
    if ((*traits)->n[NSF_TRAIT_NEGATIVES] > 0)
        excuse_negatives(*traits, run);
}

/* ---- days with a count ---- */

static void add_day(struct nsf_traits **traits, enum nsf_trait_list list, uint32_t day, uint32_t count)
{
    struct nsf_u32_view days = nsf_traits_list(*traits, list);
    uint32_t at = lower_bound(days, day << 16);
    if (at < days.n && days.items[at] >> 16 == day) {
        uint32_t sum = (days.items[at] & DAY_COUNT_MAX) + count;
        items_of(*traits, list)[at] = day << 16 | (sum > DAY_COUNT_MAX ? DAY_COUNT_MAX : sum);
        return;
    }
    insert_at(traits, list, at, day << 16 | count);
}

/* More days than are kept: which ones no longer matters, so only the number stays. */
static void add_busy(struct nsf_traits **traits, uint32_t day, uint32_t count)
{
    if (*traits != NULL && (*traits)->n[NSF_TRAIT_BUSY] > NSF_TRAIT_BUSY_DAYS)
        return;
    add_day(traits, NSF_TRAIT_BUSY, day, count);
    if ((*traits)->n[NSF_TRAIT_BUSY] > NSF_TRAIT_BUSY_DAYS)
        memset(items_of(*traits, NSF_TRAIT_BUSY), 0, (NSF_TRAIT_BUSY_DAYS + 1) * sizeof(uint32_t));
}

void nsf_traits_merge_list(struct nsf_traits **traits, enum nsf_trait_list list, struct nsf_u32_view from)
{
    if (list == NSF_TRAIT_RUNS)
        for (uint32_t i = 0; i + 1 < from.n; i += 2)
            add_messages(traits, from.items[i], from.items[i + 1]);
    else
        for (uint32_t i = 0; i < from.n; i++)
            add_day(traits, list, from.items[i] >> 16, from.items[i] & DAY_COUNT_MAX);
}

static uint32_t most_on_a_day(struct nsf_u32_view days)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < days.n; i++)
        most = (days.items[i] & DAY_COUNT_MAX) > most ? days.items[i] & DAY_COUNT_MAX : most;
    return most;
}

uint32_t nsf_traits_busiest_day(const struct nsf_traits *traits)
{
    struct nsf_u32_view busy = nsf_traits_list(traits, NSF_TRAIT_BUSY);
    return busy.n > NSF_TRAIT_BUSY_DAYS ? 0 : most_on_a_day(busy);
}

uint32_t nsf_traits_worst_guessing(const struct nsf_traits *traits)
{
    return most_on_a_day(nsf_traits_list(traits, NSF_TRAIT_GUESS_DAYS));
}

/* ---- connections without mail ---- */

/* A time stands there as often as connections came in it, but no more often than counts. */
static void add_negative_slot(struct nsf_traits **traits, uint32_t slot)
{
    struct nsf_u32_view list = nsf_traits_list(*traits, NSF_TRAIT_NEGATIVES);
    if (*traits != NULL &&
        nsf_traits_is_near_a_run(nsf_traits_list(*traits, NSF_TRAIT_RUNS), slot, slot_end(*traits, slot))) {
        (*traits)->has_excused = true;
        return;
    }
    uint32_t at = lower_bound(list, slot), n = 0;
    while (at + n < list.n && list.items[at + n] == slot)
        n++;
    if (n < NSF_TRAIT_LONELY_MAX)
        insert_at(traits, NSF_TRAIT_NEGATIVES, at, slot);
}

static uint32_t slot_of(uint32_t seconds, unsigned shift)
{
    return seconds >> shift << shift;
}

static void coarsen(struct nsf_traits **traits, unsigned shift)
{
    uint32_t finer[NSF_TRAIT_NEGATIVES_MAX + 1];
    make_block(traits);
    struct nsf_u32_view list = nsf_traits_list(*traits, NSF_TRAIT_NEGATIVES);
    uint32_t n = list.n;
    if (n > 0)
        memcpy(finer, list.items, n * sizeof(*finer));
    remove_at(*traits, NSF_TRAIT_NEGATIVES, 0, n);
    (*traits)->shift = (uint8_t)shift;
    for (uint32_t i = 0; i < n; i++)
        add_negative_slot(traits, slot_of(finer[i], shift));
}

/* The times become as coarse as the number of them asks for; that number only grows, so the order does not matter. */
static void add_negative(struct nsf_traits **traits, uint32_t seconds)
{
    add_negative_slot(traits, slot_of(seconds, *traits == NULL ? 0 : (*traits)->shift));
    while ((*traits)->n[NSF_TRAIT_NEGATIVES] > NSF_TRAIT_NEGATIVES_MAX)
        coarsen(traits, (*traits)->shift + 1u);
}

static void merge_negatives(struct nsf_traits **traits, const struct nsf_traits *from)
{
    struct nsf_u32_view list = nsf_traits_list(from, NSF_TRAIT_NEGATIVES);
    if (from->shift > (*traits)->shift)
        coarsen(traits, from->shift);
    for (uint32_t i = 0; i < list.n; i++) /* the shift can grow on the way */
        add_negative(traits, list.items[i]);
}

uint32_t nsf_traits_lonely(const struct nsf_traits *traits, struct nsf_u32_view runs, bool *has_excused)
{
    struct nsf_u32_view list = nsf_traits_list(traits, NSF_TRAIT_NEGATIVES);
    uint32_t lonely = 0;
    *has_excused |= traits != NULL && traits->has_excused;
    for (uint32_t i = 0; i < list.n; i++) {
        if (nsf_traits_is_near_a_run(runs, list.items[i], slot_end(traits, list.items[i])))
            *has_excused = true;
        else
            lonely++;
    }
    return lonely < NSF_TRAIT_LONELY_MAX ? lonely : NSF_TRAIT_LONELY_MAX;
}

/* ---- source ports ---- */

/* The kept ranks, ascending: how many, where each begins and how many days it has. */
struct ports {
    unsigned n;
    uint32_t rank[NSF_TRAIT_PORTS_MAX];
    uint32_t at[NSF_TRAIT_PORTS_MAX];
    uint32_t days[NSF_TRAIT_PORTS_MAX];
};

static void read_ports(const struct nsf_traits *traits, struct ports *ports)
{
    struct nsf_u32_view list = nsf_traits_list(traits, NSF_TRAIT_PORTS);
    ports->n = 0;
    for (uint32_t i = 0; i < list.n; i++) {
        if (ports->n == 0 || ports->rank[ports->n - 1] != list.items[i] >> 16) {
            ports->rank[ports->n] = list.items[i] >> 16;
            ports->at[ports->n] = i;
            ports->days[ports->n++] = 0;
        }
        ports->days[ports->n - 1]++;
    }
}

static unsigned index_of_rank(const struct ports *ports, uint32_t rank)
{
    unsigned idx = 0;
    while (idx < ports->n && ports->rank[idx] < rank)
        idx++;
    return idx;
}

static unsigned count_ports(const uint32_t *items, uint32_t n)
{
    unsigned n_ports = n > 0;
    for (uint32_t i = 1; i < n; i++)
        n_ports += items[i] >> 16 != items[i - 1] >> 16;
    return n_ports;
}

/* Makes room before item `at` for a new one among those that are kept: the largest goes. False: it would be the new
 * one. */
static bool admit_port(struct nsf_traits *traits, uint32_t at)
{
    struct nsf_u32_view list = nsf_traits_list(traits, NSF_TRAIT_PORTS);
    if (list.n >= NSF_TRAIT_PORTS_MAX && count_ports(list.items, list.n) == NSF_TRAIT_PORTS_MAX) {
        uint32_t last = list.n - 1;
        if (at == list.n)
            return false;
        while (list.items[last - 1] >> 16 == list.items[last] >> 16)
            last--;
        remove_at(traits, NSF_TRAIT_PORTS, last, list.n - last);
    }
    unsigned fixed = traits->fixed_ports, below = (1u << count_ports(list.items, at)) - 1;
    traits->fixed_ports = (uint16_t)((fixed & below) | (fixed & ~below) << 1);
    return true;
}

static void add_port(struct nsf_traits **traits, uint32_t rank, uint32_t day)
{
    make_block(traits);
    struct nsf_u32_view list = nsf_traits_list(*traits, NSF_TRAIT_PORTS);
    uint32_t at = lower_bound(list, rank << 16 | day), from = at, to = at;
    if (at < list.n && list.items[at] == (rank << 16 | day))
        return;
    while (from > 0 && list.items[from - 1] >> 16 == rank)
        from--;
    while (to < list.n && list.items[to] >> 16 == rank)
        to++;
    if (from == to && !admit_port(*traits, at))
        return;
    insert_at(traits, NSF_TRAIT_PORTS, at, rank << 16 | day);
    if (to - from < 2)
        return;
    remove_at(*traits, NSF_TRAIT_PORTS, from + 2, 1); /* the largest of three days */
    (*traits)->fixed_ports |= (uint16_t)(1u << count_ports(items_of(*traits, NSF_TRAIT_PORTS), from));
}

static void merge_ports(struct nsf_traits **traits, const struct nsf_traits *from)
{
    struct ports theirs, ours;
    struct nsf_u32_view list = nsf_traits_list(from, NSF_TRAIT_PORTS);
    for (uint32_t i = 0; i < list.n; i++)
        add_port(traits, list.items[i] >> 16, list.items[i] & 0xffff);
    read_ports(from, &theirs);
    read_ports(*traits, &ours);
    for (unsigned i = 0; i < theirs.n; i++) {
        unsigned idx = index_of_rank(&ours, theirs.rank[i]);
        if ((from->fixed_ports >> i & 1) != 0 && idx < ours.n && ours.rank[idx] == theirs.rank[i])
            (*traits)->fixed_ports |= (uint16_t)(1u << idx);
    }
}

bool nsf_traits_has_fixed_port(const struct nsf_traits *traits)
{
    return traits != NULL && traits->fixed_ports != 0;
}

/* ---- when mail came, and to which NIC ---- */

static uint32_t count_distinct(struct nsf_u32_view list)
{
    uint32_t n = list.n > 0;
    for (uint32_t i = 1; i < list.n; i++)
        n += list.items[i] != list.items[i - 1];
    return n;
}

bool nsf_traits_lack_times(const struct nsf_traits *traits)
{
    struct nsf_u32_view times = nsf_traits_list(traits, NSF_TRAIT_TIMES);
    return times.n >= NSF_TRAIT_MARKS_MAX ||
           (times.n >= NSF_TRAIT_TIMES_MAX && count_distinct(times) >= NSF_TRAIT_TIMES_MAX);
}

/* After one was added. */
static void drop_late_times(struct nsf_traits *traits)
{
    struct nsf_u32_view times = nsf_traits_list(traits, NSF_TRAIT_TIMES);
    uint32_t from = times.n;
    if (times.n > NSF_TRAIT_TIMES_MAX && count_distinct(times) > NSF_TRAIT_TIMES_MAX)
        from = lower_bound(times, times.items[times.n - 1]);
    else if (times.n > NSF_TRAIT_MARKS_MAX)
        from--;
    remove_at(traits, NSF_TRAIT_TIMES, from, times.n - from);
    remove_at(traits, NSF_TRAIT_MARKS, from, times.n - from);
}

static void add_time(struct nsf_traits **traits, uint32_t second, uint32_t mark)
{
    struct nsf_u32_view times = nsf_traits_list(*traits, NSF_TRAIT_TIMES);
    struct nsf_u32_view marks = nsf_traits_list(*traits, NSF_TRAIT_MARKS);
    uint32_t at = lower_bound(times, second);
    if (at == times.n && nsf_traits_lack_times(*traits))
        return; /* as most are who come often */
    while (at < times.n && times.items[at] == second && marks.items[at] < mark)
        at++;
    if (at < times.n && times.items[at] == second && marks.items[at] == mark)
        return;
    insert_at(traits, NSF_TRAIT_TIMES, at, second);
    insert_at(traits, NSF_TRAIT_MARKS, at, mark);
    drop_late_times(*traits);
}

/* From one NIC to a list of them. */
static void spell_out_nic(struct nsf_traits **traits)
{
    uint32_t nic = (*traits)->mail_nic - 1u, n = (*traits)->n[NSF_TRAIT_MESSAGE_DAYS];
    nsf_traits_make_room(traits, NSF_TRAIT_NIC_DAYS, n + 1);
    const uint32_t *days = items_of(*traits, NSF_TRAIT_MESSAGE_DAYS);
    uint32_t *nic_days = items_of(*traits, NSF_TRAIT_NIC_DAYS);
    for (uint32_t i = 0; i < n; i++)
        nic_days[i] = (days[i] & ~DAY_COUNT_MAX) | nic;
    (*traits)->n[NSF_TRAIT_NIC_DAYS] = (uint16_t)n;
    (*traits)->mail_nic = NSF_TRAIT_NIC_MANY;
}

void nsf_traits_add_nic(struct nsf_traits **traits, uint32_t day, uint16_t nic)
{
    if ((*traits)->mail_nic == 0)
        (*traits)->mail_nic = (uint16_t)(nic + 1);
    if ((*traits)->mail_nic == nic + 1)
        return;
    if ((*traits)->mail_nic != NSF_TRAIT_NIC_MANY)
        spell_out_nic(traits);
    add_smallest(traits, NSF_TRAIT_NIC_DAYS, day << 16 | nic, LIST_MAX);
}

/* Before the days themselves are merged. */
static void merge_nics(struct nsf_traits **traits, const struct nsf_traits *from)
{
    bool is_many = from->mail_nic == NSF_TRAIT_NIC_MANY;
    struct nsf_u32_view days = nsf_traits_list(from, is_many ? NSF_TRAIT_NIC_DAYS : NSF_TRAIT_MESSAGE_DAYS);
    if (from->mail_nic == 0 || (!is_many && from->mail_nic == (*traits)->mail_nic))
        return;
    if (!is_many && (*traits)->mail_nic == 0) {
        (*traits)->mail_nic = from->mail_nic;
        return;
    }
    if ((*traits)->mail_nic == 0)
        (*traits)->mail_nic = NSF_TRAIT_NIC_MANY;
    if ((*traits)->mail_nic != NSF_TRAIT_NIC_MANY)
        spell_out_nic(traits);
    for (uint32_t i = 0; i < days.n; i++) {
        uint32_t nic = is_many ? days.items[i] & DAY_COUNT_MAX : from->mail_nic - 1u;
        add_smallest(traits, NSF_TRAIT_NIC_DAYS, (days.items[i] & ~DAY_COUNT_MAX) | nic, LIST_MAX);
    }
}

static void merge_times(struct nsf_traits **traits, const struct nsf_traits *from)
{
    struct nsf_u32_view times = nsf_traits_list(from, NSF_TRAIT_TIMES), marks = nsf_traits_list(from, NSF_TRAIT_MARKS);
    for (uint32_t i = 0; i < times.n; i++)
        add_time(traits, times.items[i], marks.items[i]);
}

/* ---- connections ---- */

static void add_mail(struct nsf_traits **traits, enum nsf_traits_part part, const struct nsf_trait_note *note)
{
    uint32_t day = nsf_trait_note_day(note);
    bool is_message = note->class_ == NSF_CLASS_MESSAGE;
    make_block(traits);
    if (is_message) {
        add_messages(traits, note->seconds, note->seconds);
        if (part > NSF_TRAITS_OF_NETWORKS)
            nsf_traits_add_nic(traits, day, note->nic);
        add_day(traits, NSF_TRAIT_MESSAGE_DAYS, day, 1);
    }
    if (part > NSF_TRAITS_OF_NETWORKS && (is_message || note->class_ == NSF_CLASS_UNKNOWN))
        add_time(traits, note->seconds, NSF_TRAIT_MARK(note->nic, is_message));
}

void nsf_traits_add(struct nsf_traits **traits, const struct nsf_trait_note *note)
{
    uint32_t day = nsf_trait_note_day(note);
    add_mail(traits, NSF_TRAITS_ALL, note);
    add_port(traits, nsf_trait_port_rank(note->src_port), day);
    switch (note->class_) {
    case NSF_CLASS_UNKNOWN:
        add_busy(traits, day, 1);
        break;
    case NSF_CLASS_MESSAGE:
        break;
    case NSF_CLASS_GUESSING:
        add_day(traits, NSF_TRAIT_GUESS_DAYS, day, 1);
        break;
    case NSF_CLASS_AMBIGUOUS:
        add_smallest(traits, NSF_TRAIT_AMBIGUOUS_DAYS, day, NSF_TRAIT_FIRST_DAYS_MAX);
        break;
    case NSF_CLASS_DIALOG:
        add_smallest(traits, NSF_TRAIT_DIALOG_DAYS, day, NSF_TRAIT_FIRST_DAYS_MAX);
        add_negative(traits, note->seconds);
        break;
    case NSF_CLASS_NO_REPLY:
    case NSF_CLASS_TOUCH:
        add_negative(traits, note->seconds);
        break;
    }
}

void nsf_traits_add_part(struct nsf_traits **traits, enum nsf_traits_part part, const struct nsf_trait_note *note)
{
    if (part == NSF_TRAITS_ALL)
        nsf_traits_add(traits, note);
    else
        add_mail(traits, part, note);
}

static void merge_smallest(struct nsf_traits **traits, const struct nsf_traits *from, enum nsf_trait_list list,
                           uint32_t n_max)
{
    struct nsf_u32_view view = nsf_traits_list(from, list);
    for (uint32_t i = 0; i < view.n; i++)
        add_smallest(traits, list, view.items[i], n_max);
}

static void merge_busy(struct nsf_traits **traits, const struct nsf_traits *from)
{
    struct nsf_u32_view view = nsf_traits_list(from, NSF_TRAIT_BUSY);
    bool is_many = view.n > NSF_TRAIT_BUSY_DAYS;
    for (uint32_t i = 0; i < view.n; i++) /* many days are made of any four */
        add_busy(traits, is_many ? i : view.items[i] >> 16, is_many ? 1 : view.items[i] & DAY_COUNT_MAX);
}

void nsf_traits_merge(struct nsf_traits **traits, const struct nsf_traits *from)
{
    if (from == NULL)
        return;
    if (*traits == NULL) {
        *traits = copy_of(from);
        return;
    }
    (*traits)->has_excused |= from->has_excused;
    merge_ports(traits, from);
    merge_negatives(traits, from);
    merge_busy(traits, from);
    nsf_traits_merge_list(traits, NSF_TRAIT_RUNS, nsf_traits_list(from, NSF_TRAIT_RUNS));
    merge_nics(traits, from);
    nsf_traits_merge_list(traits, NSF_TRAIT_MESSAGE_DAYS, nsf_traits_list(from, NSF_TRAIT_MESSAGE_DAYS));
    nsf_traits_merge_list(traits, NSF_TRAIT_GUESS_DAYS, nsf_traits_list(from, NSF_TRAIT_GUESS_DAYS));
    merge_times(traits, from);
    merge_smallest(traits, from, NSF_TRAIT_AMBIGUOUS_DAYS, NSF_TRAIT_FIRST_DAYS_MAX);
    merge_smallest(traits, from, NSF_TRAIT_DIALOG_DAYS, NSF_TRAIT_FIRST_DAYS_MAX);
}

/* ---- a list of its own ---- */

void nsf_u32s_release(struct nsf_u32s *list)
{
    nsf_free(list->items);
    *list = (struct nsf_u32s){0};
}

void nsf_u32s_add_smallest(struct nsf_u32s *list, uint32_t value, uint32_t n_max)
{
    uint32_t at = lower_bound((struct nsf_u32_view){list->items, list->n}, value);
    if (at >= n_max || (at < list->n && list->items[at] == value))
        return;
    if (list->n == list->capacity) {
        list->capacity = list->capacity == 0 ? 2 : list->capacity * 2;
        list->items = nsf_realloc_array(list->items, list->capacity, sizeof(*list->items));
    }
    memmove(&list->items[at + 1], &list->items[at], (list->n - at) * sizeof(*list->items));
    list->items[at] = value;
    list->n = list->n < n_max ? list->n + 1 : n_max;
}

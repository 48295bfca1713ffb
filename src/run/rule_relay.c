#include "core/nsf_common.h"

#include "run/rule_relay.h"

#include "core/mem.h"
#include "run/relay_suspect.h"

#define LINES_MAX 5

/* One NIC with outbound mail. */
struct nic_relay {
    struct nsf_slice nic;
    uint16_t number; /* NSF_TRAIT_NIC */
    struct nsf_relay_weighed weighed;
};

/* When a source's messages came to one NIC. */
struct path {
    uint32_t *times;
    size_t times_capacity;
    uint32_t n_times;
    uint32_t *days; /* as in traits; how many messages is void */
    size_t days_capacity;
    uint32_t n_days;
};

struct nsf_rule_relay {
    struct nic_relay *nics;
    size_t n;
    uint32_t *open; /* NICs for which another source could still look worse than those met; ascending by number */
    size_t n_open;
    uint32_t n_days;
    bool is_examined;
    struct nsf_relay_scratch scratch;
    struct path path;
};

static int cmp_numbers(const void *left, const void *right, void *ctx)
{
    const struct nic_relay *nics = ctx;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int order = (int)nics[a].number - (int)nics[b].number;
    return order != 0 ? order : (a > b) - (a < b);
}

struct nsf_rule_relay *nsf_rule_relay_new(const struct nsf_relays *relays, uint32_t finding_idx, uint32_t n_days,
                                          bool is_examined)
{
    struct nsf_rule_relay *relay = nsf_calloc(1, sizeof(*relay));
    struct nsf_pair_range nics = nsf_relays_of(relays, finding_idx);
    relay->n_days = n_days;
    relay->is_examined = is_examined;
    relay->nics = nsf_calloc(nics.n + 1, sizeof(*relay->nics));
    for (; relay->n < nics.n; relay->n++) {
        struct nsf_relays_nic nic = nsf_relays_get(relays, nsf_pair_second(nics, relay->n));
        relay->nics[relay->n] = (struct nic_relay){.nic = nic.name, .number = nic.nic};
        nsf_relay_weigh_begin(&relay->nics[relay->n].weighed, nic.mail, is_examined);
    }
    relay->open = nsf_calloc(relay->n + 1, sizeof(*relay->open));
    for (uint32_t i = 0; i < relay->n; i++)
        if (nsf_relay_is_open_end(&relay->nics[i].weighed))
            relay->open[relay->n_open++] = i;
    if (relay->n_open > 1)
        qsort_r(relay->open, relay->n_open, sizeof(*relay->open), cmp_numbers, relay->nics);
    return relay;
}

void nsf_rule_relay_free(struct nsf_rule_relay *relay)
{
    if (relay == NULL)
        return;
    nsf_relay_scratch_release(&relay->scratch);
    nsf_free(relay->path.times);
    nsf_free(relay->path.days);
    nsf_free(relay->open);
    nsf_free(relay->nics);
    nsf_free(relay);
}

/* ---- one source ---- */

static void collect_times(struct path *path, const struct nsf_traits *traits, uint16_t nic)
{
    struct nsf_u32_view times = nsf_traits_list(traits, NSF_TRAIT_TIMES),
                        marks = nsf_traits_list(traits, NSF_TRAIT_MARKS);
    NSF_GROW(path->times, path->times_capacity, times.n);
    path->n_times = 0;
    for (uint32_t i = 0; i < times.n; i++)
        if (marks.items[i] == NSF_TRAIT_MARK(nic, true))
            path->times[path->n_times++] = times.items[i];
}

static void collect_days(struct path *path, const struct nsf_traits *traits, uint16_t nic)
{
    bool is_many = traits->mail_nic == NSF_TRAIT_NIC_MANY;
    struct nsf_u32_view days = nsf_traits_list(traits, is_many ? NSF_TRAIT_NIC_DAYS : NSF_TRAIT_MESSAGE_DAYS);
    NSF_GROW(path->days, path->days_capacity, days.n);
    path->n_days = 0;
    for (uint32_t i = 0; i < days.n; i++)
        if (!is_many || (days.items[i] & UINT16_MAX) == nic)
            path->days[path->n_days++] = days.items[i];
}

/* Index of the first open NIC whose number is not below the one given. */
static size_t first_open(const struct nsf_rule_relay *relay, uint16_t number)
{
    size_t from = 0, to = relay->n_open;
    while (from < to) {
        size_t half = from + (to - from) / 2;
        if (relay->nics[relay->open[half]].number < number)
            from = half + 1;
        else
            to = half;
    }
    return from;
}

static void weigh_at(struct nsf_rule_relay *relay, const struct nsf_sent *sent, uint16_t nic)
{
    struct path *path = &relay->path;
    size_t from = first_open(relay, nic), to = from, n_left = from;
    while (to < relay->n_open && relay->nics[relay->open[to]].number == nic)
        to++;
    if (from == to)
        return;
    collect_times(path, sent->traits, nic);
    collect_days(path, sent->traits, nic);
    const struct nsf_relay_suspect suspect = {
        .address = sent->address, .days = {path->days, path->n_days}, .times = {path->times, path->n_times}};
    for (size_t i = from; i < to; i++) {
        struct nsf_relay_weighed *weighed = &relay->nics[relay->open[i]].weighed;
        nsf_relay_weigh(weighed, &suspect, relay->n_days, &relay->scratch);
        if (nsf_relay_is_open_end(weighed))
            relay->open[n_left++] = relay->open[i];
    }
    if (n_left == to)
        return;
    memmove(&relay->open[n_left], &relay->open[to], (relay->n_open - to) * sizeof(*relay->open));
    relay->n_open -= to - n_left;
}

/* Some NIC got one of the messages whose times are known, and no message before stands for it. */
static bool is_first_of_nic(const uint32_t *marks, uint32_t i)
{
    if (!NSF_TRAIT_MARK_IS_MESSAGE(marks[i]))
        return false;
    for (uint32_t k = 0; k < i; k++)
        if (marks[k] == marks[i])
            return false;
    return true;
}

void nsf_rule_relay_suspect(struct nsf_rule_relay *relay, const struct nsf_sent *sent)
{
    struct nsf_u32_view marks = nsf_traits_list(sent->traits, NSF_TRAIT_MARKS);
    for (uint32_t i = 0; i < marks.n && relay->n_open > 0; i++)
        if (is_first_of_nic(marks.items, i))
            weigh_at(relay, sent, NSF_TRAIT_MARK_NIC(marks.items[i]));
}

void nsf_rule_relay_join(struct nsf_rule_relay *relay, const struct nsf_rule_relay *other)
{
    for (size_t i = 0; i < relay->n; i++)
        nsf_relay_weigh_join(&relay->nics[i].weighed, &other->nics[i].weighed);
}

/* ---- the rule ---- */

static int badness_of(enum nsf_relay_state state)
{
    switch (state) {
    case NSF_RELAY_NOT_EXAMINED:
        return 0;
    case NSF_RELAY_NO_OUTBOUND:
        return 1;
    case NSF_RELAY_TO_FIXED:
        return 2;
    case NSF_RELAY_SENDS_AND_RECEIVES:
        return 3;
    case NSF_RELAY_SPAM_BLOCKED:
        return 4;
    case NSF_RELAY_OPEN_RELAY_LIKELY:
        return 5;
    }
    return 0;
}

static bool is_worse(const struct nsf_relay_facts *facts, const struct nsf_relay_facts *than)
{
    int ours = badness_of(nsf_relay_state_of(facts)), theirs = badness_of(nsf_relay_state_of(than));
    return ours != theirs ? ours > theirs : facts->connections > than->connections;
}

static void say_relay(const struct nsf_rule_relay *relay, const struct nic_relay *nic, struct nsf_arena *arena,
                      struct nsf_review_rule *rule)
{
    const struct nsf_relay_facts *facts = &nic->weighed.facts;
    char pusher[NSF_IP_TEXT_BYTES];
    struct nsf_slice *lines = nsf_arena_zalloc(arena, LINES_MAX, sizeof(*lines));
    size_t n = 0;
    if (relay->n > 1)
        lines[n++] = nsf_slice_str(nsf_arena_printf(arena, "%zu interfaces send mail; what follows is of %.*s",
                                                    relay->n, NSF_SLICE_ARG(nic->nic)));
    if (facts->connections > 0)
        lines[n++] = nsf_slice_str(nsf_arena_printf(arena, "%llu outbound connections to TCP 25 at %u addresses",
                                                    (unsigned long long)facts->connections, facts->destinations));
    if (facts->busiest_day_networks > 0)
        lines[n++] =
            nsf_slice_str(nsf_arena_printf(arena, "%u public networks on the fullest day, %u on a median other day",
                                           facts->busiest_day_networks, facts->median_day_networks));
    if (facts->blocked_networks > 0)
        lines[n++] = nsf_slice_str(
            nsf_arena_printf(arena, "%u networks on a day when four in five gave no answer", facts->blocked_networks));
    if (facts->pushed_networks > 0)
        lines[n++] = nsf_slice_str(nsf_arena_printf(
            arena, "mail to %u networks within 300 s after messages of %s, which is no known sender, %u an hour later",
            facts->pushed_networks, nsf_ip_format(nic->weighed.pusher, pusher), facts->shifted_networks));
    rule->relay_evidence = (struct nsf_slices){lines, n};
}

bool nsf_rule_relay_finish(const struct nsf_rule_relay *relay, struct nsf_arena *arena, struct nsf_review_rule *rule)
{
    const struct nic_relay nobody = {.weighed.facts = {.is_examined = relay->is_examined}}, *worst = &nobody;
    bool has_fan_out = false;
    for (size_t i = 0; i < relay->n; i++) {
        const struct nic_relay *nic = &relay->nics[i];
        worst = worst == &nobody || is_worse(&nic->weighed.facts, &worst->weighed.facts) ? nic : worst;
        has_fan_out |= nsf_relay_has_fan_out(&nic->weighed.facts);
    }
    rule->relay = nsf_relay_state_of(&worst->weighed.facts);
    say_relay(relay, worst, arena, rule);
    return has_fan_out;
}

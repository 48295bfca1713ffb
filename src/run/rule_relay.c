#include "core/nsf_common.h"

#include "run/rule_relay.h"

#include "core/mem.h"
#include "run/relay_suspect.h"

#define LINES_MAX 5

/* One NIC with outbound mail. */
struct nic_relay {
    struct nsf_slice nic;
    struct nsf_relay_weighed weighed;
};

struct nsf_rule_relay {
    struct nic_relay *nics;
    size_t n;
    uint32_t *open; /* NICs for which another source could still look worse than those met */
    size_t n_open;
    uint32_t n_days;
    bool is_examined;
    struct nsf_relay_scratch scratch;
};

struct nsf_rule_relay *nsf_rule_relay_new(const struct nsf_relays *relays, uint32_t finding_idx, uint32_t n_days,
                                          bool is_examined)
{
    struct nsf_rule_relay *relay = nsf_calloc(1, sizeof(*relay));
    struct nsf_pair_range nics = nsf_relays_of(relays, finding_idx);
    relay->n_days = n_days;
    relay->is_examined = is_examined;
    relay->nics = nsf_calloc(nics.n + 1, sizeof(*relay->nics));
    for (; relay->n < nics.n; relay->n++) {
        struct nic_relay *nic = &relay->nics[relay->n];
        nsf_relay_weigh_begin(&nic->weighed, nsf_relays_get(relays, nsf_pair_second(nics, relay->n), &nic->nic),
                              is_examined);
    }
    relay->open = nsf_calloc(relay->n + 1, sizeof(*relay->open));
    for (uint32_t i = 0; i < relay->n; i++)
        if (nsf_relay_is_open_end(&relay->nics[i].weighed))
            relay->open[relay->n_open++] = i;
    return relay;
}

void nsf_rule_relay_free(struct nsf_rule_relay *relay)
{
    if (relay == NULL)
        return;
    nsf_relay_scratch_release(&relay->scratch);
    nsf_free(relay->open);
    nsf_free(relay->nics);
    nsf_free(relay);
}

void nsf_rule_relay_suspect(struct nsf_rule_relay *relay, const struct nsf_sent *sent)
{
    const struct nsf_relay_suspect suspect = {.address = sent->address, .days = sent->days, .times = sent->times};
    size_t n_open = 0;
    for (size_t i = 0; i < relay->n_open; i++) {
        struct nsf_relay_weighed *weighed = &relay->nics[relay->open[i]].weighed;
        nsf_relay_weigh(weighed, &suspect, relay->n_days, &relay->scratch);
        if (nsf_relay_is_open_end(weighed))
            relay->open[n_open++] = relay->open[i];
    }
    relay->n_open = n_open;
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

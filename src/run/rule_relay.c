#include "core/nsf_common.h"

#include "run/rule_relay.h"

#include "core/mem.h"
#include "evidence/relay.h"

#define LINES_MAX 5

/* One NIC with outbound mail. */
struct nic_relay {
    struct nsf_slice nic;
    struct nsf_relay *mail;
    struct nsf_relay_facts facts;
    struct nsf_ip pusher; /* the source that the facts speak of */
};

struct nsf_rule_relay {
    struct nic_relay *nics;
    size_t n;
    uint32_t n_days;
    bool is_examined;
};

struct nsf_rule_relay *nsf_rule_relay_new(const struct nsf_dossier *dossier, uint32_t finding_idx, uint32_t n_days,
                                          bool is_examined)
{
    struct nsf_rule_relay *relay = nsf_calloc(1, sizeof(*relay));
    struct nsf_nic_outbound *nics = nsf_dossier_outbound(dossier, finding_idx, &relay->n);
    relay->n_days = n_days;
    relay->is_examined = is_examined;
    relay->nics = nsf_calloc(relay->n + 1, sizeof(*relay->nics));
    for (size_t i = 0; i < relay->n; i++) {
        struct nic_relay *nic = &relay->nics[i];
        nic->nic = nics[i].nic;
        nic->mail = nsf_relay_new(nics[i].rows, nics[i].n_rows);
        nic->facts.is_examined = is_examined;
        nsf_relay_read(nic->mail, &nic->facts);
    }
    nsf_free(nics);
    return relay;
}

void nsf_rule_relay_free(struct nsf_rule_relay *relay)
{
    if (relay == NULL)
        return;
    for (size_t i = 0; i < relay->n; i++)
        nsf_relay_free(relay->nics[i].mail);
    nsf_free(relay->nics);
    nsf_free(relay);
}

/* One that looks like relaying counts before one that only pushed more. */
static void suspect_on(struct nic_relay *nic, const struct nsf_relay_suspect *suspect, struct nsf_ip address,
                       uint32_t n_days)
{
    struct nsf_relay_facts facts = nic->facts;
    bool is_pushed = nsf_relay_is_pushed(&nic->facts);
    uint32_t at_least = nic->facts.pushed_networks + 1;
    if (!is_pushed && at_least > NSF_RELAY_NETWORKS_MIN)
        at_least = NSF_RELAY_NETWORKS_MIN;
    if (!nsf_relay_suspect(nic->mail, suspect, n_days, at_least, &facts))
        return;
    if (facts.pushed_networks <= nic->facts.pushed_networks && !nsf_relay_is_pushed(&facts))
        return;
    nic->facts = facts;
    nic->pusher = address;
}

void nsf_rule_relay_suspect(struct nsf_rule_relay *relay, const struct nsf_sent *sent)
{
    const struct nsf_relay_suspect suspect = {.days = sent->days, .times = sent->times};
    for (size_t i = 0; i < relay->n; i++)
        suspect_on(&relay->nics[i], &suspect, sent->address, relay->n_days);
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
    const struct nsf_relay_facts *facts = &nic->facts;
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
            facts->pushed_networks, nsf_ip_format(nic->pusher, pusher), facts->shifted_networks));
    rule->relay_evidence = (struct nsf_slices){lines, n};
}

bool nsf_rule_relay_finish(const struct nsf_rule_relay *relay, struct nsf_arena *arena, struct nsf_review_rule *rule)
{
    const struct nic_relay nobody = {.facts = {.is_examined = relay->is_examined}}, *worst = &nobody;
    bool has_fan_out = false;
    for (size_t i = 0; i < relay->n; i++) {
        const struct nic_relay *nic = &relay->nics[i];
        worst = worst == &nobody || is_worse(&nic->facts, &worst->facts) ? nic : worst;
        has_fan_out |= nsf_relay_has_fan_out(&nic->facts);
    }
    rule->relay = nsf_relay_state_of(&worst->facts);
    say_relay(relay, worst, arena, rule);
    return has_fan_out;
}

#include "core/nsf_common.h"

#include "run/relay_suspect.h"

void nsf_relay_weigh_begin(struct nsf_relay_weighed *weighed, const struct nsf_relay *mail, bool is_examined)
{
    *weighed = (struct nsf_relay_weighed){.mail = mail, .facts = {.is_examined = is_examined}};
    nsf_relay_read(mail, &weighed->facts);
}

/* Would a source that pushed so many networks look worse than the one met before, if the rest spoke against it too? */
static bool could_be_worse(const struct nsf_relay_weighed *weighed, bool is_relaying, uint32_t pushed)
{
    return pushed > weighed->facts.pushed_networks || (!is_relaying && pushed >= NSF_RELAY_NETWORKS_MIN);
}

bool nsf_relay_is_open_end(const struct nsf_relay_weighed *weighed)
{
    return could_be_worse(weighed, nsf_relay_is_pushed(&weighed->facts), nsf_relay_networks(weighed->mail));
}

/* Suspects can be many, and few look worse than the one before them: what costs little is asked first. */
void nsf_relay_weigh(struct nsf_relay_weighed *weighed, const struct nsf_relay_suspect *suspect, uint32_t n_days,
                     struct nsf_relay_scratch *scratch)
{
    struct nsf_relay_facts facts = weighed->facts;
    bool was_relaying = nsf_relay_is_pushed(&weighed->facts);
    facts.pushed_networks = nsf_relay_at_most(weighed->mail, suspect->times, scratch);
    facts.shifted_networks = 0;
    if (!could_be_worse(weighed, was_relaying, facts.pushed_networks))
        return;
    nsf_relay_compare_days(weighed->mail, suspect->days, n_days, &facts);
    bool is_more = facts.pushed_networks > weighed->facts.pushed_networks;
    if (!nsf_relay_is_pushed(&facts) && (was_relaying || !is_more))
        return;
    facts.pushed_networks = nsf_relay_pushed(weighed->mail, suspect->times, 0, scratch);
    if (!could_be_worse(weighed, was_relaying, facts.pushed_networks))
        return;
    facts.shifted_networks = nsf_relay_pushed(weighed->mail, suspect->times, NSF_RELAY_SHIFT_SECONDS, scratch);
    is_more = facts.pushed_networks > weighed->facts.pushed_networks;
    if (!nsf_relay_is_pushed(&facts) && (was_relaying || !is_more))
        return;
    weighed->facts = facts;
    weighed->pusher = suspect->address;
}

void nsf_relay_weigh_join(struct nsf_relay_weighed *weighed, const struct nsf_relay_weighed *other)
{
    bool is_relaying = nsf_relay_is_pushed(&weighed->facts), is_other_relaying = nsf_relay_is_pushed(&other->facts);
    if (is_other_relaying != is_relaying ? is_other_relaying
                                         : other->facts.pushed_networks > weighed->facts.pushed_networks)
        *weighed = *other;
}

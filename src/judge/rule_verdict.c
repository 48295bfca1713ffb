#include "core/nsf_common.h"

#include "judge/rule_verdict.h"

#include "core/clock.h"
#include "judge/sender_score.h"

#include <math.h>
#include <stdarg.h>

enum {
    NETWORKS_MAX = 50, /* more are no address list */
    MX_MESSAGES_MIN = 30,
    MX_NETWORKS_MIN = 20,
};

/* ---- sums over verdicts ---- */

static uint64_t sources_that(const struct nsf_rule_facts *facts, bool (*holds)(enum nsf_source_verdict))
{
    uint64_t n = 0;
    for (unsigned v = 0; v <= NSF_SOURCE_UNDECIDED; v++)
        if (holds((enum nsf_source_verdict)v))
            n += facts->by_verdict[v];
    return n;
}

uint64_t nsf_rule_hostile_sources(const struct nsf_rule_facts *facts)
{
    return sources_that(facts, nsf_source_is_hostile);
}

uint64_t nsf_rule_sources_in_doubt(const struct nsf_rule_facts *facts)
{
    return sources_that(facts, nsf_source_is_in_doubt);
}

/* ---- the verdict ---- */

static void say(struct nsf_rule_judgement *j, enum nsf_rule_verdict verdict, const char *fmt, ...) NSF_PRINTF(3, 4);

static void say(struct nsf_rule_judgement *j, enum nsf_rule_verdict verdict, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(j->reason, sizeof(j->reason), fmt, args);
    va_end(args);
    j->verdict = verdict;
}

static unsigned long long ull(uint64_t n)
{
    return n;
}

static const char *s_of(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static bool judge_abuse(const struct nsf_rule_facts *facts, struct nsf_rule_judgement *j)
{
    if (facts->relay == NSF_RELAY_OPEN_RELAY_LIKELY)
        say(j, NSF_VERDICT_INVESTIGATE_ABUSE,
            "After messages of a source that is no known sender, mail goes out to many networks at once: this looks "
            "like an "
            "open relay.");
    else if (facts->relay == NSF_RELAY_SPAM_BLOCKED)
        say(j, NSF_VERDICT_INVESTIGATE_ABUSE,
            "A server behind this rule tries to send mail to many networks and most of them never answer: spam that is "
            "held "
            "back.");
    else
        return false;
    return true;
}

/* Logs without counters, nothing hostile proven, and somebody undecided. */
static bool is_blind(const struct nsf_rule_facts *facts)
{
    return facts->connections > 0 && !facts->has_counters && nsf_rule_hostile_sources(facts) == 0 &&
           facts->by_verdict[NSF_SOURCE_UNDECIDED] > 0;
}

static bool has_quiet_sources_only(const struct nsf_rule_facts *facts)
{
    return nsf_rule_hostile_sources(facts) + facts->by_verdict[NSF_SOURCE_HEALTH_PROBE] == facts->sources;
}

/* By what was seen it could be closed: what was not seen matters then. */
static bool is_closable(const struct nsf_rule_facts *facts)
{
    return facts->connections == 0 || has_quiet_sources_only(facts);
}

static bool judge_insufficient(const struct nsf_rule_facts *facts, struct nsf_rule_judgement *j)
{
    if (!facts->is_logged)
        say(j, NSF_VERDICT_INSUFFICIENT_EVIDENCE,
            "No flow log that was read covers this NSG: switch one on and run again after two weeks.");
    else if (facts->connections == 0 && facts->lacks_port_25)
        say(j, NSF_VERDICT_INSUFFICIENT_EVIDENCE,
            "The flow log holds no port 25 at all, in or out, beside plenty of other traffic: it looks filtered by "
            "port, so that nothing was seen proves nothing.");
    else if (facts->connections == 0 && facts->lacks_allowed)
        say(j, NSF_VERDICT_INSUFFICIENT_EVIDENCE,
            "The flow log holds refused connections only: it looks filtered by action, so that nothing let in was seen "
            "proves nothing.");
    else if (is_blind(facts))
        say(j, NSF_VERDICT_INSUFFICIENT_EVIDENCE,
            "The logs carry no counters, so mail cannot be told from probes for %llu source%s: set "
            "FlowTimeoutInMinutes on the "
            "virtual network or use virtual network flow logs, and run again after two weeks.",
            ull(facts->by_verdict[NSF_SOURCE_UNDECIDED]), s_of(facts->by_verdict[NSF_SOURCE_UNDECIDED]));
    else if (facts->confidence == 'D' && facts->messages == 0 && facts->changed_on != NULL)
        say(j, NSF_VERDICT_INSUFFICIENT_EVIDENCE,
            "The logs speak of the rule as it is now only since %s, which is too little to rely on: run again over at "
            "least a week of logs from then on.",
            facts->changed_on);
    else if (facts->confidence == 'D' && facts->messages == 0)
        say(j, NSF_VERDICT_INSUFFICIENT_EVIDENCE,
            "No mail was seen, but the logs cover too little to rely on it: run again over at least a week of logs.");
    else if (facts->connections == 0 && facts->has_mail_elsewhere)
        say(j, NSF_VERDICT_INSUFFICIENT_EVIDENCE,
            "No connection was logged under this rule, but another NSG on the same NICs let mail in, and only the last "
            "NSG on "
            "the path logs it: judge both rules together.");
    else if (facts->dark_nics > 0 && is_closable(facts))
        say(j, NSF_VERDICT_INSUFFICIENT_EVIDENCE,
            "Nobody who sends mail was seen, but %llu attached interface%s in no flow log: switch one on and run "
            "again after two weeks.",
            ull(facts->dark_nics), facts->dark_nics == 1 ? " is" : "s are");
    else if (facts->has_dark_path && is_closable(facts))
        say(j, NSF_VERDICT_INSUFFICIENT_EVIDENCE,
            "Nobody who sends mail was seen under this rule, but another NSG stands on the same path and no log of it "
            "was "
            "read; the last NSG on the path alone logs what was let in: read both logs.");
    else if (facts->connections == 0 && facts->senders_elsewhere > 0 && facts->changed_on == NULL)
        say(j, NSF_VERDICT_INSUFFICIENT_EVIDENCE,
            "No connection was logged under this rule, but %llu source%s that may send mail came in by rules whose "
            "place it has taken: run again over logs from after the change.",
            ull(facts->senders_elsewhere), s_of(facts->senders_elsewhere));
    else
        return false;
    return true;
}

static bool judge_unused(const struct nsf_rule_facts *facts, struct nsf_rule_judgement *j)
{
    if (facts->connections == 0 && facts->changed_on != NULL)
        say(j, NSF_VERDICT_CLOSE_UNUSED,
            "The logs cover this rule since it became what it is, on %s, and show no allowed connection.",
            facts->changed_on);
    else if (facts->connections == 0)
        say(j, NSF_VERDICT_CLOSE_UNUSED, "The logs cover this rule and show no allowed connection.");
    else if (has_quiet_sources_only(facts) && facts->senders_elsewhere == 0)
        say(j, NSF_VERDICT_CLOSE_PROBES_ONLY,
            "All %llu source%s are scanners, guessers or health probes; none sent mail.", ull(facts->sources),
            s_of(facts->sources));
    else
        return false;
    return true;
}

static bool judge_public_mx(const struct nsf_rule_facts *facts, struct nsf_rule_judgement *j)
{
    if (facts->sender_networks_in_7_days > NETWORKS_MAX)
        say(j, NSF_VERDICT_PUBLIC_MX,
            "%llu sender networks in seven days are more than an address list can hold: put a relay in front.",
            ull(facts->sender_networks_in_7_days));
    else if (facts->messages >= MX_MESSAGES_MIN && facts->sender_networks > MX_NETWORKS_MIN && facts->has_new_senders)
        say(j, NSF_VERDICT_PUBLIC_MX,
            "Mail comes from %llu networks and new ones keep appearing, so no address list is safe: put a relay in "
            "front.",
            ull(facts->sender_networks));
    else
        return false;
    return true;
}

static void judge_restrict(const struct nsf_rule_facts *facts, struct nsf_rule_judgement *j)
{
    uint64_t doubt = nsf_rule_sources_in_doubt(facts);
    uint64_t senders = facts->by_verdict[NSF_SOURCE_KNOWN_SENDER] + facts->by_verdict[NSF_SOURCE_LIKELY_SENDER];
    if (facts->senders_elsewhere > 0)
        say(j, NSF_VERDICT_RESTRICT_WITH_REVIEW,
            "%llu more source%s that may send mail came in under %s: ask the owner about them too before the rule is "
            "narrowed.",
            ull(facts->senders_elsewhere), s_of(facts->senders_elsewhere),
            facts->has_mail_elsewhere ? "another NSG on the same path" : "rules whose place this one has taken");
    else if (doubt == 0 && facts->messages == facts->sender_messages && facts->sender_networks <= NETWORKS_MAX)
        say(j, NSF_VERDICT_RESTRICT_TO_RELAYS,
            "All mail comes from %llu known or likely sender%s in %llu network%s, and nobody else is in doubt.",
            ull(senders), s_of(senders), ull(facts->sender_networks), s_of(facts->sender_networks));
    else if (doubt > 0)
        say(j, NSF_VERDICT_RESTRICT_WITH_REVIEW,
            "%llu source%s may be a sender that the evidence does not settle: ask the owner before the rule is "
            "narrowed.",
            ull(doubt), s_of(doubt));
    else
        say(j, NSF_VERDICT_RESTRICT_WITH_REVIEW,
            "Mail comes from more senders than a short list holds: ask the owner before the rule is narrowed.");
}

/* ---- the risk ---- */

static double exposure_points(const struct nsf_rule_facts *facts)
{
    double points = 0.0;
    if (facts->public_ipv4 > 0)
        points = 20.0 * log2((double)facts->public_ipv4) / 32.0;
    else if (facts->has_public_ipv6)
        points = 20.0;
    points += facts->opens_other_ports ? 5.0 : 0.0;
    points += facts->connections > 0 || (facts->is_attached && facts->has_public_path) ? 10.0 : 0.0;
    return facts->is_latent && points > 5.0 ? 5.0 : points;
}

static double hostile_points(const struct nsf_rule_facts *facts)
{
    double weeks = (double)facts->window_ms / (7.0 * (double)NSF_MS_PER_DAY);
    double a_week = weeks > 0.0 ? (double)nsf_rule_hostile_sources(facts) / weeks : 0.0;
    double points = 5.0 * log10(1.0 + a_week);
    points = points > 10.0 ? 10.0 : points;
    points += facts->guessing_connections > 0 ? 5.0 : 0.0;
    points += facts->drop_listed_sources > 0 ? 5.0 : 0.0;
    points += facts->hostile_connections * 2 > facts->connections ? 5.0 : 0.0;
    return points;
}

static double abuse_points(const struct nsf_rule_facts *facts)
{
    if (facts->relay == NSF_RELAY_OPEN_RELAY_LIKELY)
        return 30.0;
    if (facts->relay == NSF_RELAY_SPAM_BLOCKED)
        return 25.0;
    if (facts->has_fan_out)
        return 15.0;
    return facts->spam_messages > 0 ? 10.0 : 0.0;
}

static double governance_points(const struct nsf_rule_facts *facts)
{
    return (facts->has_owner ? 0.0 : 4.0) + (facts->has_justification ? 0.0 : 3.0) +
           (facts->is_past_deadline ? 3.0 : 0.0);
}

static uint32_t risk_of(const struct nsf_rule_facts *facts)
{
    double sum = exposure_points(facts) + hostile_points(facts) + abuse_points(facts) + governance_points(facts);
    double rounded = floor(sum + 0.5);
    return rounded > 100.0 ? 100 : (uint32_t)rounded;
}

void nsf_judge_rule(const struct nsf_rule_facts *facts, struct nsf_rule_judgement *judgement)
{
    struct nsf_rule_judgement *j = judgement;
    j->risk = risk_of(facts);
    if (facts->is_latent && facts->connections == 0)
        say(j, NSF_VERDICT_NOT_EFFECTIVE,
            "The rule has no effect today and the logs show no hits: fix it without hurry.");
    else if (judge_abuse(facts, j))
        return;
    else if (facts->is_masked)
        say(j, NSF_VERDICT_SOURCE_MASKED,
            "Nearly all connections come from private addresses: something in front hides the real sources, so look at "
            "its "
            "logs.");
    else if (judge_insufficient(facts, j) || judge_unused(facts, j) || judge_public_mx(facts, j))
        return;
    else
        judge_restrict(facts, j);
}

/* ---- the queue ---- */

static uint32_t weighted_risk(const struct nsf_queue_key *key)
{
    static const uint32_t tenths[] = {10, 9, 7, 4};
    unsigned grade = key->confidence >= 'A' && key->confidence <= 'D' ? (unsigned)(key->confidence - 'A') : 3;
    return key->risk * tenths[grade];
}

static uint32_t break_rank(const struct nsf_queue_key *key)
{
    return key->break_risk_permille < 0 ? UINT32_MAX : (uint32_t)key->break_risk_permille;
}

int nsf_queue_cmp(const struct nsf_queue_key *a, const struct nsf_queue_key *b)
{
    bool a_abuse = a->verdict == NSF_VERDICT_INVESTIGATE_ABUSE, b_abuse = b->verdict == NSF_VERDICT_INVESTIGATE_ABUSE;
    if (a_abuse != b_abuse)
        return a_abuse ? -1 : 1;
    uint32_t a_risk = weighted_risk(a), b_risk = weighted_risk(b);
    if (a_risk != b_risk)
        return a_risk > b_risk ? -1 : 1;
    uint32_t a_break = break_rank(a), b_break = break_rank(b);
    return (a_break > b_break) - (a_break < b_break);
}

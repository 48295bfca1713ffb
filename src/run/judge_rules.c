#include "core/nsf_common.h"

#include "run/judge_rules.h"

#include "core/clock.h"
#include "core/ip_sort.h"
#include "core/mem.h"
#include "core/parallel.h"
#include "evidence/elsewhere.h"
#include "judge/confidence.h"
#include "judge/rule_verdict.h"
#include "judge/sender_score.h"
#include "run/advise.h"
#include "run/named_sources.h"
#include "run/rule_doubts.h"
#include "run/rule_mail.h"
#include "run/rule_relay.h"

/* Enough to even out. */
#define HANDS_A_JOB 16
/* Worth a thread. */
#define LARGE_RULE_SOURCES 1024

/* ---- what the sources of one rule add up to ---- */

/* One rule while it is judged. */
struct rule_work {
    const struct nsf_rules_ask *ask;
    size_t rule_idx;
    struct nsf_rule_facts *facts;
    struct nsf_arena *arena; /* for its texts */
    struct nsf_rule_sightings sightings;
    struct nsf_named_sources named;
    struct nsf_touched *touched;
    size_t n_touched;
    size_t capacity;
    struct nsf_destination_lists destinations; /* of those with mail */
    uint64_t mail_beside_mx;
};

static struct nsf_review_rule *rule_of(const struct rule_work *work)
{
    return &work->ask->review->rules[work->rule_idx];
}

static uint32_t finding_idx_of(const struct rule_work *work)
{
    return rule_of(work)->finding_idx;
}

static const struct nsf_finding *finding_of(const struct rule_work *work)
{
    return &work->ask->review->scan->findings[finding_idx_of(work)];
}

static const struct nsf_scan_nsg *nsg_of(const struct rule_work *work)
{
    return &work->ask->review->scan->nsgs[finding_of(work)->nsg_idx];
}

static enum nsf_source_verdict verdict_of_row(const struct nsf_rules_ask *ask, struct nsf_row_ref row)
{
    return (enum nsf_source_verdict)ask->of[row.partition][row.row_idx].verdict;
}

static bool is_beside_mx(const struct nsf_lists *lists, const struct nsf_mail_source *source)
{
    if (nsf_networks_count(lists->of[NSF_LIST_MX]) == 0)
        return false;
    for (uint32_t i = 0; i < source->n_destinations; i++)
        if (nsf_networks_find(lists->of[NSF_LIST_MX], source->destinations[i]) != NULL)
            return false;
    return source->n_destinations > 0;
}

_Static_assert(NSF_SOURCE_UNDECIDED < 16, "a touched source has four bits for its verdict");

static void touch(struct rule_work *work, const struct nsf_mail_source *source)
{
    uint64_t messages = source->classes[NSF_CLASS_MESSAGE];
    uint32_t list = 0;
    if (messages > 0 || nsf_ip_is_private(source->address))
        list = nsf_destination_lists_add(&work->destinations, source->destinations, (uint8_t)source->n_destinations,
                                         source->destinations_more > 0);
    NSF_GROW(work->touched, work->capacity, work->n_touched + 1);
    work->touched[work->n_touched++] = (struct nsf_touched){
        .address = source->address,
        .messages = messages > UINT32_MAX ? UINT32_MAX : (uint32_t)messages,
        .verdict = source->verdict & 15u,
        .destinations = list & 0xfffffffu,
    };
}

static void add_source(struct rule_work *work, const struct nsf_mail_source *source)
{
    struct nsf_rule_facts *facts = work->facts;
    uint64_t messages = source->classes[NSF_CLASS_MESSAGE];
    bool is_hostile = nsf_source_is_hostile(source->verdict);
    facts->by_verdict[source->verdict]++;
    nsf_rule_sight(&work->sightings, source);
    nsf_named_sources_see(&work->named, source);
    facts->hostile_connections += is_hostile ? source->connections : 0;
    facts->drop_listed_sources += nsf_networks_find(work->ask->lists->of[NSF_LIST_DROP], source->address) != NULL;
    if (is_beside_mx(work->ask->lists, source))
        work->mail_beside_mx += messages;
    if (!is_hostile || messages > 0 || nsf_ip_is_private(source->address))
        touch(work, source);
}

static int64_t window_ms(const struct nsf_review *review)
{
    return review->window_from_ms == NSF_TS_NONE ? 0 : review->window_to_ms - review->window_from_ms;
}

static void collect_sources(struct rule_work *work)
{
    const struct nsf_review *review = work->ask->review;
    struct nsf_mail_source source;
    for (uint64_t i = 0; i < rule_of(work)->n_sources; i++) {
        nsf_review_source_brief(review, work->rule_idx, i, &source);
        if (source.is_rest)
            continue;
        add_source(work, &source);
    }
}

/* ---- one rule ---- */

static bool is_any_source(const struct nsf_finding *finding)
{
    static const char *const words[] = {"*", "any", "0.0.0.0/0"};
    for (size_t i = 0; i < finding->all_sources.n; i++)
        for (size_t w = 0; w < NSF_ARRAY_LEN(words); w++)
            if (nsf_slice_eq_nocase(finding->all_sources.items[i], nsf_slice_str(words[w])))
                return true;
    return false;
}

/* More than 25, 465 and 587. */
static bool opens_more_than_mail(const struct nsf_finding *finding)
{
    if (!finding->opens_other_ports)
        return false;
    for (size_t i = 0; i < finding->all_ports.n; i++) {
        uint64_t port;
        if (!nsf_slice_to_u64(finding->all_ports.items[i], UINT16_MAX, &port) ||
            (port != 25 && port != 465 && port != 587))
            return true;
    }
    return finding->all_ports.n == 0;
}

/* An acceptance that is over is no justification any more, whatever the rule's description says. */
static void fill_governance(const struct nsf_finding *finding, const struct nsf_scan_nsg *nsg,
                            struct nsf_rule_facts *facts)
{
    const struct nsf_exception *exception = finding->exception;
    bool is_accepted = nsf_finding_is_accepted(finding);
    facts->has_owner = nsg->owner.len > 0 || (is_accepted && exception->owner.len > 0);
    facts->has_justification = finding->description.len > 0 || (is_accepted && exception->reason.len > 0);
    if (exception != NULL && exception->is_expired)
        facts->has_justification = false;
    facts->is_past_deadline = exception != NULL && exception->is_past_deadline;
}

static void fill_exposure(const struct nsf_scan *scan, const struct nsf_finding *finding, struct nsf_rule_facts *facts)
{
    const struct nsf_scan_nsg *nsg = &scan->nsgs[finding->nsg_idx];
    facts->is_latent = finding->is_latent;
    facts->is_attached = nsg->attached_to.n > 0;
    facts->opens_other_ports = opens_more_than_mail(finding);
    facts->public_ipv4 = finding->public_ipv4;
    facts->has_public_ipv6 = finding->public_ipv6 != NSF_V6_NONE;
    facts->has_public_path = nsg->has_public_path;
    fill_governance(finding, nsg, facts);
}

static char confidence_of(const struct nsf_review *review, const struct nsf_review_rule *rule)
{
    /* What was logged before a change does not speak of the rule as it is. */
    const struct nsf_coverage *coverage = &rule->coverage;
    bool is_cut = coverage->evidence_from_ms != NSF_TS_NONE;
    if (!coverage->is_logged || nsf_coverage_is_blind(coverage, &rule->traffic))
        return 'D';
    return nsf_confidence_of(&(struct nsf_confidence_facts){
        .window_ms = is_cut ? review->window_to_ms - coverage->evidence_from_ms : window_ms(review),
        .hours_expected = is_cut ? coverage->expected_since : coverage->hours_expected,
        .hours_seen = is_cut ? coverage->seen_since : coverage->hours_seen,
        .connections = rule->traffic.connections,
        .with_counters = rule->traffic.with_counters,
        .has_vnet4 = rule->coverage.has_vnet4 && !rule->coverage.lacks[NSF_LACK_COUNTERS],
        .is_smtp_only = review->is_smtp_only,
    });
}

static void fill_traffic(const struct nsf_review *review, const struct nsf_review_rule *rule,
                         struct nsf_rule_facts *facts)
{
    const struct nsf_traffic *traffic = &rule->traffic;
    facts->is_logged = rule->coverage.is_logged;
    facts->dark_nics = rule->coverage.dark_nics;
    facts->lacks_port_25 = rule->coverage.lacks[NSF_LACK_PORT_25];
    facts->lacks_allowed = rule->coverage.lacks[NSF_LACK_ALLOWED];
    facts->confidence = rule->confidence;
    facts->connections = traffic->connections;
    facts->has_counters =
        traffic->connections == 0 ? rule->coverage.counters == NSF_COUNTERS_PRESENT : traffic->with_counters > 0;
    facts->guessing_connections = traffic->classes[NSF_CLASS_GUESSING];
    facts->messages = traffic->classes[NSF_CLASS_MESSAGE];
    facts->sources = traffic->sources;
    facts->window_ms = window_ms(review);
}

/* Senders whose mail was logged under another rule count as touched: the list has to hold them too. */
static void add_elsewhere(void *ctx, const struct nsf_elsewhere_source *source)
{
    struct rule_work *work = ctx;
    enum nsf_source_verdict verdict = verdict_of_row(work->ask, source->row);
    if (nsf_source_is_hostile(verdict) || verdict == NSF_SOURCE_HEALTH_PROBE || nsf_ip_is_private(source->address) ||
        nsf_elsewhere_is_own(work->ask->evidence, finding_idx_of(work), source->address))
        return;
    NSF_GROW(work->touched, work->capacity, work->n_touched + 1);
    work->touched[work->n_touched++] = (struct nsf_touched){.address = source->address, .verdict = verdict & 15u};
}

/* One source of several rules came several times. */
static void join_elsewhere(struct rule_work *work, size_t n_own)
{
    size_t n = n_own;
    if (work->n_touched > n_own)
        nsf_ip_sort(work->touched + n_own, work->n_touched - n_own, sizeof(*work->touched));
    for (size_t i = n_own; i < work->n_touched; i++)
        if (n == n_own || !nsf_ip_eq(work->touched[n - 1].address, work->touched[i].address))
            work->touched[n++] = work->touched[i];
    work->n_touched = n;
    work->facts->senders_elsewhere = n - n_own;
}

static void collect_elsewhere(struct rule_work *work)
{
    size_t n_own = work->n_touched;
    nsf_elsewhere_each(work->ask->evidence, finding_idx_of(work), add_elsewhere, work);
    join_elsewhere(work, n_own);
}

static int32_t break_risk_of(const struct nsf_review *review, const struct nsf_rule_mail *mail,
                             struct nsf_rule_facts *facts)
{
    struct nsf_break_risk_facts risk = {.has_counters = facts->has_counters && facts->connections > 0};
    if (review->window_from_ms == NSF_TS_NONE)
        return -1;
    nsf_rule_mail_break_risk(mail, nsf_time_day(review->window_from_ms), nsf_time_day(review->window_to_ms - 1) + 1,
                             &risk);
    facts->has_new_senders = nsf_has_new_senders(&risk);
    return nsf_break_risk_permille(&risk);
}

/* ---- mail ------------------------------------------------------------------------------------------------------- */

/* Of the sources of some partitions. */
struct mail_part {
    const struct rule_work *work;
    struct nsf_partition_range range;
    struct nsf_rule_mail mail;
    struct nsf_rule_relay *relay;
};

static void add_sent(void *ctx, const struct nsf_sent *sent)
{
    struct mail_part *part = ctx;
    enum nsf_source_verdict verdict = verdict_of_row(part->work->ask, sent->row);
    nsf_rule_mail_add(&part->mail, sent, verdict);
    if (sent->messages > 0 && !nsf_source_is_sender(verdict))
        nsf_rule_relay_suspect(part->relay, sent);
}

static void collect_mail(void *ctx, size_t i)
{
    struct mail_part *part = &((struct mail_part *)ctx)[i];
    nsf_dossier_each_sent(part->work->ask->dossier, finding_idx_of(part->work), part->range, add_sent, part);
}

static void conclude_mail(struct rule_work *work, struct mail_part *part)
{
    struct nsf_rule_facts *facts = work->facts;
    struct nsf_rule_mail *mail = &part->mail;
    nsf_rule_mail_finish(mail);
    facts->sender_messages = mail->sender_messages;
    facts->spam_messages = mail->spam_messages;
    facts->sender_networks = mail->n_networks;
    facts->sender_networks_in_7_days = nsf_rule_mail_networks_in_7_days(mail);
    facts->has_fan_out = nsf_rule_relay_finish(part->relay, work->arena, rule_of(work));
    facts->relay = rule_of(work)->relay;
    rule_of(work)->break_risk_permille = break_risk_of(work->ask->review, mail, facts);
}

/* What is told of the rule before its sources are gone through one by one, and its mail. */
static void judge_mail(struct rule_work *work, const struct nsf_relays *relays, unsigned jobs)
{
    const struct nsf_review *review = work->ask->review;
    struct nsf_review_rule *rule = rule_of(work);
    uint32_t n_days = (uint32_t)(window_ms(review) / NSF_MS_PER_DAY);
    unsigned n_parts = jobs < 1 ? 1 : jobs < NSF_PARTITIONS ? jobs : NSF_PARTITIONS;
    struct mail_part *parts = nsf_calloc(n_parts, sizeof(*parts));
    rule->confidence = confidence_of(review, rule);
    fill_exposure(review->scan, finding_of(work), work->facts);
    fill_traffic(review, rule, work->facts);
    for (unsigned i = 0; i < n_parts; i++)
        parts[i] = (struct mail_part){
            .work = work,
            .range = {NSF_PARTITIONS * i / n_parts, NSF_PARTITIONS * (i + 1) / n_parts},
            .relay = nsf_rule_relay_new(relays, finding_idx_of(work), n_days, rule->coverage.is_logged),
        };
    nsf_parallel(jobs, n_parts, collect_mail, parts);
    for (unsigned i = 1; i < n_parts; i++) {
        nsf_rule_mail_join(&parts[0].mail, &parts[i].mail);
        nsf_rule_relay_join(parts[0].relay, parts[i].relay);
        nsf_rule_relay_free(parts[i].relay);
    }
    conclude_mail(work, &parts[0]);
    nsf_rule_mail_release(&parts[0].mail);
    nsf_rule_relay_free(parts[0].relay);
    nsf_free(parts);
}

/* ---- sources ---------------------------------------------------------------------------------------------------- */

static void advise(struct rule_work *work)
{
    nsf_ip_sort(work->touched, work->n_touched, sizeof(*work->touched));
    nsf_advise(&(struct nsf_advise_ask){.lists = work->ask->lists,
                                        .finding = finding_of(work),
                                        .nsg = nsg_of(work),
                                        .touched = work->touched,
                                        .n_touched = work->n_touched,
                                        .destinations = &work->destinations,
                                        .has_counters = work->facts->has_counters,
                                        .mail_beside_mx = work->mail_beside_mx},
               work->arena, rule_of(work));
}

static void judge(struct rule_work *work)
{
    const struct nsf_finding *finding = finding_of(work);
    struct nsf_review_rule *rule = rule_of(work);
    struct nsf_rule_facts *facts = work->facts;
    struct nsf_rule_judgement judgement;
    struct nsf_rule_path path;
    char changed_day[NSF_TIME_TEXT_BYTES];
    nsf_rule_path_read(work->ask->evidence, work->ask->review->scan, finding, &rule->coverage, &path);
    facts->has_dark_path = path.dark != NULL;
    facts->has_mail_elsewhere = nsf_evidence_has_mail_elsewhere(work->ask->evidence, finding->nsg_idx);
    nsf_rule_sightings_init(&work->sightings, nsg_of(work));
    nsf_named_sources_init(&work->named, finding);
    collect_sources(work);
    nsf_named_sources_tell(&work->named, finding->rule, work->arena, rule);
    collect_elsewhere(work);
    if (rule->coverage.evidence_from_ms != NSF_TS_NONE)
        facts->changed_on = nsf_time_format_day(nsf_time_day(rule->coverage.evidence_from_ms), changed_day);
    facts->is_masked = is_any_source(finding) && nsf_rule_is_masked(&work->sightings, facts->connections);
    nsf_judge_rule(facts, &judgement);
    rule->verdict = judgement.verdict;
    rule->risk = judgement.risk;
    rule->reason = nsf_arena_copy(work->arena, nsf_slice_str(judgement.reason));
    nsf_rule_doubts(&work->sightings, &path, nsg_of(work), work->arena, rule);
    advise(work);
    nsf_named_sources_release(&work->named);
    nsf_rule_sightings_release(&work->sightings);
    nsf_free(work->touched);
    nsf_destination_lists_release(&work->destinations);
}

/* ---- all rules -------------------------------------------------------------------------------------------------- */

/* Rules are dealt out to hands: each of them is one thread's at a time, and has an arena of its own. */
struct hands {
    const struct nsf_rules_ask *ask;
    const struct nsf_relays *relays; /* NULL: the mail is judged already */
    struct nsf_rule_facts *facts;    /* by rule */
    struct nsf_arena *arenas;        /* by hand */
    size_t n;
};

static struct rule_work work_of(const struct hands *hands, size_t rule_idx, struct nsf_arena *arena)
{
    return (struct rule_work){
        .ask = hands->ask, .rule_idx = rule_idx, .facts = &hands->facts[rule_idx], .arena = arena};
}

/* Its mail is judged by all hands together. */
static bool is_large(const struct hands *hands, size_t rule_idx)
{
    return hands->ask->review->rules[rule_idx].n_sources >= LARGE_RULE_SOURCES;
}

static void judge_hand(void *ctx, size_t hand)
{
    const struct hands *hands = ctx;
    for (size_t i = hand; i < hands->ask->review->n_rules; i += hands->n) {
        struct rule_work work = work_of(hands, i, &hands->arenas[hand]);
        if (hands->relays == NULL)
            judge(&work);
        else if (!is_large(hands, i))
            judge_mail(&work, hands->relays, 1);
    }
}

static void judge_all(const struct nsf_rules_ask *ask, const struct nsf_relays *relays, struct nsf_rule_facts *facts,
                      unsigned jobs)
{
    struct hands hands = {.ask = ask, .relays = relays, .facts = facts, .n = jobs > 1 ? (size_t)jobs * HANDS_A_JOB : 1};
    for (size_t i = 0; i < ask->review->n_rules && relays != NULL; i++)
        if (is_large(&hands, i)) {
            struct rule_work work = work_of(&hands, i, &ask->review->arena);
            judge_mail(&work, relays, jobs);
        }
    hands.arenas = nsf_calloc(hands.n, sizeof(*hands.arenas));
    nsf_parallel(jobs, hands.n, judge_hand, &hands);
    for (size_t i = 0; i < hands.n; i++)
        nsf_arena_adopt(&ask->review->arena, &hands.arenas[i]);
    nsf_free(hands.arenas);
}

struct nsf_rule_facts *nsf_judge_mail_of_rules(const struct nsf_rules_ask *ask, unsigned jobs)
{
    struct nsf_rule_facts *facts = nsf_calloc(ask->review->n_rules + 1, sizeof(*facts));
    struct nsf_relays *relays = nsf_relays_new(ask->evidence, jobs);
    judge_all(ask, relays, facts, jobs);
    nsf_relays_free(relays);
    return facts;
}

void nsf_judge_rules(const struct nsf_rules_ask *ask, struct nsf_rule_facts *facts, unsigned jobs)
{
    judge_all(ask, NULL, facts, jobs);
}

#include "core/nsf_common.h"

#include "run/verdicts.h"

#include "core/clock.h"
#include "core/ip_sort.h"
#include "core/mem.h"
#include "core/parallel.h"
#include "evidence/elsewhere.h"
#include "judge/confidence.h"
#include "judge/facts_pack.h"
#include "judge/rule_verdict.h"
#include "run/advise.h"
#include "run/named_sources.h"
#include "run/rule_doubts.h"
#include "run/rule_mail.h"
#include "run/rule_relay.h"

struct nsf_verdicts {
    struct nsf_evidence *evidence;
    const struct nsf_lists *lists;
    struct nsf_review *review;
    struct nsf_dossier *dossier;
    struct nsf_relays *relays;                   /* until the rules are judged */
    struct nsf_packed_facts *of[NSF_PARTITIONS]; /* of every row: a source is judged once, its words are made later */
    nsf_review_source_fn *read_counts;           /* of the evidence */
    struct nsf_review_desk *desk;                /* of those who bring none */
};

/* Where one thread judges. */
struct nsf_review_desk {
    const struct nsf_verdicts *verdicts;
    struct nsf_dossier_reader reader;
    struct nsf_judgement judgement; /* of the source read last */
    char owner[NSF_LISTS_OWNER_BYTES];
};

/* ---- one source ---- */

static struct nsf_network network_of(const void *ctx, struct nsf_ip ip)
{
    struct nsf_network network;
    network.id = nsf_lists_network(ctx, ip, &network.prefix);
    return network;
}

static struct nsf_mention mention_of(const struct nsf_networks *table, const struct nsf_listed *listed)
{
    struct nsf_mention mention = {.is_listed = listed != NULL};
    if (listed == NULL)
        return mention;
    struct nsf_list_origin origin = nsf_networks_origin(table, listed->origin_idx);
    mention.name = listed->name;
    mention.list = origin.path;
    mention.date = origin.date;
    return mention;
}

static struct nsf_mention mention_in(const struct nsf_lists *lists, enum nsf_list_kind kind, struct nsf_ip ip)
{
    return mention_of(lists->of[kind], nsf_networks_find(lists->of[kind], ip));
}

static struct nsf_review_desk *new_desk(const struct nsf_verdicts *verdicts)
{
    struct nsf_review_desk *desk = nsf_calloc(1, sizeof(*desk));
    desk->verdicts = verdicts;
    nsf_dossier_reader_init(&desk->reader, verdicts->dossier);
    return desk;
}

static void free_desk(struct nsf_review_desk *desk)
{
    if (desk == NULL)
        return;
    nsf_dossier_reader_release(&desk->reader);
    nsf_free(desk);
}

static void add_mentions(const struct nsf_lists *lists, const struct nsf_lists_place *place,
                         struct nsf_sender_facts *facts)
{
    facts->sender = mention_of(place->table, place->sender);
    facts->partner = mention_in(lists, NSF_LIST_PARTNERS, facts->address);
    facts->scanner = mention_in(lists, NSF_LIST_SCANNERS, facts->address);
    facts->drop = mention_in(lists, NSF_LIST_DROP, facts->address);
}

/* `row` is one of the address, or NULL. */
static const struct nsf_judgement *judge(struct nsf_review_desk *desk, struct nsf_ip address,
                                         const struct nsf_row_ref *row, const struct nsf_lists_place *place,
                                         struct nsf_sender_facts *facts)
{
    nsf_dossier_read(&desk->reader, address, place->network_id, row, facts);
    add_mentions(desk->verdicts->lists, place, facts);
    nsf_judge_sender(facts, &desk->judgement);
    return &desk->judgement;
}

/* One address, whether it has a row in the review or not. The texts lend until the next call. */
static const struct nsf_judgement *judge_address(struct nsf_verdicts *verdicts, struct nsf_ip address,
                                                 struct nsf_sender_facts *facts)
{
    struct nsf_lists_place place = nsf_lists_place_of(verdicts->lists, address);
    return judge(verdicts->desk, address, NULL, &place, facts);
}

/* One partition; its rows are nobody else's. */
static void judge_partition(void *ctx, size_t partition)
{
    struct nsf_verdicts *verdicts = ctx;
    const struct nsf_row_finder *rows = nsf_dossier_rows(verdicts->dossier);
    uint32_t n = nsf_row_finder_count(rows, (unsigned)partition);
    struct nsf_packed_facts *of = nsf_malloc(nsf_mul_size((size_t)n + 1, sizeof(*of)));
    struct nsf_review_desk *desk = new_desk(verdicts);
    desk->judgement.is_brief = true; /* nobody reads the words of the sums */
    for (uint32_t i = 0; i < n; i++) {
        uint32_t first = nsf_row_finder_first_beside(rows, (unsigned)partition, i);
        if (first < i) {
            of[i] = of[first];
            continue;
        }
        struct nsf_sender_facts facts;
        struct nsf_ip address = nsf_row_finder_address(rows, (unsigned)partition, i);
        struct nsf_lists_place place = nsf_lists_place_of(verdicts->lists, address);
        struct nsf_row_ref row = {(uint32_t)partition, i};
        const struct nsf_judgement *judgement = judge(desk, address, &row, &place, &facts);
        of[i] = nsf_facts_pack(&facts, judgement->verdict);
    }
    free_desk(desk);
    verdicts->of[partition] = of;
}

static enum nsf_source_verdict verdict_of_row(const struct nsf_verdicts *verdicts, struct nsf_row_ref row)
{
    return (enum nsf_source_verdict)verdicts->of[row.partition][row.row_idx].verdict;
}

/* The best name that a list has for the source; the owner's own first, what databases say last. */
static struct nsf_slice name_of(struct nsf_review_desk *desk, const struct nsf_sender_facts *facts)
{
    const struct nsf_lists *lists = desk->verdicts->lists;
    const struct nsf_slice names[] = {
        facts->partner.name,
        facts->sender.name,
        facts->scanner.name,
        facts->drop.name,
        mention_in(lists, NSF_LIST_NAMES, facts->address).name,
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(names); i++)
        if (names[i].len > 0)
            return names[i];
    return lists->n_mmdb == 0 ? nsf_slice(NULL, 0) : nsf_slice_str(nsf_lists_owner(lists, facts->address, desk->owner));
}

static void read_source_at(const struct nsf_review *review, struct nsf_review_desk *desk, size_t rule_idx,
                           uint64_t source_idx, struct nsf_mail_source *source)
{
    const struct nsf_verdicts *verdicts = desk->verdicts;
    verdicts->read_counts(review, rule_idx, source_idx, source);
    struct nsf_row_ref row;
    if (!nsf_evidence_row_at(review, rule_idx, source_idx, &row))
        return;
    struct nsf_lists_place place = nsf_lists_place_of(verdicts->lists, source->address);
    const struct nsf_judgement *judgement = &desk->judgement;
    struct nsf_sender_facts facts;
    nsf_dossier_counts(verdicts->dossier, row, &facts);
    nsf_facts_unpack(verdicts->of[row.partition][row.row_idx], &facts);
    add_mentions(verdicts->lists, &place, &facts);
    nsf_judge_sender(&facts, &desk->judgement);
    source->network = place.network;
    source->name = name_of(desk, &facts);
    source->verdict = judgement->verdict;
    source->score_tenths = judgement->score_tenths;
    source->evidence = judgement->lines;
    source->n_evidence = judgement->n_lines;
}

static void read_source(const struct nsf_review *review, size_t rule_idx, uint64_t source_idx,
                        struct nsf_mail_source *source)
{
    const struct nsf_verdicts *verdicts = review->judge;
    read_source_at(review, verdicts->desk, rule_idx, source_idx, source);
}

static void read_source_briefly(const struct nsf_review *review, size_t rule_idx, uint64_t source_idx,
                                struct nsf_mail_source *source)
{
    const struct nsf_verdicts *verdicts = review->judge;
    struct nsf_row_ref row;
    verdicts->read_counts(review, rule_idx, source_idx, source);
    if (!nsf_evidence_row_at(review, rule_idx, source_idx, &row))
        return;
    source->verdict = verdict_of_row(verdicts, row);
}

static struct nsf_review_desk *desk_of_review(const struct nsf_review *review)
{
    return new_desk(review->judge);
}

static const struct nsf_review_desks desks = {desk_of_review, free_desk, read_source_at};

static void read_address(const struct nsf_review *review, struct nsf_ip address, struct nsf_address_profile *profile)
{
    const struct nsf_verdicts *verdicts = review->judge;
    struct nsf_review_desk *desk = verdicts->desk;
    *profile = (struct nsf_address_profile){0};
    struct nsf_lists_place place = nsf_lists_place_of(verdicts->lists, address);
    const struct nsf_judgement *judgement = judge(desk, address, NULL, &place, &profile->facts);
    profile->mx = mention_in(verdicts->lists, NSF_LIST_MX, address);
    profile->names = mention_in(verdicts->lists, NSF_LIST_NAMES, address);
    profile->source = (struct nsf_mail_source){.address = address,
                                               .network = place.network,
                                               .name = name_of(desk, &profile->facts),
                                               .cross = nsf_evidence_cross(verdicts->evidence, address),
                                               .verdict = judgement->verdict,
                                               .score_tenths = judgement->score_tenths,
                                               .evidence = judgement->lines,
                                               .n_evidence = judgement->n_lines};
}

/* ---- what the sources of one rule add up to ---- */

struct rule_sources {
    struct nsf_verdicts *verdicts;
    struct nsf_rule_facts *facts;
    uint32_t finding_idx;
    struct nsf_rule_mail mail;
    struct nsf_rule_sightings sightings;
    struct nsf_named_sources named;
    struct nsf_touched *touched;
    size_t n_touched;
    size_t capacity;
    struct nsf_destination_lists destinations; /* of those with mail */
    uint64_t mail_beside_mx;
    struct nsf_rule_relay *relay;
};

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

static void touch(struct rule_sources *sources, const struct nsf_mail_source *source)
{
    uint64_t messages = source->classes[NSF_CLASS_MESSAGE];
    uint32_t list = 0;
    if (messages > 0 || nsf_ip_is_private(source->address))
        list = nsf_destination_lists_add(&sources->destinations, source->destinations, (uint8_t)source->n_destinations,
                                         source->destinations_more > 0);
    NSF_GROW(sources->touched, sources->capacity, sources->n_touched + 1);
    sources->touched[sources->n_touched++] = (struct nsf_touched){
        .address = source->address,
        .messages = messages > UINT32_MAX ? UINT32_MAX : (uint32_t)messages,
        .verdict = source->verdict & 15u,
        .destinations = list & 0xfffffffu,
    };
}

static void add_source(struct rule_sources *sources, const struct nsf_mail_source *source)
{
    struct nsf_rule_facts *facts = sources->facts;
    uint64_t messages = source->classes[NSF_CLASS_MESSAGE];
    bool is_hostile = nsf_source_is_hostile(source->verdict);
    facts->by_verdict[source->verdict]++;
    nsf_rule_sight(&sources->sightings, source);
    nsf_named_sources_see(&sources->named, source);
    facts->hostile_connections += is_hostile ? source->connections : 0;
    facts->drop_listed_sources +=
        nsf_networks_find(sources->verdicts->lists->of[NSF_LIST_DROP], source->address) != NULL;
    if (is_beside_mx(sources->verdicts->lists, source))
        sources->mail_beside_mx += messages;
    if (!is_hostile || messages > 0 || nsf_ip_is_private(source->address))
        touch(sources, source);
}

static void add_sent(void *ctx, const struct nsf_sent *sent)
{
    struct rule_sources *sources = ctx;
    enum nsf_source_verdict verdict = verdict_of_row(sources->verdicts, sent->row);
    nsf_rule_mail_add(&sources->mail, sent, verdict);
    if (sent->messages > 0 && !nsf_source_is_sender(verdict))
        nsf_rule_relay_suspect(sources->relay, sent);
}

static int64_t window_ms(const struct nsf_review *review)
{
    return review->window_from_ms == NSF_TS_NONE ? 0 : review->window_to_ms - review->window_from_ms;
}

static void collect_sources(struct rule_sources *sources, const struct nsf_review *review, size_t rule_idx)
{
    struct nsf_mail_source source;
    for (uint64_t i = 0; i < review->rules[rule_idx].n_sources; i++) {
        nsf_review_source_brief(review, rule_idx, i, &source);
        if (source.is_rest)
            continue;
        add_source(sources, &source);
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
    struct rule_sources *sources = ctx;
    enum nsf_source_verdict verdict = verdict_of_row(sources->verdicts, source->row);
    if (nsf_source_is_hostile(verdict) || verdict == NSF_SOURCE_HEALTH_PROBE || nsf_ip_is_private(source->address) ||
        nsf_elsewhere_is_own(sources->verdicts->evidence, sources->finding_idx, source->address))
        return;
    NSF_GROW(sources->touched, sources->capacity, sources->n_touched + 1);
    sources->touched[sources->n_touched++] = (struct nsf_touched){.address = source->address, .verdict = verdict & 15u};
}

/* One source of several rules came several times. */
static void join_elsewhere(struct rule_sources *sources, size_t n_own)
{
    size_t n = n_own;
    if (sources->n_touched > n_own)
        nsf_ip_sort(sources->touched + n_own, sources->n_touched - n_own, sizeof(*sources->touched));
    for (size_t i = n_own; i < sources->n_touched; i++)
        if (n == n_own || !nsf_ip_eq(sources->touched[n - 1].address, sources->touched[i].address))
            sources->touched[n++] = sources->touched[i];
    sources->n_touched = n;
    sources->facts->senders_elsewhere = n - n_own;
}

static void collect_elsewhere(struct rule_sources *sources)
{
    size_t n_own = sources->n_touched;
    nsf_elsewhere_each(sources->verdicts->evidence, sources->finding_idx, add_elsewhere, sources);
    join_elsewhere(sources, n_own);
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

/* What the mail of the rule adds up to. It is let go before the sources are gone through: both can be large. */
static void judge_mail(struct rule_sources *sources, struct nsf_review *review, struct nsf_review_rule *rule)
{
    struct nsf_verdicts *verdicts = sources->verdicts;
    struct nsf_rule_facts *facts = sources->facts;
    struct nsf_rule_mail *mail = &sources->mail;
    sources->relay = nsf_rule_relay_new(verdicts->relays, rule->finding_idx,
                                        (uint32_t)(window_ms(review) / NSF_MS_PER_DAY), rule->coverage.is_logged);
    nsf_dossier_each_sent(verdicts->dossier, rule->finding_idx, add_sent, sources);
    nsf_rule_mail_finish(mail);
    facts->sender_messages = mail->sender_messages;
    facts->spam_messages = mail->spam_messages;
    facts->sender_networks = mail->n_networks;
    facts->sender_networks_in_7_days = nsf_rule_mail_networks_in_7_days(mail);
    facts->has_fan_out = nsf_rule_relay_finish(sources->relay, &review->arena, rule);
    facts->relay = rule->relay;
    rule->break_risk_permille = break_risk_of(review, mail, facts);
    nsf_rule_mail_release(mail);
    nsf_rule_relay_free(sources->relay);
}

/* What is told without going through the sources of the rule. */
static void begin_rule(struct nsf_verdicts *verdicts, size_t rule_idx, struct nsf_rule_facts *facts)
{
    struct nsf_review *review = verdicts->review;
    struct nsf_review_rule *rule = &review->rules[rule_idx];
    struct rule_sources sources = {.verdicts = verdicts, .facts = facts, .finding_idx = rule->finding_idx};
    rule->confidence = confidence_of(review, rule);
    fill_exposure(review->scan, &review->scan->findings[rule->finding_idx], facts);
    fill_traffic(review, rule, facts);
    judge_mail(&sources, review, rule);
}

static void judge_rule(struct nsf_verdicts *verdicts, size_t rule_idx, struct nsf_rule_facts *facts)
{
    struct nsf_review *review = verdicts->review;
    struct nsf_review_rule *rule = &review->rules[rule_idx];
    const struct nsf_finding *finding = &review->scan->findings[rule->finding_idx];
    struct nsf_rule_judgement judgement;
    struct rule_sources sources = {.verdicts = verdicts, .facts = facts, .finding_idx = rule->finding_idx};
    struct nsf_rule_path path;
    char changed_day[NSF_TIME_TEXT_BYTES];
    nsf_rule_path_read(verdicts->evidence, review->scan, finding, &rule->coverage, &path);
    facts->has_dark_path = path.dark != NULL;
    facts->has_mail_elsewhere = nsf_evidence_has_mail_elsewhere(verdicts->evidence, finding->nsg_idx);
    nsf_rule_sightings_init(&sources.sightings, &review->scan->nsgs[finding->nsg_idx]);
    nsf_named_sources_init(&sources.named, finding);
    collect_sources(&sources, review, rule_idx);
    nsf_named_sources_tell(&sources.named, finding->rule, &review->arena, rule);
    collect_elsewhere(&sources);
    if (rule->coverage.evidence_from_ms != NSF_TS_NONE)
        facts->changed_on = nsf_time_format_day(nsf_time_day(rule->coverage.evidence_from_ms), changed_day);
    facts->is_masked = is_any_source(finding) && nsf_rule_is_masked(&sources.sightings, facts->connections);
    nsf_judge_rule(facts, &judgement);
    rule->verdict = judgement.verdict;
    rule->risk = judgement.risk;
    rule->reason = nsf_arena_copy(&review->arena, nsf_slice_str(judgement.reason));
    nsf_rule_doubts(&sources.sightings, &path, &review->scan->nsgs[finding->nsg_idx], &review->arena, rule);
    nsf_ip_sort(sources.touched, sources.n_touched, sizeof(*sources.touched));
    nsf_advise(&(struct nsf_advise_ask){.lists = verdicts->lists,
                                        .finding = finding,
                                        .nsg = &review->scan->nsgs[finding->nsg_idx],
                                        .touched = sources.touched,
                                        .n_touched = sources.n_touched,
                                        .destinations = &sources.destinations,
                                        .has_counters = facts->has_counters,
                                        .mail_beside_mx = sources.mail_beside_mx},
               &review->arena, rule);
    nsf_named_sources_release(&sources.named);
    nsf_rule_sightings_release(&sources.sightings);
    nsf_free(sources.touched);
    nsf_destination_lists_release(&sources.destinations);
}

/* ---- the whole ---- */

static int cmp_rules(const void *left, const void *right, void *ctx)
{
    const struct nsf_scan *scan = ctx;
    const struct nsf_review_rule *a = left, *b = right;
    struct nsf_queue_key key_a = {a->verdict, a->risk, a->confidence, a->break_risk_permille};
    struct nsf_queue_key key_b = {b->verdict, b->risk, b->confidence, b->break_risk_permille};
    const struct nsf_finding *finding_a = &scan->findings[a->finding_idx], *finding_b = &scan->findings[b->finding_idx];
    int order = nsf_queue_cmp(&key_a, &key_b);
    if (order == 0)
        order = nsf_slice_cmp_nocase(scan->nsgs[finding_a->nsg_idx].id, scan->nsgs[finding_b->nsg_idx].id);
    return order != 0 ? order : nsf_slice_cmp_nocase(finding_a->rule, finding_b->rule);
}

static int cmp_retrying(const void *left, const void *right)
{
    const struct nsf_retrying_sender *a = left, *b = right;
    int order = nsf_ip_cmp(a->address, b->address);
    return order != 0 ? order : nsf_ip_cmp(a->destination, b->destination);
}

/* Those that nothing hostile is known of: mail that is refused today. */
static void fill_retrying(struct nsf_verdicts *verdicts)
{
    const struct nsf_retrying_sender *all;
    struct nsf_denied *denied = &verdicts->review->denied;
    size_t n = nsf_dossier_retrying(verdicts->dossier, &all);
    denied->retrying = nsf_arena_zalloc(&verdicts->review->arena, n + 1, sizeof(*denied->retrying));
    for (size_t i = 0; i < n; i++) {
        struct nsf_sender_facts facts;
        const struct nsf_judgement *judgement = judge_address(verdicts, all[i].address, &facts);
        if (!judgement->has_hostile_evidence && !nsf_ip_is_health_probe(all[i].address))
            denied->retrying[denied->n_retrying++] = all[i];
    }
    if (denied->n_retrying > 1)
        qsort(denied->retrying, denied->n_retrying, sizeof(*denied->retrying), cmp_retrying);
}

/* With ten million sources each of the three needs all the memory there is, so each forgets what was only there for the
 * one before. */
static void judge_rules(struct nsf_verdicts *verdicts, bool tells_addresses)
{
    struct nsf_review *review = verdicts->review;
    struct nsf_rule_facts *facts = nsf_calloc(review->n_rules, sizeof(*facts));
    fill_retrying(verdicts);
    if (!tells_addresses)
        nsf_dossier_forget_networks(verdicts->dossier);
    for (size_t i = 0; i < review->n_rules; i++)
        begin_rule(verdicts, i, &facts[i]);
    if (!tells_addresses)
        nsf_dossier_forget_connections(verdicts->dossier);
    for (size_t i = 0; i < review->n_rules; i++)
        judge_rule(verdicts, i, &facts[i]);
    nsf_free(facts);
}

struct nsf_verdicts *nsf_verdicts_new(struct nsf_evidence *evidence, const struct nsf_lists *lists,
                                      struct nsf_review *review, unsigned jobs, bool tells_addresses)
{
    struct nsf_verdicts *verdicts = nsf_calloc(1, sizeof(*verdicts));
    struct nsf_dossier_ask ask = {.network_of = network_of, .ctx = lists};
    verdicts->evidence = evidence;
    verdicts->lists = lists;
    verdicts->review = review;
    verdicts->dossier = nsf_dossier_new(evidence, &ask);
    verdicts->desk = new_desk(verdicts);
    verdicts->read_counts = review->read_source;
    review->read_source = read_source;
    review->read_brief = read_source_briefly;
    review->desks = &desks;
    review->read_address = tells_addresses ? read_address : NULL;
    review->judge = verdicts;
    nsf_parallel(jobs, NSF_PARTITIONS, judge_partition, verdicts);
    verdicts->desk->judgement.is_brief = true; /* nobody reads the words of the sums */
    verdicts->relays = nsf_relays_new(evidence, jobs);
    judge_rules(verdicts, tells_addresses);
    nsf_relays_free(verdicts->relays);
    verdicts->relays = NULL;
    verdicts->desk->judgement.is_brief = false;
    if (review->n_rules > 1)
        qsort_r(review->rules, review->n_rules, sizeof(*review->rules), cmp_rules, (void *)(uintptr_t)review->scan);
    return verdicts;
}

void nsf_verdicts_free(struct nsf_verdicts *verdicts)
{
    if (verdicts == NULL)
        return;
    free_desk(verdicts->desk);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        nsf_free(verdicts->of[p]);
    nsf_dossier_free(verdicts->dossier);
    nsf_free(verdicts);
}

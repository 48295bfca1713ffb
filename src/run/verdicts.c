#include "core/nsf_common.h"

#include "run/verdicts.h"

#include "core/clock.h"
#include "core/mem.h"
#include "core/parallel.h"
#include "judge/facts_pack.h"
#include "judge/rule_verdict.h"
#include "run/judge_rules.h"

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

/* A row that is judged soon; the networks of the rows lie anywhere, and those of the next ones are fetched meanwhile.
 */
struct row_ahead {
    uint32_t first; /* row of the same address: judged already, unless it is this one */
    struct nsf_ip address;
    struct nsf_lists_place place;
};
#define ROWS_AHEAD 16u

static void look_ahead(const struct nsf_verdicts *verdicts, unsigned partition, uint32_t row_idx,
                       struct row_ahead *ahead)
{
    const struct nsf_row_finder *rows = nsf_dossier_rows(verdicts->dossier);
    ahead->first = nsf_row_finder_first_beside(rows, partition, row_idx);
    if (ahead->first < row_idx)
        return;
    ahead->address = nsf_row_finder_address(rows, partition, row_idx);
    ahead->place = nsf_lists_place_of(verdicts->lists, ahead->address);
    nsf_dossier_expect(verdicts->dossier, 0, ahead->place.network_id);
}

/* Rows that are nearer, in a ring of rows ahead. */
static void look_closer(const struct nsf_verdicts *verdicts, const struct row_ahead *ring, uint32_t row_idx, uint32_t n)
{
    for (unsigned step = 1; step < NSF_DOSSIER_STEPS; step++) {
        uint32_t at = row_idx + (ROWS_AHEAD >> step);
        const struct row_ahead *ahead = &ring[at % ROWS_AHEAD];
        if (at < n && ahead->first == at)
            nsf_dossier_expect(verdicts->dossier, step, ahead->place.network_id);
    }
}

/* One partition; its rows are nobody else's. */
static void judge_partition(void *ctx, size_t partition)
{
    struct nsf_verdicts *verdicts = ctx;
    uint32_t n = nsf_row_finder_count(nsf_dossier_rows(verdicts->dossier), (unsigned)partition);
    struct nsf_packed_facts *of = nsf_malloc(nsf_mul_size((size_t)n + 1, sizeof(*of)));
    struct nsf_review_desk *desk = new_desk(verdicts);
    struct row_ahead ahead[ROWS_AHEAD]; /* a ring */
    desk->judgement.is_brief = true;    /* nobody reads the words of the sums */
    for (uint32_t i = 0; i < n && i < ROWS_AHEAD; i++)
        look_ahead(verdicts, (unsigned)partition, i, &ahead[i]);
    for (uint32_t i = 0; i < n; i++) {
        struct row_ahead own = ahead[i % ROWS_AHEAD];
        if (i + ROWS_AHEAD < n)
            look_ahead(verdicts, (unsigned)partition, i + ROWS_AHEAD, &ahead[i % ROWS_AHEAD]);
        look_closer(verdicts, ahead, i, n);
        if (own.first < i) {
            of[i] = of[own.first];
            continue;
        }
        struct nsf_sender_facts facts;
        struct nsf_row_ref row = {(uint32_t)partition, i};
        const struct nsf_judgement *judgement = judge(desk, own.address, &row, &own.place, &facts);
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

/* Sources are mostly read one after the other, and what was judged of them lies anywhere. */
static void expect_next(const struct nsf_verdicts *verdicts, const struct nsf_review *review, size_t rule_idx,
                        uint64_t source_idx)
{
    struct nsf_row_ref row;
    if (nsf_evidence_row_at(review, rule_idx, source_idx + ROWS_AHEAD, &row))
        __builtin_prefetch(&verdicts->of[row.partition][row.row_idx]);
}

static void read_source_at(const struct nsf_review *review, struct nsf_review_desk *desk, size_t rule_idx,
                           uint64_t source_idx, struct nsf_mail_source *source)
{
    const struct nsf_verdicts *verdicts = desk->verdicts;
    verdicts->read_counts(review, rule_idx, source_idx, source);
    struct nsf_row_ref row;
    if (!nsf_evidence_row_at(review, rule_idx, source_idx, &row))
        return;
    expect_next(verdicts, review, rule_idx, source_idx);
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
    expect_next(verdicts, review, rule_idx, source_idx);
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
static void judge_rules(struct nsf_verdicts *verdicts, bool tells_addresses, unsigned jobs)
{
    const struct nsf_rules_ask ask = {.evidence = verdicts->evidence,
                                      .lists = verdicts->lists,
                                      .dossier = verdicts->dossier,
                                      .of = verdicts->of,
                                      .review = verdicts->review};
    fill_retrying(verdicts);
    if (!tells_addresses)
        nsf_dossier_forget_networks(verdicts->dossier);
    struct nsf_rule_facts *facts = nsf_judge_mail_of_rules(&ask, jobs);
    if (!tells_addresses)
        nsf_dossier_forget_connections(verdicts->dossier);
    nsf_judge_rules(&ask, facts, jobs);
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
    judge_rules(verdicts, tells_addresses, jobs);
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

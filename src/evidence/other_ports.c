#include "core/nsf_common.h"

#include "evidence/other_ports.h"

#include "core/pair_list.h"
#include "core/radix_sort.h"
#include "evidence/evidence_state.h"

#define PROTOCOLS 256u
/* A row of a port by partition and number. */
#define REF_PARTITION_SHIFT 28
#define REF_ROW_MASK ((UINT32_C(1) << REF_PARTITION_SHIFT) - 1)

struct filling {
    const struct nsf_evidence *evidence;
    struct nsf_pair_list of_target; /* (target, reference of a port row) */
    uint8_t ranks[PROTOCOLS];       /* where each protocol stands among their names */
    struct nsf_other_port *ports;   /* of one rule, in all partitions */
    size_t ports_capacity;
    struct nsf_keyed *order; /* of these, or of their rows */
    size_t order_capacity;
    uint32_t *rest_of[NSF_PARTITIONS]; /* the rule of a port row that is in its rest; NULL: no rule has any */
};

/* ---- order ---- */

/* "tcp", "udp", or the number: numbers sort before the names, and among themselves as text. */
static const char *name_of(unsigned protocol, char number[4])
{
    snprintf(number, 4, "%u", protocol & UINT8_MAX);
    return protocol == NSF_PROTOCOL_TCP ? "tcp" : protocol == NSF_PROTOCOL_UDP ? "udp" : number;
}

static int cmp_names(const void *left, const void *right)
{
    char a[4], b[4];
    return strcmp(name_of(*(const uint8_t *)left, a), name_of(*(const uint8_t *)right, b));
}

static void rank_protocols(uint8_t ranks[PROTOCOLS])
{
    uint8_t protocols[PROTOCOLS];
    for (unsigned i = 0; i < PROTOCOLS; i++)
        protocols[i] = (uint8_t)i;
    qsort(protocols, PROTOCOLS, sizeof(*protocols), cmp_names);
    for (unsigned i = 0; i < PROTOCOLS; i++)
        ranks[protocols[i]] = (uint8_t)i;
}

/* ---- one rule ---- */

static const struct nsf_target_port *row_of(const struct nsf_evidence *evidence, uint32_t ref)
{
    return &evidence->partitions[ref >> REF_PARTITION_SHIFT].contacts.ports[ref & REF_ROW_MASK];
}

/* Ascends as the report lists them. */
static uint32_t key_of(const struct filling *filling, uint8_t protocol, uint16_t port)
{
    return (uint32_t)filling->ranks[protocol] << 16 | port;
}

/* The ports of a rule, ascending by key; how many. */
static size_t collect_ports(struct filling *filling, struct nsf_pair_range rows)
{
    size_t n = 0;
    NSF_GROW(filling->ports, filling->ports_capacity, rows.n);
    NSF_GROW(filling->order, filling->order_capacity, rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        uint32_t ref = nsf_pair_second(rows, i);
        const struct nsf_target_port *row = row_of(filling->evidence, ref);
        filling->order[i] = (struct nsf_keyed){key_of(filling, row->protocol, row->port), ref};
    }
    nsf_radix_sort_keyed(filling->order, rows.n, NULL);
    for (size_t i = 0; i < rows.n; i++) {
        const struct nsf_target_port *row = row_of(filling->evidence, (uint32_t)filling->order[i].ref);
        if (i == 0 || filling->order[i].key != filling->order[i - 1].key)
            filling->ports[n++] = (struct nsf_other_port){.protocol = row->protocol, .port = row->port};
        filling->ports[n - 1].tuples += row->tuples;
        filling->ports[n - 1].sources += row->sources;
    }
    return n;
}

static int cmp_refs(const void *left, const void *right)
{
    const struct nsf_keyed *a = left, *b = right;
    return (a->ref > b->ref) - (a->ref < b->ref);
}

/* Puts the numbers of those of n ports that have most tuples, ascending, in front of `order`, and the others behind
 * them; of ports with as many tuples the first ones are listed. Returns how many are. */
static size_t choose_listed(struct filling *filling, size_t n)
{
    size_t n_listed = n < NSF_OTHER_PORTS_MAX ? n : NSF_OTHER_PORTS_MAX;
    for (size_t i = 0; i < n; i++)
        filling->order[i] = (struct nsf_keyed){UINT64_MAX - filling->ports[i].tuples, i};
    nsf_radix_sort_keyed(filling->order, n, NULL);
    qsort(filling->order, n_listed, sizeof(*filling->order), cmp_refs);
    return n_listed;
}

static uint32_t *make_rest(const struct nsf_contacts_table *table)
{
    uint32_t *rest_of = nsf_malloc(nsf_mul_size((size_t)table->n_ports + 1, sizeof(*rest_of)));
    for (uint32_t i = 0; i < table->n_ports; i++)
        rest_of[i] = NSF_INDEX_NONE;
    return rest_of;
}

static bool is_listed(const struct filling *filling, const struct nsf_review_rule *rule, uint32_t key)
{
    size_t from = 0, to = rule->n_other_ports;
    while (from < to) {
        size_t half = from + (to - from) / 2;
        if (key_of(filling, rule->other_ports[half].protocol, rule->other_ports[half].port) < key)
            from = half + 1;
        else
            to = half;
    }
    return from < rule->n_other_ports &&
           key_of(filling, rule->other_ports[from].protocol, rule->other_ports[from].port) == key;
}

/* The rows whose ports are not listed. */
static void mark_rest(struct filling *filling, struct nsf_pair_range rows, uint32_t target,
                      const struct nsf_review_rule *rule)
{
    for (size_t i = 0; i < rows.n; i++) {
        uint32_t ref = nsf_pair_second(rows, i), p = ref >> REF_PARTITION_SHIFT;
        const struct nsf_target_port *row = row_of(filling->evidence, ref);
        if (is_listed(filling, rule, key_of(filling, row->protocol, row->port)))
            continue;
        if (filling->rest_of[p] == NULL)
            filling->rest_of[p] = make_rest(&filling->evidence->partitions[p].contacts);
        filling->rest_of[p][ref & REF_ROW_MASK] = target;
    }
}

static void fill_rule(struct filling *filling, uint32_t target, struct nsf_arena *arena, struct nsf_review_rule *rule)
{
    struct nsf_pair_range rows = nsf_pair_list_of(&filling->of_target, target);
    struct nsf_other_port rest = {.is_rest = true};
    if (rows.n == 0)
        return;
    size_t n = collect_ports(filling, rows), n_listed = choose_listed(filling, n);
    rule->other_ports = nsf_arena_alloc(arena, (n_listed + 1) * sizeof(*rule->other_ports));
    for (size_t i = 0; i < n_listed; i++)
        rule->other_ports[rule->n_other_ports++] = filling->ports[filling->order[i].ref];
    if (n_listed == n)
        return;
    mark_rest(filling, rows, target, rule);
    for (size_t i = n_listed; i < n; i++)
        rest.tuples += filling->ports[filling->order[i].ref].tuples;
    rule->other_ports[rule->n_other_ports++] = rest;
}

/* ---- all rules ---- */

/* (target, row of its other ports in some partition) */
static struct nsf_pair_list list_ports(const struct nsf_evidence *evidence)
{
    struct nsf_pair_list list = {.items = NULL};
    for (uint32_t p = 0; p < NSF_PARTITIONS; p++)
        for (uint32_t i = 0; i < evidence->partitions[p].contacts.n_ports; i++)
            nsf_pair_list_add(&list, evidence->partitions[p].contacts.ports[i].target, p << REF_PARTITION_SHIFT | i);
    nsf_pair_list_finish(&list);
    return list;
}

/* Distinct sources of the ports that have no row of their own, in one walk for all rules. */
static void fill_rest_sources(struct filling *filling, struct nsf_review *review)
{
    uint64_t *n_sources = nsf_calloc(review->n_rules + 1, sizeof(*n_sources));
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        if (filling->rest_of[p] != NULL)
            nsf_contacts_count_users(&filling->evidence->partitions[p].contacts, filling->rest_of[p], n_sources);
    for (size_t i = 0; i < review->n_rules; i++)
        if (n_sources[i] > 0)
            review->rules[i].other_ports[review->rules[i].n_other_ports - 1].sources = n_sources[i];
    nsf_free(n_sources);
}

void nsf_other_ports_fill(const struct nsf_evidence *evidence, struct nsf_review *review)
{
    struct filling filling = {.evidence = evidence, .of_target = list_ports(evidence)};
    rank_protocols(filling.ranks);
    for (uint32_t i = 0; i < review->n_rules; i++)
        fill_rule(&filling, i, &review->arena, &review->rules[i]);
    fill_rest_sources(&filling, review);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        nsf_free(filling.rest_of[p]);
    nsf_free(filling.ports);
    nsf_free(filling.order);
    nsf_pair_list_release(&filling.of_target);
}

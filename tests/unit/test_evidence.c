#include "core/nsf_common.h"

#include "evidence/evidence.h"

#include "core/clock.h"
#include "envelope/envelope.h"
#include "judge/connection_class.h"
#include "support/nsf_test.h"

/* Logs are written as text and read by the envelope, so that what is tested is what a review does. */

#define NSG "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/n"
#define T0 INT64_C(1767225600000) /* 2026-01-01T00:00Z */

static struct nsf_scan_rule rules[] = {
    {.name = {"smtp", 4}, .role = NSF_RULE_ROLE_FINDING, .is_allow = true, .priority = 100},
    {.name = {"web", 3}, .role = NSF_RULE_ROLE_OTHER, .priority = 200},
};
static struct nsf_scan_nsg nsgs[] = {{.id = {NSG, sizeof(NSG) - 1}, .name = {"n", 1}, .rules = rules, .n_rules = 2}};
static struct nsf_finding findings[] = {{.rule = {"smtp", 4}, .priority = 100, .verdict = NSF_EXPOSURE_EXPOSED}};
static const struct nsf_scan scan = {.nsgs = nsgs, .n_nsgs = 1, .findings = findings, .n_findings = 1, .port = 25};

struct world {
    struct nsf_scopes *scopes;
    struct nsf_envelope *envelope;
    struct nsf_evidence *evidence;
    struct nsf_batch *batch;
    struct nsf_review review;
};

static void world_init_limited(struct world *world, int64_t since_ms, int64_t until_ms, uint64_t max_sources)
{
    *world = (struct world){.scopes = nsf_scopes_new(), .batch = nsf_batch_new()};
    struct nsf_envelope_options envelope_options = {.scopes = world->scopes, .seed = 1};
    world->envelope = nsf_envelope_new(&envelope_options);
    struct nsf_evidence_options options = {
        .since_ms = since_ms,
        .until_ms = until_ms,
        .classify = nsf_connection_class_of,
        .max_sources = max_sources,
    };
    world->evidence = nsf_evidence_new(&scan, world->scopes, &options);
}

static void world_init(struct world *world, int64_t since_ms, int64_t until_ms)
{
    world_init_limited(world, since_ms, until_ms, 0);
}

static void world_release(struct world *world)
{
    nsf_arena_release(&world->review.arena);
    nsf_problems_release(&world->review.inputs.problems);
    nsf_evidence_free(world->evidence);
    nsf_envelope_free(world->envelope);
    nsf_batch_free(world->batch);
    nsf_scopes_free(world->scopes);
}

/* One blob. */
static void feed(struct world *world, const char *text)
{
    size_t capacity, len = strlen(text);
    nsf_batch_reset(world->batch);
    nsf_envelope_begin(world->envelope, 0, NSF_PLACE_START);
    char *room = nsf_envelope_room(world->envelope, &capacity);
    assert_true(len <= capacity);
    memcpy(room, text, len);
    nsf_envelope_commit(world->envelope, len, world->batch);
    nsf_envelope_finish(world->envelope, world->batch);
    nsf_evidence_admit(world->evidence, world->batch, S("blob"));
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        nsf_evidence_take(world->evidence, &(const struct nsf_batch *){world->batch}, 1, p);
}

static const struct nsf_review *finish(struct world *world)
{
    nsf_evidence_finish(world->evidence, &world->review);
    return &world->review;
}

/* A virtual network record with tuples under one rule, a minute of January 2026, in a blob of its own. */
static const char *record4(const char *flow_log, const char *minute, const char *rule, const char *tuples)
{
    static char text[4096];
    snprintf(text, sizeof(text),
             "{\"records\":[{\"time\":\"2026-01-%s:30.0000000Z\",\"flowLogVersion\":4,\"flowLogResourceID\":\"%s\","
             "\"macAddress\":\"00224871C205\",\"category\":\"FlowLogFlowEvent\",\"flowRecords\":{\"flows\":[{\"aclID\":"
             "\"" NSG "\",\"flowGroups\":[{\"rule\":\"%s\",\"flowTuples\":[%s]}]}]}}]}",
             minute, flow_log, rule, tuples);
    return text;
}

static const char *record2(const char *minute, const char *tuples)
{
    static char text[4096];
    snprintf(text, sizeof(text),
             "{\"records\":[{\"time\":\"2026-01-%s:30.0000000Z\",\"macAddress\":\"00224871C205\",\"category\":"
             "\"NetworkSecurityGroupFlowEvent\",\"resourceId\":\"" NSG "\",\"properties\":{\"Version\":2,\"flows\":[{"
             "\"rule\":\"UserRule_smtp\",\"flows\":[{\"mac\":\"00224871C205\",\"flowTuples\":[%s]}]}]}}]}",
             minute, tuples);
    return text;
}

#define MESSAGE4                                                                                                       \
    "\"1767225600000,9.9.9.9,10.0.0.4,4000,25,6,I,B,NX,0,0,0,0\","                                                     \
    "\"1767225601000,9.9.9.9,10.0.0.4,4000,25,6,I,E,NX,12,2500,11,900\""

static void test_counts(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NSF_TS_NONE, NSF_TS_NONE);
    feed(&world, record4("fl", "01T00:00", "UserRule_smtp",
                         MESSAGE4 ",\"1767225602000,9.9.9.9,10.0.0.4,4001,443,6,I,B,NX,0,0,0,0\","
                                  "\"1767225603000,8.8.8.8,10.0.0.4,4001,25,6,I,D,NX,0,0,0,0\",\"nonsense\""));
    feed(&world,
         record4("fl", "01T00:01", "UserRule_web", "\"1767225660000,9.9.9.9,10.0.0.4,5000,25,6,I,B,NX,0,0,0,0\""));
    const struct nsf_review *review = finish(&world);
    assert_int_equal(review->inputs.records, 2);
    assert_int_equal(review->inputs.tuples, 6);
    assert_int_equal(review->inputs.tuples_bad, 1);
    assert_int_equal(review->inputs.smtp_allowed, 3);
    assert_int_equal(review->inputs.smtp_denied, 1);
    assert_int_equal(review->denied.sources, 1);
    const struct nsf_review_rule *rule = &review->rules[0];
    assert_int_equal(rule->traffic.connections, 1);
    assert_int_equal(rule->traffic.tuples, 2);
    assert_int_equal(rule->traffic.classes[NSF_CLASS_MESSAGE], 1);
    assert_int_equal(rule->traffic.counters.bytes_in, 2500);
    assert_int_equal(rule->n_other_ports, 1);
    assert_int_equal(rule->other_ports[0].port, 443);
    assert_int_equal(rule->coverage.hours_expected, 1);
    assert_int_equal(rule->coverage.hours_seen, 1);
    struct nsf_mail_source source;
    nsf_review_source(review, 0, 0, &source);
    assert_true(nsf_ip_is_v4(source.address) && nsf_ip_to_v4(source.address) == 0x09090909);
    assert_int_equal(source.cross.other_contacts, 1);
    assert_int_equal(source.n_destinations, 1);
    assert_int_equal(review->n_unmatched, 1);
    assert_string_equal(review->unmatched[0].reason, "not_exposing");
    assert_slice_equal(review->unmatched[0].rule, "UserRule_web");
    assert_slice_equal(review->unmatched[0].nsg, NSG);
    assert_int_equal(review->inputs.problems.n, 1);
    world_release(&world);
}

static void test_repeated_record_counts_once(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NSF_TS_NONE, NSF_TS_NONE);
    feed(&world, record4("fl", "01T00:00", "UserRule_smtp", MESSAGE4));
    feed(&world, record4("fl", "01T00:00", "UserRule_smtp", MESSAGE4));
    /* one byte more makes it another record, and its end another connection */
    feed(&world, record4("fl", "01T00:00", "UserRule_smtp", MESSAGE4 " "));
    const struct nsf_review *review = finish(&world);
    assert_int_equal(review->inputs.records, 2);
    assert_int_equal(review->inputs.records_duplicate, 1);
    assert_int_equal(review->inputs.smtp_allowed, 4);
    world_release(&world);
}

static void test_late_stamp_takes_the_newest(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NSF_TS_NONE, NSF_TS_NONE);
    feed(&world, record4("fl", "01T00:00", "UserRule_smtp",
                         "\"1767225600000,9.9.9.9,10.0.0.4,4000,25,6,I,B,NX,0,0,0,0\","
                         "\"1767225590000,9.9.9.9,10.0.0.4,4000,25,6,I,E,NX,12,2500,11,900\""));
    const struct nsf_review *review = finish(&world);
    assert_int_equal(review->inputs.tuples_late, 1);
    assert_int_equal(review->rules[0].traffic.connections, 1);
    assert_true(review->rules[0].traffic.first_ms == T0 && review->rules[0].traffic.last_ms == T0);
    world_release(&world);
}

static void test_two_flow_logs_on_one_nic(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NSF_TS_NONE, NSF_TS_NONE);
    feed(&world, record2("01T00:00", "\"1767225600,9.9.9.9,10.0.0.4,4000,25,T,I,A,B,,,,\""));
    feed(&world, record4("fl-b", "01T00:00", "UserRule_smtp", MESSAGE4));
    feed(&world, record4("fl-a", "01T00:00", "UserRule_smtp", MESSAGE4 " "));
    /* far away in time: not a copy */
    feed(&world, record2("01T03:00", "\"1767236400,9.9.9.9,10.0.0.4,4000,25,T,I,A,B,,,,\""));
    const struct nsf_review *review = finish(&world);
    assert_int_equal(review->inputs.smtp_allowed, 6);
    assert_int_equal(review->inputs.tuples_duplicate, 3);
    assert_int_equal(review->rules[0].traffic.connections, 2);
    assert_int_equal(review->rules[0].traffic.tuples, 3);
    assert_int_equal(review->rules[0].traffic.with_counters, 1);
    world_release(&world);
}

static void test_window(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, T0 + 1000, T0 + 2000);
    /* begun before, ended within: one connection with all its counters, one counted tuple */
    feed(&world, record4("fl", "01T00:00", "UserRule_smtp",
                         MESSAGE4 ",\"1767225602000,9.9.9.9,10.0.0.4,4001,25,6,I,B,NX,0,0,0,0\","
                                  "\"1767225599000,9.9.9.9,10.0.0.4,4002,25,6,I,B,NX,0,0,0,0\""));
    const struct nsf_review *review = finish(&world);
    assert_int_equal(review->inputs.tuples, 4);
    assert_int_equal(review->inputs.smtp_allowed, 1);
    assert_int_equal(review->rules[0].traffic.connections, 1);
    assert_int_equal(review->rules[0].traffic.attempts, 1);
    assert_int_equal(review->rules[0].traffic.classes[NSF_CLASS_MESSAGE], 1);
    assert_true(review->rules[0].traffic.first_ms == T0 + 1000);
    world_release(&world);
}

static void test_sources_past_the_limit_are_summed(void **state)
{
    (void)state;
    struct world world;
    world_init_limited(&world, NSF_TS_NONE, NSF_TS_NONE, 2);
    feed(&world, record4("fl", "01T00:00", "UserRule_smtp",
                         MESSAGE4 ",\"1767225602000,7.7.7.1,10.0.0.4,4001,25,6,I,B,NX,0,0,0,0\","
                                  "\"1767225603000,7.7.7.2,10.0.0.4,4001,25,6,I,B,NX,0,0,0,0\","
                                  "\"1767225604000,7.7.7.3,10.0.0.4,4001,25,6,I,B,NX,0,0,0,0\""));
    const struct nsf_review *review = finish(&world);
    struct nsf_mail_source first, rest;
    assert_int_equal(review->rules[0].traffic.sources, 4);
    assert_int_equal(review->rules[0].traffic.connections, 4);
    assert_int_equal(review->rules[0].n_sources, 3);
    /* who sent mail is told apart before anyone else */
    nsf_review_source(review, 0, 0, &first);
    assert_int_equal(nsf_ip_to_v4(first.address), 0x09090909);
    nsf_review_source(review, 0, 2, &rest);
    assert_true(rest.is_rest);
    assert_int_equal(rest.n_merged, 2);
    assert_int_equal(rest.connections, 2);
    world_release(&world);
}

static void test_what_shows_hits_is_not_latent(void **state)
{
    (void)state;
    findings[0].is_latent = nsgs[0].is_latent = true;
    for (int hits = 0; hits < 2; hits++) {
        struct world world;
        world_init(&world, NSF_TS_NONE, NSF_TS_NONE);
        feed(&world, record4("fl", "01T00:00", hits ? "UserRule_smtp" : "UserRule_web", MESSAGE4));
        const struct nsf_review *review = finish(&world);
        assert_int_equal(review->scan->findings[0].is_latent, hits == 0);
        assert_int_equal(review->scan->nsgs[0].is_latent, hits == 0);
        world_release(&world);
    }
    findings[0].is_latent = nsgs[0].is_latent = false;
}

static void test_nothing_was_logged(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NSF_TS_NONE, NSF_TS_NONE);
    const struct nsf_review *review = finish(&world);
    assert_int_equal(review->n_rules, 1);
    assert_true(review->window_from_ms == NSF_TS_NONE);
    assert_false(review->rules[0].coverage.is_logged);
    assert_int_equal(review->rules[0].verdict, NSF_VERDICT_INSUFFICIENT_EVIDENCE);
    world_release(&world);
}

static void test_covered_and_unused(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NSF_TS_NONE, NSF_TS_NONE);
    feed(&world,
         record4("fl", "01T00:00", "UserRule_web", "\"1767225600000,10.0.0.4,9.9.9.9,5000,443,6,O,B,NX,0,0,0,0\""));
    const struct nsf_review *review = finish(&world);
    assert_int_equal(review->rules[0].verdict, NSF_VERDICT_CLOSE_UNUSED);
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_repeated_record_counts_once),
        cmocka_unit_test(test_late_stamp_takes_the_newest),
        cmocka_unit_test(test_two_flow_logs_on_one_nic),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_sources_past_the_limit_are_summed),
        cmocka_unit_test(test_what_shows_hits_is_not_latent),
        cmocka_unit_test(test_nothing_was_logged),
        cmocka_unit_test(test_covered_and_unused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

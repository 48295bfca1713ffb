#include "core/nsf_common.h"

#include "judge/facts_pack.h"

#include "judge/sender_score.h"
#include "support/nsf_test.h"

static uint64_t chance = 1;

static uint32_t below(uint32_t n)
{
    return (uint32_t)(nsf_test_random(&chance) % n);
}

/* As far as the evidence counts: NSF_DISTINCT_EXACT_MAX, the 64 times kept of a source, and the counts that go on. */
static struct nsf_sender_facts any_facts(void)
{
    struct nsf_sender_facts facts = {.address = nsf_ip_from_v4(0xcb007101), .has_counters = below(2) == 0};
    struct nsf_mention listed = {.is_listed = true, .name = S("name"), .list = S("list"), .date = S("2026-01-01")};
    for (size_t i = 0; i < NSF_CLASSES; i++)
        facts.classes[i] = facts.has_counters && below(3) == 0 ? below(9) : 0;
    if (!facts.has_counters)
        facts.classes[NSF_CLASS_UNKNOWN] = 1 + below(9);
    for (size_t i = 0; i < NSF_CLASSES; i++)
        facts.connections += facts.classes[i];
    facts.days = below(17);
    facts.weeks = below(3);
    facts.busiest_day = below(70);
    facts.message_days = below(17);
    facts.network_message_days = below(17);
    facts.network_message_weeks = below(3);
    facts.lonely = below(5);
    facts.has_excused = below(2) == 0;
    facts.ambiguous_days = below(4);
    facts.dialog_days = below(4);
    facts.guessing_a_day = below(60);
    facts.has_strange_ports = below(3) == 0;
    facts.has_only_mail_ports = below(2) == 0;
    facts.silent_addresses = below(17);
    facts.denied_mail_addresses = below(17);
    facts.has_fixed_port = below(4) == 0;
    facts.is_retrying = below(3) == 0;
    facts.relayed_pairs = below(65);
    facts.relayed_by_chance_tenths = below(641);
    facts.partner = below(9) == 0 ? listed : facts.partner;
    facts.sender = below(4) == 0 ? listed : facts.sender;
    facts.scanner = below(6) == 0 ? listed : facts.scanner;
    facts.drop = below(6) == 0 ? listed : facts.drop;
    return facts;
}

static void test_a_judge_sees_no_difference(void **state)
{
    static struct nsf_judgement before, after;
    uint32_t by_verdict[NSF_SOURCE_UNDECIDED + 1] = {0};
    for (int i = 0; i < 300000; i++) {
        struct nsf_sender_facts facts = any_facts(), back = facts;
        nsf_judge_sender(&facts, &before);
        struct nsf_packed_facts packed = nsf_facts_pack(&facts, before.verdict);
        assert_int_equal(packed.verdict, before.verdict);
        nsf_facts_unpack(packed, &back);
        nsf_judge_sender(&back, &after);
        assert_int_equal(after.verdict, before.verdict);
        assert_int_equal(after.score_tenths, before.score_tenths);
        assert_int_equal(after.has_hostile_evidence, before.has_hostile_evidence);
        assert_int_equal(after.n_lines, before.n_lines);
        for (size_t n = 0; n < before.n_lines; n++) {
            assert_string_equal(after.lines[n].code, before.lines[n].code);
            assert_int_equal(after.lines[n].points_tenths, before.lines[n].points_tenths);
            assert_true(nsf_slice_eq(after.lines[n].text, before.lines[n].text));
        }
        by_verdict[before.verdict]++;
    }
    for (size_t v = 0; v <= NSF_SOURCE_UNDECIDED; v++)
        if (v != NSF_SOURCE_HEALTH_PROBE)
            assert_true(by_verdict[v] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_judge_sees_no_difference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/nsf_common.h"

#include "judge/rule_verdict.h"

#include "core/clock.h"
#include "judge/break_risk.h"
#include "judge/confidence.h"
#include "judge/relay_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ALL_IPV4 UINT64_C(3702258431)
#define COVERED .is_logged = true, .confidence = 'A', .window_ms = 28 * NSF_MS_PER_DAY, .has_counters = true
#define BY(verdict_, n) [NSF_SOURCE_##verdict_] = (n)

struct verdict_case {
    const char *what;
    enum nsf_rule_verdict expected;
    struct nsf_rule_facts facts;
};

/* clang-format off */
static const struct verdict_case cases[] = {
    {"attached to nothing", NSF_VERDICT_NOT_EFFECTIVE, {.is_latent = true}},
    {"latent by the rules, but with hits", NSF_VERDICT_CLOSE_PROBES_ONLY,
     {COVERED, .is_latent = true, .connections = 1, .sources = 1, .by_verdict = {BY(PROBE, 1)}}},
    {"open relay", NSF_VERDICT_INVESTIGATE_ABUSE,
     {COVERED, .connections = 9, .sources = 1, .messages = 9, .by_verdict = {BY(POSSIBLE_SENDER, 1)}, .relay = NSF_RELAY_OPEN_RELAY_LIKELY}},
    {"spam held back, without hits", NSF_VERDICT_INVESTIGATE_ABUSE, {COVERED, .relay = NSF_RELAY_SPAM_BLOCKED}},
    {"an ordinary server is none", NSF_VERDICT_CLOSE_UNUSED, {COVERED, .relay = NSF_RELAY_SENDS_AND_RECEIVES}},
    {"a firewall in front", NSF_VERDICT_SOURCE_MASKED,
     {COVERED, .is_masked = true, .connections = 100, .sources = 2, .by_verdict = {BY(LIKELY_SENDER, 2)}}},
    {"a firewall in front comes before little log", NSF_VERDICT_SOURCE_MASKED,
     {.is_logged = true, .confidence = 'D', .is_masked = true, .connections = 1, .sources = 1, .by_verdict = {BY(PROBE, 1)}}},
    {"an open relay comes before a firewall in front", NSF_VERDICT_INVESTIGATE_ABUSE,
     {COVERED, .is_masked = true, .connections = 9, .sources = 1, .relay = NSF_RELAY_OPEN_RELAY_LIKELY}},
    {"not masked", NSF_VERDICT_RESTRICT_TO_RELAYS,
     {COVERED, .connections = 100, .sources = 2, .by_verdict = {BY(LIKELY_SENDER, 2)}}},
    {"no flow log", NSF_VERDICT_INSUFFICIENT_EVIDENCE, {.confidence = 'D'}},
    {"little log, no mail", NSF_VERDICT_INSUFFICIENT_EVIDENCE,
     {.is_logged = true, .confidence = 'D', .has_counters = true, .connections = 3, .sources = 1, .by_verdict = {BY(PROBE, 1)}}},
    {"little log, but mail", NSF_VERDICT_RESTRICT_TO_RELAYS,
     {.is_logged = true, .confidence = 'D', .has_counters = true, .connections = 3, .messages = 3, .sender_messages = 3, .sources = 1,
      .by_verdict = {BY(LIKELY_SENDER, 1)}, .sender_networks = 1}},
    {"no counters, someone undecided", NSF_VERDICT_INSUFFICIENT_EVIDENCE,
     {.is_logged = true, .confidence = 'C', .connections = 3, .sources = 2, .by_verdict = {BY(UNDECIDED, 1), BY(POSSIBLE_SENDER, 1)}}},
    {"no counters, someone undecided, someone hostile", NSF_VERDICT_RESTRICT_WITH_REVIEW,
     {.is_logged = true, .confidence = 'C', .connections = 3, .sources = 2, .by_verdict = {BY(UNDECIDED, 1), BY(PROBE, 1)}}},
    {"covered and unused", NSF_VERDICT_CLOSE_UNUSED, {COVERED}},
    {"unused, but another NSG let mail in", NSF_VERDICT_INSUFFICIENT_EVIDENCE, {COVERED, .has_mail_elsewhere = true}},
    {"unused since a change", NSF_VERDICT_CLOSE_UNUSED,
     {COVERED, .changed_on = "2026-01-09", .senders_elsewhere = 3}},
    {"unused for too short a time since a change", NSF_VERDICT_INSUFFICIENT_EVIDENCE,
     {.is_logged = true, .confidence = 'D', .has_counters = true, .changed_on = "2026-01-09"}},
    {"unused, but senders came in by a rule whose place it has taken", NSF_VERDICT_INSUFFICIENT_EVIDENCE,
     {COVERED, .senders_elsewhere = 1}},
    {"hostile sources only, but senders under another rule", NSF_VERDICT_RESTRICT_WITH_REVIEW,
     {COVERED, .connections = 9, .sources = 1, .by_verdict = {BY(PROBE, 1)}, .senders_elsewhere = 1}},
    {"known senders, and more under another rule", NSF_VERDICT_RESTRICT_WITH_REVIEW,
     {COVERED, .connections = 9, .messages = 9, .sender_messages = 9, .sources = 1, .by_verdict = {BY(LIKELY_SENDER, 1)},
      .sender_networks = 1, .senders_elsewhere = 1}},
    {"nothing seen, in logs without port 25", NSF_VERDICT_INSUFFICIENT_EVIDENCE, {COVERED, .lacks_port_25 = true}},
    {"nothing seen, in logs of refusals", NSF_VERDICT_INSUFFICIENT_EVIDENCE, {COVERED, .lacks_allowed = true}},
    {"unused, but another NSG on the path is in no log", NSF_VERDICT_INSUFFICIENT_EVIDENCE,
     {COVERED, .has_dark_path = true}},
    {"hostile sources only, but another NSG on the path is in no log", NSF_VERDICT_INSUFFICIENT_EVIDENCE,
     {COVERED, .connections = 9, .sources = 1, .by_verdict = {BY(PROBE, 1)}, .has_dark_path = true}},
    {"unused, but one interface is in no log", NSF_VERDICT_INSUFFICIENT_EVIDENCE, {COVERED, .dark_nics = 1}},
    {"hostile sources only, but two interfaces are in no log", NSF_VERDICT_INSUFFICIENT_EVIDENCE,
     {COVERED, .connections = 9, .sources = 1, .by_verdict = {BY(PROBE, 1)}, .dark_nics = 2}},
    {"senders, and one interface is in no log", NSF_VERDICT_RESTRICT_TO_RELAYS,
     {COVERED, .connections = 9, .messages = 9, .sender_messages = 9, .sources = 1, .by_verdict = {BY(LIKELY_SENDER, 1)},
      .sender_networks = 1, .dark_nics = 1}},
    {"hostile sources only", NSF_VERDICT_CLOSE_PROBES_ONLY,
     {COVERED, .connections = 9, .sources = 4, .by_verdict = {BY(PROBE, 1), BY(GUESSER, 1), BY(PUBLIC_SCANNER, 1), BY(HEALTH_PROBE, 1)}}},
    {"and one undecided", NSF_VERDICT_RESTRICT_WITH_REVIEW,
     {COVERED, .connections = 9, .sources = 2, .by_verdict = {BY(PROBE, 1), BY(UNDECIDED, 1)}}},
    {"51 networks in a week", NSF_VERDICT_PUBLIC_MX,
     {COVERED, .connections = 99, .messages = 99, .sender_messages = 99, .sources = 60, .by_verdict = {BY(LIKELY_SENDER, 60)},
      .sender_networks = 60, .sender_networks_in_7_days = 51}},
    {"50 networks in a week", NSF_VERDICT_RESTRICT_TO_RELAYS,
     {COVERED, .connections = 99, .messages = 99, .sender_messages = 99, .sources = 50, .by_verdict = {BY(LIKELY_SENDER, 50)},
      .sender_networks = 50, .sender_networks_in_7_days = 50}},
    {"21 networks and new ones", NSF_VERDICT_PUBLIC_MX,
     {COVERED, .connections = 30, .messages = 30, .sender_messages = 30, .sources = 21, .by_verdict = {BY(LIKELY_SENDER, 21)},
      .sender_networks = 21, .has_new_senders = true}},
    {"20 networks and new ones", NSF_VERDICT_RESTRICT_TO_RELAYS,
     {COVERED, .connections = 30, .messages = 30, .sender_messages = 30, .sources = 20, .by_verdict = {BY(LIKELY_SENDER, 20)},
      .sender_networks = 20, .has_new_senders = true}},
    {"mail from a spam source", NSF_VERDICT_RESTRICT_WITH_REVIEW,
     {COVERED, .connections = 3, .messages = 3, .sender_messages = 2, .sources = 2, .by_verdict = {BY(LIKELY_SENDER, 1), BY(SPAM_SOURCE, 1)},
      .sender_networks = 1}},
    {"60 networks over a month", NSF_VERDICT_RESTRICT_WITH_REVIEW,
     {COVERED, .connections = 99, .messages = 99, .sender_messages = 99, .sources = 60, .by_verdict = {BY(LIKELY_SENDER, 60)},
      .sender_networks = 60, .sender_networks_in_7_days = 20}},
};
/* clang-format on */

static void verdicts(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_rule_judgement j;
        nsf_judge_rule(&cases[i].facts, &j);
        if (j.verdict != cases[i].expected)
            fail_msg("%s: %s (%s)", cases[i].what, nsf_rule_verdict_name(j.verdict), j.reason);
        size_t len = strlen(j.reason);
        assert_true(len > 20 && len + 1 < sizeof(j.reason));
        assert_int_equal(j.reason[len - 1], '.');
    }
}

struct risk_case {
    const char *what;
    uint32_t expected;
    struct nsf_rule_facts facts;
};

/* clang-format off */
static const struct risk_case risks[] = {
    {"everything open: 20 * 31.786 / 32 = 19.87", 20, {.public_ipv4 = ALL_IPV4, .has_owner = true, .has_justification = true}},
    {"nobody owns it: 26.87", 27, {.public_ipv4 = ALL_IPV4}},
    {"and its deadline is past: 29.87", 30, {.public_ipv4 = ALL_IPV4, .is_past_deadline = true}},
    {"attached, but no public path is known", 20,
     {.public_ipv4 = ALL_IPV4, .is_attached = true, .has_owner = true, .has_justification = true}},
    {"attached, with a public path: 19.87 + 10", 30,
     {.public_ipv4 = ALL_IPV4, .is_attached = true, .has_public_path = true, .has_owner = true, .has_justification = true}},
    {"a public path, but attached to nothing", 20,
     {.public_ipv4 = ALL_IPV4, .has_public_path = true, .has_owner = true, .has_justification = true}},
    {"reachable and hit counts once", 30,
     {.public_ipv4 = ALL_IPV4, .is_attached = true, .has_public_path = true, .connections = 2, .hostile_connections = 1,
      .sources = 2, .by_verdict = {BY(LIKELY_SENDER, 2)}, .has_owner = true, .has_justification = true}},
    {"latent, with a public path: 5 at most", 5,
     {.public_ipv4 = ALL_IPV4, .is_latent = true, .is_attached = true, .has_public_path = true, .has_owner = true,
      .has_justification = true}},
    {"its justification has expired: 22.87", 23, {.public_ipv4 = ALL_IPV4, .has_owner = true}},
    {"and its deadline with it: 25.87", 26, {.public_ipv4 = ALL_IPV4, .has_owner = true, .is_past_deadline = true}},
    {"IPv6 alone", 20, {.has_public_ipv6 = true, .has_owner = true, .has_justification = true}},
    {"with hits: 20 + 10, all hostile 5, one probing address a week 1.5", 36,
     {.public_ipv4 = ALL_IPV4, .connections = 4, .hostile_connections = 4, .sources = 4, .by_verdict = {BY(PROBE, 4)},
      .window_ms = 28 * NSF_MS_PER_DAY, .has_owner = true, .has_justification = true}},
    {"half hostile is not over half: 29.87 + 1.5", 31,
     {.public_ipv4 = ALL_IPV4, .connections = 8, .hostile_connections = 4, .sources = 4, .by_verdict = {BY(PROBE, 4)},
      .window_ms = 28 * NSF_MS_PER_DAY, .has_owner = true, .has_justification = true}},
    {"latent", 12, {.public_ipv4 = ALL_IPV4, .is_latent = true, .opens_other_ports = true}},
    {"all there is", 96,
     {.public_ipv4 = ALL_IPV4, .opens_other_ports = true, .connections = 9, .hostile_connections = 9, .guessing_connections = 1,
      .drop_listed_sources = 1, .sources = 90000, .by_verdict = {BY(PROBE, 90000)}, .relay = NSF_RELAY_OPEN_RELAY_LIKELY,
      .window_ms = 7 * NSF_MS_PER_DAY, .has_owner = true, .is_past_deadline = true, .has_fan_out = true, .spam_messages = 3}},
    {"spam held back", 45, {.public_ipv4 = ALL_IPV4, .relay = NSF_RELAY_SPAM_BLOCKED, .has_owner = true, .has_justification = true}},
    {"fan-out", 35, {.public_ipv4 = ALL_IPV4, .has_fan_out = true, .spam_messages = 9, .has_owner = true, .has_justification = true}},
    {"spam", 30, {.public_ipv4 = ALL_IPV4, .spam_messages = 9, .has_owner = true, .has_justification = true}},
};
/* clang-format on */

static void risk_is_a_sum(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(risks); i++) {
        struct nsf_rule_judgement j;
        nsf_judge_rule(&risks[i].facts, &j);
        if (j.risk != risks[i].expected)
            fail_msg("%s: %u", risks[i].what, j.risk);
    }
}

static void queue_order(void **state)
{
    /* in the order they must come out */
    static const struct nsf_queue_key keys[] = {
        {NSF_VERDICT_INVESTIGATE_ABUSE, 30, 'D', -1}, {NSF_VERDICT_CLOSE_UNUSED, 60, 'A', 0},
        {NSF_VERDICT_CLOSE_UNUSED, 60, 'B', 0},       {NSF_VERDICT_CLOSE_PROBES_ONLY, 50, 'A', 10},
        {NSF_VERDICT_PUBLIC_MX, 50, 'A', 900},        {NSF_VERDICT_NOT_EFFECTIVE, 50, 'A', -1},
        {NSF_VERDICT_CLOSE_UNUSED, 70, 'C', 0},       {NSF_VERDICT_CLOSE_UNUSED, 99, 'D', 0},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(keys); i++)
        for (size_t j = 0; j < NSF_ARRAY_LEN(keys); j++) {
            int order = nsf_queue_cmp(&keys[i], &keys[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

struct confidence_case {
    char expected;
    struct nsf_confidence_facts facts;
};

#define WINDOW(days) .window_ms = (days)*NSF_MS_PER_DAY

/* clang-format off */
static const struct confidence_case confidences[] = {
    {'A', {WINDOW(28), .hours_expected = 1000, .hours_seen = 950, .connections = 100, .with_counters = 90}},
    {'B', {WINDOW(27), .hours_expected = 1000, .hours_seen = 950, .connections = 100, .with_counters = 90}},
    {'B', {WINDOW(28), .hours_expected = 1000, .hours_seen = 949, .connections = 100, .with_counters = 90}},
    {'B', {WINDOW(28), .hours_expected = 1000, .hours_seen = 950, .connections = 100, .with_counters = 89}},
    {'B', {WINDOW(14), .hours_expected = 1000, .hours_seen = 900, .connections = 100, .with_counters = 50}},
    {'C', {WINDOW(14), .hours_expected = 1000, .hours_seen = 899, .connections = 100, .with_counters = 50}},
    {'C', {WINDOW(28), .hours_expected = 1000, .hours_seen = 1000, .connections = 100}},
    {'C', {WINDOW(14), .hours_expected = 1000, .hours_seen = 500, .connections = 100}},
    {'D', {WINDOW(13), .hours_expected = 1000, .hours_seen = 1000, .connections = 100}},
    {'C', {WINDOW(7), .hours_expected = 1000, .hours_seen = 500, .connections = 100, .with_counters = 100}},
    {'C', {WINDOW(7), .hours_expected = 1000, .hours_seen = 500, .connections = 100, .with_counters = 10}},
    {'D', {WINDOW(7), .hours_expected = 1000, .hours_seen = 1000, .connections = 100, .with_counters = 9}},
    {'C', {WINDOW(14), .hours_expected = 1000, .hours_seen = 1000, .connections = 100, .with_counters = 9}},
    {'D', {WINDOW(7), .hours_expected = 1000, .hours_seen = 499, .connections = 100, .with_counters = 100}},
    {'D', {WINDOW(6), .hours_expected = 1000, .hours_seen = 1000, .connections = 100, .with_counters = 100}},
    {'A', {WINDOW(28), .hours_expected = 1000, .hours_seen = 1000, .has_vnet4 = true}},
    {'C', {WINDOW(28), .hours_expected = 1000, .hours_seen = 1000}},
    {'C', {WINDOW(28), .hours_expected = 1000, .hours_seen = 1000, .connections = 9, .with_counters = 9, .is_smtp_only = true}},
    {'D', {WINDOW(28), .connections = 100, .with_counters = 100}},
};

static const struct {
    enum nsf_relay_state expected;
    struct nsf_relay_facts facts;
} relays[] = {
    {NSF_RELAY_NOT_EXAMINED, {.connections = 5}},
    {NSF_RELAY_NO_OUTBOUND, {.is_examined = true}},
    {NSF_RELAY_TO_FIXED, {.is_examined = true, .connections = 900, .destinations = 5}},
    {NSF_RELAY_SENDS_AND_RECEIVES, {.is_examined = true, .connections = 900, .destinations = 6}},
    {NSF_RELAY_SPAM_BLOCKED, {.is_examined = true, .connections = 900, .destinations = 600, .blocked_networks = 20}},
    {NSF_RELAY_SENDS_AND_RECEIVES, {.is_examined = true, .connections = 900, .destinations = 600, .blocked_networks = 19}},
    {NSF_RELAY_OPEN_RELAY_LIKELY,
     {.is_examined = true, .connections = 900, .destinations = 600, .pushed_networks = 21, .shifted_networks = 7, .has_days_without = true,
      .networks_with_tenths = 210, .networks_without_tenths = 104}},
    {NSF_RELAY_SENDS_AND_RECEIVES,
     {.is_examined = true, .connections = 900, .destinations = 600, .pushed_networks = 20, .shifted_networks = 7}},
    {NSF_RELAY_SENDS_AND_RECEIVES,
     {.is_examined = true, .connections = 900, .destinations = 600, .pushed_networks = 19}},
    {NSF_RELAY_SENDS_AND_RECEIVES,
     {.is_examined = true, .connections = 900, .destinations = 600, .pushed_networks = 90, .has_days_without = true,
      .networks_with_tenths = 210, .networks_without_tenths = 105}},
};
/* clang-format on */

static void confidence_grades(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(confidences); i++) {
        char got = nsf_confidence_of(&confidences[i].facts);
        if (got != confidences[i].expected)
            fail_msg("case %zu: %c, expected %c", i, got, confidences[i].expected);
    }
}

static void relay_states(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(relays); i++)
        if (nsf_relay_state_of(&relays[i].facts) != relays[i].expected)
            fail_msg("case %zu: %s", i, nsf_relay_state_name(nsf_relay_state_of(&relays[i].facts)));
    struct nsf_relay_facts spread = {.busiest_day_networks = 60, .median_day_networks = 20};
    assert_true(nsf_relay_has_fan_out(&spread));
    spread.median_day_networks = 21;
    assert_false(nsf_relay_has_fan_out(&spread));
}

static void break_risk(void **state)
{
    static const struct {
        int32_t expected;
        struct nsf_break_risk_facts facts;
    } risks_[] = {
        {-1, {.messages = 29, .held_out = 9, .has_counters = true}},
        {-1, {.messages = 90, .held_out = 9}},
        /* Wilson's upper end of 0 in 9 is z^2 / (9 + z^2) = 3.8415 / 12.8415 */
        {299, {.messages = 30, .held_out = 9, .has_counters = true}},
        /* of 5 in 100: 0.1118 */
        {112, {.messages = 400, .held_out = 100, .held_out_lost = 5, .has_counters = true}},
        {1000, {.messages = 400, .held_out = 100, .held_out_lost = 100, .has_counters = true}},
        {200, {.messages = 400, .held_out = 100, .held_out_lost = 5, .single_networks = 80, .has_counters = true}},
        {13, {.messages = 40, .held_out = 300, .has_counters = true}},
        {25, {.messages = 40, .single_networks = 1, .has_counters = true}},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(risks_); i++) {
        int32_t got = nsf_break_risk_permille(&risks_[i].facts);
        if (got != risks_[i].expected)
            fail_msg("case %zu: %d, expected %d", i, got, risks_[i].expected);
    }
    assert_true(nsf_has_new_senders(&(struct nsf_break_risk_facts){.messages = 100, .single_networks = 6}));
    assert_false(nsf_has_new_senders(&(struct nsf_break_risk_facts){.messages = 100, .single_networks = 5}));
    assert_false(nsf_has_new_senders(&(struct nsf_break_risk_facts){.messages = 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),          cmocka_unit_test(risk_is_a_sum), cmocka_unit_test(queue_order),
        cmocka_unit_test(confidence_grades), cmocka_unit_test(relay_states),  cmocka_unit_test(break_risk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

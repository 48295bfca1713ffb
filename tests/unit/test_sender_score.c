#include "core/nsf_common.h"

#include "judge/sender_score.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct score_case {
    const char *what;
    int32_t score_tenths;
    enum nsf_source_verdict verdict;
    struct nsf_sender_facts facts;
};

#define LISTED                                                                                                         \
    {                                                                                                                  \
        .is_listed = true                                                                                              \
    }
#define CLASSES(class_, n) .classes = {[NSF_CLASS_##class_] = (n)}, .connections = (n), .has_counters = true
#define UNKNOWN(n) .classes = {[NSF_CLASS_UNKNOWN] = (n)}, .connections = (n)
#define MAIL(n, days_) CLASSES(MESSAGE, n), .days = (days_), .message_days = (days_), .network_message_days = (days_)

/* clang-format off */
static const struct score_case cases[] = {
    /* with counters */
    {"nothing known, denied only", -50, NSF_SOURCE_PROBE, {.has_counters = true}},
    {"a touch", -66, NSF_SOURCE_PROBE, {CLASSES(TOUCH, 1), .days = 1, .lonely = 1}},
    {"many touches are capped", -110, NSF_SOURCE_PROBE, {CLASSES(TOUCH, 9), .days = 1, .lonely = 9}},
    {"three touches", -98, NSF_SOURCE_PROBE, {CLASSES(DIALOG, 3), .days = 1, .lonely = 3}},
    {"one message", -13, NSF_SOURCE_POSSIBLE_SENDER, {MAIL(1, 1)}},
    {"two on one day", 24, NSF_SOURCE_POSSIBLE_SENDER, {MAIL(2, 1)}},
    {"nine on one day count as two", 24, NSF_SOURCE_POSSIBLE_SENDER, {MAIL(9, 1)}},
    {"three on two days", 60, NSF_SOURCE_LIKELY_SENDER, {MAIL(3, 2)}},
    {"a message a day", 80, NSF_SOURCE_LIKELY_SENDER, {MAIL(3, 3)}},
    {"and in two weeks", 90, NSF_SOURCE_LIKELY_SENDER, {MAIL(5, 5), .network_message_weeks = 2}},
    {"its network counts", 17, NSF_SOURCE_POSSIBLE_SENDER,
     {CLASSES(MESSAGE, 1), .days = 1, .message_days = 1, .network_message_days = 9, .network_message_weeks = 2}},
    {"exactly likely: 3.7 + 2 + 1 + 5 - 5 - 1.6 * 2", 35, NSF_SOURCE_LIKELY_SENDER,
     {CLASSES(MESSAGE, 1), .message_days = 1, .network_message_days = 3, .network_message_weeks = 2, .sender = LISTED, .lonely = 2}},
    {"one guess, nothing else", -100, NSF_SOURCE_UNDECIDED, {CLASSES(GUESSING, 1), .guessing_a_day = 1}},
    {"two guesses on each of many days", -150, NSF_SOURCE_UNDECIDED, {CLASSES(GUESSING, 30), .guessing_a_day = 2}},
    {"three guesses on one day", -150, NSF_SOURCE_GUESSER, {CLASSES(GUESSING, 3), .guessing_a_day = 3}},
    {"one guess and SSH", -140, NSF_SOURCE_GUESSER, {CLASSES(GUESSING, 1), .guessing_a_day = 1, .has_strange_ports = true}},
    {"a newsletter that is mail too", 74, NSF_SOURCE_LIKELY_SENDER,
     {.classes = {[NSF_CLASS_MESSAGE] = 9, [NSF_CLASS_GUESSING] = 1}, .connections = 10, .has_counters = true, .message_days = 5,
      .network_message_days = 5, .network_message_weeks = 2, .guessing_a_day = 1, .sender = LISTED, .lonely = 1}},
    {"touch and SSH", -106, NSF_SOURCE_PROBE, {CLASSES(TOUCH, 1), .lonely = 1, .has_strange_ports = true}},
    {"three silent addresses", -128, NSF_SOURCE_PROBE, {CLASSES(NO_REPLY, 3), .lonely = 3, .silent_addresses = 3}},
    {"two silent addresses", -82, NSF_SOURCE_PROBE, {CLASSES(NO_REPLY, 2), .lonely = 2, .silent_addresses = 2}},
    {"denied at three addresses", -96, NSF_SOURCE_PROBE, {CLASSES(TOUCH, 1), .lonely = 1, .denied_mail_addresses = 3}},
    {"denied at three and silent at three count once", -96, NSF_SOURCE_PROBE,
     {CLASSES(TOUCH, 1), .lonely = 1, .denied_mail_addresses = 3, .silent_addresses = 4}},
    {"one source port", -128, NSF_SOURCE_PROBE, {CLASSES(TOUCH, 3), .lonely = 3, .has_fixed_port = true}},
    {"a known scanner", -146, NSF_SOURCE_PUBLIC_SCANNER, {CLASSES(TOUCH, 1), .lonely = 1, .scanner = LISTED}},
    {"a scanner with one message", -93, NSF_SOURCE_PUBLIC_SCANNER, {MAIL(1, 1), .scanner = LISTED}},
    {"a scanner with two messages", -56, NSF_SOURCE_CONFLICT, {MAIL(2, 2), .scanner = LISTED}},
    {"a dropped network", -126, NSF_SOURCE_PROBE, {CLASSES(TOUCH, 1), .lonely = 1, .drop = LISTED}},
    {"a dropped network with a message", -73, NSF_SOURCE_SPAM_SOURCE, {MAIL(1, 1), .drop = LISTED}},
    {"on both lists with messages", -136 + 20, NSF_SOURCE_SPAM_SOURCE, {MAIL(2, 2), .drop = LISTED, .scanner = LISTED}},
    {"a partner, whatever it does", -146, NSF_SOURCE_KNOWN_SENDER, {CLASSES(TOUCH, 1), .lonely = 1, .scanner = LISTED, .partner = LISTED}},
    {"the platform's probe", -66, NSF_SOURCE_HEALTH_PROBE,
     {CLASSES(TOUCH, 1), .lonely = 1, .address = {0, UINT64_C(0x0000ffffa83f8110)}}},
    /* nobody who may be a sender is hostile without hostile evidence */
    {"a listed provider that only touches", -16, NSF_SOURCE_POSSIBLE_SENDER, {CLASSES(TOUCH, 1), .lonely = 1, .sender = LISTED}},
    {"a listed provider that touches often", -60, NSF_SOURCE_POSSIBLE_SENDER, {CLASSES(TOUCH, 9), .lonely = 9, .sender = LISTED}},
    {"a listed provider that scans", -130, NSF_SOURCE_POSSIBLE_SENDER,
     {CLASSES(TOUCH, 9), .lonely = 9, .sender = LISTED, .has_strange_ports = true, .silent_addresses = 5}},
    {"a message and many touches", -73, NSF_SOURCE_UNDECIDED,
     {.classes = {[NSF_CLASS_MESSAGE] = 1, [NSF_CLASS_TOUCH] = 8}, .connections = 9, .has_counters = true, .message_days = 1,
      .network_message_days = 1, .lonely = 8}},
    {"a message, many touches and SSH", -113, NSF_SOURCE_PROBE,
     {.classes = {[NSF_CLASS_MESSAGE] = 1, [NSF_CLASS_TOUCH] = 8}, .connections = 9, .has_counters = true, .message_days = 1,
      .network_message_days = 1, .lonely = 8, .has_strange_ports = true}},
    {"an alert every night", -50, NSF_SOURCE_POSSIBLE_SENDER, {CLASSES(AMBIGUOUS, 9), .days = 9, .ambiguous_days = 3}},
    {"two alerts", -50, NSF_SOURCE_PROBE, {CLASSES(AMBIGUOUS, 2), .days = 2, .ambiguous_days = 2}},
    {"an alert every night and SSH", -90, NSF_SOURCE_PROBE, {CLASSES(AMBIGUOUS, 9), .ambiguous_days = 3, .has_strange_ports = true}},
    {"a dialog on three days", -98, NSF_SOURCE_UNDECIDED, {CLASSES(DIALOG, 3), .lonely = 3, .dialog_days = 3}},
    {"a dialog on two days", -82, NSF_SOURCE_PROBE, {CLASSES(DIALOG, 2), .lonely = 2, .dialog_days = 2}},
    {"greylisted beside its neighbour's delivery", -50, NSF_SOURCE_UNDECIDED, {CLASSES(DIALOG, 1), .has_excused = true}},
    {"denied at two addresses, a closed second MX", -13, NSF_SOURCE_POSSIBLE_SENDER, {MAIL(1, 1), .denied_mail_addresses = 2}},
    {"refused and retrying", -110, NSF_SOURCE_RETRYING_SENDER, {CLASSES(NO_REPLY, 9), .lonely = 9, .is_retrying = true}},
    {"retrying and scanning", -150, NSF_SOURCE_PROBE, {CLASSES(NO_REPLY, 9), .lonely = 9, .is_retrying = true, .has_strange_ports = true}},
    {"likely and retrying", 80, NSF_SOURCE_LIKELY_SENDER, {MAIL(3, 3), .is_retrying = true}},
    /* without counters */
    {"one connection", -40, NSF_SOURCE_UNDECIDED, {UNKNOWN(1), .days = 1}},
    {"one connection and SSH", -80, NSF_SOURCE_PROBE, {UNKNOWN(1), .days = 1, .has_strange_ports = true}},
    {"two connections", -30, NSF_SOURCE_UNDECIDED, {UNKNOWN(2), .days = 2, .has_only_mail_ports = true}},
    {"four days, two weeks", -10, NSF_SOURCE_POSSIBLE_SENDER, {UNKNOWN(4), .days = 4, .weeks = 2, .has_only_mail_ports = true}},
    {"four days, one week", -30, NSF_SOURCE_UNDECIDED, {UNKNOWN(4), .days = 4, .weeks = 1, .has_only_mail_ports = true}},
    {"recurring, only mail ports", 0, NSF_SOURCE_POSSIBLE_SENDER, {UNKNOWN(5), .days = 4, .weeks = 2, .has_only_mail_ports = true}},
    {"and mail is sent on", 30, NSF_SOURCE_LIKELY_SENDER,
     {UNKNOWN(9), .days = 4, .weeks = 2, .has_only_mail_ports = true, .relayed_pairs = 6, .relayed_by_chance_tenths = 20}},
    {"sent on less than three times chance", 0, NSF_SOURCE_POSSIBLE_SENDER,
     {UNKNOWN(9), .days = 4, .weeks = 2, .has_only_mail_ports = true, .relayed_pairs = 6, .relayed_by_chance_tenths = 21}},
    {"four pairs are too few", 0, NSF_SOURCE_POSSIBLE_SENDER,
     {UNKNOWN(9), .days = 4, .weeks = 2, .has_only_mail_ports = true, .relayed_pairs = 4}},
    {"a burst on one day", -30, NSF_SOURCE_UNDECIDED, {UNKNOWN(9), .days = 1, .weeks = 1, .busiest_day = 5, .has_only_mail_ports = true}},
    {"spread over three days", -20, NSF_SOURCE_POSSIBLE_SENDER,
     {UNKNOWN(9), .days = 3, .weeks = 1, .busiest_day = 4, .has_only_mail_ports = true}},
    {"recurring on a scanner list", -80, NSF_SOURCE_PUBLIC_SCANNER,
     {UNKNOWN(9), .days = 4, .weeks = 2, .has_only_mail_ports = true, .scanner = LISTED}},
    {"a listed provider once", 10, NSF_SOURCE_POSSIBLE_SENDER, {UNKNOWN(1), .days = 1, .sender = LISTED}},
};
/* clang-format on */

static int32_t sum_of_lines(const struct nsf_judgement *j)
{
    int32_t sum = 0;
    for (size_t i = 0; i < j->n_lines; i++)
        sum += j->lines[i].points_tenths;
    return sum;
}

static void scores_and_verdicts(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_judgement j = {0};
        nsf_judge_sender(&cases[i].facts, &j);
        if (j.score_tenths != cases[i].score_tenths || j.verdict != cases[i].verdict)
            fail_msg("%s: %d %s, expected %d %s", cases[i].what, j.score_tenths, nsf_source_verdict_name(j.verdict),
                     cases[i].score_tenths, nsf_source_verdict_name(cases[i].verdict));
        assert_int_equal(sum_of_lines(&j), j.score_tenths);
        for (size_t k = 0; k < j.n_lines; k++) {
            assert_non_null(j.lines[k].code);
            assert_true(j.lines[k].text.len > 0);
        }
    }
}

static void lines_say_what_was_seen(void **state)
{
    struct nsf_sender_facts facts = {MAIL(2, 2), .lonely = 1};
    facts.scanner =
        (struct nsf_mention){true, NSF_SLICE_LIT("Census"), NSF_SLICE_LIT("scanners.txt"), NSF_SLICE_LIT("2026-01-01")};
    facts.sender = (struct nsf_mention){.is_listed = true, .list = NSF_SLICE_LIT("mine.txt")};
    struct nsf_judgement j = {0};
    nsf_judge_sender(&facts, &j);
    static const char *const expected[] = {
        "where every unknown address starts",
        "belongs to a listed mail provider (mine.txt)",
        "2 messages on 2 days",
        "1 connection without mail, and no message of its network within 6 h",
        "on a list of scanners as Census (scanners.txt, 2026-01-01)",
    };
    assert_int_equal(j.n_lines, NSF_ARRAY_LEN(expected));
    for (size_t i = 0; i < j.n_lines; i++)
        assert_string_equal(j.lines[i].text.ptr, expected[i]);
}

/* ---- properties, over random facts ---- */

static uint64_t pick(uint64_t n)
{
    return (uint64_t)rand() % n;
}

static struct nsf_sender_facts random_facts(void)
{
    struct nsf_sender_facts f = {0};
    for (size_t i = 0; i < NSF_CLASSES; i++) {
        f.classes[i] = pick(3) == 0 ? pick(6) : 0;
        f.connections += f.classes[i];
        f.has_counters |= i != NSF_CLASS_UNKNOWN && f.classes[i] > 0;
    }
    uint64_t messages = f.classes[NSF_CLASS_MESSAGE];
    f.message_days = messages == 0 ? 0 : 1 + (uint32_t)pick(messages);
    f.network_message_days = f.message_days + (uint32_t)pick(4);
    f.network_message_weeks = f.network_message_days > 1 ? 1 + (uint32_t)pick(2) : f.network_message_days;
    f.lonely = pick(1 + f.classes[NSF_CLASS_TOUCH] + f.classes[NSF_CLASS_NO_REPLY] + f.classes[NSF_CLASS_DIALOG]);
    f.guessing_a_day = (uint32_t)pick(1 + (f.classes[NSF_CLASS_GUESSING] > 3 ? 3 : f.classes[NSF_CLASS_GUESSING]));
    f.days = 1 + (uint32_t)pick(6);
    f.weeks = 1 + (uint32_t)pick(2);
    f.busiest_day = (uint32_t)pick(6);
    f.ambiguous_days = (uint32_t)pick(4);
    f.dialog_days = (uint32_t)pick(4);
    f.has_strange_ports = pick(4) == 0;
    f.has_only_mail_ports = !f.has_strange_ports && pick(2) == 0;
    f.silent_addresses = (uint32_t)pick(5);
    f.denied_mail_addresses = (uint32_t)pick(5);
    f.has_fixed_port = pick(5) == 0;
    f.is_retrying = pick(4) == 0;
    f.sender.is_listed = pick(4) == 0;
    f.scanner.is_listed = pick(6) == 0;
    f.drop.is_listed = pick(6) == 0;
    f.partner.is_listed = pick(9) == 0;
    return f;
}

static void add_hostile_evidence(struct nsf_sender_facts *f, uint64_t kind)
{
    switch (kind) {
    case 0:
        f->classes[NSF_CLASS_GUESSING]++;
        f->connections++;
        f->guessing_a_day = 3;
        break;
    case 1:
        f->has_strange_ports = true;
        f->has_only_mail_ports = false;
        break;
    case 2:
        f->silent_addresses++;
        break;
    case 3:
        f->denied_mail_addresses++;
        break;
    case 4:
        f->has_fixed_port = true;
        break;
    case 5:
        f->scanner.is_listed = true;
        break;
    case 6:
        f->drop.is_listed = true;
        break;
    default:
        f->lonely++;
        break;
    }
}

static void more_hostile_evidence_never_raises_the_score(void **state)
{
    srand(11);
    for (int round = 0; round < 20000; round++) {
        struct nsf_sender_facts facts = random_facts();
        if (facts.connections == 0 || !facts.has_counters)
            continue; /* a guess gives a source counters, which is another scale */
        struct nsf_judgement before = {0}, after = {0};
        nsf_judge_sender(&facts, &before);
        add_hostile_evidence(&facts, pick(8));
        nsf_judge_sender(&facts, &after);
        assert_true(after.score_tenths <= before.score_tenths);
        assert_false(!nsf_source_is_sender(before.verdict) && nsf_source_is_sender(after.verdict));
    }
}

static void more_hostile_evidence_never_raises_a_score_without_counters(void **state)
{
    srand(12);
    for (int round = 0; round < 20000; round++) {
        struct nsf_sender_facts facts = random_facts();
        memset(facts.classes, 0, sizeof(facts.classes));
        facts.connections = facts.classes[NSF_CLASS_UNKNOWN] = 1 + pick(9);
        facts.has_counters = false;
        facts.lonely = 0;
        struct nsf_judgement before = {0}, after = {0};
        nsf_judge_sender(&facts, &before);
        add_hostile_evidence(&facts, 1 + pick(6));
        nsf_judge_sender(&facts, &after);
        assert_true(after.score_tenths <= before.score_tenths);
    }
}

static void one_more_message_never_lowers_the_score(void **state)
{
    srand(13);
    for (int round = 0; round < 20000; round++) {
        struct nsf_sender_facts facts = random_facts();
        if (!facts.has_counters)
            continue;
        struct nsf_judgement before = {0}, after = {0};
        nsf_judge_sender(&facts, &before);
        facts.classes[NSF_CLASS_MESSAGE]++;
        facts.connections++;
        if (facts.message_days == 0 || pick(2) == 0) {
            facts.message_days++;
            facts.network_message_days++;
        }
        if (facts.lonely > 0 && pick(2) == 0)
            facts.lonely--; /* it may have been near one of them */
        nsf_judge_sender(&facts, &after);
        assert_true(after.score_tenths >= before.score_tenths);
    }
}

static void no_possible_sender_is_hostile_without_hostile_evidence(void **state)
{
    srand(14);
    int n_asked = 0;
    for (int round = 0; round < 50000; round++) {
        struct nsf_sender_facts facts = random_facts();
        struct nsf_judgement j = {0};
        nsf_judge_sender(&facts, &j);
        bool may_be_sender =
            facts.classes[NSF_CLASS_MESSAGE] > 0 || facts.sender.is_listed || facts.ambiguous_days >= 3;
        if (!may_be_sender || j.has_hostile_evidence)
            continue;
        n_asked++;
        assert_false(nsf_source_is_hostile(j.verdict));
    }
    assert_true(n_asked > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_and_verdicts),
        cmocka_unit_test(lines_say_what_was_seen),
        cmocka_unit_test(more_hostile_evidence_never_raises_the_score),
        cmocka_unit_test(more_hostile_evidence_never_raises_a_score_without_counters),
        cmocka_unit_test(one_more_message_never_lowers_the_score),
        cmocka_unit_test(no_possible_sender_is_hostile_without_hostile_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

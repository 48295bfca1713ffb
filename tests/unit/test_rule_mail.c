#include "core/nsf_common.h"

#include "run/rule_mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define DAY_0 20454u /* 2026-01-01 */
#define MESSAGES_ON(day, n) ((DAY_0 + (day)) << 16 | (n))

static void add(struct nsf_rule_mail *mail, uint64_t network, enum nsf_source_verdict verdict, uint64_t messages,
                const uint32_t *days, uint32_t n_days)
{
    struct nsf_sent sent = {.network = {.id = network}, .messages = messages, .days = {days, n_days}};
    nsf_rule_mail_add(mail, &sent, verdict);
}

/* ---- who counts as a sender network, and whose messages they are ---- */

struct who_case {
    enum nsf_source_verdict verdict;
    uint64_t messages;
    uint64_t networks, of_senders, of_spam, of_others;
};

static const struct who_case whos[] = {
    {NSF_SOURCE_KNOWN_SENDER, 3, 1, 3, 0, 0},    {NSF_SOURCE_KNOWN_SENDER, 0, 1, 0, 0, 0},
    {NSF_SOURCE_LIKELY_SENDER, 3, 1, 3, 0, 0},   {NSF_SOURCE_LIKELY_SENDER, 0, 1, 0, 0, 0},
    {NSF_SOURCE_POSSIBLE_SENDER, 3, 1, 0, 0, 3}, {NSF_SOURCE_POSSIBLE_SENDER, 0, 1, 0, 0, 0},
    {NSF_SOURCE_RETRYING_SENDER, 3, 1, 0, 0, 3}, {NSF_SOURCE_RETRYING_SENDER, 0, 0, 0, 0, 0},
    {NSF_SOURCE_UNDECIDED, 3, 1, 0, 0, 3},       {NSF_SOURCE_UNDECIDED, 0, 0, 0, 0, 0},
    {NSF_SOURCE_CONFLICT, 3, 1, 0, 0, 3},        {NSF_SOURCE_CONFLICT, 0, 0, 0, 0, 0},
    {NSF_SOURCE_SPAM_SOURCE, 3, 0, 0, 3, 0},     {NSF_SOURCE_PROBE, 1, 0, 0, 0, 0},
    {NSF_SOURCE_GUESSER, 1, 0, 0, 0, 0},         {NSF_SOURCE_PUBLIC_SCANNER, 1, 0, 0, 0, 0},
    {NSF_SOURCE_HEALTH_PROBE, 0, 0, 0, 0, 0},
};

static void who_counts(void **state)
{
    const uint32_t days[] = {MESSAGES_ON(0, 1)};
    for (size_t i = 0; i < NSF_ARRAY_LEN(whos); i++) {
        struct nsf_rule_mail mail = {0};
        add(&mail, 7, whos[i].verdict, whos[i].messages, days, 1);
        nsf_rule_mail_finish(&mail);
        if (mail.n_networks != whos[i].networks || mail.sender_messages != whos[i].of_senders ||
            mail.spam_messages != whos[i].of_spam || mail.other_messages != whos[i].of_others)
            fail_msg("%s with %llu messages", nsf_source_verdict_name(whos[i].verdict),
                     (unsigned long long)whos[i].messages);
        nsf_rule_mail_release(&mail);
    }
}

static void sources_of_one_network_are_one(void **state)
{
    const uint32_t first[] = {MESSAGES_ON(0, 2), MESSAGES_ON(3, 1)}, second[] = {MESSAGES_ON(3, 4), MESSAGES_ON(9, 1)};
    struct nsf_rule_mail mail = {0};
    add(&mail, 9, NSF_SOURCE_LIKELY_SENDER, 3, first, 2);
    add(&mail, 4, NSF_SOURCE_POSSIBLE_SENDER, 1, first, 1);
    add(&mail, 9, NSF_SOURCE_UNDECIDED, 5, second, 2);
    nsf_rule_mail_finish(&mail);
    assert_int_equal(mail.n_networks, 2);
    assert_int_equal(mail.n_items, 4);
    assert_int_equal(mail.items[0].key, 4);
    assert_int_equal(mail.items[1].key, 9);
    assert_int_equal(NSF_MAIL_ITEM_MESSAGES(mail.items[1].ref), 8);
    static const uint32_t days[] = {MESSAGES_ON(0, 2), MESSAGES_ON(3, 5), MESSAGES_ON(9, 1)};
    for (size_t i = 0; i < NSF_ARRAY_LEN(days); i++)
        assert_int_equal(NSF_MAIL_ITEM_ON_DAY(mail.items[1 + i].ref), days[i]);
    nsf_rule_mail_release(&mail);
}

static void counts_stop_at_the_largest(void **state)
{
    const uint32_t days[] = {MESSAGES_ON(0, 65535)};
    struct nsf_rule_mail mail = {0};
    add(&mail, 1, NSF_SOURCE_LIKELY_SENDER, UINT64_C(5000000000), days, 1);
    add(&mail, 1, NSF_SOURCE_LIKELY_SENDER, 7, days, 1);
    nsf_rule_mail_finish(&mail);
    assert_int_equal(mail.n_items, 1);
    assert_int_equal(NSF_MAIL_ITEM_MESSAGES(mail.items[0].ref), UINT32_MAX);
    assert_int_equal(NSF_MAIL_ITEM_ON_DAY(mail.items[0].ref), days[0]);
    assert_true(mail.sender_messages == UINT64_C(5000000007));
    nsf_rule_mail_release(&mail);
}

/* Many sources of one provider, in any order, against sums made one by one. */
static void a_network_of_many_sources(void **state)
{
    uint32_t by_day[50] = {0}, n_days = 0;
    struct nsf_rule_mail mail = {0};
    srand(11);
    for (unsigned i = 0; i < 500; i++) {
        uint32_t first = (uint32_t)rand() % 50, second = first + (uint32_t)rand() % (50 - first);
        const uint32_t days[] = {MESSAGES_ON(first, 1 + i % 3), MESSAGES_ON(second, 2)};
        by_day[first] += 1 + i % 3;
        by_day[second] += second > first ? 2 : 0;
        add(&mail, 8, NSF_SOURCE_LIKELY_SENDER, 5, days, second > first ? 2 : 1);
    }
    nsf_rule_mail_finish(&mail);
    assert_int_equal(NSF_MAIL_ITEM_MESSAGES(mail.items[0].ref), 2500);
    for (uint32_t day = 0; day < 50; day++)
        if (by_day[day] > 0)
            assert_int_equal(NSF_MAIL_ITEM_ON_DAY(mail.items[n_days++].ref), MESSAGES_ON(day, by_day[day]));
    assert_int_equal(mail.n_items, n_days);
    assert_int_equal(mail.n_networks, 1);
    nsf_rule_mail_release(&mail);
}

static void parts_are_joined(void **state)
{
    const uint32_t days[] = {MESSAGES_ON(1, 2)}, others[] = {MESSAGES_ON(1, 3), MESSAGES_ON(5, 1)};
    struct nsf_rule_mail mail = {0}, other = {0}, empty = {0};
    add(&mail, 3, NSF_SOURCE_LIKELY_SENDER, 2, days, 1);
    add(&other, 3, NSF_SOURCE_POSSIBLE_SENDER, 4, others, 2);
    add(&other, 2, NSF_SOURCE_SPAM_SOURCE, 7, days, 1);
    nsf_rule_mail_join(&mail, &other);
    nsf_rule_mail_join(&mail, &empty);
    assert_null(other.items);
    nsf_rule_mail_finish(&mail);
    assert_int_equal(mail.n_networks, 1);
    assert_int_equal(NSF_MAIL_ITEM_MESSAGES(mail.items[0].ref), 6);
    assert_int_equal(NSF_MAIL_ITEM_ON_DAY(mail.items[0].ref), MESSAGES_ON(1, 5));
    assert_int_equal(mail.sender_messages, 2);
    assert_int_equal(mail.other_messages, 4);
    assert_int_equal(mail.spam_messages, 7);
    nsf_rule_mail_release(&mail);
}

/* ---- any seven days ---- */

struct week_case {
    const char *what;
    uint64_t expected;
    struct {
        uint64_t network;
        uint32_t days[6]; /* + 1; 0 ends them */
    } networks[4];
};

/* clang-format off */
static const struct week_case weeks[] = {
    {"nobody", 0, {{0, {0}}}},
    {"one", 1, {{1, {1}}}},
    {"two on one day", 2, {{1, {1}}, {2, {1}}}},
    {"six days apart", 2, {{1, {1}}, {2, {7}}}},
    {"seven days apart", 1, {{1, {1}}, {2, {8}}}},
    {"three of which two meet", 2, {{1, {1}}, {2, {7}}, {3, {13}}}},
    {"three in one span", 3, {{1, {1}}, {2, {7}}, {3, {4}}}},
    {"one that comes back counts once", 1, {{1, {1, 3, 5}}}},
    {"one that comes back meets both", 2, {{1, {1, 12}}, {2, {7}}, {3, {18}}}},
    {"a gap of a week between two of its days", 2, {{1, {1, 8}}, {2, {7}}}},
    {"a longer gap holds nobody", 1, {{1, {1, 20}}, {2, {10}}}},
};
/* clang-format on */

static void most_networks_of_a_week(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(weeks); i++) {
        struct nsf_rule_mail mail = {0};
        for (size_t k = 0; k < 4 && weeks[i].networks[k].days[0] > 0; k++) {
            uint32_t days[6], n = 0;
            for (; n < 6 && weeks[i].networks[k].days[n] > 0; n++)
                days[n] = MESSAGES_ON(weeks[i].networks[k].days[n], 1);
            add(&mail, weeks[i].networks[k].network, NSF_SOURCE_POSSIBLE_SENDER, n, days, n);
        }
        nsf_rule_mail_finish(&mail);
        uint64_t got = nsf_rule_mail_networks_in_7_days(&mail);
        if (got != weeks[i].expected)
            fail_msg("%s: %llu", weeks[i].what, (unsigned long long)got);
        nsf_rule_mail_release(&mail);
    }
}

/* The slow way: each span of seven days, each network. */
static void a_week_counted_slowly(void **state)
{
    srand(5);
    for (int round = 0; round < 300; round++) {
        struct nsf_rule_mail mail = {0};
        bool came[12][40] = {{false}};
        uint64_t most = 0;
        for (uint64_t network = 0; network < 12; network++) {
            uint32_t days[40], n = 0;
            for (uint32_t day = 0; day < 40; day++)
                if (rand() % 9 == 0) {
                    came[network][day] = true;
                    days[n++] = MESSAGES_ON(day, 1);
                }
            add(&mail, network, NSF_SOURCE_LIKELY_SENDER, n, days, n);
        }
        for (int from = -6; from < 40; from++) {
            uint64_t n = 0;
            for (size_t network = 0; network < 12; network++) {
                bool is_in = false;
                for (int day = from < 0 ? 0 : from; day < from + 7 && day < 40; day++)
                    is_in |= came[network][day];
                n += is_in;
            }
            most = n > most ? n : most;
        }
        nsf_rule_mail_finish(&mail);
        assert_int_equal(nsf_rule_mail_networks_in_7_days(&mail), most);
        nsf_rule_mail_release(&mail);
    }
}

/* ---- learned and held out ---- */

static void what_was_learned_and_lost(void **state)
{
    /* ten days: seven to learn, three to be tried on */
    const uint32_t early[] = {MESSAGES_ON(0, 4), MESSAGES_ON(6, 1)}, both[] = {MESSAGES_ON(6, 2), MESSAGES_ON(7, 3)},
                   late[] = {MESSAGES_ON(7, 5), MESSAGES_ON(9, 6)}, once[] = {MESSAGES_ON(9, 1)},
                   outside[] = {MESSAGES_ON(2, 9)};
    struct nsf_rule_mail mail = {0};
    struct nsf_break_risk_facts facts = {0};
    add(&mail, 1, NSF_SOURCE_LIKELY_SENDER, 5, early, 2);
    add(&mail, 2, NSF_SOURCE_LIKELY_SENDER, 5, both, 2);
    add(&mail, 3, NSF_SOURCE_POSSIBLE_SENDER, 11, late, 2);
    add(&mail, 4, NSF_SOURCE_UNDECIDED, 1, once, 1);
    add(&mail, 5, NSF_SOURCE_SPAM_SOURCE, 9, outside, 1);
    add(&mail, 6, NSF_SOURCE_LIKELY_SENDER, 0, outside, 1); /* without counters: connections, no messages */
    nsf_rule_mail_finish(&mail);
    nsf_rule_mail_break_risk(&mail, DAY_0, DAY_0 + 10, &facts);
    assert_int_equal(facts.messages, 22);
    assert_int_equal(facts.held_out, 3 + 11 + 1);
    assert_int_equal(facts.held_out_lost, 11 + 1);
    assert_int_equal(facts.single_networks, 1);
    nsf_rule_mail_release(&mail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_counts),
        cmocka_unit_test(sources_of_one_network_are_one),
        cmocka_unit_test(counts_stop_at_the_largest),
        cmocka_unit_test(a_network_of_many_sources),
        cmocka_unit_test(parts_are_joined),
        cmocka_unit_test(most_networks_of_a_week),
        cmocka_unit_test(a_week_counted_slowly),
        cmocka_unit_test(what_was_learned_and_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

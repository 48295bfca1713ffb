#include "core/nsf_common.h"

#include "core/mem.h"
#include "exposure/evaluate.h"
#include "exposure/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define RULES 12
#define ROUNDS 400
#define QUESTIONS 40

struct world {
    struct nsf_slice words[RULES][3];
    struct nsf_slice star;
    struct nsf_slice port;
    char names[RULES][24];
    struct nsf_rule rules[RULES];
    struct nsf_nsg nsg;
};

static uint32_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % below;
}

/* Overlapping sources of every kind whose addresses are known; all rules are for all ports and destinations. */
static void make_world(struct world *world)
{
    static const char *const sources[] = {
        "*",           "Internet", "0.0.0.0/0",           "::/0",        "20.0.0.0/6", "20.0.0.0/8",
        "20.1.0.0/16", "20.1.2.3", "21.0.0.0-22.0.0.255", "128.0.0.0/1", "10.0.0.0/8", "2a01::/16",
        "2a01:1::/32", "2000::/3", "2a01:1::5",           "1.1.1.1/0",   "22.0.0.255", "fe80::/10"};
    *world = (struct world){.star = NSF_SLICE_LIT("*"), .port = NSF_SLICE_LIT("25")};
    world->nsg = (struct nsf_nsg){.id = NSF_SLICE_LIT("/nsg"), .rules = world->rules, .n_rules = 1 + draw(RULES)};
    for (size_t i = 0; i < world->nsg.n_rules; i++) {
        struct nsf_rule *rule = &world->rules[i];
        snprintf(world->names[i], sizeof(world->names[i]), "r%zu", i);
        *rule = (struct nsf_rule){.name = nsf_slice_str(world->names[i]), .direction = NSF_DIRECTION_INBOUND};
        rule->priority = 100 + draw(3000) * 10 + (uint32_t)i;
        rule->access = draw(2) == 0 ? NSF_ACCESS_ALLOW : NSF_ACCESS_DENY;
        rule->protocol = world->star;
        rule->sources = (struct nsf_slices){world->words[i], 1 + draw(3)};
        for (size_t w = 0; w < 3; w++)
            world->words[i][w] = nsf_slice_str(sources[draw(NSF_ARRAY_LEN(sources))]);
        rule->destination_ports = (struct nsf_slices){&world->port, 1};
    }
}

static bool is_open(const struct nsf_evaluator *evaluator, struct nsf_ip ip)
{
    for (size_t i = 0; i < evaluator->n_candidates; i++)
        if (evaluator->candidates[i].is_allow && nsf_ipset_has(&evaluator->candidates[i].open, ip))
            return true;
    return false;
}

static struct nsf_ip draw_address(void)
{
    static const char *const near[] = {"20.1.2.3",  "20.1.2.4",  "19.255.255.255", "23.255.255.255", "24.0.0.0",
                                       "127.0.0.1", "128.0.0.0", "10.0.0.1",       "2a01:1::5",      "2a01:1::6",
                                       "2a02::",    "1fff::1",   "3fff::1",        "fe80::1",        "22.0.1.0"};
    struct nsf_ip ip = nsf_ip_from_v4(draw(1u << 24) << 8 | draw(256));
    if (draw(2) == 0)
        assert_true(nsf_ip_parse(nsf_slice_str(near[draw(NSF_ARRAY_LEN(near))]), &ip));
    return ip;
}

/* The arithmetic over all addresses and the walk over the rules for one agree about every address. */
static void test_the_walk_agrees_with_the_arithmetic(void **state)
{
    struct nsf_exposure_settings settings = NSF_EXPOSURE_SETTINGS_INIT;
    struct nsf_evaluator *evaluator = nsf_evaluator_new(&settings);
    struct nsf_exposure_result result;
    struct nsf_explained explained;
    struct nsf_arena keep;
    static struct world world;
    size_t n_allowed = 0, n_denied = 0;
    nsf_arena_init(&keep);
    random_state = 3;
    for (int round = 0; round < ROUNDS; round++) {
        make_world(&world);
        nsf_arena_reset(&keep);
        nsf_evaluate(evaluator, &world.nsg, NULL, 0, &keep, &result);
        for (int i = 0; i < QUESTIONS; i++) {
            struct nsf_ip ip = draw_address();
            bool is_inner = !nsf_ipset_has(&evaluator->public_space, ip);
            nsf_explain(&settings, &world.nsg, ip, &keep, &explained);
            assert_int_equal(explained.is_public, !is_inner);
            if (explained.answer == NSF_ANSWER_UNKNOWN) { /* VirtualNetwork may hold it */
                assert_true(is_inner && !is_open(evaluator, ip));
                continue;
            }
            assert_int_equal(explained.answer == NSF_ANSWER_ALLOWED, is_open(evaluator, ip));
            n_allowed += explained.answer == NSF_ANSWER_ALLOWED;
            n_denied += explained.answer == NSF_ANSWER_DENIED;
        }
    }
    assert_true(n_allowed > 1000 && n_denied > 1000);
    nsf_arena_release(&keep);
    nsf_evaluator_free(evaluator);
}

static void test_what_each_rule_says(void **state)
{
    static struct nsf_slice tag[] = {{"Storage", 7}}, star[] = {{"*", 1}}, smtp[] = {{"25", 2}}, web[] = {{"443", 3}};
    static struct nsf_slice host[] = {{"10.0.0.4", 8}}, inner[] = {{"10.0.0.0/8", 10}};
    struct nsf_rule rules[] = {
        {.name = NSF_SLICE_LIT("all"), .priority = 500, .sources = {star, 1}, .destination_ports = {smtp, 1}},
        {.name = NSF_SLICE_LIT("web"), .priority = 100, .sources = {star, 1}, .destination_ports = {web, 1}},
        {.name = NSF_SLICE_LIT("tag"), .priority = 200, .sources = {tag, 1}, .destination_ports = {smtp, 1}},
        {.name = NSF_SLICE_LIT("host"), .priority = 300, .sources = {star, 1}, .destination_ports = {smtp, 1}},
        {.name = NSF_SLICE_LIT("inner"), .priority = 400, .sources = {inner, 1}, .destination_ports = {smtp, 1}},
    };
    static const enum nsf_say expected[] = {NSF_SAY_OTHER_TRAFFIC, NSF_SAY_UNKNOWN, NSF_SAY_NARROW,
                                            NSF_SAY_OTHER_SOURCE, NSF_SAY_DECIDES};
    struct nsf_nsg nsg = {.id = NSF_SLICE_LIT("/nsg"), .rules = rules, .n_rules = NSF_ARRAY_LEN(rules)};
    struct nsf_exposure_settings settings = NSF_EXPOSURE_SETTINGS_INIT;
    struct nsf_explained explained;
    struct nsf_arena keep;
    for (size_t i = 0; i < NSF_ARRAY_LEN(rules); i++) {
        rules[i].direction = NSF_DIRECTION_INBOUND;
        rules[i].access = i == 0 || i == 2 ? NSF_ACCESS_ALLOW : NSF_ACCESS_DENY;
        rules[i].protocol = star[0];
    }
    rules[3].destinations = (struct nsf_slices){host, 1};
    nsf_arena_init(&keep);
    nsf_explain(&settings, &nsg, nsf_ip_from_v4(0x08080808), &keep, &explained);
    assert_int_equal(explained.n_rules, NSF_ARRAY_LEN(rules) + NSF_DEFAULT_RULES);
    for (size_t i = 0; i < NSF_ARRAY_LEN(expected); i++)
        assert_int_equal(explained.rules[i].say, expected[i]);
    assert_int_equal(explained.rules[7].say, NSF_SAY_BEHIND);
    assert_int_equal(explained.decides_idx, 4);
    /* The tag would allow it too; the host rule denies it for one destination. */
    assert_int_equal(explained.answer, NSF_ANSWER_DEPENDS);
    rules[2].access = NSF_ACCESS_DENY;
    nsf_explain(&settings, &nsg, nsf_ip_from_v4(0x08080808), &keep, &explained);
    assert_int_equal(explained.answer, NSF_ANSWER_UNKNOWN);
    nsf_arena_release(&keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_walk_agrees_with_the_arithmetic),
        cmocka_unit_test(test_what_each_rule_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/nsf_common.h"

#include "core/buf.h"
#include "core/mem.h"
#include "exposure/exposure.h"
#include "exposure/scanner.h"
#include "support/nsg_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void print_list(struct nsf_buf *out, const char *label, const struct nsf_slices *list)
{
    if (list->n > 0)
        nsf_buf_add_str(out, label);
    for (size_t i = 0; i < list->n; i++) {
        nsf_buf_add_str(out, i > 0 ? "+" : "");
        nsf_buf_add(out, list->items[i]);
    }
}

static void print_finding(struct nsf_buf *out, const struct nsf_finding *finding)
{
    assert_true(nsf_buf_printf(out, "\n%.*s %u %s %llu %s", NSF_SLICE_ARG(finding->rule), (unsigned)finding->priority,
                               nsf_exposure_name(finding->verdict), (unsigned long long)finding->public_ipv4,
                               nsf_v6_extent_name(finding->public_ipv6)));
    print_list(out, " ", &finding->sources);
    for (size_t i = 0; i < finding->n_reduced_by; i++)
        assert_true(nsf_buf_printf(out, " %s%.*s", finding->reduced_by[i].is_part ? "part:" : "by:",
                                   NSF_SLICE_ARG(finding->reduced_by[i].rule)));
    print_list(out, " via:", &finding->still_open_via);
    assert_true(finding->note.len > 1 && finding->note.ptr[finding->note.len - 1] == '.');
}

static void print_result(struct nsf_buf *out, const struct nsf_exposure_result *result)
{
    nsf_buf_reset(out);
    assert_true(nsf_buf_printf(out, "%s %llu %s", nsf_exposure_name(result->nsg.verdict),
                               (unsigned long long)result->nsg.public_ipv4,
                               nsf_v6_extent_name(result->nsg.public_ipv6)));
    for (size_t i = 0; i < result->n_findings; i++)
        print_finding(out, &result->findings[i]);
    for (size_t i = 0; i < result->n_shadowed; i++) {
        assert_true(nsf_buf_printf(out, "\nshadowed %.*s", NSF_SLICE_ARG(result->shadowed[i].rule)));
        print_list(out, " by:", &result->shadowed[i].by);
    }
}

static bool find_tag(void *ctx, struct nsf_slice tag, const struct nsf_prefix **prefixes, size_t *n)
{
    static struct nsf_prefix list[2];
    bool *is_used = ctx;
    *is_used = true;
    if (!nsf_slice_eq_nocase(tag, NSF_SLICE_LIT("Storage")) && !nsf_slice_eq_nocase(tag, NSF_SLICE_LIT("AzureCloud")))
        return false;
    assert_true(nsf_prefix_parse(NSF_SLICE_LIT("20.60.0.0/16"), &list[0]));
    assert_true(nsf_prefix_parse(NSF_SLICE_LIT("2603:1000::/40"), &list[1]));
    *prefixes = list;
    *n = 2;
    return true;
}

struct test_case {
    const char *rules;
    const char *expected;
};

/* Each case is also evaluated with its rules in reverse, and with all evaluators used before. */
static void check_cases(const struct test_case *cases, size_t n, struct nsf_tag_lookup tags)
{
    struct nsf_exposure_settings settings = NSF_EXPOSURE_SETTINGS_INIT;
    settings.tags = tags;
    settings.has_rule_table = true;
    struct nsf_evaluator *evaluator = nsf_evaluator_new(&settings);
    struct nsf_exposure_result result;
    struct nsf_arena keep;
    struct nsf_buf out;
    nsf_arena_init(&keep);
    nsf_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < n; i++)
        for (int is_reverse = 0; is_reverse < 2; is_reverse++) {
            struct nsf_nsg_words world;
            nsf_nsg_words_read(&world, cases[i].rules);
            for (size_t a = 0, b = world.nsg.n_rules; is_reverse && a + 1 < b; a++) {
                struct nsf_rule swap = world.rules[a];
                world.rules[a] = world.rules[--b];
                world.rules[b] = swap;
            }
            nsf_evaluate(evaluator, &world.nsg, NULL, 0, &keep, &result);
            print_result(&out, &result);
            if (strcmp(nsf_buf_str(&out), cases[i].expected) != 0)
                fail_msg("\n%s\ngave\n%s\nnot\n%s", cases[i].rules, nsf_buf_str(&out), cases[i].expected);
            nsf_arena_release(&world.arena);
        }
    nsf_buf_release(&out);
    nsf_arena_release(&keep);
    nsf_evaluator_free(evaluator);
}

#define NO_TAGS ((struct nsf_tag_lookup){NULL, NULL})
#define ALL4 "3702258431"

static void test_words_of_a_rule(void **state)
{
    static const struct test_case cases[] = {
        {"", "closed 0 none"},
        {"a 100 allow * 25", "exposed " ALL4 " full\na 100 exposed " ALL4 " full *"},
        {"a 100 allow Any 20-30", "exposed " ALL4 " full\na 100 exposed " ALL4 " full Any"},
        {"a 100 allow INTERNET 22,24-25", "exposed " ALL4 " full\na 100 exposed " ALL4 " full INTERNET"},
        {"a 100 allow Internet * proto=*", "exposed " ALL4 " full\na 100 exposed " ALL4 " full Internet"},
        {"a 100 allow Internet 0-65535 proto=6", "exposed " ALL4 " full\na 100 exposed " ALL4 " full Internet"},
        {"a 100 allow 1.2.3.4/0 25", "exposed " ALL4 " none\na 100 exposed " ALL4 " none 1.2.3.4/0"},
        {"a 100 allow 0/0 25", "exposed " ALL4 " full\na 100 exposed " ALL4 " full 0/0"},
        {"a 100 allow 0:0::0/0 25", "exposed 0 full\na 100 exposed 0 full 0:0::0/0"},
        {"a 100 allow 0.0.0.0-255.255.255.255 25",
         "exposed " ALL4 " none\na 100 exposed " ALL4 " none 0.0.0.0-255.255.255.255"},
        {"a 100 allow * 25 proto=Udp", "closed 0 none"},
        {"a 100 allow * 24,26-65535", "closed 0 none"},
        {"a 100 allow * 25 out", "closed 0 none"},
        {"a 100 allow 0.0.0.0 25", "closed 0 none"},
        {"a 100 allow 0.0.0.0/8+10.0.0.0/8 25", "closed 0 none"},
        {"a 100 allow VIRTUAL_NETWORK+AZURE_LOADBALANCER+AzurePlatformDNS 25", "closed 0 none"},
        {"a 100 allow - 25 sasg=/asg/web", "closed 0 none"},
        {"a 100 allow 40.92.0.0/15 25", "restricted 131072 none"},
        {"a 100 allow 2A01:111:F400::/48 25", "restricted 0 part"},
        {"a 100 allow 2001:DB8::/16 25", "partial 0 part\na 100 partial 0 part 2001:DB8::/16"},
        {"a 100 allow 20.0.0.0/8+10.0.0.0/8 25", "partial 16777216 none\na 100 partial 16777216 none 20.0.0.0/8"},
        {"a 100 allow 10.0.0.0/8,*,1.2.3.4 25", "exposed " ALL4 " full\na 100 exposed " ALL4 " full *+1.2.3.4"},
    };
    check_cases(cases, NSF_ARRAY_LEN(cases), NO_TAGS);
}

static void test_first_match_by_priority(void **state)
{
    static const struct test_case cases[] = {
        {"a 200 allow * 25;d 100 deny * *", "closed 0 none\nshadowed a by:d"},
        {"a 100 allow * 25;d 200 deny * *", "exposed " ALL4 " full\na 100 exposed " ALL4 " full *"},
        {"d 200 deny * *;z 200 allow * 25", "exposed " ALL4 " full\nz 200 exposed " ALL4 " full *"},
        {"d 100 deny * 443;a 200 allow * 25", "exposed " ALL4 " full\na 200 exposed " ALL4 " full *"},
        {"d 100 deny * * proto=Udp;a 200 allow * 25", "exposed " ALL4 " full\na 200 exposed " ALL4 " full *"},
        {"d 100 deny Internet 25;a 200 allow * 25", "closed 0 none"},
        {"d 100 deny Internet 25;a 200 allow Internet 25", "closed 0 none\nshadowed a by:d"},
        {"d 100 deny 8.8.8.8 25;a 200 allow * 25", "exposed 3702258430 full\na 200 exposed 3702258430 full * by:d"},
        {"d 100 deny 0.0.0.0/1 25;a 200 allow * 25", "partial 1609300735 full\na 200 partial 1609300735 full * by:d"},
        /* IPv4 alone is closed. */
        {"d 100 deny 0.0.0.0/0 25;a 200 allow * 25", "partial 0 full\na 200 partial 0 full * by:d"},
        {"d 100 deny 0.0.0.0/0 25;a 200 allow ::/0 25", "exposed 0 full\na 200 exposed 0 full ::/0"},
        {"d 100 deny 0.0.0.0/0+::/0 25;a 200 allow * 25", "closed 0 none\nshadowed a by:d"},
        /* Through several together. */
        {"a 100 allow 0.0.0.0/1 25;b 110 allow 128.0.0.0/1 25",
         "exposed " ALL4 " none\na 100 exposed 2092957696 none 0.0.0.0/1\nb 110 exposed 1609300735 none 128.0.0.0/1"},
        {"a 100 allow 0.0.0.0/0 25;b 110 allow 1.2.3.4 25",
         "exposed " ALL4 " none\na 100 exposed " ALL4 " none 0.0.0.0/0 via:b\nshadowed b by:a"},
        {"a 100 allow 20.0.0.0/9 25;b 110 allow 20.128.0.0/9 25",
         "partial 16777216 none\na 100 partial 8388608 none 20.0.0.0/9\nb 110 partial 8388608 none 20.128.0.0/9"},
        {"a 100 allow 20.0.0.0/9 25;b 110 allow 21.0.0.0/8 25",
         "partial 25165824 none\nb 110 partial 16777216 none 21.0.0.0/8"},
        /* Behind the first: only who would decide then. */
        {"a 100 allow * 25;b 200 allow Internet 25;c 300 allow * 25",
         "exposed " ALL4 " full\na 100 exposed " ALL4 " full * via:b\nshadowed b by:a\nshadowed c by:a"},
        {"a 100 allow * 25;d 150 deny * 25;b 200 allow Internet 25",
         "exposed " ALL4 " full\na 100 exposed " ALL4 " full *\nshadowed b by:a"},
        {"a 100 allow * 25;d 150 deny 1.0.0.0/8 25;b 200 allow Internet 25",
         "exposed " ALL4 " full\na 100 exposed " ALL4 " full * via:b\nshadowed b by:a"},
        {"a 100 allow Internet 25;b 4096 allow * *",
         "exposed " ALL4 " full\na 100 exposed " ALL4 " full Internet via:b"},
    };
    check_cases(cases, NSF_ARRAY_LEN(cases), NO_TAGS);
}

static void test_narrow_rules(void **state)
{
    static const struct test_case cases[] = {
        {"d 100 deny * 25 dst=10.0.0.4;a 200 allow * 25",
         "exposed " ALL4 " full\na 200 exposed " ALL4 " full * part:d"},
        {"d 100 deny * 25 sport=1024-65535;a 200 allow * 25",
         "exposed " ALL4 " full\na 200 exposed " ALL4 " full * part:d"},
        {"d 100 deny * 25 sport=1-1023+1024-65535;a 200 allow * 25", "closed 0 none\nshadowed a by:d"},
        {"d 100 deny * 25 dst=VirtualNetwork;a 200 allow * 25", "closed 0 none\nshadowed a by:d"},
        {"d 100 deny * 25 dst=10.0.0.0/8;a 200 allow * 25 dst=10.1.0.4", "closed 0 none\nshadowed a by:d"},
        {"d 100 deny * 25 dst=10.1.0.4;a 200 allow * 25 dst=10.0.0.0/8",
         "exposed " ALL4 " full\na 200 exposed " ALL4 " full * part:d"},
        {"d 100 deny * 25 dst=0.0.0.0/0;a 200 allow * 25 dst=10.0.0.4+10.0.0.5", "closed 0 none\nshadowed a by:d"},
        {"d 100 deny * 25 dst=0.0.0.0/0;a 200 allow * 25",
         "exposed " ALL4 " full\na 200 exposed " ALL4 " full * part:d"},
        {"d 100 deny * 25 dst=0.0.0.0/0+::/0;a 200 allow * 25", "closed 0 none\nshadowed a by:d"},
        {"d 100 deny * 25 dasg=/asg/WEB;a 200 allow * 25 dasg=/asg/web", "closed 0 none\nshadowed a by:d"},
        {"d 100 deny * 25 dasg=/asg/mail;a 200 allow * 25 dasg=/asg/web",
         "exposed " ALL4 " full\na 200 exposed " ALL4 " full * part:d"},
        {"d 100 deny * 25 dasg=/asg/mail;a 200 allow * 25 dasg=/asg/mail+/asg/web",
         "exposed " ALL4 " full\na 200 exposed " ALL4 " full * part:d"},
        /* A narrow Allow takes nothing from a wide one, but lets the same sources in. */
        {"a 100 allow * 25 dst=10.0.0.4;b 200 allow Internet 25",
         "exposed " ALL4 " full\na 100 exposed " ALL4 " full * via:b\nb 200 exposed " ALL4
         " full Internet part:a via:a"},
        {"d 90 deny 1.0.0.0/8 25;n 95 deny 1.2.0.0/16 25 dst=10.0.0.4;a 100 allow * 25",
         "exposed 3685481215 full\na 100 exposed 3685481215 full * by:d"},
        {"n 95 deny 1.2.0.0/16 25 dst=10.0.0.4;d 99 deny 1.0.0.0/8 25;a 100 allow * 25",
         "exposed 3685481215 full\na 100 exposed 3685481215 full * by:d part:n"},
    };
    check_cases(cases, NSF_ARRAY_LEN(cases), NO_TAGS);
}

static void test_what_cannot_be_read(void **state)
{
    static const struct test_case cases[] = {
        {"a 100 allow 10.0.0.999 25", "unknown 0 none\na 100 unknown 0 none 10.0.0.999"},
        {"a 100 allow /1 25", "unknown 0 none\na 100 unknown 0 none /1"},
        {"a 100 allow 1.2.3.9-1.2.3.1 25", "unknown 0 none\na 100 unknown 0 none 1.2.3.9-1.2.3.1"},
        {"a 100 allow CorpNetSaw 25", "unknown 0 none\na 100 unknown 0 none CorpNetSaw"},
        {"a 100 allow - 25", "unknown 0 none\na 100 unknown 0 none"},
        {"a 100 allow * -", "unknown 0 none\na 100 unknown 0 none *"},
        {"a 100 allow * [parameters('p')]", "unknown 0 none\na 100 unknown 0 none *"},
        {"a 100 allow * 25 proto=[variables('x')]", "unknown 0 none\na 100 unknown 0 none *"},
        {"a 100 ? * 25", "unknown 0 none\na 100 unknown 0 none *"},
        {"a 100 ? 10.0.0.0/8 25", "closed 0 none"},
        {"a 100 allow bogus/99 443", "closed 0 none"},
        {"a 100 allow bogus/99 25 proto=Udp", "closed 0 none"},
        /* Others settle it, or not. */
        {"d 100 deny * 25;a 200 allow bogus/99 25", "closed 0 none\nshadowed a by:d"},
        {"a 100 allow bogus/99 25;b 200 allow * 25",
         "exposed " ALL4 " full\na 100 unknown 0 none bogus/99\nb 200 exposed " ALL4 " full *"},
        {"a 100 allow bogus/99 25;b 200 allow 1.2.3.4 25", "unknown 1 none\na 100 unknown 0 none bogus/99"},
        {"a 100 allow bogus/99+1.2.3.4 25", "unknown 1 none\na 100 unknown 1 none 1.2.3.4+bogus/99"},
        /* A Deny that cannot be read closes nothing. */
        {"d 100 deny *+bogus/99 25;a 200 allow * 25", "exposed " ALL4 " full\na 200 exposed " ALL4 " full *"},
        {"d 100 deny * [x];a 200 allow * 25", "exposed " ALL4 " full\na 200 exposed " ALL4 " full *"},
        {"d 100 deny * 25 dst=bogus/99;a 200 allow * 25",
         "exposed " ALL4 " full\na 200 exposed " ALL4 " full * part:d"},
        /* A port list that covers the port does so whatever else stands in it. */
        {"a 100 allow * 25,x", "exposed " ALL4 " full\na 100 exposed " ALL4 " full *"},
    };
    check_cases(cases, NSF_ARRAY_LEN(cases), NO_TAGS);
}

static void test_tags(void **state)
{
    static const struct test_case without_table[] = {
        {"a 100 allow AzureCloud 25", "partial 0 none\na 100 partial 0 none AzureCloud"},
        {"a 100 allow azurecloud.WestEurope 25", "partial 0 none\na 100 partial 0 none azurecloud.WestEurope"},
        {"a 100 allow AzureCloud 25;b 200 allow Internet 25",
         "exposed " ALL4 " full\na 100 exposed 0 none AzureCloud via:b"
         "\nb 200 exposed " ALL4 " full Internet"},
        {"d 100 deny Internet 25;a 200 allow AzureCloud 25", "closed 0 none\nshadowed a by:d"},
        {"d 100 deny AzureCloud 25;a 200 allow azureCloud 25", "closed 0 none\nshadowed a by:d"},
        {"d 100 deny Storage 25;a 200 allow storage 25", "closed 0 none\nshadowed a by:d"},
        {"d 100 deny Internet 25;a 200 allow Storage 25", "closed 0 none\nshadowed a by:d"},
        {"d 100 deny Internet 25;a 200 allow VirtualNetwork 25", "closed 0 none"},
        {"d 100 deny * 25;a 200 allow VirtualNetwork 25", "closed 0 none\nshadowed a by:d"},
        {"d 100 deny VIRTUALNETWORK 25;a 200 allow VirtualNetwork 25", "closed 0 none\nshadowed a by:d"},
        {"d 100 deny - 25 sasg=/asg/X;a 200 allow - 25 sasg=/asg/x", "closed 0 none\nshadowed a by:d"},
        {"a 100 allow Internet+Storage 25", "exposed " ALL4 " full\na 100 exposed " ALL4 " full Internet"},
    };
    static const struct test_case with_table[] = {
        {"a 100 allow AzureCloud 25", "partial 65536 part\na 100 partial 65536 part AzureCloud"},
        {"d 100 deny Storage 25;a 200 allow AzureCloud 25", "closed 0 none\nshadowed a by:d"},
        {"d 100 deny 20.60.0.0/17 25;a 200 allow AzureCloud 25",
         "partial 32768 part\na 200 partial 32768 part AzureCloud by:d"},
        {"a 100 allow Storage 25", "restricted 65536 part"},
        {"a 100 allow Sql 25", "unknown 0 none\na 100 unknown 0 none Sql"},
    };
    bool is_used = false;
    check_cases(without_table, NSF_ARRAY_LEN(without_table), NO_TAGS);
    check_cases(with_table, NSF_ARRAY_LEN(with_table), (struct nsf_tag_lookup){&is_used, find_tag});
    assert_true(is_used);
}

static void test_effective_rules_expand_the_virtual_network(void **state)
{
    static const struct test_case cases[] = {
        {"AllowVnetInBound 65000 allow VirtualNetwork * exp=10.0.0.0/8+168.63.129.16/32", "closed 0 none"},
        {"AllowVnetInBound 65000 allow VirtualNetwork * exp=10.0.0.0/8+0.0.0.0/0",
         "exposed " ALL4 " none\nAllowVnetInBound 65000 exposed " ALL4 " none VirtualNetwork"},
        {"a 100 allow Internet 25 exp=32.0.0.0/3+4.0.0.0/6",
         "exposed " ALL4 " full\na 100 exposed " ALL4 " full Internet"},
        {"a 100 allow Storage 25 exp=20.60.0.0/16", "restricted 65536 none"},
    };
    check_cases(cases, NSF_ARRAY_LEN(cases), NO_TAGS);
}

static void test_limits_can_be_set(void **state)
{
    struct nsf_exposure_settings settings = NSF_EXPOSURE_SETTINGS_INIT;
    struct nsf_exposure_result result;
    struct nsf_nsg_words world;
    struct nsf_arena keep;
    settings.partial_ipv4 = 256;
    settings.partial_ipv6_bits = 64;
    settings.port = 587;
    struct nsf_evaluator *evaluator = nsf_evaluator_new(&settings);
    nsf_arena_init(&keep);
    nsf_nsg_words_read(&world, "a 100 allow 20.1.2.0/24 587;b 110 allow 2a01::/64 500-600;c 120 allow * 25");
    nsf_evaluate(evaluator, &world.nsg, NULL, 0, &keep, &result);
    assert_int_equal(result.nsg.verdict, NSF_EXPOSURE_PARTIAL);
    assert_int_equal(result.n_findings, 2);
    assert_false(result.findings[0].opens_other_ports);
    assert_true(result.findings[1].opens_other_ports);
    nsf_arena_release(&world.arena);
    nsf_arena_release(&keep);
    nsf_evaluator_free(evaluator);
}

static void test_attachment_and_roles(void **state)
{
    struct nsf_exposure_settings settings = NSF_EXPOSURE_SETTINGS_INIT;
    struct nsf_slice nics[] = {NSF_SLICE_LIT("/nic/b"), NSF_SLICE_LIT("/nic/a")};
    struct nsf_nsg_words world, other;
    settings.has_rule_table = true;
    struct nsf_scanner *scanner = nsf_scanner_new(&settings);
    nsf_nsg_words_read(&world, "b 100 allow * 25;A 200 allow Internet 25;c 300 allow * 443;o 100 allow * 25 out");
    nsf_nsg_words_read(&other, "x 100 allow Internet 25");
    world.nsg.id = NSF_SLICE_LIT("/NSG/2");
    world.nsg.has_nics = true;
    world.nsg.nics = (struct nsf_slices){nics, 2};
    other.nsg.id = NSF_SLICE_LIT("/nsg/1");
    other.nsg.has_subnets = true;
    nsf_scanner_add(scanner, &world.nsg);
    nsf_scanner_add(scanner, &other.nsg);
    const struct nsf_scan *scan = nsf_scanner_finish(scanner, 1, NULL);
    assert_int_equal(scan->n_nsgs, 2);
    assert_int_equal(scan->n_findings, 2);
    assert_true(scan->nsgs[0].is_latent && scan->findings[0].is_latent);
    assert_false(scan->nsgs[1].is_latent || scan->findings[1].is_latent);
    assert_string_equal(scan->nsgs[1].attached_to.items[0].ptr, "/nic/a");
    assert_int_equal(scan->findings[1].nsg_idx, 1);
    assert_int_equal(scan->shadowed[0].nsg_idx, 1);
    /* A, AllowAzureLoadBalancerInBound, AllowVnetInBound, b, c, DenyAllInBound */
    const struct nsf_scan_nsg *nsg = &scan->nsgs[1];
    assert_int_equal(nsg->n_rules, 6);
    assert_string_equal(nsg->rules[0].name.ptr, "A");
    assert_int_equal(nsg->rules[0].role, NSF_RULE_ROLE_SHADOWED);
    assert_true(nsg->rules[1].is_default);
    assert_string_equal(nsg->rules[3].name.ptr, "b");
    assert_int_equal(nsg->rules[3].role, NSF_RULE_ROLE_FINDING);
    assert_int_equal(nsg->rules[3].finding_idx, 1);
    assert_int_equal(nsg->rules[4].role, NSF_RULE_ROLE_OTHER);
    nsf_scanner_free(scanner);
    nsf_arena_release(&world.arena);
    nsf_arena_release(&other.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_of_a_rule),
        cmocka_unit_test(test_first_match_by_priority),
        cmocka_unit_test(test_narrow_rules),
        cmocka_unit_test(test_what_cannot_be_read),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_effective_rules_expand_the_virtual_network),
        cmocka_unit_test(test_limits_can_be_set),
        cmocka_unit_test(test_attachment_and_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

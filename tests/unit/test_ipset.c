#include "core/nsf_common.h"

#include "core/mem.h"
#include "exposure/ipset.h"
#include "exposure/segments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* A small world that brute force can walk. */
#define WORLD 64
#define ROUNDS 3000

static uint32_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % below;
}

static void make_random(struct nsf_ranges *ranges, bool *truth)
{
    memset(truth, 0, WORLD * sizeof(*truth));
    nsf_ranges_reset(ranges);
    for (uint32_t n = draw(8); n > 0; n--) {
        uint32_t first = draw(WORLD), last = first + draw(WORLD - first);
        if (draw(3) == 0)
            last = first;
        nsf_ranges_add(ranges, first, last);
        for (uint32_t i = first; i <= last; i++)
            truth[i] = true;
    }
    nsf_ranges_normalize(ranges);
}

/* Sorted, disjoint, not touching, and the same as the truth. */
static void check_is(const struct nsf_ranges *ranges, const bool *truth)
{
    uint32_t count = 0;
    for (size_t i = 0; i < ranges->n; i++) {
        assert_true(ranges->items[i].first <= ranges->items[i].last);
        assert_true(i == 0 || ranges->items[i].first > ranges->items[i - 1].last + 1);
    }
    for (uint32_t i = 0; i < WORLD; i++) {
        assert_int_equal(nsf_ranges_has(ranges, i), truth[i]);
        count += truth[i];
    }
    assert_true(nsf_ranges_count(ranges) == count);
}

static void test_operations_against_brute_force(void **state)
{
    struct nsf_ranges a = {0}, b = {0}, c = {0};
    bool in_a[WORLD], in_b[WORLD], expected[WORLD];
    random_state = 7;
    for (int round = 0; round < ROUNDS; round++) {
        bool overlap = false, contain = true;
        make_random(&a, in_a);
        make_random(&b, in_b);
        check_is(&a, in_a);
        for (int i = 0; i < WORLD; i++)
            expected[i] = in_a[i] || in_b[i];
        nsf_ranges_union(&c, &a, &b);
        check_is(&c, expected);
        for (int i = 0; i < WORLD; i++) {
            expected[i] = in_a[i] && in_b[i];
            overlap |= expected[i];
            contain &= in_a[i] || !in_b[i];
        }
        nsf_ranges_intersect(&c, &a, &b);
        check_is(&c, expected);
        assert_int_equal(nsf_ranges_overlap(&a, &b), overlap);
        assert_int_equal(nsf_ranges_contain(&a, &b), contain);
        for (int i = 0; i < WORLD; i++)
            expected[i] = in_a[i] && !in_b[i];
        nsf_ranges_subtract(&c, &a, &b);
        check_is(&c, expected);
        nsf_ranges_copy(&c, &a);
        assert_true(nsf_ranges_eq(&c, &a));
    }
    nsf_ranges_release(&a);
    nsf_ranges_release(&b);
    nsf_ranges_release(&c);
}

static void test_both_ends_of_each_family(void **state)
{
    struct nsf_ipset all = {0}, part = {0}, rest = {0};
    for (int family = 0; family < NSF_FAMILY_N; family++) {
        nsf_u128 last = nsf_family_last((enum nsf_family)family);
        nsf_ranges_add(&part.of[family], last, last);
        nsf_ranges_add(&part.of[family], 0, 0);
        nsf_ipset_add_all(&all, (enum nsf_family)family);
    }
    nsf_ipset_normalize(&part);
    nsf_ipset_normalize(&all);
    nsf_ipset_subtract(&rest, &all, &part);
    for (int family = 0; family < NSF_FAMILY_N; family++) {
        nsf_u128 last = nsf_family_last((enum nsf_family)family);
        assert_int_equal(rest.of[family].n, 1);
        assert_true(rest.of[family].items[0].first == 1);
        assert_true(rest.of[family].items[0].last == last - 1);
        assert_false(nsf_ipset_is_all(&rest, (enum nsf_family)family));
    }
    nsf_ipset_union(&all, &rest, &part);
    assert_true(nsf_ipset_is_all(&all, NSF_FAMILY_V4) && nsf_ipset_is_all(&all, NSF_FAMILY_V6));
    assert_true(nsf_ranges_count(&all.of[NSF_FAMILY_V4]) == (nsf_u128)1 << 32);
    nsf_ipset_subtract(&rest, &part, &all);
    assert_true(nsf_ipset_is_empty(&rest));
    nsf_ipset_release(&all);
    nsf_ipset_release(&part);
    nsf_ipset_release(&rest);
}

static void test_public_space(void **state)
{
    static const struct {
        const char *address;
        bool is_public;
    } cases[] = {
        {"0.255.255.255", false},   {"1.0.0.0", true},         {"9.255.255.255", true},
        {"10.0.0.0", false},        {"100.63.255.255", true},  {"100.64.0.0", false},
        {"100.128.0.0", true},      {"127.0.0.1", false},      {"168.63.129.15", true},
        {"168.63.129.16", false},   {"168.63.129.17", true},   {"169.254.1.1", false},
        {"172.15.255.255", true},   {"172.31.255.255", false}, {"192.0.0.255", false},
        {"192.0.1.0", true},        {"192.0.2.1", false},      {"192.88.99.1", false},
        {"192.168.0.1", false},     {"198.19.255.255", false}, {"198.51.100.1", false},
        {"203.0.113.255", false},   {"223.255.255.255", true}, {"224.0.0.0", false},
        {"255.255.255.255", false}, {"2000::", true},          {"3fff:ffff::1", true},
        {"1fff::", false},          {"4000::", false},         {"::1", false},
        {"fe80::1", false},
    };
    struct nsf_ipset set = {0};
    nsf_ipset_add_public(&set);
    nsf_ipset_normalize(&set);
    assert_true(nsf_ranges_count(&set.of[NSF_FAMILY_V4]) == NSF_PUBLIC_IPV4);
    assert_true(nsf_ranges_count(&set.of[NSF_FAMILY_V6]) == (nsf_u128)1 << NSF_PUBLIC_IPV6_BITS);
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_ip ip;
        assert_true(nsf_ip_parse(nsf_slice_str(cases[i].address), &ip));
        if (nsf_ipset_has(&set, ip) != cases[i].is_public)
            fail_msg("%s", cases[i].address);
    }
    nsf_ipset_release(&set);
}

static void test_prefixes_go_to_their_family(void **state)
{
    struct nsf_ipset set = {0};
    struct nsf_prefix prefix;
    assert_true(nsf_prefix_parse(NSF_SLICE_LIT("::/0"), &prefix));
    nsf_ipset_add_prefix(&set, prefix);
    assert_int_equal(set.of[NSF_FAMILY_V4].n, 0);
    assert_true(nsf_ipset_is_all(&set, NSF_FAMILY_V6));
    assert_true(nsf_prefix_parse(NSF_SLICE_LIT("1.2.3.4/0"), &prefix));
    nsf_ipset_add_prefix(&set, prefix);
    assert_true(nsf_ipset_is_all(&set, NSF_FAMILY_V4));
    nsf_ipset_release(&set);
}

/* Who comes first and second at each address, for up to 200 rules, against asking each of them. */
static void test_segments_against_brute_force(void **state)
{
    enum {
        RULES = 200
    };
    static bool truth[RULES][WORLD];
    struct nsf_ranges sources[RULES] = {{0}};
    struct nsf_segments segments = {0};
    random_state = 11;
    for (int round = 0; round < 60; round++) {
        uint32_t n = 1 + draw(RULES);
        nsf_segments_begin(&segments, n);
        for (uint32_t i = 0; i < n; i++) {
            make_random(&sources[i], truth[i]);
            nsf_segments_add(&segments, i, &sources[i]);
        }
        nsf_segments_finish(&segments, n);
        for (uint32_t address = 0; address < WORLD; address++) {
            uint32_t first = NSF_RANK_NONE, second = NSF_RANK_NONE;
            for (uint32_t i = n; i-- > 0;)
                if (truth[i][address]) {
                    second = first;
                    first = i;
                }
            size_t at = nsf_segments_seek(&segments, address);
            bool is_there = at < segments.n && segments.items[at].range.first <= address;
            assert_int_equal(is_there, first != NSF_RANK_NONE);
            if (is_there) {
                assert_int_equal(segments.items[at].first, first);
                assert_int_equal(segments.items[at].second, second);
            }
        }
    }
    for (int i = 0; i < RULES; i++)
        nsf_ranges_release(&sources[i]);
    nsf_segments_release(&segments);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations_against_brute_force),
        cmocka_unit_test(test_both_ends_of_each_family),
        cmocka_unit_test(test_public_space),
        cmocka_unit_test(test_prefixes_go_to_their_family),
        cmocka_unit_test(test_segments_against_brute_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

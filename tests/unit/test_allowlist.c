#include "core/nsf_common.h"

#include "advice/allowlist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct nsf_prefix prefix(const char *text)
{
    struct nsf_prefix p;
    if (!nsf_prefix_parse(nsf_slice_str(text), &p))
        fail_msg("%s is no prefix", text);
    return p;
}

struct list_case {
    const char *what;
    const char *given[8];
    const char *scanner;
    const char *expected[8];
};

/* clang-format off */
static const struct list_case cases[] = {
    {"nothing", {NULL}, NULL, {NULL}},
    {"one", {"203.0.113.0/24"}, NULL, {"203.0.113.0/24"}},
    {"neighbours become one", {"198.51.101.0/24", "198.51.100.0/24"}, NULL, {"198.51.100.0/23"}},
    {"neighbours that are no halves of a block stay two", {"198.51.101.0/24", "198.51.102.0/24"}, NULL, {"198.51.101.0/24", "198.51.102.0/24"}},
    {"four become one", {"10.0.0.0/24", "10.0.3.0/24", "10.0.1.0/24", "10.0.2.0/24"}, NULL, {"10.0.0.0/22"}},
    {"three become two", {"10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"}, NULL, {"10.0.0.0/23", "10.0.2.0/24"}},
    {"a known scanner keeps them apart", {"198.51.101.0/24", "198.51.100.0/24"}, "198.51.101.7", {"198.51.100.0/24", "198.51.101.0/24"}},
    {"inside another", {"10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8"}, NULL, {"10.0.0.0/8"}},
    {"single addresses", {"10.0.0.1", "10.0.0.0", "10.0.0.3"}, NULL, {"10.0.0.0/31", "10.0.0.3/32"}},
    {"both families", {"2001:db8:1::/48", "10.0.0.0/24", "2001:db8::/48"}, NULL, {"10.0.0.0/24", "2001:db8::/47"}},
    {"the halves of all IPv4", {"0.0.0.0/1", "128.0.0.0/1"}, NULL, {"0.0.0.0/0"}},
};
/* clang-format on */

static void merges_only_whole_blocks(void **state)
{
    for (size_t c = 0; c < NSF_ARRAY_LEN(cases); c++) {
        struct nsf_networks *scanners = nsf_networks_new();
        nsf_networks_add_origin(scanners, NSF_SLICE_LIT("s"), nsf_slice(NULL, 0));
        if (cases[c].scanner != NULL)
            nsf_networks_add(scanners, prefix(cases[c].scanner), nsf_slice(NULL, 0), 0);
        nsf_networks_finish(scanners);
        struct nsf_allowlist list = {0};
        size_t n = 0;
        for (size_t i = 0; cases[c].given[i] != NULL; i++)
            nsf_allowlist_add(&list, prefix(cases[c].given[i]));
        nsf_allowlist_finish(&list, scanners);
        for (; cases[c].expected[n] != NULL; n++) {
            char text[NSF_IP_TEXT_BYTES];
            if (n >= list.n || strcmp(nsf_prefix_format(list.items[n], text), cases[c].expected[n]) != 0)
                fail_msg("%s: entry %zu is %s", cases[c].what, n, n < list.n ? text : "missing");
        }
        assert_int_equal(list.n, n);
        nsf_allowlist_release(&list);
        nsf_networks_free(scanners);
    }
}

static void covers_what_was_given_and_nothing_else(void **state)
{
    srand(3);
    for (int round = 0; round < 300; round++) {
        struct nsf_allowlist list = {0};
        bool is_in[512] = {false};
        size_t n = (size_t)(rand() % 40);
        uint64_t n_in = 0;
        for (size_t i = 0; i < n; i++) {
            uint32_t at = (uint32_t)(rand() % 512);
            struct nsf_prefix p = nsf_prefix_around(nsf_ip_from_v4(0x0a000000 + at), (uint8_t)(123 + rand() % 6));
            nsf_allowlist_add(&list, p);
            for (uint32_t k = 0; k < 512; k++)
                is_in[k] |= nsf_prefix_contains(p, nsf_ip_from_v4(0x0a000000 + k));
        }
        nsf_allowlist_finish(&list, NULL);
        for (uint32_t k = 0; k < 512; k++) {
            assert_int_equal(nsf_allowlist_has(&list, nsf_ip_from_v4(0x0a000000 + k)), is_in[k]);
            n_in += is_in[k];
        }
        assert_int_equal(nsf_allowlist_ipv4_addresses(&list), n_in);
        assert_true(list.n <= n);
        nsf_allowlist_release(&list);
    }
}

/* Every block is one that was given, or joins blocks that are all given and holds no known scanner. */
static void a_joined_block_holds_no_scanner(void **state)
{
    srand(5);
    int n_joined = 0;
    for (int round = 0; round < 400; round++) {
        struct nsf_networks *scanners = nsf_networks_new();
        struct nsf_allowlist list = {0}, given = {0};
        nsf_networks_add_origin(scanners, NSF_SLICE_LIT("s"), nsf_slice(NULL, 0));
        for (int i = rand() % 3; i > 0; i--)
            nsf_networks_add(scanners, nsf_prefix_around(nsf_ip_from_v4(0x0a000000 + (uint32_t)rand() % 4096), 128),
                             nsf_slice(NULL, 0), 0);
        nsf_networks_finish(scanners);
        for (int i = rand() % 40; i > 0; i--) {
            struct nsf_prefix p =
                nsf_prefix_around(nsf_ip_from_v4(0x0a000000 + (uint32_t)rand() % 4096), (uint8_t)(118 + rand() % 8));
            nsf_allowlist_add(&list, p);
            nsf_allowlist_add(&given, p);
        }
        nsf_allowlist_finish(&list, scanners);
        nsf_allowlist_sort(&given);
        for (size_t i = 0; i < list.n; i++) {
            bool is_given = false;
            for (size_t k = 0; k < given.n; k++)
                is_given |= nsf_prefix_cmp(given.items[k], list.items[i]) == 0;
            assert_true(is_given || !nsf_networks_touches(scanners, list.items[i]));
            n_joined += !is_given;
        }
        for (uint32_t at = 0x0a000000; at < 0x0a001000; at += 7)
            assert_int_equal(nsf_allowlist_has(&list, nsf_ip_from_v4(at)),
                             nsf_allowlist_has(&given, nsf_ip_from_v4(at)));
        nsf_allowlist_release(&list);
        nsf_allowlist_release(&given);
        nsf_networks_free(scanners);
    }
    assert_true(n_joined > 100);
}

static void ranges_become_prefixes(void **state)
{
    static const struct {
        const char *first, *last;
        size_t n;
    } ranges[] = {{"10.0.0.0", "10.0.0.255", 1},
                  {"10.0.0.1", "10.0.0.254", 14},
                  {"0.0.0.0", "255.255.255.255", 1},
                  {"255.255.255.255", "255.255.255.255", 1},
                  {"::1:0:0:0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 80}};
    for (size_t i = 0; i < NSF_ARRAY_LEN(ranges); i++) {
        struct nsf_allowlist list = {0};
        nsf_allowlist_add_range(&list, prefix(ranges[i].first).ip, prefix(ranges[i].last).ip);
        assert_int_equal(list.n, ranges[i].n);
        nsf_allowlist_release(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_only_whole_blocks),
        cmocka_unit_test(covers_what_was_given_and_nothing_else),
        cmocka_unit_test(a_joined_block_holds_no_scanner),
        cmocka_unit_test(ranges_become_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

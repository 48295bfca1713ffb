#include "core/nsf_common.h"

#include "core/ipaddr.h"

#include "support/nsf_test.h"

#include <arpa/inet.h>

static void test_text_forms(void **state)
{
    static const struct {
        const char *text;
        const char *shown; /* RFC 5952, or NULL when the text is no address */
    } cases[] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"203.0.113.9", "203.0.113.9"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8::1", "2001:db8::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"0:0:0:0:0:0:0:0", "::"},
        {"1:0:0:0:0:0:0:0", "1::"},
        {"fe80:0:0:0:1:0:0:0", "fe80::1:0:0:0"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        /* IPv4-mapped is IPv4, in whatever spelling. */
        {"::ffff:203.0.113.9", "203.0.113.9"},
        {"::FFFF:cb00:7109", "203.0.113.9"},
        {"0:0:0:0:0:ffff:203.0.113.9", "203.0.113.9"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"::1.2.3.4", "::102:304"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"", NULL},
        {"1.2.3", NULL},
        {"1.2.3.", NULL},
        {"1.2.3.4.", NULL},
        {"1.2.3.4.5", NULL},
        {".1.2.3", NULL},
        {"1..2.3", NULL},
        {"256.1.1.1", NULL},
        {"1.2.3.0004", NULL},
        {"01.2.3.4", NULL},
        {"00.2.3.4", NULL},
        {"1.2.3.4 ", NULL},
        {" 1.2.3.4", NULL},
        {"1.2.3.4/24", NULL},
        {"-1.2.3.4", NULL},
        {"1.2.3.0x4", NULL},
        {"1,2,3,4", NULL},
        {"16909060", NULL},
        {":", NULL},
        {":::", NULL},
        {":1", NULL},
        {"1:", NULL},
        {"1:::2", NULL},
        {"::1::", NULL},
        {"1::2::3", NULL},
        {"1:2:3:4:5:6:7", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"1:2:3:4:5:6:7:8::", NULL},
        {"::1:2:3:4:5:6:7:8", NULL},
        {"12345::", NULL},
        {"g::", NULL},
        {"[::1]", NULL},
        {"fe80::1%eth0", NULL},
        {"2001:db8::/32", NULL},
        {"::ffff:1.2.3", NULL},
        {"::ffff:01.2.3.4", NULL},
        {"1.2.3.4::", NULL},
        {"1:2:3:4:5:6:7:1.2.3.4", NULL},
        {"::1.2.3.4:5", NULL},
        {"2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:1", NULL},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_ip ip;
        char shown[NSF_IP_TEXT_BYTES];
        bool is_good = nsf_ip_parse(S(cases[i].text), &ip);
        if (is_good != (cases[i].shown != NULL))
            fail_msg("'%s' is %s address", cases[i].text, is_good ? "an" : "no");
        if (is_good)
            assert_string_equal(nsf_ip_format(ip, shown), cases[i].shown);
    }
}

static struct nsf_ip ip_of(const char *text)
{
    struct nsf_ip ip;
    if (!nsf_ip_parse(S(text), &ip))
        fail_msg("%s is no address", text);
    return ip;
}

static struct nsf_ip ip_of_bytes(const unsigned char bytes[16])
{
    struct nsf_ip ip = {0, 0};
    for (int i = 0; i < 8; i++) {
        ip.hi = ip.hi << 8 | bytes[i];
        ip.lo = ip.lo << 8 | bytes[i + 8];
    }
    return ip;
}

/* The C library reads the same texts, and reads ours back. Texts are an address with a few characters changed, so that
 * about half of them are good. */
static void test_agrees_with_the_c_library(void **state)
{
    static const char letters[] = "0123456789abcdefF::::....";
    uint64_t seed = 7;
    unsigned n_good = 0;
    for (int i = 0; i < 200000; i++) {
        unsigned char bytes[16];
        for (int j = 0; j < 16; j++)
            bytes[j] = nsf_test_random(&seed) % 3 == 0 ? (unsigned char)nsf_test_random(&seed) : 0;
        char text[64];
        if (i % 2 == 0)
            inet_ntop(AF_INET6, bytes, text, sizeof(text));
        else
            inet_ntop(AF_INET, bytes, text, sizeof(text));
        for (uint64_t n = nsf_test_random(&seed) % 3; n > 0; n--)
            text[nsf_test_random(&seed) % strlen(text)] = letters[nsf_test_random(&seed) % (sizeof(letters) - 1)];
        struct nsf_ip ip;
        bool is_ours = nsf_ip_parse(S(text), &ip);
        unsigned char theirs[16] = {0};
        bool is_theirs = true;
        if (strchr(text, ':') != NULL) {
            is_theirs = inet_pton(AF_INET6, text, theirs) == 1;
        } else {
            is_theirs = inet_pton(AF_INET, text, theirs + 12) == 1;
            theirs[10] = theirs[11] = 0xFF;
        }
        if (is_ours != is_theirs)
            fail_msg("'%s': ours %d, theirs %d", text, is_ours, is_theirs);
        if (!is_ours)
            continue;
        n_good++;
        assert_true(nsf_ip_eq(ip, ip_of_bytes(theirs)));
        char shown[NSF_IP_TEXT_BYTES];
        assert_true(nsf_ip_eq(ip_of(nsf_ip_format(ip, shown)), ip));
        assert_true(strlen(shown) <= 39);
    }
    assert_in_range(n_good, 50000, 190000);
}

static void test_order(void **state)
{
    static const char *const sorted[] = {
        "0.0.0.0", "9.9.9.9", "10.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::", "2001:db8::1", "ffff::"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(sorted); i++)
        for (size_t j = 0; j < NSF_ARRAY_LEN(sorted); j++)
            assert_int_equal(nsf_ip_cmp(ip_of(sorted[i]), ip_of(sorted[j])), (i > j) - (i < j));
}

static void test_prefixes(void **state)
{
    static const struct {
        const char *text, *shown, *first, *last;
    } cases[] = {
        {"10.1.2.3", "10.1.2.3/32", "10.1.2.3", "10.1.2.3"},
        {"10.1.2.3/8", "10.0.0.0/8", "10.0.0.0", "10.255.255.255"},
        {"0.0.0.0/0", "0.0.0.0/0", "0.0.0.0", "255.255.255.255"},
        {"203.0.113.77/31", "203.0.113.76/31", "203.0.113.76", "203.0.113.77"},
        {"::/0", "::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"2001:db8::1", "2001:db8::1/128", "2001:db8::1", "2001:db8::1"},
        {"2001:db8:ffff::/33", "2001:db8:8000::/33", "2001:db8:8000::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"2001:db8::ffff/64", "2001:db8::/64", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff"},
        {"2001:db8::ffff/65", "2001:db8::/65", "2001:db8::", "2001:db8::7fff:ffff:ffff:ffff"},
        {"::ffff:10.0.0.0/104", "10.0.0.0/8", "10.0.0.0", "10.255.255.255"},
        {"10.0.0.0/33", NULL, NULL, NULL},
        {"::/129", NULL, NULL, NULL},
        {"10.0.0.0/", NULL, NULL, NULL},
        {"10.0.0.0/08", NULL, NULL, NULL},
        {"10.0.0.0/-1", NULL, NULL, NULL},
        {"10.0.0.0/8/8", NULL, NULL, NULL},
        {"/8", NULL, NULL, NULL},
        {"10.0.0.0 /8", NULL, NULL, NULL},
        {"10.0.0.0/255.0.0.0", NULL, NULL, NULL},
        {"*", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_prefix prefix;
        bool is_good = nsf_prefix_parse(S(cases[i].text), &prefix);
        if (is_good != (cases[i].shown != NULL))
            fail_msg("'%s' is %s prefix", cases[i].text, is_good ? "a" : "no");
        if (!is_good)
            continue;
        char shown[NSF_IP_TEXT_BYTES];
        assert_string_equal(nsf_prefix_format(prefix, shown), cases[i].shown);
        assert_string_equal(nsf_ip_format(nsf_prefix_first(prefix), shown), cases[i].first);
        assert_string_equal(nsf_ip_format(nsf_prefix_last(prefix), shown), cases[i].last);
        assert_true(nsf_prefix_contains(prefix, ip_of(cases[i].first)));
        assert_true(nsf_prefix_contains(prefix, ip_of(cases[i].last)));
    }
    struct nsf_prefix ten;
    assert_true(nsf_prefix_parse(S("10.0.0.0/8"), &ten));
    assert_false(nsf_prefix_contains(ten, ip_of("11.0.0.0")));
    assert_false(nsf_prefix_contains(ten, ip_of("9.255.255.255")));
    assert_false(nsf_prefix_contains(ten, ip_of("::10.0.0.1")));
    struct nsf_prefix longer = nsf_prefix_around(ip_of("10.0.0.0"), 120);
    assert_true(nsf_prefix_cmp(ten, longer) < 0);
    assert_true(nsf_prefix_cmp(longer, ten) > 0);
    assert_int_equal(nsf_prefix_cmp(ten, ten), 0);
}

static void test_what_is_inside(void **state)
{
    static const struct {
        const char *address;
        bool is_private;
    } addresses[] = {
        {"10.0.0.0", true},        {"9.255.255.255", false},   {"11.0.0.0", false},     {"100.63.255.255", false},
        {"100.64.0.0", true},      {"100.127.255.255", true},  {"100.128.0.0", false},  {"127.0.0.1", true},
        {"169.254.169.254", true}, {"172.15.255.255", false},  {"172.16.0.0", true},    {"172.31.255.255", true},
        {"172.32.0.0", false},     {"192.167.255.255", false}, {"192.168.0.0", true},   {"192.169.0.0", false},
        {"168.63.129.16", true},   {"168.63.129.15", false},   {"198.51.100.1", false}, {"fbff::1", false},
        {"fc00::1", true},         {"fdff::1", true},          {"fe00::1", false},      {"fe80::1", true},
        {"febf::1", true},         {"fec0::1", false},         {"2001:db8::1", false},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(addresses); i++) {
        struct nsf_ip ip;
        assert_true(nsf_ip_parse(nsf_slice_str(addresses[i].address), &ip));
        if (nsf_ip_is_private(ip) != addresses[i].is_private)
            fail_msg("%s", addresses[i].address);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_forms),     cmocka_unit_test(test_agrees_with_the_c_library),
        cmocka_unit_test(test_order),          cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_what_is_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

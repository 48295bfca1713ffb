#include "core/nsf_common.h"

#include "lists/networks.h"

#include "core/buf.h"
#include "core/limits.h"
#include "core/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

struct lists {
    struct nsf_networks *networks;
    struct nsf_problems problems;
    struct nsf_err err;
    bool failed;
};

static void open_lists(struct lists *l)
{
    memset(l, 0, sizeof(*l));
    l->networks = nsf_networks_new();
    nsf_problems_init(&l->problems);
    l->err = (struct nsf_err)NSF_ERR_INIT;
}

static void close_lists(struct lists *l)
{
    nsf_networks_free(l->networks);
    nsf_problems_release(&l->problems);
}

/* Each text is copied to a block of its exact size, so that a read too far is seen. */
static void read_text(struct lists *l, const char *text)
{
    size_t len = strlen(text);
    char *copy = nsf_malloc(len == 0 ? 1 : len);
    memcpy(copy, text, len);
    l->failed = nsf_failed(
        nsf_networks_read(l->networks, nsf_slice(copy, len), NSF_SLICE_LIT("list.txt"), &l->problems, &l->err));
    nsf_free(copy);
}

static struct lists lists_of(const char *text)
{
    struct lists l;
    open_lists(&l);
    read_text(&l, text);
    nsf_networks_finish(l.networks);
    return l;
}

static struct nsf_ip ip(const char *text)
{
    struct nsf_ip found;
    if (!nsf_ip_parse(nsf_slice_str(text), &found))
        fail_msg("%s is no address", text);
    return found;
}

/* "prefix name" of the entry around the address, "-" for none */
static const char *found(const struct lists *l, const char *address)
{
    static char text[200];
    const struct nsf_listed *entry = nsf_networks_find(l->networks, ip(address));
    if (entry == NULL)
        return "-";
    char prefix[NSF_IP_TEXT_BYTES];
    snprintf(text, sizeof(text), "%s %.*s", nsf_prefix_format(entry->prefix, prefix), NSF_SLICE_ARG(entry->name));
    return text;
}

static void reads_text_lists(void **state)
{
    struct lists l = lists_of("# a comment\r\n"
                              "; Last-Modified: Tue, 30 Aug 2016 05:17:00 GMT\n"
                              "203.0.113.0/24 Example Mail\r\n"
                              "203.0.113.9;Printer # behind the door\n"
                              "  198.51.100.4-198.51.100.7\tRange\n"
                              "192.0.2.1 - 192.0.2.2 ; Spaced\n"
                              "1.4.0.0/17 ; SBL256893\n"
                              "2001:db8::/32 Six\n"
                              "2001:db8:1::-2001:db8:1::ffff\n"
                              "9.9.9.9\n"
                              "\n"
                              "8.8.8.8,Comma");
    assert_false(l.failed);
    assert_int_equal(l.problems.n, 0);
    assert_string_equal(found(&l, "203.0.113.8"), "203.0.113.0/24 Example Mail");
    assert_string_equal(found(&l, "203.0.113.9"), "203.0.113.9/32 Printer");
    assert_string_equal(found(&l, "203.0.113.10"), "203.0.113.0/24 Example Mail");
    assert_string_equal(found(&l, "203.0.114.0"), "-");
    assert_string_equal(found(&l, "203.0.112.255"), "-");
    assert_string_equal(found(&l, "198.51.100.4"), "198.51.100.4/30 Range");
    assert_string_equal(found(&l, "198.51.100.8"), "-");
    assert_string_equal(found(&l, "192.0.2.2"), "192.0.2.2/32 Spaced");
    assert_string_equal(found(&l, "1.4.127.255"), "1.4.0.0/17 SBL256893");
    assert_string_equal(found(&l, "2001:db8:1::ff"), "2001:db8:1::/112 ");
    assert_string_equal(found(&l, "2001:db8:2::1"), "2001:db8::/32 Six");
    assert_string_equal(found(&l, "9.9.9.9"), "9.9.9.9/32 ");
    assert_string_equal(found(&l, "8.8.8.8"), "8.8.8.8/32 Comma");
    const struct nsf_listed *entry = nsf_networks_find(l.networks, ip("1.4.0.0"));
    struct nsf_list_origin origin = nsf_networks_origin(l.networks, entry->origin_idx);
    assert_true(nsf_slice_eq(origin.path, NSF_SLICE_LIT("list.txt")));
    assert_true(nsf_slice_eq(origin.date, NSF_SLICE_LIT("Tue, 30 Aug 2016 05:17:00 GMT")));
    close_lists(&l);
}

static void reads_tables(void **state)
{
    struct lists l = lists_of("# cache\nIP,ptr\n203.0.113.9,\"mail.example.org\"\n198.51.100.4, a \"b\"\n");
    assert_false(l.failed);
    assert_int_equal(l.problems.n, 0);
    assert_string_equal(found(&l, "203.0.113.9"), "203.0.113.9/32 mail.example.org");
    assert_string_equal(found(&l, "198.51.100.4"), "198.51.100.4/32 a \"b\"");
    close_lists(&l);
    l = lists_of("203.0.113.9,one\nip,ptr\n"); /* a heading stands first */
    assert_int_equal(l.problems.n, 1);
    close_lists(&l);
    l = lists_of("ip\n203.0.113.9,one\n");
    assert_int_equal(l.problems.n, 1);
    close_lists(&l);
}

struct json_case {
    const char *what, *text, *address, *expected, *date;
};

/* clang-format off */
static const struct json_case json_cases[] = {
    {"array of texts", "[\"203.0.113.0/24\", \"198.51.100.1 One\"]", "198.51.100.1", "198.51.100.1/32 One", ""},
    {"array of objects", "[{\"name\":\"A\",\"cidr\":\"203.0.113.0/24\"},{\"prefix\":\"198.51.100.0/24\",\"name\":\"B\"}]",
     "198.51.100.1", "198.51.100.0/24 B", ""},
    {"service tags", "{\"changeNumber\":321,\"cloud\":\"Public\",\"values\":[{\"name\":\"ActionGroup\",\"id\":\"ActionGroup\","
     "\"properties\":{\"changeNumber\":5,\"region\":\"\",\"regionId\":0,\"platform\":\"Azure\",\"systemService\":\"ActionGroup\","
     "\"addressPrefixes\":[\"4.145.74.52/30\",\"2603:1000:4:402::178/125\"],\"networkFeatures\":[\"API\",\"NSG\"]}}]}",
     "4.145.74.53", "4.145.74.52/30 ActionGroup", "version 321"},
    {"Office 365 endpoints", "[{\"id\":1,\"serviceArea\":\"Exchange\",\"serviceAreaDisplayName\":\"Exchange Online\","
     "\"urls\":[\"outlook.office.com\"],\"ips\":[\"13.107.6.152/31\"],\"tcpPorts\":\"80,443\"},{\"id\":10,\"serviceArea\":"
     "\"Exchange\",\"serviceAreaDisplayName\":\"Exchange Online\",\"ips\":[\"40.92.0.0/15\"],\"tcpPorts\":\"25\"}]",
     "40.93.255.255", "40.92.0.0/15 Exchange Online", ""},
    {"endpoints without mail ports are left out", "[{\"serviceArea\":\"X\",\"ips\":[\"13.107.6.152/31\"],\"tcpPorts\":\"80,443\"},"
     "{\"serviceArea\":\"X\",\"ips\":[\"40.92.0.0/15\"],\"tcpPorts\":\"25\"}]", "13.107.6.152", "-", ""},
    {"endpoints of a list without any", "[{\"serviceArea\":\"X\",\"ips\":[\"13.107.6.152/31\"],\"tcpPorts\":\"443\"}]",
     "13.107.6.152", "13.107.6.152/31 X", ""},
    {"Spamhaus NDJSON", "{\"cidr\":\"1.10.16.0/20\",\"sblid\":\"SBL256894\",\"rir\":\"apnic\"}\n"
     "{\"cidr\":\"1.19.0.0/16\",\"sblid\":\"SBL434604\",\"rir\":\"apnic\"}\n"
     "{\"type\":\"metadata\",\"timestamp\":1717672142,\"size\":77892,\"records\":2,\"copyright\":\"(c)\"}\n",
     "1.19.3.3", "1.19.0.0/16 SBL434604", "2024-06-06"},
    {"NDJSON with a bad line", "{\"cidr\":\"1.10.16.0/20\",\"sblid\":\"A\"}\n{\"cidr\":oops}\n{\"cidr\":\"1.19.0.0/16\",\"sblid\":\"B\"}\n",
     "1.19.3.3", "1.19.0.0/16 B", ""},
    {"MISP warning list", "{\"description\":\"Ranges\",\"list\":[\"104.47.0.0/17\"],\"matching_attributes\":[\"ip-src\",\"domain|ip\"],"
     "\"name\":\"Office 365 addresses\",\"type\":\"cidr\",\"version\":20240815}", "104.47.3.3", "104.47.0.0/17 Office 365 addresses",
     "version 20240815"},
    {"Google's", "{\"syncToken\":\"1\",\"creationTime\":\"2024-01-01T00:00:00\",\"prefixes\":[{\"ipv4Prefix\":\"8.8.4.0/24\"},"
     "{\"ipv6Prefix\":\"2001:4860::/32\"}]}", "2001:4860::1", "2001:4860::/32 ", "2024-01-01T00:00:00"},
    {"byte order mark", "\xef\xbb\xbf[\"203.0.113.0/24\"]", "203.0.113.1", "203.0.113.0/24 ", ""},
    {"cut in the middle", "[\"203.0.113.0/24\", \"198.51", "203.0.113.1", "203.0.113.0/24 ", ""},
};
/* clang-format on */

static void reads_published_json(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(json_cases); i++) {
        const struct json_case *c = &json_cases[i];
        struct lists l = lists_of(c->text);
        const char *got = found(&l, c->address);
        struct nsf_slice date = nsf_networks_origin(l.networks, 0).date;
        if (l.failed || strcmp(got, c->expected) != 0 || !nsf_slice_eq(date, nsf_slice_str(c->date)))
            fail_msg("%s: %s is in %s, date \"%.*s\"", c->what, c->address, got, NSF_SLICE_ARG(date));
        close_lists(&l);
    }
}

static void bad_entries_are_named_with_their_place(void **state)
{
    struct lists l =
        lists_of("203.0.113.0/24 Good\nmail.example.org\n\n198.51.100.0/33 Wide\n198.51.100.9-198.51.100.1\n"
                 "0.0.0.0/0 All\n::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n192.0.2.1-2001:db8::1\n9.9.9.9\n");
    static const uint64_t offsets[] = {20, 38, 59, 85, 99, 142};
    static const char *const lines[] = {"line 2: ", "line 4: ", "line 5: ", "line 6: ", "line 7: ", "line 8: "};
    assert_false(l.failed);
    assert_int_equal(l.problems.n, NSF_ARRAY_LEN(offsets));
    for (size_t i = 0; i < NSF_ARRAY_LEN(offsets); i++) {
        assert_int_equal(l.problems.items[i].offset, offsets[i]);
        assert_int_equal(l.problems.items[i].code, NSF_E_LIST);
        assert_true(nsf_slice_has_prefix(l.problems.items[i].detail, nsf_slice_str(lines[i])));
        assert_true(nsf_slice_eq(l.problems.items[i].path, NSF_SLICE_LIT("list.txt")));
    }
    assert_int_equal(nsf_networks_count(l.networks), 2);
    close_lists(&l);

    l = lists_of("[\"203.0.113.0/24\",\"bad.example\",17]");
    assert_int_equal(l.problems.n, 2);
    assert_int_equal(l.problems.items[0].offset, 19);
    assert_int_equal(l.problems.items[1].offset, 32);
    close_lists(&l);
}

static void fails_only_where_nothing_is_readable(void **state)
{
    static const char *const useless[] = {"hello", "{\"a\":1}", "{", "[\"x\"]", "{\"resources\":[{\"name\":\"nsg\"}]}",
                                          "<html>"};
    static const char *const empty[] = {"", "# none yet\n", "[]", "\r\n", "; a header\n"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(useless); i++) {
        struct lists l = lists_of(useless[i]);
        if (!l.failed || l.err.code != NSF_E_LIST)
            fail_msg("%s is taken for a list", useless[i]);
        close_lists(&l);
    }
    for (size_t i = 0; i < NSF_ARRAY_LEN(empty); i++) {
        struct lists l = lists_of(empty[i]);
        if (l.failed || l.problems.n != 0)
            fail_msg("the empty list number %zu is refused", i);
        assert_null(nsf_networks_find(l.networks, ip("203.0.113.1")));
        close_lists(&l);
    }
}

static void many_bad_lines_are_summed(void **state)
{
    struct nsf_buf buf;
    nsf_buf_init(&buf, 1 << 20);
    nsf_buf_add_str(&buf, "203.0.113.7\n");
    for (int i = 0; i < 1000; i++)
        nsf_buf_add_str(&buf, "nonsense\n");
    struct lists l = lists_of(nsf_buf_str(&buf));
    assert_false(l.failed);
    assert_int_equal(l.problems.n, 21);
    assert_true(nsf_slice_eq(l.problems.items[20].detail, NSF_SLICE_LIT("980 more entries cannot be read")));
    close_lists(&l);
    nsf_buf_release(&buf);
}

static void names_hold_together(void **state)
{
    struct lists l;
    open_lists(&l);
    read_text(&l, "10.2.0.0/16 Storage.WestEurope\n2001:db8::/32 storage.westeurope\n10.1.0.0/16 STORAGE.WESTEUROPE\n");
    read_text(&l, "10.9.0.0/16 Other\n10.8.0.0/16\n10.7.0.0/16\n");
    nsf_networks_finish(l.networks);
    const struct nsf_prefix *prefixes;
    assert_int_equal(nsf_networks_named(l.networks, NSF_SLICE_LIT("Storage.westeurope"), &prefixes), 3);
    assert_true(nsf_ip_eq(prefixes[1].ip, ip("10.2.0.0")));
    assert_int_equal(nsf_networks_named(l.networks, NSF_SLICE_LIT("Storage"), &prefixes), 0);
    assert_int_equal(nsf_networks_named(NULL, NSF_SLICE_LIT("Storage"), &prefixes), 0);
    const struct nsf_listed *seven = nsf_networks_find(l.networks, ip("10.7.0.1"));
    const struct nsf_listed *eight = nsf_networks_find(l.networks, ip("10.8.0.1"));
    assert_int_not_equal(seven->name_id, eight->name_id);
    assert_int_equal(nsf_networks_of_name_id(l.networks, seven->name_id, &prefixes), 0);
    close_lists(&l);
}

static void touches_asks_both_ways(void **state)
{
    struct lists l = lists_of("10.0.4.0/24\n10.0.9.1\n");
    static const struct {
        const char *prefix;
        bool expected;
    } asked[] = {{"10.0.4.9", true},    {"10.0.4.0/25", true}, {"10.0.0.0/21", true},   {"10.0.0.0/22", false},
                 {"10.0.9.0/24", true}, {"10.0.9.2", false},   {"10.0.10.0/24", false}, {"2001:db8::/32", false}};
    for (size_t i = 0; i < NSF_ARRAY_LEN(asked); i++) {
        struct nsf_prefix prefix;
        assert_true(nsf_prefix_parse(nsf_slice_str(asked[i].prefix), &prefix));
        if (nsf_networks_touches(l.networks, prefix) != asked[i].expected)
            fail_msg("%s", asked[i].prefix);
    }
    close_lists(&l);
}

static void the_smallest_name_of_a_prefix_counts(void **state)
{
    static const char *const texts[] = {"10.0.0.0/8 b\n10.0.0.0/8 a\n10.0.0.0/8\n",
                                        "10.0.0.0/8\n10.0.0.0/8 a\n10.0.0.0/8 b\n"};
    for (size_t i = 0; i < NSF_ARRAY_LEN(texts); i++) {
        struct lists l = lists_of(texts[i]);
        assert_string_equal(found(&l, "10.1.1.1"), "10.0.0.0/8 a");
        close_lists(&l);
    }
}

/* Random nested prefixes against a search through all of them. */
static void agrees_with_a_plain_search(void **state)
{
    srand(7);
    for (int round = 0; round < 60; round++) {
        struct nsf_prefix all[60];
        struct lists l;
        open_lists(&l);
        nsf_networks_add_origin(l.networks, NSF_SLICE_LIT("random"), nsf_slice(NULL, 0));
        size_t n = (size_t)(1 + rand() % 60);
        for (size_t i = 0; i < n; i++) {
            bool is_v6 = rand() % 3 == 0;
            struct nsf_ip at =
                is_v6 ? (struct nsf_ip){UINT64_C(0xffff) << 48 | (uint64_t)(rand() % 4) << 46, (uint64_t)(rand() % 64)}
                      : nsf_ip_from_v4(UINT32_C(0xffffff00) | (uint32_t)(rand() % 256));
            unsigned bits = is_v6 ? (unsigned)(rand() % 129) : 112 + (unsigned)(rand() % 17);
            all[i] = nsf_prefix_around(at, (uint8_t)bits);
            nsf_networks_add(l.networks, all[i], nsf_slice(NULL, 0), 0);
        }
        nsf_networks_finish(l.networks);
        for (int ask = 0; ask < 300; ask++) {
            struct nsf_ip at = rand() % 2 == 0
                                   ? nsf_ip_from_v4(UINT32_C(0xfffffe80) + (uint32_t)(rand() % 0x180))
                                   : (struct nsf_ip){UINT64_MAX - (uint64_t)(rand() % 3), (uint64_t)(rand() % 64)};
            int best = -1;
            for (size_t i = 0; i < n; i++)
                if (nsf_prefix_contains(all[i], at) && (int)all[i].bits > best)
                    best = all[i].bits;
            const struct nsf_listed *got = nsf_networks_find(l.networks, at);
            assert_int_equal(got == NULL ? -1 : (int)got->prefix.bits, best);
        }
        close_lists(&l);
    }
}

static uint32_t any_v4(void)
{
    return (uint32_t)rand() << 16 ^ (uint32_t)rand();
}

/* IPv4 prefixes of every length anywhere, asked for their ends and what lies beside them. */
static void agrees_with_a_plain_search_in_all_of_ipv4(void **state)
{
    srand(8);
    for (int round = 0; round < 60; round++) {
        struct nsf_prefix all[40];
        struct lists l;
        open_lists(&l);
        nsf_networks_add_origin(l.networks, NSF_SLICE_LIT("random"), nsf_slice(NULL, 0));
        size_t n = (size_t)(1 + rand() % 40);
        for (size_t i = 0; i < n; i++) {
            all[i] = nsf_prefix_around(nsf_ip_from_v4(any_v4()), (uint8_t)(96 + rand() % 33));
            nsf_networks_add(l.networks, all[i], nsf_slice(NULL, 0), 0);
        }
        nsf_networks_finish(l.networks);
        for (size_t ask = 0; ask < 20 * n; ask++) {
            const struct nsf_prefix *near = &all[ask % n];
            uint32_t end = nsf_ip_to_v4(rand() % 2 == 0 ? near->ip : nsf_prefix_last(*near));
            struct nsf_ip at = nsf_ip_from_v4(ask % 5 == 0 ? any_v4() : end + (uint32_t)(rand() % 3) - 1);
            int best = -1;
            for (size_t i = 0; i < n; i++)
                if (nsf_prefix_contains(all[i], at) && (int)all[i].bits > best)
                    best = all[i].bits;
            const struct nsf_listed *got = nsf_networks_find(l.networks, at);
            assert_int_equal(got == NULL ? -1 : (int)got->prefix.bits, best);
        }
        close_lists(&l);
    }
}

static void a_range_is_its_fewest_prefixes(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } ranges[] = {{"10.0.0.0-10.0.0.255", 1},
                  {"10.0.0.1-10.0.0.254", 14},
                  {"255.255.255.255-255.255.255.255", 1},
                  {"0.0.0.1-255.255.255.255", 32},
                  {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1}};
    for (size_t i = 0; i < NSF_ARRAY_LEN(ranges); i++) {
        struct lists l = lists_of(ranges[i].text);
        assert_int_equal(nsf_networks_count(l.networks), ranges[i].n);
        close_lists(&l);
    }
}

static void a_file_that_is_not_there_is_named(void **state)
{
    struct lists l;
    open_lists(&l);
    assert_true(nsf_failed(nsf_networks_load(l.networks, "no/such/list.txt", &l.problems, &l.err)));
    assert_string_equal(l.err.subject, "no/such/list.txt");
    close_lists(&l);
}

/* Bytes that no list should hold, around a good line: it is read, the rest is named, nothing is too long. */
static void hostile_bytes(void **state)
{
    static const struct {
        const char *what;
        const char *bytes;
        size_t len;
        size_t n_problems;
    } texts[] = {
        {"a NUL behind an address", "9.9.9.9\0\n8.8.8.8 ok\n", 19, 1},
        {"a NUL in a name", "9.9.9.9 a\0b\n8.8.8.8 ok\n", 22, 0},
        {"escapes in a name", "9.9.9.9 \x1b[31m\n8.8.8.8 ok\n", 24, 0},
        {"bytes that are no text", "\xff\xfe\x80\n8.8.8.8 ok\n", 14, 1},
        {"old line ends", "9.9.9.9\r\r\n8.8.8.8 ok\r\n", 22, 0},
        {"no line end", "9.9.9.9\n8.8.8.8 ok", 18, 0},
        {"a line of separators", ";;;; ;;\n8.8.8.8 ok\n", 19, 0},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(texts); i++) {
        struct lists l;
        open_lists(&l);
        nsf_result r = nsf_networks_read(l.networks, nsf_slice(texts[i].bytes, texts[i].len), NSF_SLICE_LIT("list.txt"),
                                         &l.problems, &l.err);
        nsf_networks_finish(l.networks);
        if (nsf_failed(r) || l.problems.n != texts[i].n_problems || strcmp(found(&l, "8.8.8.8"), "8.8.8.8/32 ok") != 0)
            fail_msg("%s: %s, %zu problems", texts[i].what, found(&l, "8.8.8.8"), l.problems.n);
        close_lists(&l);
    }
}

static void names_and_nesting_have_bounds(void **state)
{
    struct nsf_buf buf;
    nsf_buf_init(&buf, 1 << 20);
    nsf_buf_add_str(&buf, "9.9.9.9 ");
    for (int i = 0; i < 100000; i++)
        nsf_buf_add_char(&buf, 'x');
    struct lists l = lists_of(nsf_buf_str(&buf));
    assert_int_equal(nsf_networks_find(l.networks, ip("9.9.9.9"))->name.len, NSF_NAME_MAX_BYTES);
    close_lists(&l);
    nsf_buf_reset(&buf);
    nsf_buf_add_str(&buf, "[\"9.9.9.9\",");
    for (int i = 0; i < 100000; i++)
        nsf_buf_add_char(&buf, '[');
    l = lists_of(nsf_buf_str(&buf));
    assert_false(l.failed);
    assert_int_equal(l.problems.n, 1);
    assert_string_equal(found(&l, "9.9.9.9"), "9.9.9.9/32 ");
    close_lists(&l);
    nsf_buf_release(&buf);
}

/* A hundred thousand prefixes: what is found holds the address, and none that is narrower does. */
#define MANY 100000u

static uint64_t key_of(struct nsf_prefix prefix)
{
    return (uint64_t)nsf_ip_to_v4(prefix.ip) << 8 | prefix.bits;
}

static int cmp_u64(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void a_hundred_thousand_prefixes(void **state)
{
    uint64_t *keys = nsf_malloc(MANY * sizeof(*keys));
    struct lists l;
    uint32_t n_found = 0;
    srand(17);
    open_lists(&l);
    nsf_networks_add_origin(l.networks, NSF_SLICE_LIT("many"), nsf_slice(NULL, 0));
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t at = (uint32_t)rand() << 8 ^ (uint32_t)rand();
        struct nsf_prefix prefix = nsf_prefix_around(nsf_ip_from_v4(at), (uint8_t)(96 + 8 + rand() % 25));
        nsf_networks_add(l.networks, prefix, nsf_slice(NULL, 0), 0);
        keys[i] = key_of(prefix);
    }
    nsf_networks_finish(l.networks);
    qsort(keys, MANY, sizeof(*keys), cmp_u64);
    for (uint32_t ask = 0; ask < MANY; ask++) {
        struct nsf_ip at = nsf_ip_from_v4((uint32_t)rand() << 8 ^ (uint32_t)rand());
        const struct nsf_listed *got = nsf_networks_find(l.networks, at);
        unsigned bits = 128;
        for (; bits > 96; bits--) {
            uint64_t key = key_of(nsf_prefix_around(at, (uint8_t)bits));
            if (bsearch(&key, keys, MANY, sizeof(key), cmp_u64) != NULL)
                break;
        }
        n_found += got != NULL;
        assert_int_equal(got == NULL ? 96 : got->prefix.bits, bits);
    }
    assert_true(n_found > MANY / 10);
    nsf_free(keys);
    close_lists(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_text_lists),
        cmocka_unit_test(reads_tables),
        cmocka_unit_test(reads_published_json),
        cmocka_unit_test(bad_entries_are_named_with_their_place),
        cmocka_unit_test(fails_only_where_nothing_is_readable),
        cmocka_unit_test(many_bad_lines_are_summed),
        cmocka_unit_test(names_hold_together),
        cmocka_unit_test(touches_asks_both_ways),
        cmocka_unit_test(the_smallest_name_of_a_prefix_counts),
        cmocka_unit_test(agrees_with_a_plain_search),
        cmocka_unit_test(agrees_with_a_plain_search_in_all_of_ipv4),
        cmocka_unit_test(a_range_is_its_fewest_prefixes),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(hostile_bytes),
        cmocka_unit_test(names_and_nesting_have_bounds),
        cmocka_unit_test(a_hundred_thousand_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

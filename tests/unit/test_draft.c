#include "core/nsf_common.h"

#include "advice/simulate.h"
#include "core/mem.h"
#include "exposure/scanner.h"
#include "support/nsg_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* One NSG, the finding `open` in it, and a draft for it. */
struct desk {
    struct nsf_nsg_words words;
    struct nsf_scanner *scanner;
    const struct nsf_scan *scan;
    const struct nsf_inbound *inbound;
    const struct nsf_finding *finding;
    struct nsf_allowlist allow;
    struct nsf_draft draft;
};

static struct nsf_prefix prefix(const char *text)
{
    struct nsf_prefix p;
    if (!nsf_prefix_parse(nsf_slice_str(text), &p))
        fail_msg("%s is no prefix", text);
    return p;
}

/* The allow-list has its prefixes between blanks. */
static void read_allow(struct nsf_allowlist *allow, const char *text)
{
    struct nsf_slice rest = nsf_slice_trim(nsf_slice_str(text));
    while (rest.len > 0) {
        size_t len = nsf_slice_find(rest, ' ');
        struct nsf_prefix p;
        assert_true(nsf_prefix_parse(nsf_slice(rest.ptr, len), &p));
        nsf_allowlist_add(allow, p);
        rest = nsf_slice_trim(nsf_slice_from(rest, len));
    }
    nsf_allowlist_finish(allow, NULL);
}

static void set_up(struct desk *desk, const char *rules, const char *allow)
{
    struct nsf_exposure_settings settings = NSF_EXPOSURE_SETTINGS_INIT;
    *desk = (struct desk){0};
    settings.has_rule_table = true;
    nsf_nsg_words_read(&desk->words, rules);
    desk->scanner = nsf_scanner_new(&settings);
    nsf_scanner_add(desk->scanner, &desk->words.nsg);
    desk->scan = nsf_scanner_finish(desk->scanner, 1, NULL);
    desk->inbound = desk->scan->nsgs[0].inbound;
    for (size_t i = 0; i < desk->scan->n_findings; i++)
        if (nsf_slice_eq(desk->scan->findings[i].rule, NSF_SLICE_LIT("open")))
            desk->finding = &desk->scan->findings[i];
    if (desk->finding == NULL)
        fail_msg("\"%s\" has no finding \"open\"", rules);
    read_allow(&desk->allow, allow);
}

static void tear_down(struct desk *desk)
{
    nsf_draft_release(&desk->draft);
    nsf_allowlist_release(&desk->allow);
    nsf_scanner_free(desk->scanner);
    nsf_arena_release(&desk->words.arena);
}

static enum nsf_fate fate_of(struct desk *desk, const char *address, const char *destination)
{
    struct nsf_ip ip = prefix(address).ip, target = prefix(destination).ip;
    struct nsf_played played = {.address = ip, .n_destinations = 1, .destinations = &target, .messages = 1};
    if (strcmp(address, "168.63.129.16") == 0)
        played.origin = NSF_ORIGIN_BALANCER;
    else if (strncmp(address, "10.", 3) == 0 || strncmp(address, "fd", 2) == 0)
        played.origin = NSF_ORIGIN_PRIVATE;
    return nsf_simulate_source(&desk->draft, &played);
}

/* ---- who goes on ---- */

struct fate_case {
    const char *what;
    const char *rules;
    enum nsf_draft_kind change;
    const char *allow;
    const char *address;
    enum nsf_fate expected;
    const char *destination; /* NULL: 10.0.0.4 */
};

#define OPEN "open 200 allow * 25;"
#define ALL_OPEN "open 200 allow * *;"
#define LIST "198.51.100.0/24 2001:db8:1::/48"

/* clang-format off */
static const struct fate_case fates[] = {
    {"nothing changes", OPEN, NSF_DRAFT_NONE, "", "203.0.113.9", NSF_FATE_KEPT, NULL},
    {"deleted", OPEN, NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_REFUSED, NULL},
    {"deleted, IPv6", OPEN, NSF_DRAFT_DELETE, "", "2001:db8:1::9", NSF_FATE_REFUSED, NULL},
    {"deleted, the network itself goes on by its default rule", OPEN, NSF_DRAFT_DELETE, "", "10.0.0.9", NSF_FATE_KEPT, NULL},
    {"deleted, probes go on by theirs", OPEN, NSF_DRAFT_DELETE, "", "168.63.129.16", NSF_FATE_KEPT, NULL},
    {"deleted before a Deny of everything", OPEN "all 4096 deny * *", NSF_DRAFT_DELETE, "", "10.0.0.9", NSF_FATE_REFUSED, NULL},
    {"deleted before a Deny of everything, probes", OPEN "all 4096 deny * *", NSF_DRAFT_DELETE, "", "168.63.129.16", NSF_FATE_REFUSED, NULL},
    {"a Deny from Internet leaves the network alone", OPEN "all 4096 deny Internet *", NSF_DRAFT_DELETE, "", "10.0.0.9", NSF_FATE_KEPT, NULL},
    {"narrowed, on the list", OPEN, NSF_DRAFT_NARROW, LIST, "198.51.100.7", NSF_FATE_KEPT, NULL},
    {"narrowed, beside the list", OPEN, NSF_DRAFT_NARROW, LIST, "198.51.101.7", NSF_FATE_REFUSED, NULL},
    {"narrowed, IPv6 on the list", OPEN, NSF_DRAFT_NARROW, LIST, "2001:db8:1::7", NSF_FATE_KEPT, NULL},
    {"narrowed, IPv6 beside it", OPEN, NSF_DRAFT_NARROW, LIST, "2001:db8:2::7", NSF_FATE_REFUSED, NULL},
    {"narrowed to IPv4, IPv6 is closed", OPEN, NSF_DRAFT_NARROW, "198.51.100.0/24", "2001:db8:1::7", NSF_FATE_REFUSED, NULL},
    {"a rule behind lets all in", OPEN "next 300 allow Internet 25", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_KEPT, NULL},
    {"a rule behind for others", OPEN "next 300 allow 198.51.100.0/24 25", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_REFUSED, NULL},
    {"a rule behind for it", OPEN "next 300 allow 203.0.113.0/24 25", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_KEPT, NULL},
    {"a Deny before the rule behind", OPEN "no 250 deny 203.0.113.0/24 *;next 300 allow Internet 25", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_REFUSED, NULL},
    {"a Deny of another port before it", OPEN "no 250 deny * 80;next 300 allow Internet 25", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_KEPT, NULL},
    {"a Deny of UDP before it", OPEN "no 250 deny * * proto=Udp;next 300 allow Internet 25", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_KEPT, NULL},
    {"a Deny before the rule stays before the list", "no 100 deny 198.51.100.0/25 25;" OPEN, NSF_DRAFT_NARROW, LIST, "198.51.100.7", NSF_FATE_REFUSED, NULL},
    {"an Allow before the rule stays", "yes 100 allow 203.0.113.0/24 25;" OPEN, NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_KEPT, NULL},
    {"a Deny above", ALL_OPEN, NSF_DRAFT_DENY_ABOVE, "", "203.0.113.9", NSF_FATE_REFUSED, NULL},
    {"a Deny above, IPv6", ALL_OPEN, NSF_DRAFT_DENY_ABOVE, "", "2001:db8:1::9", NSF_FATE_REFUSED, NULL},
    {"a Deny above, the network goes on by the rule", ALL_OPEN "all 4096 deny * *", NSF_DRAFT_DENY_ABOVE, "", "10.0.0.9", NSF_FATE_KEPT, NULL},
    {"a Deny above, private IPv6", ALL_OPEN "all 4096 deny * *", NSF_DRAFT_DENY_ABOVE, "", "fd00::9", NSF_FATE_KEPT, NULL},
    {"a Deny above, probes go on by the rule", ALL_OPEN "all 4096 deny * *", NSF_DRAFT_DENY_ABOVE, "", "168.63.129.16", NSF_FATE_KEPT, NULL},
    {"a Deny above with a list", ALL_OPEN, NSF_DRAFT_DENY_ABOVE, LIST, "198.51.100.7", NSF_FATE_KEPT, NULL},
    {"a Deny above cuts what is behind", ALL_OPEN "next 300 allow 203.0.113.0/24 25", NSF_DRAFT_DENY_ABOVE, "", "203.0.113.9", NSF_FATE_REFUSED, NULL},
    {"split leaves what is behind", ALL_OPEN "next 300 allow 203.0.113.0/24 25", NSF_DRAFT_SPLIT, "", "203.0.113.9", NSF_FATE_KEPT, NULL},
    {"split with a list", ALL_OPEN, NSF_DRAFT_SPLIT, LIST, "198.51.100.7", NSF_FATE_KEPT, NULL},
    /* rules for some destinations or source ports only */
    {"behind it an Allow for this server", OPEN "next 300 allow Internet 25 dst=10.0.0.4", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_KEPT, NULL},
    {"behind it an Allow for another server", OPEN "next 300 allow Internet 25 dst=10.0.0.5", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_REFUSED, NULL},
    {"behind it an Allow for a group", OPEN "next 300 allow Internet 25 dasg=mail", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_UNSURE, NULL},
    {"behind it an Allow for some source ports", OPEN "next 300 allow Internet 25 sport=1024-65535", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_UNSURE, NULL},
    {"behind it a Deny for some source ports and an Allow", OPEN "no 250 deny Internet 25 sport=25;next 300 allow Internet 25", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_UNSURE, NULL},
    {"behind it a Deny for another server and an Allow", OPEN "no 250 deny Internet 25 dst=10.0.0.5;next 300 allow Internet 25", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_KEPT, NULL},
    {"the changed rule was for a group: what came met it", "open 200 allow * 25 dasg=mail;", NSF_DRAFT_NARROW, LIST, "198.51.100.7", NSF_FATE_KEPT, NULL},
    {"and still does below a Deny", "open 200 allow * * dasg=mail;all 4096 deny * *", NSF_DRAFT_DENY_ABOVE, "", "10.0.0.9", NSF_FATE_KEPT, NULL},
    /* what nobody can read */
    {"a tag behind it that nobody expands", OPEN "next 300 allow Storage 25", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_UNSURE, NULL},
    {"a Deny of such a tag, then an Allow", OPEN "no 250 deny Storage 25;next 300 allow Internet 25", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_UNSURE, NULL},
    {"a Deny that cannot be read closes nothing", OPEN "no 250 deny nonsense! 25;next 300 allow Internet 25", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_KEPT, NULL},
    {"an Allow that cannot be read", OPEN "next 300 allow nonsense! 25", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_UNSURE, NULL},
    {"an Allow of which the port cannot be read", OPEN "next 300 allow * x", NSF_DRAFT_DELETE, "", "203.0.113.9", NSF_FATE_UNSURE, NULL},
};
/* clang-format on */

static void who_goes_on(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(fates); i++) {
        struct desk desk;
        set_up(&desk, fates[i].rules, fates[i].allow);
        nsf_draft_init(&desk.draft, desk.inbound, desk.finding, fates[i].change, &desk.allow);
        enum nsf_fate got =
            fate_of(&desk, fates[i].address, fates[i].destination == NULL ? "10.0.0.4" : fates[i].destination);
        if (got != fates[i].expected)
            fail_msg("%s: %d, expected %d", fates[i].what, got, fates[i].expected);
        tear_down(&desk);
    }
}

static void several_destinations(void **state)
{
    struct desk desk;
    struct nsf_ip both[] = {prefix("10.0.0.4").ip, prefix("10.0.0.5").ip};
    struct nsf_played played = {
        .address = prefix("203.0.113.9").ip, .n_destinations = 2, .destinations = both, .messages = 7};
    struct nsf_what_if what_if = {0};
    set_up(&desk, OPEN "next 300 allow Internet 25 dst=10.0.0.4", "");
    nsf_draft_init(&desk.draft, desk.inbound, desk.finding, NSF_DRAFT_DELETE, &desk.allow);
    assert_int_equal(nsf_what_if_add(&what_if, &desk.draft, &played), NSF_FATE_UNSURE);
    assert_int_equal(what_if.messages_refused, 7);
    assert_int_equal(what_if.messages_unsure, 7);
    played.n_destinations = 1;
    assert_int_equal(nsf_what_if_add(&what_if, &desk.draft, &played), NSF_FATE_KEPT);
    assert_int_equal(what_if.messages_kept, 7);
    played.has_more_destinations = true; /* the list is not whole */
    assert_int_equal(nsf_simulate_source(&desk.draft, &played), NSF_FATE_UNSURE);
    tear_down(&desk);
}

static void what_is_inside_gets_rules_of_its_own(void **state)
{
    struct desk desk;
    set_up(&desk, OPEN "all 4096 deny * *", LIST);
    nsf_draft_init(&desk.draft, desk.inbound, desk.finding, NSF_DRAFT_NARROW, &desk.allow);
    assert_int_equal(fate_of(&desk, "10.0.0.9", "10.0.0.4"), NSF_FATE_REFUSED);
    nsf_draft_allow_vnet(&desk.draft);
    nsf_draft_allow_vnet(&desk.draft);
    assert_int_equal(fate_of(&desk, "10.0.0.9", "10.0.0.4"), NSF_FATE_KEPT);
    assert_int_equal(fate_of(&desk, "168.63.129.16", "10.0.0.4"), NSF_FATE_REFUSED);
    nsf_draft_allow_balancer(&desk.draft);
    assert_int_equal(fate_of(&desk, "168.63.129.16", "10.0.0.4"), NSF_FATE_KEPT);
    assert_int_equal(fate_of(&desk, "203.0.113.9", "10.0.0.4"), NSF_FATE_REFUSED);
    assert_int_equal(nsf_draft_room(&desk.draft, &desk.allow).n_rules,
                     5); /* a Deny, two for the list, two for inside */
    tear_down(&desk);
}

/* ---- how much stays open ---- */

#define ALL4 UINT64_C(3702258431)

struct open_case {
    const char *what;
    const char *rules;
    enum nsf_draft_kind change;
    const char *allow;
    uint64_t expected;
};

/* clang-format off */
static const struct open_case opens[] = {
    {"nothing changes", OPEN, NSF_DRAFT_NONE, "", ALL4},
    {"deleted", OPEN, NSF_DRAFT_DELETE, "", 0},
    {"narrowed", OPEN, NSF_DRAFT_NARROW, "198.51.100.0/24", 256},
    {"narrowed, IPv6 does not count here", OPEN, NSF_DRAFT_NARROW, LIST, 256},
    {"another rule behind", OPEN "next 300 allow Internet 25", NSF_DRAFT_DELETE, "", ALL4},
    {"another rule behind, and a list of documentation addresses", OPEN "next 300 allow Internet 25", NSF_DRAFT_NARROW, "198.51.100.0/24", ALL4 + 256},
    {"a narrower rule behind", OPEN "next 300 allow 8.8.8.0/24 25", NSF_DRAFT_DELETE, "", 256},
    {"and its addresses are on the list", OPEN "next 300 allow 8.8.8.0/24 25", NSF_DRAFT_NARROW, "8.8.8.0/23", 512},
    {"a Deny between", OPEN "no 250 deny 8.8.8.0/25 25;next 300 allow 8.8.8.0/24 25", NSF_DRAFT_DELETE, "", 128},
    {"a Deny between for one server takes nothing", OPEN "no 250 deny 8.8.8.0/25 25 dst=10.0.0.5;next 300 allow 8.8.8.0/24 25", NSF_DRAFT_DELETE, "", 256},
    {"an Allow behind for one server counts", OPEN "next 300 allow 8.8.8.0/24 25 dst=10.0.0.4", NSF_DRAFT_DELETE, "", 256},
    {"what earlier rules take is not this rule's", "yes 100 allow 8.8.8.0/24 25;" OPEN "next 300 allow 8.8.8.0/23 25", NSF_DRAFT_DELETE, "", 256},
    {"a Deny above", ALL_OPEN, NSF_DRAFT_DENY_ABOVE, "", 0},
    {"a Deny above with a list", ALL_OPEN, NSF_DRAFT_DENY_ABOVE, "8.8.8.0/24", 256},
    {"a Deny above cuts what is behind", ALL_OPEN "next 300 allow 8.8.8.0/24 25", NSF_DRAFT_DENY_ABOVE, "", 0},
    {"split does not", ALL_OPEN "next 300 allow 8.8.8.0/24 25", NSF_DRAFT_SPLIT, "", 256},
};
/* clang-format on */

static void how_much_stays_open(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(opens); i++) {
        struct desk desk;
        set_up(&desk, opens[i].rules, opens[i].allow);
        nsf_draft_init(&desk.draft, desk.inbound, desk.finding, opens[i].change, &desk.allow);
        uint64_t got = nsf_draft_open_ipv4(&desk.draft);
        if (got != opens[i].expected)
            fail_msg("%s: %llu", opens[i].what, (unsigned long long)got);
        tear_down(&desk);
    }
}

/* ---- which change ---- */

struct change_case {
    const char *rules;
    bool is_closing;
    enum nsf_draft_kind expected;
};

static const struct change_case changes[] = {
    {OPEN, true, NSF_DRAFT_DELETE},
    {OPEN, false, NSF_DRAFT_NARROW},
    {ALL_OPEN, true, NSF_DRAFT_DENY_ABOVE},
    {ALL_OPEN, false, NSF_DRAFT_DENY_ABOVE},
    {"open 200 allow * 22+25;", true, NSF_DRAFT_DENY_ABOVE},
    {"open 200 allow * 20-30;", true, NSF_DRAFT_DENY_ABOVE},
    {ALL_OPEN "next 300 allow 8.8.8.0/24 25", true, NSF_DRAFT_SPLIT},
    {OPEN "next 300 allow 8.8.8.0/24 25", true, NSF_DRAFT_DELETE},
};

static void other_ports_are_kept(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(changes); i++) {
        struct desk desk;
        set_up(&desk, changes[i].rules, "");
        if (nsf_draft_kind_for(desk.finding, changes[i].is_closing) != changes[i].expected)
            fail_msg("%s", changes[i].rules);
        tear_down(&desk);
    }
}

/* ---- never wider ---- */

struct clip_case {
    const char *rules;
    const char *given;
    const char *expected;
};

static const struct clip_case clips[] = {
    {"open 200 allow * 25", "198.51.100.0/24 2001:db8::/48", "198.51.100.0/24 2001:db8::/48"},
    {"open 200 allow Internet 25", "198.51.100.0/24 2001:db8::/48", "198.51.100.0/24 2001:db8::/48"},
    {"open 200 allow 0.0.0.0/0 25", "198.51.100.0/24 2001:db8::/48", "198.51.100.0/24"},
    {"open 200 allow ::/0 25", "198.51.100.0/24 2001:db8::/48", "2001:db8::/48"},
    {"open 200 allow 8.0.0.0/7 25", "8.8.8.0/24 40.92.0.0/15", "8.8.8.0/24"},
    {"open 200 allow 8.0.0.0/7 25", "8.0.0.0/6", "8.0.0.0/7"},
    {"open 200 allow 8.0.0.0/8+10.0.0.0-10.0.0.2 25", "8.0.0.0/5", "8.0.0.0/8 10.0.0.0/31 10.0.0.2/32"},
    {"open 200 allow 8.0.0.0/7+AzureCloud 25", "8.8.8.0/24 40.92.0.0/15", "8.8.8.0/24 40.92.0.0/15"},
};

static void a_list_never_opens_what_is_closed(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(clips); i++) {
        struct desk desk;
        struct nsf_allowlist expected = {0};
        set_up(&desk, clips[i].rules, clips[i].given);
        nsf_draft_clip(desk.inbound, desk.finding, &desk.allow);
        nsf_allowlist_finish(&desk.allow, NULL);
        read_allow(&expected, clips[i].expected);
        bool is_equal = desk.allow.n == expected.n;
        for (size_t k = 0; is_equal && k < expected.n; k++)
            is_equal = nsf_prefix_cmp(desk.allow.items[k], expected.items[k]) == 0;
        if (!is_equal)
            fail_msg("%s, %s", clips[i].rules, clips[i].given);
        nsf_allowlist_release(&expected);
        tear_down(&desk);
    }
}

/* ---- Azure's limits ---- */

struct room_case {
    const char *what;
    enum nsf_draft_kind change;
    const char *allow;
    bool opens_other_ports, has_v6;
    uint64_t n_rules, n_prefixes; /* of the NSG before */
    uint16_t priorities[8];       /* of rules for other ports, 0 ends them; the finding has 200 */
    uint16_t before, behind;      /* of rules for the port; 0: none */
    bool has_rules, has_prefixes, has_priorities;
    uint32_t highest_free;
};

/* clang-format off */
static const struct room_case rooms[] = {
    {"room for everything", NSF_DRAFT_NARROW, "8.8.8.0/24", false, false, 3, 3, {0}, 0, 0, true, true, true, 4096},
    {"a full NSG, one rule for one", NSF_DRAFT_NARROW, "8.8.8.0/24", false, false, 1000, 3, {0}, 0, 0, true, true, true, 4096},
    {"a full NSG, two rules for one", NSF_DRAFT_NARROW, LIST, false, true, 1000, 3, {0}, 0, 0, false, true, true, 4096},
    {"one below full, two for one", NSF_DRAFT_NARROW, LIST, false, true, 999, 3, {0}, 0, 0, true, true, true, 4096},
    {"a full NSG loses a rule", NSF_DRAFT_DELETE, "", false, true, 1000, 3, {0}, 0, 0, true, true, true, 4096},
    {"a full NSG, a Deny", NSF_DRAFT_DENY_ABOVE, "", true, false, 1000, 3, {0}, 0, 0, false, true, true, 199},
    {"998 rules, a Deny for each family", NSF_DRAFT_DENY_ABOVE, "", true, true, 998, 3, {0}, 0, 0, true, true, true, 199},
    {"999 rules, a Deny for each family", NSF_DRAFT_DENY_ABOVE, "", true, true, 999, 3, {0}, 0, 0, false, true, true, 199},
    {"4,000 prefixes, one for one", NSF_DRAFT_NARROW, "8.8.8.0/24", false, false, 3, 4000, {0}, 0, 0, true, true, true, 4096},
    {"4,000 prefixes, two for one", NSF_DRAFT_NARROW, "8.8.8.0/24 9.9.9.0/24", false, false, 3, 4000, {0}, 0, 0, true, false, true, 4096},
    {"3,999 prefixes, two for one", NSF_DRAFT_NARROW, "8.8.8.0/24 9.9.9.0/24", false, false, 3, 3999, {0}, 0, 0, true, true, true, 4096},
    {"3,999 prefixes and a Deny", NSF_DRAFT_DENY_ABOVE, "", true, false, 3, 3999, {0}, 0, 0, true, true, true, 199},
    {"4,000 prefixes and a Deny", NSF_DRAFT_DENY_ABOVE, "", true, false, 3, 4000, {0}, 0, 0, true, false, true, 199},
    {"the own priority serves the narrowed rule", NSF_DRAFT_NARROW, "8.8.8.0/24", false, false, 3, 3, {0}, 199, 201, true, true, true, 200},
    {"it does not serve two", NSF_DRAFT_NARROW, LIST, false, true, 3, 3, {0}, 199, 201, true, true, false, 200},
    {"a Deny has no place", NSF_DRAFT_DENY_ABOVE, "", true, false, 3, 3, {0}, 199, 0, true, true, false, 0},
    {"a Deny has one", NSF_DRAFT_DENY_ABOVE, "", true, false, 3, 3, {0}, 198, 0, true, true, true, 199},
    {"a rule for another port has it", NSF_DRAFT_DENY_ABOVE, "", true, false, 3, 3, {199, 0}, 198, 0, true, true, false, 0},
    {"two have places", NSF_DRAFT_DENY_ABOVE, "", true, true, 3, 3, {199, 0}, 196, 0, true, true, true, 198},
    {"a Deny and a list have one place", NSF_DRAFT_DENY_ABOVE, "8.8.8.0/24", true, false, 3, 3, {0}, 198, 0, true, true, false, 199},
    {"split: behind or before, but not past a rule for the port", NSF_DRAFT_SPLIT, "8.8.8.0/24", true, false, 3, 3, {0}, 199, 202, true, true, true, 201},
    {"split: no place", NSF_DRAFT_SPLIT, "8.8.8.0/24", true, false, 3, 3, {0}, 199, 201, true, true, false, 0},
    {"split without a list needs none", NSF_DRAFT_SPLIT, "", true, false, 3, 3, {0}, 199, 201, true, true, true, 0},
};
/* clang-format on */

static void fill_room(const struct room_case *room, struct nsf_inbound *inbound, struct nsf_inbound_rule *rules,
                      uint16_t *priorities)
{
    const uint16_t deciding[] = {room->before, 200, room->behind};
    *inbound = (struct nsf_inbound){.rules = rules, .priorities = priorities};
    inbound->n_custom_rules = room->n_rules;
    inbound->n_source_prefixes = room->n_prefixes;
    for (size_t i = 0; i < NSF_ARRAY_LEN(deciding); i++)
        if (deciding[i] > 0) {
            rules[inbound->n_rules] = (struct nsf_inbound_rule){.name = NSF_SLICE_LIT("open"), .priority = deciding[i]};
            rules[inbound->n_rules].is_allow = true;
            inbound->n_rules++;
        }
    for (uint16_t priority = 100; priority <= 4096; priority++) {
        bool is_used = priority == room->before || priority == 200 || priority == room->behind;
        for (size_t k = 0; k < NSF_ARRAY_LEN(room->priorities); k++)
            is_used |= room->priorities[k] == priority;
        if (is_used)
            priorities[inbound->n_priorities++] = priority;
    }
}

static void limits_of_an_nsg(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(rooms); i++) {
        const struct room_case *room = &rooms[i];
        struct nsf_inbound_rule rules[3];
        uint16_t priorities[16];
        struct nsf_inbound inbound;
        struct nsf_slice any = NSF_SLICE_LIT("*");
        struct nsf_finding finding = {.rule = NSF_SLICE_LIT("open"),
                                      .priority = 200,
                                      .all_sources = {&any, 1},
                                      .opens_other_ports = room->opens_other_ports,
                                      .public_ipv6 = room->has_v6 ? NSF_V6_FULL : NSF_V6_NONE};
        struct nsf_allowlist allow = {0};
        struct nsf_draft draft;
        fill_room(room, &inbound, rules, priorities);
        read_allow(&allow, room->allow);
        nsf_draft_init(&draft, &inbound, &finding, room->change, &allow);
        struct nsf_room got = nsf_draft_room(&draft, &allow);
        if (nsf_room_has_rules(&got) != room->has_rules || nsf_room_has_prefixes(&got) != room->has_prefixes ||
            nsf_room_has_priorities(&got) != room->has_priorities || got.highest_free != room->highest_free)
            fail_msg("%s: %llu rules, %llu prefixes, %u of %u priorities, %u", room->what,
                     (unsigned long long)got.n_rules, (unsigned long long)got.n_prefixes, got.n_free, got.n_slots,
                     got.highest_free);
        nsf_draft_release(&draft);
        nsf_allowlist_release(&allow);
    }
}

/* ---- property: what is counted as open is what is let in, address by address ---- */

static void random_rules(char *text, size_t size)
{
    size_t len = 0;
    for (unsigned priority = 100; priority <= 900; priority += 100) {
        unsigned bits = 24 + (unsigned)(rand() % 9), at = (unsigned)(rand() % 256);
        bool is_open = priority == 500;
        at = bits == 32 ? at : at & ~((1u << (32 - bits)) - 1);
        int n = snprintf(text + len, size - len, "%s %u %s 8.8.8.%u/%u 25;", is_open ? "open" : "r", priority,
                         is_open || rand() % 2 ? "allow" : "deny", is_open ? 0 : at, is_open ? 24 : bits);
        len += (size_t)n;
    }
}

/* What a draft remembers of the source before changes nothing. */
static void assert_plays_alike(struct desk *desk)
{
    struct nsf_draft forgetful;
    nsf_draft_init(&forgetful, desk->inbound, desk->finding, desk->draft.change, &desk->allow);
    for (uint32_t i = 0; i < 512; i++) {
        struct nsf_ip destination = nsf_ip_from_v4(0x0a000000 + (uint32_t)rand() % 8);
        struct nsf_played played = {
            .address = nsf_ip_from_v4(0x080807f0 + (i < 256 ? i : (uint32_t)rand() % 300)),
            .origin = (uint8_t)(rand() % 8 == 0 ? NSF_ORIGIN_PRIVATE : NSF_ORIGIN_PUBLIC),
            .n_destinations = (uint32_t)rand() % 2,
            .destinations = &destination,
        };
        forgetful.near.is_known = false;
        assert_int_equal(nsf_simulate_source(&desk->draft, &played), nsf_simulate_source(&forgetful, &played));
    }
    nsf_draft_release(&forgetful);
}

static void what_is_open_is_what_is_let_in(void **state)
{
    srand(21);
    int n_asked = 0;
    for (int round = 0; round < 400; round++) {
        char rules[512];
        struct desk desk;
        struct nsf_exposure_settings settings = NSF_EXPOSURE_SETTINGS_INIT;
        settings.has_rule_table = true;
        settings.partial_ipv4 = 1;
        random_rules(rules, sizeof(rules));
        desk = (struct desk){0};
        nsf_nsg_words_read(&desk.words, rules);
        desk.scanner = nsf_scanner_new(&settings);
        nsf_scanner_add(desk.scanner, &desk.words.nsg);
        desk.scan = nsf_scanner_finish(desk.scanner, 1, NULL);
        desk.inbound = desk.scan->nsgs[0].inbound;
        for (size_t i = 0; i < desk.scan->n_findings; i++)
            if (nsf_slice_eq(desk.scan->findings[i].rule, NSF_SLICE_LIT("open")))
                desk.finding = &desk.scan->findings[i];
        if (desk.finding != NULL) {
            struct nsf_draft today;
            uint64_t n_today = 0, n_open = 0;
            read_allow(&desk.allow, rand() % 2 ? "8.8.8.64/28 8.8.8.200/29" : "");
            nsf_draft_init(&today, desk.inbound, desk.finding, NSF_DRAFT_NONE, &desk.allow);
            nsf_draft_init(&desk.draft, desk.inbound, desk.finding,
                           desk.allow.n > 0 ? NSF_DRAFT_NARROW : NSF_DRAFT_DELETE, &desk.allow);
            for (uint32_t i = 0; i < 256; i++) {
                struct nsf_played played = {.address = nsf_ip_from_v4(0x08080800 + i)};
                bool is_own = true; /* no earlier rule takes it */
                for (size_t r = 0; r < desk.inbound->n_rules && desk.inbound->rules[r].priority < 500; r++)
                    is_own &= !nsf_ipset_has(&desk.inbound->rules[r].sources, played.address);
                bool is_kept = nsf_simulate_source(&desk.draft, &played) == NSF_FATE_KEPT;
                n_today += is_own;
                assert_true(!is_own || nsf_simulate_source(&today, &played) == NSF_FATE_KEPT);
                n_open += (is_own && is_kept) || nsf_allowlist_has(&desk.allow, played.address);
            }
            assert_plays_alike(&desk);
            assert_int_equal(desk.finding->public_ipv4, n_today);
            assert_int_equal(nsf_draft_open_ipv4(&desk.draft), n_open);
            nsf_draft_release(&today);
            n_asked++;
        }
        tear_down(&desk);
    }
    assert_true(n_asked > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_goes_on),
        cmocka_unit_test(several_destinations),
        cmocka_unit_test(what_is_inside_gets_rules_of_its_own),
        cmocka_unit_test(how_much_stays_open),
        cmocka_unit_test(other_ports_are_kept),
        cmocka_unit_test(a_list_never_opens_what_is_closed),
        cmocka_unit_test(limits_of_an_nsg),
        cmocka_unit_test(what_is_open_is_what_is_let_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

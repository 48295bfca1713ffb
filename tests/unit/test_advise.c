#include "core/nsf_common.h"

#include "core/buf.h"
#include "core/mem.h"
#include "exposure/explain.h"
#include "exposure/scanner.h"
#include "run/advise.h"
#include "support/nsg_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/*
 * A world is an NSG whose rule `open` is advised on, lists, and the sources seen under the rule:
 *   lists    "KIND PREFIX [NAME];..." with KIND senders, partners, scanners, drop
 *   sources  "ADDRESS VERDICT MESSAGES [DESTINATION];..." with VERDICT known, likely, possible, retrying, undecided,
 * probe, health, spam, conflict
 */
struct world {
    struct nsf_nsg_words words;
    struct nsf_scanner *scanner;
    struct nsf_lists lists;
    struct nsf_arena arena;
    struct nsf_touched touched[128];
    struct nsf_destination_lists destinations;
    struct nsf_advise_ask ask;
    struct nsf_review_rule rule;
};

static struct nsf_slice next_word(struct nsf_slice *rest)
{
    *rest = nsf_slice_trim(*rest);
    size_t len = nsf_slice_find(*rest, ' ');
    struct nsf_slice word = nsf_slice(rest->ptr, len);
    *rest = nsf_slice_from(*rest, len);
    return word;
}

static bool next_row(struct nsf_slice *rest, struct nsf_slice *row)
{
    *rest = nsf_slice_trim(*rest);
    size_t len = nsf_slice_find(*rest, ';');
    *row = nsf_slice(rest->ptr, len);
    *rest = nsf_slice_from(*rest, len < rest->len ? len + 1 : len);
    return row->len > 0;
}

static void read_lists(struct world *world, const char *text)
{
    static const char *const kinds[] = {"senders", "partners", "scanners", "drop"};
    struct nsf_slice rest = nsf_slice_str(text), row;
    nsf_lists_init(&world->lists, false);
    for (size_t i = 0; i < NSF_ARRAY_LEN(kinds); i++)
        nsf_networks_add_origin(world->lists.of[i], NSF_SLICE_LIT("list.txt"), NSF_SLICE_LIT("2026-01-01"));
    while (next_row(&rest, &row)) {
        struct nsf_slice kind = next_word(&row);
        struct nsf_prefix prefix;
        size_t i = 0;
        assert_true(nsf_prefix_parse(next_word(&row), &prefix));
        while (i < NSF_ARRAY_LEN(kinds) && !nsf_slice_eq(kind, nsf_slice_str(kinds[i])))
            i++;
        assert_true(i < NSF_ARRAY_LEN(kinds));
        nsf_networks_add(world->lists.of[i], prefix, nsf_slice_trim(row), 0);
    }
    nsf_lists_finish(&world->lists);
}

static enum nsf_source_verdict verdict_of(struct nsf_slice word)
{
    static const struct {
        const char *word;
        enum nsf_source_verdict verdict;
    } words[] = {
        {"known", NSF_SOURCE_KNOWN_SENDER},       {"likely", NSF_SOURCE_LIKELY_SENDER},
        {"possible", NSF_SOURCE_POSSIBLE_SENDER}, {"retrying", NSF_SOURCE_RETRYING_SENDER},
        {"undecided", NSF_SOURCE_UNDECIDED},      {"probe", NSF_SOURCE_PROBE},
        {"health", NSF_SOURCE_HEALTH_PROBE},      {"spam", NSF_SOURCE_SPAM_SOURCE},
        {"conflict", NSF_SOURCE_CONFLICT},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(words); i++)
        if (nsf_slice_eq(word, nsf_slice_str(words[i].word)))
            return words[i].verdict;
    fail_msg("what is %.*s?", NSF_SLICE_ARG(word));
    return NSF_SOURCE_UNDECIDED;
}

static void read_sources(struct world *world, const char *text)
{
    struct nsf_slice rest = nsf_slice_str(text), row;
    while (next_row(&rest, &row)) {
        size_t i = world->ask.n_touched++;
        struct nsf_touched *touched = &world->touched[i];
        assert_true(i < NSF_ARRAY_LEN(world->touched));
        uint64_t messages;
        *touched = (struct nsf_touched){.messages = 0};
        assert_true(nsf_ip_parse(next_word(&row), &touched->address));
        touched->verdict = verdict_of(next_word(&row)) & 15u;
        assert_true(nsf_slice_to_u64(next_word(&row), UINT32_MAX, &messages));
        touched->messages = (uint32_t)messages;
        struct nsf_slice destination = next_word(&row);
        destination = destination.len > 0 ? destination : NSF_SLICE_LIT("10.0.0.4");
        struct nsf_ip address;
        assert_true(nsf_ip_parse(destination, &address));
        touched->destinations = nsf_destination_lists_add(&world->destinations, &address, 1, false) & 0xfffffffu;
        world->rule.traffic.classes[NSF_CLASS_MESSAGE] += touched->messages;
        world->rule.traffic.connections++;
    }
}

static void set_up(struct world *world, const char *rules, const char *lists, const char *sources,
                   enum nsf_rule_verdict verdict)
{
    struct nsf_exposure_settings settings = NSF_EXPOSURE_SETTINGS_INIT;
    *world = (struct world){0};
    settings.has_rule_table = true;
    settings.partial_ipv4 = 1;
    nsf_nsg_words_read(&world->words, rules);
    world->scanner = nsf_scanner_new(&settings);
    nsf_scanner_add(world->scanner, &world->words.nsg);
    const struct nsf_scan *scan = nsf_scanner_finish(world->scanner, 1, NULL);
    read_lists(world, lists);
    read_sources(world, sources);
    nsf_arena_init(&world->arena);
    world->ask.lists = &world->lists;
    world->ask.nsg = &scan->nsgs[0];
    world->ask.touched = world->touched;
    world->ask.destinations = &world->destinations;
    world->ask.has_counters = true;
    world->rule.verdict = verdict;
    for (size_t i = 0; i < scan->n_findings; i++)
        if (nsf_slice_eq(scan->findings[i].rule, NSF_SLICE_LIT("open")))
            world->ask.finding = &scan->findings[i];
}

static void tear_down(struct world *world)
{
    nsf_destination_lists_release(&world->destinations);
    nsf_arena_release(&world->arena);
    nsf_lists_release(&world->lists);
    nsf_scanner_free(world->scanner);
    nsf_arena_release(&world->words.arena);
}

static void print_list(struct nsf_buf *out, const char *label, struct nsf_slices list)
{
    nsf_buf_add_str(out, label);
    for (size_t i = 0; i < list.n; i++)
        nsf_buf_printf(out, "%s%.*s", i > 0 ? " " : "", NSF_SLICE_ARG(list.items[i]));
}

/* ---- hand-made worlds ---- */

struct advise_case {
    const char *what;
    const char *rules;
    const char *lists;
    const char *sources;
    enum nsf_rule_verdict verdict;
    const char *expected; /* "allow | ask | before>after | kept refused senders" */
    const char *action;   /* how it begins */
    const char *notes[5]; /* parts that some note holds; one that begins with ! no note holds */
};

#define ALL4 "3702258431"
#define OPEN "open 200 allow * 25;"
#define ALL_OPEN "open 200 allow * *;"
#define PROVIDER "senders 40.92.0.0/15 Big Mail;senders 52.100.0.0/14 Big Mail;senders 2a01:111:f400::/48 Big Mail;"

/* clang-format off */
static const struct advise_case cases[] = {
    {"an observed provider becomes all of its prefixes", OPEN, PROVIDER, "40.92.7.7 likely 5", NSF_VERDICT_RESTRICT_TO_RELAYS,
     "40.92.0.0/15 52.100.0.0/14 2a01:111:f400::/48 |  | " ALL4 ">393216 | 5 0 ", "Narrow the rule's source to the allowed",
     {"IPv4 and IPv6 cannot stand in one rule", "allowed ranges of Big Mail are as of 2026-01-01 (list.txt)", "!opens IPv6", NULL}},
    {"of a rule for IPv4 only those of IPv4", "open 200 allow 0.0.0.0/0 25", PROVIDER, "40.92.7.7 likely 5", NSF_VERDICT_RESTRICT_TO_RELAYS,
     "40.92.0.0/15 52.100.0.0/14 |  | " ALL4 ">393216 | 5 0 ", "Narrow", {"!IPv6", NULL}},
    {"of a rule for a part of the internet only those in it", "open 200 allow 32.0.0.0/4 25", PROVIDER, "40.92.7.7 likely 5", NSF_VERDICT_RESTRICT_TO_RELAYS,
     "40.92.0.0/15 |  | 268435456>131072 | 5 0 ", "Narrow", {NULL}},
    {"a provider nobody saw stays out", OPEN, PROVIDER "senders 9.9.9.0/24 Other", "9.9.9.9 likely 5", NSF_VERDICT_RESTRICT_TO_RELAYS,
     "9.9.9.0/24 |  | " ALL4 ">256 | 5 0 ", "Narrow", {"The rule opens IPv6 as well; the change closes it", "!Big Mail", NULL}},
    {"a partner by its listed prefix", OPEN, "partners 8.8.8.128/25", "8.8.8.130 known 5", NSF_VERDICT_RESTRICT_TO_RELAYS,
     "8.8.8.128/25 |  | " ALL4 ">128 | 5 0 ", "Narrow", {NULL}},
    {"a partner's wide prefix: its own /24 alone", OPEN, "partners 8.0.0.0/8", "8.8.8.130 known 5", NSF_VERDICT_RESTRICT_TO_RELAYS,
     "8.8.8.0/24 |  | " ALL4 ">256 | 5 0 ", "Narrow", {NULL}},
    {"a partner's wide IPv6 prefix: its own /48 alone", OPEN, "partners 2001:db8::/32", "2001:db8:5::1 known 5", NSF_VERDICT_RESTRICT_TO_RELAYS,
     "2001:db8:5::/48 |  | " ALL4 ">0 | 5 0 ", "Narrow", {NULL}},
    {"a partner's wide prefix with a scanner beside it: the address alone", OPEN, "partners 8.0.0.0/8;scanners 8.8.8.9", "8.8.8.130 known 5",
     NSF_VERDICT_RESTRICT_TO_RELAYS, "8.8.8.130/32 |  | " ALL4 ">1 | 5 0 ", "Narrow", {NULL}},
    {"neighbours merge", OPEN, "partners 8.8.8.0/24;partners 8.8.9.0/24", "8.8.8.8 known 1;8.8.9.9 known 1", NSF_VERDICT_RESTRICT_TO_RELAYS,
     "8.8.8.0/23 |  | " ALL4 ">512 | 2 0 ", "Narrow", {NULL}},
    {"not over a known scanner", OPEN, "partners 8.8.8.0/24;partners 8.8.9.0/24;scanners 8.8.9.200", "8.8.8.8 known 1;8.8.9.9 known 1",
     NSF_VERDICT_RESTRICT_TO_RELAYS, "8.8.8.0/24 8.8.9.0/24 |  | " ALL4 ">512 | 2 0 ", "Narrow", {NULL}},
    {"an unlisted sender is asked about, by its network", OPEN, "", "8.8.8.8 likely 5;8.8.8.9 possible 1;9.9.9.9 undecided 0", NSF_VERDICT_RESTRICT_WITH_REVIEW,
     " | 8.8.8.0/24 9.9.9.0/24 | " ALL4 ">0 | 0 6 8.8.8.8 8.8.8.9", "Ask about the networks in question", {"6 more messages would be kept", NULL}},
    {"asked about as an address beside a scanner", OPEN, "scanners 8.8.8.200", "8.8.8.8 likely 5", NSF_VERDICT_RESTRICT_WITH_REVIEW,
     " | 8.8.8.8/32 | " ALL4 ">0 | 0 5 8.8.8.8", "Ask", {NULL}},
    {"two neighbours are two questions", OPEN, "", "8.8.8.8 likely 5;8.8.9.8 likely 5", NSF_VERDICT_RESTRICT_WITH_REVIEW,
     " | 8.8.8.0/24 8.8.9.0/24 | " ALL4 ">0 | 0 10 8.8.8.8 8.8.9.8", "Ask", {NULL}},
    {"hostile ones are in neither", OPEN, "partners 8.8.8.0/24", "8.8.8.8 known 5;9.9.9.9 probe 1", NSF_VERDICT_RESTRICT_TO_RELAYS,
     "8.8.8.0/24 |  | " ALL4 ">256 | 5 1 9.9.9.9", "Narrow", {NULL}},
    {"a spam source of a provider is asked about", OPEN, PROVIDER, "40.92.7.7 spam 5", NSF_VERDICT_RESTRICT_WITH_REVIEW,
     " | 40.92.7.0/24 | " ALL4 ">0 | 0 5 40.92.7.7", "Ask", {NULL}},
    {"inside it goes on", OPEN, "partners 8.8.8.0/24", "8.8.8.8 known 5;10.0.0.9 likely 7;168.63.129.16 health 0", NSF_VERDICT_RESTRICT_TO_RELAYS,
     "8.8.8.0/24 |  | " ALL4 ">256 | 12 0 ", "Narrow", {"they go on by a later one", "!Allow for VirtualNetwork", NULL}},
    {"inside where nothing lets it in", OPEN "all 4096 deny * *", "partners 8.8.8.0/24", "8.8.8.8 known 5;10.0.0.9 likely 7;168.63.129.16 health 0",
     NSF_VERDICT_RESTRICT_TO_RELAYS, "8.8.8.0/24 |  | " ALL4 ">256 | 12 0 ", "Narrow", {"needs an Allow for VirtualNetwork and one for AzureLoadBalancer", NULL}},
    {"probes alone where nothing lets them in", OPEN "all 4096 deny * *", "", "168.63.129.16 health 0", NSF_VERDICT_CLOSE_PROBES_ONLY,
     " |  | " ALL4 ">0 | 0 0 ", "Delete the rule.", {"needs an Allow for AzureLoadBalancer.", NULL}},
    {"the rule behind the rule", OPEN "legacy-any 300 allow * 25", "partners 8.8.8.0/24", "8.8.8.8 known 5;9.9.9.9 likely 3", NSF_VERDICT_RESTRICT_WITH_REVIEW,
     "8.8.8.0/24 | 9.9.9.0/24 | " ALL4 ">" ALL4 " | 8 0 ", "Ask", {"changes nothing: legacy-any would still let the internet in", "!more message", NULL}},
    {"a smaller rule behind the rule", OPEN "office 300 allow 9.9.9.0/24 25", "", "9.9.9.9 likely 3;7.7.7.7 likely 4", NSF_VERDICT_RESTRICT_WITH_REVIEW,
     " | 7.7.7.0/24 9.9.9.0/24 | " ALL4 ">256 | 3 4 7.7.7.7", "Ask", {"After the change office still lets in 256 of the addresses", NULL}},
    {"unused", OPEN, "", "", NSF_VERDICT_CLOSE_UNUSED, " |  | " ALL4 ">0 | 0 0 ", "Delete the rule.", {"!Private", "!Other ports", NULL}},
    {"unused, other ports", ALL_OPEN, "", "", NSF_VERDICT_CLOSE_UNUSED, " |  | " ALL4 ">0 | 0 0 ", "Put a Deny for TCP 25 from Internet above the rule",
     {"source is Internet, never *", "IPv6 as well: closing it needs a rule of its own", "Priority 199 is free for the Deny", NULL}},
    {"other ports, inside goes on by the rule", ALL_OPEN "all 4096 deny * *", "", "10.0.0.9 likely 7", NSF_VERDICT_CLOSE_PROBES_ONLY,
     " |  | " ALL4 ">0 | 7 0 ", "Put a Deny", {"they go on by it", "!VirtualNetwork", NULL}},
    {"other ports, a list", ALL_OPEN, "partners 8.8.8.0/24", "8.8.8.8 known 5;9.9.9.9 spam 2", NSF_VERDICT_RESTRICT_WITH_REVIEW,
     "8.8.8.0/24 | 9.9.9.0/24 | " ALL4 ">256 | 5 2 9.9.9.9", "Ask about the networks in question, then put an Allow for TCP 25", {"Priority 199", NULL}},
    {"other ports and a rule behind: a Deny would cut that", ALL_OPEN "office 300 allow 9.9.9.0/24 25", "", "", NSF_VERDICT_CLOSE_UNUSED,
     " |  | " ALL4 ">256 | 0 0 ", "Take port 25 out of the rule's ports", {"office still lets in 256", "!Deny's source", NULL}},
    {"no place above", "open 100 allow * *;", "", "", NSF_VERDICT_CLOSE_UNUSED, " |  | " ALL4 ">0 | 0 0 ", "Take port 25 out of the rule's ports",
     {"No priority above the rule is free", "0-24 and 26-65535", NULL}},
    {"one place above, two needed", "open 101 allow * *;", "", "", NSF_VERDICT_CLOSE_UNUSED, " |  | " ALL4 ">0 | 0 0 ", "Take port 25 out", {NULL}},
    {"two places above", "open 102 allow * *;", "", "", NSF_VERDICT_CLOSE_UNUSED, " |  | " ALL4 ">0 | 0 0 ", "Put a Deny", {"Priority 101", NULL}},
    {"no place at all", "a 199 allow 9.9.9.0/24 25;open 200 allow * *;b 201 allow 7.7.7.0/24 25", "partners 8.8.8.0/24", "8.8.8.8 known 5", NSF_VERDICT_RESTRICT_TO_RELAYS,
     "8.8.8.0/24 |  | 3702258175>512 | 5 0 ", "Take port 25 out of the rule's ports and give it a rule of its own", {"0 free priorities there, 1 needed. Renumber", NULL}},
    {"a rule for one server behind it, mail for two", OPEN "one 300 allow Internet 25 dst=10.0.0.4", "", "9.9.9.9 likely 3 10.0.0.4;9.9.9.9 likely 4 10.0.0.5",
     NSF_VERDICT_RESTRICT_WITH_REVIEW, " | 9.9.9.0/24 | " ALL4 ">" ALL4 " | 3 4 9.9.9.9", "Ask", {NULL}},
    {"a rule for a group behind it", OPEN "one 300 allow Internet 25 dasg=mail", "", "9.9.9.9 likely 3",
     NSF_VERDICT_RESTRICT_WITH_REVIEW, " | 9.9.9.0/24 | " ALL4 ">" ALL4 " | 0 3 9.9.9.9", "Ask", {"Of 3 refused messages nobody can say for sure", NULL}},
    {"a Deny that came later", "deny-new 100 deny 9.9.9.0/24 25;" OPEN, "partners 9.9.9.0/24;partners 8.8.8.0/24", "9.9.9.9 known 3;8.8.8.8 known 2",
     NSF_VERDICT_RESTRICT_TO_RELAYS, "8.8.8.0/24 9.9.9.0/24 |  | 3702258175>512 | 2 3 9.9.9.9", "Narrow", {"3 of the refused messages came in before", NULL}},
    {"a public MX keeps everything", OPEN, PROVIDER, "8.8.8.8 likely 3", NSF_VERDICT_PUBLIC_MX, " | 8.8.8.0/24 | " ALL4 ">" ALL4 " | 3 0 ", "Keep the port open", {NULL}},
    {"so does a hidden source", OPEN, "", "10.0.0.8 likely 3", NSF_VERDICT_SOURCE_MASKED, " |  | " ALL4 ">" ALL4 " | 3 0 ", "Leave the rule", {NULL}},
    {"and missing evidence", OPEN, "", "8.8.8.8 likely 3", NSF_VERDICT_INSUFFICIENT_EVIDENCE, " | 8.8.8.0/24 | " ALL4 ">" ALL4 " | 3 0 ", "Leave the rule for now", {NULL}},
    {"abuse is looked at, then narrowed", OPEN, "partners 8.8.8.0/24", "8.8.8.8 known 3;9.9.9.9 undecided 30", NSF_VERDICT_INVESTIGATE_ABUSE,
     "8.8.8.0/24 | 9.9.9.0/24 | " ALL4 ">256 | 3 30 9.9.9.9", "Look at the server behind this rule first", {NULL}},
};
/* clang-format on */

static bool has_note(const struct nsf_recommendation *advice, const char *part)
{
    for (size_t i = 0; i < advice->notes.n; i++)
        if (strstr(advice->notes.items[i].ptr, part) != NULL)
            return true;
    return false;
}

static void check_notes(const struct advise_case *one, const struct nsf_recommendation *advice)
{
    if (!nsf_slice_has_prefix(advice->action, nsf_slice_str(one->action)))
        fail_msg("%s: %.*s", one->what, NSF_SLICE_ARG(advice->action));
    for (size_t i = 0; one->notes[i] != NULL; i++) {
        bool is_unwanted = one->notes[i][0] == '!';
        if (has_note(advice, one->notes[i] + is_unwanted) == is_unwanted)
            fail_msg("%s: notes and \"%s\"", one->what, one->notes[i]);
    }
}

static void hand_made_worlds(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct world world;
        struct nsf_buf out;
        const struct nsf_recommendation *advice = &world.rule.recommendation;
        set_up(&world, cases[i].rules, cases[i].lists, cases[i].sources, cases[i].verdict);
        assert_non_null(world.ask.finding);
        nsf_advise(&world.ask, &world.arena, &world.rule);
        nsf_buf_init(&out, 1 << 16);
        print_list(&out, "", advice->allow);
        print_list(&out, " | ", advice->ask_owner);
        nsf_buf_printf(&out, " | %llu>%llu | %llu %llu ", (unsigned long long)advice->addresses_open_before,
                       (unsigned long long)advice->addresses_open_after, (unsigned long long)advice->messages_kept,
                       (unsigned long long)advice->messages_refused);
        print_list(&out, "", advice->senders_refused);
        if (strcmp(nsf_buf_str(&out), cases[i].expected) != 0)
            fail_msg("%s:\n%s\nnot\n%s", cases[i].what, nsf_buf_str(&out), cases[i].expected);
        check_notes(&cases[i], advice);
        nsf_buf_release(&out);
        tear_down(&world);
    }
}

/* ---- properties, over random worlds ---- */

static const char *const random_verdicts[] = {"known", "likely",   "possible", "undecided",
                                              "probe", "conflict", "spam",     "retrying"};

static unsigned pick(unsigned n)
{
    return (unsigned)rand() % n;
}

/* Rules around `open`, which is the rule number 5; all sources lie in 8.8.0.0/20. */
static void random_rules(char *text, size_t size)
{
    size_t len = 0;
    for (unsigned i = 1; i < 10; i++) {
        unsigned bits = 20 + pick(9), at = pick(16) << 8 | (bits > 24 ? pick(16) << 4 : 0);
        at &= ~((1u << (32 - bits)) - 1);
        int n = i == 5 ? snprintf(text + len, size - len, "open 500 allow * %s;", pick(3) == 0 ? "*" : "25")
                       : snprintf(text + len, size - len, "r%u %u %s 8.8.%u.%u/%u 25;", i, i * 100,
                                  pick(2) ? "allow" : "deny", at >> 8, at & 255, bits);
        len += (size_t)n;
        if (pick(3) == 0 && i < 5)
            i = 4; /* fewer */
    }
}

static void random_world(char *lists, char *sources, size_t size)
{
    size_t n_lists = 0, n_sources = 0;
    lists[0] = sources[0] = '\0';
    for (unsigned i = pick(12); i > 0; i--) {
        static const char *const kinds[] = {"senders", "partners", "scanners", "drop"};
        unsigned bits = 22 + pick(11), kind = pick(4), at = pick(4096);
        at &= bits == 32 ? ~0u : ~((1u << (32 - bits)) - 1);
        n_lists += (size_t)snprintf(lists + n_lists, size - n_lists, "%s 8.8.%u.%u/%u P%u;", kinds[kind], at >> 8,
                                    at & 255, bits, pick(4));
    }
    for (unsigned i = 1 + pick(30); i > 0; i--)
        n_sources += (size_t)snprintf(sources + n_sources, size - n_sources, "8.8.%u.%u %s %u;", pick(16), pick(256),
                                      random_verdicts[pick(NSF_ARRAY_LEN(random_verdicts))], pick(5));
}

/* The rules as the advice would have them, with the allow-list as it is printed. */
static void write_drafted(const struct world *world, const struct nsf_recommendation *advice, struct nsf_nsg *drafted,
                          struct nsf_rule *rules)
{
    *drafted = (struct nsf_nsg){.id = NSF_SLICE_LIT("d"), .name = NSF_SLICE_LIT("d"), .rules = rules};
    for (size_t i = 0; i < world->words.nsg.n_rules; i++) {
        struct nsf_rule rule = world->words.nsg.rules[i];
        bool is_changed = nsf_slice_eq(rule.name, NSF_SLICE_LIT("open"));
        if (is_changed && advice->allow.n == 0)
            continue;
        if (is_changed)
            rule.sources = advice->allow;
        rules[drafted->n_rules++] = rule;
    }
    /* With nothing behind them, a Deny above and a rule that loses the port come to the same. */
    if (nsf_slice_has_prefix(advice->action, NSF_SLICE_LIT("Put a Deny")) ||
        strstr(advice->action.ptr, "a Deny for TCP 25") != NULL)
        assert_int_equal(world->ask.finding->still_open_via.n, 0);
}

/* Asks the drafted rules one by one, which is not how the what-if does it. */
static bool is_let_in(const struct nsf_nsg *drafted, struct nsf_ip address)
{
    struct nsf_exposure_settings settings = NSF_EXPOSURE_SETTINGS_INIT;
    struct nsf_arena keep;
    struct nsf_explained explained;
    nsf_arena_init(&keep);
    nsf_explain(&settings, drafted, address, &keep, &explained);
    enum nsf_answer answer = explained.answer;
    nsf_arena_release(&keep);
    assert_true(answer == NSF_ANSWER_ALLOWED || answer == NSF_ANSWER_DENIED);
    return answer == NSF_ANSWER_ALLOWED;
}

static bool is_in(struct nsf_slices prefixes, struct nsf_ip address)
{
    for (size_t i = 0; i < prefixes.n; i++) {
        struct nsf_prefix prefix;
        assert_true(nsf_prefix_parse(prefixes.items[i], &prefix));
        if (nsf_prefix_contains(prefix, address))
            return true;
    }
    return false;
}

static bool names(struct nsf_slices addresses, struct nsf_ip address)
{
    char text[NSF_IP_TEXT_BYTES];
    for (size_t i = 0; i < addresses.n; i++)
        if (nsf_slice_eq(addresses.items[i], nsf_slice_str(nsf_ip_format(address, text))))
            return true;
    return false;
}

static void check_numbers(const struct world *world)
{
    const struct nsf_recommendation *advice = &world->rule.recommendation;
    struct nsf_rule rules[NSF_NSG_WORDS_RULES_MAX];
    struct nsf_nsg drafted;
    uint64_t kept = 0, refused = 0;
    write_drafted(world, advice, &drafted, rules);
    for (size_t i = 0; i < world->ask.n_touched; i++) {
        const struct nsf_touched *touched = &world->touched[i];
        bool is_kept = is_let_in(&drafted, touched->address);
        *(is_kept ? &kept : &refused) += touched->messages;
        if (touched->messages > 0)
            assert_int_equal(names(advice->senders_refused, touched->address), !is_kept);
    }
    assert_int_equal(advice->messages_kept, kept);
    assert_int_equal(advice->messages_refused, refused);
}

/* Whoever is a sender by a list is on the allow-list or asked about; nobody who is refused for good is on either. */
static void check_lists(const struct world *world)
{
    const struct nsf_recommendation *advice = &world->rule.recommendation;
    for (size_t i = 0; i < world->ask.n_touched; i++) {
        const struct nsf_touched *touched = &world->touched[i];
        const struct nsf_networks *table;
        bool is_doubtful = touched->verdict == NSF_SOURCE_SPAM_SOURCE || touched->verdict == NSF_SOURCE_CONFLICT;
        bool is_listed = nsf_networks_find(world->lists.of[NSF_LIST_PARTNERS], touched->address) != NULL ||
                         nsf_lists_sender(&world->lists, touched->address, &table) != NULL;
        bool is_allowed = is_in(advice->allow, touched->address), is_asked = is_in(advice->ask_owner, touched->address);
        if (touched->verdict == NSF_SOURCE_PROBE)
            continue;
        assert_true(is_allowed || is_asked);
        assert_true(!is_listed || is_doubtful || is_allowed);
    }
}

/* Every address of the list belongs to a listed sender, or to the home network of a partner that was seen. */
static void check_nobody_else(const struct world *world)
{
    const struct nsf_recommendation *advice = &world->rule.recommendation;
    for (size_t i = 0; i < advice->allow.n; i++) {
        struct nsf_prefix prefix;
        const struct nsf_networks *table;
        assert_true(nsf_prefix_parse(advice->allow.items[i], &prefix));
        struct nsf_ip address = prefix.ip, last = nsf_prefix_last(prefix);
        for (;; address = nsf_ip_next(address)) {
            bool is_sender = nsf_lists_sender(&world->lists, address, &table) != NULL ||
                             nsf_networks_find(world->lists.of[NSF_LIST_PARTNERS], address) != NULL;
            assert_true(is_sender);
            if (nsf_ip_eq(address, last))
                break;
        }
    }
}

static void advice_does_what_it_says(void **state)
{
    static const enum nsf_rule_verdict verdicts[] = {NSF_VERDICT_RESTRICT_TO_RELAYS, NSF_VERDICT_RESTRICT_WITH_REVIEW,
                                                     NSF_VERDICT_INVESTIGATE_ABUSE};
    srand(31);
    for (int round = 0; round < 600; round++) {
        char rules[1024], lists[1024], sources[2048];
        struct world world;
        random_rules(rules, sizeof(rules));
        random_world(lists, sources, sizeof(lists));
        set_up(&world, rules, lists, sources, verdicts[round % 3]);
        assert_non_null(world.ask.finding);
        nsf_advise(&world.ask, &world.arena, &world.rule);
        check_numbers(&world);
        check_lists(&world);
        check_nobody_else(&world);
        tear_down(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_made_worlds),
        cmocka_unit_test(advice_does_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/nsf_common.h"

#include "cli/help.h"
#include "cli/options.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define WORDS_MAX 32

struct parsed {
    struct nsf_options options;
    enum nsf_options_answer answer;
    bool has_command;
    bool failed;
    struct nsf_err err;
    char *argv[WORDS_MAX];
};

/* Words are separated by blanks; "_" stands for an empty word. */
static struct parsed *parse(const char *line)
{
    struct parsed *parsed = nsf_calloc(1, sizeof(*parsed));
    int argc = 0;
    parsed->argv[argc++] = nsf_strdup_n("nsgflow", 7);
    while (*line != '\0') {
        size_t len = strcspn(line, " ");
        bool is_empty = len == 1 && line[0] == '_';
        assert_true(argc < WORDS_MAX);
        parsed->argv[argc++] = nsf_strdup_n(line, is_empty ? 0 : len);
        line += len + (line[len] == ' ');
    }
    parsed->failed = nsf_failed(nsf_options_parse(
        &parsed->options, argc, parsed->argv, &parsed->answer, &parsed->has_command, &parsed->err));
    return parsed;
}

static void release(struct parsed *parsed)
{
    nsf_options_release(&parsed->options);
    for (int i = 0; i < WORDS_MAX; i++)
        nsf_free(parsed->argv[i]);
    nsf_free(parsed);
}

static void test_values_land_in_their_members(void **state)
{
    struct parsed *p = parse(
        "review --rules a.json --rules=b.json --since 2026-01-02 --until 2026-01-03T00:00:00Z "
        "--jobs 3 -q -oout.json --format json --strict logs - -- --odd");
    assert_false(p->failed);
    const struct nsf_options *o = &p->options;
    assert_int_equal(o->command, NSF_COMMAND_REVIEW);
    assert_int_equal(o->rules.n, 2);
    assert_string_equal(o->rules.items[1], "b.json");
    assert_int_equal(o->since_ms, nsf_time_from_civil(2026, 1, 2));
    assert_int_equal(o->until_ms - o->since_ms, NSF_MS_PER_DAY);
    assert_int_equal(o->jobs, 3);
    assert_true(o->is_quiet);
    assert_true(o->is_strict);
    assert_string_equal(o->output, "out.json");
    assert_int_equal(o->format, NSF_FORMAT_JSON);
    assert_int_equal(o->operands.n, 3);
    assert_string_equal(o->operands.items[1], "-");
    assert_string_equal(o->operands.items[2], "--odd");
    release(p);
}

static void test_defaults(void **state)
{
    struct parsed *p = parse("scan x");
    assert_false(p->failed);
    assert_int_equal(p->options.n_ports, 1);
    assert_int_equal(p->options.ports[0], 25);
    assert_int_equal(p->options.partial_ipv4, 1 << 24);
    assert_int_equal(p->options.format, NSF_FORMAT_TEXT);
    assert_int_equal(p->options.fail_on, NSF_FAIL_ON_NEVER);
    assert_true(p->options.since_ms == NSF_TS_NONE);
    release(p);
    p = parse("plan x");
    assert_int_equal(p->options.format, NSF_FORMAT_AZ);
    release(p);
    p = parse("review x --idle 5");
    assert_int_equal(p->options.idle_ms, 300000);
    release(p);
}

static void test_ports_are_sorted_and_unique(void **state)
{
    struct parsed *p = parse("scan --port 3389,25,22 --port 25 x");
    assert_false(p->failed);
    assert_int_equal(p->options.n_ports, 3);
    assert_int_equal(p->options.ports[0], 22);
    assert_int_equal(p->options.ports[1], 25);
    assert_int_equal(p->options.ports[2], 3389);
    release(p);
}

static void test_commas(void **state)
{
    struct parsed *p =
        parse("simulate --allow 192.0.2.0/24,2001:db8::/32 --allow 198.51.100.1 e.db");
    assert_false(p->failed);
    assert_int_equal(p->options.allow.n, 3);
    assert_string_equal(p->options.allow.items[1], "2001:db8::/32");
    release(p);
}

static void test_ages(void **state)
{
    int64_t now = nsf_clock_now_ms();
    struct parsed *p = parse("review --since 30d x");
    assert_false(p->failed);
    int64_t age = now - p->options.since_ms;
    assert_true(age > 30 * NSF_MS_PER_DAY - 60000 && age <= 30 * NSF_MS_PER_DAY);
    release(p);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *line;
        const char *text; /* part of the message */
    } cases[] = {
        {"", "no command given"},
        {"scam", "did you mean scan?"},
        {"frobnicate", "unknown command frobnicate"},
        {"scan --formt json x", "did you mean --format?"},
        {"scan --fail=partial x", "did you mean --fail-on?"},
        {"scan --zzz x", "unknown option --zzz; see nsgflow scan --help"},
        {"scan --store e.db x", "scan takes no --store"},
        {"scan --format jsom x", "unknown word jsom; did you mean json?"},
        {"scan --format az x", "--format: unknown word az"},
        {"scan --format", "--format needs a value"},
        {"scan --format _ x", "--format needs a value"},
        {"scan --quiet=yes x", "--quiet takes no value"},
        {"scan -x", "unknown option -x"},
        {"scan --port 0 x", "no list of at most"},
        {"scan --port 25,,26 x", "no list of at most"},
        {"scan --port 65536 x", "no list of at most"},
        {"review --jobs 0 x", "no number from 1"},
        {"review --jobs 9999 x", "no number from 1"},
        {"review --jobs -1 x", "no number from 1"},
        {"review --since yesterday x", "is no time"},
        {"review --since d x", "is no time"},
        {"review --since 2026-01-02 --until 2026-01-02 x", "--since is not before --until"},
        {"review --rules - logs -", "standard input (-) is read once: for the rules or for the logs"},
        {"review --parser simd x", "--parser: unknown word simd"},
        {"scan --color sometimes x", "--color: unknown word sometimes"},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct parsed *p = parse(cases[i].line);
        assert_true(p->failed);
        assert_int_equal(p->err.code, NSF_E_USAGE);
        if (strstr(p->err.text, cases[i].text) == NULL)
            fail_msg("\"%s\": \"%s\" does not hold \"%s\"", cases[i].line, p->err.text,
                     cases[i].text);
        release(p);
    }
}

static void test_help_and_version_stop_reading(void **state)
{
    struct parsed *p = parse("review --help --no-such-option");
    assert_false(p->failed);
    assert_int_equal(p->answer, NSF_OPTIONS_HELP);
    assert_true(p->has_command);
    release(p);
    p = parse("help scan");
    assert_int_equal(p->answer, NSF_OPTIONS_HELP);
    assert_int_equal(p->options.command, NSF_COMMAND_SCAN);
    release(p);
    p = parse("--version");
    assert_int_equal(p->answer, NSF_OPTIONS_VERSION);
    release(p);
    p = parse("-h");
    assert_int_equal(p->answer, NSF_OPTIONS_HELP);
    assert_false(p->has_command);
    release(p);
}

/* Each command's help names each of its options and stays within 80 columns. */
static void test_help_fits_and_is_whole(void **state)
{
    for (int command = 0; command < NSF_COMMAND_N; command++) {
        struct nsf_buf text;
        struct nsf_option_row row;
        char name[64];
        nsf_buf_init(&text, 1 << 20);
        struct nsf_out *out = nsf_out_new_buf(&text);
        nsf_help_command(out, (enum nsf_command)command);
        nsf_out_abandon(out);
        const char *line = nsf_buf_str(&text);
        for (size_t i = 0; nsf_options_row((enum nsf_command)command, i, &row); i++) {
            snprintf(name, sizeof(name), "--%s", row.name);
            assert_non_null(strstr(line, name));
        }
        assert_non_null(strstr(line, "examples:"));
        for (; *line != '\0'; line += strcspn(line, "\n") + 1)
            if (strcspn(line, "\n") > 80)
                fail_msg("too wide: %.*s", (int)strcspn(line, "\n"), line);
        nsf_buf_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_land_in_their_members),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_ports_are_sorted_and_unique),
        cmocka_unit_test(test_commas),
        cmocka_unit_test(test_ages),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_help_and_version_stop_reading),
        cmocka_unit_test(test_help_fits_and_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

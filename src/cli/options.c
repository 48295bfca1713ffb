#include "core/nsf_common.h"

#include "cli/options.h"

#include "core/clock.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/slice.h"

enum option_kind {
    OPTION_FLAG,    /* bool */
    OPTION_TEXT,    /* const char * */
    OPTION_LIST,    /* struct nsf_text_list, one more item each time */
    OPTION_COMMAS,  /* struct nsf_text_list, items separated by commas */
    OPTION_NUMBER,  /* uint64_t within low..high */
    OPTION_MINUTES, /* uint64_t milliseconds */
    OPTION_TIME,    /* int64_t milliseconds since 1970 */
    OPTION_FORMAT,  /* enum nsf_format */
    OPTION_WHEN,    /* enum nsf_when */
    OPTION_FAIL_ON, /* enum nsf_fail_on */
    OPTION_PARSER,  /* enum nsf_parser */
    OPTION_PORTS,   /* ports and n_ports */
    OPTION_HELP,
    OPTION_VERSION,
};

#define SCAN (1u << NSF_COMMAND_SCAN)
#define REVIEW (1u << NSF_COMMAND_REVIEW)
#define REPORT (1u << NSF_COMMAND_REPORT)
#define SIMULATE (1u << NSF_COMMAND_SIMULATE)
#define PLAN (1u << NSF_COMMAND_PLAN)
#define WATCH (1u << NSF_COMMAND_WATCH)
#define MERGE (1u << NSF_COMMAND_MERGE)
#define EXPLAIN (1u << NSF_COMMAND_EXPLAIN)
#define RULES (SCAN | REVIEW | EXPLAIN)
#define LOGS (REVIEW | WATCH)
#define JUDGED (REVIEW | REPORT | SIMULATE | PLAN | WATCH)
#define ALL (~0u)

struct option {
    const char *name;
    char letter;
    enum option_kind kind;
    size_t offset; /* of its member in struct nsf_options */
    unsigned commands;
    const char *argument;
    const char *text;
    uint64_t low, high; /* of OPTION_NUMBER */
};

#define AT(member) offsetof(struct nsf_options, member)

static const struct option option_table[] = {
    {"rules", 0, OPTION_LIST, AT(rules), RULES | SIMULATE | PLAN, "PATH",
     "NSG definitions: a file, a folder or -; may be repeated", 0, 0},
    {"input-shape", 0, OPTION_TEXT, AT(input_shape), RULES, "SHAPE",
     "take the definitions for this shape instead of detecting it", 0, 0},
    {"port", 0, OPTION_PORTS, AT(ports), SCAN | EXPLAIN, "PORT,...", "the TCP ports to check (default 25)", 0, 0},
    {"source", 0, OPTION_TEXT, AT(source), EXPLAIN, "ADDRESS", "the address to ask for", 0, 0},
    {"draft", 0, OPTION_TEXT, AT(draft), SIMULATE, "NSGS.json", "the definitions as they would be", 0, 0},
    {"allow", 0, OPTION_COMMAS, AT(allow), SIMULATE, "CIDR,...", "the sources that would still be let in", 0, 0},
    {"plan", 0, OPTION_TEXT, AT(plan), WATCH, "PLAN.json", "the plan whose effect is watched", 0, 0},

    {"since", 0, OPTION_TIME, AT(since_ms), LOGS | REPORT, "TIME",
     "from this time on: RFC 3339, a date (its midnight UTC), or an age such as 30d or 12h", 0, 0},
    {"until", 0, OPTION_TIME, AT(until_ms), LOGS | REPORT, "TIME", "up to and without this time", 0, 0},
    {"nsg", 0, OPTION_LIST, AT(nsg), RULES | LOGS | REPORT | PLAN | SIMULATE, "NAME",
     "only this NSG (name or id); may be repeated", 0, 0},
    {"rule", 0, OPTION_LIST, AT(rule), SCAN | REVIEW | REPORT | PLAN | SIMULATE, "NAME",
     "only this rule; may be repeated", 0, 0},
    {"only-exposed", 0, OPTION_FLAG, AT(is_only_exposed), REVIEW, NULL, "skip logs of NSGs without a finding", 0, 0},
    {"smtp-only", 0, OPTION_FLAG, AT(is_smtp_only), REVIEW, NULL,
     "leave out denied and other-port evidence (faster, confidence at most C)", 0, 0},
    {"strict", 0, OPTION_FLAG, AT(is_strict), LOGS, NULL, "check every tuple in full, also those that cannot matter", 0,
     0},
    {"parser", 0, OPTION_PARSER, AT(parser), LOGS, "fast|yajl", "how logs are read; both ways give the same result", 0,
     0},
    {"idle", 0, OPTION_MINUTES, AT(idle_ms), LOGS, "MINUTES", "silence that ends a connection (default 30)", 1, 1440},
    {"max-sources", 0, OPTION_NUMBER, AT(max_sources), REVIEW, "N",
     "sources kept with a row of their own (default 10000000)", 1, 1000000000},
    {"max-other", 0, OPTION_NUMBER, AT(max_other), REVIEW, "N",
     "addresses kept that were only denied or on other ports (default 4000000)", 1, 1000000000},
    {"partial-ipv4", 0, OPTION_NUMBER, AT(partial_ipv4), RULES, "N",
     "public IPv4 addresses from which on an NSG is partial (default 16777216)", 1, UINT64_C(4294967296)},
    {"partial-ipv6-bits", 0, OPTION_NUMBER, AT(partial_ipv6_bits), RULES, "N",
     "the same for IPv6 as a power of two (default 112)", 0, 125},

    {"senders", 0, OPTION_LIST, AT(senders), JUDGED, "FILE",
     "networks of mail providers; may be repeated, as all lists", 0, 0},
    {"no-builtin-senders", 0, OPTION_FLAG, AT(has_no_builtin_senders), JUDGED, NULL,
     "know only the providers of --senders, not the list that the program carries", 0, 0},
    {"partners", 0, OPTION_LIST, AT(partners), JUDGED, "FILE", "networks that are known to send you mail", 0, 0},
    {"scanners", 0, OPTION_LIST, AT(scanners), JUDGED, "FILE", "networks of known scanners", 0, 0},
    {"drop", 0, OPTION_LIST, AT(drop), JUDGED, "FILE", "networks of known spam sources", 0, 0},
    {"service-tags", 0, OPTION_LIST, AT(service_tags), RULES | JUDGED, "FILE",
     "a ServiceTags_Public JSON, to expand service tags", 0, 0},
    {"mx", 0, OPTION_LIST, AT(mx), JUDGED, "FILE", "own addresses that are a published MX", 0, 0},
    {"names", 0, OPTION_LIST, AT(names), JUDGED, "FILE", "names of addresses: ip,ptr a line", 0, 0},
    {"mmdb", 0, OPTION_LIST, AT(mmdb), JUDGED, "FILE", "a MaxMind database, for country and network names", 0, 0},
    {"exceptions", 0, OPTION_LIST, AT(exceptions), SCAN | REVIEW | REPORT, "FILE",
     "accepted rules with owner, reason and expiry", 0, 0},

    {"store", 0, OPTION_TEXT, AT(store), REVIEW | WATCH, "FILE", "keep the evidence there, and read only what is new",
     0, 0},
    {"jobs", 'j', OPTION_NUMBER, AT(jobs), LOGS | MERGE, "N", "workers (default: one a processor)", 1, NSF_JOBS_MAX},
    {"endpoint", 0, OPTION_TEXT, AT(endpoint), RULES | LOGS, "URL", "blob service of another cloud", 0, 0},
    {"ca-file", 0, OPTION_TEXT, AT(ca_file), RULES | LOGS, "FILE", "certificates to trust for https", 0, 0},
    {"max-requests-per-second", 0, OPTION_NUMBER, AT(max_requests_per_second), RULES | LOGS, "N",
     "spare the storage account", 1, 20000},
    {"list", 0, OPTION_FLAG, AT(is_list), LOGS, NULL, "show which blobs and bytes would be read, and end", 0, 0},

    {"output", 'o', OPTION_TEXT, AT(output), ALL, "FILE",
     "write there instead of to standard output, whole or not at all", 0, 0},
    {"format", 'f', OPTION_FORMAT, AT(format), SCAN | REVIEW | REPORT | SIMULATE | PLAN | WATCH | EXPLAIN, "FORMAT",
     NULL, 0, 0},
    {"kpi", 0, OPTION_FLAG, AT(is_kpi), SCAN | REPORT, NULL, "print the key figures", 0, 0},
    {"top", 0, OPTION_NUMBER, AT(top), REVIEW | REPORT, "N", "sources shown a rule (default: all in JSON)", 1,
     UINT32_MAX},
    {"explain-source", 0, OPTION_TEXT, AT(explain_source), REVIEW | REPORT, "ADDRESS",
     "print everything known of one source", 0, 0},
    {"fail-on", 0, OPTION_FAIL_ON, AT(fail_on), SCAN | REVIEW | REPORT, "VERDICT",
     "exit status 1 when a finding is exposed, partial or unknown, or worse (default never)", 0, 0},
    {"progress", 0, OPTION_WHEN, AT(progress), LOGS | SCAN | MERGE, "WHEN", "auto, always or never, on standard error",
     0, 0},
    {"color", 0, OPTION_WHEN, AT(color), ALL & ~MERGE, "WHEN", "auto, always or never; NO_COLOR is respected", 0, 0},
    {"quiet", 'q', OPTION_FLAG, AT(is_quiet), ALL, NULL, "nothing on standard error but errors", 0, 0},
    {"verbose", 'v', OPTION_FLAG, AT(is_verbose), ALL, NULL, "more on standard error, such as which credential is used",
     0, 0},
    {"help", 'h', OPTION_HELP, 0, ALL, NULL, "this text", 0, 0},
    {"version", 0, OPTION_VERSION, 0, ALL, NULL, "the version", 0, 0},
};

static const char *const command_names[NSF_COMMAND_N] = {
    [NSF_COMMAND_SCAN] = "scan",         [NSF_COMMAND_REVIEW] = "review",   [NSF_COMMAND_REPORT] = "report",
    [NSF_COMMAND_SIMULATE] = "simulate", [NSF_COMMAND_PLAN] = "plan",       [NSF_COMMAND_WATCH] = "watch",
    [NSF_COMMAND_MERGE] = "merge",       [NSF_COMMAND_EXPLAIN] = "explain",
};

#define REPORTS (SCAN | REVIEW | REPORT)

struct word {
    const char *text;
    int value;
    unsigned commands;
};

static const struct word format_words[] = {
    {"text", NSF_FORMAT_TEXT, ALL & ~(PLAN | MERGE)},
    {"json", NSF_FORMAT_JSON, ALL & ~MERGE},
    {"csv", NSF_FORMAT_CSV, REPORTS},
    {"markdown", NSF_FORMAT_MARKDOWN, REPORTS},
    {"html", NSF_FORMAT_HTML, REPORTS},
    {"sarif", NSF_FORMAT_SARIF, REPORTS},
    {"junit", NSF_FORMAT_JUNIT, REPORTS},
    {"ocsf", NSF_FORMAT_OCSF, REPORTS},
    {"az", NSF_FORMAT_AZ, PLAN},
    {"terraform", NSF_FORMAT_TERRAFORM, PLAN},
    {"bicep", NSF_FORMAT_BICEP, PLAN},
    {"policy", NSF_FORMAT_POLICY, PLAN},
    {NULL, 0, 0},
};

static const struct word when_words[] = {
    {"auto", NSF_WHEN_AUTO, ALL},
    {"always", NSF_WHEN_ALWAYS, ALL},
    {"never", NSF_WHEN_NEVER, ALL},
    {NULL, 0, 0},
};

static const struct word fail_on_words[] = {
    {"never", NSF_FAIL_ON_NEVER, ALL},
    {"exposed", NSF_FAIL_ON_EXPOSED, ALL},
    {"partial", NSF_FAIL_ON_PARTIAL, ALL},
    {"unknown", NSF_FAIL_ON_UNKNOWN, ALL},
    {NULL, 0, 0},
};

static const struct word parser_words[] = {
    {"fast", NSF_PARSER_FAST, ALL},
    {"yajl", NSF_PARSER_YAJL, ALL},
    {NULL, 0, 0},
};

const char *nsf_command_name(enum nsf_command command)
{
    return command_names[command];
}

static bool takes(enum nsf_command command, const struct option *option)
{
    return (option->commands & 1u << command) != 0;
}

void nsf_options_format_words(enum nsf_command command, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (const struct word *word = format_words; word->text != NULL; word++) {
        if ((word->commands & 1u << command) == 0 || at >= size)
            continue;
        int n = snprintf(text + at, size - at, "%s%s", at == 0 ? "" : ", ", word->text);
        at += n < 0 ? 0 : (size_t)n;
    }
}

bool nsf_options_row(enum nsf_command command, size_t idx, struct nsf_option_row *row)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(option_table); i++) {
        const struct option *option = &option_table[i];
        if (!takes(command, option) || idx-- != 0)
            continue;
        *row = (struct nsf_option_row){option->name, option->letter, option->argument, option->text};
        return true;
    }
    return false;
}

static void list_add(struct nsf_text_list *list, const char *text)
{
    NSF_GROW(list->items, list->capacity, list->n + 1);
    list->items[list->n++] = text;
}

/* Edits from a to b (insert, delete, replace), for near misses; long words count as far. */
static size_t edit_distance(struct nsf_slice a, struct nsf_slice b)
{
    size_t row[32];
    if (a.len >= NSF_ARRAY_LEN(row) || b.len >= NSF_ARRAY_LEN(row))
        return NSF_ARRAY_LEN(row);
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            diagonal = row[j];
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            row[j] = row[j] + 1 < best ? row[j] + 1 : best;
        }
    }
    return row[b.len];
}

struct nearest {
    const char *text;
    size_t distance;
};

static void consider(struct nearest *nearest, struct nsf_slice word, const char *candidate)
{
    size_t distance = edit_distance(word, nsf_slice_str(candidate));
    bool is_near = distance <= 1 + word.len / 4;
    bool is_start = word.len >= 3 && nsf_slice_has_prefix(nsf_slice_str(candidate), word);
    if (is_start)
        distance = 1;
    if ((is_near || is_start) && (nearest->text == NULL || distance < nearest->distance))
        *nearest = (struct nearest){candidate, distance};
}

static nsf_result fail_unknown_option(enum nsf_command command, const char *arg, struct nsf_slice name,
                                      struct nsf_err *err)
{
    struct nearest nearest = {NULL, 0};
    for (size_t i = 0; i < NSF_ARRAY_LEN(option_table); i++) {
        const struct option *option = &option_table[i];
        if (!takes(command, option) && nsf_slice_eq(name, nsf_slice_str(option->name)))
            return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "%s takes no --%s", command_names[command],
                            option->name);
        if (takes(command, option))
            consider(&nearest, name, option->name);
    }
    if (nearest.text != NULL)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "unknown option %s; did you mean --%s?", arg, nearest.text);
    return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "unknown option %s; see nsgflow %s --help", arg,
                    command_names[command]);
}

static nsf_result take_word(const struct option *option, const struct word *words, enum nsf_command command,
                            const char *value, int *chosen, struct nsf_err *err)
{
    struct nearest nearest = {NULL, 0};
    for (const struct word *word = words; word->text != NULL; word++) {
        if ((word->commands & 1u << command) == 0)
            continue;
        consider(&nearest, nsf_slice_str(value), word->text);
        if (strcmp(value, word->text) == 0) {
            *chosen = word->value;
            return nsf_ok();
        }
    }
    if (nearest.text != NULL)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "--%s: unknown word %s; did you mean %s?", option->name,
                        value, nearest.text);
    return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "--%s: unknown word %s; see nsgflow %s --help", option->name,
                    value, command_names[command]);
}

static nsf_result take_number(const struct option *option, const char *value, uint64_t *number, struct nsf_err *err)
{
    if (nsf_slice_to_u64(nsf_slice_str(value), option->high, number) && *number >= option->low)
        return nsf_ok();
    return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "--%s: %s is no number from %llu to %llu", option->name, value,
                    (unsigned long long)option->low, (unsigned long long)option->high);
}

/* "30d", "12h": that long before now. */
static bool parse_age(struct nsf_slice text, int64_t *ts_ms)
{
    uint64_t n;
    if (text.len < 2 || !nsf_slice_to_u64(nsf_slice(text.ptr, text.len - 1), 100000, &n))
        return false;
    char unit = text.ptr[text.len - 1];
    if (unit != 'd' && unit != 'h')
        return false;
    *ts_ms = nsf_clock_now_ms() - (int64_t)n * (unit == 'd' ? NSF_MS_PER_DAY : NSF_MS_PER_HOUR);
    return true;
}

static nsf_result take_time(const struct option *option, const char *value, int64_t *ts_ms, struct nsf_err *err)
{
    struct nsf_slice text = nsf_slice_str(value);
    if (nsf_time_parse(text, ts_ms) || parse_age(text, ts_ms))
        return nsf_ok();
    return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE,
                    "--%s: %s is no time; write 2026-01-31, 2026-01-31T10:00:00Z or an age such as 30d", option->name,
                    value);
}

static nsf_result fail_ports(const struct option *option, const char *value, struct nsf_err *err)
{
    return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "--%s: %s is no list of at most %d ports from 1 to 65535",
                    option->name, value, NSF_OPTIONS_PORTS_MAX);
}

/* Keeps the list ascending and each port once, so that the order of words does not matter. */
static nsf_result take_ports(const struct option *option, struct nsf_options *options, const char *value,
                             struct nsf_err *err)
{
    struct nsf_slice rest = nsf_slice_str(value);
    for (;;) {
        size_t comma = nsf_slice_find(rest, ',');
        uint64_t port;
        if (!nsf_slice_to_u64(nsf_slice_trim(nsf_slice(rest.ptr, comma)), 65535, &port) || port == 0)
            return fail_ports(option, value, err);
        size_t at = 0;
        while (at < options->n_ports && options->ports[at] < port)
            at++;
        if (at == options->n_ports || options->ports[at] != port) {
            if (options->n_ports == NSF_OPTIONS_PORTS_MAX)
                return fail_ports(option, value, err);
            memmove(&options->ports[at + 1], &options->ports[at], (options->n_ports - at) * sizeof(options->ports[0]));
            options->ports[at] = (uint16_t)port;
            options->n_ports++;
        }
        if (comma == rest.len)
            return nsf_ok();
        rest = nsf_slice_from(rest, comma + 1);
    }
}

/* The commas are overwritten in argv, which is ours by C11 5.1.2.2.1. */
static void take_commas(struct nsf_text_list *list, char *value)
{
    for (;;) {
        char *comma = strchr(value, ',');
        if (comma != NULL)
            *comma = '\0';
        list_add(list, value);
        if (comma == NULL)
            return;
        value = comma + 1;
    }
}

static nsf_result take_value(const struct option *option, struct nsf_options *options, char *value, struct nsf_err *err)
{
    void *member = (char *)options + option->offset;
    enum nsf_command command = options->command;
    int chosen = 0;
    nsf_result r = nsf_ok();
    switch (option->kind) {
    case OPTION_TEXT:
        *(const char **)member = value;
        break;
    case OPTION_LIST:
        list_add(member, value);
        break;
    case OPTION_COMMAS:
        take_commas(member, value);
        break;
    case OPTION_NUMBER:
        return take_number(option, value, member, err);
    case OPTION_MINUTES:
        r = take_number(option, value, member, err);
        *(uint64_t *)member *= 60000;
        break;
    case OPTION_TIME:
        return take_time(option, value, member, err);
    case OPTION_FORMAT:
        r = take_word(option, format_words, command, value, &chosen, err);
        options->format = (enum nsf_format)chosen;
        options->has_format = true;
        break;
    case OPTION_WHEN:
        r = take_word(option, when_words, command, value, &chosen, err);
        *(enum nsf_when *)member = (enum nsf_when)chosen;
        break;
    case OPTION_FAIL_ON:
        r = take_word(option, fail_on_words, command, value, &chosen, err);
        options->fail_on = (enum nsf_fail_on)chosen;
        break;
    case OPTION_PARSER:
        r = take_word(option, parser_words, command, value, &chosen, err);
        options->parser = (enum nsf_parser)chosen;
        break;
    case OPTION_PORTS:
        return take_ports(option, options, value, err);
    case OPTION_FLAG:
    case OPTION_HELP:
    case OPTION_VERSION:
        NSF_BUG("an option without a value was given one");
    }
    return r;
}

struct reader {
    int argc;
    char **argv;
    int next;
    struct nsf_options *options;
    enum nsf_options_answer *answer;
    struct nsf_err *err;
};

static const struct option *find_option(enum nsf_command command, struct nsf_slice name, char letter)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(option_table); i++) {
        const struct option *option = &option_table[i];
        bool is_it = letter != 0 ? option->letter == letter : nsf_slice_eq(name, nsf_slice_str(option->name));
        if (is_it && takes(command, option))
            return option;
    }
    return NULL;
}

/* `value` is what stood behind "=" or the letter, NULL when nothing did. */
static nsf_result take_option(struct reader *reader, const struct option *option, char *value)
{
    switch (option->kind) {
    case OPTION_FLAG:
    case OPTION_HELP:
    case OPTION_VERSION:
        if (value != NULL)
            return NSF_FAIL(reader->err, NSF_E_USAGE, NSF_OFFSET_NONE, "--%s takes no value", option->name);
        if (option->kind == OPTION_FLAG)
            *((bool *)((char *)reader->options + option->offset)) = true;
        else
            *reader->answer = option->kind == OPTION_HELP ? NSF_OPTIONS_HELP : NSF_OPTIONS_VERSION;
        return nsf_ok();
    case OPTION_TEXT:
    case OPTION_LIST:
    case OPTION_COMMAS:
    case OPTION_NUMBER:
    case OPTION_MINUTES:
    case OPTION_TIME:
    case OPTION_FORMAT:
    case OPTION_WHEN:
    case OPTION_FAIL_ON:
    case OPTION_PARSER:
    case OPTION_PORTS:
        break;
    }
    if (value == NULL && reader->next < reader->argc)
        value = reader->argv[reader->next++];
    if (value == NULL || value[0] == '\0')
        return NSF_FAIL(reader->err, NSF_E_USAGE, NSF_OFFSET_NONE, "--%s needs a value: %s", option->name,
                        option->argument);
    return take_value(option, reader->options, value, reader->err);
}

static nsf_result take_long(struct reader *reader, char *arg)
{
    struct nsf_slice name = nsf_slice_str(arg + 2);
    char *equals = strchr(arg, '=');
    if (equals != NULL)
        name.len = (size_t)(equals - arg) - 2;
    const struct option *option = find_option(reader->options->command, name, 0);
    if (option == NULL)
        return fail_unknown_option(reader->options->command, arg, name, reader->err);
    return take_option(reader, option, equals == NULL ? NULL : equals + 1);
}

/* "-q", "-oFILE", "-o FILE", "-qo FILE" */
static nsf_result take_letters(struct reader *reader, char *arg)
{
    for (char *at = arg + 1; *at != '\0'; at++) {
        const struct option *option = find_option(reader->options->command, nsf_slice(NULL, 0), *at);
        if (option == NULL)
            return NSF_FAIL(reader->err, NSF_E_USAGE, NSF_OFFSET_NONE, "unknown option -%c; see nsgflow %s --help", *at,
                            command_names[reader->options->command]);
        if (option->argument != NULL)
            return take_option(reader, option, at[1] != '\0' ? at + 1 : NULL);
        nsf_result r = take_option(reader, option, NULL);
        if (nsf_failed(r))
            return r;
    }
    return nsf_ok();
}

static nsf_result fail_command(const char *word, struct nsf_err *err)
{
    struct nearest nearest = {NULL, 0};
    for (size_t i = 0; i < NSF_COMMAND_N; i++)
        consider(&nearest, nsf_slice_str(word), command_names[i]);
    if (nearest.text != NULL)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "unknown command %s; did you mean %s?", word, nearest.text);
    return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "unknown command %s; see nsgflow --help", word);
}

static nsf_result take_command(struct reader *reader, bool *has_command)
{
    const char *word = reader->next < reader->argc ? reader->argv[reader->next] : NULL;
    if (word == NULL)
        return NSF_FAIL(reader->err, NSF_E_USAGE, NSF_OFFSET_NONE, "no command given; see nsgflow --help");
    reader->next++;
    if (strcmp(word, "--version") == 0) {
        *reader->answer = NSF_OPTIONS_VERSION;
        return nsf_ok();
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        *reader->answer = NSF_OPTIONS_HELP;
        word = reader->next < reader->argc ? reader->argv[reader->next++] : NULL;
        if (word == NULL)
            return nsf_ok();
    }
    for (size_t i = 0; i < NSF_COMMAND_N; i++)
        if (strcmp(word, command_names[i]) == 0) {
            reader->options->command = (enum nsf_command)i;
            *has_command = true;
            return nsf_ok();
        }
    return fail_command(word, reader->err);
}

static bool has_stdin(const struct nsf_text_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], "-") == 0)
            return true;
    return false;
}

/* What one option cannot see alone. Logs that found standard input read to its end by the rules would look like no
 * traffic. */
static nsf_result check_together(struct nsf_options *options, struct nsf_err *err)
{
    if (options->since_ms != NSF_TS_NONE && options->until_ms != NSF_TS_NONE && options->since_ms >= options->until_ms)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "--since is not before --until");
    if (has_stdin(&options->rules) && has_stdin(&options->operands))
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "standard input (-) is read once: for the rules or for %s",
                        options->command == NSF_COMMAND_REVIEW ? "the logs" : "what else is given");
    if (options->n_ports == 0)
        options->ports[options->n_ports++] = 25;
    return nsf_ok();
}

static void set_defaults(struct nsf_options *options)
{
    *options = (struct nsf_options){.since_ms = NSF_TS_NONE, .until_ms = NSF_TS_NONE};
    options->idle_ms = 30 * 60000;
    options->max_sources = NSF_SOURCES_MAX_DEFAULT;
    options->max_other = NSF_OTHER_ADDRESSES_MAX_DEFAULT;
    options->partial_ipv4 = (uint64_t)1 << 24;
    options->partial_ipv6_bits = 112;
}

nsf_result nsf_options_parse(struct nsf_options *options, int argc, char **argv, enum nsf_options_answer *answer,
                             bool *has_command, struct nsf_err *err)
{
    struct reader reader = {argc, argv, 1, options, answer, err};
    set_defaults(options);
    *answer = NSF_OPTIONS_RUN;
    *has_command = false;
    nsf_result r = take_command(&reader, has_command);
    bool is_options_over = false;
    while (!nsf_failed(r) && *answer == NSF_OPTIONS_RUN && reader.next < argc) {
        char *arg = argv[reader.next++];
        if (is_options_over || arg[0] != '-' || arg[1] == '\0')
            list_add(&options->operands, arg);
        else if (strcmp(arg, "--") == 0)
            is_options_over = true;
        else if (arg[1] == '-')
            r = take_long(&reader, arg);
        else
            r = take_letters(&reader, arg);
    }
    if (nsf_failed(r) || *answer != NSF_OPTIONS_RUN)
        return r;
    if (options->command == NSF_COMMAND_PLAN && !options->has_format)
        options->format = NSF_FORMAT_AZ;
    return check_together(options, err);
}

void nsf_options_release(struct nsf_options *options)
{
    struct nsf_text_list *lists[] = {
        &options->operands,   &options->rules,        &options->senders, &options->partners, &options->scanners,
        &options->drop,       &options->service_tags, &options->mx,      &options->names,    &options->mmdb,
        &options->exceptions, &options->allow,        &options->nsg,     &options->rule,
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(lists); i++)
        nsf_free(lists[i]->items);
    set_defaults(options);
}

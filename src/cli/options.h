/*
 * options.h - the command line of every command, read into one struct before anything else happens.
 *
 * One table (options.c) names each option, its kind, its place in the struct and the commands that
 * take it. Reading it does no I/O, but asks the clock when a time is given as an age ("30d"). Texts
 * are borrowed from argv. One thread.
 */
#ifndef NSF_OPTIONS_H
#define NSF_OPTIONS_H

#include "core/err.h"

enum nsf_command {
    NSF_COMMAND_SCAN,
    NSF_COMMAND_REVIEW,
    NSF_COMMAND_REPORT,
    NSF_COMMAND_SIMULATE,
    NSF_COMMAND_PLAN,
    NSF_COMMAND_WATCH,
    NSF_COMMAND_MERGE,
    NSF_COMMAND_EXPLAIN,
    NSF_COMMAND_N,
};

enum nsf_format {
    NSF_FORMAT_TEXT,
    NSF_FORMAT_JSON,
    NSF_FORMAT_CSV,
    NSF_FORMAT_MARKDOWN,
    NSF_FORMAT_HTML,
    NSF_FORMAT_SARIF,
    NSF_FORMAT_JUNIT,
    NSF_FORMAT_OCSF,
    /* of `plan` */
    NSF_FORMAT_AZ,
    NSF_FORMAT_TERRAFORM,
    NSF_FORMAT_BICEP,
    NSF_FORMAT_POLICY,
};

enum nsf_when {
    NSF_WHEN_AUTO,
    NSF_WHEN_ALWAYS,
    NSF_WHEN_NEVER,
};

/* The least grave verdict that makes the exit status 1. */
enum nsf_fail_on {
    NSF_FAIL_ON_NEVER,
    NSF_FAIL_ON_EXPOSED,
    NSF_FAIL_ON_PARTIAL,
    NSF_FAIL_ON_UNKNOWN,
};

enum nsf_parser {
    NSF_PARSER_FAST,
    NSF_PARSER_YAJL,
};

struct nsf_text_list {
    const char **items;
    size_t n;
    size_t capacity;
};

#define NSF_OPTIONS_PORTS_MAX 16

struct nsf_options {
    enum nsf_command command;
    struct nsf_text_list operands; /* RULES, LOGS, STORE, ... in the order given */

    /* what is read */
    struct nsf_text_list rules;
    struct nsf_text_list senders;
    bool has_no_builtin_senders;
    struct nsf_text_list partners;
    struct nsf_text_list scanners;
    struct nsf_text_list drop;
    struct nsf_text_list service_tags;
    struct nsf_text_list mx;
    struct nsf_text_list names;
    struct nsf_text_list mmdb;
    struct nsf_text_list exceptions;
    const char *input_shape; /* NULL: detected */
    const char *draft;
    struct nsf_text_list allow; /* CIDRs, commas taken apart */
    const char *plan;

    /* what of it counts */
    struct nsf_text_list nsg;
    struct nsf_text_list rule;
    int64_t since_ms; /* NSF_TS_NONE: not given */
    int64_t until_ms;
    bool is_only_exposed;
    bool is_strict;
    bool is_smtp_only;
    enum nsf_parser parser;
    uint64_t idle_ms;
    uint64_t max_sources;
    uint64_t max_other;
    uint16_t ports[NSF_OPTIONS_PORTS_MAX]; /* ascending, each once */
    size_t n_ports;
    uint64_t partial_ipv4; /* public addresses from which on an NSG is `partial` */
    uint64_t partial_ipv6_bits;
    const char *source;         /* explain: the address asked for */
    const char *explain_source; /* review: the address asked for */

    /* where it is kept and how it is fetched */
    const char *store;
    const char *endpoint;
    const char *ca_file;
    uint64_t max_requests_per_second; /* 0: no limit */
    uint64_t jobs;                    /* 0: one a processor */

    /* what comes out */
    const char *output; /* NULL: standard output */
    enum nsf_format format;
    bool has_format; /* --format was given */
    bool is_list;
    bool is_kpi;
    bool is_quiet;
    bool is_verbose;
    enum nsf_when progress;
    enum nsf_when color;
    uint64_t top; /* sources shown a rule; 0: all */
    enum nsf_fail_on fail_on;
};

enum nsf_options_answer {
    NSF_OPTIONS_RUN,     /* *options is ready */
    NSF_OPTIONS_HELP,    /* --help: of options->command, or of the program when *has_command is false
                          */
    NSF_OPTIONS_VERSION, /* --version */
};

/* Reads argv (argv[0] is the program). Fails with NSF_E_USAGE and one sentence that names the
 * option; *options is then to be released all the same. */
nsf_result nsf_options_parse(struct nsf_options *options, int argc, char **argv, enum nsf_options_answer *answer,
                             bool *has_command, struct nsf_err *err) NSF_CHECKED;
void nsf_options_release(struct nsf_options *options);

/* "scan", ... */
const char *nsf_command_name(enum nsf_command command);
/* The table, for the help text and for tests: the idx-th option that the command takes; false past
 * the last. */
struct nsf_option_row {
    const char *name;     /* without the dashes */
    char letter;          /* 0: none */
    const char *argument; /* NULL: a flag */
    const char *text;     /* NULL: the words of --format */
};
bool nsf_options_row(enum nsf_command command, size_t idx, struct nsf_option_row *row);
/* "text, json, ...": what --format takes for this command, cut to size. */
void nsf_options_format_words(enum nsf_command command, char *text, size_t size);

#endif

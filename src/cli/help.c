#include "core/nsf_common.h"

#include "cli/help.h"

#define HELP_COLUMNS 80
#define HELP_TEXT_COLUMN 28

struct command_help {
    const char *operands;
    const char *summary; /* for the list of commands */
    const char *text;
    const char *examples[4]; /* NULL-ended */
};

static const struct command_help command_help[NSF_COMMAND_N] = {
    [NSF_COMMAND_SCAN] =
        {
            "[options] RULES...",
            "which rules expose TCP 25",
            "Says of every network security group whether the internet can reach TCP 25, by which "
            "rules, and why. RULES "
            "are exports of NSG definitions: files, folders (walked), - for standard input, or a "
            "storage URL. Their shape "
            "is detected.",
            {"nsgflow scan nsgs.json", "az network nsg list | nsgflow scan --format json -",
             "nsgflow scan --fail-on partial --format sarif -o scan.sarif exports/", NULL},
        },
    [NSF_COMMAND_REVIEW] =
        {
            "--rules RULES [--rules ...] [options] LOGS...",
            "which of them see traffic, from whom, and what to do",
            "Reads flow logs and says of every rule that exposes TCP 25 what comes in through it. "
            "LOGS are files (also "
            ".gz), folders in any layout, - for standard input, or storage URLs.",
            {"nsgflow review --rules nsgs.json logs/",
             "nsgflow review --rules nsgs.json --since 30d --store evidence.db logs/",
             "nsgflow review --rules nsgs.json --format html -o review.html logs/", NULL},
        },
    [NSF_COMMAND_REPORT] =
        {
            "[options] REVIEW.json|STORE",
            "the same review in another format",
            "Prints a review again, from its JSON or from the evidence store.",
            {"nsgflow report --format markdown review.json", "nsgflow report --kpi evidence.db", NULL},
        },
    [NSF_COMMAND_SIMULATE] =
        {
            "--draft NSGS.json|--allow CIDR,... [options] STORE",
            "what a change would have refused",
            "Replays the stored connections against changed rules and names the messages and "
            "senders that would have been "
            "refused.",
            {"nsgflow simulate --allow 198.51.100.0/24,2001:db8::/32 evidence.db",
             "nsgflow simulate --draft nsgs-new.json evidence.db", NULL},
        },
    [NSF_COMMAND_PLAN] =
        {
            "[options] REVIEW.json|STORE",
            "the change and its rollback, as text",
            "Writes the change that the review recommends, with its exact inverse. Nothing is run.",
            {"nsgflow plan review.json", "nsgflow plan --format terraform -o change.tf evidence.db", NULL},
        },
    [NSF_COMMAND_WATCH] =
        {
            "--plan PLAN.json [options] LOGS...",
            "after the change: senders who are refused and retry",
            "Reads the logs written since the change and names the sources that are refused now "
            "and come back like mail "
            "servers do.",
            {"nsgflow watch --plan plan.json --since 2026-01-31T10:00:00Z logs/", NULL},
        },
    [NSF_COMMAND_MERGE] =
        {
            "-o STORE STORE...",
            "evidence of several machines into one",
            "Merges evidence stores. The order of stores does not matter, and what several hold "
            "counts once.",
            {"nsgflow merge -o all.db east.db west.db", NULL},
        },
    [NSF_COMMAND_EXPLAIN] =
        {
            "--rules RULES --source ADDRESS [options] NSG",
            "which rule decides about one address, and why",
            "Goes through the inbound rules of one NSG in order of priority and says of each what "
            "it does with TCP 25 "
            "from one address. NSG is a name or a resource id.",
            {"nsgflow explain --rules nsgs.json --source 198.51.100.7 nsg-mail", NULL},
        },
};

/* Writes words from *column on, wrapped before HELP_COLUMNS, later lines indented. */
static void wrap(struct nsf_out *out, const char *text, size_t column, size_t indent)
{
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (column > indent && column + len > HELP_COLUMNS) {
            nsf_out_char(out, '\n');
            for (column = 0; column < indent; column++)
                nsf_out_char(out, ' ');
        }
        nsf_out_write(out, text, len);
        column += len;
        text += len;
        if (*text == ' ') {
            text++;
            if (column + 1 + strcspn(text, " ") <= HELP_COLUMNS)
                nsf_out_char(out, ' ');
            column++;
        }
    }
    nsf_out_char(out, '\n');
}

static void print_option(struct nsf_out *out, enum nsf_command command, const struct nsf_option_row *row)
{
    char left[64], words[128];
    const char *text = row->text;
    int n = snprintf(left, sizeof(left), "  %c%c%s --%s%s%s", row->letter != 0 ? '-' : ' ',
                     row->letter != 0 ? row->letter : ' ', row->letter != 0 ? "," : " ", row->name,
                     row->argument != NULL ? " " : "", row->argument != NULL ? row->argument : "");
    size_t column = n < 0 ? 0 : (size_t)n;
    nsf_out_str(out, left);
    if (column >= HELP_TEXT_COLUMN) {
        nsf_out_char(out, '\n');
        column = 0;
    }
    for (; column < HELP_TEXT_COLUMN; column++)
        nsf_out_char(out, ' ');
    if (text == NULL) {
        nsf_options_format_words(command, words, sizeof(words));
        text = words;
    }
    wrap(out, text, HELP_TEXT_COLUMN, HELP_TEXT_COLUMN);
}

void nsf_help_command(struct nsf_out *out, enum nsf_command command)
{
    const struct command_help *help = &command_help[command];
    struct nsf_option_row row;
    nsf_out_printf(out, "usage: nsgflow %s %s\n\n", nsf_command_name(command), help->operands);
    wrap(out, help->text, 0, 0);
    nsf_out_str(out, "\noptions:\n");
    for (size_t i = 0; nsf_options_row(command, i, &row); i++)
        print_option(out, command, &row);
    nsf_out_str(out, "\nexamples:\n");
    for (size_t i = 0; help->examples[i] != NULL; i++)
        nsf_out_printf(out, "  %s\n", help->examples[i]);
    nsf_out_str(out, "\nexit status:\n"
                     "  0  done, nothing at or above --fail-on\n"
                     "  1  findings at or above --fail-on\n"
                     "  2  wrong usage, nothing was read\n"
                     "  3  done, but some input was unreadable or bad\n"
                     "  4  the rules could not be read, or no input could be opened\n");
}

void nsf_help_program(struct nsf_out *out, bool (*is_there)(enum nsf_command command))
{
    nsf_out_str(out, "usage: nsgflow COMMAND [options] ...\n\n");
    wrap(out,
         "Finds Azure network security group rules that expose TCP 25, reads what flow logs say "
         "about them, and advises "
         "what to do.",
         0, 0);
    nsf_out_str(out, "\ncommands:\n");
    for (int i = 0; i < NSF_COMMAND_N; i++)
        if (is_there((enum nsf_command)i))
            nsf_out_printf(out, "  %-10s %s\n", nsf_command_name((enum nsf_command)i), command_help[i].summary);
    nsf_out_str(out, "\nnsgflow COMMAND --help lists the options of a command. nsgflow --version "
                     "prints the\nversion.\n");
}

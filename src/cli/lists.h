/*
 * lists.h - the lists that the command line names, read before the logs.
 */
#ifndef NSF_CLI_LISTS_H
#define NSF_CLI_LISTS_H

#include "cli/options.h"
#include "lists/lists.h"

/* Fills *lists (init and release are the caller's part), finished. Bad entries are problems; fails, naming the file,
 * when a list cannot be read at all. */
nsf_result nsf_cli_load_lists(const struct nsf_options *options, struct nsf_lists *lists, struct nsf_problems *problems,
                              struct nsf_err *err) NSF_CHECKED;

#endif

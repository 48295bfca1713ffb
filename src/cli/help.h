/*
 * help.h - the text of --help: 80 columns, made from the option table, with examples.
 */
#ifndef NSF_HELP_H
#define NSF_HELP_H

#include "cli/options.h"
#include "core/out.h"

void nsf_help_command(struct nsf_out *out, enum nsf_command command);
/* The commands for which is_there says true. */
void nsf_help_program(struct nsf_out *out, bool (*is_there)(enum nsf_command command));

#endif

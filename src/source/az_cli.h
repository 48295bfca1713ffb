/*
 * az_cli.h - asks the Azure command line for a token, without a shell.
 */
#ifndef NSF_AZ_CLI_H
#define NSF_AZ_CLI_H

#include "core/buf.h"

#include <stdatomic.h>

/* Runs `az account get-access-token --output json --scope SCOPE` from the PATH and appends what it prints to *out.
 * False: there is no az, nobody is signed in, it took too long, or is_stopped. What it says of errors is not shown: it
 * goes to /dev/null. */
bool nsf_az_cli_run(const char *scope, const atomic_bool *is_stopped, struct nsf_buf *out) NSF_CHECKED;

#endif

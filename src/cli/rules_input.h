/*
 * rules_input.h - the options of every command that reads NSG definitions, as a request to run/rules_scan.h.
 */
#ifndef NSF_RULES_INPUT_H
#define NSF_RULES_INPUT_H

#include "cli/options.h"
#include "run/locations.h"
#include "run/rules_scan.h"

/* Reads --rules, for `scan` the operands too, --nsg (not for `review`), --rule (`scan` only), --service-tags, --port,
 * the limits. Fails with NSF_E_USAGE for an unknown --input-shape, or when a blob cannot be fetched; the request is to
 * be released all the same. Borrows the options, and the locations, which hold what was fetched. */
nsf_result nsf_cli_rules_request(const struct nsf_options *options, struct nsf_locations *locations,
                                 struct nsf_rules_scan_request *request, struct nsf_err *err) NSF_CHECKED;
void nsf_cli_rules_request_release(struct nsf_rules_scan_request *request);

/* Says on standard error which --nsg names no NSG: a slip there would look like an estate without findings. */
void nsf_cli_say_unknown_nsgs(const struct nsf_options *options, const struct nsf_scan *scan);

#endif

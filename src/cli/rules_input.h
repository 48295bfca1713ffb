/*
 * rules_input.h - what every command that reads NSG definitions does first: inputs, shape, service tags, settings.
 */
#ifndef NSF_RULES_INPUT_H
#define NSF_RULES_INPUT_H

#include "cli/options.h"
#include "exposure/exposure.h"
#include "lists/networks.h"
#include "rules/rules.h"

/* What the loading leaves behind; places in its results borrow from `files`. */
struct nsf_rules_run {
    struct nsf_arena files;
    struct nsf_problems problems; /* finished by nsf_rules_run_load */
    struct nsf_rules_summary summary;
    struct nsf_networks *service_tags; /* NULL: none given */
};

void nsf_rules_run_init(struct nsf_rules_run *run);
void nsf_rules_run_release(struct nsf_rules_run *run);
/* Limits and service tags; the settings borrow from *run. The port and the rule table are the caller's. */
nsf_result nsf_rules_run_settings(struct nsf_rules_run *run, const struct nsf_options *options,
                                  struct nsf_exposure_settings *settings, struct nsf_err *err) NSF_CHECKED;
/* Reads --rules, and for `scan` the operands too, into the sinks. */
nsf_result nsf_rules_run_load(struct nsf_rules_run *run, const struct nsf_options *options,
                              const struct nsf_rules_sinks *sinks, struct nsf_err *err) NSF_CHECKED;

/* Whether --nsg lets this NSG through: by id or name, without case. */
bool nsf_options_wants_nsg(const struct nsf_options *options, struct nsf_slice id, struct nsf_slice name);
/* The same texts; the caller frees `items`. */
struct nsf_slices nsf_options_slices(const struct nsf_text_list *list);

#endif

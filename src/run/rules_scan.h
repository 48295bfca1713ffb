/*
 * rules_scan.h - definitions on disk to a finished scan: loaders, exposure and lists wired together.
 */
#ifndef NSF_RULES_SCAN_H
#define NSF_RULES_SCAN_H

#include "exposure/exposure.h"
#include "exposure/scan.h"
#include "rules/rules.h"

struct nsf_rules_scan;

/* Loads all inputs and evaluates every NSG. Fails when nothing could be read that a review can start from; *err says
 * why, and the problems of the scan say more. *scan is NULL then. */
nsf_result nsf_rules_scan_run(const struct nsf_rules_options *options, const struct nsf_exposure_settings *settings,
                              struct nsf_rules_scan **scan, struct nsf_err *err) NSF_CHECKED;
void nsf_rules_scan_free(struct nsf_rules_scan *scan);

/* Lend until free. */
const struct nsf_scan *nsf_rules_scan_result(const struct nsf_rules_scan *scan);
const struct nsf_problems *nsf_rules_scan_problems(const struct nsf_rules_scan *scan); /* finished */

#endif

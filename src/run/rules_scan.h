/*
 * rules_scan.h - definitions on disk to a finished scan: loaders, exposure and lists wired together.
 */
#ifndef NSF_RULES_SCAN_H
#define NSF_RULES_SCAN_H

#include "exposure/explain.h"
#include "exposure/exposure.h"
#include "exposure/scan.h"
#include "rules/rules.h"

struct nsf_rules_scan_request {
    struct nsf_rules_options rules;
    struct nsf_exposure_settings exposure; /* `tags` is set from the lists below where there are any */
    const char *const *service_tags;       /* paths of ServiceTags_Public files */
    size_t n_service_tags;
    const char *const *exceptions; /* paths of lists of accepted rules */
    size_t n_exceptions;
    struct nsf_slices only_nsgs;  /* ids or names, without case; none: all */
    struct nsf_slices only_rules; /* names, without case; none: all. Not with a rule table */
    const uint16_t *more_ports;   /* each is a scan of its own */
    size_t n_more_ports;
    const struct nsf_ip *explain_source; /* also explain this address for every NSG that is let through; or NULL */
};

struct nsf_rules_scan;

/* Loads all inputs and evaluates every NSG. Fails when nothing could be read that a review can start from; *err says
 * why. *scan is NULL then. Borrows the request. */
nsf_result nsf_rules_scan_run(const struct nsf_rules_scan_request *request, struct nsf_rules_scan **scan,
                              struct nsf_err *err) NSF_CHECKED;
/* NULL is fine. */
void nsf_rules_scan_free(struct nsf_rules_scan *scan);

/* Lend until free. */
const struct nsf_scan *nsf_rules_scan_result(const struct nsf_rules_scan *scan);
/* Of more_ports[idx]. */
const struct nsf_scan *nsf_rules_scan_of_port(const struct nsf_rules_scan *scan, size_t idx);
const struct nsf_problems *nsf_rules_scan_problems(const struct nsf_rules_scan *scan); /* finished */
/* With explain_source: by NSG id, then port in the order of the request. */
const struct nsf_explained *nsf_rules_scan_explained(const struct nsf_rules_scan *scan, size_t *n);

#endif

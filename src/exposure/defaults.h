/*
 * defaults.h - the inbound rules that Azure puts at the end of every NSG, whether an export shows them or not.
 */
#ifndef NSF_DEFAULTS_H
#define NSF_DEFAULTS_H

#include "rules/nsg.h"

#define NSF_DEFAULT_RULES 3

/* The rules point into `words`: fill it where it stays. */
struct nsf_defaults {
    struct nsf_slice words[NSF_DEFAULT_RULES];
    struct nsf_rule rules[NSF_DEFAULT_RULES]; /* AllowVnetInBound, AllowAzureLoadBalancerInBound, DenyAllInBound */
};

void nsf_defaults_fill(struct nsf_defaults *defaults);
bool nsf_is_default_rule(const struct nsf_rule *rule);
/* Whether the NSG's own list holds this default rule. */
bool nsf_has_default_rule(const struct nsf_nsg *nsg, const struct nsf_rule *rule);

#endif

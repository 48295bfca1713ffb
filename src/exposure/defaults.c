#include "core/nsf_common.h"

#include "exposure/defaults.h"

/* The platform's rules take 65000 and above; a custom rule has at most 4096. */
#define DEFAULT_PRIORITY_MIN 65000

static struct nsf_rule make_rule(const char *name, uint32_t priority, enum nsf_access access, struct nsf_slice *any,
                                 struct nsf_slice *source, struct nsf_slice *destination)
{
    struct nsf_rule rule = {.name = nsf_slice_str(name), .priority = priority, .access = access, .is_default = true};
    rule.direction = NSF_DIRECTION_INBOUND;
    rule.protocol = *any;
    rule.sources = (struct nsf_slices){source, 1};
    rule.source_ports = (struct nsf_slices){any, 1};
    rule.destinations = (struct nsf_slices){destination, 1};
    rule.destination_ports = (struct nsf_slices){any, 1};
    return rule;
}

void nsf_defaults_fill(struct nsf_defaults *defaults)
{
    struct nsf_slice *any = &defaults->words[0], *vnet = &defaults->words[1], *balancer = &defaults->words[2];
    *any = NSF_SLICE_LIT("*");
    *vnet = NSF_SLICE_LIT("VirtualNetwork");
    *balancer = NSF_SLICE_LIT("AzureLoadBalancer");
    defaults->rules[0] = make_rule("AllowVnetInBound", 65000, NSF_ACCESS_ALLOW, any, vnet, vnet);
    defaults->rules[1] = make_rule("AllowAzureLoadBalancerInBound", 65001, NSF_ACCESS_ALLOW, any, balancer, any);
    defaults->rules[2] = make_rule("DenyAllInBound", 65500, NSF_ACCESS_DENY, any, any, any);
}

bool nsf_is_default_rule(const struct nsf_rule *rule)
{
    return rule->is_default || rule->priority >= DEFAULT_PRIORITY_MIN;
}

bool nsf_has_default_rule(const struct nsf_nsg *nsg, const struct nsf_rule *rule)
{
    for (size_t i = 0; i < nsg->n_rules; i++)
        if (nsf_is_default_rule(&nsg->rules[i]) && nsg->rules[i].direction == NSF_DIRECTION_INBOUND &&
            nsf_slice_eq_nocase(nsg->rules[i].name, rule->name))
            return true;
    return false;
}

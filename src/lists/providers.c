#include "core/nsf_common.h"

#include "lists/providers.h"

#include "core/err.h"

/* Only ranges that the provider itself publishes, or that a dated public copy of its record shows. */
static const struct {
    const char *name;
    const char *source;
    const char *date;
    const char *prefixes[10];
} providers[] = {
    {
        "Exchange Online",
        "built-in list: SPF record of spf.protection.outlook.com",
        "2023-05-24",
        {"40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/14", "104.47.0.0/17", "2a01:111:f400::/48", "2a01:111:f403::/49",
         "2a01:111:f403:8000::/50", "2a01:111:f403:c000::/51", "2a01:111:f403:f000::/52"},
    },
    {
        "Gmail",
        "built-in list: MISP warning list of Gmail sending ranges",
        "2026-10-14",
        {"74.125.0.0/16", "209.85.128.0/17", "2001:4860:4864::/56", "2404:6800:4864::/56", "2607:f8b0:4864::/56",
         "2800:3f0:4864::/56", "2a00:1450:4864::/56", "2c0f:fb50:4864::/56"},
    },
    {
        "Brevo",
        "built-in list: SMTP relay ranges of Brevo's help pages",
        "read 2026-11-22",
        {"1.179.112.0/20", "172.246.240.0/20"},
    },
};

void nsf_providers_add(struct nsf_networks *networks)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(providers); i++) {
        uint32_t origin_idx =
            nsf_networks_add_origin(networks, nsf_slice_str(providers[i].source), nsf_slice_str(providers[i].date));
        for (size_t k = 0; k < NSF_ARRAY_LEN(providers[i].prefixes) && providers[i].prefixes[k] != NULL; k++) {
            struct nsf_prefix prefix;
            if (!nsf_prefix_parse(nsf_slice_str(providers[i].prefixes[k]), &prefix))
                NSF_BUG("a built-in prefix cannot be read");
            nsf_networks_add(networks, prefix, nsf_slice_str(providers[i].name), origin_idx);
        }
    }
}

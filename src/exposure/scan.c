#include "core/nsf_common.h"

#include "exposure/scan.h"

const char *nsf_exposure_name(enum nsf_exposure exposure)
{
    switch (exposure) {
    case NSF_EXPOSURE_CLOSED:
        return "closed";
    case NSF_EXPOSURE_RESTRICTED:
        return "restricted";
    case NSF_EXPOSURE_UNKNOWN:
        return "unknown";
    case NSF_EXPOSURE_PARTIAL:
        return "partial";
    case NSF_EXPOSURE_EXPOSED:
        return "exposed";
    }
    NSF_BUG("no such exposure");
}

const char *nsf_gate_kind_name(enum nsf_gate_kind kind)
{
    switch (kind) {
    case NSF_GATE_SUBNET_NSG:
        return "subnet_nsg";
    case NSF_GATE_NIC_NSG:
        return "nic_nsg";
    case NSF_GATE_ADMIN_RULES:
        return "admin_rules";
    }
    NSF_BUG("no such gate");
}

const char *nsf_v6_extent_name(enum nsf_v6_extent extent)
{
    switch (extent) {
    case NSF_V6_NONE:
        return "none";
    case NSF_V6_PART:
        return "part";
    case NSF_V6_FULL:
        return "full";
    }
    NSF_BUG("no such extent");
}

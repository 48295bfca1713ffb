#include "core/nsf_common.h"

#include "exposure/scan.h"

const char *nsf_exposure_name(enum nsf_exposure exposure)
{
    static const char *const names[] = {"closed", "restricted", "unknown", "partial", "exposed"};
    return names[exposure];
}

const char *nsf_v6_extent_name(enum nsf_v6_extent extent)
{
    static const char *const names[] = {"none", "part", "full"};
    return names[extent];
}

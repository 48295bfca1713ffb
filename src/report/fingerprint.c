#include "core/nsf_common.h"

#include "report/fingerprint.h"

/* The constants of FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t add_line(uint64_t hash, struct nsf_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (uint64_t)(unsigned char)nsf_ascii_lower(text.ptr[i])) * FNV_PRIME;
    return (hash ^ (uint64_t)'\n') * FNV_PRIME;
}

const char *nsf_finding_fingerprint(struct nsf_slice nsg_id, struct nsf_slice rule, uint16_t port,
                                    char buf[NSF_FINDING_FINGERPRINT_BYTES])
{
    char digits[8];
    snprintf(digits, sizeof(digits), "%u", (unsigned)port);
    uint64_t hash = add_line(add_line(add_line(FNV_BASIS, nsg_id), rule), nsf_slice_str(digits));
    snprintf(buf, NSF_FINDING_FINGERPRINT_BYTES, "%016llx", (unsigned long long)hash);
    return buf;
}

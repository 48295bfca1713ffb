/*
 * elsewhere.h - mail that concerns a rule though it was logged under another one: let in by the other NSG on the path
 * (an allowed connection is logged by the last NSG that let it in), or by a rule whose place the rule has taken.
 * Once the evidence is finished, any thread.
 */
#ifndef NSF_ELSEWHERE_H
#define NSF_ELSEWHERE_H

#include "evidence/evidence.h"

struct nsf_elsewhere;

/* What is asked of each rule is made ready for all of them, in evidence that has its paths. */
void nsf_elsewhere_make(struct nsf_evidence *evidence);
/* NULL is fine. */
void nsf_elsewhere_free(struct nsf_elsewhere *elsewhere);

struct nsf_elsewhere_source {
    struct nsf_ip address;
    struct nsf_row_ref row; /* one of its rows */
};
typedef void nsf_elsewhere_fn(void *ctx, const struct nsf_elsewhere_source *source);
/* Every source of such mail, in no order that may show; one of several rules comes several times. */
void nsf_elsewhere_each(const struct nsf_evidence *evidence, uint32_t finding_idx, nsf_elsewhere_fn *fn, void *ctx);
/* The other NSGs (of the scan, ascending) that let mail in at its interfaces; at most `max` of them. */
size_t nsf_elsewhere_nsgs(const struct nsf_evidence *evidence, uint32_t nsg_idx, uint32_t *nsgs, size_t max);
/* Whether the source has mail under the finding itself. */
bool nsf_elsewhere_is_own(const struct nsf_evidence *evidence, uint32_t finding_idx, struct nsf_ip src);

#endif

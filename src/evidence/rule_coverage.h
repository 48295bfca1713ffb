/*
 * rule_coverage.h - which hours of which interfaces the logs show of one rule, and whether they carry counters.
 * One thread at a time, once the hours are finished and the evidence has its paths.
 */
#ifndef NSF_RULE_COVERAGE_H
#define NSF_RULE_COVERAGE_H

#include "evidence/evidence_state.h"

/* Fills rule->coverage; rule->traffic is filled already. `sibling` is a filled rule of the same NSG, or NULL: what
 * covers one of them covers all. */
void nsf_rule_coverage_fill(struct nsf_evidence *evidence, uint32_t nsg_idx, const struct nsf_review_rule *sibling,
                            struct nsf_review *review, struct nsf_review_rule *rule);

/* Hours of all its NICs in [from_ms, to_ms): how many there are, how many the logs show. */
void nsf_rule_hours(const struct nsf_evidence *evidence, const struct nsf_coverage *coverage, int64_t from_ms,
                    int64_t to_ms, uint64_t *expected, uint64_t *seen);

#endif

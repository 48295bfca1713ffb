/*
 * history.h - rules that changed while the logs were written: what was let in or refused on port 25 that the rule, as
 * it is defined now, would have decided otherwise. Definitions are a snapshot, logs are a history; evidence from before
 * a change does not speak of the rule as it is.
 */
#ifndef NSF_HISTORY_H
#define NSF_HISTORY_H

#include "evidence/evidence_state.h"

/* Fills the changes of every rule of the review and, where the logs before some moment contradict its definition,
 * coverage.evidence_from_ms. Traffic and coverage are filled already. */
void nsf_history_fill(const struct nsf_evidence *evidence, struct nsf_review *review);

/* What mail that came in under `target` means for the finding: nothing, or that the finding would have decided it, had
 * it been what it is now. */
enum nsf_succession {
    NSF_SUCCESSION_NONE,
    NSF_SUCCESSION_GONE,     /* by a rule that is not in the definitions any more */
    NSF_SUCCESSION_PASSING,  /* by a just-in-time rule, which comes and goes */
    NSF_SUCCESSION_NO_ALLOW, /* by a rule that, by its definition, does not let it in */
    NSF_SUCCESSION_BEHIND,   /* by a rule that stands behind the finding */
};
enum nsf_succession nsf_history_succession(const struct nsf_evidence *evidence, uint32_t finding_idx, uint32_t target);

#endif

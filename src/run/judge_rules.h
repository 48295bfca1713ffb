/*
 * judge_rules.h - what every rule of a review comes to: confidence, verdict, risk, break-risk, relay, doubts, advice.
 */
#ifndef NSF_JUDGE_RULES_H
#define NSF_JUDGE_RULES_H

#include "evidence/dossier.h"
#include "judge/facts_pack.h"
#include "judge/rule_verdict.h"
#include "lists/lists.h"

struct nsf_rules_ask {
    const struct nsf_evidence *evidence;
    const struct nsf_lists *lists;
    const struct nsf_dossier *dossier;
    struct nsf_packed_facts *const *of; /* what each source was judged to be: by partition, then row */
    struct nsf_review *review;          /* its rules are filled in; texts stand in its arena */
};

/* In two steps, between which the dossier may forget its connections; the result does not depend on the number of jobs.
 * First what needs the mail alone: returns what is known of each rule, for the second step; the caller frees it with
 * nsf_free. */
struct nsf_rule_facts *nsf_judge_mail_of_rules(const struct nsf_rules_ask *ask, unsigned jobs);
void nsf_judge_rules(const struct nsf_rules_ask *ask, struct nsf_rule_facts *facts, unsigned jobs);

#endif

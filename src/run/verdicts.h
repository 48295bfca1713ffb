/*
 * verdicts.h - a finished review of counts becomes one of verdicts: every source is judged, then every rule, then the
 * advice is written and the queue put in order.
 *
 * Every source is judged once, by several threads; its verdict and score are kept, the words and lines are made when
 * they are asked for, so that ten million of them need little memory.
 */
#ifndef NSF_VERDICTS_H
#define NSF_VERDICTS_H

#include "evidence/dossier.h"
#include "judge/sender_score.h"
#include "lists/lists.h"

struct nsf_verdicts;

/* Judges all of *review, which nsf_evidence_finish filled, with `jobs` threads, and puts its rules in the order of the
 * queue; from then on nsf_review_source tells verdicts too. Borrows all three until free; the review must not be read
 * afterwards. */
struct nsf_verdicts *nsf_verdicts_new(struct nsf_evidence *evidence, const struct nsf_lists *lists,
                                      struct nsf_review *review, unsigned jobs, bool tells_addresses);
/* NULL is fine. */
void nsf_verdicts_free(struct nsf_verdicts *verdicts);

#endif

/*
 * sender_score.h - is a source a mail sender? Points in tenths of natural-log odds, every point an evidence line that a
 * person can check, and the verdict with its one rule of fairness: whoever may be a sender is never called hostile
 * without hostile evidence. A pure function over one table, any thread.
 *
 * What the words of the rules are taken to mean:
 * - A source is judged by all its allowed connections, also those under rules that are no finding; with counters
 *   as soon as one connection has them.
 * - The days and weeks of messages are those of its network, also where it sent none itself.
 * - Only mail ports: TCP 25, 465, 587 and nothing else. Addresses that carry no SMTP: those it was let in to on 25
 *   where nobody ever got more than a handshake.
 * - PUBLIC_SCANNER needs the list of scanners; a drop list alone makes a PROBE. Any guessing makes it a GUESSER.
 * - No PROBE either, without hostile evidence: a network that retries (RETRYING_SENDER comes first then), and who left
 *   nothing but tries with mail of its network within six hours (a greylisted pool).
 */
#ifndef NSF_SENDER_SCORE_H
#define NSF_SENDER_SCORE_H

#include "judge/facts.h"

#define NSF_JUDGEMENT_LINES_MAX 16
#define NSF_JUDGEMENT_TEXT_BYTES 199

struct nsf_judgement {
    enum nsf_source_verdict verdict;
    int32_t score_tenths; /* the sum of the lines */
    struct nsf_evidence_line lines[NSF_JUDGEMENT_LINES_MAX];
    size_t n_lines;
    bool has_hostile_evidence;
    bool is_brief;            /* set by the caller: lines without texts, for sums over many sources */
    bool is_without_counters; /* judged by what logs without counters tell: a proposal, confidence C at most */
    char texts[NSF_JUDGEMENT_LINES_MAX][NSF_JUDGEMENT_TEXT_BYTES]; /* of the lines */
};

/* The lines' texts lend from *judgement: do not copy it. */
void nsf_judge_sender(const struct nsf_sender_facts *facts, struct nsf_judgement *judgement);

/* Called hostile: a probe, a guesser, a public scanner. */
bool nsf_source_is_hostile(enum nsf_source_verdict verdict);
/* Mail from it is wanted: known or likely. */
bool nsf_source_is_sender(enum nsf_source_verdict verdict);
/* Neither: somebody has to be asked. */
bool nsf_source_is_in_doubt(enum nsf_source_verdict verdict);

/* The address of Azure's own health probes and DNS. */
bool nsf_ip_is_health_probe(struct nsf_ip ip);

#endif

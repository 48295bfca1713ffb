/*
 * review_facts.h - a review in sentences: what was read, what each rule is and did, what to do, what stays in doubt.
 *
 * The formats for people (text, Markdown, HTML) show the same facts, each in its own way. The texts hold names of the
 * input as they are: whoever shows them escapes them.
 */
#ifndef NSF_REPORT_REVIEW_FACTS_H
#define NSF_REPORT_REVIEW_FACTS_H

#include "core/buf.h"
#include "evidence/review.h"

struct nsf_fact {
    const char *label;
    struct nsf_slice text;
    bool is_detail; /* belongs to the fact before it */
    bool is_grave;  /* worth a colour */
};

struct nsf_facts {
    struct nsf_arena arena;
    struct nsf_fact *items;
    size_t n;
    size_t capacity;
    struct nsf_buf text; /* of the one being put together */
};

void nsf_facts_init(struct nsf_facts *facts);
void nsf_facts_release(struct nsf_facts *facts);
void nsf_facts_reset(struct nsf_facts *facts);

/* Each appends to the list. */
void nsf_facts_of_inputs(struct nsf_facts *facts, const struct nsf_review *review);
/* `top`: sources that are looked at; 0: all. */
void nsf_facts_of_advice(struct nsf_facts *facts, const struct nsf_review *review, size_t rule_idx, uint64_t top);
void nsf_facts_of_rule(struct nsf_facts *facts, const struct nsf_review *review, size_t rule_idx);
void nsf_facts_of_traffic(struct nsf_facts *facts, const struct nsf_review *review, size_t rule_idx);
void nsf_facts_of_doubts(struct nsf_facts *facts, const struct nsf_review *review, size_t rule_idx);
/* What logs of this kind cannot show, and how to get what is missing; labels are short headings. */
void nsf_facts_of_limits(struct nsf_facts *facts, const struct nsf_review *review);

/* What to do and what would happen, in one line without names of the input: for the queue. Returns buf. */
#define NSF_NEXT_STEP_BYTES 320
const char *nsf_facts_next_step(const struct nsf_review *review, size_t rule_idx, char buf[NSF_NEXT_STEP_BYTES]);

/* Whether more than counting was done for the rule. */
bool nsf_facts_is_judged(const struct nsf_review_rule *rule);

/* The pieces they are put together from. */
void nsf_facts_begin(struct nsf_facts *facts);
void nsf_facts_add(struct nsf_facts *facts, struct nsf_slice text);
void nsf_facts_addf(struct nsf_facts *facts, const char *fmt, ...) NSF_PRINTF(2, 3);
/* Returns the fact for setting its marks; lends until the next fact. */
struct nsf_fact *nsf_facts_end(struct nsf_facts *facts, const char *label);

/* A fact of one sentence. */
void nsf_facts_sentence(struct nsf_facts *facts, const char *label, const char *text);
/* A fact without a label. */
void nsf_facts_text(struct nsf_facts *facts, struct nsf_slice text);
/* "1 hour", "1,200 hours" */
void nsf_facts_add_number(struct nsf_facts *facts, uint64_t number, const char *word);
/* The first max of a list: "a, b and 7 more". */
void nsf_facts_add_list(struct nsf_facts *facts, struct nsf_slices texts, size_t max);
/* The same of a list that is a part of `total`. */
void nsf_facts_add_part(struct nsf_facts *facts, struct nsf_slices texts, size_t max, uint64_t total);

#endif

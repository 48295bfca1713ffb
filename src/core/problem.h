/*
 * problem.h - what was wrong with the input: never fatal, never silent.
 *
 * A list of bounded length; what does not fit is counted in a last row. Several lists may be filled by several threads
 * and merged: the result is sorted by path and offset, so that it does not depend on who came first. The list itself is
 * one thread's at a time.
 */
#ifndef NSF_PROBLEM_H
#define NSF_PROBLEM_H

#include "core/arena.h"
#include "core/err.h"

struct nsf_problem {
    struct nsf_slice path; /* or URL without its query */
    uint64_t offset;       /* NSF_OFFSET_NONE: none to name */
    enum nsf_code code;
    struct nsf_slice detail; /* one sentence */
    uint64_t count;          /* how many of this kind stand behind the one shown, itself included */
    uint64_t skipped_bytes;  /* passed over behind the damage */
    uint64_t tuples_lost;    /* good tuples of the cut record */
};

struct nsf_problems {
    struct nsf_arena arena;
    struct nsf_problem *items;
    size_t n;
    size_t capacity;
    uint64_t n_dropped; /* past the bound, still counted */
};

void nsf_problems_init(struct nsf_problems *list);
void nsf_problems_release(struct nsf_problems *list);
/* Copies all texts. */
void nsf_problems_add(struct nsf_problems *list, const struct nsf_problem *problem);
void nsf_problems_add_err(struct nsf_problems *list, struct nsf_slice path, const struct nsf_err *err);
/* Adds all of `from` (copied) to `list`. */
void nsf_problems_merge(struct nsf_problems *list, const struct nsf_problems *from);
/* Sorts by path, offset, code, detail and cuts to the bound of the report. */
void nsf_problems_finish(struct nsf_problems *list);
/* All there ever were, the dropped ones included. */
uint64_t nsf_problems_total(const struct nsf_problems *list);

#endif

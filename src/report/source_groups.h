/*
 * source_groups.h - the sources of a rule in groups for people: those that are in doubt first, the others by the most
 * telling thing that they did; and the first few of each group.
 *
 * One walk over all sources of the rule; memory is that of the rows shown. One thread at a time per review.
 */
#ifndef NSF_REPORT_SOURCE_GROUPS_H
#define NSF_REPORT_SOURCE_GROUPS_H

#include "evidence/review.h"

struct nsf_source_group {
    const char *title; /* "carried mail", ... */
    uint64_t n;
    uint64_t *rows; /* for nsf_review_source, the first ones in report order */
    size_t n_rows;
};

#define NSF_SOURCE_GROUPS_MAX (NSF_CLASSES + 1)

struct nsf_source_groups {
    struct nsf_source_group groups[NSF_SOURCE_GROUPS_MAX]; /* doubt, mail, ..., silence; the empty ones left out */
    size_t n_groups;
    uint64_t n_summed; /* sources that the document holds only as a sum */
};

/* At most per_group rows of each, half as many of those that plainly carried no mail; they live in the arena. With
 * `top`, only the first `top` sources are looked at, all of them are shown, and the others count as summed: as they do
 * in a document that was written so. */
void nsf_source_groups_fill(struct nsf_source_groups *groups, const struct nsf_review *review, size_t rule_idx,
                            uint64_t top, size_t per_group, struct nsf_arena *arena);

#endif

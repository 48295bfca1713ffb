/*
 * source_groups.h - the sources of a rule by the most telling thing that they did, and the first few of each group.
 *
 * One walk over all sources of the rule; memory is that of the rows shown. One thread at a time per review.
 */
#ifndef NSF_REPORT_SOURCE_GROUPS_H
#define NSF_REPORT_SOURCE_GROUPS_H

#include "evidence/review.h"

struct nsf_source_group {
    enum nsf_connection_class class_; /* a source with mail is in the group of mail, whatever else it did, and so on */
    uint64_t n;
    uint64_t *rows; /* for nsf_review_source, the first ones in report order */
    size_t n_rows;
};

struct nsf_source_groups {
    struct nsf_source_group groups[NSF_CLASSES]; /* from mail to silence, the empty ones left out */
    size_t n_groups;
    uint64_t n_summed; /* sources that the document holds only as a sum */
};

/* At most per_group rows of each; they live in the arena. */
void nsf_source_groups_fill(struct nsf_source_groups *groups, const struct nsf_review *review, size_t rule_idx,
                            size_t per_group, struct nsf_arena *arena);

#endif

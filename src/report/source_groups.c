#include "core/nsf_common.h"

#include "report/source_groups.h"

#include "report/words.h"

/* Place in the order of the classes; a source without connections (only repeated tuples) counts as silent. */
static size_t place_of(const struct nsf_mail_source *source)
{
    for (size_t i = 0; i < NSF_CLASSES; i++)
        if (source->classes[nsf_class_order(i)] > 0)
            return i;
    return NSF_CLASSES - 1;
}

void nsf_source_groups_fill(struct nsf_source_groups *groups, const struct nsf_review *review, size_t rule_idx,
                            size_t per_group, struct nsf_arena *arena)
{
    struct nsf_mail_source source;
    *groups = (struct nsf_source_groups){.n_groups = 0};
    for (size_t i = 0; i < NSF_CLASSES; i++) {
        groups->groups[i].class_ = nsf_class_order(i);
        groups->groups[i].rows = nsf_arena_zalloc(arena, per_group, sizeof(*groups->groups[i].rows));
    }
    for (uint64_t i = 0; i < review->rules[rule_idx].n_sources; i++) {
        nsf_review_source(review, rule_idx, i, &source);
        if (source.is_rest) {
            groups->n_summed += source.n_merged;
            continue;
        }
        struct nsf_source_group *group = &groups->groups[place_of(&source)];
        if (group->n++ < per_group)
            group->rows[group->n_rows++] = i;
    }
    for (size_t i = 0; i < NSF_CLASSES; i++)
        if (groups->groups[i].n > 0)
            groups->groups[groups->n_groups++] = groups->groups[i];
}

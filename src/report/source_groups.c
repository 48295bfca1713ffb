#include "core/nsf_common.h"

#include "report/source_groups.h"

#include "report/review_facts.h"
#include "report/source_rows.h"
#include "report/words.h"

#define DOUBT 0 /* the classes follow in their order */

static bool is_in_doubt(enum nsf_source_verdict verdict)
{
    return verdict == NSF_SOURCE_CONFLICT || verdict == NSF_SOURCE_POSSIBLE_SENDER || verdict == NSF_SOURCE_UNDECIDED;
}

/* A source with mail is in the group of mail, whatever else it did, and so on; one without connections of its own (all
 * of its tuples were repeated by another log) counts as silent. */
static size_t place_of(const struct nsf_mail_source *source, bool is_judged)
{
    if (is_judged && is_in_doubt(source->verdict))
        return DOUBT;
    for (size_t i = 0; i < NSF_CLASSES; i++)
        if (source->classes[nsf_class_order(i)] > 0)
            return DOUBT + 1 + i;
    return NSF_SOURCE_GROUPS_MAX - 1;
}

static bool is_mail_unlikely(enum nsf_connection_class class_)
{
    return class_ == NSF_CLASS_GUESSING || class_ == NSF_CLASS_DIALOG || class_ == NSF_CLASS_TOUCH ||
           class_ == NSF_CLASS_NO_REPLY;
}

void nsf_source_groups_fill(struct nsf_source_groups *groups, const struct nsf_review *review, size_t rule_idx,
                            uint64_t top, size_t per_group, struct nsf_arena *arena)
{
    struct nsf_mail_source source;
    uint64_t n_rows = nsf_source_rows(review, rule_idx, top);
    size_t most = top == 0 ? per_group : (size_t)(top < n_rows ? top : n_rows);
    size_t room[NSF_SOURCE_GROUPS_MAX];
    bool is_judged = nsf_facts_is_judged(&review->rules[rule_idx]);
    *groups = (struct nsf_source_groups){.n_groups = 0};
    for (size_t i = 0; i < NSF_SOURCE_GROUPS_MAX; i++) {
        enum nsf_connection_class class_ = nsf_class_order(i == DOUBT ? 0 : i - 1);
        room[i] = i != DOUBT && top == 0 && is_mail_unlikely(class_) ? (most + 1) / 2 : most;
        groups->groups[i].title = i == DOUBT ? "in doubt" : nsf_class_words(class_);
        groups->groups[i].rows = nsf_arena_zalloc(arena, room[i], sizeof(*groups->groups[i].rows));
    }
    for (uint64_t i = 0; i < n_rows; i++) {
        nsf_source_row_brief(review, rule_idx, top, i, &source);
        if (source.is_rest) {
            groups->n_summed += source.n_merged;
            continue;
        }
        size_t place = place_of(&source, is_judged);
        struct nsf_source_group *group = &groups->groups[place];
        if (group->n++ < room[place])
            group->rows[group->n_rows++] = i;
    }
    for (size_t i = 0; i < NSF_SOURCE_GROUPS_MAX; i++)
        if (groups->groups[i].n > 0)
            groups->groups[groups->n_groups++] = groups->groups[i];
}

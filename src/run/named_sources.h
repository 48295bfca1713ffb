/*
 * named_sources.h - the addresses that a rule names, to find sources that came in by it and are not among them: then it
 * was wider when they came. Only for rules whose sources are all prefixes, addresses and ranges; where one is a tag or
 * a word, everybody may be named. init/release; one thread.
 */
#ifndef NSF_NAMED_SOURCES_H
#define NSF_NAMED_SOURCES_H

#include "evidence/review.h"

struct nsf_ip_range {
    struct nsf_ip first;
    struct nsf_ip last;
};

struct nsf_named_sources {
    struct nsf_ip_range *ranges;
    size_t n;
    size_t capacity;
    bool is_anybody;
    /* those that are not named */
    uint64_t n_strangers;
    uint64_t connections;
    int64_t first_ms;
    int64_t last_ms;
};

void nsf_named_sources_init(struct nsf_named_sources *named, const struct nsf_finding *finding);
void nsf_named_sources_release(struct nsf_named_sources *named);
void nsf_named_sources_see(struct nsf_named_sources *named, const struct nsf_mail_source *source);
/* Adds the change to the rule's, where there were strangers. */
void nsf_named_sources_tell(const struct nsf_named_sources *named, struct nsf_slice rule_name, struct nsf_arena *arena,
                            struct nsf_review_rule *rule);

#endif

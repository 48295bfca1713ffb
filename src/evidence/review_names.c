#include "core/nsf_common.h"

#include "evidence/review.h"

const char *nsf_connection_class_name(enum nsf_connection_class class_)
{
    static const char *const names[] = {
#define NSF_CLASS_NAME(name, text) text,
        NSF_CLASS_TABLE(NSF_CLASS_NAME)
#undef NSF_CLASS_NAME
    };
    return names[class_];
}

const char *nsf_source_verdict_name(enum nsf_source_verdict verdict)
{
    static const char *const names[] = {
#define NSF_SOURCE_VERDICT_NAME(name) #name,
        NSF_SOURCE_VERDICT_TABLE(NSF_SOURCE_VERDICT_NAME)
#undef NSF_SOURCE_VERDICT_NAME
    };
    return names[verdict];
}

const char *nsf_rule_verdict_name(enum nsf_rule_verdict verdict)
{
    static const char *const names[] = {
#define NSF_RULE_VERDICT_NAME(name) #name,
        NSF_RULE_VERDICT_TABLE(NSF_RULE_VERDICT_NAME)
#undef NSF_RULE_VERDICT_NAME
    };
    return names[verdict];
}

const char *nsf_relay_state_name(enum nsf_relay_state state)
{
    static const char *const names[] = {
        "NOT_EXAMINED", "NO_OUTBOUND", "RELAY_TO_FIXED", "SENDS_AND_RECEIVES", "SPAM_BLOCKED", "OPEN_RELAY_LIKELY",
    };
    return names[state];
}

const char *nsf_lack_name(enum nsf_lack lack)
{
    static const char *const names[] = {
#define NSF_LACK_NAME(name, text) text,
        NSF_LACK_TABLE(NSF_LACK_NAME)
#undef NSF_LACK_NAME
    };
    return names[lack];
}

const char *nsf_change_name(enum nsf_change_code code)
{
    static const char *const names[] = {
#define NSF_CHANGE_NAME(name, text) text,
        NSF_CHANGE_TABLE(NSF_CHANGE_NAME)
#undef NSF_CHANGE_NAME
    };
    return names[code];
}

void nsf_review_source(const struct nsf_review *review, size_t rule_idx, uint64_t source_idx, struct nsf_mail_source *source)
{
    review->read_source(review, rule_idx, source_idx, source);
}

void nsf_review_source_brief(const struct nsf_review *review, size_t rule_idx, uint64_t source_idx,
                             struct nsf_mail_source *source)
{
    nsf_review_source_fn *read = review->read_brief != NULL ? review->read_brief : review->read_source;
    read(review, rule_idx, source_idx, source);
}

/*
 * NSGs for tests in few words: rules separated by ";", each as blank-separated words:
 *   NAME PRIORITY allow|deny|? SOURCES PORTS [proto=P] [sport=LIST] [dst=LIST] [dasg=ID] [sasg=ID] [exp=LIST] [out]
 * lists by "+"; "-" is unset.
 */
#ifndef NSF_TEST_NSG_WORDS_H
#define NSF_TEST_NSG_WORDS_H

#include "core/arena.h"
#include "rules/nsg.h"

#define NSF_NSG_WORDS_RULES_MAX 64

struct nsf_nsg_words {
    struct nsf_arena arena; /* the caller releases it */
    struct nsf_rule rules[NSF_NSG_WORDS_RULES_MAX];
    struct nsf_nsg nsg; /* points into this object: do not copy it */
};

/* Borrows text. */
void nsf_nsg_words_read(struct nsf_nsg_words *world, const char *text);

#endif

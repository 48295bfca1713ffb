/*
 * network_mails.h - when each network sent mail, all its addresses and all rules together.
 *
 * Half of all sources can be networks of their own, and most of these sent within one stretch of time on one day: that
 * stands in the entry, 24 bytes; the others have lists. release; a zeroed one is empty. One thread at a time; any
 * thread once nothing is added any more.
 */
#ifndef NSF_NETWORK_MAILS_H
#define NSF_NETWORK_MAILS_H

#include "core/slim_index.h"
#include "evidence/traits.h"

struct nsf_network_mail {
    uint64_t id;
    union {
        uint32_t run[2];
        struct nsf_traits *lists; /* with has_lists, which tell all */
    } u;
    uint32_t day; /* day << 16 | messages */
    bool has_lists;
};

struct nsf_network_mails {
    struct nsf_network_mail **blocks;
    size_t blocks_capacity;
    uint32_t n;
    struct nsf_slim_index by_id;
    uint32_t n_lists; /* entries that have some */
    struct nsf_traits *scratch;
};

void nsf_network_mails_release(struct nsf_network_mails *mails);
/* Joins lists of NSF_TRAIT_RUNS and NSF_TRAIT_MESSAGE_DAYS, neither empty. */
void nsf_network_mails_add(struct nsf_network_mails *mails, uint64_t id, struct nsf_u32_view runs,
                           struct nsf_u32_view days);
/* The three steps that bring what is known of a network into the cache, each some time before the next one or the
 * asking.
 */
void nsf_network_mails_expect(const struct nsf_network_mails *mails, uint64_t id);
void nsf_network_mails_expect_entry(const struct nsf_network_mails *mails, uint64_t id);
void nsf_network_mails_expect_lists(const struct nsf_network_mails *mails, uint64_t id);
/* The same lists of a network, empty where none was added; lends until the next add. */
void nsf_network_mails_find(const struct nsf_network_mails *mails, uint64_t id, struct nsf_u32_view *runs,
                            struct nsf_u32_view *days);

#endif

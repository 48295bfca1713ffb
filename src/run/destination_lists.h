/*
 * destination_lists.h - the destinations of many sources: most have the same few, so that each list is kept once.
 *
 * Lists are known by a number; 0 is the empty one. A zeroed struct holds none; release. One thread at a time.
 */
#ifndef NSF_DESTINATION_LISTS_H
#define NSF_DESTINATION_LISTS_H

#include "core/ipaddr.h"

#define NSF_DESTINATION_LISTS_RECENT 1024u

struct nsf_destination_list {
    uint64_t at; /* of the first one */
    uint8_t n;
    bool has_more; /* than are listed */
};

struct nsf_destination_lists {
    struct nsf_ip *items;
    size_t items_capacity;
    size_t n_items;
    struct nsf_destination_list *lists;
    size_t lists_capacity;
    size_t n_lists;
    uint32_t recent[NSF_DESTINATION_LISTS_RECENT]; /* numbers of lists, by hash */
};

void nsf_destination_lists_release(struct nsf_destination_lists *lists);
/* The number of a list, which is copied unless it came before; rarely it is copied once more. */
uint32_t nsf_destination_lists_add(struct nsf_destination_lists *lists, const struct nsf_ip *items, uint8_t n,
                                   bool has_more);
/* Lends until the next add; *items is NULL where n is 0. */
struct nsf_destination_list nsf_destination_lists_get(const struct nsf_destination_lists *lists, uint32_t number,
                                                      const struct nsf_ip **items);

#endif

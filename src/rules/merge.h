/*
 * merge.h - gathers NSGs by id, so that each is given on exactly once: partial ones joined, doubles merged, their
 * contradictions said.
 *
 * Two rounds. In the first every NSG is added; partial ones and the first `held_max_bytes` of complete ones are held,
 * the rest is only counted by id. In the second, needed only when something was not held, the documents are read
 * again: what occurs once goes straight on, what occurs more often is held now. The result does not depend on the
 * order in which NSGs come. Internal to rules/; one thread.
 */
#ifndef NSF_MERGE_H
#define NSF_MERGE_H

#include "core/intern.h"
#include "rules/nsg.h"

struct nsf_merge_entry {
    uint32_t n_complete; /* definitions that are whole; those not held are counted too */
    uint32_t first;      /* index + 1 of the first held one, 0 none; they are linked by `next` */
};

struct nsf_merge_held {
    struct nsf_nsg nsg;
    uint32_t key;
    uint32_t next;
};

struct nsf_merge {
    struct nsf_arena arena;
    struct nsf_intern keys; /* folded ids */
    struct nsf_merge_entry *entries;
    size_t entries_capacity;
    struct nsf_merge_held *held;
    size_t n_held;
    size_t held_capacity;
    size_t held_max_bytes;
    bool is_full; /* complete NSGs are only counted from now on */
};

enum nsf_merge_answer {
    NSF_MERGE_HELD,    /* copied */
    NSF_MERGE_COUNTED, /* its document has to be read again */
    NSF_MERGE_UNIQUE,  /* second round: give it on */
};

void nsf_merge_init(struct nsf_merge *merge, size_t held_max_bytes);
void nsf_merge_release(struct nsf_merge *merge);
enum nsf_merge_answer nsf_merge_add(struct nsf_merge *merge, const struct nsf_nsg *nsg);
/* An NSG that the first round answered with COUNTED. */
enum nsf_merge_answer nsf_merge_add_again(struct nsf_merge *merge, const struct nsf_nsg *nsg);
/* Gives all that is held, by id; what is given lives until the next call of `give`. */
void nsf_merge_finish(struct nsf_merge *merge, void (*give)(void *ctx, const struct nsf_nsg *nsg), void *ctx);

/* Whether an NSG of this id was added, without case. */
bool nsf_merge_has(const struct nsf_merge *merge, struct nsf_slice id);

/* A deep copy; texts that are absent stay absent. place.file is kept as it is: file names outlive the load. */
struct nsf_nsg nsf_nsg_copy(struct nsf_arena *arena, const struct nsf_nsg *nsg);
struct nsf_slices nsf_slices_copy(struct nsf_arena *arena, struct nsf_slices list);
struct nsf_rule nsf_rule_copy(struct nsf_arena *arena, const struct nsf_rule *rule);
/* Whether two rules say the same, however they spell it. */
bool nsf_rule_says_same(const struct nsf_rule *a, const struct nsf_rule *b);

#endif

/*
 * journal.h - the connections of each source, as little of them as a score needs.
 *
 * Most sources of a busy rule connect a handful of times: their connections are noted one by one, eight bytes each, and
 * joined when somebody asks. A list of NSF_JOURNAL_LIST that is full goes beside the list, which begins anew. With more
 * than NSF_JOURNAL_NOTES the traits of a source lie there instead, packed (evidence/traits_pack.h), which are smaller
 * than so many notes; from then on a full list is joined with them, so that many connections share the work of
 * unpacking.
 *
 * A source has `n` connections and a number, which the caller keeps: void while n is 0, the source port and
 * the NIC while n is 1, its list of notes from then on.
 *
 * release; a zeroed one is empty. One thread at a time; reading is for any thread once nothing is added any more.
 */
#ifndef NSF_JOURNAL_H
#define NSF_JOURNAL_H

#include "evidence/traits.h"

/* Lists of 2, 4 and 8 notes. */
#define NSF_JOURNAL_POOLS 3
#define NSF_JOURNAL_LIST 8u
#define NSF_JOURNAL_NOTES (2 * NSF_JOURNAL_LIST)

struct nsf_journal_block {
    uint64_t *notes;  /* NULL: none of its lists is taken */
    uint32_t next;    /* the next block + 1 with lists to take; 0: none */
    uint16_t free;    /* the first list + 1 that was given back, which begins with the next; 0: none */
    uint16_t n_begun; /* lists that were taken once, from the front */
    uint16_t n_taken;
};

/* Lists of one length; a list's number is that of its block and its place there. */
struct nsf_journal_pool {
    struct nsf_journal_block *blocks;
    size_t blocks_capacity;
    uint32_t n_blocks;
    uint32_t next; /* the first block + 1 with lists to take */
};

struct nsf_journal {
    struct nsf_journal_pool pools[NSF_JOURNAL_POOLS];
    /* By list of the last pool what is beside it. NULL: nothing; while there are no more than NSF_JOURNAL_NOTES the
     * first notes, uint64_t each; then packed traits, in words of uint16_t. */
    void **beside;
    size_t beside_capacity;
    uint32_t n_beside;
    struct nsf_traits *scratch;
    uint16_t *words;
    size_t words_capacity;
    bool is_finished; /* no lists beside packed traits, which tell it all */
};

void nsf_journal_release(struct nsf_journal *journal);
/* Adds connection `n` (from 0, in any order of time). While n is 1, *first is the one before but for what the number
 * says of it. */
void nsf_journal_add(struct nsf_journal *journal, uint32_t *number, uint32_t n, const struct nsf_trait_note *first,
                     const struct nsf_trait_note *note);
/* Of a source with one connection, its port and NIC. */
void nsf_journal_read_only(uint32_t number, struct nsf_trait_note *only);
/* Adds a part of what is known of the n connections to *traits, which is empty; n is more than 1. */
void nsf_journal_read(const struct nsf_journal *journal, uint32_t number, uint32_t n, enum nsf_traits_part part,
                      struct nsf_traits **traits);
void nsf_journal_drop(struct nsf_journal *journal, uint32_t number, uint32_t n);
/* Before nothing is added any more: lists beside packed traits are joined with these, source by source. */
void nsf_journal_settle(struct nsf_journal *journal, uint32_t number, uint32_t n);
void nsf_journal_finish(struct nsf_journal *journal);
/* Bring what nsf_journal_read and nsf_journal_add will touch into the cache. */
void nsf_journal_expect_read(const struct nsf_journal *journal, uint32_t number, uint32_t n);
void nsf_journal_expect(const struct nsf_journal *journal, uint32_t number, uint32_t n);

#endif

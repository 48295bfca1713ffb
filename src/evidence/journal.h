/*
 * journal.h - the connections of each source, as little of them as a score needs.
 *
 * Most sources of a busy rule connect a handful of times: their connections are noted one by one, eight bytes each, and
 * joined when somebody asks. Those of a source with more than NSF_JOURNAL_NOTES are joined with its traits, which lie
 * packed (evidence/traits_pack.h) and are smaller than so many notes; what comes then is noted again until there are
 * NSF_JOURNAL_TAIL, so that the work of unpacking is shared by many connections.
 *
 * A source has `n` connections and a number, which the caller keeps: void while n is 0, the source port and
 * the NIC while n is 1, its list of notes from then on.
 *
 * release; a zeroed one is empty. One thread at a time; reading is for any thread once nothing is added any more.
 */
#ifndef NSF_JOURNAL_H
#define NSF_JOURNAL_H

#include "evidence/traits.h"

/* Lists of 2, 4, 8 and 16 notes, and those of 8 that are beside packed traits. */
#define NSF_JOURNAL_POOLS 5
#define NSF_JOURNAL_NOTES 16u
#define NSF_JOURNAL_TAIL 8u

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
    uint16_t **packed; /* by list of the last pool, which is beside it */
    size_t packed_capacity;
    uint32_t n_packed;
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
/* Before nothing is added any more: lists beside packed traits are joined with these, source by source, then their
 * memory is given back. */
void nsf_journal_settle(struct nsf_journal *journal, uint32_t number, uint32_t n);
void nsf_journal_finish(struct nsf_journal *journal);
/* Bring what nsf_journal_read and nsf_journal_add will touch into the cache. */
void nsf_journal_expect_read(const struct nsf_journal *journal, uint32_t number, uint32_t n);
void nsf_journal_expect(const struct nsf_journal *journal, uint32_t number, uint32_t n);

#endif

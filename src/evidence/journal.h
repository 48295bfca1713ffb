/*
 * journal.h - the first few connections of a source, eight bytes each, as long as that is less than what they come to.
 *
 * Most sources of a busy rule connect a handful of times. Their connections are noted one by one; only when more come
 * is a block of traits made of them. Notes are lists of NSF_JOURNAL_FEW or NSF_JOURNAL_MANY entries, known by a number.
 *
 * init/release. One thread at a time.
 */
#ifndef NSF_JOURNAL_H
#define NSF_JOURNAL_H

#include "evidence/traits.h"

#define NSF_JOURNAL_FEW 4u
#define NSF_JOURNAL_MANY 8u

/* Lists of one length. */
struct nsf_journal_pool {
    uint64_t **blocks;
    size_t blocks_capacity;
    uint32_t n;    /* lists there are, free ones included */
    uint32_t free; /* the first free one + 1, which begins with the next; 0: none */
};

struct nsf_journal {
    struct nsf_journal_pool few;
    struct nsf_journal_pool many;
};

void nsf_journal_release(struct nsf_journal *journal);
/* Notes connection `n` (from 0, in any order of time) of a source; *list is its list's number, void while n is 0, and
 * changes when n is NSF_JOURNAL_FEW. n is below NSF_JOURNAL_MANY. */
void nsf_journal_add(struct nsf_journal *journal, uint32_t *list, uint32_t n, enum nsf_connection_class class_,
                     int64_t ts_ms, uint16_t src_port);
/* Adds the n connections of a list to *traits. */
void nsf_journal_read(const struct nsf_journal *journal, uint32_t list, uint32_t n, struct nsf_traits **traits);
void nsf_journal_drop(struct nsf_journal *journal, uint32_t list, uint32_t n);
/* Where the entries of a list stand. */
const uint64_t *nsf_journal_entries(const struct nsf_journal *journal, uint32_t list, uint32_t n);

#endif

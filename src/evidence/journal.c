#include "core/nsf_common.h"

#include "evidence/journal.h"

#include "core/mem.h"
#include "evidence/traits_few.h"
#include "evidence/traits_pack.h"

#define JOURNAL_BLOCK_NOTES 2048u
/* A note: seconds since 1970, NIC, class, source port; as numbers they ascend by time, then as marks do. */
#define JOURNAL_SECONDS_SHIFT 32
#define JOURNAL_NIC_SHIFT 19
#define JOURNAL_CLASS_SHIFT 16
#define JOURNAL_CLASSES (UINT64_C(1) << (JOURNAL_NIC_SHIFT - JOURNAL_CLASS_SHIFT))
/* The number of a source with one connection: its port, and the NIC above that. */
#define NUMBER_NIC_SHIFT 16
#define LAST_POOL (NSF_JOURNAL_POOLS - 1)

_Static_assert(NSF_CLASSES <= JOURNAL_CLASSES, "a class has three bits");
_Static_assert(NSF_TRAIT_NICS <= UINT64_C(1) << (JOURNAL_SECONDS_SHIFT - JOURNAL_NIC_SHIFT), "a NIC has 13 bits");
_Static_assert(NSF_JOURNAL_NOTES <= NSF_TRAITS_FEW, "all notes can be read in one go");
_Static_assert(2u << LAST_POOL == NSF_JOURNAL_LIST, "the last pool has the longest lists");

static uint32_t length_of(unsigned pool)
{
    return 2u << pool;
}

static uint32_t lists_per_block(unsigned pool)
{
    return JOURNAL_BLOCK_NOTES / length_of(pool);
}

/* Where the notes of a source with n connections stand. */
static unsigned pool_of(uint32_t n)
{
    unsigned pool = 0;
    while (pool < LAST_POOL && n > length_of(pool))
        pool++;
    return pool;
}

/* Of n connections those that stand in the list: all, or what came since it began anew. */
static uint32_t n_notes(uint32_t n)
{
    return (n - 1) % NSF_JOURNAL_LIST + 1;
}

static void release_pool(struct nsf_journal_pool *pool)
{
    for (uint32_t i = 0; i < pool->n_blocks; i++)
        nsf_free(pool->blocks[i].notes);
    nsf_free(pool->blocks);
    *pool = (struct nsf_journal_pool){.blocks = NULL};
}

void nsf_journal_release(struct nsf_journal *journal)
{
    for (unsigned p = 0; p < NSF_JOURNAL_POOLS; p++)
        release_pool(&journal->pools[p]);
    for (uint32_t i = 0; i < journal->n_beside; i++)
        nsf_free(journal->beside[i]);
    nsf_free(journal->beside);
    nsf_free(journal->scratch);
    nsf_free(journal->words);
    *journal = (struct nsf_journal){.beside = NULL};
}

static uint64_t *notes_in(const struct nsf_journal *journal, unsigned pool, uint32_t list)
{
    uint32_t per_block = lists_per_block(pool);
    return journal->pools[pool].blocks[list / per_block].notes + (size_t)(list % per_block) * length_of(pool);
}

static void add_block(struct nsf_journal_pool *pool)
{
    NSF_GROW(pool->blocks, pool->blocks_capacity, (size_t)pool->n_blocks + 1);
    pool->blocks[pool->n_blocks] = (struct nsf_journal_block){.notes = NULL};
    pool->next = ++pool->n_blocks;
}

static uint32_t take_list(struct nsf_journal *journal, unsigned idx)
{
    struct nsf_journal_pool *pool = &journal->pools[idx];
    uint32_t per_block = lists_per_block(idx);
    if (pool->next == 0)
        add_block(pool);
    struct nsf_journal_block *block = &pool->blocks[pool->next - 1];
    if (block->notes == NULL)
        block->notes = nsf_malloc(JOURNAL_BLOCK_NOTES * sizeof(uint64_t));
    uint32_t list = (pool->next - 1) * per_block;
    if (block->free != 0) {
        list += block->free - 1u;
        block->free = (uint16_t)*notes_in(journal, idx, list);
    } else {
        list += block->n_begun++;
    }
    block->n_taken++;
    if (block->n_taken == per_block)
        pool->next = block->next;
    return list;
}

/* A block without lists gives its memory back: sources that grow leave the short lists behind, all of them in time. */
static void drop_list(struct nsf_journal *journal, unsigned idx, uint32_t list)
{
    struct nsf_journal_pool *pool = &journal->pools[idx];
    uint32_t per_block = lists_per_block(idx);
    struct nsf_journal_block *block = &pool->blocks[list / per_block];
    if (block->n_taken == per_block) {
        block->next = pool->next;
        pool->next = list / per_block + 1;
    }
    *notes_in(journal, idx, list) = block->free;
    block->free = (uint16_t)(list % per_block + 1);
    if (--block->n_taken > 0)
        return;
    nsf_free(block->notes);
    block->notes = NULL;
    block->free = block->n_begun = 0;
}

void nsf_journal_drop(struct nsf_journal *journal, uint32_t number, uint32_t n)
{
    if (n < 2)
        return;
    drop_list(journal, pool_of(n), number);
    if (n <= NSF_JOURNAL_LIST)
        return;
    nsf_free(journal->beside[number]);
    journal->beside[number] = NULL;
}

static uint64_t packed_note(const struct nsf_trait_note *note)
{
    return (uint64_t)note->seconds << JOURNAL_SECONDS_SHIFT | (uint64_t)note->nic << JOURNAL_NIC_SHIFT |
           (uint64_t)note->class_ << JOURNAL_CLASS_SHIFT | note->src_port;
}

static inline enum nsf_connection_class class_of(uint64_t packed)
{
    return (enum nsf_connection_class)(packed >> JOURNAL_CLASS_SHIFT & (JOURNAL_CLASSES - 1));
}

static struct nsf_trait_note unpacked_note(uint64_t packed)
{
    return (struct nsf_trait_note){
        .seconds = (uint32_t)(packed >> JOURNAL_SECONDS_SHIFT),
        .src_port = (uint16_t)packed,
        .nic = NSF_TRAIT_NIC(packed >> JOURNAL_NIC_SHIFT),
        .class_ = class_of(packed),
    };
}

/* ---- joined with the traits ---- */

/* Those that say something of the part, ascending: they come nearly in order. Returns how many. */
static uint32_t sort_notes(const uint64_t *notes, uint32_t n, enum nsf_traits_part part,
                           uint64_t sorted[NSF_JOURNAL_NOTES])
{
    uint32_t n_sorted = 0;
    for (uint32_t i = 0, at; i < n; i++) {
        if (part != NSF_TRAITS_ALL && !nsf_traits_is_mail(class_of(notes[i])))
            continue;
        for (at = n_sorted++; at > 0 && sorted[at - 1] > notes[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = notes[i];
    }
    return n_sorted;
}

/* All that there is of a source. */
static void read_all_notes(const uint64_t *notes, uint32_t n, enum nsf_traits_part part, struct nsf_traits **traits)
{
    uint64_t sorted[NSF_JOURNAL_NOTES];
    struct nsf_trait_note few[NSF_JOURNAL_NOTES];
    uint32_t n_few = sort_notes(notes, n, part, sorted);
    for (uint32_t i = 0; i < n_few; i++)
        few[i] = unpacked_note(sorted[i]);
    nsf_traits_of_few(traits, part, few, n_few);
}

/* Further ones. */
static void add_notes(const uint64_t *notes, uint32_t n, enum nsf_traits_part part, struct nsf_traits **traits)
{
    for (uint32_t i = 0; i < n; i++) {
        struct nsf_trait_note note = unpacked_note(notes[i]);
        nsf_traits_add_part(traits, part, &note);
    }
}

static void grow_beside(struct nsf_journal *journal, uint32_t list)
{
    NSF_GROW(journal->beside, journal->beside_capacity, (size_t)list + 1);
    while (journal->n_beside <= list)
        journal->beside[journal->n_beside++] = NULL;
}

/* In place of what is beside the list. */
static void pack_scratch(struct nsf_journal *journal, uint32_t list)
{
    NSF_GROW(journal->words, journal->words_capacity, nsf_traits_pack_max(journal->scratch));
    size_t n_bytes = nsf_traits_pack(journal->scratch, journal->words) * sizeof(*journal->words);
    nsf_free(journal->beside[list]);
    journal->beside[list] = nsf_malloc(n_bytes);
    memcpy(journal->beside[list], journal->words, n_bytes);
}

/* The notes of a source with up to NSF_JOURNAL_NOTES connections, in `both` where they stand in two places. */
static const uint64_t *all_notes(const struct nsf_journal *journal, uint32_t number, uint32_t n,
                                 uint64_t both[NSF_JOURNAL_NOTES])
{
    const uint64_t *notes = notes_in(journal, pool_of(n), number);
    if (n <= NSF_JOURNAL_LIST)
        return notes;
    memcpy(both, journal->beside[number], NSF_JOURNAL_LIST * sizeof(*both));
    memcpy(both + NSF_JOURNAL_LIST, notes, (n - NSF_JOURNAL_LIST) * sizeof(*both));
    return both;
}

/* The first list that is full. */
static void put_beside(struct nsf_journal *journal, uint32_t list)
{
    const size_t n_bytes = NSF_JOURNAL_LIST * sizeof(uint64_t);
    grow_beside(journal, list);
    journal->beside[list] = nsf_malloc(n_bytes);
    memcpy(journal->beside[list], notes_in(journal, LAST_POOL, list), n_bytes);
}

/* The second one. */
static void pack_notes(struct nsf_journal *journal, uint32_t list)
{
    uint64_t both[NSF_JOURNAL_NOTES];
    const uint64_t *notes = all_notes(journal, list, NSF_JOURNAL_NOTES, both);
    nsf_traits_reset(journal->scratch);
    read_all_notes(notes, NSF_JOURNAL_NOTES, NSF_TRAITS_ALL, &journal->scratch);
    pack_scratch(journal, list);
}

/* Any other one, or what there is of it: n notes. */
static void join_notes(struct nsf_journal *journal, uint32_t list, uint32_t n)
{
    nsf_traits_reset(journal->scratch);
    nsf_traits_unpack(journal->beside[list], NSF_TRAIT_LISTS, &journal->scratch);
    add_notes(notes_in(journal, LAST_POOL, list), n, NSF_TRAITS_ALL, &journal->scratch);
    pack_scratch(journal, list);
}

/* A longer list for the n notes that fill one. */
static uint32_t move_notes(struct nsf_journal *journal, uint32_t old, uint32_t n)
{
    unsigned pool = pool_of(n);
    uint32_t list = take_list(journal, pool + 1);
    memcpy(notes_in(journal, pool + 1, list), notes_in(journal, pool, old), n * sizeof(uint64_t));
    drop_list(journal, pool, old);
    return list;
}

void nsf_journal_read_only(uint32_t number, struct nsf_trait_note *only)
{
    only->src_port = (uint16_t)number;
    only->nic = (uint16_t)(number >> NUMBER_NIC_SHIFT);
}

void nsf_journal_add(struct nsf_journal *journal, uint32_t *number, uint32_t n, const struct nsf_trait_note *first,
                     const struct nsf_trait_note *note)
{
    if (n == 0) {
        *number = note->src_port | (uint32_t)note->nic << NUMBER_NIC_SHIFT;
        return;
    }
    if (n == 1) {
        struct nsf_trait_note before = *first;
        nsf_journal_read_only(*number, &before);
        *number = take_list(journal, 0);
        *notes_in(journal, 0, *number) = packed_note(&before);
    } else if (n < NSF_JOURNAL_LIST && n == length_of(pool_of(n))) {
        *number = move_notes(journal, *number, n);
    } else if (n == NSF_JOURNAL_LIST) {
        put_beside(journal, *number);
    } else if (n == NSF_JOURNAL_NOTES) {
        pack_notes(journal, *number);
    } else if (n % NSF_JOURNAL_LIST == 0) {
        join_notes(journal, *number, NSF_JOURNAL_LIST);
    }
    notes_in(journal, pool_of(n + 1), *number)[n_notes(n + 1) - 1] = packed_note(note);
}

void nsf_journal_settle(struct nsf_journal *journal, uint32_t number, uint32_t n)
{
    if (n <= NSF_JOURNAL_NOTES)
        return;
    join_notes(journal, number, n_notes(n));
    drop_list(journal, LAST_POOL, number); /* its number stays that of what is beside it */
}

void nsf_journal_finish(struct nsf_journal *journal)
{
    journal->is_finished = true;
}

void nsf_journal_read(const struct nsf_journal *journal, uint32_t number, uint32_t n, enum nsf_traits_part part,
                      struct nsf_traits **traits)
{
    uint64_t both[NSF_JOURNAL_NOTES];
    if (n <= NSF_JOURNAL_NOTES) {
        read_all_notes(all_notes(journal, number, n, both), n, part, traits);
        return;
    }
    nsf_traits_unpack(journal->beside[number], (unsigned)part, traits);
    if (!journal->is_finished)
        add_notes(notes_in(journal, LAST_POOL, number), n_notes(n), part, traits);
}

static void expect(const void *ptr, size_t n_bytes)
{
    for (size_t at = 0; at < n_bytes; at += 64)
        __builtin_prefetch((const char *)ptr + at);
}

void nsf_journal_expect_read(const struct nsf_journal *journal, uint32_t number, uint32_t n)
{
    if (n < 2)
        return;
    if (n <= NSF_JOURNAL_NOTES)
        expect(notes_in(journal, pool_of(n), number), sizeof(uint64_t));
    if (n > NSF_JOURNAL_LIST)
        expect(journal->beside[number], 2 * NSF_JOURNAL_LIST * sizeof(uint64_t));
}

/* A list that is full is read as a whole, and so is what is joined with it. */
void nsf_journal_expect(const struct nsf_journal *journal, uint32_t number, uint32_t n)
{
    if (n < 2)
        return;
    unsigned pool = pool_of(n);
    uint32_t used = n_notes(n);
    const uint64_t *notes = notes_in(journal, pool, number);
    bool is_full = used == length_of(pool);
    __builtin_prefetch(is_full ? notes : notes + used, 1);
    if (is_full && n > NSF_JOURNAL_LIST)
        __builtin_prefetch(journal->beside[number]);
}

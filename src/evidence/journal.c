#include "core/nsf_common.h"

#include "evidence/journal.h"

#include "core/mem.h"

#define JOURNAL_BLOCK_ENTRIES 2048u
/* An entry: milliseconds since 1970 up to the year 3084, source port, class. What lies outside is taken for the nearest
 * end, as in the traits, whose ends are nearer. */
#define JOURNAL_MS_SHIFT 19
#define JOURNAL_PORT_SHIFT 3
#define JOURNAL_MS_MAX ((INT64_C(1) << (64 - JOURNAL_MS_SHIFT)) - 1)
#define JOURNAL_CLASS_MASK ((UINT64_C(1) << JOURNAL_PORT_SHIFT) - 1)

_Static_assert(NSF_CLASSES <= JOURNAL_CLASS_MASK + 1, "a class has three bits");

static void release_pool(struct nsf_journal_pool *pool, uint32_t length)
{
    for (uint32_t i = 0; i < pool->n; i += JOURNAL_BLOCK_ENTRIES / length)
        nsf_free(pool->blocks[i / (JOURNAL_BLOCK_ENTRIES / length)]);
    nsf_free(pool->blocks);
    *pool = (struct nsf_journal_pool){0};
}

void nsf_journal_release(struct nsf_journal *journal)
{
    release_pool(&journal->few, NSF_JOURNAL_FEW);
    release_pool(&journal->many, NSF_JOURNAL_MANY);
}

static uint64_t *entries_in(const struct nsf_journal_pool *pool, uint32_t list, uint32_t length)
{
    uint32_t per_block = JOURNAL_BLOCK_ENTRIES / length;
    return pool->blocks[list / per_block] + (size_t)(list % per_block) * length;
}

const uint64_t *nsf_journal_entries(const struct nsf_journal *journal, uint32_t list, uint32_t n)
{
    return n <= NSF_JOURNAL_FEW ? entries_in(&journal->few, list, NSF_JOURNAL_FEW)
                                : entries_in(&journal->many, list, NSF_JOURNAL_MANY);
}

static uint32_t take_list(struct nsf_journal_pool *pool, uint32_t length)
{
    uint32_t list = pool->n, per_block = JOURNAL_BLOCK_ENTRIES / length;
    if (pool->free != 0) {
        list = pool->free - 1;
        pool->free = (uint32_t)*entries_in(pool, list, length);
        return list;
    }
    if (list % per_block == 0) {
        NSF_GROW(pool->blocks, pool->blocks_capacity, (size_t)list / per_block + 1);
        pool->blocks[list / per_block] = nsf_malloc(JOURNAL_BLOCK_ENTRIES * sizeof(uint64_t));
    }
    pool->n++;
    return list;
}

static void drop_list(struct nsf_journal_pool *pool, uint32_t list, uint32_t length)
{
    *entries_in(pool, list, length) = pool->free;
    pool->free = list + 1;
}

void nsf_journal_drop(struct nsf_journal *journal, uint32_t list, uint32_t n)
{
    if (n <= NSF_JOURNAL_FEW)
        drop_list(&journal->few, list, NSF_JOURNAL_FEW);
    else
        drop_list(&journal->many, list, NSF_JOURNAL_MANY);
}

static uint64_t entry_of(enum nsf_connection_class class_, int64_t ts_ms, uint16_t src_port)
{
    uint64_t ms = (uint64_t)(ts_ms < 0 ? 0 : ts_ms > JOURNAL_MS_MAX ? JOURNAL_MS_MAX : ts_ms);
    return ms << JOURNAL_MS_SHIFT | (uint64_t)src_port << JOURNAL_PORT_SHIFT | (uint64_t)class_;
}

void nsf_journal_add(struct nsf_journal *journal, uint32_t *list, uint32_t n, enum nsf_connection_class class_,
                     int64_t ts_ms, uint16_t src_port)
{
    if (n == 0)
        *list = take_list(&journal->few, NSF_JOURNAL_FEW);
    uint32_t old = *list;
    if (n == NSF_JOURNAL_FEW) {
        *list = take_list(&journal->many, NSF_JOURNAL_MANY);
        memcpy(entries_in(&journal->many, *list, NSF_JOURNAL_MANY), entries_in(&journal->few, old, NSF_JOURNAL_FEW),
               NSF_JOURNAL_FEW * sizeof(uint64_t));
        drop_list(&journal->few, old, NSF_JOURNAL_FEW);
    }
    uint64_t *entries = n < NSF_JOURNAL_FEW ? entries_in(&journal->few, *list, NSF_JOURNAL_FEW)
                                            : entries_in(&journal->many, *list, NSF_JOURNAL_MANY);
    entries[n] = entry_of(class_, ts_ms, src_port);
}

void nsf_journal_read(const struct nsf_journal *journal, uint32_t list, uint32_t n, struct nsf_traits **traits)
{
    const uint64_t *entries = nsf_journal_entries(journal, list, n);
    for (uint32_t i = 0; i < n; i++)
        nsf_traits_add(traits, (enum nsf_connection_class)(entries[i] & JOURNAL_CLASS_MASK),
                       (int64_t)(entries[i] >> JOURNAL_MS_SHIFT), (uint16_t)(entries[i] >> JOURNAL_PORT_SHIFT));
}

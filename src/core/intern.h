/*
 * intern.h - strings to small ids and back; the strings live as long as the table.
 *
 * Ids count from 0 in order of first sight. One thread at a time for writing; reading ids that are already there is
 * safe while nobody writes.
 */
#ifndef NSF_INTERN_H
#define NSF_INTERN_H

#include "core/arena.h"

#define NSF_INTERN_NONE UINT32_MAX

struct nsf_intern {
    struct nsf_arena arena;
    struct nsf_slice *strings;
    size_t strings_capacity;
    uint32_t n;
    uint32_t *slots; /* id + 1, 0 is free; a power of two of them */
    uint32_t n_slots;
    uint64_t seed;
};

void nsf_intern_init(struct nsf_intern *table, uint64_t seed);
void nsf_intern_release(struct nsf_intern *table);
/* Adds s when it is new. Bytes are compared as they are: fold the case first where it does not matter. */
uint32_t nsf_intern_add(struct nsf_intern *table, struct nsf_slice s);
/* NSF_INTERN_NONE when it is not there. */
uint32_t nsf_intern_find(const struct nsf_intern *table, struct nsf_slice s);
/* NUL-ended behind its length; lends until release. */
static inline struct nsf_slice nsf_intern_get(const struct nsf_intern *table, uint32_t id)
{
    return table->strings[id];
}

#endif

/*
 * compare.h - ascending order of numbers, as qsort asks for it.
 */
#ifndef NSF_COMPARE_H
#define NSF_COMPARE_H

#include "core/nsf_common.h"

static inline int nsf_cmp_u32(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static inline int nsf_cmp_u64(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static inline int nsf_cmp_i64(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

#endif

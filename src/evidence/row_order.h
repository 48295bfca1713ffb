/*
 * row_order.h - rows of sources in the order of a report: by messages, then connections, both descending, then address,
 * IPv4 first.
 */
#ifndef NSF_ROW_ORDER_H
#define NSF_ROW_ORDER_H

#include "core/ipaddr.h"

/* What the order of a row depends on. */
struct nsf_row_place {
    struct nsf_ip src;
    uint32_t messages;
    uint32_t connections;
};

/* Of the row that a number stands for. */
typedef struct nsf_row_place nsf_row_place_fn(const void *ctx, uint32_t ref);

/* Brings what that needs into the cache. */
typedef void nsf_row_expect_fn(const void *ctx, uint32_t ref);

/* Sorts the numbers with `jobs` threads (0 is one). No two rows are equal. */
void nsf_row_order_sort(uint32_t *refs, size_t n, nsf_row_place_fn *place_of, nsf_row_expect_fn *expect,
                        const void *ctx, unsigned jobs);

#endif

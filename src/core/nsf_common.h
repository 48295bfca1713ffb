/*
 * nsf_common.h - what every source file of nsgflow sees first.
 *
 * Knows nothing of flows, rules or Azure. Includes the fixed-width types, the attributes the project uses and the
 * list of banned calls.
 */
#ifndef NSF_COMMON_H
#define NSF_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NSF_CHECKED __attribute__((warn_unused_result))
#define NSF_PRINTF(fmt_idx, first_idx) __attribute__((format(printf, fmt_idx, first_idx)))
#define NSF_NORETURN __attribute__((noreturn))
#define NSF_COLD __attribute__((cold, noinline))
#define NSF_UNUSED __attribute__((unused))
#define NSF_LIKELY(x) __builtin_expect(!!(x), 1)
#define NSF_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define NSF_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#include "core/banned.h"

#endif

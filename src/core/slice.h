/*
 * slice.h - a borrowed run of bytes, and the few comparisons and number readers that everything uses.
 *
 * A slice never owns and need not be NUL-ended. {NULL, 0} is the absent slice, {"", 0} the empty one.
 * Pure functions, any thread.
 */
#ifndef NSF_SLICE_H
#define NSF_SLICE_H

#include "core/nsf_common.h"

struct nsf_slice {
    const char *ptr;
    size_t len;
};

#define NSF_SLICE_LIT(lit) ((struct nsf_slice){(lit), sizeof(lit) - 1})
/* for printf("%.*s") */
#define NSF_SLICE_ARG(s) (int)((s).len > 1024 ? 1024 : (s).len), ((s).ptr == NULL ? "" : (s).ptr)

static inline struct nsf_slice nsf_slice(const char *ptr, size_t len)
{
    return (struct nsf_slice){ptr, len};
}

static inline struct nsf_slice nsf_slice_str(const char *str)
{
    return (struct nsf_slice){str, str == NULL ? 0 : strlen(str)};
}

static inline bool nsf_slice_eq(struct nsf_slice a, struct nsf_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* The part of s from `from` on, `from` <= s.len. */
static inline struct nsf_slice nsf_slice_from(struct nsf_slice s, size_t from)
{
    return (struct nsf_slice){s.ptr + from, s.len - from};
}

static inline char nsf_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* ASCII case folded, other bytes as they are: Azure ids and names compare like that. */
bool nsf_slice_eq_nocase(struct nsf_slice a, struct nsf_slice b);
bool nsf_slice_has_prefix(struct nsf_slice s, struct nsf_slice prefix);
bool nsf_slice_has_prefix_nocase(struct nsf_slice s, struct nsf_slice prefix);
bool nsf_slice_has_suffix_nocase(struct nsf_slice s, struct nsf_slice suffix);
/* Bytewise order, a prefix before its extensions; <0, 0, >0. */
int nsf_slice_cmp(struct nsf_slice a, struct nsf_slice b);
int nsf_slice_cmp_nocase(struct nsf_slice a, struct nsf_slice b);
/* Without leading and trailing blanks, tabs, CR and LF. */
struct nsf_slice nsf_slice_trim(struct nsf_slice s);
/* Index of the first `c`, or s.len. */
size_t nsf_slice_find(struct nsf_slice s, char c);
/* Digits only, no sign, no blank, at most `max`. False leaves *value alone. */
bool nsf_slice_to_u64(struct nsf_slice s, uint64_t max, uint64_t *value) NSF_CHECKED;

#endif

/*
 * tuple_vector.h - what the vector variants of tuple_ops.h share: everything but the instructions.
 *
 * A variant says for 64 bytes at a time where which bytes stand, as bit masks; the functions here, made part of each
 * variant by the compiler, do the rest with masks alone. None reads a byte outside the slice it was given. Known to
 * the variants and their dispatcher only.
 */
#ifndef NSF_TUPLE_VECTOR_H
#define NSF_TUPLE_VECTOR_H

#include "flow/tuple_canonical.h"
#include "flow/tuple_ops.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define NSF_TUPLE_X86 1
extern const struct nsf_tuple_ops nsf_tuple_ops_avx2;
extern const struct nsf_tuple_ops nsf_tuple_ops_avx512;
#endif

#define NSF_BLOCK_BYTES 64u
/* A tuple is looked at in two blocks; the longest real one is about 110 bytes. The search for `,587,` looks at four
 * bytes behind. */
#define NSF_TUPLE_LOOK_BYTES (2 * NSF_BLOCK_BYTES + 4)
/* A longer string is for the parser, which has a bound of its own. */
#define NSF_SKIM_STRING_MAX_BYTES ((size_t)4096)

#define NSF_INLINE static inline __attribute__((always_inline))

/* Bit i: the byte at index i is such a one. */
struct nsf_skim_masks {
    uint64_t quotes;
    uint64_t commas;
    uint64_t closers; /* ] */
    uint64_t odd;     /* control bytes, from 0x80 up, backslash */
};

struct nsf_tuple_masks {
    uint64_t quotes;
    uint64_t commas;
    uint64_t dots;
    uint64_t special; /* begins `,I,` or `,25,` or `,587,`, or is a byte that a tuple has not */
};

typedef struct nsf_skim_masks nsf_skim_look(const char *block);
typedef struct nsf_tuple_masks nsf_tuple_look(const char *block);
/* Bit i: an odd number of the bits 0..i is set. */
typedef uint64_t nsf_prefix_xor(uint64_t bits);

/* What a variant brings along. Each is known when the variant is compiled, and becomes part of it. */
struct nsf_tuple_parts {
    nsf_tuple_look *look;
    nsf_addresses_at *addresses;
    nsf_numbers_at *numbers;
};

/* ---- skim ------------------------------------------------------------------------------------------ */

struct nsf_skim_state {
    uint64_t is_inside;      /* a string: all ones or zero */
    uint64_t is_after_quote; /* the byte before the block closed a string: bit 0 */
    uint64_t is_after_comma; /* the byte before may be followed by an opening quote: bit 0 */
};

/* The strings of one block are separated by single commas. `below`: the bits before the closing bracket, or all. */
NSF_INLINE bool nsf_skim_block_is_plain(const struct nsf_skim_masks *masks, uint64_t inside, uint64_t below,
                                        const struct nsf_skim_state *state)
{
    uint64_t outside = ~(inside | masks->quotes) & below;
    uint64_t opening = masks->quotes & inside & below;
    uint64_t after_quote = masks->quotes << 1 | state->is_after_quote;
    uint64_t may_open = outside << 1 | state->is_after_comma;
    uint64_t wrong = (outside & ~masks->commas) | (outside & ~after_quote) | (opening & ~may_open);
    return (wrong | (masks->odd & below)) == 0;
}

NSF_INLINE enum nsf_skim nsf_skim_with(struct nsf_slice bytes, size_t *at, nsf_skim_look *look, nsf_prefix_xor *prefix)
{
    struct nsf_skim_state state = {0};
    size_t base = *at, last_quote = *at;
    state.is_after_quote = *at > 0;
    state.is_after_comma = *at == 0;
    for (; bytes.len - base >= NSF_BLOCK_BYTES; base += NSF_BLOCK_BYTES) {
        struct nsf_skim_masks masks = look(bytes.ptr + base);
        uint64_t inside = prefix(masks.quotes) ^ state.is_inside;
        uint64_t end = masks.closers & ~inside & ~masks.quotes;
        uint64_t below = end == 0 ? ~UINT64_C(0) : (end & -end) - 1;
        if (!nsf_skim_block_is_plain(&masks, inside, below, &state))
            break;
        if (end != 0) {
            uint64_t bracket = end & -end;
            bool follows_string = (bracket & (masks.quotes << 1 | state.is_after_quote)) != 0;
            if (!follows_string)
                break;
            *at = base + (size_t)__builtin_ctzll(end);
            return NSF_SKIM_FOUND;
        }
        uint64_t closing = masks.quotes & ~inside;
        if (closing != 0)
            last_quote = base + 64 - (size_t)__builtin_clzll(closing);
        else if (base - last_quote > NSF_SKIM_STRING_MAX_BYTES)
            break;
        state.is_inside = (uint64_t)((int64_t)inside >> 63);
        state.is_after_quote = closing >> 63;
        state.is_after_comma = ~(inside | masks.quotes) >> 63;
        *at = last_quote;
    }
    /* What is left, and whatever is not as Azure writes it, byte by byte. */
    return nsf_skim(bytes, at);
}

/* ---- tuples ------------------------------------------------------------------------------------------ */

/* Takes the tuple that begins at `text`; the bytes up to `end` may be read. The index of its closing quote, or
 * SIZE_MAX when it is to be read byte by byte. */
NSF_INLINE size_t nsf_tuple_take_with(struct nsf_tuple_target *target, const char *text, size_t n_fields,
                                      uint64_t offset, const struct nsf_tuple_parts *parts)
{
    struct nsf_tuple_masks low = parts->look(text), high = {0};
    uint64_t below_low = low.quotes == 0 ? ~UINT64_C(0) : (low.quotes & -low.quotes) - 1, below_high = 0;
    size_t len;
    if (low.quotes != 0) {
        len = (size_t)__builtin_ctzll(low.quotes);
    } else {
        high = parts->look(text + NSF_BLOCK_BYTES);
        if (high.quotes == 0)
            return SIZE_MAX;
        below_high = (high.quotes & -high.quotes) - 1;
        len = NSF_BLOCK_BYTES + (size_t)__builtin_ctzll(high.quotes);
    }
    struct nsf_separators separators = {
        .commas = {low.commas & below_low, high.commas & below_high},
        .dots = {low.dots & below_low, high.dots & below_high},
    };
    uint64_t special = (low.special & below_low) | (high.special & below_high);
    size_t n_commas =
        (size_t)__builtin_popcountll(separators.commas[0]) + (size_t)__builtin_popcountll(separators.commas[1]);
    if (NSF_LIKELY(special == 0 && n_commas + 1 == n_fields && !target->is_strict)) {
        target->n_tuples++;
        return len;
    }
    if (n_commas + 1 != n_fields ||
        !nsf_tuple_take_canonical(target, text, len, n_fields, &separators, parts->addresses, parts->numbers))
        nsf_tuple_take(target, nsf_slice(text, len), offset);
    return len;
}

NSF_INLINE void nsf_tuple_take_array_with(struct nsf_tuple_target *target, struct nsf_slice inside, uint64_t offset,
                                          const struct nsf_tuple_parts *parts)
{
    const size_t n_fields = nsf_tuple_fields(target->layout);
    char tail[NSF_TUPLE_LOOK_BYTES] = {0};
    size_t at = 0;
    while (at < inside.len && inside.ptr[at] == '"') {
        const char *text = inside.ptr + at + 1;
        size_t left = inside.len - at - 1;
        if (left < NSF_TUPLE_LOOK_BYTES) {
            memcpy(tail, text, left);
            memset(tail + left, 0, sizeof(tail) - left);
            text = tail;
        }
        size_t len = nsf_tuple_take_with(target, text, n_fields, offset + at + 1, parts);
        if (len == SIZE_MAX)
            break;
        at += len + 2;
        if (at < inside.len && inside.ptr[at] == ',')
            at++;
    }
    if (at < inside.len)
        nsf_tuple_take_array(target, nsf_slice_from(inside, at), offset + at);
}

#endif

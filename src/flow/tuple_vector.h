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
extern const struct nsf_tuple_ops nsf_tuple_ops_avx512vbmi;
#elif defined(__aarch64__) && defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NSF_TUPLE_NEON 1
extern const struct nsf_tuple_ops nsf_tuple_ops_neon;
#endif

#define NSF_BLOCK_BYTES 64u
/* Blocks of an array that are looked at before its tuples are taken: each byte once, whatever lies across blocks. */
#define NSF_MAP_BLOCKS 32u
#define NSF_MAP_BYTES ((size_t)NSF_MAP_BLOCKS * NSF_BLOCK_BYTES)
/* A tuple lies in two words of a map; the longest real one is about 110 bytes. */
#define NSF_TUPLE_MAX_BYTES ((size_t)2 * NSF_BLOCK_BYTES)
/* So many blocks without a quote are left to the portable way: the string may be too long. */
#define NSF_SKIM_BLOCKS ((size_t)64)
/* What is looked at closer begins below it, and from here on. */
#define NSF_SKIM_FROM 0x20
#define NSF_SKIM_TO 0x5c

#define NSF_TEXT32(a, b, c, d)                                                                                         \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24) /* little-endian */
#define NSF_INLINE static inline __attribute__((always_inline))

/* Bit i: the byte at index i is such a one. */
struct nsf_skim_masks {
    uint64_t quotes;
    uint64_t commas;
    uint64_t rest; /* not 0: some byte may be one of those below */
};

struct nsf_skim_ends {
    uint64_t closers; /* ] */
    uint64_t odd;     /* control bytes, from 0x80 up, backslash */
};

struct nsf_tuple_masks {
    uint64_t quotes;
    uint64_t commas;
    uint64_t dots;
    uint64_t odd; /* bytes that no tuple has */
};

typedef struct nsf_skim_masks nsf_skim_look(const char *block);
typedef struct nsf_skim_ends nsf_skim_look_closer(const char *block);
typedef struct nsf_tuple_masks nsf_tuple_look(const char *block);

/* What a variant brings along. Each is known when the variant is compiled, and becomes part of it. */
struct nsf_tuple_parts {
    nsf_tuple_look *look;
    nsf_addresses_at *addresses;
    nsf_numbers_at *numbers;
};

/* ---- skim ------------------------------------------------------------------------------------------ */

/* Of the bytes before a block, the last one in the highest of the lowest bits: whether they are quotes, closing ones,
 * commas. */
struct nsf_skim_state {
    uint64_t quotes; /* two bits */
    uint64_t closing;
    uint64_t commas; /* one bit */
};

/* One block. In an array as Azure writes it, each closing quote is followed by a comma and the opening one of the next
 * string, or by the bracket. That tells opening quotes from closing ones without a look at more than the two bytes
 * before. *end: its bracket, a bit. False: the block, up to there, is not so. */
NSF_INLINE bool nsf_skim_block(const char *block, struct nsf_skim_masks masks, struct nsf_skim_state *before,
                               nsf_skim_look_closer *look_closer, uint64_t *end)
{
    uint64_t opening = masks.quotes & (masks.commas << 1 | before->commas) & (masks.quotes << 2 | before->quotes);
    uint64_t closing = masks.quotes & ~opening;
    uint64_t wrong = opening ^ (closing << 2 | before->closing);
    *end = 0;
    if (NSF_UNLIKELY(masks.rest != 0)) {
        struct nsf_skim_ends ends = look_closer(block);
        *end = ends.closers & (closing << 1 | before->closing >> 1);
        /* Up to the bracket: there a second closing quote in front of it tells. */
        wrong = (wrong | ends.odd) & (*end ^ (*end - 1));
    }
    *before = (struct nsf_skim_state){masks.quotes >> 62, closing >> 62, masks.commas >> 63};
    return wrong == 0;
}

/* Behind the closing quote of the last string that is whole in what is known to be plain, which begins at `start` and
 * ends with `to`; `at`: behind that of the one before. */
NSF_INLINE size_t nsf_skim_behind(struct nsf_slice bytes, size_t start, size_t to, size_t at)
{
    size_t quote = to;
    while (quote > start && bytes.ptr[quote] != '"')
        quote--;
    if (quote <= start)
        return at;
    bool is_opening = quote - start >= 2 && bytes.ptr[quote - 1] == ',' && bytes.ptr[quote - 2] == '"';
    return is_opening ? quote - 1 : quote + 1;
}

NSF_INLINE enum nsf_skim nsf_skim_with(struct nsf_slice bytes, size_t *at, nsf_skim_look *look,
                                       nsf_skim_look_closer *look_closer)
{
    /* The first string is one behind another that ended before the array; later ones go on from their closing quote. */
    struct nsf_skim_state before = *at == 0 ? (struct nsf_skim_state){1, 1, 1} : (struct nsf_skim_state){0, 0, 0};
    const size_t start = *at == 0 ? 0 : *at - 1;
    size_t base = start;
    uint64_t quotes = 1;
    bool is_plain = true;
    while (is_plain && quotes != 0 && bytes.len - base >= NSF_BLOCK_BYTES) {
        size_t n_blocks = (bytes.len - base) / NSF_BLOCK_BYTES,
               n = n_blocks < NSF_SKIM_BLOCKS ? n_blocks : NSF_SKIM_BLOCKS;
        for (quotes = 0; n > 0; n--) {
            struct nsf_skim_masks masks = look(bytes.ptr + base);
            uint64_t end;
            quotes |= masks.quotes;
            is_plain = nsf_skim_block(bytes.ptr + base, masks, &before, look_closer, &end);
            if (NSF_UNLIKELY(!is_plain))
                break;
            if (NSF_UNLIKELY(end != 0)) {
                *at = base + (size_t)__builtin_ctzll(end);
                return NSF_SKIM_FOUND;
            }
            base += NSF_BLOCK_BYTES;
        }
    }
    /* What is left, and whatever is not as Azure writes it, byte by byte. */
    /* Of a closing quote among the last two bytes it is not known what follows. */
    if (base > start)
        *at = nsf_skim_behind(bytes, start, base - 3, *at);
    return nsf_skim(bytes, at);
}

/* ---- tuples ------------------------------------------------------------------------------------------ */

/* The same bits for a part of an array, and two words of nothing. */
struct nsf_tuple_maps {
    uint64_t quotes[NSF_MAP_BLOCKS + 2];
    uint64_t commas[NSF_MAP_BLOCKS + 2];
    uint64_t dots[NSF_MAP_BLOCKS + 2];
    uint64_t odd[NSF_MAP_BLOCKS + 2];
};

NSF_INLINE void nsf_map_block(struct nsf_tuple_maps *maps, size_t i, struct nsf_tuple_masks masks)
{
    maps->quotes[i] = masks.quotes;
    maps->commas[i] = masks.commas;
    maps->dots[i] = masks.dots;
    maps->odd[i] = masks.odd;
}

/* Of at most NSF_MAP_BYTES. */
NSF_INLINE void nsf_map_array(struct nsf_tuple_maps *maps, struct nsf_slice bytes, nsf_tuple_look *look)
{
    size_t n_whole = bytes.len / NSF_BLOCK_BYTES, n_left = bytes.len % NSF_BLOCK_BYTES, n = n_whole;
    for (size_t i = 0; i < n_whole; i++)
        nsf_map_block(maps, i, look(bytes.ptr + i * NSF_BLOCK_BYTES));
    if (n_left > 0) {
        char last[NSF_BLOCK_BYTES] = {0};
        memcpy(last, bytes.ptr + n_whole * NSF_BLOCK_BYTES, n_left);
        nsf_map_block(maps, n++, look(last));
    }
    for (size_t i = n; i < n + 2; i++)
        nsf_map_block(maps, i, (struct nsf_tuple_masks){0});
}

/* The 64 bits from bit `from` on. */
NSF_INLINE uint64_t nsf_map_bits(const uint64_t *map, size_t from)
{
    size_t word = from / 64, bit = from % 64;
    return map[word] >> bit | map[word + 1] << 1 << (63 - bit);
}

/* Whether the tuple is inbound, or to destination port 25 or 587; the fields are where the commas are. Those with long
 * fields may as well be: they are looked at again. */
NSF_INLINE bool nsf_tuple_matters(const char *text, uint64_t commas)
{
    if (__builtin_popcountll(commas) <= 6)
        return true;
    commas &= commas - 1;
    commas &= commas - 1;
    commas &= commas - 1;
    size_t before_port = (size_t)__builtin_ctzll(commas);
    commas &= commas - 1;
    size_t behind_port = (size_t)__builtin_ctzll(commas);
    commas &= commas - 1;
    size_t before_direction = (size_t)__builtin_ctzll(commas);
    uint32_t port;
    memcpy(&port, text + before_port, sizeof(port));
    bool is_smtp = port == NSF_TEXT32(',', '2', '5', ',');
    bool is_submission = port == NSF_TEXT32(',', '5', '8', '7') && behind_port - before_port == 4;
    return is_smtp || is_submission || text[before_direction + 1] == 'I';
}

/* Takes the tuple that begins at `text`, bit `at` of the maps. Its length, or SIZE_MAX when its closing quote is not
 * there. */
NSF_INLINE size_t nsf_tuple_take_with(struct nsf_tuple_target *target, const char *text, size_t n_fields,
                                      uint64_t offset, const struct nsf_tuple_maps *maps, size_t at,
                                      const struct nsf_tuple_parts *parts)
{
    uint64_t low = nsf_map_bits(maps->quotes, at), high = nsf_map_bits(maps->quotes, at + 64);
    if ((low | high) == 0)
        return SIZE_MAX;
    /* Without a branch: half of all tuples are longer than a block. */
    uint64_t below_low = low == 0 ? ~UINT64_C(0) : (low & -low) - 1, below_high = low == 0 ? (high & -high) - 1 : 0;
    size_t len = (size_t)__builtin_popcountll(below_low) + (size_t)__builtin_popcountll(below_high);
    struct nsf_separators separators = {
        .commas = {nsf_map_bits(maps->commas, at) & below_low, nsf_map_bits(maps->commas, at + 64) & below_high},
        .dots = {nsf_map_bits(maps->dots, at) & below_low, nsf_map_bits(maps->dots, at + 64) & below_high},
    };
    uint64_t odd = (nsf_map_bits(maps->odd, at) & below_low) | (nsf_map_bits(maps->odd, at + 64) & below_high);
    size_t n_commas =
        (size_t)__builtin_popcountll(separators.commas[0]) + (size_t)__builtin_popcountll(separators.commas[1]);
    bool is_whole = n_commas + 1 == n_fields;
    if (is_whole && odd == 0 && !target->is_strict && !nsf_tuple_matters(text, separators.commas[0])) {
        target->n_tuples++;
        return len;
    }
    if (!is_whole ||
        !nsf_tuple_take_canonical(target, text, len, n_fields, &separators, parts->addresses, parts->numbers))
        nsf_tuple_take(target, nsf_slice(text, len), offset);
    return len;
}

NSF_INLINE void nsf_tuple_take_array_with(struct nsf_tuple_target *target, struct nsf_slice inside, uint64_t offset,
                                          const struct nsf_tuple_parts *parts)
{
    const size_t n_fields = nsf_tuple_fields(target->layout);
    struct nsf_tuple_maps maps;
    size_t at = 0, from = 0, mapped_to = 0;
    while (at < inside.len && inside.ptr[at] == '"') {
        size_t begin = at + 1;
        if (mapped_to < inside.len && mapped_to < begin + NSF_TUPLE_MAX_BYTES) {
            from = begin;
            mapped_to = inside.len - from < NSF_MAP_BYTES ? inside.len : from + NSF_MAP_BYTES;
            nsf_map_array(&maps, nsf_slice(inside.ptr + from, mapped_to - from), parts->look);
        }
        size_t len =
            nsf_tuple_take_with(target, inside.ptr + begin, n_fields, offset + begin, &maps, begin - from, parts);
        if (len == SIZE_MAX)
            break;
        at = begin + len + 1;
        if (at < inside.len && inside.ptr[at] == ',')
            at++;
    }
    if (at < inside.len)
        nsf_tuple_take_array(target, nsf_slice_from(inside, at), offset + at);
}

/* ---- a variant --------------------------------------------------------------------------------------- */

/* The whole of a variant out of what is its own: look_skim, look_closer and look_tuple of the file, and how addresses
 * and numbers are read. `attributes` are those that its functions are compiled with. */
#define NSF_TUPLE_VARIANT(variant, attributes, addresses_fn, numbers_fn)                                               \
    attributes static enum nsf_skim skim(struct nsf_slice bytes, size_t *at)                                           \
    {                                                                                                                  \
        return nsf_skim_with(bytes, at, look_skim, look_closer);                                                       \
    }                                                                                                                  \
                                                                                                                       \
    attributes static void take_array(struct nsf_tuple_target *target, struct nsf_slice inside, uint64_t offset)       \
    {                                                                                                                  \
        static const struct nsf_tuple_parts parts = {look_tuple, addresses_fn, numbers_fn};                            \
        nsf_tuple_take_array_with(target, inside, offset, &parts);                                                     \
    }                                                                                                                  \
                                                                                                                       \
    const struct nsf_tuple_ops nsf_tuple_ops_##variant = {                                                             \
        .name = #variant,                                                                                              \
        .skim = skim,                                                                                                  \
        .take_array = take_array,                                                                                      \
    }

#endif

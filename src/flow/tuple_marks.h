/*
 * tuple_marks.h - where the marks of tuples are, listed with AVX-512 VBMI2: the first pass of tuple_vbmi.c, which alone
 * includes it.
 *
 * Marks are what tuple_shapes.h says. They are listed in two rows of bytes: what they are, and where, by the lowest
 * eight bits of the place. So distances are known up to 255; a block without any mark ends a list.
 */
#ifndef NSF_TUPLE_MARKS_H
#define NSF_TUPLE_MARKS_H

#include "flow/tuple_shapes.h"

#ifdef NSF_TUPLE_X86

#include <immintrin.h>

#define NSF_VBMI                                                                                                       \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vnni,avx2,bmi,bmi2,"        \
                          "popcnt")))
#define NSF_VBMI_INLINE NSF_VBMI static inline __attribute__((always_inline))

/* What is read in front of the marks and written behind them. */
#define NSF_MARKS_ROOM ((size_t)3 * NSF_BLOCK_BYTES)
#define NSF_MARK(c) ((uint8_t)((c) - '0'))

NSF_VBMI_INLINE __m512i nsf_load_block(const void *from)
{
    return _mm512_loadu_si512(from);
}

NSF_VBMI_INLINE __m128i nsf_load_sixteen(const void *from)
{
    return _mm_loadu_si128((const __m128i *)from);
}

/* The marks of an array or a part of it, and in front of them the comma that may stand there. */
struct nsf_marks {
    struct nsf_slice text; /* from the part on to the end of the array */
    size_t n_bytes;        /* of the part */
    size_t n;
    uint8_t *at;                    /* places in the text, their lowest eight bits */
    uint8_t *are;                   /* bytes less '0' */
    char tail[2 * NSF_BLOCK_BYTES]; /* the last bytes of the text, up to a block, end in the middle: they can be read as
                                       the start of a block */
};

/* A tuple of which nothing is known: where it begins. */
struct nsf_place {
    size_t mark; /* its quote */
    size_t at;   /* the same in the text */
};

/* The processor waits for what the register of the result held before, though nothing of it is kept: it is emptied in a
 * way that the compiler may not leave out. */
NSF_VBMI_INLINE __m512i nsf_compress(uint64_t mask, __m512i bytes)
{
    __m512i empty = _mm512_setzero_si512();
    __asm__("" : "+v"(empty));
    return _mm512_mask_compress_epi8(empty, _cvtu64_mask64(mask), bytes);
}

/* Only the first letter of a run is left. */
NSF_VBMI_INLINE uint64_t nsf_drop_letters(__m512i bytes, uint64_t marks, uint64_t *before)
{
    uint64_t letters = _cvtmask64_u64(_mm512_cmpgt_epi8_mask(bytes, nsf_load_block(nsf_tuple_constants.nine)));
    uint64_t later = letters & (letters << 1 | *before);
    *before = letters >> 63;
    return marks & ~later;
}

/* Those of a block, of which the marks before are listed. How many they are. */
NSF_VBMI_INLINE size_t nsf_list_block(struct nsf_marks *marks, size_t n, __m512i bytes, __m512i places, uint64_t found)
{
    _mm512_storeu_si512(marks->at + n, nsf_compress(found, places));
    _mm512_storeu_si512(marks->are + n, nsf_compress(found, bytes));
    return (size_t)_mm_popcnt_u64(found);
}

/* Lists those of the first n_bytes of the text, up to a block without any: no tuple has so long a number, and distances
 * are known by their lowest bits only. */
NSF_VBMI_INLINE void nsf_list_marks(struct nsf_marks *marks, size_t n_bytes, bool has_word)
{
    const __m512i zero = nsf_load_block(nsf_tuple_constants.zero), nine = nsf_load_block(nsf_tuple_constants.nine);
    const char *text = marks->text.ptr;
    __m512i places = nsf_load_block(nsf_tuple_constants.first_places);
    uint64_t letters = 0, found = 1;
    size_t n = 1, from = 0;
    marks->at[0] = UINT8_MAX;
    marks->are[0] = NSF_MARK(',');
    for (; n_bytes - from >= NSF_BLOCK_BYTES; from += NSF_BLOCK_BYTES) {
        __m512i bytes = _mm512_add_epi8(nsf_load_block(text + from), zero);
        found = _cvtmask64_u64(_mm512_cmpgt_epu8_mask(bytes, nine));
        if (has_word)
            found = nsf_drop_letters(bytes, found, &letters);
        if (NSF_UNLIKELY(found == 0))
            break;
        n += nsf_list_block(marks, n, bytes, places, found);
        places = _mm512_add_epi8(places, _mm512_set1_epi8(NSF_BLOCK_BYTES));
    }
    if (found != 0 && from < n_bytes) {
        uint64_t there = _bzhi_u64(~UINT64_C(0), (uint32_t)(n_bytes - from));
        __m512i bytes = _mm512_add_epi8(_mm512_maskz_loadu_epi8(_cvtu64_mask64(there), text + from), zero);
        found = _cvtmask64_u64(_mm512_cmpgt_epu8_mask(bytes, nine)) & there;
        if (has_word)
            found = nsf_drop_letters(bytes, found, &letters);
        n += nsf_list_block(marks, n, bytes, places, found);
        from = n_bytes;
    }
    /* The comma behind the last tuple, which the last of an array has not. */
    marks->n_bytes = from;
    marks->at[n] = (uint8_t)from;
    marks->are[n] = NSF_MARK(',');
    marks->n = n + 1;
}

/* Of a block: the first byte that is no mark of a tuple and no digit, a bracket or one that no plain array has. */
NSF_VBMI_INLINE uint64_t nsf_find_end(__m512i text)
{
    __m512i above = _mm512_sub_epi8(text, _mm512_set1_epi8(NSF_SKIM_FROM));
    __mmask64 rest = _mm512_cmpge_epu8_mask(above, _mm512_set1_epi8(NSF_SKIM_TO - NSF_SKIM_FROM));
    if (NSF_LIKELY(_kortestz_mask64_u8(rest, rest)))
        return 0;
    return _cvtmask64_u64(_mm512_cmplt_epi8_mask(text, _mm512_set1_epi8(' '))) |
           _cvtmask64_u64(_mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('\\'))) |
           _cvtmask64_u64(_mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(']')));
}

/* Lists the marks from the start of the text to the first such byte. False: there is none, or a block without marks. */
NSF_VBMI_INLINE bool nsf_list_to_end(struct nsf_marks *marks, bool has_word)
{
    const __m512i zero = nsf_load_block(nsf_tuple_constants.zero), nine = nsf_load_block(nsf_tuple_constants.nine);
    const char *text = marks->text.ptr;
    __m512i places = nsf_load_block(nsf_tuple_constants.first_places);
    uint64_t letters = 0, end = 0;
    size_t n = 1, from = 0;
    marks->at[0] = UINT8_MAX;
    marks->are[0] = NSF_MARK(',');
    for (; marks->text.len - from >= NSF_BLOCK_BYTES && end == 0; from += NSF_BLOCK_BYTES) {
        __m512i block = nsf_load_block(text + from), bytes = _mm512_add_epi8(block, zero);
        uint64_t found = _cvtmask64_u64(_mm512_cmpgt_epu8_mask(bytes, nine));
        end = nsf_find_end(block);
        if (has_word)
            found = nsf_drop_letters(bytes, found, &letters);
        /* Its mark is listed even where a letter stands before it. */
        if (NSF_UNLIKELY(end != 0))
            found = (found & (end ^ (end - 1))) | (end & -end);
        if (NSF_UNLIKELY(found == 0))
            return false;
        n += nsf_list_block(marks, n, bytes, places, found);
        places = _mm512_add_epi8(places, _mm512_set1_epi8(NSF_BLOCK_BYTES));
    }
    if (end == 0)
        return false;
    /* The bracket stands where the comma behind the last tuple would. */
    marks->n_bytes = from - NSF_BLOCK_BYTES + (size_t)__builtin_ctzll(end);
    marks->are[n - 1] = NSF_MARK(',');
    marks->n = n;
    return text[marks->n_bytes] == ']';
}

/* Goes to the next quote. False: no other is listed. */
static inline bool nsf_go_to_quote(struct nsf_marks *marks, struct nsf_place *place)
{
    while (place->mark < marks->n && marks->are[place->mark] != NSF_MARK('"'))
        place->mark++;
    if (place->mark == marks->n) {
        place->at = marks->n_bytes;
        return false;
    }
    place->at += nsf_slice_find(nsf_slice_from(marks->text, place->at), '"');
    /* Whatever stands before it, blanks or nothing: a tuple may begin here. */
    marks->at[place->mark - 1] = (uint8_t)(marks->at[place->mark] - 1);
    return true;
}

/* How many of the n tuples from this mark on have the marks of the layout, numbers as long as they may be, and all
 * counters or none. */
NSF_VBMI_INLINE size_t nsf_count_shaped(const struct nsf_marks *marks, const struct nsf_tuple_shape *shape, size_t mark,
                                        size_t n)
{
    const uint32_t n_marks = shape->n_marks;
    const __m512i kind_of = nsf_load_block(shape->kind_of),
                  kind_of_more = nsf_load_block(shape->kind_of + NSF_BLOCK_BYTES);
    const __m512i kinds = nsf_load_block(shape->kinds), least = nsf_load_block(shape->least),
                  span = nsf_load_block(shape->span);
    const __mmask64 all = _cvtu64_mask64((UINT64_C(1) << NSF_SHAPE_ROWS * n_marks) - 1);
    const uint64_t later = UINT64_C(7) << (shape->counter + 1) | UINT64_C(7) << (n_marks + shape->counter + 1);
    for (size_t i = 0; i < n; i += NSF_SHAPE_ROWS, mark += NSF_SHAPE_ROWS * n_marks) {
        __m512i are = _mm512_permutex2var_epi8(kind_of, nsf_load_block(marks->are + mark), kind_of_more);
        __m512i distance = _mm512_sub_epi8(nsf_load_block(marks->at + mark), nsf_load_block(marks->at + mark - 1));
        __m512i above = _mm512_sub_epi8(distance, least);
        uint64_t wrong = _cvtmask64_u64(
            _kor_mask64(_mm512_mask_testn_epi8_mask(all, are, kinds), _mm512_mask_cmpgt_epu8_mask(all, above, span)));
        if (shape->counter > 0) {
            uint64_t empty = _cvtmask64_u64(_mm512_testn_epi8_mask(above, above));
            wrong |= (empty ^ empty << 1) & later;
        }
        if (wrong != 0) {
            size_t n_right = i + (size_t)__builtin_ctzll(wrong) / n_marks;
            return n_right < n ? n_right : n;
        }
    }
    return n;
}

#endif
#endif

#include "core/nsf_common.h"

#include "flow/tuple_x86.h"

#ifdef NSF_TUPLE_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx2,bmi,bmi2,popcnt")))
#define TARGET_INLINE TARGET static inline

TARGET_INLINE struct nsf_skim_masks look_skim(const char *block)
{
    __m512i bytes = _mm512_loadu_si512(block);
    __m512i above = _mm512_sub_epi8(bytes, _mm512_set1_epi8(NSF_SKIM_FROM));
    return (struct nsf_skim_masks){
        .quotes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"')),
        .commas = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(',')),
        .rest = _mm512_cmpge_epu8_mask(above, _mm512_set1_epi8(NSF_SKIM_TO - NSF_SKIM_FROM)),
    };
}

TARGET_INLINE struct nsf_skim_ends look_closer(const char *block)
{
    __m512i bytes = _mm512_loadu_si512(block);
    return (struct nsf_skim_ends){
        .closers = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(']')),
        .odd = _mm512_cmplt_epi8_mask(bytes, _mm512_set1_epi8(' ')) |
               _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\\')),
    };
}

/* Bytes that a tuple may have: class bits by high and by low half, which have one in common. */
TARGET_INLINE uint64_t plain_bytes(__m512i bytes)
{
    const __m512i by_high = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 0, 1, 2, 4, 8, 4, 16, 0, 0, 0, 0, 0, 0, 0, 0));
    const __m512i by_low =
        _mm512_broadcast_i32x4(_mm_setr_epi8(26, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 4, 5, 5, 5, 12));
    const __m512i nibble = _mm512_set1_epi8(15);
    __m512i high = _mm512_shuffle_epi8(by_high, _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble));
    __m512i low = _mm512_shuffle_epi8(by_low, _mm512_and_si512(bytes, nibble));
    return _mm512_test_epi8_mask(high, low);
}

TARGET_INLINE struct nsf_tuple_masks look_tuple(const char *block)
{
    __m512i bytes = _mm512_loadu_si512(block);
    return (struct nsf_tuple_masks){
        .quotes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"')),
        .commas = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(',')),
        .dots = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('.')),
        .odd = ~plain_bytes(bytes),
    };
}

NSF_TUPLE_VARIANT(avx512, TARGET, nsf_addresses_avx2, nsf_numbers_avx2);

#endif

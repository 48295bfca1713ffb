/*
 * tuple_x86.h - addresses and numbers of a canonical tuple, all at once with AVX2: shared by the variants that have it.
 */
#ifndef NSF_TUPLE_X86_H
#define NSF_TUPLE_X86_H

#include "flow/tuple_vector.h"

#ifdef NSF_TUPLE_X86

#include <immintrin.h>

#define NSF_AVX2_INLINE __attribute__((target("avx2,bmi,bmi2,popcnt"))) static inline

/* Eight parts of four bytes: hundreds, tens, ones, nothing. Where each digit stands follows from where the part ends.
 */
NSF_AVX2_INLINE bool nsf_addresses_avx2(const char *text, const uint8_t *sep, struct nsf_tuple *tuple)
{
    const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6,
                                            6, 6, 6, 7, 7, 7, 7);
    const __m256i place = _mm256_set1_epi32(0x00fffefd); /* -3, -2, -1 */
    const __m256i not_last = _mm256_set1_epi32(0x0000ffff), no_digit = _mm256_set1_epi32((int)0xff000000);
    const __m256i weights = _mm256_set1_epi32(0x00010a64); /* 100, 10, 1, 0 */
    size_t src = sep[NSF_SEP_TIME] + 1u, dst = sep[NSF_SEP_SRC] + 1u;
    __m256i ends = _mm256_shuffle_epi8(_mm256_set1_epi64x((long long)nsf_load64((const char *)sep + 1)), spread);
    __m256i before = _mm256_shuffle_epi8(_mm256_set1_epi64x((long long)nsf_load64((const char *)sep)), spread);
    __m256i starts = _mm256_set_m128i(_mm_set1_epi8((char)dst), _mm_set1_epi8((char)src));
    __m256i bytes = _mm256_set_m128i(_mm_loadu_si128((const __m128i *)(const void *)(text + dst)),
                                     _mm_loadu_si128((const __m128i *)(const void *)(text + src)));
    __m256i at = _mm256_add_epi8(ends, place);
    __m256i is_digit = _mm256_andnot_si256(no_digit, _mm256_cmpgt_epi8(at, before));
    __m256i from = _mm256_or_si256(_mm256_sub_epi8(at, starts), _mm256_xor_si256(is_digit, _mm256_set1_epi8(-1)));
    __m256i digits = _mm256_shuffle_epi8(_mm256_xor_si256(bytes, _mm256_set1_epi8('0')), from);
    __m256i value = _mm256_madd_epi16(_mm256_maddubs_epi16(digits, weights), _mm256_set1_epi16(1));
    /* One to three digits each, no zero in front, at most 255. */
    __m256i len = _mm256_sub_epi8(ends, before);
    __m256i wrong =
        _mm256_or_si256(_mm256_cmpgt_epi8(len, _mm256_set1_epi8(4)), _mm256_cmpgt_epi8(_mm256_set1_epi8(2), len));
    wrong = _mm256_or_si256(wrong, _mm256_subs_epu8(digits, _mm256_set1_epi8(9)));
    __m256i is_first = _mm256_cmpeq_epi8(at, _mm256_add_epi8(before, _mm256_set1_epi8(1)));
    __m256i is_zero = _mm256_cmpeq_epi8(digits, _mm256_setzero_si256());
    wrong = _mm256_or_si256(wrong, _mm256_and_si256(_mm256_and_si256(is_first, is_zero), not_last));
    wrong = _mm256_or_si256(wrong, _mm256_cmpgt_epi32(value, _mm256_set1_epi32(255)));
    if (!_mm256_testz_si256(wrong, wrong))
        return false;
    const __m256i pack = _mm256_setr_epi8(12, 8, 4, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 12, 8, 4, 0, -1,
                                          -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    value = _mm256_shuffle_epi8(value, pack);
    tuple->src = nsf_ip_from_v4((uint32_t)_mm256_extract_epi32(value, 0));
    tuple->dst = nsf_ip_from_v4((uint32_t)_mm256_extract_epi32(value, 4));
    return true;
}

/* Four numbers: each lane holds the eight bytes before the end of one. */
NSF_AVX2_INLINE __m256i nsf_four_numbers(const char *text, const uint8_t *from, const uint8_t *to, __m256i *wrong)
{
    __m256i bytes =
        _mm256_setr_epi64x((long long)nsf_load64(text + to[0] - 8), (long long)nsf_load64(text + to[1] - 8),
                           (long long)nsf_load64(text + to[2] - 8), (long long)nsf_load64(text + to[3] - 8));
    uint32_t ends, starts;
    memcpy(&ends, to, sizeof(ends));
    memcpy(&starts, from, sizeof(starts));
    __m256i len = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128((int)(ends - starts))); /* no byte borrows: from <= to */
    __m256i shift = _mm256_sub_epi64(_mm256_set1_epi64x(64), _mm256_slli_epi64(len, 3));
    __m256i digits = _mm256_xor_si256(bytes, _mm256_set1_epi8('0'));
    digits = _mm256_sllv_epi64(_mm256_srlv_epi64(digits, shift), shift);
    *wrong = _mm256_or_si256(*wrong, _mm256_subs_epu8(digits, _mm256_set1_epi8(9)));
    __m256i pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x010a));
    __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00010064));
    __m256i high = _mm256_mul_epu32(fours, _mm256_set1_epi64x(10000));
    return _mm256_add_epi64(high, _mm256_srli_epi64(fours, 32));
}

NSF_AVX2_INLINE bool nsf_numbers_avx2(const char *text, struct nsf_numbers *numbers)
{
    __m256i wrong = _mm256_setzero_si256();
    __m256i low = nsf_four_numbers(text, numbers->from, numbers->to, &wrong);
    __m256i high = nsf_four_numbers(text, numbers->from + 4, numbers->to + 4, &wrong);
    _mm256_storeu_si256((__m256i *)(void *)numbers->value, low);
    _mm256_storeu_si256((__m256i *)(void *)(numbers->value + 4), high);
    return _mm256_testz_si256(wrong, wrong) != 0;
}

#endif
#endif

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

/* Four numbers: each lane holds the eight bytes before the end of one, and how many of them count. */
NSF_AVX2_INLINE __m256i nsf_four_numbers(__m256i bytes, __m256i len, __m256i *wrong)
{
    __m256i shift = _mm256_sub_epi64(_mm256_set1_epi64x(64), _mm256_slli_epi64(len, 3));
    __m256i digits = _mm256_xor_si256(bytes, _mm256_set1_epi8('0'));
    digits = _mm256_sllv_epi64(_mm256_srlv_epi64(digits, shift), shift);
    *wrong = _mm256_or_si256(*wrong, _mm256_subs_epu8(digits, _mm256_set1_epi8(9)));
    __m256i pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x010a));
    __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00010064));
    __m256i high = _mm256_mul_epu32(fours, _mm256_set1_epi64x(10000));
    return _mm256_add_epi64(high, _mm256_srli_epi64(fours, 32));
}

NSF_AVX2_INLINE long long nsf_before(const char *text, uint8_t end)
{
    return (long long)nsf_load64(text + end - 8);
}

NSF_AVX2_INLINE bool nsf_numbers_avx2(const char *text, const uint8_t *sep, uint64_t ports[2], struct nsf_tuple *tuple)
{
    /* Of the separators from the end of the addresses on: those behind and those before each number. */
    const __m128i behind = _mm_setr_epi8(1, 2, 7, 8, 9, 10, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m128i ahead = _mm_setr_epi8(0, 1, 6, 7, 8, 9, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m128i most = _mm_setr_epi8(5, 5, 8, 8, 8, 8, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127);
    const __m128i one = _mm_setr_epi8(1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    __m128i marks = _mm_loadu_si128((const __m128i *)(const void *)(sep + NSF_SEP_DST));
    __m128i len = _mm_sub_epi8(_mm_sub_epi8(_mm_shuffle_epi8(marks, behind), _mm_shuffle_epi8(marks, ahead)), one);
    int empty = _mm_movemask_epi8(_mm_cmpeq_epi8(len, _mm_setzero_si128())) & 63;
    if (_mm_movemask_epi8(_mm_cmpgt_epi8(len, most)) != 0 || (empty != 0 && empty != 60))
        return false;
    tuple->has_counters = empty == 0;
    __m256i wrong = _mm256_setzero_si256();
    __m256i low =
        _mm256_setr_epi64x(nsf_before(text, sep[NSF_SEP_SRC_PORT]), nsf_before(text, sep[NSF_SEP_DST_PORT]),
                           nsf_before(text, sep[NSF_SEP_STATE + 1]), nsf_before(text, sep[NSF_SEP_STATE + 2]));
    __m256i high =
        _mm256_setr_epi64x(nsf_before(text, sep[NSF_SEP_STATE + 3]), nsf_before(text, sep[NSF_SEP_END]), 0, 0);
    low = nsf_four_numbers(low, _mm256_cvtepu8_epi64(len), &wrong);
    high = nsf_four_numbers(high, _mm256_cvtepu8_epi64(_mm_srli_si128(len, 4)), &wrong);
    _mm_storeu_si128((__m128i *)(void *)ports, _mm256_castsi256_si128(low));
    _mm_storeu_si128((__m128i *)(void *)tuple->counters, _mm256_extracti128_si256(low, 1));
    _mm_storeu_si128((__m128i *)(void *)(tuple->counters + 2), _mm256_castsi256_si128(high));
    return _mm256_testz_si256(wrong, wrong) != 0;
}

#endif
#endif

#include "core/nsf_common.h"

#include "flow/tuple_x86.h"

#ifdef NSF_TUPLE_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define TARGET_INLINE TARGET static inline

struct halves {
    __m256i low;
    __m256i high;
};

TARGET_INLINE struct halves load(const char *block)
{
    return (struct halves){_mm256_loadu_si256((const __m256i *)(const void *)block),
                           _mm256_loadu_si256((const __m256i *)(const void *)(block + 32))};
}

TARGET_INLINE uint64_t bits_of(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

TARGET_INLINE struct halves equal(struct halves bytes, char c)
{
    const __m256i all = _mm256_set1_epi8(c);
    return (struct halves){_mm256_cmpeq_epi8(bytes.low, all), _mm256_cmpeq_epi8(bytes.high, all)};
}

TARGET_INLINE uint64_t where(struct halves bytes, char c)
{
    struct halves found = equal(bytes, c);
    return bits_of(found.low, found.high);
}

TARGET_INLINE struct halves either(struct halves a, struct halves b)
{
    return (struct halves){_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
}

/* All ones where a byte is to be looked at closer. */
TARGET_INLINE __m256i rest_of(__m256i bytes)
{
    const __m256i least = _mm256_set1_epi8(NSF_SKIM_TO - NSF_SKIM_FROM);
    __m256i above = _mm256_sub_epi8(bytes, _mm256_set1_epi8(NSF_SKIM_FROM));
    return _mm256_cmpeq_epi8(_mm256_max_epu8(above, least), above);
}

TARGET_INLINE struct nsf_skim_masks look_skim(const char *block)
{
    struct halves bytes = load(block);
    return (struct nsf_skim_masks){
        .quotes = where(bytes, '"'),
        .commas = where(bytes, ','),
        .rest = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(rest_of(bytes.low), rest_of(bytes.high))),
    };
}

TARGET_INLINE struct nsf_skim_ends look_closer(const char *block)
{
    struct halves bytes = load(block);
    const __m256i blank = _mm256_set1_epi8(' ');
    struct halves control = {_mm256_cmpgt_epi8(blank, bytes.low), _mm256_cmpgt_epi8(blank, bytes.high)};
    struct halves odd = either(control, equal(bytes, '\\'));
    return (struct nsf_skim_ends){.closers = where(bytes, ']'), .odd = bits_of(odd.low, odd.high)};
}

/* All ones where a byte is one that no tuple has: class bits by its high and by its low half have none in common. */
TARGET_INLINE __m256i odd_bytes(__m256i bytes)
{
    const __m256i by_high = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 0, 1, 2, 4, 8, 4, 16, 0, 0, 0, 0, 0, 0, 0, 0));
    const __m256i by_low =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(26, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 4, 5, 5, 5, 12));
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i high = _mm256_shuffle_epi8(by_high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble));
    __m256i low = _mm256_shuffle_epi8(by_low, _mm256_and_si256(bytes, nibble));
    return _mm256_cmpeq_epi8(_mm256_and_si256(high, low), _mm256_setzero_si256());
}

TARGET_INLINE struct nsf_tuple_masks look_tuple(const char *block)
{
    struct halves bytes = load(block);
    return (struct nsf_tuple_masks){
        .quotes = where(bytes, '"'),
        .commas = where(bytes, ','),
        .dots = where(bytes, '.'),
        .odd = bits_of(odd_bytes(bytes.low), odd_bytes(bytes.high)),
    };
}

NSF_TUPLE_VARIANT(avx2, TARGET, nsf_addresses_avx2, nsf_numbers_avx2);

#endif

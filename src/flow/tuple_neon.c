#include "core/nsf_common.h"

#include "flow/tuple_vector.h"

#ifdef NSF_TUPLE_NEON

#include <arm_neon.h>

struct quarters {
    uint8x16_t at[4];
};

NSF_INLINE struct quarters load(const char *block)
{
    const uint8_t *bytes = (const uint8_t *)block;
    return (struct quarters){{vld1q_u8(bytes), vld1q_u8(bytes + 16), vld1q_u8(bytes + 32), vld1q_u8(bytes + 48)}};
}

/* One bit a byte that is all ones. */
NSF_INLINE uint64_t bits_of(struct quarters set)
{
    const uint8x16_t weights = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t low = vpaddq_u8(vandq_u8(set.at[0], weights), vandq_u8(set.at[1], weights));
    uint8x16_t high = vpaddq_u8(vandq_u8(set.at[2], weights), vandq_u8(set.at[3], weights));
    uint8x16_t sums = vpaddq_u8(low, high);
    sums = vpaddq_u8(sums, sums);
    return vgetq_lane_u64(vreinterpretq_u64_u8(sums), 0);
}

NSF_INLINE uint64_t where(struct quarters bytes, char c)
{
    const uint8x16_t all = vdupq_n_u8((uint8_t)c);
    for (unsigned i = 0; i < 4; i++)
        bytes.at[i] = vceqq_u8(bytes.at[i], all);
    return bits_of(bytes);
}

NSF_INLINE struct nsf_skim_masks look_skim(const char *block)
{
    struct quarters bytes = load(block);
    uint8x16_t highest = vdupq_n_u8(0);
    for (unsigned i = 0; i < 4; i++)
        highest = vmaxq_u8(highest, vsubq_u8(bytes.at[i], vdupq_n_u8(NSF_SKIM_FROM)));
    return (struct nsf_skim_masks){
        .quotes = where(bytes, '"'),
        .commas = where(bytes, ','),
        .rest = vmaxvq_u8(highest) >= NSF_SKIM_TO - NSF_SKIM_FROM,
    };
}

NSF_INLINE struct nsf_skim_ends look_closer(const char *block)
{
    struct quarters bytes = load(block), odd;
    for (unsigned i = 0; i < 4; i++) {
        uint8x16_t control = vcltq_u8(bytes.at[i], vdupq_n_u8(' '));
        uint8x16_t high = vcgeq_u8(bytes.at[i], vdupq_n_u8(0x80));
        odd.at[i] = vorrq_u8(vorrq_u8(control, high), vceqq_u8(bytes.at[i], vdupq_n_u8('\\')));
    }
    return (struct nsf_skim_ends){.closers = where(bytes, ']'), .odd = bits_of(odd)};
}

/* Bytes that no tuple has: class bits by high and by low half, which have none in common. */
NSF_INLINE uint8x16_t odd_bytes(uint8x16_t bytes)
{
    const uint8x16_t by_high = {0, 0, 1, 2, 4, 8, 4, 16, 0, 0, 0, 0, 0, 0, 0, 0};
    const uint8x16_t by_low = {26, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 4, 5, 5, 5, 12};
    uint8x16_t high = vqtbl1q_u8(by_high, vshrq_n_u8(bytes, 4));
    uint8x16_t low = vqtbl1q_u8(by_low, vandq_u8(bytes, vdupq_n_u8(15)));
    return vceqq_u8(vandq_u8(high, low), vdupq_n_u8(0));
}

NSF_INLINE struct nsf_tuple_masks look_tuple(const char *block)
{
    struct quarters bytes = load(block), odd;
    for (unsigned i = 0; i < 4; i++)
        odd.at[i] = odd_bytes(bytes.at[i]);
    return (struct nsf_tuple_masks){
        .quotes = where(bytes, '"'),
        .commas = where(bytes, ','),
        .dots = where(bytes, '.'),
        .odd = bits_of(odd),
    };
}

/* Up to eight digits between two separators, none of them a reason to fail but a byte that is no digit. */
NSF_INLINE uint64_t number_before(const char *text, size_t end, size_t len, uint64_t *bad)
{
    uint64_t digits = len == 0 ? 0 : (nsf_load64(text + end - 8) ^ NSF_ZEROS) >> (64 - 8 * len) << (64 - 8 * len);
    *bad |= nsf_non_digits(digits);
    return nsf_sum_digits(digits);
}

/* One to three digits, no zero in front, at most 255. */
NSF_INLINE uint32_t part_at(const char *text, size_t from, size_t to, uint64_t *bad)
{
    size_t len = to - from;
    uint32_t value = 0;
    *bad |= len - 1 > 2;
    for (size_t i = 0; i < 3 && i < len; i++) {
        uint32_t digit = (uint32_t)(uint8_t)text[from + i] - '0';
        *bad |= digit > 9;
        value = value * 10 + digit;
    }
    *bad |= (len > 1 && text[from] == '0') || value > 255;
    return value;
}

static inline bool addresses_at(const char *text, const uint8_t *sep, struct nsf_tuple *tuple)
{
    uint32_t v4[2] = {0, 0};
    uint64_t bad = 0;
    for (unsigned i = 0; i < 8; i++)
        v4[i / 4] = v4[i / 4] << 8 | (part_at(text, sep[i] + 1u, sep[i + 1], &bad) & 255);
    tuple->src = nsf_ip_from_v4(v4[0]);
    tuple->dst = nsf_ip_from_v4(v4[1]);
    return bad == 0;
}

static inline bool numbers_at(const char *text, const uint8_t *sep, uint64_t ports[2], struct nsf_tuple *tuple)
{
    uint64_t bad = 0;
    unsigned n_empty = 0;
    for (unsigned i = 0; i < 2; i++) {
        size_t end = sep[NSF_SEP_SRC_PORT + i], len = end - sep[NSF_SEP_DST + i] - 1u;
        if (len - 1 > 4)
            return false;
        ports[i] = number_before(text, end, len, &bad);
    }
    for (unsigned i = 0; i < 4; i++) {
        size_t end = sep[NSF_SEP_STATE + 1 + i], len = end - sep[NSF_SEP_STATE + i] - 1u;
        if (len > 8)
            return false;
        n_empty += len == 0;
        tuple->counters[i] = number_before(text, end, len, &bad);
    }
    tuple->has_counters = n_empty == 0;
    return bad == 0 && (n_empty == 0 || n_empty == 4);
}

NSF_TUPLE_VARIANT(neon, , addresses_at, numbers_at);

#endif

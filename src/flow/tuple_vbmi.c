#include "core/nsf_common.h"

#include "flow/tuple_vector.h"

#ifdef NSF_TUPLE_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx2,bmi,bmi2,popcnt")))
#define TARGET_INLINE TARGET static inline __attribute__((always_inline))

/* The marks of a tuple are its bytes that are no digits, in their order, from the quote in front of it to the one
 * behind it. Where Azure wrote the tuple, what they are is known but for a few letters; where they stand says how long
 * every number is, and that nothing else is there. A run of letters is one mark. */
#define MARKS_ROOM 32u
enum {
    MARK_STAMP = 1,
    MARK_SRC_PORT = 10,
    MARK_DST_PORT = 11,
    MARK_PROTOCOL = 12,
    MARK_VNET_DIRECTION = 13, /* of virtual network flow logs */
    MARK_WORD = 17,           /* of these, too: what they say of encryption */
    MARK_NONE = 31, /* no tuple has so many */
};
#define QUOTED_MAX_BYTES ((size_t)2 * NSF_BLOCK_BYTES)
/* Tuples whose marks are found before the first of them is taken: from end to end a tuple is a long chain of
 * instructions, and the processor looks no further ahead than two of them. */
#define TUPLES_AHEAD 16u

/* Bytes of an array whose quotes are listed together, and room for their places: all of them, and what is written
 * behind the last. */
#define LISTED_BYTES ((size_t)4096)
#define LISTED_QUOTES (LISTED_BYTES + NSF_BLOCK_BYTES)

/* Tuples in a part of an array. */
struct listed {
    const char *bytes;
    size_t n_quotes;                              /* of whole tuples */
    uint16_t places[LISTED_QUOTES];               /* of quotes */
    uint8_t marks[TUPLES_AHEAD][NSF_BLOCK_BYTES]; /* places of marks, from the quote in front on: of the tuples that */
    size_t marked_from;                           /* begin with this quote */
    size_t marked_to;                             /* up to this one */
};

/* ---- tables ---- */

#define FOUR(x) x, x, x, x
#define EIGHT(x) FOUR(x), FOUR(x)
#define SIXTY_FOUR(x) EIGHT(x), EIGHT(x), EIGHT(x), EIGHT(x), EIGHT(x), EIGHT(x), EIGHT(x), EIGHT(x)
#define EIGHT_FROM(x) x, (x) + 1, (x) + 2, (x) + 3, (x) + 4, (x) + 5, (x) + 6, (x) + 7
#define SIXTY_FOUR_FROM(x)                                                                                             \
    EIGHT_FROM(x), EIGHT_FROM((x) + 8), EIGHT_FROM((x) + 16), EIGHT_FROM((x) + 24), EIGHT_FROM((x) + 32),              \
        EIGHT_FROM((x) + 40), EIGHT_FROM((x) + 48), EIGHT_FROM((x) + 56)

/* Which digit goes where in a block of numbers: those of parts of addresses in four bytes, longer ones in eight. */
struct lanes {
    uint8_t mark[NSF_BLOCK_BYTES];   /* that ends the number */
    uint8_t before[NSF_BLOCK_BYTES]; /* the mark before it */
    int8_t place[NSF_BLOCK_BYTES];   /* of the digit, from where the number ends; NO_PLACE: none goes here */
};
#define NO_PLACE (-128)
#define PART_PLACES -3, -2, -1, NO_PLACE
#define NUMBER_PLACES -8, -7, -6, -5, -4, -3, -2, -1
#define PART_LEADING -4, -3, NO_PLACE, NO_PLACE
#define PART_WEIGHTS 100, 10, 1, 0
#define NUMBER_WEIGHTS 10, 1, 10, 1, 10, 1, 10, 1
#define NUMBER_PAIR_WEIGHTS 100, 1, 100, 1

/* How the tuples of a layout look. Each mark is one of up to four bytes; `least` and `most` digits stand before it. */
struct shape {
    char marks[4][MARKS_ROOM];
    uint8_t least[MARKS_ROOM];
    uint8_t most[MARKS_ROOM];
    uint32_t n_marks;
    uint32_t direction; /* marks */
    uint32_t decision;
    uint32_t state;                   /* MARK_NONE: has none */
    bool has_word;                    /* at MARK_WORD */
    uint32_t counters;                /* which of the marks end one, a bit each */
    uint8_t events[8];                /* denied: bit 0; state is the first, the third of what it may be: bits 1 and 2 */
    _Alignas(64) struct lanes counts; /* the stamp in two numbers, the second of eight digits, and the counters */
};

#define ADDRESSES_LEAST 0, 10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
#define ADDRESSES_MOST 0, 13, 3, 3, 3, 3, 3, 3, 3, 3, 5, 5
/* Of more digits than can be summed here, but too few for an overflow. */
#define COUNTERS_MOST 19, 19, 19, 19
#define WORD_MOST 64
#define EVENTS(other)                                                                                                  \
    {                                                                                                                  \
        other, NSF_FLOW_DENIED, NSF_FLOW_BEGIN, NSF_FLOW_DENIED, NSF_FLOW_CONTINUE, NSF_FLOW_DENIED, other,            \
            NSF_FLOW_DENIED                                                                                            \
    }
#define STAMP_PLACES -16, -15, -14, -13, -12, -11, -10, -9, NUMBER_PLACES
#define STAMP_LANES                                                                                                    \
    {                                                                                                                  \
        .mark = {EIGHT(MARK_STAMP), EIGHT(MARK_STAMP)},                                                                \
        .place = {STAMP_PLACES,    EIGHT(NO_PLACE), EIGHT(NO_PLACE), EIGHT(NO_PLACE),                                  \
                  EIGHT(NO_PLACE), EIGHT(NO_PLACE), EIGHT(NO_PLACE)},                                                  \
    }
#define COUNT_LANES(first)                                                                                             \
    {                                                                                                                  \
        .mark = {EIGHT(MARK_STAMP),  EIGHT(MARK_STAMP),  EIGHT(first),                                                 \
                 EIGHT((first) + 1), EIGHT((first) + 2), EIGHT((first) + 3)},                                          \
        .before = {EIGHT(0), EIGHT(0), EIGHT((first)-1), EIGHT(first), EIGHT((first) + 1), EIGHT((first) + 2)},        \
        .place = {STAMP_PLACES,  NUMBER_PLACES,   NUMBER_PLACES,  NUMBER_PLACES,                                       \
                  NUMBER_PLACES, EIGHT(NO_PLACE), EIGHT(NO_PLACE)},                                                    \
    }

static const struct shape shapes[NSF_LAYOUTS] = {
    [NSF_LAYOUT_NSG1] =
        {
            .marks = {"\",...,...,,,T,I,A\"", {[12] = 'U', [14] = 'O', [16] = 'D'}},
            .least = {ADDRESSES_LEAST},
            .most = {ADDRESSES_MOST},
            .n_marks = 18,
            .direction = 14,
            .decision = 16,
            .state = MARK_NONE,
            .events = EVENTS(NSF_FLOW_LINE),
            .counts = STAMP_LANES,
        },
    [NSF_LAYOUT_NSG2] =
        {
            .marks = {"\",...,...,,,T,I,A,B,,,,\"", {[12] = 'U', [14] = 'O', [16] = 'D'}, {[18] = 'C'}, {[18] = 'E'}},
            .least = {ADDRESSES_LEAST},
            .most = {ADDRESSES_MOST, 0, 0, 0, 0, 0, 0, 0, 0, COUNTERS_MOST},
            .n_marks = 24,
            .direction = 14,
            .decision = 16,
            .state = 18,
            .counters = UINT32_C(15) << 20,
            .events = EVENTS(NSF_FLOW_END),
            .counts = COUNT_LANES(20),
        },
    [NSF_LAYOUT_VNET4] =
        {
            .marks = {"\",...,...,,,,I,B,N,,,,\"", {[13] = 'O', [15] = 'D', [17] = 'X'}, {[15] = 'C'}, {[15] = 'E'}},
            .least = {ADDRESSES_LEAST, 1},
            .most = {ADDRESSES_MOST, 3, 0, 0, 0, 0, 0, WORD_MOST, COUNTERS_MOST},
            .n_marks = 23,
            .direction = MARK_VNET_DIRECTION,
            .decision = 15,
            .state = 15,
            .has_word = true,
            .counters = UINT32_C(15) << 19,
            .events = EVENTS(NSF_FLOW_END),
            .counts = COUNT_LANES(19),
        },
};

/* Where functions take them from that do not see them: those they do see gcc puts together again for each tuple. */
struct constants {
    _Alignas(64) uint8_t zero[NSF_BLOCK_BYTES];
    uint8_t nine[NSF_BLOCK_BYTES];
    uint8_t first_block[NSF_BLOCK_BYTES];
    uint8_t second_block[NSF_BLOCK_BYTES];
    struct lanes ends;               /* eight parts of addresses, two ports, the protocol */
    int8_t leading[NSF_BLOCK_BYTES]; /* what stands before a digit that is 0 in the number 0 only */
    int8_t ends_weights[NSF_BLOCK_BYTES];
    int16_t ends_pair_weights[NSF_BLOCK_BYTES / 2];
    int8_t weights[NSF_BLOCK_BYTES];
    int16_t pair_weights[NSF_BLOCK_BYTES / 2];
    uint64_t ten_thousand[NSF_BLOCK_BYTES / 8];
    uint32_t most[NSF_BLOCK_BYTES / 4];
    uint8_t as_contact[NSF_BLOCK_BYTES]; /* from the values */
    uint8_t mark_before[MARKS_ROOM];
    uint8_t one[MARKS_ROOM];
};

#define TIMES_EIGHT(what) what, what, what, what, what, what, what, what
#define ZERO_BYTE 3 /* of the values: the highest of a small one */
#define PORT_BYTE 40
#define PORT_VALUES 0x30 /* of eight bytes, a bit each */

static const struct constants all_constants =
    {
        .zero = {SIXTY_FOUR('0')},
        .nine = {SIXTY_FOUR(9)},
        .first_block = {SIXTY_FOUR_FROM(0)},
        .second_block = {SIXTY_FOUR_FROM(64)},
        .ends =
            {
                .mark = {FOUR(2), FOUR(3), FOUR(4), FOUR(5), FOUR(6), FOUR(7), FOUR(8), FOUR(9), EIGHT(MARK_SRC_PORT),
                         EIGHT(MARK_DST_PORT), FOUR(MARK_PROTOCOL)},
                .before = {FOUR(1), FOUR(2), FOUR(3), FOUR(4), FOUR(5), FOUR(6), FOUR(7), FOUR(8),
                           EIGHT(MARK_SRC_PORT - 1), EIGHT(MARK_DST_PORT - 1), FOUR(MARK_PROTOCOL - 1)},
                .place = {TIMES_EIGHT(PART_PLACES), NUMBER_PLACES, NUMBER_PLACES, PART_PLACES, FOUR(NO_PLACE),
                          EIGHT(NO_PLACE)},
            },
        .leading = {TIMES_EIGHT(PART_LEADING), EIGHT(NO_PLACE), EIGHT(NO_PLACE), EIGHT(NO_PLACE), EIGHT(NO_PLACE)},
        .ends_weights = {TIMES_EIGHT(PART_WEIGHTS), NUMBER_WEIGHTS, NUMBER_WEIGHTS, PART_WEIGHTS},
        .ends_pair_weights = {EIGHT(1), EIGHT(1), NUMBER_PAIR_WEIGHTS, NUMBER_PAIR_WEIGHTS, 1, 1},
        .weights = {TIMES_EIGHT(NUMBER_WEIGHTS)},
        .pair_weights = {TIMES_EIGHT(NUMBER_PAIR_WEIGHTS)},
        .ten_thousand = {EIGHT(10000)},
        .most = {EIGHT(UINT8_MAX), UINT16_MAX, 0, UINT16_MAX, 0, UINT8_MAX},
        .as_contact = {12, 8, 4, 0, 28, 24, 20, 16, FOUR(ZERO_BYTE), PORT_BYTE, PORT_BYTE + 1, 48, ZERO_BYTE},
        .mark_before = {0xff, EIGHT_FROM(0), EIGHT_FROM(8), EIGHT_FROM(16), 24, 25, 26, 27, 28, 29, 30},
        .one = {EIGHT(1), EIGHT(1), EIGHT(1), EIGHT(1)},
};

/* What is the same for all tuples of an array, kept in registers: nobody but the loop over them has its address. */
struct context {
    const struct constants *constants;
    struct nsf_tuple_target *target;
    bool is_strict;
    bool takes_contacts;
    bool has_stamps;
    __m256i first_marks; /* of the shape, less '0' as the bytes of the tuple */
    __m256i second_marks;
    __m256i third_marks;
    __m256i fourth_marks;
    __m256i least; /* one more: distances of marks */
    __m256i span;
    __m128i group; /* as a contact has it */
    __m512i zero;
    __m512i nine;
    __m512i first_block;
    __m512i second_block;
    __m256i mark_before;
    __m512i ends_mark;
    __m512i ends_before;
    __m512i ends_weights;
    __m512i ten_thousand;
    __m512i as_contact;
};

TARGET_INLINE __m256i load32(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

TARGET_INLINE __m512i load64(const void *from)
{
    return _mm512_loadu_si512(from);
}

TARGET_INLINE void set_context(struct context *context, const struct constants *constants, const struct shape *shape,
                               struct nsf_tuple_target *target)
{
    context->constants = constants;
    context->target = target;
    context->is_strict = target->is_strict;
    context->takes_contacts = !target->is_smtp_only;
    context->has_stamps = target->batch->has_stamps;
    context->zero = load64(constants->zero);
    __m256i zero = _mm512_castsi512_si256(context->zero);
    context->first_marks = _mm256_sub_epi8(load32(shape->marks[0]), zero);
    context->second_marks = _mm256_sub_epi8(load32(shape->marks[1]), zero);
    context->third_marks = _mm256_sub_epi8(load32(shape->marks[2]), zero);
    context->fourth_marks = _mm256_sub_epi8(load32(shape->marks[3]), zero);
    context->least = _mm256_add_epi8(load32(shape->least), load32(constants->one));
    context->span = _mm256_sub_epi8(load32(shape->most), load32(shape->least));
    context->group = _mm_set_epi32(0, (int)target->group_idx, 0, 0);
    context->nine = load64(constants->nine);
    context->first_block = load64(constants->first_block);
    context->second_block = load64(constants->second_block);
    context->mark_before = load32(constants->mark_before);
    context->ends_mark = load64(constants->ends.mark);
    context->ends_before = load64(constants->ends.before);
    context->ends_weights = load64(constants->ends_weights);
    context->ten_thousand = load64(constants->ten_thousand);
    context->as_contact = load64(constants->as_contact);
}

/* ---- one tuple ---- */

struct seen {
    __m512i low; /* the bytes less '0': digits are their values */
    __m512i high;
    __m512i at;        /* places of the marks */
    __m256i distance;  /* of each mark from the one before */
    uint32_t is_first; /* which marks are the first of what they may be, the second, one of them */
    uint32_t is_second;
    uint32_t is_any;
    __m256i is_third; /* all ones */
};

/* Only the first letter of a run is left. */
TARGET_INLINE void drop_letters(const struct context *context, const struct seen *seen, __mmask64 *low, __mmask64 *high)
{
    uint64_t letters = _cvtmask64_u64(_mm512_cmpgt_epi8_mask(seen->low, context->nine));
    uint64_t more = _cvtmask64_u64(_mm512_cmpgt_epi8_mask(seen->high, context->nine));
    *low = _kandn_mask64(_cvtu64_mask64(letters & letters << 1), *low);
    *high = _kandn_mask64(_cvtu64_mask64(more & (more << 1 | letters >> 63)), *high);
}

/* The bytes of the tuple behind a quote, and what follows: QUOTED_MAX_BYTES. */
TARGET_INLINE void take_bytes(const struct context *context, const char *quote, struct seen *seen)
{
    seen->low = _mm512_sub_epi8(load64(quote), context->zero);
    seen->high = _mm512_sub_epi8(load64(quote + NSF_BLOCK_BYTES), context->zero);
}

/* Where its marks are. */
TARGET_INLINE __m512i find_marks(const struct context *context, const struct shape *shape, const char *quote)
{
    struct seen seen;
    take_bytes(context, quote, &seen);
    __mmask64 low = _mm512_cmpgt_epu8_mask(seen.low, context->nine);
    __mmask64 high = _mm512_cmpgt_epu8_mask(seen.high, context->nine);
    if (shape->has_word)
        drop_letters(context, &seen, &low, &high);
    uint32_t n_low = (uint32_t)_mm_popcnt_u64(_cvtmask64_u64(low));
    __mmask64 behind = _cvtu64_mask64(~_bzhi_u64(~UINT64_C(0), n_low));
    return _mm512_mask_expand_epi8(_mm512_maskz_compress_epi8(low, context->first_block), behind,
                                   _mm512_maskz_compress_epi8(high, context->second_block));
}

/* What they are. */
TARGET_INLINE void look_at_marks(const struct context *context, struct seen *seen)
{
    __m256i marks = _mm512_castsi512_si256(_mm512_permutex2var_epi8(seen->low, seen->at, seen->high));
    __m256i first = _mm256_cmpeq_epi8(marks, context->first_marks);
    __m256i second = _mm256_cmpeq_epi8(marks, context->second_marks);
    __m256i third = _mm256_cmpeq_epi8(marks, context->third_marks);
    __m256i fourth = _mm256_cmpeq_epi8(marks, context->fourth_marks);
    seen->is_first = (uint32_t)_mm256_movemask_epi8(first);
    seen->is_second = (uint32_t)_mm256_movemask_epi8(second);
    seen->is_third = third;
    seen->is_any =
        (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(first, second), _mm256_or_si256(third, fourth)));
}

/* But the first, a bit each. */
static inline uint32_t all_marks(const struct shape *shape)
{
    return (UINT32_C(1) << shape->n_marks) - 2;
}

/* The marks are those of the layout. The last one is the first quote behind the one in front. */
TARGET_INLINE bool has_marks(const struct shape *shape, const struct seen *seen)
{
    return (~seen->is_any & all_marks(shape)) == 0;
}

/* Numbers are as long as they may be, and all counters are there or none. */
TARGET_INLINE bool has_lengths(const struct context *context, const struct shape *shape, struct seen *seen,
                               bool *has_counters)
{
    __m256i at = _mm512_castsi512_si256(seen->at);
    seen->distance = _mm256_sub_epi8(at, _mm256_permutexvar_epi8(context->mark_before, at));
    __m256i above = _mm256_sub_epi8(seen->distance, context->least);
    uint32_t is_right = _cvtmask32_u32(_mm256_cmple_epu8_mask(above, context->span));
    /* No counters: the least distance. */
    uint32_t counters = shape->counters, lowest = counters & -counters;
    uint32_t empty = counters & (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(above, _mm256_setzero_si256()));
    *has_counters = empty != counters;
    /* All or none: one more empties the upper bits. */
    return ((~is_right & all_marks(shape)) | ((empty + lowest) & counters & ~lowest)) == 0;
}

/* Digits of numbers, each number moved to the end of its lane. The marks stand at the ends and before the starts. */
TARGET_INLINE __m512i gather(const struct seen *seen, __m512i ends, __m512i starts, const int8_t *place)
{
    __m512i from = _mm512_add_epi8(ends, load64(place));
    __mmask64 is_digit = _mm512_cmpgt_epi8_mask(from, starts);
    return _mm512_maskz_permutex2var_epi8(is_digit, seen->low, from, seen->high);
}

/* Numbers of eight digits, of which the first four are in the lower half of each lane. */
TARGET_INLINE __m512i join_halves(const struct context *context, __m512i fours)
{
    return _mm512_add_epi64(_mm512_mul_epu32(fours, context->ten_thousand), _mm512_srli_epi64(fours, 32));
}

struct ends {
    __m128i contact; /* addresses, destination port and protocol, as a contact has them */
    __m512i values;
    uint32_t src;
    uint32_t dst_port;
    uint32_t protocol; /* 0 where it is no number */
};

/* False: a part of an address, a port or a protocol is too large, or an address has leading zeros. */
TARGET_INLINE bool take_ends(const struct context *context, const struct seen *seen, struct ends *ends)
{
    const struct constants *constants = context->constants;
    __m512i behind = _mm512_permutexvar_epi8(context->ends_mark, seen->at);
    __m512i before = _mm512_permutexvar_epi8(context->ends_before, seen->at);
    __m512i digits = gather(seen, behind, before, constants->ends.place);
    __mmask64 leading = _mm512_cmpeq_epi8_mask(_mm512_add_epi8(behind, load64(constants->leading)), before);
    __m512i pairs = _mm512_maddubs_epi16(digits, context->ends_weights);
    __m512i values = _mm512_madd_epi16(pairs, load64(constants->ends_pair_weights));
    ends->values = _mm512_mask_mov_epi64(values, PORT_VALUES, join_halves(context, values));
    uint64_t wrong = _cvtmask64_u64(_mm512_mask_testn_epi8_mask(leading, digits, digits)) |
                     _cvtmask16_u32(_mm512_cmpgt_epu32_mask(ends->values, load64(constants->most)));
    ends->contact = _mm512_castsi512_si128(_mm512_permutexvar_epi8(context->as_contact, ends->values));
    uint32_t rest = (uint32_t)_mm_extract_epi32(ends->contact, 3);
    ends->src = (uint32_t)_mm_cvtsi128_si32(ends->contact);
    ends->dst_port = rest & UINT16_MAX;
    ends->protocol = rest >> 16;
    return wrong == 0;
}

/* The stamp, and the counters, zero where there are none. False: a counter has more digits than are taken here. */
TARGET_INLINE bool take_counts(const struct context *context, const struct shape *shape, const struct seen *seen,
                               int64_t *ts_ms, __m256i *counters)
{
    const struct constants *constants = context->constants;
    __m512i behind = _mm512_permutexvar_epi8(load64(shape->counts.mark), seen->at);
    __m512i before = _mm512_permutexvar_epi8(load64(shape->counts.before), seen->at);
    __m512i digits = gather(seen, behind, before, shape->counts.place);
    __m512i pairs = _mm512_maddubs_epi16(digits, load64(constants->weights));
    __m512i numbers = join_halves(context, _mm512_madd_epi16(pairs, load64(constants->pair_weights)));
    __m128i parts = _mm512_castsi512_si128(numbers);
    uint64_t stamp = (uint64_t)_mm_cvtsi128_si64(parts) * 100000000 + (uint64_t)_mm_extract_epi64(parts, 1);
    *ts_ms = (int64_t)(stamp < NSF_TUPLE_MS_FROM ? stamp * 1000 : stamp);
    *counters = _mm512_castsi512_si256(_mm512_alignr_epi64(numbers, numbers, 2));
    uint32_t are_long = _cvtmask32_u32(_mm256_cmpgt_epu8_mask(seen->distance, _mm512_castsi512_si256(context->nine)));
    return (are_long & shape->counters) == 0;
}

TARGET_INLINE uint32_t is_mark(uint32_t marks, uint32_t mark)
{
    return marks >> mark & 1;
}

TARGET_INLINE uint8_t event_of(const struct shape *shape, const struct seen *seen)
{
    return shape->events[is_mark(seen->is_second, shape->decision) | is_mark(seen->is_first, shape->state) << 1 |
                         is_mark((uint32_t)_mm256_movemask_epi8(seen->is_third), shape->state) << 2];
}

/* Whether an outbound tuple may be to port 25 or 587. */
TARGET_INLINE bool may_be_mail(const struct seen *seen, const char *quote)
{
    uint32_t port;
    memcpy(&port, quote + (unsigned)_mm_extract_epi8(_mm512_castsi512_si128(seen->at), MARK_SRC_PORT), sizeof(port));
    return port == NSF_TEXT32(',', '2', '5', ',') || port == NSF_TEXT32(',', '5', '8', '7');
}

/* Whether all bytes are such as a tuple may have: digits and marks are, and letters that stand alone, and these words of
 * the encryption. Of a run of letters only the first was looked at. */
TARGET_INLINE bool has_plain_bytes(const struct shape *shape, const struct seen *seen, const char *quote)
{
    uint32_t direction, word;
    if (!shape->has_word)
        return true;
    __m128i first = _mm512_castsi512_si128(seen->at), later = _mm512_extracti32x4_epi32(seen->at, 1); /* mark 16 on */
    memcpy(&direction, quote + (unsigned)_mm_extract_epi8(first, MARK_VNET_DIRECTION), sizeof(direction));
    memcpy(&word, quote + (unsigned)_mm_extract_epi8(later, MARK_WORD - 16), sizeof(word));
    return (direction & NSF_TEXT32(0, 0xff, 0, 0xff)) == NSF_TEXT32(0, ',', 0, ',') &&
           ((word & 0xffffff) == NSF_TEXT32('N', 'X', ',', 0) || (word & 0xffff) == NSF_TEXT32('X', ',', 0, 0));
}

/* Denied mail is none of a run that asks for mail only. False: nothing was done. */
TARGET_INLINE bool add_mail(const struct context *context, const struct shape *shape, const struct seen *seen,
                            const struct ends *ends, bool is_inbound, bool has_counters)
{
    struct nsf_tuple_target *target = context->target;
    uint8_t event = event_of(shape, seen);
    int64_t ts_ms;
    __m256i counters;
    if (!take_counts(context, shape, seen, &ts_ms, &counters))
        return false;
    if (event == NSF_FLOW_DENIED && target->is_smtp_only)
        return true;
    struct nsf_ip src = nsf_ip_from_v4(ends->src);
    struct nsf_mail_events *mail = is_inbound ? &target->batch->mail[nsf_partition_of(src)] : &target->batch->outbound;
    if (mail->n == mail->capacity)
        return false;
    struct nsf_mail_event *item = &mail->items[mail->n++];
    *item = (struct nsf_mail_event){
        .ts_ms = ts_ms,
        .src = src,
        .dst = nsf_ip_from_v4((uint32_t)_mm_extract_epi32(ends->contact, 1)),
        .scope_id = target->scope_id,
        .record_idx = target->record_idx,
        .src_port = (uint16_t)_mm_cvtsi128_si32(_mm512_extracti32x4_epi32(ends->values, 2)),
        .dst_port = (uint16_t)ends->dst_port,
        .event = event,
        .has_counters = has_counters,
    };
    _mm256_storeu_si256((__m256i *)(void *)&item->packets_in, counters);
    return true;
}

/* False: nothing was done, for want of room. */
TARGET_INLINE bool add_stamp(const struct context *context, const struct shape *shape, const struct seen *seen,
                             struct nsf_contacts *contacts)
{
    int64_t ts_ms;
    __m256i counters;
    if (contacts->n == contacts->stamps_capacity)
        return false;
    (void)take_counts(context, shape, seen, &ts_ms, &counters);
    contacts->stamps_ms[contacts->n] = ts_ms;
    return true;
}

/* The same. */
TARGET_INLINE bool add_contact(const struct context *context, const struct shape *shape, const struct seen *seen,
                               const struct ends *ends)
{
    struct nsf_batch *batch = context->target->batch;
    struct nsf_contacts *contacts = &batch->contacts[nsf_partition_of(nsf_ip_from_v4(ends->src))];
    if (contacts->n == contacts->capacity)
        return false;
    if (context->has_stamps && !add_stamp(context, shape, seen, contacts))
        return false;
    struct nsf_contact *contact = &contacts->items[contacts->n++];
    __builtin_prefetch(contact + 8, 1);
    _mm_storeu_si128((__m128i *)(void *)contact, _mm_or_si128(ends->contact, context->group));
    contact->protocol = (uint8_t)ends->protocol;
    contact->is_denied = is_mark(seen->is_second, shape->decision) != 0;
    return true;
}

/* Takes a tuple that is written as Azure writes it; QUOTED_MAX_BYTES are there from its quote on, and it ends among
 * them. False: nothing was done. */
TARGET_INLINE bool take_tuple(const struct context *context, const struct shape *shape, const char *quote,
                              const uint8_t *marks)
{
    struct seen seen = {.at = load64(marks)};
    struct ends ends;
    bool has_counters;
    take_bytes(context, quote, &seen);
    look_at_marks(context, &seen);
    if (!has_marks(shape, &seen))
        return false;
    bool is_inbound = is_mark(seen.is_first, shape->direction);
    if (!is_inbound && !context->is_strict && !may_be_mail(&seen, quote))
        return has_plain_bytes(shape, &seen, quote);
    if (!has_lengths(context, shape, &seen, &has_counters) || !take_ends(context, &seen, &ends))
        return false;
    if (!shape->has_word)
        ends.protocol = is_mark(seen.is_first, MARK_PROTOCOL) ? NSF_PROTOCOL_TCP : NSF_PROTOCOL_UDP;
    bool is_mail = ends.dst_port == 25 || (!is_inbound && ends.dst_port == 587);
    if (is_mail && ends.protocol == NSF_PROTOCOL_TCP)
        return add_mail(context, shape, &seen, &ends, is_inbound, has_counters);
    if (!is_inbound)
        return context->is_strict || ends.dst_port == 25 || has_plain_bytes(shape, &seen, quote);
    return !context->takes_contacts || add_contact(context, shape, &seen, &ends);
}

/* ---- an array ---- */

/* All that a block may have. */
TARGET NSF_COLD static void list_many(__m512i found, uint16_t base, uint16_t *places)
{
    uint8_t at[NSF_BLOCK_BYTES];
    _mm512_storeu_si512(at, found);
    for (size_t i = 0; i < NSF_BLOCK_BYTES; i++)
        places[i] = (uint16_t)(base + at[i]);
}

/* Lists where the quotes are. */
TARGET_INLINE size_t list_quotes(struct nsf_slice bytes, uint16_t *places)
{
    const __m512i quote = _mm512_set1_epi8('"');
    size_t n = 0;
    for (size_t from = 0; from < bytes.len; from += NSF_BLOCK_BYTES) {
        size_t n_left = bytes.len - from;
        __mmask64 there = _cvtu64_mask64(_bzhi_u64(~UINT64_C(0), n_left < 64 ? (uint32_t)n_left : 64));
        __m512i block = _mm512_maskz_loadu_epi8(there, bytes.ptr + from);
        __mmask64 quotes = _mm512_cmpeq_epi8_mask(block, quote);
        __m512i found = _mm512_maskz_compress_epi8(quotes, load64(all_constants.first_block));
        __m256i base = _mm256_set1_epi16((short)from);
        __m256i few = _mm256_cvtepu8_epi16(_mm512_castsi512_si128(found));
        _mm256_storeu_si256((__m256i *)(void *)(places + n), _mm256_add_epi16(few, base));
        size_t n_quotes = (size_t)_mm_popcnt_u64(_cvtmask64_u64(quotes));
        if (NSF_UNLIKELY(n_quotes > 16))
            list_many(found, (uint16_t)from, places + n);
        n += n_quotes;
    }
    return n;
}

TARGET_INLINE void mark_some(const struct context *context, const struct shape *shape, struct listed *listed, size_t i)
{
    size_t n = (listed->n_quotes - i) / 2;
    n = n < TUPLES_AHEAD ? n : TUPLES_AHEAD;
    for (size_t k = 0; k < n; k++)
        _mm512_storeu_si512(listed->marks[k], find_marks(context, shape, listed->bytes + listed->places[i + 2 * k]));
    listed->marked_from = i;
    listed->marked_to = i + 2 * n;
}

/* Takes those whose marks were found. */
TARGET_INLINE size_t take_marked(const struct context *context, const struct shape *shape, const struct listed *listed,
                                 size_t i)
{
    const uint8_t *marks = listed->marks[(i - listed->marked_from) / 2];
    for (size_t to = listed->marked_to; i < to; i += 2, marks += NSF_BLOCK_BYTES) {
        size_t n_bytes = (size_t)listed->places[i + 1] - listed->places[i] + 1;
        if (n_bytes > QUOTED_MAX_BYTES || !take_tuple(context, shape, listed->bytes + listed->places[i], marks))
            break;
    }
    return i;
}

/* Takes tuples from the one between quotes i and i + 1 on, up to one that is not as Azure writes them, or to the end.
 */
typedef size_t take_shaped_fn(const struct constants *constants, struct nsf_tuple_target *target, struct listed *listed,
                              size_t i);

TARGET_INLINE size_t take_shaped(const struct constants *constants, const struct shape *shape,
                                 struct nsf_tuple_target *target, struct listed *listed, size_t i)
{
    struct context context;
    size_t from = i;
    set_context(&context, constants, shape, target);
    while (i < listed->n_quotes) {
        if (i >= listed->marked_to)
            mark_some(&context, shape, listed, i);
        i = take_marked(&context, shape, listed, i);
        if (i < listed->marked_to)
            break;
    }
    target->n_tuples += (uint32_t)((i - from) / 2);
    return i;
}

/* For each layout a function of its own, in which its shape is known. */
#define TAKE_LAYOUT(name, layout)                                                                                      \
    TARGET static size_t name(const struct constants *constants, struct nsf_tuple_target *target,                      \
                              struct listed *listed, size_t i)                                                         \
    {                                                                                                                  \
        return take_shaped(constants, &shapes[layout], target, listed, i);                                             \
    }

TAKE_LAYOUT(take_nsg1, NSF_LAYOUT_NSG1)
TAKE_LAYOUT(take_nsg2, NSF_LAYOUT_NSG2)
TAKE_LAYOUT(take_vnet4, NSF_LAYOUT_VNET4)

static take_shaped_fn *const take_layout[NSF_LAYOUTS] = {take_nsg1, take_nsg2, take_vnet4};

/* Takes the tuples that are whole in the first n_bytes of `bytes` and begin where QUOTED_MAX_BYTES follow. How many
 * bytes that were, up to another opening quote or to the end. */
TARGET_INLINE size_t take_listed(struct nsf_tuple_target *target, struct nsf_slice bytes, size_t n_bytes,
                                 uint64_t offset)
{
    struct listed listed;
    size_t n_listed = list_quotes(nsf_slice(bytes.ptr, n_bytes), listed.places), i = 0;
    listed.bytes = bytes.ptr;
    listed.n_quotes = n_listed & ~(size_t)1;
    listed.marked_from = listed.marked_to = 0;
    while (listed.n_quotes > 0 && bytes.len - listed.places[listed.n_quotes - 2] < QUOTED_MAX_BYTES)
        listed.n_quotes -= 2;
    while ((i = take_layout[target->layout](&all_constants, target, &listed, i)) < listed.n_quotes) {
        size_t begin = (size_t)listed.places[i] + 1;
        nsf_tuple_take(target, nsf_slice(bytes.ptr + begin, listed.places[i + 1] - begin), offset + begin);
        i += 2;
    }
    return i < n_listed ? listed.places[i] : n_bytes;
}

/* The last bytes of an array are taken from where others may follow. */
TARGET_INLINE size_t take_last(struct nsf_tuple_target *target, struct nsf_slice bytes, uint64_t offset)
{
    char copy[2 * QUOTED_MAX_BYTES] = {0};
    memcpy(copy, bytes.ptr, bytes.len);
    return take_listed(target, nsf_slice(copy, sizeof(copy)), bytes.len, offset);
}

TARGET static void take_array(struct nsf_tuple_target *target, struct nsf_slice inside, uint64_t offset)
{
    size_t at = 0, n_taken = 1;
    while (at < inside.len && n_taken > 0 && target->batch != NULL) {
        struct nsf_slice bytes = nsf_slice_from(inside, at);
        n_taken = bytes.len < QUOTED_MAX_BYTES
                      ? take_last(target, bytes, offset + at)
                      : take_listed(target, bytes, bytes.len < LISTED_BYTES ? bytes.len : LISTED_BYTES, offset + at);
        at += n_taken;
    }
    /* What is too long to be a tuple, and what is only counted. */
    if (at < inside.len)
        nsf_tuple_take_array(target, nsf_slice_from(inside, at), offset + at);
}

static enum nsf_skim skim(struct nsf_slice bytes, size_t *at)
{
    return nsf_tuple_ops_avx512.skim(bytes, at);
}

const struct nsf_tuple_ops nsf_tuple_ops_avx512vbmi = {
    .name = "avx512vbmi",
    .skim = skim,
    .take_array = take_array,
};

#endif

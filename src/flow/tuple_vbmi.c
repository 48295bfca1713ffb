#include "core/nsf_common.h"

#include "flow/tuple_marks.h"

#ifdef NSF_TUPLE_X86

/* Two passes over an array. The first lists the marks of all its tuples: what they are, and where. The second takes the
 * tuples, four at a time: nothing but the marks says where a number is, so that no tuple waits for the one before. What
 * is not as Azure writes it is left to nsf_tuple_take.
 *
 * Of an array that is all as Azure writes it the first pass is the search for its end: look_ahead. Others are listed
 * part by part when they are taken. */

/* Of an array, listed together. */
#define PART_BYTES ((size_t)8192)
/* Tuples for which there is room at a time. */
#define PART_ROWS ((size_t)256)
/* Of a tuple whose numbers are taken by permuting two blocks. */
#define COUNTED_MAX_BYTES ((size_t)2 * NSF_BLOCK_BYTES)
#define COUNTER_MAX_DIGITS 8u
#define COUNTER_LANES UINT64_C(0x0000ffffffff0000) /* of bytes of counts */

#define LANE_DST_PORTS 0x4444 /* of dwords of lanes, a bit each */
#define LANE_BYTES(i) (UINT64_C(0xffff) << NSF_LANE_BYTES * (i))
#define LANE_LASTS 0x8888
#define LANE_ADDRESSES 0x55                                /* of eight bytes */
#define LANE_DIRECTIONS UINT64_C(0x2000200020002000)       /* of bytes */
#define LANE_PROTOCOLS UINT64_C(0x4000400040004000)        /* the same */
#define LANE_LETTERS_PROTOCOL UINT64_C(0x0200020002000200) /* NSF_LANE_PROTOCOL_BYTE */

/* What is the same for all tuples of an array, kept in registers: nobody but the loop over them has its address. */
struct context {
    struct nsf_batch *batch;
    bool takes_contacts;
    bool has_stamps; /* they take longer */
    __m512i zero;
    __m512i ends_mark;
    __m512i ends_back;
    __m512i ends_depth;
    __m512i ends_leading;
    __m512i ends_weights;
    __m512i as_lane;
    __m512i letters;
    __m512i flags;
    __m512i port_weights;
    __m512i group; /* as contacts have it */
};

/* Whose tuples they are: for functions that are called for few of them. */
struct work {
    const struct nsf_tuple_constants *constants;
    struct nsf_marks *marks;
    struct nsf_tuple_target *target;
};

NSF_VBMI_INLINE void set_context(struct context *context, const struct work *work, const struct nsf_tuple_shape *shape)
{
    const struct nsf_tuple_constants *constants = work->constants;
    context->batch = work->target->batch;
    context->takes_contacts = !work->target->is_smtp_only;
    context->has_stamps = context->takes_contacts && context->batch->has_stamps;
    context->zero = nsf_load_block(constants->zero);
    context->ends_mark = nsf_load_block(constants->ends_mark);
    context->ends_back = nsf_load_block(constants->ends_back);
    context->ends_depth = nsf_load_block(constants->ends_depth);
    context->ends_leading = nsf_load_block(constants->ends_leading);
    context->ends_weights = nsf_load_block(constants->ends_weights);
    context->as_lane = nsf_load_block(shape->as_lane);
    context->letters = nsf_load_block(shape->letters);
    context->flags = nsf_load_block(constants->flags);
    context->port_weights = nsf_load_block(constants->port_weights);
    context->group = _mm512_maskz_set1_epi32(LANE_DST_PORTS, (int)work->target->group_idx);
}

/* ---- numbers ---- */

/* The ends of up to four tuples, as far as they were taken. */
struct ends {
    __m512i lanes;   /* as nsf_tuple_shapes.h has them */
    __m512i leading; /* the least of their first digits, of numbers that have others */
    __m512i most;    /* the highest of their values */
};

/* Where the number behind each of these marks has a digit, and which. */
NSF_VBMI_INLINE __m512i gather(__m512i text, __m512i from, __m512i lengths, __m512i depth)
{
    return _mm512_maskz_permutexvar_epi8(_mm512_cmpgt_epu8_mask(lengths, depth), from, text);
}

/* Those of one tuple, of which 64 bytes are in `bytes`: its ends are among them. */
NSF_VBMI_INLINE void take_ends(const struct context *context, const uint8_t *at, __m512i bytes, __mmask64 lane,
                               struct ends *ends)
{
    /* Sixteen marks are more than there are of the ends. */
    __m128i places = nsf_load_sixteen(at), distances = _mm_sub_epi8(places, nsf_load_sixteen(at - 1));
    __m512i behind = _mm512_permutexvar_epi8(context->ends_mark, _mm512_castsi128_si512(places));
    __m512i lengths = _mm512_permutexvar_epi8(context->ends_mark, _mm512_castsi128_si512(distances));
    __m512i back = _mm512_sub_epi8(context->ends_back, _mm512_set1_epi8((char)at[0]));
    __m512i text = _mm512_add_epi8(bytes, context->zero);
    __m512i digits = gather(text, _mm512_add_epi8(behind, back), lengths, context->ends_depth);
    __mmask64 leading = _mm512_cmpeq_epi8_mask(lengths, context->ends_leading);
    __m512i values = _mm512_dpbusd_epi32(_mm512_setzero_si512(), digits, context->ends_weights);
    ends->leading = _mm512_mask_min_epu8(ends->leading, leading, ends->leading, digits);
    ends->most = _mm512_max_epu32(ends->most, values);
    ends->lanes = _mm512_mask_permutexvar_epi8(ends->lanes, lane, context->as_lane, values);
}

NSF_VBMI_INLINE struct ends no_ends(void)
{
    return (struct ends){_mm512_setzero_si512(), _mm512_set1_epi8(-1), _mm512_setzero_si512()};
}

/* What was taken, as contacts have it. */
struct taken {
    __m512i contacts;
    __m512i ports; /* of the destination, of the source: the upper half of each lane */
    uint32_t mail; /* to TCP port 25: bit 3 of the lane's four */
    bool is_right;
};

NSF_VBMI_INLINE struct taken as_contacts(const struct context *context, const struct nsf_tuple_shape *shape,
                                         const struct ends *ends, __m512i letters)
{
    struct taken taken;
    __m512i words = ends->lanes;
    if (shape->has_word)
        words = _mm512_maskz_mov_epi8(~LANE_LETTERS_PROTOCOL, words);
    taken.ports = _mm512_madd_epi16(words, context->port_weights);
    __mmask16 wrong = _kor_mask16(_mm512_cmpgt_epu32_mask(taken.ports, _mm512_set1_epi32(UINT16_MAX)),
                                  _mm512_cmpgt_epu32_mask(ends->most, nsf_load_block(nsf_tuple_constants.ends_most)));
    __mmask64 zeros = _mm512_testn_epi8_mask(ends->leading, ends->leading);
    taken.is_right = _kortestz_mask16_u8(wrong, wrong) != 0 && _kortestz_mask64_u8(zeros, zeros) != 0;
    __m512i flags = _mm512_permutexvar_epi8(letters, context->flags);
    if (shape->has_word)
        flags = _mm512_mask_shuffle_epi8(flags, LANE_PROTOCOLS, ends->lanes, _mm512_set1_epi8(NSF_LANE_PROTOCOL_BYTE));
    /* All three or'ed. */
    __m512i rest =
        _mm512_ternarylogic_epi32(_mm512_bslli_epi128(taken.ports, sizeof(uint32_t)), flags, context->group, 0xfe);
    taken.contacts = _mm512_mask_mov_epi64(rest, LANE_ADDRESSES, ends->lanes);
    __m512i kinds = _mm512_and_si512(rest, _mm512_set1_epi32(0xffffff));
    taken.mail = _mm512_mask_cmpeq_epi32_mask(LANE_LASTS, kinds, _mm512_set1_epi32(NSF_PROTOCOL_TCP << 16 | 25));
    return taken;
}

/* ---- contacts ---- */

/* As nsf_partition_of, in each lane. */
NSF_VBMI_INLINE __m512i partitions_of(__m512i contacts)
{
    const __m512i prefix = _mm512_set1_epi64((long long)NSF_IP_V4_PREFIX);
    __m512i x = _mm512_or_si512(_mm512_maskz_mov_epi32(0x5555, contacts), prefix);
    x = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_srli_epi64(x, 30)),
                           _mm512_set1_epi64((long long)UINT64_C(0xbf58476d1ce4e5b9)));
    x = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_srli_epi64(x, 27)),
                           _mm512_set1_epi64((long long)UINT64_C(0x94d049bb133111eb)));
    return _mm512_srli_epi64(x, 60);
}

/* Room for n more in each partition, and for some that are put behind them for a moment. */
static void reserve_contacts(struct nsf_tuple_target *target, size_t n)
{
    struct nsf_batch *batch = target->batch;
    for (unsigned p = 0; p < NSF_PARTITIONS && !target->is_smtp_only; p++) {
        struct nsf_contacts *contacts = &batch->contacts[p];
        NSF_GROW(contacts->items, contacts->capacity, contacts->n + n + NSF_LANES);
        if (batch->has_stamps)
            NSF_GROW(contacts->stamps_ms, contacts->stamps_capacity, contacts->n + n + NSF_LANES);
    }
}

/* Numbers of eight digits, of which the first four are in the lower half of each lane. */
NSF_VBMI_INLINE __m512i join_halves(__m512i fours)
{
    return _mm512_add_epi64(_mm512_mul_epu32(fours, _mm512_set1_epi64(10000)), _mm512_srli_epi64(fours, 32));
}

/* The text of a tuple: so many bytes from its quote on as counts are taken from. */
struct counted {
    __m512i low;
    __m512i high;
};

NSF_VBMI_INLINE struct counted load_counted(const struct nsf_marks *marks, struct nsf_place place)
{
    const char *text = marks->text.ptr + place.at;
    const size_t n_left = marks->text.len - place.at;
    if (n_left >= COUNTED_MAX_BYTES)
        return (struct counted){nsf_load_block(text), nsf_load_block(text + NSF_BLOCK_BYTES)};
    const uint32_t n_low = n_left < NSF_BLOCK_BYTES ? (uint32_t)n_left : NSF_BLOCK_BYTES;
    return (struct counted){_mm512_maskz_loadu_epi8(_bzhi_u64(~UINT64_C(0), n_low), text),
                            _mm512_maskz_loadu_epi8(_bzhi_u64(~UINT64_C(0), (uint32_t)n_left - n_low), text + n_low)};
}

/* The stamp, and the counters, zero where there are none. False: the tuple or a counter is too long for it; the stamp
 * is right all the same. */
NSF_VBMI_INLINE bool take_counts(const struct nsf_tuple_shape *shape, const struct nsf_marks *marks,
                                 struct nsf_place place, int64_t *ts_ms, __m256i *counters)
{
    const uint8_t *at = marks->at + place.mark;
    const __m512i zero = nsf_load_block(nsf_tuple_constants.zero);
    const struct counted text = load_counted(marks, place);
    __m512i places = nsf_load_block(at), mark = nsf_load_block(shape->counts.mark),
            depth = nsf_load_block(shape->counts.depth);
    __m512i distances = _mm512_sub_epi8(places, nsf_load_block(at - 1));
    __m512i behind = _mm512_permutexvar_epi8(mark, places), lengths = _mm512_permutexvar_epi8(mark, distances);
    __m512i from = _mm512_sub_epi8(_mm512_sub_epi8(behind, _mm512_set1_epi8((char)at[0])), depth);
    __m512i digits =
        _mm512_maskz_permutex2var_epi8(_mm512_cmpgt_epu8_mask(lengths, depth), _mm512_add_epi8(text.low, zero), from,
                                       _mm512_add_epi8(text.high, zero));
    __m512i pairs = _mm512_maddubs_epi16(digits, nsf_load_block(nsf_tuple_constants.weights));
    __m512i numbers = join_halves(_mm512_madd_epi16(pairs, nsf_load_block(nsf_tuple_constants.pair_weights)));
    __m128i parts = _mm512_castsi512_si128(numbers);
    uint64_t stamp = (uint64_t)_mm_cvtsi128_si64(parts) * 100000000 + (uint64_t)_mm_extract_epi64(parts, 1);
    *ts_ms = (int64_t)(stamp < NSF_TUPLE_MS_FROM ? stamp * 1000 : stamp);
    *counters = _mm512_castsi512_si256(_mm512_alignr_epi64(numbers, numbers, 2));
    __mmask64 are_long = _mm512_mask_cmpgt_epu8_mask(COUNTER_LANES, lengths, _mm512_set1_epi8(COUNTER_MAX_DIGITS + 1));
    return are_long == 0 && (uint8_t)(at[shape->n_marks - 1] - at[0]) <= COUNTED_MAX_BYTES;
}

/* Of a contact that was added. */
NSF_VBMI static void add_stamp(const struct work *work, const struct nsf_tuple_shape *shape, struct nsf_place place,
                               struct nsf_contacts *contacts)
{
    __m256i counters;
    int64_t ts_ms;
    (void)take_counts(shape, work->marks, place, &ts_ms, &counters);
    contacts->stamps_ms[contacts->n - 1] = ts_ms;
}

/* Where the next one of the partition goes. There is room. */
NSF_VBMI_INLINE struct nsf_contact *next_contact(struct nsf_contacts *contacts)
{
    struct nsf_contact *contact = &contacts->items[contacts->n++];
    __builtin_prefetch(contact + 8, 1);
    return contact;
}

NSF_VBMI_INLINE void put_contact(struct nsf_contact *contact, __m128i row)
{
    _mm_storeu_si128((__m128i *)(void *)contact, row);
}

/* ---- mail ---- */

static inline uint8_t event_of(const struct nsf_tuple_shape *shape, const uint8_t *are)
{
    if (are[shape->decision] == NSF_MARK('D'))
        return NSF_FLOW_DENIED;
    if (!shape->has_state)
        return NSF_FLOW_LINE;
    return are[shape->state] == NSF_MARK('B')   ? NSF_FLOW_BEGIN
           : are[shape->state] == NSF_MARK('C') ? NSF_FLOW_CONTINUE
                                                : NSF_FLOW_END;
}

/* One lane. Denied mail is none of a run that asks for mail only. False: nothing was done. */
NSF_VBMI_INLINE bool add_mail(const struct work *work, const struct nsf_tuple_shape *shape, struct nsf_place place,
                              const struct nsf_contact *row, uint32_t src_port, uint64_t partition)
{
    struct nsf_tuple_target *target = work->target;
    const uint8_t *are = work->marks->are + place.mark, *at = work->marks->at + place.mark;
    uint8_t event = event_of(shape, are);
    int64_t ts_ms;
    __m256i counters;
    if (!take_counts(shape, work->marks, place, &ts_ms, &counters))
        return false;
    if (event == NSF_FLOW_DENIED && target->is_smtp_only)
        return true;
    bool is_inbound = are[shape->direction] == NSF_MARK('I');
    struct nsf_mail_event *item =
        nsf_mail_events_add(is_inbound ? &target->batch->mail[partition] : &target->batch->outbound);
    item->ts_ms = ts_ms;
    item->src = nsf_ip_from_v4(row->src);
    item->dst = nsf_ip_from_v4(row->dst);
    _mm256_storeu_si256((__m256i *)(void *)&item->packets_in, counters);
    item->scope_id = target->scope_id;
    item->record_idx = target->record_idx;
    item->src_port = (uint16_t)src_port;
    item->dst_port = row->dst_port;
    item->event = event;
    item->has_counters = shape->counter > 0 && (uint8_t)(at[shape->counter] - at[shape->counter - 1]) > 1;
    return true;
}

/* ---- tuples ---- */

/* Whether an outbound tuple may be to port 25 or 587. */
NSF_VBMI_INLINE bool may_be_mail(const struct nsf_marks *marks, struct nsf_place place)
{
    const uint8_t *at = marks->at + place.mark;
    uint32_t port;
    memcpy(&port, marks->text.ptr + place.at + (uint8_t)(at[NSF_MARK_SRC_PORT] - at[0]), sizeof(port));
    return port == NSF_TEXT32(',', '2', '5', ',') || port == NSF_TEXT32(',', '5', '8', '7');
}

/* Whether all bytes are such as a tuple may have: digits and marks are, and letters that stand alone, and these words
 * of the encryption. Of a run of letters only the first was looked at. */
NSF_VBMI_INLINE bool has_plain_bytes(const struct nsf_tuple_shape *shape, const struct nsf_marks *marks,
                                     struct nsf_place place)
{
    const uint8_t *at = marks->at + place.mark;
    uint32_t word;
    if (!shape->has_word)
        return true;
    memcpy(&word, marks->text.ptr + place.at + (uint8_t)(at[NSF_MARK_WORD] - at[0]), sizeof(word));
    return (word & 0xffffff) == NSF_TEXT32('N', 'X', ',', 0) || (word & 0xffff) == NSF_TEXT32('X', ',', 0, 0);
}

/* Behind the tuple: at the next one's quote, where there is one. */
NSF_VBMI_INLINE struct nsf_place next_place(const struct nsf_marks *marks, const struct nsf_tuple_shape *shape,
                                            struct nsf_place place)
{
    const uint8_t *at = marks->at + place.mark;
    return (struct nsf_place){place.mark + shape->n_marks, place.at + (uint8_t)(at[shape->n_marks - 1] - at[0]) + 1};
}

/* The same, or where it was. */
NSF_VBMI_INLINE struct nsf_place next_if(const struct nsf_marks *marks, const struct nsf_tuple_shape *shape,
                                         struct nsf_place place, bool is_next)
{
    const struct nsf_place next = next_place(marks, shape, place);
    const size_t all = (size_t)0 - is_next;
    return (struct nsf_place){place.mark + ((next.mark - place.mark) & all), place.at + ((next.at - place.at) & all)};
}

/* A block of the text from here on; behind its end stands anything. */
NSF_VBMI_INLINE __m512i load_text(const struct nsf_marks *marks, struct nsf_place place, bool is_near_end)
{
    const size_t n_left = marks->text.len - place.at;
    const char *text = marks->text.ptr + place.at, *tail = marks->tail + NSF_BLOCK_BYTES - n_left;
    return nsf_load_block(is_near_end && n_left < NSF_BLOCK_BYTES ? tail : text);
}

/* Letters of four tuples. */
NSF_VBMI_INLINE __m512i take_letters(const struct context *context, const uint8_t *are)
{
    return _mm512_permutex2var_epi8(nsf_load_block(are), context->letters, nsf_load_block(are + NSF_BLOCK_BYTES));
}

NSF_VBMI_INLINE void add_contact(const struct work *work, const struct nsf_tuple_shape *shape, struct nsf_place place,
                                 __m128i row, uint64_t partition)
{
    struct nsf_batch *batch = work->target->batch;
    put_contact(next_contact(&batch->contacts[partition]), row);
    if (batch->has_stamps)
        add_stamp(work, shape, place, &batch->contacts[partition]);
}

/* Adds what is in the lanes, up to one that cannot be taken. How many were. */
NSF_VBMI_INLINE unsigned add_lanes(const struct work *work, const struct nsf_tuple_shape *shape, struct nsf_place place,
                                   __m512i contacts, __m512i ports, uint32_t wanted, unsigned n_lanes)
{
    _Alignas(NSF_BLOCK_BYTES) struct nsf_contact rows[NSF_LANES];
    _Alignas(NSF_BLOCK_BYTES) uint32_t src_ports[NSF_BLOCK_BYTES / 4];
    _Alignas(NSF_BLOCK_BYTES) uint64_t partitions[NSF_BLOCK_BYTES / 8];
    _mm512_storeu_si512(rows, contacts);
    _mm512_storeu_si512(src_ports, ports);
    _mm512_storeu_si512(partitions, partitions_of(contacts));
    for (unsigned i = 0; i < n_lanes; i++) {
        const struct nsf_contact *row = &rows[i];
        bool is_inbound = work->marks->are[place.mark + shape->direction] == NSF_MARK('I');
        bool is_mail =
            row->protocol == NSF_PROTOCOL_TCP && (row->dst_port == 25 || (row->dst_port == 587 && !is_inbound));
        bool is_light = !is_inbound && !work->target->is_strict && row->dst_port != 25;
        if ((wanted >> i & 1) == 0)
            ;
        else if (is_light && !has_plain_bytes(shape, work->marks, place))
            return i;
        else if (is_mail && !add_mail(work, shape, place, row, src_ports[4 * i + 3], partitions[2 * i]))
            return i;
        else if (!is_mail && is_inbound && !work->target->is_smtp_only)
            add_contact(work, shape, place, nsf_load_sixteen(row), partitions[2 * i]);
        place = next_place(work->marks, shape, place);
    }
    return n_lanes;
}

/* Inbound tuples of which some are mail: for each layout a function of its own, in which its shape is known. */
#define MIXED_OF_LAYOUT(name, layout)                                                                                  \
    NSF_VBMI static unsigned name(const struct work *work, struct nsf_place place, __m512i contacts, __m512i ports,    \
                                  unsigned n_lanes)                                                                    \
    {                                                                                                                  \
        return add_lanes(work, &nsf_tuple_shapes[layout], place, contacts, ports, 15, n_lanes);                        \
    }

MIXED_OF_LAYOUT(add_mixed_nsg1, NSF_LAYOUT_NSG1)
MIXED_OF_LAYOUT(add_mixed_nsg2, NSF_LAYOUT_NSG2)
MIXED_OF_LAYOUT(add_mixed_vnet4, NSF_LAYOUT_VNET4)

NSF_VBMI_INLINE unsigned add_mixed(const struct work *work, const struct nsf_tuple_shape *shape, struct nsf_place place,
                                   __m512i contacts, __m512i ports, unsigned n_lanes)
{
    return shape->has_word    ? add_mixed_vnet4(work, place, contacts, ports, n_lanes)
           : shape->has_state ? add_mixed_nsg2(work, place, contacts, ports, n_lanes)
                              : add_mixed_nsg1(work, place, contacts, ports, n_lanes);
}

/* Places of tuples behind each other. */
struct four {
    struct nsf_place a;
    struct nsf_place b;
    struct nsf_place c;
    struct nsf_place d;
};

/* Contacts of the first lanes; the others are as the last one of them. */
NSF_VBMI_INLINE void add_contacts(struct nsf_batch *batch, __m512i rows, unsigned n_lanes)
{
    _Alignas(NSF_BLOCK_BYTES) uint64_t partitions[NSF_BLOCK_BYTES / 8];
    _mm512_storeu_si512(partitions, partitions_of(rows));
    struct nsf_contacts *last = &batch->contacts[partitions[6]];
    struct nsf_contact *a = next_contact(&batch->contacts[partitions[0]]);
    struct nsf_contact *b = next_contact(&batch->contacts[partitions[2]]);
    struct nsf_contact *c = next_contact(&batch->contacts[partitions[4]]);
    struct nsf_contact *d = next_contact(last);
    last->n -= NSF_LANES - n_lanes;
    put_contact(a, _mm512_castsi512_si128(rows));
    put_contact(b, _mm512_extracti32x4_epi32(rows, 1));
    put_contact(c, _mm512_extracti32x4_epi32(rows, 2));
    put_contact(d, _mm512_extracti32x4_epi32(rows, 3));
}

/* How many of the inbound tuples in the first lanes were taken, none if one of them is not right. */
NSF_VBMI_INLINE unsigned take_inbound(const struct context *context, const struct work *work,
                                      const struct nsf_tuple_shape *shape, const struct four *four, __m512i letters,
                                      unsigned n_lanes, bool is_last)
{
    struct ends ends = no_ends();
    const struct nsf_marks *marks = work->marks;
    take_ends(context, marks->at + four->a.mark, load_text(marks, four->a, is_last), LANE_BYTES(0), &ends);
    take_ends(context, marks->at + four->b.mark, load_text(marks, four->b, is_last), LANE_BYTES(1), &ends);
    take_ends(context, marks->at + four->c.mark, load_text(marks, four->c, is_last), LANE_BYTES(2), &ends);
    take_ends(context, marks->at + four->d.mark, load_text(marks, four->d, is_last), LANE_BYTES(3), &ends);
    struct taken taken = as_contacts(context, shape, &ends, letters);
    if (!taken.is_right)
        return 0;
    if (NSF_UNLIKELY(_bzhi_u32(taken.mail, 4 * n_lanes) != 0 || context->has_stamps))
        return add_mixed(work, shape, four->a, taken.contacts, taken.ports, n_lanes);
    if (context->takes_contacts)
        add_contacts(context->batch, taken.contacts, n_lanes);
    return n_lanes;
}

/* Of an outbound tuple nothing is asked but that it is not mail. */
NSF_VBMI_INLINE bool is_of_no_interest(const struct nsf_tuple_shape *shape, const struct nsf_marks *marks,
                                       struct nsf_place place)
{
    return !may_be_mail(marks, place) && has_plain_bytes(shape, marks, place);
}

/* How many of the tuples in the first lanes were taken; is_last: where less than a block may follow their quotes. */
NSF_VBMI_INLINE unsigned take_four(const struct context *context, const struct work *work,
                                   const struct nsf_tuple_shape *shape, const struct four *four, unsigned n_lanes,
                                   bool is_last)
{
    const struct nsf_marks *marks = work->marks;
    __m512i letters = take_letters(context, marks->are + four->a.mark);
    uint64_t inbound =
        _cvtmask64_u64(_mm512_mask_cmpeq_epi8_mask(LANE_DIRECTIONS, letters, _mm512_set1_epi8(NSF_MARK('I'))));
    uint64_t all = is_last ? _bzhi_u64(LANE_DIRECTIONS, NSF_LANE_BYTES * n_lanes) : LANE_DIRECTIONS;
    if ((inbound & all) == all)
        return take_inbound(context, work, shape, four, letters, n_lanes, is_last);
    bool is_passed = (inbound & all) == 0 && !work->target->is_strict && is_of_no_interest(shape, marks, four->a) &&
                     is_of_no_interest(shape, marks, four->b) && is_of_no_interest(shape, marks, four->c) &&
                     is_of_no_interest(shape, marks, four->d);
    return is_passed ? n_lanes : 0;
}

/* Takes up to four tuples, wherever they go and whatever follows them. How many were taken: up to one that is not
 * right, or none, if several are asked for and one of them is not. */
NSF_VBMI static unsigned take_few(const struct work *work, const struct nsf_tuple_shape *shape, struct nsf_place place,
                                  unsigned n)
{
    const struct nsf_marks *marks = work->marks;
    struct context context;
    struct ends ends = no_ends();
    struct nsf_place next = place;
    uint32_t wanted = 0;
    set_context(&context, work, shape);
    for (unsigned i = 0; i < n; i++, next = next_place(marks, shape, next)) {
        if (!work->target->is_strict && marks->are[next.mark + shape->direction] != NSF_MARK('I') &&
            !may_be_mail(marks, next)) {
            if (!has_plain_bytes(shape, marks, next))
                n = i;
            continue;
        }
        size_t n_left = marks->text.len - next.at;
        uint64_t there = _bzhi_u64(~UINT64_C(0), n_left < NSF_BLOCK_BYTES ? (uint32_t)n_left : NSF_BLOCK_BYTES);
        wanted |= UINT32_C(1) << i;
        take_ends(&context, marks->at + next.mark,
                  _mm512_maskz_loadu_epi8(_cvtu64_mask64(there), marks->text.ptr + next.at), LANE_BYTES(i), &ends);
    }
    if (wanted == 0)
        return n;
    struct taken taken = as_contacts(&context, shape, &ends, take_letters(&context, marks->are + place.mark));
    return taken.is_right ? add_lanes(work, shape, place, taken.contacts, taken.ports, wanted, n) : 0;
}

/* Behind n tuples. */
NSF_VBMI_INLINE struct nsf_place behind(const struct nsf_marks *marks, const struct nsf_tuple_shape *shape,
                                        struct nsf_place place, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        place = next_place(marks, shape, place);
    return place;
}

/* The four from this place on, or those that are left, the last of them again and again. */
NSF_VBMI_INLINE struct four four_from(const struct nsf_marks *marks, const struct nsf_tuple_shape *shape,
                                      struct nsf_place place, size_t n_left)
{
    struct four four = {.a = place};
    four.b = next_if(marks, shape, four.a, n_left > 1);
    four.c = next_if(marks, shape, four.b, n_left > 2);
    four.d = next_if(marks, shape, four.c, n_left > 3);
    return four;
}

/* Takes n tuples whose marks were looked at, up to one that is not right; left behind those that were taken. How many
 * those are. */
NSF_VBMI_INLINE size_t take_shaped(const struct context *context, const struct work *work,
                                   const struct nsf_tuple_shape *shape, struct nsf_place *place, size_t n)
{
    const struct nsf_marks *marks = work->marks;
    struct four four = four_from(marks, shape, *place, NSF_LANES);
    size_t n_left = n;
    unsigned n_done = NSF_LANES;
    /* Behind the fourth comes another one, and no two are less than a block. */
    for (; n_left > NSF_LANES; n_left -= NSF_LANES) {
        n_done = take_four(context, work, shape, &four, NSF_LANES, false);
        if (NSF_UNLIKELY(n_done < NSF_LANES))
            break;
        four = four_from(marks, shape, next_place(marks, shape, four.d), NSF_LANES);
    }
    *place = n_done < NSF_LANES ? behind(marks, shape, four.a, n_done) : four.a;
    return n - n_left + n_done % NSF_LANES;
}

/* The same of at most four. */
NSF_VBMI_INLINE unsigned take_last(const struct context *context, const struct work *work,
                                   const struct nsf_tuple_shape *shape, struct nsf_place *place, unsigned n)
{
    struct four four = four_from(work->marks, shape, *place, n);
    unsigned n_done = take_four(context, work, shape, &four, n, true);
    *place = n_done < n ? behind(work->marks, shape, *place, n_done) : next_place(work->marks, shape, four.d);
    return n_done;
}

/* The same, with all that may be unusual of a tuple: at least one, if it is right. */
NSF_VBMI static size_t take_unusual(const struct work *work, const struct nsf_tuple_shape *shape,
                                    struct nsf_place *place, size_t n_left)
{
    unsigned n = n_left < NSF_LANES ? (unsigned)n_left : NSF_LANES, n_taken = take_few(work, shape, *place, n);
    *place = behind(work->marks, shape, *place, n_taken);
    if (n_taken == 0)
        for (; n_taken < n && take_few(work, shape, *place, 1) == 1; n_taken++)
            *place = next_place(work->marks, shape, *place);
    return n_taken;
}

/* Takes the tuple at this place, whatever it looks like. False: its end is not listed. */
static bool take_other(const struct work *work, struct nsf_place *place, uint64_t offset)
{
    const struct nsf_marks *marks = work->marks;
    struct nsf_slice rest = nsf_slice_from(marks->text, place->at + 1);
    struct nsf_place end = {place->mark + 1, place->at + 1};
    while (end.mark < marks->n && marks->are[end.mark] != NSF_MARK('"'))
        end.mark++;
    if (end.mark == marks->n)
        return false;
    end.at += nsf_slice_find(rest, '"');
    nsf_tuple_take(work->target, nsf_slice(rest.ptr, end.at - place->at - 1), offset + place->at + 1);
    *place = (struct nsf_place){end.mark + 1, end.at + 1};
    return true;
}

/* Takes n tuples whose marks were looked at, up to one that is not right; left behind those that were taken, and they
 * are counted. How many those are. */
NSF_VBMI_INLINE size_t take_run(const struct context *context, const struct work *work,
                                const struct nsf_tuple_shape *shape, struct nsf_place *place, size_t n)
{
    size_t n_taken = 0, n_more = 1;
    while (n_taken < n && n_more > 0) {
        struct nsf_place next = *place; /* the address of which nobody has */
        n_taken += take_shaped(context, work, shape, &next, n - n_taken);
        size_t n_left = n - n_taken;
        n_more = n_left <= NSF_LANES ? take_last(context, work, shape, &next, (unsigned)n_left) : 0;
        *place = next;
        if (n_more == 0)
            n_more = take_unusual(work, shape, place, n_left);
        n_taken += n_more;
    }
    work->target->n_tuples += (uint32_t)n_taken;
    return n_taken;
}

/* Lists and takes the tuples that are whole in the first n_bytes of the text. How many bytes that were. */
NSF_VBMI_INLINE size_t take_part(const struct work *work, const struct nsf_tuple_shape *shape, size_t n_bytes,
                                 uint64_t offset)
{
    struct nsf_marks *marks = work->marks;
    struct context context;
    struct nsf_place place = {1, 0};
    nsf_list_marks(marks, n_bytes, shape->has_word);
    reserve_contacts(work->target, marks->n / shape->n_marks);
    set_context(&context, work, shape);
    while (nsf_go_to_quote(marks, &place)) {
        size_t n_rows = (marks->n - place.mark) / shape->n_marks;
        size_t n_shaped = nsf_count_shaped(marks, shape, place.mark, n_rows);
        size_t n_taken = take_run(&context, work, shape, &place, n_shaped);
        if (n_taken == 0 && !take_other(work, &place, offset))
            break;
    }
    return place.at;
}

/* For each layout a function of its own, in which its shape is known. */
typedef size_t take_part_fn(const struct work *work, size_t n_bytes, uint64_t offset);

#define TAKE_LAYOUT(name, layout)                                                                                      \
    NSF_VBMI static size_t name(const struct work *work, size_t n_bytes, uint64_t offset)                              \
    {                                                                                                                  \
        return take_part(work, &nsf_tuple_shapes[layout], n_bytes, offset);                                            \
    }

TAKE_LAYOUT(take_nsg1, NSF_LAYOUT_NSG1)
TAKE_LAYOUT(take_nsg2, NSF_LAYOUT_NSG2)
TAKE_LAYOUT(take_vnet4, NSF_LAYOUT_VNET4)

static take_part_fn *const take_layout[NSF_LAYOUTS] = {take_nsg1, take_nsg2, take_vnet4};

static void set_text(struct nsf_marks *marks, struct nsf_slice text)
{
    size_t n_last = text.len < NSF_BLOCK_BYTES ? text.len : NSF_BLOCK_BYTES;
    marks->text = text;
    memset(marks->tail, 0, sizeof(marks->tail));
    memcpy(marks->tail + NSF_BLOCK_BYTES - n_last, text.ptr + text.len - n_last, n_last);
}

static void take_array(struct nsf_tuple_target *target, struct nsf_slice inside, uint64_t offset)
{
    uint8_t at_room[PART_BYTES + NSF_MARKS_ROOM], are_room[PART_BYTES + NSF_MARKS_ROOM];
    struct nsf_marks marks = {.at = at_room, .are = are_room};
    const struct work work = {&nsf_tuple_constants, &marks, target};
    size_t at = 0;
    set_text(&marks, inside);
    while (at < inside.len && target->batch != NULL) {
        marks.text = nsf_slice_from(inside, at);
        size_t n_bytes = marks.text.len < PART_BYTES ? marks.text.len : PART_BYTES;
        size_t n_taken = take_layout[target->layout](&work, n_bytes, offset + at);
        /* What is too long to be a tuple. */
        if (n_taken == 0)
            break;
        at += n_taken;
    }
    /* And what is only counted. */
    if (at < inside.len)
        nsf_tuple_take_array(target, nsf_slice_from(inside, at), offset + at);
}

/* ---- arrays whose marks are listed while their end is looked for ---- */

NSF_VBMI_INLINE size_t look_ahead_at(struct nsf_marks *marks, const struct nsf_tuple_shape *shape)
{
    if (!nsf_list_to_end(marks, shape->has_word) || (marks->n - 1) % shape->n_marks != 0)
        return 0;
    size_t n = (marks->n - 1) / shape->n_marks;
    return nsf_count_shaped(marks, shape, 1, n) == n ? n : 0;
}

NSF_VBMI static bool look_ahead(struct nsf_slice bytes, enum nsf_layout layout, struct nsf_tuple_marks *all,
                                struct nsf_tuple_rows *rows)
{
    if (bytes.len > NSF_AHEAD_MAX_BYTES)
        bytes.len = NSF_AHEAD_MAX_BYTES;
    size_t n_needed = all->n + bytes.len + NSF_MARKS_ROOM;
    NSF_GROW(all->at, all->at_capacity, n_needed);
    NSF_GROW(all->are, all->are_capacity, n_needed);
    struct nsf_marks marks = {.text = bytes, .at = all->at + all->n, .are = all->are + all->n};
    size_t n = layout == NSF_LAYOUT_VNET4  ? look_ahead_at(&marks, &nsf_tuple_shapes[NSF_LAYOUT_VNET4])
               : layout == NSF_LAYOUT_NSG2 ? look_ahead_at(&marks, &nsf_tuple_shapes[NSF_LAYOUT_NSG2])
                                           : look_ahead_at(&marks, &nsf_tuple_shapes[NSF_LAYOUT_NSG1]);
    *rows = (struct nsf_tuple_rows){.mark = all->n, .n = n, .n_bytes = marks.n_bytes, .layout = layout};
    all->n += n > 0 ? marks.n : 0;
    return n > 0;
}

/* Takes tuples whose marks are listed, all of which are known to have the right ones. */
NSF_VBMI_INLINE void take_listed(const struct work *work, const struct nsf_tuple_shape *shape, size_t n,
                                 uint64_t offset)
{
    struct context context;
    struct nsf_place place = {1, 0};
    set_context(&context, work, shape);
    while (n > 0) {
        size_t n_part = n < PART_ROWS ? n : PART_ROWS;
        reserve_contacts(work->target, n_part);
        size_t n_taken = take_run(&context, work, shape, &place, n_part);
        n -= n_taken;
        if (n_taken < n_part) {
            (void)take_other(work, &place, offset);
            n--;
            place.mark++;
            place.at++;
        }
    }
}

#define TAKE_LISTED(name, layout)                                                                                      \
    NSF_VBMI static void name(const struct work *work, size_t n, uint64_t offset)                                      \
    {                                                                                                                  \
        take_listed(work, &nsf_tuple_shapes[layout], n, offset);                                                       \
    }

TAKE_LISTED(take_listed_nsg1, NSF_LAYOUT_NSG1)
TAKE_LISTED(take_listed_nsg2, NSF_LAYOUT_NSG2)
TAKE_LISTED(take_listed_vnet4, NSF_LAYOUT_VNET4)

typedef void take_listed_fn(const struct work *work, size_t n, uint64_t offset);
static take_listed_fn *const take_listed_layout[NSF_LAYOUTS] = {take_listed_nsg1, take_listed_nsg2, take_listed_vnet4};

static void take_rows(struct nsf_tuple_target *target, struct nsf_slice inside, uint64_t offset,
                      const struct nsf_tuple_marks *all, const struct nsf_tuple_rows *rows)
{
    struct nsf_marks marks = {.at = all->at + rows->mark,
                              .are = all->are + rows->mark,
                              .n = 1 + rows->n * nsf_tuple_shapes[rows->layout].n_marks};
    const struct work work = {&nsf_tuple_constants, &marks, target};
    set_text(&marks, inside);
    take_listed_layout[rows->layout](&work, rows->n, offset);
}

static enum nsf_skim skim(struct nsf_slice bytes, size_t *at)
{
    return nsf_tuple_ops_avx512.skim(bytes, at);
}

const struct nsf_tuple_ops nsf_tuple_ops_avx512vbmi = {
    .name = "avx512vbmi",
    .skim = skim,
    .take_array = take_array,
    .look_ahead = look_ahead,
    .take_rows = take_rows,
};

#endif

#include "core/nsf_common.h"

#include "flow/tuple.h"

#include "core/limits.h"
#include "core/mem.h"

#define FIELDS_NSG1 8
#define FIELDS_MAX 13
#define SAMPLE_MAX_BYTES 120
/* A longer string in an array is for the JSON parser, which has a bound of its own. */
#define SKIM_STRING_MAX_BYTES ((size_t)64 << 10)
/* The end of the year 9999: nothing could print a later stamp. */
#define STAMP_MAX_MS UINT64_C(253402300799999)

/* Field numbers; 7 and 8 mean different things by layout. */
enum {
    FIELD_TIME,
    FIELD_SRC,
    FIELD_DST,
    FIELD_SRC_PORT,
    FIELD_DST_PORT,
    FIELD_PROTOCOL,
    FIELD_DIRECTION,
    FIELD_DECISION,
    FIELD_STATE,
    FIELD_COUNTERS,
};

struct fields {
    struct nsf_slice at[FIELDS_MAX];
};

static const char *const fault_texts[NSF_TUPLE_FAULTS] = {
#define FAULT_TEXT(name, text) text,
    NSF_TUPLE_FAULT_TABLE(FAULT_TEXT)
#undef FAULT_TEXT
};

const char *nsf_tuple_fault_text(enum nsf_tuple_fault fault)
{
    return fault_texts[fault];
}

unsigned nsf_tuple_fields(enum nsf_layout layout)
{
    return layout == NSF_LAYOUT_NSG1 ? FIELDS_NSG1 : FIELDS_MAX;
}

/* Exactly n fields, or false. */
static bool split(struct nsf_slice text, unsigned n, struct fields *fields)
{
    for (unsigned i = 0; i + 1 < n; i++) {
        size_t len = nsf_slice_find(text, ',');
        if (len == text.len)
            return false;
        fields->at[i] = nsf_slice(text.ptr, len);
        text = nsf_slice_from(text, len + 1);
    }
    fields->at[n - 1] = text;
    return nsf_slice_find(text, ',') == text.len;
}

static bool is_char(struct nsf_slice field, char c)
{
    return field.len == 1 && field.ptr[0] == c;
}

static bool parse_time(struct nsf_slice field, int64_t *ts_ms)
{
    uint64_t stamp;
    if (!nsf_slice_to_u64(field, UINT64_MAX, &stamp))
        return false;
    if (stamp < NSF_TUPLE_MS_FROM)
        stamp *= 1000;
    *ts_ms = (int64_t)stamp;
    return stamp <= STAMP_MAX_MS;
}

static bool parse_protocol(struct nsf_slice field, enum nsf_layout layout, uint8_t *protocol)
{
    uint64_t number;
    if (layout == NSF_LAYOUT_VNET4) {
        if (!nsf_slice_to_u64(field, UINT8_MAX, &number))
            return false;
        *protocol = (uint8_t)number;
        return true;
    }
    *protocol = is_char(field, 'T') ? NSF_PROTOCOL_TCP : NSF_PROTOCOL_UDP;
    return is_char(field, 'T') || is_char(field, 'U');
}

/* Protocols without ports may leave the field empty. */
static bool parse_port(struct nsf_slice field, uint8_t protocol, uint16_t *port)
{
    uint64_t number = 0;
    bool may_be_empty = protocol != NSF_PROTOCOL_TCP && protocol != NSF_PROTOCOL_UDP;
    if (!(may_be_empty && field.len == 0) && !nsf_slice_to_u64(field, UINT16_MAX, &number))
        return false;
    *port = (uint16_t)number;
    return true;
}

static bool parse_state(struct nsf_slice field, uint8_t *event)
{
    static const struct {
        char letter;
        uint8_t event;
    } states[] = {{'B', NSF_FLOW_BEGIN}, {'C', NSF_FLOW_CONTINUE}, {'E', NSF_FLOW_END}};
    for (size_t i = 0; i < NSF_ARRAY_LEN(states); i++)
        if (is_char(field, states[i].letter)) {
            *event = states[i].event;
            return true;
        }
    return false;
}

/* Decision and state; a decision D wins over the state. */
static enum nsf_tuple_fault parse_event(const struct fields *fields, enum nsf_layout layout, uint8_t *event)
{
    struct nsf_slice decision = fields->at[FIELD_DECISION];
    bool is_denied = is_char(decision, 'D');
    *event = NSF_FLOW_LINE;
    if (layout == NSF_LAYOUT_VNET4) {
        if (!is_denied && !parse_state(decision, event))
            return NSF_TUPLE_STATE;
    } else {
        if (!is_denied && !is_char(decision, 'A'))
            return NSF_TUPLE_DECISION;
        if (layout == NSF_LAYOUT_NSG2 && !parse_state(fields->at[FIELD_STATE], event))
            return NSF_TUPLE_STATE;
    }
    if (is_denied)
        *event = NSF_FLOW_DENIED;
    return NSF_TUPLE_NONE;
}

/* All four are there or none is. */
static enum nsf_tuple_fault parse_counters(const struct fields *fields, struct nsf_tuple *tuple)
{
    unsigned n_empty = 0;
    for (unsigned i = 0; i < 4; i++) {
        struct nsf_slice field = fields->at[FIELD_COUNTERS + i];
        tuple->counters[i] = 0;
        if (field.len == 0)
            n_empty++;
        else if (!nsf_slice_to_u64(field, UINT64_MAX, &tuple->counters[i]))
            return NSF_TUPLE_COUNTER;
    }
    tuple->has_counters = n_empty == 0;
    return n_empty == 0 || n_empty == 4 ? NSF_TUPLE_NONE : NSF_TUPLE_COUNTERS;
}

static enum nsf_tuple_fault parse_fields(const struct fields *fields, enum nsf_layout layout, struct nsf_tuple *tuple)
{
    if (!parse_time(fields->at[FIELD_TIME], &tuple->ts_ms))
        return NSF_TUPLE_TIME;
    if (!nsf_ip_parse(fields->at[FIELD_SRC], &tuple->src) || !nsf_ip_parse(fields->at[FIELD_DST], &tuple->dst))
        return NSF_TUPLE_ADDRESS;
    if (!parse_protocol(fields->at[FIELD_PROTOCOL], layout, &tuple->protocol))
        return NSF_TUPLE_PROTOCOL;
    if (!parse_port(fields->at[FIELD_SRC_PORT], tuple->protocol, &tuple->src_port) ||
        !parse_port(fields->at[FIELD_DST_PORT], tuple->protocol, &tuple->dst_port))
        return NSF_TUPLE_PORT;
    tuple->is_inbound = is_char(fields->at[FIELD_DIRECTION], 'I');
    if (!tuple->is_inbound && !is_char(fields->at[FIELD_DIRECTION], 'O'))
        return NSF_TUPLE_DIRECTION;
    enum nsf_tuple_fault fault = parse_event(fields, layout, &tuple->event);
    if (fault != NSF_TUPLE_NONE)
        return fault;
    if (layout != NSF_LAYOUT_NSG1)
        return parse_counters(fields, tuple);
    tuple->has_counters = false;
    memset(tuple->counters, 0, sizeof(tuple->counters));
    return NSF_TUPLE_NONE;
}

enum nsf_tuple_fault nsf_tuple_parse(struct nsf_slice text, enum nsf_layout layout, struct nsf_tuple *tuple)
{
    struct fields fields;
    if (!split(text, nsf_tuple_fields(layout), &fields))
        return NSF_TUPLE_FIELDS;
    return parse_fields(&fields, layout, tuple);
}

static void add_mail_event(struct nsf_mail_events *events, const struct nsf_tuple_target *target,
                           const struct nsf_tuple *tuple)
{
    struct nsf_mail_event *event = nsf_mail_events_add(events);
    *event = (struct nsf_mail_event){
        .ts_ms = tuple->ts_ms,
        .src = tuple->src,
        .dst = tuple->dst,
        .packets_in = tuple->counters[NSF_PACKETS_IN],
        .bytes_in = tuple->counters[NSF_BYTES_IN],
        .packets_out = tuple->counters[NSF_PACKETS_OUT],
        .bytes_out = tuple->counters[NSF_BYTES_OUT],
        .scope_id = target->scope_id,
        .record_idx = target->record_idx,
        .src_port = tuple->src_port,
        .dst_port = tuple->dst_port,
        .event = tuple->event,
        .has_counters = tuple->has_counters,
    };
}

void nsf_tuple_emit(struct nsf_tuple_target *target, const struct nsf_tuple *tuple)
{
    struct nsf_batch *batch = target->batch;
    if (batch == NULL || (target->is_smtp_only && tuple->event == NSF_FLOW_DENIED))
        return;
    bool is_tcp = tuple->protocol == NSF_PROTOCOL_TCP;
    if (!tuple->is_inbound) {
        if (is_tcp && (tuple->dst_port == 25 || tuple->dst_port == 587))
            add_mail_event(&batch->outbound, target, tuple);
        return;
    }
    if (is_tcp && tuple->dst_port == 25) {
        add_mail_event(&batch->mail[nsf_partition_of(tuple->src)], target, tuple);
    } else if (!target->is_smtp_only) {
        struct nsf_wide_contact contact = nsf_tuple_contact(target, tuple);
        nsf_batch_add_contact(batch, &contact);
    }
}

NSF_COLD static void note_bad(struct nsf_tuple_target *target, enum nsf_tuple_fault fault, struct nsf_slice text,
                              uint64_t offset)
{
    struct nsf_batch *batch = target->batch;
    if (batch == NULL)
        return;
    if (target->bad_idx[fault] != 0) {
        batch->bad[target->bad_idx[fault] - 1].count++;
        return;
    }
    NSF_GROW(batch->bad, batch->bad_capacity, batch->n_bad + 1);
    struct nsf_slice sample = nsf_slice(text.ptr, text.len < SAMPLE_MAX_BYTES ? text.len : SAMPLE_MAX_BYTES);
    batch->bad[batch->n_bad] = (struct nsf_bad_tuple){
        .record_idx = target->record_idx,
        .fault = (uint8_t)fault,
        .count = 1,
        .offset = offset,
        .sample = nsf_arena_copy(&batch->arena, sample),
    };
    target->bad_idx[fault] = (uint32_t)++batch->n_bad;
}

void nsf_tuple_target_init(struct nsf_tuple_target *target, struct nsf_batch *batch, enum nsf_layout layout)
{
    *target = (struct nsf_tuple_target){.batch = batch, .layout = layout};
}

void nsf_tuple_target_enter(struct nsf_tuple_target *target, uint32_t scope_id)
{
    target->scope_id = scope_id;
    if (target->batch != NULL)
        target->group_idx =
            nsf_batch_enter_group(target->batch, (struct nsf_tuple_group){scope_id, target->record_idx});
}

static bool is_plain_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == ':' ||
           c == '_' || c == ',' || c == '-';
}

static bool has_plain_bytes_only(struct nsf_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_plain_byte(text.ptr[i]))
            return false;
    return true;
}

static bool is_text(struct nsf_slice field, const char *text)
{
    return nsf_slice_eq(field, nsf_slice_str(text));
}

/* A tuple that is neither inbound nor to port 25: its bytes are all that is checked. One to port 587 is taken along
 * when it happens to be good. */
static enum nsf_tuple_fault take_lightly(struct nsf_tuple_target *target, struct nsf_slice text,
                                         const struct fields *fields)
{
    struct nsf_tuple tuple;
    if (!has_plain_bytes_only(text))
        return NSF_TUPLE_BYTES;
    if (is_text(fields->at[FIELD_DST_PORT], "587") && parse_fields(fields, target->layout, &tuple) == NSF_TUPLE_NONE)
        nsf_tuple_emit(target, &tuple);
    return NSF_TUPLE_NONE;
}

void nsf_tuple_take(struct nsf_tuple_target *target, struct nsf_slice text, uint64_t offset)
{
    struct fields fields;
    struct nsf_tuple tuple;
    enum nsf_tuple_fault fault = NSF_TUPLE_FIELDS;
    target->n_tuples++;
    if (split(text, nsf_tuple_fields(target->layout), &fields)) {
        bool matters =
            target->is_strict || is_char(fields.at[FIELD_DIRECTION], 'I') || is_text(fields.at[FIELD_DST_PORT], "25");
        fault = matters ? parse_fields(&fields, target->layout, &tuple) : take_lightly(target, text, &fields);
        if (matters && fault == NSF_TUPLE_NONE)
            nsf_tuple_emit(target, &tuple);
    }
    if (NSF_UNLIKELY(fault != NSF_TUPLE_NONE)) {
        target->n_bad++;
        note_bad(target, fault, text, offset);
    }
}

void nsf_tuple_take_other(struct nsf_tuple_target *target, struct nsf_slice text, uint64_t offset)
{
    note_bad(target, NSF_TUPLE_TYPE, text, offset);
}

void nsf_tuple_take_array(struct nsf_tuple_target *target, struct nsf_slice inside, uint64_t offset)
{
    size_t at = nsf_slice_find(inside, '"');
    while (at < inside.len) {
        struct nsf_slice rest = nsf_slice_from(inside, at + 1);
        size_t len = nsf_slice_find(rest, '"');
        nsf_tuple_take(target, nsf_slice(rest.ptr, len), offset + at + 1);
        rest = len == rest.len ? nsf_slice_from(rest, len) : nsf_slice_from(rest, len + 1);
        at = inside.len - rest.len + nsf_slice_find(rest, '"');
    }
}

/* Blanks between strings may stand in a plain array; line ends are control bytes and leave it to the parser. */
static size_t after_blanks(struct nsf_slice bytes, size_t at)
{
    while (at < bytes.len && bytes.ptr[at] == ' ')
        at++;
    return at;
}

/* Index behind the closing quote of the string whose inside begins at `at`; bytes.len + 1: not among these bytes; 0:
 * odd. */
static size_t skim_string(struct nsf_slice bytes, size_t at)
{
    for (size_t from = at; at < bytes.len; at++) {
        char c = bytes.ptr[at];
        if (c == '"')
            return at + 1;
        if (at - from > SKIM_STRING_MAX_BYTES || c < 0x20 || c == '\\' || (unsigned char)c >= 0x80)
            return 0;
    }
    return bytes.len + 1;
}

/* *at stands behind the `[` (0) or on what follows a whole string: a comma, a blank, the `]`. */
enum nsf_skim nsf_skim(struct nsf_slice bytes, size_t *at)
{
    for (;;) {
        size_t i = after_blanks(bytes, *at);
        if (i == bytes.len)
            return NSF_SKIM_MORE;
        if (bytes.ptr[i] == ']') {
            *at = i;
            return NSF_SKIM_FOUND;
        }
        if (*at > 0 && bytes.ptr[i] != ',')
            return NSF_SKIM_ODD;
        if (*at > 0)
            i = after_blanks(bytes, i + 1);
        if (i == bytes.len)
            return NSF_SKIM_MORE;
        if (bytes.ptr[i] != '"')
            return NSF_SKIM_ODD;
        i = skim_string(bytes, i + 1);
        if (i == 0)
            return NSF_SKIM_ODD;
        if (i > bytes.len)
            return NSF_SKIM_MORE;
        *at = i;
    }
}

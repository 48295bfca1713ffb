#include "core/nsf_common.h"

#include "store/pack.h"

#include "core/index.h"
#include "core/limits.h"
#include "core/mem.h"
#include "store/wire.h"

/* What differs from the event before is written, what is equal is a bit. */
enum event_bits {
    EVENT_KIND = 7, /* enum nsf_flow_event */
    EVENT_HAS_COUNTERS = 1 << 3,
    EVENT_SRC_V4 = 1 << 4,
    EVENT_DST_V4 = 1 << 5,
    EVENT_SAME_RECORD = 1 << 6,
    EVENT_SAME_SCOPE = 1 << 7,
    EVENT_SAME_SRC = 1 << 8,
    EVENT_SAME_DST = 1 << 9,
    EVENT_PORT_25 = 1 << 10,
    EVENT_ZERO_COUNTERS = 1 << 11,
    EVENT_ALL = (1 << 12) - 1,
};

enum contact_bits {
    CONTACT_DENIED = 1 << 0,
    CONTACT_SRC_V4 = 1 << 1,
    CONTACT_DST_V4 = 1 << 2,
    CONTACT_SAME_RECORD = 1 << 3,
    CONTACT_SAME_SCOPE = 1 << 4,
    CONTACT_SAME_SRC = 1 << 5,
    CONTACT_SAME_DST = 1 << 6,
    CONTACT_TCP = 1 << 7,
};

enum record_bits {
    RECORD_LAYOUT = 3, /* enum nsf_layout */
    RECORD_HAS_FINGERPRINT = 1 << 2,
    RECORD_PART = 1 << 3,
    RECORD_ALL = 15,
};

/* The least a record, an event, a contact, ... takes: what bounds how many there can be. */
#define PACK_RECORD_MIN_BYTES 6
#define PACK_EVENT_MIN_BYTES 5
#define PACK_CONTACT_MIN_BYTES 3
#define PACK_ROW_MIN_BYTES 2

/* The scopes of one batch, numbered in the order in which they are met. */
struct numbering {
    struct nsf_index by_id;
    uint32_t *ids; /* of the table */
    size_t capacity;
    uint32_t n;
    uint32_t last_id;
    uint32_t last_number;
};

static uint32_t number_of(struct numbering *numbering, uint32_t scope_id)
{
    if (numbering->n > 0 && numbering->last_id == scope_id)
        return numbering->last_number;
    uint32_t hash = (uint32_t)nsf_hash_mix(scope_id, 0), probe = hash, number;
    while ((number = nsf_index_next(&numbering->by_id, hash, &probe)) != NSF_INDEX_NONE)
        if (numbering->ids[number] == scope_id)
            break;
    if (number == NSF_INDEX_NONE) {
        number = numbering->n++;
        NSF_GROW(numbering->ids, numbering->capacity, (size_t)number + 1);
        numbering->ids[number] = scope_id;
        nsf_index_add(&numbering->by_id, hash, number);
    }
    numbering->last_id = scope_id;
    numbering->last_number = number;
    return number;
}

static void number_events(struct numbering *numbering, const struct nsf_mail_events *events)
{
    for (size_t i = 0; i < events->n; i++)
        number_of(numbering, events->items[i].scope_id);
}

static void number_all(struct numbering *numbering, const struct nsf_batch *batch)
{
    for (size_t i = 0; i < batch->n_records; i++)
        number_of(numbering, batch->records[i].scope_id);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        number_events(numbering, &batch->mail[p]);
    }
    for (size_t i = 0; i < batch->tuple_groups.n; i++)
        number_of(numbering, batch->tuple_groups.items[i].scope_id);
    number_events(numbering, &batch->outbound);
    for (size_t i = 0; i < batch->groups.n; i++)
        number_of(numbering, batch->groups.ids[i]);
}

/* Neighbours share most of their texts: a text equal to that of the scope before is one byte. */
static void put_scope_text(struct nsf_buf *buf, struct nsf_slice text, struct nsf_slice before)
{
    bool is_same = (text.ptr == NULL) == (before.ptr == NULL) && nsf_slice_eq(text, before);
    nsf_wire_put_u8(buf, is_same);
    if (!is_same)
        nsf_wire_put_text(buf, text);
}

static void put_scopes(struct nsf_buf *buf, const struct numbering *numbering, struct nsf_scopes *scopes)
{
    nsf_wire_put_u64(buf, numbering->n);
    struct nsf_scope before = {0};
    for (uint32_t i = 0; i < numbering->n; i++) {
        struct nsf_scope scope = nsf_scopes_get(scopes, numbering->ids[i]);
        nsf_wire_put_u8(buf, (uint8_t)scope.layout);
        put_scope_text(buf, scope.flow_log, before.flow_log);
        put_scope_text(buf, scope.mac, before.mac);
        put_scope_text(buf, scope.nsg, scope.layout == NSF_LAYOUT_VNET4 ? before.nsg : scope.flow_log);
        put_scope_text(buf, scope.rule, before.rule);
        before = scope;
    }
}

static void put_records(struct nsf_buf *buf, const struct nsf_batch *batch, struct numbering *numbering)
{
    nsf_wire_put_u64(buf, batch->n_records);
    struct nsf_record before = {0};
    for (size_t i = 0; i < batch->n_records; i++) {
        const struct nsf_record *record = &batch->records[i];
        unsigned bits = (unsigned)record->layout;
        bits |= record->has_fingerprint ? RECORD_HAS_FINGERPRINT : 0u;
        bits |= record->is_part ? RECORD_PART : 0u;
        nsf_wire_put_u8(buf, (uint8_t)bits);
        nsf_wire_put_step(buf, record->offset, before.offset);
        nsf_wire_put_step(buf, (uint64_t)record->time_ms, (uint64_t)before.time_ms);
        if (record->has_fingerprint) {
            nsf_wire_put_fixed(buf, record->fingerprint.hi, 8);
            nsf_wire_put_fixed(buf, record->fingerprint.lo, 8);
        }
        nsf_wire_put_u64(buf, number_of(numbering, record->scope_id));
        nsf_wire_put_u64(buf, record->n_tuples);
        nsf_wire_put_u64(buf, record->n_bad);
        before = *record;
    }
}

static unsigned event_bits(const struct nsf_mail_event *event, const struct nsf_mail_event *before)
{
    unsigned bits = event->event;
    bits |= event->has_counters ? EVENT_HAS_COUNTERS : 0u;
    bits |= nsf_ip_is_v4(event->src) ? EVENT_SRC_V4 : 0u;
    bits |= nsf_ip_is_v4(event->dst) ? EVENT_DST_V4 : 0u;
    bits |= event->record_idx == before->record_idx ? EVENT_SAME_RECORD : 0u;
    bits |= event->scope_id == before->scope_id ? EVENT_SAME_SCOPE : 0u;
    bits |= nsf_ip_eq(event->src, before->src) ? EVENT_SAME_SRC : 0u;
    bits |= nsf_ip_eq(event->dst, before->dst) ? EVENT_SAME_DST : 0u;
    bits |= event->dst_port == 25 ? EVENT_PORT_25 : 0u;
    bits |=
        (event->packets_in | event->bytes_in | event->packets_out | event->bytes_out) == 0 ? EVENT_ZERO_COUNTERS : 0u;
    return bits;
}

static void put_events(struct nsf_buf *buf, const struct nsf_mail_events *events, struct numbering *numbering)
{
    nsf_wire_put_u64(buf, events->n);
    struct nsf_mail_event first = {.scope_id = UINT32_MAX};
    const struct nsf_mail_event *before = &first;
    for (size_t i = 0; i < events->n; i++) {
        const struct nsf_mail_event *event = &events->items[i];
        unsigned bits = event_bits(event, before);
        nsf_wire_put_fixed(buf, bits, 2);
        nsf_wire_put_step(buf, (uint64_t)event->ts_ms, (uint64_t)before->ts_ms);
        if ((bits & EVENT_SAME_RECORD) == 0)
            nsf_wire_put_step(buf, event->record_idx, before->record_idx);
        if ((bits & EVENT_SAME_SCOPE) == 0)
            nsf_wire_put_u64(buf, number_of(numbering, event->scope_id));
        if ((bits & EVENT_SAME_SRC) == 0)
            nsf_wire_put_ip(buf, event->src);
        if ((bits & EVENT_SAME_DST) == 0)
            nsf_wire_put_ip(buf, event->dst);
        nsf_wire_put_fixed(buf, event->src_port, 2);
        if ((bits & EVENT_PORT_25) == 0)
            nsf_wire_put_fixed(buf, event->dst_port, 2);
        if ((bits & EVENT_ZERO_COUNTERS) == 0) {
            nsf_wire_put_u64(buf, event->packets_in);
            nsf_wire_put_u64(buf, event->bytes_in);
            nsf_wire_put_u64(buf, event->packets_out);
            nsf_wire_put_u64(buf, event->bytes_out);
        }
        before = event;
    }
}

/* A contact, and the group that it is in. */
struct packed_contact {
    struct nsf_wide_contact contact;
    struct nsf_tuple_group group;
};

static unsigned contact_bits(const struct nsf_wide_contact *contact, const struct nsf_wide_contact *before)
{
    unsigned bits = contact->is_denied ? CONTACT_DENIED : 0u;
    bits |= nsf_ip_is_v4(contact->src) ? CONTACT_SRC_V4 : 0u;
    bits |= nsf_ip_is_v4(contact->dst) ? CONTACT_DST_V4 : 0u;
    bits |= nsf_ip_eq(contact->src, before->src) ? CONTACT_SAME_SRC : 0u;
    bits |= nsf_ip_eq(contact->dst, before->dst) ? CONTACT_SAME_DST : 0u;
    bits |= contact->protocol == NSF_PROTOCOL_TCP ? CONTACT_TCP : 0u;
    return bits;
}

static void put_contact(struct nsf_buf *buf, const struct packed_contact *packed, const struct packed_contact *before,
                        struct numbering *numbering)
{
    const struct nsf_wide_contact *contact = &packed->contact;
    unsigned bits = contact_bits(contact, &before->contact);
    bits |= packed->group.record_idx == before->group.record_idx ? CONTACT_SAME_RECORD : 0u;
    bits |= packed->group.scope_id == before->group.scope_id ? CONTACT_SAME_SCOPE : 0u;
    nsf_wire_put_u8(buf, (uint8_t)bits);
    nsf_wire_put_step(buf, (uint64_t)contact->ts_ms, (uint64_t)before->contact.ts_ms);
    if ((bits & CONTACT_SAME_RECORD) == 0)
        nsf_wire_put_step(buf, packed->group.record_idx, before->group.record_idx);
    if ((bits & CONTACT_SAME_SCOPE) == 0)
        nsf_wire_put_u64(buf, number_of(numbering, packed->group.scope_id));
    if ((bits & CONTACT_SAME_SRC) == 0)
        nsf_wire_put_ip(buf, contact->src);
    if ((bits & CONTACT_SAME_DST) == 0)
        nsf_wire_put_ip(buf, contact->dst);
    if ((bits & CONTACT_TCP) == 0)
        nsf_wire_put_u8(buf, contact->protocol);
    nsf_wire_put_u64(buf, contact->dst_port);
}

static void put_contacts(struct nsf_buf *buf, const struct nsf_batch *batch, unsigned p, struct numbering *numbering)
{
    size_t n_compact = batch->contacts[p].n, n = n_compact + batch->wide_contacts[p].n;
    struct packed_contact before = {.group.scope_id = UINT32_MAX};
    nsf_wire_put_u64(buf, n);
    for (size_t i = 0; i < n; i++) {
        struct packed_contact packed = {
            .contact = i < n_compact ? nsf_batch_contact(batch, p, i) : batch->wide_contacts[p].items[i - n_compact],
        };
        packed.group = batch->tuple_groups.items[packed.contact.group_idx];
        put_contact(buf, &packed, &before, numbering);
        before = packed;
    }
}

static void put_rest(struct nsf_buf *buf, const struct nsf_batch *batch, struct numbering *numbering)
{
    nsf_wire_put_u64(buf, batch->groups.n);
    for (size_t i = 0; i < batch->groups.n; i++)
        nsf_wire_put_u64(buf, number_of(numbering, batch->groups.ids[i]));
    nsf_wire_put_u64(buf, batch->n_bad);
    for (size_t i = 0; i < batch->n_bad; i++) {
        const struct nsf_bad_tuple *bad = &batch->bad[i];
        nsf_wire_put_u64(buf, bad->record_idx);
        nsf_wire_put_u8(buf, bad->fault);
        nsf_wire_put_u64(buf, bad->count);
        nsf_wire_put_u64(buf, bad->offset);
        nsf_wire_put_text(buf, bad->sample);
    }
    nsf_wire_put_u64(buf, batch->n_foreign);
    for (size_t i = 0; i < batch->n_foreign; i++) {
        nsf_wire_put_text(buf, batch->foreign[i].category);
        nsf_wire_put_u64(buf, batch->foreign[i].count);
    }
    nsf_wire_put_u64(buf, batch->problems.n);
    for (size_t i = 0; i < batch->problems.n; i++) {
        const struct nsf_problem *problem = &batch->problems.items[i];
        /* By name: the numbers of codes are the program's own. */
        nsf_wire_put_text(buf, nsf_slice_str(nsf_code_name(problem->code)));
        nsf_wire_put_u64(buf, problem->offset);
        nsf_wire_put_text(buf, problem->detail);
        nsf_wire_put_u64(buf, problem->count);
        nsf_wire_put_u64(buf, problem->skipped_bytes);
        nsf_wire_put_u64(buf, problem->tuples_lost);
    }
    nsf_wire_put_u64(buf, batch->problems.n_dropped);
}

void nsf_pack_batch(const struct nsf_batch *batch, struct nsf_scopes *scopes, struct nsf_buf *buf)
{
    struct numbering numbering = {0};
    number_all(&numbering, batch);
    nsf_wire_put_u8(buf, NSF_PACK_VERSION);
    put_scopes(buf, &numbering, scopes);
    put_records(buf, batch, &numbering);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        put_events(buf, &batch->mail[p], &numbering);
    put_events(buf, &batch->outbound, &numbering);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        put_contacts(buf, batch, p, &numbering);
    put_rest(buf, batch, &numbering);
    nsf_index_release(&numbering.by_id);
    nsf_free(numbering.ids);
}

/* ---- and back ---- */

struct unpacking {
    struct nsf_wire wire;
    struct nsf_batch *batch;
    uint32_t *scope_ids; /* of the table, by number */
    size_t n_scopes;
};

static uint32_t take_scope_id(struct unpacking *unpacking)
{
    uint64_t number = nsf_wire_u64(&unpacking->wire);
    if (number < unpacking->n_scopes)
        return unpacking->scope_ids[number];
    unpacking->wire.has_failed = true;
    return 0;
}

static struct nsf_slice take_scope_text(struct nsf_wire *wire, struct nsf_slice before)
{
    return nsf_wire_u8(wire) != 0 ? before : nsf_wire_text(wire);
}

static void take_scopes(struct unpacking *unpacking, struct nsf_scopes *scopes)
{
    struct nsf_wire *wire = &unpacking->wire;
    unpacking->n_scopes = nsf_wire_count(wire, PACK_ROW_MIN_BYTES);
    unpacking->scope_ids = nsf_calloc(unpacking->n_scopes + 1, sizeof(*unpacking->scope_ids));
    struct nsf_scope before = {0};
    for (size_t i = 0; i < unpacking->n_scopes && !wire->has_failed; i++) {
        struct nsf_scope scope;
        uint8_t layout = nsf_wire_u8(wire);
        scope.layout = (enum nsf_layout)layout;
        scope.flow_log = take_scope_text(wire, before.flow_log);
        scope.mac = take_scope_text(wire, before.mac);
        scope.nsg = take_scope_text(wire, layout == NSF_LAYOUT_VNET4 ? before.nsg : scope.flow_log);
        scope.rule = take_scope_text(wire, before.rule);
        bool is_sane = layout < NSF_LAYOUTS && scope.flow_log.len <= NSF_JSON_TOKEN_MAX_BYTES &&
                       scope.mac.len <= NSF_JSON_TOKEN_MAX_BYTES && scope.nsg.len <= NSF_JSON_TOKEN_MAX_BYTES &&
                       scope.rule.len <= NSF_JSON_TOKEN_MAX_BYTES;
        wire->has_failed |= !is_sane;
        if (!wire->has_failed)
            unpacking->scope_ids[i] = nsf_scopes_add(scopes, &scope);
        before = scope;
    }
}

static void take_records(struct unpacking *unpacking)
{
    struct nsf_wire *wire = &unpacking->wire;
    size_t n = nsf_wire_count(wire, PACK_RECORD_MIN_BYTES);
    struct nsf_record before = {0};
    for (size_t i = 0; i < n && !wire->has_failed; i++) {
        struct nsf_record *record = nsf_batch_add_record(unpacking->batch);
        uint8_t bits = nsf_wire_u8(wire);
        if (bits > RECORD_ALL || (bits & RECORD_LAYOUT) >= NSF_LAYOUTS)
            wire->has_failed = true;
        record->layout = (enum nsf_layout)(wire->has_failed ? 0 : bits & RECORD_LAYOUT);
        record->has_fingerprint = (bits & RECORD_HAS_FINGERPRINT) != 0;
        record->is_part = (bits & RECORD_PART) != 0;
        record->offset = nsf_wire_step(wire, before.offset);
        record->time_ms = (int64_t)nsf_wire_step(wire, (uint64_t)before.time_ms);
        if (record->has_fingerprint) {
            record->fingerprint.hi = nsf_wire_fixed(wire, 8);
            record->fingerprint.lo = nsf_wire_fixed(wire, 8);
        }
        record->scope_id = take_scope_id(unpacking);
        record->n_tuples = (uint32_t)nsf_wire_u64_max(wire, UINT32_MAX);
        record->n_bad = (uint32_t)nsf_wire_u64_max(wire, UINT32_MAX);
        before = *record;
    }
}

static uint32_t take_record_idx(struct unpacking *unpacking, bool is_same, uint32_t before)
{
    uint64_t idx = is_same ? before : nsf_wire_step(&unpacking->wire, before);
    if (idx < unpacking->batch->n_records)
        return (uint32_t)idx;
    unpacking->wire.has_failed = true;
    return 0;
}

static uint32_t take_same_scope(struct unpacking *unpacking, uint32_t before)
{
    unpacking->wire.has_failed |= before == UINT32_MAX;
    return before;
}

static void take_event(struct unpacking *unpacking, struct nsf_mail_event *event, const struct nsf_mail_event *before)
{
    struct nsf_wire *wire = &unpacking->wire;
    unsigned bits = (unsigned)nsf_wire_fixed(wire, 2);
    wire->has_failed |= bits > EVENT_ALL || (bits & EVENT_KIND) > NSF_FLOW_DENIED;
    *event = (struct nsf_mail_event){.event = (uint8_t)(bits & EVENT_KIND)};
    event->has_counters = (bits & EVENT_HAS_COUNTERS) != 0;
    event->ts_ms = (int64_t)nsf_wire_step(wire, (uint64_t)before->ts_ms);
    event->record_idx = take_record_idx(unpacking, (bits & EVENT_SAME_RECORD) != 0, before->record_idx);
    event->scope_id =
        (bits & EVENT_SAME_SCOPE) != 0 ? take_same_scope(unpacking, before->scope_id) : take_scope_id(unpacking);
    event->src = (bits & EVENT_SAME_SRC) != 0 ? before->src : nsf_wire_ip(wire, (bits & EVENT_SRC_V4) != 0);
    event->dst = (bits & EVENT_SAME_DST) != 0 ? before->dst : nsf_wire_ip(wire, (bits & EVENT_DST_V4) != 0);
    event->src_port = (uint16_t)nsf_wire_fixed(wire, 2);
    event->dst_port = (bits & EVENT_PORT_25) != 0 ? 25 : (uint16_t)nsf_wire_fixed(wire, 2);
    if ((bits & EVENT_ZERO_COUNTERS) == 0) {
        event->packets_in = nsf_wire_u64(wire);
        event->bytes_in = nsf_wire_u64(wire);
        event->packets_out = nsf_wire_u64(wire);
        event->bytes_out = nsf_wire_u64(wire);
    }
}

/* Inbound mail goes to the partition of its source, whatever the bytes say; outbound has none. */
static void take_events(struct unpacking *unpacking, bool is_outbound)
{
    size_t n = nsf_wire_count(&unpacking->wire, PACK_EVENT_MIN_BYTES);
    struct nsf_mail_event before = {.scope_id = UINT32_MAX};
    for (size_t i = 0; i < n; i++) {
        struct nsf_mail_event event;
        take_event(unpacking, &event, &before);
        if (unpacking->wire.has_failed)
            return;
        struct nsf_batch *batch = unpacking->batch;
        *nsf_mail_events_add(is_outbound ? &batch->outbound : &batch->mail[nsf_partition_of(event.src)]) = event;
        before = event;
    }
}

static void take_contact(struct unpacking *unpacking, struct packed_contact *packed,
                         const struct packed_contact *before)
{
    struct nsf_wire *wire = &unpacking->wire;
    unsigned bits = nsf_wire_u8(wire);
    struct nsf_wide_contact *contact = &packed->contact;
    *contact = (struct nsf_wide_contact){.is_denied = (bits & CONTACT_DENIED) != 0};
    contact->ts_ms = (int64_t)nsf_wire_step(wire, (uint64_t)before->contact.ts_ms);
    packed->group.record_idx = take_record_idx(unpacking, (bits & CONTACT_SAME_RECORD) != 0, before->group.record_idx);
    packed->group.scope_id = (bits & CONTACT_SAME_SCOPE) != 0 ? take_same_scope(unpacking, before->group.scope_id)
                                                              : take_scope_id(unpacking);
    contact->src =
        (bits & CONTACT_SAME_SRC) != 0 ? before->contact.src : nsf_wire_ip(wire, (bits & CONTACT_SRC_V4) != 0);
    contact->dst =
        (bits & CONTACT_SAME_DST) != 0 ? before->contact.dst : nsf_wire_ip(wire, (bits & CONTACT_DST_V4) != 0);
    contact->protocol = (bits & CONTACT_TCP) != 0 ? NSF_PROTOCOL_TCP : nsf_wire_u8(wire);
    contact->dst_port = (uint16_t)nsf_wire_u64_max(wire, UINT16_MAX);
}

static void take_contacts(struct unpacking *unpacking)
{
    struct nsf_batch *batch = unpacking->batch;
    size_t n = nsf_wire_count(&unpacking->wire, PACK_CONTACT_MIN_BYTES);
    struct packed_contact before = {.group.scope_id = UINT32_MAX};
    for (size_t i = 0; i < n; i++) {
        struct packed_contact packed;
        take_contact(unpacking, &packed, &before);
        if (unpacking->wire.has_failed)
            return;
        packed.contact.group_idx = nsf_batch_enter_group(batch, packed.group);
        nsf_batch_add_contact(batch, &packed.contact);
        before = packed;
    }
}

static void take_bad(struct unpacking *unpacking)
{
    struct nsf_wire *wire = &unpacking->wire;
    struct nsf_batch *batch = unpacking->batch;
    size_t n = nsf_wire_count(wire, PACK_ROW_MIN_BYTES);
    for (size_t i = 0; i < n; i++) {
        struct nsf_bad_tuple bad = {.record_idx = (uint32_t)nsf_wire_u64_max(wire, UINT32_MAX)};
        bad.fault = nsf_wire_u8(wire);
        bad.count = (uint32_t)nsf_wire_u64_max(wire, UINT32_MAX);
        bad.offset = nsf_wire_u64(wire);
        struct nsf_slice sample = nsf_wire_text(wire);
        wire->has_failed |= bad.record_idx >= batch->n_records || bad.fault >= NSF_TUPLE_FAULTS;
        if (wire->has_failed)
            return;
        bad.sample = sample.ptr == NULL ? sample : nsf_arena_copy(&batch->arena, sample);
        NSF_GROW(batch->bad, batch->bad_capacity, batch->n_bad + 1);
        batch->bad[batch->n_bad++] = bad;
    }
}

static void take_problems(struct unpacking *unpacking)
{
    struct nsf_wire *wire = &unpacking->wire;
    size_t n = nsf_wire_count(wire, PACK_ROW_MIN_BYTES);
    for (size_t i = 0; i < n; i++) {
        struct nsf_problem problem = {0};
        struct nsf_slice code = nsf_wire_text(wire);
        problem.offset = nsf_wire_u64(wire);
        problem.detail = nsf_wire_text(wire);
        problem.count = nsf_wire_u64(wire);
        problem.skipped_bytes = nsf_wire_u64(wire);
        problem.tuples_lost = nsf_wire_u64(wire);
        wire->has_failed |= !nsf_code_find(code, &problem.code);
        if (wire->has_failed)
            return;
        nsf_problems_add(&unpacking->batch->problems, &problem);
    }
    unpacking->batch->problems.n_dropped += nsf_wire_u64(wire);
}

static void take_rest(struct unpacking *unpacking)
{
    struct nsf_wire *wire = &unpacking->wire;
    size_t n = nsf_wire_count(wire, 1);
    for (size_t i = 0; i < n && !wire->has_failed; i++) {
        uint32_t scope_id = take_scope_id(unpacking);
        if (!wire->has_failed)
            nsf_batch_note_group(unpacking->batch, scope_id);
    }
    take_bad(unpacking);
    n = nsf_wire_count(wire, PACK_ROW_MIN_BYTES);
    for (size_t i = 0; i < n && !wire->has_failed; i++) {
        struct nsf_slice category = nsf_wire_text(wire);
        uint64_t count = nsf_wire_u64(wire);
        if (!wire->has_failed)
            nsf_batch_add_foreign(unpacking->batch, category, count);
    }
    take_problems(unpacking);
}

nsf_result nsf_unpack_batch(struct nsf_slice packed, struct nsf_scopes *scopes, struct nsf_batch *batch,
                            struct nsf_err *err)
{
    struct unpacking unpacking = {.wire = nsf_wire_of(packed), .batch = batch};
    uint8_t version = nsf_wire_u8(&unpacking.wire);
    if (!unpacking.wire.has_failed && version != NSF_PACK_VERSION)
        return NSF_FAIL(err, NSF_E_STORE, NSF_OFFSET_NONE,
                        "stored evidence is of version %u, this program reads version %d", version, NSF_PACK_VERSION);
    batch->has_stamps = true;
    take_scopes(&unpacking, scopes);
    take_records(&unpacking);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        take_events(&unpacking, false);
    take_events(&unpacking, true);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        take_contacts(&unpacking);
    take_rest(&unpacking);
    nsf_free(unpacking.scope_ids);
    if (unpacking.wire.has_failed || nsf_wire_left(&unpacking.wire) > 0)
        return NSF_FAIL(err, NSF_E_STORE, NSF_OFFSET_NONE, "stored evidence is damaged");
    return nsf_ok();
}

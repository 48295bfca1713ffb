#include "core/nsf_common.h"

#include "store/pack.h"

#include "core/clock.h"
#include "core/mem.h"
#include "store/wire.h"
#include "support/nsf_test.h"

/* ---- random batches ---- */

static struct nsf_ip random_ip(uint64_t *state)
{
    uint64_t x = nsf_test_random(state);
    if (x % 4 == 0)
        return (struct nsf_ip){UINT64_C(0x20010db800000000) | (x >> 40), x % 64};
    return nsf_ip_from_v4((uint32_t)(x >> 32) % 300);
}

/* Mostly small, at times anything. */
static uint64_t random_number(uint64_t *state)
{
    uint64_t x = nsf_test_random(state);
    return x % 8 == 0 ? nsf_test_random(state) : x % 1000;
}

static uint32_t random_scope(struct nsf_scopes *scopes, uint64_t *state, bool has_rule)
{
    char text[3][64];
    uint64_t x = nsf_test_random(state);
    snprintf(text[0], sizeof(text[0]), "/SUBSCRIPTIONS/S/NSG-%d", (int)(x % 3));
    snprintf(text[1], sizeof(text[1]), "000D3A%06d", (int)(x >> 8) % 4);
    snprintf(text[2], sizeof(text[2]), "UserRule_%d", (int)(x >> 16) % 5);
    struct nsf_scope scope = {
        .flow_log = S(text[0]),
        .mac = (x >> 24) % 5 == 0 ? (struct nsf_slice){NULL, 0} : S(text[1]),
        .nsg = (x >> 28) % 2 == 0 ? S(text[0]) : S("aclID"),
        .rule = has_rule ? S(text[2]) : (struct nsf_slice){NULL, 0},
        .layout = (enum nsf_layout)((x >> 32) % NSF_LAYOUTS),
    };
    return nsf_scopes_add(scopes, &scope);
}

static struct nsf_mail_event random_event(struct nsf_scopes *scopes, uint64_t *state, size_t n_records)
{
    uint64_t x = nsf_test_random(state);
    struct nsf_mail_event event = {
        .ts_ms = x % 50 == 0 ? (int64_t)nsf_test_random(state) : INT64_C(1700000000000) + (int64_t)(x % 60000),
        .src = random_ip(state),
        .dst = random_ip(state),
        .scope_id = random_scope(scopes, state, true),
        .record_idx = (uint32_t)(nsf_test_random(state) % n_records),
        .src_port = (uint16_t)(x >> 16),
        .dst_port = (x >> 32) % 3 == 0 ? 587 : 25,
        .event = (uint8_t)((x >> 36) % (NSF_FLOW_DENIED + 1)),
        .has_counters = (x >> 40) % 2 == 0,
    };
    if (event.has_counters && (x >> 41) % 4 != 0) {
        event.packets_in = random_number(state);
        event.bytes_in = random_number(state);
        event.packets_out = random_number(state);
        event.bytes_out = random_number(state);
    }
    return event;
}

static struct nsf_wide_contact random_contact(struct nsf_scopes *scopes, struct nsf_batch *batch, uint64_t *state)
{
    uint64_t x = nsf_test_random(state);
    struct nsf_tuple_group group = {
        .scope_id = random_scope(scopes, state, true),
        .record_idx = (uint32_t)(nsf_test_random(state) % batch->n_records),
    };
    return (struct nsf_wide_contact){
        .ts_ms = INT64_C(1700000000000) + (int64_t)(x % 60000),
        .src = random_ip(state),
        .dst = random_ip(state),
        .group_idx = nsf_batch_enter_group(batch, group),
        .dst_port = (uint16_t)(x >> 16),
        .protocol = (x >> 32) % 2 == 0 ? 6 : (uint8_t)(x >> 40),
        .is_denied = (x >> 50) % 2 == 0,
    };
}

static void add_random_records(struct nsf_batch *batch, struct nsf_scopes *scopes, uint64_t *state, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t x = nsf_test_random(state);
        struct nsf_record *record = nsf_batch_add_record(batch);
        record->offset = i * 1000 + x % 1000;
        record->time_ms = x % 9 == 0 ? NSF_TS_NONE : INT64_C(1700000000000) + (int64_t)(x % 100000);
        record->has_fingerprint = x % 7 != 0;
        if (record->has_fingerprint)
            record->fingerprint = (struct nsf_fingerprint){nsf_test_random(state), nsf_test_random(state)};
        record->scope_id = random_scope(scopes, state, false);
        record->n_tuples = (uint32_t)random_number(state);
        record->n_bad = (uint32_t)(x % 3);
        record->is_part = x % 11 == 0;
        record->layout = (enum nsf_layout)((x >> 32) % NSF_LAYOUTS);
    }
}

static void add_random_rest(struct nsf_batch *batch, uint64_t *state)
{
    for (size_t i = 0, n = nsf_test_random(state) % 4; i < n && batch->n_records > 0; i++) {
        NSF_GROW(batch->bad, batch->bad_capacity, batch->n_bad + 1);
        batch->bad[batch->n_bad++] = (struct nsf_bad_tuple){
            .record_idx = (uint32_t)(nsf_test_random(state) % batch->n_records),
            .fault = (uint8_t)(nsf_test_random(state) % NSF_TUPLE_FAULTS),
            .count = (uint32_t)random_number(state),
            .offset = random_number(state),
            .sample = nsf_arena_copy(&batch->arena, i == 0 ? S("") : S("1,2,\x01\xff")),
        };
    }
    nsf_batch_add_foreign(batch, S("AuditEvent"), 1 + nsf_test_random(state) % 100);
    nsf_batch_add_foreign(batch, S(""), 2);
    for (size_t i = 0, n = nsf_test_random(state) % 3; i < n; i++)
        nsf_problems_add(&batch->problems, &(struct nsf_problem){
                                               .offset = i == 0 ? NSF_OFFSET_NONE : random_number(state),
                                               .code = i == 0 ? NSF_E_TRUNCATED : NSF_E_JSON,
                                               .detail = S("cut"),
                                               .count = 1 + i,
                                               .skipped_bytes = random_number(state),
                                               .tuples_lost = random_number(state),
                                           });
    batch->problems.n_dropped = nsf_test_random(state) % 2;
}

static struct nsf_batch *random_batch(struct nsf_scopes *scopes, uint64_t *state)
{
    struct nsf_batch *batch = nsf_batch_new();
    size_t n_records = nsf_test_random(state) % 5;
    batch->has_stamps = true;
    add_random_records(batch, scopes, state, n_records);
    for (size_t i = 0, n = nsf_test_random(state) % 60; i < n && n_records > 0; i++) {
        struct nsf_mail_event event = random_event(scopes, state, n_records);
        event.dst_port = 25;
        *nsf_mail_events_add(&batch->mail[nsf_partition_of(event.src)]) = event;
        *nsf_mail_events_add(&batch->outbound) = random_event(scopes, state, n_records);
        struct nsf_wide_contact contact = random_contact(scopes, batch, state);
        nsf_batch_add_contact(batch, &contact);
    }
    for (size_t i = 0, n = nsf_test_random(state) % 4; i < n; i++)
        nsf_batch_note_group(batch, random_scope(scopes, state, true));
    add_random_rest(batch, state);
    return batch;
}

/* ---- equality, by meaning: scope ids differ from table to table ---- */

static void assert_same_text(struct nsf_slice a, struct nsf_slice b)
{
    assert_int_equal(a.ptr == NULL, b.ptr == NULL);
    assert_true(nsf_slice_eq(a, b));
}

static void assert_same_scope(struct nsf_scopes *ta, uint32_t a, struct nsf_scopes *tb, uint32_t b)
{
    struct nsf_scope sa = nsf_scopes_get(ta, a), sb = nsf_scopes_get(tb, b);
    assert_same_text(sa.flow_log, sb.flow_log);
    assert_same_text(sa.mac, sb.mac);
    assert_same_text(sa.nsg, sb.nsg);
    assert_same_text(sa.rule, sb.rule);
    assert_int_equal(sa.layout, sb.layout);
}

static void assert_same_records(const struct nsf_batch *a, struct nsf_scopes *ta, const struct nsf_batch *b,
                                struct nsf_scopes *tb)
{
    assert_int_equal(a->n_records, b->n_records);
    for (size_t i = 0; i < a->n_records; i++) {
        const struct nsf_record *ra = &a->records[i], *rb = &b->records[i];
        assert_true(ra->offset == rb->offset && ra->time_ms == rb->time_ms);
        assert_true(ra->fingerprint.hi == rb->fingerprint.hi && ra->fingerprint.lo == rb->fingerprint.lo);
        assert_true(ra->n_tuples == rb->n_tuples && ra->n_bad == rb->n_bad && ra->layout == rb->layout);
        assert_true(ra->has_fingerprint == rb->has_fingerprint && ra->is_part == rb->is_part && !rb->is_duplicate);
        assert_same_scope(ta, ra->scope_id, tb, rb->scope_id);
    }
}

static void assert_same_events(const struct nsf_mail_events *a, struct nsf_scopes *ta, const struct nsf_mail_events *b,
                               struct nsf_scopes *tb)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        struct nsf_mail_event ea = a->items[i], eb = b->items[i];
        assert_same_scope(ta, ea.scope_id, tb, eb.scope_id);
        assert_true(ea.ts_ms == eb.ts_ms && nsf_ip_eq(ea.src, eb.src) && nsf_ip_eq(ea.dst, eb.dst));
        assert_true(ea.packets_in == eb.packets_in && ea.bytes_in == eb.bytes_in);
        assert_true(ea.packets_out == eb.packets_out && ea.bytes_out == eb.bytes_out);
        assert_true(ea.record_idx == eb.record_idx && ea.src_port == eb.src_port && ea.dst_port == eb.dst_port);
        assert_true(ea.event == eb.event && ea.has_counters == eb.has_counters);
    }
}

static void assert_same_contact(const struct nsf_batch *a, struct nsf_scopes *ta, struct nsf_wide_contact ca,
                                const struct nsf_batch *b, struct nsf_scopes *tb, struct nsf_wide_contact cb)
{
    struct nsf_tuple_group ga = a->tuple_groups.items[ca.group_idx], gb = b->tuple_groups.items[cb.group_idx];
    assert_same_scope(ta, ga.scope_id, tb, gb.scope_id);
    assert_int_equal(ga.record_idx, gb.record_idx);
    assert_true(ca.ts_ms == cb.ts_ms && nsf_ip_eq(ca.src, cb.src) && nsf_ip_eq(ca.dst, cb.dst));
    assert_true(ca.dst_port == cb.dst_port && ca.protocol == cb.protocol && ca.is_denied == cb.is_denied);
}

static void assert_same_contacts(const struct nsf_batch *a, struct nsf_scopes *ta, const struct nsf_batch *b,
                                 struct nsf_scopes *tb, unsigned p)
{
    assert_true(a->has_stamps && b->has_stamps);
    assert_int_equal(a->contacts[p].n, b->contacts[p].n);
    assert_int_equal(a->wide_contacts[p].n, b->wide_contacts[p].n);
    for (size_t i = 0; i < a->contacts[p].n; i++)
        assert_same_contact(a, ta, nsf_batch_contact(a, p, i), b, tb, nsf_batch_contact(b, p, i));
    for (size_t i = 0; i < a->wide_contacts[p].n; i++)
        assert_same_contact(a, ta, a->wide_contacts[p].items[i], b, tb, b->wide_contacts[p].items[i]);
}

static void assert_same_rest(const struct nsf_batch *a, const struct nsf_batch *b)
{
    assert_int_equal(a->n_bad, b->n_bad);
    for (size_t i = 0; i < a->n_bad; i++) {
        assert_true(a->bad[i].record_idx == b->bad[i].record_idx && a->bad[i].fault == b->bad[i].fault);
        assert_true(a->bad[i].count == b->bad[i].count && a->bad[i].offset == b->bad[i].offset);
        assert_same_text(a->bad[i].sample, b->bad[i].sample);
    }
    assert_int_equal(a->n_foreign, b->n_foreign);
    for (size_t i = 0; i < a->n_foreign; i++) {
        assert_same_text(a->foreign[i].category, b->foreign[i].category);
        assert_int_equal(a->foreign[i].count, b->foreign[i].count);
    }
    assert_int_equal(a->problems.n, b->problems.n);
    for (size_t i = 0; i < a->problems.n; i++) {
        const struct nsf_problem *pa = &a->problems.items[i], *pb = &b->problems.items[i];
        assert_true(pa->offset == pb->offset && pa->code == pb->code && pa->count == pb->count);
        assert_true(pa->skipped_bytes == pb->skipped_bytes && pa->tuples_lost == pb->tuples_lost);
        assert_same_text(pa->detail, pb->detail);
    }
    assert_int_equal(a->problems.n_dropped, b->problems.n_dropped);
}

static void assert_same_batch(const struct nsf_batch *a, struct nsf_scopes *ta, const struct nsf_batch *b,
                              struct nsf_scopes *tb)
{
    assert_same_records(a, ta, b, tb);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        assert_same_events(&a->mail[p], ta, &b->mail[p], tb);
        assert_same_contacts(a, ta, b, tb, p);
    }
    assert_same_events(&a->outbound, ta, &b->outbound, tb);
    assert_int_equal(a->groups.n, b->groups.n);
    for (size_t i = 0; i < a->groups.n; i++)
        assert_same_scope(ta, a->groups.ids[i], tb, b->groups.ids[i]);
    assert_same_rest(a, b);
}

/* ---- tests ---- */

static void test_what_is_packed_comes_back(void **state)
{
    uint64_t seed = 1;
    struct nsf_scopes *from = nsf_scopes_new(), *to = nsf_scopes_new();
    struct nsf_buf buf;
    nsf_buf_init(&buf, NSF_PACK_MAX_BYTES);
    struct nsf_batch *back = nsf_batch_new();
    for (int round = 0; round < 300; round++) {
        struct nsf_batch *batch = random_batch(from, &seed);
        nsf_buf_reset(&buf);
        nsf_pack_batch(batch, from, &buf);
        struct nsf_err err = NSF_ERR_INIT;
        assert_false(nsf_failed(nsf_unpack_batch(nsf_buf_slice(&buf), to, back, &err)));
        assert_same_batch(batch, from, back, to);
        nsf_batch_reset(back);
        nsf_batch_free(batch);
    }
    nsf_batch_free(back);
    nsf_buf_release(&buf);
    nsf_scopes_free(from);
    nsf_scopes_free(to);
}

/* A heap block of exactly that size, so that a sanitizer sees one byte too far. */
static bool unpacks(struct nsf_slice packed, size_t len)
{
    char *copy = nsf_strdup_n(packed.ptr, len);
    char *exact = nsf_malloc(len + (len == 0));
    memcpy(exact, copy, len);
    nsf_free(copy);
    struct nsf_scopes *scopes = nsf_scopes_new();
    struct nsf_batch *batch = nsf_batch_new();
    struct nsf_err err = NSF_ERR_INIT;
    bool has_failed = nsf_failed(nsf_unpack_batch(nsf_slice(exact, len), scopes, batch, &err));
    assert_int_equal(err.code, has_failed ? NSF_E_STORE : NSF_E_NONE);
    nsf_batch_free(batch);
    nsf_scopes_free(scopes);
    nsf_free(exact);
    return !has_failed;
}

static void test_every_cut_is_damage(void **state)
{
    uint64_t seed = 5;
    struct nsf_scopes *scopes = nsf_scopes_new();
    struct nsf_buf buf;
    nsf_buf_init(&buf, NSF_PACK_MAX_BYTES);
    struct nsf_batch *batch;
    while ((batch = random_batch(scopes, &seed))->n_records < 3)
        nsf_batch_free(batch);
    nsf_pack_batch(batch, scopes, &buf);
    assert_true(unpacks(nsf_buf_slice(&buf), buf.len));
    for (size_t len = 0; len < buf.len; len++)
        assert_false(unpacks(nsf_buf_slice(&buf), len));
    nsf_buf_add_char(&buf, '\0');
    assert_false(unpacks(nsf_buf_slice(&buf), buf.len));
    nsf_batch_free(batch);
    nsf_buf_release(&buf);
    nsf_scopes_free(scopes);
}

/* Flipped bits give another batch or none, never an index that is out of bounds. */
static void assert_within_bounds(const struct nsf_batch *batch, uint32_t n_scopes)
{
    for (size_t i = 0; i < batch->n_records; i++)
        assert_true(batch->records[i].scope_id < n_scopes && (unsigned)batch->records[i].layout < NSF_LAYOUTS);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        for (size_t i = 0; i < batch->mail[p].n; i++) {
            assert_true(batch->mail[p].items[i].record_idx < batch->n_records);
            assert_true(batch->mail[p].items[i].scope_id < n_scopes);
            assert_int_equal(nsf_partition_of(batch->mail[p].items[i].src), p);
        }
    for (size_t i = 0; i < batch->n_bad; i++)
        assert_true(batch->bad[i].record_idx < batch->n_records && batch->bad[i].fault < NSF_TUPLE_FAULTS);
}

static void test_flipped_bits_stay_within_bounds(void **state)
{
    uint64_t seed = 11;
    struct nsf_scopes *scopes = nsf_scopes_new();
    struct nsf_buf buf;
    nsf_buf_init(&buf, NSF_PACK_MAX_BYTES);
    size_t n_good = 0, n_bad = 0;
    for (int round = 0; round < 20; round++) {
        struct nsf_batch *batch = random_batch(scopes, &seed), *back = nsf_batch_new();
        nsf_buf_reset(&buf);
        nsf_pack_batch(batch, scopes, &buf);
        for (int flip = 0; flip < 200; flip++) {
            size_t at = (size_t)(nsf_test_random(&seed) % buf.len);
            char kept = buf.ptr[at];
            buf.ptr[at] = (char)(kept ^ (1 << (nsf_test_random(&seed) % 8)));
            struct nsf_scopes *fresh = nsf_scopes_new();
            if (nsf_failed(nsf_unpack_batch(nsf_buf_slice(&buf), fresh, back, NULL))) {
                n_bad++;
            } else {
                n_good++;
                assert_within_bounds(back, nsf_scopes_count(fresh));
            }
            nsf_scopes_free(fresh);
            nsf_batch_reset(back);
            buf.ptr[at] = kept;
        }
        nsf_batch_free(batch);
        nsf_batch_free(back);
    }
    assert_true(n_good > 0 && n_bad > 0);
    nsf_buf_release(&buf);
    nsf_scopes_free(scopes);
}

static void test_another_version_is_refused(void **state)
{
    struct nsf_scopes *scopes = nsf_scopes_new();
    struct nsf_batch *batch = nsf_batch_new();
    struct nsf_err err = NSF_ERR_INIT;
    assert_true(nsf_failed(nsf_unpack_batch(S("\x02 from the future"), scopes, batch, &err)));
    assert_int_equal(err.code, NSF_E_STORE);
    assert_non_null(strstr(err.text, "version 2"));
    nsf_batch_free(batch);
    nsf_scopes_free(scopes);
}

/* What a typical tuple may cost: the store is the size of the logs divided by what this says. */
static void test_a_tuple_is_small(void **state)
{
    struct nsf_scopes *scopes = nsf_scopes_new();
    struct nsf_batch *batch = nsf_batch_new();
    struct nsf_buf buf;
    nsf_buf_init(&buf, NSF_PACK_MAX_BYTES);
    uint64_t seed = 3;
    uint32_t scope_id = random_scope(scopes, &seed, true);
    nsf_batch_add_record(batch)->scope_id = scope_id;
    for (uint32_t i = 0; i < 1000; i++) {
        struct nsf_ip src = nsf_ip_from_v4((uint32_t)nsf_test_random(&seed));
        *nsf_mail_events_add(&batch->mail[nsf_partition_of(src)]) = (struct nsf_mail_event){
            .ts_ms = INT64_C(1700000000000) + i * 50,
            .src = src,
            .dst = nsf_ip_from_v4(7),
            .scope_id = scope_id,
            .src_port = (uint16_t)i,
            .dst_port = 25,
            .event = NSF_FLOW_BEGIN,
        };
    }
    nsf_pack_batch(batch, scopes, &buf);
    assert_true(buf.len < 1000 * 12 + 1000);
    nsf_buf_release(&buf);
    nsf_batch_free(batch);
    nsf_scopes_free(scopes);
}

static void test_numbers_make_the_trip(void **state)
{
    static const uint64_t numbers[] = {0, 1, 127, 128, 16383, 16384, INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX};
    struct nsf_buf buf;
    nsf_buf_init(&buf, 1000);
    for (size_t i = 0; i < NSF_ARRAY_LEN(numbers); i++)
        for (size_t j = 0; j < NSF_ARRAY_LEN(numbers); j++) {
            nsf_buf_reset(&buf);
            nsf_wire_put_u64(&buf, numbers[i]);
            nsf_wire_put_step(&buf, numbers[i], numbers[j]);
            nsf_wire_put_fixed(&buf, numbers[i], 8);
            struct nsf_wire wire = nsf_wire_of(nsf_buf_slice(&buf));
            assert_true(nsf_wire_u64(&wire) == numbers[i]);
            assert_true(nsf_wire_step(&wire, numbers[j]) == numbers[i]);
            assert_true(nsf_wire_fixed(&wire, 8) == numbers[i]);
            assert_int_equal(nsf_wire_left(&wire), 0);
            assert_false(wire.has_failed);
            assert_true(nsf_wire_u8(&wire) == 0 && wire.has_failed);
        }
    nsf_buf_release(&buf);
}

static void test_numbers_past_64_bits_fail(void **state)
{
    struct nsf_wire wire = nsf_wire_of(S("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
    assert_true(nsf_wire_u64(&wire) == 0 && wire.has_failed);
    wire = nsf_wire_of(S("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01"));
    assert_true(nsf_wire_u64(&wire) == 0 && wire.has_failed);
    wire = nsf_wire_of(S("\x05"
                         "abc"));
    assert_true(nsf_wire_text(&wire).ptr == NULL && wire.has_failed);
    wire = nsf_wire_of(S("\x04"
                         "abc"));
    assert_slice_equal(nsf_wire_text(&wire), "abc");
    wire = nsf_wire_of(S("\x03"
                         "ab"));
    assert_int_equal(nsf_wire_count(&wire, 1), 0);
    assert_true(wire.has_failed);
    wire = nsf_wire_of(S("\x0b"));
    assert_int_equal(nsf_wire_u64_max(&wire, 10), 0);
    assert_true(wire.has_failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_packed_comes_back),
        cmocka_unit_test(test_every_cut_is_damage),
        cmocka_unit_test(test_flipped_bits_stay_within_bounds),
        cmocka_unit_test(test_another_version_is_refused),
        cmocka_unit_test(test_a_tuple_is_small),
        cmocka_unit_test(test_numbers_make_the_trip),
        cmocka_unit_test(test_numbers_past_64_bits_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

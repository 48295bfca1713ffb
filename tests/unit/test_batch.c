#include "core/nsf_common.h"

#include "flow/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct nsf_ip v6 = {UINT64_C(0x20010db800000000), 7};

static void test_groups_are_told_apart(void **state)
{
    (void)state;
    struct nsf_batch *batch = nsf_batch_new();
    assert_int_equal(nsf_batch_enter_group(batch, (struct nsf_tuple_group){3, 0}), 0);
    assert_int_equal(nsf_batch_enter_group(batch, (struct nsf_tuple_group){3, 0}), 0);
    assert_int_equal(nsf_batch_enter_group(batch, (struct nsf_tuple_group){4, 0}), 1);
    assert_int_equal(nsf_batch_enter_group(batch, (struct nsf_tuple_group){4, 1}), 2);
    assert_int_equal(batch->tuple_groups.items[2].scope_id, 4);
    assert_int_equal(batch->tuple_groups.items[2].record_idx, 1);
    nsf_batch_reset(batch);
    assert_int_equal(nsf_batch_enter_group(batch, (struct nsf_tuple_group){4, 1}), 0);
    nsf_batch_free(batch);
}

static void assert_same_contact(const struct nsf_wide_contact *a, const struct nsf_wide_contact *b)
{
    assert_true(nsf_ip_eq(a->src, b->src) && nsf_ip_eq(a->dst, b->dst));
    assert_int_equal(a->group_idx, b->group_idx);
    assert_int_equal(a->dst_port, b->dst_port);
    assert_int_equal(a->protocol, b->protocol);
    assert_int_equal(a->is_denied, b->is_denied);
}

/* What was put in comes out, from the compact form or the wide one; stamps only where the batch has them. */
static void test_contacts_come_back(void **state)
{
    (void)state;
    struct nsf_batch *batch = nsf_batch_new();
    for (unsigned round = 0; round < 4; round++) {
        batch->has_stamps = round % 2 == 1;
        unsigned n_wide = 0;
        for (uint32_t i = 0; i < 1000; i++) {
            struct nsf_wide_contact contact = {
                .ts_ms = 1000 + i,
                .src = i % 5 == 3 ? v6 : nsf_ip_from_v4(i * 2654435761u),
                .dst = i % 7 == 3 ? v6 : nsf_ip_from_v4(i),
                .group_idx = i / 10,
                .dst_port = (uint16_t)(i * 77),
                .protocol = (uint8_t)i,
                .is_denied = i % 2 == 0,
            };
            unsigned p = nsf_partition_of(contact.src);
            bool is_wide = i % 5 == 3 || i % 7 == 3;
            nsf_batch_add_contact(batch, &contact);
            n_wide += is_wide;
            struct nsf_wide_contact back = is_wide ? batch->wide_contacts[p].items[batch->wide_contacts[p].n - 1]
                                                   : nsf_batch_contact(batch, p, batch->contacts[p].n - 1);
            assert_same_contact(&contact, &back);
            if (is_wide || batch->has_stamps)
                assert_true(back.ts_ms == contact.ts_ms);
            else
                assert_true(back.ts_ms == NSF_TS_NONE);
        }
        size_t n = 0;
        for (unsigned p = 0; p < NSF_PARTITIONS; p++)
            n += batch->contacts[p].n;
        assert_int_equal(n, 1000 - n_wide);
        assert_true(nsf_batch_bytes(batch) >= n * sizeof(struct nsf_contact));
        assert_true(nsf_batch_bytes(batch) <= nsf_batch_capacity_bytes(batch));
        nsf_batch_reset(batch);
        assert_int_equal(nsf_batch_bytes(batch), 0);
    }
    nsf_batch_free(batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_are_told_apart),
        cmocka_unit_test(test_contacts_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

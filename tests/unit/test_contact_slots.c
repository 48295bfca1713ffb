#include "core/nsf_common.h"

#include "evidence/contact_slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define N_ADDRESSES 200000u

/* 0.0.0.0 among them; every third is IPv6. */
static struct nsf_ip address_of(uint32_t number)
{
    if (number % 3 == 2)
        return (struct nsf_ip){number, number / 7};
    return nsf_ip_from_v4(number * 2654435761u);
}

static void test_every_address_has_one_slot(void **state)
{
    (void)state;
    struct nsf_contact_slots slots = {.seed = 77};
    bool *is_seen = nsf_calloc(N_ADDRESSES, sizeof(*is_seen));
    for (uint32_t i = 0; i < N_ADDRESSES; i++) {
        assert_null(nsf_contact_slots_find(&slots, address_of(i)));
        *nsf_contact_slots_add(&slots, address_of(i)) = (struct nsf_contact_slot){.state = 1, .fact = i};
        assert_int_equal(nsf_contact_slots_n(&slots), i + 1);
        if (i == 300)
            for (uint32_t k = 0; k <= i; k++)
                assert_int_equal(nsf_contact_slots_find(&slots, address_of(k))->fact, k);
    }
    for (uint32_t i = 0; i < N_ADDRESSES; i++)
        assert_int_equal(nsf_contact_slots_find(&slots, address_of(i))->fact, i);
    const struct nsf_contact_slot *slot;
    struct nsf_ip ip;
    uint64_t at = 0;
    uint32_t n = 0;
    while ((slot = nsf_contact_slots_next(&slots, &at, &ip)) != NULL) {
        assert_true(nsf_ip_eq(ip, address_of(slot->fact)));
        assert_false(is_seen[slot->fact]);
        is_seen[slot->fact] = true;
        n++;
    }
    assert_int_equal(n, N_ADDRESSES);
    assert_true(slots.n_buckets * sizeof(struct nsf_contact_bucket) <= (uint64_t)slots.n_v4 * 16);
    assert_true(slots.n_v6_places * sizeof(struct nsf_contact_v6) <= (uint64_t)slots.n_v6 * 32);
    nsf_contact_slots_release(&slots);
    assert_null(nsf_contact_slots_find(&slots, address_of(1)));
    assert_null(nsf_contact_slots_find(&slots, address_of(2)));
    nsf_free(is_seen);
}

static void test_room_for_as_many(void **state)
{
    (void)state;
    struct nsf_contact_slots slots = {.seed = 5}, like;
    for (uint32_t i = 0; i < 1000; i++)
        nsf_contact_slots_add(&slots, address_of(i))->state = 1;
    nsf_contact_slots_init_like(&like, &slots);
    assert_int_equal(nsf_contact_slots_n(&like), 0);
    for (uint32_t i = 0; i < 1000; i++)
        nsf_contact_slots_add(&like, address_of(i + 5000))->state = 1;
    assert_int_equal(like.n_buckets, slots.n_buckets);
    assert_int_equal(like.n_v6_places, slots.n_v6_places);
    assert_null(nsf_contact_slots_find(&like, address_of(5)));
    nsf_contact_slots_release(&slots);
    nsf_contact_slots_release(&like);
    nsf_contact_slots_init_like(&like, &slots);
    assert_null(nsf_contact_slots_find(&like, address_of(1)));
    nsf_contact_slots_release(&like);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_address_has_one_slot),
        cmocka_unit_test(test_room_for_as_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

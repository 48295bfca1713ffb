#include "core/nsf_common.h"

#include "evidence/contact_codes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void check_range(const struct nsf_contact_codes *codes, unsigned first, enum nsf_contact_kind kind)
{
    for (uint32_t number = 0; number < NSF_CODES_PER_RANGE - 1; number++) {
        uint16_t code = nsf_contact_code(first, number);
        assert_true(code != 0 && code != NSF_CODE_NONE);
        assert_int_equal(nsf_contact_codes_item(codes, code), nsf_contact_item(kind, number));
    }
    assert_int_equal(nsf_contact_code(first, NSF_CODES_PER_RANGE - 1), NSF_CODE_NONE);
    assert_int_equal(nsf_contact_code(first, UINT32_MAX), NSF_CODE_NONE);
}

static void test_numbers_are_their_own_code(void **state)
{
    (void)state;
    struct nsf_contact_codes codes;
    nsf_contact_codes_init(&codes, 9);
    check_range(&codes, NSF_CODES_ADDRESSES, NSF_ITEM_DENIED_ADDRESS);
    check_range(&codes, NSF_CODES_MAIL_ADDRESSES, NSF_ITEM_DENIED_MAIL_ADDRESS);
    check_range(&codes, NSF_CODES_TARGET_PORTS, NSF_ITEM_TARGET_PORT);
    assert_int_equal(nsf_contact_codes_item(&codes, 0), 0);
    nsf_contact_codes_release(&codes);
}

static void test_ports_keep_theirs(void **state)
{
    (void)state;
    enum {
        N = 20000
    };
    struct nsf_contact_codes codes;
    static uint16_t given[N];
    uint32_t n_coded = 0;
    nsf_contact_codes_init(&codes, 9);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t item = nsf_contact_item(i % 2 == 0 ? NSF_ITEM_DENIED_PORT : NSF_ITEM_OTHER_PORT, i / 2);
        given[i] = nsf_contact_codes_port(&codes, item);
        if (given[i] != NSF_CODE_NONE)
            assert_int_equal(nsf_contact_codes_item(&codes, given[i]), item);
        n_coded += given[i] != NSF_CODE_NONE;
    }
    assert_in_range(n_coded, 4096, NSF_CODES_PER_RANGE - 1);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t item = nsf_contact_item(i % 2 == 0 ? NSF_ITEM_DENIED_PORT : NSF_ITEM_OTHER_PORT, i / 2);
        assert_int_equal(nsf_contact_codes_port(&codes, item), given[i]);
    }
    nsf_contact_codes_release(&codes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_their_own_code),
        cmocka_unit_test(test_ports_keep_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/nsf_common.h"

#include "support/traits_same.h"

#include "support/nsf_test.h"

void assert_same_traits(const struct nsf_traits *a, const struct nsf_traits *b)
{
    for (unsigned i = 0; i < NSF_TRAIT_LISTS; i++) {
        struct nsf_u32_view left = nsf_traits_list(a, (enum nsf_trait_list)i);
        struct nsf_u32_view right = nsf_traits_list(b, (enum nsf_trait_list)i);
        assert_int_equal(left.n, right.n);
        for (uint32_t k = 0; k < left.n; k++)
            assert_int_equal(left.items[k], right.items[k]);
    }
    assert_int_equal(a->fixed_ports, b->fixed_ports);
    assert_int_equal(a->mail_nic, b->mail_nic);
    assert_int_equal(a->shift, b->shift);
    assert_int_equal(a->has_excused, b->has_excused);
}

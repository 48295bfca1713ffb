#include "core/nsf_common.h"

#include "evidence/network_mails.h"

#include "core/mem.h"
#include "support/nsf_test.h"

/* Against one block of traits a network. */

#define N_NETWORKS 9000u
#define START_S (20000u * 86400u)

static void assert_same(struct nsf_u32_view a, struct nsf_u32_view b)
{
    assert_int_equal(a.n, b.n);
    for (uint32_t i = 0; i < a.n; i++)
        assert_int_equal(a.items[i], b.items[i]);
}

/* Most networks have one source with mail of a few minutes, a few have many over weeks. */
static void test_lists_are_those_of_all_sources(void **state)
{
    (void)state;
    struct nsf_network_mails mails = {.n = 0};
    struct nsf_traits **expected = nsf_calloc(N_NETWORKS, sizeof(*expected));
    struct nsf_u32_view runs, days;
    srand(3);
    for (int i = 0; i < 20000; i++) {
        uint32_t network = (uint32_t)rand() % (i % 4 == 0 ? N_NETWORKS / 50 : N_NETWORKS);
        struct nsf_traits *source = NULL;
        for (int n = rand() % 3; n >= 0; n--)
            nsf_traits_add(&source, &(struct nsf_trait_note){
                                        .seconds = START_S + (uint32_t)rand() % (network % 3 == 0 ? 3600 : 40 * 86400),
                                        .class_ = NSF_CLASS_MESSAGE,
                                    });
        runs = nsf_traits_list(source, NSF_TRAIT_RUNS);
        days = nsf_traits_list(source, NSF_TRAIT_MESSAGE_DAYS);
        nsf_network_mails_add(&mails, network * UINT64_C(0x100000001), runs, days);
        nsf_traits_merge_list(&expected[network], NSF_TRAIT_RUNS, runs);
        nsf_traits_merge_list(&expected[network], NSF_TRAIT_MESSAGE_DAYS, days);
        nsf_free(source);
    }
    uint32_t n_within = 0;
    for (uint32_t network = 0; network < N_NETWORKS; network++) {
        nsf_network_mails_find(&mails, network * UINT64_C(0x100000001), &runs, &days);
        assert_same(runs, nsf_traits_list(expected[network], NSF_TRAIT_RUNS));
        assert_same(days, nsf_traits_list(expected[network], NSF_TRAIT_MESSAGE_DAYS));
        n_within += runs.n == 2 && days.n == 1;
        nsf_free(expected[network]);
    }
    assert_int_equal(mails.n - mails.n_lists, n_within);
    assert_true(n_within > 1000 && mails.n_lists > 1000);
    nsf_network_mails_find(&mails, 1, &runs, &days);
    assert_int_equal(runs.n + days.n, 0);
    nsf_network_mails_release(&mails);
    nsf_free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lists_are_those_of_all_sources)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

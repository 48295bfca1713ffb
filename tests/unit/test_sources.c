#include "core/nsf_common.h"

#include "evidence/sources.h"

#include "core/clock.h"
#include "support/nsf_test.h"

/* Destinations of sources: within the row, beside it, and with ids that a row has no room for. */

#define T0 INT64_C(1767225600000)
#define N_ADDRESSES 70000u

static struct nsf_ip address_of(uint32_t id)
{
    return nsf_ip_from_v4(id * UINT32_C(2654435761)); /* ids are in another order than addresses */
}

static void add(struct nsf_sources *sources, struct nsf_ip src, uint32_t dst_id)
{
    struct nsf_connection connection = {.counted_from_ms = T0, .counted_to_ms = T0, .attempts = 1, .tuples = 1};
    struct nsf_finished finished = {.src = src, .dst_id = dst_id, .connection = &connection};
    finished.hash = nsf_sources_hash(sources, finished.target, src);
    nsf_sources_add(sources, &finished);
}

static void assert_destinations(const struct nsf_sources *sources, struct nsf_ip src, const uint32_t *ids, uint32_t n)
{
    uint32_t row_idx = nsf_sources_find(sources, 0, src);
    const struct nsf_source_row *row = nsf_sources_row(sources, row_idx);
    struct nsf_mail_source source;
    assert_int_equal(nsf_sources_n_destinations(sources, row), n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = nsf_sources_destination(sources, row, i), k = 0;
        while (k < n && ids[k] != id)
            k++;
        assert_true(k < n);
        if (i > 0)
            assert_true(nsf_ip_cmp(address_of(nsf_sources_destination(sources, row, i - 1)), address_of(id)) < 0);
    }
    nsf_sources_destinations(sources, row_idx, &source);
    assert_int_equal(source.n_destinations, n < NSF_DESTINATIONS_MAX ? n : NSF_DESTINATIONS_MAX);
    assert_int_equal(source.n_destinations + source.destinations_more, n);
}

static void test_destinations(void **state)
{
    (void)state;
    static const struct {
        uint32_t n;
        uint32_t ids[24];
    } cases[] = {
        {1, {3}},
        {2, {3, 2}},
        {2, {2, 3}},
        {3, {9, 2, 3}},
        {1, {66000}},
        {2, {66000, 1}},
        {2, {1, 66000}},
        {2, {0, UINT16_MAX}},
        {3, {UINT16_MAX, UINT16_MAX + 1, 0}},
        {24, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 69999}},
    };
    struct nsf_sources sources;
    nsf_sources_init(&sources, 7);
    for (uint32_t id = 0; id < N_ADDRESSES; id++)
        assert_int_equal(nsf_addresses_id(&sources.addresses, address_of(id)), id);
    for (uint32_t times = 0; times < 2; times++)
        for (uint32_t c = 0; c < NSF_ARRAY_LEN(cases); c++)
            for (uint32_t i = 0; i < cases[c].n; i++)
                add(&sources, nsf_ip_from_v4(c), cases[c].ids[i]);
    nsf_sources_finish(&sources);
    for (uint32_t c = 0; c < NSF_ARRAY_LEN(cases); c++)
        assert_destinations(&sources, nsf_ip_from_v4(c), cases[c].ids, cases[c].n);
    nsf_sources_release(&sources);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_destinations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

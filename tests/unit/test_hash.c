/* Fingerprints are kept in stores: they are the same on every processor, whatever instructions it has. */
#include "core/nsf_common.h"

#include "core/hash.h"
#include "core/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <xxhash.h>

#define BYTES 70000
#define SEED UINT64_C(0x0123456789abcdef)

static void test_values_are_those_of_the_published_hash(void **state)
{
    char *bytes = nsf_malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (char)(nsf_hash_mix(i, 7) >> 3);
    /* Each length around the borders of the algorithm, then some of records. */
    for (size_t len = 0; len <= BYTES; len += len < 1200 ? 1 : 4321) {
        const XXH128_hash_t expected = XXH3_128bits_withSeed(bytes, len, SEED);
        const struct nsf_fingerprint found = nsf_hash_fingerprint(bytes, len, SEED);
        assert_true(found.hi == expected.high64 && found.lo == expected.low64);
        assert_true(nsf_hash_bytes(bytes, len, SEED) == XXH3_64bits_withSeed(bytes, len, SEED));
    }
    nsf_free(bytes);
}

static void test_one_known_value(void **state)
{
    /* Of the empty text, with seed 0: as published with the algorithm. */
    const struct nsf_fingerprint found = nsf_hash_fingerprint("", 0, 0);
    assert_true(found.hi == UINT64_C(0x99aa06d3014798d8) && found.lo == UINT64_C(0x6001c324468d497f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_those_of_the_published_hash),
        cmocka_unit_test(test_one_known_value),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}

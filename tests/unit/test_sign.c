/* The signatures storage asks for, against published vectors. */
#include "core/nsf_common.h"

#include "source/sharedkey.h"
#include "source/sign.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_base64(void **state)
{
    static const struct {
        const char *text;
        const char *bytes; /* NULL: refused */
    } cases[] = {
        {"", ""},        {"Zg==", "f"},          {"Zm8=", "fo"},
        {"Zm9v", "foo"}, {"Zm9vYmFy", "foobar"}, {"+/+/", "\xfb\xff\xbf"},
        {"Zg=", NULL},   {"Z===", NULL},         {"Zm9v=", NULL},
        {"Zm 9", NULL},  {"Z=9v", NULL},         {"Zm9\n", NULL},
        {"====", NULL},  {"Zm9-", NULL},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        unsigned char out[16];
        size_t n = 99;
        const bool is_ok = nsf_sign_base64_decode(nsf_slice_str(cases[i].text), out, sizeof(out), &n);
        if (is_ok != (cases[i].bytes != NULL))
            fail_msg("\"%s\" was %s", cases[i].text, is_ok ? "taken" : "refused");
        if (is_ok)
            assert_true(nsf_slice_eq(nsf_slice((const char *)out, n), nsf_slice_str(cases[i].bytes)));
    }
    unsigned char small[2];
    size_t n;
    assert_false(nsf_sign_base64_decode(NSF_SLICE_LIT("Zm9v"), small, sizeof(small), &n));
    assert_true(nsf_sign_base64_decode(NSF_SLICE_LIT("Zm8="), small, sizeof(small), &n));
}

/* RFC 4231, test cases 1 and 2 */
static void test_hmac(void **state)
{
    char out[NSF_SIGN_SHA256_TEXT_BYTES];
    char key[20];
    memset(key, 0x0b, sizeof(key));
    nsf_sign_hmac_sha256(nsf_slice(key, sizeof(key)), NSF_SLICE_LIT("Hi There"), out);
    assert_string_equal(out, "sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/c=");
    nsf_sign_hmac_sha256(NSF_SLICE_LIT("Jefe"), NSF_SLICE_LIT("what do ya want for nothing?"), out);
    assert_string_equal(out, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
}

static void test_md5(void **state)
{
    char out[NSF_SIGN_MD5_TEXT_BYTES];
    nsf_sign_md5(NSF_SLICE_LIT("abc"), out);
    assert_string_equal(out, "kAFQmDzST7DWlj99KOF/cg==");
    nsf_sign_md5(nsf_slice(NULL, 0), out);
    assert_string_equal(out, "1B2M2Y8AsgTpgAmY7PhCfg==");
}

static void check_string(const struct nsf_sharedkey_request *request, const char *wanted)
{
    struct nsf_buf out;
    nsf_buf_init(&out, 4096);
    nsf_sharedkey_string(request, &out);
    assert_string_equal(nsf_buf_str(&out), wanted);
    nsf_buf_release(&out);
}

/* The example of "Authorize with Shared Key". */
static void test_published_string(void **state)
{
    const char *const headers[] = {"x-ms-version: 2015-02-21", "x-ms-date: Fri, 26 Jun 2015 23:39:12 GMT"};
    const struct nsf_sharedkey_request request = {
        .verb = "GET",
        .account = "myaccount",
        .path = "/mycontainer",
        .query = "restype=container&comp=metadata&timeout=20",
        .headers = headers,
        .n_headers = 2,
    };
    check_string(&request,
                 "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
                 "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20");
    unsigned char key[NSF_SIGN_KEY_MAX_BYTES];
    size_t n_key;
    assert_true(nsf_sign_base64_decode(
        NSF_SLICE_LIT("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="), key,
        sizeof(key), &n_key));
    assert_int_equal(n_key, 64);
    struct nsf_buf out;
    nsf_buf_init(&out, 4096);
    nsf_sharedkey_header(&request, nsf_slice((const char *)key, n_key), &out);
    assert_string_equal(nsf_buf_str(&out),
                        "Authorization: SharedKey myaccount:1u9lui2jDxj0+fpbHjQ5m5NnastJRSYM+PSmfi8TXx4=");
    nsf_buf_release(&out);
}

/* A ranged read through a path-style host: the account twice, x-ms-range before its longer namesake, the quotes of the
 * ETag kept, the query unescaped. */
static void test_ranged_string(void **state)
{
    const char *const headers[] = {
        "x-ms-range-get-content-md5: true",
        "If-Match: \"0x8D4BCC2E4835CD0\"",
        "X-MS-Range:  bytes=0-4194303 ",
        "Content-Length: 0",
        "User-Agent: nsgflow",
    };
    const struct nsf_sharedkey_request request = {
        .verb = "GET",
        .account = "devstoreaccount1",
        .path = "/devstoreaccount1/logs/y%3D2026/a%20b",
        .query = "Zulu=%2F%3f&alpha=a%20b&&flag",
        .headers = headers,
        .n_headers = NSF_ARRAY_LEN(headers),
    };
    check_string(&request, "GET\n\n\n\n\n\n\n\n\"0x8D4BCC2E4835CD0\"\n\n\n\nx-ms-range:bytes=0-4194303\n"
                           "x-ms-range-get-content-md5:true\n"
                           "/devstoreaccount1/devstoreaccount1/logs/y%3D2026/a%20b\nalpha:a b\nflag:\nzulu:/?");
}

static void test_md5_in_pieces(void **state)
{
    char bytes[1000], whole[NSF_SIGN_MD5_TEXT_BYTES], pieces[NSF_SIGN_MD5_TEXT_BYTES];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 31);
    struct nsf_sign_md5_sum *sum = nsf_sign_md5_sum_new();
    for (size_t step = 1; step < sizeof(bytes); step += 13) {
        nsf_sign_md5_sum_begin(sum);
        nsf_sign_md5_sum_add(sum, bytes, step); /* begun anew: what came before is forgotten */
        nsf_sign_md5_sum_begin(sum);
        for (size_t at = 0; at < sizeof(bytes); at += step)
            nsf_sign_md5_sum_add(sum, bytes + at, sizeof(bytes) - at < step ? sizeof(bytes) - at : step);
        nsf_sign_md5_sum_finish(sum, pieces);
        nsf_sign_md5(nsf_slice(bytes, sizeof(bytes)), whole);
        assert_string_equal(pieces, whole);
        nsf_sign_md5_sum_finish(sum, pieces);
        assert_string_equal(pieces, ""); /* nothing was begun */
    }
    nsf_sign_md5_sum_free(sum);
    nsf_sign_md5_sum_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_md5_in_pieces),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_md5),
        cmocka_unit_test(test_published_string),
        cmocka_unit_test(test_ranged_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

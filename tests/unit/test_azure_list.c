/* Listings of blobs: what storage sends, what strangers name their blobs, and what is no listing. */
#include "core/nsf_common.h"

#include "source/azure_list.h"

#include "core/clock.h"
#include "source/source.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEAD                                                                                                           \
    "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"https://a.blob.core." \
    "windows.net/\" ContainerName=\"c\"><Prefix>p</Prefix><MaxResults>5000</MaxResults><Blobs>"
#define TAIL "</Blobs><NextMarker /></EnumerationResults>"
#define BLOB(name) "<Blob><Name>" name "</Name><Properties><Content-Length>1</Content-Length></Properties></Blob>"

/* Feeds the document in pieces of n bytes. */
static bool read_listing(const char *text, size_t n, struct nsf_azure_page *page, struct nsf_err *err)
{
    struct nsf_azure_list *list = nsf_azure_list_new(page);
    const size_t len = strlen(text);
    bool is_ok = true;
    for (size_t at = 0; at < len && is_ok; at += n)
        is_ok = !nsf_failed(nsf_azure_list_write(list, text + at, len - at < n ? len - at : n, err));
    is_ok = is_ok && !nsf_failed(nsf_azure_list_finish(list, err));
    nsf_azure_list_free(list);
    return is_ok;
}

static const char whole[] =
    HEAD "<Blob><Name>y=2026/m=11/PT1H.json</Name><Deleted>false</Deleted><Properties><Creation-Time>Sat, 21 Nov 2026 "
         "09:00:12 GMT</Creation-Time><Last-Modified>Sat, 21 Nov 2026 09:59:12 GMT</Last-Modified><Etag>0x8DE28A1B</"
         "Etag><Content-Length>4294967296</Content-Length><Content-Encoding /><BlobType>BlockBlob</BlobType>"
         "</Properties><Metadata><Name>not the name</Name></Metadata><OrMetadata /></Blob>"
         "<BlobPrefix><Name>folder/</Name></BlobPrefix>"
         "<Blob><Name>a&amp;b &#x41;.gz</Name><Properties><Etag>\"0x1\"</Etag><Content-Length>0</Content-Length>"
         "<Content-Encoding>gzip</Content-Encoding></Properties></Blob>"
         "<Blob><Name>dir</Name><Properties><ResourceType>directory</ResourceType></Properties></Blob>"
         "</Blobs><NextMarker>2!92!MDAw&amp;</NextMarker></EnumerationResults>";

static void test_a_page_in_pieces_of_any_size(void **state)
{
    int64_t created_ms;
    assert_true(nsf_time_parse(NSF_SLICE_LIT("2026-11-21T09:00:12Z"), &created_ms));
    for (size_t n = 1; n < sizeof(whole); n++) {
        struct nsf_azure_page page;
        struct nsf_err err = NSF_ERR_INIT;
        nsf_azure_page_init(&page);
        assert_true(read_listing(whole, n, &page, &err));
        assert_int_equal(page.n, 3);
        assert_string_equal(page.entries[0].name.ptr, "y=2026/m=11/PT1H.json");
        assert_string_equal(page.entries[0].etag.ptr, "0x8DE28A1B");
        assert_int_equal(page.entries[0].size_bytes, UINT64_C(4294967296));
        assert_int_equal(page.entries[0].created_ms, created_ms);
        assert_false(page.entries[0].is_gzip);
        assert_string_equal(page.entries[1].name.ptr, "folder/");
        assert_true(page.entries[1].is_prefix);
        assert_string_equal(page.entries[2].name.ptr, "a&b A.gz");
        assert_string_equal(page.entries[2].etag.ptr, "0x1");
        assert_true(page.entries[2].is_gzip);
        assert_int_equal(page.entries[2].created_ms, NSF_TS_NONE);
        assert_true(nsf_slice_eq(page.next_marker, NSF_SLICE_LIT("2!92!MDAw&")));
        nsf_azure_page_release(&page);
    }
}

static void test_hostile_names(void **state)
{
    static const struct {
        const char *xml;
        const char *name; /* NULL: no such entry */
    } cases[] = {
        {HEAD BLOB("../../etc/passwd") TAIL, "../../etc/passwd"},
        {HEAD BLOB("a&#10;b") TAIL, "a\nb"},
        {HEAD BLOB(" blanks ") TAIL, " blanks "},
        {HEAD BLOB("<![CDATA[<x>]]>") TAIL, "<x>"},
        {HEAD BLOB("%1B") TAIL, "%1B"},
        {HEAD "<Blob><Name Encoded=\"true\">%1B%5B2J%zz%</Name></Blob>" TAIL, "\x1b[2J%zz%"},
        {HEAD BLOB("") TAIL, NULL},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_azure_page page;
        struct nsf_err err = NSF_ERR_INIT;
        nsf_azure_page_init(&page);
        if (!read_listing(cases[i].xml, 7, &page, &err))
            fail_msg("%zu: %s", i, err.text);
        assert_int_equal(page.n, cases[i].name == NULL ? 0 : 1);
        if (cases[i].name != NULL)
            assert_string_equal(page.entries[0].name.ptr, cases[i].name);
        assert_int_equal(page.next_marker.len, 0);
        nsf_azure_page_release(&page);
    }
}

static void test_what_is_no_listing(void **state)
{
    static const struct {
        const char *xml;
        const char *error; /* a part of it */
    } cases[] = {
        {"", "no element"},
        {"<html><body>login</body></html>", "not a listing"},
        {"<Error><Code>x</Code></Error>", "not a listing"},
        {"<html/>", "not a listing"},
        {"{}", "not well-formed"},
        {HEAD BLOB("a"), "no element"},
        {HEAD BLOB("a") TAIL "<x/>", "junk"},
        {"<!DOCTYPE x [<!ENTITY a \"b\">]><EnumerationResults/>", "DOCTYPE"},
        {"<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><EnumerationResults/>", "DOCTYPE"},
        {HEAD BLOB("&unknown;") TAIL, "undefined entity"},
        {HEAD "<Blob><Name>a</Name><Properties><Content-Length>-1</Content-Length></Properties></Blob>" TAIL,
         "no number"},
        {HEAD "<Blob><Name>a</Name><Properties><Content-Length>99999999999999999999</Content-Length></Properties></"
              "Blob>" TAIL,
         "no number"},
        {HEAD "<Blob><Name Encoded=\"true\">a%00b</Name></Blob>" TAIL, "NUL"},
        {HEAD "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>",
         "nested"},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_azure_page page;
        struct nsf_err err = NSF_ERR_INIT;
        nsf_azure_page_init(&page);
        if (read_listing(cases[i].xml, 5, &page, &err))
            fail_msg("taken: %s", cases[i].xml);
        if (strstr(err.text, cases[i].error) == NULL)
            fail_msg("%s: %s", cases[i].xml, err.text);
        nsf_azure_page_release(&page);
    }
}

static void test_every_truncation_is_an_error(void **state)
{
    struct nsf_azure_page page;
    nsf_azure_page_init(&page);
    struct nsf_azure_list *list = nsf_azure_list_new(&page);
    for (size_t len = 0; len + 1 < sizeof(whole); len++) {
        struct nsf_err err = NSF_ERR_INIT;
        char *copy = len == 0 ? NULL : test_malloc(len);
        if (len > 0)
            memcpy(copy, whole, len);
        nsf_azure_list_reset(list);
        const bool is_ok = (len == 0 || !nsf_failed(nsf_azure_list_write(list, copy, len, &err))) &&
                           !nsf_failed(nsf_azure_list_finish(list, &err));
        assert_false(is_ok);
        if (len > 0)
            test_free(copy);
    }
    nsf_azure_list_free(list);
    nsf_azure_page_release(&page);
}

static void test_bounds(void **state)
{
    static char text[64 << 10];
    for (int is_marker = 0; is_marker < 2; is_marker++) {
        struct nsf_azure_page page;
        struct nsf_err err = NSF_ERR_INIT;
        nsf_azure_page_init(&page);
        struct nsf_buf xml;
        nsf_buf_init(&xml, sizeof(text));
        nsf_buf_add_str(&xml, is_marker != 0 ? HEAD "</Blobs><NextMarker>" : HEAD "<Blob><Name>");
        for (int i = 0; i < 20000; i++)
            nsf_buf_add_char(&xml, 'x');
        nsf_buf_add_str(&xml, is_marker != 0 ? "</NextMarker></EnumerationResults>" : "</Name></Blob>" TAIL);
        assert_false(read_listing(nsf_buf_str(&xml), 1000, &page, &err));
        assert_int_equal(err.code, NSF_E_LIMIT);
        nsf_buf_release(&xml);
        nsf_azure_page_release(&page);
    }
}

static void test_etags(void **state)
{
    assert_true(nsf_azure_is_etag(NSF_SLICE_LIT("0x8DE28A1B")));
    assert_false(nsf_azure_is_etag(NSF_SLICE_LIT("")));
    assert_false(nsf_azure_is_etag(NSF_SLICE_LIT("a\r\nX-Injected: 1")));
    assert_false(nsf_azure_is_etag(NSF_SLICE_LIT("a\"b")));
    assert_false(nsf_azure_is_etag(NSF_SLICE_LIT("a b")));
    struct nsf_azure_page page;
    struct nsf_err err = NSF_ERR_INIT;
    nsf_azure_page_init(&page);
    assert_true(read_listing(
        HEAD "<Blob><Name>a</Name><Properties><Etag>x&#13;&#10;y: z</Etag></Properties></Blob>" TAIL, 9, &page, &err));
    assert_true(page.entries[0].etag.ptr == NULL);
    nsf_azure_page_release(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_in_pieces_of_any_size),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_what_is_no_listing),
        cmocka_unit_test(test_every_truncation_is_an_error),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_etags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

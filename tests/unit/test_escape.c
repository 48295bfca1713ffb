#include "core/nsf_common.h"

#include "report/escape.h"

#include "report/fingerprint.h"
#include "support/nsf_test.h"

typedef void escape_fn(struct nsf_out *out, struct nsf_slice raw);

struct escape_case {
    const char *raw;
    const char *expected;
};

static void assert_escapes(escape_fn *escape, const struct escape_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct nsf_buf buf;
        nsf_buf_init(&buf, 4096);
        struct nsf_out *out = nsf_out_new_buf(&buf);
        escape(out, nsf_slice_str(cases[i].raw));
        nsf_out_abandon(out);
        assert_string_equal(nsf_buf_str(&buf), cases[i].expected);
        nsf_buf_release(&buf);
    }
}

static void test_csv(void **state)
{
    static const struct escape_case cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"two words", "two words"},
        {" edge", "\" edge\""},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"=1+1", "\"'=1+1\""},
        {"+1", "\"'+1\""},
        {"-1", "\"'-1\""},
        {"@SUM(A1)", "\"'@SUM(A1)\""},
        {"a=1", "a=1"},
        {"\t=1", "\\x09=1"},
        {"\r=1", "\\x0D=1"},
        {"new\nline", "new\\x0Aline"},
        {"\x1b[2J", "\\x1B[2J"},
        {"\xff", "\\xFF"},
    };
    assert_escapes(nsf_escape_csv, cases, NSF_ARRAY_LEN(cases));
}

static void test_xml(void **state)
{
    static const struct escape_case cases[] = {
        {"<a href='x'>&\"", "&lt;a href=&#39;x&#39;&gt;&amp;&quot;"},
        {"]]>", "]]&gt;"},
        {"\x01\t\n", "\\x01\\x09\\x0A"},
        {"\xE2\x80\xAE", "\\u{202E}"},
        {"\xEF\xBF\xBF", "\\u{FFFF}"},
        {"\xC3\xA9 \xE6\xBC\xA2", "\xC3\xA9 \xE6\xBC\xA2"},
    };
    assert_escapes(nsf_escape_xml, cases, NSF_ARRAY_LEN(cases));
}

static void test_markdown(void **state)
{
    static const struct escape_case cases[] = {
        {"plain, 2.5 and 10:00", "plain, 2.5 and 10:00"},
        {"*a* _b_ `c`", "\\*a\\* \\_b\\_ \\`c\\`"},
        {"[x](y)|<b>", "\\[x\\](y)\\|\\<b\\>"},
        {"https://example.com", "https\\://example.com"},
        {"mailto:a@b", "mailto\\:a\\@b"},
        {"www.example.com", "www\\.example.com"},
        {"- item", "\\- item"},
        {"2001:db8::/48", "2001:db8::/48"},
        {"a\\b\n", "a\\\\b\\\\x0A"},
    };
    assert_escapes(nsf_escape_markdown, cases, NSF_ARRAY_LEN(cases));
}

static void code_in_table(struct nsf_out *out, struct nsf_slice raw)
{
    nsf_escape_markdown_code(out, raw, true);
}

static void code_in_text(struct nsf_out *out, struct nsf_slice raw)
{
    nsf_escape_markdown_code(out, raw, false);
}

static void test_markdown_code(void **state)
{
    static const struct escape_case cases[] = {
        {"", "-"},        {"x", "`x`"},       {"a`b", "`` a`b ``"}, {"``", "``` `` ```"},
        {" x", "`  x `"}, {"a|b", "`a\\|b`"}, {"<b>*", "`<b>*`"},
    };
    static const struct escape_case in_text[] = {{"a|b", "`a|b`"}};
    assert_escapes(code_in_table, cases, NSF_ARRAY_LEN(cases));
    assert_escapes(code_in_text, in_text, NSF_ARRAY_LEN(in_text));
}

static void test_uri(void **state)
{
    static const struct escape_case cases[] = {
        {"rules/nsgs.json", "rules/nsgs.json"},
        {"a b#c?d%", "a%20b%23c%3Fd%25"},
        {"/etc/x y", "file:///etc/x%20y"},
        {"https://a.example/b c", "https://a.example/b%20c"},
        {"C:\\x", "C%3A%5Cx"},
        {"javascript:alert(1)", "javascript%3Aalert%281%29"},
        {"\x1b\xff", "%1B%FF"},
    };
    assert_escapes(nsf_escape_uri, cases, NSF_ARRAY_LEN(cases));
    assert_true(nsf_escape_uri_is_relative(S("a/b")));
    assert_false(nsf_escape_uri_is_relative(S("/a")));
    assert_false(nsf_escape_uri_is_relative(S("HTTPS://a/")));
}

/* What may matter and what may not; the value itself is compared with another implementation elsewhere. */
static void test_fingerprint(void **state)
{
    char a[NSF_FINDING_FINGERPRINT_BYTES], b[NSF_FINDING_FINGERPRINT_BYTES];
    nsf_finding_fingerprint(S("/Sub/NSG"), S("Allow-25"), 25, a);
    nsf_finding_fingerprint(S("/sub/nsg"), S("allow-25"), 25, b);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 16);
    nsf_finding_fingerprint(S("/sub/nsg"), S("allow-25"), 22, b);
    assert_string_not_equal(a, b);
    /* The border between id and name counts. */
    nsf_finding_fingerprint(S("/sub/nsgallow-"), S("25"), 25, b);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),           cmocka_unit_test(test_xml), cmocka_unit_test(test_markdown),
        cmocka_unit_test(test_markdown_code), cmocka_unit_test(test_uri), cmocka_unit_test(test_fingerprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

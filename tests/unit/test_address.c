/* Every way to write a storage address, and which host may see a credential. */
#include "core/nsf_common.h"

#include "source/address.h"
#include "source/connection.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct address_case {
    const char *text;
    struct nsf_address_defaults defaults;
    const char *url; /* of a blob "n" in it, or of the blob; NULL: refused */
    const char *account;
    const char *container;
    const char *path;
    const char *sas;
    enum nsf_host_trust trust;
    bool is_blob;
};

#define NO_DEFAULTS                                                                                                    \
    {                                                                                                                  \
        NULL, NULL, NULL                                                                                               \
    }

static const struct address_case cases[] = {
    {"https://acct.blob.core.windows.net/logs", NO_DEFAULTS, "https://acct.blob.core.windows.net/logs/n", "acct",
     "logs", "", "", NSF_HOST_STORAGE, false},
    {"https://ACCT.Blob.Core.Windows.NET/logs/a/b?sv=1&sp=rl&sig=x%3D", NO_DEFAULTS,
     "https://acct.blob.core.windows.net/logs/n", "acct", "logs", "a/b", "sv=1&sp=rl&sig=x%3D", NSF_HOST_STORAGE,
     false},
    {"https://acct.blob.core.windows.net/logs/y%3D2026/PT1H.json?sig=1", NO_DEFAULTS,
     "https://acct.blob.core.windows.net/logs/y%3D2026/PT1H.json", "acct", "logs", "y=2026/PT1H.json", "sig=1",
     NSF_HOST_STORAGE, true},
    {"https://acct.blob.core.windows.net/logs/x.GZ", NO_DEFAULTS, "https://acct.blob.core.windows.net/logs/x.GZ",
     "acct", "logs", "x.GZ", "", NSF_HOST_STORAGE, true},
    {"https://acct.blob.core.windows.net/logs/x?sr=b&sig=1", NO_DEFAULTS, "https://acct.blob.core.windows.net/logs/x",
     "acct", "logs", "x", "sr=b&sig=1", NSF_HOST_STORAGE, true},
    {"https://acct.blob.core.windows.net/logs/x?sr=c&sig=1", NO_DEFAULTS, "https://acct.blob.core.windows.net/logs/n",
     "acct", "logs", "x", "sr=c&sig=1", NSF_HOST_STORAGE, false},
    {"https://acct.blob.core.windows.net:443/logs", NO_DEFAULTS, "https://acct.blob.core.windows.net:443/logs/n",
     "acct", "logs", "", "", NSF_HOST_STORAGE, false},
    {"https://acct-secondary.blob.core.windows.net/logs", NO_DEFAULTS,
     "https://acct-secondary.blob.core.windows.net/logs/n", "acct", "logs", "", "", NSF_HOST_STORAGE, false},
    {"https://acct.blob.core.usgovcloudapi.net/c", NO_DEFAULTS, "https://acct.blob.core.usgovcloudapi.net/c/n", "acct",
     "c", "", "", NSF_HOST_STORAGE, false},
    {"https://acct.blob.core.chinacloudapi.cn/c", NO_DEFAULTS, "https://acct.blob.core.chinacloudapi.cn/c/n", "acct",
     "c", "", "", NSF_HOST_STORAGE, false},
    {"https://acct.z07.blob.storage.azure.net/c", NO_DEFAULTS, "https://acct.z07.blob.storage.azure.net/c/n", "acct",
     "c", "", "", NSF_HOST_STORAGE, false},
    {"https://acct.dfs.core.windows.net/c/p", NO_DEFAULTS, "https://acct.blob.core.windows.net/c/n", "acct", "c", "p",
     "", NSF_HOST_STORAGE, false},
    {"abfss://c@acct.dfs.core.windows.net/p/q", NO_DEFAULTS, "https://acct.blob.core.windows.net/c/n", "acct", "c",
     "p/q", "", NSF_HOST_STORAGE, false},
    {"abfss://c@acct.z12.dfs.storage.azure.net/p", NO_DEFAULTS, "https://acct.z12.blob.storage.azure.net/c/n", "acct",
     "c", "p", "", NSF_HOST_STORAGE, false},
    {"az://acct.blob.core.windows.net/c/p", NO_DEFAULTS, "https://acct.blob.core.windows.net/c/n", "acct", "c", "p", "",
     NSF_HOST_STORAGE, false},
    {"az://c/p",
     {NULL, "acct", NULL},
     "https://acct.blob.core.windows.net/c/n",
     "acct",
     "c",
     "p",
     "",
     NSF_HOST_STORAGE,
     false},
    {"AZURE://c",
     {NULL, "acct", NULL},
     "https://acct.blob.core.windows.net/c/n",
     "acct",
     "c",
     "",
     "",
     NSF_HOST_STORAGE,
     false},
    {"az://c/p",
     {NULL, "dev1", "http://127.0.0.1:10000/dev1"},
     "http://127.0.0.1:10000/dev1/c/n",
     "dev1",
     "c",
     "p",
     "",
     NSF_HOST_LOOPBACK,
     false},
    {"az://c/p",
     {"http://127.0.0.1:10000", "dev1", NULL},
     "http://127.0.0.1:10000/dev1/c/n",
     "dev1",
     "c",
     "p",
     "",
     NSF_HOST_LOOPBACK,
     false},
    {"az://c/p",
     {"http://127.0.0.1:10000/dev2", "dev1", NULL},
     "http://127.0.0.1:10000/dev2/c/n",
     "dev2",
     "c",
     "p",
     "",
     NSF_HOST_LOOPBACK,
     false},
    {"az://c",
     {"blob.core.example", "acct", NULL},
     "https://acct.blob.core.example/c/n",
     "acct",
     "c",
     "",
     "",
     NSF_HOST_NAMED,
     false},
    {"https://acct.blob.core.example/c",
     {".blob.core.example", NULL, NULL},
     "https://acct.blob.core.example/c/n",
     "acct",
     "c",
     "",
     "",
     NSF_HOST_NAMED,
     false},
    {"https://store.example:8443/acct/c/p",
     {"https://store.example:8443/acct", NULL, NULL},
     "https://store.example:8443/acct/c/n",
     "acct",
     "c",
     "p",
     "",
     NSF_HOST_NAMED,
     false},
    {"http://127.0.0.1:10000/dev1/c/p", NO_DEFAULTS, "http://127.0.0.1:10000/dev1/c/n", "dev1", "c", "p", "",
     NSF_HOST_LOOPBACK, false},
    {"http://[::1]:10000/dev1/c", NO_DEFAULTS, "http://[::1]:10000/dev1/c/n", "dev1", "c", "", "", NSF_HOST_LOOPBACK,
     false},
    {"http://localhost/dev1/c", NO_DEFAULTS, "http://localhost/dev1/c/n", "dev1", "c", "", "", NSF_HOST_LOOPBACK,
     false},
    {"http://dev1.blob.localhost:10000/c", NO_DEFAULTS, "http://dev1.blob.localhost:10000/c/n", "dev1", "c", "", "",
     NSF_HOST_LOOPBACK, false},
    {"https://files.example/a%20b/x.json?token=1", NO_DEFAULTS, "https://files.example/a%20b/x.json", "", "",
     "a%20b/x.json", "token=1", NSF_HOST_FOREIGN, true},
    /* looks like storage, and is not: no credential may go there */
    {"https://acct.blob.core.windows.net.evil.example/c", NO_DEFAULTS,
     "https://acct.blob.core.windows.net.evil.example/c", "", "", "c", "", NSF_HOST_FOREIGN, true},
    {"https://blob.core.windows.net/c", NO_DEFAULTS, "https://blob.core.windows.net/c", "", "", "c", "",
     NSF_HOST_FOREIGN, true},
    {"https://a.b.blob.core.windows.net/c", NO_DEFAULTS, "https://a.b.blob.core.windows.net/c", "", "", "c", "",
     NSF_HOST_FOREIGN, true},
    {"https://evilblob.core.windows.net/c", NO_DEFAULTS, "https://evilblob.core.windows.net/c", "", "", "c", "",
     NSF_HOST_FOREIGN, true},
    {"https://127.0.0.1.evil.example/c", NO_DEFAULTS, "https://127.0.0.1.evil.example/c", "", "", "c", "",
     NSF_HOST_FOREIGN, true},
    {"https://xblob.core.example/c",
     {"blob.core.example", NULL, NULL},
     "https://xblob.core.example/c",
     "",
     "",
     "c",
     "",
     NSF_HOST_FOREIGN,
     true},
    {"https://acct.blob.core.windows.net/logs/../../x", NO_DEFAULTS, "https://acct.blob.core.windows.net/logs/n",
     "acct", "logs", "../../x", "", NSF_HOST_STORAGE, false},
    {"http://acct.blob.core.windows.net/c", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
    {"http://files.example/x.json", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
    {"https://acct.blob.core.windows.net", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
    {"https://acct.blob.core.windows.net/?sig=1", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
    {"https://acct.blob.core.windows.net/c?sv=2021", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN,
     false},
    {"https://acct.blob.core.windows.net/c?sr=b&sig=1", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN,
     false},
    {"https://user@acct.blob.core.windows.net/c", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
    {"https://acct.blob.core.windows.net/c/%zz", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
    {"https://acct.blob.core.windows.net/c/%00", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
    {"https://acct.blob.core.windows.net:99999/c", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
    {"https:///c", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
    {"https://[::1/c", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
    {"http://127.0.0.1:10000/dev1", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
    {"az://c/p", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
    {"az://evil.example/c", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
    {"abfss://acct.dfs.core.windows.net/p", NO_DEFAULTS, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
    {"az://c", {"https://", NULL, NULL}, NULL, NULL, NULL, NULL, NULL, NSF_HOST_FOREIGN, false},
};

static void check(const struct address_case *c)
{
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    struct nsf_address address;
    struct nsf_err err = NSF_ERR_INIT;
    const bool is_ok = !nsf_failed(nsf_address_parse(nsf_slice_str(c->text), &c->defaults, &arena, &address, &err));
    if (is_ok != (c->url != NULL))
        fail_msg("%s was %s %s", c->text, is_ok ? "taken" : "refused:", is_ok ? "" : err.text);
    if (is_ok) {
        struct nsf_buf url;
        nsf_buf_init(&url, 4096);
        nsf_buf_add_str(&url, address.origin);
        nsf_address_add_path(&address, address.is_blob ? nsf_slice_str(address.path) : NSF_SLICE_LIT("n"), &url);
        const bool is_same = strcmp(nsf_buf_str(&url), c->url) == 0 && strcmp(address.account, c->account) == 0 &&
                             strcmp(address.container, c->container) == 0 && strcmp(address.path, c->path) == 0 &&
                             strcmp(address.sas, c->sas) == 0 && address.trust == c->trust &&
                             address.is_blob == c->is_blob;
        if (!is_same)
            fail_msg("%s: %s account %s container %s path %s sas %s trust %d blob %d", c->text, nsf_buf_str(&url),
                     address.account, address.container, address.path, address.sas, (int)address.trust,
                     address.is_blob);
        nsf_buf_release(&url);
    } else {
        assert_int_equal(err.code, NSF_E_USAGE);
        assert_null(strstr(err.text, "sig=1"));
    }
    nsf_arena_release(&arena);
}

static void test_addresses(void **state)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++)
        check(&cases[i]);
}

static void test_is_url(void **state)
{
    assert_true(nsf_address_is_url(NSF_SLICE_LIT("https://x")));
    assert_true(nsf_address_is_url(NSF_SLICE_LIT("AZ://x")));
    assert_true(nsf_address_is_url(NSF_SLICE_LIT("http://x")));
    assert_false(nsf_address_is_url(NSF_SLICE_LIT("logs/https://x")));
    assert_false(nsf_address_is_url(NSF_SLICE_LIT("ftp://x")));
    assert_false(nsf_address_is_url(NSF_SLICE_LIT("az:/x")));
    assert_false(nsf_address_is_url(NSF_SLICE_LIT("")));
}

static void test_names_that_are_shown(void **state)
{
    static const struct {
        const char *name;
        const char *sent;
        const char *shown;
    } names[] = {
        {"y=2026/m=11/PT1H.json", "y%3D2026/m%3D11/PT1H.json", "y=2026/m=11/PT1H.json"},
        {"a b\n\x1b[2J?#%", "a%20b%0A%1B%5B2J%3F%23%25", "a%20b%0A%1B%5B2J%3F%23%25"},
        {"../x/./..", "%2E%2E/x/%2E/%2E%2E", "%2E%2E/x/%2E/%2E%2E"},
        {"...a/.b", "...a/.b", "...a/.b"},
        {"\xc3\xa4", "%C3%A4", "%C3%A4"},
    };
    struct nsf_arena arena;
    nsf_arena_init(&arena);
    struct nsf_address address;
    struct nsf_err err = NSF_ERR_INIT;
    const struct nsf_address_defaults none = NO_DEFAULTS;
    assert_false(nsf_failed(nsf_address_parse(NSF_SLICE_LIT("https://acct.blob.core.windows.net/$logs?sig=secret"),
                                              &none, &arena, &address, &err)));
    for (size_t i = 0; i < NSF_ARRAY_LEN(names); i++) {
        struct nsf_buf sent, shown;
        char wanted[256];
        nsf_buf_init(&sent, 4096);
        nsf_buf_init(&shown, 4096);
        nsf_address_add_path(&address, nsf_slice_str(names[i].name), &sent);
        nsf_address_add_shown(&address, nsf_slice_str(names[i].name), &shown);
        snprintf(wanted, sizeof(wanted), "/%%24logs/%s", names[i].sent);
        assert_string_equal(nsf_buf_str(&sent), wanted);
        snprintf(wanted, sizeof(wanted), "https://acct.blob.core.windows.net/%%24logs/%s", names[i].shown);
        assert_string_equal(nsf_buf_str(&shown), wanted);
        nsf_buf_release(&sent);
        nsf_buf_release(&shown);
    }
    nsf_arena_release(&arena);
}

static void test_query(void **state)
{
    assert_true(nsf_slice_eq(nsf_address_query_get("a=1&sr=b&sr=c", "sr"), NSF_SLICE_LIT("b")));
    assert_true(nsf_slice_eq(nsf_address_query_get("a&b=", "a"), nsf_slice("", 0)));
    assert_true(nsf_address_query_get("asr=1", "sr").ptr == NULL);
    assert_true(nsf_address_query_get("", "sr").ptr == NULL);
}

static void test_connection_strings(void **state)
{
    static const struct {
        const char *text;
        const char *account; /* NULL: refused */
        const char *key;
        const char *sas;
        const char *endpoint;
    } strings[] = {
        {"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a2V5==;EndpointSuffix=core.windows.net", "acct",
         "a2V5==", "", "https://acct.blob.core.windows.net"},
        {" accountname = acct ; accountkey=k= ;", "acct", "k=", "", "https://acct.blob.core.windows.net"},
        {"AccountName=a;EndpointSuffix=core.chinacloudapi.cn", "a", "", "", "https://a.blob.core.chinacloudapi.cn"},
        {"BlobEndpoint=https://acct.blob.core.windows.net/;SharedAccessSignature=?sv=1&sig=x%3D", "acct", "",
         "sv=1&sig=x%3D", "https://acct.blob.core.windows.net/"},
        {"AccountName=dev1;AccountKey=k;BlobEndpoint=http://127.0.0.1:10000/dev1;", "dev1", "k", "",
         "http://127.0.0.1:10000/dev1"},
        {"BlobEndpoint=http://127.0.0.1:10000/dev7", "dev7", "", "", "http://127.0.0.1:10000/dev7"},
        {"UseDevelopmentStorage=true", "devstoreaccount1",
         "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==", "",
         "http://127.0.0.1:10000/devstoreaccount1"},
        {"", NULL, NULL, NULL, NULL},
        {"nonsense", NULL, NULL, NULL, NULL},
        {"AccountKey=k", NULL, NULL, NULL, NULL},
        {"BlobEndpoint=x", NULL, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(strings); i++) {
        struct nsf_arena arena;
        nsf_arena_init(&arena);
        struct nsf_connection connection;
        struct nsf_err err = NSF_ERR_INIT;
        const bool is_ok = !nsf_failed(nsf_connection_parse(nsf_slice_str(strings[i].text), &arena, &connection, &err));
        if (is_ok != (strings[i].account != NULL))
            fail_msg("\"%s\" was %s", strings[i].text, is_ok ? "taken" : "refused");
        if (is_ok) {
            assert_true(nsf_slice_eq(connection.account, nsf_slice_str(strings[i].account)));
            assert_true(nsf_slice_eq(connection.key, nsf_slice_str(strings[i].key)));
            assert_true(nsf_slice_eq(connection.sas, nsf_slice_str(strings[i].sas)));
            assert_true(nsf_slice_eq(connection.blob_endpoint, nsf_slice_str(strings[i].endpoint)));
        }
        nsf_arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_is_url),
        cmocka_unit_test(test_names_that_are_shown),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_connection_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

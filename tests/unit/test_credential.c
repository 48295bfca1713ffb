/* Which credential is taken, which never is, and what the answers with tokens may look like. No network is asked. */
#include "core/nsf_common.h"

#include "source/credential.h"

#include "core/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct setting {
    const char *name;
    const char *value;
};

static const char *get_setting(void *ctx, const char *name)
{
    for (const struct setting *s = ctx; s->name != NULL; s++)
        if (strcmp(s->name, name) == 0)
            return s->value;
    return NULL;
}

static char said[2048];

static void say(void *ctx, const char *line)
{
    (void)ctx;
    const size_t n = strlen(said);
    snprintf(said + n, sizeof(said) - n, "%s\n", line);
}

#define KEY "c2VjcmV0LWtleQ=="
#define SAS "sv=1&sp=rl&sig=secret-sas"

static void test_order(void **state)
{
    static const struct {
        const char *url;
        struct setting env[6];
        enum nsf_credential_kind kind;
        const char *label; /* NULL: refused as wrong usage */
    } cases[] = {
        {"https://acct.blob.core.windows.net/c?" SAS,
         {{"AZURE_STORAGE_ACCOUNT", "acct"}, {"AZURE_STORAGE_KEY", KEY}},
         NSF_CREDENTIAL_SAS,
         "the SAS of the address"},
        {"https://acct.blob.core.windows.net/c",
         {{"AZURE_STORAGE_CONNECTION_STRING", "AccountName=acct;AccountKey=" KEY},
          {"AZURE_STORAGE_ACCOUNT", "acct"},
          {"AZURE_STORAGE_SAS_TOKEN", SAS}},
         NSF_CREDENTIAL_KEY,
         "the key in AZURE_STORAGE_CONNECTION_STRING"},
        {"https://acct.blob.core.windows.net/c",
         {{"AZURE_STORAGE_CONNECTION_STRING",
           "BlobEndpoint=https://acct.blob.core.windows.net;SharedAccessSignature=" SAS}},
         NSF_CREDENTIAL_SAS,
         "the SAS in AZURE_STORAGE_CONNECTION_STRING"},
        /* a connection string for another account is passed over */
        {"https://acct.blob.core.windows.net/c",
         {{"AZURE_STORAGE_CONNECTION_STRING", "AccountName=other;AccountKey=" KEY},
          {"AZURE_STORAGE_ACCOUNT", "acct"},
          {"AZURE_STORAGE_KEY", KEY}},
         NSF_CREDENTIAL_KEY,
         "the key in AZURE_STORAGE_KEY"},
        {"https://acct.blob.core.windows.net/c",
         {{"AZURE_STORAGE_ACCOUNT", "acct"}, {"AZURE_STORAGE_SAS_TOKEN", "?" SAS}},
         NSF_CREDENTIAL_SAS,
         "the SAS in AZURE_STORAGE_SAS_TOKEN"},
        {"az://c",
         {{"AZURE_STORAGE_ACCOUNT", "acct"}, {"AZURE_STORAGE_KEY", KEY}},
         NSF_CREDENTIAL_KEY,
         "the key in AZURE_STORAGE_KEY"},
        /* no key goes to a stranger's account, and none to a host that is not storage */
        {"http://127.0.0.1:9/other/c",
         {{"AZURE_STORAGE_ACCOUNT", "acct"}, {"AZURE_STORAGE_KEY", KEY}},
         NSF_CREDENTIAL_NONE,
         "no credential"},
        {"http://127.0.0.1:9/acct/c", {{"AZURE_STORAGE_KEY", KEY}}, NSF_CREDENTIAL_NONE, "no credential"},
        {"https://acct.evil.example/c.json",
         {{"AZURE_STORAGE_ACCOUNT", "acct"},
          {"AZURE_STORAGE_KEY", KEY},
          {"AZURE_TENANT_ID", "t"},
          {"AZURE_CLIENT_ID", "i"},
          {"AZURE_CLIENT_SECRET", "secret"}},
         NSF_CREDENTIAL_NONE,
         "no credential"},
        {"https://acct.blob.core.windows.net/c",
         {{"AZURE_STORAGE_ACCOUNT", "acct"}, {"AZURE_STORAGE_KEY", "secret"}},
         NSF_CREDENTIAL_NONE,
         NULL},
        {"https://acct.blob.core.windows.net/c",
         {{"AZURE_STORAGE_ACCOUNT", "acct"}, {"AZURE_STORAGE_SAS_TOKEN", "secret"}},
         NSF_CREDENTIAL_NONE,
         NULL},
        {"https://acct.blob.core.windows.net/c",
         {{"AZURE_STORAGE_ACCOUNT", "acct"}, {"AZURE_STORAGE_SAS_TOKEN", "sig=secret\r\nX: y"}},
         NSF_CREDENTIAL_NONE,
         NULL},
        {"https://acct.blob.core.windows.net/c",
         {{"AZURE_STORAGE_CONNECTION_STRING", "secret"}},
         NSF_CREDENTIAL_NONE,
         NULL},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct setting env[7] = {{NULL, NULL}};
        memcpy(env, cases[i].env, sizeof(cases[i].env));
        struct nsf_arena arena;
        nsf_arena_init(&arena);
        struct nsf_address address;
        struct nsf_err err = NSF_ERR_INIT;
        struct nsf_credential_needs needs = {.address = &address,
                                             .env = {get_setting, env},
                                             .retry = {1, 1, 1},
                                             .say = say,
                                             .http = {.user_agent = "test", .connect_wait_ms = 100, .stall_wait_s = 1}};
        struct nsf_address_defaults defaults = {0};
        said[0] = '\0';
        struct nsf_credential *credential = NULL;
        nsf_result r = nsf_credential_defaults(&needs.env, &arena, &defaults, &err);
        if (!nsf_failed(r))
            r = nsf_address_parse(nsf_slice_str(cases[i].url), &defaults, &arena, &address, &err);
        if (!nsf_failed(r))
            r = nsf_credential_new(&needs, &credential, &err);
        if (nsf_failed(r) != (cases[i].label == NULL))
            fail_msg("%zu: %s", i, err.text);
        if (!nsf_failed(r)) {
            assert_string_equal(nsf_credential_label(credential), cases[i].label);
            assert_int_equal(nsf_credential_kind(credential), cases[i].kind);
        }
        assert_null(strstr(said, "secret"));
        assert_null(strstr(said, KEY));
        assert_null(strstr(err.text, "secret"));
        nsf_credential_free(credential);
        nsf_arena_release(&arena);
    }
}

static void test_token_answers(void **state)
{
    static const struct {
        const char *json;
        const char *token; /* NULL: none */
        int64_t ends_ms;
        const char *error; /* a part of it */
    } cases[] = {
        {"{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"abc.def\"}", "abc.def", 1000 + 3599000, ""},
        {"{\"access_token\":\"a\",\"expires_in\":\"86399\",\"expires_on\":\"1795000000\"}", "a", INT64_C(1795000000000),
         ""},
        {"{\"accessToken\":\"a\",\"expiresOn\":\"2026-11-21 10:00:00.000000\",\"expires_on\":1795000000}", "a",
         INT64_C(1795000000000), ""},
        {"{\"access_token\":\"a\"}", "a", 1000 + 600000, ""},
        {"{\"x\":{\"access_token\":\"inner\"},\"access_token\":\"a\",\"expires_in\":1}", "a", 2000, ""},
        {"{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid secret hunter2\\r\\nTrace\"}",
         NULL, 0, "invalid_client AADSTS7000215"},
        {"{\"error\":\"bad\\u001b[2J\"}", NULL, 0, "no token: bad "},
        {"{\"access_token\":\"a b\"}", NULL, 0, "not understood"},
        {"{\"access_token\":\"a\\r\\nX: y\"}", NULL, 0, "not understood"},
        {"{\"access_token\":\"\"}", NULL, 0, "not understood"},
        {"{\"access_token\":\"cut", NULL, 0, "not understood"},
        {"[\"access_token\"]", NULL, 0, "not understood"},
        {"<html>", NULL, 0, "not understood"},
        {"", NULL, 0, "not understood"},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_token token;
        struct nsf_err err = NSF_ERR_INIT;
        const bool is_ok = !nsf_failed(nsf_token_parse(nsf_slice_str(cases[i].json), 1000, &token, &err));
        if (is_ok != (cases[i].token != NULL))
            fail_msg("%s was %s", cases[i].json, is_ok ? "taken" : "refused");
        if (is_ok) {
            assert_string_equal(token.text, cases[i].token);
            assert_int_equal(token.ends_ms, cases[i].ends_ms);
        } else {
            if (strstr(err.text, cases[i].error) == NULL)
                fail_msg("%s: %s", cases[i].json, err.text);
            assert_null(strstr(err.text, "hunter2"));
            assert_null(strchr(err.text, '\x1b'));
        }
        nsf_token_release(&token);
    }
}

/* It would not fit into the headers of a request. */
static void test_a_token_without_end_is_none(void **state)
{
    (void)state;
    static char json[100000];
    for (size_t len = 10; len < sizeof(json) - 64; len += len / 2) {
        struct nsf_token token;
        const int n = snprintf(json, sizeof(json), "{\"access_token\":\"%0*d\"}", (int)len, 0);
        const bool is_ok = !nsf_failed(nsf_token_parse(nsf_slice(json, (size_t)n), 1000, &token, NULL));
        assert_int_equal(is_ok, len <= 32768);
        nsf_token_release(&token);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_without_end_is_none),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_token_answers),
    };
    struct nsf_err err = NSF_ERR_INIT;
    /* A real command line of Azure on this machine is not to be asked. */
    if (nsf_failed(nsf_http_start(&err)) || setenv("PATH", "/nonexistent", 1) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

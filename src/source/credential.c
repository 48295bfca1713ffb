#include "core/nsf_common.h"

#include "source/credential.h"

#include "core/clock.h"
#include "core/mem.h"
#include "core/thread.h"
#include "source/connection.h"
#include "source/sign.h"

/* A token is replaced so long before its end, so that none ends on its way. */
#define REFRESH_EARLY_MS (2 * 60 * NSF_MS_PER_SECOND)

struct nsf_credential {
    struct nsf_arena arena;
    struct nsf_credential_needs needs;
    enum nsf_credential_kind kind;
    const char *label;
    const char *sas;
    unsigned char key[NSF_SIGN_KEY_MAX_BYTES];
    size_t n_key;
    /* Tokens: under the lock. */
    enum nsf_token_way way;
    struct nsf_mutex *lock;
    struct nsf_http *http;
    struct nsf_token token;
    uint64_t serial;
};

static const char *const way_labels[] = {
    [NSF_TOKEN_CLIENT_SECRET] = "the application of AZURE_CLIENT_ID with its secret",
    [NSF_TOKEN_FEDERATED] = "the application of AZURE_CLIENT_ID with its federated token file",
    [NSF_TOKEN_APP_SERVICE] = "the managed identity at IDENTITY_ENDPOINT",
    [NSF_TOKEN_IMDS] = "the managed identity of this machine",
    [NSF_TOKEN_AZ_CLI] = "the user signed in to the az command line",
};

static void say(const struct nsf_credential *credential, const char *before, const char *label, const char *after)
{
    char line[320];
    if (credential->needs.say == NULL)
        return;
    snprintf(line, sizeof(line), "%s: %s%s%s", credential->needs.address->host, before, label, after);
    credential->needs.say(credential->needs.say_ctx, line);
}

static void take(struct nsf_credential *credential, enum nsf_credential_kind kind, const char *label)
{
    credential->kind = kind;
    credential->label = label;
    say(credential, "using ", label, "");
}

static nsf_result take_key(struct nsf_credential *credential, struct nsf_slice text, const char *label,
                           struct nsf_err *err)
{
    if (!nsf_sign_base64_decode(nsf_slice_trim(text), credential->key, sizeof(credential->key), &credential->n_key) ||
        credential->n_key == 0)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "%s is no account key: those are base64", label);
    take(credential, NSF_CREDENTIAL_KEY, label);
    return nsf_ok();
}

static nsf_result take_sas(struct nsf_credential *credential, struct nsf_slice text, const char *label,
                           struct nsf_err *err)
{
    text = nsf_slice_trim(text);
    if (text.len > 0 && text.ptr[0] == '?')
        text = nsf_slice_from(text, 1);
    const char *sas = nsf_arena_copy(&credential->arena, text).ptr;
    if (nsf_address_query_get(sas, "sig").len == 0)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "%s is no SAS: it has no sig=", label);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "%s is no SAS: it has characters no URL has", label);
    credential->sas = sas;
    take(credential, NSF_CREDENTIAL_SAS, label);
    return nsf_ok();
}

static bool is_own_account(const struct nsf_credential *credential, struct nsf_slice account, const char *label)
{
    if (nsf_slice_eq_nocase(account, nsf_slice_str(credential->needs.address->account)))
        return true;
    say(credential, "not using ", label, ": it is for another account, or for none that is named");
    return false;
}

/* Each of these takes a credential or leaves kind as it is. */
static nsf_result try_connection(struct nsf_credential *credential, struct nsf_err *err)
{
    static const char label[] = "AZURE_STORAGE_CONNECTION_STRING";
    const char *text = nsf_env_get(&credential->needs.env, label);
    if (text == NULL)
        return nsf_ok();
    struct nsf_connection connection;
    nsf_result r = nsf_connection_parse(nsf_slice_str(text), &credential->arena, &connection, err);
    if (nsf_failed(r) || !is_own_account(credential, connection.account, label))
        return r;
    if (connection.key.len > 0)
        return take_key(credential, connection.key, "the key in AZURE_STORAGE_CONNECTION_STRING", err);
    if (connection.sas.len > 0)
        return take_sas(credential, connection.sas, "the SAS in AZURE_STORAGE_CONNECTION_STRING", err);
    return nsf_ok();
}

static nsf_result try_account(struct nsf_credential *credential, struct nsf_err *err)
{
    const struct nsf_env *env = &credential->needs.env;
    const char *key = nsf_env_get(env, "AZURE_STORAGE_KEY"), *sas = nsf_env_get(env, "AZURE_STORAGE_SAS_TOKEN");
    if (key == NULL && sas == NULL)
        return nsf_ok();
    const struct nsf_slice account = nsf_slice_str(nsf_env_get(env, "AZURE_STORAGE_ACCOUNT"));
    if (!is_own_account(credential, account, key != NULL ? "AZURE_STORAGE_KEY" : "AZURE_STORAGE_SAS_TOKEN"))
        return nsf_ok();
    if (key != NULL)
        return take_key(credential, nsf_slice_str(key), "the key in AZURE_STORAGE_KEY", err);
    return take_sas(credential, nsf_slice_str(sas), "the SAS in AZURE_STORAGE_SAS_TOKEN", err);
}

static bool is_way_set_up(const struct nsf_credential *credential, enum nsf_token_way way)
{
    const struct nsf_env *env = &credential->needs.env;
    const bool has_application =
        nsf_env_get(env, "AZURE_TENANT_ID") != NULL && nsf_env_get(env, "AZURE_CLIENT_ID") != NULL;
    switch (way) {
    case NSF_TOKEN_CLIENT_SECRET:
        return has_application && nsf_env_get(env, "AZURE_CLIENT_SECRET") != NULL;
    case NSF_TOKEN_FEDERATED:
        return has_application && nsf_env_get(env, "AZURE_FEDERATED_TOKEN_FILE") != NULL;
    case NSF_TOKEN_APP_SERVICE:
        return nsf_env_get(env, "IDENTITY_ENDPOINT") != NULL && nsf_env_get(env, "IDENTITY_HEADER") != NULL;
    case NSF_TOKEN_IMDS:
        /* An emulator on this machine knows no identity of the cloud, unless someone set one up for it. */
        return credential->needs.address->trust != NSF_HOST_LOOPBACK ||
               nsf_env_get(env, "AZURE_POD_IDENTITY_AUTHORITY_HOST") != NULL;
    case NSF_TOKEN_AZ_CLI:
        return true;
    }
    return false;
}

/* Under the lock. */
static enum nsf_token_answer fetch(struct nsf_credential *credential, enum nsf_token_way way, struct nsf_err *err)
{
    if (credential->http == NULL)
        credential->http = nsf_http_new(&credential->needs.http);
    struct nsf_token token;
    const enum nsf_token_answer answer =
        nsf_token_fetch(way, &credential->needs.env, credential->http, &credential->needs.retry,
                        credential->needs.http.is_stopped, &token, err);
    if (answer != NSF_TOKEN_GIVEN)
        return answer;
    nsf_token_release(&credential->token);
    credential->token = token;
    credential->serial++;
    return answer;
}

static nsf_result try_tokens(struct nsf_credential *credential, struct nsf_err *err)
{
    for (enum nsf_token_way way = NSF_TOKEN_CLIENT_SECRET; way <= NSF_TOKEN_AZ_CLI; way++) {
        if (!is_way_set_up(credential, way))
            continue;
        switch (fetch(credential, way, err)) {
        case NSF_TOKEN_GIVEN:
            credential->way = way;
            take(credential, NSF_CREDENTIAL_TOKEN, way_labels[way]);
            return nsf_ok();
        case NSF_TOKEN_FAILED:
            return (nsf_result){.failed = true};
        case NSF_TOKEN_ABSENT:
            say(credential, "not using ", way_labels[way], ": there is none here");
            break;
        }
    }
    return nsf_ok();
}

static nsf_result choose(struct nsf_credential *credential, struct nsf_err *err)
{
    const struct nsf_address *address = credential->needs.address;
    nsf_result r = nsf_ok();
    if (address->trust == NSF_HOST_FOREIGN)
        return r;
    if (address->sas[0] != '\0')
        return take_sas(credential, nsf_slice_str(address->sas), "the SAS of the address", err);
    nsf_result (*const ways[])(struct nsf_credential *, struct nsf_err *) = {try_connection, try_account, try_tokens};
    for (size_t i = 0; i < NSF_ARRAY_LEN(ways) && !nsf_failed(r) && credential->kind == NSF_CREDENTIAL_NONE; i++)
        r = ways[i](credential, err);
    if (!nsf_failed(r) && credential->kind == NSF_CREDENTIAL_NONE)
        say(credential, "using ", credential->label, "");
    return r;
}

nsf_result nsf_credential_new(const struct nsf_credential_needs *needs, struct nsf_credential **result,
                              struct nsf_err *err)
{
    struct nsf_credential *credential = nsf_calloc(1, sizeof(*credential));
    nsf_arena_init(&credential->arena);
    credential->needs = *needs;
    credential->label = "no credential";
    credential->sas = "";
    credential->lock = nsf_mutex_new();
    *result = credential;
    nsf_result r = choose(credential, err);
    if (nsf_failed(r)) {
        nsf_credential_free(credential);
        *result = NULL;
    }
    return r;
}

void nsf_credential_free(struct nsf_credential *credential)
{
    if (credential == NULL)
        return;
    nsf_http_free(credential->http);
    nsf_token_release(&credential->token);
    nsf_sign_wipe(credential->key, sizeof(credential->key));
    nsf_mutex_free(credential->lock);
    nsf_arena_release(&credential->arena);
    nsf_free(credential);
}

enum nsf_credential_kind nsf_credential_kind(const struct nsf_credential *credential)
{
    return credential->kind;
}

const char *nsf_credential_label(const struct nsf_credential *credential)
{
    return credential->label;
}

const char *nsf_credential_sas(const struct nsf_credential *credential)
{
    return credential->sas;
}

struct nsf_slice nsf_credential_key(const struct nsf_credential *credential)
{
    return nsf_slice((const char *)credential->key, credential->n_key);
}

nsf_result nsf_credential_bearer(struct nsf_credential *credential, uint64_t spent, struct nsf_buf *header,
                                 uint64_t *serial, struct nsf_err *err)
{
    nsf_result r = nsf_ok();
    nsf_mutex_lock(credential->lock);
    const int64_t now_ms = (int64_t)time(NULL) * NSF_MS_PER_SECOND;
    if (credential->serial == spent || credential->token.ends_ms - now_ms < REFRESH_EARLY_MS) {
        const bool is_still_good = credential->serial != spent && credential->token.ends_ms > now_ms;
        struct nsf_err own = NSF_ERR_INIT;
        const enum nsf_token_answer answer = fetch(credential, credential->way, &own);
        /* The old one serves to its end when no new one is to be had. */
        if (answer != NSF_TOKEN_GIVEN && !is_still_good)
            r = NSF_FAIL(err, own.code == NSF_E_NONE ? NSF_E_AUTH : own.code, NSF_OFFSET_NONE,
                         "the token could not be renewed: %s", own.text);
    }
    if (!nsf_failed(r)) {
        nsf_buf_add_str(header, "Authorization: Bearer ");
        nsf_buf_add_str(header, credential->token.text);
        *serial = credential->serial;
    }
    nsf_mutex_unlock(credential->lock);
    return r;
}

nsf_result nsf_credential_defaults(const struct nsf_env *env, struct nsf_arena *arena,
                                   struct nsf_address_defaults *defaults, struct nsf_err *err)
{
    const char *text = nsf_env_get(env, "AZURE_STORAGE_CONNECTION_STRING");
    defaults->account = nsf_env_get(env, "AZURE_STORAGE_ACCOUNT");
    if (text == NULL)
        return nsf_ok();
    struct nsf_connection connection;
    nsf_result r = nsf_connection_parse(nsf_slice_str(text), arena, &connection, err);
    if (nsf_failed(r))
        return r;
    defaults->account = nsf_arena_copy(arena, connection.account).ptr;
    defaults->account_endpoint = nsf_arena_copy(arena, connection.blob_endpoint).ptr;
    return nsf_ok();
}

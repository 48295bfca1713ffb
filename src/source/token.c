#include "core/nsf_common.h"

#include "source/token.h"

#include "core/clock.h"
#include "core/hash.h"
#include "core/json_in.h"
#include "core/mem.h"
#include "source/address.h"
#include "source/az_cli.h"
#include "source/sign.h"

#include <errno.h>

#define SCOPE "https://storage.azure.com/.default"
#define RESOURCE "https://storage.azure.com/"
#define AUTHORITY_DEFAULT "https://login.microsoftonline.com"
#define IMDS_DEFAULT "http://169.254.169.254"
#define IMDS_PATH "/metadata/identity/oauth2/token?api-version=2018-02-01&resource="

/* Tokens are about 2 KiB; an assertion file may hold 16. */
#define ANSWER_MAX_BYTES ((size_t)256 << 10)
/* The environment gives at most 128 KiB a variable, and an escape makes three bytes of one. */
#define REQUEST_MAX_BYTES ((size_t)4 << 20)
#define TOKEN_MAX_BYTES ((size_t)32 << 10) /* half of what the headers of a request may take */
/* Where there is no such endpoint, nothing answers: asking must not hold up everybody else. */
#define PROBE_WAIT_MS 1000
#define PROBE_ANSWER_WAIT_MS 10000
#define ANSWER_WAIT_MS 30000
/* A token whose end nobody says is asked for anew after so long. */
#define UNKNOWN_LIFE_MS (10 * 60 * NSF_MS_PER_SECOND)

static const char *get_process_env(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

struct nsf_env nsf_env_process(void)
{
    return (struct nsf_env){.get = get_process_env};
}

const char *nsf_env_get(const struct nsf_env *env, const char *name)
{
    const char *value = env->get(env->ctx, name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

void nsf_token_release(struct nsf_token *token)
{
    if (token->text != NULL)
        nsf_sign_wipe(token->text, strlen(token->text));
    nsf_free(token->text);
    token->text = NULL;
}

/* ---- the JSON answer ---- */

enum member {
    MEMBER_OTHER,
    MEMBER_TOKEN,
    MEMBER_EXPIRES_IN,
    MEMBER_EXPIRES_ON,
    MEMBER_ERROR,
    MEMBER_DESCRIPTION,
};

struct answer {
    unsigned depth;
    enum member member;
    struct nsf_token *token;
    int64_t in_s; /* -1: not said */
    int64_t on_s;
    char error[64]; /* letters, digits and _ only */
    char code[32];  /* AADSTS... of the description */
};

static bool on_open(void *ctx)
{
    struct answer *answer = ctx;
    answer->depth++;
    answer->member = MEMBER_OTHER;
    return true;
}

static bool on_close(void *ctx)
{
    ((struct answer *)ctx)->depth--;
    return true;
}

static bool on_key(void *ctx, struct nsf_slice key)
{
    static const struct {
        const char *name;
        enum member member;
    } members[] = {
        {"access_token", MEMBER_TOKEN},    {"accessToken", MEMBER_TOKEN}, {"expires_in", MEMBER_EXPIRES_IN},
        {"expires_on", MEMBER_EXPIRES_ON}, {"error", MEMBER_ERROR},       {"error_description", MEMBER_DESCRIPTION},
    };
    struct answer *answer = ctx;
    answer->member = MEMBER_OTHER;
    for (size_t i = 0; i < NSF_ARRAY_LEN(members) && answer->depth == 1; i++)
        if (nsf_slice_eq(key, nsf_slice_str(members[i].name)))
            answer->member = members[i].member;
    return true;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void copy_word(char *out, size_t size, struct nsf_slice text)
{
    size_t n = 0;
    while (n + 1 < size && n < text.len && is_word(text.ptr[n])) {
        out[n] = text.ptr[n];
        n++;
    }
    out[n] = '\0';
}

static void find_code(struct answer *answer, struct nsf_slice text)
{
    const struct nsf_slice head = NSF_SLICE_LIT("AADSTS");
    for (size_t i = 0; i + head.len < text.len; i++)
        if (nsf_slice_has_prefix(nsf_slice_from(text, i), head)) {
            copy_word(answer->code, sizeof(answer->code), nsf_slice_from(text, i));
            return;
        }
}

static void take_seconds(struct answer *answer, struct nsf_slice text)
{
    uint64_t seconds;
    text.len = nsf_slice_find(text, '.');
    if (!nsf_slice_to_u64(text, UINT32_MAX, &seconds))
        return;
    if (answer->member == MEMBER_EXPIRES_IN)
        answer->in_s = (int64_t)seconds;
    else if (answer->member == MEMBER_EXPIRES_ON)
        answer->on_s = (int64_t)seconds;
}

/* A token goes into a header line: it is one word of visible characters that fits there, or none. */
static bool is_token_text(struct nsf_slice text)
{
    if (text.len > TOKEN_MAX_BYTES)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    return text.len > 0;
}

static bool on_string(void *ctx, struct nsf_slice text)
{
    struct answer *answer = ctx;
    if (answer->member == MEMBER_TOKEN && is_token_text(text)) {
        nsf_token_release(answer->token);
        answer->token->text = nsf_strdup_n(text.ptr, text.len);
    } else if (answer->member == MEMBER_ERROR) {
        copy_word(answer->error, sizeof(answer->error), text);
    } else if (answer->member == MEMBER_DESCRIPTION) {
        find_code(answer, text);
    } else {
        take_seconds(answer, text);
    }
    answer->member = MEMBER_OTHER;
    return true;
}

static bool on_number(void *ctx, struct nsf_slice text)
{
    struct answer *answer = ctx;
    take_seconds(answer, text);
    answer->member = MEMBER_OTHER;
    return true;
}

nsf_result nsf_token_parse(struct nsf_slice json, int64_t now_ms, struct nsf_token *token, struct nsf_err *err)
{
    static const struct nsf_json_events events = {
        .number = on_number,
        .string = on_string,
        .start_map = on_open,
        .map_key = on_key,
        .end_map = on_close,
        .start_array = on_open,
        .end_array = on_close,
    };
    *token = (struct nsf_token){0};
    struct answer answer = {.token = token, .in_s = -1, .on_s = -1};
    struct nsf_json_in *in = nsf_json_in_new(&events, &answer, NSF_JSON_IN_ONE_VALUE);
    struct nsf_err own = NSF_ERR_INIT;
    const bool is_json =
        nsf_json_in_write(in, json, &own) == NSF_JSON_IN_MORE && nsf_json_in_finish(in, &own) == NSF_JSON_IN_MORE;
    nsf_json_in_free(in);
    if (is_json && token->text != NULL && answer.error[0] == '\0') {
        token->ends_ms = answer.on_s >= 0   ? answer.on_s * NSF_MS_PER_SECOND
                         : answer.in_s >= 0 ? now_ms + answer.in_s * NSF_MS_PER_SECOND
                                            : now_ms + UNKNOWN_LIFE_MS;
        return nsf_ok();
    }
    nsf_token_release(token);
    if (answer.error[0] != '\0')
        return NSF_FAIL(err, NSF_E_AUTH, NSF_OFFSET_NONE, "no token: %s %s", answer.error, answer.code);
    return NSF_FAIL(err, NSF_E_AUTH, NSF_OFFSET_NONE, "the answer to the request for a token is not understood");
}

/* ---- one request for a token ---- */

struct ask {
    const char *url;
    const char *headers[2];
    size_t n_headers;
    const char *post_body;
    bool allows_http;
    bool allows_proxy;
    bool is_probe; /* no connection means: no such endpoint */
};

struct asker {
    struct nsf_http *http;
    const struct nsf_retry *retry;
    const atomic_bool *is_stopped;
    struct nsf_buf body;
    struct nsf_http_response response;
};

static bool take_body(void *ctx, const struct nsf_http_response *response, const char *ptr, size_t len)
{
    (void)response;
    return nsf_buf_append(&((struct asker *)ctx)->body, ptr, len);
}

/* A metadata service that just came up answers 404 or 410 for a while. */
static bool is_worth_another_try(enum nsf_http_outcome outcome, long status, bool is_probe)
{
    if (outcome != NSF_HTTP_DONE)
        return outcome == NSF_HTTP_BROKEN || outcome == NSF_HTTP_STALLED;
    return nsf_retry_is_status(status) || (is_probe && (status == 404 || status == 410));
}

static int64_t wall_now_ms(void)
{
    return (int64_t)time(NULL) * NSF_MS_PER_SECOND;
}

static enum nsf_token_answer read_answer(struct asker *asker, const struct ask *ask, int64_t asked_ms,
                                         struct nsf_token *token, struct nsf_err *err)
{
    const long status = asker->response.status;
    if (nsf_failed(nsf_token_parse(nsf_buf_slice(&asker->body), asked_ms, token, status == 200 ? err : NULL)) ||
        status != 200) {
        struct nsf_err said = NSF_ERR_INIT;
        if (status != 200 && nsf_failed(nsf_token_parse(nsf_buf_slice(&asker->body), asked_ms, token, &said)) &&
            strncmp(said.text, "no token: ", 10) == 0)
            NSF_FAIL(err, NSF_E_AUTH, NSF_OFFSET_NONE, "%s(HTTP status %ld)", said.text, status);
        nsf_token_release(token);
        /* 400 from the metadata service: no identity is assigned to this machine. */
        if (ask->is_probe && (status == 400 || status == 403 || status == 404 || status == 410))
            return NSF_TOKEN_ABSENT;
        NSF_FAIL(err, NSF_E_AUTH, NSF_OFFSET_NONE, "the request for a token was answered with status %ld", status);
        return NSF_TOKEN_FAILED;
    }
    return NSF_TOKEN_GIVEN;
}

static enum nsf_token_answer ask_for_token(struct asker *asker, const struct ask *ask, struct nsf_token *token,
                                           struct nsf_err *err)
{
    const struct nsf_http_request request = {
        .url = ask->url,
        .headers = ask->headers,
        .n_headers = ask->n_headers,
        .post_body = ask->post_body,
        .allows_http = ask->allows_http,
        .allows_proxy = ask->allows_proxy,
        .connect_wait_ms = ask->is_probe ? PROBE_WAIT_MS : 0,
        .total_wait_ms = ask->is_probe ? PROBE_ANSWER_WAIT_MS : ANSWER_WAIT_MS,
        .on_body = take_body,
        .ctx = asker,
    };
    const uint64_t seed = nsf_hash_random_seed();
    for (unsigned n_failed = 0;;) {
        nsf_buf_reset(&asker->body);
        const int64_t asked_ms = wall_now_ms();
        const enum nsf_http_outcome outcome = nsf_http_perform(asker->http, &request, &asker->response);
        if (outcome == NSF_HTTP_STOPPED) {
            NSF_FAIL(err, NSF_E_INTERRUPTED, NSF_OFFSET_NONE, "interrupted");
            return NSF_TOKEN_FAILED;
        }
        const bool has_no_endpoint = ask->is_probe && outcome != NSF_HTTP_DONE && asker->response.status == 0;
        if (has_no_endpoint)
            return NSF_TOKEN_ABSENT;
        if (!is_worth_another_try(outcome, asker->response.status, ask->is_probe) ||
            ++n_failed >= asker->retry->n_tries) {
            if (outcome == NSF_HTTP_DONE)
                return read_answer(asker, ask, asked_ms, token, err);
            NSF_FAIL(err, NSF_E_HTTP, NSF_OFFSET_NONE, "no token: %s", asker->response.detail);
            return NSF_TOKEN_FAILED;
        }
        const int64_t hint_ms = nsf_retry_hint_ms(&asker->response, wall_now_ms());
        const int64_t wait_ms = nsf_retry_wait_ms(asker->retry, n_failed, hint_ms, nsf_hash_mix(n_failed, seed));
        if (!nsf_retry_sleep(wait_ms, asker->is_stopped, NULL)) {
            NSF_FAIL(err, NSF_E_INTERRUPTED, NSF_OFFSET_NONE, "interrupted");
            return NSF_TOKEN_FAILED;
        }
    }
}

/* ---- the ways ---- */

static void add_field(struct nsf_buf *body, const char *name, const char *value)
{
    if (body->len > 0)
        nsf_buf_add_char(body, '&');
    nsf_buf_add_str(body, name);
    nsf_buf_add_char(body, '=');
    nsf_address_escape(body, nsf_slice_str(value), false);
}

static bool read_small_file(const char *path, struct nsf_buf *text, struct nsf_err *err)
{
    FILE *file = fopen(path, "rbe");
    bool is_ok = file != NULL;
    char piece[4096];
    for (size_t n = 1; is_ok && n > 0;) {
        n = fread(piece, 1, sizeof(piece), file);
        is_ok = nsf_buf_append(text, piece, n);
    }
    is_ok = is_ok && ferror(file) == 0;
    if (!is_ok)
        NSF_FAIL(err, NSF_E_AUTH, NSF_OFFSET_NONE, "cannot read AZURE_FEDERATED_TOKEN_FILE \"%.200s\": %s", path,
                 file == NULL ? strerror(errno) : "not a token");
    if (file != NULL)
        fclose(file);
    return is_ok;
}

static bool add_assertion(const struct nsf_env *env, struct nsf_buf *body, struct nsf_err *err)
{
    struct nsf_buf text;
    nsf_buf_init(&text, ANSWER_MAX_BYTES / 8);
    /* Read anew each time: it is rotated under us. */
    const bool is_ok = read_small_file(nsf_env_get(env, "AZURE_FEDERATED_TOKEN_FILE"), &text, err);
    if (is_ok) {
        const struct nsf_slice trimmed = nsf_slice_trim(nsf_buf_slice(&text));
        nsf_buf_add_str(body, "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                              "&client_assertion=");
        nsf_address_escape(body, trimmed, false);
    }
    nsf_buf_release(&text);
    return is_ok;
}

/* "https://login.example/" + tenant; http only on this machine. */
static bool make_entra_url(const struct nsf_env *env, struct nsf_buf *url, bool *is_http, struct nsf_err *err)
{
    const char *authority = nsf_env_get(env, "AZURE_AUTHORITY_HOST");
    struct nsf_slice host = nsf_slice_trim(nsf_slice_str(authority == NULL ? AUTHORITY_DEFAULT : authority));
    while (host.len > 0 && host.ptr[host.len - 1] == '/')
        host.len--;
    *is_http = nsf_slice_has_prefix_nocase(host, NSF_SLICE_LIT("http://"));
    if (*is_http && !nsf_address_is_loopback_url(host)) {
        NSF_FAIL(err, NSF_E_AUTH, NSF_OFFSET_NONE, "AZURE_AUTHORITY_HOST has to be https");
        return false;
    }
    if (!*is_http && !nsf_slice_has_prefix_nocase(host, NSF_SLICE_LIT("https://")))
        nsf_buf_add_str(url, "https://");
    nsf_buf_add(url, host);
    nsf_buf_add_char(url, '/');
    nsf_address_escape(url, nsf_slice_str(nsf_env_get(env, "AZURE_TENANT_ID")), false);
    nsf_buf_add_str(url, "/oauth2/v2.0/token");
    return true;
}

static enum nsf_token_answer fetch_entra(enum nsf_token_way way, const struct nsf_env *env, struct asker *asker,
                                         struct nsf_token *token, struct nsf_err *err)
{
    struct nsf_buf url, body;
    nsf_buf_init(&url, REQUEST_MAX_BYTES);
    nsf_buf_init(&body, REQUEST_MAX_BYTES);
    bool is_http = false;
    bool is_ok = make_entra_url(env, &url, &is_http, err);
    add_field(&body, "grant_type", "client_credentials");
    add_field(&body, "client_id", nsf_env_get(env, "AZURE_CLIENT_ID"));
    add_field(&body, "scope", SCOPE);
    if (way == NSF_TOKEN_CLIENT_SECRET)
        add_field(&body, "client_secret", nsf_env_get(env, "AZURE_CLIENT_SECRET"));
    else
        is_ok = is_ok && add_assertion(env, &body, err);
    const struct ask ask = {
        .url = nsf_buf_str(&url), .post_body = nsf_buf_str(&body), .allows_http = is_http, .allows_proxy = !is_http};
    const enum nsf_token_answer answer = is_ok ? ask_for_token(asker, &ask, token, err) : NSF_TOKEN_FAILED;
    nsf_sign_wipe(body.ptr, body.len);
    nsf_buf_release(&body);
    nsf_buf_release(&url);
    return answer;
}

static enum nsf_token_answer fetch_identity(enum nsf_token_way way, const struct nsf_env *env, struct asker *asker,
                                            struct nsf_token *token, struct nsf_err *err)
{
    struct nsf_buf url, header;
    nsf_buf_init(&url, REQUEST_MAX_BYTES);
    nsf_buf_init(&header, REQUEST_MAX_BYTES);
    struct ask ask = {.n_headers = 1, .allows_http = true, .allows_proxy = false};
    if (way == NSF_TOKEN_APP_SERVICE) {
        const struct nsf_slice endpoint = nsf_slice_str(nsf_env_get(env, "IDENTITY_ENDPOINT"));
        nsf_buf_add(&url, endpoint);
        nsf_buf_add_str(&url, nsf_slice_find(endpoint, '?') < endpoint.len ? "&" : "?");
        nsf_buf_add_str(&url, "api-version=2019-08-01&resource=");
        nsf_buf_add_str(&header, "X-IDENTITY-HEADER: ");
        nsf_buf_add_str(&header, nsf_env_get(env, "IDENTITY_HEADER"));
    } else {
        const char *host = nsf_env_get(env, "AZURE_POD_IDENTITY_AUTHORITY_HOST");
        struct nsf_slice base = nsf_slice_trim(nsf_slice_str(host == NULL ? IMDS_DEFAULT : host));
        while (base.len > 0 && base.ptr[base.len - 1] == '/')
            base.len--;
        nsf_buf_add(&url, base);
        nsf_buf_add_str(&url, IMDS_PATH);
        nsf_buf_add_str(&header, "Metadata: true");
        ask.is_probe = true;
    }
    nsf_address_escape(&url, NSF_SLICE_LIT(RESOURCE), false);
    if (nsf_env_get(env, "AZURE_CLIENT_ID") != NULL)
        add_field(&url, "client_id", nsf_env_get(env, "AZURE_CLIENT_ID"));
    ask.url = nsf_buf_str(&url);
    ask.headers[0] = nsf_buf_str(&header);
    const enum nsf_token_answer answer = ask_for_token(asker, &ask, token, err);
    nsf_sign_wipe(header.ptr, header.len);
    nsf_buf_release(&header);
    nsf_buf_release(&url);
    return answer;
}

static enum nsf_token_answer fetch_az_cli(const atomic_bool *is_stopped, struct nsf_token *token, struct nsf_err *err)
{
    struct nsf_buf out;
    nsf_buf_init(&out, ANSWER_MAX_BYTES);
    const int64_t asked_ms = wall_now_ms();
    enum nsf_token_answer answer = NSF_TOKEN_ABSENT;
    if (nsf_az_cli_run(SCOPE, is_stopped, &out))
        answer =
            nsf_failed(nsf_token_parse(nsf_buf_slice(&out), asked_ms, token, err)) ? NSF_TOKEN_FAILED : NSF_TOKEN_GIVEN;
    if (out.ptr != NULL)
        nsf_sign_wipe(out.ptr, out.len);
    nsf_buf_release(&out);
    return answer;
}

enum nsf_token_answer nsf_token_fetch(enum nsf_token_way way, const struct nsf_env *env, struct nsf_http *http,
                                      const struct nsf_retry *retry, const atomic_bool *is_stopped,
                                      struct nsf_token *token, struct nsf_err *err)
{
    *token = (struct nsf_token){0};
    if (way == NSF_TOKEN_AZ_CLI)
        return fetch_az_cli(is_stopped, token, err);
    struct asker asker = {.http = http, .retry = retry, .is_stopped = is_stopped};
    nsf_buf_init(&asker.body, ANSWER_MAX_BYTES);
    nsf_http_response_init(&asker.response);
    enum nsf_token_answer answer;
    if (way == NSF_TOKEN_CLIENT_SECRET || way == NSF_TOKEN_FEDERATED)
        answer = fetch_entra(way, env, &asker, token, err);
    else
        answer = fetch_identity(way, env, &asker, token, err);
    if (asker.body.ptr != NULL)
        nsf_sign_wipe(asker.body.ptr, asker.body.len);
    nsf_buf_release(&asker.body);
    nsf_http_response_release(&asker.response);
    return answer;
}

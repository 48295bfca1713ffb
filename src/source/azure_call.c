#include "core/nsf_common.h"

#include "source/azure_call.h"

#include "core/clock.h"
#include "core/hash.h"
#include "source/sharedkey.h"
#include "source/sign.h"

#include <stdarg.h>

#define API_VERSION "2021-12-02"
#define URL_MAX_BYTES ((size_t)256 << 10)
#define HEADERS_MAX 10
#define HEADER_TEXT_MAX_BYTES ((size_t)64 << 10)
/* A wrong name does not become right by asking for a minute and a half. */
#define TRIES_WITHOUT_HOST 3
/* Answers that cannot be right seldom get better: fewer tries than for a service that says it is busy. */
#define TRIES_OF_GARBAGE 5

/* The headers of one request: texts behind each other in one buffer, NUL-ended. */
struct headers {
    struct nsf_buf text;
    size_t starts[HEADERS_MAX];
    const char *items[HEADERS_MAX];
    size_t n;
};

void nsf_azure_link_init(struct nsf_azure_link *link, struct nsf_azure_account *account,
                         const atomic_bool *is_cancelled)
{
    *link = (struct nsf_azure_link){
        .account = account,
        .http = nsf_http_new(&account->http),
        .is_cancelled = is_cancelled,
        .seed = nsf_hash_random_seed(),
    };
    nsf_http_response_init(&link->response);
    nsf_buf_init(&link->url, URL_MAX_BYTES);
}

void nsf_azure_link_release(struct nsf_azure_link *link)
{
    nsf_http_free(link->http);
    nsf_http_response_release(&link->response);
    if (link->url.ptr != NULL)
        nsf_sign_wipe(link->url.ptr, link->url.capacity);
    nsf_buf_release(&link->url);
}

void nsf_azure_say(const struct nsf_azure_account *account, const char *fmt, ...)
{
    char line[320];
    if (account->options->say == NULL)
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    account->options->say(account->options->say_ctx, line);
}

/* ---- headers ---- */

static void begin_header(struct headers *headers)
{
    if (headers->n == HEADERS_MAX)
        NSF_BUG("too many headers");
    headers->starts[headers->n++] = headers->text.len;
}

static void end_header(struct headers *headers)
{
    nsf_buf_add_char(&headers->text, '\0');
}

static void add_header(struct headers *headers, const char *name, struct nsf_slice value)
{
    begin_header(headers);
    nsf_buf_add_str(&headers->text, name);
    nsf_buf_add_str(&headers->text, ": ");
    nsf_buf_add(&headers->text, value);
    end_header(headers);
}

static void add_etag_header(struct headers *headers, const char *name, struct nsf_slice etag)
{
    if (etag.ptr == NULL)
        return;
    begin_header(headers);
    nsf_buf_add_str(&headers->text, name);
    nsf_buf_add_str(&headers->text, ": \"");
    nsf_buf_add(&headers->text, etag);
    nsf_buf_add_char(&headers->text, '"');
    end_header(headers);
}

static void finish_headers(struct headers *headers)
{
    for (size_t i = 0; i < headers->n; i++)
        headers->items[i] = headers->text.ptr + headers->starts[i];
}

/* "Sat, 21 Nov 2026 10:00:00 GMT", in English whatever the locale */
static void format_http_date(time_t now, char out[40])
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm;
    gmtime_r(&now, &tm);
    snprintf(out, 40, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday, tm.tm_mday,
             months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* A random UUID: only for finding a request again in the logs of the account. */
static void format_request_id(struct nsf_azure_link *link, char out[40])
{
    const uint64_t a = nsf_hash_mix(++link->n_calls, link->seed), b = nsf_hash_mix(link->n_calls, a);
    snprintf(out, 40, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff),
             (unsigned)(a & 0xfff), (unsigned)(0x8000 | (b >> 48 & 0x3fff)),
             (unsigned long long)(b & UINT64_C(0xffffffffffff)));
}

static void add_plain_headers(struct nsf_azure_link *link, const struct nsf_azure_call *call, struct headers *headers)
{
    const bool is_storage = link->account->address.trust != NSF_HOST_FOREIGN;
    char text[64];
    if (is_storage) {
        add_header(headers, "x-ms-version", NSF_SLICE_LIT(API_VERSION));
        format_http_date(time(NULL), text);
        add_header(headers, "x-ms-date", nsf_slice_str(text));
        format_request_id(link, text);
        add_header(headers, "x-ms-client-request-id", nsf_slice_str(text));
    }
    if (call->has_range) {
        snprintf(text, sizeof(text), "bytes=%llu-%llu", (unsigned long long)call->from, (unsigned long long)call->to);
        add_header(headers, is_storage ? "x-ms-range" : "Range", nsf_slice_str(text));
    }
    if (call->has_range && call->wants_md5 && is_storage)
        add_header(headers, "x-ms-range-get-content-md5", NSF_SLICE_LIT("true"));
    add_etag_header(headers, "If-Match", call->if_match);
    add_etag_header(headers, "If-None-Match", call->if_none_match);
}

/* ---- the request ---- */

static void make_url(struct nsf_azure_link *link, const struct nsf_azure_call *call, size_t *path_at, size_t *path_len)
{
    const struct nsf_address *address = &link->account->address;
    struct nsf_buf *url = &link->url;
    const char *secret =
        address->trust == NSF_HOST_FOREIGN ? address->sas : nsf_credential_sas(link->account->credential);
    nsf_buf_reset(url);
    nsf_buf_add_str(url, address->origin);
    *path_at = url->len;
    nsf_address_add_path(address, call->blob, url);
    *path_len = url->len - *path_at;
    const char *parts[] = {call->query == NULL ? "" : call->query, secret};
    char separator = '?';
    for (size_t i = 0; i < NSF_ARRAY_LEN(parts); i++) {
        if (parts[i][0] == '\0')
            continue;
        nsf_buf_add_char(url, separator);
        nsf_buf_add_str(url, parts[i]);
        separator = '&';
    }
}

static nsf_result authorize(struct nsf_azure_link *link, const struct nsf_azure_call *call, struct headers *headers,
                            struct nsf_slice path, uint64_t spent, uint64_t *serial, struct nsf_err *err)
{
    struct nsf_credential *credential = link->account->credential;
    nsf_result r = nsf_ok();
    switch (nsf_credential_kind(credential)) {
    case NSF_CREDENTIAL_NONE:
    case NSF_CREDENTIAL_SAS:
        break;
    case NSF_CREDENTIAL_TOKEN: {
        const size_t start = headers->text.len;
        r = nsf_credential_bearer(credential, spent, &headers->text, serial, err);
        if (!nsf_failed(r)) {
            end_header(headers);
            headers->starts[headers->n++] = start;
        }
        break;
    }
    case NSF_CREDENTIAL_KEY: {
        struct nsf_buf path_text, header;
        nsf_buf_init(&path_text, URL_MAX_BYTES);
        nsf_buf_init(&header, URL_MAX_BYTES);
        nsf_buf_add(&path_text, path);
        finish_headers(headers);
        const struct nsf_sharedkey_request request = {
            .verb = "GET",
            .account = link->account->address.account,
            .path = nsf_buf_str(&path_text),
            .query = call->query == NULL ? "" : call->query,
            .headers = headers->items,
            .n_headers = headers->n,
        };
        nsf_sharedkey_header(&request, nsf_credential_key(credential), &header);
        begin_header(headers);
        nsf_buf_add(&headers->text, nsf_buf_slice(&header));
        end_header(headers);
        nsf_buf_release(&path_text);
        nsf_buf_release(&header);
        break;
    }
    }
    return r;
}

static bool send_once(struct nsf_azure_link *link, const struct nsf_azure_call *call, uint64_t spent, uint64_t *serial,
                      enum nsf_http_outcome *outcome, struct nsf_err *err)
{
    const struct nsf_address *address = &link->account->address;
    struct headers headers = {.n = 0};
    nsf_buf_init(&headers.text, HEADER_TEXT_MAX_BYTES);
    size_t path_at, path_len;
    make_url(link, call, &path_at, &path_len);
    add_plain_headers(link, call, &headers);
    const nsf_result r =
        authorize(link, call, &headers, nsf_slice(link->url.ptr + path_at, path_len), spent, serial, err);
    if (!nsf_failed(r)) {
        finish_headers(&headers);
        const struct nsf_http_request request = {
            .url = nsf_buf_str(&link->url),
            .headers = headers.items,
            .n_headers = headers.n,
            .allows_http = !address->is_https,
            .allows_proxy = address->is_https,
            .is_stopped = link->is_cancelled,
            .on_body = call->on_body,
            .ctx = call->ctx,
        };
        *outcome = nsf_http_perform(link->http, &request, &link->response);
        const unsigned n_again = link->response.n_sent > 1 ? link->response.n_sent - 1 : 0;
        atomic_fetch_add(&link->account->n_requests, 1 + n_again);
        atomic_fetch_add(&link->account->n_retries, n_again);
    }
    if (headers.text.ptr != NULL)
        nsf_sign_wipe(headers.text.ptr, headers.text.len);
    nsf_buf_release(&headers.text);
    return !nsf_failed(r);
}

bool nsf_azure_call(struct nsf_azure_link *link, const struct nsf_azure_call *call, enum nsf_http_outcome *outcome,
                    struct nsf_err *err)
{
    const bool has_token = nsf_credential_kind(link->account->credential) == NSF_CREDENTIAL_TOKEN;
    uint64_t spent = 0;
    for (int i = 0; i < 2; i++) {
        uint64_t serial = 0;
        if (!nsf_azure_wait_for_rate(link->account->azure, link->is_cancelled)) {
            *outcome = NSF_HTTP_STOPPED;
            return true;
        }
        if (!send_once(link, call, spent, &serial, outcome, err))
            return false;
        if (*outcome == NSF_HTTP_STOPPED || link->response.status != 401 || !has_token || i > 0)
            break;
        nsf_azure_say(link->account, "%s refuses the token: asking for a fresh one", link->account->address.host);
        atomic_fetch_add(&link->account->n_retries, 1);
        spent = serial;
    }
    return true;
}

/* ---- trying again ---- */

bool nsf_azure_is_stopped(const struct nsf_azure_link *link)
{
    const atomic_bool *all = link->account->options->is_stopped;
    return (all != NULL && atomic_load(all)) || (link->is_cancelled != NULL && atomic_load(link->is_cancelled));
}

static bool is_passing(const struct nsf_azure_link *link, enum nsf_http_outcome outcome, bool is_garbage)
{
    switch (outcome) {
    case NSF_HTTP_DONE:
    case NSF_HTTP_REFUSED:
        return is_garbage || nsf_retry_is_status(link->response.status);
    case NSF_HTTP_NO_HOST:
    case NSF_HTTP_BROKEN:
    case NSF_HTTP_STALLED:
        return true;
    case NSF_HTTP_UNSAFE:
    case NSF_HTTP_STOPPED:
        return false;
    }
    return false;
}

bool nsf_azure_wait_to_retry(struct nsf_azure_link *link, unsigned *n_failed, enum nsf_http_outcome outcome,
                             bool is_garbage, const char *what)
{
    const struct nsf_retry *policy = &link->account->options->retry;
    if (!is_passing(link, outcome, is_garbage))
        return false;
    const unsigned n_tries =
        outcome == NSF_HTTP_NO_HOST && policy->n_tries > TRIES_WITHOUT_HOST ? TRIES_WITHOUT_HOST : policy->n_tries;
    link->n_garbage = (*n_failed == 0 ? 0 : link->n_garbage) + is_garbage;
    if (++*n_failed >= n_tries || link->n_garbage >= TRIES_OF_GARBAGE)
        return false;
    const int64_t now_ms = (int64_t)time(NULL) * NSF_MS_PER_SECOND;
    const int64_t hint_ms = outcome == NSF_HTTP_DONE ? nsf_retry_hint_ms(&link->response, now_ms) : NSF_RETRY_NO_HINT;
    const int64_t wait_ms = nsf_retry_wait_ms(policy, *n_failed, hint_ms, nsf_hash_mix(link->n_calls, link->seed));
    if (outcome == NSF_HTTP_DONE && !is_garbage)
        nsf_azure_say(link->account, "%s answers %ld: trying again in %lld ms", link->account->address.host,
                      link->response.status, (long long)wait_ms);
    else
        nsf_azure_say(link->account, "%s: %s: trying again in %lld ms", link->account->address.host,
                      outcome == NSF_HTTP_DONE || outcome == NSF_HTTP_REFUSED ? what : link->response.detail,
                      (long long)wait_ms);
    atomic_fetch_add(&link->account->n_retries, 1);
    return nsf_retry_sleep(wait_ms, link->account->options->is_stopped, link->is_cancelled);
}

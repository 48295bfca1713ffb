#include "core/nsf_common.h"

#include "source/http.h"

#include "core/clock.h"
#include "core/library.h"
#include "core/mem.h"

#include <curl/curl.h>

/* All headers of an answer. Storage sends about 1 KiB. */
#define HEADERS_MAX_BYTES ((size_t)64 << 10)
/* The rate below which an exchange counts as stalled. At 1 B/s a trickle of keep-alive bytes would pass. */
#define STALL_BYTES_PER_S 1024L

/* libcurl brings some thirty libraries with it, and mapping them takes longer than reading ten megabytes of logs:
 * nearly all of the start of a run that never asks storage for anything. So it is loaded when storage is asked. The
 * functions keep the types of its header; those that take any number of arguments must be called through no other. */
#define CURL_FUNCTIONS(X)                                                                                              \
    X(global_init_mem)                                                                                                 \
    X(version)                                                                                                         \
    X(getdate)                                                                                                         \
    X(easy_init)                                                                                                       \
    X(easy_cleanup)                                                                                                    \
    X(easy_reset)                                                                                                      \
    X(easy_setopt)                                                                                                     \
    X(easy_getinfo)                                                                                                    \
    X(easy_perform)                                                                                                    \
    X(easy_strerror)                                                                                                   \
    X(slist_append)                                                                                                    \
    X(slist_free_all)

static struct {
#define CURL_MEMBER(name) __typeof__(curl_##name) *(name);
    CURL_FUNCTIONS(CURL_MEMBER)
#undef CURL_MEMBER
} curl;

static const struct nsf_library_function curl_functions[] = {
#define CURL_ELEMENT(name) NSF_LIBRARY_FUNCTION(curl.name, "curl_" #name),
    CURL_FUNCTIONS(CURL_ELEMENT)
#undef CURL_ELEMENT
};

static struct nsf_library curl_library = {
    .file = "libcurl.so.4",
    .needed_for = "reading from storage",
    .functions = curl_functions,
    .n_functions = NSF_ARRAY_LEN(curl_functions),
};

struct nsf_http {
    CURL *easy;
    char *user_agent;
    char *ca_file;
    int64_t connect_wait_ms;
    int64_t stall_wait_s;
    const atomic_bool *is_stopped;
    char error[CURL_ERROR_SIZE];
};

/* One exchange, as the callbacks see it. */
struct exchange {
    struct nsf_http *http;
    const struct nsf_http_request *request;
    struct nsf_http_response *response;
    bool is_refused;
    bool is_too_long; /* the headers */
};

static char *copy_string(const char *text)
{
    return nsf_strdup_n(text, strlen(text));
}

nsf_result nsf_http_start(struct nsf_err *err)
{
    nsf_result r = nsf_library_load(&curl_library, err);
    if (nsf_failed(r))
        return r;
    /* Memory that ends is met in one place, not in every call of the library. */
    if (curl.global_init_mem(CURL_GLOBAL_DEFAULT, nsf_malloc, nsf_free, nsf_realloc, copy_string, nsf_calloc) !=
        CURLE_OK)
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "libcurl cannot be initialised");
    return r;
}

static char *copy_or_null(const char *text)
{
    return text == NULL ? NULL : copy_string(text);
}

struct nsf_http *nsf_http_new(const struct nsf_http_options *options)
{
    struct nsf_http *http = nsf_calloc(1, sizeof(*http));
    http->user_agent = copy_or_null(options->user_agent);
    http->ca_file = copy_or_null(options->ca_file);
    http->connect_wait_ms = options->connect_wait_ms;
    http->stall_wait_s = options->stall_wait_s;
    http->is_stopped = options->is_stopped;
    http->easy = curl.easy_init();
    if (http->easy == NULL)
        NSF_BUG("curl_easy_init gives no handle");
    return http;
}

void nsf_http_free(struct nsf_http *http)
{
    if (http == NULL)
        return;
    curl.easy_cleanup(http->easy);
    nsf_free(http->user_agent);
    nsf_free(http->ca_file);
    nsf_free(http);
}

void nsf_http_response_init(struct nsf_http_response *response)
{
    *response = (struct nsf_http_response){0};
    nsf_buf_init(&response->headers, HEADERS_MAX_BYTES);
}

void nsf_http_response_release(struct nsf_http_response *response)
{
    nsf_buf_release(&response->headers);
}

static bool is_asked_to_stop(const struct exchange *exchange)
{
    const atomic_bool *all = exchange->http->is_stopped, *one = exchange->request->is_stopped;
    return (all != NULL && atomic_load_explicit(all, memory_order_relaxed)) ||
           (one != NULL && atomic_load_explicit(one, memory_order_relaxed));
}

static int on_progress(void *ctx, curl_off_t dl_total, curl_off_t dl_now, curl_off_t ul_total, curl_off_t ul_now)
{
    (void)dl_total, (void)dl_now, (void)ul_total, (void)ul_now;
    return is_asked_to_stop(ctx) ? 1 : 0;
}

static size_t on_header(char *ptr, size_t size, size_t n, void *ctx)
{
    struct exchange *exchange = ctx;
    const size_t len = size * n;
    struct nsf_buf *headers = &exchange->response->headers;
    /* A new status line begins a new block: 100, or the answer of a proxy to CONNECT. */
    if (nsf_slice_has_prefix(nsf_slice(ptr, len), NSF_SLICE_LIT("HTTP/")))
        nsf_buf_reset(headers);
    if (nsf_buf_append(headers, ptr, len))
        return len;
    exchange->is_too_long = true;
    return 0;
}

static size_t on_body(char *ptr, size_t size, size_t n, void *ctx)
{
    struct exchange *exchange = ctx;
    const size_t len = size * n;
    if (exchange->response->status == 0)
        curl.easy_getinfo(exchange->http->easy, CURLINFO_RESPONSE_CODE, &exchange->response->status);
    if (!is_asked_to_stop(exchange) && exchange->request->on_body(exchange->request->ctx, exchange->response, ptr, len))
        return len;
    exchange->is_refused = true;
    return 0;
}

/* A kept connection that the server closed meanwhile is replaced by libcurl itself, and the request sent again. */
static int on_send(void *ctx, char *ip, char *local_ip, int port, int local_port)
{
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    ((struct exchange *)ctx)->response->n_sent++;
    return CURL_PREREQFUNC_OK;
}

static void set_up(struct exchange *exchange, struct curl_slist *headers)
{
    const struct nsf_http *http = exchange->http;
    const struct nsf_http_request *request = exchange->request;
    CURL *easy = http->easy;
    curl.easy_reset(easy); /* keeps the connections */
    const char *protocols = request->allows_http ? "http,https" : "https";
    curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
    curl.easy_setopt(easy, CURLOPT_URL, request->url);
    curl.easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl.easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl.easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl.easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* a proxy sees none of them */
    curl.easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl.easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
    curl.easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (http->ca_file != NULL)
        curl.easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
    if (!request->allows_proxy)
        curl.easy_setopt(easy, CURLOPT_NOPROXY, "*");
    if (request->post_body != NULL)
        curl.easy_setopt(easy, CURLOPT_POSTFIELDS, request->post_body);
    const int64_t connect_ms = request->connect_wait_ms > 0 ? request->connect_wait_ms : http->connect_wait_ms;
    curl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl.easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->total_wait_ms);
    curl.easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_PER_S);
    curl.easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)http->stall_wait_s);
    curl.easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L << 10);
    curl.easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, http->error);
    curl.easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
    curl.easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
    curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl.easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl.easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl.easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl.easy_setopt(easy, CURLOPT_XFERINFODATA, exchange);
    curl.easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

static enum nsf_http_outcome outcome_of(CURLcode code, const struct exchange *exchange)
{
    if (code == CURLE_OK)
        return NSF_HTTP_DONE;
    if (is_asked_to_stop(exchange))
        return NSF_HTTP_STOPPED;
    if (exchange->is_refused)
        return NSF_HTTP_REFUSED;
    const long connected = exchange->response->status;
    switch ((int)code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return NSF_HTTP_NO_HOST;
    case CURLE_OPERATION_TIMEDOUT:
        return connected > 0 ? NSF_HTTP_STALLED : NSF_HTTP_BROKEN;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
        return NSF_HTTP_UNSAFE;
    default:
        return NSF_HTTP_BROKEN;
    }
}

enum nsf_http_outcome nsf_http_perform(struct nsf_http *http, const struct nsf_http_request *request,
                                       struct nsf_http_response *response)
{
    response->status = 0;
    response->n_sent = 0;
    response->detail[0] = '\0';
    nsf_buf_reset(&response->headers);
    http->error[0] = '\0';
    struct curl_slist *headers = NULL;
    for (size_t i = 0; i < request->n_headers; i++)
        headers = curl.slist_append(headers, request->headers[i]);
    struct exchange exchange = {.http = http, .request = request, .response = response};
    set_up(&exchange, headers);
    const CURLcode code = curl.easy_perform(http->easy);
    curl.easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &response->status);
    const enum nsf_http_outcome outcome = outcome_of(code, &exchange);
    if (outcome != NSF_HTTP_DONE)
        snprintf(response->detail, sizeof(response->detail), "%s",
                 exchange.is_too_long     ? "headers longer than 64 KiB"
                 : http->error[0] == '\0' ? curl.easy_strerror(code)
                                          : http->error);
    curl.slist_free_all(headers);
    return outcome;
}

struct nsf_slice nsf_http_header(const struct nsf_http_response *response, const char *name)
{
    const struct nsf_slice wanted = nsf_slice_str(name);
    struct nsf_slice rest = nsf_buf_slice(&response->headers);
    while (rest.len > 0) {
        const size_t end = nsf_slice_find(rest, '\n');
        const struct nsf_slice line = nsf_slice(rest.ptr, end);
        if (line.len > wanted.len && line.ptr[wanted.len] == ':' && nsf_slice_has_prefix_nocase(line, wanted))
            return nsf_slice_trim(nsf_slice_from(line, wanted.len + 1));
        rest = end < rest.len ? nsf_slice_from(rest, end + 1) : nsf_slice("", 0);
    }
    return (struct nsf_slice){NULL, 0};
}

const char *nsf_http_library(void)
{
    return nsf_failed(nsf_library_load(&curl_library, NULL)) ? "no libcurl" : curl.version();
}

int64_t nsf_http_parse_date(struct nsf_slice text)
{
    char copy[64];
    if (text.len == 0 || text.len >= sizeof(copy) || nsf_failed(nsf_library_load(&curl_library, NULL)))
        return NSF_TS_NONE;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    const time_t seconds = curl.getdate(copy, NULL);
    return seconds == (time_t)-1 ? NSF_TS_NONE : (int64_t)seconds * NSF_MS_PER_SECOND;
}

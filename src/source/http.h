/*
 * http.h - one HTTP exchange at a time over a kept connection. The only place that sees libcurl.
 *
 * Knows nothing of storage, credentials or retries: it sends what it is told to, follows no redirect, decodes no
 * content, speaks https (and http where the request allows it) and says how the exchange ended. Proxies come from the
 * usual environment variables. A client is one thread's at a time; several clients may run in several threads once
 * nsf_http_start was called.
 */
#ifndef NSF_HTTP_H
#define NSF_HTTP_H

#include "core/buf.h"
#include "core/err.h"

#include <stdatomic.h>

struct nsf_http;

struct nsf_http_options {
    const char *user_agent;
    const char *ca_file;           /* NULL: the system's */
    int64_t connect_wait_ms;       /* for a connection to stand */
    int64_t stall_wait_s;          /* an exchange that stays below 1 KiB/s so long is broken off */
    const atomic_bool *is_stopped; /* polled; NULL: never */
};

/* Once, before the first client and before any thread; may be called again. */
nsf_result nsf_http_start(struct nsf_err *err) NSF_CHECKED;

struct nsf_http *nsf_http_new(const struct nsf_http_options *options);
void nsf_http_free(struct nsf_http *http);

struct nsf_http_response;

struct nsf_http_request {
    const char *url;            /* complete and escaped; sent as it is */
    const char *const *headers; /* "Name: value" */
    size_t n_headers;
    const char *post_body; /* NULL: GET */
    bool allows_http;      /* else only https */
    bool allows_proxy;
    int64_t connect_wait_ms;       /* 0: as the client's options say */
    int64_t total_wait_ms;         /* 0: no bound but the stall */
    const atomic_bool *is_stopped; /* beside the one of the options; NULL: never */
    /* Takes a piece of the body. False breaks the exchange off (NSF_HTTP_REFUSED). Status and headers are there. */
    bool (*on_body)(void *ctx, const struct nsf_http_response *response, const char *ptr, size_t len);
    void *ctx;
};

enum nsf_http_outcome {
    NSF_HTTP_DONE,    /* a whole answer came, whatever its status; a body shorter than announced is no whole answer */
    NSF_HTTP_NO_HOST, /* the name has no address */
    NSF_HTTP_BROKEN,  /* no connection, or it broke: trying again can help */
    NSF_HTTP_STALLED, /* too slow for too long */
    NSF_HTTP_UNSAFE,  /* the certificate does not hold, or the protocol is not allowed */
    NSF_HTTP_REFUSED, /* on_body did not want it */
    NSF_HTTP_STOPPED, /* is_stopped */
};

struct nsf_http_response {
    unsigned n_sent; /* how often the request went out: more than once when a kept connection turned out to be dead */
    long status;     /* 0: none came */
    struct nsf_buf headers; /* of the last header block, "name: value\n" lines, names as sent */
    char detail[256];       /* what went wrong, a phrase without the URL, unless DONE */
};

void nsf_http_response_init(struct nsf_http_response *response);
void nsf_http_response_release(struct nsf_http_response *response);

/* Fills *response anew. */
enum nsf_http_outcome nsf_http_perform(struct nsf_http *http, const struct nsf_http_request *request,
                                       struct nsf_http_response *response) NSF_CHECKED;

/* Trimmed value of the first header of that name, any case; absent when there is none. Lends until the response is
 * filled again. */
struct nsf_slice nsf_http_header(const struct nsf_http_response *response, const char *name);

/* "curl/7.88.1 ..." for --version and --verbose. */
const char *nsf_http_library(void);
/* Milliseconds since 1970 of an HTTP date; NSF_TS_NONE when it is none. */
int64_t nsf_http_parse_date(struct nsf_slice text);

#endif

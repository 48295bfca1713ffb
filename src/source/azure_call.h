/*
 * azure_call.h - one authorized request to storage, and what a failed one means.
 *
 * An account is one address with its credential, shared by all threads. A link is one thread's connection to it.
 */
#ifndef NSF_AZURE_CALL_H
#define NSF_AZURE_CALL_H

#include "source/azure.h"
#include "source/credential.h"

struct nsf_azure_account {
    struct nsf_azure *azure;
    const struct nsf_azure_options *options;
    struct nsf_http_options http;
    struct nsf_address address;
    struct nsf_credential *credential;
    atomic_uint_fast64_t n_requests;
    atomic_uint_fast64_t n_retries;
    atomic_uint_fast64_t n_bytes;
};

struct nsf_azure_link {
    struct nsf_azure_account *account;
    struct nsf_http *http;
    struct nsf_http_response response; /* of the last call */
    const atomic_bool *is_cancelled;   /* this link alone; or NULL */
    uint64_t seed;
    uint64_t n_calls;
    unsigned n_garbage; /* of the tries of the call at hand */
    struct nsf_buf url; /* scratch */
};

void nsf_azure_link_init(struct nsf_azure_link *link, struct nsf_azure_account *account,
                         const atomic_bool *is_cancelled);
void nsf_azure_link_release(struct nsf_azure_link *link);

struct nsf_azure_call {
    struct nsf_slice blob; /* name, unescaped; absent: the container */
    const char *query;     /* escaped, without '?'; NULL: none */
    bool has_range;
    uint64_t from; /* first and last byte of it */
    uint64_t to;
    bool wants_md5;
    struct nsf_slice if_match; /* ETag without quotes, or absent */
    struct nsf_slice if_none_match;
    bool (*on_body)(void *ctx, const struct nsf_http_response *response, const char *ptr, size_t len);
    void *ctx;
};

/* Waits for the rate of requests, authorizes, sends. A 401 is answered once with a fresh token. False: no credential
 * could be had, and *err says why. */
bool nsf_azure_call(struct nsf_azure_link *link, const struct nsf_azure_call *call, enum nsf_http_outcome *outcome,
                    struct nsf_err *err) NSF_CHECKED;

/* After a call that did not give what was wanted: true when it makes sense to try again, and the wait for that is over.
 * *n_failed counts. is_garbage: an answer came and was no good, such as a range that is not the one asked for. */
bool nsf_azure_wait_to_retry(struct nsf_azure_link *link, unsigned *n_failed, enum nsf_http_outcome outcome,
                             bool is_garbage, const char *what) NSF_CHECKED;

/* Whether the run or this link was told to end. */
bool nsf_azure_is_stopped(const struct nsf_azure_link *link);

enum nsf_azure_aim {
    NSF_AZURE_LIST,
    NSF_AZURE_GET,
};

/* One sentence that names the remedy: NSF_E_AUTH, NSF_E_HTTP, NSF_E_IO or NSF_E_INTERRUPTED. garbage: what was wrong
 * with the answer, or NULL. */
nsf_result nsf_azure_report(const struct nsf_azure_link *link, enum nsf_azure_aim aim, enum nsf_http_outcome outcome,
                            const char *garbage, struct nsf_err *err) NSF_CHECKED;

/* Tells --verbose. */
void nsf_azure_say(const struct nsf_azure_account *account, const char *fmt, ...) NSF_PRINTF(2, 3);
/* The next free place in the rate of requests; false: stopped. */
bool nsf_azure_wait_for_rate(struct nsf_azure *azure, const atomic_bool *is_cancelled) NSF_CHECKED;

#endif

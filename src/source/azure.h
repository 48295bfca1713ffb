/*
 * azure.h - a container, a prefix in it or one blob in Azure storage as a source; also one blob at any https URL.
 *
 * One `struct nsf_azure` serves all storage addresses of a run: it holds what they share, the options and the rate of
 * requests. Reads only: it sends GET to storage and nothing else.
 *
 * Each open stream has a transfer thread of its own that fetches the next range while this one is read, so that as
 * many transfers run as streams are open and none waits for the buffers of another. An open stream that was not read
 * from yet holds one range (4 MiB at most), one that is being read two.
 */
#ifndef NSF_AZURE_H
#define NSF_AZURE_H

#include "source/retry.h"
#include "source/source.h"
#include "source/token.h"

/* Ranges come with an MD5 of their own up to this size. */
#define NSF_AZURE_RANGE_BYTES ((size_t)4 << 20)

struct nsf_azure_options {
    const char *user_agent;           /* "nsgflow/1.2.3" */
    const char *endpoint;             /* --endpoint, or NULL */
    const char *ca_file;              /* --ca-file; NULL: CURL_CA_BUNDLE, SSL_CERT_FILE, else the system's */
    unsigned max_requests_per_second; /* 0: as fast as storage answers */
    struct nsf_retry retry;
    int64_t connect_wait_ms;
    int64_t stall_wait_s;          /* below 1 KiB/s for so long breaks a transfer off; it then goes on where it was */
    size_t range_bytes;            /* of one request, at most NSF_AZURE_RANGE_BYTES */
    const atomic_bool *is_stopped; /* set by a signal handler: everything ends soon with NSF_E_INTERRUPTED; or NULL */
    struct nsf_env env;
    /* --verbose: which credential is used, what is tried again and why; never a secret. Any thread. NULL: nobody
     * listens. */
    void (*say)(void *ctx, const char *line);
    void *say_ctx;
};

/* The defaults: the process's environment, 8 tries from 0.8 s, 15 s to connect, 30 s of stall. */
struct nsf_azure_options nsf_azure_options_default(void);

struct nsf_azure;

/* Before any thread is started. Texts of the options are borrowed until free. */
nsf_result nsf_azure_new(const struct nsf_azure_options *options, struct nsf_azure **azure,
                         struct nsf_err *err) NSF_CHECKED;
/* After all its sources. NULL is fine. */
void nsf_azure_free(struct nsf_azure *azure);

/* True: nsf_azure_source_new is what opens this location; false: a local path. */
bool nsf_azure_is_location(struct nsf_slice location);

/* Understands the address; asks the network nothing yet. NSF_E_USAGE says what is wrong with it. */
nsf_result nsf_azure_source_new(struct nsf_azure *azure, struct nsf_slice location, struct nsf_source **source,
                                struct nsf_err *err) NSF_CHECKED;

#endif

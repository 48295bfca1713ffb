/*
 * token.h - bearer tokens for storage, from each place that hands them out.
 *
 * One call is one attempt with its own retries; keeping and refreshing is the business of credential.h. Any thread; the
 * http client given is the caller's own.
 */
#ifndef NSF_TOKEN_H
#define NSF_TOKEN_H

#include "source/http.h"
#include "source/retry.h"

/* Where settings come from: the environment, or a table in tests. */
struct nsf_env {
    const char *(*get)(void *ctx, const char *name); /* NULL when it is not set */
    void *ctx;
};

/* Set and not empty, else NULL. */
const char *nsf_env_get(const struct nsf_env *env, const char *name);
/* The process's own environment. */
struct nsf_env nsf_env_process(void);

enum nsf_token_way {
    NSF_TOKEN_CLIENT_SECRET, /* AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET */
    NSF_TOKEN_FEDERATED,     /* ..., AZURE_FEDERATED_TOKEN_FILE */
    NSF_TOKEN_APP_SERVICE,   /* IDENTITY_ENDPOINT, IDENTITY_HEADER */
    NSF_TOKEN_IMDS,          /* the endpoint every Azure machine has; AZURE_POD_IDENTITY_AUTHORITY_HOST replaces it */
    NSF_TOKEN_AZ_CLI,        /* az account get-access-token */
};

struct nsf_token {
    char *text; /* secret; free with nsf_token_release */
    int64_t ends_ms;
};

enum nsf_token_answer {
    NSF_TOKEN_GIVEN,
    NSF_TOKEN_ABSENT, /* this way does not exist here: no such endpoint, no such program, nobody signed in */
    NSF_TOKEN_FAILED, /* *err: NSF_E_AUTH, NSF_E_HTTP or NSF_E_INTERRUPTED */
};

enum nsf_token_answer nsf_token_fetch(enum nsf_token_way way, const struct nsf_env *env, struct nsf_http *http,
                                      const struct nsf_retry *retry, const atomic_bool *is_stopped,
                                      struct nsf_token *token, struct nsf_err *err) NSF_CHECKED;
void nsf_token_release(struct nsf_token *token);

/* Reads the JSON that all of them answer with; now_ms is when it was asked for. Fails with NSF_E_AUTH; an error that
 * the server names by its code is quoted, its description is not. */
nsf_result nsf_token_parse(struct nsf_slice json, int64_t now_ms, struct nsf_token *token,
                           struct nsf_err *err) NSF_CHECKED;

#endif

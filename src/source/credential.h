/*
 * credential.h - which credential opens an account, in the order users know, and its use.
 *
 * A SAS in the address; then from the environment, each only where its account is the address's: connection string,
 * account with key or SAS; then Entra (client secret, federated token file), managed identity, the az command line;
 * else none (a public container). A foreign host gets none. Thread-safe once made: several requests may authorize at a
 * time, and tokens are asked for by one of them.
 */
#ifndef NSF_CREDENTIAL_H
#define NSF_CREDENTIAL_H

#include "source/address.h"
#include "source/token.h"

enum nsf_credential_kind {
    NSF_CREDENTIAL_NONE,
    NSF_CREDENTIAL_SAS,
    NSF_CREDENTIAL_KEY,
    NSF_CREDENTIAL_TOKEN,
};

struct nsf_credential;

struct nsf_credential_needs {
    const struct nsf_address *address; /* borrowed for the life of the credential */
    struct nsf_env env;
    struct nsf_http_options http;
    struct nsf_retry retry;
    /* Told which credential is used and why another is not, never a value; NULL: nobody listens. */
    void (*say)(void *ctx, const char *line);
    void *say_ctx;
};

/* What the environment says of accounts, for addresses that name none. Texts are made in the arena. */
nsf_result nsf_credential_defaults(const struct nsf_env *env, struct nsf_arena *arena,
                                   struct nsf_address_defaults *defaults, struct nsf_err *err) NSF_CHECKED;

/* May ask the network (managed identity) or run az. Fails with NSF_E_USAGE or NSF_E_AUTH where the user set up a
 * credential that cannot be used. */
nsf_result nsf_credential_new(const struct nsf_credential_needs *needs, struct nsf_credential **credential,
                              struct nsf_err *err) NSF_CHECKED;
void nsf_credential_free(struct nsf_credential *credential);

enum nsf_credential_kind nsf_credential_kind(const struct nsf_credential *credential);
/* "the SAS of the address", "the key in AZURE_STORAGE_KEY": for messages. */
const char *nsf_credential_label(const struct nsf_credential *credential);
/* The query of a SAS, "" for other kinds. Secret. */
const char *nsf_credential_sas(const struct nsf_credential *credential);
/* The decoded account key. Secret. */
struct nsf_slice nsf_credential_key(const struct nsf_credential *credential);

/* Appends "Authorization: Bearer ..."; asks for a new token 2 minutes before the kept one ends, and when `spent` is the
 * number that an earlier call gave for a token which was refused (0: none was). *serial is the number of this one. */
nsf_result nsf_credential_bearer(struct nsf_credential *credential, uint64_t spent, struct nsf_buf *header,
                                 uint64_t *serial, struct nsf_err *err) NSF_CHECKED;

#endif

/*
 * address.h - every way to write down a place in Azure storage, and which hosts may see a credential.
 *
 *   https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX[?SAS]    as the portal, azcopy and az write it
 *   az://CONTAINER/PREFIX, azure://CONTAINER/PREFIX                 account and endpoint from the environment
 *   az://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX
 *   abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PREFIX           also abfs://, wasbs://
 *   http://127.0.0.1:10000/ACCOUNT/CONTAINER/PREFIX                 an emulator: the account stands in the path
 *   https://any.host/one/blob.json                                  one blob, read without any credential
 *
 * Plain http is for loopback only. Pure functions, any thread; texts are made in the arena given.
 */
#ifndef NSF_ADDRESS_H
#define NSF_ADDRESS_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"

/* Where an address may send a credential. */
enum nsf_host_trust {
    NSF_HOST_STORAGE,  /* under a suffix of Azure storage */
    NSF_HOST_NAMED,    /* under the endpoint that the user named */
    NSF_HOST_LOOPBACK, /* this machine: an emulator */
    NSF_HOST_FOREIGN,  /* any other: never */
};

struct nsf_address {
    const char *origin; /* "https://host[:port]", host in lower case */
    const char *host;
    enum nsf_host_trust trust;
    bool is_https;
    bool is_path_style;    /* the account is the first segment of the path */
    const char *account;   /* "" for a foreign host */
    const char *container; /* "" for a foreign host */
    const char *path;      /* name of the blob, or prefix of names; not escaped; a foreign host: the path as given */
    const char *sas;       /* query of the address without '?', "" when there is none: secret */
    bool is_blob;          /* names one blob: there is nothing to list */
};

/* What the environment and the options add. Members may be NULL. */
struct nsf_address_defaults {
    const char *endpoint; /* --endpoint: "https://host[:port][/account]", or a domain such as "blob.core.example" */
    const char *account;  /* for addresses without one */
    const char *account_endpoint; /* of a connection string: "https://host[:port][/account]" */
};

/* Whether this is an address and no path of a file: it begins with a scheme that is read here, or with http://. */
bool nsf_address_is_url(struct nsf_slice location);

/* Whether an URL ("http://127.0.0.1:8080/...") stays on this machine. */
bool nsf_address_is_loopback_url(struct nsf_slice url);

/* NSF_E_USAGE says what is wrong with it, without its query. */
nsf_result nsf_address_parse(struct nsf_slice location, const struct nsf_address_defaults *defaults,
                             struct nsf_arena *arena, struct nsf_address *address, struct nsf_err *err) NSF_CHECKED;

/* Appends text with all but unreserved characters (RFC 3986), and '/' where keep_slash says so, as %XX. */
void nsf_address_escape(struct nsf_buf *buf, struct nsf_slice text, bool keep_slash);
/* The path part of the URL of the container, or of a blob in it when blob.ptr is not NULL; escaped, with the leading
 * slash. */
void nsf_address_add_path(const struct nsf_address *address, struct nsf_slice blob, struct nsf_buf *buf);
/* The name for people and for the store: URL without query; characters that stand for themselves in a path are kept,
 * all others escaped. */
void nsf_address_add_shown(const struct nsf_address *address, struct nsf_slice blob, struct nsf_buf *buf);

/* The first value of a key of an URL query ("a=1&b=2"), undecoded; absent when it is not there. */
struct nsf_slice nsf_address_query_get(const char *query, const char *key);

#endif

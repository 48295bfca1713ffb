/*
 * sharedkey.h - what is signed with an account key ("Authorize with Shared Key", blob service, 2015-02-21 and later).
 *
 * Pure functions, any thread.
 */
#ifndef NSF_SHAREDKEY_H
#define NSF_SHAREDKEY_H

#include "core/buf.h"

struct nsf_sharedkey_request {
    const char *verb;
    const char *account;
    const char *path;           /* as sent, escapes and all; with a path-style host it begins with the account */
    const char *query;          /* as sent, without '?' */
    const char *const *headers; /* "Name: value", as sent */
    size_t n_headers;
};

/* Appends the string to sign: the verb, eleven standard headers, the x-ms headers sorted by name, the resource and
 * its query parameters sorted and unescaped. */
void nsf_sharedkey_string(const struct nsf_sharedkey_request *request, struct nsf_buf *out);
/* Appends "Authorization: SharedKey account:signature". */
void nsf_sharedkey_header(const struct nsf_sharedkey_request *request, struct nsf_slice key, struct nsf_buf *out);

#endif

/*
 * connection.h - a connection string of a storage account, "Key=value;Key=value".
 *
 * Slices are parts of the text given; keys compare without case. Pure function, any thread.
 */
#ifndef NSF_CONNECTION_H
#define NSF_CONNECTION_H

#include "core/arena.h"
#include "core/err.h"

struct nsf_connection {
    struct nsf_slice account;       /* AccountName, else as the endpoint spells it */
    struct nsf_slice key;           /* AccountKey, base64: secret */
    struct nsf_slice sas;           /* SharedAccessSignature without '?': secret */
    struct nsf_slice blob_endpoint; /* as given, or made of AccountName and EndpointSuffix */
};

/* UseDevelopmentStorage=true stands for the emulator on its usual port with its published account. Fails with
 * NSF_E_USAGE, never naming a value. */
nsf_result nsf_connection_parse(struct nsf_slice text, struct nsf_arena *arena, struct nsf_connection *connection,
                                struct nsf_err *err) NSF_CHECKED;

#endif

#include "core/nsf_common.h"

#include "source/connection.h"

/* The account of every emulator; its key is published and protects nothing ("Use the Azurite emulator for local Azure
 * Storage development"). */
#define EMULATOR_ACCOUNT "devstoreaccount1"
#define EMULATOR_KEY "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
#define EMULATOR_ENDPOINT "http://127.0.0.1:10000/devstoreaccount1"

struct settings {
    struct nsf_slice protocol;
    struct nsf_slice suffix;
    struct nsf_slice is_development;
};

static nsf_result take_pair(struct nsf_slice pair, struct nsf_connection *connection, struct settings *settings,
                            struct nsf_err *err)
{
    const struct {
        const char *key;
        struct nsf_slice *value;
    } known[] = {
        {"AccountName", &connection->account},
        {"AccountKey", &connection->key},
        {"SharedAccessSignature", &connection->sas},
        {"BlobEndpoint", &connection->blob_endpoint},
        {"DefaultEndpointsProtocol", &settings->protocol},
        {"EndpointSuffix", &settings->suffix},
        {"UseDevelopmentStorage", &settings->is_development},
    };
    const size_t equals = nsf_slice_find(pair, '=');
    if (equals == pair.len)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE,
                        "the connection string has a part without '='; expected Key=value;Key=value");
    const struct nsf_slice key = nsf_slice_trim(nsf_slice(pair.ptr, equals));
    for (size_t i = 0; i < NSF_ARRAY_LEN(known); i++)
        if (nsf_slice_eq_nocase(key, nsf_slice_str(known[i].key)))
            *known[i].value = nsf_slice_trim(nsf_slice_from(pair, equals + 1));
    return nsf_ok();
}

/* The account in "https://host[:port]/account" or in "https://account.rest". */
static struct nsf_slice account_of(struct nsf_slice endpoint)
{
    size_t from = 0;
    while (from + 2 < endpoint.len && memcmp(endpoint.ptr + from, "://", 3) != 0)
        from++;
    if (from + 3 > endpoint.len)
        return (struct nsf_slice){NULL, 0};
    struct nsf_slice rest = nsf_slice_from(endpoint, from + 3);
    const size_t slash = nsf_slice_find(rest, '/');
    if (slash + 1 < rest.len) {
        struct nsf_slice path = nsf_slice_from(rest, slash + 1);
        path.len = nsf_slice_find(path, '/');
        return path;
    }
    return nsf_slice(rest.ptr, nsf_slice_find(rest, '.') < slash ? nsf_slice_find(rest, '.') : slash);
}

static void use_emulator(struct nsf_connection *connection)
{
    if (connection->account.len == 0)
        connection->account = NSF_SLICE_LIT(EMULATOR_ACCOUNT);
    if (connection->key.len == 0)
        connection->key = NSF_SLICE_LIT(EMULATOR_KEY);
    if (connection->blob_endpoint.len == 0)
        connection->blob_endpoint = NSF_SLICE_LIT(EMULATOR_ENDPOINT);
}

static void derive_endpoint(struct nsf_connection *connection, const struct settings *settings, struct nsf_arena *arena)
{
    const bool is_http = nsf_slice_eq_nocase(settings->protocol, NSF_SLICE_LIT("http"));
    const struct nsf_slice suffix = settings->suffix.len > 0 ? settings->suffix : NSF_SLICE_LIT("core.windows.net");
    connection->blob_endpoint =
        nsf_slice_str(nsf_arena_printf(arena, "%s://%.*s.blob.%.*s", is_http ? "http" : "https",
                                       NSF_SLICE_ARG(connection->account), NSF_SLICE_ARG(suffix)));
}

nsf_result nsf_connection_parse(struct nsf_slice text, struct nsf_arena *arena, struct nsf_connection *connection,
                                struct nsf_err *err)
{
    *connection = (struct nsf_connection){0};
    struct settings settings = {0};
    struct nsf_slice rest = nsf_slice_trim(text);
    while (rest.len > 0) {
        const size_t end = nsf_slice_find(rest, ';');
        const struct nsf_slice pair = nsf_slice_trim(nsf_slice(rest.ptr, end));
        rest = end < rest.len ? nsf_slice_from(rest, end + 1) : nsf_slice("", 0);
        if (pair.len == 0)
            continue;
        nsf_result r = take_pair(pair, connection, &settings, err);
        if (nsf_failed(r))
            return r;
    }
    if (nsf_slice_eq_nocase(settings.is_development, NSF_SLICE_LIT("true")))
        use_emulator(connection);
    if (connection->account.len == 0 && connection->blob_endpoint.len > 0)
        connection->account = account_of(connection->blob_endpoint);
    if (connection->account.len == 0)
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE,
                        "the connection string names no account (AccountName or BlobEndpoint)");
    if (connection->blob_endpoint.len == 0)
        derive_endpoint(connection, &settings, arena);
    if (connection->sas.len > 0 && connection->sas.ptr[0] == '?')
        connection->sas = nsf_slice_from(connection->sas, 1);
    return nsf_ok();
}

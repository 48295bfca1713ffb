#include "core/nsf_common.h"

#include "source/azure_call.h"

#include "core/clock.h"

/* Storage refuses signatures of more than 15 minutes ago or ahead. */
#define CLOCK_OFF_MAX_MS (15 * 60 * NSF_MS_PER_SECOND)

/* What to do about an error that storage names ("Common REST API error codes", "Blob service error codes"). */
static const struct {
    const char *code;
    const char *remedy;
} remedies[] = {
    {"AuthorizationPermissionMismatch",
     "the credential lacks the right: a SAS needs read and list, an identity the role Storage Blob Data Reader"},
    {"AuthorizationResourceTypeMismatch", "the SAS is for another kind of thing: it needs srt=co, or sr=c"},
    {"AuthorizationProtocolMismatch", "the SAS is for https only"},
    {"AuthorizationServiceMismatch", "the SAS is for another service: it needs ss=b"},
    {"AuthorizationSourceIPMismatch", "the SAS is for another address (its sip=)"},
    {"AuthorizationFailure", "a firewall of the account may refuse this network: look at its networking settings, or "
                             "the SAS does not allow it"},
    {"AuthenticationFailed", "the key or signature is wrong, the SAS has ended, or the clock of this machine is off"},
    {"InvalidAuthenticationInfo", "the token is not accepted by this account: it may be for another tenant"},
    {"NoAuthenticationInformation", "the account wants a credential: give a SAS, a key or sign in with az login"},
    {"KeyBasedAuthenticationNotPermitted",
     "the account does not accept keys: use a user delegation SAS or an identity"},
    {"PublicAccessNotPermitted",
     "the account allows no anonymous access: give a SAS, set AZURE_STORAGE_KEY or sign in with az login"},
    {"ContainerNotFound", "there is no such container in this account"},
    {"BlobNotFound", "there is no such blob"},
    {"AccountIsDisabled", "the account is disabled"},
    {"BlobArchived", "the blob is in the archive tier: it has to be rehydrated first"},
    {"InsufficientAccountPermissions", "the account is disabled, or the credential lacks the right"},
};

static const char *remedy_of(struct nsf_slice code)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(remedies); i++)
        if (nsf_slice_eq(code, nsf_slice_str(remedies[i].code)))
            return remedies[i].remedy;
    return NULL;
}

/* Letters and digits only: it goes into a sentence. */
static struct nsf_slice error_code(const struct nsf_http_response *response)
{
    const struct nsf_slice code = nsf_http_header(response, "x-ms-error-code");
    for (size_t i = 0; i < code.len; i++) {
        const char c = nsf_ascii_lower(code.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return nsf_slice("", 0);
    }
    return code.len > 80 ? nsf_slice("", 0) : code;
}

static bool is_clock_off(const struct nsf_http_response *response, int64_t *off_minutes)
{
    const int64_t server_ms = nsf_http_parse_date(nsf_http_header(response, "Date"));
    if (server_ms == NSF_TS_NONE)
        return false;
    const int64_t off_ms = (int64_t)time(NULL) * NSF_MS_PER_SECOND - server_ms;
    *off_minutes = off_ms / (60 * NSF_MS_PER_SECOND);
    return off_ms > CLOCK_OFF_MAX_MS || off_ms < -CLOCK_OFF_MAX_MS;
}

static bool sas_lacks(const struct nsf_azure_link *link, char permission)
{
    if (nsf_credential_kind(link->account->credential) != NSF_CREDENTIAL_SAS)
        return false;
    const struct nsf_slice permissions = nsf_address_query_get(nsf_credential_sas(link->account->credential), "sp");
    return permissions.len > 0 && nsf_slice_find(permissions, permission) == permissions.len;
}

/* "2026-11-21T10%3A00%3A00Z" */
static bool has_sas_ended(const struct nsf_azure_link *link)
{
    if (nsf_credential_kind(link->account->credential) != NSF_CREDENTIAL_SAS)
        return false;
    const struct nsf_slice end = nsf_address_query_get(nsf_credential_sas(link->account->credential), "se");
    char text[64];
    size_t n = 0;
    for (size_t i = 0; i < end.len && n + 1 < sizeof(text); i++) {
        const bool is_colon = nsf_slice_has_prefix_nocase(nsf_slice_from(end, i), NSF_SLICE_LIT("%3a"));
        text[n++] = is_colon ? ':' : end.ptr[i];
        i += is_colon ? 2 : 0;
    }
    int64_t end_ms;
    return nsf_time_parse(nsf_slice(text, n), &end_ms) && end_ms < (int64_t)time(NULL) * NSF_MS_PER_SECOND;
}

/* The sentence behind "status N": what a person can do. */
static const char *advice(const struct nsf_azure_link *link, enum nsf_azure_aim aim, struct nsf_slice code)
{
    const long status = link->response.status;
    const bool is_anonymous = nsf_credential_kind(link->account->credential) == NSF_CREDENTIAL_NONE;
    const bool is_refusal = status == 401 || status == 403 || status == 409 || (status == 404 && is_anonymous);
    if (link->account->address.trust == NSF_HOST_FOREIGN)
        return status == 404 ? "there is nothing at this address" : "no credential is sent to such a host";
    if (status == 403 && has_sas_ended(link))
        return "the SAS has ended (its se=): make a new one";
    if (status == 403 && aim == NSF_AZURE_LIST && sas_lacks(link, 'l'))
        return "this SAS cannot list (there is no l in its sp=): make one with read and list, or name one blob";
    if (status == 403 && aim == NSF_AZURE_GET && sas_lacks(link, 'r'))
        return "this SAS cannot read (there is no r in its sp=)";
    /* A private account hides from strangers: it answers that there is nothing. */
    if (is_anonymous && is_refusal && !nsf_slice_eq(code, NSF_SLICE_LIT("BlobNotFound")))
        return "no credential was found, and the container is not public: give a SAS in the address, set "
               "AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY, or sign in with az login";
    const char *remedy = remedy_of(code);
    if (remedy != NULL)
        return remedy;
    if (status == 404)
        return aim == NSF_AZURE_LIST ? "there is no such container" : "there is no such blob";
    if (status >= 300 && status < 400)
        return "it points elsewhere, and no redirect is followed";
    if (status == 401 || status == 403)
        return "the credential is refused";
    if (nsf_retry_is_status(status))
        return "it went on after all tries";
    return "that is not expected";
}

static nsf_result report_status(const struct nsf_azure_link *link, enum nsf_azure_aim aim, struct nsf_err *err)
{
    const struct nsf_http_response *response = &link->response;
    const struct nsf_slice code = error_code(response);
    const long status = response->status;
    const bool is_auth = status == 401 || status == 403 || status == 407;
    const enum nsf_code kind = is_auth ? NSF_E_AUTH : NSF_E_HTTP;
    int64_t off_minutes;
    if (is_auth && is_clock_off(response, &off_minutes))
        return NSF_FAIL(err, kind, NSF_OFFSET_NONE,
                        "storage answers %ld %.*s: the clock of this machine is %lld minutes %s, set it right", status,
                        NSF_SLICE_ARG(code), (long long)(off_minutes < 0 ? -off_minutes : off_minutes),
                        off_minutes < 0 ? "behind" : "ahead");
    return NSF_FAIL(err, kind, NSF_OFFSET_NONE, "%s answers %ld%s%.*s: %s (with %s)",
                    link->account->address.trust == NSF_HOST_FOREIGN ? "the server" : "storage", status,
                    code.len > 0 ? " " : "", NSF_SLICE_ARG(code), advice(link, aim, code),
                    nsf_credential_label(link->account->credential));
}

nsf_result nsf_azure_report(const struct nsf_azure_link *link, enum nsf_azure_aim aim, enum nsf_http_outcome outcome,
                            const char *garbage, struct nsf_err *err)
{
    const char *host = link->account->address.host;
    switch (outcome) {
    case NSF_HTTP_STOPPED:
        return NSF_FAIL(err, NSF_E_INTERRUPTED, NSF_OFFSET_NONE, "interrupted");
    case NSF_HTTP_NO_HOST:
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE,
                        "the host %s is not known: is the account spelled right, and does this network see it?", host);
    case NSF_HTTP_UNSAFE:
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE,
                        "no safe connection to %s: %s (a proxy's own certificate can be named with --ca-file)", host,
                        link->response.detail);
    case NSF_HTTP_BROKEN:
    case NSF_HTTP_STALLED:
        return NSF_FAIL(err, NSF_E_IO, NSF_OFFSET_NONE, "no answer from %s after all tries: %s", host,
                        link->response.detail);
    case NSF_HTTP_DONE:
    case NSF_HTTP_REFUSED:
        break;
    }
    if (garbage != NULL)
        return NSF_FAIL(err, NSF_E_HTTP, NSF_OFFSET_NONE, "%s keeps answering what cannot be right: %s", host, garbage);
    return report_status(link, aim, err);
}

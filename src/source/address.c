#include "core/nsf_common.h"

#include "source/address.h"

#include "core/ipaddr.h"
#include "core/limits.h"

/* Storage of all clouds: accounts are one label before these. */
static const char *const storage_suffixes[] = {
    ".blob.core.windows.net",      ".dfs.core.windows.net",       ".blob.core.usgovcloudapi.net",
    ".dfs.core.usgovcloudapi.net", ".blob.core.chinacloudapi.cn", ".dfs.core.chinacloudapi.cn",
};

#define DEFAULT_SUFFIX ".blob.core.windows.net"

enum scheme {
    SCHEME_HTTPS,
    SCHEME_HTTP,
    SCHEME_AZ,   /* host or container first */
    SCHEME_ABFS, /* container@host */
};

static const struct {
    const char *text;
    enum scheme scheme;
} schemes[] = {
    {"https://", SCHEME_HTTPS}, {"http://", SCHEME_HTTP}, {"az://", SCHEME_AZ},      {"azure://", SCHEME_AZ},
    {"abfss://", SCHEME_ABFS},  {"abfs://", SCHEME_ABFS}, {"wasbs://", SCHEME_ABFS}, {"wasb://", SCHEME_ABFS},
};

/* An address taken apart, before it is understood. */
struct parts {
    enum scheme scheme;
    struct nsf_slice authority; /* host[:port] or container */
    struct nsf_slice container; /* of container@host */
    struct nsf_slice path;      /* behind the slash, escaped */
    struct nsf_slice query;
};

static bool split_scheme(struct nsf_slice location, enum scheme *scheme, struct nsf_slice *rest)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(schemes); i++) {
        const struct nsf_slice text = nsf_slice_str(schemes[i].text);
        if (!nsf_slice_has_prefix_nocase(location, text))
            continue;
        *scheme = schemes[i].scheme;
        *rest = nsf_slice_from(location, text.len);
        return true;
    }
    return false;
}

bool nsf_address_is_url(struct nsf_slice location)
{
    enum scheme scheme;
    struct nsf_slice rest;
    return split_scheme(location, &scheme, &rest);
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

static void add_escaped(struct nsf_buf *buf, char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char byte = (unsigned char)c;
    const char text[3] = {'%', digits[byte >> 4], digits[byte & 15]};
    nsf_buf_add(buf, nsf_slice(text, sizeof(text)));
}

/* A segment "." or ".." would be folded away by whoever reads the URL next: its dots are escaped. */
static bool is_dot_segment(struct nsf_slice text, size_t at)
{
    size_t from = at, end = at;
    while (from > 0 && text.ptr[from - 1] != '/')
        from--;
    while (end < text.len && text.ptr[end] != '/')
        end++;
    const size_t len = end - from;
    return (len == 1 || len == 2) && text.ptr[from] == '.' && text.ptr[end - 1] == '.';
}

static void escape(struct nsf_buf *buf, struct nsf_slice text, const char *kept)
{
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        const bool is_plain = is_unreserved(c) || (c != '\0' && strchr(kept, c) != NULL);
        if (is_plain && !(c == '.' && kept[0] == '/' && is_dot_segment(text, i)))
            nsf_buf_add_char(buf, c);
        else
            add_escaped(buf, c);
    }
}

void nsf_address_escape(struct nsf_buf *buf, struct nsf_slice text, bool keep_slash)
{
    escape(buf, text, keep_slash ? "/" : "");
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = nsf_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL: not well escaped, or a NUL byte in it. */
static const char *unescape(struct nsf_arena *arena, struct nsf_slice text)
{
    char *out = nsf_arena_alloc(arena, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            if (text.len - i < 3 || hex_of(text.ptr[i + 1]) < 0 || hex_of(text.ptr[i + 2]) < 0)
                return NULL;
            c = (char)(hex_of(text.ptr[i + 1]) * 16 + hex_of(text.ptr[i + 2]));
            i += 2;
        }
        if (c == '\0')
            return NULL;
        out[n++] = c;
    }
    out[n] = '\0';
    return out;
}

static const char *lower_copy(struct nsf_arena *arena, struct nsf_slice text)
{
    char *copy = nsf_arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = nsf_ascii_lower(text.ptr[i]);
    copy[text.len] = '\0';
    return copy;
}

static nsf_result bad(struct nsf_err *err, const struct parts *parts, const char *why)
{
    return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "bad storage address \"%.*s\": %s",
                    (int)(parts->authority.len > 100 ? 100 : parts->authority.len), parts->authority.ptr, why);
}

static nsf_result split(struct nsf_slice location, struct parts *parts, struct nsf_err *err)
{
    struct nsf_slice rest;
    if (!split_scheme(location, &parts->scheme, &rest))
        return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE, "not a storage address");
    const size_t question = nsf_slice_find(rest, '?');
    parts->query = question < rest.len ? nsf_slice_from(rest, question + 1) : nsf_slice("", 0);
    rest.len = question;
    const size_t slash = nsf_slice_find(rest, '/');
    parts->authority = nsf_slice(rest.ptr, slash);
    parts->path = slash < rest.len ? nsf_slice_from(rest, slash + 1) : nsf_slice("", 0);
    if (location.len > NSF_PATH_MAX_BYTES)
        return bad(err, parts, "longer than any address is");
    const size_t at = nsf_slice_find(parts->authority, '@');
    if (parts->scheme == SCHEME_ABFS) {
        if (at == parts->authority.len)
            return bad(err, parts, "expected CONTAINER@ACCOUNT.dfs.core.windows.net");
        parts->container = nsf_slice(parts->authority.ptr, at);
        parts->authority = nsf_slice_from(parts->authority, at + 1);
    } else if (at < parts->authority.len) {
        parts->authority = nsf_slice_from(parts->authority, at + 1);
        return bad(err, parts, "a user name before the host is not supported");
    }
    return nsf_ok();
}

/* Splits "host:port" and "[::1]:port"; the host keeps its brackets. */
static bool split_port(struct nsf_slice authority, struct nsf_slice *host, struct nsf_slice *port)
{
    size_t end = nsf_slice_find(authority, ':');
    if (authority.len > 0 && authority.ptr[0] == '[')
        end = nsf_slice_find(authority, ']') + 1;
    if (end > authority.len)
        return false;
    *host = nsf_slice(authority.ptr, end);
    *port = nsf_slice("", 0);
    if (end == authority.len)
        return host->len > 0;
    uint64_t number;
    *port = nsf_slice_from(authority, end + 1);
    return authority.ptr[end] == ':' && host->len > 0 && nsf_slice_to_u64(*port, 65535, &number) && number > 0;
}

static bool is_host_name(struct nsf_slice host)
{
    struct nsf_ip ip;
    if (host.len > 2 && host.ptr[0] == '[')
        return host.ptr[host.len - 1] == ']' && nsf_ip_parse(nsf_slice(host.ptr + 1, host.len - 2), &ip);
    for (size_t i = 0; i < host.len; i++)
        if (!is_unreserved(host.ptr[i]) || host.ptr[i] == '~')
            return false;
    return host.len > 0 && host.len < 254 && host.ptr[0] != '.' && host.ptr[0] != '-';
}

static bool is_loopback(struct nsf_slice host)
{
    struct nsf_ip ip;
    struct nsf_slice bare = host;
    if (host.len > 2 && host.ptr[0] == '[')
        bare = nsf_slice(host.ptr + 1, host.len - 2);
    if (nsf_ip_parse(bare, &ip))
        return nsf_ip_is_v4(ip) ? nsf_ip_to_v4(ip) >> 24 == 127 : ip.hi == 0 && ip.lo == 1;
    return nsf_slice_eq_nocase(host, NSF_SLICE_LIT("localhost")) ||
           nsf_slice_has_suffix_nocase(host, NSF_SLICE_LIT(".localhost"));
}

bool nsf_address_is_loopback_url(struct nsf_slice url)
{
    enum scheme scheme;
    struct nsf_slice rest, host, port;
    if (!split_scheme(url, &scheme, &rest))
        return false;
    rest.len = nsf_slice_find(rest, '/');
    return split_port(rest, &host, &port) && is_loopback(host);
}

/* "account" + suffix, the account one label. */
static bool is_label_before(struct nsf_slice host, struct nsf_slice suffix)
{
    return nsf_slice_has_suffix_nocase(host, suffix) && host.len > suffix.len &&
           nsf_slice_find(host, '.') == host.len - suffix.len;
}

/* account.z##.blob.storage.azure.net: accounts with DNS zone endpoints. */
static bool is_zone_host(struct nsf_slice host)
{
    const size_t dot = nsf_slice_find(host, '.');
    if (dot == 0 || dot == host.len)
        return false;
    const struct nsf_slice zone = nsf_slice_from(host, dot + 1);
    return zone.len > 3 && zone.ptr[0] == 'z' && zone.ptr[1] >= '0' && zone.ptr[1] <= '9' && zone.ptr[2] >= '0' &&
           zone.ptr[2] <= '9' &&
           (nsf_slice_eq(nsf_slice_from(zone, 3), NSF_SLICE_LIT(".blob.storage.azure.net")) ||
            nsf_slice_eq(nsf_slice_from(zone, 3), NSF_SLICE_LIT(".dfs.storage.azure.net")));
}

static bool is_storage_host(struct nsf_slice host)
{
    for (size_t i = 0; i < NSF_ARRAY_LEN(storage_suffixes); i++)
        if (is_label_before(host, nsf_slice_str(storage_suffixes[i])))
            return true;
    return is_zone_host(host);
}

/* The endpoint for blobs of a host that speaks the data lake protocol. */
static struct nsf_slice blob_host_of(struct nsf_arena *arena, struct nsf_slice host)
{
    const size_t dot = nsf_slice_find(host, '.');
    const struct nsf_slice tail = nsf_slice_from(host, dot);
    const struct nsf_slice dfs = NSF_SLICE_LIT(".dfs.");
    if (nsf_slice_has_prefix(tail, dfs))
        return nsf_slice_str(nsf_arena_printf(arena, "%.*s.blob.%.*s", NSF_SLICE_ARG(nsf_slice(host.ptr, dot)),
                                              NSF_SLICE_ARG(nsf_slice_from(tail, dfs.len))));
    for (size_t i = dot + 1; i + dfs.len < host.len && is_zone_host(host); i++)
        if (nsf_slice_has_prefix(nsf_slice_from(host, i), dfs))
            return nsf_slice_str(nsf_arena_printf(arena, "%.*s.blob.%.*s", NSF_SLICE_ARG(nsf_slice(host.ptr, i)),
                                                  NSF_SLICE_ARG(nsf_slice_from(host, i + dfs.len))));
    return host;
}

/* Takes the first segment off *path. */
static struct nsf_slice take_segment(struct nsf_slice *path)
{
    const size_t slash = nsf_slice_find(*path, '/');
    const struct nsf_slice segment = nsf_slice(path->ptr, slash);
    *path = slash < path->len ? nsf_slice_from(*path, slash + 1) : nsf_slice_from(*path, path->len);
    return segment;
}

/* What an endpoint URL ("https://host[:port][/account]") or domain says. */
struct endpoint {
    struct nsf_slice authority;
    struct nsf_slice account; /* of its path */
    bool is_https;
    bool is_domain; /* only the part behind the account */
};

static bool read_endpoint(const char *text, struct endpoint *endpoint)
{
    enum scheme scheme;
    struct nsf_slice rest = nsf_slice_trim(nsf_slice_str(text));
    *endpoint = (struct endpoint){.is_https = true};
    if (!split_scheme(rest, &scheme, &rest))
        endpoint->is_domain = true;
    else if (scheme != SCHEME_HTTPS && scheme != SCHEME_HTTP)
        return false;
    else
        endpoint->is_https = scheme == SCHEME_HTTPS;
    endpoint->authority = take_segment(&rest);
    endpoint->account = take_segment(&rest);
    if (endpoint->is_domain && endpoint->authority.len > 0 && endpoint->authority.ptr[0] == '.')
        endpoint->authority = nsf_slice_from(endpoint->authority, 1);
    struct nsf_slice host, port;
    return split_port(endpoint->authority, &host, &port) && is_host_name(host) && rest.len == 0;
}

/* Fills host, origin and trust; says whether the account is in the path. */
static nsf_result place_host(struct nsf_address *address, const struct parts *parts, const struct endpoint *named,
                             struct nsf_arena *arena, struct nsf_err *err)
{
    struct nsf_slice host, port;
    if (!split_port(parts->authority, &host, &port))
        return bad(err, parts, "no host, or a port that is none");
    host = nsf_slice_str(lower_copy(arena, host));
    if (!is_host_name(host))
        return bad(err, parts, "not the name of a host");
    const struct nsf_slice authority = nsf_slice_str(lower_copy(arena, parts->authority));
    address->is_https = parts->scheme != SCHEME_HTTP;
    if (is_storage_host(host)) {
        address->trust = NSF_HOST_STORAGE;
        host = blob_host_of(arena, host);
    } else if (is_loopback(host)) {
        address->trust = NSF_HOST_LOOPBACK;
        address->is_path_style = !is_label_before(host, NSF_SLICE_LIT(".blob.localhost"));
    } else if (named != NULL && !named->is_domain && nsf_slice_eq_nocase(authority, named->authority)) {
        address->trust = NSF_HOST_NAMED;
        address->is_path_style = named->account.len > 0;
    } else if (named != NULL && named->is_domain && host.len > named->authority.len + 1 &&
               host.ptr[host.len - named->authority.len - 1] == '.' &&
               nsf_slice_has_suffix_nocase(host, named->authority)) {
        address->trust = NSF_HOST_NAMED;
    } else {
        address->trust = NSF_HOST_FOREIGN;
    }
    if (!address->is_https && address->trust != NSF_HOST_LOOPBACK)
        return bad(err, parts, "plain http is only for this machine itself; write https");
    address->host = nsf_slice_str(lower_copy(arena, host)).ptr;
    address->origin = nsf_arena_printf(arena, "%s://%s%s%.*s", address->is_https ? "https" : "http", address->host,
                                       port.len > 0 ? ":" : "", NSF_SLICE_ARG(port));
    return nsf_ok();
}

/* Rewrites az://CONTAINER/... : the host comes from the endpoint, the account from where it is named. */
static nsf_result place_container_only(struct parts *parts, const struct nsf_address_defaults *defaults,
                                       const struct endpoint *named, struct nsf_arena *arena, struct nsf_err *err)
{
    struct endpoint own;
    const struct endpoint *endpoint = named;
    if (endpoint == NULL && defaults->account_endpoint != NULL) {
        if (!read_endpoint(defaults->account_endpoint, &own))
            return bad(err, parts, "the endpoint of the connection string cannot be read");
        endpoint = &own;
    }
    parts->container = parts->authority;
    if (endpoint != NULL && !endpoint->is_domain) {
        parts->authority = endpoint->authority;
        parts->scheme = endpoint->is_https ? SCHEME_HTTPS : SCHEME_HTTP;
        return nsf_ok();
    }
    if (defaults->account == NULL || defaults->account[0] == '\0')
        return bad(err, parts,
                   "it names a container and no account: set AZURE_STORAGE_ACCOUNT, or write "
                   "https://ACCOUNT.blob.core.windows.net/CONTAINER");
    const char *dot = endpoint == NULL ? DEFAULT_SUFFIX : ".";
    const struct nsf_slice domain = endpoint == NULL ? nsf_slice("", 0) : endpoint->authority;
    parts->authority =
        nsf_slice_str(nsf_arena_printf(arena, "%s%s%.*s", defaults->account, dot, NSF_SLICE_ARG(domain)));
    return nsf_ok();
}

static struct nsf_slice account_of_host(const char *host)
{
    struct nsf_slice label = nsf_slice_str(host);
    label.len = nsf_slice_find(label, '.');
    /* The read-only copy in the other region answers for the same account. */
    if (nsf_slice_has_suffix_nocase(label, NSF_SLICE_LIT("-secondary")))
        label.len -= sizeof("-secondary") - 1;
    return label;
}

static bool names_one_blob(const struct nsf_address *address)
{
    const struct nsf_slice path = nsf_slice_str(address->path);
    const struct nsf_slice resource = nsf_address_query_get(address->sas, "sr");
    return nsf_slice_has_suffix_nocase(path, NSF_SLICE_LIT(".json")) ||
           nsf_slice_has_suffix_nocase(path, NSF_SLICE_LIT(".gz")) || nsf_slice_eq(resource, NSF_SLICE_LIT("b")) ||
           nsf_slice_eq(resource, NSF_SLICE_LIT("bs")) || nsf_slice_eq(resource, NSF_SLICE_LIT("bv"));
}

/* The account that holds a container which was named without one. */
static struct nsf_slice account_of_endpoint(const struct endpoint *named, const struct nsf_address_defaults *defaults)
{
    return named != NULL && named->account.len > 0 ? named->account : nsf_slice_str(defaults->account);
}

static nsf_result fill(struct nsf_address *address, struct parts *parts, const struct endpoint *named,
                       const struct nsf_address_defaults *defaults, struct nsf_arena *arena, struct nsf_err *err)
{
    struct nsf_slice path = parts->path;
    struct nsf_slice account = account_of_host(address->host);
    const bool is_named_container = parts->container.ptr != NULL;
    if (address->is_path_style && !is_named_container)
        account = take_segment(&path);
    else if (address->is_path_style)
        account = account_of_endpoint(named, defaults);
    const struct nsf_slice container = is_named_container ? parts->container : take_segment(&path);
    address->account = nsf_arena_copy(arena, account).ptr;
    address->container = unescape(arena, container);
    address->path = unescape(arena, path);
    if (address->container == NULL || address->path == NULL)
        return bad(err, parts, "a % that begins no escape (write it as %25), or an escaped NUL");
    if (address->sas[0] != '\0' && nsf_address_query_get(address->sas, "sig").ptr == NULL)
        return bad(err, parts,
                   "what follows its ? is no SAS, since it has no sig=; put the address in quotes, a shell "
                   "cuts it at &");
    if (account.len == 0 || container.len == 0)
        return bad(err, parts,
                   address->is_path_style ? "expected /ACCOUNT/CONTAINER behind the host"
                                          : "expected /CONTAINER behind the host");
    address->is_blob = names_one_blob(address);
    if (address->is_blob && address->path[0] == '\0')
        return bad(err, parts, "the SAS is for one blob, and the address names none");
    return nsf_ok();
}

static nsf_result fill_foreign(struct nsf_address *address, const struct parts *parts, struct nsf_arena *arena,
                               struct nsf_err *err)
{
    if (parts->scheme != SCHEME_HTTPS)
        return bad(err, parts, "not a host of Azure storage; name the cloud's own with --endpoint");
    address->account = address->container = "";
    address->path = nsf_arena_copy(arena, parts->path).ptr;
    for (const char *p = address->path; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return bad(err, parts, "blanks and control characters have to be escaped");
    address->is_blob = true;
    return nsf_ok();
}

/* Under az://, a first part with a dot or a port is a host: containers have neither. */
static bool is_container_only(const struct parts *parts)
{
    return parts->scheme == SCHEME_AZ && nsf_slice_find(parts->authority, '.') == parts->authority.len &&
           nsf_slice_find(parts->authority, ':') == parts->authority.len;
}

nsf_result nsf_address_parse(struct nsf_slice location, const struct nsf_address_defaults *defaults,
                             struct nsf_arena *arena, struct nsf_address *address, struct nsf_err *err)
{
    *address = (struct nsf_address){0};
    struct parts parts = {0};
    nsf_result r = split(location, &parts, err);
    if (nsf_failed(r))
        return r;
    struct endpoint option;
    const struct endpoint *named = NULL;
    if (defaults->endpoint != NULL && defaults->endpoint[0] != '\0') {
        if (!read_endpoint(defaults->endpoint, &option))
            return NSF_FAIL(err, NSF_E_USAGE, NSF_OFFSET_NONE,
                            "--endpoint is no \"https://host[/account]\" and no domain");
        named = &option;
    }
    address->sas = nsf_arena_copy(arena, parts.query).ptr;
    struct endpoint own;
    if (is_container_only(&parts)) {
        r = place_container_only(&parts, defaults, named, arena, err);
        if (nsf_failed(r))
            return r;
        if (named == NULL && defaults->account_endpoint != NULL && read_endpoint(defaults->account_endpoint, &own))
            named = &own;
    }
    r = place_host(address, &parts, named, arena, err);
    if (nsf_failed(r))
        return r;
    if (address->trust == NSF_HOST_FOREIGN)
        return fill_foreign(address, &parts, arena, err);
    return fill(address, &parts, named, defaults, arena, err);
}

void nsf_address_add_path(const struct nsf_address *address, struct nsf_slice blob, struct nsf_buf *buf)
{
    if (address->trust == NSF_HOST_FOREIGN) {
        nsf_buf_add_char(buf, '/');
        nsf_buf_add_str(buf, address->path);
        return;
    }
    if (address->is_path_style) {
        nsf_buf_add_char(buf, '/');
        nsf_buf_add_str(buf, address->account);
    }
    nsf_buf_add_char(buf, '/');
    nsf_address_escape(buf, nsf_slice_str(address->container), false);
    if (blob.ptr == NULL)
        return;
    nsf_buf_add_char(buf, '/');
    nsf_address_escape(buf, blob, true);
}

void nsf_address_add_shown(const struct nsf_address *address, struct nsf_slice blob, struct nsf_buf *buf)
{
    nsf_buf_add_str(buf, address->origin);
    if (address->trust == NSF_HOST_FOREIGN) {
        nsf_address_add_path(address, blob, buf);
        return;
    }
    nsf_address_add_path(address, (struct nsf_slice){NULL, 0}, buf);
    if (blob.ptr == NULL)
        return;
    nsf_buf_add_char(buf, '/');
    escape(buf, blob, "/=:@!$&'()*+,;");
}

struct nsf_slice nsf_address_query_get(const char *query, const char *key)
{
    struct nsf_slice rest = nsf_slice_str(query);
    const struct nsf_slice wanted = nsf_slice_str(key);
    while (rest.len > 0) {
        const size_t end = nsf_slice_find(rest, '&');
        const struct nsf_slice pair = nsf_slice(rest.ptr, end);
        const size_t equals = nsf_slice_find(pair, '=');
        if (nsf_slice_eq(nsf_slice(pair.ptr, equals), wanted))
            return equals < pair.len ? nsf_slice_from(pair, equals + 1) : nsf_slice_from(pair, pair.len);
        rest = end < rest.len ? nsf_slice_from(rest, end + 1) : nsf_slice("", 0);
    }
    return (struct nsf_slice){NULL, 0};
}

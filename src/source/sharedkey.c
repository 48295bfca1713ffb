#include "core/nsf_common.h"

#include "source/sharedkey.h"

#include "source/sign.h"

#define PAIRS_MAX 32
#define STRING_MAX_BYTES ((size_t)1 << 20)

struct pair {
    struct nsf_slice name;
    struct nsf_slice value;
};

static struct pair split_header(const char *header)
{
    const struct nsf_slice line = nsf_slice_str(header);
    const size_t colon = nsf_slice_find(line, ':');
    struct pair pair = {.name = nsf_slice_trim(nsf_slice(line.ptr, colon))};
    if (colon < line.len)
        pair.value = nsf_slice_trim(nsf_slice_from(line, colon + 1));
    return pair;
}

/* By name alone: sorting whole lines would put "x-ms-range-get-content-md5:" before "x-ms-range:". */
static void sort(struct pair *pairs, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct pair moved = pairs[i];
        size_t at = i;
        for (; at > 0 && nsf_slice_cmp_nocase(pairs[at - 1].name, moved.name) > 0; at--)
            pairs[at] = pairs[at - 1];
        pairs[at] = moved;
    }
}

static void add_lower(struct nsf_buf *out, struct nsf_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        nsf_buf_add_char(out, nsf_ascii_lower(text.ptr[i]));
}

static void add_standard_headers(const struct nsf_sharedkey_request *request, struct nsf_buf *out)
{
    static const char *const names[] = {
        "Content-Encoding",  "Content-Language", "Content-Length", "Content-MD5",         "Content-Type", "Date",
        "If-Modified-Since", "If-Match",         "If-None-Match",  "If-Unmodified-Since", "Range",
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(names); i++) {
        for (size_t k = 0; k < request->n_headers; k++) {
            const struct pair header = split_header(request->headers[k]);
            const bool is_zero_length = i == 2 && nsf_slice_eq(header.value, NSF_SLICE_LIT("0"));
            if (nsf_slice_eq_nocase(header.name, nsf_slice_str(names[i])) && !is_zero_length)
                nsf_buf_add(out, header.value);
        }
        nsf_buf_add_char(out, '\n');
    }
}

static void add_ms_headers(const struct nsf_sharedkey_request *request, struct nsf_buf *out)
{
    struct pair pairs[PAIRS_MAX];
    size_t n = 0;
    for (size_t k = 0; k < request->n_headers && n < PAIRS_MAX; k++) {
        pairs[n] = split_header(request->headers[k]);
        if (nsf_slice_has_prefix_nocase(pairs[n].name, NSF_SLICE_LIT("x-ms-")))
            n++;
    }
    sort(pairs, n);
    for (size_t i = 0; i < n; i++) {
        add_lower(out, pairs[i].name);
        nsf_buf_add_char(out, ':');
        nsf_buf_add(out, pairs[i].value);
        nsf_buf_add_char(out, '\n');
    }
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = nsf_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void add_unescaped(struct nsf_buf *out, struct nsf_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        const bool is_escape =
            text.ptr[i] == '%' && text.len - i >= 3 && hex_of(text.ptr[i + 1]) >= 0 && hex_of(text.ptr[i + 2]) >= 0;
        if (!is_escape) {
            nsf_buf_add_char(out, text.ptr[i]);
            continue;
        }
        nsf_buf_add_char(out, (char)(hex_of(text.ptr[i + 1]) * 16 + hex_of(text.ptr[i + 2])));
        i += 2;
    }
}

static void add_query(const struct nsf_sharedkey_request *request, struct nsf_buf *out)
{
    struct pair pairs[PAIRS_MAX];
    size_t n = 0;
    struct nsf_slice rest = nsf_slice_str(request->query);
    while (rest.len > 0 && n < PAIRS_MAX) {
        const size_t end = nsf_slice_find(rest, '&');
        const struct nsf_slice text = nsf_slice(rest.ptr, end);
        const size_t equals = nsf_slice_find(text, '=');
        pairs[n].name = nsf_slice(text.ptr, equals);
        pairs[n].value = equals < text.len ? nsf_slice_from(text, equals + 1) : nsf_slice("", 0);
        n += text.len > 0;
        rest = end < rest.len ? nsf_slice_from(rest, end + 1) : nsf_slice("", 0);
    }
    sort(pairs, n);
    for (size_t i = 0; i < n; i++) {
        nsf_buf_add_char(out, '\n');
        add_lower(out, pairs[i].name);
        nsf_buf_add_char(out, ':');
        add_unescaped(out, pairs[i].value);
    }
}

void nsf_sharedkey_string(const struct nsf_sharedkey_request *request, struct nsf_buf *out)
{
    nsf_buf_add_str(out, request->verb);
    nsf_buf_add_char(out, '\n');
    add_standard_headers(request, out);
    add_ms_headers(request, out);
    nsf_buf_add_char(out, '/');
    nsf_buf_add_str(out, request->account);
    nsf_buf_add_str(out, request->path);
    add_query(request, out);
}

void nsf_sharedkey_header(const struct nsf_sharedkey_request *request, struct nsf_slice key, struct nsf_buf *out)
{
    struct nsf_buf text;
    nsf_buf_init(&text, STRING_MAX_BYTES);
    nsf_sharedkey_string(request, &text);
    char signature[NSF_SIGN_SHA256_TEXT_BYTES];
    nsf_sign_hmac_sha256(key, nsf_buf_slice(&text), signature);
    nsf_buf_release(&text);
    nsf_buf_add_str(out, "Authorization: SharedKey ");
    nsf_buf_add_str(out, request->account);
    nsf_buf_add_char(out, ':');
    nsf_buf_add_str(out, signature);
}

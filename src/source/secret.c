#include "core/nsf_common.h"

#include "source/secret.h"

#include "core/mem.h"
#include "source/address.h"

struct nsf_slice nsf_secret_cut(const char *location)
{
    struct nsf_slice shown = nsf_slice_str(location);
    if (nsf_address_is_url(shown))
        shown.len = nsf_slice_find(shown, '?');
    return shown;
}

/* Where the secret part begins, or the end. */
static size_t find_secret(struct nsf_slice arg)
{
    const struct nsf_slice url = NSF_SLICE_LIT("://"), sig = NSF_SLICE_LIT("sig="), key = NSF_SLICE_LIT("AccountKey=");
    bool is_url = false;
    for (size_t i = 0; i < arg.len; i++) {
        const struct nsf_slice rest = nsf_slice_from(arg, i);
        is_url = is_url || nsf_slice_has_prefix(rest, url);
        if (is_url && arg.ptr[i] == '?')
            return i + 1;
        if (nsf_slice_has_prefix_nocase(rest, sig))
            return i + sig.len;
        if (nsf_slice_has_prefix_nocase(rest, key))
            return i + key.len;
    }
    return arg.len;
}

char **nsf_secret_take_args(int argc, char **argv)
{
    const size_t n = argc < 0 ? 0 : (size_t)argc;
    size_t n_bytes = nsf_mul_size(n + 1, sizeof(char *));
    for (size_t i = 0; i < n; i++)
        n_bytes = nsf_add_size(n_bytes, strlen(argv[i]) + 1);
    char **copy = nsf_malloc(n_bytes);
    char *text = (char *)(copy + n + 1);
    for (size_t i = 0; i < n; i++) {
        const size_t len = strlen(argv[i]);
        memcpy(text, argv[i], len + 1);
        copy[i] = text;
        text += len + 1;
        const size_t from = find_secret(nsf_slice(argv[i], len));
        memset(argv[i] + from, '*', len - from);
    }
    copy[n] = NULL;
    return copy;
}

static bool ends_secret(char c)
{
    return c == ' ' || c == ';' || c == '"' || c == '\'' || c == '\n' || c == '\t';
}

/* Bytes at i that go before a secret, 0 when none begins here. */
static size_t lead_of_secret(struct nsf_slice text, size_t i, bool is_url)
{
    static const struct nsf_slice keys[] = {{"sig=", 4}, {"AccountKey=", 11}};
    if (is_url && text.ptr[i] == '?')
        return 1;
    for (size_t k = 0; k < NSF_ARRAY_LEN(keys); k++)
        if (nsf_slice_has_prefix_nocase(nsf_slice_from(text, i), keys[k]))
            return keys[k].len;
    return 0;
}

size_t nsf_secret_mask(char *text, size_t len)
{
    const struct nsf_slice whole = nsf_slice(text, len), url = NSF_SLICE_LIT("://");
    bool is_url = false;
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        is_url = !ends_secret(text[i]) && (is_url || nsf_slice_has_prefix(nsf_slice_from(whole, i), url));
        size_t lead = lead_of_secret(whole, i, is_url);
        if (lead == 0) {
            text[n++] = text[i++];
            continue;
        }
        memmove(text + n, text + i, lead);
        n += lead;
        i += lead;
        for (size_t stars = 0; i < len && !ends_secret(text[i]); i++)
            if (stars++ < 3)
                text[n++] = '*';
    }
    return n;
}

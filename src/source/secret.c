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

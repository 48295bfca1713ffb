#include "core/nsf_common.h"

#include "source/sign.h"

#include "core/library.h"
#include "core/mem.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/opensslv.h>

/* The relocations and the start of libcrypto cost every run a millisecond: it is loaded when something is
 * signed or summed. */
#define CRYPTO_FUNCTIONS(X)                                                                                            \
    X(HMAC)                                                                                                            \
    X(EVP_sha256)                                                                                                      \
    X(EVP_md5)                                                                                                         \
    X(EVP_EncodeBlock)                                                                                                 \
    X(EVP_MD_CTX_new)                                                                                                  \
    X(EVP_MD_CTX_free)                                                                                                 \
    X(EVP_DigestInit_ex)                                                                                               \
    X(EVP_DigestUpdate)                                                                                                \
    X(EVP_DigestFinal_ex)

static struct {
#define CRYPTO_MEMBER(name) __typeof__(name) *(name);
    CRYPTO_FUNCTIONS(CRYPTO_MEMBER)
#undef CRYPTO_MEMBER
} crypto;

static const struct nsf_library_function crypto_functions[] = {
#define CRYPTO_ELEMENT(name) NSF_LIBRARY_FUNCTION(crypto.name, #name),
    CRYPTO_FUNCTIONS(CRYPTO_ELEMENT)
#undef CRYPTO_ELEMENT
};

/* The version whose headers were there when this was compiled. */
static struct nsf_library crypto_library = {
    .file = "libcrypto.so." NSF_STR(OPENSSL_SHLIB_VERSION),
    .needed_for = "reading from storage",
    .functions = crypto_functions,
    .n_functions = NSF_ARRAY_LEN(crypto_functions),
};

nsf_result nsf_sign_start(struct nsf_err *err)
{
    return nsf_library_load(&crypto_library, err);
}

/* Who calls it has no way to go on without. */
static void need_library(void)
{
    if (nsf_failed(nsf_sign_start(NULL)))
        NSF_BUG("libcrypto is used before nsf_sign_start said that it is there");
}

static int sextet_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool nsf_sign_base64_decode(struct nsf_slice text, unsigned char *bytes, size_t capacity, size_t *n_bytes)
{
    if (text.len % 4 != 0)
        return false;
    size_t n_padding = 0;
    while (n_padding < 2 && n_padding < text.len && text.ptr[text.len - 1 - n_padding] == '=')
        n_padding++;
    const size_t n = text.len / 4 * 3 - n_padding;
    if (n > capacity)
        return false;
    uint32_t bits = 0;
    size_t n_out = 0;
    for (size_t i = 0; i < text.len; i++) {
        const int sextet = i < text.len - n_padding ? sextet_of(text.ptr[i]) : 0;
        if (sextet < 0)
            return false;
        bits = bits << 6 | (uint32_t)sextet;
        if (i % 4 != 3)
            continue;
        for (int shift = 16; shift >= 0 && n_out < n; shift -= 8)
            bytes[n_out++] = (unsigned char)(bits >> shift);
        bits = 0;
    }
    *n_bytes = n;
    return true;
}

void nsf_sign_hmac_sha256(struct nsf_slice key, struct nsf_slice text, char out[NSF_SIGN_SHA256_TEXT_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n_digest = 0;
    need_library();
    if (crypto.HMAC(crypto.EVP_sha256(), key.ptr, (int)key.len, (const unsigned char *)text.ptr, text.len, digest,
                    &n_digest) == NULL ||
        n_digest != 32)
        NSF_BUG("HMAC-SHA256 is not there");
    crypto.EVP_EncodeBlock((unsigned char *)out, digest, (int)n_digest);
}

/* A build of libcrypto for FIPS has no MD5: nothing can be compared then. */
struct nsf_sign_md5_sum {
    EVP_MD_CTX *ctx;
    bool is_good;
};

struct nsf_sign_md5_sum *nsf_sign_md5_sum_new(void)
{
    struct nsf_sign_md5_sum *sum = nsf_calloc(1, sizeof(*sum));
    need_library();
    sum->ctx = crypto.EVP_MD_CTX_new();
    return sum;
}

void nsf_sign_md5_sum_free(struct nsf_sign_md5_sum *sum)
{
    if (sum == NULL)
        return;
    crypto.EVP_MD_CTX_free(sum->ctx);
    nsf_free(sum);
}

void nsf_sign_md5_sum_begin(struct nsf_sign_md5_sum *sum)
{
    sum->is_good = sum->ctx != NULL && crypto.EVP_DigestInit_ex(sum->ctx, crypto.EVP_md5(), NULL) == 1;
}

void nsf_sign_md5_sum_add(struct nsf_sign_md5_sum *sum, const char *ptr, size_t len)
{
    if (len > 0)
        sum->is_good = sum->is_good && crypto.EVP_DigestUpdate(sum->ctx, ptr, len) == 1;
}

void nsf_sign_md5_sum_finish(struct nsf_sign_md5_sum *sum, char out[NSF_SIGN_MD5_TEXT_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n_digest = 0;
    out[0] = '\0';
    if (sum->is_good && crypto.EVP_DigestFinal_ex(sum->ctx, digest, &n_digest) == 1 && n_digest == 16)
        crypto.EVP_EncodeBlock((unsigned char *)out, digest, (int)n_digest);
    sum->is_good = false;
}

void nsf_sign_md5(struct nsf_slice bytes, char out[NSF_SIGN_MD5_TEXT_BYTES])
{
    struct nsf_sign_md5_sum *sum = nsf_sign_md5_sum_new();
    nsf_sign_md5_sum_begin(sum);
    nsf_sign_md5_sum_add(sum, bytes.ptr, bytes.len);
    nsf_sign_md5_sum_finish(sum, out);
    nsf_sign_md5_sum_free(sum);
}

void nsf_sign_wipe(void *ptr, size_t len)
{
    explicit_bzero(ptr, len);
}

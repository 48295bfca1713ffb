#include "core/nsf_common.h"

#include "source/sign.h"

#include "core/err.h"
#include "core/mem.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

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
    if (HMAC(EVP_sha256(), key.ptr, (int)key.len, (const unsigned char *)text.ptr, text.len, digest, &n_digest) ==
            NULL ||
        n_digest != 32)
        NSF_BUG("HMAC-SHA256 is not there");
    EVP_EncodeBlock((unsigned char *)out, digest, (int)n_digest);
}

/* A build of libcrypto for FIPS has no MD5: nothing can be compared then. */
struct nsf_sign_md5_sum {
    EVP_MD_CTX *ctx;
    bool is_good;
};

struct nsf_sign_md5_sum *nsf_sign_md5_sum_new(void)
{
    struct nsf_sign_md5_sum *sum = nsf_calloc(1, sizeof(*sum));
    sum->ctx = EVP_MD_CTX_new();
    return sum;
}

void nsf_sign_md5_sum_free(struct nsf_sign_md5_sum *sum)
{
    if (sum == NULL)
        return;
    EVP_MD_CTX_free(sum->ctx);
    nsf_free(sum);
}

void nsf_sign_md5_sum_begin(struct nsf_sign_md5_sum *sum)
{
    sum->is_good = sum->ctx != NULL && EVP_DigestInit_ex(sum->ctx, EVP_md5(), NULL) == 1;
}

void nsf_sign_md5_sum_add(struct nsf_sign_md5_sum *sum, const char *ptr, size_t len)
{
    if (len > 0)
        sum->is_good = sum->is_good && EVP_DigestUpdate(sum->ctx, ptr, len) == 1;
}

void nsf_sign_md5_sum_finish(struct nsf_sign_md5_sum *sum, char out[NSF_SIGN_MD5_TEXT_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n_digest = 0;
    out[0] = '\0';
    if (sum->is_good && EVP_DigestFinal_ex(sum->ctx, digest, &n_digest) == 1 && n_digest == 16)
        EVP_EncodeBlock((unsigned char *)out, digest, (int)n_digest);
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
    OPENSSL_cleanse(ptr, len);
}

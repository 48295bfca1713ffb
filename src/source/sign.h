/*
 * sign.h - the little cryptography that storage asks for. The only place that sees libcrypto.
 *
 * Pure functions, any thread. Keys are the caller's; wipe them with nsf_sign_wipe when they are done with.
 */
#ifndef NSF_SIGN_H
#define NSF_SIGN_H

#include "core/err.h"

/* An account key is 64 bytes; user delegation keys are 32. */
#define NSF_SIGN_KEY_MAX_BYTES 128
/* base64 of 32 bytes and a NUL */
#define NSF_SIGN_SHA256_TEXT_BYTES 45
/* base64 of 16 bytes and a NUL */
#define NSF_SIGN_MD5_TEXT_BYTES 25

/* Before anything below but base64 and wiping: says whether libcrypto is there (NSF_E_IO). May be called again. */
nsf_result nsf_sign_start(struct nsf_err *err) NSF_CHECKED;

/* Strict base64 with its padding. False: not that, or longer than `capacity`. */
bool nsf_sign_base64_decode(struct nsf_slice text, unsigned char *bytes, size_t capacity, size_t *n_bytes) NSF_CHECKED;

/* base64 of the HMAC-SHA256 of text. */
void nsf_sign_hmac_sha256(struct nsf_slice key, struct nsf_slice text, char out[NSF_SIGN_SHA256_TEXT_BYTES]);

/* base64 of the MD5 of bytes, as Content-MD5 has it: against broken transfers, not against forgers. */
void nsf_sign_md5(struct nsf_slice bytes, char out[NSF_SIGN_MD5_TEXT_BYTES]);

/* The same in pieces: begin, add..., finish. One thread at a time; free may come at any moment, NULL is fine. */
struct nsf_sign_md5_sum;
struct nsf_sign_md5_sum *nsf_sign_md5_sum_new(void);
void nsf_sign_md5_sum_free(struct nsf_sign_md5_sum *sum);
void nsf_sign_md5_sum_begin(struct nsf_sign_md5_sum *sum);
void nsf_sign_md5_sum_add(struct nsf_sign_md5_sum *sum, const char *ptr, size_t len);
/* "" where libcrypto has no MD5. */
void nsf_sign_md5_sum_finish(struct nsf_sign_md5_sum *sum, char out[NSF_SIGN_MD5_TEXT_BYTES]);

/* Overwrites a secret; never optimised away. */
void nsf_sign_wipe(void *ptr, size_t len);

#endif

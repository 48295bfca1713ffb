/*
 * digits.h - numbers as text, written at a place that has room for them; what printf does, without reading a format.
 *
 * Each function returns the end of what it wrote; no NUL. Any thread.
 */
#ifndef NSF_DIGITS_H
#define NSF_DIGITS_H

#include "core/nsf_common.h"

/* The longest number of any function below but nsf_put_padded. */
#define NSF_DIGITS_MAX 21

/* "000102...99" */
extern const char nsf_digit_pairs[200];

static inline char *nsf_put_2_digits(char *at, unsigned value)
{
    memcpy(at, nsf_digit_pairs + (size_t)2 * value, 2);
    return at + 2;
}

static inline char *nsf_put_3_digits(char *at, unsigned value)
{
    *at = (char)('0' + value / 100);
    return nsf_put_2_digits(at + 1, value % 100);
}

static inline char *nsf_put_4_digits(char *at, unsigned value)
{
    return nsf_put_2_digits(nsf_put_2_digits(at, value / 100), value % 100);
}

/* Up to 255. */
static inline char *nsf_put_u8(char *at, unsigned value)
{
    if (value >= 100)
        return nsf_put_3_digits(at, value);
    if (value >= 10)
        return nsf_put_2_digits(at, value);
    *at = (char)('0' + value);
    return at + 1;
}

static inline unsigned nsf_count_digits(uint64_t value)
{
    unsigned n = 1;
    for (; value >= 10000; value /= 10000)
        n += 4;
    return n + (value >= 10) + (value >= 100) + (value >= 1000);
}

static inline char *nsf_put_u64(char *at, uint64_t value)
{
    char *end = at + nsf_count_digits(value), *from = end;
    for (; value >= 100; value /= 100)
        memcpy(from -= 2, nsf_digit_pairs + 2 * (value % 100), 2);
    if (value >= 10)
        memcpy(from - 2, nsf_digit_pairs + 2 * value, 2);
    else
        from[-1] = (char)('0' + value);
    return end;
}

static inline char *nsf_put_i64(char *at, int64_t value)
{
    if (value >= 0)
        return nsf_put_u64(at, (uint64_t)value);
    *at = '-';
    return nsf_put_u64(at + 1, (uint64_t)0 - (uint64_t)value);
}

/* At least one digit, lower case, up to four. */
static inline char *nsf_put_hex16(char *at, unsigned value)
{
    static const char hex[] = "0123456789abcdef";
    for (unsigned shift = value >= 0x1000 ? 12 : value >= 0x100 ? 8 : value >= 0x10 ? 4 : 0;; shift -= 4) {
        *at++ = hex[value >> shift & 15];
        if (shift == 0)
            return at;
    }
}

/* value / 10^n_digits, exactly, without trailing zeros: (82, 1) is 8.2, (80, 1) is 8. n_digits up to 18; writes up to
 * NSF_DIGITS_MAX + 1 characters. */
char *nsf_put_decimal(char *at, int64_t value, unsigned n_digits);

#endif

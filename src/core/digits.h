/*
 * digits.h - numbers as text, written at a place that has room for them; what printf does, without reading a format.
 *
 * Each function returns the end of what it wrote; no NUL. What lies behind that end within NSF_DIGITS_MAX bytes of the
 * place may be written over: digits are stored eight at a time. Any thread.
 */
#ifndef NSF_DIGITS_H
#define NSF_DIGITS_H

#include "core/nsf_common.h"

/* The longest number of any function below, and so the room that one takes. */
#define NSF_DIGITS_MAX 21

/* "000102...99" */
extern const char nsf_digit_pairs[200];
/* Four bytes each for 0 to 255: the digits, in the last one how many there are. */
extern const char nsf_octets[4 * 256];

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

/* Up to 255; four bytes are written. */
static inline char *nsf_put_u8(char *at, unsigned value)
{
    const char *octet = nsf_octets + (size_t)4 * value;
    memcpy(at, octet, 4);
    return at + octet[3];
}

/* The digits of a number below 10^8, the first in the lowest byte, as numbers 0 to 9. It is cut into halves until each
 * byte holds a digit, all parts of a step at a time; a division by a constant is a multiplication and a shift. */
static inline uint64_t nsf_eight_digits(uint64_t value)
{
    uint64_t halves = value / 10000 | value % 10000 << 32;
    uint64_t hundreds = halves * 10486 >> 20 & UINT64_C(0x0000007f0000007f);
    uint64_t pairs = hundreds | (halves - hundreds * 100) << 16;
    uint64_t tens = pairs * 103 >> 10 & UINT64_C(0x000f000f000f000f);
    return tens | (pairs - tens * 10) << 8;
}

static inline void nsf_put_low_bytes_first(char *at, uint64_t bytes)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    memcpy(at, &bytes, sizeof(bytes));
}

#define NSF_EIGHT_ZEROS UINT64_C(0x3030303030303030)

/* Below 10^8, with leading zeros. */
static inline char *nsf_put_8_digits(char *at, uint64_t value)
{
    nsf_put_low_bytes_first(at, nsf_eight_digits(value) | NSF_EIGHT_ZEROS);
    return at + 8;
}

/* Below 10^8; eight bytes are written, whatever the number of digits. */
static inline char *nsf_put_up_to_8_digits(char *at, uint64_t value)
{
    uint64_t digits = nsf_eight_digits(value);
    unsigned n_zeros = (unsigned)__builtin_ctzll(digits | UINT64_C(1) << 56) / 8; /* the last digit stays */
    nsf_put_low_bytes_first(at, (digits | NSF_EIGHT_ZEROS) >> 8 * n_zeros);
    return at + 8 - n_zeros;
}

static inline char *nsf_put_u64(char *at, uint64_t value)
{
    const uint64_t size = 100000000;
    if (value < 10) {
        *at = (char)('0' + value);
        return at + 1;
    }
    if (NSF_LIKELY(value < size))
        return nsf_put_up_to_8_digits(at, value);
    uint64_t high = value / size;
    at = high < size ? nsf_put_up_to_8_digits(at, high)
                     : nsf_put_8_digits(nsf_put_up_to_8_digits(at, high / size), high % size);
    return nsf_put_8_digits(at, value % size);
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

#include "core/nsf_common.h"

#include "core/digits.h"

const char nsf_digit_pairs[200] = {
#define TEN(d) d, '0', d, '1', d, '2', d, '3', d, '4', d, '5', d, '6', d, '7', d, '8', d, '9'
    TEN('0'), TEN('1'), TEN('2'), TEN('3'), TEN('4'), TEN('5'), TEN('6'), TEN('7'), TEN('8'), TEN('9'),
#undef TEN
};

char *nsf_put_decimal(char *at, int64_t value, unsigned n_digits)
{
    uint64_t scale = 1, size = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    for (unsigned i = 0; i < n_digits; i++)
        scale *= 10;
    if (value < 0)
        *at++ = '-';
    at = nsf_put_u64(at, size / scale);
    uint64_t fraction = size % scale;
    if (fraction == 0)
        return at;
    *at++ = '.';
    while (fraction > 0) {
        scale /= 10;
        *at++ = (char)('0' + fraction / scale);
        fraction %= scale;
    }
    return at;
}

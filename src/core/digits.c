#include "core/nsf_common.h"

#include "core/digits.h"

const char nsf_digit_pairs[200] = {
#define TEN(d) d, '0', d, '1', d, '2', d, '3', d, '4', d, '5', d, '6', d, '7', d, '8', d, '9'
    TEN('0'), TEN('1'), TEN('2'), TEN('3'), TEN('4'), TEN('5'), TEN('6'), TEN('7'), TEN('8'), TEN('9'),
#undef TEN
};

const char nsf_octets[4 * 256] = {
#define ONE(c) c, 0, 0, 1
#define TWO(b, c) b, c, 0, 2
#define THREE(a, b, c) a, b, c, 3
#define TENS(d)                                                                                                        \
    TWO(d, '0'), TWO(d, '1'), TWO(d, '2'), TWO(d, '3'), TWO(d, '4'), TWO(d, '5'), TWO(d, '6'), TWO(d, '7'),            \
        TWO(d, '8'), TWO(d, '9')
#define SIX(h, d)                                                                                                      \
    THREE(h, d, '0'), THREE(h, d, '1'), THREE(h, d, '2'), THREE(h, d, '3'), THREE(h, d, '4'), THREE(h, d, '5')
#define ALL(h, d) SIX(h, d), THREE(h, d, '6'), THREE(h, d, '7'), THREE(h, d, '8'), THREE(h, d, '9')
#define FIFTY(h) ALL(h, '0'), ALL(h, '1'), ALL(h, '2'), ALL(h, '3'), ALL(h, '4')
    ONE('0'),      ONE('1'),      ONE('2'),      ONE('3'),      ONE('4'),   ONE('5'),      ONE('6'),
    ONE('7'),      ONE('8'),      ONE('9'),      TENS('1'),     TENS('2'),  TENS('3'),     TENS('4'),
    TENS('5'),     TENS('6'),     TENS('7'),     TENS('8'),     TENS('9'),  FIFTY('1'),    ALL('1', '5'),
    ALL('1', '6'), ALL('1', '7'), ALL('1', '8'), ALL('1', '9'), FIFTY('2'), SIX('2', '5'),
#undef ONE
#undef TWO
#undef THREE
#undef TENS
#undef SIX
#undef ALL
#undef FIFTY
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

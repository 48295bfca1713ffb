#include "core/nsf_common.h"

#include "core/clock.h"

#include "core/digits.h"

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b < 0);
}

int64_t nsf_time_iso_week(int64_t ts_ms)
{
    /* 1970-01-01 was a Thursday: the Monday of its week is day -3. */
    return floor_div(nsf_time_day(ts_ms) + 3, 7);
}

/* Days from civil and back: eras of 400 years, years that begin in March (Howard Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms"). */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = floor_div(y, 400);
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

/* Of days in the years 1 to 9999, in which all of it fits into 32 bits: quotients and remainders fall out of one
 * multiplication each (Cassio Neri and Lorenz Schneider, "Euclidean affine functions and their application to calendar
 * algorithms"). */
static void civil_from_days(int64_t z, unsigned *y, unsigned *m, unsigned *d)
{
    uint32_t quarters = 4 * (uint32_t)(z + 719468) + 3; /* since the March that year 0 begins with */
    uint32_t century = quarters / 146097;
    uint32_t of_century = quarters % 146097 | 3;
    uint64_t years = UINT64_C(2939745) * of_century; /* 2^32 / 1461, rounded up */
    uint32_t day_of_year = (uint32_t)years / 2939745 / 4;
    uint32_t months = 2141 * day_of_year + 197913;
    bool is_next_year = day_of_year >= 306;
    *y = 100 * century + (uint32_t)(years >> 32) + is_next_year;
    *m = (months >> 16) - (is_next_year ? 12 : 0);
    *d = (months & 0xffff) / 2141 + 1;
}

int64_t nsf_time_from_civil(int year, int month, int day)
{
    return days_from_civil(year, month, day) * NSF_MS_PER_DAY;
}

static bool take_number(struct nsf_slice *s, size_t n_digits, uint64_t max, uint64_t *value)
{
    if (s->len < n_digits || !nsf_slice_to_u64(nsf_slice(s->ptr, n_digits), max, value))
        return false;
    *s = nsf_slice_from(*s, n_digits);
    return true;
}

static bool take_char(struct nsf_slice *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = nsf_slice_from(*s, 1);
    return true;
}

static bool take_date(struct nsf_slice *s, int64_t *day)
{
    static const uint8_t month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t y, m, d;
    if (!take_number(s, 4, 9999, &y) || !take_char(s, '-') || !take_number(s, 2, 12, &m) || !take_char(s, '-') ||
        !take_number(s, 2, 31, &d))
        return false;
    bool is_leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (y == 0 || m == 0 || d == 0 || d > month_days[m - 1] || (m == 2 && d == 29 && !is_leap))
        return false;
    *day = days_from_civil((int64_t)y, (int64_t)m, (int64_t)d);
    return true;
}

static bool take_fraction(struct nsf_slice *s, int64_t *ms)
{
    if (!take_char(s, '.'))
        return true;
    size_t n = 0;
    int64_t scale = 100;
    for (; n < s->len && s->ptr[n] >= '0' && s->ptr[n] <= '9'; n++) {
        *ms += (s->ptr[n] - '0') * scale;
        scale /= 10;
    }
    *s = nsf_slice_from(*s, n);
    return n >= 1 && n <= 9;
}

static bool take_zone(struct nsf_slice *s, int64_t *offset_ms)
{
    if (take_char(s, 'Z') || take_char(s, 'z'))
        return true;
    int64_t sign = take_char(s, '+') ? 1 : take_char(s, '-') ? -1 : 0;
    uint64_t h, m;
    if (sign == 0 || !take_number(s, 2, 23, &h) || !take_char(s, ':') || !take_number(s, 2, 59, &m))
        return false;
    *offset_ms = sign * ((int64_t)h * 60 + (int64_t)m) * 60 * NSF_MS_PER_SECOND;
    return true;
}

bool nsf_time_parse(struct nsf_slice text, int64_t *ts_ms)
{
    struct nsf_slice s = text;
    int64_t day;
    if (!take_date(&s, &day))
        return false;
    if (s.len == 0) {
        *ts_ms = day * NSF_MS_PER_DAY;
        return true;
    }
    uint64_t h, m, sec;
    int64_t ms = 0, offset_ms = 0;
    if (!(take_char(&s, 'T') || take_char(&s, 't') || take_char(&s, ' ')) || !take_number(&s, 2, 23, &h) ||
        !take_char(&s, ':') || !take_number(&s, 2, 59, &m) || !take_char(&s, ':') || !take_number(&s, 2, 60, &sec) ||
        !take_fraction(&s, &ms) || !take_zone(&s, &offset_ms) || s.len != 0)
        return false;
    *ts_ms = day * NSF_MS_PER_DAY + (((int64_t)h * 60 + (int64_t)m) * 60 + (int64_t)sec) * NSF_MS_PER_SECOND + ms -
             offset_ms;
    return true;
}

/* Stamps outside the years that the text form can show are clamped, so that hostile input stays readable. */
static int64_t clamp_year(int64_t ts_ms)
{
    const int64_t lowest = INT64_C(-62135596800000), highest = INT64_C(253402300799999);
    return ts_ms < lowest ? lowest : ts_ms > highest ? highest : ts_ms;
}

static char *put_day(char *at, int64_t day)
{
    unsigned y, m, d;
    civil_from_days(day, &y, &m, &d);
    at = nsf_put_4_digits(at, y);
    *at++ = '-';
    at = nsf_put_2_digits(at, m);
    *at++ = '-';
    return nsf_put_2_digits(at, d);
}

/* A blank or `T`, hours and minutes. */
static char *put_minute(char *at, char separator, unsigned minute)
{
    *at++ = separator;
    at = nsf_put_2_digits(at, minute / 60);
    *at++ = ':';
    return nsf_put_2_digits(at, minute % 60);
}

char *nsf_put_time(char *at, int64_t ts_ms)
{
    ts_ms = clamp_year(ts_ms);
    int64_t day = nsf_time_day(ts_ms);
    unsigned ms = (unsigned)(ts_ms - day * NSF_MS_PER_DAY);
    at = put_minute(put_day(at, day), 'T', ms / 60000);
    *at++ = ':';
    at = nsf_put_2_digits(at, ms / 1000 % 60);
    *at++ = '.';
    at = nsf_put_3_digits(at, ms % 1000);
    *at++ = 'Z';
    return at;
}

const char *nsf_time_format(int64_t ts_ms, char buf[NSF_TIME_TEXT_BYTES])
{
    *nsf_put_time(buf, ts_ms) = '\0';
    return buf;
}

const char *nsf_time_format_minute(int64_t ts_ms, char buf[NSF_TIME_TEXT_BYTES])
{
    ts_ms = clamp_year(ts_ms);
    int64_t day = nsf_time_day(ts_ms);
    *put_minute(put_day(buf, day), ' ', (unsigned)(ts_ms - day * NSF_MS_PER_DAY) / 60000) = '\0';
    return buf;
}

const char *nsf_time_format_day(int64_t day, char buf[NSF_TIME_TEXT_BYTES])
{
    int64_t widest = INT64_MAX / NSF_MS_PER_DAY;
    day = day > widest ? widest : day < -widest ? -widest : day;
    *put_day(buf, nsf_time_day(clamp_year(day * NSF_MS_PER_DAY))) = '\0';
    return buf;
}

int64_t nsf_clock_now_ms(void)
{
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    uint64_t seconds;
    if (fixed != NULL && nsf_slice_to_u64(nsf_slice_str(fixed), UINT64_C(253402300799), &seconds))
        return (int64_t)seconds * NSF_MS_PER_SECOND;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * NSF_MS_PER_SECOND + now.tv_nsec / 1000000;
}

int64_t nsf_clock_monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NSF_MS_PER_SECOND + now.tv_nsec / 1000000;
}

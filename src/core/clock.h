/*
 * clock.h - times as milliseconds since 1970 UTC, their text forms, and UTC days, hours and ISO weeks.
 *
 * Proleptic Gregorian calendar, no leap seconds, years 1..9999. Pure functions, any thread, but nsf_clock_now_*.
 */
#ifndef NSF_CLOCK_H
#define NSF_CLOCK_H

#include "core/slice.h"

#define NSF_MS_PER_SECOND INT64_C(1000)
#define NSF_MS_PER_HOUR INT64_C(3600000)
#define NSF_MS_PER_DAY INT64_C(86400000)
#define NSF_TS_NONE INT64_MIN

/* "2026-11-21T10:00:00.000Z" and its NUL, with room for what the compiler cannot rule out */
#define NSF_TIME_TEXT_BYTES 64

/* RFC 3339: date, `T` or `t` or blank, time, 0 to 9 fraction digits, `Z` or an offset. A date alone is its midnight
 * UTC. The fraction is cut to milliseconds. */
bool nsf_time_parse(struct nsf_slice text, int64_t *ts_ms) NSF_CHECKED;
/* UTC with milliseconds; returns buf. */
const char *nsf_time_format(int64_t ts_ms, char buf[NSF_TIME_TEXT_BYTES]);
/* The same without a NUL, at a place with room for NSF_TIME_TEXT_BYTES; returns its end. */
char *nsf_put_time(char *at, int64_t ts_ms);
/* "2026-11-21" */
const char *nsf_time_format_day(int64_t day, char buf[NSF_TIME_TEXT_BYTES]);
/* "2026-11-21 10:00" */
const char *nsf_time_format_minute(int64_t ts_ms, char buf[NSF_TIME_TEXT_BYTES]);

/* Days, hours since 1970-01-01T00Z, rounded down, also before 1970. */
static inline int64_t nsf_time_day(int64_t ts_ms)
{
    return ts_ms / NSF_MS_PER_DAY - (ts_ms % NSF_MS_PER_DAY < 0);
}
static inline int64_t nsf_time_hour(int64_t ts_ms)
{
    return ts_ms / NSF_MS_PER_HOUR - (ts_ms % NSF_MS_PER_HOUR < 0);
}
/* A number that is equal for two times exactly when they lie in one ISO week (Monday to Sunday, UTC). */
int64_t nsf_time_iso_week(int64_t ts_ms);
int64_t nsf_time_from_civil(int year, int month, int day);

/* Wall clock; SOURCE_DATE_EPOCH (seconds) fixes it when set. */
int64_t nsf_clock_now_ms(void);
/* Monotonic, for durations. */
int64_t nsf_clock_monotonic_ms(void);

#endif

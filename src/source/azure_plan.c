#include "core/nsf_common.h"

#include "source/azure_plan.h"

#include "source/layout.h"

/* So many single hours of a day are listed as such; more of them as the day. */
#define SINGLE_HOURS_MAX 4
/* resourceId=/SUBSCRIPTIONS/./RESOURCEGROUPS/./PROVIDERS/./NETWORKSECURITYGROUPS/./ are 9. */
#define LAYOUT_DEPTH_MAX 12

struct civil {
    int year;
    int month;
    int day;
    int hour;
};

static int64_t first_hour_of(int year, int month, int day)
{
    return nsf_time_hour(nsf_time_from_civil(year, month, day));
}

static struct civil civil_of(int64_t hour)
{
    struct civil c = {.hour = (int)(hour % 24)};
    const int64_t day = hour / 24;
    c.year = (int)(1970 + day / 366);
    while (first_hour_of(c.year + 1, 1, 1) <= hour)
        c.year++;
    c.month = 1;
    while (c.month < 12 && first_hour_of(c.year, c.month + 1, 1) <= hour)
        c.month++;
    c.day = (int)((hour - first_hour_of(c.year, c.month, 1)) / 24) + 1;
    return c;
}

bool nsf_azure_hours_of_year(int year, int64_t since_ms, int64_t until_ms, struct nsf_azure_hours *hours)
{
    /* No flow logs were written before; a year beyond is no year of a log. */
    if (year < 1970 || year > 9998)
        return false;
    hours->first = first_hour_of(year, 1, 1);
    hours->last = first_hour_of(year + 1, 1, 1) - 1;
    if (since_ms != NSF_TS_NONE && nsf_time_hour(since_ms) - 1 > hours->first)
        hours->first = nsf_time_hour(since_ms) - 1;
    if (until_ms != NSF_TS_NONE && nsf_time_hour(until_ms - 1) + 1 < hours->last)
        hours->last = nsf_time_hour(until_ms - 1) + 1;
    return hours->first <= hours->last;
}

bool nsf_azure_next_period(struct nsf_azure_hours *hours, char prefix[NSF_AZURE_PERIOD_BYTES])
{
    if (hours->first > hours->last)
        return false;
    const int64_t first = hours->first, last = hours->last;
    const struct civil c = civil_of(first);
    const int64_t year_end = first_hour_of(c.year + 1, 1, 1);
    const int64_t month_end = c.month == 12 ? year_end : first_hour_of(c.year, c.month + 1, 1);
    const int64_t day_end = (first / 24 + 1) * 24;
    const int64_t in_day = (last < day_end - 1 ? last : day_end - 1) - first + 1;
    if (first == first_hour_of(c.year, 1, 1) && year_end - 1 <= last) {
        snprintf(prefix, NSF_AZURE_PERIOD_BYTES, "y=%04d/", c.year);
        hours->first = year_end;
    } else if (first == first_hour_of(c.year, c.month, 1) && month_end - 1 <= last) {
        snprintf(prefix, NSF_AZURE_PERIOD_BYTES, "y=%04d/m=%02d/", c.year, c.month);
        hours->first = month_end;
    } else if (in_day > SINGLE_HOURS_MAX) {
        snprintf(prefix, NSF_AZURE_PERIOD_BYTES, "y=%04d/m=%02d/d=%02d/", c.year, c.month, c.day);
        hours->first = day_end;
    } else {
        snprintf(prefix, NSF_AZURE_PERIOD_BYTES, "y=%04d/m=%02d/d=%02d/h=%02d/", c.year, c.month, c.day, c.hour);
        hours->first = first + 1;
    }
    return true;
}

static bool is_year_segment(struct nsf_slice segment, int *year)
{
    uint64_t number;
    if (segment.len != 6 || segment.ptr[0] != 'y' || segment.ptr[1] != '=' ||
        !nsf_slice_to_u64(nsf_slice_from(segment, 2), 9999, &number))
        return false;
    *year = (int)number;
    return true;
}

enum nsf_azure_step nsf_azure_step_of(struct nsf_slice prefix, int *year)
{
    if (prefix.len == 0 || prefix.ptr[prefix.len - 1] != '/')
        return NSF_AZURE_STEP_FLAT;
    bool is_layout = false;
    unsigned depth = 0;
    struct nsf_slice segment = {NULL, 0};
    for (size_t from = 0; from < prefix.len; from += segment.len + 1) {
        segment = nsf_slice_from(prefix, from);
        segment.len = nsf_slice_find(segment, '/');
        is_layout = is_layout || nsf_slice_eq_nocase(segment, NSF_SLICE_LIT("resourceId=")) ||
                    nsf_slice_eq_nocase(segment, NSF_SLICE_LIT("flowLogResourceID="));
        depth += is_layout;
    }
    if (!is_layout || depth > LAYOUT_DEPTH_MAX)
        return NSF_AZURE_STEP_FLAT;
    return is_year_segment(segment, year) ? NSF_AZURE_STEP_YEAR : NSF_AZURE_STEP_DESCEND;
}

/*
 * azure_plan.h - which prefixes to list so that logs outside the window are not even asked for.
 *
 * Pure functions, any thread.
 */
#ifndef NSF_AZURE_PLAN_H
#define NSF_AZURE_PLAN_H

#include "core/clock.h"
#include "core/slice.h"

/* "y=2026/m=11/d=21/h=09/" and a NUL */
#define NSF_AZURE_PERIOD_BYTES 64

/* Hours since 1970, both included. */
struct nsf_azure_hours {
    int64_t first;
    int64_t last;
};

/* The hours of one year that can hold flows of [since, until), either of which may be NSF_TS_NONE. False: none. */
bool nsf_azure_hours_of_year(int year, int64_t since_ms, int64_t until_ms, struct nsf_azure_hours *hours) NSF_CHECKED;

/* Writes the prefix of the longest period that begins at hours->first, and moves that behind it: a whole year, month or
 * day, a part of a day of more than a few hours (as the whole day: one page tells it all), else one hour. False: none
 * is left. */
bool nsf_azure_next_period(struct nsf_azure_hours *hours, char prefix[NSF_AZURE_PERIOD_BYTES]) NSF_CHECKED;

enum nsf_azure_step {
    NSF_AZURE_STEP_DESCEND, /* a folder of the layout above the years: look at its folders */
    NSF_AZURE_STEP_YEAR,    /* "...y=2026/": plan its hours */
    NSF_AZURE_STEP_FLAT,    /* anything else: list all below it */
};

/* What to do about a common prefix, that is a folder with its slash. */
enum nsf_azure_step nsf_azure_step_of(struct nsf_slice prefix, int *year);

#endif

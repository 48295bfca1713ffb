#include "core/nsf_common.h"

#include "evidence/source_sum.h"

#include "core/clock.h"
#include "evidence/connection.h"

void nsf_source_sum_join(struct nsf_source_sum *sum, const struct nsf_source_sum *more)
{
    sum->sources += more->sources;
    sum->late_senders += more->late_senders;
    sum->connections += more->connections;
    sum->attempts += more->attempts;
    sum->tuples += more->tuples;
    for (size_t i = 0; i < NSF_CLASSES; i++)
        sum->classes[i] += more->classes[i];
    sum->with_counters += more->with_counters;
    nsf_counters_add(&sum->counters, &more->counters);
    if (more->first_ms < sum->first_ms)
        sum->first_ms = more->first_ms;
    if (more->last_ms > sum->last_ms)
        sum->last_ms = more->last_ms;
}

void nsf_source_sum_row(const struct nsf_source_sum *sum, struct nsf_mail_source *source)
{
    *source = (struct nsf_mail_source){
        .is_rest = true,
        .n_merged = sum->sources,
        .connections = sum->connections,
        .attempts = sum->attempts,
        .tuples = sum->tuples,
        .has_counters = sum->with_counters > 0,
        .counters = sum->counters,
        .first_ms = sum->first_ms,
        .last_ms = sum->last_ms,
    };
    memcpy(source->classes, sum->classes, sizeof(source->classes));
}

void nsf_source_sum_traffic(const struct nsf_source_sum *sum, struct nsf_traffic *traffic)
{
    *traffic = (struct nsf_traffic){
        .connections = sum->connections,
        .attempts = sum->attempts,
        .tuples = sum->tuples,
        .sources = sum->sources,
        .with_counters = sum->with_counters,
        .has_counters = sum->with_counters > 0,
        .counters = sum->counters,
        .first_ms = sum->tuples == 0 ? NSF_TS_NONE : sum->first_ms,
        .last_ms = sum->tuples == 0 ? NSF_TS_NONE : sum->last_ms,
    };
    memcpy(traffic->classes, sum->classes, sizeof(traffic->classes));
}

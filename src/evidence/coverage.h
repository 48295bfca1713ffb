/*
 * coverage.h - which hours of which NICs the logs show, so that "no traffic" and "no log" are two answers.
 *
 * An hour counts as seen when the NIC has a record in it; or when the NIC has records within 24 h on both sides and
 * another NIC of the same flow log has records in that hour, since no traffic writes no file.
 *
 * One thread at a time.
 */
#ifndef NSF_COVERAGE_H
#define NSF_COVERAGE_H

#include "core/arena.h"
#include "core/index.h"
#include "core/pairset.h"
#include "evidence/review.h"

/* A NIC as one flow log sees it, and the hours (since 1970) with a record. */
struct nsf_seen {
    uint32_t flow_log_id;
    uint32_t nic_id;
    int64_t *hours; /* in order of arrival, distinct; sorted by nsf_hours_finish */
    size_t n_hours;
    size_t capacity;
    int64_t last_hour; /* the hour of the record before, nearly always the same */
};

/* The hours in which a flow log has a record of any NIC. */
struct nsf_log_hours {
    uint32_t flow_log_id;
    int64_t *hours; /* sorted, distinct */
    size_t n_hours;
};

struct nsf_hours {
    struct nsf_seen *seen; /* by NIC once finished */
    size_t seen_capacity;
    uint32_t n_seen;
    struct nsf_index by_key;
    struct nsf_log_hours *logs; /* by flow log; made by nsf_hours_finish */
    uint32_t n_logs;
    int64_t first_ms; /* of all record times; NSF_TS_NONE: none */
    int64_t last_ms;
};

void nsf_hours_init(struct nsf_hours *hours);
void nsf_hours_release(struct nsf_hours *hours);
/* A record of the NIC in the flow log. NSF_TS_NONE is passed over. */
void nsf_hours_add(struct nsf_hours *hours, uint32_t flow_log_id, uint32_t nic_id, int64_t time_ms);
/* Sorts; nothing is added afterwards. */
void nsf_hours_finish(struct nsf_hours *hours);

struct nsf_nic_coverage {
    uint64_t hours_seen;
    bool is_logged;
};

/* Hours [from, to) of one NIC: appends its gaps to *gaps (named `nic`) and counts what was seen. */
struct nsf_nic_coverage nsf_hours_of_nic(const struct nsf_hours *hours, uint32_t nic_id, struct nsf_slice nic, int64_t from,
                                         int64_t to, struct nsf_gap **gaps, size_t *n_gaps, size_t *capacity);

#endif

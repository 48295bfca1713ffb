/*
 * marks.h - what kinds of tuples a virtual network flow log holds. Such logs can be filtered where they are made (by
 * flow state, port, action); what a log of plenty of traffic never shows was most likely left out, and then "nothing
 * was seen" proves nothing. Everything added commutes. One thread at a time.
 */
#ifndef NSF_MARKS_H
#define NSF_MARKS_H

#include "core/mem.h"
#include "core/pairset.h"
#include "evidence/review.h"
#include "flow/flow.h"

/* Distinct sources are counted up to here, in each partition. */
#define NSF_MARKED_SOURCES_MAX 64u

struct nsf_log_marks {
    uint64_t allowed;
    uint64_t denied;
    uint64_t begins;    /* of mail, both ways */
    uint64_t follows;   /* states C and E, which carry the counters */
    uint32_t n_sources; /* public addresses on other ports */
    bool has_port_25;
};

struct nsf_marks {
    struct nsf_log_marks *items; /* by flow log */
    size_t capacity;
    uint32_t n;
    struct nsf_pairset sources;
};

void nsf_marks_release(struct nsf_marks *marks);
void nsf_marks_contacts(struct nsf_marks *marks, uint32_t flow_log_id, const struct nsf_contact *contacts, size_t n);
void nsf_marks_wide_contact(struct nsf_marks *marks, uint32_t flow_log_id, const struct nsf_wide_contact *contact);
void nsf_marks_mail(struct nsf_marks *marks, uint32_t flow_log_id, const struct nsf_mail_event *event);
/* Adds the marks of one flow log to *sum. */
void nsf_marks_join(const struct nsf_marks *marks, uint32_t flow_log_id, struct nsf_log_marks *sum);

/* What a flow log with these marks lacks and should not; `tuples` are all good ones that were read of it. */
void nsf_marks_judge(const struct nsf_log_marks *marks, uint64_t tuples, bool lacks[NSF_LACKS]);

#endif

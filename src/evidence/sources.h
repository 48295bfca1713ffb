/*
 * sources.h - what every source did under every rule, exactly and compactly.
 *
 * A row belongs to one (target, source) pair; a target is a finding or a row of what joined nothing. Rows are added to;
 * their numbers change only when too many of them are folded. A row costs about 72 bytes with its slot, and what its
 * connections looked like 16 more from the second one on. Everything added commutes, so the order of connections does
 * not matter.
 *
 * One table belongs to one partition: one thread at a time.
 */
#ifndef NSF_SOURCES_H
#define NSF_SOURCES_H

#include "core/index.h"
#include "core/pairset.h"
#include "core/slim_index.h"
#include "evidence/addresses.h"
#include "evidence/connection.h"
#include "evidence/journal.h"
#include "evidence/source_row.h"
#include "evidence/source_sum.h"
#include "evidence/traits.h"

/* Connections of one target by UTC day of their first counted stamp. */
struct nsf_target_day {
    int64_t day;
    uint32_t target;
    uint64_t connections;
    uint64_t messages;
    bool is_touched; /* some counted tuple lies in it */
};

/* Rows while reading are bounded: past max_rows those of lowest rank are folded into sums, down to keep_rows, and no
 * row of such a rank is added any more. That bound only falls, so a row that is there at the end was there all the
 * time. But who sends a first message after having been folded gets a row from then on, which lacks what is in the sum;
 * how many these are is counted. Totals, days and distinct sources stay exact as long as `known` has room.
 *
 * Findings have one bound, what joined nothing another one of the same size. All of it follows from the order of the
 * connections, which is that of the run, and from nothing else. */
struct nsf_sources_limit {
    uint32_t n_findings; /* targets below are findings */
    uint32_t max_rows;   /* 0: no bound */
    uint32_t keep_rows;
    uint32_t n_rows[2];          /* of findings; of what joined nothing */
    uint64_t rank_max[2];        /* of rows that may be added */
    struct nsf_source_sum *sums; /* by target */
    size_t sums_capacity;
    uint32_t n_sums;
    struct nsf_pairset known; /* sources that are in the sums */
    uint32_t max_known;
    bool is_at_least; /* there were more than could be remembered: `sources` of the sums are too low */
};

struct nsf_sources {
    uint64_t seed;
    struct nsf_sources_limit limit;
    struct nsf_source_rows rows;
    struct nsf_slim_index by_key;
    struct nsf_addresses addresses;      /* own ones */
    struct nsf_pairset row_destinations; /* rows with many destinations: (row, address id); until finished */
    uint32_t *destinations; /* those, once finished: of each row how many, then the ids ascending by address */
    struct nsf_target_day *target_days;
    size_t target_days_capacity;
    uint32_t n_target_days;
    uint32_t last_target_day; /* asked for last: connections come by day */
    struct nsf_index by_target_day;
    struct nsf_journal journal;
    bool *is_speaking; /* by id of own addresses, n_speaking of them: some server spoke SMTP there, or may have */
    size_t is_speaking_capacity;
    uint32_t n_speaking;
};

/* One finished connection. */
struct nsf_finished {
    struct nsf_ip src;
    uint32_t dst_id; /* in the table's addresses */
    uint32_t target;
    uint32_t hash;    /* nsf_sources_hash of target and src */
    uint32_t row_idx; /* nsf_sources_expect_row: nearly always the one */
    uint16_t src_port;
    uint16_t nic; /* that let it in: NSF_TRAIT_NIC */
    enum nsf_connection_class class_;
    const struct nsf_connection *connection; /* with at least one counted tuple */
};

void nsf_sources_init(struct nsf_sources *sources, uint64_t seed);
void nsf_sources_release(struct nsf_sources *sources);
/* Before anything is added: `max_sources` of all partitions, 0: no bound. */
void nsf_sources_set_limit(struct nsf_sources *sources, uint32_t n_findings, uint64_t max_sources);
void nsf_sources_add(struct nsf_sources *sources, const struct nsf_finished *finished);
/* What was folded under a target; NULL: nothing. */
const struct nsf_source_sum *nsf_sources_folded(const struct nsf_sources *sources, uint32_t target);
/* Adds one row to a sum. */
void nsf_sources_sum_row(const struct nsf_sources *sources, const struct nsf_source_row *row,
                         struct nsf_source_sum *sum);
uint32_t nsf_sources_hash(const struct nsf_sources *sources, uint32_t target, struct nsf_ip src);
/* The three steps that bring what nsf_sources_add will touch into the cache, each some time after the one before. */
void nsf_sources_expect(const struct nsf_sources *sources, uint32_t hash);
void nsf_sources_expect_row(const struct nsf_sources *sources, struct nsf_finished *finished);
void nsf_sources_expect_traits(const struct nsf_sources *sources, const struct nsf_finished *finished);
static inline struct nsf_source_row *nsf_sources_row(const struct nsf_sources *sources, uint32_t row_idx)
{
    return nsf_source_rows_get(&sources->rows, row_idx);
}
/* Row of (target, src), or NSF_INDEX_NONE. */
uint32_t nsf_sources_find(const struct nsf_sources *sources, uint32_t target, struct nsf_ip src);

/* Nothing is added from here on, and what follows may be asked, by any thread. */
void nsf_sources_finish(struct nsf_sources *sources);

/* The destinations of a row, ascending by address: how many, and the i-th of them, as an id of the table's addresses.
 */
uint32_t nsf_sources_n_destinations(const struct nsf_sources *sources, const struct nsf_source_row *row);
uint32_t nsf_sources_destination(const struct nsf_sources *sources, const struct nsf_source_row *row, uint32_t i);
/* Fills the destinations of a row: the smallest, ascending, and how many more there are. */
void nsf_sources_destinations(const struct nsf_sources *sources, uint32_t row_idx, struct nsf_mail_source *source);
/* A part of the traits of a row, in *scratch, which the caller frees with nsf_free in the end. */
const struct nsf_traits *nsf_sources_traits(const struct nsf_sources *sources, uint32_t row_idx,
                                            enum nsf_traits_part part, struct nsf_traits **scratch);
static inline bool nsf_sources_is_speaking(const struct nsf_sources *sources, uint32_t dst_id)
{
    return dst_id < sources->n_speaking && sources->is_speaking[dst_id];
}

/* Of a row: nsf_source_rank. */
uint64_t nsf_sources_rank(const struct nsf_sources *sources, const struct nsf_source_row *row);

/* For sources_fold.c and sources.c only. */
/* Whether a connection whose source has no row under its target gets one; else it is in the sum. */
bool nsf_sources_admit(struct nsf_sources *sources, const struct nsf_finished *finished);
/* The index of all rows, after their numbers changed. */
void nsf_sources_rebuild_index(struct nsf_sources *sources);
void nsf_sources_limit_release(struct nsf_sources_limit *limit);

#endif

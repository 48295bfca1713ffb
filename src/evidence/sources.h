/*
 * sources.h - what every source did under every rule, exactly and compactly.
 *
 * A row belongs to one (target, source) pair; a target is a finding or a row of what joined nothing. Rows are added to,
 * never removed, and keep their number. A row costs about 110 bytes; days and destinations of the few sources with more
 * than one of each cost extra. Everything added commutes, so the order of connections does not matter.
 *
 * One table belongs to one partition: one thread at a time.
 */
#ifndef NSF_SOURCES_H
#define NSF_SOURCES_H

#include "core/index.h"
#include "core/pairset.h"
#include "evidence/connection.h"
#include "evidence/traits.h"

#define NSF_SOURCE_ROWS_PER_BLOCK 4096u

struct nsf_source_row {
    struct nsf_ip src;
    uint32_t target;
    uint32_t connections;
    uint32_t attempts;
    uint32_t tuples;
    uint32_t classes[NSF_CLASSES];
    uint32_t with_counters;     /* connections */
    uint32_t first_destination; /* id in the table's addresses */
    uint32_t n_destinations;
    uint32_t days;
    uint32_t
        port_or_traits; /* the source port of the only connection; with more of them, its row in the table's traits */
    int64_t first_ms;
    int64_t last_ms;
    struct nsf_counters counters;
};

/* Connections of one target by UTC day of their first counted stamp. */
struct nsf_target_day {
    int64_t day;
    uint32_t target;
    uint64_t connections;
    uint64_t messages;
    bool is_touched; /* some counted tuple lies in it */
};

struct nsf_sources {
    uint64_t seed;
    struct nsf_source_row **blocks;
    size_t blocks_capacity;
    uint32_t n_rows;
    struct nsf_index rows;
    struct nsf_ip *addresses; /* own addresses, interned */
    size_t addresses_capacity;
    uint32_t n_addresses;
    struct nsf_index by_address;
    struct nsf_pairset row_days;         /* rows that touched more than one day: (row, day) */
    struct nsf_pairset row_destinations; /* rows with more than one destination: (row, address id) */
    struct nsf_target_day *target_days;
    size_t target_days_capacity;
    uint32_t n_target_days;
    struct nsf_index by_target_day;
    struct nsf_traits **traits; /* of rows with more than one connection */
    size_t traits_capacity;
    uint32_t n_traits;
    struct nsf_pairset speaking; /* ids of own addresses where some server spoke SMTP, or may have */
};

/* One finished connection. */
struct nsf_finished {
    struct nsf_ip src;
    struct nsf_ip dst;
    uint32_t target;
    uint16_t src_port;
    enum nsf_connection_class class_;
    const struct nsf_connection *connection; /* with at least one counted tuple */
};

void nsf_sources_init(struct nsf_sources *sources, uint64_t seed);
void nsf_sources_release(struct nsf_sources *sources);
void nsf_sources_add(struct nsf_sources *sources, const struct nsf_finished *finished);
static inline struct nsf_source_row *nsf_sources_row(const struct nsf_sources *sources, uint32_t row_idx)
{
    return &sources->blocks[row_idx / NSF_SOURCE_ROWS_PER_BLOCK][row_idx % NSF_SOURCE_ROWS_PER_BLOCK];
}
/* Row of (target, src), or NSF_INDEX_NONE. */
uint32_t nsf_sources_find(const struct nsf_sources *sources, uint32_t target, struct nsf_ip src);
/* Fills the destinations of a row: the smallest, ascending, and how many more there are. */
void nsf_sources_destinations(const struct nsf_sources *sources, uint32_t row_idx, struct nsf_mail_source *source);
/* Joins the traits of a row to *traits. */
void nsf_sources_traits(const struct nsf_sources *sources, uint32_t row_idx, struct nsf_traits **traits);
uint32_t nsf_sources_address_id(struct nsf_sources *sources, struct nsf_ip address);

#endif

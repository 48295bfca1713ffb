#include "core/nsf_common.h"

#include "evidence/sources.h"

#include "core/clock.h"
#include "core/compare.h"

/* Of a source's traits: most blocks are no longer. */
#define SOURCES_TRAITS_AHEAD 192

void nsf_sources_init(struct nsf_sources *sources, uint64_t seed)
{
    *sources = (struct nsf_sources){.seed = seed, .last_speaking = NSF_INDEX_NONE};
    nsf_addresses_init(&sources->addresses, seed);
    nsf_sources_limit_release(&sources->limit);
}

void nsf_sources_release(struct nsf_sources *sources)
{
    for (uint32_t i = 0; i < sources->n_rows; i += NSF_SOURCE_ROWS_PER_BLOCK)
        nsf_free(sources->blocks[i / NSF_SOURCE_ROWS_PER_BLOCK]);
    nsf_free(sources->blocks);
    nsf_slim_index_release(&sources->rows);
    nsf_free(sources->large_counters);
    nsf_addresses_release(&sources->addresses);
    nsf_pairset_release(&sources->row_days);
    nsf_pairset_release(&sources->row_destinations);
    nsf_free(sources->destinations);
    nsf_free(sources->target_days);
    nsf_index_release(&sources->by_target_day);
    for (uint32_t i = 0; i < sources->n_traits; i++)
        nsf_free(sources->traits[i]);
    nsf_free(sources->traits);
    nsf_journal_release(&sources->journal);
    nsf_sources_limit_release(&sources->limit);
    nsf_pairset_release(&sources->speaking);
    nsf_sources_init(sources, sources->seed);
}

uint32_t nsf_sources_hash(const struct nsf_sources *sources, uint32_t target, struct nsf_ip src)
{
    return nsf_ip_hash(src, sources->seed + target);
}

static uint32_t find_row(const struct nsf_sources *sources, uint32_t hash, uint32_t target, struct nsf_ip src)
{
    uint32_t probe = hash, idx;
    while ((idx = nsf_slim_index_next(&sources->rows, hash, &probe)) != NSF_INDEX_NONE) {
        const struct nsf_source_row *row = nsf_sources_row(sources, idx);
        if (row->target == target && nsf_ip_eq(row->src, src))
            return idx;
    }
    return NSF_INDEX_NONE;
}

uint32_t nsf_sources_find(const struct nsf_sources *sources, uint32_t target, struct nsf_ip src)
{
    return find_row(sources, nsf_sources_hash(sources, target, src), target, src);
}

void nsf_sources_expect(const struct nsf_sources *sources, uint32_t hash)
{
    nsf_slim_index_expect(&sources->rows, hash);
}

void nsf_sources_expect_row(const struct nsf_sources *sources, uint32_t hash)
{
    uint32_t idx = nsf_slim_index_guess(&sources->rows, hash);
    if (idx == NSF_INDEX_NONE)
        return;
    const char *row = (const char *)nsf_sources_row(sources, idx);
    __builtin_prefetch(row, 1);
    __builtin_prefetch(row + sizeof(struct nsf_source_row) - 1, 1);
}

void nsf_sources_expect_traits(const struct nsf_sources *sources, uint32_t hash)
{
    uint32_t idx = nsf_slim_index_guess(&sources->rows, hash);
    if (idx == NSF_INDEX_NONE)
        return;
    const struct nsf_source_row *row = nsf_sources_row(sources, idx);
    if (nsf_source_row_has_traits(row)) {
        const char *traits = (const char *)sources->traits[row->port_or_traits];
        for (size_t at = 0; at < SOURCES_TRAITS_AHEAD; at += 64)
            __builtin_prefetch(traits + at, 1);
    } else if (row->connections > 1) {
        __builtin_prefetch(nsf_journal_entries(&sources->journal, row->port_or_traits, row->connections), 1);
    }
}

static void rebuild_index(struct nsf_sources *sources)
{
    nsf_slim_index_rebuild(&sources->rows, sources->n_rows + 1, sources->n_rows + 1);
    for (uint32_t idx = 0; idx < sources->n_rows; idx++) {
        const struct nsf_source_row *row = nsf_sources_row(sources, idx);
        nsf_slim_index_add(&sources->rows, nsf_sources_hash(sources, row->target, row->src), idx);
    }
}

void nsf_sources_shrink(struct nsf_sources *sources, uint32_t n_rows)
{
    size_t n_left = (n_rows + NSF_SOURCE_ROWS_PER_BLOCK - 1) / NSF_SOURCE_ROWS_PER_BLOCK;
    size_t n_blocks = (sources->n_rows + NSF_SOURCE_ROWS_PER_BLOCK - 1) / NSF_SOURCE_ROWS_PER_BLOCK;
    for (size_t i = n_left; i < n_blocks; i++)
        nsf_free(sources->blocks[i]);
    sources->n_rows = n_rows;
    rebuild_index(sources);
}

static uint32_t add_row(struct nsf_sources *sources, uint32_t hash, uint32_t target, struct nsf_ip src)
{
    uint32_t idx = sources->n_rows;
    size_t block = idx / NSF_SOURCE_ROWS_PER_BLOCK;
    if (!nsf_slim_index_has_room(&sources->rows, idx))
        rebuild_index(sources);
    if (idx % NSF_SOURCE_ROWS_PER_BLOCK == 0) {
        NSF_GROW(sources->blocks, sources->blocks_capacity, block + 1);
        sources->blocks[block] = nsf_malloc(NSF_SOURCE_ROWS_PER_BLOCK * sizeof(struct nsf_source_row));
    }
    sources->n_rows++;
    *nsf_sources_row(sources, idx) = (struct nsf_source_row){.src = src, .target = target};
    nsf_slim_index_add(&sources->rows, hash, idx);
    return idx;
}

static struct nsf_target_day *target_day(struct nsf_sources *sources, uint32_t target, int64_t day)
{
    if (sources->last_target_day < sources->n_target_days) {
        struct nsf_target_day *last = &sources->target_days[sources->last_target_day];
        if (last->target == target && last->day == day)
            return last;
    }
    uint32_t hash = (uint32_t)nsf_hash_mix((uint64_t)day, sources->seed + target), probe = hash, idx;
    while ((idx = nsf_index_next(&sources->by_target_day, hash, &probe)) != NSF_INDEX_NONE)
        if (sources->target_days[idx].target == target && sources->target_days[idx].day == day) {
            sources->last_target_day = idx;
            return &sources->target_days[idx];
        }
    NSF_GROW(sources->target_days, sources->target_days_capacity, (size_t)sources->n_target_days + 1);
    idx = sources->n_target_days++;
    sources->target_days[idx] = (struct nsf_target_day){.day = day, .target = target};
    nsf_index_add(&sources->by_target_day, hash, idx);
    return &sources->target_days[idx];
}

/* The days of a connection are all those between its first and last stamp, since no gap in it is as long as a day. */
static void add_days(struct nsf_sources *sources, uint32_t row_idx, struct nsf_source_row *row, int64_t from_ms,
                     int64_t to_ms)
{
    int64_t from = nsf_time_day(from_ms), to = nsf_time_day(to_ms);
    if (row->days == 0 && from == to) {
        row->days = 1;
        return;
    }
    int64_t only = nsf_time_day(nsf_source_row_first_ms(row));
    if (row->days == 1 && only == from && from == to)
        return;
    if (row->days == 1)
        nsf_pairset_add(&sources->row_days, nsf_pair(row_idx, (uint32_t)only));
    for (int64_t day = from; day <= to; day++)
        row->days += nsf_pairset_add(&sources->row_days, nsf_pair(row_idx, (uint32_t)day));
}

static void add_target_days(struct nsf_sources *sources, const struct nsf_finished *finished)
{
    int64_t from = nsf_time_day(finished->connection->counted_from_ms);
    int64_t to = nsf_time_day(finished->connection->counted_to_ms);
    for (int64_t day = to; day > from; day--)
        target_day(sources, finished->target, day)->is_touched = true;
    struct nsf_target_day *first = target_day(sources, finished->target, from);
    first->is_touched = true;
    first->connections++;
    first->messages += finished->class_ == NSF_CLASS_MESSAGE;
}

/* Where a server answered with more than a handshake; without counters nobody can tell. */
static bool is_speaking(enum nsf_connection_class class_)
{
    return class_ != NSF_CLASS_NO_REPLY && class_ != NSF_CLASS_TOUCH;
}

static void note_speaking(struct nsf_sources *sources, const struct nsf_finished *finished)
{
    if (!is_speaking(finished->class_) || finished->dst_id == sources->last_speaking)
        return;
    nsf_pairset_add(&sources->speaking, finished->dst_id);
    sources->last_speaking = finished->dst_id;
}

static void add_destination(struct nsf_sources *sources, uint32_t row_idx, struct nsf_source_row *row, uint32_t id)
{
    if (row->n_destinations == 0) {
        row->first_destination = id;
        row->n_destinations = 1;
        return;
    }
    if (row->n_destinations == 1) {
        if (row->first_destination == id)
            return;
        nsf_pairset_add(&sources->row_destinations, nsf_pair(row_idx, row->first_destination));
    }
    row->n_destinations += nsf_pairset_add(&sources->row_destinations, nsf_pair(row_idx, id));
}

/* The class of a row's only connection. */
static enum nsf_connection_class only_class(const struct nsf_source_row *row)
{
    enum nsf_connection_class class_ = NSF_CLASS_UNKNOWN;
    while (nsf_source_row_class(row, class_) == 0)
        class_++;
    return class_;
}

static void note_in_journal(struct nsf_sources *sources, struct nsf_source_row *row,
                            const struct nsf_finished *finished)
{
    uint32_t list = row->port_or_traits;
    if (row->connections == 1)
        nsf_journal_add(&sources->journal, &list, 0, only_class(row), nsf_source_row_first_ms(row), (uint16_t)list);
    nsf_journal_add(&sources->journal, &list, row->connections, finished->class_, finished->connection->counted_from_ms,
                    finished->src_port);
    row->port_or_traits = list;
}

static void make_traits(struct nsf_sources *sources, struct nsf_source_row *row)
{
    NSF_GROW(sources->traits, sources->traits_capacity, (size_t)sources->n_traits + 1);
    sources->traits[sources->n_traits] = NULL;
    nsf_journal_read(&sources->journal, row->port_or_traits, row->connections, &sources->traits[sources->n_traits]);
    nsf_journal_drop(&sources->journal, row->port_or_traits, row->connections);
    row->port_or_traits = sources->n_traits++;
}

/* Before the connection is counted. */
static void add_traits(struct nsf_sources *sources, struct nsf_source_row *row, const struct nsf_finished *finished)
{
    if (row->connections == 0) {
        row->port_or_traits = finished->src_port;
        return;
    }
    if (row->connections < NSF_JOURNAL_MANY) {
        note_in_journal(sources, row, finished);
        return;
    }
    if (row->connections == NSF_JOURNAL_MANY)
        make_traits(sources, row);
    nsf_traits_add(&sources->traits[row->port_or_traits], finished->class_, finished->connection->counted_from_ms,
                   finished->src_port);
}

const struct nsf_traits *nsf_sources_traits(const struct nsf_sources *sources, uint32_t row_idx,
                                            struct nsf_traits **scratch)
{
    const struct nsf_source_row *row = nsf_sources_row(sources, row_idx);
    if (nsf_source_row_has_traits(row))
        return sources->traits[row->port_or_traits];
    nsf_traits_reset(*scratch);
    if (row->connections == 1)
        nsf_traits_add(scratch, only_class(row), nsf_source_row_first_ms(row), (uint16_t)row->port_or_traits);
    else
        nsf_journal_read(&sources->journal, row->port_or_traits, row->connections, scratch);
    return *scratch;
}

static void set_stamps(struct nsf_source_row *row, int64_t first_ms, int64_t last_ms)
{
    row->first_low = (uint32_t)first_ms;
    row->first_high = (uint16_t)((uint64_t)first_ms >> 32);
    row->last_low = (uint32_t)last_ms;
    row->last_high = (uint16_t)((uint64_t)last_ms >> 32);
}

static void add_stamps(struct nsf_source_row *row, int64_t from_ms, int64_t to_ms)
{
    int64_t first_ms = nsf_source_row_first_ms(row), last_ms = nsf_source_row_last_ms(row);
    if (row->connections == 1)
        set_stamps(row, from_ms, to_ms);
    else
        set_stamps(row, from_ms < first_ms ? from_ms : first_ms, to_ms > last_ms ? to_ms : last_ms);
}

static bool has_large_counters(const struct nsf_source_row *row)
{
    return row->counters[0] == NSF_SOURCE_COUNTERS_LARGE;
}

struct nsf_counters nsf_sources_counters(const struct nsf_sources *sources, const struct nsf_source_row *row)
{
    if (has_large_counters(row))
        return sources->large_counters[row->counters[1]];
    return (struct nsf_counters){row->counters[0], row->counters[1], row->counters[2], row->counters[3]};
}

static bool is_small(const struct nsf_counters *counters)
{
    return (counters->packets_in | counters->bytes_in | counters->packets_out | counters->bytes_out) < UINT32_MAX;
}

static void add_counters(struct nsf_sources *sources, struct nsf_source_row *row, const struct nsf_counters *more)
{
    struct nsf_counters sum = nsf_sources_counters(sources, row);
    nsf_counters_add(&sum, more);
    if (has_large_counters(row)) {
        sources->large_counters[row->counters[1]] = sum;
    } else if (is_small(&sum)) {
        row->counters[0] = (uint32_t)sum.packets_in;
        row->counters[1] = (uint32_t)sum.bytes_in;
        row->counters[2] = (uint32_t)sum.packets_out;
        row->counters[3] = (uint32_t)sum.bytes_out;
    } else {
        NSF_GROW(sources->large_counters, sources->large_counters_capacity, (size_t)sources->n_large_counters + 1);
        row->counters[0] = NSF_SOURCE_COUNTERS_LARGE;
        row->counters[1] = sources->n_large_counters;
        sources->large_counters[sources->n_large_counters++] = sum;
    }
}

static void add_to_row(struct nsf_sources *sources, uint32_t row_idx, const struct nsf_finished *finished)
{
    const struct nsf_connection *connection = finished->connection;
    struct nsf_source_row *row = nsf_sources_row(sources, row_idx);
    add_traits(sources, row, finished);
    row->connections++;
    row->attempts += connection->attempts;
    row->tuples += connection->tuples;
    if (finished->class_ != NSF_CLASS_UNKNOWN)
        row->known_classes[finished->class_ - 1]++;
    if (connection->has_counters) {
        row->with_counters++;
        add_counters(sources, row, &connection->total);
    }
    add_days(sources, row_idx, row, connection->counted_from_ms, connection->counted_to_ms);
    add_stamps(row, connection->counted_from_ms, connection->counted_to_ms);
    add_destination(sources, row_idx, row, finished->dst_id);
}

void nsf_sources_add(struct nsf_sources *sources, const struct nsf_finished *finished)
{
    add_target_days(sources, finished);
    note_speaking(sources, finished);
    uint32_t row_idx = find_row(sources, finished->hash, finished->target, finished->src);
    if (row_idx == NSF_INDEX_NONE && nsf_sources_admit(sources, finished))
        row_idx = add_row(sources, finished->hash, finished->target, finished->src);
    if (row_idx != NSF_INDEX_NONE)
        add_to_row(sources, row_idx, finished);
}

/* ---- destinations ---- */

static int cmp_addresses(const void *left, const void *right, void *ctx)
{
    const struct nsf_addresses *addresses = ctx;
    return nsf_ip_cmp(addresses->items[*(const uint32_t *)left], addresses->items[*(const uint32_t *)right]);
}

/* Ids ascending by address. */
static uint32_t *sorted_addresses(struct nsf_addresses *addresses)
{
    uint32_t *ids = nsf_malloc(nsf_mul_size((size_t)addresses->n + 1, sizeof(*ids)));
    for (uint32_t id = 0; id < addresses->n; id++)
        ids[id] = id;
    if (addresses->n > 1)
        qsort_r(ids, addresses->n, sizeof(*ids), cmp_addresses, addresses);
    return ids;
}

/* The set becomes a list of its pairs, sorted by row, then address: a row has its destinations side by side. */
static void sort_destinations(struct nsf_sources *sources)
{
    struct nsf_pairset *set = &sources->row_destinations;
    uint32_t *ids = sorted_addresses(&sources->addresses), n = 0, row_idx = UINT32_MAX;
    uint32_t *ranks = nsf_malloc(nsf_mul_size((size_t)sources->addresses.n + 1, sizeof(*ranks)));
    for (uint32_t rank = 0; rank < sources->addresses.n; rank++)
        ranks[ids[rank]] = rank;
    for (uint32_t s = 0; s <= set->mask; s++)
        if (set->slots[s] != 0) {
            uint64_t pair = set->slots[s] - 1;
            set->slots[n++] = nsf_pair((uint32_t)(pair >> 32), ranks[(uint32_t)pair]);
        }
    qsort(set->slots, n, sizeof(*set->slots), nsf_cmp_u64);
    sources->destinations = nsf_malloc(nsf_mul_size(n, sizeof(*sources->destinations)));
    for (uint32_t i = 0; i < n; i++) {
        sources->destinations[i] = ids[(uint32_t)set->slots[i]];
        if ((uint32_t)(set->slots[i] >> 32) == row_idx)
            continue;
        row_idx = (uint32_t)(set->slots[i] >> 32);
        nsf_sources_row(sources, row_idx)->first_destination = i;
    }
    nsf_free(ids);
    nsf_free(ranks);
    nsf_pairset_release(set);
}

void nsf_sources_finish(struct nsf_sources *sources)
{
    if (sources->row_destinations.n > 0)
        sort_destinations(sources);
}

void nsf_sources_destinations(const struct nsf_sources *sources, uint32_t row_idx, struct nsf_mail_source *source)
{
    const struct nsf_source_row *row = nsf_sources_row(sources, row_idx);
    uint32_t n = row->n_destinations < NSF_DESTINATIONS_MAX ? row->n_destinations : NSF_DESTINATIONS_MAX;
    for (uint32_t i = 0; i < n; i++)
        source->destinations[i] = sources->addresses.items[nsf_sources_destination(sources, row, i)];
    source->n_destinations = n;
    source->destinations_more = row->n_destinations - n;
}

#include "core/nsf_common.h"

#include "evidence/sources.h"

#include "core/clock.h"
#include "core/compare.h"

/* Rows whose notes are fetched while one is read. */
#define READ_AHEAD 4u

void nsf_sources_init(struct nsf_sources *sources, uint64_t seed)
{
    *sources = (struct nsf_sources){.seed = seed};
    nsf_addresses_init(&sources->addresses, seed);
    nsf_sources_limit_release(&sources->limit);
}

void nsf_sources_release(struct nsf_sources *sources)
{
    nsf_source_rows_release(&sources->rows);
    nsf_slim_index_release(&sources->by_key);
    nsf_addresses_release(&sources->addresses);
    nsf_pairset_release(&sources->row_destinations);
    nsf_free(sources->destinations);
    nsf_free(sources->target_days);
    nsf_index_release(&sources->by_target_day);
    nsf_journal_release(&sources->journal);
    nsf_sources_limit_release(&sources->limit);
    nsf_free(sources->is_speaking);
    nsf_sources_init(sources, sources->seed);
}

uint32_t nsf_sources_hash(const struct nsf_sources *sources, uint32_t target, struct nsf_ip src)
{
    return nsf_ip_hash(src, sources->seed + target);
}

static uint32_t find_row(const struct nsf_sources *sources, uint32_t hash, uint32_t target, struct nsf_ip src)
{
    uint32_t probe = hash, idx;
    while ((idx = nsf_slim_index_next(&sources->by_key, hash, &probe)) != NSF_INDEX_NONE)
        if (nsf_source_row_is_of(&sources->rows, nsf_sources_row(sources, idx), target, src))
            return idx;
    return NSF_INDEX_NONE;
}

uint32_t nsf_sources_find(const struct nsf_sources *sources, uint32_t target, struct nsf_ip src)
{
    return find_row(sources, nsf_sources_hash(sources, target, src), target, src);
}

void nsf_sources_expect(const struct nsf_sources *sources, uint32_t hash)
{
    nsf_slim_index_expect(&sources->by_key, hash);
}

void nsf_sources_expect_row(const struct nsf_sources *sources, struct nsf_finished *finished)
{
    finished->row_idx = nsf_slim_index_guess(&sources->by_key, finished->hash);
    if (finished->row_idx != NSF_INDEX_NONE)
        __builtin_prefetch(nsf_sources_row(sources, finished->row_idx), 1);
}

void nsf_sources_expect_traits(const struct nsf_sources *sources, const struct nsf_finished *finished)
{
    if (finished->row_idx == NSF_INDEX_NONE)
        return;
    const struct nsf_source_row *row = nsf_sources_row(sources, finished->row_idx);
    nsf_journal_expect(&sources->journal, row->past, nsf_source_row_connections(&sources->rows, row));
}

/* Rows may have been added and folded since it was expected. */
static uint32_t find_finished(const struct nsf_sources *sources, const struct nsf_finished *finished)
{
    uint32_t idx = finished->row_idx;
    if (NSF_LIKELY(idx < sources->rows.n && nsf_source_row_is_of(&sources->rows, nsf_sources_row(sources, idx),
                                                                 finished->target, finished->src)))
        return idx;
    return find_row(sources, finished->hash, finished->target, finished->src);
}

void nsf_sources_rebuild_index(struct nsf_sources *sources)
{
    uint32_t n_rows = sources->rows.n;
    nsf_slim_index_rebuild(&sources->by_key, n_rows + 1, n_rows + 1);
    for (uint32_t idx = 0; idx < n_rows; idx++) {
        const struct nsf_source_row *row = nsf_sources_row(sources, idx);
        struct nsf_ip src = nsf_source_row_src(&sources->rows, row);
        nsf_slim_index_add(&sources->by_key, nsf_sources_hash(sources, nsf_source_row_target(row), src), idx);
    }
}

static uint32_t add_row(struct nsf_sources *sources, uint32_t hash, uint32_t target, struct nsf_ip src)
{
    if (!nsf_slim_index_has_room(&sources->by_key, sources->rows.n))
        nsf_sources_rebuild_index(sources);
    uint32_t idx = nsf_source_rows_add(&sources->rows, target, src);
    nsf_slim_index_add(&sources->by_key, hash, idx);
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
    if (!is_speaking(finished->class_))
        return;
    NSF_GROW(sources->is_speaking, sources->is_speaking_capacity, (size_t)finished->dst_id + 1);
    while (sources->n_speaking <= finished->dst_id)
        sources->is_speaking[sources->n_speaking++] = false;
    sources->is_speaking[finished->dst_id] = true;
}

/* Too many for the row: they go to the set. */
static void move_destinations(struct nsf_sources *sources, uint32_t row_idx, struct nsf_source_row *row)
{
    for (uint32_t i = 0; i < row->n_destinations; i++)
        nsf_pairset_add(&sources->row_destinations, nsf_pair(row_idx, row->destinations.ids[i]));
    row->destinations.more = row->n_destinations;
    row->n_destinations = NSF_SOURCE_ROW_MANY;
}

static void add_destination(struct nsf_sources *sources, uint32_t row_idx, struct nsf_source_row *row, uint32_t id)
{
    uint32_t n = row->n_destinations;
    if (n != NSF_SOURCE_ROW_MANY) {
        for (uint32_t i = 0; i < n; i++)
            if (row->destinations.ids[i] == id)
                return;
        if (n < NSF_ARRAY_LEN(row->destinations.ids) && id <= UINT16_MAX) {
            row->destinations.ids[n] = (uint16_t)id;
            row->n_destinations++;
            return;
        }
        move_destinations(sources, row_idx, row);
    }
    row->destinations.more += nsf_pairset_add(&sources->row_destinations, nsf_pair(row_idx, id));
}

/* The class of a row's only connection. */
static enum nsf_connection_class only_class(const struct nsf_source_rows *rows, const struct nsf_source_row *row)
{
    enum nsf_connection_class class_ = NSF_CLASS_UNKNOWN;
    while (nsf_source_row_class(rows, row, class_) == 0)
        class_++;
    return class_;
}

/* While it has one. */
static struct nsf_trait_note only_note(const struct nsf_source_rows *rows, const struct nsf_source_row *row)
{
    struct nsf_trait_note only = {
        .seconds = nsf_trait_seconds(nsf_source_row_first_ms(rows, row)),
        .class_ = only_class(rows, row),
    };
    nsf_journal_read_only(row->past, &only);
    return only;
}

/* Before the connection is counted. */
static void note_connection(struct nsf_sources *sources, struct nsf_source_row *row,
                            const struct nsf_finished *finished)
{
    uint32_t n = nsf_source_row_connections(&sources->rows, row);
    struct nsf_trait_note note = {
        .seconds = nsf_trait_seconds(finished->connection->counted_from_ms),
        .src_port = finished->src_port,
        .nic = finished->nic,
        .class_ = finished->class_,
    };
    struct nsf_trait_note first = note;
    if (n == 1)
        first = only_note(&sources->rows, row);
    nsf_journal_add(&sources->journal, &row->past, n, &first, &note);
}

/* Whoever reads one row reads the next ones, and their notes lie anywhere. */
static void expect_notes(const struct nsf_sources *sources, uint32_t row_idx)
{
    if (row_idx >= sources->rows.n)
        return;
    const struct nsf_source_row *row = nsf_sources_row(sources, row_idx);
    nsf_journal_expect_read(&sources->journal, row->past, nsf_source_row_connections(&sources->rows, row));
}

const struct nsf_traits *nsf_sources_traits(const struct nsf_sources *sources, uint32_t row_idx,
                                            enum nsf_traits_part part, struct nsf_traits **scratch)
{
    const struct nsf_source_row *row = nsf_sources_row(sources, row_idx);
    uint32_t n = nsf_source_row_connections(&sources->rows, row);
    expect_notes(sources, row_idx + READ_AHEAD);
    nsf_traits_reset(*scratch);
    if (n == 1) {
        struct nsf_trait_note only = only_note(&sources->rows, row);
        nsf_traits_add_part(scratch, part, &only);
    } else {
        nsf_journal_read(&sources->journal, row->past, n, part, scratch);
    }
    return *scratch;
}

static void add_to_row(struct nsf_sources *sources, uint32_t row_idx, const struct nsf_finished *finished)
{
    struct nsf_source_row *row = nsf_sources_row(sources, row_idx);
    note_connection(sources, row, finished);
    nsf_source_rows_count(&sources->rows, row_idx, finished->connection, finished->class_);
    add_destination(sources, row_idx, row, finished->dst_id);
}

void nsf_sources_add(struct nsf_sources *sources, const struct nsf_finished *finished)
{
    add_target_days(sources, finished);
    note_speaking(sources, finished);
    uint32_t row_idx = find_finished(sources, finished);
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

/* Where the list of each row with many begins. Returns how long all lists are together. */
static size_t place_destinations(struct nsf_sources *sources)
{
    size_t n = 0;
    for (uint32_t i = 0; i < sources->rows.n; i++) {
        struct nsf_source_row *row = nsf_sources_row(sources, i);
        if (row->n_destinations != NSF_SOURCE_ROW_MANY)
            continue;
        size_t length = (size_t)row->destinations.more + 1;
        row->destinations.more = (uint32_t)n;
        n = nsf_add_size(n, length);
    }
    if (n > UINT32_MAX)
        nsf_mul_size(SIZE_MAX, 2); /* as when memory ends */
    return n;
}

/* From the set to the lists, as ranks of the addresses. */
static void fill_destinations(struct nsf_sources *sources, const uint32_t *ranks)
{
    const struct nsf_pairset *set = &sources->row_destinations;
    for (uint32_t s = 0; s <= set->mask; s++) {
        if (set->slots[s] == 0)
            continue;
        uint64_t pair = set->slots[s] - 1;
        uint32_t *list = sources->destinations + nsf_sources_row(sources, (uint32_t)(pair >> 32))->destinations.more;
        list[++list[0]] = ranks[(uint32_t)pair];
    }
}

static void sort_destinations(struct nsf_sources *sources)
{
    uint32_t n_addresses = sources->addresses.n;
    uint32_t *ids = sorted_addresses(&sources->addresses);
    uint32_t *ranks = nsf_malloc(nsf_mul_size((size_t)n_addresses + 1, sizeof(*ranks)));
    for (uint32_t rank = 0; rank < n_addresses; rank++)
        ranks[ids[rank]] = rank;
    size_t n = place_destinations(sources);
    sources->destinations = nsf_calloc(n, sizeof(*sources->destinations));
    fill_destinations(sources, ranks);
    for (size_t at = 0; at < n; at += (size_t)sources->destinations[at] + 1) {
        uint32_t *list = &sources->destinations[at + 1], length = list[-1];
        qsort(list, length, sizeof(*list), nsf_cmp_u32);
        for (uint32_t i = 0; i < length; i++)
            list[i] = ids[list[i]];
    }
    nsf_free(ids);
    nsf_free(ranks);
    nsf_pairset_release(&sources->row_destinations);
}

static void finish_journal(struct nsf_sources *sources)
{
    for (uint32_t i = 0; i < sources->rows.n; i++) {
        const struct nsf_source_row *row = nsf_sources_row(sources, i);
        nsf_journal_settle(&sources->journal, row->past, nsf_source_row_connections(&sources->rows, row));
    }
    nsf_journal_finish(&sources->journal);
}

void nsf_sources_finish(struct nsf_sources *sources)
{
    if (sources->row_destinations.n > 0)
        sort_destinations(sources);
    finish_journal(sources);
}

uint32_t nsf_sources_n_destinations(const struct nsf_sources *sources, const struct nsf_source_row *row)
{
    return row->n_destinations == NSF_SOURCE_ROW_MANY ? sources->destinations[row->destinations.more]
                                                      : row->n_destinations;
}

uint32_t nsf_sources_destination(const struct nsf_sources *sources, const struct nsf_source_row *row, uint32_t i)
{
    const struct nsf_ip *addresses = sources->addresses.items;
    const uint16_t *ids = row->destinations.ids;
    if (row->n_destinations == NSF_SOURCE_ROW_MANY)
        return sources->destinations[row->destinations.more + 1 + i];
    bool is_swapped = row->n_destinations == 2 && nsf_ip_cmp(addresses[ids[0]], addresses[ids[1]]) > 0;
    return ids[is_swapped ? 1 - i : i];
}

void nsf_sources_destinations(const struct nsf_sources *sources, uint32_t row_idx, struct nsf_mail_source *source)
{
    const struct nsf_source_row *row = nsf_sources_row(sources, row_idx);
    uint32_t n_all = nsf_sources_n_destinations(sources, row);
    uint32_t n = n_all < NSF_DESTINATIONS_MAX ? n_all : NSF_DESTINATIONS_MAX;
    for (uint32_t i = 0; i < n; i++)
        source->destinations[i] = sources->addresses.items[nsf_sources_destination(sources, row, i)];
    source->n_destinations = n;
    source->destinations_more = n_all - n;
}

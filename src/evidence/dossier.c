#include "core/nsf_common.h"

#include "evidence/dossier.h"

#include "core/clock.h"
#include "core/parallel.h"
#include "evidence/evidence_state.h"
#include "evidence/network_shards.h"
#include "evidence/row_sums.h"
#include "evidence/sent_on.h"

#define SENT_ON_TIMES_MIN 5 /* fewer pairs count for nothing */
/* So many that their memory counts; for a few the system is not asked. */
#define WORTH_GIVING_BACK 200000u
#define SECONDS_PER_DAY 86400u

struct nsf_dossier {
    struct nsf_evidence *evidence;
    struct nsf_dossier_ask ask;
    struct nsf_row_finder rows;
    struct nsf_row_sums sums[NSF_PARTITIONS];
    struct nsf_network_shards networks;
    bool *is_silent[NSF_PARTITIONS]; /* by id of the partition's own addresses: carries no SMTP for anybody */
    struct nsf_sent_on *sent_on;
    struct nsf_retrying_sender *retrying;
    uint64_t *retrying_ids;
    size_t n_retrying;
};

static const struct nsf_sources *sources_of(const struct nsf_dossier *dossier, unsigned partition)
{
    return &dossier->evidence->partitions[partition].sources;
}

/* ---- own addresses that are silent ---- */

static int cmp_ips(const void *left, const void *right)
{
    return nsf_ip_cmp(*(const struct nsf_ip *)left, *(const struct nsf_ip *)right);
}

/* An address may speak to the sources of one partition alone; it is silent where it speaks in none. */
static void collect_silent(struct nsf_dossier *dossier)
{
    struct nsf_ip *speaking = NULL;
    size_t n = 0, capacity = 0;
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        const struct nsf_sources *sources = sources_of(dossier, p);
        for (uint32_t id = 0; id < sources->addresses.n; id++) {
            if (!nsf_sources_is_speaking(sources, id))
                continue;
            NSF_GROW(speaking, capacity, n + 1);
            speaking[n++] = sources->addresses.items[id];
        }
    }
    if (n > 1)
        qsort(speaking, n, sizeof(*speaking), cmp_ips);
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        const struct nsf_addresses *addresses = &sources_of(dossier, p)->addresses;
        dossier->is_silent[p] = nsf_malloc((size_t)addresses->n + 1);
        for (uint32_t id = 0; id < addresses->n; id++)
            dossier->is_silent[p][id] =
                n == 0 || bsearch(&addresses->items[id], speaking, n, sizeof(*speaking), cmp_ips) == NULL;
    }
    nsf_free(speaking);
}

/* ---- retrying senders ---- */

struct retried {
    uint64_t id;
    struct nsf_prefix network;
    const struct nsf_retry_row *row;
};

static int cmp_retried(const void *left, const void *right)
{
    const struct retried *a = left, *b = right;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    int order = nsf_ip_cmp(a->row->dst, b->row->dst);
    return order != 0 ? order : nsf_ip_cmp(a->row->src, b->row->src);
}

/* All rows of one network on one of our addresses; the first has the smallest source. */
static void add_retrying(struct nsf_dossier *dossier, const struct retried *group, size_t n, size_t *capacity)
{
    struct nsf_attempts attempts = {.items = NULL};
    for (size_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < group[i].row->attempts.n; k++)
            nsf_attempts_add(&attempts, group[i].row->attempts.items[k]);
    struct nsf_retry_pattern pattern = nsf_retry_pattern_of(&attempts);
    nsf_attempts_release(&attempts);
    if (!pattern.is_retrying)
        return;
    if (dossier->n_retrying == *capacity) {
        *capacity = *capacity == 0 ? 16 : *capacity * 2;
        dossier->retrying = nsf_realloc_array(dossier->retrying, *capacity, sizeof(*dossier->retrying));
        dossier->retrying_ids = nsf_realloc_array(dossier->retrying_ids, *capacity, sizeof(*dossier->retrying_ids));
    }
    dossier->retrying_ids[dossier->n_retrying] = group->id;
    dossier->retrying[dossier->n_retrying++] = (struct nsf_retrying_sender){
        .address = group->row->src,
        .network = group->network,
        .destination = group->row->dst,
        .attempts = pattern.attempts,
        .first_ms = pattern.first_ms,
        .last_ms = pattern.last_ms,
        .median_gap_ms = pattern.median_gap_ms,
    };
}

static bool is_retrying(const struct nsf_dossier *dossier, uint64_t id)
{
    for (size_t from = 0, to = dossier->n_retrying; from < to;) { /* ids ascend */
        size_t half = from + (to - from) / 2;
        if (dossier->retrying_ids[half] == id)
            return true;
        if (dossier->retrying_ids[half] < id)
            from = half + 1;
        else
            to = half;
    }
    return false;
}

static void drop_network(struct nsf_dossier *dossier, uint64_t id)
{
    size_t n_left = 0;
    for (size_t i = 0; i < dossier->n_retrying; i++) {
        if (dossier->retrying_ids[i] == id)
            continue;
        dossier->retrying[n_left] = dossier->retrying[i];
        dossier->retrying_ids[n_left++] = dossier->retrying_ids[i];
    }
    dossier->n_retrying = n_left;
}

/* Networks with any contact beside mail are no mail servers that were refused. */
static void drop_other_contact(void *ctx, const struct nsf_contact_summary *contacts)
{
    struct nsf_dossier *dossier = ctx;
    if ((contacts->flags & NSF_CONTACT_NOT_MAIL_PORT) == 0)
        return;
    uint64_t id = dossier->ask.network_of(dossier->ask.ctx, contacts->src).id;
    if (is_retrying(dossier, id))
        drop_network(dossier, id);
}

static void drop_other_contacts(struct nsf_dossier *dossier)
{
    for (unsigned p = 0; p < NSF_PARTITIONS && dossier->n_retrying > 0; p++)
        nsf_contacts_each(&dossier->evidence->partitions[p].contacts, drop_other_contact, dossier);
}

static void collect_retrying(struct nsf_dossier *dossier)
{
    struct retried *all = NULL;
    size_t n = 0, capacity = 0, retrying_capacity = 0;
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        const struct nsf_retries *retries = &dossier->evidence->partitions[p].retries;
        for (uint32_t i = 0; i < retries->n_rows; i++) {
            struct nsf_network network = dossier->ask.network_of(dossier->ask.ctx, retries->rows[i].src);
            NSF_GROW(all, capacity, n + 1);
            all[n++] = (struct retried){network.id, network.prefix, &retries->rows[i]};
        }
    }
    if (n > 1)
        qsort(all, n, sizeof(*all), cmp_retried);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && all[to].id == all[from].id && nsf_ip_eq(all[to].row->dst, all[from].row->dst);)
            to++;
        add_retrying(dossier, &all[from], to - from, &retrying_capacity);
    }
    nsf_free(all);
    drop_other_contacts(dossier);
}

/* ---- life ---- */

static void collect_sent_on(struct nsf_dossier *dossier)
{
    dossier->sent_on = nsf_sent_on_new(dossier->evidence);
}

static void collect_sums(struct nsf_dossier *dossier)
{
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        nsf_row_sums_init(&dossier->sums[p], &dossier->rows, p);
}

static void (*const collectors[])(struct nsf_dossier *) = {collect_silent, collect_retrying, collect_sent_on,
                                                           collect_sums};

/* None of the parts reads another; the shards are behind the collectors. */
static void make_part(void *ctx, size_t i)
{
    struct nsf_dossier *dossier = ctx;
    if (i < NSF_ARRAY_LEN(collectors))
        collectors[i](dossier);
    else
        nsf_network_shards_collect(&dossier->networks, (unsigned)(i - NSF_ARRAY_LEN(collectors)));
}

struct nsf_dossier *nsf_dossier_new(struct nsf_evidence *evidence, const struct nsf_dossier_ask *ask)
{
    struct nsf_dossier *dossier = nsf_calloc(1, sizeof(*dossier));
    unsigned jobs = evidence->options.jobs;
    dossier->evidence = evidence;
    dossier->ask = *ask;
    nsf_row_finder_init(&dossier->rows, evidence);
    nsf_network_shards_begin(&dossier->networks, evidence, ask, jobs);
    nsf_parallel(jobs, NSF_ARRAY_LEN(collectors) + dossier->networks.n, make_part, dossier);
    nsf_network_shards_finish(&dossier->networks);
    return dossier;
}

void nsf_dossier_free(struct nsf_dossier *dossier)
{
    if (dossier == NULL)
        return;
    for (unsigned p = 0; p < NSF_PARTITIONS; p++) {
        nsf_free(dossier->is_silent[p]);
        nsf_row_sums_release(&dossier->sums[p]);
    }
    nsf_network_shards_release(&dossier->networks);
    nsf_row_finder_release(&dossier->rows);
    nsf_sent_on_free(dossier->sent_on);
    nsf_free(dossier->retrying);
    nsf_free(dossier->retrying_ids);
    nsf_free(dossier);
}

static bool is_large(const struct nsf_dossier *dossier)
{
    uint64_t n_rows = 0;
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        n_rows += sources_of(dossier, p)->rows.n;
    return n_rows >= WORTH_GIVING_BACK;
}

void nsf_dossier_forget_networks(struct nsf_dossier *dossier)
{
    nsf_network_shards_release(&dossier->networks);
    if (is_large(dossier))
        nsf_mem_give_back();
}

void nsf_dossier_forget_connections(struct nsf_dossier *dossier)
{
    for (unsigned p = 0; p < NSF_PARTITIONS; p++)
        nsf_journal_release(&dossier->evidence->partitions[p].sources.journal);
    if (is_large(dossier))
        nsf_mem_give_back();
}

/* ---- one source ---- */

void nsf_dossier_reader_init(struct nsf_dossier_reader *reader, const struct nsf_dossier *dossier)
{
    *reader = (struct nsf_dossier_reader){.dossier = dossier};
}

void nsf_dossier_reader_release(struct nsf_dossier_reader *reader)
{
    nsf_free(reader->one);
    nsf_free(reader->joined);
    nsf_u32s_release(&reader->days);
}

/* What the rows of one source add up to. */
struct gathered {
    const struct nsf_traits *traits;
    uint32_t days; /* up to NSF_DISTINCT_EXACT_MAX */
    uint32_t silent[NSF_DISTINCT_EXACT_MAX];
    uint32_t n_silent;
    int64_t first_ms;
    int64_t last_ms;
};

static void gather_days(const struct nsf_sources *sources, uint32_t row_idx, struct nsf_u32s *days)
{
    struct nsf_source_counts counts;
    nsf_source_row_counts(&sources->rows, nsf_sources_row(sources, row_idx), &counts);
    int64_t first = nsf_time_day(counts.first_ms), last = nsf_time_day(counts.last_ms);
    for (int64_t day = first; day <= last && days->n < NSF_DISTINCT_EXACT_MAX; day++)
        if (nsf_source_row_has_day(&sources->rows, row_idx, day))
            nsf_u32s_add_smallest(days, (uint32_t)day, NSF_DISTINCT_EXACT_MAX);
}

/* Of the destinations that a report lists. */
static void gather_silent(const struct nsf_sources *sources, const bool *is_silent, const struct nsf_source_row *row,
                          struct gathered *gathered)
{
    uint32_t n = nsf_sources_n_destinations(sources, row);
    n = n < NSF_DESTINATIONS_MAX ? n : NSF_DESTINATIONS_MAX;
    for (uint32_t i = 0; i < n && gathered->n_silent < NSF_DISTINCT_EXACT_MAX; i++) {
        uint32_t id = nsf_sources_destination(sources, row, i);
        bool is_new = is_silent[id];
        for (uint32_t k = 0; k < gathered->n_silent && is_new; k++)
            is_new = gathered->silent[k] != id;
        if (is_new)
            gathered->silent[gathered->n_silent++] = id;
    }
}

static void add_counts(const struct nsf_source_counts *counts, struct nsf_sender_facts *facts)
{
    facts->connections += counts->connections;
    for (size_t c = 0; c < NSF_CLASSES; c++)
        facts->classes[c] += counts->classes[c];
    facts->has_counters |= counts->classes[NSF_CLASS_UNKNOWN] < counts->connections;
}

static void sum_rows(const struct nsf_dossier *dossier, struct nsf_row_ref ref, struct nsf_row_sum *sum)
{
    const struct nsf_source_rows *rows = &sources_of(dossier, ref.partition)->rows;
    uint32_t row_idx;
    if (dossier->rows.n_targets == 1) {
        nsf_row_sum_add(sum, rows, ref.row_idx);
        return;
    }
    struct nsf_row_cursor cursor = nsf_row_finder_beside(&dossier->rows, ref);
    while ((row_idx = nsf_row_finder_next(&dossier->rows, &cursor)) != NSF_INDEX_NONE)
        nsf_row_sum_add(sum, rows, row_idx);
}

void nsf_dossier_counts(const struct nsf_dossier *dossier, struct nsf_row_ref ref, struct nsf_sender_facts *facts)
{
    const struct nsf_row_sums *sums = &dossier->sums[ref.partition];
    const struct nsf_row_sum *sum = NULL;
    struct nsf_row_sum few = {0};
    if (sums->n > 0)
        sum = nsf_row_sums_find(sums, nsf_row_finder_first_beside(&dossier->rows, ref.partition, ref.row_idx));
    if (sum == NULL) {
        sum_rows(dossier, ref, &few);
        sum = &few;
    }
    *facts = (struct nsf_sender_facts){.address = nsf_row_finder_address(&dossier->rows, ref.partition, ref.row_idx)};
    facts->connections = sum->connections;
    memcpy(facts->classes, sum->classes, sizeof(facts->classes));
    facts->has_counters = sum->classes[NSF_CLASS_UNKNOWN] < sum->connections;
}

static void gather_row(const struct nsf_sources *sources, const struct nsf_source_row *row, struct gathered *gathered,
                       struct nsf_sender_facts *facts)
{
    struct nsf_source_counts counts;
    nsf_source_row_counts(&sources->rows, row, &counts);
    add_counts(&counts, facts);
    if (counts.first_ms < gathered->first_ms)
        gathered->first_ms = counts.first_ms;
    if (counts.last_ms > gathered->last_ms)
        gathered->last_ms = counts.last_ms;
    gathered->days = counts.days < NSF_DISTINCT_EXACT_MAX ? counts.days : NSF_DISTINCT_EXACT_MAX;
}

/* Nearly every source has one row, whose own lists say all; those of several rows are joined. */
static void gather(struct nsf_dossier_reader *reader, struct nsf_ip src, const struct nsf_row_ref *row,
                   struct gathered *gathered, struct nsf_sender_facts *facts)
{
    const struct nsf_dossier *dossier = reader->dossier;
    struct nsf_row_cursor cursor =
        row == NULL ? nsf_row_finder_of(&dossier->rows, src) : nsf_row_finder_beside(&dossier->rows, *row);
    const struct nsf_sources *sources = sources_of(dossier, cursor.partition);
    bool is_only_row = row != NULL && dossier->rows.n_targets == 1;
    uint32_t first = is_only_row ? row->row_idx : nsf_row_finder_next(&dossier->rows, &cursor), n = 0;
    uint32_t next = NSF_INDEX_NONE;
    if (first != NSF_INDEX_NONE && !is_only_row)
        next = nsf_row_finder_next(&dossier->rows, &cursor);
    if (next != NSF_INDEX_NONE) {
        nsf_traits_reset(reader->joined);
        reader->days.n = 0;
    }
    for (uint32_t row_idx = first; row_idx != NSF_INDEX_NONE; row_idx = next, n++) {
        const struct nsf_source_row *one = nsf_sources_row(sources, row_idx);
        gather_row(sources, one, gathered, facts);
        gather_silent(sources, dossier->is_silent[cursor.partition], one, gathered);
        gathered->traits = nsf_sources_traits(sources, row_idx, NSF_TRAITS_ALL, &reader->one);
        if (n == 0 && next == NSF_INDEX_NONE)
            return;
        nsf_traits_merge(&reader->joined, gathered->traits);
        gather_days(sources, row_idx, &reader->days);
        next = n == 0 ? next : nsf_row_finder_next(&dossier->rows, &cursor);
    }
    if (n > 0) {
        gathered->traits = reader->joined;
        gathered->days = reader->days.n;
    }
}

/* How often its connections were followed by outbound mail, and how often moments an hour or two beside them were. */
static void correlate_outbound(const struct nsf_dossier *dossier, const struct nsf_traits *traits,
                               struct nsf_sender_facts *facts)
{
    static const int shifts[] = {-7200, -3600, 3600, 7200};
    uint64_t by_chance = 0;
    struct nsf_u32_view times = nsf_traits_list(traits, NSF_TRAIT_TIMES);
    struct nsf_u32_view marks = nsf_traits_list(traits, NSF_TRAIT_MARKS);
    if (facts->has_counters || times.n < SENT_ON_TIMES_MIN)
        return;
    for (uint32_t i = 0; i < times.n; i++) {
        int64_t second = times.items[i];
        uint16_t nic = NSF_TRAIT_MARK_NIC(marks.items[i]);
        facts->relayed_pairs += nsf_sent_on_after(dossier->sent_on, nic, (uint64_t)second);
        for (size_t s = 0; s < NSF_ARRAY_LEN(shifts); s++)
            by_chance +=
                second + shifts[s] >= 0 && nsf_sent_on_after(dossier->sent_on, nic, (uint64_t)(second + shifts[s]));
    }
    facts->relayed_by_chance_tenths = by_chance * 10 / NSF_ARRAY_LEN(shifts);
}

static uint32_t up_to(uint32_t n, uint32_t most)
{
    return n < most ? n : most;
}

static uint32_t weeks_of_days(struct nsf_u32_view days)
{
    if (days.n == 0)
        return 0;
    int64_t first = (int64_t)(days.items[0] >> 16) * NSF_MS_PER_DAY;
    int64_t last = (int64_t)(days.items[days.n - 1] >> 16) * NSF_MS_PER_DAY;
    return nsf_time_iso_week(first) == nsf_time_iso_week(last) ? 1 : 2;
}

static void read_network(const struct nsf_dossier *dossier, uint64_t id, const struct nsf_traits *traits,
                         struct nsf_sender_facts *facts)
{
    struct nsf_u32_view runs, days;
    nsf_network_shards_find(&dossier->networks, id, &runs, &days);
    facts->network_message_days = up_to(days.n, NSF_DISTINCT_EXACT_MAX);
    facts->network_message_weeks = weeks_of_days(days);
    facts->lonely = nsf_traits_lonely(traits, runs, &facts->has_excused);
    facts->is_retrying = is_retrying(dossier, id);
}

static void read_contacts(const struct nsf_dossier *dossier, unsigned partition, struct nsf_ip src,
                          struct nsf_sender_facts *facts)
{
    struct nsf_contact_summary contacts;
    bool is_known = nsf_contacts_find(&dossier->evidence->partitions[partition].contacts, src, &contacts);
    facts->has_only_mail_ports = !is_known || (contacts.flags & NSF_CONTACT_NOT_MAIL_PORT) == 0;
    if (!is_known)
        return;
    facts->has_strange_ports = (contacts.flags & NSF_CONTACT_STRANGE_PORT) != 0;
    facts->denied_mail_addresses = contacts.denied_mail_addresses;
}

static uint32_t weeks_between(int64_t first_ms, int64_t last_ms)
{
    return nsf_time_iso_week(first_ms) == nsf_time_iso_week(last_ms) ? 1 : 2;
}

/* A connection belongs to the week of its first stamp. Past the times that are kept the last stamp of all stands for
 * the last first one. */
static uint32_t weeks_of(const struct gathered *gathered)
{
    struct nsf_u32_view times = nsf_traits_list(gathered->traits, NSF_TRAIT_TIMES);
    if (times.n == 0 || nsf_traits_lack_times(gathered->traits))
        return weeks_between(gathered->first_ms, gathered->last_ms);
    return weeks_between(times.items[0] * NSF_MS_PER_SECOND, times.items[times.n - 1] * NSF_MS_PER_SECOND);
}

static void read_traits(const struct gathered *gathered, struct nsf_sender_facts *facts)
{
    const struct nsf_traits *traits = gathered->traits;
    facts->days = gathered->days;
    if (facts->connections > 0)
        facts->weeks = weeks_of(gathered);
    facts->busiest_day = nsf_traits_busiest_day(traits);
    facts->message_days = up_to(nsf_traits_list(traits, NSF_TRAIT_MESSAGE_DAYS).n, NSF_DISTINCT_EXACT_MAX);
    facts->ambiguous_days = nsf_traits_list(traits, NSF_TRAIT_AMBIGUOUS_DAYS).n;
    facts->dialog_days = nsf_traits_list(traits, NSF_TRAIT_DIALOG_DAYS).n;
    facts->guessing_a_day = nsf_traits_worst_guessing(traits);
    facts->has_fixed_port = nsf_traits_has_fixed_port(traits);
    facts->silent_addresses = gathered->n_silent;
}

void nsf_dossier_expect(const struct nsf_dossier *dossier, unsigned step, uint64_t network_id)
{
    if (step == 0)
        nsf_network_shards_expect(&dossier->networks, network_id);
    else if (step == 1)
        nsf_network_shards_expect_entry(&dossier->networks, network_id);
    else
        nsf_network_shards_expect_lists(&dossier->networks, network_id);
}

void nsf_dossier_read(struct nsf_dossier_reader *reader, struct nsf_ip src, uint64_t network_id,
                      const struct nsf_row_ref *row, struct nsf_sender_facts *facts)
{
    const struct nsf_dossier *dossier = reader->dossier;
    struct gathered gathered;
    gathered.traits = NULL;
    gathered.days = gathered.n_silent = 0;
    gathered.first_ms = INT64_MAX;
    gathered.last_ms = INT64_MIN;
    *facts = (struct nsf_sender_facts){.address = src};
    gather(reader, src, row, &gathered, facts);
    read_traits(&gathered, facts);
    read_contacts(dossier, nsf_partition_of(src), src, facts);
    read_network(dossier, network_id, gathered.traits, facts);
    if (facts->connections > 0)
        correlate_outbound(dossier, gathered.traits, facts);
}

/* ---- rules ---- */

/* Without counters the days of the connections stand for those of the mail. */
static struct nsf_u32_view days_of_times(struct nsf_u32_view times, uint32_t days[NSF_TRAIT_TIMES_MAX])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < times.n; i++) {
        uint32_t day = times.items[i] / SECONDS_PER_DAY;
        if (i > 0 && times.items[i] == times.items[i - 1])
            continue;
        if (n > 0 && days[n - 1] >> 16 == day)
            days[n - 1]++;
        else
            days[n++] = day << 16 | 1;
    }
    return (struct nsf_u32_view){days, n};
}

struct teller {
    const struct nsf_dossier *dossier;
    struct nsf_traits *one;
    nsf_sent_fn *fn;
    void *ctx;
};

static void tell_sent(void *ctx, unsigned partition, uint32_t row_idx)
{
    struct teller *teller = ctx;
    const struct nsf_dossier *dossier = teller->dossier;
    const struct nsf_sources *sources = sources_of(dossier, partition);
    const struct nsf_source_row *row = nsf_sources_row(sources, row_idx);
    uint32_t days[NSF_TRAIT_TIMES_MAX], messages = nsf_source_row_class(&sources->rows, row, NSF_CLASS_MESSAGE);
    if (messages == 0 && nsf_source_row_class(&sources->rows, row, NSF_CLASS_UNKNOWN) == 0)
        return;
    struct nsf_ip src = nsf_source_row_src(&sources->rows, row);
    const struct nsf_traits *traits = nsf_sources_traits(sources, row_idx, NSF_TRAITS_OF_MAIL, &teller->one);
    struct nsf_u32_view times = nsf_traits_list(traits, NSF_TRAIT_TIMES);
    teller->fn(teller->ctx,
               &(struct nsf_sent){
                   .address = src,
                   .row = {partition, row_idx},
                   .network = dossier->ask.network_of(dossier->ask.ctx, src),
                   .messages = messages,
                   .days = messages == 0 ? days_of_times(times, days) : nsf_traits_list(traits, NSF_TRAIT_MESSAGE_DAYS),
                   .traits = traits,
               });
}

void nsf_dossier_each_sent(const struct nsf_dossier *dossier, uint32_t finding_idx, struct nsf_partition_range range,
                           nsf_sent_fn *fn, void *ctx)
{
    struct teller teller = {.dossier = dossier, .fn = fn, .ctx = ctx};
    nsf_row_finder_each(&dossier->rows, finding_idx, range, tell_sent, &teller);
    nsf_free(teller.one);
}

const struct nsf_row_finder *nsf_dossier_rows(const struct nsf_dossier *dossier)
{
    return &dossier->rows;
}

size_t nsf_dossier_retrying(const struct nsf_dossier *dossier, const struct nsf_retrying_sender **senders)
{
    *senders = dossier->retrying;
    return dossier->n_retrying;
}

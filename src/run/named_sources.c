#include "core/nsf_common.h"

#include "run/named_sources.h"

#include "core/clock.h"
#include "core/mem.h"
#include "judge/sender_score.h"

static struct nsf_slice trimmed(struct nsf_slice text)
{
    while (text.len > 0 && text.ptr[0] == ' ')
        text = nsf_slice_from(text, 1);
    while (text.len > 0 && text.ptr[text.len - 1] == ' ')
        text.len--;
    return text;
}

/* `a-b`, a prefix or an address. */
static bool read_range(struct nsf_slice text, struct nsf_ip_range *range)
{
    struct nsf_prefix prefix;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '-')
            return nsf_ip_parse(trimmed(nsf_slice(text.ptr, i)), &range->first) &&
                   nsf_ip_parse(trimmed(nsf_slice_from(text, i + 1)), &range->last) &&
                   nsf_ip_is_v4(range->first) == nsf_ip_is_v4(range->last);
    if (!nsf_prefix_parse(text, &prefix))
        return false;
    *range = (struct nsf_ip_range){nsf_prefix_first(prefix), nsf_prefix_last(prefix)};
    return true;
}

/* An entry may be a list with commas. */
static void read_entry(struct nsf_named_sources *named, struct nsf_slice entry)
{
    for (size_t from = 0, to; from <= entry.len && !named->is_anybody; from = to + 1) {
        for (to = from; to < entry.len && entry.ptr[to] != ',';)
            to++;
        NSF_GROW(named->ranges, named->capacity, named->n + 1);
        named->is_anybody = !read_range(trimmed(nsf_slice(entry.ptr + from, to - from)), &named->ranges[named->n]);
        named->n += !named->is_anybody;
    }
}

static int cmp_ranges(const void *left, const void *right)
{
    return nsf_ip_cmp(((const struct nsf_ip_range *)left)->first, ((const struct nsf_ip_range *)right)->first);
}

/* Sorted, none in another: so the one that begins last before an address is the one that may hold it. */
static void join_ranges(struct nsf_named_sources *named)
{
    size_t n = 0;
    if (named->n > 1)
        qsort(named->ranges, named->n, sizeof(*named->ranges), cmp_ranges);
    for (size_t i = 0; i < named->n; i++)
        if (n == 0 || nsf_ip_cmp(named->ranges[n - 1].last, named->ranges[i].first) < 0)
            named->ranges[n++] = named->ranges[i];
        else if (nsf_ip_cmp(named->ranges[n - 1].last, named->ranges[i].last) < 0)
            named->ranges[n - 1].last = named->ranges[i].last;
    named->n = n;
}

void nsf_named_sources_init(struct nsf_named_sources *named, const struct nsf_finding *finding)
{
    *named = (struct nsf_named_sources){.is_anybody = finding->all_sources.n == 0};
    for (size_t i = 0; i < finding->all_sources.n && !named->is_anybody; i++)
        read_entry(named, finding->all_sources.items[i]);
    join_ranges(named);
}

void nsf_named_sources_release(struct nsf_named_sources *named)
{
    nsf_free(named->ranges);
    *named = (struct nsf_named_sources){.is_anybody = true};
}

static bool is_named(const struct nsf_named_sources *named, struct nsf_ip ip)
{
    size_t from = 0, to = named->n;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (nsf_ip_cmp(named->ranges[mid].first, ip) <= 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from > 0 && nsf_ip_cmp(ip, named->ranges[from - 1].last) <= 0;
}

void nsf_named_sources_see(struct nsf_named_sources *named, const struct nsf_mail_source *source)
{
    if (named->is_anybody || nsf_ip_is_health_probe(source->address) || is_named(named, source->address))
        return;
    if (named->n_strangers == 0 || source->first_ms < named->first_ms)
        named->first_ms = source->first_ms;
    if (named->n_strangers == 0 || source->last_ms > named->last_ms)
        named->last_ms = source->last_ms;
    named->n_strangers++;
    named->connections += source->connections;
}

void nsf_named_sources_tell(const struct nsf_named_sources *named, struct nsf_slice rule_name, struct nsf_arena *arena,
                            struct nsf_review_rule *rule)
{
    char day[NSF_TIME_TEXT_BYTES];
    size_t at = rule->n_changes;
    if (named->n_strangers == 0)
        return;
    struct nsf_change *changes = nsf_arena_alloc(arena, (rule->n_changes + 1) * sizeof(*changes));
    while (at > 0 && rule->changes[at - 1].code > NSF_CHANGE_WIDER)
        at--;
    for (size_t i = 0; i < at; i++)
        changes[i] = rule->changes[i];
    for (size_t i = at; i < rule->n_changes; i++)
        changes[i + 1] = rule->changes[i];
    changes[at] = (struct nsf_change){
        .code = NSF_CHANGE_WIDER,
        .rule = rule_name,
        .first_ms = named->first_ms,
        .last_ms = named->last_ms,
        .count = named->connections,
        .text = nsf_slice_str(nsf_arena_printf(
            arena, "%llu source%s that this rule does not name came in by it, last on %s: it was wider then.",
            (unsigned long long)named->n_strangers, named->n_strangers == 1 ? "" : "s",
            nsf_time_format_day(nsf_time_day(named->last_ms), day))),
    };
    rule->changes = changes;
    rule->n_changes++;
}

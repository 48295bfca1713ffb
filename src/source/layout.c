#include "core/nsf_common.h"

#include "source/layout.h"

/* Reads `<key>=<digits>/` at the front of *rest and moves behind it. */
static bool take_number(struct nsf_slice *rest, char key, size_t n_digits, int *value)
{
    if (rest->len < n_digits + 3 || nsf_ascii_lower(rest->ptr[0]) != key || rest->ptr[1] != '=' ||
        rest->ptr[2 + n_digits] != '/')
        return false;
    uint64_t number;
    if (!nsf_slice_to_u64(nsf_slice(rest->ptr + 2, n_digits), 9999, &number))
        return false;
    *value = (int)number;
    *rest = nsf_slice_from(*rest, n_digits + 3);
    return true;
}

static int days_in_month(int year, int month)
{
    const int64_t first = nsf_time_day(nsf_time_from_civil(year, month, 1));
    const int64_t next = month == 12 ? nsf_time_day(nsf_time_from_civil(year + 1, 1, 1))
                                     : nsf_time_day(nsf_time_from_civil(year, month + 1, 1));
    return (int)(next - first);
}

static int64_t hour_at(struct nsf_slice rest)
{
    int year, month, day, hour;
    if (!take_number(&rest, 'y', 4, &year) || !take_number(&rest, 'm', 2, &month) ||
        !take_number(&rest, 'd', 2, &day) || !take_number(&rest, 'h', 2, &hour))
        return NSF_HOUR_NONE;
    if (year < 1 || year > 9998 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23)
        return NSF_HOUR_NONE;
    return nsf_time_day(nsf_time_from_civil(year, month, day)) * 24 + hour;
}

/* Index of the first slash from `from` on that begins `part`, a text in lower case; path.len when there is none, or
 * nothing behind it. */
static size_t find_part(struct nsf_slice path, size_t from, struct nsf_slice part)
{
    size_t at = from + nsf_slice_find(nsf_slice_from(path, from), '/');
    while (at + part.len < path.len) {
        const bool is_likely = nsf_ascii_lower(path.ptr[at + 1]) == part.ptr[1];
        if (is_likely && nsf_slice_has_prefix_nocase(nsf_slice_from(path, at), part))
            return at;
        at += 1 + nsf_slice_find(nsf_slice_from(path, at + 1), '/');
    }
    return path.len;
}

/* From the slash before SUBSCRIPTIONS to the end of the segment behind NETWORKSECURITYGROUPS. */
static struct nsf_slice nsg_id_of(struct nsf_slice path)
{
    const struct nsf_slice head = NSF_SLICE_LIT("/resourceid=/subscriptions/");
    const struct nsf_slice kind = NSF_SLICE_LIT("/networksecuritygroups/");
    const bool is_first = nsf_slice_has_prefix_nocase(path, nsf_slice_from(head, 1));
    size_t at = is_first ? 0 : find_part(path, 0, head);
    while (at < path.len) {
        const size_t from = at + sizeof("/resourceid=") - 1 - (at == 0 && is_first);
        for (size_t i = find_part(path, from, kind); i < path.len; i = find_part(path, i + 1, kind)) {
            const size_t name = i + kind.len;
            const size_t end = name + nsf_slice_find(nsf_slice_from(path, name), '/');
            if (end > name && end < path.len)
                return nsf_slice(path.ptr + from, end - from);
        }
        at = find_part(path, at + 1, head);
    }
    return (struct nsf_slice){NULL, 0};
}

static struct nsf_slice mac_of(struct nsf_slice rest)
{
    const struct nsf_slice key = NSF_SLICE_LIT("/macaddress=");
    const size_t at = find_part(rest, 0, key);
    if (at == rest.len)
        return (struct nsf_slice){NULL, 0};
    struct nsf_slice mac = nsf_slice_from(rest, at + key.len);
    return nsf_slice(mac.ptr, nsf_slice_find(mac, '/'));
}

/* Fills in what stands in the path from `at`, where a segment begins. False: no hour. */
static bool take_hour(struct nsf_slice path, size_t at, struct nsf_path_layout *layout)
{
    const struct nsf_slice rest = nsf_slice_from(path, at);
    layout->hour = hour_at(rest);
    if (layout->hour == NSF_HOUR_NONE)
        return false;
    layout->flow_log = nsf_slice(path.ptr, at);
    layout->mac = mac_of(rest);
    return true;
}

struct nsf_path_layout nsf_layout_parse(struct nsf_slice path)
{
    struct nsf_path_layout layout = {.hour = NSF_HOUR_NONE};
    bool is_found = false;
    for (size_t end = path.len; end > 0 && !is_found;) {
        const char *slash = memrchr(path.ptr, '/', end);
        const size_t at = slash == NULL ? 0 : (size_t)(slash - path.ptr) + 1;
        is_found = take_hour(path, at, &layout);
        end = slash == NULL ? 0 : at - 1;
    }
    layout.nsg_id = nsg_id_of(path);
    return layout;
}

bool nsf_layout_is_in_window(int64_t hour, int64_t since_ms, int64_t until_ms)
{
    if (hour == NSF_HOUR_NONE)
        return true;
    if (since_ms != NSF_TS_NONE && hour < nsf_time_hour(since_ms) - 1)
        return false;
    return until_ms == NSF_TS_NONE || hour <= nsf_time_hour(until_ms - 1) + 1;
}

enum nsf_wanted nsf_layout_is_wanted(struct nsf_slice path, const struct nsf_list_filter *filter, int64_t *hour)
{
    const struct nsf_path_layout layout = nsf_layout_parse(path);
    *hour = layout.hour;
    if (!nsf_layout_is_in_window(layout.hour, filter->since_ms, filter->until_ms))
        return NSF_WANTED_OUTSIDE;
    if (filter->wants_nsg != NULL && layout.nsg_id.ptr != NULL && !filter->wants_nsg(filter->ctx, layout.nsg_id))
        return NSF_WANTED_PRUNED;
    return NSF_WANTED;
}

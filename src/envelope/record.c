#include "core/nsf_common.h"

#include "envelope/record.h"

#include "core/clock.h"
#include "core/limits.h"
#include "core/mem.h"

#define CATEGORY_NSG NSF_SLICE_LIT("NetworkSecurityGroupFlowEvent")
#define CATEGORY_VNET NSF_SLICE_LIT("FlowLogFlowEvent")
#define FOREIGN_NAME_MAX_BYTES 256
/* A number of at most 64 bits takes ten bytes in groups of seven bits. */
#define VARINT_MAX_BYTES 10

void nsf_records_init(struct nsf_records *records, const struct nsf_envelope_options *options)
{
    *records = (struct nsf_records){.options = *options, .first_time_ms = NSF_TS_NONE};
    if (records->options.ops == NULL)
        records->options.ops = nsf_tuple_ops_best();
    nsf_scope_cache_init(&records->scopes, options->scopes, options->seed);
    nsf_buf_init(&records->texts, UINT32_MAX - 1);
    nsf_buf_init(&records->held, SIZE_MAX / 2);
}

void nsf_records_release(struct nsf_records *records)
{
    nsf_free(records->open);
    nsf_free(records->groups);
    nsf_buf_release(&records->texts);
    nsf_buf_release(&records->held);
    nsf_tuple_marks_release(&records->marks);
}

void nsf_records_drop(struct nsf_records *records)
{
    records->n_open = 0;
    records->n_groups = 0;
    nsf_buf_reset(&records->texts);
    nsf_buf_reset(&records->held);
    records->marks.n = 0;
}

void nsf_records_push(struct nsf_records *records, uint64_t start)
{
    NSF_GROW(records->open, records->open_capacity, records->n_open + 1);
    records->open[records->n_open++] = (struct nsf_open_record){
        .start = start,
        .category = NSF_TEXT_INIT,
        .nsg_version = NSF_TEXT_INIT,
        .vnet_version = NSF_TEXT_INIT,
        .resource_id = NSF_TEXT_INIT,
        .flow_log_id = NSF_TEXT_INIT,
        .mac = NSF_TEXT_INIT,
        .time_ms = NSF_TS_NONE,
        .first_group = records->n_groups,
    };
}

struct nsf_text nsf_records_keep_text(struct nsf_records *records, struct nsf_slice text)
{
    struct nsf_text kept = {(uint32_t)records->texts.len, (uint32_t)text.len};
    nsf_buf_add(&records->texts, text);
    return kept;
}

static struct nsf_slice text_of(const struct nsf_records *records, struct nsf_text text)
{
    if (text.at == NSF_TEXT_ABSENT)
        return (struct nsf_slice){NULL, 0};
    return text.len == 0 ? NSF_SLICE_LIT("") : nsf_slice(records->texts.ptr + text.at, text.len);
}

void nsf_records_set_member(struct nsf_records *records, enum nsf_key key, struct nsf_slice value)
{
    struct nsf_open_record *record = nsf_records_top(records);
    struct nsf_text *member = key == NSF_KEY_CATEGORY           ? &record->category
                              : key == NSF_KEY_FLOW_LOG_VERSION ? &record->vnet_version
                              : key == NSF_KEY_VERSION          ? &record->nsg_version
                              : key == NSF_KEY_RESOURCE_ID      ? &record->resource_id
                              : key == NSF_KEY_FLOW_LOG_ID      ? &record->flow_log_id
                              : key == NSF_KEY_MAC_ADDRESS      ? &record->mac
                                                                : NULL;
    record->is_layout_known = false;
    if (member != NULL)
        *member = value.ptr == NULL ? (struct nsf_text)NSF_TEXT_INIT : nsf_records_keep_text(records, value);
    if (key == NSF_KEY_TIME && (value.ptr == NULL || !nsf_time_parse(value, &record->time_ms)))
        record->time_ms = NSF_TS_NONE;
}

static void move_text(const struct nsf_buf *old, struct nsf_buf *fresh, struct nsf_text *text)
{
    if (text->at == NSF_TEXT_ABSENT)
        return;
    uint32_t at = (uint32_t)fresh->len;
    nsf_buf_add(fresh, nsf_slice(old->ptr + text->at, text->len));
    text->at = at;
}

static void move_names(const struct nsf_buf *old, struct nsf_buf *fresh, struct nsf_group_names *names)
{
    move_text(old, fresh, &names->rule);
    move_text(old, fresh, &names->mac);
    move_text(old, fresh, &names->acl);
}

void nsf_records_begin_compact(struct nsf_records *records, struct nsf_buf *old)
{
    *old = records->texts;
    nsf_buf_init(&records->texts, old->max);
    for (size_t i = 0; i < records->n_open; i++) {
        struct nsf_open_record *record = &records->open[i];
        struct nsf_text *texts[] = {&record->category,    &record->nsg_version, &record->vnet_version,
                                    &record->resource_id, &record->flow_log_id, &record->mac};
        for (size_t t = 0; t < NSF_ARRAY_LEN(texts); t++)
            move_text(old, &records->texts, texts[t]);
    }
    for (size_t i = 0; i < records->n_groups; i++)
        move_names(old, &records->texts, &records->groups[i].names);
}

void nsf_records_compact_names(struct nsf_records *records, const struct nsf_buf *old, struct nsf_group_names *names)
{
    move_names(old, &records->texts, names);
}

/* ---- groups and held tuples ----------------------------------------------------------------------
 * A held tuple is: bytes from the one before to its first character, 2 * length + 1 if it is a string, both in groups
 * of seven bits, and its text. So it is never longer than it was in the log. */

void nsf_records_open_group(struct nsf_records *records, uint64_t from)
{
    NSF_GROW(records->groups, records->groups_capacity, records->n_groups + 1);
    records->groups[records->n_groups++] = (struct nsf_group){
        .from = from,
        .to = from,
        .held_from = records->held.len,
        .held_to = records->held.len,
        .names = {NSF_TEXT_INIT, NSF_TEXT_INIT, NSF_TEXT_INIT},
    };
    records->held_base = from;
}

void nsf_records_skimmed(struct nsf_records *records, uint64_t to)
{
    records->groups[records->n_groups - 1].to = to;
}

static void hold_number(struct nsf_buf *held, uint64_t number)
{
    for (; number >= 128; number >>= 7)
        nsf_buf_add_char(held, (char)((number & 127) | 128));
    nsf_buf_add_char(held, (char)number);
}

static uint64_t take_number(struct nsf_slice *held)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < VARINT_MAX_BYTES; i++) {
        unsigned char byte = (unsigned char)held->ptr[i];
        number |= (uint64_t)(byte & 127) << (7 * i);
        if (byte < 128) {
            *held = nsf_slice_from(*held, i + 1);
            break;
        }
    }
    return number;
}

void nsf_records_hold(struct nsf_records *records, struct nsf_slice text, bool is_tuple, uint64_t offset)
{
    hold_number(&records->held, offset - records->held_base);
    hold_number(&records->held, 2 * (uint64_t)text.len + is_tuple);
    nsf_buf_add(&records->held, text);
    records->held_base = offset;
    records->groups[records->n_groups - 1].held_to = records->held.len;
}

static void take_held(const struct nsf_records *records, const struct nsf_group *group, struct nsf_tuple_target *target)
{
    struct nsf_slice held = nsf_slice(records->held.ptr + group->held_from, group->held_to - group->held_from);
    uint64_t offset = group->from;
    while (held.len > 0) {
        offset += take_number(&held);
        uint64_t len = take_number(&held);
        struct nsf_slice text = nsf_slice(held.ptr, (size_t)(len / 2));
        if (len % 2 == 1)
            nsf_tuple_take(target, text, offset);
        else
            nsf_tuple_take_other(target, text, offset);
        held = nsf_slice_from(held, text.len);
    }
}

/* By the marks that are listed, if the layout is still the one that they were looked at for. */
static void take_skimmed(const struct nsf_records *records, const struct nsf_group *group, struct nsf_slice inside,
                         struct nsf_tuple_target *target)
{
    const struct nsf_tuple_ops *ops = records->options.ops;
    if (group->rows.n > 0 && group->rows.layout == target->layout && target->batch != NULL)
        ops->take_rows(target, inside, group->from, &records->marks, &group->rows);
    else
        ops->take_array(target, inside, group->from);
}

static void take_group(const struct nsf_records *records, const struct nsf_group *group,
                       const struct nsf_window *window, struct nsf_tuple_target *target)
{
    if (group->held_from < group->held_to)
        take_held(records, group, target);
    else if (group->from < group->to)
        take_skimmed(records, group, nsf_window_slice(window, group->from, group->to), target);
}

static void name(struct nsf_text *own, struct nsf_text outer)
{
    if (own->at == NSF_TEXT_ABSENT)
        *own = outer;
}

void nsf_records_name_groups(struct nsf_records *records, size_t first_group, const struct nsf_group_names *names)
{
    for (size_t i = first_group; i < records->n_groups; i++) {
        name(&records->groups[i].names.rule, names->rule);
        name(&records->groups[i].names.mac, names->mac);
        name(&records->groups[i].names.acl, names->acl);
    }
}

/* ---- layout ---------------------------------------------------------------------------------------- */

/* "2", 2, 2.0: a digit, and nothing but zeros behind the point. */
static unsigned version_of(struct nsf_slice text)
{
    if (text.len == 0 || text.ptr[0] < '0' || text.ptr[0] > '9' || (text.len > 1 && text.ptr[1] != '.'))
        return 0;
    for (size_t i = 2; i < text.len; i++)
        if (text.ptr[i] != '0')
            return 0;
    return (unsigned)(text.ptr[0] - '0');
}

/* The version that goes with the category; the other member only where that one is missing, whichever comes first. */
static struct nsf_slice version_text(const struct nsf_records *records, const struct nsf_open_record *record,
                                     bool is_vnet)
{
    struct nsf_slice own = text_of(records, is_vnet ? record->vnet_version : record->nsg_version);
    return own.ptr != NULL ? own : text_of(records, is_vnet ? record->nsg_version : record->vnet_version);
}

static bool is_nsg_layout(unsigned version, enum nsf_layout *layout)
{
    *layout = version == 1 ? NSF_LAYOUT_NSG1 : NSF_LAYOUT_NSG2;
    return version == 1 || version == 2;
}

/* False: a foreign record. */
static bool layout_of(const struct nsf_records *records, const struct nsf_open_record *record, enum nsf_layout *layout)
{
    struct nsf_slice category = text_of(records, record->category);
    if (nsf_slice_eq(category, CATEGORY_NSG))
        return is_nsg_layout(version_of(version_text(records, record, false)), layout);
    *layout = NSF_LAYOUT_VNET4;
    return nsf_slice_eq(category, CATEGORY_VNET) && version_of(version_text(records, record, true)) == 4;
}

/* The same, asked once for all arrays of a record. */
static bool has_known_layout(const struct nsf_records *records, struct nsf_open_record *record)
{
    if (!record->is_layout_known)
        record->has_layout = layout_of(records, record, &record->layout);
    record->is_layout_known = true;
    return record->has_layout;
}

enum nsf_skim nsf_records_skim(struct nsf_records *records, struct nsf_slice bytes, size_t *at)
{
    const struct nsf_tuple_ops *ops = records->options.ops;
    struct nsf_open_record *record = nsf_records_top(records);
    struct nsf_tuple_rows *rows = &records->groups[records->n_groups - 1].rows;
    if (ops->look_ahead != NULL && has_known_layout(records, record) &&
        ops->look_ahead(bytes, record->layout, &records->marks, rows)) {
        *at = rows->n_bytes;
        return NSF_SKIM_FOUND;
    }
    *rows = (struct nsf_tuple_rows){0};
    return ops->skim(bytes, at);
}

/* Of a record that is not whole: what is there decides. False: nothing can be said of its tuples. */
static bool guess_layout(const struct nsf_records *records, const struct nsf_open_record *record,
                         enum nsf_layout *layout)
{
    struct nsf_slice text = version_text(records, record, record->has_flow_records);
    unsigned version = version_of(text);
    if (record->category.at != NSF_TEXT_ABSENT && text.ptr != NULL)
        return layout_of(records, record, layout);
    if (record->has_flow_records || version == 4) {
        *layout = NSF_LAYOUT_VNET4;
        return true;
    }
    return is_nsg_layout(version, layout);
}

static void add_foreign(const struct nsf_records *records, const struct nsf_open_record *record,
                        struct nsf_batch *batch)
{
    char name_text[FOREIGN_NAME_MAX_BYTES];
    struct nsf_slice category = text_of(records, record->category);
    struct nsf_slice version = version_text(records, record, nsf_slice_eq(category, CATEGORY_VNET));
    if (category.len > FOREIGN_NAME_MAX_BYTES / 2)
        category.len = FOREIGN_NAME_MAX_BYTES / 2;
    if (!nsf_slice_eq(category, CATEGORY_NSG) && !nsf_slice_eq(category, CATEGORY_VNET)) {
        nsf_batch_add_foreign(batch, category, 1);
        return;
    }
    if (version.len > FOREIGN_NAME_MAX_BYTES / 4)
        version.len = FOREIGN_NAME_MAX_BYTES / 4;
    memcpy(name_text, category.ptr, category.len);
    name_text[category.len] = '/';
    if (version.len > 0)
        memcpy(name_text + category.len + 1, version.ptr, version.len);
    nsf_batch_add_foreign(batch, nsf_slice(name_text, category.len + 1 + version.len), 1);
}

/* ---- scopes ---------------------------------------------------------------------------------------- */

static struct nsf_slice cut_name(struct nsf_slice text)
{
    if (text.len > NSF_NAME_MAX_BYTES)
        text.len = NSF_NAME_MAX_BYTES;
    return text;
}

static struct nsf_slice empty_if_absent(struct nsf_slice text)
{
    return text.ptr == NULL ? NSF_SLICE_LIT("") : text;
}

/* The record's own scope: no rule, and no NSG where only the groups name one. */
static struct nsf_scope scope_of_record(const struct nsf_records *records, const struct nsf_open_record *record,
                                        enum nsf_layout layout)
{
    struct nsf_scope scope = {.layout = layout};
    bool is_vnet = layout == NSF_LAYOUT_VNET4;
    scope.flow_log = text_of(records, is_vnet ? record->flow_log_id : record->resource_id);
    scope.flow_log = cut_name(empty_if_absent(scope.flow_log));
    scope.mac = text_of(records, record->mac);
    if (scope.mac.ptr == NULL && record->first_group < records->n_groups)
        scope.mac = text_of(records, records->groups[record->first_group].names.mac);
    scope.mac = cut_name(empty_if_absent(scope.mac));
    if (!is_vnet)
        scope.nsg = scope.flow_log;
    return scope;
}

static uint32_t scope_id_of_group(struct nsf_records *records, const struct nsf_open_record *record,
                                  const struct nsf_group *group, const struct nsf_scope *record_scope,
                                  uint32_t record_scope_id)
{
    struct nsf_scope scope = *record_scope;
    scope.rule = cut_name(empty_if_absent(text_of(records, group->names.rule)));
    if (scope.layout == NSF_LAYOUT_VNET4)
        scope.nsg = cut_name(empty_if_absent(text_of(records, group->names.acl)));
    if (record->mac.at == NSF_TEXT_ABSENT)
        scope.mac = cut_name(empty_if_absent(text_of(records, group->names.mac)));
    return nsf_scope_cache_group(&records->scopes, record_scope_id, &scope);
}

/* ---- to the batch ---------------------------------------------------------------------------------- */

static void add_record(struct nsf_records *records, const struct nsf_open_record *record, const struct nsf_scope *scope,
                       struct nsf_tuple_target *target)
{
    struct nsf_record *row = nsf_batch_add_record(target->batch);
    row->offset = record->start;
    row->time_ms = record->time_ms;
    row->layout = target->layout;
    row->scope_id = nsf_scope_cache_record(&records->scopes, scope);
    target->record_idx = (uint32_t)(target->batch->n_records - 1);
    target->is_strict = records->options.is_strict;
    target->is_smtp_only = records->options.is_smtp_only;
    target->batch->has_stamps = records->options.has_stamps;
}

static void take_groups(struct nsf_records *records, const struct nsf_open_record *record,
                        const struct nsf_window *window, const struct nsf_scope *scope, uint32_t scope_id,
                        size_t end_group, struct nsf_tuple_target *target)
{
    for (size_t i = record->first_group; i < end_group; i++) {
        const struct nsf_group *group = &records->groups[i];
        uint32_t group_scope_id = scope_id_of_group(records, record, group, scope, scope_id);
        nsf_batch_note_group(target->batch, group_scope_id);
        if (group->held_from == group->held_to && group->from == group->to)
            continue;
        nsf_tuple_target_enter(target, group_scope_id);
        take_group(records, group, window, target);
    }
    struct nsf_record *row = &target->batch->records[target->record_idx];
    row->n_tuples = target->n_tuples;
    row->n_bad = target->n_bad;
}

static void remember_time(struct nsf_records *records, const struct nsf_open_record *record)
{
    if (records->first_time_ms == NSF_TS_NONE)
        records->first_time_ms = record->time_ms;
}

static void add_problem(struct nsf_batch *batch, enum nsf_code code, uint64_t offset, const char *text)
{
    struct nsf_problem problem = {.code = code, .offset = offset, .detail = nsf_slice_str(text)};
    nsf_problems_add(&batch->problems, &problem);
}

static void add_whole(struct nsf_records *records, const struct nsf_open_record *record,
                      const struct nsf_window *window, uint64_t end, struct nsf_batch *batch)
{
    enum nsf_layout layout;
    remember_time(records, record);
    if (!layout_of(records, record, &layout)) {
        add_foreign(records, record, batch);
        return;
    }
    struct nsf_tuple_target target;
    struct nsf_scope scope = scope_of_record(records, record, layout);
    nsf_tuple_target_init(&target, batch, layout);
    add_record(records, record, &scope, &target);
    struct nsf_slice text = nsf_window_slice(window, record->start, end);
    struct nsf_record *row = &batch->records[target.record_idx];
    row->fingerprint = nsf_hash_fingerprint(text.ptr, text.len, records->options.seed);
    row->has_fingerprint = true;
    take_groups(records, record, window, &scope, row->scope_id, records->n_groups, &target);
    if (record->has_odd_tuples)
        add_problem(batch, NSF_E_RECORD, record->start, "something else stands where arrays of flow tuples belong");
}

/* The streamed record goes on in this batch: as the row it has there, or as a part in a new one. */
static void enter_batch(struct nsf_records *records, struct nsf_open_record *record, const struct nsf_scope *scope,
                        enum nsf_layout layout, struct nsf_batch *batch)
{
    struct nsf_tuple_target *target = &record->target;
    bool is_part = target->batch != NULL;
    if (is_part && target->batch == batch && target->record_idx < batch->n_records)
        return;
    nsf_tuple_target_init(target, batch, layout);
    add_record(records, record, scope, target);
    batch->records[target->record_idx].is_part = is_part;
}

/* Hands on what a streamed record has up to end_group. */
static void add_part(struct nsf_records *records, struct nsf_open_record *record, const struct nsf_window *window,
                     size_t end_group, struct nsf_batch *batch)
{
    enum nsf_layout layout;
    if (!guess_layout(records, record, &layout))
        return;
    struct nsf_scope scope = scope_of_record(records, record, layout);
    enter_batch(records, record, &scope, layout, batch);
    /* The row's scope may be that of an earlier part, when less was known. */
    take_groups(records, record, window, &scope, NSF_SCOPE_CACHE_NO_RECORD, end_group, &record->target);
}

/* What they had is in the batch. The last one may go on: its tuples count from where the held ones ended. */
static void empty_groups(struct nsf_records *records, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct nsf_group *group = &records->groups[i];
        group->held_from = records->held.len;
        group->held_to = records->held.len;
        group->from = records->held_base;
        group->to = records->held_base;
    }
}

void nsf_records_stream(struct nsf_records *records, size_t idx, bool has_open_array, const struct nsf_window *window,
                        struct nsf_batch *batch)
{
    struct nsf_open_record *record = &records->open[idx];
    bool is_innermost = idx + 1 == records->n_open;
    size_t end_group = is_innermost ? records->n_groups : records->open[idx + 1].first_group;
    if (!record->is_streamed) {
        char text[96];
        snprintf(text, sizeof(text), "record longer than %zu bytes: counted without the duplicate check",
                 NSF_RECORD_MAX_BYTES);
        add_problem(batch, NSF_E_LIMIT, record->start, text);
        record->is_streamed = true;
    }
    add_part(records, record, window, end_group, batch);
    if (!is_innermost) {
        empty_groups(records, record->first_group, end_group);
        return;
    }
    size_t n_kept = has_open_array ? 1 : 0;
    if (record->first_group < records->n_groups)
        records->held.len = records->groups[record->first_group].held_from;
    if (n_kept > 0)
        records->groups[record->first_group] = records->groups[records->n_groups - 1];
    records->n_groups = record->first_group + n_kept;
    empty_groups(records, record->first_group, records->n_groups);
}

static bool close_streamed(struct nsf_records *records, const struct nsf_window *window, struct nsf_batch *batch)
{
    struct nsf_open_record *record = nsf_records_top(records);
    enum nsf_layout layout;
    bool has_category = record->category.at != NSF_TEXT_ABSENT;
    remember_time(records, record);
    if (has_category && record->target.batch == NULL && !layout_of(records, record, &layout))
        add_foreign(records, record, batch);
    else
        add_part(records, record, window, records->n_groups, batch);
    return has_category;
}

bool nsf_records_close(struct nsf_records *records, const struct nsf_window *window, uint64_t end, bool is_guess,
                       struct nsf_batch *batch)
{
    struct nsf_open_record *record = nsf_records_top(records);
    enum nsf_layout layout;
    bool is_record = record->category.at != NSF_TEXT_ABSENT;
    if (is_guess && !layout_of(records, record, &layout))
        is_record = is_record && record->time_ms != NSF_TS_NONE;
    if (record->is_streamed)
        is_record = close_streamed(records, window, batch);
    else if (is_record)
        add_whole(records, record, window, end, batch);
    else if (record->has_members && !record->has_inner && !is_guess)
        add_problem(batch, NSF_E_RECORD, record->start, "an object without a category is no flow log record");
    records->n_groups = record->first_group;
    if (--records->n_open == 0)
        nsf_records_drop(records);
    return is_record;
}

uint64_t nsf_records_count_lost(struct nsf_records *records, const struct nsf_window *window)
{
    uint64_t n_lost = 0;
    for (size_t i = 0; i < records->n_open; i++) {
        const struct nsf_open_record *record = &records->open[i];
        size_t end_group = i + 1 < records->n_open ? records->open[i + 1].first_group : records->n_groups;
        struct nsf_tuple_target target;
        nsf_tuple_target_init(&target, NULL, NSF_LAYOUT_NSG2);
        target.is_strict = records->options.is_strict;
        if (!record->is_marked || !guess_layout(records, record, &target.layout))
            continue;
        for (size_t g = record->first_group; g < end_group; g++)
            take_group(records, &records->groups[g], window, &target);
        n_lost += target.n_tuples - target.n_bad;
    }
    return n_lost;
}

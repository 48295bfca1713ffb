#include "core/nsf_common.h"

#include "envelope/envelope.h"

#include "core/clock.h"
#include "core/json_in.h"
#include "core/limits.h"
#include "core/mem.h"
#include "envelope/keys.h"
#include "envelope/record.h"
#include "envelope/window.h"

/* Between records this file reads the text itself: blanks, commas and brackets. Each object goes to the JSON parser,
 * which never sees a byte behind its closing brace. An object that turns out to be wrapped around an array of objects
 * is given up: its brackets are remembered, and the objects in the array are read one by one. */

#define TUPLES_KEY "\"flowTuples\""
#define TUPLES_KEY_BYTES (sizeof(TUPLES_KEY) - 1)
/* What may be read again behind damage: a start, and this many times what was read at all. More is only wanted by
 * text that was made to be slow. */
#define AGAIN_START_BYTES ((uint64_t)64 << 20)
#define AGAIN_FACTOR 4
/* In the part-wise reading of an endless record: how much is held at a time. */
#define STREAM_PART_BYTES ((uint64_t)1 << 20)
#define STREAM_TEXTS_MAX_BYTES ((size_t)1 << 20)
#define OFFSET_UNKNOWN UINT64_MAX

enum role {
    ROLE_RECORD,          /* a map: a record, or not yet known to be none */
    ROLE_RECORDS,         /* an array of records inside a record */
    ROLE_INSIDE,          /* a map or array inside a record */
    ROLE_TUPLES,          /* a flowTuples array */
    ROLE_CONTAINER_MAP,   /* inside an object that looks like no record so far */
    ROLE_CONTAINER_ARRAY, /* the same; an object in it makes it an array of records */
    ROLE_IGNORED,
};

struct level {
    enum role role;
    bool is_map;
    bool is_properties; /* the map that holds the version of NSG flow logs */
    enum nsf_key key;   /* the one read last, of a map */
    size_t first_group;
    struct nsf_group_names names;
};

enum state {
    STATE_BETWEEN, /* records */
    STATE_OBJECT,
    STATE_SKIM,    /* in a flowTuples array that the parser has not seen */
    STATE_RECOVER, /* behind damage, looking for a record */
};

struct nsf_envelope {
    struct nsf_json_in *json;
    struct nsf_window window;
    struct nsf_records records;
    struct nsf_batch *batch; /* of the present call */
    enum state state;
    uint64_t begin; /* offset of the first byte of the blob or piece */
    uint64_t pos;   /* everything before it is read */
    bool is_at_blob_start;
    bool is_finishing;
    bool is_parser_usable; /* it stands between two values */
    bool is_plain;
    bool is_streaming; /* the outermost record is past its bound */
    uint64_t next_part;
    /* the object being read */
    struct level levels[NSF_JSON_DEPTH_MAX + 1];
    unsigned n_levels;
    unsigned n_maps;
    uint64_t object_start;
    uint64_t token_end;    /* behind the last token of the parser */
    uint64_t element_from; /* behind the last element of the open flowTuples array, or its `[` */
    uint64_t key_at;       /* the next TUPLES_KEY from pos on, OFFSET_UNKNOWN: none before key_searched_to */
    uint64_t key_searched_to;
    uint64_t skim_from;
    size_t skim_at;
    /* brackets around the records */
    char brackets[NSF_JSON_DEPTH_MAX];
    unsigned n_brackets;
    /* damage */
    bool is_recovering; /* no whole record was seen since */
    struct nsf_err damage;
    uint64_t damage_from;
    uint64_t damage_lost;
    uint64_t again_bytes; /* read twice so far */
    uint64_t last_end;    /* behind the last record that went to a batch */
    char tail[2];         /* the last two bytes passed over, blanks aside */
};

/* ---- problems -------------------------------------------------------------------------------------- */

static void add_problem(struct nsf_envelope *env, enum nsf_code code, uint64_t offset, const char *detail)
{
    struct nsf_problem problem = {.code = code, .offset = offset, .detail = nsf_slice_str(detail)};
    nsf_problems_add(&env->batch->problems, &problem);
}

/* Reading goes on at `start`: now it is known how much was passed over. */
static void settle_damage(struct nsf_envelope *env, uint64_t start)
{
    if (!env->is_recovering)
        return;
    struct nsf_problem problem = {
        .code = env->damage.code,
        .offset = env->damage.offset,
        .detail = nsf_slice_str(env->damage.text),
        .skipped_bytes = start - env->damage_from,
        .tuples_lost = env->damage_lost,
    };
    nsf_problems_add(&env->batch->problems, &problem);
    env->is_recovering = false;
}

static void drop_object(struct nsf_envelope *env)
{
    nsf_records_drop(&env->records);
    env->n_levels = 0;
    env->n_maps = 0;
    env->is_streaming = false;
    env->is_parser_usable = false;
    env->key_at = OFFSET_UNKNOWN;
    env->key_searched_to = 0;
}

/* The first byte that must stay: it may be needed again. */
static uint64_t keep_from(const struct nsf_envelope *env)
{
    if (env->state == STATE_BETWEEN || env->state == STATE_RECOVER)
        return env->pos;
    for (size_t i = 0; i < env->records.n_open; i++)
        if (!env->records.open[i].is_streamed)
            return env->records.open[i].start;
    return env->token_end;
}

/* *err says what is wrong. What is open is lost, and the search for the next record begins just behind its start. */
static void damage(struct nsf_envelope *env, const struct nsf_err *err)
{
    uint64_t from = keep_from(env);
    uint64_t again = env->state == STATE_BETWEEN ? from : from + 1;
    uint64_t lost = nsf_records_count_lost(&env->records, &env->window);
    if (again < env->last_end)
        again = env->last_end;
    if (!env->is_recovering) {
        env->is_recovering = true;
        env->damage = *err;
        env->damage_from = from;
        env->damage_lost = 0;
        memset(env->tail, 0, sizeof(env->tail));
    }
    env->damage_lost += lost;
    uint64_t cost = err->offset > again ? err->offset - again : 0;
    if (env->again_bytes + cost > AGAIN_START_BYTES + AGAIN_FACTOR * (err->offset - env->begin))
        again += cost;
    else
        env->again_bytes += cost;
    drop_object(env);
    env->state = STATE_RECOVER;
    env->pos = again;
}

/* ---- events of the parser ---------------------------------------------------------------------------- */

static struct level *top_level(struct nsf_envelope *env)
{
    return &env->levels[env->n_levels - 1];
}

static struct level *push_level(struct nsf_envelope *env, enum role role, bool is_map)
{
    struct level *level = &env->levels[env->n_levels++];
    level->role = role;
    level->is_map = is_map;
    level->is_properties = false;
    level->key = NSF_KEY_OTHER;
    level->first_group = env->records.n_groups;
    level->names = (struct nsf_group_names){NSF_TEXT_INIT, NSF_TEXT_INIT, NSF_TEXT_INIT};
    env->n_maps += is_map;
    return level;
}

/* Where the element of a flowTuples array that the parser just gave begins: behind blanks and a comma. */
static uint64_t element_start(const struct nsf_envelope *env)
{
    uint64_t end = nsf_json_in_offset(env->json);
    struct nsf_slice bytes = nsf_window_slice(&env->window, env->element_from, end);
    size_t at = 0;
    while (at < bytes.len && strchr(" \t\r\n,", bytes.ptr[at]) != NULL)
        at++;
    return env->element_from + at;
}

static void hold_element(struct nsf_envelope *env, struct nsf_slice text, bool is_string)
{
    uint64_t start = element_start(env);
    nsf_records_hold(&env->records, text, is_string, is_string ? start + 1 : start);
    env->element_from = nsf_json_in_offset(env->json);
}

static bool is_member_of_record(enum nsf_key key)
{
    return key >= NSF_KEY_TIME && key <= NSF_KEY_MAC_ADDRESS;
}

static void set_name(struct nsf_envelope *env, struct level *level, struct nsf_slice text)
{
    struct nsf_text *name = level->key == NSF_KEY_RULE     ? &level->names.rule
                            : level->key == NSF_KEY_MAC    ? &level->names.mac
                            : level->key == NSF_KEY_ACL_ID ? &level->names.acl
                                                           : NULL;
    if (name != NULL)
        *name = text.ptr == NULL ? (struct nsf_text)NSF_TEXT_INIT : nsf_records_keep_text(&env->records, text);
    if (level->key == NSF_KEY_VERSION && level->is_properties)
        nsf_records_set_member(&env->records, NSF_KEY_VERSION, text);
}

/* A value that is no string is none, but where a version is meant. `text` is the absent slice for maps and arrays. */
static void take_value(struct nsf_envelope *env, struct nsf_slice text, bool is_string)
{
    struct level *level = top_level(env);
    env->token_end = nsf_json_in_offset(env->json);
    if (level->role == ROLE_TUPLES) {
        hold_element(env, text, is_string);
        return;
    }
    if (!level->is_map)
        return;
    bool is_version = level->key == NSF_KEY_VERSION || level->key == NSF_KEY_FLOW_LOG_VERSION;
    struct nsf_slice value = is_string || is_version ? text : (struct nsf_slice){NULL, 0};
    if (level->role == ROLE_RECORD && is_member_of_record(level->key))
        nsf_records_set_member(&env->records, level->key, value);
    else if (level->role == ROLE_INSIDE)
        set_name(env, level, value);
}

static bool on_null(void *ctx)
{
    take_value(ctx, NSF_SLICE_LIT("null"), false);
    return true;
}

static bool on_boolean(void *ctx, bool value)
{
    take_value(ctx, nsf_slice_str(value ? "true" : "false"), false);
    return true;
}

static bool on_number(void *ctx, struct nsf_slice text)
{
    take_value(ctx, text, false);
    return true;
}

static bool on_string(void *ctx, struct nsf_slice text)
{
    take_value(ctx, text.ptr == NULL ? nsf_slice("", 0) : text, true);
    return true;
}

static bool on_map_key(void *ctx, struct nsf_slice key)
{
    struct nsf_envelope *env = ctx;
    struct level *level = top_level(env);
    env->token_end = nsf_json_in_offset(env->json);
    level->key = nsf_key_of(key);
    if (level->role == ROLE_RECORD) {
        struct nsf_open_record *record = nsf_records_top(&env->records);
        record->has_members = true;
        record->is_marked = record->is_marked || nsf_key_marks_record(level->key);
    }
    return true;
}

/* The role of a map or array inside this one. */
static enum role role_inside(struct nsf_envelope *env, bool is_map)
{
    struct level *parent = top_level(env);
    bool is_tuples = !is_map && parent->is_map && parent->key == NSF_KEY_FLOW_TUPLES;
    switch (parent->role) {
    case ROLE_RECORD:
        if (!nsf_records_top(&env->records)->is_marked)
            return is_map ? ROLE_CONTAINER_MAP : ROLE_CONTAINER_ARRAY;
        if (!is_map && parent->key == NSF_KEY_RECORDS)
            return ROLE_RECORDS;
        return is_tuples ? ROLE_TUPLES : ROLE_INSIDE;
    case ROLE_RECORDS:
        return is_map ? ROLE_RECORD : ROLE_RECORDS;
    case ROLE_INSIDE:
        return is_tuples ? ROLE_TUPLES : ROLE_INSIDE;
    case ROLE_CONTAINER_MAP:
    case ROLE_CONTAINER_ARRAY:
        return is_map ? ROLE_CONTAINER_MAP : ROLE_CONTAINER_ARRAY;
    case ROLE_TUPLES:
    case ROLE_IGNORED:
        return ROLE_IGNORED;
    }
    NSF_BUG("a level has no role");
}

static void open_record(struct nsf_envelope *env, uint64_t start)
{
    if (env->records.n_open > 0)
        nsf_records_top(&env->records)->has_inner = true;
    nsf_records_push(&env->records, start);
    push_level(env, ROLE_RECORD, true);
}

static bool on_start_map(void *ctx)
{
    struct nsf_envelope *env = ctx;
    uint64_t end = nsf_json_in_offset(env->json);
    if (env->n_levels == 0) {
        open_record(env, env->object_start);
        env->token_end = end;
        return true;
    }
    struct level *parent = top_level(env);
    if (parent->role == ROLE_CONTAINER_ARRAY)
        return false; /* records are wrapped in this array */
    enum role role = role_inside(env, true);
    take_value(env, (struct nsf_slice){NULL, 0}, false);
    if (role == ROLE_RECORD) {
        open_record(env, end - 1);
        return true;
    }
    struct level *level = push_level(env, role, true);
    level->is_properties = parent->role == ROLE_RECORD && parent->key == NSF_KEY_PROPERTIES;
    if (parent->role == ROLE_RECORD && parent->key == NSF_KEY_FLOW_RECORDS)
        nsf_records_top(&env->records)->has_flow_records = true;
    return true;
}

static bool on_start_array(void *ctx)
{
    struct nsf_envelope *env = ctx;
    enum role role = role_inside(env, false);
    if (role == ROLE_CONTAINER_ARRAY)
        nsf_records_top(&env->records)->has_inner = true;
    take_value(env, (struct nsf_slice){NULL, 0}, false);
    push_level(env, role, false);
    if (role == ROLE_TUPLES) {
        env->element_from = env->token_end;
        nsf_records_open_group(&env->records, env->token_end);
    }
    return true;
}

static void pop_level(struct nsf_envelope *env)
{
    env->token_end = nsf_json_in_offset(env->json);
    env->n_maps -= top_level(env)->is_map;
    env->n_levels--;
    if (env->n_levels > 0 && top_level(env)->role == ROLE_TUPLES)
        env->element_from = env->token_end;
}

static bool on_end_map(void *ctx)
{
    struct nsf_envelope *env = ctx;
    struct level *level = top_level(env);
    if (level->role == ROLE_INSIDE)
        nsf_records_name_groups(&env->records, level->first_group, &level->names);
    bool is_record_end = level->role == ROLE_RECORD;
    uint64_t start = is_record_end ? nsf_records_top(&env->records)->start : 0;
    pop_level(env);
    if (is_record_end && nsf_records_close(&env->records, &env->window, env->token_end, env->batch)) {
        settle_damage(env, start);
        env->last_end = env->token_end;
    }
    return true;
}

static bool on_end_array(void *ctx)
{
    pop_level(ctx);
    return true;
}

static const struct nsf_json_events events = {
    .null = on_null,
    .boolean = on_boolean,
    .number = on_number,
    .string = on_string,
    .start_map = on_start_map,
    .map_key = on_map_key,
    .end_map = on_end_map,
    .start_array = on_start_array,
    .end_array = on_end_array,
};

/* ---- an object ----------------------------------------------------------------------------------------- */

/* The object turned out to be wrapped around an array of objects, the first of which begins before `end`. */
static void unwrap(struct nsf_envelope *env, uint64_t end)
{
    if (env->n_brackets + env->n_levels > NSF_JSON_DEPTH_MAX) {
        struct nsf_err err = NSF_ERR_INIT;
        nsf_result r = NSF_FAIL(&err, NSF_E_LIMIT, end, "records are wrapped deeper than %d", NSF_JSON_DEPTH_MAX);
        (void)r;
        damage(env, &err);
        return;
    }
    for (unsigned i = 0; i < env->n_levels; i++)
        env->brackets[env->n_brackets++] = env->levels[i].is_map ? '{' : '[';
    drop_object(env);
    env->state = STATE_BETWEEN;
    env->pos = end - 1;
}

/* Hands the bytes up to `end` to the parser. */
static void feed(struct nsf_envelope *env, uint64_t end)
{
    struct nsf_err err = NSF_ERR_INIT;
    switch (nsf_json_in_write(env->json, nsf_window_slice(&env->window, env->pos, end), &err)) {
    case NSF_JSON_IN_MORE:
        env->pos = end;
        if (env->n_levels == 0)
            env->state = STATE_BETWEEN;
        return;
    case NSF_JSON_IN_STOPPED:
        unwrap(env, nsf_json_in_offset(env->json));
        return;
    case NSF_JSON_IN_ERROR:
        damage(env, &err);
        return;
    }
}

static void begin_object(struct nsf_envelope *env, uint64_t start)
{
    if (env->is_parser_usable)
        nsf_json_in_skip(env->json, start - nsf_json_in_offset(env->json));
    else
        nsf_json_in_reset(env->json, start);
    env->is_parser_usable = true;
    env->object_start = start;
    env->token_end = start;
    env->state = STATE_OBJECT;
}

/* A member of an object around the records, behind their array: the rest of it is read as an object of its own. */
static void begin_members(struct nsf_envelope *env)
{
    struct nsf_err err = NSF_ERR_INIT;
    env->n_brackets--;
    env->is_parser_usable = false;
    begin_object(env, env->pos - 1);
    env->object_start = env->pos;
    if (nsf_json_in_write(env->json, NSF_SLICE_LIT("{"), &err) != NSF_JSON_IN_MORE)
        NSF_BUG("an opening brace is not valid JSON");
}

/* The next `"flowTuples"` from pos on, or window_end. */
static uint64_t find_tuples_key(struct nsf_envelope *env, uint64_t window_end)
{
    if (env->key_at != OFFSET_UNKNOWN && env->key_at >= env->pos)
        return env->key_at;
    uint64_t from = env->pos;
    if (env->key_searched_to > from + TUPLES_KEY_BYTES)
        from = env->key_searched_to - TUPLES_KEY_BYTES;
    struct nsf_slice bytes = nsf_window_slice(&env->window, from, window_end);
    const char *hit = memmem(bytes.ptr, bytes.len, TUPLES_KEY, TUPLES_KEY_BYTES);
    env->key_at = hit == NULL ? OFFSET_UNKNOWN : from + (uint64_t)(hit - bytes.ptr);
    env->key_searched_to = window_end;
    return hit == NULL ? window_end : env->key_at;
}

/* Behind as many closing braces as there are open maps, or `end`: the object does not end before. Braces inside
 * strings only make the piece shorter. */
static uint64_t find_last_brace(const struct nsf_envelope *env, uint64_t end)
{
    struct nsf_slice bytes = nsf_window_slice(&env->window, env->pos, end);
    size_t at = 0;
    for (unsigned n = env->n_maps > 0 ? env->n_maps : 1; n > 0; n--) {
        at += nsf_slice_find(nsf_slice_from(bytes, at), '}');
        if (at == bytes.len)
            return end;
        at++;
    }
    return env->pos + at;
}

/* Behind the key: the array that it names is for the skimmer. */
static void begin_skim(struct nsf_envelope *env, uint64_t limit)
{
    struct nsf_slice bytes = nsf_window_slice(&env->window, env->pos, limit);
    size_t at = 0;
    while (at < bytes.len && strchr(" \t\r\n:", bytes.ptr[at]) != NULL && bytes.ptr[at] != '\0')
        at++;
    if (at == bytes.len || bytes.ptr[at] != '[')
        return;
    feed(env, env->pos + at + 1);
    if (env->state != STATE_OBJECT || top_level(env)->role != ROLE_TUPLES || env->token_end != env->pos)
        return;
    env->state = STATE_SKIM;
    env->skim_from = env->pos;
    env->skim_at = 0;
}

/* Up to `limit`, the end of the window or a place where something is due. */
static void read_object(struct nsf_envelope *env, uint64_t limit)
{
    bool is_skimmed = !env->is_plain && !env->is_streaming;
    uint64_t key_end = limit;
    if (is_skimmed) {
        uint64_t key = find_tuples_key(env, nsf_window_end(&env->window));
        if (key + TUPLES_KEY_BYTES < limit)
            key_end = key + TUPLES_KEY_BYTES;
    }
    uint64_t end = find_last_brace(env, key_end);
    feed(env, end);
    if (end == key_end && key_end < limit && env->state == STATE_OBJECT)
        begin_skim(env, limit);
}

static void read_tuples(struct nsf_envelope *env, uint64_t limit, bool is_limit_final)
{
    struct nsf_slice bytes = nsf_window_slice(&env->window, env->skim_from, limit);
    enum nsf_skim found = nsf_skim(bytes, &env->skim_at);
    if (found == NSF_SKIM_FOUND) {
        env->pos = env->skim_from + env->skim_at;
        nsf_records_skimmed(&env->records, env->pos);
        nsf_json_in_skip(env->json, env->skim_at);
        env->state = STATE_OBJECT;
    } else if (found == NSF_SKIM_ODD || is_limit_final) {
        env->state = STATE_OBJECT;
        feed(env, find_last_brace(env, limit));
    }
}

/* Where the next part of a record that is too long to be held is due. */
static uint64_t part_due(const struct nsf_envelope *env)
{
    for (size_t i = 0; i < env->records.n_open; i++)
        if (!env->records.open[i].is_streamed)
            return env->records.open[i].start + NSF_RECORD_MAX_BYTES;
    return env->is_streaming ? env->next_part : OFFSET_UNKNOWN;
}

static void compact_texts(struct nsf_envelope *env)
{
    struct nsf_buf old;
    nsf_records_begin_compact(&env->records, &old);
    for (unsigned i = 0; i < env->n_levels; i++)
        nsf_records_compact_names(&env->records, &old, &env->levels[i].names);
    nsf_buf_release(&old);
}

static void stream_part(struct nsf_envelope *env)
{
    bool has_open_array = false;
    bool is_due = true;
    for (unsigned i = env->n_levels; i-- > 0;) {
        nsf_records_name_groups(&env->records, env->levels[i].first_group, &env->levels[i].names);
        has_open_array = has_open_array || env->levels[i].role == ROLE_TUPLES;
    }
    for (size_t i = 0; i < env->records.n_open && is_due; i++) {
        is_due = env->records.open[i].is_streamed;
        nsf_records_stream(&env->records, i, has_open_array, &env->window, env->batch);
    }
    for (unsigned i = 0; i < env->n_levels; i++)
        if (env->levels[i].first_group > env->records.n_groups)
            env->levels[i].first_group = env->records.n_groups;
    if (env->records.texts.len > STREAM_TEXTS_MAX_BYTES)
        compact_texts(env);
    env->is_streaming = true;
    env->next_part = env->pos + STREAM_PART_BYTES;
}

/* True: something was done; false: more bytes are needed. */
static bool step_object(struct nsf_envelope *env)
{
    uint64_t end = nsf_window_end(&env->window);
    uint64_t due = part_due(env);
    uint64_t before = env->pos;
    if (due <= env->pos && env->state == STATE_OBJECT) {
        stream_part(env);
        return true;
    }
    uint64_t limit = due < end ? due : end;
    if (env->state == STATE_SKIM) {
        read_tuples(env, limit, limit == due || env->is_finishing);
        return env->state != STATE_SKIM;
    }
    if (env->pos < limit)
        read_object(env, limit);
    return env->pos != before || env->state != STATE_OBJECT;
}

/* ---- between objects ---------------------------------------------------------------------------------------- */

static void junk(struct nsf_envelope *env)
{
    struct nsf_err err = NSF_ERR_INIT;
    nsf_result r = NSF_FAIL(&err, NSF_E_JSON, env->pos, "no record begins here");
    (void)r;
    damage(env, &err);
}

static void close_bracket(struct nsf_envelope *env, char opening)
{
    if (env->n_brackets == 0)
        return; /* the end of a fragment */
    if (env->brackets[env->n_brackets - 1] == opening)
        env->n_brackets--;
    else
        add_problem(env, NSF_E_JSON, env->pos, "a closing bracket of the other kind was expected");
}

static void open_bracket(struct nsf_envelope *env)
{
    if (env->n_brackets < NSF_JSON_DEPTH_MAX)
        env->brackets[env->n_brackets++] = '[';
    else
        junk(env);
}

/* The byte order mark stands at the start of the blob only. True: it was there, or it cannot be told yet. */
static bool is_byte_order_mark(struct nsf_envelope *env, struct nsf_slice bytes, bool *is_whole)
{
    struct nsf_slice mark = NSF_SLICE_LIT("\xef\xbb\xbf");
    size_t n = bytes.len < mark.len ? bytes.len : mark.len;
    *is_whole = n == mark.len;
    return env->is_at_blob_start && env->pos == env->begin && memcmp(bytes.ptr, mark.ptr, n) == 0 &&
           (*is_whole || !env->is_finishing);
}

/* One byte that is no blank; false: more bytes are needed. */
static bool take_mark(struct nsf_envelope *env, struct nsf_slice bytes)
{
    bool is_whole;
    if (is_byte_order_mark(env, bytes, &is_whole)) {
        env->pos += is_whole ? 3 : 0;
        return is_whole;
    }
    bool is_in_object = env->n_brackets > 0 && env->brackets[env->n_brackets - 1] == '{';
    switch (bytes.ptr[0]) {
    case '{':
        begin_object(env, env->pos);
        return true;
    case '[':
        open_bracket(env);
        break;
    case ']':
        close_bracket(env, '[');
        break;
    case '}':
        close_bracket(env, '{');
        break;
    case ',':
        break;
    case '"':
        if (is_in_object && env->pos > env->begin) {
            begin_members(env);
            return true;
        }
        junk(env);
        return true;
    default:
        junk(env);
        return true;
    }
    if (env->state == STATE_BETWEEN)
        env->pos++;
    return true;
}

static bool step_between(struct nsf_envelope *env)
{
    struct nsf_slice bytes = nsf_window_slice(&env->window, env->pos, nsf_window_end(&env->window));
    size_t at = 0;
    while (at < bytes.len && strchr(" \t\r\n", bytes.ptr[at]) != NULL && bytes.ptr[at] != '\0')
        at++;
    env->pos += at;
    if (at == bytes.len)
        return false;
    return take_mark(env, nsf_slice_from(bytes, at));
}

/* Remembers how the text that is passed over ends, to tell a blob that was closed from one that was cut. */
static void pass_over(struct nsf_envelope *env, struct nsf_slice bytes)
{
    for (size_t i = bytes.len < 16 ? 0 : bytes.len - 16; i < bytes.len; i++)
        if (bytes.ptr[i] != ' ' && bytes.ptr[i] != '\t' && bytes.ptr[i] != '\r' && bytes.ptr[i] != '\n') {
            env->tail[0] = env->tail[1];
            env->tail[1] = bytes.ptr[i];
        }
}

static bool step_recover(struct nsf_envelope *env)
{
    struct nsf_slice bytes = nsf_window_slice(&env->window, env->pos, nsf_window_end(&env->window));
    size_t at = 0;
    enum nsf_border border = nsf_border_find(bytes, &at);
    if (border == NSF_BORDER_MORE && env->is_finishing)
        at++;
    pass_over(env, nsf_slice(bytes.ptr, at));
    env->pos += at;
    if (border == NSF_BORDER_FOUND)
        begin_object(env, env->pos);
    return border == NSF_BORDER_FOUND || (border == NSF_BORDER_MORE && env->is_finishing);
}

static bool step(struct nsf_envelope *env)
{
    switch (env->state) {
    case STATE_BETWEEN:
        /* Behind an object that was no record nothing is sure yet. */
        if (env->is_recovering)
            env->state = STATE_RECOVER;
        return env->is_recovering || step_between(env);
    case STATE_OBJECT:
    case STATE_SKIM:
        return step_object(env);
    case STATE_RECOVER:
        return step_recover(env);
    }
    NSF_BUG("the envelope has no state");
}

/* ---- the interface -------------------------------------------------------------------------------------------- */

struct nsf_envelope *nsf_envelope_new(const struct nsf_envelope_options *options)
{
    struct nsf_envelope *env = nsf_calloc(1, sizeof(*env));
    nsf_records_init(&env->records, options);
    nsf_window_init(&env->window);
    env->is_plain = options->is_plain;
    env->json = nsf_json_in_new(&events, env, NSF_JSON_IN_MANY_VALUES);
    nsf_envelope_begin(env, 0, NSF_PLACE_START);
    return env;
}

void nsf_envelope_free(struct nsf_envelope *env)
{
    if (env == NULL)
        return;
    nsf_json_in_free(env->json);
    nsf_records_release(&env->records);
    nsf_window_release(&env->window);
    nsf_free(env);
}

void nsf_envelope_begin(struct nsf_envelope *env, uint64_t offset, enum nsf_place place)
{
    drop_object(env);
    nsf_window_reset(&env->window, offset);
    env->state = STATE_BETWEEN;
    env->begin = offset;
    env->pos = offset;
    env->is_at_blob_start = place == NSF_PLACE_START;
    env->is_finishing = false;
    env->is_recovering = false;
    env->again_bytes = 0;
    env->last_end = offset;
    env->n_brackets = 0;
    if (place == NSF_PLACE_IN_RECORDS) {
        memcpy(env->brackets, "{[", 2);
        env->n_brackets = 2;
    }
    env->records.first_time_ms = NSF_TS_NONE;
}

char *nsf_envelope_room(struct nsf_envelope *env, size_t *capacity)
{
    return nsf_window_room(&env->window, keep_from(env), NSF_CHUNK_BYTES, capacity);
}

void nsf_envelope_commit(struct nsf_envelope *env, size_t n_bytes, struct nsf_batch *batch)
{
    env->batch = batch;
    env->window.to += n_bytes;
    while (env->pos < nsf_window_end(&env->window) && step(env)) {
    }
}

static void cut_object(struct nsf_envelope *env)
{
    struct nsf_err err = NSF_ERR_INIT;
    nsf_result r = NSF_FAIL(&err, NSF_E_TRUNCATED, nsf_window_end(&env->window), "the text ends inside a record");
    (void)r;
    damage(env, &err);
}

void nsf_envelope_finish(struct nsf_envelope *env, struct nsf_batch *batch)
{
    uint64_t end = nsf_window_end(&env->window);
    env->batch = batch;
    env->is_finishing = true;
    bool is_cut = false;
    do {
        while (env->pos < end && step(env)) {
        }
        is_cut = env->state == STATE_OBJECT || env->state == STATE_SKIM;
        if (is_cut)
            cut_object(env);
    } while (is_cut);
    bool is_closed = env->is_recovering && memcmp(env->tail, "]}", 2) == 0;
    bool is_said = env->is_recovering && env->damage.code == NSF_E_TRUNCATED;
    if (env->n_brackets > 0 && !is_closed && !is_said)
        add_problem(env, NSF_E_TRUNCATED, end, "the text ends before the array of records is closed");
    settle_damage(env, end);
}

enum nsf_place nsf_envelope_place(const struct nsf_envelope *env)
{
    bool is_between = env->state == STATE_BETWEEN && !env->is_recovering && env->pos == nsf_window_end(&env->window);
    if (!is_between)
        return NSF_PLACE_ELSEWHERE;
    if (env->is_at_blob_start && env->pos == env->begin)
        return NSF_PLACE_START;
    if (env->n_brackets == 0)
        return NSF_PLACE_IN_LINES;
    return env->n_brackets == 2 && memcmp(env->brackets, "{[", 2) == 0 ? NSF_PLACE_IN_RECORDS : NSF_PLACE_ELSEWHERE;
}

size_t nsf_envelope_find_border(struct nsf_slice bytes)
{
    size_t at = 0;
    return nsf_border_find(bytes, &at) == NSF_BORDER_FOUND ? at : bytes.len;
}

int64_t nsf_envelope_first_time(const struct nsf_envelope *env)
{
    return env->records.first_time_ms;
}

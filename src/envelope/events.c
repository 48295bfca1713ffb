#include "core/nsf_common.h"

#include "envelope/state.h"

void nsf_envelope_settle_damage(struct nsf_envelope *env, uint64_t start)
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

static struct nsf_level *push_level(struct nsf_envelope *env, enum nsf_level_role role, bool is_map)
{
    struct nsf_level *level = &env->levels[env->n_levels++];
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
    uint64_t end = nsf_envelope_offset(env);
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
    env->element_from = nsf_envelope_offset(env);
}

static bool is_member_of_record(enum nsf_key key)
{
    return key >= NSF_KEY_TIME && key <= NSF_KEY_MAC_ADDRESS;
}

static void set_name(struct nsf_envelope *env, struct nsf_level *level, struct nsf_slice text)
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

/* A text or a number where arrays of tuples are looked for; null is nothing. */
static void note_odd_tuples(struct nsf_envelope *env, const struct nsf_level *level, struct nsf_slice text,
                            bool is_string)
{
    bool is_inside = level->role == ROLE_RECORD || level->role == ROLE_INSIDE;
    if (is_inside && text.ptr != NULL && (is_string || !nsf_slice_eq(text, NSF_SLICE_LIT("null"))))
        nsf_records_top(&env->records)->has_odd_tuples = true;
}

/* A value that is no string is none, but where a version is meant. `text` is the absent slice for maps and arrays. */
static void take_value(struct nsf_envelope *env, struct nsf_slice text, bool is_string)
{
    struct nsf_level *level = nsf_envelope_top(env);
    env->token_end = nsf_envelope_offset(env);
    if (level->role == ROLE_TUPLES) {
        hold_element(env, text, is_string);
        return;
    }
    if (!level->is_map)
        return;
    if (nsf_key_holds_tuples(level->key))
        note_odd_tuples(env, level, text, is_string);
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
    struct nsf_level *level = nsf_envelope_top(env);
    env->token_end = nsf_envelope_offset(env);
    level->key = nsf_key_of(key);
    if (level->role == ROLE_RECORD) {
        struct nsf_open_record *record = nsf_records_top(&env->records);
        record->has_members = true;
        record->is_marked = record->is_marked || nsf_key_marks_record(level->key);
    }
    return true;
}

/* The role of a map or array inside this one. */
static enum nsf_level_role role_inside(struct nsf_envelope *env, bool is_map)
{
    struct nsf_level *parent = nsf_envelope_top(env);
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
    uint64_t end = nsf_envelope_offset(env);
    if (env->n_levels == 0) {
        open_record(env, env->object_start);
        nsf_records_top(&env->records)->has_inner = env->is_tail;
        env->token_end = end;
        return true;
    }
    struct nsf_level *parent = nsf_envelope_top(env);
    if (parent->role == ROLE_CONTAINER_ARRAY)
        return false; /* records are wrapped in this array */
    enum nsf_level_role role = role_inside(env, true);
    take_value(env, (struct nsf_slice){NULL, 0}, false);
    if (role == ROLE_RECORD) {
        open_record(env, end - 1);
        return true;
    }
    if (role == ROLE_INSIDE && parent->is_map && parent->key == NSF_KEY_FLOW_TUPLES)
        nsf_records_top(&env->records)->has_odd_tuples = true;
    struct nsf_level *level = push_level(env, role, true);
    level->is_properties = parent->role == ROLE_RECORD && parent->key == NSF_KEY_PROPERTIES;
    if (parent->role == ROLE_RECORD && parent->key == NSF_KEY_FLOW_RECORDS)
        nsf_records_top(&env->records)->has_flow_records = true;
    return true;
}

static bool on_start_array(void *ctx)
{
    struct nsf_envelope *env = ctx;
    enum nsf_level_role role = role_inside(env, false);
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
    env->token_end = nsf_envelope_offset(env);
    env->n_maps -= nsf_envelope_top(env)->is_map;
    env->n_levels--;
    if (env->n_levels > 0 && nsf_envelope_top(env)->role == ROLE_TUPLES)
        env->element_from = env->token_end;
}

static bool on_end_map(void *ctx)
{
    struct nsf_envelope *env = ctx;
    struct nsf_level *level = nsf_envelope_top(env);
    if (level->role == ROLE_INSIDE)
        nsf_records_name_groups(&env->records, level->first_group, &level->names);
    bool is_record_end = level->role == ROLE_RECORD;
    uint64_t start = is_record_end ? nsf_records_top(&env->records)->start : 0;
    pop_level(env);
    if (is_record_end &&
        nsf_records_close(&env->records, &env->window, env->token_end, env->is_recovering, env->batch)) {
        nsf_envelope_settle_damage(env, start);
        env->last_end = env->token_end;
    }
    return true;
}

static bool on_end_array(void *ctx)
{
    pop_level(ctx);
    return true;
}

const struct nsf_json_events nsf_envelope_events = {
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

#include "core/nsf_common.h"

#include "envelope/envelope.h"

#include "core/clock.h"
#include "core/json_in.h"
#include "core/limits.h"
#include "core/mem.h"
#include "envelope/direct.h"
#include "envelope/state.h"

/* Between records this file reads the text itself: blanks, commas and brackets. An object as Azure writes it is read
 * by direct.h; every other goes to the JSON parser, which never sees a byte behind its closing brace. An object that turns out to be wrapped around an array of objects
 * is given up: its brackets are remembered, and the objects in the array are read one by one. */

#define TUPLES_KEY "\"flowTuples\""
#define TUPLES_KEY_BYTES (sizeof(TUPLES_KEY) - 1)
/* What may be read again behind damage: one record, and this many times what was read at all. More is only wanted by
 * text that was made to be slow. */
#define AGAIN_START_BYTES ((uint64_t)NSF_RECORD_MAX_BYTES)
#define AGAIN_FACTOR 4
/* In the part-wise reading of an endless record: how much is held at a time. */
#define STREAM_PART_BYTES ((uint64_t)1 << 20)
/* At most so much goes to the parser at a time: what is looked at before it is fed may be looked at again. */
#define FEED_MAX_BYTES ((uint64_t)16 << 10)
/* Azure cuts records at 32 KB; one that goes on for longer is read as it comes. */
#define DIRECT_MAX_BYTES ((uint64_t)128 << 10)
#define STREAM_TEXTS_MAX_BYTES ((size_t)1 << 20)

/* ---- problems -------------------------------------------------------------------------------------- */

static void add_problem(struct nsf_envelope *env, enum nsf_code code, uint64_t offset, const char *detail)
{
    struct nsf_problem problem = {.code = code, .offset = offset, .detail = nsf_slice_str(detail)};
    nsf_problems_add(&env->batch->problems, &problem);
}

static void drop_object(struct nsf_envelope *env)
{
    nsf_records_drop(&env->records);
    env->n_levels = 0;
    env->n_maps = 0;
    env->is_streaming = false;
    env->is_parser_usable = false;
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

/* Where the text stops being JSON: behind the last good token and the separator that follows it. The parser's own idea
 * depends on how the text was cut. */
static uint64_t bad_token_start(const struct nsf_envelope *env)
{
    struct nsf_slice bytes = nsf_window_slice(&env->window, env->token_end, nsf_window_end(&env->window));
    size_t at = 0;
    while (at < bytes.len &&
           (bytes.ptr[at] == ' ' || bytes.ptr[at] == '\t' || bytes.ptr[at] == '\r' || bytes.ptr[at] == '\n'))
        at++;
    if (at < bytes.len && (bytes.ptr[at] == ',' || bytes.ptr[at] == ':'))
        at++;
    return env->token_end + at;
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
        if (err.code == NSF_E_JSON)
            err.offset = bad_token_start(env);
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
    env->is_tail = false;
    env->token_end = start;
    env->state = STATE_OBJECT;
}

/* The end of the object is not in sight. What arrived since the last look is looked at only when it holds a brace. */
static bool may_end_now(const struct nsf_envelope *env)
{
    uint64_t end = nsf_window_end(&env->window);
    if (env->direct_from != env->pos || env->direct_missed > end)
        return true;
    struct nsf_slice fresh = nsf_window_slice(&env->window, env->direct_missed, end);
    return nsf_slice_find(fresh, '}') < fresh.len;
}

/* An object at pos. False: more bytes are needed. */
static bool take_object(struct nsf_envelope *env)
{
    uint64_t end = nsf_window_end(&env->window);
    enum nsf_direct taken = NSF_DIRECT_ODD;
    if (!env->is_plain)
        taken = may_end_now(env) ? nsf_direct_object(env, env->pos) : NSF_DIRECT_MORE;
    switch (taken) {
    case NSF_DIRECT_DONE:
        env->pos = env->direct_at;
        return true;
    case NSF_DIRECT_STOPPED:
        unwrap(env, env->direct_at);
        return true;
    case NSF_DIRECT_MORE:
        env->direct_from = env->pos;
        env->direct_missed = end;
        if (!env->is_finishing && end - env->pos < DIRECT_MAX_BYTES)
            return false;
        break;
    case NSF_DIRECT_ODD:
        break;
    }
    begin_object(env, env->pos);
    return true;
}

/* A member of an object around the records, behind their array: the rest of it is read as an object of its own. */
static void begin_members(struct nsf_envelope *env)
{
    struct nsf_err err = NSF_ERR_INIT;
    env->n_brackets--;
    env->is_parser_usable = false;
    begin_object(env, env->pos - 1);
    env->object_start = env->pos;
    env->is_tail = true;
    if (nsf_json_in_write(env->json, NSF_SLICE_LIT("{"), &err) != NSF_JSON_IN_MORE)
        NSF_BUG("an opening brace is not valid JSON");
}

/* The next `"flowTuples"` from pos on, or window_end. No byte is searched twice, however often objects begin. */
static uint64_t find_tuples_key(struct nsf_envelope *env, uint64_t window_end)
{
    bool is_known = env->key_searched_from <= env->pos && env->pos <= env->key_searched_to;
    if (is_known && env->key_at != NSF_OFFSET_NONE && env->key_at >= env->pos)
        return env->key_at;
    uint64_t from = env->pos;
    if (is_known && env->key_at == NSF_OFFSET_NONE && env->key_searched_to > from + TUPLES_KEY_BYTES)
        from = env->key_searched_to - TUPLES_KEY_BYTES;
    struct nsf_slice bytes = nsf_window_slice(&env->window, from, window_end);
    const char *hit = memmem(bytes.ptr, bytes.len, TUPLES_KEY, TUPLES_KEY_BYTES);
    env->key_at = hit == NULL ? NSF_OFFSET_NONE : from + (uint64_t)(hit - bytes.ptr);
    env->key_searched_from = env->pos;
    env->key_searched_to = hit == NULL ? window_end : env->key_at;
    return hit == NULL ? window_end : env->key_at;
}

/* Behind as many closing braces as there are open maps, or some place before: the object does not end earlier. Braces
 * inside strings only make the piece shorter. */
static uint64_t find_last_brace(const struct nsf_envelope *env, uint64_t end)
{
    if (end - env->pos > FEED_MAX_BYTES)
        end = env->pos + FEED_MAX_BYTES;
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
    if (env->state != STATE_OBJECT || nsf_envelope_top(env)->role != ROLE_TUPLES || env->token_end != env->pos)
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
    enum nsf_skim found = env->records.options.ops->skim(bytes, &env->skim_at);
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
    return env->is_streaming ? env->next_part : NSF_OFFSET_NONE;
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
        return take_object(env);
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
    env->json = nsf_json_in_new(&nsf_envelope_events, env, NSF_JSON_IN_MANY_VALUES);
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

void nsf_envelope_begin(struct nsf_envelope *env, uint64_t offset, enum nsf_envelope_place place)
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
    env->key_searched_from = NSF_OFFSET_NONE;
    env->direct_from = NSF_OFFSET_NONE;
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
    nsf_envelope_settle_damage(env, end);
}

enum nsf_envelope_place nsf_envelope_place(const struct nsf_envelope *env)
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

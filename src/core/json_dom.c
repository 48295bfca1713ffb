#include "core/nsf_common.h"

#include "core/json_dom.h"

#include "core/json_in.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/utf8.h"

/* An open map or array: where its values begin on the stack. */
struct frame {
    size_t values_from;
    size_t keys_from;
    uint64_t offset;
    uint32_t line;
    bool is_map;
    bool is_streamed; /* an array whose elements are handed out one by one */
    size_t n_given;
};

enum comment {
    COMMENT_NONE,
    COMMENT_SLASH, /* one slash was seen */
    COMMENT_LINE,
    COMMENT_BLOCK,
    COMMENT_STAR, /* a star inside a block */
};

/* Where the next token begins: separators and comments are skipped here, beside yajl, which tells only where a token
 * ends. */
struct position {
    struct nsf_slice chunk;
    uint64_t chunk_offset;
    uint64_t at; /* everything before it is accounted for */
    uint32_t line;
    enum comment comment; /* the one that is open */
    bool is_in_token;     /* the token that is open began at `token_offset` in an earlier chunk */
    uint64_t token_offset;
};

struct nsf_json_stream {
    const struct nsf_json_stream_events *events;
    void *ctx;
    struct nsf_json_in *in;
    uint64_t max_bytes;
    struct position pos;
    struct nsf_arena root_arena;
    struct nsf_arena item_arena;
    struct nsf_arena *arena; /* one of the two */
    struct nsf_json *values;
    size_t n_values, values_capacity;
    struct nsf_slice *keys;
    size_t n_keys, keys_capacity;
    struct frame frames[NSF_JSON_DEPTH_MAX];
    size_t depth;
    size_t n_roots;
    const struct nsf_json *only_root; /* nsf_json_parse: the tree is wanted, not the event */
    bool is_whole;
    struct nsf_err failure; /* set when an event stopped for a reason of our own */
};

/* --- Where tokens begin ---------------------------------------------------------------------------------------- */

static bool is_separator(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ':';
}

static enum comment next_comment(enum comment comment, char c)
{
    switch (comment) {
    case COMMENT_NONE:
        return c == '/' ? COMMENT_SLASH : COMMENT_NONE;
    case COMMENT_SLASH:
        return c == '*' ? COMMENT_BLOCK : COMMENT_LINE;
    case COMMENT_LINE:
        return c == '\n' ? COMMENT_NONE : COMMENT_LINE;
    case COMMENT_BLOCK:
        return c == '*' ? COMMENT_STAR : COMMENT_BLOCK;
    case COMMENT_STAR:
        return c == '/' ? COMMENT_NONE : c == '*' ? COMMENT_STAR : COMMENT_BLOCK;
    }
    NSF_BUG("unknown state of a comment");
}

/* Passes over separators and comments from pos->at to the end of the chunk; true when a token begins before that end.
 */
static bool skip_separators(struct position *pos)
{
    size_t i = (size_t)(pos->at - pos->chunk_offset);
    for (; i < pos->chunk.len; i++) {
        char c = pos->chunk.ptr[i];
        if (NSF_UNLIKELY(pos->comment != COMMENT_NONE || c == '/'))
            pos->comment = next_comment(pos->comment, c);
        else if (!is_separator(c))
            break;
        pos->line += c == '\n';
    }
    pos->at = pos->chunk_offset + i;
    return i < pos->chunk.len;
}

/* To be called once for every event; returns the offset of its first byte. */
static uint64_t begin_token(struct nsf_json_stream *stream)
{
    struct position *pos = &stream->pos;
    if (!pos->is_in_token) {
        (void)skip_separators(pos);
        pos->token_offset = pos->at;
    }
    pos->is_in_token = false;
    pos->at = nsf_json_in_offset(stream->in);
    return pos->token_offset;
}

static void begin_chunk(struct position *pos, struct nsf_slice chunk)
{
    pos->chunk_offset += pos->chunk.len;
    pos->chunk = chunk;
}

static void end_chunk(struct position *pos)
{
    if (pos->is_in_token || !skip_separators(pos))
        return;
    pos->is_in_token = true;
    pos->token_offset = pos->at;
}

/* --- Building -------------------------------------------------------------------------------------------------- */

static bool fail(struct nsf_json_stream *stream, enum nsf_code code, uint64_t offset, const char *text)
{
    nsf_result r = NSF_FAIL(&stream->failure, code, offset, "%s", text);
    (void)r;
    return false;
}

static bool give(struct nsf_json_stream *stream, enum nsf_json_stream_kind kind, struct nsf_slice key, size_t idx,
                 const struct nsf_json *value)
{
    return stream->events->value == NULL || stream->events->value(stream->ctx, kind, key, idx, value);
}

static bool give_item(struct nsf_json_stream *stream, struct frame *array, const struct nsf_json *value)
{
    struct nsf_slice key = {0};
    if (stream->depth > 1)
        key = stream->keys[stream->n_keys - 1];
    bool goes_on = give(stream, NSF_JSON_STREAM_ITEM, key, array->n_given++, value);
    nsf_arena_reset(&stream->item_arena);
    stream->arena = &stream->item_arena;
    return goes_on;
}

static bool give_root(struct nsf_json_stream *stream, const struct nsf_json *value)
{
    if (stream->is_whole) {
        if (stream->only_root != NULL)
            return fail(stream, NSF_E_JSON, value->offset, "there is something behind the value");
        struct nsf_json *root = nsf_arena_alloc(&stream->root_arena, sizeof(*root));
        *root = *value;
        stream->only_root = root;
        return true;
    }
    bool goes_on = give(stream, NSF_JSON_STREAM_ROOT, (struct nsf_slice){0}, stream->n_roots++, value);
    nsf_arena_reset(&stream->root_arena);
    return goes_on;
}

/* A value is complete: it is an element of something, or handed out. */
static bool put_value(struct nsf_json_stream *stream, struct nsf_json value)
{
    if (stream->arena->total_bytes + stream->n_values * sizeof(value) > stream->max_bytes)
        return fail(stream, NSF_E_LIMIT, value.offset, "a JSON value is larger than the program reads at once");
    if (stream->depth == 0)
        return give_root(stream, &value);
    struct frame *parent = &stream->frames[stream->depth - 1];
    if (parent->is_streamed)
        return give_item(stream, parent, &value);
    NSF_GROW(stream->values, stream->values_capacity, stream->n_values + 1);
    stream->values[stream->n_values++] = value;
    return true;
}

static struct nsf_json new_value(struct nsf_json_stream *stream, enum nsf_json_type type)
{
    struct nsf_json value = {.type = type};
    value.offset = begin_token(stream);
    value.line = stream->pos.line;
    return value;
}

static bool on_null(void *ctx)
{
    return put_value(ctx, new_value(ctx, NSF_JSON_NULL));
}

static bool on_boolean(void *ctx, bool boolean)
{
    struct nsf_json value = new_value(ctx, NSF_JSON_BOOL);
    value.u.boolean = boolean;
    return put_value(ctx, value);
}

static bool on_number(void *ctx, struct nsf_slice text)
{
    struct nsf_json_stream *stream = ctx;
    struct nsf_json value = new_value(stream, NSF_JSON_NUMBER);
    value.u.text = nsf_arena_copy(stream->arena, text);
    return put_value(stream, value);
}

/* Nearly all text is ASCII: eight bytes at a time. */
static bool is_utf8(struct nsf_slice text)
{
    size_t i = 0;
    for (uint64_t word; i + sizeof(word) <= text.len; i += sizeof(word)) {
        memcpy(&word, text.ptr + i, sizeof(word));
        if ((word & UINT64_C(0x8080808080808080)) != 0)
            return nsf_utf8_is_valid(nsf_slice(text.ptr + i, text.len - i));
    }
    for (; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 0x80)
            return nsf_utf8_is_valid(nsf_slice(text.ptr + i, text.len - i));
    return true;
}

static bool on_string(void *ctx, struct nsf_slice text)
{
    struct nsf_json_stream *stream = ctx;
    struct nsf_json value = new_value(stream, NSF_JSON_STRING);
    if (!is_utf8(text))
        return fail(stream, NSF_E_JSON, value.offset, "a string is not UTF-8");
    value.u.text = nsf_arena_copy(stream->arena, text);
    return put_value(stream, value);
}

static bool on_map_key(void *ctx, struct nsf_slice key)
{
    struct nsf_json_stream *stream = ctx;
    uint64_t offset = begin_token(stream);
    if (!is_utf8(key))
        return fail(stream, NSF_E_JSON, offset, "a key is not UTF-8");
    NSF_GROW(stream->keys, stream->keys_capacity, stream->n_keys + 1);
    stream->keys[stream->n_keys++] = nsf_arena_copy(stream->arena, key);
    return true;
}

static bool is_streamed_name(const struct nsf_json_stream *stream, struct nsf_slice key)
{
    for (const char *const *name = stream->events->streamed; name != NULL && *name != NULL; name++)
        if (nsf_slice_eq_nocase(key, nsf_slice_str(*name)))
            return true;
    return false;
}

static bool is_array_streamed(const struct nsf_json_stream *stream)
{
    if (stream->is_whole || stream->depth > 1)
        return false;
    return stream->depth == 0 ||
           (stream->frames[0].is_map && is_streamed_name(stream, stream->keys[stream->n_keys - 1]));
}

static struct frame *push_frame(struct nsf_json_stream *stream, bool is_map)
{
    uint64_t offset = begin_token(stream);
    bool is_streamed = !is_map && is_array_streamed(stream);
    struct frame *frame = &stream->frames[stream->depth++];
    *frame = (struct frame){.values_from = stream->n_values, .keys_from = stream->n_keys, .offset = offset};
    frame->line = stream->pos.line;
    frame->is_map = is_map;
    frame->is_streamed = is_streamed;
    if (is_streamed)
        stream->arena = &stream->item_arena;
    return frame;
}

static bool on_start_map(void *ctx)
{
    (void)push_frame(ctx, true);
    return true;
}

static bool on_start_array(void *ctx)
{
    (void)push_frame(ctx, false);
    return true;
}

static bool on_end_map(void *ctx)
{
    struct nsf_json_stream *stream = ctx;
    (void)begin_token(stream);
    struct frame *frame = &stream->frames[--stream->depth];
    struct nsf_json value = {.type = NSF_JSON_MAP, .line = frame->line, .offset = frame->offset};
    size_t n = stream->n_values - frame->values_from;
    struct nsf_json_member *members = nsf_arena_alloc(stream->arena, nsf_mul_size(n, sizeof(*members)));
    for (size_t i = 0; i < n; i++) {
        members[i].key = stream->keys[frame->keys_from + i];
        members[i].value = stream->values[frame->values_from + i];
    }
    value.u.map.members = members;
    value.u.map.n = n;
    stream->n_values = frame->values_from;
    stream->n_keys = frame->keys_from;
    return put_value(stream, value);
}

static bool on_end_array(void *ctx)
{
    struct nsf_json_stream *stream = ctx;
    (void)begin_token(stream);
    struct frame *frame = &stream->frames[--stream->depth];
    if (frame->is_streamed)
        stream->arena = &stream->root_arena;
    struct nsf_json value = {.type = NSF_JSON_ARRAY, .line = frame->line, .offset = frame->offset};
    size_t n = stream->n_values - frame->values_from;
    struct nsf_json *items = nsf_arena_alloc(stream->arena, nsf_mul_size(n, sizeof(*items)));
    if (n > 0)
        memcpy(items, stream->values + frame->values_from, n * sizeof(*items));
    value.u.array.items = items;
    value.u.array.n = n;
    stream->n_values = frame->values_from;
    return put_value(stream, value);
}

static const struct nsf_json_events json_events = {
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

/* --- Streams --------------------------------------------------------------------------------------------------- */

struct nsf_json_stream *nsf_json_stream_new(const struct nsf_json_stream_events *events, void *ctx, uint64_t max_bytes,
                                            uint64_t offset)
{
    struct nsf_json_stream *stream = nsf_calloc(1, sizeof(*stream));
    stream->events = events;
    stream->ctx = ctx;
    stream->max_bytes = max_bytes;
    stream->in = nsf_json_in_new(&json_events, stream, NSF_JSON_IN_MANY_VALUES | NSF_JSON_IN_COMMENTS);
    nsf_json_in_reset(stream->in, offset);
    stream->pos = (struct position){.chunk_offset = offset, .at = offset, .line = 1};
    nsf_arena_init(&stream->root_arena);
    nsf_arena_init(&stream->item_arena);
    stream->arena = &stream->root_arena;
    nsf_err_reset(&stream->failure);
    return stream;
}

void nsf_json_stream_free(struct nsf_json_stream *stream)
{
    if (stream == NULL)
        return;
    nsf_json_in_free(stream->in);
    nsf_arena_release(&stream->root_arena);
    nsf_arena_release(&stream->item_arena);
    nsf_free(stream->values);
    nsf_free(stream->keys);
    nsf_free(stream);
}

static enum nsf_json_stream_state settle(struct nsf_json_stream *stream, enum nsf_json_in_state state,
                                         struct nsf_err *err)
{
    switch (state) {
    case NSF_JSON_IN_MORE:
        return NSF_JSON_STREAM_MORE;
    case NSF_JSON_IN_STOPPED:
        if (stream->failure.code == NSF_E_NONE)
            return NSF_JSON_STREAM_STOPPED;
        if (err != NULL && err->code == NSF_E_NONE)
            *err = stream->failure;
        return NSF_JSON_STREAM_ERROR;
    case NSF_JSON_IN_ERROR:
        return NSF_JSON_STREAM_ERROR;
    }
    NSF_BUG("unknown state of the JSON parser");
}

enum nsf_json_stream_state nsf_json_stream_write(struct nsf_json_stream *stream, struct nsf_slice bytes,
                                                 struct nsf_err *err)
{
    if (bytes.len == 0)
        return NSF_JSON_STREAM_MORE;
    begin_chunk(&stream->pos, bytes);
    enum nsf_json_in_state state = nsf_json_in_write(stream->in, bytes, err);
    if (state == NSF_JSON_IN_MORE)
        end_chunk(&stream->pos);
    return settle(stream, state, err);
}

enum nsf_json_stream_state nsf_json_stream_finish(struct nsf_json_stream *stream, struct nsf_err *err)
{
    begin_chunk(&stream->pos, nsf_slice("", 0));
    if (stream->depth == 0 && !stream->pos.is_in_token && (stream->n_roots > 0 || stream->only_root != NULL))
        return NSF_JSON_STREAM_MORE;
    return settle(stream, nsf_json_in_finish(stream->in, err), err);
}

struct nsf_arena *nsf_json_stream_arena(struct nsf_json_stream *stream)
{
    return stream->arena;
}

const struct nsf_json *nsf_json_parse(struct nsf_arena *arena, struct nsf_slice text, uint64_t offset, uint32_t line,
                                      struct nsf_err *err)
{
    static const struct nsf_json_stream_events none = {0};
    struct nsf_json_stream *stream = nsf_json_stream_new(&none, NULL, NSF_RULES_DOCUMENT_MAX_BYTES, offset);
    stream->is_whole = true;
    stream->pos.line = line;
    struct nsf_arena own = stream->root_arena;
    stream->root_arena = *arena;
    enum nsf_json_stream_state state = nsf_json_stream_write(stream, text, err);
    if (state == NSF_JSON_STREAM_MORE)
        state = nsf_json_stream_finish(stream, err);
    *arena = stream->root_arena;
    stream->root_arena = own;
    const struct nsf_json *root = state == NSF_JSON_STREAM_MORE ? stream->only_root : NULL;
    nsf_json_stream_free(stream);
    return root;
}

/* --- Looking --------------------------------------------------------------------------------------------------- */

bool nsf_json_is(const struct nsf_json *value, enum nsf_json_type type)
{
    return value != NULL && value->type == type;
}

const struct nsf_json *nsf_json_get(const struct nsf_json *map, const char *key)
{
    if (!nsf_json_is(map, NSF_JSON_MAP))
        return NULL;
    struct nsf_slice wanted = nsf_slice_str(key);
    for (size_t i = map->u.map.n; i-- > 0;)
        if (nsf_slice_eq(map->u.map.members[i].key, wanted))
            return &map->u.map.members[i].value;
    return NULL;
}

const struct nsf_json *nsf_json_get_nocase(const struct nsf_json *map, const char *key)
{
    const struct nsf_json *exact = nsf_json_get(map, key);
    if (exact != NULL || !nsf_json_is(map, NSF_JSON_MAP))
        return exact;
    struct nsf_slice wanted = nsf_slice_str(key);
    for (size_t i = map->u.map.n; i-- > 0;)
        if (nsf_slice_eq_nocase(map->u.map.members[i].key, wanted))
            return &map->u.map.members[i].value;
    return NULL;
}

const struct nsf_json *nsf_json_path(const struct nsf_json *map, const char *dotted)
{
    char key[128];
    while (map != NULL) {
        size_t len = strcspn(dotted, ".");
        if (len >= sizeof(key))
            return NULL;
        memcpy(key, dotted, len);
        key[len] = '\0';
        map = nsf_json_get_nocase(map, key);
        if (dotted[len] == '\0')
            return map;
        dotted += len + 1;
    }
    return NULL;
}

size_t nsf_json_len(const struct nsf_json *array)
{
    return nsf_json_is(array, NSF_JSON_ARRAY) ? array->u.array.n : 0;
}

const struct nsf_json *nsf_json_item(const struct nsf_json *array, size_t idx)
{
    return idx < nsf_json_len(array) ? &array->u.array.items[idx] : NULL;
}

bool nsf_json_is_unset(const struct nsf_json *value)
{
    if (value == NULL)
        return true;
    switch (value->type) {
    case NSF_JSON_NULL:
        return true;
    case NSF_JSON_STRING:
        return value->u.text.len == 0;
    case NSF_JSON_ARRAY:
        return value->u.array.n == 0;
    case NSF_JSON_MAP:
        return value->u.map.n == 0;
    case NSF_JSON_BOOL:
    case NSF_JSON_NUMBER:
    case NSF_JSON_EXPRESSION:
        return false;
    }
    NSF_BUG("unknown type of a JSON value");
}

struct nsf_slice nsf_json_string(const struct nsf_json *value)
{
    return nsf_json_is(value, NSF_JSON_STRING) ? value->u.text : (struct nsf_slice){0};
}

struct nsf_slice nsf_json_text(const struct nsf_json *value)
{
    bool has_text = nsf_json_is(value, NSF_JSON_STRING) || nsf_json_is(value, NSF_JSON_NUMBER) ||
                    nsf_json_is(value, NSF_JSON_EXPRESSION);
    return has_text ? value->u.text : (struct nsf_slice){0};
}

struct nsf_slice nsf_json_get_string(const struct nsf_json *map, const char *key)
{
    return nsf_json_string(nsf_json_get_nocase(map, key));
}

bool nsf_json_to_u64(const struct nsf_json *value, uint64_t max, uint64_t *out)
{
    if (nsf_json_is(value, NSF_JSON_EXPRESSION))
        return false;
    struct nsf_slice text = nsf_slice_trim(nsf_json_text(value));
    size_t dot = nsf_slice_find(text, '.');
    for (size_t i = dot + 1; i < text.len; i++)
        if (text.ptr[i] != '0')
            return false;
    return nsf_slice_to_u64(nsf_slice(text.ptr, dot), max, out);
}

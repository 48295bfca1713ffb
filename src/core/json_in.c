#include "core/nsf_common.h"

#include "core/json_in.h"

#include "core/limits.h"
#include "core/mem.h"

#include <yajl/yajl_parse.h>

/* Enough for a message with the text around the error. */
#define JSON_ERROR_TEXT_BYTES 160

struct nsf_json_in {
    yajl_handle yajl;
    const struct nsf_json_events *events;
    void *ctx;
    unsigned flags;
    uint64_t base;             /* stream offset of the first byte of the piece being parsed */
    uint64_t token_from;       /* stream offset behind the last reported token */
    unsigned depth;
    bool is_too_deep;
    bool is_too_long;
    bool is_in_write;
};

/* Every event begins here. The bound counts from the end of the token before, so that it holds for every way of
 * cutting the text into pieces. */
static bool is_in_bounds(struct nsf_json_in *in)
{
    uint64_t end = nsf_json_in_offset(in);
    in->is_too_long = end - in->token_from > NSF_JSON_TOKEN_MAX_BYTES;
    if (!in->is_too_long)
        in->token_from = end;
    return !in->is_too_long;
}

static int on_null(void *ctx)
{
    struct nsf_json_in *in = ctx;
    return is_in_bounds(in) && (in->events->null == NULL || in->events->null(in->ctx));
}

static int on_boolean(void *ctx, int value)
{
    struct nsf_json_in *in = ctx;
    return is_in_bounds(in) && (in->events->boolean == NULL || in->events->boolean(in->ctx, value != 0));
}

static int on_number(void *ctx, const char *text, size_t len)
{
    struct nsf_json_in *in = ctx;
    return is_in_bounds(in) && (in->events->number == NULL || in->events->number(in->ctx, nsf_slice(text, len)));
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
    struct nsf_json_in *in = ctx;
    return is_in_bounds(in) && (in->events->string == NULL || in->events->string(in->ctx, nsf_slice((const char *)text, len)));
}

static int on_map_key(void *ctx, const unsigned char *text, size_t len)
{
    struct nsf_json_in *in = ctx;
    return is_in_bounds(in) && (in->events->map_key == NULL || in->events->map_key(in->ctx, nsf_slice((const char *)text, len)));
}

static bool goes_deeper(struct nsf_json_in *in)
{
    if (in->depth == NSF_JSON_DEPTH_MAX) {
        in->is_too_deep = true;
        return false;
    }
    in->depth++;
    return true;
}

static int on_start_map(void *ctx)
{
    struct nsf_json_in *in = ctx;
    return is_in_bounds(in) && goes_deeper(in) && (in->events->start_map == NULL || in->events->start_map(in->ctx));
}

static int on_end_map(void *ctx)
{
    struct nsf_json_in *in = ctx;
    in->depth--;
    return is_in_bounds(in) && (in->events->end_map == NULL || in->events->end_map(in->ctx));
}

static int on_start_array(void *ctx)
{
    struct nsf_json_in *in = ctx;
    return is_in_bounds(in) && goes_deeper(in) && (in->events->start_array == NULL || in->events->start_array(in->ctx));
}

static int on_end_array(void *ctx)
{
    struct nsf_json_in *in = ctx;
    in->depth--;
    return is_in_bounds(in) && (in->events->end_array == NULL || in->events->end_array(in->ctx));
}

/* With yajl_number set, yajl's own integer conversion, which has an open overflow report, is never called. */
static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_start_map,
    .yajl_map_key = on_map_key,
    .yajl_end_map = on_end_map,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end_array,
};

static void *alloc_for_yajl(void *ctx NSF_UNUSED, size_t n)
{
    return nsf_malloc(n);
}

static void *realloc_for_yajl(void *ctx NSF_UNUSED, void *ptr, size_t n)
{
    return nsf_realloc(ptr, n);
}

static void free_for_yajl(void *ctx NSF_UNUSED, void *ptr)
{
    nsf_free(ptr);
}

static void open_yajl(struct nsf_json_in *in)
{
    static yajl_alloc_funcs funcs = {.malloc = alloc_for_yajl, .realloc = realloc_for_yajl, .free = free_for_yajl};
    in->yajl = yajl_alloc(&callbacks, &funcs, in);
    if ((in->flags & NSF_JSON_IN_MANY_VALUES) != 0)
        yajl_config(in->yajl, yajl_allow_multiple_values, 1);
    if ((in->flags & NSF_JSON_IN_COMMENTS) != 0)
        yajl_config(in->yajl, yajl_allow_comments, 1);
}

struct nsf_json_in *nsf_json_in_new(const struct nsf_json_events *events, void *ctx, unsigned flags)
{
    struct nsf_json_in *in = nsf_calloc(1, sizeof(*in));
    in->events = events;
    in->ctx = ctx;
    in->flags = flags;
    open_yajl(in);
    return in;
}

void nsf_json_in_free(struct nsf_json_in *in)
{
    if (in == NULL)
        return;
    yajl_free(in->yajl);
    nsf_free(in);
}

void nsf_json_in_reset(struct nsf_json_in *in, uint64_t offset)
{
    yajl_free(in->yajl);
    open_yajl(in);
    in->base = offset;
    in->token_from = offset;
    in->depth = 0;
    in->is_too_deep = false;
    in->is_too_long = false;
    in->is_in_write = false;
}

uint64_t nsf_json_in_offset(const struct nsf_json_in *in)
{
    return in->is_in_write ? in->base + yajl_get_bytes_consumed(in->yajl) : in->base;
}

unsigned nsf_json_in_depth(const struct nsf_json_in *in)
{
    return in->depth;
}

/* yajl's message with a line of context; only the first line is kept. */
static void describe(struct nsf_json_in *in, struct nsf_slice bytes, uint64_t offset, struct nsf_err *err)
{
    unsigned char *text = yajl_get_error(in->yajl, 0, (const unsigned char *)bytes.ptr, bytes.len);
    struct nsf_slice line = nsf_slice_str((const char *)text);
    line = nsf_slice_trim(nsf_slice(line.ptr, nsf_slice_find(line, '\n')));
    if (line.len > JSON_ERROR_TEXT_BYTES)
        line.len = JSON_ERROR_TEXT_BYTES;
    nsf_result r = NSF_FAIL(err, NSF_E_JSON, offset, "%.*s", NSF_SLICE_ARG(line));
    (void)r;
    yajl_free_error(in->yajl, text);
}

static enum nsf_json_in_state fail_too_long(const struct nsf_json_in *in, struct nsf_err *err)
{
    nsf_result r = NSF_FAIL(err, NSF_E_LIMIT, in->token_from, "a JSON token is longer than %zu bytes",
                            NSF_JSON_TOKEN_MAX_BYTES);
    (void)r;
    return NSF_JSON_IN_ERROR;
}

static enum nsf_json_in_state settle(struct nsf_json_in *in, yajl_status status, struct nsf_slice bytes, struct nsf_err *err)
{
    uint64_t offset = in->base + yajl_get_bytes_consumed(in->yajl);
    nsf_result r;
    switch (status) {
    case yajl_status_ok:
        return NSF_JSON_IN_MORE;
    case yajl_status_client_canceled:
        if (in->is_too_long)
            return fail_too_long(in, err);
        if (!in->is_too_deep)
            return NSF_JSON_IN_STOPPED;
        r = NSF_FAIL(err, NSF_E_LIMIT, offset, "JSON is nested deeper than %d", NSF_JSON_DEPTH_MAX);
        (void)r;
        return NSF_JSON_IN_ERROR;
    case yajl_status_error:
        describe(in, bytes, offset, err);
        return NSF_JSON_IN_ERROR;
    }
    NSF_BUG("yajl returned an unknown status");
}

enum nsf_json_in_state nsf_json_in_write(struct nsf_json_in *in, struct nsf_slice bytes, struct nsf_err *err)
{
    if (bytes.len == 0)
        return NSF_JSON_IN_MORE;
    in->is_in_write = true;
    yajl_status status = yajl_parse(in->yajl, (const unsigned char *)bytes.ptr, bytes.len);
    enum nsf_json_in_state state = settle(in, status, bytes, err);
    in->is_in_write = false;
    in->base += state == NSF_JSON_IN_MORE ? bytes.len : yajl_get_bytes_consumed(in->yajl);
    if (state == NSF_JSON_IN_MORE && in->base - in->token_from > NSF_JSON_TOKEN_MAX_BYTES)
        return fail_too_long(in, err);
    return state;
}

void nsf_json_in_skip(struct nsf_json_in *in, uint64_t n_bytes)
{
    in->base += n_bytes;
    in->token_from += n_bytes;
}

enum nsf_json_in_state nsf_json_in_finish(struct nsf_json_in *in, struct nsf_err *err)
{
    enum nsf_json_in_state state = settle(in, yajl_complete_parse(in->yajl), nsf_slice("", 0), err);
    if (state == NSF_JSON_IN_ERROR && err != NULL) {
        err->code = NSF_E_TRUNCATED;
        snprintf(err->text, sizeof(err->text), "the JSON ends in the middle of a value");
        err->offset = in->base;
    }
    return state;
}

#include "core/nsf_common.h"

#include "rules/arm_values.h"

#include "core/buf.h"
#include "core/mem.h"
#include "rules/loader.h"

#define TEXT_MAX_BYTES ((size_t)1 << 20)

static nsf_arm_value joined_arrays(const struct nsf_arm_call *call, nsf_arm_value first)
{
    size_t n = 0;
    struct nsf_json *items = NULL;
    for (size_t i = 0; i < call->n_args; i++) {
        nsf_arm_value v = i == 0 ? first : nsf_arm_arg(call, i);
        if (!nsf_json_is(v, NSF_JSON_ARRAY))
            return NULL;
        struct nsf_json *larger = nsf_arena_alloc(call->scope->arena, nsf_mul_size(n + v->u.array.n, sizeof(*larger)));
        if (n > 0)
            memcpy(larger, items, n * sizeof(*items));
        if (v->u.array.n > 0)
            memcpy(larger + n, v->u.array.items, v->u.array.n * sizeof(*items));
        n += v->u.array.n;
        items = larger;
    }
    return nsf_arm_new_array(call->scope, call->at, items, n);
}

static nsf_arm_value finish_text(const struct nsf_arm_call *call, struct nsf_buf *buf, bool is_good)
{
    nsf_arm_value result =
        is_good ? nsf_arm_text_of(call, nsf_arena_copy(call->scope->arena, nsf_buf_slice(buf))) : NULL;
    nsf_buf_release(buf);
    return result;
}

static nsf_arm_value fn_concat(const struct nsf_arm_call *call)
{
    nsf_arm_value first = nsf_arm_arg(call, 0);
    if (nsf_json_is(first, NSF_JSON_ARRAY))
        return joined_arrays(call, first);
    struct nsf_buf buf;
    nsf_buf_init(&buf, TEXT_MAX_BYTES);
    bool is_good = true;
    for (size_t i = 0; i < call->n_args && is_good; i++) {
        struct nsf_slice text;
        is_good =
            nsf_arm_as_text(i == 0 ? first : nsf_arm_arg(call, i), &text) && nsf_buf_append(&buf, text.ptr, text.len);
    }
    return finish_text(call, &buf, is_good);
}

/* One "{0}" of a format; formats of numbers ("{0:N2}") are not evaluated. */
static bool format_part(const struct nsf_arm_call *call, struct nsf_slice *rest, struct nsf_buf *buf)
{
    size_t end = nsf_slice_find(*rest, '}');
    uint64_t idx = 0;
    struct nsf_slice text;
    if (end == rest->len || !nsf_slice_to_u64(nsf_slice(rest->ptr + 1, end - 1), call->n_args, &idx))
        return false;
    if (!nsf_arm_text_arg(call, (size_t)idx + 1, &text) || !nsf_buf_append(buf, text.ptr, text.len))
        return false;
    *rest = nsf_slice_from(*rest, end + 1);
    return true;
}

static nsf_arm_value fn_format(const struct nsf_arm_call *call)
{
    struct nsf_slice rest;
    if (!nsf_arm_text_arg(call, 0, &rest))
        return NULL;
    struct nsf_buf buf;
    nsf_buf_init(&buf, TEXT_MAX_BYTES);
    bool is_good = true;
    while (rest.len > 0 && is_good) {
        char c = rest.ptr[0];
        bool is_double = rest.len > 1 && rest.ptr[1] == c;
        if (c == '{' && !is_double) {
            is_good = format_part(call, &rest, &buf);
            continue;
        }
        is_good = nsf_buf_append(&buf, &c, 1);
        rest = nsf_slice_from(rest, (c == '{' || c == '}') && is_double ? 2 : 1);
    }
    return finish_text(call, &buf, is_good);
}

static nsf_arm_value change_case(const struct nsf_arm_call *call, char from, char to)
{
    struct nsf_slice text;
    if (!nsf_arm_text_arg(call, 0, &text))
        return NULL;
    char *copy = nsf_arena_alloc(call->scope->arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        copy[i] = c >= from && c <= from + 25 ? (char)(c - from + to) : c;
    }
    copy[text.len] = '\0';
    return nsf_arm_text_of(call, nsf_slice(copy, text.len));
}

static nsf_arm_value fn_to_lower(const struct nsf_arm_call *call)
{
    return change_case(call, 'A', 'a');
}

static nsf_arm_value fn_to_upper(const struct nsf_arm_call *call)
{
    return change_case(call, 'a', 'A');
}

static nsf_arm_value fn_trim(const struct nsf_arm_call *call)
{
    struct nsf_slice text;
    return nsf_arm_text_arg(call, 0, &text)
               ? nsf_arm_text_of(call, nsf_arena_copy(call->scope->arena, nsf_slice_trim(text)))
               : NULL;
}

static nsf_arm_value fn_replace(const struct nsf_arm_call *call)
{
    struct nsf_slice text, old, new;
    if (!nsf_arm_text_arg(call, 0, &text) || !nsf_arm_text_arg(call, 1, &old) || !nsf_arm_text_arg(call, 2, &new) ||
        old.len == 0)
        return NULL;
    struct nsf_buf buf;
    nsf_buf_init(&buf, TEXT_MAX_BYTES);
    bool is_good = true;
    for (size_t i = 0; i < text.len && is_good;) {
        bool is_hit = nsf_slice_has_prefix(nsf_slice_from(text, i), old);
        is_good = is_hit ? nsf_buf_append(&buf, new.ptr, new.len) : nsf_buf_append(&buf, text.ptr + i, 1);
        i += is_hit ? old.len : 1;
    }
    return finish_text(call, &buf, is_good);
}

/* Delimiters are one text or an array of them. */
static size_t delimiter_at(nsf_arm_value delimiters, struct nsf_slice rest)
{
    if (nsf_json_is(delimiters, NSF_JSON_STRING))
        return nsf_slice_has_prefix(rest, delimiters->u.text) ? delimiters->u.text.len : 0;
    for (size_t i = 0; i < nsf_json_len(delimiters); i++) {
        struct nsf_slice text = nsf_json_string(nsf_json_item(delimiters, i));
        if (text.len > 0 && nsf_slice_has_prefix(rest, text))
            return text.len;
    }
    return 0;
}

static nsf_arm_value fn_split(const struct nsf_arm_call *call)
{
    struct nsf_slice text;
    nsf_arm_value delimiters = nsf_arm_arg(call, 1);
    if (!nsf_arm_text_arg(call, 0, &text) || delimiters == NULL)
        return NULL;
    struct nsf_slice_list parts = {0};
    size_t from = 0, i = 0;
    while (i < text.len) {
        size_t n = delimiter_at(delimiters, nsf_slice_from(text, i));
        if (n > 0) {
            nsf_slice_list_add(&parts, call->scope->arena, nsf_slice(text.ptr + from, i - from));
            from = i + n;
        }
        i += n > 0 ? n : 1;
    }
    nsf_slice_list_add(&parts, call->scope->arena, nsf_slice_from(text, from));
    struct nsf_json *items = nsf_arena_alloc(call->scope->arena, nsf_mul_size(parts.n, sizeof(*items)));
    for (size_t p = 0; p < parts.n; p++)
        items[p] = *nsf_arm_text_of(call, nsf_arena_copy(call->scope->arena, parts.items[p]));
    return nsf_arm_new_array(call->scope, call->at, items, parts.n);
}

static nsf_arm_value fn_join(const struct nsf_arm_call *call)
{
    nsf_arm_value list = nsf_arm_arg(call, 0);
    struct nsf_slice delimiter, text;
    if (!nsf_json_is(list, NSF_JSON_ARRAY) || !nsf_arm_text_arg(call, 1, &delimiter))
        return NULL;
    struct nsf_buf buf;
    nsf_buf_init(&buf, TEXT_MAX_BYTES);
    bool is_good = true;
    for (size_t i = 0; i < list->u.array.n && is_good; i++)
        is_good = nsf_arm_as_text(&list->u.array.items[i], &text) &&
                  (i == 0 || nsf_buf_append(&buf, delimiter.ptr, delimiter.len)) &&
                  nsf_buf_append(&buf, text.ptr, text.len);
    return finish_text(call, &buf, is_good);
}

static nsf_arm_value fn_substring(const struct nsf_arm_call *call)
{
    struct nsf_slice text;
    int64_t from = 0, len = 0;
    if (!nsf_arm_text_arg(call, 0, &text) || !nsf_arm_int_arg(call, 1, &from) || from < 0 || (uint64_t)from > text.len)
        return NULL;
    len = (int64_t)text.len - from;
    if (call->n_args > 2 && (!nsf_arm_int_arg(call, 2, &len) || len < 0 || (uint64_t)len > text.len - (uint64_t)from))
        return NULL;
    return nsf_arm_text_of(call, nsf_arena_copy(call->scope->arena, nsf_slice(text.ptr + from, (size_t)len)));
}

static nsf_arm_value fn_string(const struct nsf_arm_call *call)
{
    struct nsf_slice text;
    return nsf_arm_text_arg(call, 0, &text) ? nsf_arm_text_of(call, text) : NULL;
}

static nsf_arm_value fn_int(const struct nsf_arm_call *call)
{
    int64_t number;
    return nsf_arm_int_arg(call, 0, &number) ? nsf_arm_int_of(call, number) : NULL;
}

static nsf_arm_value fn_bool(const struct nsf_arm_call *call)
{
    struct nsf_slice text;
    if (!nsf_arm_text_arg(call, 0, &text))
        return NULL;
    return nsf_arm_bool_of(call,
                           nsf_slice_eq_nocase(text, NSF_SLICE_LIT("true")) || nsf_slice_eq(text, NSF_SLICE_LIT("1")));
}

static nsf_arm_value fn_json(const struct nsf_arm_call *call)
{
    struct nsf_slice text;
    struct nsf_err err = NSF_ERR_INIT;
    if (!nsf_arm_text_arg(call, 0, &text))
        return NULL;
    return nsf_json_parse(call->scope->arena, text, call->at->offset, call->at->line, &err);
}

const struct nsf_arm_function_entry nsf_arm_text_functions[] = {
    {"concat", fn_concat},    {"format", fn_format}, {"toLower", fn_to_lower},
    {"toUpper", fn_to_upper}, {"trim", fn_trim},     {"replace", fn_replace},
    {"split", fn_split},      {"join", fn_join},     {"substring", fn_substring},
    {"string", fn_string},    {"int", fn_int},       {"bool", fn_bool},
    {"json", fn_json},        {NULL, NULL},
};

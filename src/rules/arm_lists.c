#include "core/nsf_common.h"

#include "rules/arm_values.h"

#include "core/mem.h"
#include "rules/loader.h"

#define RANGE_MAX 10000

static nsf_arm_value array_of_args(const struct nsf_arm_call *call)
{
    struct nsf_json *items = nsf_arena_alloc(call->scope->arena, nsf_mul_size(call->n_args, sizeof(*items)));
    for (size_t i = 0; i < call->n_args; i++) {
        nsf_arm_value v = nsf_arm_arg(call, i);
        if (v == NULL)
            return NULL;
        items[i] = *v;
    }
    return nsf_arm_new_array(call->scope, call->at, items, call->n_args);
}

static nsf_arm_value fn_array(const struct nsf_arm_call *call)
{
    nsf_arm_value v = nsf_arm_arg(call, 0);
    if (v == NULL || nsf_json_is(v, NSF_JSON_ARRAY))
        return v;
    return nsf_arm_new_array(call->scope, call->at, v, 1);
}

static nsf_arm_value fn_create_object(const struct nsf_arm_call *call)
{
    size_t n = call->n_args / 2;
    struct nsf_json_member *members = nsf_arena_alloc(call->scope->arena, nsf_mul_size(n, sizeof(*members)));
    for (size_t i = 0; i < n; i++) {
        nsf_arm_value v = nsf_arm_arg(call, 2 * i + 1);
        if (v == NULL || !nsf_arm_text_arg(call, 2 * i, &members[i].key))
            return NULL;
        members[i].value = *v;
    }
    return nsf_arm_make_map(call, members, n);
}

static nsf_arm_value fn_length(const struct nsf_arm_call *call)
{
    nsf_arm_value v = nsf_arm_arg(call, 0);
    if (nsf_json_is(v, NSF_JSON_STRING))
        return nsf_arm_int_of(call, (int64_t)v->u.text.len);
    if (nsf_json_is(v, NSF_JSON_ARRAY))
        return nsf_arm_int_of(call, (int64_t)v->u.array.n);
    return nsf_json_is(v, NSF_JSON_MAP) ? nsf_arm_int_of(call, (int64_t)v->u.map.n) : NULL;
}

static nsf_arm_value fn_empty(const struct nsf_arm_call *call)
{
    nsf_arm_value v = nsf_arm_arg(call, 0);
    return v == NULL ? NULL : nsf_arm_bool_of(call, nsf_json_is_unset(v));
}

static nsf_arm_value slice_of(const struct nsf_arm_call *call, nsf_arm_value v, size_t from, size_t n)
{
    if (nsf_json_is(v, NSF_JSON_STRING))
        return nsf_arm_text_of(call, nsf_arena_copy(call->scope->arena, nsf_slice(v->u.text.ptr + from, n)));
    return nsf_arm_new_array(call->scope, call->at, v->u.array.items + from, n);
}

/* take(v, n) and skip(v, n) */
static nsf_arm_value part_of(const struct nsf_arm_call *call, bool is_skip)
{
    nsf_arm_value v = nsf_arm_arg(call, 0);
    int64_t n = 0;
    bool is_text = nsf_json_is(v, NSF_JSON_STRING);
    if ((!is_text && !nsf_json_is(v, NSF_JSON_ARRAY)) || !nsf_arm_int_arg(call, 1, &n))
        return NULL;
    size_t len = is_text ? v->u.text.len : v->u.array.n;
    size_t at = n < 0 ? 0 : (uint64_t)n > len ? len : (size_t)n;
    return is_skip ? slice_of(call, v, at, len - at) : slice_of(call, v, 0, at);
}

static nsf_arm_value fn_take(const struct nsf_arm_call *call)
{
    return part_of(call, false);
}

static nsf_arm_value fn_skip(const struct nsf_arm_call *call)
{
    return part_of(call, true);
}

static nsf_arm_value end_of(const struct nsf_arm_call *call, bool is_last)
{
    nsf_arm_value v = nsf_arm_arg(call, 0);
    bool is_text = nsf_json_is(v, NSF_JSON_STRING);
    size_t len = is_text ? v->u.text.len : nsf_json_len(v);
    if (len == 0)
        return NULL;
    return is_text ? slice_of(call, v, is_last ? len - 1 : 0, 1) : nsf_json_item(v, is_last ? len - 1 : 0);
}

static nsf_arm_value fn_first(const struct nsf_arm_call *call)
{
    return end_of(call, false);
}

static nsf_arm_value fn_last(const struct nsf_arm_call *call)
{
    return end_of(call, true);
}

/* Index of `part` in `text` without case, or SIZE_MAX. */
static size_t find_text(struct nsf_slice text, struct nsf_slice part)
{
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (nsf_slice_eq_nocase(nsf_slice(text.ptr + i, part.len), part))
            return i;
    return SIZE_MAX;
}

static size_t index_in(nsf_arm_value container, nsf_arm_value item)
{
    struct nsf_slice text;
    if (nsf_json_is(container, NSF_JSON_STRING))
        return nsf_arm_as_text(item, &text) ? find_text(container->u.text, text) : SIZE_MAX;
    for (size_t i = 0; i < nsf_json_len(container); i++)
        if (nsf_arm_are_equal(nsf_json_item(container, i), item))
            return i;
    return SIZE_MAX;
}

static nsf_arm_value fn_contains(const struct nsf_arm_call *call)
{
    nsf_arm_value container = nsf_arm_arg(call, 0), item = nsf_arm_arg(call, 1);
    if (container == NULL || item == NULL)
        return NULL;
    if (nsf_json_is(container, NSF_JSON_MAP))
        return nsf_arm_bool_of(call, nsf_json_is(item, NSF_JSON_STRING) &&
                                         nsf_json_get_nocase(container, item->u.text.ptr) != NULL);
    return nsf_arm_bool_of(call, index_in(container, item) != SIZE_MAX);
}

static nsf_arm_value fn_index_of(const struct nsf_arm_call *call)
{
    nsf_arm_value container = nsf_arm_arg(call, 0), item = nsf_arm_arg(call, 1);
    if (container == NULL || item == NULL)
        return NULL;
    size_t at = index_in(container, item);
    return nsf_arm_int_of(call, at == SIZE_MAX ? -1 : (int64_t)at);
}

static nsf_arm_value fn_starts_with(const struct nsf_arm_call *call)
{
    struct nsf_slice text, part;
    bool is_good = nsf_arm_text_arg(call, 0, &text) && nsf_arm_text_arg(call, 1, &part);
    return is_good ? nsf_arm_bool_of(call, nsf_slice_has_prefix_nocase(text, part)) : NULL;
}

static nsf_arm_value fn_ends_with(const struct nsf_arm_call *call)
{
    struct nsf_slice text, part;
    bool is_good = nsf_arm_text_arg(call, 0, &text) && nsf_arm_text_arg(call, 1, &part);
    return is_good ? nsf_arm_bool_of(call, nsf_slice_has_suffix_nocase(text, part)) : NULL;
}

static bool has_item(const struct nsf_json *items, size_t n, nsf_arm_value item)
{
    for (size_t i = 0; i < n; i++)
        if (nsf_arm_are_equal(&items[i], item))
            return true;
    return false;
}

static nsf_arm_value union_of_maps(const struct nsf_arm_call *call, nsf_arm_value a, nsf_arm_value b)
{
    size_t n = a->u.map.n;
    struct nsf_json_member *members =
        nsf_arena_alloc(call->scope->arena, nsf_mul_size(n + b->u.map.n, sizeof(*members)));
    if (n > 0)
        memcpy(members, a->u.map.members, n * sizeof(*members));
    for (size_t i = 0; i < b->u.map.n; i++) {
        size_t at = 0;
        while (at < n && !nsf_slice_eq_nocase(members[at].key, b->u.map.members[i].key))
            at++;
        members[at] = b->u.map.members[i];
        n += at == n;
    }
    return nsf_arm_make_map(call, members, n);
}

static nsf_arm_value fn_union(const struct nsf_arm_call *call)
{
    nsf_arm_value all = nsf_arm_arg(call, 0);
    for (size_t i = 1; i < call->n_args; i++) {
        nsf_arm_value next = nsf_arm_arg(call, i);
        if (all == NULL || next == NULL || all->type != next->type)
            return NULL;
        if (nsf_json_is(all, NSF_JSON_MAP)) {
            all = union_of_maps(call, all, next);
            continue;
        }
        if (!nsf_json_is(all, NSF_JSON_ARRAY))
            return NULL;
        size_t n = all->u.array.n;
        struct nsf_json *items = nsf_arena_alloc(call->scope->arena, nsf_mul_size(n + next->u.array.n, sizeof(*items)));
        if (n > 0)
            memcpy(items, all->u.array.items, n * sizeof(*items));
        for (size_t k = 0; k < next->u.array.n; k++)
            if (!has_item(items, n, &next->u.array.items[k]))
                items[n++] = next->u.array.items[k];
        all = nsf_arm_new_array(call->scope, call->at, items, n);
    }
    return all;
}

static nsf_arm_value fn_range(const struct nsf_arm_call *call)
{
    int64_t from = 0, n = 0;
    if (!nsf_arm_int_arg(call, 0, &from) || !nsf_arm_int_arg(call, 1, &n) || n < 0 || n > RANGE_MAX ||
        from > INT64_MAX - n)
        return NULL;
    struct nsf_json *items = nsf_arena_alloc(call->scope->arena, nsf_mul_size((size_t)n, sizeof(*items)));
    for (int64_t i = 0; i < n; i++)
        items[i] = *nsf_arm_int_of(call, from + i);
    return nsf_arm_new_array(call->scope, call->at, items, (size_t)n);
}

static nsf_arm_value fn_flatten(const struct nsf_arm_call *call)
{
    nsf_arm_value outer = nsf_arm_arg(call, 0);
    size_t n = 0;
    if (!nsf_json_is(outer, NSF_JSON_ARRAY))
        return NULL;
    for (size_t i = 0; i < outer->u.array.n; i++)
        n += nsf_json_is(&outer->u.array.items[i], NSF_JSON_ARRAY) ? outer->u.array.items[i].u.array.n : 1;
    struct nsf_json *items = nsf_arena_alloc(call->scope->arena, nsf_mul_size(n, sizeof(*items)));
    n = 0;
    for (size_t i = 0; i < outer->u.array.n; i++) {
        nsf_arm_value inner = &outer->u.array.items[i];
        if (!nsf_json_is(inner, NSF_JSON_ARRAY))
            items[n++] = *inner;
        for (size_t k = 0; k < nsf_json_len(inner); k++)
            items[n++] = *nsf_json_item(inner, k);
    }
    return nsf_arm_new_array(call->scope, call->at, items, n);
}

/* [{"key": ..., "value": ...}], by key, as ARM orders them */
static int cmp_member(const void *a, const void *b)
{
    return nsf_slice_cmp_nocase(((const struct nsf_json_member *)a)->key, ((const struct nsf_json_member *)b)->key);
}

static nsf_arm_value sorted_members(const struct nsf_arm_call *call, bool has_values)
{
    nsf_arm_value map = nsf_arm_arg(call, 0);
    if (!nsf_json_is(map, NSF_JSON_MAP))
        return NULL;
    size_t n = map->u.map.n;
    struct nsf_json_member *members = nsf_arena_alloc(call->scope->arena, nsf_mul_size(n, sizeof(*members)));
    struct nsf_json *items = nsf_arena_alloc(call->scope->arena, nsf_mul_size(n, sizeof(*items)));
    if (n > 0)
        memcpy(members, map->u.map.members, n * sizeof(*members));
    if (n > 1)
        qsort(members, n, sizeof(*members), cmp_member);
    for (size_t i = 0; i < n; i++) {
        const struct nsf_json_member pair[] = {nsf_arm_text_member(call, "key", members[i].key),
                                               {NSF_SLICE_LIT("value"), members[i].value}};
        items[i] = has_values ? *nsf_arm_make_map(call, pair, 2) : pair[0].value;
    }
    return nsf_arm_new_array(call->scope, call->at, items, n);
}

static nsf_arm_value fn_items(const struct nsf_arm_call *call)
{
    return sorted_members(call, true);
}

static nsf_arm_value fn_object_keys(const struct nsf_arm_call *call)
{
    return sorted_members(call, false);
}

/* tryGet(container, key...) */
static nsf_arm_value fn_try_get(const struct nsf_arm_call *call)
{
    static const struct nsf_json null = {.type = NSF_JSON_NULL};
    nsf_arm_value v = nsf_arm_arg(call, 0);
    if (v == NULL)
        return NULL;
    for (size_t i = 1; i < call->n_args && v != NULL; i++) {
        nsf_arm_value key = nsf_arm_arg(call, i);
        int64_t idx = 0;
        if (key == NULL)
            return NULL;
        if (nsf_json_is(key, NSF_JSON_STRING))
            v = nsf_json_get_nocase(v, key->u.text.ptr);
        else
            v = nsf_arm_to_int(key, &idx) && idx >= 0 ? nsf_json_item(v, (size_t)idx) : NULL;
    }
    return v == NULL ? &null : v;
}

/* --- Lambdas --------------------------------------------------------------------------------------------------- */

/* Binds an element and its index, both still without a name, and evaluates lambda('name', ['index',] body). */
static nsf_arm_value run_lambda(const struct nsf_arm_call *call, nsf_arm_value item, size_t idx)
{
    struct nsf_arm_scope inner = *call->scope;
    struct nsf_arm_binding element = {.value = item, .outer = inner.bindings};
    struct nsf_arm_binding index = {.value = nsf_arm_int_of(call, (int64_t)idx), .outer = &element};
    inner.bindings = &index;
    inner.is_lenient = false;
    return nsf_arm_eval(&inner, call->args[1], call->at);
}

/* Gives what map and filter have bound the names that it says. */
static nsf_arm_value fn_lambda(const struct nsf_arm_call *call)
{
    struct nsf_slice name, index_name;
    size_t n_names = call->n_args > 0 ? call->n_args - 1 : 0;
    if (n_names == 0 || call->scope->bindings == NULL || call->scope->bindings->outer == NULL ||
        !nsf_arm_text_arg(call, 0, &name))
        return NULL;
    struct nsf_arm_scope inner = *call->scope;
    struct nsf_arm_binding index = *inner.bindings, item = *inner.bindings->outer;
    item.name = name;
    index.outer = &item;
    if (n_names > 1 && nsf_arm_text_arg(call, 1, &index_name))
        index.name = index_name;
    inner.bindings = &index;
    return nsf_arm_eval(&inner, call->args[call->n_args - 1], call->at);
}

static nsf_arm_value map_or_filter(const struct nsf_arm_call *call, bool is_filter)
{
    nsf_arm_value list = nsf_arm_arg(call, 0);
    if (!nsf_json_is(list, NSF_JSON_ARRAY) || call->n_args < 2)
        return NULL;
    struct nsf_json *items = nsf_arena_alloc(call->scope->arena, nsf_mul_size(list->u.array.n, sizeof(*items)));
    size_t n = 0;
    for (size_t i = 0; i < list->u.array.n; i++) {
        nsf_arm_value v = run_lambda(call, &list->u.array.items[i], i);
        if (v == NULL || (is_filter && !nsf_json_is(v, NSF_JSON_BOOL)))
            return NULL;
        if (!is_filter)
            items[n++] = *v;
        else if (v->u.boolean)
            items[n++] = list->u.array.items[i];
    }
    return nsf_arm_new_array(call->scope, call->at, items, n);
}

static nsf_arm_value fn_map(const struct nsf_arm_call *call)
{
    return map_or_filter(call, false);
}

static nsf_arm_value fn_filter(const struct nsf_arm_call *call)
{
    return map_or_filter(call, true);
}

const struct nsf_arm_function_entry nsf_arm_list_functions[] = {
    {"createArray", array_of_args},
    {"array", fn_array},
    {"createObject", fn_create_object},
    {"length", fn_length},
    {"empty", fn_empty},
    {"take", fn_take},
    {"skip", fn_skip},
    {"first", fn_first},
    {"last", fn_last},
    {"contains", fn_contains},
    {"indexOf", fn_index_of},
    {"startsWith", fn_starts_with},
    {"endsWith", fn_ends_with},
    {"union", fn_union},
    {"range", fn_range},
    {"flatten", fn_flatten},
    {"items", fn_items},
    {"objectKeys", fn_object_keys},
    {"tryGet", fn_try_get},
    {"lambda", fn_lambda},
    {"map", fn_map},
    {"filter", fn_filter},
    {NULL, NULL},
};

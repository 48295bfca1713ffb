#include "core/nsf_common.h"

#include "rules/arm_values.h"

#include "core/mem.h"

nsf_arm_value nsf_arm_text_of(const struct nsf_arm_call *call, struct nsf_slice text)
{
    return nsf_arm_new_text(call->scope, call->at, text);
}

nsf_arm_value nsf_arm_bool_of(const struct nsf_arm_call *call, bool boolean)
{
    return nsf_arm_new_bool(call->scope, call->at, boolean);
}

nsf_arm_value nsf_arm_int_of(const struct nsf_arm_call *call, int64_t number)
{
    return nsf_arm_new_int(call->scope, call->at, number);
}

/* What a value looks like inside a text; false: it has no such form. */
bool nsf_arm_as_text(nsf_arm_value v, struct nsf_slice *text)
{
    if (nsf_json_is(v, NSF_JSON_BOOL))
        *text = v->u.boolean ? NSF_SLICE_LIT("True") : NSF_SLICE_LIT("False");
    else if (nsf_json_is(v, NSF_JSON_STRING) || nsf_json_is(v, NSF_JSON_NUMBER))
        *text = v->u.text;
    else
        return false;
    return true;
}

bool nsf_arm_text_arg(const struct nsf_arm_call *call, size_t idx, struct nsf_slice *text)
{
    return nsf_arm_as_text(nsf_arm_arg(call, idx), text);
}

bool nsf_arm_int_arg(const struct nsf_arm_call *call, size_t idx, int64_t *number)
{
    return nsf_arm_to_int(nsf_arm_arg(call, idx), number);
}

bool nsf_arm_bool_arg(const struct nsf_arm_call *call, size_t idx, bool *boolean)
{
    nsf_arm_value v = nsf_arm_arg(call, idx);
    if (!nsf_json_is(v, NSF_JSON_BOOL))
        return false;
    *boolean = v->u.boolean;
    return true;
}

bool nsf_arm_are_equal(nsf_arm_value a, nsf_arm_value b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case NSF_JSON_NULL:
        return true;
    case NSF_JSON_BOOL:
        return a->u.boolean == b->u.boolean;
    case NSF_JSON_NUMBER:
    case NSF_JSON_STRING:
    case NSF_JSON_EXPRESSION:
        return nsf_slice_eq(a->u.text, b->u.text);
    case NSF_JSON_ARRAY:
        if (a->u.array.n != b->u.array.n)
            return false;
        for (size_t i = 0; i < a->u.array.n; i++)
            if (!nsf_arm_are_equal(&a->u.array.items[i], &b->u.array.items[i]))
                return false;
        return true;
    case NSF_JSON_MAP:
        if (a->u.map.n != b->u.map.n)
            return false;
        for (size_t i = 0; i < a->u.map.n; i++) {
            nsf_arm_value other = nsf_json_get_nocase(b, a->u.map.members[i].key.ptr);
            if (other == NULL || !nsf_arm_are_equal(&a->u.map.members[i].value, other))
                return false;
        }
        return true;
    }
    NSF_BUG("unknown type of a JSON value");
}

nsf_arm_value nsf_arm_make_map(const struct nsf_arm_call *call, const struct nsf_json_member *members, size_t n)
{
    struct nsf_json *map = nsf_arena_zalloc(call->scope->arena, 1, sizeof(*map));
    struct nsf_json_member *copy = nsf_arena_alloc(call->scope->arena, nsf_mul_size(n, sizeof(*copy)));
    if (n > 0)
        memcpy(copy, members, n * sizeof(*copy));
    map->type = NSF_JSON_MAP;
    map->offset = call->at->offset;
    map->line = call->at->line;
    map->u.map.members = copy;
    map->u.map.n = n;
    return map;
}

struct nsf_json_member nsf_arm_text_member(const struct nsf_arm_call *call, const char *key, struct nsf_slice text)
{
    return (struct nsf_json_member){nsf_slice_str(key), *nsf_arm_text_of(call, text)};
}

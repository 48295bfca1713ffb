#include "core/nsf_common.h"

#include "rules/arm_values.h"

#include "rules/loader.h"

/* The template functions that follow from the template alone. A function returns NULL where an argument is unresolved
 * or of a type it does not take: the expression then stays unresolved. */

/* --- Where values come from ------------------------------------------------------------------------------------ */

static nsf_arm_value fn_parameters(const struct nsf_arm_call *call)
{
    struct nsf_slice name;
    return nsf_arm_text_arg(call, 0, &name) ? nsf_arm_parameter(call->scope, name) : NULL;
}

static nsf_arm_value fn_variables(const struct nsf_arm_call *call)
{
    struct nsf_slice name;
    return nsf_arm_text_arg(call, 0, &name) ? nsf_arm_variable(call->scope, name) : NULL;
}

/* copyIndex(), copyIndex(offset), copyIndex('loop'), copyIndex('loop', offset) */
static nsf_arm_value fn_copy_index(const struct nsf_arm_call *call)
{
    const struct nsf_arm_loop *loop = call->scope->loops;
    nsf_arm_value first = nsf_arm_arg(call, 0);
    bool is_named = nsf_json_is(first, NSF_JSON_STRING);
    int64_t offset = 0;
    while (is_named && loop != NULL && !nsf_slice_eq_nocase(loop->name, first->u.text))
        loop = loop->outer;
    if (call->n_args > is_named && !nsf_arm_int_arg(call, is_named, &offset))
        return NULL;
    if (loop == NULL || loop->idx == NSF_ARM_IDX_UNKNOWN)
        return NULL;
    return nsf_arm_int_of(call, (int64_t)loop->idx + offset);
}

static nsf_arm_value fn_lambda_variables(const struct nsf_arm_call *call)
{
    struct nsf_slice name;
    if (!nsf_arm_text_arg(call, 0, &name))
        return NULL;
    for (const struct nsf_arm_binding *b = call->scope->bindings; b != NULL; b = b->outer)
        if (nsf_slice_eq_nocase(b->name, name))
            return b->value;
    return NULL;
}

static nsf_arm_value fn_resource_group(const struct nsf_arm_call *call)
{
    struct nsf_slice group = call->scope->group.len > 0 ? call->scope->group : NSF_SLICE_LIT(NSF_ID_NO_GROUP);
    struct nsf_slice subscription =
        call->scope->subscription.len > 0 ? call->scope->subscription : NSF_SLICE_LIT(NSF_ID_NO_SUBSCRIPTION);
    const char *id = nsf_arena_printf(call->scope->arena, "/subscriptions/%.*s/resourceGroups/%.*s",
                                      NSF_SLICE_ARG(subscription), NSF_SLICE_ARG(group));
    const struct nsf_json_member members[] = {
        nsf_arm_text_member(call, "id", nsf_slice_str(id)),
        nsf_arm_text_member(call, "name", group),
        nsf_arm_text_member(call, "location", NSF_SLICE_LIT("{location}")),
    };
    return nsf_arm_make_map(call, members, NSF_ARRAY_LEN(members));
}

static nsf_arm_value fn_subscription(const struct nsf_arm_call *call)
{
    struct nsf_slice id =
        call->scope->subscription.len > 0 ? call->scope->subscription : NSF_SLICE_LIT(NSF_ID_NO_SUBSCRIPTION);
    const char *path = nsf_arena_printf(call->scope->arena, "/subscriptions/%.*s", NSF_SLICE_ARG(id));
    const struct nsf_json_member members[] = {
        nsf_arm_text_member(call, "id", nsf_slice_str(path)),
        nsf_arm_text_member(call, "subscriptionId", id),
        nsf_arm_text_member(call, "tenantId", NSF_SLICE_LIT("{tenant}")),
        nsf_arm_text_member(call, "displayName", NSF_SLICE_LIT("{subscriptionName}")),
    };
    return nsf_arm_make_map(call, members, NSF_ARRAY_LEN(members));
}

/* resourceId([subscription], [group], type, name...): the type is the first argument with a slash. */
static nsf_arm_value fn_resource_id(const struct nsf_arm_call *call)
{
    struct nsf_arm_scope lenient = *call->scope;
    lenient.is_lenient = true;
    struct nsf_slice_list texts = {0};
    size_t type = SIZE_MAX;
    for (size_t i = 0; i < call->n_args; i++) {
        struct nsf_slice text;
        if (!nsf_arm_as_text(nsf_arm_eval(&lenient, call->args[i], call->at), &text))
            return NULL;
        if (type == SIZE_MAX && nsf_slice_find(text, '/') < text.len)
            type = i;
        nsf_slice_list_add(&texts, call->scope->arena, text);
    }
    if (type == SIZE_MAX)
        return NULL;
    if (type > 0)
        lenient.group = texts.items[type - 1];
    if (type > 1)
        lenient.subscription = texts.items[type - 2];
    return nsf_arm_text_of(
        call, nsf_arm_resource_id(&lenient, texts.items[type], texts.items + type + 1, texts.n - type - 1));
}

/* --- Logic and numbers ----------------------------------------------------------------------------------------- */

static nsf_arm_value fn_if(const struct nsf_arm_call *call)
{
    bool is_true;
    return nsf_arm_bool_arg(call, 0, &is_true) ? nsf_arm_arg(call, is_true ? 1 : 2) : NULL;
}

static nsf_arm_value fn_not(const struct nsf_arm_call *call)
{
    bool is_true;
    return nsf_arm_bool_arg(call, 0, &is_true) ? nsf_arm_bool_of(call, !is_true) : NULL;
}

/* One argument that settles it is enough. */
static nsf_arm_value settle(const struct nsf_arm_call *call, bool settling)
{
    bool is_known = true;
    for (size_t i = 0; i < call->n_args; i++) {
        bool is_true;
        if (!nsf_arm_bool_arg(call, i, &is_true))
            is_known = false;
        else if (is_true == settling)
            return nsf_arm_bool_of(call, settling);
    }
    return is_known ? nsf_arm_bool_of(call, !settling) : NULL;
}

static nsf_arm_value fn_and(const struct nsf_arm_call *call)
{
    return settle(call, false);
}

static nsf_arm_value fn_or(const struct nsf_arm_call *call)
{
    return settle(call, true);
}

static nsf_arm_value fn_equals(const struct nsf_arm_call *call)
{
    nsf_arm_value a = nsf_arm_arg(call, 0), b = nsf_arm_arg(call, 1);
    return a == NULL || b == NULL ? NULL : nsf_arm_bool_of(call, nsf_arm_are_equal(a, b));
}

static nsf_arm_value fn_coalesce(const struct nsf_arm_call *call)
{
    for (size_t i = 0; i < call->n_args; i++) {
        nsf_arm_value v = nsf_arm_arg(call, i);
        if (v == NULL || !nsf_json_is(v, NSF_JSON_NULL))
            return v;
    }
    return NULL;
}

/* <0, 0, >0 of two numbers or two texts. */
static bool compare(const struct nsf_arm_call *call, int *order)
{
    nsf_arm_value a = nsf_arm_arg(call, 0), b = nsf_arm_arg(call, 1);
    int64_t x = 0, y = 0;
    if (nsf_json_is(a, NSF_JSON_STRING) && nsf_json_is(b, NSF_JSON_STRING)) {
        *order = nsf_slice_cmp(a->u.text, b->u.text);
        return true;
    }
    if (!nsf_arm_to_int(a, &x) || !nsf_arm_to_int(b, &y))
        return false;
    *order = (x > y) - (x < y);
    return true;
}

static nsf_arm_value fn_less(const struct nsf_arm_call *call)
{
    int order;
    return compare(call, &order) ? nsf_arm_bool_of(call, order < 0) : NULL;
}

static nsf_arm_value fn_less_or_equals(const struct nsf_arm_call *call)
{
    int order;
    return compare(call, &order) ? nsf_arm_bool_of(call, order <= 0) : NULL;
}

static nsf_arm_value fn_greater(const struct nsf_arm_call *call)
{
    int order;
    return compare(call, &order) ? nsf_arm_bool_of(call, order > 0) : NULL;
}

static nsf_arm_value fn_greater_or_equals(const struct nsf_arm_call *call)
{
    int order;
    return compare(call, &order) ? nsf_arm_bool_of(call, order >= 0) : NULL;
}

static nsf_arm_value calculate(const struct nsf_arm_call *call, char op)
{
    int64_t a = 0, b = 0, result = 0;
    bool overflows = false;
    if (!nsf_arm_int_arg(call, 0, &a) || !nsf_arm_int_arg(call, 1, &b) ||
        ((op == '/' || op == '%') && (b == 0 || b == -1)))
        return NULL;
    if (op == '+')
        overflows = __builtin_add_overflow(a, b, &result);
    else if (op == '-')
        overflows = __builtin_sub_overflow(a, b, &result);
    else if (op == '*')
        overflows = __builtin_mul_overflow(a, b, &result);
    else
        result = op == '/' ? a / b : a % b;
    return overflows ? NULL : nsf_arm_int_of(call, result);
}

static nsf_arm_value fn_add(const struct nsf_arm_call *call)
{
    return calculate(call, '+');
}

static nsf_arm_value fn_sub(const struct nsf_arm_call *call)
{
    return calculate(call, '-');
}

static nsf_arm_value fn_mul(const struct nsf_arm_call *call)
{
    return calculate(call, '*');
}

static nsf_arm_value fn_div(const struct nsf_arm_call *call)
{
    return calculate(call, '/');
}

static nsf_arm_value fn_mod(const struct nsf_arm_call *call)
{
    return calculate(call, '%');
}

static nsf_arm_value fn_true(const struct nsf_arm_call *call)
{
    return nsf_arm_bool_of(call, true);
}

static nsf_arm_value fn_false(const struct nsf_arm_call *call)
{
    return nsf_arm_bool_of(call, false);
}

static nsf_arm_value fn_null(const struct nsf_arm_call *call NSF_UNUSED)
{
    static const struct nsf_json null = {.type = NSF_JSON_NULL};
    return &null;
}

static const struct nsf_arm_function_entry other_functions[] = {
    {"parameters", fn_parameters},
    {"variables", fn_variables},
    {"copyIndex", fn_copy_index},
    {"lambdaVariables", fn_lambda_variables},
    {"resourceGroup", fn_resource_group},
    {"subscription", fn_subscription},
    {"resourceId", fn_resource_id},
    {"if", fn_if},
    {"not", fn_not},
    {"and", fn_and},
    {"or", fn_or},
    {"equals", fn_equals},
    {"coalesce", fn_coalesce},
    {"less", fn_less},
    {"lessOrEquals", fn_less_or_equals},
    {"greater", fn_greater},
    {"greaterOrEquals", fn_greater_or_equals},
    {"add", fn_add},
    {"sub", fn_sub},
    {"mul", fn_mul},
    {"div", fn_div},
    {"mod", fn_mod},
    {"true", fn_true},
    {"false", fn_false},
    {"null", fn_null},
    {NULL, NULL},
};

static nsf_arm_function *find_function(const struct nsf_arm_function_entry *entries, struct nsf_slice name)
{
    for (; entries->name != NULL; entries++)
        if (nsf_slice_eq_nocase(nsf_slice_str(entries->name), name))
            return entries->run;
    return NULL;
}

const struct nsf_json *nsf_arm_call_function(const struct nsf_arm_call *call)
{
    bool is_user_function;
    nsf_arm_value result = nsf_arm_user_function(call, &is_user_function);
    if (is_user_function)
        return result;
    struct nsf_slice name = call->name;
    if (nsf_slice_has_prefix_nocase(name, NSF_SLICE_LIT("sys.")))
        name = nsf_slice_from(name, 4);
    nsf_arm_function *run = find_function(other_functions, name);
    if (run == NULL)
        run = find_function(nsf_arm_text_functions, name);
    if (run == NULL)
        run = find_function(nsf_arm_list_functions, name);
    return run == NULL ? NULL : run(call);
}

/*
 * arm_expr.h - the expressions of ARM templates: "[concat(parameters('a'), variables('b').c[0])]" to JSON values.
 *
 * Only what follows from the template itself is evaluated: parameters by their given or default values, variables,
 * pure functions, copy loops, user functions, lambdas. What depends on Azure (reference, listKeys, a parameter without
 * a value) stays unresolved. Names are read leniently: there an unresolved part becomes its text in braces, so that
 * "{nsgName}/rule" and "{nsgName}" still find each other. Work and memory are bounded by a budget.
 *
 * Internal to rules/. Values live in the scope's arena. One thread.
 */
#ifndef NSF_ARM_EXPR_H
#define NSF_ARM_EXPR_H

#include "core/json_dom.h"

struct nsf_arm_budget {
    uint64_t n_steps_left;
    size_t bytes_max; /* of the arena */
};

/* A copy loop that is being unrolled; idx is NSF_ARM_IDX_UNKNOWN when its count could not be evaluated. */
#define NSF_ARM_IDX_UNKNOWN UINT64_MAX
struct nsf_arm_loop {
    struct nsf_slice name;
    uint64_t idx;
    const struct nsf_arm_loop *outer;
};

/* A lambda variable or a parameter of a user function. */
struct nsf_arm_binding {
    struct nsf_slice name;
    const struct nsf_json *value; /* NULL: unresolved */
    const struct nsf_arm_binding *outer;
};

struct nsf_arm_memo;

/* Where an expression stands. Plain storage: copy it to change a part. */
struct nsf_arm_scope {
    struct nsf_arena *arena;
    struct nsf_arm_budget *budget;
    const struct nsf_json *declared;  /* `parameters` of the template */
    const struct nsf_json *given;     /* {"name": {"value": ...}}, evaluated; or NULL */
    const struct nsf_json *variables; /* of the template */
    const struct nsf_json *functions;
    struct nsf_arm_memo *memo; /* values of variables and defaults that are known already */
    const struct nsf_arm_loop *loops;
    const struct nsf_arm_binding *bindings;
    struct nsf_slice subscription;
    struct nsf_slice group;
    bool is_lenient;
    bool is_user_function; /* sees its own parameters only */
    unsigned depth;
};

/* A scope for a template; `given` may be NULL. */
struct nsf_arm_scope nsf_arm_scope_new(struct nsf_arena *arena, struct nsf_arm_budget *budget,
                                       const struct nsf_json *template, const struct nsf_json *given);

/* The value with every expression in it evaluated; what stays unresolved is of type NSF_JSON_EXPRESSION and holds its
 * text. `name` and `id` members are read leniently. `copy` members become arrays. Never NULL. */
const struct nsf_json *nsf_arm_resolve(const struct nsf_arm_scope *scope, const struct nsf_json *value);
/* A string, leniently: always text. */
struct nsf_slice nsf_arm_text(const struct nsf_arm_scope *scope, const struct nsf_json *value);
/* "/subscriptions/S/resourceGroups/G/providers/<type>/<names in their places>" */
struct nsf_slice nsf_arm_resource_id(const struct nsf_arm_scope *scope, struct nsf_slice type,
                                     const struct nsf_slice *names, size_t n_names);

/* --- Between arm_expr.c and arm_functions.c -------------------------------------------------------------------- */

struct nsf_arm_call {
    const struct nsf_arm_scope *scope;
    const struct nsf_json *at; /* where the expression stands */
    struct nsf_slice name;
    struct nsf_slice *args; /* their texts, evaluated when asked for */
    size_t n_args;
};

/* NULL: unresolved, or no such argument. */
const struct nsf_json *nsf_arm_arg(const struct nsf_arm_call *call, size_t idx);
const struct nsf_json *nsf_arm_eval(const struct nsf_arm_scope *scope, struct nsf_slice expression,
                                    const struct nsf_json *at);
/* NULL: unresolved. */
const struct nsf_json *nsf_arm_call_function(const struct nsf_arm_call *call);
const struct nsf_json *nsf_arm_parameter(const struct nsf_arm_scope *scope, struct nsf_slice name);
const struct nsf_json *nsf_arm_variable(const struct nsf_arm_scope *scope, struct nsf_slice name);
/* namespace.member(...) of the template; *is_known false: there is none. */
const struct nsf_json *nsf_arm_user_function(const struct nsf_arm_call *call, bool *is_known);

const struct nsf_json *nsf_arm_new_text(const struct nsf_arm_scope *scope, const struct nsf_json *at,
                                        struct nsf_slice text);
const struct nsf_json *nsf_arm_new_int(const struct nsf_arm_scope *scope, const struct nsf_json *at, int64_t value);
const struct nsf_json *nsf_arm_new_bool(const struct nsf_arm_scope *scope, const struct nsf_json *at, bool value);
const struct nsf_json *nsf_arm_new_array(const struct nsf_arm_scope *scope, const struct nsf_json *at,
                                         const struct nsf_json *items, size_t n);
bool nsf_arm_to_int(const struct nsf_json *value, int64_t *out) NSF_CHECKED;

#endif

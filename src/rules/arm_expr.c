#include "core/nsf_common.h"

#include "rules/arm_expr.h"

#include "core/mem.h"
#include "rules/loader.h"

#define EXPRESSION_DEPTH_MAX 64
/* What Azure allows for a copy loop. */
#define COPY_COUNT_MAX 800

enum memo_state {
    MEMO_NEW,
    MEMO_BUSY, /* being evaluated: whoever asks now goes round in a circle */
    MEMO_DONE,
};

struct memo_entry {
    enum memo_state state;
    const struct nsf_json *value;
};

struct nsf_arm_memo {
    struct memo_entry *variables;
    struct memo_entry *copies; /* of "variables": {"copy": [...]} */
    struct memo_entry *defaults;
};

static size_t n_members(const struct nsf_json *map)
{
    return nsf_json_is(map, NSF_JSON_MAP) ? map->u.map.n : 0;
}

struct nsf_arm_scope nsf_arm_scope_new(struct nsf_arena *arena, struct nsf_arm_budget *budget,
                                       const struct nsf_json *template, const struct nsf_json *given)
{
    struct nsf_arm_scope scope = {.arena = arena, .budget = budget, .given = given};
    scope.declared = nsf_json_get_nocase(template, "parameters");
    scope.variables = nsf_json_get_nocase(template, "variables");
    scope.functions = nsf_json_get_nocase(template, "functions");
    scope.memo = nsf_arena_alloc(arena, sizeof(*scope.memo));
    scope.memo->variables = nsf_arena_zalloc(arena, n_members(scope.variables), sizeof(struct memo_entry));
    size_t n_copies = nsf_json_len(nsf_json_get_nocase(scope.variables, "copy"));
    scope.memo->copies = nsf_arena_zalloc(arena, n_copies, sizeof(struct memo_entry));
    scope.memo->defaults = nsf_arena_zalloc(arena, n_members(scope.declared), sizeof(struct memo_entry));
    return scope;
}

static bool spend(const struct nsf_arm_scope *scope)
{
    if (scope->budget->n_steps_left == 0 || scope->arena->total_bytes > scope->budget->bytes_max ||
        scope->depth > EXPRESSION_DEPTH_MAX)
        return false;
    scope->budget->n_steps_left--;
    return true;
}

/* --- New values ------------------------------------------------------------------------------------------------ */

static struct nsf_json *new_value(const struct nsf_arm_scope *scope, const struct nsf_json *at, enum nsf_json_type type)
{
    struct nsf_json *value = nsf_arena_zalloc(scope->arena, 1, sizeof(*value));
    value->type = type;
    value->offset = at->offset;
    value->line = at->line;
    return value;
}

const struct nsf_json *nsf_arm_new_text(const struct nsf_arm_scope *scope, const struct nsf_json *at,
                                        struct nsf_slice text)
{
    struct nsf_json *value = new_value(scope, at, NSF_JSON_STRING);
    value->u.text = text.ptr == NULL ? NSF_SLICE_LIT("") : text;
    return value;
}

const struct nsf_json *nsf_arm_new_int(const struct nsf_arm_scope *scope, const struct nsf_json *at, int64_t number)
{
    struct nsf_json *value = new_value(scope, at, NSF_JSON_NUMBER);
    value->u.text = nsf_slice_str(nsf_arena_printf(scope->arena, "%lld", (long long)number));
    return value;
}

const struct nsf_json *nsf_arm_new_bool(const struct nsf_arm_scope *scope, const struct nsf_json *at, bool boolean)
{
    struct nsf_json *value = new_value(scope, at, NSF_JSON_BOOL);
    value->u.boolean = boolean;
    return value;
}

const struct nsf_json *nsf_arm_new_array(const struct nsf_arm_scope *scope, const struct nsf_json *at,
                                         const struct nsf_json *items, size_t n)
{
    struct nsf_json *value = new_value(scope, at, NSF_JSON_ARRAY);
    value->u.array.items = items;
    value->u.array.n = n;
    return value;
}

bool nsf_arm_to_int(const struct nsf_json *value, int64_t *out)
{
    struct nsf_slice text = nsf_slice_trim(nsf_json_text(value));
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t number = 0;
    if (nsf_json_is(value, NSF_JSON_EXPRESSION) ||
        !nsf_slice_to_u64(is_negative ? nsf_slice_from(text, 1) : text, INT64_MAX, &number))
        return false;
    *out = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

/* --- Parsing --------------------------------------------------------------------------------------------------- */

struct parser {
    const struct nsf_arm_scope *scope;
    const struct nsf_json *at;
    struct nsf_slice text;
    size_t pos;
    bool is_broken; /* not an expression */
};

static char peek(struct parser *p)
{
    while (p->pos < p->text.len && strchr(" \t\r\n", p->text.ptr[p->pos]) != NULL)
        p->pos++;
    return p->pos < p->text.len ? p->text.ptr[p->pos] : '\0';
}

static bool is_word_char(char c)
{
    char lower = nsf_ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static struct nsf_slice read_word(struct parser *p)
{
    (void)peek(p);
    size_t from = p->pos;
    while (p->pos < p->text.len && is_word_char(p->text.ptr[p->pos]))
        p->pos++;
    p->is_broken |= p->pos == from;
    return nsf_slice(p->text.ptr + from, p->pos - from);
}

/* 'it''s' */
static const struct nsf_json *read_string(struct parser *p)
{
    char *copy = nsf_arena_alloc(p->scope->arena, p->text.len - p->pos + 1);
    size_t n = 0;
    for (p->pos++; p->pos < p->text.len; p->pos++) {
        if (p->text.ptr[p->pos] == '\'') {
            if (p->pos + 1 >= p->text.len || p->text.ptr[p->pos + 1] != '\'')
                break;
            p->pos++;
        }
        copy[n++] = p->text.ptr[p->pos];
    }
    p->is_broken |= p->pos >= p->text.len;
    p->pos++;
    copy[n] = '\0';
    return nsf_arm_new_text(p->scope, p->at, nsf_slice(copy, n));
}

static const struct nsf_json *read_number(struct parser *p)
{
    size_t from = p->pos++;
    while (p->pos < p->text.len && p->text.ptr[p->pos] >= '0' && p->text.ptr[p->pos] <= '9')
        p->pos++;
    struct nsf_json *value = new_value(p->scope, p->at, NSF_JSON_NUMBER);
    value->u.text = nsf_arena_copy(p->scope->arena, nsf_slice(p->text.ptr + from, p->pos - from));
    return value;
}

/* Passes over one argument or index, up to a comma or closing bracket of its own level. */
static struct nsf_slice read_extent(struct parser *p)
{
    size_t from = p->pos;
    unsigned depth = 0;
    bool is_quoted = false;
    for (; p->pos < p->text.len; p->pos++) {
        char c = p->text.ptr[p->pos];
        if (c == '\'')
            is_quoted = !is_quoted;
        if (is_quoted)
            continue;
        if (depth == 0 && (c == ',' || c == ')' || c == ']'))
            break;
        depth += c == '(' || c == '[';
        depth -= c == ')' || c == ']';
    }
    p->is_broken |= p->pos >= p->text.len;
    return nsf_slice_trim(nsf_slice(p->text.ptr + from, p->pos - from));
}

static struct nsf_slice_list read_args(struct parser *p)
{
    struct nsf_slice_list args = {0};
    p->pos++;
    if (peek(p) == ')') {
        p->pos++;
        return args;
    }
    while (!p->is_broken) {
        nsf_slice_list_add(&args, p->scope->arena, read_extent(p));
        char c = peek(p);
        p->pos++;
        if (c == ')')
            break;
        p->is_broken |= c != ',';
    }
    return args;
}

static const struct nsf_json *read_call(struct parser *p, struct nsf_slice name)
{
    struct nsf_arm_scope inner = *p->scope;
    inner.depth++;
    struct nsf_slice_list args = read_args(p);
    if (p->is_broken)
        return NULL;
    struct nsf_arm_call call = {&inner, p->at, name, args.items, args.n};
    return spend(&inner) ? nsf_arm_call_function(&call) : NULL;
}

static const struct nsf_json *read_primary(struct parser *p)
{
    char c = peek(p);
    if (c == '\'')
        return read_string(p);
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(p);
    size_t from = p->pos;
    struct nsf_slice name = read_word(p);
    /* namespace.member( */
    if (peek(p) == '.') {
        p->pos++;
        (void)read_word(p);
        name = nsf_slice(p->text.ptr + from, p->pos - from);
    }
    p->is_broken |= peek(p) != '(';
    return p->is_broken ? NULL : read_call(p, name);
}

static const struct nsf_json *index_value(struct parser *p, const struct nsf_json *value, struct nsf_slice expression)
{
    const struct nsf_json *index = nsf_arm_eval(p->scope, expression, p->at);
    int64_t number = 0;
    if (value == NULL || index == NULL)
        return NULL;
    if (nsf_json_is(value, NSF_JSON_MAP) && nsf_json_is(index, NSF_JSON_STRING))
        return nsf_json_get_nocase(value, index->u.text.ptr);
    return nsf_arm_to_int(index, &number) && number >= 0 ? nsf_json_item(value, (size_t)number) : NULL;
}

static const struct nsf_json *member_value(struct parser *p, const struct nsf_json *value)
{
    struct nsf_slice word = read_word(p);
    if (value == NULL || p->is_broken)
        return NULL;
    return nsf_json_get_nocase(value, nsf_arena_copy(p->scope->arena, word).ptr);
}

static const struct nsf_json *read_postfix(struct parser *p, const struct nsf_json *value)
{
    for (char c = peek(p); c == '.' || c == '['; c = peek(p)) {
        p->pos++;
        p->pos += peek(p) == '?';
        if (c == '.') {
            value = member_value(p, value);
            continue;
        }
        struct nsf_slice expression = read_extent(p);
        p->is_broken |= peek(p) != ']';
        p->pos++;
        value = p->is_broken ? NULL : index_value(p, value, expression);
    }
    return value;
}

/* "{name}" for parameters('name'), "{text}" for all else; without slashes, since names are parts of ids. */
static const struct nsf_json *placeholder(const struct nsf_arm_scope *scope, struct nsf_slice text,
                                          const struct nsf_json *at)
{
    static const struct nsf_slice call = {"parameters('", 12}, end = {"')", 2};
    bool is_parameter = nsf_slice_has_prefix_nocase(text, call) && nsf_slice_has_suffix_nocase(text, end);
    if (is_parameter)
        text = nsf_slice(text.ptr + call.len, text.len - call.len - end.len);
    char *copy = nsf_arena_printf(scope->arena, "{%.*s}", NSF_SLICE_ARG(text));
    for (char *c = copy; *c != '\0'; c++)
        if (*c == '/')
            *c = '|';
    return nsf_arm_new_text(scope, at, nsf_slice_str(copy));
}

const struct nsf_json *nsf_arm_eval(const struct nsf_arm_scope *scope, struct nsf_slice expression,
                                    const struct nsf_json *at)
{
    struct parser p = {.scope = scope, .at = at, .text = expression};
    const struct nsf_json *value = NULL;
    if (spend(scope)) {
        value = read_primary(&p);
        if (!p.is_broken)
            value = read_postfix(&p, value);
        if (p.is_broken || peek(&p) != '\0')
            value = NULL;
    }
    if (nsf_json_is(value, NSF_JSON_EXPRESSION))
        value = NULL;
    return value == NULL && scope->is_lenient ? placeholder(scope, expression, at) : value;
}

const struct nsf_json *nsf_arm_arg(const struct nsf_arm_call *call, size_t idx)
{
    return idx < call->n_args ? nsf_arm_eval(call->scope, call->args[idx], call->at) : NULL;
}

/* --- Parameters, variables, user functions --------------------------------------------------------------------- */

static size_t find_member(const struct nsf_json *map, struct nsf_slice name)
{
    size_t i = n_members(map);
    while (i > 0 && !nsf_slice_eq_nocase(map->u.map.members[i - 1].key, name))
        i--;
    return i; /* index + 1, 0: none */
}

/* The scope in which defaults and variables are evaluated: no loops, no names. */
static struct nsf_arm_scope top_of(const struct nsf_arm_scope *scope)
{
    struct nsf_arm_scope top = *scope;
    top.loops = NULL;
    top.bindings = NULL;
    top.is_lenient = false;
    top.depth++;
    return top;
}

typedef const struct nsf_json *make_fn(const struct nsf_arm_scope *scope, const struct nsf_json *source);

static const struct nsf_json *remember(const struct nsf_arm_scope *scope, struct memo_entry *entry, make_fn *make,
                                       const struct nsf_json *source)
{
    if (entry->state == MEMO_NEW) {
        struct nsf_arm_scope top = top_of(scope);
        entry->state = MEMO_BUSY;
        entry->value = spend(&top) ? make(&top, source) : NULL;
        entry->state = MEMO_DONE;
    }
    return entry->state == MEMO_DONE ? entry->value : NULL;
}

static const struct nsf_arm_binding *find_binding(const struct nsf_arm_scope *scope, struct nsf_slice name)
{
    const struct nsf_arm_binding *binding = scope->bindings;
    while (binding != NULL && !nsf_slice_eq_nocase(binding->name, name))
        binding = binding->outer;
    return binding;
}

static const struct nsf_json null_value = {.type = NSF_JSON_NULL};

/* Left out where the others are given, such a parameter is null. */
static bool is_nullable(const struct nsf_json *declared)
{
    const struct nsf_json *nullable = nsf_json_get_nocase(declared, "nullable");
    return nsf_json_is(nullable, NSF_JSON_BOOL) && nullable->u.boolean;
}

const struct nsf_json *nsf_arm_parameter(const struct nsf_arm_scope *scope, struct nsf_slice name)
{
    if (scope->is_user_function) {
        const struct nsf_arm_binding *binding = find_binding(scope, name);
        return binding == NULL ? NULL : binding->value;
    }
    size_t found = find_member(scope->given, name);
    /* Without a value it is a reference to a secret, which is not known. */
    if (found > 0)
        return nsf_json_get_nocase(&scope->given->u.map.members[found - 1].value, "value");
    found = find_member(scope->declared, name);
    if (found == 0)
        return NULL;
    const struct nsf_json *declared = &scope->declared->u.map.members[found - 1].value;
    const struct nsf_json *source = nsf_json_get_nocase(declared, "defaultValue");
    if (source == NULL && scope->given != NULL && is_nullable(declared))
        return &null_value;
    return source == NULL ? NULL : remember(scope, &scope->memo->defaults[found - 1], nsf_arm_resolve, source);
}

static const struct nsf_json *unroll(const struct nsf_arm_scope *scope, const struct nsf_json *copy);

/* "variables": {"copy": [{"name": "a", ...}]} */
static const struct nsf_json *copied_variable(const struct nsf_arm_scope *scope, struct nsf_slice name)
{
    const struct nsf_json *copies = nsf_json_get_nocase(scope->variables, "copy");
    for (size_t i = 0; i < nsf_json_len(copies); i++) {
        if (!nsf_slice_eq_nocase(nsf_json_get_string(nsf_json_item(copies, i), "name"), name))
            continue;
        return remember(scope, &scope->memo->copies[i], unroll, nsf_json_item(copies, i));
    }
    return NULL;
}

const struct nsf_json *nsf_arm_variable(const struct nsf_arm_scope *scope, struct nsf_slice name)
{
    size_t found = find_member(scope->variables, name);
    if (found == 0)
        return copied_variable(scope, name);
    return remember(scope, &scope->memo->variables[found - 1], nsf_arm_resolve,
                    &scope->variables->u.map.members[found - 1].value);
}

static const struct nsf_json *find_user_function(const struct nsf_arm_scope *scope, struct nsf_slice name)
{
    size_t dot = nsf_slice_find(name, '.');
    if (dot == name.len)
        return NULL;
    struct nsf_slice space = nsf_slice(name.ptr, dot);
    for (size_t i = 0; i < nsf_json_len(scope->functions); i++) {
        const struct nsf_json *group = nsf_json_item(scope->functions, i);
        if (nsf_slice_eq_nocase(nsf_json_get_string(group, "namespace"), space))
            return nsf_json_get_nocase(nsf_json_get_nocase(group, "members"),
                                       nsf_arena_copy(scope->arena, nsf_slice_from(name, dot + 1)).ptr);
    }
    return NULL;
}

const struct nsf_json *nsf_arm_user_function(const struct nsf_arm_call *call, bool *is_known)
{
    const struct nsf_json *function = find_user_function(call->scope, call->name);
    *is_known = function != NULL;
    if (function == NULL)
        return NULL;
    const struct nsf_json *parameters = nsf_json_get_nocase(function, "parameters");
    struct nsf_arm_scope inner = top_of(call->scope);
    inner.is_user_function = true;
    inner.variables = NULL;
    for (size_t i = 0; i < nsf_json_len(parameters); i++) {
        struct nsf_arm_binding *binding = nsf_arena_alloc(inner.arena, sizeof(*binding));
        binding->name = nsf_json_get_string(nsf_json_item(parameters, i), "name");
        binding->value = nsf_arm_arg(call, i);
        binding->outer = inner.bindings;
        inner.bindings = binding;
    }
    const struct nsf_json *output = nsf_json_path(function, "output.value");
    return output == NULL ? NULL : nsf_arm_resolve(&inner, output);
}

/* --- Trees ----------------------------------------------------------------------------------------------------- */

static const struct nsf_json *resolve_string(const struct nsf_arm_scope *scope, const struct nsf_json *value)
{
    struct nsf_slice text = value->u.text;
    if (text.len < 2 || text.ptr[0] != '[' || text.ptr[text.len - 1] != ']')
        return value;
    /* "[[" stands for a text that begins with a bracket. */
    if (text.ptr[1] == '[')
        return nsf_arm_new_text(scope, value, nsf_slice_from(text, 1));
    const struct nsf_json *result = nsf_arm_eval(scope, nsf_slice_trim(nsf_slice(text.ptr + 1, text.len - 2)), value);
    if (result != NULL) {
        /* The place is that of the expression, not of what it was taken from. */
        struct nsf_json *placed = nsf_arena_alloc(scope->arena, sizeof(*placed));
        *placed = *result;
        placed->offset = value->offset;
        placed->line = value->line;
        return placed;
    }
    struct nsf_json *unresolved = new_value(scope, value, NSF_JSON_EXPRESSION);
    unresolved->u.text = text;
    return unresolved;
}

static const struct nsf_json *resolve_array(const struct nsf_arm_scope *scope, const struct nsf_json *value)
{
    struct nsf_json *items = nsf_arena_alloc(scope->arena, nsf_mul_size(value->u.array.n, sizeof(*items)));
    for (size_t i = 0; i < value->u.array.n; i++)
        items[i] = *nsf_arm_resolve(scope, &value->u.array.items[i]);
    return nsf_arm_new_array(scope, value, items, value->u.array.n);
}

static const struct nsf_json *not_unrolled(const struct nsf_arm_scope *scope, const struct nsf_json *copy,
                                           const struct nsf_json *count)
{
    struct nsf_json *unresolved = new_value(scope, copy, NSF_JSON_EXPRESSION);
    unresolved->u.text = count == NULL ? NSF_SLICE_LIT("copy") : nsf_json_text(count);
    return unresolved;
}

/* One loop of a `copy` member: an array of its input, once for each index. */
static const struct nsf_json *unroll(const struct nsf_arm_scope *scope, const struct nsf_json *copy)
{
    const struct nsf_json *input = nsf_json_get_nocase(copy, "input");
    const struct nsf_json *count = nsf_json_get_nocase(copy, "count");
    int64_t n = 0;
    bool has_count = count != NULL && nsf_arm_to_int(nsf_arm_resolve(scope, count), &n) && n >= 0;
    if (input == NULL || !has_count || n > COPY_COUNT_MAX)
        return not_unrolled(scope, copy, count);
    size_t n_items = (size_t)n, n_done = 0;
    struct nsf_json *items = nsf_arena_alloc(scope->arena, nsf_mul_size(n_items, sizeof(*items)));
    struct nsf_arm_loop loop = {.name = nsf_json_get_string(copy, "name"), .outer = scope->loops};
    struct nsf_arm_scope inner = *scope;
    inner.loops = &loop;
    for (; n_done < n_items && spend(&inner); n_done++) {
        loop.idx = n_done;
        items[n_done] = *nsf_arm_resolve(&inner, input);
    }
    /* A list that ends early would hide its rest. */
    return n_done == n_items ? nsf_arm_new_array(scope, copy, items, n_items) : not_unrolled(scope, copy, count);
}

static bool is_name(struct nsf_slice key)
{
    return nsf_slice_eq_nocase(key, NSF_SLICE_LIT("name")) || nsf_slice_eq_nocase(key, NSF_SLICE_LIT("id"));
}

static const struct nsf_json *resolve_map(const struct nsf_arm_scope *scope, const struct nsf_json *value)
{
    const struct nsf_json *copies = nsf_json_get_nocase(value, "copy");
    size_t n_copies = nsf_json_len(copies), n = 0;
    struct nsf_json_member *members =
        nsf_arena_alloc(scope->arena, nsf_mul_size(value->u.map.n + n_copies, sizeof(*members)));
    for (size_t i = 0; i < value->u.map.n; i++) {
        const struct nsf_json_member *member = &value->u.map.members[i];
        if (&member->value == copies && n_copies > 0)
            continue;
        struct nsf_arm_scope inner = *scope;
        inner.is_lenient |= is_name(member->key);
        members[n].key = member->key;
        members[n++].value = *nsf_arm_resolve(&inner, &member->value);
    }
    for (size_t i = 0; i < n_copies; i++) {
        const struct nsf_json *copy = nsf_json_item(copies, i);
        members[n].key = nsf_json_get_string(copy, "name");
        members[n++].value = *unroll(scope, copy);
    }
    struct nsf_json *out = new_value(scope, value, NSF_JSON_MAP);
    out->u.map.members = members;
    out->u.map.n = n;
    return out;
}

const struct nsf_json *nsf_arm_resolve(const struct nsf_arm_scope *scope, const struct nsf_json *value)
{
    switch (value->type) {
    case NSF_JSON_STRING:
        return resolve_string(scope, value);
    case NSF_JSON_ARRAY:
        return resolve_array(scope, value);
    case NSF_JSON_MAP:
        return resolve_map(scope, value);
    case NSF_JSON_NULL:
    case NSF_JSON_BOOL:
    case NSF_JSON_NUMBER:
    case NSF_JSON_EXPRESSION:
        return value;
    }
    NSF_BUG("unknown type of a JSON value");
}

struct nsf_slice nsf_arm_text(const struct nsf_arm_scope *scope, const struct nsf_json *value)
{
    struct nsf_arm_scope lenient = *scope;
    lenient.is_lenient = true;
    return value == NULL ? (struct nsf_slice){0} : nsf_json_text(nsf_arm_resolve(&lenient, value));
}

struct nsf_slice nsf_arm_resource_id(const struct nsf_arm_scope *scope, struct nsf_slice type,
                                     const struct nsf_slice *names, size_t n_names)
{
    struct nsf_slice subscription = scope->subscription, group = scope->group;
    if (subscription.len == 0)
        subscription = NSF_SLICE_LIT(NSF_ID_NO_SUBSCRIPTION);
    if (group.len == 0)
        group = NSF_SLICE_LIT(NSF_ID_NO_GROUP);
    size_t slash = nsf_slice_find(type, '/');
    char *id =
        nsf_arena_printf(scope->arena, "/subscriptions/%.*s/resourceGroups/%.*s/providers/%.*s",
                         NSF_SLICE_ARG(subscription), NSF_SLICE_ARG(group), NSF_SLICE_ARG(nsf_slice(type.ptr, slash)));
    for (size_t i = 0; i < n_names && slash < type.len; i++) {
        type = nsf_slice_from(type, slash + 1);
        slash = nsf_slice_find(type, '/');
        id = nsf_arena_printf(scope->arena, "%s/%.*s/%.*s", id, NSF_SLICE_ARG(nsf_slice(type.ptr, slash)),
                              NSF_SLICE_ARG(names[i]));
    }
    return nsf_slice_str(id);
}

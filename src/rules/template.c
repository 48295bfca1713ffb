#include "core/nsf_common.h"

#include "rules/shapes.h"

#include "core/mem.h"
#include "rules/arm_expr.h"

/* ARM templates: resources with inline and child rules, nested resources and deployments, copy loops, conditions; what
 * az, the portal and Blueprint wrap around them; and the what-if result of a deployment. */

#define NESTED_MAX 16
#define COPY_COUNT_MAX 800
/* Work and memory for the expressions of one document. */
#define STEPS_MAX 2000000
#define EXPRESSION_BYTES_MAX ((size_t)512 << 20)

#define TYPE_NSG "Microsoft.Network/networkSecurityGroups"
#define TYPE_RULE "Microsoft.Network/networkSecurityGroups/securityRules"
#define TYPE_NIC "Microsoft.Network/networkInterfaces"
#define TYPE_VNET "Microsoft.Network/virtualNetworks"
#define TYPE_SUBNET "Microsoft.Network/virtualNetworks/subnets"
#define TYPE_DEPLOYMENT "Microsoft.Resources/deployments"

/* A resource on its way, with its parents' type and name put before its own. */
struct template_resource {
    struct nsf_loader *loader;
    const struct nsf_arm_scope *scope;
    const struct nsf_json *source;
    struct nsf_slice type;
    struct nsf_slice name;      /* "nsg/rule" */
    struct nsf_slice condition; /* an expression that could not be evaluated, or absent */
    unsigned depth;
};

static void load_resources(struct nsf_loader *loader, const struct nsf_arm_scope *scope, const struct nsf_json *list,
                           const struct template_resource *parent, unsigned depth);

static bool is_type(struct nsf_slice type, const char *wanted)
{
    return nsf_slice_eq_nocase(type, nsf_slice_str(wanted));
}

/* The id that a name has as a resource of this type. */
static struct nsf_slice id_of(const struct nsf_arm_scope *scope, const char *type, struct nsf_slice name)
{
    struct nsf_slice_list names = {0};
    for (size_t slash; name.len > 0; name = nsf_slice_from(name, slash < name.len ? slash + 1 : slash)) {
        slash = nsf_slice_find(name, '/');
        nsf_slice_list_add(&names, scope->arena, nsf_slice(name.ptr, slash));
    }
    return nsf_arm_resource_id(scope, nsf_slice_str(type), names.items, names.n);
}

/* --- NSGs and rules -------------------------------------------------------------------------------------------- */

static void set_condition(const struct template_resource *resource, struct nsf_nsg *nsg)
{
    if (resource->condition.len == 0)
        return;
    for (size_t i = 0; i < nsg->n_rules; i++)
        nsf_rule_set_unreadable(resource->loader->arena, &nsg->rules[i], NSF_RULE_PART_ALL,
                                "condition: cannot evaluate %.*s", NSF_SLICE_ARG(resource->condition));
}

/* Older exports of the portal say which resource they generalized. */
static struct nsf_slice id_in_comments(const struct template_resource *resource)
{
    struct nsf_slice text = nsf_json_get_string(resource->source, "comments");
    size_t from = nsf_slice_find(text, '\'');
    if (from == text.len || !nsf_slice_has_prefix_nocase(text, NSF_SLICE_LIT("Generalized from resource:")))
        return (struct nsf_slice){0};
    struct nsf_slice id = nsf_slice_from(text, from + 1);
    id.len = nsf_slice_find(id, '\'');
    bool is_same = nsf_slice_eq_nocase(nsf_id_segment(id, "providers"), NSF_SLICE_LIT("Microsoft.Network")) &&
                   nsf_slice_eq_nocase(nsf_id_last_segment(id), resource->name);
    return is_same ? id : (struct nsf_slice){0};
}

static void load_nsg(const struct template_resource *resource)
{
    const struct nsf_json *value = nsf_arm_resolve(resource->scope, resource->source);
    struct nsf_nsg nsg;
    if (!nsf_read_nsg(resource->loader, value, &nsg))
        return;
    nsg.name = resource->name;
    nsg.id = id_in_comments(resource);
    nsg.is_id_guessed = nsg.id.len == 0;
    if (nsg.is_id_guessed)
        nsg.id = id_of(resource->scope, TYPE_NSG, resource->name);
    /* A template says all there is, unless a part of it could not be evaluated. */
    nsg.may_have_more_rules = nsf_json_is(nsf_json_get_nocase(value, "properties"), NSF_JSON_EXPRESSION) ||
                              nsf_json_is(nsf_json_path(value, "properties.securityRules"), NSF_JSON_EXPRESSION);
    if (nsg.may_have_more_rules) {
        const struct nsf_json *rules = nsf_json_path(value, "properties.securityRules");
        struct nsf_slice text = nsf_json_text(rules != NULL ? rules : nsf_json_get_nocase(value, "properties"));
        struct nsf_slice_list notes = {0};
        const char *note = nsf_arena_printf(resource->loader->arena, "its rules are %.*s, which could not be evaluated",
                                            NSF_SLICE_ARG(text));
        nsf_slice_list_add(&notes, resource->loader->arena, nsf_slice_str(note));
        nsg.notes = nsf_slice_list_give(&notes);
    }
    set_condition(resource, &nsg);
    nsf_loader_give_nsg(resource->loader, &nsg);
}

static void load_rule(const struct template_resource *resource)
{
    struct nsf_rule rule;
    nsf_read_rule(resource->loader, nsf_arm_resolve(resource->scope, resource->source), &rule);
    size_t slash = nsf_slice_find(resource->name, '/');
    struct nsf_nsg nsg = {.rules = &rule, .n_rules = 1, .is_partial = true, .is_id_guessed = true, .place = rule.place};
    nsg.name = nsf_slice(resource->name.ptr, slash);
    nsg.id = id_of(resource->scope, TYPE_NSG, nsg.name);
    rule.name = slash < resource->name.len ? nsf_slice_from(resource->name, slash + 1) : resource->name;
    set_condition(resource, &nsg);
    nsf_loader_give_nsg(resource->loader, &nsg);
}

/* --- Attachments ----------------------------------------------------------------------------------------------- */

static const struct nsf_json *with_id(const struct template_resource *resource, const struct nsf_json *value,
                                      const char *type, struct nsf_slice name)
{
    struct nsf_arena *arena = resource->loader->arena;
    struct nsf_json *out = nsf_arena_alloc(arena, sizeof(*out));
    *out = *value;
    size_t n = value->u.map.n;
    struct nsf_json_member *members = nsf_arena_alloc(arena, nsf_mul_size(n + 1, sizeof(*members)));
    if (n > 0)
        memcpy(members, value->u.map.members, n * sizeof(*members));
    members[n].key = NSF_SLICE_LIT("id");
    members[n].value = *nsf_arm_new_text(resource->scope, value, id_of(resource->scope, type, name));
    out->u.map.members = members;
    out->u.map.n = n + 1;
    return out;
}

static void load_vnet(const struct template_resource *resource, const struct nsf_json *value)
{
    const struct nsf_json *subnets = nsf_json_path(value, "properties.subnets");
    for (size_t i = 0; i < nsf_json_len(subnets); i++) {
        const struct nsf_json *subnet = nsf_json_item(subnets, i);
        const char *name = nsf_arena_printf(resource->loader->arena, "%.*s/%.*s", NSF_SLICE_ARG(resource->name),
                                            NSF_SLICE_ARG(nsf_json_get_string(subnet, "name")));
        if (nsf_json_is(subnet, NSF_JSON_MAP))
            nsf_load_subnet(resource->loader, with_id(resource, subnet, TYPE_SUBNET, nsf_slice_str(name)));
    }
}

static void load_attachment(const struct template_resource *resource)
{
    struct nsf_arm_scope lenient = *resource->scope;
    lenient.is_lenient = true;
    const struct nsf_json *value = nsf_arm_resolve(&lenient, resource->source);
    if (is_type(resource->type, TYPE_NIC))
        nsf_load_nic(resource->loader, with_id(resource, value, TYPE_NIC, resource->name));
    else if (is_type(resource->type, TYPE_SUBNET))
        nsf_load_subnet(resource->loader, with_id(resource, value, TYPE_SUBNET, resource->name));
    else
        load_vnet(resource, value);
}

/* --- Templates in templates ------------------------------------------------------------------------------------ */

static void load_deployment(const struct template_resource *resource)
{
    const struct nsf_json *properties = nsf_json_get_nocase(resource->source, "properties");
    const struct nsf_json *template = nsf_json_get_nocase(properties, "template");
    if (!nsf_json_is(template, NSF_JSON_MAP)) {
        nsf_loader_problem(resource->loader, NSF_E_SHAPE, resource->source->offset,
                           "the template that deployment \"%.*s\" links to is not part of this file",
                           NSF_SLICE_ARG(resource->name));
        return;
    }
    struct nsf_slice how = nsf_json_string(nsf_json_path(properties, "expressionEvaluationOptions.scope"));
    struct nsf_arm_scope inner = *resource->scope;
    if (nsf_slice_eq_nocase(how, NSF_SLICE_LIT("inner"))) {
        const struct nsf_json *given = nsf_json_get_nocase(properties, "parameters");
        static const struct nsf_json none = {.type = NSF_JSON_MAP};
        given = given == NULL ? &none : nsf_arm_resolve(resource->scope, given);
        inner = nsf_arm_scope_new(resource->scope->arena, resource->scope->budget, template, given);
        inner.group = resource->scope->group;
        inner.subscription = resource->scope->subscription;
        inner.depth = resource->scope->depth;
    }
    struct nsf_slice group = nsf_arm_text(resource->scope, nsf_json_get_nocase(resource->source, "resourceGroup"));
    struct nsf_slice subscription =
        nsf_arm_text(resource->scope, nsf_json_get_nocase(resource->source, "subscriptionId"));
    if (group.len > 0)
        inner.group = group;
    if (subscription.len > 0)
        inner.subscription = subscription;
    load_resources(resource->loader, &inner, nsf_json_get_nocase(template, "resources"), NULL, resource->depth + 1);
}

/* --- One resource ---------------------------------------------------------------------------------------------- */

static void load_one(struct template_resource *resource)
{
    if (is_type(resource->type, TYPE_NSG))
        load_nsg(resource);
    else if (is_type(resource->type, TYPE_RULE))
        load_rule(resource);
    else if (is_type(resource->type, TYPE_DEPLOYMENT))
        load_deployment(resource);
    else if (is_type(resource->type, TYPE_NIC) || is_type(resource->type, TYPE_VNET) ||
             is_type(resource->type, TYPE_SUBNET))
        load_attachment(resource);
    load_resources(resource->loader, resource->scope, nsf_json_get_nocase(resource->source, "resources"), resource,
                   resource->depth + 1);
}

/* False: it is not deployed at all. */
static bool read_condition(struct template_resource *resource)
{
    const struct nsf_json *condition = nsf_json_get_nocase(resource->source, "condition");
    const struct nsf_json *existing = nsf_json_get_nocase(resource->source, "existing");
    if (nsf_json_is(existing, NSF_JSON_BOOL) && existing->u.boolean)
        return false;
    if (condition == NULL)
        return true;
    const struct nsf_json *value = nsf_arm_resolve(resource->scope, condition);
    if (nsf_json_is(value, NSF_JSON_EXPRESSION))
        resource->condition = value->u.text;
    bool is_false = (nsf_json_is(value, NSF_JSON_BOOL) && !value->u.boolean) ||
                    nsf_slice_eq_nocase(nsf_json_string(value), NSF_SLICE_LIT("false"));
    return !is_false;
}

static struct nsf_slice join_path(struct nsf_arena *arena, struct nsf_slice parent, struct nsf_slice own)
{
    return nsf_slice_str(nsf_arena_printf(arena, "%.*s/%.*s", NSF_SLICE_ARG(parent), NSF_SLICE_ARG(own)));
}

/* A nested resource spells its type and name without its parent's, or in full. */
static void name_resource(struct template_resource *resource, const struct template_resource *parent)
{
    struct nsf_arena *arena = resource->loader->arena;
    resource->type = nsf_json_get_string(resource->source, "type");
    /* "Microsoft.Network/networkSecurityGroups@2024-01-01", as languageVersion 2.0 allows */
    resource->type.len = nsf_slice_find(resource->type, '@');
    resource->name = nsf_arm_text(resource->scope, nsf_json_get_nocase(resource->source, "name"));
    if (parent == NULL)
        return;
    bool is_full = nsf_slice_has_prefix_nocase(resource->type, NSF_SLICE_LIT("Microsoft."));
    if (!is_full)
        resource->type = join_path(arena, parent->type, resource->type);
    bool has_parent_name = nsf_slice_find(resource->name, '/') < resource->name.len;
    if (nsf_slice_has_prefix_nocase(resource->type, parent->type) && !has_parent_name)
        resource->name = join_path(arena, parent->name, resource->name);
    if (resource->condition.len == 0)
        resource->condition = parent->condition;
}

/* The groups that a resource which is not deployed is or holds. */
static size_t count_groups(const struct nsf_json *resource, unsigned depth)
{
    struct nsf_slice type = nsf_json_get_string(resource, "type");
    type.len = nsf_slice_find(type, '@');
    const struct nsf_json *existing = nsf_json_get_nocase(resource, "existing");
    size_t n = is_type(type, TYPE_NSG) && !(nsf_json_is(existing, NSF_JSON_BOOL) && existing->u.boolean);
    const struct nsf_json *inner = nsf_json_path(resource, "properties.template.resources");
    if (depth > NESTED_MAX)
        return n;
    for (size_t i = 0; i < nsf_json_len(inner); i++)
        n += count_groups(nsf_json_item(inner, i), depth + 1);
    for (size_t i = 0; nsf_json_is(inner, NSF_JSON_MAP) && i < inner->u.map.n; i++)
        n += count_groups(&inner->u.map.members[i].value, depth + 1);
    return n;
}

static void load_resource(struct nsf_loader *loader, const struct nsf_arm_scope *scope, const struct nsf_json *source,
                          const struct template_resource *parent, unsigned depth)
{
    struct template_resource resource = {.loader = loader, .scope = scope, .source = source, .depth = depth};
    if (!read_condition(&resource)) {
        loader->n_left_out += count_groups(source, depth);
        return;
    }
    name_resource(&resource, parent);
    load_one(&resource);
}

/* {"copy": {"name": ..., "count": ...}}: once for each index; without a count that can be evaluated once, with the
 * index unresolved. */
static void load_copies(struct nsf_loader *loader, const struct nsf_arm_scope *scope, const struct nsf_json *source,
                        const struct template_resource *parent, unsigned depth)
{
    const struct nsf_json *copy = nsf_json_get_nocase(source, "copy");
    struct nsf_arm_loop loop = {.name = nsf_json_get_string(copy, "name"), .outer = scope->loops};
    struct nsf_arm_scope inner = *scope;
    inner.loops = &loop;
    const struct nsf_json *count = nsf_json_get_nocase(copy, "count");
    int64_t n = 0;
    if (count == NULL || !nsf_arm_to_int(nsf_arm_resolve(scope, count), &n)) {
        loop.idx = NSF_ARM_IDX_UNKNOWN;
        load_resource(loader, &inner, source, parent, depth);
        return;
    }
    for (int64_t i = 0; i < n && i < COPY_COUNT_MAX && scope->budget->n_steps_left > 0; i++) {
        loop.idx = (uint64_t)i;
        scope->budget->n_steps_left--;
        load_resource(loader, &inner, source, parent, depth);
    }
}

static void load_any(struct nsf_loader *loader, const struct nsf_arm_scope *scope, const struct nsf_json *source,
                     const struct template_resource *parent, unsigned depth)
{
    if (!nsf_json_is(source, NSF_JSON_MAP) || depth > NESTED_MAX)
        return;
    if (nsf_json_is(nsf_json_get_nocase(source, "copy"), NSF_JSON_MAP))
        load_copies(loader, scope, source, parent, depth);
    else
        load_resource(loader, scope, source, parent, depth);
}

/* A list, or a map of symbolic names. */
static void load_resources(struct nsf_loader *loader, const struct nsf_arm_scope *scope, const struct nsf_json *list,
                           const struct template_resource *parent, unsigned depth)
{
    for (size_t i = 0; i < nsf_json_len(list); i++)
        load_any(loader, scope, nsf_json_item(list, i), parent, depth);
    for (size_t i = 0; nsf_json_is(list, NSF_JSON_MAP) && i < list->u.map.n; i++)
        load_any(loader, scope, &list->u.map.members[i].value, parent, depth);
}

/* --- Documents ------------------------------------------------------------------------------------------------- */

static void load_with(struct nsf_loader *loader, const struct nsf_json *template, const struct nsf_json *given)
{
    struct nsf_arm_budget budget = {.n_steps_left = STEPS_MAX,
                                    .bytes_max = loader->arena->total_bytes + EXPRESSION_BYTES_MAX};
    struct nsf_arm_scope outer = nsf_arm_scope_new(loader->arena, &budget, NULL, NULL);
    if (given != NULL)
        given = nsf_arm_resolve(&outer, given);
    struct nsf_arm_scope scope = nsf_arm_scope_new(loader->arena, &budget, template, given);
    load_resources(loader, &scope, nsf_json_get_nocase(template, "resources"), NULL, 0);
    if (budget.n_steps_left == 0 || loader->arena->total_bytes > budget.bytes_max)
        nsf_loader_problem(loader, NSF_E_LIMIT, template->offset,
                           "the expressions of this template take more work than is allowed: some stay unresolved");
}

void nsf_load_template(struct nsf_loader *loader, const struct nsf_json *value)
{
    load_with(loader, value, NULL);
}

/* Blueprint artifacts, deployments as REST takes them, exported templates: the parameters stand beside the template. */
void nsf_load_template_wrapper(struct nsf_loader *loader, const struct nsf_json *value)
{
    const struct nsf_json *properties = nsf_json_get_nocase(value, "properties");
    bool is_nested = nsf_json_is(nsf_json_get_nocase(properties, "template"), NSF_JSON_MAP);
    const struct nsf_json *holder = is_nested ? properties : value;
    load_with(loader, nsf_json_get_nocase(holder, "template"), nsf_json_get_nocase(holder, "parameters"));
}

/* What the deployment leaves behind: resources it deletes are gone, those it ignores stay. */
static void load_change(struct nsf_loader *loader, const struct nsf_arm_scope *scope, const struct nsf_json *change)
{
    struct nsf_slice kind = nsf_json_get_string(change, "changeType"), id = nsf_json_get_string(change, "resourceId");
    const struct nsf_json *after = nsf_json_get_nocase(change, "after");
    if (!nsf_json_is(after, NSF_JSON_MAP))
        after = nsf_json_get_nocase(change, "before");
    if (nsf_slice_eq_nocase(kind, NSF_SLICE_LIT("Delete")) || !nsf_json_is(after, NSF_JSON_MAP))
        return;
    const struct nsf_json *value = nsf_arm_resolve(scope, after);
    struct nsf_slice type = nsf_json_get_string(value, "type");
    if (is_type(type, TYPE_NSG)) {
        struct nsf_nsg nsg;
        if (!nsf_read_nsg(loader, value, &nsg))
            return;
        nsg.id = id.len > 0 ? id : nsg.id;
        nsg.is_id_guessed = nsg.id.len == 0;
        nsf_loader_give_nsg(loader, &nsg);
    } else if (is_type(type, TYPE_RULE)) {
        nsf_load_rule(loader, value);
    } else if (is_type(type, TYPE_NIC)) {
        nsf_load_nic(loader, value);
    } else if (is_type(type, TYPE_VNET)) {
        nsf_load_vnet(loader, value);
    } else if (is_type(type, TYPE_SUBNET)) {
        nsf_load_subnet(loader, value);
    }
}

void nsf_load_what_if(struct nsf_loader *loader, const struct nsf_json *value)
{
    struct nsf_arm_budget budget = {.n_steps_left = STEPS_MAX,
                                    .bytes_max = loader->arena->total_bytes + EXPRESSION_BYTES_MAX};
    struct nsf_arm_scope scope = nsf_arm_scope_new(loader->arena, &budget, NULL, NULL);
    const struct nsf_json *changes = nsf_json_get_nocase(value, "changes");
    if (changes == NULL)
        changes = nsf_json_path(value, "properties.changes");
    for (size_t i = 0; i < nsf_json_len(changes); i++)
        load_change(loader, &scope, nsf_json_item(changes, i));
}

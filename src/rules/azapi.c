#include "core/nsf_common.h"

#include "rules/shapes.h"

/* Terraform's azapi_resource: the body of an ARM request, with the type, the name and the parent beside it. */

static bool is_of_type(const struct nsf_json *values, const char *type)
{
    struct nsf_slice text = nsf_json_get_string(values, "type");
    return nsf_slice_eq_nocase(nsf_slice(text.ptr, nsf_slice_find(text, '@')), nsf_slice_str(type));
}

static bool says_both(const struct nsf_json *map)
{
    return nsf_json_is(map, NSF_JSON_MAP) && map->u.map.n == 2 && nsf_json_get(map, "type") != NULL &&
           nsf_json_is(nsf_json_get(map, "value"), NSF_JSON_MAP);
}

/* Text of JSON, an object, or in a raw state an object with its type beside it. NULL: known only after apply. */
static const struct nsf_json *body_of(struct nsf_loader *loader, const struct nsf_json *values)
{
    const struct nsf_json *body = nsf_json_get(values, "body");
    if (says_both(body))
        body = nsf_json_get(body, "value");
    if (nsf_json_is(body, NSF_JSON_STRING)) {
        struct nsf_err err = NSF_ERR_INIT;
        body = nsf_json_parse(loader->arena, body->u.text, body->offset, body->line, &err);
    }
    return nsf_json_is(body, NSF_JSON_MAP) ? body : NULL;
}

static struct nsf_slice name_of(const struct nsf_json *values, struct nsf_slice address)
{
    struct nsf_slice name = nsf_json_string(nsf_json_get(values, "name"));
    return name.len > 0 ? name : address;
}

static void add_unknown_note(struct nsf_loader *loader, struct nsf_nsg *nsg)
{
    struct nsf_slice_list notes = {0};
    nsf_slice_list_add(&notes, loader->arena, NSF_SLICE_LIT("its rules are known only after apply"));
    nsg->notes = nsf_slice_list_give(&notes);
    nsg->may_have_more_rules = true;
}

struct nsf_slice nsf_azapi_nsg_id(struct nsf_loader *loader, const struct nsf_json *values, struct nsf_slice address,
                                  bool *is_guessed)
{
    struct nsf_slice name = name_of(values, address), id = nsf_json_string(nsf_json_get(values, "id"));
    struct nsf_slice parent = nsf_json_string(nsf_json_get(values, "parent_id"));
    *is_guessed = id.len == 0 && parent.len == 0;
    if (*is_guessed)
        return nsf_loader_make_id(loader->arena, (struct nsf_slice){0}, (struct nsf_slice){0},
                                  NSF_SLICE_LIT("networkSecurityGroups"), name);
    if (id.len > 0)
        return id;
    return nsf_slice_str(nsf_arena_printf(loader->arena, "%.*s/providers/Microsoft.Network/networkSecurityGroups/%.*s",
                                          NSF_SLICE_ARG(parent), NSF_SLICE_ARG(name)));
}

static void give_nsg(struct nsf_loader *loader, const struct nsf_json *values, struct nsf_slice address)
{
    const struct nsf_json *body = body_of(loader, values);
    const struct nsf_json *rules = nsf_json_path(body, "properties.securityRules");
    struct nsf_nsg nsg = {.place = nsf_loader_place(loader, values)};
    if (body != NULL && !nsf_read_nsg(loader, body, &nsg))
        return;
    nsg.name = name_of(values, address);
    nsg.id = nsf_azapi_nsg_id(loader, values, address, &nsg.is_id_guessed);
    /* A body without rules makes an NSG without rules. */
    nsg.may_have_more_rules = false;
    bool is_unknown = body == NULL || nsf_json_is(rules, NSF_JSON_EXPRESSION) ||
                      nsf_json_is(nsf_json_get(body, "properties"), NSF_JSON_EXPRESSION);
    if (is_unknown)
        add_unknown_note(loader, &nsg);
    nsf_loader_give_nsg(loader, &nsg);
}

bool nsf_azapi_is_rule(const struct nsf_json *values)
{
    return is_of_type(values, "Microsoft.Network/networkSecurityGroups/securityRules");
}

void nsf_load_azapi_rule(struct nsf_loader *loader, const struct nsf_json *values, struct nsf_slice address,
                         struct nsf_slice nsg_id, bool is_guessed)
{
    const struct nsf_json *body = body_of(loader, values);
    struct nsf_rule rule = {.place = nsf_loader_place(loader, values)};
    if (body != NULL)
        nsf_read_rule(loader, body, &rule);
    else
        nsf_rule_set_unreadable(loader->arena, &rule, NSF_RULE_PART_ALL, "body: known only after apply");
    rule.name = name_of(values, address);
    struct nsf_nsg nsg = {.rules = &rule, .n_rules = 1, .is_partial = true, .place = rule.place};
    nsg.id = nsg_id;
    nsg.is_id_guessed = is_guessed;
    nsg.name = nsf_id_last_segment(nsg.id);
    nsf_loader_give_nsg(loader, &nsg);
}

void nsf_load_azapi_nsg(struct nsf_loader *loader, const struct nsf_json *values, struct nsf_slice address)
{
    if (is_of_type(values, "Microsoft.Network/networkSecurityGroups"))
        give_nsg(loader, values, address);
}

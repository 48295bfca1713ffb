#include "core/nsf_common.h"

#include "rules/shapes.h"

#include "core/mem.h"

/* Security admin rules of Azure Virtual Network Manager: active rules of a region, effective rules of a virtual
 * network, the rules of a collection, from az, ARM and PowerShell. */

#define MEMBERS_MAX 12

/* A map in the words of an NSG rule, so that one reader does for both. */
struct rewriter {
    struct nsf_loader *loader;
    struct nsf_json_member members[MEMBERS_MAX];
    size_t n;
};

static void put(struct rewriter *rewriter, const char *key, const struct nsf_json *value)
{
    if (value != NULL)
        rewriter->members[rewriter->n++] = (struct nsf_json_member){nsf_slice_str(key), *value};
}

static struct nsf_json text_value(const struct nsf_json *at, struct nsf_slice text)
{
    return (struct nsf_json){.type = NSF_JSON_STRING, .offset = at->offset, .line = at->line, .u.text = text};
}

/* [{"addressPrefix": "Internet", "addressPrefixType": "ServiceTag"}] to ["Internet"]; a network group is not in the
 * export. */
static struct nsf_json prefixes_of(struct rewriter *rewriter, const struct nsf_json *list)
{
    struct nsf_json out = {.type = NSF_JSON_ARRAY, .offset = list->offset, .line = list->line};
    struct nsf_json *items = nsf_arena_alloc(rewriter->loader->arena, nsf_mul_size(nsf_json_len(list), sizeof(*items)));
    for (size_t i = 0; i < nsf_json_len(list); i++) {
        const struct nsf_json *item = nsf_json_item(list, i);
        items[i] = text_value(item, nsf_json_get_string(item, "addressPrefix"));
        bool is_group =
            nsf_slice_eq_nocase(nsf_json_get_string(item, "addressPrefixType"), NSF_SLICE_LIT("NetworkGroup"));
        if (is_group)
            items[i].type = NSF_JSON_EXPRESSION;
    }
    out.u.array.items = items;
    out.u.array.n = nsf_json_len(list);
    return out;
}

static enum nsf_admin_access access_of(struct nsf_slice text)
{
    if (nsf_slice_eq_nocase(text, NSF_SLICE_LIT("Allow")))
        return NSF_ADMIN_ACCESS_ALLOW;
    if (nsf_slice_eq_nocase(text, NSF_SLICE_LIT("AlwaysAllow")))
        return NSF_ADMIN_ACCESS_ALWAYS_ALLOW;
    return nsf_slice_eq_nocase(text, NSF_SLICE_LIT("Deny")) ? NSF_ADMIN_ACCESS_DENY : NSF_ADMIN_ACCESS_UNREADABLE;
}

static void put_access(struct rewriter *rewriter, const struct nsf_json *value, struct nsf_admin_rule *admin)
{
    struct nsf_slice text = nsf_json_get_string(value, "access");
    admin->access = access_of(text);
    if (admin->access == NSF_ADMIN_ACCESS_ALWAYS_ALLOW)
        text = NSF_SLICE_LIT("Allow");
    struct nsf_json access = text_value(value, text);
    put(rewriter, "access", &access);
}

static void put_direction(struct rewriter *rewriter, const struct nsf_json *value, struct nsf_admin_rule *admin)
{
    const struct nsf_json *direction = nsf_json_get_nocase(value, "direction");
    struct nsf_json inbound = text_value(value, NSF_SLICE_LIT("Inbound"));
    admin->is_direction_assumed = nsf_json_is_unset(direction);
    put(rewriter, "direction", admin->is_direction_assumed ? &inbound : direction);
}

static struct nsf_slice name_of(const struct nsf_json *value, const struct nsf_json *properties)
{
    struct nsf_slice name = nsf_json_get_string(value, "name");
    if (name.len == 0)
        name = nsf_id_last_segment(nsf_json_get_string(value, "id"));
    return name.len > 0 ? name : nsf_json_get_string(properties, "displayName");
}

static void give(struct nsf_loader *loader, const struct nsf_json *value, struct rewriter *rewriter,
                 struct nsf_admin_rule *admin)
{
    struct nsf_json map = {.type = NSF_JSON_MAP, .offset = value->offset, .line = value->line};
    map.u.map.members = rewriter->members;
    map.u.map.n = rewriter->n;
    nsf_read_rule(loader, &map, &admin->rule);
    struct nsf_attachment attachment = {.kind = NSF_ATTACHMENT_ADMIN_RULE, .place = nsf_loader_place(loader, value)};
    admin->rule.place = attachment.place;
    attachment.u.admin_rule = *admin;
    nsf_loader_give_attachment(loader, &attachment);
}

void nsf_load_admin_rule(struct nsf_loader *loader, const struct nsf_json *value)
{
    static const char *const copied[] = {"protocol", "priority", "description", "sourcePortRanges",
                                         "destinationPortRanges"};
    const struct nsf_json *properties = nsf_loader_properties(loader, value);
    struct nsf_admin_rule admin = {0};
    struct rewriter rewriter = {.loader = loader};
    struct nsf_json name = text_value(value, name_of(value, properties));
    put(&rewriter, "name", &name);
    put(&rewriter, "id", nsf_json_get_nocase(value, "id"));
    put_access(&rewriter, properties, &admin);
    put_direction(&rewriter, properties, &admin);
    for (size_t i = 0; i < NSF_ARRAY_LEN(copied); i++)
        put(&rewriter, copied[i], nsf_json_get_nocase(properties, copied[i]));
    const struct nsf_json *sources = nsf_json_get_nocase(properties, "sources");
    const struct nsf_json *destinations = nsf_json_get_nocase(properties, "destinations");
    if (nsf_json_len(sources) > 0) {
        struct nsf_json list = prefixes_of(&rewriter, sources);
        put(&rewriter, "sourceAddressPrefixes", &list);
    }
    if (nsf_json_len(destinations) > 0) {
        struct nsf_json list = prefixes_of(&rewriter, destinations);
        put(&rewriter, "destinationAddressPrefixes", &list);
    }
    admin.collection = nsf_id_segment(nsf_json_get_string(value, "id"), "ruleCollections");
    admin.region = nsf_json_get_string(value, "region");
    give(loader, value, &rewriter, &admin);
}

void nsf_load_effective_admin_rules(struct nsf_loader *loader, const struct nsf_json *rules)
{
    for (size_t i = 0; i < nsf_json_len(rules); i++) {
        const struct nsf_json *value = nsf_json_item(rules, i);
        if (!nsf_json_is(value, NSF_JSON_MAP))
            continue;
        struct nsf_admin_rule admin = {0};
        nsf_read_rule(loader, value, &admin.rule);
        admin.access = access_of(nsf_json_get_string(value, "access"));
        if (admin.access == NSF_ADMIN_ACCESS_ALWAYS_ALLOW)
            admin.rule.access = NSF_ACCESS_ALLOW;
        struct nsf_attachment attachment = {.kind = NSF_ATTACHMENT_ADMIN_RULE, .place = admin.rule.place};
        attachment.u.admin_rule = admin;
        nsf_loader_give_attachment(loader, &attachment);
    }
}

#include "core/nsf_common.h"

#include "rules/shapes.h"

/* A rule by itself: an element of `az network nsg rule list`, or a row of a query or a spreadsheet with the group, the
 * rule's name and what it says side by side. */

#define COLUMN_MAX_BYTES 40

/* Column names as people choose them; compared without case, `_`, `-` and blanks. */
static const char *const group_columns[] = {
    "networksecuritygroupid", "nsgid", "nsgresourceid", "networksecuritygroupname", "nsgname",
    "networksecuritygroup",   "nsg",   "securitygroup", "securitygroupname",        NULL,
};
static const char *const rule_columns[] = {"rulename", "securityrulename", "rule", "securityrule", NULL};
static const char *const resource_group_columns[] = {"resourcegroup", "resourcegroupname", "rg", NULL};
static const char *const subscription_columns[] = {"subscriptionid", "subscription", NULL};

static bool is_named(struct nsf_slice key, const char *wanted)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = nsf_ascii_lower(key.ptr[i]);
        if (c == '_' || c == '-' || c == ' ')
            continue;
        if (c != *wanted)
            return false;
        wanted++;
    }
    return *wanted == '\0';
}

static struct nsf_slice text_in(const struct nsf_json *map, const char *const *columns)
{
    for (; nsf_json_is(map, NSF_JSON_MAP) && *columns != NULL; columns++)
        for (size_t i = 0; i < map->u.map.n; i++) {
            struct nsf_slice text = nsf_loader_id(&map->u.map.members[i].value);
            if (map->u.map.members[i].key.len <= COLUMN_MAX_BYTES && text.len > 0 &&
                is_named(map->u.map.members[i].key, *columns))
                return text;
        }
    return (struct nsf_slice){0};
}

static struct nsf_slice column(struct nsf_loader *loader, const struct nsf_json *rule, const char *const *columns)
{
    struct nsf_slice text = text_in(rule, columns);
    const struct nsf_json *properties = nsf_loader_properties(loader, rule);
    return text.len > 0 || properties == rule ? text : text_in(properties, columns);
}

static bool is_id_of_nsg(struct nsf_slice id)
{
    struct nsf_slice name = nsf_id_segment(id, "networkSecurityGroups");
    return name.len > 0 && name.ptr + name.len == id.ptr + id.len;
}

struct nsf_slice nsf_loader_group_of_rule(struct nsf_loader *loader, const struct nsf_json *rule)
{
    struct nsf_slice own = nsf_json_get_string(rule, "id"), id = nsf_id_of_rules_nsg(own);
    if (id.len > 0)
        return id;
    /* A query that took the rules of a group apart keeps the group's id. */
    return is_id_of_nsg(own) ? own : column(loader, rule, group_columns);
}

/* `name` is the group's where the id is. */
static void name_rule(struct nsf_loader *loader, const struct nsf_json *value, struct nsf_rule *rule)
{
    if (rule->name.len > 0 && nsf_id_of_rules_nsg(rule->id).len > 0)
        return;
    struct nsf_slice name = column(loader, value, rule_columns);
    if (name.len > 0)
        rule->name = name;
    else if (is_id_of_nsg(rule->id) && nsf_slice_eq_nocase(rule->name, nsf_id_last_segment(rule->id)))
        rule->name = (struct nsf_slice){0};
    if (rule->name.len == 0)
        rule->name = nsf_slice_str(nsf_arena_printf(loader->arena, "(priority %u)", rule->priority));
}

static void guess_id(struct nsf_loader *loader, const struct nsf_json *value, struct nsf_slice name,
                     struct nsf_nsg *nsg)
{
    if (name.len == 0)
        name = nsf_slice_str(
            nsf_arena_printf(loader->arena, "(rules of %.*s)", NSF_SLICE_ARG(nsf_id_last_segment(loader->file))));
    nsg->name = name;
    nsg->id =
        nsf_loader_make_id(loader->arena, column(loader, value, subscription_columns),
                           column(loader, value, resource_group_columns), NSF_SLICE_LIT("networkSecurityGroups"), name);
    nsg->is_id_guessed = true;
}

void nsf_load_rule(struct nsf_loader *loader, const struct nsf_json *value)
{
    struct nsf_rule rule;
    nsf_read_rule(loader, value, &rule);
    name_rule(loader, value, &rule);
    struct nsf_nsg nsg = {.rules = &rule, .n_rules = 1, .is_partial = true, .place = rule.place};
    struct nsf_slice group = nsf_loader_group_of_rule(loader, value);
    if (nsf_slice_find(group, '/') < group.len) {
        nsg.id = group;
        nsg.name = nsf_id_last_segment(group);
    } else {
        guess_id(loader, value, group, &nsg);
    }
    nsf_loader_give_nsg(loader, &nsg);
}

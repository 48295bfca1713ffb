#include "core/nsf_common.h"

#include "rules/shapes.h"

/* Tags that name who answers for a resource, best first; compared without case, `-`, `_`, `.` and blanks. */
static const char *const owner_tags[] = {
    "owner",        "owners",           "ownedby",          "owneremail",    "resourceowner",
    "serviceowner", "technicalowner",   "applicationowner", "businessowner", "contact",
    "contactemail", "technicalcontact", "responsible",      "team",
};

static bool is_tag(struct nsf_slice key, const char *wanted)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = nsf_ascii_lower(key.ptr[i]);
        if (c == '-' || c == '_' || c == ' ' || c == '.')
            continue;
        if (c != *wanted)
            return false;
        wanted++;
    }
    return *wanted == '\0';
}

struct nsf_slice nsf_read_owner(const struct nsf_json *tags)
{
    if (!nsf_json_is(tags, NSF_JSON_MAP))
        return (struct nsf_slice){0};
    for (size_t t = 0; t < NSF_ARRAY_LEN(owner_tags); t++)
        for (size_t i = 0; i < tags->u.map.n; i++) {
            struct nsf_slice value = nsf_json_string(&tags->u.map.members[i].value);
            if (value.len > 0 && is_tag(tags->u.map.members[i].key, owner_tags[t]))
                return value;
        }
    return (struct nsf_slice){0};
}

/* securityRules as security_rules */
static void split_words(const char *name, char *out, size_t n_out)
{
    size_t n = 0;
    for (; *name != '\0' && n + 2 < n_out; name++) {
        bool is_upper = *name >= 'A' && *name <= 'Z';
        if (is_upper)
            out[n++] = '_';
        out[n++] = nsf_ascii_lower(*name);
    }
    out[n] = '\0';
}

/* A member that stands in the resource or under its properties, that a Resource Graph query has projected, or that a
 * tool in Python or SQL has spelt its own way. */
static const struct nsf_json *member(const struct nsf_json *resource, const struct nsf_json *properties,
                                     const char *name)
{
    char other[64];
    const struct nsf_json *value = nsf_json_get_nocase(properties, name);
    if (value == NULL && properties != resource)
        value = nsf_json_get_nocase(resource, name);
    snprintf(other, sizeof(other), "properties_%s", name);
    if (value == NULL)
        value = nsf_json_get_nocase(resource, other);
    split_words(name, other, sizeof(other));
    return value != NULL ? value : nsf_json_get_nocase(properties, other);
}

/* Ansible's facts, the values of Terraform's resource: names that are too common to mean a list of rules unless rules
 * are in it. */
static const struct nsf_json *list_of_rules(struct nsf_loader *loader, const struct nsf_json *map, const char *name)
{
    const struct nsf_json *list = nsf_loader_unwrap(nsf_json_get(map, name));
    return nsf_is_rule(loader, nsf_json_item(list, 0)) || nsf_is_rule(loader, list) ? list : NULL;
}

const struct nsf_json *nsf_find_custom_rules(struct nsf_loader *loader, const struct nsf_json *nsg,
                                             const struct nsf_json *properties)
{
    const struct nsf_json *rules = nsf_loader_unwrap(member(nsg, properties, "securityRules"));
    if (rules == NULL)
        rules = list_of_rules(loader, nsg, "rules");
    return rules != NULL ? rules : list_of_rules(loader, nsg, "security_rule");
}

const struct nsf_json *nsf_find_default_rules(struct nsf_loader *loader, const struct nsf_json *nsg,
                                              const struct nsf_json *properties)
{
    const struct nsf_json *rules = nsf_loader_unwrap(member(nsg, properties, "defaultSecurityRules"));
    return rules != NULL ? rules : list_of_rules(loader, nsg, "default_rules");
}

/* ConvertTo-Json writes the name of the type where it was not let deep enough. */
static bool is_lost(const struct nsf_json *rules)
{
    if (nsf_json_string(rules).len > 0)
        return true;
    for (size_t i = 0; i < nsf_json_len(rules); i++)
        if (nsf_json_is(nsf_json_item(rules, i), NSF_JSON_STRING))
            return true;
    return false;
}

/* PowerShell's objects hold their lists once more as text, which no depth cuts: SecurityRulesText. */
static const struct nsf_json *recover(struct nsf_loader *loader, const struct nsf_json *value, const char *name,
                                      const struct nsf_json *rules)
{
    struct nsf_err err = NSF_ERR_INIT;
    const struct nsf_json *text = nsf_json_get_nocase(value, name);
    if (!is_lost(rules) || nsf_json_string(text).len == 0)
        return rules;
    const struct nsf_json *parsed = nsf_json_parse(loader->arena, text->u.text, text->offset, text->line, &err);
    return parsed != NULL ? parsed : rules;
}

static void read_attachments(struct nsf_loader *loader, const struct nsf_json *value, const struct nsf_json *properties,
                             struct nsf_nsg *out)
{
    const struct nsf_json *subnets = member(value, properties, "subnets");
    const struct nsf_json *nics = member(value, properties, "networkInterfaces");
    out->has_subnets = nsf_json_is(subnets, NSF_JSON_ARRAY);
    out->has_nics = nsf_json_is(nics, NSF_JSON_ARRAY);
    out->subnets = nsf_loader_ids(loader, subnets);
    out->nics = nsf_loader_ids(loader, nics);
    struct nsf_slice_list macs = {0};
    for (size_t i = 0; i < nsf_json_len(nics); i++) {
        const struct nsf_json *nic = nsf_json_item(nics, i);
        const struct nsf_json *mac = member(nic, nsf_loader_properties(loader, nic), "macAddress");
        struct nsf_slice hex = nsf_loader_mac(loader->arena, nsf_json_string(mac));
        if (hex.len > 0)
            nsf_slice_list_add(&macs, loader->arena, hex);
    }
    out->nic_macs = nsf_slice_list_give(&macs);
}

/* Compact JSON is one line. */
static struct nsf_slice name_by_place(struct nsf_loader *loader, const struct nsf_json *value)
{
    const char *text = value->line > 1
                           ? nsf_arena_printf(loader->arena, "(unnamed, line %u)", value->line)
                           : nsf_arena_printf(loader->arena, "(unnamed, byte %llu)", (unsigned long long)value->offset);
    return nsf_slice_str(text);
}

/* Without an id of its own, that of a rule says it; else the name does. */
static void name_nsg(struct nsf_loader *loader, const struct nsf_json *value, struct nsf_nsg *out)
{
    for (size_t i = 0; i < out->n_rules && out->id.len == 0; i++)
        out->id = nsf_id_of_rules_nsg(out->rules[i].id);
    if (out->name.len == 0)
        out->name = nsf_id_last_segment(out->id);
    if (out->id.len > 0)
        return;
    struct nsf_slice group = nsf_json_get_string(value, "resourceGroup");
    if (group.len == 0)
        group = nsf_json_get_string(value, "resourceGroupName");
    if (group.len == 0)
        group = nsf_json_get_string(value, "resource_group");
    if (out->name.len == 0)
        out->name = name_by_place(loader, value);
    out->id = nsf_loader_make_id(loader->arena, nsf_json_get_string(value, "subscriptionId"), group,
                                 NSF_SLICE_LIT("networkSecurityGroups"), out->name);
    out->is_id_guessed = true;
}

bool nsf_read_nsg(struct nsf_loader *loader, const struct nsf_json *value, struct nsf_nsg *out)
{
    const struct nsf_json *properties = nsf_loader_properties(loader, value);
    *out = (struct nsf_nsg){.place = nsf_loader_place(loader, value)};
    out->id = nsf_json_get_string(value, "id");
    out->name = nsf_json_text(nsf_json_get_nocase(value, "name"));
    out->guid = nsf_json_string(member(value, properties, "resourceGuid"));
    out->location = nsf_json_get_string(value, "location");
    const struct nsf_json *tags = nsf_json_get_nocase(value, "tags");
    out->owner = nsf_read_owner(nsf_json_is_unset(tags) ? nsf_json_get_nocase(value, "tag") : tags);
    const struct nsf_json *flush = member(value, properties, "flushConnection");
    out->has_flush_connection = nsf_json_is(flush, NSF_JSON_BOOL);
    out->flush_connection = out->has_flush_connection && flush->u.boolean;
    read_attachments(loader, value, properties, out);

    const struct nsf_json *custom = nsf_find_custom_rules(loader, value, properties);
    const struct nsf_json *defaults = nsf_find_default_rules(loader, value, properties);
    custom = recover(loader, value, "SecurityRulesText", custom);
    defaults = recover(loader, value, "DefaultSecurityRulesText", defaults);
    if (is_lost(custom) || is_lost(defaults)) {
        nsf_loader_problem(loader, NSF_E_SHAPE, value->offset,
                           "the rules of \"%.*s\" were lost by a PowerShell export that was not deep enough: export "
                           "again with ConvertTo-Json -Depth 20",
                           NSF_SLICE_ARG(out->name));
        return false;
    }
    struct nsf_rule_list rules = {0};
    nsf_read_rules(loader, custom, false, &rules);
    nsf_read_rules(loader, defaults, true, &rules);
    out->rules = rules.items;
    out->n_rules = rules.n;
    /* A query that takes lists apart gives a row for each rule of the group; PowerShell writes a list of one so. */
    out->is_partial = nsf_is_rule(loader, custom) && nsf_json_get(value, "SecurityRules") == NULL;
    /* An export that was cut down to names says nothing of the rules. */
    out->may_have_more_rules = custom == NULL && defaults == NULL;
    name_nsg(loader, value, out);
    return true;
}

void nsf_load_nsg(struct nsf_loader *loader, const struct nsf_json *value)
{
    struct nsf_nsg nsg;
    if (nsf_read_nsg(loader, value, &nsg))
        nsf_loader_give_nsg(loader, &nsg);
}

void nsf_load_new_nsg(struct nsf_loader *loader, const struct nsf_json *value)
{
    nsf_load_nsg(loader, nsf_json_get_nocase(value, "NewNSG"));
}

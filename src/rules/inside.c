#include "core/nsf_common.h"

#include "rules/inside.h"

struct search {
    struct nsf_loader *loader;
    nsf_inside_fn *load;
    size_t n_found;
    unsigned depth; /* of the map that is searched; 1: the document */
};

static void search_value(struct search *search, const struct nsf_json *value, struct nsf_slice key);

/* Kinds that cannot be mistaken. */
static const bool is_plain[NSF_KIND_N] = {
    [NSF_KIND_NSG] = true,
    [NSF_KIND_NEW_NSG] = true,
    [NSF_KIND_TEMPLATE] = true,
    [NSF_KIND_TEMPLATE_WRAPPER] = true,
    [NSF_KIND_GRAPH_TABLE] = true,
    [NSF_KIND_TF_PLAN] = true,
    [NSF_KIND_TF_STATE] = true,
    [NSF_KIND_TF_RAW] = true,
    [NSF_KIND_EFFECTIVE_LIST] = true,
    [NSF_KIND_SECURITY_VIEW] = true,
    [NSF_KIND_NIC] = true,
    [NSF_KIND_VNET] = true,
};

/* A rule by itself says nothing without its group: the rules of two in one heap would close each other's doors. */
static bool is_wanted(struct nsf_loader *loader, const struct nsf_json *value, enum nsf_kind kind)
{
    if (kind == NSF_KIND_EFFECTIVE_NSG)
        return nsf_loader_id(nsf_json_get_nocase(value, "networkSecurityGroup")).len > 0;
    return is_plain[kind] || (kind == NSF_KIND_RULE && nsf_loader_group_of_rule(loader, value).len > 0);
}

static void found(struct search *search, const struct nsf_json *value, enum nsf_kind kind)
{
    search->n_found++;
    search->load(search->loader, value, kind);
}

/* {"web": [rule, rule], "mail": [rule]}: the key is the group's name. Further in, the same key may stand for several
 * groups. */
static bool is_list_of_bare_rules(struct search *search, const struct nsf_json *list)
{
    const struct nsf_json *first = nsf_json_item(list, 0);
    return nsf_is_rule(search->loader, first) && nsf_loader_group_of_rule(search->loader, first).len == 0;
}

static void give_named_list(struct search *search, const struct nsf_json *list, struct nsf_slice key)
{
    if (search->depth > 1)
        key = nsf_slice_str(nsf_arena_printf(search->loader->arena, "%.*s (byte %llu)", NSF_SLICE_ARG(key),
                                             (unsigned long long)list->offset));
    struct nsf_json_member members[] = {
        {.key = NSF_SLICE_LIT("name"), .value = {.type = NSF_JSON_STRING, .u.text = key}},
        {.key = NSF_SLICE_LIT("securityRules"), .value = *list},
    };
    struct nsf_json group = {.type = NSF_JSON_MAP, .offset = list->offset, .line = list->line};
    group.u.map.members = members;
    group.u.map.n = NSF_ARRAY_LEN(members);
    found(search, &group, NSF_KIND_NSG);
}

/* A resource of Pulumi: what came of it, or else what was asked for. */
static const struct nsf_json *pulumi_values(const struct nsf_json *value)
{
    if (!nsf_slice_has_prefix(nsf_json_string(nsf_json_get(value, "urn")), NSF_SLICE_LIT("urn:pulumi:")))
        return NULL;
    const struct nsf_json *outputs = nsf_json_get(value, "outputs");
    return nsf_json_is(outputs, NSF_JSON_MAP) ? outputs : nsf_json_get(value, "inputs");
}

static void search_map(struct search *search, const struct nsf_json *map)
{
    const struct nsf_json *values = pulumi_values(map);
    if (values != NULL) {
        search_value(search, values, (struct nsf_slice){0});
        return;
    }
    enum nsf_kind kind = nsf_kind_of(search->loader, map);
    if (is_wanted(search->loader, map, kind)) {
        found(search, map, kind);
        return;
    }
    if (kind != NSF_KIND_UNKNOWN)
        return;
    search->depth++;
    for (size_t i = 0; i < map->u.map.n; i++)
        /* Pulumi's preview: the state before. */
        if (!nsf_slice_eq(map->u.map.members[i].key, NSF_SLICE_LIT("oldState")))
            search_value(search, &map->u.map.members[i].value, map->u.map.members[i].key);
    search->depth--;
}

static void search_value(struct search *search, const struct nsf_json *value, struct nsf_slice key)
{
    if (nsf_json_is(value, NSF_JSON_MAP)) {
        search_map(search, value);
        return;
    }
    if (!nsf_json_is(value, NSF_JSON_ARRAY))
        return;
    if (key.len > 0 && is_list_of_bare_rules(search, value)) {
        give_named_list(search, value, key);
        return;
    }
    for (size_t i = 0; i < nsf_json_len(value); i++)
        search_value(search, nsf_json_item(value, i), (struct nsf_slice){0});
}

size_t nsf_find_inside(struct nsf_loader *loader, const struct nsf_json *value, bool is_root, nsf_inside_fn *load)
{
    struct search search = {.loader = loader, .load = load, .depth = is_root ? 0 : 1};
    search_value(&search, value, (struct nsf_slice){0});
    return search.n_found;
}

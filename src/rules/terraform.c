#include "core/nsf_common.h"

#include "rules/shapes.h"

#include "core/mem.h"
#include "rules/terraform_config.h"

/* Terraform's JSON: `show -json` of a plan (planned_values, resource_changes, configuration) and of a state (values),
 * and the raw terraform.tfstate. Resources are gathered first; then separate rules find the NSGs they belong to. */

#define MODULE_DEPTH_MAX 32
#define KNOWN_AFTER_APPLY "(known after apply)"

/* Lists of one type each; the rules sorted by the name of their NSG and the changes by address, since a state can hold
 * a hundred thousand of them. */
enum tf_type {
    TF_NSG,
    TF_RULE,
    TF_NIC,
    TF_PUBLIC_IP,
    TF_SUBNET_LINK,
    TF_NIC_LINK,
    TF_AZAPI,
    TF_TYPE_N,
};

static const struct nsf_slice type_names[TF_TYPE_N] = {
#define TYPE_NAME(name)                                                                                                \
    {                                                                                                                  \
        (name), sizeof(name) - 1                                                                                       \
    }
    [TF_NSG] = TYPE_NAME("azurerm_network_security_group"),
    [TF_RULE] = TYPE_NAME("azurerm_network_security_rule"),
    [TF_NIC] = TYPE_NAME("azurerm_network_interface"),
    [TF_PUBLIC_IP] = TYPE_NAME("azurerm_public_ip"),
    [TF_SUBNET_LINK] = TYPE_NAME("azurerm_subnet_network_security_group_association"),
    [TF_NIC_LINK] = TYPE_NAME("azurerm_network_interface_security_group_association"),
    [TF_AZAPI] = TYPE_NAME("azapi_resource"),
#undef TYPE_NAME
};

struct tf_resource {
    struct nsf_slice address;
    const struct nsf_json *values; /* with what is unknown marked as expressions */
    struct nsf_slice nsg_name;     /* of a rule: that of its NSG */
    bool is_deleted;
    bool is_used;
};

struct tf_list {
    struct tf_resource *items;
    size_t n, capacity;
};

struct tf_change {
    struct nsf_slice address;
    const struct nsf_json *resource;
    const struct nsf_json *change;
    bool is_used;
};

struct tf_document {
    struct nsf_loader *loader;
    struct tf_list lists[TF_TYPE_N];
    struct tf_change *changes;
    size_t n_changes;
    const struct nsf_json *configuration; /* or NULL */
    bool has_lost_rule;                   /* one whose NSG is known only after apply */
};

/* --- Gathering ------------------------------------------------------------------------------------------------- */

/* TF_TYPE_N: of no interest. */
static enum tf_type type_of(struct nsf_slice name)
{
    size_t type = 0;
    while (type < TF_TYPE_N && !nsf_slice_eq(name, type_names[type]))
        type++;
    return (enum tf_type)type;
}

static struct tf_resource *add_resource(struct tf_document *doc, enum tf_type type, struct nsf_slice address)
{
    struct tf_list *list = &doc->lists[type];
    if (list->n == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        struct tf_resource *larger = nsf_arena_alloc(doc->loader->arena, nsf_mul_size(list->capacity, sizeof(*larger)));
        if (list->n > 0)
            memcpy(larger, list->items, list->n * sizeof(*larger));
        list->items = larger;
    }
    list->items[list->n] = (struct tf_resource){.address = address};
    return &list->items[list->n++];
}

static int cmp_change(const void *a, const void *b)
{
    return nsf_slice_cmp(((const struct tf_change *)a)->address, ((const struct tf_change *)b)->address);
}

static void read_changes(struct tf_document *doc, const struct nsf_json *changes)
{
    doc->n_changes = nsf_json_len(changes);
    doc->changes = nsf_arena_zalloc(doc->loader->arena, doc->n_changes, sizeof(*doc->changes));
    for (size_t i = 0; i < doc->n_changes; i++) {
        const struct nsf_json *resource = nsf_json_item(changes, i);
        doc->changes[i] = (struct tf_change){.resource = resource, .change = nsf_json_get(resource, "change")};
        doc->changes[i].address = nsf_json_get_string(resource, "address");
    }
    if (doc->n_changes > 1)
        qsort(doc->changes, doc->n_changes, sizeof(*doc->changes), cmp_change);
}

static struct tf_change *find_change(const struct tf_document *doc, struct nsf_slice address)
{
    const struct tf_change wanted = {.address = address};
    if (doc->n_changes == 0)
        return NULL;
    return bsearch(&wanted, doc->changes, doc->n_changes, sizeof(*doc->changes), cmp_change);
}

/* ["delete"] alone; ["delete","create"] replaces. */
static bool is_delete(const struct nsf_json *change)
{
    const struct nsf_json *actions = nsf_json_get(change, "actions");
    return nsf_json_len(actions) == 1 &&
           nsf_slice_eq(nsf_json_string(nsf_json_item(actions, 0)), NSF_SLICE_LIT("delete"));
}

static const struct nsf_json *overlay(struct nsf_arena *arena, const struct nsf_json *value,
                                      const struct nsf_json *unknown);

static const struct nsf_json *overlay_map(struct nsf_arena *arena, const struct nsf_json *value,
                                          const struct nsf_json *unknown)
{
    size_t n_values = value->u.map.n, n = 0;
    struct nsf_json_member *members =
        nsf_arena_alloc(arena, nsf_mul_size(n_values + unknown->u.map.n, sizeof(*members)));
    for (size_t i = 0; i < n_values; i++) {
        members[n] = value->u.map.members[i];
        members[n].value = *overlay(arena, &members[n].value, nsf_json_get(unknown, members[n].key.ptr));
        n++;
    }
    for (size_t i = 0; i < unknown->u.map.n; i++) {
        const struct nsf_json_member *member = &unknown->u.map.members[i];
        if (nsf_json_get(value, member->key.ptr) != NULL)
            continue;
        const struct nsf_json nothing = {.type = NSF_JSON_NULL, .offset = value->offset, .line = value->line};
        members[n].key = member->key;
        members[n++].value = *overlay(arena, &nothing, &member->value);
    }
    struct nsf_json *out = nsf_arena_alloc(arena, sizeof(*out));
    *out = *value;
    out->u.map.members = members;
    out->u.map.n = n;
    return out;
}

static const struct nsf_json *overlay_array(struct nsf_arena *arena, const struct nsf_json *value,
                                            const struct nsf_json *unknown)
{
    size_t n = value->u.array.n;
    struct nsf_json *items = nsf_arena_alloc(arena, nsf_mul_size(n, sizeof(*items)));
    for (size_t i = 0; i < n; i++)
        items[i] = *overlay(arena, &value->u.array.items[i], nsf_json_item(unknown, i));
    struct nsf_json *out = nsf_arena_alloc(arena, sizeof(*out));
    *out = *value;
    out->u.array.items = items;
    return out;
}

/* `after_unknown` has true where a value is known only after apply; the values leave those out. */
static const struct nsf_json *overlay(struct nsf_arena *arena, const struct nsf_json *value,
                                      const struct nsf_json *unknown)
{
    struct nsf_json *out = nsf_arena_alloc(arena, sizeof(*out));
    *out = *value;
    if (nsf_json_is(unknown, NSF_JSON_BOOL) && unknown->u.boolean) {
        out->type = NSF_JSON_EXPRESSION;
        out->u.text = NSF_SLICE_LIT(KNOWN_AFTER_APPLY);
    } else if (nsf_json_is(value, NSF_JSON_MAP) && nsf_json_is(unknown, NSF_JSON_MAP)) {
        return overlay_map(arena, value, unknown);
    } else if (nsf_json_is(value, NSF_JSON_ARRAY) && nsf_json_is(unknown, NSF_JSON_ARRAY)) {
        return overlay_array(arena, value, unknown);
    }
    return out;
}

static void gather_module(struct tf_document *doc, const struct nsf_json *module, unsigned depth)
{
    const struct nsf_json *resources = nsf_json_get(module, "resources");
    for (size_t i = 0; i < nsf_json_len(resources); i++) {
        const struct nsf_json *resource = nsf_json_item(resources, i);
        enum tf_type type = type_of(nsf_json_get_string(resource, "type"));
        const struct nsf_json *values = nsf_json_get(resource, "values");
        if (type == TF_TYPE_N || !nsf_json_is(values, NSF_JSON_MAP))
            continue;
        struct tf_resource *found = add_resource(doc, type, nsf_json_get_string(resource, "address"));
        struct tf_change *change = find_change(doc, found->address);
        found->values = values;
        if (change == NULL)
            continue;
        change->is_used = true;
        found->values = overlay(doc->loader->arena, values, nsf_json_get(change->change, "after_unknown"));
        found->is_deleted = is_delete(change->change);
    }
    const struct nsf_json *children = nsf_json_get(module, "child_modules");
    for (size_t i = 0; i < nsf_json_len(children) && depth < MODULE_DEPTH_MAX; i++)
        gather_module(doc, nsf_json_item(children, i), depth + 1);
}

/* What is deleted stands in no planned values; a plan cut down to its changes has no planned values at all. */
static void gather_changes(struct tf_document *doc)
{
    for (size_t i = 0; i < doc->n_changes; i++) {
        const struct nsf_json *change = doc->changes[i].change;
        enum tf_type type = type_of(nsf_json_get_string(doc->changes[i].resource, "type"));
        bool is_deleted = is_delete(change);
        const struct nsf_json *values = nsf_json_get(change, is_deleted ? "before" : "after");
        if (type == TF_TYPE_N || !nsf_json_is(values, NSF_JSON_MAP) || doc->changes[i].is_used)
            continue;
        struct tf_resource *found = add_resource(doc, type, doc->changes[i].address);
        found->is_deleted = is_deleted;
        found->values =
            is_deleted ? values : overlay(doc->loader->arena, values, nsf_json_get(change, "after_unknown"));
    }
}

static void gather_raw(struct tf_document *doc, const struct nsf_json *state)
{
    const struct nsf_json *resources = nsf_json_get(state, "resources");
    for (size_t i = 0; i < nsf_json_len(resources); i++) {
        const struct nsf_json *resource = nsf_json_item(resources, i);
        enum tf_type type = type_of(nsf_json_get_string(resource, "type"));
        if (type == TF_TYPE_N)
            continue;
        const struct nsf_json *instances = nsf_json_get(resource, "instances");
        for (size_t k = 0; k < nsf_json_len(instances); k++) {
            const struct nsf_json *attributes = nsf_json_get(nsf_json_item(instances, k), "attributes");
            if (nsf_json_is(attributes, NSF_JSON_MAP))
                add_resource(doc, type, nsf_json_get_string(resource, "name"))->values = attributes;
        }
    }
}

/* --- NSGs ------------------------------------------------------------------------------------------------------ */

static struct nsf_slice value_of(const struct tf_resource *resource, const char *name)
{
    return nsf_json_string(nsf_json_get(resource->values, name));
}

/* The name; the address while the name is known only after apply. */
static struct nsf_slice key_of_nsg(const struct tf_resource *nsg)
{
    struct nsf_slice name = value_of(nsg, "name");
    return name.len > 0 ? name : nsg->address;
}

static const struct tf_resource *find_resource(const struct tf_list *list, struct nsf_slice address,
                                               struct nsf_slice key)
{
    for (size_t i = 0; i < list->n; i++) {
        struct nsf_slice own = list->items[i].address;
        if (nsf_slice_has_prefix(own, address) && nsf_slice_eq(nsf_slice_from(own, address.len), key))
            return &list->items[i];
    }
    return NULL;
}

/* The resource of this type that an argument refers to, in the configuration. With `for_each`, both mostly have the
 * same key. NULL: none that is known. */
static const struct tf_resource *referred_to(const struct tf_document *doc, const struct tf_resource *from,
                                             const char *argument, enum tf_type type)
{
    struct nsf_slice address =
        nsf_tf_reference(doc->loader->arena, doc->configuration, from->address, argument, type_names[type]);
    if (address.len == 0)
        return NULL;
    const struct tf_resource *found = find_resource(&doc->lists[type], address, (struct nsf_slice){0});
    return found != NULL ? found : find_resource(&doc->lists[type], address, nsf_tf_instance_key(from->address));
}

static struct nsf_slice nsg_name_of_rule(const struct tf_document *doc, const struct tf_resource *rule)
{
    struct nsf_slice id = nsf_id_of_rules_nsg(value_of(rule, "id"));
    struct nsf_slice name = id.len > 0 ? nsf_id_last_segment(id) : value_of(rule, "network_security_group_name");
    if (name.len > 0)
        return name;
    /* The name is known only after apply: the configuration says whose it is. */
    const struct tf_resource *nsg = referred_to(doc, rule, "network_security_group_name", TF_NSG);
    return nsg == NULL ? (struct nsf_slice){0} : key_of_nsg(nsg);
}

static int cmp_by_nsg(const void *a, const void *b)
{
    const struct tf_resource *x = a, *y = b;
    int order = nsf_slice_cmp_nocase(x->nsg_name, y->nsg_name);
    return order != 0 ? order : nsf_slice_cmp(x->address, y->address);
}

static void sort_rules(struct tf_document *doc)
{
    struct tf_list *rules = &doc->lists[TF_RULE];
    for (size_t i = 0; i < rules->n; i++) {
        rules->items[i].nsg_name = nsg_name_of_rule(doc, &rules->items[i]);
        doc->has_lost_rule |= rules->items[i].nsg_name.len == 0 && !rules->items[i].is_deleted;
    }
    if (rules->n > 1)
        qsort(rules->items, rules->n, sizeof(*rules->items), cmp_by_nsg);
}

/* The rules of NSGs of this name: those of another resource group may be among them. */
static struct tf_list rules_of_name(const struct tf_document *doc, struct nsf_slice name)
{
    const struct tf_list *rules = &doc->lists[TF_RULE];
    size_t low = 0, high = rules->n;
    if (rules->n == 0 || name.len == 0)
        return (struct tf_list){0};
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (nsf_slice_cmp_nocase(rules->items[middle].nsg_name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    struct tf_list found = {.items = rules->items + low};
    while (low + found.n < rules->n && nsf_slice_eq_nocase(found.items[found.n].nsg_name, name))
        found.n++;
    return found;
}

static bool belongs_to(const struct tf_resource *rule, const struct tf_resource *nsg)
{
    struct nsf_slice nsg_id = value_of(nsg, "id"), rule_nsg = nsf_id_of_rules_nsg(value_of(rule, "id"));
    if (nsg_id.len > 0 && rule_nsg.len > 0)
        return nsf_slice_eq_nocase(nsg_id, rule_nsg);
    struct nsf_slice group = value_of(rule, "resource_group_name"), nsg_group = value_of(nsg, "resource_group_name");
    return group.len == 0 || nsg_group.len == 0 || nsf_slice_eq_nocase(group, nsg_group);
}

/* An NSG whose rules are separate resources lists them once more in `security_rule`, as they were when it was last
 * read: what the separate resource says, or that it goes away, is newer. */
static bool is_overruled(const struct tf_list *separate, const struct tf_resource *nsg, struct nsf_slice name)
{
    for (size_t i = 0; i < separate->n; i++)
        if (nsf_slice_eq_nocase(value_of(&separate->items[i], "name"), name) && belongs_to(&separate->items[i], nsg))
            return true;
    return false;
}

static void add_rule(struct tf_document *doc, struct nsf_rule_list *list, const struct nsf_json *values,
                     struct nsf_slice address)
{
    struct nsf_rule *rule = nsf_rule_list_add(list, doc->loader->arena);
    nsf_read_rule(doc->loader, values, rule);
    if (!nsf_json_is(nsf_json_get(values, "name"), NSF_JSON_STRING) && address.len > 0)
        rule->name = address;
}

static void add_inline_rules(struct tf_document *doc, const struct tf_resource *nsg, const struct tf_list *separate,
                             struct nsf_rule_list *list)
{
    const struct nsf_json *rules = nsf_json_get(nsg->values, "security_rule");
    for (size_t i = 0; i < nsf_json_len(rules); i++) {
        const struct nsf_json *rule = nsf_json_item(rules, i);
        if (!is_overruled(separate, nsg, nsf_json_get_string(rule, "name")))
            add_rule(doc, list, rule, (struct nsf_slice){0});
    }
}

static size_t add_separate_rules(struct tf_document *doc, const struct tf_resource *nsg, const struct tf_list *separate,
                                 struct nsf_rule_list *list, struct nsf_slice_list *notes)
{
    size_t n = 0;
    for (size_t i = 0; i < separate->n; i++) {
        struct tf_resource *rule = &separate->items[i];
        if (!belongs_to(rule, nsg))
            continue;
        rule->is_used = true;
        n++;
        if (!rule->is_deleted) {
            add_rule(doc, list, rule->values, rule->address);
            continue;
        }
        const char *note =
            nsf_arena_printf(doc->loader->arena, "the plan deletes rule \"%.*s\"; until it is applied the rule stands",
                             NSF_SLICE_ARG(value_of(rule, "name")));
        nsf_slice_list_add(notes, doc->loader->arena, nsf_slice_str(note));
    }
    return n;
}

/* `security_rule` is computed: that it is unknown says nothing when the configuration writes none, and with separate
 * rules the provider forbids inline ones. */
static bool may_have_more(const struct tf_document *doc, const struct tf_resource *nsg, size_t n_separate)
{
    if (!nsf_json_is(nsf_json_get(nsg->values, "security_rule"), NSF_JSON_EXPRESSION))
        return false;
    const struct nsf_json *written = nsf_tf_configuration(doc->configuration, nsg->address);
    if (written == NULL)
        return n_separate == 0;
    return nsf_json_path(written, "expressions.security_rule") != NULL;
}

static struct nsf_slices links_of(struct tf_document *doc, enum tf_type type, const char *key, struct nsf_slice nsg)
{
    struct nsf_slice_list list = {0};
    for (size_t i = 0; i < doc->lists[type].n; i++) {
        const struct tf_resource *link = &doc->lists[type].items[i];
        struct nsf_slice id = value_of(link, key);
        if (id.len > 0 && !link->is_deleted && nsf_slice_eq_nocase(value_of(link, "network_security_group_id"), nsg))
            nsf_slice_list_add(&list, doc->loader->arena, id);
    }
    return nsf_slice_list_give(&list);
}

static void name_nsg(struct tf_document *doc, const struct tf_resource *resource, struct nsf_slice name,
                     struct nsf_nsg *out)
{
    out->name = name.len > 0 ? name : resource->address;
    out->id = nsf_loader_make_id(doc->loader->arena, (struct nsf_slice){0}, value_of(resource, "resource_group_name"),
                                 NSF_SLICE_LIT("networkSecurityGroups"), out->name);
    out->is_id_guessed = true;
}

static void give_nsg(struct tf_document *doc, const struct tf_resource *resource)
{
    struct nsf_nsg nsg = {.place = nsf_loader_place(doc->loader, resource->values)};
    name_nsg(doc, resource, value_of(resource, "name"), &nsg);
    if (value_of(resource, "id").len > 0) {
        nsg.id = value_of(resource, "id");
        nsg.is_id_guessed = false;
    }
    nsg.location = value_of(resource, "location");
    nsg.owner = nsf_read_owner(nsf_json_get(resource->values, "tags"));
    struct nsf_rule_list rules = {0};
    struct nsf_slice_list notes = {0};
    struct tf_list separate = rules_of_name(doc, key_of_nsg(resource));
    add_inline_rules(doc, resource, &separate, &rules);
    size_t n_separate = add_separate_rules(doc, resource, &separate, &rules, &notes);
    nsg.rules = rules.items;
    nsg.n_rules = rules.n;
    nsg.may_have_more_rules = may_have_more(doc, resource, n_separate);
    if (nsg.may_have_more_rules)
        nsf_slice_list_add(&notes, doc->loader->arena, NSF_SLICE_LIT("its inline rules are known only after apply"));
    if (doc->has_lost_rule && value_of(resource, "name").len == 0) {
        nsg.may_have_more_rules = true;
        nsf_slice_list_add(&notes, doc->loader->arena,
                           NSF_SLICE_LIT("a rule whose group is known only after apply may be one of its rules"));
    }
    nsg.notes = nsf_slice_list_give(&notes);
    nsg.subnets = links_of(doc, TF_SUBNET_LINK, "subnet_id", nsg.id);
    nsg.nics = links_of(doc, TF_NIC_LINK, "network_interface_id", nsg.id);
    nsg.has_subnets = nsg.subnets.n > 0;
    nsg.has_nics = nsg.nics.n > 0;
    nsf_loader_give_nsg(doc->loader, &nsg);
}

/* A rule of an NSG that stands in another configuration. */
static void give_lone_rule(struct tf_document *doc, const struct tf_resource *resource)
{
    struct nsf_nsg nsg = {.is_partial = true, .place = nsf_loader_place(doc->loader, resource->values)};
    struct nsf_rule_list rules = {0};
    add_rule(doc, &rules, resource->values, resource->address);
    nsg.rules = rules.items;
    nsg.n_rules = rules.n;
    nsg.id = nsf_id_of_rules_nsg(value_of(resource, "id"));
    nsg.name = nsf_id_last_segment(nsg.id);
    if (nsg.id.len == 0)
        name_nsg(doc, resource, value_of(resource, "network_security_group_name"), &nsg);
    nsf_loader_give_nsg(doc->loader, &nsg);
}

/* --- What NSGs are attached to --------------------------------------------------------------------------------- */

static struct nsf_slice nsg_of_nic(const struct tf_document *doc, struct nsf_slice nic)
{
    for (size_t i = 0; i < doc->lists[TF_NIC_LINK].n; i++) {
        const struct tf_resource *link = &doc->lists[TF_NIC_LINK].items[i];
        if (!link->is_deleted && nsf_slice_eq_nocase(value_of(link, "network_interface_id"), nic))
            return value_of(link, "network_security_group_id");
    }
    return (struct nsf_slice){0};
}

static void add_string(struct nsf_slice_list *list, struct nsf_arena *arena, const struct nsf_json *map,
                       const char *key)
{
    struct nsf_slice text = nsf_json_string(nsf_json_get(map, key));
    if (text.len > 0)
        nsf_slice_list_add(list, arena, text);
}

static void give_nic(struct tf_document *doc, const struct tf_resource *resource)
{
    struct nsf_attachment attachment = {.kind = NSF_ATTACHMENT_NIC,
                                        .place = nsf_loader_place(doc->loader, resource->values)};
    struct nsf_nic *nic = &attachment.u.nic;
    struct nsf_arena *arena = doc->loader->arena;
    nic->id = value_of(resource, "id");
    if (nic->id.len == 0)
        return;
    nic->name = value_of(resource, "name");
    nic->mac = nsf_loader_mac(arena, value_of(resource, "mac_address"));
    nic->vm = value_of(resource, "virtual_machine_id");
    nic->nsg = nsg_of_nic(doc, nic->id);
    nic->has_nsg = nic->nsg.len > 0;
    struct nsf_slice_list subnets = {0}, public_ips = {0}, private_ips = {0};
    const struct nsf_json *configurations = nsf_json_get(resource->values, "ip_configuration");
    for (size_t i = 0; i < nsf_json_len(configurations); i++) {
        const struct nsf_json *configuration = nsf_json_item(configurations, i);
        add_string(&subnets, arena, configuration, "subnet_id");
        add_string(&public_ips, arena, configuration, "public_ip_address_id");
        add_string(&private_ips, arena, configuration, "private_ip_address");
    }
    nic->subnets = nsf_slice_list_give(&subnets);
    nic->public_ips = nsf_slice_list_give(&public_ips);
    nic->private_ips = nsf_slice_list_give(&private_ips);
    nic->has_public_ips = nsf_json_len(configurations) > 0;
    nsf_loader_give_attachment(doc->loader, &attachment);
}

static void give_subnet(struct tf_document *doc, const struct tf_resource *resource)
{
    struct nsf_attachment attachment = {.kind = NSF_ATTACHMENT_SUBNET,
                                        .place = nsf_loader_place(doc->loader, resource->values)};
    attachment.u.subnet.id = value_of(resource, "subnet_id");
    attachment.u.subnet.nsg = value_of(resource, "network_security_group_id");
    if (attachment.u.subnet.id.len > 0 && attachment.u.subnet.nsg.len > 0)
        nsf_loader_give_attachment(doc->loader, &attachment);
}

static void give_public_ip(struct tf_document *doc, const struct tf_resource *resource)
{
    struct nsf_attachment attachment = {.kind = NSF_ATTACHMENT_PUBLIC_IP,
                                        .place = nsf_loader_place(doc->loader, resource->values)};
    attachment.u.public_ip.id = value_of(resource, "id");
    attachment.u.public_ip.address = value_of(resource, "ip_address");
    if (attachment.u.public_ip.id.len > 0)
        nsf_loader_give_attachment(doc->loader, &attachment);
}

static void give_rule_unless_used(struct tf_document *doc, const struct tf_resource *resource)
{
    if (!resource->is_used)
        give_lone_rule(doc, resource);
}

/* The id of the NSG; one that is not there yet is found by what the configuration refers to. */
static struct nsf_slice parent_of_azapi_rule(const struct tf_document *doc, const struct tf_resource *rule,
                                             bool *is_guessed)
{
    struct nsf_slice parent = value_of(rule, "parent_id");
    *is_guessed = parent.len == 0;
    if (parent.len > 0)
        return parent;
    const struct tf_resource *azapi = referred_to(doc, rule, "parent_id", TF_AZAPI);
    if (azapi != NULL)
        return nsf_azapi_nsg_id(doc->loader, azapi->values, azapi->address, is_guessed);
    const struct tf_resource *nsg = referred_to(doc, rule, "parent_id", TF_NSG);
    return nsf_loader_make_id(doc->loader->arena, (struct nsf_slice){0},
                              nsg == NULL ? (struct nsf_slice){0} : value_of(nsg, "resource_group_name"),
                              NSF_SLICE_LIT("networkSecurityGroups"), nsg == NULL ? rule->address : key_of_nsg(nsg));
}

static void give_azapi(struct tf_document *doc, const struct tf_resource *resource)
{
    if (!nsf_azapi_is_rule(resource->values)) {
        nsf_load_azapi_nsg(doc->loader, resource->values, resource->address);
        return;
    }
    bool is_guessed;
    struct nsf_slice nsg = parent_of_azapi_rule(doc, resource, &is_guessed);
    nsf_load_azapi_rule(doc->loader, resource->values, resource->address, nsg, is_guessed);
}

static void give_all(struct tf_document *doc)
{
    static void (*const givers[TF_TYPE_N])(struct tf_document * doc, const struct tf_resource *resource) = {
        [TF_NSG] = give_nsg,
        [TF_RULE] = give_rule_unless_used,
        [TF_NIC] = give_nic,
        [TF_PUBLIC_IP] = give_public_ip,
        [TF_SUBNET_LINK] = give_subnet,
        [TF_AZAPI] = give_azapi,
    };
    sort_rules(doc);
    for (size_t type = 0; type < TF_TYPE_N; type++)
        for (size_t i = 0; i < doc->lists[type].n; i++)
            if (!doc->lists[type].items[i].is_deleted && givers[type] != NULL)
                givers[type](doc, &doc->lists[type].items[i]);
}

void nsf_load_terraform_plan(struct nsf_loader *loader, const struct nsf_json *plan)
{
    struct tf_document doc = {.loader = loader};
    read_changes(&doc, nsf_json_get(plan, "resource_changes"));
    doc.configuration = nsf_json_get(plan, "configuration");
    gather_module(&doc, nsf_json_get(nsf_json_get(plan, "planned_values"), "root_module"), 0);
    gather_changes(&doc);
    give_all(&doc);
}

void nsf_load_terraform_state(struct nsf_loader *loader, const struct nsf_json *state)
{
    struct tf_document doc = {.loader = loader};
    gather_module(&doc, nsf_json_get(nsf_json_get(state, "values"), "root_module"), 0);
    give_all(&doc);
}

void nsf_load_terraform_raw(struct nsf_loader *loader, const struct nsf_json *state)
{
    struct tf_document doc = {.loader = loader};
    gather_raw(&doc, state);
    give_all(&doc);
}

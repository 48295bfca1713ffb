#include "core/nsf_common.h"

#include "rules/loader.h"

#include <stdarg.h>

/* The members of a rule, as they are called without case and underscores: az and ARM write sourceAddressPrefix,
 * PowerShell SourceAddressPrefix, Terraform source_address_prefix. */
#define FIELD_TABLE(X)                                                                                                 \
    X(NAME, "name")                                                                                                    \
    X(ID, "id")                                                                                                        \
    X(DESCRIPTION, "description")                                                                                      \
    X(PRIORITY, "priority")                                                                                            \
    X(DIRECTION, "direction")                                                                                          \
    X(ACCESS, "access")                                                                                                \
    X(PROTOCOL, "protocol")                                                                                            \
    X(SOURCE, "sourceaddressprefix")                                                                                   \
    X(SOURCES, "sourceaddressprefixes")                                                                                \
    X(SOURCE_PORT, "sourceportrange")                                                                                  \
    X(SOURCE_PORTS, "sourceportranges")                                                                                \
    X(DESTINATION, "destinationaddressprefix")                                                                         \
    X(DESTINATIONS, "destinationaddressprefixes")                                                                      \
    X(DESTINATION_PORT, "destinationportrange")                                                                        \
    X(DESTINATION_PORTS, "destinationportranges")                                                                      \
    X(SOURCE_ASGS, "sourceapplicationsecuritygroups")                                                                  \
    X(SOURCE_ASG_IDS, "sourceapplicationsecuritygroupids")                                                             \
    X(DESTINATION_ASGS, "destinationapplicationsecuritygroups")                                                        \
    X(DESTINATION_ASG_IDS, "destinationapplicationsecuritygroupids")                                                   \
    X(EXPANDED_SOURCE, "expandedsourceaddressprefix")

enum field {
#define FIELD_ENUM(field, name) FIELD_##field,
    FIELD_TABLE(FIELD_ENUM)
#undef FIELD_ENUM
    FIELD_N,
};

static const struct nsf_slice field_names[] = {
#define FIELD_NAME(field, name) {(name), sizeof(name) - 1},
    FIELD_TABLE(FIELD_NAME)
#undef FIELD_NAME
};

#define FIELD_NAME_MAX_BYTES 48

struct fields {
    const struct nsf_json *at[FIELD_N];
};

static enum field find_field(struct nsf_slice key)
{
    char folded[FIELD_NAME_MAX_BYTES];
    size_t n = 0;
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] == '_')
            continue;
        if (n == sizeof(folded))
            return FIELD_N;
        folded[n++] = nsf_ascii_lower(key.ptr[i]);
    }
    for (size_t f = 0; f < FIELD_N; f++)
        if (nsf_slice_eq(field_names[f], nsf_slice(folded, n)))
            return (enum field)f;
    return FIELD_N;
}

static void find_fields(const struct nsf_json *map, struct fields *fields)
{
    if (!nsf_json_is(map, NSF_JSON_MAP))
        return;
    for (size_t i = 0; i < map->u.map.n; i++) {
        enum field field = find_field(map->u.map.members[i].key);
        const struct nsf_json *value = nsf_loader_unwrap(&map->u.map.members[i].value);
        if (field != FIELD_N && !nsf_json_is_unset(value))
            fields->at[field] = value;
    }
}

static void read_fields(struct nsf_loader *loader, const struct nsf_json *rule, struct fields *fields)
{
    *fields = (struct fields){0};
    find_fields(rule, fields);
    const struct nsf_json *properties = nsf_loader_properties(loader, rule);
    if (properties != rule)
        find_fields(properties, fields);
}

/* --- What cannot be read --------------------------------------------------------------------------------------- */

void nsf_rule_set_unreadable(struct nsf_arena *arena, struct nsf_rule *rule, unsigned parts, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    rule->unreadable_parts |= parts;
    const char *reason = rule->unreadable.ptr == NULL
                             ? nsf_arena_printf(arena, "%s", text)
                             : nsf_arena_printf(arena, "%.*s; %s", NSF_SLICE_ARG(rule->unreadable), text);
    rule->unreadable = nsf_slice_str(reason);
}

static void set_expression(struct nsf_arena *arena, struct nsf_rule *rule, unsigned part, const char *what,
                           struct nsf_slice text)
{
    nsf_rule_set_unreadable(arena, rule, part, "%s: cannot evaluate %.*s", what, NSF_SLICE_ARG(text));
}

/* --- Lists of prefixes and ports ------------------------------------------------------------------------------- */

struct list_reader {
    struct nsf_loader *loader;
    struct nsf_rule *rule;
    unsigned part;
    const char *what;
    struct nsf_slice_list list;
    size_t n_singular;
};

static void add_word(struct list_reader *reader, struct nsf_slice word)
{
    for (size_t i = 0; i < reader->n_singular; i++)
        if (nsf_slice_eq_nocase(reader->list.items[i], word))
            return;
    nsf_slice_list_add(&reader->list, reader->loader->arena, word);
}

static bool is_between_words(char c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A comma list, as the portal takes them; or the words of a list that ConvertTo-Json was too shallow for, with blanks
 * between. */
static void add_text(struct list_reader *reader, struct nsf_slice text)
{
    size_t from = 0;
    for (size_t i = 0; i <= text.len; i++) {
        bool is_end = i == text.len || is_between_words(text.ptr[i]);
        if (is_end && i > from)
            add_word(reader, nsf_slice(text.ptr + from, i - from));
        if (is_end)
            from = i + 1;
    }
}

static void add_value(struct list_reader *reader, const struct nsf_json *value)
{
    switch (value->type) {
    case NSF_JSON_NULL:
        return;
    case NSF_JSON_NUMBER:
    case NSF_JSON_STRING:
        add_text(reader, value->u.text);
        return;
    case NSF_JSON_EXPRESSION:
        add_word(reader, value->u.text);
        set_expression(reader->loader->arena, reader->rule, reader->part, reader->what, nsf_json_text(value));
        return;
    case NSF_JSON_ARRAY:
        for (size_t i = 0; i < value->u.array.n; i++)
            add_value(reader, &value->u.array.items[i]);
        return;
    case NSF_JSON_BOOL:
    case NSF_JSON_MAP:
        nsf_rule_set_unreadable(reader->loader->arena, reader->rule, reader->part, "%s: neither text nor a list",
                                reader->what);
        return;
    }
}

static struct nsf_slices read_list(struct nsf_loader *loader, struct nsf_rule *rule, unsigned part, const char *what,
                                   const struct nsf_json *singular, const struct nsf_json *plural)
{
    struct list_reader reader = {.loader = loader, .rule = rule, .part = part, .what = what};
    if (singular != NULL)
        add_value(&reader, singular);
    reader.n_singular = reader.list.n;
    if (plural != NULL)
        add_value(&reader, plural);
    return nsf_slice_list_give(&reader.list);
}

static struct nsf_slices read_asgs(struct nsf_loader *loader, struct nsf_rule *rule, unsigned part, const char *what,
                                   const struct nsf_json *groups, const struct nsf_json *ids)
{
    const struct nsf_json *value = groups != NULL ? groups : ids;
    if (nsf_json_is(value, NSF_JSON_EXPRESSION))
        set_expression(loader->arena, rule, part, what, nsf_json_text(value));
    struct nsf_slices list = nsf_loader_ids(loader, value);
    if (value != NULL && list.n == 0)
        nsf_rule_set_unreadable(loader->arena, rule, part, "%s: no ids in it", what);
    return list;
}

/* --- Single values --------------------------------------------------------------------------------------------- */

static void read_direction(struct nsf_loader *loader, const struct nsf_json *value, struct nsf_rule *rule)
{
    struct nsf_slice text = nsf_slice_trim(nsf_json_string(value));
    if (nsf_slice_eq_nocase(text, NSF_SLICE_LIT("Inbound")))
        rule->direction = NSF_DIRECTION_INBOUND;
    else if (nsf_slice_eq_nocase(text, NSF_SLICE_LIT("Outbound")))
        rule->direction = NSF_DIRECTION_OUTBOUND;
    else if (nsf_json_is(value, NSF_JSON_EXPRESSION))
        set_expression(loader->arena, rule, NSF_RULE_PART_DIRECTION, "direction", nsf_json_text(value));
    else
        nsf_rule_set_unreadable(loader->arena, rule, NSF_RULE_PART_DIRECTION,
                                text.len == 0 ? "no direction%.*s" : "direction: unknown word \"%.*s\"",
                                NSF_SLICE_ARG(text));
}

static void read_access(struct nsf_loader *loader, const struct nsf_json *value, struct nsf_rule *rule)
{
    struct nsf_slice text = nsf_slice_trim(nsf_json_string(value));
    if (nsf_slice_eq_nocase(text, NSF_SLICE_LIT("Allow")))
        rule->access = NSF_ACCESS_ALLOW;
    else if (nsf_slice_eq_nocase(text, NSF_SLICE_LIT("Deny")))
        rule->access = NSF_ACCESS_DENY;
    else if (nsf_json_is(value, NSF_JSON_EXPRESSION))
        set_expression(loader->arena, rule, NSF_RULE_PART_ACCESS, "access", nsf_json_text(value));
    else
        nsf_rule_set_unreadable(loader->arena, rule, NSF_RULE_PART_ACCESS,
                                text.len == 0 ? "no access%.*s" : "access: unknown word \"%.*s\"", NSF_SLICE_ARG(text));
}

static void read_priority(struct nsf_loader *loader, const struct nsf_json *value, struct nsf_rule *rule)
{
    uint64_t priority = 0;
    if (value != NULL && nsf_json_to_u64(value, UINT16_MAX, &priority) && priority > 0) {
        rule->priority = (uint32_t)priority;
        return;
    }
    if (nsf_json_is(value, NSF_JSON_EXPRESSION))
        set_expression(loader->arena, rule, NSF_RULE_PART_PRIORITY, "priority", nsf_json_text(value));
    else
        nsf_rule_set_unreadable(loader->arena, rule, NSF_RULE_PART_PRIORITY,
                                value == NULL ? "no priority%.*s" : "priority: no whole number: \"%.*s\"",
                                NSF_SLICE_ARG(nsf_json_text(value)));
}

/* A name may stand with its parents before it: effective rules write securityRules/x, templates nsg/x. */
static struct nsf_slice read_name(const struct fields *fields)
{
    struct nsf_slice name = nsf_json_text(fields->at[FIELD_NAME]);
    if (nsf_json_is(fields->at[FIELD_NAME], NSF_JSON_EXPRESSION))
        return name;
    return nsf_id_last_segment(name.len > 0 ? name : nsf_json_text(fields->at[FIELD_ID]));
}

static bool is_default_rule(const struct nsf_rule *rule, const struct fields *fields)
{
    struct nsf_slice spelt = nsf_json_text(fields->at[FIELD_NAME]);
    return nsf_id_segment(rule->id, "defaultSecurityRules").len > 0 ||
           nsf_slice_has_prefix_nocase(spelt, NSF_SLICE_LIT("defaultSecurityRules/"));
}

void nsf_read_rule(struct nsf_loader *loader, const struct nsf_json *rule, struct nsf_rule *out)
{
    struct fields fields;
    read_fields(loader, rule, &fields);
    *out = (struct nsf_rule){.place = nsf_loader_place(loader, rule)};
    out->id = nsf_json_text(fields.at[FIELD_ID]);
    out->name = read_name(&fields);
    out->description = nsf_json_text(fields.at[FIELD_DESCRIPTION]);
    out->protocol = nsf_slice_trim(nsf_json_text(fields.at[FIELD_PROTOCOL]));
    if (nsf_json_is(fields.at[FIELD_PROTOCOL], NSF_JSON_EXPRESSION))
        set_expression(loader->arena, out, NSF_RULE_PART_PROTOCOL, "protocol", out->protocol);
    read_priority(loader, fields.at[FIELD_PRIORITY], out);
    read_direction(loader, fields.at[FIELD_DIRECTION], out);
    read_access(loader, fields.at[FIELD_ACCESS], out);
    out->sources =
        read_list(loader, out, NSF_RULE_PART_SOURCES, "source", fields.at[FIELD_SOURCE], fields.at[FIELD_SOURCES]);
    out->source_ports = read_list(loader, out, NSF_RULE_PART_SOURCE_PORTS, "source port", fields.at[FIELD_SOURCE_PORT],
                                  fields.at[FIELD_SOURCE_PORTS]);
    out->destinations = read_list(loader, out, NSF_RULE_PART_DESTINATIONS, "destination", fields.at[FIELD_DESTINATION],
                                  fields.at[FIELD_DESTINATIONS]);
    out->destination_ports = read_list(loader, out, NSF_RULE_PART_DESTINATION_PORTS, "destination port",
                                       fields.at[FIELD_DESTINATION_PORT], fields.at[FIELD_DESTINATION_PORTS]);
    out->source_asgs = read_asgs(loader, out, NSF_RULE_PART_SOURCES, "source application security groups",
                                 fields.at[FIELD_SOURCE_ASGS], fields.at[FIELD_SOURCE_ASG_IDS]);
    out->destination_asgs =
        read_asgs(loader, out, NSF_RULE_PART_DESTINATIONS, "destination application security groups",
                  fields.at[FIELD_DESTINATION_ASGS], fields.at[FIELD_DESTINATION_ASG_IDS]);
    out->expanded_sources =
        read_list(loader, out, NSF_RULE_PART_SOURCES, "expanded source", fields.at[FIELD_EXPANDED_SOURCE], NULL);
    out->is_default = is_default_rule(out, &fields);
}

bool nsf_is_rule(struct nsf_loader *loader, const struct nsf_json *value)
{
    if (!nsf_json_is(value, NSF_JSON_MAP))
        return false;
    struct fields fields;
    read_fields(loader, value, &fields);
    bool has_port = fields.at[FIELD_DESTINATION_PORT] != NULL || fields.at[FIELD_DESTINATION_PORTS] != NULL;
    return fields.at[FIELD_DIRECTION] != NULL && fields.at[FIELD_ACCESS] != NULL &&
           (has_port || fields.at[FIELD_PRIORITY] != NULL);
}

static void add_rule(struct nsf_loader *loader, const struct nsf_json *value, bool is_default, struct nsf_slice key,
                     struct nsf_rule_list *list)
{
    struct nsf_rule *rule = nsf_rule_list_add(list, loader->arena);
    nsf_read_rule(loader, value, rule);
    rule->is_default |= is_default;
    if (rule->name.len == 0)
        rule->name = key;
}

/* One rule that PowerShell took out of its list, or rules by their names. */
static void read_rule_map(struct nsf_loader *loader, const struct nsf_json *map, bool is_default,
                          struct nsf_rule_list *list)
{
    bool is_by_name = map->u.map.n > 0;
    for (size_t i = 0; i < map->u.map.n; i++)
        is_by_name &= nsf_is_rule(loader, &map->u.map.members[i].value);
    if (!is_by_name)
        add_rule(loader, map, is_default, (struct nsf_slice){0}, list);
    for (size_t i = 0; is_by_name && i < map->u.map.n; i++)
        add_rule(loader, &map->u.map.members[i].value, is_default, map->u.map.members[i].key, list);
}

void nsf_read_rules(struct nsf_loader *loader, const struct nsf_json *rules, bool is_default,
                    struct nsf_rule_list *list)
{
    if (nsf_json_is(rules, NSF_JSON_MAP))
        read_rule_map(loader, rules, is_default, list);
    for (size_t i = 0; i < nsf_json_len(rules); i++)
        if (!nsf_json_is(nsf_json_item(rules, i), NSF_JSON_NULL))
            add_rule(loader, nsf_json_item(rules, i), is_default, (struct nsf_slice){0}, list);
}

#include "core/nsf_common.h"

#include "rules/loader.h"

#include <stdarg.h>

#define PROBLEM_TEXT_BYTES 480
#define LIST_FIRST 4

void nsf_loader_give_nsg(struct nsf_loader *loader, struct nsf_nsg *nsg)
{
    if (nsg->place.file.ptr == NULL)
        nsg->place.file = loader->file;
    for (size_t i = 0; i < nsg->n_rules; i++)
        if (nsg->rules[i].place.file.ptr == NULL)
            nsg->rules[i].place.file = loader->file;
    loader->ops->nsg(loader, nsg);
}

void nsf_loader_give_attachment(struct nsf_loader *loader, struct nsf_attachment *attachment)
{
    if (attachment->place.file.ptr == NULL)
        attachment->place.file = loader->file;
    loader->ops->attachment(loader, attachment);
}

void nsf_loader_give_finding(struct nsf_loader *loader, struct nsf_peer_finding *finding)
{
    if (finding->place.file.ptr == NULL)
        finding->place.file = loader->file;
    loader->ops->finding(loader, finding);
}

void nsf_loader_problem(struct nsf_loader *loader, enum nsf_code code, uint64_t offset, const char *fmt, ...)
{
    char text[PROBLEM_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    loader->ops->problem(loader, code, offset, text);
}

struct nsf_place nsf_loader_place(const struct nsf_loader *loader, const struct nsf_json *at)
{
    return (struct nsf_place){.file = loader->file, .offset = at->offset, .line = at->line};
}

/* --- Lists ----------------------------------------------------------------------------------------------------- */

/* A larger copy of an array; the old one stays in the arena, so it doubles. */
static void *grow(struct nsf_arena *arena, const void *items, size_t n, size_t *capacity, size_t size_bytes)
{
    *capacity = *capacity == 0 ? LIST_FIRST : *capacity * 2;
    void *larger = nsf_arena_zalloc(arena, *capacity, size_bytes);
    if (n > 0)
        memcpy(larger, items, n * size_bytes);
    return larger;
}

void nsf_slice_list_add(struct nsf_slice_list *list, struct nsf_arena *arena, struct nsf_slice s)
{
    if (list->n == list->capacity)
        list->items = grow(arena, list->items, list->n, &list->capacity, sizeof(*list->items));
    list->items[list->n++] = s;
}

struct nsf_rule *nsf_rule_list_add(struct nsf_rule_list *list, struct nsf_arena *arena)
{
    if (list->n == list->capacity)
        list->items = grow(arena, list->items, list->n, &list->capacity, sizeof(*list->items));
    return &list->items[list->n++];
}

/* --- Parts of resources ---------------------------------------------------------------------------------------- */

const struct nsf_json *nsf_loader_properties(struct nsf_loader *loader, const struct nsf_json *resource)
{
    const struct nsf_json *properties = nsf_json_get_nocase(resource, "properties");
    if (nsf_json_is(properties, NSF_JSON_MAP))
        return properties;
    struct nsf_slice text = nsf_slice_trim(nsf_json_string(properties));
    if (text.len == 0 || text.ptr[0] != '{')
        return resource;
    struct nsf_err err = NSF_ERR_INIT;
    const struct nsf_json *parsed = nsf_json_parse(loader->arena, text, properties->offset, properties->line, &err);
    if (parsed != NULL)
        return parsed;
    nsf_loader_problem(loader, err.code, properties->offset, "the JSON in `properties` cannot be read: %s", err.text);
    return resource;
}

const struct nsf_json *nsf_loader_unwrap(const struct nsf_json *value)
{
    if (!nsf_json_is(value, NSF_JSON_MAP) || value->u.map.n != 2 || nsf_json_get(value, "Count") == NULL)
        return value;
    const struct nsf_json *list = nsf_json_get(value, "value");
    return nsf_json_is(list, NSF_JSON_ARRAY) ? list : value;
}

struct nsf_slice nsf_loader_id(const struct nsf_json *value)
{
    if (nsf_json_is(value, NSF_JSON_MAP))
        value = nsf_json_get_nocase(value, "id");
    return nsf_json_text(value);
}

struct nsf_slices nsf_loader_ids(struct nsf_loader *loader, const struct nsf_json *value)
{
    struct nsf_slice_list list = {0};
    if (!nsf_json_is(value, NSF_JSON_ARRAY)) {
        struct nsf_slice id = nsf_loader_id(value);
        if (id.len > 0)
            nsf_slice_list_add(&list, loader->arena, id);
        return nsf_slice_list_give(&list);
    }
    for (size_t i = 0; i < nsf_json_len(value); i++) {
        struct nsf_slice id = nsf_loader_id(nsf_json_item(value, i));
        if (id.len > 0)
            nsf_slice_list_add(&list, loader->arena, id);
    }
    return nsf_slice_list_give(&list);
}

struct nsf_slice nsf_loader_mac(struct nsf_arena *arena, struct nsf_slice text)
{
    char hex[12];
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '-' || c == ':' || c == '.')
            continue;
        char lower = nsf_ascii_lower(c);
        bool is_hex = (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f');
        if (!is_hex || n == sizeof(hex))
            return (struct nsf_slice){0};
        hex[n++] = lower >= 'a' ? (char)(lower - 'a' + 'A') : c;
    }
    return n == sizeof(hex) ? nsf_arena_copy(arena, nsf_slice(hex, n)) : (struct nsf_slice){0};
}

/* --- Ids ------------------------------------------------------------------------------------------------------- */

struct nsf_slice nsf_loader_make_id(struct nsf_arena *arena, struct nsf_slice subscription, struct nsf_slice group,
                                    struct nsf_slice type, struct nsf_slice name)
{
    if (subscription.len == 0)
        subscription = NSF_SLICE_LIT(NSF_ID_NO_SUBSCRIPTION);
    if (group.len == 0)
        group = NSF_SLICE_LIT(NSF_ID_NO_GROUP);
    const char *text =
        nsf_arena_printf(arena, "/subscriptions/%.*s/resourceGroups/%.*s/providers/Microsoft.Network/%.*s/%.*s",
                         NSF_SLICE_ARG(subscription), NSF_SLICE_ARG(group), NSF_SLICE_ARG(type), NSF_SLICE_ARG(name));
    return nsf_slice_str(text);
}

/* Index of `/<segment>/`, or id.len. */
static size_t find_segment(struct nsf_slice id, struct nsf_slice segment)
{
    for (size_t i = 0; i + segment.len + 2 <= id.len; i++) {
        bool is_bounded = id.ptr[i] == '/' && id.ptr[i + 1 + segment.len] == '/';
        if (is_bounded && nsf_slice_eq_nocase(nsf_slice(id.ptr + i + 1, segment.len), segment))
            return i;
    }
    return id.len;
}

struct nsf_slice nsf_id_segment(struct nsf_slice id, const char *segment)
{
    struct nsf_slice wanted = nsf_slice_str(segment);
    size_t at = find_segment(id, wanted);
    if (at == id.len)
        return (struct nsf_slice){0};
    struct nsf_slice rest = nsf_slice_from(id, at + wanted.len + 2);
    return nsf_slice(rest.ptr, nsf_slice_find(rest, '/'));
}

struct nsf_slice nsf_id_of_rules_nsg(struct nsf_slice rule_id)
{
    size_t at = find_segment(rule_id, NSF_SLICE_LIT("securityRules"));
    if (at == rule_id.len)
        at = find_segment(rule_id, NSF_SLICE_LIT("defaultSecurityRules"));
    return at == rule_id.len ? (struct nsf_slice){0} : nsf_slice(rule_id.ptr, at);
}

struct nsf_slice nsf_id_last_segment(struct nsf_slice id)
{
    size_t from = id.len;
    while (from > 0 && id.ptr[from - 1] != '/')
        from--;
    return from == 0 ? id : nsf_slice_from(id, from);
}

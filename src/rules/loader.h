/*
 * loader.h - between rules.c and the loaders of the shapes: what a loader is given and how it hands on what it read.
 *
 * Internal to rules/. A loader gets one JSON value (a whole document or one element of a list) and an arena that lives
 * until it returns. Everything given on is copied by whoever keeps it.
 */
#ifndef NSF_LOADER_H
#define NSF_LOADER_H

#include "core/json_dom.h"
#include "rules/attachment.h"
#include "rules/findings.h"
#include "rules/nsg.h"

struct nsf_loader;

/* What rules.c does with the results. */
struct nsf_loader_ops {
    void (*nsg)(struct nsf_loader *loader, const struct nsf_nsg *nsg);
    void (*attachment)(struct nsf_loader *loader, const struct nsf_attachment *attachment);
    void (*finding)(struct nsf_loader *loader, const struct nsf_peer_finding *finding);
    void (*problem)(struct nsf_loader *loader, enum nsf_code code, uint64_t offset, const char *text);
};

/* Effective rules come NSG by NSG; the interface they are of is known when all have been seen. */
struct nsf_effective_pair {
    struct nsf_slice nic;
    struct nsf_slice nic_nsg;
    struct nsf_slice subnet;
    struct nsf_slice subnet_nsg;
    struct nsf_place place;
};

struct nsf_loader {
    const struct nsf_loader_ops *ops;
    struct nsf_arena *arena;          /* of the value */
    struct nsf_arena *document_arena; /* of the document */
    struct nsf_slice file;
    struct nsf_effective_pair pair;
    size_t n_left_out; /* groups and rules that the conditions of a template switch off */
};

/* They set place.file where it is absent. */
void nsf_loader_give_nsg(struct nsf_loader *loader, struct nsf_nsg *nsg);
void nsf_loader_give_attachment(struct nsf_loader *loader, struct nsf_attachment *attachment);
void nsf_loader_give_finding(struct nsf_loader *loader, struct nsf_peer_finding *finding);
void nsf_loader_problem(struct nsf_loader *loader, enum nsf_code code, uint64_t offset, const char *fmt, ...)
    NSF_PRINTF(4, 5);
struct nsf_place nsf_loader_place(const struct nsf_loader *loader, const struct nsf_json *at);

/* --- Small helpers of several loaders -------------------------------------------------------------------------- */

/* A list that grows in an arena. */
struct nsf_slice_list {
    struct nsf_slice *items;
    size_t n;
    size_t capacity;
};

void nsf_slice_list_add(struct nsf_slice_list *list, struct nsf_arena *arena, struct nsf_slice s);
static inline struct nsf_slices nsf_slice_list_give(const struct nsf_slice_list *list)
{
    return (struct nsf_slices){list->items, list->n};
}

/* The members under `properties`, or the value itself where it has none; a string that holds JSON is parsed. */
const struct nsf_json *nsf_loader_properties(struct nsf_loader *loader, const struct nsf_json *resource);
/* The list in {"value": [...], "Count": n}, which older PowerShell writes in its place; else the value. NULL of NULL.
 */
const struct nsf_json *nsf_loader_unwrap(const struct nsf_json *value);
/* Ids of [{"id": ...}], {"id": ...}, ["..."] or "...". */
struct nsf_slices nsf_loader_ids(struct nsf_loader *loader, const struct nsf_json *value);
struct nsf_slice nsf_loader_id(const struct nsf_json *value);
/* From anything with 12 hex digits; else absent. */
struct nsf_slice nsf_loader_mac(struct nsf_arena *arena, struct nsf_slice text);

/* Ids: /subscriptions/S/resourceGroups/G/providers/Microsoft.Network/<type>/<name>[/<type>/<name>] */
#define NSF_ID_NO_SUBSCRIPTION "{subscription}"
#define NSF_ID_NO_GROUP "{resourceGroup}"
struct nsf_slice nsf_loader_make_id(struct nsf_arena *arena, struct nsf_slice subscription, struct nsf_slice group,
                                    struct nsf_slice type, struct nsf_slice name);
/* The text behind `/<segment>/` up to the next slash, without case; absent when there is none. */
struct nsf_slice nsf_id_segment(struct nsf_slice id, const char *segment);
/* The id before `/securityRules/` or `/defaultSecurityRules/`; absent when there is neither. */
struct nsf_slice nsf_id_of_rules_nsg(struct nsf_slice rule_id);
struct nsf_slice nsf_id_last_segment(struct nsf_slice id);

/* --- Reading one rule and one NSG (az, ARM, Resource Graph, PowerShell, effective) ------------------------------ */

/* Members in any case, with or without underscores, flat or under `properties`; arrays under singular names. What
 * cannot be read stands in out->unreadable. */
void nsf_read_rule(struct nsf_loader *loader, const struct nsf_json *rule, struct nsf_rule *out);
/* Whether a value looks like a rule at all. */
bool nsf_is_rule(struct nsf_loader *loader, const struct nsf_json *value);
/* The id or name of its NSG, as the rule itself says it; absent when it does not. */
struct nsf_slice nsf_loader_group_of_rule(struct nsf_loader *loader, const struct nsf_json *rule);
/* The custom rules of an NSG and its default rules, under any of the names they have; NULL: none are there.
 * `properties` as of nsf_loader_properties. */
const struct nsf_json *nsf_find_custom_rules(struct nsf_loader *loader, const struct nsf_json *nsg,
                                             const struct nsf_json *properties);
const struct nsf_json *nsf_find_default_rules(struct nsf_loader *loader, const struct nsf_json *nsg,
                                              const struct nsf_json *properties);
/* Marks a part as unreadable and adds the reason. */
void nsf_rule_set_unreadable(struct nsf_arena *arena, struct nsf_rule *rule, unsigned parts, const char *fmt, ...)
    NSF_PRINTF(4, 5);

/* Appends the rules of an array (or of a single object instead of one). */
struct nsf_rule_list {
    struct nsf_rule *items;
    size_t n;
    size_t capacity;
};
struct nsf_rule *nsf_rule_list_add(struct nsf_rule_list *list, struct nsf_arena *arena);
void nsf_read_rules(struct nsf_loader *loader, const struct nsf_json *rules, bool is_default,
                    struct nsf_rule_list *list);

/* The flat or nested form; false: its rules were lost by the export, a problem says so. */
bool nsf_read_nsg(struct nsf_loader *loader, const struct nsf_json *value, struct nsf_nsg *out);
/* The value of an owner tag. */
struct nsf_slice nsf_read_owner(const struct nsf_json *tags);

#endif

#include "core/nsf_common.h"

#include "rules/shape.h"

static const char *const kind_texts[] = {
#define KIND_TEXT(kind, shape, text) text,
    NSF_KIND_TABLE(KIND_TEXT)
#undef KIND_TEXT
};

static const enum nsf_input_shape kind_shapes[] = {
#define KIND_SHAPE(kind, shape, text) NSF_INPUT_SHAPE_##shape,
    NSF_KIND_TABLE(KIND_SHAPE)
#undef KIND_SHAPE
};

static const struct nsf_slice shape_names[] = {
#define SHAPE_NAME(shape, name, text) {(name), sizeof(name) - 1},
    NSF_INPUT_SHAPE_TABLE(SHAPE_NAME)
#undef SHAPE_NAME
};

const char *nsf_kind_text(enum nsf_kind kind)
{
    return kind_texts[kind];
}

enum nsf_input_shape nsf_kind_shape(enum nsf_kind kind)
{
    return kind_shapes[kind];
}

const char *nsf_input_shape_name(enum nsf_input_shape shape)
{
    return shape_names[shape].ptr;
}

bool nsf_input_shape_parse(struct nsf_slice name, enum nsf_input_shape *shape)
{
    for (size_t i = 0; i < NSF_INPUT_SHAPE_N; i++)
        if (nsf_slice_eq_nocase(shape_names[i], name)) {
            *shape = (enum nsf_input_shape)i;
            return true;
        }
    return false;
}

/* --- Kinds of values ------------------------------------------------------------------------------------------- */

static bool has(const struct nsf_json *map, const char *key)
{
    return nsf_json_get_nocase(map, key) != NULL;
}

static bool has_of(const struct nsf_json *map, const char *key, enum nsf_json_type type)
{
    return nsf_json_is(nsf_json_get_nocase(map, key), type);
}

static bool contains_nocase(struct nsf_slice text, const char *part)
{
    struct nsf_slice wanted = nsf_slice_str(part);
    for (size_t i = 0; i + wanted.len <= text.len; i++)
        if (nsf_slice_eq_nocase(nsf_slice(text.ptr + i, wanted.len), wanted))
            return true;
    return false;
}

static bool schema_has(const struct nsf_json *map, const char *part)
{
    return contains_nocase(nsf_json_string(nsf_json_get(map, "$schema")), part);
}

static enum nsf_kind kind_of_findings(const struct nsf_json *map)
{
    struct nsf_slice schema = nsf_json_string(nsf_json_get(map, "schema"));
    if (nsf_slice_eq(schema, NSF_SLICE_LIT("nsgflow.scan/1")))
        return NSF_KIND_SCAN;
    if (nsf_slice_has_prefix(schema, NSF_SLICE_LIT("nsgflow.")))
        return NSF_KIND_REVIEW;
    if (schema_has(map, "sarif") || (has_of(map, "runs", NSF_JSON_ARRAY) && has(map, "version")))
        return NSF_KIND_SARIF;
    bool is_checkov = has(map, "check_type") && (has(map, "results") || has(map, "summary"));
    /* Nothing found: Checkov then prints its bare counts. */
    bool is_empty_checkov = has(map, "checkov_version") && has(map, "passed") && has(map, "failed");
    if (is_checkov || is_empty_checkov)
        return NSF_KIND_CHECKOV;
    if (has(map, "plugin") && has(map, "status") && has(map, "resource"))
        return NSF_KIND_CLOUDSPLOIT;
    if (has(map, "class_uid") && (has(map, "finding_info") || has(map, "finding")))
        return NSF_KIND_OCSF;
    return NSF_KIND_UNKNOWN;
}

/* {"resource": {type: {...}}}, or the list of them that some converters write. */
static bool has_azure_resource(const struct nsf_json *resource)
{
    for (size_t i = 0; i < nsf_json_len(resource); i++)
        if (has_azure_resource(nsf_json_item(resource, i)))
            return true;
    for (size_t i = 0; nsf_json_is(resource, NSF_JSON_MAP) && i < resource->u.map.n; i++) {
        struct nsf_slice type = resource->u.map.members[i].key;
        if (nsf_slice_has_prefix(type, NSF_SLICE_LIT("azurerm_")) ||
            nsf_slice_has_prefix(type, NSF_SLICE_LIT("azapi_")))
            return true;
    }
    return false;
}

static enum nsf_kind kind_of_terraform(const struct nsf_json *map)
{
    if (has_azure_resource(nsf_json_get(map, "resource")))
        return NSF_KIND_TF_SOURCE;
    if (has(map, "pytest-terraform"))
        return NSF_KIND_TF_FIXTURE;
    if (has(map, "planned_values") || has(map, "resource_changes"))
        return NSF_KIND_TF_PLAN;
    if (nsf_json_path(map, "values.root_module") != NULL)
        return NSF_KIND_TF_STATE;
    if (!has(map, "terraform_version") && !has(map, "lineage") && !has(map, "serial"))
        return NSF_KIND_UNKNOWN;
    if (has_of(map, "modules", NSF_JSON_ARRAY))
        return NSF_KIND_TF_OLD_STATE;
    if (has_of(map, "resources", NSF_JSON_ARRAY))
        return NSF_KIND_TF_RAW;
    /* `terraform show -json` of an empty state has no values at all. */
    return has(map, "format_version") ? NSF_KIND_TF_STATE : NSF_KIND_UNKNOWN;
}

static enum nsf_kind kind_of_template(const struct nsf_json *map)
{
    if (schema_has(map, "deploymentParameters"))
        return NSF_KIND_PARAMETERS;
    bool has_resources = has_of(map, "resources", NSF_JSON_ARRAY) || has_of(map, "resources", NSF_JSON_MAP);
    if (schema_has(map, "deploymentTemplate") || (has_resources && has(map, "contentVersion")))
        return NSF_KIND_TEMPLATE;
    if (has_of(map, "template", NSF_JSON_MAP) || nsf_json_is(nsf_json_path(map, "properties.template"), NSF_JSON_MAP))
        return NSF_KIND_TEMPLATE_WRAPPER;
    if (has_of(map, "changes", NSF_JSON_ARRAY) || nsf_json_is(nsf_json_path(map, "properties.changes"), NSF_JSON_ARRAY))
        return NSF_KIND_WHAT_IF;
    return NSF_KIND_UNKNOWN;
}

static enum nsf_kind kind_of_type(struct nsf_slice type)
{
    static const struct {
        const char *type;
        enum nsf_kind kind;
    } types[] = {
        {"Microsoft.Network/networkSecurityGroups", NSF_KIND_NSG},
        {"Microsoft.Network/networkSecurityGroups/securityRules", NSF_KIND_RULE},
        {"Microsoft.Network/networkSecurityGroups/defaultSecurityRules", NSF_KIND_RULE},
        {"Microsoft.Network/networkInterfaces", NSF_KIND_NIC},
        {"Microsoft.Network/publicIPAddresses", NSF_KIND_PUBLIC_IP},
        {"Microsoft.Network/virtualNetworks", NSF_KIND_VNET},
        {"Microsoft.Network/virtualNetworks/subnets", NSF_KIND_SUBNET},
        {"Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules", NSF_KIND_ADMIN_RULE},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(types); i++)
        if (nsf_slice_eq_nocase(type, nsf_slice_str(types[i].type)))
            return types[i].kind;
    return nsf_slice_find(type, '/') < type.len ? NSF_KIND_OTHER_RESOURCE : NSF_KIND_UNKNOWN;
}

/* Elements without a type: by their members, flat or under `properties`. */
static enum nsf_kind kind_of_members(struct nsf_loader *loader, const struct nsf_json *map)
{
    const struct nsf_json *properties = nsf_loader_properties(loader, map);
    if (has(map, "effectiveSecurityRules"))
        return NSF_KIND_EFFECTIVE_NSG;
    if (has(properties, "securityRuleAssociations"))
        return NSF_KIND_SECURITY_VIEW;
    if (!has(properties, "access") && (nsf_find_custom_rules(loader, map, properties) != NULL ||
                                       nsf_find_default_rules(loader, map, properties) != NULL))
        return NSF_KIND_NSG;
    if (has_of(properties, "sources", NSF_JSON_ARRAY) && has_of(properties, "destinations", NSF_JSON_ARRAY))
        return NSF_KIND_ADMIN_RULE;
    if (nsf_is_rule(loader, map))
        return NSF_KIND_RULE;
    if (has(properties, "ipConfigurations") && !has(properties, "publicIPAllocationMethod") &&
        !has(properties, "addressPrefix"))
        return NSF_KIND_NIC;
    if (has(properties, "publicIPAllocationMethod") || has(properties, "publicIPAddressVersion"))
        return NSF_KIND_PUBLIC_IP;
    if (has(properties, "addressSpace"))
        return NSF_KIND_VNET;
    return has(properties, "addressPrefix") || has(properties, "addressPrefixes") ? NSF_KIND_SUBNET : NSF_KIND_UNKNOWN;
}

/* A query took the rules of a group apart and kept the group's type. */
static bool is_row_of_rule(struct nsf_loader *loader, const struct nsf_json *map)
{
    return has(map, "access") && nsf_is_rule(loader, map) &&
           nsf_find_custom_rules(loader, map, nsf_loader_properties(loader, map)) == NULL;
}

static bool is_flow_log(const struct nsf_json *map)
{
    bool is_nsg_record = has(map, "category") && has(map, "time") && has(map, "properties");
    return has(map, "flowRecords") || has(map, "flowLogVersion") || has_of(map, "records", NSF_JSON_ARRAY) ||
           is_nsg_record || (has(map, "rule") && has(map, "flows"));
}

static bool is_effective_list(const struct nsf_json *map)
{
    const struct nsf_json *groups = nsf_json_get_nocase(map, "networkSecurityGroups");
    return nsf_json_is(groups, NSF_JSON_ARRAY) &&
           (groups->u.array.n == 0 || has(nsf_json_item(groups, 0), "effectiveSecurityRules"));
}

static bool is_service_tags(const struct nsf_json *map)
{
    return has(map, "changeNumber") && has_of(map, "values", NSF_JSON_ARRAY);
}

static bool is_graph_table(const struct nsf_json *map)
{
    const struct nsf_json *table = nsf_json_get_nocase(map, "data");
    return has_of(table, "columns", NSF_JSON_ARRAY) && has_of(table, "rows", NSF_JSON_ARRAY);
}

enum nsf_kind nsf_kind_of(struct nsf_loader *loader, const struct nsf_json *value)
{
    if (nsf_json_is(value, NSF_JSON_ARRAY))
        return value->u.array.n == 0 ? NSF_KIND_EMPTY : NSF_KIND_UNKNOWN;
    if (!nsf_json_is(value, NSF_JSON_MAP))
        return NSF_KIND_UNKNOWN;
    enum nsf_kind kind = kind_of_findings(value);
    if (kind == NSF_KIND_UNKNOWN)
        kind = kind_of_terraform(value);
    if (kind == NSF_KIND_UNKNOWN)
        kind = kind_of_template(value);
    if (kind != NSF_KIND_UNKNOWN)
        return kind;
    if (nsf_json_is(nsf_json_get_nocase(value, "NewNSG"), NSF_JSON_MAP))
        return NSF_KIND_NEW_NSG;
    if (is_effective_list(value))
        return NSF_KIND_EFFECTIVE_LIST;
    if (is_service_tags(value))
        return NSF_KIND_SERVICE_TAGS;
    if (is_graph_table(value))
        return NSF_KIND_GRAPH_TABLE;
    kind = kind_of_type(nsf_json_get_string(value, "type"));
    if (kind == NSF_KIND_NSG && is_row_of_rule(loader, value))
        return NSF_KIND_RULE;
    if (kind != NSF_KIND_UNKNOWN)
        return kind;
    kind = kind_of_members(loader, value);
    if (kind == NSF_KIND_UNKNOWN && is_flow_log(value))
        kind = NSF_KIND_FLOW_LOG;
    return kind;
}

enum nsf_kind nsf_kind_forced(enum nsf_input_shape shape)
{
    switch (shape) {
    case NSF_INPUT_SHAPE_AZ:
    case NSF_INPUT_SHAPE_ARM:
    case NSF_INPUT_SHAPE_GRAPH:
    case NSF_INPUT_SHAPE_POWERSHELL:
        return NSF_KIND_NSG;
    case NSF_INPUT_SHAPE_TEMPLATE:
        return NSF_KIND_TEMPLATE;
    case NSF_INPUT_SHAPE_WHAT_IF:
        return NSF_KIND_WHAT_IF;
    case NSF_INPUT_SHAPE_TERRAFORM:
        return NSF_KIND_TF_STATE;
    case NSF_INPUT_SHAPE_EFFECTIVE:
        return NSF_KIND_EFFECTIVE_NSG;
    case NSF_INPUT_SHAPE_NETWORK:
        return NSF_KIND_NIC;
    case NSF_INPUT_SHAPE_ADMIN:
        return NSF_KIND_ADMIN_RULE;
    case NSF_INPUT_SHAPE_FINDINGS:
    case NSF_INPUT_SHAPE_AUTO:
    case NSF_INPUT_SHAPE_N:
        return NSF_KIND_UNKNOWN;
    }
    NSF_BUG("unknown shape");
}

#define TERRAFORM_SOURCE "this is Terraform source: give the output of terraform show -json of its plan or state"

/* --- What is refused ------------------------------------------------------------------------------------------- */

const char *nsf_kind_refusal(enum nsf_kind kind)
{
    switch (kind) {
    case NSF_KIND_UNKNOWN:
        return "this JSON holds no network security groups in any form that is known: give the output of az network "
               "nsg list, an ARM template, terraform show -json or another of the inputs in the manual";
    case NSF_KIND_EMPTY:
        return "there is no network security group in it: the list is empty";
    case NSF_KIND_OTHER_RESOURCE:
        return "there is no network security group in it, only resources of other types";
    case NSF_KIND_FLOW_LOG:
        return "this is a flow log, not rules: give it behind the options, as one of the LOGS of nsgflow review";
    case NSF_KIND_SERVICE_TAGS:
        return "this is a list of service tags, not rules: give it with --service-tags";
    case NSF_KIND_TF_FIXTURE:
        return "this is a pytest-terraform fixture (bare state values), not the output of terraform show -json: run "
               "terraform show -json in the folder of the configuration";
    case NSF_KIND_TF_OLD_STATE:
        return "this is a state of Terraform before 0.12, which holds flat attributes: run terraform show -json with "
               "a newer Terraform";
    case NSF_KIND_TF_SOURCE:
        return TERRAFORM_SOURCE;
    case NSF_KIND_PARAMETERS:
        return "this is a parameters file, not a template: give the template, or the what-if result of both";
    case NSF_KIND_REVIEW:
        return "this is a review or report of nsgflow, not rules: give the rules that it was made from";
    case NSF_KIND_SOURCE_TEXT:
        return "this is no JSON";
    case NSF_KIND_NSG:
    case NSF_KIND_NEW_NSG:
    case NSF_KIND_RULE:
    case NSF_KIND_TEMPLATE:
    case NSF_KIND_TEMPLATE_WRAPPER:
    case NSF_KIND_WHAT_IF:
    case NSF_KIND_GRAPH_TABLE:
    case NSF_KIND_TF_PLAN:
    case NSF_KIND_TF_STATE:
    case NSF_KIND_TF_RAW:
    case NSF_KIND_EFFECTIVE_LIST:
    case NSF_KIND_EFFECTIVE_NSG:
    case NSF_KIND_SECURITY_VIEW:
    case NSF_KIND_NIC:
    case NSF_KIND_PUBLIC_IP:
    case NSF_KIND_VNET:
    case NSF_KIND_SUBNET:
    case NSF_KIND_ADMIN_RULE:
    case NSF_KIND_SCAN:
    case NSF_KIND_CLOUDSPLOIT:
    case NSF_KIND_CHECKOV:
    case NSF_KIND_SARIF:
    case NSF_KIND_OCSF:
    case NSF_KIND_N:
        return NULL;
    }
    NSF_BUG("unknown kind");
}

static bool has_word(struct nsf_slice text, const char *word)
{
    return contains_nocase(text, word);
}

static bool is_csv(struct nsf_slice head)
{
    struct nsf_slice line = nsf_slice(head.ptr, nsf_slice_find(head, '\n'));
    size_t n = 0;
    for (size_t i = 0; i < line.len; i++)
        n += line.ptr[i] == ',' || line.ptr[i] == ';' || line.ptr[i] == '\t';
    return n >= 2;
}

/* What may begin a JSON text; a comma begins a cut piece of a flow log. */
static bool begins_like_json(struct nsf_slice head)
{
    if (head.len == 0)
        return true;
    if (head.ptr[0] == '/' && head.len > 1)
        return head.ptr[1] == '/' || head.ptr[1] == '*';
    return head.ptr[0] == '{' || head.ptr[0] == '[' || head.ptr[0] == '"';
}

const char *nsf_text_refusal(struct nsf_slice name, struct nsf_slice head)
{
    head = nsf_slice_trim(head);
    if (nsf_slice_has_suffix_nocase(name, NSF_SLICE_LIT(".bicep")) ||
        nsf_slice_has_suffix_nocase(name, NSF_SLICE_LIT(".bicepparam")))
        return "this is Bicep source: compile it with az bicep build --file FILE and give the template";
    if (nsf_slice_has_suffix_nocase(name, NSF_SLICE_LIT(".tf")) ||
        nsf_slice_has_suffix_nocase(name, NSF_SLICE_LIT(".tfvars")))
        return TERRAFORM_SOURCE;
    if (head.len == 0)
        return "the file is empty";
    if (begins_like_json(head))
        return NULL;
    if (head.ptr[0] == ',' && has_word(head, "\"time\""))
        return nsf_kind_refusal(NSF_KIND_FLOW_LOG);
    if (head.ptr[0] == '<')
        return "this is XML (a JUnit report?), not JSON: export the rules or findings as JSON";
    if (head.len > 2 && head.ptr[0] == '\x1f' && head.ptr[1] == '\x8b')
        return "this is gzip data: give the rules unpacked";
    if (head.len > 2 && head.ptr[0] == 'P' && head.ptr[1] == 'K')
        return "this is a zip archive or a spreadsheet, not JSON: export the rules as JSON";
    if (has_word(head, "'Microsoft.") && has_word(head, "resource "))
        return "this is Bicep source: compile it with az bicep build --file FILE and give the template";
    if (has_word(head, "resource \"azurerm_") || has_word(head, "provider \"azurerm\""))
        return TERRAFORM_SOURCE;
    if (is_csv(head))
        return "this is CSV, not JSON: export the rules or findings as JSON";
    if (has_word(head, "securityRules:") || has_word(head, "\n- ") || has_word(head, ": "))
        return "this is YAML or plain text, not JSON: export with -o json (az) or ConvertTo-Json -Depth 20 "
               "(PowerShell)";
    return "this is no JSON: export the rules with -o json (az) or ConvertTo-Json -Depth 20 (PowerShell)";
}

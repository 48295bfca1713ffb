/* Terraform: plans with modules, unknown values and deletions; states as shown and as stored. */
#include "core/nsf_common.h"

#include "support/rules_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GUESSED(name)                                                                                                  \
    "/subscriptions/{subscription}/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/" name
#define ID(name) "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/" name

#define RULE_VALUES(name, source)                                                                                      \
    "\"name\":\"" name "\",\"priority\":100,\"direction\":\"Inbound\",\"access\":\"Allow\",\"protocol\":\"Tcp\","      \
    "\"source_address_prefix\":\"" source "\",\"source_address_prefixes\":[],\"source_port_range\":\"*\","             \
    "\"destination_address_prefix\":\"*\",\"destination_port_range\":\"\",\"destination_port_ranges\":[\"25\"],"       \
    "\"description\":\"\",\"source_application_security_group_ids\":[]"
#define NSG_VALUES(name, rules)                                                                                        \
    "\"name\":\"" name "\",\"resource_group_name\":\"g\",\"tags\":{\"owner\":\"me\"},\"security_rule\":[" rules "]"
#define RESOURCE(type, address, values)                                                                                \
    "{\"address\":\"" address "\",\"mode\":\"managed\",\"type\":\"" type "\",\"values\":{" values "}}"
#define NSG_TYPE "azurerm_network_security_group"
#define RULE_TYPE "azurerm_network_security_rule"
#define SHOWN " 100 in allow Tcp from=* sport=* to=* port=25\n"
#define SEPARATE(name) RULE_VALUES(name, "*") ",\"network_security_group_name\":\"n\",\"resource_group_name\":\"G\""

static void test_plan_modules_and_counts(void **state)
{
    nsf_rules_text_check(
        "{\"format_version\":\"1.1\",\"planned_values\":{\"root_module\":{\"resources\":[" RESOURCE(
            NSG_TYPE, "a.n[0]",
            NSG_VALUES("n0",
                       "{" RULE_VALUES(
                           "r", "*") "}")) "," RESOURCE(NSG_TYPE, "a.n[1]",
                                                        NSG_VALUES("n1",
                                                                   "")) "],"
                                                                        "\"child_modules\":[{\"address\":\"module.m\","
                                                                        "\"child_modules\":[{\"resources\":[" RESOURCE(
                                                                            NSG_TYPE, "module.m.a.n",
                                                                            NSG_VALUES("deep",
                                                                                       "{" RULE_VALUES(
                                                                                           "r", "*") "}")) "]}]}]}}}",
        "nsg " GUESSED("deep") " name=deep owner=me guessed\n  r" SHOWN
                               "nsg " GUESSED("n0") " name=n0 owner=me guessed\n  r" SHOWN
                                                    "nsg " GUESSED("n1") " name=n1 owner=me guessed\n");
}

static void test_separate_rules(void **state)
{
    nsf_rules_text_check(
        "{\"planned_values\":{\"root_module\":{\"resources\":[" RESOURCE(RULE_TYPE, "a.r", SEPARATE("r")) "," RESOURCE(
            NSG_TYPE, "a.n",
            NSG_VALUES("N", "")) "," RESOURCE(RULE_TYPE, "a.lone",
                                              RULE_VALUES("lone",
                                                          "*") ",\"network_security_group_name\":\"other\"") "]}}}",
        "nsg " GUESSED("N") " name=N owner=me guessed\n  r" SHOWN "nsg "
                            "/subscriptions/{subscription}/resourceGroups/{resourceGroup}/providers/Microsoft.Network/"
                            "networkSecurityGroups/other"
                            " name=other partial guessed\n  lone" SHOWN);
}

/* The NSG's own list is what was last read: the separate resource, or its deletion, is newer. */
static void test_deleted_rules(void **state)
{
    nsf_rules_text_check(
        "{\"planned_values\":{\"root_module\":{\"resources\":[" RESOURCE(
            NSG_TYPE, "a.n",
            NSG_VALUES("n",
                       "{" RULE_VALUES("gone", "*") "},{" RULE_VALUES(
                           "kept",
                           "10.0.0.0/8") "}")) "," RESOURCE(RULE_TYPE, "a.kept",
                                                            SEPARATE("kept")) "]}},"
                                                                              "\"resource_changes\":[{\"address\":\"a."
                                                                              "gone\",\"type\":\"" RULE_TYPE
                                                                              "\",\"change\":{\"actions\":[\"delete\"],"
                                                                              "\"before\":{" SEPARATE(
                                                                                  "gone") "},\"after\":null}}]}",
        "nsg " GUESSED("n") " name=n owner=me guessed\n  kept" SHOWN
                            "  note the plan deletes rule \"gone\"; until it is applied the rule stands\n");
    nsf_rules_text_check(
        "{\"resource_changes\":[{\"address\":\"a.n\",\"type\":\"" NSG_TYPE "\",\"change\":{\"actions\":"
        "[\"delete\",\"create\"],\"before\":{},\"after\":{" NSG_VALUES("n", "{" RULE_VALUES("r", "*") "}") "}}}]}",
        "nsg " GUESSED("n") " name=n owner=me guessed\n  r" SHOWN);
}

static void test_unknown_until_applied(void **state)
{
#define UNKNOWN_PLAN(values, unknown, configuration)                                                                   \
    "{\"planned_values\":{\"root_module\":{\"resources\":[" RESOURCE(                                                  \
        NSG_TYPE, "a.n", values) "]}},\"resource_changes\":["                                                          \
                                 "{\"address\":\"a.n\",\"type\":\"" NSG_TYPE                                           \
                                 "\",\"change\":{\"actions\":[\"create\"],\"after\":{},\"after_unknown\":{" unknown    \
                                 "}}}]" configuration "}"
#define CONFIGURED(expressions)                                                                                        \
    ",\"configuration\":{\"root_module\":{\"resources\":[{\"address\":\"a.n\",\"expressions\":{" expressions "}}]}}"
    nsf_rules_text_check(
        UNKNOWN_PLAN(
            NSG_VALUES("n",
                       "{\"name\":\"r\",\"priority\":100,\"direction\":\"Inbound\",\"access\":\"Allow\",\"protocol\":"
                       "\"Tcp\",\"destination_port_range\":\"25\"}"),
            "\"id\":true,\"security_rule\":[{\"source_address_prefix\":true}]", ""),
        "nsg " GUESSED(
            "n") " name=n owner=me guessed\n  r 100 in allow Tcp from=(known after apply) port=25 UNREADABLE 10 "
                 "(source: cannot evaluate (known after apply))\n");
    const char *more = "nsg " GUESSED("n") " name=n guessed more\n  note its inline rules are known only after apply\n";
    const char *whole = "nsg " GUESSED("n") " name=n guessed\n";
#define BARE "\"name\":\"n\",\"resource_group_name\":\"g\""
    nsf_rules_text_check(UNKNOWN_PLAN(BARE, "\"security_rule\":true", ""), more);
    nsf_rules_text_check(UNKNOWN_PLAN(BARE, "\"security_rule\":true", CONFIGURED("\"security_rule\":{}")), more);
    nsf_rules_text_check(UNKNOWN_PLAN(BARE, "\"security_rule\":true", CONFIGURED("\"name\":{}")), whole);
    nsf_rules_text_check(UNKNOWN_PLAN(BARE, "\"security_rule\":false", ""), whole);
}

/* The name of the NSG is not known yet, and so is that of its rules: the configuration tells whose they are. */
static void test_rules_found_by_reference(void **state)
{
#define NAMELESS_RULE RULE_VALUES("r", "*") ",\"resource_group_name\":\"g\""
#define REFERRING(module, reference)                                                                                   \
    "{\"planned_values\":{\"root_module\":{\"child_modules\":[{\"resources\":[" RESOURCE(                              \
        NSG_TYPE, module "azurerm_network_security_group.n",                                                           \
        "\"resource_group_name\":\"g\"") "," RESOURCE(RULE_TYPE, module "azurerm_network_security_rule.r",             \
                                                      NAMELESS_RULE) "]}]}},\"configuration\":{\"root_module\":{"      \
                                                                     "\"module_calls\":{\"m\":{\"module\":{"           \
                                                                     "\"resources\":[{\"address\":\"" RULE_TYPE        \
                                                                     ".r\",\"expressions\":{"                          \
                                                                     "\"network_security_group_name\":{"               \
                                                                     "\"references\":[" reference "]}}}]}}}}}}"
#define MODULE_TEXT "module.m[\\\"a.[b\\\"]."
#define MODULE_SHOWN "module.m[\"a.[b\"]."
    nsf_rules_text_check(REFERRING(MODULE_TEXT, "\"random_id.x.hex\",\"" NSG_TYPE ".n.name\",\"" NSG_TYPE ".n\""),
                         "nsg " GUESSED(MODULE_SHOWN NSG_TYPE ".n") " name=" MODULE_SHOWN NSG_TYPE
                                                                    ".n guessed\n  r" SHOWN);
    nsf_rules_text_check(
        REFERRING(MODULE_TEXT, "\"var.nsg\""),
        "nsg " GUESSED(MODULE_SHOWN NSG_TYPE ".n") " name=" MODULE_SHOWN NSG_TYPE ".n guessed more\n"
                                                   "  note a rule whose group is known only after apply may be one of "
                                                   "its rules\n"
                                                   "nsg " GUESSED(MODULE_SHOWN RULE_TYPE
                                                                  ".r") " name=" MODULE_SHOWN RULE_TYPE
                                                                        ".r partial guessed\n"
                                                                        "  r" SHOWN);
}

static void test_azapi(void **state)
{
#define AZAPI(body)                                                                                                    \
    "{\"values\":{\"root_module\":{\"resources\":[" RESOURCE(                                                          \
        "azapi_resource", "azapi_resource.n",                                                                          \
        "\"type\":\"Microsoft.Network/"                                                                                \
        "networkSecurityGroups@2024-05-01\",\"name\":\"n\","                                                           \
        "\"parent_id\":\"/subscriptions/s/resourceGroups/g\"" body) "]}}}"
#define AZAPI_RULE                                                                                                     \
    "{\"name\":\"r\",\"properties\":{\"priority\":100,\"direction\":\"Inbound\",\"access\":\"Allow\",\"protocol\":"    \
    "\"Tcp\",\"sourceAddressPrefix\":\"*\",\"destinationPortRange\":\"25\"}}"
    const char *shown = "nsg " ID("n") " name=n\n  r 100 in allow Tcp from=* port=25\n";
    nsf_rules_text_check(AZAPI(",\"body\":{\"properties\":{\"securityRules\":[" AZAPI_RULE "]}}"), shown);
    nsf_rules_text_check(
        AZAPI(",\"body\":{\"type\":[],\"value\":{\"properties\":{\"securityRules\":[" AZAPI_RULE "]}}}"), shown);
    nsf_rules_text_check(
        AZAPI(",\"body\":\"{\\\"properties\\\":{\\\"securityRules\\\":[{\\\"name\\\":\\\"r\\\",\\\"priority\\\":100,"
              "\\\"direction\\\":\\\"Inbound\\\",\\\"access\\\":\\\"Allow\\\",\\\"protocol\\\":\\\"Tcp\\\","
              "\\\"sourceAddressPrefix\\\":\\\"*\\\",\\\"destinationPortRange\\\":\\\"25\\\"}]}}\""),
        shown);
    nsf_rules_text_check(AZAPI(""), "nsg " ID("n") " name=n more\n  note its rules are known only after apply\n");
    nsf_rules_text_check(AZAPI(",\"body\":{\"properties\":{}}"), "nsg " ID("n") " name=n\n");
    nsf_rules_text_check("{\"values\":{\"root_module\":{\"resources\":[" RESOURCE(
                             "azapi_resource", "a.r",
                             "\"type\":\"Microsoft.Network/networkSecurityGroups/"
                             "securityRules@2024-05-01\",\"name\":\"r\",\"parent_id\":"
                             "\"" ID("n") "\",\"body\":" AZAPI_RULE) "," RESOURCE("azapi_resource", "a.o",
                                                                                  "\"type\":\"Other/type@1\"") "]}}}",
                         "nsg " ID("n") " name=n partial\n  r 100 in allow Tcp from=* port=25\n");
    /* Both are new: only the configuration knows that they belong together. */
    nsf_rules_text_check(
        "{\"planned_values\":{\"root_module\":{\"resources\":[" RESOURCE("azapi_resource",
                                                                         "azapi_resource.n[\\\"a\\\"]",
                                                                         "\"type\":\"Microsoft.Network/"
                                                                         "networkSecurityGroups@1\",\"name\":\"n\","
                                                                         "\"body\":{}") "," RESOURCE("azapi_resource",
                                                                                                     "azapi_resource.r["
                                                                                                     "\\\"a\\\"]",
                                                                                                     "\"type\":"
                                                                                                     "\"Microsoft."
                                                                                                     "Network/"
                                                                                                     "networkSecurityGr"
                                                                                                     "oups/"
                                                                                                     "securityRules@"
                                                                                                     "1\",\"name\":"
                                                                                                     "\"r\","
                                                                                                     "\"body\""
                                                                                                     ":" AZAPI_RULE) "]"
                                                                                                                     "}"
                                                                                                                     "}"
                                                                                                                     ","
                                                                                                                     "\"configuration\":{\"root_module\":{\"resources\":[{\"address\":\"azapi_resource.r\",\"expressions\":{"
                                                                                                                     "\"parent_id\":{\"references\":[\"azapi_resource.n\",\"each.key\"]}}}]}}}",
        "nsg /subscriptions/{subscription}/resourceGroups/{resourceGroup}/providers/Microsoft.Network/"
        "networkSecurityGroups/n name=n guessed\n  r 100 in allow Tcp from=* port=25\n");
}

static void test_states(void **state)
{
#define LINKED(name) "\"id\":\"" ID(name) "\"," NSG_VALUES(name, "{" RULE_VALUES("r", "*") "}")
#define SUBNET_TYPE "azurerm_subnet_network_security_group_association"
#define SUBNET_LINK "\"subnet_id\":\"/sub\",\"network_security_group_id\":\"" ID("n") "\""
#define NIC                                                                                                            \
    "\"id\":\"/nic\",\"mac_address\":\"00-0D-3A-00-00-0a\",\"ip_configuration\":[{\"subnet_id\":\"/"                   \
    "sub\",\"private_ip_address\":\"10.0.0.4\"}]"
    const char *expected = "subnet /sub nsg=" ID("n") "\n"
                                                      "nsg " ID("n") " name=n owner=me subnets=/sub\n  r" SHOWN;
    nsf_rules_text_check("{\"format_version\":\"1.0\",\"values\":{\"root_module\":{\"resources\":[" RESOURCE(
                             NSG_TYPE, "a.n", LINKED("n")) "," RESOURCE(SUBNET_TYPE, "a.l", SUBNET_LINK) "]}}}",
                         expected);
    nsf_rules_text_check(
        "{\"version\":4,\"serial\":7,\"lineage\":\"x\",\"resources\":[{\"mode\":\"managed\",\"type\":\"" NSG_TYPE
        "\",\"name\":\"n\",\"instances\":[{\"index_key\":0,\"attributes\":{" LINKED(
            "n") "}}]},{\"type\":\"" SUBNET_TYPE "\",\"name\":\"l\",\"instances\":[{\"attributes\":{" SUBNET_LINK
                 "}}]}]}",
        expected);
    nsf_rules_text_check(
        "{\"values\":{\"root_module\":{\"resources\":[" RESOURCE("azurerm_network_interface", "a.i", NIC) "," RESOURCE(
            "azurerm_network_interface_security_group_association", "a.l",
            "\"network_interface_id\":\"/NIC\",\"network_security_group_id\":\"/nsg\"") "]}}}",
        "nic /nic mac=000D3A00000A nsg=/nsg subnets=/sub no-public private=10.0.0.4\n");
    nsf_rules_text_check("{\"format_version\":\"1.0\","
                         "\"terraform_version\":\"1.5.0\"}",
                         "problem a.json empty: there is no network security group in it\n");
}

/* The separate rule's id names the NSG better than names do. */
static void test_rules_found_by_id(void **state)
{
    nsf_rules_text_check(
        "{\"values\":{\"root_module\":{\"resources\":[" RESOURCE(
            NSG_TYPE, "a.n",
            "\"id\":\"" ID(
                "n") "\",\"name\":\"n\"") "," RESOURCE(RULE_TYPE, "a.r",
                                                       "\"id\":\"" ID("N") "/securityRules/r\"," RULE_VALUES(
                                                           "r",
                                                           "*")) "," RESOURCE(RULE_TYPE, "a.s",
                                                                              "\"id\":\"/other/networkSecurityGroups/n/"
                                                                              "securityRules/s\"," RULE_VALUES(
                                                                                  "s", "*")) "]}}}",
        "nsg /other/networkSecurityGroups/n name=n partial\n  s" SHOWN "nsg " ID("n") " name=n\n  r" SHOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_modules_and_counts),
        cmocka_unit_test(test_separate_rules),
        cmocka_unit_test(test_deleted_rules),
        cmocka_unit_test(test_unknown_until_applied),
        cmocka_unit_test(test_rules_found_by_reference),
        cmocka_unit_test(test_azapi),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_rules_found_by_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

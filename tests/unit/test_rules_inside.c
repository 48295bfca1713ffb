/* Groups inside JSON of no known form: inventories, recorded answers, the states of other tools. */
#include "core/nsf_common.h"

#include "support/rules_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ID "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n"
#define GUESSED(name)                                                                                                  \
    "/subscriptions/{subscription}/resourceGroups/{resourceGroup}/providers/Microsoft.Network/"                        \
    "networkSecurityGroups/" name
#define SNAKE                                                                                                          \
    "\"priority\":100,\"direction\":\"Inbound\",\"access\":\"Allow\",\"protocol\":\"Tcp\",\"source_address_prefix\":"  \
    "\"*\","                                                                                                           \
    "\"destination_port_range\":\"25\""
#define CAMEL                                                                                                          \
    "\"priority\":100,\"direction\":\"Inbound\",\"access\":\"Allow\",\"protocol\":\"Tcp\",\"sourceAddressPrefix\":\"*" \
    "\","                                                                                                              \
    "\"destinationPortRange\":\"25\""
#define SNAKE_RULE "{\"name\":\"r\"," SNAKE "}"
#define CAMEL_RULE "{\"name\":\"r\"," CAMEL "}"
#define RULE_SHOWN "  r 100 in allow Tcp from=* port=25\n"
#define SHOWN "nsg " ID " name=n\n" RULE_SHOWN
#define NONE_KNOWN                                                                                                     \
    "problem a.json shape: this JSON holds no network security groups in any form that is known: give the output of "  \
    "az network nsg list, an ARM template, terraform show -json or another of the inputs in the manual\n"

static void test_inventories(void **state)
{
    nsf_rules_text_check("{\"changed\":false,\"securitygroups\":[{\"id\":\"" ID
                         "\",\"name\":\"n\",\"rules\":[" SNAKE_RULE
                         "],\"default_rules\":[],\"network_interfaces\":[],\"subnets\":[]}]}",
                         "nsg " ID " name=n no-subnets no-nics\n" RULE_SHOWN);
    nsf_rules_text_check("{\"columns\":[{\"name\":\"id\"}],\"rows\":[{\"id\":\"" ID
                         "\",\"security_rules\":[{\"name\":\"r\","
                         "\"properties\":{" CAMEL "}}]}]}",
                         SHOWN);
    nsf_rules_text_check("[{\"Id\":\"" ID "\",\"Type\":\"azurerm_network_security_group\",\"Attrs\":{\"id\":\"" ID
                         "\",\"security_rule\":[" SNAKE_RULE "]}}]",
                         SHOWN);
    nsf_rules_text_check("{\"groups\":{\"mine\":{\"id\":\"" ID "\",\"security_rules\":{\"r\":{" SNAKE "}}}}}", SHOWN);
}

static void test_recorded_answers(void **state)
{
    nsf_rules_text_check("{\"interactions\":[{\"response\":{\"body\":{\"data\":{\"value\":[{\"id\":\"" ID
                         "\",\"properties\":{\"securityRules\":[" CAMEL_RULE "]}}]}}}}]}",
                         SHOWN);
    nsf_rules_text_check("{\"value\":[{\"answer\":{\"id\":\"" ID "\",\"securityRules\":[" CAMEL_RULE "]}}]}", SHOWN);
}

static void test_pulumi(void **state)
{
    nsf_rules_text_check("{\"version\":3,\"deployment\":{\"resources\":[{\"urn\":\"urn:pulumi:a::b::c::d\",\"type\":"
                         "\"azure:network/networkSecurityGroup:NetworkSecurityGroup\",\"inputs\":{\"securityRules\":["
                         "]},\"outputs\":{\"id\":\"" ID "\",\"securityRules\":[" CAMEL_RULE "]}}]}}",
                         SHOWN);
    nsf_rules_text_check(
        "{\"steps\":[{\"oldState\":{\"urn\":\"urn:pulumi:a\",\"inputs\":{\"name\":\"old\",\"securityRules\":"
        "[]}},\"newState\":{\"urn\":\"urn:pulumi:a\",\"inputs\":{\"name\":\"n\",\"securityRules\":[" CAMEL_RULE
        "]}}}]}",
        "nsg " GUESSED("n") " name=n guessed\n" RULE_SHOWN);
}

/* Two lists of rules are two groups: a Deny of one closes nothing of the other. */
static void test_rules_by_group(void **state)
{
    nsf_rules_text_check("{\"web\":[" CAMEL_RULE "],\"mail\":[" CAMEL_RULE "]}",
                         "nsg " GUESSED("mail") " name=mail guessed\n" RULE_SHOWN
                                                "nsg " GUESSED("web") " name=web guessed\n" RULE_SHOWN);
    nsf_rules_text_check(
        "[{\"spec\":{\"rules\":{\"a\":[" CAMEL_RULE "]}}},{\"spec\":{\"securityRules\":[" CAMEL_RULE
        "]}},{\"spec\":{\"x\":{\"a\":[" CAMEL_RULE "]}}}]",
        "nsg " GUESSED("(unnamed, byte 174)") " name=(unnamed, byte 174) guessed\n" RULE_SHOWN "nsg " GUESSED(
            "a (byte 23)") " name=a (byte 23) guessed\n" RULE_SHOWN
                           "nsg " GUESSED("a (byte 351)") " name=a (byte 351) guessed\n" RULE_SHOWN);
    nsf_rules_text_check("{\"a\":[{\"b\":{\"rule\":{\"id\":\"" ID "/securityRules/r\"," CAMEL "}}}]}",
                         "nsg " ID " name=n partial\n" RULE_SHOWN);
    nsf_rules_text_check("{\"a\":{\"b\":" CAMEL_RULE "}}", NONE_KNOWN);
}

/* Rows of queries that took groups apart: the rules of one are no rules of the other. */
static void test_rows(void **state)
{
    const char *both = "nsg " ID " name=n partial\n  r 100 in allow Tcp from=* port=25\n"
                       "  s 90 in deny Tcp from=* port=25\n";
#define ROW(more, name, priority, access)                                                                              \
    "{\"id\":\"" ID "\",\"type\":\"microsoft.network/networksecuritygroups\",\"name\":\"n\"," more "{\"name\":\"" name \
    "\",\"properties\":{\"priority\":" priority ",\"access\":\"" access                                                \
    "\",\"direction\":\"Inbound\",\"protocol\":\"Tcp\",\"sourceAddressPrefix\":\"*\",\"destinationPortRange\":\"25\"}" \
    "}"
    nsf_rules_text_check(
        "{\"data\":[" ROW("\"rules\":", "r", "100", "Allow") "}," ROW("\"rules\":", "s", "90", "Deny") "}]}", both);
    nsf_rules_text_check("[" ROW("\"properties\":{\"securityRules\":", "r", "100",
                                 "Allow") "}}," ROW("\"properties\":{\"securityRules\":", "s", "90", "Deny") "}}]",
                         both);
    nsf_rules_text_check("[{\"id\":\"" ID
                         "\",\"type\":\"microsoft.network/networksecuritygroups\",\"name\":\"n\"," CAMEL
                         "},{\"id\":\"/networkSecurityGroups/o\",\"name\":\"o\",\"ruleName\":\"r\"," CAMEL "}]",
                         "nsg /networkSecurityGroups/o name=o partial\n" RULE_SHOWN "nsg " ID
                         " name=n partial\n  (priority 100) 100 in allow Tcp from=* port=25\n");
    nsf_rules_text_check(
        "[{\"NSG Name\":\"n\",\"Rule Name\":\"r\",\"Resource_Group\":\"g\",\"subscriptionId\":\"s\"," CAMEL
        "},{\"nsg\":{\"id\":\"" ID "\"},\"rule\":\"s\"," CAMEL "}]",
        "nsg " ID " name=n partial\n  r 100 in allow Tcp from=* port=25\n"
        "  s 100 in allow Tcp from=* port=25\n");
}

/* Older PowerShell puts lists into objects. */
static void test_counted_lists(void **state)
{
    nsf_rules_text_check("{\"value\":[{\"Id\":\"" ID
                         "\",\"SecurityRules\":{\"value\":[{\"Name\":\"r\",\"Priority\":100,"
                         "\"Direction\":\"Inbound\",\"Access\":\"Allow\",\"Protocol\":\"Tcp\",\"SourceAddressPrefix\":{"
                         "\"value\":[\"*\"],\"Count\":1},\"DestinationPortRange\":{\"value\":[\"25\"],\"Count\":1}}],"
                         "\"Count\":1}}],\"Count\":1}",
                         SHOWN);
}

/* What only looks like rules of a group. */
static void test_not_groups(void **state)
{
    nsf_rules_text_check("{\"rules\":[{\"name\":\"r\",\"protocols\":[\"TCP\"],\"sourceAddresses\":[\"*\"],"
                         "\"destinationPorts\":[\"25\"],\"priority\":100}]}",
                         NONE_KNOWN);
    nsf_rules_text_check(
        "{\"x\":{\"type\":\"Microsoft.Authorization/policyDefinitions\",\"properties\":{\"then\":[" CAMEL_RULE "]}}}",
        NONE_KNOWN);
}

/* Terraform source in JSON has expressions everywhere; reading it as if it had none would lose rules. */
static void test_terraform_source(void **state)
{
    nsf_rules_text_check(
        "{\"resource\":{\"azurerm_network_security_group\":{\"n\":{\"name\":\"n\",\"security_rule\":[" SNAKE_RULE
        "]}}}}",
        "problem a.json shape: this is Terraform source: give the output of terraform show -json of "
        "its plan or state\n");
    nsf_rules_text_check(
        "{\"resource\":[{\"aws_x\":{}},{\"azurerm_network_security_group\":{\"n\":{\"security_rule\":[" SNAKE_RULE
        "]}}}]}",
        "problem a.json shape: this is Terraform source: give the output of terraform show -json of "
        "its plan or state\n");
}

static void test_security_view(void **state)
{
    nsf_rules_text_check(
        "{\"networkInterfaces\":[{\"id\":\"/i\",\"securityRuleAssociations\":{\"defaultSecurityRules\":[],"
        "\"effectiveSecurityRules\":[],\"networkInterfaceAssociation\":{\"id\":\"/i\",\"securityRules\":["
        "]},\"subnetAssociation\":{\"id\":\"/sub\",\"securityRules\":[{\"id\":\"" ID "/securityRules/r\"," CAMEL
        "}]}}}]}",
        "nsg " ID " name=n subnets=/sub\n" RULE_SHOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inventories),
        cmocka_unit_test(test_recorded_answers),
        cmocka_unit_test(test_pulumi),
        cmocka_unit_test(test_rules_by_group),
        cmocka_unit_test(test_not_groups),
        cmocka_unit_test(test_security_view),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_counted_lists),
        cmocka_unit_test(test_terraform_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

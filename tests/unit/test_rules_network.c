/* What NSGs are attached to: effective rules, interfaces, addresses, networks, admin rules; Resource Graph tables. */
#include "core/nsf_common.h"

#include "support/rules_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define EFFECTIVE_RULE                                                                                                 \
    "{\"name\":\"securityRules/"                                                                                       \
    "smtp\",\"protocol\":\"Tcp\",\"access\":\"Allow\",\"direction\":\"Inbound\",\"priority\":200,"                     \
    "\"sourceAddressPrefix\":\"VirtualNetwork\",\"sourceAddressPrefixes\":[\"VirtualNetwork\"],"                       \
    "\"expandedSourceAddressPrefix\":[\"10.0.0.0/16\",\"0.0.0.0/0\"],\"sourcePortRange\":\"0-65535\","                 \
    "\"destinationPortRange\":\"25-25\",\"destinationPortRanges\":[\"25-25\"]}"
#define EFFECTIVE_NSG(nsg, association)                                                                                \
    "{\"association\":{" association "},\"networkSecurityGroup\":{\"id\":\"" nsg                                       \
    "\"},\"effectiveSecurityRules\":[" EFFECTIVE_RULE                                                                  \
    ",{\"name\":\"defaultSecurityRules/DenyAllInBound\",\"protocol\":\"All\",\"access\":\"Deny\",\"direction\":"       \
    "\"Inbound\",\"priority\":65500}]}"
#define EFFECTIVE_SHOWN                                                                                                \
    "  smtp 200 in allow Tcp from=VirtualNetwork sport=0-65535 port=25-25 expanded=10.0.0.0/16|0.0.0.0/0\n"            \
    "  default DenyAllInBound 65500 in deny All\n"

static void test_effective_rules(void **state)
{
    const char *pair = EFFECTIVE_NSG("/nsgs/s", "\"subnet\":{\"id\":\"/sub\"}") "," EFFECTIVE_NSG(
        "/nsgs/n", "\"networkInterface\":{\"id\":\"/nics/i\"}");
    const char *shown = "subnet /sub nsg=/nsgs/s\nnic /nics/i nsg=/nsgs/n subnets=/sub\n"
                        "nsg /nsgs/n name=n effective nics=/nics/i\n" EFFECTIVE_SHOWN
                        "nsg /nsgs/s name=s effective subnets=/sub\n" EFFECTIVE_SHOWN;
    char text[8192];
    snprintf(text, sizeof(text), "{\"networkSecurityGroups\":[%s],\"nextLink\":null}", pair);
    nsf_rules_text_check(text, shown);
    snprintf(text, sizeof(text), "{\"value\":[%s]}", pair);
    nsf_rules_text_check(text, shown);
    snprintf(text, sizeof(text), "[%s]", pair);
    nsf_rules_text_check(text, shown);
}

/* What one interface has is not mixed with what another has. */
static void test_effective_interfaces(void **state)
{
#define FIRST                                                                                                          \
    EFFECTIVE_NSG("/nsgs/n", "\"networkInterface\":{\"id\":\"/nics/i\"}")                                              \
    "," EFFECTIVE_NSG("/nsgs/s", "\"subnet\":{\"id\":\"/sub\"}")
#define SECOND EFFECTIVE_NSG("/nsgs/m", "\"networkInterface\":{\"id\":\"/nics/k\"}")
    const char *shown = "subnet /sub nsg=/nsgs/s\nnic /nics/i nsg=/nsgs/n subnets=/sub\n"
                        "nic /nics/k nsg=/nsgs/m\n"
                        "nsg /nsgs/m name=m effective nics=/nics/k\n" EFFECTIVE_SHOWN
                        "nsg /nsgs/n name=n effective nics=/nics/i\n" EFFECTIVE_SHOWN
                        "nsg /nsgs/s name=s effective subnets=/sub\n" EFFECTIVE_SHOWN;
    nsf_rules_text_check("[" FIRST "," SECOND "]", shown);
    nsf_rules_text_check("[{\"networkSecurityGroups\":[" FIRST "]},{\"networkSecurityGroups\":[" SECOND "]}]", shown);
    nsf_rules_text_check("{\"vm1\":{\"value\":[" FIRST "]},\"vm2\":{\"value\":[" SECOND "]}}", shown);
}

/* With the definitions beside them, effective rules add what tags hold and nothing else. */
static void test_effective_joins_definitions(void **state)
{
    const char *const texts[] = {
        EFFECTIVE_NSG("/nsgs/s", ""),
        "{\"id\":\"/nsgs/"
        "S\",\"securityRules\":[{\"name\":\"smtp\",\"protocol\":\"Tcp\",\"access\":\"Allow\",\"direction\":\"Inbound\","
        "\"priority\":200,\"sourceAddressPrefix\":\"VirtualNetwork\",\"destinationPortRange\":\"25\"}]}"};
    struct nsf_rules_text result;
    nsf_rules_text_load(texts, 2, NULL, &result);
    assert_string_equal(nsf_buf_str(&result.out),
                        "nsg /nsgs/S name=S\n  default DenyAllInBound 65500 in deny All\n"
                        "  smtp 200 in allow Tcp from=VirtualNetwork port=25 expanded=0.0.0.0/0|10.0.0.0/16\n");
    nsf_buf_release(&result.out);
}

static void test_interfaces(void **state)
{
    const char *shown = "nic /i mac=000D3AAABBCC nsg=/n subnets=/s public=/p private=10.0.0.4 vm=/v balanced\n";
    nsf_rules_text_check(
        "[{\"id\":\"/i\",\"type\":\"Microsoft.Network/networkInterfaces\",\"macAddress\":\"00-0D-3A-aa-bb-cc\","
        "\"networkSecurityGroup\":{\"id\":\"/n\"},\"virtualMachine\":{\"id\":\"/v\"},\"ipConfigurations\":[{\"subnet\":"
        "{\"id\":\"/s\"},\"publicIPAddress\":{\"id\":\"/p\"},\"privateIPAddress\":\"10.0.0.4\","
        "\"loadBalancerInboundNatRules\":[{\"id\":\"/l\"}]}]}]",
        shown);
    nsf_rules_text_check(
        "{\"value\":[{\"id\":\"/"
        "i\",\"properties\":{\"macAddress\":\"000D3AAABBCC\",\"networkSecurityGroup\":{\"id\":\"/n\"},"
        "\"virtualMachine\":{\"id\":\"/v\"},\"ipConfigurations\":[{\"properties\":{\"subnet\":{\"id\":\"/s\"},"
        "\"publicIPAddress\":{\"id\":\"/p\"},\"privateIPAddress\":\"10.0.0.4\",\"loadBalancerBackendAddressPools\":"
        "[{\"id\":\"/l\"}]}}]}}]}",
        shown);
    nsf_rules_text_check(
        "[{\"Id\":\"/i\",\"NetworkSecurityGroup\":null,\"IpConfigurations\":{\"Subnet\":{\"Id\":\"/s\"},"
        "\"PublicIpAddress\":null}}]",
        "nic /i no-nsg subnets=/s no-public\n");
}

static void test_addresses_and_networks(void **state)
{
    nsf_rules_text_check(
        "[{\"id\":\"/p\",\"publicIPAllocationMethod\":\"Static\",\"ipAddress\":\"203.0.113.9\",\"ipConfiguration\":"
        "{\"id\":\"/i/ipConfigurations/c\"}}]",
        "public /p address=203.0.113.9 on=/i/ipConfigurations/c\n");
    nsf_rules_text_check(
        "{\"value\":[{\"id\":\"/v\",\"type\":\"Microsoft.Network/"
        "virtualNetworks\",\"properties\":{\"subnets\":[{\"id\":"
        "\"/v/subnets/a\",\"properties\":{\"networkSecurityGroup\":{\"id\":\"/n\"}}},{\"id\":\"/v/subnets/b\"}]}}]}",
        "subnet /v/subnets/a nsg=/n\nsubnet /v/subnets/b\n");
}

/* Interfaces, subnets and networks that were asked for with what they refer to. */
static void test_expanded_nsgs(void **state)
{
#define EXPANDED_RULE                                                                                                  \
    "{\"name\":\"smtp\",\"properties\":{\"protocol\":\"Tcp\",\"access\":\"Allow\",\"direction\":\"Inbound\","          \
    "\"priority\":200,\"sourceAddressPrefix\":\"*\",\"destinationPortRange\":\"25\"}}"
#define EXPANDED_SUBNET                                                                                                \
    "{\"id\":\"/v/subnets/a\",\"properties\":{\"networkSecurityGroup\":{\"id\":\"/n\",\"properties\":{"                \
    "\"securityRules\":[" EXPANDED_RULE "],\"defaultSecurityRules\":[]}}}}"
#define EXPANDED_SHOWN "nsg /n name=n\n  smtp 200 in allow Tcp from=* port=25\n"
    nsf_rules_text_check(
        "{\"id\":\"/v\",\"type\":\"Microsoft.Network/virtualNetworks\",\"properties\":{\"subnets\":[" EXPANDED_SUBNET
        "]}}",
        "subnet /v/subnets/a nsg=/n\n" EXPANDED_SHOWN);
    nsf_rules_text_check("[{\"id\":\"/i\",\"type\":\"Microsoft.Network/networkInterfaces\",\"properties\":{"
                         "\"ipConfigurations\":[{\"properties\":{\"subnet\":" EXPANDED_SUBNET "}}]}}]",
                         "subnet /v/subnets/a nsg=/n\nnic /i no-nsg subnets=/v/subnets/a no-public\n" EXPANDED_SHOWN);
    nsf_rules_text_check(
        "[{\"Id\":\"/i\",\"NetworkSecurityGroup\":{\"Id\":\"/n\",\"Name\":\"n\",\"SecurityRules\":[{"
        "\"Name\":\"smtp\",\"Protocol\":\"Tcp\",\"Access\":\"Allow\",\"Direction\":\"Inbound\",\"Priority\":"
        "200,\"SourceAddressPrefix\":[\"*\"],\"DestinationPortRange\":[\"25\"]}],\"DefaultSecurityRules\":"
        "[]},\"IpConfigurations\":[]}]",
        "nic /i nsg=/n no-public\n" EXPANDED_SHOWN);
    /* PowerShell, not asked: the lists are there and say nothing. */
    nsf_rules_text_check("[{\"Id\":\"/i\",\"NetworkSecurityGroup\":{\"Id\":\"/n\",\"SecurityRules\":[],"
                         "\"DefaultSecurityRules\":[]},\"IpConfigurations\":[]}]",
                         "nic /i nsg=/n no-public\n");
}

static void test_admin_rules(void **state)
{
    nsf_rules_text_check(
        "{\"value\":[{\"id\":\"/networkManagers/m/securityAdminConfigurations/c/ruleCollections/rc/rules/r\",\"kind\":"
        "\"Custom\",\"region\":\"eastus\",\"properties\":{\"access\":\"AlwaysAllow\",\"direction\":\"Inbound\","
        "\"priority\":5,"
        "\"protocol\":\"Tcp\",\"sources\":[{\"addressPrefix\":\"Internet\",\"addressPrefixType\":\"ServiceTag\"}],"
        "\"destinations\":[{\"addressPrefix\":\"*\",\"addressPrefixType\":\"IPPrefix\"}],\"sourcePortRanges\":[\"0-"
        "65535\"],"
        "\"destinationPortRanges\":[\"25\"]}}]}",
        "admin AlwaysAllow collection=rc region=eastus\n"
        "  r 5 in allow Tcp from=Internet sport=0-65535 to=* port=25\n");
    nsf_rules_text_check(
        "[{\"name\":\"x\",\"access\":\"Deny\",\"priority\":1,\"protocol\":\"Any\",\"destinations\":[],\"sources\":[{"
        "\"addressPrefix\":\"/g\",\"addressPrefixType\":\"NetworkGroup\"}]}]",
        "admin Deny direction-assumed\n  x 1 in deny Any from=/g UNREADABLE 10 (source: cannot evaluate /g)\n");
}

static void test_graph_table(void **state)
{
    nsf_rules_text_check(
        "{\"count\":1,\"data\":{\"columns\":[{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"properties\",\"type\":"
        "\"object\"}],\"rows\":[[\"/n\",{\"securityRules\":[]}]]}}",
        "nsg /n name=n\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_effective_rules),
        cmocka_unit_test(test_effective_interfaces),
        cmocka_unit_test(test_effective_joins_definitions),
        cmocka_unit_test(test_interfaces),
        cmocka_unit_test(test_addresses_and_networks),
        cmocka_unit_test(test_expanded_nsgs),
        cmocka_unit_test(test_admin_rules),
        cmocka_unit_test(test_graph_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

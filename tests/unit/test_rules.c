/* Reading rules: az CLI and ARM REST in their forms, merging, what is refused and how. */
#include "core/nsf_common.h"

#include "support/rules_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#define ID(name) "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/" name

/* --- az and ARM ------------------------------------------------------------------------------------------------ */

#define AZ_RULE(name, priority, access, source)                                                                        \
    "{\"name\":\"" name "\",\"id\":\"" ID(                                                                             \
        "n") "/securityRules/" name "\",\"priority\":" priority ",\"direction\":\"Inbound\",\"access\":\"" access      \
             "\",\"protocol\":\"Tcp\",\"sourceAddressPrefix\":\"" source                                               \
             "\",\"sourcePortRange\":\"*\",\"destinationAddressPrefix\":\"*\",\"destinationPortRange\":\"25\"}"
#define AZ_NSG(rules) "{\"id\":\"" ID("n") "\",\"name\":\"n\",\"securityRules\":[" rules "]}"

static void test_az_forms(void **state)
{
    const char *open = "nsg " ID("n") " name=n\n  r 100 in allow Tcp from=* sport=* to=* port=25\n";
    nsf_rules_text_check("[" AZ_NSG(AZ_RULE("r", "100", "Allow", "*")) "]", open);
    nsf_rules_text_check(AZ_NSG(AZ_RULE("r", "\"100\"", "Allow", "*")), open);
    nsf_rules_text_check("{\"NewNSG\":" AZ_NSG(AZ_RULE("r", "100.0", "Allow", "*")) "}", open);
    nsf_rules_text_check("\xef\xbb\xbf" AZ_NSG(AZ_RULE("r", "100", "Allow", "*")), open);
    nsf_rules_text_check("[[" AZ_NSG(AZ_RULE("r", "100", "Allow", "*")) "],[]]", open);
    nsf_rules_text_check(AZ_NSG(AZ_RULE("r", "100", "Allow", "*")) "\n" AZ_NSG(AZ_RULE("r", "100", "Allow", "*")),
                         open);
}

static void test_arm_and_graph_forms(void **state)
{
    const char *open = "nsg " ID("n") " name=n guid=G owner=mail team\n  r 100 in allow TCP from=Internet to=10.0.0.4 "
                                      "port=25|587\n  default d 65500 in deny * from=*\n";
#define ARM_NSG(type)                                                                                                  \
    "{\"name\":\"n\",\"id\":\"" ID("n") "\",\"type\":\"" type "\",\"tags\":{\"Owner\":\"mail team\"},\"properties\":{" \
                                        "\"resourceGuid\":\"G\",\"securityRules\":[{\"name\":\"r\",\"properties\":{"   \
                                        "\"protocol\":\"TCP\",\"priority\":100,"                                       \
                                        "\"direction\":\"inbound\",\"access\":\"allow\",\"sourceAddressPrefix\":"      \
                                        "\"Internet\",\"destinationPortRange\":25,"                                    \
                                        "\"destinationPortRanges\":[\"25\",587],\"destinationAddressPrefixes\":[\"10." \
                                        "0.0.4\"],\"sourceAddressPrefixes\":[]}}],"                                    \
                                        "\"defaultSecurityRules\":[{\"name\":\"d\",\"properties\":{\"protocol\":\"*"   \
                                        "\",\"priority\":65500,\"direction\":"                                         \
                                        "\"Inbound\",\"access\":\"Deny\",\"sourceAddressPrefix\":\"*\"}}]}}"
    nsf_rules_text_check("{\"value\":[" ARM_NSG("Microsoft.Network/networkSecurityGroups") "],\"nextLink\":null}",
                         open);
    nsf_rules_text_check("{\"count\":1,\"data\":[" ARM_NSG("microsoft.network/networksecuritygroups") "]}", open);
    nsf_rules_text_check("{\"data\":[{\"name\":\"n\",\"id\":\"" ID(
                             "n") "\",\"type\":\"microsoft.network/networksecuritygroups\""
                                  ",\"properties\":\"{\\\"resourceGuid\\\":\\\"G\\\",\\\"securityRules\\\":[]}\"}]}",
                         "nsg " ID("n") " name=n guid=G\n");
    nsf_rules_text_check("{\"data\":[{\"id\":\"" ID(
                             "n") "\",\"properties_securityRules\":[{\"name\":\"r\",\"properties\":{\"priority\":7,"
                                  "\"direction\":\"Inbound\",\"access\":\"Deny\",\"protocol\":\"*\"}}]}]}",
                         "nsg " ID("n") " name=n\n  r 7 in deny *\n");
}

static void test_rule_lists(void **state)
{
    nsf_rules_text_check("[" AZ_RULE("a", "100", "Allow", "*") "," AZ_RULE("b", "110", "Deny", "Internet") "]",
                         "nsg " ID("n") " name=n partial\n  a 100 in allow Tcp from=* sport=* to=* port=25\n"
                                        "  b 110 in deny Tcp from=Internet sport=* to=* port=25\n");
    nsf_rules_text_check(
        "[{\"name\":\"x\",\"direction\":\"Inbound\",\"access\":\"Allow\",\"priority\":5,\"protocol\":\"*\"}]",
        "nsg /subscriptions/{subscription}/resourceGroups/{resourceGroup}/providers/Microsoft.Network/"
        "networkSecurityGroups/(rules of a.json) name=(rules of a.json) partial guessed\n"
        "  x 5 in allow *\n");
}

static void test_unset_and_unreadable(void **state)
{
    nsf_rules_text_check(
        "{\"id\":\"" ID(
            "n") "\",\"securityRules\":[{\"name\":\"r\",\"priority\":7,\"direction\":\"Inbound\","
                 "\"access\":\"Allow\",\"protocol\":\"Tcp\",\"sourceAddressPrefix\":null,\"sourceAddressPrefixes\":["
                 "\"\"],"
                 "\"destinationPortRange\":\"\",\"destinationPortRanges\":[],\"sourceApplicationSecurityGroups\":null}]"
                 ","
                 "\"subnets\":null,\"networkInterfaces\":[{\"id\":\"i\",\"macAddress\":\"00-0d-3a-00-00-01\"}]}",
        "nsg " ID("n") " name=n nics=i macs=000D3A000001\n  r 7 in allow Tcp\n");
    nsf_rules_text_check(
        "{\"id\":\"" ID(
            "n") "\",\"securityRules\":[{\"name\":\"r\",\"priority\":-1,\"direction\":\"up\","
                 "\"sourceAddressPrefix\":{}, \"destinationPortRange\":true}],\"subnets\":[],\"networkInterfaces\":[]}",
        "nsg " ID("n") " name=n no-subnets no-nics\n  r 0 ? ?  UNREADABLE 8b (priority: no whole number: \"-1\"; "
                       "direction: unknown word \"up\"; no access; destination port: neither text nor a list)\n");
    nsf_rules_text_check("{\"id\":\"" ID("n") "\",\"type\":\"Microsoft.Network/networkSecurityGroups\"}",
                         "nsg " ID("n") " name=n more\n");
}

static void test_powershell(void **state)
{
    nsf_rules_text_check(
        "{\"Name\":\"n\",\"Id\":\"" ID(
            "n") "\",\"SecurityRules\":{\"Name\":\"r\",\"Protocol\":\"Tcp\",\"Priority\":"
                 "100,\"Direction\":\"Inbound\",\"Access\":\"Allow\",\"SourceAddressPrefix\":[\"*\"],"
                 "\"DestinationPortRange\":"
                 "[\"25\",\"587\"],\"SourcePortRange\":\"1 2\",\"SourceApplicationSecurityGroups\":[]},\"Subnets\":[],"
                 "\"Tag\":{\"owner\":\"me\"}}",
        "nsg " ID("n") " name=n owner=me no-subnets\n  r 100 in allow Tcp from=* sport=1|2 port=25|587\n");
    nsf_rules_text_check(
        "[{\"Name\":\"n\",\"Id\":\"" ID("n") "\",\"SecurityRules\":[\"Microsoft.Azure.Commands.Network.Models."
                                             "PSSecurityRule\"],\"DefaultSecurityRules\":[]}]",
        "problem a.json shape: the rules of \"n\" were lost by a PowerShell export that was not deep enough: "
        "export again with ConvertTo-Json -Depth 20\n");
    nsf_rules_text_check("[{\"Name\":\"n\",\"Id\":\"" ID(
                             "n") "\",\"SecurityRules\":[\"Microsoft.Azure.Commands.Network.Models."
                                  "PSSecurityRule\"],\"SecurityRulesText\":\"[{\\\"Name\\\":\\\"r\\\",\\\"Priority\\\":"
                                  "7,\\\"Direction\\\":"
                                  "\\\"Inbound\\\",\\\"Access\\\":\\\"Deny\\\",\\\"Protocol\\\":\\\"*\\\"}]\"}]",
                         "nsg " ID("n") " name=n\n  r 7 in deny *\n");
}

/* --- Merging --------------------------------------------------------------------------------------------------- */

static void check_texts(const char *const *texts, size_t n, const struct nsf_rules_text_options *options,
                        const char *expected)
{
    struct nsf_rules_text result;
    nsf_rules_text_load(texts, n, options, &result);
    assert_string_equal(nsf_buf_str(&result.out), expected);
    nsf_buf_release(&result.out);
}

static void test_same_nsg_twice(void **state)
{
    const char *const same[] = {
        AZ_NSG(AZ_RULE("r", "100", "Allow", "*")),
        "[{\"id\":\"" ID("N") "\",\"securityRules\":[{\"name\":\"R\",\"protocol\":\"6\",\"priority\":100,"
                              "\"direction\":\"Inbound\",\"access\":\"Allow\",\"sourceAddressPrefixes\":[\"any\"],"
                              "\"destinationPortRanges\":[\"25-25\"]}]}]"};
    check_texts(same, 2, NULL, "nsg " ID("N") " name=N\n  R 100 in allow Tcp from=* sport=* to=* port=25\n");
    const char *const other_order[] = {same[1], same[0]};
    check_texts(other_order, 2, NULL, "nsg " ID("N") " name=N\n  R 100 in allow 6 from=any port=25-25\n");
}

static void test_contradictions(void **state)
{
    const char *const allow[] = {AZ_NSG(AZ_RULE("r", "100", "Allow", "*")),
                                 AZ_NSG(AZ_RULE("r", "100", "Allow", "10.0.0.0/8"))};
    check_texts(allow, 2, NULL,
                "nsg " ID("n") " name=n\n  r 100 in allow Tcp from=* sport=* to=* port=25\n"
                               "  r 100 in allow Tcp from=10.0.0.0/8 sport=* to=* port=25\n"
                               "  note rule \"r\" is defined differently in a.json line 1 and b.json line 1: the most "
                               "open reading counts\n");
    const char *const missing[] = {AZ_NSG(AZ_RULE("d", "90", "Deny", "*")), AZ_NSG("")};
    check_texts(
        missing, 2, NULL,
        "nsg " ID(
            "n") " name=n\n  d 90 in deny Tcp from=* sport=* to=* port=25 UNREADABLE ff (the inputs contradict each "
                 "other about this rule)\n  note rule \"d\" stands in a.json line 1 but not in every input that "
                 "defines this NSG\n");
}

static void test_partial_joins_whole(void **state)
{
    const char *const texts[] = {AZ_NSG(""), "[" AZ_RULE("r", "100", "Allow", "*") "]"};
    check_texts(texts, 2, NULL, "nsg " ID("n") " name=n\n  r 100 in allow Tcp from=* sport=* to=* port=25\n");
}

/* Nothing but what has to be merged is held: the same comes out, in the order of the documents. */
static void test_second_reading(void **state)
{
    const char *const texts[] = {
        "[{\"id\":\"/1\",\"securityRules\":[]},{\"id\":\"/2\",\"securityRules\":[]},{\"id\":\"/"
        "3\",\"securityRules\":[]}]",
        "{\"value\":[{\"id\":\"/4\",\"securityRules\":[]},{\"id\":\"/2\",\"name\":\"two\",\"securityRules\":[]}]}",
        "[" AZ_RULE("r", "100", "Allow", "*") "]", AZ_NSG("")};
    const struct nsf_rules_text_options tight = {.held_max_bytes = 1, .no_rules = true};
    check_texts(texts, 4, &tight,
                "nsg /3 name=3 0 rules\nnsg /4 name=4 0 rules\nnsg /1 name=1 0 rules\n"
                "nsg /2 name=2 0 rules\nnsg " ID("n") " name=n 1 rules\n");
    const struct nsf_rules_text_options roomy = {.no_rules = true};
    check_texts(texts, 4, &roomy,
                "nsg /1 name=1 0 rules\nnsg /2 name=2 0 rules\nnsg /3 name=3 0 rules\n"
                "nsg /4 name=4 0 rules\nnsg " ID("n") " name=n 1 rules\n");
}

/* --- What is refused ------------------------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
    static const struct {
        const char *text;
        enum nsf_code code;
        const char *says;
    } cases[] = {
        {"", NSF_E_EMPTY, "the file is empty"},
        {" \n", NSF_E_EMPTY, "the file is empty"},
        {"[]", NSF_E_EMPTY, "the list is empty"},
        {"{\"value\":[]}", NSF_E_EMPTY, "the list is empty"},
        {"{\"records\":[{\"time\":\"x\"}]}", NSF_E_SHAPE, "this is a flow log"},
        {"{\"records\":[]}", NSF_E_SHAPE, "this is a flow log"},
        {",{\"time\":\"x\"}", NSF_E_SHAPE, "this is a flow log"},
        {"{\"time\":\"t\",\"category\":\"FlowLogFlowEvent\",\"flowRecords\":{}}", NSF_E_SHAPE, "this is a flow log"},
        {"{\"changeNumber\":1,\"cloud\":\"Public\",\"values\":[]}", NSF_E_SHAPE, "list of service tags"},
        {"{\"pytest-terraform\":1,\"resources\":{}}", NSF_E_SHAPE, "pytest-terraform fixture"},
        {"{\"version\":3,\"serial\":1,\"modules\":[]}", NSF_E_SHAPE, "before 0.12"},
        {"{\"$schema\":\"x/deploymentParameters.json#\",\"parameters\":{}}", NSF_E_SHAPE, "parameters file"},
        {"{\"schema\":\"nsgflow.review/1\"}", NSF_E_SHAPE, "review or report of nsgflow"},
        {"<?xml version=\"1.0\"?>", NSF_E_SHAPE, "this is XML"},
        {"a,b,c\n1,2,3\n", NSF_E_SHAPE, "this is CSV"},
        {"resource x 'Microsoft.Network/networkSecurityGroups@2020' = {", NSF_E_SHAPE, "Bicep source"},
        {"resource \"azurerm_network_security_group\" \"x\" {", NSF_E_SHAPE, "Terraform source"},
        {"\x1f\x8b\x08\x01", NSF_E_SHAPE, "gzip"},
        {"hello", NSF_E_SHAPE, "no JSON"},
        {"{\"a\":1}", NSF_E_SHAPE, "no network security groups in any form"},
        {"[1,2]", NSF_E_SHAPE, "no network security groups in any form"},
        {"[{\"id\":\"x\",\"type\":\"Microsoft.Compute/virtualMachines\"}]", NSF_E_EMPTY,
         "only resources of other types"},
        {"{\"value\":[", NSF_E_SHAPE, "ends in the middle"},
        {"[nul]", NSF_E_SHAPE, "invalid"},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        struct nsf_rules_text result;
        nsf_rules_text_load(&cases[i].text, 1, NULL, &result);
        if (result.code != cases[i].code || strstr(result.err.text, cases[i].says) == NULL)
            print_error("case %zu: %s: %s\n", i, nsf_code_name(result.code), result.err.text);
        assert_int_equal(result.code, cases[i].code);
        assert_non_null(strstr(result.err.text, cases[i].says));
        assert_string_equal(result.err.subject, "a.json");
        assert_int_equal(nsf_code_status(result.code), 4);
        nsf_buf_release(&result.out);
    }
}

static void test_wrong_paths(void **state)
{
    char folder[] = "/tmp/nsgflow-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct nsf_rules_text result;
    nsf_rules_text_load_path(folder, NULL, &result);
    assert_int_equal(result.code, NSF_E_EMPTY);
    assert_string_equal(result.err.text, "the folder holds no files");
    assert_string_equal(result.err.subject, folder);
    nsf_buf_release(&result.out);
    assert_int_equal(rmdir(folder), 0);
    nsf_rules_text_load_path(folder, NULL, &result);
    assert_int_equal(result.code, NSF_E_IO);
    nsf_buf_release(&result.out);
}

static void test_damage_keeps_what_came_before(void **state)
{
    nsf_rules_text_check("[" AZ_NSG("") ",{\"id\":\"/2\",\"securityRules\":[",
                         "nsg " ID("n") " name=n\nproblem a.json truncated: the JSON ends in the middle of a value\n");
    nsf_rules_text_check(
        "[" AZ_NSG("") ",7,{\"a\":1}]",
        "nsg " ID("n") " name=n\nproblem a.json shape: 2 of the elements cannot be used; the first is JSON of no "
                       "kind that is known here\n");
}

static void test_forced_shape(void **state)
{
    const char *const texts[] = {"[{\"id\":\"/x\"}]", AZ_NSG("")};
    const struct nsf_rules_text_options az = {.shape = NSF_INPUT_SHAPE_AZ};
    check_texts(texts, 2, &az, "nsg " ID("n") " name=n\nnsg /x name=x more\n");
    const struct nsf_rules_text_options terraform = {.shape = NSF_INPUT_SHAPE_TERRAFORM};
    check_texts(texts + 1, 1, &terraform,
                "problem a.json shape: this is a network security group, not what --input-shape terraform says\n");
    enum nsf_input_shape shape;
    assert_true(nsf_input_shape_parse(NSF_SLICE_LIT("What-If"), &shape) && shape == NSF_INPUT_SHAPE_WHAT_IF);
    assert_false(nsf_input_shape_parse(NSF_SLICE_LIT("visio"), &shape));
}

static void test_utf16(void **state)
{
    const char *json = "[{\"id\":\"/\xc3\xa9\xf0\x9f\x94\x92\",\"securityRules\":[]}]";
    static const uint16_t tail[] = {0xe9, 0xd83d, 0xdd12};
    char path[] = "/tmp/nsgflow-test-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fwrite("\xff\xfe", 1, 2, file);
    for (const char *c = json; *c != '\0'; c++) {
        if ((unsigned char)*c == 0xc3)
            fwrite(tail, 2, 3, file);
        if ((unsigned char)*c < 0x80)
            fwrite((char[]){*c, '\0'}, 1, 2, file);
    }
    assert_int_equal(fclose(file), 0);
    struct nsf_rules_text result;
    nsf_rules_text_load_path(path, NULL, &result);
    assert_string_equal(nsf_buf_str(&result.out), "nsg /\xc3\xa9\xf0\x9f\x94\x92 name=\xc3\xa9\xf0\x9f\x94\x92\n");
    nsf_buf_release(&result.out);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_az_forms),       cmocka_unit_test(test_arm_and_graph_forms),
        cmocka_unit_test(test_rule_lists),     cmocka_unit_test(test_unset_and_unreadable),
        cmocka_unit_test(test_powershell),     cmocka_unit_test(test_same_nsg_twice),
        cmocka_unit_test(test_contradictions), cmocka_unit_test(test_partial_joins_whole),
        cmocka_unit_test(test_second_reading), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_wrong_paths),    cmocka_unit_test(test_damage_keeps_what_came_before),
        cmocka_unit_test(test_forced_shape),   cmocka_unit_test(test_utf16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Findings of other tools, read into one list. */
#include "core/nsf_common.h"

#include "support/rules_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ID "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n"

#define KNOWN_FROM(tool) "  note known only from a finding of " tool ": its rules were not given\n"

static void test_own_scan(void **state)
{
    nsf_rules_text_check("{\"schema\":\"nsgflow.scan/1\",\"tool\":{},\"nsgs\":[{\"nsg\":\"" ID
                         "\",\"verdict\":\"exposed\"},{\"nsg\":\"x\",\"verdict\":"
                         "\"restricted\"}],\"findings\":[{\"nsg\":\"" ID
                         "\",\"rule\":\"r\",\"priority\":200,\"verdict\":\"partial\",\"sources\":[\"Internet\"]}]}",
                         "finding nsgflow scan open said=exposed nsg=" ID
                         " id smtp\nfinding nsgflow scan closed said=restricted nsg=x smtp\n"
                         "finding nsgflow scan partial said=partial nsg=" ID
                         " rule=r priority=200 from=Internet id smtp\n"
                         "nsg " ID " name=n\n  r 200 in allow Tcp from=Internet port=25\n" KNOWN_FROM(
                             "nsgflow") "nsg x name=x\n" KNOWN_FROM("nsgflow"));
}

static void test_cloudsploit(void **state)
{
#define RESULT(plugin, status, message)                                                                                \
    "{\"plugin\":\"" plugin "\",\"category\":\"Network Security Groups\",\"title\":\"" plugin "\",\"resource\":\"" ID  \
    "\",\"region\":\"e\",\"status\":\"" status "\",\"message\":\"" message "\"}"
    nsf_rules_text_check(
        "[" RESULT("openSMTP", "FAIL",
                   "Security group:(n) has SMTP: Security Rule \\\"a\\\": TCP port 25 open to * and Security Rule "
                   "\\\"b\\\": x") "," RESULT("openSMTP", "OK", "fine") "," RESULT("openSSH", "FAIL",
                                                                                   "Security Rule \\\"c\\\": x") "]",
        "finding CloudSploit openSMTP open said=FAIL nsg=" ID " rule=a from=* id smtp\n"
        "finding CloudSploit openSMTP open said=FAIL nsg=" ID " rule=b id smtp\n"
        "finding CloudSploit openSMTP closed said=OK nsg=" ID " id smtp\n"
        "finding CloudSploit openSSH open said=FAIL nsg=" ID " rule=c id\n"
        "nsg " ID
        " name=n more\n  a 4096 in allow Tcp from=* port=25\n  b 4096 in allow Tcp from=* port=25\n" KNOWN_FROM(
            "CloudSploit") "  note CloudSploit finds TCP 25 closed, which cannot be checked without the rules\n"
                           "  note CloudSploit does not say the priority of rule \"a\": taken for 4096\n"
                           "  note CloudSploit does not say the priority of rule \"b\": taken for 4096\n"
                           "  note CloudSploit does not say from where rule \"b\" is open: taken for everywhere\n");
}

static void test_checkov(void **state)
{
#define CHECK(name, result, resource)                                                                                  \
    "{\"check_id\":\"CKV_X_1\",\"check_name\":\"" name "\",\"check_result\":{\"result\":\"" result                     \
    "\"},\"file_path\":\"/main.tf\","                                                                                  \
    "\"file_line_range\":[53,66],\"resource\":\"" resource "\"}"
#define GROUP_CHECK CHECK("SSH", "PASSED", "azurerm_network_security_group.g")
#define RULE_CHECK CHECK("no port 25", "FAILED", "module.m.azurerm_network_security_rule.r")
#define OTHER_CHECK CHECK("port 2525", "FAILED", "azurerm_storage_account.s")
#define SKIPPED_CHECK CHECK("SMTP", "SKIPPED", "azurerm_network_security_rule.q")
#define REPORT                                                                                                         \
    "{\"check_type\":\"terraform\",\"results\":{\"passed_checks\":[" GROUP_CHECK "],\"failed_checks\":[" RULE_CHECK    \
    "," OTHER_CHECK "],\"skipped_checks\":[" SKIPPED_CHECK "]},\"summary\":{}}"
#define REPORTED                                                                                                       \
    "finding Checkov CKV_X_1 closed said=PASSED nsg=azurerm_network_security_group.g target=/main.tf:53\n"             \
    "finding Checkov CKV_X_1 open said=FAILED nsg=module.m.azurerm_network_security_rule.r rule=r target=/main.tf:53 " \
    "smtp\n"                                                                                                           \
    "finding Checkov CKV_X_1 unknown said=SKIPPED nsg=azurerm_network_security_rule.q rule=q target=/main.tf:53 "      \
    "smtp\n"
    nsf_rules_text_check(REPORT, REPORTED);
    nsf_rules_text_check("[" REPORT "]", REPORTED);
}

static void test_sarif(void **state)
{
    nsf_rules_text_check(
        "{\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"name\":\"Checkov\",\"rules\":[{\"id\":\"C\","
        "\"name\":\"Open SMTP\",\"help\":"
        "{\"text\":\"x\\nResource: azurerm_network_security_rule.r\"}}]}},\"results\":["
        "{\"ruleId\":\"C\",\"ruleIndex\":0,\"level\":\"error\",\"message\":{\"text\":\"m\"},\"locations\":[{"
        "\"physicalLocation\":{"
        "\"artifactLocation\":{\"uri\":\"main.tf\"},\"region\":{\"startLine\":9}}}]},"
        "{\"ruleId\":\"C\",\"kind\":\"pass\",\"message\":{\"text\":\"m\"},\"locations\":[{\"logicalLocations\":[{"
        "\"fullyQualifiedName\":\"" ID "/securityRules/q\"}]}]},"
        "{\"ruleId\":\"C\",\"suppressions\":[{}],\"message\":{\"text\":\"rule in " ID "'s list\"}},"
        "{\"ruleId\":\"D\",\"message\":{\"text\":\"about storage\"}}]}]}",
        "finding Checkov C open said=error nsg=azurerm_network_security_rule.r rule=r target=main.tf:9 smtp\n"
        "finding Checkov C closed said=pass nsg=" ID " rule=q id smtp\n"
        "finding Checkov C unknown said=suppressed nsg=" ID " id smtp\n"
        "nsg " ID " name=n more\n" KNOWN_FROM(
            "Checkov") "  note Checkov says \"suppressed\" of it\n"
                       "  note Checkov finds TCP 25 closed, which cannot be checked without the rules\n");
}

static void test_ocsf(void **state)
{
    nsf_rules_text_check(
        "[{\"class_uid\":2004,\"metadata\":{\"event_code\":\"network_smtp_internet\",\"product\":{\"name\":\"Prowler\"}"
        "},\"status_code\":"
        "\"FAIL\",\"status_detail\":\"d\",\"finding_info\":{\"title\":\"t\"},\"resources\":[{\"uid\":\"" ID
        "\",\"name\":\"n\"}]},"
        "{\"class_uid\":2004,\"metadata\":{\"event_code\":\"storage\"},\"finding_info\":{},\"resources\":[{\"uid\":\"/"
        "x\"}]}]",
        "finding Prowler network_smtp_internet open said=FAIL nsg=" ID " id smtp\n"
        "nsg " ID " name=n more\n" KNOWN_FROM("Prowler") "  note Prowler finds TCP 25 open but names no rule\n");
}

/* What is defined is not made up from findings; what speaks of other ports makes no NSG. */
static void test_definitions_come_first(void **state)
{
    struct nsf_rules_text result;
    const char *const texts[] = {"[" RESULT("openSMTP", "FAIL", "Security Rule \\\"a\\\": TCP port 25 open to *") "]",
                                 "{\"id\":\"" ID "\",\"securityRules\":[]}"};
    nsf_rules_text_load(texts, 2, NULL, &result);
    assert_string_equal(nsf_buf_str(&result.out), "finding CloudSploit openSMTP open said=FAIL nsg=" ID
                                                  " rule=a from=* id smtp\nnsg " ID " name=n\n");
    nsf_buf_release(&result.out);
    nsf_rules_text_check("[" RESULT("openSSH", "FAIL", "x") "]",
                         "finding CloudSploit openSSH open said=FAIL nsg=" ID " id\n");
}

/* Read, but nothing to start from. */
static void test_no_finding_of_interest(void **state)
{
    struct nsf_rules_text result;
    const char *text = "[{\"plugin\":\"vm\",\"status\":\"OK\",\"resource\":\"/v\",\"category\":\"VMs\"}]";
    nsf_rules_text_load(&text, 1, NULL, &result);
    assert_int_equal(result.code, NSF_E_EMPTY);
    assert_int_equal(result.summary.n_files_read, 1);
    nsf_buf_release(&result.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_scan),
        cmocka_unit_test(test_cloudsploit),
        cmocka_unit_test(test_checkov),
        cmocka_unit_test(test_sarif),
        cmocka_unit_test(test_ocsf),
        cmocka_unit_test(test_no_finding_of_interest),
        cmocka_unit_test(test_definitions_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

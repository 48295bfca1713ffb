/* ARM templates: expressions, copy loops, nested resources and deployments, wrappers, what-if. */
#include "core/nsf_common.h"

#include "support/rules_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GUESSED(name)                                                                                                  \
    "/subscriptions/{subscription}/resourceGroups/{resourceGroup}/providers/Microsoft.Network/"                        \
    "networkSecurityGroups/" name
#define NSG_TYPE "\"type\":\"Microsoft.Network/networkSecurityGroups\""
#define RULE_TYPE "\"type\":\"Microsoft.Network/networkSecurityGroups/securityRules\""
#define PROPERTIES(source)                                                                                             \
    "{\"priority\":100,\"direction\":\"Inbound\",\"access\":\"Allow\",\"protocol\":\"Tcp\",\"destinationPortRange\":"  \
    "\"25\","                                                                                                          \
    "\"sourceAddressPrefix\":\"" source "\"}"
#define TEMPLATE(body)                                                                                                 \
    "{\"$schema\":\"https://schema.management.azure.com/schemas/2019-04-01/"                                           \
    "deploymentTemplate.json#\",\"contentVersion\":"                                                                   \
    "\"1.0.0.0\"," body "}"
#define NSG(name, rules) "{" NSG_TYPE ",\"name\":\"" name "\",\"properties\":{\"securityRules\":[" rules "]}}"
#define RULE(name, source) "{\"name\":\"" name "\",\"properties\":" PROPERTIES(source) "}"

/* --- Expressions ----------------------------------------------------------------------------------------------- */

#define PARAMETERS                                                                                                     \
    "\"parameters\":{\"text\":{\"type\":\"string\",\"defaultValue\":\"Internet\"},\"list\":{\"type\":\"array\","       \
    "\"defaultValue\":"                                                                                                \
    "[\"10.0.0.0/8\",\"1.2.3.4\"]},\"none\":{\"type\":\"string\"},\"n\":{\"type\":\"int\",\"defaultValue\":3},"        \
    "\"chain\":{\"type\":\"string\",\"defaultValue\":\"[concat(parameters('text'),'!')]\"},\"loop\":{\"type\":"        \
    "\"string\","                                                                                                      \
    "\"defaultValue\":\"[parameters('loop')]\"},\"yes\":{\"type\":\"bool\",\"defaultValue\":true}},"                   \
    "\"variables\":{\"v\":\"[parameters('list')[1]]\",\"deep\":{\"A\":{\"b\":[\"x\",{\"c\":\"found\"}]}},\"self\":\"[" \
    "variables('self')]\","                                                                                            \
    "\"copy\":[{\"name\":\"copied\",\"count\":2,\"input\":\"[format('r{0}', copyIndex('copied'))]\"}]},"               \
    "\"functions\":[{\"namespace\":\"my\",\"members\":{\"pair\":{\"parameters\":[{\"name\":\"a\"},{\"name\":\"b\"}],"  \
    "\"output\":{"                                                                                                     \
    "\"value\":\"[concat(parameters('a'),'-',parameters('b'))]\"}}}}],"

static void test_expressions(void **state)
{
    static const struct {
        const char *expression;
        const char *value; /* NULL: unresolved */
    } cases[] = {
        {"*", "*"},
        {"[[literal]", "[literal]"},
        {"[parameters('text')]", "Internet"},
        {"[PARAMETERS( 'TEXT' )]", "Internet"},
        {"[parameters('list')]", "10.0.0.0/8|1.2.3.4"},
        {"[parameters('list')[0]]", "10.0.0.0/8"},
        {"[parameters('none')]", NULL},
        {"[parameters('absent')]", NULL},
        {"[parameters('loop')]", NULL},
        {"[parameters('chain')]", "Internet!"},
        {"[variables('v')]", "1.2.3.4"},
        {"[variables('deep').a.B[1].c]", "found"},
        {"[variables('deep')['A'].b[sub(1,1)]]", "x"},
        {"[variables('deep').a.missing]", NULL},
        {"[variables('self')]", NULL},
        {"[variables('copied')[1]]", "r1"},
        {"[my.pair('x', string(parameters('n')))]", "x-3"},
        {"[concat('a', 'it''s', parameters('n'), true())]", "ait's3True"},
        {"[concat(parameters('list'), createArray('x'))]", "10.0.0.0/8|1.2.3.4|x"},
        {"[concat('a', parameters('none'))]", NULL},
        {"[format('{0}.{{{1}}}', 'a', 2)]", "a.{2}"},
        {"[format('{0:N2}', 2)]", NULL},
        {"[toLower('ABC')]", "abc"},
        {"[toUpper('abc')]", "ABC"},
        {"[trim(' x ')]", "x"},
        {"[replace('a-b-c','-','.')]", "a.b.c"},
        {"[split('a,b;c', createArray(',',';'))]", "a|b|c"},
        {"[split('10.0.0.1','.')[3]]", "1"},
        {"[join(parameters('list'),'+')]", "10.0.0.0/8+1.2.3.4"},
        {"[substring('abcdef', 1, 3)]", "bcd"},
        {"[substring('abc', 4)]", NULL},
        {"[take(parameters('list'),1)]", "10.0.0.0/8"},
        {"[skip('abc',1)]", "bc"},
        {"[first('abc')]", "a"},
        {"[last(parameters('list'))]", "1.2.3.4"},
        {"[if(parameters('yes'),'a','b')]", "a"},
        {"[if(equals(parameters('text'),'internet'),'a','b')]", "b"},
        {"[if(and(parameters('yes'),not(empty(parameters('list')))),'a','b')]", "a"},
        {"[if(or(equals(parameters('none'),'x'),true()),'a','b')]", "a"},
        {"[if(equals(parameters('none'),'x'),'a','b')]", NULL},
        {"[if(contains(parameters('list'),'1.2.3.4'),'a','b')]", "a"},
        {"[if(greater(length('abc'),2),'a','b')]", "a"},
        {"[if(lessOrEquals(mul(2,3),mod(20,7)),'a','b')]", "a"},
        {"[coalesce(null(),'a')]", "a"},
        {"[union(parameters('list'),createArray('1.2.3.4','9.9.9.9'))]", "10.0.0.0/8|1.2.3.4|9.9.9.9"},
        {"[flatten(createArray(createArray('a'),createArray('b','c')))]", "a|b|c"},
        {"[objectKeys(createObject('b',1,'a',2))]", "a|b"},
        {"[items(createObject('k','v'))[0].value]", "v"},
        {"[map(range(1,2), lambda('i', format('10.{0}.0.0/16', lambdaVariables('i'))))]", "10.1.0.0/16|10.2.0.0/16"},
        {"[filter(parameters('list'), lambda('p', startsWith(lambdaVariables('p'),'10.')))]", "10.0.0.0/8"},
        {"[json('[\\\"a\\\",\\\"b\\\"]')]", "a|b"},
        {"[tryGet(variables('deep'),'nothing')]", ""},
        {"[resourceId('Microsoft.Network/virtualNetworks/subnets','v','s')]",
         "/subscriptions/{subscription}/resourceGroups/{resourceGroup}/providers/Microsoft.Network/virtualNetworks/v/"
         "subnets/s"},
        {"[resourceGroup().location]", "{location}"},
        {"[reference('x').ip]", NULL},
        {"[uniqueString('a')]", NULL},
        {"[div(1,0)]", NULL},
        {"[concat('a']", NULL},
        {"[concat('a'))]", NULL},
        {"['open]", NULL},
        {"[]", NULL},
    };
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        char text[8192], expected[1024];
        snprintf(text, sizeof(text), TEMPLATE(PARAMETERS "\"resources\":[" NSG("n", RULE("r", "%s")) "]"),
                 cases[i].expression);
        const char *head = "nsg " GUESSED("n") " name=n guessed\n  r 100 in allow Tcp";
        if (cases[i].value == NULL)
            snprintf(expected, sizeof(expected), "%s from=%s port=25 UNREADABLE 10 (source: cannot evaluate %s)\n",
                     head, cases[i].expression, cases[i].expression);
        else
            snprintf(expected, sizeof(expected), "%s%s%s port=25\n", head,
                     cases[i].value[0] == '\0' ? "" : " from=", cases[i].value);
        nsf_rules_text_check(text, expected);
    }
}

/* A variable that doubles the one before it, forty times over. */
static void test_expressions_are_bounded(void **state)
{
    static char text[32768];
    size_t n =
        (size_t)snprintf(text, sizeof(text), "{\"contentVersion\":\"1\",\"variables\":{\"v0\":\"xxxxxxxxxxxxxxxx\"");
    for (int i = 1; i <= 40; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, ",\"v%d\":\"[concat(variables('v%d'),variables('v%d'))]\"", i,
                              i - 1, i - 1);
    snprintf(text + n, sizeof(text) - n, "},\"resources\":[" NSG("n", RULE("r", "[variables('v40')]")) "]}");
    nsf_rules_text_check(
        text, "nsg " GUESSED("n") " name=n guessed\n  r 100 in allow Tcp from=[variables('v40')] port=25 UNREADABLE 10 "
                                  "(source: cannot evaluate [variables('v40')])\n");
    n = (size_t)snprintf(text, sizeof(text),
                         "{\"contentVersion\":\"1\",\"resources\":[" NSG(
                             "n", "{\"name\":\"r\",\"properties\":{\"sourceAddressPrefix\":\"["));
    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "concat(");
    snprintf(text + n, sizeof(text) - n, "]\"}}]}}]}");
    struct nsf_rules_text result;
    const char *texts[] = {text};
    nsf_rules_text_load(texts, 1, NULL, &result);
    nsf_buf_release(&result.out);
}

/* --- Resources ------------------------------------------------------------------------------------------------- */

#define SHOWN " 100 in allow Tcp from=* port=25\n"

static void test_child_and_nested_rules(void **state)
{
    const char *shown = "nsg " GUESSED("n") " name=n guessed\n  inline" SHOWN "  r" SHOWN;
    nsf_rules_text_check(TEMPLATE("\"resources\":[{" RULE_TYPE ",\"name\":\"n/r\",\"properties\":" PROPERTIES(
                             "*") "}," NSG("n", RULE("inline", "*")) "]"),
                         shown);
    nsf_rules_text_check(
        TEMPLATE("\"resources\":[{" NSG_TYPE ",\"name\":\"n\",\"properties\":{\"securityRules\":[" RULE(
            "inline",
            "*") "]},\"resources\":[{\"type\":\"securityRules\",\"name\":\"r\",\"properties\":" PROPERTIES("*") "}]}]"),
        shown);
    nsf_rules_text_check(
        TEMPLATE("\"resources\":{\"sym\":{" NSG_TYPE ",\"name\":\"n\",\"properties\":{\"securityRules\":[" RULE(
            "inline", "*") "," RULE("r", "*") "]}},\"old\":{\"existing\":true," NSG_TYPE ",\"name\":\"other\"}}"),
        shown);
    nsf_rules_text_check(TEMPLATE("\"parameters\":{\"nsg\":{\"type\":\"string\"}},\"resources\":[{" RULE_TYPE
                                  ",\"name\":\"[concat(parameters('nsg'),'/r')]\","
                                  "\"properties\":" PROPERTIES("*") "}," NSG("[parameters('nsg')]", "") "]"),
                         "nsg " GUESSED("{nsg}") " name={nsg} guessed\n  r" SHOWN);
}

static void test_copy_loops(void **state)
{
    nsf_rules_text_check(
        TEMPLATE("\"resources\":[{" NSG_TYPE
                 ",\"copy\":{\"name\":\"l\",\"count\":2},\"name\":\"[format('n{0}',copyIndex(1))]\","
                 "\"properties\":{\"copy\":[{\"name\":\"securityRules\",\"count\":\"[length(createArray('a','b'))]\","
                 "\"input\":"
                 "{\"name\":\"[concat('r',copyIndex('securityRules'))]\",\"properties\":" PROPERTIES("*") "}}]}}]"),
        "nsg " GUESSED("n1") " name=n1 guessed\n  r0" SHOWN "  r1" SHOWN
                             "nsg " GUESSED("n2") " name=n2 guessed\n  r0" SHOWN "  r1" SHOWN);
    nsf_rules_text_check(
        TEMPLATE("\"parameters\":{\"n\":{\"type\":\"int\"}},\"resources\":[{" NSG_TYPE
                 ",\"name\":\"n\",\"properties\":{\"copy\":"
                 "[{\"name\":\"securityRules\",\"count\":\"[parameters('n')]\",\"input\":{}}]}}]"),
        "nsg " GUESSED(
            "n") " name=n guessed more\n  note its rules are [parameters('n')], which could not be evaluated\n");
}

/* More than Azure unrolls: rules that are left out would look like rules that are not there. */
static void test_copy_loop_too_long(void **state)
{
    nsf_rules_text_check(
        TEMPLATE("\"resources\":[{" NSG_TYPE ",\"name\":\"n\",\"properties\":{\"copy\":"
                 "[{\"name\":\"securityRules\",\"count\":801,\"input\":{}}]}}]"),
        "nsg " GUESSED("n") " name=n guessed more\n  note its rules are 801, which could not be evaluated\n");
}

/* Each copied variable asks three times for the one before: evaluated once each, or more often than there is time for.
 */
static void test_copied_variables_in_a_row(void **state)
{
    char variables[4096];
    size_t n = (size_t)snprintf(variables, sizeof(variables), "{\"name\":\"v0\",\"count\":1,\"input\":\"Internet\"}");
    for (int i = 1; i <= 14; i++)
        n += (size_t)snprintf(variables + n, sizeof(variables) - n,
                              ",{\"name\":\"v%d\",\"count\":1,\"input\":\"[if(equals(variables('v%d')[0],"
                              "variables('v%d')[0]),variables('v%d')[0],'x')]\"}",
                              i, i - 1, i - 1, i - 1);
    char text[8192];
    snprintf(text, sizeof(text), TEMPLATE("\"variables\":{\"copy\":[%s]},\"resources\":[%s]"), variables,
             NSG("n", RULE("r", "[variables('v14')[0]]")));
    nsf_rules_text_check(text, "nsg " GUESSED("n") " name=n guessed\n  r 100 in allow Tcp from=Internet port=25\n");
}

/* Azure takes line breaks in strings, though JSON has none. */
static void test_strings_over_lines(void **state)
{
    nsf_rules_text_check(
        TEMPLATE("/* \"a string? */\"variables\":{\"quote\":\"\\\"\"}, // it's \"\n\"resources\":[" NSG(
            "n", RULE("r", "[concat('Inter',\n\t\tif(true(),\r\n'net', 'x'))]")) "]"),
        "nsg " GUESSED("n") " name=n guessed\n  r 100 in allow Tcp from=Internet port=25\n");
}

static void test_conditions(void **state)
{
    nsf_rules_text_check(
        TEMPLATE("\"parameters\":{\"on\":{\"type\":\"bool\"}},\"resources\":[" NSG(
            "n", "") ",{\"condition\":\"[equals(1,2)]\"," RULE_TYPE
                     ",\"name\":\"n/gone\",\"properties\":" PROPERTIES(
                         "*") "},{\"condition\":\"[parameters('on')]\"," RULE_TYPE
                              ",\"name\":\"n/maybe\",\"properties\":" PROPERTIES("*") "},{\"condition\":false," NSG_TYPE
                                                                                      ",\"name\":\"gone\"}]"),
        "nsg " GUESSED(
            "n") " name=n guessed\n  maybe 100 in allow Tcp from=* port=25 UNREADABLE ff (condition: cannot evaluate "
                 "[parameters('on')])\n");
    nsf_rules_text_check(
        TEMPLATE("\"resources\":[{\"condition\":false,\"type\":\"Microsoft.Resources/deployments\",\"name\":\"d\","
                 "\"properties\":{\"template\":{\"resources\":{\"s\":{" NSG_TYPE ",\"name\":\"gone\"}}}}}]"),
        "problem a.json empty: there is no network security group in it but what its conditions leave out with the "
        "values that the parameters have\n");
}

static void test_unresolved_rules(void **state)
{
    nsf_rules_text_check(
        TEMPLATE("\"parameters\":{\"rules\":{\"type\":\"array\"}},\"resources\":[{" NSG_TYPE
                 ",\"name\":\"n\",\"properties\":{"
                 "\"securityRules\":\"[parameters('rules')]\"}}]"),
        "nsg " GUESSED(
            "n") " name=n guessed more\n  note its rules are [parameters('rules')], which could not be evaluated\n");
    nsf_rules_text_check(
        TEMPLATE("\"parameters\":{\"p\":{\"type\":\"int\"}},\"resources\":[" NSG(
            "n", "{\"name\":\"r\",\"properties\":{\"priority\":"
                 "\"[parameters('p')]\",\"direction\":\"[parameters('p')]\",\"access\":\"Allow\",\"protocol\":\"["
                 "parameters('p')]\"}}") "]"),
        "nsg " GUESSED(
            "n") " name=n guessed\n  r 0 ? allow [parameters('p')] UNREADABLE d (protocol: cannot evaluate "
                 "[parameters('p')]; "
                 "priority: cannot evaluate [parameters('p')]; direction: cannot evaluate [parameters('p')])\n");
}

static void test_nested_deployments(void **state)
{
#define NESTED(scope)                                                                                                  \
    TEMPLATE("\"parameters\":{\"p\":{\"type\":\"string\",\"defaultValue\":\"1.1.1.1\"}},\"resources\":[{\"type\":"     \
             "\"Microsoft.Resources/deployments\","                                                                    \
             "\"name\":\"d\",\"resourceGroup\":\"other\",\"properties\":{\"mode\":\"Incremental\"," scope              \
             "\"parameters\":{\"p\":{\"value\":"                                                                       \
             "\"[concat(parameters('p'),'/"                                                                            \
             "32')]\"}},\"template\":{\"parameters\":{\"p\":{\"type\":\"string\"}},\"resources\":[" NSG(               \
                 "n", RULE("r", "[parameters('p')]")) "]}}}]")
#define OTHER                                                                                                          \
    "nsg /subscriptions/{subscription}/resourceGroups/other/providers/Microsoft.Network/networkSecurityGroups/n "      \
    "name=n guessed\n"
    nsf_rules_text_check(NESTED("\"expressionEvaluationOptions\":{\"scope\":\"inner\"},"),
                         OTHER "  r 100 in allow Tcp from=1.1.1.1/32 port=25\n");
    nsf_rules_text_check(NESTED(""), OTHER "  r 100 in allow Tcp from=1.1.1.1 port=25\n");
    nsf_rules_text_check(
        TEMPLATE("\"resources\":[{\"type\":\"Microsoft.Resources/"
                 "deployments\",\"name\":\"d\",\"properties\":{\"templateLink\":{}}}]"),
        "problem a.json shape: the template that deployment \"d\" links to is not part of this file\n");
}

/* What is left out is null where it may be; what is given by reference is not known, whatever the default says. */
static void test_parameters_left_out(void **state)
{
#define GIVEN(given)                                                                                                   \
    TEMPLATE("\"resources\":[{\"type\":\"Microsoft.Resources/deployments\",\"name\":\"d\",\"properties\":{"            \
             "\"expressionEvaluationOptions\":{\"scope\":\"inner\"}," given                                            \
             "\"template\":{\"parameters\":{\"rules\":{"                                                               \
             "\"type\":\"array\",\"nullable\":true},\"p\":{\"type\":\"string\",\"defaultValue\":\"10.0.0.0/8\"}},"     \
             "\"resources\":[{" NSG_TYPE ",\"name\":\"a\",\"properties\":{\"securityRules\":"                          \
             "\"[coalesce(parameters('rules'),createArray())]\"}}," NSG("b", RULE("r", "[parameters('p')]")) "]}}}]")
#define EMPTY_SHOWN "nsg " GUESSED("a") " name=a guessed\n"
    nsf_rules_text_check(GIVEN(""), EMPTY_SHOWN
                         "nsg " GUESSED("b") " name=b guessed\n  r 100 in allow Tcp from=10.0.0.0/8 port=25\n");
    nsf_rules_text_check(GIVEN("\"parameters\":{\"p\":{\"reference\":{\"secretName\":\"s\"}}},"),
                         EMPTY_SHOWN "nsg " GUESSED("b") " name=b guessed\n  r 100 in allow Tcp from=[parameters('p')] "
                                                         "port=25 UNREADABLE 10 (source: cannot evaluate "
                                                         "[parameters('p')])\n");
}

static void test_wrappers(void **state)
{
    const char *shown = "nsg " GUESSED("n") " name=n guessed\n  r 100 in allow Tcp from=2.2.2.2 port=25\n";
#define INNER                                                                                                          \
    TEMPLATE(                                                                                                          \
        "\"parameters\":{\"p\":{\"type\":\"string\"}},\"resources\":[" NSG("n", RULE("r", "[parameters('p')]")) "]")
    nsf_rules_text_check("{\"kind\":\"template\",\"type\":\"Microsoft.Blueprint/blueprints/"
                         "artifacts\",\"properties\":{\"template\":" INNER
                         ",\"parameters\":{\"p\":{\"value\":\"2.2.2.2\"}}}}",
                         shown);
    nsf_rules_text_check("{\"template\":" INNER ",\"parameters\":{\"p\":{\"value\":\"2.2.2.2\"}}}", shown);
}

static void test_attachments(void **state)
{
#define BASE "/subscriptions/{subscription}/resourceGroups/{resourceGroup}/providers/Microsoft.Network/"
    nsf_rules_text_check(
        TEMPLATE("\"variables\":{\"nsg\":\"n\"},\"resources\":[" NSG(
            "n", "") ",{\"type\":\"Microsoft.Network/"
                     "virtualNetworks\",\"name\":\"v\",\"properties\":{\"subnets\":[{\"name\":\"s\",\"properties\":{"
                     "\"networkSecurityGroup\":{\"id\":\"[resourceId('Microsoft.Network/"
                     "networkSecurityGroups',variables('nsg'))]\"}}}]}}]"),
        "subnet " BASE "virtualNetworks/v/subnets/s nsg=" BASE
        "networkSecurityGroups/n\nnsg " GUESSED("n") " name=n guessed\n");
}

static void test_what_if(void **state)
{
    nsf_rules_text_check(
        "{\"status\":\"Succeeded\",\"changes\":[{\"changeType\":\"Modify\",\"resourceId\":\"/x/networkSecurityGroups/"
        "n\",\"before\":{},"
        "\"after\":{" NSG_TYPE ",\"name\":\"n\",\"properties\":{\"securityRules\":[" RULE(
            "r", "[reference('y').z]") "]}}},"
                                       "{\"changeType\":\"Delete\",\"resourceId\":\"/x/networkSecurityGroups/"
                                       "gone\",\"before\":{" NSG_TYPE ",\"name\":\"gone\"},\"after\":null},"
                                       "{\"changeType\":\"Ignore\",\"resourceId\":\"/x/networkSecurityGroups/"
                                       "kept\",\"before\":{" NSG_TYPE ",\"name\":\"kept\",\"properties\":{"
                                       "\"securityRules\":[]}}}]}",
        "nsg /x/networkSecurityGroups/kept name=kept\nnsg /x/networkSecurityGroups/n name=n\n  r 100 in allow Tcp "
        "from=[reference('y').z] "
        "port=25 UNREADABLE 10 (source: cannot evaluate [reference('y').z])\n");
}

/* Whole NSGs of one name in two templates are two NSGs; a rule by itself finds its NSG in another file. */
static void test_names_across_files(void **state)
{
    struct nsf_rules_text result;
    const char *const two[] = {TEMPLATE("\"resources\":[" NSG("n", RULE("a", "*")) "]"),
                               TEMPLATE("\"resources\":[" NSG("n", RULE("b", "*")) "]")};
    nsf_rules_text_load(two, 2, NULL, &result);
    assert_string_equal(nsf_buf_str(&result.out),
                        "nsg " GUESSED("n") " (a.json) name=n guessed\n  a" SHOWN
                                            "nsg " GUESSED("n") " (b.json) name=n guessed\n  b" SHOWN);
    nsf_buf_release(&result.out);
    const char *const parts[] = {
        TEMPLATE("\"resources\":[{" RULE_TYPE ",\"name\":\"n/r\",\"properties\":" PROPERTIES("*") "}]"),
        TEMPLATE("\"resources\":[" NSG("n", "") "]")};
    nsf_rules_text_load(parts, 2, NULL, &result);
    assert_string_equal(nsf_buf_str(&result.out), "nsg " GUESSED("n") " name=n guessed\n  r" SHOWN);
    nsf_buf_release(&result.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_expressions_are_bounded),
        cmocka_unit_test(test_child_and_nested_rules),
        cmocka_unit_test(test_copy_loops),
        cmocka_unit_test(test_copy_loop_too_long),
        cmocka_unit_test(test_copied_variables_in_a_row),
        cmocka_unit_test(test_strings_over_lines),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_unresolved_rules),
        cmocka_unit_test(test_nested_deployments),
        cmocka_unit_test(test_parameters_left_out),
        cmocka_unit_test(test_wrappers),
        cmocka_unit_test(test_attachments),
        cmocka_unit_test(test_what_if),
        cmocka_unit_test(test_names_across_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

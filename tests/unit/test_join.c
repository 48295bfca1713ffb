#include "core/nsf_common.h"

#include "evidence/join.h"
#include "support/nsf_test.h"

#define ID_A   "/subscriptions/S/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/mail-nsg"
#define GUID_A "0f1d2c3b-0000-4a5b-9c8d-7e6f50413223"
#define LONG_1 "allow-mail-from-the-old-datacentre-during-the-migration-of-the-whole-mail-one"
#define LONG_2 "allow-mail-from-the-old-datacentre-during-the-migration-of-the-whole-mail-two"
#define CUT_65 "allow-mail-from-the-old-datacentre-during-the-migration-of-the-wh"
#define CUT_74 "allow-mail-from-the-old-datacentre-during-the-migration-of-the-whole-mail-o"

static struct nsf_scan_rule rules[] = {
    {.name = {LONG_1, sizeof(LONG_1) - 1}, .role = NSF_RULE_ROLE_FINDING, .is_default = false, .finding_idx = 1},
    {.name = {LONG_2, sizeof(LONG_2) - 1}, .role = NSF_RULE_ROLE_OTHER, .is_default = false, .finding_idx = 0},
    {.name = {"AllowVnetInBound", 16}, .role = NSF_RULE_ROLE_OTHER, .is_default = true, .finding_idx = 0},
    {.name = {"DefaultRule_x", 13}, .role = NSF_RULE_ROLE_FINDING, .is_default = false, .finding_idx = 2},
    {.name = {"deny-all", 8}, .role = NSF_RULE_ROLE_OTHER, .is_default = false, .finding_idx = 0},
    {.name = {"hidden", 6}, .role = NSF_RULE_ROLE_SHADOWED, .is_default = false, .finding_idx = 0},
    {.name = {"smtp", 4}, .role = NSF_RULE_ROLE_FINDING, .is_default = false, .finding_idx = 0},
};

static struct nsf_scan_nsg nsgs[] = {
    {.id = {ID_A, sizeof(ID_A) - 1}, .name = {"mail-nsg", 8}, .guid = {GUID_A, sizeof(GUID_A) - 1}, .rules = rules, .n_rules = NSF_ARRAY_LEN(rules)},
};

static const struct nsf_scan scan = {.nsgs = nsgs, .n_nsgs = 1};

struct join_case {
    const char *nsg;
    const char *rule;
    enum nsf_layout layout;
    enum nsf_join_reason reason;
    uint32_t finding_idx; /* with NSF_JOIN_FINDING */
};

static const struct join_case cases[] = {
    {ID_A, "UserRule_smtp", NSF_LAYOUT_NSG2, NSF_JOIN_FINDING, 0},
    {"/SUBSCRIPTIONS/S/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/MAIL-NSG", "USERRULE_SMTP", NSF_LAYOUT_NSG1, NSF_JOIN_FINDING, 0},
    {GUID_A, "UserRule_smtp", NSF_LAYOUT_VNET4, NSF_JOIN_FINDING, 0},
    {"0F1D2C3B-0000-4A5B-9C8D-7E6F50413223", "UserRule_Smtp", NSF_LAYOUT_VNET4, NSF_JOIN_FINDING, 0},
    /* one prefix is taken off, not two */
    {ID_A, "UserRule_DefaultRule_x", NSF_LAYOUT_NSG2, NSF_JOIN_FINDING, 2},
    {ID_A, "DefaultRule_x", NSF_LAYOUT_NSG2, NSF_JOIN_UNKNOWN_RULE, 0},
    /* names that the log cut */
    {ID_A, "UserRule_" LONG_1, NSF_LAYOUT_NSG2, NSF_JOIN_FINDING, 1},
    {ID_A, "UserRule_" CUT_74, NSF_LAYOUT_NSG2, NSF_JOIN_FINDING, 1},
    {ID_A, "UserRule_" CUT_65, NSF_LAYOUT_NSG2, NSF_JOIN_UNKNOWN_RULE, 0},
    {ID_A, "UserRule_" CUT_74, NSF_LAYOUT_VNET4, NSF_JOIN_UNKNOWN_RULE, 0},
    {ID_A, "UserRule_smt", NSF_LAYOUT_NSG2, NSF_JOIN_UNKNOWN_RULE, 0},
    /* what joins nothing, in the order of the reasons */
    {ID_A, "PlatformRule", NSF_LAYOUT_VNET4, NSF_JOIN_PLATFORM, 0},
    {"00000000-0000-0000-0000-000000000000", "UserRule_smtp", NSF_LAYOUT_VNET4, NSF_JOIN_PLATFORM, 0},
    {"unspecified", "unspecified", NSF_LAYOUT_VNET4, NSF_JOIN_UNSPECIFIED, 0},
    {ID_A, "UserRule", NSF_LAYOUT_VNET4, NSF_JOIN_BARE_RULE, 0},
    {"", "DefaultRule", NSF_LAYOUT_VNET4, NSF_JOIN_BARE_RULE, 0},
    {ID_A, "", NSF_LAYOUT_VNET4, NSF_JOIN_BARE_RULE, 0},
    {ID_A, "BlockHighRiskTCPPortsFromInternet", NSF_LAYOUT_VNET4, NSF_JOIN_ADMIN_RULE, 0},
    {"/other", "Internet_5f0f", NSF_LAYOUT_VNET4, NSF_JOIN_ADMIN_RULE, 0},
    {"/other", "UserRule_smtp", NSF_LAYOUT_NSG2, NSF_JOIN_UNKNOWN_NSG, 0},
    /* never by name alone */
    {"mail-nsg", "UserRule_smtp", NSF_LAYOUT_NSG2, NSF_JOIN_UNKNOWN_NSG, 0},
    {ID_A, "UserRule_gone", NSF_LAYOUT_NSG2, NSF_JOIN_UNKNOWN_RULE, 0},
    {ID_A, "UserRule_", NSF_LAYOUT_NSG2, NSF_JOIN_UNKNOWN_RULE, 0},
    {ID_A, "UserRule_hidden", NSF_LAYOUT_NSG2, NSF_JOIN_SHADOWED, 0},
    {ID_A, "UserRule_deny-all", NSF_LAYOUT_NSG2, NSF_JOIN_NOT_EXPOSING, 0},
    {ID_A, "DefaultRule_AllowVnetInBound", NSF_LAYOUT_NSG2, NSF_JOIN_NOT_EXPOSING, 0},
    /* the default rules are known though this definition does not list them */
    {ID_A, "DefaultRule_DenyAllInBound", NSF_LAYOUT_NSG2, NSF_JOIN_NOT_EXPOSING, 0},
    /* a custom rule of a default's name is not the default */
    {ID_A, "UserRule_AllowVnetInBound", NSF_LAYOUT_NSG2, NSF_JOIN_UNKNOWN_RULE, 0},
};

static void test_cases(void **state)
{
    (void)state;
    struct nsf_join *join = nsf_join_new(&scan);
    for (size_t i = 0; i < NSF_ARRAY_LEN(cases); i++) {
        const struct join_case *c = &cases[i];
        struct nsf_scope scope = {.nsg = S(c->nsg), .rule = S(c->rule), .layout = c->layout};
        struct nsf_joined joined = nsf_join_resolve(join, &scope);
        bool is_right_finding = c->reason != NSF_JOIN_FINDING || joined.finding_idx == c->finding_idx;
        if (joined.reason != c->reason || !is_right_finding)
            fail_msg("%s under %s: %s, finding %u", c->rule, c->nsg, nsf_join_reason_name(joined.reason),
                     joined.finding_idx);
    }
    nsf_join_free(join);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

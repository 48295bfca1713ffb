#include "core/nsf_common.h"

#include "core/mem.h"
#include "exposure/scanner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SUBNET_A "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v1/subnets/a"
#define SUBNET_B "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v2/subnets/b"
#define VNET_1 "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/V1"
#define NIC_1 "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/n1"
#define NIC_2 "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/n2"

#define LIST_MAX 4

/* An NSG with one Allow for TCP 25, or none (source NULL), that says where it stands. */
struct made {
    struct nsf_slice words[LIST_MAX];
    struct nsf_rule rule;
    struct nsf_nsg nsg;
};

static void make_nsg(struct made *made, const char *id, const char *source, const char *subnet, const char *nic)
{
    *made =
        (struct made){.words = {nsf_slice_str(source), NSF_SLICE_LIT("25"), nsf_slice_str(subnet), nsf_slice_str(nic)}};
    made->rule = (struct nsf_rule){.name = NSF_SLICE_LIT("allow-in"), .priority = 200};
    made->rule.direction = NSF_DIRECTION_INBOUND;
    made->rule.access = NSF_ACCESS_ALLOW;
    made->rule.protocol = NSF_SLICE_LIT("Tcp");
    made->rule.sources = (struct nsf_slices){&made->words[0], 1};
    made->rule.destination_ports = (struct nsf_slices){&made->words[1], 1};
    made->nsg = (struct nsf_nsg){.id = nsf_slice_str(id), .name = nsf_slice_str(id), .rules = &made->rule};
    made->nsg.n_rules = source != NULL;
    made->nsg.subnets = (struct nsf_slices){&made->words[2], subnet != NULL};
    made->nsg.nics = (struct nsf_slices){&made->words[3], nic != NULL};
    made->nsg.has_subnets = subnet != NULL;
    made->nsg.has_nics = nic != NULL;
}

static void add_nic(struct nsf_scanner *scanner, const char *id, const char *subnet, const char *nsg, const char *mac)
{
    struct nsf_slice subnets[] = {nsf_slice_str(subnet)};
    struct nsf_attachment nic = {.kind = NSF_ATTACHMENT_NIC};
    nic.u.nic = (struct nsf_nic){.id = nsf_slice_str(id), .mac = nsf_slice_str(mac), .nsg = nsf_slice_str(nsg)};
    nic.u.nic.subnets = (struct nsf_slices){subnets, 1};
    nic.u.nic.has_nsg = true;
    nic.u.nic.has_public_ips = true;
    nsf_scanner_attach(scanner, &nic);
}

static void add_admin_rule(struct nsf_scanner *scanner, const char *name, uint32_t priority,
                           enum nsf_admin_access access, const char *source, const char *vnet)
{
    struct nsf_slice sources[] = {nsf_slice_str(source)}, ports[] = {NSF_SLICE_LIT("25")},
                     vnets[] = {nsf_slice_str(vnet)};
    struct nsf_attachment admin = {.kind = NSF_ATTACHMENT_ADMIN_RULE};
    struct nsf_rule *rule = &admin.u.admin_rule.rule;
    admin.u.admin_rule.access = access;
    admin.u.admin_rule.vnets = (struct nsf_slices){vnets, vnet != NULL};
    *rule = (struct nsf_rule){.name = nsf_slice_str(name), .priority = priority, .direction = NSF_DIRECTION_INBOUND};
    rule->access = access == NSF_ADMIN_ACCESS_DENY ? NSF_ACCESS_DENY : NSF_ACCESS_ALLOW;
    rule->protocol = NSF_SLICE_LIT("Tcp");
    rule->sources = (struct nsf_slices){sources, 1};
    rule->destination_ports = (struct nsf_slices){ports, 1};
    nsf_scanner_attach(scanner, &admin);
}

static struct nsf_scanner *new_scanner(void)
{
    struct nsf_exposure_settings settings = NSF_EXPOSURE_SETTINGS_INIT;
    return nsf_scanner_new(&settings);
}

static bool note_has(const struct nsf_finding *finding, const char *text)
{
    return strstr(finding->note.ptr, text) != NULL;
}

static void test_a_closed_nsg_on_the_interface_stops_it(void **state)
{
    struct nsf_scanner *scanner = new_scanner();
    struct made subnet, nic;
    add_nic(scanner, NIC_1, SUBNET_A, "/NSG/NIC", "000D3A000001");
    make_nsg(&subnet, "/nsg/subnet", "Internet", SUBNET_A, NULL);
    make_nsg(&nic, "/nsg/nic", NULL, NULL, NULL);
    nsf_scanner_add(scanner, &subnet.nsg);
    nsf_scanner_add(scanner, &nic.nsg);
    const struct nsf_scan *scan = nsf_scanner_finish(scanner, 1, NULL);
    assert_int_equal(scan->n_findings, 1);
    const struct nsf_finding *finding = &scan->findings[0];
    /* The verdict speaks of the rules alone. */
    assert_int_equal(finding->verdict, NSF_EXPOSURE_EXPOSED);
    assert_true(finding->is_blocked && finding->is_latent);
    assert_int_equal(finding->n_gates, 1);
    assert_int_equal(finding->gates[0].kind, NSF_GATE_NIC_NSG);
    assert_false(finding->gates[0].is_open);
    assert_int_equal(finding->gates[0].n_nics, 1);
    assert_string_equal(finding->gates[0].nsg.ptr, "/nsg/nic");
    assert_string_equal(finding->gates[0].rules.items[0].ptr, "DenyAllInBound");
    assert_true(note_has(finding, "stops it by DenyAllInBound"));
    /* The NIC list says where the other stands, and both know the interface's MAC. */
    assert_int_equal(scan->nsgs[0].attached_to.n, 1);
    assert_int_equal(scan->nsgs[0].nic_macs.n, 1);
    assert_int_equal(scan->nsgs[1].nic_macs.n, 1);
    assert_true(scan->nsgs[1].is_public_path_known);
    assert_false(scan->nsgs[1].has_public_path);
    nsf_scanner_free(scanner);
}

static void test_two_open_nsgs_let_in_what_both_do(void **state)
{
    struct nsf_scanner *scanner = new_scanner();
    struct made subnet, nic;
    make_nsg(&subnet, "/nsg/subnet", "Internet", SUBNET_A, NULL);
    make_nsg(&nic, "/nsg/nic", "20.0.0.0/7", NULL, NIC_1);
    add_nic(scanner, NIC_1, SUBNET_A, "/nsg/nic", NULL);
    nsf_scanner_add(scanner, &nic.nsg);
    nsf_scanner_add(scanner, &subnet.nsg);
    const struct nsf_scan *scan = nsf_scanner_finish(scanner, 1, NULL);
    assert_int_equal(scan->n_findings, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct nsf_finding *finding = &scan->findings[i];
        assert_false(finding->is_blocked || finding->is_latent);
        assert_int_equal(finding->n_gates, 1);
        assert_true(finding->gates[0].is_open);
        assert_true(finding->gates[0].public_ipv4 == 1u << 25);
        assert_string_equal(finding->gates[0].rules.items[0].ptr, "allow-in");
        assert_true(note_has(finding, "lets it in by allow-in"));
    }
    assert_int_equal(scan->findings[0].gates[0].kind, NSF_GATE_SUBNET_NSG);
    assert_int_equal(scan->findings[1].gates[0].kind, NSF_GATE_NIC_NSG);
    nsf_scanner_free(scanner);
}

static void test_one_free_interface_is_enough(void **state)
{
    struct nsf_scanner *scanner = new_scanner();
    struct made subnet, nic;
    make_nsg(&subnet, "/nsg/subnet", "Internet", SUBNET_A, NULL);
    make_nsg(&nic, "/nsg/nic", NULL, NULL, NIC_1);
    add_nic(scanner, NIC_1, SUBNET_A, "/nsg/nic", NULL);
    add_nic(scanner, NIC_2, SUBNET_A, NULL, NULL);
    nsf_scanner_add(scanner, &nic.nsg);
    nsf_scanner_add(scanner, &subnet.nsg);
    const struct nsf_scan *scan = nsf_scanner_finish(scanner, 1, NULL);
    assert_int_equal(scan->n_findings, 1);
    assert_false(scan->findings[0].is_blocked);
    assert_int_equal(scan->findings[0].n_gates, 1);
    nsf_scanner_free(scanner);
}

static void test_disjoint_sources_meet_nowhere(void **state)
{
    struct nsf_scanner *scanner = new_scanner();
    struct made subnet, nic;
    make_nsg(&subnet, "/nsg/subnet", "20.0.0.0/7", SUBNET_A, NULL);
    make_nsg(&nic, "/nsg/nic", "40.0.0.0/7", NULL, NIC_1);
    add_nic(scanner, NIC_1, SUBNET_A, "/nsg/nic", NULL);
    nsf_scanner_add(scanner, &nic.nsg);
    nsf_scanner_add(scanner, &subnet.nsg);
    const struct nsf_scan *scan = nsf_scanner_finish(scanner, 1, NULL);
    assert_int_equal(scan->n_findings, 2);
    assert_true(scan->findings[0].is_blocked && scan->findings[1].is_blocked);
    nsf_scanner_free(scanner);
}

static void test_an_admin_deny_makes_a_finding_moot(void **state)
{
    struct nsf_scanner *scanner = new_scanner();
    struct made one, two;
    add_admin_rule(scanner, "no-smtp", 10, NSF_ADMIN_ACCESS_DENY, "Internet", VNET_1);
    make_nsg(&one, "/nsg/1", "*", SUBNET_A, NULL);
    make_nsg(&two, "/nsg/2", "*", SUBNET_B, NULL);
    nsf_scanner_add(scanner, &one.nsg);
    nsf_scanner_add(scanner, &two.nsg);
    const struct nsf_scan *scan = nsf_scanner_finish(scanner, 1, NULL);
    assert_int_equal(scan->n_findings, 2);
    assert_true(scan->findings[0].is_blocked && scan->findings[0].is_latent);
    assert_int_equal(scan->findings[0].gates[0].kind, NSF_GATE_ADMIN_RULES);
    assert_string_equal(scan->findings[0].gates[0].rules.items[0].ptr, "no-smtp");
    assert_true(note_has(&scan->findings[0], "security admin rules stop all of it (no-smtp)"));
    /* The second stands in another network. */
    assert_false(scan->findings[1].is_blocked);
    assert_int_equal(scan->findings[1].n_gates, 0);
    nsf_scanner_free(scanner);
}

static void test_an_admin_allow_goes_on_to_the_nsg(void **state)
{
    struct nsf_scanner *scanner = new_scanner();
    struct made one;
    add_admin_rule(scanner, "no-smtp", 10, NSF_ADMIN_ACCESS_DENY, "*", NULL);
    add_admin_rule(scanner, "but-these", 5, NSF_ADMIN_ACCESS_ALLOW, "20.0.0.0/8", NULL);
    make_nsg(&one, "/nsg/1", "*", SUBNET_A, NULL);
    nsf_scanner_add(scanner, &one.nsg);
    const struct nsf_scan *scan = nsf_scanner_finish(scanner, 1, NULL);
    assert_int_equal(scan->n_findings, 1);
    assert_false(scan->findings[0].is_blocked);
    assert_true(scan->findings[0].gates[0].public_ipv4 == 1u << 24);
    assert_int_equal(scan->findings[0].gates[0].public_ipv6, NSF_V6_NONE);
    nsf_scanner_free(scanner);
}

static void test_always_allow_exposes_a_closed_nsg(void **state)
{
    struct nsf_scanner *scanner = new_scanner();
    struct made one;
    add_admin_rule(scanner, "smtp-for-all", 20, NSF_ADMIN_ACCESS_ALWAYS_ALLOW, "Internet", NULL);
    add_admin_rule(scanner, "not-these", 10, NSF_ADMIN_ACCESS_DENY, "0.0.0.0/1", NULL);
    make_nsg(&one, "/nsg/1", NULL, SUBNET_A, NULL);
    nsf_scanner_add(scanner, &one.nsg);
    const struct nsf_scan *scan = nsf_scanner_finish(scanner, 1, NULL);
    assert_int_equal(scan->nsgs[0].verdict, NSF_EXPOSURE_PARTIAL);
    assert_int_equal(scan->n_findings, 1);
    assert_string_equal(scan->findings[0].rule.ptr, "smtp-for-all");
    assert_true(scan->findings[0].is_admin_rule);
    assert_true(scan->findings[0].public_ipv4 == 1609300735u);
    assert_false(scan->findings[0].is_latent);
    nsf_scanner_free(scanner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_closed_nsg_on_the_interface_stops_it),
        cmocka_unit_test(test_two_open_nsgs_let_in_what_both_do),
        cmocka_unit_test(test_one_free_interface_is_enough),
        cmocka_unit_test(test_disjoint_sources_meet_nowhere),
        cmocka_unit_test(test_an_admin_deny_makes_a_finding_moot),
        cmocka_unit_test(test_an_admin_allow_goes_on_to_the_nsg),
        cmocka_unit_test(test_always_allow_exposes_a_closed_nsg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

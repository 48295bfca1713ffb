#include "core/nsf_common.h"

#include "rules/shapes.h"

/* Effective security rules: what applies to one network interface, NSG by NSG, as `az network nic
 * list-effective-nsg`, REST and Get-AzEffectiveNetworkSecurityGroup print it. The document never names the interface
 * itself, but an NSG on the interface is associated with it. */

/* Some versions spell effective rules like flow logs do. */
static void strip_rule_name(struct nsf_rule *rule)
{
    static const struct nsf_slice user = {"UserRule_", 9}, defaults = {"DefaultRule_", 12};
    if (nsf_slice_has_prefix_nocase(rule->name, user)) {
        rule->name = nsf_slice_from(rule->name, user.len);
    } else if (nsf_slice_has_prefix_nocase(rule->name, defaults)) {
        rule->name = nsf_slice_from(rule->name, defaults.len);
        rule->is_default = true;
    }
}

static struct nsf_slice id_at(const struct nsf_json *value, const char *dotted)
{
    return nsf_json_string(nsf_json_path(value, dotted));
}

static void remember(struct nsf_loader *loader, struct nsf_slice *slot, struct nsf_slice id)
{
    if (id.len > 0)
        *slot = nsf_arena_copy(loader->document_arena, id);
}

static bool is_other(struct nsf_slice known, struct nsf_slice id)
{
    return known.len > 0 && id.len > 0 && !nsf_slice_eq_nocase(known, id);
}

/* A public address range that effective rules show behind the tag of the virtual network is kept as it stands. */
static void give_nsg(struct nsf_loader *loader, const struct nsf_json *value, struct nsf_slice id,
                     struct nsf_slice subnet, struct nsf_slice nic)
{
    struct nsf_nsg nsg = {.is_effective = true, .place = nsf_loader_place(loader, value), .id = id};
    nsg.name = nsf_id_last_segment(id);
    struct nsf_rule_list rules = {0};
    nsf_read_rules(loader, nsf_json_get_nocase(value, "effectiveSecurityRules"), false, &rules);
    for (size_t i = 0; i < rules.n; i++)
        strip_rule_name(&rules.items[i]);
    nsg.rules = rules.items;
    nsg.n_rules = rules.n;
    struct nsf_slice_list subnets = {0}, nics = {0};
    if (subnet.len > 0)
        nsf_slice_list_add(&subnets, loader->arena, subnet);
    if (nic.len > 0)
        nsf_slice_list_add(&nics, loader->arena, nic);
    nsg.subnets = nsf_slice_list_give(&subnets);
    nsg.nics = nsf_slice_list_give(&nics);
    nsg.has_subnets = subnet.len > 0;
    nsg.has_nics = nic.len > 0;
    nsf_loader_give_nsg(loader, &nsg);
}

void nsf_load_effective(struct nsf_loader *loader, const struct nsf_json *value)
{
    struct nsf_slice id = id_at(value, "networkSecurityGroup.id");
    struct nsf_slice subnet = id_at(value, "association.subnet.id");
    struct nsf_slice nic = id_at(value, "association.networkInterface.id");
    if (id.len == 0) {
        nsf_load_effective_admin_rules(loader, nsf_json_get_nocase(value, "effectiveSecurityRules"));
        return;
    }
    /* Several interfaces in one document. */
    if (is_other(loader->pair.nic, nic) || is_other(loader->pair.subnet, subnet))
        nsf_finish_effective(loader);
    give_nsg(loader, value, id, subnet, nic);
    loader->pair.place = nsf_loader_place(loader, value);
    remember(loader, &loader->pair.nic, nic);
    remember(loader, &loader->pair.subnet, subnet);
    remember(loader, nic.len > 0 ? &loader->pair.nic_nsg : &loader->pair.subnet_nsg, id);
}

void nsf_load_effective_list(struct nsf_loader *loader, const struct nsf_json *value)
{
    const struct nsf_json *groups = nsf_json_get_nocase(value, "networkSecurityGroups");
    for (size_t i = 0; i < nsf_json_len(groups); i++)
        nsf_load_effective(loader, nsf_json_item(groups, i));
    nsf_finish_effective(loader);
}

/* The rules that one association brings; their ids name the NSG. */
static void give_association(struct nsf_loader *loader, const struct nsf_json *association, bool is_nic)
{
    struct nsf_nsg nsg;
    struct nsf_slice id = nsf_json_get_string(association, "id");
    if (!nsf_json_is(association, NSF_JSON_MAP) || !nsf_read_nsg(loader, association, &nsg) || nsg.n_rules == 0)
        return;
    nsg.id = nsf_id_of_rules_nsg(nsg.rules[0].id);
    nsg.is_id_guessed = nsg.id.len == 0;
    nsg.name = nsf_id_last_segment(nsg.is_id_guessed ? id : nsg.id);
    if (nsg.is_id_guessed)
        nsg.id = nsf_loader_make_id(loader->arena, (struct nsf_slice){0}, (struct nsf_slice){0},
                                    NSF_SLICE_LIT("networkSecurityGroups"), nsg.name);
    struct nsf_slice_list places = {0};
    if (id.len > 0)
        nsf_slice_list_add(&places, loader->arena, id);
    *(is_nic ? &nsg.nics : &nsg.subnets) = nsf_slice_list_give(&places);
    *(is_nic ? &nsg.has_nics : &nsg.has_subnets) = id.len > 0;
    nsf_loader_give_nsg(loader, &nsg);
}

/* What `az network watcher show-security-group-view` prints for one interface. */
void nsf_load_security_view(struct nsf_loader *loader, const struct nsf_json *value)
{
    const struct nsf_json *associations = nsf_json_get_nocase(value, "securityRuleAssociations");
    give_association(loader, nsf_json_get_nocase(associations, "networkInterfaceAssociation"), true);
    give_association(loader, nsf_json_get_nocase(associations, "subnetAssociation"), false);
}

void nsf_finish_effective(struct nsf_loader *loader)
{
    const struct nsf_effective_pair *pair = &loader->pair;
    if (pair->subnet.len > 0 && pair->subnet_nsg.len > 0) {
        struct nsf_attachment attachment = {.kind = NSF_ATTACHMENT_SUBNET, .place = pair->place};
        attachment.u.subnet = (struct nsf_subnet){.id = pair->subnet, .nsg = pair->subnet_nsg};
        nsf_loader_give_attachment(loader, &attachment);
    }
    if (pair->nic.len > 0) {
        struct nsf_slice subnet = pair->subnet;
        struct nsf_attachment attachment = {.kind = NSF_ATTACHMENT_NIC, .place = pair->place};
        attachment.u.nic =
            (struct nsf_nic){.id = pair->nic, .name = nsf_id_last_segment(pair->nic), .nsg = pair->nic_nsg};
        attachment.u.nic.has_nsg = true;
        attachment.u.nic.subnets = (struct nsf_slices){&subnet, subnet.len > 0};
        nsf_loader_give_attachment(loader, &attachment);
    }
    loader->pair = (struct nsf_effective_pair){0};
}

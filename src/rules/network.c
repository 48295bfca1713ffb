#include "core/nsf_common.h"

#include "rules/shapes.h"

/* Interfaces, public addresses, virtual networks and subnets, as az (flat), ARM (nested) and PowerShell (PascalCase)
 * list them: what is attached to what. */

static void add_id(struct nsf_slice_list *list, struct nsf_arena *arena, const struct nsf_json *reference)
{
    struct nsf_slice id = nsf_loader_id(reference);
    if (id.len > 0)
        nsf_slice_list_add(list, arena, id);
}

static bool has_rules(const struct nsf_json *properties)
{
    return nsf_json_len(nsf_json_get_nocase(properties, "securityRules")) > 0 ||
           nsf_json_len(nsf_json_get_nocase(properties, "defaultSecurityRules")) > 0;
}

/* A reference to an NSG holds the whole of it where it was asked for ($expand, -ExpandResource). PowerShell writes
 * empty lists where it was not. */
static struct nsf_slice read_nsg(struct nsf_loader *loader, const struct nsf_json *reference)
{
    if (nsf_json_is(reference, NSF_JSON_MAP) && has_rules(nsf_loader_properties(loader, reference)))
        nsf_load_nsg(loader, reference);
    return nsf_loader_id(reference);
}

struct nic_reader {
    struct nsf_slice_list subnets;
    struct nsf_slice_list public_ips;
    struct nsf_slice_list private_ips;
    bool is_load_balanced;
};

static void read_ip_configuration(struct nsf_loader *loader, const struct nsf_json *value, struct nic_reader *reader)
{
    static const char *const balancers[] = {"loadBalancerBackendAddressPools", "loadBalancerInboundNatRules",
                                            "applicationGatewayBackendAddressPools", "gatewayLoadBalancer"};
    const struct nsf_json *properties = nsf_loader_properties(loader, value);
    const struct nsf_json *subnet = nsf_json_get_nocase(properties, "subnet");
    add_id(&reader->subnets, loader->arena, subnet);
    if (!nsf_json_is_unset(nsf_json_get_nocase(nsf_loader_properties(loader, subnet), "networkSecurityGroup")))
        nsf_load_subnet(loader, subnet);
    add_id(&reader->public_ips, loader->arena, nsf_json_get_nocase(properties, "publicIPAddress"));
    struct nsf_slice address = nsf_json_get_string(properties, "privateIPAddress");
    if (address.len > 0)
        nsf_slice_list_add(&reader->private_ips, loader->arena, address);
    for (size_t i = 0; i < NSF_ARRAY_LEN(balancers); i++)
        reader->is_load_balanced |= !nsf_json_is_unset(nsf_json_get_nocase(properties, balancers[i]));
}

void nsf_load_nic(struct nsf_loader *loader, const struct nsf_json *value)
{
    const struct nsf_json *properties = nsf_loader_properties(loader, value);
    struct nsf_attachment attachment = {.kind = NSF_ATTACHMENT_NIC, .place = nsf_loader_place(loader, value)};
    struct nsf_nic *nic = &attachment.u.nic;
    nic->id = nsf_json_get_string(value, "id");
    nic->name = nsf_json_get_string(value, "name");
    nic->mac = nsf_loader_mac(loader->arena, nsf_json_get_string(properties, "macAddress"));
    nic->nsg = read_nsg(loader, nsf_json_get_nocase(properties, "networkSecurityGroup"));
    nic->vm = nsf_loader_id(nsf_json_get_nocase(properties, "virtualMachine"));
    const struct nsf_json *configurations = nsf_json_get_nocase(properties, "ipConfigurations");
    struct nic_reader reader = {0};
    for (size_t i = 0; i < nsf_json_len(configurations); i++)
        read_ip_configuration(loader, nsf_json_item(configurations, i), &reader);
    if (nsf_json_is(configurations, NSF_JSON_MAP))
        read_ip_configuration(loader, configurations, &reader);
    nic->subnets = nsf_slice_list_give(&reader.subnets);
    nic->public_ips = nsf_slice_list_give(&reader.public_ips);
    nic->private_ips = nsf_slice_list_give(&reader.private_ips);
    nic->is_load_balanced = reader.is_load_balanced;
    nic->has_public_ips = configurations != NULL;
    nic->has_nsg = configurations != NULL;
    if (nic->id.len == 0) {
        nsf_loader_problem(loader, NSF_E_SHAPE, value->offset, "a network interface without an id");
        return;
    }
    nsf_loader_give_attachment(loader, &attachment);
}

void nsf_load_public_ip(struct nsf_loader *loader, const struct nsf_json *value)
{
    const struct nsf_json *properties = nsf_loader_properties(loader, value);
    struct nsf_attachment attachment = {.kind = NSF_ATTACHMENT_PUBLIC_IP, .place = nsf_loader_place(loader, value)};
    attachment.u.public_ip.id = nsf_json_get_string(value, "id");
    attachment.u.public_ip.address = nsf_json_get_string(properties, "ipAddress");
    attachment.u.public_ip.attached_to = nsf_loader_id(nsf_json_get_nocase(properties, "ipConfiguration"));
    nsf_loader_give_attachment(loader, &attachment);
}

void nsf_load_subnet(struct nsf_loader *loader, const struct nsf_json *value)
{
    const struct nsf_json *properties = nsf_loader_properties(loader, value);
    struct nsf_attachment attachment = {.kind = NSF_ATTACHMENT_SUBNET, .place = nsf_loader_place(loader, value)};
    attachment.u.subnet.id = nsf_json_get_string(value, "id");
    attachment.u.subnet.nsg = read_nsg(loader, nsf_json_get_nocase(properties, "networkSecurityGroup"));
    if (attachment.u.subnet.id.len > 0)
        nsf_loader_give_attachment(loader, &attachment);
}

void nsf_load_vnet(struct nsf_loader *loader, const struct nsf_json *value)
{
    const struct nsf_json *subnets = nsf_json_get_nocase(nsf_loader_properties(loader, value), "subnets");
    for (size_t i = 0; i < nsf_json_len(subnets); i++)
        nsf_load_subnet(loader, nsf_json_item(subnets, i));
}

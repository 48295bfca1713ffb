#!/usr/bin/env python3
"""Seeded generator of NSGs with every nasty case of port 25: overlaps, splits, tags, IPv6, groups, narrow parts, dirt.

    gen_nsgs.py --seed 7 --count 300 --form az|arm > nsgs.json

The same seed gives the same NSGs in both forms, whose scans must be equal.
"""
import argparse
import json
import random
import sys

WIDE = ["*", "Internet", "0.0.0.0/0", "::/0", "Any", "INTERNET", "10.0.0.0/0", "0.0.0.0-255.255.255.255"]
HALVES = ["0.0.0.0/1", "128.0.0.0/1", "::/1", "2000::/3", "2000::/4", "3000::/4", "64.0.0.0/2",
          "0.0.0.0-127.255.255.255"]
MIDDLE = ["1.0.0.0/8", "20.0.0.0/7", "8.0.0.0/9", "2a01::/16", "2a01:111::/32", "2603:1000::/24", "0.0.0.0/2",
          "192.0.0.0/8", "198.0.0.0/7", "100.0.0.0/8", "168.0.0.0/6"]
SMALL = ["198.100.4.0/24", "8.8.8.8", "40.92.0.0/15", "52.100.0.1-52.103.255.255", "2a01:111:f400::/48",
         "2A01:111:0:0::1", "1.2.3.4/32", "9.9.9.9/24", "203.0.113.7", "192.88.99.0/24", "168.63.129.16",
         "2001:db8::/32", "fe80::/10"]
PRIVATE = ["10.0.0.0/8", "192.168.1.0/24", "172.16.0.0/12", "VirtualNetwork", "AzureLoadBalancer", "fc00::/7",
           "127.0.0.1", "AzurePlatformDNS", "100.64.0.0/10"]
TAGS = ["AzureCloud", "AzureCloud.westeurope", "Storage", "Sql.EastUS", "AzureActiveDirectory"]
DIRT = ["300.1.2.3/8", "10.0.0.0/33", "1.2.3.4-1.2.3.1", "[parameters('x')]", "1.2.3", "2a01::/129"]
PORTS = ["25", "25", "25", 25, "20-30", "*", "0-65535", "22,24-25", "1-25", "25-25", " 22 , 25 ", "443", "26-30",
         "587", "24", "1-24,26-65535"]
TARGETS = ["*", "VirtualNetwork", "Any", "10.1.0.4", "10.1.0.0/16", "0.0.0.0/0", "::/0", "10.1.0.4/32", "fd00::/8"]
SOURCE_PORTS = ["*", "0-65535", "1-65535", "1024-65535", "25", "1-1023"]
PROTOCOLS = ["Tcp", "TCP", "*", "Any", "All", "6", "tcp", "Udp", "Icmp", "Esp"]


def pick_sources(rng, is_wild):
    """Source entries: mostly one wide one, at times a mixed bag."""
    pools = [WIDE, WIDE, HALVES, MIDDLE, SMALL, PRIVATE, TAGS] + ([DIRT] if is_wild else [])
    return [rng.choice(rng.choice(pools)) for _ in range(rng.choice([1, 1, 1, 2, 3, 5]))]


def make_rule(rng, number, priority, is_wild):
    sources = pick_sources(rng, is_wild)
    ports = [rng.choice(PORTS) for _ in range(rng.choice([1, 1, 1, 2]))]
    source_ports = [rng.choice(SOURCE_PORTS)] if rng.random() < 0.25 else ["*"]
    if rng.random() < 0.05:
        source_ports = ["1-1000", "1001-65535"]
    targets = [rng.choice(TARGETS) for _ in range(rng.choice([1, 1, 2]))] if rng.random() < 0.3 else ["*"]
    rule = {"name": "%s-%d" % (rng.choice(["allow", "Deny", "rule"]), number), "priority": priority,
            "direction": rng.choice(["Inbound"] * 12 + ["inbound", "Outbound"]),
            "access": rng.choice(["Allow", "Allow", "allow", "Deny"]),
            "protocol": rng.choice(PROTOCOLS[:6] * 3 + PROTOCOLS)}
    put(rng, rule, "sourceAddressPrefix", "sourceAddressPrefixes", sources)
    put(rng, rule, "destinationPortRange", "destinationPortRanges", ports)
    put(rng, rule, "sourcePortRange", "sourcePortRanges", source_ports)
    put(rng, rule, "destinationAddressPrefix", "destinationAddressPrefixes", targets)
    groups = ["/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationSecurityGroups/" + name
              for name in ("web", "mail")]
    if rng.random() < 0.08:
        rule["destinationApplicationSecurityGroups"] = [{"id": name} for name in rng.sample(groups, rng.randint(1, 2))]
        put(rng, rule, "destinationAddressPrefix", "destinationAddressPrefixes", [])
    if rng.random() < 0.05:
        rule["sourceApplicationSecurityGroups"] = [{"id": rng.choice(groups)}]
        put(rng, rule, "sourceAddressPrefix", "sourceAddressPrefixes", [])
    return rule


def put(rng, rule, singular, plural, values):
    """Entries in the singular member, the plural one, or both; unset in one of the ways exports have."""
    rule.pop(singular, None)
    rule.pop(plural, None)
    if len(values) == 1 and rng.random() < 0.7:
        rule[singular] = values[0]
        if rng.random() < 0.7:
            rule[plural] = rng.choice([[], None])
    elif values:
        head = values[:1] if rng.random() < 0.2 else []
        rule[plural] = values[len(head):]
        rule[singular] = head[0] if head else rng.choice([None, ""])
        if len(head) == len(values):
            rule[plural] = []
    elif rng.random() < 0.5:
        rule[singular], rule[plural] = None, []


def make_nsg(rng, number):
    nsg_id = "/subscriptions/%08d-0000-0000-0000-000000000000/resourceGroups/rg%d/providers/Microsoft.Network/" \
        "networkSecurityGroups/nsg-%d" % (rng.randrange(3), number % 7, number)
    is_wild = rng.random() < 0.15
    priorities = rng.sample(range(100, 4097), rng.randint(0, 7))
    found = {"id": nsg_id, "name": "nsg-%d" % number, "resourceGuid": "%08x-0000-4000-8000-000000000000" % number,
             "securityRules": [make_rule(rng, place, priority, is_wild) for place, priority in enumerate(priorities)]}
    for name, kind in (("subnets", "virtualNetworks/v/subnets/s"), ("networkInterfaces", "networkInterfaces/n")):
        state = rng.randrange(4)
        if state == 0:
            found[name] = []
        elif state == 1:
            found[name] = None
        elif state == 2:
            found[name] = [{"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/%s%d" % (kind, i)}
                           for i in range(rng.randint(1, 2))]
    return found


def as_arm(nsg):
    """The same NSG as the REST interface lists it."""
    rules = [{"name": rule["name"], "id": nsg["id"] + "/securityRules/" + rule["name"],
              "properties": {key: value for key, value in rule.items() if key != "name"}}
             for rule in nsg["securityRules"]]
    inner = {key: value for key, value in nsg.items() if key not in ("id", "name", "securityRules")}
    return {"id": nsg["id"], "name": nsg["name"], "type": "Microsoft.Network/networkSecurityGroups",
            "properties": {**inner, "securityRules": rules}}


def make(seed, count, form="az"):
    rng = random.Random(seed)
    nsgs = [make_nsg(rng, number) for number in range(count)]
    return nsgs if form == "az" else {"value": [as_arm(nsg) for nsg in nsgs]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--form", choices=("az", "arm"), default="az")
    options = parser.parse_args()
    json.dump(make(options.seed, options.count, options.form), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()

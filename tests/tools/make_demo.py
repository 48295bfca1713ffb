#!/usr/bin/env python3
"""Writes the demonstration: four weeks of one small company's flow logs and its network security groups.

    tests/tools/make_demo.py fixtures/demo

Everything is invented and seeded: the same bytes each time. Addresses are those set aside for documentation and
benchmarks (RFC 5737, RFC 2544), but for a few inside the ranges that Microsoft 365 publishes for outgoing mail, so that
a known provider can be seen.

The story: mail-edge runs the company's mail exchanger and is open to the world; erp-legacy was opened for a migration
and only scanners come; build-agents was opened once and nobody comes; dmz-old is logged by NSG flow logs, which carry no
counters; branch-office is closed, and one mail server keeps trying there.
"""
import gzip
import json
import os
import random
import sys

DAY = 86400
START = 1790812800  # 2026-10-01T00:00Z
DAYS = 28
SUB = "/subscriptions/3f2a7c10-5b1e-4c7e-9d43-0a1b2c3d4e5f"


def nsg_id(group, name):
    return f"{SUB}/resourceGroups/{group}/providers/Microsoft.Network/networkSecurityGroups/{name}"


def rule(name, priority, access="Allow", source="*", ports="25", protocol="Tcp", description=None):
    many = isinstance(ports, list)
    return {
        "access": access, "description": description, "destinationAddressPrefix": "*", "destinationAddressPrefixes": [],
        "destinationPortRange": None if many else ports, "destinationPortRanges": ports if many else [],
        "direction": "Inbound", "name": name, "priority": priority, "protocol": protocol,
        "sourceAddressPrefix": source if isinstance(source, str) else None,
        "sourceAddressPrefixes": [] if isinstance(source, str) else source,
        "sourcePortRange": "*", "sourcePortRanges": [],
    }


def nsg(group, name, guid, rules, nic, tags=None):
    own = nsg_id(group, name)
    for one in rules:
        one["id"] = f"{own}/securityRules/{one['name']}"
    nic_id = f"{SUB}/resourceGroups/{group}/providers/Microsoft.Network/networkInterfaces/{nic}"
    return {"id": own, "name": name, "resourceGroup": group, "location": "westeurope", "resourceGuid": guid,
            "securityRules": rules, "networkInterfaces": [{"id": nic_id}], "subnets": None, "tags": tags}


NSGS = [
    nsg("rg-mail", "mail-edge", "0a6f3d4e-8c2b-4f57-9a10-6d2f1e0b7c31",
        [rule("allow-smtp-inbound", 200, source="Internet", description="Inbound mail, opened for the new MX"),
         rule("allow-https", 210, source="Internet", ports="443")], "nic-mx01", {"owner": "messaging@contoso.example"}),
    nsg("rg-erp", "erp-legacy", "1b7f4e5f-9d3c-4a68-8b21-7e3a2f1c8d42",
        [rule("temp-migration-any", 100, ports="*", protocol="*")], "nic-erp01"),
    nsg("rg-build", "build-agents", "2c8a5f60-ae4d-4b79-9c32-8f4b3a2d9e53",
        [rule("deny-known-scanners", 110, access="Deny", source=["198.18.40.0/24", "198.18.41.0/24"]),
         rule("allow-mail-tests", 300, source="0.0.0.0/0", ports=["22", "20-30"])], "nic-build07"),
    nsg("rg-dmz", "dmz-old", "3d9b6a71-bf5e-4c8a-8d43-9a5c4b3eaf64",
        [rule("smtp-any", 400, source="Any")], "nic-dmz02"),
    nsg("rg-branch", "branch-office", "4eac7b82-c06f-4d9b-9e54-ab6d5c4fb075",
        [rule("smtp-from-relay", 200, source="198.51.100.16/28")], "nic-branch01"),
]

PROVIDER = ["40.107.14.22", "40.107.21.97", "40.107.105.8", "52.101.68.13", "52.101.71.44"]
PARTNERS = ["198.51.100.21", "198.51.100.22"]


class Nic:
    """The tuples of one network interface by hour, and how its flow log writes them."""

    def __init__(self, mac, address, nsg, layout):
        self.mac, self.address, self.nsg, self.layout, self.hours = mac, address, nsg, layout, {}

    def add(self, second, rule_name, source, port, to_port, state, counters=None, direction="I"):
        here, there = (source, self.address) if direction == "I" else (self.address, source)
        if self.layout == 4:
            text = ",".join(map(str, counters or (0, 0, 0, 0)))
            line = f"{second * 1000 + port % 1000},{here},{there},{port},{to_port},6,{direction},{state},NX,{text}"
        else:
            decision, state = ("D", "B") if state == "D" else ("A", state)
            text = ",".join(map(str, counters)) if counters else ",,,"
            line = f"{second},{here},{there},{port},{to_port},T,{direction},{decision},{state},{text}"
        self.hours.setdefault(second // 3600, {}).setdefault(rule_name, []).append(line)

    def session(self, rng, second, rule_name, source, to_port, counters, took=4, direction="I"):
        port = rng.randrange(20000, 65000)
        self.add(second, rule_name, source, port, to_port, "B", direction=direction)
        if self.layout == 4 or direction == "O":
            self.add(second + took, rule_name, source, port, to_port, "E", counters, direction)


def message(rng):
    size = rng.randrange(3000, 90000)
    packets = 12 + size // 1400
    return packets, size + packets * 60, 11 + packets // 3, 900 + (11 + packets // 3) * 52


def touch(rng):
    return 3, 3 * 60, 2, 2 * 52 + rng.choice((0, 0, 40))


def dialog(rng):
    return 9, 9 * 60 + rng.randrange(40, 110), 8, 8 * 52 + rng.randrange(250, 420)


def tls_alert(rng):
    return 17, 17 * 60 + 1900, 15, 15 * 52 + 2720


def guesses(rng):
    n = rng.randrange(24, 60)
    return n, n * 60 + n * 30, n, n * 52 + n * 58


def scanner(rng):
    return f"198.{rng.choice((18, 19))}.{rng.randrange(40, 220)}.{rng.randrange(1, 255)}"


def mail_edge(rng, nic, day, at):
    smtp = "UserRule_allow-smtp-inbound"
    weekday = (day + 3) % 7 < 5  # 2026-10-01 is a Thursday
    for _ in range(rng.randrange(9, 15) if weekday else 2):
        nic.session(rng, at + rng.randrange(DAY - 9), smtp, rng.choice(PROVIDER), 25, message(rng))
    for partner in PARTNERS if weekday else PARTNERS[:1]:
        for _ in range(rng.randrange(1, 4)):
            nic.session(rng, at + rng.randrange(6 * 3600, 20 * 3600), smtp, partner, 25, message(rng))
    nic.session(rng, at + 2 * 3600 + 600 + rng.randrange(90), smtp, "203.0.113.77", 25, tls_alert(rng))
    if day in (0, 13, 27):
        nic.session(rng, at + 9 * 3600, smtp, "192.0.2.55", 25, message(rng))
    for _ in range(rng.randrange(2, 6)):
        nic.session(rng, at + rng.randrange(DAY - 9), smtp, scanner(rng), 25, rng.choice((touch, dialog))(rng))
    if day % 3 == 0:
        second = at + rng.randrange(DAY // 2)
        for i in range(rng.randrange(2, 5)):
            nic.session(rng, second + 40 * i, smtp, "198.19.77.9", 25, guesses(rng), took=30)
    for _ in range(rng.randrange(20, 40)):
        nic.session(rng, at + rng.randrange(DAY - 9), "UserRule_allow-https", f"203.0.113.{rng.randrange(120, 250)}",
                    443, (14, 3000, 12, 9000))


def erp_legacy(rng, nic, day, at):
    anyone = "UserRule_temp-migration-any"
    for _ in range(rng.randrange(1, 4)):
        source, second = scanner(rng), at + rng.randrange(DAY - 60)
        nic.session(rng, second, anyone, source, 25, touch(rng))
        for port in rng.sample((22, 23, 445, 3389, 8080), 2):
            nic.session(rng, second + rng.randrange(5, 50), anyone, source, port, touch(rng))
    for _ in range(rng.randrange(8, 16)):
        nic.session(rng, at + rng.randrange(DAY - 9), anyone, f"192.0.2.{rng.randrange(100, 140)}", 443, (14, 3000, 12, 9000))


def build_agents(rng, nic, day, at):
    for _ in range(rng.randrange(6, 12)):
        nic.session(rng, at + rng.randrange(DAY - 9), "DefaultRule_AllowInternetOutBound", "203.0.113.10", 443,
                    (12, 2000, 15, 30000), direction="O")
    if day % 2 == 0:
        nic.add(at + rng.randrange(DAY), "UserRule_deny-known-scanners", f"198.18.{rng.choice((40, 41))}.{rng.randrange(1, 255)}",
                rng.randrange(20000, 65000), 25, "D")


def dmz_old(rng, nic, day, at):
    for hour in (3, 15):
        nic.session(rng, at + hour * 3600 + rng.randrange(600), "UserRule_smtp-any", "198.51.100.80", 25, None)
    for _ in range(rng.randrange(1, 4)):
        nic.session(rng, at + rng.randrange(DAY - 9), "UserRule_smtp-any", scanner(rng), 25, None)
    for _ in range(rng.randrange(3, 8)):
        nic.add(at + rng.randrange(DAY), "DefaultRule_DenyAllInBound", scanner(rng), rng.randrange(20000, 65000),
                rng.choice((22, 23, 25, 3389, 445)), "D")


def branch_office(rng, nic, day, at):
    for _ in range(rng.randrange(1, 3)):
        nic.session(rng, at + rng.randrange(DAY - 9), "UserRule_smtp-from-relay", "198.51.100.18", 25, message(rng))
    for _ in range(rng.randrange(2, 5)):
        nic.add(at + rng.randrange(DAY), "DefaultRule_DenyAllInBound", scanner(rng), rng.randrange(20000, 65000),
                rng.choice((22, 25, 3389)), "D")
    if day == 11:
        for i in range(14):
            nic.add(at + 7 * 3600 + i * 1500, "DefaultRule_DenyAllInBound", "198.18.7.200", 30000 + 71 * i, 25, "D")


def record(nic, hour):
    rules = nic.hours.get(hour, {})
    if nic.layout == 4:
        flow_log = f"{SUB}/resourceGroups/NetworkWatcherRG/providers/Microsoft.Network/networkWatchers/" \
                   f"NetworkWatcher_westeurope/flowLogs/fl-contoso"
        groups = [{"rule": name, "flowTuples": sorted(lines)} for name, lines in sorted(rules.items())]
        return {"time": stamp(hour), "flowLogVersion": 4, "flowLogGUID": "5fbd8c93-d170-4eac-8f65-bc7e6d50c186",
                "macAddress": nic.mac, "category": "FlowLogFlowEvent", "flowLogResourceID": flow_log,
                "targetResourceID": f"{SUB}/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet-hub",
                "operationName": "FlowLogFlowEvent", "flowRecords": {"flows": [{"aclID": nic.nsg, "flowGroups": groups}]}}
    flows = [{"rule": name, "flows": [{"mac": nic.mac, "flowTuples": sorted(lines)}]} for name, lines in sorted(rules.items())]
    return {"time": stamp(hour), "systemId": "5fbd8c93-d170-4eac-8f65-bc7e6d50c186", "macAddress": nic.mac,
            "category": "NetworkSecurityGroupFlowEvent", "resourceId": nic.nsg.upper(),
            "operationName": "NetworkSecurityGroupFlowEvents", "properties": {"Version": 2, "flows": flows}}


def stamp(hour):
    import time
    return time.strftime("%Y-%m-%dT%H:59:59.0000000Z", time.gmtime(hour * 3600))


def main():
    folder = sys.argv[1]
    rng = random.Random(25)
    worlds = [(mail_edge, Nic("000D3A1B2C01", "10.10.1.4", NSGS[0]["id"], 4)),
              (erp_legacy, Nic("000D3A1B2C02", "10.10.2.4", NSGS[1]["id"], 4)),
              (build_agents, Nic("000D3A1B2C03", "10.10.3.7", NSGS[2]["id"], 4)),
              (dmz_old, Nic("000D3A1B2C04", "10.10.4.2", NSGS[3]["id"], 2)),
              (branch_office, Nic("000D3A1B2C05", "10.10.5.4", NSGS[4]["id"], 4))]
    with open(os.path.join(folder, "nsgs.json"), "w") as out:
        json.dump(NSGS, out, indent=1)
        out.write("\n")
    for make, nic in worlds:
        logs = os.path.join(folder, "logs", make.__name__.replace("_", "-"))
        os.makedirs(logs, exist_ok=True)
        for day in range(DAYS):
            make(rng, nic, day, START + day * DAY)
        for day in range(DAYS):
            first = (START + day * DAY) // 3600
            text = json.dumps({"records": [record(nic, hour) for hour in range(first, first + 24)]}, separators=(",", ":"))
            name = os.path.join(logs, stamp(first)[:10] + ".json.gz")
            with open(name, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
                out.write(text.encode())


if __name__ == "__main__":
    main()

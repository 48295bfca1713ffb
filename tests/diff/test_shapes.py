#!/usr/bin/env python3
"""One set of NSGs written in every shape that the program reads gives the same scan, finding by finding.

NSGFLOW names the program. The writers here know the shapes from their documentation and from public exports; they do
not share anything with the program. Prints one line a comparison that failed, then "N passed, M failed".
"""
import json
import os
import random
import subprocess
import sys
import tempfile

SUB, GROUP = "11111111-2222-3333-4444-555555555555", "mail"
BASE = "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/" % (SUB, GROUP)
RANDOM_NSGS = 60


def rule(name, priority, access="Allow", sources=("*",), ports=("25",), protocol="Tcp", direction="Inbound",
         source_ports=("*",), destinations=("*",), asgs=(), description=None):
    return {"name": name, "priority": priority, "access": access, "sources": list(sources), "ports": list(ports),
            "protocol": protocol, "direction": direction, "source_ports": list(source_ports),
            "destinations": list(destinations), "asgs": list(asgs), "description": description}


def fixed_nsgs():
    asg = BASE + "applicationSecurityGroups/app"
    return {
        "open-star": [rule("smtp", 200)],
        "open-internet": [rule("smtp", 200, sources=["Internet"], ports=["22", "24-26"], description="mail")],
        "open-split": [rule("low", 100, sources=["0.0.0.0/1"]), rule("high", 110, sources=["128.0.0.0/1"])],
        "open-all": [rule("any", 4096, ports=["*"], protocol="*")],
        "closed-empty": [],
        "closed-deny": [rule("deny", 100, "Deny"), rule("smtp", 200)],
        "closed-udp": [rule("udp", 100, protocol="Udp")],
        "closed-out": [rule("out", 100, direction="Outbound")],
        "v6-left": [rule("deny4", 100, "Deny", ["0.0.0.0/0"]), rule("smtp", 200)],
        "v6-only": [rule("six", 100, sources=["::/0"])],
        "partial-deny": [rule("deny-half", 100, "Deny", ["0.0.0.0/1"]), rule("smtp", 200, sources=["Internet"])],
        "narrow-deny": [rule("deny-port", 100, "Deny", source_ports=["1024-65535"]), rule("smtp", 200)],
        "restricted": [rule("relay", 100, sources=["198.51.0.0/16", "203.0.112.0/23", "40.92.0.0/15"])],
        "shadowed": [rule("wide", 100), rule("narrow", 200, sources=["8.8.8.0/24"])],
        "behind": [rule("first", 100), rule("second", 200, ports=["*"])],
        "bad-allow": [rule("bad", 100, sources=["300.1.1.1"])],
        "bad-deny": [rule("bad", 100, "Deny", sources=["not a prefix"[:3]]), rule("smtp", 200, sources=["Internet"])],
        "tag": [rule("tag", 100, sources=["Storage.WestEurope"])],
        "cloud": [rule("cloud", 100, sources=["AzureCloud"])],
        "inner": [rule("inner", 100, sources=["VirtualNetwork", "AzureLoadBalancer"])],
        "to-asg": [rule("smtp", 100, asgs=[asg], destinations=[])],
        "to-prefix": [rule("smtp", 100, destinations=["10.0.0.4", "10.0.1.0/24"])],
        "protocols": [rule("six", 100, sources=["20.0.0.0/6"], protocol="6"), rule("star", 110, sources=["30.0.0.0/7"], protocol="*")],
    }


def random_nsgs(count):
    rng = random.Random(25)
    sources = ["*", "Internet", "0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/2", "203.0.0.0/8", "10.0.0.0/8", "2000::/4",
               "8.8.8.8", "20.0.0.0-40.255.255.255", "VirtualNetwork"]
    ports = ["25", "20-30", "*", "22", "0-65535", "26-100", "443"]
    nsgs = {}
    for i in range(count):
        rules = []
        priorities = rng.sample(range(100, 4097), 8)
        for k in range(rng.randrange(1, 8)):
            rules.append(rule("r%d" % k, priorities[k], rng.choice(["Allow", "Allow", "Deny"]),
                              rng.sample(sources, rng.randrange(1, 4)), rng.sample(ports, rng.randrange(1, 3)),
                              rng.choice(["Tcp", "*", "Udp"]), rng.choice(["Inbound"] * 5 + ["Outbound"]),
                              rng.choice([["*"], ["*"], ["1024-65535"]]), rng.choice([["*"], ["*"], ["10.0.0.0/24"]])))
        nsgs["random-%02d" % i] = rules
    return nsgs


# ---- Writers -------------------------------------------------------------------------------------------------------

def nsg_id(name):
    return BASE + "networkSecurityGroups/" + name


def flat_rule(nsg, r, unset):
    """az: what is one value stands in the singular member, several in the plural one."""
    out = {"name": r["name"], "id": nsg_id(nsg) + "/securityRules/" + r["name"], "priority": r["priority"],
           "access": r["access"], "direction": r["direction"], "protocol": r["protocol"],
           "type": "Microsoft.Network/networkSecurityGroups/securityRules", "resourceGroup": GROUP}
    if r["description"] or unset == "null":
        out["description"] = r["description"]
    for singular, plural, values in (("sourceAddressPrefix", "sourceAddressPrefixes", r["sources"]),
                                     ("sourcePortRange", "sourcePortRanges", r["source_ports"]),
                                     ("destinationAddressPrefix", "destinationAddressPrefixes", r["destinations"]),
                                     ("destinationPortRange", "destinationPortRanges", r["ports"])):
        if len(values) == 1:
            out[singular] = values[0]
        elif unset == "null":
            out[singular] = None
        if unset != "old":
            out[plural] = values if len(values) != 1 else []
        elif len(values) != 1:
            out[singular] = ",".join(values)
    if r["asgs"]:
        out["destinationApplicationSecurityGroups"] = [{"id": a} for a in r["asgs"]]
    elif unset == "null":
        out["destinationApplicationSecurityGroups"] = None
    return out


def az(nsgs, unset="aaz"):
    out = []
    for name, rules in nsgs.items():
        nsg = {"id": nsg_id(name), "name": name, "location": "westeurope", "resourceGroup": GROUP,
               "securityRules": [flat_rule(name, r, unset) for r in rules], "defaultSecurityRules": [],
               "type": "Microsoft.Network/networkSecurityGroups"}
        if unset == "null":
            nsg.update({"subnets": None, "networkInterfaces": None, "flowLogs": None, "tags": None})
        out.append(nsg)
    return out


def arm_rule(nsg, r):
    flat = flat_rule(nsg, r, "aaz")
    keep = {k: flat.pop(k) for k in ("name", "id", "type")}
    flat.pop("resourceGroup")
    keep["properties"] = flat
    return keep


def arm_nsg(name, rules):
    return {"name": name, "id": nsg_id(name), "type": "Microsoft.Network/networkSecurityGroups", "location": "westeurope",
            "properties": {"provisioningState": "Succeeded", "securityRules": [arm_rule(name, r) for r in rules]}}


def arm(nsgs):
    return {"value": [arm_nsg(name, rules) for name, rules in nsgs.items()], "nextLink": "https://x/next"}


def graph(nsgs, as_text=False):
    rows = [arm_nsg(name, rules) for name, rules in nsgs.items()]
    for row in rows:
        row["type"] = row["type"].lower()
        if as_text:
            row["properties"] = json.dumps(row["properties"])
    return {"count": len(rows), "data": rows, "skip_token": None, "total_records": len(rows)}


def graph_table(nsgs):
    rows = graph(nsgs)["data"]
    columns = ["id", "name", "type", "properties"]
    return {"data": {"columns": [{"name": c, "type": "string"} for c in columns], "rows": [[r[c] for c in columns] for r in rows]}}


def powershell(nsgs):
    out = []
    for name, rules in nsgs.items():
        out.append({"Name": name, "Id": nsg_id(name), "ResourceGroupName": GROUP, "Location": "westeurope", "FlushConnection": False,
                    "SecurityRules": [{
                        "Name": r["name"], "Id": nsg_id(name) + "/securityRules/" + r["name"], "Description": r["description"],
                        "Protocol": r["protocol"], "SourcePortRange": r["source_ports"], "DestinationPortRange": r["ports"],
                        "SourceAddressPrefix": r["sources"], "DestinationAddressPrefix": r["destinations"], "Access": r["access"],
                        "Priority": r["priority"], "Direction": r["direction"], "SourceApplicationSecurityGroups": [],
                        "DestinationApplicationSecurityGroups": [{"Id": a} for a in r["asgs"]]} for r in rules],
                    "DefaultSecurityRules": []})
    return out


def template(nsgs, style="inline"):
    resources, parameters, variables = [], {}, {}
    for name, rules in nsgs.items():
        written = []
        for r in rules:
            properties = arm_rule(name, r)["properties"]
            if style != "inline" and "sourceAddressPrefix" in properties:
                key = "%s-%s" % (name, r["name"])
                parameters[key] = {"type": "string", "defaultValue": properties["sourceAddressPrefix"]}
                variables[key] = "[parameters('%s')]" % key
                properties["sourceAddressPrefix"] = "[variables('%s')]" % key
            written.append({"name": r["name"], "properties": properties})
        nsg = {"type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2024-05-01", "name": name,
               "location": "[resourceGroup().location]", "properties": {"securityRules": written if style == "inline" else []}}
        resources.append(nsg)
        for w in written if style == "child" else []:
            resources.append({"type": "Microsoft.Network/networkSecurityGroups/securityRules", "apiVersion": "2024-05-01",
                              "name": "[concat('%s', '/', '%s')]" % (name, w["name"]), "properties": w["properties"]})
        if style == "nested":
            nsg["resources"] = [dict(w, type="securityRules", apiVersion="2024-05-01") for w in written]
    return {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0", "parameters": parameters, "variables": variables, "resources": resources}


def blueprint(nsgs):
    return {"kind": "template", "type": "Microsoft.Blueprint/blueprints/artifacts", "name": "a",
            "properties": {"template": template(nsgs), "parameters": {}}}


def deployment(nsgs):
    inner = {"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "inner",
             "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "template": template(nsgs, "child")}}
    return {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0", "resources": [inner]}


def what_if(nsgs):
    return {"status": "Succeeded", "changes": [{"changeType": "Create", "resourceId": nsg_id(name), "before": None, "after": arm_nsg(name, rules)}
                                               for name, rules in nsgs.items()]}


def tf_rule(r, unset):
    out = {"name": r["name"], "priority": r["priority"], "access": r["access"], "direction": r["direction"], "protocol": r["protocol"],
           "description": r["description"] or ("" if unset == [] else None)}
    for singular, plural, values in (("source_address_prefix", "source_address_prefixes", r["sources"]),
                                     ("source_port_range", "source_port_ranges", r["source_ports"]),
                                     ("destination_address_prefix", "destination_address_prefixes", r["destinations"]),
                                     ("destination_port_range", "destination_port_ranges", r["ports"])):
        out[singular] = values[0] if len(values) == 1 else ("" if unset == [] else None)
        out[plural] = values if len(values) != 1 else unset
    out["source_application_security_group_ids"] = unset
    out["destination_application_security_group_ids"] = r["asgs"] or unset
    return out


def tf_resources(nsgs, separate, ids):
    out = []
    for i, (name, rules) in enumerate(nsgs.items()):
        values = {"name": name, "resource_group_name": GROUP, "location": "westeurope", "tags": None,
                  "security_rule": [] if separate else [tf_rule(r, []) for r in rules]}
        if ids:
            values["id"] = nsg_id(name)
        out.append(("azurerm_network_security_group", "n[%d]" % i, values))
        for r in rules if separate else []:
            values = dict(tf_rule(r, None), network_security_group_name=name, resource_group_name=GROUP)
            if ids:
                values["id"] = nsg_id(name) + "/securityRules/" + r["name"]
            out.append(("azurerm_network_security_rule", "%s_%s" % (name, r["name"]), values))
    return out


def tf_shown(nsgs, separate, ids):
    resources = [{"address": "%s.%s" % (kind, label), "mode": "managed", "type": kind, "name": label, "values": values}
                 for kind, label, values in tf_resources(nsgs, separate, ids)]
    half = len(resources) // 2
    return {"root_module": {"resources": resources[:half],
                            "child_modules": [{"address": "module.m", "resources": resources[half:]}]}}


def tf_plan(nsgs, separate):
    shown = tf_shown(nsgs, separate, False)
    changes = []
    for module in (shown["root_module"], shown["root_module"]["child_modules"][0]):
        for resource in module["resources"]:
            changes.append({"address": resource["address"], "type": resource["type"],
                            "change": {"actions": ["create"], "before": None, "after": resource["values"], "after_unknown": {"id": True}}})
    # Rules that the plan deletes stand in no planned values and must not be seen.
    changes.append({"address": "azurerm_network_security_rule.gone", "type": "azurerm_network_security_rule",
                    "change": {"actions": ["delete"], "after": None, "after_unknown": {},
                               "before": dict(tf_rule(rule("gone", 101), None), network_security_group_name="another-one",
                                              resource_group_name=GROUP)}})
    return {"format_version": "1.2", "terraform_version": "1.9.0", "planned_values": shown, "resource_changes": changes}


def tf_state(nsgs, separate):
    return {"format_version": "1.0", "terraform_version": "1.9.0", "values": tf_shown(nsgs, separate, True)}


def tf_raw(nsgs, separate):
    return {"version": 4, "terraform_version": "1.9.0", "serial": 3, "lineage": "x", "outputs": {},
            "resources": [{"mode": "managed", "type": kind, "name": label, "provider": "p", "instances": [{"schema_version": 0, "attributes": values}]}
                          for kind, label, values in tf_resources(nsgs, separate, True)]}


def rule_lists(nsgs):
    return [flat_rule(name, r, "aaz") for name, rules in nsgs.items() for r in rules]


def effective(nsgs, wrapper):
    groups = []
    for name, rules in nsgs.items():
        groups.append({"association": None, "networkSecurityGroup": {"id": nsg_id(name), "resourceGroup": GROUP},
                       "effectiveSecurityRules": [{
                           "name": "securityRules/" + r["name"], "access": r["access"], "direction": r["direction"],
                           "priority": r["priority"], "protocol": "All" if r["protocol"] == "*" else r["protocol"],
                           "sourceAddressPrefix": r["sources"][0], "sourceAddressPrefixes": r["sources"],
                           "sourcePortRange": r["source_ports"][0].replace("*", "0-65535"),
                           "sourcePortRanges": [p.replace("*", "0-65535") for p in r["source_ports"]],
                           "destinationAddressPrefixes": r["destinations"], "destinationPortRanges": [
                               p if "-" in p else "0-65535" if p == "*" else "%s-%s" % (p, p) for p in r["ports"]],
                           "expandedSourceAddressPrefix": None, "expandedDestinationAddressPrefix": None} for r in rules]})
    return {wrapper: groups}


# ---- Comparing -----------------------------------------------------------------------------------------------------

def canonical_port(text):
    low, _, high = text.partition("-")
    return "*" if text == "0-65535" else low if low == high else text


def scan(files):
    with tempfile.TemporaryDirectory(prefix="nsgflow-shapes-") as folder:
        paths = []
        for i, content in enumerate(files):
            path = os.path.join(folder, "%d.json" % i)
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
            paths.append(path)
        done = subprocess.run([os.environ.get("NSGFLOW", "build/nsgflow"), "scan", "--format", "json", "--quiet"] + paths,
                              capture_output=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError("status %d: %s" % (done.returncode, done.stderr.decode("utf-8", "replace")))
    return json.loads(done.stdout)


def short(identifier):
    return identifier.rsplit("/", 1)[-1]


def essence(report):
    """What every shape can say; ids, owners and the spelling of a single port differ by shape."""
    rows = set()
    for nsg in report["nsgs"]:
        rows.add(("nsg", short(nsg["nsg"]), nsg["verdict"], nsg["public_ipv4"], nsg["public_ipv6"]))
    for finding in report["findings"]:
        rows.add(("finding", short(finding["nsg"]), finding["rule"], finding["priority"], finding["verdict"],
                  tuple(sorted(finding["sources"])), tuple(sorted({canonical_port(p) for p in finding["ports"]})),
                  finding["opens_other_ports"], finding["public_ipv4"], finding["public_ipv6"],
                  tuple((r["rule"], r["part"]) for r in finding["reduced_by"]), tuple(finding["still_open_via"])))
    for row in report["shadowed"]:
        rows.add(("shadowed", short(row["nsg"]), row["rule"], row["priority"], tuple(row["by"])))
    return rows


def comparisons(nsgs):
    text = json.dumps
    with_rules = {name: rules for name, rules in nsgs.items() if rules}
    crlf = text(az(nsgs), indent=1).replace("\n", "\r\n")
    yield "az, pretty with CRLF and a byte order mark", ["\ufeff" + crlf], nsgs
    yield "az with nulls", [text(az(nsgs, "null"))], nsgs
    yield "az of 2017, comma lists", [text(az(nsgs, "old"))], nsgs
    yield "az, one NSG a line", ["\n".join(text(n) for n in az(nsgs))], nsgs
    yield "az, NewNSG", [text({"NewNSG": n}) for n in az(nsgs)], nsgs
    yield "az rule list", [text(rule_lists(nsgs))], with_rules
    yield "ARM REST", [text(arm(nsgs))], nsgs
    names = list(nsgs)
    yield "ARM REST, paged", [text(arm({n: nsgs[n] for n in names[:7]})), text(arm({n: nsgs[n] for n in names[7:]}))], nsgs
    yield "Resource Graph", [text(graph(nsgs))], nsgs
    yield "Resource Graph, properties as text", [text(graph(nsgs, True))], nsgs
    yield "Resource Graph, rows alone", [text(graph(nsgs, True)["data"])], nsgs
    yield "Resource Graph, table", [text(graph_table(nsgs))], nsgs
    yield "PowerShell", [text(powershell(nsgs))], nsgs
    yield "template, inline", [text(template(nsgs))], nsgs
    yield "template, child rules", [text(template(nsgs, "child"))], nsgs
    yield "template, nested rules", [text(template(nsgs, "nested"))], nsgs
    yield "Blueprint artifact", [text(blueprint(nsgs))], nsgs
    yield "nested deployment", [text(deployment(nsgs))], nsgs
    yield "what-if", [text(what_if(nsgs))], nsgs
    for separate in (False, True):
        how = "separate" if separate else "inline"
        yield "Terraform plan, " + how, [text(tf_plan(nsgs, separate))], nsgs
        yield "Terraform state, " + how, [text(tf_state(nsgs, separate))], nsgs
        yield "terraform.tfstate, " + how, [text(tf_raw(nsgs, separate))], nsgs
    yield "effective rules", [text(effective(nsgs, "networkSecurityGroups"))], nsgs
    yield "effective rules, REST", [text(effective(nsgs, "value"))], nsgs
    yield "all that know ids, at once", [text(az(nsgs)), text(arm(nsgs)), text(graph(nsgs, True)), text(powershell(nsgs)), text(what_if(nsgs)),
                                         text(tf_state(nsgs, True)), text(tf_raw(nsgs, False)), text(rule_lists(nsgs))], nsgs


def main():
    nsgs = fixed_nsgs()
    nsgs.update(random_nsgs(RANDOM_NSGS))
    passed = failed = 0
    plain = scan([json.dumps(az(nsgs))])
    expected = essence(plain)
    if len(plain["nsgs"]) != len(nsgs) or not plain["findings"] or not plain["shadowed"]:
        print("the plain scan is not what it should be")
        failed += 1
    for name, files, covered in comparisons(nsgs):
        try:
            got = essence(scan(files))
        except (RuntimeError, ValueError) as error:
            print("%s: %s" % (name, error))
            failed += 1
            continue
        wanted = {row for row in expected if row[1] in covered}
        if got == wanted:
            passed += 1
            continue
        failed += 1
        print("%s: differs from az" % name)
        for row in sorted(wanted - got, key=repr)[:5]:
            print("   missing %r" % (row,))
        for row in sorted(got - wanted, key=repr)[:5]:
            print("   extra   %r" % (row,))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

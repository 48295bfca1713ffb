"""The shapes that gen_logs.py fills: NSG definitions, tuples, records and blobs in every form that is read."""
import json
import re

SUBSCRIPTION = "11111111-2222-3333-4444-5555555555%02x"
LONG_NAME = "allow-mail-for-the-customer-portal-of-the-northern-region-from-every-relay-" + "%02d"
JIT_NAME = "MicrosoftDefenderForCloud-JITRule_%d_%032X"
VERSIONS = {"nsg1": (1, "1", 1.0), "nsg2": (2, "2", 2.0), "vnet4": (4, "4", 4.0)}
NSG_CATEGORY, VNET_CATEGORY = "NetworkSecurityGroupFlowEvent", "FlowLogFlowEvent"
ENCRYPTION = ["NX", "NX", "NX", "X", "NX_LOCAL_DST", "NX_SOMETHING_NEW"]


class Nsg:
    def __init__(self, nsg_id, guid, rules):
        self.id, self.guid, self.rules = nsg_id, guid, rules


def make_nsg(rng, number):
    subscription = SUBSCRIPTION % rng.randrange(3)
    name = rng.choice(["web-nsg", "Mail-NSG", "db_nsg.%d"]).replace("%d", str(number))
    nsg_id = "/subscriptions/%s/resourceGroups/rg-%s-%d/providers/Microsoft.Network/networkSecurityGroups/%s" % (
        subscription, rng.choice("abc"), number, name)
    guid = "%08x-0000-4000-8000-%012x" % (rng.randrange(1 << 32), rng.randrange(1 << 48))
    palette = [
        ("allow-smtp-inbound", "Internet", "25"), ("Any_25", "*", "20-30"), (LONG_NAME % 1, "0.0.0.0/0", "25"),
        (LONG_NAME % 2, "Internet", "25,587"), ("DefaultRule_mail", "64.0.0.0/2", "25"),
        ("relay-only", "198.100.0.0/24", "25"), ("AllowVnetInBound", "*", "*"),
        (JIT_NAME % (rng.randrange(10 ** 9), rng.randrange(1 << 128)), "Internet", "25"),
        ("web", "Internet", "443"), ("six", "2a01::/16", "25"), ("private", "10.0.0.0/8", "*")]
    chosen = rng.sample(palette, rng.randint(1, 6))
    rules = [make_rule(name, 100 + 10 * place, source, ports) for place, (name, source, ports) in enumerate(chosen)]
    if rng.random() < 0.3:
        rules.append(make_rule("deny-half", 4000, "0.0.0.0/1", "*", "Deny"))
        rules[-1]["priority"] = rng.choice([99 + 1 - 1, 105, 4000]) or 100
    return Nsg(nsg_id, guid, rules)


def make_rule(name, priority, source, ports, access="Allow"):
    ranges = ports.split(",")
    return {"name": name, "priority": max(100, priority), "direction": "Inbound", "access": access, "protocol": "Tcp",
            "sourceAddressPrefix": source, "sourceAddressPrefixes": [], "sourcePortRange": "*", "sourcePortRanges": [],
            "destinationAddressPrefix": "*", "destinationAddressPrefixes": [],
            "destinationPortRange": ports if len(ranges) == 1 else None,
            "destinationPortRanges": [] if len(ranges) == 1 else ranges}


def definitions(rng, nsgs):
    """The rules file: as the az CLI lists NSGs, or as the REST interface does."""
    if rng.random() < 0.5:
        return [{"id": nsg.id, "name": nsg.id.split("/")[-1], "resourceGuid": nsg.guid,
                 "securityRules": nsg.rules, "defaultSecurityRules": [], "subnets": None, "networkInterfaces": None}
                for nsg in nsgs]
    return {"value": [{"id": nsg.id, "name": nsg.id.split("/")[-1], "properties": {
        "resourceGuid": nsg.guid,
        "securityRules": [{"name": rule["name"], "id": nsg.id + "/securityRules/" + rule["name"],
                           "properties": {key: value for key, value in rule.items() if key != "name"}}
                          for rule in nsg.rules]}} for nsg in nsgs]}


def vnet_log_id(rng, which):
    return ("/SUBSCRIPTIONS/%s/RESOURCEGROUPS/NETWORKWATCHERRG/PROVIDERS/MICROSOFT.NETWORK/NETWORKWATCHERS/"
            "NETWORKWATCHER_WESTEUROPE/FLOWLOGS/%s" % ((SUBSCRIPTION % 0).upper(), ["VNET-LOG", "SUBNET-LOG"][which]))


def odd_rule_name(rng, nsg):
    long_names = [rule["name"] for rule in nsg.rules if len(rule["name"]) > 65] or [LONG_NAME % 1]
    return rng.choice([
        "UserRule_" + rng.choice(long_names)[:65], "UserRule_" + rng.choice(long_names)[:64],
        "UserRule_" + rng.choice(long_names)[:72], "DefaultRule_AllowVnetInBound", "defaultrule_allowvnetinbound",
        "DefaultRule_AllowAzureLoadBalancerInBound", "DefaultRule_NoSuch", "PlatformRule", "UserRule", "DefaultRule",
        "BlockHighRiskTCPPortsFromInternet", "Internet_3f2c", "unspecified", "UserRule_no-such-rule",
        "UserRule_NO-such-rule", "UserRule_DefaultRule_mail", "DefaultRule_mail", "UserRule_", ""])


def tuple_text(rng, layout, event, stamp):
    """An event as a tuple of the layout."""
    ports = ["" if event.protocol not in (6, 17) and rng.random() < 0.5 else str(port)
             for port in (event.source_port, event.target_port)]
    direction = "I" if event.inbound else "O"
    counters = ["" if event.counters is None else str(value) for value in event.counters or (None,) * 4]
    if layout == "vnet4":
        stamp_text = str(stamp // 1000) if rng.random() < 0.02 else str(stamp)
        state = "D" if event.denied else event.state
        if state in "BD" and rng.random() < 0.95:
            counters = ["0"] * 4
        return ",".join([stamp_text, event.source, event.target, *ports, str(event.protocol), direction, state,
                         rng.choice(ENCRYPTION), *counters])
    fields = [str(stamp // 1000), event.source, event.target, *ports, "U" if event.protocol == 17 else "T", direction,
              "D" if event.denied else "A"]
    if layout == "nsg2":
        if event.state == "B" or event.denied:
            counters = [""] * 4
        fields += [event.state, *counters]
    return ",".join(fields)


def spoil(rng, text):
    """A tuple that is bad, or nearly so, made from a good one."""
    fields = text.split(",")
    place = rng.randrange(len(fields))
    kind = rng.randrange(14)
    if kind == 0:
        return ",".join(fields[:-1])
    if kind == 1:
        return text + ","
    if kind == 2:
        return ""
    if kind == 3:
        fields[place] = "-" + fields[place]
    elif kind == 4:
        fields[place] = " " + fields[place]
    elif kind == 5:
        fields[0] = rng.choice(["", "18446744073709551616", "1e9", "0x10", "+5"])
    elif kind == 6:
        fields[rng.choice([1, 2])] = rng.choice(["010.1.2.3", "1.2.3", "1.2.3.256", "fe80::1%eth0", "10.0.0.0/8", "",
                                                 "1::2::3", "::ffff:1.2.3.04", "12345::", "1.2.3.4.5", ":::",
                                                 "1:2:3:4:5:6:7"])
    elif kind == 7:
        fields[rng.choice([3, 4])] = rng.choice(["65536", "", "99999999999999999999", "-1", "2 5"])
    elif kind == 8:
        fields[5] = rng.choice(["X", "", "256", "t", "TT"])
    elif kind == 9:
        fields[6] = rng.choice(["X", "", "i", "II"])
    elif kind == 10:
        fields[7] = rng.choice(["X", "", "a", "AD"])
    elif kind == 11 and len(fields) > 8:
        fields[8] = rng.choice(["Z", "", "NX_UNHEARD_OF"])
    elif kind == 12 and len(fields) > 8:
        fields[rng.randint(9, 12)] = rng.choice(["", "5", "18446744073709551615", "18446744073709551616", "1.5"])
    else:
        fields[place] += rng.choice(["\t", "\u00e9", "\"", "\\", "/", "!"])
    return ",".join(fields)


def acl_id(rng, world, nsg, rule):
    if rule == "PlatformRule" and rng.random() < 0.5 or world.chance("odd_names", 0.03):
        return "00000000-0000-0000-0000-000000000000"
    if rule == "unspecified":
        return rng.choice(["unspecified", nsg.id])
    if world.chance("odd_names", 0.04):
        return rng.choice(["", nsg.id + "-gone", "abcdef01-2345-6789-0abc-def012345678"])
    if world.chance("guid", 0.5):
        return rng.choice([nsg.guid, nsg.guid.upper()])
    head, _, name = nsg.id.rpartition("/")
    return rng.choice([nsg.id, nsg.id.lower(), head.lower() + "/" + name])


def record(rng, world, nic, log, layout, when_ms, lines):
    """One record of [(nsg, rule, layout, tuple text)], all of one flow log and NIC."""
    version = rng.choice(VERSIONS[layout]) if rng.random() < 0.1 else VERSIONS[layout][0]
    digits = rng.choice(["%03d" % (when_ms % 1000)] + ["%03d0000" % (when_ms % 1000)] * 9)
    found = {"time": utc(when_ms) + "." + digits + rng.choice(["Z"] * 9 + ["+00:00"])}
    mac = nic.mac if rng.random() < 0.9 else nic.mac.lower()
    if layout == "vnet4":
        found.update({"flowLogVersion": version, "flowLogGUID": "36094b6b-6999-48cf-8052-f8815f6732d9",
                      "macAddress": mac, "category": VNET_CATEGORY, "flowLogResourceID": log.id,
                      "targetResourceID": "/subscriptions/x/virtualNetworks/v", "operationName": VNET_CATEGORY,
                      "flowRecords": {"flows": vnet_flows(rng, world, lines)}})
    else:
        found.update({"systemId": "05cdbee8-43c6-458e-b53c-d707f958c66b", "macAddress": mac, "category": NSG_CATEGORY,
                      "resourceId": log.id, "operationName": NSG_CATEGORY + "s",
                      "properties": {"Version": version, "flows": nsg_flows(world, mac, lines)}})
        if world.chance("no_mac", 0.7):
            del found["macAddress"]
    return reorder(rng, found) if world.chance("keys", 0.5) else found


def runs(lines, key):
    """Neighbours with equal key, together."""
    found = []
    for line in lines:
        if found and key(found[-1][-1]) == key(line):
            found[-1].append(line)
        else:
            found.append([line])
    return found


def vnet_flows(rng, world, lines):
    flows = []
    for part in runs(lines, lambda line: (line[0].id, line[1] in ("PlatformRule", "unspecified"))):
        groups = [{"rule": run[0][1], "flowTuples": [line[3] for line in run]}
                  for run in runs(part, lambda line: line[1])]
        if world.chance("empty", 0.1):
            groups.append({"rule": "UserRule_web", "flowTuples": []})
        flows.append({"aclID": acl_id(rng, world, part[0][0], part[0][1]), "flowGroups": groups})
    if world.chance("empty", 0.05):
        flows.append({"aclID": lines[0][0].id, "flowGroups": []})
    return flows if not world.chance("empty", 0.02) else []


def nsg_flows(world, mac, lines):
    flows = [{"rule": run[0][1], "flows": [{"mac": mac, "flowTuples": [line[3] for line in run]}]}
             for run in runs(lines, lambda line: line[1])]
    if world.chance("empty", 0.1):
        flows.append({"rule": "DefaultRule_DenyAllInBound", "flows": []})
    if world.chance("empty", 0.1):
        flows.append({"rule": "UserRule_web", "flows": [{"mac": mac, "flowTuples": []}]})
    return flows if not world.chance("empty", 0.02) else []


def reorder(rng, value):
    """The same record with its keys sorted (as one real writer does), turned round or shuffled."""
    way = rng.randrange(3)

    def turn(part):
        if isinstance(part, list):
            return [turn(item) for item in part]
        if not isinstance(part, dict):
            return part
        keys = sorted(part) if way == 0 else list(part)[::-1] if way == 1 else rng.sample(list(part), len(part))
        return {key: turn(part[key]) for key in keys}
    return turn(value)


def foreign_record(rng, when_ms):
    return rng.choice([
        {"time": utc(when_ms) + "Z", "category": "AuditEvent", "operationName": "SecretGet", "resultType": "Success",
         "properties": {"clientInfo": "x", "httpStatusCode": 200, "isAccessPolicyMatch": True, "nothing": None}},
        {"time": utc(when_ms) + "Z", "category": NSG_CATEGORY, "properties": {"Version": 3, "flows": []}},
        {"category": VNET_CATEGORY, "flowLogVersion": 5, "flowRecords": {"flows": []}, "time": utc(when_ms) + "Z"}])


def utc(stamp_ms):
    import datetime
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=stamp_ms // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def blob(rng, use, records):
    """A blob of the records, in one of the envelopes that people feed the program."""
    texts = [dump(rng, use, one) for one in records]
    forms = ["azure"] * 3 + [name for name in ("nested", "ndjson", "bare", "fragment", "pretty") if name in use]
    form = rng.choice(forms)
    if form == "ndjson":
        data = rng.choice(["\n", "\r\n"]).join(texts) + "\n"
    elif form == "bare" and len(texts) == 1:
        data = texts[0]
    elif form == "fragment":
        data = rng.choice([",", '{"records":[', ""]) + ",".join(texts) + rng.choice(["", "]}", ","])
    elif form == "nested" and len(texts) > 1:
        at = rng.randrange(1, len(texts))
        data = '{"records":[%s,{"records":[%s]}]}' % (",".join(texts[:at]), ",".join(texts[at:]))
    elif form == "pretty":
        data = '{\r\n  "records": \r\n  [\r\n    %s\r\n  ]\r\n}\r\n' % "\r\n    ,\r\n    ".join(texts)
    else:
        data = '{"records":[%s]}' % ",".join(texts)
    mark = "\ufeff" if "bom" in use and rng.random() < 0.3 else ""
    return (mark + data).encode("utf-8")


def dump(rng, use, one):
    text = json.dumps(one, separators=(",", ":"), ensure_ascii=False)
    if "pretty" in use and rng.random() < 0.2:
        text = json.dumps(one, indent=rng.choice([1, 4, "\t"]), ensure_ascii=False)
    if "escapes" in use and rng.random() < 0.2:
        text = re.sub(r'(\d),(\d)', r'\1\\u002c\2', text, count=rng.randint(1, 3))
    if "escapes" in use and rng.random() < 0.1:
        text = text.replace("UserRule_", "User\\u0052ule_").replace("/", "\\/")
    return text

#!/usr/bin/env python3
"""Small logs whose numbers were worked out by hand: the program and the reference must both get them.

    NSGFLOW=build/nsgflow tests/diff/test_known_logs.py [--only NAME]

Two ways that agree can be wrong together; these cases say what is right. The last line says `N passed, N failed`.
"""
import argparse
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, os.pardir, "reference"))

import compare      # noqa: E402
import exposure     # noqa: E402
import read_logs    # noqa: E402

NSG = "/subscriptions/5b7a0000-0000-0000-0000-000000000001/resourceGroups/Mail/providers/Microsoft.Network/" \
    "networkSecurityGroups/Edge-NSG"
GUID = "0f0f0f0f-0000-4000-8000-00000000abcd"
VNET_LOG = "/SUBSCRIPTIONS/5B7A0000-0000-0000-0000-000000000001/RESOURCEGROUPS/NETWORKWATCHERRG/PROVIDERS/" \
    "MICROSOFT.NETWORK/NETWORKWATCHERS/NW/FLOWLOGS/%s"
T0 = 1767261600000                  # 2026-01-01T10:00:00Z
LONG = "allow-mail-for-the-customer-portal-of-the-northern-region-from-every-relay-01"
HALF_HOUR_MS = 30 * 60 * 1000
HOUR_MS = 3600 * 1000


def make_rule(name, priority, source="Internet", port="25"):
    return {"name": name, "priority": priority, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
            "sourceAddressPrefix": source, "sourcePortRange": "*", "destinationAddressPrefix": "*",
            "destinationPortRange": port}


DEFINITIONS = [{"id": NSG, "name": "Edge-NSG", "resourceGuid": GUID, "securityRules": [
    make_rule("smtp", 100), make_rule("Behind", 200, "8.8.0.0/16"), make_rule("private", 300, "10.0.0.0/8"),
    make_rule(LONG, 400, "fd00::/8"), make_rule("web", 500, "Internet", "443")]}]


def line(at_ms, state, counters=None, source="198.100.1.9", port=40000, target="10.0.0.4"):
    """A version 4 tuple, `at_ms` behind T0."""
    numbers = ",".join(map(str, counters)) if counters else ",,," if state in "CE" else "0,0,0,0"
    return "%d,%s,%s,%d,25,6,I,%s,NX,%s" % (T0 + at_ms, source, target, port, state, numbers)


def old_line(at_s, state, counters=None, source="198.100.1.9", port=40000):
    """A version 2 tuple; without a state one of version 1."""
    head = "%d,%s,10.0.0.4,%d,25,T,I,A" % (T0 // 1000 + at_s, source, port)
    return head if state is None else "%s,%s,%s" % (head, state, ",".join(map(str, counters)) if counters else ",,,")


def vnet(tuples, rule="UserRule_smtp", acl=NSG, time_ms=T0 + 60000, log="VNET", mac="000D3A000001"):
    return {"time": read_logs.when(time_ms), "flowLogVersion": 4, "macAddress": mac, "category": "FlowLogFlowEvent",
            "flowLogResourceID": VNET_LOG % log,
            "flowRecords": {"flows": [{"aclID": acl, "flowGroups": [{"rule": rule, "flowTuples": tuples}]}]}}


def nsg(tuples, version=2, rule="UserRule_smtp", time_ms=T0 + 60000, mac="000D3A000001"):
    return {"time": read_logs.when(time_ms), "macAddress": mac, "category": "NetworkSecurityGroupFlowEvent",
            "resourceId": NSG.upper(), "properties": {"Version": version, "flows": [
                {"rule": rule, "flows": [{"mac": mac, "flowTuples": tuples}]}]}}


def traffic(connections, attempts, tuples, classes, numbers=(None,) * 4, **more):
    return {"connections": connections, "attempts": attempts, "tuples": tuples, "classes": classes,
            **dict(zip(("packets_in", "bytes_in", "packets_out", "bytes_out"), numbers)), **more}


def one(numbers, expected):
    """The class of a single connection with these counters."""
    return ("class of %s" % (numbers,), [vnet([line(0, "B"), line(1000, "E", numbers)])],
            {"traffic": traffic(1, 1, 2, {expected: 1}, numbers)})


MAIL = (16, 11003, 10, 1200)        # 10 KB of mail: 10,043 bytes of payload in, 680 out
GRAB = (5, 268, 4, 300)             # a banner was read: 92 bytes of payload out
SYN = (1, 60, 0, 0)

CASES = [
    ("split at birth",
     [vnet([line(0, "B"), line(5000, "E", (4, 240, 3, 300)), line(5000, "B"), line(9000, "E", MAIL)])],
     {"traffic": traffic(1, 1, 4, {"message": 1}, MAIL)}),
    ("split at birth, but the second part does not include the first",
     [vnet([line(0, "B"), line(5000, "E", (4, 240, 3, 300)), line(5000, "B"), line(9000, "E", (3, 999, 9, 999))])],
     {"traffic": traffic(1, 1, 4, {"ambiguous": 1}, (7, 1239, 12, 1299))}),
    ("the carry serves once",
     [vnet([line(0, "B"), line(5000, "E", GRAB), line(5000, "B"), line(9000, "C", MAIL), line(9500, "E", MAIL)])],
     {"traffic": traffic(1, 1, 5, {"message": 1}, (32, 22006, 20, 2400))}),
    ("a second connection a moment after the first", [vnet([line(0, "B"), line(5000, "E", GRAB), line(5001, "B")])],
     {"traffic": traffic(2, 2, 3, {"dialog": 1, "unknown": 1}, GRAB)}),
    ("four tries without an answer",
     [vnet([one for at in (0, 1000, 3000, 7000) for one in (line(at, "B"), line(at + 400, "E", SYN))])],
     {"traffic": traffic(1, 4, 8, {"no_reply": 1}, (4, 240, 0, 0))}),
    ("tries 130 s apart are one connection", [vnet([line(0, "B"), line(0, "E", SYN), line(130000, "B")])],
     {"traffic": traffic(1, 2, 3, {"no_reply": 1}, SYN)}),
    ("tries more than 130 s apart are two", [vnet([line(0, "B"), line(0, "E", SYN), line(130001, "B")])],
     {"traffic": traffic(2, 2, 3, {"no_reply": 1, "unknown": 1}, SYN)}),
    ("an end without counters is tried again too", [vnet([line(0, "B"), line(0, "E"), line(1000, "B")])],
     {"traffic": traffic(1, 2, 3, {"unknown": 1})}),
    ("continued every five minutes",
     [vnet([line(0, "B"), line(300000, "C", (10, 600, 8, 900)), line(600000, "C"), line(700000, "E", MAIL)])],
     {"traffic": traffic(1, 1, 4, {"message": 1}, (26, 11603, 18, 2100))}),
    ("half an hour of silence is one connection", [vnet([line(0, "B"), line(HALF_HOUR_MS, "C", GRAB)])],
     {"traffic": traffic(1, 1, 2, {"dialog": 1}, GRAB)}),
    ("more than half an hour is two", [vnet([line(0, "B"), line(HALF_HOUR_MS + 1, "C", GRAB)])],
     {"traffic": traffic(2, 1, 2, {"unknown": 1, "dialog": 1}, GRAB)}),
    ("the same end twice", [vnet([line(0, "B"), line(9, "E", GRAB), line(9, "E", GRAB)])],
     {"traffic": traffic(1, 1, 3, {"dialog": 1}, GRAB)}),
    ("another end with the same stamp", [vnet([line(0, "B"), line(9, "E", GRAB), line(9, "E", SYN)])],
     {"traffic": traffic(2, 1, 3, {"dialog": 1, "no_reply": 1}, (6, 328, 4, 300))}),
    ("two begins without an end", [vnet([line(0, "B"), line(9, "B"), line(20, "E", SYN)])],
     {"traffic": traffic(1, 2, 3, {"no_reply": 1}, SYN)}),
    ("counters on a begin are none", [vnet([line(0, "B", MAIL)])], {"traffic": traffic(1, 1, 1, {"unknown": 1})}),
    ("lines of version 1", [nsg([old_line(0, None), old_line(1, None), old_line(1801, None), old_line(3602, None)], 1)],
     {"traffic": traffic(2, 2, 4, {"unknown": 1 + 1})}),
    ("a stamp that goes back", [vnet([line(5000, "B"), line(4000, "E", GRAB)])],
     {"traffic": traffic(1, 1, 2, {"dialog": 1}, GRAB, first="2026-01-01T10:00:05.000Z",
                         last="2026-01-01T10:00:05.000Z"), "inputs": {"tuples_late": 1}}),
    ("seconds in a version 4 log", [vnet([line(0, "B").replace(str(T0), str(T0 // 1000))])],
     {"traffic": traffic(1, 1, 1, {"unknown": 1}, first="2026-01-01T10:00:00.000Z")}),
    ("two logs of one NIC show one connection",
     [nsg([old_line(0, "B")]), vnet([line(700, "B"), line(9000, "E", GRAB)])],
     {"traffic": traffic(1, 1, 2, {"dialog": 1}, GRAB), "inputs": {"tuples": 3, "tuples_duplicate": 1},
      "smtp_inbound": {"allowed": 3, "denied": 0}}),
    ("two logs, further apart than the margins",
     [nsg([old_line(0, "B")]), vnet([line(4001, "B"), line(9000, "E", GRAB)])],
     {"traffic": traffic(2, 2, 3, {"dialog": 1, "unknown": 1}, GRAB), "inputs": {"tuples_duplicate": 0}}),
    ("two logs, just as far apart as the margins",
     [nsg([old_line(0, "B")]), vnet([line(4000, "B"), line(9000, "E", GRAB)])],
     {"traffic": traffic(1, 1, 2, {"dialog": 1}, GRAB), "inputs": {"tuples_duplicate": 1}}),
    ("a record twice", [vnet([line(0, "B")]), vnet([line(0, "B")])],
     {"traffic": traffic(1, 1, 1, {"unknown": 1}), "inputs": {"records": 1, "records_duplicate": 1, "tuples": 1}}),
    ("equal times are no duplicate", [vnet([line(0, "B")]), vnet([line(0, "B", port=40001)])],
     {"traffic": traffic(2, 2, 2, {"unknown": 2}), "inputs": {"records": 2, "records_duplicate": 0}}),
    ("an NSG log without a flow shows that the interface is logged",
     [dict(nsg([]), properties={"Version": 2, "flows": []})],
     {"coverage": {"nics": ["000D3A000001"], "hours_expected": 1, "hours_seen": 1, "counters": "absent"}}),
    ("so does an NSG log with an empty group", [nsg([])],
     {"coverage": {"nics": ["000D3A000001"], "hours_expected": 1, "hours_seen": 1, "counters": "absent"}}),
    ("so does an empty group under the NSG in a virtual network log", [vnet([])],
     {"coverage": {"nics": ["000D3A000001"], "hours_expected": 1, "hours_seen": 1, "counters": "present"}}),
    ("an empty group under another NSG shows nothing of this one", [vnet([], acl=NSG + "x")],
     {"coverage": {"nics": [], "hours_expected": 0, "hours_seen": 0}}),
    ("aclID is the GUID of the NSG", [vnet([line(0, "B")], acl=GUID.upper())],
     {"traffic": traffic(1, 1, 1, {"unknown": 1})}),
    ("names without regard to case", [vnet([line(0, "B")], rule="userrule_SMTP", acl=NSG.upper())],
     {"traffic": traffic(1, 1, 1, {"unknown": 1})}),
    ("days and their connections",
     [vnet([line(0, "B"), line(14 * HOUR_MS, "B"), line(14 * HOUR_MS + 9, "E", MAIL),
            line(15 * HOUR_MS, "B", port=7)])],
     {"traffic": traffic(3, 3, 4, {"unknown": 2, "message": 1}, MAIL, days=2, by_day=[
         {"day": "2026-01-01", "connections": 1, "messages": 0},
         {"day": "2026-01-02", "connections": 2, "messages": 1}])}),
    ("an IPv4-mapped address is IPv4", [vnet([line(0, "B", source="::ffff:198.100.1.9"), line(9, "E", GRAB)])],
     {"traffic": traffic(1, 1, 2, {"dialog": 1}, GRAB, sources=1), "addresses": ["198.100.1.9"]}),
    ("addresses as RFC 5952 prints them", [vnet([line(0, "B", source="2A01:0111:0:0::00FF")])],
     {"addresses": ["2a01:111::ff"]}),
    ("every bad tuple is counted", [vnet([
        line(0, "B"), line(0, "B") + ",", line(0, "B")[:-2], line(0, "B").replace(",I,", ",J,"),
        line(0, "B").replace(",6,", ",256,"), line(0, "B").replace("198.100.1.9", "198.100.01.9"),
        line(0, "B").replace(",B,", ",A,"), line(0, "B").replace("40000", "65536"), line(0, "E", (1, 2, 3, "")),
        line(0, "E", (1, 2, 3, 1 << 64)), line(0, "E", (1, 2, "-3", 4)), " " + line(0, "B"),
        line(0, "B").replace("NX", "NX_NEW_WORD")])],
     {"traffic": traffic(1, 2, 2, {"unknown": 1}), "inputs": {"tuples": 13, "tuples_bad": 11}}),
    ("what joins nothing", [
        vnet([line(0, "B")], rule="PlatformRule", acl="00000000-0000-0000-0000-000000000000"),
        vnet([line(1, "B")], rule="unspecified", acl="unspecified"), vnet([line(2, "B")], rule="UserRule"),
        vnet([line(3, "B")], rule="BlockPorts"), vnet([line(4, "B")], acl=NSG + "2"),
        vnet([line(5, "B")], rule="UserRule_gone"), vnet([line(6, "B")], rule="UserRule_behind"),
        vnet([line(7, "B"), line(8, "E", GRAB)], rule="UserRule_private"),
        vnet([line(9, "B")], rule="DefaultRule_AllowVNetInBound"),
         nsg([old_line(1, "B")], rule="UserRule_" + LONG[:65])],
     {"unmatched": [
         [None, "PlatformRule", "platform", 1, 1], [None, "unspecified", "unspecified", 1, 1],
         [NSG, "BlockPorts", "admin_rule", 1, 1], [NSG, "DefaultRule_AllowVNetInBound", "not_exposing", 1, 1],
         [NSG, "UserRule", "bare_rule", 1, 1], [NSG, "UserRule_" + LONG[:65], "not_exposing", 1, 1],
         [NSG, "UserRule_behind", "shadowed", 1, 1], [NSG, "UserRule_gone", "unknown_rule", 1, 1],
         [NSG, "UserRule_private", "not_exposing", 1, 2], [NSG.lower() + "2", "UserRule_smtp", "unknown_nsg", 1, 1]]}),
    ("denied and other ports", [vnet([
        line(0, "D"), line(1, "D", source="198.100.1.10"), line(2, "B").replace(",25,6,", ",443,6,"),
        line(3, "E", GRAB).replace(",25,6,", ",443,6,"), line(4, "B").replace(",25,6,", ",25,17,"),
        line(5, "B").replace(",I,", ",O,"), line(6, "D").replace(",25,6,", ",22,6,")])],
     {"traffic": traffic(0, 0, 0, {}), "smtp_inbound": {"allowed": 0, "denied": 2},
      "denied": {"sources": 2, "tuples": 2},
      "other_ports": [{"protocol": "tcp", "port": 443, "tuples": 2, "sources": 1},
                      {"protocol": "udp", "port": 25, "tuples": 1, "sources": 1}]}),
    ("hours, and one that nothing was written in",
     [vnet([line(0, "B")]), vnet([line(2 * HOUR_MS, "B")], time_ms=T0 + 2 * HOUR_MS + 9)],
     {"coverage": {"nics": ["000D3A000001"], "hours_expected": 3, "hours_seen": 2, "gaps": [
         {"nic": "000D3A000001", "from": "2026-01-01T11:00:00.000Z", "to": "2026-01-01T12:00:00.000Z"}]}}),
    ("an hour without traffic while another NIC of the log has some",
     [vnet([line(0, "B")]), vnet([line(HOUR_MS, "B")], mac="000D3A000002", time_ms=T0 + HOUR_MS),
      vnet([line(2 * HOUR_MS, "B")], time_ms=T0 + 2 * HOUR_MS + 9)],
     {"coverage": {"nics": ["000D3A000001", "000D3A000002"], "hours_expected": 6, "hours_seen": 4}}),
    one((0, 0, 0, 0), "no_reply"), one((5, 300, 0, 0), "no_reply"), one((5, 300, 1, 52), "touch"),
    one((5, 300, 1, 400), "touch"), one((5, 300, 2, 104 + 19), "touch"), one((5, 268, 4, 208 + 20), "dialog"),
    one((5, 300 + 1400, 6, 312 + 100), "message"), one((5, 300 + 1399, 6, 312 + 100), "ambiguous"),
    one((5, 300 + 1400, 5, 260 + 100), "ambiguous"), one((5, 300 + 1400, 6, 312 + 99), "ambiguous"),
    one((5, 300 + 1400, 6, 312 + 1750), "message"), one((5, 300 + 1400, 6, 312 + 1751), "ambiguous"),
    one((90, 5400 + 8100, 90, 4680 + 12000), "message"), one((90, 5400 + 8099, 90, 4680 + 12000), "ambiguous"),
    one((36, 2260, 30, 4000), "guessing"), one((20, 2299, 20, 3000), "guessing"),
    one((20, 2300, 20, 3000), "ambiguous"),
    one((19, 999, 20, 3000), "dialog"), one((19, 1000, 20, 3000), "ambiguous"),
    one((10, 1189, 10, 2742), "ambiguous"), one((11, 2232, 9, 900), "message"), one((17, 3312, 15, 3504), "message"),
]


def found_of(document):
    """What a case can expect of a review, in the words of the cases."""
    rule = [row for row in document["rules"] if row["rule"] == "smtp"][0]
    return {"traffic": compare.tidy_classes(dict(rule["traffic"])), "inputs": document["inputs"],
            "smtp_inbound": document["inputs"]["smtp_inbound"], "coverage": rule["coverage"],
            "addresses": [row["address"] for row in rule["sources"]], "other_ports": rule["other_ports"],
            "denied": document["denied"],
            "unmatched": [[row[name] for name in ("nsg", "rule", "reason", "connections", "tuples")]
                          for row in document["unmatched"]]}


def narrowed(found, expected):
    """Only the members that the case names."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return {name: narrowed(found.get(name, "(absent)"), value) if name != "classes" else found.get(name)
                for name, value in expected.items()}
    return found


def check(folder, number, records, expected):
    rules_path, place = os.path.join(folder, "nsgs.json"), os.path.join(folder, "case-%d.json" % number)
    with open(place, "w", encoding="utf-8") as handle:
        json.dump({"records": records}, handle, separators=(",", ":"))
    scan = exposure.scan_files([rules_path])
    sides = {"the reference": read_logs.review([rules_path], scan, [place]),
             "the program": json.loads(compare.run(["review", "--rules", rules_path, "--format", "json", place]))}
    wrong = []
    for name, document in sides.items():
        wrong += ["  %s: %s" % (name, text) for text in compare.differences(
            narrowed(found_of(document), expected), expected, other="right is")]
    if wrong:
        raise compare.Failure("\n".join(wrong))


def check_many(folder):
    """An hour of 40,000 connections in an NSG log, every second one of them also in a VNet log that is read before.

    So many are alive that those which are over are let go, while one log of the NIC is an hour ahead of the other.
    """
    count, events = 40000, {}
    for number in range(count):
        for at, state in ((0, "B"), (300, "C"), (600, "C"), (900, "E")):
            second = number % 1500 + at
            events.setdefault(second // 60, []).append((number, second, state))
    logs = os.path.join(folder, "many")
    os.makedirs(logs)
    for name, step, make, text in (("a.json", 2, vnet, lambda s, *rest: line(s * 1000 + 300, *rest)),
                                   ("b.json", 1, nsg, old_line)):
        records = [make([text(second, state, None if state == "B" else GRAB, "23.%d.%d.1" % divmod(number, 256))
                         for number, second, state in sorted(events[minute], key=lambda event: event[1])
                         if number % step == 0], time_ms=T0 + minute * 60000 + 59000) for minute in sorted(events)]
        with open(os.path.join(logs, name), "w", encoding="utf-8") as handle:
            json.dump({"records": records}, handle, separators=(",", ":"))
    document = json.loads(compare.run(["review", "--rules", os.path.join(folder, "nsgs.json"), "--format", "json", logs]))
    expected = {"traffic": traffic(count, count, 4 * count, {"dialog": count}, tuple(3 * count * part for part in GRAB)),
                "inputs": {"tuples": 6 * count, "tuples_duplicate": 2 * count}}
    compare.demand_same(narrowed(found_of(document), expected), expected)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", default="", help="cases whose name holds this")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="nsgflow-known-")
    try:
        with open(os.path.join(folder, "nsgs.json"), "w", encoding="utf-8") as handle:
            json.dump(DEFINITIONS, handle)
        tests = [(name, lambda n=number, r=records, e=expected: check(folder, n, r, e))
                 for number, (name, records, expected) in enumerate(CASES)]
        tests.append(("many connections in two logs of one NIC", lambda: check_many(folder)))
        compare.main([test for test in tests if options.only in test[0]])
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""--explain-source says everything that is known of one address: one with a row, one that was only refused, one that came
to other ports only or by a rule that exposes nothing, one of a listed network, one that never came; from a review of
logs, from a store and from a saved review.
"""
import json
import os
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(os.environ.get("NSGFLOW", "build/nsgflow"))
NSG = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/mail"
START_S = 1767571200            # 2026-01-05
MAIL, TOUCH, SILENT = "12,4300,11,980", "3,164,2,112", "1,60,0,0"
failures, passed = [], 0


def expect(name, holds):
    global passed
    if holds:
        passed += 1
    else:
        failures.append(name)


class Log:
    def __init__(self):
        self.flows = {}         # rule -> tuples

    def add(self, rule, second, source, port, counters, denied=False, protocol=6):
        ms = (START_S + second) * 1000
        self.flows.setdefault(rule, []).append(
            "%d,%s,10.0.0.4,%d,%d,%d,I,%s,NX,%s" % (ms, source, 40000 + second % 20000, port, protocol, "D" if denied else "E",
                                                   "0,0,0,0" if denied else counters))

    def text(self):
        groups = [{"rule": rule if rule.startswith("Default") else "UserRule_" + rule, "flowTuples": tuples}
                  for rule, tuples in sorted(self.flows.items())]
        record = {"time": "2026-01-05T00:00:00.0000000Z", "category": "FlowLogFlowEvent", "macAddress": "000D3A000001",
                  "flowLogVersion": 4, "flowLogGUID": "g", "flowLogResourceID": "/SUBSCRIPTIONS/S/FLOWLOGS/L",
                  "targetResourceID": "/subscriptions/s/vnet", "operationName": "FlowLogFlowEvent",
                  "flowRecords": {"flows": [{"aclID": NSG, "flowGroups": groups}]}}
        return json.dumps({"records": [record]})


def write(folder):
    def rule(name, priority, access, source, port):
        return {"name": name, "priority": priority, "direction": "Inbound", "access": access, "protocol": "Tcp",
                "sourceAddressPrefix": source, "sourcePortRange": "*", "destinationAddressPrefix": "*",
                "destinationPortRange": port}
    rules = [rule("office", 100, "Allow", "198.51.100.0/24", "25"), rule("stop", 110, "Deny", "192.0.2.0/24", "25"),
             rule("smtp", 200, "Allow", "*", "25"), rule("web", 300, "Allow", "*", "443")]
    nsgs = [{"id": NSG, "name": "mail", "securityRules": rules, "subnets": [], "networkInterfaces": [{"id": "/nic"}]}]
    log = Log()
    for day in range(4):
        log.add("smtp", day * 86400 + 60, "203.0.113.5", 25, MAIL)
        log.add("smtp", day * 86400 + 90, "2001:db8:5::5", 25, MAIL)
    log.add("smtp", 100, "203.0.113.9", 25, TOUCH)
    log.add("web", 200, "203.0.113.9", 443, TOUCH)
    log.add("DefaultRule_DenyAllInBound", 300, "203.0.113.9", 22, "", denied=True)
    log.add("stop", 400, "192.0.2.7", 25, "", denied=True)
    log.add("stop", 500, "192.0.2.8", 25, "", denied=True)
    for hour in range(5):
        log.add("stop", hour * 3600 + 700, "192.0.2.99", 25, "", denied=True)
    log.add("web", 600, "203.0.113.80", 443, TOUCH)
    log.add("DefaultRule_DenyAllInBound", 650, "203.0.113.81", 3389, "", denied=True)
    log.add("office", 800, "198.51.100.20", 25, MAIL)
    log.add("office", 900, "203.0.113.5", 25, MAIL)
    files = {"nsgs.json": json.dumps(nsgs), "logs.json": log.text(), "drop.txt": "192.0.2.0/24 ; SBL7\n",
             "scanners.txt": "203.0.113.9 Census\n", "partners.txt": "2001:db8:5::/48 Branch\n", "names.txt": "203.0.113.5,mx.example.org\n"}
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


LISTS = ["--drop", "drop.txt", "--scanners", "scanners.txt", "--partners", "partners.txt", "--names", "names.txt"]

# address -> what the text holds, and what it does not
ASKED = {
    "203.0.113.5": (["its name: mx.example.org (names.txt)", "LIKELY_SENDER", "Through mail / smtp", "4 connections", "first 2026-01-05",
                     "Otherwise 1 connection to port 25 by rules that do not open it"], ["a partner"]),
    "2001:db8:5::5": (["Network 2001:db8:5::/48, Branch", "a partner: Branch (partners.txt)", "KNOWN_SENDER"], ["Otherwise"]),
    "2001:0DB8:5:0::5": (["2001:db8:5::5", "KNOWN_SENDER"], []),
    "::ffff:203.0.113.5": (["LIKELY_SENDER"], []),
    "203.0.113.9": (["a known scanner: Census (scanners.txt)", "PUBLIC_SCANNER", "1 tuple denied, on 1 of our addresses and 1 port;",
                     "1 tuple allowed on 1 other port"], ["1 ports", "other ports"]),
    "192.0.2.7": (["a drop list: SBL7 (drop.txt)", "drop_list", "1 tuple denied", "on port 25 at 1", "No exposing rule let a connection"],
                  ["Through", "Otherwise", "not in the logs"]),
    "203.0.113.80": (["none: it did not come for mail", "1 tuple allowed on 1 other port", "No exposing rule"], ["score", "denied"]),
    "203.0.113.81": (["none: it did not come for mail", "1 tuple denied, on 1 of our addresses and 1 port; on port 25 at 0"], ["score"]),
    "198.51.100.20": (["score", "Otherwise 1 connection to port 25", "No exposing rule"], ["not in the logs"]),
    "40.92.1.1": (["Network 40.92.0.0/15, Exchange Online", "a mail provider: Exchange Online (built-in list",
                   "not in the logs that were read"], ["score", "Elsewhere"]),
    "8.8.8.8": (["Network 8.8.8.0/24", "not in the logs that were read: it was neither let in nor refused"], ["score", "Lists", "Elsewhere"]),
    "2001:db8:9::1": (["Network 2001:db8:9::/48", "not in the logs that were read"], ["score"]),
}


def explain(folder, address, *words):
    done = subprocess.run([PROGRAM, *words, "--explain-source", address], cwd=folder, capture_output=True, text=True,
                          env=dict(os.environ, COLUMNS="80"))
    expect("%s %s: status %d %s" % (words[0], address, done.returncode, done.stderr), done.returncode == 0)
    return done.stdout


def check(where, address, text, wanted, unwanted):
    words = " ".join(text.split())
    for part in wanted:
        expect("%s: %s says \"%s\" in:\n%s" % (where, address, part, text), part in words)
    for part in unwanted:
        expect("%s: %s does not say \"%s\" in:\n%s" % (where, address, part, text), part not in words)
    expect("%s: %s fits 80 columns" % (where, address), all(len(line) <= 80 for line in text.splitlines()))


def main():
    with tempfile.TemporaryDirectory(prefix="nsgflow-explain-") as folder:
        write(folder)
        review = ["review", "--quiet", "--rules", "nsgs.json", *LISTS]
        for address, (wanted, unwanted) in ASKED.items():
            check("review", address, explain(folder, address, *review, "logs.json"), wanted, unwanted)
        explain(folder, "8.8.8.8", *review, "--store", "s.db", "logs.json")
        for address, (wanted, unwanted) in ASKED.items():
            check("store", address, explain(folder, address, "report", *LISTS, "s.db"), wanted, unwanted)
        # the drop list is hostile evidence: without it the same network is mail that is refused today
        plain = explain(folder, "192.0.2.8", "review", "--rules", "nsgs.json", "logs.json")
        check("review", "192.0.2.8", plain, ["RETRYING_SENDER", "its network, as 192.0.2.7, retries at 10.0.0.4"], [])
        with open(os.path.join(folder, "saved.json"), "w", encoding="utf-8") as file:
            subprocess.run([PROGRAM, *review, "--format", "json", "logs.json"], cwd=folder, check=True, stdout=file)
        check("saved", "203.0.113.5", explain(folder, "203.0.113.5", "report", "saved.json"), ["LIKELY_SENDER", "4 connections"], ["Otherwise"])
        check("saved", "192.0.2.7", explain(folder, "192.0.2.7", "report", "saved.json"),
              ["No exposing rule let", "A saved review holds the sources of its rules only"], ["not in the logs"])
        check("smtp-only", "8.8.8.8", explain(folder, "8.8.8.8", *review, "--smtp-only", "logs.json"), ["never came to port 25"], [])
    for name in failures:
        print("failed: " + name)
    print("%d passed, %d failed" % (passed, len(failures)))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

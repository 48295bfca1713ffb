#!/usr/bin/env python3
"""Verdicts and advice on a world with known truth: they do not depend on the order of the input, no sender is called
hostile, every score is the sum of its evidence, and the advice does what it says.
"""
import ipaddress
import json
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "eval"))
import evaluate  # noqa: E402
import world  # noqa: E402

PROGRAM = os.path.abspath(os.environ.get("NSGFLOW", "build/nsgflow"))
PRIVATE = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "168.63.129.16/32")]
failures, passed = [], 0


def expect(name, holds):
    global passed
    if holds:
        passed += 1
    else:
        failures.append(name)


def review(folder, logs, *more):
    command = [PROGRAM, "review", "--format", "json", "--rules", "nsgs.json", "--senders", "senders.txt", "--drop",
               "drop.txt", *more, *logs]
    environment = dict(os.environ, SOURCE_DATE_EPOCH="1767225600")
    done = subprocess.run(command, cwd=folder, capture_output=True, env=environment)
    if done.returncode != 0:
        sys.exit("%s: %s" % (" ".join(command[:2]), done.stderr.decode()))
    return done.stdout


def check_order(folder, layout):
    logs = sorted(os.path.join("logs", name) for name in os.listdir(os.path.join(folder, "logs")))
    first = review(folder, ["logs"], "--jobs", "1")
    random.Random(4).shuffle(logs)
    expect(layout + ": the order of the arguments does not show", review(folder, logs, "--jobs", "1") == first)
    expect(layout + ": the number of jobs does not show", review(folder, logs, "--jobs", "5") == first)
    return json.loads(first)


def check_scores(layout, rule):
    for source in rule["sources"]:
        sum_tenths = sum(round(10 * line["points"]) for line in source["evidence"])
        if sum_tenths != round(10 * source["score"]):
            expect("%s: the score of %s is its evidence" % (layout, source["address"]), False)
    expect(layout + ": every score is the sum of its evidence", True)


def check_advice(layout, rule):
    """The allow-list played against the sources again gives the numbers that stand beside it."""
    advice = rule["recommendation"]
    allow = [ipaddress.ip_network(text) for text in advice["allow"]]
    kept = refused = 0
    refused_senders = set()
    for source in rule["sources"]:
        address = ipaddress.ip_address(source["address"])
        messages = source["classes"].get("message", 0)
        if any(address in network for network in allow + PRIVATE if network.version == address.version):
            kept += messages
        elif messages:
            refused += messages
            refused_senders.add(source["address"])
    expect(layout + ": messages kept", advice["messages_kept"] == kept)
    expect(layout + ": messages refused", advice["messages_refused"] == refused)
    expect(layout + ": senders refused by name", set(advice["senders_refused"]) == refused_senders)
    expect(layout + ": senders refused by number", advice["senders_refused_total"] == len(refused_senders))
    asked = [ipaddress.ip_network(text) for text in advice["ask_owner"]]
    for source in rule["sources"]:
        address = ipaddress.ip_address(source["address"])
        is_hostile = evaluate.group_of(source["verdict"]) == "hostile"
        is_covered = any(address in network for network in allow + asked + PRIVATE if network.version == address.version)
        if not is_hostile and not is_covered:
            expect("%s: %s is neither allowed nor asked about" % (layout, source["address"]), False)
    expect(layout + ": the provider's own prefixes are allowed",
           all(ipaddress.ip_network(text) in allow for text in world.PROVIDER_PREFIXES))


def check_many_refused():
    """More refused senders than are named: the smallest stand in the list, the number tells of all of them."""
    nsg = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/many"
    rule = {"name": "smtp", "properties": {"priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
                                           "sourceAddressPrefix": "*", "sourcePortRange": "*",
                                           "destinationAddressPrefix": "*", "destinationPortRange": "25"}}
    senders = ["203.0.%d.%d" % (i // 200, 1 + i % 200) for i in range(1500)]
    tuples = ["%d,%s,10.0.0.4,40000,25,T,I,A,E,20,9000,12,1200" % (1767225600 + i, sender)
              for i, sender in enumerate(senders)]
    record = {"time": "2026-01-01T00:30:00Z", "macAddress": "000D3A000001", "category": "NetworkSecurityGroupFlowEvent",
              "resourceId": nsg, "properties": {"Version": 2, "flows": [
                  {"rule": "UserRule_smtp", "flows": [{"mac": "000D3A000001", "flowTuples": tuples}]}]}}
    with tempfile.TemporaryDirectory(prefix="nsgflow-judging-") as folder:
        for name, document in (("nsgs.json", [{"id": nsg, "name": "many", "securityRules": [rule],
                                               "subnets": [{"id": "/subscriptions/s/subnets/mail"}]}]),
                               ("log.json", {"records": [record]})):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                json.dump(document, file)
        for name in ("senders.txt", "drop.txt"):
            with open(os.path.join(folder, name), "w", encoding="ascii"):
                pass
        document = json.loads(review(folder, ["log.json"]))
        advice = document["rules"][0]["recommendation"]
        refused = sorted(senders, key=lambda text: int(ipaddress.ip_address(text)))
        expect("many refused: the smallest are named", advice["senders_refused"] == refused[:1000])
        expect("many refused: all are counted",
               advice["senders_refused_total"] == 1500 and advice["messages_refused"] == 1500)
        review(folder, ["log.json"], "-o", "review.json")
        text = subprocess.run([PROGRAM, "report", os.path.join(folder, "review.json")], capture_output=True, check=True)
        expect("many refused: the text says how many", b"and 149" in text.stdout)


def main():
    check_many_refused()
    for layout in ("vnet4", "nsg2"):
        made = world.World(2, relay="open")
        with tempfile.TemporaryDirectory(prefix="nsgflow-judging-") as folder:
            made.write(folder, layout)
            document = check_order(folder, layout)
        rule = document["rules"][0]
        counts = {}
        wrong = evaluate.count(document, made.truth, counts)
        wrong += [] if evaluate.summary(counts)["recall"] >= (95 if layout == "vnet4" else 80) else ["too few recognised"]
        for line in wrong:
            print(line)
        expect(layout + ": the truth is found", not wrong)
        check_scores(layout, rule)
        check_advice(layout, rule)
        retrying = {row["address"] for row in document["denied"]["retrying_senders"]}
        refused = {address for address, kind in made.truth.items() if kind == "refused"}
        expect(layout + ": refused senders are named", refused <= retrying)
        if layout == "vnet4":
            expect("the open relay is found", rule["verdict"] == "INVESTIGATE_ABUSE")
            relayed = [address for address, kind in made.truth.items() if kind == "relayed"]
            expect("whose mail it passes on is named",
                   any("after messages of %s," % address in line for address in relayed
                       for line in rule["relay"]["evidence"]))
    for name in failures:
        print("failed: " + name)
    print("%d passed, %d failed" % (passed, len(failures)))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

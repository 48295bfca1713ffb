#!/usr/bin/env python3
"""Twice as much of one thing costs twice as much: instructions of a review, counted by callgrind, as one thing grows.

Each world has a knob. What one more of it costs between n and 2 n is compared with what it costs between 4 n and 8 n: a
square makes four times of that, and more than the limit of the world is a failure. Nothing is recorded, so any compiler will
do.
"""
import concurrent.futures
import datetime
import json
import os
import random
import shutil
import sys
import tempfile

from test_instructions import Cannot, count

START_MS = 1767225600000        # 2026-01-01
MINUTE, DAY = 60_000, 86_400_000
NSG = "/subscriptions/00000000-0000-0000-0000-0000000000aa/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/n%d"
MESSAGE, TOUCH, DIALOG = "12,11003,14,1200", "3,164,2,112", "9,601,8,760"


class World:
    """Definitions, and records of virtual network flow logs."""

    def __init__(self):
        self.nsgs, self.records, self.random = [], [], random.Random(1)

    def nsg(self, rules):
        """rules: (name, source, port)."""
        self.nsgs.append({"id": NSG % len(self.nsgs), "name": "n%d" % len(self.nsgs), "subnets": [{"id": "/s"}], "securityRules": [
            {"name": name, "priority": 100 + number, "direction": "Inbound", "access": "Allow", "protocol": "*",
             "sourceAddressPrefix": source, "sourcePortRange": "*", "destinationAddressPrefix": "*",
             "destinationPortRange": port} for number, (name, source, port) in enumerate(rules)]})

    def record(self, at, nic, nsg, groups, log="L"):
        """groups: {rule: tuples}."""
        time = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=START_MS + at + MINUTE)
        self.records.append({
            "time": time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z"), "flowLogVersion": 4, "macAddress": "%012X" % (0xD3A000000 + nic),
            "category": "FlowLogFlowEvent", "flowLogResourceID": "/" + log,
            "flowRecords": {"flows": [{"aclID": NSG % nsg, "flowGroups": [
                {"rule": "UserRule_" + rule, "flowTuples": tuples} for rule, tuples in groups.items()]}]}})

    def write(self, folder):
        for name, value in (("nsgs.json", self.nsgs), ("log.json", {"records": self.records})):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                json.dump(value, file, separators=(",", ":"))


def address(number):
    return "%d.%d.%d.%d" % (45 + (number >> 24), number >> 16 & 255, number >> 8 & 255, number & 255)


def session(at, source, port, counters, target="10.0.0.4"):
    stamp = START_MS + at
    return ["%d,%s,%s,%d,25,6,I,B,NX,0,0,0,0" % (stamp, source, target, port),
            "%d,%s,%s,%d,25,6,I,E,NX,%s" % (stamp + 50, source, target, port, counters)]


def rules_of_a_source(n):
    """The same sources come to each of n rules."""
    world = World()
    for number in range(n):
        world.nsg([("smtp", "*", "25")])
        world.record(number * 1000, number, number, {"smtp": sum(
            (session(number * 1000 + one, address(one * 977), 1024 + number, MESSAGE) for one in range(30)), [])})
    return world


def rules_of_an_nsg(n):
    world = World()
    world.nsg([("r%d" % number, address(number << 16) + "/16", "25") for number in range(n)])
    for number in range(n):
        world.record(number * 1000, 1, 0, {"r%d" % number: sum(
            (session(number * 1000 + one, address((number << 16) + one * 977), 1024 + one, MESSAGE) for one in range(25)), [])})
    return world


def rules_with_many_ports(n):
    world = World()
    for number in range(n):
        world.nsg([("all", "*", "*")])
        world.record(number * 1000, number, number, {"all": [
            "%d,%s,10.0.0.4,1024,%d,6,I,B,NX,0,0,0,0" % (START_MS + number * 1000 + port, address(world.random.randrange(5000)),
                                                       3000 + port) for port in range(110)]})
    return world


def days(n):
    """Sources that mail on every day, and look in between."""
    world = World()
    world.nsg([("smtp", "*", "25")])
    for half in range(2 * n):
        at = half * DAY // 2
        world.record(at, 1, 0, {"smtp": sum(
            (session(at + 5000 * one, address(one % 5 * 977), 1024 + one, (MESSAGE, TOUCH, DIALOG)[one % 3])
             for one in range(15) if (half + one) % 4), [])})
    return world


def connections_of_a_tuple(n):
    """One source port, again and again, in two flow logs."""
    world = World()
    world.nsg([("smtp", "*", "25")])
    for log in "AB":
        world.record(0, 1, 0, {"smtp": session(0, address(1), 1023, TOUCH)}, log)
    for number in range(n // 10):
        for log in "AB":
            world.record(number * 2000, 1, 0, {"smtp": sum(
                (session(number * 2000 + one * 200, address(7), 1024, DIALOG) for one in range(10)), [])}, log)
    return world


# Limits leave room for tables that double. The change of one rule is drafted from all rules of its NSG, which has 1,000 at
# most: that is a square, but a small one.
WORLDS = [(rules_of_a_source, 25, 1.3), (rules_of_an_nsg, 25, 1.7), (rules_with_many_ports, 10, 1.3), (days, 50, 1.3),
          (connections_of_a_tuple, 250, 1.5)]


def instructions(folder, make, n):
    own = os.path.join(folder, "%s-%d" % (make.__name__, n))
    os.mkdir(own)
    make(n).write(own)
    return count([os.environ["NSGFLOW"], "review", "--quiet", "--format", "json", "-o", "/dev/null", "--jobs", "1",
                  "--partial-ipv4", "1", "--rules", os.path.join(own, "nsgs.json"), os.path.join(own, "log.json")], {"NSGFLOW_VARIANT": "avx2"})


def growth(counts):
    """counts of n, 2 n, 4 n, 8 n: how many times as much one more costs in the end."""
    return (counts[3] - counts[2]) / 4 / (counts[1] - counts[0])


def main():
    assert growth([10, 20, 40, 80]) == 1 and growth([1, 4, 16, 64]) == 4, "the gate would not notice"
    if not shutil.which("valgrind"):
        raise Cannot("valgrind is not installed")
    folder, failed = tempfile.mkdtemp(prefix="nsgflow-growth-"), 0
    try:
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            running = [[pool.submit(instructions, folder, make, n * times) for times in (1, 2, 4, 8)] for make, n, _ in WORLDS]
            for (make, n, most), futures in zip(WORLDS, running):
                times = growth([future.result() for future in futures])
                print("%-4s %-26s from %4d to %5d: one more costs %.2f times as much, %d instructions"
                      % ("FAIL" if times > most else "ok", make.__name__, n, 8 * n, times,
                         (futures[3].result() - futures[2].result()) / (4 * n)))
                failed += times > most
    finally:
        shutil.rmtree(folder)
    print("%d passed, %d failed" % (len(WORLDS) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Cannot as reason:
        print("skipped: %s" % reason)
        sys.exit(77)

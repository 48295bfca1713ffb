#!/usr/bin/env python3
"""More sources than --max-sources: the bound holds while reading, and the report is the same however it was read.

The logs have far more sources than the bound leaves room for, over several hours and NICs, one of them with two flow
logs, so that every partition folds its table on the way. Compared are the bytes for any jobs and any order of
arguments, and the numbers with those of a run without a bound.
"""
import json
import os
import random
import shutil
import tempfile
import time

import compare

NSG = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/mail"
FLOW_LOG = "/subscriptions/s/resourceGroups/NetworkWatcherRG/providers/Microsoft.Network/networkWatchers/w/flowLogs/"
RULES = [{"id": NSG, "name": "mail", "resourceGroup": "rg", "securityRules": [
    {"name": "smtp", "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
     "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "25"}]}]
N_SOURCES = 110_000
MASK = (1 << 64) - 1


def mix(word, seed):
    """The finalizer of SplitMix64."""
    x = word ^ seed
    x = ((x ^ (x >> 30)) * 0xbf58476d1ce4e5b9) & MASK
    x = ((x ^ (x >> 27)) * 0x94d049bb133111eb) & MASK
    return x ^ (x >> 31)


def rank(address, has_message):
    parts = [int(part) for part in address.split(".")]
    word = 0xffff << 32 | parts[0] << 24 | parts[1] << 16 | parts[2] << 8 | parts[3]
    return (not has_message, mix(word, mix(0, 0x6e7367666c6f7725)) >> 1)


def write_logs(folder, rng):
    """A blob an hour and flow log -> their paths."""
    paths = []
    for hour in range(4):
        for mac, name, rule in (("00224871C205", "one", "smtp"), ("00224871C205", "two", "smtp"),
                                ("00224871C206", "one", "smtp"), ("00224871C206", "one", "gone")):
            start, tuples = 1767225600 + hour * 3600, []
            for second in range(600 if rule == "smtp" else 60):
                for _ in range(rng.randrange(30)):
                    n = rng.randrange(N_SOURCES)
                    source = "%d.%d.%d.%d" % (11 + n % 90, n >> 8 & 255, n & 255, n >> 16 & 255)
                    port, stamp = rng.randrange(1024, 60000), (start + second * 6) * 1000
                    kind = rng.randrange(30)
                    tuples.append("%d,%s,10.0.0.4,%d,25,6,I,B,NX,0,0,0,0" % (stamp, source, port))
                    if kind == 0:
                        tuples.append("%d,%s,10.0.0.4,%d,25,6,I,E,NX,12,2500,11,900" % (stamp + 900, source, port))
                    elif kind < 20:
                        tuples.append("%d,%s,10.0.0.4,%d,25,6,I,E,NX,5,300,4,280" % (stamp + 900, source, port))
            records = []
            for at in range(0, len(tuples), 300):
                records.append({
                    "time": time.strftime("%Y-%m-%dT%H:%M:%S.1234567Z", time.gmtime(int(tuples[at][:10]) + 30)),
                    "flowLogVersion": 4, "flowLogResourceID": FLOW_LOG + name, "macAddress": mac,
                    "category": "FlowLogFlowEvent", "flowRecords": {"flows": [{"aclID": NSG, "flowGroups": [
                        {"rule": "UserRule_" + rule, "flowTuples": tuples[at:at + 300]}]}]}})
            path = os.path.join(folder, "%d-%s-%s-%s.json" % (hour, mac, name, rule))
            with open(path, "w") as out:
                json.dump({"records": records}, out, separators=(",", ":"))
            paths.append(path)
    return paths


class World:
    def __init__(self, folder):
        self.rules = os.path.join(folder, "nsgs.json")
        with open(self.rules, "w") as out:
            json.dump(RULES, out)
        self.paths = write_logs(folder, random.Random(5))
        self.whole = json.loads(self.review(0, "1"))

    def review(self, max_sources, jobs, paths=None, more=()):
        bound = ["--max-sources", str(max_sources)] if max_sources else []
        return compare.run(["review", "--quiet", "--format", "json", "--rules", self.rules, "--jobs", jobs] + bound +
                           list(more) + (paths or self.paths))

    def same_bytes(self):
        first = self.review(2000, "1")
        shuffled = self.paths[:]
        random.Random(1).shuffle(shuffled)
        for words in (("2", self.paths), ("3", shuffled), ("1", shuffled[::-1]), ("1", self.paths, ["--parser", "yajl"])):
            if self.review(2000, *words) != first:
                raise compare.Failure("  --jobs %s, or another order of arguments, gives other bytes" % words[0])

    def numbers(self):
        """The exact totals, the right sources, and the whole of all who did not come late."""
        whole = self.whole["rules"][0]
        by_address = {row["address"]: row for row in whole["sources"]}
        ranked = sorted(by_address, key=lambda a: rank(a, by_address[a]["classes"].get("message", 0) > 0))
        n_senders = sum(row["classes"].get("message", 0) > 0 for row in whole["sources"])
        if len(ranked) < 60_000 or not 2000 < n_senders < 20_000:
            raise compare.Failure("  %d sources, %d senders: too few to fold" % (len(ranked), n_senders))
        for bound in (500, 2000, 20_000):
            document = json.loads(self.review(bound, "2"))
            rule = document["rules"][0]
            compare.demand_same(rule["traffic"], whole["traffic"])
            compare.demand_same(document["unmatched"], self.whole["unmatched"])
            rest = rule["sources"][-1]
            kept = {row["address"]: row for row in rule["sources"][:-1]}
            if rest["address"] is not None or rest["merged"] != len(ranked) - bound:
                raise compare.Failure("  %d: the summed row is %s" % (bound, json.dumps(rest)[:300]))
            if set(kept) != set(ranked[:bound]):
                raise compare.Failure("  %d: others are kept than those that rank first" % bound)
            late = [address for address, row in kept.items() if row["connections"] != by_address[address]["connections"]]
            said = [int(text.split()[0]) for text in rule["doubts"] if "first message after having been summed" in text]
            if sum(said) < len(late) or (bound == 2000 and not late):
                raise compare.Failure("  %d: %d rows lack something, said are %s" % (bound, len(late), said))
            for address, row in kept.items():
                full = by_address[address]
                if address not in late:
                    compare.demand_same(row, full)
                elif row["classes"]["message"] != full["classes"]["message"]:
                    raise compare.Failure("  %d: %s lost a message" % (bound, address))


def main():
    folder = tempfile.mkdtemp(prefix="nsgflow-many-")
    try:
        world = World(folder)
        compare.main([("the same bytes", world.same_bytes), ("the numbers", world.numbers)])
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

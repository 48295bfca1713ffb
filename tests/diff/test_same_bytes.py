#!/usr/bin/env python3
"""One review, the same bytes: whatever the jobs, the parser, the compression, the way the log is handed in.

The log is larger than the pieces in which several workers read a file, so that their guesses where a record begins are
put to the test: also in a log of lines, in one with damage, and in one with texts that look like the start of a record.
"""
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

NSG = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/mail"
RULES = [{"id": NSG, "name": "mail", "resourceGroup": "rg", "securityRules": [
    {"name": name, "priority": priority, "direction": "Inbound", "access": "Allow", "protocol": "*",
     "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": port}
    for name, priority, port in (("smtp", 100, "25"), ("any", 200, "*"))]}]


def record(rng, second, bait):
    sources = ["9.%d.%d.%d" % (rng.randrange(8), rng.randrange(256), rng.randrange(256)) for _ in range(6)]
    groups = []
    for rule, port in (("UserRule_smtp", 25), ("UserRule_any", 443), ("DefaultRule_DenyAllInBound", 23)):
        tuples = []
        for _ in range(rng.randrange(0, 90)):
            source, source_port = rng.choice(sources), rng.randrange(1024, 60000)
            if rule.startswith("Default"):
                tuples.append("%d,%s,10.0.0.4,%d,%d,T,I,D,B,,,," % (second, source, source_port, port))
            else:
                tuples.append("%d,%s,10.0.0.4,%d,%d,T,I,A,B,,,," % (second, source, source_port, port))
                tuples.append("%d,%s,10.0.0.4,%d,%d,T,I,A,E,12,2500,11,900" % (second + 2, source, source_port, port))
        groups.append({"rule": rule, "flows": [{"mac": "000D3A1B2C04", "flowTuples": tuples}]})
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.1234567Z", time.gmtime(second))
    made = {"time": stamp, "macAddress": "000D3A1B2C04", "category": "NetworkSecurityGroupFlowEvent",
            "resourceId": NSG.upper(), "properties": {"Version": 2, "flows": groups}}
    if bait:
        made["systemId"] = ',{"time":"2026-01-01T00:00:00Z","category":"NetworkSecurityGroupFlowEvent"}' * rng.randrange(1, 9)
        made["more"] = [{"time": stamp, "category": "AuditEvent"}] * rng.randrange(0, 4)
    return json.dumps(made, separators=(",", ":"))


def record4(flow_log, second, tuples):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.1234567Z", time.gmtime(second))
    return json.dumps({"time": stamp, "flowLogVersion": 4, "flowLogResourceID": flow_log, "macAddress": "000D3A1B2C04",
                       "category": "FlowLogFlowEvent", "flowRecords": {"flows": [{"aclID": NSG, "flowGroups": [
                           {"rule": "UserRule_smtp", "flowTuples": tuples}]}]}}, separators=(",", ":"))


def second_log(seed, n=2300, begins=2007, late=560):
    """A second flow log begins to tell again what one tells of a NIC, about as late as connections are forgotten."""
    rng, parts, told = random.Random(seed), [], []
    for i in range(n):
        second, tuples = 1767225600 + i, []
        for _ in range(60):
            source = "9.%d.%d.%d" % (rng.randrange(8), rng.randrange(256), rng.randrange(256))
            flow = "%s,10.0.0.4,%d,25,6,I" % (source, rng.randrange(1024, 60000))
            ms = (second - 1) * 1000 + rng.randrange(1000)
            tuples.append("%d,%s,B,NX,0,0,0,0" % (ms, flow))
            tuples.append("%d,%s,E,NX,12,2500,11,900" % (ms + 900, flow))
        told.append(tuples)
        parts.append(record4("/flowLogs/a", second, tuples))
        if i >= begins:
            parts.append(record4("/flowLogs/b", second, told[i - late]))
    return '{"records":[' + ",".join(parts) + "]}"


def log(seed, kind, size=9_000_000):
    if kind == "second log":
        return second_log(seed)
    rng, parts, second, total = random.Random(seed), [], 1767225600, 0
    while total < size:
        parts.append(record(rng, second, kind == "bait"))
        total += len(parts[-1])
        second += rng.randrange(1, 4)
    if kind == "damage":
        for _ in range(12):
            at = rng.randrange(len(parts))
            cut = rng.randrange(len(parts[at]))
            parts[at] = parts[at][:cut] + rng.choice(["", "\x01", '"', "}"]) + parts[at][cut + 1:]
    if kind == "lines":
        return "\n".join(parts) + "\n"
    return '{"records":[' + ",".join(parts) + "]}"


def run(arguments, stdin=None):
    environment = dict(os.environ, SOURCE_DATE_EPOCH="1767225600")
    done = subprocess.run([os.environ["NSGFLOW"], "review", "--quiet", "--format", "json"] + arguments, input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=300)
    if done.returncode not in (0, 3):
        raise AssertionError("status %d: %s" % (done.returncode, done.stderr.decode()[:400]))
    return done.stdout.decode()


def without_place(text):
    """What may differ when the same log comes by another way: its path, its size as read."""
    return re.sub(r'"path":"[^"]*"', "", re.sub(r'"bytes":\d+', "", text, count=1))


def check_kind(folder, seed, kind):
    rules, path = os.path.join(folder, "nsgs.json"), os.path.join(folder, "log.json")
    data = log(seed, kind).encode()
    with open(path, "wb") as out:
        out.write(data)
    with gzip.open(path + ".gz", "wb", 1) as out:
        out.write(data)
    base = run(["--rules", rules, "--jobs", "1", path])
    document = json.loads(base)
    assert document["rules"][0]["traffic"]["connections"] > 1000, "the log says too little to compare"
    for way in (["--jobs", "2"], ["--jobs", "3"], ["--jobs", "7"], ["--parser", "yajl", "--jobs", "1"],
                ["--parser", "yajl", "--jobs", "2"]):
        assert run(["--rules", rules, path] + way) == base, "%s gives other bytes" % " ".join(way)
    for jobs in ("1", "3"):
        assert without_place(run(["--rules", rules, "--jobs", jobs, path + ".gz"])) == without_place(base), "gzip"
        assert without_place(run(["--rules", rules, "--jobs", jobs, "-"], data)) == without_place(base), "standard input"


def main():
    passed = failed = 0
    folder = tempfile.mkdtemp(prefix="nsgflow-same-")
    with open(os.path.join(folder, "nsgs.json"), "w") as out:
        json.dump(RULES, out)
    for seed, kind in enumerate(("plain", "lines", "bait", "damage", "second log")):
        try:
            check_kind(folder, seed, kind)
            passed += 1
        except AssertionError as error:
            failed += 1
            print("FAIL %s: %s" % (kind, error))
    shutil.rmtree(folder)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

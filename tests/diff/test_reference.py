#!/usr/bin/env python3
"""The program against the slow scripts in tests/reference: worlds, damaged blobs, random NSGs, public samples.

    NSGFLOW=build/nsgflow tests/diff/test_reference.py [--seeds FIRST-LAST] [--only NAME] [--keep]

Each difference is printed with its place in the JSON; the last line says `N passed, N failed`. --keep leaves the worlds
that differ in their folder. NSGFLOW_SAMPLES and NSGFLOW_CASES, where set, add public samples.
"""
import argparse
import copy
import gzip
import json
import os
import random
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, os.pardir, "reference"))

import compare      # noqa: E402
import exposure     # noqa: E402
import gen_logs     # noqa: E402
import gen_nsgs     # noqa: E402
import read_logs    # noqa: E402
import rules        # noqa: E402
from compare import Failure, demand_same, differences, pick, run, tidy_classes  # noqa: E402

INPUTS = ["blobs", "bytes", "records", "records_duplicate", "records_foreign", "tuples", "tuples_bad",
          "tuples_duplicate", "tuples_late", "by_layout", "smtp_inbound", "pruned"]
NUMBERS = ["connections", "attempts", "classes", "packets_in", "bytes_in", "packets_out", "bytes_out", "first", "last",
           "days"]
TRAFFIC = NUMBERS + ["tuples", "sources", "by_day"]
SOURCE = NUMBERS + ["address", "destinations", "destinations_more"]
COVERAGE = ["nics", "hours_expected", "hours_seen", "counters", "gaps"]
NSG_ROW = ["nsg", "name", "guid", "verdict", "latent", "public_ipv4", "public_ipv6", "attached_to"]
FINDING = ["nsg", "rule", "priority", "verdict", "latent", "sources", "ports", "opens_other_ports", "public_ipv4",
           "public_ipv6", "reduced_by", "still_open_via"]
SHADOWED = ["nsg", "rule", "priority", "by"]


def exact_review(document):
    """The part of a review that the reference computes, in its shape."""
    rows = []
    for rule in document["rules"]:
        rows.append({"nsg": rule["nsg"], "rule": rule["rule"], "coverage": pick(rule["coverage"], COVERAGE),
                     "traffic": tidy_classes(pick(rule["traffic"], TRAFFIC)),
                     "sources": [tidy_classes(pick(source, SOURCE)) for source in rule["sources"]],
                     "other_ports": rule["other_ports"]})
    window = document["window"] or {"from": None, "to": None}
    return {"window": pick(window, ["from", "to"]), "inputs": pick(document["inputs"], INPUTS),
            "rules": sorted(rows, key=lambda row: (rules.lower(row["nsg"]), rules.lower(row["rule"]))),
            "unmatched": document["unmatched"], "denied": pick(document["denied"], ["sources", "tuples"])}


def exact_scan(document):
    findings = [pick(row, FINDING) for row in document["findings"]]
    for finding in findings:        # one entry in two spellings may be shown once or twice
        finding["sources"] = sorted({source.lower() for source in finding["sources"]})
    return {"nsgs": [pick(row, NSG_ROW) for row in document["nsgs"]], "findings": findings,
            "shadowed": [pick(row, SHADOWED) for row in document["shadowed"]]}


def demand_sums(document):
    """Every allowed tuple ends in one place."""
    inputs = document["inputs"]
    placed = sum(rule["traffic"]["tuples"] for rule in document["rules"]) + sum(
        row["tuples"] for row in document["unmatched"])
    allowed = inputs["smtp_inbound"]["allowed"] - inputs["tuples_duplicate"]
    if placed != allowed:
        raise Failure("  %d tuples are in rules and unmatched, %d should be" % (placed, allowed))


def compare_review(rules_path, logs, options=(), **reference_options):
    """The program's review of logs against the reference's."""
    scan = json.loads(run(["scan", "--format", "json", rules_path]))
    output = run(["review", "--rules", rules_path, "--format", "json", *options, *logs])
    document = json.loads(output)
    demand_sums(document)
    found = read_logs.review([rules_path], scan, logs, **reference_options)
    demand_same(exact_review(document), exact_review(found))
    return output


# ---- the tests: generators of (name, function)

def world_tests(folder, seeds):
    for seed in seeds:
        def test(seed=seed):
            home = os.path.join(folder, "world-%d" % seed)
            gen_logs.World(seed).write(home)
            rules_path, logs = os.path.join(home, "nsgs.json"), os.path.join(home, "logs")
            output = compare_review(rules_path, [logs])
            if seed % 3 == 0:
                compare_window(rules_path, logs)
            if seed % 3 == 1:
                compare_review(rules_path, [logs], ["--strict"], strict=True)
            if seed % 3 == 2:
                compare_ways(home, rules_path, logs, output, random.Random(seed))
            shutil.rmtree(home)
        yield "world %d" % seed, test


def compare_window(rules_path, logs):
    """A window that starts and ends within the logs, at odd moments."""
    since, until = gen_logs.START_MS + 47 * 60 * 1000 + 1, gen_logs.START_MS + 100 * 60 * 1000 + 7
    compare_review(rules_path, [logs], ["--since", read_logs.when(since), "--until", read_logs.when(until)],
                   since=since, until=until)


def compare_ways(home, rules_path, logs, output, rng):
    """The same logs with more jobs, as single arguments in any order, and all gzipped."""
    base = ["review", "--rules", rules_path, "--format", "json"]
    for jobs in ("1", "3"):
        if run(base + ["--jobs", jobs, logs]) != output:
            raise Failure("  --jobs %s gives other bytes" % jobs)
    paths = [os.path.join(at, name) for at, _, names in os.walk(logs) for name in names]
    rng.shuffle(paths)
    if run(base + paths) != output:
        raise Failure("  the files as arguments in another order give other bytes than the folder")
    packed = os.path.join(home, "packed")
    for path in paths:
        target = os.path.join(packed, os.path.relpath(path, logs))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(path, "rb") as handle:
            data = handle.read()
        if data[:2] != b"\x1f\x8b":
            data = gzip.compress(data, mtime=0)         # under the same name: the order of blobs stays
        with open(target, "wb") as handle:
            handle.write(data)
    ours, plain = (exact_review(json.loads(text)) for text in (run(base + [packed]), output))
    plain["inputs"]["bytes"] = ours["inputs"]["bytes"]
    demand_same(ours, plain)


def damage_tests(folder, count):
    """One small blob, cut or with a byte changed in many places: what is whole before and behind is counted."""
    home = os.path.join(folder, "damage")
    rng = random.Random(5)
    for layout in ("nsg1", "nsg2", "vnet4"):
        world = gen_logs.World(11, {layout, "keys"} if layout == "vnet4" else {layout}, hours=1, sources=3)
        world.write(os.path.join(home, layout))
        top = os.path.join(home, layout, "logs")
        blob = min((os.path.join(at, name) for at, _, names in os.walk(top) for name in names), key=os.path.getsize)
        with open(blob, "rb") as handle:
            data = handle.read()[:12000]
        for number in range(count):
            def test(layout=layout, data=data, number=number, at=rng.randrange(len(data)), byte=rng.randrange(256),
                     cut=number % 3 == 0):
                place = os.path.join(home, "%s-%d.json" % (layout, number))
                with open(place, "wb") as handle:
                    handle.write(data[:at] if cut else data[:at] + bytes([byte]) + data[at + 1:])
                try:
                    compare_review(os.path.join(home, layout, "nsgs.json"), [place])
                except Failure as failure:
                    raise Failure("  (%s at %d%s)\n%s" % ("cut" if cut else "byte", at, "" if cut else ": %r for %r" % (
                        bytes([byte]), data[at:at + 1]), failure)) from None
            yield "damage %s %d" % (layout, number), test


def stdin_test(folder):
    def test():
        home = os.path.join(folder, "stdin")
        gen_logs.World(4, {"nsg2", "vnet4", "noise", "chaos"}, hours=1).write(home)
        rules_path = os.path.join(home, "nsgs.json")
        paths = sorted(os.path.join(at, name) for at, _, names in os.walk(os.path.join(home, "logs")) for name in names)
        with open(paths[0], "rb") as handle:
            data = handle.read()
        base = ["review", "--rules", rules_path, "--format", "json"]
        demand_same(exact_review(json.loads(run(base + ["-"], data))), exact_review(json.loads(run(base + paths[:1]))))
    yield "standard input", test


def exposure_tests(folder):
    for seed, form in ((1, "az"), (2, "arm"), (3, "az")):
        def test(seed=seed, form=form):
            path = os.path.join(folder, "nsgs-%d.json" % seed)
            with open(path, "w", encoding="utf-8") as handle:
                json.dump(gen_nsgs.make(seed, 150, form), handle)
            demand_same(exact_scan(json.loads(run(["scan", "--format", "json", path]))),
                        exact_scan(exposure.scan_files([path])))
        yield "exposure of 150 random NSGs, seed %d (%s)" % (seed, form), test


def case_tests(folder):
    """NSGs with the answers of other tools: both sides, verdict by verdict."""
    folder_of_cases = os.environ.get("NSGFLOW_CASES")
    if not folder_of_cases:
        return
    with open(os.path.join(folder_of_cases, "peer_cases.json"), encoding="utf-8") as handle:
        cases = [case for case in json.load(handle) if "nsg_rules_port25" in case]
    head = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/"
    nsgs = [{"id": "%scase-%04d" % (head, number), "name": "case-%04d" % number,
             "securityRules": [{**rule, "name": rule["name"].split("/")[-1]} for rule in case["nsg_rules_port25"]]}
            for number, case in enumerate(cases)]

    def test():
        place = os.path.join(folder, "cases.json")
        with open(place, "w", encoding="utf-8") as handle:
            json.dump(nsgs, handle)
        reference = exposure.scan_files([place])
        document = json.loads(run(["scan", "--format", "json", place]))
        wrong = []
        for name, rows in (("ours", document["nsgs"]), ("the reference", reference["nsgs"])):
            verdicts = {row["name"]: row["verdict"] for row in rows}
            for number, case in enumerate(cases):
                verdict = verdicts["case-%04d" % number]
                answer = "fail" if verdict in ("exposed", "partial") else "pass"
                if case["nsg_opensmtp_expected"] not in (answer, "ambiguous"):
                    wrong.append("  %s says %s of: %s" % (name, verdict, json.dumps(case["nsg_rules_port25"])))
        if wrong:
            raise Failure("\n".join(wrong))
        demand_same(exact_scan(document), exact_scan(reference))
    yield "cases of other tools", test


def sample_tests(folder):
    samples = os.environ.get("NSGFLOW_SAMPLES")
    if not samples:
        return
    top = os.path.join(samples, "flowlogs")
    paths = sorted(os.path.join(at, name) for at, _, names in os.walk(top) for name in names)
    rules_path = os.path.join(folder, "one.json")
    with open(rules_path, "w", encoding="utf-8") as handle:
        json.dump(gen_nsgs.make(1, 1), handle)
    for path in paths:
        yield "sample " + os.path.relpath(path, top), lambda path=path: compare_review(rules_path, [path])
    yield "all samples", lambda: compare_review(rules_path, [top])


def self_test():
    """The comparison notices a number, a missing row and a missing member."""
    def test():
        one = {"rules": [{"a": 1, "b": [{"c": None}, {"c": "x"}]}], "n": 3}
        for change in (lambda d: d.update(n=4), lambda d: d["rules"][0]["b"].pop(), lambda d: d["rules"][0].pop("a"),
                       lambda d: d["rules"][0]["b"][0].update(c=0)):
            other = copy.deepcopy(one)
            change(other)
            if not differences(other, one) or differences(one, copy.deepcopy(one)):
                raise Failure("  a change was not noticed: %s" % json.dumps(other))
    yield "comparison", test


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", default="1-30")
    parser.add_argument("--damage", type=int, default=40, help="damaged blobs a layout")
    parser.add_argument("--only", default="", help="tests whose name holds this")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    folder = tempfile.mkdtemp(prefix="nsgflow-reference-")
    sources = (self_test(), world_tests(folder, range(int(first), int(last or first) + 1)),
               damage_tests(folder, options.damage), stdin_test(folder), exposure_tests(folder), case_tests(folder),
               sample_tests(folder))
    try:
        compare.main(((name, test) for source in sources for name, test in source if options.only in name),
                     sum(name not in os.environ for name in ("NSGFLOW_SAMPLES", "NSGFLOW_CASES")))
    finally:
        if options.keep:
            print("kept: " + folder)
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()

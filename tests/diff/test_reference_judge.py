#!/usr/bin/env python3
"""What the program judges against the slow scripts in tests/reference: scores, verdicts, coverage, risk and advice.

    NSGFLOW=build/nsgflow tests/diff/test_reference_judge.py [--only NAME] [--eval-seeds N] [--log-seeds FIRST-LAST]

The worlds are those of tests/eval, the demonstration, the generated logs of tests/reference and small ones that sit on
each limit. Each difference is printed with its place in the JSON; the last line says `N passed, N failed`.
"""
import argparse
import copy
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, os.pardir, os.pardir)
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir, "reference"), os.path.join(HERE, os.pardir, "eval")]

import compare      # noqa: E402
import gen_limits   # noqa: E402
import gen_logs     # noqa: E402
import judge        # noqa: E402
import read_logs    # noqa: E402
import world as eval_world  # noqa: E402
from compare import Failure, demand_same, differences, pick, run  # noqa: E402

RULE = ["nsg", "rule", "verdict", "confidence", "risk", "break_risk"]
COVERAGE = ["nics", "hours_expected", "hours_seen", "counters", "gaps"]
ADVICE = ["allow", "ask_owner", "addresses_open_before", "addresses_open_after", "messages_kept", "messages_refused",
          "senders_refused"]
SOURCE = ["network", "verdict", "elsewhere"]


def judged(document):
    """The part of a review that the reference computes, in its shape; rules in the order of the queue."""
    rows = []
    for rule in document["rules"]:
        sources = {source["address"]: {**pick(source, SOURCE), "score": float(source["score"]), "evidence": [
            {"code": line["code"], "points": float(line["points"])} for line in source["evidence"]]}
            for source in rule["sources"]}
        rows.append({**pick(rule, RULE), "latent": rule["finding"]["latent"], "relay": rule["relay"]["state"], "coverage": pick(rule["coverage"], COVERAGE),
                     "recommendation": pick(rule["recommendation"], ADVICE), "sources": sources})
        if rule["break_risk"] is not None:
            rows[-1]["break_risk"] = float(rule["break_risk"])
    return {"rules": rows, "retrying_senders": document["denied"]["retrying_senders"]}


def compare_judged(folder, lists=(), since=None, until=None, has_advice=True):
    """The program's review of folder/logs against the reference's; `lists` are names of files in the folder."""
    rules_path, logs = os.path.join(folder, "nsgs.json"), [os.path.join(folder, "logs")]
    paths = {name: os.path.join(folder, name + ".txt") for name in lists}
    options = [word for name, path in paths.items() for word in ("--" + name, path)]
    options += ["--since", read_logs.when(since)] if since is not None else []
    options += ["--until", read_logs.when(until)] if until is not None else []
    scan = json.loads(run(["scan", "--format", "json", rules_path]))
    ours = judged(json.loads(run(["review", "--format", "json", "--rules", rules_path, *options, *logs])))
    named = judge.Lists(**{name: [path] for name, path in paths.items()})
    reference = judge.review([rules_path], scan, logs, named, since, until)
    if not has_advice:
        for row in ours["rules"] + reference["rules"]:
            row["recommendation"] = pick(row["recommendation"], ["ask_owner", "addresses_open_before"])
    demand_same(ours, reference)


# ---- the tests: generators of (name, function)

def limit_tests(folder):
    for world in gen_limits.worlds():
        def test(world=world):
            home = os.path.join(folder, "limit")
            world.write(home)
            try:
                compare_judged(home, world.lists, world.since, world.until)
            finally:
                shutil.rmtree(home)
        yield "limit: " + world.name, test


def eval_tests(folder, seeds):
    for seed in range(1, seeds + 1):
        for number, layout in enumerate(eval_world.LAYOUTS):
            relay = ("none", "honest", "open")[(seed + number) % 3]

            def test(seed=seed, layout=layout, relay=relay):
                home = os.path.join(folder, "eval")
                eval_world.World(seed, relay=relay).write(home, layout)
                try:
                    compare_judged(home, ["senders", "drop"])
                finally:
                    shutil.rmtree(home)
            yield "evaluation %d, %s, relay %s" % (seed, layout, relay), test


def log_tests(folder, seeds):
    for seed in seeds:
        def test(seed=seed):
            home = os.path.join(folder, "logs")
            gen_logs.World(seed).write(home)
            try:                                # logged under any rule: the reference drafts no whole NSGs
                compare_judged(home, has_advice=False)
            finally:
                shutil.rmtree(home)
        yield "logs %d" % seed, test


def self_test(folder):
    """The comparison notices a verdict, a point, a gap and the order of the queue."""
    def test():
        home = os.path.join(folder, "self")
        world = next(world for world in gen_limits.worlds() if world.name == "queue")
        world.write(home)
        whole = judged(json.loads(run(["review", "--format", "json", "--rules", os.path.join(home, "nsgs.json"),
                                       os.path.join(home, "logs")])))
        shutil.rmtree(home)
        for change in (lambda d: d["rules"][0].update(verdict="CLOSE_UNUSED"), lambda d: d["rules"].reverse(),
                       lambda d: next(iter(d["rules"][1]["sources"].values()))["evidence"][0].update(points=-4.9),
                       lambda d: d["rules"][0]["coverage"]["gaps"].append({}),
                       lambda d: d["rules"][0]["recommendation"]["allow"].append("1.2.3.0/24")):
            other = copy.deepcopy(whole)
            change(other)
            if not differences(other, whole):
                raise Failure("  a change was not noticed")
    yield "comparison", test


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", default="", help="tests whose name holds this")
    parser.add_argument("--eval-seeds", type=int, default=1)
    parser.add_argument("--log-seeds", default="1-12")
    options = parser.parse_args()
    first, _, last = options.log_seeds.partition("-")
    folder = tempfile.mkdtemp(prefix="nsgflow-judge-")
    tests = [*self_test(folder), *limit_tests(folder), *eval_tests(folder, options.eval_seeds),
             ("demonstration", lambda: compare_judged(os.path.join(TOP, "fixtures", "demo"))),
             *log_tests(folder, range(int(first), int(last or first) + 1))]
    try:
        compare.main((name, test) for name, test in tests if options.only in name)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How often the verdicts of a review are right, on worlds whose truth is known.

    NSGFLOW=build/nsgflow tests/eval/evaluate.py [--seeds 1-3] [--layouts vnet4,nsg2,nsg2b,nsg1] [--verbose]

Prints, for each layout, what became of each kind of source, and the figures that must hold: no sender is called
hostile, every recurring sender is kept, and of the scanners and guessers 95 % are recognised with counters and 80 %
without. The exit status is 1 where one of them does not.
"""
import argparse
import collections
import ipaddress
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import world    # noqa: E402

NSGFLOW = os.path.abspath(os.environ.get("NSGFLOW", os.path.join(HERE, "..", "..", "build", "nsgflow")))
HOSTILE = {"PROBE", "GUESSER", "PUBLIC_SCANNER", "SPAM_SOURCE", "CONFLICT"}
RECOGNISED_WITH_COUNTERS, RECOGNISED_WITHOUT = 0.95, 0.80
RELAY_STATES = {"none": {"NO_OUTBOUND"}, "honest": {"SENDS_AND_RECEIVES", "RELAY_TO_FIXED"},
                "open": {"OPEN_RELAY_LIKELY"}, "blocked": {"SPAM_BLOCKED"}}


class Tally:
    """What one layout added up to."""

    def __init__(self):
        self.verdicts = collections.defaultdict(collections.Counter)    # kind -> verdict -> sources
        self.hostile_senders = []
        self.lost_senders = []
        self.n_recurring = self.n_hostile = self.n_recognised = 0
        self.relays = []                                                # (truth, state)


def review(folder):
    lists = [part for name in ("senders", "drop", "scanners")
             for part in ("--" + name, os.path.join(folder, name + ".txt"))]
    done = subprocess.run([NSGFLOW, "review", "--rules", os.path.join(folder, "nsgs.json"), *lists, "--format", "json",
                           os.path.join(folder, "logs")], capture_output=True, timeout=300)
    if done.returncode not in (0, 3):
        sys.exit("nsgflow review: exit %d\n%s" % (done.returncode, done.stderr.decode(errors="replace")[-2000:]))
    return json.loads(done.stdout)


def is_kept(address, verdict, recommendation):
    """On the proposed list, or asked about: not silently out."""
    if verdict in HOSTILE:
        return False
    number = ipaddress.ip_address(address)
    names = recommendation.get("allow", []) + recommendation.get("ask_owner", [])
    for name in names:
        try:
            if number in ipaddress.ip_network(name.split()[0], strict=False):
                return True
        except ValueError:
            continue
    return verdict in ("KNOWN_SENDER", "LIKELY_SENDER") and not names


def judge(tally, document, truth):
    rule = [row for row in document["rules"] if row["rule"] == "allow-smtp"][0]
    verdicts = {row["address"]: row["verdict"] for row in rule["sources"]}
    retrying = {row["address"] for row in document["denied"]["retrying_senders"]}
    for row in truth["sources"]:
        address = row["address"]
        verdict = verdicts.get(address) or ("RETRYING_SENDER" if address in retrying else None)
        if verdict is None:
            continue
        tally.verdicts[row["kind"]][verdict] += 1
        if row["side"] == "sender" and verdict in HOSTILE:
            tally.hostile_senders.append((row["kind"], address, verdict))
        if row["recurring"]:
            tally.n_recurring += 1
            if not is_kept(address, verdict, rule["recommendation"]):
                tally.lost_senders.append((row["kind"], address, verdict))
        if row["side"] == "hostile" and row["kind"] != "abuser of an open relay":
            tally.n_hostile += 1
            tally.n_recognised += verdict in HOSTILE
    tally.relays.append((truth["relay"], rule["relay"]["state"]))


def report(layout, tally, has_counters, is_verbose):
    """Prints one layout -> whether its figures hold."""
    print("\n%s (%s counters)" % (layout, "with" if has_counters else "without"))
    for kind in sorted(tally.verdicts):
        counts = tally.verdicts[kind]
        print("  %-40s %5d  %s" % (kind, sum(counts.values()), ", ".join(
            "%s %d" % item for item in sorted(counts.items(), key=lambda item: (-item[1], item[0])))))
    share = tally.n_recognised / tally.n_hostile if tally.n_hostile else 1
    needed = RECOGNISED_WITH_COUNTERS if has_counters else RECOGNISED_WITHOUT
    wrong_relays = [pair for pair in tally.relays if has_counters and pair[1] not in RELAY_STATES[pair[0]]]
    lines = [(not tally.hostile_senders, "senders called hostile: %d" % len(tally.hostile_senders)),
             (not tally.lost_senders, "recurring senders kept: %d of %d" % (
                 tally.n_recurring - len(tally.lost_senders), tally.n_recurring)),
             (share >= needed, "scanners and guessers recognised: %.1f %% (%.0f %% needed)" % (
                 100 * share, 100 * needed)),
             (not wrong_relays, "relay states: %s" % ", ".join("%s: %s" % pair for pair in tally.relays))]
    for is_good, text in lines:
        print("  %s  %s" % ("ok  " if is_good else "FAIL", text))
    for kind, address, verdict in (tally.hostile_senders + tally.lost_senders if is_verbose else []):
        print("        %s  %s  %s" % (address, verdict, kind))
    return [is_good for is_good, _ in lines]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", default="1-3")
    parser.add_argument("--layouts", default="vnet4,nsg2,nsg2b,nsg1")
    parser.add_argument("--days", type=int, default=35)
    parser.add_argument("--verbose", action="store_true", help="name the sources that were misjudged")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    outcomes = []
    for layout in options.layouts.split(","):
        tally = Tally()
        for seed in range(int(first), int(last or first) + 1):
            folder = tempfile.mkdtemp(prefix="nsgflow-eval-")
            try:
                relay = ("honest", "open", "blocked", "none")[seed % 4]
                world.World(seed, layout, options.days, relay).write(folder)
                with open(os.path.join(folder, "truth.json"), encoding="utf-8") as handle:
                    truth = json.load(handle)
                judge(tally, review(folder), truth)
            finally:
                shutil.rmtree(folder)
        outcomes += report(layout, tally, truth["has_counters"], options.verbose)
    print("\n%d passed, %d failed" % (sum(outcomes), len(outcomes) - sum(outcomes)))
    sys.exit(0 if all(outcomes) else 1)


if __name__ == "__main__":
    main()

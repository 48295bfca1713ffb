#!/usr/bin/env python3
"""Runs the program on worlds with known truth and prints how well it judges, per kind of source and layout.

    evaluate.py [--seeds N] [--table]

Ends with status 1 when a sender is called hostile, when fewer than 90 % of recurring senders are known as such with
counters (the others are asked about), or when fewer scanners and guessers are recognised than promised: 95 % with
counters, 80 % without. --table prints the rows of tests/README.md.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import world  # noqa: E402

SENDERS = {"recurring", "recurring_small", "listed", "rare", "list_mail", "refused"}
HOSTILE = {"scanner", "scanner_narrow", "guesser"}
KINDS = ["recurring", "recurring_small", "listed", "rare", "list_mail", "refused", "scanner", "scanner_narrow", "guesser",
         "spam", "probe"]
GROUPS = {
    "kept": {"KNOWN_SENDER", "LIKELY_SENDER"},
    "asked": {"POSSIBLE_SENDER", "RETRYING_SENDER", "UNDECIDED", "CONFLICT", "SPAM_SOURCE"},
    "hostile": {"PROBE", "GUESSER", "PUBLIC_SCANNER"},
    "probe": {"HEALTH_PROBE"},
}
WITH_COUNTERS = {"nsg2t", "vnet4"}


def review(program, folder):
    command = [program, "review", "--format", "json", "--rules", "nsgs.json", "--senders", "senders.txt", "--drop",
               "drop.txt", "logs"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("evaluate: %s ended with %d: %s" % (program, done.returncode, done.stderr))
    return json.loads(done.stdout)


def group_of(verdict):
    return next(name for name, verdicts in GROUPS.items() if verdict in verdicts)


def count(document, truth, counts):
    """counts[kind][group] += 1 for every source of the exposing rule."""
    wrong = []
    for rule in document["rules"]:
        for source in rule["sources"]:
            kind = truth.get(source["address"])
            if kind is None or kind == "relayed":
                continue
            group = group_of(source["verdict"])
            counts.setdefault(kind, {}).setdefault(group, 0)
            counts[kind][group] += 1
            if kind in SENDERS and group == "hostile":
                wrong.append("%s, a %s sender, is called %s: %s" % (source["address"], kind, source["verdict"],
                                                                   [line["code"] for line in source["evidence"]]))
    return wrong


def share(part, whole):
    return 100.0 * part / whole if whole else 100.0


def totals(counts, kinds, group):
    hit = sum(counts.get(kind, {}).get(group, 0) for kind in kinds)
    return hit, sum(sum(counts.get(kind, {}).values()) for kind in kinds)


def summary(counts):
    """Precision and recall of "hostile", and the share of senders that are kept or asked about."""
    hostile, all_hostile = totals(counts, HOSTILE, "hostile")
    called = sum(groups.get("hostile", 0) for kind, groups in counts.items() if kind != "spam")
    senders_hostile, senders = totals(counts, SENDERS, "hostile")
    kept, recurring = totals(counts, {"recurring", "listed"}, "kept")
    return {"precision": share(hostile, called), "recall": share(hostile, all_hostile),
            "senders": share(senders - senders_hostile, senders), "kept": share(kept, recurring)}


def check(layout, counts, relays, wrong):
    found = summary(counts)
    promised = 95.0 if layout in WITH_COUNTERS else 80.0
    if found["recall"] < promised:
        wrong.append("%s: only %.1f %% of scanners and guessers are recognised" % (layout, found["recall"]))
    if layout in WITH_COUNTERS:
        if found["kept"] < 90.0:
            wrong.append("%s: only %.1f %% of recurring senders are known as such" % (layout, found["kept"]))
    for expected, state in relays:
        if expected == "open" and state != "OPEN_RELAY_LIKELY" and layout in WITH_COUNTERS:
            wrong.append("%s: the open relay is %s" % (layout, state))
        if expected != "open" and state in ("OPEN_RELAY_LIKELY", "SPAM_BLOCKED"):
            wrong.append("%s: an honest server is %s" % (layout, state))
    return found


def evaluate(program, seeds, layout):
    counts, wrong, relays = {}, [], []
    for seed in range(1, seeds + 1):
        relay = ("none", "honest", "open")[seed % 3]
        made = world.World(seed, relay=relay)
        with tempfile.TemporaryDirectory(prefix="nsgflow-eval-") as folder:
            made.write(folder, layout)
            document = review(program, folder)
        wrong += count(document, made.truth, counts)
        relays.append((relay, document["rules"][0]["relay"]["state"]))
    return counts, wrong, relays


def print_counts(layout, counts):
    print("%-8s %-16s %7s %7s %7s %8s %7s" % ("layout", "truth", "sources", "kept", "asked", "hostile", "probe"))
    for kind in KINDS:
        groups = counts.get(kind)
        if groups:
            print("%-8s %-16s %7d %7d %7d %8d %7d" % (layout, kind, sum(groups.values()), groups.get("kept", 0),
                                                     groups.get("asked", 0), groups.get("hostile", 0), groups.get("probe", 0)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--table", action="store_true", help="only the summary, as rows of Markdown")
    parser.add_argument("--program", default=os.environ.get("NSGFLOW", "build/nsgflow"))
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    wrong, rows = [], []
    for layout in world.LAYOUTS:
        counts, wrong_here, relays = evaluate(program, options.seeds, layout)
        found = check(layout, counts, relays, wrong_here)
        wrong += wrong_here
        rows.append("| %s | %.1f %% | %.1f %% | %.1f %% | %.1f %% |" % (
            layout, found["precision"], found["recall"], found["senders"], found["kept"]))
        if not options.table:
            print_counts(layout, counts)
    if not options.table:
        print()
    print("| layout | precision of hostile | recall of scanners and guessers | senders never called hostile | "
          "recurring senders known as such |")
    print("|---|---|---|---|---|")
    print("\n".join(rows))
    for line in wrong:
        print("wrong: " + line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

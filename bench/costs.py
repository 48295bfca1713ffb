#!/usr/bin/env python3
"""Where the instructions of a review go, counted by callgrind: by part of the program, and the functions that take most.

usage: costs.py [--bytes N] [--top N] [KIND...]

KIND is one of gen_logs: typical, vnet, flood, small. One worker; the tuple reader for AVX2, since callgrind knows no AVX-512.
NSGFLOW names the program, NSGFLOW_BUILD the folder it was built in.
"""
import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

from measure import die, table

NAME = re.compile(r"^(fl|fi|fe|fn|cfi|cfl|cfn|ob|cob)=(?:\((\d+)\))?\s*(.*)$")
COST = re.compile(r"^(?:0x[0-9a-f]+|[+-]?\d+|\*)\s+(\d+)$")
PARTS = (
    ("reading: bytes, envelope, tuples", ("source/", "codec/", "envelope/", "flow/", "core/json_in")),
    ("evidence: connections, sources, contacts", ("evidence/",)),
    ("judging and advice", ("judge/", "advice/", "lists/")),
    ("writing the report", ("report/", "core/json_out", "core/out", "core/escape")),
    ("rules and exposure", ("rules/", "exposure/")),
    ("workers, order of the stages", ("run/", "cli/", "main.c", "core/thread")),
    ("memory, tables, sorting of the core", ("core/",)),
)
# What is not the program's own, by the object it comes from.
OBJECTS = (("ld-linux", "start of the program"), ("libc", "C library"), ("libyajl", "yajl"), ("", "other libraries"))


class Counted:
    """Self cost of (function, file, object); what the compiler put inline counts for the function that it stands in."""

    def __init__(self):
        self.by_function = collections.Counter()

    def read(self, path):
        names = {"fl": {}, "fn": {}, "ob": {}}
        here = {"fl": "", "fn": "", "ob": ""}
        is_call = False
        with open(path, encoding="utf-8", errors="replace") as text:
            for line in text:
                line = line.rstrip("\n")
                match = NAME.match(line)
                if match:
                    kind, number, name = match.groups()
                    space = names["ob" if "ob" in kind else "fn" if kind.endswith("fn") else "fl"]
                    if number and name:
                        space[number] = name
                    if kind in here:
                        here[kind] = name or space.get(number, "")
                elif line.startswith("calls="):
                    is_call = True  # the next line is the cost of the callee
                else:
                    match = COST.match(line)
                    if match and not is_call:
                        self.by_function[(here["fn"], here["fl"], here["ob"])] += int(match.group(1))
                    is_call = is_call and not match


def source_of(path):
    """The path below src/, or "" for what is not the program's own."""
    _, found, rest = ("/" + path).rpartition("/src/")
    return rest if found and (rest == "main.c" or rest.startswith(tuple(p for _, prefixes in PARTS for p in prefixes))) else ""


def part_of(path, source_object):
    source = source_of(path)
    for part, prefixes in PARTS:
        if source.startswith(prefixes):
            return part
    return next(part for start, part in OBJECTS if os.path.basename(source_object).startswith(start))


def count(kind, n_bytes, work):
    nsgflow, gen = os.environ["NSGFLOW"], os.path.join(os.environ["NSGFLOW_BUILD"], "bench", "gen_logs")
    log, rules, out = (os.path.join(work, name) for name in (kind, "nsgs.json", "callgrind.out"))
    more = ["--blobs", str(max(1, n_bytes // 10000))] if kind == "small" else []
    subprocess.run([gen, kind, "--bytes", str(n_bytes)] + more + [log], check=True)
    subprocess.run([gen, "rules", rules], check=True)
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out, nsgflow, "review", "--quiet", "--format", "json",
                           "-o", "/dev/null", "--rules", rules, "--jobs", "1", log], stderr=subprocess.PIPE,
                          env=dict(os.environ, NSGFLOW_VARIANT="avx2"))
    if done.returncode != 0:
        die("costs: " + done.stderr.decode("utf-8", "replace")[-800:])
    counted = Counted()
    counted.read(out)
    return counted


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bytes", type=int, default=20_000_000)
    parser.add_argument("--top", type=int, default=12)
    parser.add_argument("kinds", nargs="*")
    options = parser.parse_args()
    kinds = options.kinds or ["typical", "vnet", "flood", "small"]
    if not shutil.which("valgrind"):
        die("costs: valgrind is not installed")
    work = tempfile.mkdtemp(prefix="nsgflow-costs-")
    try:
        all_counted = {kind: count(kind, options.bytes, work) for kind in kinds}
    finally:
        shutil.rmtree(work)
    totals = {kind: sum(counted.by_function.values()) for kind, counted in all_counted.items()}
    print("Instructions of a review with one worker, %g MB of each kind, in %% of all\n" % (options.bytes / 1e6))
    parts = {kind: collections.Counter() for kind in kinds}
    for kind in kinds:
        for (_, path, source_object), cost in all_counted[kind].by_function.items():
            parts[kind][part_of(path, source_object)] += cost
    rows = [[part] + ["%.1f" % (100.0 * parts[kind][part] / totals[kind]) for kind in kinds]
            for part in [part for part, _ in PARTS] + [part for _, part in OBJECTS]]
    rows.append(["all: instructions a byte"] + ["%.1f" % (totals[kind] / options.bytes) for kind in kinds])
    table(["part"] + kinds, rows)
    for kind in kinds:
        print("\n%s: the functions that take most\n" % kind)
        rows = []
        for (function, path, source_object), cost in all_counted[kind].by_function.most_common(options.top):
            where = source_of(path) or part_of(path, source_object)
            rows.append([function.split("'")[0], where, "%.1f" % (100.0 * cost / totals[kind])])
        table(["function", "file", "%"], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

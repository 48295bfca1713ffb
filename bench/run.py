#!/usr/bin/env python3
"""Prints the tables of bench/README.md: the whole review beside other readers of the same logs, with the goal of each ratio.

usage: run.py [--bytes N] [--rounds N] [--clock wall|cpu] [--only KIND,...] [--quick]

NSGFLOW names the program, NSGFLOW_BUILD the folder it was built in. All commands of a table run in turn, round after
round, page cache warm; medians. What a peer counts is compared with the review before its time stands here; a peer that
is not installed is said to be missing. --clock cpu compares processor time instead, for a machine that others use.
"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

from measure import Command, Failed, die, is_busy, machine, side_by_side, table, warm

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(HERE, "peers")
KINDS = ("typical", "vnet", "flood", "gz", "small", "memory", "scan")

# What the project wants to reach. "x read": so many times the bare read at most; "faster": so many times faster than the
# peer at least.
GOALS = {
    "review": {"typical": ("x read", 4.0), "vnet": ("x read", 4.0)},
    "review --smtp-only": {"typical": ("x read", 2.5), "vnet": ("x read", 2.5)},
    "yajl, empty callbacks": {"typical": ("faster", 2.5), "vnet": ("faster", 2.5), "flood": ("faster", 1.0)},
    "simdjson, on demand": {"typical": ("faster", 5.0), "vnet": ("faster", 5.0)},
    "python3, json": {"typical": ("faster", 25.0), "vnet": ("faster", 25.0)},
    "node, JSON.parse": {"typical": ("faster", 25.0), "vnet": ("faster", 25.0)},
    "duckdb, two threads": {"typical": ("faster", 75.0), "vnet": ("faster", 75.0)},
    "jq": {"typical": ("faster", 100.0), "vnet": ("faster", 100.0)},
    "review --jobs 2": {"typical": ("than one job", 1.8), "flood": ("than one job", 1.6)},
}
SMTP_ONLY_YAJL = 4.0  # times faster than yajl with --smtp-only, on typical and vnet
GZ = 1.2              # times the fastest inflater
SMALL = 3.0           # times open, read, close of each
MEMORY_KB = 48 * 1024  # with 100,000 sources, whatever the size of the log


class Bench:
    def __init__(self, options):
        self.options = options
        self.nsgflow, self.build = os.environ["NSGFLOW"], os.environ["NSGFLOW_BUILD"]
        self.work = tempfile.mkdtemp(prefix="nsgflow-bench-")
        self.rules = os.path.join(self.work, "nsgs.json")
        self.missed = 0
        self.compared = 0
        self.generate("rules", self.rules)

    def program(self, name):
        """A program of the benchmarks, or None when it was not built."""
        path = os.path.join(self.build, "bench", name)
        return path if os.access(path, os.X_OK) else None

    def generate(self, kind, out, **arguments):
        words = [self.program("gen_logs"), kind]
        for name, value in arguments.items():
            words += ["--" + name, str(value)]
        subprocess.run(words + [out], check=True)
        return out

    def review(self, log, *more, name=None):
        argv = [self.nsgflow, "review", "--quiet", "--format", "json", "-o", "/dev/null", "--rules", self.rules]
        return Command(name or " ".join(("review",) + more), argv + ["--jobs", "1"] * ("--jobs" not in more) +
                       list(more) + [log])

    def answer(self, log):
        """What the review says was allowed in on port 25: tuples and bytes, as the peers print them."""
        out = os.path.join(self.work, "answer.json")
        subprocess.run([self.nsgflow, "review", "--quiet", "--format", "json", "-o", out, "--rules", self.rules, log], check=True)
        with open(out, encoding="utf-8") as file:
            review = json.load(file)
        traffic = [row["traffic"] for row in review["rules"] + review["unmatched"] if "traffic" in row]
        n_bytes = sum((t["bytes_in"] or 0) + (t["bytes_out"] or 0) for t in traffic)
        return [str(review["inputs"]["smtp_inbound"]["allowed"]), str(n_bytes)]

    def peers(self, kind, log):
        """Those that are installed; the names of the others."""
        layout = "vnet" if kind == "vnet" else "nsg"
        modules = os.path.join(os.path.dirname(self.build), "bench-node", "node_modules")
        node = shutil.which("node") or shutil.which("nodejs")
        has_duckdb = node and os.path.isdir(os.path.join(modules, "@duckdb", "node-api"))
        wanted = [
            ("simdjson, on demand", self.program("peers/simdjson") and [self.program("peers/simdjson"), log]),
            ("python3, json", [sys.executable, os.path.join(PEERS, "count.py"), log]),
            ("node, JSON.parse", node and [node, os.path.join(PEERS, "count.js"), log]),
            ("duckdb, two threads", has_duckdb and [node, os.path.join(PEERS, "duckdb.js"), log, layout]),
            ("jq", shutil.which("jq") and ["jq", "-r", "-f", os.path.join(PEERS, "count.jq"), log]),
        ]
        found = [Command(name, argv, environment={"NODE_PATH": modules}) for name, argv in wanted if argv]
        return found, [name for name, argv in wanted if not argv]

    def judge(self, ratio, how, goal):
        """The words for the last two columns."""
        is_met = ratio <= goal if how in ("x read", "x") else ratio >= goal
        self.compared += 1
        self.missed += not is_met
        text = {"x read": "at most %g x", "x": "at most %g x", "faster": "at least %g x",
                "than one job": "at least %g x"}[how] % goal
        return [text, "yes" if is_met else "**no**"]

    def kind(self, kind):
        options = self.options
        log = self.generate(kind, os.path.join(self.work, kind + ".json"), bytes=options.bytes)
        size = os.path.getsize(log)
        warm(log)
        expected = self.answer(log)
        read = Command("bare read, 256 KiB", [self.program("peers/read"), log])
        lines = Command("wc -l", ["wc", "-l", log])
        yajl = Command("yajl, empty callbacks", [self.program("peers/yajl"), log])
        one = self.review(log)
        two = self.review(log, "--jobs", "2")
        only = self.review(log, "--smtp-only")
        plain = self.review(log, "--parser", "yajl")
        quick = [read, lines, one, two, only, plain, yajl]
        peers, missing = self.peers(kind, log) if kind != "flood" and not options.quick else ([], [])
        failed = side_by_side(quick + peers, options.rounds)
        for command, reason in failed:
            if command in quick:
                die("bench: " + reason)
        for command in (read, yajl):
            if command.answer != [str(size)]:
                die("bench: %s read %s bytes of %d" % (command.name, command.answer, size))
        print("\n### %s: %.1f MB, %s tuples with %s bytes allowed in on port 25\n" % (kind, size / 1e6, *expected))
        rows = []
        clock = options.clock
        base = read.seconds(clock)
        ours = one.seconds(clock)

        def row(command, ratio, how, goal=None):
            seconds = command.seconds(clock)
            words = self.judge(ratio, how, goal) if goal else ["", ""]
            text = {"x read": "%.2f x the read", "faster": "review %.2f x as fast",
                    "than one job": "%.2f x as fast as one"}[how] % ratio
            rows.append([command.name, "%.4f" % seconds, "%.2f" % (size / seconds / 1e9), text] + words)

        for command in (read, lines):
            row(command, command.seconds(clock) / base, "x read")
        for command in (one, only, plain):
            goal = GOALS.get(command.name, {}).get(kind)
            row(command, command.seconds(clock) / base, "x read", goal and goal[1])
        goal = GOALS["review --jobs 2"].get(kind)
        if is_busy():
            # Two workers need two processors to themselves.
            rows.append([two.name, "", "", "not measured: others use the machine", "at least %g x" % goal[1] if goal else "", ""])
        else:
            row(two, one.seconds("wall") / two.seconds("wall"), "than one job", goal and goal[1])
        for command in [yajl] + peers:
            reason = next((reason for other, reason in failed if other is command), None)
            if reason is None and command is not yajl and command.answer != expected:
                reason = "counts %s, the review %s" % (" ".join(command.answer), " ".join(expected))
            if reason:
                rows.append([command.name, "", "", "left out: " + reason, "", "**no**"])
                self.missed += 1
                continue
            goal = GOALS[command.name].get(kind)
            row(command, command.seconds(clock) / ours, "faster", goal and goal[1])
        if kind != "flood":
            seconds, ratio = yajl.seconds(clock), yajl.seconds(clock) / only.seconds(clock)
            rows.append(["the same, against --smtp-only", "%.4f" % seconds, "%.2f" % (size / seconds / 1e9),
                         "review %.2f x as fast" % ratio] + self.judge(ratio, "faster", SMTP_ONLY_YAJL))
        rows += [[name, "", "", "not installed", "", ""] for name in missing]
        table(["what", "seconds", "GB/s", "ratio", "goal", "met"], rows)
        print("\nResident at most, in MiB: " + ", ".join("%s %.1f" % (c.name, c.max_rss_kb / 1024) for c in (one, two, only, plain)))

    def gz(self):
        log = self.generate("typical", os.path.join(self.work, "typical.json"), bytes=self.options.bytes)
        packed = self.generate("gz", os.path.join(self.work, "typical.json.gz"), bytes=self.options.bytes)
        size = os.path.getsize(log)
        with open(log, "rb") as file:
            digest = hashlib.sha256(file.read()).digest()
        tools = [["gzip", "-dc", packed], ["igzip", "-dc", packed], ["libdeflate-gunzip", "-c", packed]]
        found = [Command(" ".join(argv[:2]), argv, is_quiet=True) for argv in tools if shutil.which(argv[0])]
        for command in found:
            if hashlib.sha256(subprocess.run(command.argv, stdout=subprocess.PIPE, check=True).stdout).digest() != digest:
                die("bench: %s inflates to something else" % command.name)
        if self.answer(packed) != self.answer(log):
            die("bench: the review of the gzipped log says something else")
        ours = self.review(packed)
        for command, reason in side_by_side(found + [ours], self.options.rounds):
            die("bench: " + reason)
        clock = self.options.clock
        best = min(command.seconds(clock) for command in found)
        print("\n### gz: typical, gzipped to %.1f MB\n" % (os.path.getsize(packed) / 1e6))
        rows = []
        for command in found + [ours]:
            seconds = command.seconds(clock)
            rows.append([command.name, "%.4f" % seconds, "%.2f" % (size / seconds / 1e9), "%.2f x the fastest" % (seconds / best)] +
                        (self.judge(seconds / best, "x", GZ) if command is ours else ["", ""]))
        rows += [[argv[0], "", "", "not installed", "", ""] for argv in tools if not shutil.which(argv[0])]
        table(["what", "seconds", "GB/s inflated", "ratio", "goal", "met"], rows)

    def small(self):
        n_blobs = max(100, min(20000, self.options.bytes // 5000))
        folder = os.path.join(self.work, "small")
        self.generate("small", folder, bytes=n_blobs * 10000, blobs=n_blobs)
        paths = [os.path.join(base, name) for base, _, names in os.walk(folder) for name in names]
        size = sum(os.path.getsize(path) for path in paths)
        listing = os.path.join(self.work, "paths")
        with open(listing, "w", encoding="utf-8") as out:
            out.write("".join(path + "\n" for path in sorted(paths)))
        read = Command("open, read, close of each", [self.program("peers/read"), "-@", listing])
        one, two = self.review(folder), self.review(folder, "--jobs", "2")
        for command, reason in side_by_side([read, one, two], self.options.rounds):
            die("bench: " + reason)
        if read.answer != [str(size)]:
            die("bench: the blobs were not read whole")
        clock = self.options.clock
        base = read.seconds(clock)
        print("\n### small: %d blobs of %.1f KB\n" % (len(paths), size / len(paths) / 1e3))
        rows = []
        for command in (read, one) if is_busy() else (read, one, two):
            seconds = command.seconds("wall" if command is two else clock)
            rows.append([command.name, "%.4f" % seconds, "%.2f" % (size / seconds / 1e9), "%.2f x the read" % (seconds / base)] +
                        (self.judge(seconds / base, "x", SMALL) if command is one else ["", ""]))
        table(["what", "seconds", "GB/s", "ratio", "goal", "met"], rows)

    def memory(self):
        print("\n### Memory: most that was resident, with 100,000 sources\n")
        rows = []
        for kind in ("typical", "vnet", "flood"):
            for factor in (1, 4, 40):
                feed = [self.program("gen_logs"), kind, "--bytes", str(self.options.bytes * factor), "--sources", "100000", "-"]
                command = self.review("-")
                command.stdin_of = feed
                try:
                    command.run()
                except Failed as error:
                    die("bench: %s" % error)
                rows.append([kind, "%.0f" % (self.options.bytes * factor / 1e6), "%.1f MiB" % (command.max_rss_kb / 1024)] +
                            self.judge(command.max_rss_kb, "x", MEMORY_KB))
                rows[-1][-2] = "at most %d MiB" % (MEMORY_KB // 1024)
        table(["log", "MB", "resident", "goal", "met"], rows)

    def scan(self):
        print("\n### scan: cost a rule\n")
        rows = []
        for nsgs, rules, prefixes in ((100, 10, 4), (100, 100, 4), (100, 1000, 4), (1000, 100, 4), (10, 100, 400), (10, 1000, 400),
                                      (2000, 200, 4)):
            path = os.path.join(self.work, "scan.json")
            with open(path, "wb") as out:
                subprocess.run([sys.executable, os.path.join(HERE, "gen_nsgs.py"), str(nsgs), str(rules), str(prefixes)], stdout=out, check=True)
            command = Command("scan", [self.nsgflow, "scan", "--quiet", "--format", "json", "-o", "/dev/null", path])
            for _, reason in side_by_side([command], self.options.rounds):
                die("bench: " + reason)
            seconds = command.seconds(self.options.clock)
            rows.append([str(nsgs), str(rules), str(prefixes), "%.1f" % (os.path.getsize(path) / 1e6), "%.4f" % seconds,
                         "%.2f" % (seconds / nsgs / rules * 1e6)])
        table(["NSGs", "rules each", "prefixes each", "MB", "seconds", "us a rule"], rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bytes", type=int, default=100_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--only", default=",".join(KINDS))
    parser.add_argument("--quick", action="store_true", help="without the slow peers")
    options = parser.parse_args()
    kinds = options.only.split(",")
    if set(kinds) - set(KINDS):
        parser.error("kinds are " + ", ".join(KINDS))
    print(machine() + ("; %s time, medians of %d" % ("processor" if options.clock == "cpu" else "wall", options.rounds)))
    if is_busy():
        print("\nOthers use this machine: read no more than ratios out of this, and `--clock cpu` is steadier.")
    bench = Bench(options)
    try:
        for kind in kinds:
            if kind in ("typical", "vnet", "flood"):
                bench.kind(kind)
            else:
                getattr(bench, kind)()
    finally:
        shutil.rmtree(bench.work)
    print("\n%d of %d goals met" % (bench.compared - bench.missed, bench.compared))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What a review costs as bytes, blobs and sources grow: a table of each, and a plot.

usage: curves.py [--most-bytes N] [--most-blobs N] [--most-sources N] [--only bytes,blobs,sources] [--plot FILE.svg]

Processor time of one worker and most that was resident. Logs come through a pipe, so that their size asks for no disk; blobs
are files of 10 KB. NSGFLOW names the program, NSGFLOW_BUILD the folder it was built in.
"""
import argparse
import json
import os
import shutil
import subprocess
import tempfile

from measure import Command, Failed, die, is_busy, machine, table
from plot import Panel, svg

BLOB_BYTES = 10_000
# Two connections a source on the average, each of two tuples of 62 bytes: most sources come.
BYTES_A_SOURCE = 250


class Curves:
    def __init__(self, work):
        self.nsgflow, self.work = os.environ["NSGFLOW"], work
        self.gen = os.path.join(os.environ["NSGFLOW_BUILD"], "bench", "gen_logs")
        self.rules = os.path.join(work, "nsgs.json")
        subprocess.run([self.gen, "rules", self.rules], check=True)

    def review(self, log, feed=None, out="/dev/null", more=()):
        command = Command("review", [self.nsgflow, "review", "--quiet", "--format", "json", "-o", out, "--rules", self.rules,
                                     "--jobs", "1", *more, log], stdin_of=feed)
        try:
            command.run()
        except Failed as error:
            die("curves: %s" % error)
        return command

    def size_of(self, sizes):
        print("\n### Bytes: a typical log\n")
        rows, points = [], []
        for n_bytes in sizes:
            done = self.review("-", [self.gen, "typical", "--bytes", str(n_bytes), "-"])
            seconds = done.seconds("cpu")
            points.append((n_bytes, seconds / n_bytes * 1e9))
            rows.append(["%g MB" % (n_bytes / 1e6), "%.3f" % seconds, "%.2f" % points[-1][1], "%.1f" % (done.max_rss_kb / 1024)])
        table(["log", "seconds", "ns a byte", "MiB resident"], rows)
        return [Panel("Bytes: a typical log", "bytes of log", "ns a byte", points)]

    def blobs(self, numbers):
        print("\n### Blobs of %d KB\n" % (BLOB_BYTES // 1000))
        rows, points = [], []
        for n in numbers:
            folder = os.path.join(self.work, "blobs")
            subprocess.run([self.gen, "small", "--blobs", str(n), "--bytes", str(n * BLOB_BYTES), folder], check=True)
            done = self.review(folder)
            shutil.rmtree(folder)
            seconds = done.seconds("cpu")
            points.append((n, seconds / n * 1e6))
            rows.append(["%d" % n, "%.3f" % seconds, "%.1f" % points[-1][1], "%.1f" % (done.max_rss_kb / 1024)])
        table(["blobs", "seconds", "us a blob", "MiB resident"], rows)
        return [Panel("Blobs of %d KB" % (BLOB_BYTES // 1000), "blobs", "us a blob", points, is_log=True)]

    def sources(self, numbers):
        print("\n### Sources: every tuple is SMTP from one of them\n")
        rows, costs, memory = [], [], []
        for n in numbers:
            n_bytes = max(100_000_000, n * BYTES_A_SOURCE)
            feed = [self.gen, "flood", "--bytes", str(n_bytes), "--sources", str(n), "-"]
            done = self.review("-", feed)
            # The tally is that of another run: one that writes few sources, whose report is small enough to read.
            tally = os.path.join(self.work, "tally.json")
            self.review("-", feed, tally, ("--top", "1"))
            with open(tally, encoding="utf-8") as file:
                review = json.load(file)
            n_tuples = review["inputs"]["tuples"]
            n_seen = sum(rule["traffic"]["sources"] for rule in review["rules"])
            seconds = done.seconds("cpu")
            costs.append((n, seconds / n_tuples * 1e9))
            memory.append((n, done.max_rss_kb / 1024))
            rows.append(["{:,}".format(n_seen), "{:,}".format(n_tuples), "%.2f" % seconds, "%.0f" % costs[-1][1],
                         "%.1f" % memory[-1][1]])
        table(["sources", "tuples", "seconds", "ns a tuple", "MiB resident"], rows)
        return [Panel("Sources: cost of a tuple", "sources", "ns a tuple", costs),
                Panel("Sources: memory", "sources", "MiB resident", memory, is_log=True)]


def powers(low, most):
    """low, 10 low, ... up to most."""
    numbers = []
    while low <= most:
        numbers.append(low)
        low *= 10
    return numbers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--most-bytes", type=int, default=10_000_000_000)
    parser.add_argument("--most-blobs", type=int, default=100_000)
    parser.add_argument("--most-sources", type=int, default=10_000_000)
    parser.add_argument("--only", default="bytes,blobs,sources")
    parser.add_argument("--plot")
    options = parser.parse_args()
    print(machine() + "; processor time of one run")
    if is_busy():
        print("\nOthers use this machine: read no more than the shape of the curves out of this.")
    work = tempfile.mkdtemp(prefix="nsgflow-curves-")
    try:
        curves, panels = Curves(work), []
        only = options.only.split(",")
        if "bytes" in only:
            panels += curves.size_of(powers(10_000_000, options.most_bytes))
        if "blobs" in only:
            panels += curves.blobs(powers(1, options.most_blobs))
        if "sources" in only:
            panels += curves.sources(powers(100, options.most_sources))
    finally:
        shutil.rmtree(work)
    if options.plot and panels:
        with open(options.plot, "w", encoding="utf-8") as out:
            out.write(svg("nsgflow review --jobs 1, " + machine(), panels))
        print("\nplot: " + os.path.relpath(options.plot))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Reads the counts of a COVERAGE=1 build and prints lines and branches a file, then functions never run.

usage: coverage.py PLAN [--filter TEXT]

PLAN names the build folder in its first line. Coverage is read, not chased: the lines of core, envelope, flow
and codec all run in tests, other folders are for the reader to judge.
"""
import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile


def notes_in(build):
    # Tests too: inline functions of headers run in them.
    for folder, _, names in os.walk(build):
        for name in sorted(names):
            if name.endswith(".gcno"):
                yield os.path.abspath(os.path.join(folder, name))


def counts_of(note):
    """The files of gcov's JSON for one object."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["gcov", "--branch-probabilities", "--json-format", note], cwd=folder,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        for name in os.listdir(folder):
            with gzip.open(os.path.join(folder, name), "rt", encoding="utf-8") as file:
                yield from json.load(file)["files"]


class File:
    def __init__(self):
        self.lines, self.branches, self.functions = {}, {}, {}

    def add(self, part):
        for line in part["lines"]:
            number = line["line_number"]
            self.lines[number] = self.lines.get(number, 0) + line["count"]
            for index, branch in enumerate(line["branches"]):
                self.branches[number, index] = self.branches.get((number, index), 0) + branch["count"]
        for function in part["functions"]:
            name = function["name"], function["start_line"]
            self.functions[name] = self.functions.get(name, 0) + function["execution_count"]


def share(counts):
    hit = sum(1 for count in counts.values() if count)
    return "%5.1f %%" % (100.0 * hit / len(counts)) if counts else "      -"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("plan")
    parser.add_argument("--filter", default="")
    options = parser.parse_args()
    with open(options.plan, encoding="utf-8") as plan:
        build = plan.readline().split()[1]
    files = {}
    for note in notes_in(build):
        for part in counts_of(note):
            name = part["file"]
            if name.startswith("src/") and options.filter in name:
                files.setdefault(name, File()).add(part)
    if not files:
        print("coverage: nothing was counted in %s" % build)
        return 1

    print("%-44s %8s %8s %8s" % ("file", "lines", "run", "branches"))
    total = File()
    for name in sorted(files):
        one = files[name]
        print("%-44s %8d %8s %8s" % (name, len(one.lines), share(one.lines), share(one.branches)))
        total.lines.update({(name, key): value for key, value in one.lines.items()})
        total.branches.update({(name, key): value for key, value in one.branches.items()})
    print("%-44s %8d %8s %8s" % ("all", len(total.lines), share(total.lines), share(total.branches)))
    print("\nnever run:")
    for name in sorted(files):
        for (function, line), count in sorted(files[name].functions.items(), key=lambda item: item[0][1]):
            if count == 0:
                print("  %s:%d %s" % (name, line, function))
    return 0


if __name__ == "__main__":
    sys.exit(main())

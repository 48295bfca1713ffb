#!/usr/bin/env python3
"""Measures everything and writes it into bench/README.md, between its two marks, and bench/curves.svg.

usage: record.py [--bench "ARGUMENTS"] [--costs "ARGUMENTS"] [--curves "ARGUMENTS"]

The arguments go to run.py, costs.py and curves.py. With "no" that part is left as it is.
"""
import argparse
import datetime
import os
import re
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
README = os.path.join(HERE, "README.md")
PARTS = ("bench", "costs", "curves")


def run(script, arguments):
    """What a script prints; it is shown as well, since it takes minutes."""
    process = subprocess.Popen([sys.executable, os.path.join(HERE, script)] + shlex.split(arguments), stdout=subprocess.PIPE, text=True)
    lines = []
    for line in process.stdout:
        sys.stderr.write(line)
        lines.append(line)
    if process.wait() != 0:
        sys.exit("record: %s failed" % script)
    return "".join(lines).strip()


def main():
    parser = argparse.ArgumentParser()
    for part in PARTS:
        parser.add_argument("--" + part, default="")
    options = vars(parser.parse_args())
    commit = subprocess.run(["git", "-C", HERE, "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, text=True).stdout.strip()
    scripts = {"bench": ("run.py", options["bench"]), "costs": ("costs.py", options["costs"]),
               "curves": ("curves.py", options["curves"] + " --plot " + shlex.quote(os.path.join(HERE, "curves.svg")))}
    with open(README, encoding="utf-8") as file:
        text = file.read()
    for part, (script, arguments) in scripts.items():
        if options[part] == "no":
            continue
        # The plot is shown where it stands, not named.
        printed = re.sub(r"\n+plot: .*$", "", run(script, arguments))
        begin, end = "<!-- %s: written by make bench-record -->" % part, "<!-- %s ends -->" % part
        if begin not in text or end not in text:
            sys.exit("record: README.md has no place for " + part)
        head, rest = text.split(begin)
        _, tail = rest.split(end)
        text = "%s%s\n%s, commit %s\n\n%s\n\n%s%s" % (head, begin, datetime.date.today(), commit, printed, end, tail)
        with open(README, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()

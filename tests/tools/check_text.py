#!/usr/bin/env python3
"""Reads the project's own text files and fails on what must not stand in them.

usage: check_text.py [--root DIR]

Paths of one machine, marks of unfinished work, carriage returns and blanks at line ends in sources, files that
do not end with a line end, sources that have grown past the point where a second idea hides in them, and
anything on the top level that is not one of the project's folders. Recorded data under fixtures/ is only
searched for machine paths.
"""
import argparse
import os
import re
import subprocess
import sys

LINES_MAX = 850
TOP = {"src", "include", "bench", "fixtures", "tests", "Makefile", "README.md", "LICENSE"}
# Written in pieces, so that this file does not find itself.
MACHINE = re.compile("/wo" + "rk/|/tmp/(?!nsgflow)[a-z]+/|/ro" + "ot/|/ho" + "me/[a-z]|registry\\.npmjs" + "\\.org|http://deb\\.")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
SOURCE = (".c", ".h", ".py", ".sh", ".md", ".mk", ".txt", "Makefile")


def tracked(root):
    """The files of the checkout; without git, all files but what a build makes."""
    done = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                          capture_output=True)
    if done.returncode == 0 and done.stdout:
        return sorted(set(name for name in done.stdout.decode().split("\0")
                          if name and os.path.isfile(os.path.join(root, name))))
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in (".git", "build", "node_modules", "__pycache__")]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(found)


def problems_of(name, text):
    is_source = name.endswith(SOURCE) and not name.startswith("fixtures/")
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        match = MACHINE.search(line)
        if match:
            yield number, "a path or host of one machine: %s" % match.group(0)
        if is_source and UNFINISHED.search(line):
            yield number, "a mark of unfinished work"
        if is_source and line != line.rstrip():
            yield number, "blanks at the end of the line"
    if is_source and text and not text.endswith("\n"):
        yield len(lines), "no line end at the end"
    if name.endswith((".c", ".h", ".py")) and is_source and len(lines) > LINES_MAX:
        yield len(lines), "longer than %d lines: there is a second idea in it" % LINES_MAX


def check(root):
    for name in tracked(root):
        top = name.split("/")[0]
        if top not in TOP and not top.startswith("."):
            yield "%s: not one of the project's top folders" % name
        with open(os.path.join(root, name), "rb") as file:
            raw = file.read()
        if b"\0" in raw[:4096]:
            continue
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            if name.endswith(SOURCE):
                yield "%s: not UTF-8" % name
            continue
        for number, what in problems_of(name, text):
            yield "%s:%d: %s" % (name, number, what)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=".")
    problems = list(check(parser.parse_args().root))
    for text in problems:
        print(text)
    if problems:
        print("check-text: %d wrong" % len(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

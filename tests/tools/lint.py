#!/usr/bin/env python3
"""Runs clang-tidy, cppcheck and gcc's analyzer over the sources and prints each finding once.

usage: lint.py [--cc GCC] [--filter TEXT] [--tools tidy,cppcheck,analyzer] -- COMPILER FLAGS...

Leaves with 1 when any tool has something to say. A finding that was looked at and is none is silenced beside
the line that causes it, with its reason: NOLINT(check) for clang-tidy, cppcheck-suppress for cppcheck.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys

FINDING = re.compile(r"^(\S+?:\d+):(?:\d+:)? *(warning|error|style|performance|portability): ")
CPPCHECK = ["cppcheck", "--quiet", "--std=c11", "--inline-suppr", "--enable=warning,performance,portability",
            "--suppress=missingIncludeSystem", "--suppress=unmatchedSuppression", "--suppress=internalAstError",
             "--error-exitcode=0",
            "--template={file}:{line}: {severity}: {message} [cppcheck-{id}]", "--template-location="]


def sources(text):
    found = []
    for folder, _, names in os.walk("src"):
        found += [os.path.join(folder, name) for name in names if name.endswith(".c")]
    return sorted(path for path in found if text in path)


def command(tool, path, flags, cc):
    if tool == "tidy":
        return ["clang-tidy", "--quiet", path, "--"] + flags + ["-Wno-everything"]
    if tool == "analyzer":
        return [cc, *flags, "-O1", "-fanalyzer", "-c", "-o", os.devnull, path]
    defines = [flag for flag in flags if flag.startswith(("-D", "-I"))]
    return CPPCHECK + defines + [path]


def findings(tool, path, flags, cc):
    """Returns the findings of one tool on one file, each as its lines."""
    done = subprocess.run(command(tool, path, flags, cc), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found, current = [], None
    for line in done.stdout.splitlines():
        if FINDING.match(line):
            current = [line]
            found.append(current)
        elif current is not None and not line.startswith(("Suppressed", "Use -header")):
            current.append(line)
    if done.returncode != 0 and not found:
        found.append(["%s: warning: %s left with status %d: %s" % (path, tool, done.returncode, done.stdout[-2000:])])
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--filter", default="")
    parser.add_argument("--tools", default="tidy,cppcheck,analyzer")
    parser.add_argument("flags", nargs="*")
    options = parser.parse_args()
    jobs = [(tool, path) for tool in options.tools.split(",") for path in sources(options.filter)]
    seen = set()
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        for found in pool.map(lambda job: findings(job[0], job[1], options.flags, options.cc), jobs):
            for lines in found:
                # A header is seen from many files: its finding is printed once.
                if lines[0] not in seen:
                    seen.add(lines[0])
                    print("\n".join(lines[:30]), flush=True)
    print("lint: %d findings in %d files" % (len(seen), len(sources(options.filter))))
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Reads the #include lines under src/ and fails on an arrow that layers.txt does not allow.

usage: check_layers.py [--root DIR] [--rules FILE]

Checks: includes go from a layer to a lower one or stay in their folder; folders of one rank share only the
headers listed; a third-party header is seen by its one file; a .c file includes core/nsf_common.h first and
its own header second; project headers come before system ones; no #include of a .c file; each include of a
project header exists; no circle of headers.
"""
import argparse
import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
COMMON = "core/nsf_common.h"


class Rules:
    def __init__(self, path):
        self.rank, self.shared, self.library = {}, {}, []
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                words = line.split()
                if not words or words[0].startswith("#"):
                    continue
                if words[0] == "layer" and len(words) >= 3:
                    self.rank.update({folder: int(words[1]) for folder in words[2:]})
                elif words[0] == "shared" and len(words) >= 3:
                    self.shared[words[1]] = " ".join(words[2:])
                elif words[0] == "library" and len(words) >= 3:
                    self.library.append((words[1], words[2:]))
                else:
                    sys.exit("%s:%d: cannot read this line" % (path, number))


def folder_of(path):
    return path.split("/", 1)[0]


def includes_of(path):
    """Yields (line number, is quoted, header) for each #include of a file."""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1) == '"', match.group(2)


def sources_under(src):
    for root, folders, names in os.walk(src):
        folders.sort()
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(root, name), src).replace(os.sep, "/")


def arrow_problem(rules, origin, target):
    """Why ORIGIN may not include TARGET (both relative to src/), or None."""
    here, there = folder_of(origin), folder_of(target)
    if here not in rules.rank:
        return "folder %s is in no layer" % here
    if there not in rules.rank:
        return "folder %s is in no layer" % there
    if here == there or rules.rank[there] > rules.rank[here]:
        return None
    if rules.rank[there] < rules.rank[here]:
        return "points up: %s may not know %s" % (here, there)
    if target in rules.shared:
        return None
    return "%s and %s are siblings, and %s is no shared header" % (here, there, target)


def is_allowed_for(origin, holders):
    return any(origin == holder or (holder.endswith("/") and origin.startswith(holder)) for holder in holders)


def library_problem(rules, origin, target, single):
    """Why ORIGIN may not see the third-party header TARGET, or None. SINGLE notes who came first."""
    for header, holders in rules.library:
        if not (target == header or (header.endswith("/") and target.startswith(header))):
            continue
        if holders == ["1", "file"]:
            stem = os.path.splitext(origin)[0]
            if single.setdefault(header, stem) != stem:
                return "%s is already seen by %s" % (header, single[header])
        elif not is_allowed_for(origin, holders):
            return "<%s> belongs to %s" % (target, " ".join(holders))
    return None


def order_problems(origin, includes, own_exists):
    """The order of includes of a .c file."""
    names = [header for _, _, header in includes]
    own = os.path.splitext(origin)[0] + ".h"
    if not names or names[0] != COMMON:
        yield 1, "the first include must be \"%s\"" % COMMON
    elif own_exists and origin != "core/nsf_common.c" and own in names and names[1] != own:
        yield includes[1][0], "the second include must be its own header, \"%s\"" % own
    system_seen = False
    for number, is_quoted, header in includes:
        if not is_quoted:
            system_seen = True
        elif system_seen:
            yield number, "\"%s\" comes after a system header" % header
            break


def find_circle(graph):
    """Returns the headers of one circle of includes, or None."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return None
        path.append(node)
        for child in graph.get(node, ()):
            circle = visit(child)
            if circle:
                return circle
        path.pop()
        done.add(node)
        return None

    for node in sorted(graph):
        circle = visit(node)
        if circle:
            return circle
    return None


def check(root, rules):
    src = os.path.join(root, "src")
    problems, graph, single = [], {}, {}
    for origin in sources_under(src):
        includes = list(includes_of(os.path.join(src, origin)))
        found = []
        for number, is_quoted, target in includes:
            exists = os.path.isfile(os.path.join(src, target))
            if target.endswith(".c"):
                found.append((number, "a .c file is compiled, never included: %s" % target))
            elif is_quoted and exists:
                graph.setdefault(origin, []).append(target)
                found.append((number, arrow_problem(rules, origin, target)))
            elif is_quoted and not os.path.isfile(os.path.join(root, "include", target)):
                found.append((number, "\"%s\" is not there relative to src/ or include/" % target))
            elif not is_quoted:
                found.append((number, library_problem(rules, origin, target, single)))
        if origin.endswith(".c"):
            own = os.path.splitext(origin)[0] + ".h"
            found += order_problems(origin, includes, os.path.isfile(os.path.join(src, own)))
        problems += ["src/%s:%d: %s" % (origin, number, text) for number, text in found if text]
    circle = find_circle({name: to for name, to in graph.items() if name.endswith(".h")})
    if circle:
        problems.append("headers include each other: " + " -> ".join(circle))
    for header in rules.shared:
        if header in graph and any(folder_of(to) != "core" and folder_of(to) != folder_of(header)
                                   and to not in rules.shared for to in graph[header]):
            problems.append("src/%s: a shared header includes what is not shared" % header)
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=".")
    parser.add_argument("--rules", default=os.path.join(os.path.dirname(__file__), "layers.txt"))
    options = parser.parse_args()
    problems = check(options.root, Rules(options.rules))
    for text in problems:
        print(text)
    if problems:
        print("check-layers: %d wrong" % len(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

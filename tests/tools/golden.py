#!/usr/bin/env python3
"""Runs fixtures/cases and compares with what a person approved.

usage: golden.py [--update] [--filter TEXT] [--cases DIR] [--schemas DIR]

NSGFLOW names the program. A case is a folder with
  args     the arguments, as a shell would split them; lines that begin with # are comments
  stdin    what the program reads (optional, else nothing)
  stdout, stderr, exit     what it prints and how it leaves (absent: nothing, 0)
  files/   what it writes into {tmp}, a new folder each run that args may name (optional)
It runs in the folder above the cases with a fixed clock, width and time zone and no colour. A JSON document
on stdout or in files/ is held against the schema in DIR whose "schema" constant it carries; one without such a
schema fails when the arguments ask for the format json. --update writes what the program does.
The last line is "N passed, N failed".
"""
import argparse
import concurrent.futures
import difflib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

import check_json

TIMEOUT_S = 120
DIFF_LINES_MAX = 120
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
    "SOURCE_DATE_EPOCH": "1767225600",
    "NO_COLOR": "1",
    "COLUMNS": "80",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}
PASSED_ON = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS", "HOME")


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def write(path, content):
    """Writes what a case expects; nothing expected is no file."""
    if content:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    elif os.path.exists(path):
        os.unlink(path)


def words_of(case):
    text = read(os.path.join(case, "args")).decode("utf-8")
    return shlex.split("\n".join(line for line in text.splitlines() if not line.startswith("#")))


def files_in(folder):
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            found[os.path.relpath(path, folder)] = read(path)
    return found


def run(case, program):
    """Returns {name: bytes} of all that the program did: stdout, stderr, exit and files/..."""
    tmp = tempfile.mkdtemp(prefix="nsgflow-golden-")
    try:
        words = [word.replace("{tmp}", tmp) for word in words_of(case)]
        env = dict(ENVIRONMENT, **{k: os.environ[k] for k in PASSED_ON if k in os.environ})
        fixtures = os.path.dirname(os.path.dirname(os.path.abspath(case)))
        done = subprocess.run([program] + words, cwd=fixtures, env=env, timeout=TIMEOUT_S,
                              input=read(os.path.join(case, "stdin")), capture_output=True)
        mark = tmp.encode()
        status = b"" if done.returncode == 0 else b"%d\n" % done.returncode
        did = {"stdout": done.stdout.replace(mark, b"{tmp}"), "stderr": done.stderr.replace(mark, b"{tmp}"),
               "exit": status}
        for name, content in files_in(tmp).items():
            did["files/" + name] = content.replace(mark, b"{tmp}")
        return did
    finally:
        shutil.rmtree(tmp, ignore_errors=True)


def expected_of(case):
    expected = {name: read(os.path.join(case, name)) for name in ("stdout", "stderr", "exit")}
    if expected["exit"].strip() in (b"", b"0"):
        expected["exit"] = b""
    for name, content in files_in(os.path.join(case, "files")).items():
        expected["files/" + name] = content
    return expected


def difference(name, old, new):
    lines = list(difflib.unified_diff(old.decode("utf-8", "backslashreplace").splitlines(),
                                      new.decode("utf-8", "backslashreplace").splitlines(),
                                      "approved " + name, "now " + name, lineterm=""))
    if len(lines) > DIFF_LINES_MAX:
        lines = lines[:DIFF_LINES_MAX] + ["... %d more lines" % (len(lines) - DIFF_LINES_MAX)]
    # The bytes differ, perhaps in an end of line only.
    return lines or ["%s: differs in line ends" % name]


def asks_json(words):
    return "--format=json" in words or any(a == "--format" and b == "json" for a, b in zip(words, words[1:]))


def schema_problems(case, did, schemas):
    problems = []
    for name, content in did.items():
        if name in ("stderr", "exit") or not content.lstrip().startswith(b"{"):
            continue
        must = asks_json(words_of(case)) and name == "stdout"
        problems += ["%s: %s" % (name, text) for text in schemas.problems_of(content, must_be_known=must)]
    return problems


def check(case, program, schemas, update):
    """Returns the lines that say what is wrong; none when the case holds."""
    if not os.path.isfile(os.path.join(case, "args")):
        return ["has no file args"]
    try:
        did = run(case, program)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return ["cannot run: %s" % error]
    problems = schema_problems(case, did, schemas)
    if b"Sanitizer" in did["stderr"]:
        return problems + did["stderr"].decode("utf-8", "replace").splitlines()[:60]
    if update:
        shutil.rmtree(os.path.join(case, "files"), ignore_errors=True)
        for name, content in did.items():
            write(os.path.join(case, name), content)
        return problems
    expected = expected_of(case)
    for name in sorted(set(expected) | set(did)):
        if expected.get(name) != did.get(name):
            problems += difference(name, expected.get(name, b""), did.get(name, b""))
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--filter", default="")
    parser.add_argument("--cases", default="fixtures/cases")
    parser.add_argument("--schemas", default="fixtures/schema")
    options = parser.parse_args()
    program = os.path.abspath(os.environ.get("NSGFLOW", "build/nsgflow"))

    schemas = check_json.Schemas(options.schemas)
    failed = 0
    passed = 0
    for text in schemas.own_problems:
        print("FAIL schema " + text)
        failed += 1
    names = sorted(os.listdir(options.cases)) if os.path.isdir(options.cases) else []
    cases = [os.path.join(options.cases, name) for name in names if options.filter in name]
    cases = [case for case in cases if os.path.isdir(case)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        answers = pool.map(lambda case: check(case, program, schemas, options.update), cases)
        for case, problems in zip(cases, answers):
            if problems:
                failed += 1
                print("FAIL %s" % case)
                for line in problems:
                    print("  " + line)
            else:
                passed += 1
    if not names:
        print("golden: no case in %s" % options.cases)
        return 77
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

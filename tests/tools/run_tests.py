#!/usr/bin/env python3
"""Runs test programs side by side and counts what they say.

usage: run_tests.py [--filter TEXT] [--jobs N] [--broken WHAT]... LABEL:LAYER,LAYER...

LABEL names a plan, build/plans/LABEL.plan, which `make plan` writes: its first line is "build DIR", each
further one "LAYER PROGRAM ARGUMENTS...". A program is a cmocka binary, a fuzz replay, a script (.sh, .py) or
"make TARGET". What counts as a test:
  - cmocka: each test of the group by the lines that cmocka prints. One that began and never ended failed.
  - a line "N passed, N failed" (with or without ", N skipped"): these numbers.
  - anything else: one test, by its exit status; 77 says skipped.
A program that leaves with a bad status and names no failed test counts as one failed test, so does one that
ran no test at all, and one that was not built. --broken adds a failed test for a build that went wrong.
The output of a program is shown when it failed. The last line is "N passed, N failed" and the exit status 1
when any failed.
"""
import argparse
import concurrent.futures
import os
import re
import shlex
import signal
import subprocess
import sys
import time

TIMEOUT_S = 600
SKIPPED_STATUS = 77
LAYERS = ("unit", "golden", "checks", "diff", "fuzz", "fault", "tools", "cost", "e2e", "races")
SUM_LINE = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$")
CMOCKA_LINE = re.compile(r"^\[ *(RUN|OK|SKIPPED|FAILED) *\] (\S+)\s*$")


class Outcome:
    def __init__(self, name, passed=0, failed=0, skipped=0, took_s=0.0, text="", failures=()):
        self.name, self.passed, self.failed, self.skipped = name, passed, failed, skipped
        self.took_s, self.text, self.failures = took_s, text, list(failures)


def count_cmocka(text):
    """Returns (passed, failed names, skipped) of cmocka's own lines, or None when there are none."""
    passed, skipped, failed, running, seen = 0, 0, [], None, False
    for line in text.splitlines():
        match = CMOCKA_LINE.match(line)
        if not match:
            continue
        word, name = match.groups()
        if word == "RUN":
            if running is not None:
                failed.append(running)
            running, seen = name, True
        elif running == name:
            running = None
            if word == "OK":
                passed += 1
            elif word == "SKIPPED":
                skipped += 1
            else:
                failed.append(name)
    if running is not None:
        failed.append(running)
    return (passed, failed, skipped) if seen else None


def count(name, status, text):
    """What one program's output and exit status say, as an Outcome."""
    cmocka = count_cmocka(text)
    if cmocka is not None:
        passed, failures, skipped = cmocka
        failed = len(failures)
    else:
        sums = [m for m in map(SUM_LINE.match, text.splitlines()) if m]
        failures = []
        if sums:
            passed, failed, skipped = (int(n or 0) for n in sums[-1].groups())
        elif status == SKIPPED_STATUS:
            passed, failed, skipped = 0, 0, 1
        else:
            passed, failed, skipped = (1, 0, 0) if status == 0 else (0, 1, 0)
    if status not in (0, SKIPPED_STATUS) and failed == 0:
        failed, failures = 1, ["left with status %d" % status]
    if passed + failed + skipped == 0:
        failed, failures = 1, ["ran no test"]
    return Outcome(name, passed, failed, skipped, 0.0, text, failures)


def can_fix_addresses():
    """ThreadSanitizer of gcc 12 does not start where the kernel spreads addresses too widely."""
    try:
        return subprocess.run(["setarch", "-R", "true"], capture_output=True).returncode == 0
    except OSError:
        return False


class Job:
    def __init__(self, label, build, layer, words):
        self.label, self.build, self.layer, self.words = label, build, layer, words
        self.is_make = words[0] == "make"
        shown = words[1] if self.is_make else words[0]
        if shown.startswith(build + "/"):
            shown = shown[len(build) + 1:]
        self.name = shown + ("" if label == "default" else " [%s]" % label)

    def command(self):
        program = self.words[0]
        if self.is_make:
            return ["make", "--no-print-directory", "-s"] + self.words[1:]
        start = ["setarch", "-R"] if self.label == "thread" and can_fix_addresses() else []
        if program.endswith(".py"):
            return start + [sys.executable, program] + self.words[1:]
        if program.endswith(".sh"):
            return start + ["bash", program] + self.words[1:]
        return start + [os.path.abspath(program)] + self.words[1:]

    def environment(self):
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES")}
        env["NSGFLOW"] = os.path.abspath(os.path.join(self.build, "nsgflow"))
        env["NSGFLOW_BUILD"] = os.path.abspath(self.build)
        env["NSGFLOW_LABEL"] = self.label
        env["LC_ALL"] = "C.UTF-8"
        for name in ("NSGFLOW_SAMPLES", "NSGFLOW_CASES"):
            if env.get(name):
                env[name] = os.path.abspath(env[name])
        env.setdefault("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1")
        env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
        env.setdefault("TSAN_OPTIONS", "halt_on_error=1:second_deadlock_stack=1")
        return env

    def run(self):
        if not self.is_make and not os.path.exists(self.words[0]):
            return Outcome(self.name, failed=1, failures=["was not built"])
        began = time.monotonic()
        process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, env=self.environment(), start_new_session=True)
        try:
            raw, _ = process.communicate(timeout=TIMEOUT_S)
            late = ""
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raw, _ = process.communicate()
            late = "\nrun_tests: ended after %d s\n" % TIMEOUT_S
        outcome = count(self.name, process.returncode, raw.decode("utf-8", "replace") + late)
        outcome.took_s = time.monotonic() - began
        return outcome


def read_plan(label, layers):
    """Yields the jobs of the plan LABEL that belong to one of the layers."""
    with open("build/plans/%s.plan" % label, encoding="utf-8") as plan:
        lines = [shlex.split(line) for line in plan if line.strip()]
    build = lines[0][1]
    for words in lines[1:]:
        layer = words[0] if words[0] in LAYERS else "diff"
        if layer in layers:
            yield Job(label, build, layer, words[1:])


def show(outcome):
    word = "FAIL" if outcome.failed else ("ok" if outcome.passed else "skip")
    skipped = ", %d skipped" % outcome.skipped if outcome.skipped else ""
    print("%-4s %-56s %4d passed, %d failed%s (%.1f s)"
          % (word, outcome.name, outcome.passed, outcome.failed, skipped, outcome.took_s), flush=True)
    if word == "skip":
        for line in outcome.text.splitlines():
            if line.lower().startswith("skipped"):
                print("     | " + line, flush=True)
    if outcome.failed:
        for line in outcome.text.splitlines()[-200:]:
            print("     | " + line)
        for failure in outcome.failures:
            print("     failed: " + failure, flush=True)


def main():
    parser = argparse.ArgumentParser(add_help=True)
    parser.add_argument("--filter", default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--broken", action="append", default=[])
    parser.add_argument("plans", nargs="*")
    options = parser.parse_args()

    outcomes = []
    jobs = []
    for what in options.broken:
        outcomes.append(Outcome("build of " + what, failed=1, failures=["does not build: see above"]))
    for plan in options.plans:
        label, _, layers = plan.partition(":")
        try:
            jobs += list(read_plan(label, layers.split(",")))
        except (OSError, IndexError) as error:
            outcomes.append(Outcome("plan " + label, failed=1, failures=[str(error)]))
    if options.filter:
        # golden.py takes the filter itself: its cases are files, not programs.
        for job in jobs:
            if job.layer == "golden" and job.words[0].endswith("golden.py"):
                job.words += ["--filter", options.filter]
        jobs = [job for job in jobs if options.filter in job.name or job.words[0].endswith("golden.py")]

    for outcome in outcomes:
        show(outcome)
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, options.jobs)) as pool:
        for done in concurrent.futures.as_completed([pool.submit(job.run) for job in jobs]):
            outcome = done.result()
            if options.filter and not outcome.failed and not outcome.passed:
                continue
            outcomes.append(outcome)
            show(outcome)

    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    if passed + failed == 0:
        print("run_tests: no test ran")
        failed = 1
    if failed:
        print("failed: " + ", ".join(outcome.name for outcome in outcomes if outcome.failed))
    if skipped:
        print("skipped: %d tests (see above; NSGFLOW_SAMPLES and NSGFLOW_CASES name the public samples some of them need)" % skipped)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

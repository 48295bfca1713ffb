#!/usr/bin/env python3
"""What happens when the system fails half-way: each fault at each place where it can occur.

Runs the program over the demonstration files with tests/fault/preload_faults.c in front of the C library. Whatever
fails, the program leaves with a status of its contract, never by a signal; with status 0 it wrote exactly what an
undisturbed run writes; with 4 it wrote no file at all, and with 3 a whole one; no temporary file is ever left.
Short and interrupted calls change nothing. Ends with "N passed, N failed".
"""
import concurrent.futures
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

NSGFLOW = os.path.abspath(os.environ.get("NSGFLOW", "build/nsgflow"))
PRELOAD = os.path.join(os.environ.get("NSGFLOW_BUILD", "build"), "tests/fault/preload_faults.so")
RULES = "fixtures/demo/nsgs.json"
LOGS = "fixtures/demo/logs"
COMMANDS = {
    "scan": ["scan", "--format", "json", RULES],
    "scan text": ["scan", RULES],
    "review": ["review", "--format", "json", "--rules", RULES, LOGS],
    "review text": ["review", "--jobs", "1", "--rules", RULES, LOGS],
}
# Every place when there are few; else the first ones and an even spread over the rest.
PLACES_DENSE = 150
PLACES_SPREAD = 150
TIMEOUT_S = 60


class Run:
    """One run with its output in a folder of its own."""

    def __init__(self, command, **faults):
        folder = tempfile.mkdtemp(prefix="nsgflow-fault-")
        try:
            out = os.path.join(folder, "out")
            counts = os.path.join(folder, "counts")
            env = dict(os.environ, LD_PRELOAD=os.path.abspath(PRELOAD), SOURCE_DATE_EPOCH="1767225600", TZ="UTC",
                       NO_COLOR="1", NSF_FAULT_COUNT=counts)
            env.update({"NSF_FAULT_" + name: str(value) for name, value in faults.items()})
            done = subprocess.run([NSGFLOW] + command + ["-o", out], env=env, timeout=TIMEOUT_S,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.status, self.stderr, self.stdout = done.returncode, done.stderr, done.stdout
            self.counts = [0, 0]
            if os.path.exists(counts):
                with open(counts, encoding="ascii") as file:
                    self.counts = [int(word) for word in file.read().split()]
                os.unlink(counts)
            self.files = {}
            for name in os.listdir(folder):
                with open(os.path.join(folder, name), "rb") as file:
                    self.files[name] = file.read()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def problem_of(run, good, command):
    """What is wrong with a run under a fault, or None."""
    if run.status < 0:
        return "ended by signal %d: %s" % (-run.status, run.stderr.decode("utf-8", "replace")[-500:])
    strangers = set(run.files) - {"out"}
    if strangers:
        return "left %s behind" % ", ".join(sorted(strangers))
    if run.status == good.status and run.files == good.files:
        return None
    if run.status == good.status:
        return "status %d, yet the output differs from an undisturbed run" % run.status
    if run.status == 3:
        if "out" not in run.files:
            return "status 3 without a report"
        return problem_of_partial(run.files["out"], command)
    if run.status == 4:
        if run.files:
            return "status 4, yet it wrote a file"
        return None if run.stderr.strip() else "status 4 without a word"
    return "status %d" % run.status


def problem_of_partial(report, command):
    """A report that misses something is still whole, and says what it misses."""
    if "json" not in command:
        return None if report.endswith(b"\n") else "the report is cut"
    try:
        document = json.loads(report)
    except ValueError as error:
        return "status 3, and the report is no JSON: %s" % error
    return None if document["inputs"]["problems"] else "status 3, and the report names no problem"


def places(n):
    """Which of n places to try, ascending."""
    if n <= PLACES_DENSE + PLACES_SPREAD:
        return list(range(1, n + 1))
    dense = list(range(1, PLACES_DENSE + 1))
    step = (n - PLACES_DENSE) / PLACES_SPREAD
    return dense + sorted({int(PLACES_DENSE + step * (i + 1)) for i in range(PLACES_SPREAD)})


class Tests:
    def __init__(self):
        self.passed = self.failed = 0
        self.pool = concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2)

    def report(self, name, problems, n):
        if problems:
            self.failed += 1
            print("FAIL %s: %d of %d places" % (name, len(problems), n))
            for text in problems[:8]:
                print("  " + text)
        else:
            self.passed += 1
            print("ok   %s: %d places" % (name, n))

    def sweep(self, name, command, good, fault, values):
        def one(value):
            try:
                problem = problem_of(Run(command, **{fault: value}), good, command)
            except subprocess.TimeoutExpired:
                problem = "hangs"
            return "%s=%d: %s" % (fault, value, problem) if problem else None

        found = [text for text in self.pool.map(one, values) if text]
        self.report("%s, %s" % (name, fault), found, len(values))

    def unchanged(self, name, command, good, **faults):
        run = Run(command, **faults)
        same = run.status == good.status and run.files == good.files
        text = "status %d: %s" % (run.status, run.stderr.decode("utf-8", "replace")[-300:])
        self.report("%s, %s" % (name, faults), [] if same else [text], 1)

    def closed_pipe(self, name, command):
        """The reader of standard output is gone before the first byte."""
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = subprocess.run([NSGFLOW] + command, stdin=subprocess.DEVNULL, stdout=writer,
                                  stderr=subprocess.PIPE, timeout=TIMEOUT_S)
        finally:
            os.close(writer)
        bad = [] if done.returncode == 4 and done.stderr.strip() else ["status %d: %r" % (done.returncode, done.stderr[-300:])]
        self.report("%s, closed pipe" % name, bad, 1)

    def file_size_limit(self, name, command, good):
        """A file may not grow any more: the system's signal for it does not end the program with its files half done."""
        bad = []
        for limit in (0, 1, len(good.files["out"]) - 1):
            folder = tempfile.mkdtemp(prefix="nsgflow-fault-")
            try:
                done = subprocess.run([NSGFLOW] + command + ["-o", os.path.join(folder, "out")], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT_S,
                                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
                left = os.listdir(folder)
                if done.returncode != 4 or left or not done.stderr.strip():
                    bad.append("limit %d: status %d, left %s: %r" % (limit, done.returncode, left, done.stderr[-300:]))
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        self.report("%s, file size limit" % name, bad, 3)

    def silent_pipe(self):
        """Standard input gives nothing: a run that waits for it can be interrupted, whichever thread reads."""
        for jobs in ("1", "4"):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                process = subprocess.Popen([NSGFLOW, "review", "--rules", RULES, "--jobs", jobs, LOGS, "-"],
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                try:
                    process.stdin.write(b'{"records":[')
                    process.stdin.flush()
                    time.sleep(0.5)
                    process.send_signal(number)
                    status = process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    status = None
                finally:
                    process.kill()
                    process.communicate()
                bad = [] if status == 130 else ["status %s" % status]
                self.report("silent pipe, --jobs %s, %s" % (jobs, signal.Signals(number).name), bad, 1)

    def run(self, name, command):
        good = Run(command)
        if good.status not in (0, 3) or "out" not in good.files:
            self.report("%s, undisturbed" % name, ["status %d: %r" % (good.status, good.stderr[-500:])], 1)
            return
        n_allocs, n_reads = good.counts[:2]
        self.sweep(name, command, good, "ALLOC", places(n_allocs))
        self.sweep(name, command, good, "IO", places(n_reads))
        size = len(good.files["out"])
        self.sweep(name, command, good, "SPACE", sorted({0, 1, size // 2, size - 1}))
        self.unchanged(name, command, good, SPACE=size)
        self.unchanged(name, command, good, READ=1)
        self.unchanged(name, command, good, READ=7)
        self.unchanged(name, command, good, EINTR=2)
        self.unchanged(name, command, good, EINTR=3, READ=1000)
        self.closed_pipe(name, command)
        self.file_size_limit(name, command, good)


def main():
    if not os.path.exists(RULES):
        print("skipped: no demonstration files")
        return 77
    if os.environ.get("NSGFLOW_LABEL", "default") != "default":
        print("skipped: a sanitizer has an allocator of its own in front of the C library's")
        return 77
    tests = Tests()
    for name, command in COMMANDS.items():
        tests.run(name, command)
    tests.silent_pipe()
    print("%d passed, %d failed" % (tests.passed, tests.failed))
    return 1 if tests.failed else 0


if __name__ == "__main__":
    sys.exit(main())

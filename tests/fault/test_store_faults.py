#!/usr/bin/env python3
"""Whatever happens to a run that feeds a store, the next one ends as if nothing had happened.

    NSGFLOW=build/nsgflow tests/fault/test_store_faults.py [--points N] [--hours N]

Kills the program N times: in the middle of each change that it makes to files (spread over them when there are more),
once with its own commits and once with a commit after each blob, at random moments, and while merging; fills the disk
after any number of bytes; fails allocations and reads. Behind each fault an undisturbed run over the same logs gives the
bytes of a run without a store, and reads nothing twice. The same for merge. `--points 2000 --hours 60` kills some 1,700
times, which takes several minutes. Texts that nobody may keep (a signature in the path of a log, keys in the
environment) are in no file that a run wrote.
Ends with "N passed, N failed".
"""
import argparse
import concurrent.futures
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "reference"))

import gen_logs     # noqa: E402

NSGFLOW = os.path.abspath(os.environ.get("NSGFLOW", "build/nsgflow"))
PRELOAD = os.path.abspath(os.path.join(os.environ.get("NSGFLOW_BUILD", "build"), "tests/fault/preload_faults.so"))
SECRETS = {"AZURE_STORAGE_KEY": "c2VjcmV0LWtleS10aGF0LW5vYm9keS1rZWVwcw==", "AZURE_STORAGE_ACCOUNT": "acct",
           "AZURE_CLIENT_SECRET": "client-secret-that-nobody-keeps"}
TIMEOUT_S = 60


def start(arguments, **faults):
    env = dict(os.environ, SOURCE_DATE_EPOCH="1767225600", TZ="UTC", NO_COLOR="1", **SECRETS)
    if faults:
        env["LD_PRELOAD"] = PRELOAD
        env.update({"NSF_FAULT_" + name: str(value) for name, value in faults.items()})
    return subprocess.Popen([NSGFLOW] + arguments, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def run(arguments, **faults):
    process = start(arguments, **faults)
    out, err = process.communicate(timeout=TIMEOUT_S)
    return process.returncode, out, err


class World:
    """Logs of two moments, what a review of them says, and a store that knows the first."""

    def __init__(self, folder, hours):
        self.folder = folder
        whole = os.path.join(folder, "world")
        gen_logs.World(4, ["nsg2", "vnet4", "noise", "azure_paths", "twice"], hours, 12).write(whole)
        self.rules = os.path.join(whole, "nsgs.json")
        self.logs = os.path.join(whole, "logs")
        self.before = os.path.join(folder, "before.db")
        names = sorted(os.path.join(at, name) for at, _, found in os.walk(self.logs) for name in found)
        held = {}
        for i, name in enumerate(names):        # a third is missing, a third is shorter
            with open(name, "rb") as file:
                held[name] = file.read()
            if i % 3 == 0:
                os.unlink(name)
            elif i % 3 == 1 and b"},{\"time\"" in held[name]:
                with open(name, "wb") as file:
                    file.write(held[name][:held[name].rindex(b"},{\"time\"") + 1] + b"]}")
        status, _, err = run(self.command(self.before))
        if status not in (0, 3):
            raise SystemExit("the first run fails: %d %r" % (status, err))
        for name, content in held.items():
            with open(name, "wb") as file:
                file.write(content)
        self.status, self.expected, _ = run(["review", "--rules", self.rules, "--format", "json", self.logs])

    def command(self, store):
        return ["review", "--rules", self.rules, "--format", "json", "--store", store, "--jobs", "2", self.logs]

    def copy(self):
        folder = tempfile.mkdtemp(prefix="case-", dir=self.folder)
        store = os.path.join(folder, "evidence.db")
        shutil.copy(self.before, store)
        return folder, store

    def verdict(self, store):
        """What is wrong with the store after a fault, or None."""
        status, out, err = run(self.command(store))
        if status != self.status:
            return "the next run ends with %d: %s" % (status, err.decode(errors="replace")[-300:])
        if out != self.expected:
            return "the next run says something else"
        status, out, err = run(self.command(store))
        if out != self.expected:
            return "the run after that says something else"
        database = sqlite3.connect(store)
        try:
            check = database.execute("PRAGMA integrity_check").fetchone()[0]
            orphans = database.execute("SELECT (SELECT count(*) FROM parts) - (SELECT sum(n_parts) FROM blobs)").fetchone()[0]
            read = database.execute("SELECT bytes, n_new + n_grown + n_replaced FROM runs ORDER BY rowid DESC").fetchone()
        finally:
            database.close()
        if check != "ok":
            return "SQLite finds the file damaged: " + check
        if orphans:
            return "%d parts belong to no blob" % orphans
        if read != (0, 0):
            return "a run with nothing new read %d bytes of %d blobs" % read
        return None

    def secrets(self, folder):
        for at, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(at, name), "rb") as file:
                    content = file.read()
                for secret in (SECRETS["AZURE_STORAGE_KEY"], SECRETS["AZURE_CLIENT_SECRET"]):
                    if secret.encode() in content:
                        return "%s holds a secret" % name
        return None


class Tests:
    def __init__(self, world):
        self.world = world
        self.passed = self.failed = 0
        self.pool = concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2)

    def sweep(self, name, fault, values):
        def one(value):
            folder, store = self.world.copy()
            try:
                problem = fault(folder, store, value)
            except subprocess.TimeoutExpired:
                problem = "hangs"
            finally:
                shutil.rmtree(folder)
            return "%s: %s" % (value, problem) if problem else None

        found = [text for text in self.pool.map(one, values) if text]
        if found:
            self.failed += 1
            print("FAIL %s: %d of %d places" % (name, len(found), len(values)))
            print("".join("  %s\n" % text for text in found[:8]), end="")
        else:
            self.passed += 1
            print("ok   %s: %d places" % (name, len(values)))

    def count(self, arguments, **faults):
        """Allocations, reads and changes of files of an undisturbed run."""
        counts = os.path.join(self.world.folder, "counts")
        status, _, err = run(arguments, COUNT=counts, **faults)
        if status not in (0, 3):
            raise SystemExit("an undisturbed run ends with %d: %r" % (status, err))
        with open(counts, encoding="ascii") as file:
            return [int(word) for word in file.read().split()]


def spread(n, points):
    return sorted({1 + i * n // points for i in range(points)} if n > points else range(1, n + 1))


# The monotonic clock jumps at each look at it, so that a commit is due after each blob.
EACH = 600


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--points", type=int, default=60)
    parser.add_argument("--hours", type=int, default=6, help="of logs: more of them are more changes of files")
    options = parser.parse_args()
    if os.environ.get("NSGFLOW_LABEL", "default") != "default":
        print("skipped: a sanitizer has an allocator of its own in front of the C library's")
        return 77
    folder = tempfile.mkdtemp(prefix="nsgflow-store-fault-")
    try:
        world = World(folder, options.hours)
        tests = Tests(world)

        def killed(case, store, value, **more):
            status, _, err = run(world.command(store), KILL=value, **more)
            if status not in (-signal.SIGKILL, world.status):   # it got by with fewer changes this time
                return "was not killed but ended with %d: %r" % (status, err[-300:])
            return world.secrets(case) or world.verdict(store)

        def killed_between_commits(case, store, value):
            return killed(case, store, value, TICK=EACH)

        def killed_at_random(case, store, seed):
            rng = random.Random(seed)
            process = start(world.command(store), **({"TICK": EACH} if seed % 2 else {}))
            time.sleep(rng.random() * 1.2 * took_s)
            process.kill()
            process.communicate(timeout=TIMEOUT_S)
            return world.verdict(store)

        def survives(fault):
            def one(case, store, value):
                status, out, err = run(world.command(store), **{fault: value})
                if status < 0 or (status == 4 and not err.strip()):
                    return "ends with %d without a word" % status
                if fault == "SPACE" and status != world.status and b"space" not in err:
                    return "does not say that the disk is full: %r" % err[-300:]
                if status == 0 and out != world.expected:
                    return "status %d, yet the report differs" % status
                return world.secrets(case) or world.verdict(store)
            return one

        def merge_killed(case, store, value):
            target = os.path.join(case, "merged.db")
            status, _, err = run(["merge", "-o", target, store, store], KILL=value)
            if status not in (-signal.SIGKILL, 0):      # 0: it got by with fewer changes this time
                return "was not killed but ended with %d: %r" % (status, err[-300:])
            status, _, err = run(["merge", "-o", target, store, store])
            return world.verdict(target) if status == 0 else "the next merge fails: %r" % err[-300:]

        case, store = world.copy()
        n_allocs, n_reads, n_changes = tests.count(world.command(store))
        began = time.monotonic()
        _, again = world.copy()
        n_more_changes = tests.count(world.command(again), TICK=EACH)[2]
        took_s = time.monotonic() - began
        target = os.path.join(case, "merged.db")
        n_merge_changes = tests.count(["merge", "-o", target, store, store])[2]
        size = sum(os.path.getsize(os.path.join(case, name)) for name in os.listdir(case))
        tests.sweep("killed within a change of a file", killed, spread(n_changes, options.points // 4))
        tests.sweep("killed within a change, a commit a blob", killed_between_commits,
                    spread(n_more_changes, options.points // 2))
        tests.sweep("killed at random", killed_at_random, range(options.points // 8))
        tests.sweep("killed while merging", merge_killed, spread(n_merge_changes, options.points // 8))
        tests.sweep("disk full", survives("SPACE"), [0, 1] + spread(size, options.points // 4))
        tests.sweep("allocation fails", survives("ALLOC"), spread(n_allocs, options.points // 2))
        tests.sweep("read fails", survives("IO"), spread(n_reads, options.points // 2))
        print("%d passed, %d failed" % (tests.passed, tests.failed))
        return 1 if tests.failed else 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Runs the end-to-end tests: each function test_* of the modules below, with the servers of world.py.

usage: run.py [--filter TEXT] [--threads] [--jobs N]

--threads: only those that read with several threads, for a build that looks for races. Tests run in N processes side
by side, each with a proxy of its own in front of the one blob server: most of them wait for a clock most of the time.
run.sh sets up what this needs. Prints one line a test and last "N passed, N failed".
"""
import argparse
import multiprocessing
import queue
import shutil
import signal
import sys
import tempfile
import time
import traceback

import credentials
import faults
import program
import reading
from servers import Azurite
from world import World

MODULES = (reading, credentials, faults, program)
# By what they wait for: those that take longest begin first.
LONG = ("test_faults_change_nothing_but_the_count", "test_stalls", "test_lying_listings", "test_lies",
        "test_busy_and_its_hints", "test_memory_stays_small")
THREADED = ("test_many_streams_at_a_time", "test_interruption", "test_storage_says_what_the_disk_says",
            "test_faults_change_nothing_but_the_count", "test_a_log_that_grows_during_the_review",
            "test_the_store_asks_for_what_is_new", "test_interrupted",
            "test_a_log_made_anew_during_the_review")


def find_tests(options):
    tests = {name: f for module in MODULES for name, f in vars(module).items()
             if name.startswith("test_") and callable(f) and options.filter in name}
    if options.threads:
        tests = {name: f for name, f in tests.items() if name in THREADED}
    return dict(sorted(tests.items(), key=lambda item: item[0] not in LONG))


def work(index, azurite, folder, tests, names, results):
    """One process: takes names until an empty one comes."""
    folder = tempfile.mkdtemp(prefix="%d-" % index, dir=folder)
    world = World(folder, azurite, "logs%d-" % index)
    try:
        for name in iter(names.get, ""):
            began, text = time.monotonic(), ""
            try:
                world.proxy.reset()
                tests[name](world)
            except Exception:
                text = traceback.format_exc()
            results.put((name, time.monotonic() - began, text))
    finally:
        world.stop()


def run_all(tests, n_workers, folder):
    passed = failed = 0
    azurite = Azurite(folder)
    context = multiprocessing.get_context("fork")
    names, results = context.SimpleQueue(), context.Queue()
    for name in list(tests) + [""] * n_workers:
        names.put(name)
    workers = [context.Process(target=work, args=(i, azurite, folder, tests, names, results)) for i in range(n_workers)]
    try:
        for worker in workers:
            worker.start()
        while passed + failed < len(tests):
            is_over = not any(worker.is_alive() for worker in workers)
            try:
                name, took_s, text = results.get(timeout=1)
            except queue.Empty:
                if is_over:
                    break
                continue
            passed, failed = passed + (not text), failed + bool(text)
            print("%-4s %s (%.1f s)%s" % ("FAIL" if text else "ok", name, took_s, text and "\n" + text), flush=True)
    finally:
        for worker in workers:
            worker.join(10)
            if worker.is_alive():
                worker.terminate()
        azurite.stop()
    n_lost = len(tests) - passed - failed
    if n_lost:
        print("%d tests did not come to an end: the process that ran them died" % n_lost)
    return passed, failed + n_lost


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--filter", default="")
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--jobs", type=int, default=3)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # everything below ends what it began
    tests = find_tests(options)
    folder = tempfile.mkdtemp(prefix="nsgflow-e2e-")
    try:
        passed, failed = run_all(tests, max(1, min(options.jobs, len(tests))), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Runs the end-to-end tests: each function test_* of the modules below, with the servers of world.py.

usage: run.py [--filter TEXT]

run.sh sets up what this needs. Prints one line a test and last "N passed, N failed".
"""
import argparse
import shutil
import sys
import tempfile
import time
import traceback

import credentials
import faults
import program
import reading
from world import World

MODULES = (reading, credentials, faults, program)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--filter", default="")
    options = parser.parse_args()
    tests = [(name, f) for module in MODULES for name, f in vars(module).items()
             if name.startswith("test_") and callable(f) and options.filter in name]
    folder = tempfile.mkdtemp(prefix="nsgflow-e2e-")
    passed = failed = 0
    world = World(folder)
    try:
        for name, test in tests:
            began = time.monotonic()
            try:
                world.proxy.reset()
                test(world)
                passed += 1
                print("ok   %s (%.1f s)" % (name, time.monotonic() - began), flush=True)
            except Exception:
                failed += 1
                print("FAIL %s\n%s" % (name, traceback.format_exc()), flush=True)
    finally:
        world.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""A gate that is not a time: instructions, counted by callgrind, on small logs that are the same each time.

usage: test_instructions.py [--record]

Counted are the reading alone (the envelope with a variant of the tuple reader) and whole reviews. A count may be up to
SLACK_PCT above the one recorded in tests/cost/instructions.json: more is a failure, also when seconds on a fast machine do
not show it. The variant is fixed, so that the vectors of the machine do not matter. Figures are kept for gcc on x86-64: callgrind
of Debian 12 cannot read what clang writes for debuggers.

`make cost-record` writes what is counted now: do it in the commit that changes the cost, and say in its message why.
"""
import concurrent.futures
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDED = os.path.join(HERE, "instructions.json")
# The seed of the hash tables moves a count by 0.3 % at most; the rest is for patch levels of compilers and libraries.
SLACK_PCT = 8
LOG_BYTES = 2_000_000
KINDS = ("typical", "vnet", "flood", "small")
COLLECTED = re.compile(r"Collected : (\d+)")
# The C library too would otherwise choose by processor.
FIXED = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX_Fast_Unaligned_Load,-ERMS", "LC_ALL": "C.UTF-8"}


class Cannot(Exception):
    """Nothing can be counted here; says why."""


def is_from_gcc(program):
    with open(program, "rb") as file:
        text = file.read()
    return b"GCC: (" in text and b"clang version " not in text


def has_avx2():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            return " avx2" in info.read()
    except OSError:
        return False


def count(words, environment, measured=None):
    argv = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    if measured:
        argv += ["--collect-atstart=no", "--toggle-collect=" + measured]
    done = subprocess.run(argv + words, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=dict(os.environ, **FIXED, **environment))
    text = done.stderr.decode("utf-8", "replace")
    found = COLLECTED.search(text)
    if done.returncode != 0 or not found or int(found.group(1)) == 0:
        raise AssertionError("%s: status %d: %s" % (" ".join(words[:3]), done.returncode, text[-1000:]))
    return int(found.group(1))


def generate(build, folder):
    """The logs; returns their paths and a check sum over all of them."""
    gen, paths, digest = os.path.join(build, "bench", "gen_logs"), {}, hashlib.sha256()
    for kind in KINDS:
        paths[kind] = os.path.join(folder, kind)
        more = ["--blobs", str(LOG_BYTES // 10000)] if kind == "small" else ["--busy", "600"]
        subprocess.run([gen, kind, "--bytes", str(LOG_BYTES)] + more + [paths[kind]], check=True)
        files = sorted(os.path.join(base, name) for base, _, names in os.walk(paths[kind]) for name in names) or [paths[kind]]
        for path in files:
            with open(path, "rb") as file:
                digest.update(file.read())
    paths["rules"] = os.path.join(folder, "nsgs.json")
    subprocess.run([gen, "rules", paths["rules"]], check=True)
    return paths, digest.hexdigest()


def tasks_of(build, paths):
    """Name of each figure, and what to call for it."""
    stages, nsgflow = os.path.join(build, "bench", "stages"), os.environ["NSGFLOW"]
    tasks = {}
    for variant in ("portable", "avx2"):
        for kind in ("typical", "vnet", "flood"):
            tasks["reading %s, %s" % (kind, variant)] = ([stages, "--count", variant, paths[kind]], {}, "bench_counted")
    for kind in KINDS:
        tasks["review of %s, avx2" % kind] = ([nsgflow, "review", "--quiet", "--format", "json", "-o", "/dev/null", "--rules",
                                               paths["rules"], "--jobs", "1", paths[kind]], {"NSGFLOW_VARIANT": "avx2"}, None)
    return tasks


def is_too_much(counted, recorded):
    return counted > recorded * (1 + SLACK_PCT / 100)


def count_all(tasks):
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        running = {name: pool.submit(count, *task) for name, task in tasks.items()}
        return {name: future.result() for name, future in running.items()}


def compare(figures, recorded):
    """Prints a line a figure; returns how many passed and failed."""
    passed = failed = 0
    for name, counted in figures.items():
        if name not in recorded:
            print("FAIL %-28s %12d instructions, nothing is recorded" % (name, counted))
            failed += 1
            continue
        change = 100.0 * counted / recorded[name] - 100
        is_bad = is_too_much(counted, recorded[name])
        print("%-4s %-28s %12d instructions, %6.2f a byte, %+.1f %% of what is recorded"
              % ("FAIL" if is_bad else "ok", name, counted, counted / LOG_BYTES, change))
        failed += is_bad
        passed += not is_bad
    if failed:
        print("More than %d %% above the recorded count is too much. If the cost is meant: make cost-record, and say why in the "
              "commit." % SLACK_PCT)
    return passed, failed


def load():
    try:
        with open(RECORDED, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def record(digest, figures):
    with open(RECORDED, "w", encoding="utf-8") as file:
        json.dump({"input": digest, "figures": figures}, file, indent=1, sort_keys=True)
        file.write("\n")


def main():
    assert is_too_much(115, 100) and not is_too_much(105, 100), "the gate would not notice"
    if platform.machine() != "x86_64":
        raise Cannot("figures are kept for x86-64")
    if not shutil.which("valgrind"):
        raise Cannot("valgrind is not installed")
    if not is_from_gcc(os.environ["NSGFLOW"]):
        raise Cannot("figures are kept for gcc")
    folder = tempfile.mkdtemp(prefix="nsgflow-cost-")
    try:
        paths, digest = generate(os.environ["NSGFLOW_BUILD"], folder)
        tasks = tasks_of(os.environ["NSGFLOW_BUILD"], paths)
        known = load()
        if "--record" not in sys.argv and known.get("input") != digest:
            print("FAIL the generated logs are others than those the figures were recorded on: make cost-record")
            print("0 passed, 1 failed")
            return 1
        left_out = [] if has_avx2() else [name for name in tasks if name.endswith("avx2")]
        if "--record" in sys.argv:
            if left_out:
                raise Cannot("this machine has no AVX2, so not everything can be recorded")
            record(digest, count_all(tasks))
            return 0
        figures = count_all({name: task for name, task in tasks.items() if name not in left_out})
        passed, failed = compare(figures, known["figures"])
    finally:
        shutil.rmtree(folder)
    print("%d passed, %d failed, %d skipped" % (passed, failed, len(left_out)))
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Cannot as reason:
        print("skipped: %s" % reason)
        sys.exit(77)
